/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming_tls.c - incoming streams of the gateway and TLS: STARTTLS in each mode,
 * injection, direct TLS, certificates (xmpp-s2s.md 2.4 states I1 and I2, 5.2).
 */
#include "s2_in_rig.h"

#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

static int begin_optional(void **state)
{
    if (rig_begin(state) != 0)
        return -1;
    rig_configure(RIG_BASE RIG_OPTIONAL);
    return 0;
}

/* --- I1: before TLS -------------------------------------------------------------------------- */

static void required_is_said_and_nothing_else(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_header(c, "b.test", "a.test");
    rig_expect(c, "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
                  "<required/></starttls></stream:features>");
}

static void optional_offers_both(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *text;

    (void)state;
    rig_header(c, "b.test", "a.test");
    text = rig_said(c);
    assert_non_null(strstr(text, STARTTLS "<dialback"));
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
}

static void starttls_begins_anew(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    struct xmb_tls_setup setup = {.size = sizeof(setup)};
    char before[64];
    const char *text;

    (void)state;
    strcpy(before, rig_id());
    rig_feed(c, STARTTLS);
    assert_string_equal(rig_said(c), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    assert_int_equal(xmb_fakehost_secured(c, &setup), 1);
    assert_string_equal(setup.profile, "o");
    assert_string_equal(setup.name, "a.test"); /* which certificate: by the header's `to` (G3) */
    rig_header(c, "b.test", "a.test");
    text = rig_said(c);
    assert_non_null(strstr(text, "<dialback"));
    assert_null(strstr(text, "starttls"));
    assert_null(strstr(text, "EXTERNAL")); /* no certificate */
    assert_string_not_equal(before, rig_id());
}

static void a_domain_may_have_its_own_profile(void **state)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup)};
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_REQUIRED "<local-domain name='own.test' tls='p'>"
                                        "<server address='10.0.0.7'/></local-domain>");
    c = rig_stream(OUT, "b.test", "own.test");
    rig_secure(c, "b.test", "own.test");
    assert_int_equal(xmb_fakehost_secured(c, &setup), 1);
    assert_string_equal(setup.profile, "p");
}

/* Whatever stands behind starttls was meant to be taken for encrypted (2.9). */
static void plain_octets_behind_starttls(void **state)
{
    static const char *const behind[] = {
        STARTTLS " ", STARTTLS "<",
        STARTTLS "<stream:stream xmlns='jabber:server'"
                 " xmlns:stream='http://etherx.jabber.org/streams' to='a.test' version='1.0'>"
                 "<db:result xmlns:db='jabber:server:dialback' from='b.test' to='a.test'>"
                 "key</db:result>"};
    struct xmb_tls_setup setup = {.size = sizeof(setup)};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_feed(c, behind[i]);
        rig_expect_error(c, "policy-violation");
        assert_int_equal(xmb_fakehost_secured(c, &setup), 0);
        assert_int_equal(s2_fakes.ask_count, 0);
    }
}

static void what_was_begun_in_plain_is_forgotten(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    assert_int_equal(s2_fake_waiting(), 1);
    rig_secure(c, "b.test", "a.test");
    assert_int_equal(s2_fake_waiting(), 0);
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    rig_expect_error(c, "not-authorized");
}

static void no_certificate_for_to(void **state)
{
    struct xmb_conn *c = rig_stream(IN, "a.test", "b.test");

    (void)state;
    rig_feed(c, STARTTLS); /* inside no-tls */
    assert_string_equal(rig_said(c), "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
                                     "</stream:stream>");
    assert_false(rig_is_open(c));
}

static int begin_inside_plain(void **state)
{
    if (rig_begin(state) != 0)
        return -1;
    rig_configure(RIG_BASE RIG_MODES("mode='tls-required'", "mode='no-tls'"));
    return 0;
}

static void dialback_in_plain_is_refused(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    const char *text;

    (void)state;
    rig_result(c, "b.test", "a.test");
    text = rig_said(c);
    assert_non_null(strstr(text, "<db:result from='a.test' to='b.test' type='error'>"
                                 "<error type='modify'><policy-violation "));
    assert_non_null(strstr(text, "<stream:error><policy-violation "));
    assert_false(rig_is_open(c));
    assert_int_equal(s2_fakes.ask_count, 0);
    c = rig_stream(OUT, "b.test", "a.test");
    rig_feed(c, "<db:verify from='b.test' to='a.test' id='1'>key</db:verify>");
    text = rig_said(c);
    assert_non_null(strstr(text, "<db:verify from='a.test' to='b.test' id='1' type='error'>"));
    assert_non_null(strstr(text, "<stream:error><policy-violation "));
    assert_false(rig_is_open(c));
}

static void a_stanza_in_plain(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    rig_expect_error(c, "not-authorized");
}

/* --- I2: after TLS --------------------------------------------------------------------------- */

static void names_must_be_the_same(void **state)
{
    static const char *const other[][2] = {
        {"c.test", "a.test"}, {"b.test", "rooms.a.test"}, {NULL, "a.test"}};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_feed(c, STARTTLS);
        rig_expect(c, "<proceed");
        rig_header(c, other[i][0], other[i][1]);
        rig_expect_error(c, "improper-addressing");
    }
    c = rig_stream(OUT, NULL, "a.test"); /* to name oneself only in secret is fine */
    rig_secure(c, "b.test", "a.test");
    rig_expect(c, "</stream:features>");
}

static void a_second_starttls(void **state)
{
    struct xmb_conn *c = rig_secure_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, STARTTLS);
    rig_expect(c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    assert_false(rig_is_open(c));
}

static void a_handshake_that_never_ends(void **state)
{
    struct xmb_conn *c = rig_connect(DIRECT);

    (void)state;
    xmb_fakehost_run();
    c = rig_stream(OUT, "b.test", "a.test");
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(STARTTLS)), 0);
    xmb_fakehost_hangup(c, "TLS handshake failed"); /* `secured` does not come */
    xmb_fakehost_run();
}

static void direct_tls(void **state)
{
    struct xmb_conn *c = rig_connect(DIRECT);
    struct xmb_tls_setup setup = {.size = sizeof(setup)};
    const char *text;

    (void)state;
    assert_int_equal(xmb_fakehost_secured(c, &setup), 1);
    assert_string_equal(setup.profile, "o");
    assert_null(setup.name); /* SNI tells */
    xmb_fakehost_run();
    assert_string_equal(rig_said(c), "");
    rig_header(c, "b.test", "a.test");
    text = rig_said(c);
    assert_non_null(strstr(text, "<dialback"));
    assert_null(strstr(text, "starttls"));
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
}

static void direct_tls_still_has_a_limit(void **state)
{
    struct xmb_conn *c = rig_connect(DIRECT);

    (void)state;
    xmb_fakehost_advance(31000);
    rig_expect_error(c, "connection-timeout");
}

static void xml_faults_behind_tls_have_a_header_too(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    const char *text;

    (void)state;
    rig_feed(c, STARTTLS);
    rig_expect(c, "<proceed");
    rig_feed(c, "<stream:stream xmlns='jabber:client' to='a.test'>");
    text = rig_said(c);
    assert_ptr_equal(strstr(text, "<?xml"), text);
    assert_non_null(strstr(text, "<stream:error>"));
    assert_false(rig_is_open(c));
}

/* --- 5.2: certificates, when a pair is asked for --------------------------------------------- */

static void ask_for_pair(struct xmb_conn *c, const char *expected)
{
    unsigned before = s2_fakes.ask_count;

    rig_said(c);
    rig_result(c, "b.test", "a.test");
    if (expected != NULL) {
        rig_expect(c, expected);
        assert_int_equal(s2_fakes.ask_count, before);
        assert_true(rig_is_open(c)); /* 2.5: the stream stays */
    } else {
        assert_int_equal(s2_fakes.ask_count, before + 1);
    }
}

#define NOT_AUTHORIZED "type='error'><error type='auth'><not-authorized "

static void without_r26_names_are_checked_all_the_same(void **state)
{
    (void)state;
    rig_certificate(XMB_CERT_SELF_SIGNED, "b.test", NULL);
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NULL);
    rig_certificate(XMB_CERT_SELF_SIGNED, "c.test", "*.b.test");
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NOT_AUTHORIZED);
    xmb_fakehost_tls_peer(NULL, NULL); /* none is shown */
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NULL);
}

static void none_at_all_can_be_refused(void **state)
{
    (void)state;
    rig_configure(RIG_BASE RIG_DIRECT
                  "<security mode='tls-required' accept-no-certificate='no'/>");
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NOT_AUTHORIZED);
}

static void with_r26_the_chain_must_be_good(void **state)
{
    static const uint32_t faults[] = {XMB_CERT_UNKNOWN_CA, XMB_CERT_SELF_SIGNED, XMB_CERT_EXPIRED,
                                      XMB_CERT_NOT_YET_VALID, XMB_CERT_REVOKED, XMB_CERT_BROKEN};
    size_t i;

    (void)state;
    rig_configure(RIG_BASE RIG_DIRECT
                  "<security mode='tls-required' require-client-certificates='yes'/>"
                  "<limits unverified-streams='32'/>");
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        rig_certificate(faults[i], "b.test", NULL);
        ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NOT_AUTHORIZED);
    }
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NULL);
    rig_certificate(XMB_CERT_GOOD, "c.test", NULL);
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NOT_AUTHORIZED);
    xmb_fakehost_tls_peer(NULL, NULL);
    ask_for_pair(rig_secure_stream(OUT, "b.test", "a.test"), NOT_AUTHORIZED);
}

/* What is asked for from now on is asked of open streams too. */
static void a_certificate_that_is_not_enough_any_more(void **state)
{
    struct xmb_conn *bad, *good, *external;

    (void)state;
    rig_configure(RIG_BASE RIG_REQUIRED);
    rig_certificate(XMB_CERT_REVOKED, "b.test", NULL);
    bad = rig_secure_stream(OUT, "b.test", "a.test");
    rig_result(bad, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    good = rig_secure_stream(OUT, "b.test", "a.test");
    rig_result(good, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    external = rig_secure_stream(OUT, "b.test", "a.test");
    rig_feed(external,
             "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
    rig_header(external, "b.test", "a.test");
    rig_configure(RIG_BASE RIG_DIRECT
                  "<security mode='tls-required' require-client-certificates='yes'/>");
    xmb_fakehost_run();
    rig_expect_error(bad, "reset");
    assert_true(rig_is_open(good));
    assert_true(rig_is_open(external));
    rig_configure(RIG_BASE RIG_DIRECT "<security mode='tls-required' authentication='dialback'/>");
    xmb_fakehost_run();
    assert_true(rig_is_open(good));
    rig_expect_error(external, "reset");
}

static struct xmb_conn *by_dialback(void)
{
    struct xmb_conn *c = rig_secure_stream(OUT, "b.test", "a.test");

    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    return c;
}

static struct xmb_conn *by_external(void)
{
    struct xmb_conn *c = rig_secure_stream(OUT, "b.test", "a.test");

    rig_feed(c, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>");
    rig_header(c, "b.test", "a.test");
    return c;
}

static void judged_again(struct xmb_conn *c, uint32_t fault, const char *name)
{
    struct xmb_cert_name names[] = {{sizeof(names[0]), XMB_CERT_DNS, xmb_str(name)}};
    struct xmb_tls_peer peer = {
        .size = sizeof(peer), .fault = fault, .names = names, .name_count = 1};

    peer.why = fault != XMB_CERT_GOOD ? "its issuer has revoked it" : NULL;
    xmb_fakehost_tls_rechecked(c, &peer);
}

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

static void tls_changed(void)
{
    xmpp_s2s_LTX_xmb_plugin.protocol->tls_changed(xmb_fakehost_wself(rig_module));
    xmb_fakehost_run();
}

/* A reload brought a revocation list, or took a CA away. What dialback has proved stands. */
static void a_certificate_is_revoked(void **state)
{
    struct xmb_conn *dialback, *external, *other;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    dialback = by_dialback();
    external = by_external();
    other = by_external();
    judged_again(dialback, XMB_CERT_REVOKED, "b.test");
    judged_again(external, XMB_CERT_REVOKED, "b.test");
    judged_again(other, XMB_CERT_GOOD, "b.test");
    tls_changed();
    assert_true(rig_is_open(dialback));
    assert_true(rig_is_open(other));
    rig_expect_error(external, "reset");
}

/* Where certificates are required dialback is not enough either. */
static void a_required_certificate_is_revoked(void **state)
{
    struct xmb_conn *dialback, *pending;

    (void)state;
    rig_configure(RIG_BASE RIG_REQUIRED);
    rig_configure(RIG_BASE RIG_DIRECT
                  "<security mode='tls-required' require-client-certificates='yes'/>");
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    dialback = by_dialback();
    pending = rig_secure_stream(OUT, "b.test", "a.test");
    rig_result(pending, "b.test", "a.test");
    judged_again(dialback, XMB_CERT_UNKNOWN_CA, "b.test");
    judged_again(pending, XMB_CERT_UNKNOWN_CA, "b.test");
    tls_changed();
    rig_expect_error(dialback, "reset");
    rig_expect_error(pending, "reset");
}

static void each_pair_is_checked_for_its_own_name(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_certificate(XMB_CERT_GOOD, "b.test", NULL);
    c = rig_secure_stream(OUT, "b.test", "a.test");
    ask_for_pair(c, NULL);
    rig_result(c, "c.test", "a.test");
    rig_expect(c, NOT_AUTHORIZED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin_required, rig_end)
#define OPTIONAL(name) cmocka_unit_test_setup_teardown(name, begin_optional, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(required_is_said_and_nothing_else),
        OPTIONAL(optional_offers_both),
        TEST(starttls_begins_anew),
        TEST(a_domain_may_have_its_own_profile),
        OPTIONAL(plain_octets_behind_starttls),
        OPTIONAL(what_was_begun_in_plain_is_forgotten),
        cmocka_unit_test_setup_teardown(no_certificate_for_to, begin_inside_plain, rig_end),
        TEST(dialback_in_plain_is_refused),
        TEST(a_stanza_in_plain),
        TEST(names_must_be_the_same),
        TEST(a_second_starttls),
        TEST(a_handshake_that_never_ends),
        TEST(direct_tls),
        TEST(direct_tls_still_has_a_limit),
        TEST(xml_faults_behind_tls_have_a_header_too),
        TEST(without_r26_names_are_checked_all_the_same),
        TEST(none_at_all_can_be_refused),
        TEST(with_r26_the_chain_must_be_good),
        TEST(a_certificate_that_is_not_enough_any_more),
        TEST(a_certificate_is_revoked),
        TEST(a_required_certificate_is_revoked),
        TEST(each_pair_is_checked_for_its_own_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
