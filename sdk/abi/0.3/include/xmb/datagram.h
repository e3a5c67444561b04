/* SPDX-License-Identifier: MIT */
/*
 * datagram.h - the role of a plugin that speaks in datagrams: the core owns
 * the sockets, the plugin the meaning of the octets. Since 0.2.
 *
 * Sockets are declared in the configuration: each <listen> child of the
 * module's element is a UDP socket when the plugin plays this role (and a TCP
 * listener besides when it plays the protocol role too, on the same port). The
 * core reads family, address, port and vrf, binds with the right to low ports
 * that it keeps for this, and keeps what a reload does not change. Without family
 * and address it is two sockets, one for each family, with one ordinal. Each
 * socket lives on one worker. Nothing is read before `start` of every module has
 * returned; while the broker drains, sockets go on as before.
 *
 * Nothing is queued: a datagram that the kernel does not take is lost, and counted.
 */
#ifndef XMB_DATAGRAM_H
#define XMB_DATAGRAM_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

#define XMB_DATAGRAM_MAX 65507 /* octets of the largest UDP payload over IPv4 */

/* One datagram that arrived. Views are borrowed for the call. Walk by nothing: it comes alone. */
struct xmb_datagram_in {
    uint32_t size;
    uint32_t listener;      /* ordinal of its <listen>, as xmb_conn_info.listener */
    struct xmb_addr remote; /* who sent it */
    /*
     * Where it was sent to, also when the socket is bound to all addresses, with the socket's port.
     * A group's or broadcast address can stand here, which is no `from` to answer with.
     */
    struct xmb_addr local;
    struct xmb_str bytes;
};

struct xmb_datagram {
    uint32_t size;
    uint16_t default_port; /* for a <listen> without port */
    uint16_t reserved;     /* zero */
    /*
     * A datagram arrived on `s`. Answer with host->datagram->send, now or later on this worker.
     * The policy point ACCEPT was not asked. Required. Thread: the socket's worker.
     */
    void (*received)(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in);
    /*
     * The socket goes with a reload, or with the worker, before worker_fini: forget it. A last
     * send is fine in here. May be NULL. Thread: its worker.
     */
    void (*gone)(void *wself, struct xmb_socket *s);
};

struct xmb_datagram_api {
    uint32_t size;
    uint32_t rev;
    /*
     * Sends `bytes` from `s` to `to`; `from` (NULL: the system's choice) is the address that an
     * answer must come from: `local` of what it answers. Never blocks. Errors: XMB_EAGAIN (the
     * kernel takes no more now; lost), XMB_ETOOBIG, XMB_EIO (refused by the kernel, or of
     * another family than the socket; counted, not logged). Thread: the socket's worker.
     */
    int (*send)(struct xmb_socket *s, const struct xmb_addr *to, const struct xmb_addr *from,
                struct xmb_str bytes);
    /* The worker that it lives on. */
    struct xmb_worker *(*worker)(const struct xmb_socket *s);
};

XMB_END_DECLS

#endif
