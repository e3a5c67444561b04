/* SPDX-License-Identifier: MIT */
/*
 * bad-stride.c - a broken plugin: its metric says that it is too short to say its own size
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_metric metrics[] = {
    {3, XMB_COUNTER, "counted", "things", "Counted."},
};

XMB_PLUGIN_NAMED(bad_stride, "bad-stride", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(metrics, metrics));
