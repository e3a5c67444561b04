/* SPDX-License-Identifier: MIT */
/*
 * rtp_send.c - what goes out next: the flow of a link first, since everybody waits for it, then
 * each peer's queue in turn, then each peer's table, which is pulled as fast as packets go and no
 * faster.
 *
 * A peer's unicast waits while the flow has an older message for it, and the flow's multicast waits
 * while the peer has an older unicast: this keeps the order of posting for each of them.
 */
#include "rtp_priv.h"

enum step { STEP_NOTHING, STEP_SENT, STEP_STUCK };

void se_rtp__ready(struct se_rtp_peer *p)
{
    struct se_rtp_link *l = p->link;

    if (p->is_ready || !p->is_up || p->out != NULL ||
        (p->queue.first == NULL && !p->is_table_due))
        return;
    p->is_ready = 1;
    p->ready_next = NULL;
    if (l->ready_first != NULL)
        l->ready_last->ready_next = p;
    else
        l->ready_first = p;
    l->ready_last = p;
}

void se_rtp__ready_all(struct se_rtp_link *l)
{
    struct se_rtp_peer *p;

    for (p = l->first; p != NULL; p = p->next)
        se_rtp__ready(p);
}

static struct se_rtp_peer *next_ready(struct se_rtp_link *l)
{
    struct se_rtp_peer *p = l->ready_first;

    if (p == NULL)
        return NULL;
    l->ready_first = p->ready_next;
    if (l->ready_first == NULL)
        l->ready_last = NULL;
    p->is_ready = 0;
    return p;
}

/* --- posting ---------------------------------------------------------------------------------- */

static void post_to(struct se_rtp *r, struct se_rtp_peer *p, const struct se_rtp_message *m,
                    uint64_t order)
{
    int rc = se_rtp__push(r, p->link, &p->queue, m, order, 0);

    if (rc != 0)
        se_rtp__lose(r, p, rc == XMB_ELIMIT ? SE_RTP_QUEUE_FULL : SE_RTP_NO_MEMORY);
    else
        se_rtp__ready(p);
}

static void post_flow(struct se_rtp *r, struct se_rtp_link *l, const struct se_rtp_message *m,
                      uint64_t order)
{
    int rc = se_rtp__push(r, l, &l->flow, m, order, l->newest_up);
    struct se_rtp_peer *p;

    if (l->flow.count == 1)
        l->flow_since_ms = r->now.ms;
    if (rc == 0)
        return;
    for (p = l->first; p != NULL; p = p->next)
        if (p->is_up && !p->is_apart)
            se_rtp__lose(r, p, rc == XMB_ELIMIT ? SE_RTP_QUEUE_FULL : SE_RTP_NO_MEMORY);
}

void se_rtp_post(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p,
                 const struct se_rtp_message *m)
{
    uint64_t order = ++r->order;

    if (p != NULL) {
        if (p->is_up)
            post_to(r, p, m, order);
        return;
    }
    if (l->group_count > 0)
        post_flow(r, l, m, order);
    for (p = l->first; p != NULL; p = p->next)
        if (p->is_up && (p->is_apart || !l->is_group))
            post_to(r, p, m, order);
}

void se_rtp_peer_up(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_link *l = p->link;

    assert(!p->is_up && !p->is_lost);
    p->is_up = 1;
    p->is_shy = 0;
    p->up_order = ++r->order;
    if (l->is_group && !p->is_apart) {
        l->newest_up = p->up_order;
        l->group_count++;
    }
    se_rtp_table(r, p, 0);
}

void se_rtp_table(struct se_rtp *r, struct se_rtp_peer *p, uint32_t flags)
{
    (void)r;
    if (!p->is_up)
        return;
    p->is_table_due = 1;
    p->table_flags |= flags;
    se_rtp__ready(p);
}

/* --- unicasts --------------------------------------------------------------------------------- */

/* The next item of the table becomes a message. 0: there is none, or it could not be queued. */
static int pull(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_message m = {NULL, SE_UPDATE, 0};

    m.item = r->ops->table_next(r->arg, p);
    if (m.item == NULL)
        return 0;
    post_to(r, p, &m, ++r->order);
    return !p->is_lost;
}

/* Messages, then the table, as long as they fit. */
static void fill(struct se_rtp *r, struct se_rtp_peer *p, uint64_t order_max,
                 struct se_rtp_packet *packet, struct se_writer *w)
{
    int is_table = p->is_table_due && order_max == UINT64_MAX;

    for (;;) {
        if (p->queue.first != NULL) {
            if (p->queue.first->order > order_max ||
                !se_rtp__fill_one(r, p->link, p, &p->queue, packet, w))
                break;
        } else if (!is_table || (packet->opcode != 0 && packet->opcode != SE_UPDATE)) {
            break;
        } else if (!pull(r, p)) {
            p->is_table_due = 0;
            packet->opcode = SE_UPDATE;
            packet->flags |= SE_FLAG_EOT;
            break;
        }
    }
    if (is_table && packet->opcode == SE_UPDATE) {
        packet->flags |= p->table_flags;
        p->table_flags = 0;
    }
}

static void unicast(struct se_rtp *r, struct se_rtp_peer *p, struct se_rtp_packet *packet,
                    struct se_writer *w)
{
    struct se_rtp_link *l = p->link;

    se_rtp__finish(r, l, packet, w, se_rtp__take_ack(p));
    l->stats.unicasts++;
    se_rtp__out_set(r, p, packet);
    r->ops->transmit(r->arg, l, &p->addr, packet->octets, packet->bytes);
}

static enum step send_one(struct se_rtp *r, struct se_rtp_peer *p, uint64_t order_max)
{
    struct se_rtp_packet *packet = se_rtp__packet_new(r, p->link->packet_bytes);
    enum step step = STEP_NOTHING;
    struct se_writer w;

    if (packet == NULL) {
        se_rtp__lose(r, p, SE_RTP_NO_MEMORY);
        return STEP_NOTHING;
    }
    if (se_rtp__begin(r, p->link, packet, &w) != 0) {
        se_rtp__ready(p);
        se_rtp__wake_at(r, p->link, r->now.ms + 1000);
        step = STEP_STUCK;
    } else {
        fill(r, p, order_max, packet, &w);
        if (!p->is_lost && (packet->service_count > 0 || packet->flags != 0)) {
            unicast(r, p, packet, &w);
            step = STEP_SENT;
        }
    }
    se_rtp__packet_drop(r, packet);
    return step;
}

static enum step peer_step(struct se_rtp *r, struct se_rtp_link *l)
{
    enum step step = STEP_NOTHING;
    struct se_rtp_peer *p;
    uint64_t order_max;

    while (step == STEP_NOTHING && (p = next_ready(l)) != NULL) {
        if (!p->is_up || p->out != NULL)
            continue;
        order_max = se_rtp__flow_order(l, p);
        if (p->queue.first != NULL ? p->queue.first->order > order_max
                                   : order_max != UINT64_MAX || !p->is_table_due)
            continue;
        step = send_one(r, p, order_max);
    }
    return step;
}

void se_rtp_run(struct se_rtp *r, struct se_rtp_link *l)
{
    while ((l->flow.first != NULL || l->ready_first != NULL) && se_rtp__may_send(r, l)) {
        if (se_rtp__flow_step(r, l))
            continue;
        if (peer_step(r, l) != STEP_SENT)
            break;
    }
}

/* --- INIT ------------------------------------------------------------------------------------- */

void se_rtp_peer_init(struct se_rtp *r, struct se_rtp_peer *p, uint32_t flags)
{
    struct se_rtp_packet *packet = se_rtp__packet_new(r, p->link->packet_bytes);
    struct se_writer w;

    se_rtp__out_done(r, p);
    if (packet == NULL) {
        se_rtp__lose(r, p, SE_RTP_NO_MEMORY);
        return;
    }
    packet->opcode = SE_UPDATE;
    packet->flags = SE_FLAG_INIT | flags;
    if (se_rtp__begin(r, p->link, packet, &w) == 0)
        unicast(r, p, packet, &w);
    p->init_sequence = packet->sequence;
    se_rtp__packet_drop(r, packet);
}

int se_rtp_init_is_stale(const struct se_rtp_peer *p)
{
    return p->link->last_multicast != 0 && p->init_sequence != 0 &&
           se_rtp_later(p->link->last_multicast, p->init_sequence);
}

int se_rtp_peer_init_again(struct se_rtp *r, struct se_rtp_peer *p)
{
    if (p->out == NULL || !(p->out->flags & SE_FLAG_INIT) || p->is_up)
        return 0;
    se_rtp__resend(r, p);
    return 1;
}
