/* SPDX-License-Identifier: MIT */
/*
 * conn_rig.c - see conn_rig.h.
 */
#include "conn_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "plugin/module.h"
#include "router/router.h"
#include "service/service.h"

struct xmb_module rig_module = {
    .name = "echo",
    .plugin = {.size = sizeof(struct xmb_plugin), .name = "echo"},
    .log_level = XMB_LOG_ERROR,
};
char rig_fault[256];

static char folder[128];

const char *rig_folder(void)
{
    const char *tmp = getenv("XMB_TMP");

    if (folder[0] != '\0')
        return folder;
    snprintf(folder, sizeof(folder), "%s/conn-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

const char *rig_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", rig_folder(), name);
    return path;
}

void rig_start(void)
{
    assert_int_equal(loop_control_init(), 0);
    rig_module.protocol.size = sizeof(rig_module.protocol);
    assert_int_equal(module_add(&rig_module), 0);
    /* A worker has its part of every noun, and those talk to the routing loop. */
    assert_int_equal(service_init(0), 0);
    assert_int_equal(router_init(), 0);
    assert_int_equal(loop_routing_start(), 0);
    assert_int_equal(workers_start(RIG_WORKERS), 0);
    listeners_open();
}

void rig_stop(void)
{
    listeners_close();
    workers_stop();
    loop_routing_join();
    router_fini();
    service_fini();
    tls_fini();
    loop_join(loop_control());
    rmdir(rig_folder());
}

static struct conf *read_conf(const char *broker, const char *module)
{
    const char *path = rig_path("rig.xml");
    struct conf_faults faults = {0};
    struct conf *conf = NULL;
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fprintf(f,
            "<xmb xmlns=\"urn:xmb:config:1\"><broker>%s</broker>\n"
            "<module name=\"echo\">%s</module></xmb>\n",
            broker, module);
    fclose(f);
    assert_int_equal(conf_read(path, &conf, &faults), 0);
    conf_faults_clear(&faults);
    unlink(path);
    return conf;
}

size_t rig_configure(const char *broker, const char *module)
{
    const struct xmb_conf *elements[MODULES_MAX] = {NULL};
    struct conf *conf = read_conf(broker, module);
    struct conf_faults faults = {0};
    struct listeners_next *listeners = NULL;
    struct tls_next *tls = NULL;
    size_t count;
    int rc;

    conf_collect(conf, &faults);
    elements[rig_module.index] = conf_module(conf, 0);
    rc = tls_prepare(conf_broker(conf), &tls);
    if (rc == 0) {
        rc = listeners_prepare(elements, worker_count(), tls, &listeners);
        if (rc < 0)
            tls_abort(tls);
    }
    assert_true((rc < 0) == (faults.count > 0));
    if (rc == 0) {
        tls_commit(tls);
        listeners_commit(listeners);
    }
    count = faults.count;
    snprintf(rig_fault, sizeof(rig_fault), "%s", count > 0 ? faults.list[0].text : "");
    conf_faults_clear(&faults);
    conf_collect(conf, NULL);
    conf_free(conf);
    return count;
}

struct nth {
    size_t n;
    uint16_t port;
};

static void see_bound(void *arg, const struct xmb_module *m, uint32_t ordinal,
                      const struct xmb_addr *bound, const char *vrf)
{
    struct nth *nth = arg;

    (void)m;
    (void)ordinal;
    (void)vrf;
    if (nth->n-- == 0)
        nth->port = bound->port;
}

uint16_t rig_port(size_t n)
{
    struct nth nth = {n, 0};

    listeners_walk(see_bound, &nth);
    assert_int_not_equal(nth.port, 0);
    return nth.port;
}

size_t rig_bound_count(void)
{
    struct nth nth = {SIZE_MAX, 0};

    listeners_walk(see_bound, &nth);
    return SIZE_MAX - nth.n;
}

struct call {
    uint32_t index;
    void (*fn)(struct xmb_worker *w, void *arg);
    void *arg;
};

static int call_on(struct xmb_worker *w, void *arg)
{
    struct call *call = arg;

    if (w->index == call->index)
        call->fn(w, call->arg);
    return 0;
}

void rig_on(uint32_t index, void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct call call = {index, fn, arg};

    assert_int_equal(workers_run(call_on, &call), 0);
}

static void add_count(struct xmb_worker *w, void *arg)
{
    *(size_t *)arg += conn_worker_count(w);
}

size_t rig_conns(void)
{
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < worker_count(); i++)
        rig_on(i, add_count, &count);
    return count;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void rig_wait(int (*cond)(void *arg), void *arg)
{
    const struct timespec moment = {0, 1000000};
    uint64_t end = now_ms() + RIG_PATIENCE_MS;

    while (!cond(arg)) {
        if (now_ms() > end)
            fail_msg("what was waited for did not happen");
        nanosleep(&moment, NULL);
    }
}

struct flag {
    _Atomic uint32_t *value;
    uint32_t at_least;
};

static int flag_is_up(void *arg)
{
    const struct flag *flag = arg;

    return atomic_load(flag->value) >= flag->at_least;
}

void rig_wait_flag(_Atomic uint32_t *value, uint32_t at_least)
{
    struct flag flag = {value, at_least};

    rig_wait(flag_is_up, &flag);
}

static int none_left(void *arg)
{
    (void)arg;
    return rig_conns() == 0;
}

void rig_wait_no_conns(void)
{
    rig_wait(none_left, NULL);
}

void rig_note(char *out, size_t cap, const char *text)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    snprintf(out, cap, "%s", text);
    pthread_mutex_unlock(&mutex);
}

int rig_socket(void)
{
    struct timeval patience = {RIG_PATIENCE_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

void rig_connect_socket(int fd, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

int rig_connect(uint16_t port)
{
    int fd = rig_socket();

    rig_connect_socket(fd, port);
    return fd;
}

void rig_send(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;

    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

        assert_true(sent > 0);
        at += sent;
        n -= (size_t)sent;
    }
}

long rig_receive_some(int fd, void *p, size_t n)
{
    ssize_t r = recv(fd, p, n, 0);

    return r < 0 ? -errno : (long)r;
}

void rig_receive(int fd, void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        long r = rig_receive_some(fd, at, n);

        assert_true(r > 0);
        at += r;
        n -= (size_t)r;
    }
}
