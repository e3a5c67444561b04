/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr_accept.c - which hellos are taken for a neighbour's: what is checked in them and
 * around them, and authentication. (Reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

#define MINUTE_MS 60000u

/* --- acceptance ------------------------------------------------------------------------------- */

static void test_hello_is_checked(void **state)
{
    static const uint16_t topologies[] = {7};
    struct rig *rig = rig_new(4);
    struct xmb_addr peer = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_hello_init(&h);
    h.is_bare = 1;
    rig_drop_hello(rig, &peer, &h, SE_DROP_NO_PARAMETER);
    rig_hello_init(&h);
    h.parameter.hold_s = 0;
    rig_drop_hello(rig, &peer, &h, SE_DROP_HOLD);
    rig_hello_init(&h);
    h.parameter.k.k[5] = 1;
    rig_drop_hello(rig, &peer, &h, SE_DROP_K_VALUES);
    assert_int_equal(rig->last_note.k.k[5], 1);
    rig_hello_init(&h);
    h.topologies = topologies;
    h.topology_count = 1;
    rig_drop_hello(rig, &peer, &h, SE_SKIP_TOPOLOGY);
    rig_hello_init(&h);
    h.header.vrid = 0;
    rig_drop_hello(rig, &peer, &h, SE_DROP_VRID);
    rig_hello_init(&h);
    h.header.as_number = RIG_AS + 1;
    rig_drop_hello(rig, &peer, &h, SE_DROP_AS);
    rig_hello_init(&h);
    h.is_goodbye = 1;
    rig_drop_hello(rig, &peer, &h, SE_DROP_UNKNOWN_NEIGHBOUR);
    rig->denied = &peer;
    rig_hello_init(&h);
    rig_drop_hello(rig, &peer, &h, SE_DROP_DENIED);
    rig_free(rig);
}

static void test_source_is_checked(void **state)
{
    struct rig *rig = rig_prepare(4);
    struct xmb_addr addr;
    struct rig_hello h;

    (void)state;
    rig->iface.ttl_min = 250;
    rig_start(rig);
    rig_hello_init(&h);
    addr = rig_addr(rig, 1);
    rig_drop_hello(rig, &addr, &h, SE_DROP_OWN);
    addr = rig_addr(rig, 2);
    addr.ip[2] = 1;
    rig_drop_hello(rig, &addr, &h, SE_DROP_OFF_LINK);
    addr = rig_addr(rig, 2);
    h.ttl = 249;
    rig_drop_hello(rig, &addr, &h, SE_DROP_TTL);
    h.ttl = 250;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    rig_free(rig);
}

static void test_ipv6(void **state)
{
    struct rig *rig = rig_new(6);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_hello_init(&h);
    addr.ip[0] = 0x20;
    rig_drop_hello(rig, &addr, &h, SE_DROP_OFF_LINK);
    addr = rig_addr(rig, 2);
    addr.family = 4;
    rig_drop_hello(rig, &addr, &h, SE_DROP_OFF_LINK);
    rig_up(rig, 2, 40);
    assert_int_equal(rig_state(rig, 2), SE_NBR_UP);
    rig_say(rig, 2, SE_UPDATE, 0, 42, 0, 1);
    assert_int_equal(rig->delivered, 2);
    assert_int_equal(rig_sent_ack(rig)->packet.header.acknowledge, 42);
    rig_free(rig);
}

static void test_octets_are_checked(void **state)
{
    static const uint8_t junk[19] = {2, 5};
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    uint8_t hello[20] = {2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0x11, 0x65};

    (void)state;
    rig_octets(rig, &addr, 0, junk, sizeof(junk));
    assert_int_equal(rig_count(rig, SE_DROP_SHORT), 1);
    rig_octets(rig, &addr, 0, hello, sizeof(hello));
    assert_int_equal(rig_count(rig, SE_DROP_CHECKSUM), 1);
    rig_octets(rig, &addr, 9, hello, sizeof(hello));
    rig_octets(rig, &addr, 4000000000u, hello, sizeof(hello));
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig->notes[SE_NBR_NOTE_DROP], 2);
    rig_octets(rig, &addr, 0, junk, sizeof(junk));
    assert_int_equal(rig->notes[SE_NBR_NOTE_DROP], 2);
    rig_advance(rig, SE_NBR_WARN_MS);
    rig_octets(rig, &addr, 0, junk, sizeof(junk));
    assert_int_equal(rig->notes[SE_NBR_NOTE_DROP], 3);
    rig_free(rig);
}

/* --- authentication --------------------------------------------------------------------------- */

static void test_authentication(void **state)
{
    struct se_key keys[2] = {
        {.password = XMB_STR("the-first-key"), .id = 1, .send_until_s = 1700000060,
         .accept_until_s = 1700000120},
        {.password = XMB_STR("the-second-key"), .id = 2, .send_from_s = 1700000060,
         .send_until_s = 1700000600, .accept_from_s = 1700000000,
         .accept_until_s = SE_TIME_FOREVER},
    };
    struct se_auth_policy policy = {SE_AUTH_SHA256, keys, 2};
    struct se_signer first = {SE_AUTH_SHA256, &keys[0]};
    struct se_signer second = {SE_AUTH_SHA256, &keys[1]};
    struct rig *rig = rig_prepare(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    const struct rig_packet *p;
    struct rig_hello h;

    (void)state;
    rig->iface.auth = &policy;
    rig_start(rig);
    p = rig_sent(rig);
    assert_int_equal(p->packet.bytes, 96);
    rig_hello_init(&h);
    rig_drop_hello(rig, &addr, &h, SE_DROP_AUTH_MISSING);
    h.signer = &second;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(se_auth_check(&p->packet, &policy, &rig->iface.source, rig->now.wall_s, NULL,
                                   NULL), 0);
    rig_advance(rig, 2 * MINUTE_MS + 1000);
    h.signer = &first;
    addr = rig_addr(rig, 3);
    rig_drop_hello(rig, &addr, &h, SE_DROP_AUTH_DIGEST);
    rig_advance(rig, 10 * MINUTE_MS);
    rig_forget(rig);
    rig_advance(rig, MINUTE_MS);
    assert_null(rig_sent(rig)); /* no key may send any more */
    assert_true(rig->notes[SE_NBR_NOTE_NO_KEY] > 0);
    assert_true(rig_iface(rig).stats.unsigned_drops > 0);
    rig_free(rig);
}

static void test_unexpected_authentication(void **state)
{
    struct se_key key = {.password = XMB_STR("password12345"), .id = 1};
    struct se_signer signer = {SE_AUTH_MD5, &key};
    struct rig *rig = rig_new(4);
    struct xmb_addr addr = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_hello_init(&h);
    h.signer = &signer;
    rig_drop_hello(rig, &addr, &h, SE_DROP_AUTH_UNEXPECTED);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_is_checked),
        cmocka_unit_test(test_source_is_checked),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_octets_are_checked),
        cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_unexpected_authentication),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
