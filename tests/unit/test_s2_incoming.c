/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming.c - incoming streams of the gateway before anything is proved: headers, XML
 * that is refused, and ends (xmpp-s2s.md 2.4 states I0 and I1, 2.8).
 */
#include "s2_in_rig.h"

#include <stdio.h>
#include <stdlib.h>

#define NS                                                                                         \
    " xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"                       \
    " xmlns:db='jabber:server:dialback'"

/* --- I0: headers ----------------------------------------------------------------------------- */

static void header_and_features_in_one_write(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *text;

    (void)state;
    rig_header(c, "b.test", "a.test");
    text = rig_said(c);
    assert_non_null(strstr(text, "<?xml version='1.0'?><stream:stream xmlns='jabber:server'"));
    assert_non_null(strstr(text, " from='a.test' to='b.test' id='"));
    assert_non_null(strstr(text, " version='1.0'"));
    assert_non_null(strstr(text, "<stream:features>"));
    assert_non_null(strstr(text, "<dialback xmlns='urn:xmpp:features:dialback'><errors/>"));
    assert_non_null(strstr(text, "<max-bytes>262144</max-bytes><idle-seconds>600<"));
    assert_null(strstr(text, "starttls")); /* no-tls */
    assert_int_equal(strlen(rig_id()), S2_ID);
    assert_int_equal(rig_metric("streams_in"), 1);
}

static void every_id_is_new(void **state)
{
    char first[64];

    (void)state;
    rig_stream(OUT, "b.test", "a.test");
    snprintf(first, sizeof(first), "%s", rig_id());
    rig_stream(OUT, "b.test", "a.test");
    assert_string_not_equal(first, rig_id());
}

static void names_are_answered_in_wire_form(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_header(c, "B\xc3\xbc" "cher.test", "A.Test.");
    rig_expect(c, " from='a.test' to='b\xc3\xbc" "cher.test' id='");
}

static void wrong_content_namespace(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_feed(c, "<stream:stream xmlns='jabber:client' to='a.test' version='1.0'"
                " xmlns:stream='http://etherx.jabber.org/streams'>");
    rig_expect_error(c, "invalid-namespace");
}

static void component_namespace_is_not_for_servers(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_feed(c, "<stream:stream xmlns='jabber:component:accept' to='a.test'"
                " xmlns:stream='http://etherx.jabber.org/streams'>");
    rig_expect_error(c, "invalid-namespace");
}

static void wrong_stream_namespace(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *text;

    (void)state;
    rig_feed(c, "<s:stream xmlns='jabber:server' xmlns:s='urn:wrong' to='a.test' version='1.0'>");
    text = rig_said(c);
    assert_ptr_equal(strstr(text, "<?xml"), text); /* our own header goes first */
    assert_non_null(strstr(text, "<invalid-namespace "));
    assert_false(rig_is_open(c));
}

static void header_without_to(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *text;

    (void)state;
    rig_header(c, "b.test", NULL);
    text = rig_said(c);
    assert_non_null(strstr(text, "<improper-addressing "));
    assert_non_null(strstr(text, " id='"));
    assert_null(strstr(text, " from='"));
    assert_false(rig_is_open(c));
}

static void header_with_addresses_that_are_no_domains(void **state)
{
    static const char *const bad[][2] = {
        {"b.test", ""}, {"b.test", "a b"}, {"user@b.test", "a.test"}, {"", "a.test"}};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        c = rig_connect(OUT);
        rig_header(c, bad[i][0], bad[i][1]);
        rig_expect_error(c, "improper-addressing");
    }
}

static void to_is_not_served(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_header(c, "b.test", "c.test");
    rig_expect_error(c, "host-unknown");
    c = rig_connect(IN); /* a local domain does not cross the border */
    rig_header(c, "a.test", "rooms.a.test");
    rig_expect_error(c, "host-unknown");
}

static void to_was_served_once(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<local-domain name='old.test'><server address='10.0.0.6'/>"
                                     "</local-domain>");
    rig_stream(OUT, "b.test", "old.test");
    rig_configure(RIG_BASE RIG_PLAIN);
    c = rig_connect(OUT);
    rig_header(c, "b.test", "old.test");
    rig_expect_error(c, "host-gone");
}

static void from_is_of_the_other_side(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_header(c, "rooms.a.test", "a.test");
    rig_expect_error(c, "invalid-from");
    c = rig_connect(IN);
    rig_header(c, "b.test", "c.test");
    rig_expect_error(c, "invalid-from");
    assert_int_equal(rig_metric("spoofed"), 2);
}

static void policy_denies_from(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    rig_header(c, "b.test", "a.test");
    rig_expect_error(c, "policy-violation");
    rig_stream(IN, "a.test", "b.test"); /* inside it is heard: its stanzas go back */
    rig_stream(OUT, NULL, "a.test");    /* and nobody is no one that policy knows */
}

static void policy_denies_from_later(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *header = "<stream:stream" NS " from='b.test' to='a.test' version='1.0'>";

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    xmb_fakehost_late(1);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(header)), 0);
    rig_expect(c, "</stream:features>");
    xmb_fakehost_run();
    rig_expect_error(c, "policy-violation");
    c = rig_connect(OUT); /* gone before the verdict came */
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(header)), 0);
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_run();
}

static void header_without_from(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, NULL, "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test"); /* this supplies the domain */
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "<db:result from='a.test' to='b.test' type='valid'/>");
}

static void a_later_version_is_answered_with_ours(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);

    (void)state;
    rig_feed(c, "<stream:stream" NS " from='b.test' to='a.test' version='2.0'>");
    rig_expect(c, " version='1.0' xml:lang='en'><stream:features>");
    assert_true(rig_is_open(c));
}

static void no_features_for_older_peers(void **state)
{
    struct xmb_conn *c = rig_connect(OUT);
    const char *text;

    (void)state;
    rig_feed(c, "<stream:stream" NS " from='b.test' to='a.test'>");
    text = rig_said(c);
    assert_non_null(strstr(text, " id='"));
    assert_null(strstr(text, "features"));
    assert_null(strstr(strstr(text, "<stream:stream"), "version"));
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
}

/* --- XML that is refused: always a header of ours, the error, the end ------------------------ */

static void xml_faults(void **state)
{
    static const char *const faults[][2] = {
        {"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "not-well-formed"},
        {"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><stream:stream" NS ">",
         "restricted-xml"},
        {"<?xml version='1.0' encoding='latin-1'?><stream:stream" NS ">", "unsupported-encoding"},
        {"<stream:stream" NS " to='a.test' version='1.0'><!-- hello -->", "restricted-xml"},
        {"<stream:stream" NS " to='a.test' version='1.0'><?php ?>", "restricted-xml"},
        {"<stream:stream" NS " to='a.test' version='1.0'><message>&lol;</message>",
         "restricted-xml"},
        {"<stream:stream" NS " to='a.test' version='1.0'><a><b></a>", "not-well-formed"},
        {"<stream:stream" NS " to='a.test' version='1.0'><a>\xff\xfe</a>", "unsupported-encoding"},
        {"<stream:stream" NS " to='a.test' version='1.0'>words", "bad-format"},
        {"<stream:stream" NS " to='a.test' version='1.0'><x><x><x><x><x><x><x><x><x/>",
         "policy-violation"},
    };
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        c = rig_connect(OUT);
        xmb_fakehost_feed(c, xmb_str_n(faults[i][0], i == 1 ? 11 : strlen(faults[i][0])));
        xmb_fakehost_run();
        rig_expect_error(c, faults[i][1]);
        assert_non_null(rig_id());
    }
}

static void a_stanza_over_the_unverified_limit(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    char *text = malloc(20001);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 20000);
    text[20000] = '\0';
    memcpy(text, "<db:result from='b.test' to='a.test'>", 37);
    rig_feed(c, text);
    rig_expect_error(c, "policy-violation");
    free(text);
}

static void unknown_elements_end_the_stream(void **state)
{
    static const char *const elements[] = {
        "<hello xmlns='urn:x'/>", "<stream:features/>",
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        "<enabled xmlns='urn:xmpp:sm:3'/>"};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_feed(c, elements[i]);
        rig_expect_error(c, "unsupported-stanza-type");
        c = rig_verified(OUT, "b.test", "a.test");
        rig_feed(c, elements[i]);
        rig_expect_error(c, "unsupported-stanza-type");
    }
}

static void what_is_known_and_means_nothing_is_ignored(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, " \n<bidi xmlns='urn:xmpp:bidi'/> <a xmlns='urn:xmpp:sm:3' h='3'/>"
                "<r xmlns='urn:xmpp:sm:3'/>");
    assert_string_equal(rig_said(c), "");
    assert_true(rig_is_open(c));
}

/* --- the end --------------------------------------------------------------------------------- */

static void the_peer_ends_in_order(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "</stream:stream>");
    assert_string_equal(rig_said(c), "</stream:stream>");
    assert_false(rig_is_open(c));
    assert_int_equal(rig_metric("streams_in"), 0);
}

static void the_peer_ends_with_an_error(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>bye</text></stream:error>"
                "</stream:stream>");
    assert_string_equal(rig_said(c), "</stream:stream>");
    assert_false(rig_is_open(c));
    assert_non_null(strstr(xmb_fakehost_log(), "system-shutdown: bye"));
}

static void the_operator_clears_it(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    assert_int_equal(s2_in_clear(xmb_fakehost_wself(rig_module), 999), 0);
    assert_int_equal(s2_in_clear(xmb_fakehost_wself(rig_module), s2_fakes.source), 1);
    xmb_fakehost_run();
    assert_string_equal(rig_said(c), "</stream:stream>");
    assert_true(rig_is_open(c));
    /* What it had sent before is taken; what it asks behind our end is not answered. */
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    rig_feed(c, "<db:result from='c.test' to='a.test'>key</db:result>");
    assert_int_equal(s2_fakes.put_count, 1);
    assert_string_equal(rig_said(c), "");
    rig_feed(c, "</stream:stream>");
    assert_false(rig_is_open(c));
}

static void a_peer_that_does_not_end_has_5_s(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    assert_int_equal(s2_in_clear(xmb_fakehost_wself(rig_module), s2_fakes.source), 1);
    xmb_fakehost_advance(4900);
    assert_true(rig_is_open(c));
    xmb_fakehost_advance(200);
    assert_false(rig_is_open(c));
}

static void the_broker_stops(void **state)
{
    struct xmb_conn *silent = rig_connect(OUT), *open = rig_stream(OUT, "b.test", "a.test");
    struct xmb_conn *verified = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    xmb_fakehost_drain(rig_module, 5000);
    xmb_fakehost_run();
    rig_expect_error(silent, "system-shutdown");
    rig_expect_error(open, "system-shutdown");
    rig_feed(verified, "<iq type='result' id='bar1' from='b.test' to='a.test'/>");
    rig_expect_not(verified, "system-shutdown"); /* answers to barriers come in here */
    xmb_fakehost_advance(600);
    rig_expect(verified, "<system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
    assert_true(rig_is_open(verified)); /* until it has answered the end */
    rig_feed(verified, "</stream:stream>");
    assert_false(rig_is_open(verified));
}

static void the_broker_stops_and_flows_are_not_empty(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");
    struct s2_worker *w = xmb_fakehost_wself(rig_module);

    (void)state;
    s2_tally_add(&w->module->tally[0].taken, 1);
    xmb_fakehost_drain(rig_module, 10000);
    xmb_fakehost_advance(7000);
    rig_expect_not(c, "system-shutdown");
    xmb_fakehost_advance(1000); /* three quarters of the time are the most */
    rig_expect(c, "system-shutdown");
    assert_true(rig_is_open(c));
    xmb_fakehost_advance(1500); /* and it is gone before the time is up */
    assert_false(rig_is_open(c));
}

static void the_host_ends_with_all_kinds_open(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_OPTIONAL);
    rig_connect(OUT);
    rig_connect(DIRECT);
    c = rig_stream(OUT, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    c = rig_verified(IN, "a.test", "b.test");
    rig_feed(c, "<message from='a.test'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(header_and_features_in_one_write),
        TEST(every_id_is_new),
        TEST(names_are_answered_in_wire_form),
        TEST(wrong_content_namespace),
        TEST(component_namespace_is_not_for_servers),
        TEST(wrong_stream_namespace),
        TEST(header_without_to),
        TEST(header_with_addresses_that_are_no_domains),
        TEST(to_is_not_served),
        TEST(to_was_served_once),
        TEST(from_is_of_the_other_side),
        TEST(policy_denies_from),
        TEST(policy_denies_from_later),
        TEST(header_without_from),
        TEST(a_later_version_is_answered_with_ours),
        TEST(no_features_for_older_peers),
        TEST(xml_faults),
        TEST(a_stanza_over_the_unverified_limit),
        TEST(unknown_elements_end_the_stream),
        TEST(what_is_known_and_means_nothing_is_ignored),
        TEST(the_peer_ends_in_order),
        TEST(the_peer_ends_with_an_error),
        TEST(the_operator_clears_it),
        TEST(a_peer_that_does_not_end_has_5_s),
        TEST(the_broker_stops),
        TEST(the_broker_stops_and_flows_are_not_empty),
        TEST(the_host_ends_with_all_kinds_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
