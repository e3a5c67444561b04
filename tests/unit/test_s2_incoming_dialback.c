/* SPDX-License-Identifier: MIT */
/*
 * test_s2_incoming_dialback.c - the gateway as receiving and as authoritative server: each row
 * of the tables of xmpp-s2s.md 2.5 and 2.6 (XEP-0220), on both sides of the border.
 */
#include "s2_in_rig.h"

#include <stdio.h>

#define FAILED(from, to) "<db:result from='" from "' to='" to "' type='error'><error type="

/*
 * --- 2.5: W8
 * ----------------------------------------------------------------------------------
 */

static void w8_without_addresses(void **state)
{
    static const char *const bad[] = {
        "<db:result from='b.test'>k</db:result>", "<db:result to='a.test'>k</db:result>",
        "<db:result from='x@b.test' to='a.test'>k</db:result>",
        "<db:result from='b.test' to=''>k</db:result>"};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_feed(c, bad[i]);
        rig_expect_error(c, "improper-addressing");
    }
}

static void to_is_not_hosted(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "c.test");
    rig_expect(c, FAILED("c.test", "b.test") "'cancel'><item-not-found ");
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>"); /* the other pair is not hurt */
    assert_int_equal(s2_fakes.put_count, 1);
    c = rig_stream(IN, "a.test", "b.test");
    rig_result(c, "a.test", "rooms.a.test");
    rig_expect(c, FAILED("rooms.a.test", "a.test") "'cancel'><not-allowed ");
    assert_true(rig_is_open(c));
}

static void from_is_local_outside(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "rooms.a.test", "a.test");
    rig_expect(c, FAILED("a.test", "rooms.a.test") "'cancel'><not-allowed ");
    assert_int_equal(rig_metric("spoofed"), 1);
    assert_int_equal(s2_fakes.ask_count, 0);
    c = rig_stream(IN, "a.test", "b.test"); /* and foreign inside */
    rig_result(c, "c.test", "b.test");
    rig_expect(c, FAILED("b.test", "c.test") "'cancel'><not-allowed ");
    assert_int_equal(rig_metric("spoofed"), 2);
    assert_int_equal(s2_fakes.ask_count, 0);
}

static void policy_denies_the_pair(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, NULL, "a.test");

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    rig_result(c, "b.test", "a.test");
    rig_expect(c, FAILED("a.test", "b.test") "'auth'><forbidden ");
    assert_true(rig_is_open(c));
    assert_int_equal(s2_fakes.ask_count, 0); /* denied before anything is asked */
    xmb_fakehost_late(1);
    rig_result(c, "b.test", "a.test");
    rig_expect(c, "<forbidden ");
    assert_int_equal(s2_fakes.ask_count, 0);
}

static void policy_permits_later(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, NULL, "a.test");
    const char *w8 = "<db:result from='b.test' to='a.test'>k</db:result>";

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmb_fakehost_late(1);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(w8)), 0);
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(w8)), 0); /* twice */
    assert_int_equal(s2_fakes.ask_count, 0);
    xmb_fakehost_run();
    assert_int_equal(s2_fakes.ask_count, 1);
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
}

/* Inside the pair is proved and its stanzas go back. */
static void policy_denies_inside(void **state)
{
    struct xmb_conn *c;

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    c = rig_verified(IN, "a.test", "b.test");
    rig_feed(c, "<message from='x@a.test' to='y@b.test'/>");
    assert_int_equal(s2_fakes.put_count, 0);
    assert_int_equal(s2_fakes.bounce_count, 1);
    assert_int_equal(s2_fakes.bounces[0].condition, S2_C_NOT_ALLOWED);
    assert_int_equal(s2_fakes.bounces[0].side, S2_INSIDE);
    assert_true(rig_is_open(c));
}

static void too_many_pairs(void **state)
{
    struct xmb_conn *c;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits pairs='2'/>");
    c = rig_verified(OUT, "b.test", "a.test");
    rig_result(c, "c.test", "a.test");
    rig_result(c, "d.test", "a.test");
    rig_expect(c, FAILED("a.test", "d.test") "'wait'><resource-constraint ");
    assert_true(rig_is_open(c));
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "<db:result from='a.test' to='c.test' type='valid'/>");
}

static void a_verified_pair_is_valid_again(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "B.test.", "a.test"); /* the same, in other letters */
    assert_string_equal(rig_said(c), "<db:result from='a.test' to='b.test' type='valid'/>");
    assert_int_equal(s2_fakes.ask_count, 1);
}

static void a_pending_pair_is_asked_once(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    assert_int_equal(s2_fakes.ask_count, 1);
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    assert_string_equal(rig_said(c), "<db:result from='a.test' to='b.test' type='valid'/>");
}

static void the_question(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<db:result to='a.test' from='b.test'>  the key&amp;more </db:result>");
    assert_int_equal(s2_fakes.asks[0].side, S2_OUTSIDE);
    assert_string_equal(s2_fakes.asks[0].sender.text, "b.test");
    assert_string_equal(s2_fakes.asks[0].target.text, "a.test");
    assert_string_equal(s2_fakes.asks[0].id, rig_id());
    assert_non_null(strstr(s2_fakes.asks[0].key, "the key&more"));
    assert_string_equal(rig_said(c), ""); /* not on this stream */
    c = rig_stream(IN, "a.test", "b.test");
    rig_result(c, "a.test", "b.test");
    assert_int_equal(s2_fakes.asks[1].side, S2_INSIDE); /* G2: never by DNS */
}

static void valid(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    assert_true(rig_is_open(c));
    assert_int_equal(rig_metric("dialback_valid"), 1);
    assert_int_equal(s2_fakes.alive, 1);
    assert_int_equal(s2_fakes.paths_open, 1);
}

static void invalid_and_no_other_pair(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_INVALID, S2_C_NONE);
    assert_string_equal(rig_said(c), "<db:result from='a.test' to='b.test' type='invalid'/>"
                                     "</stream:stream>");
    xmb_fakehost_advance(5100);
    assert_false(rig_is_open(c));
    assert_int_equal(rig_metric("dialback_invalid"), 1);
}

static void invalid_beside_others(void **state)
{
    struct xmb_conn *c = rig_verified(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "c.test", "a.test");
    rig_answer(S2_ASK_INVALID, S2_C_NONE);
    rig_expect(c, FAILED("a.test", "c.test") "'auth'><forbidden ");
    assert_true(rig_is_open(c));
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    assert_int_equal(s2_fakes.put_count, 1);
    rig_feed(c, "<message from='x@c.test' to='y@a.test'/>");
    rig_expect_error(c, "invalid-from");
}

/* Never in silence: what the asker says is what the peer hears. */
static void the_server_cannot_be_asked(void **state)
{
    static const enum s2_condition why[] = {S2_C_REMOTE_SERVER_NOT_FOUND,
                                            S2_C_REMOTE_SERVER_TIMEOUT, S2_C_NONE};
    static const char *const expected[] = {"'cancel'><remote-server-not-found ",
                                           "'wait'><remote-server-timeout ",
                                           "'wait'><remote-server-timeout "};
    struct xmb_conn *c;
    char text[200];
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_result(c, "b.test", "a.test");
        rig_answer(S2_ASK_ERROR, why[i]);
        snprintf(text, sizeof(text), FAILED("a.test", "b.test") "%s", expected[i]);
        rig_expect(c, text);
        assert_true(rig_is_open(c));
        rig_result(c, "b.test", "a.test"); /* it may try again */
        rig_answer(S2_ASK_VALID, S2_C_NONE);
        rig_expect(c, "type='valid'");
    }
    assert_int_equal(rig_metric("dialback_failed"), 3);
}

static void the_question_cannot_be_put(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    s2_fakes.ask_result = XMB_ELIMIT;
    rig_result(c, "b.test", "a.test");
    rig_expect(c, FAILED("a.test", "b.test") "'wait'><resource-constraint ");
    s2_fakes.ask_result = XMB_EINVAL;
    rig_result(c, "b.test", "a.test");
    rig_expect(c, "<bad-request ");
    s2_fakes.ask_result = 0;
    rig_feed(c, "<db:result from='b.test' to='a.test'/>");
    rig_expect(c, "<bad-request ");
    s2_fakes.path_result = XMB_ENOMEM;
    rig_result(c, "b.test", "a.test");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "<resource-constraint ");
    assert_true(rig_is_open(c));
}

static void a_key_that_is_too_long(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    char text[1024];

    (void)state;
    snprintf(text, sizeof(text), "<db:result from='b.test' to='a.test'>%0600d</db:result>", 7);
    rig_feed(c, text);
    rig_expect(c, "<bad-request ");
}

static void the_stream_closes_meanwhile(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    rig_feed(c, "</stream:stream>");
    assert_int_equal(s2_fake_waiting(), 0);
    c = rig_stream(OUT, "b.test", "a.test");
    rig_result(c, "b.test", "a.test");
    xmb_fakehost_hangup(c, "gone");
    assert_int_equal(s2_fake_waiting(), 0);
}

static void eight_questions_at_a_time(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    char name[32];
    unsigned i;

    (void)state;
    for (i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "b%u.test", i);
        rig_result(c, name, "a.test");
    }
    assert_int_equal(s2_fake_waiting(), 8);
    for (i = 0; i < 20; i++) {
        s2_fake_answer(i, i % 2 ? S2_ASK_VALID : S2_ASK_ERROR, S2_C_REMOTE_SERVER_TIMEOUT, "x");
        assert_true(s2_fake_waiting() <= 8);
    }
    assert_int_equal(s2_fakes.ask_count, 20);
    assert_int_equal(s2_fake_waiting(), 0);
    assert_int_equal(s2_fakes.paths_open, 10);
}

static void refusals_have_an_end(void **state)
{
    struct xmb_conn *c;
    int i;

    (void)state;
    rig_configure(RIG_BASE RIG_PLAIN "<limits pairs='4'/>");
    c = rig_stream(OUT, "b.test", "a.test");
    for (i = 0; i < 4; i++)
        rig_result(c, "b.test", "c.test");
    assert_true(rig_is_open(c));
    rig_result(c, "b.test", "c.test");
    rig_expect_error(c, "policy-violation");
}

static void unsolicited_answers(void **state)
{
    static const char *const answers[] = {
        "<db:result from='b.test' to='a.test' type='valid'/>",
        "<db:result from='b.test' to='a.test' type='invalid'/>",
        "<db:result from='b.test' to='a.test' type='valid' id='x'>key</db:result>",
        "<db:verify from='b.test' to='a.test' id='x' type='valid'/>",
        "<db:verify from='b.test' to='a.test' id='x' type='invalid'/>",
        "<db:verify from='b.test' to='a.test' id='x' type='error'><error/></db:verify>",
        "<db:result from='b.test' to='a.test' type=''/>"};
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    size_t i;

    (void)state;
    rig_result(c, "b.test", "a.test");
    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        rig_feed(c, answers[i]);
        assert_string_equal(rig_said(c), "");
        assert_true(rig_is_open(c));
    }
    assert_int_equal(s2_fakes.ask_count, 1);
    assert_non_null(strstr(xmb_fakehost_log(), "unsolicited db:result of type valid"));
    rig_feed(c, "<message from='x@b.test' to='y@a.test'/>");
    rig_expect_error(c, "not-authorized"); /* nothing of this proved anything */
}

/*
 * --- 2.6: W9
 * ----------------------------------------------------------------------------------
 */

/* The key for a stream of `id` from our `sender` to `target`, with the secret of that side. */
static const char *key_of(const char *secret, const char *target, const char *sender)
{
    static char key[S2_KEY_HEX + 1];
    struct s2_domain t, s;
    struct s2_secret made;

    assert_int_equal(s2_domain_read(xmb_str(target), &t), 0);
    assert_int_equal(s2_domain_read(xmb_str(sender), &s), 0);
    assert_int_equal(s2_secret_set(xmb_str(secret), &made), 0);
    assert_int_equal(s2_dialback_key(&made, &t, &s, XMB_STR("ID1"), key), 0);
    return key;
}

static void verify(struct xmb_conn *c, const char *from, const char *to, const char *key)
{
    char text[512];

    snprintf(text, sizeof(text), "<db:verify from='%s' to='%s' id='ID1'>%s</db:verify>", from, to,
             key);
    rig_feed(c, text);
}

static void our_key(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    verify(c, "b.test", "a.test", key_of("outer", "b.test", "a.test"));
    assert_string_equal(rig_said(c),
                        "<db:verify from='a.test' to='b.test' id='ID1' type='valid'/>");
    assert_int_equal(rig_metric("keys_right"), 1);
    c = rig_stream(IN, "a.test", "b.test"); /* inside we are everybody else */
    verify(c, "a.test", "b.test", key_of("inner", "a.test", "b.test"));
    rig_expect(c, "<db:verify from='b.test' to='a.test' id='ID1' type='valid'/>");
}

static void not_our_key(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    verify(c, "b.test", "a.test", key_of("inner", "b.test", "a.test")); /* G6 */
    assert_string_equal(rig_said(c),
                        "<db:verify from='a.test' to='b.test' id='ID1' type='invalid'/>");
    verify(c, "b.test", "a.test", key_of("outer", "a.test", "b.test")); /* the other way round */
    rig_expect(c, "type='invalid'");
    verify(c, "b.test", "rooms.a.test", key_of("outer", "b.test", "a.test"));
    rig_expect(c, "type='invalid'");
    verify(c, "b.test", "a.test", "");
    rig_expect(c, "type='invalid'");
    assert_int_equal(rig_metric("keys_wrong"), 4);
    assert_non_null(strstr(xmb_fakehost_log(), "somebody uses our name"));
    assert_non_null(strstr(xmb_fakehost_log(), "warn "));
    assert_true(rig_is_open(c));
}

/* Another gateway wants to know how far we have read: its key is its id, a barrier's. */
static void a_key_that_nobody_uses(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    rig_feed(c, "<db:verify from='b.test' to='a.test' id='xmb.0123456789abcdef00001'>"
                "xmb.0123456789abcdef00001</db:verify>");
    assert_string_equal(rig_said(c), "<db:verify from='a.test' to='b.test' "
                                     "id='xmb.0123456789abcdef00001' type='invalid'/>");
    assert_int_equal(rig_metric("keys_wrong"), 0);
    assert_null(strstr(xmb_fakehost_log(), "somebody uses our name"));
    assert_true(rig_is_open(c));
}

/* An impostor knows the id of his stream, the asker's, and takes it for a key. */
static void the_id_as_a_key(void **state)
{
    static const char *const ids[] = {"ID1", "xmb.", "xmb.0123456789abcde", "xmb-0123456789abcdef0",
                                      "xmb.0123456789abcdeg00001", "amb.0123456789abcdef00001"};
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    char text[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        snprintf(text, sizeof(text), "<db:verify from='b.test' to='a.test' id='%s'>%s</db:verify>",
                 ids[i], ids[i]);
        rig_feed(c, text);
        rig_expect(c, "type='invalid'");
        assert_int_equal(rig_metric("keys_wrong"), i + 1);
    }
    assert_non_null(strstr(xmb_fakehost_log(), "somebody uses our name"));
}

static void verify_for_a_domain_that_is_not_ours(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");

    (void)state;
    verify(c, "b.test", "c.test", "key");
    rig_expect(c, "<db:verify from='c.test' to='b.test' id='ID1' type='error'>"
                  "<error type='cancel'><item-not-found ");
    assert_true(rig_is_open(c));
    c = rig_stream(IN, "a.test", "b.test");
    verify(c, "a.test", "rooms.a.test", "key");
    rig_expect(c, "<item-not-found ");
    assert_true(rig_is_open(c));
}

static void verify_without_addresses(void **state)
{
    static const char *const bad[] = {
        "<db:verify to='a.test' id='1'>k</db:verify>",
        "<db:verify from='b.test' id='1'>k</db:verify>",
        "<db:verify from='b.test' to='a.test'>k</db:verify>"};
    struct xmb_conn *c;
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        c = rig_stream(OUT, "b.test", "a.test");
        rig_feed(c, bad[i]);
        rig_expect_error(c, "improper-addressing");
    }
}

/* G7, G8: in every state, beside everything else. */
static void verify_is_answered_in_every_state(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    const char *key = key_of("outer", "b.test", "a.test");

    (void)state;
    rig_result(c, "b.test", "a.test");
    verify(c, "b.test", "a.test", key);
    rig_expect(c, "type='valid'");
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_said(c);
    verify(c, "b.test", "a.test", key);
    rig_expect(c, "<db:verify from='a.test' to='b.test' id='ID1' type='valid'/>");
    c = rig_stream(OUT, NULL, "a.test");
    verify(c, "b.test", "a.test", key);
    rig_expect(c, "type='valid'");
    rig_feed(c, "</stream:stream>");
    rig_expect(c, "</stream:stream>");
}

/*
 * A stream that only asks lives as long again behind each good answer, and ends without an
 * error.
 */
static void a_stream_that_only_asks(void **state)
{
    struct xmb_conn *c = rig_stream(OUT, "b.test", "a.test");
    const char *key = key_of("outer", "b.test", "a.test");

    (void)state;
    xmb_fakehost_advance(20000);
    verify(c, "b.test", "a.test", key);
    xmb_fakehost_advance(20000);
    assert_true(rig_is_open(c));
    rig_said(c);
    verify(c, "b.test", "a.test", "wrong"); /* this one does not count */
    rig_expect(c, "type='invalid'");
    xmb_fakehost_advance(11000);
    assert_string_equal(rig_said(c), "</stream:stream>");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_begin, rig_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(w8_without_addresses),
        TEST(to_is_not_hosted),
        TEST(from_is_local_outside),
        TEST(policy_denies_the_pair),
        TEST(policy_permits_later),
        TEST(policy_denies_inside),
        TEST(too_many_pairs),
        TEST(a_verified_pair_is_valid_again),
        TEST(a_pending_pair_is_asked_once),
        TEST(the_question),
        TEST(valid),
        TEST(invalid_and_no_other_pair),
        TEST(invalid_beside_others),
        TEST(the_server_cannot_be_asked),
        TEST(the_question_cannot_be_put),
        TEST(a_key_that_is_too_long),
        TEST(the_stream_closes_meanwhile),
        TEST(eight_questions_at_a_time),
        TEST(refusals_have_an_end),
        TEST(unsolicited_answers),
        TEST(our_key),
        TEST(not_our_key),
        TEST(a_key_that_nobody_uses),
        TEST(the_id_as_a_key),
        TEST(verify_for_a_domain_that_is_not_ours),
        TEST(verify_without_addresses),
        TEST(verify_is_answered_in_every_state),
        TEST(a_stream_that_only_asks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
