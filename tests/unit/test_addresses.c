/* SPDX-License-Identifier: MIT */
/*
 * test_addresses.c - what ABI 0.2 added to the domain router: addresses of hosts, from modules and
 * from the system; failures that are kept as long as the module says; TLSA records in routes;
 * what is forgotten; the bound of the cache in octets.
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

/* --- a module and a question ----------------------------------------------------------------- */

struct script {
    int rc;
    _Atomic int asked;
    int status;
    int keep_s; /* -1: answers with `resolved` */
    uint32_t count;
    struct xmb_route routes[XMB_ROUTES_MAX + 1];
};

static struct script script[2];
static struct xmb_module *module[2];

static int answer_it(void *self, struct xmb_str name, struct xmb_ticket *ticket)
{
    struct script *s = self;

    (void)name;
    atomic_fetch_add(&s->asked, 1);
    if (s->rc < 0)
        return s->rc;
    if (s->keep_s < 0)
        router_api.resolved(ticket, s->status, s->routes, s->count);
    else
        router_api.resolved_for(ticket, s->status, (uint32_t)s->keep_s, s->routes, s->count);
    return 0;
}

static int begin(void **state)
{
    static const char *const names[] = {"first", "second"};
    int i;

    (void)state;
    memset(script, 0, sizeof(script));
    for (i = 0; i < 2; i++) {
        script[i].keep_s = -1;
        module[i] = rig_module(names[i]);
        module[i]->routing.size = sizeof(module[i]->routing);
        module[i]->self = &script[i];
    }
    rig_up();
    return offload_start(1);
}

static int end(void **state)
{
    (void)state;
    offload_stop();
    rig_down();
    return 0;
}

static struct xmb_route address(uint8_t family, uint8_t last)
{
    struct xmb_route r = {.size = sizeof(r), .ttl_s = 60};

    r.addr.family = family;
    r.addr.ip[family == 4 ? 3 : 15] = last;
    return r;
}

struct ask {
    const char *name;
    int for_addresses;
    int cannot_wait;
    int rc;
    int32_t status;
    const struct xmb_module *module;
    size_t count;
    struct xmb_route routes[XMB_ROUTES_MAX];
    char tlsa[256]; /* of the first route, "usage selector matching data;" each */
    _Atomic int late;
};

static void keep_tlsa(struct ask *a, const struct xmb_route *r)
{
    size_t n = 0;
    size_t i;

    for (i = 0; i < r->tlsa_count; i++) {
        const struct xmb_tlsa *t = xmb_tlsa_at(r->tlsa, i);

        RIG_CHECK(t->size == sizeof(*t));
        n += (size_t)snprintf(a->tlsa + n, sizeof(a->tlsa) - n, "%u %u %u %.*s;", t->usage,
                              t->selector, t->matching, (int)t->data.n, t->data.p);
    }
}

static void keep(struct ask *a, const struct xmb_route_answer *answer)
{
    size_t i;

    a->status = answer->status;
    a->module = answer->module;
    a->count = answer->count;
    for (i = 0; i < answer->count; i++)
        a->routes[i] = *xmb_route_at(answer->routes, i);
    if (answer->count > 0)
        keep_tlsa(a, answer->routes);
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

    if (a->for_addresses)
        a->rc = router_api.addresses(w, xmb_str(a->name), &answer, a->cannot_wait ? NULL : late,
                                     a, NULL);
    else
        a->rc = router_api.lookup(w, xmb_str(a->name), &answer, late, a, NULL);
    if (a->rc == 0)
        keep(a, &answer);
}

static void ask(struct ask *a, int for_addresses, const char *name)
{
    memset(a, 0, sizeof(*a));
    a->name = name;
    a->for_addresses = for_addresses;
    rig_on_worker(0, ask_there, a);
    assert_int_equal(a->rc, XMB_EAGAIN);
    rig_wait(&a->late, 1);
}

static void offer_addresses(int i)
{
    module[i]->routing.addresses = answer_it;
}

static void offer_resolve(int i)
{
    module[i]->routing.resolve = answer_it;
}

/* --- addresses ------------------------------------------------------------------------------- */

static void test_interleaved(void **state)
{
    static const uint8_t want[] = {6, 4, 6, 4, 4};
    struct ask a;
    size_t i;

    (void)state;
    offer_addresses(0);
    for (i = 0; i < 3; i++)
        script[0].routes[i] = address(4, (uint8_t)(i + 1));
    script[0].routes[3] = address(6, 4);
    script[0].routes[4] = address(6, 5);
    script[0].routes[4].port = 5269; /* a host has none */
    script[0].routes[4].addr.port = 5269;
    script[0].routes[4].weight = 9;
    script[0].count = 5;
    ask(&a, 1, "Host.example");
    assert_int_equal(a.status, 0);
    assert_ptr_equal(a.module, module[0]);
    assert_int_equal(a.count, 5);
    for (i = 0; i < 5; i++) {
        assert_int_equal(a.routes[i].addr.family, want[i]);
        assert_int_equal(a.routes[i].addr.port, 0);
        assert_int_equal(a.routes[i].port, 0);
        assert_int_equal(a.routes[i].weight, 0);
    }
    assert_int_equal(a.routes[0].addr.ip[15], 4); /* each family in its order */
    assert_int_equal(a.routes[2].addr.ip[15], 5);
    assert_int_equal(a.routes[1].addr.ip[3], 1);
    assert_int_equal(a.routes[4].addr.ip[3], 3);
}

/* A domain and a host of one name are two things. */
static void test_two_key_spaces(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    offer_addresses(1);
    script[0].routes[0] = (struct xmb_route){.size = sizeof(struct xmb_route), .ttl_s = 60,
                                             .target = XMB_STR("im.example.com"), .port = 5269};
    script[0].count = 1;
    script[1].routes[0] = address(4, 7);
    script[1].count = 1;
    ask(&a, 0, "example.com");
    assert_int_equal(a.routes[0].port, 5269);
    ask(&a, 1, "example.com");
    assert_int_equal(a.routes[0].addr.ip[3], 7);
    ask(&a, 1, "example.com"); /* both are kept */
    ask(&a, 0, "example.com");
    assert_int_equal(a.routes[0].port, 5269);
    assert_int_equal(atomic_load(&script[0].asked), 1);
    assert_int_equal(atomic_load(&script[1].asked), 1);
}

static void test_no_addresses(void **state)
{
    struct ask a;

    (void)state;
    offer_addresses(0);
    offer_addresses(1);
    script[0].status = XMB_ENOENT;
    script[1].routes[0] = (struct xmb_route){.size = sizeof(struct xmb_route),
                                             .target = XMB_STR("no.address.example")};
    script[1].count = 1;
    ask(&a, 1, "one.example"); /* an answer that is none: as if it could not say */
    assert_int_equal(a.status, XMB_ETIMEOUT);
    script[1].count = XMB_ROUTES_MAX + 1;
    ask(&a, 1, "two.example");
    assert_int_equal(a.status, XMB_ETIMEOUT);
    script[1].count = 0;
    ask(&a, 1, "three.example");
    assert_int_equal(a.status, XMB_ENOENT);
    assert_null(a.module);
}

static void test_cannot_wait(void **state)
{
    struct ask a = {.name = "host.example", .for_addresses = 1, .cannot_wait = 1};

    (void)state;
    rig_on_worker(0, ask_there, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.status, XMB_ENOENT);
    a.name = "not a name";
    rig_on_worker(0, ask_there, &a);
    assert_int_equal(a.rc, XMB_EINVAL);
}

/* --- the system ------------------------------------------------------------------------------ */

static void test_system(void **state)
{
    struct ask a;
    size_t i;

    (void)state;
    offer_resolve(0); /* which says nothing about hosts */
    ask(&a, 1, "localhost");
    assert_int_equal(a.status, 0);
    assert_ptr_equal(a.module, module_core());
    assert_true(a.count >= 1);
    for (i = 0; i < a.count; i++) {
        assert_true(a.routes[i].addr.family == 4 || a.routes[i].addr.family == 6);
        assert_int_equal(a.routes[i].addr.port, 0);
        assert_int_equal(a.routes[i].ttl_s, ROUTER_SYSTEM_TTL_S);
    }
    assert_int_equal(atomic_load(&script[0].asked), 0);
}

static _Atomic int ending; /* questions may come back without an answer */

static void count_late(void *arg, const struct xmb_route_answer *answer)
{
    RIG_CHECK(atomic_load(&ending) || (answer->status == 0 && answer->count >= 1));
    atomic_fetch_add((_Atomic int *)arg, 1);
}

#define MANY 40

static void ask_many(struct xmb_worker *w, void *arg)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    char name[32];
    int i;

    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "127.0.0.%d", i + 1);
        RIG_CHECK(router_api.addresses(w, xmb_str(name), &answer, count_late, arg, NULL) ==
                  XMB_EAGAIN);
    }
}

/* Far more at once than the pool has threads for. */
static void test_system_in_turn(void **state)
{
    _Atomic int answered = 0;

    (void)state;
    rig_on_worker(1, ask_many, &answered);
    rig_wait(&answered, MANY);
}

/* Questions that still wait are given back. */
static void test_system_at_the_end(void **state)
{
    static _Atomic int answered;

    atomic_store(&ending, 1);
    rig_on_worker(1, ask_many, &answered);
    end(state);
    begin(state);
    atomic_store(&ending, 0);
}

/* --- failures that are kept ------------------------------------------------------------------ */

struct look {
    const char *name;
    uint64_t in_ms;
    int found;
    int status;
};

static void look_there(void *arg)
{
    struct look *l = arg;
    const struct route_set *set =
        cache_find(ROUTER_ROUTES, xmb_str(l->name), loop_now_ms(loop_routing()) + l->in_ms);

    l->found = set != NULL;
    l->status = set != NULL ? set->status : 0;
}

/* What is kept about `name` will be there in `in_ms`. Looking late drops it. */
static int is_kept(const char *name, uint64_t in_ms, int *status)
{
    struct look l = {name, in_ms, 0, 0};

    rig_on_routing(look_there, &l);
    if (status != NULL)
        *status = l.status;
    return l.found;
}

static void fails(const char *name, int status, int keep_s, int32_t want)
{
    struct ask a;

    script[0].status = status;
    script[0].keep_s = keep_s;
    ask(&a, 0, name);
    assert_int_equal(a.status, want);
}

static void test_kept_failure(void **state)
{
    int status;

    (void)state;
    offer_resolve(0);
    fails("a.example", XMB_ENOENT, 300, XMB_ENOENT);
    assert_true(is_kept("a.example", 290000, &status));
    assert_int_equal(status, XMB_ENOENT);
    assert_false(is_kept("a.example", 301000, NULL));
    fails("b.example", XMB_ENOENT, 86400, XMB_ENOENT);
    assert_true(is_kept("b.example", 3590000, NULL));
    assert_false(is_kept("b.example", 3601000, NULL)); /* an hour is the most */
    fails("c.example", XMB_ENOENT, 0, XMB_ENOENT);
    assert_false(is_kept("c.example", 0, NULL));
    fails("d.example", XMB_EDENIED, 60, XMB_EDENIED);
    assert_true(is_kept("d.example", 59000, &status));
    assert_int_equal(status, XMB_EDENIED);
    fails("e.example", XMB_ETIMEOUT, 60, XMB_ETIMEOUT); /* a broken zone */
    assert_true(is_kept("e.example", 59000, &status));
    assert_int_equal(status, XMB_ETIMEOUT);
    fails("e.example", 0, -1, XMB_ETIMEOUT); /* from what is kept */
    fails("f.example", XMB_ENOENT, -1, XMB_ENOENT); /* `resolved` */
    assert_true(is_kept("f.example", 29000, NULL));
    assert_false(is_kept("f.example", 31000, NULL));
    fails("g.example", XMB_ETIMEOUT, -1, XMB_ETIMEOUT);
    assert_false(is_kept("g.example", 0, NULL));
}

/* Of several modules that know nothing the one that is sure for the shortest time counts. */
static void test_shortest_keep(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    offer_resolve(1);
    script[0].status = script[1].status = XMB_ENOENT;
    script[0].keep_s = 600;
    script[1].keep_s = 60;
    ask(&a, 0, "a.example");
    assert_true(is_kept("a.example", 59000, NULL));
    assert_false(is_kept("a.example", 61000, NULL));
    script[0].keep_s = 60;
    script[1].keep_s = 600;
    ask(&a, 0, "c.example");
    assert_true(is_kept("c.example", 59000, NULL));
    assert_false(is_kept("c.example", 61000, NULL));
    script[1].rc = XMB_EAGAIN; /* it might have known */
    ask(&a, 0, "b.example");
    assert_int_equal(a.status, XMB_ETIMEOUT);
    assert_false(is_kept("b.example", 0, NULL));
}

static void test_ttl_counts_with_routes(void **state)
{
    struct ask a;

    (void)state;
    offer_resolve(0);
    script[0].keep_s = 3000;
    script[0].routes[0] = (struct xmb_route){.size = sizeof(struct xmb_route), .ttl_s = 100,
                                             .target = XMB_STR("im.example.com")};
    script[0].count = 1;
    ask(&a, 0, "example.com");
    assert_int_equal(a.status, 0);
    assert_true(is_kept("example.com", 99000, NULL));
    assert_false(is_kept("example.com", 101000, NULL));
    script[0].routes[0].target = XMB_STR("not a name"); /* a fault of the module's: not kept */
    ask(&a, 0, "example.net");
    assert_int_equal(a.status, XMB_ETIMEOUT);
    assert_false(is_kept("example.net", 0, NULL));
}

/* --- forget ---------------------------------------------------------------------------------- */

static void test_forget(void **state)
{
    struct ask a;

    (void)state;
    offer_addresses(0);
    script[0].routes[0] = address(4, 1);
    script[0].count = 1;
    ask(&a, 1, "a.example");
    ask(&a, 1, "b.example");
    assert_int_equal(atomic_load(&script[0].asked), 2);
    router_api.forget(XMB_STR("A.example"));
    ask(&a, 1, "a.example");
    ask(&a, 1, "b.example");
    assert_int_equal(atomic_load(&script[0].asked), 3);
    router_api.forget((struct xmb_str){NULL, 0});
    ask(&a, 1, "a.example");
    ask(&a, 1, "b.example");
    assert_int_equal(atomic_load(&script[0].asked), 5);
    router_api.forget(XMB_STR("not a name"));
}

/* --- flags and records ----------------------------------------------------------------------- */

#define TLSA(u, text)                                                                              \
    {                                                                                              \
        .size = sizeof(struct xmb_tlsa), .usage = (u), .selector = 1, .matching = 1,               \
        .data = XMB_STR(text)                                                                      \
    }

static void test_tlsa(void **state)
{
    struct xmb_tlsa records[XMB_TLSA_MAX + 1] = {TLSA(3, "digest"), TLSA(2, "other")};
    struct ask a;

    (void)state;
    offer_resolve(0);
    script[0].routes[0] = (struct xmb_route){
        .size = sizeof(struct xmb_route), .ttl_s = 60, .priority = 2,
        .target = XMB_STR("b.example")};
    script[0].routes[1] = (struct xmb_route){
        .size = sizeof(struct xmb_route), .flags = XMB_ROUTE_TLS | XMB_ROUTE_SECURE | 0x1000,
        .ttl_s = 60, .priority = 1, .target = XMB_STR("a.example"), .tlsa = records,
        .tlsa_count = 2};
    script[0].count = 2;
    ask(&a, 0, "example.com");
    memset(records, 0, sizeof(records)); /* a copy was taken */
    ask(&a, 0, "example.com");
    assert_int_equal(a.count, 2);
    assert_int_equal(a.routes[0].flags, XMB_ROUTE_TLS | XMB_ROUTE_SECURE);
    assert_string_equal(a.tlsa, "3 1 1 digest;2 1 1 other;");
    assert_int_equal(a.routes[1].tlsa_count, 0);
    assert_null(a.routes[1].tlsa);
}

static int make(const struct xmb_route *r)
{
    struct route_set *set = NULL;
    int rc = set_new(1, 0, XMB_STR("example.com"), r, 1, &set);

    set_release(set);
    return rc;
}

static void test_tlsa_bounds(void **state)
{
    static char much[ROUTER_TLSA_BYTES_MAX + 1];
    struct xmb_tlsa records[XMB_TLSA_MAX + 1] = {TLSA(3, "digest")};
    struct xmb_route r = {.size = sizeof(r), .target = XMB_STR("a.example"), .tlsa = records};

    (void)state;
    r.tlsa_count = XMB_TLSA_MAX;
    assert_int_equal(make(&r), 0);
    r.tlsa_count = XMB_TLSA_MAX + 1;
    assert_int_equal(make(&r), XMB_EINVAL);
    r.tlsa_count = 1;
    records[0].data = (struct xmb_str){much, sizeof(much) - 1};
    assert_int_equal(make(&r), 0);
    records[0].data.n++;
    assert_int_equal(make(&r), XMB_EINVAL);
    records[0].data = XMB_STR("digest");
    records[0].size = 4;
    assert_int_equal(make(&r), XMB_EINVAL);
    r.size = offsetof(struct xmb_route, tlsa); /* of an older plugin: it has none */
    assert_int_equal(make(&r), 0);
}

/* --- the cache in octets --------------------------------------------------------------------- */

static void test_cache_bytes(void **state)
{
    static char much[ROUTER_TLSA_BYTES_MAX];
    struct xmb_tlsa record = TLSA(3, "");
    struct xmb_route r = {.size = sizeof(r), .target = XMB_STR("a.example"), .tlsa = &record,
                          .tlsa_count = 1};
    char domain[32];
    uint32_t i;

    (void)state;
    record.data = (struct xmb_str){much, sizeof(much)};
    for (i = 0; i < 1100; i++) {
        struct route_set *set = NULL;

        snprintf(domain, sizeof(domain), "d%u.example", i);
        assert_int_equal(set_new(1, 0, xmb_str(domain), &r, 1, &set), 0);
        cache_put(set, 0, 1000);
        set_release(set);
    }
    assert_in_range(cache_count(), 900, ROUTER_CACHE_BYTES_MAX / sizeof(much));
    assert_non_null(cache_find(ROUTER_ROUTES, xmb_str(domain), 1));
    assert_null(cache_find(ROUTER_ROUTES, XMB_STR("d0.example"), 1));
    cache_fini();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_interleaved),
        TEST(test_two_key_spaces),
        TEST(test_no_addresses),
        TEST(test_cannot_wait),
        TEST(test_system),
        TEST(test_system_in_turn),
        TEST(test_system_at_the_end),
        TEST(test_kept_failure),
        TEST(test_shortest_keep),
        TEST(test_ttl_counts_with_routes),
        TEST(test_forget),
        TEST(test_tlsa),
        cmocka_unit_test(test_tlsa_bounds),
        cmocka_unit_test(test_cache_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
