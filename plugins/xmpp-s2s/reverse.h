/* SPDX-License-Identifier: MIT */
/*
 * reverse.h - the reverse of a pair, on a stream that the peer opened (XEP-0288).
 *
 * On a bidirectional stream every pair that the peer has proved may be used the other way round.
 * The stream *offers* that way here. A flow takes it when it looks for a stream (*claim*), so one
 * that has a stream of its own keeps that, and the order of its stanzas, until it is idle or lost.
 * Once claimed, the worker of the stream that offered first owns the flow; when the last offer for
 * the pair is gone, the flow is where it was and is dialled for.
 *
 * One table for the module, under a lock that is not taken while nothing is offered. It is asked
 * when a lease is opened, a path is opened, or an error goes back; never for a stanza. Claims and
 * the ends of claimed offers raise the module's owner_epoch.
 */
#ifndef S2_REVERSE_H
#define S2_REVERSE_H

#include "gateway.h"

struct s2_reverse;  /* an offer */
struct s2_reverses; /* the table */

struct s2_reverses *s2_reverses_new(void); /* NULL: out of memory */
void s2_reverses_free(struct s2_reverses *t); /* NULL is fine */

/*
 * Offers to send from `local` to `remote`, which lives on `side`, on link `on` of this worker. It
 * stands until s2_reverse_close. XMB_ENOMEM. Thread: worker, as for close.
 */
int s2_reverse_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                    const struct s2_domain *remote, struct s2_link *on, struct s2_reverse **out);
void s2_reverse_close(struct s2_worker *w, struct s2_reverse *r);

/* 1: that way is offered, and claimed from now on. Thread: any. */
int s2_reverse_claim(struct s2_module *m, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote);
/* 1: it is claimed, and worker `*index` owns it. Thread: any. */
int s2_reverse_owner(struct s2_module *m, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote, uint32_t *index);
/* The link of this worker that offers it, claimed or not; NULL: none does. Thread: worker. */
struct s2_link *s2_reverse_link(const struct s2_worker *w, enum s2_side side,
                                const struct s2_domain *local, const struct s2_domain *remote);

#endif
