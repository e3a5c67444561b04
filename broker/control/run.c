/* SPDX-License-Identifier: MIT */
/*
 * run.c - runs a command on the thread where its state lives.
 *
 * Control scope runs at once. Routing scope is posted there and back. Each
 * worker gets an answer of its own to emit into; when all are back on the
 * control thread they are joined in the order of the workers.
 *
 * A worker's handler may finish its answer later. Then the run is held by it, and whoever lets go
 * last brings the answer; an operator who waited for too long is told so before, and what comes
 * afterwards is dropped.
 *
 * When the control loop ends meanwhile, a command cannot come back to it. It stays in the list of
 * those that run, and is finished by control_forget when no other thread is left: its
 * operator's session waits for that.
 */
#include "control/control_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LATER_MAX_MS 300000
#define WATCH_MS 250

struct run {
    struct run *next; /* in `running` */
    struct run **prev;
    const struct command *command;
    struct xmb_call call;
    const char *args[XMB_COMMAND_ARGS_MAX]; /* into `text` */
    char *text;
    void (*done)(void *arg, struct xmb_out *out);
    void *arg;
    _Atomic uint32_t held;    /* by workers_each, and by each answer that comes later */
    _Atomic uint64_t due_ms;  /* of the monotonic clock; 0: nobody said that it takes longer */
    int is_waiting;           /* for those alone */
    int is_told;              /* `done` was called: it was too late */
    struct xmb_out routing;   /* what the routing loop emitted */
    struct xmb_out outs[];    /* one a worker */
};

static struct run *running; /* thread: control, as all here */
static uv_timer_t watch;    /* runs while a run is waiting */
static enum { WATCH_NEW, WATCH_MADE, WATCH_CLOSED } watch_state;

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
    atomic_init(&r->held, 1);
    r->prev = &running;
    r->next = running;
    if (r->next != NULL)
        r->next->prev = &r->next;
    running = r;
    rc = copy_args(r, m);
    if (rc == 0)
        rc = out_init(&r->routing);
    for (i = 0; rc == 0 && i < worker_count(); i++) {
        rc = out_init(&r->outs[i]);
        r->outs[i].run = r;
    }
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
    if (rc < 0)
        run_finish(out);
}

static void finish(struct run *r, struct xmb_out *out)
{
    if (out->failed && out->error == NULL)
        control_api.error(out, "out of memory while answering");
    if (!r->is_told)
        r->done(r->arg, out);
    run_free(r);
}

/* --- answers that come later ---------------------------------------------------------------- */

static uint64_t clock_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void join(struct run *r)
{
    uint32_t i;

    for (i = 0; i < worker_count(); i++)
        out_merge(&r->routing, &r->outs[i]);
    finish(r, &r->routing);
}

/* The run stays: a worker still emits into it. */
static void too_late(struct run *r)
{
    r->is_told = 1;
    control_api.error(&r->routing, "module %s did not answer in time; what comes later is dropped",
                      r->command->module->name);
    r->done(r->arg, &r->routing);
}

static void look(uv_timer_t *timer)
{
    uint64_t now_ms = clock_ms();
    struct run *r, *next;
    int waiting = 0;

    for (r = running; r != NULL; r = next) {
        next = r->next;
        if (!r->is_waiting || r->is_told)
            continue;
        if (atomic_load(&r->due_ms) <= now_ms)
            too_late(r);
        else
            waiting = 1;
    }
    if (!waiting)
        uv_timer_stop(timer);
}

static void wait_for(struct run *r)
{
    r->is_waiting = 1;
    if (watch_state == WATCH_NEW && uv_timer_init(&loop_control()->uv, &watch) == 0)
        watch_state = WATCH_MADE;
    if (watch_state == WATCH_MADE)
        uv_timer_start(&watch, look, WATCH_MS, WATCH_MS);
}

void runs_close(void)
{
    if (watch_state == WATCH_MADE)
        uv_close((uv_handle_t *)&watch, NULL);
    watch_state = WATCH_CLOSED;
}

int run_later(struct xmb_out *out, uint32_t within_ms)
{
    struct run *r = out->run;
    uint64_t due_ms = clock_ms() + within_ms, was;

    if (r == NULL || r->command->decl.scope != XMB_SCOPE_EACH_WORKER || within_ms > LATER_MAX_MS)
        return XMB_EINVAL;
    was = atomic_load(&r->due_ms);
    while (was < due_ms && !atomic_compare_exchange_weak(&r->due_ms, &was, due_ms))
        ;
    if (!out->is_later)
        atomic_fetch_add(&r->held, 1);
    out->is_later = 1;
    return 0;
}

/* `loop` is NULL when the broker is ending. */
static void all_there(struct loop *loop, void *arg)
{
    if (loop != NULL)
        join(arg);
}

void run_finish(struct xmb_out *out)
{
    struct run *r = out->run;

    if (!out->is_later)
        return;
    out->is_later = 0;
    if (atomic_fetch_sub(&r->held, 1) == 1)
        (void)loop_post_must(loop_control(), all_there, r, sizeof *r); /* refused at the end only */
}

/* --- where it runs -------------------------------------------------------------------------- */

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

    if (!loop_is_current(loop_control()))
        return;
    if (atomic_fetch_sub(&r->held, 1) == 1)
        join(r);
    else
        wait_for(r);
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
