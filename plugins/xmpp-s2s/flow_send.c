/* SPDX-License-Identifier: MIT */
/*
 * flow_send.c - into a flow and out on its lease: bounds, window, and who has to wait.
 *
 * The steady path of a stanza: refuses, push, lease_send. No allocation, no system call.
 *
 * While a flow has a lease, whoever puts is stopped as soon as something cannot be sent on: the
 * link's queue is full, or window_bytes are unconfirmed; when the flow is held only because an
 * answer is overdue, or leaves its lease, as soon as half of the queue is used. Without a lease
 * nobody is stopped, as a stream may feed other domains; the queue's bound and the stanza's age
 * then decide. So it is, after a moment, with a peer that was given up for dead, came back, and
 * takes nothing again.
 */
#include "flow_priv.h"
#include "incoming.h"

#include <stdlib.h>

#define ERROR_GROWS 4u

/* --- in -------------------------------------------------------------------------------------- */

/*
 * Errors for what the flow of the other direction held are bounded by that: at most a queue and a
 * window full. A short stanza's error is longer than itself.
 */
static int fits(const struct s2_flow *f, size_t n, unsigned flags)
{
    const struct s2_conf *c = f->w->conf;
    uint64_t bound = c->queue_bytes;

    if (s2_flow_has_stream(f))
        bound *= 2; /* those who put are stopped, each after one more */
    if ((flags & S2_ITEM_OWED) != 0)
        bound += ERROR_GROWS * ((uint64_t)c->queue_bytes + c->window_bytes);
    else if ((flags & S2_ITEM_OWN) != 0)
        bound += S2_RESERVE_BYTES;
    return s2_ring_waiting(f) == 0 || f->ring.wait_bytes + n <= bound;
}

enum s2_condition s2_flow_refuses(const struct s2_flow *f, size_t n, unsigned flags)
{
    const struct s2_flows *fl = f->w->flows;
    int own = (flags & S2_ITEM_OWN) != 0;

    if (fl->drain == S2_DRAIN_CLOSED || (fl->drain != S2_DRAIN_NOT && !own))
        return S2_C_REMOTE_SERVER_TIMEOUT;
    if (f->denied && !own)
        return S2_C_NOT_ALLOWED;
    if (f->state == FLOW_BACKOFF && f->next_try_ms > s2_now_ms(f->w) + S2_SOON_MS)
        return (enum s2_condition)f->last_condition;
    return fits(f, n, flags) ? S2_C_NONE : S2_C_RESOURCE_CONSTRAINT;
}

const char *s2_flow_refusal_text(const struct s2_flow *f, enum s2_condition c)
{
    if (f->w->flows->drain != S2_DRAIN_NOT)
        return "the gateway is shutting down";
    if (c == S2_C_NOT_ALLOWED && f->denied)
        return "federation between these domains is not allowed";
    if (f->state == FLOW_BACKOFF && f->next_try_ms > s2_now_ms(f->w) + S2_SOON_MS)
        return f->last_error;
    return "too many stanzas wait for that server";
}

int s2_flow_take(struct s2_flow *f, struct s2_item *it)
{
    int rc;

    it->put_ms = s2_now_ms(f->w);
    rc = s2_ring_push(f, it);
    if (rc != 0)
        return rc;
    f->put_ms = it->put_ms;
    f->was_used |= (it->flags & S2_ITEM_IDLE) == 0;
    s2_flow_event(f, FLOW_PUT, NULL);
    return 0;
}

/* --- out ------------------------------------------------------------------------------------- */

static int window_is_full(const struct s2_flow *f)
{
    return f->ring.sent > 0 && f->ring.sent_bytes >= f->w->conf->window_bytes;
}

static void count_sent(struct s2_flow *f, const struct s2_item *it)
{
    S2_COUNT(f->w, S2_M_STANZAS_OUT, 1);
    S2_COUNT(f->w, S2_M_BYTES_OUT, it->n);
    if ((it->flags & S2_ITEM_WRITTEN) == 0)
        return;
    S2_COUNT(f->w, S2_M_RESENT, 1);
    f->resent++;
}

/* Above the limit that the peer announced (XEP-0478, 4): the sender can do something about it. */
static void too_big(struct s2_flow *f)
{
    struct s2_item it;

    s2_ring_pull(f, &it);
    s2_flow_return(f, &it, S2_C_POLICY_VIOLATION, NULL);
}

/* 1: go on with the next. */
static int send_first(struct s2_flow *f)
{
    struct s2_item *it = s2_ring_at(f, f->ring.sent);
    struct xmb_part part = {it->slab, it->p, it->n};
    int rc = s2_lease_send(f->lease, &part, 1, &it->end);

    if (rc == 0) {
        it->seq = ++f->lease_seq;
        count_sent(f, it);
        it->flags |= S2_ITEM_WRITTEN;
        s2_ring_advance(f);
        s2_confirm_sent(f);
        return 1;
    }
    if (rc == XMB_ETOOBIG) {
        too_big(f);
        return 1;
    }
    if (rc == XMB_EAGAIN)
        f->held_up = 1;
    else if (rc == XMB_ECLOSED)
        f->closing = 1;
    return 0; /* out of memory: the next tick tries again */
}

void s2_flow_pump(struct s2_flow *f)
{
    if (f->state == FLOW_LEAVING) {
        s2_flow_leave(f);
        return;
    }
    if (f->stuck_ms != 0)
        s2_confirm_first(f);
    while (f->state == FLOW_FLOWING && !f->held_up && !f->closing && s2_ring_waiting(f) > 0 &&
           !window_is_full(f) && !s2_confirm_holds(f) && send_first(f))
        continue;
}

/* --- who waits ------------------------------------------------------------------------------- */

/* It was given up for dead, and the lease that it verified since is no better. */
static int takes_nothing(const struct s2_flow *f)
{
    return f->was_killed && s2_now_ms(f->w) - f->ready_ms >= S2_UNKNOWN_HOLD_MS;
}

int s2_flow_is_full(const struct s2_flow *f)
{
    if (!s2_flow_has_stream(f) || s2_ring_waiting(f) == 0 || takes_nothing(f))
        return 0;
    if (f->state == FLOW_FLOWING && (f->held_up || window_is_full(f) || !s2_confirm_holds(f)))
        return 1;
    if (f->state == FLOW_LEAVING && s2_barrier_is_blocked(f))
        return 0; /* its answer may lie behind a stream that is stopped already */
    return f->ring.wait_bytes > f->w->conf->queue_bytes / 2;
}

/*
 * Errors that the one whom they are for does not read, or that cannot be sent yet: who causes them
 * stops. That an answer is awaited is no reason: it may come over the very stream that would stop.
 */
static int errors_pile_up(const struct s2_flow *f)
{
    return (f->state == FLOW_OPENING || (s2_flow_has_stream(f) && f->held_up)) &&
           f->ring.wait_bytes > f->w->conf->queue_bytes;
}

static int same_stream(const struct s2_waiter *a, const struct s2_waiter *b)
{
    if ((a->carrier != NULL) != (b->carrier != NULL) || a->worker != b->worker)
        return 0;
    return a->carrier != NULL ? a->slot == b->slot && a->generation == b->generation
                              : a->value == b->value;
}

static int more_waiters(struct s2_flow *f)
{
    uint32_t capacity = f->waiter_capacity == 0 ? 4 : f->waiter_capacity * 2;
    struct s2_waiter *waiters;

    if (capacity > S2_WAITERS_MAX)
        return XMB_ELIMIT;
    waiters = realloc(f->waiters, capacity * sizeof(*waiters));
    if (waiters == NULL)
        return XMB_ENOMEM;
    f->waiters = waiters;
    f->waiter_capacity = capacity;
    return 0;
}

int s2_flow_block(struct s2_flow *f, const struct s2_waiter *waiter)
{
    uint32_t i;

    f->full_ms = s2_now_ms(f->w);
    for (i = 0; i < f->waiter_count; i++) {
        if (same_stream(&f->waiters[i], waiter)) {
            free(f->waiters[i].carrier);
            f->waiters[i] = *waiter;
            return 1;
        }
    }
    if (f->waiter_count == f->waiter_capacity && more_waiters(f) != 0)
        return 0;
    f->waiters[f->waiter_count++] = *waiter;
    return 1;
}

void s2_flow_forget_waiters(struct s2_flow *f)
{
    uint32_t i;

    for (i = 0; i < f->waiter_count; i++)
        free(f->waiters[i].carrier);
    free(f->waiters);
    f->waiters = NULL;
    f->waiter_count = f->waiter_capacity = 0;
}

int s2_flow_block_cause(struct s2_worker *w, const struct s2_route *r, struct s2_waiter *waiter)
{
    struct s2_route back = s2_route_back(r);
    struct s2_flow *f = s2_flow_find(w, &back);

    if (f == NULL || !errors_pile_up(f))
        return 0;
    waiter->for_errors = 1;
    return s2_flow_block(f, waiter);
}

static void let_go(struct s2_flow *f, const struct s2_waiter *waiter)
{
    if (waiter->carrier != NULL)
        s2_batch_reply(f->w, waiter);
    else
        s2_in_resume(f->w, waiter->value);
}

static int some_may_go(const struct s2_flow *f, const int stops[2])
{
    uint32_t i;

    for (i = 0; i < f->waiter_count; i++) {
        if (!stops[f->waiters[i].for_errors])
            return 1;
    }
    return 0;
}

/* Those who read on may put, and be noted again, while this runs: the list is taken off first. */
void s2_flow_relieve(struct s2_flow *f)
{
    struct s2_waiter *waiters = f->waiters;
    uint32_t n = f->waiter_count, i;
    int stops[2];

    if (n == 0)
        return;
    stops[0] = s2_flow_is_full(f);
    stops[1] = errors_pile_up(f);
    if (!some_may_go(f, stops))
        return;
    f->waiters = NULL;
    f->waiter_count = f->waiter_capacity = 0;
    for (i = 0; i < n; i++) {
        if (!stops[waiters[i].for_errors] || !s2_flow_block(f, &waiters[i]))
            let_go(f, &waiters[i]);
    }
    free(waiters);
}
