/* SPDX-License-Identifier: MIT */
/*
 * conn.h - connections and listeners as the rest of the core uses them.
 */
#ifndef BROKER_CONN_H
#define BROKER_CONN_H

#include "loop/worker.h"

extern const struct xmb_conn_api conn_api;

int conn_worker_init(struct xmb_worker *w);
void conn_worker_fini(struct xmb_worker *w); /* resets what is left; `closed` runs for each */
/* Calls the protocols' `drain` for each connection of this worker. */
void conn_worker_drain(struct xmb_worker *w);
size_t conn_worker_count(const struct xmb_worker *w);

/*
 * Listeners. One <listen> of the configuration is a socket on each worker
 * (SO_REUSEPORT). prepare binds what is new and keeps what stays; nothing is
 * accepted from a new socket before commit, and a removed one closes there.
 * Existing connections live on. Thread: control.
 */
/* Before listeners_prepare, for a check of the configuration alone: nothing is kept bound. */
void listeners_only_check(void);
struct listeners_next;
struct tls_next; /* tls/tls.h */
/*
 * Looks at the <listen> children of each protocol module's element
 * (`elements[i]` for module i, NULL when it has none). `tls` is the prepared
 * set of profiles that tls= is checked against. Faults are reported with line.
 */
int listeners_prepare(const struct xmb_conf *const *elements, uint32_t workers,
                      const struct tls_next *tls, struct listeners_next **next);
void listeners_abort(struct listeners_next *next);
/*
 * What stays is known to worker `w` by its ordinal in `next` from now on: in the turn in which the
 * modules there get the configuration that the ordinals are of, so that no connection falls
 * between. Then commit. Thread: `w`.
 */
void listeners_renumber(const struct listeners_next *next, struct xmb_worker *w);
void listeners_commit(struct listeners_next *next);
/* Accepting begins (after every module's start) / ends for good (drain). */
void listeners_open(void);
void listeners_close(void);
/* For `show listeners`: calls fn once for each bound address, with port 0 resolved. */
void listeners_walk(void (*fn)(void *arg, const struct xmb_module *m, uint32_t ordinal,
                               const struct xmb_addr *bound, const char *vrf), void *arg);
/* xmb_conn_api.listener. Thread: any. */
int listener_bound(const struct xmb_module *m, uint32_t ordinal, uint32_t i,
                   struct xmb_addr *bound);

/*
 * What stands in an element that is a listener, for others that bind sockets too (datagrams).
 * Faults are reported with line. Thread: control.
 */
/*
 * Calls fn for each listener of a module's element, in the order of the document: <listen>
 * children, and elements of the protocol's listen_names at any depth. `ordinal` is that of
 * xmb_conn_info.listener; `default_port` 0: there is none. Goes on after a fault and returns the
 * last; ends at XMB_ENOMEM. A `protocol` of zeros means <listen> children only, without a port.
 */
typedef int listen_fn(void *arg, const struct xmb_conf *node, uint32_t ordinal,
                      uint16_t default_port);
int listen_each(const struct xmb_protocol *protocol, const struct xmb_conf *element,
                listen_fn *fn, void *arg);
/*
 * Its family, address and port. *count is 2 when it stands for both families: IPv4, then IPv6,
 * which a system may lack then. Port 0: any.
 */
int listen_addresses(const struct xmb_conf *node, uint16_t default_port, struct xmb_addr out[2],
                     size_t *count);
/* Device of its VRF, the node's; NULL: none. */
int listen_vrf(const struct xmb_conf *node, const char **out);

const char *addr_text(const struct xmb_addr *a, char *text, size_t cap);
struct sockaddr;
struct sockaddr_storage;
void addr_from_sockaddr(struct xmb_addr *out, const struct sockaddr *sa);
/* Length of the sockaddr written to `out`. */
uint32_t addr_to_sockaddr(const struct xmb_addr *a, struct sockaddr_storage *out);

#endif
