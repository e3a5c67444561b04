/* SPDX-License-Identifier: MIT */
/*
 * die.h - the end of a bench that cannot go on: words on stderr and status 1.
 */
#ifndef SAF_BENCH_DIE_H
#define SAF_BENCH_DIE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 1, 2), noreturn)) static inline void die(const char *format, ...)
{
    va_list list;

    fflush(stdout);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

/* Zeroed, and never NULL; the caller frees it. */
static inline void *must_alloc(size_t count, size_t bytes)
{
    void *p = calloc(count > 0 ? count : 1, bytes);

    if (p == NULL)
        die("no memory for %zu times %zu octets", count, bytes);
    return p;
}

#endif
