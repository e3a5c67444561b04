/* SPDX-License-Identifier: MIT */
/*
 * show_events.c - show eigrp service-family ... events, sia-event, sia-statistics and timers: what
 * happened, what got stuck, and what is waited for.
 */
#include "show.h"

static const char *kind_name(unsigned kind)
{
    static const char *const names[] = {
        [SE_EVENT_DUAL] = "dual",       [SE_EVENT_NEIGHBOUR] = "neighbor",
        [SE_EVENT_STUCK] = "stuck",     [SE_EVENT_CONFLICT] = "conflict",
        [SE_EVENT_LIMIT] = "limit",     [SE_EVENT_REFUSED] = "refused",
        [SE_EVENT_CLEARED] = "cleared", [SE_EVENT_CONFIG] = "configuration",
    };

    return kind < sizeof(names) / sizeof(names[0]) && names[kind] != NULL ? names[kind] : "other";
}

/* Newest first. */
static void show_ring(struct se_show *s, const struct se_process *p, int is_stuck_only)
{
    const struct se_event *event;
    char text[SE_EVENT_TEXT_MAX];
    uint32_t i;

    for (i = 0; (event = se_events_at(&p->events, i)) != NULL; i++) {
        if ((is_stuck_only && event->kind != SE_EVENT_STUCK) || !se_show_may_row(s))
            continue;
        se_row(s, p);
        se_say_time(s, "time", event->wall_ms);
        se_say(s, "kind", kind_name(event->kind));
        se_say(s, "event", se_event_text(event, text, sizeof(text)));
        se_row_end(s);
    }
}

static void show_rings(struct se_show *s, const char *key, int is_stuck_only)
{
    const struct se_process *p;

    se_list(s, key);
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p))
        show_ring(s, p, is_stuck_only);
    se_list_end(s);
    se_say_number(s, "left_out", s->left_out);
}

void se_show_events(struct se_show *s)
{
    show_rings(s, "events", 0);
}

void se_show_sia_events(struct se_show *s)
{
    show_rings(s, "sia_events", 1);
}

/* --- sia-statistics --------------------------------------------------------------------------- */

/* Since when the service that is active longest is so; 0: none is. */
static uint64_t active_since_ms(const struct se_process *p)
{
    const struct se_dual_entry *e;
    uint64_t since_ms = 0;

    for (e = se_dual_next(p->dual, NULL); e != NULL; e = se_dual_next(p->dual, e))
        if (e->state != SE_DUAL_PASSIVE && (since_ms == 0 || e->since_ms < since_ms))
            since_ms = e->since_ms;
    return since_ms;
}

static void show_sia(const struct se_show *s, const struct se_process *p)
{
    const struct se_dual_counts *counts = se_dual_counts(p->dual);
    struct se_rtp_stats sum;
    uint64_t since_ms = active_since_ms(p);

    se_show_sum_stats(p, &sum);
    se_say_known(s, "active_time_seconds", p->family->active_ms / 1000, 0);
    se_say_number(s, "active", counts->active);
    if (since_ms != 0)
        se_say_since(s, p, "longest_active_seconds", since_ms);
    else
        s->api->null(s->out, "longest_active_seconds");
    se_say_number(s, "diffusing_computations", counts->diffusing_computations);
    se_say_number(s, "stuck", counts->stuck);
    se_say_number(s, "sia_queries_sent", sum.sent[SE_SIA_QUERY]);
    se_say_number(s, "sia_queries_received", sum.received[SE_SIA_QUERY]);
    se_say_number(s, "sia_replies_sent", sum.sent[SE_SIA_REPLY]);
    se_say_number(s, "sia_replies_received", sum.received[SE_SIA_REPLY]);
}

void se_show_sia_statistics(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "sia_statistics");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        if (p->dual == NULL)
            continue;
        se_row(s, p);
        show_sia(s, p);
        se_row_end(s);
    }
    se_list_end(s);
}

/* --- timers ----------------------------------------------------------------------------------- */

/* `left_ms` SE_NO_TIME: it does not run. */
#define SE_NO_TIME UINT64_MAX

static uint64_t left_of(uint64_t now_ms, uint64_t at_ms)
{
    if (at_ms == 0)
        return SE_NO_TIME;
    return at_ms > now_ms ? at_ms - now_ms : 0;
}

static void show_timer(struct se_show *s, const struct se_process *p, const char *timer,
                       const char *object, uint64_t interval_ms, uint64_t left_ms)
{
    if (!se_show_may_row(s))
        return;
    se_row(s, p);
    se_say(s, "timer", timer);
    se_say(s, "object", object);
    se_say_number(s, "interval_ms", interval_ms);
    se_say_known(s, "left_ms", left_ms, SE_NO_TIME);
    se_row_end(s);
}

static void show_iface_timers(struct se_show *s, const struct se_process *p)
{
    uint64_t now_ms = se_process_now(p).ms;
    struct se_nbr_iface_info info;
    uint32_t i;

    for (i = 0; i < p->iface_end; i++) {
        const char *name = se_show_iface_name(p, i);

        if (se_nbr_iface_info(p->nbrs, i, &info) < 0)
            continue;
        show_timer(s, p, "hello", name, info.conf.hello_ms,
                   left_of(now_ms, info.hello_ms));
        show_timer(s, p, "multicast flow", name, info.flow_ms,
                   left_of(now_ms, info.flow_until_ms));
        show_timer(s, p, "pacing", name, (info.pacing_us + 999) / 1000,
                   left_of(now_ms, info.paced_until_ms));
    }
}

static void show_nbr_timers(struct se_show *s, const struct se_process *p)
{
    uint64_t now_ms = se_process_now(p).ms;
    char addr[SE_ADDR_TEXT_MAX];
    struct se_nbr_info info;
    unsigned nbr;

    for (nbr = se_nbr_next(p->nbrs, SE_NBR_NONE); nbr != SE_NBR_NONE;
         nbr = se_nbr_next(p->nbrs, nbr)) {
        if (se_nbr_info(p->nbrs, nbr, now_ms, &info) < 0)
            continue;
        se_addr_text(&info.addr, addr, sizeof(addr));
        show_timer(s, p, "hold", addr, (uint64_t)info.hold_s * 1000, info.hold_left_ms);
        if (info.tries > 0)
            show_timer(s, p, "retransmission", addr, info.rto_ms,
                       left_of(now_ms, info.resend_ms));
    }
}

static void show_active_timers(struct se_show *s, const struct se_process *p)
{
    uint64_t now_ms = se_process_now(p).ms, left_ms;
    const struct se_dual_entry *e;
    char id[SE_SERVICE_TEXT_MAX];

    if (p->family->active_ms == 0)
        return;
    for (e = se_dual_next(p->dual, NULL); e != NULL; e = se_dual_next(p->dual, e)) {
        if (e->state == SE_DUAL_PASSIVE)
            continue;
        left_ms = e->due_ms > now_ms ? e->due_ms - now_ms : 0;
        show_timer(s, p, "active", se_show_id_text(&e->id, id, sizeof(id)), p->family->active_ms,
                   left_ms);
    }
}

void se_show_timers(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "timers");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        if (p->nbrs != NULL) {
            show_iface_timers(s, p);
            show_nbr_timers(s, p);
        }
        if (p->dual != NULL)
            show_active_timers(s, p);
    }
    se_list_end(s);
    se_say_number(s, "left_out", s->left_out);
}
