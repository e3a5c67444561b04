/* SPDX-License-Identifier: MIT */
/*
 * decode.c - octets to struct xmcp_msg.
 *
 * This is the first code that a stranger's octets reach, before any authentication. So: one pass,
 * no recursion, no allocation, at most 64 turns of the loop, none of which stands still (the header
 * of an attribute alone is four octets); a value is touched only after its length was held against
 * the message's end. Every rule about a known attribute is a row of one table and one small
 * function a kind of value.
 *
 * It does not know which attributes a method needs, nor keys: see mac.c for integrity.
 */
#include <string.h>

#include "wire.h"
#include "xmcp.h"

enum kind { TEXT, U32, VERSION, IDENTITY, TRANSPORT, PROTOCOL, FLAGS, BYTES, REALM, CODE, MAC };

/* What a known attribute may look like, and where it goes. */
struct rule {
    uint32_t have;
    uint16_t bytes_min;
    uint16_t bytes_max;
    uint16_t field; /* offset in struct xmcp_msg, for TEXT, U32 and BYTES */
    uint8_t kind;
};

#define AT(member) ((uint16_t)offsetof(struct xmcp_msg, member))
#define TEXT_MAX XMCP_TEXT_BYTES_MAX

/* Types 0x0000 to 0x0015: those that STUN has, too. */
static const struct rule stun_rules[] = {
    [XMCP_ATTR_USERNAME] = {XMCP_HAVE_USERNAME, 1, TEXT_MAX, AT(username), TEXT},
    [XMCP_ATTR_MESSAGE_INTEGRITY] = {XMCP_HAVE_INTEGRITY, 20, 32, 0, MAC},
    [XMCP_ATTR_ERROR_CODE] = {XMCP_HAVE_ERROR_CODE, 4, 65535, 0, CODE},
    [XMCP_ATTR_REALM] = {XMCP_HAVE_REALM, 5, 5, 0, REALM},
    [XMCP_ATTR_NONCE] = {XMCP_HAVE_NONCE, 1, TEXT_MAX, AT(nonce), TEXT},
};

/* Types 0x1000 to 0x1011: XMCP's own. Rows without a `have` bit are unknown. */
#define OWN(type) [(type) - 0x1000]
static const struct rule own_rules[] = {
    OWN(XMCP_ATTR_CLIENT_NAME) = {XMCP_HAVE_CLIENT_NAME, 1, TEXT_MAX, AT(client_name), TEXT},
    OWN(XMCP_ATTR_CLIENT_HANDLE) = {XMCP_HAVE_CLIENT_HANDLE, 4, 4, AT(client_handle), U32},
    OWN(XMCP_ATTR_PROTOCOL_VERSION) = {XMCP_HAVE_PROTOCOL_VERSION, 4, 4, 0, VERSION},
    OWN(XMCP_ATTR_PAGE_SIZE) = {XMCP_HAVE_PAGE_SIZE, 4, 4, AT(page_size), U32},
    OWN(XMCP_ATTR_CLIENT_LABEL) = {XMCP_HAVE_CLIENT_LABEL, 1, TEXT_MAX, AT(client_label), TEXT},
    OWN(XMCP_ATTR_KEEPALIVE) = {XMCP_HAVE_KEEPALIVE, 4, 4, AT(keepalive_ms), U32},
    OWN(XMCP_ATTR_SERVICE_IDENTITY) = {XMCP_HAVE_SERVICE_IDENTITY, 20, 20, 0, IDENTITY},
    OWN(XMCP_ATTR_SERVICE_TRANSPORT) = {XMCP_HAVE_SERVICE_TRANSPORT, 8, 20, 0, TRANSPORT},
    OWN(XMCP_ATTR_SERVICE_PROTOCOL) = {XMCP_HAVE_SERVICE_PROTOCOL, 4, 4, 0, PROTOCOL},
    OWN(XMCP_ATTR_FLAGS) = {XMCP_HAVE_FLAGS, 0, 65532, AT(flags), FLAGS},
    OWN(XMCP_ATTR_SERVICE_VERSION) = {XMCP_HAVE_SERVICE_VERSION, 4, 4, AT(service_version), U32},
    OWN(XMCP_ATTR_SERVICE_DATA) = {XMCP_HAVE_SERVICE_DATA, 0, 65535, AT(service_data), BYTES},
    OWN(XMCP_ATTR_SERVICE_METRICS) = {XMCP_HAVE_SERVICE_METRICS, XMCP_METRICS_BYTES,
                                      XMCP_METRICS_BYTES, AT(service_metrics), BYTES},
    OWN(XMCP_ATTR_SUBSCRIPTION_ID) = {XMCP_HAVE_SUBSCRIPTION_ID, 4, 4, AT(subscription_id), U32},
    OWN(XMCP_ATTR_REMOVED_REASON) = {XMCP_HAVE_REMOVED_REASON, 4, 4, AT(removed_reason), U32},
    OWN(XMCP_ATTR_DOMAIN) = {XMCP_HAVE_DOMAIN, 4, 4, AT(domain), U32},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* NULL for a type that we do not know. */
static const struct rule *rule_for(unsigned type)
{
    const struct rule *rule = NULL;

    if (type < COUNT(stun_rules))
        rule = &stun_rules[type];
    else if (type >= 0x1000 && type - 0x1000 < COUNT(own_rules))
        rule = &own_rules[type - 0x1000];
    return rule != NULL && rule->have != 0 ? rule : NULL;
}

static enum xmcp_fault_reason take_transport(struct xmcp_msg *m, struct xmcp_view v)
{
    size_t address_bytes;

    if (v.data[0] != 0)
        return XMCP_FAULT_RESERVED;
    if (v.data[1] == XMCP_FAMILY_IPV4)
        address_bytes = 4;
    else if (v.data[1] == XMCP_FAMILY_IPV6)
        address_bytes = 16;
    else
        return XMCP_FAULT_FAMILY;
    if (v.bytes != 4 + address_bytes)
        return XMCP_FAULT_FAMILY;
    m->transport.family = v.data[1];
    m->transport.port = get16(v.data + 2);
    memcpy(m->transport.address, v.data + 4, address_bytes);
    return XMCP_FAULT_NONE;
}

/*
 * STUN shape: 21 zero bits, 3 bits of hundreds, an octet of 0 to 99. Whatever does not fit that is
 * the plain 32-bit number that Cisco's 1.0 client writes (decision).
 */
static enum xmcp_fault_reason take_code(struct xmcp_msg *m, struct xmcp_view v)
{
    uint32_t word = get32(v.data);

    if ((word & ~0x7ffu) == 0 && (word & 0xff) <= 99)
        word = (word >> 8) * 100 + (word & 0xff);
    else if (word > 0xffff)
        return XMCP_FAULT_RESERVED;
    if (!xmcp_text_valid(v.data + 4, v.bytes - 4))
        return XMCP_FAULT_TEXT;
    m->error_code = (uint16_t)word;
    m->error_reason.data = v.data + 4;
    m->error_reason.bytes = v.bytes - 4;
    return XMCP_FAULT_NONE;
}

static enum xmcp_fault_reason take_integrity(struct xmcp_msg *m, struct xmcp_view v,
                                             uint32_t offset)
{
    if (v.bytes != 20 && v.bytes != 32)
        return XMCP_FAULT_LENGTH;
    m->integrity = v;
    m->integrity_offset = offset;
    return XMCP_FAULT_NONE;
}

static enum xmcp_fault_reason take_protocol(struct xmcp_msg *m, struct xmcp_view v)
{
    if (get32(v.data) > 255)
        return XMCP_FAULT_RESERVED;
    m->service_protocol = v.data[3];
    return XMCP_FAULT_NONE;
}

static void set_view(struct xmcp_msg *m, const struct rule *rule, struct xmcp_view v)
{
    memcpy((char *)m + rule->field, &v, sizeof(v));
}

static void set_u32(struct xmcp_msg *m, const struct rule *rule, struct xmcp_view v)
{
    uint32_t value = get32(v.data);

    memcpy((char *)m + rule->field, &value, sizeof(value));
}

/* Stores a value whose length is within the rule's bounds. */
static enum xmcp_fault_reason take(struct xmcp_msg *m, const struct rule *rule,
                                   const struct xmcp_attribute *a)
{
    struct xmcp_view v = a->value;

    switch ((enum kind)rule->kind) {
    case TEXT:
        set_view(m, rule, v);
        return xmcp_text_valid(v.data, v.bytes) ? XMCP_FAULT_NONE : XMCP_FAULT_TEXT;
    case BYTES:
        set_view(m, rule, v);
        return XMCP_FAULT_NONE;
    case FLAGS:
        set_view(m, rule, v);
        return v.bytes % 4 == 0 ? XMCP_FAULT_NONE : XMCP_FAULT_LENGTH;
    case U32:
        set_u32(m, rule, v);
        return XMCP_FAULT_NONE;
    case VERSION:
        m->version_major = get16(v.data);
        m->version_minor = get16(v.data + 2);
        return XMCP_FAULT_NONE;
    case IDENTITY:
        xmcp_identity_unpack(v.data, &m->identity);
        return XMCP_FAULT_NONE;
    case REALM:
        return memcmp(v.data, XMCP_REALM, 5) == 0 ? XMCP_FAULT_NONE : XMCP_FAULT_REALM;
    case TRANSPORT:
        return take_transport(m, v);
    case PROTOCOL:
        return take_protocol(m, v);
    case CODE:
        return take_code(m, v);
    case MAC:
        return take_integrity(m, v, a->offset);
    }
    return XMCP_FAULT_NONE;
}

/* One attribute whose octets are all there. */
static enum xmcp_fault_reason accept_attribute(struct xmcp_msg *m, const struct xmcp_attribute *a)
{
    const struct rule *rule = rule_for(a->type);
    enum xmcp_fault_reason reason;

    if (m->have & XMCP_HAVE_INTEGRITY)
        return XMCP_FAULT_AFTER_INTEGRITY;
    if (rule == NULL) {
        m->unknown_count++;
        return XMCP_FAULT_NONE;
    }
    if (m->have & rule->have)
        return XMCP_FAULT_REPEATED;
    if (a->value.bytes < rule->bytes_min || a->value.bytes > rule->bytes_max)
        return rule->kind == REALM ? XMCP_FAULT_REALM : XMCP_FAULT_LENGTH;
    reason = take(m, rule, a);
    if (reason == XMCP_FAULT_NONE)
        m->have |= rule->have;
    return reason;
}

static int refuse(struct xmcp_msg *m, enum xmcp_fault_reason reason, unsigned type,
                  uint32_t offset)
{
    m->fault.reason = reason;
    m->fault.attribute = (uint16_t)type;
    m->fault.offset = offset;
    return XMCP_EBADMSG;
}

/* The frame is whole and its length a multiple of 4, so an attribute header is always whole. */
static int decode_attributes(const uint8_t *p, struct xmcp_msg *m)
{
    uint32_t at = XMCP_HEADER_BYTES;
    struct xmcp_attribute a;
    enum xmcp_fault_reason reason;

    while (at < m->frame_bytes) {
        a.type = get16(p + at);
        a.value.bytes = get16(p + at + 2);
        a.value.data = p + at + 4;
        a.offset = at;
        if (m->attribute_count == XMCP_ATTRIBUTE_COUNT_MAX)
            return refuse(m, XMCP_FAULT_TOO_MANY, a.type, at);
        if (a.value.bytes > m->frame_bytes - at - 4)
            return refuse(m, XMCP_FAULT_OVERRUN, a.type, at);
        m->attribute_count++;
        reason = accept_attribute(m, &a);
        if (reason != XMCP_FAULT_NONE)
            return refuse(m, reason, a.type, at);
        at += 4 + padded((uint32_t)a.value.bytes);
    }
    return 0;
}

int xmcp_decode(const void *data, size_t bytes, struct xmcp_msg *out)
{
    const uint8_t *p = data;
    size_t frame_bytes = 0;
    int rc;

    rc = xmcp_frame_bytes(data, bytes, &frame_bytes);
    if (rc != 0)
        return rc;
    if (frame_bytes > bytes)
        return XMCP_EAGAIN;
    memset(out, 0, sizeof(*out));
    out->type = get16(p);
    out->method = out->type & XMCP_METHOD_MASK;
    out->msg_class = out->type & XMCP_CLASS_MASK;
    memcpy(out->transaction, p + 8, XMCP_TRANSACTION_BYTES);
    out->frame_bytes = (uint32_t)frame_bytes;
    return decode_attributes(p, out);
}
