/* SPDX-License-Identifier: MIT */
/*
 * text.c - names and one-line texts for logs, tables and metrics.
 *
 * Nothing of a service's data and nothing of a key ever becomes text here.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "wire_priv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const reason_names[SE_REASON_COUNT] = {
    [SE_REASON_NONE] = "none",
    [SE_DROP_SHORT] = "short-packet",
    [SE_DROP_VERSION] = "version",
    [SE_DROP_CHECKSUM] = "bad-checksum",
    [SE_DROP_VRID] = "other-vrid",
    [SE_DROP_AS] = "other-as",
    [SE_DROP_OWN] = "own-packet",
    [SE_DROP_OFF_LINK] = "off-link",
    [SE_DROP_TTL] = "ttl",
    [SE_DROP_AUTH_MISSING] = "auth-missing",
    [SE_DROP_AUTH_UNEXPECTED] = "auth-unexpected",
    [SE_DROP_AUTH_TYPE] = "auth-type",
    [SE_DROP_AUTH_LENGTH] = "auth-length",
    [SE_DROP_AUTH_PLACE] = "auth-place",
    [SE_DROP_AUTH_KEY] = "auth-key",
    [SE_DROP_AUTH_DIGEST] = "auth-digest",
    [SE_DROP_AUTH_REPLAY] = "auth-replay",
    [SE_DROP_TLV_LENGTH] = "tlv-length",
    [SE_DROP_TLV_TRUNCATED] = "tlv-truncated",
    [SE_DROP_TLV_BODY] = "tlv-body",
    [SE_DROP_ADDRESS_LENGTH] = "address-length",
    [SE_DROP_OPCODE] = "opcode",
    [SE_DROP_NO_PARAMETER] = "no-parameter",
    [SE_DROP_K_VALUES] = "k-values",
    [SE_DROP_HOLD] = "hold-time",
    [SE_DROP_DENIED] = "denied",
    [SE_DROP_LIMIT] = "neighbour-limit",
    [SE_DROP_UNKNOWN_NEIGHBOUR] = "unknown-neighbour",
    [SE_DROP_STATE] = "state",
    [SE_DROP_OUT_OF_ORDER] = "out-of-order",
    [SE_DROP_DUPLICATE] = "duplicate",
    [SE_DROP_NOT_CR] = "not-conditional-receive",
    [SE_SKIP_TYPE] = "tlv-type-unknown",
    [SE_SKIP_TYPE_05] = "tlv-type-05",
    [SE_SKIP_DUPLICATE] = "tlv-duplicate",
    [SE_SKIP_AFI] = "afi-unknown",
    [SE_SKIP_SHORT] = "service-short",
    [SE_SKIP_ATTRIBUTES] = "attributes",
    [SE_SKIP_DATA_OVERRUN] = "data-overrun",
    [SE_SKIP_PADDING] = "tlv-padding",
    [SE_SKIP_TOPOLOGY] = "other-topology",
    [SE_SKIP_FAMILY] = "other-family",
    [SE_SKIP_FILTER] = "filtered",
    [SE_TOLERATED_AFI_FIRST] = "tolerated-afi-first",
    [SE_TOLERATED_NO_NEXT_HOP] = "tolerated-no-next-hop",
};

static const char *const opcode_names[] = {
    [SE_UPDATE] = "update",       [SE_REQUEST] = "request",     [SE_QUERY] = "query",
    [SE_REPLY] = "reply",         [SE_HELLO] = "hello",         [SE_SIA_QUERY] = "sia-query",
    [SE_SIA_REPLY] = "sia-reply",
};

static const char *const protocol_names[] = {
    [SE_EXTERNAL_IGRP] = "igrp", [SE_EXTERNAL_EIGRP] = "eigrp",
    [SE_EXTERNAL_STATIC] = "static", [SE_EXTERNAL_RIP] = "rip",
    [SE_EXTERNAL_HELLO] = "hello", [SE_EXTERNAL_OSPF] = "ospf",
    [SE_EXTERNAL_ISIS] = "is-is", [SE_EXTERNAL_EGP] = "egp",
    [SE_EXTERNAL_BGP] = "bgp", [SE_EXTERNAL_IDRP] = "idrp",
    [SE_EXTERNAL_CONNECTED] = "connected",
};

static const char *const kind_names[] = {
    [SE_ROUTE_REQUEST] = "request",
    [SE_ROUTE_INTERNAL] = "internal",
    [SE_ROUTE_EXTERNAL] = "external",
};

static const char *const auth_names[] = {
    [SE_AUTH_NONE] = "none",
    [SE_AUTH_MD5] = "md5",
    [SE_AUTH_SHA256] = "hmac-sha-256",
};

static const char *const afi_names[] = {"common", "ipv4", "ipv6"};
static const char *const flag_names[] = {"init", "cr", "rs", "eot"};

static const char *name_of(const char *const *names, size_t count, size_t index)
{
    return index < count && names[index] != NULL ? names[index] : "unknown";
}

const char *se_reason_name(enum se_reason reason)
{
    return name_of(reason_names, COUNT(reason_names), (size_t)reason);
}

const char *se_opcode_name(unsigned opcode)
{
    return name_of(opcode_names, COUNT(opcode_names), opcode);
}

const char *se_auth_mode_name(unsigned mode)
{
    return name_of(auth_names, COUNT(auth_names), mode);
}

const char *se_route_kind_name(unsigned kind)
{
    return name_of(kind_names, COUNT(kind_names), kind);
}

const char *se_external_protocol_name(unsigned protocol)
{
    return name_of(protocol_names, COUNT(protocol_names), protocol);
}

const char *se_afi_name(unsigned afi)
{
    return name_of(afi_names, COUNT(afi_names), (size_t)afi - SE_AFI_COMMON);
}

char *se_service_text(const struct xmb_service_id *id, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%u:%u:%08" PRIx32 ".%08" PRIx32 ".%08" PRIx32 ".%08" PRIx32, id->service,
             id->subservice, id->instance[0], id->instance[1], id->instance[2], id->instance[3]);
    return out;
}

char *se_router_id_text(uint32_t router_id, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%u.%u.%u.%u", (unsigned)(router_id >> 24),
             (unsigned)(router_id >> 16) & 255, (unsigned)(router_id >> 8) & 255,
             (unsigned)router_id & 255);
    return out;
}

char *se_addr_text(const struct xmb_addr *addr, char *out, size_t out_bytes)
{
    char text[INET6_ADDRSTRLEN] = "none";

    if (addr->family == 4)
        inet_ntop(AF_INET, addr->ip, text, sizeof(text));
    else if (addr->family == 6)
        inet_ntop(AF_INET6, addr->ip, text, sizeof(text));
    snprintf(out, out_bytes, "%s", text);
    return out;
}

char *se_flags_text(uint32_t flags, char *out, size_t out_bytes)
{
    char text[SE_FLAGS_TEXT_MAX] = "";
    size_t at = 0;
    size_t i;

    for (i = 0; i < COUNT(flag_names); i++)
        if (flags & UINT32_C(1) << i)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at != 0 ? "," : "",
                                   flag_names[i]);
    if (flags >> COUNT(flag_names) != 0)
        snprintf(text + at, sizeof(text) - at, "%s0x%" PRIx32, at != 0 ? "," : "",
                 flags & ~UINT32_C(15));
    snprintf(out, out_bytes, "%s", text[0] != '\0' ? text : "-");
    return out;
}

char *se_packet_text(const struct se_packet *packet, char *out, size_t out_bytes)
{
    const struct se_header *h = &packet->header;
    char flags[SE_FLAGS_TEXT_MAX];

    snprintf(out, out_bytes, "%s seq %" PRIu32 " ack %" PRIu32 " flags %s, %zu octets",
             se_opcode_name(h->opcode), h->sequence, h->acknowledge,
             se_flags_text(h->flags, flags, sizeof(flags)), packet->bytes);
    return out;
}
