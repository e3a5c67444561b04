/* SPDX-License-Identifier: MIT */
/*
 * host.c - the root table that every plugin gets in init: the one place where the core's tables
 * come together. And `query`, by which plugins find each other's interfaces, not the core's.
 */
#include "config.h" /* PACKAGE_VERSION */

#include "plugin/plugin_priv.h"

#include "buf/buf.h"
#include "conf/conf.h"
#include "conn/conn.h"
#include "control/control.h"
#include "datagram/datagram.h"
#include "log/log.h"
#include "loop/worker.h"
#include "metrics/metrics.h"
#include "netif/netif.h"
#include "policy/policy.h"
#include "rawip/rawip.h"
#include "router/router.h"
#include "service/service.h"

#include <string.h>

static const struct xmb_need *find(const struct xmb_need *list, size_t count, const char *name)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

/* A requirement may name the interface, or the module that provides it. */
static int is_required(const struct xmb_module *m, const char *name, const char *provider)
{
    return find(m->plugin.requires_list, m->plugin.requires_list_count, name) != NULL ||
           find(m->plugin.requires_list, m->plugin.requires_list_count, provider) != NULL;
}

static int ask(const struct xmb_module *provider, const char *name, uint32_t revision,
               const void **table)
{
    struct module_mark mark;
    int rc;

    if (provider->ops.interface == NULL)
        return XMB_ENOENT;
    mark = module_enter(provider);
    rc = provider->ops.interface(provider->self, name, revision, table);
    module_leave(mark);
    return rc;
}

static int query(struct xmb_module *module, const char *name, uint32_t revision,
                 const void **table)
{
    const struct xmb_need *offer;
    int rc = XMB_ENOENT;
    uint32_t i;

    for (i = 1; i < module_count(); i++) {
        const struct xmb_module *m = module_at(i);

        offer = find(m->plugin.provides, m->plugin.provides_count, name);
        if (offer == NULL || m->state < MODULE_INITED || !is_required(module, name, m->name))
            continue;
        if (offer->revision >= revision)
            return ask(m, name, revision, table);
        rc = XMB_EVERSION;
    }
    return rc;
}

const struct xmb_host host_table = {
    .size = sizeof host_table,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .build = "xmbd " PACKAGE_VERSION,
    .log = &log_api,
    .conf = &conf_api,
    .worker = &worker_api,
    .timer = &timer_api,
    .buf = &buf_api,
    .conn = &conn_api,
    .service = &service_api,
    .policy = &policy_api,
    .router = &router_api,
    .metrics = &metrics_api,
    .control = &control_api,
    .msg = NULL,
    .query = query,
    .datagram = &datagram_api,
    .rawip = &rawip_api,
    .netif = &netif_api,
};
