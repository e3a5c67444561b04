/* SPDX-License-Identifier: MIT */
/*
 * loop.c - connections and one epoll loop of the load generator.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int epoll_fd = -1;
static struct client *dirty;
static struct client **all;
static uint32_t all_count;

void die(const char *format, ...)
{
    va_list ap;

    fputs("load: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bytes_add(struct bytes *b, const void *data, size_t n)
{
    if (b->used + n > b->size) {
        b->size = (b->used + n) * 2;
        b->data = realloc(b->data, b->size);
        if (b->data == NULL)
            die("out of memory");
    }
    memcpy(b->data + b->used, data, n);
    b->used += n;
}

void bytes_drop(struct bytes *b, size_t n)
{
    b->used -= n;
    memmove(b->data, b->data + n, b->used);
    if (b->used == 0 && b->size > 65536) {
        free(b->data);
        memset(b, 0, sizeof *b);
    }
}

void client_dirty(struct client *c)
{
    if (c->dirty || c->closed)
        return;
    c->dirty = 1;
    c->next_dirty = dirty;
    dirty = c;
}

void client_send(struct client *c, const void *data, size_t n)
{
    bytes_add(&c->out, data, n);
    client_dirty(c);
}

static void connect_to(struct client *c)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(opt.port)};
    int one = 1;

    inet_pton(AF_INET, opt.host, &sa.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        die("client %u cannot connect to %s:%u: %s", c->index, opt.host, opt.port, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

struct client *client_open(uint32_t index)
{
    struct client *c = calloc(1, sizeof *c);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

    if (epoll_fd < 0)
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all = realloc(all, (all_count + 1) * sizeof *all);
    if (c == NULL || all == NULL)
        die("out of memory");
    all[all_count++] = c;
    c->index = index;
    connect_to(c);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        die("epoll: %s", strerror(errno));
    opt.wire->hello(c);
    return c;
}

void load_close(struct client *c)
{
    c->closed = 1;
    close(c->fd);
    if (opt.wire->bye != NULL)
        opt.wire->bye(c);
    free(c->in.data);
    free(c->out.data);
    c->in = c->out = (struct bytes){NULL, 0, 0};
}

static void flush_one(struct client *c)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    ssize_t n = 0;

    if (c->closed || c->out.used == 0)
        return;
    n = send(c->fd, c->out.data, c->out.used, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        die("client %u: the server closed the connection: %s", c->index, strerror(errno));
    if (n > 0)
        bytes_drop(&c->out, (size_t)n);
    if ((c->out.used > 0) != c->blocked) {
        c->blocked = c->out.used > 0;
        ev.events |= c->blocked ? EPOLLOUT : 0u;
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
    }
}

static void flush_all(void)
{
    while (dirty != NULL) {
        struct client *c = dirty;

        dirty = c->next_dirty;
        c->dirty = 0;
        flush_one(c);
    }
}

static void read_one(struct client *c)
{
    static uint8_t room[262144];
    ssize_t n = recv(c->fd, room, sizeof room, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("client %u: the server closed the connection", c->index);
    bytes_add(&c->in, room, (size_t)n);
    opt.wire->input(c);
}

static int turn(int timeout_ms)
{
    struct epoll_event events[256];
    int n;
    int i;

    flush_all();
    n = epoll_wait(epoll_fd, events, 256, timeout_ms);
    for (i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;

        if (!c->closed && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
            read_one(c);
        if (!c->closed && (events[i].events & EPOLLOUT))
            flush_one(c);
    }
    flush_all();
    return n;
}

/* Keepalives, once a second. */
static void tick_all(void)
{
    static uint64_t last_ms;
    uint64_t now_ms = now_ns() / 1000000;
    uint32_t i;

    if (opt.wire->tick == NULL || now_ms - last_ms < 1000)
        return;
    last_ms = now_ms;
    for (i = 0; i < all_count; i++)
        if (!all[i]->closed)
            opt.wire->tick(all[i], now_ms);
}

void run_until(const uint64_t *counter, uint64_t target, const char *what)
{
    uint64_t seen = *counter;
    uint64_t since = now_ns();

    while (*counter < target) {
        tick_all();
        turn(100);
        if (*counter != seen) {
            seen = *counter;
            since = now_ns();
        } else if (now_ns() - since > 300000000000u) {
            die("waited in vain for %s: %lu of %lu", what, (unsigned long)seen,
                (unsigned long)target);
        }
    }
}

void run_for(uint64_t ns)
{
    tick_all();
    turn((int)(ns / 1000000));
}
