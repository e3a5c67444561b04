/* SPDX-License-Identifier: MIT */
/*
 * cycle-a.c - a broken plugin: it requires cycle-b, which requires it
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need needs[] = {{sizeof(struct xmb_need), 0, "cycle-b"}};

XMB_PLUGIN_NAMED(cycle_a, "cycle-a", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(requires_list, needs));
