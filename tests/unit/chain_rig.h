/* SPDX-License-Identifier: MIT */
/*
 * chain_rig.h - real loops and workers with modules made on the spot, for the tests of the
 * policy chain and of the router.
 *
 * Modules are added before rig_up; their callbacks run on real threads, so what they and the
 * test share is either handed over by rig_on_worker and its like, or atomic.
 */
#ifndef CHAIN_RIG_H
#define CHAIN_RIG_H

#include "loop/worker.h"

#define RIG_WORKERS 2

/* For any thread; an assertion of cmocka would jump out of the wrong one. */
#define RIG_CHECK(x) ((x) ? (void)0 : rig_failed(#x, __FILE__, __LINE__))
void rig_failed(const char *what, const char *file, int line) __attribute__((noreturn));

/* A module in the table, RUNNING; the test sets its roles. */
struct xmb_module *rig_module(const char *name);
/* Begins control, routing and RIG_WORKERS workers. */
void rig_up(void);
/* Ends all of them. Modules stay in the table; their roles are taken away. */
void rig_down(void);
/* Runs `fn(w, arg)` on worker `index`, and waits for it. */
void rig_on_worker(uint32_t index, void (*fn)(struct xmb_worker *w, void *arg), void *arg);
/* Runs `fn(arg)` on the routing loop, and waits for it. */
void rig_on_routing(void (*fn)(void *arg), void *arg);
/* Waits until `*value` is at least `want`; fails the test after a minute. */
void rig_wait(_Atomic int *value, int want);

#endif
