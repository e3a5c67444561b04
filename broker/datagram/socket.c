/* SPDX-License-Identifier: MIT */
/*
 * socket.c - a datagram socket on its worker.
 *
 * What arrives is read in batches into room that all sockets of the worker share, so an idle socket
 * holds no buffer, and reading allocates nothing. Sending is one system call a datagram; what the
 * kernel does not take is lost and counted, as is what it dropped because we were slow to read.
 */
#include "datagram/datagram_priv.h"

#include "conn/conn.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM_BYTES 65536u /* of one datagram: more than the largest */
#define CONTROL_BYTES                                                                              \
    (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +              \
     CMSG_SPACE(sizeof(uint32_t)))

struct datagram_worker {
    struct xmb_socket *sockets;
    struct mmsghdr head[DATAGRAM_BATCH];
    struct iovec part[DATAGRAM_BATCH];
    struct sockaddr_storage remote[DATAGRAM_BATCH];
    _Alignas(struct cmsghdr) char control[DATAGRAM_BATCH][CONTROL_BYTES];
    char room[DATAGRAM_BATCH][ROOM_BYTES];
};

#define socket_of(node, member)                                                                    \
    ((struct xmb_socket *)((char *)(node)-offsetof(struct xmb_socket, member)))

/* --- what arrives ---------------------------------------------------------------------------- */

static void take_control(struct xmb_socket *s, struct msghdr *m, struct xmb_addr *local)
{
    uint32_t overflowed = s->overflowed;
    struct in6_pktinfo to6;
    struct in_pktinfo to4;
    struct cmsghdr *c;

    for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&to4, CMSG_DATA(c), sizeof(to4));
            memcpy(local->ip, &to4.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&to6, CMSG_DATA(c), sizeof(to6));
            memcpy(local->ip, &to6.ipi6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&to6.ipi6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&to6.ipi6_addr))
                local->scope = to6.ipi6_ifindex;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&overflowed, CMSG_DATA(c), sizeof(overflowed));
        }
    }
    core_count(s->worker, CORE_DATAGRAMS_DROPPED, overflowed - s->overflowed);
    s->overflowed = overflowed;
}

static void deliver(struct xmb_socket *s, struct datagram_worker *dw, uint32_t i)
{
    struct msghdr *m = &dw->head[i].msg_hdr;
    struct xmb_datagram_in in = {
        .size = sizeof(in),
        .listener = s->ordinal,
        .local = s->bound,
        .bytes = {dw->room[i], dw->head[i].msg_len},
    };
    struct module_mark mark;

    take_control(s, m, &in.local);
    if (m->msg_flags & MSG_TRUNC || m->msg_namelen == 0) { /* a jumbogram, or nobody's */
        core_count(s->worker, CORE_DATAGRAMS_DROPPED, 1);
        return;
    }
    core_count(s->worker, CORE_DATAGRAMS_RECEIVED, 1);
    addr_from_sockaddr(&in.remote, (struct sockaddr *)&dw->remote[i]);
    mark = module_enter(s->module);
    s->module->datagram.received(s->worker->wself[s->module->index], s, &in);
    module_leave(mark);
}

static void make_ready(struct datagram_worker *dw)
{
    uint32_t i;

    for (i = 0; i < DATAGRAM_BATCH; i++) {
        dw->part[i] = (struct iovec){dw->room[i], sizeof(dw->room[i])};
        dw->head[i].msg_hdr = (struct msghdr){
            .msg_name = &dw->remote[i],
            .msg_namelen = sizeof(dw->remote[i]),
            .msg_iov = &dw->part[i],
            .msg_iovlen = 1,
            .msg_control = dw->control[i],
            .msg_controllen = sizeof(dw->control[i]),
        };
    }
}

/* How many came; negative: -errno. */
static int read_batch(struct xmb_socket *s)
{
    struct datagram_worker *dw = s->worker->datagrams;
    int count, i;

    make_ready(dw);
    count = recvmmsg(s->fd, dw->head, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0)
        return -errno;
    for (i = 0; i < count; i++)
        deliver(s, dw, (uint32_t)i);
    return count;
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct xmb_socket *s)
{
    uv_poll_start(&s->poll, UV_READABLE, on_ready);
}

static void on_backoff(struct timer_node *node)
{
    watch(socket_of(node, backoff));
}

static void back_off(struct xmb_socket *s, int error)
{
    char text[XMB_ADDR_TEXT_MAX], cause[128];

    log_api.limited(s->module, XMB_LOG_ERROR, "receive-errno", 1,
                    addr_text(&s->bound, text, sizeof(text)),
                    "cannot receive datagrams: %s; trying again in %u ms",
                    strerror_r(error, cause, sizeof(cause)), DATAGRAM_BACKOFF_MS);
    uv_poll_stop(&s->poll);
    timer_start(s->worker->timers, &s->backoff, DATAGRAM_BACKOFF_MS);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct xmb_socket *s = socket_of(poll, poll);
    int i, count = DATAGRAM_BATCH;

    (void)events;
    if (status < 0) { /* libuv has stopped watching */
        back_off(s, EIO);
        return;
    }
    for (i = 0; i < DATAGRAM_BATCHES_A_TURN && count == (int)DATAGRAM_BATCH; i++)
        count = read_batch(s);
    if (count == -ENOMEM || count == -ENOBUFS)
        back_off(s, -count);
}

/* --- what is sent ---------------------------------------------------------------------------- */

/* Puts the address that it comes from into `m`, which has CONTROL_BYTES of room for it. */
static void put_source(struct msghdr *m, const struct xmb_addr *from)
{
    struct in_pktinfo from4 = {0};
    struct in6_pktinfo from6 = {.ipi6_ifindex = from->scope};
    const void *info = from->family == 4 ? (const void *)&from4 : &from6;
    size_t bytes = from->family == 4 ? sizeof(from4) : sizeof(from6);
    struct cmsghdr *c;

    memcpy(&from4.ipi_spec_dst, from->ip, 4);
    memcpy(&from6.ipi6_addr, from->ip, 16);
    m->msg_controllen = CMSG_SPACE(bytes);
    c = CMSG_FIRSTHDR(m);
    c->cmsg_level = from->family == 4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = from->family == 4 ? IP_PKTINFO : IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), info, bytes);
}

static int send_failed(struct xmb_socket *s, int error)
{
    core_count(s->worker, CORE_DATAGRAMS_DROPPED, 1);
    switch (error) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        return XMB_EAGAIN;
    case EMSGSIZE:
        return XMB_ETOOBIG;
    default:
        return XMB_EIO;
    }
}

static int send_(struct xmb_socket *s, const struct xmb_addr *to, const struct xmb_addr *from,
                 struct xmb_str bytes)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES] = {0};
    struct iovec part = {.iov_len = bytes.n};
    struct sockaddr_storage remote;
    struct msghdr m = {.msg_name = &remote, .msg_iov = &part, .msg_iovlen = 1};

    LOOP_ASSERT(&s->worker->loop);
    if (bytes.n > XMB_DATAGRAM_MAX)
        return send_failed(s, EMSGSIZE);
    m.msg_namelen = addr_to_sockaddr(to, &remote);
    if (m.msg_namelen == 0 || to->family != s->bound.family)
        return send_failed(s, EAFNOSUPPORT);
    memcpy(&part.iov_base, &bytes.p, sizeof(part.iov_base)); /* sendmsg does not write there */
    if (from != NULL && from->family == s->bound.family) {
        m.msg_control = control;
        put_source(&m, from);
    }
    if (sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return send_failed(s, errno);
    core_count(s->worker, CORE_DATAGRAMS_SENT, 1);
    return 0;
}

static struct xmb_worker *worker_of(const struct xmb_socket *s)
{
    return s->worker;
}

const struct xmb_datagram_api datagram_api = {
    .size = sizeof(struct xmb_datagram_api),
    .rev = 1,
    .send = send_,
    .worker = worker_of,
};

/* --- life ------------------------------------------------------------------------------------ */

void socket_drop(struct xmb_socket *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

int socket_attach(struct xmb_socket *s, struct xmb_worker *w)
{
    /* Most workers never have one. Untouched pages of the room cost nothing. */
    if (w->datagrams == NULL)
        w->datagrams = calloc(1, sizeof(*w->datagrams));
    if (w->datagrams == NULL)
        return XMB_ENOMEM;
    if (uv_poll_init(&w->loop.uv, &s->poll, s->fd) < 0)
        return XMB_EIO;
    s->backoff.fn = on_backoff;
    s->worker = w;
    s->next = w->datagrams->sockets;
    w->datagrams->sockets = s;
    return 0;
}

void socket_open(struct xmb_socket *s)
{
    s->is_open = 1;
    watch(s);
}

static void on_closed(uv_handle_t *handle)
{
    free(socket_of(handle, poll));
}

/* One that never opened, because the start failed, the module may not even have a state for. */
static void tell_gone(struct xmb_socket *s)
{
    struct module_mark mark;

    if (s->module->datagram.gone == NULL || !s->is_open || s->worker->modules_ended)
        return;
    mark = module_enter(s->module);
    s->module->datagram.gone(s->worker->wself[s->module->index], s);
    module_leave(mark);
}

void socket_close(struct xmb_socket *s)
{
    struct xmb_socket **at = &s->worker->datagrams->sockets;

    tell_gone(s);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    timer_stop(s->worker->timers, &s->backoff);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
    s->fd = -1;
}

int datagram_worker_init(struct xmb_worker *w)
{
    w->datagrams = NULL;
    return 0;
}

void datagram_worker_fini(struct xmb_worker *w)
{
    if (w->datagrams == NULL)
        return;
    while (w->datagrams->sockets != NULL)
        socket_close(w->datagrams->sockets);
    free(w->datagrams);
    w->datagrams = NULL;
}
