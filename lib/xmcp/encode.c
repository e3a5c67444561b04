/* SPDX-License-Identifier: MIT */
/*
 * encode.c - messages into a caller's buffer.
 *
 * The writer remembers its first failure and then does nothing, so that a caller writes a message
 * down as a list of attributes and looks at one result at the end. Values that our own decoder
 * would refuse are refused here too: what we send is always well formed.
 */
#include <string.h>

#include "wire.h"
#include "xmcp.h"

static void fail(struct xmcp_writer *w, int error)
{
    if (w->error == 0)
        w->error = error;
}

/* Room for an attribute: writes its header and padding. Returns where the value goes, or NULL. */
static uint8_t *reserve(struct xmcp_writer *w, unsigned type, size_t bytes)
{
    uint8_t *at;
    size_t whole;

    if (w->error != 0)
        return NULL;
    if (bytes > XMCP_BODY_BYTES_MAX - 4) {
        fail(w, XMCP_ENOSPC);
        return NULL;
    }
    whole = 4 + padded((uint32_t)bytes);
    if (whole > w->capacity_bytes - w->used_bytes) {
        fail(w, XMCP_ENOSPC);
        return NULL;
    }
    at = w->buffer + w->used_bytes;
    w->used_bytes += whole;
    if (bytes % 4 != 0)
        put32(at + whole - 4, 0); /* the value is written over what is not padding */
    put16(at, type);
    put16(at + 2, (unsigned)bytes);
    return at + 4;
}

void xmcp_write_begin_part(struct xmcp_writer *w, void *buffer, size_t capacity_bytes)
{
    w->buffer = buffer;
    w->capacity_bytes =
        capacity_bytes < XMCP_FRAME_BYTES_MAX ? capacity_bytes : XMCP_FRAME_BYTES_MAX;
    w->used_bytes = 0;
    w->error = buffer == NULL ? XMCP_EINVAL : 0;
}

void xmcp_write_begin(struct xmcp_writer *w, void *buffer, size_t capacity_bytes, unsigned method,
                      unsigned msg_class, const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    xmcp_write_begin_part(w, buffer, capacity_bytes);
    if ((method & ~(unsigned)XMCP_METHOD_MASK) || (msg_class & ~(unsigned)XMCP_CLASS_MASK))
        fail(w, XMCP_EINVAL);
    if (capacity_bytes < XMCP_HEADER_BYTES)
        fail(w, XMCP_ENOSPC);
    if (w->error != 0)
        return;
    put16(w->buffer, method | msg_class);
    put16(w->buffer + 2, 0);
    put32(w->buffer + 4, XMCP_MAGIC_COOKIE);
    memcpy(w->buffer + 8, transaction, XMCP_TRANSACTION_BYTES);
    w->used_bytes = XMCP_HEADER_BYTES;
}

void xmcp_put_bytes(struct xmcp_writer *w, unsigned type, const void *data, size_t bytes)
{
    uint8_t *at = reserve(w, type, bytes);

    if (at != NULL && bytes > 0)
        memcpy(at, data, bytes);
}

void xmcp_put_u32(struct xmcp_writer *w, unsigned type, uint32_t value)
{
    uint8_t *at = reserve(w, type, 4);

    if (at != NULL)
        put32(at, value);
}

void xmcp_put_text(struct xmcp_writer *w, unsigned type, const void *text, size_t bytes)
{
    if (bytes < 1 || bytes > XMCP_TEXT_BYTES_MAX || !xmcp_text_valid(text, bytes))
        fail(w, XMCP_EINVAL);
    else
        xmcp_put_bytes(w, type, text, bytes);
}

void xmcp_put_realm(struct xmcp_writer *w)
{
    xmcp_put_bytes(w, XMCP_ATTR_REALM, XMCP_REALM, sizeof(XMCP_REALM) - 1);
}

void xmcp_put_version(struct xmcp_writer *w, uint16_t major_number, uint16_t minor_number)
{
    xmcp_put_u32(w, XMCP_ATTR_PROTOCOL_VERSION, (uint32_t)major_number << 16 | minor_number);
}

void xmcp_put_identity(struct xmcp_writer *w, const struct xmcp_identity *id)
{
    uint8_t *at = reserve(w, XMCP_ATTR_SERVICE_IDENTITY, XMCP_IDENTITY_BYTES);

    if (at != NULL)
        xmcp_identity_pack(id, at);
}

void xmcp_put_transport(struct xmcp_writer *w, const struct xmcp_transport *transport)
{
    size_t address_bytes = transport->family == XMCP_FAMILY_IPV4 ? 4 : 16;
    uint8_t *at;

    if (transport->family != XMCP_FAMILY_IPV4 && transport->family != XMCP_FAMILY_IPV6) {
        fail(w, XMCP_EINVAL);
        return;
    }
    at = reserve(w, XMCP_ATTR_SERVICE_TRANSPORT, 4 + address_bytes);
    if (at == NULL)
        return;
    at[0] = 0;
    at[1] = transport->family;
    put16(at + 2, transport->port);
    memcpy(at + 4, transport->address, address_bytes);
}

void xmcp_put_protocol(struct xmcp_writer *w, uint8_t ip_protocol)
{
    xmcp_put_u32(w, XMCP_ATTR_SERVICE_PROTOCOL, ip_protocol);
}

void xmcp_put_flags(struct xmcp_writer *w, const struct xmcp_flag *flags, size_t flag_count)
{
    uint8_t *at;
    size_t i;

    if (flag_count > XMCP_BODY_BYTES_MAX / 4) {
        fail(w, XMCP_ENOSPC);
        return;
    }
    at = reserve(w, XMCP_ATTR_FLAGS, 4 * flag_count);
    for (i = 0; at != NULL && i < flag_count; i++) {
        put16(at + 4 * i, flags[i].type);
        put16(at + 4 * i + 2, flags[i].value);
    }
}

void xmcp_put_error(struct xmcp_writer *w, unsigned code, const char *reason)
{
    const char *text = reason != NULL ? reason : xmcp_code_name(code);
    size_t text_bytes = strlen(text);
    uint8_t *at;

    if (code < 300 || code > 699 || !xmcp_text_valid(text, text_bytes)) {
        fail(w, XMCP_EINVAL);
        return;
    }
    at = reserve(w, XMCP_ATTR_ERROR_CODE, 4 + text_bytes);
    if (at == NULL)
        return;
    put16(at, 0);
    at[2] = (uint8_t)(code / 100);
    at[3] = (uint8_t)(code % 100);
    memcpy(at + 4, text, text_bytes);
}

size_t xmcp_integrity_bytes(struct xmcp_form form)
{
    switch (form.digest) {
    case XMCP_DIGEST_SHA1:
        return 24;
    case XMCP_DIGEST_SHA256:
        return 36;
    default:
        return 0;
    }
}

int xmcp_write_finish_gather(struct xmcp_writer *w, const struct xmcp_mac *mac,
                             struct xmcp_form form, struct xmcp_view shared,
                             uint8_t tail[XMCP_INTEGRITY_BYTES_MAX], size_t *tail_bytes)
{
    size_t mac_bytes = xmcp_integrity_bytes(form);
    struct xmcp_view pieces[2];
    int rc;

    if (shared.bytes % 4 != 0 || w->used_bytes < XMCP_HEADER_BYTES || w->buffer == NULL)
        fail(w, XMCP_EINVAL);
    if (mac_bytes > 0 && mac == NULL)
        fail(w, XMCP_EINVAL);
    if (mac_bytes == 0 && form.digest != XMCP_DIGEST_NONE)
        fail(w, XMCP_EINVAL); /* an unknown digest must not leave unsigned */
    if (shared.bytes > XMCP_FRAME_BYTES_MAX - mac_bytes - w->used_bytes ||
        w->used_bytes > XMCP_FRAME_BYTES_MAX - mac_bytes)
        fail(w, XMCP_ENOSPC);
    if (w->error != 0)
        return w->error;
    put16(w->buffer + 2,
          (unsigned)(w->used_bytes - XMCP_HEADER_BYTES + shared.bytes + mac_bytes));
    if (mac_bytes > 0) {
        pieces[0].data = w->buffer;
        pieces[0].bytes = w->used_bytes;
        pieces[1] = shared;
        put16(tail, XMCP_ATTR_MESSAGE_INTEGRITY);
        put16(tail + 2, (unsigned)mac_bytes - 4);
        rc = xmcp_mac_sign(mac, form, pieces, 2, tail + 4);
        if (rc < 0)
            return w->error = rc;
    }
    *tail_bytes = mac_bytes;
    return 0;
}

int xmcp_write_finish(struct xmcp_writer *w, const struct xmcp_mac *mac, struct xmcp_form form,
                      size_t *frame_bytes)
{
    struct xmcp_view nothing = {NULL, 0};
    size_t tail_bytes = 0;
    int rc;

    if (w->error == 0 && xmcp_integrity_bytes(form) > w->capacity_bytes - w->used_bytes)
        fail(w, XMCP_ENOSPC);
    if (w->error != 0)
        return w->error;
    rc = xmcp_write_finish_gather(w, mac, form, nothing, w->buffer + w->used_bytes, &tail_bytes);
    if (rc != 0)
        return rc;
    w->used_bytes += tail_bytes;
    *frame_bytes = w->used_bytes;
    return 0;
}
