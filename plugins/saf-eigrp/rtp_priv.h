/* SPDX-License-Identifier: MIT */
/*
 * rtp_priv.h - what the files of the transport share and nobody else sees.
 *
 *     rtp_peer.c     engine, links, peers
 *     rtp_send.c     what goes out next, and in which packet
 *     rtp_flow.c     multicasts: who is ready, who is excluded
 *     rtp_queue.c    messages that wait
 *     rtp_packet.c   packets in memory, sending and sending again
 *     rtp_receive.c  sequence numbers and acks that come in
 *     rtp_timer.c    round trips, retransmission, pacing
 *     rtp_show.c     what waits, for tables
 */
#ifndef SE_RTP_PRIV_H
#define SE_RTP_PRIV_H

#include <assert.h>
#include <stdlib.h>

#include "rtp.h"

#define FREE_NODES_MAX 4096 /* kept for reuse */
#define FREE_PACKETS_MAX 64

/* A message in a queue, or in a packet that is not acknowledged yet. */
struct se_rtp_node {
    struct se_rtp_message m;
    struct se_rtp_node *prev, *next;
    struct se_rtp_node *hash_next; /* while in a queue */
    struct se_rtp_queue *queue;    /* NULL: in a packet */
    uint64_t order;                /* of posting */
};

/* A packet that some peer has not acknowledged. */
struct se_rtp_packet {
    struct se_rtp_packet *next_free;
    struct se_rtp_node *nodes; /* held until the last ack */
    uint32_t references;       /* peers that have it as `out` */
    uint32_t sequence;
    uint32_t flags;
    uint32_t capacity;
    uint32_t bytes;
    uint32_t service_count;
    uint8_t opcode;
    uint8_t octets[];
};

struct se_rtp {
    const struct se_rtp_ops *ops;
    void *arg;
    struct se_timers *timers;
    struct se_now now;
    uint64_t order;
    uint32_t next_sequence;
    uint32_t messages_max;
    uint32_t node_count;   /* in queues and packets */
    uint32_t packet_count; /* that are in use */
    uint32_t free_node_count, free_packet_count;
    struct se_rtp_node *free_nodes;
    struct se_rtp_packet *free_packets;
    struct se_rtp_node **buckets;
    uint32_t bucket_count; /* a power of two */
    uint32_t hashed_count;
    uint16_t as_number;
};

/* --- rtp_queue.c ------------------------------------------------------------------------------ */

int se_rtp__queues_init(struct se_rtp *r);
void se_rtp__queues_free(struct se_rtp *r);
/* The message in `q` that is the same, or NULL. The youngest one when there are several. */
struct se_rtp_node *se_rtp__find(const struct se_rtp *r, const struct se_rtp_queue *q,
                                 const struct se_rtp_message *m);
/*
 * Puts a message into `q` in the order of `order`; one that is the same and waits there is joined,
 * at the earlier of both places, but for one before `not_before`. 0, XMB_ELIMIT, XMB_ENOMEM.
 */
int se_rtp__push(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_queue *q,
                 const struct se_rtp_message *m, uint64_t order, uint64_t not_before);
/* Takes the first out of its queue; it still is held. */
struct se_rtp_node *se_rtp__pop(struct se_rtp *r, struct se_rtp_queue *q);
void se_rtp__node_free(struct se_rtp *r, struct se_rtp_node *node);
void se_rtp__clear(struct se_rtp *r, struct se_rtp_queue *q);

/* --- rtp_packet.c ----------------------------------------------------------------------------- */

/* A packet of at least `capacity` octets, without references. NULL: out of memory. */
struct se_rtp_packet *se_rtp__packet_new(struct se_rtp *r, uint32_t capacity);
/* Frees it when nobody refers to it. */
void se_rtp__packet_drop(struct se_rtp *r, struct se_rtp_packet *packet);
/* The peer's outstanding packet is acknowledged or forgotten. */
void se_rtp__out_done(struct se_rtp *r, struct se_rtp_peer *p);
/* `p` has to acknowledge `packet`, which goes now. */
void se_rtp__out_set(struct se_rtp *r, struct se_rtp_peer *p, struct se_rtp_packet *packet);
/* Begins to write it; XMB_ENOENT: no key may sign now. Opcode and flags are set by the finish. */
int se_rtp__begin(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_packet *packet,
                  struct se_writer *w);
/* Numbers, signs and finishes it; counts it. */
void se_rtp__finish(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_packet *packet,
                    struct se_writer *w, uint32_t ack);
/* Sends `p->out` by unicast, again. */
void se_rtp__resend(struct se_rtp *r, struct se_rtp_peer *p);
/* The ack that goes along in a unicast to `p`: it is no longer due. */
uint32_t se_rtp__take_ack(struct se_rtp_peer *p);
/*
 * Writes the first message of `q` into the packet. 1: it is out of the queue, written or because
 * there is nothing to say; 0: the packet is full, or is for another opcode. `p` NULL: a multicast.
 */
int se_rtp__fill_one(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p,
                     struct se_rtp_queue *q, struct se_rtp_packet *packet, struct se_writer *w);

/* --- rtp_flow.c ------------------------------------------------------------------------------- */

/* 1: a multicast went, or the flow changed; 0: not now. */
int se_rtp__flow_step(struct se_rtp *r, struct se_rtp_link *l);
/* The order of the first message of the flow that is for `p`; UINT64_MAX: none. */
uint64_t se_rtp__flow_order(const struct se_rtp_link *l, const struct se_rtp_peer *p);

/* --- rtp_peer.c ------------------------------------------------------------------------------- */

void se_rtp__lose(struct se_rtp *r, struct se_rtp_peer *p, enum se_rtp_loss why);

/* --- rtp_send.c ------------------------------------------------------------------------------- */

/* It may have something to send. */
void se_rtp__ready(struct se_rtp_peer *p);
/* All of the link may have. */
void se_rtp__ready_all(struct se_rtp_link *l);

/* --- rtp_timer.c ------------------------------------------------------------------------------ */

void se_rtp__measure(struct se_rtp_peer *p, uint64_t rtt_ms);
/* The link may send. Else its timer is armed. */
int se_rtp__may_send(struct se_rtp *r, struct se_rtp_link *l);
void se_rtp__sent(struct se_rtp *r, struct se_rtp_link *l, size_t bytes);
/* Arms the link's timer unless it is due earlier. */
void se_rtp__wake_at(struct se_rtp *r, struct se_rtp_link *l, uint64_t at_ms);

#endif
