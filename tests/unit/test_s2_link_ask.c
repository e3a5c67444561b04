/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_ask.c - step 2 of dialback (xmpp-s2s.md 2.1 W9 and W10, 2.3, 2.5): on a link of
 * its own, on one that is there, answers that count and those that do not.
 */
#include "s2_link_user.h"

#include <stdio.h>
#include <string.h>

#define KEY "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3"
#define QUESTION "<db:verify from='a.test' to='b.test' id='S1'>" KEY "</db:verify>"

static struct rig_asker a, b;

static void say_verify(struct xmb_conn *c, const char *from, const char *to, const char *id,
                       const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:verify from='%s' to='%s' id='%s' type='%s'/>", from, to, id,
             type);
    rig_say(c, text);
}

/* The question has been asked on a link of its own. */
static struct xmb_conn *asked(void)
{
    struct xmb_conn *c;

    rig_route("b.test", "192.0.2.1", 5269, 0);
    assert_int_equal(rig_ask(&a, "a.test", "b.test", "S1", KEY), 0);
    c = rig_connect(0);
    rig_negotiate(c, "own");
    return c;
}

static void done_with(const struct rig_asker *asker, enum s2_ask_result result)
{
    assert_int_equal(asker->done, 1);
    assert_int_equal(asker->result, result);
}

static void own_link_valid(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    heard(c, QUESTION);
    assert_int_equal(a.done, 0);
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
    assert_string_equal(rig_heard(c), "</stream:stream>");
    assert_int_equal(rig.w->links->count, 0);
}

static void own_link_invalid(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    say_verify(c, "b.test", "a.test", "S1", "invalid");
    done_with(&a, S2_ASK_INVALID);
}

static void prosody_repeats_the_key(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<db:verify type='valid' id='S1' to='a.test' from='b.test'>" KEY "</db:verify>");
    done_with(&a, S2_ASK_VALID);
}

static void answer_is_an_error(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<db:verify from='b.test' to='a.test' id='S1' type='error'><error type='cancel'>"
               "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:verify>");
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_NOT_FOUND);
    assert_non_null(strstr(a.text, "item-not-found"));
}

static void answers_to_other_questions(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    say_verify(c, "b.test", "a.test", "S2", "valid");
    say_verify(c, "a.test", "b.test", "S1", "valid");
    say_verify(c, "evil.test", "a.test", "S1", "valid");
    say_verify(c, "b.test", "c.test", "S1", "valid");
    say_verify(c, "b.test", "a.test", "S1", "maybe");
    rig_say(c, "<db:verify from='b.test' to='a.test' id='S1'>" KEY "</db:verify>");
    rig_say(c, "<db:result from='b.test' to='a.test' type='valid'/>");
    assert_int_equal(a.done, 0);
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
}

static void no_answer(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    xmb_fakehost_advance(30000);
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_non_null(xmb_fakehost_closed(c));
}

static void connection_ends_before_the_answer(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    xmb_fakehost_hangup(c, "gone");
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig_dialling(), 0);
}

static void host_unknown(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_say(c, "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
               "</stream:error></stream:stream>");
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void unknown_domain(void **state)
{
    (void)state;
    rig.lookup_status = XMB_ENOENT;
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void unreachable(void **state)
{
    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    rig_refuse(0);
    done_with(&a, S2_ASK_ERROR);
    assert_int_equal(a.condition, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void external_is_not_used_for_a_question(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    c = rig_connect(0);
    rig_secured(c, "tls");
    rig_heard(c);
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    heard(c, QUESTION);
}

static void key_is_escaped(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_ask(&a, "a.test", "b.test", "<'id'>", "<&>");
    c = rig_connect(0);
    rig_negotiate(c, "own");
    heard(c, "id='&lt;&apos;id&apos;&gt;'>&lt;&amp;&gt;</db:verify>");
}

static void bounds(void **state)
{
    char id[S2_ASK_ID_MAX + 2], key[LINK_KEY_MAX + 2];

    (void)state;
    memset(id, 'x', sizeof(id));
    memset(key, 'x', sizeof(key));
    id[sizeof(id) - 1] = key[sizeof(key) - 1] = '\0';
    assert_int_equal(rig_ask(&a, "a.test", "b.test", id, KEY), XMB_EINVAL);
    assert_int_equal(rig_ask(&a, "a.test", "b.test", "S1", key), XMB_EINVAL);
    assert_int_equal(rig_ask(&a, "a.test", "b.test", "", KEY), XMB_EINVAL);
    id[S2_ASK_ID_MAX] = key[LINK_KEY_MAX] = '\0';
    assert_int_equal(rig_ask(&a, "a.test", "b.test", id, key), 0);
}

/* --- on a link that is there ----------------------------------------------------------------- */

static void verified_link_is_used(void **state)
{
    struct xmb_conn *c = rig_verified(&u, "a.test", "b.test");

    (void)state;
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    assert_int_equal(rig_dialling(), 0);
    assert_string_equal(rig_heard(c), QUESTION);
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
    assert_null(xmb_fakehost_closed(c));
}

static void link_of_another_domain_of_ours(void **state)
{
    struct xmb_conn *c = rig_verified(&u, "a.test", "b.test");

    (void)state;
    rig_ask(&a, "c.test", "b.test", "S1", KEY);
    heard(c, "<db:verify from='c.test' to='b.test' id='S1'>");
}

static void link_that_waits_for_its_own_result(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_negotiate(c, "id1");
    heard(c, "<db:result");
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    assert_string_equal(rig_heard(c), QUESTION);
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
    assert_null(xmb_fakehost_closed(c));
    rig_say(c, "<db:result from='b.test' to='a.test' type='valid'/>");
    assert_int_equal(u.ready, 1);
}

static void shared_link_ends_and_the_question_gets_its_own(void **state)
{
    struct xmb_conn *c = rig_verified(&u, "a.test", "b.test");

    (void)state;
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(a.done, 0);
    c = rig_connect(0);
    rig_negotiate(c, "own");
    heard(c, QUESTION);
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_advance(0);
    done_with(&a, S2_ASK_ERROR); /* once */
    assert_int_equal(rig_dialling(), 0);
}

static void peer_says_goodbye_with_a_question_open(void **state)
{
    struct xmb_conn *c = rig_verified(&u, "a.test", "b.test");

    (void)state;
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    rig_say(c, "</stream:stream>");
    assert_int_equal(a.done, 0);
    assert_int_equal(rig_dialling(), 1);
}

static void two_questions_share_a_link(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    rig_ask(&b, "a.test", "b.test", "S2", KEY);
    assert_int_equal(rig_dialling(), 1);
    c = rig_connect(0);
    rig_negotiate(c, "own");
    say_verify(c, "b.test", "a.test", "S2", "invalid");
    done_with(&b, S2_ASK_INVALID);
    assert_null(xmb_fakehost_closed(c));
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
    assert_non_null(xmb_fakehost_closed(c));
}

static void lease_joins_the_link_of_a_question(void **state)
{
    struct xmb_conn *c = asked();

    (void)state;
    rig_heard(c);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 0);
    heard(c, "<db:result");
    say_verify(c, "b.test", "a.test", "S1", "valid");
    done_with(&a, S2_ASK_VALID);
    assert_null(xmb_fakehost_closed(c));
    rig_say(c, "<db:result from='b.test' to='a.test' type='valid'/>");
    assert_int_equal(u.ready, 1);
}

/* --- cancel ---------------------------------------------------------------------------------- */

static void cancelled_in_each_state(void **state)
{
    struct xmb_conn *c;
    unsigned at;

    (void)state;
    for (at = 0; at < 6; at++) {
        rig_route("b.test", "192.0.2.1", 5269, 0);
        if (at > 0)
            rig_ask(&a, "a.test", "b.test", "S1", KEY);
        else
            rig_ask(&a, "a.test", "nowhere.test", "S1", KEY);
        c = at > 1 ? rig_connect(0) : NULL;
        if (at > 2)
            rig_header(c, "plain");
        if (at > 3)
            rig_features(c, RIG_OFFER);
        if (at > 4) {
            rig_say(c, RIG_PROCEED);
            rig_header(c, "tls");
            rig_features(c, RIG_DIALBACK);
        }
        if (a.ask != NULL)
            s2_ask_cancel(a.ask);
        xmb_fakehost_advance(0);
        assert_int_equal(rig.w->links->count, 0);
        assert_int_equal(rig_dialling(), 0);
        if (at > 0)
            assert_int_equal(a.done, 0);
    }
}

static void late_answer_after_cancel(void **state)
{
    struct xmb_conn *c = rig_verified(&u, "a.test", "b.test");

    (void)state;
    rig_ask(&a, "a.test", "b.test", "S1", KEY);
    s2_ask_cancel(a.ask);
    say_verify(c, "b.test", "a.test", "S1", "valid");
    assert_int_equal(a.done, 0);
    assert_null(xmb_fakehost_closed(c));
}

static void federation_is_switched_off(void **state)
{
    (void)state;
    asked();
    rig.conf.enabled = 0;
    s2_link_recheck(rig.w);
    done_with(&a, S2_ASK_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own_link_valid),
        TEST(own_link_invalid),
        TEST(prosody_repeats_the_key),
        TEST(answer_is_an_error),
        TEST(answers_to_other_questions),
        TEST(no_answer),
        TEST(connection_ends_before_the_answer),
        TEST(host_unknown),
        TEST(unknown_domain),
        TEST(unreachable),
        TEST(external_is_not_used_for_a_question),
        TEST(key_is_escaped),
        TEST(bounds),
        TEST(verified_link_is_used),
        TEST(link_of_another_domain_of_ours),
        TEST(link_that_waits_for_its_own_result),
        TEST(shared_link_ends_and_the_question_gets_its_own),
        TEST(peer_says_goodbye_with_a_question_open),
        TEST(two_questions_share_a_link),
        TEST(lease_joins_the_link_of_a_question),
        TEST(cancelled_in_each_state),
        TEST(late_answer_after_cancel),
        TEST(federation_is_switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
