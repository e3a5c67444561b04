/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_admin.c - links as they stand for long: keepalive, reload, show, clear and drain.
 */
#include "s2_link_verified.h"
#include "show.h"

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
    /* the host goes with a verified link and a dial that is open: see close_rig() */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
