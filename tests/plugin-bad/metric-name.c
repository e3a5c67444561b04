/* SPDX-License-Identifier: MIT */
/*
 * metric-name.c - a broken plugin: a metric of it has a name that no metric may have
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_metric metrics[] = {
    {XMB_METRIC_INIT, XMB_COUNTER, "counted", "things", "Counted."},
    {XMB_METRIC_INIT, XMB_COUNTER, "Not Counted", "things", "Capitals and a space."},
};

XMB_PLUGIN_NAMED(metric_name, "metric-name", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(metrics, metrics));
