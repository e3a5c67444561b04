/* SPDX-License-Identifier: MIT */
/*
 * neighbour.h - who is there: neighbours found, kept and lost on the interfaces of one process,
 * which is a service family in an autonomous system. (RFC 7868, 5.3; decisions D14 to D20, D24,
 * D25.)
 *
 * The engine is pure: packets and time come in as arguments, and what it wants goes out through
 * struct se_nbr_ops. The same calls in the same order, with the same seed, do the same. Reliable
 * transport is inside of it (rtp.h); services are not: packets are handed up whole.
 *
 *     se_nbr_input  (packet)    +-------------+   ops->transmit   octets for a socket
 *     se_nbr_tick   (it's late) | acceptance, |   ops->up, down   for DUAL
 *     se_nbr_post   (message)-> | neighbours, |-> ops->deliver    TLVs for DUAL
 *     se_nbr_run                | transport   |   ops->write      what to say about a service?
 *     se_nbr_reset, _leave      +-------------+   ops->timer      call se_nbr_tick then
 *
 * The life of a neighbour. Each end sends an empty update with INIT; up is who got the other's INIT
 * and the ack of its own. Until then nothing else is sent or taken.
 *
 *            hello                 both INITs through
 *     down ---------> pending -------------------------> up --+ RS: keep it, send the table again
 *      ^                |  ^                              | <-+
 *      |      gone      |  +--- its INIT: it restarted ---+
 *      +----------------+-------------- gone -------------+
 *
 * Whoever is not up costs little: pending neighbours are few for each interface and come at a
 * limited rate, so that forged hellos neither fill memory nor touch those that are up.
 *
 * Neighbours and interfaces have numbers that fit dual.h: a neighbour keeps its number as long as
 * it is up, and the number is used again later.
 *
 * One thread at a time. From inside of ops->up, down, resync, complete, deliver and note only
 * se_nbr_post, se_nbr_reset, se_nbr_resync and reading are allowed, from the others only reading.
 * Memory: bounded by the limits of the configuration.
 */
#ifndef SE_NEIGHBOUR_H
#define SE_NEIGHBOUR_H

#include "rtp.h"

#define SE_NBR_NEIGHBOURS_MAX 8192
#define SE_NBR_IFACES_MAX 4096
#define SE_NBR_PREFIXES_MAX 8  /* addresses of one interface */
#define SE_NBR_STATICS_MAX 1024
#define SE_NBR_TOPOLOGIES_MAX 4 /* of a peer's list: kept for tables */
#define SE_NBR_ALL 0xfffdu     /* all that are up on the interface; the value of dual.h */
#define SE_NBR_NONE 0xffffu

/* Defaults. */
#define SE_NBR_HELLO_MS 5000
#define SE_NBR_HOLD_S 15
#define SE_NBR_HOLD_MAX_S 3600    /* of what peers ask for */
#define SE_NBR_PENDING_MAX 64     /* for each interface */
#define SE_NBR_NEW_PER_S 20       /* for each interface */
#define SE_NBR_PURGE_MS 240000    /* D24 */
#define SE_NBR_WARN_MS 10000

enum se_nbr_state { SE_NBR_DOWN, SE_NBR_PENDING, SE_NBR_UP, SE_NBR_STATES };

enum se_nbr_event {
    SE_NBR_HELLO,   /* a valid hello */
    SE_NBR_INIT,    /* its INIT */
    SE_NBR_FORMED,  /* its INIT came and ours was acknowledged */
    SE_NBR_RESTART, /* its INIT again, or none where it thinks that it sent one: begin again */
    SE_NBR_RESYNC,  /* RS: it restarts and keeps its adjacencies */
    SE_NBR_LOST,    /* gone, for whatever reason */
    SE_NBR_EVENTS
};

/* Why a neighbour went. */
enum se_nbr_reason {
    SE_NBR_GOODBYE,      /* it said so */
    SE_NBR_TERMINATED,   /* it dropped us, by name */
    SE_NBR_RESTARTED,    /* its INIT came while it was up */
    SE_NBR_HOLD,         /* nothing heard for its hold time */
    SE_NBR_RETRY_LIMIT,  /* a packet was not acknowledged, 16 times */
    SE_NBR_K_VALUES,     /* its hello has other K values now */
    SE_NBR_STUB_CHANGED, /* stub or TLV version changed */
    SE_NBR_NO_INIT,      /* pending for too long */
    SE_NBR_MADE_ROOM,    /* pending and silent, another one came */
    SE_NBR_QUEUE_FULL,
    SE_NBR_NO_MEMORY,
    SE_NBR_STUCK,        /* stuck in active: DUAL said so */
    SE_NBR_CLEARED,      /* by the operator */
    SE_NBR_CONFIG,       /* changed: authentication, static neighbours, limits, ... */
    SE_NBR_IFACE_DOWN,
    SE_NBR_LIMIT,        /* maximum-service: DUAL's side said so */
    SE_NBR_LEAVING,      /* we go */
    SE_NBR_REASONS
};

/* How an interface finds and reaches its neighbours. */
enum se_nbr_mode {
    SE_NBR_LAN,    /* multicast; sources on the link */
    SE_NBR_STATIC, /* unicast to the configured neighbours, on the link; no multicast (D19) */
    SE_NBR_REMOTE, /* likewise, anywhere: several hops away */
    SE_NBR_LISTEN, /* unicast, anywhere; answers whoever ops->may_peer allows */
    SE_NBR_GROUP,  /* hellos to a group that many hops reach, data by unicast */
    SE_NBR_MODES
};

struct se_nbr_prefix {
    struct xmb_addr addr; /* one of ours */
    uint8_t bits;
};

struct se_nbr_iface_conf {
    struct xmb_addr source; /* the address we send from; IPv6 on a link: link-local */
    struct se_nbr_prefix prefixes[SE_NBR_PREFIXES_MAX]; /* ours; on a link, IPv4 sources must fit */
    uint32_t prefix_count;
    uint8_t mode;           /* enum se_nbr_mode */
    uint8_t ttl_min;        /* 0: any; else packets with less are dropped */
    uint32_t hello_ms;      /* at least 1000 */
    uint16_t hold_s;        /* what peers use for us */
    uint32_t packet_bytes;  /* MTU less IP header; at least 256 */
    uint64_t bandwidth_kbps;
    uint32_t bandwidth_percent; /* 1 to 999999, 50 */
    uint32_t pending_max;
    uint32_t neighbours_max;
    uint32_t new_per_s;
    const struct se_auth_policy *auth; /* borrowed until the interface is gone or gets another */
};

struct se_nbr_conf {
    struct se_kvalues k; /* each at most 254 */
    struct se_software software;
    uint64_t seed;           /* random: jitter, hashing */
    uint64_t purge_ms;       /* D24 */
    uint32_t first_sequence; /* random, or anything that grew since the last start */
    uint32_t neighbours_max; /* of all interfaces; at most SE_NBR_NEIGHBOURS_MAX */
    uint32_t messages_max;   /* for each queue; SE_RTP_MESSAGES_MAX */
    uint32_t hold_max_s;
    uint32_t warn_ms;        /* least time between two notes of one kind about an interface */
    uint16_t as_number;
    uint16_t stub_flags;     /* SE_STUB_* of ours; 0: no stub */
    uint8_t family;          /* 4 or 6: of the packets that carry the family */
};

/* A packet that came in. */
struct se_nbr_rx {
    const void *octets; /* the IP payload; borrowed for the call */
    size_t bytes;
    struct xmb_addr source;
    uint32_t iface;
    uint8_t ttl;          /* 0: not known */
    uint8_t is_multicast; /* it was sent to a group */
};

enum se_nbr_note_kind {
    SE_NBR_NOTE_DROP,     /* a packet was not taken: `drop` says why. Rate-limited */
    SE_NBR_NOTE_NEW,      /* a neighbour is pending. As many as there are forged hellos */
    SE_NBR_NOTE_UP,
    SE_NBR_NOTE_DOWN,     /* it was up; `reason` says why */
    SE_NBR_NOTE_GIVEN_UP, /* it was pending; likewise. As many as there are forged hellos */
    SE_NBR_NOTE_RESYNC,
    SE_NBR_NOTE_NO_KEY,   /* nothing can be signed now. Rate-limited */
    SE_NBR_NOTE_KINDS
};

/* Something for the log. Borrowed for the call. */
struct se_nbr_note {
    enum se_nbr_note_kind kind;
    enum se_reason drop;
    enum se_nbr_reason reason;
    struct xmb_addr addr;
    uint32_t iface;
    uint32_t nbr;       /* SE_NBR_NONE: not one of ours */
    struct se_kvalues k; /* SE_DROP_K_VALUES: what it said */
};

enum se_nbr_complete {
    SE_NBR_COMPLETE_EOT,    /* its table is complete: it said so */
    SE_NBR_COMPLETE_SILENT, /* up and silent for twice its hold time (D25) */
    SE_NBR_COMPLETE_PURGE   /* it restarted and never finished (D24) */
};

/* Those marked - may be NULL. */
struct se_nbr_ops {
    /* Sends `octets` out of `iface` to `to`, NULL: its group. Borrowed for the call. */
    void (*transmit)(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                     size_t bytes);
    /* - 0: `addr` must not be a neighbour on `iface`. */
    int (*may_peer)(void *arg, unsigned iface, const struct xmb_addr *addr);
    /* `nbr` is up. Its table is sent by way of table_next. */
    void (*up)(void *arg, unsigned nbr, unsigned iface);
    /* It was up, and is gone with all it said. Its messages are forgotten. */
    void (*down)(void *arg, unsigned nbr, enum se_nbr_reason reason);
    /* RS: what it said is stale until repeated, and it forgot what we said: rewind table_next. */
    void (*resync)(void *arg, unsigned nbr);
    void (*complete)(void *arg, unsigned nbr, enum se_nbr_complete why);
    /* A packet with service TLVs, framed; borrowed for the call. Acknowledged by us. */
    void (*deliver)(void *arg, unsigned nbr, const struct se_packet *packet);
    /*
     * What to write about `m->item` now, to `nbr` or with SE_NBR_ALL to all on `iface`: 1 with
     * `route` and `service` filled; 0: nothing any more. What they borrow lives until the next call
     * of it.
     */
    int (*write)(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                 struct se_route *route, struct se_service *service);
    /* A message about `item` is kept, is kept no more. */
    void (*hold)(void *arg, void *item);
    void (*release)(void *arg, void *item);
    /* The next item to tell `nbr` in an update; NULL: that was all, EOT goes out. */
    void *(*table_next)(void *arg, unsigned nbr);
    /* Call se_nbr_tick at `at_ms`; 0: no need. Replaces what was wanted before. */
    void (*timer)(void *arg, uint64_t at_ms);
    /* - */
    void (*note)(void *arg, const struct se_nbr_note *note);
};

/* What tables and logs show of a neighbour. */
struct se_nbr_info {
    struct xmb_addr addr;
    uint32_t iface;
    uint8_t state;        /* enum se_nbr_state */
    uint8_t is_static;
    uint8_t is_restarting;
    uint8_t tries;        /* of the current packet */
    uint16_t stub_flags;
    uint8_t is_stub;
    struct se_software software;
    uint64_t since_ms;    /* of the state */
    uint64_t hold_left_ms;
    uint16_t hold_s;      /* what it asked for, capped */
    uint32_t srtt_ms, rto_ms;
    uint32_t queue_count; /* messages for it alone, and the packet on its way */
    uint64_t resend_ms;   /* the packet goes again then; 0: there is none */
    uint32_t last_sequence;
    uint64_t retransmissions;
    uint64_t services_sent;
    uint32_t restart_count;
    uint16_t topologies[SE_NBR_TOPOLOGIES_MAX]; /* it lists, the first of them */
    uint16_t topology_count; /* 0: it has no list */
};

struct se_nbr_iface_info {
    struct se_nbr_iface_conf conf;
    struct se_rtp_stats stats;
    uint32_t pending_count, up_count;
    uint32_t flow_count;     /* messages that wait for a multicast */
    uint32_t queue_count;    /* messages that wait for one peer each */
    uint32_t unacknowledged_count; /* services in packets on their way, for each peer */
    const void *next_item;   /* what the first message that waits is about; NULL: none waits */
    uint64_t hello_ms;       /* the next one is due; 0: none is */
    uint64_t flow_until_ms;  /* laggards are waited for; 0: nobody is */
    uint64_t paced_until_ms; /* 0: it may send now */
    uint32_t srtt_mean_ms;
    uint32_t flow_ms;        /* multicast flow timer */
    uint64_t pacing_us;      /* of a full packet */
    uint64_t hellos_sent;
    uint8_t is_leaving;
};

struct se_nbrs;

/* --- the process ------------------------------------------------------------------------------ */

/* `ops`, `arg` live longer. XMB_EINVAL, XMB_ENOMEM. */
int se_nbr_new(const struct se_nbr_conf *conf, const struct se_nbr_ops *ops, void *arg,
               struct se_nbrs **out);
/* Says nothing to anybody, calls ops->release only. NULL is fine. */
void se_nbr_free(struct se_nbrs *n);
/*
 * Live changes. Other K values, stub flags or autonomous system reset all neighbours; family, seed,
 * first_sequence and messages_max stay as they were. XMB_EINVAL.
 */
int se_nbr_configure(struct se_nbrs *n, const struct se_nbr_conf *conf, struct se_now now);

/* --- interfaces ------------------------------------------------------------------------------- */

/*
 * The interface `iface` is there, or has changed: what changed applies at once, and resets its
 * neighbours only when they could not go on (mode, source, authentication mode). XMB_EINVAL,
 * XMB_ENOMEM.
 */
int se_nbr_iface_set(struct se_nbrs *n, unsigned iface, const struct se_nbr_iface_conf *conf,
                     struct se_now now);
/* It went: all its neighbours go, unheard. Also ends a leave. */
void se_nbr_iface_down(struct se_nbrs *n, unsigned iface, struct se_now now);
/*
 * Says goodbye on `iface`, or on all with SE_NBR_ALL: three hellos 20 ms apart (D17), and every
 * neighbour goes at the first. Afterwards the interface is down. Withdraw services before it.
 */
void se_nbr_leave(struct se_nbrs *n, unsigned iface, struct se_now now);
/* 1 while a leave is not finished. */
int se_nbr_is_leaving(const struct se_nbrs *n);

/* A static neighbour. XMB_ENOENT (interface), XMB_EEXIST, XMB_ELIMIT, XMB_ENOMEM. */
int se_nbr_static_add(struct se_nbrs *n, unsigned iface, const struct xmb_addr *addr,
                      struct se_now now);
/* No longer; where only static neighbours are taken, it goes. XMB_ENOENT. */
int se_nbr_static_remove(struct se_nbrs *n, unsigned iface, const struct xmb_addr *addr,
                         struct se_now now);
/* What ops->may_peer says has changed: those that it no longer allows go. */
void se_nbr_recheck(struct se_nbrs *n, struct se_now now);

/* --- what happened ---------------------------------------------------------------------------- */

/* A packet came. Whatever is wrong with it is counted, not returned. */
void se_nbr_input(struct se_nbrs *n, const struct se_nbr_rx *rx, struct se_now now);
/* It is `now`. Too early does nothing. */
void se_nbr_tick(struct se_nbrs *n, struct se_now now);

/*
 * A message about `m->item` to `nbr`, or with SE_NBR_ALL to all that are up on `iface`. The same
 * message is queued once. Never fails: what cannot be queued resets the neighbour. It goes out
 * in the call that is running, or else in se_nbr_run.
 */
void se_nbr_post(struct se_nbrs *n, unsigned iface, unsigned nbr, const struct se_rtp_message *m);
/* Sends what was posted outside of ops. */
void se_nbr_run(struct se_nbrs *n, struct se_now now);

/*
 * Resets a neighbour, which is told by name. Takes effect at the end of the call that is running,
 * or else in se_nbr_run.
 */
void se_nbr_reset(struct se_nbrs *n, unsigned nbr, enum se_nbr_reason reason);
/* Soft: our table goes to it again, with RS; it sends its own. Rewind the table first. */
void se_nbr_resync(struct se_nbrs *n, unsigned nbr);

/* --- asking ----------------------------------------------------------------------------------- */

/* 0; XMB_ENOENT when there is none of that number. */
int se_nbr_info(const struct se_nbrs *n, unsigned nbr, uint64_t now_ms, struct se_nbr_info *out);
int se_nbr_iface_info(const struct se_nbrs *n, unsigned iface, struct se_nbr_iface_info *out);
/* The number at `addr` on `iface`, SE_NBR_NONE. */
unsigned se_nbr_find(const struct se_nbrs *n, unsigned iface, const struct xmb_addr *addr);
/* The first number after `nbr` that is in use; SE_NBR_NONE begins, and ends. */
unsigned se_nbr_next(const struct se_nbrs *n, unsigned nbr);
const struct se_counters *se_nbr_counters(const struct se_nbrs *n);
/* 1 when `m` to `nbr` was not written into a packet yet. */
int se_nbr_is_waiting(const struct se_nbrs *n, unsigned nbr, const struct se_rtp_message *m);
/* For tests and metrics: messages and packets in memory. */
const struct se_rtp *se_nbr_transport(const struct se_nbrs *n);

/* "pending"; "formed"; "hold time expired"; "lan". Static. */
const char *se_nbr_state_name(enum se_nbr_state state);
const char *se_nbr_event_name(enum se_nbr_event event);
const char *se_nbr_reason_name(enum se_nbr_reason reason);
const char *se_nbr_mode_name(enum se_nbr_mode mode);

#endif
