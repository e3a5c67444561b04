/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_vectors.c - every vector of tests/data/saf-eigrp-vectors.json, in both directions.
 *
 * Out: each of the 53 normal packets is written from what tshark read in it, digest and checksum
 * included, and has to be the vector octet for octet. In: it is decoded and compared with the same
 * reading. The negative ones have to be dropped or skipped for the reason that tshark complains of,
 * and each packet is cut at every octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_vectors.h"

#define NORMAL_COUNT 53
#define NEGATIVE_COUNT 10
#define QUIRK_COUNT 2

static struct eigrp_vector *vectors;
static size_t vector_count;

static int setup(void **state)
{
    (void)state;
    vector_count = eigrp_vectors_load(&vectors);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    eigrp_vectors_free();
    return 0;
}

static int in_group(const struct eigrp_vector *v, const char *group)
{
    return strcmp(v->group, group) == 0;
}

static void test_all_are_there(void **state)
{
    size_t normal = 0;
    size_t negative = 0;
    size_t quirk = 0;
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        normal += (size_t)in_group(&vectors[i], "normal");
        negative += (size_t)in_group(&vectors[i], "negative");
        quirk += (size_t)in_group(&vectors[i], "quirk");
    }
    assert_int_equal(normal, NORMAL_COUNT);
    assert_int_equal(negative, NEGATIVE_COUNT);
    assert_int_equal(quirk, QUIRK_COUNT);
    assert_int_equal(normal + negative + quirk, vector_count);
}

/* --- out ------------------------------------------------------------------------------------- */

/* The attributes of a vector, written attribute by attribute; the tag one from its value. */
static struct xmb_str write_attributes(const struct se_route *route, uint8_t *buffer, size_t bytes)
{
    struct se_attribute a;
    size_t cursor = 0;
    size_t used = 0;

    while (se_attribute_next(route->attributes, &cursor, &a) == 1) {
        if (a.opcode == SE_ATTR_TAG)
            assert_int_equal(se_attribute_put_tag(buffer, bytes, &used, route->tag), 0);
        else if (a.opcode == SE_ATTR_NOOP)
            assert_int_equal(se_attribute_align(buffer, bytes, &used), 0);
        else
            assert_int_equal(se_attribute_put(buffer, bytes, &used, a.opcode, a.data), 0);
    }
    return xmb_str_n((const char *)buffer, used);
}

static void write_services(struct se_writer *w, const struct eigrp_model *m)
{
    uint8_t attributes[SE_ATTRIBUTES_BYTES_MAX];
    struct se_route route;
    size_t i;

    for (i = 0; i < m->service_count; i++) {
        route = m->routes[i];
        route.attributes = write_attributes(&m->routes[i], attributes, sizeof(attributes));
        assert_int_equal(se_write_service(w, &route, &m->services[i]), 0);
    }
}

static void write_tlv(struct se_writer *w, const struct eigrp_model *m, unsigned type)
{
    const struct se_hello *hello = &m->hello;
    int rc = 0;

    if (type == SE_TLV_PARAMETER && se_hello_is_goodbye(hello))
        rc = se_write_goodbye(w, 255, hello->parameter.hold_s);
    else if (type == SE_TLV_PARAMETER)
        rc = se_write_parameter(w, &hello->parameter);
    else if (type == SE_TLV_SOFTWARE_VERSION)
        rc = se_write_software(w, &hello->software);
    else if (type == SE_TLV_SEQUENCE)
        rc = se_write_sequence(w, m->sequence, m->sequence_count);
    else if (type == SE_TLV_NEXT_MULTICAST)
        rc = se_write_next_multicast(w, hello->next_multicast);
    else if (type == SE_TLV_STUB)
        rc = se_write_stub(w, hello->stub_flags);
    else if (type == SE_TLV_PEER_TERMINATION)
        rc = se_write_termination(w, m->termination, m->termination_count);
    else if (type == SE_TLV_MT_TOPOLOGY_LIST)
        rc = se_write_topologies(w, m->topologies, m->topology_count);
    else
        assert_true(type == SE_TLV_AUTHENTICATION || m->service_count > 0);
    assert_int_equal(rc, 0);
}

static size_t write_model(const struct eigrp_vector *v, const struct eigrp_model *m,
                          uint8_t *buffer, size_t bytes_max)
{
    struct se_key key = {.password = xmb_str(m->auth.mode == SE_AUTH_MD5 ? v->md5_key
                                                                        : v->sha256_key)};
    struct se_signer signer = {m->auth.mode, &key};
    struct se_header h;
    struct se_writer w;
    size_t bytes = 0;
    size_t i;

    se_header_init(&h, m->header.opcode, m->header.as_number);
    h.flags = m->header.flags;
    h.sequence = m->header.sequence;
    h.acknowledge = m->header.acknowledge;
    key.id = m->auth.key_id;
    key.sequence = m->auth.key_sequence;
    assert_int_equal(se_write_begin(&w, buffer, bytes_max, &h, &signer), 0);
    for (i = 0; i < m->tlv_count; i++)
        write_tlv(&w, m, m->tlv_types[i]);
    write_services(&w, m);
    assert_int_equal(se_write_finish(&w, &v->source, &bytes), 0);
    return bytes;
}

static void test_normal_written(void **state)
{
    static struct eigrp_model m;
    uint8_t buffer[1600];
    size_t bytes;
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        if (!in_group(&vectors[i], "normal"))
            continue;
        eigrp_model_make(&vectors[i], &m);
        memset(buffer, 0xa5, sizeof(buffer));
        bytes = write_model(&vectors[i], &m, buffer, vectors[i].bytes);
        if (bytes != vectors[i].bytes || memcmp(buffer, vectors[i].octets, bytes) != 0)
            fail_msg("%s is written otherwise", vectors[i].name);
        assert_int_equal(buffer[bytes], 0xa5);
    }
}

/* --- in -------------------------------------------------------------------------------------- */

static void same_addresses(const struct se_addresses *list, const struct xmb_addr *want,
                           size_t count)
{
    struct xmb_addr addr;
    size_t cursor = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        assert_int_equal(se_address_next(list, &cursor, &addr), 1);
        assert_memory_equal(&addr, &want[i], sizeof(addr));
        assert_true(se_address_listed(list, &want[i]));
    }
    assert_int_equal(se_address_next(list, &cursor, &addr), 0);
}

static void same_hello(const struct se_packet *packet, const struct eigrp_model *m)
{
    struct se_counters counters = {{0}};
    struct se_counters none = {{0}};
    struct se_hello got;
    size_t i;

    assert_int_equal(se_hello_parse(packet, &got, &counters), 0);
    assert_memory_equal(&counters, &none, sizeof(none));
    assert_int_equal(got.have, m->hello.have);
    assert_memory_equal(&got.parameter, &m->hello.parameter, sizeof(got.parameter));
    assert_memory_equal(&got.software, &m->hello.software, sizeof(got.software));
    assert_int_equal(got.next_multicast, m->hello.next_multicast);
    assert_int_equal(got.stub_flags, m->hello.stub_flags);
    assert_int_equal(got.topology_flags, m->hello.topology_flags);
    same_addresses(&got.sequence, m->sequence, m->sequence_count);
    same_addresses(&got.termination, m->termination, m->termination_count);
    assert_int_equal(got.topologies.n, 2 * m->topology_count);
    for (i = 0; i < m->topology_count; i++)
        assert_true(se_topology_listed(&got, m->topologies[i]));
}

static void same_route(const struct se_route *got, const struct se_route *want)
{
    assert_int_equal(got->kind, want->kind);
    assert_int_equal(got->form, want->form);
    assert_int_equal(got->topology_id, want->topology_id);
    assert_int_equal(got->afi, want->afi);
    assert_int_equal(got->router_id, want->router_id);
    assert_int_equal(got->tag, want->tag);
    assert_int_equal(got->opaque_flags, want->opaque_flags);
    assert_int_equal(got->classic_tag, want->classic_tag);
    assert_memory_equal(&got->next_hop, &want->next_hop, sizeof(got->next_hop));
    assert_true(xmb_str_eq(got->attributes, want->attributes));
    assert_true(got->metric.delay_ps == want->metric.delay_ps);
    assert_true(got->metric.bandwidth_kbps == want->metric.bandwidth_kbps);
    assert_int_equal(got->metric.mtu_bytes, want->metric.mtu_bytes);
    assert_int_equal(got->metric.hop_count, want->metric.hop_count);
    assert_int_equal(got->metric.reliability, want->metric.reliability);
    assert_int_equal(got->metric.load, want->metric.load);
    assert_int_equal(got->metric.priority, want->metric.priority);
    assert_int_equal(got->metric.extended, want->metric.extended);
    assert_true(se_external_equal(got->metric.external, want->metric.external));
}

static void same_service(const struct se_service *got, const struct se_service *want)
{
    assert_memory_equal(&got->id, &want->id, sizeof(got->id));
    assert_int_equal(got->sequence, want->sequence);
    assert_int_equal(got->data_type, want->data_type);
    assert_int_equal(got->reach_afi, want->reach_afi);
    assert_int_equal(got->port, want->port);
    assert_int_equal(got->protocol, want->protocol);
    assert_memory_equal(got->address, want->address, sizeof(got->address));
    assert_true(xmb_str_eq(got->data, want->data));
}

static void same_services(const struct se_packet *packet, const struct eigrp_model *m)
{
    struct se_counters counters = {{0}};
    struct se_counters none = {{0}};
    struct se_services walk;
    struct se_service got;
    size_t i;

    se_services_begin(&walk, packet, 0, &counters);
    for (i = 0; i < m->service_count; i++) {
        assert_int_equal(se_services_next(&walk, &got), 1);
        same_route(&walk.route, &m->routes[i]);
        same_service(&got, &m->services[i]);
    }
    assert_int_equal(se_services_next(&walk, &got), 0);
    assert_int_equal(walk.tlv_count, m->service_tlv_count);
    assert_memory_equal(&counters, &none, sizeof(none));
}

static void same_auth(const struct eigrp_vector *v, const struct se_packet *packet,
                      const struct eigrp_model *m)
{
    struct se_key key = {.accept_until_s = SE_TIME_FOREVER};
    struct se_auth_policy policy = {m->auth.mode, &key, 1};
    const struct se_key *matched = NULL;
    struct se_auth got;

    assert_int_equal(se_auth_read(packet, &got, NULL), m->auth.mode != SE_AUTH_NONE);
    key.password = xmb_str(m->auth.mode == SE_AUTH_MD5 ? v->md5_key : v->sha256_key);
    key.id = m->auth.key_id;
    assert_int_equal(se_auth_check(packet, &policy, &v->source, 0, &matched, NULL), 0);
    if (m->auth.mode == SE_AUTH_NONE)
        return;
    assert_ptr_equal(matched, &key);
    assert_int_equal(got.mode, m->auth.mode);
    assert_int_equal(got.key_id, m->auth.key_id);
    assert_int_equal(got.key_sequence, m->auth.key_sequence);
    assert_true(xmb_str_eq(got.digest, m->auth.digest));
}

static void test_normal_read(void **state)
{
    static struct eigrp_model m;
    struct se_packet packet;
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        if (!in_group(&vectors[i], "normal"))
            continue;
        eigrp_model_make(&vectors[i], &m);
        eigrp_open(vectors[i].octets, vectors[i].bytes, &packet);
        assert_memory_equal(&packet.header, &m.header, sizeof(m.header));
        same_auth(&vectors[i], &packet, &m);
        if (m.header.opcode == SE_HELLO)
            same_hello(&packet, &m);
        same_services(&packet, &m);
    }
}

/* --- what has to be refused ------------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *complaint; /* of tshark, as the vector allows it */
    enum se_reason reason;
} refused[] = {
    {"neg_bad_checksum", "eigrp.checksum.bad", SE_DROP_CHECKSUM},
    {"neg_tlv_length_zero", "eigrp.tlv.len.invalid", SE_DROP_TLV_LENGTH},
    {"neg_tlv_truncated", "_ws.malformed", SE_DROP_TLV_TRUNCATED},
    {"neg_tlv_type_0502", "eigrp.tlv_type.unknown", SE_SKIP_TYPE_05},
    {"neg_tlv_padding", "_ws.malformed", SE_SKIP_PADDING},
    {"neg_data_overrun_xml", "xml.unrecognized_text", SE_SKIP_DATA_OVERRUN},
    {"neg_rfc_afi_first", "eigrp.afi.unknown", SE_SKIP_AFI},
    {"neg_auth_type_1", "eigrp.auth.type.invalid", SE_DROP_AUTH_TYPE},
    {"neg_seq_addrlen", "eigrp.seq.addrlen.invalid", SE_DROP_ADDRESS_LENGTH},
    {"neg_afi_unknown", "eigrp.afi.unknown", SE_SKIP_AFI},
    {"quirk_rfc_exterior_16", "", SE_SKIP_DATA_OVERRUN},
    {"quirk_rfc_no_nexthop", "", SE_SKIP_DATA_OVERRUN},
};

/* Everything a receiver does, counting as it does. Returns the number of services. */
static unsigned receive(const void *octets, size_t bytes, unsigned as_number, unsigned options,
                        struct se_counters *counters)
{
    enum se_reason reason = SE_REASON_NONE;
    struct se_services walk;
    struct se_service service;
    struct se_packet packet;
    struct se_hello hello;
    unsigned count = 0;

    if (se_packet_open(octets, bytes, &packet, &reason) != 0 ||
        se_packet_admit(&packet, as_number, &reason) != 0 ||
        se_packet_frame(&packet, &reason) != 0) {
        se_count(counters, reason);
        return 0;
    }
    if (packet.header.opcode == SE_HELLO)
        assert_int_equal(se_hello_parse(&packet, &hello, counters), 0);
    se_services_begin(&walk, &packet, options, counters);
    while (se_services_next(&walk, &service) == 1)
        count++;
    return count;
}

static void test_negative_refused(void **state)
{
    size_t i;

    (void)state;
    assert_int_equal(sizeof(refused) / sizeof(refused[0]), NEGATIVE_COUNT + QUIRK_COUNT);
    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct eigrp_vector *v = eigrp_vector_named(refused[i].name);
        struct se_counters counters = {{0}};
        struct se_counters want = {{0}};

        assert_string_equal(v->allowed, refused[i].complaint);
        want.count[refused[i].reason] = 1;
        assert_int_equal(receive(v->octets, v->bytes, 4453, 0, &counters), 0);
        if (memcmp(&counters, &want, sizeof(want)) != 0)
            fail_msg("%s is not refused as %s", v->name, se_reason_name(refused[i].reason));
    }
}

static void test_tolerant_reading(void **state)
{
    const struct eigrp_vector *hop = eigrp_vector_named("quirk_rfc_no_nexthop");
    const struct eigrp_vector *afi = eigrp_vector_named("neg_rfc_afi_first");
    struct se_counters counters = {{0}};
    struct se_services walk;
    struct se_service service;
    struct se_packet packet;

    (void)state;
    assert_int_equal(receive(afi->octets, afi->bytes, 4453, SE_TOLERANT, &counters), 1);
    assert_int_equal(counters.count[SE_TOLERATED_AFI_FIRST], 1);
    eigrp_open(hop->octets, hop->bytes, &packet);
    se_services_begin(&walk, &packet, SE_TOLERANT, &counters);
    assert_int_equal(se_services_next(&walk, &service), 1);
    assert_int_equal(service.id.service, 101);
    assert_int_equal(service.data.n, 95);
    assert_int_equal(walk.route.next_hop.family, 0);
    assert_int_equal(counters.count[SE_TOLERATED_NO_NEXT_HOP], 1);
}

/* What tshark reads without complaint is read the same in the tolerant way, and counts nothing. */
static void test_tolerance_harmless(void **state)
{
    struct se_counters none = {{0}};
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        const struct eigrp_vector *v = &vectors[i];
        struct se_counters counters = {{0}};

        if (!in_group(v, "normal"))
            continue;
        assert_int_equal(receive(v->octets, v->bytes, 4453, SE_TOLERANT, &counters),
                         receive(v->octets, v->bytes, 4453, 0, &counters));
        assert_memory_equal(&counters, &none, sizeof(none));
    }
}

static void patch_checksum(uint8_t *octets, size_t bytes)
{
    uint16_t sum = se_checksum(octets, bytes);

    octets[2] = (uint8_t)(sum >> 8);
    octets[3] = (uint8_t)sum;
}

/* Cut at each octet, with a checksum that is good again: dropped, or between two TLVs, used. */
static void cut(const struct eigrp_vector *v)
{
    struct se_counters counters;
    uint64_t counted;
    unsigned count;
    size_t n;
    size_t i;

    for (n = 0; n < v->bytes; n++) {
        uint8_t *octets = malloc(n != 0 ? n : 1);

        assert_non_null(octets);
        memcpy(octets, v->octets, n);
        if (n >= SE_HEADER_BYTES)
            patch_checksum(octets, n);
        memset(&counters, 0, sizeof(counters));
        count = receive(octets, n, 4453, 0, &counters);
        for (counted = 0, i = 0; i < SE_REASON_COUNT; i++)
            counted += counters.count[i];
        if (n < SE_HEADER_BYTES)
            assert_int_equal(counters.count[SE_DROP_SHORT], 1);
        assert_true(counted <= 1);
        assert_true(counted == 0 || count == 0);
        free(octets);
    }
}

static void test_cut_anywhere(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++)
        cut(&vectors[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_there),
        cmocka_unit_test(test_normal_written),
        cmocka_unit_test(test_normal_read),
        cmocka_unit_test(test_negative_refused),
        cmocka_unit_test(test_tolerant_reading),
        cmocka_unit_test(test_tolerance_harmless),
        cmocka_unit_test(test_cut_anywhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
