/* SPDX-License-Identifier: MIT */
/*
 * limit.c - so many lines a second for a key, on each thread.
 *
 * A small table of the thread, no lock: a stranger who makes one event a
 * thousand times a second on every worker gets `per_second` lines from each. Keys
 * are static texts and known by address. When two keys want one place the one
 * that was quiet longest goes.
 */
#include <string.h>

#include "log/log_priv.h"

#define PLACES 128 /* power of two */
#define PROBES 8

struct place {
    const char *key;
    uint64_t second;
    uint32_t written; /* in that second */
    uint64_t left_out;
};

static _Thread_local struct place places[PLACES];

static struct place *find(const char *key)
{
    size_t hash = (size_t)(((uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
    struct place *oldest = NULL;
    size_t i;

    for (i = 0; i < PROBES; i++) {
        struct place *p = &places[(hash + i) & (PLACES - 1)];

        if (p->key == key)
            return p;
        if (oldest == NULL || p->second < oldest->second)
            oldest = p;
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->key = key;
    return oldest;
}

int log_limit(const char *key, uint32_t per_second, uint64_t now_s, uint64_t *left_out)
{
    struct place *p = find(key);

    if (p->second != now_s) {
        p->second = now_s;
        p->written = 0;
    }
    if (p->written >= per_second) {
        p->left_out++;
        return 0;
    }
    p->written++;
    *left_out = p->left_out;
    p->left_out = 0;
    return 1;
}
