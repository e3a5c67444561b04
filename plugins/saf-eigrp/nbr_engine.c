/* SPDX-License-Identifier: MIT */
/*
 * nbr_engine.c - the process: calls that come in, timers, and what is settled at the end of a call.
 *
 * Every call goes the same way: take the time, do what happened, settle. Settling removes the
 * doomed, lets the transport send on interfaces that are dirty, until neither makes more of the
 * other; then the acks that found no packet go out alone, and the next deadline is told.
 */
#include "nbr_priv.h"

void se_nbr__enter(struct se_nbrs *n, struct se_now now)
{
    if (now.ms < n->now.ms)
        now.ms = n->now.ms;
    n->now = now;
    se_rtp_time(n->rtp, now);
}

void se_nbr__dirty(struct se_nbrs *n, struct nbr_iface *iface)
{
    if (iface->is_dirty)
        return;
    iface->is_dirty = 1;
    iface->dirty_next = n->dirty;
    n->dirty = iface;
}

void se_nbr__doom(struct se_nbrs *n, struct nbr *b, enum se_nbr_reason reason)
{
    if (b->is_doomed || b->state == SE_NBR_DOWN)
        return;
    b->is_doomed = 1;
    b->reason = (uint8_t)reason;
    b->doomed_next = n->doomed;
    n->doomed = b;
}

/* xorshift64*; good enough for jitter. */
uint32_t se_nbr__random(struct se_nbrs *n)
{
    n->random ^= n->random >> 12;
    n->random ^= n->random << 25;
    n->random ^= n->random >> 27;
    return (uint32_t)((n->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

static void bury(struct se_nbrs *n, struct nbr *b)
{
    struct nbr_iface *iface = b->iface;

    se_nbr__event(n, b, SE_NBR_LOST, NULL);
    if (iface->goodbyes_left == 0)
        se_nbr__unmake(n, b);
}

static void tell_timer(struct se_nbrs *n)
{
    uint64_t at_ms = se_timers_next(&n->timers);

    if (at_ms == n->told_ms)
        return;
    n->told_ms = at_ms;
    n->ops->timer(n->arg, at_ms);
}

void se_nbr__settle(struct se_nbrs *n)
{
    struct nbr_iface *iface;
    struct nbr *b;

    while (n->doomed != NULL || n->dirty != NULL) {
        if ((b = n->doomed) != NULL) {
            n->doomed = b->doomed_next;
            bury(n, b);
            continue;
        }
        iface = n->dirty;
        n->dirty = iface->dirty_next;
        iface->is_dirty = 0;
        se_rtp_run(n->rtp, &iface->link);
    }
    if (n->owed != NULL)
        se_rtp_flush_ack(n->rtp, &n->owed->rtp);
    n->owed = NULL;
    tell_timer(n);
}

/* --- what the transport wants ----------------------------------------------------------------- */

static unsigned number_of(const struct se_rtp_peer *p)
{
    return p != NULL ? p->number : SE_NBR_ALL;
}

static void on_transmit(void *arg, struct se_rtp_link *l, const struct xmb_addr *to,
                        const void *octets, size_t bytes)
{
    struct se_nbrs *n = arg;

    n->ops->transmit(n->arg, l->number, to, octets, bytes);
}

static void on_announce(void *arg, struct se_rtp_link *l, const struct xmb_addr *addrs,
                        size_t count, uint32_t next_sequence)
{
    struct se_nbrs *n = arg;

    se_nbr__announce(n, se_nbr__iface(n, l->number), addrs, count, next_sequence);
}

static int on_write(void *arg, struct se_rtp_link *l, struct se_rtp_peer *p,
                    const struct se_rtp_message *m, struct se_route *route,
                    struct se_service *service)
{
    struct se_nbrs *n = arg;

    return n->ops->write(n->arg, l->number, number_of(p), m, route, service);
}

static void on_hold(void *arg, void *item)
{
    struct se_nbrs *n = arg;

    n->ops->hold(n->arg, item);
}

static void on_release(void *arg, void *item)
{
    struct se_nbrs *n = arg;

    n->ops->release(n->arg, item);
}

static void *on_table_next(void *arg, struct se_rtp_peer *p)
{
    struct se_nbrs *n = arg;

    return n->ops->table_next(n->arg, p->number);
}

static void on_init_acked(void *arg, struct se_rtp_peer *p)
{
    struct se_nbrs *n = arg;
    struct nbr *b = nbr_of(p);
    uint64_t until_ms = n->now.ms + NO_INIT_MS;

    b->is_init_acked = 1;
    if (b->pending_until_ms > until_ms)
        b->pending_until_ms = until_ms;
    se_nbr__heard(n, b);
    se_nbr__maybe_formed(n, b);
}

static void on_lost(void *arg, struct se_rtp_peer *p, enum se_rtp_loss why)
{
    static const enum se_nbr_reason reasons[] = {
        [SE_RTP_RETRY_LIMIT] = SE_NBR_RETRY_LIMIT,
        [SE_RTP_QUEUE_FULL] = SE_NBR_QUEUE_FULL,
        [SE_RTP_NO_MEMORY] = SE_NBR_NO_MEMORY,
    };

    se_nbr__doom(arg, nbr_of(p), reasons[why]);
}

const struct se_rtp_ops se_nbr__rtp_ops = {
    .transmit = on_transmit,
    .announce = on_announce,
    .write = on_write,
    .hold = on_hold,
    .release = on_release,
    .table_next = on_table_next,
    .init_acked = on_init_acked,
    .lost = on_lost,
};

/* --- calls ------------------------------------------------------------------------------------ */

static void expired(struct se_nbrs *n, struct se_timer *timer)
{
    struct nbr *b;

    switch ((unsigned)timer->kind) {
    case NBR_TIMER_HOLD:
        b = timer->owner;
        se_nbr__doom(n, b, b->state == SE_NBR_PENDING && n->now.ms >= b->pending_until_ms
                               ? SE_NBR_NO_INIT
                               : SE_NBR_HOLD);
        break;
    case NBR_TIMER_WATCH:
        b = timer->owner;
        if (!b->is_doomed)
            n->ops->complete(n->arg, b->rtp.number, b->is_restarting ? SE_NBR_COMPLETE_PURGE
                                                                     : SE_NBR_COMPLETE_SILENT);
        b->is_restarting = 0;
        break;
    case NBR_TIMER_IFACE:
        se_nbr__iface_expired(n, timer->owner);
        break;
    default:
        se_rtp_expired(n->rtp, timer);
        break;
    }
}

void se_nbr_tick(struct se_nbrs *n, struct se_now now)
{
    struct se_timer *timer;

    se_nbr__enter(n, now);
    while ((timer = se_timers_expired(&n->timers, n->now.ms)) != NULL)
        expired(n, timer);
    se_nbr__settle(n);
}

void se_nbr_post(struct se_nbrs *n, unsigned iface, unsigned nbr, const struct se_rtp_message *m)
{
    struct nbr_iface *i;
    struct nbr *b;

    if (nbr != SE_NBR_ALL) {
        b = nbr < n->conf.neighbours_max ? n->slots[nbr] : NULL;
        if (b == NULL || b->is_doomed)
            return;
        se_rtp_post(n->rtp, b->rtp.link, &b->rtp, m);
        se_nbr__dirty(n, b->iface);
        return;
    }
    i = se_nbr__iface(n, iface);
    if (i == NULL)
        return;
    se_rtp_post(n->rtp, &i->link, NULL, m);
    se_nbr__dirty(n, i);
}

void se_nbr_run(struct se_nbrs *n, struct se_now now)
{
    se_nbr__enter(n, now);
    se_nbr__settle(n);
}

void se_nbr_reset(struct se_nbrs *n, unsigned nbr, enum se_nbr_reason reason)
{
    if (nbr < n->conf.neighbours_max && n->slots[nbr] != NULL)
        se_nbr__doom(n, n->slots[nbr], reason);
}

void se_nbr_resync(struct se_nbrs *n, unsigned nbr)
{
    struct nbr *b = nbr < n->conf.neighbours_max ? n->slots[nbr] : NULL;

    if (b == NULL || b->state != SE_NBR_UP || b->is_doomed)
        return;
    b->is_asked = 1;
    se_rtp_table(n->rtp, &b->rtp, SE_FLAG_INIT | SE_FLAG_RS);
    se_nbr__dirty(n, b->iface);
}
