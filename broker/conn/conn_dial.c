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
#include <netinet/in.h>
#include <stdlib.h>
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

/* 0, or -1 with `why` set. */
static int dial_bind(struct xmb_conn *c, const struct xmb_target *t)
{
    const int on = 1;
    struct sockaddr_storage sa;
    socklen_t size;

    if (t->vrf != NULL && setsockopt(c->fd, SOL_SOCKET, SO_BINDTODEVICE, t->vrf,
                                     (socklen_t)strlen(t->vrf) + 1) < 0) {
        conn_why_errno(c, "vrf", errno);
        return -1;
    }
    if (t->source.family == 0)
        return 0;
    if (t->source.port == 0) /* or each dial would take a port away from all destinations */
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    size = addr_to_sockaddr(&t->source, &sa);
    if (bind(c->fd, (struct sockaddr *)&sa, size) == 0)
        return 0;
    conn_why_errno(c, "source address", errno);
    return -1;
}

static void dial_connect(struct xmb_conn *c, const struct xmb_target *t)
{
    struct sockaddr_storage sa;
    socklen_t size = addr_to_sockaddr(&c->remote, &sa);

    if (dial_bind(c, t) == 0) {
        if (connect(c->fd, (struct sockaddr *)&sa, size) == 0 || errno == EINPROGRESS ||
            errno == EINTR) {
            conn_poll(c);
            return;
        }
        conn_why_errno(c, "connect", errno);
    }
    conn_die(c);
}

/* What needs TLS or memory; errors are told by the return value of dial alone. */
static int dial_ready(struct xmb_conn *c, const struct xmb_target *t)
{
    struct xmb_tls_setup setup = {
        .size = sizeof(setup), .profile = t->tls_profile, .name = t->tls_name};
    int rc;

    if (t->vrf != NULL && (c->vrf = strdup(t->vrf)) == NULL)
        return XMB_ENOMEM;
    if (t->tls != NULL)
        tls_setup_copy(&setup, t->tls);
    if (setup.profile == NULL)
        return t->tls == NULL ? 0 : XMB_EINVAL;
    rc = conn_tls_new(c, &setup, TLS_CLIENT);
    return rc == XMB_ENOENT ? XMB_EINVAL : rc;
}

static int is_target(const struct xmb_target *t)
{
    return (t->address.family == 4 || t->address.family == 6) && t->address.port != 0 &&
           (t->source.family == 0 || t->source.family == t->address.family) &&
           (t->vrf == NULL || (t->vrf[0] != '\0' && strlen(t->vrf) < IF_NAMESIZE));
}

static int dial_new(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *t,
                    struct xmb_conn **out)
{
    int rc, fd = dial_socket(&t->address);

    if (fd < 0)
        return errno == ENOMEM || errno == ENOBUFS ? XMB_ENOMEM
               : errno == EAFNOSUPPORT             ? XMB_EINVAL
                                                   : XMB_ELIMIT;
    rc = conn_new(w, module, fd, XMB_OUTGOING, out);
    if (rc < 0)
        close(fd);
    return rc;
}

int conn_dial(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *target,
              void *user)
{
    struct xmb_target t = {0};
    struct xmb_conn *c;
    int rc;

    memcpy(&t, target, target->size < sizeof(t) ? target->size : sizeof(t));
    if (!is_target(&t) || module->protocol.size == 0)
        return XMB_EINVAL;
    if (w->conns == NULL || w->conns->ending)
        return XMB_ECANCELED;
    rc = dial_new(w, module, &t, &c);
    if (rc < 0)
        return rc;
    c->user = user;
    c->remote = t.address;
    c->phase = CONN_CONNECTING;
    rc = dial_ready(c, &t);
    if (rc < 0) {
        c->flags |= CONN_REFUSED; /* told by the return value alone */
        conn_die(c);
        return rc;
    }
    if (t.dial_id != NULL)
        *t.dial_id = conn_ref(c);
    conn_limit(c, t.connect_timeout_ms != 0 ? t.connect_timeout_ms : CONN_CONNECT_MS);
    dial_connect(c, &t);
    return 0;
}

/* Also one that has failed already and whose dial_failed is still to be called. */
void conn_dial_cancel(struct xmb_worker *w, uint64_t dial_id)
{
    struct xmb_conn *c = conn_by_ref(w, dial_id);

    if (c == NULL || c->direction != XMB_OUTGOING || c->flags & CONN_OPENED)
        return;
    if (c->phase != CONN_CONNECTING && c->phase != CONN_HANDSHAKE && c->phase != CONN_DEAD)
        return;
    c->flags |= CONN_REFUSED;
    conn_reset(c, "the dial was cancelled");
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
