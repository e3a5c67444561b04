/* SPDX-License-Identifier: MIT */
/*
 * shutdown.c - what the signals do.
 *
 *     RUNNING --SIGTERM, SIGINT--> DRAINING --nothing left, or 10 s--> loop ends
 *                                     \--a second one--> exit at once
 *
 * Draining: a reload that is under way ends, listeners close, modules and connections are told, and
 * every 50 ms the workers are asked how many connections they still have; when there are none, the
 * routing modules are asked whether they have said all that their peers must know. SIGHUP reloads
 * while RUNNING.
 */
#include "config.h"

#include "shutdown.h"

#include "conn/conn.h"
#include "log/log.h"
#include "loop/worker.h"
#include "plugin/lifecycle.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define ASK_AGAIN_MS 50

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNAL_COUNT (sizeof signals / sizeof signals[0])

static uv_signal_t handles[SIGNAL_COUNT];
static uv_timer_t timer;
static int draining;
static uint64_t drain_until_ms;
static atomic_size_t connections;

static void drain_on_worker(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_worker_drain(w);
}

static void count_on_worker(struct xmb_worker *w, void *arg)
{
    (void)arg;
    atomic_fetch_add(&connections, conn_worker_count(w));
}

static void ask(uv_timer_t *handle);

static int is_late(void)
{
    return uv_now(&loop_control()->uv) >= drain_until_ms;
}

static void on_modules_asked(uint32_t late)
{
    if (late > 0 && !is_late()) {
        uv_timer_start(&timer, ask, ASK_AGAIN_MS, 0);
        return;
    }
    if (late > 0)
        lifecycle_name_late(change_drain_ms());
    loop_stop(loop_control());
}

static void on_counted(void *arg)
{
    size_t left = atomic_load(&connections);

    (void)arg;
    if (left == 0) {
        lifecycle_ask_drained(on_modules_asked);
    } else if (is_late()) {
        LOG(WARN, NULL, "%zu connections did not end within %llu s and are cut", left,
            (unsigned long long)change_drain_ms() / 1000);
        loop_stop(loop_control());
    } else {
        uv_timer_start(&timer, ask, ASK_AGAIN_MS, 0);
    }
}

static void ask(uv_timer_t *handle)
{
    (void)handle;
    atomic_store(&connections, 0);
    if (workers_each(count_on_worker, NULL, on_counted) < 0)
        loop_stop(loop_control());
}

static void on_drained(void *arg)
{
    (void)arg;
    ask(&timer);
}

/* No reload is under way, and none comes any more. */
static void drain_now(void)
{
    uint64_t ms = change_drain_ms();

    uv_update_time(&loop_control()->uv);
    drain_until_ms = uv_now(&loop_control()->uv) + ms;
    listeners_close();
    lifecycle_drain(ms);
    if (workers_each(drain_on_worker, NULL, on_drained) < 0)
        loop_stop(loop_control());
}

static void drain(int signo)
{
    LOG(NOTICE, NULL, "signal %d: stopping; connections have %llu s to end", signo,
        (unsigned long long)change_drain_ms() / 1000);
#ifdef HAVE_LIBSYSTEMD
    sd_notify(0, "STOPPING=1");
#endif
    draining = 1;
    reload_end(drain_now);
}

static void on_signal(uv_signal_t *handle, int signo)
{
    (void)handle;
    if (signo == SIGHUP) {
        if (!draining)
            reload_request();
    } else if (!draining) {
        drain(signo);
    } else {
        LOG(WARN, NULL, "signal %d again: ending at once", signo);
        _exit(EXIT_FAILURE);
    }
}

int shutdown_init(void)
{
    uv_loop_t *uv = &loop_control()->uv;
    size_t i;

    uv_timer_init(uv, &timer);
    for (i = 0; i < SIGNAL_COUNT; i++)
        if (uv_signal_init(uv, &handles[i]) != 0 ||
            uv_signal_start(&handles[i], on_signal, signals[i]) != 0)
            return XMB_EIO;
    return 0;
}

void shutdown_fini(void)
{
    size_t i;

    uv_close((uv_handle_t *)&timer, NULL);
    for (i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&handles[i], NULL);
}
