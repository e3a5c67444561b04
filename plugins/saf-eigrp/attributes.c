/* SPDX-License-Identifier: MIT */
/*
 * attributes.c - extended attributes behind a wide metric (RFC 7868, 6.9.3): opcode, number of
 * 16-bit words, data.
 *
 * A forwarder carries the whole section on unchanged, what it does not know included. Of what it
 * knows, the tag is for filters, and jitter and energy are what K6 weighs. Communities are never
 * made here: the dissector reads them wrongly without saying so (D05).
 */
#include "wire_priv.h"

#define DATA_BYTES_MAX 508 /* 254 words, and the head is one more of the section's 255 */

int se_attribute_next(struct xmb_str attributes, size_t *cursor, struct se_attribute *out)
{
    const uint8_t *p = se__octets(attributes);
    size_t left = attributes.n - *cursor;
    size_t bytes;

    if (left == 0)
        return 0;
    if (left < 2)
        return XMB_EPROTO;
    bytes = 2 * (size_t)p[*cursor + 1];
    if (bytes > left - 2)
        return XMB_EPROTO;
    out->opcode = p[*cursor];
    out->data = se__view(p + *cursor + 2, bytes);
    *cursor += 2 + bytes;
    return 1;
}

static uint32_t add_capped(uint32_t a, uint64_t b)
{
    return b < UINT32_MAX - a ? a + (uint32_t)b : UINT32_MAX;
}

/* An attribute with another length than its own is carried and otherwise not looked at. */
static void take_one(const struct se_attribute *a, struct se_route *route)
{
    const uint8_t *p = se__octets(a->data);

    if (a->opcode == SE_ATTR_TAG && a->data.n == 4)
        route->tag = get32(p);
    else if (a->opcode == SE_ATTR_JITTER && a->data.n == 6)
        route->metric.extended = add_capped(route->metric.extended, get48(p));
    else if (a->opcode == SE_ATTR_ENERGY && a->data.n == 4)
        route->metric.extended = add_capped(route->metric.extended, get32(p));
}

int se__attributes_take(struct xmb_str attributes, struct se_route *route)
{
    struct se_attribute a;
    size_t cursor = 0;
    int rc;

    while ((rc = se_attribute_next(attributes, &cursor, &a)) == 1)
        take_one(&a, route);
    return rc == 0;
}

int se_attribute_put(void *buffer, size_t bytes_max, size_t *used, unsigned opcode,
                     struct xmb_str data)
{
    uint8_t *p = (uint8_t *)buffer + *used;

    if (data.n % 2 != 0 || data.n > DATA_BYTES_MAX || opcode > 255)
        return XMB_EINVAL;
    if (bytes_max > SE_ATTRIBUTES_BYTES_MAX)
        bytes_max = SE_ATTRIBUTES_BYTES_MAX;
    if (*used > bytes_max || 2 + data.n > bytes_max - *used)
        return XMB_ETOOBIG;
    p[0] = (uint8_t)opcode;
    p[1] = (uint8_t)(data.n / 2);
    if (data.n != 0)
        memcpy(p + 2, data.p, data.n);
    *used += 2 + data.n;
    return 0;
}

int se_attribute_put_tag(void *buffer, size_t bytes_max, size_t *used, uint32_t tag)
{
    uint8_t octets[4];

    put32(octets, tag);
    return se_attribute_put(buffer, bytes_max, used, SE_ATTR_TAG, se__view(octets, 4));
}

int se_attribute_align(void *buffer, size_t bytes_max, size_t *used)
{
    if (*used % 4 == 0)
        return 0;
    return se_attribute_put(buffer, bytes_max, used, SE_ATTR_NOOP, se__view(NULL, 0));
}
