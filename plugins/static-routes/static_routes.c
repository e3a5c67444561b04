/* SPDX-License-Identifier: MIT */
/*
 * static_routes.c - the plugin of static routes: the descriptor, the life of the
 * module, the way of a table to the routing loop, and the answer at ROUTE.
 *
 * What is routed here is never looked for elsewhere: the router hears the first
 * module that has any route to a domain, and this one pushes all of its own. For
 * the same reason a domain with a route is allowed: whoever wrote it down wanted it.
 * For others the module says nothing.
 */
#include "push.h"
#include "table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "static-routes.rng.h"

struct module {
    const struct xmb_host *host;
    struct xmb_module *module;
    _Atomic(struct static_table *) wanted; /* committed, and not yet with the routing loop */
    /* Thread: control. */
    int began;
    /* Thread: routing. */
    struct static_table *pushed; /* what the router has; NULL: nothing */
};

enum { METRIC_PERMITTED, METRIC_COUNT };

struct worker {
    const struct static_table *table;
    uint64_t *cells;
};

/* --- to the routing loop --------------------------------------------------------------------- */

/* Takes over what was committed last. Thread: routing. */
static void push_wanted(void *arg)
{
    struct module *m = arg;
    struct static_table *next = atomic_exchange(&m->wanted, NULL);

    if (next == NULL)
        return; /* an earlier message has taken it */
    static_push(m->host, m->module, m->pushed, next);
    static_table_release(m->pushed);
    m->pushed = next;
}

static int begin(void *self)
{
    push_wanted(self);
    return 0;
}

static void end(void *self)
{
    struct module *m = self;

    static_table_release(m->pushed);
    m->pushed = NULL;
}

/* --- ROUTE ----------------------------------------------------------------------------------- */

static int check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket)
{
    struct worker *w = wself;

    (void)answer;
    (void)ticket;
    if (static_table_find(w->table, request->foreign) == NULL)
        return XMB_ABSTAIN;
    w->cells[METRIC_PERMITTED]++;
    return XMB_ALLOW;
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return XMB_ENOMEM;
    m->host = host;
    m->module = module;
    *self = m;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct module *m = self;
    struct static_table *t;
    int rc = static_table_read(m->host->conf, conf, &t);

    if (rc == 0)
        *next = t;
    return rc;
}

static void drop(void *self, void *old)
{
    (void)self;
    static_table_release(old);
}

static void commit(void *self, void *next)
{
    struct module *m = self;
    struct static_table *t = next;
    int rc = 0;

    static_table_release(atomic_exchange(&m->wanted, static_table_hold(t)));
    if (m->began)
        rc = m->host->router->post(m->module, push_wanted, NULL, m, 0);
    m->began = 1;
    if (rc < 0)
        m->host->log->write(m->module, XMB_LOG_ERROR, NULL,
                            "the routing loop is full; the old routes stay until the next change");
    else
        m->host->log->write(m->module, XMB_LOG_NOTICE, NULL, "%u routes to %u domains",
                            t->route_count, t->domain_count);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    const struct module *m = self;
    struct worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return XMB_ENOMEM;
    w->cells = m->host->metrics->cells(worker, m->module);
    *wself = w;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct worker *w = wself;

    w->table = next;
}

static void stop(void *self)
{
    struct module *m = self;

    end(m);
    static_table_release(atomic_exchange(&m->wanted, NULL));
    free(m);
}

static const struct xmb_metric metrics[METRIC_COUNT] = {
    [METRIC_PERMITTED] = {XMB_METRIC_INIT, XMB_COUNTER, "permitted", "questions",
                          "Questions about a foreign domain that were allowed by its route."},
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = free,
    .worker_conf = worker_conf,
    .retire = drop,
    .stop = stop,
};

static const struct xmb_routing routing_role = {
    .size = sizeof(routing_role),
    .begin = begin,
    .end = end,
};

static const struct xmb_policy policy_role = {
    .size = sizeof(policy_role),
    .points = XMB_POINT_ROUTE,
    .check = check,
};

XMB_PLUGIN_NAMED(static_routes, "static-routes",
                 .abi_need = 2,
                 .version = "1.0",
                 .summary = "domains at fixed addresses, and the permission to reach them",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = static_routes_rng,
                 .schema_bytes = sizeof(static_routes_rng) - 1,
                 .XMB_LIST(metrics, metrics),
                 .ops = &ops,
                 .routing = &routing_role,
                 .policy = &policy_role);
