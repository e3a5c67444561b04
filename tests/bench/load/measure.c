/* SPDX-License-Identifier: MIT */
/*
 * measure.c - CPU time and memory of the server as the kernel accounts them, and latencies.
 */
#include "load.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* First number in a file of /proc, or 0. */
static uint64_t first_number(const char *path)
{
    FILE *f = fopen(path, "r");
    uint64_t n = 0;

    if (f == NULL)
        return 0;
    if (fscanf(f, "%" SCNu64, &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

uint64_t server_cpu_ns(int pid)
{
    char path[300];
    struct dirent *entry;
    uint64_t sum = 0;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/task", pid);
    dir = opendir(path);
    if (dir == NULL)
        die("no process %d to measure", pid);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, entry->d_name);
        sum += first_number(path);
    }
    closedir(dir);
    return sum;
}

uint64_t server_rss_kib(int pid)
{
    char path[64];
    char line[256];
    unsigned long kib = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "VmRSS: %lu kB", &kib) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kib;
}

static uint64_t *latencies;
static size_t latency_count;
static size_t latency_size;

void latency_add(uint64_t ns)
{
    if (latency_count == latency_size) {
        latency_size = latency_size ? latency_size * 2 : 65536;
        latencies = realloc(latencies, latency_size * sizeof *latencies);
        if (latencies == NULL)
            die("out of memory");
    }
    latencies[latency_count++] = ns;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

uint64_t latency_percentile(double p)
{
    if (latency_count == 0)
        return 0;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    return latencies[(size_t)(p * (double)(latency_count - 1))];
}
