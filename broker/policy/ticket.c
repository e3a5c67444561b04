/* SPDX-License-Identifier: MIT */
/*
 * ticket.c - tickets that outlive the thread that waits for them.
 *
 * The lock of a box is taken once for an answer that was late anyway, and by
 * the loop once in its life; answers given at once never come here.
 */
#include "policy/ticket.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct ticket_box {
    _Atomic uint32_t refs;
    pthread_mutex_t lock;
    struct loop *loop; /* NULL once it ended; under the lock */
};

struct ticket_box *ticket_box_new(struct loop *loop)
{
    struct ticket_box *box = calloc(1, sizeof(*box));

    if (box == NULL)
        return NULL;
    if (pthread_mutex_init(&box->lock, NULL) != 0) {
        free(box);
        return NULL;
    }
    atomic_init(&box->refs, 1);
    box->loop = loop;
    return box;
}

struct ticket_box *ticket_box_hold(struct ticket_box *box)
{
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    return box;
}

void ticket_box_release(struct ticket_box *box)
{
    if (box == NULL ||
        atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&box->lock);
    free(box);
}

void ticket_box_close(struct ticket_box *box)
{
    pthread_mutex_lock(&box->lock);
    box->loop = NULL;
    pthread_mutex_unlock(&box->lock);
}

void ticket_init(struct xmb_ticket *t, enum ticket_kind kind, struct ticket_box *box)
{
    t->kind = kind;
    atomic_init(&t->given, 0);
    t->box = ticket_box_hold(box);
}

void ticket_give(struct xmb_ticket *t, enum ticket_kind kind)
{
    if (t == NULL || t->kind != (uint32_t)kind ||
        atomic_exchange_explicit(&t->given, 1, memory_order_acq_rel) != 0) {
        fputs("xmbd: a plugin gave back a ticket that was not its own, or gave one back twice\n",
              stderr);
        abort();
    }
}

int ticket_box_post(struct ticket_box *box, loop_fn *fn, void *arg, size_t cost_bytes)
{
    int rc = XMB_ECANCELED;

    pthread_mutex_lock(&box->lock);
    if (box->loop != NULL)
        rc = loop_post_must(box->loop, fn, arg, cost_bytes);
    pthread_mutex_unlock(&box->lock);
    return rc;
}

int ticket_post(struct xmb_ticket *t, loop_fn *fn, void *arg, size_t cost_bytes)
{
    /* `arg`, and `t` in it, may be freed by the loop before the lock is left. */
    struct ticket_box *box = ticket_box_hold(t->box);
    int rc = ticket_box_post(box, fn, arg, cost_bytes);

    ticket_box_release(box);
    return rc;
}

void ticket_fini(struct xmb_ticket *t)
{
    t->kind = 0;
    ticket_box_release(t->box);
    t->box = NULL;
}
