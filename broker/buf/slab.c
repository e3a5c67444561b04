/* SPDX-License-Identifier: MIT */
/*
 * slab.c - reference-counted memory, recycled on the thread that lets it go.
 *
 * Header and octets are one allocation. A slab of a usual size goes to a short
 * list of the thread that drops the last reference, and comes from there again
 * with neither malloc nor lock. A thread that only ever frees what another one
 * makes gives the surplus back to malloc, because its lists are bounded.
 *
 * There are two rows of sizes: a few far apart for what is gone soon, and narrow steps
 * for what is kept, up to a kibibyte; longer ones of that kind are malloc's.
 *
 * What lies in a list is poisoned for AddressSanitizer, so that use after the
 * last release is found there as it would be with plain malloc.
 */
#include "buf/buf.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISON 1
#endif
#endif

#ifdef SLAB_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define CLASS_COUNT 4

static const struct {
    uint32_t bytes;
    uint32_t keep_count; /* how many a thread keeps */
} classes[CLASS_COUNT] = {
    {SLAB_SMALL_BYTES, 2048}, /* a fan-out to two thousand in one turn asks malloc for none */
    {SLAB_MEDIUM_BYTES, 2048},
    {SLAB_LARGE_BYTES, 512}, /* and one of several messages each to five hundred, 4 MiB in all */
    {SLAB_HUGE_BYTES, 32},
};

#define STEP_BYTES 64
#define STEP_COUNT 16
#define STEP_KEEP_COUNT 256 /* of each, two megabytes in all */
#define LIST_COUNT (CLASS_COUNT + STEP_COUNT)

/* `data` of a slab in a list points to the next slab. */
struct slab_list {
    struct xmb_slab *first;
    uint32_t count;
};

static _Thread_local struct slab_list lists[LIST_COUNT]; /* of the classes, then of the steps */
static _Thread_local int thread_known;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static int have_key;
static _Atomic uint64_t mallocs;

static void thread_ended(void *unused)
{
    (void)unused;
    slab_thread_fini();
}

static void make_key(void)
{
    have_key = pthread_key_create(&thread_key, thread_ended) == 0;
}

/* A thread that forgets slab_thread_fini, such as one of a plugin, leaks nothing all the same. */
static void know_thread(void)
{
    pthread_once(&once, make_key);
    if (have_key)
        pthread_setspecific(thread_key, &thread_known);
    thread_known = 1;
}

/* The smallest class that holds `bytes`; CLASS_COUNT: none. */
static unsigned class_for(size_t bytes)
{
    unsigned i = 0;

    while (i < CLASS_COUNT && bytes > classes[i].bytes)
        i++;
    return i;
}

/* The list for slabs of exactly that size; LIST_COUNT: none. */
static unsigned list_for(uint32_t capacity_bytes)
{
    unsigned class = class_for(capacity_bytes);

    if (class < CLASS_COUNT && classes[class].bytes == capacity_bytes)
        return class;
    if (capacity_bytes <= STEP_BYTES * STEP_COUNT && capacity_bytes % STEP_BYTES == 0)
        return CLASS_COUNT + capacity_bytes / STEP_BYTES - 1;
    return LIST_COUNT;
}

static uint8_t *slab_memory(struct xmb_slab *s)
{
    return (uint8_t *)(s + 1);
}

static struct xmb_slab *from_list(unsigned at)
{
    struct slab_list *list = &lists[at];
    struct xmb_slab *s = list->first;

    if (s == NULL)
        return NULL;
    list->first = (struct xmb_slab *)(void *)s->data;
    list->count--;
    ASAN_UNPOISON_MEMORY_REGION(slab_memory(s), s->capacity_bytes);
    return s;
}

static int to_list(struct xmb_slab *s, unsigned at)
{
    struct slab_list *list = &lists[at];

    if (list->count >= (at < CLASS_COUNT ? classes[at].keep_count : STEP_KEEP_COUNT))
        return 0;
    if (!thread_known)
        know_thread();
    s->data = (uint8_t *)list->first;
    list->first = s;
    list->count++;
    ASAN_POISON_MEMORY_REGION(slab_memory(s), s->capacity_bytes);
    return 1;
}

/* From list `at`, if it has one. */
static struct xmb_slab *make(size_t capacity_bytes, unsigned at)
{
    struct xmb_slab *s = at < LIST_COUNT ? from_list(at) : NULL;

    if (s == NULL) {
        if (capacity_bytes > UINT32_MAX)
            return NULL;
        s = malloc(sizeof *s + capacity_bytes);
        if (s == NULL)
            return NULL;
        atomic_fetch_add_explicit(&mallocs, 1, memory_order_relaxed);
    }
    s->capacity_bytes = (uint32_t)capacity_bytes;
    s->data = slab_memory(s);
    atomic_init(&s->refs, 1);
    return s;
}

struct xmb_slab *slab_new(size_t capacity_bytes)
{
    unsigned class = class_for(capacity_bytes);

    if (class == CLASS_COUNT)
        return make(capacity_bytes, LIST_COUNT);
    return make(classes[class].bytes, class);
}

struct xmb_slab *slab_new_snug(size_t capacity_bytes)
{
    size_t steps = capacity_bytes > 0 ? (capacity_bytes - 1) / STEP_BYTES + 1 : 1;

    if (steps > STEP_COUNT)
        return make(capacity_bytes, LIST_COUNT);
    return make(steps * STEP_BYTES, list_for((uint32_t)steps * STEP_BYTES));
}

struct xmb_slab *slab_hold(struct xmb_slab *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void slab_release(struct xmb_slab *s)
{
    unsigned at;

    if (s == NULL)
        return;
    /* The only owner needs no locked instruction: nobody else can add a reference. */
    if (atomic_load_explicit(&s->refs, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    at = list_for(s->capacity_bytes);
    if (at == LIST_COUNT || !to_list(s, at))
        free(s);
}

int slab_is_shared(const struct xmb_slab *s)
{
    return atomic_load_explicit(&s->refs, memory_order_acquire) > 1;
}

uint64_t slab_malloc_count(void)
{
    return atomic_load_explicit(&mallocs, memory_order_relaxed);
}

void slab_thread_fini(void)
{
    struct xmb_slab *s;
    unsigned i;

    for (i = 0; i < LIST_COUNT; i++)
        while ((s = from_list(i)) != NULL)
            free(s);
    thread_known = 0;
}
