/* SPDX-License-Identifier: MIT */
/*
 * rtp_packet.c - reliable packets: their memory, filling them with messages, sending them, and
 * sending them again.
 *
 * A packet lives until the last peer acknowledged it or is gone, and so long its messages hold what
 * they are about. A multicast is one packet that many peers refer to. Memory is reused: a packet
 * that is as large as the next needs to be.
 */
#include "octets.h"
#include "rtp_priv.h"

#define LEAST_CAPACITY 1500u

struct se_rtp_packet *se_rtp__packet_new(struct se_rtp *r, uint32_t capacity)
{
    struct se_rtp_packet *packet;

    if (capacity < LEAST_CAPACITY)
        capacity = LEAST_CAPACITY;
    while ((packet = r->free_packets) != NULL) {
        r->free_packets = packet->next_free;
        r->free_packet_count--;
        if (packet->capacity >= capacity)
            break;
        free(packet);
    }
    if (packet == NULL) {
        packet = malloc(sizeof(*packet) + capacity);
        if (packet == NULL)
            return NULL;
        packet->capacity = capacity;
    }
    packet->next_free = NULL;
    packet->nodes = NULL;
    packet->references = 0;
    packet->sequence = packet->flags = packet->bytes = packet->service_count = 0;
    packet->opcode = 0;
    r->packet_count++;
    return packet;
}

void se_rtp__packet_drop(struct se_rtp *r, struct se_rtp_packet *packet)
{
    struct se_rtp_node *node;

    if (packet->references > 0)
        return;
    while ((node = packet->nodes) != NULL) {
        packet->nodes = node->next;
        se_rtp__node_free(r, node);
    }
    r->packet_count--;
    if (r->free_packet_count >= FREE_PACKETS_MAX) {
        free(packet);
        return;
    }
    packet->next_free = r->free_packets;
    r->free_packets = packet;
    r->free_packet_count++;
}

void se_rtp__out_set(struct se_rtp *r, struct se_rtp_peer *p, struct se_rtp_packet *packet)
{
    assert(p->out == NULL);
    p->out = packet;
    packet->references++;
    p->tries = 1;
    p->is_resent = 0;
    p->out_since_ms = r->now.ms;
    p->rto_ms = se_rtp_rto_ms(p);
    p->services_sent += packet->service_count;
    se_timer_arm(r->timers, &p->timer, r->now.ms + p->rto_ms);
}

void se_rtp__out_done(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_packet *packet = p->out;

    if (packet == NULL)
        return;
    p->out = NULL;
    se_timer_disarm(r->timers, &p->timer);
    packet->references--;
    se_rtp__packet_drop(r, packet);
}

static int signer_of(struct se_rtp *r, struct se_rtp_link *l, struct se_signer *signer)
{
    if (se_auth_signer(l->auth, r->now.wall_s, signer) == 0)
        return 0;
    l->stats.unsigned_drops++;
    return XMB_ENOENT;
}

int se_rtp__begin(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_packet *packet,
                  struct se_writer *w)
{
    struct se_signer signer;
    struct se_header header;

    if (signer_of(r, l, &signer) != 0)
        return XMB_ENOENT;
    se_header_init(&header, 0, r->as_number);
    return se_write_begin(w, packet->octets, l->packet_bytes, &header, &signer);
}

void se_rtp__finish(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_packet *packet,
                    struct se_writer *w, uint32_t ack)
{
    size_t bytes = 0;

    packet->sequence = r->next_sequence;
    r->next_sequence = se_rtp_after(packet->sequence);
    packet->octets[1] = packet->opcode;
    put32(packet->octets + 4, packet->flags);
    put32(packet->octets + 8, packet->sequence);
    put32(packet->octets + 12, ack);
    se_write_finish(w, &l->source, &bytes);
    packet->bytes = (uint32_t)bytes;
    l->stats.sent[packet->opcode]++;
    l->stats.services_sent += packet->service_count;
    l->stats.packed += packet->service_count > 1;
    se_rtp__sent(r, l, bytes);
}

uint32_t se_rtp__take_ack(struct se_rtp_peer *p)
{
    uint32_t ack = p->ack_due;

    if (ack != 0)
        p->link->stats.acks_suppressed++;
    p->ack_due = 0;
    return ack;
}

void se_rtp__resend(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_packet *packet = p->out;
    struct se_rtp_link *l = p->link;
    struct se_signer signer;

    p->is_resent = 1;
    if (signer_of(r, l, &signer) != 0)
        return;
    packet->flags &= ~SE_FLAG_CR;
    if (se_packet_reseal(packet->octets, packet->bytes, packet->flags, se_rtp__take_ack(p),
                         &signer, &l->source) != 0)
        return;
    se_rtp__sent(r, l, packet->bytes);
    r->ops->transmit(r->arg, l, &p->addr, packet->octets, packet->bytes);
}

/* The first message of `q` is in the packet, which keeps it. */
static void keep(struct se_rtp *r, struct se_rtp_queue *q, struct se_rtp_packet *packet)
{
    struct se_rtp_node *node = se_rtp__pop(r, q);

    packet->opcode = node->m.opcode;
    packet->service_count++;
    node->next = packet->nodes;
    packet->nodes = node;
}

int se_rtp__fill_one(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p,
                     struct se_rtp_queue *q, struct se_rtp_packet *packet, struct se_writer *w)
{
    const struct se_rtp_message *m = &q->first->m;
    struct se_service service;
    struct se_route route;
    int rc = 0;

    if (packet->opcode != 0 && packet->opcode != m->opcode)
        return 0;
    if (r->ops->write(r->arg, l, p, m, &route, &service) == 1) {
        rc = se_write_service(w, &route, &service);
        if (rc == 0) {
            keep(r, q, packet);
            return 1;
        }
        if (rc == XMB_ETOOBIG && packet->service_count > 0)
            return 0;
        l->stats.unwritable++;
    }
    se_rtp__node_free(r, se_rtp__pop(r, q));
    return 1;
}
