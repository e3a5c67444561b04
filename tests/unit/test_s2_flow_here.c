/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_here.c - a peer that reads, and has no stream on which it could answer pings: it is
 * asked on our own, by a question of dialback.
 */
#include "s2_flow_here.h"

#include <string.h>

static void late_answer_is_asked_for_here(void **state)
{
    (void)state;
    known_to_answer();
    put("1");
    rig_advance(SOON_MS);
    assert_int_equal(out()->questions, 0); /* most answer at once */
    rig_advance(300);
    assert_int_equal(out()->questions, 1);
    assert_int_equal(rig_metric(S2_M_BARRIERS_HERE), 1);
    put("2"); /* behind the question */
    read_here();
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_answer(out()), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2); /* at once, without a tick */
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 1);
}

/* What was sent behind the ping and before the question is read as well. */
static void all_before_the_question_is_read(void **state)
{
    (void)state;
    known_to_answer();
    put("1");
    rig_advance(1000);
    put("2");
    rig_advance(1000);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 3);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

/* An outage, and the peer opens no stream for minutes: nothing that it reads comes back. */
static void a_peer_without_a_stream_is_not_taken_for_dead(void **state)
{
    uint64_t confirmed;
    int i;

    (void)state;
    known_to_answer();
    put("1");
    rig_advance(100);
    rig_end(out(), S2_FAIL_LOST);
    put("2");
    rig_advance(1100);
    ready();
    confirmed = rig_metric(S2_M_CONFIRMED);
    for (i = 0; i < 300; i++) {
        put("x");
        rig_advance(1000);
        read_here();
        rig_answer(out());
    }
    rig_advance(3000);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
    assert_true(rig_metric(S2_M_CONFIRMED) >= confirmed + 301);
    assert_int_equal(errors("2") + errors("x"), 0);
    assert_null(strstr(xmb_fakehost_log(), "taken for dead"));
    assert_non_null(strstr(xmb_fakehost_log(), "it is asked on our stream"));
}

/* As long as only that is answered nobody waits for the ping. */
static void it_is_asked_at_once_the_next_time(void **state)
{
    (void)state;
    known_to_answer();
    put("1");
    rig_advance(SOON_MS + 300);
    read_here();
    rig_answer(out());
    put("2");
    rig_advance(300);
    assert_int_equal(out()->questions, 2);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

/* It has a stream again; though its answers may come behind those on ours. */
static void a_ping_that_is_answered_ends_it(void **state)
{
    char id[64];

    (void)state;
    known_to_answer();
    put("1");
    rig_advance(SOON_MS + 300);
    strcpy(id, rig_attribute(last_on(out())->text, "id"));
    read_here();
    rig_answer(out());
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1);
    put("2");
    rig_advance(1000);
    assert_int_equal(out()->questions, 1);
    rig_advance(1000);
    assert_int_equal(out()->questions, 2);
}

/* A process that stands still answers neither. */
static void one_that_answers_neither_is_dead(void **state)
{
    (void)state;
    known_to_answer();
    put("1");
    rig_advance(26000);
    assert_int_equal(out()->questions, 1);
    assert_int_equal(out()->killed, 1);
    rig_bury();
}

static void without_dialback_nothing_is_asked_here(void **state)
{
    (void)state;
    known_to_answer();
    out()->has_dialback = 0;
    put("1");
    rig_advance(26000);
    assert_int_equal(out()->questions, 0);
    assert_int_equal(out()->killed, 1);
    rig_bury();
}

/* One that never answered a ping is not taken for silent either: this says more than its TCP. */
static void a_peer_that_never_answers_pings_is_asked_here(void **state)
{
    int i;

    (void)state;
    put("1");
    ready();
    for (i = 0; i < 30; i++) {
        rig_advance(1000);
        read_here();
        out()->heard_ms = xmb_fakehost_now_ms();
        rig_answer(out());
    }
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 0);
    assert_int_equal(s2_barrier_nudge(out()->arg), 1); /* and known to answer */
    put("2");
    rig_advance(500);
    out()->acked = out()->left = out()->written;
    rig_advance(500);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

/* It may have to dial and to verify itself before it can answer for the first time. */
static void a_stranger_has_more_time(void **state)
{
    (void)state;
    put("1");
    ready();
    rig_advance(LATER_MS);
    assert_int_equal(out()->questions, 0);
    rig_advance(300);
    assert_int_equal(out()->questions, 1);
}

static void with_a_short_timeout_it_is_asked_in_time(void **state)
{
    (void)state;
    rig_conf.barrier_timeout_ms = 1200;
    put("1");
    ready();
    rig_advance(700);
    assert_int_equal(out()->questions, 1);
    read_here();
    rig_answer(out());
    rig_advance(3000);
    assert_int_equal(out()->killed, 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

/* Known to answer here, and then it stands still: that something is heard of it is no excuse. */
static void one_that_answered_here_is_dead_when_it_does_not(void **state)
{
    (void)state;
    answers_only_here();
    put("2");
    rig_advance(10000);
    out()->heard_ms = xmb_fakehost_now_ms();
    rig_leave(out(), UINT64_MAX);
    rig_advance(16000);
    assert_int_equal(out()->killed, 1);
    rig_bury();
    assert_errors("2", 1);
}

/* That of another flow was before its ping: it asks when that one is answered. */
static void one_question_at_a_time(void **state)
{
    struct s2_lease *l;

    (void)state;
    known_to_answer();
    l = out();
    l->question_end = l->written; /* somebody's */
    put("1");
    rig_advance(SOON_MS + 300);
    assert_int_equal(l->questions, 0);
    read_here();
    rig_answer(l);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(200);
    assert_int_equal(l->questions, 1);
    read_here();
    rig_answer(l);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

/* Its question may be answered before the flow would have asked: nothing is known of it then. */
static void another_flow_s_answer_says_nothing(void **state)
{
    struct s2_lease *l;

    (void)state;
    known_to_answer();
    l = out();
    put("1");
    rig_advance(300);
    l->question_end = l->written; /* somebody's, behind the ping */
    read_here();
    rig_answer(l);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_null(strstr(xmb_fakehost_log(), "it is asked on our stream"));
    put("2");
    rig_advance(1300);
    assert_int_equal(pings(l), 3);
    assert_int_equal(l->questions, 0);
}

/* An answer before the barrier's: what it confirms makes room, and that is used at once. */
static void what_waits_goes_on_at_once(void **state)
{
    struct s2_lease *l;

    (void)state;
    rig_conf.window_bytes = 3000;
    known_to_answer();
    l = out();
    assert_true(rig_put(IN, "message", "chat", "1", 3500) >= 0);
    put("2");
    assert_int_equal(written("1"), 1);
    assert_int_equal(written("2"), 0);
    l->question_end = l->sent[l->sent_count - 2].end; /* somebody's, before the ping */
    rig_leave(l, UINT64_MAX);
    assert_int_equal(rig_read(l, 0), 1);
    assert_int_equal(rig_answer(l), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_int_equal(written("2"), 1);
}

static void stream_management_needs_none(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = out()->has_dialback = 1;
    rig_ready(out());
    rig_advance(5000);
    assert_int_equal(out()->questions, 0);
    assert_int_equal(pings(out()), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(late_answer_is_asked_for_here),
        ONE(all_before_the_question_is_read),
        ONE(a_peer_without_a_stream_is_not_taken_for_dead),
        ONE(it_is_asked_at_once_the_next_time),
        ONE(a_ping_that_is_answered_ends_it),
        ONE(one_that_answers_neither_is_dead),
        ONE(without_dialback_nothing_is_asked_here),
        ONE(a_peer_that_never_answers_pings_is_asked_here),
        ONE(a_stranger_has_more_time),
        ONE(with_a_short_timeout_it_is_asked_in_time),
        ONE(one_that_answered_here_is_dead_when_it_does_not),
        ONE(one_question_at_a_time),
        ONE(another_flow_s_answer_says_nothing),
        ONE(what_waits_goes_on_at_once),
        ONE(stream_management_needs_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
