/* SPDX-License-Identifier: MIT */
/*
 * incoming.h - a stream that a peer opened (xmpp-s2s.md 2.4 to 2.6; RFC 6120, 4 to 6; XEP-0220).
 *
 *   ACCEPTED --header--> PLAIN --starttls--> SECURING --> RESTARTED --header--> OPEN --pair--> VERIFIED
 *       (no TLS wanted: PLAIN is OPEN)            (SASL EXTERNAL restarts once more)
 *
 * The stream is receiving server (db:result), authoritative server (db:verify, in every state) and
 * the way in for stanzas of verified pairs. Files: incoming.c (life), in_fsm.c (table of states and
 * events), in_feed.c (octets to events), in_header.c, in_tls.c, in_auth.c (EXTERNAL), in_result.c
 * (receiving), in_verify.c (authoritative), in_pairs.c, in_stanza.c, in_bidi.c (the other
 * direction, XEP-0288), in_close.c (the ways out), in_limits.c (how many), in_sweep.c (silence),
 * in_recheck.c, in_gone.c, in_show.c.
 */
#ifndef S2_INCOMING_H
#define S2_INCOMING_H

#include "gateway.h"

int s2_incomings_init(struct s2_worker *w);  /* XMB_ENOMEM */
void s2_incomings_fini(struct s2_worker *w);

/*
 * The protocol role's callbacks for an accepted connection; `*out` is its state. See
 * xmb/protocol.h.
 */
int s2_in_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_incoming **out);
int s2_in_data(struct s2_incoming *s, struct xmb_conn *conn, struct xmb_buf *in);
void s2_in_writable(struct s2_incoming *s, struct xmb_conn *conn);
void s2_in_secured(struct s2_incoming *s, struct xmb_conn *conn);
void s2_in_expired(struct s2_incoming *s, struct xmb_conn *conn, uint32_t which);
void s2_in_closed(struct s2_incoming *s, struct xmb_conn *conn, const char *why);
void s2_in_drain(struct s2_incoming *s, struct xmb_conn *conn);

/*
 * The server of `remote` is taken for dead, see s2_flow_dead: its streams that brought nothing since
 * `since_ms` end.
 */
void s2_in_dead(struct s2_worker *w, enum s2_side side, const struct s2_domain *remote,
                uint64_t since_ms);
/*
 * A flow that this stream feeds has room again (flow.h): reading goes on. `ref` of the connection;
 * a stale one is fine. Thread: worker.
 */
void s2_in_resume(struct s2_worker *w, xmb_ref ref);
/*
 * Configuration or policy changed: every pair is admitted again; streams of removed domains end
 * with host-gone.
 */
void s2_in_recheck(struct s2_worker *w);
/* Certificates alone: what is trusted or revoked has changed. */
void s2_in_tls_changed(struct s2_worker *w);
/* Calls fn for each stream, for `show` and `clear`. */
struct s2_connection; /* show.h */
void s2_in_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c), void *arg);
/*
 * Ends the stream of that id for an operator (stream error reset... see in_close.c); 1 when it was
 * here.
 */
int s2_in_clear(struct s2_worker *w, uint64_t id);

#endif
