/* SPDX-License-Identifier: MIT */
/*
 * dns_srv.c - the plugin that finds domains by DNS: the descriptor, the life of
 * the module, and the way of questions from the routing loop to its thread.
 *
 * The router keeps what is found, by the TTL that comes with it, and asks here
 * only on a miss. The prepared configuration is a resolver; with commit it goes over to
 * the thread, which frees it when a newer one has come, so nothing is retired.
 */
#include "thread.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "dns-srv.rng.h"

struct module {
    const struct xmb_host *host;
    struct xmb_module *module;
    struct dsrv_thread *thread;
    _Atomic int posted; /* counts are on their way to the routing loop */
};

enum { METRIC_QUESTIONS, METRIC_TURNED_AWAY, METRIC_COUNTS, METRICS = METRIC_COUNTS + DSRV_COUNTS };

/* --- metrics --------------------------------------------------------------------------------- */

/* Cells are the routing loop's, so the thread's counts are copied there. */
static void copy_counts(void *arg)
{
    struct module *m = arg;
    uint64_t *cells = m->host->metrics->routing_cells(m->module);
    int i;

    atomic_store(&m->posted, 0);
    for (i = 0; i < DSRV_COUNTS; i++)
        cells[METRIC_COUNTS + i] = dsrv_thread_count(m->thread, (enum dsrv_count)i);
}

/* Thread: the module's. When the routing loop has no room, the next change tries again. */
static void counted(void *arg)
{
    struct module *m = arg;

    if (atomic_exchange(&m->posted, 1) == 0 &&
        m->host->router->post(m->module, copy_counts, NULL, m, 0) < 0)
        atomic_store(&m->posted, 0);
}

/* --- the routing role ------------------------------------------------------------------------ */

static int ask(struct module *m, enum dsrv_kind kind, struct xmb_str name,
               struct xmb_ticket *ticket)
{
    uint64_t *cells = m->host->metrics->routing_cells(m->module);
    struct xmb_route route;
    int rc = 0;

    cells[METRIC_QUESTIONS]++;
    if (dsrv_literal(name, kind == DSRV_KIND_ROUTES ? DSRV_PORT : 0, &route))
        m->host->router->resolved_for(ticket, 0, 0, &route, 1);
    else
        rc = dsrv_thread_ask(m->thread, kind, name, ticket);
    if (rc < 0)
        cells[METRIC_TURNED_AWAY]++;
    return rc;
}

static int resolve(void *self, struct xmb_str domain, struct xmb_ticket *ticket)
{
    return ask(self, DSRV_KIND_ROUTES, domain, ticket);
}

static int addresses(void *self, struct xmb_str name, struct xmb_ticket *ticket)
{
    return ask(self, DSRV_KIND_ADDRESSES, name, ticket);
}

static int begin(void *self)
{
    struct module *m = self;
    int rc = dsrv_thread_start(m->thread);

    if (rc < 0)
        m->host->log->write(m->module, XMB_LOG_ERROR, NULL, "its thread cannot be started");
    return rc;
}

/* Here and not in `stop`, so that every ticket goes back while somebody can take it. */
static void end(void *self)
{
    struct module *m = self;

    dsrv_thread_stop(m->thread);
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m;

    if (!XMB_HAS(host->router, resolved_for)) {
        host->log->write(module, XMB_LOG_ERROR, NULL, "this broker is too old for it");
        return XMB_EVERSION;
    }
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return XMB_ENOMEM;
    m->host = host;
    m->module = module;
    m->thread = dsrv_thread_new(host, module, counted, m);
    if (m->thread == NULL) {
        free(m);
        return XMB_ENOMEM;
    }
    *self = m;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct module *m = self;
    struct dsrv_resolver *r;
    int rc = dsrv_resolver_read(m->host->conf, conf, &r);

    if (rc == 0)
        *next = r;
    return rc;
}

static void drop(void *self, void *next)
{
    (void)self;
    dsrv_resolver_free(next);
}

/* From here on `next` is the thread's. */
static void commit(void *self, void *next)
{
    const struct module *m = self;
    const struct dsrv_resolver *r = next;
    const struct dsrv_settings s = r->settings;

    dsrv_thread_use(m->thread, next);
    if (s.server_count > 0)
        m->host->log->write(m->module, XMB_LOG_NOTICE, NULL, "%u resolvers; %u DNSSEC anchors",
                            s.server_count, s.anchor_count);
    else
        m->host->log->write(m->module, XMB_LOG_NOTICE, NULL,
                            "the system's resolvers; %u DNSSEC anchors", s.anchor_count);
}

static void stop(void *self)
{
    struct module *m = self;

    dsrv_thread_stop(m->thread);
    dsrv_thread_free(m->thread);
    free(m);
}

#define METRIC(what, name_, unit_, help_)                                                          \
    [what] = {XMB_METRIC_INIT, XMB_COUNTER, name_, unit_, help_}

static const struct xmb_metric metrics[METRICS] = {
    METRIC(METRIC_QUESTIONS, "questions", "questions",
           "Questions of the router that its cache could not answer."),
    METRIC(METRIC_TURNED_AWAY, "turned_away", "questions",
           "Questions that were not taken because too many were open."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_SENT, "queries", "queries",
           "DNS questions put to libunbound, whose cache answers some."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_FOUND, "found", "questions",
           "Questions that were answered with routes or addresses."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_ABSENT, "absent", "questions",
           "Questions about what does not exist."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_REFUSED, "refused", "questions",
           "Questions about domains whose SRV record says that there is no such service."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_FAILED, "failures", "questions",
           "Questions that could not be answered: no answer of a resolver, SERVFAIL, or bogus."),
    METRIC(METRIC_COUNTS + DSRV_COUNT_BOGUS, "bogus", "questions",
           "Questions with an answer that DNSSEC validation refused."),
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .stop = stop,
};

static const struct xmb_routing role = {
    .size = sizeof(role),
    .begin = begin,
    .end = end,
    .resolve = resolve,
    .addresses = addresses,
};

XMB_PLUGIN_NAMED(dns_srv, "dns-srv",
                 .abi_need = 2,
                 .version = "1.0",
                 .summary = "domains found by DNS: SRV, addresses, DNSSEC",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = dns_srv_rng,
                 .schema_bytes = sizeof(dns_srv_rng) - 1,
                 .XMB_LIST(metrics, metrics),
                 .ops = &ops,
                 .routing = &role);
