/* SPDX-License-Identifier: MIT */
/*
 * health.h - could the servers of a local domain be reached, when last tried? (R60: federation is
 * inactive when the inside cannot be reached, and the status says why.)
 *
 * One small table for the module, under a lock: it is written when a connection to the inside came
 * through or all of a domain's servers failed, never for a stanza, and read by `show`.
 */
#ifndef S2_HEALTH_H
#define S2_HEALTH_H

#include "gateway.h"

#define S2_HEALTH_WHY 160 /* octets of a reason, NUL included; what is longer is cut */

enum s2_reach { S2_REACH_UNTRIED = 0, S2_REACH_UP = 1, S2_REACH_DOWN = 2 };

/* NULL: out of memory. Freed by s2_health_free; NULL is fine there. */
struct s2_health *s2_health_new(void);
void s2_health_free(struct s2_health *h);
/* A stream to `local` inside stands (`why` NULL), or none of its servers could be reached. `h`
 * NULL: nothing is noted. Thread: any. */
void s2_health_note(struct s2_health *h, const struct s2_domain *local, const char *why);
/* What is known; with S2_REACH_DOWN the reason is in `why`. Thread: any. */
enum s2_reach s2_health_read(struct s2_health *h, const struct s2_domain *local,
                             char why[S2_HEALTH_WHY]);
/* Forgets domains that are not in `c`. Thread: control. */
void s2_health_keep(struct s2_health *h, const struct s2_conf *c);

#endif
