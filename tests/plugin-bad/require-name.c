/* SPDX-License-Identifier: MIT */
/*
 * require-name.c - a broken plugin: it requires something and does not say what
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need needs[] = {{XMB_NEED_INIT, 1, ""}};

XMB_PLUGIN_NAMED(require_name, "require-name", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(requires_list, needs));
