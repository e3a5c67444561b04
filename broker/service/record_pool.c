/* SPDX-License-Identifier: MIT */
/*
 * record_pool.c - memory of small records, kept by the thread that gave it back.
 *
 * A busy service is published again and again: a worker makes a record, and frees the one before
 * it when its mirror has the new one. In between lie as many as are on their way to the routing
 * loop, which is more than malloc's own cache of a thread holds.
 *
 * Each thread has a list for each size, without a lock, and together they are bounded in octets;
 * what is over goes back to malloc. With AddressSanitizer there is no list, so that it sees a
 * record that is used after its end.
 */
#include "service/record_pool.h"

#include <pthread.h>
#include <stdlib.h>

#define STEP_BYTES 64u
#define SIZES 16u                    /* up to 1 KiB; larger ones are not kept */
#define KEPT_BYTES_MAX (512u * 1024) /* of a thread */

#if defined(__SANITIZE_ADDRESS__)
#define KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS 0
#endif
#endif
#ifndef KEEPS
#define KEEPS 1
#endif

struct free_block {
    struct free_block *next;
};

static _Thread_local struct free_block *kept[SIZES];
static _Thread_local size_t kept_bytes;
static _Thread_local int thread_known;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static int have_key;

static void thread_ended(void *unused)
{
    struct free_block *b;
    unsigned i;

    (void)unused;
    for (i = 0; i < SIZES; i++)
        while ((b = kept[i]) != NULL) {
            kept[i] = b->next;
            free(b);
        }
    kept_bytes = 0;
    thread_known = 0;
}

static void make_key(void)
{
    have_key = pthread_key_create(&thread_key, thread_ended) == 0;
}

/* 0: nobody would free what this thread keeps. */
static int know_thread(void)
{
    if (!thread_known) {
        pthread_once(&once, make_key);
        thread_known = have_key && pthread_setspecific(thread_key, &thread_known) == 0;
    }
    return thread_known;
}

/* Index of the size that has room for `bytes`; SIZES or more: none. */
static size_t size_of(size_t bytes)
{
    return (bytes + STEP_BYTES - 1) / STEP_BYTES - 1;
}

void *record_pool_take(size_t bytes)
{
    size_t size = size_of(bytes);
    struct free_block *b;

    if (!KEEPS || size >= SIZES)
        return malloc(bytes);
    b = kept[size];
    if (b == NULL)
        return malloc((size + 1) * STEP_BYTES);
    kept[size] = b->next;
    kept_bytes -= (size + 1) * STEP_BYTES;
    return b;
}

void record_pool_give(void *p, size_t bytes)
{
    size_t size = size_of(bytes), room = (size + 1) * STEP_BYTES;
    struct free_block *b = p;

    if (!KEEPS || size >= SIZES || kept_bytes + room > KEPT_BYTES_MAX || !know_thread()) {
        free(p);
        return;
    }
    b->next = kept[size];
    kept[size] = b;
    kept_bytes += room;
}
