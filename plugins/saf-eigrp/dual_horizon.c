/* SPDX-License-Identifier: MIT */
/*
 * dual_horizon.c - whom to tell what: split horizon, poison reverse, stub, maximum hops.
 *
 * All that goes to a neighbour is one question, "is it offered a finite distance?", and two bits:
 * was it told one (SE_SET_TOLD), and if that was taken back, is it sure that it has read so
 * (SE_SET_DOUBT). Split horizon is then: it is not offered. Poison reverse is: it was told and is
 * not offered any more. A new successor, a filter, a stub role and a limit of hops all come out of
 * the same comparison. So does a withdrawal: while active, the distance that we report is frozen,
 * and it is of what is gone.
 *
 * Maximum hops needs no rule of its own: a distance of too many hops is unreachable
 * (dual_select.c).
 */
#include "dual_priv.h"

int se_dual_is_split(const struct se_dual *d, const struct se_dual_entry *e, unsigned iface,
                     unsigned peer)
{
    switch (d->ifaces[iface].split) {
    case SE_DUAL_SPLIT_IFACE:
        return se_dual_is_peer(e->successor) && d->peers[e->successor].iface == iface;
    case SE_DUAL_SPLIT_NEIGHBOUR:
        return peer == e->successor;
    default:
        return 0;
    }
}

int se_dual_is_offered(const struct se_dual *d, const struct se_dual_entry *e, unsigned iface,
                       unsigned peer)
{
    if (!se_dual_is_finite(&e->distance) || d->conf.is_receive_only)
        return 0;
    if (e->origin != NULL && e->origin->known.is_withdrawn)
        return 0;
    if (d->conf.is_stub && e->successor != SE_DUAL_LOCAL)
        return 0;
    if (se_dual_is_split(d, e, iface, peer))
        return 0;
    return d->ops->may_offer == NULL || d->ops->may_offer(d->arg, e, iface);
}

/* Requested is the service of whom the neighbour has it from, or we have. */
static const struct se_origin *origin_to_say(const struct se_dual_entry *e,
                                             enum se_dual_message kind, unsigned peer)
{
    const struct se_path *p = kind == SE_DUAL_REQUEST ? se_dual_path(e, peer) : NULL;

    if (p != NULL)
        return p->origin;
    return e->origin != NULL ? e->origin : e->origins;
}

void se_dual_offer(const struct se_dual *d, const struct se_dual_entry *e,
                   enum se_dual_message kind, unsigned iface, unsigned peer,
                   struct se_dual_offer *out)
{
    int is_finite = kind != SE_DUAL_REQUEST && se_dual_is_offered(d, e, iface, peer);
    int is_complete = is_finite && (kind == SE_DUAL_UPDATE || kind == SE_DUAL_REPLY);
    const struct se_origin *o = origin_to_say(e, kind, peer);

    memset(out, 0, sizeof(*out));
    out->metric = e->metric;
    if (!is_finite)
        se_metric_set_unreachable(&out->metric);
    out->origin = d->conf.router_id;
    if (o == NULL)
        return;
    out->origin = o->router_id;
    out->reach = o->content;
    out->sequence = o->known.heard;
    if (is_complete && o->known.has_content) {
        out->content = o->content;
        out->sequence = o->known.held;
    }
    out->is_withdrawn = !is_finite && kind != SE_DUAL_REQUEST && se_seq_is_withdrawn(&o->known);
}

static void note_told(struct se_dual *d, struct se_dual_entry *e, unsigned peer)
{
    if (se_dual_is_offered(d, e, d->peers[peer].iface, peer)) {
        se_dual_set_add(e, SE_SET_TOLD, peer);
        se_dual_set_remove(e, SE_SET_DOUBT, peer);
    } else if (se_dual_set_remove(e, SE_SET_TOLD, peer)) {
        se_dual_set_add(e, SE_SET_DOUBT, peer);
    }
}

static void send_to(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                    unsigned peer, int is_active)
{
    struct se_dual_to to = {
        .iface = d->peers[peer].iface,
        .peer = (uint16_t)peer,
        .is_active = (uint8_t)is_active,
    };

    if (kind != SE_DUAL_REQUEST)
        note_told(d, e, peer);
    d->ops->send(d->arg, e, kind, &to);
}

void se_dual_send(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                  unsigned peer)
{
    send_to(d, e, kind, peer, 0);
}

void se_dual_send_sia_reply(struct se_dual *d, struct se_dual_entry *e, unsigned peer,
                            int is_active)
{
    send_to(d, e, SE_DUAL_SIA_REPLY, peer, is_active);
}

/* Everyone on the interface is wanted, and is to read the same. */
static int is_for_all(const struct se_dual_iface *i)
{
    return i->peer_count > 1 && i->want_count == i->peer_count &&
           i->split != SE_DUAL_SPLIT_NEIGHBOUR;
}

static void send_all(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                     unsigned iface)
{
    struct se_dual_to to = {.iface = (uint16_t)iface, .peer = SE_DUAL_ALL};
    unsigned peer;

    for (peer = 0; peer < d->peer_count; peer++) {
        if (!d->peers[peer].is_up || d->peers[peer].iface != iface)
            continue;
        se_dual_set_remove(e, SE_SET_WANT, peer);
        note_told(d, e, peer);
    }
    d->ops->send(d->arg, e, kind, &to);
}

void se_dual_send_wanted(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind)
{
    struct se_dual_iface *i;
    unsigned peer;

    for (peer = 0; peer < d->peer_count; peer++)
        if (d->peers[peer].is_up)
            d->ifaces[d->peers[peer].iface].want_count = 0;
    for (peer = 0; peer < d->peer_count; peer++)
        if (se_dual_in_set(e, SE_SET_WANT, peer))
            d->ifaces[d->peers[peer].iface].want_count++;
    for (peer = 0; peer < d->peer_count; peer++) {
        if (!se_dual_in_set(e, SE_SET_WANT, peer))
            continue;
        i = &d->ifaces[d->peers[peer].iface];
        if (is_for_all(i)) {
            send_all(d, e, kind, d->peers[peer].iface);
        } else {
            se_dual_set_remove(e, SE_SET_WANT, peer);
            se_dual_send(d, e, kind, peer);
        }
    }
}

void se_dual_spread(struct se_dual *d, struct se_dual_entry *e, int is_changed, unsigned except)
{
    unsigned peer;
    int is_told, is_offered, any = 0;

    if (is_changed)
        e->serial = ++d->serial;
    for (peer = 0; peer < d->peer_count; peer++) {
        if (!d->peers[peer].is_up)
            continue;
        is_told = se_dual_in_set(e, SE_SET_TOLD, peer);
        is_offered = se_dual_is_offered(d, e, d->peers[peer].iface, peer);
        if (is_told == is_offered && (!is_told || !is_changed || peer == except))
            continue;
        se_dual_set_add(e, SE_SET_WANT, peer);
        any = 1;
    }
    if (any)
        se_dual_send_wanted(d, e, SE_DUAL_UPDATE);
}

void se_dual_reoffer(struct se_dual *d, uint64_t now_ms)
{
    struct se_dual_entry *e;

    d->now_ms = now_ms;
    for (e = d->first; e != NULL; e = e->next)
        if (e->state == SE_DUAL_PASSIVE)
            se_dual_spread(d, e, 0, SE_DUAL_NONE);
}
