/* SPDX-License-Identifier: MIT */
/*
 * buf.h - slabs with a reference count, and chains of their slices.
 *
 * Slabs of the usual sizes come from a free list of the thread, so the steady
 * path allocates nothing. A chain never copies on append or drop; `peek` copies
 * only when a frame straddles two slabs.
 */
#ifndef BROKER_BUF_H
#define BROKER_BUF_H

#include <stdatomic.h>
#include <sys/uio.h>
#include <xmb/buf.h>

/* Room in the slabs that are kept for reuse; a request gets the smallest that fits. */
#define SLAB_SMALL_BYTES 512
#define SLAB_MEDIUM_BYTES 2048
#define SLAB_LARGE_BYTES 8192
#define SLAB_HUGE_BYTES 69632 /* holds the longest XMCP message, 65,552 octets */

struct xmb_slab {
    _Atomic uint32_t refs;
    uint32_t capacity_bytes;
    uint8_t *data;
};

struct xmb_slab *slab_new(size_t capacity_bytes); /* NULL: out of memory */
/* The same with hardly more room than asked for: for what is kept for long. */
struct xmb_slab *slab_new_snug(size_t capacity_bytes);
struct xmb_slab *slab_hold(struct xmb_slab *s);
void slab_release(struct xmb_slab *s);
int slab_is_shared(const struct xmb_slab *s); /* more than one reference */
/* Slabs asked of malloc by this process so far, for the "no allocation" proof. Thread: any. */
uint64_t slab_malloc_count(void);
/* Gives the calling thread's free lists back; at the end of a thread. */
void slab_thread_fini(void);

struct buf_slice {
    struct xmb_slab *slab; /* a reference */
    const uint8_t *p;
    size_t n;
};

/* A ring of slices; grows by doubling, bounded by the owner. Zeroed memory is an empty chain. */
struct xmb_buf {
    struct buf_slice *ring;
    uint32_t ring_size; /* power of two, or 0 */
    uint32_t first;
    uint32_t count;
    size_t bytes;
    size_t max_bytes; /* peek above this is XMB_ETOOBIG; 0: no bound */
    size_t no_lf_bytes; /* take_line: this many from the front have no LF */
    struct xmb_slab *held; /* keeps the last line alive until the next call */
};

/*
 * All calls belong to one thread at a time. `buf_append` takes a reference of its own;
 * to a chain whose last slice ends where `p` begins it only makes that slice longer.
 * XMB_ENOMEM: nothing was appended.
 */
int buf_append(struct xmb_buf *b, struct xmb_slab *s, const uint8_t *p, size_t n);
int buf_peek(struct xmb_buf *b, size_t n, struct xmb_str *out);
void buf_drop(struct xmb_buf *b, size_t n);
int buf_take_line(struct xmb_buf *b, size_t max_bytes, struct xmb_str *line);
/* Fills up to `max` entries for writev from the front; returns how many. */
size_t buf_iovec(const struct xmb_buf *b, struct iovec *iov, size_t max);
void buf_clear(struct xmb_buf *b); /* drops all and frees the ring; max_bytes stays */

extern const struct xmb_buf_api buf_api;

#endif
