/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - the wheel against simulated time.
 *
 * The wheel's source is compiled in here with clock and uv_timer replaced, so that days pass in
 * no time and nothing depends on how fast the machine is. What libuv does is checked with
 * real time in test_loop.c, and there only that no timer is early.
 *
 * What a timer costs is counted, not measured: each step along a list, each choice of a slot, each
 * look at the slots of a level, each block of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loop/loop.h"

static uint64_t sim_ns;   /* the clock */
static uint64_t sim_turn_ms; /* the cached time of the turn */
static uint64_t sim_tick_ms; /* when the uv_timer goes off; UINT64_MAX: not running */
static size_t sim_starts;
static uv_timer_cb sim_cb;
static size_t sim_steps;  /* times that a link from node to node was read or written */
static size_t sim_places; /* times that a slot was chosen */
static size_t sim_looks;  /* times that a used slot was looked for */
static size_t sim_blocks; /* of memory */

static size_t step(void)
{
    sim_steps++;
    return 0;
}

static uint64_t sim_hrtime(void)
{
    return sim_ns;
}

static uint64_t sim_now(const uv_loop_t *loop)
{
    (void)loop;
    return sim_turn_ms;
}

static int sim_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t delay_ms, uint64_t repeat)
{
    (void)timer;
    (void)repeat;
    sim_tick_ms = sim_turn_ms + delay_ms;
    sim_cb = cb;
    sim_starts++;
    return 0;
}

/* The link is an array of one here, so that its index can count; a node is as large as ever. */
#define next next[1]
#include "loop/timer.h"
#undef next
#define next next[step()]
#define uv_hrtime sim_hrtime
#define uv_now sim_now
#define uv_timer_start sim_timer_start
#define calloc(n, bytes) (sim_blocks++, calloc(n, bytes))
#define malloc(bytes) (sim_blocks++, malloc(bytes))
#define realloc(p, bytes) (sim_blocks++, realloc(p, bytes))
#define __builtin_clzll(bits) (sim_places++, __builtin_clzll(bits))
#define __builtin_ctzll(bits) (sim_looks++, __builtin_ctzll(bits))
#include "loop/timer.c"
#undef next
#undef uv_hrtime
#undef uv_now
#undef uv_timer_start
#undef calloc
#undef malloc
#undef realloc
#undef __builtin_clzll
#undef __builtin_ctzll

#define MS UINT64_C(1000000)

struct probe {
    struct timer_node node; /* first */
    uint64_t asked_ns; /* when it was started */
    uint64_t delay_ms;
    unsigned fired;
    int running;
};

static struct loop loop;
static struct timer_wheel *wheel;
static uint64_t worst_late_ns;

static void set_time(uint64_t ns)
{
    sim_ns = ns;
    sim_turn_ms = ns / MS;
}

static void start(struct probe *p, uint64_t delay_ms)
{
    p->asked_ns = sim_ns;
    p->delay_ms = delay_ms;
    p->running = 1;
    timer_start(wheel, &p->node, delay_ms);
}

static void probe_fired(struct timer_node *node)
{
    struct probe *p = (struct probe *)(void *)node;
    uint64_t due_ns = p->asked_ns + p->delay_ms * MS;

    assert_true(p->running);
    assert_true(sim_turn_ms * MS >= due_ns); /* never early */
    if (sim_turn_ms * MS - due_ns > worst_late_ns)
        worst_late_ns = sim_turn_ms * MS - due_ns;
    p->running = 0;
    p->fired++;
}

/* Sleeps as libuv would: to the next tick exactly, and calls it. 0: there is none. */
static int sleep_once(void)
{
    uv_timer_cb cb = sim_cb;

    if (sim_tick_ms == UINT64_MAX)
        return 0;
    if (sim_tick_ms > sim_turn_ms)
        set_time(sim_tick_ms * MS);
    sim_tick_ms = UINT64_MAX;
    cb(&wheel->tick);
    return 1;
}

static int setup(void **state)
{
    (void)state;
    /* Just below a place where every level turns over, and between two milliseconds. */
    set_time(((UINT64_C(1) << 36) - 3) * MS + 900000);
    sim_tick_ms = UINT64_MAX;
    sim_starts = 0;
    worst_late_ns = 0;
    assert_int_equal(uv_loop_init(&loop.uv), 0);
    wheel = timer_wheel_new(&loop);
    return wheel != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    timer_wheel_free(wheel);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    return uv_loop_close(&loop.uv);
}

static void one_of_each_length(void **state)
{
    static const uint64_t delays[] = {0,    1,     2,      3,       4,        63,       64,
                                      65,   127,   128,    4095,    4096,     4097,     30000,
                                      65536, 262143, 262144, 86400000, 4294967296, 1099511627776};
    enum { COUNT = sizeof delays / sizeof delays[0] };
    struct probe probes[COUNT];
    size_t i;

    (void)state;
    memset(probes, 0, sizeof probes);
    for (i = 0; i < COUNT; i++) {
        probes[i].node.fn = probe_fired;
        start(&probes[i], delays[i]);
    }
    assert_int_equal(timer_wheel_count(wheel), COUNT);
    while (sleep_once())
        ;
    for (i = 0; i < COUNT; i++)
        assert_int_equal(probes[i].fired, 1);
    assert_int_equal(timer_wheel_count(wheel), 0);
    assert_true(worst_late_ns < 2 * MS);
}

static void endless_delay_is_no_overflow(void **state)
{
    struct probe p = {.node.fn = probe_fired};
    struct probe q = {.node.fn = probe_fired};

    (void)state;
    start(&p, UINT64_MAX);
    start(&q, 10);
    assert_true(sleep_once());
    while (q.fired == 0)
        assert_true(sleep_once());
    assert_int_equal(p.fired, 0);
    timer_stop(wheel, &p.node);
}

/* Long turns, late wake-ups, stops and restarts: each start fires once, in time, or was stopped. */
static void random_life(void **state)
{
    enum { COUNT = 500, ROUNDS = 100000 };
    struct probe *probes = calloc(COUNT, sizeof *probes);
    size_t running = 0;
    unsigned seed = 88;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT; i++)
        probes[i].node.fn = probe_fired;
    for (i = 0; i < ROUNDS; i++) {
        struct probe *p = &probes[rand_r(&seed) % COUNT];

        sim_ns += (uint64_t)rand_r(&seed) % (2 * MS); /* the turn takes its time */
        switch (rand_r(&seed) % 4) {
        case 0:
            timer_stop(wheel, &p->node);
            p->running = 0;
            break;
        case 1:
            sleep_once();
            break;
        default:
            start(p, (uint64_t)rand_r(&seed) % (UINT64_C(1) << rand_r(&seed) % 30));
        }
    }
    for (i = 0; i < COUNT; i++)
        running += (size_t)probes[i].running;
    assert_int_equal(timer_wheel_count(wheel), running);
    while (sleep_once())
        ;
    for (i = 0; i < COUNT; i++)
        assert_false(probes[i].running);
    free(probes);
}

static void idle_wheel_sleeps(void **state)
{
    struct probe p = {.node.fn = probe_fired};
    int sleeps;

    (void)state;
    assert_false(sleep_once()); /* nothing is armed at first */
    start(&p, 30000);
    timer_stop(wheel, &p.node);
    for (sleeps = 0; sleep_once(); sleeps++)
        ;
    assert_true(sleeps <= 1); /* one for the slot that was used */
    start(&p, 30000);
    for (sleeps = 0; sleep_once(); sleeps++)
        ;
    assert_int_equal(p.fired, 1);
    assert_true(sleeps <= LEVEL_COUNT); /* and not 30,000 */
}

/* What a deadline does that is pushed back again and again. */
static void restarts_do_not_touch_the_uv_timer(void **state)
{
    struct probe p = {.node.fn = probe_fired};
    size_t i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        sim_ns += 10000;
        start(&p, 30000);
    }
    assert_true(sim_starts <= 2);
    timer_stop(wheel, &p.node);
}

/* --- 100,000 keepalives --- */

#define CROWD 100000
#define KEEPALIVE_MS 30000
#define RESTART_STEPS_MAX 8 /* out of one list and into another, whoever else is in them */

static struct probe *crowd;
static uint64_t last_due_ms;

static void keepalive_fired(struct timer_node *node)
{
    probe_fired(node);
    assert_true(node->due_ms >= last_due_ms);
    last_due_ms = node->due_ms;
}

/* Each sends something in the next ten seconds, one after the other; nobody's time ends. */
static void everybody_is_heard(void)
{
    size_t i;

    for (i = 0; i < CROWD; i++) {
        size_t places = sim_places;
        size_t steps = sim_steps;

        start(&crowd[i], KEEPALIVE_MS);
        assert_int_equal(sim_places - places, 1);
        assert_true(sim_steps - steps <= RESTART_STEPS_MAX);
        set_time(sim_ns + 10000 * MS / CROWD);
        while (sim_tick_ms <= sim_turn_ms)
            sleep_once();
    }
}

static void a_hundred_thousand_keepalives(void **state)
{
    size_t round;
    size_t places;
    size_t i;

    (void)state;
    crowd = calloc(CROWD, sizeof *crowd);
    assert_non_null(crowd);
    last_due_ms = 0;
    for (i = 0; i < CROWD; i++)
        crowd[i].node.fn = keepalive_fired;
    sim_blocks = sim_looks = 0;
    for (round = 0; round < 10; round++)
        everybody_is_heard();
    assert_true(sim_looks < 10 * CROWD); /* not even one each */
    assert_true(sim_starts < 100);       /* of the uv_timer, in 100 s */
    assert_int_equal(timer_wheel_count(wheel), CROWD);
    for (i = 0; i < CROWD; i++)
        assert_int_equal(crowd[i].fired, 0);
    places = sim_places;
    while (sleep_once()) /* silence */
        ;
    assert_true(sim_places - places <= (size_t)CROWD * LEVEL_COUNT); /* down, never up */
    assert_int_equal(timer_wheel_count(wheel), 0);
    for (i = 0; i < CROWD; i++)
        assert_int_equal(crowd[i].fired, 1);
    assert_true(worst_late_ns < 2 * MS);
    assert_int_equal(sim_blocks, 0);
    free(crowd);
}

/* A keepalive costs a node, which lies in what it times, and the wheel is one block. */
static void memory_is_a_node_each(void **state)
{
    struct timer_wheel *other;

    (void)state;
    assert_int_equal(sizeof(struct timer_node), 3 * sizeof(void *) + sizeof(uint64_t));
    sim_blocks = 0;
    other = timer_wheel_new(&loop);
    assert_non_null(other);
    assert_int_equal(sim_blocks, 1);
    assert_true(sizeof *other < 8192);
    timer_wheel_free(other);
}

/* --- callbacks that change the wheel --- */

static struct probe rivals[2];

static void stops_its_rival(struct timer_node *node)
{
    struct probe *rival = &rivals[node == &rivals[0].node];

    probe_fired(node);
    timer_stop(wheel, &rival->node);
    rival->running = 0;
}

/* Two are due at once and each stops the other: the second must not fire. */
static void a_due_timer_can_be_stopped(void **state)
{
    (void)state;
    memset(rivals, 0, sizeof rivals);
    rivals[0].node.fn = rivals[1].node.fn = stops_its_rival;
    start(&rivals[0], 5);
    start(&rivals[1], 5);
    while (sleep_once())
        ;
    assert_int_equal(rivals[0].fired + rivals[1].fired, 1);
    assert_int_equal(timer_wheel_count(wheel), 0);
}

static void restarts_itself(struct timer_node *node)
{
    struct probe *p = (struct probe *)(void *)node;

    probe_fired(node);
    if (p->fired < 10)
        start(p, 0);
}

static void a_timer_may_start_itself(void **state)
{
    struct probe p = {.node.fn = restarts_itself};
    uint64_t began_ms = sim_turn_ms;

    (void)state;
    start(&p, 0);
    while (sleep_once())
        ;
    assert_int_equal(p.fired, 10);
    assert_true(sim_turn_ms >= began_ms + 9); /* not all in one turn */
}

static void frees_itself(struct timer_node *node)
{
    probe_fired(node);
    free(node);
}

static void a_timer_may_free_itself(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 100; i++) {
        struct probe *p = calloc(1, sizeof *p);

        p->node.fn = frees_itself;
        start(p, 7);
    }
    while (sleep_once())
        ;
    assert_int_equal(timer_wheel_count(wheel), 0);
}

/* A crowd that is due at once is called in portions, and nobody is forgotten. */
static void a_crowd_comes_in_portions(void **state)
{
    enum { COUNT = 3 * FIRE_BATCH };
    struct probe *probes = calloc(COUNT, sizeof *probes);
    size_t fired = 0;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT; i++) {
        probes[i].node.fn = probe_fired;
        start(&probes[i], 1);
    }
    while (timer_wheel_count(wheel) == COUNT)
        assert_true(sleep_once());
    assert_int_equal(timer_wheel_count(wheel), COUNT - FIRE_BATCH);
    for (i = 0; i < COUNT && !probes[i].running; i++)
        ;
    timer_stop(wheel, &probes[COUNT - 1].node); /* due or fired already: fine */
    probes[COUNT - 1].running = 0;
    while (sleep_once())
        ;
    for (i = 0; i < COUNT; i++)
        fired += probes[i].fired;
    assert_true(fired >= COUNT - 1);
    free(probes);
}

int main(void)
{
#define TIMER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TIMER_TEST(one_of_each_length),
        TIMER_TEST(endless_delay_is_no_overflow),
        TIMER_TEST(random_life),
        TIMER_TEST(idle_wheel_sleeps),
        TIMER_TEST(restarts_do_not_touch_the_uv_timer),
        TIMER_TEST(a_hundred_thousand_keepalives),
        TIMER_TEST(memory_is_a_node_each),
        TIMER_TEST(a_due_timer_can_be_stopped),
        TIMER_TEST(a_timer_may_start_itself),
        TIMER_TEST(a_timer_may_free_itself),
        TIMER_TEST(a_crowd_comes_in_portions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
