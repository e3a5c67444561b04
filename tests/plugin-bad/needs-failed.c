/* SPDX-License-Identifier: MIT */
/*
 * needs-failed.c - a broken plugin: it requires a module whose init fails
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need needs[] = {{XMB_NEED_INIT, 0, "init-fails"}};

XMB_PLUGIN_NAMED(needs_failed, "needs-failed", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(requires_list, needs));
