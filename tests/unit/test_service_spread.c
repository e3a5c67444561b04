/* SPDX-License-Identifier: MIT */
/*
 * test_service_spread.c - learned services, and modules that spread local ones.
 */
#include "service_rules.h"

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(local_stands_before_learned),
        TEST(local_changes_are_told),
        TEST(nothing_is_told_after_the_end),
        TEST(walking),
        TEST(ending_in_the_middle),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
