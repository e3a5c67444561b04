/* SPDX-License-Identifier: MIT */
/*
 * timer_api.c - the timers of modules: a node of a wheel with an owner.
 *
 * They are of two kinds, a worker's and the routing loop's, which differ in the wheel and in what
 * is called. Each stands in a list of its worker, or of the routing loop, too, so that those that
 * a module forgot go when modules end there.
 */
#include "loop/timer.h"

#include <stdlib.h>

#include "loop/routing.h"
#include "loop/worker.h"

struct xmb_timer {
    struct timer_node node; /* first: the wheel's callback casts */
    struct xmb_worker *worker; /* NULL: the routing loop's */
    struct xmb_module *module;
    union {
        void (*on_worker)(struct xmb_worker *w, void *arg);
        void (*on_routing)(void *arg);
    } fn;
    void *arg;
    struct xmb_timer *next;
    struct xmb_timer **prev;
};

static struct xmb_timer *of_routing; /* thread: routing */

static struct timer_wheel *wheel_of(const struct xmb_timer *t)
{
    LOOP_ASSERT(t->worker != NULL ? &t->worker->loop : loop_routing());
    return t->worker != NULL ? t->worker->timers : routing_wheel();
}

/* --- both kinds ------------------------------------------------------------------------------ */

static struct xmb_timer *make(struct xmb_module *module, void *arg, struct xmb_timer **list)
{
    struct xmb_timer *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->module = module;
    t->arg = arg;
    t->next = *list;
    t->prev = list;
    if (t->next != NULL)
        t->next->prev = &t->next;
    *list = t;
    return t;
}

/* In its wheel no more, or the wheel is gone. */
static void forget(struct xmb_timer *t)
{
    *t->prev = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    free(t);
}

static void start(struct xmb_timer *t, uint64_t delay_ms)
{
    timer_start(wheel_of(t), &t->node, delay_ms);
}

static void stop(struct xmb_timer *t)
{
    timer_stop(wheel_of(t), &t->node);
}

static void destroy(struct xmb_timer *t)
{
    if (t == NULL)
        return;
    stop(t);
    forget(t);
}

/* --- a worker's ------------------------------------------------------------------------------ */

static void on_due(struct timer_node *node)
{
    struct xmb_timer *t = (struct xmb_timer *)(void *)node;
    struct module_mark mark = module_enter(t->module);

    t->fn.on_worker(t->worker, t->arg); /* may destroy `t` */
    module_leave(mark);
}

static struct xmb_timer *create(struct xmb_worker *w, struct xmb_module *module,
                                void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct xmb_timer *t;

    LOOP_ASSERT(&w->loop);
    t = make(module, arg, &w->sdk_timers);
    if (t == NULL)
        return NULL;
    t->node.fn = on_due;
    t->worker = w;
    t->fn.on_worker = fn;
    return t;
}

static void drop_all(struct xmb_worker *w)
{
    while (w->sdk_timers != NULL)
        destroy(w->sdk_timers);
}

void worker_modules_end(struct xmb_worker *w)
{
    LOOP_ASSERT(&w->loop);
    w->modules_ended = 1;
    drop_all(w);
}

int timers_worker_init(struct xmb_worker *w)
{
    w->timers = timer_wheel_new(&w->loop);
    return w->timers != NULL ? 0 : XMB_ENOMEM;
}

void timers_worker_fini(struct xmb_worker *w)
{
    drop_all(w);
    timer_wheel_free(w->timers);
    w->timers = NULL;
}

/* --- the routing loop's ---------------------------------------------------------------------- */

static void on_routing_due(struct timer_node *node)
{
    struct xmb_timer *t = (struct xmb_timer *)(void *)node;
    struct module_mark mark = module_enter(t->module);

    t->fn.on_routing(t->arg); /* may destroy `t` */
    module_leave(mark);
}

struct xmb_timer *routing_timer(struct xmb_module *module, void (*fn)(void *arg), void *arg)
{
    struct xmb_timer *t;

    LOOP_ASSERT(loop_routing());
    t = make(module, arg, &of_routing);
    if (t == NULL)
        return NULL;
    t->node.fn = on_routing_due;
    t->fn.on_routing = fn;
    return t;
}

void routing_timers_end(const struct xmb_module *m)
{
    struct xmb_timer *t, *next;

    for (t = of_routing; t != NULL; t = next) {
        next = t->next;
        if (m != NULL && t->module != m)
            continue;
        timer_stop(routing_wheel(), &t->node);
        forget(t);
    }
}

const struct xmb_timer_api timer_api = {
    .size = sizeof(struct xmb_timer_api),
    .rev = 1,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};
