/* SPDX-License-Identifier: MIT */
/*
 * module.c - the table of modules, and the mark on a thread that says in whose code it is.
 *
 * The table is written at load, while there is one thread, and only read after that. The mark is
 * what makes a crash or a slow callback somebody's: it costs two readings of the clock a
 * callback. Time that a callback spends in calls to other modules (a protocol that asks
 * policy) is theirs.
 */
#include "config.h" /* PACKAGE_VERSION */

#include "plugin/module.h"

#include "log/log.h"
#include "loop/worker.h"
#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOW_NS UINT64_C(10000000)

static struct xmb_module core = {
    .index = 0,
    .name = "core",
    .plugin = {.size = sizeof(struct xmb_plugin),
               .name = "core",
               .version = PACKAGE_VERSION,
               .metrics = core_metrics,
               .metrics_count = CORE_METRIC_COUNT},
    .state = MODULE_RUNNING,
    .log_level = XMB_LOG_INFO,
};

static struct xmb_module *table[MODULES_MAX] = {&core};
static uint32_t table_count = 1;

static _Thread_local const struct xmb_module *current;
static _Thread_local uint64_t away_ns;

uint32_t module_count(void)
{
    return table_count;
}

struct xmb_module *module_at(uint32_t index)
{
    return index < table_count ? table[index] : NULL;
}

struct xmb_module *module_core(void)
{
    return &core;
}

struct xmb_module *module_by_name(const char *name)
{
    uint32_t i;

    for (i = 0; i < table_count; i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

int module_add(struct xmb_module *m)
{
    if (table_count == MODULES_MAX)
        return XMB_ELIMIT;
    m->index = table_count;
    table[table_count++] = m;
    return 0;
}

void module_remove(struct xmb_module *m)
{
    uint32_t i;

    table_count--;
    for (i = m->index; i < table_count; i++) {
        table[i] = table[i + 1];
        table[i]->index = i;
    }
    table[table_count] = NULL;
}

const char *module_state_name(uint32_t state)
{
    static const char *const names[] = {"unknown", "loaded",   "initialized", "prepared",
                                        "running", "draining", "stopped"};

    return names[state < sizeof names / sizeof names[0] ? state : 0];
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct module_mark module_enter(const struct xmb_module *m)
{
    struct module_mark mark = {current, clock_ns(), away_ns};

    current = m;
    return mark;
}

/* The worker that this thread is, or NULL. Only asked when something was slow. */
static struct xmb_worker *this_worker(void)
{
    uint32_t i;

    for (i = 0; i < worker_count(); i++)
        if (loop_is_current(&worker_at(i)->loop))
            return worker_at(i);
    return NULL;
}

/* The control thread may block briefly; workers and the routing loop may not. */
static void report_slow(const struct xmb_module *m, uint64_t took_ns)
{
    struct xmb_worker *w = this_worker();

    if (w == NULL && (loop_routing() == NULL || !loop_is_current(loop_routing())))
        return;
    if (w != NULL)
        core_count(w, CORE_SLOW_CALLBACKS, 1);
    log_api.limited(m, XMB_LOG_WARN, "slow callback", 1, w != NULL ? w->name : "routing",
                    "a callback took %u ms; everything else on this thread waited for it",
                    (unsigned)(took_ns / 1000000));
}

void module_leave(struct module_mark mark)
{
    uint64_t all_ns = clock_ns() - mark.began_ns;
    uint64_t own_ns = all_ns - (away_ns - mark.away_ns);
    const struct xmb_module *m = current;

    current = mark.outer;
    away_ns = mark.away_ns + all_ns;
    if (own_ns > SLOW_NS && m != NULL && m != &core)
        report_slow(m, own_ns);
}

const struct xmb_module *module_current(void)
{
    return current != NULL ? current : &core;
}
