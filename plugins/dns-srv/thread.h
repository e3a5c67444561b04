/* SPDX-License-Identifier: MIT */
/*
 * thread.h - the module's own thread: a bounded queue of questions, and the
 * loop that runs them through libunbound.
 *
 *     routing loop --ask--> queue --> jobs --> router->resolved_for
 *     control      --use--> resolver  (the jobs that run begin again with it)
 *
 * Nobody waits here for anybody: a full queue is told to who asks.
 */
#ifndef DNS_SRV_THREAD_H
#define DNS_SRV_THREAD_H

#include "job.h"

#define DSRV_OPEN_MAX 2048u   /* questions that are not answered */
#define DSRV_RUNNING_MAX 256u /* of these, at the resolver at once */

/* What became of questions; written by the thread, read by anybody. */
enum dsrv_count {
    DSRV_COUNT_SENT,    /* DNS questions, to the resolver or its cache */
    DSRV_COUNT_FOUND,
    DSRV_COUNT_ABSENT,
    DSRV_COUNT_REFUSED,
    DSRV_COUNT_FAILED,
    DSRV_COUNT_BOGUS,
    DSRV_COUNTS
};

struct dsrv_thread;

/*
 * A thread that does not run yet. `counted(arg)` is called, from it, when counts have changed.
 * NULL: out of memory or descriptors. Thread: control.
 */
struct dsrv_thread *dsrv_thread_new(const struct xmb_host *host, struct xmb_module *module,
                                    void (*counted)(void *arg), void *arg);
/* Takes `r` over and uses it from now on. Also before the start. Thread: any. */
void dsrv_thread_use(struct dsrv_thread *t, struct dsrv_resolver *r);
int dsrv_thread_start(struct dsrv_thread *t); /* XMB_EIO */
/*
 * Asks for `name`. 0: it has the ticket, and answers it later, at the latest in stop. XMB_ELIMIT,
 * XMB_ENOMEM, XMB_ECANCELED (not running): the ticket stays the caller's. Thread: any.
 */
int dsrv_thread_ask(struct dsrv_thread *t, enum dsrv_kind kind, struct xmb_str name,
                    struct xmb_ticket *ticket);
uint64_t dsrv_thread_count(struct dsrv_thread *t, enum dsrv_count what); /* thread: any */
/* Answers what is open as XMB_ETIMEOUT and joins. Fine when it does not run. */
void dsrv_thread_stop(struct dsrv_thread *t);
/* After stop. NULL is fine. */
void dsrv_thread_free(struct dsrv_thread *t);

#endif
