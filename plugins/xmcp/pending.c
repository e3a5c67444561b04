/* SPDX-License-Identifier: MIT */
/*
 * pending.c - see pending.h. Numbers run on over 32 bits; only their differences count.
 */
#include <stdlib.h>

#include "answer.h"
#include "pending.h"

static struct ring *take_ring(struct worker *w)
{
    struct ring *r = w->free_rings;

    if (r == NULL)
        return calloc(1, sizeof(*r));
    w->free_rings = r->next_free;
    w->free_ring_count--;
    return r;
}

static void give_back(struct session *s)
{
    struct worker *w = s->worker;
    struct ring *r = s->ring;

    s->ring = NULL;
    if (w->free_ring_count >= XS_RINGS_KEPT) {
        free(r);
        return;
    }
    r->next_free = w->free_rings;
    w->free_rings = r;
    w->free_ring_count++;
}

static struct pending *slot(struct ring *r, uint32_t number)
{
    return &r->slots[number % XS_RING_SLOTS];
}

struct pending *xs_pending_add(struct session *s, uint64_t *tag)
{
    struct pending *p;

    if (s->ring == NULL) {
        s->ring = take_ring(s->worker);
        if (s->ring == NULL)
            return NULL;
        s->ring->count = 0;
    }
    *tag = (uint32_t)(s->ring->first + s->ring->count);
    p = slot(s->ring, s->ring->first + s->ring->count);
    s->ring->count++;
    p->waiting = 1;
    return p;
}

void xs_pending_undo(struct session *s)
{
    s->ring->count--;
    if (s->ring->count == 0)
        give_back(s);
}

void xs_pending_add_ready(struct session *s, const struct answer *a)
{
    uint64_t tag;
    struct pending *p = xs_pending_add(s, &tag);

    if (p == NULL)
        return;
    p->answer = *a;
    p->waiting = 0;
}

struct pending *xs_pending_find(struct session *s, uint64_t tag)
{
    struct ring *r = s->ring;

    if (r == NULL || (uint32_t)tag - r->first >= r->count)
        return NULL;
    return slot(r, (uint32_t)tag);
}

/* While anything is in the ring it stays ours, so its first answer is always to be sent first. */
void xs_pending_flush(struct session *s)
{
    struct pending *p;

    while (s->ring != NULL) {
        p = slot(s->ring, s->ring->first);
        if (p->waiting || xs_answer_write(s, &p->answer) != 0)
            return;
        s->ring->first++;
        s->ring->count--;
        if (s->ring->count == 0)
            give_back(s);
    }
}

void xs_pending_clear(struct session *s)
{
    if (s->ring != NULL)
        give_back(s);
}
