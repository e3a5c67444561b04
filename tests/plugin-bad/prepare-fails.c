/* SPDX-License-Identifier: MIT */
/*
 * prepare-fails.c - a broken plugin: its prepare says no without a reason
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int prepare_fails_prepare(void *self, const struct xmb_conf *conf, void **next)
{
    (void)self;
    (void)conf;
    (void)next;
    return XMB_ELIMIT;
}

static const struct xmb_module_ops ops = {
    .size = sizeof ops, .init = bad_good_init, .prepare = prepare_fails_prepare};

XMB_PLUGIN_NAMED(prepare_fails, "prepare-fails", .version = "1.0", .ops = &ops);
