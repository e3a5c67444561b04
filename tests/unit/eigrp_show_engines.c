/* SPDX-License-Identifier: MIT */
/*
 * eigrp_show_engines.c - the engines of eigrp_show_rig.h: neighbours at both ends of a wire, and
 * decisions that nobody is told of.
 */
#include "eigrp_show_rig.h"

#include <stdlib.h>
#include <string.h>

/* --- a wire between two engines --------------------------------------------------------------- */

static struct {
    uint8_t octets[1500];
    size_t bytes;
    int is_ours, is_multicast;
} wire[256];
static unsigned wire_first, wire_count;

static void transmit(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                     size_t bytes)
{
    unsigned at = (wire_first + wire_count) % 256;

    if (iface != 0 || (to != NULL && to->ip[3] > 2))
        return;
    assert_true(wire_count < 256 && bytes <= sizeof(wire[0].octets));
    memcpy(wire[at].octets, octets, bytes);
    wire[at].bytes = bytes;
    wire[at].is_ours = arg == &rig->v4;
    wire[at].is_multicast = to == NULL;
    wire_count++;
}

struct xmb_addr rig_addr(unsigned last)
{
    struct xmb_addr addr = {.family = 4, .ip = {10, 0, 0, (uint8_t)last}};

    return addr;
}

void rig_pump(void)
{
    while (wire_count > 0) {
        unsigned at = wire_first;
        struct se_nbr_rx rx = {
            .octets = wire[at].octets,
            .bytes = wire[at].bytes,
            .source = rig_addr(wire[at].is_ours ? 1 : 2),
            .ttl = 1,
            .is_multicast = (uint8_t)wire[at].is_multicast,
        };

        wire_first = (wire_first + 1) % 256;
        wire_count--;
        se_nbr_input(wire[at].is_ours ? rig->far : rig->v4.nbrs, &rx, se_process_now(&rig->v4));
    }
}

static int is_ours(const void *arg)
{
    return arg == &rig->v4;
}

static void up(void *arg, unsigned nbr, unsigned iface)
{
    if (!is_ours(arg))
        return;
    rig->nbr = nbr;
    assert_int_equal(se_dual_peer_up(rig->v4.dual, nbr, iface, 0, rig->now_ms), 0);
}

static void down(void *arg, unsigned nbr, enum se_nbr_reason reason)
{
    if (!is_ours(arg))
        return;
    rig->downs++;
    rig->reason = reason;
    se_dual_peer_down(rig->v4.dual, nbr, rig->now_ms);
}

static void resync(void *arg, unsigned nbr)
{
    (void)nbr;
    rig->resyncs += is_ours(arg);
}

static void complete(void *arg, unsigned nbr, enum se_nbr_complete why)
{
    (void)why;
    if (is_ours(arg))
        se_dual_peer_complete(rig->v4.dual, nbr, rig->now_ms);
}

static void deliver(void *arg, unsigned nbr, const struct se_packet *packet)
{
    (void)arg;
    (void)nbr;
    (void)packet;
}

/* Trimmed, and reachable. */
static int write_service(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                         struct se_route *route, struct se_service *service)
{
    const struct se_dual_entry *e = m->item;

    (void)arg, (void)iface, (void)nbr;
    if (!rig->is_writing)
        return 0;
    *route = (struct se_route){.kind = SE_ROUTE_INTERNAL, .afi = SE_AFI_IPV4,
                               .form = SE_FORM_MULTIPROTOCOL, .router_id = 0x0a000001,
                               .metric = e->metric};
    *service = (struct se_service){.id = e->id, .data_type = SE_DATA_TRIMMED};
    return 1;
}

static void hold(void *arg, void *item)
{
    (void)arg;
    se_dual_hold(item);
}

static void release(void *arg, void *item)
{
    (void)arg;
    se_dual_release(item);
}

static void *table_next(void *arg, unsigned nbr)
{
    return is_ours(arg) ? se_dual_table_next(rig->v4.dual, nbr) : NULL;
}

static void no_timer(void *arg, uint64_t at_ms)
{
    (void)arg;
    (void)at_ms;
}

static const struct se_nbr_ops nbr_ops = {
    .transmit = transmit, .up = up, .down = down, .resync = resync, .complete = complete,
    .deliver = deliver, .write = write_service, .hold = hold, .release = release,
    .table_next = table_next, .timer = no_timer,
};

/* --- decisions -------------------------------------------------------------------------------- */

/* What the engine wants sent is kept in mind by the entry alone: nobody is told. */
static void send_nothing(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                         const struct se_dual_to *to)
{
    (void)arg, (void)e, (void)kind, (void)to;
}

static void refuse_nothing(void *arg, unsigned peer, enum se_dual_message kind,
                           const struct se_dual_advert *a)
{
    (void)arg, (void)peer, (void)kind, (void)a;
}

static void route_nothing(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    (void)arg, (void)e, (void)what;
}

static void *keep(void *arg, const struct se_dual_advert *a)
{
    struct xmb_addr reach = {.family = 4, .port = 5060, .ip = {192, 0, 2, 9}};
    struct se_content *c = calloc(1, sizeof(*c));

    (void)arg;
    (void)a;
    assert_non_null(c);
    c->service.data = XMB_STR("hello");
    c->service.protocol = 6;
    c->tag = 77;
    se_service_set_reach(&c->service, &reach);
    return c;
}

static void drop(void *arg, void *content)
{
    (void)arg;
    free(content);
}

static void note_nothing(void *arg, enum se_dual_note note, const struct se_dual_entry *e,
                         unsigned peer)
{
    (void)arg, (void)note, (void)e, (void)peer;
}

static const struct se_dual_ops dual_ops = {
    .send = send_nothing, .refuse = refuse_nothing, .route = route_nothing, .keep = keep,
    .drop = drop, .timer = no_timer, .note = note_nothing,
};

static void fill(struct se_dual_advert *a, uint16_t subservice, uint32_t instance)
{
    *a = (struct se_dual_advert){
        .id = {101, subservice, {instance, 2, 3, 0xabcdef}},
        .metric = {.bandwidth_kbps = 1000000, .mtu_bytes = 1500, .hop_count = 1,
                   .reliability = 255, .load = 1},
        .origin = 0xc0000207,
        .is_complete = 1,
    };
}

void rig_hear(uint32_t instance, unsigned delay_us, uint32_t sequence)
{
    struct se_dual_advert a;

    fill(&a, 2, instance);
    a.metric.delay_ps = (uint64_t)delay_us * 1000000;
    a.sequence = sequence;
    if (delay_us == 0) {
        se_metric_set_unreachable(&a.metric);
        a.is_complete = 0;
    }
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_UPDATE, rig->nbr, &a, rig->now_ms), 0);
}

void rig_publish(uint32_t instance)
{
    struct se_dual_advert a;

    fill(&a, 3, instance);
    a.metric.delay_ps = 1000000;
    a.metric.hop_count = 0;
    assert_int_equal(se_dual_publish(rig->v4.dual, &a, 1, 0, se_wall_ms(), rig->now_ms), 0);
}

/* --- making them ------------------------------------------------------------------------------ */

static void make_dual(void)
{
    const struct se_dual_conf conf = {
        .k = SE_KVALUES_DEFAULT, .active_ms = 180000, .linger_ms = 360000,
        .router_id = 0x0a000001, .entries_max = 200000, .hops_max = 100,
    };
    unsigned i;

    assert_int_equal(se_dual_new(&conf, &dual_ops, &rig->v4, &rig->v4.dual), 0);
    for (i = 0; i < 3; i += 2)
        assert_int_equal(se_dual_iface_set(rig->v4.dual, i, &rig->eth0.link, SE_DUAL_SPLIT_IFACE,
                                           rig->now_ms), 0);
}

static struct se_nbrs *make_nbrs(unsigned last, void *arg, unsigned ifaces)
{
    static const struct se_auth_policy none = {SE_AUTH_NONE, NULL, 0};
    const struct se_nbr_conf conf = {
        .k = SE_KVALUES_DEFAULT, .software = {1, 2, 2, 0}, .seed = last, .purge_ms = 240000,
        .first_sequence = 1000 * last, .neighbours_max = 64, .messages_max = 64,
        .hold_max_s = 3600, .warn_ms = 10000, .as_number = 4453, .family = 4,
    };
    struct se_nbr_iface_conf iface = {
        .source = rig_addr(last), .prefixes = {{rig_addr(last), 24}}, .prefix_count = 1,
        .mode = SE_NBR_LAN, .hello_ms = 5000, .hold_s = 15, .packet_bytes = 1480,
        .bandwidth_kbps = 1000000, .bandwidth_percent = 50, .pending_max = 8,
        .neighbours_max = 16, .new_per_s = 20, .auth = &none,
    };
    struct se_nbrs *n = NULL;
    unsigned i;

    assert_int_equal(se_nbr_new(&conf, &nbr_ops, arg, &n), 0);
    for (i = 0; i < ifaces; i += 2)
        assert_int_equal(se_nbr_iface_set(n, i, &iface, se_process_now(&rig->v4)), 0);
    return n;
}

static void tick(struct se_nbrs *n)
{
    se_nbr_tick(n, se_process_now(&rig->v4));
}

void rig_make_engines(void)
{
    wire_count = 0;
    make_dual();
    rig->v4.nbrs = make_nbrs(1, &rig->v4, 3);
    rig->far = make_nbrs(2, rig, 1);
    rig_pump();
    rig->now_ms += 5000;
    tick(rig->v4.nbrs);
    tick(rig->far);
    rig_pump();
}

void rig_free_engines(void)
{
    se_nbr_free(rig->v4.nbrs);
    se_nbr_free(rig->far);
    se_dual_free(rig->v4.dual);
}

void rig_hello_from(unsigned last)
{
    rig_hello_listing(last, NULL, 0);
}

void rig_hello_listing(unsigned last, const uint16_t *ids, size_t count)
{
    static uint8_t octets[128];
    const struct se_parameter parameter = {SE_KVALUES_DEFAULT, 15};
    struct se_nbr_rx rx = {.octets = octets, .source = rig_addr(last), .ttl = 1, .is_multicast = 1};
    struct se_header header;
    struct se_writer w;

    se_header_init(&header, SE_HELLO, 4453);
    assert_int_equal(se_write_begin(&w, octets, sizeof(octets), &header, NULL), 0);
    assert_int_equal(se_write_parameter(&w, &parameter), 0);
    if (count > 0)
        assert_int_equal(se_write_topologies(&w, ids, count), 0);
    assert_int_equal(se_write_finish(&w, NULL, &rx.bytes), 0);
    se_nbr_input(rig->v4.nbrs, &rx, se_process_now(&rig->v4));
    rig_pump();
}
