/* SPDX-License-Identifier: MIT */
/*
 * test_routing_loop.c - what modules have on the routing loop beside sockets: the time, timers, and
 * an end after which nothing calls them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "loop/routing.h"
#include "loop/worker.h"
#include "router/router.h"

#include "netns_rig.h"

#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __LINE__))

static void check_failed(const char *what, int line)
{
    fprintf(stderr, "test_routing_loop.c:%d: %s\n", line, what);
    abort();
}

static struct xmb_module one = {.name = "one", .log_level = XMB_LOG_ERROR};
static struct xmb_module two = {.name = "two", .log_level = XMB_LOG_ERROR};

/* A timer that goes off `left` times, and then destroys itself. */
struct clock_ {
    struct xmb_module *module;
    struct xmb_timer *timer;
    uint64_t delay_ms, due_ms;
    int left;
    _Atomic unsigned count;
};

static void on_due(void *arg)
{
    struct clock_ *c = arg;

    CHECK(loop_is_current(loop_routing()) && module_current() == c->module);
    CHECK(router_api.now_ms() >= c->due_ms); /* never early */
    c->due_ms = router_api.now_ms() + c->delay_ms;
    if (--c->left > 0)
        timer_api.start(c->timer, c->delay_ms);
    else
        timer_api.destroy(c->timer);
    atomic_fetch_add(&c->count, 1);
}

static void make(void *arg)
{
    struct clock_ *c = arg;

    c->timer = router_api.timer(c->module, on_due, c);
    CHECK(c->timer != NULL);
}

static void make_and_start(void *arg)
{
    struct clock_ *c = arg;

    make(c);
    c->due_ms = router_api.now_ms() + c->delay_ms;
    timer_api.start(c->timer, c->delay_ms);
}

static void stop(void *arg)
{
    timer_api.stop(((struct clock_ *)arg)->timer);
}

static void destroy(void *arg)
{
    timer_api.destroy(((struct clock_ *)arg)->timer);
}

static void module_end(void *arg)
{
    routing_module_end(arg);
}

static void timers_fire(void **state)
{
    struct clock_ c = {.module = &one, .delay_ms = 3, .left = 5};

    (void)state;
    on_routing(make_and_start, &c);
    wait_count(&c.count, 5);
    timer_api.destroy(NULL);
}

/* `later` goes off behind the others, which by then would have. */
static void stopped_and_destroyed(void **state)
{
    struct clock_ stopped = {.module = &one, .delay_ms = 5, .left = 9};
    struct clock_ destroyed = stopped, never_started = stopped, later = stopped;

    (void)state;
    later.delay_ms = 30;
    later.left = 1;
    on_routing(make, &never_started);
    on_routing(make_and_start, &later);
    on_routing(make_and_start, &stopped);
    on_routing(stop, &stopped);
    on_routing(make_and_start, &destroyed);
    on_routing(destroy, &destroyed);
    wait_count(&later.count, 1);
    assert_int_equal(atomic_load(&stopped.count), atomic_load(&never_started.count));
    on_routing(destroy, &stopped);
    on_routing(destroy, &never_started);
}

/* Of the module that ends, and of no other. */
static void ends_with_its_module(void **state)
{
    struct clock_ its = {.module = &one, .delay_ms = 20, .left = 9};
    struct clock_ others = {.module = &two, .delay_ms = 40, .left = 1};

    (void)state;
    on_routing(make_and_start, &its);
    on_routing(make_and_start, &others);
    on_routing(module_end, &one);
    wait_count(&others.count, 1);
    assert_int_equal(atomic_load(&its.count), 0);
}

/* A worker's timer goes through the same three functions. */
static _Atomic unsigned worker_fired;

static void on_worker_due(struct xmb_worker *w, void *arg)
{
    struct xmb_timer **t = arg;

    CHECK(loop_is_current(&w->loop));
    timer_api.destroy(*t);
    atomic_fetch_add(&worker_fired, 1);
}

static int start_there(struct xmb_worker *w, void *arg)
{
    struct xmb_timer **t = arg;

    *t = timer_api.create(w, &one, on_worker_due, t);
    CHECK(*t != NULL);
    timer_api.start(*t, 100000);
    timer_api.stop(*t);
    timer_api.start(*t, 1);
    return 0;
}

static void workers_have_theirs(void **state)
{
    struct xmb_timer *t = NULL;

    (void)state;
    assert_int_equal(workers_start(1), 0);
    assert_int_equal(workers_run(start_there, &t), 0);
    wait_count(&worker_fired, 1);
    workers_stop();
}

static void read_clock(void *arg)
{
    *(uint64_t *)arg = router_api.now_ms();
}

static void time_goes_on(void **state)
{
    struct clock_ c = {.module = &one, .delay_ms = 10, .left = 1};
    uint64_t before = 0, after = 0;

    (void)state;
    on_routing(read_clock, &before);
    on_routing(make_and_start, &c);
    wait_count(&c.count, 1);
    on_routing(read_clock, &after);
    assert_true(after >= before + 10);
}

static int rig_up(void **state)
{
    (void)state;
    assert_int_equal(loop_control_init(), 0);
    assert_int_equal(loop_routing_start(), 0);
    return 0;
}

/* A running timer is left: it goes with the loop. */
static int rig_down(void **state)
{
    static struct clock_ left = {.module = &two, .delay_ms = 1000000, .left = 1};

    (void)state;
    on_routing(make_and_start, &left);
    loop_routing_join();
    loop_join(loop_control());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire),          cmocka_unit_test(stopped_and_destroyed),
        cmocka_unit_test(ends_with_its_module), cmocka_unit_test(workers_have_theirs),
        cmocka_unit_test(time_goes_on),
    };

    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
