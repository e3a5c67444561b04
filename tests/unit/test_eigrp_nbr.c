/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr.c - how two become neighbours, and stay it: forming, hello and hold, stub.
 * (RFC 7868, 5.3; reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

#define MINUTE_MS 60000u

/* --- forming ---------------------------------------------------------------------------------- */

static void test_forming(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr peer = rig_addr(rig, 2);
    const struct rig_packet *p;
    uint32_t sequence;

    (void)state;
    rig_advance(rig, 1000);
    rig_say_hello(rig, 2);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_int_equal(p->to.family, 0);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_UPDATE);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.bytes, 20);
    assert_memory_equal(p->to.ip, peer.ip, sizeof(peer.ip));
    sequence = p->packet.header.sequence;
    assert_int_equal(sequence, 1000);
    assert_null(rig_sent(rig));
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 77, sequence, 0);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    assert_int_equal(rig->ups, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_UPDATE);
    assert_int_equal(p->packet.header.flags, SE_FLAG_EOT);
    assert_int_equal(p->packet.header.acknowledge, 77);
    assert_int_equal(p->packet.header.sequence, 1001);
    assert_null(rig_sent(rig));
    rig_free(rig);
}

/* Neither half alone is enough. */
static void test_forming_needs_both(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_say_hello(rig, 2);
    rig_ack(rig, 2, 1000);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_say_hello(rig, 3);
    rig_forget(rig);
    rig_say(rig, 3, SE_UPDATE, SE_FLAG_INIT, 5, 0, 0);
    assert_int_equal(rig_state(rig, 3), SE_NBR_PENDING);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.header.acknowledge, 5);
    rig_ack(rig, 3, 999);
    assert_int_equal(rig_state(rig, 3), SE_NBR_PENDING);
    rig_ack(rig, 3, p->packet.header.sequence);
    assert_int_equal(rig_state(rig, 3), SE_NBR_UP);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 6, 0, 0);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    rig_free(rig);
}

/* A pending neighbour gets no ack for what is no INIT, and hears our INIT again. */
static void test_pending_is_quiet(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_say_hello(rig, 2);
    rig_forget(rig);
    rig_say(rig, 2, SE_UPDATE, 0, 50, 0, 1);
    assert_null(rig_sent(rig));
    rig_advance(rig, 300);
    rig_say(rig, 2, SE_QUERY, 0, 50, 0, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.header.sequence, 1000);
    assert_int_equal(p->packet.header.acknowledge, 0);
    assert_int_equal(rig_count(rig, SE_DROP_STATE), 2);
    /* It acknowledged, and still takes us for up: a new INIT makes it begin again. */
    rig_ack(rig, 2, 1000);
    rig_say(rig, 2, SE_QUERY, 0, 50, 0, 1);
    assert_null(rig_sent(rig));
    rig_advance(rig, 1000);
    rig_say(rig, 2, SE_QUERY, 0, 50, 0, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.header.sequence, 1001);
    assert_int_equal(rig->delivered, 0);
    rig_free(rig);
}

/* An INIT is sent 16 times, then the neighbour is forgotten; it never was up. */
static void test_init_gives_up(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    unsigned inits = 0;
    unsigned i;

    (void)state;
    rig_say_hello(rig, 2);
    for (i = 0; i < 8; i++) {
        rig_say_hello(rig, 2);
        rig_advance(rig, 9999);
    }
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_advance(rig, 1000);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    while ((p = rig_sent_opcode(rig, SE_UPDATE)) != NULL)
        inits += p->packet.header.flags == SE_FLAG_INIT;
    assert_int_equal(inits, SE_RTP_TRIES);
    assert_int_equal(rig->downs, 0);
    assert_int_equal(rig->notes[SE_NBR_NOTE_GIVEN_UP], 1);
    rig_free(rig);
}

static void test_init_never_comes(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_say_hello(rig, 2);
    rig_ack(rig, 2, 1000);
    rig_advance(rig, 14000);
    rig_say_hello(rig, 2);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_advance(rig, 1500);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->last_note.reason, SE_NBR_NO_INIT);
    rig_free(rig);
}

static void test_init_of_a_stranger(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_advance(rig, 1100);
    rig_forget(rig);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 9, 0, 0);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_non_null(rig_sent_opcode(rig, SE_HELLO));
    rig_say(rig, 3, SE_UPDATE, SE_FLAG_INIT, 9, 0, 0);
    rig_say(rig, 3, SE_UPDATE, 0, 9, 0, 1);
    assert_null(rig_sent(rig));
    assert_int_equal(rig_count(rig, SE_DROP_UNKNOWN_NEIGHBOUR), 3);
    rig_free(rig);
}

/* --- hello and hold --------------------------------------------------------------------------- */

static void test_hellos_are_periodic(void **state)
{
    struct rig *rig = rig_prepare(4);
    const struct rig_packet *p;
    uint64_t last_ms;
    unsigned count = 0;

    (void)state;
    rig->conf.stub_flags = SE_STUB_CONNECTED;
    rig_start(rig);
    last_ms = rig->now.ms - SE_NBR_HELLO_MS;
    rig_advance(rig, 10 * MINUTE_MS);
    while ((p = rig_sent(rig)) != NULL) {
        assert_int_equal(p->packet.header.opcode, SE_HELLO);
        assert_int_equal(p->packet.header.sequence, 0);
        assert_int_equal(p->to.family, 0);
        assert_true(p->at_ms - last_ms <= SE_NBR_HELLO_MS);
        assert_true(p->at_ms - last_ms >= SE_NBR_HELLO_MS * 9 / 10);
        assert_int_equal(p->hello.parameter.hold_s, SE_NBR_HOLD_S);
        assert_int_equal(p->hello.stub_flags, SE_STUB_CONNECTED);
        assert_int_equal(p->hello.software.tlv_major, 2);
        assert_int_equal(p->packet.bytes, 46);
        last_ms = p->at_ms;
        count++;
    }
    assert_true(count >= 120 && count <= 134);
    rig_free(rig);
}

static void test_hold_expires(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    rig_advance(rig, 14000);
    rig_say(rig, 2, SE_UPDATE, 0, 42, 0, 1); /* anything counts */
    rig_advance(rig, 14999);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    rig_forget(rig);
    rig_advance(rig, 1);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->last_reason, SE_NBR_HOLD);
    while ((p = rig_sent_opcode(rig, SE_HELLO)) != NULL)
        if (p->hello.have & SE_HAVE_TERMINATION)
            break;
    assert_non_null(p);
    rig_free(rig);
}

static void test_hold_is_what_the_peer_says(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct se_nbr_info info;
    struct rig_hello h;
    unsigned nbr = rig_up(rig, 2, 40);

    (void)state;
    rig_hello_init(&h);
    h.parameter.hold_s = 40;
    rig_hello_from(rig, &addr, &h);
    rig_advance(rig, 39000);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    h.parameter.hold_s = 65535;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(se_nbr_info(rig->engine, nbr, rig->now.ms, &info), 0);
    assert_int_equal(info.hold_s, SE_NBR_HOLD_MAX_S);
    assert_int_equal(info.hold_left_ms, SE_NBR_HOLD_MAX_S * 1000);
    rig_free(rig);
}

/* --- stub ------------------------------------------------------------------------------------- */

static void test_stub(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct se_nbr_info info;
    struct rig_hello h;
    unsigned nbr;

    (void)state;
    rig_hello_init(&h);
    h.is_stub = 1;
    h.stub_flags = SE_STUB_RECEIVE_ONLY;
    rig_hello_from(rig, &addr, &h);
    nbr = se_nbr_find(rig->engine, 0, &addr);
    assert_int_equal(se_nbr_info(rig->engine, nbr, rig->now.ms, &info), 0);
    assert_int_equal(info.is_stub, 1);
    assert_int_equal(info.stub_flags, SE_STUB_RECEIVE_ONLY);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 1000, 0);
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    h.is_stub = 0;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig->last_reason, SE_NBR_STUB_CHANGED);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forming),
        cmocka_unit_test(test_forming_needs_both),
        cmocka_unit_test(test_pending_is_quiet),
        cmocka_unit_test(test_init_gives_up),
        cmocka_unit_test(test_init_never_comes),
        cmocka_unit_test(test_init_of_a_stranger),
        cmocka_unit_test(test_hellos_are_periodic),
        cmocka_unit_test(test_hold_expires),
        cmocka_unit_test(test_hold_is_what_the_peer_says),
        cmocka_unit_test(test_stub),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
