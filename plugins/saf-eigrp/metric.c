/* SPDX-License-Identifier: MIT */
/*
 * metric.c - vector and composite metrics. See metric.h.
 *
 * Intermediate results are 128 bits wide: 48 bits of delay times 65536 fill 64, and a K value more
 * would overflow. Divisions truncate at each step, in the order in which RFC 7868 writes them;
 * published outputs of a Cisco router agree to the last digit (see the unit test).
 *
 * It knows nothing of services, neighbours or packets.
 */
#include "metric.h"

#define EIGRP_BANDWIDTH UINT64_C(10000000)  /* RFC 7868, 5.6.2.2 */
#define EIGRP_DELAY_PICO UINT64_C(1000000)
#define EIGRP_WIDE_SCALE 65536u
#define EIGRP_CLASSIC_SCALE 256u
#define CLASSIC_BANDWIDTH (EIGRP_BANDWIDTH * EIGRP_CLASSIC_SCALE)
#define PS_IN_TEN_US UINT64_C(10000000)
#define DELAY_FINITE_MAX (SE_DELAY_UNREACHABLE - 1)
#define BANDWIDTH_FINITE_MAX (SE_BANDWIDTH_UNREACHABLE - 1)

typedef unsigned __int128 wide;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int unreachable(const struct se_metric *m)
{
    return m->delay_ps >= SE_DELAY_UNREACHABLE || m->bandwidth_kbps >= SE_BANDWIDTH_UNREACHABLE;
}

void se_metric_from_link(struct se_metric *out, const struct se_link *link)
{
    memset(out, 0, sizeof(*out));
    out->delay_ps = least(link->delay_ps, DELAY_FINITE_MAX);
    out->bandwidth_kbps = least(link->bandwidth_kbps, BANDWIDTH_FINITE_MAX);
    out->mtu_bytes = (uint32_t)least(link->mtu_bytes, 0xffffff);
    out->reliability = link->reliability;
    out->load = link->load;
}

void se_metric_set_unreachable(struct se_metric *m)
{
    m->delay_ps = SE_DELAY_UNREACHABLE;
}

int se_metric_is_unreachable(const struct se_metric *m, unsigned hops_max)
{
    return unreachable(m) || m->hop_count > hops_max;
}

void se_metric_add_link(struct se_metric *out, const struct se_metric *reported,
                        const struct se_link *link)
{
    *out = *reported;
    if (unreachable(reported))
        return;
    out->delay_ps = least(reported->delay_ps + least(link->delay_ps, DELAY_FINITE_MAX),
                          DELAY_FINITE_MAX);
    out->bandwidth_kbps = least(reported->bandwidth_kbps, link->bandwidth_kbps);
    out->mtu_bytes = (uint32_t)least(reported->mtu_bytes, link->mtu_bytes);
    if (link->reliability < out->reliability)
        out->reliability = link->reliability;
    if (link->load > out->load)
        out->load = link->load;
    if (out->hop_count == UINT8_MAX)
        se_metric_set_unreachable(out);
    else
        out->hop_count++;
}

/* The sum, weighted by reliability when K5 says so, and kept below `infinity`. */
static uint64_t weigh(wide sum, const struct se_metric *m, const struct se_kvalues *k,
                      uint64_t infinity)
{
    unsigned divisor = (unsigned)k->k[3] + m->reliability;

    if (k->k[4] != 0) {
        if (divisor == 0)
            return infinity;
        sum = sum * k->k[4] / divisor;
    }
    return sum < infinity ? (uint64_t)sum : infinity - 1;
}

uint64_t se_metric_composite(const struct se_metric *m, const struct se_kvalues *k)
{
    uint64_t kbps = m->bandwidth_kbps != 0 ? m->bandwidth_kbps : 1;
    wide throughput;
    wide latency;

    if (unreachable(m))
        return SE_COMPOSITE_INFINITY;
    throughput = EIGRP_BANDWIDTH * EIGRP_WIDE_SCALE / kbps;
    throughput *= k->k[0];
    throughput += throughput * k->k[1] / (256u - m->load);
    latency = (wide)m->delay_ps * EIGRP_WIDE_SCALE / EIGRP_DELAY_PICO * k->k[2];
    return weigh(throughput + latency + (wide)m->extended * k->k[5], m, k, SE_COMPOSITE_INFINITY);
}

uint32_t se_metric_composite_classic(const struct se_metric *m, const struct se_kvalues *k)
{
    uint64_t kbps = m->bandwidth_kbps != 0 ? m->bandwidth_kbps : 1;
    wide bandwidth = EIGRP_BANDWIDTH / kbps;
    wide sum;

    if (unreachable(m))
        return SE_CLASSIC_INFINITY;
    sum = bandwidth * k->k[0] + bandwidth * k->k[1] / (256u - m->load) +
          (wide)(m->delay_ps / PS_IN_TEN_US) * k->k[2];
    return (uint32_t)weigh(sum * EIGRP_CLASSIC_SCALE, m, k, SE_CLASSIC_INFINITY);
}

int se_metric_compare(const struct se_metric *a, const struct se_metric *b,
                      const struct se_kvalues *k, unsigned hops_max)
{
    int a_gone = se_metric_is_unreachable(a, hops_max);
    int b_gone = se_metric_is_unreachable(b, hops_max);
    uint64_t a_composite;
    uint64_t b_composite;

    if (a_gone || b_gone)
        return a_gone - b_gone;
    if ((a->external == NULL) != (b->external == NULL))
        return a->external == NULL ? -1 : 1;
    a_composite = se_metric_composite(a, k);
    b_composite = se_metric_composite(b, k);
    return (a_composite > b_composite) - (a_composite < b_composite);
}

int se_external_equal(const struct se_external *a, const struct se_external *b)
{
    if (a == b)
        return 1;
    if (a == NULL || b == NULL)
        return 0;
    return a->origin_router_id == b->origin_router_id && a->as_number == b->as_number &&
           a->tag == b->tag && a->metric == b->metric && a->protocol == b->protocol &&
           a->flags == b->flags;
}

int se_metric_equal(const struct se_metric *a, const struct se_metric *b)
{
    if (unreachable(a) || unreachable(b))
        return unreachable(a) == unreachable(b);
    return a->delay_ps == b->delay_ps && a->bandwidth_kbps == b->bandwidth_kbps &&
           a->mtu_bytes == b->mtu_bytes && a->extended == b->extended &&
           a->hop_count == b->hop_count && a->reliability == b->reliability &&
           a->load == b->load && a->priority == b->priority &&
           se_external_equal(a->external, b->external);
}

uint32_t se_metric_rib(uint64_t composite, unsigned rib_scale)
{
    return (uint32_t)least(composite / (rib_scale != 0 ? rib_scale : 1), UINT32_MAX);
}

int se_kvalues_equal(const struct se_kvalues *a, const struct se_kvalues *b)
{
    return memcmp(a->k, b->k, sizeof(a->k)) == 0;
}

/* The scaled bandwidth field: at least 1, so that it can be read back. */
static uint32_t classic_bandwidth(uint64_t kbps)
{
    uint64_t scaled;

    if (kbps >= SE_BANDWIDTH_UNREACHABLE)
        return SE_CLASSIC_INFINITY;
    scaled = CLASSIC_BANDWIDTH / (kbps != 0 ? kbps : 1);
    return scaled != 0 ? (uint32_t)scaled : 1;
}

void se_metric_to_classic(struct se_classic *out, const struct se_metric *m)
{
    wide delay = (wide)m->delay_ps * EIGRP_CLASSIC_SCALE / PS_IN_TEN_US;

    memset(out, 0, sizeof(*out));
    out->delay = delay < SE_CLASSIC_INFINITY ? (uint32_t)delay : SE_CLASSIC_INFINITY - 1;
    if (m->delay_ps >= SE_DELAY_UNREACHABLE)
        out->delay = SE_CLASSIC_INFINITY;
    out->bandwidth = classic_bandwidth(m->bandwidth_kbps);
    out->mtu_bytes = m->mtu_bytes;
    out->hop_count = m->hop_count;
    out->reliability = m->reliability;
    out->load = m->load;
}

/* Rounds the delay up, so that it gives the same scaled number again. */
void se_metric_from_classic(struct se_metric *out, const struct se_classic *classic)
{
    uint64_t scaled = (uint64_t)classic->delay * PS_IN_TEN_US;

    memset(out, 0, sizeof(*out));
    out->delay_ps = (scaled + EIGRP_CLASSIC_SCALE - 1) / EIGRP_CLASSIC_SCALE;
    if (classic->delay == SE_CLASSIC_INFINITY)
        out->delay_ps = SE_DELAY_UNREACHABLE;
    out->bandwidth_kbps = CLASSIC_BANDWIDTH / (classic->bandwidth != 0 ? classic->bandwidth : 1);
    if (classic->bandwidth == SE_CLASSIC_INFINITY)
        out->bandwidth_kbps = SE_BANDWIDTH_UNREACHABLE;
    else if (out->bandwidth_kbps == 0)
        out->bandwidth_kbps = 1;
    out->mtu_bytes = classic->mtu_bytes;
    out->hop_count = classic->hop_count;
    out->reliability = classic->reliability;
    out->load = classic->load;
}

/* Speeds and delays of RFC 7868, 5.6.1.2, fastest first. */
static const struct {
    uint64_t kbps;
    uint64_t delay_ps;
} speeds[] = {
    {500000000, 20000},     {200000000, 50000},      {100000000, 100000},
    {50000000, 200000},     {20000000, 500000},      {10000000, 1000000},
    {5000000, 2000000},     {2000000, 5000000},      {1000000, 10000000},
    {100000, 100000000},    {16000, 630000000},      {10000, 1000000000},
    {56, 20000000000},
};

uint64_t se_link_default_delay_ps(uint64_t bandwidth_kbps)
{
    size_t i;

    for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
        if (bandwidth_kbps >= speeds[i].kbps)
            return speeds[i].delay_ps;
    return UINT64_C(500000000000);
}
