/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_workers.c - streams on one worker and their flow on another: order, full mailboxes,
 * sources that are stopped from afar, and the stop of all workers.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

/* --- between workers ------------------------------------------------------------------------- */

static void far_stanzas_keep_order(void **state)
{
    char id[16];
    size_t i;

    (void)state;
    for (i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", NULL, id, 300), 0);
    }
    assert_null(out());
    rig_flush();
    assert_ptr_equal(out()->w, &rig_worker[owner_of("b.test")]);
    rig_ready(out());
    assert_int_equal(out()->sent_count, 50);
    for (i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_string_equal(rig_attribute(out()->sent[i].text, "id"), id);
    }
}

static void full_mailbox_stops_and_goes_on(void **state)
{
    (void)state;
    rig_full_mailbox = 1u << owner_of("b.test");
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    rig_flush();
    assert_int_equal(rig_put(IN, "message", NULL, "2", 0), 1);
    rig_flush();
    rig_advance(50);
    assert_int_equal(rig_stream[IN].stopped, 1);
    rig_full_mailbox = 0;
    rig_advance(20);
    assert_int_equal(rig_stream[IN].stopped, 0);
    rig_ready(out());
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
}

static void full_flow_stops_a_far_source(void **state)
{
    char id[16];
    size_t i;

    (void)state;
    rig_put(IN, "message", NULL, "0", 0);
    rig_flush();
    rig_ready(out());
    out()->room_bytes = 20000;
    for (i = 1; !rig_stream[IN].stopped && i < 500; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        rig_put(IN, "message", NULL, id, 4000);
        rig_flush();
    }
    assert_true(i < 100);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    for (i = 0; i < 50; i++)
        rig_leave(out(), UINT64_MAX);
    rig_run();
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

static void far_answer_and_bounce(void **state)
{
    struct s2_domain by = rig_domain("a.test");
    struct s2_stanza s = {.kind = S2_MESSAGE, .raw = XMB_STR("<message/>")};
    char id[64];

    (void)state;
    rig_put(IN, "message", NULL, "1", 0);
    rig_flush();
    rig_ready(out());
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    assert_int_equal(rig_pong(other_worker(), "b.test", "a.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    s.from = XMB_STR("u@a.test");
    s.to = XMB_STR("v@b.test");
    s.id = XMB_STR("far");
    s2_bounce(&rig_worker[other_worker()], S2_INSIDE, &s, S2_C_NOT_ALLOWED, &by, "no");
    rig_advance(20);
    assert_errors("far", 1);
}

static void posts_that_fail_at_the_end_are_said(void **state)
{
    (void)state;
    rig_stopped = 1;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    rig_flush();
    assert_non_null(strstr(xmb_fakehost_log(), "the broker stops"));
}

static void closed_path_leaves_its_stanzas(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    s2_path_close(&rig_stream[IN].path);
    rig_flush();
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "1", NULL), 1);
}

/* --- several workers ------------------------------------------------------------------------- */

/* The source is stopped, and its flow keeps what it asked to be told. */
static void stop_a_far_source(void)
{
    char id[16];
    int i;

    put("0");
    rig_ready(out());
    out()->room_bytes = 20000;
    for (i = 1; !rig_stream[IN].stopped && i < 500; i++) {
        snprintf(id, sizeof(id), "%d", i);
        rig_put(IN, "message", NULL, id, 4000);
        rig_flush();
    }
    assert_int_equal(rig_stream[IN].stopped, 1);
}

static void far_source_goes_on_through_a_full_mailbox(void **state)
{
    int i;

    (void)state;
    stop_a_far_source();
    rig_full_mailbox = 1u << other_worker();
    for (i = 0; i < 50; i++)
        rig_leave(out(), UINT64_MAX);
    rig_run();
    rig_advance(50);
    assert_int_equal(rig_stream[IN].stopped, 1);
    rig_full_mailbox = 0;
    rig_advance(20);
    assert_int_equal(rig_stream[IN].stopped, 0);
}

static void far_source_that_is_gone_is_not_told(void **state)
{
    int i;

    (void)state;
    stop_a_far_source();
    s2_path_close(&rig_stream[IN].path);
    for (i = 0; i < 50; i++)
        rig_leave(out(), UINT64_MAX);
    rig_run();
    assert_int_equal(rig_stream[IN].resumed, 0);
}

static void far_source_waits_when_all_ends(void **state)
{
    (void)state;
    stop_a_far_source(); /* nothing is leaked when the flow goes first */
}

static void drain_all(uint64_t ms)
{
    uint32_t i;

    for (i = 0; i < RIG_WORKERS; i++)
        s2_flow_drain(&rig_worker[i], ms);
}

static void the_stop_waits_for_stanzas_of_every_worker(void **state)
{
    const struct s2_worker *w = &rig_worker[other_worker()];

    (void)state;
    put("1");
    rig_ready(out());
    assert_int_equal(s2_stanzas_left(w), 1);
    drain_all(10000);
    rig_advance(3000);
    assert_int_equal(s2_stanzas_left(w), 1); /* as streams ask, of whatever worker */
    assert_non_null(out());
    rig_read_all(out(), 1);
    assert_int_equal(s2_stanzas_left(w), 0);
    rig_advance(500);
    assert_null(out());
}

static void the_stop_waits_for_streams_and_their_errors(void **state)
{
    _Atomic uint32_t *streams = &s2_tally(&rig_worker[other_worker()])->streams;

    (void)state;
    put_on(OUT, "0");
    rig_ready(back());
    rig_advance(100);
    rig_read_all(back(), 1);
    atomic_store(streams, 1);
    drain_all(10000);
    rig_advance(1000);
    put("late");
    assert_int_equal(errors("late"), 1);
    rig_leave(back(), UINT64_MAX);
    rig_advance(1000);
    assert_non_null(back());
    back()->acked = back()->left; /* no answer comes any more: TCP's word is enough for an error */
    atomic_store(streams, 0);
    rig_advance(600);
    assert_null(back());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
    assert_int_equal(s2_stanzas_left(&rig_worker[0]), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        THREE(far_stanzas_keep_order),
        THREE(full_mailbox_stops_and_goes_on),
        THREE(full_flow_stops_a_far_source),
        THREE(far_answer_and_bounce),
        THREE(posts_that_fail_at_the_end_are_said),
        THREE(closed_path_leaves_its_stanzas),
        THREE(far_source_goes_on_through_a_full_mailbox),
        THREE(far_source_that_is_gone_is_not_told),
        THREE(far_source_waits_when_all_ends),
        THREE(the_stop_waits_for_stanzas_of_every_worker),
        THREE(the_stop_waits_for_streams_and_their_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
