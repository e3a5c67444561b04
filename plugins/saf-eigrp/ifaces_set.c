/* SPDX-License-Identifier: MIT */
/*
 * ifaces_set.c - tells both engines of an interface as it is wanted now: its link, its settings,
 * its static neighbours.
 */
#include "process.h"

#include <string.h>

/* --- for DUAL --------------------------------------------------------------------------------- */

/* Dampening: 1 when the change of a link's metric is too small, or comes too soon, to be told. */
static int is_dampened(struct se_process *p, const struct se_iface *i, const struct se_link *link)
{
    struct se_metric was, now;
    uint64_t a, b, past_ms = se_process_now(p).ms - i->link_changed_ms;

    if (!i->conf->has_dampening || i->link_changed_ms == 0)
        return 0;
    se_metric_from_link(&was, &i->link);
    se_metric_from_link(&now, link);
    a = se_metric_composite(&was, &p->family->k);
    b = se_metric_composite(&now, &p->family->k);
    if ((a > b ? a - b : b - a) / (a / 100 + 1) < i->conf->dampening_percent)
        return 1;
    if (past_ms >= (uint64_t)i->conf->dampening_interval_s * 1000)
        return 0;
    se_process_drive_later(p, (uint64_t)i->conf->dampening_interval_s * 1000 - past_ms);
    return 1;
}

static int tell_dual(struct se_process *p, struct se_iface *i, const struct se_wanted *w)
{
    enum se_dual_split split = SE_DUAL_SPLIT_OFF;
    struct se_link link;

    se_wanted_link(w, &link);
    if (!is_dampened(p, i, &link) && memcmp(&link, &i->link, sizeof(link)) != 0) {
        i->link = link;
        i->link_changed_ms = se_process_now(p).ms;
    }
    if (i->conf->is_split)
        split = i->mode == SE_NBR_LAN || i->mode == SE_NBR_STATIC ? SE_DUAL_SPLIT_IFACE
                                                                  : SE_DUAL_SPLIT_NEIGHBOUR;
    return se_dual_iface_set(p->dual, i->number, &i->link, split, se_process_now(p).ms);
}

/* --- for the neighbours ----------------------------------------------------------------------- */

static void add_statics(struct se_process *p, const struct se_iface *i)
{
    const struct se_neighbor_conf *n;
    size_t k;
    int rc;

    for (k = 0; k < p->family->neighbor_count; k++) {
        n = &p->family->neighbors[k];
        if (strcmp(n->iface, i->name) != 0 ||
            i->mode != (n->hops > 0 ? SE_NBR_REMOTE : SE_NBR_STATIC))
            continue;
        rc = se_nbr_static_add(p->nbrs, i->number, &n->addr, se_process_now(p));
        if (rc < 0 && rc != XMB_EEXIST)
            se_process_log(p, XMB_LOG_ERROR, "interface %s: a static neighbour cannot be added "
                           "(error %d) and is not spoken to", i->name, rc);
    }
}

static int same_prefixes(const struct se_nbr_iface_conf *a, const struct se_nbr_iface_conf *b)
{
    uint32_t i;

    if (a->prefix_count != b->prefix_count)
        return 0;
    for (i = 0; i < a->prefix_count; i++)
        if (!se_same_addr(&a->prefixes[i].addr, &b->prefixes[i].addr) ||
            a->prefixes[i].bits != b->prefixes[i].bits)
            return 0;
    return 1;
}

static int same_settings(const struct se_nbr_iface_conf *a, const struct se_nbr_iface_conf *b)
{
    return a->ttl_min == b->ttl_min && a->hello_ms == b->hello_ms && a->hold_s == b->hold_s &&
           a->packet_bytes == b->packet_bytes && a->bandwidth_kbps == b->bandwidth_kbps &&
           a->bandwidth_percent == b->bandwidth_percent && a->pending_max == b->pending_max &&
           a->neighbours_max == b->neighbours_max && a->new_per_s == b->new_per_s;
}

/*
 * The engine says hello whenever it is told of an interface. So it is told of what is different
 * alone: interfaces of a host can change often, and each change looks at all of them.
 */
static int tell_nbrs(struct se_process *p, const struct se_iface *i, const struct se_wanted *w)
{
    struct se_nbr_iface_info is;
    struct se_nbr_iface_conf conf;

    se_wanted_neighbours(w, &conf);
    if (se_nbr_iface_info(p->nbrs, i->number, &is) == 0 && !is.is_leaving &&
        is.conf.mode == conf.mode && is.conf.auth == conf.auth &&
        se_same_addr(&is.conf.source, &conf.source) && same_prefixes(&is.conf, &conf) &&
        same_settings(&is.conf, &conf))
        return 0;
    return se_nbr_iface_set(p->nbrs, i->number, &conf, se_process_now(p));
}

/* What a packet holds decides what may be announced there. */
static void set_packet(struct se_process *p, struct se_iface *i, const struct se_wanted *w)
{
    struct se_nbr_iface_conf conf;

    se_wanted_neighbours(w, &conf);
    if (i->conf != NULL && (i->packet_bytes != conf.packet_bytes ||
                            i->conf->auth.mode != w->conf->auth.mode))
        p->is_reoffer_due = 1;
    i->packet_bytes = conf.packet_bytes;
}

int se_iface_set(struct se_process *p, struct se_iface *i, const struct se_wanted *w)
{
    int rc;

    set_packet(p, i, w);
    i->mode = w->mode;
    i->conf = w->conf;
    i->remote = w->remote;
    i->source = w->source;
    i->hops = w->remote != NULL ? w->remote->hops : 100;
    rc = tell_dual(p, i, w);
    if (rc == 0)
        rc = tell_nbrs(p, i, w);
    if (rc < 0)
        return rc;
    add_statics(p, i);
    return 0;
}
