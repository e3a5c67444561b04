/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_pairs.c - several pairs on one link (xmpp-s2s.md 2.7), and links with
 * acknowledgements (XEP-0198), which are of one pair.
 */
#include "s2_link_verified.h"

#include <stdio.h>
#include <string.h>

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
    rig_secured(c, "id");
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

static void acknowledgements(void **state)
{
    (void)state;
    authenticated(RIG_SM RIG_DIALBACK);
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
    authenticated(RIG_SM RIG_DIALBACK);
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
    authenticated(RIG_SM RIG_DIALBACK);
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
    authenticated(RIG_SM RIG_DIALBACK);
    xmb_fakehost_advance(30000);
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_has_sm(u.lease), 0);
}

static void link_with_acknowledgements_is_not_shared(void **state)
{
    (void)state;
    authenticated(RIG_SM RIG_DIALBACK);
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    rig_lease(&v, "c.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
}

static void stream_ends_while_enabling(void **state)
{
    (void)state;
    authenticated(RIG_SM RIG_DIALBACK);
    rig_say(c, "</stream:stream>");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.ready, 0);
}

static void authenticated_link_serves_a_second_domain_by_dialback(void **state)
{
    (void)state;
    authenticated(RIG_SM RIG_DIALBACK);
    rig_say(c, "<failed xmlns='urn:xmpp:sm:3'/>");
    rig_heard(c);
    rig_lease(&v, "c.test", "b.test");
    heard(rig_key(S2_OUTSIDE, "b.test", "c.test", "sasl"));
    say_result("b.test", "c.test", "valid");
    assert_int_equal(v.ready, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
