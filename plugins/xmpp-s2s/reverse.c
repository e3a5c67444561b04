/* SPDX-License-Identifier: MIT */
/*
 * reverse.c - see reverse.h: pairs, each with its offers in the order of their coming.
 */
#include "reverse.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 1024u /* a power of two */

struct way;

struct s2_reverse {
    struct s2_reverse *next;
    struct way *way;
    struct s2_link *link; /* of its worker: nobody else follows it */
    uint32_t index;
};

/* A pair in reverse. There is one as long as it has an offer. */
struct way {
    struct way *next;
    struct s2_reverse *first;
    enum s2_side side;
    int claimed;
    struct s2_domain local, remote;
};

struct s2_reverses {
    pthread_mutex_t lock;
    _Atomic uint32_t count; /* of ways; 0: nobody takes the lock */
    struct way *bucket[BUCKETS];
};

struct s2_reverses *s2_reverses_new(void)
{
    struct s2_reverses *t = calloc(1, sizeof(*t));

    if (t != NULL)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

/* Streams have closed what they offered. */
void s2_reverses_free(struct s2_reverses *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* --- under the lock -------------------------------------------------------------------------- */

/* The place of a way in its bucket: what it points to is NULL when it is not there. */
static struct way **place(struct s2_reverses *t, enum s2_side side, const struct s2_domain *local,
                          const struct s2_domain *remote)
{
    struct way **at = &t->bucket[(remote->hash ^ local->hash * 31u) & (BUCKETS - 1)];

    while (*at != NULL && !((*at)->side == side && s2_domain_eq(&(*at)->remote, remote) &&
                            s2_domain_eq(&(*at)->local, local)))
        at = &(*at)->next;
    return at;
}

/* `fresh` becomes the way of that pair unless there is one; else it is not needed. */
static struct way *get(struct s2_reverses *t, struct way *fresh)
{
    struct way **at = place(t, fresh->side, &fresh->local, &fresh->remote);

    if (*at == NULL) {
        *at = fresh;
        atomic_fetch_add(&t->count, 1);
    }
    return *at;
}

static void append(struct way *way, struct s2_reverse *r)
{
    struct s2_reverse **at = &way->first;

    while (*at != NULL)
        at = &(*at)->next;
    *at = r;
    r->way = way;
}

/* Returns the way when it has gone with its last offer. */
static struct way *take_out(struct s2_reverses *t, struct s2_reverse *r)
{
    struct way *way = r->way, **place_of;
    struct s2_reverse **at = &way->first;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    if (way->first != NULL)
        return NULL;
    place_of = place(t, way->side, &way->local, &way->remote);
    *place_of = way->next;
    atomic_fetch_sub(&t->count, 1);
    return way;
}

/* --- offers ---------------------------------------------------------------------------------- */

int s2_reverse_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                    const struct s2_domain *remote, struct s2_link *on, struct s2_reverse **out)
{
    struct s2_reverses *t = w->module->reverses;
    struct s2_reverse *r = calloc(1, sizeof(*r));
    struct way *fresh = calloc(1, sizeof(*fresh)), *way;

    if (r == NULL || fresh == NULL) {
        free(r);
        free(fresh);
        return XMB_ENOMEM;
    }
    *r = (struct s2_reverse){.link = on, .index = w->index};
    *fresh = (struct way){.side = side, .local = *local, .remote = *remote};
    pthread_mutex_lock(&t->lock);
    way = get(t, fresh);
    append(way, r);
    pthread_mutex_unlock(&t->lock);
    if (way != fresh)
        free(fresh);
    *out = r;
    return 0;
}

void s2_reverse_close(struct s2_worker *w, struct s2_reverse *r)
{
    struct s2_reverses *t = w->module->reverses;
    struct way *gone;
    int was_owner;

    pthread_mutex_lock(&t->lock);
    was_owner = r->way->claimed && r->way->first == r;
    gone = take_out(t, r);
    pthread_mutex_unlock(&t->lock);
    free(gone);
    free(r);
    if (was_owner)
        s2_owners_changed(w->module);
}

/* --- questions ------------------------------------------------------------------------------- */

static int is_empty(const struct s2_reverses *t)
{
    return t == NULL || atomic_load(&t->count) == 0;
}

int s2_reverse_claim(struct s2_module *m, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote)
{
    struct s2_reverses *t = m->reverses;
    int changes = 0;
    struct way *way;

    if (is_empty(t))
        return 0;
    pthread_mutex_lock(&t->lock);
    way = *place(t, side, local, remote);
    if (way != NULL) {
        changes = !way->claimed;
        way->claimed = 1;
    }
    pthread_mutex_unlock(&t->lock);
    if (changes)
        s2_owners_changed(m);
    return way != NULL;
}

int s2_reverse_owner(struct s2_module *m, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote, uint32_t *index)
{
    struct s2_reverses *t = m->reverses;
    const struct way *way;
    int is_claimed;

    if (is_empty(t))
        return 0;
    pthread_mutex_lock(&t->lock);
    way = *place(t, side, local, remote);
    is_claimed = way != NULL && way->claimed;
    if (is_claimed)
        *index = way->first->index;
    pthread_mutex_unlock(&t->lock);
    return is_claimed;
}

struct s2_link *s2_reverse_link(const struct s2_worker *w, enum s2_side side,
                                const struct s2_domain *local, const struct s2_domain *remote)
{
    struct s2_reverses *t = w->module->reverses;
    const struct s2_reverse *r = NULL;
    const struct way *way;
    struct s2_link *link;

    if (is_empty(t))
        return NULL;
    pthread_mutex_lock(&t->lock);
    way = *place(t, side, local, remote);
    if (way != NULL)
        r = way->first;
    while (r != NULL && r->index != w->index)
        r = r->next;
    link = r != NULL ? r->link : NULL;
    pthread_mutex_unlock(&t->lock);
    return link;
}
