/* SPDX-License-Identifier: MIT */
/*
 * writer.c - a packet in the making: header, room for authentication, TLVs one after the other,
 * digest and checksum at the end.
 *
 * The writer never leaves the caller's buffer and never writes half a TLV: what does not fit
 * leaves the packet as it was, so that it can be finished and the rest go into the next one.
 */
#include "wire_priv.h"

void se_header_init(struct se_header *header, unsigned opcode, unsigned as_number)
{
    memset(header, 0, sizeof(*header));
    header->version = SE_VERSION;
    header->opcode = (uint8_t)opcode;
    header->vrid = SE_VRID_SERVICE;
    header->as_number = (uint16_t)as_number;
}

static void header_put(uint8_t *p, const struct se_header *h)
{
    p[0] = SE_VERSION;
    p[1] = h->opcode;
    put16(p + 2, 0);
    put32(p + 4, h->flags);
    put32(p + 8, h->sequence);
    put32(p + 12, h->acknowledge);
    put16(p + 16, h->vrid);
    put16(p + 18, h->as_number);
}

int se_write_begin(struct se_writer *w, void *buffer, size_t bytes_max,
                   const struct se_header *header, const struct se_signer *signer)
{
    struct se_signer none = {SE_AUTH_NONE, NULL};

    if (signer == NULL)
        signer = &none;
    if (!se__auth_usable(signer->mode, signer->key))
        return XMB_EINVAL;
    if (bytes_max > SE_PACKET_BYTES_MAX)
        bytes_max = SE_PACKET_BYTES_MAX;
    if (bytes_max < SE_HEADER_BYTES + se_auth_bytes(signer->mode))
        return XMB_ETOOBIG;
    w->buffer = buffer;
    w->bytes_max = bytes_max;
    w->used = SE_HEADER_BYTES + se_auth_bytes(signer->mode);
    w->tlv_at = 0;
    w->head_bytes = 0;
    w->signer = *signer;
    header_put(w->buffer, header);
    if (signer->mode != SE_AUTH_NONE)
        se__auth_put(w->buffer + SE_HEADER_BYTES, signer);
    return 0;
}

uint8_t *se__put_tlv(struct se_writer *w, unsigned type, size_t value_bytes)
{
    size_t bytes = SE_TLV_HEAD_BYTES + value_bytes;
    uint8_t *p = w->buffer + w->used;

    if (bytes > w->bytes_max - w->used)
        return NULL;
    put16(p, type);
    put16(p + 2, (unsigned)bytes);
    w->used += bytes;
    w->tlv_at = 0;
    return p + SE_TLV_HEAD_BYTES;
}

/* 1 when the digest can be computed: SHA-256 hashes the sender's address. */
static int source_fits(enum se_auth_mode mode, const struct xmb_addr *source)
{
    if (mode != SE_AUTH_SHA256)
        return 1;
    return source != NULL && (source->family == 4 || source->family == 6);
}

static void seal(uint8_t *packet, size_t bytes, const struct se_signer *signer,
                 const struct xmb_addr *source)
{
    put16(packet + 2, 0);
    if (signer->mode != SE_AUTH_NONE)
        se__auth_seal(packet, bytes, signer, source);
    put16(packet + 2, se_checksum(packet, bytes));
}

int se_write_finish(struct se_writer *w, const struct xmb_addr *source, size_t *bytes)
{
    if (!source_fits(w->signer.mode, source))
        return XMB_EINVAL;
    seal(w->buffer, w->used, &w->signer, source);
    *bytes = w->used;
    return 0;
}

int se_packet_reseal(void *packet, size_t bytes, uint32_t flags, uint32_t acknowledge,
                     const struct se_signer *signer, const struct xmb_addr *source)
{
    struct se_signer none = {SE_AUTH_NONE, NULL};
    struct se_packet view;
    struct se_auth auth;
    uint8_t *p = packet;

    if (signer == NULL)
        signer = &none;
    if (!se__auth_usable(signer->mode, signer->key) || !source_fits(signer->mode, source))
        return XMB_EINVAL;
    if (se_packet_open(packet, bytes, &view, NULL) != 0)
        return XMB_EINVAL;
    auth.mode = SE_AUTH_NONE;
    if (se_auth_read(&view, &auth, NULL) < 0 || auth.mode != signer->mode)
        return XMB_EINVAL;
    put32(p + 4, flags);
    put32(p + 12, acknowledge);
    if (signer->mode != SE_AUTH_NONE)
        se__auth_put(p + SE_HEADER_BYTES, signer);
    seal(p, bytes, signer, source);
    return 0;
}
