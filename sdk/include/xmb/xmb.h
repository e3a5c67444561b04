/* SPDX-License-Identifier: MIT */
/*
 * xmb.h - the whole SDK, and the order to read it in.
 *
 *   abi.h        what holds the line between broker and plugin
 *   types.h      error codes, byte views, addresses, handles
 *   plugin.h     the descriptor and the life of a module     <- start here
 *   host.h       the table of tables that init receives
 *   worker.h     threads, post, blocking work, timers
 *   buf.h        input chains and shared slabs
 *   conn.h       connections, gathered writes, deadlines, TLS
 *   protocol.h   role: speaks on connections
 *   policy.h     role: says whether; principals
 *   routing.h    role: says where; the domain router
 *   service.h    the service registry: publish, subscribe, notify
 *   rawip.h      raw IP sockets of routing modules
 *   netif.h      the network interfaces of this host
 *   conf.h log.h metrics.h control.h datagram.h   as named
 *
 * A message's way through the broker, in one breath: the core reads a socket
 * and calls the protocol's `data`; the protocol takes a frame, asks policy,
 * and hands the meaning on (a publish to the registry, a stanza to the
 * router); the registry tells each worker with a matching subscription; the
 * protocol there pulls the change, encodes it once, writes it to each
 * subscriber; at the end of the loop turn the core sends all output of a
 * connection in one system call.
 */
#ifndef XMB_XMB_H
#define XMB_XMB_H

#include <xmb/plugin.h>

#endif
