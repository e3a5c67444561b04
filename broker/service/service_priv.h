/* SPDX-License-Identifier: MIT */
/*
 * service_priv.h - what the files of this folder share.
 *
 *   worker                                   routing loop
 *   owner.c   publish --- a record ------>   registry.c   rules: sequence, owner, learned
 *                                            entry.c      the services, and who has which
 *   mirror.c  subscribe - a replica ----->   index.c      which replicas match a service
 *   mirror.c  <-- a batch of changes,        link.c       one batch a worker and loop turn,
 *             answers, "forgotten" -------                one newest change an identity
 *   replica.c what a subscriber takes
 *
 * Replicas and owners are made on a worker and handed to the routing loop by
 * pointer; each is freed by the worker only after the routing loop's last word on it
 * (NOTICE_DETACHED, NOTICE_CLOSED) has arrived. What is left when a worker ends goes
 * to service_bury and is freed when no thread is left.
 */
#ifndef BROKER_SERVICE_PRIV_H
#define BROKER_SERVICE_PRIV_H

#include "loop/worker.h"
#include "service/list.h"
#include "service/record.h"
#include "service/replica.h"
#include "service/service.h"
#include "service/table.h"

/* --- service.c ------------------------------------------------------------------------------- */

enum service_stat {
    STAT_SERVICES,
    STAT_GROUPS,
    STAT_CHANGES,
    STAT_LOOKUPS,
    STAT_MATCHES,
    STAT_ITEMS,
    STAT_COALESCED,
    STAT_BATCHES,
    STAT_ALLOCATIONS,
    STAT_COUNT
};

/* Thread: routing. */
void stat_add(enum service_stat stat, int64_t n);

/*
 * Gives `p` back. NULL ends the process with a line in the log: for changes that were
 * accepted and answered, and must not be lost.
 */
void *service_must(void *p);

static inline uint32_t service_scope(uint32_t domain, uint32_t view)
{
    return domain | view << 16;
}

/* --- owner.c: publishers --------------------------------------------------------------------- */

struct outbox;

struct xmb_owner {
    /* Constant. */
    struct link *link;
    struct xmb_module *module;
    const struct xmb_owner_ops *ops;
    void *arg;
    uint32_t flags;
    /* The worker's. */
    struct list all; /* of the mirror, until freed */
    uint32_t waiting; /* requests without an answer */
    int closed;
    uint32_t reason; /* of closing; written before the routing loop is told */
    /* The routing loop's. */
    struct list entries; /* what it has */
    /* Constant. */
    size_t name_bytes;
    char name[];
};

int owner_open(struct xmb_worker *w, struct xmb_module *module, struct xmb_str name,
               uint32_t flags, const struct xmb_owner_ops *ops, void *arg, struct xmb_owner **out);
int owner_publish(struct xmb_owner *o, const struct xmb_publish *p, uint64_t tag);
int owner_unpublish(struct xmb_owner *o, uint32_t domain, const struct xmb_service_id *id,
                    uint64_t tag);
void owner_close(struct xmb_owner *o, uint32_t reason);
void outbox_init(struct outbox *box);
/* Sends what is in it; before whatever else the worker posts here, so that the order stays. */
void outbox_send(struct outbox *box);

/* --- link.c: routing loop to one worker ------------------------------------------------------ */

/* One change for one replica. */
struct item {
    struct replica *to;
    struct record *record; /* a reference */
    uint32_t kind;         /* enum xmb_event_kind */
    uint32_t reason;       /* enum xmb_gone with WITHDRAW */
};

enum notice_kind {
    NOTICE_DONE,     /* answer to a request */
    NOTICE_TAKEN,    /* a service was taken over */
    NOTICE_CLOSED,   /* the last word on an owner */
    NOTICE_DETACHED  /* the last word on a replica */
};

struct notice {
    enum notice_kind kind;
    int32_t status;
    uint32_t sequence;
    uint32_t created;
    uint64_t tag;
    struct xmb_owner *owner;
    struct replica *replica;
    struct record *record; /* TAKEN: a reference, for its identity */
};

struct batch {
    struct link *link;
    struct item *items;
    uint32_t item_count;
    uint32_t item_size;
    struct notice *notices;
    uint32_t notice_count;
    uint32_t notice_size;
};

#define LINK_WINDOW 4 /* batches of one worker that may be on their way */

struct link {
    struct xmb_worker *worker;
    struct service_mirror *mirror; /* the worker's; NULL once it ended */
    struct list all;

    /* The routing loop's. */
    struct batch batches[LINK_WINDOW];
    uint64_t sent;
    struct list queue; /* replicas with something to send */
    struct batch next; /* only its notices: what the next batch will carry */
    struct list dirty; /* of the links to flush at the end of this turn */
    int dead;          /* the worker ended */

    /* Both: how many batches the worker is done with, and "tell me when". */
    _Atomic uint64_t applied;
    _Atomic int wanted;
};

struct link *link_new(struct xmb_worker *w, struct service_mirror *mirror);
/*
 * Its worker ends: waits until the routing loop knows, for after that the worker's loop
 * may be freed any time. Thread: the worker's.
 */
void link_end(struct link *link);
void link_free(struct link *link);
/*
 * A change for a replica; keeps the newest for each identity until there is room.
 * `appeared`: the replica does not have the service, going by all that was offered
 * before. Takes a reference of its own. Thread: routing, as for all below.
 */
void link_offer(struct replica *to, struct record *record, uint32_t kind, uint32_t reason,
                int appeared);
/* A zeroed notice to fill in at once. */
struct notice *link_notice(struct link *link, enum notice_kind kind);
/* The replica wants its full set (again); what was pending is dropped. */
void link_queue_snapshot(struct replica *to);
/* Forgets what is pending for it. */
void link_forget(struct replica *to);
/* Adds one of the full set to a batch. */
void batch_add(struct batch *b, struct replica *to, struct record *record, uint32_t kind,
               uint32_t reason);
void link_fini(void);

/* --- mirror.c: the worker's end -------------------------------------------------------------- */

/* Requests of the owners of a worker, until the end of its turn: they are one message. */
struct outbox {
    struct record *first; /* NULL: empty */
    struct record **end;
    uint32_t count;
    size_t bytes;
    struct loop_hook hook;
};

struct service_mirror {
    struct xmb_worker *worker;
    struct link *link;
    struct table replicas; /* by key */
    struct list all_replicas;
    struct list all_owners;
    struct list touched; /* replicas that got something in this batch */
    struct list ringing; /* subscribers that are called now */
    struct list newcomers;
    struct loop_hook hook;
    struct outbox outbox;
};

void mirror_apply(struct service_mirror *m, struct batch *b);
/* After mirror_apply, when `b` may be used again: calls the subscribers. */
void mirror_ring(struct service_mirror *m);
/* The answer to an owner, on its worker. The caller has marked the thread with its module. */
void owner_notice(const struct notice *n);

int mirror_subscribe(struct xmb_worker *w, struct xmb_module *module,
                     const struct xmb_subscription *spec, struct xmb_sub **out);
int mirror_next(struct xmb_sub *s, struct xmb_event *event);
void mirror_unsubscribe(struct xmb_sub *s);

/* --- index.c: which replicas match ----------------------------------------------------------- */

void index_attach(struct loop *loop, void *replica); /* loop_fn */
void index_detach(struct loop *loop, void *replica); /* loop_fn */
/* `was` turned into `now`; either may be NULL. */
void index_change(struct record *was, struct record *now, uint32_t reason);
void index_fini(void);

/* --- entry.c: the services ------------------------------------------------------------------- */

struct learned {
    struct learned *next;
    const struct xmb_module *module;
    struct record *record;
};

struct entry {
    struct table_node node;
    uint32_t domain;
    struct xmb_service_id id;
    uint64_t since_ms;
    struct record *local; /* stands before all learned ones */
    struct xmb_owner *owner;
    struct list of_owner;
    struct learned *learned; /* one for each routing module, in their order */
    struct record *effective; /* one of the above; NULL only while it is made or goes */
    struct list of_domain;
    struct list of_service;
    struct bucket *domain_bucket;
    struct bucket *service_bucket;
};

struct entry *entry_find(uint32_t domain, const struct xmb_service_id *id);
/* Finds or makes the one that `r` is for. XMB_ELIMIT, XMB_ENOMEM. */
int entry_need(const struct record *r, struct entry **out);
/* Frees it when there is neither a local nor a learned record. */
void entry_unneed(struct entry *e);
/* Calls `fn` for each service that may match: the pattern's service number at least does. */
void entry_scan(uint32_t domain, const struct xmb_service_id *pattern,
                int (*fn)(void *arg, struct record *r), void *arg);
void entry_init(uint32_t maximum);
void entry_fini(void);

/* --- registry.c: the rules ------------------------------------------------------------------- */

void registry_requests(struct loop *loop, void *first); /* loop_fn: a record and those behind it */
void registry_close(struct loop *loop, void *owner);    /* loop_fn */
int registry_learn(struct xmb_module *module, const struct xmb_publish *p);
int registry_unlearn(struct xmb_module *module, uint32_t domain, const struct xmb_service_id *id,
                     uint32_t reason);
void registry_modules(int ended); /* 0: routing modules are told of changes */
void registry_walk(uint32_t domain, int (*fn)(void *arg, const struct xmb_service *s), void *arg);

#endif
