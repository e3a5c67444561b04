/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual.c - every transition of DUAL's state machine (RFC 7868, 3.5) by its number, and
 * what is sent on the way.
 *
 * Every test of a transition begins in one network: neighbour 0 says 10 and is the successor, which
 * makes 11; neighbour 1 says 50, which is not feasible; 2 and 3 know nothing. Links cost 1.
 */
#include "eigrp_dual_rig.h"

#include <stdio.h>
#include <string.h>

#define UPDATE SE_DUAL_UPDATE
#define QUERY SE_DUAL_QUERY
#define REPLY SE_DUAL_REPLY
#define LINK 100 /* the cost of the neighbour's link becomes the distance */
#define DOWN 101 /* the neighbour is gone */

struct input {
    unsigned kind, peer, distance_us;
};

struct transition {
    const char *name;
    struct input before[6]; /* from the beginning, kind 0 ends */
    unsigned from;
    struct input input;
    const char *events; /* the last is what it is about */
    unsigned next;
    const char *sent;
    unsigned successor;
    unsigned distance_us; /* reported */
    unsigned feasible_us; /* 0: infinite */
};

#define NO_ONE SE_DUAL_NONE
#define P SE_DUAL_PASSIVE
#define A0 SE_DUAL_ACTIVE0
#define A1 SE_DUAL_ACTIVE1
#define A2 SE_DUAL_ACTIVE2
#define A3 SE_DUAL_ACTIVE3

/* Ways into the active states. */
#define INTO_A1 {UPDATE, 0, 100}
#define INTO_A0 INTO_A1, {UPDATE, 0, 200}
#define INTO_A3 {QUERY, 0, 100}
#define INTO_A2 INTO_A3, {UPDATE, 0, 200}
#define INTO_A2_OWN INTO_A1, {QUERY, 0, 150}

static const struct transition transitions[] = {
    {"1_query_of_another_is_answered", {{0}}, P, {QUERY, 1, 60}, "1", P, "reply 1 11", 0, 11, 11},
    {"1_query_of_another_that_lost_it", {{0}}, P, {QUERY, 1, RIG_LOST}, "1", P, "reply 1 11", 0, 11,
     11},
    {"1_query_with_a_nearer_distance", {{0}}, P, {QUERY, 1, 5}, "1", P,
     "reply 1 unreachable; update 0 6; update 2 6; update 3 6", 1, 6, 6},
    {"2_successor_nearer", {{0}}, P, {UPDATE, 0, 8}, "2", P,
     "update 1 9; update 2 9; update 3 9", 0, 9, 9},
    {"2_successor_farther_and_still_feasible", {{0}}, P, {LINK, 0, 20}, "2", P,
     "update 1 30; update 2 30; update 3 30", 0, 30, 11},
    {"2_feasible_successor_takes_over", {{UPDATE, 1, 10}}, P, {UPDATE, 0, 100}, "2", P,
     "update 0 11; update 1 unreachable", 1, 11, 11},
    {"2_feasible_successor_after_death", {{UPDATE, 1, 10}}, P, {DOWN, 0, 0}, "2", P,
     "update 1 unreachable", 1, 11, 11},
    {"2_other_neighbour_farther", {{0}}, P, {UPDATE, 1, 90}, "2", P, "", 0, 11, 11},
    {"2_query_of_successor_with_feasible", {{UPDATE, 1, 10}}, P, {QUERY, 0, 100}, "2", P,
     "reply 0 11; update 1 unreachable", 1, 11, 11},
    {"3_query_of_successor", {{0}}, P, {QUERY, 0, 100}, "3", A3,
     "query 1 101; query 2 101; query 3 101", 0, 101, 11},
    {"3_query_of_successor_that_lost_it", {{0}}, P, {QUERY, 0, RIG_LOST}, "3", A3,
     "query 1 unreachable; query 2 unreachable; query 3 unreachable", 0, 0, 11},
    {"4_update_farther", {{0}}, P, {UPDATE, 0, 100}, "4", A1,
     "query 1 101; query 2 101; query 3 101", 0, 101, 11},
    {"4_update_unreachable", {{0}}, P, {UPDATE, 0, RIG_LOST}, "4", A1,
     "query 1 unreachable; query 2 unreachable; query 3 unreachable", 0, 0, 11},
    {"4_link_dearer", {{0}}, P, {LINK, 0, 90}, "4", A1, "query 1 100; query 2 100; query 3 100", 0,
     100, 11},
    {"4_successor_died", {{0}}, P, {DOWN, 0, 0}, "4", A1,
     "query 1 unreachable; query 2 unreachable; query 3 unreachable", NO_ONE, 0, 11},
    {"4_only_an_infeasible_one_is_nearer", {{LINK, 0, 40}}, P, {UPDATE, 1, 30}, "4", A1,
     "query 1 50; query 2 50; query 3 50", 0, 50, 11},
    {"5_query_of_successor_in_0", {INTO_A0}, A0, {QUERY, 0, 300}, "5", A2, "", 0, 101, 11},
    {"5_query_of_successor_in_1", {INTO_A1}, A1, {QUERY, 0, 150}, "5", A2, "", 0, 101, 11},
    {"5_second_query_of_successor_in_2", {INTO_A2}, A2, {QUERY, 0, 300}, "5", A2, "", 0, 101, 11},
    {"6_query_in_0", {INTO_A0}, A0, {QUERY, 2, 7}, "6", A0, "reply 2 101", 0, 101, 11},
    {"6_query_in_1", {INTO_A1}, A1, {QUERY, 2, 7}, "6", A1, "reply 2 101", 0, 101, 11},
    {"6_query_in_2", {INTO_A2}, A2, {QUERY, 2, 7}, "6", A2, "reply 2 101", 0, 101, 11},
    {"6_query_in_3", {INTO_A3}, A3, {QUERY, 2, 7}, "6", A3, "reply 2 101", 0, 101, 11},
    {"7_update_in_0", {INTO_A0}, A0, {UPDATE, 1, 4}, "7", A0, "", 0, 101, 11},
    {"7_update_in_1", {INTO_A1}, A1, {UPDATE, 1, 4}, "7", A1, "", 0, 101, 11},
    {"7_update_in_2", {INTO_A2}, A2, {UPDATE, 1, 4}, "7", A2, "", 0, 101, 11},
    {"7_update_in_3", {INTO_A3}, A3, {UPDATE, 1, 4}, "7", A3, "", 0, 101, 11},
    {"7_link_in_1", {INTO_A1}, A1, {LINK, 1, 4}, "7", A1, "", 0, 101, 11},
    {"7_successor_nearer_in_1", {INTO_A1}, A1, {UPDATE, 0, 70}, "7", A1, "", 0, 101, 11},
    {"8_reply_in_0", {INTO_A0}, A0, {REPLY, 2, RIG_LOST}, "8", A0, "", 0, 101, 11},
    {"8_reply_in_1", {INTO_A1}, A1, {REPLY, 2, RIG_LOST}, "8", A1, "", 0, 101, 11},
    {"8_reply_in_2", {INTO_A2}, A2, {REPLY, 2, RIG_LOST}, "8", A2, "", 0, 101, 11},
    {"8_reply_in_3", {INTO_A3}, A3, {REPLY, 2, RIG_LOST}, "8", A3, "", 0, 101, 11},
    {"8_death_in_1", {INTO_A1}, A1, {DOWN, 2, 0}, "8", A1, "", 0, 101, 11},
    {"9_update_of_successor", {INTO_A1}, A1, {UPDATE, 0, 200}, "9", A0, "", 0, 101, 11},
    {"9_link_to_successor", {INTO_A1}, A1, {LINK, 0, 50}, "9", A0, "", 0, 101, 11},
    {"9_death_of_successor", {INTO_A1}, A1, {DOWN, 0, 0}, "9", A0, "", NO_ONE, 101, 11},
    {"10_update_of_successor", {INTO_A3}, A3, {UPDATE, 0, 200}, "10", A2, "", 0, 101, 11},
    {"10_link_to_successor", {INTO_A3}, A3, {LINK, 0, 50}, "10", A2, "", 0, 101, 11},
    {"10_death_of_successor", {INTO_A3}, A3, {DOWN, 0, 0}, "10", A2, "", NO_ONE, 101, 11},
    {"10_second_query_of_successor", {INTO_A3}, A3, {QUERY, 0, 200}, "5 10", A2, "", 0, 101, 11},
    {"11_none_feasible",
     {INTO_A0, {REPLY, 1, RIG_LOST}, {REPLY, 2, RIG_LOST}}, A0, {REPLY, 3, RIG_LOST}, "11", A1,
     "query 1 201; query 2 201; query 3 201", 0, 201, 11},
    {"11_nearest_is_not_feasible",
     {INTO_A0, {REPLY, 1, 120}, {REPLY, 2, RIG_LOST}}, A0, {REPLY, 3, RIG_LOST}, "11", A1,
     "query 1 201; query 2 201; query 3 201", 0, 201, 11},
    {"12_none_feasible",
     {INTO_A2, {REPLY, 1, RIG_LOST}, {REPLY, 2, RIG_LOST}}, A2, {REPLY, 3, RIG_LOST}, "12", A3,
     "query 1 201; query 2 201; query 3 201", 0, 201, 11},
    {"13_reply_to_old_successor",
     {INTO_A3, {REPLY, 1, 50}, {REPLY, 2, RIG_LOST}}, A3, {REPLY, 3, RIG_LOST}, "13", P,
     "reply 0 51; update 1 unreachable; update 2 51; update 3 51", 1, 51, 51},
    {"13_all_lost",
     {{QUERY, 0, RIG_LOST}, {REPLY, 1, RIG_LOST}, {REPLY, 2, RIG_LOST}}, A3, {REPLY, 3, RIG_LOST},
     "13", P, "reply 0 unreachable", NO_ONE, 0, 0},
    {"14_feasible",
     {INTO_A0, {REPLY, 1, 60}, {REPLY, 2, RIG_LOST}}, A0, {REPLY, 3, RIG_LOST}, "14", P,
     "update 0 61; update 1 unreachable; update 2 61; update 3 61", 1, 61, 61},
    {"14_feasible_is_what_we_reported",
     {INTO_A0, {REPLY, 1, 100}, {REPLY, 2, RIG_LOST}, {LINK, 1, 80}}, A0, {REPLY, 3, RIG_LOST},
     "14", P, "update 0 180; update 1 unreachable; update 2 180; update 3 180", 1, 180, 101},
    {"15_least_of_all",
     {INTO_A1, {REPLY, 1, 50}, {REPLY, 2, RIG_LOST}}, A1, {REPLY, 3, RIG_LOST}, "15", P,
     "update 0 51; update 1 unreachable; update 2 51; update 3 51", 1, 51, 51},
    {"15_successor_stays",
     {INTO_A1, {REPLY, 1, RIG_LOST}, {REPLY, 2, RIG_LOST}}, A1, {REPLY, 3, RIG_LOST}, "15", P, "",
     0, 101, 101},
    {"15_all_lost",
     {{DOWN, 0, 0}, {REPLY, 1, RIG_LOST}, {REPLY, 2, RIG_LOST}}, A1, {REPLY, 3, RIG_LOST}, "15", P,
     "", NO_ONE, 0, 0},
    {"15_death_of_the_last",
     {INTO_A1, {REPLY, 1, 50}, {REPLY, 2, RIG_LOST}}, A1, {DOWN, 3, 0}, "15", P,
     "update 0 51; update 1 unreachable; update 2 51", 1, 51, 51},
    {"16_reply_to_old_successor",
     {INTO_A2, {REPLY, 1, 60}, {REPLY, 2, RIG_LOST}}, A2, {REPLY, 3, RIG_LOST}, "16", P,
     "reply 0 61; update 1 unreachable; update 2 61; update 3 61", 1, 61, 61},
    {"16_after_an_own_question",
     {INTO_A2_OWN, {REPLY, 1, 60}, {REPLY, 2, RIG_LOST}}, A2, {REPLY, 3, RIG_LOST}, "16", P,
     "reply 0 61; update 1 unreachable; update 2 61; update 3 61", 1, 61, 61},
    {"16_old_successor_is_gone",
     {INTO_A3, {DOWN, 0, 0}, {REPLY, 1, 60}, {REPLY, 2, RIG_LOST}}, A2, {REPLY, 3, RIG_LOST}, "16",
     P, "update 1 unreachable; update 2 61; update 3 61", 1, 61, 61},
    /* Neighbour 1 was told 11, then became successor: it may not know yet, and is asked as well. */
    {"4_successor_that_may_believe_us",
     {{UPDATE, 1, 10}, {UPDATE, 0, 100}}, P, {UPDATE, 1, 200}, "4", A1,
     "query 0 201; query 1 unreachable; query 2 201; query 3 201", 1, 201, 11},
    {"9_and_14_death_of_the_successor_who_was_the_last",
     {{UPDATE, 1, 10}, {UPDATE, 0, 100}, {UPDATE, 1, 200}, {REPLY, 0, 100}, {REPLY, 2, RIG_LOST},
      {REPLY, 3, RIG_LOST}}, A1, {DOWN, 1, 0}, "9 14", P,
     "update 0 unreachable; update 2 101; update 3 101", 0, 101, 101},
    {"9_and_11_reply_of_the_successor_was_the_last",
     {{UPDATE, 1, 10}, {UPDATE, 0, 100}, {UPDATE, 1, 200}, {REPLY, 0, 300}, {REPLY, 2, RIG_LOST},
      {REPLY, 3, RIG_LOST}}, A1, {REPLY, 1, 250}, "9 11", A1,
     "query 0 251; query 2 251; query 3 251", 1, 251, 11},
};

static void feed(struct rig *r, const struct input *in)
{
    if (in->kind == LINK)
        rig_link(r, in->peer, in->distance_us, SE_DUAL_SPLIT_IFACE);
    else if (in->kind == DOWN)
        se_dual_peer_down(r->d, in->peer, r->now_ms);
    else
        assert_int_equal(rig_hear(r, (enum se_dual_message)in->kind, in->peer, in->distance_us), 0);
}

static unsigned microseconds(const struct se_dual_entry *e)
{
    return se_dual_is_finite(&e->distance) ? (unsigned)(e->metric.delay_ps / 1000000) : 0;
}

/* The composite of so many microseconds on links of a gigabit. */
static uint64_t composite_of(unsigned us)
{
    return us == 0 ? SE_COMPOSITE_INFINITY : 655360 + UINT64_C(65536) * us;
}

static void transition(void **state)
{
    const struct transition *t = *state;
    struct rig *r = rig_new(NULL);
    struct se_dual_entry *e;
    unsigned i;

    feed(r, &(struct input){UPDATE, 0, 10});
    feed(r, &(struct input){UPDATE, 1, 50});
    for (i = 0; i < 6 && t->before[i].kind != 0; i++)
        feed(r, &t->before[i]);
    e = rig_entry(r);
    assert_int_equal(e->state, t->from);
    rig_clear(r);
    feed(r, &t->input);
    assert_string_equal(r->traced, t->events);
    assert_string_equal(r->sent, t->sent);
    assert_int_equal(e->state, t->next);
    assert_int_equal(e->successor, t->successor);
    assert_int_equal(microseconds(e), t->distance_us);
    assert_true(e->feasible.composite == composite_of(t->feasible_us));
    assert_int_equal(se_dual_counts(r->d)->active, t->next != P);
    rig_free(r);
}

/* The events that the RFC has in each state. */
#define E(number) (1u << (number))
#define OF_ALL_ACTIVE (E(5) | E(6) | E(7) | E(8))
static const unsigned cells[SE_DUAL_STATES] = {
    [P] = E(1) | E(2) | E(3) | E(4),    [A0] = OF_ALL_ACTIVE | E(11) | E(14),
    [A1] = OF_ALL_ACTIVE | E(9) | E(15), [A2] = OF_ALL_ACTIVE | E(12) | E(16),
    [A3] = OF_ALL_ACTIVE | E(10) | E(13),
};

/* For each of them there is a transition above, and for no other: its first event is in `from`. */
static void all_events_are_tested(void **state)
{
    unsigned seen[SE_DUAL_STATES] = {0}, every = 0, i, event;

    (void)state;
    for (i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        assert_int_equal(sscanf(transitions[i].events, "%u", &event), 1);
        seen[transitions[i].from] |= E(event);
    }
    for (i = 0; i < SE_DUAL_STATES; i++) {
        for (event = 1; event < SE_DUAL_EVENTS; event++)
            if ((seen[i] ^ cells[i]) & E(event))
                fail_msg("(%u) in %s is %s", event, se_dual_state_name((enum se_dual_state)i),
                         cells[i] & E(event) ? "not tested" : "not of the RFC");
        every |= cells[i];
    }
    assert_int_equal(every, E(SE_DUAL_EVENTS) - E(1));
    assert_string_equal(se_dual_event_name((enum se_dual_event)SE_DUAL_EVENTS), "unknown");
    assert_string_equal(se_dual_event_name((enum se_dual_event)0), "unknown");
    assert_string_equal(se_dual_state_name(SE_DUAL_STATES), "unknown");
}

#define COUNT (sizeof(transitions) / sizeof(transitions[0]))

int main(void)
{
    struct CMUnitTest tests[COUNT + 1];
    unsigned i;

    memset(tests, 0, sizeof(tests));
    for (i = 0; i < COUNT; i++) {
        tests[i].name = transitions[i].name;
        tests[i].test_func = transition;
        tests[i].initial_state = (void *)(uintptr_t)&transitions[i];
    }
    tests[COUNT].name = "all_events_are_tested";
    tests[COUNT].test_func = all_events_are_tested;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
