/* SPDX-License-Identifier: MIT */
/*
 * needs-newer.c - a broken plugin: it requires a later revision of what knob-a provides
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need needs[] = {{sizeof(struct xmb_need), 2, "x-knob-a"}};

XMB_PLUGIN_NAMED(needs_newer, "needs-newer", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(requires_list, needs));
