/* SPDX-License-Identifier: MIT */
/*
 * service.h - the service registry as the rest of the core uses it.
 *
 * One writer on the routing loop (registry), one mirror on each worker (what
 * the subscriptions there match). See README in this folder.
 */
#ifndef BROKER_SERVICE_H
#define BROKER_SERVICE_H

#include "loop/worker.h"

extern const struct xmb_service_api service_api;

/*
 * `maximum` services; 0: the default of 1,000,000. Thread: control, before the routing
 * loop starts.
 */
int service_init(uint32_t maximum);
/* After all threads have ended; the workers end before the routing loop. */
void service_fini(void);
/*
 * Routing modules' service_changed is not called any more: right before their `end`, since
 * owners are closed after that. Thread: routing.
 */
void service_routing_end(void);
int service_worker_init(struct xmb_worker *w);
void service_worker_fini(struct xmb_worker *w);

/* How much there is, and what the registry has done since the start. */
struct service_stats {
    uint64_t services;    /* now: identities */
    uint64_t groups;      /* now: different (domain, view, pattern) that are subscribed to */
    uint64_t changes;     /* appeared, changed or went */
    uint64_t lookups;     /* in the index of groups: a few for each change */
    uint64_t matches;     /* groups found by those */
    uint64_t items;       /* changes sent to a worker for one group; snapshots included */
    uint64_t coalesced;   /* changes overtaken before they were sent */
    uint64_t batches;     /* messages to workers */
    uint64_t allocations; /* from a change to a worker; stands still in the steady state */
};
void service_stats(struct service_stats *out); /* thread: any */

#endif
