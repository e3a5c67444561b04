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
    assert_int_equal(u.read, 1);
    assert_int_equal(s2_lease_read_end(u.lease), end + strlen(QUESTION));
    assert_int_equal(s2_lease_proved_ms(u.lease), xmb_fakehost_now_ms());
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.read, 1); /* once */
    assert_null(xmb_fakehost_closed(c));
}

static void any_answer_will_do(void **state)
{
    (void)state;
    question(&u, "Q1");
    say_verify("b.test", "a.test", "Q1", "valid");
    assert_int_equal(u.read, 1);
    assert_int_equal(question(&u, "Q2"), 0);
    rig_say(c, "<db:verify from='b.test' to='a.test' id='Q2' type='error'><error type='cancel'>"
               "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:verify>");
    assert_int_equal(u.read, 2);
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
    assert_int_equal(u.read, 0);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.read, 1);
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
    u.close_when_read = 1;
    assert_int_equal(question(&v, "Q1"), 0);
    assert_string_equal(rig_heard(c), QUESTION);
    say_verify("b.test", "a.test", "Q1", "invalid");
    assert_int_equal(u.read, 1);
    assert_int_equal(v.read, 1);
    v.close_when_read = 1;
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

/* Verified by SASL EXTERNAL, with these features. */
static void external(const char *features)
{
    rig.conf.security[S2_OUTSIDE].external = 1;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "tls");
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    rig_say(c, RIG_SUCCESS);
    rig_header(c, "auth");
    rig_features(c, features);
    assert_int_equal(u.ready, 1);
}

/* Whoever was not asked to speak dialback, and does not offer it, may not know it. */
static void a_peer_without_dialback_is_not_asked(void **state)
{
    (void)state;
    external("");
    assert_int_equal(question(&u, "Q1"), XMB_ENOSYS);
}

static void external_and_dialback(void **state)
{
    (void)state;
    external(RIG_DIALBACK);
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
        TEST(a_peer_without_dialback_is_not_asked),
        TEST(external_and_dialback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
