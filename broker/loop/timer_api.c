/* SPDX-License-Identifier: MIT */
/*
 * timer_api.c - the timers of modules: a node of the wheel with an owner.
 *
 * Each stands in a list of its worker too, so that those that a module forgot go
 * when modules end there.
 */
#include "loop/timer.h"

#include <stdlib.h>

#include "loop/worker.h"

struct xmb_timer {
    struct timer_node node; /* first: the wheel's callback casts */
    struct xmb_worker *worker;
    struct xmb_module *module;
    void (*fn)(struct xmb_worker *w, void *arg);
    void *arg;
    struct xmb_timer *next;
    struct xmb_timer **prev;
};

static void on_due(struct timer_node *node)
{
    struct xmb_timer *t = (struct xmb_timer *)(void *)node;
    struct module_mark mark = module_enter(t->module);

    t->fn(t->worker, t->arg); /* may destroy `t` */
    module_leave(mark);
}

static struct xmb_timer *create(struct xmb_worker *w, struct xmb_module *module,
                                void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct xmb_timer *t = calloc(1, sizeof *t);

    LOOP_ASSERT(&w->loop);
    if (t == NULL)
        return NULL;
    t->node.fn = on_due;
    t->worker = w;
    t->module = module;
    t->fn = fn;
    t->arg = arg;
    t->next = w->sdk_timers;
    t->prev = &w->sdk_timers;
    if (t->next != NULL)
        t->next->prev = &t->next;
    w->sdk_timers = t;
    return t;
}

static void start(struct xmb_timer *t, uint64_t delay_ms)
{
    LOOP_ASSERT(&t->worker->loop);
    timer_start(t->worker->timers, &t->node, delay_ms);
}

static void stop(struct xmb_timer *t)
{
    LOOP_ASSERT(&t->worker->loop);
    timer_stop(t->worker->timers, &t->node);
}

static void destroy(struct xmb_timer *t)
{
    if (t == NULL)
        return;
    LOOP_ASSERT(&t->worker->loop);
    timer_stop(t->worker->timers, &t->node);
    *t->prev = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    free(t);
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

const struct xmb_timer_api timer_api = {
    .size = sizeof(struct xmb_timer_api),
    .rev = 1,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};
