/* SPDX-License-Identifier: MIT */
/*
 * conn_priv.h - a fake connection, for conn.c (the test's side) and conn_api.c (the plugin's).
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
    uint64_t since_ms;
    uint64_t received_ms;
    uint64_t received_bytes;
    uint64_t sent_bytes;
};

struct fake_dial {
    struct fake_dial *next;
    struct xmb_module *module;
    struct xmb_addr address;
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
void fake_dial_add(struct xmb_module *m, const struct xmb_addr *address, void *user);

#endif
