/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_end.c - flows that drain, that are denied, that are forgotten, and what is shown of
 * them.
 */
#include "s2_flow_pair.h"

#include <string.h>

#include "admit.h"

/* --- the end, and changes -------------------------------------------------------------------- */

static void drain_confirms_then_closes(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(100);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(500);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void drain_takes_nothing_new(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_ready(back());
    s2_flow_drain(&rig_worker[0], 5000);
    put("2");
    assert_errors("2", 1);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-timeout"));
}

static void drain_bounces_the_rest_before_the_end(void **state)
{
    (void)state;
    put("1"); /* its lease never comes */
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_ready(back());
    rig_advance(200);
    rig_read_all(back(), 1);
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(3500);
    assert_errors("1", 0);
    rig_advance(700);
    assert_errors("1", 1);
    rig_advance(100);
    rig_read_all(back(), 1);
    rig_advance(2000);
    assert_null(out());
    assert_null(back());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void drain_bounces_of_both_ways_travel(void **state)
{
    (void)state;
    put("0");
    assert_int_equal(rig_put(OUT, "message", NULL, "0", 0), 0);
    rig_ready(out());
    rig_ready(back());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_read_all(back(), 1);
    put("1");
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(4200);
    assert_errors("1", 1);
    assert_int_equal(rig_written("a.test", "b.test", "9", "error"), 1);
    rig_leave(out(), UINT64_MAX);
    rig_leave(back(), UINT64_MAX);
    out()->acked = out()->left;
    back()->acked = back()->left;
    rig_advance(2000);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void look_at_facts(void *arg, const struct s2_flow_facts *f)
{
    size_t *n = arg;

    if (f->to_side != S2_OUTSIDE)
        return;
    assert_string_equal(f->state, "backoff");
    assert_string_equal(f->last_error, "a test says so");
    assert_true(f->next_try_ms >= xmb_fakehost_now_ms());
    assert_int_equal(f->bounced, 1);
    assert_int_equal(f->waiting, 0);
    ++*n;
}

static void facts_for_show(void **state)
{
    size_t n = 0;

    (void)state;
    put("1");
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    s2_flow_walk(&rig_worker[0], look_at_facts, &n);
    assert_int_equal(n, 1);
}

static void a_request_that_does_not_fit_is_tried_again(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = 1;
    out()->request_error = XMB_EAGAIN;
    rig_ready(out());
    rig_advance(500);
    put("2"); /* is not held up by it */
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
    out()->request_error = 0;
    rig_advance(100);
    assert_int_equal(out()->sm_asked, 1);
}

static void flows_are_forgotten(void **state)
{
    (void)state;
    put("1");
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_ready(back());
    rig_advance(200);
    rig_read_all(back(), 1);
    s2_path_close(&rig_stream[IN].path);
    s2_path_close(&rig_stream[OUT].path);
    assert_int_equal(rig_worker[0].flows->count, 2);
    rig_advance(700000);
    assert_int_equal(rig_worker[0].flows->count, 0);
    assert_null(back());
}

static void what_is_left_at_the_end_is_counted(void **state)
{
    (void)state;
    put("1");
    put("2");
    s2_path_close(&rig_stream[IN].path);
    s2_path_close(&rig_stream[OUT].path);
    s2_flows_fini(&rig_worker[0]);
    assert_int_equal(rig_metric(S2_M_DROPPED), 2);
    assert_int_equal(s2_flows_init(&rig_worker[0]), 0);
}

static void denied_now_goes_back(void **state)
{
    (void)state;
    put("1");
    rig_admission = S2_ADMIT_LATER;
    s2_flow_recheck(&rig_worker[0]);
    rig_admit_late(S2_ADMIT_DENIED);
    assert_null(out());
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, "<not-allowed"));
    put("2");
    assert_errors("2", 1);
    rig_admission = S2_ADMIT_OK;
    s2_flow_recheck(&rig_worker[0]);
    put("3");
    assert_non_null(out());
}

static void denied_closes_when_confirmed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_admission = S2_ADMIT_DENIED;
    s2_flow_recheck(&rig_worker[0]);
    assert_non_null(out());
    rig_leave(out(), UINT64_MAX);
    out()->acked = out()->left;
    rig_advance(1000);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(drain_confirms_then_closes),
        ONE(drain_takes_nothing_new),
        ONE(drain_bounces_the_rest_before_the_end),
        ONE(drain_bounces_of_both_ways_travel),
        ONE(facts_for_show),
        ONE(a_request_that_does_not_fit_is_tried_again),
        ONE(flows_are_forgotten),
        ONE(what_is_left_at_the_end_is_counted),
        ONE(denied_now_goes_back),
        ONE(denied_closes_when_confirmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
