/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_auth.c - how we prove who we are on a stream that we open (xmpp-s2s.md 2.3, O5 to
 * O7): SASL EXTERNAL and dialback.
 */
#include "s2_link_user.h"

#include <stdio.h>
#include <string.h>

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
    rig_secured(c, "tls2");
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
    rig_secured(c, "tls");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
