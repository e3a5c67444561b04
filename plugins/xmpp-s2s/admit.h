/* SPDX-License-Identifier: MIT */
/*
 * admit.h - may `from` speak to `to` on a stream of this side? Sides first (rules G1 and G2), then
 * the policy chain at the point ROUTE. Nothing else decides.
 */
#ifndef S2_ADMIT_H
#define S2_ADMIT_H

#include "gateway.h"

enum s2_admission {
    S2_ADMIT_OK = 0,
    S2_ADMIT_LATER,      /* the callback follows */
    S2_ADMIT_LOCAL_FROM, /* a local domain speaks outside: spoof or loop -> invalid-from */
    S2_ADMIT_FOREIGN_FROM, /* inside, and `from` is no local domain -> invalid-from */
    S2_ADMIT_NOT_SERVED, /* outside: `to` is no local domain -> host-unknown, item-not-found */
    S2_ADMIT_LOCAL_TO,   /* inside: `to` is local, so it is not for the border -> not-allowed */
    S2_ADMIT_DENIED,     /* policy -> outside: forbidden; inside: stanzas back with not-allowed */
    S2_ADMIT_OFF         /* federation is switched off */
};
const char *s2_admission_text(enum s2_admission a);

/*
 * The sides alone, without policy: never S2_ADMIT_LATER or DENIED. `to` NULL: only `from` is looked
 * at. Thread: worker.
 */
enum s2_admission s2_admit_sides(const struct s2_conf *c, enum s2_side side,
                                 const struct s2_domain *from, const struct s2_domain *to);
/*
 * Sides and policy. S2_ADMIT_LATER: `late(arg, result)` follows exactly once unless
 * s2_admit_cancel(w, *ask_id). `remote` is the peer's address (may be NULL). Thread: worker.
 */
enum s2_admission s2_admit(struct s2_worker *w, enum s2_side side, const struct s2_domain *from,
                           const struct s2_domain *to, const struct xmb_addr *remote,
                           void (*late)(void *arg, enum s2_admission result), void *arg,
                           uint64_t *ask_id);
/* `late` of that question will not be called. Ids that are unknown, or answered, are fine. */
void s2_admit_cancel(struct s2_worker *w, uint64_t ask_id);
/* Forgets what still waits, when the worker ends. */
void s2_admit_fini(struct s2_worker *w);

#endif
