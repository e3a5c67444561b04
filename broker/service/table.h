/* SPDX-License-Identifier: MIT */
/*
 * table.h - a hash table whose nodes are members of what they index.
 *
 * Zeroed memory is an empty table, and adding cannot fail: without memory for
 * more buckets the chains get longer. A finder is written where it is used:
 *
 *     for (n = *table_bucket(t, hash); n != NULL; n = n->next)
 *         if (n->hash == hash && is_it(n)) ...
 *
 * Identities come from strangers, so service_hash is keyed with a secret that is
 * drawn once a process. Not for more than one thread at a time.
 */
#ifndef BROKER_SERVICE_TABLE_H
#define BROKER_SERVICE_TABLE_H

#include <xmb/service.h>

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **buckets; /* NULL: everything hangs on `only` */
    struct table_node *only;
    uint32_t mask; /* number of buckets - 1 */
    uint32_t count;
};

static inline struct table_node **table_bucket(struct table *t, uint64_t hash)
{
    return t->buckets != NULL ? &t->buckets[hash & t->mask] : &t->only;
}

void table_grow(struct table *t); /* twice the buckets, if there is memory */

static inline void table_add(struct table *t, struct table_node *n, uint64_t hash)
{
    struct table_node **b;

    if (t->count > t->mask)
        table_grow(t);
    b = table_bucket(t, hash);
    n->hash = hash;
    n->next = *b;
    *b = n;
    t->count++;
}

/* `n` is in `t`. */
static inline void table_remove(struct table *t, struct table_node *n)
{
    struct table_node **p = table_bucket(t, n->hash);

    while (*p != n)
        p = &(*p)->next;
    *p = n->next;
    t->count--;
}

/* The node after `n` in no particular order, the first for NULL; NULL at the end. */
struct table_node *table_next(struct table *t, const struct table_node *n);
/* Frees the buckets; the nodes are their owners' business. The table is empty then. */
void table_clear(struct table *t);

/* Draws the secret; before the first hash. */
void service_hash_init(void);
/* `scope` is the domain, and the view in the bits above it. */
uint64_t service_hash(uint32_t scope, const struct xmb_service_id *id);

static inline int service_id_equal(const struct xmb_service_id *a, const struct xmb_service_id *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

#endif
