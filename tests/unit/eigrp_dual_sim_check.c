/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_sim_check.c - brute force against what a network of decision engines found.
 */
#include "eigrp_dual_sim_priv.h"

#include <string.h>

/* A distance as a sum: what DUAL compares when all bandwidths are the same. */
struct label {
    int is_reachable, is_external;
    uint64_t delay_us;
    unsigned hops;
};

static int is_less(const struct label *a, const struct label *b)
{
    if (a->is_reachable != b->is_reachable)
        return a->is_reachable;
    if (!a->is_reachable)
        return 0;
    if (a->is_external != b->is_external)
        return b->is_external;
    if (a->delay_us != b->delay_us)
        return a->delay_us < b->delay_us;
    return a->hops < b->hops;
}

static struct se_dual_entry *entry_of(const struct sim *s, unsigned node, unsigned service)
{
    struct xmb_service_id id = {.service = 101, .subservice = (uint16_t)service};

    return s->nodes[node].engine != NULL ? se_dual_find(s->nodes[node].engine, &id) : NULL;
}

/*
 * The next node on the way, or SIM_NODES. Over an adjacency that one end has given up leads no way:
 * that end has forgotten what the other, who will find out, was told.
 */
static unsigned next_node(struct sim *s, unsigned node, unsigned service)
{
    const struct se_dual_entry *e = entry_of(s, node, service);
    const struct end *x;

    if (e == NULL || e->successor >= SE_DUAL_ALL)
        return SIM_NODES;
    x = sim_end_of(s, node, e->successor);
    if (!x->is_up || !x->other->is_up || x->must_fall || x->other->must_fall)
        return SIM_NODES;
    return x->other->node;
}

void sim_look(struct sim *s, unsigned node)
{
    unsigned service, at, steps;

    for (service = 0; service < s->options.services; service++) {
        at = node;
        for (steps = 0; steps <= s->options.nodes && at != SIM_NODES; steps++)
            at = next_node(s, at, service);
        if (at != SIM_NODES)
            fail_msg("seed %llu: a loop through node %u for service %u",
                     (unsigned long long)s->seed, node, service);
    }
}

/* --- at rest ---------------------------------------------------------------------------------- */

static int is_adjacent(const struct end *x)
{
    return x->is_up && x->other->is_up;
}

static void start(const struct sim *s, unsigned service, struct label *best)
{
    const struct publication *p;
    unsigned i;

    memset(best, 0, s->options.nodes * sizeof(*best));
    for (i = 0; i < s->options.nodes; i++) {
        p = &s->nodes[i].published[service];
        if (s->nodes[i].engine == NULL || !p->is_live)
            continue;
        best[i].is_reachable = 1;
        best[i].is_external = p->is_external;
        best[i].delay_us = p->base_us;
    }
}

static void relax(const struct sim *s, unsigned node, struct label *best)
{
    struct label via;
    unsigned i;

    for (i = 0; i < s->end_count; i++) {
        const struct end *x = s->ends[i];

        if (x->other->node != node || !is_adjacent(x))
            continue;
        via = best[node];
        via.delay_us += s->segments[x->segment].cost[x->node];
        if (++via.hops <= s->options.hops_max && is_less(&via, &best[x->node]))
            best[x->node] = via;
    }
}

/* Dijkstra: the nearest node that is not done yet is final, as no link makes a distance less. */
static void brute_force(const struct sim *s, unsigned service, struct label *best)
{
    int is_done[SIM_NODES] = {0};
    unsigned i, round, nearest;

    start(s, service, best);
    for (round = 0; round < s->options.nodes; round++) {
        nearest = SIM_NODES;
        for (i = 0; i < s->options.nodes; i++)
            if (!is_done[i] && (nearest == SIM_NODES || is_less(&best[i], &best[nearest])))
                nearest = i;
        is_done[nearest] = 1;
        if (best[nearest].is_reachable)
            relax(s, nearest, best);
    }
}

static void check_sum(const struct sim *s, unsigned node, unsigned service,
                      const struct label *best)
{
    const struct se_dual_entry *e = entry_of(s, node, service);

    if (!best->is_reachable) {
        if (e != NULL && se_dual_is_finite(&e->distance))
            fail_msg("seed %llu: node %u reaches service %u, which is not there",
                     (unsigned long long)s->seed, node, service);
        return;
    }
    if (e == NULL || !se_dual_is_finite(&e->distance))
        fail_msg("seed %llu: node %u does not reach service %u", (unsigned long long)s->seed, node,
                 service);
    if (e->metric.delay_ps != best->delay_us * 1000000 || e->metric.hop_count != best->hops ||
        (e->metric.external != NULL) != best->is_external)
        fail_msg("seed %llu: node %u is %llu us and %u hops from service %u, not %llu and %u",
                 (unsigned long long)s->seed, node,
                 (unsigned long long)e->metric.delay_ps / 1000000, e->metric.hop_count, service,
                 (unsigned long long)best->delay_us, best->hops);
}

static uint64_t composite(const struct se_metric *m)
{
    struct se_kvalues k = SE_KVALUES_DEFAULT;

    return se_metric_composite(m, &k);
}

/*
 * Vectors: what is best for a node need not be a part of what is best for another, so there is no
 * one brute force. But nobody may have a better neighbour than the one it believes.
 */
static void check_local(const struct sim *s, unsigned node, unsigned service)
{
    const struct se_dual_entry *e = entry_of(s, node, service), *of;
    const struct se_dual_iface *iface;
    struct se_metric via;
    unsigned i;

    for (i = 0; i < s->nodes[node].slot_count; i++) {
        const struct end *x = s->nodes[node].slots[i];

        of = entry_of(s, x->other->node, service);
        if (!is_adjacent(x) || of == NULL || !se_dual_is_finite(&of->distance))
            continue;
        iface = se_dual_iface(s->nodes[node].engine, x->segment);
        se_metric_add_link(&via, &of->metric, &iface->link);
        if (via.hop_count > s->options.hops_max)
            continue;
        assert_non_null(e);
        assert_true(composite(&e->metric) <= composite(&via) ||
                    (e->metric.external == NULL && via.external != NULL));
        if (e->successor == x->slot)
            assert_true(composite(&e->metric) == composite(&via));
    }
}

static void check_successor(struct sim *s, unsigned node, unsigned service)
{
    const struct se_dual_entry *e = entry_of(s, node, service), *of;
    struct end *x;

    if (e == NULL || e->successor == SE_DUAL_NONE)
        return;
    if (e->successor == SE_DUAL_LOCAL) {
        assert_true(s->nodes[node].published[service].is_live);
        return;
    }
    x = sim_end_of(s, node, e->successor);
    assert_true(is_adjacent(x));
    of = entry_of(s, x->other->node, service);
    assert_non_null(of);
    assert_true(e->metric.delay_ps ==
                of->metric.delay_ps + UINT64_C(1000000) * s->segments[x->segment].cost[node]);
}

static void check_data(const struct sim *s, unsigned node, unsigned service)
{
    const struct se_dual_entry *e = entry_of(s, node, service);
    const struct node *n = &s->nodes[node];
    const struct publication *p;

    if (e == NULL || !se_dual_is_finite(&e->distance) || e->successor == SE_DUAL_LOCAL) {
        assert_int_equal(n->shown[service], 0);
        return;
    }
    p = &s->nodes[e->origin->router_id - 1].published[service];
    assert_true(p->is_live);
    if (n->shown[service] != p->payload)
        fail_msg("seed %llu: node %u shows %u of service %u, node %u published %u",
                 (unsigned long long)s->seed, node, n->shown[service], service,
                 e->origin->router_id - 1, p->payload);
}

static void check_node(struct sim *s, unsigned node)
{
    const struct se_dual_entry *e;
    unsigned service;

    assert_int_equal(se_dual_counts(s->nodes[node].engine)->active, 0);
    for (service = 0; service < s->options.services; service++) {
        e = entry_of(s, node, service);
        if (e != NULL && (e->state != SE_DUAL_PASSIVE || e->reply_count != 0 ||
                          e->owed != SE_DUAL_NONE || e->hold_count != 0))
            fail_msg("seed %llu: node %u is not at rest with service %u: %s, %u replies",
                     (unsigned long long)s->seed, node, service,
                     se_dual_state_name((enum se_dual_state)e->state), e->reply_count);
        check_successor(s, node, service);
        check_data(s, node, service);
    }
}

void sim_check(struct sim *s)
{
    struct label best[SIM_NODES];
    unsigned node, service;

    for (node = 0; node < s->options.nodes; node++)
        if (s->nodes[node].engine != NULL)
            check_node(s, node);
    for (service = 0; service < s->options.services; service++) {
        brute_force(s, service, best);
        for (node = 0; node < s->options.nodes; node++) {
            if (s->nodes[node].engine == NULL)
                continue;
            if (s->options.is_vector)
                check_local(s, node, service);
            else
                check_sum(s, node, service, &best[node]);
        }
    }
}

void sim_check_empty(struct sim *s)
{
    unsigned node, service, i;

    for (node = 0; node < s->options.nodes; node++)
        for (service = 0; service < s->options.services; service++)
            sim_withdraw(s, node, service);
    sim_run(s);
    sim_check(s);
    s->now_ms += 1000000;
    for (node = 0; node < s->options.nodes; node++) {
        if (s->nodes[node].engine == NULL)
            continue;
        se_dual_tick(s->nodes[node].engine, s->now_ms);
        assert_int_equal(se_dual_counts(s->nodes[node].engine)->entries, 0);
        assert_int_equal(s->nodes[node].timer_ms, 0);
        for (i = 0; i < s->nodes[node].slot_count; i++)
            assert_int_equal(se_dual_peer(s->nodes[node].engine, s->nodes[node].slots[i]->slot) ==
                                 NULL ? 0 : se_dual_peer(s->nodes[node].engine,
                                 s->nodes[node].slots[i]->slot)->path_count, 0);
    }
    assert_int_equal(s->contents, 0);
}
