/* SPDX-License-Identifier: MIT */
/*
 * types.h - the small types that every other header uses: error codes, byte
 * views, addresses, stable references, and the names of the opaque handles.
 */
#ifndef XMB_TYPES_H
#define XMB_TYPES_H

#include <string.h>
#include <xmb/abi.h>

XMB_BEGIN_DECLS

/* Every function that can fail returns 0 (or a count) or one of these. Never renumbered. */
enum xmb_error {
    XMB_OK = 0,
    XMB_EINVAL = -1,    /* the caller passed something that is never valid */
    XMB_ENOMEM = -2,    /* out of memory */
    XMB_EAGAIN = -3,    /* nothing was taken; try when the object says so, else a little later */
    XMB_ENOENT = -4,    /* no such object */
    XMB_EEXIST = -5,    /* exists already, or belongs to somebody else */
    XMB_EPROTO = -6,    /* the peer broke the protocol */
    XMB_EDENIED = -7,   /* policy said no */
    XMB_ETIMEOUT = -8,  /* a deadline passed */
    XMB_ECLOSED = -9,   /* the object is closed or closing */
    XMB_ETOOBIG = -10,  /* larger than the bound in force */
    XMB_ENOSYS = -11,   /* this host or plugin does not offer it */
    XMB_ESTALE = -12,   /* older than what is stored */
    XMB_ELIMIT = -13,   /* a configured limit is reached */
    XMB_EIO = -14,      /* the operating system failed; errno text is in the log */
    XMB_ECONF = -15,    /* configuration refused; the fault was reported with file and line */
    XMB_EVERSION = -16, /* ABI version does not fit */
    XMB_ECANCELED = -17 /* the host is stopping or the object is gone; the work was not done */
};

/* A view of octets that somebody else owns; not terminated. {NULL, 0} is "none". Frozen. */
struct xmb_str {
    const char *p;
    size_t n;
};

/* A view of the `n` octets at `p`. Borrows them. */
static inline struct xmb_str xmb_str_n(const char *p, size_t n)
{
    struct xmb_str v = {p, n};
    return v;
}

/* A view of a string literal: an expression, so not for the initializer of a static object. */
#ifdef __cplusplus
#define XMB_STR(lit) (xmb_str_n((lit), sizeof(lit) - 1))
#else
#define XMB_STR(lit) ((struct xmb_str){(lit), sizeof(lit) - 1})
#endif

/* A view of a NUL-terminated string; NULL gives "none". Borrows `s`. */
static inline struct xmb_str xmb_str(const char *s)
{
    struct xmb_str v = {s, s != NULL ? strlen(s) : 0};
    return v;
}

/* The part of `s` that starts at `from` and is at most `n` octets long; clamps to `s`. */
static inline struct xmb_str xmb_sub(struct xmb_str s, size_t from, size_t n)
{
    struct xmb_str v;

    if (from > s.n)
        from = s.n;
    v.p = s.p != NULL ? s.p + from : NULL;
    v.n = n < s.n - from ? n : s.n - from;
    return v;
}

/* 1 when both views hold the same octets, else 0. */
static inline int xmb_str_eq(struct xmb_str a, struct xmb_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* An IP address with port. `family`: 4, 6, or 0 for "none". Frozen: 24 octets, no padding. */
struct xmb_addr {
    uint8_t family;
    uint8_t reserved; /* zero */
    uint16_t port;    /* host order */
    uint32_t scope;   /* IPv6 zone index, else 0 */
    uint8_t ip[16];   /* network order; IPv4 stands in the first four, the rest is zero */
};

/* A text address with port fits in this many octets, NUL included: "[v6%zone]:port". */
#define XMB_ADDR_TEXT_MAX 80

/*
 * Names a connection for ever: safe to keep anywhere and on any thread, fails
 * cleanly when the connection is gone. 0 is never a connection.
 */
typedef uint64_t xmb_ref;

/* Handles. Never embedded, never looked into; owner and thread stand where each is made. */
struct xmb_host;
struct xmb_module;
struct xmb_worker;
struct xmb_timer;
struct xmb_conn;
struct xmb_buf;
struct xmb_slab;
struct xmb_conf;
struct xmb_out;
struct xmb_principal;
struct xmb_ticket;
struct xmb_owner;
struct xmb_sub;
struct xmb_socket;

XMB_END_DECLS

#endif
