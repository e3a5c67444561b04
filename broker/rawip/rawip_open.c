/* SPDX-License-Identifier: MIT */
/*
 * rawip_open.c - the descriptor of a raw IP socket, and the groups that it listens to.
 *
 * IP_PMTUDISC_PROBE sends with "do not fragment", looks at the interface's own MTU, and not at a
 * path MTU that anybody could forge with an ICMP message.
 *
 * Which group was joined on which interface is remembered here too: the kernel, asked not to
 * deliver what other sockets joined, looks at the interface for IPv4 and only at the group for
 * IPv6. When an interface goes, the group is left on the wire, but the kernel keeps the socket's
 * membership, as we do: it counts against igmp_max_memberships, and when an interface of the same
 * number comes it is taken for one there. So what is of interfaces that went is swept out of both
 * when room is needed, and who joins what the socket has already leaves it first.
 */
#include "rawip/rawip_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

struct option {
    int level, name, value;
};

static int set_options(int fd, const struct option *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (setsockopt(fd, list[i].level, list[i].name, &list[i].value, sizeof(int)) < 0)
            return -1;
    return 0;
}

static int tune4(int fd, int traffic_class)
{
    const struct option options[] = {
        {IPPROTO_IP, IP_PKTINFO, 1},       {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
        {IPPROTO_IP, IP_MULTICAST_LOOP, 0}, {IPPROTO_IP, IP_MULTICAST_ALL, 0},
        {IPPROTO_IP, IP_TOS, traffic_class},
    };

    return set_options(fd, options, sizeof(options) / sizeof(options[0]));
}

static int tune6(int fd, int traffic_class)
{
    const struct option options[] = {
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE},
        {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0},
        {IPPROTO_IPV6, IPV6_TCLASS, traffic_class},
    };
    const struct option newer = {IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0};

    set_options(fd, &newer, 1); /* kernels before 4.20 have not got it; we look ourselves too */
    return set_options(fd, options, sizeof(options) / sizeof(options[0]));
}

/* The forced one needs CAP_NET_ADMIN; the other one is cut to net.core.rmem_max. */
static int tune(int fd, uint8_t family, int traffic_class)
{
    const struct option room = {SOL_SOCKET, SO_RCVBUF, RAWIP_RECEIVE_BYTES};
    const struct option forced = {SOL_SOCKET, SO_RCVBUFFORCE, RAWIP_RECEIVE_BYTES};
    const struct option drops = {SOL_SOCKET, SO_RXQ_OVFL, 1};

    if (set_options(fd, &forced, 1) < 0 && set_options(fd, &room, 1) < 0)
        return -1;
    if (set_options(fd, &drops, 1) < 0)
        return -1;
    return family == 4 ? tune4(fd, traffic_class) : tune6(fd, traffic_class);
}

int rawip_descriptor(const struct xmb_rawip *s, uint8_t traffic_class)
{
    int error, fd = socket(s->family == 4 ? AF_INET : AF_INET6,
                           SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, s->protocol);

    if (fd < 0)
        return -errno;
    if (tune(fd, s->family, traffic_class) < 0 ||
        (s->vrf[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->vrf,
                                         (socklen_t)strlen(s->vrf) + 1) < 0)) {
        error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* --- groups ---------------------------------------------------------------------------------- */

int rawip_is_group(const struct xmb_addr *a)
{
    return a->family == 4 ? (a->ip[0] & 0xf0) == 0xe0 : a->family == 6 && a->ip[0] == 0xff;
}

static struct rawip_member *find(const struct xmb_rawip *s, uint32_t iface,
                                 const uint8_t group[16])
{
    size_t i;

    for (i = 0; i < s->member_count; i++)
        if (s->members[i].iface == iface && memcmp(s->members[i].group, group, 16) == 0)
            return &s->members[i];
    return NULL;
}

int rawip_is_member(const struct xmb_rawip *s, uint32_t iface, const uint8_t group[16])
{
    return find(s, iface, group) != NULL;
}

/* 0 or -errno. */
static int tell_kernel(const struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group,
                       int joins)
{
    struct ip_mreqn four = {.imr_ifindex = (int)iface};
    struct ipv6_mreq six = {.ipv6mr_interface = iface};
    int rc;

    memcpy(&four.imr_multiaddr, group->ip, 4);
    memcpy(&six.ipv6mr_multiaddr, group->ip, 16);
    if (group->family == 4)
        rc = setsockopt(s->fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &four,
                        sizeof(four));
    else
        rc = setsockopt(s->fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &six,
                        sizeof(six));
    return rc < 0 ? -errno : 0;
}

static int is_there(const struct xmb_rawip *s, uint32_t iface)
{
    struct ifreq name = {.ifr_ifindex = (int)iface};

    return ioctl(s->fd, SIOCGIFNAME, &name) == 0 || errno != ENODEV;
}

/* Leaves the groups of interfaces that went; 1 when there were such. */
static int sweep(struct xmb_rawip *s)
{
    struct xmb_addr group = {.family = s->family};
    size_t i, left = 0, count = s->member_count;

    for (i = 0; i < count; i++) {
        const struct rawip_member *m = &s->members[i];

        if (is_there(s, m->iface)) {
            s->members[left++] = *m;
            continue;
        }
        memcpy(group.ip, m->group, sizeof(group.ip));
        tell_kernel(s, m->iface, &group, 0);
    }
    s->member_count = left;
    return left < count;
}

static int make_room(struct xmb_rawip *s)
{
    size_t room = s->member_room == 0 ? 8 : s->member_room * 2;
    struct rawip_member *list;

    if (s->member_count == s->member_room)
        sweep(s);
    if (s->member_count < s->member_room)
        return 0;
    if (room > RAWIP_MEMBERS_MAX)
        return XMB_ELIMIT;
    list = realloc(s->members, room * sizeof(*list));
    if (list == NULL)
        return XMB_ENOMEM;
    s->members = list;
    s->member_room = room;
    return 0;
}

static int join_error(int error)
{
    switch (error) {
    case 0:
        return 0;
    case -ENODEV:
    case -ENXIO:
        return XMB_ENOENT;
    case -ENOBUFS:
    case -ENOMEM:
        return XMB_ELIMIT;
    default:
        return XMB_EIO;
    }
}

/* 0 or -errno. */
static int join_now(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group)
{
    int rc = tell_kernel(s, iface, group, 1);

    if ((rc == -ENOBUFS || rc == -ENOMEM) && sweep(s))
        rc = tell_kernel(s, iface, group, 1);
    if (rc != -EADDRINUSE)
        return rc;
    tell_kernel(s, iface, group, 0);
    return tell_kernel(s, iface, group, 1);
}

int rawip_join(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group)
{
    struct rawip_member *m;
    int rc = make_room(s);

    if (rc == 0)
        rc = join_error(join_now(s, iface, group));
    if (rc < 0 || find(s, iface, group->ip) != NULL)
        return rc;
    m = &s->members[s->member_count++];
    m->iface = iface;
    memcpy(m->group, group->ip, sizeof(m->group));
    return 0;
}

int rawip_leave(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group)
{
    struct rawip_member *m = find(s, iface, group->ip);

    if (m == NULL)
        return 0;
    *m = s->members[--s->member_count];
    switch (tell_kernel(s, iface, group, 0)) {
    case 0:
    case -EADDRNOTAVAIL: /* the interface took it along */
    case -ENODEV:
    case -ENXIO:
        return 0;
    default:
        return XMB_EIO;
    }
}
