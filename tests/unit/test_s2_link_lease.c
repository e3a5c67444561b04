/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_lease.c - verified links: stanzas and positions, and ends in each way (xmpp-s2s.md
 * 2.3 O8, 6.4).
 */
#include "s2_link_verified.h"

#include <stdio.h>
#include <string.h>

#define LIMITS(max) \
    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>" max "</max-bytes></limits>"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
