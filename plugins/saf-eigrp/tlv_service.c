/* SPDX-License-Identifier: MIT */
/*
 * tlv_service.c - reads service TLVs: the multiprotocol form with its wide metric, and the
 * multi-topology form with a classic one.
 *
 *   0x06xx   topology, AFI, router id, wide metric, attributes, next hop, [exterior], blocks
 *   0x00Fx   reserved, topology, AFI, router id, tag, classic metric, next hop, [exterior], blocks
 *
 * A TLV is read as a whole before its first service is given out, so that nobody acts on half of
 * it. What holds is a *layout*; the tolerant reading tries the layouts that RFC 7868 draws and the
 * dissector does not know (D29).
 *
 * Topologies and families that are not ours pass: what is ours is not known here.
 */
#include "wire_priv.h"

/* Where the variable fields of a TLV are. */
struct layout {
    unsigned afi_first : 1;
    unsigned no_next_hop : 1;
};

static int is_multiprotocol(unsigned type)
{
    return type >= SE_TLV_MP_REQUEST && type <= SE_TLV_MP_EXTERNAL;
}

static int is_multitopology(unsigned type)
{
    return type >= SE_TLV_MT_REQUEST && type <= SE_TLV_MT_EXTERNAL;
}

static int is_generic(unsigned type)
{
    return (type >= SE_TLV_PARAMETER && type <= SE_TLV_TOPOLOGY_LIST) ||
           type == SE_TLV_MT_TOPOLOGY_LIST;
}

/* Up to the metric. Octets are there. Returns those behind which the metric follows. */
static size_t take_prefix(const uint8_t *p, unsigned type, struct layout layout,
                          struct se_route *route)
{
    route->kind = (uint8_t)(type & 0x0f);
    if (is_multitopology(type)) {
        route->form = SE_FORM_MULTITOPOLOGY;
        route->topology_id = get16(p + 2);
        route->afi = get16(p + 4);
        route->router_id = get32(p + 6);
        route->tag = get32(p + 10);
        return SE_MT_PREFIX_BYTES;
    }
    route->form = SE_FORM_MULTIPROTOCOL;
    route->topology_id = get16(p + (layout.afi_first ? 2 : 0));
    route->afi = get16(p + (layout.afi_first ? 0 : 2));
    route->router_id = get32(p + 4);
    return SE_MP_PREFIX_BYTES;
}

/* Metric and attributes at `*at`, which moves behind them. `bytes` is the value's length. */
static enum se_reason take_metric(const uint8_t *p, size_t bytes, size_t *at,
                                  struct se_route *route)
{
    struct se_classic classic;
    size_t attribute_bytes;

    if (route->form == SE_FORM_MULTITOPOLOGY) {
        se__classic_get(p + *at, &classic);
        se_metric_from_classic(&route->metric, &classic);
        route->classic_tag = classic.internal_tag;
        route->opaque_flags = classic.flags;
        *at += SE_CLASSIC_BYTES;
        return SE_REASON_NONE;
    }
    attribute_bytes = se__wide_get(p + *at, &route->metric, &route->opaque_flags);
    *at += SE_WIDE_BYTES;
    if (attribute_bytes > bytes - *at)
        return SE_SKIP_ATTRIBUTES;
    route->attributes = se__view(p + *at, attribute_bytes);
    *at += attribute_bytes;
    return se__attributes_take(route->attributes, route) ? SE_REASON_NONE : SE_SKIP_ATTRIBUTES;
}

static void take_next_hop(const uint8_t *p, size_t bytes, struct se_route *route)
{
    size_t i;

    for (i = 0; i < bytes && p[i] == 0; i++)
        ;
    if (i == bytes)
        return;
    route->next_hop.family = bytes == 4 ? 4 : 6;
    memcpy(route->next_hop.ip, p, bytes);
}

static size_t fixed_bytes(unsigned type)
{
    return is_multitopology(type) ? SE_MT_PREFIX_BYTES + SE_CLASSIC_BYTES
                                  : SE_MP_PREFIX_BYTES + SE_WIDE_BYTES;
}

/* Reads all of a TLV but its blocks into the walk; `*at` becomes where these begin. */
static enum se_reason take_route(struct se_services *walk, const struct se_tlv *tlv,
                                 struct layout layout, size_t *at)
{
    const uint8_t *p = se__octets(tlv->value);
    struct se_route *route = &walk->route;
    size_t bytes = tlv->value.n;
    size_t next_hop_bytes;
    enum se_reason why;

    memset(route, 0, sizeof(*route));
    if (bytes < fixed_bytes(tlv->type))
        return SE_SKIP_SHORT;
    *at = take_prefix(p, tlv->type, layout, route);
    if (!se__afi_known(route->afi))
        return SE_SKIP_AFI;
    why = take_metric(p, bytes, at, route);
    if (why != SE_REASON_NONE)
        return why;
    next_hop_bytes = layout.no_next_hop ? 0 : se__next_hop_bytes(route->afi);
    if (bytes - *at < next_hop_bytes)
        return SE_SKIP_SHORT;
    take_next_hop(p + *at, next_hop_bytes, route);
    *at += next_hop_bytes;
    if (route->kind == SE_ROUTE_EXTERNAL) {
        if (bytes - *at < SE_EXTERNAL_BYTES)
            return SE_SKIP_SHORT;
        se__external_get(p + *at, &walk->external);
        route->metric.external = &walk->external;
        *at += SE_EXTERNAL_BYTES;
    }
    return SE_REASON_NONE;
}

/* One layout to the last octet. */
static enum se_reason take_tlv(struct se_services *walk, const struct se_tlv *tlv,
                               struct layout layout)
{
    enum se_reason why;
    size_t at = 0;

    why = take_route(walk, tlv, layout, &at);
    if (why == SE_REASON_NONE)
        why = se__services_sound(se__octets(tlv->value) + at, tlv->value.n - at);
    if (why != SE_REASON_NONE)
        return why;
    walk->block_at = tlv->at + SE_TLV_HEAD_BYTES + at;
    walk->blocks_end = tlv->at + SE_TLV_HEAD_BYTES + tlv->value.n;
    return SE_REASON_NONE;
}

/* The reading that holds, or why the dissector's does not. */
static enum se_reason take_any(struct se_services *walk, const struct se_tlv *tlv)
{
    const uint8_t *p = se__octets(tlv->value);
    struct layout layout = {0, 0};
    enum se_reason why;

    if (!(walk->options & SE_TOLERANT) || !is_multiprotocol(tlv->type))
        return take_tlv(walk, tlv, layout);
    if (tlv->value.n >= 4 && se__afi_known(get16(p)) && get16(p + 2) == 0)
        layout.afi_first = 1;
    why = take_tlv(walk, tlv, layout);
    if (why != SE_REASON_NONE) {
        layout.no_next_hop = 1;
        if (take_tlv(walk, tlv, layout) != SE_REASON_NONE)
            return why;
        se_count(walk->counters, SE_TOLERATED_NO_NEXT_HOP);
    }
    if (layout.afi_first)
        se_count(walk->counters, SE_TOLERATED_AFI_FIRST);
    return SE_REASON_NONE;
}

/* 1 when the walk stands on a service TLV that holds, 0 at the end of the packet. */
static int next_tlv(struct se_services *walk)
{
    enum se_reason why;
    struct se_tlv tlv;

    while (se_tlv_next(walk->packet, &walk->cursor, &tlv, NULL) == 1) {
        if (is_generic(tlv.type))
            continue;
        if (is_multiprotocol(tlv.type) || is_multitopology(tlv.type))
            why = take_any(walk, &tlv);
        else
            why = tlv.type >> 8 == 5 ? SE_SKIP_TYPE_05 : SE_SKIP_TYPE;
        if (why == SE_REASON_NONE) {
            walk->tlv_count++;
            return 1;
        }
        se_count(walk->counters, why);
    }
    return 0;
}

void se_services_begin(struct se_services *walk, const struct se_packet *packet, unsigned options,
                       struct se_counters *counters)
{
    memset(walk, 0, sizeof(*walk));
    walk->packet = packet;
    walk->options = options;
    walk->counters = counters;
}

int se_services_next(struct se_services *walk, struct se_service *out)
{
    if (walk->block_at == walk->blocks_end && !next_tlv(walk))
        return 0;
    se__service_get(walk->packet->data + walk->block_at, out);
    walk->block_at += SE_SERVICE_BYTES + out->data.n;
    return 1;
}
