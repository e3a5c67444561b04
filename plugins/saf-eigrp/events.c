/* SPDX-License-Identifier: MIT */
/*
 * events.c - the ring of events.h, and the words for what is in it.
 *
 * `next` is where the next event goes, so the newest is right before it. A record says what
 * happened in numbers; most are overwritten before anybody looks, so text is made last.
 */
#include "show.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- the ring --------------------------------------------------------------------------------- */

int se_events_resize(struct se_events *e, uint32_t size)
{
    struct se_event *ring = NULL;
    uint32_t kept, i;

    if (size > SE_EVENTS_MAX)
        size = SE_EVENTS_MAX;
    if (size == e->size)
        return 0;
    if (size > 0) {
        ring = calloc(size, sizeof(*ring));
        if (ring == NULL)
            return XMB_ENOMEM;
    }
    kept = e->count < size ? e->count : size;
    for (i = 0; i < kept; i++)
        ring[kept - 1 - i] = *se_events_at(e, i);
    free(e->ring);
    e->ring = ring;
    e->size = size;
    e->count = kept;
    e->next = size > 0 ? kept % size : 0;
    return 0;
}

void se_events_free(struct se_events *e)
{
    free(e->ring);
    memset(e, 0, sizeof(*e));
}

static uint64_t wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void se_events_add(struct se_events *e, const struct se_event *event)
{
    e->total++;
    if (e->size == 0)
        return;
    e->ring[e->next] = *event;
    e->ring[e->next].wall_ms = wall_ms();
    e->next = (e->next + 1) % e->size;
    if (e->count < e->size)
        e->count++;
}

const struct se_event *se_events_at(const struct se_events *e, uint32_t i)
{
    return i < e->count ? &e->ring[(e->next + e->size - 1 - i) % e->size] : NULL;
}

/* --- its words -------------------------------------------------------------------------------- */

static void dual_text(const struct se_event *event, const char *id, char *out, size_t out_bytes)
{
    const char *what = se_dual_event_name((enum se_dual_event)event->dual_event);

    if (event->from == event->to)
        snprintf(out, out_bytes, "service %s: %s; it stays %s", id, what,
                 se_dual_state_name(event->to));
    else
        snprintf(out, out_bytes, "service %s: %s; %s to %s", id, what,
                 se_dual_state_name(event->from), se_dual_state_name(event->to));
}

static void neighbour_text(const struct se_event *event, const char *addr, char *out,
                           size_t out_bytes)
{
    const char *why = se_nbr_reason_name(event->reason);

    switch (event->note) {
    case SE_NBR_NOTE_NEW:
        snprintf(out, out_bytes, "neighbour %s is pending", addr);
        break;
    case SE_NBR_NOTE_UP:
        snprintf(out, out_bytes, "neighbour %s is up", addr);
        break;
    case SE_NBR_NOTE_DOWN:
        snprintf(out, out_bytes, "neighbour %s is down: %s", addr, why);
        break;
    case SE_NBR_NOTE_GIVEN_UP:
        snprintf(out, out_bytes, "neighbour %s was pending and is given up: %s", addr, why);
        break;
    case SE_NBR_NOTE_RESYNC:
        snprintf(out, out_bytes, "neighbour %s restarts and stays up; tables are sent again",
                 addr);
        break;
    case SE_NBR_NOTE_NO_KEY:
        snprintf(out, out_bytes, "no key is valid for sending; nothing is sent until one is");
        break;
    default: /* SE_NBR_NOTE_DROP, and what later versions note */
        snprintf(out, out_bytes, "a packet from %s was not taken", addr);
    }
}

char *se_event_text(const struct se_event *event, char *out, size_t out_bytes)
{
    char id[SE_SERVICE_TEXT_MAX], addr[SE_ADDR_TEXT_MAX];

    se_show_id_text(&event->id, id, sizeof(id));
    se_addr_text(&event->addr, addr, sizeof(addr));
    switch (event->kind) {
    case SE_EVENT_DUAL:
        dual_text(event, id, out, out_bytes);
        break;
    case SE_EVENT_NEIGHBOUR:
        neighbour_text(event, addr, out, out_bytes);
        break;
    case SE_EVENT_STUCK:
        snprintf(out, out_bytes, "service %s is stuck in active: neighbour %s never answered", id,
                 addr);
        break;
    case SE_EVENT_CONFLICT:
        snprintf(out, out_bytes,
                 "service %s is announced by two routers; the nearer one is believed", id);
        break;
    case SE_EVENT_LIMIT:
        snprintf(out, out_bytes, "neighbour %s brings more services than the limit allows", addr);
        break;
    case SE_EVENT_REFUSED:
        snprintf(out, out_bytes, "local service %s is too large and is not announced", id);
        break;
    case SE_EVENT_CLEARED:
        snprintf(out, out_bytes, "the operator cleared %s",
                 event->addr.family != 0 ? addr : "neighbours");
        break;
    case SE_EVENT_CONFIG:
        snprintf(out, out_bytes, "the configuration changed");
        break;
    default:
        snprintf(out, out_bytes, "event %u", event->kind);
    }
    return out;
}
