/* SPDX-License-Identifier: MIT */
/*
 * confirm.c - when a stanza that was sent is known to be with the peer (xmpp-s2s.md 6.1).
 *
 *   XEP-0198   where the link has it: the peer counts what it handled
 *   barrier    a ping behind the stanzas; its answer proves that all before it was read
 *              (barrier.c). Where none comes, dialback asks the same on the link (out_read.c)
 *   TCP        the peer's kernel has it: for peers that leave both unanswered, and as a setting.
 *              A process that dies with octets in its socket is not seen by this
 *   nothing    as a setting: given to the link is enough
 *
 * Asking is bounded in rate, and done only while something is unconfirmed. No answer in time means
 * that the peer is dead, though TCP may be well: a stopped process, a cut path. Long before that
 * nothing more is written (hold): what a stopped process has in its socket it may read later, when
 * its sender has had an error for it.
 */
#include "flow_priv.h"

enum how { BY_NOTHING, BY_TCP, BY_BARRIER, BY_SM };

int s2_confirm_by_tcp(const struct s2_flow *f)
{
    return !f->has_sm &&
           (f->w->conf->confirm == S2_CONFIRM_TCP || f->tcp_only || f->denied);
}

static enum how how(struct s2_flow *f)
{
    if (f->w->conf->confirm == S2_CONFIRM_NONE)
        return BY_NOTHING;
    f->has_sm = s2_lease_has_sm(f->lease) != 0;
    if (f->has_sm)
        return BY_SM;
    return s2_confirm_by_tcp(f) ? BY_TCP : BY_BARRIER;
}

void s2_confirm_begin(struct s2_flow *f)
{
    f->barrier = f->barrier_last_ms = f->stuck_ms = 0;
    f->acked = f->polled_ms = 0;
    f->progress_ms = s2_now_ms(f->w);
    f->tcp_only = s2_barrier_is_silent(f) != 0;
    f->has_sm = s2_lease_has_sm(f->lease) != 0;
}

void s2_confirm_kill(struct s2_flow *f, const char *why)
{
    f->closing = 1;
    f->was_killed = 1;
    s2_lease_kill(f->lease, why);
}

/*
 * An answer that may be held up here, by a flow that is full, is no reason: two directions would
 * hold each other.
 */
int s2_confirm_holds(const struct s2_flow *f)
{
    uint64_t hold_ms = f->w->conf->hold_ms, since_ms;

    if (f->barrier == 0 || hold_ms == 0)
        return 0;
    since_ms = s2_now_ms(f->w) - f->barrier_last_ms;
    if (since_ms < hold_ms || f->w->conf->confirm == S2_CONFIRM_NONE || s2_confirm_by_tcp(f))
        return 0;
    if (since_ms < S2_UNKNOWN_HOLD_MS && !f->barrier_is_sm && !s2_barrier_answers(f))
        return 0;
    return !s2_barrier_is_blocked(f);
}

/* --- what is confirmed ----------------------------------------------------------------------- */

static void confirm_first(struct s2_flow *f)
{
    struct s2_item it;

    s2_ring_pop(f, &it);
    s2_host->buf->slab_release(it.slab);
    s2_settled(f->w, &it);
    f->delivered++;
    f->was_killed = 0;
    S2_COUNT(f->w, S2_M_CONFIRMED, 1);
}

void s2_confirm_end(struct s2_flow *f, uint64_t end)
{
    while (f->ring.sent > 0 && s2_ring_at(f, 0)->end <= end)
        confirm_first(f);
}

void s2_confirm_errors(struct s2_flow *f)
{
    uint64_t acked;

    if (f->closing || f->ring.sent == 0 || (s2_ring_at(f, 0)->flags & S2_ITEM_OWN) == 0)
        return;
    acked = s2_lease_acked(f->lease);
    while (f->ring.sent > 0 && (s2_ring_at(f, 0)->flags & S2_ITEM_OWN) != 0 &&
           s2_ring_at(f, 0)->end <= acked)
        confirm_first(f);
}

/* Numbers run around (XEP-0198, 4), the peer's as well as ours. */
void s2_confirm_handled(struct s2_flow *f, uint64_t h)
{
    while (f->ring.sent > 0 && (int32_t)((uint32_t)h - s2_ring_at(f, 0)->seq) >= 0)
        confirm_first(f);
    if (f->barrier_is_sm)
        f->barrier = 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

static int window_runs_full(const struct s2_flow *f)
{
    return f->ring.sent_bytes > f->w->conf->window_bytes / 2;
}

/*
 * Questions of another gateway, and answers to it, are its own proof: a barrier for them would be
 * the next question to it, without end. TCP's word is enough. 1: there is nothing else.
 */
static int are_probes(struct s2_flow *f)
{
    uint32_t i;

    for (i = 0; i < f->ring.sent; i++)
        if ((s2_ring_at(f, i)->flags & S2_ITEM_PROBE) == 0)
            return 0;
    s2_confirm_end(f, s2_lease_acked(f->lease));
    return 1;
}

/* More cannot be sent before there is an answer, or time is short. */
static int is_pressed(const struct s2_flow *f)
{
    return window_runs_full(f) || f->state == FLOW_LEAVING || f->w->flows->drain != S2_DRAIN_NOT;
}

static void ask(struct s2_flow *f, uint64_t now)
{
    uint64_t gap_ms = is_pressed(f) ? S2_GAP_MS : f->w->conf->barrier_ms;

    if (f->barrier != 0 || f->ring.sent == 0 || are_probes(f))
        return;
    if (f->stuck_ms != 0 && now - f->stuck_ms >= f->w->conf->barrier_timeout_ms)
        s2_confirm_kill(f, "the peer reads nothing");
    else if (f->barrier_last_ms == 0 || now - f->barrier_last_ms >= gap_ms)
        s2_barrier_send(f, now);
}

static void look(struct s2_flow *f, uint64_t now)
{
    uint64_t gap_ms = window_runs_full(f) || f->state == FLOW_LEAVING ? S2_GAP_MS : S2_POLL_MS;
    uint64_t acked;

    if (now - f->polled_ms < gap_ms)
        return;
    f->polled_ms = now;
    acked = s2_lease_acked(f->lease);
    if (acked > f->acked) {
        f->acked = acked;
        f->progress_ms = now;
    }
    s2_confirm_end(f, f->acked);
    if (f->ring.sent > 0 && now - f->progress_ms >= f->w->conf->barrier_timeout_ms)
        s2_confirm_kill(f, "the peer's system acknowledges nothing");
}

void s2_confirm_tick(struct s2_flow *f, uint64_t now_ms)
{
    if (f->ring.sent == 0)
        f->stuck_ms = 0;
    if (f->closing || (f->ring.sent == 0 && f->barrier == 0))
        return;
    switch (how(f)) {
    case BY_NOTHING:
        s2_confirm_end(f, UINT64_MAX);
        break;
    case BY_TCP:
        look(f, now_ms);
        break;
    case BY_BARRIER:
    case BY_SM:
        if (f->barrier != 0)
            s2_barrier_watch(f, now_ms);
        else
            ask(f, now_ms);
        break;
    }
}

void s2_confirm_sent(struct s2_flow *f)
{
    if (f->w->conf->confirm == S2_CONFIRM_NONE) {
        s2_confirm_end(f, UINT64_MAX);
        return;
    }
    if (f->ring.sent == 1)
        f->progress_ms = f->put_ms;
    if (window_runs_full(f))
        s2_confirm_tick(f, s2_now_ms(f->w));
}

void s2_confirm_first(struct s2_flow *f)
{
    if (f->state == FLOW_FLOWING && !f->held_up)
        s2_confirm_tick(f, s2_now_ms(f->w));
}
