/* SPDX-License-Identifier: MIT */
/*
 * init-fails.c - a broken plugin: its init fails
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int init_fails_init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    bad_good_init(host, module, self);
    return XMB_ENOSYS;
}

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = init_fails_init};

XMB_PLUGIN_NAMED(init_fails, "init-fails", .version = "1.0", .ops = &ops);
