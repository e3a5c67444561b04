/* SPDX-License-Identifier: MIT */
/*
 * nbr_priv.h - what the files of the neighbour engine share and nobody else sees.
 *
 *     nbr_engine.c   the process: calls in, timers, what is settled at the end of a call
 *     nbr_iface.c    interfaces, static neighbours, leaving
 *     nbr_input.c    is this packet for us, and from whom
 *     nbr_hello.c    hellos that come in            nbr_announce.c  hellos that go out
 *     nbr_data.c     sequenced packets that come in
 *     nbr_fsm.c      states and events
 *     nbr_table.c    neighbours in memory, and who may become one
 *     nbr_show.c     names and what tables show
 *
 * A neighbour never goes in the middle of a call: it is *doomed*, gets nothing more, and is removed
 * when the call is settled. Interfaces with something to send are *dirty* until then.
 */
#ifndef SE_NBR_PRIV_H
#define SE_NBR_PRIV_H

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "neighbour.h"

#define BUCKETS 4096u               /* of the table of addresses; a power of two */
#define QUIET_MAX 32u               /* addresses that an interface remembers as just reset */
#define SETTLE_MS 5000u             /* an older INIT within it is a late copy */
#define DAMP_MS 5000u               /* a peer is reset from outside once in it */
#define RESTARTS_MAX 4u             /* INITs that reset a peer which is up, in DAMP_MS */
#define QUIET_MS 1000u              /* after a goodbye */
#define PENDING_MS 90000u           /* longest life of a pending neighbour: 16 tries and some */
#define NO_INIT_MS 15000u           /* ... whose INIT does not come though it acknowledged ours */
#define SILENT_MS 5000u             /* a silent pending neighbour older than it makes room */
#define HELLO_GAP_MS 20u            /* between two hellos for new neighbours */
#define GOODBYES 3u
#define GOODBYE_GAP_MS 20u

enum nbr_timer { NBR_TIMER_HOLD = SE_RTP_TIMER_KINDS, NBR_TIMER_WATCH, NBR_TIMER_IFACE };

struct nbr_iface;

struct nbr {
    struct se_rtp_peer rtp; /* first: its pointer is the neighbour's */
    struct nbr_iface *iface;
    struct nbr *hash_next;
    struct nbr *doomed_next;
    struct se_timer hold;  /* nothing heard; pending for too long */
    struct se_timer watch; /* its table does not become complete */
    uint64_t since_ms;     /* of the state */
    uint64_t pending_until_ms;
    uint64_t init_in_ms;   /* its INIT was taken */
    uint64_t init_out_ms;  /* ours was sent */
    uint64_t restart_ms;   /* start of the window that restart_burst counts in */
    uint32_t restart_burst;
    uint32_t restart_count;
    struct se_software software;
    uint16_t stub_flags;
    uint16_t hold_s;
    uint16_t topologies[SE_NBR_TOPOLOGIES_MAX];
    uint16_t topology_count; /* it lists, also those that are not kept */
    uint8_t is_stub;
    uint8_t state;         /* enum se_nbr_state */
    uint8_t reason;        /* enum se_nbr_reason, of the doomed */
    uint8_t is_doomed;
    uint8_t is_static;
    uint8_t has_init;       /* its INIT came */
    uint8_t is_init_acked;  /* it acknowledged ours */
    uint8_t is_restarting;  /* RS came, EOT not yet */
    uint8_t is_asked;       /* we sent RS, its own did not come yet */
    uint8_t has_rs_hello;   /* the last hello had RS */
};

struct nbr_quiet {
    struct xmb_addr addr;
    uint64_t reset_ms;
    uint64_t until_ms; /* its hellos are not taken */
};

struct nbr_iface {
    struct se_rtp_link link; /* first: its pointer is the interface's */
    struct se_nbr_iface_conf conf;
    struct nbr_iface *dirty_next;
    struct se_timer timer; /* hello, goodbye */
    struct xmb_addr *statics;
    uint32_t static_count, static_room;
    uint32_t pending_count, up_count;
    uint32_t new_tokens_x1000;
    uint32_t quiet_next;
    uint32_t goodbyes_left; /* leaving while not 0 */
    uint64_t new_tokens_ms;
    uint64_t hello_ms; /* the last one to all went then */
    uint64_t hellos_sent;
    uint64_t no_key_warned_ms;
    uint64_t warned_ms[SE_REASON_COUNT];
    struct nbr_quiet quiet[QUIET_MAX];
    uint8_t is_dirty;
    uint8_t auth_mode;
};

struct se_nbrs {
    struct se_nbr_conf conf;
    const struct se_nbr_ops *ops;
    void *arg;
    struct se_rtp *rtp;
    struct se_timers timers;
    struct se_now now;
    struct nbr **slots; /* by number */
    struct nbr_iface **ifaces;
    struct nbr **buckets;
    struct nbr *doomed;
    struct nbr_iface *dirty;
    struct nbr *owed; /* an ack, at the end of the call */
    struct se_counters counters;
    uint64_t random;
    uint64_t told_ms;   /* what ops->timer was told last */
    uint32_t free_hint; /* no lower number is free */
    uint32_t leaving_count;
    uint32_t iface_end; /* no interface has this number or a higher one */
};

static inline struct nbr *nbr_of(struct se_rtp_peer *p)
{
    return (struct nbr *)(void *)p;
}

static inline struct nbr *nbr_first(const struct nbr_iface *iface)
{
    return (struct nbr *)(void *)iface->link.first;
}

static inline struct nbr *nbr_after(const struct nbr *b)
{
    return (struct nbr *)(void *)b->rtp.next;
}

/* --- nbr_engine.c ----------------------------------------------------------------------------- */

void se_nbr__enter(struct se_nbrs *n, struct se_now now);
/* The end of a call: the doomed go, what is due is sent, the next timer is told. */
void se_nbr__settle(struct se_nbrs *n);
void se_nbr__dirty(struct se_nbrs *n, struct nbr_iface *iface);
/* It goes when the call is settled. The first reason counts. */
void se_nbr__doom(struct se_nbrs *n, struct nbr *b, enum se_nbr_reason reason);
uint32_t se_nbr__random(struct se_nbrs *n);
/* The operations that the transport wants. */
extern const struct se_rtp_ops se_nbr__rtp_ops;

/* --- nbr_fsm.c -------------------------------------------------------------------------------- */

/* `header`: of the packet that caused it, or NULL. */
void se_nbr__event(struct se_nbrs *n, struct nbr *b, enum se_nbr_event event,
                   const struct se_header *header);
/* Our INIT goes, with the ack that is due. */
void se_nbr__send_init(struct se_nbrs *n, struct nbr *b);
/* Arms the hold timer as the state has it. */
void se_nbr__heard(struct se_nbrs *n, struct nbr *b);

/* --- nbr_table.c ------------------------------------------------------------------------------ */

int se_nbr__same_addr(const struct xmb_addr *a, const struct xmb_addr *b);
struct nbr *se_nbr__find(const struct se_nbrs *n, const struct nbr_iface *iface,
                         const struct xmb_addr *addr);
/* Makes one that is down. NULL: no number or no memory left. */
struct nbr *se_nbr__make(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addr);
void se_nbr__unmake(struct se_nbrs *n, struct nbr *b);
/* A stranger's good hello: SE_REASON_NONE when it may become a neighbour now. */
enum se_reason se_nbr__admit(struct se_nbrs *n, struct nbr_iface *iface,
                             const struct xmb_addr *addr);
/* 1 when lists and operator allow it. */
int se_nbr__allowed(const struct se_nbrs *n, const struct nbr_iface *iface,
                    const struct xmb_addr *addr);
int se_nbr__is_static(const struct nbr_iface *iface, const struct xmb_addr *addr);
/* 0: it was reset from outside a moment ago, not again; else this is remembered as a reset. */
int se_nbr__may_reset(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addr,
                      uint32_t quiet_ms);
/* 1 while its hellos are not taken. */
int se_nbr__is_quiet(const struct se_nbrs *n, const struct nbr_iface *iface,
                     const struct xmb_addr *addr);

/* --- nbr_iface.c ------------------------------------------------------------------------------ */

struct nbr_iface *se_nbr__iface(const struct se_nbrs *n, unsigned iface);
void se_nbr__iface_expired(struct se_nbrs *n, struct nbr_iface *iface);
void se_nbr__iface_free(struct se_nbrs *n, struct nbr_iface *iface);

/* --- nbr_announce.c --------------------------------------------------------------------------- */

/* A hello to all: by multicast, or to each neighbour that is configured or there. */
void se_nbr__hello_all(struct se_nbrs *n, struct nbr_iface *iface);
/* The same, unless one just went. */
void se_nbr__hello_soon(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *to,
                        uint32_t gap_ms);
void se_nbr__goodbye_all(struct se_nbrs *n, struct nbr_iface *iface);
void se_nbr__terminate(struct se_nbrs *n, struct nbr *b);
void se_nbr__announce(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addrs,
                      size_t count, uint32_t next_sequence);
/* Addresses that fit a Sequence TLV. */
uint32_t se_nbr__list_max(const struct se_nbr_iface_conf *conf);

/* --- nbr_hello.c, nbr_data.c ------------------------------------------------------------------ */

/* A framed hello. SE_REASON_NONE, or why it was not taken. `b` may be NULL. */
enum se_reason se_nbr__hello_in(struct se_nbrs *n, struct nbr_iface *iface, struct nbr *b,
                                const struct se_packet *packet, const struct se_nbr_rx *rx);
/* A framed packet that is none. */
enum se_reason se_nbr__data_in(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet,
                               const struct se_nbr_rx *rx);
/* Its INIT came or ours was acknowledged: is that both? */
void se_nbr__maybe_formed(struct se_nbrs *n, struct nbr *b);

/* --- nbr_show.c ------------------------------------------------------------------------------- */

void se_nbr__note(struct se_nbrs *n, enum se_nbr_note_kind kind, const struct nbr *b,
                  enum se_nbr_reason reason);
/* Counts a packet that was not taken; a note about it is rate-limited. `k` may be NULL. */
void se_nbr__dropped(struct se_nbrs *n, struct nbr_iface *iface, enum se_reason drop,
                     const struct xmb_addr *addr, const struct se_kvalues *k);
void se_nbr__no_key(struct se_nbrs *n, struct nbr_iface *iface);

#endif
