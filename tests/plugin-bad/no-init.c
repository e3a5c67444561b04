/* SPDX-License-Identifier: MIT */
/*
 * no-init.c - a broken plugin: its ops have no init
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_init_start(void *self)
{
    return bad_good_init(NULL, NULL, &self);
}

static const struct xmb_module_ops ops = {.size = sizeof ops, .start = no_init_start};

XMB_PLUGIN_NAMED(no_init, "no-init", .version = "1.0", .ops = &ops);
