/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_wire.c - the EIGRP wire side beyond the vectors: the packing of services into packets,
 * room, limits, odd TLVs, and text. Metrics are in test_eigrp_metric.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_wire.h"

#define GIGABIT {10000000, 1000000, 1500, 255, 1}

/* --- writing --------------------------------------------------------------------------------- */

static struct se_route route_of(unsigned kind, unsigned afi)
{
    struct se_route route;
    struct se_link link = GIGABIT;

    memset(&route, 0, sizeof(route));
    se_metric_from_link(&route.metric, &link);
    route.kind = (uint8_t)kind;
    route.afi = (uint16_t)afi;
    route.router_id = 0xc0000201;
    return route;
}

static struct se_service service_of(uint32_t number, const char *data, size_t data_bytes)
{
    struct se_service s;

    memset(&s, 0, sizeof(s));
    s.id.service = 101;
    s.id.subservice = 2;
    s.id.instance[3] = number;
    s.data_type = data_bytes != 0 ? SE_DATA_COMPLETE : SE_DATA_TRIMMED;
    s.data = xmb_str_n(data, data_bytes);
    s.sequence = number;
    return s;
}

static void begin_update(struct se_writer *w, void *buffer, size_t bytes_max)
{
    struct se_header h;

    se_header_init(&h, SE_UPDATE, 4453);
    h.sequence = 7;
    assert_int_equal(se_write_begin(w, buffer, bytes_max, &h, NULL), 0);
}

static void open_it(const void *octets, size_t bytes, struct se_packet *packet)
{
    assert_int_equal(se_packet_open(octets, bytes, packet, NULL), 0);
    assert_int_equal(se_packet_admit(packet, 4453, NULL), 0);
    assert_int_equal(se_packet_frame(packet, NULL), 0);
}

/* The table of the reference, section 1.5: largest data at MTU 1500. */
static void test_data_max(void **state)
{
    static const struct {
        unsigned afi;
        size_t packet_bytes;
        size_t internal[3]; /* none, MD5, SHA-256 */
    } rows[] = {
        {SE_AFI_IPV4, 1480, {1370, 1330, 1314}},
        {SE_AFI_IPV6, 1460, {1338, 1298, 1282}},
        {SE_AFI_COMMON, 1480, {1374, 1334, 1318}},
    };
    static const enum se_auth_mode modes[] = {SE_AUTH_NONE, SE_AUTH_MD5, SE_AUTH_SHA256};
    struct se_external external = {1, 2, 3, 4, SE_EXTERNAL_STATIC, 0};
    struct se_route route;
    size_t i;
    size_t m;

    (void)state;
    for (i = 0; i < 3; i++)
        for (m = 0; m < 3; m++) {
            route = route_of(SE_ROUTE_INTERNAL, rows[i].afi);
            assert_int_equal(se_service_data_max(rows[i].packet_bytes, modes[m], &route),
                             rows[i].internal[m]);
            route.kind = SE_ROUTE_EXTERNAL;
            route.metric.external = &external;
            assert_int_equal(se_service_data_max(rows[i].packet_bytes, modes[m], &route),
                             rows[i].internal[m] - 20);
        }
    route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    assert_int_equal(se_service_data_max(110, SE_AUTH_NONE, &route), 0);
    route.form = SE_FORM_MULTITOPOLOGY;
    assert_int_equal(se_route_bytes(&route) + SE_SERVICE_BYTES, 88);
}

static void test_data_max_is_exact(void **state)
{
    static char data[1400];
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    size_t most = se_service_data_max(1480, SE_AUTH_NONE, &route);
    struct se_service s = service_of(1, data, most);
    uint8_t buffer[1480];
    struct se_writer w;
    size_t bytes;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    s.data.n++;
    assert_int_equal(se_write_service(&w, &route, &s), XMB_ETOOBIG);
    s.data.n = 100000;
    assert_int_equal(se_write_service(&w, &route, &s), XMB_ETOOBIG);
    s.data.n = most;
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    assert_int_equal(bytes, 1480);
}

/* Services with one route fill one TLV; the packet is full to less than one more. */
static void test_packing(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_services walk;
    struct se_service s;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[1480];
    size_t bytes = 0;
    uint32_t count = 0;
    uint32_t i;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    do
        s = service_of(count, "<a/>", 4);
    while (se_write_service(&w, &route, &s) == 0 && ++count);
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    assert_int_equal(count, (1480 - 60) / 54);
    assert_int_equal(bytes, 60 + 54 * count);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, NULL);
    for (i = 0; i < count; i++) {
        assert_int_equal(se_services_next(&walk, &s), 1);
        assert_int_equal(s.id.instance[3], i);
    }
    assert_int_equal(se_services_next(&walk, &s), 0);
    assert_int_equal(walk.tlv_count, 1);
}

/* Each field of a route that differs begins a TLV of its own. */
static void test_packing_apart(void **state)
{
    struct se_external external = {1, 2, 3, 4, SE_EXTERNAL_STATIC, 0};
    struct se_route routes[8];
    struct se_service s = service_of(1, NULL, 0);
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[1480];
    size_t bytes = 0;
    size_t i;

    (void)state;
    for (i = 0; i < 8; i++)
        routes[i] = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    routes[1].metric.delay_ps++;
    routes[2].router_id++;
    routes[3].opaque_flags = SE_OPAQUE_ACTIVE;
    routes[4].next_hop = (struct xmb_addr){.family = 4, .ip = {10, 88, 0, 9}};
    routes[5].kind = SE_ROUTE_EXTERNAL;
    routes[5].metric.external = &external;
    routes[6].kind = SE_ROUTE_REQUEST;
    routes[7].form = SE_FORM_MULTITOPOLOGY;
    begin_update(&w, buffer, sizeof(buffer));
    for (i = 0; i < 8; i++) {
        assert_int_equal(se_write_service(&w, &routes[i], &s), 0);
        assert_int_equal(se_write_service(&w, &routes[i], &s), 0);
    }
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, NULL);
    for (i = 0; i < 16; i++) {
        assert_int_equal(se_services_next(&walk, &s), 1);
        assert_int_equal(walk.tlv_count, i / 2 + 1);
        assert_int_equal(walk.route.kind, routes[i / 2].kind);
        assert_true(se_metric_equal(&walk.route.metric, &routes[i / 2].metric));
    }
    assert_int_equal(se_services_next(&walk, &s), 0);
}

/* A generic TLV between two services ends the first TLV. */
static void test_packing_interrupted(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_service s = service_of(1, NULL, 0);
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[400];
    size_t bytes = 0;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_stub(&w, 1), 0);
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, NULL);
    while (se_services_next(&walk, &s) == 1)
        ;
    assert_int_equal(walk.tlv_count, 2);
}

/* A TLV cannot be longer than its length field says, however large the packet may be. */
static void test_packing_large(void **state)
{
    static uint8_t buffer[70000];
    static char data[60000];
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_service s = service_of(1, data, sizeof(data));
    struct se_writer w;
    size_t bytes = 0;
    struct se_packet packet;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_service(&w, &route, &s), XMB_ETOOBIG);
    s.data.n = 65535 - 20 - 90 - 60000 - 50;
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    assert_int_equal(bytes, 65535);
    open_it(buffer, bytes, &packet);
}

static void refuse(const struct se_route *route)
{
    struct se_service s = service_of(1, NULL, 0);
    struct se_writer w;
    uint8_t buffer[400];

    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, route, &s), XMB_EINVAL);
    assert_int_equal(w.used, SE_HEADER_BYTES);
}

static void test_routes_refused(void **state)
{
    struct se_external external = {0};
    struct se_route good = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_route r;

    (void)state;
    r = good, r.kind = 0, refuse(&r);
    r = good, r.kind = 4, refuse(&r);
    r = good, r.kind = SE_ROUTE_EXTERNAL, refuse(&r);
    r = good, r.metric.external = &external, refuse(&r);
    r = good, r.afi = 1, refuse(&r);
    r = good, r.form = 2, refuse(&r);
    r = good, r.next_hop.family = 6, refuse(&r);
    r = good, r.afi = SE_AFI_IPV6, r.next_hop.family = 4, refuse(&r);
    r = good, r.afi = SE_AFI_COMMON, r.next_hop.family = 4, refuse(&r);
    r = good, r.metric.delay_ps = SE_DELAY_UNREACHABLE + 1, refuse(&r);
    r = good, r.metric.bandwidth_kbps = SE_BANDWIDTH_UNREACHABLE + 1, refuse(&r);
    r = good, r.metric.mtu_bytes = 1 << 24, refuse(&r);
    r = good, r.attributes = XMB_STR("\x02\x02\x00"), refuse(&r);
    r = good, r.attributes = XMB_STR("\x02\x02\x00\x00"), refuse(&r);
    r = good, r.form = SE_FORM_MULTITOPOLOGY, r.attributes = XMB_STR("\x00\x00"), refuse(&r);
}

static void test_no_room(void **state)
{
    struct se_parameter parameter = {SE_KVALUES_DEFAULT, 15};
    struct xmb_addr addrs[2] = {{.family = 4}, {.family = 6}};
    struct xmb_addr odd = {.family = 5};
    uint16_t ids[1] = {0};
    uint8_t buffer[64];
    struct se_header h;
    struct se_writer w;

    (void)state;
    se_header_init(&h, SE_HELLO, 1);
    assert_int_equal(se_write_begin(&w, buffer, 19, &h, NULL), XMB_ETOOBIG);
    assert_int_equal(se_write_begin(&w, buffer, 20, &h, NULL), 0);
    assert_int_equal(se_write_parameter(&w, &parameter), XMB_ETOOBIG);
    assert_int_equal(se_write_stub(&w, 1), XMB_ETOOBIG);
    assert_int_equal(se_write_next_multicast(&w, 1), XMB_ETOOBIG);
    assert_int_equal(se_write_topologies(&w, ids, 1), XMB_ETOOBIG);
    assert_int_equal(se_write_sequence(&w, addrs, 2), XMB_ETOOBIG);
    assert_int_equal(w.used, 20);
    assert_int_equal(se_write_sequence(&w, addrs, 0), XMB_EINVAL);
    assert_int_equal(se_write_topologies(&w, ids, 0), XMB_EINVAL);
    assert_int_equal(se_write_termination(&w, &odd, 1), XMB_EINVAL);
    assert_int_equal(se_write_begin(&w, buffer, 20 + 4 + 5 + 17, &h, NULL), 0);
    assert_int_equal(se_write_termination(&w, addrs, 2), 0);
}

/* --- reading --------------------------------------------------------------------------------- */

/* A packet of `opcode` with these TLVs behind its header; returns its length. */
static size_t packet_with(uint8_t *buffer, unsigned opcode, const void *tlvs, size_t bytes)
{
    struct se_header h;
    struct se_writer w;
    uint16_t sum;
    size_t n;

    se_header_init(&h, opcode, 4453);
    assert_int_equal(se_write_begin(&w, buffer, 20, &h, NULL), 0);
    assert_int_equal(se_write_finish(&w, NULL, &n), 0);
    memcpy(buffer + 20, tlvs, bytes);
    sum = se_checksum(buffer, 20 + bytes);
    buffer[2] = (uint8_t)(sum >> 8);
    buffer[3] = (uint8_t)sum;
    return 20 + bytes;
}

static enum se_reason framed(unsigned opcode, const void *tlvs, size_t bytes)
{
    enum se_reason reason = SE_REASON_NONE;
    struct se_packet packet;
    uint8_t buffer[400];
    size_t n = packet_with(buffer, opcode, tlvs, bytes);

    assert_int_equal(se_packet_open(buffer, n, &packet, &reason), 0);
    se_packet_frame(&packet, &reason);
    return reason;
}

#define FRAMED(opcode, tlvs) framed(opcode, tlvs, sizeof(tlvs) - 1)

static void test_header_checks(void **state)
{
    enum se_reason reason = SE_REASON_NONE;
    struct se_packet packet;
    uint8_t buffer[64];
    size_t n = packet_with(buffer, SE_HELLO, "\x00\x01\x02", 3); /* odd length */

    (void)state;
    assert_int_equal(se_packet_open(buffer, n, &packet, &reason), 0);
    assert_int_equal(se_packet_admit(&packet, 4453, &reason), 0);
    assert_int_equal(se_packet_admit(&packet, 4454, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_AS);
    packet.header.vrid = 0;
    assert_int_equal(se_packet_admit(&packet, 4453, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_VRID);
    buffer[0] = 1;
    assert_int_equal(se_packet_open(buffer, n, &packet, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_VERSION);
    buffer[0] = 2;
    buffer[22]++;
    assert_int_equal(se_packet_open(buffer, n, &packet, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_CHECKSUM);
    assert_int_equal(se_packet_open(NULL, 0, &packet, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_SHORT);
}

static void test_opcodes(void **state)
{
    unsigned opcode;

    (void)state;
    for (opcode = 0; opcode < 256; opcode++)
        assert_int_equal(framed(opcode, "", 0),
                         (opcode >= 1 && opcode <= 5) || opcode == 10 || opcode == 11
                             ? SE_REASON_NONE : SE_DROP_OPCODE);
}

static void test_generic_bodies(void **state)
{
    (void)state;
    assert_int_equal(FRAMED(SE_HELLO, "\0\1\0\14\1\0\1\0\0\0\0\17"), SE_REASON_NONE);
    assert_int_equal(FRAMED(SE_HELLO, "\0\1\0\13\1\0\1\0\0\0\0"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\4\0\7\1\0\2"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\4\0\14\1\0\2\0\0\0\0\0"), SE_REASON_NONE);
    assert_int_equal(FRAMED(SE_HELLO, "\0\5\0\7\1\0\2"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\6\0\5\1"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\7\0\12\4\1\2\3\4\4"), SE_DROP_ADDRESS_LENGTH);
    assert_int_equal(FRAMED(SE_HELLO, "\0\7\0\5\0"), SE_DROP_ADDRESS_LENGTH);
    assert_int_equal(FRAMED(SE_HELLO, "\0\10\0\6\0\0"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\365\0\12\0\0\0\4\0\0"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\365\0\11\0\0\0\1\0"), SE_DROP_TLV_BODY);
    assert_int_equal(FRAMED(SE_HELLO, "\0\2\0\6\0\2"), SE_DROP_AUTH_LENGTH);
    assert_int_equal(FRAMED(SE_HELLO, "\1\2\0"), SE_DROP_TLV_TRUNCATED);
    assert_int_equal(FRAMED(SE_HELLO, "\1\2\0\3"), SE_DROP_TLV_LENGTH);
}

static void test_hello_odd(void **state)
{
    static const char tlvs[] = "\0\1\0\14\377\377\377\377\377\0\0\17" /* goodbye, K6 0 */
                               "\0\1\0\14\1\0\1\0\0\0\0\17"            /* a second one */
                               "\0\10\0\14\0\0\0\4\0\5\0\7"             /* topologies 5 and 7 */
                               "\7\7\0\4"                               /* unknown */
                               "\5\2\0\5\1";                            /* SAF of the RFC's table */
    struct se_counters counters = {{0}};
    struct se_packet packet;
    struct se_hello hello;
    uint8_t buffer[200];

    (void)state;
    open_it(buffer, packet_with(buffer, SE_HELLO, tlvs, sizeof(tlvs) - 1), &packet);
    assert_int_equal(se_hello_parse(&packet, &hello, &counters), 0);
    assert_true(se_hello_is_goodbye(&hello));
    assert_true(se_topology_listed(&hello, 7));
    assert_false(se_topology_listed(&hello, 0));
    assert_int_equal(counters.count[SE_SKIP_DUPLICATE], 1);
    assert_int_equal(counters.count[SE_SKIP_TYPE], 1);
    assert_int_equal(counters.count[SE_SKIP_TYPE_05], 1);
    hello.have = 0;
    assert_false(se_hello_is_goodbye(&hello));
    assert_true(se_topology_listed(&hello, 0));
}

/* One TLV that does not hold does not take its neighbours with it. */
static void test_skipped_alone(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_counters counters = {{0}};
    struct se_service s = service_of(1, NULL, 0);
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[400];
    size_t bytes;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    route.router_id++;
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    route.router_id++;
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    buffer[20 + 90 + 7] = 9; /* AFI of the second */
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, &counters);
    assert_int_equal(se_services_next(&walk, &s), 1);
    assert_int_equal(walk.route.router_id, route.router_id - 2);
    assert_int_equal(se_services_next(&walk, &s), 1);
    assert_int_equal(walk.route.router_id, route.router_id);
    assert_int_equal(se_services_next(&walk, &s), 0);
    assert_int_equal(se_services_next(&walk, &s), 0);
    assert_int_equal(counters.count[SE_SKIP_AFI], 1);
}

/* Opaque flags in the second octet, where RFC 7868 may be read to have them (D06). */
static void test_opaque_either_octet(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_service s = service_of(1, NULL, 0);
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[400];
    size_t bytes;

    (void)state;
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    buffer[20 + 35] = SE_OPAQUE_SOURCE_WITHDRAW;
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, NULL);
    assert_int_equal(se_services_next(&walk, &s), 1);
    assert_int_equal(walk.route.opaque_flags, SE_OPAQUE_SOURCE_WITHDRAW);
}

/* What is not known is carried on; what is known counts once its length is right. */
static void test_attributes(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_service s = service_of(1, NULL, 0);
    uint8_t attributes[SE_ATTRIBUTES_BYTES_MAX];
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[800];
    size_t bytes;
    size_t used = 0;

    (void)state;
    assert_int_equal(se_attribute_put_tag(attributes, sizeof(attributes), &used, 77), 0);
    assert_int_equal(se_attribute_put(attributes, sizeof(attributes), &used, 99,
                                      XMB_STR("what is it?!")), 0);
    assert_int_equal(se_attribute_put(attributes, sizeof(attributes), &used, SE_ATTR_ENERGY,
                                      XMB_STR("\xff\xff\xff\xfe")), 0);
    assert_int_equal(se_attribute_put(attributes, sizeof(attributes), &used, SE_ATTR_JITTER,
                                      XMB_STR("\0\0\0\0\0\x05")), 0);
    assert_int_equal(se_attribute_put(attributes, sizeof(attributes), &used, SE_ATTR_TAG,
                                      XMB_STR("\0\1")), 0); /* too short: not a tag */
    assert_int_equal(se_attribute_align(attributes, sizeof(attributes), &used), 0);
    assert_int_equal(used % 4, 0);
    assert_int_equal(se_attribute_put(attributes, used + 3, &used, 1, xmb_str_n("ab", 2)),
                     XMB_ETOOBIG);
    assert_int_equal(se_attribute_put(attributes, used + 9, &used, 1, xmb_str_n("a", 1)),
                     XMB_EINVAL);
    route.attributes = xmb_str_n((const char *)attributes, used);
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, NULL);
    assert_int_equal(se_services_next(&walk, &s), 1);
    assert_true(xmb_str_eq(walk.route.attributes, route.attributes));
    assert_int_equal(walk.route.tag, 77);
    assert_int_equal(walk.route.metric.extended, UINT32_MAX);
}

static void test_attributes_broken(void **state)
{
    struct se_route route = route_of(SE_ROUTE_INTERNAL, SE_AFI_IPV4);
    struct se_service s = service_of(1, NULL, 0);
    struct se_counters counters = {{0}};
    struct se_services walk;
    struct se_packet packet;
    struct se_writer w;
    uint8_t buffer[800];
    size_t bytes;

    (void)state;
    route.attributes = XMB_STR("\x02\x02\0\0\0\1");
    begin_update(&w, buffer, sizeof(buffer));
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    route.router_id++;
    assert_int_equal(se_write_service(&w, &route, &s), 0);
    buffer[20 + 37] = 3;       /* words of the attribute: behind the section */
    buffer[20 + 96 + 12] = 90; /* words of the section: behind the TLV */
    assert_int_equal(se_write_finish(&w, NULL, &bytes), 0);
    open_it(buffer, bytes, &packet);
    se_services_begin(&walk, &packet, 0, &counters);
    assert_int_equal(se_services_next(&walk, &s), 0);
    assert_int_equal(counters.count[SE_SKIP_ATTRIBUTES], 2);
}

static void test_reach(void **state)
{
    struct xmb_addr in = {.family = 6, .port = 5061, .ip = {0x20, 1, 0xd, 0xb8, [15] = 7}};
    struct se_service s = service_of(1, NULL, 0);
    struct xmb_addr out;

    (void)state;
    se_service_set_reach(&s, &in);
    assert_int_equal(s.reach_afi, 2);
    se_service_reach(&s, &out);
    assert_memory_equal(&in, &out, sizeof(in));
    in = (struct xmb_addr){.family = 4, .port = 80, .ip = {192, 0, 2, 1}};
    se_service_set_reach(&s, &in);
    se_service_reach(&s, &out);
    assert_memory_equal(&in, &out, sizeof(in));
    s.reach_afi = 9;
    se_service_reach(&s, &out);
    assert_int_equal(out.family, 0);
    in.family = 0;
    se_service_set_reach(&s, &in);
    assert_int_equal(s.reach_afi, 0);
    assert_int_equal(s.address[0], 0);
}

static void test_data_look(void **state)
{
    (void)state;
    assert_int_equal(se_data_look(xmb_str(NULL)), SE_DATA_EMPTY);
    assert_int_equal(se_data_look(XMB_STR("<a/>\n")), SE_DATA_XML);
    assert_int_equal(se_data_look(XMB_STR("8XXX")), SE_DATA_TEXT);
    assert_int_equal(se_data_look(XMB_STR("<\0")), SE_DATA_BINARY);
}

/* --- text ------------------------------------------------------------------------------------ */

static void test_text(void **state)
{
    struct xmb_service_id id = {65535, 65535, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    struct xmb_addr v6 = {.family = 6, .ip = {0xfe, 0x80, [15] = 1}};
    struct xmb_addr none = {0};
    char text[SE_PACKET_TEXT_MAX];
    struct se_packet packet;
    uint8_t buffer[64];

    (void)state;
    assert_string_equal(se_service_text(&id, text, SE_SERVICE_TEXT_MAX),
                        "65535:65535:ffffffff.ffffffff.ffffffff.ffffffff");
    assert_string_equal(se_router_id_text(0xc0000201, text, sizeof(text)), "192.0.2.1");
    assert_string_equal(se_addr_text(&v6, text, sizeof(text)), "fe80::1");
    assert_string_equal(se_addr_text(&none, text, sizeof(text)), "none");
    assert_string_equal(se_flags_text(0, text, sizeof(text)), "-");
    assert_string_equal(se_flags_text(13, text, sizeof(text)), "init,rs,eot");
    assert_string_equal(se_flags_text(UINT32_MAX, text, SE_FLAGS_TEXT_MAX),
                        "init,cr,rs,eot,0xfffffff0");
    open_it(buffer, packet_with(buffer, SE_SIA_QUERY, "", 0), &packet);
    packet.header.flags = SE_FLAG_EOT;
    packet.header.sequence = 13;
    assert_string_equal(se_packet_text(&packet, text, sizeof(text)),
                        "sia-query seq 13 ack 0 flags eot, 20 octets");
    assert_string_equal(se_packet_text(&packet, text, 5), "sia-");
    assert_string_equal(se_opcode_name(6), "unknown");
    assert_string_equal(se_opcode_name(77), "unknown");
    assert_string_equal(se_auth_mode_name(1), "unknown");
    assert_string_equal(se_auth_mode_name(3), "hmac-sha-256");
    assert_string_equal(se_afi_name(SE_AFI_IPV6), "ipv6");
    assert_string_equal(se_afi_name(1), "unknown");
    assert_string_equal(se_external_protocol_name(11), "connected");
    assert_string_equal(se_route_kind_name(SE_ROUTE_EXTERNAL), "external");
}

/* Every reason has a name, and no two share one: they are the names of counters. */
static void test_reason_names(void **state)
{
    int a;
    int b;

    (void)state;
    for (a = 0; a < SE_REASON_COUNT; a++) {
        assert_string_not_equal(se_reason_name((enum se_reason)a), "unknown");
        for (b = 0; b < a; b++)
            assert_string_not_equal(se_reason_name((enum se_reason)a),
                                    se_reason_name((enum se_reason)b));
    }
    assert_string_equal(se_reason_name(SE_REASON_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_max),
        cmocka_unit_test(test_data_max_is_exact),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_packing_apart),
        cmocka_unit_test(test_packing_interrupted),
        cmocka_unit_test(test_packing_large),
        cmocka_unit_test(test_routes_refused),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_header_checks),
        cmocka_unit_test(test_opcodes),
        cmocka_unit_test(test_generic_bodies),
        cmocka_unit_test(test_hello_odd),
        cmocka_unit_test(test_skipped_alone),
        cmocka_unit_test(test_opaque_either_octet),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_attributes_broken),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_data_look),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_reason_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
