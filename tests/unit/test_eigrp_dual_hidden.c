/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual_hidden.c - an originator of another make that died without a withdrawal, comes
 * back with lower numbers and does not raise them: its ways are hidden, and believed when they have
 * stood for as long as a withdrawal is remembered; not sooner, and no copy of its former life is.
 */
#include "eigrp_dual_rig.h"
#include "eigrp_dual_sim.h"

#include <string.h>

#define UPDATE SE_DUAL_UPDATE
#define REPLY SE_DUAL_REPLY
#define REQUEST SE_DUAL_REQUEST
#define HIDDEN_MS 360000

static void offer_of(struct rig *r, enum se_dual_message kind, unsigned peer,
                     struct se_dual_offer *out)
{
    se_dual_offer(r->d, rig_entry(r), kind, peer, peer, out);
}

/* The originator died with 100, all ways were gone, and it is here again with 50. */
static void return_with_50(struct rig *r)
{
    r->is_of_originator = 1;
    rig_hear(r, UPDATE, 0, 10);
    se_dual_peer_down(r->d, 0, r->now_ms);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(se_dual_counts(r->d)->lingering, 1);
    rig_at(r, 100000);
    rig_up(r, 0, 0);
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    assert_int_equal(rig_entry(r)->successor, 0);
    assert_int_equal(se_dual_counts(r->d)->lingering, 0);
    rig_clear(r);
}

static void a_way_that_stands_is_believed(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    return_with_50(r);
    assert_true(r->timer_ms == 100000 + HIDDEN_MS);
    rig_at(r, 300000);
    rig_hear(r, UPDATE, 0, 10); /* it says so again: that begins nothing anew */
    rig_at(r, 100000 + HIDDEN_MS - 1);
    assert_sent(r, "");
    assert_string_equal(r->routed, "");
    rig_at(r, 100000 + HIDDEN_MS);
    assert_sent(r, "request 0"); /* though it was asked for what it says */
    offer_of(r, REQUEST, 0, &offer);
    assert_int_equal(offer.sequence, 50);
    assert_true(r->timer_ms == 0);
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_int_equal(rig_entry(r)->shown_sequence, 50);
    offer_of(r, UPDATE, 1, &offer);
    assert_int_equal(offer.sequence, 50);
    rig_free(r);
}

/* It is the way that has to stand: the new one may be a copy's. */
static void another_successor_begins_the_time_anew(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    rig_at(r, 400000);
    r->is_of_originator = 0;
    rig_hear(r, UPDATE, 1, 5);
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_clear(r);
    rig_at(r, 400000 + HIDDEN_MS - 1);
    assert_sent(r, "");
    rig_at(r, 400000 + HIDDEN_MS);
    assert_sent(r, "request 1");
    rig_free(r);
}

static void a_break_begins_the_time_anew(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    rig_at(r, 400000);
    rig_hear(r, UPDATE, 0, 100); /* dearer: it has to ask */
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    rig_clear(r);
    rig_at(r, 400000 + HIDDEN_MS - 1);
    assert_sent(r, "");
    rig_at(r, 400000 + HIDDEN_MS);
    assert_sent(r, "request 0");
    rig_free(r);
}

/* It comes by for a while and goes as it came: neither shown, nor the end of what we know. */
static void a_copy_that_comes_by_is_not_shown(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    r->is_of_originator = 0;
    r->sequence = 100;
    rig_hear(r, UPDATE, 1, 40);
    rig_at(r, 101000);
    r->sequence = 99;
    rig_hear(r, UPDATE, 1, 40);
    rig_hear(r, UPDATE, 1, RIG_LOST);
    rig_at(r, 100000 + HIDDEN_MS - 1);
    assert_string_equal(r->routed, "");
    rig_at(r, 100000 + HIDDEN_MS);
    r->is_of_originator = 1;
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_int_equal(rig_entry(r)->shown_sequence, 50);
    rig_free(r);
}

/* A copy alone, of less than was here: it is gone again long before anybody believes it. */
static void a_copy_of_less_is_gone_before_it_is_believed(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    rig_hear(r, UPDATE, 0, RIG_LOST);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(se_dual_counts(r->d)->lingering, 1);
    assert_true(r->timer_ms == 100000 + HIDDEN_MS);
    rig_at(r, 100000 + HIDDEN_MS);
    assert_string_equal(r->routed, "");
    assert_int_equal(se_dual_counts(r->d)->entries, 0);
    assert_true(r->timer_ms == 0);
    rig_free(r);
}

/* Raised in time, as one of ours does: shown at once, and nothing is left that is due. */
static void what_is_raised_does_not_wait(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    r->sequence = 200;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_true(r->timer_ms == 0);
    rig_free(r);
}

/*
 * The limit of the rule: here the service was never without a way, so what is known of the former
 * life stands, whatever its originator says, until that is a later number. dual_seq.c says why.
 */
static void what_another_way_kept_stays(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->is_of_originator = 1;
    rig_hear(r, UPDATE, 0, 10);
    r->is_of_originator = 0;
    rig_hear(r, UPDATE, 1, 40);
    se_dual_peer_down(r->d, 0, r->now_ms);
    rig_hear(r, REPLY, 1, 40);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_up(r, 0, 0);
    r->is_of_originator = 1;
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    assert_int_equal(rig_entry(r)->successor, 0);
    assert_true(r->timer_ms == 0);
    rig_at(r, 10 * HIDDEN_MS);
    assert_int_equal(rig_entry(r)->shown_sequence, 100);
    r->sequence = 101;
    rig_hear(r, UPDATE, 0, 10);
    assert_int_equal(rig_entry(r)->shown_sequence, 101);
    rig_free(r);
}

/* The table is full: what is hidden has a way, and makes no room. */
static void what_is_hidden_is_not_forced_out(void **state)
{
    struct rig *r = rig_new(NULL);
    struct xmb_service_id id = rig_id;
    unsigned i;

    (void)state;
    return_with_50(r);
    for (i = 1; i < r->conf.entries_max; i++) {
        id.subservice = (uint16_t)(1000 + i);
        assert_int_equal(rig_hear_of(r, UPDATE, 1, 10, &id), 0);
    }
    id.subservice = 2000;
    assert_int_equal(rig_hear_of(r, UPDATE, 1, 10, &id), XMB_ELIMIT);
    assert_int_equal(rig_entry(r)->successor, 0);
    rig_at(r, 100000 + HIDDEN_MS);
    assert_non_null(strstr(r->sent, "request 0"));
    rig_free(r);
}

/* Its active time is another: it waits that long from now on. */
static void the_time_can_be_changed(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    return_with_50(r);
    r->conf.linger_ms = 20000;
    rig_at(r, 200000);
    se_dual_configure(r->d, &r->conf, r->now_ms);
    assert_true(r->timer_ms == 220000);
    rig_at(r, 219999);
    assert_sent(r, "");
    rig_at(r, 220000);
    assert_sent(r, "request 0");
    rig_free(r);
}

/* Who has forgotten asks for whatever there is, and 0 is not newer than that. */
static void a_request_without_a_number_is_answered(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->sequence = UINT32_C(0x90000000);
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->sequence = 0;
    rig_hear(r, REQUEST, 1, RIG_LOST);
    assert_sent(r, "update 1 11");
    rig_free(r);
}

/* A sequence that may not be raised any more: so speaks a router that does not listen. */
static void be_deaf(struct sim *s, unsigned node)
{
    struct xmb_service_id id = {.service = 101};
    struct se_dual_entry *e = se_dual_find(sim_engine(s, node), &id);

    assert_non_null(e);
    e->seq.raises = SE_DUAL_RAISES_MAX;
}

static void check_shown(struct sim *s, unsigned nodes, unsigned payload)
{
    unsigned i;

    for (i = 1; i < nodes; i++)
        if (sim_shown(s, i, 0) != payload)
            fail_msg("node %u shows %u, not %u", i, sim_shown(s, i, 0), payload);
}

/* Node 0 dies, and comes back with lower numbers than it had, and does not raise them. */
static void come_back_deaf(struct sim *s, unsigned nodes)
{
    sim_publish(s, 0, 0, 1);
    sim_run(s);
    check_shown(s, nodes, sim_payload(s, 0, 0));
    sim_node_down(s, 0);
    sim_run(s);
    check_shown(s, nodes, 0);
    sim_clock_back(s, 0, UINT64_C(5000000000));
    sim_node_up(s, 0);
    sim_publish(s, 0, 0, 1);
    be_deaf(s, 0);
    sim_run(s);
}

static void a_chain_shows_it_in_time(void **state)
{
    struct sim_options o = {.nodes = 4, .services = 1, .hops_max = 100};
    uint64_t seed;
    struct sim *s;
    unsigned i;

    (void)state;
    for (seed = 1; seed <= 200; seed++) {
        o.is_late = (int)(seed & 1);
        s = sim_new(seed, &o);
        for (i = 1; i < o.nodes; i++)
            sim_segment(s, (unsigned[]){i - 1, i}, 2);
        come_back_deaf(s, o.nodes);
        check_shown(s, o.nodes, 0);
        sim_wait(s, HIDDEN_MS - 10000);
        check_shown(s, o.nodes, 0);
        sim_wait(s, 10000);
        check_shown(s, o.nodes, sim_payload(s, 0, 0));
        sim_check(s);
        sim_publish(s, 0, 0, 1); /* and its life goes on as anybody's */
        sim_run(s);
        sim_check(s);
        sim_withdraw(s, 0, 0);
        sim_run(s);
        check_shown(s, o.nodes, 0);
        sim_check_empty(s);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_way_that_stands_is_believed),
        cmocka_unit_test(another_successor_begins_the_time_anew),
        cmocka_unit_test(a_break_begins_the_time_anew),
        cmocka_unit_test(a_copy_that_comes_by_is_not_shown),
        cmocka_unit_test(a_copy_of_less_is_gone_before_it_is_believed),
        cmocka_unit_test(what_is_raised_does_not_wait),
        cmocka_unit_test(what_another_way_kept_stays),
        cmocka_unit_test(what_is_hidden_is_not_forced_out),
        cmocka_unit_test(the_time_can_be_changed),
        cmocka_unit_test(a_request_without_a_number_is_answered),
        cmocka_unit_test(a_chain_shows_it_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
