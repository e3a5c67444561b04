/* SPDX-License-Identifier: MIT */
/*
 * server.h - the module and its state on one worker, as all files of this plugin see them.
 *
 * One `struct server` for the process (control thread writes it, workers read it; what workers
 * write is atomic), one `struct worker` for each worker. A session belongs to one worker and is
 * touched by no other thread, so nothing here is locked.
 *
 * Functions that leave their file begin with xs_ (XMCP server): a build that links plugins into
 * xmbd must not find a name twice.
 */
#ifndef XS_SERVER_H
#define XS_SERVER_H

#include <stdatomic.h>
#include <xmb/xmb.h>

#include "address_lists.h"
#include "conf.h"
#include "metrics.h"

struct session;

#define XS_PORT 4788
#define XS_HANDLE_BUCKETS_MIN 64
#define XS_RINGS_KEPT 64

#define XS_SILENT_ROWS 3
#define XS_SILENT_CELLS 1024
#define XS_SILENT_NOWHERE UINT32_MAX

/* Counts over all workers. Registers are rare, so contention is not a subject. */
struct counts {
    _Atomic uint32_t connections;
    _Atomic uint32_t clients;
    _Atomic uint32_t unauthenticated;
    /* Connections that have not registered: each counts in every row, by a hash of its address. */
    _Atomic uint32_t silent[XS_SILENT_ROWS][XS_SILENT_CELLS];
};

#define XS_THROTTLE_CELLS 4096

struct server {
    struct xmb_module *module;
    struct counts counts;
    _Atomic uint64_t throttle[XS_THROTTLE_CELLS]; /* throttle.c */
    uint64_t throttle_secret;
    uint32_t handle_secret; /* handles.c */
};

/* Sessions of one worker by handle. */
struct handles {
    struct session **buckets;
    uint32_t bucket_count; /* a power of 2, or 0 */
    uint32_t used;
};

struct cache; /* cache.h */
struct ring;  /* pending.h */

struct worker {
    struct server *server;
    struct xmb_worker *w;
    const struct conf *conf; /* the one in force; NULL only before the first worker_conf */
    uint64_t *cells;         /* metrics, indexed by enum metric */
    struct session *first;   /* every connection of this worker */
    struct handles handles;
    struct cache *cache;
    struct ring *free_rings; /* pending.c: kept for reuse */
    uint32_t free_ring_count;
};

/* Written once by init. */
extern const struct xmb_host *xs_host;
/* NULL: allow-deny is not loaded, and nothing is known about address lists. */
extern const struct xs_address_lists *xs_lists;

/* limits.c: each `enter` is undone by one `leave`. XMB_ELIMIT: full, nothing was counted. */
int xs_connection_enter(struct worker *w);
void xs_connection_leave(struct worker *w);
/*
 * One address holds at most half of max-clients in connections that have not registered, so that
 * a crowd which says nothing leaves room for everybody else. `cells` is xs_throttle_cells'.
 */
int xs_silent_enter(struct worker *w, uint32_t cells);
void xs_silent_leave(struct worker *w, uint32_t cells);
int xs_client_enter(struct worker *w, int anonymous);
void xs_client_leave(struct worker *w, int anonymous);

static inline uint64_t xs_now(const struct worker *w)
{
    return xs_host->worker->now_ms(w->w);
}

static inline void xs_count(struct worker *w, enum metric m)
{
    w->cells[m]++;
}

#endif
