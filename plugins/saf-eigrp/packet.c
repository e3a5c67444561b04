/* SPDX-License-Identifier: MIT */
/*
 * packet.c - the header of a packet, its checksum, and the frames of its TLVs.
 *
 * This is the first code that a stranger's octets reach. One pass, no recursion, no allocation;
 * a TLV's head alone is four octets, so a walk over a packet has at most a quarter of its octets
 * as steps. Nothing behind se_packet_frame has to doubt a TLV's frame again.
 *
 * What is inside of the TLVs: tlv_param.c, tlv_auth.c, tlv_service.c.
 */
#include "wire_priv.h"

static uint16_t fold(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Ones' complement sum. A packet is at most 32768 words of 16 bits: 32 bits hold the sum. */
static uint16_t sum_of(const uint8_t *p, size_t bytes)
{
    uint32_t sum = 0;
    size_t i;

    for (i = 0; i + 1 < bytes; i += 2)
        sum += get16(p + i);
    if (i < bytes)
        sum += (uint32_t)p[i] << 8;
    return fold(sum);
}

uint16_t se_checksum(const void *data, size_t bytes)
{
    const uint8_t *p = data;

    return (uint16_t)~fold((uint32_t)get16(p) + sum_of(p + 4, bytes - 4));
}

static void header_get(const uint8_t *p, struct se_header *h)
{
    h->version = p[0];
    h->opcode = p[1];
    h->checksum = get16(p + 2);
    h->flags = get32(p + 4);
    h->sequence = get32(p + 8);
    h->acknowledge = get32(p + 12);
    h->vrid = get16(p + 16);
    h->as_number = get16(p + 18);
}

int se_packet_open(const void *data, size_t bytes, struct se_packet *out, enum se_reason *reason)
{
    const uint8_t *p = data;

    if (bytes < SE_HEADER_BYTES || bytes > SE_PACKET_BYTES_MAX)
        return se__fault(reason, SE_DROP_SHORT, XMB_EPROTO);
    if (p[0] != SE_VERSION)
        return se__fault(reason, SE_DROP_VERSION, XMB_EPROTO);
    if (sum_of(p, bytes) != 0xffff)
        return se__fault(reason, SE_DROP_CHECKSUM, XMB_EPROTO);
    header_get(p, &out->header);
    out->data = p;
    out->bytes = bytes;
    return 0;
}

int se_packet_admit(const struct se_packet *packet, unsigned as_number, enum se_reason *reason)
{
    if (packet->header.vrid != SE_VRID_SERVICE)
        return se__fault(reason, SE_DROP_VRID, XMB_EPROTO);
    if (packet->header.as_number != as_number)
        return se__fault(reason, SE_DROP_AS, XMB_EPROTO);
    return 0;
}

int se_tlv_next(const struct se_packet *packet, size_t *cursor, struct se_tlv *out,
                enum se_reason *reason)
{
    size_t at = *cursor != 0 ? *cursor : SE_HEADER_BYTES;
    size_t bytes;

    if (at >= packet->bytes)
        return 0;
    if (packet->bytes - at < SE_TLV_HEAD_BYTES)
        return se__fault(reason, SE_DROP_TLV_TRUNCATED, XMB_EPROTO);
    bytes = get16(packet->data + at + 2);
    if (bytes < SE_TLV_HEAD_BYTES)
        return se__fault(reason, SE_DROP_TLV_LENGTH, XMB_EPROTO);
    if (bytes > packet->bytes - at)
        return se__fault(reason, SE_DROP_TLV_TRUNCATED, XMB_EPROTO);
    out->type = get16(packet->data + at);
    out->at = (uint32_t)at;
    out->value = se__view(packet->data + at + SE_TLV_HEAD_BYTES, bytes - SE_TLV_HEAD_BYTES);
    *cursor = at + bytes;
    return 1;
}

static int opcode_used(unsigned opcode)
{
    return (opcode >= SE_UPDATE && opcode <= SE_HELLO) || opcode == SE_SIA_QUERY ||
           opcode == SE_SIA_REPLY;
}

int se_packet_frame(const struct se_packet *packet, enum se_reason *reason)
{
    struct se_auth auth;
    struct se_tlv tlv;
    size_t cursor = 0;
    int rc;

    if (se_auth_read(packet, &auth, reason) < 0)
        return XMB_EPROTO;
    while ((rc = se_tlv_next(packet, &cursor, &tlv, reason)) == 1) {
        if (tlv.type == SE_TLV_AUTHENTICATION && tlv.at != SE_HEADER_BYTES)
            return se__fault(reason, SE_DROP_AUTH_PLACE, XMB_EPROTO);
        if (!se__param_sound(&tlv, reason))
            return XMB_EPROTO;
    }
    if (rc < 0)
        return rc;
    if (!opcode_used(packet->header.opcode))
        return se__fault(reason, SE_DROP_OPCODE, XMB_EPROTO);
    return 0;
}
