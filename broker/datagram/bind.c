/* SPDX-License-Identifier: MIT */
/*
 * bind.c - from an address to a bound UDP socket.
 *
 * SO_REUSEPORT is set, so that a reload can bind a wider or narrower address beside the one that
 * still runs. It would also let a second broker of the same user take half of the datagrams in
 * silence, so a port that is new to this process is first tried without it.
 */
#include "datagram/datagram_priv.h"

#include "conn/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Each datagram tells where it was sent to, and how many were lost before it. */
static int tune(int fd, uint8_t family)
{
    if (set_int(fd, SOL_SOCKET, SO_RXQ_OVFL, 1) < 0)
        return -1;
    if (family == 4)
        return set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
        return -1;
    return set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* A bound socket, or -errno. */
static int bind_one(const struct xmb_addr *address, const char *vrf, int share)
{
    struct sockaddr_storage sa;
    socklen_t bytes = addr_to_sockaddr(address, &sa);
    int error, fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (tune(fd, address->family) < 0 ||
        (share && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) ||
        (vrf[0] != '\0' &&
         setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, vrf, (socklen_t)strlen(vrf) + 1) < 0) ||
        bind(fd, (struct sockaddr *)&sa, bytes) < 0) {
        error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int bound_address(int fd, struct xmb_addr *out)
{
    struct sockaddr_storage sa = {0};
    socklen_t bytes = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &bytes) < 0)
        return -errno;
    addr_from_sockaddr(out, (struct sockaddr *)&sa);
    return 0;
}

int datagram_bind(const struct xmb_addr *asked, const char *vrf, int is_ours, int *fd,
                  struct xmb_addr *bound)
{
    int error;

    if (asked->port != 0 && !is_ours) {
        *fd = bind_one(asked, vrf, 0);
        if (*fd < 0)
            return *fd;
        close(*fd);
    }
    *fd = bind_one(asked, vrf, 1);
    if (*fd < 0)
        return *fd;
    error = bound_address(*fd, bound);
    if (error < 0)
        close(*fd);
    return error;
}
