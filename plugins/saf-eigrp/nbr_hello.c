/* SPDX-License-Identifier: MIT */
/*
 * nbr_hello.c - hellos that come in: a stranger becomes pending, a neighbour stays, says goodbye,
 * drops us, or turns out to be configured in another way.
 *
 * What a hello can do to a neighbour that is up, it can do once in five seconds only: whoever
 * forges hellos without authentication shall not keep an adjacency down at no cost.
 */
#include "nbr_priv.h"
#include "octets.h"

/* For tables alone: what counts is whether ours is among them. */
static void learn_topologies(struct nbr *b, const struct se_hello *h)
{
    const uint8_t *p = (const uint8_t *)h->topologies.p;
    uint16_t i;

    b->topology_count = (uint16_t)(h->topologies.n / 2);
    for (i = 0; i < b->topology_count && i < SE_NBR_TOPOLOGIES_MAX; i++)
        b->topologies[i] = get16(p + 2 * (size_t)i);
}

/* What it says about itself. */
static void learn(const struct se_nbrs *n, struct nbr *b, const struct se_hello *h)
{
    uint32_t hold_s = h->parameter.hold_s;

    b->hold_s = (uint16_t)(hold_s < n->conf.hold_max_s ? hold_s : n->conf.hold_max_s);
    b->software = h->software;
    b->is_stub = (h->have & SE_HAVE_STUB) != 0;
    b->stub_flags = h->stub_flags;
    learn_topologies(b, h);
}

/* One that we told something that would be wrong now. */
static int has_changed(const struct nbr *b, const struct se_hello *h)
{
    return b->is_stub != ((h->have & SE_HAVE_STUB) != 0) || b->stub_flags != h->stub_flags ||
           (b->software.tlv_major >= 3) != (h->software.tlv_major >= 3);
}

static enum se_reason reset(struct se_nbrs *n, struct nbr *b, enum se_nbr_reason reason,
                            uint32_t quiet_ms)
{
    if (!se_nbr__may_reset(n, b->iface, &b->rtp.addr, quiet_ms))
        return SE_DROP_STATE;
    se_nbr__doom(n, b, reason);
    return SE_REASON_NONE;
}

static int names_us(const struct nbr_iface *iface, const struct se_addresses *list)
{
    uint32_t i;

    if (se_address_listed(list, &iface->conf.source))
        return 1;
    for (i = 0; i < iface->conf.prefix_count; i++)
        if (se_address_listed(list, &iface->conf.prefixes[i].addr))
            return 1;
    return 0;
}

/* Counted here, so that the note has what it said. */
static void other_k(struct se_nbrs *n, struct nbr_iface *iface, struct nbr *b,
                    const struct se_hello *h, const struct xmb_addr *source)
{
    se_nbr__dropped(n, iface, SE_DROP_K_VALUES, source, &h->parameter.k);
    if (b != NULL && b->state == SE_NBR_UP)
        reset(n, b, SE_NBR_K_VALUES, 0);
}

static void restart_seen(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    int has_rs = (header->flags & SE_FLAG_RS) != 0;

    if (has_rs && !b->has_rs_hello && !b->is_restarting)
        se_nbr__event(n, b, SE_NBR_RESYNC, header);
    b->has_rs_hello = (uint8_t)has_rs;
}

static enum se_reason known(struct se_nbrs *n, struct nbr *b, const struct se_hello *h,
                            const struct se_packet *packet)
{
    if (b->state == SE_NBR_UP && has_changed(b, h))
        return reset(n, b, SE_NBR_STUB_CHANGED, 0);
    learn(n, b, h);
    se_nbr__heard(n, b);
    se_rtp_hello(&b->rtp, h);
    se_nbr__event(n, b, SE_NBR_HELLO, &packet->header);
    restart_seen(n, b, &packet->header);
    return SE_REASON_NONE;
}

static enum se_reason newcomer(struct se_nbrs *n, struct nbr_iface *iface,
                               const struct se_hello *h, const struct xmb_addr *source)
{
    enum se_reason reason;
    struct nbr *b;

    if (se_nbr__is_quiet(n, iface, source))
        return SE_DROP_STATE;
    reason = se_nbr__admit(n, iface, source);
    if (reason != SE_REASON_NONE)
        return reason;
    b = se_nbr__make(n, iface, source);
    if (b == NULL)
        return SE_DROP_LIMIT;
    learn(n, b, h);
    se_nbr__event(n, b, SE_NBR_HELLO, NULL);
    se_nbr__heard(n, b);
    return SE_REASON_NONE;
}

/* What makes a hello no hello of a neighbour, known or not. */
static enum se_reason examine(const struct se_hello *h)
{
    if (!(h->have & SE_HAVE_PARAMETER))
        return SE_DROP_NO_PARAMETER;
    if (h->parameter.hold_s == 0)
        return SE_DROP_HOLD;
    return se_topology_listed(h, 0) ? SE_REASON_NONE : SE_SKIP_TOPOLOGY;
}

static enum se_reason goodbye(struct se_nbrs *n, struct nbr *b)
{
    return b != NULL ? reset(n, b, SE_NBR_GOODBYE, QUIET_MS) : SE_DROP_UNKNOWN_NEIGHBOUR;
}

enum se_reason se_nbr__hello_in(struct se_nbrs *n, struct nbr_iface *iface, struct nbr *b,
                                const struct se_packet *packet, const struct se_nbr_rx *rx)
{
    enum se_reason reason;
    struct se_hello h;

    if (b != NULL && b->is_doomed)
        return SE_DROP_STATE;
    if (se_hello_parse(packet, &h, &n->counters) != 0)
        return SE_DROP_TLV_TRUNCATED;
    iface->link.stats.received[SE_HELLO] += b != NULL;
    if ((h.have & SE_HAVE_PARAMETER) && se_hello_is_goodbye(&h))
        return goodbye(n, b);
    reason = examine(&h);
    if (reason == SE_DROP_HOLD || reason == SE_DROP_NO_PARAMETER)
        return reason;
    if (!se_kvalues_equal(&h.parameter.k, &n->conf.k)) {
        other_k(n, iface, b, &h, &rx->source);
        return SE_REASON_NONE;
    }
    if (reason != SE_REASON_NONE)
        return reason;
    if ((h.have & SE_HAVE_TERMINATION) && names_us(iface, &h.termination))
        return b != NULL ? reset(n, b, SE_NBR_TERMINATED, 0) : SE_DROP_UNKNOWN_NEIGHBOUR;
    return b != NULL ? known(n, b, &h, packet) : newcomer(n, iface, &h, &rx->source);
}
