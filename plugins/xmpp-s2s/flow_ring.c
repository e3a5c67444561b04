/* SPDX-License-Identifier: MIT */
/*
 * flow_ring.c - the stanzas of a flow in their order: first those that were sent and are not
 * confirmed, then those that wait. A ring of records in one block that is doubled when it is full;
 * its bound in octets is flow_send.c's business.
 *
 * The gauges of stanzas waiting and unconfirmed are kept here, since nobody else moves the line
 * between them.
 */
#include "flow_priv.h"

#include <stdlib.h>

#define SMALLEST 8u

struct s2_item *s2_ring_at(const struct s2_flow *f, uint32_t i)
{
    const struct s2_ring *r = &f->ring;

    return &r->items[(r->head + i) & (r->capacity - 1)];
}

static int grow(struct s2_flow *f)
{
    struct s2_ring *r = &f->ring;
    uint32_t capacity = r->capacity == 0 ? SMALLEST : r->capacity * 2;
    struct s2_item *items;
    uint32_t i;

    if (capacity > UINT32_MAX / 2)
        return XMB_ENOMEM;
    items = malloc(capacity * sizeof(*items));
    if (items == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < r->count; i++)
        items[i] = *s2_ring_at(f, i);
    free(r->items);
    r->items = items;
    r->capacity = capacity;
    r->head = 0;
    return 0;
}

int s2_ring_push(struct s2_flow *f, const struct s2_item *it)
{
    struct s2_ring *r = &f->ring;
    int rc = r->count == r->capacity ? grow(f) : 0;

    if (rc != 0)
        return rc;
    *s2_ring_at(f, r->count) = *it;
    r->count++;
    r->wait_bytes += it->n;
    S2_COUNT(f->w, S2_M_QUEUED, 1);
    return 0;
}

void s2_ring_advance(struct s2_flow *f)
{
    struct s2_ring *r = &f->ring;
    uint32_t n = s2_ring_at(f, r->sent)->n;

    r->sent++;
    r->sent_bytes += n;
    r->wait_bytes -= n;
    S2_COUNT(f->w, S2_M_QUEUED, -1);
    S2_COUNT(f->w, S2_M_UNCONFIRMED, 1);
}

void s2_ring_rewind(struct s2_flow *f, uint32_t i)
{
    struct s2_ring *r = &f->ring;
    uint32_t n;

    while (r->sent > i) {
        n = s2_ring_at(f, --r->sent)->n;
        r->sent_bytes -= n;
        r->wait_bytes += n;
        S2_COUNT(f->w, S2_M_QUEUED, 1);
        S2_COUNT(f->w, S2_M_UNCONFIRMED, -1);
    }
}

void s2_ring_pop(struct s2_flow *f, struct s2_item *out)
{
    struct s2_ring *r = &f->ring;

    *out = *s2_ring_at(f, 0);
    r->head = (r->head + 1) & (r->capacity - 1);
    r->count--;
    if (r->sent > 0) {
        r->sent--;
        r->sent_bytes -= out->n;
        S2_COUNT(f->w, S2_M_UNCONFIRMED, -1);
    } else {
        r->wait_bytes -= out->n;
        S2_COUNT(f->w, S2_M_QUEUED, -1);
    }
}

/* Those that were sent move up by one: this is for the rare stanza that can never be sent. */
void s2_ring_pull(struct s2_flow *f, struct s2_item *out)
{
    struct s2_ring *r = &f->ring;
    uint32_t i;

    *out = *s2_ring_at(f, r->sent);
    for (i = r->sent; i > 0; i--)
        *s2_ring_at(f, i) = *s2_ring_at(f, i - 1);
    r->head = (r->head + 1) & (r->capacity - 1);
    r->count--;
    r->wait_bytes -= out->n;
    S2_COUNT(f->w, S2_M_QUEUED, -1);
}

void s2_ring_free(struct s2_flow *f)
{
    free(f->ring.items);
    memset(&f->ring, 0, sizeof(f->ring));
}
