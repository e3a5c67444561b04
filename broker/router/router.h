/* SPDX-License-Identifier: MIT */
/*
 * router.h - the domain router as the rest of the core uses it.
 *
 * One writer on the routing loop; workers read an immutable snapshot that is
 * replaced by a message.
 */
#ifndef BROKER_ROUTER_H
#define BROKER_ROUTER_H

#include "loop/worker.h"

extern const struct xmb_router_api router_api;

int router_init(void); /* thread: control, before the routing loop starts */
void router_fini(void);
int router_worker_init(struct xmb_worker *w);
void router_worker_fini(struct xmb_worker *w);
/* Rows for `show routes [DOMAIN]`: calls fn for each route. Thread: routing. */
void router_walk(struct xmb_str domain,
                 void (*fn)(void *arg, const struct xmb_module *m, const struct xmb_route *r),
                 void *arg);

#endif
