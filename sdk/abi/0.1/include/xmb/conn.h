/* SPDX-License-Identifier: MIT */
/*
 * conn.h - connections: the core owns sockets, TLS and queues; the plugin
 * owns the meaning of the bytes.
 *
 * Output is gathered: what is written in one loop turn leaves in one system
 * call at the end of the turn. The output queue is bounded: above the high
 * mark writes answer XMB_EAGAIN and take nothing, and `writable` is called
 * when the queue has fallen below the low mark. A plugin that gets XMB_EAGAIN
 * pauses whatever makes it write (`pause` on the peer that sends).
 *
 * All calls belong to the connection's worker. A handle is valid until
 * `closed` returns; keep `xmb_ref` elsewhere.
 */
#ifndef XMB_CONN_H
#define XMB_CONN_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

enum xmb_direction { XMB_INCOMING = 1, XMB_OUTGOING = 2 };

/* Deadlines that a plugin can set; `expired` tells which passed. */
enum xmb_deadline {
    XMB_DEADLINE_IDLE = 1, /* starts again whenever octets are received */
    XMB_DEADLINE_ONCE = 2  /* starts when it is set */
};

/* Facts about a connection. Set `size`, then ask. The strings live as long as the connection. */
struct xmb_conn_info {
    uint32_t size;
    uint32_t direction;     /* enum xmb_direction */
    struct xmb_addr local;  /* our end */
    struct xmb_addr remote; /* the peer's end */
    /*
     * Ordinal of its <listen> in the module's element, from 0, in the configuration
     * that it was accepted under: look it up in `open`. Outgoing: UINT32_MAX.
     */
    uint32_t listener;
    uint32_t tls_version;   /* 0x0303, 0x0304; 0 without TLS */
    const char *vrf;        /* device of the VRF it arrived in, or NULL */
    const char *tls_alpn;   /* negotiated application protocol, or NULL */
    const char *tls_verified_name; /* name that certificate verification proved, or NULL */
    uint64_t since_ms;      /* monotonic time of its opening */
    uint64_t received_ms;   /* monotonic time of the last octets received */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    size_t queued_bytes; /* waiting in the output queue */
};

/*
 * One piece of a gathered write: a slice of a slab when `slab` is set, else octets to be copied.
 * Frozen.
 */
struct xmb_part {
    struct xmb_slab *slab; /* borrowed; the core takes its own reference */
    const void *p;         /* with a slab: inside its memory */
    size_t n;
};

/* Where to dial. Either `address` (family set) or nothing: names are the router's business. */
struct xmb_target {
    uint32_t size;
    uint32_t connect_timeout_ms; /* 0: 10,000 */
    struct xmb_addr address;
    const char *tls_profile; /* direct TLS with this profile, or NULL for plain */
    const char *tls_name;    /* name for SNI and verification, or NULL */
};

struct xmb_conn_api {
    uint32_t size;
    uint32_t rev;

    /*
     * Queues a copy of `bytes`. All or nothing.
     * Errors: XMB_EAGAIN (no room below the high mark, or start_tls is not done), XMB_ETOOBIG
     * (more than the queue ever takes), XMB_ECLOSED, XMB_ENOMEM.
     */
    int (*write)(struct xmb_conn *c, struct xmb_str bytes);
    /* The same for up to 16 pieces in order; slab slices are shared, not copied. All or nothing. */
    int (*write_parts)(struct xmb_conn *c, const struct xmb_part *parts, size_t count);
    /*
     * Room for `n` octets (at most 65,552) at the end of the queue, to encode in
     * place: write there, then `commit` what was used before any other call on
     * this connection. NULL: `n` does not fit now and `writable` will follow, as
     * with XMB_EAGAIN; or it is closed (`closed` follows), memory is short, or `n`
     * is above the bound. `commit` of 0 gives the room back.
     */
    uint8_t *(*reserve)(struct xmb_conn *c, size_t n);
    void (*commit)(struct xmb_conn *c, size_t used_bytes);
    /* Octets that may still be queued before XMB_EAGAIN; 0 when closed. */
    size_t (*room)(const struct xmb_conn *c);

    /* Stops reading; the kernel's window then slows the peer. Counts: as many resumes. */
    void (*pause)(struct xmb_conn *c);
    void (*resume)(struct xmb_conn *c);

    /*
     * Sends what is queued, then closes; gives up after 5 s. `why` goes to the
     * log and to `closed`; it is copied. No more `data` after this. `closed` is
     * called later from the loop, never from within close or reset, so `cs` may
     * be used until the callback that closes returns.
     */
    void (*close)(struct xmb_conn *c, const char *why);
    /* Closes at once and drops what is queued. */
    void (*reset)(struct xmb_conn *c, const char *why);

    /*
     * Sets deadline `which` to `ms` from now; 0 takes it off. After `expired`, ONCE is
     * off, and IDLE runs again when octets are received.
     */
    void (*deadline)(struct xmb_conn *c, uint32_t which, uint64_t ms);

    /* Fills `info` up to the `size` that the caller has set in it. */
    void (*info)(const struct xmb_conn *c, struct xmb_conn_info *info);
    /* The worker that it lives on. */
    struct xmb_worker *(*worker)(const struct xmb_conn *c);
    /* A name for this connection that outlives it; any thread may keep it. */
    xmb_ref (*ref)(const struct xmb_conn *c);
    /* The connection of `ref` on worker `w`, or NULL when it is gone or lives elsewhere. */
    struct xmb_conn *(*by_ref)(struct xmb_worker *w, xmb_ref ref);

    /*
     * Dials. `open` of the module's protocol is called with `user` reachable
     * through `user()` once connected; when it fails, `dial_failed` is. The
     * result is never called back before dial returns. `target` is borrowed.
     * Errors (nothing follows): XMB_EINVAL (address, profile, no protocol role),
     * XMB_ENOMEM, XMB_ELIMIT, XMB_ECANCELED (the worker ends). Thread: `w`.
     */
    int (*dial)(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *target,
                void *user);
    /* What was handed to dial; NULL for an incoming connection. */
    void *(*user)(const struct xmb_conn *c);
    /*
     * Starts TLS on a plain connection with a profile of the configuration, as
     * the server when the connection is incoming. `secured` follows, or `closed`.
     * What is queued leaves in plain before. What the peer sent in plain behind the
     * request is dropped at once, never read as data: take the request off the buf before
     * this call. Until `secured`, writes answer XMB_EAGAIN.
     * `name`: SNI and verification when we are the client, else NULL.
     * Errors: XMB_ENOENT (profile), XMB_EEXIST (TLS already), XMB_ECLOSED, XMB_ENOMEM.
     */
    int (*start_tls)(struct xmb_conn *c, const char *profile, const char *name);

    /*
     * Text of `a` in `text` ("192.0.2.1:80", "[2001:db8::1]:80"; without port
     * when it is 0), NUL-terminated, cut to `cap`. Returns `text`. Thread: any.
     */
    const char *(*addr_text)(const struct xmb_addr *a, char *text, size_t cap);
};

XMB_END_DECLS

#endif
