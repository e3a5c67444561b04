/* SPDX-License-Identifier: MIT */
/*
 * rtp.h - the reliable transport: every message to every neighbour once and in order, or the
 * neighbour is given up. (RFC 7868, 5.2; decision D21.)
 *
 * What is queued is not packets but *messages*: "an update about this service is due". The packet
 * is built when it may go out, from what the service is then; many messages of one opcode go into
 * it.
 *
 *     se_rtp_post --> peer's queue ------------- window free ------> unicast packet n, ack m
 *                     link's flow -------- all windows free ------> multicast packet n
 *                          |    after the flow timer: a hello that lists who must not take it,
 *                          |                          then multicast packet n with flag CR
 *                          +--> for those listed, the same messages go into their own queues
 *
 * The window is one: a peer has at most one packet that it did not acknowledge, be it a unicast or
 * a multicast that others acknowledged long ago. Only then the next is made. So numbers that one
 * peer sees always rise, the order of messages is the order of se_rtp_post for each peer, and a
 * slow peer holds up nobody: it falls back to a queue of its own, where a newer state of a service
 * replaces the older. What was sent is sent again by unicast, as it was, until it is acknowledged.
 *
 * Where a multicast would reach someone for whom it is not, it goes in CR mode too: a peer that
 * came up after the message was posted, one that is about to come up, one that is spoken to apart,
 * and for a while one that we gave up and that may not know it.
 *
 * Receiving is the other half: se_rtp_judge says what the sequence number of a packet means, and
 * se_rtp_accept takes it. In between stands the neighbour (neighbour.h), which knows about INIT.
 *
 * No socket, no clock; memory for messages and packets only, bounded by messages_max a queue. Ops
 * do not call back, but for init_acked, which may do anything but close. One thread at a time.
 */
#ifndef SE_RTP_H
#define SE_RTP_H

#include "eigrp_wire.h"
#include "timers.h"

#define SE_RTP_TRIES 16          /* the first one included; then the neighbour is reset */
#define SE_RTP_RTO_MIN_MS 200
#define SE_RTP_RTO_MAX_MS 5000   /* also before the first measurement */
#define SE_RTP_FLOW_MIN_MS 50    /* multicast flow timer */
#define SE_RTP_LIST_MAX 256      /* peers that one hello can exclude; its room may be less */
#define SE_RTP_MESSAGES_MAX 262144
#define SE_RTP_GHOSTS_MAX 16     /* peers given up that multicasts still exclude */
#define SE_RTP_GHOST_MS 90000

/* The time of a call: monotonic milliseconds, above 0, and the wall clock (lifetimes of keys). */
struct se_now {
    uint64_t ms;
    int64_t wall_s;
};

/* A message that waits. */
struct se_rtp_message {
    void *item;     /* of the caller: what it is about */
    uint8_t opcode; /* enum se_opcode */
    uint8_t tag;    /* of the caller: messages with other tags are other messages */
};

enum se_rtp_verdict {
    SE_RTP_NEW,
    SE_RTP_DUPLICATE, /* the one accepted last: acknowledge it again */
    SE_RTP_OLD,       /* older than that: drop, say nothing */
    SE_RTP_NOT_CR     /* conditional, and not for us: drop, say nothing */
};

enum se_rtp_loss {
    SE_RTP_RETRY_LIMIT,
    SE_RTP_QUEUE_FULL,
    SE_RTP_NO_MEMORY
};

/* Counted for each link. */
struct se_rtp_stats {
    uint64_t sent[SE_SIA_REPLY + 1];     /* by opcode; hellos without acks; no retransmissions */
    uint64_t received[SE_SIA_REPLY + 1]; /* likewise, valid ones of known neighbours */
    uint64_t acks_sent, acks_received;   /* bare ones */
    uint64_t acks_suppressed;            /* went along in another packet */
    uint64_t multicasts, unicasts;       /* reliable, first transmissions */
    uint64_t hello_multicasts;           /* of the hellos */
    uint64_t packed;                     /* packets with more than one service */
    uint64_t cr_packets;                 /* of the multicasts */
    uint64_t exceptions;                 /* peers that a multicast had to exclude */
    uint64_t retransmissions;
    uint64_t out_of_sequence, duplicates, not_cr; /* received */
    uint64_t messages, coalesced;        /* queued; and of these, joined to one that waited */
    uint64_t services_sent;
    uint64_t bytes_sent;                 /* reliable, with retransmissions */
    uint64_t unwritable;                 /* services that fit no packet: dropped */
    uint64_t unsigned_drops;             /* not sent: no key may sign now */
};

struct se_rtp;
struct se_rtp_link;
struct se_rtp_peer;
struct se_rtp_node;
struct se_rtp_packet;

struct se_rtp_queue {
    struct se_rtp_node *first, *last;
    uint32_t count;
};

struct se_rtp_ops {
    /* Sends to `to`, or to the link's group when NULL. Octets are borrowed for the call. */
    void (*transmit)(void *arg, struct se_rtp_link *l, const struct xmb_addr *to,
                     const void *octets, size_t bytes);
    /* Multicasts a hello with the Sequence TLV of `addrs` and the number of the packet to come. */
    void (*announce)(void *arg, struct se_rtp_link *l, const struct xmb_addr *addrs, size_t count,
                     uint32_t next_sequence);
    /*
     * What to write for `m` now: 1 with `route` and `service` filled, 0 when there is nothing to
     * say any more. `p` NULL: a multicast. What they borrow lives until the next call of it.
     */
    int (*write)(void *arg, struct se_rtp_link *l, struct se_rtp_peer *p,
                 const struct se_rtp_message *m, struct se_route *route,
                 struct se_service *service);
    /* A message about `item` is kept, is kept no more. Once each for every message. */
    void (*hold)(void *arg, void *item);
    void (*release)(void *arg, void *item);
    /* The next item of the table for `p`; NULL: that was all. */
    void *(*table_next)(void *arg, struct se_rtp_peer *p);
    /* Our INIT was acknowledged. */
    void (*init_acked)(void *arg, struct se_rtp_peer *p);
    /* `p` is given up. It gets nothing more; close it, but not from here. */
    void (*lost)(void *arg, struct se_rtp_peer *p, enum se_rtp_loss why);
};

struct se_rtp_ghost {
    struct xmb_addr addr;
    uint64_t until_ms;
};

/* One interface. Fields above the line are set by its owner, before se_rtp_link_open. */
struct se_rtp_link {
    struct xmb_addr source;            /* ours: the address packets are sent from */
    const struct se_auth_policy *auth; /* borrowed while open */
    uint32_t packet_bytes;             /* EIGRP octets that a packet may have */
    uint32_t list_max;                 /* peers that ops->announce can list */
    uint64_t pace_kbps;                /* bandwidth times percent; at least 1 */
    uint8_t is_group;                  /* data goes out by multicast */
    /* --- */
    struct se_timer timer; /* flow timer, pacing */
    struct se_rtp_peer *first, *last;
    struct se_rtp_peer *ready_first, *ready_last; /* peers that may have something to send */
    struct se_rtp_queue flow;
    struct se_rtp_stats stats;
    struct se_rtp_ghost ghosts[SE_RTP_GHOSTS_MAX];
    uint64_t flow_since_ms; /* the head of the flow is first */
    uint64_t paced_until_ns; /* when what went out has drained */
    uint64_t newest_up;  /* order at which the youngest peer came up */
    uint32_t last_multicast; /* sequence; 0: none */
    uint32_t group_count; /* peers that are up and get multicasts */
    uint32_t number;
};

/* One neighbour. Fields above the line are its owner's. */
struct se_rtp_peer {
    struct xmb_addr addr;
    uint32_t number;   /* of all peers of the engine; unique */
    uint8_t is_apart;  /* never by multicast; set before se_rtp_peer_up */
    uint8_t is_shy;    /* about to come up: exclude it from multicasts, it may think we are up */
    /* --- */
    uint8_t is_up, is_lost;
    uint8_t has_last_in, has_srtt, is_table_due, is_ready, is_cr;
    uint8_t is_resent;       /* `out` went more than once */
    uint8_t tries;           /* of `out` */
    uint32_t last_in;        /* sequence accepted last */
    uint32_t init_sequence;  /* of our last INIT */
    uint32_t ack_due;        /* 0: none */
    uint32_t cr_next;        /* the packet that CR mode is for; 0: any */
    uint32_t srtt_x8_ms;     /* smoothed, times 8 */
    uint32_t rto_ms;         /* of the current try */
    uint32_t table_flags;    /* of the first packet of the table */
    uint64_t up_order;       /* messages posted earlier are not for it */
    uint64_t out_since_ms;   /* `out` went first */
    struct se_rtp_packet *out; /* not acknowledged yet */
    struct se_rtp_queue queue;
    struct se_rtp_link *link;
    struct se_rtp_peer *prev, *next, *ready_next;
    struct se_timer timer;   /* retransmission */
    uint64_t retransmissions;
    uint64_t services_sent;
};

/* Kinds of timers that go to se_rtp_expired. */
enum se_rtp_timer { SE_RTP_TIMER_LINK = 1, SE_RTP_TIMER_PEER, SE_RTP_TIMER_KINDS };

/* `timers`, `ops`, `arg` live longer. `first_sequence`: of the first packet. XMB_ENOMEM. */
int se_rtp_new(unsigned as_number, uint32_t first_sequence, uint32_t messages_max,
               struct se_timers *timers, const struct se_rtp_ops *ops, void *arg,
               struct se_rtp **out);
/* All links are closed. NULL is fine. */
void se_rtp_free(struct se_rtp *r);
/* Of packets to come. */
void se_rtp_set_as(struct se_rtp *r, unsigned as_number);
/* To be called first, whenever something is about to happen. */
void se_rtp_time(struct se_rtp *r, struct se_now now);

/* `l` is zeroed below the line and stays where it is. XMB_ENOMEM. */
int se_rtp_link_open(struct se_rtp *r, struct se_rtp_link *l, unsigned number);
/* Has no peers any more. */
void se_rtp_link_close(struct se_rtp *r, struct se_rtp_link *l);

/* `p` is zeroed below the line and stays where it is. XMB_ENOMEM. */
int se_rtp_peer_open(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p);
/* Forgets what is queued for it, is unacknowledged, and was received; it is not up. */
void se_rtp_peer_reset(struct se_rtp *r, struct se_rtp_peer *p);
void se_rtp_peer_close(struct se_rtp *r, struct se_rtp_peer *p);
/* We gave `p` up, and it may not know. It becomes shy when it is opened again. */
void se_rtp_haunt(struct se_rtp *r, const struct se_rtp_peer *p);
/* Sends an empty update with INIT, and `flags`; replaces one that was not acknowledged. */
void se_rtp_peer_init(struct se_rtp *r, struct se_rtp_peer *p, uint32_t flags);
/* The INIT that is not acknowledged goes once more, with the ack that is due. 0: there is none. */
int se_rtp_peer_init_again(struct se_rtp *r, struct se_rtp_peer *p);
/* A multicast went since, and would be taken by whoever takes the INIT. */
int se_rtp_init_is_stale(const struct se_rtp_peer *p);
/* From now on it gets messages; its table is due. */
void se_rtp_peer_up(struct se_rtp *r, struct se_rtp_peer *p);
/* The table is due again; its first packet has `flags` (SE_FLAG_RS, SE_FLAG_INIT). */
void se_rtp_table(struct se_rtp *r, struct se_rtp_peer *p, uint32_t flags);

/*
 * A message to `p`, or to all that are up on the link when NULL. Never fails: what cannot be queued
 * ends in ops->lost. To a peer that is not up, nothing happens. Goes out with the next se_rtp_run.
 */
void se_rtp_post(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p,
                 const struct se_rtp_message *m);
/* Sends what may be sent. */
void se_rtp_run(struct se_rtp *r, struct se_rtp_link *l);
/* Sends the ack that is due and found no packet to go along with. */
void se_rtp_flush_ack(struct se_rtp *r, struct se_rtp_peer *p);
/* A timer of kind SE_RTP_TIMER_* expired. */
void se_rtp_expired(struct se_rtp *r, struct se_timer *timer);

/* The acknowledge field of a packet from `p` is `sequence`, not 0. */
void se_rtp_acked(struct se_rtp *r, struct se_rtp_peer *p, uint32_t sequence);
/* What a packet with a sequence number is. Changes nothing. */
enum se_rtp_verdict se_rtp_judge(const struct se_rtp_peer *p, const struct se_header *header);
/* It is taken, and an ack is due. */
void se_rtp_accept(struct se_rtp *r, struct se_rtp_peer *p, const struct se_header *header);
/* A duplicate came: the ack for the last one is due again. */
void se_rtp_ack_again(struct se_rtp_peer *p);
/* Sequence and Next-multicast TLV of a hello from `p`. (RFC 7868, 5.2, 6.7.3, 6.7.5.) */
void se_rtp_hello(struct se_rtp_peer *p, const struct se_hello *hello);

/* Milliseconds until the first retransmission; of smoothed round trips; of the flow timer. */
uint32_t se_rtp_rto_ms(const struct se_rtp_peer *p);
uint32_t se_rtp_srtt_ms(const struct se_rtp_peer *p);
uint32_t se_rtp_flow_ms(const struct se_rtp_link *l);
/* Of a full packet. */
uint64_t se_rtp_pacing_us(const struct se_rtp_link *l, size_t bytes);
/* Services in the packet that it did not acknowledge yet. */
uint32_t se_rtp_unacknowledged(const struct se_rtp_peer *p);
/* What the first message that waits on the link is about; NULL: none waits. */
const void *se_rtp_next_item(const struct se_rtp_link *l);
/* 1 when `m` to `p` waits: in its queue, or in the flow of its link. */
int se_rtp_is_waiting(const struct se_rtp *r, const struct se_rtp_peer *p,
                      const struct se_rtp_message *m);
/* When what keeps the link from sending is over, 0: nothing does. Pacing; waiting for laggards. */
uint64_t se_rtp_paced_until_ms(const struct se_rtp_link *l, uint64_t now_ms);
uint64_t se_rtp_flow_until_ms(const struct se_rtp_link *l, uint64_t now_ms);
/* Messages and packets of all queues that exist now. */
uint32_t se_rtp_message_count(const struct se_rtp *r);
uint32_t se_rtp_packet_count(const struct se_rtp *r);

/* 1 when sequence `a` is later than `b`: serial numbers of 32 bits. */
static inline int se_rtp_later(uint32_t a, uint32_t b)
{
    return a != b && (uint32_t)(a - b) < UINT32_C(0x80000000);
}

/* The sequence after `s`: 0 is none. */
static inline uint32_t se_rtp_after(uint32_t s)
{
    return s == UINT32_MAX ? 1 : s + 1;
}

/* "retry limit". Static. */
const char *se_rtp_loss_name(enum se_rtp_loss why);

#endif
