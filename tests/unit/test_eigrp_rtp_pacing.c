/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_rtp_pacing.c - how fast a link is written to: in the long run what is set, never more
 * than that and what the clock's coarseness is worth, for all sizes of packets and bandwidths.
 *
 * The clock counts milliseconds and wake-ups come late, so a sender that only waited after each
 * packet would lose most of a millisecond with each. It may make up for 5 ms, and a packet goes at
 * the beginning of the millisecond in which it is due. *burst* is then what may go at one moment at
 * most: 6 ms of the rate, and the packet that was begun.
 */
#include "eigrp_nbr_rig.h"

#include <string.h>

#include "rtp_priv.h"

#define RUN_MS 60000u
#define BURST_MS 6u

/* A link that always has something to send, and the bucket that judges it. */
struct sender {
    struct se_timers timers;
    struct se_rtp rtp;
    struct se_rtp_link link;
    uint32_t seed;
    uint64_t bits, packets;
    double level_bits, level_ms; /* of a bucket that drains at the rate, at that time */
};

static uint32_t draw(struct sender *s, uint32_t n)
{
    s->seed = s->seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return (s->seed >> 8) % n;
}

static void start(struct sender *s, uint64_t kbps)
{
    memset(s, 0, sizeof(*s));
    assert_int_equal(se_timers_reserve(&s->timers, 1), 0);
    s->rtp.timers = &s->timers;
    s->rtp.now.ms = 1000;
    s->link.pace_kbps = kbps;
    s->level_ms = 1000;
}

/* Whatever time is looked at, no more goes in it than the rate and a burst. */
static void pour(struct sender *s, size_t bytes)
{
    double rate = (double)s->link.pace_kbps; /* bits in a millisecond */
    double passed_ms = (double)s->rtp.now.ms - s->level_ms;

    s->level_bits -= passed_ms * rate;
    if (s->level_bits < 0)
        s->level_bits = 0;
    s->level_ms = (double)s->rtp.now.ms;
    s->level_bits += (double)bytes * 8;
    /* Nanoseconds are cut off, less than one a packet. */
    assert_true(s->level_bits <= rate * BURST_MS + (double)bytes * 8 +
                                     (double)s->packets * rate / 1e6);
    s->bits += bytes * 8;
    s->packets++;
}

static void send_all(struct sender *s, size_t bytes, unsigned spread)
{
    while (se_rtp__may_send(&s->rtp, &s->link)) {
        size_t n = bytes - (spread > 0 ? draw(s, spread) : 0);

        se_rtp__sent(&s->rtp, &s->link, n);
        pour(s, n);
    }
}

/* It is woken `late_ms` late at most, at random. The share of the rate that went out. */
static double run(struct sender *s, size_t bytes, unsigned spread, unsigned late_ms)
{
    uint64_t end_ms = s->rtp.now.ms + RUN_MS;
    uint64_t before = s->bits;
    struct se_timer *timer;

    for (;;) {
        send_all(s, bytes, spread);
        assert_int_not_equal(s->link.timer.place, 0); /* or it would never be woken again */
        if (s->link.timer.at_ms > end_ms)
            break;
        s->rtp.now.ms = s->link.timer.at_ms + draw(s, late_ms + 1);
        timer = se_timers_expired(&s->timers, s->rtp.now.ms);
        assert_ptr_equal(timer, &s->link.timer);
    }
    return (double)(s->bits - before) / ((double)RUN_MS * (double)s->link.pace_kbps);
}

static void stop(struct sender *s)
{
    se_timers_free(&s->timers);
}

static void check_rate(uint64_t kbps, size_t bytes, unsigned spread, unsigned late_ms)
{
    double all_bits = (double)RUN_MS * (double)kbps;
    double most = 1 + ((double)bytes * 8 + BURST_MS * (double)kbps) / all_bits;
    struct sender s;
    double share;

    start(&s, kbps);
    share = run(&s, bytes, spread, late_ms);
    if (share < 0.95 || share > most + 0.01)
        fail_msg("%llu kbit/s, %zu octets, %u ms late: %.3f of what is set went out",
                 (unsigned long long)kbps, bytes, late_ms, share);
    stop(&s);
}

static void test_long_run(void **state)
{
    static const uint64_t kbps[] = {28, 128, 772, 5000, 50000, 500000};
    static const size_t bytes[] = {60, 200, 1480};
    unsigned i, k, late_ms;

    (void)state;
    for (i = 0; i < sizeof(kbps) / sizeof(kbps[0]); i++)
        for (k = 0; k < sizeof(bytes) / sizeof(bytes[0]); k++)
            for (late_ms = 0; late_ms <= 3; late_ms++) {
                /* As much of a run as is worth it: a million packets are enough. */
                if (kbps[i] * RUN_MS / (bytes[k] * 8) > 6000000)
                    continue;
                check_rate(kbps[i], bytes[k], 0, late_ms);
                check_rate(kbps[i], bytes[k], bytes[k] / 2, late_ms);
            }
}

/* A packet of a link of 10 Gbit/s takes a fraction of a microsecond, and that is not nothing. */
static void test_fast_links(void **state)
{
    struct sender s;
    unsigned ms;

    (void)state;
    start(&s, 5000000);
    for (ms = 0; ms < 100; ms++) {
        send_all(&s, 60, 0);
        s.rtp.now.ms++;
    }
    assert_in_range(s.bits / 5000000, 95, 100 + BURST_MS);
    stop(&s);
}

/* However long it was silent, it has no more than its credit. */
static void test_burst_after_silence(void **state)
{
    static const uint64_t pauses_ms[] = {4, 6, 50, 100000};
    uint64_t before;
    struct sender s;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
        start(&s, 50000);
        run(&s, 1000, 0, 0);
        s.rtp.now.ms += pauses_ms[i];
        before = s.bits;
        send_all(&s, 1000, 0); /* pour() looks at it, too */
        assert_true(s.bits - before <= BURST_MS * 50000 + 8000);
        assert_true(s.bits - before >= (pauses_ms[i] < 5 ? 3 : 5) * 50000 - 8000);
        stop(&s);
    }
}

/* A link that was just opened is no exception. */
static void test_burst_at_first(void **state)
{
    struct sender s;

    (void)state;
    start(&s, 5000);
    send_all(&s, 1250, 0); /* two milliseconds each */
    assert_in_range(s.packets, 1, 4);
    stop(&s);
}

/* --- the engine ------------------------------------------------------------------------------- */

/* `kbps` and `percent` of it are so much that a full packet takes `pacing_us`. */
static void check_pacing(uint64_t kbps, unsigned percent, unsigned pacing_us)
{
    struct rig *rig = rig_prepare(4);
    const struct rig_packet *p;
    uint64_t first_ms = 0;
    unsigned pacing_ms = pacing_us / 1000;
    unsigned count = 0;
    unsigned i;

    rig->iface.bandwidth_kbps = kbps;
    rig->iface.bandwidth_percent = percent;
    rig->iface.mode = SE_NBR_GROUP;
    rig_start(rig);
    for (i = 2; i < 12; i++)
        rig_up(rig, i, 40);
    rig_advance(rig, 100);
    while ((p = rig_sent_opcode(rig, SE_UPDATE)) != NULL) /* paced, too */
        rig_ack(rig, p->to.ip[3], p->packet.header.sequence);
    for (i = 0; i < 6; i++) /* so few that none is sent again meanwhile */
        rig_post(rig, rig->last_nbr - i, SE_UPDATE, rig_item(rig, 1370));
    rig_advance(rig, UINT64_C(5) * (pacing_ms + 1));
    while ((p = rig_sent_opcode(rig, SE_UPDATE)) != NULL) {
        if (count == 0)
            first_ms = p->at_ms;
        else /* the first went on credit: 5 ms, and one of the clock */
            assert_in_range(p->at_ms - first_ms, count * pacing_ms - 6, count * (pacing_ms + 1));
        rig_ack(rig, p->to.ip[3], p->packet.header.sequence);
        count++;
    }
    assert_int_equal(count, 6);
    assert_int_equal(rig_iface(rig).pacing_us, pacing_us);
    rig_free(rig);
}

static void test_pacing(void **state)
{
    (void)state;
    check_pacing(256, 50, 92500);
    check_pacing(1024, 25, 46250);
    check_pacing(256, 25, 185000);
    check_pacing(64, 200, 92500); /* a bandwidth may be less than what the link carries */
    check_pacing(256, 200, 23125);
}

/* On a fast link the clock is too coarse: packets of one millisecond go together. */
static void test_pacing_does_not_stall(void **state)
{
    struct rig *rig = rig_prepare(4);
    unsigned count = 0;
    unsigned i;

    (void)state;
    rig->iface.mode = SE_NBR_GROUP;
    rig_start(rig);
    for (i = 2; i < 22; i++)
        rig_up(rig, i, 40);
    rig_advance(rig, 100);
    rig_forget(rig);
    rig_post(rig, SE_NBR_ALL, SE_UPDATE, rig_item(rig, 1370));
    while (rig_sent_opcode(rig, SE_UPDATE) != NULL)
        count++;
    assert_int_equal(count, 20);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_run),
        cmocka_unit_test(test_fast_links),
        cmocka_unit_test(test_burst_after_silence),
        cmocka_unit_test(test_burst_at_first),
        cmocka_unit_test(test_pacing),
        cmocka_unit_test(test_pacing_does_not_stall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
