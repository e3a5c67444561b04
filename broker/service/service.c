/* SPDX-License-Identifier: MIT */
/*
 * service.c - start, end and the table of functions of the service registry.
 */
#include "service/service.h"
#include "log/log.h"
#include "service/service_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

#define DEFAULT_MAXIMUM 1000000u

static _Atomic uint64_t stats[STAT_COUNT];

static const struct xmb_service *hold(const struct xmb_service *s)
{
    record_hold(record_of(s));
    return s;
}

static void release(const struct xmb_service *s)
{
    if (s != NULL)
        record_release(record_of(s));
}

const struct xmb_service_api service_api = {
    .size = sizeof(service_api),
    .rev = 1,
    .owner_open = owner_open,
    .publish = owner_publish,
    .unpublish = owner_unpublish,
    .owner_close = owner_close,
    .subscribe = mirror_subscribe,
    .next = mirror_next,
    .unsubscribe = mirror_unsubscribe,
    .hold = hold,
    .release = release,
    .learn = registry_learn,
    .unlearn = registry_unlearn,
    .walk = registry_walk,
};

int service_init(uint32_t maximum)
{
    size_t i;

    for (i = 0; i < STAT_COUNT; i++)
        atomic_store_explicit(&stats[i], 0, memory_order_relaxed);
    service_hash_init();
    registry_modules(0);
    entry_init(maximum > 0 ? maximum : DEFAULT_MAXIMUM);
    return 0;
}

void service_routing_end(void)
{
    registry_modules(1);
}

void stat_add(enum service_stat stat, int64_t n)
{
    /* One writer: no need for a locked addition. */
    uint64_t v = atomic_load_explicit(&stats[stat], memory_order_relaxed);

    atomic_store_explicit(&stats[stat], v + (uint64_t)n, memory_order_relaxed);
}

void service_stats(struct service_stats *out)
{
    uint64_t v[STAT_COUNT];
    size_t i;

    for (i = 0; i < STAT_COUNT; i++)
        v[i] = atomic_load_explicit(&stats[i], memory_order_relaxed);
    out->services = v[STAT_SERVICES];
    out->groups = v[STAT_GROUPS];
    out->changes = v[STAT_CHANGES];
    out->lookups = v[STAT_LOOKUPS];
    out->matches = v[STAT_MATCHES];
    out->items = v[STAT_ITEMS];
    out->coalesced = v[STAT_COALESCED];
    out->batches = v[STAT_BATCHES];
    out->allocations = v[STAT_ALLOCATIONS];
}

void *service_must(void *p)
{
    if (p == NULL) {
        LOG(ERROR, "services", "out of memory while passing on an accepted change; ending, "
                               "since going on would show clients a wrong state");
        abort();
    }
    return p;
}
