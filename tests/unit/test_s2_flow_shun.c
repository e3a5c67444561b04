/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_shun.c - what is remembered of a peer that was asked on the lease itself, for leases
 * on which it can be asked, and for others.
 */
#include "s2_flow_here.h"

#include <string.h>

/* The lease ends, and there is another for stanza `id`, with dialback or without. */
static void next_lease(const char *id, int has_dialback)
{
    rig_end(out(), S2_FAIL_LOST);
    put(id);
    rig_advance(1100);
    assert_non_null(out());
    out()->has_dialback = has_dialback;
    rig_ready(out());
}

/* So long it reads, and is heard, and answers nothing. */
static void live_silently(int seconds)
{
    for (; seconds > 0; seconds--) {
        rig_advance(1000);
        read_here();
        out()->heard_ms = xmb_fakehost_now_ms();
    }
}

/* By certificate, say: there it is one of which nothing is known, and found to be silent. */
static void an_answer_here_says_nothing_of_other_leases(void **state)
{
    (void)state;
    answers_only_here();
    next_lease("2", 0);
    live_silently(30);
    assert_int_equal(out()->killed, 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_non_null(strstr(xmb_fakehost_log(), "answers no ping"));
    next_lease("3", 1);
    rig_advance(2000);
    assert_int_equal(out()->questions, 1); /* and is no silent one where it can be asked */
    read_here();
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 3);
}

/* Stanza `id` is read and not confirmed: the stream ends at the question behind it. */
static void shunned(const char *id)
{
    put(id);
    rig_advance(SOON_MS + 300);
    assert_int_equal(out()->questions, 1);
    read_here();
    rig_shun(out(), S2_FAIL_LOST);
    assert_errors(id, 1);
}

static void a_new_lease(void)
{
    rig_advance(1100);
    ready();
}

/* It does not know what to make of the question. */
static void one_that_ends_its_stream_twice_is_not_asked_again(void **state)
{
    char id[64];

    (void)state;
    known_to_answer();
    shunned("1");
    assert_null(strstr(xmb_fakehost_log(), "it is not asked so again"));
    put("2");
    a_new_lease();
    rig_advance(SOON_MS + 300);
    read_here();
    rig_shun(out(), S2_FAIL_LOST);
    assert_non_null(strstr(xmb_fakehost_log(), "it is not asked so again"));
    put("3");
    a_new_lease();
    rig_advance(10000);
    assert_int_equal(out()->questions, 0);
    strcpy(id, rig_attribute(last_on(out())->text, "id"));
    read_here();
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1); /* late, and well */
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_errors("3", 0);
}

/* A process that died just then. */
static void one_end_is_chance(void **state)
{
    (void)state;
    known_to_answer();
    shunned("1");
    put("2");
    a_new_lease();
    rig_advance(SOON_MS + 300);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    put("3");
    rig_advance(1300);
    rig_shun(out(), S2_FAIL_LOST);
    put("4");
    a_new_lease();
    rig_advance(SOON_MS + 300);
    assert_int_equal(out()->questions, 1);
}

/* Two flows to the peer on its stream: one asked, both are told that it ended. */
static void an_end_is_counted_once(void **state)
{
    struct s2_lease *other;

    (void)state;
    known_to_answer();
    rig_stream_open(2, 0, S2_OUTSIDE, "a2.test", "b.test");
    put_on(2, "other");
    other = rig_lease_of("a2.test", "b.test");
    assert_non_null(other);
    rig_ready(other);
    other->events->answered(other->arg, other, 0); /* whether before the one that asked, */
    shunned("1");
    other->events->answered(other->arg, other, 0); /* or after it */
    assert_null(strstr(xmb_fakehost_log(), "it is not asked so again"));
}

static void one_that_has_answered_is_asked_whatever_its_streams_do(void **state)
{
    (void)state;
    answers_only_here();
    put("2");
    rig_advance(1300);
    assert_int_equal(out()->questions, 2);
    rig_shun(out(), S2_FAIL_LOST);
    put("3");
    a_new_lease();
    rig_advance(SOON_MS + 300);
    assert_int_equal(out()->questions, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(an_answer_here_says_nothing_of_other_leases),
        ONE(one_that_ends_its_stream_twice_is_not_asked_again),
        ONE(one_end_is_chance),
        ONE(an_end_is_counted_once),
        ONE(one_that_has_answered_is_asked_whatever_its_streams_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
