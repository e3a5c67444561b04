/* SPDX-License-Identifier: MIT */
/*
 * push.c - the difference of two tables as updates of the router. All updates
 * of one turn of the routing loop reach the workers together, so none sees half
 * of a reload.
 *
 * All routes of a domain have one priority and one weight, so the router takes
 * each first equally often.
 */
#include "push.h"

/*
 * The draw of RFC 2782 is from 0 to the sum of weights, both included, which favours the first
 * record by one; with weights of 1 that would be twice its share.
 */
#define WEIGHT 1000u

static struct xmb_str name_of(const struct static_domain *d)
{
    return xmb_str_n(d->name, d->n);
}

static void update(const struct xmb_host *host, struct xmb_module *module,
                   const struct static_domain *d)
{
    struct xmb_route out[XMB_ROUTES_MAX];
    uint32_t i;
    int rc;

    for (i = 0; i < d->count; i++)
        out[i] = (struct xmb_route){
            .size = sizeof(out[i]),
            .flags = d->route[i].tls ? XMB_ROUTE_TLS : 0,
            .domain = name_of(d),
            .target = xmb_str(d->route[i].host),
            .addr = d->route[i].addr,
            .port = d->route[i].port,
            .weight = WEIGHT,
        };
    rc = host->router->update(module, name_of(d), out, d->count);
    if (rc < 0)
        host->log->write(module, XMB_LOG_ERROR, d->name,
                         "the router refused its %u routes (error %d); until the next change it "
                         "has none from here, and other modules are asked", d->count, rc);
}

static int is_known(const struct static_table *t, const struct static_domain *d)
{
    const struct static_domain *other = t != NULL ? static_table_find(t, name_of(d)) : NULL;

    return other != NULL && static_domain_same(other, d);
}

static const struct static_domain *first_of(const struct static_table *t)
{
    return t != NULL ? t->first : NULL;
}

void static_push(const struct xmb_host *host, struct xmb_module *module,
                 const struct static_table *now, const struct static_table *next)
{
    const struct static_domain *d;

    /* Those that are gone first: they may make the room that new ones need. */
    for (d = first_of(now); d != NULL; d = d->following)
        if (next == NULL || static_table_find(next, name_of(d)) == NULL)
            host->router->update(module, name_of(d), NULL, 0);
    for (d = first_of(next); d != NULL; d = d->following)
        if (!is_known(now, d))
            update(host, module, d);
}
