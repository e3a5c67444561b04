/* SPDX-License-Identifier: MIT */
/*
 * netif.h - the watch of network interfaces, as the rest of the core uses it.
 *
 * What modules see of it stands in xmb/netif.h. Nothing of it runs until a module watches.
 */
#ifndef BROKER_NETIF_H
#define BROKER_NETIF_H

#include "plugin/module.h"

extern const struct xmb_netif_api netif_api;

/* 1: `name` is a VRF device now; 0: it is not, or not there. XMB_EIO, XMB_ENOMEM. Thread: any. */
int netif_is_vrf(const char *name);
/* The watches of `m` end. Thread: routing. */
void netif_module_end(const struct xmb_module *m);
/* At the end of the routing loop: all watches end, the kernel is not listened to any more. */
void netif_routing_end(void);

#endif
