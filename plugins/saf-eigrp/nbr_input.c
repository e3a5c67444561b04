/* SPDX-License-Identifier: MIT */
/*
 * nbr_input.c - is this packet for us, is it whole, and from whom: the checks before anything of a
 * packet is used, in their order (decision D16). Whatever fails is counted under its reason.
 *
 * Only behind the authentication is anything looked up or kept. Packets of strangers that are no
 * hello are never answered, but for an INIT, which gets a hello now and then: its sender takes us
 * for a neighbour, and hears that way that we have to begin with hellos.
 */
#include "nbr_priv.h"

#define STRANGER_HELLO_GAP_MS 1000u

/* Step 4: the source is not one of our own addresses. */
static int is_own(const struct se_nbrs *n, const struct xmb_addr *source)
{
    const struct nbr_iface *iface;
    uint32_t i;
    uint32_t k;

    for (i = 0; i < n->iface_end; i++) {
        iface = n->ifaces[i];
        if (iface == NULL)
            continue;
        if (se_nbr__same_addr(&iface->conf.source, source))
            return 1;
        for (k = 0; k < iface->conf.prefix_count; k++)
            if (se_nbr__same_addr(&iface->conf.prefixes[k].addr, source))
                return 1;
    }
    return 0;
}

static int in_prefix(const struct se_nbr_prefix *prefix, const struct xmb_addr *addr)
{
    unsigned whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;

    if (prefix->addr.family != addr->family || memcmp(prefix->addr.ip, addr->ip, whole) != 0)
        return 0;
    return rest == 0 || ((prefix->addr.ip[whole] ^ addr->ip[whole]) >> (8 - rest)) == 0;
}

/* Step 5: IPv6 link-local, IPv4 in one of our subnets; anywhere for those that are remote. */
static int is_on_link(const struct nbr_iface *iface, const struct xmb_addr *addr)
{
    uint32_t i;

    if (iface->conf.mode != SE_NBR_LAN && iface->conf.mode != SE_NBR_STATIC)
        return 1;
    if (addr->family == 6)
        return addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
    for (i = 0; i < iface->conf.prefix_count; i++)
        if (in_prefix(&iface->conf.prefixes[i], addr))
            return 1;
    return 0;
}

static enum se_reason examine(struct se_nbrs *n, const struct nbr_iface *iface,
                              const struct se_nbr_rx *rx, struct se_packet *packet)
{
    enum se_reason reason = SE_REASON_NONE;

    if (se_packet_open(rx->octets, rx->bytes, packet, &reason) != 0 ||
        se_packet_admit(packet, n->conf.as_number, &reason) != 0)
        return reason;
    if (is_own(n, &rx->source))
        return SE_DROP_OWN;
    if (rx->source.family != iface->conf.source.family || !is_on_link(iface, &rx->source))
        return SE_DROP_OFF_LINK;
    if (iface->conf.ttl_min > 0 && rx->ttl > 0 && rx->ttl < iface->conf.ttl_min)
        return SE_DROP_TTL;
    if (se_auth_check(packet, iface->conf.auth, &rx->source, n->now.wall_s, NULL, &reason) != 0 ||
        se_packet_frame(packet, &reason) != 0)
        return reason;
    return SE_REASON_NONE;
}

/* A hello with an acknowledgement is an ACK, whatever else it says. */
static enum se_reason ack_in(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet,
                             const struct se_nbr_rx *rx)
{
    b->iface->link.stats.acks_received++;
    se_nbr__heard(n, b);
    if (!rx->is_multicast)
        se_rtp_acked(n->rtp, &b->rtp, packet->header.acknowledge);
    return SE_REASON_NONE;
}

static enum se_reason stranger(struct se_nbrs *n, struct nbr_iface *iface,
                               const struct se_packet *packet, const struct se_nbr_rx *rx)
{
    if (packet->header.opcode == SE_UPDATE && (packet->header.flags & SE_FLAG_INIT) &&
        iface->conf.mode == SE_NBR_LAN && se_nbr__allowed(n, iface, &rx->source) &&
        !se_nbr__is_quiet(n, iface, &rx->source))
        se_nbr__hello_soon(n, iface, &rx->source, STRANGER_HELLO_GAP_MS);
    return SE_DROP_UNKNOWN_NEIGHBOUR;
}

static enum se_reason dispatch(struct se_nbrs *n, struct nbr_iface *iface,
                               const struct se_packet *packet, const struct se_nbr_rx *rx)
{
    struct nbr *b = se_nbr__find(n, iface, &rx->source);
    int is_hello = packet->header.opcode == SE_HELLO;

    if (is_hello && packet->header.acknowledge == 0)
        return se_nbr__hello_in(n, iface, b, packet, rx);
    if (b == NULL)
        return stranger(n, iface, packet, rx);
    return is_hello ? ack_in(n, b, packet, rx) : se_nbr__data_in(n, b, packet, rx);
}

void se_nbr_input(struct se_nbrs *n, const struct se_nbr_rx *rx, struct se_now now)
{
    struct nbr_iface *iface = se_nbr__iface(n, rx->iface);
    struct se_packet packet;
    enum se_reason reason;

    if (iface == NULL || iface->goodbyes_left > 0)
        return;
    se_nbr__enter(n, now);
    se_nbr__dirty(n, iface);
    reason = examine(n, iface, rx, &packet);
    if (reason == SE_REASON_NONE)
        reason = dispatch(n, iface, &packet, rx);
    if (reason != SE_REASON_NONE)
        se_nbr__dropped(n, iface, reason, &rx->source, NULL);
    se_nbr__settle(n);
}
