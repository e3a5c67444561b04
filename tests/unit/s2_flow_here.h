/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_here.h - a peer that can be asked on the lease itself how far it has read, by a question
 * of dialback.
 */
#ifndef TEST_S2_FLOW_HERE_H
#define TEST_S2_FLOW_HERE_H

#include "s2_flow_pair.h"

#define SOON_MS 1500
#define LATER_MS 4000 /* to one that is not known to answer */

/* A lease to a peer that speaks dialback. */
void ready(void);
/* Stanza "0" went over a lease, and its ping was answered. */
void known_to_answer(void);
/* Stanza "1" was confirmed by an answer on the lease; no ping ever was answered. */
void answers_only_here(void);
/* All is read, and no ping is answered. */
void read_here(void);
size_t pings(const struct s2_lease *l);

#endif
