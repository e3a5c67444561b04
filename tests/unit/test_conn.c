/* SPDX-License-Identifier: MIT */
/*
 * test_conn.c - connections over real loopback sockets, on real workers: what is read and echoed,
 * how they end, deadlines, and dials.
 */
#include "frame_rig.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

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
    };

    return cmocka_run_group_tests(tests, start, stop);
}
