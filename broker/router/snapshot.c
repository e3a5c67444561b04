/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - the table as workers see it, and which of its sets answers.
 *
 * Made whole on the routing loop at the end of a turn that changed the table,
 * read by all workers, freed by whoever drops the last reference.
 */
#include "router/router_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

struct place {
    struct route_set *set; /* a reference */
    uint32_t hash;
    uint32_t next; /* index + 1 of the next in its bucket; 0: none */
};

struct snapshot {
    _Atomic uint32_t refs;
    uint32_t count;
    uint32_t mask;
    uint32_t *bucket; /* index + 1 */
    struct place place[];
};

static void put(void *arg, struct route_set *set)
{
    struct snapshot *s = arg;
    struct place *p = &s->place[s->count++];
    uint32_t *at;

    p->set = set_hold(set);
    p->hash = name_hash(set->domain);
    at = &s->bucket[p->hash & s->mask];
    p->next = *at;
    *at = s->count;
}

struct snapshot *snapshot_new(void)
{
    size_t count = table_count();
    uint32_t size = 16;
    struct snapshot *s = malloc(sizeof(*s) + count * sizeof(s->place[0]));

    if (s == NULL)
        return NULL;
    while (size < count)
        size *= 2;
    s->bucket = calloc(size, sizeof(*s->bucket));
    if (s->bucket == NULL) {
        free(s);
        return NULL;
    }
    atomic_init(&s->refs, 1);
    s->count = 0;
    s->mask = size - 1;
    table_walk(put, s);
    return s;
}

struct snapshot *snapshot_hold(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_release(struct snapshot *s)
{
    uint32_t i;

    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (i = 0; i < s->count; i++)
        set_release(s->place[i].set);
    free(s->bucket);
    free(s);
}

/* A set of exactly `name` that comes before `best`. */
static struct route_set *better(const struct snapshot *s, struct xmb_str name, int suffix_only,
                                struct route_set *best)
{
    uint32_t hash = name_hash(name);
    uint32_t at = s->bucket[hash & s->mask];

    for (; at != 0; at = s->place[at - 1].next) {
        struct route_set *set = s->place[at - 1].set;

        if (s->place[at - 1].hash != hash || (suffix_only && !set->has_suffix) ||
            (best != NULL && set->module >= best->module) || !xmb_str_eq(set->domain, name))
            continue;
        best = set;
    }
    return best;
}

/* From the longest name to the shortest, so of one module the longest is found first and stays. */
struct route_set *snapshot_find(const struct snapshot *s, struct xmb_str domain, int *suffix_only)
{
    struct route_set *best = NULL;
    struct xmb_str name = domain;

    if (s == NULL || s->count == 0)
        return NULL;
    for (; name.n > 0; name = name_parent(name)) {
        struct route_set *found = better(s, name, name.n != domain.n, best);

        if (found != best)
            *suffix_only = name.n != domain.n;
        best = found;
    }
    return best;
}
