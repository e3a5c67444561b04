/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_loss.c - a lease that ends, and peers that are dead: what is sent again, what goes
 * back, and who is blamed.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

/* --- loss ------------------------------------------------------------------------------------ */

static void lost_sorts_by_what_left(void **state)
{
    struct s2_lease *l;

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1); /* 1 is confirmed */
    put("2");
    put("3");
    put("4");
    l = out();
    rig_leave(l, l->sent[2].end + 10); /* 2 and a piece of 3 */
    rig_end(l, S2_FAIL_LOST);
    assert_errors("1", 0);
    assert_errors("2", 1);
    assert_errors("3", 0);
    assert_errors("4", 0);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-timeout"));
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
    rig_advance(2200);
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 2);
    assert_int_equal(rig_written("a.test", "b.test", "4", NULL), 2);
    assert_int_equal(rig_metric(S2_M_RESENT), 2);
}

static void resend_sends_again_in_order(void **state)
{
    (void)state;
    rig_conf.on_loss = S2_LOSS_RESEND;
    put("1");
    rig_ready(out());
    put("2");
    rig_leave(out(), UINT64_MAX);
    rig_end(out(), S2_FAIL_LOST);
    put("3");
    rig_advance(2200);
    rig_ready(out());
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
    assert_string_equal(rig_attribute(out()->sent[2].text, "id"), "3");
    assert_int_equal(rig_metric(S2_M_RESENT), 2);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

static void unconfirmed_answers_are_dropped_on_loss(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "iq", "result", "1", 0), 0);
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_end(out(), S2_FAIL_LOST);
    assert_int_equal(rig_metric(S2_M_DROPPED), 1);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void goodbye_reconnects_at_once(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(5000);
    rig_read_all(out(), 1);
    put("2");
    rig_end(out(), S2_FAIL_GOODBYE);
    assert_int_equal(out()->state, LEASE_OPENING);
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 2);
}

static void goodbye_at_once_is_no_circle(void **state)
{
    size_t i, leases = 0;

    (void)state;
    put("1");
    for (i = 0; i < 100; i++) {
        if (out() != NULL) {
            rig_ready(out());
            rig_end(out(), S2_FAIL_GOODBYE);
            leases++;
        }
        rig_advance(100);
    }
    assert_true(leases < 30); /* in 10 s */
}

static void dead_peer_is_found(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(25000);
    assert_false(out()->killed);
    rig_advance(500);
    assert_true(out()->killed);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 1);
    rig_bury();
    assert_errors("1", 1);
}

static void peer_that_reads_nothing_is_found(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    out()->room_bytes = 150;
    rig_advance(27000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(rig_metric(S2_M_QUEUED), 1); /* it never left */
}

static void silent_peer_is_taken_by_tcp(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(10000);
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0); /* it is alive */
    rig_advance(16000);
    assert_false(out()->killed);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    out()->acked = out()->left;
    rig_advance(300);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_end(out(), S2_FAIL_LOST);
    put("2");
    rig_advance(2100);
    rig_ready(out()); /* remembered: no ping on the next either */
    rig_advance(2000);
    assert_false(last_on(out())->is_ping);
}

/* The peer has answered once, and nothing since. */
static void put_behind_an_answer(void)
{
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_advance(2000);
    put("2");
    rig_advance(1000);
}

static void peer_that_answered_once_is_dead_when_it_stops(void **state)
{
    (void)state;
    put_behind_an_answer();
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_advance(26000);
    assert_true(out()->killed);
    rig_bury();
}

static void peer_that_we_stopped_is_not_blamed(void **state)
{
    (void)state;
    put_behind_an_answer();
    assert_int_equal(rig_put(OUT, "message", NULL, "8", 0), 0);
    rig_ready(back());
    back()->room_bytes = 1;
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 1);
    rig_advance(24500);
    assert_false(out()->killed);
    rig_bury(); /* the way back is dead, and lets its source go */
    rig_advance(1000);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

static void late_answer_proves_nothing(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    rig_end(out(), S2_FAIL_LOST);
    put("2");
    rig_advance(2100);
    rig_ready(out());
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1);
    rig_advance(200);
    assert_true(last_on(out())->is_ping);
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    assert_errors("1", 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(lost_sorts_by_what_left),
        ONE(resend_sends_again_in_order),
        ONE(unconfirmed_answers_are_dropped_on_loss),
        ONE(goodbye_reconnects_at_once),
        ONE(goodbye_at_once_is_no_circle),
        ONE(dead_peer_is_found),
        ONE(peer_that_reads_nothing_is_found),
        ONE(silent_peer_is_taken_by_tcp),
        ONE(peer_that_answered_once_is_dead_when_it_stops),
        ONE(peer_that_we_stopped_is_not_blamed),
        ONE(late_answer_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
