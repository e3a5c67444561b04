/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr_going.c - what ends a neighbour beside its hold time: its goodbye, ours,
 * the operator, an interface, a change of the configuration. (Reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

/* --- going ------------------------------------------------------------------------------------ */

static void goodbye_with(int k6)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;

    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.is_goodbye = 1;
    h.goodbye_k6 = k6;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->last_reason, SE_NBR_GOODBYE);
    rig_forget(rig);
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig->downs, 1);
    rig_say_hello(rig, 2); /* it may finish first */
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_null(rig_sent(rig));
    rig_advance(rig, 1000);
    rig_say_hello(rig, 2);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_free(rig);
}

static void test_goodbye(void **state)
{
    (void)state;
    goodbye_with(0);
    goodbye_with(255);
}

/* Goodbyes can be forged: they reset a neighbour once in five seconds. */
static void test_goodbye_is_damped(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.is_goodbye = 1;
    rig_hello_from(rig, &addr, &h);
    rig_advance(rig, 1100);
    rig_up(rig, 2, 50);
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    rig_advance(rig, 4000);
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    rig_free(rig);
}

static void test_termination(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct xmb_addr us = rig_addr(rig, 1);
    struct xmb_addr other = rig_addr(rig, 9);
    struct rig_hello h;

    (void)state;
    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.termination = &other;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    h.termination = &us;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->last_reason, SE_NBR_TERMINATED);
    rig_say_hello(rig, 2);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_free(rig);
}

static void test_k_values_of_a_neighbour(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.parameter.k.k[1] = 1;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->last_reason, SE_NBR_K_VALUES);
    assert_int_equal(rig_count(rig, SE_DROP_K_VALUES), 1);
    rig_free(rig);
}

static void test_reset_names_the_peer(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    const struct rig_packet *p;
    unsigned nbr = rig_up(rig, 2, 40);

    (void)state;
    se_nbr_reset(rig->engine, nbr, SE_NBR_CLEARED);
    assert_int_equal(rig->downs, 0);
    se_nbr_run(rig->engine, rig->now);
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->last_reason, SE_NBR_CLEARED);
    p = rig_sent(rig);
    assert_int_equal(p->to.family, 0);
    assert_int_equal(se_address_listed(&p->hello.termination, &addr), 1);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    rig_free(rig);
}

static void test_leaving(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    uint64_t start_ms;
    unsigned i;

    (void)state;
    rig_up(rig, 2, 40);
    rig_up(rig, 3, 40);
    start_ms = rig->now.ms;
    se_nbr_leave(rig->engine, SE_NBR_ALL, rig->now);
    assert_int_equal(rig->downs, 2);
    assert_int_equal(rig->last_reason, SE_NBR_LEAVING);
    assert_int_equal(se_nbr_is_leaving(rig->engine), 1);
    rig_say_hello(rig, 4);
    rig_advance(rig, 10000);
    assert_int_equal(se_nbr_is_leaving(rig->engine), 0);
    for (i = 0; i < 3; i++) {
        p = rig_sent(rig);
        assert_int_equal(se_hello_is_goodbye(&p->hello), 1);
        assert_int_equal(p->hello.parameter.k.k[5], 0);
        assert_int_equal(p->at_ms, start_ms + 20 * i);
    }
    assert_null(rig_sent(rig));
    assert_int_equal(se_nbr_next(rig->engine, SE_NBR_NONE), SE_NBR_NONE);
    rig_free(rig);
}

static void test_iface_down(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_up(rig, 2, 40);
    se_nbr_iface_down(rig->engine, 0, rig->now);
    assert_int_equal(rig->last_reason, SE_NBR_IFACE_DOWN);
    assert_null(rig_sent(rig));
    assert_int_equal(rig->timer_ms, 0);
    assert_int_equal(se_nbr_iface_set(rig->engine, 0, &rig->iface, rig->now), 0);
    rig_up(rig, 2, 50);
    rig_free(rig);
}

/* --- configuration ---------------------------------------------------------------------------- */

static void test_live_configuration(void **state)
{
    static const struct se_key key = {.password = {"password12345", 13}, .id = 1,
                                      .send_until_s = SE_TIME_FOREVER,
                                      .accept_until_s = SE_TIME_FOREVER};
    static const struct se_auth_policy sha = {SE_AUTH_SHA256, &key, 1};
    struct rig *rig = rig_new(4);

    (void)state;
    rig_up(rig, 2, 40);
    rig->iface.hello_ms = 1000;
    rig->iface.hold_s = 3;
    rig->iface.bandwidth_kbps = 64;
    assert_int_equal(se_nbr_iface_set(rig->engine, 0, &rig->iface, rig->now), 0);
    assert_int_equal(rig_sent(rig)->hello.parameter.hold_s, 3);
    assert_int_equal(rig->downs, 0);
    rig->iface.auth = &sha;
    assert_int_equal(se_nbr_iface_set(rig->engine, 0, &rig->iface, rig->now), 0);
    assert_int_equal(rig->last_reason, SE_NBR_CONFIG);
    assert_int_equal(rig->downs, 1);
    rig->iface.packet_bytes = 100;
    assert_int_equal(se_nbr_iface_set(rig->engine, 0, &rig->iface, rig->now), XMB_EINVAL);
    rig_free(rig);
}

static void test_other_k_values(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_up(rig, 2, 40);
    rig->conf.hold_max_s = 100;
    assert_int_equal(se_nbr_configure(rig->engine, &rig->conf, rig->now), 0);
    assert_int_equal(rig->downs, 0);
    rig->conf.k.k[4] = 9;
    assert_int_equal(se_nbr_configure(rig->engine, &rig->conf, rig->now), 0);
    assert_int_equal(rig->last_reason, SE_NBR_CONFIG);
    rig_forget(rig);
    rig_say_hello(rig, 2);
    assert_int_equal(rig_count(rig, SE_DROP_K_VALUES), 1);
    rig->conf.k.k[0] = 255;
    assert_int_equal(se_nbr_configure(rig->engine, &rig->conf, rig->now), XMB_EINVAL);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_goodbye_is_damped),
        cmocka_unit_test(test_termination),
        cmocka_unit_test(test_k_values_of_a_neighbour),
        cmocka_unit_test(test_reset_names_the_peer),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_iface_down),
        cmocka_unit_test(test_live_configuration),
        cmocka_unit_test(test_other_k_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
