/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_idle.c - flows to which nobody writes: a peer that is known to answer is asked, is
 * found when it does not, and is closed as idle all the same.
 */
#include "s2_flow_pair.h"

#include <stdio.h>
#include <string.h>

#define SWEEP_MS 2000

static int open_asking(void **state)
{
    (void)state;
    rig_open(3);
    rig_conf.keepalive_ms = 10000;
    rig_stream_open(IN, 0, S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(OUT, 0, S2_INSIDE, "b.test", "a.test");
    return 0;
}

static const struct rig_sent *last(void)
{
    return &out()->sent[out()->sent_count - 1];
}

static int sent_idle_ping(void)
{
    return last()->is_ping && strncmp(rig_attribute(last()->text, "id"), "xmb.", 4) == 0;
}

static void put_one(const char *id)
{
    put(id);
    rig_advance(20);
}

/* A flow whose peer has answered once. */
static void answered_once(void)
{
    put_one("1");
    rig_ready(out());
    rig_advance(200);
    assert_true(last()->is_ping);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(200);
}

static int nudge(void)
{
    int asked = out()->events->silent(out()->arg, out());

    rig_run();
    return asked;
}

/* Time passes as the sweep of links lets it: what nobody has proved for keepalive_ms is asked. */
static void pass(uint64_t ms, int answers)
{
    uint64_t left_ms;

    for (left_ms = ms; left_ms > 0 && out() != NULL && !out()->killed; left_ms -= SWEEP_MS) {
        rig_advance(SWEEP_MS);
        if (out() == NULL || out()->killed ||
            xmb_fakehost_now_ms() - out()->proved_ms < rig_conf.keepalive_ms)
            continue;
        assert_int_equal(nudge(), 1);
        if (answers)
            rig_read_all(out(), 1);
    }
}

static void who_answers_is_asked(void **state)
{
    size_t sent;

    (void)state;
    answered_once();
    sent = out()->sent_count;
    pass(60000, 1);
    assert_true(sent_idle_ping());
    assert_in_range(out()->sent_count - sent, 4, 6);
    assert_false(out()->killed);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 0);
}

static void who_never_answered_is_not(void **state)
{
    (void)state;
    put_one("1");
    rig_ready(out());
    assert_int_equal(nudge(), 0);
    rig_advance(200);
    rig_read_all(out(), 0);
    assert_int_equal(nudge(), 0);
}

static void nobody_is_when_told_so(void **state)
{
    (void)state;
    answered_once();
    rig_conf.confirm = S2_CONFIRM_TCP;
    assert_int_equal(nudge(), 0);
    rig_conf.confirm = S2_CONFIRM_NONE;
    assert_int_equal(nudge(), 0);
}

/* By its last proof, wherever between two pings it stopped; and every worker is told. */
static void one_that_stands_still_is_found(void **state)
{
    uint64_t proved_ms;

    (void)state;
    answered_once();
    proved_ms = out()->proved_ms;
    pass(60000, 0);
    assert_true(out()->killed);
    assert_in_range(xmb_fakehost_now_ms() - proved_ms, 24900, 25000 + SWEEP_MS);
    rig_run();
    assert_int_equal(rig_dead, 7);
    rig_bury();
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

/* The stanza that comes just before the ping would have been sent has no longer to wait. */
static void a_stanza_does_not_put_it_off(void **state)
{
    uint64_t proved_ms;

    (void)state;
    answered_once();
    proved_ms = out()->proved_ms;
    rig_advance(9500);
    put_one("2");
    while (!out()->killed && xmb_fakehost_now_ms() - proved_ms < 60000)
        rig_advance(100);
    assert_in_range(xmb_fakehost_now_ms() - proved_ms, 24900, 25300);
}

static void an_answer_has_half_of_the_time(void **state)
{
    (void)state;
    answered_once();
    rig_conf.barrier_timeout_ms = 4000;
    rig_advance(10000);
    assert_int_equal(nudge(), 1);
    rig_advance(1800);
    assert_int_equal(nudge(), 1);
    assert_false(out()->killed);
    rig_advance(300);
    assert_int_equal(nudge(), 1);
    assert_true(out()->killed);
}

static void acknowledgements_do_as_well(void **state)
{
    (void)state;
    put_one("1");
    out()->has_sm = 1;
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    assert_int_equal(nudge(), 1);
    assert_int_equal(out()->sm_asked, 1);
    rig_read_all(out(), 1);
    rig_advance(26000);
    assert_false(out()->killed);
    assert_int_equal(nudge(), 1);
    rig_advance(25000);
    assert_int_equal(nudge(), 1);
    assert_true(out()->killed);
}

/* Pings are no activity (R62). */
static void it_is_idle_all_the_same(void **state)
{
    (void)state;
    answered_once();
    pass(598000, 1);
    assert_non_null(out());
    pass(6000, 1);
    assert_null(out());
}

/* --- another gateway's ----------------------------------------------------------------------- */

static void put_probe(char mark, uint32_t type, struct xmb_str raw)
{
    char id[40];
    struct s2_stanza s = {.kind = S2_IQ, .type = type, .raw = raw};

    snprintf(id, sizeof(id), "xmb%c0123456789abcdef00001", mark);
    s.from = XMB_STR("a.test");
    s.to = XMB_STR("b.test");
    s.id = xmb_str(id);
    assert_int_equal(s2_path_put(&rig_stream[IN].path, &s), 0);
    rig_flush();
}

/* Else each barrier would be answered by one, for ever. */
static void its_answer_needs_no_barrier(void **state)
{
    uint64_t barriers;

    (void)state;
    answered_once();
    barriers = rig_metric(S2_M_BARRIERS);
    put_probe('-', S2_TYPE_RESULT, XMB_STR("<iq/>"));
    put_probe('.', S2_TYPE_GET, XMB_STR("<iq/>"));
    rig_advance(3000);
    assert_int_equal(rig_metric(S2_M_BARRIERS), barriers);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 2);
    rig_read_all(out(), 0); /* TCP's word is enough */
    rig_advance(300);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
    put_probe('-', S2_TYPE_RESULT, XMB_STR("<iq/>"));
    put_one("2"); /* what is behind it has its barrier */
    rig_advance(1100);
    assert_int_equal(rig_metric(S2_M_BARRIERS), barriers + 1);
}

static void it_is_no_activity(void **state)
{
    int i;

    (void)state;
    answered_once();
    for (i = 0; i < 59 && out() != NULL; i++) {
        put_probe('.', S2_TYPE_GET, XMB_STR("<iq/>"));
        pass(10000, 1);
    }
    assert_non_null(out());
    pass(14000, 1);
    assert_null(out());
}

#define ASKING(name) cmocka_unit_test_setup_teardown(name, open_asking, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ASKING(who_answers_is_asked),
        ASKING(who_never_answered_is_not),
        ASKING(nobody_is_when_told_so),
        ASKING(one_that_stands_still_is_found),
        ASKING(a_stanza_does_not_put_it_off),
        ASKING(an_answer_has_half_of_the_time),
        ASKING(acknowledgements_do_as_well),
        ASKING(it_is_idle_all_the_same),
        ASKING(its_answer_needs_no_barrier),
        ASKING(it_is_no_activity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
