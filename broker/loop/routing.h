/* SPDX-License-Identifier: MIT */
/*
 * routing.h - what the routing loop has beside its mailbox: timers, raw IP sockets and the watch of
 * network interfaces.
 */
#ifndef BROKER_LOOP_ROUTING_H
#define BROKER_LOOP_ROUTING_H

#include "loop/timer.h"
#include "plugin/module.h"

/* The timers of the routing loop; NULL while there is no loop. Thread: routing. */
struct timer_wheel *routing_wheel(void);
/* For xmb_router_api, where its contract stands. */
uint64_t routing_now_ms(void);
struct xmb_timer *routing_timer(struct xmb_module *module, void (*fn)(void *arg), void *arg);
/* Destroys the timers of `m`; NULL: of all. Thread: routing. */
void routing_timers_end(const struct xmb_module *m);
/*
 * After the module's `end`: nothing on the routing loop calls it any more. Its timers are
 * destroyed, its watches of interfaces end, its raw sockets are not read. Thread: routing.
 */
void routing_module_end(const struct xmb_module *m);

#endif
