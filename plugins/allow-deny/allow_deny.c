/* SPDX-License-Identifier: MIT */
/*
 * allow_deny.c - the policy plugin of allow and deny lists: the descriptor, the
 * life of the module, and its answer at each point.
 *
 * At ACCEPT a connection is judged by the address list that its listener's
 * module names, before an octet is read. The lists of domains, at
 * XMB_POINT_ROUTE, take their place in `check` beside it.
 *
 * A reload is for new connections; those that live are not judged again.
 */
#include "lists.h"

#include <stdlib.h>

#include "allow-deny.rng.h"

struct module {
    const struct xmb_host *host;
    struct xmb_module *module;
};

enum { METRIC_PERMITTED, METRIC_DENIED, METRIC_COUNT };

struct worker {
    const struct module *module;
    const struct lists *lists;
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

static int deny(struct worker *w, struct xmb_answer *answer, const char *text)
{
    w->cells[METRIC_DENIED]++;
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
    list = lists_find(w->lists, request->list);
    if (list == NULL)
        return deny(w, answer, "the address list that it must be in is not in the configuration");
    e = list_match(list, &request->remote);
    if (e != NULL && e->permit) {
        w->cells[METRIC_PERMITTED]++;
        return XMB_ALLOW;
    }
    tell_which(w, request, e);
    return deny(w, answer, e != NULL ? "an entry of the address list denies it"
                                     : "no entry of the address list permits it");
}

static int check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket)
{
    (void)ticket; /* never needed: the answer is always at hand */
    switch (request->point) {
    case XMB_POINT_ACCEPT:
        return check_accept(wself, request, answer);
    default:
        return XMB_ABSTAIN;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct module *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return XMB_ENOMEM;
    m->host = host;
    m->module = module;
    *self = m;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct module *m = self;
    struct lists *lists;
    int rc = lists_read(m->host->conf, conf, &lists);

    if (rc == 0)
        *next = lists;
    return rc;
}

static void drop(void *self, void *lists)
{
    (void)self;
    lists_free(lists);
}

static void commit(void *self, void *next)
{
    const struct module *m = self;
    const struct lists *lists = next;

    m->host->log->write(m->module, XMB_LOG_NOTICE, NULL, "%u address lists with %u entries",
                        lists->list_count, lists->entry_count);
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

    w->lists = next;
}

static const struct xmb_metric metrics[METRIC_COUNT] = {
    [METRIC_PERMITTED] = {XMB_METRIC_INIT, XMB_COUNTER, "permitted", "connections",
                          "Connections that an address list, or the lack of one, let in."},
    [METRIC_DENIED] = {XMB_METRIC_INIT, XMB_COUNTER, "denied", "connections",
                       "Connections that an address list refused."},
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = free,
    .worker_conf = worker_conf,
    .retire = drop,
    .stop = free,
};

static const struct xmb_policy role = {
    .size = sizeof(role),
    .points = XMB_POINT_ACCEPT,
    .check = check,
};

XMB_PLUGIN_NAMED(allow_deny, "allow-deny",
                 .version = "1.0",
                 .summary = "allow and deny lists of addresses",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = allow_deny_rng,
                 .schema_bytes = sizeof(allow_deny_rng) - 1,
                 .XMB_LIST(metrics, metrics),
                 .ops = &ops,
                 .policy = &role);
