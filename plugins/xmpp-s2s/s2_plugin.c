/* SPDX-License-Identifier: MIT */
/*
 * s2_plugin.c - the descriptor of the federation gateway, and the life of its module.
 *
 * Servers inside and outside connect over XMPP server streams; the gateway ends every stream on
 * both sides, and stanzas of verified pairs of domains cross the border. Start reading at
 * gateway.h.
 *
 */
#include <stdlib.h>

#include "admit.h"
#include "component.h"
#include "flow.h"
#include "health.h"
#include "incoming.h"
#include "link.h"
#include "own.h"
#include "privacy.h"
#include "probe.h"
#include "reverse.h"
#include "show.h"
#include "xmpp-s2s.rng.h"

/* --- life of the module ---------------------------------------------------------------------- */

static int has_all(const struct xmb_host *host)
{
    return XMB_HAS(host, log) && XMB_HAS(host, conf) && XMB_HAS(host, worker) &&
           XMB_HAS(host, timer) && XMB_HAS(host, buf) && XMB_HAS(host, conn) &&
           XMB_HAS(host->conn, secure) && XMB_HAS(host->conn, tls_peer) &&
           XMB_HAS(host->conn, unacked) && XMB_HAS(host->conn, dial_cancel) &&
           XMB_HAS(host->conn, tls_recheck) && XMB_HAS(host->conn, tls_own) &&
           XMB_HAS(host, control) && XMB_HAS(host->control, later) &&
           XMB_HAS(host, policy) && XMB_HAS(host, router) &&
           XMB_HAS(host->router, addresses) && XMB_HAS(host, metrics);
}

static int fill(struct s2_module *m)
{
    int rc = s2_secret_random(&m->made[S2_OUTSIDE]);

    if (rc == 0)
        rc = s2_secret_random(&m->made[S2_INSIDE]);
    if (rc != 0)
        return rc;
    m->health = s2_health_new();
    m->components = s2_components_new();
    m->reverses = s2_reverses_new();
    return m->health != NULL && m->components != NULL && m->reverses != NULL ? 0 : XMB_ENOMEM;
}

static void stop(void *self)
{
    struct s2_module *m = self;

    s2_reverses_free(m->reverses);
    s2_components_free(m->components);
    s2_health_free(m->health);
    free(m);
}

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct s2_module *m;
    const void *table = NULL;
    int rc;

    if (!has_all(host))
        return XMB_EVERSION;
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return XMB_ENOMEM;
    rc = fill(m);
    if (rc != 0) {
        stop(m);
        return rc;
    }
    s2_host = host;
    m->module = module;
    if (host->query(module, S2_PRIVACY_INTERFACE, S2_PRIVACY_REVISION, &table) == 0)
        m->privacy = table;
    *self = m;
    return 0;
}

static void use_made_secret(const struct s2_module *m, struct s2_conf *c, enum s2_side side)
{
    if ((c->secrets_given & (UINT32_C(1) << side)) == 0)
        c->security[side].secret = m->made[side];
}

static int prepare(void *self, const struct xmb_conf *node, void **next)
{
    struct s2_module *m = self;
    struct s2_conf *c = NULL;
    int rc = s2_conf_read(node, &c);

    if (rc != 0)
        return rc;
    use_made_secret(m, c, S2_OUTSIDE);
    use_made_secret(m, c, S2_INSIDE);
    c->generation = ++m->generation;
    s2_own_warn(m, c);
    *next = c;
    return 0;
}

static void drop_conf(void *self, void *conf)
{
    (void)self;
    s2_conf_free(conf);
}

static int listens_on(const struct s2_conf *c, enum s2_side side)
{
    size_t i;

    for (i = 0; i < c->listen_count; i++) {
        if (c->listens[i].side == side)
            return 1;
    }
    return 0;
}

/* R30: that is how an installation begins, and nothing would say why nobody gets through. */
static void warn_lists(const struct s2_module *m)
{
    const char *mode = m->privacy != NULL ? m->privacy->mode() : NULL;

    if (mode != NULL && strcmp(mode, "allow-list") == 0 && m->privacy->listed() == 0)
        S2_LOG(m->module, XMB_LOG_WARN, NULL, NULL,
               "the allow list is empty: nobody outside can federate but domains with a static "
               "route; name them in <federation> of allow-deny");
}

/* What is allowed and yet hardly what was meant. */
static void warn(const struct s2_module *m, const struct s2_conf *c)
{
    enum s2_side side;

    if (c->local_count == 0)
        S2_LOG(m->module, XMB_LOG_WARN, NULL, NULL,
               "there is no <local-domain>: nobody can federate until there is one");
    for (side = S2_OUTSIDE; side <= S2_INSIDE; side++) {
        if (!listens_on(c, side))
            S2_LOG(m->module, XMB_LOG_WARN, NULL, NULL,
                   "there is no <listen side=\"%s\">: no server can connect from there",
                   s2_side_name(side));
    }
    if (c->local_count > 0 && (c->secrets_given & (1u << S2_OUTSIDE)) == 0)
        S2_LOG(m->module, XMB_LOG_WARN, NULL, NULL,
               "there is no <dialback secret-file=>: a secret was made for this process alone; "
               "several nodes for one domain must share one, or they deny each other's keys");
}

/* Until it connects, its domain cannot be reached. */
static void expect_components(const struct s2_module *m, const struct s2_conf *c)
{
    char why[S2_HEALTH_WHY];
    size_t i;

    for (i = 0; i < c->local_count; i++) {
        const struct s2_domain *name = &c->locals[i].name;

        if (c->locals[i].component && s2_health_read(m->health, name, why) == S2_REACH_UNTRIED)
            s2_health_note(m->health, name, "its component has not connected yet");
    }
}

static void commit(void *self, void *next)
{
    struct s2_module *m = self;
    const struct s2_conf *c = next;

    s2_health_keep(m->health, c);
    expect_components(m, c);
    if (!c->enabled) {
        S2_LOG(m->module, XMB_LOG_NOTICE, NULL, NULL,
               "federation is switched off: every connection is refused");
        return;
    }
    warn(m, c);
    warn_lists(m);
    S2_LOG(m->module, XMB_LOG_NOTICE, NULL, NULL,
           "federation of %zu local domains: %s outside, %s inside", c->local_count,
           s2_mode_name(c->security[S2_OUTSIDE].mode), s2_mode_name(c->security[S2_INSIDE].mode));
}

static void drain_flows(struct xmb_worker *worker, void *arg);

/* Queues first: connections are told right after (xmb_protocol.drain), in the same mailbox. */
static void drain(void *self, uint64_t deadline_ms)
{
    struct s2_module *m = self;
    struct xmb_worker *worker;
    uint32_t i;

    m->drain_ms = deadline_ms;
    for (i = 0; (worker = s2_host->worker->at(i)) != NULL; i++)
        (void)s2_host->worker->post(worker, m->module, drain_flows, m, 0);
}

/* --- life on a worker ------------------------------------------------------------------------ */

static void worker_fini(void *wself)
{
    struct s2_worker *w = wself;

    s2_probes_end(w);
    if (w->incomings != NULL)
        s2_incomings_fini(w);
    if (w->flows != NULL)
        s2_flows_fini(w);
    if (w->links != NULL)
        s2_links_fini(w);
    s2_admit_fini(w);
    free(w);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct s2_module *m = self;
    struct s2_worker *w = calloc(1, sizeof(*w));
    int rc;

    if (w == NULL)
        return XMB_ENOMEM;
    w->module = m;
    w->worker = worker;
    w->cells = s2_host->metrics->cells(worker, m->module);
    w->index = s2_host->worker->index(worker);
    w->count = s2_host->worker->count();
    rc = s2_links_init(w);
    if (rc == 0)
        rc = s2_flows_init(w);
    if (rc == 0)
        rc = s2_incomings_init(w);
    if (rc != 0) {
        worker_fini(w);
        return rc;
    }
    *wself = w;
    return 0;
}

/* Streams first, so that a flow finds no pair that is not admitted any more. */
void s2_recheck(void *wself)
{
    struct s2_worker *w = wself;

    s2_in_recheck(w);
    s2_component_recheck(w);
    s2_flow_recheck(w);
    s2_link_recheck(w);
}

/* Module and profiles may change in one reload: then `prepare` has said what is wrong with ours. */
void s2_tls_changed(void *wself)
{
    struct s2_worker *w = wself;

    s2_in_tls_changed(w);
    s2_link_tls_changed(w);
    if (w->index == 0 && s2_now_ms(w) != w->conf_ms)
        s2_own_warn(w->module, w->conf);
}

static void worker_conf(void *wself, void *next)
{
    struct s2_worker *w = wself;
    int first = w->conf == NULL;

    w->conf = next;
    w->conf_ms = s2_now_ms(w);
    if (!first)
        s2_recheck(w);
}

static void drain_flows(struct xmb_worker *worker, void *arg)
{
    const struct s2_module *m = arg;
    struct s2_worker *w;

    if (worker == NULL)
        return;
    w = s2_host->worker->state(worker, m->module);
    if (w == NULL)
        return;
    w->is_draining = 1;
    s2_probes_end(w);
    s2_flow_drain(w, m->drain_ms);
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
    .drain = drain,
    .stop = stop,
};

static const struct xmb_need needs[] = {
    {XMB_NEED_INIT, S2_PRIVACY_REVISION | XMB_NEED_OPTIONAL, S2_PRIVACY_INTERFACE},
};

XMB_PLUGIN_NAMED(xmpp_s2s, "xmpp-s2s",
                 .abi_need = 3,
                 .version = "0.1.0",
                 .summary = "XMPP federation gateway: server streams on both sides of the border",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = xmpp_s2s_rng,
                 .schema_bytes = sizeof(xmpp_s2s_rng) - 1,
                 .XMB_LIST(requires_list, needs),
                 .XMB_LIST(metrics, s2_metrics),
                 .commands = s2_commands,
                 .commands_count = S2_COMMANDS,
                 .ops = &ops,
                 .protocol = &s2_protocol,
                 .log_name = "XMPPFederation");
