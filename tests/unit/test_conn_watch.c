/* SPDX-License-Identifier: MIT */
/*
 * test_conn_watch.c - which connections the watch ends, and how often it asks the kernel. Clock,
 * kernel and what ends a connection stand here, so that minutes pass at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "conn/conn_priv.h"

#define START_MS 1000000

static uint64_t now_ms;
static uint64_t acked_ms; /* when the peer's system was heard last */
static int probes_every_ms; /* it answers one so often; 0: it is gone */
static int knows_nothing;   /* the kernel, of TCP */
static unsigned asked;
static struct timer_node *timer;
static struct xmb_worker worker;
static struct conn_worker cw;
static struct conn_slot slot;
static struct xmb_conn conn;

/* --- in place of the rest of the broker ------------------------------------------------------ */

uint64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return now_ms;
}

void conn_reset(struct xmb_conn *c, const char *why)
{
    assert_non_null(strstr(why, "acknowledged nothing"));
    c->phase = CONN_DEAD;
}

void timer_start(struct timer_wheel *wheel, struct timer_node *node, uint64_t delay_ms)
{
    (void)wheel;
    node->prev = &timer;
    node->due_ms = now_ms + delay_ms;
    timer = node;
}

void timer_stop(struct timer_wheel *wheel, struct timer_node *node)
{
    (void)wheel;
    node->prev = NULL;
    timer = NULL;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    struct tcp_info info = {0};

    (void)fd;
    assert_int_equal(level, IPPROTO_TCP);
    assert_int_equal(name, TCP_INFO);
    asked++;
    if (knows_nothing) {
        errno = EOPNOTSUPP;
        return -1;
    }
    info.tcpi_last_ack_recv = (uint32_t)(now_ms - acked_ms);
    info.tcpi_last_data_recv = (uint32_t)(now_ms - START_MS);
    assert_true(*size >= sizeof(info));
    memcpy(value, &info, sizeof(info));
    *size = sizeof(info);
    return 0;
}

/* --- the tests ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    now_ms = acked_ms = START_MS;
    probes_every_ms = CONN_PROBE_IDLE_S * 1000;
    knows_nothing = 0;
    asked = 0;
    memset(&conn, 0, sizeof(conn));
    conn.phase = CONN_OPEN;
    conn.since_ms = conn.received_ms = now_ms;
    slot.conn = &conn;
    cw = (struct conn_worker){.worker = &worker, .slots = &slot, .slots_size = 1, .count = 1};
    timer = NULL;
    conn_watch_start(&cw);
    return 0;
}

/* Second by second; ends early when the connection does. */
static void pass(uint64_t ms)
{
    uint64_t end_ms = now_ms + ms;

    while (now_ms < end_ms && conn.phase != CONN_DEAD) {
        now_ms += 1000;
        if (probes_every_ms > 0 && now_ms - acked_ms >= (uint64_t)probes_every_ms)
            acked_ms = now_ms;
        if (timer != NULL && timer->due_ms <= now_ms) {
            struct timer_node *due = timer;

            due->prev = NULL;
            timer = NULL;
            due->fn(due);
        }
    }
}

static void who_is_there_stays_and_is_seldom_asked(void **state)
{
    (void)state;
    pass(600000);
    assert_int_equal(conn.phase, CONN_OPEN);
    assert_in_range(asked, 600 / 30, 600 / 15);
}

/* However the end lies to the looks. */
static void who_is_gone_is_found(void **state)
{
    uint64_t later_ms;

    (void)state;
    for (later_ms = 0; later_ms < 40000; later_ms += 1000) {
        set_up(NULL);
        pass(60000 + later_ms);
        probes_every_ms = 0;
        pass(120000);
        assert_int_equal(conn.phase, CONN_DEAD);
        assert_in_range(now_ms - acked_ms, CONN_GONE_MS, CONN_GONE_MS + CONN_WATCH_MS);
    }
}

static void who_writes_is_not_asked(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 60; i++) {
        pass(10000);
        conn.received_ms = now_ms;
    }
    assert_int_equal(asked, 0);
    assert_int_equal(conn.phase, CONN_OPEN);
}

static void what_is_not_known_ends_nobody(void **state)
{
    (void)state;
    knows_nothing = 1;
    pass(600000);
    assert_true(asked > 0);
    assert_int_equal(conn.phase, CONN_OPEN);
}

static void one_that_connects_is_not_asked(void **state)
{
    (void)state;
    conn.phase = CONN_CONNECTING;
    probes_every_ms = 0;
    pass(60000);
    assert_int_equal(asked, 0);
}

static void without_connections_it_sleeps(void **state)
{
    (void)state;
    slot.conn = NULL;
    cw.count = 0;
    pass(CONN_WATCH_MS);
    assert_null(timer);
}

#define ONE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(who_is_there_stays_and_is_seldom_asked),
        ONE(who_is_gone_is_found),
        ONE(who_writes_is_not_asked),
        ONE(what_is_not_known_ends_nobody),
        ONE(one_that_connects_is_not_asked),
        ONE(without_connections_it_sleeps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
