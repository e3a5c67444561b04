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
    /*
     * Waiting in the output queue. In `closed`: what never left it, so the peer has none of it; a
     * TLS record that is cut off by the end is in it as a whole.
     */
    size_t queued_bytes;
    /* Since 0.2. */
    uint32_t tls_resumed;   /* 1: an earlier session was resumed */
    uint32_t reserved_02;   /* zero */
    /*
     * Given to the kernel, TLS framing included, our goodbye not; minus `unacked`: what the peer's
     * kernel has.
     */
    uint64_t wire_sent_bytes;
};

/* --- what the peer's certificate says (since 0.2) --- */

/* Kinds of names in a certificate's subjectAltName. Appended, never renumbered. */
enum xmb_cert_name_kind {
    XMB_CERT_DNS = 1,      /* dNSName, as it stands there (a wildcard is the reader's business) */
    XMB_CERT_SRV = 2,      /* SRVName, "_service.domain" (RFC 4985) */
    XMB_CERT_XMPP_ADDR = 3, /* id-on-xmppAddr (RFC 6120, 13.7.1.4) */
    XMB_CERT_IP = 4,       /* iPAddress, as text */
    XMB_CERT_CN = 5        /* common name of the subject: only when there is none of the above */
};

/* One name. Names with a NUL or control octet inside are left out. Walk by `size`. */
struct xmb_cert_name {
    uint32_t size;
    uint32_t kind; /* enum xmb_cert_name_kind */
    struct xmb_str text;
};

/* Why a certificate is not good. Appended, never renumbered. */
enum xmb_cert_fault {
    XMB_CERT_GOOD = 0,
    XMB_CERT_MISSING = 1,     /* the peer showed none */
    XMB_CERT_UNKNOWN_CA = 2,  /* no way to a certificate of ca=, or no ca= is set */
    XMB_CERT_SELF_SIGNED = 3, /* signed by itself and not trusted; ca= may be set or not */
    XMB_CERT_EXPIRED = 4,
    XMB_CERT_NOT_YET_VALID = 5,
    XMB_CERT_REVOKED = 6,     /* a loaded crl= of its issuer lists it */
    XMB_CERT_BROKEN = 7       /* a signature, an algorithm or a constraint is wrong */
};

/*
 * What the handshake proved about the peer. Set `size`, then ask. Strings live as long as the
 * connection.
 */
struct xmb_tls_peer {
    uint32_t size;
    /*
     * enum xmb_cert_fault: the first one of the chain; names and the certificate's purpose are
     * not looked at. Good when a TLSA record of usage 3 fits.
     */
    uint32_t fault;
    const char *why;     /* the same in words, for the operator; NULL when it is good */
    const char *subject; /* "CN=xmpp.example.com,O=Example", or NULL */
    const struct xmb_cert_name *names; /* also when there is a fault: it is what the peer claims */
    size_t name_count;   /* at most 256 */
    int64_t not_after_s; /* end of its validity, seconds since 1970; 0 without one */
    uint8_t sha256[32];  /* of the certificate in DER; zeros without one */
    uint32_t dane;       /* XMB_DANE_*: set when `tlsa` was given to secure or dial */
    uint32_t dane_usage; /* of the record that matched, 2 or 3; 0: none did */
};

/*
 * How the TLSA records that were handed in judged the peer's certificate (RFC 6698, RFC 7671).
 * NONE also when none of them can be used. A match of usage 3 speaks for the name asked for,
 * whatever the certificate's names and dates are (RFC 7671, 5.1); with usage 2 they still count.
 * A session that is resumed says what was said when it began.
 */
enum xmb_dane { XMB_DANE_NONE = 0, XMB_DANE_MATCH = 1, XMB_DANE_MISMATCH = 2 };

/* A TLSA record. */
struct xmb_tlsa {
    uint32_t size;
    uint8_t usage;     /* 2 or 3; others are ignored (RFC 7672, 3.1.3) */
    uint8_t selector;
    uint8_t matching;
    uint8_t reserved;
    struct xmb_str data;
};

/* How to secure a connection. Views are borrowed for the call. */
struct xmb_tls_setup {
    uint32_t size;
    uint32_t tlsa_count;
    const char *profile; /* of the configuration */
    /*
     * As client: SNI, and the name for tls_verified_name. As server: the certificate for this
     * name is shown when the profile has several and none is for the client's SNI. Or NULL.
     */
    const char *name;
    /*
     * As client: sessions are kept and resumed under this text (who we are, who they are).
     * NULL: no resumption. A session whose certificate was not good is not kept, unless the
     * profile has no ca=. Another profile, name or set of records is another session.
     */
    const char *session;
    const char *alpn; /* as client: offered instead of the profile's, one name, "": none; or NULL */
    /* As client: records of a secure answer, 16 at most; they need `name`. Walk by `size`. */
    const struct xmb_tlsa *tlsa;
    /* Since 0.3. */
    /*
     * As client: which certificate is shown to a server that asks for one, when the profile has
     * several: the one for this name. NULL, or none is for it: the first.
     */
    const char *own;
};

/* Which certificate of ours a profile shows for a name (since 0.3). Set `size`, then ask. */
struct xmb_tls_own {
    uint32_t size;
    /*
     * 1: a dNSName, SRVName, XMPP address or iPAddress of it is for the name. A common name is
     * not enough (RFC 9525).
     */
    uint32_t covers;
    int64_t not_before_s; /* its validity, seconds since 1970 */
    int64_t not_after_s;
    char file[256];  /* as in the configuration, cut off; empty: the profile has no certificate */
    char names[512]; /* "a.example, *.b.example, ...", for the operator; empty: none */
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
    /* Since 0.2. */
    /*
     * Our end: bound before connecting; family 0: the system's choice. What is no address or
     * device of this machine is told by `dial_failed`.
     */
    struct xmb_addr source;
    const char *vrf;         /* device of the VRF to dial in, or NULL */
    const struct xmb_tls_setup *tls; /* direct TLS: instead of tls_profile and tls_name; borrowed */
    uint64_t *dial_id;       /* filled: a name for dial_cancel; or NULL */
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
     * Errors (nothing follows): XMB_EINVAL (address, source of another family, profile, TLS
     * setup, no protocol role), XMB_ENOMEM, XMB_ELIMIT, XMB_ECANCELED (the worker ends).
     * Thread: `w`.
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

    /* --- since 0.2 --- */

    /*
     * start_tls with more to say; the same rules and errors, and XMB_EINVAL: name, alpn or tlsa
     * cannot be used. As server, in start_tls too, the client is asked for its certificate; the
     * handshake does not fail for ALPN, unless nothing was said in plain before (RFC 7301).
     */
    int (*secure)(struct xmb_conn *c, const struct xmb_tls_setup *setup);
    /* Fills `peer` up to the `size` set in it. XMB_ENOENT: no TLS, or its handshake is not done. */
    int (*tls_peer)(struct xmb_conn *c, struct xmb_tls_peer *peer);
    /*
     * Octets that were given to the kernel and that the peer's kernel has not acknowledged, TLS
     * framing included, our goodbye (close_notify, FIN) not; 0 with info's queued_bytes 0 means
     * that the peer's kernel has all. In `closed`: as it was at the end. A system call: not for
     * each message.
     */
    size_t (*unacked)(const struct xmb_conn *c);
    /*
     * Gives up the dial of that id: neither `open` nor `dial_failed` follows. Unknown ids and
     * those that came through are fine. Thread: `w`.
     */
    void (*dial_cancel)(struct xmb_worker *w, uint64_t dial_id);
    /*
     * What <listen> `ordinal` of `module` is bound to, with the port that a configured 0 became.
     * `i` counts its addresses from 0: it may have one of each family. XMB_ENOENT: no such one.
     * Takes a lock: for `show`, not for each message. Thread: any.
     */
    int (*listener)(const struct xmb_module *module, uint32_t ordinal, uint32_t i,
                    struct xmb_addr *bound);

    /* --- since 0.3 --- */

    /*
     * Judges the peer's certificate by `profile` as it is now (NULL: the one of the handshake), when
     * that trusts or revokes others than it did. tls_peer's `fault` and `why`, and
     * tls_verified_name, say the outcome from then on. A client's session that was resumed
     * has lost the issuers that the client had sent: where they are needed it is UNKNOWN_CA then.
     * Cheap where nothing changed. Errors: XMB_ENOENT (no TLS, its handshake is not done, or no
     * such profile; the old verdict stands), XMB_ENOMEM.
     */
    int (*tls_recheck)(struct xmb_conn *c, const char *profile);
    /*
     * Fills `own`, up to the `size` set in it, with the certificate that `profile` shows for `name`
     * (xmb_tls_setup: `name` as server, `own` as client; SNI may choose another). In `prepare` and
     * `commit` of what is being prepared, else of what is in force. XMB_ENOENT: no such profile.
     * Takes a lock. Thread: any.
     */
    int (*tls_own)(const char *profile, const char *name, struct xmb_tls_own *own);
};

XMB_END_DECLS

#endif
