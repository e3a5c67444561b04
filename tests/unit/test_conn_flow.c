/* SPDX-License-Identifier: MIT */
/*
 * test_conn_flow.c - flow control of connections: queues that are full, and readers that pause.
 */
#include "frame_rig.h"

#include <sys/socket.h>
#include <unistd.h>

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

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(reader_that_stops),
        TEST(write_that_never_fits),
        TEST(paused_reads_nothing),
        TEST(rest_is_offered_after_resume),
        TEST(resumed_with_a_full_input),
        TEST(resumed_within_the_call),
        TEST(peer_that_goes_while_paused),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
