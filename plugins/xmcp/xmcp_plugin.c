/* SPDX-License-Identifier: MIT */
/*
 * xmcp_plugin.c - the descriptor of the XMCP server, and the life of its module.
 *
 * Clients register over TCP (port 4788 unless configured), publish services and subscribe to
 * them; the registry in the core does the rest. Who may register is the policy modules' business,
 * what is on the wire libxmcp's. Start reading at session.h.
 */
#include <stdlib.h>

#include "cache.h"
#include "entropy.h"
#include "pending.h"
#include "session.h"
#include "show.h"
#include "xmcp.rng.h"

const struct xmb_host *xs_host;
const struct xs_address_lists *xs_lists;

/* --- life of the module ---------------------------------------------------------------------- */

static int has_all(const struct xmb_host *host)
{
    return XMB_HAS(host, log) && XMB_HAS(host, conf) && XMB_HAS(host, worker) &&
           XMB_HAS(host, buf) && XMB_HAS(host, conn) &&
           XMB_HAS(host, service) && XMB_HAS(host, policy) && XMB_HAS(host, metrics) &&
           XMB_HAS(host, control);
}

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    const void *table = NULL;
    struct server *server;

    if (!has_all(host))
        return XMB_EVERSION;
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        return XMB_ENOMEM;
    if (xs_entropy(&server->throttle_secret, sizeof(server->throttle_secret)) < 0 ||
        xs_entropy(&server->handle_secret, sizeof(server->handle_secret)) < 0) {
        free(server);
        return XMB_EIO;
    }
    xs_host = host;
    xs_lists = NULL;
    if (host->query(module, XS_ADDRESS_LISTS_NAME, XS_ADDRESS_LISTS_REVISION, &table) == 0)
        xs_lists = table;
    server->module = module;
    *self = server;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *node, void **next)
{
    struct conf *conf = NULL;
    int rc;

    (void)self;
    rc = xs_conf_read(node, &conf);
    if (rc == 0)
        *next = conf;
    return rc;
}

static void drop_conf(void *self, void *conf)
{
    (void)self;
    xs_conf_free(conf);
}

static void commit(void *self, void *next)
{
    const struct server *server = self;
    const struct conf *conf = next;

    if (conf->listen_count == 0)
        xs_host->log->write(server->module, XMB_LOG_WARN, NULL,
                            "there is no <listen>: no client can connect");
    if (xs_lists == NULL && (conf->allow_ipv4 != NULL || conf->allow_ipv6 != NULL))
        xs_host->log->write(server->module, XMB_LOG_WARN, NULL,
                            "<allow-list> names an address list, and allow-deny is not loaded: "
                            "nobody is let in unless another module knows it");
}

static void warn_lost(const struct server *server, const char *list)
{
    if (list != NULL && !xs_lists->known(list))
        xs_host->log->write(server->module, XMB_LOG_WARN, list,
                            "allow-deny has this address list no more, and <allow-list> names it: "
                            "whoever must be in it is not let in");
}

/* A list may go while this module's own element stays, and then prepare was not asked. */
static void policy_changed(void *wself)
{
    const struct worker *w = wself;

    if (xs_lists != NULL && xs_host->worker->index(w->w) == 0) {
        warn_lost(w->server, w->conf->allow_ipv4);
        warn_lost(w->server, w->conf->allow_ipv6);
    }
    xs_recheck(wself);
}

static void stop(void *self)
{
    free(self);
}

/* --- life on a worker ------------------------------------------------------------------------ */

static void worker_fini(void *wself)
{
    struct worker *w = wself;
    struct ring *r;

    xs_cache_free(w->cache);
    while ((r = w->free_rings) != NULL) {
        w->free_rings = r->next_free;
        free(r);
    }
    free(w->handles.buckets);
    free(w);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct server *server = self;
    struct worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return XMB_ENOMEM;
    w->server = server;
    w->w = worker;
    w->cells = xs_host->metrics->cells(worker, server->module);
    w->cache = xs_cache_new();
    if (w->cache == NULL) {
        worker_fini(w);
        return XMB_ENOMEM;
    }
    *wself = w;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct worker *w = wself;

    w->conf = next;
    xs_recheck(w);
}

/* --- what it declares ------------------------------------------------------------------------ */

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
    .default_port = XS_PORT,
    .scheme = "xmcp",
    .open = xs_open,
    .data = xs_data,
    .writable = xs_writable,
    .expired = xs_expired,
    .closed = xs_closed,
    .drain = xs_drain,
    .policy_changed = policy_changed,
};

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show service-routing xmcp server", "",
     "The XMCP server: listeners, limits and counters", xs_show_server},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show service-routing xmcp clients",
     "[ADDRESS|HANDLE] [detail]", "Connected XMCP clients", xs_show_clients},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, XMB_COMMAND_CHANGES, 0,
     "clear service-routing xmcp client", "ADDRESS|HANDLE|all",
     "Revoke the session of XMCP clients", xs_clear_client},
};

static const struct xmb_need needs[] = {
    {XMB_NEED_INIT, XS_ADDRESS_LISTS_REVISION | XMB_NEED_OPTIONAL, XS_ADDRESS_LISTS_NAME},
};

XMB_PLUGIN(xmcp,
           .abi_need = 2, /* a need that may be missing */
           .version = "0.1.0",
           .summary = "XMCP server: clients publish and subscribe to services",
           .license = "MIT",
           .origin = "XMB",
           .schema = xmcp_rng,
           .schema_bytes = sizeof(xmcp_rng) - 1,
           .XMB_LIST(requires_list, needs),
           .XMB_LIST(metrics, xs_metrics),
           .XMB_LIST(commands, commands),
           .ops = &ops,
           .protocol = &protocol);
