/* SPDX-License-Identifier: MIT */
/*
 * component.h - the server of a local domain that connects to us as a component (XEP-0114).
 *
 *   ACCEPTED --header--> SHAKING --handshake--> OPEN          (TLS, if any, from the first octet)
 *
 * One connection for both directions. What the component sends goes like the stanzas of an incoming
 * stream: `from` must be its domain, each domain that it writes to is admitted once. What is for it
 * goes out through an ordinary lease: the connection is made a link (link_adopted.c) on its
 * worker, and that worker owns all flows of the domain while it is connected.
 *
 * Files: component.c (life), component_stream.c (header, handshake, end), component_stanza.c (what
 * it sends), component_table.c (who is connected, for all workers), link_adopted.c.
 */
#ifndef S2_COMPONENT_H
#define S2_COMPONENT_H

#include "gateway.h"

struct s2_component;
struct s2_connection; /* show.h */

/* --- the protocol role's callbacks. Thread: worker, as for all here. --- */

/* A connection to a <component>. XMB_EDENIED: too many that have proved nothing. */
int s2_component_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_component **out);
int s2_component_data(struct s2_component *c, struct xmb_conn *conn, struct xmb_buf *in);
void s2_component_writable(struct s2_component *c, struct xmb_conn *conn);
void s2_component_secured(struct s2_component *c, struct xmb_conn *conn);
void s2_component_expired(struct s2_component *c, struct xmb_conn *conn, uint32_t which);
void s2_component_closed(struct s2_component *c, struct xmb_conn *conn, const char *why);
void s2_component_drain(struct s2_component *c, struct xmb_conn *conn);

/* A flow that it feeds has room again; a stale `ref`, or one of another kind, is fine. */
void s2_component_resume(struct s2_worker *w, xmb_ref ref);
/* Configuration or policy changed: who is no component any more goes; pairs are admitted again. */
void s2_component_recheck(struct s2_worker *w);
void s2_component_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                       void *arg);
/* Ends the one of that id; 1 when it was here. */
int s2_component_clear(struct s2_worker *w, uint64_t id);

/* --- component_table.c: who is connected. Thread: any. --- */

struct s2_components;
struct s2_components *s2_components_new(void); /* NULL: out of memory */
void s2_components_free(struct s2_components *t);
/*
 * `ref` on worker `index` is the component of `name` from now on. 1: another one was, and is in
 * `*old_index` and `*old_ref`; 0: none was. XMB_ENOMEM.
 */
int s2_components_take(struct s2_module *m, const struct s2_domain *name, uint32_t index,
                       xmb_ref ref, uint32_t *old_index, xmb_ref *old_ref);
/* `ref` is it no more. 1: it had been. */
int s2_components_drop(struct s2_module *m, const struct s2_domain *name, xmb_ref ref);
/* 1: a component of `name` is connected, on worker `*index`. */
int s2_components_find(struct s2_module *m, const struct s2_domain *name, uint32_t *index);

#endif
