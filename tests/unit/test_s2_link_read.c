/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_read.c - how far the peer has read a link, asked on the link itself by a question of
 * dialback.
 */
#include "s2_link_verified.h"

#include <stdio.h>
#include <string.h>

#define QUESTION "<db:verify from='a.test' to='b.test' id='Q1'>Q1</db:verify>"

static void say_verify(const char *from, const char *to, const char *id, const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:verify from='%s' to='%s' id='%s' type='%s'/>", from, to, id,
             type);
    rig_say(c, text);
}

static int question(const struct rig_user *user, const char *id)
{
    return s2_lease_question(user->lease, xmb_str(id));
}

static void its_answer_tells_how_far(void **state)
{
    uint64_t end = 0;

    (void)state;
    rig_send(&u, "<message/>", &end);
    rig_heard(c);
    assert_int_equal(question(&u, "Q1"), 0);
    assert_string_equal(rig_heard(c), QUESTION);
    rig_send(&u, "<iq/>", NULL); /* behind it */
    assert_int_equal(s2_lease_read_end(u.lease), 0);
    xmb_fakehost_advance(3000);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.answered, 1);
    assert_int_equal(s2_lease_read_end(u.lease), end + strlen(QUESTION));
    assert_int_equal(s2_lease_proved_ms(u.lease), xmb_fakehost_now_ms());
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.answered, 1); /* once */
    assert_null(xmb_fakehost_closed(c));
}

static void any_answer_will_do(void **state)
{
    (void)state;
    question(&u, "Q1");
    say_verify("b.test", "a.test", "Q1", "valid");
    assert_int_equal(u.answered, 1);
    assert_int_equal(question(&u, "Q2"), 0);
    rig_say(c, "<db:verify from='b.test' to='a.test' id='Q2' type='error'><error type='cancel'>"
               "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:verify>");
    assert_int_equal(u.answered, 2);
}

static void what_is_no_answer(void **state)
{
    (void)state;
    say_verify("b.test", "a.test", "Q1", "invalid");
    say_verify("b.test", "a.test", "", "invalid");
    question(&u, "Q1");
    say_verify("b.test", "a.test", "Q2", "invalid");
    say_verify("b.test", "c.test", "Q1", "invalid");
    say_verify("d.test", "a.test", "Q1", "invalid");
    say_verify("b.test", "a.test", "Q1", "maybe");
    rig_say(c, "<db:verify from='b.test' to='a.test' id='Q1'>Q1</db:verify>");
    rig_say(c, "<db:verify to='a.test' id='Q1' type='invalid'/>");
    assert_int_equal(u.answered, 0);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.answered, 1);
}

static void one_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(question(&u, ""), XMB_EINVAL);
    assert_int_equal(question(&u, "Q1"), 0);
    assert_int_equal(question(&u, "Q2"), XMB_EAGAIN);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(question(&u, "Q2"), 0);
}

/* Another domain of ours on the link: the question is in the name of the first. */
static void all_who_use_the_link_are_told(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    say_result("b.test", "c.test", "valid");
    assert_int_equal(v.ready, 1);
    rig_heard(c);
    u.close_when_answered = 1;
    assert_int_equal(question(&v, "Q1"), 0);
    assert_string_equal(rig_heard(c), QUESTION);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.answered, 1);
    assert_int_equal(v.answered, 1);
    v.close_when_answered = 1;
    question(&v, "Q2");
    say_verify("b.test", "a.test", "Q2", "invalid");
    xmb_fakehost_advance(0);
    assert_string_equal(rig_heard(c), "<db:verify from='a.test' to='b.test' id='Q2'>Q2</db:verify>"
                                      "</stream:stream>");
}

static void no_room_no_question(void **state)
{
    (void)state;
    xmb_fakehost_bound(c, strlen(QUESTION));
    rig_send(&u, "<message/>", NULL);
    assert_int_equal(question(&u, "Q1"), XMB_EAGAIN);
    assert_null(xmb_fakehost_closed(c));
    rig_heard(c);
    xmb_fakehost_bound(c, 1 << 20);
    assert_int_equal(question(&u, "Q1"), 0);
}

static void it_is_no_activity(void **state)
{
    uint64_t stanza_ms = u.lease->link->stanza_ms;

    (void)state;
    xmb_fakehost_advance(1000);
    question(&u, "Q1");
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.lease->link->stanza_ms, stanza_ms);
}

/* --- the end in place of an answer ------------------------------------------------------------ */

static void a_stream_error(const char *condition)
{
    char text[256];

    snprintf(text, sizeof(text),
             "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
             "</stream:stream>", condition);
    rig_say(c, text);
}

static void hang_up(void)
{
    xmb_fakehost_hangup(c, "closed by peer");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
}

static void the_peer_does_not_know_the_question(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    say_result("b.test", "c.test", "valid");
    question(&u, "Q1");
    rig_heard(c);
    a_stream_error("unsupported-stanza-type");
    ended_with(S2_FAIL_LOST);
    assert_int_equal(u.answered, 0);
    assert_int_equal(u.refused, 1);
    assert_int_equal(v.refused, 1);
}

static void the_one_who_is_told_leaves(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    say_result("b.test", "c.test", "valid");
    u.close_when_answered = v.close_when_answered = 1;
    question(&u, "Q1");
    rig_heard(c);
    a_stream_error("unsupported-stanza-type");
    xmb_fakehost_advance(0);
    assert_int_equal(u.refused, 1);
    assert_int_equal(v.refused, 1);
    assert_int_equal(u.ended + v.ended, 0);
    assert_non_null(xmb_fakehost_closed(c));
}

static void the_peer_ends_the_stream_at_the_question(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_heard(c);
    rig_say(c, "</stream:stream>");
    ended_with(S2_FAIL_GOODBYE);
    assert_int_equal(u.refused, 1);
}

/* What stands behind it may still be under way. */
static void the_peer_closes_at_the_question(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_send(&u, "<message/>", NULL);
    rig_heard(c);
    rig.unacked = strlen("<message/>") + 24; /* and an alert of TLS */
    hang_up();
    assert_int_equal(u.refused, 1);
}

/* It is the network, or the host: the question was never read. */
static void the_question_did_not_arrive(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_send(&u, "<message/>", NULL);
    rig_heard(c);
    rig.unacked = strlen(QUESTION "<message/>");
    hang_up();
    assert_int_equal(u.refused, 0);
}

static void the_question_did_not_leave(void **state)
{
    (void)state;
    question(&u, "Q1");
    hang_up();
    assert_int_equal(u.refused, 0);
}

/* It has had enough of what stood before, and never saw the question. */
static void the_peer_ends_the_stream_before_the_question(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_say(c, "</stream:stream>");
    ended_with(S2_FAIL_GOODBYE);
    assert_int_equal(u.refused, 0);
}

static void the_peer_is_out_of_resources_before_the_question(void **state)
{
    (void)state;
    rig_send(&u, "<message/>", NULL);
    question(&u, "Q1");
    rig_heard(c);
    rig.unacked = strlen("<message/>" QUESTION);
    a_stream_error("resource-constraint");
    ended_with(S2_FAIL_LOST);
    assert_int_equal(u.refused, 0);
}

static void the_peer_stops(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_heard(c);
    a_stream_error("system-shutdown");
    ended_with(S2_FAIL_GOODBYE);
    assert_int_equal(u.refused, 0);
}

static void an_end_long_after_the_question(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_heard(c);
    xmb_fakehost_advance(5001);
    hang_up();
    assert_int_equal(u.refused, 0);
}

static void an_end_after_the_answer(void **state)
{
    (void)state;
    question(&u, "Q1");
    say_verify("b.test", "a.test", "Q1", "invalid");
    rig_heard(c);
    hang_up();
    assert_int_equal(u.refused, 0);
}

static void our_own_end(void **state)
{
    (void)state;
    question(&u, "Q1");
    rig_heard(c);
    s2_lease_kill(u.lease, "it is dead");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.refused, 0);
}

/* --- whom there is no use asking -------------------------------------------------------------- */

/* Whoever was not asked to speak dialback, and does not offer it, may not know it. */
static void a_peer_without_dialback_is_not_asked(void **state)
{
    (void)state;
    authenticated("");
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_can_answer(u.lease), 0);
    assert_int_equal(question(&u, "Q1"), XMB_ENOSYS);
}

static void external_and_dialback(void **state)
{
    (void)state;
    authenticated(RIG_DIALBACK);
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_can_answer(u.lease), 1);
    assert_int_equal(question(&u, "Q1"), 0);
}

/* It counts what it has handled, which is more. */
static void a_peer_with_acknowledgements_is_not_asked(void **state)
{
    (void)state;
    authenticated(RIG_DIALBACK RIG_SM);
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>");
    assert_int_equal(u.ready, 1);
    assert_int_equal(s2_lease_can_answer(u.lease), 0);
    assert_int_equal(question(&u, "Q1"), XMB_ENOSYS);
}

/* A component, or a stream of the peer: dialback is not for these. */
static void only_on_streams_of_ours(void **state)
{
    (void)state;
    u.lease->link->kind = LINK_COMPONENT;
    assert_int_equal(question(&u, "Q1"), XMB_ENOSYS);
    u.lease->link->kind = LINK_INCOMING;
    assert_int_equal(question(&u, "Q1"), XMB_ENOSYS);
    u.lease->link->kind = LINK_OURS;
    assert_int_equal(question(&u, "Q1"), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        VERIFIED(its_answer_tells_how_far),
        VERIFIED(any_answer_will_do),
        VERIFIED(what_is_no_answer),
        VERIFIED(one_at_a_time),
        VERIFIED(all_who_use_the_link_are_told),
        VERIFIED(no_room_no_question),
        VERIFIED(it_is_no_activity),
        VERIFIED(the_peer_does_not_know_the_question),
        VERIFIED(the_one_who_is_told_leaves),
        VERIFIED(the_peer_ends_the_stream_at_the_question),
        VERIFIED(the_peer_closes_at_the_question),
        VERIFIED(the_question_did_not_arrive),
        VERIFIED(the_question_did_not_leave),
        VERIFIED(the_peer_ends_the_stream_before_the_question),
        VERIFIED(the_peer_is_out_of_resources_before_the_question),
        VERIFIED(the_peer_stops),
        VERIFIED(an_end_long_after_the_question),
        VERIFIED(an_end_after_the_answer),
        VERIFIED(our_own_end),
        TEST(a_peer_without_dialback_is_not_asked),
        TEST(external_and_dialback),
        TEST(a_peer_with_acknowledgements_is_not_asked),
        VERIFIED(only_on_streams_of_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
