/* SPDX-License-Identifier: MIT */
/*
 * test_datagram.c - datagram sockets on real workers: what arrives and what is sent, the address
 * that an answer comes from, what a reload keeps, closes and refuses, and the port beside TCP.
 *
 * The test's thread is the control thread and the peer. Module "udp" speaks in datagrams alone,
 * "both" has connections too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conn/conn.h"
#include "datagram/datagram.h"
#include "metrics/metrics.h"
#include "router/router.h"
#include "service/service.h"
#include "tls/tls.h"

#define WORKERS 2
#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __LINE__))

static void check_failed(const char *what, int line)
{
    fprintf(stderr, "test_datagram.c:%d: %s\n", line, what);
    abort();
}

/* --- modules --------------------------------------------------------------------------------- */

static _Atomic uint32_t received_count;
static _Atomic uint32_t gone_count;
static _Atomic uint32_t last_listener;
static _Atomic uint32_t last_worker;
static _Atomic int32_t last_send;
static _Atomic uint32_t answer_bytes; /* 0: what came */
static _Atomic int from_nobody;       /* the system chooses where an answer comes from */

static void received(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in)
{
    static char much[XMB_DATAGRAM_MAX + 1];
    struct xmb_str answer = in->bytes;

    (void)wself;
    CHECK(in->size == sizeof(*in));
    CHECK(loop_is_current(&datagram_api.worker(s)->loop));
    atomic_store(&last_listener, in->listener);
    atomic_store(&last_worker, datagram_api.worker(s)->index);
    if (atomic_load(&answer_bytes) > 0)
        answer = (struct xmb_str){much, atomic_load(&answer_bytes)};
    atomic_store(&last_send, datagram_api.send(s, &in->remote,
                                               atomic_load(&from_nobody) ? NULL : &in->local,
                                               answer));
    atomic_fetch_add(&received_count, 1);
}

static void gone(void *wself, struct xmb_socket *s)
{
    (void)wself;
    CHECK(loop_is_current(&datagram_api.worker(s)->loop));
    atomic_fetch_add(&gone_count, 1);
}

static int open_(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    (void)conn;
    (void)cs;
    return XMB_EDENIED;
}

static int data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    (void)in;
    return 0;
}

static void closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static struct xmb_module udp = {
    .name = "udp",
    .plugin = {.size = sizeof(struct xmb_plugin), .name = "udp"},
    .datagram = {.size = sizeof(struct xmb_datagram), .received = received, .gone = gone},
    .log_level = XMB_LOG_ERROR,
};
static struct xmb_module both = {
    .name = "both",
    .plugin = {.size = sizeof(struct xmb_plugin), .name = "both"},
    .protocol = {.size = sizeof(struct xmb_protocol), .open = open_, .data = data,
                 .closed = closed, .listen_names = "other:5999"},
    .datagram = {.size = sizeof(struct xmb_datagram), .received = received, .gone = gone},
    .log_level = XMB_LOG_ERROR,
};

/* --- the rig --------------------------------------------------------------------------------- */

static char folder[128];
static char fault[256];

static struct conf *read_conf(const char *udp_xml, const char *both_xml)
{
    struct conf_faults faults = {0};
    struct conf *conf = NULL;
    char path[160];
    FILE *f;

    snprintf(path, sizeof(path), "%s/rig.xml", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "<xmb xmlns=\"urn:xmb:config:1\"><broker/>\n<module name=\"udp\">%s</module>\n"
            "<module name=\"both\">%s</module></xmb>\n",
            udp_xml, both_xml);
    fclose(f);
    assert_int_equal(conf_read(path, &conf, &faults), 0);
    conf_faults_clear(&faults);
    unlink(path);
    return conf;
}

static int put_in_force(struct conf *conf, const struct xmb_conf *const *elements)
{
    struct listeners_next *listeners = NULL;
    struct datagrams_next *datagrams = NULL;
    struct tls_next *tls = NULL;
    int rc, rc_udp;

    assert_int_equal(tls_prepare(conf_broker(conf), &tls), 0);
    rc = listeners_prepare(elements, WORKERS, tls, &listeners);
    rc_udp = datagrams_prepare(elements, WORKERS, listeners, &datagrams);
    if (rc == 0 && rc_udp == 0) {
        tls_commit(tls);
        datagrams_commit(datagrams);
        listeners_commit(listeners);
        return 0;
    }
    datagrams_abort(datagrams);
    listeners_abort(listeners);
    tls_abort(tls);
    return XMB_ECONF;
}

/*
 * Puts the elements of both modules in force. Returns the number of faults, the first in `fault`.
 */
static size_t configure(const char *udp_xml, const char *both_xml)
{
    const struct xmb_conf *elements[MODULES_MAX] = {NULL};
    struct conf *conf = read_conf(udp_xml, both_xml);
    struct conf_faults faults = {0};
    size_t count;
    int rc;

    conf_collect(conf, &faults);
    elements[udp.index] = conf_module(conf, 0);
    elements[both.index] = conf_module(conf, 1);
    rc = put_in_force(conf, elements);
    count = faults.count;
    assert_true((rc < 0) == (count > 0));
    snprintf(fault, sizeof(fault), "%s", count > 0 ? faults.list[0].text : "");
    conf_faults_clear(&faults);
    conf_collect(conf, NULL);
    conf_free(conf);
    return count;
}

/* A start that fails: the module, which may have no state, hears nothing of its sockets. */
static void never_opened(void)
{
    assert_int_equal(configure("<listen address='127.0.0.1' port='0'/>", ""), 0);
    assert_int_equal(configure("", ""), 0);
    assert_int_equal(atomic_load(&gone_count), 0);
}

static int rig_up(void **state)
{
    const char *tmp = getenv("XMB_TMP");

    (void)state;
    snprintf(folder, sizeof(folder), "%s/udp-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(loop_control_init(), 0);
    assert_int_equal(module_add(&udp), 0);
    assert_int_equal(module_add(&both), 0);
    assert_int_equal(service_init(0), 0);
    assert_int_equal(router_init(), 0);
    assert_int_equal(loop_routing_start(), 0);
    assert_int_equal(workers_start(WORKERS), 0);
    never_opened();
    datagrams_open();
    listeners_open();
    return 0;
}

static int rig_down(void **state)
{
    (void)state;
    listeners_close();
    workers_stop();
    datagrams_fini();
    loop_routing_join();
    router_fini();
    service_fini();
    tls_fini();
    loop_join(loop_control());
    rmdir(folder);
    return 0;
}

static int reset(void **state)
{
    (void)state;
    assert_int_equal(configure("", ""), 0);
    atomic_store(&received_count, 0);
    atomic_store(&gone_count, 0);
    atomic_store(&answer_bytes, 0);
    atomic_store(&from_nobody, 0);
    return 0;
}

struct nth {
    size_t n;
    struct xmb_addr bound;
    uint32_t ordinal;
};

static void see(void *arg, const struct xmb_module *m, uint32_t ordinal,
                const struct xmb_addr *bound, const char *vrf)
{
    struct nth *nth = arg;

    (void)m;
    assert_null(vrf);
    if (nth->n-- == 0) {
        nth->bound = *bound;
        nth->ordinal = ordinal;
    }
}

static uint16_t udp_port(size_t n)
{
    struct nth nth = {n, {0}, 0};

    datagrams_walk(see, &nth);
    assert_int_not_equal(nth.bound.port, 0);
    return nth.bound.port;
}

static uint16_t tcp_port(size_t n)
{
    struct nth nth = {n, {0}, 0};

    listeners_walk(see, &nth);
    assert_int_not_equal(nth.bound.port, 0);
    return nth.bound.port;
}

static size_t socket_count(void)
{
    struct nth nth = {SIZE_MAX, {0}, 0};

    datagrams_walk(see, &nth);
    return SIZE_MAX - nth.n;
}

static void wait_for(_Atomic uint32_t *value, uint32_t at_least)
{
    const struct timespec pause = {0, 1000000};
    int i;

    for (i = 0; atomic_load(value) < at_least; i++) {
        assert_in_range(i, 0, 30000);
        nanosleep(&pause, NULL);
    }
}

/* --- the peer -------------------------------------------------------------------------------- */

/* Connected, so that it takes answers from that address alone. */
static int peer(const char *ip, uint16_t port)
{
    struct timeval patience = {30, 0};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    int is6 = inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1;
    int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (!is6)
        assert_int_equal(inet_pton(AF_INET, ip, &in.sin_addr), 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, is6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
                             is6 ? sizeof(in6) : sizeof(in)), 0);
    return fd;
}

static void exchange(const char *ip, uint16_t port, const char *text)
{
    char answer[256];
    int fd = peer(ip, port);

    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    assert_int_equal(recv(fd, answer, sizeof(answer), 0), strlen(text));
    assert_memory_equal(answer, text, strlen(text));
    close(fd);
}

static uint64_t counted(enum core_metric metric);

/* --- in and out ------------------------------------------------------------------------------ */

static void test_echo(void **state)
{
    uint64_t in = counted(CORE_DATAGRAMS_RECEIVED), out = counted(CORE_DATAGRAMS_SENT);

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    assert_int_equal(socket_count(), 1);
    exchange("127.0.0.1", udp_port(0), "hello");
    exchange("127.0.0.1", udp_port(0), "");
    assert_int_equal(counted(CORE_DATAGRAMS_RECEIVED) - in, 2);
    assert_int_equal(counted(CORE_DATAGRAMS_SENT) - out, 2);
}

/* Bound to all addresses, the answer still comes from the one that was asked. */
static void test_local(void **state)
{
    (void)state;
    assert_int_equal(configure("<listen address=\"0.0.0.0\" port=\"0\"/>", ""), 0);
    exchange("127.0.0.5", udp_port(0), "one");
    exchange("127.3.2.1", udp_port(0), "two");
}

static void test_both_families(void **state)
{
    (void)state;
    assert_int_equal(configure("<listen port=\"0\"/>", ""), 0);
    exchange("127.0.0.1", udp_port(0), "four");
    if (socket_count() < 2)
        skip();
    assert_int_equal(udp_port(0), udp_port(1)); /* of one <listen> */
    exchange("::1", udp_port(1), "six");
}

static void test_worker_by_ordinal(void **state)
{
    uint32_t i;

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>"
                               "<listen address=\"127.0.0.1\" port=\"0\"/>"
                               "<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    for (i = 0; i < 3; i++) {
        exchange("127.0.0.1", udp_port(i), "hello");
        assert_int_equal(atomic_load(&last_listener), i);
        assert_int_equal(atomic_load(&last_worker), i % WORKERS);
    }
}

static void test_burst(void **state)
{
    int fd, i, round;
    char octet = 'x';

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    fd = peer("127.0.0.1", udp_port(0));
    for (round = 0; round < 5; round++) { /* no more than the kernel has room for */
        for (i = 0; i < 100; i++)
            assert_int_equal(send(fd, &octet, 1, 0), 1);
        for (i = 0; i < 100; i++)
            assert_int_equal(recv(fd, &octet, 1, 0), 1);
    }
    close(fd);
    wait_for(&received_count, 500); /* the last answer was here before its count */
    assert_int_equal(atomic_load(&received_count), 500);
}

static void test_large(void **state)
{
    static char much[XMB_DATAGRAM_MAX + 1];
    int fd;

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    fd = peer("127.0.0.1", udp_port(0));
    atomic_store(&answer_bytes, XMB_DATAGRAM_MAX);
    assert_int_equal(send(fd, much, XMB_DATAGRAM_MAX, 0), XMB_DATAGRAM_MAX);
    assert_int_equal(recv(fd, much, sizeof(much), 0), XMB_DATAGRAM_MAX);
    close(fd);
}

static void test_cannot_be_sent(void **state)
{
    uint64_t lost = counted(CORE_DATAGRAMS_DROPPED);
    int fd;

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    fd = peer("127.0.0.1", udp_port(0));
    atomic_store(&answer_bytes, XMB_DATAGRAM_MAX + 1);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    wait_for(&received_count, 1);
    assert_int_equal(atomic_load(&last_send), XMB_ETOOBIG);
    assert_int_equal(counted(CORE_DATAGRAMS_DROPPED) - lost, 1);
    close(fd);
}

static void test_system_chooses(void **state)
{
    (void)state;
    assert_int_equal(configure("<listen address=\"0.0.0.0\" port=\"0\"/>", ""), 0);
    atomic_store(&from_nobody, 1);
    exchange("127.0.0.1", udp_port(0), "hello");
}

/* --- reload ---------------------------------------------------------------------------------- */

static void test_kept(void **state)
{
    char listen[160], two[320];
    uint16_t port;
    int fd;

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    port = udp_port(0);
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    assert_int_equal(udp_port(0), port);
    assert_int_equal(atomic_load(&gone_count), 0);
    /* By its number now, so another one; and that is kept on its worker on another line. */
    snprintf(listen, sizeof(listen), "<listen address=\"127.0.0.1\" port=\"%u\"/>", port);
    assert_int_equal(configure(listen, ""), 0);
    assert_int_equal(atomic_load(&gone_count), 1);
    snprintf(two, sizeof(two), "<listen address=\"127.0.0.1\" port=\"0\"/>%s", listen);
    assert_int_equal(configure(two, ""), 0);
    assert_int_equal(atomic_load(&gone_count), 1);
    exchange("127.0.0.1", port, "hello");
    assert_int_equal(atomic_load(&last_listener), 1);
    assert_int_equal(atomic_load(&last_worker), 0);
    assert_int_equal(configure("", ""), 0);
    assert_int_equal(atomic_load(&gone_count), 3);
    assert_int_equal(socket_count(), 0);
    fd = peer("127.0.0.1", port); /* nobody reads there */
    assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(recv(fd, two, sizeof(two), 0), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

/* A wider address on the port of a narrower one that still runs. */
static void test_widened(void **state)
{
    char listen[160];
    uint16_t port;

    (void)state;
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    port = udp_port(0);
    snprintf(listen, sizeof(listen), "<listen address=\"0.0.0.0\" port=\"%u\"/>", port);
    assert_int_equal(configure(listen, ""), 0);
    exchange("127.0.0.9", port, "hello");
}

static void test_refused(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(in);
    char listen[320];
    uint16_t port;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &bytes), 0);
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"0\"/>", ""), 0);
    port = udp_port(0);
    snprintf(listen, sizeof(listen), "<listen address=\"127.0.0.1\" port=\"0\"/>"
             "<listen address=\"127.0.0.1\" port=\"%u\"/>", ntohs(in.sin_port));
    assert_int_equal(configure(listen, ""), 1);
    assert_non_null(strstr(fault, "cannot read UDP on 127.0.0.1:"));
    assert_int_equal(socket_count(), 1); /* what ran goes on */
    exchange("127.0.0.1", port, "hello");
    close(fd);
    assert_int_equal(configure(listen, ""), 0); /* free now */
    assert_int_equal(udp_port(0), port);
    assert_int_equal(configure("<listen address=\"127.0.0.1\"/>", ""), 1);
    assert_non_null(strstr(fault, "port is missing"));
    assert_int_equal(configure("<listen address=\"127.0.0.1\" port=\"5353\"/>"
                               "<listen address=\"127.0.0.1\" port=\"5353\"/>", ""), 1);
    assert_non_null(strstr(fault, "UDP 127.0.0.1:5353 is listened on already, by line 2"));
}

/* --- beside TCP ------------------------------------------------------------------------------ */

static void test_same_port(void **state)
{
    (void)state;
    assert_int_equal(configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    assert_int_equal(udp_port(0), tcp_port(0));
    exchange("127.0.0.1", udp_port(0), "hello");
}

/* The ordinal counts other elements that are listeners, which have no UDP socket. */
static void test_ordinals_agree(void **state)
{
    struct nth nth = {0, {0}, 99};

    (void)state;
    assert_int_equal(configure("", "<other address=\"127.0.0.1\" port=\"0\"/>"
                                   "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    assert_int_equal(socket_count(), 1);
    datagrams_walk(see, &nth);
    assert_int_equal(nth.ordinal, 1);
    assert_int_equal(udp_port(0), tcp_port(1));
}

/* A fault that TCP told already is told once. */
static void test_one_fault(void **state)
{
    (void)state;
    assert_int_equal(configure("", "<listen address=\"127.0.0.1\" port=\"99999\"/>"), 1);
    assert_int_equal(socket_count(), 0);
}

/* --- counters -------------------------------------------------------------------------------- */

static int add_counters(struct xmb_worker *w, void *arg)
{
    _Atomic uint64_t *sums = arg;
    uint32_t i;

    for (i = 0; i < CORE_METRIC_COUNT; i++)
        atomic_fetch_add(&sums[i], w->cells[0][i]);
    return 0;
}

static uint64_t counted(enum core_metric metric)
{
    _Atomic uint64_t sums[CORE_METRIC_COUNT] = {0};

    workers_run(add_counters, sums);
    return sums[metric];
}

#define TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_echo),
        TEST(test_local),
        TEST(test_both_families),
        TEST(test_worker_by_ordinal),
        TEST(test_burst),
        TEST(test_large),
        TEST(test_cannot_be_sent),
        TEST(test_system_chooses),
        TEST(test_kept),
        TEST(test_widened),
        TEST(test_refused),
        TEST(test_same_port),
        TEST(test_ordinals_agree),
        TEST(test_one_fault),
    };

    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
