/* SPDX-License-Identifier: MIT */
/*
 * eigrp_link_sim.c - see eigrp_link_sim.h: the LAN, its time, and the promise that is checked.
 */
#include "eigrp_link_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALL_S 1700000000
#define TABLE_BIT 0x80000000u
#define DATA_MAX 1200u

static const struct se_key key = {
    .password = {"password12345", 13},
    .id = 1,
    .send_until_s = SE_TIME_FOREVER,
    .accept_until_s = SE_TIME_FOREVER,
};
static const struct se_auth_policy policies[] = {
    {SE_AUTH_NONE, NULL, 0}, {SE_AUTH_MD5, &key, 1}, {SE_AUTH_SHA256, &key, 1}};
static const char data[DATA_MAX] = {'<'};

void link_require(const struct link_sim *s, int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "link simulator: seed %" PRIu64 " at %" PRIu64 " ms: %s\n", s->seed, s->now_ms,
            what);
    abort();
}

/* With LINK_TRACE in the environment a run tells what happens. */
static void trace(const struct link_sim *s, unsigned node, const char *what, unsigned other)
{
    if (s->is_traced)
        fprintf(stderr, "%8" PRIu64 " %u: %s %u\n", s->now_ms, node, what, other);
}

static void trace_packet(const struct link_sim *s, const struct link_packet *packet,
                         const char *what)
{
    struct se_packet view;
    char text[SE_PACKET_TEXT_MAX];

    if (!s->is_traced || se_packet_open(packet->octets, packet->bytes, &view, NULL) != 0)
        return;
    fprintf(stderr, "%8" PRIu64 " %u -> %u%s %s: %s\n", s->now_ms, packet->from, packet->to,
            packet->is_multicast ? "*" : "", what, se_packet_text(&view, text, sizeof(text)));
}

uint32_t link_draw(struct link_sim *s, uint32_t n)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (uint32_t)((s->random * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

struct se_now link_now(const struct link_sim *s)
{
    struct se_now now = {s->now_ms, WALL_S + (int64_t)(s->now_ms / 1000)};

    return now;
}

void link_address(const struct link_sim *s, unsigned node, struct xmb_addr *out)
{
    static const uint8_t v4[] = {10, 88, 0, 1};
    static const uint8_t v6[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    memset(out, 0, sizeof(*out));
    out->family = s->o.family;
    if (s->o.family == 4)
        memcpy(out->ip, v4, sizeof(v4));
    else
        memcpy(out->ip, v6, sizeof(v6));
    out->ip[s->o.family == 4 ? 3 : 15] = (uint8_t)(1 + node);
}

/* LINK_NODES: none of ours. */
static unsigned node_at(const struct link_sim *s, const struct xmb_addr *addr)
{
    unsigned i;

    for (i = 0; i < s->o.nodes; i++)
        if (memcmp(s->nodes[i].addr.ip, addr->ip, sizeof(addr->ip)) == 0)
            return i;
    return LINK_NODES;
}

static unsigned node_of(const struct link_node *node, unsigned nbr)
{
    unsigned i;

    for (i = 0; i < node->sim->o.nodes; i++)
        if (node->views[i].is_up && node->views[i].number == nbr)
            return i;
    return LINK_NODES;
}

/* --- the packets on their way ----------------------------------------------------------------- */

static int before(const struct link_packet *a, const struct link_packet *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct link_sim *s, const struct link_packet *packet)
{
    uint32_t at;

    if (s->packet_count + 1 >= s->packet_room) {
        s->packet_room = s->packet_room != 0 ? s->packet_room * 2 : 64;
        s->packets = realloc(s->packets, s->packet_room * sizeof(*s->packets));
    }
    for (at = ++s->packet_count; at > 1 && before(packet, &s->packets[at / 2]); at /= 2)
        s->packets[at] = s->packets[at / 2];
    s->packets[at] = *packet;
}

static struct link_packet pop(struct link_sim *s)
{
    struct link_packet first = s->packets[1];
    struct link_packet last = s->packets[s->packet_count--];
    uint32_t at = 1;
    uint32_t child;

    while ((child = at * 2) <= s->packet_count) {
        if (child < s->packet_count && before(&s->packets[child + 1], &s->packets[child]))
            child++;
        if (!before(&s->packets[child], &last))
            break;
        s->packets[at] = s->packets[child];
        at = child;
    }
    if (s->packet_count > 0)
        s->packets[at] = last;
    return first;
}

static void copy_to(struct link_sim *s, const struct link_node *from, unsigned to,
                    const void *octets, size_t bytes, int is_multicast)
{
    struct link_packet packet = {.source = from->addr, .bytes = (uint32_t)bytes};

    packet.at_ms = s->now_ms + 1 + link_draw(s, s->o.delay_max_ms);
    packet.order = ++s->order;
    packet.octets = malloc(bytes);
    memcpy(packet.octets, octets, bytes);
    packet.to = (uint8_t)to;
    packet.from = (uint8_t)from->index;
    packet.is_multicast = (uint8_t)is_multicast;
    trace_packet(s, &packet, "sent");
    push(s, &packet);
}

static void carry(struct link_sim *s, const struct link_node *from, unsigned to,
                  const void *octets, size_t bytes, int is_multicast)
{
    struct se_packet view;

    if (s->cut[from->index][to] || link_draw(s, 100) < s->o.loss_percent)
        return;
    link_require(s, se_packet_open(octets, bytes, &view, NULL) == 0, "a bad packet was sent");
    link_require(s, !is_multicast || view.header.acknowledge == 0, "an ack in a multicast");
    copy_to(s, from, to, octets, bytes, is_multicast);
    if (link_draw(s, 100) < s->o.repeat_percent)
        copy_to(s, from, to, octets, bytes, is_multicast);
}

void link_inject(struct link_sim *s, unsigned to, const struct xmb_addr *source,
                 const void *octets, size_t bytes, int is_multicast)
{
    struct se_nbr_rx rx = {.octets = octets, .bytes = bytes, .source = *source,
                           .is_multicast = (uint8_t)is_multicast};

    if (s->nodes[to].engine != NULL)
        se_nbr_input(s->nodes[to].engine, &rx, link_now(s));
}

/* --- what an engine wants --------------------------------------------------------------------- */

static void on_transmit(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                        size_t bytes)
{
    struct link_node *node = arg;
    struct link_sim *s = node->sim;
    unsigned i;

    (void)iface;
    node->sent_packets++;
    node->sent_bytes += bytes;
    link_require(s, bytes <= s->o.packet_bytes, "a packet above the MTU");
    link_require(s, to != NULL || s->o.mode == SE_NBR_LAN, "a multicast where there is none");
    if (to != NULL) {
        i = node_at(s, to);
        if (i != LINK_NODES)
            carry(s, node, i, octets, bytes, 0);
        else if (s->foreign != NULL)
            s->foreign(s, to, octets, bytes);
        return;
    }
    for (i = 0; i < s->o.nodes; i++)
        if (i != node->index)
            carry(s, node, i, octets, bytes, 1);
}

static void on_up(void *arg, unsigned nbr, unsigned iface)
{
    struct link_node *node = arg;
    struct se_nbr_info info;
    unsigned other;

    (void)iface;
    link_require(node->sim, se_nbr_info(node->engine, nbr, 0, &info) == 0, "up, but not there");
    other = node_at(node->sim, &info.addr);
    if (other == LINK_NODES)
        return; /* one that was injected */
    link_require(node->sim, !node->views[other].is_up, "up twice");
    trace(node->sim, node->index, "up", other);
    node->views[other].is_up = 1;
    node->views[other].number = nbr;
    node->views[other].bound = -1;
    node->views[other].next = 0;
    node->views[other].table = 0;
    node->views[other].is_complete = 0;
    node->views[other].is_loose = 0;
    node->views[other].life = node->sim->nodes[other].life;
    node->views[other].ups++;
    node->sessions[other]++;
    node->posted[other] = 0;
    node->table_next[other] = 0;
}

static void on_down(void *arg, unsigned nbr, enum se_nbr_reason reason)
{
    struct link_node *node = arg;
    unsigned other = node_of(node, nbr);

    if (other == LINK_NODES)
        return;
    trace(node->sim, node->index, se_nbr_reason_name(reason), other);
    node->views[other].is_up = 0;
    node->views[other].downs++;
    node->views[other].last_reason = (uint8_t)reason;
}

/* Tables may come more than once now, in both directions. */
static void loosen(struct link_sim *s, unsigned a, unsigned b)
{
    s->nodes[a].views[b].is_loose = 1;
    s->nodes[b].views[a].is_loose = 1;
}

static void on_resync(void *arg, unsigned nbr)
{
    struct link_node *node = arg;
    unsigned other = node_of(node, nbr);

    node->resyncs++;
    if (other == LINK_NODES)
        return;
    trace(node->sim, node->index, "resync", other);
    node->table_next[other] = 0;
    node->views[other].table = 0;
    node->views[other].is_complete = 0;
    loosen(node->sim, node->index, other);
}

void link_resync(struct link_sim *s, unsigned from, unsigned to)
{
    struct link_node *node = &s->nodes[from];

    if (node->engine == NULL || !node->views[to].is_up)
        return;
    node->table_next[to] = 0;
    loosen(s, from, to);
    se_nbr_resync(node->engine, node->views[to].number);
}

static void on_complete(void *arg, unsigned nbr, enum se_nbr_complete why)
{
    struct link_node *node = arg;
    struct link_sim *s = node->sim;
    unsigned other = node_of(node, nbr);
    uint64_t all = s->o.table_items == 64 ? UINT64_MAX : (UINT64_C(1) << s->o.table_items) - 1;

    if (other == LINK_NODES || why != SE_NBR_COMPLETE_EOT)
        return;
    link_require(s, node->views[other].table == all, "EOT, but the table is not complete");
    node->views[other].is_complete = 1;
}

static void take(struct link_node *node, unsigned from, const struct link_item *item)
{
    struct link_view *view = &node->views[from];
    struct link_sim *s = node->sim;

    if (item->is_table) {
        link_require(s, view->is_loose || (view->table & UINT64_C(1) << item->number) == 0,
                     "table item twice");
        view->table |= UINT64_C(1) << item->number;
        return;
    }
    /* A sender that lives again does not know who has it from its former life: nothing tells. */
    if (view->life != s->nodes[from].life)
        return;
    link_require(s, item->session[node->index] >= 0, "payload that was for someone else");
    if (view->bound < 0)
        view->bound = item->session[node->index];
    link_require(s, view->bound == item->session[node->index], "payload of another session");
    link_require(s, item->place[node->index] >= view->next, "payload twice, or too late");
    link_require(s, item->place[node->index] == view->next, "payload missing");
    view->next++;
    s->delivered++;
}

static void on_deliver(void *arg, unsigned nbr, const struct se_packet *packet)
{
    struct link_node *node = arg;
    struct link_sim *s = node->sim;
    unsigned from = node_of(node, nbr);
    const struct link_item *item;
    struct se_services walk;
    struct se_service service;
    uint32_t number;

    se_services_begin(&walk, packet, 0, NULL);
    while (se_services_next(&walk, &service) == 1) {
        if (from == LINK_NODES)
            continue; /* one that was injected */
        number = service.id.instance[0];
        item = number & TABLE_BIT ? &s->nodes[from].table[number & ~TABLE_BIT] : &s->items[number];
        link_require(s, item->from == from, "payload of another node");
        link_require(s, packet->header.opcode == item->opcode, "payload in another packet");
        link_require(s, service.data.n == item->bytes, "payload of another length");
        take(node, from, item);
    }
}

static int on_write(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                    struct se_route *route, struct se_service *service)
{
    struct link_node *node = arg;
    struct link_item *item = m->item;
    struct se_link link = {1000, 1000000, 1500, 255, 1};

    (void)iface;
    (void)nbr;
    link_require(node->sim, item->holds > 0, "a message about an item that is not held");
    memset(route, 0, sizeof(*route));
    memset(service, 0, sizeof(*service));
    link.delay_ps += item->number % 3;
    se_metric_from_link(&route->metric, &link);
    route->router_id = node->index;
    route->afi = node->sim->o.family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;
    route->kind = SE_ROUTE_INTERNAL;
    service->id.service = 101;
    service->id.instance[0] = item->number | (item->is_table ? TABLE_BIT : 0);
    service->data = xmb_str_n(data, item->bytes);
    service->data_type = SE_DATA_COMPLETE;
    return 1;
}

static void on_hold(void *arg, void *item)
{
    (void)arg;
    ((struct link_item *)item)->holds++;
}

static void on_release(void *arg, void *item)
{
    struct link_node *node = arg;

    link_require(node->sim, --((struct link_item *)item)->holds >= 0, "released too often");
}

static void *on_table_next(void *arg, unsigned nbr)
{
    struct link_node *node = arg;
    unsigned other = node_of(node, nbr);

    if (other == LINK_NODES || node->table_next[other] >= node->sim->o.table_items)
        return NULL;
    return &node->table[node->table_next[other]++];
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct link_node *node = arg;

    node->timer_ms = at_ms;
}

static const struct se_nbr_ops ops = {
    .transmit = on_transmit,
    .up = on_up,
    .down = on_down,
    .resync = on_resync,
    .complete = on_complete,
    .deliver = on_deliver,
    .write = on_write,
    .hold = on_hold,
    .release = on_release,
    .table_next = on_table_next,
    .timer = on_timer,
};

/* --- the life of nodes ------------------------------------------------------------------------ */

const struct se_auth_policy *link_auth(const struct link_sim *s)
{
    return &policies[s->o.auth == SE_AUTH_NONE ? 0 : s->o.auth - 1];
}

void link_iface_conf(struct link_sim *s, unsigned node, struct se_nbr_iface_conf *conf)
{
    memset(conf, 0, sizeof(*conf));
    conf->source = s->nodes[node].addr;
    conf->prefixes[0].addr = conf->source;
    conf->prefixes[0].bits = s->o.family == 4 ? 24 : 64;
    conf->prefix_count = 1;
    conf->mode = s->o.mode;
    conf->hello_ms = SE_NBR_HELLO_MS;
    conf->hold_s = s->o.hold_s;
    conf->packet_bytes = s->o.packet_bytes;
    conf->bandwidth_kbps = s->o.kbps;
    conf->bandwidth_percent = 50;
    conf->pending_max = SE_NBR_PENDING_MAX;
    conf->neighbours_max = 256;
    conf->new_per_s = SE_NBR_NEW_PER_S;
    conf->auth = link_auth(s);
}

void link_start(struct link_sim *s, unsigned index, uint32_t first_sequence)
{
    struct se_nbr_conf conf = {
        .k = SE_KVALUES_DEFAULT,
        .software = {1, 0, 2, 0},
        .purge_ms = SE_NBR_PURGE_MS,
        .neighbours_max = 256,
        .messages_max = 4096,
        .hold_max_s = SE_NBR_HOLD_MAX_S,
        .warn_ms = SE_NBR_WARN_MS,
        .as_number = LINK_AS,
    };
    struct link_node *node = &s->nodes[index];
    struct se_nbr_iface_conf iface;
    unsigned i;

    node->life++;
    conf.family = s->o.family;
    conf.software.tlv_major = s->o.is_apart && index == 1 ? 3 : 2;
    conf.seed = link_draw(s, UINT32_MAX);
    conf.first_sequence = first_sequence != 0 ? first_sequence : 1 + link_draw(s, UINT32_MAX - 1);
    link_require(s, se_nbr_new(&conf, &ops, node, &node->engine) == 0, "no engine");
    link_iface_conf(s, index, &iface);
    link_require(s, se_nbr_iface_set(node->engine, 0, &iface, link_now(s)) == 0, "no interface");
    for (i = 0; i < s->o.nodes && s->o.mode != SE_NBR_LAN; i++)
        if (i != index)
            se_nbr_static_add(node->engine, 0, &s->nodes[i].addr, link_now(s));
}

void link_kill(struct link_sim *s, unsigned index)
{
    struct link_node *node = &s->nodes[index];
    unsigned i;

    se_nbr_free(node->engine);
    node->engine = NULL;
    node->timer_ms = 0;
    for (i = 0; i < LINK_NODES; i++)
        node->views[i].is_up = 0;
    for (i = 0; i < s->o.table_items; i++)
        link_require(s, node->table[i].holds == 0, "an item of the table is still held");
}

static void default_options(struct link_options *o)
{
    if (o->family == 0)
        o->family = 4;
    if (o->packet_bytes == 0)
        o->packet_bytes = 1480;
    if (o->kbps == 0)
        o->kbps = 1000000;
    if (o->hold_s == 0)
        o->hold_s = 15;
    if (o->delay_max_ms == 0)
        o->delay_max_ms = 1;
}

struct link_sim *link_new(uint64_t seed, const struct link_options *o)
{
    struct link_sim *s = calloc(1, sizeof(*s));
    struct link_node *node;
    unsigned i;
    unsigned k;

    s->o = *o;
    default_options(&s->o);
    s->seed = seed;
    s->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    s->now_ms = 1000;
    s->is_traced = getenv("LINK_TRACE") != NULL;
    s->items = calloc(LINK_PAYLOADS, sizeof(*s->items));
    for (i = 0; i < s->o.nodes; i++) {
        node = &s->nodes[i];
        node->sim = s;
        node->index = i;
        link_address(s, i, &node->addr);
        for (k = 0; k < s->o.table_items; k++) {
            node->table[k].number = k;
            node->table[k].bytes = link_draw(s, 300);
            node->table[k].from = (uint8_t)i;
            node->table[k].opcode = SE_UPDATE;
            node->table[k].is_table = 1;
        }
    }
    return s;
}

void link_free(struct link_sim *s)
{
    struct link_packet packet;
    uint32_t i;

    for (i = 0; i < s->o.nodes; i++)
        if (s->nodes[i].engine != NULL)
            link_kill(s, i);
    for (i = 0; i < s->item_count; i++)
        link_require(s, s->items[i].holds == 0, "an item is still held");
    while (s->packet_count > 0) {
        packet = pop(s);
        free(packet.octets);
    }
    free(s->packets);
    free(s->items);
    free(s);
}

/* --- time ------------------------------------------------------------------------------------- */

static void check_bounds(const struct link_sim *s, const struct link_node *node)
{
    struct se_nbr_info info;
    unsigned i;

    for (i = 0; i < s->o.nodes; i++) {
        if (!node->views[i].is_up)
            continue;
        link_require(s, se_nbr_info(node->engine, node->views[i].number, s->now_ms, &info) == 0,
                     "up, and not there");
        link_require(s, info.rto_ms >= SE_RTP_RTO_MIN_MS && info.rto_ms <= SE_RTP_RTO_MAX_MS,
                     "RTO out of bounds");
        link_require(s, info.tries <= SE_RTP_TRIES, "too many tries");
        link_require(s, info.hold_left_ms > 0 || node->timer_ms <= s->now_ms,
                     "up beyond its hold time");
    }
}

static void arrive(struct link_sim *s)
{
    struct link_packet packet = pop(s);

    s->now_ms = packet.at_ms;
    trace_packet(s, &packet, "came");
    if (s->nodes[packet.to].engine != NULL && !s->cut[packet.from][packet.to]) {
        link_inject(s, packet.to, &packet.source, packet.octets, packet.bytes,
                    packet.is_multicast);
        check_bounds(s, &s->nodes[packet.to]);
    }
    free(packet.octets);
}

/* The node whose timer is due first, LINK_NODES: none before `at_ms`. */
static unsigned first_timer(const struct link_sim *s, uint64_t at_ms)
{
    unsigned first = LINK_NODES;
    unsigned i;

    for (i = 0; i < s->o.nodes; i++) {
        if (s->nodes[i].engine == NULL || s->nodes[i].timer_ms == 0 ||
            s->nodes[i].timer_ms > at_ms)
            continue;
        if (first == LINK_NODES || s->nodes[i].timer_ms < s->nodes[first].timer_ms)
            first = i;
    }
    return first;
}

void link_run_until(struct link_sim *s, uint64_t at_ms)
{
    unsigned node;

    for (node = 0; node < s->o.nodes; node++)
        if (s->nodes[node].engine != NULL)
            se_nbr_run(s->nodes[node].engine, link_now(s));
    for (;;) {
        node = first_timer(s, at_ms);
        if (s->packet_count > 0 && s->packets[1].at_ms <= at_ms &&
            (node == LINK_NODES || s->packets[1].at_ms <= s->nodes[node].timer_ms)) {
            arrive(s);
        } else if (node != LINK_NODES) {
            if (s->nodes[node].timer_ms > s->now_ms)
                s->now_ms = s->nodes[node].timer_ms;
            se_nbr_tick(s->nodes[node].engine, link_now(s));
            link_require(s, s->nodes[node].timer_ms == 0 || s->nodes[node].timer_ms > s->now_ms,
                         "a tick that leaves its timer due");
        } else {
            break;
        }
        s->steps++;
    }
    s->now_ms = at_ms;
}

void link_post(struct link_sim *s, unsigned from, unsigned to, unsigned opcode, unsigned bytes)
{
    struct link_node *node = &s->nodes[from];
    struct link_item *item = &s->items[s->item_count];
    struct se_rtp_message m = {item, (uint8_t)opcode, 0};
    unsigned i;

    if (node->engine == NULL || s->item_count == LINK_PAYLOADS ||
        (to != LINK_NODES && !node->views[to].is_up))
        return;
    item->number = s->item_count++;
    trace(s, from, "posts for", to);
    item->bytes = bytes;
    item->from = (uint8_t)from;
    item->opcode = (uint8_t)opcode;
    for (i = 0; i < s->o.nodes; i++) {
        item->session[i] = -1;
        if (node->views[i].is_up && (to == LINK_NODES || to == i)) {
            item->session[i] = node->sessions[i];
            item->place[i] = node->posted[i]++;
        }
    }
    se_nbr_post(node->engine, 0, to == LINK_NODES ? SE_NBR_ALL : node->views[to].number, &m);
    if (link_draw(s, 4) != 0)
        se_nbr_run(node->engine, link_now(s));
}

int link_all_up(const struct link_sim *s)
{
    unsigned a;
    unsigned b;

    for (a = 0; a < s->o.nodes; a++)
        for (b = 0; b < s->o.nodes; b++)
            if (a != b && s->nodes[a].engine != NULL && s->nodes[b].engine != NULL &&
                !s->nodes[a].views[b].is_up)
                return 0;
    return 1;
}

int link_is_settled(const struct link_sim *s)
{
    const struct link_view *view;
    unsigned a;
    unsigned b;

    if (!link_all_up(s))
        return 0;
    for (a = 0; a < s->o.nodes; a++) {
        for (b = 0; b < s->o.nodes; b++) {
            if (a == b || s->nodes[a].engine == NULL || s->nodes[b].engine == NULL)
                continue;
            view = &s->nodes[b].views[a];
            if (!view->is_complete || view->next != s->nodes[a].posted[b])
                return 0;
            if (view->next > 0 && view->bound != s->nodes[a].sessions[b])
                return 0;
        }
    }
    return 1;
}
