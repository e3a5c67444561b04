/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link.c - a stream that we open, row by row of the event table (xmpp-s2s.md 2.3, O3): the
 * peer's header, errors and ends in negotiation, see-other-host, and users that go meanwhile.
 */
#include "s2_link_user.h"

#include <stdio.h>
#include <string.h>

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
        TEST(see_other_host_after_tls_is_followed_once),
        TEST(see_other_host_in_plain_is_not_followed),
        TEST(see_other_host_that_is_none),
        TEST(closed_in_each_state),
        TEST(gauge_of_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
