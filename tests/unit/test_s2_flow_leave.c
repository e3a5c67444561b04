/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_leave.c - flows whose link is retired: they send no stanza on it, ask at once for
 * what is not confirmed, and go over to another with the last answer.
 */
#include "s2_flow_pair.h"

#include "admit.h"

static size_t pings(const struct s2_lease *l)
{
    size_t i, n = 0;

    for (i = 0; i < l->sent_count; i++)
        n += l->sent[i].is_ping != 0;
    return n;
}

/* A lease that is ready, with "1" sent on it. */
static struct s2_lease *flowing(void)
{
    put("1");
    rig_ready(out());
    return out();
}

static void with_the_answer_it_goes(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_retire(l);
    assert_int_equal(pings(l), 1); /* at once */
    put("2");
    rig_advance(1000);
    assert_int_equal(written("2"), 0);
    rig_read_all(l, 1);
    assert_int_equal(l->state, LEASE_GONE);
    assert_ptr_not_equal(out(), l);
    rig_ready(out());
    assert_int_equal(written("2"), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

/* A question that went out before the last stanza proves nothing of it; the next one does. */
static void what_was_sent_behind_a_ping_is_asked_for_too(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_advance(200);
    assert_int_equal(pings(l), 1);
    put("2");
    rig_retire(l);
    assert_int_equal(pings(l), 1);
    rig_read_all(l, 1); /* the answer, and the next question behind it: no tick is waited for */
    assert_int_equal(pings(l), 2);
    assert_int_equal(l->state, LEASE_GONE);
    assert_null(out()); /* nothing waits, and none is opened */
    put("3");
    rig_ready(out());
    assert_int_equal(written("3"), 1);
}

static void one_that_is_confirmed_goes_at_once(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_advance(200);
    rig_read_all(l, 1);
    rig_retire(l);
    assert_int_equal(l->state, LEASE_GONE);
    assert_int_equal(pings(l), 1);
    assert_null(out());
}

static void by_acknowledgements_too(void **state)
{
    struct s2_lease *l;

    (void)state;
    put("1");
    out()->has_sm = 1;
    l = out();
    rig_ready(l);
    rig_retire(l);
    assert_int_equal(l->sm_asked, 1);
    put("2");
    rig_read_all(l, 0);
    assert_int_equal(l->state, LEASE_GONE);
    rig_ready(out());
    assert_int_equal(written("2"), 1);
}

/* What the peer's system acknowledges counts there. */
static void by_tcp_too(void **state)
{
    struct s2_lease *l;

    (void)state;
    rig_conf.confirm = S2_CONFIRM_TCP;
    l = flowing();
    rig_retire(l);
    put("2");
    rig_advance(300);
    assert_int_equal(l->state, LEASE_READY);
    rig_read_all(l, 0);
    rig_advance(300);
    assert_int_equal(l->state, LEASE_GONE);
    assert_int_equal(pings(l), 0);
    rig_ready(out());
    assert_int_equal(written("2"), 1);
}

static void nothing_to_confirm(void **state)
{
    struct s2_lease *l;

    (void)state;
    rig_conf.confirm = S2_CONFIRM_NONE;
    l = flowing();
    rig_retire(l);
    assert_int_equal(l->state, LEASE_GONE);
}

/* The link's while is over: as with any other end. What waited has another lease at once. */
static void without_an_answer_it_ends(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_leave(l, UINT64_MAX);
    rig_retire(l);
    put("2");
    rig_advance(2500);
    rig_end(l, S2_FAIL_IDLE);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    assert_non_null(out());
    rig_ready(out());
    assert_int_equal(written("2"), 1);
}

/* No room for the question: it goes as soon as there is. */
static void a_full_link_is_asked_when_it_has_room(void **state)
{
    struct s2_lease *l;

    (void)state;
    put("1");
    out()->room_bytes = 100;
    rig_ready(out());
    l = out();
    put("2");
    rig_retire(l);
    assert_int_equal(pings(l), 0);
    rig_read_all(l, 1);
    assert_int_equal(pings(l), 1);
    rig_read_all(l, 1);
    assert_int_equal(l->state, LEASE_GONE);
    rig_ready(out());
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    assert_int_equal(written("2"), 1);
}

/* Who puts is stopped before there is no room, and reads on with the next lease. */
static void what_waits_has_a_bound(void **state)
{
    struct s2_lease *l;
    int i;

    (void)state;
    rig_conf.queue_bytes = 10000;
    l = flowing();
    rig_retire(l);
    for (i = 0; i < 100 && !rig_stream[IN].stopped; i++)
        assert_true(rig_put(IN, "message", "chat", "2", 1000) >= 0);
    assert_int_equal(i, 6);
    rig_read_all(l, 1);
    assert_false(rig_stream[IN].stopped);
    rig_ready(out());
    assert_int_equal(written("2"), 6);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

/* Each one's answer comes on the stream that feeds the other: one of the two is not stopped. */
static void two_directions_do_not_hold_each_other(void **state)
{
    int i;

    (void)state;
    rig_conf.queue_bytes = 10000;
    flowing();
    assert_true(rig_put(OUT, "message", "chat", "1", 0) >= 0);
    rig_flush();
    rig_ready(rig_lease_of("b.test", "a.test"));
    rig_retire(out());
    rig_retire(rig_lease_of("b.test", "a.test"));
    for (i = 0; i < 10; i++) {
        if (!rig_stream[IN].stopped)
            assert_true(rig_put(IN, "message", "chat", "2", 1000) >= 0);
        if (!rig_stream[OUT].stopped)
            assert_true(rig_put(OUT, "message", "chat", "3", 1000) >= 0);
    }
    assert_true(rig_stream[IN].stopped);
    assert_false(rig_stream[OUT].stopped);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

/* No stream is made any more when the broker stops: the old one does. */
static void a_stop_takes_the_old_one(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_retire(l);
    put("2");
    s2_flow_drain(&rig_worker[0], 5000);
    assert_int_equal(written("2"), 1);
    rig_advance(200);
    rig_read_all(l, 1);
    rig_advance(200);
    rig_read_all(l, 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    assert_int_equal(rig_lease_count, 1);
    rig_advance(5000);
    assert_int_equal(l->state, LEASE_GONE);
}

static void a_stop_has_begun(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    s2_flow_drain(&rig_worker[0], 5000);
    rig_retire(l);
    rig_advance(200);
    rig_read_all(l, 1);
    assert_int_equal(l->state, LEASE_READY); /* till the end, for errors */
    rig_advance(5000);
    assert_int_equal(l->state, LEASE_GONE);
}

static void one_that_is_denied_goes_for_good(void **state)
{
    struct s2_lease *l = flowing();

    (void)state;
    rig_retire(l);
    put("2");
    rig_admission = S2_ADMIT_DENIED;
    s2_flow_recheck(&rig_worker[0]);
    rig_run();
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    rig_read_all(l, 1);
    rig_advance(500);
    assert_int_equal(l->state, LEASE_GONE);
    assert_null(out());
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(with_the_answer_it_goes),
        ONE(what_was_sent_behind_a_ping_is_asked_for_too),
        ONE(one_that_is_confirmed_goes_at_once),
        ONE(by_acknowledgements_too),
        ONE(by_tcp_too),
        ONE(nothing_to_confirm),
        ONE(without_an_answer_it_ends),
        ONE(a_full_link_is_asked_when_it_has_room),
        ONE(what_waits_has_a_bound),
        ONE(two_directions_do_not_hold_each_other),
        ONE(a_stop_takes_the_old_one),
        ONE(a_stop_has_begun),
        ONE(one_that_is_denied_goes_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
