/* SPDX-License-Identifier: MIT */
/*
 * conn_priv.h - a fake connection, for conn.c (the test's side) and conn_api.c (the plugin's),
 * conn_dial.c and conn_tls.c (both sides).
 *
 *     OPEN --close, reset--> CLOSING --run--> closed() --> CLOSED
 *       \--hangup, a protocol error--> closed() --> CLOSED
 */
#ifndef FAKE_CONN_PRIV_H
#define FAKE_CONN_PRIV_H

#include "fake_priv.h"

enum fake_conn_state { FAKE_OPEN = 1, FAKE_CLOSING, FAKE_CLOSED };

struct fake_deadline {
    struct fake_timer timer; /* first */
    struct xmb_conn *conn;
    uint32_t which;
    uint64_t ms;
};

struct xmb_conn {
    struct xmb_conn *next; /* of all handles */
    struct xmb_module *module;
    enum fake_conn_state state;
    void *cs;
    void *user;
    int has_cs; /* open returned 0 */
    char *why;
    xmb_ref ref;
    uint32_t listener;
    uint32_t direction;
    struct xmb_addr remote;
    struct xmb_addr local; /* family 0: the usual one */
    char *vrf;
    struct xmb_buf in;
    struct fake_text out;
    size_t bound;
    int starved;  /* a write was refused */
    int paused;
    int on_stack; /* callbacks of the plugin that run */
    uint8_t *reserved;
    size_t reserved_bytes;
    struct fake_deadline deadline[2];
    uint32_t tls_version;
    int securing; /* `secured` comes with the next run */
    struct xmb_tls_setup setup; /* what was asked for */
    struct xmb_tls_peer peer;   /* what tls_peer says */
    struct xmb_tls_peer later;  /* and what it says after tls_recheck, when `has_later` */
    int has_later;
    size_t unacked_bytes;
    int flushes;       /* closed in order: what was written leaves */
    size_t left_bytes; /* dropped by reset */
    uint64_t since_ms;
    uint64_t received_ms;
    uint64_t received_bytes;
    uint64_t sent_bytes;
};

struct fake_dial {
    struct fake_dial *next;
    struct xmb_module *module;
    struct xmb_target target;   /* its views are in `setup` and `vrf` */
    struct xmb_tls_setup setup;
    char *vrf;
    uint64_t id;
    void *user;
};

const struct xmb_protocol *fake_protocol(const struct xmb_module *m);
struct xmb_conn *fake_conn_by_ref(xmb_ref ref); /* not CLOSED, or NULL */
/* Begins the end, from the plugin's side: `closed` comes with the next run. */
void fake_conn_closing(struct xmb_conn *c, const char *why);
/* `writable` in the next run when a write was refused and there is room again. */
void fake_conn_relieved(struct xmb_conn *c);
/* Input that waits is handed over in the next run. */
void fake_conn_wake(struct xmb_conn *c);
/* A connection that is not open yet; then `open` is called: NULL when it refuses. */
struct xmb_conn *fake_conn_new(struct xmb_module *m, const struct xmb_addr *remote);
struct xmb_conn *fake_conn_open(struct xmb_conn *c);

/* conn_dial.c */
int fake_dial_add(struct xmb_module *m, const struct xmb_target *target, void *user);
void fake_dial_cancel(uint64_t id);
void fake_dials_free(void);

/* conn_tls.c */
void fake_setup_copy(struct xmb_tls_setup *out, const struct xmb_tls_setup *in);
void fake_setup_free(struct xmb_tls_setup *s);
void fake_peer_copy(struct xmb_tls_peer *out, const struct xmb_tls_peer *in);
void fake_peer_free(struct xmb_tls_peer *p);
void fake_conn_tls_begin(struct xmb_conn *c); /* for a new one */
void fake_conn_tls_free(struct xmb_conn *c);
int fake_secure(struct xmb_conn *c, const struct xmb_tls_setup *setup);
int fake_tls_peer(struct xmb_conn *c, struct xmb_tls_peer *out);
int fake_tls_recheck(struct xmb_conn *c, const char *profile);
int fake_tls_own(const char *profile, const char *name, struct xmb_tls_own *own);

#endif
