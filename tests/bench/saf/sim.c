/* SPDX-License-Identifier: MIT */
/*
 * sim.c - the engines, what happens to them, and time: see sim.h.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "die.h"

#define WALL_MS UINT64_C(1700000000000) /* the wall clock when a run begins */
#define BANDWIDTH_KBPS 1000000u

uint64_t sim_now_ms(const struct sim *s)
{
    return 1000 + s->pause_ms + s->step * s->options.step_us / 1000;
}

uint64_t sim_wall_ms(const struct sim *s)
{
    return WALL_MS + sim_now_ms(s);
}

struct xmb_service_id sim_id(unsigned service)
{
    struct xmb_service_id id = {.service = 101, .instance = {service}};

    return id;
}

unsigned sim_number(const struct xmb_service_id *id)
{
    return id->instance[0];
}

static struct sim_end *end_of(const struct sim_node *n, unsigned slot)
{
    return &n->sim->ends[n->sim->net->nodes[n->number].ends[slot]];
}

/* --- operations of the engines ---------------------------------------------------------------- */

static void on_send(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                    const struct se_dual_to *to)
{
    struct sim_node *n = arg;
    struct sim_end *x = end_of(n, to->iface);
    struct sim_item item = {
        .entry = e,
        .service = sim_number(&e->id),
        .kind = (uint8_t)kind,
        .is_active = to->is_active,
    };

    if (x->is_up)
        sim_post(n->sim, x, &item);
}

static void on_refuse(void *arg, unsigned peer, enum se_dual_message kind,
                      const struct se_dual_advert *a)
{
    struct sim_node *n = arg;
    struct sim_item item = {.service = sim_number(&a->id), .kind = (uint8_t)kind};

    sim_post(n->sim, end_of(n, peer), &item);
}

static void on_route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    struct sim_node *n = arg;
    int is_gone = what == SE_DUAL_ROUTE_GONE_SOURCE || what == SE_DUAL_ROUTE_GONE_NETWORK;

    n->shown[sim_number(&e->id)] = is_gone ? 0 : (uint32_t)(uintptr_t)e->origin->content;
    n->sim->counts.shown_steps = n->sim->step - n->sim->began;
}

/* Content is the number of a publication, and nothing is allocated for it. */
static void *on_keep(void *arg, const struct se_dual_advert *a)
{
    (void)arg;
    return (void *)(uintptr_t)a->content;
}

static void on_drop(void *arg, void *content)
{
    (void)arg;
    (void)content;
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct sim_node *n = arg;

    n->timer_ms = at_ms;
}

static void on_note(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer)
{
    struct sim_node *n = arg;

    (void)e;
    if (note != SE_DUAL_NOTE_STUCK)
        die("node %u: the engine complains of neighbour %u: note %d", n->number, peer, (int)note);
    n->sim->counts.stuck++;
}

static const struct se_dual_ops ops = {
    .send = on_send,
    .refuse = on_refuse,
    .route = on_route,
    .keep = on_keep,
    .drop = on_drop,
    .timer = on_timer,
    .note = on_note,
};

/* --- nodes and adjacencies -------------------------------------------------------------------- */

static void set_iface(struct sim *s, unsigned end)
{
    const struct sim_end *x = &s->ends[end];
    struct se_link link = {
        .delay_ps = (uint64_t)s->net->links[end / 2].cost_us * 1000000,
        .bandwidth_kbps = BANDWIDTH_KBPS,
        .mtu_bytes = 1500,
        .reliability = 255,
        .load = 1,
    };

    if (se_dual_iface_set(s->nodes[x->node].engine, x->slot, &link, SE_DUAL_SPLIT_IFACE,
                          sim_now_ms(s)) != 0)
        die("node %u: interface %u", x->node, x->slot);
}

static void start_engine(struct sim *s, unsigned node)
{
    struct sim_node *n = &s->nodes[node];
    struct se_dual_conf conf = {
        .k = SE_KVALUES_DEFAULT,
        .active_ms = 180000,
        .linger_ms = 360000,
        .start_wall_ms = sim_wall_ms(s),
        .hash_seed = 1,
        .router_id = node + 1,
        .entries_max = s->options.services,
        .hops_max = (uint8_t)s->options.hops_max,
        .is_stub = s->net->nodes[node].is_stub,
    };
    unsigned i;

    if (se_dual_new(&conf, &ops, n, &n->engine) != 0)
        die("node %u: no engine", node);
    n->timer_ms = 0;
    for (i = 0; i < s->net->nodes[node].degree; i++)
        set_iface(s, s->net->nodes[node].ends[i]);
}

static void end_up(struct sim *s, unsigned end)
{
    struct sim_end *x = &s->ends[end];
    unsigned other = s->ends[end ^ 1].node;
    unsigned flags = s->net->nodes[other].is_stub ? SE_DUAL_PEER_STUB : 0;

    if (se_dual_peer_up(s->nodes[x->node].engine, x->slot, x->slot, flags, sim_now_ms(s)) != 0)
        die("node %u: neighbour %u", x->node, x->slot);
    x->is_up = 1;
    x->is_walking = 1;
    sim_list(s, x);
}

static void rise(struct sim *s, unsigned link)
{
    if (!net_passes(s->net, link) || s->ends[2 * link].is_up)
        return;
    end_up(s, 2 * link);
    end_up(s, 2 * link + 1);
}

/* Both ends forget what waited before either engine hears of it. */
static void fall(struct sim *s, unsigned link)
{
    unsigned i;

    if (!s->ends[2 * link].is_up)
        return;
    for (i = 0; i < 2; i++) {
        sim_clear_end(s, &s->ends[2 * link + i]);
        s->ends[2 * link + i].is_up = 0;
    }
    for (i = 0; i < 2; i++)
        if (s->net->nodes[s->ends[2 * link + i].node].is_alive)
            se_dual_peer_down(s->nodes[s->ends[2 * link + i].node].engine,
                              s->ends[2 * link + i].slot, sim_now_ms(s));
}

static void make_nodes(struct sim *s)
{
    unsigned i, k;

    for (i = 0; i < s->net->node_count; i++) {
        s->nodes[i].sim = s;
        s->nodes[i].number = i;
        s->nodes[i].shown = must_alloc(s->options.services, sizeof(uint32_t));
        for (k = 0; k < s->net->nodes[i].degree; k++) {
            struct sim_end *x = &s->ends[s->net->nodes[i].ends[k]];

            x->node = i;
            x->slot = k;
            x->pending = must_alloc(s->options.services, 1);
        }
    }
    for (i = 0; i < s->net->node_count; i++)
        start_engine(s, i);
}

struct sim *sim_new(struct net *net, const struct sim_options *options)
{
    struct sim *s = must_alloc(1, sizeof(*s));
    unsigned i;

    s->net = net;
    s->options = *options;
    s->nodes = must_alloc(net->node_count, sizeof(*s->nodes));
    s->ends = must_alloc((size_t)net->link_count * 2, sizeof(*s->ends));
    s->busy = must_alloc((size_t)net->link_count * 2, sizeof(*s->busy));
    s->services = must_alloc(options->services, sizeof(*s->services));
    s->is_touched = must_alloc(options->services, 1);
    make_nodes(s);
    for (i = 0; i < net->link_count; i++)
        rise(s, i);
    sim_run(s);
    return s;
}

void sim_free(struct sim *s)
{
    unsigned i;

    for (i = 0; i < 2 * s->net->link_count; i++)
        sim_clear_end(s, &s->ends[i]);
    for (i = 0; i < s->net->node_count; i++) {
        se_dual_free(s->nodes[i].engine);
        free(s->nodes[i].shown);
    }
    for (i = 0; i < 2 * s->net->link_count; i++) {
        free(s->ends[i].queue);
        free(s->ends[i].pending);
    }
    free(s->read.messages);
    free(s->written.messages);
    free(s->nodes);
    free(s->ends);
    free(s->busy);
    free(s->services);
    free(s->is_touched);
    free(s);
}

/* --- what happens ----------------------------------------------------------------------------- */

static void publish(struct sim *s, unsigned service)
{
    struct sim_service *p = &s->services[service];
    struct se_dual_advert a = {.id = sim_id(service)};

    p->payload = ++s->payload;
    p->is_live = 1;
    a.content = (const void *)(uintptr_t)p->payload;
    a.metric.delay_ps = 1000000;
    a.metric.bandwidth_kbps = BANDWIDTH_KBPS;
    a.metric.mtu_bytes = 1500;
    a.metric.reliability = 255;
    a.metric.load = 1;
    if (se_dual_publish(s->nodes[p->node].engine, &a, p->payload, 0, sim_wall_ms(s),
                        sim_now_ms(s)) != 0)
        die("node %u cannot publish service %u", p->node, service);
}

void sim_publish(struct sim *s, unsigned service, unsigned node)
{
    s->services[service].node = node;
    publish(s, service);
}

void sim_withdraw(struct sim *s, unsigned service)
{
    struct sim_service *p = &s->services[service];
    struct xmb_service_id id = sim_id(service);

    p->is_live = 0;
    if (se_dual_withdraw(s->nodes[p->node].engine, &id, sim_wall_ms(s), sim_now_ms(s)) != 0)
        die("node %u cannot withdraw service %u", p->node, service);
}

void sim_link_down(struct sim *s, unsigned link)
{
    s->net->links[link].is_up = 0;
    fall(s, link);
}

void sim_link_up(struct sim *s, unsigned link)
{
    s->net->links[link].is_up = 1;
    rise(s, link);
}

void sim_node_down(struct sim *s, unsigned node)
{
    struct net_node *n = &s->net->nodes[node];
    unsigned i;

    n->is_alive = 0;
    for (i = 0; i < n->degree; i++)
        fall(s, n->ends[i] / 2);
    se_dual_free(s->nodes[node].engine);
    s->nodes[node].engine = NULL;
    s->nodes[node].timer_ms = 0;
    memset(s->nodes[node].shown, 0, s->options.services * sizeof(uint32_t));
}

void sim_node_up(struct sim *s, unsigned node)
{
    struct net_node *n = &s->net->nodes[node];
    unsigned i;

    n->is_alive = 1;
    start_engine(s, node);
    for (i = 0; i < s->options.services; i++)
        if (s->services[i].node == node && s->services[i].is_live)
            publish(s, i);
    for (i = 0; i < n->degree; i++)
        rise(s, n->ends[i] / 2);
}

/* --- time ------------------------------------------------------------------------------------- */

static void read_message(struct sim *s, const struct sim_message *m)
{
    const struct sim_end *to = &s->ends[m->end ^ 1];
    struct se_dual *engine = s->nodes[to->node].engine;
    struct se_dual_advert a = m->advert;

    if (m->generation != s->ends[m->end].generation)
        return;
    s->counts.steps = s->step - s->began;
    if (m->kind == SIM_EOT) {
        se_dual_peer_complete(engine, to->slot, sim_now_ms(s));
        return;
    }
    a.content = (const void *)(uintptr_t)m->payload;
    if (se_dual_input(engine, (enum se_dual_message)m->kind, to->slot, &a, sim_now_ms(s)) != 0)
        die("node %u does not take service %u", to->node, sim_number(&a.id));
}

static void tick(struct sim *s)
{
    uint64_t now_ms = sim_now_ms(s);
    unsigned i;

    for (i = 0; i < s->net->node_count; i++)
        if (s->nodes[i].timer_ms != 0 && s->nodes[i].timer_ms <= now_ms)
            se_dual_tick(s->nodes[i].engine, now_ms);
}

static void swap_flights(struct sim *s)
{
    struct sim_flight read = s->read;

    s->read = s->written;
    s->written = read;
    s->written.count = 0;
}

void sim_begin(struct sim *s)
{
    memset(&s->counts, 0, sizeof(s->counts));
    memset(s->is_touched, 0, s->options.services);
    s->pause_ms += 1000;
    s->began = s->step;
}

void sim_run(struct sim *s)
{
    size_t i;

    sim_write(s);
    while (s->written.count > 0 || s->busy_count > 0) {
        s->step++;
        if (s->step - s->began > SIM_STEPS_MAX)
            die("it never ends");
        swap_flights(s);
        for (i = 0; i < s->read.count; i++)
            read_message(s, &s->read.messages[i]);
        tick(s);
        sim_write(s);
    }
}
