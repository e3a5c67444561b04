/* SPDX-License-Identifier: MIT */
/*
 * window.c - see window.h. Taking and answering cost no search and no allocation; only the look for
 * unanswered ones, once an interval, goes over all slots.
 */
#include <stdlib.h>

#include "window.h"

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void xs_window_transaction(const struct session *s, unsigned slot, uint32_t counter,
                           uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    memcpy(transaction, s->prefix, sizeof(s->prefix));
    transaction[7] = (uint8_t)slot;
    put32(transaction + 8, counter);
}

static void free_slot(struct window *w, unsigned slot)
{
    w->slots[slot].counter = 0;
    w->slots[slot].sent_ms = w->free_first;
    w->free_first = (uint16_t)slot;
}

/* Makes it as large as the page size; a window never shrinks, it only fills less. */
static int grow(struct session *s)
{
    uint16_t had = s->window != NULL ? s->window->slot_count : 0;
    struct window *w = realloc(s->window,
                               sizeof(*w) + s->page_size * sizeof(struct window_slot));
    unsigned i;

    if (w == NULL)
        return XMB_ENOMEM;
    if (had == 0) {
        memset(w, 0, sizeof(*w));
        w->free_first = XS_WINDOW_NO_SLOT;
    }
    w->slot_count = s->page_size;
    for (i = s->page_size; i-- > had;)
        free_slot(w, i);
    s->window = w;
    return 0;
}

int xs_window_take(struct session *s, uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    struct window *w = s->window;
    unsigned slot;

    if (w == NULL || w->slot_count < s->page_size) {
        if (grow(s) != 0)
            return XMB_ENOMEM;
        w = s->window;
    }
    slot = w->free_first;
    w->free_first = (uint16_t)w->slots[slot].sent_ms;
    if (++w->counter == 0)
        w->counter = 1;
    w->slots[slot].counter = w->counter;
    w->slots[slot].sent_ms = (uint32_t)xs_now(s->worker);
    w->outstanding++;
    xs_window_transaction(s, slot, w->counter, transaction);
    return 0;
}

void xs_window_undo(struct session *s, const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    s->window->counter--;
    s->window->outstanding--;
    free_slot(s->window, transaction[7]);
}

int xs_window_answered(struct session *s, const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    uint32_t counter = get32(transaction + 8);
    struct window *w = s->window;
    unsigned slot = transaction[7];

    if (w == NULL || slot >= w->slot_count || counter == 0 || w->slots[slot].counter != counter)
        return 0;
    w->outstanding--;
    free_slot(w, slot);
    return 1;
}

uint32_t xs_window_expire(struct session *s, uint32_t age_ms, uint32_t *rest_ms)
{
    uint32_t now = (uint32_t)xs_now(s->worker);
    struct window *w = s->window;
    uint32_t expired = 0;
    uint32_t age;
    unsigned i;

    *rest_ms = 0;
    for (i = 0; w != NULL && i < w->slot_count; i++) {
        if (w->slots[i].counter == 0)
            continue;
        age = now - w->slots[i].sent_ms;
        if (age >= age_ms) {
            expired++;
            w->outstanding--;
            free_slot(w, i);
        } else if (*rest_ms == 0 || age_ms - age < *rest_ms) {
            *rest_ms = age_ms - age;
        }
    }
    return expired;
}
