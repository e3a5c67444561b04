/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.c - all modules begin and end together.
 *
 * The order is the promise of xmb/plugin.h: commit, then routing begins, then each worker gets
 * its state and its configuration, then start, and only then is anything accepted. The end goes
 * the other way: connections, the workers' state, routing, and last, when no other thread is
 * left, stop. Everything here waits until it is done; it is for start and end only.
 */
#include "plugin/lifecycle.h"

#include "conn/conn.h"
#include "datagram/datagram.h"
#include "log/log.h"
#include "loop/routing.h"
#include "loop/worker.h"

#include <uv.h>

/* --- on the routing loop, waited for --- */

struct errand {
    uv_sem_t done;
    struct xmb_module *module;
    int (*fn)(struct xmb_module *m);
    int rc;
};

static void run_errand(struct loop *loop, void *arg)
{
    struct errand *e = arg;

    e->rc = loop != NULL ? e->fn(e->module) : XMB_ECANCELED;
    uv_sem_post(&e->done);
}

static int on_routing(struct xmb_module *m, int (*fn)(struct xmb_module *m))
{
    struct errand e = {.module = m, .fn = fn, .rc = 0};
    int rc;

    if (uv_sem_init(&e.done, 0) != 0)
        return XMB_ENOMEM;
    rc = loop_post_must(loop_routing(), run_errand, &e, sizeof e);
    if (rc == 0) {
        uv_sem_wait(&e.done);
        rc = e.rc;
    }
    uv_sem_destroy(&e.done);
    return rc;
}

static int routing_begin(struct xmb_module *m)
{
    struct module_mark mark = module_enter(m);
    int rc = m->routing.begin(m->self);

    module_leave(mark);
    return rc;
}

/* Modules whose begin was called, so that end is called for those alone. */
static int routing_began[MODULES_MAX];

/* A module without the role may have had work there too. */
static int routing_end(struct xmb_module *m)
{
    struct module_mark mark;

    if (routing_began[m->index] && m->routing.end != NULL) {
        mark = module_enter(m);
        m->routing.end(m->self);
        module_leave(mark);
    }
    routing_module_end(m);
    return 0;
}

/* A fault of the module's element, told with those that are found before a module runs. */
static int failed(struct change *ch, const struct xmb_module *m, const char *what, int rc)
{
    conf_api.fault(lifecycle_element(change_conf(ch), m), "its %s failed: %s", what,
                   module_error_text(rc));
    return rc;
}

static int begin_routing(struct change *ch)
{
    struct xmb_module *m;
    uint32_t i;
    int rc;

    for (i = 0; (m = lifecycle_order(i)) != NULL; i++) {
        if (m->routing.begin == NULL) {
            routing_began[m->index] = m->routing.size != 0;
            continue;
        }
        rc = on_routing(m, routing_begin);
        if (rc < 0)
            return failed(ch, m, "begin of routing", rc);
        routing_began[m->index] = 1;
    }
    return 0;
}

/* --- on each worker --- */

/* What the init of each worker came to; it belongs to the worker until workers_run has returned. */
static struct {
    uint32_t ready; /* modules in lifecycle_order with worker_init behind them */
    const struct xmb_module *failed;
    int rc;
} inits[WORKERS_MAX];

static int init_on_worker(struct xmb_worker *w, void *arg)
{
    struct change *ch = arg;
    struct xmb_module *m;
    struct module_mark mark;
    uint32_t i;
    int rc = 0;

    for (i = 0; (m = lifecycle_order(i)) != NULL; i++) {
        if (m->ops.worker_init != NULL) {
            mark = module_enter(m);
            rc = m->ops.worker_init(m->self, w, &w->wself[m->index]);
            module_leave(mark);
        }
        if (rc < 0) {
            inits[w->index].failed = m;
            inits[w->index].rc = rc;
            return rc;
        }
        inits[w->index].ready = i + 1;
    }
    change_worker(ch, w);
    return 0;
}

static int init_workers(struct change *ch)
{
    int rc = workers_run(init_on_worker, ch);
    uint32_t i;

    for (i = 0; i < worker_count(); i++)
        if (inits[i].failed != NULL)
            failed(ch, inits[i].failed, "worker_init", inits[i].rc);
    return rc;
}

static int fini_on_worker(struct xmb_worker *w, void *arg)
{
    struct xmb_module *m;
    struct module_mark mark;

    (void)arg;
    datagram_worker_fini(w);
    conn_worker_fini(w); /* `closed` of every connection that is left needs the modules' state */
    while (inits[w->index].ready > 0) {
        m = lifecycle_order(--inits[w->index].ready);
        if (m->ops.worker_fini != NULL) {
            mark = module_enter(m);
            m->ops.worker_fini(w->wself[m->index]);
            module_leave(mark);
        }
        w->wself[m->index] = NULL;
    }
    worker_modules_end(w);
    return 0;
}

/* --- start --- */

static int start_all(struct change *ch)
{
    struct xmb_module *m;
    struct module_mark mark;
    uint32_t i;
    int rc = 0;

    for (i = 0; (m = lifecycle_order(i)) != NULL; i++) {
        if (m->ops.start != NULL) {
            mark = module_enter(m);
            rc = m->ops.start(m->self);
            module_leave(mark);
        }
        if (rc < 0)
            return failed(ch, m, "start", rc);
        m->state = MODULE_RUNNING;
    }
    return 0;
}

int lifecycle_start(struct change *ch)
{
    int rc;

    change_commit_modules(ch);
    rc = begin_routing(ch);
    if (rc == 0)
        rc = init_workers(ch);
    if (rc == 0)
        rc = start_all(ch);
    /* Also after a failure: it is committed, and is ended like a running one. */
    change_finish(ch);
    if (rc == 0) {
        datagrams_open();
        listeners_open();
    }
    return rc;
}

/* --- end --- */

void lifecycle_end_threads(void)
{
    struct xmb_module *m;
    uint32_t i = 0;

    workers_run(fini_on_worker, NULL);
    datagrams_fini();
    while (lifecycle_order(i) != NULL)
        i++;
    while (i > 0) {
        m = lifecycle_order(--i);
        on_routing(m, routing_end);
        routing_began[m->index] = 0;
    }
}

/* The configuration that it ran with to the end goes back first, as every other did. */
static void stop_module(struct xmb_module *m)
{
    struct module_mark mark = module_enter(m);

    if (m->conf != NULL && m->ops.retire != NULL)
        m->ops.retire(m->self, m->conf);
    m->conf = NULL;
    if (m->ops.stop != NULL)
        m->ops.stop(m->self);
    module_leave(mark);
}

void lifecycle_stop(void)
{
    struct xmb_module *m;
    uint32_t i = 0;

    while (lifecycle_order(i) != NULL)
        i++;
    while (i > 0) {
        m = lifecycle_order(--i);
        if (m->state >= MODULE_INITED && m->state != MODULE_STOPPED)
            stop_module(m);
        m->state = MODULE_STOPPED;
    }
    change_fini();
}
