/* SPDX-License-Identifier: MIT */
/*
 * test_router.c - the domain router on real loops: which routes answer, their order, names,
 * bounds, and questions to modules: in turn, together, cached, late, cancelled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "chain_rig.h"
#include "router/router.h"
#include "router/router_priv.h"

/* --- modules --------------------------------------------------------------------------------- */

#define HELD_MAX 64

struct script {
    int rc;                    /* what resolve returns */
    _Atomic int asked;
    int hold;                  /* keep the tickets in `held`; else answer at once */
    struct xmb_ticket *held[HELD_MAX];
    int status;
    uint32_t count;
    struct xmb_route routes[2];
};

static struct script script[2];
static struct xmb_module *module[2];

static int resolve(void *self, struct xmb_str domain, struct xmb_ticket *ticket)
{
    struct script *s = self;
    int n = atomic_load(&s->asked);

    (void)domain;
    if (s->hold && s->rc == 0)
        s->held[n % HELD_MAX] = ticket;
    atomic_fetch_add(&s->asked, 1);
    if (s->rc == 0 && !s->hold)
        router_api.resolved(ticket, s->status, s->routes, s->count);
    return s->rc;
}

static int begin(void **state)
{
    static const char *const names[] = {"first", "second"};
    int i;

    (void)state;
    memset(script, 0, sizeof(script));
    for (i = 0; i < 2; i++) {
        module[i] = rig_module(names[i]);
        module[i]->routing.size = sizeof(module[i]->routing);
        module[i]->self = &script[i];
    }
    rig_up();
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_down();
    return 0;
}

static void offer_resolve(int i)
{
    module[i]->routing.resolve = resolve;
}

static struct xmb_route route(const char *target, uint16_t priority, uint16_t weight)
{
    return (struct xmb_route){.size = sizeof(struct xmb_route), .target = xmb_str(target),
                              .port = 5269, .priority = priority, .weight = weight, .ttl_s = 60};
}

/* --- pushing --------------------------------------------------------------------------------- */

struct push {
    int module;
    struct xmb_str domain;
    const struct xmb_route *routes;
    size_t count;
    int rc;
};

static void push_there(void *arg)
{
    struct push *p = arg;

    p->rc = router_api.update(module[p->module], p->domain, p->routes, p->count);
}

static _Atomic int turns_ended;

static void turn_ended(struct loop_hook *hook)
{
    (void)hook;
    atomic_fetch_add(&turns_ended, 1);
}

static void arm_hook(void *arg)
{
    static struct loop_hook hook = {.fn = turn_ended};

    (void)arg;
    loop_at_turn_end(loop_routing(), &hook);
}

static void nothing_on_worker(struct xmb_worker *w, void *arg)
{
    (void)w;
    (void)arg;
}

/*
 * Hooks run in the order in which they were armed: when this one has, the snapshot is on its
 * way; what is posted to a worker now comes behind it.
 */
static void settle(void)
{
    int before = atomic_load(&turns_ended);
    uint32_t i;

    rig_on_routing(arm_hook, NULL);
    rig_wait(&turns_ended, before + 1);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on_worker(i, nothing_on_worker, NULL);
}

static int push(int m, const char *domain, const struct xmb_route *routes, size_t count)
{
    struct push p = {m, xmb_str(domain), routes, count, 0};

    rig_on_routing(push_there, &p);
    settle();
    return p.rc;
}

static int push_one(int m, const char *domain, uint32_t flags, const char *target)
{
    struct xmb_route r = route(target, 0, 0);

    r.flags = flags;
    return push(m, domain, &r, 1);
}

/* --- asking ---------------------------------------------------------------------------------- */

struct ask {
    const char *domain;
    int can_wait;
    int rc;
    uint64_t id;
    int32_t status;
    const struct xmb_module *module;
    size_t count;
    char target[XMB_ROUTES_MAX][64]; /* of each route */
    _Atomic int late;
};

static void keep(struct ask *a, const struct xmb_route_answer *answer)
{
    size_t i;

    a->status = answer->status;
    a->module = answer->module;
    a->count = answer->count;
    for (i = 0; i < answer->count; i++)
        snprintf(a->target[i], sizeof(a->target[i]), "%.*s", (int)answer->routes[i].target.n,
                 answer->routes[i].target.n > 0 ? answer->routes[i].target.p : "");
}

static void late(void *arg, const struct xmb_route_answer *answer)
{
    struct ask *a = arg;

    keep(a, answer);
    atomic_fetch_add(&a->late, 1);
}

static void ask_there(struct xmb_worker *w, void *arg)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    struct ask *a = arg;

    a->rc = router_api.lookup(w, xmb_str(a->domain), &answer, a->can_wait ? late : NULL, a,
                              &a->id);
    if (a->rc == 0)
        keep(a, &answer);
}

static void ask_on(struct ask *a, uint32_t worker, const char *domain)
{
    memset(a, 0, sizeof(*a));
    a->domain = domain;
    a->can_wait = 1;
    rig_on_worker(worker, ask_there, a);
}

static void ask(struct ask *a, const char *domain)
{
    ask_on(a, 0, domain);
}

static void answers(const char *domain, const char *target)
{
    struct ask a;

    ask(&a, domain);
    assert_int_equal(a.rc, 0);
    if (target == NULL) {
        assert_int_equal(a.status, XMB_ENOENT);
        assert_int_equal(a.count, 0);
        return;
    }
    assert_int_equal(a.status, 0);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.target[0], target);
}

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

/* --- order of routes ------------------------------------------------------------------------- */

static void test_priority(void **state)
{
    struct xmb_route routes[3] = {route("c.example", 30, 9), route("a.example", 10, 0),
                                  route("b.example", 20, 5)};
    struct ask a;

    (void)state;
    push(0, "x.example", routes, 3);
    ask(&a, "x.example");
    assert_string_equal(a.target[0], "a.example");
    assert_string_equal(a.target[1], "b.example");
    assert_string_equal(a.target[2], "c.example");
}

/*
 * 20,000 draws with a fixed seed: the share of each must be near its weight. Six standard
 * deviations of a binomial are allowed, and the seed is fixed, so this does not flicker.
 */
static void test_weight(void **state)
{
    static const uint16_t weight[3] = {10, 30, 60};
    uint32_t first[3] = {0, 0, 0};
    uint64_t random_state = 42;
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct xmb_route r[3];
        int k;

        for (k = 0; k < 3; k++) {
            r[k] = route("t.example", 5, weight[k]);
            r[k].port = (uint16_t)k;
        }
        spread(r, 3, &random_state);
        assert_int_equal(r[0].port + r[1].port + r[2].port, 3);
        first[r[0].port]++;
    }
    for (i = 0; i < 3; i++)
        assert_in_range(first[i], weight[i] * 200 - 420, weight[i] * 200 + 420);
}

static void test_weight_zero(void **state)
{
    uint64_t random_state = 7;
    uint32_t zero_first = 0;
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct xmb_route r[2] = {route("t.example", 0, 99), route("t.example", 0, 0)};

        spread(r, 2, &random_state);
        zero_first += r[0].weight == 0;
    }
    /* One draw in a hundred: small, and not never. */
    assert_in_range(zero_first, 110, 290);
}

/* One address of an SRV record: `record` tells records apart, `place` its addresses. */
static struct xmb_route address(const char *target, uint16_t port, uint16_t weight, uint8_t record,
                                uint8_t place)
{
    struct xmb_route r = route(target, 5, weight);

    r.port = port;
    r.addr = (struct xmb_addr){.family = place % 2 == 0 ? 6 : 4, .ip = {record, place}};
    return r;
}

/* Addresses of a record stand together and in order. Leaves the order of the records in `seen`. */
static size_t records_of(const struct xmb_route *r, size_t count, uint8_t *seen)
{
    size_t i, n = 0;

    for (i = 0; i < count; i++) {
        if (i == 0 || r[i].addr.ip[0] != r[i - 1].addr.ip[0]) {
            assert_int_equal(r[i].addr.ip[1], 0);
            seen[n++] = r[i].addr.ip[0];
        } else {
            assert_int_equal(r[i].addr.ip[1], r[i - 1].addr.ip[1] + 1);
        }
    }
    return n;
}

/* 20,000 draws of `count` routes of `records` records (4 at most): how often each came first. */
static void draw_records(const struct xmb_route *routes, size_t count, size_t records,
                         uint32_t first[4])
{
    uint64_t random_state = 11;
    struct xmb_route r[8];
    uint8_t seen[8];
    int i;

    memset(first, 0, 4 * sizeof(first[0]));
    for (i = 0; i < 20000; i++) {
        memcpy(r, routes, count * sizeof(r[0]));
        spread(r, count, &random_state);
        assert_int_equal(records_of(r, count, seen), records);
        first[seen[0]]++;
    }
}

/* What is drawn is the record: three addresses do not make it three times as likely. */
static void test_addresses_stay_together(void **state)
{
    const struct xmb_route routes[] = {
        address("a.example", 5269, 10, 0, 0), address("a.example", 5269, 10, 0, 1),
        address("a.example", 5269, 10, 0, 2), address("b.example", 5269, 30, 1, 0),
        address("b.example", 5269, 30, 1, 1), address("c.example", 5269, 60, 2, 0),
    };
    uint32_t first[4];

    (void)state;
    draw_records(routes, 6, 3, first);
    assert_in_range(first[0], 2000 - 420, 2000 + 420);
    assert_in_range(first[1], 6000 - 420, 6000 + 420);
    assert_in_range(first[2], 12000 - 420, 12000 + 420);
}

/* Beside others a record of weight 0 is rare, however many addresses it has. */
static void test_addresses_of_weight_zero(void **state)
{
    const struct xmb_route routes[] = {
        address("a.example", 5269, 99, 0, 0), address("b.example", 5269, 0, 1, 0),
        address("b.example", 5269, 0, 1, 1),  address("b.example", 5269, 0, 1, 2),
        address("a2.example", 5269, 0, 2, 0),
    };
    uint32_t first[4];

    (void)state;
    draw_records(routes, 5, 3, first);
    assert_in_range(first[1], 110, 290); /* of those of weight 0 the first one has the place */
    assert_int_equal(first[0] + first[1] + first[2], 20000);
}

/* Records of weight 0 alone are drawn alike, and each order of them comes. */
static void test_only_weight_zero(void **state)
{
    const struct xmb_route routes[] = {
        address("a.example", 5269, 0, 0, 0), address("a.example", 5269, 0, 0, 1),
        address("b.example", 5269, 0, 1, 0), address("c.example", 5269, 0, 2, 0),
        address("c.example", 5269, 0, 2, 1), address("c.example", 5269, 0, 2, 2),
    };
    uint32_t order[27] = {0}, first[4], orders = 0;
    uint64_t random_state = 13;
    struct xmb_route r[6];
    uint8_t seen[8];
    int i;

    (void)state;
    draw_records(routes, 6, 3, first);
    for (i = 0; i < 3; i++)
        assert_in_range(first[i], 6667 - 420, 6667 + 420);
    for (i = 0; i < 6000; i++) {
        memcpy(r, routes, sizeof(r));
        spread(r, 6, &random_state);
        assert_int_equal(records_of(r, 6, seen), 3);
        order[seen[0] * 9 + seen[1] * 3 + seen[2]]++;
    }
    for (i = 0; i < 27; i++)
        if (order[i] > 0) {
            assert_in_range(order[i], 1000 - 180, 1000 + 180);
            orders++;
        }
    assert_int_equal(orders, 6);
}

/* Port, TLS and weight are part of a record; an address without a name is one of its own. */
static void test_what_a_record_is(void **state)
{
    struct xmb_route routes[] = {
        address("a.example", 5269, 10, 0, 0), address("a.example", 5270, 10, 1, 0),
        address("a.example", 5270, 10, 2, 0), address("a.example", 5270, 20, 3, 0),
    };
    uint32_t first[4];
    int i;

    (void)state;
    routes[2].flags = XMB_ROUTE_TLS;
    draw_records(routes, 4, 4, first);
    for (i = 0; i < 3; i++)
        assert_in_range(first[i], 4000 - 420, 4000 + 420);
    assert_in_range(first[3], 8000 - 420, 8000 + 420);
    for (i = 0; i < 4; i++)
        routes[i] = address("", 5269, 1000, (uint8_t)i, 0); /* as static-routes pushes them */
    draw_records(routes, 4, 4, first);
    for (i = 0; i < 4; i++)
        assert_in_range(first[i], 5000 - 420, 5000 + 420);
}

/* Addresses of one host have their order already, and priorities stay what they are. */
static void test_what_is_not_spread(void **state)
{
    struct xmb_route host[4], two[4];
    uint64_t random_state = 17;
    int i, k;

    (void)state;
    for (i = 0; i < 200; i++) {
        for (k = 0; k < 4; k++) {
            host[k] = address("", 0, 0, 0, (uint8_t)k);
            two[k] = address(k < 2 ? "a.example" : "b.example", 5269, 0, k >= 2, k & 1);
            two[k].priority = k < 2 ? 1 : 2;
        }
        spread(host, 4, &random_state);
        spread(two, 4, &random_state);
        for (k = 0; k < 4; k++) {
            assert_int_equal(host[k].addr.ip[1], k);
            assert_int_equal(two[k].addr.ip[0] * 2 + two[k].addr.ip[1], k);
        }
    }
}

/* --- questions to modules -------------------------------------------------------------------- */

static void waits(struct ask *a, const char *domain)
{
    ask(a, domain);
    assert_int_equal(a->rc, XMB_EAGAIN);
}

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

        end(state);
        router_api.resolved(ticket, 0, &r, 1);
        begin(state);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

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
        TEST(test_priority),
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
        TEST(test_walk),
        TEST(test_post),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_weight),
        cmocka_unit_test(test_weight_zero),
        cmocka_unit_test(test_addresses_stay_together),
        cmocka_unit_test(test_addresses_of_weight_zero),
        cmocka_unit_test(test_only_weight_zero),
        cmocka_unit_test(test_what_a_record_is),
        cmocka_unit_test(test_what_is_not_spread),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
