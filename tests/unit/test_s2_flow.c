/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow.c - the life of a flow between a fake stream and a fake link: stanzas in order,
 * what confirms them, and what comes back when the link cannot be had.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

/* --- the ordinary way ------------------------------------------------------------------------ */

static void waits_then_flows_in_order(void **state)
{
    (void)state;
    put("1");
    put("2");
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
    rig_ready(out());
    put("3");
    assert_int_equal(out()->sent_count, 3);
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
    assert_string_equal(rig_attribute(out()->sent[2].text, "id"), "3");
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 3);
    assert_int_equal(rig_metric(S2_M_STANZAS_OUT), 3);
}

static void insert_stands_in_the_copy(void **state)
{
    (void)state;
    assert_int_equal(rig_put_insert(IN, "1", " xml:lang='de'"), 0);
    rig_ready(out());
    assert_string_equal(last_on(out())->text,
                        "<message xml:lang='de' from='u@a.test/r' to='v@b.test' id='1'>"
                        "</message>");
}

static void a_barrier_confirms(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    assert_true(last_on(out())->is_ping);
    assert_string_equal(rig_attribute(last_on(out())->text, "from"), "a.test");
    assert_string_equal(rig_attribute(last_on(out())->text, "to"), "b.test");
    put("2");
    rig_read_all(out(), 1); /* the answer proves 1 and nothing of 2 */
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 1);
    rig_advance(1200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
    assert_int_equal(rig_metric(S2_M_BARRIERS), 2);
    rig_advance(60000);
    assert_int_equal(rig_metric(S2_M_BARRIERS), 2); /* none while nothing is unconfirmed */
}

static void another_gateways_ping_is_not_ours(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    assert_int_equal(rig_pong(0, "c.test", "a.test", id), 1); /* ours, but c.test cannot say so */
    assert_int_equal(rig_pong(0, "b.test", "a2.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    id[10] = id[10] == '0' ? '1' : '0';
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "xmb-"), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "xmb-0123456789abcdef"), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "purple1"), 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
}

static void a_barrier_number_of_zero_is_none(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    put("2");
    snprintf(id, sizeof(id), "%.24s0", rig_attribute(out()->sent[1].text, "id"));
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

static void stream_management_confirms(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = 1;
    rig_ready(out());
    put("2");
    rig_advance(200);
    assert_int_equal(out()->sent_count, 2); /* no ping */
    assert_int_equal(out()->sm_asked, 1);
    out()->events->handled(out()->arg, 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    out()->events->handled(out()->arg, 2);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    put("3");
    rig_end(out(), S2_FAIL_LOST);
    assert_errors("1", 0);
    assert_errors("2", 0);
}

static void tcp_confirms_when_told_so(void **state)
{
    (void)state;
    rig_conf.confirm = S2_CONFIRM_TCP;
    put("1");
    put("2");
    rig_ready(out());
    rig_advance(1000);
    assert_int_equal(out()->sent_count, 2);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    out()->left = out()->acked = out()->sent[0].end;
    rig_advance(300);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(26000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(rig_metric(S2_M_QUEUED), 1 + 0); /* 2 never left: it waits again */
}

static void nothing_confirms_when_told_so(void **state)
{
    (void)state;
    rig_conf.confirm = S2_CONFIRM_NONE;
    put("1");
    rig_ready(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    put("2");
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void idle_lease_is_closed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_advance(599000);
    assert_non_null(out());
    rig_advance(2000);
    assert_null(out());
    put("2");
    assert_int_equal(out()->state, LEASE_OPENING);
}

/* --- it cannot be had ------------------------------------------------------------------------ */

static void fails_with(enum s2_failure_kind kind, enum s2_condition c, const char *name)
{
    put("1");
    rig_fail(out(), kind, c);
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, name));
    assert_string_equal(rig_attribute(last_on(back())->text, "to"), "u@a.test/r");
    assert_string_equal(rig_attribute(last_on(back())->text, "from"), "v@b.test");
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void no_such_domain_goes_back(void **state)
{
    (void)state;
    fails_with(S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND, "<remote-server-not-found");
}

static void invalid_dialback_goes_back(void **state)
{
    (void)state;
    fails_with(S2_FAIL_REFUSED, S2_C_INTERNAL_SERVER_ERROR, "<internal-server-error");
}

static void unreachable_goes_back_when_never_reached(void **state)
{
    (void)state;
    fails_with(S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT, "<remote-server-timeout");
}

static void unreachable_waits_when_it_flowed_a_while_ago(void **state)
{
    size_t tries;

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_end(out(), S2_FAIL_LOST);
    rig_advance(2100);
    put("2");
    rig_fail(out(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig_metric(S2_M_QUEUED), 1);
    for (tries = 0; rig_metric(S2_M_BOUNCED) == 0 && tries < 200; tries++) {
        rig_advance(500);
        if (out() != NULL)
            rig_fail(out(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    }
    assert_true(tries > 100); /* not before its 60 s */
    assert_errors("2", 1);
}

static void long_backoff_bounces_at_once(void **state)
{
    char id[16];
    int i;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms;
    for (i = 0; i < 8 && out() == NULL; i++) {
        snprintf(id, sizeof(id), "x%d", i);
        put(id);
        if (out() != NULL)
            rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    }
    put("1");
    assert_null(out());
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-not-found"));
    {
        struct s2_domain b = rig_domain("b.test");

        s2_flow_alive(&rig_worker[0], &b);
    }
    put("2");
    assert_non_null(out());
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
}

static void answers_are_dropped_and_counted(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "iq", "result", "1", 0), 0);
    assert_int_equal(rig_put(IN, "message", "error", "2", 0), 0);
    assert_int_equal(rig_put(IN, "presence", NULL, "3", 0), 0);
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    assert_int_equal(rig_metric(S2_M_BOUNCED) + rig_metric(S2_M_DROPPED), 3);
    assert_true(rig_metric(S2_M_DROPPED) >= 2);
    assert_errors("1", 0);
    assert_errors("2", 0);
    assert_non_null(strstr(xmb_fakehost_log(), "neither delivered nor answered"));
}

static void no_way_back_is_counted(void **state)
{
    (void)state;
    put("1");
    rig_open_error = XMB_ELIMIT;
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    assert_int_equal(rig_metric(S2_M_DROPPED), 1); /* the error itself */
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

static void both_ways_fail_without_end(void **state)
{
    (void)state;
    put("1");
    assert_int_equal(rig_put(OUT, "message", NULL, "2", 0), 0);
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_fail(back(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    if (out() != NULL)
        rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_advance(10000);
    if (out() != NULL)
        rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_advance(10000);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 2);
    assert_int_equal(rig_metric(S2_M_DROPPED), 2);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(waits_then_flows_in_order),
        ONE(insert_stands_in_the_copy),
        ONE(a_barrier_confirms),
        ONE(another_gateways_ping_is_not_ours),
        ONE(a_barrier_number_of_zero_is_none),
        ONE(stream_management_confirms),
        ONE(tcp_confirms_when_told_so),
        ONE(nothing_confirms_when_told_so),
        ONE(idle_lease_is_closed),
        ONE(no_such_domain_goes_back),
        ONE(invalid_dialback_goes_back),
        ONE(unreachable_goes_back_when_never_reached),
        ONE(unreachable_waits_when_it_flowed_a_while_ago),
        ONE(long_backoff_bounces_at_once),
        ONE(answers_are_dropped_and_counted),
        ONE(no_way_back_is_counted),
        ONE(both_ways_fail_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
