/* SPDX-License-Identifier: MIT */
/*
 * dual_data.c - originators of a service and the newest content of each, apart from paths.
 *
 * An entry nearly always has one originator. With two, the metric decides which is believed, and
 * then its content has to be there: so the newest content of each originator is kept, whoever
 * brought it (D07, D09). The rules which version is newer are in dual_seq.c.
 *
 * The registry sees a learned service while a path leads to its originator and current content of
 * that originator is here. While active it keeps what it has, so that a detour is no outage; only
 * the originator's own withdrawal ends a service at once.
 */
#include "dual_priv.h"

static struct se_origin *spare_origin(struct se_dual_entry *e, uint32_t own_router_id)
{
    struct se_origin *o;

    for (o = e->origins; o != NULL; o = o->next)
        if (o->path_count == 0 && o != e->origin && o->router_id != own_router_id)
            return o;
    return NULL;
}

static struct se_origin *find_origin(const struct se_dual_entry *e, uint32_t router_id,
                                     unsigned *count)
{
    struct se_origin *o;

    *count = 0;
    for (o = e->origins; o != NULL && o->router_id != router_id; o = o->next)
        ++*count;
    return o;
}

static void drop_content(struct se_dual *d, struct se_origin *o)
{
    if (o->content != NULL)
        d->ops->drop(d->arg, o->content);
    o->content = NULL;
}

struct se_origin *se_dual_origin(struct se_dual *d, struct se_dual_entry *e, uint32_t router_id)
{
    unsigned count;
    struct se_origin *o = find_origin(e, router_id, &count);

    if (o != NULL)
        return o;
    if (count < SE_DUAL_ORIGINS_MAX) {
        o = calloc(1, sizeof(*o));
        if (o == NULL)
            return NULL;
        o->next = e->origins;
        e->origins = o;
    } else {
        o = spare_origin(e, d->conf.router_id);
        if (o == NULL) {
            d->ops->note(d->arg, SE_DUAL_NOTE_ORIGINS, e, SE_DUAL_NONE);
            return NULL;
        }
        drop_content(d, o);
        memset(&o->external, 0, sizeof(o->external));
        memset(&o->known, 0, sizeof(o->known));
    }
    o->router_id = router_id;
    if (e->origin != NULL && e->origin->path_count > 0)
        d->ops->note(d->arg, SE_DUAL_NOTE_CONFLICT, e, SE_DUAL_NONE);
    return o;
}

int se_dual_content(struct se_dual *d, struct se_origin *o, const struct se_dual_advert *a)
{
    void *content = d->ops->keep(d->arg, a);

    if (content == NULL)
        return XMB_ENOMEM;
    drop_content(d, o);
    o->content = content;
    return 0;
}

/* Someone tells us of a service of ours: of an earlier life, or an echo. Never a path. */
static void own_heard(struct se_dual *d, struct se_dual_entry *e, uint32_t sequence, unsigned *news)
{
    struct se_origin *o;
    unsigned count;
    int rc = se_seq_heard(&e->seq, sequence, d->conf.start_wall_ms);

    d->counts.own_heard++;
    if (rc == XMB_ELIMIT)
        d->ops->note(d->arg, SE_DUAL_NOTE_TWIN, e, SE_DUAL_NONE);
    if (rc != 1)
        return;
    o = find_origin(e, d->conf.router_id, &count);
    if (o != NULL && o->content != NULL) {
        se_seq_take(&o->known, e->seq.wire);
        *news |= NEWS_CONTENT;
    }
}

int se_dual_is_below_held(const struct se_path *p)
{
    const struct se_seq_known *k = &p->origin->known;

    return p->peer != SE_DUAL_LOCAL && p->metric.hop_count == 0 && k->is_known &&
           se_seq_newer(k->held, p->sequence);
}

/*
 * The originator is our neighbour and says less than we know: what we know is of its former life,
 * and is not taken again, whoever still has it. It was asked for more than that.
 */
static int has_begun_anew(const struct se_dual_entry *e, const struct se_origin *o)
{
    const struct se_path *p;

    for (p = e->paths; p != NULL; p = p->next)
        if (p->origin == o && se_dual_is_below_held(p))
            return 1;
    return 0;
}

static void take_content(struct se_dual *d, const struct se_dual_entry *e, struct se_origin *o,
                         const struct se_dual_advert *a, unsigned *news)
{
    enum se_seq_verdict verdict = se_seq_judge(&o->known, a->sequence);

    if (verdict == SE_SEQ_TAKE && a->metric.hop_count > 0 && a->sequence == o->known.held &&
        has_begun_anew(e, o))
        verdict = SE_SEQ_OLD;
    if (verdict != SE_SEQ_OLD && a->metric.external != NULL)
        o->external = *a->metric.external;
    if (verdict == SE_SEQ_TAKE && a->is_complete)
        *news |= se_dual_content(d, o, a) == 0 ? NEWS_CONTENT : NEWS_NO_MEMORY;
    if (*news & NEWS_CONTENT) {
        se_seq_take(&o->known, a->sequence);
    } else if (verdict == SE_SEQ_TAKE && se_seq_mention(&o->known, a->sequence)) {
        *news |= NEWS_MENTIONED;
    } else if (verdict == SE_SEQ_OLD && o->path_count == 0 && o->known.has_content) {
        /*
         * All paths were lost, and the first that comes back says less than we know: its originator
         * has perhaps begun a new life, and what we have is of the old one. Not shown until it is
         * asked; the other case, a path whose news lags behind, costs that question too.
         */
        se_seq_lost(&o->known);
        *news |= NEWS_GONE;
    }
}

/* A withdrawal by `o` came, or ended. */
static void ways_changed(struct se_dual *d, struct se_dual_entry *e, const struct se_origin *o,
                         unsigned *news)
{
    struct se_path *p;

    for (p = e->paths; p != NULL; p = p->next)
        if (p->origin == o)
            se_dual_path_compute(d, p);
    if (o->path_count > 0 || o == e->origin)
        *news |= NEWS_WAYS;
}

struct se_origin *se_dual_data_in(struct se_dual *d, struct se_dual_entry *e,
                                  const struct se_dual_advert *a, int is_finite, unsigned *news)
{
    /* Whoever has no number to say says 0 of what it cannot reach. */
    int is_numbered = is_finite || a->sequence != 0;
    struct se_origin *o;
    int was_withdrawn;

    *news = 0;
    if (a->origin == d->conf.router_id) {
        if (is_numbered)
            own_heard(d, e, a->sequence, news);
        return NULL;
    }
    o = se_dual_origin(d, e, a->origin);
    if (o == NULL) {
        d->counts.refused++;
        return NULL;
    }
    was_withdrawn = o->known.is_withdrawn;
    if (is_finite) {
        take_content(d, e, o, a, news);
    } else if (a->is_withdrawn) {
        if (se_seq_gone(&o->known, a->sequence))
            *news |= NEWS_GONE;
    } else if (is_numbered && se_seq_mention(&o->known, a->sequence)) {
        *news |= NEWS_MENTIONED;
    }
    if (was_withdrawn != o->known.is_withdrawn || (was_withdrawn && *news & NEWS_GONE))
        ways_changed(d, e, o, news);
    return o;
}

static int is_visible(const struct se_dual_entry *e)
{
    if (e->origin == NULL || !e->origin->known.has_content || e->successor == SE_DUAL_LOCAL)
        return 0;
    if (e->state != SE_DUAL_PASSIVE)
        return e->is_shown;
    return se_dual_is_finite(&e->distance);
}

static enum se_dual_route reason_of(const struct se_dual_entry *e)
{
    return e->origin != NULL && se_seq_is_withdrawn(&e->origin->known)
               ? SE_DUAL_ROUTE_GONE_SOURCE
               : SE_DUAL_ROUTE_GONE_NETWORK;
}

void se_dual_show(struct se_dual *d, struct se_dual_entry *e, int is_changed)
{
    int was_shown = e->is_shown;
    int is_shown = is_visible(e);

    e->is_shown = (uint8_t)is_shown;
    if (is_shown) {
        is_changed |= e->shown_origin != e->origin->router_id ||
                      e->shown_sequence != e->origin->known.held;
        e->shown_origin = e->origin->router_id;
        e->shown_sequence = e->origin->known.held;
    }
    if (is_shown && !was_shown)
        d->ops->route(d->arg, e, SE_DUAL_ROUTE_INSTALLED);
    else if (is_shown && is_changed)
        d->ops->route(d->arg, e, SE_DUAL_ROUTE_CHANGED);
    else if (!is_shown && was_shown)
        d->ops->route(d->arg, e, reason_of(e));
}

void se_dual_request(struct se_dual *d, struct se_dual_entry *e, unsigned peer)
{
    struct se_path *p = se_dual_path_mutable(e, peer);
    uint32_t wanted = p->origin->known.heard;

    if (p->is_asked && p->asked_for == wanted && p->asked_at == p->sequence)
        return;
    p->is_asked = 1;
    p->asked_for = wanted;
    p->asked_at = p->sequence;
    se_dual_send(d, e, SE_DUAL_REQUEST, peer);
}

void se_dual_chase(struct se_dual *d, struct se_dual_entry *e)
{
    const struct se_path *p = se_dual_path(e, e->successor);
    const struct se_seq_known *k;

    if (e->state != SE_DUAL_PASSIVE || !se_dual_is_peer(e->successor) || p == NULL)
        return;
    k = &p->origin->known;
    if (!k->has_content || (k->is_heard && se_seq_newer(k->heard, p->sequence)))
        se_dual_request(d, e, e->successor);
}

void se_dual_correct(struct se_dual *d, struct se_dual_entry *e, const struct se_origin *o,
                     unsigned but)
{
    const struct se_path *p;

    for (p = e->paths; p != NULL; p = p->next)
        if (p->origin == o && p->peer != but && !se_dual_in_set(e, SE_SET_REPLY, p->peer) &&
            se_seq_is_taken_back(&o->known, p->sequence))
            se_dual_request(d, e, p->peer);
}

void se_dual_forget(struct se_dual *d, struct se_dual_entry *e)
{
    struct se_origin *o;
    struct se_path *p;

    for (o = e->origins; o != NULL; o = o->next)
        if (o->known.is_withdrawn)
            memset(&o->known, 0, sizeof(o->known));
    for (p = e->paths; p != NULL; p = p->next) {
        se_seq_mention(&p->origin->known, p->sequence);
        se_dual_path_compute(d, p);
    }
}

int se_dual_is_hiding(const struct se_dual_entry *e)
{
    return e->state == SE_DUAL_PASSIVE && se_dual_is_peer(e->successor) &&
           se_dual_is_finite(&e->distance) && e->origin->known.is_known &&
           !e->origin->known.has_content;
}

void se_dual_forget_hidden(struct se_dual *d, struct se_dual_entry *e)
{
    struct se_origin *o = e->origin;
    uint32_t held = o->known.held;
    struct se_path *p;

    memset(&o->known, 0, sizeof(o->known));
    for (p = e->paths; p != NULL; p = p->next) {
        if (p->origin != o)
            continue;
        p->is_asked = 0;
        /* Another number is of the former life: its sender is hiding too, and will say a lower. */
        if (se_seq_newer(held, p->sequence))
            se_seq_mention(&o->known, p->sequence);
        se_dual_path_compute(d, p);
    }
}

void se_dual_data_settle(struct se_dual_entry *e)
{
    struct se_origin *o;

    for (o = e->origins; o != NULL; o = o->next)
        if (o->path_count == 0)
            se_seq_lost(&o->known);
}
