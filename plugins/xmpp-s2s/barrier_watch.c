/* SPDX-License-Identifier: MIT */
/*
 * barrier_watch.c - a barrier whose answer does not come: whether the peer cannot give it on a
 * stream of its own, or is slow, or held up by us, or alive and silent, or dead. A peer is alive
 * when it was heard meanwhile, or when it had been taken for dead before and has verified us since.
 */
#include "barrier_priv.h"

#define WATCH_MS 4000     /* so old is a barrier when it is looked for progress before it */
#define WATCH_GAP_MS 1000
#define AGAIN_MS 3000     /* so long after it, a peer that shows itself is asked once more */

static const struct s2_flow *reverse_of(const struct s2_flow *f)
{
    struct s2_route route = s2_flow_route(f), back = s2_route_back(&route);

    return s2_flow_find(f->w, &back);
}

/* When the peer gave its last sign of life on anything that leads here. */
static uint64_t heard_ms(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);
    uint64_t ms = s2_lease_heard_ms(f->lease);

    if (f->alive_ms > ms)
        ms = f->alive_ms;
    if (reverse != NULL && reverse->put_ms > ms)
        ms = reverse->put_ms;
    return ms;
}

/* It stops streams: those that fill it, or those that cause the errors in it. */
static int stops(const struct s2_flow *f, uint32_t for_errors)
{
    uint32_t i;

    for (i = 0; i < f->waiter_count; i++) {
        if (f->waiters[i].for_errors == for_errors)
            return 1;
    }
    return 0;
}

/* Those that fill the flow of the other way are the peer's, as are those that cause errors here. */
int s2_barrier_is_blocked(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);

    if (f->lease != NULL && s2_lease_held_ms(f->lease) == UINT64_MAX)
        return 1; /* a bidirectional stream: the answer comes on it */
    if (f->barrier_is_sm)
        return 0;
    return stops(f, 1) || (reverse != NULL && stops(reverse, 0)) || s2_flow_far_is_full(f);
}

/*
 * We do not read from the peer, or did not meanwhile: the answer may lie behind what is not read
 * yet. Said once for a barrier: two directions that wait for each other must not do so for ever.
 */
static int is_our_fault(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);

    if (f->was_blamed)
        return 0;
    return s2_barrier_is_blocked(f) || s2_lease_held_ms(f->lease) >= f->barrier_ms ||
           (!f->barrier_is_sm && f->far_full_ms >= f->barrier_ms) ||
           (!f->barrier_is_sm && reverse != NULL && reverse->full_ms >= f->barrier_ms);
}

/* It lives, and has never answered. */
static int is_silent(const struct s2_flow *f)
{
    struct s2_peer peer = s2_barrier_peer(f->w->flows, &f->to);

    if (f->barrier_is_sm || s2_barrier_answers(f))
        return 0;
    return peer.pings == S2_PINGS_SILENT || heard_ms(f) > f->barrier_ms ||
           (peer.pings == S2_PINGS_DOUBTED && f->ready_ms > peer.since_ms);
}

static void rely_on_tcp(struct s2_flow *f)
{
    S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "silent", f->to.text,
           "answers no ping from %s, and is alive: what its TCP acknowledges counts as delivered",
           f->from.text);
    s2_barrier_remember(f->w->flows, &f->to, S2_PINGS_SILENT);
    f->barrier = 0;
    f->tcp_only = 1;
    f->progress_ms = s2_now_ms(f->w);
}

static void overdue(struct s2_flow *f, uint64_t now_ms)
{
    struct s2_flows *fl = f->w->flows;

    if (is_our_fault(f)) {
        f->was_blamed = 1;
        f->barrier_ms = now_ms;
        return;
    }
    S2_COUNT(f->w, S2_M_BARRIER_TIMEOUTS, 1);
    if (is_silent(f)) {
        rely_on_tcp(f);
        return;
    }
    if (!f->barrier_is_sm && !s2_barrier_answers(f) &&
        s2_barrier_peer(fl, &f->to).pings == S2_PINGS_UNKNOWN)
        s2_barrier_remember(fl, &f->to, S2_PINGS_DOUBTED);
    s2_confirm_kill(f, "the peer answers nothing and is taken for dead");
    s2_flow_dead(f->w, (enum s2_side)f->to_side, &f->to, f->barrier_last_ms);
}

/*
 * A ping that the peer's system has not acknowledged cannot have been answered: while what is
 * before it shrinks, the peer reads, and is slow. The first look, a while after it was sent, tells
 * nothing: it may be the system that takes what the peer does not.
 */
static void note_progress(struct s2_flow *f, uint64_t now_ms)
{
    int is_first = f->polled_ms < f->barrier_last_ms;
    uint64_t acked;

    if (f->barrier_is_sm || now_ms - f->barrier_last_ms < WATCH_MS ||
        (!is_first && (f->acked >= f->barrier_end || now_ms - f->polled_ms < WATCH_GAP_MS)))
        return;
    f->polled_ms = now_ms;
    acked = s2_lease_acked(f->lease);
    if (!is_first && acked > f->acked)
        f->barrier_ms = now_ms;
    f->acked = acked;
}

/*
 * The answer comes on a stream that the peer opened. When a path is cut that stream may have ended
 * for us and not for the peer yet, and takes the answer with it. One that shows itself afterwards
 * is asked once more, by the same number: two answers prove the same. So is one of which nothing is
 * known yet, lest its first answer decides on its own that it is silent.
 */
static void ask_again(struct s2_flow *f, uint64_t now_ms)
{
    uint64_t end;

    if (f->barrier_is_sm || now_ms - f->asked_ms < AGAIN_MS || heard_ms(f) <= f->asked_ms)
        return;
    if (s2_barrier_ping(f, f->barrier, f->ring.sent == 0, &end) != 0)
        return;
    f->asked_ms = now_ms;
    f->lease_seq++;
    S2_COUNT(f->w, S2_M_BARRIERS, 1);
}

static void ask(struct s2_flow *f, uint64_t now_ms)
{
    ask_again(f, now_ms);
    s2_barrier_ask_here(f, now_ms);
}

void s2_barrier_watch(struct s2_flow *f, uint64_t now_ms)
{
    if (s2_barrier_was_read(f)) {
        s2_barrier_settle(f);
        return;
    }
    note_progress(f, now_ms);
    if (now_ms - f->barrier_ms >= f->w->conf->barrier_timeout_ms)
        overdue(f, now_ms);
    else
        ask(f, now_ms);
}
