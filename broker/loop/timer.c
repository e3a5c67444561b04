/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the wheel: 11 levels of 64 slots, one for each 6 bits of the time.
 *
 * A timer stands on the level of the highest bit in which its time differs
 * from the wheel's, in the slot of its own 6 bits there. All slots of a level lie
 * ahead of the wheel's time, so the next event is the first used slot of the lowest
 * used level: two bit scans. When the wheel comes to a slot of level 0 its timers
 * fire; to one of a higher level, they move down.
 *
 * One uv_timer sleeps until that next event. It is armed again only for an
 * earlier one, so restarting a deadline a million times is a million list moves.
 * Without timers nothing wakes the loop. A stopped timer leaves its slot's bit, and
 * perhaps one idle wake-up, behind; the next look clears it.
 *
 * Never early: a delay counts from the clock, not from the cached time of the
 * turn, and is rounded up to whole milliseconds.
 */
#include "loop/timer.h"

#include <assert.h>
#include <stdlib.h>

#define LEVEL_BITS 6
#define LEVEL_COUNT 11 /* 66 bits: all of the time */
#define SLOT_COUNT 64
#define SLOT_MASK (SLOT_COUNT - 1)
#define FIRE_BATCH 1024 /* callbacks in one turn before I/O has its chance */
#define NEVER UINT64_MAX
#define DELAY_MAX_MS (UINT64_C(1) << 62)

struct timer_wheel {
    uv_timer_t tick;
    uint64_t now_ms;   /* all slots up to here have been dealt with */
    uint64_t armed_ms; /* when `tick` goes off; NEVER: not running */
    size_t count;
    int firing_now;
    struct timer_node *firing; /* due, not called yet */
    uint64_t used[LEVEL_COUNT]; /* a bit for each slot that may hold a timer */
    struct timer_node *slots[LEVEL_COUNT][SLOT_COUNT];
};

static void on_tick(uv_timer_t *tick);

static void link_node(struct timer_node **head, struct timer_node *node)
{
    node->next = *head;
    node->prev = head;
    if (node->next != NULL)
        node->next->prev = &node->next;
    *head = node;
}

static void unlink_node(struct timer_node *node)
{
    *node->prev = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    node->next = NULL;
    node->prev = NULL;
}

/* `node->due_ms` is ahead of the wheel's time. */
static void place(struct timer_wheel *wheel, struct timer_node *node)
{
    unsigned top_bit = 63 - (unsigned)__builtin_clzll(node->due_ms ^ wheel->now_ms);
    unsigned level = top_bit / LEVEL_BITS;
    unsigned slot = (unsigned)(node->due_ms >> (level * LEVEL_BITS)) & SLOT_MASK;

    link_node(&wheel->slots[level][slot], node);
    wheel->used[level] |= UINT64_C(1) << slot;
}

/* The next event: its time, or NEVER; where, in `*level_out` and `*slot_out`. */
static uint64_t next_event(struct timer_wheel *wheel, unsigned *level_out, unsigned *slot_out)
{
    unsigned level;

    for (level = 0; level < LEVEL_COUNT; level++) {
        while (wheel->used[level] != 0) {
            unsigned slot = (unsigned)__builtin_ctzll(wheel->used[level]);
            unsigned shift = level * LEVEL_BITS;
            uint64_t above = shift + LEVEL_BITS < 64 ? ~UINT64_C(0) << (shift + LEVEL_BITS) : 0;

            if (wheel->slots[level][slot] != NULL) {
                *level_out = level;
                *slot_out = slot;
                return (wheel->now_ms & above) | ((uint64_t)slot << shift);
            }
            wheel->used[level] &= wheel->used[level] - 1;
        }
    }
    return NEVER;
}

/* The wheel's time has come to this slot: what is due fires, the rest moves down. */
static void empty_slot(struct timer_wheel *wheel, unsigned level, unsigned slot)
{
    struct timer_node **head = &wheel->slots[level][slot];
    struct timer_node *node;

    wheel->used[level] &= ~(UINT64_C(1) << slot);
    while ((node = *head) != NULL) {
        unlink_node(node);
        if (node->due_ms <= wheel->now_ms)
            link_node(&wheel->firing, node);
        else
            place(wheel, node);
    }
}

/* Calls what is due until `*budget` is used up. */
static void fire(struct timer_wheel *wheel, unsigned *budget)
{
    while (wheel->firing != NULL && *budget != 0) {
        struct timer_node *node = wheel->firing;

        unlink_node(node);
        wheel->count--;
        --*budget;
        node->fn(node); /* may free the node, and start or stop any */
    }
}

static void arm(struct timer_wheel *wheel, uint64_t at_ms)
{
    uint64_t now_ms = uv_now(wheel->tick.loop);

    wheel->armed_ms = at_ms;
    uv_timer_start(&wheel->tick, on_tick, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

/* Moves the wheel to `to_ms` as far as the budget allows. */
static void advance(struct timer_wheel *wheel, uint64_t to_ms)
{
    unsigned budget = FIRE_BATCH;
    unsigned level;
    unsigned slot;

    for (;;) {
        uint64_t at_ms;

        fire(wheel, &budget);
        if (wheel->firing != NULL)
            return;
        at_ms = next_event(wheel, &level, &slot);
        if (at_ms > to_ms)
            break;
        wheel->now_ms = at_ms;
        empty_slot(wheel, level, slot);
    }
    if (to_ms > wheel->now_ms)
        wheel->now_ms = to_ms;
}

static void on_tick(uv_timer_t *tick)
{
    struct timer_wheel *wheel = tick->data;
    uint64_t now_ms = uv_now(tick->loop);
    uint64_t at_ms;
    unsigned level;
    unsigned slot;

    wheel->armed_ms = NEVER;
    wheel->firing_now = 1;
    advance(wheel, now_ms);
    wheel->firing_now = 0;
    /* Zero would run again in this very turn: libuv calls timers until none is due. */
    at_ms = wheel->firing != NULL ? now_ms + 1 : next_event(wheel, &level, &slot);
    if (at_ms != NEVER)
        arm(wheel, at_ms > now_ms ? at_ms : now_ms + 1);
}

void timer_start(struct timer_wheel *wheel, struct timer_node *node, uint64_t delay_ms)
{
    uint64_t clock_ms = (uv_hrtime() + 999999) / 1000000;
    uint64_t at_ms;
    unsigned level;
    unsigned slot;

    timer_stop(wheel, node);
    /* An empty wheel catches up, so that the first timer is not placed needlessly high. */
    if (wheel->count == 0 && !wheel->firing_now && uv_now(wheel->tick.loop) > wheel->now_ms)
        wheel->now_ms = uv_now(wheel->tick.loop);
    node->due_ms = clock_ms + (delay_ms < DELAY_MAX_MS ? delay_ms : DELAY_MAX_MS);
    if (node->due_ms <= wheel->now_ms)
        node->due_ms = wheel->now_ms + 1;
    place(wheel, node);
    wheel->count++;
    if (wheel->firing_now || node->due_ms >= wheel->armed_ms)
        return;
    at_ms = next_event(wheel, &level, &slot);
    if (at_ms < wheel->armed_ms)
        arm(wheel, at_ms);
}

void timer_stop(struct timer_wheel *wheel, struct timer_node *node)
{
    if (node->prev == NULL)
        return;
    unlink_node(node);
    wheel->count--;
}

size_t timer_wheel_count(const struct timer_wheel *wheel)
{
    return wheel->count;
}

struct timer_wheel *timer_wheel_new(struct loop *loop)
{
    struct timer_wheel *wheel = calloc(1, sizeof *wheel);

    if (wheel == NULL)
        return NULL;
    uv_timer_init(&loop->uv, &wheel->tick);
    wheel->tick.data = wheel;
    wheel->now_ms = uv_now(&loop->uv);
    wheel->armed_ms = NEVER;
    return wheel;
}

static void closed(uv_handle_t *tick)
{
    free(tick->data);
}

/* Nodes are unlinked, so that stopping one later does not touch freed memory. */
static void forget(struct timer_node **head)
{
    while (*head != NULL)
        unlink_node(*head);
}

void timer_wheel_free(struct timer_wheel *wheel)
{
    unsigned level;
    unsigned slot;

    if (wheel == NULL)
        return;
    for (level = 0; level < LEVEL_COUNT; level++)
        for (slot = 0; slot < SLOT_COUNT; slot++)
            forget(&wheel->slots[level][slot]);
    forget(&wheel->firing);
    wheel->count = 0;
    uv_close((uv_handle_t *)&wheel->tick, closed);
}
