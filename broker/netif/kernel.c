/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - asks the kernel which interfaces and addresses there are.
 *
 * Two dumps over a netlink socket of its own, which is closed again: name, flags, MTU and master
 * of a link come in one message, and all of it is of the network namespace that we are in. Only
 * the speed of a link is not told there and stands in a file. To read all these files takes longer
 * than both dumps, so a link whose carrier did not change since the last look keeps a speed that is
 * known, unless it may have it from other links: a bond's changes while its carrier stays.
 *
 * An IPv6 address that is not proven to be unique yet cannot be sent from; it is left out until
 * then, and when it is, the bell rings.
 */
#include "netif/netif_priv.h"

#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 32768u /* the kernel fills at most this much at once */
#define TRIES_MAX 4         /* when interfaces change while they are told */
#define SKIP_STATS 8u       /* RTEXT_FILTER_SKIP_STATS */
#define ATTRIBUTE_TYPE 0x3fffu
#define SPEED_MAX_MBPS 100000000

#ifndef IFA_FLAGS
#define IFA_FLAGS 8
#endif

struct look {
    struct picture *out;
    int fd;
    uint32_t sequence;
    int interrupted; /* what was told is of two moments */
    int (*take)(struct picture *out, const struct nlmsghdr *h);
    _Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
};

/* --- what a message says --------------------------------------------------------------------- */

static void say_once(atomic_flag *said, const char *object, unsigned maximum, const char *what)
{
    if (!atomic_flag_test_and_set(said))
        LOG(WARN, object, "more than %u %s; those that are too many are not seen", maximum, what);
}

/* The attribute of that type in `n` octets from `a`, or NULL. */
static const struct rtattr *attribute(const struct rtattr *a, size_t n, unsigned type)
{
    for (; n >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= n;) {
        size_t step = RTA_ALIGN(a->rta_len);

        if ((a->rta_type & ATTRIBUTE_TYPE) == type)
            return a;
        if (step >= n)
            return NULL;
        n -= step;
        a = (const struct rtattr *)(const void *)((const char *)a + step);
    }
    return NULL;
}

static uint32_t number_of(const struct rtattr *a, uint32_t none)
{
    uint32_t n = none;

    if (a != NULL && RTA_PAYLOAD(a) >= sizeof(n))
        memcpy(&n, RTA_DATA(a), sizeof(n));
    return n;
}

static void text_of(const struct rtattr *a, char *out, size_t cap)
{
    if (a != NULL)
        snprintf(out, cap, "%.*s", (int)RTA_PAYLOAD(a), (const char *)RTA_DATA(a));
}

static uint32_t flags_of(unsigned flags)
{
    uint32_t out = 0;

    if ((flags & IFF_UP) && (flags & IFF_RUNNING))
        out |= XMB_NETIF_UP;
    if (flags & IFF_LOOPBACK)
        out |= XMB_NETIF_LOOPBACK;
    if (flags & IFF_MULTICAST)
        out |= XMB_NETIF_MULTICAST;
    if (flags & IFF_POINTOPOINT)
        out |= XMB_NETIF_POINT_TO_POINT;
    return out;
}

static int take_link(struct picture *out, const struct nlmsghdr *h)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const struct ifinfomsg *link = NLMSG_DATA(h);
    const struct rtattr *first = IFLA_RTA(link), *info, *changes;
    size_t bytes = NLMSG_PAYLOAD(h, sizeof(*link));
    char kind[16] = "";
    struct iface *i;

    if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
        return 0;
    if (out->count == NETIF_MAX) {
        say_once(&said, NULL, NETIF_MAX, "network interfaces");
        return 0;
    }
    i = picture_add(out, (uint32_t)link->ifi_index);
    if (i == NULL)
        return XMB_ENOMEM;
    i->now.flags = flags_of(link->ifi_flags);
    i->now.mtu_bytes = number_of(attribute(first, bytes, IFLA_MTU), 0);
    i->master = number_of(attribute(first, bytes, IFLA_MASTER), 0);
    text_of(attribute(first, bytes, IFLA_IFNAME), i->now.name, sizeof(i->now.name));
    info = attribute(first, bytes, IFLA_LINKINFO);
    if (info != NULL)
        text_of(attribute(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_KIND), kind, sizeof(kind));
    i->is_vrf = strcmp(kind, "vrf") == 0;
    changes = attribute(first, bytes, IFLA_CARRIER_CHANGES);
    i->carrier_changes = number_of(changes, 0);
    i->keeps_speed = changes != NULL && (kind[0] == '\0' || strcmp(kind, "veth") == 0);
    return 0;
}

/* 0: it cannot be used, now or at all. */
static int read_address(const struct nlmsghdr *h, struct xmb_netif_addr *out)
{
    const struct ifaddrmsg *m = NLMSG_DATA(h);
    size_t bytes = NLMSG_PAYLOAD(h, sizeof(*m));
    const struct rtattr *first = IFA_RTA(m), *a = attribute(first, bytes, IFA_LOCAL);
    uint32_t flags = number_of(attribute(first, bytes, IFA_FLAGS), m->ifa_flags);
    size_t ip_bytes = m->ifa_family == AF_INET ? 4 : 16;

    memset(out, 0, sizeof(*out));
    if (a == NULL) /* IFA_ADDRESS is the other end, where there is one */
        a = attribute(first, bytes, IFA_ADDRESS);
    if ((m->ifa_family != AF_INET && m->ifa_family != AF_INET6) || a == NULL ||
        RTA_PAYLOAD(a) < ip_bytes)
        return 0;
    if ((flags & IFA_F_DADFAILED) ||
        ((flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC)))
        return 0;
    out->addr.family = m->ifa_family == AF_INET ? 4 : 6;
    memcpy(out->addr.ip, RTA_DATA(a), ip_bytes);
    if (out->addr.family == 6 && out->addr.ip[0] == 0xfe && (out->addr.ip[1] & 0xc0) == 0x80)
        out->addr.scope = m->ifa_index;
    out->prefix_bits = m->ifa_prefixlen;
    return 1;
}

static int take_address(struct picture *out, const struct nlmsghdr *h)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const struct ifaddrmsg *m = NLMSG_DATA(h);
    struct xmb_netif_addr a;
    struct iface *i;
    int rc;

    if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return 0;
    i = picture_find(out, m->ifa_index);
    if (i == NULL || !read_address(h, &a))
        return 0;
    rc = iface_add_address(i, &a);
    if (rc != XMB_ELIMIT)
        return rc;
    say_once(&said, i->now.name, NETIF_ADDRESSES_MAX, "addresses of an interface");
    return 0;
}

/* --- a dump ---------------------------------------------------------------------------------- */

static int look_open(struct look *l)
{
    const struct timeval patience = {.tv_sec = 1}; /* never needed: the kernel answers at once */

    l->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (l->fd < 0)
        return -errno;
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return 0;
}

static int ask(struct look *l, uint16_t type)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg link; /* as long as none of its members is set, good for addresses too */
        struct rtattr mask;
        uint32_t mask_value;
    } m = {
        .h = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .mask = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = IFLA_EXT_MASK},
        .mask_value = SKIP_STATS,
    };
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    m.h.nlmsg_seq = ++l->sequence;
    m.h.nlmsg_len = type == RTM_GETLINK ? sizeof(m) : NLMSG_LENGTH(sizeof(struct ifaddrmsg));
    if (sendto(l->fd, &m, m.h.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        return -errno;
    return 0;
}

/* 1: the dump has ended; 0: more comes; -errno; XMB_ENOMEM is -ENOMEM here. */
static int take_message(struct look *l, const struct nlmsghdr *h)
{
    int error = 0;

    if (h->nlmsg_seq != l->sequence)
        return 0;
    if (h->nlmsg_flags & NLM_F_DUMP_INTR)
        l->interrupted = 1;
    if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
        if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
            memcpy(&error, NLMSG_DATA(h), sizeof(error));
        return error < 0 ? error : 1;
    }
    return l->take(l->out, h) < 0 ? -ENOMEM : 0;
}

static int take_answer(struct look *l, size_t bytes)
{
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)l->answer;
    int rc = 0;

    while (rc == 0 && bytes >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= bytes) {
        size_t step = NLMSG_ALIGN(h->nlmsg_len);

        rc = take_message(l, h);
        bytes -= step < bytes ? step : bytes;
        h = (const struct nlmsghdr *)(const void *)((const char *)h + step);
    }
    return rc;
}

static int dump(struct look *l, uint16_t type,
                int (*take)(struct picture *out, const struct nlmsghdr *h))
{
    struct sockaddr_nl from;
    socklen_t from_bytes;
    ssize_t n;
    int rc = ask(l, type);

    l->take = take;
    while (rc == 0) {
        from_bytes = sizeof(from);
        n = recvfrom(l->fd, l->answer, sizeof(l->answer), MSG_TRUNC, (struct sockaddr *)&from,
                     &from_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if ((size_t)n > sizeof(l->answer))
            return -EMSGSIZE;
        if (from.nl_pid == 0) /* anybody may write to us; the kernel is 0 */
            rc = take_answer(l, (size_t)n);
    }
    return rc < 0 ? rc : 0;
}

/* --- what no message says -------------------------------------------------------------------- */

uint64_t kernel_speed_kbps(const char *name)
{
    char path[64], text[24];
    long long mbps;
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/sys/class/net/%s/speed", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1); /* fails where there is no link, or no speed */
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    mbps = strtoll(text, NULL, 10);
    return mbps > 0 && mbps <= SPEED_MAX_MBPS ? (uint64_t)mbps * 1000 : 0;
}

static uint64_t speed_of(const struct iface *i, const struct picture *was)
{
    const struct iface *old = picture_find(was, i->now.index);

    if (old != NULL && old->now.speed_kbps > 0 && i->keeps_speed &&
        i->now.flags == old->now.flags && i->carrier_changes == old->carrier_changes &&
        strcmp(i->now.name, old->now.name) == 0)
        return old->now.speed_kbps;
    return kernel_speed_kbps(i->now.name);
}

static void complete(struct picture *p, const struct picture *was)
{
    const struct iface *master;
    size_t i;

    for (i = 0; i < p->count; i++) {
        struct iface *one = &p->list[i];

        master = one->master != 0 ? picture_find(p, one->master) : NULL;
        if (master != NULL && master->is_vrf)
            memcpy(one->now.vrf, master->now.name, sizeof(one->now.vrf));
        if (was != NULL)
            one->now.speed_kbps = speed_of(one, was);
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static int look_once(struct look *l, int links_only)
{
    int rc;

    l->interrupted = 0;
    rc = dump(l, RTM_GETLINK, take_link);
    if (rc < 0)
        return rc;
    picture_sort(l->out);
    return links_only ? 0 : dump(l, RTM_GETADDR, take_address);
}

static int failed(struct picture *out, int rc)
{
    char cause[128];

    picture_free(out);
    log_api.limited(module_core(), XMB_LOG_ERROR, "netif-errno", 1, NULL,
                    "the kernel does not tell which network interfaces there are: %s",
                    strerror_r(-rc, cause, sizeof(cause)));
    return rc == -ENOMEM ? XMB_ENOMEM : XMB_EIO;
}

int kernel_look(struct picture *out, const struct picture *was)
{
    struct look *l = calloc(1, sizeof(*l));
    int tries, interrupted, rc;

    if (l == NULL)
        return XMB_ENOMEM;
    l->out = out;
    rc = look_open(l);
    for (tries = 0; rc == 0 && tries < TRIES_MAX && (tries == 0 || l->interrupted); tries++) {
        picture_free(out);
        rc = look_once(l, was == NULL);
    }
    if (l->fd >= 0)
        close(l->fd);
    interrupted = l->interrupted;
    free(l);
    if (rc < 0)
        return failed(out, rc);
    complete(out, was);
    return interrupted;
}
