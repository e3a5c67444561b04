/* SPDX-License-Identifier: MIT */
/*
 * saf_eigrp.c - the plugin: its descriptor, the life of the module, and the way of a configuration
 * from the control thread to the routing loop, where the forwarder lives (process.h).
 *
 * The sockets are opened in `prepare`, because there the operator can be told what is missing, and
 * nothing has changed yet.
 */
#include "announce.h"
#include "metrics.h"
#include "process.h"
#include "show.h"

#include <xmb/plugin.h>

#include <stdatomic.h>
#include <stdlib.h>

#include "saf-eigrp.rng.h"

#define METRICS_MS 1000

struct module {
    struct se_forwarder forwarder; /* thread: routing */
    const struct xmb_host *host;
    struct xmb_module *module;
    _Atomic(struct se_next *) wanted; /* committed, and not yet with the routing loop */
    int began; /* thread: control */
    /* Thread: routing. */
    struct xmb_timer *metrics_timer;
    struct se_metrics_seen metrics;
};

struct se_forwarder *se_forwarder_of(void *self)
{
    struct module *m = self;

    return &m->forwarder;
}

/* --- prepare ---------------------------------------------------------------------------------- */

static int fault(const struct module *m, const struct xmb_conf *conf,
                 const struct se_family_conf *family, int rc)
{
    const char *why = "the system has no such socket";

    if (rc == XMB_EDENIED)
        why = "opening a raw IP socket needs CAP_NET_RAW: start xmbd as root, which keeps just "
              "that, or give it with AmbientCapabilities=CAP_NET_RAW in the unit, or with "
              "setcap cap_net_raw+ep on the program";
    else if (rc == XMB_ENOENT)
        why = "there is no such VRF";
    else if (rc == XMB_ENOMEM)
        why = "out of memory";
    return m->host->conf->fault(conf, "service family ipv%u %u: no socket for IP protocol %u: %s",
                                (unsigned)family->family, (unsigned)family->as_number,
                                SE_IP_PROTOCOL, why);
}

/* One for each family, whether it runs already or not: the process keeps the one that it has. */
static int open_sockets(const struct module *m, const struct xmb_conf *conf, struct se_next *next)
{
    const struct se_family_conf *family;
    size_t i;
    int rc;

    next->sockets = calloc(next->conf->family_count + 1, sizeof(struct se_socket *));
    if (next->sockets == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < next->conf->family_count; i++) {
        family = &next->conf->families[i];
        rc = 0;
        if (!family->is_shutdown)
            rc = se_socket_open(m->host, m->module, family, &next->sockets[i]);
        if (rc < 0)
            return fault(m, conf, family, rc);
    }
    return 0;
}

/* What the core hands from prepare to retire: the sockets leave with `next` at commit. */
struct prepared {
    struct se_conf *conf;
    struct se_next *next;
};

static void prepared_free(const struct module *m, struct prepared *p)
{
    se_next_free(m->host, p->next);
    se_conf_release(p->conf);
    free(p);
}

static int prepare(void *self, const struct xmb_conf *conf, void **out)
{
    struct module *m = self;
    struct prepared *p = calloc(1, sizeof(*p));
    int rc = XMB_ENOMEM;

    if (p == NULL)
        return rc;
    p->next = calloc(1, sizeof(*p->next));
    if (p->next != NULL)
        rc = se_conf_read(m->host, m->module, conf, &p->conf);
    if (rc == 0) {
        p->next->conf = se_conf_hold(p->conf);
        rc = open_sockets(m, conf, p->next);
    }
    if (rc < 0)
        prepared_free(m, p);
    else
        *out = p;
    return rc;
}

/* --- to the routing loop ---------------------------------------------------------------------- */

/* Takes over what was committed last. Thread: routing. */
static void apply_wanted(void *arg)
{
    struct module *m = arg;
    struct se_next *next = atomic_exchange(&m->wanted, NULL);

    if (next != NULL) /* else an earlier message has taken it */
        se_forwarder_apply(&m->forwarder, next);
}

static void commit(void *self, void *prepared)
{
    struct module *m = self;
    struct prepared *p = prepared;
    int rc = 0;

    se_conf_advise(m->host, m->module, p->conf);
    se_next_free(m->host, atomic_exchange(&m->wanted, p->next));
    p->next = NULL;
    if (m->began)
        rc = m->host->router->post(m->module, apply_wanted, NULL, m, 0);
    m->began = 1;
    if (rc < 0)
        m->host->log->write(m->module, XMB_LOG_ERROR, NULL,
                            "the routing loop is full; the old configuration stays in force until "
                            "the next change");
}

static void retire(void *self, void *old)
{
    prepared_free(self, old);
}

static void count(void *arg)
{
    struct module *m = arg;

    se_metrics_collect(&m->metrics, &m->forwarder, m->host->metrics->routing_cells(m->module));
    m->host->timer->start(m->metrics_timer, METRICS_MS);
}

static int begin(void *self)
{
    struct module *m = self;
    int rc;

    m->metrics_timer = m->host->router->timer(m->module, count, m);
    if (m->metrics_timer == NULL)
        return XMB_ENOMEM;
    rc = se_forwarder_begin(&m->forwarder);
    if (rc < 0)
        return rc;
    apply_wanted(m);
    count(m);
    return 0;
}

static void end(void *self)
{
    struct module *m = self;

    se_forwarder_end(&m->forwarder);
}

static void drain(void *self, uint64_t deadline_ms)
{
    (void)deadline_ms;
    se_forwarder_drain(se_forwarder_of(self));
}

static int drained(void *self)
{
    return se_forwarder_is_drained(se_forwarder_of(self));
}

static void service_changed(void *self, const struct xmb_service *now,
                            const struct xmb_service *was, uint32_t reason)
{
    (void)reason;
    se_bridge_local(se_forwarder_of(self), now, was);
}

/* --- life ------------------------------------------------------------------------------------- */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return XMB_ENOMEM;
    m->host = m->forwarder.host = host;
    m->module = m->forwarder.module = module;
    *self = m;
    return 0;
}

static void stop(void *self)
{
    struct module *m = self;

    se_next_free(m->host, atomic_exchange(&m->wanted, NULL));
    free(m);
}

/* XMPP domains are announced by the first worker alone, for all. */
static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct module *m = self;
    struct se_announcer *a = NULL;
    int rc = 0;

    if (m->host->worker->index(worker) == 0)
        rc = se_announcer_new(m->host, m->module, worker, &a);
    *wself = a;
    return rc;
}

static void worker_fini(void *wself)
{
    se_announcer_free(wself);
}

static void worker_conf(void *wself, void *prepared)
{
    const struct prepared *p = prepared;

    if (wself != NULL)
        se_announcer_configure(wself, p->conf);
}

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = retire,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = worker_fini,
    .worker_conf = worker_conf,
    .retire = retire,
    .stop = stop,
};

static const struct xmb_routing routing_role = {
    .size = sizeof(routing_role),
    .begin = begin,
    .end = end,
    .service_changed = service_changed,
    .drain = drain,
    .drained = drained,
};

XMB_PLUGIN_NAMED(saf_eigrp, "saf-eigrp",
                 .abi_need = 3,
                 .flags = XMB_PLUGIN_RAW_IP,
                 .version = "1.0",
                 .summary = "services of other brokers and of routers, by SAF over EIGRP",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = saf_eigrp_rng,
                 .schema_bytes = sizeof(saf_eigrp_rng) - 1,
                 .XMB_LIST(metrics, se_metrics),
                 .XMB_LIST(commands, se_commands),
                 .ops = &ops,
                 .routing = &routing_role);
