/* SPDX-License-Identifier: MIT */
/*
 * ifaces_find.c - which of our interfaces a packet belongs to, and what fits all of them.
 */
#include "process.h"

#include <string.h>

static int is_on_link(unsigned mode)
{
    return mode == SE_NBR_LAN || mode == SE_NBR_STATIC;
}

static int takes_from_afar(const struct se_process *p, const struct se_iface *i,
                           const struct xmb_rawip_in *in)
{
    size_t k;

    if (is_on_link(i->mode) || i->is_leaving || !se_same_addr(&i->source, &in->local))
        return 0;
    for (k = 0; i->mode == SE_NBR_REMOTE && k < p->family->neighbor_count; k++)
        if (p->family->neighbors[k].hops > 0 &&
            se_same_addr(&p->family->neighbors[k].addr, &in->remote) &&
            strcmp(p->family->neighbors[k].iface, i->name) == 0)
            return 1;
    return i->mode != SE_NBR_REMOTE;
}

/* The sender is in a subnet of the interface that the packet came in by. */
static int is_near(const struct se_process *p, const struct xmb_rawip_in *in)
{
    const struct se_host_iface *h = p->forwarder->host_ifaces;
    const struct xmb_netif_addr *a;
    uint32_t k;

    while (h != NULL && h->now.index != in->iface)
        h = h->next;
    for (k = 0; h != NULL && k < h->now.addr_count; k++) {
        a = xmb_netif_addr_at(&h->now, k);
        if (se_in_prefix(&in->remote, &a->addr, a->prefix_bits))
            return 1;
    }
    return 0;
}

/*
 * A neighbour on the link is one there and nowhere else, whatever else the address that it spoke to
 * is used for: were it a member of a group as well, it would hear of two of us at one address.
 */
static int is_of_link(const struct se_process *p, const struct se_iface *link,
                      const struct xmb_rawip_in *in)
{
    return link != NULL && (se_nbr_find(p->nbrs, link->number, &in->remote) != SE_NBR_NONE ||
                            is_near(p, in));
}

static int is_for_group(const struct se_iface *i, const struct xmb_rawip_in *in)
{
    return i->mode == SE_NBR_GROUP && i->index == in->iface && se_same_addr(&i->group, &in->local);
}

/* Whom we know by name comes before whoever may come. */
static struct se_iface *better(struct se_iface *a, struct se_iface *b)
{
    return a == NULL || b->mode == SE_NBR_REMOTE ? b : a;
}

/* The link that it came in by; but configured remote neighbours, and groups, by where it went. */
struct se_iface *se_ifaces_of_packet(const struct se_process *p, const struct xmb_rawip_in *in)
{
    struct se_iface *link = NULL;
    struct se_iface *from_afar = NULL;
    struct se_iface *i;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++) {
        i = p->ifaces[n];
        if (i == NULL || i->is_leaving)
            continue;
        if (i->index == in->iface && is_on_link(i->mode))
            link = i;
        else if (is_for_group(i, in) || takes_from_afar(p, i, in))
            from_afar = better(from_afar, i);
    }
    if (from_afar == NULL)
        return link;
    return from_afar->mode != SE_NBR_REMOTE && is_of_link(p, link, in) ? link : from_afar;
}

struct se_iface *se_ifaces_by_name(const struct se_process *p, const char *name)
{
    struct se_iface *best = NULL;
    struct se_iface *i;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++) {
        i = p->ifaces[n];
        if (i != NULL && strcmp(i->name, name) == 0 && (best == NULL || is_on_link(i->mode)))
            best = i;
    }
    return best;
}

size_t se_ifaces_data_max(const struct se_process *p)
{
    static const char tag[8]; /* default-route-tag, as an attribute with its padding */
    struct se_route route = {
        .kind = SE_ROUTE_INTERNAL,
        .afi = p->family->family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6,
        .form = SE_FORM_MULTIPROTOCOL,
        .attributes = {tag, p->family->default_tag != 0 ? sizeof(tag) : 0},
    };
    size_t least = p->family->data_max_bytes;
    const struct se_iface *i;
    size_t bytes;
    uint32_t n;

    for (n = 0; n < p->iface_end; n++) {
        i = p->ifaces[n];
        if (i == NULL || i->is_leaving)
            continue;
        bytes = se_service_data_max(i->packet_bytes, i->conf->auth.mode, &route);
        least = bytes < least ? bytes : least;
    }
    return least;
}
