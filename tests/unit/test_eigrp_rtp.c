/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_rtp.c - the rules of the reliable transport, one by one: numbers, acks,
 * retransmission, the window, queues, packing. (RFC 7868, 5.2; reference, section 3.) Conditional
 * receive is in test_eigrp_rtp_conditional.c, pacing in test_eigrp_rtp_pacing.c.
 */
#include "eigrp_nbr_rig.h"

#include <string.h>

#include "rtp_priv.h"

/* --- numbers and times ------------------------------------------------------------------------ */

static void test_serial_numbers(void **state)
{
    (void)state;
    assert_int_equal(se_rtp_later(2, 1), 1);
    assert_int_equal(se_rtp_later(1, 2), 0);
    assert_int_equal(se_rtp_later(1, 1), 0);
    assert_int_equal(se_rtp_later(1, UINT32_MAX), 1);
    assert_int_equal(se_rtp_later(UINT32_MAX, 1), 0);
    assert_int_equal(se_rtp_later(0x80000000u, 1), 1);
    assert_int_equal(se_rtp_later(0x80000001u, 1), 0);
    assert_int_equal(se_rtp_after(5), 6);
    assert_int_equal(se_rtp_after(UINT32_MAX), 1);
}

static void test_rto(void **state)
{
    struct se_rtp_link link = {.packet_bytes = 1480, .pace_kbps = 500000};
    struct se_rtp_peer peer = {.link = &link};

    (void)state;
    assert_int_equal(se_rtp_rto_ms(&peer), 5000);
    se_rtp__measure(&peer, 0);
    assert_int_equal(se_rtp_rto_ms(&peer), 200);
    se_rtp__measure(&peer, 80);
    assert_int_equal(se_rtp_srtt_ms(&peer), 10);
    assert_int_equal(se_rtp_rto_ms(&peer), 200);
    peer.has_srtt = 0;
    se_rtp__measure(&peer, 100);
    assert_int_equal(se_rtp_srtt_ms(&peer), 100);
    assert_int_equal(se_rtp_rto_ms(&peer), 600);
    se_rtp__measure(&peer, 20);
    assert_int_equal(se_rtp_srtt_ms(&peer), 90);
    se_rtp__measure(&peer, 100000);
    assert_int_equal(se_rtp_rto_ms(&peer), 4218); /* one outlier counts as 5 s, an eighth of it */
    se_rtp__measure(&peer, 5000);
    assert_int_equal(se_rtp_rto_ms(&peer), 5000);
    peer.srtt_x8_ms = 8;
    link.pace_kbps = 32; /* 370 ms for a full packet */
    assert_int_equal(se_rtp_pacing_us(&link, 1480), 370000);
    assert_int_equal(se_rtp_rto_ms(&peer), 2220);
}

static void test_sequence_wraps(void **state)
{
    struct rig *rig = rig_prepare(4);
    const struct rig_packet *p;
    unsigned nbr;

    (void)state;
    rig->conf.first_sequence = UINT32_MAX - 1;
    rig_start(rig);
    nbr = rig_up(rig, 2, UINT32_MAX - 1);
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.sequence, 1); /* after INIT and EOT; 0 is none */
    rig_say(rig, 2, SE_UPDATE, 0, 1, 1, 5);
    assert_int_equal(rig->delivered, 2);
    assert_int_equal(rig_sent_ack(rig)->packet.header.acknowledge, 1);
    rig_free(rig);
}

/* --- acks ------------------------------------------------------------------------------------- */

static void test_ack_is_immediate(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr peer = rig_addr(rig, 2);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    rig_shout(rig, 2, SE_UPDATE, 0, 50, 0, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_int_equal(p->packet.header.acknowledge, 50);
    assert_int_equal(p->packet.header.sequence, 0);
    assert_int_equal(p->packet.bytes, 20);
    assert_memory_equal(p->to.ip, peer.ip, 16);
    assert_null(rig_sent(rig));
    assert_int_equal(rig_iface(rig).stats.acks_sent, 2);
    rig_free(rig);
}

static void answer(struct rig *rig, unsigned nbr, const struct se_packet *packet)
{
    struct se_rtp_message m = {rig_item(rig, 10), SE_REPLY, 0};

    (void)packet;
    se_nbr_post(rig->engine, 0, nbr, &m);
}

/* A reply that is due at once carries the ack. */
static void test_ack_goes_along(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    rig->on_deliver = answer;
    rig_shout(rig, 2, SE_QUERY, 0, 50, 0, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_REPLY);
    assert_int_equal(p->packet.header.acknowledge, 50);
    assert_null(rig_sent(rig));
    /* The window is taken: the next ack goes alone. */
    rig_shout(rig, 2, SE_QUERY, 0, 51, 0, 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_int_equal(p->packet.header.acknowledge, 51);
    assert_null(rig_sent(rig));
    rig_free(rig);
}

static void test_duplicates(void **state)
{
    struct rig *rig = rig_new(4);

    (void)state;
    rig_up(rig, 2, 40);
    rig->delivered = 0;
    rig_say(rig, 2, SE_UPDATE, 0, 50, 0, 1);
    rig_forget(rig);
    rig_say(rig, 2, SE_UPDATE, 0, 50, 0, 1);
    assert_int_equal(rig_sent_ack(rig)->packet.header.acknowledge, 50);
    rig_say(rig, 2, SE_UPDATE, 0, 49, 0, 1);
    rig_say(rig, 2, SE_UPDATE, 0, 0, 0, 1);
    assert_null(rig_sent(rig));
    assert_int_equal(rig->delivered, 1);
    assert_int_equal(rig_iface(rig).stats.duplicates, 1);
    assert_int_equal(rig_iface(rig).stats.out_of_sequence, 1);
    assert_int_equal(rig_count(rig, SE_DROP_DUPLICATE), 1);
    assert_int_equal(rig_count(rig, SE_DROP_OUT_OF_ORDER), 2);
    rig_free(rig);
}

/* Acks are for one packet, by unicast, and not cumulative. */
static void test_only_the_right_ack(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    unsigned nbr = rig_up(rig, 2, 40);
    uint32_t sequence;

    (void)state;
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    rig_post(rig, nbr, SE_QUERY, rig_item(rig, 10));
    p = rig_sent(rig);
    sequence = p->packet.header.sequence;
    assert_null(rig_sent(rig)); /* the window is one */
    rig_ack(rig, 2, sequence + 1);
    rig_ack(rig, 2, sequence - 1);
    rig_shout(rig, 2, SE_HELLO, 0, 0, sequence, 0);
    rig_ack(rig, 3, sequence);
    assert_null(rig_sent(rig));
    rig_say(rig, 2, SE_UPDATE, 0, 60, sequence, 1); /* along with something */
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_QUERY);
    assert_int_equal(p->packet.header.acknowledge, 60);
    rig_free(rig);
}

/* --- retransmission --------------------------------------------------------------------------- */

static void test_sent_again(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr peer = rig_addr(rig, 2);
    const struct rig_packet *p;
    uint64_t at_ms;
    uint32_t sequence;

    (void)state;
    rig_up(rig, 2, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent(rig);
    assert_int_equal(p->to.family, 0); /* first by multicast */
    assert_int_equal(p->packet.header.acknowledge, 0);
    assert_int_equal(p->packet.header.flags, 0);
    sequence = p->packet.header.sequence;
    at_ms = p->at_ms;
    rig_advance(rig, 199);
    assert_null(rig_sent_opcode(rig, SE_UPDATE));
    rig_advance(rig, 801);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(p->at_ms - at_ms, 200);
    assert_memory_equal(p->to.ip, peer.ip, 16); /* then by unicast */
    assert_int_equal(p->packet.header.sequence, sequence);
    assert_int_equal(p->services, 1);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(p->at_ms - at_ms, 200 + 300);
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(p->at_ms - at_ms, 200 + 300 + 450);
    rig_ack(rig, 2, sequence);
    rig_advance(rig, 10000);
    assert_null(rig_sent_opcode(rig, SE_UPDATE));
    assert_int_equal(rig_iface(rig).stats.retransmissions, 3);
    rig_free(rig);
}

/* 16 tries, never more than 5 s apart, then the neighbour is reset. */
static void test_retry_limit(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    const struct rig_packet *p;
    uint64_t last_ms = 0;
    unsigned tries = 0;
    unsigned i;

    (void)state;
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    for (i = 0; i < 80 && rig_state(rig, 2) == SE_NBR_UP; i++) {
        rig_say_hello(rig, 2);
        rig_advance(rig, 1000);
    }
    assert_int_equal(rig->last_reason, SE_NBR_RETRY_LIMIT);
    while ((p = rig_sent_opcode(rig, SE_UPDATE)) != NULL) {
        tries++;
        assert_true(last_ms == 0 || p->at_ms - last_ms <= SE_RTP_RTO_MAX_MS);
        last_ms = p->at_ms;
        if (tries == SE_RTP_TRIES)
            break;
    }
    assert_int_equal(tries, SE_RTP_TRIES);
    assert_true(i >= 45 && i <= 65);
    rig_free(rig);
}

static void test_round_trips(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    struct se_nbr_info info;
    unsigned i;

    (void)state;
    for (i = 0; i < 60; i++) {
        rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
        rig_advance(rig, 100);
        rig_ack(rig, 2, rig_sent_opcode(rig, SE_UPDATE)->packet.header.sequence);
    }
    assert_int_equal(se_nbr_info(rig->engine, nbr, rig->now.ms, &info), 0);
    assert_in_range(info.srtt_ms, 90, 100);
    assert_in_range(info.rto_ms, 540, 600);
    /* What was sent again is not measured: nobody knows which copy the ack is for. */
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    rig_advance(rig, 4000);
    rig_ack(rig, 2, rig_sent_opcode(rig, SE_UPDATE)->packet.header.sequence);
    assert_int_equal(se_nbr_info(rig->engine, nbr, rig->now.ms, &info), 0);
    assert_in_range(info.srtt_ms, 90, 100);
    assert_int_equal(info.queue_count, 0);
    assert_true(info.retransmissions > 0);
    rig_free(rig);
}

/* --- queues and packing ----------------------------------------------------------------------- */

/* A service that changes while the peer is slow waits once, and is sent as it is then. */
static void test_newest_state_only(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    struct rig_item *item = rig_item(rig, 10);
    const struct rig_packet *p;
    uint32_t sequence;
    unsigned i;

    (void)state;
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    sequence = rig_sent(rig)->packet.header.sequence;
    for (i = 0; i < 100; i++) {
        item->version = i;
        rig_post(rig, nbr, SE_UPDATE, item);
    }
    rig_post(rig, nbr, SE_QUERY, item);
    assert_int_equal(item->holds, 2);
    rig_ack(rig, 2, sequence);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_UPDATE);
    assert_int_equal(p->services, 1);
    assert_int_equal(rig_iface(rig).stats.coalesced, 99);
    rig_post(rig, nbr, SE_UPDATE, item); /* the one on its way is another one */
    assert_int_equal(item->holds, 3);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_QUERY);
    rig_ack(rig, 2, p->packet.header.sequence);
    rig_ack(rig, 2, rig_sent(rig)->packet.header.sequence);
    assert_int_equal(item->holds, 0);
    assert_int_equal(se_rtp_message_count(se_nbr_transport(rig->engine)), 0);
    assert_int_equal(se_rtp_packet_count(se_nbr_transport(rig->engine)), 0);
    rig_free(rig);
}

static void test_packing(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    struct se_rtp_message m = {NULL, SE_UPDATE, 0};
    const struct rig_packet *p;
    unsigned i;

    (void)state;
    for (i = 0; i < 40; i++) {
        m.item = rig_item(rig, 50);
        se_nbr_post(rig->engine, 0, nbr, &m);
    }
    se_nbr_run(rig->engine, rig->now);
    p = rig_sent(rig); /* 20 + 40 + 14 times 100 */
    assert_int_equal(p->packet.bytes, 1460);
    assert_int_equal(p->services, 14);
    assert_int_equal(p->tlvs, 1);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->services, 14);
    assert_int_equal(p->numbers[0], 15);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->services, 12);
    assert_int_equal(rig_iface(rig).stats.services_sent, 40);
    rig_free(rig);
}

/* Another metric needs a TLV of its own; another opcode a packet; nothing to say takes nothing. */
static void test_packing_apart(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    struct se_rtp_message m = {NULL, SE_UPDATE, 0};
    const struct rig_packet *p;
    struct rig_item *item;
    unsigned i;

    (void)state;
    for (i = 0; i < 10; i++) {
        m.item = item = rig_item(rig, 10);
        m.opcode = i < 8 ? SE_UPDATE : SE_REPLY;
        item->group = i / 3;
        item->is_mute = i == 1;
        se_nbr_post(rig->engine, 0, nbr, &m);
    }
    se_nbr_run(rig->engine, rig->now);
    p = rig_sent(rig);
    assert_int_equal(p->services, 7);
    assert_int_equal(p->tlvs, 3);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_REPLY);
    assert_int_equal(p->services, 2);
    rig_free(rig);
}

static void test_too_large(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned nbr = rig_up(rig, 2, 40);
    struct rig_item *large = rig_item(rig, 1480 - 20 - 90 + 1 + 20);
    struct rig_item *fits = rig_item(rig, 1480 - 20 - 90);
    struct rig_item *small = rig_item(rig, 10);
    struct se_rtp_message m = {NULL, SE_UPDATE, 0};
    struct rig_item *all[3];
    unsigned i;

    (void)state;
    all[0] = small;
    all[1] = large;
    all[2] = fits;
    for (i = 0; i < 3; i++) {
        m.item = all[i];
        se_nbr_post(rig->engine, 0, nbr, &m);
    }
    se_nbr_run(rig->engine, rig->now);
    rig_ack(rig, 2, rig_sent(rig)->packet.header.sequence);
    assert_int_equal(rig_sent(rig)->packet.bytes, 1480);
    assert_int_equal(rig_iface(rig).stats.unwritable, 1);
    assert_int_equal(large->holds, 0);
    rig_free(rig);
}

static void test_queue_is_bounded(void **state)
{
    struct rig *rig = rig_prepare(4);
    unsigned nbr;
    unsigned i;

    (void)state;
    rig->conf.messages_max = 100;
    rig_start(rig);
    rig_up(rig, 3, 40);
    nbr = rig_up(rig, 2, 40);
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    for (i = 0; i < 100; i++)
        rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    assert_int_equal(rig->downs, 0);
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    assert_int_equal(rig->last_reason, SE_NBR_QUEUE_FULL);
    assert_int_equal(rig_state(rig, 2), SE_NBR_DOWN);
    assert_int_equal(rig_state(rig, 3), SE_NBR_UP);
    assert_int_equal(se_rtp_message_count(se_nbr_transport(rig->engine)), 0);
    rig_post(rig, nbr, SE_UPDATE, rig_item(rig, 10));
    rig_free(rig);
}

/* --- the table -------------------------------------------------------------------------------- */

/* Pulled packet by packet; changes go first; EOT with the last one. */
static void test_table(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    struct rig_item *change;
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++)
        rig_item(rig, 50);
    rig->table_count = 30;
    change = &rig->items[70];
    rig_say_hello(rig, 2);
    rig_say(rig, 2, SE_UPDATE, SE_FLAG_INIT, 40, 1000, 0);
    p = rig_sent_opcode(rig, SE_UPDATE); /* INIT */
    p = rig_sent_opcode(rig, SE_UPDATE);
    assert_int_equal(p->services, 14);
    assert_int_equal(p->packet.header.flags, 0);
    assert_int_equal(rig->table_next, 15); /* the one that did not fit waits */
    rig_post(rig, rig->last_nbr, SE_UPDATE, change);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->services, 14);
    assert_int_equal(p->numbers[0], 15);
    assert_int_equal(p->numbers[1], change->number);
    rig_ack(rig, 2, p->packet.header.sequence);
    p = rig_sent(rig);
    assert_int_equal(p->services, 3);
    assert_int_equal(p->packet.header.flags, SE_FLAG_EOT);
    rig_ack(rig, 2, p->packet.header.sequence);
    rig_advance(rig, 1000);
    assert_null(rig_sent_opcode(rig, SE_UPDATE));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serial_numbers),
        cmocka_unit_test(test_rto),
        cmocka_unit_test(test_sequence_wraps),
        cmocka_unit_test(test_ack_is_immediate),
        cmocka_unit_test(test_ack_goes_along),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_only_the_right_ack),
        cmocka_unit_test(test_sent_again),
        cmocka_unit_test(test_retry_limit),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_newest_state_only),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_packing_apart),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
