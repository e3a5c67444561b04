/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_tls.c - TLS on a stream that we open (xmpp-s2s.md 2.3, O4 and O5): STARTTLS and
 * direct TLS in each mode, and certificates.
 */
#include "s2_link_user.h"

#include <stdio.h>
#include <string.h>

/* --- O4, O5: STARTTLS ------------------------------------------------------------------------ */

static void starttls_then_a_new_stream(void **state)
{
    struct xmb_conn *c = connected();
    char want[256];

    (void)state;
    rig_header(c, "plain");
    rig_heard(c);
    rig_features(c, RIG_OFFER);
    assert_string_equal(rig_heard(c), RIG_STARTTLS);
    assert_int_equal(rig.secures, 0);
    rig_say(c, RIG_PROCEED);
    assert_int_equal(rig.secures, 1);
    assert_string_equal(rig.profile, "outside");
    assert_string_equal(rig.name, "b.test");
    assert_string_equal(rig.session, "outside a.test b.test");
    assert_string_equal(rig.own, "a.test");
    assert_string_equal(rig.alpn, "");
    heard(c, "<?xml version='1.0'?><stream:stream");
    rig_header(c, "secret");
    rig_features(c, RIG_DIALBACK);
    snprintf(want, sizeof(want), "<db:result from='a.test' to='b.test'>%s</db:result>",
             rig_key(S2_OUTSIDE, "b.test", "a.test", "secret"));
    assert_string_equal(rig_heard(c), want);
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
}

static void starttls_is_tried_when_it_is_required_and_not_offered(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_header(c, "plain");
    rig_heard(c);
    rig_features(c, RIG_DIALBACK);
    assert_string_equal(rig_heard(c), RIG_STARTTLS);
    stream_error(c, "unsupported-stanza-type");
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void starttls_not_offered_in_optional(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = connected();
    rig_header(c, "plain");
    rig_heard(c);
    rig_features(c, RIG_DIALBACK);
    heard(c, "<db:result");
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
}

static void starttls_offered_in_optional_is_used(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = connected();
    rig_header(c, "plain");
    rig_heard(c);
    rig_features(c, RIG_OFFER RIG_DIALBACK);
    assert_string_equal(rig_heard(c), RIG_STARTTLS);
}

static void starttls_required_in_no_tls(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_NO_TLS);
    c = connected();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER_REQUIRED);
    heard(c, "<unsupported-feature");
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void starttls_offered_in_no_tls_is_not_used(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_NO_TLS);
    c = connected();
    rig_header(c, "plain");
    rig_heard(c);
    rig_features(c, RIG_OFFER);
    heard(c, "<db:result");
}

static void plain_octets_behind_proceed(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED "<stream:stream xmlns='jabber:server' id='evil' version='1.0' "
                           "xmlns:stream='http://etherx.jabber.org/streams'>");
    assert_int_equal(rig.secures, 0);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

static void element_out_of_turn_after_starttls(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 0);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

static void result_before_it_was_asked_for(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "plain");
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 0);
    next_target_follows();
}

static void tls_refused_in_required(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    next_target_follows();
    rig_refuse(0);
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void plain_connection_follows(struct xmb_conn *c)
{
    assert_non_null(xmb_fakehost_closed(c));
    assert_int_equal(u.failed, 0);
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_dial(0)->address.ip[3], 1);
    c = rig_connect(0);
    rig_header(c, "again");
    rig_heard(c);
    rig_features(c, RIG_OFFER RIG_DIALBACK);
    heard(c, "<db:result");
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
}

static void tls_refused_in_optional(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = connected_of_two();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
    plain_connection_follows(c);
}

static struct xmb_conn *handshaking(void)
{
    struct xmb_conn *c = connected_of_two();

    rig.tls_hangs = 1;
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    return c;
}

static struct xmb_conn *handshake_failed(void)
{
    struct xmb_conn *c = handshaking();

    xmb_fakehost_hangup(c, "TLS: handshake failure");
    xmb_fakehost_advance(0);
    return c;
}

static void handshake_fails_in_optional(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = handshake_failed();
    plain_connection_follows(c);
}

static void plain_is_tried_once_only(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    handshake_failed();
    c = rig_connect(0);
    rig_header(c, "again");
    rig_features(c, RIG_OFFER_REQUIRED);
    next_target_follows();
}

static void handshake_hangs(void **state)
{
    struct xmb_conn *c;

    (void)state;
    c = handshaking();
    xmb_fakehost_advance(30000);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

static void no_profile_in_required(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig.conf.security[S2_OUTSIDE].tls = NULL;
    c = connected();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    heard(c, "<policy-violation");
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void secure_refuses_the_profile(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig.secure_rc = XMB_ENOENT;
    c = connected();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void direct_tls(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5270, XMB_ROUTE_TLS | XMB_ROUTE_SECURE);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    assert_int_equal(rig.secures, 1);
    assert_string_equal(rig.alpn, "xmpp-server");
    assert_int_equal(rig.tlsa_count, 1);
    heard(c, "<?xml version='1.0'?><stream:stream");
    rig_header(c, "id");
    rig_features(c, RIG_DIALBACK);
    heard(c, "<db:result");
}

static void direct_tls_never_falls_back_to_plain(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    rig.tls_hangs = 1;
    rig_route("b.test", "192.0.2.1", 5270, XMB_ROUTE_TLS);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    xmb_fakehost_hangup(c, "TLS: handshake failure");
    xmb_fakehost_advance(0);
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

/* --- certificates ---------------------------------------------------------------------------- */

static void certificate_is_refused(void)
{
    struct xmb_conn *c = secured();
    const char *text = rig_heard(c);

    assert_non_null(strstr(text, "<stream:stream"));
    assert_non_null(strstr(text, "<not-authorized"));
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
    rig_refuse(0);
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void certificate_of_another_name(void **state)
{
    (void)state;
    rig.names[0].text = XMB_STR("evil.test");
    certificate_is_refused();
    assert_non_null(strstr(u.text, "evil.test"));
}

static void wrong_certificate_never_leads_to_plain(void **state)
{
    (void)state;
    mode(S2_TLS_OPTIONAL);
    rig.names[0].text = XMB_STR("evil.test");
    certificate_is_refused();
}

static void no_certificate(void **state)
{
    (void)state;
    rig.peer.fault = XMB_CERT_MISSING;
    rig.peer.name_count = 0;
    certificate_is_refused();
}

static void untrusted_certificate_is_refused_when_required(void **state)
{
    (void)state;
    rig.conf.security[S2_OUTSIDE].require_certificates = 1;
    rig.peer.fault = XMB_CERT_SELF_SIGNED;
    rig.peer.why = "self-signed certificate";
    certificate_is_refused();
}

static void untrusted_certificate_with_the_name(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig.peer.fault = XMB_CERT_SELF_SIGNED;
    c = secured();
    heard(c, "<stream:stream");
    assert_null(xmb_fakehost_closed(c));
}

static void dane_mismatch(void **state)
{
    (void)state;
    rig.peer.dane = XMB_DANE_MISMATCH;
    certificate_is_refused();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starttls_then_a_new_stream),
        TEST(starttls_is_tried_when_it_is_required_and_not_offered),
        TEST(starttls_not_offered_in_optional),
        TEST(starttls_offered_in_optional_is_used),
        TEST(starttls_required_in_no_tls),
        TEST(starttls_offered_in_no_tls_is_not_used),
        TEST(plain_octets_behind_proceed),
        TEST(element_out_of_turn_after_starttls),
        TEST(result_before_it_was_asked_for),
        TEST(tls_refused_in_required),
        TEST(tls_refused_in_optional),
        TEST(handshake_fails_in_optional),
        TEST(plain_is_tried_once_only),
        TEST(handshake_hangs),
        TEST(no_profile_in_required),
        TEST(secure_refuses_the_profile),
        TEST(direct_tls),
        TEST(direct_tls_never_falls_back_to_plain),
        TEST(certificate_of_another_name),
        TEST(wrong_certificate_never_leads_to_plain),
        TEST(no_certificate),
        TEST(untrusted_certificate_is_refused_when_required),
        TEST(untrusted_certificate_with_the_name),
        TEST(dane_mismatch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
