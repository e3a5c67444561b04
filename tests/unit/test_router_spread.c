/* SPDX-License-Identifier: MIT */
/*
 * test_router_spread.c - the order of the routes of an answer: priority, weight, and records of
 * several addresses.
 */
#include "router_rig.h"

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_priority),
        cmocka_unit_test(test_weight),
        cmocka_unit_test(test_weight_zero),
        cmocka_unit_test(test_addresses_stay_together),
        cmocka_unit_test(test_addresses_of_weight_zero),
        cmocka_unit_test(test_only_weight_zero),
        cmocka_unit_test(test_what_a_record_is),
        cmocka_unit_test(test_what_is_not_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
