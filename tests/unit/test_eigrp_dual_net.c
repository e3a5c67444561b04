/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual_net.c - the decision engine in random networks with random things happening,
 * against brute force. See eigrp_dual_sim.h for what is watched all the time.
 *
 * Each kind of network is run with many seeds; a failure says which. `test_eigrp_dual_net KIND
 * SEED` runs one again, `test_eigrp_dual_net KIND FIRST COUNT` more of them.
 */
#include "eigrp_dual_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sim_options kinds[] = {
    {.nodes = 5, .services = 1, .hops_max = 100},
    {.nodes = 8, .services = 2, .hops_max = 100, .is_late = 1, .has_external = 1},
    {.nodes = 12, .services = 2, .hops_max = 100, .is_late = 1, .may_split_off = 1},
    {.nodes = 7, .services = 2, .hops_max = 100, .has_lans = 1, .is_late = 1},
    {.nodes = 9, .services = 1, .hops_max = 100, .has_lans = 1, .may_split_off = 1,
     .slot_base = 50},
    {.nodes = 8, .services = 2, .hops_max = 4, .may_split_off = 1, .slot_base = 100},
    {.nodes = 8, .services = 2, .hops_max = 100, .is_vector = 1, .is_late = 1},
    {.nodes = 6, .services = 2, .hops_max = 100, .is_clock_wild = 1, .may_split_off = 1},
    {.nodes = 6, .services = 2, .hops_max = 100, .is_stuck = 1, .is_late = 1},
    {.nodes = 6, .services = 2, .hops_max = 100, .is_stuck = 1, .is_clock_wild = 1, .has_lans = 1},
    {.nodes = 12, .services = 2, .hops_max = 100, .is_late = 1, .is_fickle = 1},
    {.nodes = 8, .services = 2, .hops_max = 100, .is_late = 1, .is_fickle = 1, .is_clock_wild = 1,
     .has_lans = 1, .may_split_off = 1},
    {.nodes = 7, .services = 1, .hops_max = 100, .is_fickle = 1, .is_clock_wild = 1,
     .has_external = 1},
    {.nodes = 8, .services = 2, .hops_max = 5, .is_late = 1, .is_fickle = 1, .is_vector = 1},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#ifndef SEEDS
#define SEEDS 400
#endif

static struct sim_counts total;
static uint64_t by_event[SE_DUAL_EVENTS]; /* of all kinds */

static void add_counts(const struct sim_counts *c)
{
    unsigned i;

    total.messages += c->messages;
    total.steps += c->steps;
    total.stuck += c->stuck;
    total.sia_replies += c->sia_replies;
    for (i = 0; i < SE_DUAL_EVENTS; i++) {
        total.by_event[i] += c->by_event[i];
        by_event[i] += c->by_event[i];
    }
}

static void run(unsigned kind, uint64_t seed)
{
    struct sim *s = sim_new(seed, &kinds[kind]);
    unsigned rounds = 4, events, service;

    sim_random_topology(s);
    for (service = 0; service < kinds[kind].services; service++)
        sim_publish(s, service, service, 1);
    sim_run(s);
    sim_check(s);
    while (rounds-- > 0) {
        for (events = 1 + sim_draw(s, 12); events > 0; events--) {
            unsigned steps = sim_draw(s, 4) == 0 ? sim_draw(s, 60) : sim_draw(s, 4);

            sim_random_event(s);
            while (steps-- > 0 && sim_step(s))
                ;
        }
        sim_run(s);
        sim_check(s);
    }
    sim_check_empty(s);
    add_counts(sim_counts(s));
    sim_free(s);
}

static unsigned first_seed = 1, seed_count = SEEDS;

static void random_networks(void **state)
{
    unsigned kind = *(const unsigned *)*state, i;

    memset(&total, 0, sizeof(total));
    for (i = 0; i < seed_count; i++)
        run(kind, first_seed + i);
    print_message("kind %u: seeds %u to %u, %llu steps, %llu messages, %llu computations, "
                  "%llu stuck, %llu SIA replies\n",
                  kind, first_seed, first_seed + seed_count - 1, (unsigned long long)total.steps,
                  (unsigned long long)total.messages,
                  (unsigned long long)(total.by_event[SE_DUAL_LOST] +
                                       total.by_event[SE_DUAL_QUERY_LOST]),
                  (unsigned long long)total.stuck, (unsigned long long)total.sia_replies);
    for (i = 1; i < SE_DUAL_EVENTS; i++)
        print_message("  (%u) %s: %llu\n", i, se_dual_event_name((enum se_dual_event)i),
                      (unsigned long long)total.by_event[i]);
    if (kinds[kind].is_stuck && seed_count >= SEEDS && total.stuck == 0)
        fail_msg("kind %u: no service was stuck in active", kind);
}

/* After all kinds: what never happened was not compared with brute force. */
static void every_event_happened(void **state)
{
    unsigned event, missing = 0;

    (void)state;
    for (event = 1; event < SE_DUAL_EVENTS; event++)
        if (by_event[event] == 0) {
            print_message("(%u) %s never happened\n", event,
                          se_dual_event_name((enum se_dual_event)event));
            missing++;
        }
    assert_int_equal(missing, 0);
}

/* --- networks that everyone can draw ---------------------------------------------------------- */

static const struct sim_options plain = {.nodes = 8, .services = 1, .hops_max = 100, .is_late = 1};

static struct sim *chain_of_8(void)
{
    struct sim *s = sim_new(1, &plain);
    unsigned i;

    for (i = 0; i < 7; i++)
        sim_segment(s, (unsigned[]){i, i + 1}, 2);
    sim_publish(s, 0, 0, 1);
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), sim_payload(s, 0, 0));
    return s;
}

static void chain_publish_update_withdraw(void **state)
{
    struct sim *s = chain_of_8();

    (void)state;
    sim_publish(s, 0, 0, 1);
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), 2);
    assert_int_equal(sim_counts(s)->by_event[SE_DUAL_LOST], 0); /* an update is no computation */
    sim_withdraw(s, 0, 0);
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), 0);
    sim_publish(s, 0, 0, 1); /* any version, at once */
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), 3);
    sim_check(s);
    sim_check_empty(s);
    sim_free(s);
}

static void chain_kill_and_restart(void **state)
{
    struct sim *s = chain_of_8();

    (void)state;
    sim_node_down(s, 0);
    sim_node_up(s, 0); /* before anyone noticed */
    sim_publish(s, 0, 0, 1);
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), 2);
    sim_check(s);
    sim_node_down(s, 0);
    sim_run(s);
    assert_int_equal(sim_shown(s, 7, 0), 0);
    sim_check(s);
    sim_free(s);
}

static void ring_of_5_cut(void **state)
{
    struct sim_options ring = {.nodes = 5, .services = 1, .hops_max = 100, .is_late = 1};
    struct sim *s = sim_new(1, &ring);
    unsigned i, cut;

    (void)state;
    for (i = 0; i < 5; i++)
        sim_segment(s, (unsigned[]){i, (i + 1) % 5}, 2);
    sim_publish(s, 0, 0, 1);
    sim_run(s);
    for (cut = 0; cut < 5; cut++) {
        sim_segment_down(s, cut);
        sim_run(s);
        for (i = 1; i < 5; i++)
            assert_int_equal(sim_shown(s, i, 0), 1);
        sim_check(s);
        sim_segment_up(s, cut);
        sim_run(s);
        sim_check(s);
    }
    sim_free(s);
}

static void lan_of_4(void **state)
{
    struct sim_options lan = {.nodes = 4, .services = 1, .hops_max = 100, .is_late = 1};
    struct sim *s = sim_new(1, &lan);
    unsigned i;

    (void)state;
    sim_segment(s, (unsigned[]){0, 1, 2, 3}, 4);
    sim_publish(s, 2, 0, 1);
    sim_run(s);
    for (i = 0; i < 4; i++)
        assert_int_equal(sim_shown(s, i, 0), i == 2 ? 0 : 1);
    sim_check(s);
    sim_node_down(s, 2);
    sim_run(s);
    for (i = 0; i < 4; i++)
        assert_int_equal(sim_shown(s, i, 0), 0);
    sim_check(s);
    sim_free(s);
}

int main(int argc, char **argv)
{
    static unsigned numbers[KINDS];
    struct CMUnitTest tests[KINDS + 5] = {
        [KINDS] = cmocka_unit_test(every_event_happened),
        cmocka_unit_test(chain_publish_update_withdraw),
        cmocka_unit_test(chain_kill_and_restart),
        cmocka_unit_test(ring_of_5_cut),
        cmocka_unit_test(lan_of_4),
    };
    char names[KINDS][32];
    unsigned i;

    for (i = 0; i < KINDS; i++) {
        numbers[i] = i;
        snprintf(names[i], sizeof(names[i]), "random_networks_%u", i);
        memset(&tests[i], 0, sizeof(tests[i]));
        tests[i].name = names[i];
        tests[i].test_func = random_networks;
        tests[i].initial_state = &numbers[i];
    }
    if (argc > 2) {
        first_seed = (unsigned)strtoul(argv[2], NULL, 10);
        seed_count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
        tests[0] = tests[strtoul(argv[1], NULL, 10) % KINDS];
        return _cmocka_run_group_tests("one", tests, 1, NULL, NULL);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
