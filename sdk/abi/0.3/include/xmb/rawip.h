/* SPDX-License-Identifier: MIT */
/*
 * rawip.h - raw IP sockets of routing modules: EIGRP, OSPF and their like, which
 * are IP protocols of their own and have no ports. Since 0.3.
 *
 * The core owns the sockets, the module the meaning of the octets. A socket is of
 * one IP protocol, one family and one VRF, and lives on the routing loop. It hears
 * every packet of its protocol that reaches this host, on any interface: who
 * shares the protocol with somebody else must tell them apart.
 *
 *     prepare    open       needs CAP_NET_RAW; nothing is read yet
 *     routing    start      packets come from now on
 *                join       for each interface where a group is listened to
 *                send ...
 *     any of it  close
 *
 * Nothing is queued: a packet that the kernel does not take is lost, and counted.
 * Fragments are not sent: what does not fit the interface is XMB_ETOOBIG.
 *
 * A plugin that uses this has XMB_PLUGIN_RAW_IP in its descriptor's flags: then the
 * broker keeps CAP_NET_RAW when it gives root up, and a reload can open more.
 */
#ifndef XMB_RAWIP_H
#define XMB_RAWIP_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

struct xmb_rawip;

/* Which socket. Borrowed for the call. */
struct xmb_rawip_spec {
    uint32_t size;
    uint8_t family;        /* 4 or 6 */
    uint8_t protocol;      /* 1 to 254, but not what the kernel speaks itself: ICMP, TCP, UDP */
    uint8_t traffic_class; /* of all that is sent: TOS, or traffic class of IPv6 */
    uint8_t reserved;      /* zero */
    /*
     * The VRF device; none: of interfaces in none. (Unicasts of others come then too, unless
     * net.ipv4.raw_l3mdev_accept is 0; their `iface` tells.)
     * The socket stays with that device: when it went, and one of its name comes, open another.
     */
    struct xmb_str vrf;
};

/* A packet that arrived. Borrowed for the call. */
struct xmb_rawip_in {
    uint32_t size;
    uint32_t iface;         /* the kernel's number of the interface */
    struct xmb_addr remote; /* who sent it; port 0 */
    struct xmb_addr local;  /* where it was sent to: ours, or a group */
    uint32_t hops;          /* TTL or hop limit as it arrived, 0 to 255 */
    uint32_t reserved;
    struct xmb_str bytes; /* the payload of the IP header */
};

enum xmb_rawip_flags {
    /*
     * Only to a neighbour on the interface, never by way of a router. With IPv6 `remote` must be
     * link-local or a group, else XMB_EINVAL: the kernel has no such way for others.
     */
    XMB_RAWIP_ON_LINK = 1
};

/* A packet to send. Borrowed for the call. */
struct xmb_rawip_out {
    uint32_t size;
    uint32_t iface;         /* leaves by this one; 0: by the routing table */
    struct xmb_addr remote; /* to; a group needs `iface` */
    struct xmb_addr local;  /* from; family 0: the system's choice */
    uint32_t hops;          /* 1 to 255 */
    uint32_t flags;         /* enum xmb_rawip_flags */
    struct xmb_str bytes;
};

/* Counted since `open`. */
struct xmb_rawip_stats {
    uint32_t size;
    uint32_t reserved;
    uint64_t received, sent;       /* packets */
    uint64_t receive_drops;        /* the kernel's queue was full */
    uint64_t send_fails;           /* not taken by the kernel */
};

struct xmb_rawip_ops {
    uint32_t size;
    uint32_t reserved;
    /* A packet arrived. `close` is allowed in here. Required. Thread: routing. */
    void (*received)(void *arg, const struct xmb_rawip_in *in);
};

struct xmb_rawip_api {
    uint32_t size;
    uint32_t rev;
    /*
     * Opens a socket, which is not read yet. `ops` and `arg` live until close. In a check of the
     * configuration alone (xmbd -t) the right to open it is not needed, and the socket is a
     * dummy. Errors: XMB_EDENIED (no CAP_NET_RAW, or no XMB_PLUGIN_RAW_IP), XMB_ENOENT (no such
     * VRF), XMB_ENOSYS (the kernel has no such family), XMB_EINVAL, XMB_ELIMIT (256 are open),
     * XMB_EIO, XMB_ENOMEM. Thread: control (prepare) or routing.
     */
    int (*open)(struct xmb_module *module, const struct xmb_rawip_spec *spec,
                const struct xmb_rawip_ops *ops, void *arg, struct xmb_rawip **out);
    /* Packets come from now on; earlier ones are thrown away. XMB_EIO. Thread: routing. */
    int (*start)(struct xmb_rawip *s);
    /*
     * Listens to `group` on interface `iface`, or no longer (`is_member` 0). Joined already, or not
     * a member: 0. An interface that went took its membership along. Errors: XMB_ENOENT (no such
     * interface), XMB_ELIMIT (the kernel's igmp_max_memberships, which is 20 a socket unless
     * somebody raised it), XMB_EINVAL, XMB_EIO, XMB_ENOMEM. Thread: routing.
     */
    int (*join)(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group,
                uint32_t is_member);
    /*
     * Sends. Own multicasts do not come back. Never blocks. Errors: XMB_EAGAIN (the kernel takes
     * no more now; lost), XMB_ETOOBIG, XMB_EINVAL, XMB_EIO (refused: no such interface, no route,
     * the address is not ours (yet); counted, not logged). Thread: routing.
     */
    int (*send)(struct xmb_rawip *s, const struct xmb_rawip_out *out);
    /* Fills `*out` up to its `size`, which the caller has set. Thread: routing. */
    void (*stats)(const struct xmb_rawip *s, struct xmb_rawip_stats *out);
    /*
     * Ends it; nothing is received any more, as nothing is after the module's `end`. NULL is fine.
     * Thread: routing; or control, as long as it was never started, and after the routing loop has
     * ended: in the last `retire`, and in `stop`.
     */
    void (*close)(struct xmb_rawip *s);
};

XMB_END_DECLS

#endif
