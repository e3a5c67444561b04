/* SPDX-License-Identifier: MIT */
/*
 * frame.c - where one message ends, and the bare walk over its attributes.
 *
 * The framing check decides between "close the connection" and everything milder, so it looks at
 * nothing but the first eight octets, and judges them as soon as they arrive: a stray HTTP client
 * is recognised by its first octet. What attributes mean is decode.c's business.
 */
#include "wire.h"
#include "xmcp.h"

/* The four octets of the cookie that are there already must be right. */
static int cookie_fits(const uint8_t *p, size_t bytes)
{
    uint8_t cookie[4];
    size_t i;

    if (bytes >= 8)
        return get32(p + 4) == XMCP_MAGIC_COOKIE;
    put32(cookie, XMCP_MAGIC_COOKIE);
    for (i = 4; i < bytes; i++) {
        if (p[i] != cookie[i - 4])
            return 0;
    }
    return 1;
}

static int type_fits(const uint8_t *p, size_t bytes)
{
    if (bytes >= 1 && (p[0] & 0xc0) != 0)
        return 0;
    return bytes < 2 || (get16(p) & XMCP_CLASS_MASK) != 0x0010;
}

int xmcp_frame_bytes(const void *data, size_t bytes, size_t *frame_bytes)
{
    const uint8_t *p = data;

    if (!type_fits(p, bytes) || !cookie_fits(p, bytes))
        return XMCP_EFRAME;
    if (bytes >= 4 && (p[3] & 3) != 0)
        return XMCP_EFRAME;
    if (bytes < XMCP_HEADER_BYTES)
        return XMCP_EAGAIN;
    *frame_bytes = XMCP_HEADER_BYTES + (size_t)get16(p + 2);
    return 0;
}

int xmcp_attribute_next(const void *data, size_t bytes, size_t *cursor,
                        struct xmcp_attribute *out)
{
    const uint8_t *p = data;
    size_t frame_bytes = 0;
    size_t at = *cursor == 0 ? XMCP_HEADER_BYTES : *cursor;
    size_t value_bytes;
    int rc;

    rc = xmcp_frame_bytes(data, bytes, &frame_bytes);
    if (rc != 0)
        return rc;
    if (frame_bytes > bytes)
        return XMCP_EAGAIN;
    if (at >= frame_bytes)
        return 0;
    if (frame_bytes - at < 4)
        return XMCP_EBADMSG;
    value_bytes = get16(p + at + 2);
    if (value_bytes > frame_bytes - at - 4)
        return XMCP_EBADMSG;
    out->type = get16(p + at);
    out->value.data = p + at + 4;
    out->value.bytes = value_bytes;
    out->offset = (uint32_t)at;
    *cursor = at + 4 + padded((uint32_t)value_bytes);
    return 1;
}

int xmcp_flag_find(struct xmcp_view flags, unsigned type, uint16_t *value)
{
    size_t at;

    for (at = 0; at + 4 <= flags.bytes; at += 4) {
        if (get16(flags.data + at) == type) {
            *value = get16(flags.data + at + 2);
            return 1;
        }
    }
    return 0;
}
