/* SPDX-License-Identifier: MIT */
/*
 * rawip_io.c - packets of raw IP sockets, in and out.
 *
 * What arrives is read in batches into room that all sockets share, for they all live on the
 * routing loop. The kernel hands out an IPv4 packet with its header and an IPv6 packet without;
 * both leave here without. A packet to a group goes to the module only when the group was joined
 * on the interface that it came by.
 *
 * Sending is one system call a packet: interface, source and hop limit go along with it, so that
 * no state of the socket has to follow who is spoken to.
 */
#include "rawip/rawip_priv.h"

#include "conn/conn.h"
#include "log/log.h"
#include "loop/routing.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ROOM_BYTES 65536u /* of one packet: more than the largest */
#define IP4_HEADER_MIN 20u
#define IP4_TTL_AT 8u
#define CONTROL_BYTES                                                                              \
    (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +                            \
     CMSG_SPACE(sizeof(uint32_t)))

struct room {
    struct mmsghdr head[RAWIP_BATCH];
    struct iovec part[RAWIP_BATCH];
    struct sockaddr_storage remote[RAWIP_BATCH];
    _Alignas(struct cmsghdr) char control[RAWIP_BATCH][CONTROL_BYTES];
    char bytes[RAWIP_BATCH][ROOM_BYTES];
};

static struct room *room; /* from the first start to the end of the loop */

int rawip_room(void)
{
    if (room == NULL)
        room = calloc(1, sizeof(*room)); /* untouched pages of it cost nothing */
    return room != NULL ? 0 : XMB_ENOMEM;
}

void rawip_room_free(void)
{
    free(room);
    room = NULL;
}

/* --- what arrives ---------------------------------------------------------------------------- */

static void note_drops(struct xmb_rawip *s, uint32_t overflowed)
{
    s->stats.receive_drops += (uint32_t)(overflowed - s->overflowed);
    s->overflowed = overflowed;
}

/* A zone only where it tells addresses apart. */
static void take_to6(struct xmb_rawip_in *in, const struct in6_pktinfo *to)
{
    in->iface = to->ipi6_ifindex;
    in->local.family = 6;
    memcpy(in->local.ip, &to->ipi6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&to->ipi6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&to->ipi6_addr))
        in->local.scope = to->ipi6_ifindex;
}

static void take_control(struct xmb_rawip *s, struct msghdr *m, struct xmb_rawip_in *in)
{
    struct in6_pktinfo to6;
    struct in_pktinfo to4;
    struct cmsghdr *c;
    uint32_t n;

    for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&to4, CMSG_DATA(c), sizeof(to4));
            in->iface = (uint32_t)to4.ipi_ifindex;
            in->local.family = 4;
            memcpy(in->local.ip, &to4.ipi_addr, 4);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&to6, CMSG_DATA(c), sizeof(to6));
            take_to6(in, &to6);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            memcpy(&n, CMSG_DATA(c), sizeof(n));
            in->hops = n;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&n, CMSG_DATA(c), sizeof(n));
            note_drops(s, n);
        }
    }
}

/* Takes the IPv4 header off. 0: that is no packet. */
static int strip_header(struct xmb_rawip_in *in)
{
    const uint8_t *header = (const uint8_t *)in->bytes.p;
    size_t bytes;

    if (in->bytes.n < IP4_HEADER_MIN || header[0] >> 4 != 4)
        return 0;
    bytes = (size_t)(header[0] & 0x0f) * 4;
    if (bytes < IP4_HEADER_MIN || bytes > in->bytes.n)
        return 0;
    in->hops = header[IP4_TTL_AT];
    in->bytes.p += bytes;
    in->bytes.n -= bytes;
    return 1;
}

/* 0: not for the module. */
static int take_packet(struct xmb_rawip *s, struct mmsghdr *head, struct xmb_rawip_in *in)
{
    struct msghdr *m = &head->msg_hdr;

    take_control(s, m, in);
    if (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC) || m->msg_namelen == 0 ||
        in->local.family != s->family)
        return 0;
    addr_from_sockaddr(&in->remote, m->msg_name);
    in->remote.port = 0; /* IPv6 has the protocol there */
    if (s->family == 4 && !strip_header(in))
        return 0;
    return !rawip_is_group(&in->local) || rawip_is_member(s, in->iface, in->local.ip);
}

static void deliver(struct xmb_rawip *s, uint32_t i)
{
    struct xmb_rawip_in in = {
        .size = sizeof(in),
        .bytes = {room->bytes[i], room->head[i].msg_len},
    };
    struct module_mark mark;

    if (!take_packet(s, &room->head[i], &in))
        return;
    s->stats.received++;
    mark = module_enter(s->module);
    s->ops->received(s->arg, &in);
    module_leave(mark);
}

static void make_ready(void)
{
    uint32_t i;

    for (i = 0; i < RAWIP_BATCH; i++) {
        room->part[i] = (struct iovec){room->bytes[i], sizeof(room->bytes[i])};
        room->head[i].msg_hdr = (struct msghdr){
            .msg_name = &room->remote[i],
            .msg_namelen = sizeof(room->remote[i]),
            .msg_iov = &room->part[i],
            .msg_iovlen = 1,
            .msg_control = room->control[i],
            .msg_controllen = sizeof(room->control[i]),
        };
    }
}

/* How many came; negative: -errno. The module may close `s` in between: the rest is not for it. */
static int read_batch(struct xmb_rawip *s)
{
    int count, i;

    make_ready();
    count = recvmmsg(s->fd, room->head, RAWIP_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0)
        return -errno;
    for (i = 0; i < count && s->state == RAWIP_READING; i++)
        deliver(s, (uint32_t)i);
    return count;
}

static void on_backoff(struct timer_node *node)
{
    rawip_watch((struct xmb_rawip *)((char *)node - offsetof(struct xmb_rawip, backoff)));
}

static void back_off(struct xmb_rawip *s, int error)
{
    char cause[128];

    log_api.limited(s->module, XMB_LOG_ERROR, "rawip-errno", 1, s->vrf,
                    "cannot receive packets of IP protocol %u: %s; trying again in %u ms",
                    s->protocol, strerror_r(error, cause, sizeof(cause)), RAWIP_BACKOFF_MS);
    uv_poll_stop(&s->poll);
    s->backoff.fn = on_backoff;
    timer_start(routing_wheel(), &s->backoff, RAWIP_BACKOFF_MS);
}

/* What the socket has against us, which reading it takes away. */
static int pending_error(const struct xmb_rawip *s)
{
    int error = 0;
    socklen_t bytes = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0 || error == 0)
        error = EIO;
    return error;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct xmb_rawip *s = poll->data;
    int i, count = RAWIP_BATCH;

    (void)events;
    if (status < 0) { /* libuv has stopped watching */
        back_off(s, pending_error(s));
        return;
    }
    for (i = 0; i < RAWIP_BATCHES_A_TURN && count == (int)RAWIP_BATCH; i++) {
        if (s->state != RAWIP_READING)
            return;
        count = read_batch(s);
    }
    if (s->state == RAWIP_READING && count < 0 && count != -EAGAIN && count != -EINTR)
        back_off(s, -count);
}

void rawip_watch(struct xmb_rawip *s)
{
    uv_poll_start(&s->poll, UV_READABLE, on_ready);
}

/* --- what is sent ---------------------------------------------------------------------------- */

static struct cmsghdr *put(struct msghdr *m, struct cmsghdr *after, int level, int type,
                           const void *data, size_t bytes)
{
    struct cmsghdr *c = after == NULL ? CMSG_FIRSTHDR(m) : CMSG_NXTHDR(m, after);

    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), data, bytes);
    return c;
}

/* `m` has CONTROL_BYTES of room for it. */
static void put_control(struct msghdr *m, const struct xmb_rawip_out *out)
{
    struct in_pktinfo from4 = {.ipi_ifindex = (int)out->iface};
    struct in6_pktinfo from6 = {.ipi6_ifindex = out->iface};
    int hops = (int)out->hops;
    struct cmsghdr *c;

    if (out->remote.family == 4) {
        memcpy(&from4.ipi_spec_dst, out->local.ip, 4);
        m->msg_controllen = CMSG_SPACE(sizeof(from4)) + CMSG_SPACE(sizeof(hops));
        c = put(m, NULL, IPPROTO_IP, IP_PKTINFO, &from4, sizeof(from4));
        put(m, c, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    } else {
        memcpy(&from6.ipi6_addr, out->local.ip, 16);
        m->msg_controllen = CMSG_SPACE(sizeof(from6)) + CMSG_SPACE(sizeof(hops));
        c = put(m, NULL, IPPROTO_IPV6, IPV6_PKTINFO, &from6, sizeof(from6));
        put(m, c, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    }
}

static int is_link_local6(const struct xmb_addr *a)
{
    return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

/* MSG_DONTROUTE is nothing to IPv6, so there only what cannot be routed is on the link. */
static int is_sendable(const struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    const struct xmb_addr *to = &out->remote;

    if (out->size < sizeof(*out) || to->family != s->family ||
        (out->local.family != 0 && out->local.family != s->family))
        return 0;
    if (out->hops < 1 || out->hops > 255 || (out->flags & ~(uint32_t)XMB_RAWIP_ON_LINK) != 0)
        return 0;
    if (rawip_is_group(to))
        return out->iface != 0;
    return to->family == 4 || !(out->flags & XMB_RAWIP_ON_LINK) || is_link_local6(to);
}

static int send_failed(struct xmb_rawip *s, int error)
{
    s->stats.send_fails++;
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

int rawip_send(struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES] = {0};
    struct xmb_addr to = out->remote;
    struct iovec part = {.iov_len = out->bytes.n};
    struct sockaddr_storage remote;
    struct msghdr m = {.msg_name = &remote, .msg_iov = &part, .msg_iovlen = 1,
                       .msg_control = control};
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

    if (!is_sendable(s, out))
        return XMB_EINVAL;
    if (out->bytes.n > ROOM_BYTES)
        return send_failed(s, EMSGSIZE);
    to.port = 0;
    if (out->iface != 0 && to.family == 6)
        to.scope = out->iface;
    m.msg_namelen = addr_to_sockaddr(&to, &remote);
    memcpy(&part.iov_base, &out->bytes.p, sizeof(part.iov_base)); /* sendmsg does not write there */
    put_control(&m, out);
    if (out->flags & XMB_RAWIP_ON_LINK)
        flags |= MSG_DONTROUTE;
    if (sendmsg(s->fd, &m, flags) < 0)
        return send_failed(s, errno);
    s->stats.sent++;
    return 0;
}
