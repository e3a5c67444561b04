/* SPDX-License-Identifier: MIT */
/*
 * rtp_timer.c - times of the transport: round trips measured, when to send again, how fast.
 *
 *   SRTT    smoothed time to the ack, of packets that went once only; an eighth of each new one
 *   RTO     max(200 ms, 6 SRTT, 6 times the pacing of a full packet), at most 5 s; 5 s before the
 *           first measurement; half as much again with each try
 *   flow    max(50 ms, 4 times the least SRTT): how long a multicast waits for laggards. The
 *           mean, which others take, lets one slow neighbour hold up all
 *   pacing  a packet takes its bits at bandwidth times percent; a bucket that drains. Clock and
 *           timers count milliseconds and a wake-up comes late, so that up to 5 ms in which nothing
 *           went are made up for, and a packet goes in the millisecond in which it is due: in any
 *           time what goes is at most the rate times that time and 6 ms, and a packet
 */
#include "rtp_priv.h"

#define NS_PER_MS UINT64_C(1000000)
#define CREDIT_MAX_NS (5 * NS_PER_MS)
#define DEBT_MAX_NS (5000 * NS_PER_MS)

uint32_t se_rtp_srtt_ms(const struct se_rtp_peer *p)
{
    return p->srtt_x8_ms / 8;
}

void se_rtp__measure(struct se_rtp_peer *p, uint64_t rtt_ms)
{
    uint32_t rtt = rtt_ms > SE_RTP_RTO_MAX_MS ? SE_RTP_RTO_MAX_MS : (uint32_t)rtt_ms;

    if (p->has_srtt)
        p->srtt_x8_ms = p->srtt_x8_ms - p->srtt_x8_ms / 8 + rtt;
    else
        p->srtt_x8_ms = rtt * 8;
    p->has_srtt = 1;
}

uint64_t se_rtp_pacing_us(const struct se_rtp_link *l, size_t bytes)
{
    return (uint64_t)bytes * 8000 / (l->pace_kbps > 0 ? l->pace_kbps : 1);
}

uint32_t se_rtp_rto_ms(const struct se_rtp_peer *p)
{
    uint64_t rto = 6 * (uint64_t)se_rtp_srtt_ms(p);
    uint64_t pacing = 6 * se_rtp_pacing_us(p->link, p->link->packet_bytes) / 1000;

    if (!p->has_srtt)
        return SE_RTP_RTO_MAX_MS;
    if (rto < pacing)
        rto = pacing;
    if (rto < SE_RTP_RTO_MIN_MS)
        return SE_RTP_RTO_MIN_MS;
    return rto > SE_RTP_RTO_MAX_MS ? SE_RTP_RTO_MAX_MS : (uint32_t)rto;
}

uint32_t se_rtp_flow_ms(const struct se_rtp_link *l)
{
    const struct se_rtp_peer *p;
    uint32_t least = UINT32_MAX;

    for (p = l->first; p != NULL; p = p->next)
        if (p->is_up && !p->is_apart && p->has_srtt && se_rtp_srtt_ms(p) < least)
            least = se_rtp_srtt_ms(p);
    if (least == UINT32_MAX || 4 * least < SE_RTP_FLOW_MIN_MS)
        return SE_RTP_FLOW_MIN_MS;
    return 4 * least;
}

void se_rtp__wake_at(struct se_rtp *r, struct se_rtp_link *l, uint64_t at_ms)
{
    if (l->timer.place == 0 || l->timer.at_ms > at_ms)
        se_timer_arm(r->timers, &l->timer, at_ms);
}

int se_rtp__may_send(struct se_rtp *r, struct se_rtp_link *l)
{
    if (l->paced_until_ns < (r->now.ms + 1) * NS_PER_MS)
        return 1;
    se_rtp__wake_at(r, l, l->paced_until_ns / NS_PER_MS);
    return 0;
}

/* In nanoseconds: on fast links a packet takes less than a microsecond. */
static uint64_t pacing_ns(const struct se_rtp_link *l, size_t bytes)
{
    return (uint64_t)bytes * 8 * NS_PER_MS / (l->pace_kbps > 0 ? l->pace_kbps : 1);
}

void se_rtp__sent(struct se_rtp *r, struct se_rtp_link *l, size_t bytes)
{
    uint64_t now_ns = r->now.ms * NS_PER_MS;
    uint64_t least_ns = now_ns > CREDIT_MAX_NS ? now_ns - CREDIT_MAX_NS : 0;
    uint64_t until_ns = l->paced_until_ns > least_ns ? l->paced_until_ns : least_ns;

    until_ns += pacing_ns(l, bytes);
    l->paced_until_ns = until_ns < now_ns + DEBT_MAX_NS ? until_ns : now_ns + DEBT_MAX_NS;
    l->stats.bytes_sent += bytes;
}

/* The peer did not acknowledge in time. */
static void retry(struct se_rtp *r, struct se_rtp_peer *p)
{
    if (p->out == NULL)
        return;
    if (p->tries >= SE_RTP_TRIES) {
        se_rtp__lose(r, p, SE_RTP_RETRY_LIMIT);
        return;
    }
    p->tries++;
    p->retransmissions++;
    p->link->stats.retransmissions++;
    p->rto_ms = p->rto_ms * 3 / 2;
    if (p->rto_ms > SE_RTP_RTO_MAX_MS)
        p->rto_ms = SE_RTP_RTO_MAX_MS;
    se_timer_arm(r->timers, &p->timer, r->now.ms + p->rto_ms);
    se_rtp__resend(r, p);
}

void se_rtp_expired(struct se_rtp *r, struct se_timer *timer)
{
    struct se_rtp_peer *p;

    if (timer->kind == SE_RTP_TIMER_PEER) {
        p = timer->owner;
        retry(r, p);
        se_rtp_run(r, p->link);
    } else {
        se_rtp_run(r, timer->owner);
    }
}
