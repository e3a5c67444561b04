/* SPDX-License-Identifier: MIT */
/*
 * test_listener.c - <listen>: what it may say, what is bound, and what a new
 * configuration keeps of the old one.
 */
#include "conn_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static _Atomic uint32_t opened, ordinal, on_worker[RIG_WORKERS], nodelay, keepalive, user_timeout;

static uint32_t option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);

    getsockopt(fd, level, name, &value, &size);
    return (uint32_t)value;
}

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)wself;
    (void)cs;
    conn_api.info(c, &info);
    atomic_store(&ordinal, info.listener);
    atomic_fetch_add(&on_worker[c->worker->index], 1);
    atomic_store(&nodelay, option(c->fd, IPPROTO_TCP, TCP_NODELAY));
    atomic_store(&keepalive, option(c->fd, SOL_SOCKET, SO_KEEPALIVE));
    atomic_store(&user_timeout, option(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
    atomic_fetch_add(&opened, 1);
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct xmb_str all;
    size_t n = buf_api.length(in);

    (void)cs;
    if (buf_api.peek(in, n, &all) == 0)
        conn_api.write(c, all);
    buf_api.drop(in, n);
    return 0;
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    (void)cs;
    (void)c;
    (void)why;
}

static int start(void **state)
{
    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open, .data = on_data, .closed = on_closed};
    rig_start();
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
    assert_int_equal(rig_configure("", ""), 0);
    assert_int_equal(rig_bound_count(), 0);
    rig_wait_no_conns();
    rig_module.protocol.default_port = 0;
    return 0;
}

/* Connects and waits for open. */
static int opened_at(uint16_t port)
{
    uint32_t before = atomic_load(&opened);
    int fd = rig_connect(port);

    rig_wait_flag(&opened, before + 1);
    return fd;
}

static void expect_echo(int fd)
{
    char got[5];

    rig_send(fd, "hello", 5);
    rig_receive(fd, got, 5);
    assert_memory_equal(got, "hello", 5);
}

static int refuses(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    int rc, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rc = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? errno : 0;
    close(fd);
    return rc == ECONNREFUSED;
}

static void assert_fault(const char *listen, const char *text)
{
    assert_int_equal(rig_configure("", listen), 1);
    if (strstr(rig_fault, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", rig_fault, text);
}

static void faults(void **state)
{
    (void)state;
    assert_fault("<listen/>", "port is missing");
    assert_fault("<listen port=\"65536\"/>", "port");
    assert_fault("<listen port=\"0\" family=\"ipx\"/>", "family");
    assert_fault("<listen port=\"0\" family=\"ipv6\" address=\"127.0.0.1\"/>",
                 "not of family ipv6");
    assert_fault("<listen port=\"0\" address=\"localhost\"/>", "address");
    assert_fault("<listen port=\"0\" backlog=\"0\"/>", "backlog");
    assert_fault("<listen port=\"0\" queue=\"1k\"/>", "queue");
    assert_fault("<listen port=\"0\" queue=\"64k\"/>", "queue"); /* below the largest message */
    assert_fault("<listen port=\"0\" tls=\"nobody\"/>", "there is no <tls name=\"nobody\"/>");
    assert_fault("<listen port=\"0\" vrf=\"a-name-too-long-for-a-device\"/>", "vrf");
    assert_fault("<listen port=\"0\" address=\"192.0.2.1\"/>", "cannot listen on 192.0.2.1");
    assert_int_equal(rig_configure("", "<listen/><listen port=\"0\" family=\"x\"/>"), 2);
    assert_int_equal(rig_bound_count(), 0);
}

static void same_address_twice(void **state)
{
    (void)state;
    assert_fault("<listen address=\"127.0.0.1\" port=\"47881\"/>\n"
                 "<listen address=\"127.0.0.1\" port=\"47881\"/>",
                 "listened on already, by line");
}

static int has_ip6(void)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int rc, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
    close(fd);
    return rc == 0;
}

static void neither_family_nor_address(void **state)
{
    (void)state;
    assert_int_equal(rig_configure("", "<listen port=\"0\"/>"), 0);
    assert_int_equal(rig_bound_count(), has_ip6() ? 2 : 1);
    close(opened_at(rig_port(0)));
    if (has_ip6()) /* one port for both, as one would expect of one element */
        assert_int_equal(rig_port(0), rig_port(1));
}

/* What a plugin may ask about its listeners, of any thread. */
static void plugin_asks_what_is_bound(void **state)
{
    struct xmb_addr bound = {0};

    (void)state;
    assert_int_equal(rig_configure("", "<listen port=\"0\"/>"
                                       "<listen address=\"127.0.0.2\" port=\"0\"/>"), 0);
    assert_int_equal(conn_api.listener(&rig_module, 0, 0, &bound), 0);
    assert_int_equal(bound.port, rig_port(0));
    assert_int_equal(bound.family, 4);
    assert_int_equal(conn_api.listener(&rig_module, 0, 1, &bound), has_ip6() ? 0 : XMB_ENOENT);
    assert_int_equal(conn_api.listener(&rig_module, 1, 0, &bound), 0);
    assert_int_equal(bound.port, rig_port(has_ip6() ? 2 : 1));
    assert_int_equal(bound.ip[3], 2);
    assert_int_equal(conn_api.listener(&rig_module, 1, 1, &bound), XMB_ENOENT);
    assert_int_equal(conn_api.listener(&rig_module, 2, 0, &bound), XMB_ENOENT);
    assert_int_equal(conn_api.listener(NULL, 0, 0, &bound), XMB_ENOENT);
    assert_int_equal(rig_configure("", ""), 0);
    assert_int_equal(conn_api.listener(&rig_module, 0, 0, &bound), XMB_ENOENT);
}

/*
 * A port to try, another one with each call. It is below those that the kernel gives to outgoing
 * connections: thousands of other tests' may be there, and each takes its port from all of us.
 */
static uint16_t some_port(void)
{
    static unsigned tried;

    return (uint16_t)(10000 + ((unsigned)getpid() * 31 + tried++) % 20000);
}

#define PORT_TRIES 20

static void default_port(void **state)
{
    int tries = 0;

    (void)state;
    /* Another program may have it. */
    do
        rig_module.protocol.default_port = some_port();
    while (rig_configure("", "<listen family=\"ipv4\"/>") != 0 && ++tries < PORT_TRIES);
    assert_true(tries < PORT_TRIES);
    assert_int_equal(rig_port(0), rig_module.protocol.default_port);
    close(opened_at(rig_port(0)));
}

static void every_worker_accepts(void **state)
{
    int i, fds[64];

    (void)state;
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    memset(on_worker, 0, sizeof(on_worker));
    for (i = 0; i < 64; i++)
        fds[i] = opened_at(rig_port(0));
    assert_true(atomic_load(&on_worker[0]) > 0);
    assert_true(atomic_load(&on_worker[1]) > 0);
    assert_int_equal(atomic_load(&on_worker[0]) + atomic_load(&on_worker[1]), 64);
    for (i = 0; i < 64; i++)
        close(fds[i]);
}

static void accepted_socket_is_tuned(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    fd = opened_at(rig_port(0));
    assert_int_equal(atomic_load(&nodelay), 1);
    assert_int_equal(atomic_load(&keepalive), 1);
    assert_int_equal(atomic_load(&user_timeout), CONN_USER_TIMEOUT_MS);
    close(fd);
}

/* Another listener of the same user would share the port in silence. */
static void port_of_somebody_else(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof(sa);
    char listen_text[96];
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&sa, &size);
    snprintf(listen_text, sizeof(listen_text), "<listen address=\"127.0.0.1\" port=\"%u\"/>",
             ntohs(sa.sin_port));
    assert_fault(listen_text, "Address already in use");
    close(fd);
    assert_int_equal(rig_configure("", listen_text), 0);
}

static void reload_keeps_what_stays(void **state)
{
    uint16_t port, other;
    int fd, second;

    (void)state;
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    port = rig_port(0);
    fd = opened_at(port);
    assert_int_equal(atomic_load(&ordinal), 0);

    /* It becomes the second <listen>: same socket, new ordinal for what comes. */
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.2\" port=\"0\"/>"
                                       "<listen address=\"127.0.0.1\" port=\"0\" backlog=\"7\"/>"),
                     0);
    assert_int_equal(rig_bound_count(), 2);
    other = rig_port(0);
    assert_int_equal(rig_port(1), port);
    second = opened_at(port);
    assert_int_equal(atomic_load(&ordinal), 1);
    expect_echo(fd);
    close(second);

    /* Taken away: nothing new, but the connection lives. */
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.2\" port=\"0\"/>"), 0);
    assert_int_equal(rig_port(0), other);
    assert_true(refuses(port));
    expect_echo(fd);
    close(fd);
}

static void refused_reload_changes_nothing(void **state)
{
    uint16_t port;
    int fd;

    (void)state;
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    port = rig_port(0);
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"
                                       "<listen address=\"127.0.0.2\" port=\"0\"/>"
                                       "<listen port=\"0\" tls=\"nobody\"/>"),
                     1);
    assert_int_equal(rig_bound_count(), 1);
    fd = opened_at(port);
    expect_echo(fd);
    close(fd);
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    assert_int_equal(rig_port(0), port); /* the attempt has not used it up */
}

static void same_port_on_another_address(void **state)
{
    char one[160], all[160];
    uint16_t port;
    int tries = 0;

    (void)state;
    do {
        port = some_port();
        snprintf(one, sizeof(one), "<listen address=\"127.0.0.1\" port=\"%u\"/>", port);
        snprintf(all, sizeof(all), "<listen family=\"ipv4\" port=\"%u\"/>", port);
        /* From one address to all, while it runs. Another program may have the port. */
    } while ((rig_configure("", one) != 0 || rig_configure("", all) != 0) && ++tries < PORT_TRIES);
    assert_true(tries < PORT_TRIES);
    close(opened_at(port));
}

/* Out of descriptors: who calls is turned away at once, and later ones are served again. */
static void no_descriptor_left(void **state)
{
    struct rlimit before, few;
    int taken[64], count = 0, fd, extra;
    char octet;

    (void)state;
    assert_int_equal(rig_configure("", "<listen address=\"127.0.0.1\" port=\"0\"/>"), 0);
    close(opened_at(rig_port(0)));
    rig_wait_no_conns();
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 64;
    fd = rig_socket();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < 64 && (extra = dup(fd)) >= 0)
        taken[count++] = extra;
    assert_int_equal(errno, EMFILE);
    rig_connect_socket(fd, rig_port(0));
    assert_true(rig_receive_some(fd, &octet, 1) <= 0);
    setrlimit(RLIMIT_NOFILE, &before);
    while (count > 0)
        close(taken[--count]);
    close(fd);
    fd = opened_at(rig_port(0));
    expect_echo(fd);
    close(fd);
}

/* --- listeners under other names -------------------------------------------------------------- */

#define NAMED                                                                                      \
    "<inside><listen-s2s address='127.0.0.1' port='0'/><listen port='1'/></inside>"               \
    "<listen address='127.0.0.1' port='0'/>"                                                       \
    "<other port='1'/>"                                                                            \
    "<inside><deep><component address='127.0.0.1' port='0'/></deep></inside>"

/* All of them count, in the order of the document; a <listen> that is no child is none. */
static void other_names(void **state)
{
    uint32_t i;

    (void)state;
    rig_module.protocol.listen_names = "component:5347 listen-s2s:5269";
    assert_int_equal(rig_configure("", NAMED), 0);
    assert_int_equal(rig_bound_count(), 3);
    for (i = 0; i < 3; i++) {
        close(opened_at(rig_port(i)));
        assert_int_equal(atomic_load(&ordinal), i);
    }
    rig_module.protocol.listen_names = NULL;
    assert_int_equal(rig_configure("", NAMED), 0);
    assert_int_equal(rig_bound_count(), 1);
}

static void other_names_have_a_port_each(void **state)
{
    uint16_t port;
    char names[64];
    int tries = 0;

    (void)state;
    do {
        port = some_port();
        snprintf(names, sizeof(names), "other a:%u bee", port);
        rig_module.protocol.listen_names = names;
    } while (rig_configure("", "<x><a address='127.0.0.1'/></x>") != 0 && ++tries < PORT_TRIES);
    assert_int_equal(rig_port(0), port);
    close(opened_at(port));
    assert_fault("<bee address='127.0.0.1'/>", "port is missing");
    assert_fault("<x>\n<a address='127.0.0.1' port='70000'/></x>", "port");
    assert_int_equal(rig_configure("", "<be port='1'/><beee port='1'/>"), 0);
    assert_int_equal(rig_bound_count(), 0);
    rig_module.protocol.listen_names = NULL;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(faults),
        TEST(same_address_twice),
        TEST(neither_family_nor_address),
        TEST(plugin_asks_what_is_bound),
        TEST(default_port),
        TEST(every_worker_accepts),
        TEST(accepted_socket_is_tuned),
        TEST(port_of_somebody_else),
        TEST(reload_keeps_what_stays),
        TEST(refused_reload_changes_nothing),
        TEST(same_port_on_another_address),
        TEST(no_descriptor_left),
        TEST(other_names),
        TEST(other_names_have_a_port_each),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
