/* SPDX-License-Identifier: MIT */
/*
 * dual.h - the decision engine: which neighbour a service is believed from, and who is told.
 *
 * DUAL, the diffusing update algorithm of RFC 7868, section 3, over services instead of networks.
 * No packet is ever forwarded along the paths it finds: the *successor* of a service is the
 * neighbour whose copy is taken and announced again.
 *
 * The engine is pure. It has no socket, no clock and no host: time comes in as an argument, and
 * what it wants goes out through struct se_dual_ops. The same calls in the same order do the same.
 *
 *     what happened                         engine                           what is wanted
 *
 *     se_dual_iface_set, se_dual_peer_*  +--------------+  ops->send     a message is due
 *     se_dual_input   (a TLV came)   --> | topology     |  ops->refuse   the same, about no entry
 *     se_dual_publish, _withdraw     --> | table, FSM,  |  ops->route    the registry has to know
 *     se_dual_tick    (it is late)   --> | data         |  ops->timer    call se_dual_tick then
 *                                        +--------------+  ops->note     something for the log
 *
 * The life of a service in the table. "Active" is while a diffusing computation runs; oij, the
 * number of the active state, says why. The numbers at the arrows are the RFC's events, and
 * enum se_dual_event here:
 *
 *                 +-------+
 *       (1)(2) +--|       |<------(14)-------- active 0 <--(9)-- active 1
 *              +->|passive|<------(15)-------------------------- active 1 <--(11)-- active 0
 *                 |       |---(4)--> active 1
 *                 |       |---(3)--> active 3                    active 0, 1 --(5)--> active 2
 *                 |       |<------(16)-------- active 2 <--(10)- active 3
 *                 +-------+<------(13)-------------------------- active 3 <--(12)-- active 2
 *
 *     made by the first advertisement or publish -> passive -> ... -> unreachable and passive:
 *     lingers with its sequence numbers, so that late copies are known for late -> freed in time
 *     or reachable, and what is offered is older than what was here: hidden -> believed in time
 *
 * While active, the successor, the feasible distance and what we report are frozen.
 *
 * Messages. ops->send asks that a message about an entry goes to a neighbour. It says *that*, not
 * what: the caller queues the entry, and when it builds the packet it asks se_dual_offer for what
 * to write, so that only the newest state of a service is ever in a queue. Rules of the queue:
 *   - messages of one kind about one entry to one neighbour that were not yet written are one, but
 *     for SIA replies with another flag, and not across an RS, after which all is told again;
 *   - different kinds are different messages, and what was asked for first is written first;
 *   - what was asked for is sent, also when the entry has become active, passive or gone meanwhile;
 *   - replies are written after all of the packet was given to se_dual_input (RFC 7868, 3.5);
 *   - messages to one neighbour arrive in the order written, or the neighbour is reset.
 * A queue keeps an entry alive with se_dual_hold, best until the message is acknowledged.
 *
 * Ownership: the engine owns its entries. What it calls *content*, the data of a service, belongs
 * to the caller, who makes it in ops->keep and frees it in ops->drop.
 *
 * One engine is one process: a service family in an autonomous system, topology base. One thread at
 * a time. Operations may not call back into the engine, but for se_dual_offer, se_dual_hold and
 * reading. Memory: bounded by entries_max times what an entry has; allocated when an entry, a path
 * to it or an origin of it is new, and freed when it goes.
 */
#ifndef SE_DUAL_H
#define SE_DUAL_H

#include <xmb/service.h>
#include <xmb/types.h>

#include "metric.h"

#define SE_DUAL_PEERS_MAX 8192  /* neighbours: numbers 0 to 8191, given by the caller */
#define SE_DUAL_IFACES_MAX 4096 /* interfaces: likewise */
#define SE_DUAL_ORIGINS_MAX 8   /* origins of one service whose data is kept */
#define SE_DUAL_SIA_ROUNDS 3    /* RFC 7868, 4.4.1.1: SIA queries about one query */
#define SE_DUAL_RAISES_MAX 8    /* of an own sequence in one life: more is two routers of one id */

/* Neighbour numbers that are none. */
#define SE_DUAL_LOCAL 0xfffeu /* as successor: the service is our own */
#define SE_DUAL_NONE 0xffffu
#define SE_DUAL_ALL 0xfffdu /* in struct se_dual_to: all that are up on the interface */

enum se_dual_state {
    SE_DUAL_ACTIVE0, /* the distance grew again, once or more, since we asked */
    SE_DUAL_ACTIVE1, /* we asked */
    SE_DUAL_ACTIVE2, /* the successor asked, and something else happened too */
    SE_DUAL_ACTIVE3, /* the successor asked */
    SE_DUAL_PASSIVE,
    SE_DUAL_STATES
};

/* RFC 7868, 3.5. The values are the RFC's numbers. */
enum se_dual_event {
    SE_DUAL_QUERY_PASSIVE = 1,           /* query, not of the successor; one is feasible */
    SE_DUAL_CHANGE_PASSIVE = 2,          /* any other change; one is feasible, or none was and is */
    SE_DUAL_QUERY_LOST = 3,              /* query of the successor, and none is feasible */
    SE_DUAL_LOST = 4,                    /* any other change, and none is feasible */
    SE_DUAL_QUERY_OF_SUCCESSOR = 5,      /* active: the successor asks */
    SE_DUAL_QUERY_ACTIVE = 6,            /* active: someone else asks */
    SE_DUAL_CHANGE_ACTIVE = 7,           /* active: a change that is no news about the successor */
    SE_DUAL_REPLY_MORE = 8,              /* active: a reply, or its sender died; not the last */
    SE_DUAL_WORSE_OWN = 9,               /* active 1: the successor failed, or grew dearer */
    SE_DUAL_WORSE_ASKED = 10,            /* active 3: likewise */
    SE_DUAL_LAST_INFEASIBLE = 11,        /* active 0: last reply, none feasible */
    SE_DUAL_LAST_INFEASIBLE_ASKED = 12,  /* active 2: likewise */
    SE_DUAL_LAST_ASKED = 13,             /* active 3: last reply */
    SE_DUAL_LAST_FEASIBLE = 14,          /* active 0: last reply, one is feasible */
    SE_DUAL_LAST_OWN = 15,               /* active 1: last reply */
    SE_DUAL_LAST_FEASIBLE_ASKED = 16,    /* active 2: last reply, one is feasible */
    SE_DUAL_EVENTS
};

/* The values are the opcodes on the wire. */
enum se_dual_message {
    SE_DUAL_UPDATE = 1,
    SE_DUAL_REQUEST = 2, /* send me the data, of this sequence or newer (D10) */
    SE_DUAL_QUERY = 3,
    SE_DUAL_REPLY = 4,
    SE_DUAL_SIA_QUERY = 10,
    SE_DUAL_SIA_REPLY = 11
};

/* A distance as DUAL compares it. See dual_select.c. */
struct se_distance {
    uint64_t composite; /* SE_COMPOSITE_INFINITY: unreachable */
    uint8_t is_external;
    uint8_t hop_count;
};

/* --- the numbers of service versions: dual_seq.c, pure functions ------------------------------ */

enum se_seq_state { SE_SEQ_UNUSED = 0, SE_SEQ_LIVE, SE_SEQ_WITHDRAWN };

/* What an originator knows about the sequence of one service. Zeroed: nothing. */
struct se_seq {
    uint32_t wire;    /* no number that went out or was heard of is newer, unless unused */
    uint32_t version; /* the client's, of the publication that has `wire` */
    uint8_t state;    /* enum se_seq_state */
    uint8_t raises;   /* how often it had to be raised in this life */
};

/* 1 when `a` is newer than `b`: serial numbers of 32 bits (RFC 1982; D07). */
int se_seq_newer(uint32_t a, uint32_t b);

/*
 * The wall clock in milliseconds since 1970 as a sequence: sixteenths of a second, 32 bits; at
 * least one later than when the process began.
 */
uint32_t se_seq_clock(uint64_t wall_ms, uint64_t start_wall_ms);

/*
 * A client published `version`, with the content that stands (`is_same`) or another one.
 * 1 when s->wire is a new number and has to be flooded, 0 when nothing changed.
 */
int se_seq_publish(struct se_seq *s, uint32_t version, int is_same, uint32_t clock);

/* The service is withdrawn: s->wire is the number of the withdrawal. 0 when it was not live. */
int se_seq_withdraw(struct se_seq *s, uint32_t clock);

/*
 * Someone says that there is `wire` of this service from ourselves. 1 when it is live and s->wire
 * had to be raised above it: flood again. 0: it is only remembered, or no news. XMB_ELIMIT: raised
 * too often, there must be another router with our id.
 */
int se_seq_heard(struct se_seq *s, uint32_t wire, uint64_t start_wall_ms);

enum se_seq_verdict {
    SE_SEQ_TAKE, /* this is the newest content: take it */
    SE_SEQ_SAME, /* is here already */
    SE_SEQ_OLD   /* must not replace what we know */
};

/* What a receiver knows about the sequence of one service of one originator. Zeroed: nothing. */
struct se_seq_known {
    uint32_t held;     /* of the newest content or withdrawal seen */
    uint32_t heard;    /* newest mentioned by anyone, content or not */
    uint8_t is_known;  /* held means something */
    uint8_t is_heard;  /* heard means something */
    uint8_t has_content; /* of `held`, and reachable since it came */
    uint8_t is_withdrawn; /* `held` is a withdrawal by the originator */
};

/* An advertisement with `sequence` came; may its content be taken? Does not change `k`. */
enum se_seq_verdict se_seq_judge(const struct se_seq_known *k, uint32_t sequence);
/* The content of `sequence` was taken. */
void se_seq_take(struct se_seq_known *k, uint32_t sequence);
/* `sequence` was mentioned. 1 when that was news. */
int se_seq_mention(struct se_seq_known *k, uint32_t sequence);
/* The originator withdrew with `sequence`. 1 when that ended something, or is news. */
int se_seq_gone(struct se_seq_known *k, uint32_t sequence);
/* No path leads to the originator any more. */
void se_seq_lost(struct se_seq_known *k);
/* 1 when the originator withdrew it, and nothing newer was heard of. */
int se_seq_is_withdrawn(const struct se_seq_known *k);
/* 1 when a way with `sequence` is of before the originator's withdrawal: there is none any more. */
int se_seq_is_taken_back(const struct se_seq_known *k, uint32_t sequence);

/* --- the topology table: read it as you like, the engine alone writes it ---------------------- */

/* One originator of a service, and the newest content of it that we saw. */
struct se_origin {
    struct se_origin *next;
    void *content; /* of ops->keep; NULL: none was seen. Kept after the service went */
    struct se_external external;
    struct se_seq_known known;
    uint32_t router_id;
    uint16_t path_count; /* paths that come from here */
};

/* A service by way of one neighbour. Only finite ones have a path. */
struct se_path {
    struct se_path *next;
    struct se_origin *origin;
    struct se_metric metric;     /* as reported; external: that of the origin, or NULL */
    struct se_distance reported; /* RD */
    struct se_distance computed; /* CD: with our link; may be unreachable, or taken back */
    uint32_t sequence;           /* as reported */
    uint32_t asked_for;          /* is_asked: we requested this of it, */
    uint32_t asked_at;           /* when that was its sequence */
    uint16_t peer;               /* SE_DUAL_LOCAL: published here */
    uint8_t is_asked;
    uint8_t is_stale;            /* the neighbour restarts, and did not repeat it yet */
};

/* Sets of neighbours that each entry has. */
enum se_dual_set {
    SE_SET_REPLY, /* rijk: asked, and did not reply yet */
    SE_SET_TOLD,  /* the last thing it was told is a finite distance */
    SE_SET_DOUBT, /* was told "unreachable" after that, and may not have read it yet */
    SE_SET_ASKED, /* an SIA query is out */
    SE_SET_LATE,  /* owes an SIA reply to a question that is over */
    SE_SET_WANT,  /* of the message that is being sent */
    SE_SETS
};

struct se_dual_entry {
    struct xmb_service_id id;
    uint8_t state;      /* enum se_dual_state */
    uint8_t sia_round;  /* SIA queries sent about the current query */
    uint8_t is_shown;   /* the registry has it as learned */
    uint8_t is_flood_due; /* newer data came while active */
    uint8_t is_listed;  /* in one of the lists of what is due: active, lingering, hidden */
    uint8_t is_hidden;  /* in the last of these: a way is there, and no content to show */
    uint16_t successor; /* a neighbour, SE_DUAL_LOCAL or SE_DUAL_NONE */
    uint16_t owed;      /* the successor that asked and waits for our reply, or SE_DUAL_NONE */
    uint16_t set_words;
    uint32_t reply_count; /* size of SE_SET_REPLY */
    uint32_t hold_count;
    uint32_t shown_origin; /* what the registry has, while is_shown */
    uint32_t shown_sequence;
    struct se_distance feasible; /* FD */
    struct se_distance distance; /* what we report, composite of `metric` */
    struct se_metric metric;     /* what we report */
    struct se_origin *origin;    /* of what we report; after the service went, of what we had */
    struct se_origin *origins;
    struct se_path *paths;
    struct se_seq seq; /* as originator */
    uint32_t serial;   /* of its last change; they rise over the whole table */
    uint64_t *sets;    /* SE_SETS sets of set_words each; own_sets while that is 1 */
    uint64_t own_sets[SE_SETS];
    uint64_t since_ms; /* of the current state */
    uint64_t due_ms;   /* SIA, end of lingering, or of hiding */
    struct se_dual_entry *hash_next, *prev, *next, *due_prev, *due_next;
};

/* --- configuration and operations ------------------------------------------------------------- */

enum se_dual_split {
    SE_DUAL_SPLIT_OFF,
    SE_DUAL_SPLIT_IFACE,    /* what came in by an interface does not go out of it (D11) */
    SE_DUAL_SPLIT_NEIGHBOUR /* remote neighbours: not back to who told us, but to the others */
};

struct se_dual_iface {
    struct se_link link;
    uint32_t peer_count; /* up */
    uint32_t want_count; /* of SE_SET_WANT */
    uint8_t split;       /* enum se_dual_split */
    uint8_t is_there;
};

/* Flags of a neighbour. */
#define SE_DUAL_PEER_STUB 1u /* never asked: what it has is its own (D18) */

struct se_dual_peer {
    struct se_dual_entry *walk; /* next for se_dual_table_next */
    uint32_t path_count;        /* services it offers: the count that limits look at (D13) */
    uint16_t iface;
    uint8_t is_up;
    uint8_t is_starting; /* its table is still coming */
    uint8_t flags;       /* SE_DUAL_PEER_* */
};

/* Whom a message is for: `peer`, or with SE_DUAL_ALL everyone on the interface. */
struct se_dual_to {
    uint16_t iface;
    uint16_t peer;
    uint8_t is_active; /* SIA reply: with the active flag */
};

/*
 * One service as a neighbour advertises it, or as it is published. Borrowed for the call, with
 * metric.external.
 */
struct se_dual_advert {
    struct xmb_service_id id;
    struct se_metric metric; /* as reported: without our link */
    const void *content;     /* for ops->keep */
    uint32_t origin;         /* router id of the originator */
    uint32_t sequence;
    uint8_t is_complete;  /* has its data (D10) */
    uint8_t is_withdrawn; /* source-withdraw flag */
    uint8_t is_active;    /* SIA reply: active flag */
};

/* What to write about an entry, of se_dual_offer. Borrowed until the next call into the engine. */
struct se_dual_offer {
    struct se_metric metric; /* unreachable: write delay all ones, and trim */
    void *content;           /* NULL: trimmed */
    void *reach;             /* content whose reachability to write, trimmed or not; or NULL */
    uint32_t origin;
    uint32_t sequence;
    uint8_t is_withdrawn;
};

enum se_dual_route {
    SE_DUAL_ROUTE_INSTALLED,
    SE_DUAL_ROUTE_CHANGED,       /* data, distance, successor or originator */
    SE_DUAL_ROUTE_GONE_SOURCE,   /* its originator withdrew it */
    SE_DUAL_ROUTE_GONE_NETWORK   /* no path leads to it */
};

enum se_dual_note {
    SE_DUAL_NOTE_STUCK,    /* the neighbour never answered: reset the adjacency (SIA) */
    SE_DUAL_NOTE_CONFLICT, /* one service from two originators (D07) */
    SE_DUAL_NOTE_TWIN,     /* another router uses our router id */
    SE_DUAL_NOTE_FULL,     /* entries_max reached, the service was not taken */
    SE_DUAL_NOTE_ORIGINS   /* too many originators of one service, this one was not taken */
};

struct se_dual_ops {
    /* A message of `kind` about `e` is due. Never fails: what cannot be queued resets the peer. */
    void (*send)(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                 const struct se_dual_to *to);
    /* "Unreachable" is due about a service not in the table. `kind`: REPLY or SIA_REPLY. */
    void (*refuse)(void *arg, unsigned peer, enum se_dual_message kind,
                   const struct se_dual_advert *a);
    /*
     * A learned service for the registry. What it is now: e->origin, e->metric. Numbers rise while
     * e->origin->router_id is the same; with another originator they begin elsewhere.
     */
    void (*route)(void *arg, struct se_dual_entry *e, enum se_dual_route what);
    /* Makes content of an advertisement that was taken. NULL: out of memory, it stays without. */
    void *(*keep)(void *arg, const struct se_dual_advert *a);
    void (*drop)(void *arg, void *content);
    /* Call se_dual_tick at `at_ms`; 0: no more need. Replaces what was wanted before. */
    void (*timer)(void *arg, uint64_t at_ms);
    /* `e` may be NULL, `peer` SE_DUAL_NONE. STUCK: call se_dual_peer_down, but not from here. */
    void (*note)(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer);
    /* For an event log: e->state is the new one, nothing was sent yet. May be NULL. */
    void (*trace)(void *arg, const struct se_dual_entry *e, enum se_dual_event event,
                  enum se_dual_state from, unsigned peer);
    /* 0: a filter says that `e` is not announced out of `iface`. May be NULL: all is. */
    int (*may_offer)(void *arg, const struct se_dual_entry *e, unsigned iface);
};

struct se_dual_conf {
    struct se_kvalues k;
    uint64_t active_ms;   /* 180 000; 0: never stuck (RFC 7868, 4.4.1) */
    uint64_t linger_ms;   /* 2 x active time: how long numbers of a former life are remembered */
    uint64_t start_wall_ms; /* since 1970, when the process began: see dual_seq.c */
    uint64_t hash_seed;   /* random, so that nobody can aim at one chain */
    uint32_t router_id;   /* ours */
    uint32_t entries_max; /* at least 1 */
    uint8_t hops_max;     /* 1 to 255, 100 */
    uint8_t is_stub;      /* announces nothing but its own services (D18) */
    uint8_t is_receive_only; /* announces nothing (D18) */
    uint8_t is_startup_poison; /* poison reverse for each service of a starting peer (5.4.2.1) */
};

struct se_dual_counts {
    uint32_t entries, active, lingering;
    uint64_t local_computations; /* events 1 and 2 that changed something */
    uint64_t diffusing_computations;
    uint64_t stuck;
    uint64_t refused;  /* adverts not taken: table full, out of memory, too many originators */
    uint64_t own_heard; /* adverts of our own services */
};

struct se_dual;

/* `ops`, `arg` live longer than the engine. XMB_EINVAL, XMB_ENOMEM. */
int se_dual_new(const struct se_dual_conf *conf, const struct se_dual_ops *ops, void *arg,
                struct se_dual **out);
/* Drops all contents; no message goes out. Nothing may be held. `d` may be NULL. */
void se_dual_free(struct se_dual *d);

/* Live changes. K values, router id: the caller resets all peers first. */
void se_dual_configure(struct se_dual *d, const struct se_dual_conf *conf, uint64_t now_ms);

/* --- what happened ---------------------------------------------------------------------------- */

/*
 * The interface `iface` is there, or its link or its split horizon changed. One that goes needs no
 * call, its neighbours do. XMB_EINVAL, XMB_ENOMEM.
 */
int se_dual_iface_set(struct se_dual *d, unsigned iface, const struct se_link *link,
                      enum se_dual_split split, uint64_t now_ms);

/*
 * The neighbour `peer` came up on `iface`: it acknowledged our INIT, and will get our table by way
 * of se_dual_table_next. It counts as starting until se_dual_peer_complete. XMB_EINVAL (numbers, or
 * up already), XMB_ENOMEM.
 */
int se_dual_peer_up(struct se_dual *d, unsigned peer, unsigned iface, unsigned flags,
                    uint64_t now_ms);
/* It is gone, for whatever reason, with all it said. Messages to it are to be forgotten. */
void se_dual_peer_down(struct se_dual *d, unsigned peer, uint64_t now_ms);
/*
 * RS: it restarts and keeps its adjacencies. What it said becomes stale, and what it was told is
 * not known any more: send it the table again.
 */
void se_dual_peer_restart(struct se_dual *d, unsigned peer);
/* EOT, or what counts as one (D24, D25): what is still stale is gone. */
void se_dual_peer_complete(struct se_dual *d, unsigned peer, uint64_t now_ms);

/*
 * The next entry to tell a new neighbour in an Update, NULL when that was all: then EOT. May be
 * called as slowly as packets go out; what changes meanwhile comes by ops->send.
 */
struct se_dual_entry *se_dual_table_next(struct se_dual *d, unsigned peer);
/* Starts that over. */
void se_dual_table_rewind(struct se_dual *d, unsigned peer);

/*
 * One service of a packet of `kind` from `peer`, which is up. One that a filter or a limit refuses
 * is made unreachable and incomplete first, and given all the same: it may be a reply. 0;
 * XMB_ELIMIT or XMB_ENOMEM when it was not taken, which the neighbour learns in a reply if it
 * asked; XMB_EINVAL on a neighbour that is not up, or a kind that is none. (RFC 7868, 3.5, 4.1 to
 * 4.4.)
 */
int se_dual_input(struct se_dual *d, enum se_dual_message kind, unsigned peer,
                  const struct se_dual_advert *a, uint64_t now_ms);

/*
 * A client of ours publishes. Of `a`, origin, sequence and the flags are not looked at; `version`
 * is the client's, `is_same` says that neither data nor address changed since the last publish.
 * `wall_ms` is the time since 1970. XMB_ELIMIT, XMB_ENOMEM: not published.
 */
int se_dual_publish(struct se_dual *d, const struct se_dual_advert *a, uint32_t version,
                    int is_same, uint64_t wall_ms, uint64_t now_ms);
/* It took it back. XMB_ENOENT. */
int se_dual_withdraw(struct se_dual *d, const struct xmb_service_id *id, uint64_t wall_ms,
                     uint64_t now_ms);

/* What may be offered changed (ops->may_offer): tells the neighbours what they do not know. */
void se_dual_reoffer(struct se_dual *d, uint64_t now_ms);

/* It is `now_ms`: SIA, lingering and hiding. Too early does nothing. */
void se_dual_tick(struct se_dual *d, uint64_t now_ms);

/* --- asking ----------------------------------------------------------------------------------- */

/*
 * What to write about `e` to `peer` on `iface` (SE_DUAL_ALL: a multicast) in a message of `kind` at
 * this moment. Trimmed is what is unreachable, and queries, SIA packets and requests (D10).
 */
void se_dual_offer(const struct se_dual *d, const struct se_dual_entry *e,
                   enum se_dual_message kind, unsigned iface, unsigned peer,
                   struct se_dual_offer *out);

/* Keeps `e` from being freed, as often as se_dual_release is not called yet. */
void se_dual_hold(struct se_dual_entry *e);
void se_dual_release(struct se_dual_entry *e);

struct se_dual_entry *se_dual_find(const struct se_dual *d, const struct xmb_service_id *id);
/* All of them, in the order in which they were made; NULL begins, and ends. */
struct se_dual_entry *se_dual_next(const struct se_dual *d, const struct se_dual_entry *e);
/* The path by way of `peer`, or NULL. */
const struct se_path *se_dual_path(const struct se_dual_entry *e, unsigned peer);
int se_dual_in_set(const struct se_dual_entry *e, enum se_dual_set set, unsigned peer);
/* Neighbours of least distance that are feasible: "successors" of a table. */
unsigned se_dual_successor_count(const struct se_dual *d, const struct se_dual_entry *e);
/* NULL when there was none of that number. */
const struct se_dual_peer *se_dual_peer(const struct se_dual *d, unsigned peer);
const struct se_dual_iface *se_dual_iface(const struct se_dual *d, unsigned iface);
const struct se_dual_counts *se_dual_counts(const struct se_dual *d);

/* Is `a` nearer than `b`? Unreachable is behind everything. */
int se_distance_less(const struct se_distance *a, const struct se_distance *b);

/* "passive", "active 1"; "last reply, feasible". Static. */
const char *se_dual_state_name(enum se_dual_state state);
const char *se_dual_event_name(enum se_dual_event event);

static inline int se_dual_is_finite(const struct se_distance *x)
{
    return x->composite != SE_COMPOSITE_INFINITY;
}

#endif
