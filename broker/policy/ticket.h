/* SPDX-License-Identifier: MIT */
/*
 * ticket.h - what stands behind a struct xmb_ticket.
 *
 * A ticket is handed to a plugin, which gives it back once, from any thread, at
 * any time: also when the thread that waits for it has long ended. It therefore
 * never points to a worker; it holds a counted box with the address of a loop,
 * which that loop's owner empties before it ends.
 *
 * The policy chain and the domain router each embed the base in a ticket of
 * their own. The kind tells them apart, so that a plugin that mixes them up
 * is stopped at once.
 */
#ifndef BROKER_TICKET_H
#define BROKER_TICKET_H

#include "loop/loop.h"

enum ticket_kind { TICKET_POLICY = 0x706f6c31, TICKET_ROUTER = 0x726f7531 };

struct ticket_box;

struct xmb_ticket {
    uint32_t kind;           /* enum ticket_kind; first, checked in every build */
    _Atomic uint32_t given;  /* set by the plugin's answer: a second one is a bug of the plugin */
    struct ticket_box *box;  /* a reference */
};

/* A box for `loop` with one reference; NULL when out of memory. */
struct ticket_box *ticket_box_new(struct loop *loop);
struct ticket_box *ticket_box_hold(struct ticket_box *box);
void ticket_box_release(struct ticket_box *box); /* NULL is fine */
/* The loop ends: nothing is posted to it through this box from now on. Thread: the loop's. */
void ticket_box_close(struct ticket_box *box);

/* Posts to the loop. Negative: it has ended, `arg` is still the caller's. Thread: any. */
int ticket_box_post(struct ticket_box *box, loop_fn *fn, void *arg, size_t cost_bytes);

/* Prepares the base: takes a reference of the box. */
void ticket_init(struct xmb_ticket *t, enum ticket_kind kind, struct ticket_box *box);
/*
 * A plugin gave `t` back: aborts with the plugin's name in the crash report when it is of
 * another kind, or was given back before. Thread: any.
 */
void ticket_give(struct xmb_ticket *t, enum ticket_kind kind);
/*
 * Brings `arg`, which contains `t`, to the loop. Negative: the loop has ended and `arg` is
 * still the caller's. Thread: any.
 */
int ticket_post(struct xmb_ticket *t, loop_fn *fn, void *arg, size_t cost_bytes);
/* Drops what the base holds. */
void ticket_fini(struct xmb_ticket *t);

#endif
