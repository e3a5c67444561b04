/* SPDX-License-Identifier: MIT */
/*
 * worker.h - where code runs: workers, messages between threads, blocking
 * work, timers.
 *
 * The broker has one control thread, one routing loop and N workers, each a
 * thread with its own event loop; N is fixed for the life of the process. A
 * connection lives and dies on one worker, so a plugin needs no lock: what
 * must cross goes through `post`, which keeps order between one source and one
 * destination. A plugin must return quickly and must not block, sleep or
 * resolve names on a worker; callbacks above 10 ms are logged with the module's name.
 */
#ifndef XMB_WORKER_H
#define XMB_WORKER_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

struct xmb_worker_api {
    uint32_t size;
    uint32_t rev;

    /* How many workers there are. Thread: any. */
    uint32_t (*count)(void);
    /* Worker number `index`, 0 to count() - 1, or NULL. Thread: any. */
    struct xmb_worker *(*at)(uint32_t index);
    /* The number of `w`. Thread: any. */
    uint32_t (*index)(const struct xmb_worker *w);
    /* What `module` returned from worker_init on `w`. Thread: that worker. */
    void *(*state)(const struct xmb_worker *w, const struct xmb_module *module);
    /* Monotonic milliseconds, read once a loop turn. Thread: that worker. */
    uint64_t (*now_ms)(const struct xmb_worker *w);
    /*
     * Runs `fn(w, arg)` on `w` in a later loop turn, first in first out for each
     * sending thread. `cost_bytes` is what the message holds in memory, counted
     * against the mailbox's bound. After success the call always happens, or,
     * when the worker ends first, `fn(NULL, arg)` does so that `arg` can be freed
     * (on any thread, before the module's `stop`: touch `arg` alone).
     * Errors: XMB_EAGAIN (mailbox full; nothing taken), XMB_ECANCELED (stopped),
     * XMB_ENOMEM; `arg` is then still the caller's.
     * Thread: any.
     */
    int (*post)(struct xmb_worker *w, struct xmb_module *module,
                void (*fn)(struct xmb_worker *w, void *arg), void *arg, size_t cost_bytes);
    /*
     * Runs `work(arg)` on a pool thread, then `done(w, arg, 0)` on `w`. When the
     * host stops first, `done(w, arg, XMB_ECANCELED)` without `work`; `w` is NULL
     * when the module has no state there any more: only free `arg` then.
     * Errors: XMB_EAGAIN (pool queue full), XMB_ENOMEM, XMB_ECANCELED (stopping;
     * no `done` follows). Thread: that worker.
     */
    int (*offload)(struct xmb_worker *w, struct xmb_module *module, void (*work)(void *arg),
                   void (*done)(struct xmb_worker *w, void *arg, int status), void *arg);
};

struct xmb_timer_api {
    uint32_t size;
    uint32_t rev;

    /*
     * A one-shot timer of `w`, not running. `fn(w, arg)` is called once for each
     * `start` that is not stopped. Freed by `destroy`, or when the module stops.
     * NULL when out of memory. Cheap: 100,000 are fine. Thread: that worker, as
     * for all calls here.
     */
    struct xmb_timer *(*create)(struct xmb_worker *w, struct xmb_module *module,
                                void (*fn)(struct xmb_worker *w, void *arg), void *arg);
    /* (Re)starts it to fire in `delay_ms`, never early, at most 16 ms late when idle. */
    void (*start)(struct xmb_timer *t, uint64_t delay_ms);
    /* Stops it; nothing happens when it is not running. */
    void (*stop)(struct xmb_timer *t);
    /* Stops and frees it; NULL is fine. May be called in its own callback. */
    void (*destroy)(struct xmb_timer *t);
};

XMB_END_DECLS

#endif
