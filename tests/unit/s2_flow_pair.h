/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_pair.h - one pair of domains for tests of flows: a stream a.test -> b.test and one back,
 * on one worker or between several, and short names for what is said and seen on them.
 */
#ifndef TEST_S2_FLOW_PAIR_H
#define TEST_S2_FLOW_PAIR_H

#include "s2_flow_rig.h"

#define IN 0  /* stream a.test -> b.test */
#define OUT 1 /* stream b.test -> a.test */

/* Set-up: both streams on the one worker there is; or of three, on one that has not the flows. */
int open_one(void **state);
int open_three(void **state);
int close_all(void **state);

#define ONE(f) cmocka_unit_test_setup_teardown(f, open_one, close_all)
#define THREE(f) cmocka_unit_test_setup_teardown(f, open_three, close_all)

/* The worker that has the flows to a foreign domain, and one that has not those to b.test. */
uint32_t owner_of(const char *foreign);
uint32_t other_worker(void);

/* A message; what a stream has put is handed on. */
void put(const char *id); /* on IN */
void put_on(size_t stream, const char *id);

/* The leases to b.test and to a.test, or NULL. */
struct s2_lease *out(void);
struct s2_lease *back(void);
const struct rig_sent *last_on(const struct s2_lease *l);

/* How often `id` was written to b.test. */
size_t written(const char *id);
/* How often the error for `id` was written to a.test; its lease is made ready for that. */
size_t errors(const char *id);
void assert_errors(const char *id, size_t n);

#endif
