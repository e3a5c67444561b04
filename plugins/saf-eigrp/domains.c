/* SPDX-License-Identifier: MIT */
/*
 * domains.c - announced XMPP domains that were learned, as routes for the domain router.
 *
 * What is kept is one *announcement* for each process and service identity, in its domain; all
 * that announce one domain stand together, and the router gets them as one set. The domains are an
 * array sorted by the key in the identity (words 0 and 1 of the instance, a digest of the name),
 * so that an announcement that goes is found without its data, and no neighbour can make a search
 * long by the names that it chooses. The name must have that digest, or the announcement is not
 * taken. Whoever finds two names of one digest has one of them: the second is refused.
 *
 * A process that does not learn domains (the default) tells nothing here: its announcements count
 * as gone. When the configuration changes that, the process forgets, or tells all it knows again.
 *
 * Thread: routing.
 */
#include "domains.h"

#include <stdlib.h>

#include "xmpp_domain.h"

struct announcement {
    const struct se_process *process; /* only compared */
    struct xmb_service_id id;
    struct xmb_addr addr;
    uint16_t priority, weight;
    uint8_t is_tls;
};

struct domain {
    uint64_t key;
    uint32_t count, room;
    struct announcement *announced; /* by is_before: in the order in which they are offered */
    char name[XMB_DOMAIN_NAME_MAX + 1];
};

struct se_domains {
    const struct xmb_host *host;
    struct xmb_module *module;
    struct domain **domains; /* by key */
    uint32_t count, room;
    uint8_t is_full_told; /* since something went that made room */
    struct se_domains_figures figures;
};

/* --- the router ------------------------------------------------------------------------------- */

static int same_target(const struct announcement *a, const struct announcement *b)
{
    return a->is_tls == b->is_tls && memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

/* Two processes may have learned one announcement: its share of the weight is not doubled. */
static int is_repeated(const struct domain *d, uint32_t i)
{
    uint32_t k = 0;

    while (k < i && !same_target(&d->announced[k], &d->announced[i]))
        k++;
    return k < i;
}

static struct xmb_route route_of(const struct domain *d, const struct announcement *a)
{
    return (struct xmb_route){
        .size = sizeof(struct xmb_route),
        .flags = a->is_tls ? XMB_ROUTE_TLS : 0,
        .domain = xmb_str(d->name),
        .addr = a->addr,
        .port = a->addr.port,
        .priority = a->priority,
        .weight = a->weight,
    };
}

/* Tells the router what is announced for `d` now. */
static void offer(const struct se_domains *all, const struct domain *d)
{
    struct xmb_route routes[XMB_ROUTES_MAX];
    size_t n = 0;
    uint32_t i;
    int rc;

    for (i = 0; i < d->count && n < XMB_ROUTES_MAX; i++)
        if (!is_repeated(d, i))
            routes[n++] = route_of(d, &d->announced[i]);
    rc = all->host->router->update(all->module, xmb_str(d->name), routes, n);
    if (rc == 0)
        return;
    all->host->log->limited(all->module, XMB_LOG_ERROR, "xmpp-domain-router", 1, d->name,
                            "the router refused its %zu learned routes (error %d); until the next "
                            "change it has none from here, and other modules are asked", n, rc);
    all->host->router->update(all->module, xmb_str(d->name), NULL, 0);
}

/* --- domains ---------------------------------------------------------------------------------- */

/* Where `key` stands, or would stand. */
static uint32_t place_of(const struct se_domains *all, uint64_t key)
{
    uint32_t from = 0, to = all->count;

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;

        if (all->domains[mid]->key < key)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static int is_at(const struct se_domains *all, uint32_t at, uint64_t key)
{
    return at < all->count && all->domains[at]->key == key;
}

static int make_room(struct se_domains *all)
{
    uint32_t room = all->room > 0 ? all->room * 2 : 16;
    struct domain **more;

    if (all->count < all->room)
        return 0;
    more = realloc(all->domains, room * sizeof(struct domain *));
    if (more == NULL)
        return XMB_ENOMEM;
    all->domains = more;
    all->room = room;
    return 0;
}

static int insert_domain(struct se_domains *all, uint32_t at, uint64_t key, const char *name)
{
    struct domain *d;

    if (all->count == SE_DOMAINS_MAX)
        return XMB_ELIMIT;
    if (make_room(all) < 0)
        return XMB_ENOMEM;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return XMB_ENOMEM;
    d->key = key;
    memcpy(d->name, name, strlen(name) + 1);
    memmove(&all->domains[at + 1], &all->domains[at],
            (all->count - at) * sizeof(struct domain *));
    all->domains[at] = d;
    all->count++;
    return 0;
}

static void remove_domain(struct se_domains *all, uint32_t at)
{
    struct domain *d = all->domains[at];

    all->count--;
    memmove(&all->domains[at], &all->domains[at + 1],
            (all->count - at) * sizeof(struct domain *));
    free(d->announced);
    free(d);
}

/* --- announcements of one domain -------------------------------------------------------------- */

/* By priority; the rest only so that the order does not depend on who came first. */
static int is_before(const struct announcement *a, const struct announcement *b)
{
    int c;

    if (a->priority != b->priority)
        return a->priority < b->priority;
    if (a->weight != b->weight)
        return a->weight > b->weight;
    c = memcmp(&a->addr, &b->addr, sizeof(a->addr));
    return c != 0 ? c < 0 : memcmp(&a->id, &b->id, sizeof(a->id)) < 0;
}

static struct announcement *find(const struct domain *d, const struct se_process *p,
                                 const struct xmb_service_id *id)
{
    uint32_t i;

    for (i = 0; i < d->count; i++)
        if (d->announced[i].process == p && memcmp(&d->announced[i].id, id, sizeof(*id)) == 0)
            return &d->announced[i];
    return NULL;
}

static void take_out(struct se_domains *all, struct domain *d, struct announcement *a)
{
    size_t at = (size_t)(a - d->announced);

    d->count--;
    memmove(a, a + 1, (d->count - at) * sizeof(*a));
    all->figures.routes--;
    all->is_full_told = 0;
}

static int put_in(struct se_domains *all, struct domain *d, const struct announcement *a)
{
    uint32_t room = d->room > 0 ? d->room * 2 : 1;
    struct announcement *more;
    uint32_t at;

    if (d->count == SE_DOMAIN_ROUTES_MAX)
        return XMB_ELIMIT;
    if (d->count == d->room) {
        more = realloc(d->announced, room * sizeof(*more));
        if (more == NULL)
            return XMB_ENOMEM;
        d->announced = more;
        d->room = room;
    }
    for (at = d->count; at > 0 && is_before(a, &d->announced[at - 1]); at--)
        d->announced[at] = d->announced[at - 1];
    d->announced[at] = *a;
    d->count++;
    all->figures.routes++;
    return 0;
}

/* The router hears of it, and what is empty goes. */
static void settle(struct se_domains *all, uint32_t at)
{
    offer(all, all->domains[at]);
    if (all->domains[at]->count == 0)
        remove_domain(all, at);
}

static void withdraw(struct se_domains *all, const struct se_process *p,
                     const struct xmb_service_id *id)
{
    uint64_t key = se_xmpp_domain_key(id);
    uint32_t at = place_of(all, key);
    struct announcement *a = is_at(all, at, key) ? find(all->domains[at], p, id) : NULL;

    if (a == NULL)
        return;
    take_out(all, all->domains[at], a);
    settle(all, at);
}

/* XMB_EEXIST: its digest belongs to another name. XMB_ELIMIT, XMB_ENOMEM. */
static int store(struct se_domains *all, const struct announcement *a, const char *name)
{
    uint64_t key = se_xmpp_domain_key(&a->id);
    uint32_t at = place_of(all, key);
    struct announcement *was;
    int rc = 0;

    if (!is_at(all, at, key))
        rc = insert_domain(all, at, key, name);
    else if (strcmp(all->domains[at]->name, name) != 0)
        rc = XMB_EEXIST;
    if (rc < 0)
        return rc;
    was = find(all->domains[at], a->process, &a->id);
    if (was != NULL)
        take_out(all, all->domains[at], was);
    rc = put_in(all, all->domains[at], a);
    settle(all, at);
    return rc;
}

/* --- what a neighbour says -------------------------------------------------------------------- */

/* NULL and all of `a` but its process, or what is wrong. */
static const char *fault_of(const struct xmb_service_id *id, const struct se_content *c,
                            struct announcement *a, struct se_xmpp_domain *data)
{
    const char *why = NULL;

    if (se_xmpp_domain_read(c->service.data, data, &why) < 0)
        return why;
    if (!se_xmpp_domain_is_of(id, xmb_str(data->name)))
        return "its instance is not that of its name";
    a->id = *id;
    a->priority = data->priority;
    a->weight = data->weight;
    a->is_tls = data->is_tls;
    se_content_reach(c, &a->addr);
    return se_xmpp_domain_reach_fault(c->service.protocol, &a->addr);
}

static void tell_malformed(struct se_domains *all, const struct se_process *p,
                           const struct xmb_service_id *id, const char *why)
{
    all->figures.malformed++;
    all->host->log->limited(all->module, XMB_LOG_WARN, "xmpp-domain", 1, p->object,
                            "service %u:%u:%u.%u.%u.%u announces no XMPP domain: %s; no "
                            "route comes from it", id->service, id->subservice, id->instance[0],
                            id->instance[1], id->instance[2], id->instance[3], why);
}

static void tell_refused(struct se_domains *all, const struct se_process *p, const char *name,
                         int rc)
{
    all->figures.refused++;
    if (rc == XMB_ENOMEM) {
        all->host->log->limited(all->module, XMB_LOG_ERROR, "xmpp-domain-memory", 1, p->object,
                                "out of memory; no route to %s comes from this announcement", name);
        return;
    }
    if (all->is_full_told)
        return;
    all->is_full_told = 1;
    all->host->log->limited(all->module, XMB_LOG_WARN, "xmpp-domain-full", 1, p->object,
                            "there is no room for one more route to %s: %d domains, and %d routes "
                            "to one, are the most; it is left out until it changes, as are others "
                            "that are not told", name, SE_DOMAINS_MAX, SE_DOMAIN_ROUTES_MAX);
}

void se_domains_learned(struct se_domains *all, const struct se_process *p,
                        const struct xmb_service_id *id, const struct se_content *c)
{
    struct announcement a = {.process = p};
    struct se_xmpp_domain data;
    const char *why;
    int rc;

    if (c == NULL || !p->family->is_learning_domains) {
        withdraw(all, p, id);
        return;
    }
    why = fault_of(id, c, &a, &data);
    rc = why == NULL ? store(all, &a, data.name) : 0;
    if (rc == XMB_EEXIST)
        why = "another name with the same digest is there";
    if (why != NULL) {
        tell_malformed(all, p, id, why);
        withdraw(all, p, id);
    } else if (rc < 0) {
        tell_refused(all, p, data.name, rc);
    }
}

void se_domains_forget(struct se_domains *all, const struct se_process *p)
{
    uint32_t at = all->count, i;

    while (at-- > 0) {
        struct domain *d = all->domains[at];
        uint32_t had = d->count;

        for (i = d->count; i-- > 0;)
            if (d->announced[i].process == p)
                take_out(all, d, &d->announced[i]);
        if (d->count != had)
            settle(all, at);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

struct se_domains *se_domains_new(const struct xmb_host *host, struct xmb_module *module)
{
    struct se_domains *all = calloc(1, sizeof(*all));

    if (all != NULL) {
        all->host = host;
        all->module = module;
    }
    return all;
}

void se_domains_free(struct se_domains *all)
{
    if (all == NULL)
        return;
    all->host->router->clear(all->module);
    while (all->count > 0)
        remove_domain(all, all->count - 1);
    free(all->domains);
    free(all);
}

void se_domains_figures(const struct se_domains *all, struct se_domains_figures *out)
{
    *out = all->figures;
    out->domains = all->count;
}
