/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_hold.c - peers that do not answer, and who has to wait for them: the hold behind an
 * overdue barrier, peers that never answer, and peers that read nothing.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

#include "admit.h"

#define OTHER 2 /* stream a2.test -> b.test, beside the pair */

static int open_two(void **state)
{
    open_one(state);
    rig_stream_open(OTHER, 0, S2_OUTSIDE, "a2.test", "b.test");
    return 0;
}

/* Stanza "0" went over a lease, and its barrier was answered. */
static void known_to_answer(void)
{
    put("0");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(2000);
}

/* Stanza `id` and a barrier behind it, that is not read. */
static void outstanding(const char *id)
{
    put(id);
    rig_advance(100);
    assert_true(out()->sent[out()->sent_count - 1].is_ping);
    rig_leave(out(), UINT64_MAX);
}

/* --- the hold -------------------------------------------------------------------------------- */

static void overdue_barrier_holds_until_its_answer(void **state)
{
    (void)state;
    known_to_answer();
    outstanding("1");
    rig_advance(1900);
    put("2");
    assert_int_equal(written("2"), 1);
    rig_advance(200);
    put("3");
    put("4");
    assert_int_equal(written("3"), 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
    assert_int_equal(rig_stream[IN].stopped, 0);
    rig_read_all(out(), 1); /* at once, without a tick */
    assert_int_equal(written("3"), 1);
    assert_int_equal(written("4"), 1);
}

/* Its answer goes astray; that of another pair on the same connection stood behind it. */
static void another_pairs_answer_proves_it(void **state)
{
    (void)state;
    known_to_answer();
    outstanding("1");
    rig_advance(3000);
    put("2");
    assert_int_equal(written("2"), 0);
    s2_lease_read(out(), out()->written);
    rig_advance(200);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_int_equal(written("2"), 1);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 0);
    assert_int_equal(out()->killed, 0);
}

static void an_answer_before_it_proves_nothing(void **state)
{
    (void)state;
    known_to_answer();
    outstanding("1");
    s2_lease_read(out(), out()->written - 1);
    rig_advance(26000);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

static void what_was_held_goes_to_the_next_lease(void **state)
{
    (void)state;
    known_to_answer();
    outstanding("1");
    rig_advance(3000);
    put("2");
    rig_advance(23000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(errors("1"), 1);
    assert_int_equal(errors("2"), 0);
    rig_advance(1100);
    rig_ready(out());
    assert_int_equal(written("1"), 1);
    assert_int_equal(written("2"), 1);
    assert_int_equal(rig_metric(S2_M_RESENT), 0);
}

static void unknown_peer_is_given_more_time(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(100);
    rig_advance(4900);
    put("2");
    assert_int_equal(written("2"), 1);
    rig_advance(200);
    put("3");
    assert_int_equal(written("3"), 0);
}

static void never_holds_when_told_so(void **state)
{
    (void)state;
    rig_conf.hold_ms = 0;
    known_to_answer();
    outstanding("1");
    rig_advance(20000);
    put("2");
    assert_int_equal(written("2"), 1);
}

static void stream_management_holds_too(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = 1;
    rig_ready(out());
    rig_advance(100);
    assert_int_equal(out()->sm_asked, 1);
    rig_advance(2100);
    put("2");
    assert_int_equal(written("2"), 0);
    out()->events->handled(out()->arg, 0); /* it answers, and has not handled the stanza */
    assert_int_equal(written("2"), 1);
    rig_advance(100);
    assert_int_equal(out()->sm_asked, 2);
}

static void held_flow_stops_its_source_at_half_a_queue(void **state)
{
    char id[16];
    int i;

    (void)state;
    rig_conf.queue_bytes = 40000;
    known_to_answer();
    outstanding("1");
    rig_advance(2100);
    for (i = 0; i < 4; i++) {
        snprintf(id, sizeof(id), "x%d", i);
        assert_int_equal(rig_put(IN, "message", NULL, id, 5000), 0);
    }
    assert_int_equal(rig_put(IN, "message", NULL, "x4", 5000), 1);
    rig_read_all(out(), 1);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(written("x4"), 1);
}

/* Each answer lies behind what the other direction does not let us read. */
static void two_directions_do_not_hold_each_other(void **state)
{
    (void)state;
    rig_conf.queue_bytes = 2000;
    known_to_answer();
    put_on(OUT, "0b");
    rig_ready(back());
    rig_advance(100);
    rig_read_all(back(), 1);
    rig_advance(2000);
    put("1");
    put_on(OUT, "1b");
    rig_advance(2200); /* both are overdue */
    assert_int_equal(rig_put(IN, "message", NULL, "2", 1500), 1);
    assert_int_equal(written("2"), 0);
    assert_int_equal(rig_put(OUT, "message", NULL, "2b", 1500), 0);
    assert_int_equal(rig_written("b.test", "a.test", "2b", NULL), 1);
    rig_read_all(out(), 1);
    assert_int_equal(rig_stream[IN].stopped, 0);
}

static void blame_ends(void **state)
{
    (void)state;
    known_to_answer();
    put_on(OUT, "0b");
    rig_ready(back());
    back()->room_bytes = 1;
    outstanding("1");
    assert_int_equal(rig_put(OUT, "message", NULL, "2b", 0), 1); /* we read nothing of b.test */
    rig_conf.barrier_timeout_ms = 20000; /* of both; the one back is not killed here */
    back()->room_bytes = 1u << 20;
    rig_advance(20500);
    assert_false(out()->killed);
    rig_advance(20500);
    assert_true(out()->killed);
}

/* Its system takes what it reads: the ping is still on the way. */
static void slow_reader_is_alive_while_it_reads(void **state)
{
    size_t first;
    int i;

    (void)state;
    known_to_answer();
    first = out()->sent_count;
    for (i = 0; i < 8; i++)
        put("x");
    rig_advance(100);
    rig_leave(out(), UINT64_MAX);
    assert_true(out()->sent[out()->sent_count - 1].is_ping);
    for (i = 0; i < 8; i++) {
        rig_advance(10000);
        assert_false(out()->killed);
        out()->acked = out()->sent[first + (size_t)i].end;
    }
    rig_advance(25000);
    assert_false(out()->killed);
    rig_advance(2000);
    assert_true(out()->killed);
}

/* --- it never answers ------------------------------------------------------------------------ */

static void lives_without_an_answer(struct s2_lease *l)
{
    rig_leave(l, UINT64_MAX);
    l->acked = l->left;
}

static void silent_peer_is_killed_once_and_then_believed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    lives_without_an_answer(out());
    rig_advance(26000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(errors("1"), 1);
    put("2");
    rig_advance(5100);
    rig_ready(out());
    rig_advance(100);
    lives_without_an_answer(out());
    rig_advance(24500);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    rig_advance(1000);
    assert_false(out()->killed);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(errors("2"), 0);
    assert_non_null(strstr(xmb_fakehost_log(), "answers no ping"));
    put("3");
    rig_advance(2000);
    assert_false(out()->sent[out()->sent_count - 1].is_ping);
    rig_end(out(), S2_FAIL_LOST);
    put("4");
    rig_advance(1100);
    rig_ready(out());
    rig_advance(5000);
    assert_false(out()->sent[out()->sent_count - 1].is_ping);
}

static void silent_twins_die_together(void **state)
{
    struct s2_lease *twin;

    (void)state;
    put("1");
    put_on(OTHER, "2");
    twin = rig_lease_of("a2.test", "b.test");
    rig_ready(out());
    rig_ready(twin);
    rig_leave(out(), UINT64_MAX);
    rig_leave(twin, UINT64_MAX);
    rig_advance(26000);
    assert_true(out()->killed); /* the death of one says nothing about the life of the other */
    assert_true(twin->killed);
    rig_bury();
}

static size_t pings(const struct s2_lease *l)
{
    size_t i, n = 0;

    for (i = 0; i < l->sent_count; i++)
        n += l->sent[i].is_ping != 0;
    return n;
}

/* The first answer was lost: while the peer shows life it is asked again, and then not silent. */
static void unknown_peer_that_is_heard_is_asked_again(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    lives_without_an_answer(out());
    rig_advance(10000);
    assert_int_equal(pings(out()), 1); /* nothing was heard */
    out()->heard_ms = xmb_fakehost_now_ms();
    rig_advance(1000);
    assert_int_equal(pings(out()), 2);
    rig_advance(5000);
    assert_int_equal(pings(out()), 2); /* nor since */
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(20000);
    assert_null(strstr(xmb_fakehost_log(), "answers no ping"));
}

static void silent_peer_that_comes_back_and_answers_is_asked_again(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(26000);
    rig_bury();
    put("2");
    rig_advance(5100);
    rig_ready(out());
    rig_advance(100);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    put("3");
    rig_advance(1000);
    rig_leave(out(), UINT64_MAX);
    rig_advance(26000);
    assert_true(out()->killed); /* it is known to answer */
    rig_bury();
}

/* --- it reads nothing ------------------------------------------------------------------------ */

/* The lease is stuck from the beginning. */
static void stuck_lease(void)
{
    rig_ready(out());
    out()->room_bytes = 150;
    rig_advance(100);
}

static void one_that_comes_back_and_reads_nothing_stops_nobody(void **state)
{
    (void)state;
    put("1");
    stuck_lease();
    assert_int_equal(rig_put(IN, "message", NULL, "2", 0), 1);
    rig_advance(24000);
    assert_int_equal(rig_stream[IN].stopped, 1);
    rig_advance(2000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(rig_stream[IN].stopped, 0);
    rig_advance(5100);
    stuck_lease();
    assert_int_equal(rig_put(IN, "message", NULL, "3", 0), 1);
    rig_advance(5100);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_put(IN, "message", NULL, "4", 0), 0);
    out()->room_bytes = 1u << 20;
    rig_read_all(out(), 1);
    rig_advance(1200);
    rig_read_all(out(), 1); /* it is like any other again */
    out()->room_bytes = 100;
    put("5");
    assert_int_equal(rig_put(IN, "message", NULL, "6", 0), 1);
}

static void what_nobody_reads_goes_back_in_time(void **state)
{
    char id[16];
    int i;

    (void)state;
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "%d", i);
        put(id);
    }
    for (i = 0; i < 900 && rig_metric(S2_M_BOUNCED) < 10; i++) {
        if (out() != NULL && out()->state == LEASE_OPENING)
            stuck_lease();
        rig_advance(100);
        rig_bury();
    }
    assert_true(i < 900); /* queue-time and one more lease are the most */
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(errors(id), 1);
    }
}

/* --- errors that pile up --------------------------------------------------------------------- */

/* Nothing is taken of it: each is answered. Returns how many until the stream was stopped. */
static int refused_until_stopped(int most)
{
    char id[16];
    int i;

    for (i = 0; i < most && !rig_stream[IN].stopped; i++) {
        snprintf(id, sizeof(id), "r%d", i);
        assert_true(rig_put(IN, "message", NULL, id, 0) >= 0);
        rig_flush();
    }
    return i;
}

static void deny(void)
{
    rig_admission = S2_ADMIT_DENIED;
    s2_flow_recheck(&rig_worker[0]);
}

static void errors_that_cannot_be_sent_stop_their_cause(void **state)
{
    int n;

    (void)state;
    rig_conf.queue_bytes = 5000;
    put("0");
    deny();
    n = refused_until_stopped(1000); /* the way back is still opening */
    assert_true(n > 5 && n < 50);
    rig_ready(back());
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
    rig_run();
    back()->room_bytes = 1000; /* and now its server does not read */
    n = refused_until_stopped(1000);
    assert_true(n > 5 && n < 50);
    while (rig_stream[IN].stopped)
        rig_leave(back(), UINT64_MAX);
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void errors_that_only_lack_an_answer_stop_nobody(void **state)
{
    (void)state;
    rig_conf.queue_bytes = 5000;
    rig_conf.window_bytes = 2000;
    put("0");
    deny();
    rig_ready(back());
    assert_int_equal(refused_until_stopped(100), 100);
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
    rig_conf.window_bytes = 4 << 20;
    rig_read_all(back(), 1);
    rig_advance(2000);
    rig_read_all(back(), 1);
    assert_int_equal(errors("r99"), 1);
}

static void a_way_back_that_fails_lets_the_cause_go(void **state)
{
    (void)state;
    rig_conf.queue_bytes = 5000;
    put("0");
    deny();
    assert_true(refused_until_stopped(1000) < 50);
    rig_fail(back(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

#define TWO(f) cmocka_unit_test_setup_teardown(f, open_two, close_all)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TWO(overdue_barrier_holds_until_its_answer),
        TWO(another_pairs_answer_proves_it),
        TWO(an_answer_before_it_proves_nothing),
        TWO(what_was_held_goes_to_the_next_lease),
        TWO(unknown_peer_is_given_more_time),
        TWO(never_holds_when_told_so),
        TWO(stream_management_holds_too),
        TWO(held_flow_stops_its_source_at_half_a_queue),
        TWO(two_directions_do_not_hold_each_other),
        TWO(blame_ends),
        TWO(slow_reader_is_alive_while_it_reads),
        TWO(silent_peer_is_killed_once_and_then_believed),
        TWO(silent_twins_die_together),
        TWO(unknown_peer_that_is_heard_is_asked_again),
        TWO(silent_peer_that_comes_back_and_answers_is_asked_again),
        TWO(one_that_comes_back_and_reads_nothing_stops_nobody),
        TWO(what_nobody_reads_goes_back_in_time),
        TWO(errors_that_cannot_be_sent_stop_their_cause),
        TWO(errors_that_only_lack_an_answer_stop_nobody),
        TWO(a_way_back_that_fails_lets_the_cause_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
