/* SPDX-License-Identifier: MIT */
/*
 * conf_neighbor.c - <neighbor> and <remote-neighbors>: neighbours that no multicast finds.
 *
 * An interface has one way to find neighbours (enum se_nbr_mode), so what would need two at once is
 * refused.
 */
#include "conf_priv.h"

#include <stdlib.h>

#define HOPS_DEFAULT 100
#define REMOTE_NEIGHBOURS_MAX 1024
#define KNOB_NEIGHBOURS_MAX 65535 /* as routers have it; a process takes SE_NBR_NEIGHBOURS_MAX */

static int is_multicast(const struct xmb_addr *a)
{
    return a->family == 4 ? a->ip[0] >= 224 && a->ip[0] < 240 : a->ip[0] == 0xff;
}

static int is_link_local(const struct xmb_addr *a)
{
    return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/*
 * 0.0.0.0/8, 240.0.0.0/4, ::; and of 127.0.0.0/8 and ::1 nobody is on a link, though another broker
 * of this host may be remote there.
 */
static int is_nobody(const struct xmb_addr *a, int is_remote)
{
    static const uint8_t zeros[15];

    if (a->family == 4)
        return a->ip[0] == 0 || (a->ip[0] == 127 && !is_remote) || a->ip[0] >= 240;
    return memcmp(a->ip, zeros, sizeof(zeros)) == 0 && a->ip[15] <= (is_remote ? 0 : 1);
}

static int read_iface(const struct se_reader *r, const struct xmb_conf *node,
                      const char *attribute, char out[XMB_NETIF_NAME_MAX])
{
    if (se_conf_is(r, node, attribute, "default"))
        return r->api->fault(node, "attribute '%s' of <%s> must name one interface, and 'default' "
                                   "stands for all that are not named",
                             attribute, r->api->name(node));
    return se_conf_name(r, node, attribute, out, XMB_NETIF_NAME_MAX);
}

/* --- static neighbours ------------------------------------------------------------------------ */

static int check_address(const struct se_reader *r, const struct xmb_conf *node,
                         const struct se_neighbor_conf *n)
{
    const char *text = r->api->text(node, "address", "");

    if (is_multicast(&n->addr) || is_nobody(&n->addr, n->hops > 0))
        return r->api->fault(node, "%s is the address of no neighbour", text);
    if (n->addr.family == 6 && n->hops == 0 && !is_link_local(&n->addr))
        return r->api->fault(node, "%s is not link-local: a neighbour on the link is known by its "
                                   "link-local address; one that is further away needs remote",
                             text);
    if (n->hops > 0 && is_link_local(&n->addr))
        return r->api->fault(node, "%s is link-local, so it cannot be remote", text);
    return 0;
}

static int check_others(const struct se_reader *r, const struct xmb_conf *node,
                        const struct se_family_conf *f, const struct se_neighbor_conf *n)
{
    const struct se_neighbor_conf *o;

    for (o = f->neighbors; o < n; o++) {
        if (strcmp(o->iface, n->iface) != 0)
            continue;
        if (memcmp(&o->addr, &n->addr, sizeof(o->addr)) == 0)
            return r->api->fault(node, "neighbour %s on %s is here a second time",
                                 r->api->text(node, "address", ""), n->iface);
        if ((o->hops == 0) != (n->hops == 0))
            return r->api->fault(node, "%s has neighbours on the link and remote ones; give the "
                                       "remote ones another interface, such as a loopback",
                                 n->iface);
    }
    return 0;
}

static int read_hops(const struct se_reader *r, const struct xmb_conf *node, uint8_t *out)
{
    uint64_t hops = 0;
    int rc = 0;

    if (se_conf_is(r, node, "remote", "yes"))
        hops = HOPS_DEFAULT;
    else
        rc = r->api->number(node, "remote", 1, 255, &hops);
    *out = (uint8_t)hops;
    return rc;
}

static int read_neighbor(const struct se_reader *r, const struct xmb_conf *node,
                         struct se_family_conf *f)
{
    struct se_neighbor_conf *n = &f->neighbors[f->neighbor_count++];
    int rc = read_iface(r, node, "interface", n->iface);

    se_conf_worst(&rc, read_hops(r, node, &n->hops));
    se_conf_worst(&rc, se_conf_address(r, node, "address", f->family, &n->addr));
    if (rc == 0)
        rc = check_address(r, node, n);
    if (rc == 0)
        rc = check_others(r, node, f, n);
    return rc;
}

/* --- remote neighbours that come by themselves ------------------------------------------------ */

static int read_group(const struct se_reader *r, const struct xmb_conf *node, unsigned family,
                      struct se_remote_conf *m)
{
    const char *text = r->api->text(node, "group", NULL);
    int rc;

    if (m->mode == SE_NBR_LISTEN)
        return text == NULL ? 0 : r->api->fault(node, "unicast-listen has no group");
    if (text == NULL)
        return r->api->fault(node, "multicast-group needs a group");
    rc = se_conf_address(r, node, "group", family, &m->group);
    if (rc < 0)
        return rc;
    if (!is_multicast(&m->group))
        return r->api->fault(node, "%s is not a multicast group", text);
    if (family == 4 ? memcmp(m->group.ip, "\340\0\0", 3) == 0 : (m->group.ip[1] & 0x0f) <= 2)
        return r->api->fault(node, "the group %s does not leave its link; take one that does, such "
                                   "as %s",
                             text, family == 4 ? "239.1.2.3" : "ff08::88");
    return 0;
}

static int check_sources(const struct se_reader *r, const struct xmb_conf *node,
                         const struct se_family_conf *f, const struct se_remote_conf *m)
{
    const struct se_remote_conf *o;
    size_t i;

    for (o = f->remotes; o < m; o++)
        if (strcmp(o->source, m->source) == 0)
            return r->api->fault(node, "a second <remote-neighbors source=\"%s\">", m->source);
    for (i = 0; i < f->neighbor_count; i++)
        if (f->neighbors[i].hops == 0 && strcmp(f->neighbors[i].iface, m->source) == 0)
            return r->api->fault(node, "%s has static neighbours on the link; give the remote ones "
                                       "another interface, such as a loopback",
                                 m->source);
    return 0;
}

static int read_remote(const struct se_reader *r, const struct xmb_conf *node,
                       struct se_family_conf *f)
{
    struct se_remote_conf *m = &f->remotes[f->remote_count++];
    static const struct se_setting settings[] = {
        SE_SETTING(struct se_remote_conf, hops, "hops", SE_IS_COUNT, 1, 255),
        SE_SETTING(struct se_remote_conf, neighbours_max, "max-neighbors", SE_IS_COUNT, 1,
                   KNOB_NEIGHBOURS_MAX),
    };
    int rc = read_iface(r, node, "source", m->source);

    m->mode = se_conf_is(r, node, "mode", "multicast-group") ? SE_NBR_GROUP : SE_NBR_LISTEN;
    m->hops = HOPS_DEFAULT;
    m->neighbours_max = REMOTE_NEIGHBOURS_MAX;
    se_conf_worst(&rc, se_conf_settings(r, node, m, settings, 2));
    if (m->neighbours_max > SE_NBR_NEIGHBOURS_MAX)
        m->neighbours_max = SE_NBR_NEIGHBOURS_MAX;
    se_conf_worst(&rc, se_conf_find_addresses(r, node, "allow-list", &m->allowed));
    se_conf_worst(&rc, read_group(r, node, f->family, m));
    if (rc == 0)
        rc = check_sources(r, node, f, m);
    return rc;
}

int se_conf_read_neighbors(const struct se_reader *r, const struct xmb_conf *family,
                           struct se_family_conf *f)
{
    size_t statics = se_conf_count(r, family, "neighbor");
    size_t remotes = se_conf_count(r, family, "remote-neighbors");
    const struct xmb_conf *e;
    int rc = 0;

    if (statics > SE_NBR_STATICS_MAX)
        return r->api->fault(family, "there are %zu <neighbor>; %d are the most", statics,
                             SE_NBR_STATICS_MAX);
    if (remotes > SE_REMOTES_MAX)
        return r->api->fault(family, "there are %zu <remote-neighbors>; %d are the most", remotes,
                             SE_REMOTES_MAX);
    f->neighbors = calloc(statics + 1, sizeof(*f->neighbors));
    f->remotes = calloc(remotes + 1, sizeof(*f->remotes));
    if (f->neighbors == NULL || f->remotes == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(family, "neighbor"); e != NULL; e = r->api->next(e, "neighbor"))
        se_conf_worst(&rc, read_neighbor(r, e, f));
    for (e = r->api->child(family, "remote-neighbors"); e != NULL;
         e = r->api->next(e, "remote-neighbors"))
        se_conf_worst(&rc, read_remote(r, e, f));
    return rc;
}
