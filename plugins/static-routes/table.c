/* SPDX-License-Identifier: MIT */
/*
 * table.c - a table of static routes: made, counted, looked up, compared. How
 * it is read from the configuration stands in table_conf.c.
 */
#include "table_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

/* FNV-1a. The names in the table are the operator's, so nobody outside makes its chains long. */
static uint32_t hash_of(struct xmb_str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

static struct static_domain **place_of(const struct static_table *t, struct xmb_str name)
{
    struct static_domain **at = &t->bucket[hash_of(name) & t->mask];

    while (*at != NULL && !xmb_str_eq(xmb_str_n((*at)->name, (*at)->n), name))
        at = &(*at)->next;
    return at;
}

struct static_table *static_table_new(uint32_t routes)
{
    struct static_table *t = calloc(1, sizeof(*t));
    uint32_t buckets = 1;

    while (buckets < routes)
        buckets *= 2;
    if (t != NULL)
        t->bucket = calloc(buckets, sizeof(struct static_domain *));
    if (t == NULL || t->bucket == NULL) {
        free(t);
        return NULL;
    }
    atomic_init(&t->refs, 1);
    t->mask = buckets - 1;
    t->end = &t->first;
    return t;
}

struct static_domain *static_table_domain(struct static_table *t, struct xmb_str name)
{
    struct static_domain **at = place_of(t, name);

    if (*at != NULL)
        return *at;
    *at = calloc(1, sizeof(**at));
    if (*at == NULL)
        return NULL;
    memcpy((*at)->name, name.p, name.n);
    (*at)->n = (uint8_t)name.n;
    *t->end = *at;
    t->end = &(*at)->following;
    t->domain_count++;
    return *at;
}

const struct static_domain *static_table_find(const struct static_table *t, struct xmb_str name)
{
    return name.n > 0 ? *place_of(t, name) : NULL;
}

/* --- comparison ------------------------------------------------------------------------------ */

int static_route_same(const struct static_route *a, const struct static_route *b)
{
    if (a->port != b->port || a->addr.family != b->addr.family)
        return 0;
    if (a->host != NULL || b->host != NULL)
        return a->host != NULL && b->host != NULL && strcmp(a->host, b->host) == 0;
    return a->addr.scope == b->addr.scope &&
           memcmp(a->addr.ip, b->addr.ip, sizeof(a->addr.ip)) == 0;
}

int static_domain_same(const struct static_domain *a, const struct static_domain *b)
{
    uint32_t i;

    if (a->count != b->count)
        return 0;
    for (i = 0; i < a->count; i++)
        if (a->route[i].tls != b->route[i].tls ||
            !static_route_same(&a->route[i], &b->route[i]))
            return 0;
    return 1;
}

/* --- life ------------------------------------------------------------------------------------ */

struct static_table *static_table_hold(struct static_table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

static void domain_free(struct static_domain *d)
{
    uint32_t i;

    for (i = 0; i < d->count; i++)
        free(d->route[i].host);
    free(d->route);
    free(d);
}

void static_table_release(struct static_table *t)
{
    struct static_domain *d;

    if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    while ((d = t->first) != NULL) {
        t->first = d->following;
        domain_free(d);
    }
    free(t->bucket);
    free(t);
}
