/* SPDX-License-Identifier: MIT */
/*
 * services.c - open addressing with linear probing; deletion moves followers back, so there are
 * no tombstones. Starts with four slots: most clients publish one service.
 */
#include <stdlib.h>

#include "services.h"

#define CAPACITY_MIN 4

static uint32_t hash_of(const struct xmb_service_id *id)
{
    uint32_t h = (uint32_t)id->service << 16 | id->subservice;
    int i;

    for (i = 0; i < 4; i++) {
        h = (h ^ id->instance[i]) * UINT32_C(0x9e3779b1);
        h ^= h >> 15;
    }
    return h;
}

static int same(const struct xmb_service_id *a, const struct xmb_service_id *b)
{
    return a->service == b->service && a->subservice == b->subservice &&
           memcmp(a->instance, b->instance, sizeof(a->instance)) == 0;
}

static uint32_t home_of(const struct services *t, const struct xmb_service_id *id)
{
    return hash_of(id) & (t->capacity - 1);
}

/* The entry of `id`, or the free slot where it would stand. There always is a free slot. */
static struct service *probe(const struct services *t, const struct xmb_service_id *id)
{
    uint32_t i = home_of(t, id);

    while (t->slots[i].flags != 0 && !same(&t->slots[i].id, id))
        i = (i + 1) & (t->capacity - 1);
    return &t->slots[i];
}

struct service *xs_services_find(const struct services *t, const struct xmb_service_id *id)
{
    struct service *e;

    if (t->capacity == 0)
        return NULL;
    e = probe(t, id);
    return e->flags != 0 ? e : NULL;
}

/* The same table with `capacity` slots, without refusals that are over. */
static int rebuild(struct services *t, uint32_t capacity, uint64_t now_ms)
{
    struct services next = {.capacity = capacity, .owned = t->owned};
    const struct service *e;
    uint32_t i;

    next.slots = calloc(capacity, sizeof(*next.slots));
    if (next.slots == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < t->capacity; i++) {
        e = &t->slots[i];
        if (e->flags == 0)
            continue;
        if (e->flags & SERVICE_REFUSED && e->under_way == 0 && e->until_ms <= now_ms)
            continue;
        *probe(&next, &e->id) = *e;
        next.used++;
        next.refused += (e->flags & SERVICE_REFUSED) != 0;
    }
    free(t->slots);
    *t = next;
    return 0;
}

struct service *xs_services_add(struct services *t, const struct xmb_service_id *id,
                                uint64_t now_ms)
{
    struct service *e = xs_services_find(t, id);
    int rc = 0;

    if (e != NULL)
        return e;
    if (t->capacity == 0)
        rc = rebuild(t, CAPACITY_MIN, now_ms);
    else if (4 * (t->used + 1) > 3 * t->capacity)
        rc = rebuild(t, t->refused > t->used / 2 ? t->capacity : 2 * t->capacity, now_ms);
    if (rc == 0 && 4 * (t->used + 1) > 3 * t->capacity)
        rc = rebuild(t, 2 * t->capacity, now_ms);
    if (rc != 0)
        return NULL;
    e = probe(t, id);
    e->id = *id;
    e->flags = SERVICE_ENTRY;
    t->used++;
    return e;
}

void xs_services_drop(struct services *t, struct service *e)
{
    uint32_t mask = t->capacity - 1;
    uint32_t hole = (uint32_t)(e - t->slots);
    uint32_t i = hole;

    t->used--;
    t->refused -= (e->flags & SERVICE_REFUSED) != 0;
    for (;;) {
        memset(&t->slots[hole], 0, sizeof(t->slots[hole]));
        do {
            i = (i + 1) & mask;
            if (t->slots[i].flags == 0)
                return;
            /* It may move back only when that does not take it before its home. */
        } while (((i - home_of(t, &t->slots[i].id)) & mask) < ((i - hole) & mask));
        t->slots[hole] = t->slots[i];
        hole = i;
    }
}

void xs_services_clear(struct services *t)
{
    free(t->slots);
    memset(t, 0, sizeof(*t));
}
