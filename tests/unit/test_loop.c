/* SPDX-License-Identifier: MIT */
/*
 * test_loop.c - posts, their bound and order, the end of a turn and of a loop, workers and
 * the pool for blocking work.
 *
 * Threads are real; nothing sleeps to wait for one. The nouns that hang on a worker are
 * fakes that note where and in which order they were called.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conn/conn.h"
#include "core_fakes.h"
#include "loop/mailbox_priv.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "policy/policy.h"
#include "router/router.h"
#include "service/service.h"

/* --- posts -------------------------------------------------------------------------------- */

static void count_up(struct loop *loop, void *arg)
{
    int *counts = arg; /* [0]: run, [1]: left over */

    counts[loop == NULL]++;
}

static void bound_is_kept(void **state)
{
    struct loop loop;
    int counts[2] = {0, 0};
    int posted = 0;
    int rc;

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    assert_int_equal(loop_may_post(&loop, 1000), 0);
    while ((rc = loop_post(&loop, count_up, counts, 1000)) == 0)
        posted++;
    assert_int_equal(rc, XMB_EAGAIN);
    assert_int_equal(loop_may_post(&loop, 1000), XMB_EAGAIN);
    assert_true(posted >= 8 && posted <= 10);
    assert_int_equal(loop_post(&loop, count_up, counts, 1000), XMB_EAGAIN);
    assert_int_equal(loop_post_must(&loop, count_up, counts, 1000), 0);
    assert_int_equal(loop_start(&loop), 0);
    loop_stop(&loop);
    loop_join(&loop);
    assert_int_equal(counts[0], posted + 1);
    assert_int_equal(counts[1], 0);
    assert_int_equal(loop_may_post(&loop, 1), XMB_ECANCELED);
}

/* Once run, messages leave room for others; one larger than the bound is taken when it is alone. */
static void room_comes_back(void **state)
{
    struct loop loop;
    int counts[2] = {0, 0};
    int i;

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 1000), 0);
    for (i = 0; i < 50; i++) {
        assert_int_equal(loop_post(&loop, count_up, counts, 5000), 0);
        assert_int_equal(loop_post(&loop, count_up, counts, 0), XMB_EAGAIN);
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        assert_int_equal(counts[0], i + 1);
    }
    loop_join(&loop);
}

static void left_over_is_told(void **state)
{
    struct loop loop;
    int counts[2] = {0, 0};
    int i;

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    for (i = 0; i < 3; i++)
        assert_int_equal(loop_post(&loop, count_up, counts, 10), 0);
    loop_join(&loop);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 3);
    assert_int_equal(loop_post(&loop, count_up, counts, 10), XMB_ECANCELED);
    assert_int_equal(loop_post_must(&loop, count_up, counts, 10), XMB_ECANCELED);
    loop_stop(&loop);
    loop_join(&loop);
    assert_int_equal(counts[0] + counts[1], 3);
}

struct stopper {
    int counts[2];
    int later;
    int must;
};

static void stop_and_post(struct loop *loop, void *arg)
{
    struct stopper *s = arg;

    loop_stop(loop);
    s->later = loop_post(loop, count_up, s->counts, 10);
    s->must = loop_post_must(loop, count_up, s->counts, 10);
}

static void stopping_takes_only_musts(void **state)
{
    struct loop loop;
    struct stopper s = {{0, 0}, 0, 1};

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    assert_int_equal(loop_post(&loop, stop_and_post, &s, 10), 0);
    assert_int_equal(loop_post(&loop, count_up, s.counts, 10), 0);
    assert_int_equal(loop_start(&loop), 0);
    loop_join(&loop);
    assert_int_equal(s.later, XMB_ECANCELED);
    assert_int_equal(s.must, 0);
    assert_int_equal(s.counts[0], 2);
    assert_int_equal(s.counts[1], 0);
}

/* A burst wakes the loop once, and nodes go round without malloc. */
static void burst_wakes_once(void **state)
{
    struct loop loop;
    int counts[2] = {0, 0};
    uint64_t mallocs = 0;
    int round;
    int i;

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 1000000), 0);
    for (round = 0; round < 20; round++) {
        for (i = 0; i < 1000; i++)
            assert_int_equal(loop_post(&loop, count_up, counts, 10), 0);
        assert_int_equal(mailbox_wake_count(&loop), round + 1);
        while (counts[0] < (round + 1) * 1000)
            uv_run(&loop.uv, UV_RUN_NOWAIT);
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        if (round == 1)
            mallocs = mailbox_malloc_count();
    }
    assert_int_equal(mailbox_malloc_count(), mallocs);
    loop_join(&loop);
}

/* A batch ends so that I/O has its chance. */
static void batches_are_bounded(void **state)
{
    struct loop loop;
    int counts[2] = {0, 0};
    int i;

    (void)state;
    assert_int_equal(loop_init(&loop, "test", 1000000), 0);
    for (i = 0; i < 3 * MAIL_BATCH; i++)
        assert_int_equal(loop_post(&loop, count_up, counts, 10), 0);
    for (i = 1; i <= 3; i++) {
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        assert_int_equal(counts[0], i * MAIL_BATCH);
    }
    loop_join(&loop);
}

enum { PRODUCERS = 4, EACH = 20000, COST = 100, BOUND = 20000 };

struct producer {
    struct loop *loop;
    pthread_t thread;
    uint32_t sent;
    uint32_t seen;
    uint32_t cancelled;
};

static _Atomic size_t outstanding;
static _Atomic size_t most_outstanding;

struct numbered {
    struct producer *from;
    uint32_t number;
};

static void check_order(struct loop *loop, void *arg)
{
    struct numbered *n = arg;

    (void)loop;
    assert_int_equal(n->number, n->from->seen);
    n->from->seen++;
    atomic_fetch_sub(&outstanding, COST);
    free(n);
}

static void note_outstanding(void)
{
    size_t now = atomic_fetch_add(&outstanding, COST) + COST;
    size_t most = atomic_load(&most_outstanding);

    while (now > most && !atomic_compare_exchange_weak(&most_outstanding, &most, now))
        ;
}

static void *produce(void *arg)
{
    struct producer *p = arg;

    while (p->sent < EACH) {
        struct numbered *n = malloc(sizeof *n);
        int rc;

        n->from = p;
        n->number = p->sent;
        while ((rc = loop_post(p->loop, check_order, n, COST)) == XMB_EAGAIN)
            sched_yield();
        assert_int_equal(rc, 0);
        note_outstanding(); /* after the post: may be too low for a moment, never too high */
        p->sent++;
    }
    return NULL;
}

static void many_producers_keep_order_and_bound(void **state)
{
    struct producer producers[PRODUCERS];
    struct loop loop;
    size_t i;

    (void)state;
    memset(producers, 0, sizeof producers);
    assert_int_equal(loop_init(&loop, "test", BOUND), 0);
    assert_int_equal(loop_start(&loop), 0);
    for (i = 0; i < PRODUCERS; i++) {
        producers[i].loop = &loop;
        pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
    }
    for (i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    loop_stop(&loop);
    loop_join(&loop);
    for (i = 0; i < PRODUCERS; i++)
        assert_int_equal(producers[i].seen, EACH);
    assert_int_equal(atomic_load(&outstanding), 0);
    /* A batch that has run leaves the gate as a whole; the counter here follows one by one. */
    assert_true((ptrdiff_t)atomic_load(&most_outstanding) <= BOUND + PRODUCERS * COST);
}

static _Atomic uint32_t ran;
static _Atomic uint32_t left_over;

static void count_either(struct loop *loop, void *arg)
{
    (void)arg;
    atomic_fetch_add(loop != NULL ? &ran : &left_over, 1);
}

static void *post_until_cancelled(void *arg)
{
    struct producer *p = arg;
    int rc;

    while ((rc = p->sent % 2 == 0 ? loop_post(p->loop, count_either, NULL, 10)
                                  : loop_post_must(p->loop, count_either, NULL, 10)) !=
           XMB_ECANCELED) {
        p->sent += rc == 0;
        if (rc == XMB_EAGAIN)
            sched_yield();
    }
    return NULL;
}

/* Whatever was taken is run or handed back, however the end falls between. */
static void nothing_is_lost_at_the_end(void **state)
{
    struct producer producers[PRODUCERS];
    struct loop loop;
    int round;
    size_t i;

    (void)state;
    for (round = 0; round < 100; round++) {
        uint32_t sent = 0;

        memset(producers, 0, sizeof producers);
        atomic_store(&ran, 0);
        atomic_store(&left_over, 0);
        assert_int_equal(loop_init(&loop, "test", 100000), 0);
        for (i = 0; i < PRODUCERS; i++) {
            producers[i].loop = &loop;
            pthread_create(&producers[i].thread, NULL, post_until_cancelled, &producers[i]);
        }
        assert_int_equal(loop_start(&loop), 0);
        while (atomic_load(&ran) < 100)
            sched_yield();
        loop_stop(&loop);
        loop_join(&loop);
        for (i = 0; i < PRODUCERS; i++) {
            pthread_join(producers[i].thread, NULL);
            sent += producers[i].sent;
        }
        assert_int_equal(sent, atomic_load(&ran) + atomic_load(&left_over));
    }
}

/* --- end of turn -------------------------------------------------------------------------- */

struct turn {
    struct loop_hook hook; /* first */
    struct loop *loop;
    uv_timer_t timer;
    char log[64];
};

static void note(struct turn *t, const char *what)
{
    strncat(t->log, what, sizeof t->log - strlen(t->log) - 1);
}

static void hook_stops(struct loop_hook *hook)
{
    struct turn *t = (struct turn *)(void *)hook;

    note(t, "hook ");
    loop_stop(t->loop);
}

static void arm_in_message(struct loop *loop, void *arg)
{
    struct turn *t = arg;

    note(t, "message ");
    loop_at_turn_end(loop, &t->hook);
    loop_at_turn_end(loop, &t->hook);
}

static void hook_after_messages(void **state)
{
    struct turn t = {.hook.fn = hook_stops};
    struct loop loop;

    (void)state;
    t.loop = &loop;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    assert_int_equal(loop_post(&loop, arm_in_message, &t, 0), 0);
    assert_int_equal(loop_post(&loop, arm_in_message, &t, 0), 0);
    loop_run(&loop);
    loop_join(&loop);
    assert_string_equal(t.log, "message message hook ");
}

static void on_timer(uv_timer_t *timer)
{
    struct turn *t = timer->data;

    note(t, "timer ");
    loop_at_turn_end(t->loop, &t->hook);
    uv_close((uv_handle_t *)timer, NULL);
}

/* Were the hook not run before the loop sleeps, it would sleep for ever. */
static void hook_after_timer(void **state)
{
    struct turn t = {.hook.fn = hook_stops};
    struct loop loop;

    (void)state;
    t.loop = &loop;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    uv_timer_init(&loop.uv, &t.timer);
    t.timer.data = &t;
    uv_timer_start(&t.timer, on_timer, 1, 0);
    loop_run(&loop);
    loop_join(&loop);
    assert_string_equal(t.log, "timer hook ");
}

static void hook_again(struct loop_hook *hook)
{
    struct turn *t = (struct turn *)(void *)hook;

    note(t, "x");
    if (strlen(t->log) < 30)
        loop_at_turn_end(t->loop, hook);
    else
        loop_stop(t->loop);
}

/* A hook that arms itself again and again neither starves the loop nor is it forgotten. */
static void hook_arms_itself(void **state)
{
    struct turn t = {.hook.fn = hook_again};
    struct loop loop;

    (void)state;
    t.loop = &loop;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    loop_at_turn_end(&loop, &t.hook);
    loop_run(&loop);
    loop_join(&loop);
    assert_int_equal(strlen(t.log), 30);
}

static void hook_counts(struct loop_hook *hook)
{
    note((struct turn *)(void *)hook, "ran ");
}

/* From the front, the middle and the end of the list, and one that was never armed. */
static void cancelled_hook_does_not_run(void **state)
{
    struct turn gone[3] = {{.hook.fn = hook_counts}, {.hook.fn = hook_counts},
                           {.hook.fn = hook_counts}};
    struct turn stays = {.hook.fn = hook_counts};
    struct turn last = {.hook.fn = hook_stops};
    struct loop loop;
    int i;

    (void)state;
    last.loop = &loop;
    assert_int_equal(loop_init(&loop, "test", 10000), 0);
    loop_at_turn_end(&loop, &gone[0].hook);
    loop_at_turn_end(&loop, &stays.hook);
    loop_at_turn_end(&loop, &gone[1].hook);
    loop_at_turn_end(&loop, &gone[2].hook);
    for (i = 0; i < 3; i++)
        loop_hook_cancel(&loop, &gone[i].hook);
    loop_hook_cancel(&loop, &last.hook);
    loop_at_turn_end(&loop, &last.hook);
    loop_run(&loop);
    loop_join(&loop);
    for (i = 0; i < 3; i++)
        assert_string_equal(gone[i].log, "");
    assert_string_equal(stays.log, "ran ");
    assert_string_equal(last.log, "hook ");
}

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
        cmocka_unit_test(bound_is_kept),
        cmocka_unit_test(room_comes_back),
        cmocka_unit_test(left_over_is_told),
        cmocka_unit_test(stopping_takes_only_musts),
        cmocka_unit_test(burst_wakes_once),
        cmocka_unit_test(batches_are_bounded),
        cmocka_unit_test(many_producers_keep_order_and_bound),
        cmocka_unit_test(nothing_is_lost_at_the_end),
        cmocka_unit_test(hook_after_messages),
        cmocka_unit_test(hook_after_timer),
        cmocka_unit_test(hook_arms_itself),
        cmocka_unit_test(cancelled_hook_does_not_run),
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
