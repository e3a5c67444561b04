/* SPDX-License-Identifier: MIT */
/*
 * plan_routes.c - what the addresses mean: which of them are proven and want
 * TLSA records, and the routes that come out.
 *
 * A target whose addresses are proven and whose TLSA records cannot be had is
 * left out: without them nobody could tell it from an impostor (RFC 7672, 2.1.1,
 * and RFC 7673, 3.4).
 */
#include "plan.h"

enum { V6, V4, FAMILIES }; /* in dsrv_host.addrs */

static uint32_t lower_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* --- TLSA ------------------------------------------------------------------------------------ */

static int has_proof(const struct dsrv_addrs *a)
{
    return a->outcome == DSRV_DATA && a->secure;
}

/* The place of (host, port) in `pin`, made when it is not there. */
static uint8_t pin_of(struct dsrv_plan *plan, uint8_t host, uint16_t port)
{
    uint32_t i = 0;

    while (i < plan->pin_count && (plan->pin[i].host != host || plan->pin[i].port != port))
        i++;
    if (i == plan->pin_count) {
        plan->pin[i].host = host;
        plan->pin[i].port = port;
        plan->pin_count++;
    }
    return (uint8_t)i;
}

void dsrv_plan_tlsa(struct dsrv_plan *plan)
{
    uint32_t i;

    for (i = 0; i < plan->way_count && plan->wants_port; i++) {
        struct dsrv_way *w = &plan->way[i];
        const struct dsrv_host *h = &plan->host[w->host];

        if (w->secure && (has_proof(&h->addrs[V6]) || has_proof(&h->addrs[V4])))
            w->tlsa = pin_of(plan, w->host, w->port);
    }
}

static const struct dsrv_tlsas *tlsa_of(const struct dsrv_plan *plan, const struct dsrv_way *w)
{
    return w->tlsa != DSRV_NO_TLSA ? &plan->pin[w->tlsa].answer : NULL;
}

static int is_usable(const struct dsrv_plan *plan, const struct dsrv_way *w)
{
    const struct dsrv_tlsas *t = tlsa_of(plan, w);

    return t == NULL || t->outcome < DSRV_FAILED;
}

/* --- how many -------------------------------------------------------------------------------- */

static uint32_t count_of(const struct dsrv_addrs *a)
{
    return a->outcome == DSRV_DATA ? a->count : 0;
}

/* Of `cap` addresses a family gets half, and what the other one leaves. IPv6 has the odd one. */
static void shares(const struct dsrv_host *h, uint32_t cap, uint32_t take[FAMILIES])
{
    uint32_t v6 = count_of(&h->addrs[V6]);
    uint32_t v4 = count_of(&h->addrs[V4]);

    take[V4] = lower_of(v4, cap / 2 > cap - lower_of(v6, cap) ? cap / 2
                                                              : cap - lower_of(v6, cap));
    take[V6] = lower_of(v6, cap - take[V4]);
}

static size_t total(const struct dsrv_plan *plan, uint32_t cap)
{
    uint32_t take[FAMILIES];
    size_t sum = 0;
    uint32_t i;

    for (i = 0; i < plan->way_count; i++) {
        if (!is_usable(plan, &plan->way[i]))
            continue;
        shares(&plan->host[plan->way[i].host], cap, take);
        sum += take[V6] + take[V4];
    }
    return sum;
}

/* --- routes ---------------------------------------------------------------------------------- */

static void put(const struct dsrv_plan *plan, const struct dsrv_way *w,
                const struct dsrv_addrs *a, uint32_t i, struct xmb_route *out)
{
    const struct dsrv_tlsas *t = tlsa_of(plan, w);
    uint32_t ttl_s = lower_of(plan->ttl_s, a->ttl_s);

    *out = (struct xmb_route){
        .size = sizeof(*out),
        .flags = w->tls ? XMB_ROUTE_TLS : 0,
        .target = plan->wants_port ? xmb_str(plan->host[w->host].name) : xmb_str(NULL),
        .addr = {.family = a->family, .port = w->port},
        .port = w->port,
        .priority = w->priority,
        .weight = w->weight,
    };
    memcpy(out->addr.ip, a->ip[i], sizeof(out->addr.ip));
    if (w->secure && a->secure)
        out->flags |= XMB_ROUTE_SECURE;
    if (t != NULL)
        ttl_s = lower_of(ttl_s, t->ttl_s);
    if ((out->flags & XMB_ROUTE_SECURE) && t != NULL && t->outcome == DSRV_DATA && t->secure) {
        out->tlsa = t->record;
        out->tlsa_count = t->count;
    }
    out->ttl_s = ttl_s < DSRV_TTL_MIN_S ? DSRV_TTL_MIN_S : ttl_s;
}

/* The addresses of one way, by turns. */
static size_t put_way(const struct dsrv_plan *plan, const struct dsrv_way *w, uint32_t cap,
                      struct xmb_route *out)
{
    const struct dsrv_host *h = &plan->host[w->host];
    uint32_t take[FAMILIES];
    size_t n = 0;
    uint32_t i;

    shares(h, cap, take);
    for (i = 0; i < take[V6] || i < take[V4]; i++) {
        if (i < take[V6])
            put(plan, w, &h->addrs[V6], i, &out[n++]);
        if (i < take[V4])
            put(plan, w, &h->addrs[V4], i, &out[n++]);
    }
    return n;
}

/* --- none ------------------------------------------------------------------------------------ */

static int host_failed(const struct dsrv_host *h)
{
    return h->addrs[V6].outcome >= DSRV_FAILED || h->addrs[V4].outcome >= DSRV_FAILED;
}

/* For how long it may be believed that no host has an address. */
static uint32_t absent_of(const struct dsrv_plan *plan)
{
    uint32_t s = lower_of(plan->absent_s, DSRV_NEGATIVE_MAX_S);
    uint32_t i;
    int f;

    for (i = 0; i < plan->host_count; i++)
        for (f = 0; f < FAMILIES; f++)
            s = lower_of(s, plan->host[i].addrs[f].ttl_s);
    return s;
}

static void end_without(struct dsrv_plan *plan)
{
    int failed = 0;
    uint32_t i;

    for (i = 0; i < plan->host_count; i++)
        failed |= host_failed(&plan->host[i]);
    for (i = 0; i < plan->way_count; i++)
        failed |= !is_usable(plan, &plan->way[i]);
    plan->status = failed ? XMB_ETIMEOUT : XMB_ENOENT;
    plan->keep_s = failed ? DSRV_FAILURE_KEEP_S : absent_of(plan);
}

static void note_bogus(struct dsrv_plan *plan)
{
    uint32_t i;

    for (i = 0; i < plan->host_count; i++)
        plan->bogus |= plan->host[i].addrs[V6].outcome == DSRV_BOGUS ||
                       plan->host[i].addrs[V4].outcome == DSRV_BOGUS;
    for (i = 0; i < plan->pin_count; i++)
        plan->bogus |= plan->pin[i].answer.outcome == DSRV_BOGUS;
}

size_t dsrv_plan_routes(struct dsrv_plan *plan, const char *domain, struct xmb_route *out)
{
    uint32_t cap = DSRV_ADDRS_MAX;
    size_t n = 0;
    uint32_t i;

    note_bogus(plan);
    /* With the most targets two addresses each have room: one of each family. */
    while (cap > 2 && total(plan, cap) > XMB_ROUTES_MAX)
        cap--;
    for (i = 0; i < plan->way_count; i++)
        if (is_usable(plan, &plan->way[i]))
            n += put_way(plan, &plan->way[i], cap, out + n);
    for (i = 0; i < n; i++)
        out[i].domain = xmb_str(domain);
    if (n == 0)
        end_without(plan);
    return n;
}
