/* SPDX-License-Identifier: MIT */
/*
 * test_s2_bidi_out.c - both directions on a stream that we open (XEP-0288): when it is asked for,
 * whose stanzas are taken, what the peer may ask there, and how long such a link lives. Flows are
 * faked here: paths note what was put.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "authority.h"
#include "s2_link_rig.h"
#include "show.h"

#define BIDI "<bidi xmlns='urn:xmpp:features:bidi'/>"
#define BIDI_OLD "<bidi xmlns='urn:xmpp:bidi'/>"
#define ASKED_FOR "<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>"
#define VALID "<db:result from='b.test' to='a.test' type='valid'/>"
#define MESSAGE "<message from='v@b.test/r' to='u@a.test' id='m1'><body>hi</body></message>"

static struct rig_user u, v;
static struct xmb_conn *c;

/* --- fake flows ------------------------------------------------------------------------------ */

static struct {
    unsigned open, puts, bounces, alive, flushes, answers;
    int put_result;
    char raw[64], from[S2_DOMAIN_MAX + 1], to[S2_DOMAIN_MAX + 1];
    xmb_ref source;
    enum s2_side to_side;
    enum s2_condition condition;
} flows;

int s2_path_open(struct s2_worker *w, enum s2_side to_side, const struct s2_domain *from,
                 const struct s2_domain *to, xmb_ref source, struct s2_path *p)
{
    memset(p, 0, sizeof(*p));
    p->w = w;
    p->is_open = 1;
    flows.open++;
    flows.source = source;
    flows.to_side = to_side;
    snprintf(flows.from, sizeof(flows.from), "%s", from->text);
    snprintf(flows.to, sizeof(flows.to), "%s", to->text);
    return 0;
}

void s2_path_close(struct s2_path *p)
{
    assert_int_equal(p->is_open, 1);
    p->is_open = 0;
    flows.open--;
}

int s2_path_put(struct s2_path *p, const struct s2_stanza *s)
{
    assert_int_equal(p->is_open, 1);
    flows.puts++;
    snprintf(flows.raw, sizeof(flows.raw), "%.*s", (int)s->raw.n, s->raw.p);
    return flows.put_result;
}

void s2_path_flush(struct s2_worker *w)
{
    (void)w;
    flows.flushes++;
}

void s2_bounce(struct s2_worker *w, enum s2_side from_side, const struct s2_stanza *s,
               enum s2_condition condition, const struct s2_domain *by, const char *text)
{
    (void)w;
    (void)s;
    (void)by;
    (void)text;
    assert_int_equal(from_side, S2_OUTSIDE);
    flows.bounces++;
    flows.condition = condition;
}

int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s)
{
    (void)w;
    if (!xmb_str_eq(s->id, XMB_STR("xmb-1")))
        return 0;
    assert_string_equal(from_domain->text, "b.test");
    assert_string_equal(to->text, "a.test");
    flows.answers++;
    return 1;
}

int s2_barrier_is_idle(const struct s2_stanza *s)
{
    return s->id.n > 4 && memcmp(s->id.p, "xmb.", 4) == 0;
}

void s2_flow_alive(struct s2_worker *w, const struct s2_domain *foreign)
{
    (void)w;
    assert_string_equal(foreign->text, "b.test");
    flows.alive++;
}

/* --- the stream ------------------------------------------------------------------------------ */

static int begin(void **state)
{
    (void)state;
    memset(&flows, 0, sizeof(flows));
    memset(&u, 0, sizeof(u));
    memset(&v, 0, sizeof(v));
    rig_open();
    rig.conf.security[S2_OUTSIDE].bidi = 1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    assert_int_equal(flows.open, 0);
    return 0;
}

/* Up to the features behind TLS. */
static void connect_with(const char *features)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER BIDI);
    rig_say(c, RIG_PROCEED);
    rig_header(c, "id1");
    rig_heard(c);
    rig_features(c, features);
}

static int begin_verified(void **state)
{
    begin(state);
    connect_with(RIG_DIALBACK BIDI);
    rig_say(c, VALID);
    assert_int_equal(u.ready, 1);
    rig_heard(c);
    return 0;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

/* The stream error was sent, and the connection ended. */
static void ended_with(const char *condition)
{
    char part[64];

    snprintf(part, sizeof(part), "<stream:error><%s ", condition);
    has(rig_heard(c), part);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.kind, S2_FAIL_LOST);
    assert_int_equal(flows.puts, 0);
}

static struct s2_link *link_of(void)
{
    struct s2_domain remote = rig_domain("b.test");

    return s2_links_bucket(rig.w, &remote);
}

/* --- it is asked for ------------------------------------------------------------------------- */

static void asked_for_behind_tls_before_dialback(void **state)
{
    const char *text;

    (void)state;
    connect_with(RIG_DIALBACK BIDI);
    text = rig_heard(c);
    has(text, ASKED_FOR "<max-bytes>262144</max-bytes><idle-seconds>600</idle-seconds>");
    has(text, "</bidi><db:result ");
}

static void the_old_spelling_of_the_feature(void **state)
{
    (void)state;
    connect_with(RIG_DIALBACK BIDI_OLD);
    has(rig_heard(c), ASKED_FOR);
}

static void not_in_plain(void **state)
{
    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig.conf.security[S2_OUTSIDE].mode = S2_TLS_OPTIONAL;
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_header(c, "id1");
    rig_features(c, RIG_DIALBACK BIDI);
    has(rig_heard(c), "<db:result ");
    has_not(rig_heard(c), "bidi");
    assert_int_equal(link_of()->bidi, 0);
}

static void not_when_it_is_off(void **state)
{
    const char *text;

    (void)state;
    rig.conf.security[S2_OUTSIDE].bidi = 0;
    connect_with(RIG_DIALBACK BIDI);
    text = rig_heard(c);
    has(text, "<db:result ");
    has_not(text, "bidi");
}

static void not_when_it_is_not_on_offer(void **state)
{
    const char *text;

    (void)state;
    connect_with(RIG_DIALBACK);
    text = rig_heard(c);
    has(text, "<db:result ");
    has_not(text, "bidi");
}

static void not_to_ask_about_a_key(void **state)
{
    static struct rig_asker a;
    const char *text;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_ask(&a, "a.test", "b.test", "S1", "KEY");
    c = rig_connect(0);
    rig_secured(c, "id1");
    rig_features(c, RIG_DIALBACK BIDI);
    text = rig_heard(c);
    has(text, "<db:verify ");
    has_not(text, "bidi");
}

/* --- stanzas --------------------------------------------------------------------------------- */

static void a_stanza_is_taken(void **state)
{
    (void)state;
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
    has(MESSAGE, flows.raw);
    assert_string_equal(flows.from, "b.test");
    assert_string_equal(flows.to, "a.test");
    assert_int_equal(flows.to_side, S2_INSIDE);
    assert_int_equal(flows.source, s2_host->conn->ref(c));
    assert_int_equal(flows.flushes, 1);
    assert_int_equal(flows.alive, 1);
    assert_int_equal(link_of()->stanzas_in, 1);
    rig_say(c, MESSAGE MESSAGE);
    assert_int_equal(flows.puts, 3);
    assert_int_equal(flows.alive, 1); /* once a second */
    assert_int_equal(u.ended, 0);
}

/* Not before the pair is verified, though bidi was asked for. */
static void a_stanza_before_the_answer(void **state)
{
    (void)state;
    connect_with(RIG_DIALBACK BIDI);
    rig_say(c, MESSAGE);
    has(rig_heard(c), "<stream:error><not-authorized ");
    assert_int_equal(flows.puts, 0);
    assert_int_equal(u.failed, 1);
}

static void without_bidi_it_is_refused(void **state)
{
    (void)state;
    rig.conf.security[S2_OUTSIDE].bidi = 0;
    connect_with(RIG_DIALBACK BIDI);
    rig_say(c, VALID);
    rig_say(c, MESSAGE);
    ended_with("not-authorized");
}

static void from_another_domain(void **state)
{
    (void)state;
    rig_say(c, "<message from='v@x.test' to='u@a.test'/>");
    ended_with("invalid-from");
}

static void from_a_domain_of_ours(void **state)
{
    (void)state;
    rig_say(c, "<message from='v@c.test' to='u@a.test'/>");
    ended_with("invalid-from");
    assert_int_equal(rig.w->cells[S2_M_SPOOFED], 1);
}

/* c.test is ours too, and was not verified here. */
static void to_another_domain(void **state)
{
    (void)state;
    rig_say(c, "<message from='v@b.test' to='u@c.test'/>");
    ended_with("invalid-from");
}

static void without_addresses(void **state)
{
    (void)state;
    rig_say(c, "<message to='u@a.test'/>");
    ended_with("improper-addressing");
}

static void an_error_of_no_pair_is_ignored(void **state)
{
    (void)state;
    rig_say(c, "<message from='x.test' to='u@a.test' type='error'/>");
    assert_int_equal(u.ended, 0);
    assert_int_equal(flows.puts, 0);
}

static void malformed_addresses(void **state)
{
    (void)state;
    rig_say(c, "<message from='v@b.test' to='&lt;@a.test'/>");
    assert_int_equal(flows.bounces, 1);
    assert_int_equal(flows.condition, S2_C_JID_MALFORMED);
    rig_say(c, "<message from='&lt;@b.test' to='u@a.test'/>");
    assert_int_equal(flows.bounces, 1);
    assert_int_equal(rig.w->cells[S2_M_DROPPED], 1);
    assert_int_equal(flows.puts, 0);
}

static void answers_to_barriers_stay_here(void **state)
{
    (void)state;
    rig_say(c, "<iq type='result' from='b.test' to='a.test' id='xmb-1'/>");
    assert_int_equal(flows.answers, 1);
    assert_int_equal(flows.puts, 0);
    rig_say(c, "<iq type='result' from='b.test' to='u@a.test/r' id='xmb-1'/>");
    assert_int_equal(flows.puts, 1);
}

/* Larger than what a stranger may send, in the same octets as the answer. */
static void a_large_stanza_right_behind_the_answer(void **state)
{
    static char text[30000];
    size_t n;

    (void)state;
    connect_with(RIG_DIALBACK BIDI);
    n = (size_t)snprintf(text, sizeof(text),
                         VALID "<message from='v@b.test' to='u@a.test'><body>");
    memset(text + n, 'x', 20000);
    snprintf(text + n + 20000, sizeof(text) - n - 20000, "</body></message>");
    rig_say(c, text);
    assert_int_equal(flows.puts, 1);
    assert_int_equal(u.ended, 0);
}

static void a_flow_pushes_back(void **state)
{
    (void)state;
    flows.put_result = 1;
    rig_say(c, MESSAGE MESSAGE);
    assert_int_equal(flows.puts, 1); /* the reader stands behind it */
    assert_true(xmb_fakehost_paused(c));
    assert_int_equal(s2_lease_held_ms(u.lease), UINT64_MAX);
    s2_link_resume(rig.w, flows.source + 1); /* somebody else's */
    assert_true(xmb_fakehost_paused(c));
    flows.put_result = 0;
    xmb_fakehost_advance(50);
    s2_link_resume(rig.w, flows.source);
    xmb_fakehost_advance(0);
    assert_false(xmb_fakehost_paused(c));
    assert_int_equal(flows.puts, 2);
    assert_int_equal(s2_lease_held_ms(u.lease), xmb_fakehost_now_ms());
}

static void no_room_in_the_flow(void **state)
{
    (void)state;
    flows.put_result = XMB_ELIMIT;
    rig_say(c, MESSAGE);
    assert_int_equal(flows.bounces, 1);
    assert_int_equal(flows.condition, S2_C_RESOURCE_CONSTRAINT);
}

/* --- policy ---------------------------------------------------------------------------------- */

static void policy_says_no(void **state)
{
    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    connect_with(RIG_DIALBACK BIDI);
    rig_say(c, VALID MESSAGE);
    assert_int_equal(flows.bounces, 1);
    assert_int_equal(flows.condition, S2_C_FORBIDDEN);
    assert_int_equal(flows.puts, 0);
    assert_int_equal(u.ended, 0); /* we may send all the same */
}

static void policy_answers_late(void **state)
{
    (void)state;
    connect_with(RIG_DIALBACK BIDI);
    xmb_fakehost_late(1);
    xmb_fakehost_feed(c, XMB_STR(VALID MESSAGE));
    assert_int_equal(flows.puts, 0);
    assert_true(xmb_fakehost_paused(c));
    xmb_fakehost_advance(0);
    assert_false(xmb_fakehost_paused(c));
    assert_int_equal(flows.puts, 1);
}

static void policy_changes_its_mind(void **state)
{
    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    s2_link_recheck(rig.w);
    rig_say(c, MESSAGE);
    assert_int_equal(flows.bounces, 1);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    s2_link_recheck(rig.w);
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
}

/* --- what the peer asks ---------------------------------------------------------------------- */

static void verify(const char *id, const char *key)
{
    char text[512];

    snprintf(text, sizeof(text), "<db:verify from='b.test' to='a.test' id='%s'>%s</db:verify>", id,
             key);
    rig_say(c, text);
}

static void keys_of_ours(void **state)
{
    (void)state;
    verify("other", rig_key(S2_OUTSIDE, "b.test", "a.test", "other"));
    has(rig_heard(c), "<db:verify from='a.test' to='b.test' id='other' type='valid'/>");
    verify("other", "wrong");
    has(rig_heard(c), "<db:verify from='a.test' to='b.test' id='other' type='invalid'/>");
    has(xmb_fakehost_log(), "somebody uses our name");
    assert_int_equal(rig.w->cells[S2_M_KEYS_RIGHT], 1);
    assert_int_equal(rig.w->cells[S2_M_KEYS_WRONG], 1);
    rig_say(c, "<db:verify from='b.test' to='x.test' id='other'>k</db:verify>");
    has(rig_heard(c), "<item-not-found ");
    rig_say(c, "<db:verify from='b.test' to='a.test'>k</db:verify>");
    assert_string_equal(rig_heard(c), "");
    assert_int_equal(u.ended, 0);
}

/* Another gateway wants to know how far we have read. */
static void a_key_that_nobody_uses(void **state)
{
    (void)state;
    verify("xmb.0123456789abcdef00001", "xmb.0123456789abcdef00001");
    has(rig_heard(c), "id='xmb.0123456789abcdef00001' type='invalid'/>");
    assert_int_equal(rig.w->cells[S2_M_KEYS_WRONG], 0);
    has_not(xmb_fakehost_log(), "somebody uses our name");
}

/* It answers pings on this very stream. */
static void we_ask_no_such_question_ourselves(void **state)
{
    (void)state;
    assert_int_equal(s2_lease_can_answer(u.lease), 0);
    assert_int_equal(s2_lease_question(u.lease, XMB_STR("Q1")), XMB_ENOSYS);
    assert_string_equal(rig_heard(c), "");
}

/* XEP-0288, 2.2: not on the connection that the key came on. */
static void the_key_of_this_very_stream(void **state)
{
    (void)state;
    verify("id1", rig_key(S2_OUTSIDE, "b.test", "a.test", "id1"));
    has(rig_heard(c), "id='id1' type='error'");
    assert_int_equal(rig.w->cells[S2_M_KEYS_RIGHT], 0);
}

static void without_bidi_nothing_is_answered(void **state)
{
    (void)state;
    rig.conf.security[S2_OUTSIDE].bidi = 0;
    connect_with(RIG_DIALBACK);
    rig_say(c, VALID);
    rig_heard(c);
    verify("other", rig_key(S2_OUTSIDE, "b.test", "a.test", "other"));
    rig_say(c, "<db:result from='b2.test' to='a.test'>key</db:result>");
    assert_string_equal(rig_heard(c), "");
}

static void a_further_pair_of_the_peer(void **state)
{
    (void)state;
    rig_say(c, "<db:result from='b2.test' to='a.test'>key</db:result>");
    has(rig_heard(c), "<db:result from='a.test' to='b2.test' type='error'>"
                      "<error type='wait'><resource-constraint ");
    rig_say(c, "<message from='v@b2.test' to='u@a.test'/>");
    ended_with("invalid-from");
}

/* Stanzas have filled the queue: an answer waits, and nothing is read meanwhile. */
static void an_answer_waits_for_room(void **state)
{
    (void)state;
    xmb_fakehost_bound(c, sizeof(MESSAGE));
    assert_int_equal(rig_send(&u, MESSAGE, NULL), 0);
    verify("other", "wrong");
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 0);
    assert_true(xmb_fakehost_paused(c));
    assert_string_equal(rig_heard(c), MESSAGE);
    xmb_fakehost_advance(0);
    has(rig_heard(c), "type='invalid'/>");
    xmb_fakehost_advance(0);
    assert_int_equal(flows.puts, 1);
    assert_false(xmb_fakehost_paused(c));
}

/* --- several pairs, and time ------------------------------------------------------------------ */

static void every_pair_is_verified_by_itself(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    has(rig_heard(c), "<db:result from='c.test' to='b.test'>");
    rig_say(c, "<db:result from='b.test' to='c.test' type='valid'/>");
    assert_int_equal(v.ready, 1);
    rig_say(c, "<message from='v@b.test' to='u@c.test'/>" MESSAGE);
    assert_int_equal(flows.puts, 2);
    assert_int_equal(flows.open, 2);
}

/* Until our end was said, at most so long. */
static void ends_within(unsigned seconds)
{
    while (strstr(rig_heard(c), "</stream:stream>") == NULL) {
        assert_true(seconds-- > 0);
        xmb_fakehost_advance(1000);
    }
    assert_null(xmb_fakehost_closed(c));
}

/* We send nothing more, and the peer does: the link stays until nobody uses it. */
static void it_lives_as_long_as_the_peer_uses_it(void **state)
{
    (void)state;
    s2_lease_close(u.lease);
    xmb_fakehost_advance(400000);
    assert_null(xmb_fakehost_closed(c));
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
    xmb_fakehost_advance(400000);
    assert_null(xmb_fakehost_closed(c));
    ends_within(205);
    rig_say(c, MESSAGE); /* sent before it saw our end */
    assert_int_equal(flows.puts, 2);
    rig_say(c, "</stream:stream>");
    assert_non_null(xmb_fakehost_closed(c));
    xmb_fakehost_advance(0);
    assert_int_equal(rig.w->links->count, 0);
}

static void a_peer_that_does_not_end_it(void **state)
{
    (void)state;
    s2_lease_close(u.lease);
    ends_within(605);
    xmb_fakehost_advance(5000);
    assert_non_null(xmb_fakehost_closed(c));
    assert_int_equal(rig.w->links->count, 0);
}

static void a_new_lease_of_the_pair_is_ready_at_once(void **state)
{
    (void)state;
    s2_lease_close(u.lease);
    xmb_fakehost_advance(1000);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(u.ready, 1);
    has_not(rig_heard(c), "db:result");
    assert_int_equal(rig_send(&u, "<message/>", NULL), 0);
    assert_string_equal(rig_heard(c), "<message/>");
}

static void the_connection_breaks(void **state)
{
    (void)state;
    rig_say(c, "<message from='v@b.test' to='u@a.te");
    xmb_fakehost_hangup(c, "reset");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.kind, S2_FAIL_LOST);
    assert_int_equal(flows.open, 0);
    s2_link_resume(rig.w, flows.source);
}

static void broken_while_it_is_stopped(void **state)
{
    (void)state;
    flows.put_result = 1;
    rig_say(c, MESSAGE);
    xmb_fakehost_hangup(c, "reset");
    xmb_fakehost_advance(0);
    assert_int_equal(flows.open, 0);
    s2_link_resume(rig.w, flows.source);
}

static void a_stanza_that_is_never_finished(void **state)
{
    unsigned i;

    (void)state;
    rig_say(c, "<message from='v@b.test' to='u@a.test'>");
    for (i = 0; i < 8; i++) {
        xmb_fakehost_advance(5000);
        rig_say(c, "x");
    }
    ended_with("connection-timeout");
}

static void the_broker_stops(void **state)
{
    (void)state;
    rig.module.drain_ms = 4000;
    s2_link_drain(link_of(), c);
    xmb_fakehost_advance(0);
    assert_null(xmb_fakehost_closed(c)); /* the flow says when it is done */
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    has(rig_heard(c), "</stream:stream>");
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
    xmb_fakehost_advance(501);
    assert_non_null(xmb_fakehost_closed(c));
}

static void note(void *arg, const struct s2_connection *conn)
{
    unsigned *seen = arg;

    (*seen)++;
    assert_int_equal(conn->bidi, 1);
    assert_int_equal(conn->stanzas_in, 1);
    assert_int_equal(conn->pair_count, 1);
    assert_string_equal(conn->pairs[0].state, "verified");
    assert_string_equal(conn->pairs[0].verified_by, "dialback");
}

static void it_is_shown(void **state)
{
    unsigned seen = 0;

    (void)state;
    rig_say(c, MESSAGE);
    s2_link_walk(rig.w, note, &seen);
    s2_lease_close(u.lease);
    s2_link_walk(rig.w, note, &seen); /* the pair is the peer's alone */
    assert_int_equal(seen, 2);
}

/* --- SASL EXTERNAL, XEP-0198 ------------------------------------------------------------------ */

static void behind_external(void **state)
{
    const char *text;

    (void)state;
    connect_with(RIG_EXTERNAL RIG_DIALBACK BIDI);
    text = rig_heard(c);
    has(text, "</bidi><auth ");
    rig_say(c, RIG_SUCCESS);
    rig_header(c, "id2");
    rig_heard(c);
    rig_features(c, RIG_DIALBACK);
    assert_int_equal(u.ready, 1);
    has_not(rig_heard(c), "bidi");
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
}

/* Stanzas may come before <enabled/>, and do not count for it. */
static void with_acknowledgements(void **state)
{
    (void)state;
    connect_with(RIG_EXTERNAL RIG_DIALBACK BIDI);
    rig_say(c, RIG_SUCCESS);
    rig_header(c, "id2");
    rig_features(c, RIG_SM);
    has(rig_heard(c), "<enable ");
    rig_say(c, MESSAGE);
    assert_int_equal(flows.puts, 1);
    assert_int_equal(u.ready, 0);
    rig_say(c, "<enabled xmlns='urn:xmpp:sm:3'/>" MESSAGE MESSAGE "<r xmlns='urn:xmpp:sm:3'/>");
    assert_int_equal(u.ready, 1);
    assert_int_equal(flows.puts, 3);
    has(rig_heard(c), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
}

static void refused_external_then_dialback(void **state)
{
    const char *text;

    (void)state;
    connect_with(RIG_EXTERNAL RIG_DIALBACK BIDI);
    rig_heard(c);
    rig_say(c, RIG_FAILURE);
    text = rig_heard(c);
    has(text, "<db:result ");
    has_not(text, "bidi");
    rig_say(c, VALID MESSAGE);
    assert_int_equal(flows.puts, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define V(f) cmocka_unit_test_setup_teardown(f, begin_verified, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(asked_for_behind_tls_before_dialback),
        T(the_old_spelling_of_the_feature),
        T(not_in_plain),
        T(not_when_it_is_off),
        T(not_when_it_is_not_on_offer),
        T(not_to_ask_about_a_key),
        V(a_stanza_is_taken),
        T(a_stanza_before_the_answer),
        T(without_bidi_it_is_refused),
        V(from_another_domain),
        V(from_a_domain_of_ours),
        V(to_another_domain),
        V(without_addresses),
        V(an_error_of_no_pair_is_ignored),
        V(malformed_addresses),
        V(answers_to_barriers_stay_here),
        T(a_large_stanza_right_behind_the_answer),
        V(a_flow_pushes_back),
        V(no_room_in_the_flow),
        T(policy_says_no),
        T(policy_answers_late),
        V(policy_changes_its_mind),
        V(keys_of_ours),
        V(a_key_that_nobody_uses),
        V(we_ask_no_such_question_ourselves),
        V(the_key_of_this_very_stream),
        T(without_bidi_nothing_is_answered),
        V(a_further_pair_of_the_peer),
        V(an_answer_waits_for_room),
        V(every_pair_is_verified_by_itself),
        V(it_lives_as_long_as_the_peer_uses_it),
        V(a_peer_that_does_not_end_it),
        V(a_new_lease_of_the_pair_is_ready_at_once),
        V(the_connection_breaks),
        V(broken_while_it_is_stopped),
        V(a_stanza_that_is_never_finished),
        V(the_broker_stops),
        V(it_is_shown),
        T(behind_external),
        T(with_acknowledgements),
        T(refused_external_then_dialback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
