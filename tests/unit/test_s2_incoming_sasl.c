/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming_sasl.c - incoming streams of the gateway and SASL EXTERNAL (XEP-0178).
 */
#include "s2_in_rig.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define AUTH "<auth " SASL " mechanism='EXTERNAL'>"
#define B_TEST "Yi50ZXN0" /* base64 of b.test */

/* --- SASL EXTERNAL --------------------------------------------------------------------------- */

static void external_is_offered_where_it_can_succeed(void **state)
{
    static const char *const offer = "<mechanism>EXTERNAL</mechanism>";
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    rig_expect(rig_secure_stream(OUT, "b.test", "a.test"), offer);
    rig_expect_not(rig_secure_stream(OUT, "c.test", "a.test"), offer);
    rig_expect_not(rig_secure_stream(OUT, NULL, "a.test"), offer);
    c = rig_stream(IN, "a.test", "b.test"); /* inside it is off by default */
    rig_secure(c, "a.test", "b.test");
    rig_expect_not(c, offer);
    rig_certificate(XMB_CERT_UNKNOWN_CA, "b.test", NULL);
    rig_expect_not(rig_secure_stream(OUT, "b.test", "a.test"), offer);
    rig_configure(RIG_BASE RIG_DIRECT "<security mode='tls-required' authentication='dialback'/>");
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    rig_expect_not(rig_secure_stream(OUT, "b.test", "a.test"), offer);
}

static struct xmb_conn *authenticated(const char *auth)
{
    struct xmb_conn *c;

    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_said(c);
    rig_feed(c, auth);
    assert_string_equal(rig_said(c), "<success " SASL "/>");
    return c;
}

static void external_succeeds(void **state)
{
    static const char *const ways[] = {AUTH B_TEST "</auth>", AUTH "=</auth>", AUTH "</auth>"};
    struct xmb_conn *c;
    const char *text;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        c = authenticated(ways[i]);
        rig_header(c, "b.test", "a.test");
        text = rig_said(c);
        assert_non_null(strstr(text, "<sm xmlns='urn:xmpp:sm:3'/>"));
        assert_null(strstr(text, "EXTERNAL"));
        rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
        assert_int_equal(s2_fakes.put_count, i + 1);
    }
    assert_int_equal(s2_fakes.ask_count, 0);
    assert_int_equal(rig_metric("external"), 3);
    /* Other pairs are proved by dialback on the same stream. */
    rig_result(c, "b.test", "rooms.a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
    rig_feed(c, "<message from='x@b.test' to='y@c.test'/>");
    rig_expect_error(c, "host-unknown");
}

static void external_proves_one_pair(void **state)
{
    struct xmb_conn *c = authenticated(AUTH B_TEST "</auth>");

    (void)state;
    rig_header(c, "b.test", "a.test");
    rig_feed(c, "<message from='x@b.test' to='y@rooms.a.test'/>");
    rig_expect_error(c, "invalid-from");
}

static void external_needs_its_header_in_time(void **state)
{
    struct xmb_conn *c = authenticated(AUTH B_TEST "</auth>");

    (void)state;
    xmb_fakehost_advance(31000);
    rig_expect_error(c, "connection-timeout");
}

static void header_after_external_in_the_same_segment(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_said(c);
    rig_feed(c, AUTH B_TEST "</auth><stream:stream xmlns='jabber:server' from='b.test' to='a.test'"
                            " xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
    rig_expect(c, "<success " SASL "/><?xml version='1.0'?><stream:stream");
}

static void external_fails_and_dialback_follows(void **state)
{
    static const char *const ways[][2] = {
        {AUTH "Yy50ZXN0</auth>", "<not-authorized/>"},                /* c.test: not in it */
        {AUTH "%%%%</auth>", "<incorrect-encoding/>"},
        {AUTH "Yi50ZXN</auth>", "<incorrect-encoding/>"},
        {AUTH "dXNlckBiLnRlc3Q=</auth>", "<invalid-authzid/>"},       /* user@b.test */
        {"<auth " SASL " mechanism='PLAIN'>AGEAYg==</auth>", "<invalid-mechanism/>"},
    };
    struct xmb_conn *c;
    size_t i;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", "a.test");
    c = rig_secure_stream(OUT, "b.test", "a.test");
    for (i = 0; i < 5; i++) {
        rig_said(c);
        rig_feed(c, ways[i][0]);
        rig_expect(c, ways[i][1]);
        assert_true(rig_is_open(c));
    }
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
}

static void external_cannot_spoof(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", "rooms.a.test");
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_said(c);
    rig_feed(c, AUTH "cm9vbXMuYS50ZXN0</auth>"); /* rooms.a.test, from outside */
    rig_expect(c, "<invalid-authzid/>");
    assert_int_equal(rig_metric("spoofed"), 1);
    assert_int_equal(s2_fakes.paths_open, 0);
}

static void sasl_without_tls_and_without_end(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    int i;

    (void)state;
    rig_feed(c, AUTH B_TEST "</auth>");
    rig_expect(c, "<encryption-required/>");
    rig_feed(c, "<abort " SASL "/>");
    rig_expect(c, "<aborted/>");
    rig_feed(c, "<response " SASL "/>");
    rig_expect(c, "<malformed-request/>");
    for (i = 0; i < 3 && rig_is_open(c); i++)
        rig_feed(c, AUTH "</auth>");
    rig_expect_error(c, "policy-violation");
}

static void external_is_switched_off(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_DIRECT "<security mode='tls-required' authentication='dialback'/>");
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_feed(c, AUTH B_TEST "</auth>");
    rig_expect(c, "<invalid-mechanism/>"); /* R25 */
}

static void auth_on_a_verified_stream(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_feed(c, AUTH B_TEST "</auth>");
    rig_expect_error(c, "policy-violation");
}

static void policy_answers_external_later(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmb_fakehost_late(1);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_said(c);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(AUTH B_TEST "</auth>")), 0);
    assert_string_equal(rig_said(c), "");
    assert_int_equal(xmb_fakehost_paused(c), 1);
    xmb_fakehost_run();
    assert_string_equal(rig_said(c), "<success " SASL "/>");
    assert_int_equal(xmb_fakehost_paused(c), 0);
    rig_header(c, "b.test", "a.test");
    rig_expect(c, "</stream:features>");
}

/* The question about the first header still waits when the second one comes. */
static void policy_is_late_for_two_headers(void **state)
{
    static const char *const again =
        "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
        " from='b.test' to='a.test' version='1.0'>";
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_connect(DIRECT);
    xmb_fakehost_run();
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    xmb_fakehost_late(1);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(again)), 0);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmb_fakehost_late(0);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(AUTH B_TEST "</auth>")), 0);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmb_fakehost_late(1);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(again)), 0);
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_run();
}

static void policy_denies_external_later(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_said(c);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    xmb_fakehost_late(1);
    rig_feed(c, AUTH B_TEST "</auth>");
    rig_expect(c, "<not-authorized/>");
    assert_int_equal(xmb_fakehost_paused(c), 0);
    assert_true(rig_is_open(c));
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(AUTH B_TEST "</auth>")), 0);
    xmb_fakehost_hangup(c, "gone"); /* before the verdict */
    xmb_fakehost_run();
}

static void external_replaces_a_dialback_that_had_begun(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    rig_result(c, "b.test", "rooms.a.test");
    assert_int_equal(s2_fake_waiting(), 2);
    rig_feed(c, AUTH B_TEST "</auth>");
    rig_expect(c, "<success");
    assert_int_equal(s2_fake_waiting(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin_required, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(external_is_offered_where_it_can_succeed),
        TEST(external_succeeds),
        TEST(external_proves_one_pair),
        TEST(external_needs_its_header_in_time),
        TEST(header_after_external_in_the_same_segment),
        TEST(external_fails_and_dialback_follows),
        TEST(external_cannot_spoof),
        TEST(sasl_without_tls_and_without_end),
        TEST(external_is_switched_off),
        TEST(auth_on_a_verified_stream),
        TEST(policy_answers_external_later),
        TEST(policy_is_late_for_two_headers),
        TEST(policy_denies_external_later),
        TEST(external_replaces_a_dialback_that_had_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
