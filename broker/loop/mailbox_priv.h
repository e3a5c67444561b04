/* SPDX-License-Identifier: MIT */
/*
 * mailbox_priv.h - what loop.c, worker.c and mailbox.c share.
 *
 * The mailbox is a stack that any thread pushes to with one compare-and-swap,
 * and that the loop takes whole with one exchange and turns over, which gives
 * back the order of posting. The word that holds the stack also says whether
 * the loop is awake:
 *
 *     NULL            asleep, nothing waits: whoever pushes wakes it
 *     MAIL_BUSY       awake, nothing waits: the loop will look again by itself
 *     a message       waits; the last one's `next` is NULL or MAIL_BUSY
 *
 * so a burst costs one wake-up. The gate, a word in struct loop, counts the
 * bytes that wait and keeps late comers out; it outlives the mailbox.
 */
#ifndef BROKER_LOOP_MAILBOX_PRIV_H
#define BROKER_LOOP_MAILBOX_PRIV_H

#include "loop/loop.h"

#define GATE_SHUT (UINT64_C(1) << 63)     /* nothing is taken any more */
#define GATE_STOPPING (UINT64_C(1) << 62) /* only loop_post_must */
#define GATE_BYTES (GATE_STOPPING - 1)

#define MAIL_COST_MAX ((size_t)1 << 30)
#define MAIL_BATCH 256 /* messages in one turn before I/O has its chance */

struct xmb_module;

/* One message, and all that a post of a plugin needs, so that none is wrapped in another. */
struct mail {
    struct mail *next;
    void (*run)(struct loop *loop, const struct mail *m); /* loop NULL: it ended first */
    void (*fn)(void); /* of the type that `run` casts it to */
    void *arg;
    const struct xmb_module *module;
    size_t cost_bytes;
};

int mailbox_init(struct loop *loop, size_t max_bytes);
/* Posts a copy of `*m`; its `next` is not used. Errors as loop_post. */
int mailbox_post(struct loop *loop, const struct mail *m, int must);
/* Makes the loop run once more without sleeping. Thread: the loop's. */
void mailbox_kick(struct loop *loop);
/* Shuts the gate for good, waits for posters inside, closes the handle. Thread: the loop's. */
void mailbox_close(struct loop *loop);
/* Runs what is left with loop == NULL and frees; once the handle is closed. Thread: who joins. */
void mailbox_free(struct loop *loop);
/* Starts a thread that no signal is delivered to. XMB_EIO. In loop.c. */
int loop_thread_start(uv_thread_t *thread, void (*fn)(void *arg), void *arg);
/* How often a post had to wake this loop. Thread: any. */
uint64_t mailbox_wake_count(const struct loop *loop);
/* List nodes asked of malloc by this process so far, for the "no allocation" proof. Thread: any. */
uint64_t mailbox_malloc_count(void);

#endif
