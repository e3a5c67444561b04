/* SPDX-License-Identifier: MIT */
/*
 * test_service.c - the rules of the registry for those who publish, one at a time, on real loops.
 * What random sequences of all of this do is test_service_model.c's business.
 */
#include "service_rules.h"

#include <string.h>

/* --- publishing ------------------------------------------------------------------------------ */

static void sequence_rules(void **state)
{
    struct rig_owner o;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 5, 0, "a"), 0);
    assert_int_equal(o.last.created, 1);
    assert_int_equal(o.last_tag, 5);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 5, 0, "a"), 0);
    assert_int_equal(o.last.created, 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 5, 0, "b"), XMB_ESTALE);
    assert_int_equal(o.last.sequence, 5);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 4, 0, "a"), XMB_ESTALE);
    assert_int_equal(o.last.sequence, 5);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), UINT32_MAX, 0, "b"), 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 0, 0, "b"), XMB_ESTALE); /* no wrap */
    assert_int_equal(rig_unpublish(&o, 1, rig_id(101, 1)), 0);
    assert_int_equal(rig_unpublish(&o, 1, rig_id(101, 1)), XMB_ENOENT);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 1, 0, "c"), 0);
    assert_int_equal(o.last.created, 1);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_settle();
    assert_int_equal(stats().services, 0);
}

static void owners_and_take_over(void **state)
{
    struct rig_owner a, a2, b, unknown, none, none2;
    struct rig_sub s = {0};

    (void)state;
    rig_open(&a, 0, "anna", 0);
    rig_open(&a2, 1, "anna", 0);
    rig_open(&b, 2, "bert", 0);
    rig_open(&unknown, 3, "anna", XMB_OWNER_ANONYMOUS);
    rig_open(&none, 0, "", XMB_OWNER_ANONYMOUS);
    rig_open(&none2, 1, "", XMB_OWNER_ANONYMOUS);
    assert_int_equal(rig_subscribe(&s, 3, 1, rig_any, XMB_VIEW_ALL, 1), 0);

    assert_int_equal(rig_publish(&a, 1, rig_id(101, 1), 5, 0, "a"), 0);
    assert_int_equal(rig_publish(&b, 1, rig_id(101, 1), 6, 0, "b"), XMB_EEXIST);
    assert_int_equal(rig_publish(&unknown, 1, rig_id(101, 1), 6, 0, "b"), XMB_EEXIST);
    assert_int_equal(rig_unpublish(&a2, 1, rig_id(101, 1)), XMB_ENOENT);
    assert_int_equal(rig_publish(&a2, 1, rig_id(101, 1), 4, 0, "a"), XMB_ESTALE);
    rig_settle();
    assert_int_equal(s.notifies, 1);
    assert_int_equal(a.taken, 0);

    /* The same again: changes hands, and is no news to subscribers. */
    assert_int_equal(rig_publish(&a2, 1, rig_id(101, 1), 5, 0, "a"), 0);
    rig_settle();
    assert_int_equal(a.taken, 1);
    assert_int_equal(s.notifies, 1);
    assert_int_equal(rig_unpublish(&a, 1, rig_id(101, 1)), XMB_ENOENT);

    /* Same sequence, other content. */
    assert_int_equal(rig_publish(&a, 1, rig_id(101, 1), 5, 0, "new"), 0);
    rig_settle();
    assert_int_equal(a2.taken, 1);
    assert_int_equal(s.notifies, 2);

    /* The former owner's end does not touch it. */
    rig_close(&a2, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(s.withdraws, 0);

    /* Nobody is not the same as nobody. */
    assert_int_equal(rig_publish(&none, 1, rig_id(101, 2), 1, 0, "x"), 0);
    assert_int_equal(rig_publish(&none2, 1, rig_id(101, 2), 2, 0, "x"), XMB_EEXIST);

    rig_close(&a, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(s.withdraws, 1);
    assert_int_equal(s.last_reason, XMB_GONE_NETWORK);
    rig_close(&b, XMB_GONE_SOURCE);
    rig_close(&unknown, XMB_GONE_SOURCE);
    rig_close(&none, XMB_GONE_SOURCE);
    rig_close(&none2, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
}

static void refused_at_once(void **state)
{
    struct rig_owner o;
    struct rig_sub s = {0};
    struct xmb_service_id wild = rig_id(XMB_ANY_SERVICE, 1);

    (void)state;
    rig_open(&o, 0, "anna", 0);
    assert_int_equal(rig_send(&o, 0, rig_id(101, 1), 1, 0, "x"), XMB_EINVAL);
    assert_int_equal(rig_send(&o, 65536, rig_id(101, 1), 1, 0, "x"), XMB_EINVAL);
    assert_int_equal(rig_send(&o, 1, wild, 1, 0, "x"), XMB_EINVAL);
    assert_int_equal(rig_unpublish(&o, 1, wild), XMB_EINVAL);
    assert_int_equal(rig_subscribe(&s, 0, 0, rig_any, XMB_VIEW_ALL, 1), XMB_EINVAL);
    assert_int_equal(rig_subscribe(&s, 0, 65536, rig_any, XMB_VIEW_ALL, 1), XMB_EINVAL);
    assert_int_equal(rig_subscribe(&s, 0, 1, rig_any, 0, 1), XMB_EINVAL);
    assert_int_equal(rig_subscribe(&s, 0, 1, rig_any, XMB_VIEW_PUBLIC + 1, 1), XMB_EINVAL);
    rig_close(&o, XMB_GONE_SOURCE);
}

static char big[XMB_SERVICE_DATA_MAX + 2];

static void data_up_to_the_limit(void **state)
{
    struct rig_owner o;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    rig_open(&o, 0, "anna", 0);
    assert_int_equal(rig_send(&o, 1, rig_id(101, 1), 1, 0, big), XMB_ETOOBIG);
    big[XMB_SERVICE_DATA_MAX] = '\0';
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 1, 0, big), 0);
    rig_close(&o, XMB_GONE_SOURCE);
}

static void the_registry_is_bounded(void **state)
{
    struct rig_owner o;

    (void)state;
    rig_stop();
    rig_start(2);
    rig_open(&o, 0, "anna", 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 1, 0, "x"), 0);
    assert_int_equal(rig_publish(&o, 2, rig_id(101, 1), 1, 0, "x"), 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 2), 1, 0, "x"), XMB_ELIMIT);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 1), 2, 0, "y"), 0);
    assert_int_equal(rig_unpublish(&o, 2, rig_id(101, 1)), 0);
    assert_int_equal(rig_publish(&o, 1, rig_id(101, 2), 1, 0, "x"), 0);
    rig_close(&o, XMB_GONE_SOURCE);
}

static void requests_are_bounded(void **state)
{
    struct rig_owner o;
    struct stall s;
    uint32_t n = 0;
    int rc;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    stall(&s, loop_routing());
    while ((rc = rig_send(&o, 1, rig_id(101, n), 1, 0, "x")) == 0)
        n++;
    assert_int_equal(rc, XMB_EAGAIN);
    assert_in_range(n, 1, 100000);
    sem_post(&s.leave);
    rig_settle();
    assert_int_equal(o.answers, n);
    assert_int_equal(rig_publish(&o, 1, rig_id(102, 1), 1, 0, "x"), 0);
    rig_close(&o, XMB_GONE_SOURCE);
}

struct burst {
    struct rig_owner *o;
    uint32_t count;
    int close; /* at the end of it, in the same turn */
};

static void do_burst(void *arg)
{
    const struct burst *b = arg;
    const struct outbox *box = &rig_worker(b->o->worker)->services->outbox;
    struct xmb_publish p = {.size = sizeof(p), .domain = 1, .sequence = 1};
    uint32_t i;

    for (i = 0; i < b->count; i++) {
        p.id = rig_id(101, i);
        RIG_CHECK(service_api.publish(b->o->owner, &p, i) == 0);
        RIG_CHECK(box->first == NULL || box->count == i % 64 + 1);
    }
    RIG_CHECK(box->first != NULL);
    if (!b->close)
        return;
    service_api.owner_close(b->o->owner, XMB_GONE_SOURCE);
    b->o->closed = 1;
    RIG_CHECK(box->first == NULL); /* or the publishes would come behind the end of their owner */
}

/* What is asked for in one turn goes together, in order, and before what is posted behind it. */
static void requests_of_a_turn_go_together(void **state)
{
    struct rig_owner o;
    struct burst b = {.o = &o, .count = 200};

    (void)state;
    rig_open(&o, 0, "anna", 0);
    rig_on(0, do_burst, &b);
    rig_settle();
    assert_int_equal(o.answers, 200);
    assert_int_equal(o.last_tag, 199);
    assert_int_equal(stats().services, 200);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_open(&o, 0, "berta", 0);
    b.close = 1;
    rig_on(0, do_burst, &b);
    rig_settle();
    assert_int_equal(stats().services, 0);
}

static void no_answer_after_close(void **state)
{
    struct rig_owner o;
    struct stall s;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    stall(&s, loop_routing());
    assert_int_equal(rig_send(&o, 1, rig_id(101, 1), 1, 0, "x"), 0);
    rig_close(&o, XMB_GONE_SOURCE);
    sem_post(&s.leave);
    rig_settle(); /* the rig checks that `done` is not called */
    assert_int_equal(o.answers, 0);
    assert_int_equal(stats().services, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sequence_rules),
        TEST(owners_and_take_over),
        TEST(refused_at_once),
        TEST(data_up_to_the_limit),
        TEST(the_registry_is_bounded),
        TEST(requests_are_bounded),
        TEST(requests_of_a_turn_go_together),
        TEST(no_answer_after_close),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
