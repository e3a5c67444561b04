/* SPDX-License-Identifier: MIT */
/*
 * component_table.c - which local domains have a component connected, and on which worker: there
 * all flows of the domain live meanwhile.
 *
 * A short list under a lock, asked when a path is opened or an error goes back. Each change raises
 * the module's owner_epoch, so that open paths look again; while that is 0 nobody ever connected
 * and no lock is taken.
 */
#include "component.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
    struct entry *next;
    struct s2_domain name;
    uint32_t index;
    xmb_ref ref;
};

struct s2_components {
    pthread_mutex_t lock;
    struct entry *first;
};

struct s2_components *s2_components_new(void)
{
    struct s2_components *t = calloc(1, sizeof(*t));

    if (t != NULL)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

void s2_components_free(struct s2_components *t)
{
    struct entry *e;

    if (t == NULL)
        return;
    while ((e = t->first) != NULL) {
        t->first = e->next;
        free(e);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The place of `name` in the list: what it points to is NULL when it is not there. */
static struct entry **place(struct s2_components *t, const struct s2_domain *name)
{
    struct entry **at = &t->first;

    while (*at != NULL && !s2_domain_eq(&(*at)->name, name))
        at = &(*at)->next;
    return at;
}

void s2_owners_changed(struct s2_module *m)
{
    /* 0 is kept for "never": it comes round after 2^32 changes. */
    if (atomic_fetch_add(&m->owner_epoch, 1) == UINT32_MAX)
        atomic_fetch_add(&m->owner_epoch, 1);
}

int s2_components_take(struct s2_module *m, const struct s2_domain *name, uint32_t index,
                       xmb_ref ref, uint32_t *old_index, xmb_ref *old_ref)
{
    struct s2_components *t = m->components;
    struct entry *fresh = calloc(1, sizeof(*fresh)), **at;
    int was_there;

    if (fresh == NULL)
        return XMB_ENOMEM;
    *fresh = (struct entry){.name = *name, .index = index, .ref = ref};
    pthread_mutex_lock(&t->lock);
    at = place(t, name);
    was_there = *at != NULL;
    if (was_there) {
        *old_index = (*at)->index;
        *old_ref = (*at)->ref;
        fresh->next = (*at)->next;
        free(*at);
    }
    *at = fresh;
    pthread_mutex_unlock(&t->lock);
    s2_owners_changed(m);
    return was_there;
}

int s2_components_drop(struct s2_module *m, const struct s2_domain *name, xmb_ref ref)
{
    struct s2_components *t = m->components;
    struct entry **at, *e;
    int was_it;

    pthread_mutex_lock(&t->lock);
    at = place(t, name);
    e = *at;
    was_it = e != NULL && e->ref == ref;
    if (was_it) {
        *at = e->next;
        free(e);
    }
    pthread_mutex_unlock(&t->lock);
    if (was_it)
        s2_owners_changed(m);
    return was_it;
}

int s2_components_find(struct s2_module *m, const struct s2_domain *name, uint32_t *index)
{
    struct s2_components *t = m->components;
    const struct entry *e;

    if (atomic_load(&m->owner_epoch) == 0)
        return 0;
    pthread_mutex_lock(&t->lock);
    e = *place(t, name);
    if (e != NULL)
        *index = e->index;
    pthread_mutex_unlock(&t->lock);
    return e != NULL;
}
