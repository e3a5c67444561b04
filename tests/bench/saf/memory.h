/* SPDX-License-Identifier: MIT */
/*
 * memory.h - what a service takes in the decision engine.
 */
#ifndef SAF_BENCH_MEMORY_H
#define SAF_BENCH_MEMORY_H

/* Prints sizes, and heap a service by the number of neighbours that offer it. */
void memory_measure(void);

#endif
