/* SPDX-License-Identifier: MIT */
/*
 * health.c - the table of health.h: a short list, since local domains are few.
 */
#include "health.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    struct entry *next;
    struct s2_domain local;
    enum s2_reach reach;
    char why[S2_HEALTH_WHY];
};

struct s2_health {
    pthread_mutex_t lock;
    struct entry *first;
};

struct s2_health *s2_health_new(void)
{
    struct s2_health *h = calloc(1, sizeof(*h));

    if (h != NULL)
        pthread_mutex_init(&h->lock, NULL);
    return h;
}

void s2_health_free(struct s2_health *h)
{
    struct entry *e;

    if (h == NULL)
        return;
    while ((e = h->first) != NULL) {
        h->first = e->next;
        free(e);
    }
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static struct entry *find(struct s2_health *h, const struct s2_domain *local)
{
    struct entry *e = h->first;

    while (e != NULL && !s2_domain_eq(&e->local, local))
        e = e->next;
    return e;
}

/* Without memory for a new one nothing is noted: `show` then says "untried". */
static struct entry *find_or_add(struct s2_health *h, const struct s2_domain *local)
{
    struct entry *e = find(h, local);

    if (e != NULL || (e = calloc(1, sizeof(*e))) == NULL)
        return e;
    e->local = *local;
    e->next = h->first;
    h->first = e;
    return e;
}

void s2_health_note(struct s2_health *h, const struct s2_domain *local, const char *why)
{
    struct entry *e;

    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    e = find_or_add(h, local);
    if (e != NULL) {
        e->reach = why == NULL ? S2_REACH_UP : S2_REACH_DOWN;
        snprintf(e->why, sizeof(e->why), "%s", why != NULL ? why : "");
    }
    pthread_mutex_unlock(&h->lock);
}

enum s2_reach s2_health_read(struct s2_health *h, const struct s2_domain *local,
                             char why[S2_HEALTH_WHY])
{
    enum s2_reach reach = S2_REACH_UNTRIED;
    const struct entry *e;

    why[0] = '\0';
    pthread_mutex_lock(&h->lock);
    e = find(h, local);
    if (e != NULL) {
        reach = e->reach;
        memcpy(why, e->why, S2_HEALTH_WHY);
    }
    pthread_mutex_unlock(&h->lock);
    return reach;
}

void s2_health_keep(struct s2_health *h, const struct s2_conf *c)
{
    struct entry **at = &h->first;
    struct entry *e;

    pthread_mutex_lock(&h->lock);
    while ((e = *at) != NULL) {
        if (s2_conf_local(c, &e->local) != NULL) {
            at = &e->next;
        } else {
            *at = e->next;
            free(e);
        }
    }
    pthread_mutex_unlock(&h->lock);
}
