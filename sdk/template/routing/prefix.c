/* SPDX-License-Identifier: MIT */
/*
 * prefix.c - a routing plugin to copy: a domain that no table has is at the host whose name is a
 * label and the domain: xmpp.example.net for example.net. Nothing is pushed; it is asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xmb/xmb.h>

#define KEPT_S 300 /* how long the router may keep an answer */

static const struct xmb_host *host;

/*
 * What is asked runs on the routing loop, configuration on the control thread. A module that is
 * configured once, before `begin`, may read it there; one whose settings change posts them with
 * host->router->post.
 */
struct prefix {
    char label[64];
    uint16_t port;
};

static int init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    (void)module;
    if (!XMB_HAS(h, router) || !XMB_HAS(h->router, resolved_for))
        return XMB_EVERSION;
    host = h;
    *self = calloc(1, sizeof(struct prefix));
    return *self != NULL ? 0 : XMB_ENOMEM;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct prefix *p = calloc(1, sizeof *p);
    uint64_t port = 5269;

    (void)self;
    if (p == NULL)
        return XMB_ENOMEM;
    snprintf(p->label, sizeof p->label, "%s", host->conf->text(conf, "label", "xmpp"));
    if (host->conf->number(conf, "port", 1, 65535, &port) < 0) {
        free(p);
        return XMB_ECONF;
    }
    p->port = (uint16_t)port;
    *next = p;
    return 0;
}

static void drop(void *self, void *next)
{
    (void)self;
    free(next);
}

static void commit(void *self, void *next)
{
    *(struct prefix *)self = *(const struct prefix *)next;
}

static void stop(void *self)
{
    free(self);
}

/* The ticket is answered once, here or later, on any thread; DNS would be asked elsewhere. */
static int resolve(void *self, struct xmb_str domain, struct xmb_ticket *ticket)
{
    const struct prefix *p = self;
    char target[XMB_DOMAIN_NAME_MAX + 1];
    struct xmb_route route = {.size = sizeof route, .domain = domain, .port = p->port,
                              .ttl_s = KEPT_S};
    int n = snprintf(target, sizeof target, "%s.%.*s", p->label, (int)domain.n, domain.p);

    if (n < 0 || (size_t)n >= sizeof target) {
        host->router->resolved_for(ticket, XMB_ENOENT, KEPT_S, NULL, 0);
        return 0;
    }
    route.target = xmb_str_n(target, (size_t)n);
    host->router->resolved(ticket, 0, &route, 1);
    return 0;
}

#include "prefix.rng.h"

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = init, .prepare = prepare,
    .abort = drop, .commit = commit, .retire = drop, .stop = stop};

static const struct xmb_routing routing = {.size = sizeof routing, .resolve = resolve};

XMB_PLUGIN(prefix, .abi_need = 2, .flags = XMB_PLUGIN_RELOAD_RESTART, .version = "1.0",
    .summary = "finds domains at a host below them", .license = "MIT",
    .origin = "you@example.org", .schema = prefix_rng, .schema_bytes = sizeof prefix_rng - 1,
    .ops = &ops, .routing = &routing);
