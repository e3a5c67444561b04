/* SPDX-License-Identifier: MIT */
/*
 * ifaces.c - the interfaces that a process uses: compares what is wanted with what there is, and
 * tells the engines the difference.
 *
 * What the operator takes away says goodbye first. What the host has no longer, or is down, just
 * goes.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>

#define WANTED_MAX 32 /* of one interface of the host */
#define SWEEP_MS 50   /* how soon it is looked whether an interface has left */

static int is_on_link(unsigned mode)
{
    return mode == SE_NBR_LAN || mode == SE_NBR_STATIC;
}

static const struct xmb_rawip_api *rawip(const struct se_process *p)
{
    return p->forwarder->host->rawip;
}

/* --- groups ----------------------------------------------------------------------------------- */

static void find_group(const struct se_process *p, const struct se_wanted *w, struct xmb_addr *out)
{
    static const struct xmb_addr ipv4 = {.family = 4, .ip = {224, 0, 0, 10}};
    static const struct xmb_addr ipv6 = {.family = 6, .ip = {0xff, 0x02, [15] = 0x0a}};

    memset(out, 0, sizeof(*out));
    if (w->mode == SE_NBR_LAN)
        *out = p->family->family == 4 ? ipv4 : ipv6;
    else if (w->mode == SE_NBR_GROUP)
        *out = w->remote->group;
}

static void join(struct se_process *p, struct se_iface *i)
{
    const struct se_forwarder *f = p->forwarder;
    int rc = i->group.family != 0 ? rawip(p)->join(p->socket->raw, i->index, &i->group, 1) : 0;

    i->is_joined = rc == 0;
    if (rc < 0)
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-join", 1, p->object,
                              "interface %s: cannot join the multicast group (error %d): no "
                              "neighbour is heard there; see the kernel's igmp_max_memberships. It "
                              "is tried again when an interface or the configuration changes",
                              i->name, rc);
}

/* Leaves the group, unless another one of ours on the same interface needs it. */
static void part(struct se_process *p, const struct se_iface *i)
{
    const struct se_iface *other;
    uint32_t k;

    if (i->group.family == 0 || !i->is_joined)
        return;
    for (k = 0; k < p->iface_end; k++) {
        other = p->ifaces[k];
        if (other != NULL && other != i && other->index == i->index && other->is_joined &&
            se_same_addr(&other->group, &i->group))
            return;
    }
    rawip(p)->join(p->socket->raw, i->index, &i->group, 0);
}

/* The group that `w` is about: joined before it is spoken to. */
static void enter_group(struct se_process *p, struct se_iface *i, const struct se_wanted *w)
{
    struct xmb_addr group;

    find_group(p, w, &group);
    if (group.family == 0 || (i->is_joined && se_same_addr(&i->group, &group)))
        return;
    part(p, i);
    i->group = group;
    join(p, i);
}

/* It has none any more: after those who listen there were told that we part. */
static void leave_group(struct se_process *p, struct se_iface *i)
{
    if (i->mode == SE_NBR_LAN || i->mode == SE_NBR_GROUP)
        return;
    part(p, i);
    memset(&i->group, 0, sizeof(i->group));
    i->is_joined = 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static struct se_iface *make(struct se_process *p, const struct se_wanted *w)
{
    struct se_iface *i = calloc(1, sizeof(*i));
    struct se_iface **more;
    uint32_t n = 0;

    while (n < p->iface_end && p->ifaces[n] != NULL)
        n++;
    if (i == NULL || n == SE_NBR_IFACES_MAX)
        goto fail;
    if (n == p->iface_end) {
        more = realloc(p->ifaces, (n + 1) * sizeof(struct se_iface *));
        if (more == NULL)
            goto fail;
        p->ifaces = more;
        p->iface_end++;
    }
    memcpy(i->name, w->host->name, sizeof(i->name));
    i->index = w->host->index;
    i->number = (uint16_t)n;
    p->ifaces[n] = i;
    return i;
fail:
    free(i);
    return NULL;
}

static void drop(struct se_process *p, struct se_iface *i)
{
    if (p->socket != NULL)
        part(p, i);
    p->ifaces[i->number] = NULL;
    free(i);
}

static int is_same_way(const struct se_iface *i, const struct se_wanted *w)
{
    return i->mode == w->mode &&
           (w->mode != SE_NBR_GROUP || se_same_addr(&i->group, &w->remote->group));
}

static struct se_iface *find(const struct se_process *p, const struct se_wanted *w)
{
    struct se_iface *i;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++) {
        i = p->ifaces[n];
        if (i == NULL || i->is_leaving || i->index != w->host->index ||
            strcmp(i->name, w->host->name) != 0)
            continue;
        if (is_on_link(w->mode) ? is_on_link(i->mode) : is_same_way(i, w))
            return i;
    }
    return NULL;
}

/* --- one interface ---------------------------------------------------------------------------- */

static void use(struct se_process *p, const struct se_wanted *w)
{
    const struct se_forwarder *f = p->forwarder;
    struct se_iface *i = find(p, w);
    int rc;

    if (i == NULL)
        i = make(p, w);
    if (i == NULL) {
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-interfaces", 1, p->object,
                              "interface %s: too many interfaces, or out of memory; it is not used",
                              w->host->name);
        return;
    }
    i->is_wanted = 1;
    enter_group(p, i, w);
    rc = se_iface_set(p, i, w);
    if (rc == 0) {
        leave_group(p, i);
        return;
    }
    f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-interface", 1, p->object,
                          "interface %s: cannot be used (error %d); its MTU must be at least 296 "
                          "octets. It is tried again when an interface changes", i->name, rc);
    se_nbr_iface_down(p->nbrs, i->number, se_process_now(p));
    drop(p, i);
}

/* The operator took it away: it says goodbye. The host did: it cannot. */
static void retire(struct se_process *p, struct se_iface *i)
{
    const struct se_host_iface *h = p->forwarder->host_ifaces;

    while (h != NULL && h->now.index != i->index)
        h = h->next;
    if (h != NULL && h->now.flags & XMB_NETIF_UP) {
        i->is_leaving = 1;
        se_nbr_leave(p->nbrs, i->number, se_process_now(p));
        se_process_drive_later(p, SWEEP_MS);
    } else {
        se_nbr_iface_down(p->nbrs, i->number, se_process_now(p));
        drop(p, i);
    }
}

/* --- all of them ------------------------------------------------------------------------------ */

void se_ifaces_apply(struct se_process *p)
{
    struct se_wanted wanted[WANTED_MAX];
    const struct se_host_iface *h;
    size_t count, k;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++)
        if (p->ifaces[n] != NULL)
            p->ifaces[n]->is_wanted = 0;
    for (h = p->forwarder->host_ifaces; h != NULL; h = h->next) {
        count = se_wanted(p->family, &h->now, wanted, WANTED_MAX);
        for (k = 0; k < count; k++)
            use(p, &wanted[k]);
    }
    for (n = 0; n < p->iface_end; n++)
        if (p->ifaces[n] != NULL && !p->ifaces[n]->is_wanted && !p->ifaces[n]->is_leaving)
            retire(p, p->ifaces[n]);
}

void se_ifaces_sweep(struct se_process *p, int at_once)
{
    struct se_nbr_iface_info info;
    int is_leaving = 0;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++) {
        if (p->ifaces[n] == NULL || !p->ifaces[n]->is_leaving)
            continue;
        if (at_once)
            se_nbr_iface_down(p->nbrs, n, se_process_now(p));
        if (se_nbr_iface_info(p->nbrs, n, &info) == 0 && info.is_leaving)
            is_leaving = 1;
        else
            drop(p, p->ifaces[n]);
    }
    if (is_leaving) {
        se_process_drive_later(p, SWEEP_MS);
    } else {
        se_conf_release(p->leaving_conf);
        p->leaving_conf = NULL;
    }
}

void se_ifaces_clear(struct se_process *p)
{
    uint32_t n;

    for (n = 0; n < p->iface_end; n++)
        if (p->ifaces[n] != NULL)
            drop(p, p->ifaces[n]);
}

static int has_neighbor(const struct se_family_conf *family, const struct se_neighbor_conf *n)
{
    size_t k;

    for (k = 0; k < family->neighbor_count; k++)
        if (se_same_addr(&family->neighbors[k].addr, &n->addr) &&
            strcmp(family->neighbors[k].iface, n->iface) == 0 &&
            (family->neighbors[k].hops > 0) == (n->hops > 0))
            return 1;
    return 0;
}

void se_ifaces_drop_statics(struct se_process *p, const struct se_family_conf *was)
{
    const struct se_neighbor_conf *gone;
    uint32_t n;
    size_t k;

    for (k = 0; k < was->neighbor_count; k++) {
        gone = &was->neighbors[k];
        for (n = 0; n < p->iface_end && !has_neighbor(p->family, gone); n++)
            if (p->ifaces[n] != NULL && strcmp(p->ifaces[n]->name, gone->iface) == 0 &&
                is_on_link(p->ifaces[n]->mode) == (gone->hops == 0))
                se_nbr_static_remove(p->nbrs, n, &gone->addr, se_process_now(p));
    }
}
