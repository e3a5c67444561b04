/* SPDX-License-Identifier: MIT */
/*
 * datagram.h - the sockets of plugins that speak in datagrams, as the rest of the core uses them.
 *
 * Each address of a <listen> of such a module is one UDP socket on one worker. prepare binds what
 * is new and keeps what stays, after the TCP listeners of the same configuration, so that a port
 * that the kernel chose is the same for both; commit cannot fail. Thread: control, unless said.
 */
#ifndef BROKER_DATAGRAM_H
#define BROKER_DATAGRAM_H

#include "loop/worker.h"

extern const struct xmb_datagram_api datagram_api;

struct datagrams_next;
struct listeners_next; /* conn/listener_priv.h */

/* Before datagrams_prepare, for a check of the configuration alone: nothing is kept bound. */
void datagrams_only_check(void);
/*
 * Looks at the <listen> children of the elements of modules with the datagram role (`elements[i]`
 * for module i, NULL when it has none). `tcp` is the prepared set of TCP listeners; NULL when that
 * failed: then faults that it has told already are not told again. Faults are reported with line.
 * XMB_ECONF, XMB_ENOMEM.
 */
int datagrams_prepare(const struct xmb_conf *const *elements, uint32_t workers,
                      const struct listeners_next *tcp, struct datagrams_next **next);
void datagrams_abort(struct datagrams_next *next); /* NULL is fine */
/* As listeners_renumber. Thread: `w`. */
void datagrams_renumber(struct datagrams_next *next, struct xmb_worker *w);
/* Sockets go to their workers; those that are gone close there, and their module is told. */
void datagrams_commit(struct datagrams_next *next);
/* Reading begins: after every module's start. */
void datagrams_open(void);
int datagram_worker_init(struct xmb_worker *w);
/* All sockets of this worker close; their modules are told. Thread: worker. */
void datagram_worker_fini(struct xmb_worker *w);
/* After the workers have ended: forgets the sockets that they had. */
void datagrams_fini(void);
/* For `show listeners`: calls fn once for each bound address, with port 0 resolved. */
void datagrams_walk(void (*fn)(void *arg, const struct xmb_module *m, uint32_t ordinal,
                               const struct xmb_addr *bound, const char *vrf), void *arg);

#endif
