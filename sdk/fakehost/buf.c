/* SPDX-License-Identifier: MIT */
/*
 * buf.c - slabs, and input that lies in one piece.
 *
 * What `peek` and `take_line` give out is a copy of exactly that size, freed by
 * the next call on the buf: so a plugin that reads past a frame, or keeps a
 * view too long, is caught by a sanitizer.
 */
#include "fake_priv.h"

static struct xmb_str lend(struct xmb_buf *b, const char *p, size_t n)
{
    free(b->lent);
    b->lent = malloc(n > 0 ? n : 1);
    if (b->lent == NULL)
        fake_fail("out of memory");
    memcpy(b->lent, p, n);
    return (struct xmb_str){b->lent, n};
}

static void take_back(struct xmb_buf *b)
{
    free(b->lent);
    b->lent = NULL;
}

void fake_buf_add(struct xmb_buf *b, struct xmb_str bytes)
{
    take_back(b);
    b->p = realloc(b->p, b->n + bytes.n + 1);
    if (b->p == NULL)
        fake_fail("out of memory");
    if (bytes.n > 0)
        memcpy(b->p + b->n, bytes.p, bytes.n);
    b->n += bytes.n;
}

void fake_buf_free(struct xmb_buf *b)
{
    take_back(b);
    free(b->p);
    memset(b, 0, sizeof(*b));
}

static size_t length(const struct xmb_buf *b)
{
    return b->n;
}

static int peek(struct xmb_buf *b, size_t n, struct xmb_str *out)
{
    take_back(b);
    if (n > FAKE_INPUT_MAX)
        return XMB_ETOOBIG;
    if (n > b->n)
        return XMB_EAGAIN;
    *out = lend(b, b->p != NULL ? b->p : "", n);
    return 0;
}

static void drop(struct xmb_buf *b, size_t n)
{
    take_back(b);
    if (n > b->n)
        fake_fail("a plugin drops %zu octets of %zu", n, b->n);
    b->n -= n;
    if (b->n > 0)
        memmove(b->p, b->p + n, b->n);
}

static int take_line(struct xmb_buf *b, size_t max_bytes, struct xmb_str *line)
{
    const char *end;
    struct xmb_str found;

    take_back(b);
    end = b->n > 0 ? memchr(b->p, '\n', b->n) : NULL;
    if (end == NULL)
        return b->n > max_bytes ? XMB_ETOOBIG : 0;
    found = (struct xmb_str){b->p, (size_t)(end - b->p)};
    if (found.n > max_bytes)
        return XMB_ETOOBIG;
    if (found.n > 0 && found.p[found.n - 1] == '\r')
        found.n--;
    {
        size_t taken = (size_t)(end - b->p) + 1;

        *line = lend(b, found.p, found.n);
        b->n -= taken;
        memmove(b->p, b->p + taken, b->n);
    }
    return 1;
}

/* --- slabs ----------------------------------------------------------------------------------- */

struct xmb_slab {
    _Atomic uint32_t refs;
    uint8_t *data;
};

static struct xmb_slab *slab_new(size_t capacity_bytes)
{
    struct xmb_slab *s = fake_alloc(sizeof(*s));

    atomic_init(&s->refs, 1);
    s->data = fake_alloc(capacity_bytes);
    atomic_fetch_add(&fake.slabs, 1);
    return s;
}

static uint8_t *slab_data(struct xmb_slab *s)
{
    return s->data;
}

static struct xmb_slab *slab_hold(struct xmb_slab *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

static void slab_release(struct xmb_slab *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    atomic_fetch_sub(&fake.slabs, 1);
    free(s->data);
    free(s);
}

const struct xmb_buf_api fake_buf_api = {
    .size = sizeof(fake_buf_api),
    .rev = 1,
    .length = length,
    .peek = peek,
    .drop = drop,
    .take_line = take_line,
    .slab_new = slab_new,
    .slab_data = slab_data,
    .slab_hold = slab_hold,
    .slab_release = slab_release,
};
