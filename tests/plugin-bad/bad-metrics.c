/* SPDX-License-Identifier: MIT */
/*
 * bad-metrics.c - a broken plugin: it declares the same metric twice
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_metric metrics[] = {
    {XMB_METRIC_INIT, XMB_COUNTER, "same", "things", "Counted."},
    {XMB_METRIC_INIT, XMB_COUNTER, "same", "things", "Counted again."},
};

XMB_PLUGIN_NAMED(bad_metrics, "bad-metrics", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(metrics, metrics));
