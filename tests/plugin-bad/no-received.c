/* SPDX-License-Identifier: MIT */
/*
 * no-received.c - a broken plugin: it speaks in datagrams and has no received
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_datagram datagram = {.size = sizeof datagram, .default_port = 7};

XMB_PLUGIN_NAMED(no_received, "no-received", .version = "1.0", .ops = &bad_good_ops,
                 .datagram = &datagram);
