/* SPDX-License-Identifier: MIT */
/*
 * test_service_subscribe.c - the rules of the registry for those who subscribe: patterns, views,
 * and what is seen when changes overtake each other.
 */
#include "service_rules.h"

#include <string.h>

/* --- subscribing ----------------------------------------------------------------------------- */

/* `id` with one field changed; 6 fields. */
static struct xmb_service_id other(struct xmb_service_id id, unsigned field)
{
    if (field == 0)
        id.service++;
    else if (field == 1)
        id.subservice++;
    else
        id.instance[field - 2] += 100;
    return id;
}

static uint32_t ones(unsigned v)
{
    return (uint32_t)__builtin_popcount(v);
}

/* Before and after the services are there: the index, and the full set. */
static void all_64_shapes(void **state)
{
    static struct rig_sub before[64], after[64];
    struct xmb_service_id base = rig_id(101, 9);
    struct rig_owner o;
    unsigned i;

    (void)state;
    memset(before, 0, sizeof(before));
    memset(after, 0, sizeof(after));
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < 64; i++)
        assert_int_equal(
            rig_subscribe(&before[i], i % RIG_WORKERS, 1, masked(base, i), XMB_VIEW_ALL, 1), 0);
    rig_settle();
    assert_int_equal(rig_publish(&o, 1, base, 1, 0, "x"), 0);
    for (i = 0; i < 6; i++)
        assert_int_equal(rig_publish(&o, 1, other(base, i), 1, 0, "x"), 0);
    assert_int_equal(rig_publish(&o, 2, base, 1, 0, "x"), 0); /* another domain */
    for (i = 0; i < 64; i++)
        assert_int_equal(rig_subscribe(&after[i], (i + 1) % RIG_WORKERS, 1, masked(base, i),
                                       XMB_VIEW_ALL, 1), 0);
    rig_settle();
    for (i = 0; i < 64; i++) {
        assert_int_equal(before[i].notifies, 1 + ones(i));
        assert_int_equal(after[i].notifies, 1 + ones(i));
    }
    assert_int_equal(stats().groups, 64);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_settle();
    for (i = 0; i < 64; i++) {
        assert_int_equal(before[i].withdraws, 1 + ones(i));
        rig_unsubscribe(&before[i]);
        rig_unsubscribe(&after[i]);
    }
    rig_settle();
    assert_int_equal(stats().groups, 0);
}

/* A word of a real instance may be all ones, and looks like a wildcard then. */
static void an_instance_word_of_ones(void **state)
{
    struct xmb_service_id id = rig_id(101, XMB_ANY_WORD);
    struct rig_sub s = {0}, wider = {0};
    struct rig_owner o;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_id(101, XMB_ANY_WORD), XMB_VIEW_ALL, 1);
    rig_subscribe(&wider, 1, 1, masked(id, 1), XMB_VIEW_ALL, 1);
    rig_settle();
    assert_int_equal(rig_publish(&o, 1, id, 1, 0, "x"), 0);
    rig_settle();
    assert_int_equal(s.notifies, 1);
    assert_int_equal(wider.notifies, 1);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
    rig_unsubscribe(&wider);
}

static void the_public_view(void **state)
{
    struct rig_sub all = {0}, public = {0};
    struct rig_owner o, stranger;
    struct xmb_service_id id = rig_id(101, 1);

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_open(&stranger, 1, "", XMB_OWNER_ANONYMOUS);
    rig_subscribe(&all, 2, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_subscribe(&public, 2, 1, rig_any, XMB_VIEW_PUBLIC, 1);
    rig_publish(&o, 1, id, 1, 0, "hidden");
    rig_settle();
    assert_int_equal(public.notifies, 0);
    rig_publish(&o, 1, id, 2, XMB_SERVICE_PUBLIC, "shown");
    rig_settle();
    assert_int_equal(public.notifies, 1);
    rig_publish(&o, 1, id, 3, 0, "hidden");
    rig_settle();
    assert_int_equal(public.withdraws, 1);
    assert_int_equal(public.last_reason, XMB_GONE_SOURCE);
    assert_int_equal(public.last_sequence, 2); /* nothing of the hidden version */
    rig_publish(&o, 1, id, 4, XMB_SERVICE_PUBLIC, "shown");
    rig_publish(&stranger, 1, rig_id(102, 1), 1, 0, "x");
    rig_settle();
    assert_int_equal(public.notifies, 3);
    assert_int_equal(public.last_flags & XMB_SERVICE_ANONYMOUS, XMB_SERVICE_ANONYMOUS);
    assert_int_equal(all.notifies, 5);
    assert_int_equal(all.withdraws, 0);
    rig_close(&o, XMB_GONE_NETWORK);
    rig_close(&stranger, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(public.withdraws, 3);
    assert_int_equal(all.withdraws, 2);
    rig_unsubscribe(&all);
    rig_unsubscribe(&public);
}

static void overtaken_changes_are_seen_once(void **state)
{
    struct rig_sub s = {0};
    struct rig_owner o;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 0);
    for (i = 1; i <= 50; i++)
        assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), i, 0, "x"), 0);
    rig_settle();
    assert_int_equal(s.rings, 1);
    assert_int_equal(rig_take(&s, 10), 1);
    assert_int_equal(s.last_sequence, 50);

    /* Came and went unseen. */
    rig_publish(&o, 1, rig_id(101, 2), 1, 0, "x");
    rig_unpublish(&o, 1, rig_id(101, 2));
    rig_settle();
    assert_int_equal(rig_take(&s, 10), 0);

    /* Went and came back: the new one is seen, the gap is not. */
    rig_unpublish(&o, 1, rig_id(101, 1));
    rig_publish(&o, 1, rig_id(101, 1), 50, 0, "y");
    rig_settle();
    assert_int_equal(rig_take(&s, 10), 1);
    assert_int_equal(s.last_sequence, 50);
    assert_int_equal(s.withdraws, 0);

    /* With a lower sequence it is another life: the old one is withdrawn first, twice over once. */
    rig_unpublish(&o, 1, rig_id(101, 1));
    rig_publish(&o, 1, rig_id(101, 1), 9, 0, "x");
    rig_unpublish(&o, 1, rig_id(101, 1));
    rig_publish(&o, 1, rig_id(101, 1), 7, 0, "x");
    rig_settle();
    assert_int_equal(rig_take(&s, 1), 1);
    assert_int_equal(s.withdraws, 1);
    assert_int_equal(rig_take(&s, 10), 1);
    assert_int_equal(s.last_sequence, 7);
    assert_int_equal(s.withdraws, 1);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
}

static void the_second_subscriber_is_served_here(void **state)
{
    struct rig_sub a = {0}, b = {0};
    struct rig_owner o;
    struct stall st;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_publish(&o, 1, rig_id(101, 1), 1, 0, "x");
    rig_subscribe(&a, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_settle();
    stall(&st, loop_routing());
    rig_subscribe(&b, 1, 1, rig_any, XMB_VIEW_ALL, 0);
    assert_int_equal(rig_take(&b, 10), 1);
    sem_post(&st.leave);
    rig_unsubscribe(&b);
    rig_subscribe(&b, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_settle();
    assert_int_equal(b.notifies, 2); /* rung without anything having changed */
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&a);
    rig_unsubscribe(&b);
}

static const struct xmb_service *kept;

static void keep(struct rig_sub *s, const struct xmb_event *event)
{
    (void)s;
    if (event->kind == XMB_EVENT_NOTIFY)
        kept = service_api.hold(event->service);
}

static void a_record_outlives_its_service(void **state)
{
    struct rig_sub s = {.on_event = keep};
    struct rig_owner o;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    rig_publish(&o, 1, rig_id(101, 1), 1, 0, "hello");
    rig_settle();
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
    rig_settle();
    assert_memory_equal(kept->data.p, "hello", 5);
    assert_memory_equal(kept->owner_name.p, "anna", 4);
    service_api.release(kept);
    service_api.release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_64_shapes),
        TEST(an_instance_word_of_ones),
        TEST(the_public_view),
        TEST(overtaken_changes_are_seen_once),
        TEST(the_second_subscriber_is_served_here),
        TEST(a_record_outlives_its_service),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
