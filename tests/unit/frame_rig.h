/* SPDX-License-Identifier: MIT */
/*
 * frame_rig.h - a module that speaks frames, and its peer, over real loopback sockets on real
 * workers.
 *
 * A frame is an octet that says what to do, three octets of length, then that many octets. What
 * the module sees is counted in atomics, which the test's thread, being the peer, waits for.
 */
#ifndef FRAME_RIG_H
#define FRAME_RIG_H

#include "conn_rig.h"

#define HEAD 4
#define FLOOD_BYTES (8u << 20)
#define FLOOD_CHUNK 10000

struct seen {
    _Atomic uint32_t opened, closed, frames, refused_writes, writable, expired_idle, expired_once,
        dial_failed, drained, paused, writes_after_close;
    _Atomic uint64_t ref, flooded;
    _Atomic uint32_t worker, dial_user_seen, rest_bytes, data_calls;
    _Atomic uint32_t open_says; /* negated error */
    char why[128];              /* written before `closed` or `dial_failed` is counted */
};
extern struct seen seen;
extern int dial_user; /* its address is the user of every dial */

/* Set-up and end of a program, and set-up of each test. */
int start(void **state);
int stop(void **state);
int fresh(void **state);

/* A frame with a body of the pattern; its length. */
size_t make_frame(uint8_t *out, char what, size_t body);
void send_frame(int fd, char what, size_t body);
void send_number(int fd, char what, uint16_t number);
void expect_frame(int fd, char what, size_t body);
/* Frames of `body` octets, `total` or more in all, are sent and come back meanwhile. */
void pump(int fd, char what, size_t body, size_t total);

/* The end of the stream; or, closed by the core with something unread, an error. */
void expect_end(int fd);
void expect_gone(int fd);
/* A connection that the module has opened; and the end of the only one. */
int connected(void);
void expect_closed(const char *why);

/* Runs on the worker of the connection seen last, which is last_conn there. */
void on_conn(void (*fn)(struct xmb_worker *w, void *arg), void *arg);
struct xmb_conn *last_conn(struct xmb_worker *w);

#endif
