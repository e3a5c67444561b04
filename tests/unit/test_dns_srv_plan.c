/* SPDX-License-Identifier: MIT */
/*
 * test_dns_srv_plan.c - from answers to routes: every combination of outcomes of the two SRV
 * questions, and what addresses and TLSA records make of the targets.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

static struct dsrv_plan plan;
static struct dsrv_srv starttls, direct;
static struct xmb_route routes[XMB_ROUTES_MAX];
static size_t route_count;

static int begin(void **state)
{
    (void)state;
    memset(&plan, 0xa5, sizeof(plan));
    memset(&starttls, 0, sizeof(starttls));
    memset(&direct, 0, sizeof(direct));
    route_count = 0;
    return 0;
}

static void says(struct dsrv_srv *s, enum dsrv_outcome outcome, uint32_t ttl_s)
{
    memset(s, 0, sizeof(*s));
    s->outcome = (uint8_t)outcome;
    s->ttl_s = ttl_s;
}

static void target(struct dsrv_srv *s, uint16_t priority, uint16_t weight, uint16_t port,
                   const char *host)
{
    struct dsrv_target *t = &s->target[s->count++];

    s->outcome = DSRV_DATA;
    if (s->ttl_s == 0)
        s->ttl_s = 300;
    t->priority = priority;
    t->weight = weight;
    t->port = port;
    snprintf(t->host, sizeof(t->host), "%s", host);
}

static void refuses(struct dsrv_srv *s, uint32_t ttl_s)
{
    says(s, DSRV_DATA, ttl_s);
    s->refused = 1;
}

/* `count` addresses of host `name`; the last octet is its place and the number. */
static void addresses(const char *name, int family, uint32_t count, int secure)
{
    uint32_t i = 0;
    uint32_t j;
    struct dsrv_addrs *a;

    while (i < plan.host_count && strcmp(plan.host[i].name, name) != 0)
        i++;
    assert_true(i < plan.host_count);
    a = &plan.host[i].addrs[family == 4];
    a->outcome = count > 0 ? DSRV_DATA : DSRV_NONE;
    a->secure = (uint8_t)secure;
    a->family = (uint8_t)family;
    a->ttl_s = 600;
    a->count = count;
    for (j = 0; j < count; j++) {
        inet_pton(family == 4 ? AF_INET : AF_INET6, family == 4 ? "192.0.2.0" : "2001:db8::",
                  a->ip[j]);
        a->ip[j][family == 4 ? 3 : 15] = (uint8_t)(i * 16 + j);
    }
}

static void no_addresses(const char *name, int family, enum dsrv_outcome outcome, uint32_t ttl_s)
{
    addresses(name, family, 0, 0);
    plan.host[plan.host_count - 1].addrs[family == 4].outcome = (uint8_t)outcome;
    plan.host[plan.host_count - 1].addrs[family == 4].ttl_s = ttl_s;
}

static void decide(int fall_back)
{
    dsrv_plan_srv(&plan, "a.example", &starttls, &direct, fall_back);
}

/* The ways as text, "HOST:PORT[+tls][+secure]/PRIORITY,WEIGHT " each, or the status. */
static const char *ways(void)
{
    static char text[4096];
    size_t n = 0;
    uint32_t i;

    if (plan.status != 0) {
        snprintf(text, sizeof(text), "%s %u",
                 plan.status == XMB_EDENIED ? "denied" : plan.status == XMB_ETIMEOUT ? "failed"
                                                                                     : "absent",
                 plan.keep_s);
        return text;
    }
    text[0] = '\0';
    for (i = 0; i < plan.way_count; i++) {
        const struct dsrv_way *w = &plan.way[i];

        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%u%s%s/%u,%u ",
                              plan.host[w->host].name, w->port, w->tls ? "+tls" : "",
                              w->secure ? "+secure" : "", w->priority, w->weight);
    }
    return text;
}

/* The routes as text: "TARGET ADDRESS:PORT[+tls][+secure][+pins]; ". */
static const char *found(void)
{
    static char text[8192];
    size_t n = 0;
    size_t i;

    dsrv_plan_tlsa(&plan);
    route_count = dsrv_plan_routes(&plan, "a.example", routes);
    text[0] = '\0';
    for (i = 0; i < route_count; i++) {
        const struct xmb_route *r = &routes[i];
        char ip[INET6_ADDRSTRLEN];

        inet_ntop(r->addr.family == 4 ? AF_INET : AF_INET6, r->addr.ip, ip, sizeof(ip));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s %s:%u%s%s%s; ", (int)r->target.n,
                              r->target.n > 0 ? r->target.p : "", ip, r->addr.port,
                              r->flags & XMB_ROUTE_TLS ? "+tls" : "",
                              r->flags & XMB_ROUTE_SECURE ? "+secure" : "",
                              r->tlsa_count > 0 ? "+pins" : "");
        assert_int_equal(r->addr.port, r->port);
        assert_int_equal(r->size, sizeof(*r));
    }
    return text;
}

/* --- SRV outcomes ---------------------------------------------------------------------------- */

static void test_targets(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    target(&starttls, 20, 0, 5269, "y.example");
    target(&direct, 15, 1, 5270, "x.example");
    target(&direct, 20, 7, 443, "z.example");
    decide(0);
    assert_string_equal(ways(), "x.example:5269/10,5 x.example:5270+tls/15,1 "
                                "y.example:5269/20,0 z.example:443+tls/20,7 ");
    assert_int_equal(plan.host_count, 3); /* x is asked for once */
}

static void test_direct_off(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    decide(0);
    assert_string_equal(ways(), "x.example:5269/10,5 ");
    assert_int_equal(plan.ttl_s, 300);
    says(&starttls, DSRV_NONE, 40);
    decide(0);
    assert_string_equal(ways(), "a.example:5269/0,0 ");
}

/*
 * What each pair of outcomes leads to: "x" and "d" to targets of starttls and direct, "a" to the
 * domain itself, "-" the domain refuses, "?" a failure; the second letter with fall back.
 */
static const struct {
    const char *starttls;
    const char *direct;
    const char *expected;
} pairs[] = {
    /* DATA, REFUSED, NONE, FAILED, BOGUS of direct */
    {"data", "data", "xd xd"},  {"data", "refused", "x x"},    {"data", "none", "x x"},
    {"data", "failed", "x x"},  {"data", "bogus", "x x"},      {"refused", "data", "- -"},
    {"refused", "none", "- -"}, {"refused", "refused", "- -"}, {"refused", "failed", "- -"},
    {"refused", "bogus", "- -"}, {"none", "data", "d d"},      {"none", "refused", "- -"},
    {"none", "none", "a a"},    {"none", "failed", "? a"},     {"none", "bogus", "? ?"},
    {"failed", "data", "d d"},  {"failed", "refused", "? ?"},  {"failed", "none", "? a"},
    {"failed", "failed", "? a"}, {"failed", "bogus", "? ?"},   {"bogus", "data", "d d"},
    {"bogus", "refused", "? ?"}, {"bogus", "none", "? ?"},     {"bogus", "failed", "? ?"},
    {"bogus", "bogus", "? ?"},  {"data", "unasked", "x x"},    {"refused", "unasked", "- -"},
    {"none", "unasked", "a a"}, {"failed", "unasked", "? a"},  {"bogus", "unasked", "? ?"},
};

static void set(struct dsrv_srv *s, const char *what, const char *host)
{
    if (strcmp(what, "data") == 0) {
        says(s, DSRV_DATA, 300);
        target(s, 1, 1, 5269, host);
    } else if (strcmp(what, "refused") == 0) {
        refuses(s, 300);
    } else {
        says(s, strcmp(what, "none") == 0     ? DSRV_NONE
                : strcmp(what, "failed") == 0 ? DSRV_FAILED
                : strcmp(what, "bogus") == 0  ? DSRV_BOGUS
                                              : DSRV_UNASKED, 50);
    }
}

static const char *letters(int fall_back)
{
    static char text[8];
    size_t n = 0;
    uint32_t i;

    decide(fall_back);
    if (plan.status == XMB_EDENIED)
        return "-";
    if (plan.status == XMB_ETIMEOUT)
        return "?";
    assert_int_equal(plan.status, 0);
    for (i = 0; i < plan.way_count; i++)
        text[n++] = plan.host[plan.way[i].host].name[0];
    text[n] = '\0';
    return text;
}

static void test_pairs(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char got[20];

        set(&starttls, pairs[i].starttls, "x.example");
        set(&direct, pairs[i].direct, "d.example");
        snprintf(got, sizeof(got), "%s", letters(0));
        strcat(strcat(got, " "), letters(1));
        if (strcmp(got, pairs[i].expected) != 0)
            fail_msg("starttls %s, direct %s: %s, not %s", pairs[i].starttls, pairs[i].direct, got,
                     pairs[i].expected);
        assert_int_equal(plan.bogus, strcmp(pairs[i].starttls, "bogus") == 0 ||
                                     strcmp(pairs[i].direct, "bogus") == 0);
    }
}

static void test_times(void **state)
{
    (void)state;
    refuses(&starttls, 5);
    decide(0);
    assert_string_equal(ways(), "denied 30");
    refuses(&starttls, 86400);
    decide(0);
    assert_string_equal(ways(), "denied 3600");
    says(&starttls, DSRV_FAILED, 0);
    decide(0);
    assert_string_equal(ways(), "failed 5");
    /* the target's list is kept for the shorter of both, and shortly when one is missing */
    says(&starttls, DSRV_DATA, 900);
    target(&starttls, 1, 1, 5269, "x.example");
    says(&direct, DSRV_DATA, 700);
    target(&direct, 1, 1, 5270, "x.example");
    decide(0);
    assert_int_equal(plan.ttl_s, 700);
    says(&direct, DSRV_FAILED, 0);
    decide(0);
    assert_int_equal(plan.ttl_s, 60);
    says(&direct, DSRV_NONE, 7);
    decide(0);
    assert_int_equal(plan.ttl_s, 900);
    /* without SRV it is kept as long as it may be believed that there is none */
    says(&starttls, DSRV_NONE, 900);
    says(&direct, DSRV_NONE, 50);
    decide(0);
    assert_int_equal(plan.ttl_s, 50);
}

static void test_too_many_targets(void **state)
{
    uint16_t i;

    (void)state;
    for (i = 0; i < DSRV_TARGETS_MAX; i++) {
        char host[32];

        snprintf(host, sizeof(host), "x%u.example", i);
        target(&starttls, i, 0, 5269, host);
        snprintf(host, sizeof(host), "d%u.example", i);
        target(&direct, i, 0, 5270, host);
    }
    decide(0);
    assert_int_equal(plan.way_count, DSRV_TARGETS_MAX);
    assert_int_equal(plan.host_count, DSRV_TARGETS_MAX);
    assert_int_equal(plan.way[DSRV_TARGETS_MAX - 1].priority, DSRV_TARGETS_MAX / 2 - 1);
}

/* --- addresses ------------------------------------------------------------------------------- */

static void test_interleaved(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    target(&direct, 20, 6, 443, "y.example");
    decide(0);
    addresses("x.example", 6, 2, 0);
    addresses("x.example", 4, 3, 0);
    addresses("y.example", 6, 0, 0);
    addresses("y.example", 4, 1, 0);
    assert_string_equal(found(), "x.example 2001:db8:::5269; x.example 192.0.2.0:5269; "
                                 "x.example 2001:db8::1:5269; x.example 192.0.2.1:5269; "
                                 "x.example 192.0.2.2:5269; y.example 192.0.2.16:443+tls; ");
    assert_int_equal(routes[0].priority, 10);
    assert_int_equal(routes[0].weight, 5);
    assert_int_equal(routes[5].priority, 20);
    assert_int_equal(routes[5].weight, 6);
    assert_int_equal(routes[0].ttl_s, 300);
    assert_int_equal(routes[0].domain.n, strlen("a.example"));
}

static void test_ttl(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    starttls.ttl_s = 100000;
    decide(0);
    addresses("x.example", 6, 0, 0);
    addresses("x.example", 4, 1, 0);
    plan.host[0].addrs[1].ttl_s = 100000;
    found();
    assert_int_equal(routes[0].ttl_s, 3600);
    plan.host[0].addrs[1].ttl_s = 31;
    found();
    assert_int_equal(routes[0].ttl_s, 31);
    plan.host[0].addrs[1].ttl_s = 0;
    found();
    assert_int_equal(routes[0].ttl_s, 30);
}

static void test_some_host_dead(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    target(&starttls, 10, 5, 5269, "y.example");
    decide(0);
    addresses("x.example", 4, 1, 0);
    no_addresses("x.example", 6, DSRV_NONE, 60);
    no_addresses("y.example", 4, DSRV_FAILED, 0);
    no_addresses("y.example", 6, DSRV_BOGUS, 0);
    assert_string_equal(found(), "x.example 192.0.2.0:5269; ");
    assert_int_equal(plan.status, 0);
    assert_int_equal(plan.bogus, 1);
}

/* Targets that do not exist never lead to the domain itself. */
static void test_none(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    decide(1);
    no_addresses("x.example", 4, DSRV_NONE, 50);
    no_addresses("x.example", 6, DSRV_NONE, 40);
    assert_string_equal(found(), "");
    assert_string_equal(ways(), "absent 40");
    decide(1);
    no_addresses("x.example", 4, DSRV_NONE, 500);
    no_addresses("x.example", 6, DSRV_NONE, 400);
    found();
    assert_string_equal(ways(), "absent 60");
    decide(1);
    no_addresses("x.example", 4, DSRV_NONE, 50);
    no_addresses("x.example", 6, DSRV_FAILED, 0);
    found();
    assert_string_equal(ways(), "failed 5");
    decide(1);
    no_addresses("x.example", 4, DSRV_BOGUS, 50);
    no_addresses("x.example", 6, DSRV_NONE, 40);
    found();
    assert_string_equal(ways(), "failed 5");
    assert_int_equal(plan.bogus, 1);
    says(&starttls, DSRV_NONE, 0); /* an absence without SOA is not kept */
    decide(0);
    no_addresses("a.example", 4, DSRV_NONE, 50);
    no_addresses("a.example", 6, DSRV_NONE, 40);
    found();
    assert_string_equal(ways(), "absent 0");
    says(&starttls, DSRV_DATA, 300); /* records, and none that could be used */
    decide(0);
    assert_string_equal(found(), "");
    assert_string_equal(ways(), "absent 60");
}

static void fill_all(uint32_t targets, uint32_t v6, uint32_t v4)
{
    uint32_t i;

    says(&starttls, DSRV_DATA, 300);
    for (i = 0; i < targets; i++) {
        char host[32];

        snprintf(host, sizeof(host), "x%u.example", i);
        target(&starttls, (uint16_t)i, 0, 5269, host);
    }
    decide(0);
    for (i = 0; i < targets; i++) {
        addresses(starttls.target[i].host, 6, v6, 0);
        addresses(starttls.target[i].host, 4, v4, 0);
    }
    found();
}

static uint32_t family_count(const char *host, int family)
{
    uint32_t n = 0;
    size_t i;

    for (i = 0; i < route_count; i++)
        n += routes[i].addr.family == family && strcmp(routes[i].target.p, host) == 0;
    return n;
}

static void test_shares(void **state)
{
    static const uint32_t cases[][5] = {
        /* targets, v6 and v4 of each; v6 and v4 of each that are used */
        {1, 8, 8, 4, 4}, {1, 1, 8, 1, 7},  {1, 8, 1, 7, 1},  {1, 0, 8, 0, 8}, {1, 8, 0, 8, 0},
        {1, 3, 2, 3, 2}, {4, 8, 8, 4, 4},  {5, 8, 8, 3, 3},  {6, 8, 8, 3, 2}, {16, 8, 8, 1, 1},
        {16, 0, 8, 0, 2}, {16, 1, 1, 1, 1}, {9, 8, 8, 2, 1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill_all(cases[i][0], cases[i][1], cases[i][2]);
        assert_int_equal(route_count, cases[i][0] * (cases[i][3] + cases[i][4]));
        assert_int_equal(family_count("x0.example", 6), cases[i][3]);
        assert_int_equal(family_count("x0.example", 4), cases[i][4]);
    }
}

/* --- proofs ---------------------------------------------------------------------------------- */

static void prove(int srv_secure, int v6_secure, int v4_secure)
{
    says(&starttls, DSRV_DATA, 300);
    target(&starttls, 10, 5, 5269, "x.example");
    starttls.secure = (uint8_t)srv_secure;
    decide(0);
    addresses("x.example", 6, 1, v6_secure);
    addresses("x.example", 4, 1, v4_secure);
    dsrv_plan_tlsa(&plan);
}

static void pins(enum dsrv_outcome outcome, int secure)
{
    struct dsrv_tlsas *t = &plan.pin[0].answer;

    assert_int_equal(plan.pin_count, 1);
    memset(t, 0, sizeof(*t));
    t->outcome = (uint8_t)outcome;
    t->secure = (uint8_t)secure;
    t->ttl_s = 120;
    t->count = outcome == DSRV_DATA ? 1 : 0;
}

static const char *found_now(void)
{
    static char text[8192];

    snprintf(text, sizeof(text), "%s", found());
    return text;
}

static void test_no_proof(void **state)
{
    (void)state;
    prove(0, 1, 1);
    assert_int_equal(plan.pin_count, 0);
    assert_string_equal(found_now(), "x.example 2001:db8:::5269; x.example 192.0.2.0:5269; ");
    prove(1, 0, 0);
    assert_int_equal(plan.pin_count, 0);
    assert_string_equal(found_now(), "x.example 2001:db8:::5269; x.example 192.0.2.0:5269; ");
}

static void test_pins(void **state)
{
    (void)state;
    prove(1, 1, 1);
    pins(DSRV_DATA, 1);
    assert_string_equal(found_now(), "x.example 2001:db8:::5269+secure+pins; "
                                     "x.example 192.0.2.0:5269+secure+pins; ");
    assert_ptr_equal(routes[0].tlsa, plan.pin[0].answer.record);
    assert_int_equal(routes[0].ttl_s, 120);
    prove(1, 1, 0);
    pins(DSRV_DATA, 1);
    assert_string_equal(found_now(), "x.example 2001:db8:::5269+secure+pins; "
                                     "x.example 192.0.2.0:5269; ");
    prove(1, 1, 1);
    pins(DSRV_DATA, 0); /* not proven: as if there were none */
    assert_string_equal(found_now(), "x.example 2001:db8:::5269+secure; "
                                     "x.example 192.0.2.0:5269+secure; ");
    prove(1, 1, 1);
    pins(DSRV_NONE, 1);
    assert_string_equal(found_now(), "x.example 2001:db8:::5269+secure; "
                                     "x.example 192.0.2.0:5269+secure; ");
}

static void test_pins_missing(void **state)
{
    (void)state;
    prove(1, 1, 0);
    pins(DSRV_FAILED, 0);
    assert_string_equal(found_now(), "");
    assert_string_equal(ways(), "failed 5");
    prove(1, 1, 1);
    pins(DSRV_BOGUS, 0);
    assert_string_equal(found_now(), "");
    assert_string_equal(ways(), "failed 5");
    assert_int_equal(plan.bogus, 1);
}

/* Each port of a host has records of its own; the same port of both services is asked for once. */
static void test_pins_of_ports(void **state)
{
    (void)state;
    target(&starttls, 10, 5, 5269, "x.example");
    target(&starttls, 20, 5, 5269, "x.example");
    target(&direct, 10, 5, 5270, "x.example");
    starttls.secure = direct.secure = 1;
    decide(0);
    addresses("x.example", 6, 0, 1);
    addresses("x.example", 4, 1, 1);
    dsrv_plan_tlsa(&plan);
    assert_int_equal(plan.pin_count, 2);
    assert_int_equal(plan.pin[0].port, 5269);
    assert_int_equal(plan.pin[1].port, 5270);
    plan.pin[0].answer.outcome = DSRV_FAILED;
    plan.pin[1].answer.outcome = DSRV_NONE;
    route_count = dsrv_plan_routes(&plan, "a.example", routes);
    assert_int_equal(route_count, 1);
    assert_int_equal(routes[0].port, 5270);
}

static void test_domain_proven(void **state)
{
    (void)state;
    says(&starttls, DSRV_NONE, 60);
    starttls.secure = 1;
    decide(0);
    assert_string_equal(ways(), "a.example:5269+secure/0,0 ");
    says(&starttls, DSRV_FAILED, 60);
    decide(1);
    assert_string_equal(ways(), "a.example:5269/0,0 ");
}

/* --- addresses alone, literals --------------------------------------------------------------- */

static void test_addresses_alone(void **state)
{
    (void)state;
    dsrv_plan_addresses(&plan, "h.example");
    assert_int_equal(plan.status, 0);
    assert_int_equal(plan.host_count, 1);
    addresses("h.example", 6, 1, 1);
    addresses("h.example", 4, 2, 0);
    assert_string_equal(found(), " 2001:db8:::0+secure;  192.0.2.0:0;  192.0.2.1:0; ");
    assert_int_equal(plan.pin_count, 0);
    dsrv_plan_addresses(&plan, "h.example");
    no_addresses("h.example", 6, DSRV_NONE, 20);
    no_addresses("h.example", 4, DSRV_NONE, 10);
    assert_string_equal(found(), "");
    assert_string_equal(ways(), "absent 10");
}

static void test_literals(void **state)
{
    struct xmb_route r;

    (void)state;
    assert_int_equal(dsrv_literal(XMB_STR("192.0.2.7"), 5269, &r), 1);
    assert_int_equal(r.addr.family, 4);
    assert_int_equal(r.addr.port, 5269);
    assert_int_equal(r.ttl_s, 3600);
    assert_int_equal(dsrv_literal(XMB_STR("2001:db8::7"), 0, &r), 1);
    assert_int_equal(r.addr.family, 6);
    assert_int_equal(r.port, 0);
    assert_int_equal(dsrv_literal(XMB_STR("[2001:db8::7]"), 5269, &r), 1);
    assert_int_equal(r.addr.family, 6);
    assert_int_equal(dsrv_literal(XMB_STR("192.0.2"), 5269, &r), 0);
    assert_int_equal(dsrv_literal(XMB_STR("192.0.2.7.example"), 5269, &r), 0);
    assert_int_equal(dsrv_literal(XMB_STR("[]"), 5269, &r), 0);
    assert_int_equal(dsrv_literal(XMB_STR(""), 5269, &r), 0);
    assert_int_equal(dsrv_literal(XMB_STR("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0"),
                                  5269, &r), 0);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_targets), TEST(test_direct_off), TEST(test_pairs), TEST(test_times),
        TEST(test_too_many_targets), TEST(test_interleaved), TEST(test_ttl),
        TEST(test_some_host_dead), TEST(test_none), TEST(test_shares), TEST(test_no_proof),
        TEST(test_pins), TEST(test_pins_missing), TEST(test_pins_of_ports),
        TEST(test_domain_proven), TEST(test_addresses_alone), TEST(test_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
