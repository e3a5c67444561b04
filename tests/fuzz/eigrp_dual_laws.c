/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_laws.c - see eigrp_dual_laws.h.
 */
#include "eigrp_dual_laws.h"

#include <stdio.h>
#include <stdlib.h>

void law(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_eigrp_dual: %s\n", what);
    abort();
}

int laws_is_up(const struct laws *l, unsigned number)
{
    const struct se_dual_peer *peer = se_dual_peer(l->d, number);

    return peer != NULL && peer->is_up;
}

static void check_ways(const struct laws *l, const struct se_dual_entry *e)
{
    const struct se_path *p, *q;

    for (p = e->paths; p != NULL; p = p->next) {
        law(p->peer == SE_DUAL_LOCAL || laws_is_up(l, p->peer), "a way by who is not up");
        law(p->origin->path_count > 0, "a way of nobody");
        for (q = p->next; q != NULL; q = q->next)
            law(p->peer != q->peer, "two ways by one neighbour");
    }
}

static void check_replies(const struct laws *l, const struct se_dual_entry *e)
{
    unsigned i, awaited = 0;

    for (i = 0; i < LAWS_PEERS; i++) {
        if (!se_dual_in_set(e, SE_SET_REPLY, laws_numbers[i]))
            continue;
        law(laws_is_up(l, laws_numbers[i]), "a reply is awaited of who is not up");
        awaited++;
    }
    law(awaited == e->reply_count, "replies are miscounted");
    law((e->reply_count > 0) == (e->state != SE_DUAL_PASSIVE),
        "passive with replies to come, or active without");
    law(e->owed == SE_DUAL_NONE || (e->state != SE_DUAL_PASSIVE && laws_is_up(l, e->owed)),
        "a reply is owed to who does not wait for it");
    for (i = 0; i < LAWS_PEERS; i++)
        law(!l->is_asked[e->id.subservice][i] || e->owed == laws_numbers[i],
            "a query was never answered");
}

static void check_successor(const struct se_dual_entry *e)
{
    const struct se_path *p = se_dual_path(e, e->successor);

    if (e->state != SE_DUAL_PASSIVE)
        return;
    law((e->successor != SE_DUAL_NONE) == se_dual_is_finite(&e->distance),
        "reachable by way of nobody, or unreachable by way of somebody");
    law(!se_distance_less(&e->distance, &e->feasible), "nearer than it ever was");
    if (e->successor == SE_DUAL_NONE)
        return;
    law(p != NULL && p->origin == e->origin, "the successor has no way");
    law(p->computed.composite == e->distance.composite &&
            p->computed.hop_count == e->distance.hop_count,
        "another distance is reported than that of the successor");
    law(p->peer == SE_DUAL_LOCAL || se_distance_less(&p->reported, &e->feasible),
        "the successor is not feasible");
}

static unsigned contents_of(const struct se_dual_entry *e)
{
    const struct se_origin *o;
    const struct se_path *p;
    unsigned origins = 0, contents = 0, ways;

    for (o = e->origins; o != NULL; o = o->next) {
        origins++;
        contents += o->content != NULL;
        for (p = e->paths, ways = 0; p != NULL; p = p->next)
            ways += p->origin == o;
        law(ways == o->path_count, "the ways of an originator are miscounted");
    }
    law(origins <= SE_DUAL_ORIGINS_MAX, "too many originators");
    return contents;
}

uint64_t laws_check_clocks(const struct laws *l)
{
    const struct se_dual_entry *e;
    uint64_t least_ms = 0;

    for (e = se_dual_next(l->d, NULL); e != NULL; e = se_dual_next(l->d, e)) {
        law(!e->is_listed || e->due_ms <= l->now_ms + 2 * LAWS_ACTIVE_MS, "due too late");
        law(e->is_listed || e->state == SE_DUAL_PASSIVE || l->is_never_stuck,
            "active without a clock");
        if (e->is_listed && (least_ms == 0 || e->due_ms < least_ms))
            least_ms = e->due_ms;
    }
    law(least_ms == 0 || (l->timer_ms != 0 && l->timer_ms <= least_ms), "the timer is late");
    return least_ms;
}

static unsigned ways_told(const struct laws *l, unsigned number)
{
    return laws_is_up(l, number) ? se_dual_peer(l->d, number)->path_count : 0;
}

static void check_counts(const struct laws *l)
{
    const struct se_dual_counts *counts = se_dual_counts(l->d);
    unsigned entries = 0, active = 0, contents = 0, i, ways[LAWS_PEERS] = {0};
    const struct se_dual_entry *e;

    for (e = se_dual_next(l->d, NULL); e != NULL; e = se_dual_next(l->d, e)) {
        entries++;
        active += e->state != SE_DUAL_PASSIVE;
        contents += contents_of(e);
        for (i = 0; i < LAWS_PEERS; i++)
            ways[i] += se_dual_path(e, laws_numbers[i]) != NULL;
    }
    law(entries == counts->entries && entries <= LAWS_ENTRIES_MAX, "entries are miscounted");
    law(active == counts->active, "what is active is miscounted");
    law(contents == l->contents, "contents are lost");
    for (i = 0; i < LAWS_PEERS; i++)
        law(ways[i] == ways_told(l, laws_numbers[i]), "the ways by a neighbour are miscounted");
}

void laws_check(const struct laws *l)
{
    const struct se_dual_entry *e;

    for (e = se_dual_next(l->d, NULL); e != NULL; e = se_dual_next(l->d, e)) {
        check_ways(l, e);
        check_replies(l, e);
        check_successor(e);
        law(l->is_shown[e->id.subservice] == e->is_shown, "shown, and nobody heard");
    }
    check_counts(l);
    laws_check_clocks(l);
}
