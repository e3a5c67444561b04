/* SPDX-License-Identifier: MIT */
/*
 * allow_deny.c - the policy plugin of allow and deny lists: the descriptor, the
 * life of the module, and its answer at each point.
 *
 * At ACCEPT a connection is judged by the address list that its listener's
 * module names, before an octet is read. At ROUTE the foreign domain is judged
 * by the list of domains; in an allow list's way nobody is denied by name, so that
 * another module may still allow.
 *
 * A reload is for new connections; those that live are not judged again. Domains
 * are judged whenever a protocol asks.
 */
#include "address_lists.h"
#include "domains.h"
#include "federation_privacy.h"
#include "lists.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "allow-deny.rng.h"

struct module {
    const struct xmb_host *host;
    struct xmb_module *module;
};

/* What was prepared; all workers share it. */
struct conf {
    struct lists *lists;
    struct domains *domains;
};

enum { METRIC_PERMITTED, METRIC_DENIED, METRIC_DOMAINS_PERMITTED, METRIC_DOMAINS_DENIED,
       METRIC_COUNT };

struct worker {
    const struct module *module;
    const struct conf *conf;
    uint64_t *cells;
};

/* --- ACCEPT ---------------------------------------------------------------------------------- */

/* The chain logs the denial with a static text; which entry it was is for who looks closer. */
static void tell_which(const struct worker *w, const struct xmb_request *request,
                       const struct entry *e)
{
    const struct xmb_host *host = w->module->host;
    char peer[XMB_ADDR_TEXT_MAX];

    if (host->log->level(w->module->module) < XMB_LOG_DEBUG)
        return;
    host->conn->addr_text(&request->remote, peer, sizeof(peer));
    if (e != NULL)
        host->log->limited(w->module->module, XMB_LOG_DEBUG, "denied by an entry", 20, peer,
                           "denied by line %u of the configuration, in address list \"%s\"",
                           e->line, request->list);
    else
        host->log->limited(w->module->module, XMB_LOG_DEBUG, "denied by no entry", 20, peer,
                           "no entry of address list \"%s\" fits", request->list);
}

static int deny(struct worker *w, int metric, struct xmb_answer *answer, const char *text)
{
    w->cells[metric]++;
    answer->reason = XMB_DENY_POLICY;
    answer->text = text;
    return XMB_DENY;
}

static int check_accept(struct worker *w, const struct xmb_request *request,
                        struct xmb_answer *answer)
{
    const struct list *list;
    const struct entry *e;

    if (request->list == NULL) {
        w->cells[METRIC_PERMITTED]++;
        return XMB_ALLOW;
    }
    list = lists_find(w->conf->lists, request->list);
    if (list == NULL)
        return deny(w, METRIC_DENIED, answer,
                    "the address list that it must be in is not in the configuration");
    e = list_match(list, &request->remote);
    if (e != NULL && e->permit) {
        w->cells[METRIC_PERMITTED]++;
        return XMB_ALLOW;
    }
    tell_which(w, request, e);
    return deny(w, METRIC_DENIED, answer,
                e != NULL ? "an entry of the address list denies it"
                          : "no entry of the address list permits it");
}

/* --- ROUTE ----------------------------------------------------------------------------------- */

/* Of an asker that does not say which of the two is foreign a deny list must not be got round. */
static int is_denied(const struct domains *d, const struct xmb_request *request)
{
    if (d->mode != DOMAINS_DENY_LIST)
        return 0;
    if (request->foreign.n > 0)
        return domains_find(d, request->foreign) != NULL;
    return domains_find(d, request->from) != NULL || domains_find(d, request->to) != NULL;
}

static int check_route(struct worker *w, const struct xmb_request *request,
                       struct xmb_answer *answer)
{
    const struct domains *d = w->conf->domains;

    if (is_denied(d, request))
        return deny(w, METRIC_DOMAINS_DENIED, answer, "the deny list has the domain");
    if (d->mode == DOMAINS_ALLOW_LIST && domains_find(d, request->foreign) == NULL)
        return XMB_ABSTAIN;
    w->cells[METRIC_DOMAINS_PERMITTED]++;
    return XMB_ALLOW;
}

static int check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket)
{
    (void)ticket; /* never needed: the answer is always at hand */
    switch (request->point) {
    case XMB_POINT_ACCEPT:
        return check_accept(wself, request, answer);
    case XMB_POINT_ROUTE:
        return check_route(wself, request, answer);
    default:
        return XMB_ABSTAIN;
    }
}

/* --- what others may ask; one module of this plugin is in a broker ---------------------------- */

/*
 * address_lists.h. `lists_asked` is those in preparation or, without, in force; NULL while it
 * cannot be said. Written on the control thread, and never while policy_changed runs.
 */
static _Atomic(const struct lists *) lists_asked;
static const struct lists *lists_in_force;

static int list_known(const char *name)
{
    const struct lists *lists = atomic_load(&lists_asked);

    return lists == NULL || lists_find(lists, name) != NULL;
}

/* federation_privacy.h */
static _Atomic(const char *) mode_now;
static _Atomic uint32_t listed_now;

static const char *privacy_mode(void)
{
    return atomic_load(&mode_now);
}

static uint32_t privacy_listed(void)
{
    return atomic_load(&listed_now);
}

static int interface(void *self, const char *name, uint32_t revision, const void **table)
{
    static const struct federation_privacy privacy = {
        .size = sizeof(privacy), .mode = privacy_mode, .listed = privacy_listed};
    static const struct address_lists lists = {.size = sizeof(lists), .known = list_known};

    (void)self;
    (void)revision; /* the host has looked both up in `provides` */
    if (strcmp(name, ADDRESS_LISTS_NAME) == 0)
        *table = &lists;
    else
        *table = &privacy;
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return XMB_ENOMEM;
    m->host = host;
    m->module = module;
    lists_in_force = NULL;
    atomic_store(&lists_asked, NULL);
    *self = m;
    return 0;
}

static void drop(void *self, void *old)
{
    struct conf *c = old;

    (void)self;
    if (c == NULL)
        return;
    lists_free(c->lists);
    domains_free(c->domains);
    free(c);
}

static void abort_(void *self, void *next)
{
    atomic_store(&lists_asked, lists_in_force);
    drop(self, next);
}

/* Both are read, also when the first has faults, so that the operator sees them all. */
static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct module *m = self;
    struct conf *c = calloc(1, sizeof(*c));
    int rc, rc_domains;

    if (c == NULL)
        return XMB_ENOMEM;
    rc = lists_read(m->host->conf, conf, &c->lists);
    rc_domains = domains_read(m->host->conf, conf, &c->domains);
    if (rc == 0)
        rc = rc_domains;
    atomic_store(&lists_asked, rc < 0 ? NULL : c->lists);
    if (rc < 0)
        drop(self, c);
    else
        *next = c;
    return rc;
}

static void commit(void *self, void *next)
{
    const struct module *m = self;
    const struct conf *c = next;

    lists_in_force = c->lists;
    atomic_store(&lists_asked, c->lists);
    atomic_store(&mode_now, domains_mode_text(c->domains->mode));
    atomic_store(&listed_now, c->domains->count);
    m->host->log->write(m->module, XMB_LOG_NOTICE, NULL,
                        "%u address lists with %u entries; federation: %s, %u domains listed",
                        c->lists->list_count, c->lists->entry_count,
                        domains_mode_text(c->domains->mode), c->domains->count);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    const struct module *m = self;
    struct worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return XMB_ENOMEM;
    w->module = m;
    w->cells = m->host->metrics->cells(worker, m->module);
    *wself = w;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct worker *w = wself;

    w->conf = next;
}

static const struct xmb_metric metrics[METRIC_COUNT] = {
    [METRIC_PERMITTED] = {XMB_METRIC_INIT, XMB_COUNTER, "permitted", "connections",
                          "Connections that an address list, or the lack of one, let in."},
    [METRIC_DENIED] = {XMB_METRIC_INIT, XMB_COUNTER, "denied", "connections",
                       "Connections that an address list refused."},
    [METRIC_DOMAINS_PERMITTED] = {XMB_METRIC_INIT, XMB_COUNTER, "domains_permitted", "questions",
                                  "Questions about a foreign domain that were allowed."},
    [METRIC_DOMAINS_DENIED] = {XMB_METRIC_INIT, XMB_COUNTER, "domains_denied", "questions",
                               "Questions about a foreign domain that the deny list refused."},
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = abort_,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = free,
    .worker_conf = worker_conf,
    .retire = drop,
    .stop = free,
    .interface = interface,
};

static const struct xmb_need offers[] = {
    {XMB_NEED_INIT, FEDERATION_PRIVACY_REVISION, FEDERATION_PRIVACY_NAME},
    {XMB_NEED_INIT, ADDRESS_LISTS_REVISION, ADDRESS_LISTS_NAME},
};

static const struct xmb_policy role = {
    .size = sizeof(role),
    .points = XMB_POINT_ACCEPT | XMB_POINT_ROUTE,
    .check = check,
};

XMB_PLUGIN_NAMED(allow_deny, "allow-deny",
                 .abi_need = 2, /* xmb_request.foreign */
                 .version = "1.0",
                 .summary = "allow and deny lists of addresses and domains",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = allow_deny_rng,
                 .schema_bytes = sizeof(allow_deny_rng) - 1,
                 .XMB_LIST(provides, offers),
                 .XMB_LIST(metrics, metrics),
                 .ops = &ops,
                 .policy = &role);
