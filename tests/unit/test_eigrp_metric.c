/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_metric.c - wide and classic metrics and their composites, against numbers of a Cisco
 * router.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_wire.h"

#define GIGABIT {10000000, 1000000, 1500, 255, 1}

static const struct se_kvalues k_default = SE_KVALUES_DEFAULT;

static struct se_metric metric(uint64_t delay_ps, uint64_t kbps)
{
    struct se_metric m = {.delay_ps = delay_ps, .bandwidth_kbps = kbps, .mtu_bytes = 1500,
                          .reliability = 255, .load = 1};

    return m;
}

/* Published output of a router: 1 Gbit/s, 11.25 us, K 1 0 1 0 0 and K 1 2 3 4 5. */
static void test_composite_of_a_router(void **state)
{
    struct se_kvalues all = {{1, 2, 3, 4, 5, 0}};
    struct se_metric m = metric(11250000, 1000000);

    (void)state;
    assert_int_equal(se_metric_composite(&m, &k_default), 1392640);
    assert_int_equal(se_metric_rib(se_metric_composite(&m, &k_default), 128), 10880);
    assert_int_equal(se_metric_composite(&m, &all), 55450);
    assert_int_equal(se_metric_rib(se_metric_composite(&m, &all), 128), 433);
    m = metric(10000000, 1000000);
    assert_int_equal(se_metric_composite(&m, &k_default), 1310720);
    assert_int_equal(se_metric_composite_classic(&m, &k_default), 2816);
    m = metric(UINT64_C(20000000000), 1544); /* the T1 of every textbook */
    assert_int_equal(se_metric_composite_classic(&m, &k_default), 2169856);
}

static void test_composite_bounds(void **state)
{
    struct se_kvalues reliability = {{1, 0, 1, 0, 1, 0}};
    struct se_kvalues large = {{254, 254, 254, 0, 254, 254}};
    struct se_metric m = metric(SE_DELAY_UNREACHABLE, 1000);

    (void)state;
    assert_true(se_metric_composite(&m, &k_default) == SE_COMPOSITE_INFINITY);
    assert_true(se_metric_composite_classic(&m, &k_default) == SE_CLASSIC_INFINITY);
    m = metric(1, SE_BANDWIDTH_UNREACHABLE);
    assert_true(se_metric_composite(&m, &k_default) == SE_COMPOSITE_INFINITY);
    m = metric(SE_DELAY_UNREACHABLE - 1, 0);
    m.extended = UINT32_MAX;
    m.reliability = 1;
    m.load = 255;
    assert_true(se_metric_composite(&m, &large) > UINT64_C(10000000000000000000));
    assert_true(se_metric_composite(&m, &large) < SE_COMPOSITE_INFINITY);
    assert_true(se_metric_composite_classic(&m, &large) == SE_CLASSIC_INFINITY - 1);
    assert_true(se_metric_composite(&m, &k_default) < SE_COMPOSITE_INFINITY - 1);
    m.reliability = 0;
    assert_true(se_metric_composite(&m, &reliability) == SE_COMPOSITE_INFINITY);
    m = metric(0, SE_BANDWIDTH_UNREACHABLE - 1);
    m.load = 255;
    assert_int_equal(se_metric_composite(&m, &k_default), 0);
    assert_int_equal(se_metric_rib(UINT64_MAX, 1), UINT32_MAX);
}

static void test_vector_rules(void **state)
{
    struct se_link slow = {30000000, 10000, 1400, 200, 9};
    struct se_link fast = GIGABIT;
    struct se_metric m;
    struct se_metric sum;

    (void)state;
    se_metric_from_link(&m, &fast);
    assert_int_equal(m.hop_count, 0);
    se_metric_add_link(&sum, &m, &slow);
    assert_int_equal(sum.delay_ps, 40000000);
    assert_int_equal(sum.bandwidth_kbps, 10000);
    assert_int_equal(sum.mtu_bytes, 1400);
    assert_int_equal(sum.reliability, 200);
    assert_int_equal(sum.load, 9);
    assert_int_equal(sum.hop_count, 1);
    se_metric_add_link(&sum, &sum, &fast);
    assert_int_equal(sum.bandwidth_kbps, 10000);
    assert_int_equal(sum.load, 9);
    assert_int_equal(sum.hop_count, 2);
    sum.delay_ps = SE_DELAY_UNREACHABLE - 2;
    se_metric_add_link(&sum, &sum, &slow);
    assert_true(sum.delay_ps == SE_DELAY_UNREACHABLE - 1);
    assert_false(se_metric_is_unreachable(&sum, 100));
    sum.hop_count = 255;
    se_metric_add_link(&sum, &sum, &slow);
    assert_true(se_metric_is_unreachable(&sum, 255));
    se_metric_add_link(&sum, &sum, &slow);
    assert_true(sum.delay_ps == SE_DELAY_UNREACHABLE);
}

static void test_unreachable_forms(void **state)
{
    struct se_metric a = metric(1, 1);
    struct se_metric b = metric(2, 1);

    (void)state;
    a.hop_count = 100;
    assert_false(se_metric_is_unreachable(&a, SE_HOPS_MAX_DEFAULT));
    a.hop_count = 101;
    assert_true(se_metric_is_unreachable(&a, SE_HOPS_MAX_DEFAULT));
    assert_true(se_metric_compare(&a, &b, &k_default, 100) > 0);
    assert_true(se_metric_compare(&b, &a, &k_default, 100) < 0);
    a.hop_count = 0;
    a.bandwidth_kbps = SE_BANDWIDTH_UNREACHABLE;
    assert_true(se_metric_is_unreachable(&a, 100));
    se_metric_set_unreachable(&b);
    assert_true(se_metric_is_unreachable(&b, 100));
    assert_int_equal(se_metric_compare(&a, &b, &k_default, 100), 0);
    assert_true(se_metric_equal(&a, &b));
}

static void test_compare(void **state)
{
    struct se_external origin = {1, 2, 3, 4, SE_EXTERNAL_STATIC, 0};
    struct se_external same = origin;
    struct se_metric near = metric(1000000, 1000000);
    struct se_metric far = metric(900000000, 1000);
    struct se_metric copy;

    (void)state;
    assert_true(se_metric_compare(&near, &far, &k_default, 100) < 0);
    near.external = &origin;
    assert_true(se_metric_compare(&near, &far, &k_default, 100) > 0);
    far.external = &same;
    assert_true(se_metric_compare(&near, &far, &k_default, 100) < 0);
    copy = near;
    copy.external = &same;
    assert_true(se_metric_equal(&near, &copy));
    same.tag++;
    assert_false(se_metric_equal(&near, &copy));
    copy.external = NULL;
    assert_false(se_metric_equal(&near, &copy));
}

static void test_classic_and_back(void **state)
{
    static const uint64_t speeds_kbps[] = {56, 1544, 10000, 100000, 1000000, 10000000, 2560000000};
    struct se_classic classic;
    struct se_classic again;
    struct se_metric m;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(speeds_kbps) / sizeof(speeds_kbps[0]); i++) {
        m = metric(se_link_default_delay_ps(speeds_kbps[i]), speeds_kbps[i]);
        se_metric_to_classic(&classic, &m);
        se_metric_from_classic(&m, &classic);
        se_metric_to_classic(&again, &m);
        assert_memory_equal(&again, &classic, sizeof(again));
    }
    m = metric(SE_DELAY_UNREACHABLE, SE_BANDWIDTH_UNREACHABLE);
    se_metric_to_classic(&classic, &m);
    assert_true(classic.delay == SE_CLASSIC_INFINITY && classic.bandwidth == SE_CLASSIC_INFINITY);
    se_metric_from_classic(&m, &classic);
    assert_true(m.delay_ps == SE_DELAY_UNREACHABLE);
    assert_true(m.bandwidth_kbps == SE_BANDWIDTH_UNREACHABLE);
    m = metric(SE_DELAY_UNREACHABLE - 1, SE_BANDWIDTH_UNREACHABLE - 1);
    se_metric_to_classic(&classic, &m);
    assert_true(classic.delay == SE_CLASSIC_INFINITY - 1 && classic.bandwidth == 1);
    classic.bandwidth = 0;
    se_metric_from_classic(&m, &classic);
    assert_true(m.bandwidth_kbps == 2560000000);
}

static void test_default_delays(void **state)
{
    (void)state;
    assert_true(se_link_default_delay_ps(9) == UINT64_C(500000000000));
    assert_true(se_link_default_delay_ps(1544) == UINT64_C(20000000000));
    assert_true(se_link_default_delay_ps(10000) == 1000000000);
    assert_true(se_link_default_delay_ps(999999) == 100000000);
    assert_true(se_link_default_delay_ps(1000000) == 10000000);
    assert_true(se_link_default_delay_ps(2500000) == 5000000);
    assert_true(se_link_default_delay_ps(100000000) == 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_composite_of_a_router),
        cmocka_unit_test(test_composite_bounds),
        cmocka_unit_test(test_vector_rules),
        cmocka_unit_test(test_unreachable_forms),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_classic_and_back),
        cmocka_unit_test(test_default_delays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
