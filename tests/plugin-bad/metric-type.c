/* SPDX-License-Identifier: MIT */
/*
 * metric-type.c - a broken plugin: a metric of it is neither a counter nor a gauge
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_metric metrics[] = {
    {XMB_METRIC_INIT, 99, "counted", "things", "Counted."},
};

XMB_PLUGIN_NAMED(metric_type, "metric-type", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(metrics, metrics));
