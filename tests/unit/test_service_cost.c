/* SPDX-License-Identifier: MIT */
/*
 * test_service_cost.c - what the registry does not do: no work, memory or message for a change
 * beyond those that it concerns, with many services, many subscribers, and workers that stand
 * still.
 */
#include "service_rules.h"

#include <string.h>

static void never(void *arg)
{
    (void)arg;
    RIG_CHECK(!"called after unsubscribe");
}

static void in_and_out(void *arg)
{
    struct xmb_subscription spec = {
        .size = sizeof(spec), .domain = 1, .pattern = rig_any,
        .view = XMB_VIEW_ALL, .ready = never};
    struct xmb_sub *sub;
    int i;

    (void)arg;
    for (i = 0; i < 100; i++) {
        RIG_CHECK(service_api.subscribe(rig_worker(1), module_core(), &spec, &sub) == 0);
        service_api.unsubscribe(sub);
    }
}

/* A client that subscribes to everything and changes its mind at once makes no work. */
static void subscribing_in_vain_is_cheap(void **state)
{
    struct rig_owner o;
    struct service_stats was;
    struct stall st;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < 100; i++)
        rig_publish(&o, 1, rig_id(101, i), 1, 0, "x");
    rig_settle();
    was = stats();
    stall(&st, loop_routing());
    rig_on(1, in_and_out, NULL);
    sem_post(&st.leave);
    rig_settle();
    assert_int_equal(stats().items, was.items);
    assert_int_equal(stats().groups, 0);
    rig_close(&o, XMB_GONE_SOURCE);
}

#define MANY 10000

static void a_snapshot_of_10000(void **state)
{
    struct rig_sub s = {0}, one_service = {0}, exact = {0};
    struct rig_owner o;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < MANY;)
        if (rig_send(&o, 1, rig_id((uint16_t)(i % 10), i), 1, 0, "x") == 0)
            i++;
        else
            rig_settle();
    rig_settle();
    assert_int_equal(o.answers, MANY);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_subscribe(&one_service, 2, 1, masked(rig_id(3, 0), 62), XMB_VIEW_ALL, 1);
    rig_subscribe(&exact, 3, 1, rig_id(3, 13), XMB_VIEW_ALL, 1);
    rig_settle();
    assert_int_equal(s.notifies, MANY);
    assert_int_equal(one_service.notifies, MANY / 10);
    assert_int_equal(exact.notifies, 1);
    rig_close(&o, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(s.withdraws, MANY);
    assert_int_equal(stats().services, 0);
    rig_unsubscribe(&s);
    rig_unsubscribe(&one_service);
    rig_unsubscribe(&exact);
}

static void a_change_touches_what_matches(void **state)
{
    static struct rig_sub subs[MANY];
    struct service_stats was, now;
    struct rig_owner o;
    uint32_t i;

    (void)state;
    memset(subs, 0, sizeof(subs));
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < MANY; i++)
        assert_int_equal(
            rig_subscribe(&subs[i], i % RIG_WORKERS, 1, rig_id(101, i), XMB_VIEW_ALL, 1), 0);
    rig_settle();
    was = stats();
    assert_int_equal(was.groups, MANY);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 4711), 1, 0, "x"), 0);
    rig_settle();
    now = stats();
    assert_int_equal(now.lookups - was.lookups, 1);
    assert_int_equal(now.matches - was.matches, 1);
    assert_int_equal(now.items - was.items, 1);
    assert_int_equal(subs[4711].notifies, 1);
    assert_int_equal(subs[4712].rings, 0);
    rig_close(&o, XMB_GONE_SOURCE);
    for (i = 0; i < MANY; i++)
        rig_unsubscribe(&subs[i]);
}

static void the_steady_state_allocates_nothing(void **state)
{
    struct rig_sub s[RIG_WORKERS] = {{0}};
    struct service_stats was;
    struct rig_owner o;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_subscribe(&s[i], i, 1, rig_any, XMB_VIEW_ALL, 1);
    for (i = 0; i < 100; i++)
        rig_publish(&o, 1, rig_id(101, i % 10), i, 0, "x");
    rig_settle();
    was = stats();
    for (i = 100; i < 1100; i++)
        rig_publish(&o, 1, rig_id(101, i % 10), i, 0, "x");
    rig_settle();
    assert_in_range(s[3].notifies, 10, 1100); /* a busy machine: some are overtaken */
    assert_in_range(s[3].last_sequence, 1090, 1099);
    /*
     * 4000 events more. A batch buffer may still have to grow to the size that a busy moment needs,
     * so a few are fine; what must not be is one for each event or change.
     */
    assert_in_range(stats().allocations - was.allocations, 0, 8 * RIG_WORKERS);
    rig_close(&o, XMB_GONE_SOURCE);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_unsubscribe(&s[i]);
}

static uint32_t last_seen[10]; /* sequence by instance; 0: gone */

static void note(struct rig_sub *s, const struct xmb_event *event)
{
    uint32_t i = event->service->id.instance[3];

    (void)s;
    last_seen[i] = event->kind == XMB_EVENT_NOTIFY ? event->service->sequence : 0;
}

/* A worker that stands still: its changes overtake each other on this side. */
static void a_stalled_worker_loses_nothing(void **state)
{
    struct rig_sub s = {.on_event = note};
    struct service_stats was, now;
    struct rig_owner o;
    struct stall st;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_settle();
    was = stats();
    stall(&st, &rig_worker(1)->loop);
    for (i = 0; i < 2000; i++)
        assert_int_equal(rig_publish(&o, 1, rig_id(101, i % 10), i, 0, "x"), 0);
    assert_int_equal(rig_unpublish(&o, 1, rig_id(101, 9)), 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(102, 0), 1, 0, "x"), 0);
    assert_int_equal(rig_unpublish(&o, 1, rig_id(102, 0)), 0);
    sem_post(&st.leave);
    rig_settle();
    now = stats();
    assert_in_range(now.items - was.items, 10, 10 + 4 * LINK_WINDOW);
    assert_in_range(now.coalesced - was.coalesced, 1900, 2002);
    for (i = 0; i < 10; i++)
        assert_int_equal(last_seen[i], i < 9 ? 1990 + i : 0);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
}

/* However much comes and goes meanwhile: what a replica keeps depends on what is there. */
static void a_sleeper_costs_nothing(void **state)
{
    struct replica *r = replica_new(1, XMB_VIEW_ALL, &rig_any);
    struct xmb_sub *busy = sub_new(r), *slow = sub_new(r), *asleep = sub_new(r);
    struct xmb_event e = {.size = sizeof(e)};
    uint32_t i;

    (void)state;
    replica_notify(r, a_record(0, 1));
    assert_int_equal(sub_next(asleep, &e), 1); /* it holds one, and never comes back */
    for (i = 1; i < 100000; i++) {
        replica_notify(r, a_record(i, 1));
        replica_notify(r, a_record(0, i + 1));
        while (sub_next(busy, &e) != 0)
            ;
        if (i % 7 == 0)
            (void)sub_next(slow, &e);
        (void)replica_withdraw(r, a_record(i, 1), XMB_GONE_SOURCE);
        assert_in_range(r->log_count, 0, 256);
        assert_in_range(r->ident_size, 1, 64);
    }
    assert_int_equal(sub_next(asleep, &e), 1);
    assert_int_equal(e.service->sequence, 100000);
    assert_int_equal(sub_next(asleep, &e), 0);
    (void)replica_withdraw(r, a_record(0, i), XMB_GONE_SOURCE);
    while (sub_next(busy, &e) != 0)
        ;
    sub_free(slow);
    assert_int_equal(sub_next(asleep, &e), 1);
    assert_int_equal(e.kind, XMB_EVENT_WITHDRAW);
    assert_int_equal(sub_next(asleep, &e), 0);
    assert_int_equal(r->ident_count, 0);
    sub_free(busy);
    sub_free(asleep);
    replica_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(subscribing_in_vain_is_cheap),
        TEST(a_snapshot_of_10000),
        TEST(a_change_touches_what_matches),
        TEST(the_steady_state_allocates_nothing),
        TEST(a_stalled_worker_loses_nothing),
        cmocka_unit_test(a_sleeper_costs_nothing),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
