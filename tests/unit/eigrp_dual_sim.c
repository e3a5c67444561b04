/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_sim.c - the engines, what is between them, and chance: see eigrp_dual_sim.h. Things
 * that happen are in eigrp_dual_sim_events.c, brute force in eigrp_dual_sim_check.c.
 */
#include "eigrp_dual_sim_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t sim_draw(struct sim *s, uint32_t n)
{
    uint64_t z = s->seed + ++s->draws * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

const struct sim_counts *sim_counts(const struct sim *s)
{
    return &s->counts;
}

uint64_t sim_now_ms(const struct sim *s)
{
    return s->now_ms;
}

uint64_t sim_wall_ms(const struct sim *s, unsigned node)
{
    return SIM_HOURS_WALL_MS + s->now_ms - s->nodes[node].clock_back_ms;
}

/* --- operations of the engines ---------------------------------------------------------------- */

static unsigned service_of(const struct se_dual_entry *e)
{
    return e->id.subservice;
}

struct end *sim_end_of(struct sim *s, unsigned node, unsigned slot)
{
    struct node *n = &s->nodes[node];

    assert_true(slot >= s->options.slot_base && slot - s->options.slot_base < n->slot_count);
    return n->slots[slot - s->options.slot_base];
}

static void bind(struct sim *s, struct end *x, struct item *item)
{
    struct se_dual_offer offer;
    struct message *m;

    assert_true(x->wire_count < WIRE_MAX);
    m = &x->wire[(x->wire_first + x->wire_count++) % WIRE_MAX];
    memset(m, 0, sizeof(*m));
    m->kind = item->kind;
    s->counts.messages++;
    if (item->entry == NULL)
        return;
    se_dual_offer(s->nodes[x->node].engine, item->entry, (enum se_dual_message)item->kind,
                  x->segment, item->is_all ? SE_DUAL_ALL : x->slot, &offer);
    m->advert.id = item->entry->id;
    m->advert.metric = offer.metric;
    if (offer.metric.external != NULL) {
        m->external = *offer.metric.external;
        m->has_external = 1;
    }
    m->payload = offer.content != NULL ? ((struct content *)offer.content)->payload : 0;
    m->advert.origin = offer.origin;
    m->advert.sequence = offer.sequence;
    m->advert.is_complete = offer.content != NULL;
    m->advert.is_withdrawn = offer.is_withdrawn;
    m->advert.is_active = item->is_active;
    se_dual_release(item->entry);
}

static int is_queued(const struct end *x, unsigned kind, const struct se_dual_entry *e,
                     int is_active)
{
    unsigned i = x->queue_count;

    while (i-- > 0 && x->queue[i].kind != KIND_RS)
        if (x->queue[i].kind == kind && x->queue[i].entry == e &&
            x->queue[i].is_active == is_active)
            return 1;
    return 0;
}

void sim_enqueue(struct sim *s, struct end *x, unsigned kind, struct se_dual_entry *e, int is_all,
                 int is_active)
{
    struct item *item;

    if (is_queued(x, kind, e, is_active))
        return;
    assert_true(x->queue_count < QUEUE_MAX);
    item = &x->queue[x->queue_count++];
    item->kind = kind;
    item->entry = e;
    item->is_all = is_all;
    item->is_active = is_active;
    if (e != NULL)
        se_dual_hold(e);
    if (!s->options.is_late) {
        bind(s, x, item);
        x->queue_count--;
    }
}

static void on_send(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                    const struct se_dual_to *to)
{
    struct node *n = arg;
    unsigned i;

    if (kind == SE_DUAL_SIA_REPLY)
        n->sim->counts.sia_replies++;
    for (i = 0; i < n->slot_count; i++) {
        struct end *x = n->slots[i];

        if (x->segment != to->iface || !x->is_up)
            continue;
        if (to->peer == SE_DUAL_ALL || to->peer == x->slot)
            sim_enqueue(n->sim, x, kind, e, to->peer == SE_DUAL_ALL, to->is_active);
    }
}

static void on_refuse(void *arg, unsigned peer, enum se_dual_message kind,
                      const struct se_dual_advert *a)
{
    struct node *n = arg;
    struct end *x = sim_end_of(n->sim, n->number, peer);
    struct message *m;

    /* Not queued behind what waits to be bound: nothing about this entry can be there. */
    assert_true(x->wire_count < WIRE_MAX);
    m = &x->wire[(x->wire_first + x->wire_count++) % WIRE_MAX];
    memset(m, 0, sizeof(*m));
    m->kind = kind;
    m->advert.id = a->id;
    m->advert.origin = a->origin;
    m->advert.sequence = a->sequence;
    se_metric_set_unreachable(&m->advert.metric);
}

static void on_route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    struct node *n = arg;
    unsigned service = service_of(e);
    const struct content *c;

    if (what == SE_DUAL_ROUTE_GONE_SOURCE || what == SE_DUAL_ROUTE_GONE_NETWORK) {
        assert_int_not_equal(n->shown[service], 0);
        n->shown[service] = 0;
        return;
    }
    if (what == SE_DUAL_ROUTE_INSTALLED)
        assert_int_equal(n->shown[service], 0);
    else
        assert_int_not_equal(n->shown[service], 0);
    assert_non_null(e->origin);
    c = e->origin->content;
    assert_non_null(c);
    assert_int_equal(c->origin, e->origin->router_id);
    if (c->payload < n->newest[service][c->origin - 1])
        fail_msg("seed %llu: node %u shows %u of node %u after %u",
                 (unsigned long long)n->sim->seed, n->number, c->payload, c->origin - 1,
                 n->newest[service][c->origin - 1]);
    n->newest[service][c->origin - 1] = c->payload;
    n->shown[service] = c->payload;
}

static void *on_keep(void *arg, const struct se_dual_advert *a)
{
    struct node *n = arg;
    struct content *c = malloc(sizeof(*c));

    assert_non_null(c);
    *c = *(const struct content *)a->content;
    n->sim->contents++;
    return c;
}

static void on_drop(void *arg, void *content)
{
    struct node *n = arg;

    n->sim->contents--;
    free(content);
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct node *n = arg;

    n->timer_ms = at_ms;
}

static void on_note(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer)
{
    struct node *n = arg;

    (void)e;
    assert_int_not_equal(note, SE_DUAL_NOTE_FULL);
    if (note != SE_DUAL_NOTE_STUCK)
        return;
    assert_true(n->sim->options.is_stuck);
    n->sim->counts.stuck++;
    sim_break(n->sim, sim_end_of(n->sim, n->number, peer));
}

static void on_trace(void *arg, const struct se_dual_entry *e, enum se_dual_event event,
                     enum se_dual_state from, unsigned peer)
{
    struct node *n = arg;

    TELL(n->sim, "  node %u service %u: (%u) %s, %s to %s, peer %u, successor %u\n", n->number,
         service_of(e), event, se_dual_event_name(event), se_dual_state_name(from),
         se_dual_state_name((enum se_dual_state)e->state), peer, e->successor);
    n->sim->counts.by_event[event]++;
}

static const struct se_dual_ops ops = {
    .send = on_send,
    .refuse = on_refuse,
    .route = on_route,
    .keep = on_keep,
    .drop = on_drop,
    .timer = on_timer,
    .note = on_note,
    .trace = on_trace,
};

/* --- making ----------------------------------------------------------------------------------- */

void sim_start_engine(struct sim *s, unsigned node)
{
    struct node *n = &s->nodes[node];
    struct se_dual_conf conf = {
        .k = SE_KVALUES_DEFAULT,
        .active_ms = s->options.is_stuck ? 600 : 180000,
        .linger_ms = 360000,
        .start_wall_ms = sim_wall_ms(s, node),
        .hash_seed = s->seed,
        .router_id = node + 1,
        .entries_max = 8,
        .hops_max = (uint8_t)s->options.hops_max,
        .is_startup_poison = (uint8_t)(s->seed & 1),
    };
    unsigned i;

    assert_int_equal(se_dual_new(&conf, &ops, n, &n->engine), 0);
    n->timer_ms = 0;
    for (i = 0; i < s->segment_count; i++)
        if (s->segments[i].cost[node] != 0)
            sim_apply_cost(s, i, node);
}

void sim_apply_cost(struct sim *s, unsigned segment, unsigned node)
{
    struct segment *g = &s->segments[segment];
    struct se_link link = {
        .delay_ps = (uint64_t)g->cost[node] * 1000000,
        .bandwidth_kbps = s->options.is_vector ? g->bandwidth[node] : 1000000,
        .mtu_bytes = 1500,
        .reliability = 255,
        .load = 1,
    };

    assert_int_equal(se_dual_iface_set(s->nodes[node].engine, segment, &link,
                                       (enum se_dual_split)g->split, s->now_ms), 0);
    sim_look(s, node);
}

struct sim *sim_new(uint64_t seed, const struct sim_options *o)
{
    struct sim *s = calloc(1, sizeof(*s));
    unsigned i;

    assert_non_null(s);
    s->seed = seed;
    s->options = *o;
    s->now_ms = 1000;
    s->is_verbose = getenv("SIM_VERBOSE") != NULL;
    for (i = 0; i < o->nodes; i++) {
        s->nodes[i].sim = s;
        s->nodes[i].number = i;
        sim_start_engine(s, i);
    }
    return s;
}

void sim_free(struct sim *s)
{
    unsigned i;

    for (i = 0; i < s->options.nodes; i++)
        se_dual_free(s->nodes[i].engine);
    assert_int_equal(s->contents, 0);
    for (i = 0; i < s->end_count; i++)
        free(s->ends[i]);
    free(s);
}

static struct end *new_end(struct sim *s, unsigned node, unsigned segment)
{
    struct node *n = &s->nodes[node];
    struct end *x = calloc(1, sizeof(*x));

    assert_non_null(x);
    assert_true(s->end_count < ENDS_MAX && n->slot_count < SLOTS_MAX);
    s->ends[s->end_count++] = x;
    x->node = node;
    x->segment = segment;
    x->slot = s->options.slot_base + n->slot_count;
    n->slots[n->slot_count++] = x;
    return x;
}

unsigned sim_segment(struct sim *s, const unsigned *nodes, unsigned count)
{
    unsigned segment = s->segment_count++;
    struct segment *g = &s->segments[segment];
    unsigned i, k;

    assert_true(segment < SIM_SEGMENTS);
    g->is_up = 1;
    g->split = s->options.may_split_off ? sim_draw(s, 3) : SE_DUAL_SPLIT_IFACE;
    for (i = 0; i < count; i++) {
        g->cost[nodes[i]] = 1 + sim_draw(s, 9);
        g->bandwidth[nodes[i]] = 10000u << sim_draw(s, 8);
        sim_apply_cost(s, segment, nodes[i]);
    }
    for (i = 0; i < count; i++)
        for (k = 0; k < i; k++) {
            struct end *a = new_end(s, nodes[i], segment);
            struct end *b = new_end(s, nodes[k], segment);

            a->other = b;
            b->other = a;
        }
    return segment;
}

void sim_random_topology(struct sim *s)
{
    unsigned n = s->options.nodes;
    unsigned i, extra = sim_draw(s, n + 1);
    unsigned members[SIM_NODES];

    for (i = 1; i < n; i++) {
        members[0] = i;
        members[1] = sim_draw(s, i);
        sim_segment(s, members, 2);
    }
    while (extra-- > 0) {
        members[0] = sim_draw(s, n);
        members[1] = (members[0] + 1 + sim_draw(s, n - 1)) % n;
        sim_segment(s, members, 2);
    }
    if (s->options.has_lans && n >= 4) {
        unsigned from = sim_draw(s, n), count = 3 + sim_draw(s, n > 5 ? 3 : 1);

        for (i = 0; i < count; i++)
            members[i] = (from + i) % n;
        sim_segment(s, members, count);
    }
}

/* --- ends of adjacencies ---------------------------------------------------------------------- */

void sim_clear_end(struct sim *s, struct end *x)
{
    unsigned i;

    for (i = 0; i < x->queue_count; i++)
        if (x->queue[i].entry != NULL && s->nodes[x->node].engine != NULL)
            se_dual_release(x->queue[i].entry);
    x->queue_count = 0;
    x->wire_count = 0;
    x->wire_first = 0;
    x->is_walking = 0;
}

void sim_break(struct sim *s, struct end *x)
{
    (void)s;
    x->must_fall = x->is_up;
    x->other->must_fall = x->other->is_up;
}

static void fall(struct sim *s, struct end *x)
{
    TELL(s, "node %u: peer %u (node %u) falls\n", x->node, x->slot, x->other->node);
    x->must_fall = 0;
    x->is_up = 0;
    sim_clear_end(s, x);
    se_dual_peer_down(s->nodes[x->node].engine, x->slot, s->now_ms);
    sim_look(s, x->node);
}

static int may_rise(const struct sim *s, const struct end *x)
{
    return !x->is_up && !x->other->must_fall && s->segments[x->segment].is_up &&
           s->nodes[x->node].engine != NULL && s->nodes[x->other->node].engine != NULL;
}

static void rise(struct sim *s, struct end *x)
{
    assert_int_equal(se_dual_peer_up(s->nodes[x->node].engine, x->slot, x->segment, 0, s->now_ms),
                     0);
    TELL(s, "node %u: peer %u (node %u) rises\n", x->node, x->slot, x->other->node);
    x->is_up = 1;
    x->is_walking = 1;
}

static void walk(struct sim *s, struct end *x)
{
    struct se_dual_entry *e = se_dual_table_next(s->nodes[x->node].engine, x->slot);

    if (e == NULL) {
        x->is_walking = 0;
        sim_enqueue(s, x, KIND_EOT, NULL, 0, 0);
    } else {
        sim_enqueue(s, x, SE_DUAL_UPDATE, e, 0, 0);
    }
}

static void write_one(struct sim *s, struct end *x)
{
    struct item item = x->queue[0];

    x->queue_count--;
    memmove(x->queue, x->queue + 1, x->queue_count * sizeof(*x->queue));
    bind(s, x, &item);
}

static void read_one(struct sim *s, struct end *to)
{
    struct end *from = to->other;
    struct message m = from->wire[from->wire_first];
    struct se_dual *engine = s->nodes[to->node].engine;
    struct content content = {.payload = m.payload, .origin = m.advert.origin};

    TELL(s, "node %u reads %u of node %u (peer %u): service %u, %llu us, origin %u, sequence %u, "
            "data %u%s\n", to->node, m.kind, from->node, to->slot, m.advert.id.subservice,
         (unsigned long long)m.advert.metric.delay_ps / 1000000, m.advert.origin,
         m.advert.sequence, m.payload, m.advert.is_withdrawn ? ", withdrawn" : "");
    from->wire_first = (from->wire_first + 1) % WIRE_MAX;
    from->wire_count--;
    if (m.kind == KIND_EOT) {
        se_dual_peer_complete(engine, to->slot, s->now_ms);
    } else if (m.kind == KIND_RS) {
        se_dual_peer_restart(engine, to->slot);
        to->is_walking = 1;
    } else {
        m.advert.content = &content;
        if (m.has_external)
            m.advert.metric.external = &m.external;
        assert_int_equal(se_dual_input(engine, (enum se_dual_message)m.kind, to->slot, &m.advert,
                                       s->now_ms), 0);
    }
    sim_look(s, to->node);
}

/* --- chance ----------------------------------------------------------------------------------- */

enum act { ACT_FALL, ACT_RISE, ACT_WALK, ACT_WRITE, ACT_READ };

static unsigned acts_of(const struct sim *s, const struct end *x)
{
    unsigned acts = 0;

    if (x->must_fall)
        return 1u << ACT_FALL;
    if (may_rise(s, x))
        return 1u << ACT_RISE;
    if (!x->is_up)
        return 0;
    if (x->is_walking)
        acts |= 1u << ACT_WALK;
    if (x->queue_count > 0)
        acts |= 1u << ACT_WRITE;
    if (x->other->wire_count > 0 && !x->other->must_fall)
        acts |= 1u << ACT_READ;
    return acts;
}

static void do_act(struct sim *s, struct end *x, enum act act)
{
    static void (*const does[])(struct sim *, struct end *) = {
        [ACT_FALL] = fall, [ACT_RISE] = rise,     [ACT_WALK] = walk,
        [ACT_WRITE] = write_one, [ACT_READ] = read_one,
    };

    does[act](s, x);
}

static void tick(struct sim *s)
{
    unsigned i;

    s->now_ms += sim_draw(s, 8);
    for (i = 0; i < s->options.nodes; i++)
        if (s->nodes[i].timer_ms != 0 && s->nodes[i].timer_ms <= s->now_ms) {
            se_dual_tick(s->nodes[i].engine, s->now_ms);
            sim_look(s, i);
        }
}

int sim_step(struct sim *s)
{
    unsigned chosen_act = 0, seen = 0, acts, act, i;
    struct end *chosen = NULL;

    tick(s);
    for (i = 0; i < s->end_count; i++) {
        acts = acts_of(s, s->ends[i]);
        for (act = 0; act <= ACT_READ; act++) {
            if ((acts >> act & 1) == 0 || sim_draw(s, ++seen) != 0)
                continue;
            chosen = s->ends[i];
            chosen_act = act;
        }
    }
    if (chosen == NULL)
        return 0;
    s->counts.steps++;
    do_act(s, chosen, (enum act)chosen_act);
    return 1;
}

void sim_run(struct sim *s)
{
    unsigned left = 200000;

    while (sim_step(s))
        if (left-- == 0)
            fail_msg("seed %llu: it never ends", (unsigned long long)s->seed);
}

void sim_wait(struct sim *s, uint64_t ms)
{
    s->now_ms += ms;
    sim_run(s);
}

struct se_dual *sim_engine(struct sim *s, unsigned node)
{
    return s->nodes[node].engine;
}

unsigned sim_shown(const struct sim *s, unsigned node, unsigned service)
{
    return s->nodes[node].shown[service];
}

unsigned sim_payload(const struct sim *s, unsigned node, unsigned service)
{
    return s->nodes[node].published[service].payload;
}
