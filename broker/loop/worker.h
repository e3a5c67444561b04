/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a worker: a loop with timers, connections and the state of every module on it.
 *
 * Other nouns hang their per-worker state here by a pointer of their own type,
 * made in their X_worker_init and freed in X_worker_fini, both on the worker.
 */
#ifndef BROKER_WORKER_H
#define BROKER_WORKER_H

#include "loop/loop.h"
#include "plugin/module.h"

#define WORKERS_MAX 256

struct timer_wheel;    /* loop/timer.h */
struct conn_worker;    /* conn/ */
struct datagram_worker; /* datagram/ */
struct service_mirror; /* service/ */
struct policy_worker;  /* policy/ */
struct router_worker;  /* router/ */

struct xmb_worker {
    struct loop loop; /* first: a loop_fn may cast */
    uint32_t index;
    char name[16];
    int modules_ended;   /* no module has state here any more */
    uint32_t inits_done; /* nouns whose worker_init has run */
    struct timer_wheel *timers;
    struct xmb_timer *sdk_timers; /* every timer made by a module */
    struct conn_worker *conns;
    struct datagram_worker *datagrams;
    struct service_mirror *services;
    struct policy_worker *policy;
    struct router_worker *router;
    void *wself[MODULES_MAX];      /* by module index */
    uint64_t *cells[MODULES_MAX];  /* metrics, by module index */
};

/*
 * Makes `count` workers (1 to WORKERS_MAX) and starts their threads; each noun's
 * worker_init has run on each before this returns. Thread: control, as below.
 */
int workers_start(uint32_t count);
uint32_t worker_count(void); /* thread: any */
struct xmb_worker *worker_at(uint32_t index);
/*
 * Runs `fn(worker, arg)` on every worker at once and waits for all: start, commit, stop.
 * Returns the first error that one returned. Never from a worker.
 */
int workers_run(int (*fn)(struct xmb_worker *w, void *arg), void *arg);
/*
 * Runs `fn(worker, arg)` on every worker without waiting; `done(arg)` runs on the
 * control loop when all have. XMB_ENOMEM.
 */
int workers_each(void (*fn)(struct xmb_worker *w, void *arg), void *arg,
                 void (*done)(void *arg));
/*
 * Ends all workers (mailboxes are emptied first), runs worker_fini of the nouns in reverse on
 * each worker's own thread, joins. The memory of struct xmb_worker itself stays until the
 * process ends, so that another thread that still posts there is refused cleanly. The
 * offload pool must have stopped. Fine when nothing was started.
 */
void workers_stop(void);
/*
 * No module has state on `w` from now on: the timers they made are destroyed, and what they
 * posted or offloaded comes back with a NULL worker, only to be freed. The lifecycle calls it in
 * the same turn as the last module's worker_fini, and after it: a worker_fini may destroy its
 * timers itself. Thread: worker.
 */
void worker_modules_end(struct xmb_worker *w);
int timers_worker_init(struct xmb_worker *w);
void timers_worker_fini(struct xmb_worker *w);

extern const struct xmb_worker_api worker_api;
extern const struct xmb_timer_api timer_api;

/* offload.c: the pool for blocking work, with at most OFFLOAD_QUEUE_MAX jobs waiting. */
#define OFFLOAD_QUEUE_MAX 1024
int offload_start(uint32_t threads); /* XMB_ENOMEM, XMB_EIO. Thread: control */
/*
 * Lets running jobs finish, hands the waiting ones back as XMB_ECANCELED, joins. Every `done`
 * is in its worker's mailbox when this returns; stop the pool before module worker_fini.
 * Thread: control.
 */
void offload_stop(void);
int offload_post(struct xmb_worker *w, struct xmb_module *module, void (*work)(void *arg),
                 void (*done)(struct xmb_worker *w, void *arg, int status), void *arg);

#endif
