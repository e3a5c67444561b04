/* SPDX-License-Identifier: MIT */
/*
 * dual_peer.c - neighbours and interfaces come, change and go. Each is one event for each entry
 * that it concerns; the others are passed over.
 *
 * A new neighbour is told the table by its own walk over the entries, as slowly as packets go out.
 * What changes meanwhile reaches it by the ordinary way, and the walk then passes over what it was
 * told.
 */
#include "dual_priv.h"

/* Room for `number` in an array of `count` elements of `bytes`; what is new is zero. */
static int grow(void **array, uint32_t *count, unsigned number, size_t bytes)
{
    uint32_t more = *count != 0 ? *count : 8;
    char *grown;

    if (number < *count)
        return 0;
    while (more <= number)
        more *= 2;
    grown = realloc(*array, more * bytes);
    if (grown == NULL)
        return XMB_ENOMEM;
    memset(grown + *count * bytes, 0, (more - *count) * bytes);
    *array = grown;
    *count = more;
    return 0;
}

/* Paths on `iface`, or all: their distance changed. */
static void recompute(struct se_dual *d, struct se_dual_entry *e, unsigned iface)
{
    int is_changed = 0;
    struct se_path *p;

    for (p = e->paths; p != NULL; p = p->next) {
        if (!se_dual_is_peer(p->peer) ||
            (iface != SE_DUAL_ALL && d->peers[p->peer].iface != iface))
            continue;
        se_dual_distance(d, &p->metric, &p->reported);
        se_dual_path_compute(d, p);
        is_changed = 1;
    }
    if (is_changed)
        se_dual_event(d, e, CAUSE_CHANGE, SE_DUAL_NONE);
}

void se_dual_recompute(struct se_dual *d)
{
    struct se_dual_entry *e;

    for (e = d->first; e != NULL; e = e->next)
        recompute(d, e, SE_DUAL_ALL);
}

static int same_link(const struct se_link *a, const struct se_link *b)
{
    return a->delay_ps == b->delay_ps && a->bandwidth_kbps == b->bandwidth_kbps &&
           a->mtu_bytes == b->mtu_bytes && a->reliability == b->reliability && a->load == b->load;
}

int se_dual_iface_set(struct se_dual *d, unsigned iface, const struct se_link *link,
                      enum se_dual_split split, uint64_t now_ms)
{
    void *array = d->ifaces;
    struct se_dual_iface *i;
    struct se_dual_entry *e;
    int is_new_split, is_new_link;

    if (iface >= SE_DUAL_IFACES_MAX)
        return XMB_EINVAL;
    if (grow(&array, &d->iface_count, iface, sizeof(*d->ifaces)) != 0)
        return XMB_ENOMEM;
    d->ifaces = array;
    d->now_ms = now_ms;
    i = &d->ifaces[iface];
    is_new_link = i->is_there && !same_link(&i->link, link);
    is_new_split = i->is_there && i->split != split;
    i->is_there = 1;
    i->link = *link;
    i->split = (uint8_t)split;
    for (e = d->first; is_new_link && i->peer_count > 0 && e != NULL; e = e->next)
        recompute(d, e, iface);
    if (is_new_split)
        se_dual_reoffer(d, now_ms);
    se_dual_rearm(d);
    return 0;
}

int se_dual_peer_up(struct se_dual *d, unsigned peer, unsigned iface, unsigned flags,
                    uint64_t now_ms)
{
    void *array = d->peers;
    struct se_dual_peer *p;

    if (peer >= SE_DUAL_PEERS_MAX || iface >= d->iface_count || !d->ifaces[iface].is_there)
        return XMB_EINVAL;
    if (peer < d->peer_count && d->peers[peer].is_up)
        return XMB_EINVAL;
    if (grow(&array, &d->peer_count, peer, sizeof(*d->peers)) != 0)
        return XMB_ENOMEM;
    d->peers = array;
    if (se_dual_grow_sets(d, peer / 64 + 1) != 0)
        return XMB_ENOMEM;
    d->now_ms = now_ms;
    p = &d->peers[peer];
    memset(p, 0, sizeof(*p));
    p->is_up = 1;
    p->is_starting = 1;
    p->iface = (uint16_t)iface;
    p->flags = (uint8_t)flags;
    p->walk = d->first;
    d->ifaces[iface].peer_count++;
    return 0;
}

static void peer_gone_from(struct se_dual *d, struct se_dual_entry *e, unsigned peer)
{
    int was_asked = se_dual_in_set(e, SE_SET_REPLY, peer);
    int had_path = se_dual_path(e, peer) != NULL;
    unsigned set;

    for (set = 0; set < SE_SETS; set++)
        if (set != SE_SET_REPLY)
            se_dual_set_remove(e, (enum se_dual_set)set, peer);
    se_dual_path_drop(d, e, peer);
    if (was_asked || had_path || e->successor == peer || e->owed == peer)
        se_dual_event(d, e, CAUSE_DOWN, peer);
}

void se_dual_peer_down(struct se_dual *d, unsigned peer, uint64_t now_ms)
{
    struct se_dual_entry *e;

    if (peer >= d->peer_count || !d->peers[peer].is_up)
        return;
    d->now_ms = now_ms;
    d->peers[peer].is_up = 0;
    d->peers[peer].walk = NULL;
    d->ifaces[d->peers[peer].iface].peer_count--;
    for (e = d->first; e != NULL; e = e->next)
        peer_gone_from(d, e, peer);
    se_dual_rearm(d);
}

void se_dual_table_rewind(struct se_dual *d, unsigned peer)
{
    struct se_dual_entry *e;

    if (peer >= d->peer_count || !d->peers[peer].is_up)
        return;
    for (e = d->first; e != NULL; e = e->next)
        if (se_dual_set_remove(e, SE_SET_TOLD, peer))
            se_dual_set_add(e, SE_SET_DOUBT, peer);
    d->peers[peer].walk = d->first;
}

void se_dual_peer_restart(struct se_dual *d, unsigned peer)
{
    struct se_dual_entry *e;
    struct se_path *p;

    if (peer >= d->peer_count || !d->peers[peer].is_up)
        return;
    d->peers[peer].is_starting = 1;
    for (e = d->first; e != NULL; e = e->next) {
        p = se_dual_path_mutable(e, peer);
        if (p != NULL) {
            p->is_stale = 1;
            p->is_asked = 0; /* it may have forgotten the question */
        }
    }
    se_dual_table_rewind(d, peer);
}

void se_dual_peer_complete(struct se_dual *d, unsigned peer, uint64_t now_ms)
{
    struct se_dual_entry *e;
    const struct se_path *p;

    if (peer >= d->peer_count || !d->peers[peer].is_up)
        return;
    d->now_ms = now_ms;
    d->peers[peer].is_starting = 0;
    for (e = d->first; e != NULL; e = e->next) {
        p = se_dual_path(e, peer);
        if (p == NULL || !p->is_stale)
            continue;
        se_dual_path_drop(d, e, peer);
        se_dual_event(d, e, CAUSE_CHANGE, peer);
    }
    se_dual_rearm(d);
}

struct se_dual_entry *se_dual_table_next(struct se_dual *d, unsigned peer)
{
    struct se_dual_peer *p;
    struct se_dual_entry *e;

    if (peer >= d->peer_count || !d->peers[peer].is_up)
        return NULL;
    p = &d->peers[peer];
    while ((e = p->walk) != NULL) {
        p->walk = e->next;
        if (e->state != SE_DUAL_PASSIVE || se_dual_in_set(e, SE_SET_TOLD, peer) ||
            !se_dual_is_offered(d, e, p->iface, peer))
            continue;
        se_dual_set_add(e, SE_SET_TOLD, peer);
        se_dual_set_remove(e, SE_SET_DOUBT, peer);
        return e;
    }
    return NULL;
}

const struct se_dual_peer *se_dual_peer(const struct se_dual *d, unsigned peer)
{
    return peer < d->peer_count ? &d->peers[peer] : NULL;
}

const struct se_dual_iface *se_dual_iface(const struct se_dual *d, unsigned iface)
{
    return iface < d->iface_count && d->ifaces[iface].is_there ? &d->ifaces[iface] : NULL;
}

const struct se_dual_counts *se_dual_counts(const struct se_dual *d)
{
    return &d->counts;
}
