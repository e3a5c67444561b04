/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr_modes.c - whom an interface lets in: anybody near, those that are named,
 * remote ones, and how many. (Reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

/* --- modes ------------------------------------------------------------------------------------ */

static void test_static_neighbours(void **state)
{
    struct rig *rig = rig_prepare(4);
    struct xmb_addr two = rig_addr(rig, 2);
    struct xmb_addr three = rig_addr(rig, 3);
    const struct rig_packet *p;
    struct rig_hello h;

    (void)state;
    rig->iface.mode = SE_NBR_STATIC;
    rig_start(rig);
    assert_null(rig_sent(rig));
    assert_int_equal(se_nbr_static_add(rig->engine, 0, &two, rig->now), 0);
    assert_int_equal(se_nbr_static_add(rig->engine, 0, &two, rig->now), XMB_EEXIST);
    p = rig_sent(rig);
    assert_memory_equal(p->to.ip, two.ip, 16);
    rig_advance(rig, 5000);
    p = rig_sent(rig);
    assert_memory_equal(p->to.ip, two.ip, 16);
    rig_hello_init(&h);
    rig_drop_hello(rig, &three, &h, SE_DROP_DENIED);
    rig_up(rig, 2, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 5));
    p = rig_sent(rig);
    assert_memory_equal(p->to.ip, two.ip, 16);
    assert_int_equal(se_nbr_static_remove(rig->engine, 0, &three, rig->now), XMB_ENOENT);
    assert_int_equal(se_nbr_static_remove(rig->engine, 0, &two, rig->now), 0);
    assert_int_equal(rig->last_reason, SE_NBR_CONFIG);
    p = rig_sent(rig);
    assert_memory_equal(p->to.ip, two.ip, 16);
    assert_int_equal(p->hello.have & SE_HAVE_TERMINATION, SE_HAVE_TERMINATION);
    rig_free(rig);
}

static void test_remote_neighbour(void **state)
{
    struct rig *rig = rig_prepare(4);
    struct xmb_addr far = rig_addr(rig, 7);
    const struct rig_packet *p;
    struct rig_hello h;

    (void)state;
    far.ip[0] = 192;
    rig->iface.mode = SE_NBR_REMOTE;
    rig_start(rig);
    assert_int_equal(se_nbr_static_add(rig->engine, 0, &far, rig->now), 0);
    rig_forget(rig);
    rig_hello_init(&h);
    rig_hello_from(rig, &far, &h);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_memory_equal(p->to.ip, far.ip, 16);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(se_nbr_find(rig->engine, 0, &far) != SE_NBR_NONE, 1);
    rig_free(rig);
}

static void test_listening_for_remotes(void **state)
{
    struct rig *rig = rig_prepare(4);
    struct xmb_addr good = rig_addr(rig, 7);
    struct xmb_addr bad = rig_addr(rig, 8);
    struct rig_hello h;

    (void)state;
    good.ip[1] = bad.ip[1] = 99;
    rig->iface.mode = SE_NBR_LISTEN;
    rig->denied = &bad;
    rig_start(rig);
    rig_advance(rig, 6000);
    assert_null(rig_sent(rig)); /* it says nothing of its own accord */
    rig_hello_init(&h);
    rig_drop_hello(rig, &bad, &h, SE_DROP_DENIED);
    rig_hello_from(rig, &good, &h);
    assert_memory_equal(rig_sent(rig)->to.ip, good.ip, 16);
    rig->denied = &good;
    se_nbr_recheck(rig->engine, rig->now);
    assert_int_equal(se_nbr_find(rig->engine, 0, &good), SE_NBR_NONE);
    rig_free(rig);
}

static void test_remote_group(void **state)
{
    struct rig *rig = rig_prepare(4);
    const struct rig_packet *p;

    (void)state;
    rig->iface.mode = SE_NBR_GROUP;
    rig_start(rig);
    assert_int_equal(rig_sent(rig)->to.family, 0);
    rig_up(rig, 2, 40);
    rig_up(rig, 3, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 5));
    p = rig_sent(rig);
    assert_int_equal(p->to.family, 4);
    p = rig_sent(rig);
    assert_int_equal(p->to.family, 4);
    assert_null(rig_sent(rig));
    rig_free(rig);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_pending_limit(void **state)
{
    struct rig *rig = rig_prepare(4);
    struct xmb_addr addr;
    struct rig_hello h;
    unsigned i;

    (void)state;
    rig->iface.new_per_s = 1000;
    rig->iface.prefixes[0].bits = 8;
    rig_start(rig);
    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.parameter.hold_s = 65535;
    for (i = 0; i < 300; i++) {
        addr = rig_addr(rig, i % 256);
        addr.ip[2] = (uint8_t)(1 + i / 256);
        rig_hello_from(rig, &addr, &h);
    }
    assert_int_equal(rig_iface(rig).pending_count, SE_NBR_PENDING_MAX);
    assert_int_equal(rig_count(rig, SE_DROP_LIMIT), 300 - SE_NBR_PENDING_MAX);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    /* After a while silent ones make room. One that answers does not. */
    rig_forget(rig);
    rig_advance(rig, 5000);
    rig_forget(rig);
    rig_say_hello(rig, 3);
    assert_int_equal(rig_state(rig, 3), SE_NBR_PENDING);
    assert_int_equal(rig_iface(rig).pending_count, SE_NBR_PENDING_MAX);
    assert_int_equal(rig->last_note.reason, SE_NBR_REASONS);
    assert_int_equal(rig->downs, 0);
    rig_free(rig);
}

static void test_new_neighbours_are_slow(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++)
        rig_say_hello(rig, 100 + i);
    assert_int_equal(rig_iface(rig).pending_count, SE_NBR_NEW_PER_S);
    rig_advance(rig, 500);
    for (i = 0; i < 100; i++)
        rig_say_hello(rig, 100 + i);
    assert_int_equal(rig_iface(rig).pending_count, SE_NBR_NEW_PER_S * 3 / 2);
    rig_free(rig);
}

static void test_neighbours_max(void **state)
{
    struct rig *rig = rig_prepare(4);

    (void)state;
    rig->iface.neighbours_max = 2;
    rig_start(rig);
    assert_int_equal(rig_up(rig, 2, 40), 0);
    assert_int_equal(rig_up(rig, 3, 40), 1);
    rig_say_hello(rig, 4);
    assert_int_equal(rig_state(rig, 4), SE_NBR_DOWN);
    assert_int_equal(rig_count(rig, SE_DROP_LIMIT), 1);
    se_nbr_reset(rig->engine, 0, SE_NBR_CLEARED);
    se_nbr_run(rig->engine, rig->now);
    assert_int_equal(rig_up(rig, 4, 40), 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_static_neighbours),
        cmocka_unit_test(test_remote_neighbour),
        cmocka_unit_test(test_listening_for_remotes),
        cmocka_unit_test(test_remote_group),
        cmocka_unit_test(test_pending_limit),
        cmocka_unit_test(test_new_neighbours_are_slow),
        cmocka_unit_test(test_neighbours_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
