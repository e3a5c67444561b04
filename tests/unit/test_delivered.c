/* SPDX-License-Identifier: MIT */
/*
 * test_delivered.c - what a plugin can know about what it wrote, in particular when a connection
 * ends: what never left the queue, and what the peer's kernel has not acknowledged.
 */
#include "tls_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUCH (900u << 10) /* below the high mark, above what the sockets hold */

static struct {
    _Atomic uint32_t opened, closed;
    _Atomic uint64_t ref;
    _Atomic uint32_t worker;
    size_t queued, unacked; /* in `closed`; written before it counts */
    uint64_t sent, wire;
} seen;
static size_t amount; /* what a connection writes when it opens */

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    static char octets[MUCH];
    int little = 65536;

    (void)wself;
    *cs = c;
    atomic_store(&seen.ref, conn_api.ref(c));
    atomic_store(&seen.worker, c->worker->index);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    assert_int_equal(conn_api.write(c, (struct xmb_str){octets, amount}), 0);
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    (void)cs;
    buf_api.drop(in, buf_api.length(in));
    conn_api.close(c, "as asked");
    return 0;
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)cs;
    (void)why;
    conn_api.info(c, &info);
    seen.queued = info.queued_bytes;
    seen.sent = info.sent_bytes;
    seen.wire = info.wire_sent_bytes;
    seen.unacked = conn_api.unacked(c);
    atomic_fetch_add(&seen.closed, 1);
}

static int start(void **state)
{
    char broker[512];

    (void)state;
    rig_module.protocol =
        (struct xmb_protocol){.open = on_open, .data = on_data, .closed = on_closed};
    tls_rig_issue(&(struct cert_spec){.file = "server.pem", .cn = "server", .self = 1});
    snprintf(broker, sizeof(broker), "<tls name='server' certificate='%s'/>",
             rig_path("server.pem"));
    rig_start();
    return rig_configure(broker, "<listen address='127.0.0.1' port='0'/>"
                                 "<listen address='127.0.0.1' port='0' tls='server'/>") != 0;
}

static int stop(void **state)
{
    (void)state;
    tls_rig_remove_files();
    rig_stop();
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    memset(&seen, 0, sizeof(seen));
    amount = MUCH;
    return 0;
}

/* A peer that holds little and reads nothing. */
static int stubborn(size_t listener)
{
    int small = 4096, fd = rig_socket();

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    rig_connect_socket(fd, rig_port(listener));
    return fd;
}

static struct xmb_conn *conn(struct xmb_worker *w)
{
    return conn_api.by_ref(w, atomic_load(&seen.ref));
}

static void reset_it(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_api.reset(conn(w), "the test resets it");
}

struct rest {
    size_t queued, unacked;
};

static void look(struct xmb_worker *w, void *arg)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct rest *rest = arg;

    conn_api.info(conn(w), &info);
    rest->queued = info.queued_bytes;
    rest->unacked = conn_api.unacked(conn(w));
}

static struct rest rest(void)
{
    struct rest r;

    rig_on(atomic_load(&seen.worker), look, &r);
    return r;
}

static int is_stuck(void *arg)
{
    struct rest now = rest(), *before = arg;
    int same = now.unacked > 0 && memcmp(&now, before, sizeof(now)) == 0;

    *before = now;
    return same;
}

static int is_delivered(void *arg)
{
    struct rest now = rest();

    (void)arg;
    return now.queued == 0 && now.unacked == 0;
}

static void read_all(int fd, size_t n)
{
    char piece[16384];

    while (n > 0) {
        long got = rig_receive_some(fd, piece, n < sizeof(piece) ? n : sizeof(piece));

        assert_true(got > 0);
        n -= (size_t)got;
    }
}

/* --- plain ------------------------------------------------------------------------------------ */

static void all_is_delivered(void **state)
{
    int fd = rig_connect(rig_port(0));

    (void)state;
    rig_wait_flag(&seen.opened, 1);
    read_all(fd, MUCH);
    rig_wait(is_delivered, NULL);
    close(fd);
    rig_wait_flag(&seen.closed, 1);
    assert_int_equal(seen.queued, 0);
    assert_int_equal(seen.unacked, 0);
    assert_int_equal(seen.sent, MUCH);
    assert_int_equal(seen.wire, MUCH);
}

static void reset_leaves_a_rest(void **state)
{
    struct rest before = {0, 0};
    int fd = stubborn(0);

    (void)state;
    rig_wait_flag(&seen.opened, 1);
    rig_wait(is_stuck, &before);
    rig_on(atomic_load(&seen.worker), reset_it, NULL);
    rig_wait_flag(&seen.closed, 1);
    assert_int_equal(seen.queued + seen.sent, MUCH);
    assert_true(seen.unacked > 0);
    assert_true(seen.unacked <= seen.sent);
    assert_int_equal(seen.wire, seen.sent);
    close(fd);
}

/* The peer goes away with octets unread, which its kernel answers with a reset. */
static void peer_that_goes_leaves_a_rest(void **state)
{
    struct rest before = {0, 0};
    int fd = stubborn(0);

    (void)state;
    rig_wait_flag(&seen.opened, 1);
    rig_wait(is_stuck, &before);
    close(fd);
    rig_wait_flag(&seen.closed, 1);
    assert_true(seen.queued > 0);
    assert_int_equal(seen.queued + seen.sent, MUCH);
    assert_true(seen.unacked > 0);
}

/* Our FIN is not counted, whether the peer has acknowledged it or not. */
static void close_in_order_leaves_nothing(void **state)
{
    char c;
    int fd;

    (void)state;
    amount = 100;
    fd = rig_connect(rig_port(0));
    read_all(fd, 100);
    rig_send(fd, "x", 1);
    assert_int_equal(rig_receive_some(fd, &c, 1), 0);
    close(fd);
    rig_wait_flag(&seen.closed, 1);
    assert_int_equal(seen.queued, 0);
    assert_int_equal(seen.unacked, 0);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* A record that the kernel took in part is cut off: the peer has none of it. */
static void tls_leaves_a_rest(void **state)
{
    struct rest before = {0, 0};
    struct tls_end e = tls_end_client(stubborn(1), NULL);

    (void)state;
    tls_end_handshake(&e);
    rig_wait_flag(&seen.opened, 1);
    rig_wait(is_stuck, &before);
    rig_on(atomic_load(&seen.worker), reset_it, NULL);
    rig_wait_flag(&seen.closed, 1);
    assert_true(seen.queued > 0);
    assert_int_equal(seen.queued + seen.sent, MUCH);
    assert_true(seen.wire > seen.sent);
    assert_true(seen.unacked > 0);
    tls_end_free(&e);
}

static void write_to_nobody(struct xmb_worker *w, void *arg)
{
    struct xmb_conn *c = conn(w);

    (void)arg;
    shutdown(c->fd, SHUT_WR);
    assert_int_equal(conn_api.write(c, XMB_STR("never sent")), 0);
}

/* All before it is acknowledged, and this one the kernel refused: it must not look delivered. */
static void what_the_kernel_refuses_has_not_left(void **state)
{
    struct tls_end e;
    char octet;

    (void)state;
    amount = 1;
    e = tls_end_client(rig_connect(rig_port(1)), NULL);
    tls_end_handshake(&e);
    assert_int_equal(SSL_read(e.ssl, &octet, 1), 1);
    rig_wait(is_delivered, NULL);
    rig_on(atomic_load(&seen.worker), write_to_nobody, NULL);
    rig_wait_flag(&seen.closed, 1);
    assert_true(seen.unacked <= 1); /* the FIN that the test has sent behind its back */
    assert_int_equal(seen.queued, strlen("never sent"));
    tls_end_free(&e);
}

static void tls_is_delivered(void **state)
{
    struct tls_end e;
    char piece[16384];
    size_t n = 0;
    int r;

    (void)state;
    e = tls_end_client(rig_connect(rig_port(1)), NULL);
    tls_end_handshake(&e);
    while (n < MUCH) {
        r = SSL_read(e.ssl, piece, sizeof(piece));
        assert_true(r > 0);
        n += (size_t)r;
    }
    rig_wait(is_delivered, NULL);
    n = BIO_number_read(SSL_get_rbio(e.ssl));
    tls_end_free(&e);
    rig_wait_flag(&seen.closed, 1);
    assert_int_equal(seen.queued, 0);
    assert_int_equal(seen.unacked, 0);
    assert_int_equal(seen.wire, n); /* to the octet; close_notify had not been read */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(all_is_delivered),
        TEST(reset_leaves_a_rest),
        TEST(peer_that_goes_leaves_a_rest),
        TEST(close_in_order_leaves_nothing),
        TEST(tls_leaves_a_rest),
        TEST(what_the_kernel_refuses_has_not_left),
        TEST(tls_is_delivered),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
