/* SPDX-License-Identifier: MIT */
/*
 * table.c - growth and iteration of the hash table, and the keyed hash of identities.
 *
 * Growth relinks all nodes at once. With a million services that is a pause of
 * some tens of milliseconds on the routing loop, met twenty times in a life; the data
 * path of the workers does not wait for it.
 */
#include "service/table.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_BUCKETS 8u
#define MOST_BUCKETS (1u << 30)

static uint64_t secret[4] = {UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1b54a32d192ed03),
                             UINT64_C(0x8cb92ba72f3d8dd7), UINT64_C(0xaef17502108ef2d9)};

void table_grow(struct table *t)
{
    uint32_t size = t->buckets != NULL ? (t->mask + 1) * 2 : FIRST_BUCKETS;
    struct table_node **old = t->buckets != NULL ? t->buckets : &t->only;
    struct table_node **fresh;
    struct table_node *n;
    uint32_t i, old_size = t->buckets != NULL ? t->mask + 1 : 1;

    if (old_size >= MOST_BUCKETS)
        return;
    fresh = calloc(size, sizeof(*fresh));
    if (fresh == NULL)
        return;
    for (i = 0; i < old_size; i++)
        while ((n = old[i]) != NULL) {
            old[i] = n->next;
            n->next = fresh[n->hash & (size - 1)];
            fresh[n->hash & (size - 1)] = n;
        }
    free(t->buckets);
    t->buckets = fresh;
    t->mask = size - 1;
}

struct table_node *table_next(struct table *t, const struct table_node *n)
{
    uint32_t i = 0, size = t->buckets != NULL ? t->mask + 1 : 1;

    if (n != NULL && n->next != NULL)
        return n->next;
    if (n != NULL)
        i = (uint32_t)(n->hash & t->mask) + 1;
    for (; i < size; i++)
        if (*table_bucket(t, i) != NULL)
            return *table_bucket(t, i);
    return NULL;
}

void table_clear(struct table *t)
{
    free(t->buckets);
    memset(t, 0, sizeof(*t));
}

void service_hash_init(void)
{
    struct timespec now;

    if (getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret))
        return;
    /* A kernel without it: weaker, but not the same in each process. */
    clock_gettime(CLOCK_REALTIME, &now);
    secret[0] ^= (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec;
}

__extension__ typedef unsigned __int128 wide;

/* Both halves of the 128-bit product. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t service_hash(uint32_t scope, const struct xmb_service_id *id)
{
    uint64_t head = (uint64_t)scope << 32 | (uint64_t)id->service << 16 | id->subservice;
    uint64_t high = (uint64_t)id->instance[0] << 32 | id->instance[1];
    uint64_t low = (uint64_t)id->instance[2] << 32 | id->instance[3];
    uint64_t h = fold(head ^ secret[0], high ^ secret[1]);

    return fold(h ^ low ^ secret[2], secret[3] | 1);
}
