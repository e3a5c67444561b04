/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - counters and gauges as plain memory: one block a thread.
 *
 * A worker adds to its own cells without a lock, each module's on cache lines of
 * its own. Nobody reads another thread's cells: whoever wants sums has each
 * thread add its cells (metrics_add) and puts the results together.
 */
#include "metrics/metrics.h"

#include <assert.h>
#include <stdlib.h>

#include "buf/buf.h"

#define LINE_CELLS (64 / sizeof(uint64_t))

const struct xmb_metric core_metrics[CORE_METRIC_COUNT] = {
    [CORE_ACCEPTED] = {XMB_METRIC_INIT, XMB_COUNTER, "accepted", "connections",
                       "Connections accepted by listeners."},
    [CORE_CONNECTIONS] = {XMB_METRIC_INIT, XMB_GAUGE, "connections", "connections",
                          "Connections open now, in both directions."},
    [CORE_RECEIVED_BYTES] = {XMB_METRIC_INIT, XMB_COUNTER, "received_bytes", "bytes",
                             "Octets received from connections, after TLS."},
    [CORE_SENT_BYTES] = {XMB_METRIC_INIT, XMB_COUNTER, "sent_bytes", "bytes",
                         "Octets sent to connections, before TLS."},
    [CORE_WRITES] = {XMB_METRIC_INIT, XMB_COUNTER, "writes", "calls",
                     "System calls made to send them."},
    [CORE_POLICY_DENIED] = {XMB_METRIC_INIT, XMB_COUNTER, "policy_denied", "requests",
                            "Requests that the policy chain refused."},
    [CORE_SLOW_CALLBACKS] = {XMB_METRIC_INIT, XMB_COUNTER, "slow_callbacks", "calls",
                             "Calls into a plugin that took more than 10 ms."},
    [CORE_DATAGRAMS_RECEIVED] = {XMB_METRIC_INIT, XMB_COUNTER, "datagrams_received", "datagrams",
                                 "Datagrams received and given to a plugin."},
    [CORE_DATAGRAMS_SENT] = {XMB_METRIC_INIT, XMB_COUNTER, "datagrams_sent", "datagrams",
                             "Datagrams sent."},
    [CORE_DATAGRAMS_DROPPED] = {XMB_METRIC_INIT, XMB_COUNTER, "datagrams_dropped", "datagrams",
                                "Datagrams lost: not taken by the kernel, or read too slowly."},
    [CORE_SLAB_MALLOCS] = {XMB_METRIC_INIT, XMB_COUNTER, "slab_mallocs", "calls",
                           "Slabs that were not recycled but came from malloc."},
};

static uint64_t *routing_cells[MODULES_MAX];

size_t metrics_count(const struct xmb_module *m)
{
    if (m->index == 0)
        return CORE_METRIC_COUNT;
    return m->plugin.metrics != NULL ? m->plugin.metrics_count : 0;
}

const struct xmb_metric *metrics_at(const struct xmb_module *m, size_t i)
{
    const char *first;

    assert(i < metrics_count(m));
    if (m->index == 0)
        return &core_metrics[i];
    /* The stride is what the plugin was compiled with. */
    first = (const char *)m->plugin.metrics;
    return (const struct xmb_metric *)(const void *)(first + i * m->plugin.metrics[0].size);
}

static size_t padded(size_t cells)
{
    return (cells + LINE_CELLS - 1) / LINE_CELLS * LINE_CELLS;
}

/* One block; cells[0], the core's, is its beginning. */
static int make_cells(uint64_t **cells)
{
    size_t total = 0;
    uint64_t *block;
    uint32_t i;

    for (i = 0; i < module_count(); i++)
        total += padded(metrics_count(module_at(i)));
    block = aligned_alloc(64, total * sizeof *block);
    if (block == NULL)
        return XMB_ENOMEM;
    memset(block, 0, total * sizeof *block);
    for (i = 0; i < module_count(); i++) {
        size_t n = metrics_count(module_at(i));

        cells[i] = n != 0 ? block : NULL;
        block += padded(n);
    }
    return 0;
}

static void free_cells(uint64_t **cells)
{
    free(cells[0]);
    memset(cells, 0, MODULES_MAX * sizeof *cells);
}

int metrics_worker_init(struct xmb_worker *w)
{
    return make_cells(w->cells);
}

void metrics_worker_fini(struct xmb_worker *w)
{
    free_cells(w->cells);
}

int metrics_routing_init(void)
{
    return make_cells(routing_cells);
}

void metrics_routing_fini(void)
{
    free_cells(routing_cells);
}

static void add_cells(uint64_t *const *cells, uint64_t *const *sums)
{
    uint32_t i;
    size_t k;

    for (i = 0; i < module_count(); i++)
        for (k = 0; cells[i] != NULL && k < metrics_count(module_at(i)); k++)
            sums[i][k] += cells[i][k];
}

void metrics_add(const struct xmb_worker *w, uint64_t *const *sums)
{
    add_cells(w->cells, sums);
}

/* What the process counts as a whole is the routing loop's, since there is one of it. */
void metrics_routing_refresh(void)
{
    if (routing_cells[0] != NULL)
        routing_cells[0][CORE_SLAB_MALLOCS] = slab_malloc_count();
}

void metrics_add_routing(uint64_t *const *sums)
{
    metrics_routing_refresh();
    add_cells(routing_cells, sums);
}

uint64_t **metrics_sums_new(void)
{
    uint64_t **sums = calloc(MODULES_MAX, sizeof *sums);

    if (sums != NULL && make_cells(sums) < 0) {
        free(sums);
        sums = NULL;
    }
    return sums;
}

void metrics_sums_free(uint64_t **sums)
{
    if (sums == NULL)
        return;
    free_cells(sums);
    free(sums);
}

static uint64_t *api_cells(struct xmb_worker *w, const struct xmb_module *module)
{
    return w->cells[module->index];
}

static uint64_t *api_routing_cells(const struct xmb_module *module)
{
    return routing_cells[module->index];
}

const struct xmb_metrics_api metrics_api = {
    .size = sizeof(struct xmb_metrics_api),
    .rev = 1,
    .cells = api_cells,
    .routing_cells = api_routing_cells,
};
