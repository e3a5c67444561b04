/* SPDX-License-Identifier: MIT */
/*
 * worker_api.c - workers as modules see them: every call back into a module is
 * marked with it, for the crash report and the log of slow callbacks.
 */
#include "loop/mailbox_priv.h"
#include "loop/worker.h"

typedef void worker_fn(struct xmb_worker *w, void *arg);

static uint32_t api_index(const struct xmb_worker *w)
{
    return w->index;
}

static void *api_state(const struct xmb_worker *w, const struct xmb_module *module)
{
    return w->wself[module->index];
}

static uint64_t api_now_ms(const struct xmb_worker *w)
{
    return loop_now_ms(&w->loop);
}

static void run_marked(struct loop *loop, const struct mail *m)
{
    struct xmb_worker *w = (struct xmb_worker *)(void *)loop;
    struct module_mark mark = module_enter(m->module);

    /* A module that has no state there any more is told as if the worker had ended. */
    ((worker_fn *)m->fn)(w != NULL && !w->modules_ended ? w : NULL, m->arg);
    module_leave(mark);
}

static int api_post(struct xmb_worker *w, struct xmb_module *module, worker_fn *fn, void *arg,
                    size_t cost_bytes)
{
    struct mail m = {NULL, run_marked, (void (*)(void))fn, arg, module, cost_bytes};

    return mailbox_post(&w->loop, &m, 0);
}

const struct xmb_worker_api worker_api = {
    .size = sizeof(struct xmb_worker_api),
    .rev = 1,
    .count = worker_count,
    .at = worker_at,
    .index = api_index,
    .state = api_state,
    .now_ms = api_now_ms,
    .post = api_post,
    .offload = offload_post,
};
