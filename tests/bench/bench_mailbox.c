/* SPDX-License-Identifier: MIT */
/*
 * bench_mailbox.c - what a post costs: messages a second, wake-ups, and mallocs, with one to
 * four producers and one loop that only counts.
 *
 *     tests/bench/bench_mailbox [MESSAGES]
 *
 * The figures depend on the machine; the columns that should not are the last two: wake-ups
 * stay far below messages, and nodes asked of malloc stop growing after the first round.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loop/mailbox_priv.h"

#define PRODUCERS_MAX 4
#define BOUND_BYTES ((size_t)1 << 20)
#define COST_BYTES 64

struct producer {
    pthread_t thread;
    struct loop *loop;
    unsigned long count;
    unsigned long refused;
};

static unsigned long received; /* the loop's */

static void receive(struct loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    received++;
}

static void *produce(void *arg)
{
    struct producer *p = arg;
    unsigned long sent = 0;

    while (sent < p->count) {
        if (loop_post(p->loop, receive, NULL, COST_BYTES) == 0) {
            sent++;
        } else {
            p->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static double now_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void round_of(unsigned producer_count, unsigned long messages)
{
    struct producer producers[PRODUCERS_MAX] = {{0}};
    uint64_t mallocs = mailbox_malloc_count();
    unsigned long refused = 0;
    struct loop loop;
    double wall_s;
    double cpu_s;
    unsigned i;

    received = 0;
    if (loop_init(&loop, "bench", BOUND_BYTES) < 0 || loop_start(&loop) < 0)
        exit(1);
    wall_s = now_s(CLOCK_MONOTONIC);
    cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID);
    for (i = 0; i < producer_count; i++) {
        producers[i].loop = &loop;
        producers[i].count = messages / producer_count;
        pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
    }
    for (i = 0; i < producer_count; i++) {
        pthread_join(producers[i].thread, NULL);
        refused += producers[i].refused;
    }
    loop_stop(&loop);
    uv_thread_join(&loop.thread);
    loop.running = 0;
    wall_s = now_s(CLOCK_MONOTONIC) - wall_s;
    cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    printf("%9u %12lu %14.0f %12.0f %10lu %10llu %10llu\n", producer_count, received,
           (double)received / wall_s, cpu_s * 1e9 / (double)received, refused,
           (unsigned long long)mailbox_wake_count(&loop),
           (unsigned long long)(mailbox_malloc_count() - mallocs));
    loop_join(&loop);
}

int main(int argc, char **argv)
{
    unsigned long messages = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000000;
    unsigned producers;

    printf("producers     messages     messages/s  CPU ns each    refused      wakes    mallocs\n");
    for (producers = 1; producers <= PRODUCERS_MAX; producers *= 2)
        round_of(producers, messages);
    return 0;
}
