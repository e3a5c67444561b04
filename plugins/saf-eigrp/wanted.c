/* SPDX-License-Identifier: MIT */
/*
 * wanted.c - which interfaces a service family uses, and what for: configuration and host together.
 *
 * One interface of the host can be several of ours:
 *
 *   the link itself      every interface that is up, can multicast and has an address of the family
 *                        (IPv6: a link-local one), unless it is shut down. With a static neighbour
 *                        on the link it speaks to static neighbours only, by unicast (D19)
 *   remote neighbours    `neighbor ... remote` and `remote-neighbors` that name it, shut down or not:
 *                        packets have its address as source and leave by whatever route there is
 *
 * Loopback is no link, but is a good source for remote neighbours. Of 127.0.0.0/8, which stays on
 * the host, only what the operator names as `source` is used.
 */
#include "process.h"

#include <string.h>

#define BANDWIDTH_KBPS 1000000u /* where the kernel says nothing (D22) */
#define MTU_BYTES_MAX 65535u
#define REMOTE_MTU_BYTES 1500u
#define IPV4_HEADER_BYTES 20u
#define IPV6_HEADER_BYTES 40u

static int is_link_local(const struct xmb_addr *a)
{
    return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* An address of the host alone: 127.0.0.0/8, ::1. */
static int is_of_host(const struct xmb_addr *a)
{
    static const uint8_t loopback[16] = {[15] = 1};

    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, loopback, sizeof(loopback)) == 0;
}

/* The first address of the family; of IPv6 the first that is link-local, or is not. */
static const struct xmb_addr *source_of(const struct xmb_netif *host, unsigned family,
                                        int wants_link_local)
{
    const struct xmb_addr *a;
    uint32_t i;

    for (i = 0; i < host->addr_count; i++) {
        a = &xmb_netif_addr_at(host, i)->addr;
        if (a->family == family && !is_of_host(a) &&
            (family == 4 || is_link_local(a) == wants_link_local))
            return a;
    }
    return NULL;
}

/* The operator's, if the interface has it: of 127.0.0.0/8 it has all. Else the first not of it. */
static const struct xmb_addr *far_source_of(const struct xmb_netif *host,
                                            const struct se_iface_conf *conf, unsigned family)
{
    const struct xmb_netif_addr *a;
    uint32_t i;

    if (conf->source.family == 0)
        return source_of(host, family, 0);
    for (i = 0; i < host->addr_count; i++) {
        a = xmb_netif_addr_at(host, i);
        if (se_same_addr(&a->addr, &conf->source) ||
            (is_of_host(&conf->source) && se_in_prefix(&conf->source, &a->addr, a->prefix_bits)))
            return &conf->source;
    }
    return NULL;
}

/* Neighbours that are configured on an interface: on the link, or several hops away. */
static int has_neighbor(const struct se_family_conf *family, const char *name, int is_remote)
{
    size_t i;

    for (i = 0; i < family->neighbor_count; i++)
        if (strcmp(family->neighbors[i].iface, name) == 0 &&
            (family->neighbors[i].hops > 0) == is_remote)
            return 1;
    return 0;
}

static void add(struct se_wanted *out, size_t max, size_t *count, const struct se_wanted *w,
                const struct xmb_addr *source)
{
    if (source == NULL || *count == max)
        return;
    out[*count] = *w;
    out[*count].source = *source;
    out[*count].source.scope = 0;
    out[*count].source.port = 0;
    ++*count;
}

/* The interface is the source for some that are several hops away. */
static int is_far_source(const struct se_family_conf *family, const char *name)
{
    size_t i;

    for (i = 0; i < family->remote_count; i++)
        if (strcmp(family->remotes[i].source, name) == 0)
            return 1;
    return has_neighbor(family, name, 1);
}

const struct xmb_addr *se_wanted_missing(const struct se_family_conf *family,
                                         const struct xmb_netif *host)
{
    const struct se_iface_conf *conf = se_conf_iface(family, host->name);

    if (!xmb_str_eq(xmb_str(host->vrf), family->vrf) || !(host->flags & XMB_NETIF_UP) ||
        conf->source.family == 0 || !is_far_source(family, host->name) ||
        far_source_of(host, conf, family->family) != NULL)
        return NULL;
    return &conf->source;
}

size_t se_wanted(const struct se_family_conf *family, const struct xmb_netif *host,
                 struct se_wanted *out, size_t max)
{
    struct se_wanted w = {.host = host, .conf = se_conf_iface(family, host->name)};
    const struct xmb_addr *far = far_source_of(host, w.conf, family->family);
    size_t count = 0;
    size_t i;

    if (!xmb_str_eq(xmb_str(host->vrf), family->vrf) || !(host->flags & XMB_NETIF_UP))
        return 0;
    w.mode = has_neighbor(family, host->name, 0) ? SE_NBR_STATIC : SE_NBR_LAN;
    if (!(host->flags & XMB_NETIF_LOOPBACK) && !w.conf->is_shutdown &&
        (w.mode == SE_NBR_STATIC || host->flags & XMB_NETIF_MULTICAST))
        add(out, max, &count, &w, source_of(host, family->family, family->family == 6));
    w.mode = SE_NBR_REMOTE;
    if (has_neighbor(family, host->name, 1))
        add(out, max, &count, &w, far);
    for (i = 0; i < family->remote_count; i++) {
        if (strcmp(family->remotes[i].source, host->name) != 0)
            continue;
        w.remote = &family->remotes[i];
        w.mode = w.remote->mode;
        add(out, max, &count, &w, far);
    }
    return count;
}

/* --- router id -------------------------------------------------------------------------------- */

static uint32_t highest_of(const struct xmb_netif *host)
{
    const struct xmb_addr *a;
    uint32_t best = 0;
    uint32_t value;
    uint32_t i;

    for (i = 0; i < host->addr_count; i++) {
        a = &xmb_netif_addr_at(host, i)->addr;
        if (a->family != 4 || is_of_host(a))
            continue;
        value = (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 |
                a->ip[3];
        if (value > best)
            best = value;
    }
    return best;
}

uint32_t se_wanted_router_id(const struct se_family_conf *family, const struct se_host_iface *hosts)
{
    const struct se_host_iface *h;
    uint32_t of_loopback = 0;
    uint32_t of_others = 0;
    uint32_t *best;
    uint32_t value;

    for (h = hosts; h != NULL; h = h->next) {
        if (!(h->now.flags & XMB_NETIF_UP) || !xmb_str_eq(xmb_str(h->now.vrf), family->vrf))
            continue;
        best = h->now.flags & XMB_NETIF_LOOPBACK ? &of_loopback : &of_others;
        value = highest_of(&h->now);
        if (value > *best)
            *best = value;
    }
    return of_loopback != 0 ? of_loopback : of_others;
}

/* --- for the engines -------------------------------------------------------------------------- */

/*
 * What the operator says, and not more than the interface takes. Of what lies between us and a
 * remote neighbour nothing is known, least of all by the MTU of a loopback: there it is Ethernet's.
 */
static uint32_t mtu_of(const struct se_wanted *w)
{
    int is_far = w->mode != SE_NBR_LAN && w->mode != SE_NBR_STATIC;
    uint32_t most = is_far && w->conf->mtu_bytes == 0 ? REMOTE_MTU_BYTES : MTU_BYTES_MAX;

    if (w->conf->mtu_bytes > 0 && w->conf->mtu_bytes < most)
        most = w->conf->mtu_bytes;
    return w->host->mtu_bytes < most ? w->host->mtu_bytes : most;
}

static uint64_t bandwidth_of(const struct se_wanted *w)
{
    if (w->conf->bandwidth_kbps > 0)
        return w->conf->bandwidth_kbps;
    return w->host->speed_kbps > 0 ? w->host->speed_kbps : BANDWIDTH_KBPS;
}

void se_wanted_link(const struct se_wanted *w, struct se_link *out)
{
    *out = (struct se_link){
        .bandwidth_kbps = bandwidth_of(w),
        .delay_ps = w->conf->delay_ps,
        .mtu_bytes = mtu_of(w),
        .reliability = 255,
        .load = 1,
    };
    if (out->delay_ps == 0)
        out->delay_ps = se_link_default_delay_ps(out->bandwidth_kbps);
}

static void put_prefixes(const struct se_wanted *w, struct se_nbr_iface_conf *out)
{
    const struct xmb_netif_addr *a;
    uint32_t i;

    for (i = 0; i < w->host->addr_count && out->prefix_count < SE_NBR_PREFIXES_MAX; i++) {
        a = xmb_netif_addr_at(w->host, i);
        if (a->addr.family != w->source.family || is_of_host(&a->addr))
            continue; /* 127.0.0.1 is the other broker of this host, or nobody */
        out->prefixes[out->prefix_count].addr = a->addr;
        out->prefixes[out->prefix_count].addr.scope = 0;
        out->prefixes[out->prefix_count++].bits = (uint8_t)a->prefix_bits;
    }
}

void se_wanted_neighbours(const struct se_wanted *w, struct se_nbr_iface_conf *out)
{
    uint32_t header = w->source.family == 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;

    *out = (struct se_nbr_iface_conf){
        .source = w->source,
        .mode = w->mode,
        .ttl_min = w->conf->ttl_min,
        .hello_ms = w->conf->hello_ms,
        .hold_s = (uint16_t)w->conf->hold_s,
        .packet_bytes = mtu_of(w) > header ? mtu_of(w) - header : 0,
        .bandwidth_kbps = bandwidth_of(w),
        .bandwidth_percent = w->conf->bandwidth_percent,
        .pending_max = w->conf->pending_max,
        .neighbours_max = w->remote != NULL ? w->remote->neighbours_max : w->conf->neighbours_max,
        .new_per_s = w->conf->new_per_s,
        .auth = &w->conf->auth,
    };
    put_prefixes(w, out);
}
