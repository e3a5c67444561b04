/* SPDX-License-Identifier: MIT */
/*
 * policy.h - the policy chain as the rest of the core uses it.
 */
#ifndef BROKER_POLICY_H
#define BROKER_POLICY_H

#include "loop/worker.h"

extern const struct xmb_policy_api policy_api;

int policy_worker_init(struct xmb_worker *w);
void policy_worker_fini(struct xmb_worker *w);
/* Deadline of a PENDING answer; 5,000 ms unless a test sets it. */
void policy_deadline_set(uint64_t ms);

#endif
