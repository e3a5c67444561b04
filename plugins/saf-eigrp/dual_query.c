/* SPDX-License-Identifier: MIT */
/*
 * dual_query.c - whom to ask, who replied, and what happens when one does not: stuck in active.
 *
 * Asked are all neighbours (RFC 7868, 3.5) but
 *   - stubs, which have nothing but their own;
 *   - the successor whose query started this: it waits for us;
 *   - by split horizon, those out of whose interface the successor is, if they surely hold nothing
 *     of us. FD may only rise when nobody believes anything nearer of us. One that was told a
 *     distance and then the poison may not have read the poison yet, so it is asked all the same;
 *     left out, it closes a loop now and then. On a LAN that learns from one of its members nobody
 *     was told, and nobody is asked.
 *
 * Stuck in active (RFC 7868, 4.4.1): after half the active time each silent neighbour gets an SIA
 * query. If it is still busy itself it says so in an SIA reply, and has another half. Silence, or a
 * fourth half, is noted, and the caller resets the adjacency. So a neighbour that says nothing is
 * noted after the active time.
 *
 * SIA queries and replies of two computations can cross. An SIA reply to a question that is over is
 * late and dropped, or it would count as a reply to the next query, which its sender has not seen.
 */
#include "dual_priv.h"

/* A neighbour that holds nothing of us, and has nothing that it may tell. */
static int is_spared(const struct se_dual *d, const struct se_dual_entry *e, unsigned peer)
{
    if (d->peers[peer].flags & SE_DUAL_PEER_STUB || peer == e->owed)
        return 1;
    return se_dual_is_split(d, e, d->peers[peer].iface, peer) &&
           !se_dual_in_set(e, SE_SET_TOLD, peer) && !se_dual_in_set(e, SE_SET_DOUBT, peer);
}

static void start_clock(struct se_dual *d, struct se_dual_entry *e)
{
    if (d->conf.active_ms > 0)
        se_dual_due(d, e, &d->active, d->now_ms + d->conf.active_ms / 2);
}

void se_dual_ask_over(struct se_dual_entry *e)
{
    unsigned w;

    for (w = 0; w < e->set_words; w++) {
        e->sets[SE_SET_LATE * e->set_words + w] |= e->sets[SE_SET_ASKED * e->set_words + w];
        e->sets[SE_SET_ASKED * e->set_words + w] = 0;
    }
    e->sia_round = 0;
}

void se_dual_ask(struct se_dual *d, struct se_dual_entry *e)
{
    unsigned peer;

    assert(e->reply_count == 0);
    e->serial = ++d->serial;
    se_dual_ask_over(e);
    for (peer = 0; peer < d->peer_count; peer++) {
        if (!d->peers[peer].is_up || is_spared(d, e, peer))
            continue;
        se_dual_set_add(e, SE_SET_REPLY, peer);
        se_dual_set_add(e, SE_SET_WANT, peer);
        e->reply_count++;
    }
    start_clock(d, e);
    if (e->reply_count > 0)
        se_dual_send_wanted(d, e, SE_DUAL_QUERY);
}

int se_dual_replied(struct se_dual *d, struct se_dual_entry *e, unsigned peer, int is_reply)
{
    (void)d;
    if (!se_dual_is_peer(peer) || !se_dual_set_remove(e, SE_SET_REPLY, peer))
        return 0;
    e->reply_count--;
    /* It read the query, and before it whatever poison there was. */
    if (is_reply && !se_dual_in_set(e, SE_SET_TOLD, peer))
        se_dual_set_remove(e, SE_SET_DOUBT, peer);
    return 1;
}

int se_dual_sia_input(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                      unsigned peer, int is_active)
{
    if (kind == SE_DUAL_SIA_QUERY) {
        if (e->state == SE_DUAL_PASSIVE || e->owed != peer)
            return 0;
        se_dual_send_sia_reply(d, e, peer, 1);
        return 1;
    }
    if (se_dual_set_remove(e, SE_SET_LATE, peer))
        return 1;
    se_dual_set_remove(e, SE_SET_ASKED, peer);
    return is_active;
}

static void ask_where_it_is(struct se_dual *d, struct se_dual_entry *e)
{
    unsigned peer;

    for (peer = 0; peer < d->peer_count; peer++) {
        if (!se_dual_in_set(e, SE_SET_REPLY, peer))
            continue;
        if (e->sia_round == SE_DUAL_SIA_ROUNDS || se_dual_in_set(e, SE_SET_ASKED, peer)) {
            d->counts.stuck++;
            d->ops->note(d->arg, SE_DUAL_NOTE_STUCK, e, peer);
            continue;
        }
        se_dual_set_add(e, SE_SET_ASKED, peer);
        se_dual_send(d, e, SE_DUAL_SIA_QUERY, peer);
    }
    if (e->sia_round < SE_DUAL_SIA_ROUNDS)
        e->sia_round++;
}

void se_dual_rearm(struct se_dual *d)
{
    const struct due_list *const lists[] = {&d->active, &d->lingering, &d->hidden};
    uint64_t at_ms = 0;
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (lists[i]->first != NULL && (at_ms == 0 || lists[i]->first->due_ms < at_ms))
            at_ms = lists[i]->first->due_ms;
    if (at_ms == d->timer_ms)
        return;
    d->timer_ms = at_ms;
    d->ops->timer(d->arg, at_ms);
}

void se_dual_tick(struct se_dual *d, uint64_t now_ms)
{
    struct se_dual_entry *e;
    uint32_t left = d->counts.active;

    d->now_ms = now_ms;
    while (left-- > 0 && (e = d->active.first) != NULL && e->due_ms <= now_ms) {
        ask_where_it_is(d, e);
        start_clock(d, e);
        if (d->conf.active_ms == 0)
            se_dual_due(d, e, NULL, 0);
    }
    se_dual_expire(d, 0);
    se_dual_reveal(d);
    se_dual_rearm(d);
}

/* All that waits has a new time to wait from now on, so that the lists stay in order. */
static void restart_clocks(struct se_dual *d)
{
    struct se_dual_entry *e;

    for (e = d->first; e != NULL; e = e->next) {
        if (e->state != SE_DUAL_PASSIVE) {
            se_dual_due(d, e, NULL, 0);
            start_clock(d, e);
        } else if (e->is_listed) {
            se_dual_due(d, e, e->is_hidden ? &d->hidden : &d->lingering,
                        d->now_ms + d->conf.linger_ms);
        }
    }
}

void se_dual_configure(struct se_dual *d, const struct se_dual_conf *conf, uint64_t now_ms)
{
    uint64_t seed = d->conf.hash_seed;

    d->now_ms = now_ms;
    d->conf = *conf;
    d->conf.hash_seed = seed;
    restart_clocks(d);
    se_dual_recompute(d);
    se_dual_reoffer(d, now_ms);
    se_dual_rearm(d);
}
