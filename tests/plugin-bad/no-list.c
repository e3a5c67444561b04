/* SPDX-License-Identifier: MIT */
/*
 * no-list.c - a broken plugin: the metrics that it declares are not there
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_PLUGIN_NAMED(no_list, "no-list", .version = "1.0", .ops = &bad_good_ops, .metrics = NULL,
                 .metrics_count = 3);
