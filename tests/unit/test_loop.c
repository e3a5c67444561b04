/* SPDX-License-Identifier: MIT */
/*
 * test_loop.c - posts, their bound and order, and the end of a turn and of a loop. Threads are
 * real; nothing sleeps to wait for one.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loop/mailbox_priv.h"

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

int main(void)
{
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
