/* SPDX-License-Identifier: MIT */
/*
 * nbr_table.c - neighbours in memory, found by interface and address, and who may become one.
 *
 * Anybody on a link can send hellos under any number of addresses. So a stranger needs one of few
 * places for pending neighbours, and places are given out at a limited rate; a pending neighbour
 * that never said more than hello gives its place up after a while. Those that are up have places
 * of their own, and configured neighbours are not counted. The table is hashed with a random seed.
 */
#include "nbr_priv.h"

int se_nbr__same_addr(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static struct nbr **bucket(const struct se_nbrs *n, const struct nbr_iface *iface,
                           const struct xmb_addr *addr)
{
    uint64_t x = n->conf.seed ^ iface->link.number;
    uint64_t half;
    unsigned i;

    for (i = 0; i < 2; i++) {
        memcpy(&half, addr->ip + 8 * i, sizeof(half));
        x = (x ^ half) * UINT64_C(0x9e3779b97f4a7c15);
        x ^= x >> 32;
    }
    return &n->buckets[x & (BUCKETS - 1)];
}

struct nbr *se_nbr__find(const struct se_nbrs *n, const struct nbr_iface *iface,
                         const struct xmb_addr *addr)
{
    struct nbr *b = *bucket(n, iface, addr);

    while (b != NULL && (b->iface != iface || !se_nbr__same_addr(&b->rtp.addr, addr)))
        b = b->hash_next;
    return b;
}

/* The lowest number that is free: DUAL keeps sets of numbers. */
static uint32_t free_number(struct se_nbrs *n)
{
    uint32_t number = n->free_hint;

    while (number < n->conf.neighbours_max && n->slots[number] != NULL)
        number++;
    n->free_hint = number;
    return number;
}

struct nbr *se_nbr__make(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addr)
{
    struct nbr **at = bucket(n, iface, addr);
    uint32_t number = free_number(n);
    struct nbr *b;

    if (number >= n->conf.neighbours_max || se_timers_reserve(&n->timers, 2) != 0)
        return NULL;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        goto no_timers;
    b->rtp.addr = *addr;
    b->rtp.number = number;
    b->iface = iface;
    b->is_static = (uint8_t)se_nbr__is_static(iface, addr);
    b->hold.kind = NBR_TIMER_HOLD;
    b->watch.kind = NBR_TIMER_WATCH;
    b->hold.owner = b->watch.owner = b;
    if (se_rtp_peer_open(n->rtp, &iface->link, &b->rtp) != 0)
        goto no_peer;
    b->hash_next = *at;
    *at = b;
    n->slots[number] = b;
    return b;
no_peer:
    free(b);
no_timers:
    se_timers_unreserve(&n->timers, 2);
    return NULL;
}

void se_nbr__unmake(struct se_nbrs *n, struct nbr *b)
{
    struct nbr **at = bucket(n, b->iface, &b->rtp.addr);

    while (*at != b)
        at = &(*at)->hash_next;
    *at = b->hash_next;
    n->slots[b->rtp.number] = NULL;
    if (n->owed == b)
        n->owed = NULL;
    if (b->rtp.number < n->free_hint)
        n->free_hint = b->rtp.number;
    se_rtp_peer_close(n->rtp, &b->rtp);
    se_timer_disarm(&n->timers, &b->hold);
    se_timer_disarm(&n->timers, &b->watch);
    se_timers_unreserve(&n->timers, 2);
    free(b);
}

/* --- who may ---------------------------------------------------------------------------------- */

int se_nbr__is_static(const struct nbr_iface *iface, const struct xmb_addr *addr)
{
    uint32_t i;

    for (i = 0; i < iface->static_count; i++)
        if (se_nbr__same_addr(&iface->statics[i], addr))
            return 1;
    return 0;
}

int se_nbr__allowed(const struct se_nbrs *n, const struct nbr_iface *iface,
                    const struct xmb_addr *addr)
{
    if ((iface->conf.mode == SE_NBR_STATIC || iface->conf.mode == SE_NBR_REMOTE) &&
        !se_nbr__is_static(iface, addr))
        return 0;
    return n->ops->may_peer == NULL || n->ops->may_peer(n->arg, iface->link.number, addr);
}

/* The pending neighbour that waits longest and never did more than say hello. */
static int make_room(struct se_nbrs *n, struct nbr_iface *iface)
{
    struct nbr *oldest = NULL;
    struct nbr *b;

    for (b = nbr_first(iface); b != NULL; b = nbr_after(b)) {
        if (b->state != SE_NBR_PENDING || b->has_init || b->is_init_acked || b->is_static ||
            b->is_doomed || n->now.ms - b->since_ms < SILENT_MS)
            continue;
        if (oldest == NULL || b->since_ms < oldest->since_ms)
            oldest = b;
    }
    if (oldest == NULL)
        return 0;
    oldest->reason = SE_NBR_MADE_ROOM;
    se_nbr__event(n, oldest, SE_NBR_LOST, NULL);
    se_nbr__unmake(n, oldest);
    return 1;
}

static int take_token(struct se_nbrs *n, struct nbr_iface *iface)
{
    uint64_t full = (uint64_t)iface->conf.new_per_s * 1000;
    uint64_t tokens = (n->now.ms - iface->new_tokens_ms) * iface->conf.new_per_s;

    tokens = tokens < full ? tokens + iface->new_tokens_x1000 : full;
    iface->new_tokens_ms = n->now.ms;
    iface->new_tokens_x1000 = (uint32_t)(tokens < full ? tokens : full);
    if (iface->new_tokens_x1000 < 1000)
        return 0;
    iface->new_tokens_x1000 -= 1000;
    return 1;
}

enum se_reason se_nbr__admit(struct se_nbrs *n, struct nbr_iface *iface,
                             const struct xmb_addr *addr)
{
    if (!se_nbr__allowed(n, iface, addr))
        return SE_DROP_DENIED;
    if (se_nbr__is_static(iface, addr))
        return SE_REASON_NONE;
    if (iface->up_count + iface->pending_count >= iface->conf.neighbours_max)
        return SE_DROP_LIMIT;
    if (!take_token(n, iface))
        return SE_DROP_LIMIT;
    if (iface->pending_count >= iface->conf.pending_max && !make_room(n, iface))
        return SE_DROP_LIMIT;
    return SE_REASON_NONE;
}

/* --- those that were just reset --------------------------------------------------------------- */

static const struct nbr_quiet *quiet_of(const struct nbr_iface *iface, const struct xmb_addr *addr)
{
    uint32_t i;

    for (i = 0; i < QUIET_MAX; i++)
        if (se_nbr__same_addr(&iface->quiet[i].addr, addr))
            return &iface->quiet[i];
    return NULL;
}

int se_nbr__may_reset(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addr,
                      uint32_t quiet_ms)
{
    const struct nbr_quiet *known = quiet_of(iface, addr);
    struct nbr_quiet *quiet;

    if (known != NULL && n->now.ms - known->reset_ms < DAMP_MS)
        return 0;
    quiet = &iface->quiet[known != NULL ? (uint32_t)(known - iface->quiet)
                                        : iface->quiet_next++ % QUIET_MAX];
    quiet->addr = *addr;
    quiet->reset_ms = n->now.ms;
    quiet->until_ms = n->now.ms + quiet_ms;
    return 1;
}

int se_nbr__is_quiet(const struct se_nbrs *n, const struct nbr_iface *iface,
                     const struct xmb_addr *addr)
{
    const struct nbr_quiet *quiet = quiet_of(iface, addr);

    return quiet != NULL && n->now.ms < quiet->until_ms;
}
