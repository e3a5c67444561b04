/* SPDX-License-Identifier: MIT */
/*
 * endings.c - a policy plugin to copy: foreign domains that end in a name of its list are denied. Of
 * all others it says nothing, so that another module may allow them.
 */
#include <stdlib.h>
#include <xmb/xmb.h>

static const struct xmb_host *host; /* written once in init, before there are workers */

/* One configuration: made by prepare, read by all workers, freed by retire. Never changed. */
struct endings {
    size_t count;
    struct xmb_str list[]; /* views of the configuration, which lives as long */
};

enum { DENIED };

struct worker {
    const struct endings *endings;
    uint64_t *cells; /* metrics of this worker; nobody else writes them */
};

static int init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    return XMB_HAS(h, conf) && XMB_HAS(h, metrics) ? 0 : XMB_EVERSION;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct xmb_conf *e;
    struct endings *endings;
    size_t count = 0;

    (void)self;
    for (e = host->conf->child(conf, "deny"); e != NULL; e = host->conf->next(e, "deny"))
        count++;
    endings = calloc(1, sizeof *endings + count * sizeof endings->list[0]);
    if (endings == NULL)
        return XMB_ENOMEM;
    for (e = host->conf->child(conf, "deny"); e != NULL; e = host->conf->next(e, "deny"))
        endings->list[endings->count++] = xmb_str(host->conf->text(e, "ending", ""));
    *next = endings;
    return 0;
}

static void drop(void *self, void *endings)
{
    (void)self;
    free(endings);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct worker *w = calloc(1, sizeof *w);

    if (w == NULL)
        return XMB_ENOMEM;
    w->cells = host->metrics->cells(worker, self);
    *wself = w;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct worker *w = wself;

    w->endings = next;
}

/* "b.zip" and "zip" end in "zip", "unzip" does not. */
static int ends_in(struct xmb_str name, struct xmb_str ending)
{
    if (name.n < ending.n || memcmp(name.p + name.n - ending.n, ending.p, ending.n) != 0)
        return 0;
    return name.n == ending.n || name.p[name.n - ending.n - 1] == '.';
}

/* On the worker of whoever asks, and often: no waiting, and best no allocation. */
static int check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket)
{
    struct worker *w = wself;
    size_t i;

    (void)ticket; /* for an answer that takes time */
    for (i = 0; i < w->endings->count; i++) {
        if (!ends_in(request->foreign, w->endings->list[i]))
            continue;
        w->cells[DENIED]++;
        answer->reason = XMB_DENY_POLICY;
        answer->text = "the domain has an ending that is denied";
        return XMB_DENY;
    }
    return XMB_ABSTAIN;
}

#include "endings.rng.h"

static const struct xmb_metric metrics[] = {
    [DENIED] = {XMB_METRIC_INIT, XMB_COUNTER, "denied", "questions",
                "Questions about a foreign domain that were denied for its ending."},
};

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = init, .prepare = prepare,
    .abort = drop, .retire = drop, .worker_init = worker_init, .worker_fini = free,
    .worker_conf = worker_conf};

static const struct xmb_policy policy = {.size = sizeof policy, .points = XMB_POINT_ROUTE,
    .check = check};

XMB_PLUGIN(endings, .abi_need = 2, .version = "1.0", .summary = "denies domains by their ending",
    .license = "MIT", .origin = "you@example.org", .schema = endings_rng,
    .schema_bytes = sizeof endings_rng - 1, .XMB_LIST(metrics, metrics), .ops = &ops,
    .policy = &policy);
