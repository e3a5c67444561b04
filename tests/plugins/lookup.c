/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - a plugin that asks the router and the policy chain what the tests want to know:
 *
 *     lookup domain NAME      lookup address NAME      lookup forget NAME
 *     lookup allowed NAME     the point ROUTE, with NAME as the foreign domain
 *     show lookups            what came of them, the last one last
 *
 * Answers come later, so they are kept and shown. Everything happens on worker 0.
 */
#include <stdlib.h>
#include <xmb/xmb.h>

#define KEPT_MAX 1024

static const struct xmb_host *host;
static struct xmb_module *module;

struct route {
    char target[XMB_DOMAIN_NAME_MAX + 1];
    struct xmb_addr addr;
    uint32_t flags, ttl_s;
    uint16_t port, priority, weight;
    size_t tlsa_count;
};

struct asked {
    char name[XMB_DOMAIN_NAME_MAX + 1];
    int done;
    int32_t status;
    size_t count;
    struct route route[XMB_ROUTES_MAX];
};

struct state {
    struct xmb_worker *worker;
    struct asked *asked[KEPT_MAX];
    size_t count;
};

static void keep_route(struct route *out, const struct xmb_route *r)
{
    size_t n = r->target.n < XMB_DOMAIN_NAME_MAX ? r->target.n : XMB_DOMAIN_NAME_MAX;

    if (n > 0)
        memcpy(out->target, r->target.p, n);
    out->addr = r->addr;
    out->flags = r->flags;
    out->ttl_s = r->ttl_s;
    out->port = r->port;
    out->priority = r->priority;
    out->weight = r->weight;
    if (r->size >= offsetof(struct xmb_route, tlsa_count) + sizeof(r->tlsa_count))
        out->tlsa_count = r->tlsa_count;
}

static void late(void *arg, const struct xmb_route_answer *answer)
{
    struct asked *a = arg;
    size_t i;

    a->done = 1;
    a->status = answer->status;
    a->count = answer->count;
    for (i = 0; i < a->count; i++)
        keep_route(&a->route[i], xmb_route_at(answer->routes, i));
}

static struct asked *asked_new(struct state *s, const struct xmb_call *call)
{
    struct asked *a = calloc(1, sizeof *a);

    if (a == NULL || s->count == KEPT_MAX || call->arg_count != 1 ||
        strlen(call->args[0]) > XMB_DOMAIN_NAME_MAX) {
        free(a);
        return NULL;
    }
    strcpy(a->name, call->args[0]);
    s->asked[s->count++] = a;
    return a;
}

typedef int ask_fn(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                   void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                   uint64_t *ask_id);

static int look(void *state, const struct xmb_call *call, struct xmb_out *out, ask_fn *ask)
{
    struct state *s = state;
    struct xmb_route_answer answer = {.size = sizeof answer};
    struct asked *a;
    int rc;

    if (host->worker->index(s->worker) != 0)
        return 0;
    a = asked_new(s, call);
    if (a == NULL)
        return host->control->error(out, "no room");
    rc = ask(s->worker, xmb_str(a->name), &answer, late, a, NULL);
    if (rc == 0) {
        late(a, &answer);
    } else if (rc != XMB_EAGAIN) {
        a->done = 1;
        a->status = rc;
    }
    return 0;
}

static int look_domain(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    return look(state, call, out, host->router->lookup);
}

static int look_address(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    return look(state, call, out, host->router->addresses);
}

static int forget(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct state *s = state;

    (void)out;
    if (host->worker->index(s->worker) == 0)
        host->router->forget(xmb_str(call->arg_count > 0 ? call->args[0] : NULL));
    return 0;
}

static int allowed(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct state *s = state;
    struct xmb_request request = {.size = sizeof request,
                                  .point = XMB_POINT_ROUTE,
                                  .asker = module,
                                  .from = XMB_STR("inside.example")};
    struct xmb_answer answer = {.size = sizeof answer};

    if (host->worker->index(s->worker) != 0)
        return 0;
    request.to = request.foreign = xmb_str(call->args[0]);
    host->control->flag(out, "allowed",
                        host->policy->ask(s->worker, &request, &answer, NULL, NULL, NULL) ==
                            XMB_ALLOW);
    host->control->number(out, "reason", answer.reason);
    return 0;
}

static void show_route(struct xmb_out *out, const struct route *r)
{
    const struct xmb_control_api *c = host->control;

    c->row_begin(out);
    c->text(out, "target", xmb_str(r->target));
    if (r->addr.family != 0)
        c->address(out, "address", &r->addr);
    c->number(out, "port", r->port);
    c->number(out, "priority", r->priority);
    c->number(out, "weight", r->weight);
    c->number(out, "ttl", r->ttl_s);
    c->number(out, "tlsa", (int64_t)r->tlsa_count);
    c->flag(out, "tls", (r->flags & XMB_ROUTE_TLS) != 0);
    c->flag(out, "secure", (r->flags & XMB_ROUTE_SECURE) != 0);
    c->row_end(out);
}

static int show(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct state *s = state;
    const struct xmb_control_api *c = host->control;
    size_t i, j;

    (void)call;
    c->list_begin(out, "lookups");
    for (i = 0; i < s->count; i++) {
        const struct asked *a = s->asked[i];

        c->row_begin(out);
        c->text(out, "name", xmb_str(a->name));
        c->flag(out, "done", a->done);
        c->number(out, "status", a->status);
        c->list_begin(out, "routes");
        for (j = 0; j < a->count; j++)
            show_route(out, &a->route[j]);
        c->list_end(out);
        c->row_end(out);
    }
    c->list_end(out);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    *self = NULL;
    return 0;
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct state *s = calloc(1, sizeof *s);

    (void)self;
    if (s == NULL)
        return XMB_ENOMEM;
    s->worker = worker;
    *wself = s;
    return 0;
}

static void worker_fini(void *wself)
{
    struct state *s = wself;

    while (s->count > 0)
        free(s->asked[--s->count]);
    free(s);
}

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "lookup domain", "NAME", "where is it",
     look_domain},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "lookup address", "NAME", "its addresses",
     look_address},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "lookup forget", "[NAME]",
     "ask again next time", forget},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "lookup allowed", "NAME", "may it be reached",
     allowed},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show lookups", "", "what came of it",
     show},
};

static const struct xmb_module_ops ops = {
    .size = sizeof ops,
    .init = init,
    .worker_init = worker_init,
    .worker_fini = worker_fini,
};

XMB_PLUGIN(lookup, .version = "1.0", .summary = "asks the router, for tests", .license = "MIT",
           .origin = "XMB", .XMB_LIST(commands, commands), .ops = &ops);
