/* SPDX-License-Identifier: MIT */
/*
 * mailbox.c - many threads post, one loop runs: without lock, malloc or system
 * call a message.
 *
 * Messages are nodes. The loop gives them back on a second stack, from which a
 * thread that has run out takes all; each thread keeps them in a list of its
 * own. So nodes go round, and malloc is asked only while the number in flight
 * still grows.
 *
 * Both stacks are pushed to by compare-and-swap and emptied by an exchange of
 * the whole, never popped one by one, so a node that comes round again (ABA)
 * does no harm. Every hand-over is a release that an acquire reads; there is
 * no stand-alone fence, which ThreadSanitizer could not follow.
 *
 * Life: a poster's bytes are in the gate before it touches the mailbox, and
 * leave it after. mailbox_close waits until the gate holds nothing but what is
 * left over: then nobody is inside, and nobody comes in any more.
 */
#include "loop/mailbox_priv.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define NODES_KEPT 256       /* that a thread keeps for itself */
#define NODES_GIVEN 64       /* given back at once */
#define NODES_SPARE 65536    /* on the second stack; beyond it nodes are freed */

struct mailbox {
    uv_async_t wake;
    struct mail *taken; /* taken from the stack, in order; the loop's own */
    _Alignas(64) _Atomic(struct mail *) stack;
    _Alignas(64) _Atomic(struct mail *) spare;
    _Atomic size_t spare_count; /* about */
    _Atomic uint64_t wake_count;
};

static _Atomic uint64_t node_mallocs;
static struct mail busy; /* MAIL_BUSY: its address is all that counts */
#define MAIL_BUSY (&busy)

/* --- nodes ------------------------------------------------------------------------------- */

static _Thread_local struct mail *kept;
static _Thread_local size_t kept_count; /* at least that many, unless a whole stack was taken */
static _Thread_local int thread_known;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static int have_key;

static void free_nodes(struct mail *m)
{
    while (m != NULL) {
        struct mail *next = m->next;

        free(m);
        m = next;
    }
}

static void thread_ended(void *unused)
{
    (void)unused;
    free_nodes(kept);
    kept = NULL;
    kept_count = 0;
    thread_known = 0;
}

static void make_key(void)
{
    have_key = pthread_key_create(&thread_key, thread_ended) == 0;
}

static void know_thread(void)
{
    pthread_once(&once, make_key);
    if (have_key)
        pthread_setspecific(thread_key, &thread_known);
    thread_known = 1;
}

static struct mail *node_new(struct mailbox *box)
{
    struct mail *m;

    if (kept == NULL && atomic_load_explicit(&box->spare, memory_order_relaxed) != NULL) {
        if (!thread_known)
            know_thread();
        kept = atomic_exchange_explicit(&box->spare, NULL, memory_order_acquire);
        kept_count = NODES_KEPT;
        atomic_store_explicit(&box->spare_count, 0, memory_order_relaxed);
    }
    m = kept;
    if (m == NULL) {
        atomic_fetch_add_explicit(&node_mallocs, 1, memory_order_relaxed);
        return malloc(sizeof *m);
    }
    kept = m->next;
    if (kept_count != 0)
        kept_count--;
    return m;
}

static void node_keep(struct mail *m)
{
    if (!thread_known)
        know_thread();
    m->next = kept;
    kept = m;
    kept_count++;
}

/* Nodes that a batch has used, on their way back. */
struct used {
    struct mail *first;
    struct mail *last;
    size_t count;
    size_t bytes;
};

static void used_give_back(struct mailbox *box, struct used *u)
{
    struct mail *top;

    if (u->first == NULL)
        return;
    if (atomic_load_explicit(&box->spare_count, memory_order_relaxed) >= NODES_SPARE) {
        free_nodes(u->first);
    } else {
        top = atomic_load_explicit(&box->spare, memory_order_relaxed);
        do
            u->last->next = top;
        while (!atomic_compare_exchange_weak_explicit(&box->spare, &top, u->first,
                                                      memory_order_release, memory_order_relaxed));
        atomic_fetch_add_explicit(&box->spare_count, u->count, memory_order_relaxed);
    }
    u->first = u->last = NULL;
    u->count = 0;
}

static void used_add(struct mailbox *box, struct used *u, struct mail *m)
{
    u->bytes += m->cost_bytes;
    if (kept_count < NODES_KEPT) {
        node_keep(m);
        return;
    }
    m->next = u->first;
    u->first = m;
    if (u->last == NULL)
        u->last = m;
    if (++u->count == NODES_GIVEN)
        used_give_back(box, u);
}

/* --- posting ----------------------------------------------------------------------------- */

static void gate_leave(struct loop *loop, size_t bytes)
{
    atomic_fetch_sub_explicit(&loop->gate, bytes, memory_order_release);
}

/* May `bytes` more come in where the gate was at `was`? */
static int gate_judge(const struct loop *loop, uint64_t was, size_t bytes, int must)
{
    if ((was & GATE_SHUT) != 0 || (!must && (was & GATE_STOPPING) != 0))
        return XMB_ECANCELED;
    if (!must && (was & GATE_BYTES) != 0 && (was & GATE_BYTES) + bytes > loop->mailbox_bytes)
        return XMB_EAGAIN;
    return 0;
}

/* Counts `bytes` in, or says why not. */
static int gate_enter(struct loop *loop, size_t bytes, int must)
{
    uint64_t was = atomic_fetch_add_explicit(&loop->gate, bytes, memory_order_acquire);
    int rc = gate_judge(loop, was, bytes, must);

    if (rc < 0)
        gate_leave(loop, bytes);
    return rc;
}

int loop_may_post(const struct loop *loop, size_t cost_bytes)
{
    uint64_t gate = atomic_load_explicit(&loop->gate, memory_order_relaxed);

    return gate_judge(loop, gate, cost_bytes, 0);
}

/* The caller has bytes in the gate. */
static void wake(struct mailbox *box)
{
    int rc;

    atomic_fetch_add_explicit(&box->wake_count, 1, memory_order_relaxed);
    rc = uv_async_send(&box->wake);
    assert(rc == 0);
    (void)rc;
}

static void push(struct loop *loop, struct mail *m)
{
    struct mailbox *box = loop->mailbox;
    struct mail *top = atomic_load_explicit(&box->stack, memory_order_relaxed);

    for (;;) {
        int asleep = top == NULL;

        /* Once pushed, the message may be run and its bytes leave the gate at any time. Who
         * has to wake the loop touches the mailbox after that: one byte more holds it. */
        if (asleep)
            atomic_fetch_add_explicit(&loop->gate, 1, memory_order_relaxed);
        m->next = top;
        if (atomic_compare_exchange_weak_explicit(&box->stack, &top, m, memory_order_release,
                                                  memory_order_relaxed)) {
            if (asleep) {
                wake(box);
                gate_leave(loop, 1);
            }
            return;
        }
        if (asleep)
            gate_leave(loop, 1);
    }
}

int mailbox_post(struct loop *loop, const struct mail *m, int must)
{
    size_t cost = m->cost_bytes < MAIL_COST_MAX ? m->cost_bytes : MAIL_COST_MAX;
    struct mail *node;
    int rc;

    cost += sizeof *node;
    rc = gate_enter(loop, cost, must);
    if (rc < 0)
        return rc;
    node = node_new(loop->mailbox);
    if (node == NULL) {
        if (must) {
            fprintf(stderr, "xmbd: out of memory for a message that must arrive; ending\n");
            abort();
        }
        gate_leave(loop, cost);
        return XMB_ENOMEM;
    }
    *node = *m;
    node->cost_bytes = cost;
    push(loop, node);
    return 0;
}

/* --- the loop's side --------------------------------------------------------------------- */

/* Takes all that waits, oldest first. The stack is left at MAIL_BUSY. */
static struct mail *take_all(struct mailbox *box)
{
    struct mail *m = atomic_exchange_explicit(&box->stack, MAIL_BUSY, memory_order_acquire);
    struct mail *in_order = NULL;

    while (m != NULL && m != MAIL_BUSY) {
        struct mail *next = m->next;

        m->next = in_order;
        in_order = m;
        m = next;
    }
    return in_order;
}

/* 1 when nothing came meanwhile: from now on a post wakes the loop. */
static int fall_asleep(struct mailbox *box)
{
    struct mail *expected = MAIL_BUSY;

    return atomic_compare_exchange_strong_explicit(&box->stack, &expected, NULL,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

static struct mail *take(struct mailbox *box)
{
    struct mail *m = box->taken;

    if (m == NULL)
        m = take_all(box);
    if (m != NULL)
        box->taken = m->next;
    return m;
}

/* Runs up to a batch; 1 when the mailbox was left empty and asleep. */
static int run_batch(struct loop *loop, struct used *u)
{
    struct mailbox *box = loop->mailbox;
    int n;

    for (n = 0; n < MAIL_BATCH; n++) {
        struct mail *m = take(box);

        if (m == NULL) {
            if (fall_asleep(box))
                return 1;
            continue;
        }
        m->run(loop, m);
        used_add(box, u, m);
    }
    return 0;
}

static void deliver(struct loop *loop)
{
    struct used u = {NULL, NULL, 0, 0};
    int empty = run_batch(loop, &u);

    used_give_back(loop->mailbox, &u);
    gate_leave(loop, u.bytes);
    if (!empty) {
        mailbox_kick(loop);
    } else if ((atomic_load_explicit(&loop->gate, memory_order_acquire) & GATE_STOPPING) != 0) {
        atomic_fetch_or_explicit(&loop->gate, GATE_SHUT, memory_order_acq_rel);
        uv_stop(&loop->uv);
    }
}

static void on_wake(uv_async_t *async)
{
    deliver(async->data);
}

void mailbox_kick(struct loop *loop)
{
    if (!uv_is_closing((uv_handle_t *)&loop->mailbox->wake))
        uv_async_send(&loop->mailbox->wake);
}

int mailbox_init(struct loop *loop, size_t max_bytes)
{
    struct mailbox *box = aligned_alloc(64, (sizeof *box + 63) / 64 * 64);

    if (box == NULL)
        return XMB_ENOMEM;
    memset(box, 0, sizeof *box);
    if (uv_async_init(&loop->uv, &box->wake, on_wake) != 0) {
        free(box);
        return XMB_EIO;
    }
    box->wake.data = loop;
    loop->mailbox = box;
    loop->mailbox_bytes = max_bytes;
    atomic_store_explicit(&loop->gate, 0, memory_order_release);
    return 0;
}

/* Puts what is on the stack behind what was taken; returns the bytes of all that. */
static size_t collect(struct mailbox *box)
{
    struct mail **end = &box->taken;
    size_t bytes = 0;

    for (; *end != NULL; end = &(*end)->next)
        bytes += (*end)->cost_bytes;
    for (*end = take_all(box); *end != NULL; end = &(*end)->next)
        bytes += (*end)->cost_bytes;
    return bytes;
}

void mailbox_close(struct loop *loop)
{
    struct mailbox *box = loop->mailbox;

    atomic_fetch_or_explicit(&loop->gate, GATE_SHUT, memory_order_acq_rel);
    /* Somebody may be between the gate and the stack, or about to wake us: a few instructions. */
    while (collect(box) != (atomic_load_explicit(&loop->gate, memory_order_acquire) & GATE_BYTES))
        sched_yield();
    uv_close((uv_handle_t *)&box->wake, NULL);
}

void mailbox_free(struct loop *loop)
{
    struct mailbox *box = loop->mailbox;
    struct mail *m;

    while ((m = box->taken) != NULL) {
        size_t cost = m->cost_bytes;

        box->taken = m->next;
        m->run(NULL, m);
        free(m);
        gate_leave(loop, cost);
    }
    free_nodes(atomic_exchange_explicit(&box->spare, NULL, memory_order_acquire));
    free(box);
    loop->mailbox = NULL;
}

uint64_t mailbox_wake_count(const struct loop *loop)
{
    return atomic_load_explicit(&loop->mailbox->wake_count, memory_order_relaxed);
}

uint64_t mailbox_malloc_count(void)
{
    return atomic_load_explicit(&node_mallocs, memory_order_relaxed);
}
