/* SPDX-License-Identifier: MIT */
/*
 * router.c - what routing modules said, and lookups in it, by the rules of
 * <xmb/routing.h> but for the spread by weight: here the order is fixed.
 */
#include "fake_priv.h"

struct set {
    struct set *next;
    struct xmb_module *module;
    size_t count;
    struct xmb_route routes[XMB_ROUTES_MAX];
    char *text; /* domain, then targets */
    size_t domain_bytes;
};

struct look {
    struct look *next;
    uint64_t id;
    uint32_t module; /* to be asked next */
    char *domain;
    void (*late)(void *arg, const struct xmb_route_answer *answer);
    void *arg;
};

struct ticket {
    struct xmb_ticket base; /* first */
    struct xmb_module *module;
    int status;
    struct set *set;
};

static struct set *sets;
static struct look *looks;
static uint64_t last_id;

static struct set *set_new(struct xmb_module *m, struct xmb_str domain,
                           const struct xmb_route *routes, size_t count)
{
    struct set *set = fake_alloc(sizeof(*set));
    size_t bytes = domain.n;
    char *at;
    size_t i;

    for (i = 0; i < count; i++)
        bytes += routes[i].target.n;
    at = set->text = fake_alloc(bytes);
    if (domain.n > 0)
        memcpy(at, domain.p, domain.n);
    at += domain.n;
    set->domain_bytes = domain.n;
    set->module = m;
    set->count = count;
    for (i = 0; i < count; i++) {
        set->routes[i] = routes[i];
        set->routes[i].domain = (struct xmb_str){set->text, domain.n};
        if (routes[i].target.n == 0)
            continue;
        memcpy(at, routes[i].target.p, routes[i].target.n);
        set->routes[i].target.p = at;
        at += routes[i].target.n;
    }
    return set;
}

static void set_free(struct set *set)
{
    if (set != NULL)
        free(set->text);
    free(set);
}

static struct set **find(const struct xmb_module *m, struct xmb_str domain)
{
    struct set **at = &sets;

    while (*at != NULL && ((*at)->module != m ||
                           !xmb_str_eq((struct xmb_str){(*at)->text, (*at)->domain_bytes}, domain)))
        at = &(*at)->next;
    return at;
}

static int update(struct xmb_module *module, struct xmb_str domain,
                  const struct xmb_route *routes, size_t count)
{
    struct set **at = find(module, domain);
    struct set *old = *at;

    if (domain.n == 0 || domain.n > XMB_DOMAIN_NAME_MAX || count > XMB_ROUTES_MAX)
        return XMB_EINVAL;
    if (old != NULL) {
        *at = old->next;
        set_free(old);
    }
    if (count > 0) {
        struct set *set = set_new(module, domain, routes, count);

        set->next = sets;
        sets = set;
    }
    return 0;
}

static void clear(struct xmb_module *module)
{
    struct set **at = &sets;

    while (*at != NULL) {
        struct set *set = *at;

        if (set->module != module) {
            at = &set->next;
            continue;
        }
        *at = set->next;
        set_free(set);
    }
}

size_t xmb_fakehost_routes(const struct xmb_module *m, struct xmb_str domain,
                           struct xmb_route *out, size_t max)
{
    const struct set *set = *find(m, domain);
    size_t i;

    for (i = 0; set != NULL && i < set->count && i < max; i++)
        out[i] = set->routes[i];
    return set != NULL ? set->count : 0;
}

/* --- lookup ---------------------------------------------------------------------------------- */

static struct xmb_route answered[XMB_ROUTES_MAX];

static void fill(const struct set *set, int suffix_only, struct xmb_route_answer *answer)
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

/* The longest name of `m` that stands for `domain`. 1: found. */
static int find_in(const struct xmb_module *m, struct xmb_str domain,
                   struct xmb_route_answer *answer)
{
    struct xmb_str name = domain;

    while (name.n > 0) {
        const struct set *set = *find(m, name);
        const char *dot = memchr(name.p, '.', name.n);

        if (set != NULL) {
            fill(set, name.n != domain.n, answer);
            if (answer->count > 0 || answer->status != 0)
                return 1;
        }
        name = dot != NULL ? xmb_sub(name, (size_t)(dot - name.p) + 1, name.n)
                           : (struct xmb_str){NULL, 0};
    }
    return 0;
}

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

/* Asks the next module; when none is left, nobody knows. */
static void look_next(struct look *look)
{
    struct xmb_route_answer nobody = {.size = sizeof(nobody), .status = XMB_ENOENT};

    while (look->module < fake.module_count) {
        struct xmb_module *m = fake.module[look->module++];
        struct ticket *t;

        if (!m->is_up || !XMB_HAS(m->plugin->routing, resolve))
            continue;
        t = fake_alloc(sizeof(*t));
        fake_ticket_out(&t->base, FAKE_TICKET_ROUTER);
        t->base.id = look->id;
        t->module = m;
        if (m->plugin->routing->resolve(m->self, xmb_str(look->domain), &t->base) == 0)
            return;
        fake_ticket_back(&t->base, FAKE_TICKET_ROUTER);
        free(t);
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

static int lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
                  void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                  uint64_t *ask_id)
{
    struct look *look;
    uint64_t *id;
    uint32_t i;

    (void)w;
    if (domain.n == 0 || domain.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    for (i = 0; i < fake.module_count; i++)
        if (find_in(fake.module[i], domain, answer))
            return 0;
    if (late == NULL) {
        *answer = (struct xmb_route_answer){.size = sizeof(*answer), .status = XMB_ENOENT};
        return 0;
    }
    look = fake_alloc(sizeof(*look));
    look->id = ++last_id;
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

static void cancel(struct xmb_worker *w, uint64_t ask_id)
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

    if (look != NULL && t->status == 0) {
        fill(t->set, 0, &answer);
        look_end(look, &answer);
    } else if (look != NULL && t->status == XMB_EDENIED) {
        answer.module = t->module;
        look_end(look, &answer);
    } else if (look != NULL) {
        look_next(look);
    }
    set_free(t->set);
    free(t);
}

static void resolved_dropped(void *arg)
{
    struct ticket *t = arg;

    set_free(t->set);
    free(t);
}

static void resolved(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                     size_t count)
{
    struct ticket *t = (struct ticket *)ticket;

    fake_ticket_back(ticket, FAKE_TICKET_ROUTER);
    if (count > XMB_ROUTES_MAX)
        fake_fail("a plugin answers with %zu routes; %d are the most", count, XMB_ROUTES_MAX);
    t->status = status == 0 && count == 0 ? XMB_ENOENT : status;
    t->set = set_new(t->module, (struct xmb_str){NULL, 0}, routes, t->status == 0 ? count : 0);
    fake_work_or(resolved_work, resolved_dropped, t);
}

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
    while (looks != NULL)
        look_end(looks, NULL);
    while (sets != NULL) {
        struct set *set = sets;

        sets = set->next;
        set_free(set);
    }
}

const struct xmb_router_api fake_router_api = {
    .size = sizeof(fake_router_api),
    .rev = 1,
    .update = update,
    .clear = clear,
    .resolved = resolved,
    .lookup = lookup,
    .cancel = cancel,
    .post = post,
};
