/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_laws.h - what holds for one decision engine after each call, whatever neighbours say.
 *
 *   - a service has one way by each neighbour at most, and one of them is the successor or none is;
 *     it is nearer than the feasible distance, and what we report is by way of it
 *   - passive: no reply is awaited, none is owed, and each query was answered; active: as many are
 *     awaited as the set has members, all of them neighbours that are up
 *   - who watches services heard of them as of one: installed, changed, gone
 *   - what is counted is what there is: entries, ways, contents; the table is within its bound
 *   - the timer is no later than what waits
 *
 * A law that does not hold ends the program.
 */
#ifndef EIGRP_DUAL_LAWS_H
#define EIGRP_DUAL_LAWS_H

#include <stdint.h>

#include "dual.h"

#define LAWS_PEERS 6u
#define LAWS_IFACES 3u
#define LAWS_SERVICES 6u /* 101:0 and so on */
#define LAWS_ENTRIES_MAX 5u
#define LAWS_OWN_ID 7u
#define LAWS_ACTIVE_MS UINT64_C(180000)

/* The engine, and what its operations saw. */
struct laws {
    struct se_dual *d;
    uint64_t now_ms, timer_ms;
    unsigned contents;
    uint8_t is_shown[LAWS_SERVICES];             /* as who watches heard it */
    uint8_t is_asked[LAWS_SERVICES][LAWS_PEERS]; /* a query of it was not answered yet */
    uint8_t is_never_stuck;                      /* the active time is 0 now */
};

/* The neighbours that there are: on both sides of a word of the sets. */
extern const unsigned laws_numbers[LAWS_PEERS];

/* `what` is wrong unless it holds. */
void law(int holds, const char *what);
int laws_is_up(const struct laws *l, unsigned number);
void laws_check(const struct laws *l);
/* That of the timer alone. What is due first; 0: nothing is. */
uint64_t laws_check_clocks(const struct laws *l);

#endif
