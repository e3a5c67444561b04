/* SPDX-License-Identifier: MIT */
/*
 * eigrp_vectors.c - loads the EIGRP vectors and makes models of them. See eigrp_vectors.h.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_vectors.h"

static json_t *root;
static struct eigrp_vector *vectors;
static size_t vector_count;

struct xmb_addr eigrp_addr(const char *text)
{
    struct xmb_addr addr;
    int v6 = strchr(text, ':') != NULL;

    memset(&addr, 0, sizeof(addr));
    addr.family = v6 ? 6 : 4;
    assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, addr.ip), 1);
    return addr;
}

static void load_octets(struct eigrp_vector *v, const char *hex)
{
    unsigned octet;
    size_t i;

    v->bytes = strlen(hex) / 2;
    v->octets = malloc(v->bytes);
    assert_non_null(v->octets);
    for (i = 0; i < v->bytes; i++) {
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
        v->octets[i] = (uint8_t)octet;
    }
}

static const char *text_in(const json_t *of, const char *key)
{
    const char *text = json_string_value(json_object_get(of, key));

    assert_non_null(text);
    return text;
}

static void load_one(const json_t *from, struct eigrp_vector *v)
{
    const json_t *allowed = json_array_get(json_object_get(from, "allowed_expert"), 0);

    v->name = text_in(from, "name");
    v->group = text_in(from, "group");
    v->allowed = allowed != NULL ? json_string_value(allowed) : "";
    v->source = eigrp_addr(text_in(from, "src"));
    v->fields = json_object_get(from, "fields");
    v->md5_key = text_in(root, "md5_key");
    v->sha256_key = text_in(root, "sha256_key");
    load_octets(v, text_in(from, "hex"));
}

size_t eigrp_vectors_load(struct eigrp_vector **out)
{
    const char *src = getenv("XMB_SRC");
    char path[4096];
    const json_t *list;
    json_error_t error;
    size_t i;

    snprintf(path, sizeof(path), "%s/tests/data/saf-eigrp-vectors.json", src != NULL ? src : ".");
    root = json_load_file(path, 0, &error);
    if (root == NULL)
        fail_msg("%s: %s (is XMB_SRC the source folder?)", path, error.text);
    list = json_object_get(root, "vectors");
    vector_count = json_array_size(list);
    vectors = calloc(vector_count, sizeof(*vectors));
    assert_non_null(vectors);
    for (i = 0; i < vector_count; i++)
        load_one(json_array_get(list, i), &vectors[i]);
    *out = vectors;
    return vector_count;
}

void eigrp_vectors_free(void)
{
    size_t i;

    for (i = 0; i < vector_count; i++)
        free(vectors[i].octets);
    free(vectors);
    json_decref(root);
}

const struct eigrp_vector *eigrp_vector_named(const char *name)
{
    size_t i;

    for (i = 0; i < vector_count; i++)
        if (strcmp(vectors[i].name, name) == 0)
            return &vectors[i];
    fail_msg("no vector %s", name);
    return NULL;
}

void eigrp_open(const void *octets, size_t bytes, struct se_packet *packet)
{
    enum se_reason reason = SE_REASON_NONE;

    if (se_packet_open(octets, bytes, packet, &reason) != 0 ||
        se_packet_admit(packet, packet->header.as_number, &reason) != 0 ||
        se_packet_frame(packet, &reason) != 0)
        fail_msg("dropped: %s", se_reason_name(reason));
}

/* --- the model: each field is a list, taken in order ----------------------------------------- */

struct reading {
    const struct eigrp_vector *v;
    struct eigrp_model *m;
    json_t *taken; /* field: how many */
    size_t at;     /* octets of the packet behind the TLV at hand */
};

/* The next value of a field, or NULL when there is no further. */
static const char *peek(struct reading *r, const char *field)
{
    size_t index = (size_t)json_integer_value(json_object_get(r->taken, field));

    return json_string_value(json_array_get(json_object_get(r->v->fields, field), index));
}

static const char *take(struct reading *r, const char *field)
{
    const char *text = peek(r, field);
    json_int_t count = json_integer_value(json_object_get(r->taken, field));

    if (text == NULL)
        fail_msg("%s: %s is missing", r->v->name, field);
    json_object_set_new(r->taken, field, json_integer(count + 1));
    return text;
}

static uint64_t number(struct reading *r, const char *field)
{
    return strtoull(take(r, field), NULL, 0);
}

static uint32_t router_id(struct reading *r, const char *field)
{
    struct xmb_addr addr = eigrp_addr(take(r, field));

    return (uint32_t)addr.ip[0] << 24 | (uint32_t)addr.ip[1] << 16 | (uint32_t)addr.ip[2] << 8 |
           addr.ip[3];
}

static void read_header(struct reading *r)
{
    struct se_header *h = &r->m->header;

    h->version = (uint8_t)number(r, "eigrp.version");
    h->opcode = (uint8_t)number(r, "eigrp.opcode");
    h->checksum = (uint16_t)number(r, "eigrp.checksum");
    h->flags = (uint32_t)number(r, "eigrp.flags");
    h->sequence = (uint32_t)number(r, "eigrp.seq");
    h->acknowledge = (uint32_t)number(r, "eigrp.ack");
    h->vrid = (uint16_t)number(r, "eigrp.vrid");
    h->as_number = (uint16_t)number(r, "eigrp.as");
}

static void read_auth(struct reading *r, size_t at)
{
    struct se_auth *auth = &r->m->auth;

    auth->mode = (enum se_auth_mode)number(r, "eigrp.auth.type");
    auth->key_id = (uint32_t)number(r, "eigrp.auth.keyid");
    auth->key_sequence = (uint32_t)number(r, "eigrp.auth.keyseq");
    auth->digest = xmb_str_n((const char *)r->v->octets + at + 24,
                             (size_t)number(r, "eigrp.auth.length"));
}

static void read_parameter(struct reading *r)
{
    struct se_hello *hello = &r->m->hello;
    char field[] = "eigrp.par.k1";
    size_t i;

    for (i = 0; i < 6; i++) {
        field[sizeof(field) - 2] = (char)('1' + i);
        hello->parameter.k.k[i] = (uint8_t)number(r, field);
    }
    hello->parameter.hold_s = (uint16_t)number(r, "eigrp.par.holdtime");
    hello->have |= SE_HAVE_PARAMETER;
}

static void read_software(struct reading *r)
{
    unsigned release = (unsigned)number(r, "eigrp.release_version");
    unsigned tlv = (unsigned)number(r, "eigrp.tlv_version");

    r->m->hello.software.release_major = (uint8_t)(release >> 8);
    r->m->hello.software.release_minor = (uint8_t)release;
    r->m->hello.software.tlv_major = (uint8_t)(tlv >> 8);
    r->m->hello.software.tlv_minor = (uint8_t)tlv;
    r->m->hello.have |= SE_HAVE_SOFTWARE;
}

static void read_sequence(struct reading *r)
{
    while (peek(r, "eigrp.seq.addrlen") != NULL) {
        assert_true(r->m->sequence_count < MODEL_ADDRS_MAX);
        r->m->sequence[r->m->sequence_count++] = eigrp_addr(
            take(r, number(r, "eigrp.seq.addrlen") == 4 ? "eigrp.seq.ipv4addr"
                                                        : "eigrp.seq.ipv6addr"));
    }
    r->m->hello.have |= SE_HAVE_SEQUENCE;
}

/* One IPv4 address: what the vectors have. tshark prints nothing of it. */
static void read_termination(struct reading *r, size_t at)
{
    struct xmb_addr *addr = &r->m->termination[r->m->termination_count++];

    assert_int_equal(r->v->octets[at + 4], 4);
    memset(addr, 0, sizeof(*addr));
    addr->family = 4;
    memcpy(addr->ip, r->v->octets + at + 5, 4);
    r->m->hello.have |= SE_HAVE_TERMINATION;
}

static void read_topologies(struct reading *r)
{
    r->m->hello.topology_flags = (uint16_t)number(r, "eigrp.tidlist.flags");
    assert_int_equal(number(r, "eigrp.tidlist.len"), 2);
    r->m->topologies[r->m->topology_count++] = (uint16_t)number(r, "eigrp.tidlist");
    r->m->hello.have |= SE_HAVE_TOPOLOGIES;
}

static unsigned opaque_flags(struct reading *r)
{
    return (number(r, "eigrp.metric.flags.srcwd") ? SE_OPAQUE_SOURCE_WITHDRAW : 0) |
           (number(r, "eigrp.metric.flags.cd") ? SE_OPAQUE_CANDIDATE_DEFAULT : 0) |
           (number(r, "eigrp.metric.flags.active") ? SE_OPAQUE_ACTIVE : 0) |
           (number(r, "eigrp.metric.flags.repl") ? SE_OPAQUE_REPLICATED : 0);
}

/* Returns the octets of the metric and what stands before it, TLV head included. */
static size_t read_wide(struct reading *r, struct se_route *route, size_t at)
{
    size_t attribute_bytes = 2 * (size_t)number(r, "eigrp.metric.offset");
    struct se_metric *m = &route->metric;

    m->priority = (uint8_t)number(r, "eigrp.metric.priority");
    m->reliability = (uint8_t)number(r, "eigrp.metric.reliability");
    m->load = (uint8_t)number(r, "eigrp.metric.load");
    m->mtu_bytes = (uint32_t)number(r, "eigrp.metric.mtu");
    m->hop_count = (uint8_t)number(r, "eigrp.metric.hopcount");
    m->delay_ps = number(r, "eigrp.metric.delay");
    m->bandwidth_kbps = number(r, "eigrp.metric.bandwidth");
    route->opaque_flags = (uint8_t)opaque_flags(r);
    route->attributes = xmb_str_n((const char *)r->v->octets + at + 36, attribute_bytes);
    if (peek(r, "eigrp.attr.tag") != NULL)
        route->tag = (uint32_t)number(r, "eigrp.attr.tag");
    if (strcmp(r->v->name, "update_attr_jitter_energy") == 0)
        m->extended = 250 + 22; /* tshark shows 32 of the jitter's 48 bits: 0 */
    return 36 + attribute_bytes;
}

static size_t read_classic(struct reading *r, struct se_route *route)
{
    struct se_classic classic;

    route->tag = (uint32_t)number(r, "eigrp.old_metric.tag");
    classic.delay = (uint32_t)number(r, "eigrp.old_metric.delay");
    classic.bandwidth = (uint32_t)number(r, "eigrp.old_metric.bw");
    classic.mtu_bytes = (uint32_t)number(r, "eigrp.old_metric.mtu");
    classic.hop_count = (uint8_t)number(r, "eigrp.old_metric.hopcount");
    classic.reliability = (uint8_t)number(r, "eigrp.old_metric.rel");
    classic.load = (uint8_t)number(r, "eigrp.old_metric.load");
    classic.internal_tag = (uint8_t)number(r, "eigrp.old_metric.intag");
    route->opaque_flags = (uint8_t)opaque_flags(r);
    route->classic_tag = classic.internal_tag;
    se_metric_from_classic(&route->metric, &classic);
    return 34;
}

static size_t read_next_hop(struct reading *r, struct se_route *route)
{
    static const uint8_t zeros[16];
    size_t bytes = route->afi == SE_AFI_IPV4 ? 4 : 16;

    if (route->afi == SE_AFI_COMMON)
        return 0;
    route->next_hop = eigrp_addr(
        take(r, bytes == 4 ? "eigrp.ipv4.nexthop" : "eigrp.ipv6.nexthop"));
    if (memcmp(route->next_hop.ip, zeros, bytes) == 0)
        route->next_hop.family = 0;
    return bytes;
}

static size_t read_external(struct reading *r, struct se_external *external)
{
    external->origin_router_id = router_id(r, "eigrp.extdata.origrid");
    external->as_number = (uint32_t)number(r, "eigrp.extdata.as");
    external->tag = (uint32_t)number(r, "eigrp.extdata.tag");
    external->metric = (uint32_t)number(r, "eigrp.extdata.metric");
    external->protocol = (uint8_t)number(r, "eigrp.extdata.proto");
    external->flags = (uint8_t)(number(r, "eigrp.opaque.flag.ext") * SE_EXTERNAL_IS_EXTERNAL |
                                number(r, "eigrp.opaque.flag.cd") * SE_EXTERNAL_CANDIDATE_DEFAULT);
    return 20;
}

/* "00000001-0000-0002-0000-000300000004": 32 hex digits. */
static void read_instance(struct reading *r, uint32_t instance[4])
{
    const char *text = take(r, "eigrp.saf.guid");
    char digits[33] = "";
    size_t n = 0;
    size_t i;

    for (; *text != '\0' && n < 32; text++)
        if (*text != '-')
            digits[n++] = *text;
    for (i = 0; i < 4; i++)
        assert_int_equal(sscanf(digits + 8 * i, "%8x", &instance[i]), 1);
}

static size_t read_service(struct reading *r, struct se_service *s, size_t at)
{
    struct xmb_addr addr;
    size_t data_bytes;

    s->id.service = (uint16_t)number(r, "eigrp.saf.service");
    s->id.subservice = (uint16_t)number(r, "eigrp.saf.subservice");
    read_instance(r, s->id.instance);
    s->data_type = (uint16_t)number(r, "eigrp.saf.data.type");
    data_bytes = (size_t)number(r, "eigrp.saf.data.length");
    s->reach_afi = (uint16_t)number(r, "eigrp.saf.data.reachability.afi");
    s->port = (uint16_t)number(r, "eigrp.saf.data.reachability.port");
    s->protocol = (uint16_t)number(r, "eigrp.saf.data.reachability.protocol");
    if (s->reach_afi != 0) {
        addr = eigrp_addr(take(r, s->reach_afi == 1 ? "eigrp.saf.data.reachability.addr_ipv4"
                                                    : "eigrp.saf.data.reachability.addr_ipv6"));
        memcpy(s->address, addr.ip, sizeof(s->address));
    }
    s->sequence = (uint32_t)number(r, "eigrp.saf.data.sequence");
    s->data = xmb_str_n((const char *)r->v->octets + at + 50, data_bytes);
    return 50 + data_bytes;
}

static void read_services(struct reading *r, unsigned type, size_t at, size_t end)
{
    struct eigrp_model *m = r->m;
    struct se_route route;
    struct se_external external;

    memset(&route, 0, sizeof(route));
    memset(&external, 0, sizeof(external));
    route.kind = (uint8_t)(type & 15);
    route.form = type < 0x0100 ? SE_FORM_MULTITOPOLOGY : SE_FORM_MULTIPROTOCOL;
    route.topology_id = (uint16_t)number(r, "eigrp.tid");
    route.afi = (uint16_t)number(r, "eigrp.afi");
    route.router_id = router_id(r, "eigrp.routerid");
    at += route.form == SE_FORM_MULTITOPOLOGY ? read_classic(r, &route) : read_wide(r, &route, at);
    at += read_next_hop(r, &route);
    if (route.kind == SE_ROUTE_EXTERNAL)
        at += read_external(r, &external);
    while (at < end) {
        assert_true(m->service_count < MODEL_SERVICES_MAX);
        m->routes[m->service_count] = route;
        m->externals[m->service_count] = external;
        if (route.kind == SE_ROUTE_EXTERNAL)
            m->routes[m->service_count].metric.external = &m->externals[m->service_count];
        at += read_service(r, &m->services[m->service_count], at);
        m->service_count++;
    }
    assert_int_equal(at, end);
    m->service_tlv_count++;
}

static void read_tlv(struct reading *r)
{
    unsigned type = (unsigned)number(r, "eigrp.tlv_type");
    size_t at = r->at;

    r->at += (size_t)number(r, "eigrp.tlv.len");
    assert_true(r->m->tlv_count < MODEL_TLVS_MAX);
    r->m->tlv_types[r->m->tlv_count++] = type;
    if (type == SE_TLV_AUTHENTICATION) {
        read_auth(r, at);
    } else if (type == SE_TLV_PARAMETER) {
        read_parameter(r);
    } else if (type == SE_TLV_SOFTWARE_VERSION) {
        read_software(r);
    } else if (type == SE_TLV_SEQUENCE) {
        read_sequence(r);
    } else if (type == SE_TLV_NEXT_MULTICAST) {
        r->m->hello.next_multicast = (uint32_t)number(r, "eigrp.next_mcast_seq");
        r->m->hello.have |= SE_HAVE_NEXT_MULTICAST;
    } else if (type == SE_TLV_STUB) {
        r->m->hello.stub_flags = (uint16_t)number(r, "eigrp.stub_options");
        r->m->hello.have |= SE_HAVE_STUB;
    } else if (type == SE_TLV_PEER_TERMINATION) {
        read_termination(r, at);
    } else if (type == SE_TLV_MT_TOPOLOGY_LIST) {
        read_topologies(r);
    } else {
        read_services(r, type, at, r->at);
    }
}

void eigrp_model_make(const struct eigrp_vector *v, struct eigrp_model *m)
{
    struct reading r = {v, m, json_object(), SE_HEADER_BYTES};

    memset(m, 0, sizeof(*m));
    read_header(&r);
    while (peek(&r, "eigrp.tlv_type") != NULL)
        read_tlv(&r);
    assert_int_equal(r.at, v->bytes);
    json_decref(r.taken);
}
