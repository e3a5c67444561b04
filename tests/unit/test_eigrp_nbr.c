/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_nbr.c - the rules of neighbours, one by one: forming, hello and hold, acceptance,
 * going, restarting, modes of interfaces, limits. (RFC 7868, 5.3; reference, section 2.)
 */
#include "eigrp_nbr_rig.h"

#include <stdlib.h>
#include <string.h>

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

/* --- acceptance ------------------------------------------------------------------------------- */

static void drop(struct rig *rig, const struct xmb_addr *from, const struct rig_hello *h,
                 enum se_reason reason)
{
    uint64_t before = rig_count(rig, reason);

    rig_forget(rig);
    rig_hello_from(rig, from, h);
    assert_int_equal(rig_count(rig, reason), before + 1);
    assert_int_equal(se_nbr_find(rig->engine, 0, from), SE_NBR_NONE);
    assert_null(rig_sent(rig));
}

static void test_hello_is_checked(void **state)
{
    static const uint16_t topologies[] = {7};
    struct rig *rig = rig_new(4);
    struct xmb_addr peer = rig_addr(rig, 2);
    struct rig_hello h;

    (void)state;
    rig_hello_init(&h);
    h.is_bare = 1;
    drop(rig, &peer, &h, SE_DROP_NO_PARAMETER);
    rig_hello_init(&h);
    h.parameter.hold_s = 0;
    drop(rig, &peer, &h, SE_DROP_HOLD);
    rig_hello_init(&h);
    h.parameter.k.k[5] = 1;
    drop(rig, &peer, &h, SE_DROP_K_VALUES);
    assert_int_equal(rig->last_note.k.k[5], 1);
    rig_hello_init(&h);
    h.topologies = topologies;
    h.topology_count = 1;
    drop(rig, &peer, &h, SE_SKIP_TOPOLOGY);
    rig_hello_init(&h);
    h.header.vrid = 0;
    drop(rig, &peer, &h, SE_DROP_VRID);
    rig_hello_init(&h);
    h.header.as_number = RIG_AS + 1;
    drop(rig, &peer, &h, SE_DROP_AS);
    rig_hello_init(&h);
    h.is_goodbye = 1;
    drop(rig, &peer, &h, SE_DROP_UNKNOWN_NEIGHBOUR);
    rig->denied = &peer;
    rig_hello_init(&h);
    drop(rig, &peer, &h, SE_DROP_DENIED);
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
    drop(rig, &addr, &h, SE_DROP_OWN);
    addr = rig_addr(rig, 2);
    addr.ip[2] = 1;
    drop(rig, &addr, &h, SE_DROP_OFF_LINK);
    addr = rig_addr(rig, 2);
    h.ttl = 249;
    drop(rig, &addr, &h, SE_DROP_TTL);
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
    drop(rig, &addr, &h, SE_DROP_OFF_LINK);
    addr = rig_addr(rig, 2);
    addr.family = 4;
    drop(rig, &addr, &h, SE_DROP_OFF_LINK);
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
    drop(rig, &addr, &h, SE_DROP_AUTH_MISSING);
    h.signer = &second;
    rig_hello_from(rig, &addr, &h);
    assert_int_equal(rig_state(rig, 2), SE_NBR_PENDING);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(se_auth_check(&p->packet, &policy, &rig->iface.source, rig->now.wall_s, NULL,
                                   NULL), 0);
    rig_advance(rig, 2 * MINUTE_MS + 1000);
    h.signer = &first;
    addr = rig_addr(rig, 3);
    drop(rig, &addr, &h, SE_DROP_AUTH_DIGEST);
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
    drop(rig, &addr, &h, SE_DROP_AUTH_UNEXPECTED);
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
    drop(rig, &three, &h, SE_DROP_DENIED);
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
    drop(rig, &bad, &h, SE_DROP_DENIED);
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
        cmocka_unit_test(test_forming),
        cmocka_unit_test(test_forming_needs_both),
        cmocka_unit_test(test_pending_is_quiet),
        cmocka_unit_test(test_init_gives_up),
        cmocka_unit_test(test_init_never_comes),
        cmocka_unit_test(test_init_of_a_stranger),
        cmocka_unit_test(test_hello_is_checked),
        cmocka_unit_test(test_source_is_checked),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_octets_are_checked),
        cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_unexpected_authentication),
        cmocka_unit_test(test_hellos_are_periodic),
        cmocka_unit_test(test_hold_expires),
        cmocka_unit_test(test_hold_is_what_the_peer_says),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_goodbye_is_damped),
        cmocka_unit_test(test_termination),
        cmocka_unit_test(test_k_values_of_a_neighbour),
        cmocka_unit_test(test_reset_names_the_peer),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_iface_down),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_of_the_sequence),
        cmocka_unit_test(test_init_twice),
        cmocka_unit_test(test_restarts_are_damped),
        cmocka_unit_test(test_graceful_restart_by_hello),
        cmocka_unit_test(test_graceful_restart_in_one_packet),
        cmocka_unit_test(test_soft_clear),
        cmocka_unit_test(test_soft_clear_twice),
        cmocka_unit_test(test_table_never_completes),
        cmocka_unit_test(test_stub),
        cmocka_unit_test(test_static_neighbours),
        cmocka_unit_test(test_remote_neighbour),
        cmocka_unit_test(test_listening_for_remotes),
        cmocka_unit_test(test_remote_group),
        cmocka_unit_test(test_pending_limit),
        cmocka_unit_test(test_new_neighbours_are_slow),
        cmocka_unit_test(test_neighbours_max),
        cmocka_unit_test(test_live_configuration),
        cmocka_unit_test(test_other_k_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
