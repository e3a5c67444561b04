/* SPDX-License-Identifier: MIT */
/*
 * init-crashes.c - a broken plugin: its init ends with a fatal signal
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int init_crashes_init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    bad_good_init(host, module, self);
    __builtin_trap();
    return 0;
}

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = init_crashes_init};

XMB_PLUGIN_NAMED(init_crashes, "init-crashes", .version = "1.0", .ops = &ops);
