/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr_restart.c - a neighbour that begins anew, and one that stays up meanwhile: INIT
 * again, graceful restart, soft clear, and when a table is complete. (Reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

/* --- restarts --------------------------------------------------------------------------------- */

static void test_restart(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    unsigned nbr = rig_up(rig, 2, 40);

    (void)state;
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    rig_forget(rig);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 4000, 0, 0);
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->last_reason, SE_NBR_RESTARTED);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.header.acknowledge, 4000);
    assert_null(rig_sent(rig));
    rig_ack(rig, 2, p->packet.header.sequence);
    assert_int_equal(rig->ups, 2);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_EOT);
    assert_int_equal(p->services, 0);
    assert_null(rig_sent(rig));
    rig_free(rig);
}

/* An INIT that is older than the last packet: a late copy soon, a restart from 1 later. */
static void test_restart_of_the_sequence(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_up(rig, 2, 40000);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 1, 0, 0);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40000, 0, 0);
    assert_int_equal(rig->downs, 0);
    assert_int_equal(rig_count(rig, SE_DROP_OUT_OF_ORDER), 2);
    assert_null(rig_sent(rig));
    rig_advance(rig, 5000);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 1, 0, 0);
    assert_int_equal(rig->last_reason, SE_NBR_RESTARTED);
    assert_int_equal(rig->downs, 1);
    rig_free(rig);
}

/* A copy of the INIT that was taken last is acknowledged again and changes nothing. */
static void test_init_twice(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_say_hello(rig, 2);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 0, 0);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 1000, 0);
    assert_int_equal(rig->ups, 1);
    rig_ack(rig, 2, 1001);
    rig_forget(rig);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 1000, 0);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.acknowledge, 40);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_int_equal(rig->downs, 0);
    rig_free(rig);
}

/* INITs of a neighbour that is up can be forged, too. */
static void test_restarts_are_damped(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    uint32_t sequence = 100;
    unsigned i;

    (void)state;
    rig_up(rig, 2, sequence);
    for (i = 0; i < 10; i++) {
        sequence += 10;
        rig_forget(rig);
        rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, sequence, 0, 0);
        p = rig_sent(rig);
        if (p != NULL)
            rig_ack(rig, 2, p->packet.header.sequence);
    }
    assert_int_equal(rig->downs, 4);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    rig_free(rig);
}

static void test_graceful_restart_by_hello(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    const struct rig_packet *p;
    struct rig_hello h;
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++)
        rig_item(rig, 10);
    rig->table_count = 3;
    rig_up(rig, 2, 40);
    rig->completes = 0;
    rig_hello_init(&h);
    h.header.flags = SE_FLAG_RS;
    rig_hello_from(rig, &addr, &h);
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig->resyncs, 1);
    assert_int_equal(rig->downs, 0);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(p->packet.header.flags, SE_FLAG_RS | SE_FLAG_EOT);
    assert_int_equal(p->services, 3);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_RS, 42, p->packet.header.sequence, 1);
    assert_int_equal(rig->resyncs, 1);
    assert_int_equal(rig->completes, 0);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_EOT, 43, 0, 0);
    assert_int_equal(rig->completes, 1);
    assert_int_equal(rig->last_complete, SE_NBR_COMPLETE_EOT);
    rig_hello_from(rig, &addr, &h); /* it still says so; nothing new */
    assert_int_equal(rig->resyncs, 1);
    rig_free(rig);
}

/* INIT, RS and EOT in one packet with the whole table, as a soft clear sends it. */
static void test_graceful_restart_in_one_packet(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    rig->completes = rig->delivered = 0;
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT | SE_FLAG_RS | SE_FLAG_EOT, 42, 0, 1);
    assert_int_equal(rig->downs, 0);
    assert_int_equal(rig->resyncs, 1);
    assert_int_equal(rig->delivered, 1);
    assert_int_equal(rig->completes, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.acknowledge, 42);
    assert_int_equal(p->packet.header.flags, SE_FLAG_RS | SE_FLAG_EOT);
    rig_free(rig);
}

/* Ours: the table goes out with INIT and RS; the peer's echo starts no third round. */
static void test_soft_clear(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    unsigned nbr = rig_up(rig, 2, 40);

    (void)state;
    se_nbr_resync(rig->engine, nbr);
    se_nbr_run(rig->engine, rig->now);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT | SE_FLAG_RS | SE_FLAG_EOT);
    assert_int_equal(rig->resyncs, 0);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_RS | SE_FLAG_EOT, 42, p->packet.header.sequence, 0);
    assert_int_equal(rig->resyncs, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_EOT);
    assert_int_equal(rig->downs, 0);
    rig_free(rig);
}

/* Asked twice before the first echo is there: the second echo is not echoed, or it never ends. */
static void test_soft_clear_twice(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    unsigned nbr = rig_up(rig, 2, 40);
    unsigned i;

    (void)state;
    se_nbr_resync(rig->engine, nbr);
    se_nbr_run(rig->engine, rig->now);
    se_nbr_resync(rig->engine, nbr);
    se_nbr_run(rig->engine, rig->now);
    for (i = 0; i < 4; i++) {
        p = rig_sent(rig);
        rig_say(rig, 2, SE_UPDATE, SE_FLAG_RS | SE_FLAG_EOT, 42 + i, p->packet.header.sequence, 0);
    }
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_EOT);
    assert_int_equal(rig->downs, 0);
    rig_free(rig);
}

static void test_table_never_completes(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;
    unsigned i;

    (void)state;
    rig_say_hello(rig, 2);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 1000, 0);
    rig_ack(rig, 2, 1001);
    for (i = 0; i < 3; i++) {
        rig_advance(rig, 9990);
        rig_say_hello(rig, 2);
    }
    assert_int_equal(rig->completes, 0);
    rig_advance(rig, 60);
    assert_int_equal(rig->completes, 1);
    assert_int_equal(rig->last_complete, SE_NBR_COMPLETE_SILENT);
    rig_hello_init(&h);
    h.header.flags = SE_FLAG_RS;
    for (i = 0; i < 24; i++) {
        rig_hello_from(rig, &addr, &h);
        rig_ack(rig, 2, 1002);
        rig_advance(rig, 9999);
    }
    assert_int_equal(rig->completes, 1);
    rig_hello_from(rig, &addr, &h);
    rig_advance(rig, 100);
    assert_int_equal(rig->completes, 2);
    assert_int_equal(rig->last_complete, SE_NBR_COMPLETE_PURGE);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_of_the_sequence),
        cmocka_unit_test(test_init_twice),
        cmocka_unit_test(test_restarts_are_damped),
        cmocka_unit_test(test_graceful_restart_by_hello),
        cmocka_unit_test(test_graceful_restart_in_one_packet),
        cmocka_unit_test(test_soft_clear),
        cmocka_unit_test(test_soft_clear_twice),
        cmocka_unit_test(test_table_never_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
