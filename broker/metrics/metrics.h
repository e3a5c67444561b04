/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - cells for each worker and module; sums for whoever asks.
 */
#ifndef BROKER_METRICS_H
#define BROKER_METRICS_H

#include "loop/worker.h"

extern const struct xmb_metrics_api metrics_api;

/* The core's own metrics, in the order of core_metrics[]. */
enum core_metric {
    CORE_ACCEPTED,
    CORE_CONNECTIONS,
    CORE_RECEIVED_BYTES,
    CORE_SENT_BYTES,
    CORE_WRITES,
    CORE_POLICY_DENIED,
    CORE_SLOW_CALLBACKS,
    CORE_DATAGRAMS_RECEIVED,
    CORE_DATAGRAMS_SENT,
    CORE_DATAGRAMS_DROPPED,
    CORE_SLAB_MALLOCS, /* of the whole process, see metrics_routing_refresh */
    CORE_METRIC_COUNT
};
extern const struct xmb_metric core_metrics[CORE_METRIC_COUNT];

int metrics_worker_init(struct xmb_worker *w);
void metrics_worker_fini(struct xmb_worker *w);
/* Thread: control, before the routing loop starts and after it has ended. */
int metrics_routing_init(void);
void metrics_routing_fini(void);

/*
 * The layout: metric `i` of a module, 0 to metrics_count(m) - 1. The core's are core_metrics[]
 * whatever its descriptor says. Thread: any, as for all that follows unless it is said.
 */
size_t metrics_count(const struct xmb_module *m);
const struct xmb_metric *metrics_at(const struct xmb_module *m, size_t i);
/* Zeroed sums in that layout, sums[module index][i]; NULL when out of memory. */
uint64_t **metrics_sums_new(void);
void metrics_sums_free(uint64_t **sums); /* NULL is fine */
/* Adds this worker's cells to `sums`, modulo 2^64. Thread: that worker. */
void metrics_add(const struct xmb_worker *w, uint64_t *const *sums);
/*
 * Brings what is counted for the whole process into the routing loop's cells. Whoever reads these
 * cells by another way than metrics_add_routing() calls it before. Thread: routing.
 */
void metrics_routing_refresh(void);
/* Adds those of the routing loop. Thread: routing. */
void metrics_add_routing(uint64_t *const *sums);

/* Counts for the core on this worker. Thread: that worker. */
static inline void core_count(struct xmb_worker *w, enum core_metric i, uint64_t n)
{
    if (w->cells[0] != NULL)
        w->cells[0][i] += n;
}

#endif
