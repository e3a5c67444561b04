/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_lease.c - verified links: stanzas and positions, ends in each way (xmpp-s2s.md
 * 2.3 O8, 6.4), several pairs on one link (2.7), XEP-0198 and XEP-0478, keepalive, reload,
 * show, clear and drain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "s2_link_rig.h"
#include "show.h"

#define LIMITS(max) \
    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>" max "</max-bytes></limits>"

static struct rig_user u, v;
static struct xmb_conn *c;

static int begin(void **state)
{
    (void)state;
    rig_open();
    memset(&u, 0, sizeof(u));
    memset(&v, 0, sizeof(v));
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

static int begin_verified(void **state)
{
    begin(state);
    c = rig_verified(&u, "a.test", "b.test");
    return 0;
}

static void heard(const char *part)
{
    const char *text = rig_heard(c);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void say_result(const char *from, const char *to, const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:result from='%s' to='%s' type='%s'/>", from, to, type);
    rig_say(c, text);
}

static void ended_with(enum s2_failure_kind kind)
{
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.failed, 0);
    assert_int_equal(u.kind, kind);
}

/* --- stanzas --------------------------------------------------------------------------------- */

static void stanzas_and_their_positions(void **state)
{
    uint64_t at = 0;

    (void)state;
    assert_int_equal(rig_send(&u, "<message/>", &at), 0);
    assert_int_equal(at, 10);
    assert_int_equal(rig_send(&u, "<iq/>", &at), 0);
    assert_int_equal(at, 15);
    assert_string_equal(rig_heard(c), "<message/><iq/>");
    assert_int_equal(s2_lease_heard_ms(u.lease), xmb_fakehost_now_ms());
    assert_string_equal(s2_lease_peer(u.lease), "192.0.2.1:5269");
}

static void send_from_within_ready(void **state)
{
    (void)state;
    u.send_when_ready = "<message/>";
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_negotiate(c, "id1");
    rig_heard(c);
    say_result("b.test", "a.test", "valid");
    assert_string_equal(rig_heard(c), "<message/>");
}

static void close_from_within_ready(void **state)
{
    (void)state;
    u.close_when_ready = 1;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_negotiate(c, "id1");
    rig_heard(c);
    say_result("b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
    assert_string_equal(rig_heard(c), "</stream:stream>");
    assert_int_equal(rig.w->links->count, 0);
}

static void send_before_ready(void **state)
{
    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_send(&u, "<message/>", NULL), XMB_ECLOSED);
}

static void full_queue_then_writable(void **state)
{
    (void)state;
    xmb_fakehost_bound(c, 16);
    assert_int_equal(rig_send(&u, "<message/>", NULL), 0);
    assert_int_equal(rig_send(&u, "<presence/>", NULL), XMB_EAGAIN);
    assert_int_equal(u.writable, 0);
    rig_heard(c);
    xmb_fakehost_advance(0);
    assert_int_equal(u.writable, 1);
    assert_int_equal(rig_send(&u, "<presence/>", NULL), 0);
    assert_int_equal(rig_send(&u, "<message to='somebody'/>", NULL), XMB_ETOOBIG);
}

static void limit_of_the_peer(void **state)
{
    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER LIMITS("5"));
    rig_say(c, RIG_PROCEED);
    rig_header(c, "id");
    rig_features(c, RIG_DIALBACK LIMITS("12"));
    say_result("b.test", "a.test", "valid");
    assert_int_equal(rig_send(&u, "<message/>", NULL), 0);
    assert_int_equal(rig_send(&u, "<message to='b'/>", NULL), XMB_ETOOBIG);
}

/* --- acknowledged and left ------------------------------------------------------------------- */

static void acknowledged_by_the_kernel(void **state)
{
    uint64_t one = 0, two = 0;

    (void)state;
    rig_send(&u, "<message/>", &one);
    rig_heard(c); /* to the kernel */
    rig.wire = 1000;
    rig.unacked = 100;
    assert_int_equal(s2_lease_acked(u.lease), 0);
    rig_send(&u, "<presence/>", &two);
    rig_heard(c);
    rig.wire = 1100;
    rig.unacked = 100;
    assert_int_equal(s2_lease_acked(u.lease), one);
    rig.unacked = 99; /* a part of the second */
    assert_int_equal(s2_lease_acked(u.lease), one);
    rig.unacked = 0;
    assert_int_equal(s2_lease_acked(u.lease), two);
}

static void queued_octets_are_not_acknowledged(void **state)
{
    uint64_t one = 0, two = 0;

    (void)state;
    rig_send(&u, "<message/>", &one);
    rig_heard(c);
    rig_send(&u, "<presence/>", &two);
    rig.wire = 1000;
    rig.unacked = 0;
    assert_int_equal(s2_lease_acked(u.lease), one);
}

static void without_a_wire_position(void **state)
{
    uint64_t at = 0;

    (void)state;
    rig_send(&u, "<message/>", &at);
    rig_heard(c);
    rig.unacked = 1;
    assert_int_equal(s2_lease_acked(u.lease), 0);
    rig.unacked = 0;
    assert_int_equal(s2_lease_acked(u.lease), at);
}

static void many_notes_lose_no_truth(void **state)
{
    uint64_t at[100], acked;
    unsigned i, j;

    (void)state;
    for (i = 0; i < 100; i++) {
        rig_send(&u, "<message/>", &at[i]);
        rig_heard(c);
        rig.wire = 1000 + 100 * (uint64_t)i;
        rig.unacked = rig.wire - 500; /* nothing new arrives */
        s2_lease_acked(u.lease);
    }
    for (i = 0; i < 100; i++) {
        rig.unacked = rig.wire - (1000 + 100 * (uint64_t)i);
        acked = s2_lease_acked(u.lease);
        for (j = 0; j < 100 && at[j] <= acked; j++)
            ;
        assert_true(j <= i + 1); /* never more than the peer has */
    }
    assert_int_equal(acked, at[99]);
}

static void ends_tell_what_was_left(void **state)
{
    uint64_t one = 0, two = 0;

    (void)state;
    rig_send(&u, "<message/>", &one);
    rig_heard(c);
    rig.wire = 1000;
    rig.unacked = 0;
    s2_lease_acked(u.lease);
    rig_send(&u, "<presence/>", &two); /* stays in the queue */
    rig.unacked = 0;
    xmb_fakehost_hangup(c, "reset by peer");
    ended_with(S2_FAIL_LOST);
    assert_int_equal(u.left, one);
    assert_int_equal(u.acked, one);
    assert_int_equal(rig.w->links->count, 0);
}

static void ends_tell_what_is_unknown(void **state)
{
    uint64_t one = 0, two = 0;

    (void)state;
    rig_send(&u, "<message/>", &one);
    rig_heard(c);
    rig.wire = 1000;
    rig.unacked = 0;
    s2_lease_acked(u.lease);
    rig_send(&u, "<presence/>", &two);
    rig_heard(c);
    rig.wire = 1100;
    rig.unacked = 100;
    xmb_fakehost_hangup(c, "timed out");
    ended_with(S2_FAIL_LOST);
    assert_int_equal(u.left, two);
    assert_int_equal(u.acked, one);
}

/* --- O8: ends -------------------------------------------------------------------------------- */

static void peer_says_goodbye(void **state)
{
    (void)state;
    rig_say(c, "</stream:stream>");
    heard("</stream:stream>");
    ended_with(S2_FAIL_GOODBYE);
    assert_non_null(xmb_fakehost_closed(c));
}

static void error_ends(const char *condition, enum s2_failure_kind kind)
{
    char text[256];

    snprintf(text, sizeof(text),
             "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
             "</stream:stream>", condition);
    rig_say(c, text);
    heard("</stream:stream>");
    ended_with(kind);
    assert_non_null(strstr(u.text, condition));
}

static void peer_shuts_down(void **state)
{
    (void)state;
    error_ends("system-shutdown", S2_FAIL_GOODBYE);
}

static void peer_wants_a_new_stream(void **state)
{
    (void)state;
    error_ends("reset", S2_FAIL_GOODBYE);
}

static void peer_is_angry(void **state)
{
    (void)state;
    error_ends("policy-violation", S2_FAIL_LOST);
}

static void connection_is_lost(void **state)
{
    (void)state;
    xmb_fakehost_hangup(c, "reset by peer");
    ended_with(S2_FAIL_LOST);
    assert_non_null(strstr(u.text, "reset by peer"));
}

static void send_after_the_end_was_said(void **state)
{
    (void)state;
    xmb_fakehost_feed(c, XMB_STR("</stream:stream>")); /* `closed` is to come */
    assert_int_equal(u.ended, 0);
    assert_int_equal(rig_send(&u, "<message/>", NULL), XMB_ECLOSED);
    ended_with(S2_FAIL_GOODBYE);
}

static void stanza_from_the_peer(void **state)
{
    (void)state;
    rig_say(c, "<message from='x@b.test' to='y@a.test'><body>hi</body></message>");
    heard("<not-authorized");
    ended_with(S2_FAIL_LOST);
}

static void error_stanza_from_the_peer_is_ignored(void **state)
{
    (void)state;
    rig_say(c, "<message type='error' from='b.test' to='y@a.test'><error type='modify'>"
               "<jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    assert_null(xmb_fakehost_closed(c));
    assert_int_equal(u.ended, 0);
}

static void question_from_the_peer_is_ignored(void **state)
{
    (void)state;
    rig_say(c, "<db:verify from='b.test' to='a.test' id='x'>abc</db:verify>");
    rig_say(c, "<db:verify from='b.test' to='a.test' id='x' type='valid'/>");
    rig_say(c, "<db:result from='b.test' to='a.test'>abc</db:result>");
    assert_string_equal(rig_heard(c), "");
    assert_null(xmb_fakehost_closed(c));
}

static void broken_xml_after_verified(void **state)
{
    (void)state;
    rig_say(c, "<a></b>");
    heard("<not-well-formed");
    ended_with(S2_FAIL_LOST);
}

static void closed_by_its_user(void **state)
{
    (void)state;
    s2_lease_close(u.lease);
    assert_null(xmb_fakehost_closed(c));
    xmb_fakehost_advance(0);
    assert_string_equal(rig_heard(c), "</stream:stream>");
    assert_int_equal(u.ended + u.failed, 0);
    assert_int_equal(rig.w->links->count, 0);
}

static void closed_and_opened_again_at_once(void **state)
{
    (void)state;
    s2_lease_close(u.lease);
    rig_lease(&v, "a.test", "b.test");
    assert_null(xmb_fakehost_closed(c));
    heard("<db:result from='a.test' to='b.test'>");
    say_result("b.test", "a.test", "valid");
    assert_int_equal(v.ready, 1);
}

static void killed_by_its_user(void **state)
{
    (void)state;
    rig_send(&u, "<message/>", NULL);
    s2_lease_kill(u.lease, "no answer to a ping");
    assert_int_equal(u.ended, 0);
    ended_with(S2_FAIL_LOST);
    assert_non_null(strstr(u.text, "no answer to a ping"));
}

/* --- several pairs --------------------------------------------------------------------------- */

static void second_domain_goes_over_the_same_link(void **state)
{
    char want[256];
    uint64_t at = 0;

    (void)state;
    rig_send(&u, "<message/>", NULL);
    rig_heard(c);
    rig_lease(&v, "c.test", "b.test");
    snprintf(want, sizeof(want), "<db:result from='c.test' to='b.test'>%s</db:result>",
             rig_key(S2_OUTSIDE, "b.test", "c.test", "id1"));
    assert_string_equal(rig_heard(c), want);
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(rig_send(&v, "<iq/>", NULL), XMB_ECLOSED);
    say_result("b.test", "c.test", "valid");
    assert_int_equal(v.ready, 1);
    rig_send(&v, "<iq/>", &at);
    assert_int_equal(at, 10 + strlen(want) + 5);
    assert_int_equal(s2_lease_read_end(u.lease), 0);
    s2_lease_read(v.lease, at); /* what one knows of the connection, the other may know */
    assert_int_equal(s2_lease_read_end(u.lease), at);
    s2_lease_read(u.lease, 10);
    assert_int_equal(s2_lease_read_end(v.lease), at);
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    assert_null(xmb_fakehost_closed(c));
    xmb_fakehost_hangup(c, "gone");
    assert_int_equal(v.ended, 1);
}

static void refused_guest_gets_its_own_link(const char *answer)
{
    rig_lease(&v, "c.test", "b.test");
    rig_say(c, answer);
    assert_int_equal(v.failed, 0);
    assert_null(xmb_fakehost_closed(c));
    assert_int_equal(u.ended, 0);
    xmb_fakehost_advance(0);
    assert_int_equal(rig_dialling(), 1);
    c = rig_connect(0);
    heard("from='c.test' to='b.test'");
    rig_negotiate(c, "id2");
    say_result("b.test", "c.test", "invalid");
    assert_int_equal(v.failed, 1);
    assert_int_equal(v.kind, S2_FAIL_REFUSED);
}

static void guest_is_invalid(void **state)
{
    (void)state;
    refused_guest_gets_its_own_link("<db:result from='b.test' to='c.test' type='invalid'/>");
}

static void guest_gets_an_error(void **state)
{
    (void)state;
    refused_guest_gets_its_own_link(
        "<db:result from='b.test' to='c.test' type='error'><error type='wait'><resource-constraint "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>");
}

static void guest_gets_no_answer(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    xmb_fakehost_advance(30000);
    assert_int_equal(v.failed, 0);
    assert_int_equal(u.ended, 0);
    assert_int_equal(rig_dialling(), 1);
}

static void link_ends_while_a_guest_waits(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(v.failed, 0);
    assert_int_equal(rig_dialling(), 1);
}

static void without_dialback_errors_nothing_is_shared(void **state)
{
    (void)state;
    rig_route("d.test", "192.0.2.4", 5269, 0);
    rig.names[0].text = XMB_STR("d.test");
    rig_lease(&u, "a.test", "d.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "id");
    rig_features(c, RIG_DIALBACK_OLD);
    say_result("d.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
    rig_lease(&v, "c.test", "d.test");
    assert_int_equal(rig_dialling(), 1);
}

static void pairs_of_a_link_have_a_bound(void **state)
{
    (void)state;
    rig.conf.pairs = 1;
    rig_lease(&v, "c.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
}

static void sides_share_nothing(void **state)
{
    (void)state;
    rig_server(0, "10.0.0.5", NULL, 5269);
    rig_lease_on(&v, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    assert_int_equal(rig_dialling(), 1);
}

static void inside_has_its_own_secret_and_profile(void **state)
{
    char want[256];

    (void)state;
    rig.names[0].text = XMB_STR("a.test");
    rig_server(0, "10.0.0.5", NULL, 5269);
    rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    c = rig_connect(0);
    heard("from='b.test' to='a.test'");
    rig_negotiate(c, "id1");
    assert_string_equal(rig.profile, "inside");
    snprintf(want, sizeof(want), "<db:result from='b.test' to='a.test'>%s</db:result>",
             rig_key(S2_INSIDE, "a.test", "b.test", "id1"));
    heard(want);
}

/* --- XEP-0198 -------------------------------------------------------------------------------- */

static void authenticate(void)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "tls");
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    rig_say(c, RIG_SUCCESS);
    rig_header(c, "sasl");
    rig_heard(c);
    rig_features(c, RIG_SM RIG_DIALBACK);
}

static void acknowledgements(void **state)
{
    (void)state;
    authenticate();
    heard("<enable xmlns='urn:xmpp:sm:3'");
    assert_int_equal(u.ready, 0);
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_has_sm(u.lease), 1);
    rig_send(&u, "<message/>", NULL);
    rig_send(&u, "<message/>", NULL);
    assert_int_equal(s2_lease_request(u.lease), 0);
    heard("<message/><message/><r xmlns='urn:xmpp:sm:3'/>");
    rig_say(c, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_int_equal(u.h, 1);
    rig_say(c, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_int_equal(u.handled, 2); /* no more than before is an answer too */
    assert_int_equal(u.h, 1);
    rig_say(c, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    assert_int_equal(u.h, 2);
    rig_say(c, "<r xmlns='urn:xmpp:sm:3'/>");
    heard("<a xmlns='urn:xmpp:sm:3' h='0'/>");
}

static void too_many_acknowledged(void **state)
{
    (void)state;
    authenticate();
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    rig_send(&u, "<message/>", NULL);
    rig_say(c, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    heard("<undefined-condition");
    ended_with(S2_FAIL_LOST);
    assert_int_equal(u.handled, 0);
}

static void acknowledgements_refused(void **state)
{
    (void)state;
    authenticate();
    rig_say(c, "<failed xmlns='urn:xmpp:sm:3'/>");
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_has_sm(u.lease), 0);
    assert_int_equal(s2_lease_request(u.lease), XMB_ECLOSED);
    rig_say(c, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
    assert_int_equal(u.handled, 0);
    assert_null(xmb_fakehost_closed(c));
}

static void acknowledgements_not_answered(void **state)
{
    (void)state;
    authenticate();
    xmb_fakehost_advance(30000);
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_has_sm(u.lease), 0);
}

static void link_with_acknowledgements_is_not_shared(void **state)
{
    (void)state;
    authenticate();
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    rig_lease(&v, "c.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
}

static void stream_ends_while_enabling(void **state)
{
    (void)state;
    authenticate();
    rig_say(c, "</stream:stream>");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.ready, 0);
}

static void authenticated_link_serves_a_second_domain_by_dialback(void **state)
{
    (void)state;
    authenticate();
    rig_say(c, "<failed xmlns='urn:xmpp:sm:3'/>");
    rig_heard(c);
    rig_lease(&v, "c.test", "b.test");
    heard(rig_key(S2_OUTSIDE, "b.test", "c.test", "sasl"));
    say_result("b.test", "c.test", "valid");
    assert_int_equal(v.ready, 1);
}

/* --- all links ------------------------------------------------------------------------------- */

static void white_space_when_silent(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 11; i++)
        xmb_fakehost_advance(5000);
    assert_string_equal(rig_heard(c), "");
    for (i = 0; i < 2; i++)
        xmb_fakehost_advance(5000);
    assert_string_equal(rig_heard(c), " ");
    rig.conf.keepalive_ms = 0;
    xmb_fakehost_advance(300000);
    assert_string_equal(rig_heard(c), "");
}

/* Who uses it asks, and then there is no need for white space. */
static void asked_when_silent(void **state)
{
    (void)state;
    rig.conf.keepalive_ms = 10000;
    xmb_fakehost_advance(9000);
    assert_int_equal(u.silent, 0);
    u.asks = 1;
    xmb_fakehost_advance(3000);
    assert_in_range(u.silent, 1, 2);
    assert_string_equal(rig_heard(c), "");
    s2_lease_read(u.lease, 0); /* it was answered */
    u.silent = 0;
    xmb_fakehost_advance(9000);
    assert_int_equal(u.silent, 0);
    u.asks = 0;
    xmb_fakehost_advance(3000);
    assert_true(u.silent > 0);
    assert_string_equal(rig_heard(c), " ");
}

/* A question is written, and is no use of the link. */
static void a_question_is_no_stanza(void **state)
{
    uint64_t stanza_ms, end = 0;

    (void)state;
    stanza_ms = u.lease->link->stanza_ms;
    xmb_fakehost_advance(5000);
    assert_int_equal(s2_lease_ask(u.lease, XMB_STR("<iq/>"), &end), 0);
    assert_int_equal(end, 5);
    assert_string_equal(rig_heard(c), "<iq/>");
    assert_int_equal(u.lease->link->stanza_ms, stanza_ms);
    rig_say(c, "</stream:stream>");
}

static void reads_on_after_a_rest(void **state)
{
    (void)state;
    xmb_fakehost_advance(20000);
    rig_say(c, " ");
    rig_say(c, "</stream:stream>");
    ended_with(S2_FAIL_GOODBYE);
}

static void local_domain_is_removed(void **state)
{
    struct s2_domain other = rig_domain("other.test");

    (void)state;
    s2_link_recheck(rig.w);
    assert_null(xmb_fakehost_closed(c));
    rig.locals[0].name = other;
    rig.locals[1].name = other;
    s2_link_recheck(rig.w);
    heard("</stream:stream>");
    ended_with(S2_FAIL_IDLE);
}

static void tls_becomes_required(void **state)
{
    (void)state;
    rig.conf.security[S2_OUTSIDE].mode = S2_NO_TLS;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "id");
    rig_features(c, RIG_DIALBACK);
    say_result("b.test", "a.test", "valid");
    assert_int_equal(u.ready, 1);
    s2_link_recheck(rig.w);
    assert_null(xmb_fakehost_closed(c));
    rig.conf.security[S2_OUTSIDE].mode = S2_TLS_REQUIRED;
    s2_link_recheck(rig.w);
    heard("<reset");
    ended_with(S2_FAIL_GOODBYE);
}

static void certificates_become_required(void **state)
{
    (void)state;
    rig.peer.fault = XMB_CERT_SELF_SIGNED;
    s2_link_recheck(rig.w);
    assert_null(xmb_fakehost_closed(c));
    rig.conf.security[S2_OUTSIDE].require_certificates = 1;
    s2_link_recheck(rig.w);
    heard("<reset");
    ended_with(S2_FAIL_GOODBYE);
}

/* A reload brought a revocation list: it matters where certificates are required. */
static void certificate_is_revoked(void **state)
{
    (void)state;
    rig.revoked = 1;
    s2_link_tls_changed(rig.w);
    assert_int_equal(rig.peer.fault, XMB_CERT_REVOKED);
    assert_null(xmb_fakehost_closed(c));
    rig.peer.fault = XMB_CERT_GOOD;
    rig.conf.security[S2_OUTSIDE].require_certificates = 1;
    s2_link_tls_changed(rig.w);
    heard("<reset");
    ended_with(S2_FAIL_GOODBYE);
}

/* What was being made meanwhile is judged when it stands, before its user may send. */
static void certificate_is_revoked_before_the_stream_stands(void **state)
{
    unsigned before;

    (void)state;
    rig.conf.security[S2_OUTSIDE].require_certificates = 1;
    rig_route("d.test", "192.0.2.4", 5269, 0);
    rig.names[0].text = XMB_STR("d.test");
    rig_lease(&v, "a.test", "d.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    before = rig.rechecks;
    rig.revoked = 1;
    s2_link_tls_changed(rig.w);
    rig_header(c, "id");
    rig_features(c, RIG_DIALBACK);
    rig_heard(c);
    say_result("d.test", "a.test", "valid");
    assert_true(rig.rechecks > before);
    heard("<reset");
    assert_int_equal(v.ready, 0);
    assert_int_equal(v.failed, 1);
    assert_int_equal(v.kind, S2_FAIL_TLS);
}

static void certificate_ends_while_the_stream_is_open(void **state)
{
    (void)state;
    rig.peer.not_after_s = 1000000000;
    c = rig_verified(&u, "a.test", "b.test");
    xmb_fakehost_advance(LINK_SWEEP_MS);
    assert_null(xmb_fakehost_closed(c));
    rig.conf.security[S2_OUTSIDE].require_certificates = 1;
    xmb_fakehost_advance(LINK_SWEEP_MS);
    heard("<reset");
    ended_with(S2_FAIL_GOODBYE);
}

static void federation_is_switched_off(void **state)
{
    (void)state;
    rig_route("d.test", "192.0.2.4", 5269, 0);
    rig_lease(&v, "a.test", "d.test");
    rig.conf.enabled = 0;
    s2_link_recheck(rig.w);
    assert_int_equal(v.failed, 1);
    ended_with(S2_FAIL_IDLE);
    assert_int_equal(rig.w->links->count, 0);
}

static void copy_facts(void *arg, const struct s2_connection *connection)
{
    struct s2_connection *out = arg;

    *out = *connection;
    assert_int_equal(connection->pair_count, 1);
    assert_string_equal(connection->pairs[0].local.text, "a.test");
    assert_string_equal(connection->pairs[0].remote.text, "b.test");
    assert_string_equal(connection->pairs[0].verified_by, "dialback");
}

static void show_and_clear(void **state)
{
    struct s2_connection facts = {.id = 0};

    (void)state;
    rig_send(&u, "<message/>", NULL);
    s2_link_walk(rig.w, copy_facts, &facts);
    assert_int_equal(facts.direction, XMB_OUTGOING);
    assert_int_equal(facts.side, S2_OUTSIDE);
    assert_string_equal(facts.state, "verified");
    assert_string_equal(facts.verified_by, "dialback");
    assert_int_equal(facts.stanzas_out, 1);
    assert_int_equal(s2_link_clear(rig.w, facts.id + 1), 0);
    u.close_when_retired = 1;
    assert_int_equal(s2_link_clear(rig.w, facts.id), 1);
    xmb_fakehost_advance(0);
    heard("</stream:stream>");
    assert_int_equal(u.ended, 0);
}

static void drain_waits_for_the_lease(void **state)
{
    (void)state;
    xmb_fakehost_drain(rig.m, 5000);
    xmb_fakehost_advance(0);
    assert_null(xmb_fakehost_closed(c));
    assert_int_equal(rig_send(&u, "<message/>", NULL), 0);
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    assert_string_equal(rig_heard(c), "<message/></stream:stream>");
}

static void ends_with_leases_open(void **state)
{
    (void)state;
    rig_route("d.test", "192.0.2.4", 5269, 0);
    rig_lease(&v, "a.test", "d.test");
    /* the host goes with a verified link and a dial that is open: see end() */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define VERIFIED(name) cmocka_unit_test_setup_teardown(name, begin_verified, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(stanzas_and_their_positions),
        TEST(send_from_within_ready),
        TEST(close_from_within_ready),
        TEST(send_before_ready),
        VERIFIED(full_queue_then_writable),
        TEST(limit_of_the_peer),
        VERIFIED(acknowledged_by_the_kernel),
        VERIFIED(queued_octets_are_not_acknowledged),
        VERIFIED(without_a_wire_position),
        VERIFIED(many_notes_lose_no_truth),
        VERIFIED(ends_tell_what_was_left),
        VERIFIED(ends_tell_what_is_unknown),
        VERIFIED(peer_says_goodbye),
        VERIFIED(peer_shuts_down),
        VERIFIED(peer_wants_a_new_stream),
        VERIFIED(peer_is_angry),
        VERIFIED(connection_is_lost),
        VERIFIED(send_after_the_end_was_said),
        VERIFIED(stanza_from_the_peer),
        VERIFIED(error_stanza_from_the_peer_is_ignored),
        VERIFIED(question_from_the_peer_is_ignored),
        VERIFIED(broken_xml_after_verified),
        VERIFIED(closed_by_its_user),
        VERIFIED(closed_and_opened_again_at_once),
        VERIFIED(killed_by_its_user),
        VERIFIED(second_domain_goes_over_the_same_link),
        VERIFIED(guest_is_invalid),
        VERIFIED(guest_gets_an_error),
        VERIFIED(guest_gets_no_answer),
        VERIFIED(link_ends_while_a_guest_waits),
        TEST(without_dialback_errors_nothing_is_shared),
        VERIFIED(pairs_of_a_link_have_a_bound),
        VERIFIED(sides_share_nothing),
        TEST(inside_has_its_own_secret_and_profile),
        TEST(acknowledgements),
        TEST(too_many_acknowledged),
        TEST(acknowledgements_refused),
        TEST(acknowledgements_not_answered),
        TEST(link_with_acknowledgements_is_not_shared),
        TEST(stream_ends_while_enabling),
        TEST(authenticated_link_serves_a_second_domain_by_dialback),
        VERIFIED(white_space_when_silent),
        VERIFIED(asked_when_silent),
        VERIFIED(a_question_is_no_stanza),
        VERIFIED(reads_on_after_a_rest),
        VERIFIED(local_domain_is_removed),
        TEST(tls_becomes_required),
        VERIFIED(certificates_become_required),
        VERIFIED(certificate_is_revoked),
        TEST(certificate_is_revoked_before_the_stream_stands),
        TEST(certificate_ends_while_the_stream_is_open),
        VERIFIED(federation_is_switched_off),
        VERIFIED(show_and_clear),
        VERIFIED(drain_waits_for_the_lease),
        VERIFIED(ends_with_leases_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
