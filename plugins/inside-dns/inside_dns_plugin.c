/* SPDX-License-Identifier: MIT */
/*
 * inside_dns_plugin.c - the descriptor, and the life of the module.
 *
 * A responder for the XMPP servers inside: to whatever name they ask for it answers with the
 * gateway, so that all they send to foreign domains comes here. It resolves nothing, remembers
 * nothing and knows no names. Start reading at answer.c.
 */
#include "server.h"

#include <stdlib.h>

#include "inside-dns.rng.h"

const struct xmb_host *idns_host;

struct module {
    struct xmb_module *module;
};

static int has_all(const struct xmb_host *host)
{
    return XMB_HAS(host, log) && XMB_HAS(host, conf) && XMB_HAS(host, worker) &&
           XMB_HAS(host, buf) && XMB_HAS(host, conn) && XMB_HAS(host, metrics) &&
           XMB_HAS(host, datagram);
}

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m;

    if (!has_all(host))
        return XMB_EVERSION;
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return XMB_ENOMEM;
    idns_host = host;
    m->module = module;
    *self = m;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *node, void **next)
{
    struct conf *conf = NULL;
    int rc;

    (void)self;
    rc = idns_conf_read(node, &conf);
    if (rc == 0)
        *next = conf;
    return rc;
}

static void drop_conf(void *self, void *conf)
{
    (void)self;
    idns_conf_free(conf);
}

static void commit(void *self, void *next)
{
    const struct module *m = self;
    const struct conf *conf = next;

    if (conf->listen_count == 0)
        idns_host->log->write(m->module, XMB_LOG_WARN, NULL,
                              "there is no <listen>: nobody can ask");
}

static void stop(void *self)
{
    free(self);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    const struct module *m = self;
    struct worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return XMB_ENOMEM;
    if (idns_rate_init(&w->rate) < 0) {
        free(w);
        return XMB_EIO;
    }
    w->w = worker;
    w->cells = idns_host->metrics->cells(worker, m->module);
    *wself = w;
    return 0;
}

static void worker_fini(void *wself)
{
    free(wself);
}

static void worker_conf(void *wself, void *next)
{
    struct worker *w = wself;

    w->conf = next;
}

/* --- what it declares ------------------------------------------------------------------------ */

#define COUNTER(name, unit, help) {XMB_METRIC_INIT, XMB_COUNTER, name, unit, help}

static const struct xmb_metric metrics[M_COUNT] = {
    [M_QUERIES_UDP] = COUNTER("queries_udp", "queries", "Datagrams read as queries."),
    [M_QUERIES_TCP] = COUNTER("queries_tcp", "queries", "Queries that came over TCP."),
    [M_ANSWERED] = COUNTER("answered", "queries", "Queries answered with the gateway."),
    [M_EMPTY] = COUNTER("empty", "queries", "Queries answered with an empty NOERROR."),
    [M_REFUSED] = COUNTER("refused", "queries",
                          "Queries answered with REFUSED, NOTIMP or BADVERS."),
    [M_MALFORMED] = COUNTER("malformed", "queries", "Queries answered with FORMERR."),
    [M_IGNORED] = COUNTER("ignored", "datagrams", "What was no query, and got no answer."),
    [M_TRUNCATED] = COUNTER("truncated", "queries",
                            "Answers over UDP that were cut; the asker comes back over TCP."),
    [M_LIMITED] = COUNTER("limited", "queries",
                          "Datagrams and connections dropped because there were too many."),
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop_conf,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = worker_fini,
    .worker_conf = worker_conf,
    .retire = drop_conf,
    .stop = stop,
};

static const struct xmb_protocol protocol = {
    .size = sizeof(protocol),
    .default_port = IDNS_PORT,
    .scheme = "dns",
    .open = idns_open,
    .data = idns_data,
    .expired = idns_expired,
    .closed = idns_closed,
};

static const struct xmb_datagram datagram = {
    .size = sizeof(datagram),
    .default_port = IDNS_PORT,
    .received = idns_received,
};

XMB_PLUGIN_NAMED(inside_dns, "inside-dns",
                 .abi_need = 2,
                 .version = "0.1.0",
                 .summary = "DNS responder for servers inside: every name is the gateway",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = inside_dns_rng,
                 .schema_bytes = sizeof(inside_dns_rng) - 1,
                 .XMB_LIST(metrics, metrics),
                 .ops = &ops,
                 .protocol = &protocol,
                 .datagram = &datagram);
