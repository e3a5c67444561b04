/* SPDX-License-Identifier: MIT */
/*
 * conn_write.c - the output queue: what plugins write, until the end of the turn.
 *
 * Octets that are copied go into `tail`, a slab that the connection has only
 * while something is queued. Slices of shared slabs go into the chain `out`, and
 * so does what stands in `tail` before them, so the order stays. Most connections
 * have a few small writes a turn and never use the chain.
 *
 * conn_flush.c sends. Nothing here calls a plugin.
 */
#include "conn/conn_priv.h"

#include <assert.h>

#define TAIL_MIN SLAB_MEDIUM_BYTES /* what the first small write of a turn takes */
#define TAIL_MORE SLAB_LARGE_BYTES /* when that was not enough */
#define TAIL_MUCH SLAB_HUGE_BYTES  /* when it goes on */

static size_t high(const struct xmb_conn *c)
{
    return c->spec != NULL ? c->spec->high_bytes : CONN_HIGH_BYTES;
}

size_t conn_low(const struct xmb_conn *c)
{
    return high(c) / CONN_LOW_DIVISOR;
}

static size_t pending(const struct xmb_conn *c)
{
    return c->tail_used - c->tail_from;
}

size_t conn_room(const struct xmb_conn *c)
{
    size_t queued = conn_queued(c);

    return c->phase == CONN_OPEN && queued < high(c) ? high(c) - queued : 0;
}

/* May `n` more octets be queued? */
static int admit(struct xmb_conn *c, size_t n)
{
    if (c->phase != CONN_OPEN && c->phase != CONN_SECURING)
        return XMB_ECLOSED;
    if (n > high(c))
        return XMB_ETOOBIG;
    if (n <= conn_room(c))
        return 0;
    if (c->phase == CONN_OPEN) {
        conn_flush(c); /* the kernel may take it; a small queue= fills within one turn */
        if (c->phase != CONN_OPEN)
            return XMB_ECLOSED;
        if (n <= conn_room(c))
            return 0;
    }
    c->flags |= CONN_STARVED;
    return XMB_EAGAIN;
}

/* To the end of the turn; at once when much is queued and the kernel is not known to be full. */
static void queued_more(struct xmb_conn *c)
{
    if (conn_queued(c) >= conn_low(c) && !(c->flags & CONN_BLOCKED))
        conn_flush(c);
    else
        conn_dirty_add(c);
}

/* What stands in the tail becomes the end of the chain; the rest of the slab stays in use. */
static int seal(struct xmb_conn *c)
{
    int rc;

    if (pending(c) == 0)
        return 0;
    rc = buf_append(&c->out, c->tail, c->tail->data + c->tail_from, pending(c));
    if (rc == 0)
        c->tail_from = c->tail_used;
    return rc;
}

static size_t tail_left(const struct xmb_conn *c)
{
    return c->tail != NULL ? c->tail->capacity_bytes - c->tail_used : 0;
}

static size_t tail_size(const struct xmb_conn *c)
{
    size_t queued = conn_queued(c);

    return queued == 0 ? TAIL_MIN : queued < TAIL_MORE * 2 ? TAIL_MORE : TAIL_MUCH;
}

/* `n` octets of room in the tail, or NULL. */
static uint8_t *tail_room(struct xmb_conn *c, size_t n)
{
    size_t size = tail_size(c);
    struct xmb_slab *slab;

    if (tail_left(c) >= n)
        return c->tail != NULL ? c->tail->data + c->tail_used : NULL;
    slab = slab_new(n > size ? n : size);
    if (slab == NULL)
        return NULL;
    if (seal(c) < 0) {
        slab_release(slab);
        return NULL;
    }
    slab_release(c->tail);
    c->tail = slab;
    c->tail_from = c->tail_used = 0;
    return slab->data;
}

static int copy_in(struct xmb_conn *c, const void *p, size_t n)
{
    uint8_t *room;

    if (n == 0)
        return 0;
    room = tail_room(c, n);
    if (room == NULL)
        return XMB_ENOMEM;
    memcpy(room, p, n);
    c->tail_used += (uint32_t)n;
    return 0;
}

int conn_write(struct xmb_conn *c, struct xmb_str bytes)
{
    int rc = admit(c, bytes.n);

    if (rc == 0)
        rc = copy_in(c, bytes.p, bytes.n);
    if (rc == 0)
        queued_more(c);
    return rc;
}

static int share_in(struct xmb_conn *c, const struct xmb_part *part)
{
    int rc = seal(c);

    return rc < 0 ? rc : buf_append(&c->out, part->slab, part->p, part->n);
}

int conn_write_parts(struct xmb_conn *c, const struct xmb_part *parts, size_t count)
{
    size_t i, total = 0;
    int rc;

    if (count > CONN_PARTS_MAX)
        return XMB_EINVAL;
    for (i = 0; i < count; i++) {
        if (parts[i].n > SIZE_MAX - total)
            return XMB_EINVAL;
        total += parts[i].n;
    }
    rc = admit(c, total);
    for (i = 0; i < count && rc == 0; i++) {
        if (parts[i].slab != NULL && parts[i].n >= CONN_COPY_BELOW)
            rc = share_in(c, &parts[i]);
        else
            rc = copy_in(c, parts[i].p, parts[i].n);
        if (rc < 0) /* half a frame is queued: the stream is of no use any more */
            conn_reset(c, "out of memory");
    }
    if (rc == 0)
        queued_more(c);
    return rc;
}

/* 1 when the worker's scratch was lent to this connection; it is free then. */
static int scratch_leave(struct xmb_conn *c)
{
    struct conn_worker *cw = c->worker->conns;

    if (cw->scratch_owner != c)
        return 0;
    cw->scratch_owner = NULL;
    return 1;
}

/*
 * Room in place when that is cheap. A caller that reserves for its largest frame
 * gets the worker's scratch instead, or each small frame would take a large slab.
 */
uint8_t *conn_reserve(struct xmb_conn *c, size_t n)
{
    struct conn_worker *cw = c->worker->conns;
    uint8_t *room = cw->scratch;

    scratch_leave(c);
    c->reserved_bytes = 0;
    if (n > CONN_RESERVE_MAX || admit(c, n) < 0)
        return NULL;
    if (n <= TAIL_MIN || tail_left(c) >= n || cw->scratch_owner != NULL)
        room = tail_room(c, n > 0 ? n : 1);
    else
        cw->scratch_owner = c;
    if (room != NULL)
        c->reserved_bytes = (uint32_t)n;
    return room;
}

void conn_commit(struct xmb_conn *c, size_t used_bytes)
{
    struct conn_worker *cw = c->worker->conns;
    int scratched = scratch_leave(c);

    assert(used_bytes <= c->reserved_bytes);
    c->reserved_bytes = 0;
    if (c->phase != CONN_OPEN || used_bytes == 0)
        return;
    if (!scratched) {
        c->tail_used += (uint32_t)used_bytes;
    } else if (copy_in(c, cw->scratch, used_bytes) < 0) {
        conn_reset(c, "out of memory");
        return;
    }
    queued_more(c);
}

void conn_output_clear(struct xmb_conn *c)
{
    scratch_leave(c);
    buf_clear(&c->out);
    slab_release(c->tail);
    c->tail = NULL;
    c->tail_from = c->tail_used = 0;
}
