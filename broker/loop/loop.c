/* SPDX-License-Identifier: MIT */
/*
 * loop.c - the life of a loop, and the end of its turns.
 *
 * A turn of libuv is: timers, I/O and mailbox, check. Hooks run in the check
 * phase, and once more before the loop goes to sleep for those that were armed
 * by a timer or by another hook; so what a turn wrote leaves in that turn.
 *
 * At the end the mailbox is shut, `ended` closes what lives on the loop, and
 * the loop runs on until every handle has been closed. A handle that somebody
 * forgot is our own bug and is named before the assertion fails.
 */

#include "loop/mailbox_priv.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "buf/buf.h"

#define HOOK_PASSES 8 /* that hooks may arm each other before I/O has its chance */
#define CONTROL_MAILBOX_BYTES ((size_t)16 << 20)

static _Thread_local const struct loop *current;

/* --- end of turn ------------------------------------------------------------------------- */

void loop_at_turn_end(struct loop *loop, struct loop_hook *hook)
{
    if (hook->armed)
        return;
    hook->armed = 1;
    hook->next = NULL;
    *loop->hooks_end = hook;
    loop->hooks_end = &hook->next;
}

void loop_hook_cancel(struct loop *loop, struct loop_hook *hook)
{
    struct loop_hook **at = &loop->hooks;

    while (*at != NULL && *at != hook)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = hook->next;
    if (*at == NULL)
        loop->hooks_end = at;
    hook->armed = 0;
}

/* Those armed by these come in the next pass. */
static void run_hooks_once(struct loop *loop)
{
    struct loop_hook *hook = loop->hooks;

    loop->hooks = NULL;
    loop->hooks_end = &loop->hooks;
    while (hook != NULL) {
        struct loop_hook *next = hook->next;

        hook->armed = 0;
        hook->fn(hook);
        hook = next;
    }
}

static void run_hooks(struct loop *loop)
{
    int pass;

    for (pass = 0; loop->hooks != NULL && pass < HOOK_PASSES; pass++)
        run_hooks_once(loop);
}

static void on_check(uv_check_t *check)
{
    run_hooks(check->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;

    run_hooks(loop);
    if (loop->hooks != NULL)
        mailbox_kick(loop);
}

/* --- life -------------------------------------------------------------------------------- */

int loop_init(struct loop *loop, const char *name, size_t mailbox_bytes)
{
    int rc;

    memset(loop, 0, sizeof *loop);
    loop->name = name;
    loop->hooks_end = &loop->hooks;
    atomic_init(&loop->gate, GATE_SHUT);
    if (uv_loop_init(&loop->uv) != 0)
        return XMB_EIO;
    loop->uv.data = loop;
    rc = mailbox_init(loop, mailbox_bytes);
    if (rc < 0) {
        uv_loop_close(&loop->uv);
        return rc;
    }
    uv_check_init(&loop->uv, &loop->turn_end);
    uv_prepare_init(&loop->uv, &loop->turn_end_before_poll);
    loop->turn_end.data = loop;
    loop->turn_end_before_poll.data = loop;
    uv_check_start(&loop->turn_end, on_check);
    uv_prepare_start(&loop->turn_end_before_poll, on_prepare);
    /* The mailbox alone keeps the loop alive. */
    uv_unref((uv_handle_t *)&loop->turn_end);
    uv_unref((uv_handle_t *)&loop->turn_end_before_poll);
    return 0;
}

static void name_open_handle(uv_handle_t *handle, void *arg)
{
    const struct loop *loop = arg;

    if (uv_is_closing(handle) || handle == (const uv_handle_t *)&loop->turn_end ||
        handle == (const uv_handle_t *)&loop->turn_end_before_poll)
        return;
    fprintf(stderr, "xmbd: loop %s ends with an open handle of type %s\n", loop->name,
            uv_handle_type_name(handle->type));
    assert(!"a handle was left open at the end of its loop");
}

/* On the loop's thread, after its last turn of work. */
static void close_loop(struct loop *loop)
{
    int rc;

    run_hooks(loop);
    mailbox_close(loop);
    if (loop->ended != NULL)
        loop->ended(loop);
    /* The hooks stay until what `ended` closes has had its last turns. */
    uv_walk(&loop->uv, name_open_handle, loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_hooks(loop);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->turn_end_before_poll, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    (void)rc;
    loop->closed = 1;
}

void loop_run(struct loop *loop)
{
    current = loop;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    run_hooks(loop);
}

static void thread_main(void *arg)
{
    struct loop *loop = arg;

    pthread_setname_np(pthread_self(), loop->name);
    loop_run(loop);
    close_loop(loop);
    slab_thread_fini();
    current = NULL;
}

/* Signals are the control thread's business; those that a fault raises stay open. */
static void block_signals(sigset_t *old)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;
    size_t i;

    sigfillset(&set);
    for (i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&set, faults[i]);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

int loop_thread_start(uv_thread_t *thread, void (*fn)(void *arg), void *arg)
{
    sigset_t old;
    int rc;

    block_signals(&old);
    rc = uv_thread_create(thread, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0 ? 0 : XMB_EIO;
}

int loop_start(struct loop *loop)
{
    int rc;

    loop->running = 1;
    rc = loop_thread_start(&loop->thread, thread_main, loop);
    if (rc < 0)
        loop->running = 0;
    return rc;
}

static void stop_now(struct loop *loop, void *arg)
{
    (void)loop;
    (void)arg; /* the end of the mailbox sees GATE_STOPPING */
}

void loop_stop(struct loop *loop)
{
    atomic_fetch_or_explicit(&loop->gate, GATE_STOPPING, memory_order_acq_rel);
    loop_post_must(loop, stop_now, NULL, 0); /* wakes it; ended already: refused */
}

void loop_join(struct loop *loop)
{
    if (loop->mailbox == NULL)
        return;
    if (loop->running)
        uv_thread_join(&loop->thread);
    loop->running = 0;
    if (!loop->closed)
        close_loop(loop);
    mailbox_free(loop);
}

/* --- posts ------------------------------------------------------------------------------- */

static void run_plain(struct loop *loop, const struct mail *m)
{
    ((loop_fn *)m->fn)(loop, m->arg);
}

int loop_post(struct loop *loop, loop_fn *fn, void *arg, size_t cost_bytes)
{
    struct mail m = {NULL, run_plain, (void (*)(void))fn, arg, NULL, cost_bytes};

    return mailbox_post(loop, &m, 0);
}

int loop_post_must(struct loop *loop, loop_fn *fn, void *arg, size_t cost_bytes)
{
    struct mail m = {NULL, run_plain, (void (*)(void))fn, arg, NULL, cost_bytes};

    return mailbox_post(loop, &m, 1);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

int loop_is_current(const struct loop *loop)
{
    return loop != NULL && current == loop;
}

/* --- the control loop ---------------------------------------------------------------------- */

static struct loop control_loop;
static struct loop *control; /* set before other threads exist */

struct loop *loop_control(void)
{
    return control;
}

int loop_control_init(void)
{
    int rc = loop_init(&control_loop, "control", CONTROL_MAILBOX_BYTES);

    if (rc < 0)
        return rc;
    control = &control_loop;
    current = control;
    return 0;
}
