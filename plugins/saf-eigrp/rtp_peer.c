/* SPDX-License-Identifier: MIT */
/*
 * rtp_peer.c - the transport's engine, its links and its peers: how they come and how they go.
 *
 * A peer that is given up stays where it is, silent, until its owner closes or resets it: the owner
 * learns of it in the middle of a run, and the list of peers must not change there.
 */
#include "rtp_priv.h"

int se_rtp_new(unsigned as_number, uint32_t first_sequence, uint32_t messages_max,
               struct se_timers *timers, const struct se_rtp_ops *ops, void *arg,
               struct se_rtp **out)
{
    struct se_rtp *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return XMB_ENOMEM;
    if (se_rtp__queues_init(r) != 0) {
        free(r);
        return XMB_ENOMEM;
    }
    r->as_number = (uint16_t)as_number;
    r->next_sequence = first_sequence != 0 ? first_sequence : 1;
    r->messages_max = messages_max;
    r->timers = timers;
    r->ops = ops;
    r->arg = arg;
    *out = r;
    return 0;
}

void se_rtp_free(struct se_rtp *r)
{
    struct se_rtp_packet *packet;

    if (r == NULL)
        return;
    assert(r->packet_count == 0);
    while ((packet = r->free_packets) != NULL) {
        r->free_packets = packet->next_free;
        free(packet);
    }
    se_rtp__queues_free(r);
    free(r);
}

void se_rtp_set_as(struct se_rtp *r, unsigned as_number)
{
    r->as_number = (uint16_t)as_number;
}

void se_rtp_time(struct se_rtp *r, struct se_now now)
{
    if (now.ms < r->now.ms)
        now.ms = r->now.ms;
    r->now = now;
}

int se_rtp_link_open(struct se_rtp *r, struct se_rtp_link *l, unsigned number)
{
    if (se_timers_reserve(r->timers, 1) != 0)
        return XMB_ENOMEM;
    l->number = number;
    l->timer.kind = SE_RTP_TIMER_LINK;
    l->timer.owner = l;
    return 0;
}

void se_rtp_link_close(struct se_rtp *r, struct se_rtp_link *l)
{
    assert(l->first == NULL);
    se_rtp__clear(r, &l->flow);
    se_timer_disarm(r->timers, &l->timer);
    se_timers_unreserve(r->timers, 1);
}

static struct se_rtp_ghost *ghost_of(struct se_rtp_link *l, const struct xmb_addr *addr)
{
    struct se_rtp_ghost *oldest = &l->ghosts[0];
    unsigned i;

    for (i = 0; i < SE_RTP_GHOSTS_MAX; i++) {
        if (addr != NULL && l->ghosts[i].addr.family == addr->family &&
            memcmp(l->ghosts[i].addr.ip, addr->ip, sizeof(addr->ip)) == 0)
            return &l->ghosts[i];
        if (l->ghosts[i].until_ms < oldest->until_ms)
            oldest = &l->ghosts[i];
    }
    return addr == NULL ? oldest : NULL;
}

void se_rtp_haunt(struct se_rtp *r, const struct se_rtp_peer *p)
{
    struct se_rtp_ghost *ghost = ghost_of(p->link, &p->addr);

    if (ghost == NULL)
        ghost = ghost_of(p->link, NULL);
    ghost->addr = p->addr;
    ghost->until_ms = r->now.ms + SE_RTP_GHOST_MS;
}

static int exorcise(struct se_rtp *r, struct se_rtp_link *l, const struct xmb_addr *addr)
{
    struct se_rtp_ghost *ghost = ghost_of(l, addr);

    if (ghost == NULL || ghost->until_ms <= r->now.ms)
        return 0;
    ghost->until_ms = 0;
    return 1;
}

int se_rtp_peer_open(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_peer *p)
{
    if (se_timers_reserve(r->timers, 1) != 0)
        return XMB_ENOMEM;
    p->timer.kind = SE_RTP_TIMER_PEER;
    p->timer.owner = p;
    p->link = l;
    p->is_shy = (uint8_t)exorcise(r, l, &p->addr);
    p->prev = l->last;
    if (l->last != NULL)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
    return 0;
}

/* It takes no part any more. The flow is for nobody when it was the last. */
static void take_down(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_link *l = p->link;

    if (!p->is_up)
        return;
    p->is_up = 0;
    p->is_table_due = 0;
    if (!p->is_apart && l->is_group && --l->group_count == 0)
        se_rtp__clear(r, &l->flow);
    se_rtp__ready_all(l);
}

void se_rtp_peer_reset(struct se_rtp *r, struct se_rtp_peer *p)
{
    take_down(r, p);
    se_rtp__out_done(r, p);
    se_rtp__clear(r, &p->queue);
    p->is_lost = p->is_shy = p->is_cr = p->has_last_in = 0;
    p->last_in = p->ack_due = p->cr_next = p->table_flags = 0;
}

static void unready(struct se_rtp_peer *p)
{
    struct se_rtp_link *l = p->link;
    struct se_rtp_peer **at = &l->ready_first;
    struct se_rtp_peer *before = NULL;

    if (!p->is_ready)
        return;
    while (*at != p) {
        before = *at;
        at = &before->ready_next;
    }
    *at = p->ready_next;
    if (l->ready_last == p)
        l->ready_last = before;
    p->is_ready = 0;
}

void se_rtp_peer_close(struct se_rtp *r, struct se_rtp_peer *p)
{
    struct se_rtp_link *l = p->link;

    se_rtp_peer_reset(r, p);
    unready(p);
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        l->first = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    else
        l->last = p->prev;
    se_timers_unreserve(r->timers, 1);
}

void se_rtp__lose(struct se_rtp *r, struct se_rtp_peer *p, enum se_rtp_loss why)
{
    if (p->is_lost)
        return;
    take_down(r, p);
    se_rtp__out_done(r, p);
    se_rtp__clear(r, &p->queue);
    p->is_lost = 1;
    p->is_shy = 1; /* it does not know yet */
    r->ops->lost(r->arg, p, why);
}

const char *se_rtp_loss_name(enum se_rtp_loss why)
{
    static const char *const names[] = {"retry limit", "queue full", "out of memory"};

    return (unsigned)why < sizeof(names) / sizeof(names[0]) ? names[why] : "unknown";
}

uint32_t se_rtp_message_count(const struct se_rtp *r)
{
    return r->node_count;
}

uint32_t se_rtp_packet_count(const struct se_rtp *r)
{
    return r->packet_count;
}
