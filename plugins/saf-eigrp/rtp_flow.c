/* SPDX-License-Identifier: MIT */
/*
 * rtp_flow.c - multicasts: when one may go, who takes it, and who must not.
 *
 *   a peer is     when                                           the multicast
 *   READY         nothing unacknowledged, nothing older queued   is for it
 *   LAGGARD       something is                                   waits for it, then excludes it
 *   NEWCOMER      it came up after the first message was posted  excludes it
 *   APART         it is never spoken to by multicast             excludes it
 *   SHY           not up for us, but perhaps we are for it       excludes it
 *   a ghost       no peer any more, and may not know it          excludes it
 *
 * Whoever is excluded stands in the Sequence TLV of a hello before the packet, does not enter
 * conditional receive mode, and so drops the packet with the CR flag. What the packet says goes
 * into the queues of those for whom it was. (RFC 7868, 5.2.)
 */
#include "rtp_priv.h"

enum stand { NOBODY, READY, LAGGARD, NEWCOMER, APART, SHY };

struct survey {
    uint64_t head_order;
    uint64_t wait_until_ms;
    uint64_t order_max; /* a ready peer has a unicast queued that comes next */
    uint32_t ready_count;
    uint32_t laggard_count;
    uint32_t excluded_count;
    struct xmb_addr excluded[SE_RTP_LIST_MAX];
};

static enum stand stand_of(const struct se_rtp_peer *p, uint64_t head_order)
{
    if (!p->is_up)
        return p->is_shy ? SHY : NOBODY;
    if (p->is_apart)
        return APART;
    if (p->up_order > head_order)
        return NEWCOMER;
    if (p->out != NULL || (p->queue.first != NULL && p->queue.first->order < head_order))
        return LAGGARD;
    return READY;
}

static void count_ready(struct survey *s, const struct se_rtp_peer *p)
{
    s->ready_count++;
    if (p->queue.first != NULL && p->queue.first->order < s->order_max)
        s->order_max = p->queue.first->order;
}

/* Its time began when its packet went; one that is stuck for long is not waited for again. */
static void count_laggard(struct survey *s, const struct se_rtp_peer *p, uint64_t flow_since_ms)
{
    uint64_t since_ms = flow_since_ms;

    s->laggard_count++;
    if (p->out != NULL && p->out_since_ms < since_ms)
        since_ms = p->out_since_ms;
    if (since_ms > s->wait_until_ms)
        s->wait_until_ms = since_ms;
}

static void exclude(struct survey *s, const struct xmb_addr *addr)
{
    if (s->excluded_count < SE_RTP_LIST_MAX)
        s->excluded[s->excluded_count] = *addr;
    s->excluded_count++;
}

static void survey(const struct se_rtp_link *l, uint64_t now_ms, struct survey *s)
{
    const struct se_rtp_peer *p;
    enum stand stand;
    unsigned i;

    s->head_order = l->flow.first->order;
    s->order_max = UINT64_MAX;
    s->wait_until_ms = 0;
    s->ready_count = s->laggard_count = s->excluded_count = 0;
    for (p = l->first; p != NULL; p = p->next) {
        stand = stand_of(p, s->head_order);
        if (stand == READY)
            count_ready(s, p);
        if (stand == LAGGARD)
            count_laggard(s, p, l->flow_since_ms);
        if (stand == READY || stand == NOBODY)
            continue;
        exclude(s, &p->addr);
    }
    for (i = 0; i < SE_RTP_GHOSTS_MAX; i++)
        if (now_ms < l->ghosts[i].until_ms)
            exclude(s, &l->ghosts[i].addr);
    if (s->laggard_count > 0)
        s->wait_until_ms += se_rtp_flow_ms(l);
}

uint64_t se_rtp__flow_order(const struct se_rtp_link *l, const struct se_rtp_peer *p)
{
    const struct se_rtp_node *node = l->flow.first;

    if (p->is_apart)
        return UINT64_MAX;
    while (node != NULL && node->order < p->up_order)
        node = node->next;
    return node != NULL ? node->order : UINT64_MAX;
}

/* The message goes by unicast to `p`, at its place among the others. */
static void divert(struct se_rtp *r, struct se_rtp_peer *p, const struct se_rtp_node *node)
{
    int rc;

    if (!p->is_up || node->order < p->up_order)
        return;
    rc = se_rtp__push(r, p->link, &p->queue, &node->m, node->order, 0);
    if (rc != 0)
        se_rtp__lose(r, p, rc == XMB_ELIMIT ? SE_RTP_QUEUE_FULL : SE_RTP_NO_MEMORY);
    else
        se_rtp__ready(p);
}

/* No multicast is possible: the first message goes to everyone by unicast. */
static void spread(struct se_rtp *r, struct se_rtp_link *l)
{
    struct se_rtp_node *node = se_rtp__pop(r, &l->flow);
    struct se_rtp_peer *p;

    for (p = l->first; p != NULL; p = p->next)
        if (!p->is_apart)
            divert(r, p, node);
    se_rtp__node_free(r, node);
}

/* The packet went: those it is for owe an ack, the others get its messages later. */
static void distribute(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_packet *packet,
                       uint64_t head_order)
{
    const struct se_rtp_node *node;
    struct se_rtp_peer *p;
    enum stand stand;

    for (p = l->first; p != NULL; p = p->next) {
        stand = stand_of(p, head_order);
        if (stand == READY)
            se_rtp__out_set(r, p, packet);
        if (stand == LAGGARD || stand == NEWCOMER)
            for (node = packet->nodes; node != NULL; node = node->next)
                divert(r, p, node);
    }
}

static void multicast(struct se_rtp *r, struct se_rtp_link *l, const struct survey *s,
                      struct se_rtp_packet *packet, struct se_writer *w)
{
    if (s->excluded_count > 0)
        packet->flags = SE_FLAG_CR;
    se_rtp__finish(r, l, packet, w, 0);
    if (s->excluded_count > 0) {
        r->ops->announce(r->arg, l, s->excluded, s->excluded_count, packet->sequence);
        l->stats.cr_packets++;
        l->stats.exceptions += s->excluded_count;
    }
    l->stats.multicasts++;
    l->last_multicast = packet->sequence;
    r->ops->transmit(r->arg, l, NULL, packet->octets, packet->bytes);
    distribute(r, l, packet, s->head_order);
    l->flow_since_ms = r->now.ms;
}

/* Fills and sends. 0: it cannot be signed now. */
static int send_flow(struct se_rtp *r, struct se_rtp_link *l, const struct survey *s)
{
    struct se_rtp_packet *packet = se_rtp__packet_new(r, l->packet_bytes);
    struct se_writer w;

    if (packet == NULL || se_rtp__begin(r, l, packet, &w) != 0) {
        if (packet != NULL)
            se_rtp__packet_drop(r, packet);
        se_rtp__wake_at(r, l, r->now.ms + 1000);
        return 0;
    }
    while (l->flow.first != NULL && l->flow.first->order < s->order_max &&
           se_rtp__fill_one(r, l, NULL, &l->flow, packet, &w))
        continue;
    if (packet->service_count > 0)
        multicast(r, l, s, packet, &w);
    se_rtp__packet_drop(r, packet);
    se_rtp__ready_all(l);
    return 1;
}

int se_rtp__flow_step(struct se_rtp *r, struct se_rtp_link *l)
{
    struct survey s;

    if (l->flow.first == NULL)
        return 0;
    survey(l, r->now.ms, &s);
    if (s.ready_count == 0 && s.laggard_count > 0)
        return 0;
    if (s.ready_count == 0 || s.excluded_count > SE_RTP_LIST_MAX ||
        s.excluded_count > l->list_max) {
        spread(r, l);
        se_rtp__ready_all(l);
        return 1;
    }
    if (s.laggard_count > 0 && r->now.ms < s.wait_until_ms) {
        se_rtp__wake_at(r, l, s.wait_until_ms);
        return 0;
    }
    return send_flow(r, l, &s);
}
