/* SPDX-License-Identifier: MIT */
/*
 * bad-require.c - a broken plugin: it requires a module that does not exist
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need needs[] = {{sizeof(struct xmb_need), 0, "bad-nowhere"}};

XMB_PLUGIN_NAMED(bad_require, "bad-require", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(requires_list, needs));
