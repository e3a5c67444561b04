/* SPDX-License-Identifier: MIT */
/*
 * metric_wire.c - the two forms in which a metric travels: wide (RFC 7868, 6.9.2) and classic
 * (6.8.2). Their arithmetic is in metric.c; extended attributes are in attributes.c.
 *
 * The RFC's field of opaque flags is two octets and the dissector looks at the first only: that
 * one is written, either is read (D06).
 */
#include "wire_priv.h"

size_t se__wide_get(const uint8_t *p, struct se_metric *m, uint8_t *opaque_flags)
{
    memset(m, 0, sizeof(*m));
    m->priority = p[1];
    m->reliability = p[2];
    m->load = p[3];
    m->mtu_bytes = get24(p + 4);
    m->hop_count = p[7];
    m->delay_ps = get48(p + 8);
    m->bandwidth_kbps = get48(p + 14);
    *opaque_flags = p[22] | p[23];
    return 2 * (size_t)p[0];
}

void se__wide_put(uint8_t *p, const struct se_metric *m, size_t attribute_bytes,
                  unsigned opaque_flags)
{
    p[0] = (uint8_t)(attribute_bytes / 2);
    p[1] = m->priority;
    p[2] = m->reliability;
    p[3] = m->load;
    put24(p + 4, m->mtu_bytes);
    p[7] = m->hop_count;
    put48(p + 8, m->delay_ps);
    put48(p + 14, m->bandwidth_kbps);
    put16(p + 20, 0);
    p[22] = (uint8_t)opaque_flags;
    p[23] = 0;
}

void se__classic_get(const uint8_t *p, struct se_classic *classic)
{
    classic->delay = get32(p);
    classic->bandwidth = get32(p + 4);
    classic->mtu_bytes = get24(p + 8);
    classic->hop_count = p[11];
    classic->reliability = p[12];
    classic->load = p[13];
    classic->internal_tag = p[14];
    classic->flags = p[15];
}

void se__classic_put(uint8_t *p, const struct se_classic *classic)
{
    put32(p, classic->delay);
    put32(p + 4, classic->bandwidth);
    put24(p + 8, classic->mtu_bytes);
    p[11] = classic->hop_count;
    p[12] = classic->reliability;
    p[13] = classic->load;
    p[14] = classic->internal_tag;
    p[15] = classic->flags;
}
