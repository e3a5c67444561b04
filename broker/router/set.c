/* SPDX-License-Identifier: MIT */
/*
 * set.c - the routes that one module gave for one domain, or the addresses of one host, in
 * one block: the set, its routes, their TLSA records, and behind them all names and data.
 *
 * Immutable from the moment it is made: table, snapshots, cache, messages and
 * answers all hold references to the same one.
 */
#include "router/router_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

#define ROUTE_MIN_BYTES (offsetof(struct xmb_route, ttl_s) + sizeof(uint32_t))
#define TLSA_MIN_BYTES (offsetof(struct xmb_tlsa, data) + sizeof(struct xmb_str))
#define STRIDE_MAX_BYTES 4096u

/* A plugin's array is walked by its own stride, which is 8-aligned or the array is not one. */
static int is_stride(uint32_t bytes, size_t least)
{
    return bytes >= least && bytes <= STRIDE_MAX_BYTES && bytes % sizeof(void *) == 0;
}

/* The records of `r`; an older plugin's routes have none. */
static size_t tlsa_of(const struct xmb_route *r, const struct xmb_tlsa **out)
{
    *out = NULL;
    if (!XMB_HAS(r, tlsa) || !XMB_HAS(r, tlsa_count) || (r->flags & XMB_ROUTE_REJECT))
        return 0;
    *out = r->tlsa;
    return r->tlsa_count;
}

/* --- check ----------------------------------------------------------------------------------- */

/* What lies behind the routes. */
struct need {
    size_t records;
    size_t text_bytes;
};

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

static int check_tlsa(const struct xmb_route *r, struct need *need)
{
    const struct xmb_tlsa *records;
    size_t count = tlsa_of(r, &records);
    size_t bytes = 0;
    size_t i;

    if (count > XMB_TLSA_MAX || (count > 0 && !is_stride(records->size, TLSA_MIN_BYTES)))
        return XMB_EINVAL;
    for (i = 0; i < count; i++) {
        struct xmb_str data = xmb_tlsa_at(records, i)->data;

        if (data.n > ROUTER_TLSA_BYTES_MAX - bytes)
            return XMB_EINVAL;
        bytes += data.n;
    }
    need->records += count;
    need->text_bytes += bytes;
    return 0;
}

/* Adds up what the names and records need; XMB_EINVAL when a route is not one. */
static int check_routes(const struct xmb_route *routes, size_t count, struct need *need)
{
    struct name target;
    size_t i;

    if (count > XMB_ROUTES_MAX)
        return XMB_EINVAL;
    if (count > 0 && !is_stride(routes->size, ROUTE_MIN_BYTES))
        return XMB_EINVAL;
    for (i = 0; i < count; i++) {
        if (check_route(xmb_route_at(routes, i), &target) < 0 ||
            check_tlsa(xmb_route_at(routes, i), need) < 0)
            return XMB_EINVAL;
        need->text_bytes += target.n;
    }
    return 0;
}

/* --- copy ------------------------------------------------------------------------------------ */

/* Where the next record, and the next octets, go. */
struct place {
    struct xmb_tlsa *tlsa;
    char *text;
};

static struct xmb_str put(struct place *at, const char *p, size_t n)
{
    struct xmb_str out = {at->text, n};

    if (n == 0)
        return (struct xmb_str){NULL, 0};
    memcpy(at->text, p, n);
    at->text += n;
    return out;
}

static void copy_tlsa(struct xmb_route *out, const struct xmb_route *in, struct place *at)
{
    const struct xmb_tlsa *records;
    size_t count = tlsa_of(in, &records);
    size_t i;

    if (count == 0)
        return;
    out->tlsa = at->tlsa;
    out->tlsa_count = count;
    for (i = 0; i < count; i++) {
        const struct xmb_tlsa *r = xmb_tlsa_at(records, i);

        *at->tlsa++ = (struct xmb_tlsa){
            .size = sizeof(*r),
            .usage = r->usage,
            .selector = r->selector,
            .matching = r->matching,
            .data = put(at, r->data.p, r->data.n),
        };
    }
}

static void copy_route(struct xmb_route *out, const struct xmb_route *in, struct xmb_str domain,
                       struct place *at)
{
    struct name target;

    *out = (struct xmb_route){
        .size = sizeof(*out),
        .flags = in->flags &
                 (XMB_ROUTE_SUFFIX | XMB_ROUTE_REJECT | XMB_ROUTE_SECURE | XMB_ROUTE_TLS),
        .domain = domain,
        .addr = in->addr,
        .port = in->port,
        .priority = in->priority,
        .weight = in->weight,
        .ttl_s = in->ttl_s,
    };
    if (check_route(in, &target) == 0)
        out->target = put(at, target.text, target.n);
    copy_tlsa(out, in, at);
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

static void fill(struct route_set *set, const struct xmb_route *routes, size_t count,
                 struct place at)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const struct xmb_route *r = xmb_route_at(routes, i);

        copy_route(&set->routes[i], r, set->domain, &at);
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
    struct need need = {0, domain.n};
    struct route_set *set;
    struct place at;
    size_t bytes;

    if (check_routes(routes, count, &need) < 0)
        return XMB_EINVAL;
    bytes = sizeof(*set) + count * sizeof(set->routes[0]) +
            need.records * sizeof(struct xmb_tlsa) + need.text_bytes;
    set = calloc(1, bytes);
    if (set == NULL)
        return XMB_ENOMEM;
    atomic_init(&set->refs, 1);
    set->module = module;
    set->status = status;
    set->count = (uint32_t)count;
    set->bytes = bytes;
    at.tlsa = (struct xmb_tlsa *)(void *)&set->routes[count];
    at.text = (char *)(at.tlsa + need.records);
    set->domain = put(&at, domain.p, domain.n);
    fill(set, routes, count, at);
    *out = set;
    return 0;
}

/* --- addresses ------------------------------------------------------------------------------- */

static int are_addresses(const struct xmb_route *routes, size_t count)
{
    size_t i;

    if (count > XMB_ROUTES_MAX || (count > 0 && !is_stride(routes->size, ROUTE_MIN_BYTES)))
        return 0;
    for (i = 0; i < count; i++)
        if (xmb_route_at(routes, i)->addr.family != 4 && xmb_route_at(routes, i)->addr.family != 6)
            return 0;
    return 1;
}

static struct xmb_route bare(const struct xmb_route *r)
{
    struct xmb_route out = {
        .size = sizeof(out),
        .flags = r->flags & XMB_ROUTE_SECURE,
        .addr = r->addr,
        .ttl_s = r->ttl_s,
    };

    out.addr.port = 0;
    return out;
}

/* The first at or after `i` of that family; `count` when there is none. */
static size_t next_of(const struct xmb_route *routes, size_t count, size_t i, uint8_t family)
{
    while (i < count && xmb_route_at(routes, i)->addr.family != family)
        i++;
    return i;
}

int set_new_addresses(uint32_t module, int status, struct xmb_str host,
                      const struct xmb_route *routes, size_t count, struct route_set **out)
{
    struct xmb_route in_turn[XMB_ROUTES_MAX];
    size_t v6 = 0;
    size_t v4 = 0;
    size_t n = 0;
    int rc;

    if (!are_addresses(routes, count))
        return XMB_EINVAL;
    while (n < count) {
        v6 = next_of(routes, count, v6, 6);
        if (v6 < count)
            in_turn[n++] = bare(xmb_route_at(routes, v6++));
        v4 = next_of(routes, count, v4, 4);
        if (v4 < count)
            in_turn[n++] = bare(xmb_route_at(routes, v4++));
    }
    rc = set_new(module, status, host, in_turn, count, out);
    if (rc == 0)
        (*out)->kind = ROUTER_ADDRESSES;
    return rc;
}

/* --- references ------------------------------------------------------------------------------ */

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
