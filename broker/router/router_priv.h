/* SPDX-License-Identifier: MIT */
/*
 * router_priv.h - the parts of the domain router, for its own files.
 *
 *     name.c      domain names: checked and lower-cased
 *     set.c       the routes of one module for one domain: immutable, counted
 *     table.c     all sets that modules gave           routing loop
 *     snapshot.c  the same as workers see it, and which set answers
 *     cache.c     what was resolved                    routing loop
 *     resolve.c   questions to modules on a miss       routing loop
 *     system.c    questions to the system's resolver   routing loop, offload pool
 *     spread.c    order within a priority
 *     lookup.c    the worker's side
 *     router.c    the table of functions, init, and the way of a snapshot to the workers
 */
#ifndef BROKER_ROUTER_PRIV_H
#define BROKER_ROUTER_PRIV_H

#include "loop/timer.h"
#include "policy/ticket.h"
#include "router/router.h"

#define ROUTER_SETS_MAX 65536u     /* (domain, module) pairs that were pushed */
#define ROUTER_ROUTES_MAX 262144u  /* routes in them */
#define ROUTER_CACHE_MAX 65536u    /* domains and hosts that were resolved */
#define ROUTER_CACHE_BYTES_MAX ((size_t)64 << 20) /* of memory for them */
#define ROUTER_QUERIES_MAX 16384u  /* domains that are being resolved */
#define ROUTER_WAITERS_MAX 65536u  /* questions that wait for them */
#define ROUTER_TICKETS_MAX 65536u  /* unanswered ones of one module */
#define ROUTER_WAITS_MAX 4096u     /* open questions of one worker */
#define ROUTER_DEADLINE_MS 10000u
#define ROUTER_NEGATIVE_MS 30000u
#define ROUTER_KEEP_MAX_S 3600u    /* of a failure */
#define ROUTER_SYSTEM_RUNNING_MAX 2u  /* questions to the system at once; the pool has other work */
#define ROUTER_SYSTEM_WAITING_MAX 1024u
#define ROUTER_SYSTEM_TTL_S 30u    /* its answers come without one */
#define ROUTER_TLSA_BYTES_MAX 65535u /* of one route: more does not come in one DNS answer */

/* --- name.c --- */

struct name {
    uint16_t n;
    char text[XMB_DOMAIN_NAME_MAX + 1];
};
/*
 * Lower-cases and checks: 1 to 253 octets, labels of 1 to 63 letters, digits, hyphens (not at an
 * end) and underscores; an internationalised name comes as its A-labels. XMB_EINVAL.
 */
int name_read(struct xmb_str s, struct name *out);
/* The name without its first label; {NULL, 0} when there is only one. */
struct xmb_str name_parent(struct xmb_str s);
uint32_t name_hash(struct xmb_str s);

/* --- set.c --- */

/* What is asked about a name. Questions and answers of one kind know nothing of the other. */
enum router_kind {
    ROUTER_ROUTES,   /* a domain: routes */
    ROUTER_ADDRESSES /* a host: its addresses */
};

struct route_set {
    _Atomic uint32_t refs;
    uint32_t kind;         /* enum router_kind */
    uint32_t module;       /* index of who gave it */
    int32_t status;        /* of an answer: as in struct xmb_route_answer; 0 in the table */
    uint32_t count;
    uint32_t has_suffix;   /* a route has XMB_ROUTE_SUFFIX */
    uint32_t ttl_s;        /* lowest of all */
    size_t bytes;          /* of this block */
    struct xmb_str domain; /* inside this block, as all views of the routes */
    struct xmb_route routes[]; /* by priority */
};
/*
 * A copy of `routes` with their TLSA records, checked. XMB_EINVAL (a target that is no name, a
 * route without any way, more than XMB_ROUTES_MAX, too many or too large records), XMB_ENOMEM.
 */
int set_new(uint32_t module, int status, struct xmb_str domain, const struct xmb_route *routes,
            size_t count, struct route_set **out);
/*
 * As set_new, for addresses of a host: each route must have one (else XMB_EINVAL); what a host has
 * not got (port, priority, weight, target) is cleared, and the families are put in turn, IPv6
 * first, each in its order (RFC 8305, 4).
 */
int set_new_addresses(uint32_t module, int status, struct xmb_str host,
                      const struct xmb_route *routes, size_t count, struct route_set **out);
struct route_set *set_hold(struct route_set *set);
void set_release(struct route_set *set); /* NULL is fine */

/* --- table.c; thread: routing --- */

int table_update(uint32_t module, const struct name *domain, struct route_set *set_or_null);
void table_clear_module(uint32_t module);
size_t table_count(void);
void table_walk(void (*fn)(void *arg, struct route_set *set), void *arg);
void table_fini(void);

/* --- snapshot.c --- */

struct snapshot;
struct snapshot *snapshot_new(void); /* of the table; NULL: out of memory */
struct snapshot *snapshot_hold(struct snapshot *s);
void snapshot_release(struct snapshot *s); /* NULL is fine */
/*
 * The set that answers for `domain`, or NULL: of the modules that have one, the first; of its
 * sets, that of the longest name. `*suffix_only`: of its routes only those with XMB_ROUTE_SUFFIX.
 */
struct route_set *snapshot_find(const struct snapshot *s, struct xmb_str domain,
                                int *suffix_only);

/* --- cache.c; thread: routing --- */

/* Takes a reference of its own. */
void cache_put(struct route_set *set, uint64_t now_ms, uint64_t ttl_ms);
/* Borrowed, or NULL. */
struct route_set *cache_find(enum router_kind kind, struct xmb_str name, uint64_t now_ms);
void cache_forget(enum router_kind kind, struct xmb_str name);
void cache_forget_all(void);
void cache_walk(uint64_t now_ms, void (*fn)(void *arg, struct route_set *set), void *arg);
size_t cache_count(void);
void cache_fini(void);

/* --- resolve.c; thread: routing, but for resolve_answer --- */

/* A question of worker `worker`: the answer goes to lookup_answer. */
void resolve_ask(uint32_t worker, uint64_t id, enum router_kind kind, const struct name *name);
void resolve_answer(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                    size_t count); /* thread: any */
void resolve_answer_for(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                        const struct xmb_route *routes, size_t count); /* thread: any */
int resolve_is_offered(enum router_kind kind); /* some module can be asked; thread: any */
/* What was resolved for `name`, of either kind; none: everything. */
void resolve_forget(struct xmb_str name);
void resolve_fini(void);

/* --- system.c --- */

/*
 * Asks the system for the addresses of `host`, by way of `worker`. Answers through
 * resolve_answer, once. XMB_ELIMIT, XMB_ENOMEM: the ticket is still the caller's. Thread: routing.
 */
int system_ask(struct xmb_ticket *ticket, uint32_t worker, const struct name *host);
/* An answer of the system has arrived: the next question can go. Thread: routing. */
void system_answered(void);
/* Gives back the tickets of those that wait, after all threads have ended. */
void system_fini(void);

/* --- spread.c --- */

/* Reorders `routes`, which stand by priority, by weight within each (RFC 2782). */
void spread(struct xmb_route *routes, size_t count, uint64_t *random_state);
uint64_t random_next(uint64_t *state);

/* --- router.c: what leads to a worker --- */

struct router_slot {
    struct ticket_box *box;             /* NULL: no such worker (yet, or any more) */
    _Atomic(struct snapshot *) pending; /* newer than what the worker has */
};
/* Marks the table as changed: a snapshot leaves at the end of this turn. Thread: routing. */
void router_changed(void);
/* Posts to worker `index`. Negative: it is gone, `arg` is still the caller's. Thread: any. */
int router_post_worker(uint32_t index, loop_fn *fn, void *arg, size_t cost_bytes);

/* --- lookup.c; thread: worker --- */

struct router_worker {
    struct snapshot *snapshot;
    uint64_t random_state;
    uint64_t last_id;
    uint32_t wait_count;
    struct wait *bucket[256];
    struct route_set *answered; /* what `routes` points into */
    struct xmb_route routes[XMB_ROUTES_MAX];
};
int lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
           void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
           uint64_t *ask_id);
int lookup_addresses(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                     void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                     uint64_t *ask_id);
void lookup_cancel(struct xmb_worker *w, uint64_t ask_id);
/*
 * Brings an answer to a worker; NULL: with `status` alone. Takes a reference of its own.
 * Thread: routing.
 */
void lookup_answer(uint32_t worker, uint64_t id, int status, struct route_set *set);
void lookup_fini(struct xmb_worker *w);

#endif
