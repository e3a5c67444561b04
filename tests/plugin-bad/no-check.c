/* SPDX-License-Identifier: MIT */
/*
 * no-check.c - a broken plugin: its policy has no check
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_policy policy = {.size = sizeof policy, .points = XMB_POINT_ACCEPT};

XMB_PLUGIN_NAMED(no_check, "no-check", .version = "1.0", .ops = &bad_good_ops, .policy = &policy);
