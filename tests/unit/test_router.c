/* SPDX-License-Identifier: MIT */
/*
 * test_router.c - the domain router on real loops: which routes answer, names, bounds, and what is
 * told of it all.
 */
#include "router_rig.h"

#include <stdio.h>
#include <string.h>

/* --- snapshots ------------------------------------------------------------------------------- */

static void test_exact(void **state)
{
    (void)state;
    answers("example.com", NULL);
    assert_int_equal(push_one(0, "example.com", 0, "a.example"), 0);
    answers("example.com", "a.example");
    answers("EXAMPLE.Com", "a.example");
    answers("www.example.com", NULL);
    answers("com", NULL);
    assert_int_equal(push_one(0, "Example.COM", 0, "B.example"), 0);
    answers("example.com", "b.example");
    assert_int_equal(push(0, "example.com", NULL, 0), 0);
    answers("example.com", NULL);
    assert_int_equal(push(0, "example.com", NULL, 0), 0);
}

static void test_longest_suffix(void **state)
{
    (void)state;
    push_one(0, "com", XMB_ROUTE_SUFFIX, "com.target");
    push_one(0, "example.com", XMB_ROUTE_SUFFIX, "suffix.target");
    push_one(0, "im.example.com", 0, "exact.target");
    answers("com", "com.target");
    answers("other.com", "com.target");
    answers("a.b.example.com", "suffix.target");
    answers("im.example.com", "exact.target");
    answers("x.im.example.com", "suffix.target");
    answers("notexample.com", "com.target");
    answers("example.org", NULL);
}

static void test_suffix_routes_only_below(void **state)
{
    struct xmb_route routes[2] = {route("exact.target", 0, 0), route("both.target", 1, 0)};
    struct ask a;

    (void)state;
    routes[1].flags = XMB_ROUTE_SUFFIX;
    push(0, "example.com", routes, 2);
    answers("www.example.com", "both.target");
    ask(&a, "example.com");
    assert_int_equal(a.count, 2);
    assert_string_equal(a.target[0], "exact.target");
}

/* The first module that has any route answers alone, even by a shorter name. */
static void test_order_of_modules(void **state)
{
    struct ask a;

    (void)state;
    push_one(1, "im.example.com", 0, "second.target");
    answers("im.example.com", "second.target");
    push_one(0, "example.com", XMB_ROUTE_SUFFIX, "first.target");
    ask(&a, "im.example.com");
    assert_ptr_equal(a.module, module[0]);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.target[0], "first.target");
}

static void test_reject_ends_the_search(void **state)
{
    struct xmb_route no = {.size = sizeof(no), .flags = XMB_ROUTE_REJECT | XMB_ROUTE_SUFFIX};
    struct ask a;

    (void)state;
    offer_resolve(1);
    push_one(1, "bad.example", 0, "second.target");
    push(0, "bad.example", &no, 1);
    ask(&a, "bad.example");
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.status, XMB_EDENIED);
    assert_int_equal(a.count, 0);
    assert_ptr_equal(a.module, module[0]);
    ask(&a, "very.bad.example");
    assert_int_equal(a.status, XMB_EDENIED);
    assert_int_equal(atomic_load(&script[1].asked), 0);
}

static void clear_there(void *arg)
{
    router_api.clear(arg);
}

static void test_clear(void **state)
{
    (void)state;
    push_one(0, "a.example", 0, "first.target");
    push_one(0, "b.example", 0, "first.target");
    push_one(1, "a.example", 0, "second.target");
    rig_on_routing(clear_there, module[0]);
    settle();
    answers("a.example", "second.target");
    answers("b.example", NULL);
}

static void test_every_worker_sees_it(void **state)
{
    struct ask a;

    (void)state;
    push_one(0, "a.example", 0, "one.target");
    ask_on(&a, 1, "a.example");
    assert_string_equal(a.target[0], "one.target");
}

/* --- names and bounds ------------------------------------------------------------------------ */

static void test_names(void **state)
{
    static const char *const good[] = {"a", "1.2", "xn--mnchen-3ya.example", "_xmpp-server._tcp.x",
                                       "a-b.c"};
    static const char *const bad[] = {"",       ".",      "a.",    ".a",   "a..b", "-a.b",
                                      "a-.b",   "a b",    "m\xc3\xbcnchen.example",
                                      "a/b",    "[::1]",  "a\tb"};
    char label[70];
    char name[300];
    struct name out;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(name_read(xmb_str(good[i]), &out), 0);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (name_read(xmb_str(bad[i]), &out) != XMB_EINVAL)
            fail_msg("taken for a name: %s", bad[i]);
    assert_int_equal(name_read((struct xmb_str){"a\0b", 3}, &out), XMB_EINVAL);
    memset(label, 'x', sizeof(label));
    assert_int_equal(name_read((struct xmb_str){label, 63}, &out), 0);
    assert_int_equal(name_read((struct xmb_str){label, 64}, &out), XMB_EINVAL);
    for (i = 0; i < sizeof(name); i++)
        name[i] = i % 2 == 0 ? 'a' : '.';
    assert_int_equal(name_read((struct xmb_str){name, 253}, &out), 0);
    assert_int_equal(name_read((struct xmb_str){name, 255}, &out), XMB_EINVAL);
}

static void test_refused_updates(void **state)
{
    struct xmb_route routes[XMB_ROUTES_MAX + 1];
    struct xmb_route r = route("", 0, 0);
    struct ask a;
    size_t i;

    (void)state;
    for (i = 0; i <= XMB_ROUTES_MAX; i++)
        routes[i] = route("t.example", (uint16_t)i, 0);
    assert_int_equal(push(0, "a.example", routes, XMB_ROUTES_MAX), 0);
    assert_int_equal(push(0, "a.example", routes, XMB_ROUTES_MAX + 1), XMB_EINVAL);
    ask(&a, "a.example");
    assert_int_equal(a.count, XMB_ROUTES_MAX); /* the refused one changed nothing */
    assert_int_equal(push(0, "not a name", routes, 1), XMB_EINVAL);
    assert_int_equal(push(0, "b.example", &r, 1), XMB_EINVAL); /* no way there */
    r.target = XMB_STR("bad target");
    assert_int_equal(push(0, "b.example", &r, 1), XMB_EINVAL);
    r.target = XMB_STR("");
    r.addr = (struct xmb_addr){.family = 4, .port = 5269, .ip = {192, 0, 2, 1}};
    assert_int_equal(push(0, "b.example", &r, 1), 0);
    r.addr.family = 5;
    assert_int_equal(push(0, "b.example", &r, 1), XMB_EINVAL);
    r.addr.family = 4;
    r.size = 8;
    assert_int_equal(push(0, "b.example", &r, 1), XMB_EINVAL);
    ask(&a, "..");
    assert_int_equal(a.rc, XMB_EINVAL);
}

static void fill_table(void *arg)
{
    struct xmb_route r = route("t.example", 0, 0);
    char domain[32];
    uint32_t i;

    (void)arg;
    for (i = 0; i < ROUTER_SETS_MAX; i++) {
        snprintf(domain, sizeof(domain), "d%u.example", i);
        RIG_CHECK(router_api.update(module[0], xmb_str(domain), &r, 1) == 0);
    }
    RIG_CHECK(router_api.update(module[0], XMB_STR("more.example"), &r, 1) == XMB_ELIMIT);
    RIG_CHECK(router_api.update(module[0], XMB_STR("d0.example"), &r, 1) == 0);
    RIG_CHECK(router_api.update(module[0], XMB_STR("d1.example"), NULL, 0) == 0);
    RIG_CHECK(router_api.update(module[0], XMB_STR("more.example"), &r, 1) == 0);
}

static void test_bound_of_table(void **state)
{
    (void)state;
    rig_on_routing(fill_table, NULL);
    settle();
    answers("d65535.example", "t.example");
    answers("d1.example", NULL);
    answers("more.example", "t.example");
}

/* --- walk and post --------------------------------------------------------------------------- */

struct walk {
    const char *domain;
    int count;
};

static void count_route(void *arg, const struct xmb_module *m, const struct xmb_route *r)
{
    struct walk *walk = arg;

    RIG_CHECK(m == module[0] || m == module[1]);
    RIG_CHECK(r->domain.n > 0);
    walk->count++;
}

static void walk_there(void *arg)
{
    struct walk *walk = arg;

    walk->count = 0;
    router_walk(xmb_str(walk->domain), count_route, walk);
}

static int walked(const char *domain)
{
    struct walk walk = {domain, 0};

    rig_on_routing(walk_there, &walk);
    return walk.count;
}

static void test_walk(void **state)
{
    struct ask a;

    (void)state;
    push_one(0, "example.com", XMB_ROUTE_SUFFIX, "a.example");
    push_one(1, "im.example.com", 0, "b.example");
    assert_int_equal(walked(NULL), 2);
    assert_int_equal(walked("im.example.com"), 2);
    assert_int_equal(walked("example.com"), 1);
    assert_int_equal(walked("org"), 0);
    assert_int_equal(walked("not a name"), 0);
    offer_resolve(1);
    script[1].routes[0] = route("c.example", 0, 0);
    script[1].count = 1;
    waits(&a, "far.example");
    rig_wait(&a.late, 1);
    assert_int_equal(walked("far.example"), 1);
    assert_int_equal(walked(NULL), 3);
}

static void add_one(void *arg)
{
    RIG_CHECK(loop_is_current(loop_routing()));
    RIG_CHECK(module_current() == module[0]);
    atomic_fetch_add((_Atomic int *)arg, 1);
}

static void test_post(void **state)
{
    _Atomic int ran = 0;

    (void)state;
    assert_int_equal(router_api.post(module[0], add_one, NULL, &ran, 0), 0);
    rig_wait(&ran, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exact),
        TEST(test_longest_suffix),
        TEST(test_suffix_routes_only_below),
        TEST(test_order_of_modules),
        TEST(test_reject_ends_the_search),
        TEST(test_clear),
        TEST(test_every_worker_sees_it),
        TEST(test_refused_updates),
        TEST(test_bound_of_table),
        TEST(test_walk),
        TEST(test_post),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
