/* SPDX-License-Identifier: MIT */
/*
 * test_worker.c - workers, their end, timers of modules on them, and the pool for blocking work.
 * Threads are real; nothing sleeps to wait for one. The nouns that hang on a worker are fakes that
 * note where and in which order they were called.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conn/conn.h"
#include "core_fakes.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "policy/policy.h"
#include "router/router.h"
#include "service/service.h"

/* --- workers: fakes of the nouns ---------------------------------------------------------- */

enum { WORKERS = 3 };

static char noun_log[WORKERS_MAX][64]; /* each written by its worker only */
static int policy_init_result;

static void noun_note(struct xmb_worker *w, const char *what)
{
    assert_true(loop_is_current(&w->loop));
    strcat(noun_log[w->index], what);
}

int conn_worker_init(struct xmb_worker *w)
{
    assert_non_null(w->timers);
    noun_note(w, "C");
    return 0;
}

void conn_worker_fini(struct xmb_worker *w)
{
    assert_non_null(w->timers);
    noun_note(w, "c");
}

int service_worker_init(struct xmb_worker *w)
{
    noun_note(w, "S");
    return 0;
}

void service_worker_fini(struct xmb_worker *w)
{
    noun_note(w, "s");
}

int policy_worker_init(struct xmb_worker *w)
{
    noun_note(w, "P");
    return w->index == 1 ? policy_init_result : 0;
}

void policy_worker_fini(struct xmb_worker *w)
{
    noun_note(w, "p");
}

int router_worker_init(struct xmb_worker *w)
{
    noun_note(w, "R");
    return 0;
}

void router_worker_fini(struct xmb_worker *w)
{
    noun_note(w, "r");
}

/* --- workers ------------------------------------------------------------------------------ */

static int workers_up(void **state)
{
    (void)state;
    fake_modules_make(3);
    memset(noun_log, 0, sizeof noun_log);
    policy_init_result = 0;
    if (loop_control_init() < 0)
        return -1;
    return workers_start(WORKERS);
}

static int workers_down(void **state)
{
    (void)state;
    workers_stop();
    loop_join(loop_control());
    return 0;
}

static int note_signal_mask(struct xmb_worker *w, void *arg)
{
    sigset_t set;

    (void)arg;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!sigismember(&set, SIGTERM) || !sigismember(&set, SIGHUP) || sigismember(&set, SIGSEGV))
        return XMB_EINVAL;
    return loop_is_current(&w->loop) ? 0 : XMB_EINVAL;
}

static int fail_on_last(struct xmb_worker *w, void *arg)
{
    _Atomic int *calls = arg;

    atomic_fetch_add(calls, 1);
    return w->index == WORKERS - 1 ? XMB_ELIMIT : 0;
}

static void workers_run_on_all(void **state)
{
    _Atomic int calls = 0;

    (void)state;
    assert_int_equal(worker_api.count(), WORKERS);
    assert_null(worker_api.at(WORKERS));
    assert_int_equal(worker_api.index(worker_api.at(2)), 2);
    assert_int_equal(workers_run(note_signal_mask, NULL), 0);
    assert_int_equal(workers_run(fail_on_last, &calls), XMB_ELIMIT);
    assert_int_equal(atomic_load(&calls), WORKERS);
}

static void count_call(struct xmb_worker *w, void *arg)
{
    _Atomic int *calls = arg;

    assert_true(loop_is_current(&w->loop));
    atomic_fetch_add(calls, 1);
}

static void all_done(void *arg)
{
    _Atomic int *calls = arg;

    assert_true(loop_is_current(loop_control()));
    assert_int_equal(atomic_load(calls), WORKERS);
    atomic_store(calls, -1);
    loop_stop(loop_control());
}

static void workers_each_tells_when_done(void **state)
{
    _Atomic int calls = 0;

    (void)state;
    assert_int_equal(workers_each(count_call, &calls, all_done), 0);
    loop_run(loop_control());
    assert_int_equal(atomic_load(&calls), -1);
}

static void nouns_begin_and_end_in_order(void **state)
{
    size_t i;

    (void)state;
    assert_int_equal(loop_control_init(), 0);
    memset(noun_log, 0, sizeof noun_log);
    assert_int_equal(workers_start(2), 0);
    workers_stop();
    for (i = 0; i < 2; i++)
        assert_string_equal(noun_log[i], "CSPRrpsc");
    workers_stop(); /* nothing to do */
    loop_join(loop_control());
}

/* One worker cannot begin: every noun that did begin ends, on its own thread. */
static void a_failed_start_is_undone(void **state)
{
    (void)state;
    assert_int_equal(loop_control_init(), 0);
    memset(noun_log, 0, sizeof noun_log);
    policy_init_result = XMB_ENOMEM;
    assert_int_equal(workers_start(2), XMB_ENOMEM);
    policy_init_result = 0;
    assert_string_equal(noun_log[0], "CSPRrpsc");
    assert_string_equal(noun_log[1], "CSPsc");
    loop_join(loop_control());
}

static void post_is_marked(struct xmb_worker *w, void *arg)
{
    _Atomic int *seen = arg;

    assert_true(loop_is_current(&w->loop));
    assert_string_equal(module_current()->name, "module2");
    atomic_fetch_add(seen, 1);
}

static void free_only(struct xmb_worker *w, void *arg)
{
    assert_null(w);
    free(arg);
}

static void api_post_reaches_the_worker(void **state)
{
    struct xmb_worker *w = worker_at(1);
    _Atomic int seen = 0;

    (void)state;
    assert_int_equal(worker_api.post(w, module_at(2), post_is_marked, &seen, 100), 0);
    workers_stop();
    assert_int_equal(atomic_load(&seen), 1);
    /* The worker is gone, its pointer is not. */
    assert_int_equal(worker_api.post(w, module_at(2), free_only, NULL, 0), XMB_ECANCELED);
}

/* --- timers of modules, in real time ------------------------------------------------------ */

struct timed {
    struct xmb_timer *timer;
    struct xmb_worker *worker;
    uint64_t asked_ns;
    uint64_t delay_ms;
    _Atomic int fired;
    _Atomic int *all_fired;
};

enum { TIMED = 50 };
static struct timed timed[TIMED];

static void timed_fired(struct xmb_worker *w, void *arg)
{
    struct timed *t = arg;

    assert_ptr_equal(w, t->worker);
    assert_string_equal(module_current()->name, "module1");
    assert_true(uv_hrtime() - t->asked_ns >= t->delay_ms * 1000000);
    atomic_fetch_add(&t->fired, 1);
    timer_api.destroy(t->timer); /* in its own callback */
    if (atomic_fetch_add(t->all_fired, 1) + 1 == TIMED)
        loop_stop(loop_control());
}

static int start_timed(struct xmb_worker *w, void *arg)
{
    size_t i;

    if (w->index != 0)
        return 0;
    for (i = 0; i < TIMED; i++) {
        struct timed *t = &timed[i];

        memset(t, 0, sizeof *t);
        t->worker = w;
        t->all_fired = arg;
        t->delay_ms = i;
        t->timer = timer_api.create(w, module_at(1), timed_fired, t);
        t->asked_ns = uv_hrtime();
        timer_api.start(t->timer, t->delay_ms);
    }
    return 0;
}

static void timers_are_never_early(void **state)
{
    _Atomic int all_fired = 0;
    size_t i;

    (void)state;
    assert_int_equal(workers_run(start_timed, &all_fired), 0);
    loop_run(loop_control());
    for (i = 0; i < TIMED; i++)
        assert_int_equal(atomic_load(&timed[i].fired), 1);
}

static void must_not_fire(struct xmb_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    fail_msg("a timer fired after its module had ended");
}

static void free_after_end(struct xmb_worker *w, void *arg)
{
    _Atomic int *handed_back = arg;

    atomic_fetch_add(handed_back, w == NULL);
}

static int end_modules(struct xmb_worker *w, void *arg)
{
    size_t i;

    for (i = 0; i < 10; i++)
        timer_api.start(timer_api.create(w, module_at(1 + i % 2), must_not_fire, NULL), 0);
    timer_api.destroy(NULL);
    if (worker_api.post(w, module_at(1), free_after_end, arg, 0) < 0)
        return XMB_EINVAL;
    worker_modules_end(w);
    return timer_wheel_count(w->timers) == 0 ? 0 : XMB_EINVAL;
}

/* Neither a timer nor a post reaches a module that has no state on the worker any more. */
static void nothing_comes_after_modules_end(void **state)
{
    _Atomic int handed_back = 0;

    (void)state;
    assert_int_equal(workers_run(end_modules, &handed_back), 0);
    workers_stop();
    assert_int_equal(atomic_load(&handed_back), WORKERS);
}

static int forget_a_timer(struct xmb_worker *w, void *arg)
{
    (void)arg;
    return timer_api.create(w, module_at(1), must_not_fire, NULL) != NULL ? 0 : XMB_ENOMEM;
}

/* The worker's end frees it: AddressSanitizer would tell. */
static void a_forgotten_timer_is_freed(void **state)
{
    (void)state;
    assert_int_equal(workers_run(forget_a_timer, NULL), 0);
}

/* --- work that blocks --------------------------------------------------------------------- */

struct task {
    pthread_mutex_t *gate; /* `work` waits here */
    int worked;
    int status;
    int done;
};

static void work(void *arg)
{
    struct task *t = arg;

    pthread_mutex_lock(t->gate);
    pthread_mutex_unlock(t->gate);
    t->worked = 1;
}

static void work_done(struct xmb_worker *w, void *arg, int status)
{
    struct task *t = arg;

    assert_true(loop_is_current(&w->loop));
    t->status = status;
    t->done++;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct task tasks[OFFLOAD_QUEUE_MAX + 8];
static uint32_t tasks_taken;

static int offload_all(struct xmb_worker *w, void *arg)
{
    size_t i;
    int rc = 0;

    (void)arg;
    if (w->index != 0)
        return 0;
    for (i = 0; i < sizeof tasks / sizeof tasks[0] && rc == 0; i++) {
        tasks[i].gate = &gate;
        rc = worker_api.offload(w, module_at(1), work, work_done, &tasks[i]);
        tasks_taken += rc == 0;
    }
    return rc;
}

/*
 * With the only thread stuck the queue fills up. At the end the running job finishes, and each
 * of the others was either worked on or given back.
 */
static void offload_is_bounded_and_gives_back(void **state)
{
    uint32_t i;

    (void)state;
    memset(tasks, 0, sizeof tasks);
    tasks_taken = 0;
    assert_int_equal(offload_start(1), 0);
    pthread_mutex_lock(&gate);
    assert_int_equal(workers_run(offload_all, NULL), XMB_EAGAIN);
    assert_true(tasks_taken == OFFLOAD_QUEUE_MAX || tasks_taken == OFFLOAD_QUEUE_MAX + 1);
    pthread_mutex_unlock(&gate);
    offload_stop();
    tasks_taken = 0;
    assert_int_equal(workers_run(offload_all, NULL), XMB_ECANCELED);
    workers_stop();
    for (i = 0; tasks[i].done != 0; i++) {
        assert_int_equal(tasks[i].done, 1);
        assert_int_equal(tasks[i].status, tasks[i].worked ? 0 : XMB_ECANCELED);
    }
    assert_true(i >= OFFLOAD_QUEUE_MAX);
}

int main(void)
{
#define WORKER_TEST(fn) cmocka_unit_test_setup_teardown(fn, workers_up, workers_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nouns_begin_and_end_in_order),
        cmocka_unit_test(a_failed_start_is_undone),
        WORKER_TEST(workers_run_on_all),
        WORKER_TEST(workers_each_tells_when_done),
        WORKER_TEST(api_post_reaches_the_worker),
        WORKER_TEST(timers_are_never_early),
        WORKER_TEST(nothing_comes_after_modules_end),
        WORKER_TEST(a_forgotten_timer_is_freed),
        WORKER_TEST(offload_is_bounded_and_gives_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
