/* SPDX-License-Identifier: MIT */
/*
 * host.c - the fake host's life and that of its modules.
 */
#include "fake_priv.h"

struct fake_host fake;

static int query(struct xmb_module *module, const char *name, uint32_t revision,
                 const void **table)
{
    (void)module;
    (void)name;
    (void)revision;
    (void)table;
    return XMB_ENOENT;
}

static const struct xmb_host host = {
    .size = sizeof(host),
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .build = "fakehost",
    .log = &fake_log_api,
    .conf = &fake_conf_api,
    .worker = &fake_worker_api,
    .timer = &fake_timer_api,
    .buf = &fake_buf_api,
    .conn = &fake_conn_api,
    .service = &fake_service_api,
    .policy = &fake_policy_api,
    .router = &fake_router_api,
    .metrics = &fake_metrics_api,
    .control = &fake_control_api,
    .query = query,
    .datagram = &fake_datagram_api,
    .rawip = &fake_rawip_api,
    .netif = &fake_netif_api,
};

const struct xmb_host *xmb_fakehost_host(void)
{
    return &host;
}

struct xmb_worker *xmb_fakehost_worker(void)
{
    return &fake.worker;
}

void *xmb_fakehost_wself(const struct xmb_module *m)
{
    return m->wself;
}

void xmb_fakehost_open(void)
{
    if (fake.is_open)
        fake_fail("a fake host is open already");
    memset(&fake, 0, sizeof(fake));
    fake.is_open = 1;
    fake.now_ms = 1000000;
    fake.log_level = XMB_LOG_DEBUG;
}

/* --- modules --------------------------------------------------------------------------------- */

struct xmb_module *xmb_fakehost_load(const struct xmb_plugin *plugin)
{
    struct xmb_module *m;
    int rc;

    if (plugin->magic != XMB_PLUGIN_MAGIC || plugin->abi_major != XMB_ABI_MAJOR ||
        plugin->ops == NULL || plugin->ops->init == NULL)
        fake_fail("this is not a descriptor of a plugin");
    if (fake.module_count == FAKE_MODULES_MAX)
        fake_fail("too many modules");
    m = fake_alloc(sizeof(*m));
    m->plugin = plugin;
    m->index = fake.module_count;
    m->cells = fake_alloc((plugin->metrics_count + 1) * sizeof(*m->cells));
    fake.module[fake.module_count++] = m;
    rc = plugin->ops->init(&host, m, &m->self);
    if (rc == 0)
        return m;
    fake.module_count--;
    free(m->cells);
    free(m);
    return NULL;
}

/* Where the broker begins a module: worker, routing, start. */
static int bring_up(struct xmb_module *m)
{
    const struct xmb_module_ops *ops = m->plugin->ops;
    const struct xmb_routing *routing = m->plugin->routing;
    int rc = 0;

    if (XMB_HAS(routing, begin))
        rc = routing->begin(m->self);
    if (rc == 0 && XMB_HAS(ops, worker_init))
        rc = ops->worker_init(m->self, &fake.worker, &m->wself);
    if (rc < 0)
        return rc;
    m->is_up = 1;
    if (XMB_HAS(ops, worker_conf))
        ops->worker_conf(m->wself, m->conf);
    return XMB_HAS(ops, start) ? ops->start(m->self) : 0;
}

static int make_current(struct xmb_module *m, void *next, struct xmb_conf *nodes)
{
    const struct xmb_module_ops *ops = m->plugin->ops;
    struct xmb_conf *old_nodes = m->nodes;
    void *old = m->conf;

    if (XMB_HAS(ops, commit))
        ops->commit(m->self, next);
    m->conf = next;
    m->nodes = nodes;
    if (!m->is_up)
        return bring_up(m);
    if (XMB_HAS(ops, worker_conf))
        ops->worker_conf(m->wself, next);
    if (XMB_HAS(ops, retire))
        ops->retire(m->self, old);
    fake_conf_free(old_nodes);
    return 0;
}

static int configure(struct xmb_module *m, const char *attributes, const char *inner,
                     int only_check)
{
    const struct xmb_module_ops *ops = m->plugin->ops;
    struct xmb_conf *nodes;
    void *next = NULL;
    int rc = 0;

    fake_text_clear(&fake.faults);
    nodes = fake_conf_read(m, attributes, inner);
    if (nodes == NULL)
        return XMB_ECONF;
    if (XMB_HAS(ops, prepare))
        rc = ops->prepare(m->self, nodes, &next);
    if (rc == 0 && fake.faults.n > 0)
        fake_fail("prepare of %s reported a fault and returned success", m->plugin->name);
    if (rc == XMB_ECONF && fake.faults.n == 0)
        fake_fail("prepare of %s refused and did not say why", m->plugin->name);
    if (rc == 0 && !only_check)
        return make_current(m, next, nodes);
    if (rc == 0 && XMB_HAS(ops, abort))
        ops->abort(m->self, next);
    fake_conf_free(nodes);
    return rc;
}

int xmb_fakehost_configure(struct xmb_module *m, const char *inner)
{
    return configure(m, "", inner, 0);
}

int xmb_fakehost_configure_with(struct xmb_module *m, const char *attributes, const char *inner)
{
    return configure(m, attributes, inner, 0);
}

int xmb_fakehost_check(struct xmb_module *m, const char *inner)
{
    return configure(m, "", inner, 1);
}

const char *xmb_fakehost_faults(void)
{
    return fake_text_get(&fake.faults);
}

void xmb_fakehost_drain(struct xmb_module *m, uint64_t deadline_ms)
{
    const struct xmb_module_ops *ops = m->plugin->ops;

    if (XMB_HAS(ops, drain))
        ops->drain(m->self, deadline_ms);
    fake_conns_drain(m);
    xmb_fakehost_run();
    if (XMB_HAS(m->plugin->routing, drain))
        m->plugin->routing->drain(m->self, deadline_ms);
    xmb_fakehost_run();
}

int xmb_fakehost_drained(struct xmb_module *m)
{
    const struct xmb_routing *routing = m->plugin->routing;

    return XMB_HAS(routing, drained) ? routing->drained(m->self) != 0 : 1;
}

/* --- the end --------------------------------------------------------------------------------- */

static void take_down(struct xmb_module *m)
{
    const struct xmb_module_ops *ops = m->plugin->ops;

    if (m->is_up && XMB_HAS(ops, worker_fini))
        ops->worker_fini(m->wself);
    if (m->is_up && XMB_HAS(m->plugin->routing, end))
        m->plugin->routing->end(m->self);
    fake_routing_timers_end(m);
    fake_netif_end(m);
    fake_rawip_end(m);
    if (m->nodes != NULL && XMB_HAS(ops, retire))
        ops->retire(m->self, m->conf);
    if (XMB_HAS(ops, stop))
        ops->stop(m->self);
    m->is_up = 0; /* what is still taken back is not told to it */
}

static void module_free(struct xmb_module *m)
{
    fake_conf_free(m->nodes);
    free(m->cells);
    free(m);
}

static void check_left(void)
{
    size_t tickets = atomic_load(&fake.tickets);

    if (xmb_fakehost_owners() != 0)
        fake_fail("%zu owners were left open", xmb_fakehost_owners());
    if (xmb_fakehost_rawips() != 0)
        fake_fail("%zu raw sockets were left open", xmb_fakehost_rawips());
    if (xmb_fakehost_subscriptions() != 0)
        fake_fail("%zu subscriptions were left open", xmb_fakehost_subscriptions());
    if (tickets != 0)
        fake_fail("%zu tickets were never given back", tickets);
    if (xmb_fakehost_principals() != 0)
        fake_fail("%zu principals were never released", xmb_fakehost_principals());
    if (atomic_load(&fake.slabs) != 0)
        fake_fail("%zu slabs were never released", atomic_load(&fake.slabs));
}

void xmb_fakehost_close(void)
{
    uint32_t i;

    if (!fake.is_open)
        fake_fail("no fake host is open");
    fake_conns_reset();
    xmb_fakehost_run();
    fake_sockets_gone();
    for (i = fake.module_count; i > 0; i--)
        take_down(fake.module[i - 1]);
    fake_work_drop();
    fake_timers_free();
    fake_conns_free();
    fake_policy_free();
    fake_router_free();
    fake_sockets_free();
    fake_rawip_free();
    fake_netif_free();
    check_left();
    fake_subscriptions_free();
    fake_registry_free();
    for (i = fake.module_count; i > 0; i--)
        module_free(fake.module[i - 1]);
    fake_say_end();
    fake_text_free(&fake.log);
    fake_text_free(&fake.faults);
    fake_text_free(&fake.answer);
    fake.is_open = 0;
}
