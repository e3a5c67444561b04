/* SPDX-License-Identifier: MIT */
/*
 * services.h - what one session has published: a hash table of its own, so that limits, the count
 * and `show` need no answer from the registry.
 *
 * An entry is there while the service is ours, while a request about it is under way, or while it
 * is refused to this session because another one took it over.
 */
#ifndef XS_SERVICES_H
#define XS_SERVICES_H

#include <xmb/service.h>

enum service_flag {
    SERVICE_ENTRY = 1,   /* this slot is in use */
    SERVICE_OWNED = 2,   /* the registry has it as ours */
    SERVICE_REFUSED = 4, /* not to be published by this session until until_ms */
    SERVICE_VISIBLE = 8  /* shown to unauthenticated clients */
};

struct service {
    struct xmb_service_id id;
    uint32_t version;
    struct xmb_addr addr;
    uint64_t since_ms; /* published since, once owned */
    uint64_t until_ms; /* with SERVICE_REFUSED */
    uint32_t data_bytes;
    uint16_t under_way; /* requests that the registry has not answered */
    uint8_t ip_protocol;
    uint8_t flags; /* enum service_flag */
};

struct services {
    struct service *slots;
    uint32_t capacity; /* a power of 2, or 0 */
    uint32_t used;     /* entries */
    uint32_t refused;  /* those with SERVICE_REFUSED alone */
    uint32_t owned;
};

/* The entry of `id`, or NULL. Entries move when one is added or dropped. */
struct service *xs_services_find(const struct services *t, const struct xmb_service_id *id);
/* The entry, made when there is none. NULL: out of memory. Old refusals make room first. */
struct service *xs_services_add(struct services *t, const struct xmb_service_id *id,
                                uint64_t now_ms);
void xs_services_drop(struct services *t, struct service *e);
void xs_services_clear(struct services *t); /* frees all */

#endif
