/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link.c - negotiation of a stream that we open, row by row of the event table
 * (xmpp-s2s.md 2.3, O3 to O7): header, features, STARTTLS and direct TLS in each mode,
 * certificates, SASL EXTERNAL, dialback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "s2_link_rig.h"

static struct rig_user u;

static int begin(void **state)
{
    (void)state;
    rig_open();
    memset(&u, 0, sizeof(u));
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

static void mode(enum s2_mode m)
{
    rig.conf.security[S2_OUTSIDE].mode = m;
    if (m == S2_NO_TLS)
        rig.conf.security[S2_OUTSIDE].tls = NULL;
}

/* A lease a.test -> b.test whose only target has been connected. */
static struct xmb_conn *connected(void)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    return rig_connect(0);
}

/* The same with a second target behind it. */
static struct xmb_conn *connected_of_two(void)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route_priority(1);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    return rig_connect(0);
}

static void next_target_follows(void)
{
    assert_int_equal(u.failed, 0);
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_dial(0)->address.ip[3], 2);
}

static void failed_with(enum s2_failure_kind kind, enum s2_condition condition)
{
    assert_int_equal(u.ready, 0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, kind);
    assert_int_equal(u.condition, condition);
    assert_true(u.text[0] != '\0');
}

static void heard(struct xmb_conn *c, const char *part)
{
    const char *text = rig_heard(c);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void say_result(struct xmb_conn *c, const char *from, const char *to, const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:result from='%s' to='%s' type='%s'/>", from, to, type);
    rig_say(c, text);
}

/* --- O3: header ------------------------------------------------------------------------------ */

static void first_words(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    assert_string_equal(
        rig_heard(c),
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
        "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
        "from='a.test' to='b.test' version='1.0' xml:lang='en'>");
}

static void header_and_features_in_one_read(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_heard(c);
    rig_say(c, "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
               "xmlns:stream='http://etherx.jabber.org/streams' from='b.test' id='x' version='1.0'>"
               "<stream:features>" RIG_OFFER_REQUIRED "</stream:features>");
    assert_string_equal(rig_heard(c), RIG_STARTTLS);
}

static void octet_by_octet(void **state)
{
    static const char text[] =
        "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='b.test' id='x' version='1.0'>"
        "<stream:features>" RIG_OFFER_REQUIRED "</stream:features>";
    struct xmb_conn *c = connected();
    char one[2] = "";
    size_t i;

    (void)state;
    rig_heard(c);
    for (i = 0; i < sizeof(text) - 1; i++) {
        one[0] = text[i];
        rig_say(c, one);
    }
    assert_string_equal(rig_heard(c), RIG_STARTTLS);
}

static void old_peer_and_tls_required(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_say(c, "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
               "xmlns:stream='http://etherx.jabber.org/streams' id='x'>");
    heard(c, "<policy-violation");
    failed_with(S2_FAIL_TLS, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void old_peer_gets_dialback_at_once(void **state)
{
    struct xmb_conn *c;
    char want[256];

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = connected();
    rig_heard(c);
    rig_say(c, "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
               "xmlns:stream='http://etherx.jabber.org/streams' id='x'>");
    snprintf(want, sizeof(want), "<db:result from='a.test' to='b.test'>%s</db:result>",
             rig_key(S2_OUTSIDE, "b.test", "a.test", "x"));
    assert_string_equal(rig_heard(c), want);
}

static void old_peer_without_dialback(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_NO_TLS);
    c = connected();
    rig_say(c, "<stream:stream xmlns='jabber:server' "
               "xmlns:stream='http://etherx.jabber.org/streams' id='x'>");
    heard(c, "<undefined-condition");
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void header_is_refused(const char *header, const char *error)
{
    struct xmb_conn *c = connected_of_two();

    rig_say(c, header);
    heard(c, error);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

static void header_without_id(void **state)
{
    (void)state;
    header_is_refused("<stream:stream xmlns='jabber:server' version='1.0' "
                      "xmlns:stream='http://etherx.jabber.org/streams'>",
                      "<undefined-condition");
}

static void header_with_a_space_in_its_id(void **state)
{
    (void)state;
    header_is_refused("<stream:stream xmlns='jabber:server' version='1.0' id='a b' "
                      "xmlns:stream='http://etherx.jabber.org/streams'>",
                      "<undefined-condition");
}

static void header_of_version_2(void **state)
{
    (void)state;
    header_is_refused("<stream:stream xmlns='jabber:server' version='2.0' id='x' "
                      "xmlns:stream='http://etherx.jabber.org/streams'>",
                      "<unsupported-version");
}

static void header_of_another_namespace(void **state)
{
    (void)state;
    header_is_refused("<stream:stream xmlns='jabber:server' version='1.0' id='x' "
                      "xmlns:stream='http://example.org/'>",
                      "<invalid-namespace");
}

static void header_of_a_component(void **state)
{
    (void)state;
    header_is_refused("<stream:stream xmlns='jabber:component:accept' version='1.0' id='x' "
                      "xmlns:stream='http://etherx.jabber.org/streams'>",
                      "<invalid-namespace");
}

static void no_xml_at_all(void **state)
{
    (void)state;
    header_is_refused("HTTP/1.1 400 Bad Request\r\n\r\n", "<stream:error>");
}

static void silence(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    xmb_fakehost_advance(30000);
    heard(c, "<connection-timeout");
    next_target_follows();
}

static void connection_lost_in_negotiation(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    xmb_fakehost_hangup(c, "reset by peer");
    xmb_fakehost_advance(0);
    next_target_follows();
}

static void peer_ends_the_stream_in_negotiation(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "x");
    rig_say(c, "</stream:stream>");
    heard(c, "</stream:stream>");
    next_target_follows();
}

static void stream_error(struct xmb_conn *c, const char *condition)
{
    char text[256];

    snprintf(text, sizeof(text),
             "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
             "</stream:stream>", condition);
    rig_say(c, text);
}

static void host_unknown_goes_before_other_reasons(void **state)
{
    struct xmb_conn *c = connected_of_two();

    (void)state;
    rig_header(c, "x");
    stream_error(c, "host-unknown");
    next_target_follows();
    rig_refuse(0);
    failed_with(S2_FAIL_UNKNOWN_HOST, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void other_stream_error(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_header(c, "x");
    stream_error(c, "policy-violation");
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_non_null(strstr(u.text, "policy-violation"));
}

static void negotiations_have_a_bound(void **state)
{
    unsigned i, n = 0;
    char at[32];
    struct xmb_conn *c;

    (void)state;
    for (i = 1; i <= 20; i++) {
        snprintf(at, sizeof(at), "192.0.2.%u", i);
        rig_route("b.test", at, 5269, 0);
    }
    rig_lease(&u, "a.test", "b.test");
    while (rig_dialling() > 0 && n < 100) {
        c = rig_connect(0);
        xmb_fakehost_hangup(c, "closed by peer");
        xmb_fakehost_advance(0);
        n++;
    }
    assert_int_equal(n, LINK_NEGOTIATIONS_MAX);
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
}

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

static void handshake_fails_in_optional(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    rig.tls_hangs = 1;
    c = connected_of_two();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    xmb_fakehost_hangup(c, "TLS: handshake failure");
    xmb_fakehost_advance(0);
    plain_connection_follows(c);
}

static void plain_is_tried_once_only(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    rig.tls_hangs = 1;
    c = connected_of_two();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    xmb_fakehost_hangup(c, "TLS: handshake failure");
    xmb_fakehost_advance(0);
    c = rig_connect(0);
    rig_header(c, "again");
    rig_features(c, RIG_OFFER_REQUIRED);
    next_target_follows();
}

static void handshake_hangs(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig.tls_hangs = 1;
    c = connected_of_two();
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
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

static struct xmb_conn *secured(void)
{
    struct xmb_conn *c = connected_of_two();

    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_heard(c);
    rig_say(c, RIG_PROCEED);
    return c;
}

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

/* --- SASL EXTERNAL --------------------------------------------------------------------------- */

static struct xmb_conn *offered_external(void)
{
    struct xmb_conn *c = secured();

    rig_header(c, "tls");
    rig_heard(c);
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    return c;
}

static void external_success(void **state)
{
    struct xmb_conn *c = offered_external();

    (void)state;
    assert_string_equal(rig_heard(c), "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                                      "mechanism='EXTERNAL'>YS50ZXN0</auth>");
    rig_say(c, RIG_SUCCESS);
    heard(c, "<?xml version='1.0'?><stream:stream");
    assert_int_equal(u.ready, 0);
    rig_header(c, "sasl");
    rig_features(c, "");
    assert_int_equal(u.ready, 1);
    assert_string_equal(rig_heard(c), "");
}

static void external_refused_then_dialback_on_the_same_stream(void **state)
{
    struct xmb_conn *c = offered_external();
    char want[256];

    (void)state;
    rig_heard(c);
    rig_say(c, RIG_FAILURE);
    snprintf(want, sizeof(want), "<db:result from='a.test' to='b.test'>%s</db:result>",
             rig_key(S2_OUTSIDE, "b.test", "a.test", "tls"));
    assert_string_equal(rig_heard(c), want);
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
}

static void external_ends_the_stream(void **state)
{
    struct xmb_conn *c = offered_external();

    (void)state;
    stream_error(c, "unsupported-stanza-type");
    assert_int_equal(u.failed, 0);
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_dial(0)->address.ip[3], 1);
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "tls2");
    rig_heard(c);
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    heard(c, "<db:result");
}

static void external_only_and_refused(void **state)
{
    struct xmb_conn *c = secured();

    (void)state;
    rig_say(c, "<stream:stream xmlns='jabber:server' from='b.test' id='x' version='1.0' "
               "xmlns:stream='http://etherx.jabber.org/streams'>");
    rig_features(c, RIG_EXTERNAL);
    rig_say(c, RIG_FAILURE);
    next_target_follows();
    rig_refuse(0);
    failed_with(S2_FAIL_DIALBACK, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void external_not_wanted(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig.conf.security[S2_OUTSIDE].external = 0;
    c = offered_external();
    heard(c, "<db:result");
}

static void external_is_never_sent_in_plain(void **state)
{
    struct xmb_conn *c;

    (void)state;
    mode(S2_TLS_OPTIONAL);
    c = connected();
    rig_header(c, "x");
    rig_heard(c);
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    heard(c, "<db:result");
}

static void external_hangs(void **state)
{
    struct xmb_conn *c = offered_external();

    (void)state;
    xmb_fakehost_advance(30000);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

/* --- O6, O7: dialback ------------------------------------------------------------------------ */

static void features_without_dialback_and_a_header_with_it(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "tls");
    rig_heard(c);
    rig_features(c, "");
    heard(c, "<db:result");
}

static struct xmb_conn *asked(void)
{
    struct xmb_conn *c = connected();

    rig_negotiate(c, "id1");
    rig_heard(c);
    return c;
}

static void result_with_id_and_key_as_prosody_sends_it(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<db:result type='valid' id='id1' to='A.test' from='B.test'>0123</db:result>");
    assert_int_equal(u.ready, 1);
}

static void result_invalid(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    say_result(c, "b.test", "a.test", "invalid");
    failed_with(S2_FAIL_REFUSED, S2_C_INTERNAL_SERVER_ERROR);
    assert_non_null(xmb_fakehost_closed(c));
    heard(c, "</stream:stream>");
}

static void result_error(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<db:result from='b.test' to='a.test' type='error'><error type='cancel'>"
               "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>");
    failed_with(S2_FAIL_DIALBACK, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_non_null(strstr(u.text, "item-not-found"));
    assert_non_null(xmb_fakehost_closed(c));
}

static void result_does_not_come(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    xmb_fakehost_advance(29999);
    assert_int_equal(u.failed, 0);
    xmb_fakehost_advance(1);
    failed_with(S2_FAIL_DIALBACK, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_non_null(xmb_fakehost_closed(c));
}

static void results_that_were_not_asked_for(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    say_result(c, "a.test", "b.test", "valid");
    say_result(c, "evil.test", "a.test", "valid");
    say_result(c, "b.test", "c.test", "valid");
    rig_say(c, "<db:result from='b.test' to='a.test'>abcdef</db:result>");
    rig_say(c, "<db:result type='valid'/>");
    assert_int_equal(u.ready + u.failed, 0);
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
    say_result(c, "b.test", "a.test", "invalid");
    assert_int_equal(u.ended, 0);
}

static void host_unknown_after_the_question(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    stream_error(c, "host-unknown");
    failed_with(S2_FAIL_UNKNOWN_HOST, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void stream_ends_after_the_question(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "</stream:stream>");
    failed_with(S2_FAIL_DIALBACK, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void connection_ends_after_the_question(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    xmb_fakehost_hangup(c, "closed by peer");
    failed_with(S2_FAIL_DIALBACK, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig.w->links->count, 0);
}

static void stanza_before_anything_is_verified(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<message from='x@b.test' to='y@a.test'><body>hi</body></message>");
    heard(c, "<not-authorized");
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void unknown_elements_are_ignored(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<strange xmlns='urn:example'/>");
    say_result(c, "b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
}

static void endless_feature(void **state)
{
    struct xmb_conn *c = connected_of_two();
    char text[12000];

    (void)state;
    rig_header(c, "plain");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    rig_say(c, "<stream:features><y xmlns='");
    rig_say(c, text);
    assert_non_null(xmb_fakehost_closed(c));
    next_target_follows();
}

/* --- see-other-host -------------------------------------------------------------------------- */

static void other_host(struct xmb_conn *c, const char *host)
{
    char text[256];

    snprintf(text, sizeof(text),
             "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>%s"
             "</see-other-host></stream:error></stream:stream>", host);
    rig_say(c, text);
}

static void see_other_host_after_tls_is_followed_once(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_negotiate(c, "id1");
    other_host(c, "198.51.100.7:5299");
    assert_int_equal(u.failed, 0);
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_dial(0)->address.ip[3], 7);
    assert_int_equal(rig_dial(0)->address.port, 5299);
    c = rig_connect(0);
    rig_negotiate(c, "id2");
    other_host(c, "198.51.100.8");
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(u.failed, 1);
}

static void see_other_host_in_plain_is_not_followed(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_header(c, "plain");
    other_host(c, "198.51.100.7");
    failed_with(S2_FAIL_STREAM, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig_dialling(), 0);
}

static void see_other_host_that_is_none(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    rig_negotiate(c, "id1");
    other_host(c, "not a host!:99999");
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(u.failed, 1);
}

/* --- who uses it goes ------------------------------------------------------------------------ */

static void closed_in_each_state(void **state)
{
    static const char *const steps[] = {NULL, RIG_OFFER, RIG_PROCEED, RIG_EXTERNAL RIG_DIALBACK};
    struct xmb_conn *c;
    size_t at;

    (void)state;
    for (at = 0; at < 5; at++) {
        c = connected();
        if (at > 0)
            rig_header(c, "plain");
        if (at > 1)
            rig_features(c, steps[1]);
        if (at > 2)
            rig_say(c, steps[2]);
        if (at > 3) {
            rig_header(c, "tls");
            rig_features(c, steps[3]);
        }
        s2_lease_close(u.lease);
        xmb_fakehost_advance(0);
        assert_non_null(xmb_fakehost_closed(c));
        assert_int_equal(u.ready + u.failed + u.ended, 0);
        assert_int_equal(rig.w->links->count, 0);
        xmb_fakehost_forget(c);
        u = (struct rig_user){0};
    }
}

static void gauge_of_streams(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    assert_int_equal(rig.w->cells[S2_M_STREAMS_OUT], 1);
    xmb_fakehost_hangup(c, "gone");
    assert_int_equal(rig.w->cells[S2_M_STREAMS_OUT], 0);
    assert_int_equal(rig.w->cells[S2_M_DIALS], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_words),
        TEST(header_and_features_in_one_read),
        TEST(octet_by_octet),
        TEST(old_peer_and_tls_required),
        TEST(old_peer_gets_dialback_at_once),
        TEST(old_peer_without_dialback),
        TEST(header_without_id),
        TEST(header_with_a_space_in_its_id),
        TEST(header_of_version_2),
        TEST(header_of_another_namespace),
        TEST(header_of_a_component),
        TEST(no_xml_at_all),
        TEST(silence),
        TEST(connection_lost_in_negotiation),
        TEST(peer_ends_the_stream_in_negotiation),
        TEST(host_unknown_goes_before_other_reasons),
        TEST(other_stream_error),
        TEST(negotiations_have_a_bound),
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
        TEST(external_success),
        TEST(external_refused_then_dialback_on_the_same_stream),
        TEST(external_ends_the_stream),
        TEST(external_only_and_refused),
        TEST(external_not_wanted),
        TEST(external_is_never_sent_in_plain),
        TEST(external_hangs),
        TEST(features_without_dialback_and_a_header_with_it),
        TEST(result_with_id_and_key_as_prosody_sends_it),
        TEST(result_invalid),
        TEST(result_error),
        TEST(result_does_not_come),
        TEST(results_that_were_not_asked_for),
        TEST(host_unknown_after_the_question),
        TEST(stream_ends_after_the_question),
        TEST(connection_ends_after_the_question),
        TEST(stanza_before_anything_is_verified),
        TEST(unknown_elements_are_ignored),
        TEST(endless_feature),
        TEST(see_other_host_after_tls_is_followed_once),
        TEST(see_other_host_in_plain_is_not_followed),
        TEST(see_other_host_that_is_none),
        TEST(closed_in_each_state),
        TEST(gauge_of_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
