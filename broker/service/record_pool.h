/* SPDX-License-Identifier: MIT */
/*
 * record_pool.h - memory for records, which come and go with every publish. For this folder only.
 */
#ifndef BROKER_SERVICE_RECORD_POOL_H
#define BROKER_SERVICE_RECORD_POOL_H

#include <stddef.h>

/* At least `bytes` (1 or more), not initialised. NULL: no memory. Thread: any. */
void *record_pool_take(size_t bytes);
/* Gives back what was taken for `bytes`, perhaps by another thread. Thread: any. */
void record_pool_give(void *p, size_t bytes);

#endif
