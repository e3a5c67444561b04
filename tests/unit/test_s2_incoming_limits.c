/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming_limits.c - how long incoming streams of the gateway may take, and how many
 * there may be (xmpp-s2s.md 2.9).
 */
#include "s2_in_rig.h"

#include <stdio.h>

/* --- time ------------------------------------------------------------------------------------ */

static void not_verified_in_time(void **state)
{
    struct xmb_conn *silent = rig_connect(OUT), *open = rig_stream(OUT, "b.test", "a.test");
    struct xmb_conn *pending = rig_stream(OUT, "b.test", "a.test");
    struct xmb_conn *verified = rig_verified(OUT, "b.test", "a.test");
    const char *text;

    (void)state;
    rig_result(pending, "b.test", "a.test");
    xmb_fakehost_advance(29000);
    assert_true(rig_is_open(silent));
    xmb_fakehost_advance(1100);
    text = rig_said(silent);
    assert_ptr_equal(strstr(text, "<?xml"), text);
    assert_non_null(strstr(text, "<connection-timeout "));
    assert_false(rig_is_open(silent));
    rig_expect_error(open, "connection-timeout");
    rig_expect_error(pending, "connection-timeout");
    assert_int_equal(s2_fake_waiting(), 0);
    assert_true(rig_is_open(verified));
}

static void idle_means_without_a_stanza(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    int i;

    (void)state;
    xmb_fakehost_advance(500000);
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    for (i = 0; i < 59; i++) {
        xmb_fakehost_advance(10000);
        rig_feed(c, " "); /* white space is no stanza */
        assert_true(rig_is_open(c));
    }
    rig_expect_not(c, "</stream:stream>");
    xmb_fakehost_advance(14000);
    rig_expect(c, "</stream:stream>");
    rig_feed(c, "</stream:stream>");
    assert_false(rig_is_open(c));
}

static void white_space_goes_out_on_a_silent_stream(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    xmb_fakehost_advance(9000);
    assert_string_equal(rig_said(c), "");
    xmb_fakehost_advance(3100);
    assert_string_equal(rig_said(c), " ");
}

/* A gateway's question whether somebody is there, and the answer to one of ours. */
static void idle_pings_are_no_stanzas(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    int i;

    (void)state;
    for (i = 0; i < 59; i++) {
        xmb_fakehost_advance(10000);
        rig_feed(c, "<iq type='get' from='b.test' to='a.test' id='xmb.0123456789abcdef00001'/>");
    }
    rig_expect_not(c, "</stream:stream>");
    xmb_fakehost_advance(13000);
    rig_expect(c, "</stream:stream>");
}

static void dead(enum s2_side side, const char *remote, uint64_t since_ms)
{
    struct s2_domain r;

    assert_int_equal(s2_domain_read(xmb_str(remote), &r), 0);
    s2_in_dead(xmb_fakehost_wself(rig_module), side, &r, since_ms);
}

/* It answers no ping on our stream: what it opened ends with that, unless it has spoken since. */
static void streams_of_a_dead_peer_end(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    uint64_t asked_ms = xmb_fakehost_now_ms();

    (void)state;
    xmb_fakehost_advance(5000);
    rig_feed(c, " ");
    dead(S2_OUTSIDE, "b.test", asked_ms);
    dead(S2_INSIDE, "b.test", xmb_fakehost_now_ms() + 1);
    dead(S2_OUTSIDE, "x.test", xmb_fakehost_now_ms() + 1);
    rig_expect_not(c, "</stream:stream>");
    xmb_fakehost_advance(5000);
    dead(S2_OUTSIDE, "b.test", xmb_fakehost_now_ms());
    rig_expect(c, "</stream:stream>");
    xmb_fakehost_advance(6000);
    assert_false(rig_is_open(c));
}

static void half_a_stanza_for_ever(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    int i;

    (void)state;
    for (i = 0; i < 20; i++) { /* many are cut in halves, each is finished */
        rig_feed(c, "<message from='x@b.test' to='y@a.test'>");
        xmb_fakehost_advance(5000);
        rig_feed(c, "</message><message from='x@b.test' to='y@a.test'>");
        xmb_fakehost_advance(5000);
        rig_feed(c, "</message>");
    }
    assert_true(rig_is_open(c));
    rig_feed(c, "<message from='x@b.test' to='y@a.test'><body>");
    for (i = 0; i < 4 && rig_is_open(c); i++) {
        xmb_fakehost_advance(5000);
        rig_feed(c, "x"); /* it goes on, and on */
    }
    assert_true(rig_is_open(c));
    xmb_fakehost_advance(20000);
    rig_expect_error(c, "connection-timeout");
}

static void a_silent_stream_has_no_parser(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    xmb_fakehost_advance(60000);
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    assert_int_equal(s2_fakes.put_count, 1);
    assert_string_equal(s2_fakes.puts[0].raw, "<message from='x@b.test' to='y@a.test'/>");
}

static void a_peer_that_reads_no_answers(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    xmb_fakehost_bound(c, 64);
    rig_result(c, "b.test", "c.test");
    assert_false(rig_is_open(c));
}

/* --- how many -------------------------------------------------------------------------------- */

static void silent_streams_of_one_address_give_way(void **state)
{
    struct xmb_conn *c[20];
    unsigned i, open = 0;

    (void)state;
    for (i = 0; i < 20; i++) {
        c[i] = rig_connect(OUT);
        xmb_fakehost_run();
    }
    for (i = 0; i < 20; i++)
        open += (unsigned)rig_is_open(c[i]);
    assert_int_equal(open, 8);
    assert_true(rig_is_open(c[19]));
    assert_false(rig_is_open(c[0]));
    rig_header(c[19], "b.test", "a.test");
    rig_expect(c[19], "</stream:features>");
}

static void streams_that_speak_do_not_give_way(void **state)
{
    struct xmb_conn *c[8], *more;
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_OPTIONAL);
    for (i = 0; i < 8; i++)
        c[i] = rig_stream(OUT, "b.test", "a.test");
    more = rig_connect(OUT);
    xmb_fakehost_run();
    rig_expect_error(more, "resource-constraint");
    assert_null(rig_connect_from(DIRECT, 1)); /* nothing can be said there in plain */
    assert_non_null(rig_connect_from(OUT, 2)); /* another address */
    for (i = 0; i < 8; i++)
        assert_true(rig_is_open(c[i]));
    rig_result(c[0], "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_stream(OUT, "b.test", "a.test"); /* a verified one does not count */
}

static void inside_an_address_may_open_many(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 50; i++)
        rig_stream(IN, "a.test", "b.test");
    assert_int_equal(rig_metric("streams_in"), 50);
}

static void the_total_leaves_room_for_those_who_speak(void **state)
{
    struct xmb_conn *first, *verified, *c = NULL;
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits streams='16'/>");
    verified = rig_verified(OUT, "b.test", "a.test");
    first = rig_connect_from(OUT, 2);
    for (i = 3; i < 60; i++) {
        c = rig_connect_from(OUT, i);
        xmb_fakehost_run();
        assert_non_null(c);
    }
    assert_false(rig_is_open(first));
    assert_true(rig_is_open(verified));
    assert_true(rig_is_open(c));
    assert_true(rig_metric("streams_in") <= 16);
}

static struct xmb_conn *verified_from(unsigned host)
{
    struct xmb_conn *c = rig_connect_from(OUT, host);

    assert_non_null(c);
    rig_header(c, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
    return c;
}

static void at_the_limit_verified_streams_stay(void **state)
{
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits streams='16'/>");
    for (i = 0; i < 16; i++)
        verified_from(200 + i);
    assert_null(rig_connect_from(OUT, 7));
    assert_int_equal(rig_metric("streams_in"), 16);
    assert_int_equal(rig_metric("streams_refused"), 1);
}

static void near_the_limit_the_stuck_go_first(void **state)
{
    struct xmb_conn *stuck, *fresh;
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits streams='16'/>");
    for (i = 0; i < 13; i++)
        verified_from(200 + i);
    stuck = rig_connect_from(OUT, 100);
    xmb_fakehost_advance(6000);
    fresh = rig_connect_from(OUT, 101);
    xmb_fakehost_run();
    assert_false(rig_is_open(stuck));
    rig_connect_from(OUT, 102);
    xmb_fakehost_run();
    assert_true(rig_is_open(fresh));
}

/* A domain of one's own verifies any number of streams; it does not get all the room there is. */
static void an_address_has_its_share(void **state)
{
    struct xmb_conn *first, *c;
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits streams='160' unverified-streams='2'/>");
    first = verified_from(1);
    for (i = 1; i < 20; i++)
        verified_from(1);
    c = rig_connect_from(OUT, 1);
    rig_expect_error(c, "resource-constraint");
    verified_from(2);
    rig_feed(first, "</stream:stream>");
    assert_false(rig_is_open(first));
    verified_from(1);
    rig_expect_error(rig_connect_from(OUT, 1), "resource-constraint");
}

static void the_inside_leaves_room(void **state)
{
    unsigned i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits streams='16'/>");
    for (i = 0; i < 12; i++)
        rig_verified(IN, "a.test", "b.test");
    assert_null(rig_connect_from(IN, 7));
    for (i = 0; i < 4; i++)
        verified_from(200 + i);
    assert_null(rig_connect_from(OUT, 300));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(not_verified_in_time),
        TEST(idle_means_without_a_stanza),
        TEST(white_space_goes_out_on_a_silent_stream),
        TEST(idle_pings_are_no_stanzas),
        TEST(streams_of_a_dead_peer_end),
        TEST(half_a_stanza_for_ever),
        TEST(a_silent_stream_has_no_parser),
        TEST(a_peer_that_reads_no_answers),
        TEST(silent_streams_of_one_address_give_way),
        TEST(streams_that_speak_do_not_give_way),
        TEST(inside_an_address_may_open_many),
        TEST(the_total_leaves_room_for_those_who_speak),
        TEST(at_the_limit_verified_streams_stay),
        TEST(near_the_limit_the_stuck_go_first),
        TEST(an_address_has_its_share),
        TEST(the_inside_leaves_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
