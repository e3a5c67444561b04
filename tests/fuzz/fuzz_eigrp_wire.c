/* SPDX-License-Identifier: MIT */
/*
 * fuzz_eigrp_wire.c - octets of a stranger through the EIGRP wire side: header, frames,
 * authentication, hello, services in the strict and in the tolerant reading, and out again.
 *
 * A checksum is made good first, or nothing would get past it. Beyond "no crash": a refusal has a
 * reason; views stay inside the packet; what was read can be written, reads the same again, and
 * written once more is the same octet for octet; a signed packet verifies.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eigrp_wire.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct xmb_addr source = {.family = 4, .ip = {10, 88, 0, 1}};
static uint8_t first[SE_PACKET_BYTES_MAX];
static uint8_t second[SE_PACKET_BYTES_MAX];

static void inside(const struct se_packet *packet, struct xmb_str v)
{
    const uint8_t *p = (const uint8_t *)v.p;

    if (v.n != 0)
        REQUIRE(p >= packet->data && p + v.n <= packet->data + packet->bytes);
}

static void authentication(const struct se_packet *packet)
{
    struct se_key key = {.password = XMB_STR("password12345"), .id = 1,
                         .accept_until_s = SE_TIME_FOREVER};
    struct se_auth_policy policy = {SE_AUTH_MD5, &key, 1};
    enum se_reason reason = SE_REASON_NONE;
    struct se_auth auth;

    if (se_auth_read(packet, &auth, &reason) == 1)
        inside(packet, auth.digest);
    if (se_auth_check(packet, &policy, &source, 0, NULL, &reason) != 0)
        REQUIRE(reason != SE_REASON_NONE);
    policy.mode = SE_AUTH_SHA256;
    se_auth_check(packet, &policy, &source, 0, NULL, &reason);
}

static void write_list(struct se_writer *w, const struct se_addresses *list,
                       int (*write)(struct se_writer *, const struct xmb_addr *, size_t))
{
    static struct xmb_addr addrs[SE_PACKET_BYTES_MAX / 5 + 1];
    size_t cursor = 0;
    size_t count = 0;

    while (se_address_next(list, &cursor, &addrs[count]) == 1)
        REQUIRE(se_address_listed(list, &addrs[count++]));
    if (count != 0)
        REQUIRE(write(w, addrs, count) == 0);
}

static void hello(const struct se_packet *packet)
{
    struct se_counters counters = {{0}};
    struct se_header h = packet->header;
    struct se_packet again;
    struct se_hello got;
    struct se_hello back;
    struct se_writer w;
    size_t bytes;

    REQUIRE(se_hello_parse(packet, &got, &counters) == 0);
    inside(packet, got.sequence.octets);
    inside(packet, got.termination.octets);
    inside(packet, got.topologies);
    se_topology_listed(&got, 0);
    REQUIRE(se_write_begin(&w, first, sizeof(first), &h, NULL) == 0);
    if (got.have & SE_HAVE_PARAMETER)
        REQUIRE(se_write_parameter(&w, &got.parameter) == 0);
    if (got.have & SE_HAVE_SOFTWARE)
        REQUIRE(se_write_software(&w, &got.software) == 0);
    if (got.have & SE_HAVE_STUB)
        REQUIRE(se_write_stub(&w, got.stub_flags) == 0);
    if (got.have & SE_HAVE_NEXT_MULTICAST)
        REQUIRE(se_write_next_multicast(&w, got.next_multicast) == 0);
    write_list(&w, &got.sequence, se_write_sequence);
    write_list(&w, &got.termination, se_write_termination);
    REQUIRE(se_write_finish(&w, NULL, &bytes) == 0);
    REQUIRE(se_packet_open(first, bytes, &again, NULL) == 0);
    REQUIRE(se_packet_frame(&again, NULL) == 0);
    REQUIRE(se_hello_parse(&again, &back, NULL) == 0);
    REQUIRE(memcmp(&back.parameter, &got.parameter, sizeof(got.parameter)) == 0);
    REQUIRE(memcmp(&back.software, &got.software, sizeof(got.software)) == 0);
    REQUIRE(back.stub_flags == got.stub_flags && back.next_multicast == got.next_multicast);
    REQUIRE(xmb_str_eq(back.sequence.octets, got.sequence.octets));
    REQUIRE(xmb_str_eq(back.termination.octets, got.termination.octets));
}

static void check_service(const struct se_packet *packet, const struct se_services *walk,
                          const struct se_service *s)
{
    static const struct se_kvalues k = {{1, 2, 3, 4, 5, 6}};
    const struct se_route *route = &walk->route;
    struct se_link link = {1000, 1000, 1500, 255, 1};
    struct se_metric further;
    struct xmb_addr addr;
    char text[SE_SERVICE_TEXT_MAX];

    inside(packet, route->attributes);
    inside(packet, s->data);
    REQUIRE((route->kind == SE_ROUTE_EXTERNAL) == (route->metric.external != NULL));
    se_metric_add_link(&further, &route->metric, &link);
    if (!se_metric_is_unreachable(&further, 255))
        REQUIRE(further.delay_ps >= route->metric.delay_ps);
    se_metric_composite(&further, &k);
    se_metric_composite_classic(&further, &k);
    REQUIRE(se_metric_compare(&route->metric, &route->metric, &k, 100) == 0);
    REQUIRE(se_metric_equal(&route->metric, &route->metric));
    se_service_reach(s, &addr);
    se_service_text(&s->id, text, sizeof(text));
    se_data_look(s->data);
}

static unsigned walk_all(const struct se_packet *packet, unsigned options,
                         struct se_counters *counters)
{
    struct se_services walk;
    struct se_service s;
    unsigned count = 0;

    se_services_begin(&walk, packet, options, counters);
    while (se_services_next(&walk, &s) == 1) {
        check_service(packet, &walk, &s);
        count++;
    }
    REQUIRE(se_services_next(&walk, &s) == 0);
    return count;
}

/* Writes the services of `packet` to `out`; returns the octets. */
static size_t rewrite(const struct se_packet *packet, uint8_t *out)
{
    struct se_services walk;
    struct se_service s;
    struct se_writer w;
    size_t bytes;

    REQUIRE(se_write_begin(&w, out, SE_PACKET_BYTES_MAX, &packet->header, NULL) == 0);
    se_services_begin(&walk, packet, 0, NULL);
    while (se_services_next(&walk, &s) == 1)
        REQUIRE(se_write_service(&w, &walk.route, &s) == 0);
    REQUIRE(se_write_finish(&w, NULL, &bytes) == 0);
    return bytes;
}

static void services(const struct se_packet *packet)
{
    struct se_counters strict = {{0}};
    struct se_counters tolerant = {{0}};
    struct se_packet again;
    unsigned count = walk_all(packet, 0, &strict);
    size_t bytes;

    REQUIRE(walk_all(packet, SE_TOLERANT, &tolerant) >= count ||
            tolerant.count[SE_TOLERATED_AFI_FIRST] != 0);
    bytes = rewrite(packet, first);
    REQUIRE(bytes <= packet->bytes);
    REQUIRE(se_packet_open(first, bytes, &again, NULL) == 0);
    REQUIRE(se_packet_frame(&again, NULL) == 0);
    memset(&strict, 0, sizeof(strict));
    REQUIRE(walk_all(&again, 0, &strict) == count);
    REQUIRE(rewrite(&again, second) == bytes && memcmp(first, second, bytes) == 0);
}

static void look(const uint8_t *data, size_t size)
{
    enum se_reason reason = SE_REASON_NONE;
    char text[SE_PACKET_TEXT_MAX];
    struct se_packet packet;

    if (se_packet_open(data, size, &packet, &reason) != 0 ||
        se_packet_frame(&packet, &reason) != 0) {
        REQUIRE(reason != SE_REASON_NONE && reason < SE_REASON_COUNT);
        return;
    }
    se_packet_admit(&packet, 4453, &reason);
    se_packet_text(&packet, text, sizeof(text));
    authentication(&packet);
    hello(&packet);
    services(&packet);
}

/* Other flags and another acknowledgement, signed anew when it was signed. */
static void reseal(uint8_t *octets, size_t size)
{
    struct se_key key = {.password = XMB_STR("password12345"), .id = 1};
    struct se_signer signer = {SE_AUTH_NONE, &key};
    struct se_packet packet;
    struct se_auth auth;

    if (se_packet_open(octets, size, &packet, NULL) != 0 ||
        se_packet_frame(&packet, NULL) != 0)
        return;
    if (se_auth_read(&packet, &auth, NULL) == 1)
        signer.mode = auth.mode;
    REQUIRE(se_packet_reseal(octets, size, 1, 2, &signer, &source) == 0);
    REQUIRE(se_packet_open(octets, size, &packet, NULL) == 0);
    REQUIRE(packet.header.flags == 1 && packet.header.acknowledge == 2);
    if (signer.mode != SE_AUTH_NONE) {
        REQUIRE(se_auth_read(&packet, &auth, NULL) == 1);
        REQUIRE(se_auth_verify(&packet, &auth, &key, &source) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *octets;
    uint16_t sum;

    look(data, size);
    if (size < SE_HEADER_BYTES || size > SE_PACKET_BYTES_MAX)
        return 0;
    octets = malloc(size);
    REQUIRE(octets != NULL);
    memcpy(octets, data, size);
    octets[0] = SE_VERSION;
    sum = se_checksum(octets, size);
    octets[2] = (uint8_t)(sum >> 8);
    octets[3] = (uint8_t)sum;
    look(octets, size);
    reseal(octets, size);
    free(octets);
    return 0;
}
