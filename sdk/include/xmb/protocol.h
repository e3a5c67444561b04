/* SPDX-License-Identifier: MIT */
/*
 * protocol.h - the role of a plugin that speaks on connections.
 *
 * Listeners are declared in the configuration as <listen> children of the
 * module's element; the core reads their family, address, port, vrf, tls and
 * backlog attributes, binds, accepts, does TLS, and calls `open`. All
 * callbacks run on the connection's worker, one at a time for a connection.
 *
 *     open --> data* --> closed        cs lives from open to closed
 *       \-- returns an error: the connection is closed, `closed` is not called
 */
#ifndef XMB_PROTOCOL_H
#define XMB_PROTOCOL_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

enum xmb_protocol_flags {
    /*
     * tls= of a listener is checked, and not started: the plugin calls conn->secure when it is
     * time, in `open` before any octet is read (direct TLS) or later (STARTTLS). It reads the
     * attribute itself.
     */
    XMB_PROTOCOL_OWN_TLS = 1
};

struct xmb_protocol {
    uint32_t size;
    uint16_t default_port; /* for a <listen> without port */
    uint16_t reserved;     /* zero */
    const char *scheme;    /* label in routes, listeners and `show` */

    /*
     * A connection was accepted or dialled (conn->info tells). `*cs` is the
     * plugin's state for it. An error closes it without a byte; a negative value
     * other than XMB_EDENIED is logged. Of a dialled connection that is refused
     * here, what was handed to dial stays the plugin's: `dial_failed` does not
     * follow. Required.
     */
    int (*open)(void *wself, struct xmb_conn *conn, void **cs);
    /*
     * Octets are in `in`: take whole frames, leave the rest. Called again when
     * more come. Negative: the peer broke the protocol; the host logs it and
     * closes. Required.
     */
    int (*data)(void *cs, struct xmb_conn *conn, struct xmb_buf *in);
    /* The output queue fell below its low mark after XMB_EAGAIN. */
    void (*writable)(void *cs, struct xmb_conn *conn);
    /* TLS is up after start_tls: discard what was believed before it. */
    void (*secured)(void *cs, struct xmb_conn *conn);
    /* A deadline of enum xmb_deadline passed; nothing is closed by itself. */
    void (*expired)(void *cs, struct xmb_conn *conn, uint32_t which);
    /* The last call, exactly once: frees `cs`. `why` is text for people. Writes fail. Required. */
    void (*closed)(void *cs, struct xmb_conn *conn, const char *why);
    /* A dial failed; `user` is what was handed to it. */
    void (*dial_failed)(void *wself, void *user, const char *why);
    /*
     * The broker stops: say goodbye on this connection and close it. Called
     * once for each connection of the worker; what is still open at the end of
     * the drain time is reset. Without it the host closes them.
     */
    void (*drain)(void *cs, struct xmb_conn *conn);
    /*
     * A reload changed a policy module: what was allowed may be so no more. Ask again about those
     * who are connected. After this module's own worker_conf of the same reload. Thread: worker.
     */
    void (*policy_changed)(void *wself);

    /* --- since 0.2 --- */

    /*
     * Further elements that are listeners besides <listen> children, at any depth:
     * "component:5347", names with their default port, one space between. info's `listener`
     * counts all of them in the order of the document. NULL: none.
     */
    const char *listen_names;
    uint32_t flags; /* enum xmb_protocol_flags */
    uint32_t reserved_02; /* zero */

    /* --- since 0.3 --- */

    /*
     * A reload changed TLS profiles, or their files: a peer's certificate that was good may be so
     * no more (conn->tls_recheck). After this module's own worker_conf of the same reload, and
     * before its policy_changed. Thread: worker.
     */
    void (*tls_changed)(void *wself);
};

XMB_END_DECLS

#endif
