/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - questions about domains and hosts, and the modules, or the system of the test's
 * making, that answer them.
 *
 * Nothing that was resolved is kept: each question is asked anew, and how long an answer could have
 * been kept is there for the test to see.
 */
#include "router_priv.h"

#define FAKE_KEEP_MAX_S 3600

enum kind { FOR_ROUTES, FOR_ADDRESSES };

struct look {
    struct look *next;
    uint64_t id;
    enum kind kind;
    uint32_t module; /* to be asked next */
    char *domain;
    void (*late)(void *arg, const struct xmb_route_answer *answer);
    void *arg;
};

struct ticket {
    struct xmb_ticket base; /* first */
    struct xmb_module *module;
    enum kind kind;
    int status;
    uint32_t keep_s;
    struct fake_set *set;
};

/* A host that the system knows. */
struct host {
    struct host *next;
    char *name;
    size_t count;
    struct xmb_addr address[];
};

static struct look *looks;
static uint64_t last_id;
static struct host *hosts;
static uint32_t last_keep_s;
static struct fake_text forgotten;

static void look_end(struct look *look, const struct xmb_route_answer *answer)
{
    struct look **at = &looks;
    struct look ended = *look;

    while (*at != look)
        at = &(*at)->next;
    *at = look->next;
    free(look->domain);
    free(look);
    if (answer != NULL)
        ended.late(ended.arg, answer);
}

/* --- addresses ------------------------------------------------------------------------------- */

/* IPv6 and IPv4 in turn, IPv6 first, each in the order in which it came (RFC 8305, 4). */
static void interleave(struct fake_set *set)
{
    struct xmb_route in[XMB_ROUTES_MAX];
    size_t at[2] = {0, 0}; /* of IPv6, of IPv4 */
    int turn = 0;
    size_t n = 0;

    memcpy(in, set->routes, sizeof(in));
    while (n < set->count) {
        while (at[turn] < set->count && in[at[turn]].addr.family != (turn == 0 ? 6 : 4))
            at[turn]++;
        if (at[turn] < set->count)
            set->routes[n++] = in[at[turn]++];
        turn = !turn;
    }
}

static void check_addresses(const struct fake_set *set)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if ((set->routes[i].addr.family != 4 && set->routes[i].addr.family != 6) ||
            set->routes[i].addr.port != 0 || set->routes[i].port != 0)
            fake_fail("a plugin answers `addresses` with a route that is not an address, port 0");
}

void xmb_fakehost_hosts(const char *name, const struct xmb_addr *addresses, size_t count)
{
    struct host **at = &hosts;
    struct host *h;

    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if ((h = *at) != NULL) {
        *at = h->next;
        free(h->name);
        free(h);
    }
    if (count > XMB_ROUTES_MAX)
        fake_fail("host %s has %zu addresses; %d are the most", name, count, XMB_ROUTES_MAX);
    if (count == 0)
        return;
    h = fake_alloc(sizeof(*h) + count * sizeof(h->address[0]));
    h->name = fake_alloc(strlen(name) + 1);
    memcpy(h->name, name, strlen(name));
    h->count = count;
    memcpy(h->address, addresses, count * sizeof(addresses[0]));
    h->next = hosts;
    hosts = h;
}

/* What the system says. */
static struct fake_set *host_set(const char *name)
{
    struct xmb_route routes[XMB_ROUTES_MAX];
    const struct host *h = hosts;
    size_t i;

    while (h != NULL && strcmp(h->name, name) != 0)
        h = h->next;
    if (h == NULL)
        return NULL;
    memset(routes, 0, sizeof(routes));
    for (i = 0; i < h->count; i++) {
        routes[i].size = sizeof(routes[i]);
        routes[i].addr = h->address[i];
        routes[i].addr.port = 0;
    }
    return fake_set_new(NULL, (struct xmb_str){NULL, 0}, routes, h->count);
}

/* --- questions ------------------------------------------------------------------------------- */

static int is_offered(const struct xmb_module *m, enum kind kind)
{
    if (!m->is_up)
        return 0;
    return kind == FOR_ROUTES ? XMB_HAS(m->plugin->routing, resolve)
                              : XMB_HAS(m->plugin->routing, addresses);
}

/* 1: it has a ticket now. */
static int ask_module(const struct look *look, struct xmb_module *m)
{
    const struct xmb_routing *r = m->plugin->routing;
    struct ticket *t = fake_alloc(sizeof(*t));
    int rc;

    fake_ticket_out(&t->base, FAKE_TICKET_ROUTER);
    t->base.id = look->id;
    t->module = m;
    t->kind = look->kind;
    if (look->kind == FOR_ROUTES)
        rc = r->resolve(m->self, xmb_str(look->domain), &t->base);
    else
        rc = r->addresses(m->self, xmb_str(look->domain), &t->base);
    if (rc == 0)
        return 1;
    fake_ticket_back(&t->base, FAKE_TICKET_ROUTER);
    free(t);
    return 0;
}

static void ask_system(struct look *look)
{
    struct xmb_route_answer answer = {.size = sizeof(answer), .status = XMB_ENOENT};
    struct fake_set *set = host_set(look->domain);

    if (set != NULL) {
        interleave(set);
        fake_route_answer(set, 0, &answer);
    }
    look_end(look, &answer);
    fake_set_free(set);
}

/* Asks the next module; when none is left, nobody knows. */
static void look_next(struct look *look)
{
    struct xmb_route_answer nobody = {.size = sizeof(nobody), .status = XMB_ENOENT};
    int offered = look->kind == FOR_ROUTES;
    uint32_t i;

    for (i = 0; i < fake.module_count; i++)
        offered |= is_offered(fake.module[i], look->kind);
    if (!offered) {
        ask_system(look);
        return;
    }
    while (look->module < fake.module_count) {
        struct xmb_module *m = fake.module[look->module++];

        if (is_offered(m, look->kind) && ask_module(look, m))
            return;
    }
    look_end(look, &nobody);
}

static struct look *look_by_id(uint64_t id)
{
    struct look *look;

    for (look = looks; look != NULL && look->id != id;)
        look = look->next;
    return look;
}

static void look_work(void *arg)
{
    struct look *look = look_by_id(*(uint64_t *)arg);

    free(arg);
    if (look != NULL)
        look_next(look);
}

static int ask(enum kind kind, struct xmb_str domain,
               void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
               uint64_t *ask_id)
{
    struct look *look = fake_alloc(sizeof(*look));
    uint64_t *id;

    look->id = ++last_id;
    look->kind = kind;
    look->domain = fake_alloc(domain.n + 1);
    memcpy(look->domain, domain.p, domain.n);
    look->late = late;
    look->arg = arg;
    look->next = looks;
    looks = look;
    if (ask_id != NULL)
        *ask_id = look->id;
    id = fake_alloc(sizeof(*id));
    *id = look->id;
    fake_work_or(look_work, free, id);
    return XMB_EAGAIN;
}

int fake_lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
                  void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                  uint64_t *ask_id)
{
    uint32_t i;

    (void)w;
    if (domain.n == 0 || domain.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    for (i = 0; i < fake.module_count; i++)
        if (fake_route_find(fake.module[i], domain, answer))
            return 0;
    if (late != NULL)
        return ask(FOR_ROUTES, domain, late, arg, ask_id);
    *answer = (struct xmb_route_answer){.size = sizeof(*answer), .status = XMB_ENOENT};
    return 0;
}

int fake_addresses(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                     void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                     uint64_t *ask_id)
{
    (void)w;
    if (name.n == 0 || name.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    if (late != NULL)
        return ask(FOR_ADDRESSES, name, late, arg, ask_id);
    *answer = (struct xmb_route_answer){.size = sizeof(*answer), .status = XMB_ENOENT};
    return 0;
}

void fake_lookup_cancel(struct xmb_worker *w, uint64_t ask_id)
{
    struct look *look = look_by_id(ask_id);

    (void)w;
    if (look != NULL)
        look_end(look, NULL);
}

/* --- resolved -------------------------------------------------------------------------------- */

static void resolved_work(void *arg)
{
    struct ticket *t = arg;
    struct look *look = look_by_id(t->base.id);
    struct xmb_route_answer answer = {.size = sizeof(answer), .status = t->status};

    last_keep_s = t->keep_s;
    if (look != NULL && t->status == 0) {
        if (t->kind == FOR_ADDRESSES)
            interleave(t->set);
        fake_route_answer(t->set, 0, &answer);
        look_end(look, &answer);
    } else if (look != NULL && t->status == XMB_EDENIED) {
        answer.module = t->module;
        look_end(look, &answer);
    } else if (look != NULL) {
        look_next(look);
    }
    fake_set_free(t->set);
    free(t);
}

static void resolved_dropped(void *arg)
{
    struct ticket *t = arg;

    fake_set_free(t->set);
    free(t);
}

static uint32_t lowest_ttl_s(const struct fake_set *set)
{
    uint32_t ttl_s = UINT32_MAX;
    size_t i;

    for (i = 0; i < set->count; i++)
        if (set->routes[i].ttl_s < ttl_s)
            ttl_s = set->routes[i].ttl_s;
    return ttl_s;
}

void fake_resolved_for(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                         const struct xmb_route *routes, size_t count)
{
    struct ticket *t = (struct ticket *)ticket;

    fake_ticket_back(ticket, FAKE_TICKET_ROUTER);
    if (count > XMB_ROUTES_MAX)
        fake_fail("a plugin answers with %zu routes; %d are the most", count, XMB_ROUTES_MAX);
    t->status = status == 0 && count == 0 ? XMB_ENOENT : status;
    if (t->status != 0)
        count = 0;
    t->set = fake_set_new(t->module, (struct xmb_str){NULL, 0}, routes, count);
    if (t->kind == FOR_ADDRESSES)
        check_addresses(t->set);
    t->keep_s = t->status == 0 ? lowest_ttl_s(t->set)
                               : keep_s < FAKE_KEEP_MAX_S ? keep_s : FAKE_KEEP_MAX_S;
    fake_work_or(resolved_work, resolved_dropped, t);
}

void fake_resolved(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                     size_t count)
{
    uint32_t keep_s = status == XMB_ENOENT || status == XMB_EDENIED || status == 0 ? 30 : 0;

    fake_resolved_for(ticket, status, keep_s, routes, count);
}

uint32_t xmb_fakehost_kept_s(void)
{
    return last_keep_s;
}

void fake_route_forget(struct xmb_str domain)
{
    fake_text_printf(&forgotten, "%.*s\n", domain.n > 0 ? (int)domain.n : 1,
                     domain.n > 0 ? domain.p : "*");
}

const char *xmb_fakehost_forgotten(void)
{
    return fake_text_get(&forgotten);
}

void fake_lookup_free(void)
{
    while (looks != NULL)
        look_end(looks, NULL);
    while (hosts != NULL)
        xmb_fakehost_hosts(hosts->name, NULL, 0);
    fake_text_free(&forgotten);
    last_keep_s = 0;
}
