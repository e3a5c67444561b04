/* SPDX-License-Identifier: MIT */
/*
 * flow_drain.c - flows when the broker stops, and when the configuration has changed.
 *
 * The stop has three steps, each begun by the tick: FINISH, in which nothing new is taken and flows
 * that have a lease send and get confirmed; RETURN, LAST_MS before the end, in which all that is
 * left goes back as errors, which still travel; CLOSED, when leases are closed: at the end, or
 * before it when for a moment every flow was empty, no other worker had a stanza, and no stream
 * could bring one. Streams that peers opened stay while any worker has a stanza, for the answers to
 * barriers that they bring; then, the errors for what they brought too late are still on their way,
 * and TCP's word is taken for these. A flow without a lease does not begin one any more, except for
 * errors.
 */
#include "admit.h"
#include "flow_priv.h"

#define LAST_MS 1000   /* for errors to travel */
#define SETTLE_MS 300  /* streams are told, and messages between workers arrive */

/* --- stop ------------------------------------------------------------------------------------ */

static const char stopping[] = "the gateway is shutting down";

static void return_unsendable(struct s2_flow *f)
{
    s2_flow_event(f, FLOW_STAY, NULL);
    if (f->state != FLOW_BACKOFF)
        return;
    f->next_try_ms = s2_now_ms(f->w) + UINT32_MAX;
    s2_flow_return_waiting(f, 1, S2_C_REMOTE_SERVER_TIMEOUT, stopping);
}

void s2_flow_drain(struct s2_worker *w, uint64_t deadline_ms)
{
    struct s2_flows *fl = w->flows;
    uint64_t now = s2_now_ms(w);
    uint64_t last_ms = deadline_ms > 2 * LAST_MS ? LAST_MS : deadline_ms / 2;

    if (fl->drain != S2_DRAIN_NOT)
        return;
    fl->drain = S2_DRAIN_FINISH;
    fl->drain_return_ms = now + deadline_ms - last_ms;
    fl->drain_close_ms = now + deadline_ms - last_ms / 4;
    s2_flow_each(w, return_unsendable);
    s2_flow_wake(fl);
    s2_path_flush(w);
}

static void note_sent(struct s2_flow *f)
{
    f->drain_sent = f->ring.sent;
    f->barrier = 0;
}

/* What bounces of other flows put in here meanwhile are errors, and may travel. */
static void return_rest(struct s2_flow *f)
{
    uint32_t n = s2_flow_return_sent(f, f->drain_sent, stopping);

    n += s2_flow_return_waiting(f, 0, S2_C_REMOTE_SERVER_TIMEOUT, stopping);
    if (n > 0)
        S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "drained", f->to.text,
               "%u stanzas from %s went back: %s", n, f->from.text, stopping);
}

/* The peer's kernel has them, or it has not: there is no time left to learn more. */
static void close_flow(struct s2_flow *f)
{
    struct s2_route route = s2_flow_route(f);
    struct s2_item it;

    if (f->lease != NULL && f->ring.sent > 0)
        s2_confirm_end(f, s2_lease_acked(f->lease));
    while (f->ring.count > 0) {
        s2_ring_pop(f, &it);
        s2_lose(f->w, &route, &it, stopping);
    }
    s2_flow_event(f, FLOW_CLOSE, NULL);
}

static int all_empty(const struct s2_flows *fl)
{
    const struct s2_flow *f;

    for (f = fl->all; f != NULL; f = f->all_next) {
        if (f->ring.count > 0)
            return 0;
    }
    return !fl->out_waits;
}

/* 1: it has been calm for long enough. */
static int is_over(struct s2_flows *fl, uint64_t now_ms)
{
    if (!all_empty(fl) || s2_stanzas_left(fl->w) > 0 || s2_streams_left(fl->w) > 0)
        fl->drain_calm_ms = 0;
    else if (fl->drain_calm_ms == 0)
        fl->drain_calm_ms = now_ms;
    return fl->drain_calm_ms != 0 && now_ms - fl->drain_calm_ms >= SETTLE_MS;
}

void s2_drain_tick(struct s2_flows *fl, uint64_t now_ms)
{
    if (fl->drain == S2_DRAIN_NOT || fl->drain == S2_DRAIN_CLOSED)
        return;
    if (s2_streams_left(fl->w) == 0)
        s2_flow_each(fl->w, s2_confirm_errors);
    if (fl->drain == S2_DRAIN_FINISH && now_ms >= fl->drain_return_ms) {
        fl->drain = S2_DRAIN_RETURN;
        s2_flow_each(fl->w, note_sent);
        s2_flow_each(fl->w, return_rest);
    }
    if (!is_over(fl, now_ms) && now_ms < fl->drain_close_ms)
        return;
    fl->drain = S2_DRAIN_CLOSED;
    s2_flow_each(fl->w, close_flow);
}

/* --- changed configuration ------------------------------------------------------------------- */

static void judge(struct s2_flow *f, enum s2_admission a)
{
    int was_denied = f->denied || f->state == FLOW_QUIET; /* then there is nothing to be said */
    uint32_t n;

    f->denied = a != S2_ADMIT_OK;
    if (!f->denied)
        return;
    n = s2_flow_return_waiting(f, 0, S2_C_NOT_ALLOWED, s2_admission_text(a));
    if (n > 0 || !was_denied)
        S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "flow-denied", f->to.text,
               "nothing is sent from %s any more: %s; %u stanzas went back", f->from.text,
               s2_admission_text(a), n);
    s2_flow_relieve(f);
    if (f->ring.count == 0)
        s2_flow_event(f, FLOW_CLOSE, NULL);
}

static void judged_late(void *arg, enum s2_admission a)
{
    struct s2_flow *f = arg;

    f->is_asking = 0;
    judge(f, a);
    s2_flow_release(f);
}

void s2_drain_cancel(struct s2_flow *f)
{
    if (f->is_asking)
        s2_admit_cancel(f->w, f->ask_id);
    f->is_asking = 0;
}

static void recheck(struct s2_flow *f)
{
    enum s2_admission a;

    if (f->is_asking) {
        s2_drain_cancel(f);
        f->refs--;
    }
    a = s2_admit(f->w, s2_other((enum s2_side)f->to_side), &f->from, &f->to, NULL, judged_late, f,
                 &f->ask_id);
    if (a != S2_ADMIT_LATER) {
        judge(f, a);
        return;
    }
    f->is_asking = 1;
    s2_flow_hold(f);
}

void s2_flow_recheck(struct s2_worker *w)
{
    s2_flow_each(w, recheck);
    s2_flow_wake(w->flows); /* times may be others now */
    s2_path_flush(w);
}
