/* SPDX-License-Identifier: MIT */
/*
 * timer.h - many cheap timers on one loop: a hierarchical wheel driven by one uv_timer.
 *
 * Starting, stopping and restarting is O(1) and makes no system call; 100,000
 * keepalive deadlines cost a list node each. A timer_node is embedded in what it times.
 */
#ifndef BROKER_TIMER_H
#define BROKER_TIMER_H

#include "loop/loop.h"

struct timer_node {
    struct timer_node *next;
    struct timer_node **prev; /* NULL: not running */
    uint64_t due_ms;
    void (*fn)(struct timer_node *node);
};

struct timer_wheel *timer_wheel_new(struct loop *loop); /* NULL: out of memory */
void timer_wheel_free(struct timer_wheel *wheel);       /* timers still running never fire */
/* (Re)starts `node` to call its fn once, `delay_ms` from now; never early. */
void timer_start(struct timer_wheel *wheel, struct timer_node *node, uint64_t delay_ms);
void timer_stop(struct timer_wheel *wheel, struct timer_node *node); /* fine when not running */
size_t timer_wheel_count(const struct timer_wheel *wheel);

#endif
