/* SPDX-License-Identifier: MIT */
/*
 * eigrp_nbr_rig.c - see eigrp_nbr_rig.h.
 */
#include "eigrp_nbr_rig.h"

#include <stdlib.h>
#include <string.h>

static const struct se_auth_policy no_auth = {SE_AUTH_NONE, NULL, 0};

/* --- what the engine wants -------------------------------------------------------------------- */

static void look_into(struct rig_packet *p)
{
    struct se_services walk;
    struct se_service service;

    if (p->packet.header.opcode == SE_HELLO) {
        assert_int_equal(se_hello_parse(&p->packet, &p->hello, NULL), 0);
        return;
    }
    se_services_begin(&walk, &p->packet, 0, NULL);
    while (se_services_next(&walk, &service) == 1) {
        if (p->services < 128)
            p->numbers[p->services] = service.id.instance[0];
        p->services++;
    }
    p->tlvs = walk.tlv_count;
}

static void on_transmit(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                        size_t bytes)
{
    struct rig *rig = arg;
    struct rig_packet *p = &rig->sent[(rig->sent_first + rig->sent_count) % RIG_SENT_MAX];
    void *copy = malloc(bytes);

    assert_true(rig->sent_count < RIG_SENT_MAX);
    assert_true(rig->memory_count < RIG_SENT_MAX * 8);
    rig->memory[rig->memory_count++] = copy;
    memcpy(copy, octets, bytes);
    memset(p, 0, sizeof(*p));
    assert_int_equal(se_packet_open(copy, bytes, &p->packet, NULL), 0);
    assert_int_equal(se_packet_frame(&p->packet, NULL), 0);
    assert_true(bytes <= rig->iface.packet_bytes);
    if (to != NULL)
        p->to = *to;
    p->at_ms = rig->now.ms;
    p->iface = iface;
    look_into(p);
    rig->sent_count++;
}

static int on_may_peer(void *arg, unsigned iface, const struct xmb_addr *addr)
{
    struct rig *rig = arg;

    (void)iface;
    return rig->denied == NULL || memcmp(rig->denied->ip, addr->ip, sizeof(addr->ip)) != 0;
}

static void on_up(void *arg, unsigned nbr, unsigned iface)
{
    struct rig *rig = arg;

    (void)iface;
    rig->ups++;
    rig->last_nbr = nbr;
    rig->table_next = 0;
}

static void on_down(void *arg, unsigned nbr, enum se_nbr_reason reason)
{
    struct rig *rig = arg;

    rig->downs++;
    rig->last_nbr = nbr;
    rig->last_reason = reason;
}

static void on_resync(void *arg, unsigned nbr)
{
    struct rig *rig = arg;

    (void)nbr;
    rig->resyncs++;
    rig->table_next = 0;
}

static void on_complete(void *arg, unsigned nbr, enum se_nbr_complete why)
{
    struct rig *rig = arg;

    (void)nbr;
    rig->completes++;
    rig->last_complete = why;
}

static void on_deliver(void *arg, unsigned nbr, const struct se_packet *packet)
{
    struct rig *rig = arg;

    rig->delivered++;
    if (rig->on_deliver != NULL)
        rig->on_deliver(rig, nbr, packet);
}

static int on_write(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                    struct se_route *route, struct se_service *service)
{
    static const char data[65535];
    struct se_link link = {1000, 1000000, 1500, 255, 1};
    const struct rig_item *item = m->item;
    struct rig *rig = arg;

    (void)iface;
    (void)nbr;
    assert_true(item->holds > 0);
    if (item->is_mute)
        return 0;
    memset(route, 0, sizeof(*route));
    memset(service, 0, sizeof(*service));
    link.delay_ps += item->group;
    se_metric_from_link(&route->metric, &link);
    route->afi = rig->conf.family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;
    route->kind = SE_ROUTE_INTERNAL;
    service->id.instance[0] = item->number;
    service->sequence = item->version;
    service->data = xmb_str_n(data, item->bytes);
    service->data_type = SE_DATA_COMPLETE;
    return 1;
}

static void on_hold(void *arg, void *item)
{
    (void)arg;
    ((struct rig_item *)item)->holds++;
}

static void on_release(void *arg, void *item)
{
    (void)arg;
    assert_true(--((struct rig_item *)item)->holds >= 0);
}

static void *on_table_next(void *arg, unsigned nbr)
{
    struct rig *rig = arg;

    (void)nbr;
    return rig->table_next < rig->table_count ? &rig->items[rig->table_next++] : NULL;
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct rig *rig = arg;

    rig->timer_ms = at_ms;
}

static void on_note(void *arg, const struct se_nbr_note *note)
{
    struct rig *rig = arg;

    rig->notes[note->kind]++;
    rig->last_note = *note;
}

static const struct se_nbr_ops ops = {
    .transmit = on_transmit,
    .may_peer = on_may_peer,
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
    .note = on_note,
};

/* --- the rig ---------------------------------------------------------------------------------- */

struct xmb_addr rig_addr(const struct rig *rig, unsigned last)
{
    struct xmb_addr addr = {.family = rig->conf.family, .ip = {10, 88, 0, (uint8_t)last}};

    if (rig->conf.family == 6) {
        memset(addr.ip, 0, sizeof(addr.ip));
        addr.ip[0] = 0xfe;
        addr.ip[1] = 0x80;
        addr.ip[15] = (uint8_t)last;
    }
    return addr;
}

struct rig *rig_prepare(uint8_t family)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig->now.ms = 100000;
    rig->now.wall_s = 1700000000;
    rig->conf = (struct se_nbr_conf){
        .k = SE_KVALUES_DEFAULT,
        .software = {1, 0, 2, 0},
        .seed = 7,
        .purge_ms = SE_NBR_PURGE_MS,
        .first_sequence = 1000,
        .neighbours_max = 4096,
        .messages_max = 2000,
        .hold_max_s = SE_NBR_HOLD_MAX_S,
        .warn_ms = SE_NBR_WARN_MS,
        .as_number = RIG_AS,
        .family = family,
    };
    rig->iface = (struct se_nbr_iface_conf){
        .source = rig_addr(rig, 1),
        .prefix_count = 1,
        .mode = SE_NBR_LAN,
        .hello_ms = SE_NBR_HELLO_MS,
        .hold_s = SE_NBR_HOLD_S,
        .packet_bytes = 1480,
        .bandwidth_kbps = 1000000,
        .bandwidth_percent = 50,
        .pending_max = SE_NBR_PENDING_MAX,
        .neighbours_max = 4096,
        .new_per_s = SE_NBR_NEW_PER_S,
        .auth = &no_auth,
    };
    rig->iface.prefixes[0].addr = rig->iface.source;
    rig->iface.prefixes[0].bits = family == 4 ? 24 : 64;
    return rig;
}

void rig_start(struct rig *rig)
{
    assert_int_equal(se_nbr_new(&rig->conf, &ops, rig, &rig->engine), 0);
    assert_int_equal(se_nbr_iface_set(rig->engine, 0, &rig->iface, rig->now), 0);
}

struct rig *rig_new(uint8_t family)
{
    struct rig *rig = rig_prepare(family);

    rig_start(rig);
    rig_forget(rig);
    return rig;
}

void rig_free(struct rig *rig)
{
    unsigned i;

    se_nbr_free(rig->engine);
    for (i = 0; i < rig->item_count; i++)
        assert_int_equal(rig->items[i].holds, 0);
    for (i = 0; i < rig->memory_count; i++)
        free(rig->memory[i]);
    free(rig);
}

void rig_advance(struct rig *rig, uint64_t ms)
{
    uint64_t end_ms = rig->now.ms + ms;
    uint64_t start_ms = rig->now.ms;
    int64_t start_s = rig->now.wall_s;

    while (rig->timer_ms != 0 && rig->timer_ms <= end_ms) {
        if (rig->timer_ms > rig->now.ms)
            rig->now.ms = rig->timer_ms;
        rig->now.wall_s = start_s + (int64_t)((rig->now.ms - start_ms) / 1000);
        se_nbr_tick(rig->engine, rig->now);
        assert_true(rig->timer_ms == 0 || rig->timer_ms > rig->now.ms);
    }
    rig->now.ms = end_ms;
    rig->now.wall_s = start_s + (int64_t)(ms / 1000);
}

const struct rig_packet *rig_sent(struct rig *rig)
{
    const struct rig_packet *p = &rig->sent[rig->sent_first];

    if (rig->sent_count == 0)
        return NULL;
    rig->sent_first = (rig->sent_first + 1) % RIG_SENT_MAX;
    rig->sent_count--;
    return p;
}

const struct rig_packet *rig_sent_opcode(struct rig *rig, unsigned opcode)
{
    const struct rig_packet *p;

    while ((p = rig_sent(rig)) != NULL)
        if (p->packet.header.opcode == opcode &&
            (opcode != SE_HELLO || p->packet.header.acknowledge == 0))
            return p;
    return NULL;
}

const struct rig_packet *rig_sent_ack(struct rig *rig)
{
    const struct rig_packet *p;

    while ((p = rig_sent(rig)) != NULL)
        if (p->packet.header.opcode == SE_HELLO && p->packet.header.acknowledge != 0)
            return p;
    return NULL;
}

void rig_forget(struct rig *rig)
{
    rig->sent_first = rig->sent_count = 0;
}

/* --- what peers say --------------------------------------------------------------------------- */

static void receive(struct rig *rig, const struct xmb_addr *from, unsigned iface, uint8_t ttl,
                    int is_multicast, const void *octets, size_t bytes)
{
    struct se_nbr_rx rx = {.octets = octets, .bytes = bytes, .source = *from, .iface = iface,
                           .ttl = ttl, .is_multicast = (uint8_t)is_multicast};

    se_nbr_input(rig->engine, &rx, rig->now);
}

void rig_octets(struct rig *rig, const struct xmb_addr *from, unsigned iface, const void *octets,
                size_t bytes)
{
    receive(rig, from, iface, 0, 1, octets, bytes);
}

void rig_hello_init(struct rig_hello *h)
{
    memset(h, 0, sizeof(*h));
    se_header_init(&h->header, SE_HELLO, RIG_AS);
    h->parameter.k = (struct se_kvalues)SE_KVALUES_DEFAULT;
    h->parameter.hold_s = SE_NBR_HOLD_S;
    h->software.tlv_major = 2;
}

void rig_hello_from(struct rig *rig, const struct xmb_addr *from, const struct rig_hello *h)
{
    uint8_t octets[1480];
    struct se_writer w;
    size_t bytes;

    assert_int_equal(se_write_begin(&w, octets, sizeof(octets), &h->header, h->signer), 0);
    if (h->is_goodbye)
        se_write_goodbye(&w, (unsigned)h->goodbye_k6, h->parameter.hold_s);
    else if (!h->is_bare)
        se_write_parameter(&w, &h->parameter);
    if (!h->is_bare)
        se_write_software(&w, &h->software);
    if (h->is_stub)
        se_write_stub(&w, h->stub_flags);
    if (h->sequence != NULL)
        se_write_sequence(&w, h->sequence, 1);
    if (h->next_multicast != 0)
        se_write_next_multicast(&w, h->next_multicast);
    if (h->termination != NULL)
        se_write_termination(&w, h->termination, 1);
    if (h->topologies != NULL)
        se_write_topologies(&w, h->topologies, h->topology_count);
    assert_int_equal(se_write_finish(&w, from, &bytes), 0);
    receive(rig, from, h->iface, h->ttl, !h->is_unicast, octets, bytes);
}

void rig_drop_hello(struct rig *rig, const struct xmb_addr *from, const struct rig_hello *h,
                    enum se_reason reason)
{
    uint64_t before = rig_count(rig, reason);

    rig_forget(rig);
    rig_hello_from(rig, from, h);
    assert_int_equal(rig_count(rig, reason), before + 1);
    assert_int_equal(se_nbr_find(rig->engine, 0, from), SE_NBR_NONE);
    assert_null(rig_sent(rig));
}

void rig_say_hello(struct rig *rig, unsigned from)
{
    struct xmb_addr addr = rig_addr(rig, from);
    struct rig_hello h;

    rig_hello_init(&h);
    rig_hello_from(rig, &addr, &h);
}

static void say(struct rig *rig, unsigned from, const struct se_header *header, uint32_t number,
                int is_multicast)
{
    struct xmb_addr addr = rig_addr(rig, from);
    struct se_link link = {1000, 1000000, 1500, 255, 1};
    struct se_service service = {.data_type = SE_DATA_COMPLETE};
    struct se_route route = {.kind = SE_ROUTE_INTERNAL, .afi = SE_AFI_IPV4};
    uint8_t octets[1480];
    struct se_writer w;
    size_t bytes;

    assert_int_equal(se_write_begin(&w, octets, sizeof(octets), header, NULL), 0);
    if (number != 0) {
        se_metric_from_link(&route.metric, &link);
        route.afi = rig->conf.family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;
        service.id.instance[0] = number;
        assert_int_equal(se_write_service(&w, &route, &service), 0);
    }
    assert_int_equal(se_write_finish(&w, &addr, &bytes), 0);
    receive(rig, &addr, 0, 0, is_multicast, octets, bytes);
}

void rig_say(struct rig *rig, unsigned from, unsigned opcode, uint32_t flags, uint32_t sequence,
             uint32_t ack, uint32_t service)
{
    struct se_header header;

    se_header_init(&header, opcode, RIG_AS);
    header.flags = flags;
    header.sequence = sequence;
    header.acknowledge = ack;
    say(rig, from, &header, service, 0);
}

void rig_shout(struct rig *rig, unsigned from, unsigned opcode, uint32_t flags, uint32_t sequence,
               uint32_t ack, uint32_t service)
{
    struct se_header header;

    se_header_init(&header, opcode, RIG_AS);
    header.flags = flags;
    header.sequence = sequence;
    header.acknowledge = ack;
    say(rig, from, &header, service, 1);
}

void rig_ack(struct rig *rig, unsigned from, uint32_t sequence)
{
    rig_say(rig, from, SE_HELLO, 0, 0, sequence, 0);
}

unsigned rig_up(struct rig *rig, unsigned from, uint32_t sequence)
{
    const struct rig_packet *init;
    unsigned ups = rig->ups;

    rig_forget(rig);
    rig_say_hello(rig, from);
    init = rig_sent_opcode(rig, SE_UPDATE);
    assert_non_null(init);
    assert_int_equal(init->packet.header.flags, SE_FLAG_INIT);
    rig_say(rig, from, SE_UPDATE, SE_FLAG_INIT, sequence, init->packet.header.sequence, 0);
    assert_int_equal(rig->ups, ups + 1);
    /* Its table, and ours: empty or not, all of it acknowledged. */
    while ((init = rig_sent_opcode(rig, SE_UPDATE)) != NULL)
        rig_ack(rig, from, init->packet.header.sequence);
    rig_say(rig, from, SE_UPDATE, SE_FLAG_EOT, sequence + 1, 0, 0);
    rig_forget(rig);
    return rig->last_nbr;
}

enum se_nbr_state rig_state(const struct rig *rig, unsigned from)
{
    struct xmb_addr addr = rig_addr(rig, from);
    struct se_nbr_info info;

    if (se_nbr_info(rig->engine, se_nbr_find(rig->engine, 0, &addr), rig->now.ms, &info) != 0)
        return SE_NBR_DOWN;
    return info.state;
}

uint64_t rig_count(const struct rig *rig, enum se_reason reason)
{
    return se_nbr_counters(rig->engine)->count[reason];
}

struct se_nbr_iface_info rig_iface(const struct rig *rig)
{
    struct se_nbr_iface_info info;

    assert_int_equal(se_nbr_iface_info(rig->engine, 0, &info), 0);
    return info;
}

struct rig_item *rig_item(struct rig *rig, unsigned bytes)
{
    struct rig_item *item = &rig->items[rig->item_count];

    assert_true(rig->item_count < RIG_ITEMS);
    item->number = ++rig->item_count;
    item->bytes = bytes;
    return item;
}

void rig_post(struct rig *rig, unsigned nbr, unsigned opcode, struct rig_item *item)
{
    struct se_rtp_message m = {item, (uint8_t)opcode, 0};

    se_nbr_post(rig->engine, 0, nbr, &m);
    se_nbr_run(rig->engine, rig->now);
}
