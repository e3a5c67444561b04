/* SPDX-License-Identifier: MIT */
/*
 * netif.h - the network interfaces of this host, and their changes. Since 0.3.
 *
 * The core looks at them; a routing module is told what is there and what changes. What it
 * is told is a whole new picture of one interface, so that a change that was missed in between
 * does not matter.
 *
 * No two interfaces that a watch was told of have the same name at the same time: what went is told
 * before what came, and an interface that gets another name goes and comes.
 */
#ifndef XMB_NETIF_H
#define XMB_NETIF_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

#define XMB_NETIF_NAME_MAX 16 /* octets of a name, NUL included */

enum xmb_netif_flags {
    XMB_NETIF_UP = 1,        /* switched on, and its link is there */
    XMB_NETIF_LOOPBACK = 2,
    XMB_NETIF_MULTICAST = 4, /* groups can be reached */
    XMB_NETIF_POINT_TO_POINT = 8
};

/*
 * An address of an interface that can be sent from. One of IPv6 that is not proven to be unique yet
 * (RFC 4862, 5.4) appears when it is.
 */
struct xmb_netif_addr {
    struct xmb_addr addr; /* port 0; scope: the interface, when it is link-local IPv6 */
    uint32_t prefix_bits;
    uint32_t reserved;
};

/* An interface as it is now. Borrowed for the call. */
struct xmb_netif {
    uint32_t size;
    uint32_t index; /* the kernel's number; another one when it went and came back */
    uint32_t flags; /* enum xmb_netif_flags */
    uint32_t mtu_bytes;
    uint64_t speed_kbps; /* 0: not known */
    char name[XMB_NETIF_NAME_MAX];
    char vrf[XMB_NETIF_NAME_MAX]; /* the VRF device it belongs to; "": none */
    const struct xmb_netif_addr *addrs; /* in the kernel's order; elements of `addr_bytes` octets */
    uint32_t addr_count;
    uint32_t addr_bytes;
};

/* Element `i` of its addresses. Pure. */
static inline const struct xmb_netif_addr *xmb_netif_addr_at(const struct xmb_netif *n, size_t i)
{
    return (const struct xmb_netif_addr *)(const void *)((const char *)n->addrs +
                                                         i * n->addr_bytes);
}

struct xmb_netif_watch;

struct xmb_netif_api {
    uint32_t size;
    uint32_t rev;
    /*
     * From now on `changed(arg, now)` tells of every interface that appears or changes, and
     * `gone(arg, index, name)` of each that goes. Those that are there are told of before this
     * returns. Errors: XMB_ENOMEM, XMB_EIO. Thread: routing, also of the calls.
     */
    int (*watch)(struct xmb_module *module, void (*changed)(void *arg, const struct xmb_netif *now),
                 void (*gone)(void *arg, uint32_t index, const char *name), void *arg,
                 struct xmb_netif_watch **out);
    /* No call comes any more. Allowed in a call. NULL is fine. Thread: routing. */
    void (*unwatch)(struct xmb_netif_watch *w);
    /*
     * Fills `*out`, up to its `size`, which the caller has set, with the interface `name` as the
     * system has it at this moment; without its addresses (addr_count 0). Errors: XMB_ENOENT,
     * XMB_EIO, XMB_ENOMEM. For checks in `prepare`. Thread: control or routing.
     */
    int (*find)(const char *name, struct xmb_netif *out);
};

XMB_END_DECLS

#endif
