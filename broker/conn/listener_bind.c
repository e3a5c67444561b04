/* SPDX-License-Identifier: MIT */
/*
 * listener_bind.c - the sockets of one listening address, one for each worker.
 *
 * They share the port by SO_REUSEPORT, and the kernel spreads connections over
 * them. That option would also let a second broker of the same user take half of
 * the connections in silence, so a port that is new to this process is first
 * tried without it.
 *
 * The options of a connection are set here: what is accepted inherits them.
 */
#include "conn/listener_priv.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44 /* of the kernel, younger than the system's headers */
#endif

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

void socket_tune(int fd)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, CONN_PROBE_IDLE_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, CONN_PROBE_GAP_S);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, CONN_PROBES);
    set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CONN_USER_TIMEOUT_MS);
    set_int(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, CONN_RTO_MAX_MS); /* kernels before 6.15 have it not */
}

/* A bound socket, or -errno. */
static int bind_one(const struct xmb_addr *address, const char *vrf, int share)
{
    struct sockaddr_storage sa;
    socklen_t size = addr_to_sockaddr(address, &sa);
    int error, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
        (share && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) ||
        (address->family == 6 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0) ||
        (vrf != NULL &&
         setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, vrf, (socklen_t)strlen(vrf) + 1) < 0) ||
        bind(fd, (struct sockaddr *)&sa, size) < 0) {
        error = errno;
        close(fd);
        return -error;
    }
    socket_tune(fd);
    return fd;
}

static int bound_address(int fd, struct xmb_addr *out)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &size) < 0)
        return -errno;
    addr_from_sockaddr(out, (struct sockaddr *)&sa);
    return 0;
}

/* Is somebody else listening there? 0, or -errno of the bind. */
static int probe(const struct xmb_addr *address, const char *vrf)
{
    int fd = bind_one(address, vrf, 0);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static int bind_worker(struct listen_group *g, uint32_t i)
{
    int error, fd = bind_one(&g->bound, g->spec->vrf, 1);

    if (fd < 0)
        return fd;
    error = i == 0 ? bound_address(fd, &g->bound) : 0;
    if (error == 0) {
        g->on[i] = listener_new(fd, g->spec);
        error = g->on[i] != NULL ? 0 : -ENOMEM;
    }
    if (error < 0)
        close(fd);
    return error;
}

static int only_check;

void listeners_only_check(void)
{
    only_check = 1;
}

uint32_t listen_vrf_index(const char *vrf)
{
    return vrf != NULL ? if_nametoindex(vrf) : 0;
}

int listen_group_bind(struct listen_group *g, int port_is_ours)
{
    uint32_t i;
    int error = 0;

    g->bound = g->asked;
    g->vrf_index = listen_vrf_index(g->spec->vrf);
    if (g->asked.port != 0 && !port_is_ours)
        error = probe(&g->asked, g->spec->vrf);
    if (only_check) /* the broker that runs with this file has the port: no fault of the file */
        return error == -EADDRINUSE ? 0 : error;
    for (i = 0; i < g->workers && error == 0; i++)
        error = bind_worker(g, i);
    return error;
}
