/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_rtp_conditional.c - the rules of conditional receive: who is excluded from a multicast
 * by a hello with the sequence TLV, and what those do that hear it. (RFC 7868, 5.2; reference,
 * section 3.) The other rules of the reliable transport are in test_eigrp_rtp.c.
 */
#include "eigrp_nbr_rig.h"

#include "rtp_priv.h"

/* --- sending ---------------------------------------------------------------------------------- */

static void test_laggards_are_excluded(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr two = rig_addr(rig, 2);
    struct xmb_addr three = rig_addr(rig, 3);
    struct rig_item *first = rig_item(rig, 10);
    struct rig_item *second = rig_item(rig, 20);
    const struct rig_packet *p;
    uint32_t n;

    (void)state;
    rig_up(rig, 2, 40);
    rig_up(rig, 3, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, first);
    p = rig_sent(rig);
    n = p->packet.header.sequence;
    rig_ack(rig, 2, n);
    rig_post(rig, SE_NBR_ALL, SE_QUERY, second);
    rig_advance(rig, 49);
    assert_null(rig_sent(rig)); /* it waits for the laggard first */
    assert_int_equal(rig_iface(rig).flow_until_ms, rig->now.ms + 1);
    rig_advance(rig, 1);
    assert_int_equal(rig_iface(rig).flow_until_ms, 0);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_HELLO);
    assert_int_equal(p->to.family, 0);
    assert_int_equal(se_address_listed(&p->hello.sequence, &three), 1);
    assert_int_equal(se_address_listed(&p->hello.sequence, &two), 0);
    assert_int_equal(p->hello.have & SE_HAVE_PARAMETER, SE_HAVE_PARAMETER);
    assert_int_equal(p->hello.next_multicast, n + 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.opcode, SE_QUERY);
    assert_int_equal(p->packet.header.flags, SE_FLAG_CR);
    assert_int_equal(p->packet.header.sequence, n + 1);
    assert_int_equal(p->to.family, 0);
    rig_ack(rig, 3, n + 1); /* nobody owes that */
    assert_null(rig_sent(rig));
    rig_ack(rig, 3, n);
    p = rig_sent(rig); /* the laggard gets it alone, after what it owed */
    assert_memory_equal(p->to.ip, three.ip, 16);
    assert_int_equal(p->packet.header.opcode, SE_QUERY);
    assert_int_equal(p->packet.header.flags, 0);
    assert_int_equal(p->numbers[0], second->number);
    rig_ack(rig, 2, n + 1);
    rig_ack(rig, 3, p->packet.header.sequence);
    rig_advance(rig, 4000);
    assert_null(rig_sent_opcode(rig, SE_QUERY));
    assert_int_equal(rig_iface(rig).stats.cr_packets, 1);
    assert_int_equal(rig_iface(rig).stats.exceptions, 1);
    rig_free(rig);
}

/* Neighbours 2 and 3 are up, and have an update to acknowledge: its sequence. */
static uint32_t sent_to_two(struct rig *rig)
{
    rig_up(rig, 2, 40);
    rig_up(rig, 3, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    return rig_sent(rig)->packet.header.sequence;
}

/* One that is slow to acknowledge does not make the others wait for long. */
static void test_flow_timer(void **state)
{
    struct rig *rig = rig_new(4);
    unsigned i;

    (void)state;
    rig_up(rig, 2, 40);
    assert_int_equal(rig_iface(rig).flow_ms, 50);
    for (i = 0; i < 40; i++) {
        rig_post(rig, 0, SE_UPDATE, rig_item(rig, 10));
        rig_advance(rig, 100);
        rig_ack(rig, 2, rig_sent_opcode(rig, SE_UPDATE)->packet.header.sequence);
    }
    assert_in_range(rig_iface(rig).flow_ms, 360, 400);
    rig_up(rig, 3, 40);
    assert_int_equal(rig_iface(rig).flow_ms, 50);
    rig_free(rig);
}

static void test_all_lag(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    uint32_t n;

    (void)state;
    n = sent_to_two(rig);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    rig_advance(rig, 150);
    assert_null(rig_sent(rig));
    rig_ack(rig, 2, n); /* waited long enough */
    assert_int_equal(rig_sent(rig)->packet.header.opcode, SE_HELLO);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_CR);
    rig_free(rig);
}

/* A retransmission of a conditional packet is for its receiver without condition. */
static void test_conditional_sent_again(void **state)
{
    struct rig *rig = rig_new(4);
    const struct rig_packet *p;
    uint32_t n;

    (void)state;
    n = sent_to_two(rig);
    rig_ack(rig, 2, n);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 20));
    rig_advance(rig, 1000);
    while ((p = rig_sent_opcode(rig, SE_UPDATE)) != NULL)
        if (p->packet.header.sequence == n + 1 && p->to.family == 4)
            break;
    assert_non_null(p);
    assert_int_equal(p->packet.header.flags, 0);
    assert_int_equal(p->to.ip[3], 2);
    rig_free(rig);
}

/* One whose INIT came may take us for up before it is: multicasts exclude it. */
static void test_shy_ones_are_excluded(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr three = rig_addr(rig, 3);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    rig_say_hello(rig, 3);
    rig_forget(rig);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, 0); /* hello alone changes nothing */
    rig_ack(rig, 2, p->packet.header.sequence);
    rig_say(rig, 3, SE_UPDATE, SE_FLAG_INIT, 7, 0, 0);
    p = rig_sent(rig); /* and our INIT must be later than that multicast */
    assert_int_equal(p->packet.header.flags, SE_FLAG_INIT);
    assert_int_equal(p->packet.header.acknowledge, 7);
    assert_int_equal(p->packet.header.sequence, 1004);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent_opcode(rig, SE_HELLO);
    assert_int_equal(se_address_listed(&p->hello.sequence, &three), 1);
    assert_int_equal(rig_sent(rig)->packet.header.flags, SE_FLAG_CR);
    rig_free(rig);
}

/* So are those that we gave up and that may not know. */
static void test_ghosts_are_excluded(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr three = rig_addr(rig, 3);
    const struct rig_packet *p;

    (void)state;
    rig_up(rig, 2, 40);
    se_nbr_reset(rig->engine, rig_up(rig, 3, 40), SE_NBR_STUCK);
    se_nbr_run(rig->engine, rig->now);
    rig_forget(rig);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent(rig);
    assert_int_equal(se_address_listed(&p->hello.sequence, &three), 1);
    p = rig_sent(rig);
    assert_int_equal(p->packet.header.flags, SE_FLAG_CR);
    rig_ack(rig, 2, p->packet.header.sequence);
    rig_up(rig, 3, 60);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    assert_int_equal(rig_sent(rig)->packet.header.flags, 0);
    rig_free(rig);
}

/* A message that was posted before a neighbour came up is not for it. */
static void test_newcomers(void **state)
{
    struct rig *rig = rig_new(4);
    struct rig_item *old = rig_item(rig, 10);
    struct rig_item *young = rig_item(rig, 10);
    const struct rig_packet *p;
    uint32_t n;

    (void)state;
    rig_up(rig, 2, 40);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    n = rig_sent(rig)->packet.header.sequence;
    rig_post(rig, SE_NBR_ALL, SE_QUERY, old);
    rig_up(rig, 3, 40);
    rig_post(rig, SE_NBR_ALL, SE_QUERY, young);
    rig_post(rig, SE_NBR_ALL, SE_QUERY, old); /* again, and now for both: not the same message */
    rig_ack(rig, 2, n);
    p = rig_sent_opcode(rig, SE_QUERY);
    assert_int_equal(p->packet.header.flags, SE_FLAG_CR);
    assert_int_equal(p->services, 3);
    p = rig_sent_opcode(rig, SE_QUERY);
    assert_int_equal(p->to.ip[3], 3);
    assert_int_equal(p->services, 2);
    assert_int_equal(p->numbers[0], young->number);
    assert_int_equal(p->numbers[1], old->number);
    rig_free(rig);
}

/* Peers of TLV version 3 need another form: never by multicast. */
static void test_apart(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr three = rig_addr(rig, 3);
    const struct rig_packet *p;
    struct rig_hello h;

    (void)state;
    rig_up(rig, 2, 40);
    rig_hello_init(&h);
    h.software.tlv_major = 3;
    rig_hello_from(rig, &three, &h);
    p = rig_sent_opcode(rig, SE_UPDATE);
    rig_say(rig, 3, SE_UPDATE, SE_FLAG_INIT, 40, p->packet.header.sequence, 0);
    rig_ack(rig, 3, p->packet.header.sequence + 1);
    rig_forget(rig);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 10));
    p = rig_sent(rig);
    assert_int_equal(se_address_listed(&p->hello.sequence, &three), 1);
    assert_int_equal(rig_sent(rig)->to.family, 0);
    p = rig_sent(rig);
    assert_memory_equal(p->to.ip, three.ip, 16);
    assert_null(rig_sent(rig));
    rig_free(rig);
}

/* --- receiving -------------------------------------------------------------------------------- */

static void sequence_hello(struct rig *rig, const struct xmb_addr *listed, uint32_t next)
{
    struct xmb_addr two = rig_addr(rig, 2);
    struct rig_hello h;

    rig_hello_init(&h);
    h.sequence = listed;
    h.next_multicast = next;
    rig_hello_from(rig, &two, &h);
}

static void test_conditional_receive(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr us = rig_addr(rig, 1);
    struct xmb_addr other = rig_addr(rig, 9);

    (void)state;
    rig_up(rig, 2, 40);
    rig->delivered = 0;
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 50, 0, 1); /* no hello before it */
    sequence_hello(rig, &us, 51);
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 51, 0, 1); /* listed */
    sequence_hello(rig, &other, 52);
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 53, 0, 1); /* another number */
    assert_int_equal(rig->delivered, 0);
    assert_null(rig_sent(rig));
    assert_int_equal(rig_count(rig, SE_DROP_NOT_CR), 3);
    assert_int_equal(rig_iface(rig).stats.not_cr, 3);
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 52, 0, 1);
    assert_int_equal(rig->delivered, 1);
    assert_int_equal(rig_sent_ack(rig)->packet.header.acknowledge, 52);
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 54, 0, 1); /* the mode is over with the packet */
    sequence_hello(rig, &other, 55);
    rig_say_hello(rig, 2); /* and with a hello without list */
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 55, 0, 1);
    assert_int_equal(rig->delivered, 1);
    rig_shout(rig, 2, SE_UPDATE, 0, 56, 0, 1); /* without condition */
    assert_int_equal(rig->delivered, 2);
    rig_free(rig);
}

static void test_conditional_without_number(void **state)
{
    struct rig *rig = rig_new(4);
    struct xmb_addr other = rig_addr(rig, 9);

    (void)state;
    rig_up(rig, 2, 40);
    rig->delivered = 0;
    sequence_hello(rig, &other, 0);
    rig_shout(rig, 2, SE_UPDATE, SE_FLAG_CR, 99, 0, 1);
    assert_int_equal(rig->delivered, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laggards_are_excluded),
        cmocka_unit_test(test_flow_timer),
        cmocka_unit_test(test_all_lag),
        cmocka_unit_test(test_conditional_sent_again),
        cmocka_unit_test(test_shy_ones_are_excluded),
        cmocka_unit_test(test_ghosts_are_excluded),
        cmocka_unit_test(test_newcomers),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_conditional_receive),
        cmocka_unit_test(test_conditional_without_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
