/* SPDX-License-Identifier: MIT */
/*
 * rtp_receive.c - sequence numbers and acks that come in.
 *
 * The numbers of one sender rise, but with gaps: they are common to all its neighbours. So a number
 * says nothing about what is missing; that nothing is comes from the sender's window of one, and
 * from CR mode where a multicast goes past the window of a laggard. Only later numbers are taken.
 */
#include "rtp_priv.h"

void se_rtp_acked(struct se_rtp *r, struct se_rtp_peer *p, uint32_t sequence)
{
    struct se_rtp_packet *packet = p->out;
    int is_init;

    if (packet == NULL || packet->sequence != sequence)
        return;
    if (!p->is_resent)
        se_rtp__measure(p, r->now.ms - p->out_since_ms);
    is_init = !p->is_up && (packet->flags & SE_FLAG_INIT) != 0;
    se_rtp__out_done(r, p);
    se_rtp__ready(p);
    if (is_init)
        r->ops->init_acked(r->arg, p);
}

enum se_rtp_verdict se_rtp_judge(const struct se_rtp_peer *p, const struct se_header *header)
{
    uint32_t sequence = header->sequence;

    if (p->has_last_in && sequence == p->last_in)
        return SE_RTP_DUPLICATE;
    if (p->has_last_in && !se_rtp_later(sequence, p->last_in))
        return SE_RTP_OLD;
    if ((header->flags & SE_FLAG_CR) == 0)
        return SE_RTP_NEW;
    if (!p->is_cr || (p->cr_next != 0 && p->cr_next != sequence))
        return SE_RTP_NOT_CR;
    return SE_RTP_NEW;
}

void se_rtp_accept(struct se_rtp *r, struct se_rtp_peer *p, const struct se_header *header)
{
    (void)r;
    p->has_last_in = 1;
    p->last_in = header->sequence;
    p->ack_due = header->sequence;
    if (header->flags & SE_FLAG_CR)
        p->is_cr = 0;
}

void se_rtp_ack_again(struct se_rtp_peer *p)
{
    p->ack_due = p->last_in;
}

void se_rtp_hello(struct se_rtp_peer *p, const struct se_hello *hello)
{
    p->is_cr = 0;
    p->cr_next = 0;
    if (!(hello->have & SE_HAVE_SEQUENCE) ||
        se_address_listed(&hello->sequence, &p->link->source))
        return;
    p->is_cr = 1;
    if (hello->have & SE_HAVE_NEXT_MULTICAST)
        p->cr_next = hello->next_multicast;
}

/* A hello without TLVs, but for authentication. */
static int ack_write(struct se_rtp *r, struct se_rtp_peer *p, uint8_t *octets, size_t room,
                     size_t *bytes)
{
    struct se_rtp_link *l = p->link;
    struct se_signer signer;
    struct se_header header;
    struct se_writer w;

    if (se_auth_signer(l->auth, r->now.wall_s, &signer) != 0) {
        l->stats.unsigned_drops++;
        return XMB_ENOENT;
    }
    se_header_init(&header, SE_HELLO, r->as_number);
    header.acknowledge = p->ack_due;
    if (se_write_begin(&w, octets, room, &header, &signer) != 0)
        return XMB_EINVAL;
    return se_write_finish(&w, &l->source, bytes);
}

void se_rtp_flush_ack(struct se_rtp *r, struct se_rtp_peer *p)
{
    uint8_t octets[SE_HEADER_BYTES + SE_AUTH_SHA256_BYTES];
    size_t bytes;

    if (p->ack_due == 0)
        return;
    if (ack_write(r, p, octets, sizeof(octets), &bytes) == 0) {
        p->link->stats.acks_sent++;
        r->ops->transmit(r->arg, p->link, &p->addr, octets, bytes);
    }
    p->ack_due = 0;
}
