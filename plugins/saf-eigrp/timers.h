/* SPDX-License-Identifier: MIT */
/*
 * timers.h - many deadlines and one "next": a binary heap of timers in virtual time.
 *
 * The owner embeds its timers. Room in the heap is reserved when an owner is made, so that arming
 * never fails. Nothing runs by itself: se_timers_expired hands out what is due.
 *
 * One thread at a time. No clock, no allocation but in se_timers_reserve.
 */
#ifndef SE_TIMERS_H
#define SE_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct se_timer {
    void *owner;
    uint64_t at_ms;
    uint32_t place; /* in the heap, from 1; 0: not armed */
    uint8_t kind;   /* the owner's */
};

/* Zeroed: empty. */
struct se_timers {
    struct se_timer **heap; /* heap[1] is due first */
    uint32_t count;
    uint32_t reserved; /* timers that may be armed at once */
    uint32_t room;     /* of the array */
};

/* Makes room for `more` timers that may be armed at once. XMB_ENOMEM: nothing changed. */
int se_timers_reserve(struct se_timers *t, uint32_t more);
/* They are no longer needed; none of them may be armed. */
void se_timers_unreserve(struct se_timers *t, uint32_t fewer);
void se_timers_free(struct se_timers *t);

/* Arms `timer` for `at_ms`, or moves it there. Its room was reserved. */
void se_timer_arm(struct se_timers *t, struct se_timer *timer, uint64_t at_ms);
/* Nothing happens when it is not armed. */
void se_timer_disarm(struct se_timers *t, struct se_timer *timer);

/* Takes out a timer that is due at `now_ms`, the earliest first; NULL: none is. */
struct se_timer *se_timers_expired(struct se_timers *t, uint64_t now_ms);
/* When the earliest is due; 0: none is armed. */
uint64_t se_timers_next(const struct se_timers *t);

#endif
