/* SPDX-License-Identifier: MIT */
/*
 * dual_input.c - what comes in about one service: from a neighbour's packet, or from our own
 * clients.
 *
 * Two things are in it, and they are kept apart. The *way*, a distance, goes into the path of that
 * neighbour and is an event for DUAL when it is a change, a query or a reply. The *content*, with
 * its sequence, goes to the originator's record; when it is newer and nothing about the way is, it
 * is handed on by updates alone, with no event and no computation (D09). While active it waits.
 */
#include "dual_priv.h"

static int is_known_kind(enum se_dual_message kind)
{
    return kind == SE_DUAL_UPDATE || kind == SE_DUAL_REQUEST || kind == SE_DUAL_QUERY ||
           kind == SE_DUAL_REPLY || kind == SE_DUAL_SIA_QUERY || kind == SE_DUAL_SIA_REPLY;
}

static enum se_dual_cause cause_of(enum se_dual_message kind)
{
    switch (kind) {
    case SE_DUAL_QUERY:
        return CAUSE_QUERY;
    case SE_DUAL_SIA_QUERY:
        return CAUSE_SIA_QUERY;
    case SE_DUAL_REPLY:
    case SE_DUAL_SIA_REPLY:
        return CAUSE_REPLY;
    default:
        return CAUSE_CHANGE;
    }
}

static void set_metric(struct se_dual *d, struct se_path *p, const struct se_metric *m)
{
    p->metric = *m;
    if (m->external != NULL)
        p->metric.external = &p->origin->external;
    if (p->peer == SE_DUAL_LOCAL)
        memset(&p->reported, 0, sizeof(p->reported));
    else
        se_dual_distance(d, &p->metric, &p->reported);
    se_dual_path_compute(d, p);
}

/* Puts the path into the table. 1 when that changes the way, 0 when not, XMB_ENOMEM. */
static int set_path(struct se_dual *d, struct se_dual_entry *e, unsigned peer,
                    const struct se_metric *m, struct se_origin *o, uint32_t sequence)
{
    const struct se_path *had = se_dual_path(e, peer);
    struct se_path before, *p;

    if (had == NULL && o == NULL)
        return 0;
    if (o == NULL) {
        se_dual_path_drop(d, e, peer);
        return 1;
    }
    if (had != NULL)
        before = *had;
    p = se_dual_path_make(d, e, peer, o);
    if (p == NULL) {
        d->counts.refused++;
        return XMB_ENOMEM;
    }
    p->sequence = sequence;
    p->is_stale = 0;
    set_metric(d, p, m);
    return had == NULL || before.origin != o || !se_metric_equal(&before.metric, &p->metric) ||
           !se_distance_equal(&before.computed, &p->computed);
}

/* It said what it has, and would say it once more. */
static void allow_request(struct se_dual_entry *e, unsigned peer)
{
    struct se_path *p = se_dual_path_mutable(e, peer);

    if (p != NULL)
        p->is_asked = 0;
}

/* Newer content of what we report goes to everyone, once we are passive. */
static void flood(struct se_dual *d, struct se_dual_entry *e, unsigned except)
{
    if (!e->is_flood_due || e->state != SE_DUAL_PASSIVE)
        return;
    e->is_flood_due = 0;
    se_dual_spread(d, e, 1, except);
    se_dual_show(d, e, 1);
}

static struct se_dual_entry *entry_for(struct se_dual *d, enum se_dual_message kind,
                                       const struct se_dual_advert *a, int is_finite)
{
    struct se_dual_entry *e = se_dual_find(d, &a->id);

    if (e == NULL && cause_of(kind) != CAUSE_REPLY && (is_finite || a->is_withdrawn))
        e = se_dual_make(d, &a->id);
    return e;
}

static void refuse(struct se_dual *d, enum se_dual_message kind, unsigned peer,
                   const struct se_dual_advert *a)
{
    if (kind == SE_DUAL_QUERY)
        d->ops->refuse(d->arg, peer, SE_DUAL_REPLY, a);
    else if (kind == SE_DUAL_SIA_QUERY)
        d->ops->refuse(d->arg, peer, SE_DUAL_SIA_REPLY, a);
}

/* A neighbour misses content, or knows of newer than we have: then we do as well. */
static void take_request(struct se_dual *d, const struct se_dual_advert *a, unsigned peer)
{
    struct se_dual_entry *e = se_dual_find(d, &a->id);
    struct se_origin *o;
    unsigned news;

    if (e == NULL)
        return;
    o = se_dual_data_in(d, e, a, 0, &news);
    if (news & NEWS_CONTENT && e->successor == SE_DUAL_LOCAL)
        e->is_flood_due = 1;
    if (news & NEWS_WAYS)
        se_dual_event(d, e, CAUSE_CHANGE, SE_DUAL_NONE);
    if (news & NEWS_GONE)
        se_dual_show(d, e, 0);
    if (news & NEWS_MENTIONED)
        se_dual_chase(d, e);
    if (o != NULL && (o != e->origin || !o->known.has_content ||
                      (a->sequence != 0 && se_seq_newer(a->sequence, o->known.held))))
        return; /* 0 is no number: whatever there is */
    if (e->state != SE_DUAL_PASSIVE)
        e->is_flood_due = 1;
    else if (!e->is_flood_due && se_dual_is_offered(d, e, d->peers[peer].iface, peer))
        se_dual_send(d, e, SE_DUAL_UPDATE, peer);
    flood(d, e, SE_DUAL_NONE);
}

/* RFC 7868, 5.4.2.1: what a starting neighbour sends and is not offered, it is told so. */
static void startup_poison(struct se_dual *d, struct se_dual_entry *e, unsigned peer)
{
    if (d->conf.is_startup_poison && d->peers[peer].is_starting && e->state == SE_DUAL_PASSIVE &&
        !se_dual_is_offered(d, e, d->peers[peer].iface, peer) &&
        !se_dual_in_set(e, SE_SET_DOUBT, peer))
        se_dual_send(d, e, SE_DUAL_UPDATE, peer);
}

/*
 * Who still offers what its originator took back is told, at once or by the query that is out; and
 * so is the originator that begins anew below what it said before.
 */
static void correct(struct se_dual *d, struct se_dual_entry *e, const struct se_origin *o,
                    unsigned news, unsigned peer, int is_finite)
{
    const struct se_path *p = is_finite ? se_dual_path(e, peer) : NULL;

    if (p != NULL &&
        (se_seq_is_taken_back(&o->known, p->sequence) || se_dual_is_below_held(p)))
        se_dual_request(d, e, peer);
    if (news & NEWS_GONE && news & NEWS_WAYS)
        se_dual_correct(d, e, o, peer);
}

static int take(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                unsigned peer, const struct se_dual_advert *a, int is_finite)
{
    enum se_dual_cause cause = cause_of(kind);
    int is_of_successor = peer == e->successor;
    struct se_origin *o;
    unsigned news;
    int changed;

    o = se_dual_data_in(d, e, a, is_finite, &news);
    if (news & NEWS_CONTENT && e->origin != NULL &&
        (o == e->origin || (o == NULL && e->successor == SE_DUAL_LOCAL)))
        e->is_flood_due = 1;
    changed = set_path(d, e, peer, &a->metric, is_finite ? o : NULL, a->sequence);
    if (changed < 0)
        se_dual_path_drop(d, e, peer);
    if (news & NEWS_NO_MEMORY)
        allow_request(e, peer);
    if (cause != CAUSE_CHANGE || changed != 0 || news & NEWS_WAYS)
        se_dual_event(d, e, cause, peer);
    if (o != NULL)
        correct(d, e, o, news, peer, is_finite && changed >= 0);
    flood(d, e, o != NULL ? peer : SE_DUAL_NONE); /* who corrected us needs it most */
    if (news & (NEWS_CONTENT | NEWS_GONE))
        se_dual_show(d, e, 0);
    if (news & NEWS_MENTIONED || (is_of_successor && e->successor == peer))
        se_dual_chase(d, e);
    if (kind == SE_DUAL_UPDATE && is_finite)
        startup_poison(d, e, peer);
    if (e->state == SE_DUAL_PASSIVE)
        se_dual_settle(d, e);
    if (changed < 0)
        return changed;
    return is_finite && o == NULL && a->origin != d->conf.router_id ? XMB_ELIMIT : 0;
}

int se_dual_input(struct se_dual *d, enum se_dual_message kind, unsigned peer,
                  const struct se_dual_advert *a, uint64_t now_ms)
{
    struct se_dual_entry *e;
    struct se_distance distance;
    int is_finite, rc;

    if (!is_known_kind(kind) || peer >= d->peer_count || !d->peers[peer].is_up)
        return XMB_EINVAL;
    d->now_ms = now_ms;
    if (kind == SE_DUAL_REQUEST) {
        take_request(d, a, peer);
        se_dual_rearm(d);
        return 0;
    }
    se_dual_distance(d, &a->metric, &distance);
    is_finite = se_dual_is_finite(&distance);
    e = entry_for(d, kind, a, is_finite);
    if (e == NULL) {
        refuse(d, kind, peer, a);
        return is_finite && cause_of(kind) != CAUSE_REPLY ? XMB_ELIMIT : 0;
    }
    if ((kind == SE_DUAL_SIA_QUERY || kind == SE_DUAL_SIA_REPLY) &&
        se_dual_sia_input(d, e, kind, peer, a->is_active))
        return 0;
    if (cause_of(kind) == CAUSE_REPLY && e->state == SE_DUAL_PASSIVE)
        return 0; /* nobody asked; what it says came or comes in an update as well */
    rc = take(d, e, kind, peer, a, is_finite);
    se_dual_rearm(d);
    return rc;
}

/* --- our own clients -------------------------------------------------------------------------- */

/* The path, the content and the number of a publication; nothing of it when memory is short. */
static int set_own(struct se_dual *d, struct se_dual_entry *e, struct se_origin *o,
                   const struct se_dual_advert *a, const struct se_seq *seq, int is_new)
{
    int changed = se_dual_path(e, SE_DUAL_LOCAL) == NULL;
    struct se_metric before = e->metric;
    struct se_path *p = se_dual_path_make(d, e, SE_DUAL_LOCAL, o);

    if (p == NULL)
        return XMB_ENOMEM;
    if (!changed)
        before = p->metric;
    if ((is_new || o->content == NULL) && se_dual_content(d, o, a) != 0) {
        if (changed)
            se_dual_path_drop(d, e, SE_DUAL_LOCAL);
        return XMB_ENOMEM;
    }
    if (a->metric.external != NULL)
        o->external = *a->metric.external;
    e->seq = *seq;
    se_seq_take(&o->known, seq->wire);
    p->sequence = seq->wire;
    set_metric(d, p, &a->metric);
    return changed || !se_metric_equal(&before, &p->metric);
}

int se_dual_publish(struct se_dual *d, const struct se_dual_advert *a, uint32_t version,
                    int is_same, uint64_t wall_ms, uint64_t now_ms)
{
    struct se_dual_entry *e;
    struct se_origin *o;
    struct se_seq seq;
    int changed, is_new;

    d->now_ms = now_ms;
    e = se_dual_make(d, &a->id);
    if (e == NULL)
        return XMB_ELIMIT;
    o = se_dual_origin(d, e, d->conf.router_id);
    seq = e->seq;
    is_new = se_seq_publish(&seq, version, is_same,
                            se_seq_clock(wall_ms, d->conf.start_wall_ms));
    changed = o != NULL ? set_own(d, e, o, a, &seq, is_new) : XMB_ELIMIT;
    if (changed >= 0 && is_new && e->origin == o)
        e->is_flood_due = 1;
    if (changed > 0)
        se_dual_event(d, e, CAUSE_CHANGE, SE_DUAL_LOCAL);
    flood(d, e, SE_DUAL_NONE);
    if (e->state == SE_DUAL_PASSIVE)
        se_dual_settle(d, e);
    se_dual_rearm(d);
    return changed < 0 ? changed : 0;
}

int se_dual_withdraw(struct se_dual *d, const struct xmb_service_id *id, uint64_t wall_ms,
                     uint64_t now_ms)
{
    struct se_dual_entry *e = se_dual_find(d, id);
    const struct se_path *p = e != NULL ? se_dual_path(e, SE_DUAL_LOCAL) : NULL;

    if (p == NULL)
        return XMB_ENOENT;
    d->now_ms = now_ms;
    se_seq_withdraw(&e->seq, se_seq_clock(wall_ms, d->conf.start_wall_ms));
    se_seq_gone(&p->origin->known, e->seq.wire);
    se_dual_path_drop(d, e, SE_DUAL_LOCAL);
    se_dual_event(d, e, CAUSE_DOWN, SE_DUAL_LOCAL);
    se_dual_rearm(d);
    return 0;
}
