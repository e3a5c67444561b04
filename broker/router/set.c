/* SPDX-License-Identifier: MIT */
/*
 * set.c - the routes that one module gave for one domain, in one block.
 *
 * Immutable from the moment it is made: table, snapshots, cache, messages and
 * answers all hold references to the same one.
 */
#include "router/router_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ROUTE_MIN_BYTES (offsetof(struct xmb_route, ttl_s) + sizeof(uint32_t))
#define ROUTE_MAX_BYTES 4096u

/* A plugin's array is walked by its own stride. */
static const struct xmb_route *route_at(const struct xmb_route *routes, size_t i)
{
    return (const struct xmb_route *)(const void *)((const char *)routes + i * routes->size);
}

static int check_route(const struct xmb_route *r, struct name *target)
{
    target->n = 0;
    if (r->flags & XMB_ROUTE_REJECT)
        return 0;
    if (r->addr.family == 4 || r->addr.family == 6)
        return r->target.n == 0 ? 0 : name_read(r->target, target);
    if (r->addr.family != 0)
        return XMB_EINVAL;
    return name_read(r->target, target);
}

/* Adds up what the names need; XMB_EINVAL when a route is not one. */
static int check_routes(const struct xmb_route *routes, size_t count, size_t *text_bytes)
{
    struct name target;
    size_t i;

    if (count > XMB_ROUTES_MAX)
        return XMB_EINVAL;
    if (count > 0 && (routes->size < ROUTE_MIN_BYTES || routes->size > ROUTE_MAX_BYTES))
        return XMB_EINVAL;
    for (i = 0; i < count; i++) {
        if (check_route(route_at(routes, i), &target) < 0)
            return XMB_EINVAL;
        *text_bytes += target.n;
    }
    return 0;
}

static void copy_route(struct xmb_route *out, const struct xmb_route *in, struct xmb_str domain,
                       char **text)
{
    struct name target;

    *out = (struct xmb_route){
        .size = sizeof(*out),
        .flags = in->flags & (XMB_ROUTE_SUFFIX | XMB_ROUTE_REJECT | XMB_ROUTE_SECURE),
        .domain = domain,
        .addr = in->addr,
        .port = in->port,
        .priority = in->priority,
        .weight = in->weight,
        .ttl_s = in->ttl_s,
    };
    if (check_route(in, &target) < 0 || target.n == 0)
        return;
    memcpy(*text, target.text, target.n);
    out->target = (struct xmb_str){*text, target.n};
    *text += target.n;
}

/* Keeps the order of equal ones: it is the order of whoever gave them. */
static void sort_by_priority(struct xmb_route *routes, size_t count)
{
    size_t i;

    for (i = 1; i < count; i++) {
        struct xmb_route r = routes[i];
        size_t j = i;

        for (; j > 0 && routes[j - 1].priority > r.priority; j--)
            routes[j] = routes[j - 1];
        routes[j] = r;
    }
}

static void fill(struct route_set *set, const struct xmb_route *routes, size_t count, char *text)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const struct xmb_route *r = route_at(routes, i);

        copy_route(&set->routes[i], r, set->domain, &text);
        set->has_suffix |= (r->flags & XMB_ROUTE_SUFFIX) != 0;
        if (i == 0 || r->ttl_s < set->ttl_s)
            set->ttl_s = r->ttl_s;
        if (r->flags & XMB_ROUTE_REJECT)
            set->status = XMB_EDENIED;
    }
    sort_by_priority(set->routes, count);
}

int set_new(uint32_t module, int status, struct xmb_str domain, const struct xmb_route *routes,
            size_t count, struct route_set **out)
{
    size_t text_bytes = domain.n;
    struct route_set *set;
    char *text;

    if (check_routes(routes, count, &text_bytes) < 0)
        return XMB_EINVAL;
    set = calloc(1, sizeof(*set) + count * sizeof(set->routes[0]) + text_bytes);
    if (set == NULL)
        return XMB_ENOMEM;
    atomic_init(&set->refs, 1);
    set->module = module;
    set->status = status;
    set->count = (uint32_t)count;
    text = (char *)&set->routes[count];
    memcpy(text, domain.p, domain.n);
    set->domain = (struct xmb_str){text, domain.n};
    fill(set, routes, count, text + domain.n);
    *out = set;
    return 0;
}

struct route_set *set_hold(struct route_set *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void set_release(struct route_set *set)
{
    if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1)
        free(set);
}
