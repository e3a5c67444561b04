/* SPDX-License-Identifier: MIT */
/*
 * window.h - Notify and Withdraw requests that are on their way to a client and not answered.
 *
 * At most PAGE-SIZE of them. Each has a slot, and the slot's number stands in the transaction ID,
 * so the response finds it without a search:
 *
 *      0                    7        8            12
 *     +--------------------+--------+-------------+
 *     | random, a session  |  slot  |   counter   |
 *     +--------------------+--------+-------------+
 */
#ifndef XS_WINDOW_H
#define XS_WINDOW_H

#include "session.h"

#define XS_WINDOW_SLOTS_MAX 255
#define XS_WINDOW_NO_SLOT 255 /* in requests that hold no slot: the revokes */

struct window_slot {
    uint32_t counter; /* of the message; 0: the slot is free */
    uint32_t sent_ms; /* low bits of the time, or the next free slot */
};

struct window {
    uint32_t counter; /* of the last message */
    uint16_t slot_count;
    uint16_t outstanding;
    uint16_t free_first; /* XS_WINDOW_NO_SLOT: none */
    struct window_slot slots[];
};

/* 1 when one more may be sent. */
static inline int xs_window_open(const struct session *s)
{
    return (s->window != NULL ? s->window->outstanding : 0) < s->page_size;
}

/* Takes a slot of an open window and sets the transaction ID. XMB_ENOMEM. */
int xs_window_take(struct session *s, uint8_t transaction[XMCP_TRANSACTION_BYTES]);
/* Gives back the slot that was taken last; its message was not sent. */
void xs_window_undo(struct session *s, const uint8_t transaction[XMCP_TRANSACTION_BYTES]);
/* The response to `transaction` has come. 1: the slot is free now; 0: nobody waits for it. */
int xs_window_answered(struct session *s, const uint8_t transaction[XMCP_TRANSACTION_BYTES]);
/*
 * Frees the slots that are older than `age_ms` and returns how many there were. *rest_ms becomes
 * the time until the next one is, 0 when none is outstanding.
 */
uint32_t xs_window_expire(struct session *s, uint32_t age_ms, uint32_t *rest_ms);
/* Writes a transaction ID. */
void xs_window_transaction(const struct session *s, unsigned slot, uint32_t counter,
                           uint8_t transaction[XMCP_TRANSACTION_BYTES]);

#endif
