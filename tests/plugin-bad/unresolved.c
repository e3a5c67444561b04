/* SPDX-License-Identifier: MIT */
/*
 * unresolved.c - a broken plugin: it calls a function that nobody has; linked without -z defs
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

int bad_nobody_has_this(void);

static int unresolved_start(void *self)
{
    (void)self;
    return bad_nobody_has_this();
}

static const struct xmb_module_ops ops = {
    .size = sizeof ops, .init = bad_good_init, .start = unresolved_start};

XMB_PLUGIN(unresolved, .version = "1.0", .ops = &ops);
