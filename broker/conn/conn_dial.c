/* SPDX-License-Identifier: MIT */
/*
 * conn_dial.c - outgoing connections.
 *
 * One address, one attempt: which addresses there are and in which order they are
 * tried is a routing plugin's knowledge. What fails at once is told at the end of
 * the turn like what fails later, so a caller sees dial return first.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial_socket(const struct xmb_addr *address)
{
    int fd = socket(address->family == 4 ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        socket_tune(fd);
    return fd;
}

static void dial_connect(struct xmb_conn *c)
{
    struct sockaddr_storage sa;
    socklen_t size = addr_to_sockaddr(&c->remote, &sa);

    if (connect(c->fd, (struct sockaddr *)&sa, size) == 0 || errno == EINPROGRESS ||
        errno == EINTR) {
        conn_poll(c);
        return;
    }
    conn_why_errno(c, "connect", errno);
    conn_die(c);
}

int conn_dial(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *target,
              void *user)
{
    struct xmb_target t = {0};
    struct xmb_conn *c;
    int fd, rc;

    memcpy(&t, target, target->size < sizeof(t) ? target->size : sizeof(t));
    if ((t.address.family != 4 && t.address.family != 6) || t.address.port == 0 ||
        module->protocol.size == 0)
        return XMB_EINVAL;
    if (w->conns == NULL || w->conns->ending)
        return XMB_ECANCELED;
    fd = dial_socket(&t.address);
    if (fd < 0)
        return errno == ENOMEM || errno == ENOBUFS ? XMB_ENOMEM
               : errno == EAFNOSUPPORT             ? XMB_EINVAL
                                                   : XMB_ELIMIT;
    rc = conn_new(w, module, fd, XMB_OUTGOING, &c);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    c->user = user;
    c->remote = t.address;
    c->phase = CONN_CONNECTING;
    if (t.tls_profile != NULL && conn_tls_new(c, t.tls_profile, 0, t.tls_name) < 0) {
        c->flags |= CONN_REFUSED; /* told by the return value alone */
        conn_die(c);
        return XMB_EINVAL;
    }
    conn_limit(c, t.connect_timeout_ms != 0 ? t.connect_timeout_ms : CONN_CONNECT_MS);
    dial_connect(c);
    return 0;
}

void conn_dialled(struct xmb_conn *c)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error != 0) {
        conn_why_errno(c, "connect", error);
        conn_die(c);
    } else if (c->ssl != NULL) {
        c->phase = CONN_HANDSHAKE;
        conn_tls_begin(c);
    } else {
        conn_open(c);
    }
}
