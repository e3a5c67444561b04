/* SPDX-License-Identifier: MIT */
/*
 * cache.h - services as they stand in a Notify, encoded once on each worker.
 *
 * What all receivers of a Notify share is everything between SUBSCRIPTION-ID and
 * MESSAGE-INTEGRITY. It is kept by the record's version, which is unique to one content.
 */
#ifndef XS_CACHE_H
#define XS_CACHE_H

#include "server.h"

/* The shared attributes. Valid until the next call here. */
struct encoding {
    const uint8_t *bytes;
    uint32_t plain_bytes; /* for 1.x: all but FLAGS */
    uint32_t whole_bytes; /* for 2.0: with FLAGS, which come last */
    struct xmb_slab *slab; /* holds `bytes` when they are long enough to be shared, else NULL */
};

/* NULL: out of memory. */
struct cache *xs_cache_new(void);
void xs_cache_free(struct cache *cache);
/* 0; XMB_ETOOBIG: no message can hold it; XMB_ENOMEM. */
int xs_cache_get(struct worker *w, const struct xmb_service *service, struct encoding *out);

#endif
