/* SPDX-License-Identifier: MIT */
/*
 * test_service.c - the rules of the registry, one at a time, on real loops.
 *
 * What random sequences of all of this do is test_service_model.c's business.
 */
#include "service_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>

static int begin(void **state)
{
    (void)state;
    rig_start(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

static struct service_stats stats(void)
{
    struct service_stats s;

    service_stats(&s);
    return s;
}

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

/* Its own thread keeps the routing loop from answering. */
struct stall {
    sem_t entered;
    sem_t leave;
};

static void do_stall(struct loop *loop, void *arg)
{
    struct stall *s = arg;

    (void)loop;
    sem_post(&s->entered);
    while (sem_wait(&s->leave) != 0)
        ;
}

static void stall(struct stall *s, struct loop *loop)
{
    sem_init(&s->entered, 0, 0);
    sem_init(&s->leave, 0, 0);
    assert_int_equal(loop_post_must(loop, do_stall, s, 0), 0);
    while (sem_wait(&s->entered) != 0)
        ;
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

/* --- subscribing ----------------------------------------------------------------------------- */

static struct xmb_service_id masked(struct xmb_service_id id, unsigned mask)
{
    unsigned i;

    if (mask & 1)
        id.service = XMB_ANY_SERVICE;
    if (mask & 2)
        id.subservice = XMB_ANY_SUBSERVICE;
    for (i = 0; i < 4; i++)
        if (mask & 4u << i)
            id.instance[i] = XMB_ANY_WORD;
    return id;
}

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

static void never(void *arg)
{
    (void)arg;
    RIG_CHECK(!"called after unsubscribe");
}

static void in_and_out(void *arg)
{
    struct xmb_subscription spec = {
        .size = sizeof(spec), .domain = 1, .pattern = rig_any, .view = XMB_VIEW_ALL, .ready = never};
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

static struct record *a_record(uint32_t instance, uint32_t sequence)
{
    struct xmb_publish p = {
        .size = sizeof(p), .domain = 1, .id = rig_id(101, instance), .sequence = sequence};
    struct record *r = record_new(&p, XMB_STR(""), 0);

    assert_non_null(r);
    return r;
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

/* --- learned services, and modules that spread local ones ------------------------------------ */

static struct {
    uint32_t here;
    uint32_t gone;
    uint32_t reason;
    int had_former;
} told;

static void service_changed(void *self, const struct xmb_service *now,
                            const struct xmb_service *was, uint32_t reason)
{
    (void)self;
    told.here += now != NULL;
    told.gone += now == NULL;
    told.had_former = was != NULL;
    told.reason = reason;
}

static struct xmb_module spreaders[2] = {
    {.name = "first",
     .routing = {.size = sizeof(struct xmb_routing), .service_changed = service_changed}},
    {.name = "second", .routing = {.size = sizeof(struct xmb_routing)}},
};

struct learn_call {
    struct xmb_module *m;
    struct xmb_publish p;
    int rc;
};

static void do_learn(void *arg)
{
    struct learn_call *c = arg;

    c->rc = service_api.learn(c->m, &c->p);
}

static void do_unlearn(void *arg)
{
    struct learn_call *c = arg;

    c->rc = service_api.unlearn(c->m, c->p.domain, &c->p.id, XMB_GONE_NETWORK);
}

static int learn(struct xmb_module *m, struct xmb_service_id id, uint32_t sequence)
{
    struct learn_call c = {
        m, {.size = sizeof(c.p), .domain = 1, .id = id, .sequence = sequence}, 0};

    rig_on_routing(do_learn, &c);
    rig_settle();
    return c.rc;
}

static int unlearn(struct xmb_module *m, struct xmb_service_id id)
{
    struct learn_call c = {m, {.size = sizeof(c.p), .domain = 1, .id = id}, 0};

    rig_on_routing(do_unlearn, &c);
    rig_settle();
    return c.rc;
}

static void add_spreaders(void)
{
    if (spreaders[0].index == 0) {
        assert_int_equal(module_add(&spreaders[0]), 0);
        assert_int_equal(module_add(&spreaders[1]), 0);
    }
    memset(&told, 0, sizeof(told));
}

static void local_stands_before_learned(void **state)
{
    struct xmb_service_id id = rig_id(101, 1);
    struct rig_sub s = {0};
    struct rig_owner o;

    (void)state;
    add_spreaders();
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 1);
    assert_int_equal(unlearn(&spreaders[0], id), XMB_ENOENT);
    assert_int_equal(learn(&spreaders[1], id, 5), 0);
    assert_int_equal(s.last_sequence, 5);
    assert_int_equal(s.last_flags, XMB_SERVICE_LEARNED);
    assert_int_equal(learn(&spreaders[0], id, 5), 0); /* a tie: the first module stands */
    assert_int_equal(s.notifies, 2);
    assert_int_equal(learn(&spreaders[1], id, 6), 0);
    assert_int_equal(s.last_sequence, 6);
    assert_int_equal(learn(&spreaders[1], id, 6), 0); /* the same again */
    assert_int_equal(s.notifies, 3);

    assert_int_equal(rig_publish(&o, 1, id, 1, 0, "mine"), 0);
    assert_int_equal(o.last.created, 0);
    rig_settle();
    assert_int_equal(s.last_sequence, 1);
    assert_int_equal(learn(&spreaders[1], id, 9), 0);
    assert_int_equal(s.last_sequence, 1);
    assert_int_equal(rig_unpublish(&o, 1, id), 0);
    rig_settle();
    assert_int_equal(s.last_sequence, 9); /* a change, not a withdrawal */
    assert_int_equal(s.withdraws, 0);

    assert_int_equal(unlearn(&spreaders[1], id), 0);
    assert_int_equal(s.last_sequence, 5); /* older than what was seen: withdrawn first */
    assert_int_equal(s.withdraws, 1);
    assert_int_equal(unlearn(&spreaders[0], id), 0);
    assert_int_equal(s.withdraws, 2);
    assert_int_equal(s.last_reason, XMB_GONE_NETWORK);
    assert_int_equal(stats().services, 0);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_unsubscribe(&s);
}

static void local_changes_are_told(void **state)
{
    struct rig_owner o;

    (void)state;
    add_spreaders();
    rig_open(&o, 0, "anna", 0);
    rig_publish(&o, 1, rig_id(101, 1), 1, 0, "x");
    assert_int_equal(told.here, 1);
    assert_int_equal(told.had_former, 0);
    rig_publish(&o, 1, rig_id(101, 1), 1, 0, "x"); /* nothing new */
    assert_int_equal(told.here, 1);
    rig_publish(&o, 1, rig_id(101, 1), 2, 0, "x");
    assert_int_equal(told.here, 2);
    assert_int_equal(told.had_former, 1);
    learn(&spreaders[1], rig_id(101, 1), 5);
    learn(&spreaders[1], rig_id(101, 2), 5);
    assert_int_equal(told.here, 2); /* learned ones are not */
    rig_close(&o, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(told.gone, 1);
    assert_int_equal(told.reason, XMB_GONE_NETWORK);
    unlearn(&spreaders[1], rig_id(101, 1));
    unlearn(&spreaders[1], rig_id(101, 2));
}

static void end_routing(void *arg)
{
    (void)arg;
    service_routing_end();
}

static void nothing_is_told_after_the_end(void **state)
{
    struct rig_owner o;

    (void)state;
    add_spreaders();
    rig_open(&o, 0, "anna", 0);
    rig_publish(&o, 1, rig_id(101, 1), 1, 0, "x");
    assert_int_equal(told.here, 1);
    rig_on_routing(end_routing, NULL);
    rig_close(&o, XMB_GONE_NETWORK);
    rig_settle();
    assert_int_equal(stats().services, 0);
    assert_int_equal(told.gone, 0);
}

struct walked {
    uint32_t domain;
    uint32_t most;
    uint32_t seen;
};

static int see(void *arg, const struct xmb_service *s)
{
    struct walked *w = arg;

    RIG_CHECK(w->domain == 0 || s->domain == w->domain);
    return ++w->seen == w->most;
}

static void do_walk(void *arg)
{
    struct walked *w = arg;

    service_api.walk(w->domain, see, w);
}

static uint32_t walk(uint32_t domain, uint32_t most)
{
    struct walked w = {domain, most, 0};

    rig_on_routing(do_walk, &w);
    return w.seen;
}

static void walking(void **state)
{
    struct rig_owner o;
    uint32_t i;

    (void)state;
    rig_open(&o, 0, "anna", 0);
    for (i = 0; i < 30; i++)
        assert_int_equal(rig_publish(&o, 1 + i % 3, rig_id((uint16_t)i, i), 1, 0, "x"), 0);
    assert_int_equal(walk(0, UINT32_MAX), 30);
    assert_int_equal(walk(0, 15), 15);
    assert_int_equal(walk(2, UINT32_MAX), 10);
    assert_int_equal(walk(9, UINT32_MAX), 0);
    rig_close(&o, XMB_GONE_SOURCE);
    rig_settle();
    assert_int_equal(walk(0, UINT32_MAX), 0);
}

/* The broker may end at any time. ASan sees what is forgotten. */
static void ending_in_the_middle(void **state)
{
    static struct rig_sub s;
    static struct rig_owner o;
    uint32_t i;

    (void)state;
    memset(&s, 0, sizeof(s));
    rig_open(&o, 0, "anna", 0);
    rig_subscribe(&s, 1, 1, rig_any, XMB_VIEW_ALL, 0);
    for (i = 0; i < 100; i++)
        (void)rig_send(&o, 1, rig_id(101, i), 1, 0, "x");
    (void)rig_take(&s, 10);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

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
        TEST(all_64_shapes),
        TEST(an_instance_word_of_ones),
        TEST(the_public_view),
        TEST(overtaken_changes_are_seen_once),
        TEST(the_second_subscriber_is_served_here),
        TEST(subscribing_in_vain_is_cheap),
        TEST(a_snapshot_of_10000),
        TEST(a_change_touches_what_matches),
        TEST(the_steady_state_allocates_nothing),
        TEST(a_stalled_worker_loses_nothing),
        cmocka_unit_test(a_sleeper_costs_nothing),
        TEST(a_record_outlives_its_service),
        TEST(local_stands_before_learned),
        TEST(local_changes_are_told),
        TEST(nothing_is_told_after_the_end),
        TEST(walking),
        TEST(ending_in_the_middle),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
