/* SPDX-License-Identifier: MIT */
/*
 * listener_accept.c - a listening socket on its worker.
 *
 * A burst is accepted in portions. Out of descriptors, one that is kept in
 * reserve is given up to refuse the caller at once, instead of leaving it to
 * time out, and accepting pauses for a moment.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define listener_of(node, member)                                                                  \
    ((struct listener *)((char *)(node)-offsetof(struct listener, member)))

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct listener *l)
{
    uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

static void on_backoff(struct timer_node *node)
{
    watch(listener_of(node, backoff));
}

static void back_off(struct listener *l, int error)
{
    char cause[128];

    log_api.limited(l->spec->module, XMB_LOG_ERROR, "accept-errno", 1, NULL,
                    "cannot accept a connection: %s; trying again in %d ms",
                    strerror_r(error, cause, sizeof(cause)), LISTEN_BACKOFF_MS);
    uv_poll_stop(&l->poll);
    timer_start(l->worker->timers, &l->backoff, LISTEN_BACKOFF_MS);
}

/* Takes one caller out of the queue to turn it away. */
static void refuse_one(struct listener *l)
{
    struct conn_worker *cw = l->worker->conns;
    int fd;

    if (cw->spare_fd < 0)
        return;
    close(cw->spare_fd);
    fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    cw->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* 1: go on, 0: enough for now. */
static int accept_failed(struct listener *l, int error)
{
    switch (error) {
    case EAGAIN:
        return 0;
    case EMFILE:
    case ENFILE:
        refuse_one(l);
        back_off(l, error);
        return 0;
    case ENOBUFS:
    case ENOMEM:
        back_off(l, error);
        return 0;
    default: /* the caller went away, or its network did */
        return 1;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct listener *l = listener_of(poll, poll);
    struct sockaddr_storage peer;
    socklen_t size;
    int fd, i;

    (void)events;
    if (status < 0) { /* libuv has stopped watching */
        back_off(l, EIO);
        return;
    }
    for (i = 0; i < LISTEN_ACCEPTS_A_TURN; i++) {
        size = sizeof(peer);
        fd = accept4(l->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            conn_accept(l->worker, l->spec, fd, (struct sockaddr *)&peer);
        else if (!accept_failed(l, errno))
            return;
    }
}

struct listener *listener_new(int fd, struct listen_spec *spec)
{
    struct listener *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->fd = fd;
    l->spec = listen_spec_hold(spec);
    l->backoff.fn = on_backoff;
    return l;
}

void listener_drop(struct listener *l)
{
    if (l == NULL)
        return;
    close(l->fd);
    listen_spec_release(l->spec);
    free(l);
}

int listener_attach(struct listener *l, struct xmb_worker *w)
{
    struct conn_worker *cw = w->conns;

    if (uv_poll_init(&w->loop.uv, &l->poll, l->fd) < 0)
        return XMB_EIO;
    l->poll.data = cw;
    l->worker = w;
    l->next = cw->listeners;
    cw->listeners = l;
    cw->handles++;
    return 0;
}

/* Also for one that is open: takes a new backlog over. */
void listener_open(struct listener *l)
{
    char cause[128];

    if (listen(l->fd, (int)l->spec->backlog) < 0)
        LOG(ERROR, l->spec->module->name, "listen: %s; this address accepts nothing on %s",
            strerror_r(errno, cause, sizeof(cause)), l->worker->name);
    else
        watch(l);
}

void listener_respec(struct listener *l, struct listen_spec *spec)
{
    int relisten = spec->backlog != l->spec->backlog;

    listen_spec_release(l->spec);
    l->spec = listen_spec_hold(spec);
    if (relisten && uv_is_active((uv_handle_t *)&l->poll))
        listen(l->fd, (int)spec->backlog);
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = listener_of(handle, poll);

    conn_handle_closed(handle->data);
    listen_spec_release(l->spec);
    free(l);
}

void listener_close(struct listener *l)
{
    struct listener **p = &l->worker->conns->listeners;

    while (*p != l)
        p = &(*p)->next;
    *p = l->next;
    timer_stop(l->worker->timers, &l->backoff);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
    l->fd = -1;
}
