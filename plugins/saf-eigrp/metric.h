/* SPDX-License-Identifier: MIT */
/*
 * metric.h - how far a service is: the vector metric of EIGRP, and the one number made of it.
 *
 * A distance is a *vector* (delay, bandwidth, MTU, ...). It grows along the path by the vector
 * rules, link by link, and only then becomes the *composite* that DUAL compares. Both are the
 * 64-bit "wide" forms of RFC 7868, section 5.6.2; the 32-bit "classic" forms of section 5.6.1 are
 * for the multi-topology TLVs and for peers that speak nothing else.
 *
 * Pure arithmetic: no allocation, no clock, no state. Any thread. Nothing here can fail: what does
 * not fit saturates, and what is unreachable stays so. All numbers in host order.
 */
#ifndef SE_METRIC_H
#define SE_METRIC_H

#include <xmb/types.h>

/* All ones in a 48-bit field: unreachable (RFC 7868, 6.9.2). The largest finite is one less. */
#define SE_DELAY_UNREACHABLE UINT64_C(0xffffffffffff)
#define SE_BANDWIDTH_UNREACHABLE UINT64_C(0xffffffffffff)

#define SE_COMPOSITE_INFINITY UINT64_MAX /* never a distance; the largest distance is one less */
#define SE_CLASSIC_INFINITY UINT32_MAX   /* the same in 32 bits; also of the scaled fields */

#define SE_HOPS_MAX_DEFAULT 100 /* RFC 7868, 5.6: above it a service is unreachable */
#define SE_RIB_SCALE_DEFAULT 128
#define SE_K_MAX 254 /* 255 says goodbye in a hello */

/* K1 to K6. Peers must have the same (RFC 7868, 5.3.3). */
struct se_kvalues {
    uint8_t k[6];
};

#define SE_KVALUES_DEFAULT {{1, 0, 1, 0, 0, 0}}

/* Flags of struct se_external. */
#define SE_EXTERNAL_IS_EXTERNAL 0x01
#define SE_EXTERNAL_CANDIDATE_DEFAULT 0x02

/* Where an external service came from, in struct se_external (RFC 7868, 6.9.4). */
enum se_external_protocol {
    SE_EXTERNAL_IGRP = 1,
    SE_EXTERNAL_EIGRP = 2,
    SE_EXTERNAL_STATIC = 3,
    SE_EXTERNAL_RIP = 4,
    SE_EXTERNAL_HELLO = 5,
    SE_EXTERNAL_OSPF = 6,
    SE_EXTERNAL_ISIS = 7,
    SE_EXTERNAL_EGP = 8,
    SE_EXTERNAL_BGP = 9,
    SE_EXTERNAL_IDRP = 10,
    SE_EXTERNAL_CONNECTED = 11
};

/* The exterior section of an external service. Carried along the path unchanged. */
struct se_external {
    uint32_t origin_router_id;
    uint32_t as_number; /* of the process or protocol it was brought in from */
    uint32_t tag;       /* administrative; never changes the path */
    uint32_t metric;    /* in the terms of that protocol; never changes the path */
    uint8_t protocol;   /* enum se_external_protocol; unknown ones are carried */
    uint8_t flags;      /* SE_EXTERNAL_* */
};

/*
 * The vector metric. `external` is NULL for an internal service; otherwise it is borrowed and
 * must outlive the metric: from the decoder it lives as long as the walk stands on that TLV, in a
 * topology table it belongs to the service. Copying the struct copies the reference.
 */
struct se_metric {
    uint64_t delay_ps;       /* sum along the path, 48 bits; SE_DELAY_UNREACHABLE */
    uint64_t bandwidth_kbps; /* least along the path, 48 bits; SE_BANDWIDTH_UNREACHABLE */
    const struct se_external *external;
    uint32_t mtu_bytes;    /* least along the path, 24 bits; never part of the composite */
    uint32_t extended;     /* what K6 weighs: jitter in microseconds plus energy */
    uint8_t hop_count;     /* 0 at the originator */
    uint8_t reliability;   /* least along the path; 255 is perfect */
    uint8_t load;          /* greatest along the path; 1 is idle */
    uint8_t priority;      /* 0; carried */
};

/* What one interface adds to a metric that comes in by it. */
struct se_link {
    uint64_t delay_ps;
    uint64_t bandwidth_kbps; /* at least 1 */
    uint32_t mtu_bytes;
    uint8_t reliability; /* 255 where nothing is known */
    uint8_t load;        /* 1 where nothing is known */
};

/* The classic metric as it stands on the wire (RFC 7868, 6.8.2). */
struct se_classic {
    uint32_t delay;     /* tens of microseconds times 256; SE_CLASSIC_INFINITY */
    uint32_t bandwidth; /* 2 560 000 000 divided by kbit/s */
    uint32_t mtu_bytes; /* 24 bits */
    uint8_t hop_count;
    uint8_t reliability;
    uint8_t load;
    uint8_t internal_tag;
    uint8_t flags; /* SE_OPAQUE_* of eigrp_wire.h */
};

/*
 * The metric with which a service is announced out of a link by its originator: the values of the
 * link, hop count 0, internal. (RFC 7868, 5.6: a connected destination costs its own link.)
 */
void se_metric_from_link(struct se_metric *out, const struct se_link *link);

/* Makes `m` unreachable: delay all ones, the rest as it was (RFC 7868, 6.9.2). */
void se_metric_set_unreachable(struct se_metric *m);

/*
 * 1 when no composite can be made of `m`: delay or bandwidth all ones, or more hops than
 * `hops_max` (1 to 255). Else 0. (Decision D08: a withdrawal in any of the three forms counts.)
 */
int se_metric_is_unreachable(const struct se_metric *m, unsigned hops_max);

/*
 * The distance by way of a neighbour: what it `reported`, plus the link it was heard on.
 *
 *   delay sum, bandwidth least, MTU least, reliability least, load greatest, hops plus 1
 *
 * Unreachable stays unreachable; a sum that leaves 48 bits is the largest finite delay; a 256th hop
 * is unreachable. `extended`, `priority` and `external` are passed on. `out` may be `reported`.
 * (RFC 7868, 5.6.2.1.)
 */
void se_metric_add_link(struct se_metric *out, const struct se_metric *reported,
                        const struct se_link *link);

/*
 * The wide composite. SE_COMPOSITE_INFINITY when delay or bandwidth are unreachable (the hop limit
 * is the caller's: see se_metric_is_unreachable); anything finite is at most one less. With
 * K5 != 0 and K4 + reliability == 0 it is infinity too. (RFC 7868, 5.6.2.3 to 5.6.2.5;
 * K1 is taken once, though 5.6.2.3 and 5.6.2.5 both write it.)
 */
uint64_t se_metric_composite(const struct se_metric *m, const struct se_kvalues *k);

/* The classic composite of the same vector, SE_CLASSIC_INFINITY likewise. (RFC 7868, 5.6.1.) */
uint32_t se_metric_composite_classic(const struct se_metric *m, const struct se_kvalues *k);

/*
 * Which of two is better: negative when `a` is, positive when `b` is, 0 when neither. Reachable
 * before unreachable, then internal before external whatever the metric, then the lower wide
 * composite. Ties (router id) are the caller's. (RFC 7868, 5.6; saf-eigrp 1.8.)
 */
int se_metric_compare(const struct se_metric *a, const struct se_metric *b,
                      const struct se_kvalues *k, unsigned hops_max);

/*
 * 1 when a peer would learn nothing new: every field of the vector is the same and the exterior
 * sections have the same content. Two unreachable metrics are the same whatever else they say.
 */
int se_metric_equal(const struct se_metric *a, const struct se_metric *b);

/* 1 when both are NULL, or have the same content. */
int se_external_equal(const struct se_external *a, const struct se_external *b);

/* A wide composite as tables show it: divided by `rib_scale` (1 to 255), saturated to 32 bits. */
uint32_t se_metric_rib(uint64_t composite, unsigned rib_scale);

/* 1 when all six are the same. */
int se_kvalues_equal(const struct se_kvalues *a, const struct se_kvalues *b);

/*
 * Wide to classic and back, with the loss that there is: delays below 39 ns round to 0, and what
 * is longer than 32 bits can say is the largest finite value. Unreachable stays so. `internal_tag`
 * and `flags` of `out` become 0; `external`, `extended` and `priority` of `out` NULL and 0.
 * (RFC 7868, 5.6.1.2 and 6.8.2.)
 */
void se_metric_to_classic(struct se_classic *out, const struct se_metric *m);
void se_metric_from_classic(struct se_metric *out, const struct se_classic *classic);

/*
 * The delay in picoseconds of a link of that speed, where nobody configured one: that of the next
 * slower speed in the RFC's table. (RFC 7868, 5.6.1.2; D22.)
 */
uint64_t se_link_default_delay_ps(uint64_t bandwidth_kbps);

#endif
