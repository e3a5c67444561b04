/* SPDX-License-Identifier: MIT */
/*
 * routing-size.c - a broken plugin: its routing does not say its size
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int routing_size_begin(void *self)
{
    (void)self;
    return 0;
}

static const struct xmb_routing routing = {.begin = routing_size_begin};

XMB_PLUGIN_NAMED(routing_size, "routing-size", .version = "1.0", .ops = &bad_good_ops,
                 .routing = &routing);
