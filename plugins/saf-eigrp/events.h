/* SPDX-License-Identifier: MIT */
/*
 * events.h - the event log of a service family: the last things that happened, for `show eigrp ...
 * events`. A ring of fixed records; text is made when somebody looks.
 *
 * Thread: routing.
 */
#ifndef SE_EVENTS_H
#define SE_EVENTS_H

#include <xmb/types.h>

#include "dual.h"
#include "neighbour.h"

#define SE_EVENTS_DEFAULT 500
#define SE_EVENTS_MAX 10000

enum se_event_kind {
    SE_EVENT_DUAL = 1, /* a service met an event: `dual_event`, `from`, `to`, `id` */
    SE_EVENT_NEIGHBOUR, /* `note`, `reason`, `addr` */
    SE_EVENT_STUCK,     /* stuck in active: `id`, `addr` */
    SE_EVENT_CONFLICT,  /* two originators: `id` */
    SE_EVENT_LIMIT,     /* maximum-services: `addr` */
    SE_EVENT_REFUSED,   /* a local service that is too large: `id` */
    SE_EVENT_CLEARED,   /* by the operator */
    SE_EVENT_CONFIG     /* the configuration changed */
};

struct se_event {
    uint64_t wall_ms;
    struct xmb_service_id id;
    struct xmb_addr addr; /* of a neighbour; family 0: none */
    uint8_t kind;         /* enum se_event_kind */
    uint8_t dual_event;   /* enum se_dual_event */
    uint8_t from, to;     /* enum se_dual_state */
    uint8_t note;         /* enum se_nbr_note_kind */
    uint8_t reason;       /* enum se_nbr_reason */
};

/* Zeroed: empty, keeps nothing. */
struct se_events {
    struct se_event *ring;
    uint32_t size, count, next;
    uint64_t total; /* ever */
};

/* Keeps the last `size` (at most SE_EVENTS_MAX) from now on. XMB_ENOMEM: as it was. */
int se_events_resize(struct se_events *e, uint32_t size);
void se_events_free(struct se_events *e);
/* Copies `event`; its wall_ms is set here. */
void se_events_add(struct se_events *e, const struct se_event *event);
/* Event `i` from the newest, 0 first; NULL behind the oldest. */
const struct se_event *se_events_at(const struct se_events *e, uint32_t i);
/* "neighbour 10.0.0.2 is up", written into `out`, which it returns. */
#define SE_EVENT_TEXT_MAX 200
char *se_event_text(const struct se_event *event, char *out, size_t out_bytes);

#endif
