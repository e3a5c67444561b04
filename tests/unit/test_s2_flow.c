/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow.c - the life of a flow between a fake stream and a fake link: order, bounds,
 * back-pressure, loss, bounces.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <string.h>

#include "admit.h"

#define IN 0  /* stream a.test -> b.test */
#define OUT 1 /* stream b.test -> a.test */

static int open_one(void **state)
{
    (void)state;
    rig_open(1);
    rig_stream_open(IN, 0, S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(OUT, 0, S2_INSIDE, "b.test", "a.test");
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

static void put(const char *id)
{
    assert_true(rig_put(IN, "message", "chat", id, 0) >= 0);
    rig_flush();
}

static struct s2_lease *out(void)
{
    return rig_lease_of("a.test", "b.test");
}

static struct s2_lease *back(void)
{
    return rig_lease_of("b.test", "a.test");
}

/* The error for `id` was written to a.test exactly so often. */
static void assert_errors(const char *id, size_t n)
{
    if (back() != NULL && back()->state == LEASE_OPENING)
        rig_ready(back());
    assert_int_equal(rig_written("b.test", "a.test", id, "error"), n);
}

static const struct rig_sent *last_on(const struct s2_lease *l)
{
    return &l->sent[l->sent_count - 1];
}

/* --- the ordinary way ------------------------------------------------------------------------ */

static void waits_then_flows_in_order(void **state)
{
    (void)state;
    put("1");
    put("2");
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
    rig_ready(out());
    put("3");
    assert_int_equal(out()->sent_count, 3);
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
    assert_string_equal(rig_attribute(out()->sent[2].text, "id"), "3");
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 3);
    assert_int_equal(rig_metric(S2_M_STANZAS_OUT), 3);
}

static void insert_stands_in_the_copy(void **state)
{
    (void)state;
    assert_int_equal(rig_put_insert(IN, "1", " xml:lang='de'"), 0);
    rig_ready(out());
    assert_string_equal(last_on(out())->text,
                        "<message xml:lang='de' from='u@a.test/r' to='v@b.test' id='1'>"
                        "</message>");
}

static void a_barrier_confirms(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    assert_true(last_on(out())->is_ping);
    assert_string_equal(rig_attribute(last_on(out())->text, "from"), "a.test");
    assert_string_equal(rig_attribute(last_on(out())->text, "to"), "b.test");
    put("2");
    rig_read_all(out(), 1); /* the answer proves 1 and nothing of 2 */
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 1);
    rig_advance(1200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
    assert_int_equal(rig_metric(S2_M_BARRIERS), 2);
    rig_advance(60000);
    assert_int_equal(rig_metric(S2_M_BARRIERS), 2); /* none while nothing is unconfirmed */
}

static void another_gateways_ping_is_not_ours(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    assert_int_equal(rig_pong(0, "c.test", "a.test", id), 1); /* ours, but c.test cannot say so */
    assert_int_equal(rig_pong(0, "b.test", "a2.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    id[10] = id[10] == '0' ? '1' : '0';
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "xmb-"), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "xmb-0123456789abcdef"), 0);
    assert_int_equal(rig_pong(0, "b.test", "a.test", "purple1"), 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
}

static void a_barrier_number_of_zero_is_none(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    put("2");
    snprintf(id, sizeof(id), "%.24s0", rig_attribute(out()->sent[1].text, "id"));
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 0);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

static void stream_management_confirms(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = 1;
    rig_ready(out());
    put("2");
    rig_advance(200);
    assert_int_equal(out()->sent_count, 2); /* no ping */
    assert_int_equal(out()->sm_asked, 1);
    out()->events->handled(out()->arg, 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    out()->events->handled(out()->arg, 2);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    put("3");
    rig_end(out(), S2_FAIL_LOST);
    assert_errors("1", 0);
    assert_errors("2", 0);
}

static void tcp_confirms_when_told_so(void **state)
{
    (void)state;
    rig_conf.confirm = S2_CONFIRM_TCP;
    put("1");
    put("2");
    rig_ready(out());
    rig_advance(1000);
    assert_int_equal(out()->sent_count, 2);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    out()->left = out()->acked = out()->sent[0].end;
    rig_advance(300);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(26000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(rig_metric(S2_M_QUEUED), 1 + 0); /* 2 never left: it waits again */
}

static void nothing_confirms_when_told_so(void **state)
{
    (void)state;
    rig_conf.confirm = S2_CONFIRM_NONE;
    put("1");
    rig_ready(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    put("2");
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void idle_lease_is_closed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_advance(599000);
    assert_non_null(out());
    rig_advance(2000);
    assert_null(out());
    put("2");
    assert_int_equal(out()->state, LEASE_OPENING);
}

/* --- it cannot be had ------------------------------------------------------------------------ */

static void fails_with(enum s2_failure_kind kind, enum s2_condition c, const char *name)
{
    put("1");
    rig_fail(out(), kind, c);
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, name));
    assert_string_equal(rig_attribute(last_on(back())->text, "to"), "u@a.test/r");
    assert_string_equal(rig_attribute(last_on(back())->text, "from"), "v@b.test");
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void no_such_domain_goes_back(void **state)
{
    (void)state;
    fails_with(S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND, "<remote-server-not-found");
}

static void invalid_dialback_goes_back(void **state)
{
    (void)state;
    fails_with(S2_FAIL_REFUSED, S2_C_INTERNAL_SERVER_ERROR, "<internal-server-error");
}

static void unreachable_goes_back_when_never_reached(void **state)
{
    (void)state;
    fails_with(S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT, "<remote-server-timeout");
}

static void unreachable_waits_when_it_flowed_a_while_ago(void **state)
{
    size_t tries;

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_end(out(), S2_FAIL_LOST);
    rig_advance(2100);
    put("2");
    rig_fail(out(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig_metric(S2_M_QUEUED), 1);
    for (tries = 0; rig_metric(S2_M_BOUNCED) == 0 && tries < 200; tries++) {
        rig_advance(500);
        if (out() != NULL)
            rig_fail(out(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    }
    assert_true(tries > 100); /* not before its 60 s */
    assert_errors("2", 1);
}

static void long_backoff_bounces_at_once(void **state)
{
    char id[16];
    int i;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms;
    for (i = 0; i < 8 && out() == NULL; i++) {
        snprintf(id, sizeof(id), "x%d", i);
        put(id);
        if (out() != NULL)
            rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    }
    put("1");
    assert_null(out());
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-not-found"));
    {
        struct s2_domain b = rig_domain("b.test");

        s2_flow_alive(&rig_worker[0], &b);
    }
    put("2");
    assert_non_null(out());
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
}

static void answers_are_dropped_and_counted(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "iq", "result", "1", 0), 0);
    assert_int_equal(rig_put(IN, "message", "error", "2", 0), 0);
    assert_int_equal(rig_put(IN, "presence", NULL, "3", 0), 0);
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    assert_int_equal(rig_metric(S2_M_BOUNCED) + rig_metric(S2_M_DROPPED), 3);
    assert_true(rig_metric(S2_M_DROPPED) >= 2);
    assert_errors("1", 0);
    assert_errors("2", 0);
    assert_non_null(strstr(xmb_fakehost_log(), "neither delivered nor answered"));
}

static void no_way_back_is_counted(void **state)
{
    (void)state;
    put("1");
    rig_open_error = XMB_ELIMIT;
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1);
    assert_int_equal(rig_metric(S2_M_DROPPED), 1); /* the error itself */
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

static void both_ways_fail_without_end(void **state)
{
    (void)state;
    put("1");
    assert_int_equal(rig_put(OUT, "message", NULL, "2", 0), 0);
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_fail(back(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    if (out() != NULL)
        rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_advance(10000);
    if (out() != NULL)
        rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_advance(10000);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 2);
    assert_int_equal(rig_metric(S2_M_DROPPED), 2);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void full_queue_bounces_the_new_one(void **state)
{
    (void)state;
    rig_conf.queue_bytes = 20000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 9000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 9000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "3", 9000), 0);
    assert_errors("3", 1);
    assert_non_null(strstr(last_on(back())->text, "<resource-constraint"));
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
}

static const char *far_name(int i)
{
    static char name[32];

    snprintf(name, sizeof(name), "d%d.test", i);
    return name;
}

/* A stanza to a domain that cannot be reached; its stream goes. What put says. */
static int one_more_fails(int i)
{
    struct s2_lease *l;
    int rc;

    rig_stream_open(10, 0, S2_OUTSIDE, "a.test", far_name(i));
    rc = rig_put(10, "message", NULL, "x", 0);
    rig_run();
    l = rig_lease_of("a.test", far_name(i));
    if (rc == 0 && l != NULL)
        rig_fail(l, S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    s2_path_close(&rig_stream[10].path);
    return rc;
}

/* The error for it is delivered. */
static void error_arrives(int i)
{
    struct s2_lease *l = rig_lease_of(far_name(i), "a.test");

    if (l == NULL)
        return;
    rig_ready(l);
    rig_leave(l, UINT64_MAX);
    rig_read_all(l, 1);
}

static const struct s2_flow *flow_to(const char *name)
{
    struct s2_domain a = rig_domain("a.test"), d = rig_domain(name);
    struct s2_route r = {S2_OUTSIDE, &a, &d};

    return s2_flow_find(&rig_worker[0], &r);
}

/* One who sends to thousands of domains that cannot be reached shuts nobody out. */
static void failed_flows_make_room(void **state)
{
    struct s2_flows *fl = rig_worker[0].flows;
    int i;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms = 3600000;
    rig_conf.confirm = S2_CONFIRM_NONE;
    fl->most = 64;
    rig_stream_open(11, 0, S2_OUTSIDE, "a.test", "opening.test");
    assert_int_equal(rig_put(11, "message", NULL, "o", 0), 0);
    rig_stream_open(12, 0, S2_OUTSIDE, "a.test", "held.test");
    assert_int_equal(rig_put(12, "message", NULL, "h", 0), 0);
    rig_fail(rig_lease_of("a.test", "held.test"), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    for (i = 0; i < 300; i++) {
        assert_int_equal(one_more_fails(i), 0);
        error_arrives(i);
        assert_true(fl->count <= fl->most);
        rig_advance(2 * S2_TICK_MS);
    }
    assert_int_equal(fl->count, 56);
    assert_non_null(flow_to("opening.test"));
    assert_non_null(flow_to("held.test"));
    assert_null(flow_to("d0.test"));
}

/* More than fit in one tick: what is too much goes back, and with the tick there is room. */
static void a_burst_of_failed_flows_ends_with_the_tick(void **state)
{
    struct s2_flows *fl = rig_worker[0].flows;
    int i, rc = 0;

    (void)state;
    rig_conf.backoff_min_ms = rig_conf.backoff_max_ms = 3600000;
    rig_conf.confirm = S2_CONFIRM_NONE;
    fl->most = 64;
    for (i = 0; i < 100 && rc == 0; i++)
        rc = one_more_fails(i);
    assert_int_equal(fl->count, 64);
    assert_null(flow_to(far_name(i)));
    rig_advance(S2_TICK_MS);
    assert_int_equal(fl->count, 56);
    assert_int_equal(one_more_fails(i), 0);
    assert_non_null(flow_to(far_name(i)));
}

static void old_ones_go_back(void **state)
{
    (void)state;
    put("1");
    rig_advance(30000);
    put("2");
    rig_advance(31000);
    assert_errors("1", 1);
    assert_errors("2", 0);
    rig_advance(200);
    rig_read_all(back(), 1);
    rig_advance(30000);
    assert_errors("2", 1);
}

static void full_link_stops_the_source(void **state)
{
    (void)state;
    put("0");
    rig_ready(out());
    out()->room_bytes = 10000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 6000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 6000), 1);
    rig_leave(out(), UINT64_MAX);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_stream[IN].resumed, 1);
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
}

static void full_window_stops_the_source(void **state)
{
    (void)state;
    rig_conf.window_bytes = 16000;
    put("0");
    rig_ready(out());
    assert_int_equal(rig_put(IN, "message", NULL, "1", 10000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 10000), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "3", 10000), 1);
    rig_advance(100); /* a barrier comes early when the window runs full */
    rig_read_all(out(), 1);
    rig_advance(100);
    rig_read_all(out(), 1);
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 1);
}

static void a_lost_lease_lets_the_source_go(void **state)
{
    (void)state;
    put("0");
    rig_ready(out());
    out()->room_bytes = 1000;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 900), 0);
    assert_int_equal(rig_put(IN, "message", NULL, "2", 900), 1);
    rig_end(out(), S2_FAIL_LOST);
    assert_int_equal(rig_stream[IN].stopped, 0);
}

static void above_the_peers_limit_goes_back(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    out()->too_big = 5000;
    assert_int_equal(rig_put(IN, "message", NULL, "2", 6000), 0);
    put("3");
    assert_errors("2", 1);
    assert_non_null(strstr(last_on(back())->text, "<policy-violation"));
    assert_null(strstr(last_on(back())->text, " by="));
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 1);
    rig_advance(200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

static void steady_path_allocates_little(void **state)
{
    char id[16];
    size_t i, before;

    (void)state;
    put("0");
    rig_ready(out());
    before = rig_slabs;
    for (i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
    }
    rig_flush();
    assert_true(rig_slabs - before <= 22); /* 300,000 octets in slabs of 16 KiB, and two small */
    before = rig_slab_bytes;
    put("lone");
    assert_true(rig_slab_bytes - before <= 1024);
}

/* One that waits must not keep the room of those for elsewhere that came in the same turn. */
static void slabs_hold_one_way_only(void **state)
{
    size_t i, before;
    char id[16];

    (void)state;
    put("0");
    rig_ready(out());
    before = rig_slab_bytes;
    for (i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
        assert_int_equal(rig_put(OUT, "message", "chat", id, 300), 0);
    }
    rig_flush();
    assert_true(rig_slab_bytes - before <= 200 * 320);
    before = rig_slab_bytes; /* and a run has at most four times what it fills */
    for (i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", "chat", id, 300), 0);
        assert_true(rig_slab_bytes - before <= 4 * (i + 1) * 320);
    }
}

/* --- loss ------------------------------------------------------------------------------------ */

static void lost_sorts_by_what_left(void **state)
{
    struct s2_lease *l;

    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1); /* 1 is confirmed */
    put("2");
    put("3");
    put("4");
    l = out();
    rig_leave(l, l->sent[2].end + 10); /* 2 and a piece of 3 */
    rig_end(l, S2_FAIL_LOST);
    assert_errors("1", 0);
    assert_errors("2", 1);
    assert_errors("3", 0);
    assert_errors("4", 0);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-timeout"));
    assert_int_equal(rig_metric(S2_M_QUEUED), 2);
    rig_advance(2200);
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
    assert_int_equal(rig_written("a.test", "b.test", "3", NULL), 2);
    assert_int_equal(rig_written("a.test", "b.test", "4", NULL), 2);
    assert_int_equal(rig_metric(S2_M_RESENT), 2);
}

static void resend_sends_again_in_order(void **state)
{
    (void)state;
    rig_conf.on_loss = S2_LOSS_RESEND;
    put("1");
    rig_ready(out());
    put("2");
    rig_leave(out(), UINT64_MAX);
    rig_end(out(), S2_FAIL_LOST);
    put("3");
    rig_advance(2200);
    rig_ready(out());
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
    assert_string_equal(rig_attribute(out()->sent[2].text, "id"), "3");
    assert_int_equal(rig_metric(S2_M_RESENT), 2);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
}

static void unconfirmed_answers_are_dropped_on_loss(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "iq", "result", "1", 0), 0);
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_end(out(), S2_FAIL_LOST);
    assert_int_equal(rig_metric(S2_M_DROPPED), 1);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void goodbye_reconnects_at_once(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(5000);
    rig_read_all(out(), 1);
    put("2");
    rig_end(out(), S2_FAIL_GOODBYE);
    assert_int_equal(out()->state, LEASE_OPENING);
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 2);
}

static void goodbye_at_once_is_no_circle(void **state)
{
    size_t i, leases = 0;

    (void)state;
    put("1");
    for (i = 0; i < 100; i++) {
        if (out() != NULL) {
            rig_ready(out());
            rig_end(out(), S2_FAIL_GOODBYE);
            leases++;
        }
        rig_advance(100);
    }
    assert_true(leases < 30); /* in 10 s */
}

static void dead_peer_is_found(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(25000);
    assert_false(out()->killed);
    rig_advance(500);
    assert_true(out()->killed);
    assert_int_equal(rig_metric(S2_M_BARRIER_TIMEOUTS), 1);
    rig_bury();
    assert_errors("1", 1);
}

static void peer_that_reads_nothing_is_found(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    out()->room_bytes = 150;
    rig_advance(27000);
    assert_true(out()->killed);
    rig_bury();
    assert_int_equal(rig_metric(S2_M_QUEUED), 1); /* it never left */
}

static void silent_peer_is_taken_by_tcp(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(10000);
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0); /* it is alive */
    rig_advance(16000);
    assert_false(out()->killed);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    out()->acked = out()->left;
    rig_advance(300);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_end(out(), S2_FAIL_LOST);
    put("2");
    rig_advance(2100);
    rig_ready(out()); /* remembered: no ping on the next either */
    rig_advance(2000);
    assert_false(last_on(out())->is_ping);
}

static void peer_that_answered_once_is_dead_when_it_stops(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_advance(2000);
    put("2");
    rig_advance(1000);
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_advance(26000);
    assert_true(out()->killed);
    rig_bury();
}

static void peer_that_we_stopped_is_not_blamed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_advance(2000);
    put("2");
    rig_advance(1000);
    assert_int_equal(rig_put(OUT, "message", NULL, "8", 0), 0);
    rig_ready(back());
    back()->room_bytes = 1;
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 1);
    rig_advance(24500);
    assert_false(out()->killed);
    rig_bury(); /* the way back is dead, and lets its source go */
    rig_advance(1000);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
}

static void late_answer_proves_nothing(void **state)
{
    char id[64];

    (void)state;
    put("1");
    rig_ready(out());
    rig_leave(out(), UINT64_MAX);
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    rig_end(out(), S2_FAIL_LOST);
    put("2");
    rig_advance(2100);
    rig_ready(out());
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1);
    rig_advance(200);
    assert_true(last_on(out())->is_ping);
    assert_int_equal(rig_pong(0, "b.test", "a.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 0);
    assert_errors("1", 1);
}

/* --- the end, and changes -------------------------------------------------------------------- */

static void drain_confirms_then_closes(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(100);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(500);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void drain_takes_nothing_new(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_ready(back());
    s2_flow_drain(&rig_worker[0], 5000);
    put("2");
    assert_errors("2", 1);
    assert_non_null(strstr(last_on(back())->text, "<remote-server-timeout"));
}

static void drain_bounces_the_rest_before_the_end(void **state)
{
    (void)state;
    put("1"); /* its lease never comes */
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    rig_ready(back());
    rig_advance(200);
    rig_read_all(back(), 1);
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(3500);
    assert_errors("1", 0);
    rig_advance(700);
    assert_errors("1", 1);
    rig_advance(100);
    rig_read_all(back(), 1);
    rig_advance(2000);
    assert_null(out());
    assert_null(back());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void drain_bounces_of_both_ways_travel(void **state)
{
    (void)state;
    put("0");
    assert_int_equal(rig_put(OUT, "message", NULL, "0", 0), 0);
    rig_ready(out());
    rig_ready(back());
    rig_advance(200);
    rig_read_all(out(), 1);
    rig_read_all(back(), 1);
    put("1");
    assert_int_equal(rig_put(OUT, "message", NULL, "9", 0), 0);
    s2_flow_drain(&rig_worker[0], 5000);
    rig_advance(4200);
    assert_errors("1", 1);
    assert_int_equal(rig_written("a.test", "b.test", "9", "error"), 1);
    rig_leave(out(), UINT64_MAX);
    rig_leave(back(), UINT64_MAX);
    out()->acked = out()->left;
    back()->acked = back()->left;
    rig_advance(2000);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_DROPPED), 0);
}

static void look_at_facts(void *arg, const struct s2_flow_facts *f)
{
    size_t *n = arg;

    if (f->to_side != S2_OUTSIDE)
        return;
    assert_string_equal(f->state, "backoff");
    assert_string_equal(f->last_error, "a test says so");
    assert_true(f->next_try_ms >= xmb_fakehost_now_ms());
    assert_int_equal(f->bounced, 1);
    assert_int_equal(f->waiting, 0);
    ++*n;
}

static void facts_for_show(void **state)
{
    size_t n = 0;

    (void)state;
    put("1");
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    s2_flow_walk(&rig_worker[0], look_at_facts, &n);
    assert_int_equal(n, 1);
}

static void a_request_that_does_not_fit_is_tried_again(void **state)
{
    (void)state;
    put("1");
    out()->has_sm = 1;
    out()->request_error = XMB_EAGAIN;
    rig_ready(out());
    rig_advance(500);
    put("2"); /* is not held up by it */
    assert_int_equal(rig_written("a.test", "b.test", "2", NULL), 1);
    out()->request_error = 0;
    rig_advance(100);
    assert_int_equal(out()->sm_asked, 1);
}

static void flows_are_forgotten(void **state)
{
    (void)state;
    put("1");
    rig_fail(out(), S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
    rig_ready(back());
    rig_advance(200);
    rig_read_all(back(), 1);
    s2_path_close(&rig_stream[IN].path);
    s2_path_close(&rig_stream[OUT].path);
    assert_int_equal(rig_worker[0].flows->count, 2);
    rig_advance(700000);
    assert_int_equal(rig_worker[0].flows->count, 0);
    assert_null(back());
}

static void what_is_left_at_the_end_is_counted(void **state)
{
    (void)state;
    put("1");
    put("2");
    s2_path_close(&rig_stream[IN].path);
    s2_path_close(&rig_stream[OUT].path);
    s2_flows_fini(&rig_worker[0]);
    assert_int_equal(rig_metric(S2_M_DROPPED), 2);
    assert_int_equal(s2_flows_init(&rig_worker[0]), 0);
}

static void denied_now_goes_back(void **state)
{
    (void)state;
    put("1");
    rig_admission = S2_ADMIT_LATER;
    s2_flow_recheck(&rig_worker[0]);
    rig_admit_late(S2_ADMIT_DENIED);
    assert_null(out());
    assert_errors("1", 1);
    assert_non_null(strstr(last_on(back())->text, "<not-allowed"));
    put("2");
    assert_errors("2", 1);
    rig_admission = S2_ADMIT_OK;
    s2_flow_recheck(&rig_worker[0]);
    put("3");
    assert_non_null(out());
}

static void denied_closes_when_confirmed(void **state)
{
    (void)state;
    put("1");
    rig_ready(out());
    rig_admission = S2_ADMIT_DENIED;
    s2_flow_recheck(&rig_worker[0]);
    assert_non_null(out());
    rig_leave(out(), UINT64_MAX);
    out()->acked = out()->left;
    rig_advance(1000);
    assert_null(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}

/* --- between workers ------------------------------------------------------------------------- */

static uint32_t owner_of(const char *foreign)
{
    struct s2_domain d = rig_domain(foreign);

    return s2_flow_owner(&rig_worker[0], &d);
}

static uint32_t other_worker(void)
{
    return (owner_of("b.test") + 1) % RIG_WORKERS;
}

static int open_three(void **state)
{
    (void)state;
    rig_open(RIG_WORKERS);
    rig_stream_open(IN, other_worker(), S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(OUT, other_worker(), S2_INSIDE, "b.test", "a.test");
    return 0;
}

static void far_stanzas_keep_order(void **state)
{
    char id[16];
    size_t i;

    (void)state;
    for (i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_int_equal(rig_put(IN, "message", NULL, id, 300), 0);
    }
    assert_null(out());
    rig_flush();
    assert_ptr_equal(out()->w, &rig_worker[owner_of("b.test")]);
    rig_ready(out());
    assert_int_equal(out()->sent_count, 50);
    for (i = 0; i < 50; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        assert_string_equal(rig_attribute(out()->sent[i].text, "id"), id);
    }
}

static void full_mailbox_stops_and_goes_on(void **state)
{
    (void)state;
    rig_full_mailbox = 1u << owner_of("b.test");
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    rig_flush();
    assert_int_equal(rig_put(IN, "message", NULL, "2", 0), 1);
    rig_flush();
    rig_advance(50);
    assert_int_equal(rig_stream[IN].stopped, 1);
    rig_full_mailbox = 0;
    rig_advance(20);
    assert_int_equal(rig_stream[IN].stopped, 0);
    rig_ready(out());
    assert_string_equal(rig_attribute(out()->sent[0].text, "id"), "1");
    assert_string_equal(rig_attribute(out()->sent[1].text, "id"), "2");
}

static void full_flow_stops_a_far_source(void **state)
{
    char id[16];
    size_t i;

    (void)state;
    rig_put(IN, "message", NULL, "0", 0);
    rig_flush();
    rig_ready(out());
    out()->room_bytes = 20000;
    for (i = 1; !rig_stream[IN].stopped && i < 500; i++) {
        snprintf(id, sizeof(id), "%zu", i);
        rig_put(IN, "message", NULL, id, 4000);
        rig_flush();
    }
    assert_true(i < 100);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    for (i = 0; i < 50; i++)
        rig_leave(out(), UINT64_MAX);
    rig_run();
    assert_int_equal(rig_stream[IN].stopped, 0);
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
}

static void far_answer_and_bounce(void **state)
{
    struct s2_domain by = rig_domain("a.test");
    struct s2_stanza s = {.kind = S2_MESSAGE, .raw = XMB_STR("<message/>")};
    char id[64];

    (void)state;
    rig_put(IN, "message", NULL, "1", 0);
    rig_flush();
    rig_ready(out());
    rig_advance(200);
    snprintf(id, sizeof(id), "%s", rig_attribute(last_on(out())->text, "id"));
    assert_int_equal(rig_pong(other_worker(), "b.test", "a.test", id), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    s.from = XMB_STR("u@a.test");
    s.to = XMB_STR("v@b.test");
    s.id = XMB_STR("far");
    s2_bounce(&rig_worker[other_worker()], S2_INSIDE, &s, S2_C_NOT_ALLOWED, &by, "no");
    rig_advance(20);
    assert_errors("far", 1);
}

static void posts_that_fail_at_the_end_are_said(void **state)
{
    (void)state;
    rig_stopped = 1;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    rig_flush();
    assert_non_null(strstr(xmb_fakehost_log(), "the broker stops"));
}

static void closed_path_leaves_its_stanzas(void **state)
{
    (void)state;
    assert_int_equal(rig_put(IN, "message", NULL, "1", 0), 0);
    s2_path_close(&rig_stream[IN].path);
    rig_flush();
    rig_ready(out());
    assert_int_equal(rig_written("a.test", "b.test", "1", NULL), 1);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, open_one, close_all)
#define THREE(f) cmocka_unit_test_setup_teardown(f, open_three, close_all)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(waits_then_flows_in_order),
        ONE(insert_stands_in_the_copy),
        ONE(a_barrier_confirms),
        ONE(another_gateways_ping_is_not_ours),
        ONE(a_barrier_number_of_zero_is_none),
        ONE(stream_management_confirms),
        ONE(tcp_confirms_when_told_so),
        ONE(nothing_confirms_when_told_so),
        ONE(idle_lease_is_closed),
        ONE(no_such_domain_goes_back),
        ONE(invalid_dialback_goes_back),
        ONE(unreachable_goes_back_when_never_reached),
        ONE(unreachable_waits_when_it_flowed_a_while_ago),
        ONE(long_backoff_bounces_at_once),
        ONE(answers_are_dropped_and_counted),
        ONE(no_way_back_is_counted),
        ONE(both_ways_fail_without_end),
        ONE(full_queue_bounces_the_new_one),
        ONE(failed_flows_make_room),
        ONE(a_burst_of_failed_flows_ends_with_the_tick),
        ONE(old_ones_go_back),
        ONE(full_link_stops_the_source),
        ONE(full_window_stops_the_source),
        ONE(a_lost_lease_lets_the_source_go),
        ONE(above_the_peers_limit_goes_back),
        ONE(steady_path_allocates_little),
        ONE(slabs_hold_one_way_only),
        ONE(lost_sorts_by_what_left),
        ONE(resend_sends_again_in_order),
        ONE(unconfirmed_answers_are_dropped_on_loss),
        ONE(goodbye_reconnects_at_once),
        ONE(goodbye_at_once_is_no_circle),
        ONE(dead_peer_is_found),
        ONE(peer_that_reads_nothing_is_found),
        ONE(silent_peer_is_taken_by_tcp),
        ONE(peer_that_answered_once_is_dead_when_it_stops),
        ONE(peer_that_we_stopped_is_not_blamed),
        ONE(late_answer_proves_nothing),
        ONE(drain_confirms_then_closes),
        ONE(drain_takes_nothing_new),
        ONE(drain_bounces_the_rest_before_the_end),
        ONE(drain_bounces_of_both_ways_travel),
        ONE(facts_for_show),
        ONE(a_request_that_does_not_fit_is_tried_again),
        ONE(flows_are_forgotten),
        ONE(what_is_left_at_the_end_is_counted),
        ONE(denied_now_goes_back),
        ONE(denied_closes_when_confirmed),
        THREE(far_stanzas_keep_order),
        THREE(full_mailbox_stops_and_goes_on),
        THREE(full_flow_stops_a_far_source),
        THREE(far_answer_and_bounce),
        THREE(posts_that_fail_at_the_end_are_said),
        THREE(closed_path_leaves_its_stanzas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
