/* SPDX-License-Identifier: MIT */
/*
 * buf.c - a chain of slab slices: the input of a connection, or its output queue.
 *
 * The slices stand in a ring of a power of two. Appending and dropping move
 * references, never octets. `peek` and `take_line` hand out one run of octets:
 * inside the first slice it is simply there; when it straddles slices, the run
 * is copied to a fresh slab that replaces what it was made of, so that it is
 * copied once however often the caller looks.
 */
#include "buf/buf.h"

#include <assert.h>
#include <stdlib.h>

#define RING_FIRST_SIZE 8

static struct buf_slice *slice_at(const struct xmb_buf *b, uint32_t i)
{
    return &b->ring[(b->first + i) & (b->ring_size - 1)];
}

static void let_line_go(struct xmb_buf *b)
{
    if (b->held != NULL) {
        slab_release(b->held);
        b->held = NULL;
    }
}

static int grow(struct xmb_buf *b)
{
    uint32_t size = b->ring_size != 0 ? b->ring_size * 2 : RING_FIRST_SIZE;
    struct buf_slice *ring = calloc(size, sizeof *ring);
    uint32_t i;

    if (ring == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < b->count; i++)
        ring[i] = *slice_at(b, i);
    free(b->ring);
    b->ring = ring;
    b->ring_size = size;
    b->first = 0;
    return 0;
}

int buf_append(struct xmb_buf *b, struct xmb_slab *s, const uint8_t *p, size_t n)
{
    struct buf_slice *last;

    let_line_go(b);
    if (n == 0)
        return 0;
    if (b->count != 0) {
        last = slice_at(b, b->count - 1);
        if (last->slab == s && last->p + last->n == p) {
            last->n += n;
            b->bytes += n;
            return 0;
        }
    }
    if (b->count == b->ring_size && grow(b) < 0)
        return XMB_ENOMEM;
    last = slice_at(b, b->count++);
    last->slab = slab_hold(s);
    last->p = p;
    last->n = n;
    b->bytes += n;
    return 0;
}

/* Takes `n` octets off the front; the caller knows that they are there. */
static void drop_front(struct xmb_buf *b, size_t n)
{
    b->bytes -= n;
    b->no_lf_bytes = b->no_lf_bytes > n ? b->no_lf_bytes - n : 0;
    while (n != 0) {
        struct buf_slice *s = slice_at(b, 0);

        if (n < s->n) {
            s->p += n;
            s->n -= n;
            return;
        }
        n -= s->n;
        slab_release(s->slab);
        b->first = (b->first + 1) & (b->ring_size - 1);
        b->count--;
    }
}

static void copy_front(const struct xmb_buf *b, uint8_t *out, size_t n)
{
    uint32_t i;

    for (i = 0; n != 0; i++) {
        const struct buf_slice *s = slice_at(b, i);
        size_t part = s->n < n ? s->n : n;

        memcpy(out, s->p, part);
        out += part;
        n -= part;
    }
}

/* Makes the first `n` octets, which straddle slices, one slice. */
static int join_front(struct xmb_buf *b, size_t n)
{
    size_t no_lf_bytes = b->no_lf_bytes;
    struct xmb_slab *joined = slab_new(n);
    struct buf_slice *s;

    if (joined == NULL)
        return XMB_ENOMEM;
    copy_front(b, joined->data, n);
    /* The first slice ends before `n`, so at least one place of the ring comes free. */
    drop_front(b, n);
    b->first = (b->first - 1) & (b->ring_size - 1);
    b->count++;
    s = slice_at(b, 0);
    s->slab = joined;
    s->p = joined->data;
    s->n = n;
    b->bytes += n;
    b->no_lf_bytes = no_lf_bytes;
    return 0;
}

int buf_peek(struct xmb_buf *b, size_t n, struct xmb_str *out)
{
    let_line_go(b);
    if (b->max_bytes != 0 && n > b->max_bytes)
        return XMB_ETOOBIG;
    if (n > b->bytes)
        return XMB_EAGAIN;
    if (n == 0) {
        out->p = "";
        out->n = 0;
        return 0;
    }
    if (slice_at(b, 0)->n < n && join_front(b, n) < 0)
        return XMB_ENOMEM;
    out->p = (const char *)slice_at(b, 0)->p;
    out->n = n;
    return 0;
}

void buf_drop(struct xmb_buf *b, size_t n)
{
    let_line_go(b);
    assert(n <= b->bytes);
    drop_front(b, n);
}

/* Where the first LF within `max` octets is, or SIZE_MAX. Starts where the last search ended. */
static size_t find_lf(struct xmb_buf *b, size_t max)
{
    size_t at = 0; /* place of slice i in the chain */
    uint32_t i;

    for (i = 0; i < b->count && at < max; i++) {
        const struct buf_slice *s = slice_at(b, i);
        size_t skip = b->no_lf_bytes > at ? b->no_lf_bytes - at : 0;
        size_t end = s->n < max - at ? s->n : max - at;

        if (skip < end) {
            const uint8_t *lf = memchr(s->p + skip, '\n', end - skip);

            if (lf != NULL)
                return at + (size_t)(lf - s->p);
            b->no_lf_bytes = at + end;
        }
        at += s->n;
    }
    return SIZE_MAX;
}

int buf_take_line(struct xmb_buf *b, size_t max_bytes, struct xmb_str *line)
{
    size_t max = max_bytes < SIZE_MAX ? max_bytes + 1 : max_bytes;
    struct xmb_str run;
    size_t lf;
    int rc;

    let_line_go(b);
    lf = find_lf(b, max);
    if (lf == SIZE_MAX)
        return b->bytes > max_bytes ? XMB_ETOOBIG : 0;
    rc = buf_peek(b, lf + 1, &run);
    if (rc < 0)
        return rc;
    b->held = slab_hold(slice_at(b, 0)->slab);
    drop_front(b, lf + 1);
    line->p = run.p;
    line->n = lf != 0 && run.p[lf - 1] == '\r' ? lf - 1 : lf;
    return 1;
}

size_t buf_iovec(const struct xmb_buf *b, struct iovec *iov, size_t max)
{
    size_t i;

    for (i = 0; i < b->count && i < max; i++) {
        const struct buf_slice *s = slice_at(b, (uint32_t)i);

        iov[i].iov_base = (void *)(uintptr_t)s->p; /* writev does not write there */
        iov[i].iov_len = s->n;
    }
    return i;
}

void buf_clear(struct xmb_buf *b)
{
    let_line_go(b);
    drop_front(b, b->bytes);
    free(b->ring);
    b->ring = NULL;
    b->ring_size = 0;
    b->first = 0;
    b->no_lf_bytes = 0;
}

static size_t api_length(const struct xmb_buf *b)
{
    return b->bytes;
}

static uint8_t *api_slab_data(struct xmb_slab *s)
{
    return s->data;
}

const struct xmb_buf_api buf_api = {
    .size = sizeof(struct xmb_buf_api),
    .rev = 1,
    .length = api_length,
    .peek = buf_peek,
    .drop = buf_drop,
    .take_line = buf_take_line,
    .slab_new = slab_new,
    .slab_data = api_slab_data,
    .slab_hold = slab_hold,
    .slab_release = slab_release,
};
