/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_pace.c - how often: a peer that cannot be reached is tried again after waits that
 * double, with jitter, and barriers keep their distance however many stanzas pass.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <string.h>

#define IN 0 /* stream a.test -> b.test */
#define FAILURES 10
#define RUNS 32

static void open_run(uint64_t seed)
{
    rig_random = seed;
    rig_open(1);
    rig_stream_open(IN, 0, S2_OUTSIDE, "a.test", "b.test");
}

static struct s2_lease *out(void)
{
    return rig_lease_of("a.test", "b.test");
}

static void put(const char *type, size_t bytes)
{
    assert_true(rig_put(IN, "message", type, "1", bytes) >= 0);
    rig_flush();
}

/* --- backoff --------------------------------------------------------------------------------- */

static void note_next_try(void *arg, const struct s2_flow_facts *f)
{
    assert_string_equal(f->state, "backoff");
    *(uint64_t *)arg = f->next_try_ms;
}

/* How long the flow waits, which is so when it ends: nothing is tried before. */
static uint64_t wait_is_over(void)
{
    uint64_t next_ms = 0, now_ms = xmb_fakehost_now_ms();

    s2_flow_walk(&rig_worker[0], note_next_try, &next_ms);
    assert_true(next_ms >= now_ms);
    if (next_ms - now_ms > 20) {
        rig_advance(next_ms - now_ms - 20);
        put("error", 0); /* comes back to nobody */
        assert_null(out());
    }
    rig_advance(2 * S2_TICK_MS + 40);
    return next_ms - now_ms;
}

/* Another stanza, for which there is no stream either. */
static uint64_t fail_once(void)
{
    if (out() == NULL)
        put("error", 0);
    rig_fail(out(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    return wait_is_over();
}

static uint64_t longest_after(uint32_t failures)
{
    uint64_t doubled = (uint64_t)rig_conf.backoff_min_ms << failures;

    return doubled < rig_conf.backoff_max_ms ? doubled : rig_conf.backoff_max_ms;
}

/* Waits of a run; the longest of all runs are in `most`. */
static void fail_often(uint64_t most[FAILURES], uint64_t waits[FAILURES])
{
    uint32_t i;

    for (i = 0; i < FAILURES; i++) {
        waits[i] = fail_once();
        assert_true(waits[i] <= longest_after(i));
        if (waits[i] > most[i])
            most[i] = waits[i];
    }
}

/* Each wait is anything up to the doubled one, and differs from run to run. */
static void backoff_doubles_with_jitter(void **state)
{
    uint64_t most[FAILURES] = {0}, waits[RUNS][FAILURES];
    uint32_t i;

    (void)state;
    for (i = 0; i < RUNS; i++) {
        open_run(i + 1);
        fail_often(most, waits[i]);
        if (i > 0)
            assert_memory_not_equal(waits[i], waits[i - 1], sizeof(waits[i]));
        if (i + 1 < RUNS)
            rig_close();
    }
    for (i = 0; i < FAILURES; i++)
        assert_true(most[i] > longest_after(i) / 2);
    rig_close();
}

/* A stream that carried something: the next failure is a first one. */
static void success_begins_anew(void **state)
{
    uint64_t most[FAILURES] = {0}, waits[FAILURES];
    uint32_t i;

    (void)state;
    for (i = 0; i < RUNS; i++) {
        open_run(i + 1);
        fail_often(most, waits);
        if (out() == NULL)
            put("error", 0);
        rig_ready(out());
        rig_advance(200);
        rig_read_all(out(), 1);
        rig_end(out(), S2_FAIL_LOST);
        assert_true(wait_is_over() <= 1000);
        assert_true(fail_once() <= longest_after(0));
        assert_true(fail_once() <= longest_after(1));
        rig_close();
    }
}

/* --- barriers -------------------------------------------------------------------------------- */

static struct {
    uint64_t first_ms, last_ms, least_gap_ms;
    uint32_t count;
} pings;

static void note_ping(const struct s2_lease *l, const struct rig_sent *sent)
{
    uint64_t now_ms = xmb_fakehost_now_ms(), gap_ms = now_ms - pings.last_ms;

    (void)l;
    if (!sent->is_ping)
        return;
    if (pings.count == 0)
        pings.first_ms = now_ms;
    else if (gap_ms < pings.least_gap_ms)
        pings.least_gap_ms = gap_ms;
    pings.last_ms = now_ms;
    pings.count++;
}

/* For 10 s each 10 ms a stanza of that size, which the peer reads at once. */
static void put_all_the_time(size_t bytes)
{
    uint32_t i;

    memset(&pings, 0, sizeof(pings));
    pings.least_gap_ms = UINT64_MAX;
    rig_on_write = note_ping;
    for (i = 0; i < 1000; i++) {
        put("chat", bytes);
        if (i == 0)
            rig_ready(out());
        rig_advance(10);
        rig_read_all(out(), 1);
    }
}

static void nothing_left_no_barrier(void)
{
    uint32_t count, i;

    for (i = 0; rig_metric(S2_M_QUEUED) + rig_metric(S2_M_UNCONFIRMED) > 0; i++) {
        assert_true(i < 1000);
        rig_advance(100);
        rig_read_all(out(), 1);
    }
    count = pings.count;
    rig_advance(100000);
    assert_int_equal(pings.count, count);
}

static void one_barrier_each_interval(void **state)
{
    (void)state;
    open_run(1);
    put_all_the_time(300);
    assert_true(pings.least_gap_ms >= rig_conf.barrier_ms);
    assert_in_range(pings.count, 8, 10);
    nothing_left_no_barrier();
    rig_close();
}

static void another_interval(void **state)
{
    (void)state;
    open_run(1);
    rig_conf.barrier_ms = 3000;
    put_all_the_time(300);
    assert_true(pings.least_gap_ms >= 3000);
    assert_in_range(pings.count, 3, 4);
    rig_close();
}

/* More cannot be sent before there is an answer. */
static void twenty_a_second_when_the_window_is_full(void **state)
{
    (void)state;
    open_run(1);
    rig_conf.window_bytes = 20000;
    put_all_the_time(12000);
    assert_true(pings.least_gap_ms >= 50);
    assert_in_range(pings.count, 100, 200);
    nothing_left_no_barrier();
    rig_close();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff_doubles_with_jitter),
        cmocka_unit_test(success_begins_anew),
        cmocka_unit_test(one_barrier_each_interval),
        cmocka_unit_test(another_interval),
        cmocka_unit_test(twenty_a_second_when_the_window_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
