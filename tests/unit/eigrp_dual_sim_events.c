/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_sim_events.c - what happens to a network of decision engines: links and nodes fail and
 * come back, clients publish and withdraw. See eigrp_dual_sim.h.
 */
#include "eigrp_dual_sim_priv.h"

#include <string.h>

int sim_cost(struct sim *s, unsigned segment, unsigned node, unsigned cost)
{
    struct segment *g = &s->segments[segment];

    if (g->cost[node] == 0 || cost == 0)
        return 0;
    TELL(s, "node %u: segment %u costs %u\n", node, segment, cost);
    g->cost[node] = cost;
    g->bandwidth[node] = 10000u << sim_draw(s, 8);
    if (s->nodes[node].engine != NULL)
        sim_apply_cost(s, segment, node);
    return 1;
}

int sim_segment_down(struct sim *s, unsigned segment)
{
    unsigned i;

    if (!s->segments[segment].is_up)
        return 0;
    s->segments[segment].is_up = 0;
    for (i = 0; i < s->end_count; i++)
        if (s->ends[i]->segment == segment)
            sim_break(s, s->ends[i]);
    return 1;
}

int sim_segment_up(struct sim *s, unsigned segment)
{
    if (s->segments[segment].is_up)
        return 0;
    s->segments[segment].is_up = 1;
    return 1;
}

int sim_node_down(struct sim *s, unsigned node)
{
    struct node *n = &s->nodes[node];
    unsigned i;

    if (n->engine == NULL)
        return 0;
    TELL(s, "node %u dies\n", node);
    for (i = 0; i < n->slot_count; i++) {
        sim_clear_end(s, n->slots[i]);
        n->slots[i]->is_up = 0;
        n->slots[i]->must_fall = 0;
        n->slots[i]->other->must_fall = n->slots[i]->other->is_up;
    }
    se_dual_free(n->engine);
    n->engine = NULL;
    n->timer_ms = 0;
    memset(n->published, 0, sizeof(n->published));
    memset(n->shown, 0, sizeof(n->shown));
    memset(n->newest, 0, sizeof(n->newest));
    return 1;
}

int sim_node_up(struct sim *s, unsigned node)
{
    if (s->nodes[node].engine != NULL)
        return 0;
    if (s->options.is_clock_wild && sim_draw(s, 2) == 0)
        s->nodes[node].clock_back_ms = sim_draw(s, 10000000);
    TELL(s, "node %u is born\n", node);
    sim_start_engine(s, node);
    return 1;
}

void sim_clock_back(struct sim *s, unsigned node, uint64_t ms)
{
    s->nodes[node].clock_back_ms = ms;
}

static struct xmb_service_id id_of(unsigned service)
{
    struct xmb_service_id id = {.service = 101, .subservice = (uint16_t)service};

    return id;
}

int sim_publish(struct sim *s, unsigned node, unsigned service, int is_new_data)
{
    struct node *n = &s->nodes[node];
    struct publication *p = &n->published[service];
    struct se_external external = {.as_number = 7, .flags = SE_EXTERNAL_IS_EXTERNAL};
    struct content content = {.origin = node + 1};
    struct se_dual_advert a = {.content = &content};
    int was_live = p->is_live;

    if (n->engine == NULL)
        return 0;
    if (!was_live) {
        p->base_us = 1 + sim_draw(s, 4);
        p->is_external = s->options.has_external && sim_draw(s, 3) == 0;
        p->version = sim_draw(s, 3); /* may well be what it was, or less */
    } else if (is_new_data) {
        p->version++;
    }
    if (!was_live || is_new_data)
        p->payload = ++s->payloads[service][node];
    p->is_live = 1;
    content.payload = p->payload;
    TELL(s, "node %u publishes service %u: data %u\n", node, service, p->payload);
    a.id = id_of(service);
    a.metric.delay_ps = (uint64_t)p->base_us * 1000000;
    a.metric.bandwidth_kbps = 1000000;
    a.metric.mtu_bytes = 1500;
    a.metric.reliability = 255;
    a.metric.load = 1;
    a.metric.external = p->is_external ? &external : NULL;
    assert_int_equal(se_dual_publish(n->engine, &a, p->version, was_live && !is_new_data,
                                     sim_wall_ms(s, node), s->now_ms), 0);
    sim_look(s, node);
    return 1;
}

int sim_withdraw(struct sim *s, unsigned node, unsigned service)
{
    struct node *n = &s->nodes[node];
    struct xmb_service_id id = id_of(service);

    if (n->engine == NULL || !n->published[service].is_live)
        return 0;
    TELL(s, "node %u withdraws service %u\n", node, service);
    n->published[service].is_live = 0;
    assert_int_equal(se_dual_withdraw(n->engine, &id, sim_wall_ms(s, node), s->now_ms), 0);
    sim_look(s, node);
    return 1;
}

static struct end *end_on(struct sim *s, unsigned segment)
{
    unsigned i, from = sim_draw(s, s->end_count);

    for (i = 0; i < s->end_count; i++)
        if (s->ends[(from + i) % s->end_count]->segment == segment)
            return s->ends[(from + i) % s->end_count];
    return NULL;
}

int sim_reset(struct sim *s, unsigned segment)
{
    struct end *x = end_on(s, segment);

    if (x == NULL || !x->is_up || !x->other->is_up)
        return 0;
    sim_break(s, x);
    return 1;
}

int sim_restart(struct sim *s, unsigned segment)
{
    struct end *x = end_on(s, segment);

    if (x == NULL || !x->is_up || !x->other->is_up || x->must_fall || x->is_walking)
        return 0;
    sim_enqueue(s, x, KIND_RS, NULL, 0, 0);
    se_dual_table_rewind(s->nodes[x->node].engine, x->slot);
    x->is_walking = 1;
    return 1;
}

void sim_random_event(struct sim *s)
{
    unsigned node = sim_draw(s, s->options.nodes);
    unsigned segment = sim_draw(s, s->segment_count);
    unsigned service = sim_draw(s, s->options.services);
    unsigned what = sim_draw(s, 22);

    if (s->options.is_fickle && sim_draw(s, 3) != 0) {
        what = 12 + sim_draw(s, 8); /* one that publishes dies, or lives; or its clients do */
        node = service + sim_draw(s, 2);
    }
    if (what < 6)
        sim_cost(s, segment, node, 1 + sim_draw(s, 20));
    else if (what < 9)
        sim_segment_down(s, segment);
    else if (what < 12)
        sim_segment_up(s, segment);
    else if (what < 13)
        sim_node_down(s, node);
    else if (what < 15)
        sim_node_up(s, node);
    else if (what < 18)
        sim_publish(s, service + sim_draw(s, 2), service, (int)sim_draw(s, 3) != 0);
    else if (what < 20)
        sim_withdraw(s, service + sim_draw(s, 2), service);
    else if (what < 21)
        sim_reset(s, segment);
    else
        sim_restart(s, segment);
}
