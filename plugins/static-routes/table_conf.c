/* SPDX-License-Identifier: MIT */
/*
 * table_conf.c - reads <routes>: names into A-labels, addresses told from host
 * names, and a route that is there twice refused, because it would get twice
 * its share.
 */
#include "name.h"
#include "table_priv.h"

#include <stdlib.h>

#define PORT_DEFAULT 5269u /* xmpp-server (RFC 6120, 14.7) */

/* Keeps the worst of what was found so far: no memory before a fault, a fault before 0. */
static void worst(int *rc, int more)
{
    if (more == XMB_ENOMEM || (more < 0 && *rc == 0))
        *rc = more;
}

/* What is not an address in digits is a host name; what is neither, such as 192.0.2, is told. */
static int read_address(const struct xmb_conf_api *api, const struct xmb_conf *node,
                        struct static_route *out)
{
    const char *text = api->text(node, "address", "");
    char host[XMB_DOMAIN_NAME_MAX + 1];
    const char *last = strrchr(text, '.');
    const char *why;

    last = last != NULL ? last + 1 : text;
    if (strchr(text, ':') != NULL || (*last != '\0' && strspn(last, "0123456789") == strlen(last)))
        return api->address(node, "address", &out->addr);
    if (static_name_read(text, host, &why) < 0)
        return api->fault(node, "\"%s\" is neither an address nor a host name: %s", text, why);
    out->host = strdup(host);
    return out->host != NULL ? 0 : XMB_ENOMEM;
}

/* `*out` has a host name to be freed, or none, also with faults. */
static int read_route(const struct xmb_conf_api *api, const struct xmb_conf *node,
                      struct static_route *out)
{
    uint64_t port = PORT_DEFAULT;
    int32_t tls = 0;
    int rc = api->number(node, "port", 1, 65535, &port);

    worst(&rc, api->flag(node, "tls", &tls));
    worst(&rc, read_address(api, node, out));
    if (rc < 0)
        return rc;
    out->port = (uint16_t)port;
    if (out->addr.family != 0)
        out->addr.port = out->port;
    out->tls = tls != 0;
    out->line = api->line(node);
    return 0;
}

/* Takes over the host name of `route` when it succeeds. */
static int add_route(const struct xmb_conf_api *api, const struct xmb_conf *node,
                     struct static_table *t, struct xmb_str name,
                     const struct static_route *route)
{
    struct static_domain *d = static_table_domain(t, name);
    struct static_route *more;
    uint32_t i;

    if (d == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < d->count; i++)
        if (static_route_same(&d->route[i], route))
            return api->fault(node, "this route of %s is here a second time; the first is in "
                                    "line %u", d->name, d->route[i].line);
    if (d->count == XMB_ROUTES_MAX)
        return api->fault(node, "%s has more than %d routes", d->name, XMB_ROUTES_MAX);
    more = realloc(d->route, (d->count + 1) * sizeof(*more));
    if (more == NULL)
        return XMB_ENOMEM;
    d->route = more;
    d->route[d->count++] = *route;
    t->route_count++;
    return 0;
}

static int read_one(const struct xmb_conf_api *api, const struct xmb_conf *node,
                    struct static_table *t)
{
    const char *text = api->text(node, "domain", "");
    char name[XMB_DOMAIN_NAME_MAX + 1];
    struct static_route route = {.host = NULL};
    const char *why;
    int n = static_name_read(text, name, &why);
    int rc = n < 0 ? api->fault(node, "\"%s\" is not a domain name: %s", text, why) : 0;

    worst(&rc, read_route(api, node, &route));
    if (rc == 0)
        rc = add_route(api, node, t, xmb_str_n(name, (size_t)n), &route);
    if (rc < 0)
        free(route.host);
    return rc;
}

/* They are read, and their faults told, also when they are not used. */
static int read_all(const struct xmb_conf_api *api, const struct xmb_conf *routes,
                    struct static_table *t)
{
    const struct xmb_conf *node;
    int result = 0;

    for (node = api->child(routes, "route"); node != NULL && result != XMB_ENOMEM;
         node = api->next(node, "route"))
        worst(&result, read_one(api, node, t));
    if (result == 0 && t->domain_count > STATIC_DOMAINS_MAX)
        result = api->fault(routes, "there are routes for %u domains; %u are the most",
                            t->domain_count, STATIC_DOMAINS_MAX);
    return result;
}

static uint32_t routes_in(const struct xmb_conf_api *api, const struct xmb_conf *routes)
{
    const struct xmb_conf *node;
    uint32_t n = 0;

    for (node = api->child(routes, "route"); node != NULL; node = api->next(node, "route"))
        n++;
    return n;
}

int static_table_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                      struct static_table **out)
{
    const struct xmb_conf *routes = api->child(conf, "routes");
    struct static_table *t = static_table_new(routes != NULL ? routes_in(api, routes) : 0);
    int32_t use = 1;
    int rc = 0;

    if (t == NULL)
        return XMB_ENOMEM;
    if (routes != NULL)
        rc = api->flag(routes, "use", &use);
    if (routes != NULL)
        worst(&rc, read_all(api, routes, t));
    if (rc == 0 && !use) {
        static_table_release(t);
        t = static_table_new(0);
        rc = t != NULL ? 0 : XMB_ENOMEM;
    }
    if (rc < 0)
        static_table_release(t);
    else
        *out = t;
    return rc;
}
