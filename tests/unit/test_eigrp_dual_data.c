/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_dual_data.c - what the decision engine does with the content of services: versions,
 * withdrawals, several originators, and our own. Whom it tells and asks is in
 * test_eigrp_dual_rules.c, what withdrawals do to ways in test_eigrp_dual_withdraw.c, the numbers
 * alone in test_eigrp_seq.c.
 */
#include "eigrp_dual_rig.h"

#include <string.h>

#define UPDATE SE_DUAL_UPDATE
#define QUERY SE_DUAL_QUERY
#define REPLY SE_DUAL_REPLY

static uint32_t shown_sequence(struct rig *r)
{
    return *(const uint32_t *)rig_entry(r)->origin->content;
}

static void newer_content_is_flooded_without_an_event(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "");
    r->sequence = 101;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->traced, "");
    assert_sent(r, "update 1 11; update 2 11; update 3 11");
    assert_string_equal(r->routed, "changed");
    assert_int_equal(shown_sequence(r), 101);
    rig_free(r);
}

static void newer_content_of_another_neighbour_is_taken(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 1, 50);
    rig_clear(r);
    r->sequence = 101;
    rig_hear(r, UPDATE, 1, 50);
    assert_int_equal(rig_entry(r)->successor, 0);
    assert_int_equal(shown_sequence(r), 101);
    assert_sent(r, "update 2 11; update 3 11"); /* nor back, nor to the successor */
    rig_free(r);
}

static void older_content_never_replaces_newer(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->sequence = 99;
    rig_hear(r, UPDATE, 1, 5); /* nearer, so it becomes the successor; but what it has is old */
    assert_int_equal(rig_entry(r)->successor, 1);
    assert_int_equal(shown_sequence(r), 100);
    assert_sent(r, "update 0 6; update 1 unreachable; update 2 6; update 3 6; request 1");
    rig_free(r);
}

static void content_waits_while_active(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_hear(r, UPDATE, 0, 100);
    rig_clear(r);
    r->sequence = 101;
    rig_hear(r, UPDATE, 0, 100);
    assert_sent(r, "");
    assert_string_equal(r->routed, "changed"); /* our own clients need not wait */
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_sent(r, "update 1 101; update 2 101; update 3 101");
    rig_free(r);
}

static void lose(struct rig *r, int is_withdrawn)
{
    r->is_withdrawn = is_withdrawn;
    rig_hear(r, QUERY, 0, RIG_LOST);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    r->is_withdrawn = 0;
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
}

static void a_withdrawal_ends_it_at_once(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->sequence = 101;
    r->is_withdrawn = 1;
    rig_hear(r, QUERY, 0, RIG_LOST);
    assert_string_equal(r->routed, "withdrawn"); /* and not when the computation is over */
    rig_offer(r, 1, &offer);
    assert_true(offer.is_withdrawn);
    assert_int_equal(offer.sequence, 101);
    assert_null(offer.content);
    assert_non_null(offer.reach);
    rig_free(r);
}

static void a_tombstone_refuses_what_is_older(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    r->sequence = 101;
    lose(r, 1);
    rig_clear(r);
    r->sequence = 100;
    rig_hear(r, UPDATE, 1, 10); /* a late copy: nothing to show, and no way either */
    assert_string_equal(r->routed, "");
    assert_int_equal(rig_entry(r)->successor, SE_DUAL_NONE);
    assert_sent(r, "request 1"); /* it says of which number */
    r->sequence = 102;
    rig_hear(r, UPDATE, 1, 10); /* published again */
    assert_string_equal(r->routed, "installed");
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_free(r);
}

static void what_was_lost_comes_back_as_it_was(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    lose(r, 0);
    assert_string_equal(r->routed, "lost");
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    rig_free(r);
}

static void a_detour_is_no_outage(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    se_dual_peer_down(r->d, 0, r->now_ms);
    rig_hear(r, REPLY, 1, 50);
    rig_hear(r, REPLY, 2, RIG_LOST);
    assert_string_equal(r->routed, "");
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_string_equal(r->routed, "changed");
    assert_int_equal(rig_entry(r)->successor, 1);
    rig_free(r);
}

static void a_detour_with_newer_content_is_no_outage(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    se_dual_peer_down(r->d, 0, r->now_ms);
    rig_clear(r);
    r->sequence = 101;
    rig_hear(r, UPDATE, 1, 50);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    assert_string_equal(r->routed, "changed");
    rig_free(r);
}

/* The originator was killed, and its new life is faster than the replies about the old one. */
static void content_of_an_earlier_life_is_not_shown(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    se_dual_peer_down(r->d, 0, r->now_ms);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    rig_up(r, 0, 0);
    rig_clear(r);
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "lost");
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_PASSIVE);
    rig_offer(r, 1, &offer);
    assert_null(offer.content);
    rig_clear(r);
    r->sequence = 200; /* it was asked, and has raised its number */
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_int_equal(shown_sequence(r), 200);
    rig_free(r);
}

/* The originator begins anew, below what it said; copies of its former life still come round. */
static void a_former_life_does_not_come_back(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    se_dual_peer_down(r->d, 0, r->now_ms);
    rig_up(r, 0, 0);
    rig_clear(r);
    r->is_of_originator = 1;
    r->sequence = 50;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "lost");
    rig_clear(r);
    r->is_of_originator = 0;
    r->sequence = 100;
    rig_hear(r, REPLY, 1, 40);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    rig_hear(r, UPDATE, 1, 40);
    assert_string_equal(r->routed, "");
    rig_clear(r);
    r->is_of_originator = 1;
    r->sequence = 200;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_int_equal(shown_sequence(r), 200);
    rig_free(r);
}

/* It is asked, and says the same again: a neighbour of another make, which does not raise it. */
static void who_has_no_better_answer_is_asked_once(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 1, 40);
    r->is_of_originator = 1;
    r->sequence = 50;
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_non_null(strstr(r->sent, "request 0"));
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_null(strstr(r->sent, "request"));
    r->sequence = 51;
    rig_hear(r, UPDATE, 0, 10);
    assert_non_null(strstr(r->sent, "request 0"));
    rig_free(r);
}

static void what_is_gone_is_forgotten_in_time(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    lose(r, 0);
    assert_true(r->timer_ms == 1000 + 360000);
    rig_at(r, 360999);
    assert_int_equal(se_dual_counts(r->d)->entries, 1);
    rig_at(r, 361000);
    assert_int_equal(se_dual_counts(r->d)->entries, 0);
    assert_int_equal(r->contents, 0);
    assert_true(r->timer_ms == 0);
    rig_free(r);
}

static void content_that_never_came_is_requested(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->is_trimmed = 1;
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "update 1 11; update 2 11; update 3 11; request 0");
    assert_string_equal(r->routed, "");
    rig_clear(r);
    rig_hear(r, SE_DUAL_REQUEST, 1, RIG_LOST); /* we cannot help either */
    assert_sent(r, "");
    r->is_trimmed = 0;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_sent(r, "update 1 11; update 2 11; update 3 11");
    rig_clear(r);
    rig_hear(r, SE_DUAL_REQUEST, 1, RIG_LOST);
    assert_sent(r, "update 1 11");
    rig_free(r);
}

static void content_without_memory_is_no_route(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->keep_fails = 1;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "");
    assert_int_equal(rig_publish(r, 1, 0), XMB_ENOMEM);
    assert_int_equal(rig_entry(r)->successor, 0);
    r->keep_fails = 0;
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    rig_free(r);
}

/* The neighbour has it and says so, so it is asked as long as it takes. */
static void content_without_memory_is_requested_again(void **state)
{
    struct rig *r = rig_new(NULL);
    unsigned i;

    (void)state;
    r->keep_fails = 1;
    for (i = 0; i < 3; i++) {
        rig_clear(r);
        rig_hear(r, UPDATE, 0, 10);
        assert_non_null(strstr(r->sent, "request 0"));
    }
    r->keep_fails = 0;
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_string_equal(r->routed, "installed");
    assert_null(strstr(r->sent, "request"));
    rig_free(r);
}

/* What was asked of its former self, perhaps nobody read. */
static void who_restarts_is_asked_again(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->is_trimmed = 1;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "");
    se_dual_peer_restart(r->d, 0);
    rig_hear(r, UPDATE, 0, 10);
    assert_sent(r, "request 0");
    rig_free(r);
}

/* --- two originators -------------------------------------------------------------------------- */

static void the_nearer_originator_wins(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    rig_clear(r);
    r->origin = 78;
    r->sequence = 7; /* numbers of different originators have nothing to do with each other */
    rig_hear(r, UPDATE, 1, 50);
    assert_string_equal(r->noted, "conflict");
    assert_string_equal(r->routed, "");
    rig_hear(r, UPDATE, 1, 5);
    assert_string_equal(r->routed, "changed");
    assert_int_equal(shown_sequence(r), 7);
    r->origin = RIG_ORIGIN;
    r->sequence = 100;
    rig_hear(r, UPDATE, 1, RIG_LOST); /* and the content of the other is still here */
    rig_hear(r, REPLY, 0, 10);
    rig_hear(r, REPLY, 1, RIG_LOST); /* it had been told 11 once */
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(rig_entry(r)->origin->router_id, RIG_ORIGIN);
    assert_int_equal(shown_sequence(r), 100);
    rig_free(r);
}

/* Queries have no data: what came while active is told at the end, though nothing else changed. */
static void another_originator_of_the_successor_is_told(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    r->origin = 78;
    r->sequence = 7;
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 100);
    assert_int_equal(rig_entry(r)->state, SE_DUAL_ACTIVE1);
    assert_sent(r, "query 1 101; query 2 101; query 3 101");
    rig_clear(r);
    rig_hear(r, REPLY, 1, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_sent(r, "update 1 101; update 2 101; update 3 101");
    rig_free(r);
}

/* Numbers of two originators may well be the same. */
static void a_question_is_about_one_originator(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->is_trimmed = 1;
    rig_hear(r, UPDATE, 0, 10);
    r->origin = 78;
    rig_clear(r);
    rig_hear(r, UPDATE, 0, 10);
    assert_non_null(strstr(r->sent, "request 0"));
    rig_free(r);
}

static void of_equals_the_lower_router_id_wins(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    r->origin = 70;
    rig_hear(r, UPDATE, 1, 10);
    assert_int_equal(rig_entry(r)->successor, 1);
    assert_int_equal(se_dual_successor_count(r->d, rig_entry(r)), 2);
    rig_free(r);
}

static void too_many_originators_are_refused(void **state)
{
    struct rig *r = rig_new(NULL);
    unsigned peer;

    (void)state;
    for (peer = 4; peer < 14; peer++) {
        rig_link(r, peer, 1, SE_DUAL_SPLIT_IFACE);
        rig_up(r, peer, peer);
        r->origin = 100 + peer;
        assert_int_equal(rig_hear(r, UPDATE, peer, 10), peer < 12 ? 0 : XMB_ELIMIT);
    }
    assert_non_null(strstr(r->noted, "origins"));
    rig_free(r);
}

/* --- our own ---------------------------------------------------------------------------------- */

static void publish_update_withdraw(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer first, second, gone;

    (void)state;
    assert_int_equal(rig_publish(r, 5, 0), 0);
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    assert_string_equal(r->routed, ""); /* it is no learned service */
    rig_offer(r, 0, &first);
    rig_clear(r);
    rig_publish(r, 5, 1);
    assert_sent(r, "");
    rig_publish(r, 6, 0);
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    assert_string_equal(r->traced, "");
    rig_offer(r, 0, &second);
    assert_true(se_seq_newer(second.sequence, first.sequence));
    rig_clear(r);
    assert_int_equal(se_dual_withdraw(r->d, &rig_id, r->wall_ms, r->now_ms), 0);
    assert_string_equal(r->traced, "4");
    assert_sent(r, "query 0 unreachable; query 1 unreachable; query 2 unreachable; "
                   "query 3 unreachable");
    rig_offer(r, 0, &gone);
    assert_true(gone.is_withdrawn);
    assert_true(se_seq_newer(gone.sequence, second.sequence));
    assert_int_equal(gone.origin, RIG_OWN_ID);
    assert_int_equal(se_dual_withdraw(r->d, &rig_id, r->wall_ms, r->now_ms), XMB_ENOENT);
    rig_free(r);
}

/* While the withdrawal is still under way, with the version that it had. */
static void publish_again_at_once(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer gone, again;
    unsigned peer;

    (void)state;
    rig_publish(r, 5, 0);
    se_dual_withdraw(r->d, &rig_id, r->wall_ms, r->now_ms);
    rig_offer(r, 0, &gone);
    assert_int_equal(rig_publish(r, 5, 0), 0);
    rig_clear(r);
    for (peer = 0; peer < 4; peer++)
        rig_hear(r, REPLY, peer, RIG_LOST);
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    rig_offer(r, 0, &again);
    assert_true(se_seq_newer(again.sequence, gone.sequence));
    rig_free(r);
}

static void an_earlier_life_is_no_path_and_is_overtaken(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_dual_offer offer;

    (void)state;
    rig_publish(r, 5, 0);
    rig_offer(r, 0, &offer);
    r->origin = RIG_OWN_ID;
    r->sequence = offer.sequence + 1000;
    rig_clear(r);
    rig_hear(r, UPDATE, 2, 30);
    assert_null(se_dual_path(rig_entry(r), 2));
    assert_sent(r, "update 0 10; update 1 10; update 2 10; update 3 10");
    rig_offer(r, 0, &offer);
    assert_true(se_seq_newer(offer.sequence, r->sequence));
    rig_clear(r);
    rig_hear(r, UPDATE, 2, 30); /* an echo is no news */
    assert_sent(r, "");
    rig_free(r);
}

static void a_twin_is_noted(void **state)
{
    struct rig *r = rig_new(NULL);
    unsigned i;

    (void)state;
    rig_publish(r, 5, 0);
    r->origin = RIG_OWN_ID;
    r->sequence = rig_entry(r)->seq.wire;
    for (i = 0; i < SE_DUAL_RAISES_MAX + 3; i++) {
        r->sequence = rig_entry(r)->seq.wire + 10;
        rig_hear(r, UPDATE, 2, 30);
    }
    assert_string_equal(r->noted, "twin; twin; twin");
    rig_free(r);
}

static void names_of_our_own_before_we_published(void **state)
{
    struct rig *r = rig_new(NULL);

    (void)state;
    r->origin = RIG_OWN_ID;
    r->sequence = se_seq_clock(r->wall_ms, 0) + 50000; /* our clock went back */
    rig_hear(r, UPDATE, 2, 30);
    assert_string_equal(r->routed, "");
    rig_publish(r, 1, 0);
    assert_true(se_seq_newer(rig_entry(r)->seq.wire, r->sequence));
    rig_free(r);
}

/* Internal is believed before external, whatever it costs. */
static void internal_beats_external(void **state)
{
    struct rig *r = rig_new(NULL);
    struct se_external external = {.as_number = 7};
    struct se_dual_advert a = {
        .id = rig_id,
        .metric = {.delay_ps = 5000000, .bandwidth_kbps = 1000000, .external = &external},
        .origin = 78,
        .sequence = 1,
        .is_complete = 1,
    };

    (void)state;
    rig_hear(r, UPDATE, 0, 10);
    assert_int_equal(se_dual_input(r->d, UPDATE, 1, &a, r->now_ms), 0);
    assert_int_equal(rig_entry(r)->successor, 0);
    rig_hear(r, UPDATE, 0, RIG_LOST);
    rig_hear(r, REPLY, 2, RIG_LOST);
    rig_hear(r, REPLY, 3, RIG_LOST);
    assert_int_equal(se_dual_input(r->d, REPLY, 1, &a, r->now_ms), 0);
    assert_int_equal(rig_entry(r)->successor, 1);
    assert_non_null(rig_entry(r)->metric.external);
    assert_int_equal(rig_entry(r)->metric.external->as_number, 7);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_content_is_flooded_without_an_event),
        cmocka_unit_test(newer_content_of_another_neighbour_is_taken),
        cmocka_unit_test(older_content_never_replaces_newer),
        cmocka_unit_test(content_waits_while_active),
        cmocka_unit_test(a_withdrawal_ends_it_at_once),
        cmocka_unit_test(a_tombstone_refuses_what_is_older),
        cmocka_unit_test(what_was_lost_comes_back_as_it_was),
        cmocka_unit_test(a_detour_is_no_outage),
        cmocka_unit_test(a_detour_with_newer_content_is_no_outage),
        cmocka_unit_test(content_of_an_earlier_life_is_not_shown),
        cmocka_unit_test(a_former_life_does_not_come_back),
        cmocka_unit_test(who_has_no_better_answer_is_asked_once),
        cmocka_unit_test(what_is_gone_is_forgotten_in_time),
        cmocka_unit_test(content_that_never_came_is_requested),
        cmocka_unit_test(content_without_memory_is_no_route),
        cmocka_unit_test(content_without_memory_is_requested_again),
        cmocka_unit_test(who_restarts_is_asked_again),
        cmocka_unit_test(the_nearer_originator_wins),
        cmocka_unit_test(another_originator_of_the_successor_is_told),
        cmocka_unit_test(a_question_is_about_one_originator),
        cmocka_unit_test(of_equals_the_lower_router_id_wins),
        cmocka_unit_test(too_many_originators_are_refused),
        cmocka_unit_test(publish_update_withdraw),
        cmocka_unit_test(publish_again_at_once),
        cmocka_unit_test(an_earlier_life_is_no_path_and_is_overtaken),
        cmocka_unit_test(a_twin_is_noted),
        cmocka_unit_test(names_of_our_own_before_we_published),
        cmocka_unit_test(internal_beats_external),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
