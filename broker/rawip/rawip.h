/* SPDX-License-Identifier: MIT */
/*
 * rawip.h - raw IP sockets of routing modules, as the rest of the core uses them.
 *
 * What a module may do with them stands in xmb/rawip.h. The core decides when none is read any
 * more: those of a module after its `end`, and all when the routing loop ends.
 */
#ifndef BROKER_RAWIP_H
#define BROKER_RAWIP_H

#include "plugin/module.h"

extern const struct xmb_rawip_api rawip_api;

/* Before modules prepare, for a check of the configuration alone: sockets are dummies. */
void rawip_only_check(void);
/* No socket of `m` is read any more; it may still close them. Thread: routing. */
void rawip_module_end(const struct xmb_module *m);
/* The same for all of them, at the end of the routing loop. Thread: the loop's. */
void rawip_routing_end(void);

#endif
