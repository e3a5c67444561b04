/* SPDX-License-Identifier: MIT */
/* measure.c - time, and what the kernel says of a process. */
#include "s2s.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("s2sload: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t cpu_ns(int pid)
{
    struct timespec t;
    clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2); /* the process' CPU clock, see clock_getcpuclockid */

    if (pid <= 0 || clock_gettime(clock, &t) < 0)
        die("no CPU clock of process %d", pid);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t rss_kib(int pid)
{
    unsigned long long kib = 0;
    char path[64], line[256];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "r");
    if (f == NULL)
        die("no process %d", pid);
    while (fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "VmRSS: %llu", &kib) == 1)
            break;
    fclose(f);
    return kib;
}
