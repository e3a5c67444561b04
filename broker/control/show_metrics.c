/* SPDX-License-Identifier: MIT */
/*
 * show_metrics.c - every counter and gauge, summed over workers and routing loop.
 *
 * Runs on each thread that has cells, so no thread reads another one's memory.
 * The full names are made once at start: they are the keys that get joined.
 */
#include "control/control_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "metrics/metrics.h"

static char **names[MODULES_MAX]; /* by module, then metric */

static const struct xmb_metric *metric_at(const struct xmb_module *m, size_t i)
{
    const char *at = (const char *)m->plugin.metrics;

    return (const struct xmb_metric *)(const void *)(at + i * m->plugin.metrics[0].size);
}

static int name_module(const struct xmb_module *m)
{
    size_t count = m->plugin.metrics_count;
    size_t i;

    names[m->index] = calloc(count + 1, sizeof(char *));
    if (names[m->index] == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < count; i++) {
        char text[160];
        char *dash;

        snprintf(text, sizeof text, "%s_%s", m->name, metric_at(m, i)->name);
        while ((dash = strchr(text, '-')) != NULL)
            *dash = '_';
        names[m->index][i] = strdup(text);
        if (names[m->index][i] == NULL)
            return XMB_ENOMEM;
    }
    return 0;
}

int show_metrics_init(void)
{
    uint32_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < module_count(); i++)
        rc = name_module(module_at(i));
    return rc;
}

void show_metrics_fini(void)
{
    uint32_t i;
    size_t k;

    for (i = 0; i < MODULES_MAX; i++) {
        for (k = 0; names[i] != NULL && names[i][k] != NULL; k++)
            free(names[i][k]);
        free(names[i]);
        names[i] = NULL;
    }
}

int show_metrics(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct xmb_worker *w = state; /* NULL on the routing loop */
    uint32_t i;
    size_t k;

    (void)call;
    out->plain_keys = 1;
    if (w == NULL)
        metrics_routing_refresh();
    for (i = 0; i < module_count(); i++) {
        const struct xmb_module *m = module_at(i);
        const uint64_t *cells = w != NULL ? w->cells[i] : metrics_api.routing_cells(m);

        for (k = 0; cells != NULL && k < m->plugin.metrics_count; k++)
            control_api.sum(out, names[i][k], (int64_t)cells[k]);
    }
    return 0;
}
