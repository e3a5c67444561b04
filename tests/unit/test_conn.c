/* SPDX-License-Identifier: MIT */
/*
 * test_conn.c - connections over real loopback sockets, on real workers.
 *
 * The module speaks frames: an octet that says what to do, three octets of
 * length, then that many octets. What it sees is counted in atomics, which the test's
 * thread, being the peer, waits for.
 */
#include "conn_rig.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD 4
#define FLOOD_BYTES (8u << 20)
#define FLOOD_CHUNK 10000

static struct {
    _Atomic uint32_t opened, closed, frames, refused_writes, writable, expired_idle, expired_once,
        dial_failed, drained, paused, writes_after_close;
    _Atomic uint64_t ref, flooded;
    _Atomic uint32_t worker, dial_user_seen, rest_bytes, data_calls;
    _Atomic uint32_t open_says; /* negated error */
    char why[128];              /* written before `closed` or `dial_failed` is counted */
} seen;

struct session {
    struct xmb_conn *c;
    int flooding;
    int stubborn; /* takes nothing any more */
    int full;     /* waits, paused, until its input is full */
};

static int dial_user;

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

static int start(void **state)
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

static int stop(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    memset(&seen, 0, sizeof(seen));
    return 0;
}

/* --- the peer --------------------------------------------------------------------------- */

static size_t make_frame(uint8_t *out, char what, size_t body)
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

static void send_frame(int fd, char what, size_t body)
{
    static uint8_t frame[HEAD + 65536];

    rig_send(fd, frame, make_frame(frame, what, body));
}

static void send_number(int fd, char what, uint16_t number)
{
    uint8_t frame[HEAD + 2] = {(uint8_t)what, 0, 0, 2, (uint8_t)number, (uint8_t)(number >> 8)};

    rig_send(fd, frame, sizeof(frame));
}

static void expect_frame(int fd, char what, size_t body)
{
    static uint8_t expected[HEAD + 65536], got[HEAD + 65536];
    size_t n = make_frame(expected, what, body);

    rig_receive(fd, got, n);
    assert_memory_equal(got, expected, n);
}

static void expect_end(int fd)
{
    char c;

    assert_int_equal(rig_receive_some(fd, &c, 1), 0);
    close(fd);
}

/* Closed by the core with something unread, or reset: end or error, but no octets. */
static void expect_gone(int fd)
{
    char c;

    assert_true(rig_receive_some(fd, &c, 1) <= 0);
    close(fd);
}

static int connected(void)
{
    uint32_t before = atomic_load(&seen.opened);
    int fd = rig_connect(rig_port(0));

    rig_wait_flag(&seen.opened, before + 1);
    return fd;
}

static void expect_closed(const char *why)
{
    rig_wait_flag(&seen.closed, 1);
    assert_string_equal(seen.why, why);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.closed), 1);
}

/* Runs on the worker of the connection seen last. */
static void on_conn(void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    rig_on(atomic_load(&seen.worker), fn, arg);
}

static struct xmb_conn *last_conn(struct xmb_worker *w)
{
    struct xmb_conn *c = conn_api.by_ref(w, atomic_load(&seen.ref));

    assert_non_null(c);
    return c;
}

/* --- reading and echo -------------------------------------------------------------------- */

static void echo_octet_by_octet(void **state)
{
    uint8_t frame[HEAD + 100];
    size_t i, n = make_frame(frame, 'E', 100);
    int fd = connected();

    (void)state;
    for (i = 0; i < n; i++)
        rig_send(fd, frame + i, 1);
    expect_frame(fd, 'E', 100);
    close(fd);
    expect_closed("closed by peer");
}

/* Every cut of two frames into two writes; the worker has to have read the first part. */
static void frames_cut_anywhere(void **state)
{
    uint8_t frames[2 * (HEAD + 9)];
    size_t cut, n;
    int fd = connected();

    (void)state;
    n = make_frame(frames, 'E', 9);
    n += make_frame(frames + n, 'E', 9);
    for (cut = 1; cut < n; cut++) {
        uint32_t before = atomic_load(&seen.data_calls);

        rig_send(fd, frames, cut);
        rig_wait_flag(&seen.data_calls, before + 1);
        rig_send(fd, frames + cut, n - cut);
        expect_frame(fd, 'E', 9);
        expect_frame(fd, 'E', 9);
    }
    close(fd);
    expect_closed("closed by peer");
}

/* `total` octets of echo frames both ways at once; never more than 256 KiB under way. */
static void pump(int fd, char what, size_t body, size_t total)
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

static void echo_a_megabyte(void **state)
{
    static const size_t bodies[] = {1, 300, 511, 512, 1000, 16384, 65535, 120000};
    size_t i;
    int fd = connected();

    (void)state;
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        pump(fd, 'E', bodies[i], 1u << 20);
    close(fd);
    expect_closed("closed by peer");
}

static void echo_shared_and_copied_parts(void **state)
{
    static const size_t bodies[] = {5, 600, 1030, 20000, 65000};
    size_t i;
    int fd = connected();

    (void)state;
    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        pump(fd, 'W', bodies[i], 1u << 20);
    close(fd);
    expect_closed("closed by peer");
}

static void frame_above_the_bound(void **state)
{
    uint8_t head[HEAD] = {'E', 3, 0, 0};
    int fd = connected();

    (void)state;
    rig_send(fd, head, sizeof(head));
    expect_end(fd);
    expect_closed("protocol error");
}

static void peer_that_is_never_read(void **state)
{
    static uint8_t octets[CONN_INPUT_MAX];
    int fd = connected();

    (void)state;
    send_frame(fd, 'S', 0);
    rig_send(fd, octets, sizeof(octets));
    expect_gone(fd);
    expect_closed("a frame larger than the input bound");
}

static void unknown_frame_is_a_protocol_error(void **state)
{
    int fd = connected();

    (void)state;
    send_frame(fd, '?', 0);
    expect_end(fd);
    expect_closed("protocol error");
}

static void refused_without_a_byte(void **state)
{
    int fd;

    (void)state;
    atomic_store(&seen.open_says, -XMB_EDENIED);
    fd = rig_connect(rig_port(0));
    expect_gone(fd);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.closed), 0);
}

/* --- flow control ------------------------------------------------------------------------ */

static void reader_that_stops(void **state)
{
    static uint8_t got[65536];
    size_t at = 0;
    int fd = connected();

    (void)state;
    send_frame(fd, 'F', 0);
    rig_wait_flag(&seen.refused_writes, 1);
    assert_true(atomic_load(&seen.flooded) < FLOOD_BYTES);
    assert_int_equal(atomic_load(&seen.writable), 0);
    while (at < FLOOD_BYTES) {
        long i, n = rig_receive_some(fd, got, sizeof(got));

        assert_true(n > 0);
        for (i = 0; i < n; i++)
            if (got[i] != rig_octet(at + (size_t)i))
                fail_msg("octet %zu is wrong", at + (size_t)i);
        at += (size_t)n;
    }
    assert_true(atomic_load(&seen.writable) > 0);
    assert_int_equal(atomic_load(&seen.flooded), FLOOD_BYTES);
    close(fd);
    expect_closed("closed by peer");
}

static void write_above_the_queue(struct xmb_worker *w, void *arg)
{
    static char much[CONN_HIGH_BYTES + 1];
    struct xmb_conn *c = last_conn(w);

    (void)arg;
    assert_int_equal(conn_api.write(c, (struct xmb_str){much, sizeof(much)}), XMB_ETOOBIG);
    assert_null(conn_api.reserve(c, CONN_RESERVE_MAX + 1));
    assert_int_equal(conn_api.room(c), CONN_HIGH_BYTES);
}

static void write_that_never_fits(void **state)
{
    int fd = connected();

    (void)state;
    on_conn(write_above_the_queue, NULL);
    close(fd);
    expect_closed("closed by peer");
}

static void resume(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_api.resume(last_conn(w));
}

static void nothing(struct xmb_worker *w, void *arg)
{
    (void)w;
    (void)arg;
}

static void paused_reads_nothing(void **state)
{
    int i, fd = connected();

    (void)state;
    send_frame(fd, 'P', 0); /* counts two */
    rig_wait_flag(&seen.paused, 1);
    send_frame(fd, 'E', 50);
    for (i = 0; i < 20; i++) /* twenty turns in which it could be read */
        on_conn(nothing, NULL);
    assert_int_equal(atomic_load(&seen.frames), 1);
    on_conn(resume, NULL);
    for (i = 0; i < 20; i++)
        on_conn(nothing, NULL);
    assert_int_equal(atomic_load(&seen.frames), 1);
    on_conn(resume, NULL);
    expect_frame(fd, 'E', 50);
    close(fd);
    expect_closed("closed by peer");
}

/* What was read before the pause comes back although the peer sends nothing more. */
static void rest_is_offered_after_resume(void **state)
{
    uint8_t frames[HEAD + HEAD + 50];
    size_t n;
    int fd = connected();

    (void)state;
    n = make_frame(frames, 'P', 0);
    n += make_frame(frames + n, 'E', 50);
    rig_send(fd, frames, n);
    rig_wait_flag(&seen.paused, 1);
    on_conn(resume, NULL);
    assert_int_equal(atomic_load(&seen.frames), 1);
    on_conn(resume, NULL);
    expect_frame(fd, 'E', 50);
    close(fd);
    expect_closed("closed by peer");
}

/* The poll event that was there already comes between resume and the end of that turn. */
static void resume_and_read(struct xmb_worker *w, void *arg)
{
    struct xmb_conn *c = last_conn(w);

    (void)arg;
    conn_api.resume(c);
    conn_read(c);
    assert_int_equal(c->phase, CONN_OPEN);
}

/* A full input leaves no room for a read, which is no end of the stream. */
static void resumed_with_a_full_input(void **state)
{
    static uint8_t many[CONN_INPUT_MAX];
    size_t n = 0;
    int fd = connected();

    (void)state;
    while (n < sizeof(many))
        n += make_frame(many + n, 'D', 0); /* takes a deadline off: no answer */
    send_frame(fd, 'B', 0);
    rig_wait_flag(&seen.frames, 1);
    rig_send(fd, many, n);
    rig_wait_flag(&seen.paused, 1);
    send_frame(fd, 'E', 50);
    on_conn(resume_and_read, NULL);
    expect_frame(fd, 'E', 50);
    close(fd);
    expect_closed("closed by peer");
}

static void resumed_within_the_call(void **state)
{
    uint8_t frames[2 * HEAD + 50];
    size_t n;
    int fd = connected();

    (void)state;
    n = make_frame(frames, 'p', 0);
    n += make_frame(frames + n, 'E', 50);
    rig_send(fd, frames, n);
    expect_frame(fd, 'E', 50);
    close(fd);
    expect_closed("closed by peer");
}

static void peer_that_goes_while_paused(void **state)
{
    int fd = connected();
    struct linger now = {1, 0};

    (void)state;
    send_frame(fd, 'P', 0);
    rig_wait_flag(&seen.paused, 1);
    send_frame(fd, 'E', 50); /* makes the pause a real one */
    on_conn(nothing, NULL);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
    rig_wait_flag(&seen.closed, 1);
}

/* --- ends ----------------------------------------------------------------------------------- */

static void close_sends_what_is_queued(void **state)
{
    static uint8_t got[512u << 10];
    size_t i;
    int fd = connected();

    (void)state;
    send_frame(fd, 'C', 0);
    rig_receive(fd, got, sizeof(got));
    for (i = 0; i < sizeof(got); i++)
        if (got[i] != rig_octet(i))
            fail_msg("octet %zu is wrong", i);
    assert_int_equal(atomic_load(&seen.closed), 0); /* it waits for our end */
    expect_end(fd);
    expect_closed("the module said goodbye");
    assert_int_equal(atomic_load(&seen.writes_after_close), 1);
}

static void reset_is_at_once(void **state)
{
    char c;
    int fd = connected();

    (void)state;
    send_frame(fd, 'R', 0);
    assert_int_equal(rig_receive_some(fd, &c, 1), -ECONNRESET);
    close(fd);
    expect_closed("the module hung up");
}

/* A peer that ends its side and then reads gets its answer. */
static void half_closed_peer_gets_its_answer(void **state)
{
    int fd = connected();

    (void)state;
    send_frame(fd, 'E', 40000);
    shutdown(fd, SHUT_WR);
    expect_frame(fd, 'E', 40000);
    expect_end(fd);
    expect_closed("closed by peer");
}

static void find(struct xmb_worker *w, void *arg)
{
    *(struct xmb_conn **)arg = conn_api.by_ref(w, atomic_load(&seen.ref));
}

static void ref_goes_stale(void **state)
{
    struct xmb_conn *c = NULL;
    xmb_ref first;
    int i, fd = connected();

    (void)state;
    first = atomic_load(&seen.ref);
    assert_int_not_equal(first, 0);
    on_conn(find, &c);
    assert_non_null(c);
    rig_on(1 - atomic_load(&seen.worker), find, &c);
    assert_null(c);
    close(fd);
    expect_closed("closed by peer");
    on_conn(find, &c);
    assert_null(c);
    for (i = 0; i < 20; i++) { /* slots are used again, names are not */
        fd = connected();
        assert_int_not_equal(atomic_load(&seen.ref), first);
        close(fd);
        rig_wait_no_conns();
    }
}

static void drain_all(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_worker_drain(w);
    conn_worker_drain(w); /* tells each only once */
}

static void drain(void **state)
{
    char bye[3];
    int fd = connected();

    (void)state;
    on_conn(drain_all, NULL);
    rig_receive(fd, bye, sizeof(bye));
    assert_memory_equal(bye, "bye", 3);
    expect_end(fd);
    expect_closed("drained");
    assert_int_equal(atomic_load(&seen.drained), 1);
}

/* --- deadlines ------------------------------------------------------------------------------ */

static void deadline_once(void **state)
{
    char t;
    int fd = connected();

    (void)state;
    send_number(fd, 'D', 30);
    rig_receive(fd, &t, 1);
    assert_int_equal(t, 'T');
    assert_int_equal(atomic_load(&seen.expired_once), 1);
    assert_int_equal(atomic_load(&seen.expired_idle), 0);
    close(fd);
    expect_closed("closed by peer");
}

static void deadline_idle_starts_again(void **state)
{
    char t;
    int fd = connected();

    (void)state;
    send_number(fd, 'I', 30);
    rig_receive(fd, &t, 1);
    assert_int_equal(atomic_load(&seen.expired_idle), 1);
    send_frame(fd, 'E', 10);
    expect_frame(fd, 'E', 10);
    rig_receive(fd, &t, 1);
    assert_int_equal(t, 'T');
    assert_int_equal(atomic_load(&seen.expired_idle), 2);
    close(fd);
    expect_closed("closed by peer");
}

static void deadline_taken_off(void **state)
{
    char t;
    int fd = connected();

    (void)state;
    send_number(fd, 'I', 40);
    send_number(fd, 'I', 0);
    send_number(fd, 'D', 80); /* the later one comes; the other would have before it */
    rig_receive(fd, &t, 1);
    assert_int_equal(atomic_load(&seen.expired_idle), 0);
    close(fd);
    expect_closed("closed by peer");
}

/* --- dialling ------------------------------------------------------------------------------- */

struct dial {
    struct xmb_target target;
    int rc;
};

static void dial_it(struct xmb_worker *w, void *arg)
{
    struct dial *d = arg;
    uint32_t before = atomic_load(&seen.dial_failed);

    d->rc = conn_api.dial(w, &rig_module, &d->target, &dial_user);
    assert_int_equal(atomic_load(&seen.dial_failed), before);
}

static struct dial dial_to(uint16_t port)
{
    struct dial d = {.target = {.size = sizeof(d.target),
                                .address = {.family = 4, .port = port, .ip = {127, 0, 0, 1}}}};

    return d;
}

static void dial_and_open(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&seen.opened, 2); /* both ends are ours */
    assert_int_equal(atomic_load(&seen.dial_user_seen), 1);
    rig_on(0, drain_all, NULL);
    rig_on(1, drain_all, NULL);
    rig_wait_flag(&seen.closed, 2);
}

static void dial_that_fails(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    assert_int_equal(rig_configure("", ""), 0); /* nobody listens there any more */
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&seen.dial_failed, 1);
    assert_string_equal(seen.why, "connect: Connection refused");
    assert_int_equal(atomic_load(&seen.opened), 0);
    assert_int_equal(atomic_load(&seen.closed), 0);
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
}

static void dial_nonsense(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.address.family = 0;
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, XMB_EINVAL);
    d = dial_to(1);
    d.target.tls_profile = "nobody";
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, XMB_EINVAL);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.dial_failed), 0);
}

/* --- what it costs -------------------------------------------------------------------------- */

static void measure_idle(struct xmb_worker *w, void *arg)
{
    const struct xmb_conn *c = last_conn(w);
    size_t bytes = sizeof(*c) + sizeof(struct conn_slot) +
                   (c->in.ring_size + c->out.ring_size) * sizeof(struct buf_slice);

    (void)arg;
    assert_null(c->tail);
    assert_int_equal(c->in.count, 0);
    assert_int_equal(c->out.count, 0);
    assert_null(c->in.held);
    assert_true(bytes <= 2048);
    if (getenv("XMB_TEST_VERBOSE") != NULL)
        print_message("struct xmb_conn %zu, idle with rings %zu octets\n", sizeof(*c), bytes);
}

static void idle_holds_no_buffers(void **state)
{
    int fd = connected();

    (void)state;
    pump(fd, 'W', 5000, 1u << 20);
    on_conn(measure_idle, NULL);
    close(fd);
    expect_closed("closed by peer");
}

static void steady_echo_asks_no_memory(void **state)
{
    uint64_t before;
    int i, fd = connected();

    (void)state;
    for (i = 0; i < 10; i++) {
        send_frame(fd, 'E', 300);
        expect_frame(fd, 'E', 300);
    }
    before = slab_malloc_count();
    for (i = 0; i < 1000; i++) {
        send_frame(fd, 'E', 300);
        expect_frame(fd, 'E', 300);
    }
    assert_int_equal(slab_malloc_count(), before);
    close(fd);
    expect_closed("closed by peer");
}

static void take_info(struct xmb_worker *w, void *arg)
{
    conn_api.info(last_conn(w), arg);
}

static void facts(void **state)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct {
        uint32_t size, direction;
        uint8_t beyond[sizeof(struct xmb_conn_info)];
    } old = {.size = 8};
    size_t i;
    int fd = connected();

    (void)state;
    send_frame(fd, 'E', 6);
    expect_frame(fd, 'E', 6);
    on_conn(take_info, &info);
    assert_int_equal(info.direction, XMB_INCOMING);
    assert_int_equal(info.listener, 0);
    assert_int_equal(info.local.port, rig_port(0));
    assert_int_equal(info.remote.family, 4);
    assert_int_equal(info.received_bytes, HEAD + 6);
    assert_int_equal(info.sent_bytes, HEAD + 6);
    assert_int_equal(info.queued_bytes, 0);
    assert_int_equal(info.tls_version, 0);
    assert_null(info.vrf);
    on_conn(take_info, &old); /* a plugin from before the other members existed */
    assert_int_equal(old.direction, XMB_INCOMING);
    for (i = 0; i < sizeof(old.beyond); i++)
        assert_int_equal(old.beyond[i], 0);
    close(fd);
    expect_closed("closed by peer");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(echo_octet_by_octet),
        TEST(frames_cut_anywhere),
        TEST(echo_a_megabyte),
        TEST(echo_shared_and_copied_parts),
        TEST(frame_above_the_bound),
        TEST(peer_that_is_never_read),
        TEST(unknown_frame_is_a_protocol_error),
        TEST(refused_without_a_byte),
        TEST(reader_that_stops),
        TEST(write_that_never_fits),
        TEST(paused_reads_nothing),
        TEST(rest_is_offered_after_resume),
        TEST(resumed_with_a_full_input),
        TEST(resumed_within_the_call),
        TEST(peer_that_goes_while_paused),
        TEST(close_sends_what_is_queued),
        TEST(reset_is_at_once),
        TEST(half_closed_peer_gets_its_answer),
        TEST(ref_goes_stale),
        TEST(drain),
        TEST(deadline_once),
        TEST(deadline_idle_starts_again),
        TEST(deadline_taken_off),
        TEST(dial_and_open),
        TEST(dial_that_fails),
        TEST(dial_nonsense),
        TEST(idle_holds_no_buffers),
        TEST(steady_echo_asks_no_memory),
        TEST(facts),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
