/* SPDX-License-Identifier: MIT */
/*
 * test_conn_cost.c - what a connection costs while it is idle and while it echoes, and the facts
 * it tells of itself.
 */
#include "frame_rig.h"

#include <unistd.h>

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
        TEST(idle_holds_no_buffers),
        TEST(steady_echo_asks_no_memory),
        TEST(facts),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
