/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - counters and gauges, declared as data in the descriptor.
 *
 *     enum { M_ACCEPTED, M_MALFORMED };
 *     static const struct xmb_metric metrics[] = {
 *         [M_ACCEPTED] = {XMB_METRIC_INIT, XMB_COUNTER, "accepted", "connections", "..."},
 *
 * Each worker has its own cells; the plugin adds to plain memory, the host
 * sums on reading by asking each worker. The full name is MODULE_NAME.
 */
#ifndef XMB_METRICS_H
#define XMB_METRICS_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

enum xmb_metric_type { XMB_COUNTER = 1, XMB_GAUGE = 2 };

struct xmb_metric {
    uint32_t size;
    uint32_t type;    /* enum xmb_metric_type */
    const char *name; /* [a-z][a-z0-9_]* */
    const char *unit; /* "connections", "bytes", ... */
    const char *help; /* one sentence */
};
#define XMB_METRIC_INIT sizeof(struct xmb_metric)

struct xmb_metrics_api {
    uint32_t size;
    uint32_t rev;
    /*
     * The module's cells on worker `w`, in the order of its declaration; fixed
     * for the life of the worker, so keep the pointer in `wself`. A gauge may go
     * down: the sum over workers is taken modulo 2^64. Write only on that worker.
     */
    uint64_t *(*cells)(struct xmb_worker *w, const struct xmb_module *module);
    /* The module's cells of the routing loop. Write only there. */
    uint64_t *(*routing_cells)(const struct xmb_module *module);
};

XMB_END_DECLS

#endif
