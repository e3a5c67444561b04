/* SPDX-License-Identifier: MIT */
/*
 * run.c - runs a command on the thread where its state lives.
 *
 * Control scope runs at once. Routing scope is posted there and back. Each
 * worker gets an answer of its own to emit into; when all are back on the
 * control thread they are joined in the order of the workers.
 *
 * When the control loop ends meanwhile, a command cannot come back to it. It stays in the list of
 * those that run, and is finished by control_forget when no other thread is left: its
 * operator's session waits for that.
 */
#include "control/control_priv.h"

#include <stdlib.h>

struct run {
    struct run *next; /* in `running` */
    struct run **prev;
    const struct command *command;
    struct xmb_call call;
    const char *args[XMB_COMMAND_ARGS_MAX]; /* into `text` */
    char *text;
    void (*done)(void *arg, struct xmb_out *out);
    void *arg;
    struct xmb_out routing;   /* what the routing loop emitted */
    struct xmb_out outs[];    /* one a worker */
};

static struct run *running; /* thread: control */

static void run_free(struct run *r)
{
    uint32_t i;

    *r->prev = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    for (i = 0; i < worker_count(); i++)
        out_clear(&r->outs[i]);
    out_clear(&r->routing);
    free(r->text);
    free(r);
}

/* Copies the arguments: the request that they point into may be gone before a worker runs. */
static int copy_args(struct run *r, const struct match *m)
{
    size_t bytes = 1;
    char *at;
    uint32_t i;

    for (i = 0; i < m->arg_count; i++)
        bytes += strlen(m->args[i]) + 1;
    r->text = at = malloc(bytes);
    if (at == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < m->arg_count; i++) {
        size_t n = strlen(m->args[i]) + 1;

        memcpy(at, m->args[i], n);
        r->args[i] = at;
        at += n;
    }
    r->call.size = sizeof r->call;
    r->call.arg_count = m->arg_count;
    r->call.args = r->args;
    return 0;
}

static struct run *run_new(const struct match *m, void (*done)(void *, struct xmb_out *),
                           void *arg)
{
    struct run *r = calloc(1, sizeof *r + worker_count() * sizeof r->outs[0]);
    uint32_t i;
    int rc;

    if (r == NULL)
        return NULL;
    r->command = m->command;
    r->done = done;
    r->arg = arg;
    r->prev = &running;
    r->next = running;
    if (r->next != NULL)
        r->next->prev = &r->next;
    running = r;
    rc = copy_args(r, m);
    if (rc == 0)
        rc = out_init(&r->routing);
    for (i = 0; rc == 0 && i < worker_count(); i++)
        rc = out_init(&r->outs[i]);
    if (rc < 0) {
        run_free(r);
        return NULL;
    }
    return r;
}

/* Calls the handler and makes sure that a failure has words. */
static void call(struct run *r, void *state, struct xmb_out *out)
{
    struct module_mark mark = module_enter(r->command->module);
    int rc = r->command->decl.run(state, &r->call, out);

    module_leave(mark);
    if (rc < 0 && out->error == NULL)
        control_api.error(out, "module %s refused the command", r->command->module->name);
    if (out->failed && out->error == NULL)
        control_api.error(out, "out of memory while answering");
}

static void finish(struct run *r, struct xmb_out *out)
{
    r->done(r->arg, out);
    run_free(r);
}

static void on_worker(struct xmb_worker *w, void *arg)
{
    struct run *r = arg;
    void *state = r->command->decl.scope == SCOPE_EVERYWHERE
                      ? (void *)w
                      : w->wself[r->command->module->index];

    call(r, state, &r->outs[w->index]);
}

/* On the control thread; on another one when the control loop has ended. */
static void workers_done(void *arg)
{
    struct run *r = arg;
    uint32_t i;

    if (!loop_is_current(loop_control()))
        return;
    for (i = 0; i < worker_count(); i++)
        out_merge(&r->routing, &r->outs[i]);
    finish(r, &r->routing);
}

static int start_workers(struct run *r)
{
    return workers_each(on_worker, r, workers_done);
}

static void start_failed(struct run *r)
{
    control_api.error(&r->routing, "the broker is stopping or out of memory; nothing was done");
    finish(r, &r->routing);
}

/* Back from the routing loop; `loop` is NULL when the broker is ending. */
static void routing_done(struct loop *loop, void *arg)
{
    struct run *r = arg;

    if (loop == NULL)
        return;
    if (r->command->decl.scope != SCOPE_EVERYWHERE)
        finish(r, &r->routing);
    else if (start_workers(r) < 0)
        start_failed(r);
}

static void on_routing(struct loop *loop, void *arg)
{
    struct run *r = arg;
    int everywhere = r->command->decl.scope == SCOPE_EVERYWHERE;

    if (loop == NULL)
        return;
    call(r, everywhere ? NULL : r->command->module->self, &r->routing);
    (void)loop_post_must(loop_control(), routing_done, r, sizeof *r); /* refused at the end only */
}

int run_command(const struct match *m, void (*done)(void *arg, struct xmb_out *out), void *arg)
{
    struct run *r = run_new(m, done, arg);
    int rc = 0;

    if (r == NULL)
        return XMB_ENOMEM;
    switch (r->command->decl.scope) {
    case XMB_SCOPE_EACH_WORKER:
        rc = start_workers(r);
        break;
    case XMB_SCOPE_ROUTING:
    case SCOPE_EVERYWHERE:
        rc = loop_post(loop_routing(), on_routing, r, sizeof *r);
        break;
    default:
        call(r, r->command->module->self, &r->routing);
        finish(r, &r->routing);
    }
    if (rc < 0)
        run_free(r);
    return rc;
}

void control_forget(void)
{
    while (running != NULL) {
        control_api.error(&running->routing, "the broker has stopped");
        finish(running, &running->routing);
    }
}
