/* SPDX-License-Identifier: MIT */
/*
 * barrier_priv.h - what barrier.c, barrier_id.c, barrier_watch.c and barrier_peers.c have of each
 * other.
 */
#ifndef S2_BARRIER_PRIV_H
#define S2_BARRIER_PRIV_H

#include "flow_priv.h"

#define S2_BARRIER_ID_MAX 48 /* octets, with the NUL */

/* --- barrier.c --- */
/*
 * Sends the ping of the barrier `number`, or the same once more; `is_idle`: it is no activity. *end
 * is its place on the lease. 0, XMB_EAGAIN: no room, XMB_ECLOSED: the lease is gone.
 */
int s2_barrier_ping(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end);
/* What stood before the barrier was read. */
void s2_barrier_settle(struct s2_flow *f);

/* --- barrier_id.c --- */
void s2_barrier_id_write(const struct s2_worker *w, uint64_t number, int is_idle,
                         char id[S2_BARRIER_ID_MAX]);
/* 1: the id of `s`, to a bare domain, is one of this process's; *worker is whose. */
int s2_barrier_id_read(const struct s2_flows *fl, const struct s2_stanza *s, uint64_t *worker,
                       uint64_t *number);

/* --- barrier_peers.c --- */
/* What is remembered of it; S2_PINGS_UNKNOWN when nothing is. */
struct s2_peer s2_barrier_peer(const struct s2_flows *fl, const struct s2_domain *d);
void s2_barrier_remember(struct s2_flows *fl, const struct s2_domain *d, enum s2_pings pings);
void s2_barrier_remember_answer(const struct s2_flow *f);

#endif
