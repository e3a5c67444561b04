/* SPDX-License-Identifier: MIT */
/*
 * pending.h - Publish and Unpublish requests of a session that are not answered yet.
 *
 * A ring: the registry answers in the order that it was asked in, and so do we. An error that needs
 * no registry stands in the ring as ready, behind those that came before it. The ring is
 * taken from the worker when the first request needs it and given back when it is empty, so an idle
 * session has none and a busy one allocates nothing.
 */
#ifndef XS_PENDING_H
#define XS_PENDING_H

#include "session.h"

#define XS_RING_SLOTS 32

/* What a Publish says, for the table of services once it has succeeded. */
struct pending {
    struct answer answer;
    struct xmb_service_id id;
    struct xmb_addr addr;
    uint32_t version;
    uint32_t data_bytes;
    uint8_t ip_protocol;
    uint8_t visible;
    uint8_t waiting; /* for the registry */
};

struct ring {
    struct ring *next_free;
    uint32_t first; /* number of the oldest */
    uint32_t count;
    struct pending slots[XS_RING_SLOTS];
};

/* Requests in the ring. */
static inline uint32_t xs_pending_count(const struct session *s)
{
    return s->ring != NULL ? s->ring->count : 0;
}

static inline int xs_pending_full(const struct session *s)
{
    return xs_pending_count(s) == XS_RING_SLOTS;
}

/* A place at the end, waiting, and its number in *tag. NULL: out of memory. Never when full. */
struct pending *xs_pending_add(struct session *s, uint64_t *tag);
/* Takes the newest one away again. */
void xs_pending_undo(struct session *s);
/* An answer that is ready, behind the others. Never when full. */
void xs_pending_add_ready(struct session *s, const struct answer *a);
/* The one with that number, or NULL. */
struct pending *xs_pending_find(struct session *s, uint64_t tag);
/* Sends what is ready, up to the first that is not. */
void xs_pending_flush(struct session *s);
void xs_pending_clear(struct session *s); /* answers nothing */

#endif
