/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual_rules.c - whom the decision engine tells, asks, believes and forgets: horizons,
 * stuck in active, content and its numbers, limits. The state machine itself is in
 * test_eigrp_dual.c.
 */
#include "eigrp_dual_rig.h"

#include <string.h>

#define UPDATE SE_DUAL_UPDATE
#define QUERY SE_DUAL_QUERY
#define REPLY SE_DUAL_REPLY

/* --- horizons --------------------------------------------------------------------------------- */

static struct rig *rig_with_lan(enum se_dual_split split)
{
    struct rig *r = rig_new(NULL);
    unsigned peer;

    rig_link(r, RIG_LAN, 1, split);
    for (peer = 4; peer < 7; peer++)
        rig_up(r, peer, RIG_LAN);
    rig_clear(r);
    return r;
}

static void a_lan_is_told_by_multicast(void **state)
{
    struct rig *r = rig_with_lan(SE_DUAL_SPLIT_IFACE);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "update 1 11; update 2 11; update 3 11; update all 11");
    rig_free(r);
}

static void split_horizon_keeps_it_off_the_interface(void **state)
{
    struct rig *r = rig_with_lan(SE_DUAL_SPLIT_IFACE);

    (void)state;
    rig_hear(r, UPDATE, 5, 10);
    assert_sent(r, "update 0 11; update 1 11; update 2 11; update 3 11");
    rig_clear(r);
    rig_hear(r, UPDATE, 5, 100);
    assert_sent(r, "query 0 101; query 1 101; query 2 101; query 3 101"); /* nor is the LAN asked */
    rig_free(r);
}

static void split_horizon_of_a_neighbour_tells_the_others(void **state)
{
    struct rig *r = rig_with_lan(SE_DUAL_SPLIT_NEIGHBOUR);

    (void)state;
    rig_hear(r, UPDATE, 5, 10);
    assert_sent(r, "update 0 11; update 1 11; update 2 11; update 3 11; update 4 11; update 6 11");
    rig_free(r);
}

static void without_split_horizon_all_are_told(void **state)
{
    struct rig *r = rig_with_lan(SE_DUAL_SPLIT_OFF);

    (void)state;
    rig_hear(r, UPDATE, 5, 10);
    assert_sent(r, "update 0 11; update 1 11; update 2 11; update 3 11; update all 11");
    rig_clear(r);
    rig_link(r, RIG_LAN, 1, SE_DUAL_SPLIT_IFACE);
    assert_sent(r, "update all unreachable");
    rig_clear(r);
    rig_link(r, RIG_LAN, 1, SE_DUAL_SPLIT_OFF);
    assert_sent(r, "update all 11");
    rig_free(r);
}

static void a_new_successor_reads_the_poison(void **state)
{
    struct rig *r = rig_with_lan(SE_DUAL_SPLIT_IFACE);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, UPDATE, 5, 8);
    assert_sent(r, "update 0 9; update 1 9; update 2 9; update 3 9; update all unreachable");
    rig_free(r);
}

static void startup_poison(struct se_dual_conf *conf)
{
    conf->is_startup_poison = 1;
}

static void a_starting_neighbour_reads_the_poison_once(void **state)
{
    struct rig *r = rig_new(startup_poison);

    (void)state;
    rig_link(r, 4, 1, SE_DUAL_SPLIT_IFACE);
    rig_up(r, 4, 4);
    rig_hear(r, UPDATE, 4, 10);
    assert_sent(r, "update 0 11; update 1 11; update 2 11; update 3 11; update 4 unreachable");
    se_dual_peer_complete(r->d, 4, r->now_ms);
    rig_clear(r);
    r->sequence++;
    rig_hear(r, UPDATE, 4, 10);
    assert_sent(r, "update 0 11; update 1 11; update 2 11; update 3 11");
    rig_free(r);
}

static void two_hops(struct se_dual_conf *conf)
{
    conf->hops_max = 2;
}

static void too_many_hops_are_unreachable(void **state)
{
    struct rig *r = rig_new(two_hops);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    rig_clear(r);
    r->conf.hops_max = 1;
    se_dual_configure(r->d, &r->conf, r->now_ms);
    assert_string_equal(r->traced, "4");
    assert_sent(r, "query 1 unreachable; query 2 unreachable; query 3 unreachable");
    rig_free(r);
}

static void stub(struct se_dual_conf *conf)
{
    conf->is_stub = 1;
}

static void a_stub_announces_its_own_only(void **state)
{
    struct rig *r = rig_new(stub);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "");
    rig_publish(r, 1, 0);
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    rig_clear(r);
    r->conf.is_receive_only = 1;
    se_dual_configure(r->d, &r->conf, r->now_ms);
    assert_sent(r, "update 0 unreachable; update 1 unreachable; update 2 unreachable; "
                   "update 3 unreachable");
    rig_free(r);
}

static void a_stub_is_not_asked(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_link(r, 4, 1, SE_DUAL_SPLIT_IFACE);
    assert_int_equal(se_dual_peer_up(r->d, 4, 4, SE_DUAL_PEER_STUB, r->now_ms), 0);
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 100);
    assert_sent(r, "query 1 101; query 2 101; query 3 101");
    rig_free(r);
}

static void a_filter_takes_back_what_was_told(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->may_offer_none = 1;
    se_dual_reoffer(r->d, r->now_ms);
    assert_sent(r, "update 1 unreachable; update 2 unreachable; update 3 unreachable");
    rig_clear(r);
    se_dual_reoffer(r->d, r->now_ms);
    assert_sent(r, "");
    r->may_offer_none = 0;
    se_dual_reoffer(r->d, r->now_ms);
    assert_sent(r, "update 1 11; update 2 11; update 3 11");
    rig_free(r);
}

/* --- neighbours ------------------------------------------------------------------------------- */

static void a_new_neighbour_gets_the_table_once(void **state)
{
    struct rig *r = rig_new(NULL);
    struct xmb_service_id other = rig_id;

    (void)state;
    other.subservice = 2;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear_of(r, UPDATE, 0, 10, &other);
    rig_link(r, 4, 1, SE_DUAL_SPLIT_IFACE);
    rig_up(r, 4, 4);
    rig_clear(r);
    assert_ptr_equal(se_dual_table_next(r->d, 4), rig_entry(r));
    rig_hear_of(r, UPDATE, 0, 9, &other); /* changes before its turn: told by the way */
    assert_sent(r, "update 1 10; update 2 10; update 3 10; update 4 10");
    assert_null(se_dual_table_next(r->d, 4));
    assert_null(se_dual_table_next(r->d, 4));
    rig_free(r);
}

static void what_is_active_at_the_time_is_told_afterwards(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_link(r, 4, 1, SE_DUAL_SPLIT_IFACE);
    rig_up(r, 4, 4);
    rig_clear(r);
    assert_null(se_dual_table_next(r->d, 4));
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_sent(r, "update 4 101");
    rig_free(r);
}

static void a_restarting_neighbour_keeps_what_it_repeats(void **state)
{
    struct rig *r = rig_new(NULL);
    struct xmb_service_id other = rig_id;

    (void)state;
    other.subservice = 2;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear_of(r, UPDATE, 0, 10, &other);
    rig_publish(r, 1, 0);
    rig_clear(r);
    se_dual_peer_restart(r->d, 0);
    assert_sent(r, "");
    assert_ptr_equal(se_dual_table_next(r->d, 0), rig_entry(r)); /* our own, again */
    assert_null(se_dual_table_next(r->d, 0));
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "");
    se_dual_peer_complete(r->d, 0, r->now_ms);
    assert_non_null(se_dual_path(rig_entry(r), 0));
    assert_null(se_dual_path(se_dual_find(r->d, &other), 0));
    assert_string_equal(r->traced, "4");
    rig_free(r);
}

static void a_neighbour_that_died_has_no_path(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    assert_int_equal(se_dual_peer(r->d, 0)->path_count, 1);
    assert_int_equal(se_dual_iface(r->d, 0)->peer_count, 1);
    se_dual_peer_down(r->d, 0, r->now_ms);
    se_dual_peer_down(r->d, 0, r->now_ms);
    assert_int_equal(se_dual_peer(r->d, 0)->path_count, 0);
    assert_int_equal(se_dual_iface(r->d, 0)->peer_count, 0);
    assert_int_equal(rig_hear(r, UPDATE, 0, 10), XMB_EINVAL);
    rig_free(r);
}

static void numbers_above_63_fit(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_link(r, 200, 1, SE_DUAL_SPLIT_IFACE);
    rig_up(r, 130, 200);
    assert_true(se_dual_in_set(rig_entry(r), SE_SET_TOLD, 1)); /* survived the growth */
    assert_false(se_dual_in_set(rig_entry(r), SE_SET_TOLD, 130));
    assert_ptr_equal(se_dual_table_next(r->d, 130), rig_entry(r));
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 100);
    assert_sent(r, "query 1 101; query 2 101; query 3 101; query 130 101");
    assert_int_equal(se_dual_peer_up(r->d, SE_DUAL_PEERS_MAX, 0, 0, r->now_ms), XMB_EINVAL);
    assert_int_equal(se_dual_peer_up(r->d, 0, 0, 0, r->now_ms), XMB_EINVAL);
    assert_int_equal(se_dual_peer_up(r->d, 5, 77, 0, r->now_ms), XMB_EINVAL);
    rig_free(r);
}

/* --- what is not in the table ----------------------------------------------------------------- */

static void an_unknown_service_is_unreachable(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, QUERY, 0, RIG_LOST);
    rig_hear(r, SE_DUAL_SIA_QUERY, 1, RIG_LOST);
    assert_sent(r, "refuse reply 0; refuse sia-reply 1");
    rig_clear(r);
    rig_hear(r, UPDATE, 0, RIG_LOST);
    rig_hear(r, REPLY, 0, 10);
    rig_hear(r, SE_DUAL_SIA_REPLY, 0, 10);
    rig_hear(r, SE_DUAL_REQUEST, 0, RIG_LOST);
    assert_sent(r, "");
    assert_int_equal(se_dual_counts(r->d)->entries, 0);
    assert_int_equal(rig_hear(r, (enum se_dual_message)5, 0, 10), XMB_EINVAL);
    rig_hear(r, QUERY, 0, 10); /* but one with a distance is news */
    assert_sent(r, "reply 0 unreachable; update 1 11; update 2 11; update 3 11");
    rig_free(r);
}

static void a_reply_that_nobody_asked_for_is_dropped(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, REPLY, 1, 5);
    assert_string_equal(r->traced, "");
    assert_null(se_dual_path(rig_entry(r), 1));
    rig_free(r);
}

static void two_entries(struct se_dual_conf *conf)
{
    conf->entries_max = 2;
}

static void a_full_table_takes_no_more(void **state)
{
    struct rig *r = rig_new(two_entries);
    struct xmb_service_id id = rig_id;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    id.subservice = 2;
    assert_int_equal(rig_hear_of(r, UPDATE, 0, 10, &id), 0);
    id.subservice = 3;
    rig_clear(r);
    assert_int_equal(rig_hear_of(r, QUERY, 0, 10, &id), XMB_ELIMIT);
    assert_string_equal(r->noted, "full");
    assert_sent(r, "refuse reply 0");
    assert_int_equal(se_dual_counts(r->d)->refused, 1);
    /* One that only lingers makes room. */
    rig_hear(r, QUERY, 0, RIG_LOST);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(se_dual_counts(r->d)->lingering, 1);
    se_dual_hold(rig_entry(r));
    /* Not while it is in a queue. */
    assert_int_equal(rig_hear_of(r, UPDATE, 0, 10, &id), XMB_ELIMIT);
    se_dual_release(rig_entry(r));
    assert_int_equal(rig_hear_of(r, UPDATE, 0, 10, &id), 0);
    assert_null(se_dual_find(r->d, &rig_id));
    rig_free(r);
}

/* --- stuck in active -------------------------------------------------------------------------- */

static void silence_is_noted_after_the_active_time(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    rig_clear(r);
    assert_true(r->timer_ms == 1000 + 90000);
    rig_at(r, 90999);
    assert_sent(r, "");
    rig_at(r, 91000);
    assert_sent(r, "sia-query 1 101");
    assert_true(r->timer_ms == 1000 + 180000);
    rig_at(r, 181000);
    assert_string_equal(r->noted, "stuck 1");
    assert_int_equal(se_dual_counts(r->d)->stuck, 1);
    se_dual_peer_down(r->d, 1, r->now_ms); /* what the caller does about it */
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    assert_true(r->timer_ms == 0);
    rig_free(r);
}

static void a_busy_neighbour_has_three_rounds(void **state)
{
    struct rig *r = rig_new(NULL);
    unsigned round;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    for (round = 1; round <= 3; round++) {
        rig_clear(r);
        rig_at(r, 1000 + round * 90000);
        assert_sent(r, "sia-query 1 101");
        r->is_active = 1;
        rig_hear(r, SE_DUAL_SIA_REPLY, 1, 50);
        assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    }
    assert_string_equal(r->noted, "");
    rig_at(r, 1000 + 4 * 90000);
    assert_string_equal(r->noted, "stuck 1");
    rig_free(r);
}

static void an_sia_reply_of_a_passive_neighbour_is_a_reply(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    rig_at(r, 91000);
    rig_hear(r, SE_DUAL_SIA_REPLY, 1, 50);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_free(r);
}

static void an_sia_query_is_answered(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, SE_DUAL_SIA_QUERY, 1, RIG_LOST);
    assert_sent(r, "sia-reply 1 11");
    rig_hear(r, QUERY, 0, 100);
    rig_clear(r);
    rig_hear(r, SE_DUAL_SIA_QUERY, 0, 100); /* the successor waits for us, and we for others */
    rig_hear(r, SE_DUAL_SIA_QUERY, 1, RIG_LOST);
    assert_sent(r, "sia-reply 0 unreachable active; sia-reply 1 101");
    rig_free(r);
}

/* A reply and an SIA query cross, and the answer to the latter comes when we ask something else. */
static void a_late_sia_reply_is_no_reply(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    rig_at(r, 91000);
    rig_hear(r, REPLY, 1, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    rig_hear(r, UPDATE, 0, 300);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    rig_hear(r, SE_DUAL_SIA_REPLY, 1, 50);
    assert_true(se_dual_in_set(rig_entry(r), SE_SET_REPLY, 1));
    assert_null(se_dual_path(rig_entry(r), 1));
    rig_free(r);
}

static void never_stuck(struct se_dual_conf *conf)
{
    conf->active_ms = 0;
}

static void the_active_time_can_be_disabled(void **state)
{
    struct rig *r = rig_new(never_stuck);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    assert_true(r->timer_ms == 0);
    rig_clear(r);
    rig_at(r, 10000000);
    assert_sent(r, "");
    r->conf.active_ms = 60000;
    se_dual_configure(r->d, &r->conf, r->now_ms);
    assert_true(r->timer_ms == 10000000 + 30000);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lan_is_told_by_multicast),
        cmocka_unit_test(split_horizon_keeps_it_off_the_interface),
        cmocka_unit_test(split_horizon_of_a_neighbour_tells_the_others),
        cmocka_unit_test(without_split_horizon_all_are_told),
        cmocka_unit_test(a_new_successor_reads_the_poison),
        cmocka_unit_test(a_starting_neighbour_reads_the_poison_once),
        cmocka_unit_test(too_many_hops_are_unreachable),
        cmocka_unit_test(a_stub_announces_its_own_only),
        cmocka_unit_test(a_stub_is_not_asked),
        cmocka_unit_test(a_filter_takes_back_what_was_told),
        cmocka_unit_test(a_new_neighbour_gets_the_table_once),
        cmocka_unit_test(what_is_active_at_the_time_is_told_afterwards),
        cmocka_unit_test(a_restarting_neighbour_keeps_what_it_repeats),
        cmocka_unit_test(a_neighbour_that_died_has_no_path),
        cmocka_unit_test(numbers_above_63_fit),
        cmocka_unit_test(an_unknown_service_is_unreachable),
        cmocka_unit_test(a_reply_that_nobody_asked_for_is_dropped),
        cmocka_unit_test(a_full_table_takes_no_more),
        cmocka_unit_test(silence_is_noted_after_the_active_time),
        cmocka_unit_test(a_busy_neighbour_has_three_rounds),
        cmocka_unit_test(an_sia_reply_of_a_passive_neighbour_is_a_reply),
        cmocka_unit_test(an_sia_query_is_answered),
        cmocka_unit_test(a_late_sia_reply_is_no_reply),
        cmocka_unit_test(the_active_time_can_be_disabled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
