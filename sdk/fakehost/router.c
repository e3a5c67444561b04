/* SPDX-License-Identifier: MIT */
/*
 * router.c - what routing modules said, and which of it answers, by the rules of
 * <xmb/routing.h> but for the spread by weight: here the order is fixed.
 */
#include "router_priv.h"

static struct fake_set *sets;

/* What the records of `r` need, counted; the data is added to `*bytes`. */
static size_t count_tlsa(const struct xmb_route *r, size_t *bytes)
{
    size_t i;

    if (!XMB_HAS(r, tlsa) || !XMB_HAS(r, tlsa_count))
        return 0;
    if (r->tlsa_count > XMB_TLSA_MAX)
        fake_fail("a route has %zu TLSA records; %d are the most", r->tlsa_count, XMB_TLSA_MAX);
    for (i = 0; i < r->tlsa_count; i++)
        *bytes += xmb_tlsa_at(r->tlsa, i)->data.n;
    return r->tlsa_count;
}

static struct xmb_str copy_text(char **at, struct xmb_str s)
{
    struct xmb_str out = {*at, s.n};

    if (s.n == 0)
        return (struct xmb_str){NULL, 0};
    memcpy(*at, s.p, s.n);
    *at += s.n;
    return out;
}

static void copy_route(struct xmb_route *out, const struct xmb_route *in, struct xmb_tlsa **tlsa,
                       char **at)
{
    size_t bytes = 0;
    size_t i;

    memset(out, 0, sizeof(*out));
    memcpy(out, in, in->size < sizeof(*out) ? in->size : sizeof(*out));
    out->size = sizeof(*out);
    out->target = copy_text(at, in->target);
    out->tlsa_count = count_tlsa(in, &bytes);
    out->tlsa = out->tlsa_count > 0 ? *tlsa : NULL;
    for (i = 0; i < out->tlsa_count; i++, (*tlsa)++) {
        **tlsa = *xmb_tlsa_at(in->tlsa, i);
        (*tlsa)->size = sizeof(**tlsa);
        (*tlsa)->data = copy_text(at, (*tlsa)->data);
    }
}

struct fake_set *fake_set_new(struct xmb_module *m, struct xmb_str domain,
                              const struct xmb_route *routes, size_t count)
{
    struct fake_set *set = fake_alloc(sizeof(*set));
    size_t bytes = domain.n;
    size_t records = 0;
    struct xmb_tlsa *tlsa;
    char *at;
    size_t i;

    for (i = 0; i < count; i++) {
        bytes += xmb_route_at(routes, i)->target.n;
        records += count_tlsa(xmb_route_at(routes, i), &bytes);
    }
    tlsa = set->tlsa = fake_alloc(records * sizeof(*tlsa));
    at = set->text = fake_alloc(bytes);
    set->domain_bytes = domain.n;
    domain = copy_text(&at, domain);
    set->module = m;
    set->count = count;
    for (i = 0; i < count; i++) {
        copy_route(&set->routes[i], xmb_route_at(routes, i), &tlsa, &at);
        set->routes[i].domain = (struct xmb_str){set->text, domain.n};
    }
    return set;
}

void fake_set_free(struct fake_set *set)
{
    if (set != NULL) {
        free(set->text);
        free(set->tlsa);
    }
    free(set);
}

static struct fake_set **find(const struct xmb_module *m, struct xmb_str domain)
{
    struct fake_set **at = &sets;

    while (*at != NULL && ((*at)->module != m ||
                           !xmb_str_eq((struct xmb_str){(*at)->text, (*at)->domain_bytes}, domain)))
        at = &(*at)->next;
    return at;
}

static int update(struct xmb_module *module, struct xmb_str domain,
                  const struct xmb_route *routes, size_t count)
{
    struct fake_set **at = find(module, domain);
    struct fake_set *old = *at;

    if (domain.n == 0 || domain.n > XMB_DOMAIN_NAME_MAX || count > XMB_ROUTES_MAX)
        return XMB_EINVAL;
    if (old != NULL) {
        *at = old->next;
        fake_set_free(old);
    }
    if (count > 0) {
        struct fake_set *set = fake_set_new(module, domain, routes, count);

        set->next = sets;
        sets = set;
    }
    return 0;
}

static void clear(struct xmb_module *module)
{
    struct fake_set **at = &sets;

    while (*at != NULL) {
        struct fake_set *set = *at;

        if (set->module != module) {
            at = &set->next;
            continue;
        }
        *at = set->next;
        fake_set_free(set);
    }
}

size_t xmb_fakehost_routes(const struct xmb_module *m, struct xmb_str domain,
                           struct xmb_route *out, size_t max)
{
    const struct fake_set *set = *find(m, domain);
    size_t i;

    for (i = 0; set != NULL && i < set->count && i < max; i++)
        out[i] = set->routes[i];
    return set != NULL ? set->count : 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct xmb_route answered[XMB_ROUTES_MAX];

void fake_route_answer(const struct fake_set *set, int suffix_only,
                       struct xmb_route_answer *answer)
{
    size_t i;

    memset(answer, 0, sizeof(*answer));
    answer->size = sizeof(*answer);
    answer->module = set->module;
    answer->routes = answered;
    for (i = 0; i < set->count; i++) {
        if (suffix_only && (set->routes[i].flags & XMB_ROUTE_SUFFIX) == 0)
            continue;
        if (set->routes[i].flags & XMB_ROUTE_REJECT)
            answer->status = XMB_EDENIED;
        answered[answer->count++] = set->routes[i];
    }
    if (answer->status != 0)
        answer->count = 0;
}

int fake_route_find(const struct xmb_module *m, struct xmb_str domain,
                   struct xmb_route_answer *answer)
{
    struct xmb_str name = domain;

    while (name.n > 0) {
        const struct fake_set *set = *find(m, name);
        const char *dot = memchr(name.p, '.', name.n);

        if (set != NULL) {
            fake_route_answer(set, name.n != domain.n, answer);
            if (answer->count > 0 || answer->status != 0)
                return 1;
        }
        name = dot != NULL ? xmb_sub(name, (size_t)(dot - name.p) + 1, name.n)
                           : (struct xmb_str){NULL, 0};
    }
    return 0;
}

/* --- the table ------------------------------------------------------------------------------- */

static int post(struct xmb_module *module, void (*fn)(void *arg), void (*dropped)(void *arg),
                void *arg, size_t cost_bytes)
{
    (void)module;
    (void)cost_bytes;
    fake_work_or(fn, dropped, arg);
    return 0;
}

void fake_router_free(void)
{
    fake_lookup_free();
    while (sets != NULL) {
        struct fake_set *set = sets;

        sets = set->next;
        fake_set_free(set);
    }
}

const struct xmb_router_api fake_router_api = {
    .size = sizeof(fake_router_api),
    .rev = 1,
    .update = update,
    .clear = clear,
    .resolved = fake_resolved,
    .lookup = fake_lookup,
    .cancel = fake_lookup_cancel,
    .post = post,
    .resolved_for = fake_resolved_for,
    .addresses = fake_addresses,
    .forget = fake_route_forget,
    .now_ms = xmb_fakehost_now_ms,
    .timer = fake_routing_timer,
};
