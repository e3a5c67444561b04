/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_bounds.c - what a flow may keep, and back-pressure: full queues and windows, age,
 * the number of flows, the peer's limit, memory.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

/* --- bounds ---------------------------------------------------------------------------------- */

static void full_queue_bounces_the_new_one(void **state)
{
    (void)state;
    rig_conf.queue_bytes = 20000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 9000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 9000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "3", 9000), 0);
    assert_errors("3", 1);
    assert_non_null(strstr(last_on(back())->text, "<resource-constraint"));
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
}

static const char *far_name(int i)
{
    static char name[32];

    snprintf(name, sizeof(name), "d%d.test", i);
    return name;
}

/* A stanza to a domain that cannot be reached; its stream goes. What put says. */
static int one_more_fails(int i)
{
    struct s2_lease *l;
    int rc;

    rig_stream_open(10, 0, S2_OUTSIDE, "a.test", far_name(i));
    rc = rig_put(10, "message", NULL, "x", 0);
    rig_run();
    l = rig_lease_of("a.test", far_name(i));
    if (rc == 0 && l != NULL)
        rig_fail(l, S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    s2_path_close(&rig_stream[10].path);
    return rc;
}

/* The error for it is delivered. */
static void error_arrives(int i)
{
    struct s2_lease *l = rig_lease_of(far_name(i), "a.test");

    if (l == NULL)
        return;
    rig_ready(l);
    rig_leave(l, UINT64_MAX);
    rig_read_all(l, 1);
}

static const struct s2_flow *flow_to(const char *name)
{
    struct s2_domain a = rig_domain("a.test"), d = rig_domain(name);
    struct s2_route r = {S2_OUTSIDE, &a, &d};

    return s2_flow_find(&rig_worker[0], &r);
}

/* One who sends to thousands of domains that cannot be reached shuts nobody out. */
static void failed_flows_make_room(void **state)
{
    struct s2_flows *fl = rig_worker[0].flows;
    int i;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms = 3600000;
    rig_conf.confirm = S2_CONFIRM_NONE;
    fl->most = 64;
    rig_stream_open(11, 0, S2_OUTSIDE, "a.test", "opening.test");
    assert_int_equal(rig_put(11, "message", NULL, "o", 0), 0);
    rig_stream_open(12, 0, S2_OUTSIDE, "a.test", "held.test");
    assert_int_equal(rig_put(12, "message", NULL, "h", 0), 0);
    rig_fail(rig_lease_of("a.test", "held.test"), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    for (i = 0; i < 300; i++) {
        assert_int_equal(one_more_fails(i), 0);
        error_arrives(i);
        assert_true(fl->count <= fl->most);
        rig_advance(2 * S2_TICK_MS);
    }
    assert_int_equal(fl->count, 56);
    assert_non_null(flow_to("opening.test"));
    assert_non_null(flow_to("held.test"));
    assert_null(flow_to("d0.test"));
}

/* More than fit in one tick: what is too much goes back, and with the tick there is room. */
static void a_burst_of_failed_flows_ends_with_the_tick(void **state)
{
    struct s2_flows *fl = rig_worker[0].flows;
    int i, rc = 0;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms = 3600000;
    rig_conf.confirm = S2_CONFIRM_NONE;
    fl->most = 64;
    for (i = 0; i < 100 && rc == 0; i++)
        rc = one_more_fails(i);
    assert_int_equal(fl->count, 64);
    assert_null(flow_to(far_name(i)));
    rig_advance(S2_TICK_MS);
    assert_int_equal(fl->count, 56);
    assert_int_equal(one_more_fails(i), 0);
    assert_non_null(flow_to(far_name(i)));
}

static void old_ones_go_back(void **state)
{
    (void)state;
    put("1");
    rig_advance(30000);
    put("2");
    rig_advance(31000);
    assert_errors("1", 1);
    assert_errors("2", 0);
    rig_advance(200);
    rig_read_all(back(), 1);
    rig_advance(30000);
    assert_errors("2", 1);
}

static void full_link_stops_the_source(void **state)
{
    (void)state;
    put("0");
    rig_ready(out());
    out()->room_bytes = 10000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 6000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 6000), 1);
    rig_leave(out(), UINT64_MAX);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_stream[IN].resumed, 1);
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
}

static void full_window_stops_the_source(void **state)
{
    (void)state;
    rig_conf.window_bytes = 16000;
    put("0");
    rig_ready(out());
    assert_int_equal(rig_put(IN, "message", NULL, "1", 10000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 10000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "3", 10000), 1);
    rig_advance(100); /* a barrier comes early when the window runs full */
    rig_read_all(out(), 1);
    rig_advance(100);
    rig_read_all(out(), 1);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 1);
}

static void a_lost_lease_lets_the_source_go(void **state)
{
    (void)state;
    put("0");
    rig_ready(out());
    out()->room_bytes = 1000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 900), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 900), 1);
    rig_end(out(), S2_FAIL_LOST);
    assert_int_equal(rig_stream[IN].stopped, 0);
}

static void above_the_peers_limit_goes_back(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    out()->too_big = 5000;
    assert_int_equal(rig_put(IN, "message", NULL, "2", 6000), 0);
    put("3");
    assert_errors("2", 1);
    assert_non_null(strstr(last_on(back())->text, "<policy-violation"));
    assert_null(strstr(last_on(back())->text, " by="));
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 1);
    rig_advance(200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

static void steady_path_allocates_little(void **state)
{
    char id[16];
    size_t i, before;

    (void)state;
    put("0");
    rig_ready(out());
    before = rig_slabs;
    for (i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
    }
    rig_flush();
    assert_true(rig_slabs - before <= 22); /* 300,000 octets in slabs of 16 KiB, and two small */
    before = rig_slab_bytes;
    put("lone");
    assert_true(rig_slab_bytes - before <= 1024);
}

/* One that waits must not keep the room of those for elsewhere that came in the same turn. */
static void slabs_hold_one_way_only(void **state)
{
    size_t i, before;
    char id[16];

    (void)state;
    put("0");
    rig_ready(out());
    before = rig_slab_bytes;
    for (i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
        assert_int_equal(rig_put(OUT, "message", "chat", id, 300), 0);
    }
    rig_flush();
    assert_true(rig_slab_bytes - before <= 200 * 320);
    before = rig_slab_bytes; /* and a run has at most four times what it fills */
    for (i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
        assert_true(rig_slab_bytes - before <= 4 * (i + 1) * 320);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(full_queue_bounces_the_new_one),
        ONE(failed_flows_make_room),
        ONE(a_burst_of_failed_flows_ends_with_the_tick),
        ONE(old_ones_go_back),
        ONE(full_link_stops_the_source),
        ONE(full_window_stops_the_source),
        ONE(a_lost_lease_lets_the_source_go),
        ONE(above_the_peers_limit_goes_back),
        ONE(steady_path_allocates_little),
        ONE(slabs_hold_one_way_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
