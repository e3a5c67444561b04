/* SPDX-License-Identifier: MIT */
/*
 * later.c - operator commands whose answer comes later, each worker in its own time.
 *
 *     later each      worker I answers after I * 150 ms, a row and a sum each
 *     later at-once   it is finished before the handler returns
 *     later never     the first worker finishes when it ends; it may take 400 ms
 *     later error     the first worker says later that it failed
 *     later wrong     of another scope: refused
 */
#include <stdlib.h>
#include <xmb/xmb.h>

static const struct xmb_host *host;
static struct xmb_module *module;

struct on_worker {
    struct xmb_worker *worker;
    struct xmb_timer *timer;
    struct xmb_out *each, *never;
    int fails;
};

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    *self = &host;
    return 0;
}

static void answer(struct on_worker *w)
{
    struct xmb_out *out = w->each;

    w->each = NULL;
    if (w->fails) {
        (void)host->control->error(out, "it failed later");
    } else {
        host->control->list_begin(out, "workers");
        host->control->row_begin(out);
        host->control->number(out, "worker", host->worker->index(w->worker));
        host->control->row_end(out);
        host->control->list_end(out);
        host->control->sum(out, "answers", 1);
    }
    host->control->finish(out);
}

static void fired(struct xmb_worker *worker, void *arg)
{
    struct on_worker *w = arg;

    (void)worker;
    if (w->each != NULL)
        answer(w);
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct on_worker *w = calloc(1, sizeof(*w));

    (void)self;
    if (w == NULL)
        return XMB_ENOMEM;
    w->worker = worker;
    w->timer = host->timer->create(worker, module, fired, w);
    *wself = w;
    return 0;
}

static void worker_fini(void *wself)
{
    struct on_worker *w = wself;

    if (w->never != NULL)
        host->control->finish(w->never);
    host->timer->destroy(w->timer);
    free(w);
}

static int each(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct on_worker *w = state;

    (void)call;
    if (w->each != NULL)
        return host->control->error(out, "one at a time");
    w->each = out;
    w->fails = 0;
    host->timer->start(w->timer, host->worker->index(w->worker) * 150);
    return host->control->later(out, 20000);
}

static int at_once(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct on_worker *w = state;
    int rc = host->control->later(out, 20000);

    (void)call;
    w->each = out;
    w->fails = 0;
    answer(w);
    return rc;
}

static int never(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct on_worker *w = state;

    (void)call;
    if (host->worker->index(w->worker) != 0)
        return 0;
    if (w->never != NULL)
        return host->control->error(out, "one at a time");
    w->never = out;
    return host->control->later(out, 400);
}

static int fails(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct on_worker *w = state;
    int rc = each(state, call, out);

    w->fails = host->worker->index(w->worker) == 0;
    return rc;
}

static int wrong(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    if (host->control->later(out, 1000) == XMB_EINVAL)
        return host->control->error(out, "not in this scope");
    return 0;
}

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "later each", "", "Each in its time", each},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "later at-once", "", "At once", at_once},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "later never", "", "Never", never},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "later error", "", "It fails later", fails},
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "later wrong", "", "Refused", wrong},
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops), .init = init, .worker_init = worker_init, .worker_fini = worker_fini};

XMB_PLUGIN(later, .abi_need = 3, .version = "1", .summary = "answers later", .license = "MIT",
           .XMB_LIST(commands, commands), .ops = &ops);
