/* SPDX-License-Identifier: MIT */
/*
 * timers.c - the binary heap of timers.h. A timer knows its place, so that disarming one costs no
 * search. Timers of the same millisecond come out in an order that only depends on the calls.
 */
#include <assert.h>
#include <stdlib.h>

#include <xmb/types.h>

#include "timers.h"

int se_timers_reserve(struct se_timers *t, uint32_t more)
{
    struct se_timer **heap;
    uint32_t room = t->room != 0 ? t->room : 16;

    while (room < t->reserved + more + 1)
        room *= 2;
    if (room != t->room) {
        heap = realloc(t->heap, room * sizeof(struct se_timer *));
        if (heap == NULL)
            return XMB_ENOMEM;
        t->heap = heap;
        t->room = room;
    }
    t->reserved += more;
    return 0;
}

void se_timers_unreserve(struct se_timers *t, uint32_t fewer)
{
    assert(t->reserved >= fewer && t->count <= t->reserved - fewer);
    t->reserved -= fewer;
}

void se_timers_free(struct se_timers *t)
{
    free(t->heap);
    t->heap = NULL;
    t->count = t->reserved = t->room = 0;
}

static void put(struct se_timers *t, uint32_t place, struct se_timer *timer)
{
    t->heap[place] = timer;
    timer->place = place;
}

static void rise(struct se_timers *t, uint32_t place)
{
    struct se_timer *timer = t->heap[place];

    while (place > 1 && t->heap[place / 2]->at_ms > timer->at_ms) {
        put(t, place, t->heap[place / 2]);
        place /= 2;
    }
    put(t, place, timer);
}

static void sink(struct se_timers *t, uint32_t place)
{
    struct se_timer *timer = t->heap[place];
    uint32_t child;

    while ((child = place * 2) <= t->count) {
        if (child < t->count && t->heap[child + 1]->at_ms < t->heap[child]->at_ms)
            child++;
        if (t->heap[child]->at_ms >= timer->at_ms)
            break;
        put(t, place, t->heap[child]);
        place = child;
    }
    put(t, place, timer);
}

void se_timer_arm(struct se_timers *t, struct se_timer *timer, uint64_t at_ms)
{
    if (timer->place == 0) {
        assert(t->count < t->reserved);
        put(t, ++t->count, timer);
    }
    timer->at_ms = at_ms;
    rise(t, timer->place);
    sink(t, timer->place);
}

void se_timer_disarm(struct se_timers *t, struct se_timer *timer)
{
    uint32_t place = timer->place;
    struct se_timer *last;

    if (place == 0)
        return;
    timer->place = 0;
    last = t->heap[t->count--];
    if (last == timer)
        return;
    put(t, place, last);
    rise(t, place);
    sink(t, last->place);
}

struct se_timer *se_timers_expired(struct se_timers *t, uint64_t now_ms)
{
    struct se_timer *timer;

    if (t->count == 0 || t->heap[1]->at_ms > now_ms)
        return NULL;
    timer = t->heap[1];
    se_timer_disarm(t, timer);
    return timer;
}

uint64_t se_timers_next(const struct se_timers *t)
{
    return t->count != 0 ? t->heap[1]->at_ms : 0;
}
