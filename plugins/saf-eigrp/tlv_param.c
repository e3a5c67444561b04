/* SPDX-License-Identifier: MIT */
/*
 * tlv_param.c - the generic TLVs, of which hellos consist: parameters, software version, sequence
 * and next multicast sequence, stub, peer termination, topology list (RFC 7868, 6.7).
 *
 * Lists of addresses stay as they came and are walked when somebody asks: only a LAN with a
 * laggard ever has one. What values mean (K mismatch, hold time 0) is for the neighbour's state
 * machine.
 */
#include "wire_priv.h"

/* The lengths of values. The RFC draws four octets more for the version than anybody sends. */
static const struct {
    uint16_t type;
    uint16_t bytes_min;
    uint16_t bytes_max;
} lengths[] = {
    {SE_TLV_PARAMETER, 8, 8},      {SE_TLV_SOFTWARE_VERSION, 4, 8}, {SE_TLV_NEXT_MULTICAST, 4, 4},
    {SE_TLV_STUB, 2, 2},           {SE_TLV_TOPOLOGY_LIST, 4, 0xffff},
    {SE_TLV_MT_TOPOLOGY_LIST, 4, 0xffff},
};

static int is_list(unsigned type)
{
    return type == SE_TLV_SEQUENCE || type == SE_TLV_PEER_TERMINATION;
}

static int is_topologies(unsigned type)
{
    return type == SE_TLV_TOPOLOGY_LIST || type == SE_TLV_MT_TOPOLOGY_LIST;
}

int se_address_next(const struct se_addresses *list, size_t *cursor, struct xmb_addr *out)
{
    const uint8_t *p = se__octets(list->octets);
    size_t left = list->octets.n - *cursor;
    size_t bytes;

    if (left == 0)
        return 0;
    bytes = p[*cursor];
    if ((bytes != 4 && bytes != 16) || bytes > left - 1)
        return XMB_EPROTO;
    memset(out, 0, sizeof(*out));
    out->family = bytes == 4 ? 4 : 6;
    memcpy(out->ip, p + *cursor + 1, bytes);
    *cursor += 1 + bytes;
    return 1;
}

int se_address_listed(const struct se_addresses *list, const struct xmb_addr *addr)
{
    struct xmb_addr one;
    size_t cursor = 0;

    while (se_address_next(list, &cursor, &one) == 1)
        if (one.family == addr->family && memcmp(one.ip, addr->ip, sizeof(one.ip)) == 0)
            return 1;
    return 0;
}

static int list_sound(struct xmb_str value)
{
    struct se_addresses list = {value};
    struct xmb_addr one;
    size_t cursor = 0;
    int rc;

    do
        rc = se_address_next(&list, &cursor, &one);
    while (rc == 1);
    return rc == 0;
}

int se__param_sound(const struct se_tlv *tlv, enum se_reason *reason)
{
    size_t n = tlv->value.n;
    size_t i;

    if (is_list(tlv->type) && !list_sound(tlv->value))
        return se__fault(reason, SE_DROP_ADDRESS_LENGTH, 0);
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        if (tlv->type == lengths[i].type && (n < lengths[i].bytes_min || n > lengths[i].bytes_max))
            return se__fault(reason, SE_DROP_TLV_BODY, 0);
    if (is_topologies(tlv->type) &&
        (get16(se__octets(tlv->value) + 2) != n - 4 || (n - 4) % 2 != 0))
        return se__fault(reason, SE_DROP_TLV_BODY, 0);
    return 1;
}

static unsigned have_bit(unsigned type)
{
    switch (type) {
    case SE_TLV_PARAMETER:
        return SE_HAVE_PARAMETER;
    case SE_TLV_SOFTWARE_VERSION:
        return SE_HAVE_SOFTWARE;
    case SE_TLV_SEQUENCE:
        return SE_HAVE_SEQUENCE;
    case SE_TLV_NEXT_MULTICAST:
        return SE_HAVE_NEXT_MULTICAST;
    case SE_TLV_STUB:
        return SE_HAVE_STUB;
    case SE_TLV_PEER_TERMINATION:
        return SE_HAVE_TERMINATION;
    case SE_TLV_TOPOLOGY_LIST:
    case SE_TLV_MT_TOPOLOGY_LIST:
        return SE_HAVE_TOPOLOGIES;
    default:
        return 0;
    }
}

/* `bit` is new to `out`, and the body was found sound. */
static void take(struct se_hello *out, unsigned bit, struct xmb_str value)
{
    const uint8_t *p = se__octets(value);

    out->have |= bit;
    if (bit == SE_HAVE_PARAMETER) {
        memcpy(out->parameter.k.k, p, sizeof(out->parameter.k.k));
        out->parameter.hold_s = get16(p + 6);
    } else if (bit == SE_HAVE_SOFTWARE) {
        out->software.release_major = p[0];
        out->software.release_minor = p[1];
        out->software.tlv_major = p[2];
        out->software.tlv_minor = p[3];
    } else if (bit == SE_HAVE_SEQUENCE) {
        out->sequence.octets = value;
    } else if (bit == SE_HAVE_NEXT_MULTICAST) {
        out->next_multicast = get32(p);
    } else if (bit == SE_HAVE_STUB) {
        out->stub_flags = get16(p);
    } else if (bit == SE_HAVE_TERMINATION) {
        out->termination.octets = value;
    } else {
        out->topology_flags = get16(p);
        out->topologies = se__view(p + 4, value.n - 4);
    }
}

int se_hello_parse(const struct se_packet *packet, struct se_hello *out,
                   struct se_counters *counters)
{
    struct se_hello hello;
    struct se_tlv tlv;
    size_t cursor = 0;
    unsigned bit;
    int rc;

    memset(&hello, 0, sizeof(hello));
    while ((rc = se_tlv_next(packet, &cursor, &tlv, NULL)) == 1) {
        bit = have_bit(tlv.type);
        if (tlv.type == SE_TLV_AUTHENTICATION)
            continue;
        if (bit == 0)
            se_count(counters, tlv.type >> 8 == 5 ? SE_SKIP_TYPE_05 : SE_SKIP_TYPE);
        else if (hello.have & bit)
            se_count(counters, SE_SKIP_DUPLICATE);
        else if (!se__param_sound(&tlv, NULL))
            return XMB_EPROTO;
        else
            take(&hello, bit, tlv.value);
    }
    if (rc == 0)
        *out = hello;
    return rc;
}

int se_hello_is_goodbye(const struct se_hello *hello)
{
    const uint8_t *k = hello->parameter.k.k;

    return (hello->have & SE_HAVE_PARAMETER) && (k[0] & k[1] & k[2] & k[3] & k[4]) == 255;
}

int se_topology_listed(const struct se_hello *hello, unsigned id)
{
    size_t i;

    if (!(hello->have & SE_HAVE_TOPOLOGIES))
        return 1;
    for (i = 0; i + 2 <= hello->topologies.n; i += 2)
        if (get16(se__octets(hello->topologies) + i) == id)
            return 1;
    return 0;
}

int se_write_parameter(struct se_writer *w, const struct se_parameter *parameter)
{
    uint8_t *p = se__put_tlv(w, SE_TLV_PARAMETER, 8);

    if (p == NULL)
        return XMB_ETOOBIG;
    memcpy(p, parameter->k.k, sizeof(parameter->k.k));
    put16(p + 6, parameter->hold_s);
    return 0;
}

int se_write_goodbye(struct se_writer *w, unsigned k6, unsigned hold_s)
{
    struct se_parameter parameter;

    memset(&parameter.k, 255, sizeof(parameter.k));
    parameter.k.k[5] = (uint8_t)k6;
    parameter.hold_s = (uint16_t)hold_s;
    return se_write_parameter(w, &parameter);
}

int se_write_software(struct se_writer *w, const struct se_software *software)
{
    uint8_t *p = se__put_tlv(w, SE_TLV_SOFTWARE_VERSION, 4);

    if (p == NULL)
        return XMB_ETOOBIG;
    p[0] = software->release_major;
    p[1] = software->release_minor;
    p[2] = software->tlv_major;
    p[3] = software->tlv_minor;
    return 0;
}

int se_write_next_multicast(struct se_writer *w, uint32_t sequence)
{
    uint8_t *p = se__put_tlv(w, SE_TLV_NEXT_MULTICAST, 4);

    if (p == NULL)
        return XMB_ETOOBIG;
    put32(p, sequence);
    return 0;
}

int se_write_stub(struct se_writer *w, unsigned flags)
{
    uint8_t *p = se__put_tlv(w, SE_TLV_STUB, 2);

    if (p == NULL)
        return XMB_ETOOBIG;
    put16(p, flags);
    return 0;
}

static int write_addresses(struct se_writer *w, unsigned type, const struct xmb_addr *addrs,
                           size_t count)
{
    size_t bytes = 0;
    uint8_t *p;
    size_t i;

    if (count == 0)
        return XMB_EINVAL;
    for (i = 0; i < count; i++) {
        if (addrs[i].family != 4 && addrs[i].family != 6)
            return XMB_EINVAL;
        bytes += addrs[i].family == 4 ? 5 : 17;
    }
    p = se__put_tlv(w, type, bytes);
    if (p == NULL)
        return XMB_ETOOBIG;
    for (i = 0; i < count; i++) {
        *p = addrs[i].family == 4 ? 4 : 16;
        memcpy(p + 1, addrs[i].ip, *p);
        p += 1 + *p;
    }
    return 0;
}

int se_write_sequence(struct se_writer *w, const struct xmb_addr *addrs, size_t count)
{
    return write_addresses(w, SE_TLV_SEQUENCE, addrs, count);
}

int se_write_termination(struct se_writer *w, const struct xmb_addr *addrs, size_t count)
{
    return write_addresses(w, SE_TLV_PEER_TERMINATION, addrs, count);
}

int se_write_topologies(struct se_writer *w, const uint16_t *ids, size_t count)
{
    uint8_t *p;
    size_t i;

    if (count == 0)
        return XMB_EINVAL;
    p = se__put_tlv(w, SE_TLV_MT_TOPOLOGY_LIST, 4 + 2 * count);
    if (p == NULL)
        return XMB_ETOOBIG;
    put16(p, 0);
    put16(p + 2, (unsigned)(2 * count));
    for (i = 0; i < count; i++)
        put16(p + 4 + 2 * i, ids[i]);
    return 0;
}
