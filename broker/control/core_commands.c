/* SPDX-License-Identifier: MIT */
/*
 * core_commands.c - what the core itself can show and do.
 *
 * Everything about a protocol or a policy is a command of its plugin.
 */
#include <config.h>

#include "control/control_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "conn/conn.h"
#include "datagram/datagram.h"
#include "router/router.h"
#include "service/service.h"

static uint64_t began_ms;

void core_commands_began(void)
{
    began_ms = uv_hrtime() / 1000000;
}

static int show_version(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    char abi[32];

    (void)state;
    (void)call;
    snprintf(abi, sizeof abi, "%d.%d", XMB_ABI_MAJOR, XMB_ABI_MINOR);
    control_api.text(out, "version", xmb_str(PACKAGE_VERSION));
    control_api.text(out, "abi", xmb_str(abi));
    control_api.number(out, "uptime_seconds",
                       (int64_t)((uv_hrtime() / 1000000 - began_ms) / 1000));
    control_api.number(out, "workers", worker_count());
    return 0;
}

static void emit_roles(const struct xmb_module *m, struct xmb_out *out)
{
    control_api.list_begin(out, "roles");
    if (m->protocol.size != 0)
        control_api.item(out, XMB_STR("protocol"));
    if (m->routing.size != 0)
        control_api.item(out, XMB_STR("routing"));
    if (m->policy.size != 0)
        control_api.item(out, XMB_STR("policy"));
    if (m->datagram.size != 0)
        control_api.item(out, XMB_STR("datagram"));
    control_api.list_end(out);
}

static int show_modules(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    uint32_t i;

    (void)state;
    (void)call;
    control_api.list_begin(out, "modules");
    for (i = 1; i < module_count(); i++) {
        const struct xmb_module *m = module_at(i);

        control_api.row_begin(out);
        control_api.text(out, "name", xmb_str(m->name));
        control_api.text(out, "version", xmb_str(m->plugin.version));
        emit_roles(m, out);
        control_api.text(out, "state", xmb_str(module_state_name(m->state)));
        control_api.flag(out, "linked_in", m->linked_in);
        control_api.text(out, "summary", xmb_str(m->plugin.summary));
        control_api.row_end(out);
    }
    control_api.list_end(out);
    return 0;
}

static void emit_listener(struct xmb_out *out, const struct xmb_module *m, const char *transport,
                          const struct xmb_addr *bound, const char *vrf)
{
    control_api.row_begin(out);
    control_api.text(out, "module", xmb_str(m->name));
    control_api.text(out, "transport", xmb_str(transport));
    control_api.address(out, "address", bound);
    control_api.number(out, "port", bound->port);
    if (vrf != NULL)
        control_api.text(out, "vrf", xmb_str(vrf));
    else
        control_api.null(out, "vrf");
    control_api.row_end(out);
}

static void emit_tcp(void *arg, const struct xmb_module *m, uint32_t ordinal,
                     const struct xmb_addr *bound, const char *vrf)
{
    (void)ordinal;
    emit_listener(arg, m, "tcp", bound, vrf);
}

static void emit_udp(void *arg, const struct xmb_module *m, uint32_t ordinal,
                     const struct xmb_addr *bound, const char *vrf)
{
    (void)ordinal;
    emit_listener(arg, m, "udp", bound, vrf);
}

static int show_listeners(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    control_api.list_begin(out, "listeners");
    listeners_walk(emit_tcp, out);
    datagrams_walk(emit_udp, out);
    control_api.list_end(out);
    return 0;
}

static int emit_service(void *arg, const struct xmb_service *s)
{
    struct xmb_out *out = arg;
    const uint32_t *w = s->id.instance;
    char instance[40];

    snprintf(instance, sizeof instance, "%08x.%08x.%08x.%08x", w[0], w[1], w[2], w[3]);
    control_api.row_begin(out);
    control_api.number(out, "domain", s->domain);
    control_api.number(out, "service", s->id.service);
    control_api.number(out, "subservice", s->id.subservice);
    control_api.text(out, "instance", xmb_str(instance));
    control_api.number(out, "sequence", s->sequence);
    control_api.text(out, "source",
                     s->flags & XMB_SERVICE_LEARNED ? XMB_STR("learned") : XMB_STR("local"));
    control_api.number(out, "protocol", s->ip_protocol);
    control_api.address(out, "address", &s->addr);
    control_api.number(out, "port", s->addr.port);
    control_api.number(out, "bytes", (int64_t)s->data.n);
    control_api.row_end(out);
    return 0;
}

static int show_services(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    unsigned long domain = 0;
    char *end;

    (void)state;
    if (call->arg_count == 2) { /* the keyword, and its number */
        domain = strtoul(call->args[1], &end, 10);
        if (*end != '\0' || domain < 1 || domain > 65535)
            return control_api.error(out, "\"%.20s\" is not a domain number from 1 to 65535",
                                     call->args[1]);
    }
    control_api.list_begin(out, "services");
    service_api.walk((uint32_t)domain, emit_service, out);
    control_api.list_end(out);
    return 0;
}

static void emit_route(void *arg, const struct xmb_module *m, const struct xmb_route *r)
{
    struct xmb_out *out = arg;

    control_api.row_begin(out);
    control_api.text(out, "domain", r->domain);
    control_api.text(out, "module", xmb_str(m->name));
    if (r->target.n > 0)
        control_api.text(out, "target", r->target);
    else
        control_api.address(out, "target", &r->addr);
    control_api.number(out, "port", r->addr.family != 0 ? r->addr.port : r->port);
    control_api.number(out, "priority", r->priority);
    control_api.number(out, "weight", r->weight);
    control_api.row_end(out);
}

static int show_routes(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    control_api.list_begin(out, "routes");
    router_walk(xmb_str(call->arg_count > 0 ? call->args[0] : NULL), emit_route, out);
    control_api.list_end(out);
    return 0;
}

static int config_check(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    return reload_command(1, out);
}

static int config_reload(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    return reload_command(0, out);
}

const struct xmb_command core_commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "show version", "",
     "the broker's version, its plugin ABI, and how long it runs", show_version},
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "show modules", "",
     "the modules that are loaded, their roles and state, and which are linked in", show_modules},
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "show listeners", "",
     "the addresses and ports that are listened on", show_listeners},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show services", "[domain N]",
     "the services in the registry", show_services},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show routes", "[DOMAIN]",
     "the routes to messaging domains", show_routes},
    {XMB_COMMAND_INIT, SCOPE_EVERYWHERE, 0, 0, "show metrics", "",
     "every counter and gauge", show_metrics},
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "config check", "",
     "checks the configuration file and changes nothing", config_check},
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, XMB_COMMAND_CHANGES, 0, "config reload", "",
     "puts the configuration file into force, all of it or nothing", config_reload},
};
const size_t core_commands_count = sizeof core_commands / sizeof core_commands[0];
