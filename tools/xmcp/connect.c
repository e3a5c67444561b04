/* SPDX-License-Identifier: MIT */
/*
 * connect.c - resolving and connecting.
 *
 * getaddrinfo(3) blocks, which is fine for a command with one connection; signals are let in
 * meanwhile, so that a second interrupt ends it. Connecting does not block, so that the first
 * interrupt and the time limit work while a firewall swallows our packets.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"

/* Waits for the end of a connect(2) under way. Returns 0 or an errno. */
static int await(int fd, int timeout_ms, const sigset_t *mask)
{
    struct timespec wait = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t error_bytes = sizeof(error);
    int ready = ppoll(&p, 1, &wait, mask);

    if (ready < 0)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) != 0)
        return errno;
    return error;
}

/* One address. Returns the socket, or -1 and *error. */
static int try_address(const struct addrinfo *a, int timeout_ms, const sigset_t *mask, int *error)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0) {
        *error = errno;
        return -1;
    }
    *error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (*error == EINPROGRESS)
        *error = await(fd, timeout_ms, mask);
    if (*error != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

int connect_server(const char *host, const char *port, int timeout_ms, const sigset_t *mask,
                   const volatile sig_atomic_t *stop, char *error, size_t error_bytes)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    const struct addrinfo *a;
    sigset_t blocked;
    int failure = EINTR; /* of a signal that came before the first address was tried */
    int fd = -1;
    int rc;

    sigprocmask(SIG_SETMASK, mask, &blocked);
    rc = getaddrinfo(host, port, &hints, &list);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    if (rc != 0) {
        snprintf(error, error_bytes, "%s: %s", host, gai_strerror(rc));
        return -1;
    }
    for (a = list; a != NULL && fd < 0 && !*stop; a = a->ai_next)
        fd = try_address(a, timeout_ms, mask, &failure);
    freeaddrinfo(list);
    if (fd < 0)
        snprintf(error, error_bytes, "%s port %s: %s", host, port, strerror(failure));
    return fd;
}

int connect_local(int fd, uint16_t port, struct xmcp_transport *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name;
    socklen_t name_bytes = sizeof(name);

    memset(out, 0, sizeof(*out));
    if (getsockname(fd, &name.any, &name_bytes) != 0)
        return -1;
    out->port = port;
    if (name.any.sa_family == AF_INET6) {
        out->family = XMCP_FAMILY_IPV6;
        memcpy(out->address, &name.v6.sin6_addr, 16);
    } else {
        out->family = XMCP_FAMILY_IPV4;
        memcpy(out->address, &name.v4.sin_addr, 4);
    }
    return 0;
}
