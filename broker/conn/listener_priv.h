/* SPDX-License-Identifier: MIT */
/*
 * listener_priv.h - a listening address as the control thread sees it.
 *
 * A group is what one address of a <listen> comes to: a listener for each
 * worker. `on[i]` belongs to worker i once it is attached there.
 */
#ifndef BROKER_LISTENER_PRIV_H
#define BROKER_LISTENER_PRIV_H

#include "conn/conn_priv.h"

struct listen_group {
    struct xmb_addr asked; /* as configured; port 0: any */
    struct xmb_addr bound;
    struct listen_spec *spec; /* a reference: what the configuration in force says */
    int kept;                 /* taken over by the configuration in preparation */
    uint32_t vrf_index;       /* the kernel's number of the device; 0: in none */
    uint32_t workers;
    struct listener *on[];
};

/* One address that the configuration in preparation wants. */
struct listen_wanted {
    struct xmb_addr asked;
    struct listen_spec *spec; /* a reference */
    struct listen_group *group;
    int fresh;        /* the group was made for this preparation */
    int may_lack_ip6; /* IPv6 was not asked for by name */
    const struct xmb_conf *node;
};

/* The kernel's number of a VRF device; 0: none, or there is no such device. */
uint32_t listen_vrf_index(const char *vrf);
/* Binds a socket for each worker; -errno. `port_is_ours`: this process has the port already. */
int listen_group_bind(struct listen_group *g, int port_is_ours);

/* listener_conf.c: appends the <listen> children of a module. XMB_ECONF, XMB_ENOMEM. */
struct listeners_next {
    struct listen_wanted *list;
    size_t count;
    size_t room;
    struct listen_group **groups; /* room for the list that commit makes */
    uint32_t workers;
    const struct tls_next *tls;
};
int listen_parse(struct listeners_next *next, struct xmb_module *m,
                 const struct xmb_conf *element);

#endif
