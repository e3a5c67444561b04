/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming_stanza.c - stanzas on incoming streams of the gateway (xmpp-s2s.md 2.4 state
 * I4, 3.2 rules G1 and G12), XEP-0198, back pressure, and what a change of the configuration
 * does to open streams (R74, 6.4).
 */
#include "s2_in_rig.h"
#include "show.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE "<message from='x@b.test/r' to='y@a.test'><body>hello</body></message>"

/*
 * --- I3, I4
 * -----------------------------------------------------------------------------------
 */

static void before_any_pair(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    rig_feed(c, MESSAGE);
    rig_expect_error(c, "not-authorized");
    assert_int_equal(s2_fakes.put_count, 0);
}

static void a_verified_pair(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, MESSAGE "<presence from='b.test' to='a.test'/>");
    assert_int_equal(s2_fakes.put_count, 2);
    assert_string_equal(s2_fakes.puts[0].raw, MESSAGE);
    assert_string_equal(s2_fakes.puts[0].from.text, "b.test");
    assert_string_equal(s2_fakes.puts[0].to.text, "a.test");
    assert_int_equal(s2_fakes.puts[0].side, S2_INSIDE); /* where the receiver lives */
    assert_string_equal(s2_fakes.puts[1].raw, "<presence from='b.test' to='a.test'/>");
    assert_int_equal(s2_fakes.flushes, 1); /* once for the segment */
    assert_int_equal(rig_metric("stanzas_in"), 2);
    assert_int_equal(rig_metric("stanza_bytes_in"), strlen(MESSAGE) + 37);
    c = rig_verified(IN, "a.test", "b.test");
    rig_feed(c, "<message from='y@a.test' to='x@b.test'/>");
    assert_int_equal(s2_fakes.puts[2].side, S2_OUTSIDE);
}

static void pairs_are_told_apart(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    static const char *const froms[] = {"b.test", "b.test", "B.Test", "c.test", "b.test", "c.test"};
    static const char *const tos[] = {"a.test",       "rooms.a.test", "a.TEST.",
                                      "rooms.a.test", "a.test",       "rooms.a.test"};
    char text[200];
    unsigned i;

    (void)state;
    rig_result(c, "b.test", "rooms.a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_result(c, "c.test", "rooms.a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    for (i = 0; i < 6; i++) {
        snprintf(text, sizeof(text), "<message from='x@%s' to='y@%s/r'/>", froms[i], tos[i]);
        rig_feed(c, text);
        assert_int_equal(s2_fakes.put_count, i + 1);
        assert_string_equal(s2_fakes.puts[i].from.text, i == 2 ? "b.test" : froms[i]);
        assert_string_equal(s2_fakes.puts[i].to.text, i == 2 ? "a.test" : tos[i]);
    }
}

static void without_addresses(void **state)
{
    static const char *const bad[] = {"<message from='x@b.test'/>", "<message to='y@a.test'/>",
                                      "<iq type='get' id='1'/>",
                                      "<message from='' to='y@a.test'/>"};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        c = rig_verified(OUT, "b.test", "a.test");
        rig_feed(c, bad[i]);
        rig_expect_error(c, "improper-addressing");
    }
    assert_int_equal(s2_fakes.put_count, 0);
}

static void refused(const char *stanza, const char *condition)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    unsigned before = s2_fakes.put_count;

    rig_feed(c, MESSAGE);
    rig_feed(c, stanza);
    rig_expect_error(c, condition);
    assert_int_equal(s2_fakes.put_count, before + 1);
}

static void from_is_not_verified(void **state)
{
    (void)state;
    refused("<message from='x@c.test' to='y@a.test'/>", "invalid-from");
    refused("<message from='x@sub.b.test' to='y@a.test'/>", "invalid-from");
    refused("<message from='x@b.test.evil' to='y@a.test'/>", "invalid-from");
    refused("<message from='x@b.tes' to='y@a.test'/>", "invalid-from");
    refused("<message from='b.test@c.test/b.test' to='y@a.test'/>", "invalid-from");
    refused("<message from='x@..' to='y@a.test'/>", "invalid-from");
    assert_int_equal(rig_metric("spoofed"), 0);
}

static void from_is_of_the_other_side(void **state)
{
    struct xmb_conn *c;

    (void)state;
    refused("<message from='x@rooms.a.test' to='y@a.test'/>", "invalid-from");
    refused("<message from='x@a.test' to='y@a.test'/>", "invalid-from");
    c = rig_verified(IN, "a.test", "b.test");
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    rig_expect_error(c, "invalid-from");
    assert_int_equal(rig_metric("spoofed"), 3);
    c = rig_stream(OUT, "b.test", "a.test"); /* also before anything is verified */
    rig_feed(c, "<message from='x@rooms.a.test' to='y@a.test'/>");
    rig_expect_error(c, "not-authorized");
    assert_int_equal(rig_metric("spoofed"), 4);
}

static void to_is_not_served(void **state)
{
    struct xmb_conn *c;

    (void)state;
    refused("<message from='x@b.test' to='y@c.test'/>", "host-unknown");
    refused("<message from='x@b.test' to='y@..'/>", "host-unknown");
    c = rig_verified(IN, "a.test", "b.test");
    rig_feed(c, "<message from='x@a.test' to='y@rooms.a.test'/>");
    rig_expect_error(c, "host-unknown");
}

static void to_is_served_and_the_pair_not_verified(void **state)
{
    struct xmb_conn *c;

    (void)state;
    refused("<message from='x@b.test' to='y@rooms.a.test'/>", "invalid-from");
    c = rig_verified(OUT, "b.test", "a.test");
    rig_result(c, "b.test", "rooms.a.test"); /* pending is not verified */
    rig_feed(c, "<message from='x@b.test' to='y@rooms.a.test'/>");
    rig_expect_error(c, "invalid-from");
}

static void malformed_addresses(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<message from='x@b.test' to='a b@a.test'/>");
    assert_int_equal(s2_fakes.bounce_count, 1);
    assert_int_equal(s2_fakes.bounces[0].condition, S2_C_JID_MALFORMED);
    assert_string_equal(s2_fakes.bounces[0].to.text, "a.test");
    rig_feed(c, "<message from='a b@b.test' to='y@a.test'/>"); /* nobody to answer */
    assert_int_equal(s2_fakes.bounce_count, 1);
    assert_int_equal(rig_metric("dropped"), 1);
    rig_feed(c, MESSAGE);
    assert_int_equal(s2_fakes.put_count, 1);
    assert_true(rig_is_open(c));
}

static void no_room(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    s2_fakes.put_result = XMB_ELIMIT;
    rig_feed(c, MESSAGE);
    assert_int_equal(s2_fakes.bounce_count, 1);
    assert_int_equal(s2_fakes.bounces[0].condition, S2_C_RESOURCE_CONSTRAINT);
    assert_string_equal(s2_fakes.bounces[0].raw, MESSAGE);
    assert_true(rig_is_open(c));
}

static void answers_to_barriers_are_consumed(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    s2_fakes.barrier_id = "bar1";
    rig_feed(c, "<iq type='result' id='bar1' from='b.test' to='a.test'/>");
    rig_feed(c, "<iq type='error' id='bar1' from='b.test' to='a.test'/>");
    assert_int_equal(s2_fakes.put_count, 0);
    rig_feed(c, "<iq type='get' id='bar1' from='b.test' to='a.test'/>");
    rig_feed(c, "<iq type='result' id='bar2' from='b.test' to='a.test'/>");
    rig_feed(c, "<iq type='result' id='bar1' from='b.test' to='y@a.test'/>"); /* a user's */
    rig_feed(c, "<message type='error' id='bar1' from='b.test' to='a.test'/>");
    assert_int_equal(s2_fakes.put_count, 4);
}

static void limits_are_wider_when_verified(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    char *text = malloc(300001);
    int n;

    (void)state;
    assert_non_null(text);
    n = snprintf(text, 300001, "<message from='x@b.test' to='y@a.test'><body>%0200000d", 7);
    strcpy(text + n, "</body></message>");
    rig_feed(c, text);
    assert_int_equal(s2_fakes.put_count, 1);
    n = snprintf(text, 300001, "<message from='x@b.test' to='y@a.test'><body>%0299000d", 7);
    rig_feed(c, text);
    rig_expect_error(c, "policy-violation");
    free(text);
}

static void sixty_thousand_levels(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    char *text = malloc(60000 * 3 + 100);
    size_t n, i;

    (void)state;
    assert_non_null(text);
    n = (size_t)sprintf(text, "<message from='x@b.test' to='y@a.test'>");
    for (i = 0; i < 60000; i++, n += 3)
        memcpy(text + n, "<a>", 3);
    text[n] = '\0';
    rig_feed(c, text);
    rig_expect_error(c, "policy-violation");
    free(text);
}

/*
 * --- back pressure
 * ----------------------------------------------------------------------------
 */

static void a_full_flow_stops_reading(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    struct s2_worker *w = xmb_fakehost_wself(rig_module);

    (void)state;
    s2_fakes.put_result = 1;
    rig_feed(c, MESSAGE);
    assert_int_equal(xmb_fakehost_paused(c), 1);
    rig_feed(c, MESSAGE);
    assert_int_equal(s2_fakes.put_count, 1);
    xmb_fakehost_advance(1200000); /* its silence is our doing */
    assert_true(rig_is_open(c));
    s2_fakes.put_result = 0;
    s2_in_resume(w, s2_fakes.source);
    xmb_fakehost_run();
    assert_int_equal(s2_fakes.put_count, 2);
    assert_int_equal(xmb_fakehost_paused(c), 0);
    s2_in_resume(w, s2_fakes.source); /* one more is fine */
    s2_in_resume(w, 4711);
    xmb_fakehost_hangup(c, "gone");
    s2_in_resume(w, s2_fakes.source);
}

/*
 * --- XEP-0198
 * ---------------------------------------------------------------------------------
 */

static void acknowledgements(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<enable xmlns='urn:xmpp:sm:3'/>");
    rig_expect(c, "<failed xmlns='urn:xmpp:sm:3'><unexpected-request ");
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_feed(c, MESSAGE "<r xmlns='urn:xmpp:sm:3'/>");
    rig_expect_not(c, "<a "); /* it is not on */
    rig_feed(c, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    rig_expect(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    s2_fakes.barrier_id = "bar1";
    rig_feed(c, MESSAGE MESSAGE "<iq type='result' id='bar1' from='b.test' to='a.test'/>");
    s2_fakes.put_result = XMB_ENOMEM;
    rig_feed(c, MESSAGE "<r xmlns='urn:xmpp:sm:3'/>");
    rig_expect(c, "<a xmlns='urn:xmpp:sm:3' h='4'/>"); /* a bounced one is taken, too */
    rig_feed(c, "<enable xmlns='urn:xmpp:sm:3'/>");
    rig_expect(c, "<failed ");
    rig_feed(c, "</stream:stream>");
    rig_expect(c, "<a xmlns='urn:xmpp:sm:3' h='4'/></stream:stream>");
}

/* What is not acknowledged when the stream ends is returned by the peer: it must not go on, too. */
static void the_last_acknowledgement(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<enable xmlns='urn:xmpp:sm:3'/>" MESSAGE);
    assert_int_equal(s2_in_clear(xmb_fakehost_wself(rig_module), s2_fakes.source), 1);
    rig_expect(c, "<a xmlns='urn:xmpp:sm:3' h='1'/></stream:stream>");
    rig_feed(c, MESSAGE);
    assert_int_equal(rig_metric("stanzas_in"), 1);
    rig_feed(c, "</stream:stream>");
    assert_false(rig_is_open(c));
    c = rig_verified(OUT, "b.test", "a.test");
    rig_feed(c, "<enable xmlns='urn:xmpp:sm:3'/>" MESSAGE "<!-- -->");
    rig_expect(c, "<a xmlns='urn:xmpp:sm:3' h='1'/><stream:error><restricted-xml ");
}

/*
 * --- changes
 * ----------------------------------------------------------------------------------
 */

static void recheck(void)
{
    s2_in_recheck(xmb_fakehost_wself(rig_module));
    xmb_fakehost_run();
}

static void a_pair_is_denied_afterwards(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    struct xmb_conn *inside = rig_verified(IN, "a.test", "b.test");

    (void)state;
    recheck();
    assert_true(rig_is_open(c));
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    recheck();
    rig_expect_error(c, "policy-violation");
    rig_feed(inside, "<message from='x@a.test' to='y@b.test'/>");
    assert_int_equal(s2_fakes.bounces[0].condition, S2_C_NOT_ALLOWED);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmb_fakehost_late(1);
    recheck();
    rig_feed(inside, "<message from='x@a.test' to='y@b.test'/>");
    assert_int_equal(s2_fakes.put_count, 1);
}

static void a_pair_is_denied_afterwards_and_late(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    xmb_fakehost_late(1);
    recheck();
    rig_expect_error(c, "policy-violation");
}

static void a_pending_pair_is_denied(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    recheck();
    rig_expect_error(c, "policy-violation");
    assert_int_equal(s2_fake_waiting(), 0);
}

static void a_local_domain_goes(void **state)
{
    struct xmb_conn *only, *both, *asker, *inside;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<local-domain name='old.test'><server address='10.0.0.6'/>"
                                     "</local-domain>");
    only = rig_verified(OUT, "b.test", "old.test");
    asker = rig_stream(OUT, "b.test", "old.test");
    inside = rig_verified(IN, "old.test", "b.test");
    both = rig_verified(OUT, "b.test", "a.test");
    rig_result(both, "b.test", "old.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_said(both);
    rig_configure(RIG_BASE RIG_PLAIN);
    xmb_fakehost_run();
    rig_expect_error(only, "host-gone");
    rig_expect_error(asker, "host-gone");
    rig_expect_error(inside, "host-gone");
    rig_expect(both, "<db:result from='old.test' to='b.test' type='error'>"
                     "<error type='cancel'><item-not-found ");
    rig_feed(both, "<message from='x@b.test' to='y@old.test'/>"); /* it may be under way */
    assert_int_equal(s2_fakes.bounce_count, 1);
    rig_feed(both, MESSAGE);
    assert_int_equal(s2_fakes.put_count, 1);
    assert_true(rig_is_open(both));
}

static void a_revoked_pair_comes_back(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<local-domain name='old.test'><server address='10.0.0.6'/>"
                                     "</local-domain>");
    c = rig_verified(OUT, "b.test", "old.test");
    rig_result(c, "b.test", "a.test"); /* pending */
    rig_configure(RIG_BASE RIG_PLAIN);
    rig_expect(c, "<item-not-found ");
    assert_true(rig_is_open(c));
    rig_configure(RIG_BASE RIG_PLAIN "<local-domain name='old.test'><server address='10.0.0.6'/>"
                                     "</local-domain>");
    rig_result(c, "b.test", "old.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "<db:result from='old.test' to='b.test' type='valid'/>");
    rig_feed(c, "<message from='x@b.test' to='y@old.test'/>");
    assert_int_equal(s2_fakes.put_count, 1);
    assert_int_equal(s2_fake_waiting(), 1);
}

static void without_any_pair_left_the_limit_runs_again(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<local-domain name='old.test'><server address='10.0.0.6'/>"
                                     "</local-domain>");
    c = rig_verified(OUT, "b.test", "old.test");
    rig_result(c, "b.test", "a.test");
    rig_configure(RIG_BASE RIG_PLAIN);
    rig_said(c);
    xmb_fakehost_advance(31000);
    rig_expect_error(c, "connection-timeout");
}

static void federation_is_switched_off(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test"), *silent = rig_connect(OUT);

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<federation use='no'/>");
    xmb_fakehost_run();
    rig_expect_error(c, "policy-violation");
    rig_expect_error(silent, "policy-violation");
}

static void tls_becomes_required(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_OPTIONAL);
    c = rig_verified(OUT, "b.test", "a.test");
    rig_configure(RIG_BASE RIG_REQUIRED);
    xmb_fakehost_run();
    rig_expect_error(c, "policy-violation");
}

static void limits_change_under_open_streams(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits depth='8'/>");
    rig_feed(c, MESSAGE);
    assert_int_equal(s2_fakes.put_count, 1);
    rig_feed(c, "<message from='x@b.test' to='y@a.test'><a><a><a><a><a><a><a><a>");
    rig_expect_error(c, "policy-violation");
}

/*
 * --- show
 * -------------------------------------------------------------------------------------
 */

static struct s2_connection seen;
static struct s2_pair_facts seen_pairs[4];
static unsigned seen_count;

static void on_connection(void *arg, const struct s2_connection *c)
{
    size_t i;

    (void)arg;
    seen = *c;
    for (i = 0; i < c->pair_count && i < 4; i++)
        seen_pairs[i] = c->pairs[i];
    seen_count++;
}

static void what_is_shown(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "c.test", "rooms.a.test");
    rig_feed(c, MESSAGE);
    seen_count = 0;
    s2_in_walk(xmb_fakehost_wself(rig_module), on_connection, NULL);
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen.id, s2_fakes.source);
    assert_int_equal(seen.direction, XMB_INCOMING);
    assert_int_equal(seen.side, S2_OUTSIDE);
    assert_string_equal(seen.state, "verified");
    assert_string_equal(seen.verified_by, "dialback");
    assert_int_equal(seen.stanzas_in, 1);
    assert_int_equal(seen.pair_count, 2);
    assert_string_equal(seen_pairs[0].local.text, "a.test");
    assert_string_equal(seen_pairs[0].remote.text, "b.test");
    assert_string_equal(seen_pairs[0].state, "verified");
    assert_string_equal(seen_pairs[1].local.text, "rooms.a.test");
    assert_string_equal(seen_pairs[1].state, "pending");
    assert_null(seen_pairs[1].verified_by);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_any_pair),
        TEST(a_verified_pair),
        TEST(pairs_are_told_apart),
        TEST(without_addresses),
        TEST(from_is_not_verified),
        TEST(from_is_of_the_other_side),
        TEST(to_is_not_served),
        TEST(to_is_served_and_the_pair_not_verified),
        TEST(malformed_addresses),
        TEST(no_room),
        TEST(answers_to_barriers_are_consumed),
        TEST(limits_are_wider_when_verified),
        TEST(sixty_thousand_levels),
        TEST(a_full_flow_stops_reading),
        TEST(acknowledgements),
        TEST(the_last_acknowledgement),
        TEST(a_pair_is_denied_afterwards),
        TEST(a_pair_is_denied_afterwards_and_late),
        TEST(a_pending_pair_is_denied),
        TEST(a_local_domain_goes),
        TEST(a_revoked_pair_comes_back),
        TEST(without_any_pair_left_the_limit_runs_again),
        TEST(federation_is_switched_off),
        TEST(tls_becomes_required),
        TEST(limits_change_under_open_streams),
        TEST(what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
