/* SPDX-License-Identifier: MIT */
/*
 * buf.h - bytes that move without being copied.
 *
 * A *slab* is a run of memory with a reference count. It is written by its
 * only owner and immutable once it is shared, so one encoding can go to many
 * connections. A *buf* is a chain of slab slices: the input of a connection.
 *
 * The plugin takes whole frames from the front of its input and leaves the rest:
 *
 *     while (host->buf->peek(in, 20, &head) == 0) { ...length...;
 *         if (host->buf->peek(in, frame_bytes, &frame) < 0) break;
 *         ...use frame...; host->buf->drop(in, frame_bytes); }
 */
#ifndef XMB_BUF_H
#define XMB_BUF_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

struct xmb_buf_api {
    uint32_t size;
    uint32_t rev;

    /* Octets in the chain. Thread: the buf's worker, as for all buf calls. */
    size_t (*length)(const struct xmb_buf *b);
    /*
     * The first `n` octets as one run, without taking them; joined by copying
     * only when they straddle slabs. `*out` is valid until the next call on `b`.
     * Errors: XMB_EAGAIN (fewer than `n` are there), XMB_ETOOBIG (`n` above the
     * input bound of the connection: such a frame can never arrive), XMB_ENOMEM.
     */
    int (*peek)(struct xmb_buf *b, size_t n, struct xmb_str *out);
    /* Takes `n` octets off the front; `n` must not exceed length(). */
    void (*drop)(struct xmb_buf *b, size_t n);
    /*
     * Takes one line. Returns 1 and the line without its LF or CRLF in `*line`
     * (valid until the next call on `b`), 0 when no whole line is there yet.
     * Errors: XMB_ETOOBIG (more than `max_bytes` without an LF), XMB_ENOMEM.
     */
    int (*take_line)(struct xmb_buf *b, size_t max_bytes, struct xmb_str *line);

    /*
     * A slab with room for `capacity_bytes`, owned by the caller alone. NULL when
     * out of memory. Thread: any; freed anywhere by the last release.
     */
    struct xmb_slab *(*slab_new)(size_t capacity_bytes);
    /* Its memory; write only while you are the only owner. Thread: any. */
    uint8_t *(*slab_data)(struct xmb_slab *s);
    /* Adds a reference and returns `s`. Thread: any. */
    struct xmb_slab *(*slab_hold)(struct xmb_slab *s);
    /* Drops a reference; NULL is fine. Thread: any. */
    void (*slab_release)(struct xmb_slab *s);
};

XMB_END_DECLS

#endif
