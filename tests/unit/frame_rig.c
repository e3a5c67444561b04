/* SPDX-License-Identifier: MIT */
/* frame_rig.c - a module that speaks frames, and its peer. */
#include "frame_rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen seen;

struct session {
    struct xmb_conn *c;
    int flooding;
    int stubborn; /* takes nothing any more */
    int full;     /* waits, paused, until its input is full */
};

int dial_user;

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct session *s;

    (void)wself;
    if (atomic_load(&seen.open_says) != 0)
        return -(int)atomic_load(&seen.open_says);
    s = calloc(1, sizeof(*s));
    s->c = c;
    *cs = s;
    if (conn_api.user(c) == &dial_user) {
        atomic_fetch_add(&seen.dial_user_seen, 1);
    } else {
        atomic_store(&seen.ref, conn_api.ref(c));
        atomic_store(&seen.worker, c->worker->index);
    }
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

/* Writes until the queue is full or all is written. */
static void flood(struct session *s)
{
    uint8_t chunk[FLOOD_CHUNK];
    uint64_t at = atomic_load(&seen.flooded);

    while (s->flooding && at < FLOOD_BYTES) {
        size_t i, n = FLOOD_BYTES - at < sizeof(chunk) ? FLOOD_BYTES - at : sizeof(chunk);
        int rc;

        for (i = 0; i < n; i++)
            chunk[i] = rig_octet(at + i);
        rc = conn_api.write(s->c, (struct xmb_str){(char *)chunk, n});
        if (rc == XMB_EAGAIN) {
            assert_true(conn_api.room(s->c) < n);
            atomic_fetch_add(&seen.refused_writes, 1);
            return;
        }
        assert_int_equal(rc, 0);
        at += n;
        atomic_store(&seen.flooded, at);
    }
    s->flooding = 0;
}

/* Echo by reserve for the head and a shared slab for the body, in pieces of both kinds. */
static void echo_parts(struct session *s, struct xmb_str frame)
{
    struct xmb_slab *slab = buf_api.slab_new(frame.n);
    struct xmb_part parts[3];
    uint8_t *room = conn_api.reserve(s->c, 65552);
    size_t half = frame.n / 2;

    assert_non_null(room);
    assert_non_null(slab);
    memcpy(room, frame.p, HEAD);
    conn_api.commit(s->c, HEAD);
    memcpy(slab->data, frame.p, frame.n);
    parts[0] = (struct xmb_part){slab, slab->data + HEAD, half - HEAD};
    parts[1] = (struct xmb_part){NULL, frame.p + half, 1};
    parts[2] = (struct xmb_part){slab, slab->data + half + 1, frame.n - half - 1};
    assert_int_equal(conn_api.write_parts(s->c, parts, 3), 0);
    buf_api.slab_release(slab);
}

static void big_goodbye(struct session *s)
{
    uint8_t chunk[8192];
    size_t at;

    for (at = 0; at < (512u << 10); at += sizeof(chunk)) {
        size_t i;

        for (i = 0; i < sizeof(chunk); i++)
            chunk[i] = rig_octet(at + i);
        assert_int_equal(conn_api.write(s->c, (struct xmb_str){(char *)chunk, sizeof(chunk)}), 0);
    }
    conn_api.close(s->c, "the module said goodbye");
    assert_int_equal(conn_api.write(s->c, XMB_STR("late")), XMB_ECLOSED);
    assert_int_equal(conn_api.room(s->c), 0);
    atomic_fetch_add(&seen.writes_after_close, 1);
}

static uint32_t frame_number(struct xmb_str frame)
{
    uint8_t text[4] = {0};

    memcpy(text, frame.p + HEAD, frame.n - HEAD < 4 ? frame.n - HEAD : 4);
    return (uint32_t)text[0] | (uint32_t)text[1] << 8;
}

/* 1: take the next frame as well. */
static int do_frame(struct session *s, struct xmb_str frame)
{
    switch (frame.p[0]) {
    case 'E':
        while (conn_api.write(s->c, frame) == XMB_EAGAIN)
            fail_msg("the echo is kept below the high mark by its peer");
        return 1;
    case 'W':
        echo_parts(s, frame);
        return 1;
    case 'F':
        s->flooding = 1;
        flood(s);
        return 1;
    case 'P':
        conn_api.pause(s->c);
        conn_api.pause(s->c);
        atomic_fetch_add(&seen.paused, 1);
        return 0;
    case 'p': /* paused and resumed within the call, and the rest left */
        conn_api.pause(s->c);
        conn_api.resume(s->c);
        return 0;
    case 'C':
        big_goodbye(s);
        return 0;
    case 'R':
        conn_api.reset(s->c, "the module hung up");
        return 0;
    case 'D':
        conn_api.deadline(s->c, XMB_DEADLINE_ONCE, frame_number(frame));
        return 1;
    case 'I':
        conn_api.deadline(s->c, XMB_DEADLINE_IDLE, frame_number(frame));
        return 1;
    case 'S':
        s->stubborn = 1;
        return 0;
    case 'B':
        s->full = 1;
        return 0;
    default:
        return -1;
    }
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct session *s = cs;
    struct xmb_str head, frame;
    int rc = 1;

    assert_ptr_equal(s->c, c);
    atomic_fetch_add(&seen.data_calls, 1);
    if (s->full && buf_api.length(in) == CONN_INPUT_MAX) {
        s->full = 0;
        conn_api.pause(c);
        atomic_fetch_add(&seen.paused, 1);
        return 0;
    }
    while (rc == 1 && !s->full && !s->stubborn && buf_api.peek(in, HEAD, &head) == 0) {
        const uint8_t *p = (const uint8_t *)head.p;
        size_t n = HEAD + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
        int peeked = buf_api.peek(in, n, &frame);

        if (peeked == XMB_EAGAIN)
            break;
        if (peeked < 0)
            return peeked;
        rc = do_frame(s, frame);
        if (rc < 0)
            return XMB_EPROTO;
        buf_api.drop(in, n);
        atomic_fetch_add(&seen.frames, 1);
    }
    atomic_store(&seen.rest_bytes, (uint32_t)buf_api.length(in));
    return 0;
}

static void on_writable(void *cs, struct xmb_conn *c)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    conn_api.info(c, &info);
    assert_true(info.queued_bytes <= CONN_HIGH_BYTES / CONN_LOW_DIVISOR);
    atomic_fetch_add(&seen.writable, 1);
    flood(cs);
}

static void on_expired(void *cs, struct xmb_conn *c, uint32_t which)
{
    (void)cs;
    atomic_fetch_add(which == XMB_DEADLINE_IDLE ? &seen.expired_idle : &seen.expired_once, 1);
    conn_api.write(c, XMB_STR("T"));
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    assert_ptr_equal(conn_api.by_ref(c->worker, conn_api.ref(c)), c);
    assert_int_equal(conn_api.write(c, XMB_STR("x")), XMB_ECLOSED);
    rig_note(seen.why, sizeof(seen.why), why);
    free(cs);
    atomic_fetch_add(&seen.closed, 1);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    assert_ptr_equal(user, &dial_user);
    rig_note(seen.why, sizeof(seen.why), why);
    atomic_fetch_add(&seen.dial_failed, 1);
}

static void on_drain(void *cs, struct xmb_conn *c)
{
    (void)cs;
    atomic_fetch_add(&seen.drained, 1);
    conn_api.write(c, XMB_STR("bye"));
    conn_api.close(c, "drained");
}

int start(void **state)
{
    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open,
        .data = on_data,
        .writable = on_writable,
        .expired = on_expired,
        .closed = on_closed,
        .dial_failed = on_dial_failed,
        .drain = on_drain,
    };
    rig_start();
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    return 0;
}

int stop(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    memset(&seen, 0, sizeof(seen));
    return 0;
}

/* --- the peer --------------------------------------------------------------------------- */

size_t make_frame(uint8_t *out, char what, size_t body)
{
    size_t i;

    out[0] = (uint8_t)what;
    out[1] = (uint8_t)(body >> 16);
    out[2] = (uint8_t)(body >> 8);
    out[3] = (uint8_t)body;
    for (i = 0; i < body; i++)
        out[HEAD + i] = rig_octet(i);
    return HEAD + body;
}

void send_frame(int fd, char what, size_t body)
{
    static uint8_t frame[HEAD + 65536];

    rig_send(fd, frame, make_frame(frame, what, body));
}

void send_number(int fd, char what, uint16_t number)
{
    uint8_t frame[HEAD + 2] = {(uint8_t)what, 0, 0, 2, (uint8_t)number, (uint8_t)(number >> 8)};

    rig_send(fd, frame, sizeof(frame));
}

void expect_frame(int fd, char what, size_t body)
{
    static uint8_t expected[HEAD + 65536], got[HEAD + 65536];
    size_t n = make_frame(expected, what, body);

    rig_receive(fd, got, n);
    assert_memory_equal(got, expected, n);
}

void expect_end(int fd)
{
    char c;

    assert_int_equal(rig_receive_some(fd, &c, 1), 0);
    close(fd);
}

/* Closed by the core with something unread, or reset: end or error, but no octets. */
void expect_gone(int fd)
{
    char c;

    assert_true(rig_receive_some(fd, &c, 1) <= 0);
    close(fd);
}

int connected(void)
{
    uint32_t before = atomic_load(&seen.opened);
    int fd = rig_connect(rig_port(0));

    rig_wait_flag(&seen.opened, before + 1);
    return fd;
}

void expect_closed(const char *why)
{
    rig_wait_flag(&seen.closed, 1);
    assert_string_equal(seen.why, why);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.closed), 1);
}

/* Runs on the worker of the connection seen last. */
void on_conn(void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    rig_on(atomic_load(&seen.worker), fn, arg);
}

struct xmb_conn *last_conn(struct xmb_worker *w)
{
    struct xmb_conn *c = conn_api.by_ref(w, atomic_load(&seen.ref));

    assert_non_null(c);
    return c;
}

/* `total` octets of echo frames both ways at once; never more than 256 KiB under way. */
void pump(int fd, char what, size_t body, size_t total)
{
    size_t frame_bytes = HEAD + body, out = 0, in = 0;
    uint8_t *frame = malloc(frame_bytes), got[65536];

    make_frame(frame, what, body);
    total = (total / frame_bytes + 1) * frame_bytes;
    while (in < total) {
        struct pollfd p = {fd, POLLIN, 0};
        size_t i;
        long n;

        if (out < total && out - in < (256u << 10))
            p.events |= POLLOUT;
        assert_true(poll(&p, 1, RIG_PATIENCE_MS) > 0);
        if (p.revents & POLLOUT) {
            size_t at = out % frame_bytes;
            ssize_t sent = send(fd, frame + at, frame_bytes - at, MSG_NOSIGNAL | MSG_DONTWAIT);

            assert_true(sent > 0 || errno == EAGAIN);
            out += sent > 0 ? (size_t)sent : 0;
        }
        if (!(p.revents & POLLIN))
            continue;
        n = rig_receive_some(fd, got, sizeof(got));
        assert_true(n > 0);
        for (i = 0; i < (size_t)n; i++)
            if (got[i] != frame[(in + i) % frame_bytes])
                fail_msg("octet %zu of the echo is wrong", in + i);
        in += (size_t)n;
    }
    free(frame);
}
