/* SPDX-License-Identifier: MIT */
/*
 * test_router_ask.c - questions to modules that resolve: in turn, together, cached, late,
 * cancelled.
 */
#include "router_rig.h"

#include <stdio.h>

/* --- questions to modules -------------------------------------------------------------------- */

static void test_resolved(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(1);
    script[1].routes[0] = route("B.example", 2, 0);
    script[1].routes[1] = route("a.example", 1, 0);
    script[1].count = 2;
    waits(&a, "Far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, 0);
    assert_ptr_equal(a.module, module[1]);
    assert_int_equal(a.count, 2);
    assert_string_equal(a.target[0], "a.example");
    assert_string_equal(a.target[1], "b.example");
    /* From the cache now. */
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.count, 2);
    assert_int_equal(atomic_load(&script[1].asked), 1);
}

static void test_not_to_be_kept(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    script[0].routes[0] = route("a.example", 1, 0);
    script[0].routes[0].ttl_s = 0;
    script[0].count = 1;
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, 0);
    assert_int_equal(atomic_load(&script[0].asked), 2);
}

static void test_in_turn(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    offer_resolve(1);
    script[0].status = XMB_ENOENT;
    script[1].routes[0] = route("b.example", 0, 0);
    script[1].count = 1;
    waits(&a, "one.example");
    rig_wait(&a.late, 1);
    assert_string_equal(a.target[0], "b.example");
    script[0].rc = XMB_EAGAIN; /* cannot ask now */
    waits(&a, "two.example");
    rig_wait(&a.late, 1);
    assert_string_equal(a.target[0], "b.example");
    script[0].rc = 0;
    script[0].status = XMB_EDENIED;
    waits(&a, "three.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, XMB_EDENIED);
    assert_ptr_equal(a.module, module[0]);
    assert_int_equal(atomic_load(&script[1].asked), 2);
}

static void test_nobody_knows(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    script[0].status = 0; /* and no routes: the same */
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, XMB_ENOENT);
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, XMB_ENOENT);
    assert_null(a.module);
    assert_int_equal(atomic_load(&script[0].asked), 1);
}

/* A resolver in trouble must not make a domain unknown for half a minute. */
static void test_trouble_is_not_cached(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    script[0].status = XMB_EIO;
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, XMB_ETIMEOUT);
    script[0].status = 0;
    script[0].count = 1;
    script[0].routes[0] = route("a.example", 0, 0);
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(a.status, 0);
}

static void test_together(void **state)
{
    struct xmb_route r = route("a.example", 0, 0);
    struct ask a[4];
    int i;

    (void)state;
    offer_resolve(0);
    script[0].hold = 1;
    for (i = 0; i < 4; i++) {
        ask_on(&a[i], (uint32_t)i % RIG_WORKERS, i == 3 ? "other.example" : "far.example");
        assert_int_equal(a[i].rc, XMB_EAGAIN);
    }
    rig_wait(&script[0].asked, 2);
    settle();
    assert_int_equal(atomic_load(&script[0].asked), 2);
    router_api.resolved(script[0].held[0], 0, &r, 1); /* from this thread */
    router_api.resolved(script[0].held[1], 0, &r, 1);
    for (i = 0; i < 4; i++) {
        rig_wait(&a[i].late, 1);
        assert_string_equal(a[i].target[0], "a.example");
    }
}

static void cancel_there(struct xmb_worker *w, void *arg)
{
    const struct ask *a = arg;

    router_api.cancel(w, a->id);
    router_api.cancel(w, a->id);
    router_api.cancel(w, UINT64_MAX);
}

static void test_cancel(void **state)
{
    struct xmb_route r = route("a.example", 0, 0);
    struct ask a, b;

    (void)state;
    offer_resolve(0);
    script[0].hold = 1;
    waits(&a, "far.example");
    waits(&b, "far.example");
    rig_on_worker(0, cancel_there, &a);
    rig_wait(&script[0].asked, 1);
    router_api.resolved(script[0].held[0], 0, &r, 1);
    rig_wait(&b.late, 1);
    assert_int_equal(atomic_load(&a.late), 0);
}

static void test_cannot_wait(void **state)
{
    struct ask a = {.domain = "far.example"};

    (void)state;
    offer_resolve(0);
    rig_on_worker(0, ask_there, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.status, XMB_ENOENT);
    assert_int_equal(atomic_load(&script[0].asked), 0);
}

static void ask_very_often(struct xmb_worker *w, void *arg)
{
    struct ask *a = arg;
    uint32_t i;

    for (i = 0; i < ROUTER_WAITS_MAX; i++) {
        ask_there(w, a);
        RIG_CHECK(a->rc == XMB_EAGAIN);
    }
    ask_there(w, a);
    RIG_CHECK(a->rc == XMB_ELIMIT);
}

static void test_bound_of_waits(void **state)
{
    struct xmb_route r = route("a.example", 0, 0);
    struct ask a = {.domain = "far.example", .can_wait = 1};

    (void)state;
    offer_resolve(0);
    script[0].hold = 1;
    rig_on_worker(0, ask_very_often, &a);
    rig_wait(&script[0].asked, 1);
    router_api.resolved(script[0].held[0], 0, &r, 1);
    rig_wait(&a.late, (int)ROUTER_WAITS_MAX);
    assert_int_equal(atomic_load(&script[0].asked), 1);
}

/* Nobody is there any more; the ticket is given back all the same. */
static void test_resolved_after_the_end(void **state)
{
    struct xmb_route r = route("a.example", 0, 0);
    struct ask a;

    offer_resolve(0);
    script[0].hold = 1;
    waits(&a, "far.example");
    rig_wait(&script[0].asked, 1);
    {
        struct xmb_ticket *ticket = script[0].held[0];

        close_router(state);
        router_api.resolved(ticket, 0, &r, 1);
        open_router(state);
    }
    assert_int_equal(atomic_load(&a.late), 0);
}

/* --- cache ----------------------------------------------------------------------------------- */

static struct route_set *set_for(const char *domain)
{
    struct xmb_route r = route("a.example", 0, 0);
    struct route_set *set = NULL;

    RIG_CHECK(set_new(1, 0, xmb_str(domain), &r, 1, &set) == 0);
    return set;
}

static void test_cache(void **state)
{
    struct route_set *set = set_for("a.example");

    (void)state;
    cache_put(set, 1000, 500);
    assert_ptr_equal(cache_find(ROUTER_ROUTES, XMB_STR("a.example"), 1499), set);
    assert_null(cache_find(ROUTER_ROUTES, XMB_STR("a.example"), 1500));
    assert_int_equal(cache_count(), 0);
    cache_put(set, 1000, 0);
    assert_int_equal(cache_count(), 0);
    set_release(set);
}

static void test_cache_bound(void **state)
{
    char domain[32];
    uint32_t i;

    (void)state;
    for (i = 0; i <= ROUTER_CACHE_MAX; i++) {
        struct route_set *set;

        snprintf(domain, sizeof(domain), "d%u.example", i);
        set = set_for(domain);
        cache_put(set, 0, 1000);
        set_release(set);
    }
    assert_int_equal(cache_count(), ROUTER_CACHE_MAX);
    assert_null(cache_find(ROUTER_ROUTES, XMB_STR("d0.example"), 1)); /* the oldest went */
    assert_non_null(cache_find(ROUTER_ROUTES, XMB_STR("d1.example"), 1));
    assert_non_null(cache_find(ROUTER_ROUTES, xmb_str(domain), 1));
    cache_fini();
    assert_int_equal(cache_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_resolved),
        TEST(test_not_to_be_kept),
        TEST(test_in_turn),
        TEST(test_nobody_knows),
        TEST(test_trouble_is_not_cached),
        TEST(test_together),
        TEST(test_cancel),
        TEST(test_cannot_wait),
        TEST(test_bound_of_waits),
        TEST(test_resolved_after_the_end),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
