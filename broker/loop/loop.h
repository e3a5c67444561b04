/* SPDX-License-Identifier: MIT */
/*
 * loop.h - one thread with one libuv loop and one mailbox.
 *
 * The control thread, the routing loop and each worker are loops. All that
 * crosses threads is a post: a function, an argument and what it costs in
 * memory. Posts from one thread to one loop keep their order. The mailbox is
 * bounded in bytes; a burst wakes the loop once.
 */
#ifndef BROKER_LOOP_H
#define BROKER_LOOP_H

#include <stdatomic.h>
#include <uv.h>
#include <xmb/types.h>

struct loop;

/* Runs on the loop; `loop` is NULL when the loop ended first: only free `arg` then. */
typedef void loop_fn(struct loop *loop, void *arg);

/* A hook that runs at the end of each loop turn in which it was armed: output is flushed here. */
struct loop_hook {
    void (*fn)(struct loop_hook *hook);
    struct loop_hook *next;
    int armed;
};

struct mailbox; /* mailbox_priv.h */

struct loop {
    uv_loop_t uv;
    uv_thread_t thread;
    const char *name; /* static text: "control", "routing", "worker 0" */
    _Atomic uint64_t gate; /* bytes that wait, and whether posts are taken: mailbox_priv.h */
    size_t mailbox_bytes;  /* their bound */
    struct mailbox *mailbox;
    uv_check_t turn_end;
    uv_prepare_t turn_end_before_poll;
    struct loop_hook *hooks;
    struct loop_hook **hooks_end;
    int running; /* set by loop_start: it has a thread of its own */
    int closed;  /* its handles are closed */
    /*
     * Called on the loop's thread when the loop has ended and its mailbox is shut: the
     * place to close what lives there. The uv loop runs on until every handle is closed.
     * NULL: nothing to do. Set between loop_init and loop_start.
     */
    void (*ended)(struct loop *loop);
};

/* Prepares a loop, not running. `mailbox_bytes` bounds what waits. XMB_ENOMEM, XMB_EIO. */
int loop_init(struct loop *loop, const char *name, size_t mailbox_bytes);
/* Starts a thread that runs it; posts made before are run first. */
int loop_start(struct loop *loop);
/* Runs it on the calling thread until loop_stop (the control loop). */
void loop_run(struct loop *loop);
/*
 * Asks it to end after the mailbox is empty: from now on loop_post is refused, and once the
 * mailbox was found empty loop_post_must is too. Thread: any.
 */
void loop_stop(struct loop *loop);
/*
 * Waits for its thread, runs left-over posts with loop == NULL and frees what is inside;
 * for a loop that ran on the calling thread it closes the handles first. Whoever posts to it
 * later gets XMB_ECANCELED, as long as the memory of `loop` itself is there.
 */
void loop_join(struct loop *loop);
/*
 * `cost_bytes` is what the message holds, at most 1 GiB; a message larger than the whole
 * bound is taken by an empty mailbox. XMB_EAGAIN: full; XMB_ECANCELED: ending; XMB_ENOMEM.
 * After an error nothing was taken. Thread: any.
 */
int loop_post(struct loop *loop, loop_fn *fn, void *arg, size_t cost_bytes);
/*
 * As loop_post, but never refused for the bound, only (XMB_ECANCELED) when the loop has ended:
 * for answers and clean-up that must arrive. Its use must be bounded by something else. When
 * there is no memory for the list node, which is 64 bytes, the process ends.
 */
int loop_post_must(struct loop *loop, loop_fn *fn, void *arg, size_t cost_bytes);
/*
 * Would loop_post take `cost_bytes` now? 0, or the error it would give: for messages that are
 * gathered first and go together, by loop_post_must. Thread: any.
 */
int loop_may_post(const struct loop *loop, size_t cost_bytes);
/* Monotonic, cached once a turn. Thread: the loop's. */
uint64_t loop_now_ms(const struct loop *loop);
/* Runs `hook` once at the end of this turn; armed already: nothing. Thread: the loop's. */
void loop_at_turn_end(struct loop *loop, struct loop_hook *hook);
/*
 * `hook` will not run; before its memory is freed. Not armed: nothing. Not from a hook. Thread: the
 * loop's.
 */
void loop_hook_cancel(struct loop *loop, struct loop_hook *hook);
/* 1 when the caller is on the loop's thread. */
int loop_is_current(const struct loop *loop);

/* The two loops that are always there; NULL before they are made. */
struct loop *loop_control(void);
struct loop *loop_routing(void);
int loop_routing_start(void); /* makes and starts it, with what stands in loop/routing.h */
void loop_routing_join(void); /* stops, waits, frees */
int loop_control_init(void);

/* Asserts in builds with thread checks that the caller is on this loop. */
#ifdef XMB_DEBUG
#include <assert.h>
#define LOOP_ASSERT(loop) assert(loop_is_current(loop))
#else
#define LOOP_ASSERT(loop) ((void)0)
#endif

#endif
