/* SPDX-License-Identifier: MIT */
/*
 * test_s2_bidi_flow.c - flows that use a stream of the peer in reverse (XEP-0288; reverse.h), over
 * several workers: when they move to the worker of that stream, when they come back, and that
 * nothing is lost on the way. Between fake links, as test_s2_flow.c.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "component.h"
#include "reverse.h"

#define ANY_LINK ((struct s2_link *)(void *)rig_worker) /* nobody follows it here */

static uint32_t home, there; /* worker of a.test to b.test, and another one */

static int begin(void **state)
{
    struct s2_domain b = rig_domain("b.test");

    (void)state;
    rig_open(RIG_WORKERS);
    rig_worker[0].module->reverses = s2_reverses_new();
    rig_worker[0].module->components = s2_components_new();
    home = s2_flow_owner(&rig_worker[0], &b);
    there = (home + 1) % RIG_WORKERS;
    rig_stream_open(0, home, S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(1, (home + 2) % RIG_WORKERS, S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(2, home, S2_INSIDE, "b.test", "a.test");
    return 0;
}

static int end(void **state)
{
    struct s2_module *m = rig_worker[0].module;

    (void)state;
    rig_close();
    s2_reverses_free(m->reverses);
    s2_components_free(m->components);
    return 0;
}

/* Nobody is told. */
static struct s2_reverse *open_on(uint32_t on)
{
    struct s2_domain a = rig_domain("a.test"), b = rig_domain("b.test");
    struct s2_reverse *r = NULL;

    assert_int_equal(s2_reverse_open(&rig_worker[on], S2_OUTSIDE, &a, &b, ANY_LINK, &r), 0);
    return r;
}

static struct s2_reverse *offer(uint32_t on)
{
    struct s2_domain a = rig_domain("a.test"), b = rig_domain("b.test");
    struct s2_reverse *r = open_on(on);

    s2_flow_offered(&rig_worker[on], S2_OUTSIDE, &a, &b);
    rig_run();
    return r;
}

static void withdraw(uint32_t on, struct s2_reverse *r)
{
    s2_reverse_close(&rig_worker[on], r);
}

static void put(size_t stream, const char *id)
{
    assert_int_equal(rig_put(stream, "message", "chat", id, 0), 0);
    rig_flush();
    rig_run();
}

static uint32_t worker_of(const struct s2_lease *l)
{
    assert_non_null(l);
    return l->w->index;
}

static struct s2_lease *lease(void)
{
    return rig_lease_of("a.test", "b.test");
}

/* Ready, and what was written leaves and is read and confirmed. */
static void deliver(struct s2_lease *l)
{
    rig_ready(l);
    rig_advance(1200);
    rig_read_all(l, 1);
    rig_run();
}

/* --- the table ------------------------------------------------------------------------------- */

static void the_table(void **state)
{
    struct s2_module *m = rig_worker[0].module;
    struct s2_domain a = rig_domain("a.test"), b = rig_domain("b.test"), c = rig_domain("c.test");
    struct s2_reverse *first, *second;
    uint32_t index = 99;

    (void)state;
    assert_int_equal(s2_reverse_claim(m, S2_OUTSIDE, &a, &b), 0);
    first = open_on(1);
    second = open_on(2);
    assert_int_equal(s2_reverse_owner(m, S2_OUTSIDE, &a, &b, &index), 0); /* not claimed */
    assert_ptr_equal(s2_reverse_link(&rig_worker[1], S2_OUTSIDE, &a, &b), ANY_LINK);
    assert_null(s2_reverse_link(&rig_worker[0], S2_OUTSIDE, &a, &b));
    assert_null(s2_reverse_link(&rig_worker[1], S2_INSIDE, &a, &b));
    assert_null(s2_reverse_link(&rig_worker[1], S2_OUTSIDE, &c, &b));
    assert_int_equal(s2_reverse_claim(m, S2_OUTSIDE, &a, &c), 0);
    assert_int_equal(s2_reverse_claim(m, S2_OUTSIDE, &a, &b), 1);
    assert_int_equal(s2_reverse_owner(m, S2_OUTSIDE, &a, &b, &index), 1);
    assert_int_equal(index, 1); /* the first that offered */
    withdraw(1, first);
    assert_int_equal(s2_reverse_owner(m, S2_OUTSIDE, &a, &b, &index), 1);
    assert_int_equal(index, 2);
    withdraw(2, second);
    assert_int_equal(s2_reverse_owner(m, S2_OUTSIDE, &a, &b, &index), 0);
    first = open_on(1);
    assert_int_equal(s2_reverse_owner(m, S2_OUTSIDE, &a, &b, &index), 0); /* until it is again */
    withdraw(1, first);
}

/* --- there ----------------------------------------------------------------------------------- */

static void a_quiet_flow_moves(void **state)
{
    struct s2_reverse *r = offer(there);

    (void)state;
    put(0, "m1");
    assert_int_equal(worker_of(lease()), there);
    put(0, "m2");
    put(1, "m3");
    deliver(lease());
    assert_int_equal(rig_written("a.test", "b.test", "m1", NULL), 1);
    assert_int_equal(rig_written("a.test", "b.test", "m2", NULL), 1);
    assert_int_equal(rig_written("a.test", "b.test", "m3", NULL), 1);
    assert_int_equal(rig_lease_count, 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 3);
    withdraw(there, r);
}

static void put_numbered(unsigned first, unsigned end)
{
    char id[16];

    for (; first < end; first++) {
        snprintf(id, sizeof(id), "o%u", first);
        assert_true(rig_put(1, "message", "chat", id, 0) >= 0);
        s2_path_flush(rig_stream[1].path.w);
    }
}

/* Stanzas that are on their way to the old owner when it moves stay ahead of those that follow. */
static void the_order_is_kept(void **state)
{
    struct s2_reverse *r = open_on(there); /* claimed with the first stanza only */
    unsigned i, n = 0;
    char id[16];

    (void)state;
    put_numbered(0, 5); /* these have not arrived */
    assert_int_equal(rig_put(0, "message", "chat", "claims", 0), 0);
    put_numbered(5, 50);
    rig_run();
    put_numbered(50, 60);
    rig_run();
    assert_int_equal(worker_of(lease()), there);
    assert_int_equal(rig_stream[1].path.port->owner, there); /* straight, by now */
    rig_ready(lease());
    assert_int_equal(lease()->sent_count, 61);
    for (i = 0; i < 61; i++) {
        if (strcmp(rig_attribute(lease()->sent[i].text, "id"), "claims") == 0)
            continue;
        snprintf(id, sizeof(id), "o%u", n++);
        assert_string_equal(rig_attribute(lease()->sent[i].text, "id"), id);
    }
    withdraw(there, r);
}

static void on_its_own_worker_nothing_moves(void **state)
{
    struct s2_reverse *r = offer(home);

    (void)state;
    put(0, "m1");
    put(1, "m2");
    assert_int_equal(worker_of(lease()), home);
    deliver(lease());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 2);
    withdraw(home, r);
}

static void a_flow_with_a_stream_of_ours_stays(void **state)
{
    struct s2_reverse *r;

    (void)state;
    put(0, "m1");
    deliver(lease());
    r = offer(there);
    put(0, "m2");
    put(1, "m3");
    assert_int_equal(worker_of(lease()), home);
    assert_int_equal(rig_written("a.test", "b.test", "m3", NULL), 1);
    rig_end(lease(), S2_FAIL_GOODBYE);
    put(0, "m4");
    assert_int_equal(worker_of(lease()), there);
    deliver(lease());
    assert_int_equal(rig_written("a.test", "b.test", "m4", NULL), 1);
    withdraw(there, r);
}

/* Idle is enough. */
static void until_it_is_idle(void **state)
{
    struct s2_reverse *r;

    (void)state;
    put(0, "m1");
    deliver(lease());
    r = offer(there);
    rig_advance(601000);
    assert_null(lease());
    put(0, "m2");
    assert_int_equal(worker_of(lease()), there);
    withdraw(there, r);
}

/* What waits for a dial that fails, or for its next try, goes too. */
static void a_peer_that_we_cannot_reach(void **state)
{
    struct s2_reverse *r;

    (void)state;
    put(0, "m1");
    r = offer(there);
    assert_int_equal(worker_of(lease()), home); /* it may come through yet */
    rig_fail(lease(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    rig_run();
    assert_int_equal(worker_of(lease()), there);
    deliver(lease());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    withdraw(there, r);
}

static void backoff_ends_with_an_offer(void **state)
{
    struct s2_reverse *r;

    (void)state;
    put(0, "m1");
    deliver(lease());
    rig_end(lease(), S2_FAIL_LOST);
    put(0, "m2"); /* it waits */
    assert_null(lease());
    r = offer(there);
    assert_int_equal(worker_of(lease()), there);
    deliver(lease());
    assert_int_equal(rig_written("a.test", "b.test", "m2", NULL), 1);
    withdraw(there, r);
}

/* --- and back -------------------------------------------------------------------------------- */

static void the_stream_is_lost(void **state)
{
    struct s2_reverse *r = offer(there);
    struct s2_lease *l;

    (void)state;
    put(0, "m1");
    l = lease();
    rig_ready(l);
    l->room_bytes = l->written - l->left; /* m1 is in the queue, and nothing more fits */
    rig_leave(l, l->written);
    l->room_bytes = 0;
    put(0, "m2");
    put(1, "m3");
    withdraw(there, r);
    rig_end(l, S2_FAIL_LOST);
    rig_run();
    assert_int_equal(worker_of(lease()), home); /* at once */
    rig_ready(lease());
    assert_int_equal(rig_written("a.test", "b.test", "m1", NULL), 1);
    assert_int_equal(rig_metric(S2_M_BOUNCED), 1); /* m1: it left, and was not confirmed */
    put(1, "m4");
    assert_string_equal(rig_attribute(lease()->sent[0].text, "id"), "m2");
    assert_string_equal(rig_attribute(lease()->sent[1].text, "id"), "m3");
    assert_string_equal(rig_attribute(lease()->sent[2].text, "id"), "m4");
}

/* It was reached a moment ago, in reverse: stanzas wait for it to come back. */
static void a_peer_behind_nat_comes_back(void **state)
{
    struct s2_reverse *r = offer(there);

    (void)state;
    put(0, "m1");
    deliver(lease());
    withdraw(there, r);
    rig_end(lease(), S2_FAIL_LOST);
    rig_run();
    put(0, "m2");
    assert_int_equal(worker_of(lease()), home);
    rig_fail(lease(), S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
    rig_run();
    assert_int_equal(rig_metric(S2_M_BOUNCED), 0);
    r = offer((there + 1) % RIG_WORKERS);
    assert_int_equal(worker_of(lease()), (there + 1) % RIG_WORKERS);
    deliver(lease());
    assert_int_equal(rig_written("a.test", "b.test", "m2", NULL), 1);
    withdraw((there + 1) % RIG_WORKERS, r);
}

static void the_next_offer_follows(void **state)
{
    struct s2_reverse *r = offer(there), *other = offer((there + 1) % RIG_WORKERS);

    (void)state;
    put(0, "m1");
    deliver(lease());
    withdraw(there, r);
    rig_end(lease(), S2_FAIL_GOODBYE);
    put(0, "m2");
    assert_int_equal(worker_of(lease()), (there + 1) % RIG_WORKERS);
    withdraw((there + 1) % RIG_WORKERS, other);
}

/* --- answers --------------------------------------------------------------------------------- */

/* The pong comes in on any worker. */
static void confirmed_from_anywhere(void **state)
{
    struct s2_reverse *r = offer(there);
    char id[64];

    (void)state;
    put(0, "m1");
    rig_ready(lease());
    rig_advance(1200);
    snprintf(id, sizeof(id), "%s", rig_attribute(lease()->sent[1].text, "id"));
    assert_int_equal(rig_pong(home, "b.test", "a.test", id), 1);
    rig_run();
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    withdraw(there, r);
}

/* Its connection is not read, as what the peer sends cannot go on: no reason to give it up. */
static void while_the_stream_is_stopped(void **state)
{
    struct s2_reverse *r = offer(there);
    struct s2_lease *l;

    (void)state;
    put(0, "m1");
    l = lease();
    rig_ready(l);
    l->held_ms = UINT64_MAX;
    rig_advance(30000);
    assert_int_equal(l->killed, 0);
    put(0, "m2");
    assert_int_equal(rig_written("a.test", "b.test", "m2", NULL), 1); /* not held either */
    l->held_ms = xmb_fakehost_now_ms();
    rig_advance(1000);
    rig_read_all(l, 1);
    rig_run();
    rig_advance(20000);
    rig_read_all(l, 1);
    assert_int_equal(l->killed, 0);
    withdraw(there, r);
}

/* The same where the peer answers on another stream, whose flow is full on another worker. */
static void while_the_other_way_is_full_elsewhere(void **state)
{
    struct s2_reverse *r = offer(there);
    struct s2_lease *out, *in;
    unsigned i;

    (void)state;
    put(2, "q0");
    in = rig_lease_of("b.test", "a.test");
    assert_int_equal(worker_of(in), home);
    rig_ready(in);
    in->room_bytes = 0;
    assert_int_equal(rig_put(2, "message", "chat", "q1", 0), 1); /* full, and it stays so */
    put(0, "m1");
    out = lease();
    rig_ready(out);
    for (i = 0; i < 10; i++) {
        rig_advance(1000);
        rig_run();
    }
    put(0, "m2");
    assert_int_equal(rig_written("a.test", "b.test", "m2", NULL), 1); /* not held */
    withdraw(there, r);
}

/* --- at random ------------------------------------------------------------------------------- */

static uint64_t dice;

static uint32_t draw(uint32_t n)
{
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(dice >> 33) % n;
}

/* The server inside is always there, so that errors arrive. */
static void serve_inside(void)
{
    struct s2_lease *l = rig_lease_of("b.test", "a.test");

    if (l != NULL && l->state == LEASE_OPENING)
        rig_ready(l);
    if (l != NULL && l->state == LEASE_READY)
        rig_read_all(l, 1);
}

static void step(struct s2_reverse **offers, unsigned *number)
{
    uint32_t on = draw(RIG_WORKERS);
    struct s2_lease *l = lease();
    char id[16];

    switch (draw(8)) {
    case 0:
        if (offers[on] == NULL)
            offers[on] = offer(on);
        break;
    case 1:
        if (offers[on] != NULL)
            withdraw(on, offers[on]);
        if (offers[on] != NULL && l != NULL && l->w->index == on && l->state == LEASE_READY)
            rig_end(l, draw(2) == 0 ? S2_FAIL_LOST : S2_FAIL_GOODBYE);
        offers[on] = NULL;
        break;
    case 2:
        if (l != NULL && l->state == LEASE_OPENING && draw(3) == 0)
            rig_fail(l, S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
        else if (l != NULL && l->state == LEASE_OPENING)
            rig_ready(l);
        break;
    case 3:
        if (l != NULL && l->state == LEASE_READY)
            rig_read_all(l, 1);
        break;
    case 4:
        rig_advance(draw(2000));
        break;
    default:
        snprintf(id, sizeof(id), "r%u", ++*number);
        (void)rig_put(draw(2), "message", "chat", id, 0);
        rig_flush();
        break;
    }
    if (draw(3) == 0)
        rig_run();
    serve_inside();
    rig_bury();
}

static struct s2_lease *any_open(void)
{
    size_t i;

    for (i = 0; i < rig_lease_count; i++)
        if (rig_lease[i]->state == LEASE_OPENING)
            return rig_lease[i];
    return NULL;
}

/* Everything is read, on whatever lease. */
static void settle(void)
{
    struct s2_lease *l;
    unsigned round;
    size_t i;

    for (round = 0; round < 800; round++) {
        rig_run();
        rig_flush();
        rig_advance(100);
        while ((l = any_open()) != NULL)
            rig_ready(l);
        for (i = 0; i < rig_lease_count; i++)
            if (rig_lease[i]->state == LEASE_READY)
                rig_read_all(rig_lease[i], 1);
    }
}

/* Each was written to b.test, or its error to a.test; books are even. */
static void nothing_is_lost(void **state)
{
    struct s2_reverse *offers[RIG_WORKERS];
    unsigned seed, n, i, on;
    char id[16];

    for (seed = 1; seed <= 30; seed++) {
        if (seed > 1)
            begin(state);
        dice = seed;
        n = 0;
        memset(offers, 0, sizeof(offers));
        for (i = 0; i < 600; i++)
            step(offers, &n);
        settle();
        for (i = 1; i <= n; i++) {
            snprintf(id, sizeof(id), "r%u", i);
            if (rig_written("a.test", "b.test", id, NULL) +
                    rig_written("b.test", "a.test", id, "error") == 0)
                fail_msg("seed %u: nothing was heard of stanza %s of %u", seed, id, n);
        }
        assert_int_equal(rig_metric(S2_M_QUEUED), 0);
        assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
        assert_int_equal(rig_metric(S2_M_DROPPED), 0);
        for (on = 0; on < RIG_WORKERS; on++)
            if (offers[on] != NULL)
                withdraw(on, offers[on]);
        if (seed < 30)
            end(state);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_table),
        T(a_quiet_flow_moves),
        T(the_order_is_kept),
        T(on_its_own_worker_nothing_moves),
        T(a_flow_with_a_stream_of_ours_stays),
        T(until_it_is_idle),
        T(a_peer_that_we_cannot_reach),
        T(backoff_ends_with_an_offer),
        T(the_stream_is_lost),
        T(a_peer_behind_nat_comes_back),
        T(the_next_offer_follows),
        T(confirmed_from_anywhere),
        T(while_the_stream_is_stopped),
        T(while_the_other_way_is_full_elsewhere),
        T(nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
