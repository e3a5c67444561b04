/* SPDX-License-Identifier: MIT */
/*
 * begin-fails.c - a broken plugin: its routing does not begin
 *
 * Everything else about it is right, so that this is what the start must stumble over.
 */
#include "bad.h"

static int begin_fails_begin(void *self)
{
    (void)self;
    return XMB_ELIMIT;
}

static const struct xmb_routing routing = {.size = sizeof routing, .begin = begin_fails_begin};

XMB_PLUGIN_NAMED(begin_fails, "begin-fails", .version = "1.0", .ops = &bad_good_ops,
                 .routing = &routing);
