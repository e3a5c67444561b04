/* SPDX-License-Identifier: MIT */
/*
 * barrier_priv.h - what barrier.c, barrier_id.c, barrier_form.c, barrier_watch.c, barrier_here.c
 * and barrier_peers.c have of each other.
 */
#ifndef S2_BARRIER_PRIV_H
#define S2_BARRIER_PRIV_H

#include "flow_priv.h"

#define S2_BARRIER_ID_MAX 48 /* octets, with the NUL */
#define S2_BARRIER_PREFIX "xmb"
#define S2_BARRIER_PREFIX_CHARS 4u /* with the next: */
#define S2_BARRIER_MARK_BUSY '-'
#define S2_BARRIER_MARK_IDLE '.'
#define S2_BARRIER_NONCE_CHARS 16u

/* --- barrier.c --- */
/*
 * Sends the ping of the barrier `number`, or the same once more; `is_idle`: it is no activity. *end
 * is its place on the lease. 0, XMB_EAGAIN: no room, XMB_ECLOSED: the lease is gone.
 */
int s2_barrier_ping(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end);
/* What stood before the barrier was read. */
void s2_barrier_settle(struct s2_flow *f);

/*
 * Another pair of domains on the same connection had its answer, to a ping that stood behind ours.
 * So ours was read, and what answers it goes astray; the connection is not to be blamed, nor those
 * who share it.
 */
static inline int s2_barrier_was_read(const struct s2_flow *f)
{
    return !f->barrier_is_sm && s2_lease_read_end(f->lease) >= f->barrier_end;
}

/* --- barrier_id.c --- */
void s2_barrier_id_write(const struct s2_worker *w, uint64_t number, int is_idle,
                         char id[S2_BARRIER_ID_MAX]);
/* 1: the id of `s`, to a bare domain, is one of this process's; *worker is whose. */
int s2_barrier_id_read(const struct s2_flows *fl, const struct s2_stanza *s, uint64_t *worker,
                       uint64_t *number);

/* --- barrier_form.c --- */
/* The mark of an id that has the form of a barrier's; else 0. */
char s2_barrier_mark(struct xmb_str id);

/* --- barrier_here.c --- */
/* With each tick: asks on the lease itself, when it is time for that. */
void s2_barrier_ask_here(struct s2_flow *f, uint64_t now_ms);

/* --- barrier_peers.c --- */
/* What is remembered of it; nothing: it is unknown. */
struct s2_peer s2_barrier_peer(const struct s2_flows *fl, const struct s2_domain *d);
void s2_barrier_remember(struct s2_flows *fl, const struct s2_domain *d, enum s2_pings pings);
void s2_barrier_remember_here(struct s2_flows *fl, const struct s2_domain *d, enum s2_here here);

#endif
