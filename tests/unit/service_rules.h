/* SPDX-License-Identifier: MIT */
/*
 * service_rules.h - for tests of the rules of the registry, one at a time: set-up, what it counts,
 * loops that stand still, patterns, and records by hand.
 */
#ifndef SERVICE_RULES_H
#define SERVICE_RULES_H

#include "service_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>

int open_registry(void **state);
int close_registry(void **state);

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_registry, close_registry)

struct service_stats stats(void);

/* Keeps a loop from its work, on its own thread, until `leave` is posted. */
struct stall {
    sem_t entered;
    sem_t leave;
};
void stall(struct stall *s, struct loop *loop);

/* `id` with any value in those words whose bits are set. */
struct xmb_service_id masked(struct xmb_service_id id, unsigned mask);
/* One that no registry has; the replica that it is given to owns it. */
struct record *a_record(uint32_t instance, uint32_t sequence);

#endif
