/* SPDX-License-Identifier: MIT */
/*
 * link_adopted.h - a connection that others read, as a link, so that flows lease it like any other:
 * a component's, and a stream that a peer opened and that is bidirectional (XEP-0288).
 *
 * It is verified from the start; who reads it decides about its end. From its making on, whatever
 * is written on the connection goes through it, as it knows how far the peer has acknowledged.
 * Thread: worker.
 */
#ifndef S2_LINK_ADOPTED_H
#define S2_LINK_ADOPTED_H

#include "link.h"

/* The connection of the component of `name`; every domain outside may send. NULL: no memory. */
struct s2_link *s2_link_adopt(struct s2_worker *w, const struct s2_domain *name,
                              struct xmb_conn *conn);
/*
 * The stream that `remote` opened to `local`; which pairs may send is said with reverse.h.
 * `max_bytes`: of a stanza that the peer takes (XEP-0478), 0: not said. NULL: no memory.
 */
struct s2_link *s2_link_adopt_incoming(struct s2_worker *w, enum s2_side side,
                                       const struct s2_domain *local,
                                       const struct s2_domain *remote, struct xmb_conn *conn,
                                       uint32_t max_bytes);
/* Writes of the reader's own. Results of conn->write. */
int s2_link_adopted_write(struct s2_link *l, struct xmb_str octets);
/*
 * The same for an answer that must not be lost because stanzas have filled the queue. 1: it waits
 * for room, and its reader should stop while s2_link_adopted_owes; negative: it is not taken.
 */
int s2_link_adopted_answer(struct s2_link *l, struct xmb_str octets);
int s2_link_adopted_owes(const struct s2_link *l);
/* Its reader has stopped, or goes on. */
void s2_link_adopted_held(struct s2_link *l, int is_held);
/*
 * Component: a stream error, or the end tag with S2_E_NONE, and the connection closes; leases end
 * with `kind`.
 */
void s2_link_adopted_goodbye(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                             const char *why);
/*
 * Incoming: the reader has said the end, or will not say it. Nothing more is sent; leases end with
 * `kind` when the connection is closed (s2_link_closed), or now when they never sent.
 */
void s2_link_adopted_end(struct s2_link *l, enum s2_failure_kind kind, const char *why);
uint64_t s2_link_adopted_stanzas(const struct s2_link *l);
/* Monotonic ms of the last stanza that was sent on it, or of its making. */
uint64_t s2_link_adopted_stanza_ms(const struct s2_link *l);
/* 1: it was ended from its side; the connection closes. */
int s2_link_adopted_ends(const struct s2_link *l);

#endif
