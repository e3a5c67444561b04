/* SPDX-License-Identifier: MIT */
/*
 * service_write.c - writes service TLVs, and packs services that share a route into one.
 *
 * Whether two routes are the same is asked of their octets: the head of a TLV is built aside, and
 * when the TLV that was written last begins with just these, only the block is added to it.
 */
#include "wire_priv.h"

#define BITS_24 UINT32_C(0xffffff)

int se__afi_known(unsigned afi)
{
    return afi >= SE_AFI_COMMON && afi <= SE_AFI_IPV6;
}

size_t se__next_hop_bytes(unsigned afi)
{
    if (afi == SE_AFI_IPV4)
        return 4;
    return afi == SE_AFI_IPV6 ? 16 : 0;
}

static unsigned type_of(const struct se_route *route)
{
    return (route->form == SE_FORM_MULTITOPOLOGY ? SE_TLV_MT_REQUEST : SE_TLV_MP_REQUEST) +
           route->kind - SE_ROUTE_REQUEST;
}

static int attributes_sound(struct xmb_str attributes)
{
    struct se_attribute a;
    size_t cursor = 0;
    int rc;

    if (attributes.n % 2 != 0 || attributes.n > SE_ATTRIBUTES_BYTES_MAX)
        return 0;
    do
        rc = se_attribute_next(attributes, &cursor, &a);
    while (rc == 1);
    return rc == 0;
}

static int metric_sound(const struct se_metric *m)
{
    return m->delay_ps <= SE_DELAY_UNREACHABLE && m->bandwidth_kbps <= SE_BANDWIDTH_UNREACHABLE &&
           m->mtu_bytes <= BITS_24;
}

/* 1 when the fields go together; see struct se_route. */
static int route_sound(const struct se_route *route)
{
    unsigned hop_family = route->next_hop.family;

    if (route->kind < SE_ROUTE_REQUEST || route->kind > SE_ROUTE_EXTERNAL)
        return 0;
    if ((route->kind == SE_ROUTE_EXTERNAL) != (route->metric.external != NULL))
        return 0;
    if (!se__afi_known(route->afi) || !metric_sound(&route->metric))
        return 0;
    if (hop_family != 0 && se__next_hop_bytes(route->afi) != (hop_family == 4 ? 4 : 16))
        return 0;
    if (route->form == SE_FORM_MULTITOPOLOGY)
        return route->attributes.n == 0;
    return route->form == SE_FORM_MULTIPROTOCOL && attributes_sound(route->attributes);
}

size_t se_route_bytes(const struct se_route *route)
{
    size_t bytes = SE_TLV_HEAD_BYTES + se__next_hop_bytes(route->afi);

    if (route->form == SE_FORM_MULTITOPOLOGY)
        bytes += SE_MT_PREFIX_BYTES + SE_CLASSIC_BYTES;
    else
        bytes += SE_MP_PREFIX_BYTES + SE_WIDE_BYTES + route->attributes.n;
    return bytes + (route->kind == SE_ROUTE_EXTERNAL ? SE_EXTERNAL_BYTES : 0);
}

size_t se_service_data_max(size_t packet_bytes, enum se_auth_mode mode,
                           const struct se_route *route)
{
    size_t taken = SE_HEADER_BYTES + se_auth_bytes(mode) + se_route_bytes(route) + SE_SERVICE_BYTES;

    if (packet_bytes > SE_PACKET_BYTES_MAX)
        packet_bytes = SE_PACKET_BYTES_MAX;
    return packet_bytes > taken ? packet_bytes - taken : 0;
}

static uint8_t *put_multitopology(uint8_t *p, const struct se_route *route)
{
    struct se_classic classic;

    put16(p, 0);
    put16(p + 2, route->topology_id);
    put16(p + 4, route->afi);
    put32(p + 6, route->router_id);
    put32(p + 10, route->tag);
    se_metric_to_classic(&classic, &route->metric);
    classic.internal_tag = route->classic_tag;
    classic.flags = route->opaque_flags;
    se__classic_put(p + SE_MT_PREFIX_BYTES, &classic);
    return p + SE_MT_PREFIX_BYTES + SE_CLASSIC_BYTES;
}

static uint8_t *put_multiprotocol(uint8_t *p, const struct se_route *route)
{
    put16(p, route->topology_id);
    put16(p + 2, route->afi);
    put32(p + 4, route->router_id);
    se__wide_put(p + SE_MP_PREFIX_BYTES, &route->metric, route->attributes.n,
                 route->opaque_flags);
    p += SE_MP_PREFIX_BYTES + SE_WIDE_BYTES;
    if (route->attributes.n != 0)
        memcpy(p, route->attributes.p, route->attributes.n);
    return p + route->attributes.n;
}

/* All of the TLV before its first block, with a length of 0. Returns its octets. */
static size_t put_route(uint8_t out[SE_SERVICE_TLV_HEAD_BYTES_MAX], const struct se_route *route)
{
    uint8_t *p = out + SE_TLV_HEAD_BYTES;
    size_t next_hop_bytes = se__next_hop_bytes(route->afi);

    put16(out, type_of(route));
    put16(out + 2, 0);
    if (route->form == SE_FORM_MULTITOPOLOGY)
        p = put_multitopology(p, route);
    else
        p = put_multiprotocol(p, route);
    memset(p, 0, next_hop_bytes);
    if (route->next_hop.family != 0)
        memcpy(p, route->next_hop.ip, next_hop_bytes);
    p += next_hop_bytes;
    if (route->kind == SE_ROUTE_EXTERNAL) {
        se__external_put(p, route->metric.external);
        p += SE_EXTERNAL_BYTES;
    }
    return (size_t)(p - out);
}

/*
 * 1 when the TLV that was written last is of this route. That its length would no longer fit its
 * field need not be asked: a packet is not longer than that.
 */
static int joins(const struct se_writer *w, const uint8_t *head, size_t head_bytes)
{
    const uint8_t *tlv = w->buffer + w->tlv_at;

    return w->tlv_at != 0 && w->head_bytes == head_bytes && memcmp(tlv, head, 2) == 0 &&
           memcmp(tlv + SE_TLV_HEAD_BYTES, head + SE_TLV_HEAD_BYTES,
                  head_bytes - SE_TLV_HEAD_BYTES) == 0;
}

int se_write_service(struct se_writer *w, const struct se_route *route,
                     const struct se_service *service)
{
    uint8_t head[SE_SERVICE_TLV_HEAD_BYTES_MAX];
    size_t bytes = SE_SERVICE_BYTES + service->data.n;
    size_t head_bytes;

    if (!route_sound(route))
        return XMB_EINVAL;
    if (service->data.n > w->bytes_max)
        return XMB_ETOOBIG;
    head_bytes = put_route(head, route);
    if (joins(w, head, head_bytes)) {
        if (bytes > w->bytes_max - w->used)
            return XMB_ETOOBIG;
    } else {
        if (head_bytes + bytes > w->bytes_max - w->used)
            return XMB_ETOOBIG;
        w->tlv_at = w->used;
        w->head_bytes = head_bytes;
        memcpy(w->buffer + w->used, head, head_bytes);
        w->used += head_bytes;
    }
    se__service_put(w->buffer + w->used, service);
    w->used += bytes;
    put16(w->buffer + w->tlv_at + 2, (unsigned)(w->used - w->tlv_at));
    return 0;
}
