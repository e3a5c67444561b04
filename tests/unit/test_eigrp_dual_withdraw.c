/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual_withdraw.c - what a withdrawal does to the ways of a service: those of before it
 * count as none, so that it costs a mesh a few messages a link; and whoever offers one is told, so
 * that an originator whose numbers fell is found again at once.
 */
#include "eigrp_dual_rig.h"
#include "eigrp_dual_sim.h"

#include <string.h>

#define UPDATE SE_DUAL_UPDATE
#define QUERY SE_DUAL_QUERY
#define REPLY SE_DUAL_REPLY
#define REQUEST SE_DUAL_REQUEST

/* Neighbour 0, who has it at 100, says that it was withdrawn with 101, and nobody else has it. */
static void withdraw_at_101(struct rig *r)
{
    rig_hear(r, UPDATE, 0, 10);
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, QUERY, 0, RIG_LOST);
    r->is_withdrawn = 0;
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    rig_clear(r);
}

static void offer_of(struct rig *r, enum se_dual_message kind, unsigned peer,
                     struct se_dual_offer *out)
{
    se_dual_offer(r->d, rig_entry(r), kind, peer, peer, out);
}

/* --- ways that count as none ------------------------------------------------------------------ */

static void a_copy_of_before_is_not_believed(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 1, 10);
    rig_clear(r);
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, QUERY, 0, RIG_LOST); /* 1 would be feasible */
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE3);
    assert_sent(r, "query 1 unreachable; query 2 unreachable; query 3 unreachable");
    rig_clear(r);
    r->is_withdrawn = 0;
    r->sequence = 100;
    rig_hear(r, REPLY, 1, 10); /* it had not heard when it answered */
    r->sequence = 101;
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    assert_int_equal(rig_entry(r)->successor, SE_DUAL_NONE);
    assert_sent(r, "request 1; reply 0 unreachable");
    rig_free(r);
}

/* What it was told while active was frozen before: of what is gone. */
static void a_frozen_distance_of_before_is_not_offered(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    rig_clear(r);
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, QUERY, 1, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE0);
    assert_sent(r, "reply 1 unreachable; request 0");
    rig_offer(r, 2, &offer);
    assert_true(offer.is_withdrawn);
    assert_int_equal(offer.sequence, 101);
    rig_free(r);
}

/* Something newer came by another way: the originator is there, and so is the old way. */
static void ways_of_before_count_again_with_newer_content(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    withdraw_at_101(r);
    r->sequence = 100;
    rig_hear(r, UPDATE, 1, 10);
    assert_int_equal(rig_entry(r)->successor, SE_DUAL_NONE);
    r->sequence = 102;
    rig_hear(r, UPDATE, 2, 50);
    assert_string_equal(r->routed, "installed");
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_free(r);
}

static void of_two_originators_the_other_lives(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 3, 10);
    r->origin = 78;
    r->sequence = 7;
    rig_hear(r, UPDATE, 1, 5);
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_clear(r);
    r->origin = RIG_ORIGIN;
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, UPDATE, 0, RIG_LOST);
    assert_int_equal(rig_entry(r)->successor, 1);
    assert_string_equal(r->routed, "");
    assert_sent(r, "request 3"); /* nobody was asked, so it has to be told */
    offer_of(r, REQUEST, 3, &offer);
    assert_int_equal(offer.origin, RIG_ORIGIN); /* of the one that it has, not of ours */
    assert_int_equal(offer.sequence, 101);
    rig_free(r);
}

/* --- numbers that fell ------------------------------------------------------------------------ */

/* We learned it from its new life, and then meet one who remembers the old one. */
static void the_successor_is_told_of_the_number(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, QUERY, 1, RIG_LOST);
    assert_sent(r, "query 1 unreachable; query 2 unreachable; query 3 unreachable; "
                   "reply 1 unreachable; request 0");
    offer_of(r, REQUEST, 0, &offer);
    assert_int_equal(offer.sequence, 101);
    rig_free(r);
}

/* A request is handed on to where the way leads, and the originator comes out above it. */
static void the_number_reaches_the_originator(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer before, after;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->sequence = 101;
    rig_hear(r, REQUEST, 1, RIG_LOST);
    assert_sent(r, "request 0");
    rig_free(r);
    r = rig_new(NULL);
    rig_publish(r, 1, 0);
    rig_offer(r, 0, &before);
    rig_clear(r);
    r->origin = RIG_OWN_ID;
    r->sequence = before.sequence + 1000;
    rig_hear(r, REQUEST, 1, RIG_LOST);
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    rig_offer(r, 0, &after);
    assert_true(se_seq_newer(after.sequence, r->sequence));
    rig_free(r);
}

/* In a mesh, with a clock two months slow: everybody has it again without a tombstone's end. */
static void an_originator_whose_clock_went_back_is_found_at_once(void **state)
{
    struct sim_options o = {.nodes = 10, .services = 1, .hops_max = 100, .is_late = 1};
    uint64_t seed, since_ms;
    struct sim *s;
    unsigned i;

    (void)state;
    for (seed = 1; seed <= 200; seed++) {
        s = sim_new(seed, &o);
        sim_random_topology(s);
        sim_publish(s, 0, 0, 1);
        sim_run(s);
        sim_withdraw(s, 0, 0);
        sim_run(s);
        sim_node_down(s, 0);
        sim_clock_back(s, 0, UINT64_C(5000000000));
        sim_run(s);
        since_ms = sim_now_ms(s);
        sim_node_up(s, 0);
        sim_publish(s, 0, 0, 1);
        sim_run(s);
        for (i = 1; i < o.nodes; i++)
            assert_int_equal(sim_shown(s, i, 0), sim_payload(s, 0, 0));
        assert_true(sim_now_ms(s) - since_ms < 60000);
        sim_check(s);
        sim_check_empty(s);
        sim_free(s);
    }
}

/* --- originators of another make -------------------------------------------------------------- */

static void the_number_of_the_withdrawal_lives(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    withdraw_at_101(r);
    r->is_trimmed = 1;
    rig_hear(r, UPDATE, 0, 10); /* again with 101; the data is asked for */
    assert_sent(r, "request 0");
    assert_int_equal(rig_entry(r)->successor, 0);
    assert_string_equal(r->routed, "");
    rig_clear(r);
    r->is_trimmed = 0;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_sent(r, "update 1 11; update 2 11; update 3 11");
    rig_free(r);
}

/* One that neither remembers its numbers nor listens. */
static void lower_numbers_are_believed_in_the_end(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    withdraw_at_101(r);
    r->sequence = 3;
    rig_hear(r, UPDATE, 0, 10);
    rig_at(r, 200000);
    rig_hear(r, UPDATE, 0, 10); /* it does not make the withdrawal last longer */
    rig_at(r, 360999);
    assert_int_equal(rig_entry(r)->successor, SE_DUAL_NONE);
    rig_clear(r);
    rig_at(r, 361000);
    assert_int_equal(rig_entry(r)->successor, 0);
    assert_sent(r, "update 1 11; update 2 11; update 3 11; request 0");
    rig_hear(r, UPDATE, 0, 10); /* the answer */
    assert_string_equal(r->routed, "installed");
    rig_hear(r, UPDATE, 0, RIG_LOST);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    rig_at(r, 900000);
    assert_int_equal(se_dual_counts(r->d)->entries, 0);
    rig_free(r);
}

/* --- what it costs ---------------------------------------------------------------------------- */

static unsigned full_mesh(struct sim *s, unsigned nodes)
{
    unsigned a, b;

    for (a = 0; a < nodes; a++)
        for (b = 0; b < a; b++)
            sim_segment(s, (unsigned[]){a, b}, 2);
    return nodes * (nodes - 1) / 2;
}

/* A torus of three rows: each node has four links. */
static unsigned torus(struct sim *s, unsigned columns)
{
    unsigned i, n = 3 * columns;

    for (i = 0; i < n; i++) {
        sim_segment(s, (unsigned[]){i, (i + columns) % n}, 2);
        sim_segment(s, (unsigned[]){i, i / columns * columns + (i + 1) % columns}, 2);
    }
    return 2 * n;
}

/* Queries and replies of both ends of a link at most, in whatever order they come. */
static void check_cost(uint64_t seed, const struct sim_options *o, int is_torus)
{
    struct sim *s = sim_new(seed, o);
    unsigned links = is_torus ? torus(s, o->nodes / 3) : full_mesh(s, o->nodes);
    uint64_t before;
    unsigned i;

    sim_publish(s, 0, 0, 1);
    sim_run(s);
    before = sim_counts(s)->messages;
    sim_withdraw(s, 0, 0);
    sim_run(s);
    for (i = 0; i < o->nodes; i++)
        assert_int_equal(sim_shown(s, i, 0), 0);
    if (sim_counts(s)->messages - before > 4u * links)
        fail_msg("seed %llu: %llu messages for a withdrawal, of %u nodes and %u links",
                 (unsigned long long)seed, (unsigned long long)(sim_counts(s)->messages - before),
                 o->nodes, links);
    sim_check(s);
    sim_free(s);
}

static void a_withdrawal_costs_four_messages_a_link(void **state)
{
    struct sim_options o = {.services = 1, .hops_max = 100};
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= 300; seed++) {
        o.is_late = (int)(seed & 1);
        for (o.nodes = 3; o.nodes <= 8; o.nodes++)
            check_cost(seed, &o, 0);
        for (o.nodes = 9; o.nodes <= 12; o.nodes += 3)
            check_cost(seed, &o, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_of_before_is_not_believed),
        cmocka_unit_test(a_frozen_distance_of_before_is_not_offered),
        cmocka_unit_test(ways_of_before_count_again_with_newer_content),
        cmocka_unit_test(of_two_originators_the_other_lives),
        cmocka_unit_test(the_successor_is_told_of_the_number),
        cmocka_unit_test(the_number_reaches_the_originator),
        cmocka_unit_test(an_originator_whose_clock_went_back_is_found_at_once),
        cmocka_unit_test(the_number_of_the_withdrawal_lives),
        cmocka_unit_test(lower_numbers_are_believed_in_the_end),
        cmocka_unit_test(a_withdrawal_costs_four_messages_a_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
