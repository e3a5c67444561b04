/* SPDX-License-Identifier: MIT */
/*
 * test_dns_srv_thread.c - the queue and the thread of dns-srv, before a name server that never
 * answers: every ticket comes back exactly once, however the thread ends.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <unbound.h>

#include "thread.h"

/* What stands for a ticket here: how often it came back, and with what. */
struct xmb_ticket {
    _Atomic int answers;
    _Atomic int status;
};

/*
 * The clock of this program, in place of the C library's. That of the other threads can be set
 * back: it is then as if each had read it, been held up, and used it so much later.
 */
static pthread_t main_thread;
static _Atomic int behind_s;

int clock_gettime(clockid_t id, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, id, now);

    if (rc == 0 && !pthread_equal(pthread_self(), main_thread))
        now->tv_sec -= atomic_load(&behind_s);
    return rc;
}

static struct xmb_ticket tickets[DSRV_OPEN_MAX + 1];
static struct dsrv_thread *thread;
static int silent_fd;
static uint16_t silent_port;

static void resolved_for(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                         const struct xmb_route *routes, size_t count)
{
    (void)keep_s;
    (void)routes;
    (void)count;
    atomic_store(&ticket->status, status);
    atomic_fetch_add(&ticket->answers, 1);
}

static void limited(const struct xmb_module *module, uint32_t level, const char *key,
                    uint32_t per_second, const char *object, const char *format, ...)
{
    (void)module;
    (void)level;
    (void)key;
    (void)per_second;
    (void)object;
    (void)format;
}

static const struct xmb_router_api router = {.size = sizeof(router), .resolved_for = resolved_for};
static _Atomic int written;

static void write_(const struct xmb_module *module, uint32_t level, const char *object,
                   const char *format, ...)
{
    (void)module;
    (void)level;
    (void)object;
    (void)format;
    atomic_fetch_add(&written, 1);
}

static const struct xmb_log_api log_api = {
    .size = sizeof(log_api), .write = write_, .limited = limited};
static const struct xmb_host host = {.size = sizeof(host), .router = &router, .log = &log_api};

static void counted(void *arg)
{
    (void)arg;
}

static struct dsrv_resolver *resolver(uint32_t query_ms)
{
    const struct xmb_addr loopback = {.family = 4, .ip = {127, 0, 0, 1}};
    struct dsrv_resolver *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    strcpy(r->settings.starttls, "xmpp-server");
    r->settings.query_ms = query_ms;
    r->ctx = dsrv_context_new();
    assert_non_null(r->ctx);
    assert_int_equal(dsrv_context_server(r->ctx, &loopback, silent_port), 0);
    assert_int_equal(dsrv_context_finish(r->ctx), 0);
    return r;
}

static int begin(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(sa);

    (void)state;
    main_thread = pthread_self();
    atomic_store(&behind_s, 0);
    memset(tickets, 0, sizeof(tickets));
    silent_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(silent_fd >= 0);
    assert_int_equal(bind(silent_fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(getsockname(silent_fd, (struct sockaddr *)&sa, &bytes), 0);
    silent_port = ntohs(sa.sin_port);
    thread = dsrv_thread_new(&host, NULL, counted, NULL);
    return thread != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    dsrv_thread_stop(thread);
    dsrv_thread_free(thread);
    close(silent_fd);
    return 0;
}

static int ask(uint32_t i)
{
    char name[64];

    snprintf(name, sizeof(name), "n%u.example", i);
    return dsrv_thread_ask(thread, i % 2 ? DSRV_KIND_ROUTES : DSRV_KIND_ADDRESSES, xmb_str(name),
                           &tickets[i]);
}

static void answered(uint32_t from, uint32_t to)
{
    uint32_t i;

    for (i = from; i < to; i++) {
        assert_int_equal(atomic_load(&tickets[i].answers), 1);
        assert_int_equal(atomic_load(&tickets[i].status), XMB_ETIMEOUT);
    }
}

static void test_bound(void **state)
{
    uint32_t i;

    (void)state;
    assert_int_equal(ask(0), XMB_ECANCELED); /* it does not run yet */
    dsrv_thread_use(thread, resolver(60000));
    assert_int_equal(dsrv_thread_start(thread), 0);
    for (i = 0; i < DSRV_OPEN_MAX; i++)
        assert_int_equal(ask(i), 0);
    assert_int_equal(ask(DSRV_OPEN_MAX), XMB_ELIMIT);
    dsrv_thread_stop(thread);
    answered(0, DSRV_OPEN_MAX);
    assert_int_equal(atomic_load(&tickets[DSRV_OPEN_MAX].answers), 0);
    assert_int_equal(ask(DSRV_OPEN_MAX), XMB_ECANCELED);
    assert_int_equal(dsrv_thread_count(thread, DSRV_COUNT_FAILED), DSRV_OPEN_MAX);
}

/* The server is silent, so each comes back when its time is over, and makes room for others. */
static void test_late(void **state)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint32_t i;

    (void)state;
    dsrv_thread_use(thread, resolver(100));
    assert_int_equal(dsrv_thread_start(thread), 0);
    for (i = 0; i < 600; i++)
        assert_int_equal(ask(i), 0);
    while (dsrv_thread_count(thread, DSRV_COUNT_FAILED) < 600)
        nanosleep(&pause, NULL); /* until then; the runner of the tests has the deadline */
    answered(0, 600);
}

/* New resolvers while questions are open: they begin again, and none is lost. */
static void test_change(void **state)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint32_t i;

    (void)state;
    dsrv_thread_use(thread, resolver(60000));
    assert_int_equal(dsrv_thread_start(thread), 0);
    for (i = 0; i < 300; i++) {
        assert_int_equal(ask(i), 0);
        if (i % 50 == 0)
            dsrv_thread_use(thread, resolver(60000));
    }
    dsrv_thread_use(thread, resolver(100));
    while (dsrv_thread_count(thread, DSRV_COUNT_FAILED) < 300)
        nanosleep(&pause, NULL);
    answered(0, 300);
}

/* As if libunbound's thread were gone: its pipe is at its end. */
static void break_resolver(struct dsrv_resolver *r)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    assert_true(dup2(ends[0], ub_fd(r->ctx)) >= 0);
    close(ends[0]);
}

/* Waits until the silent server was asked for something below `label`. */
static void asked_for(const char *label)
{
    char query[512];
    ssize_t bytes;

    do
        bytes = recv(silent_fd, query, sizeof(query), 0);
    while (bytes >= 0 && memmem(query, (size_t)bytes, label, strlen(label)) == NULL);
    assert_true(bytes >= 0);
}

/* A question that is younger than what the thread takes for now is not old. */
static void test_just_born(void **state)
{
    (void)state;
    dsrv_thread_use(thread, resolver(60000));
    assert_int_equal(dsrv_thread_start(thread), 0);
    atomic_store(&behind_s, 1);
    assert_int_equal(ask(0), 0);
    asked_for("\002n0\007example");
    dsrv_thread_stop(thread);
    answered(0, 1);
}

/*
 * libunbound's thread is gone, as its pipe says: what is open ends, nothing more is asked of it,
 * and new resolvers bring it back.
 */
static void test_broken(void **state)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct dsrv_resolver *r = resolver(60000);

    (void)state;
    dsrv_thread_use(thread, r);
    assert_int_equal(dsrv_thread_start(thread), 0);
    assert_int_equal(ask(0), 0);
    break_resolver(r);
    assert_int_equal(ask(1), 0); /* wakes it */
    while (dsrv_thread_count(thread, DSRV_COUNT_FAILED) < 2)
        nanosleep(&pause, NULL);
    assert_int_equal(atomic_load(&written), 1);
    assert_int_equal(ask(2), 0);
    while (dsrv_thread_count(thread, DSRV_COUNT_FAILED) < 3)
        nanosleep(&pause, NULL);
    dsrv_thread_use(thread, resolver(60000)); /* which is silent, but asked */
    assert_int_equal(ask(3), 0);
    asked_for("\002n3\007example");
    dsrv_thread_stop(thread);
    answered(0, 4);
}

/* More wait than run at once, and all are given up: none of them stays behind. */
static void test_broken_with_a_queue(void **state)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct dsrv_resolver *r = resolver(60000);
    uint32_t i;

    (void)state;
    assert_int_equal(dsrv_thread_start(thread), 0);
    for (i = 0; i < 4 * DSRV_RUNNING_MAX; i++)
        assert_int_equal(ask(i), 0);
    break_resolver(r);
    dsrv_thread_use(thread, r);
    while (dsrv_thread_count(thread, DSRV_COUNT_FAILED) < 4 * DSRV_RUNNING_MAX)
        nanosleep(&pause, NULL);
    answered(0, 4 * DSRV_RUNNING_MAX);
}

static void test_never_started(void **state)
{
    (void)state;
    dsrv_thread_use(thread, resolver(100));
    dsrv_thread_use(thread, resolver(100));
}

/* Without a resolver questions wait for one. */
static void test_no_resolver(void **state)
{
    (void)state;
    assert_int_equal(dsrv_thread_start(thread), 0);
    assert_int_equal(ask(0), 0);
    dsrv_thread_stop(thread);
    answered(0, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bound), TEST(test_late), TEST(test_change), TEST(test_just_born),
        TEST(test_broken), TEST(test_broken_with_a_queue), TEST(test_never_started),
        TEST(test_no_resolver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
