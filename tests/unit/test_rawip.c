/* SPDX-License-Identifier: MIT */
/*
 * test_rawip.c - raw IP sockets on the real routing loop, over a wire between two network
 * namespaces: what arrives and what does not, what is sent and what cannot be, and the ends.
 *
 * The peer is a plain raw socket in the far namespace, read and written by the test's thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/routing.h"
#include "rawip/rawip.h"

#include "netns_rig.h"

#define PROTOCOL 88
#define NEAR4 "10.88.0.1"
#define FAR4 "10.88.0.2"
#define GROUP4 "224.0.0.10"
#define NEAR6 "fe80::1"
#define FAR6 "fe80::2"
#define GROUP6 "ff02::a"
#define MTU 1500

static struct xmb_module speaker = {
    .name = "speaker",
    .plugin = {.size = sizeof(struct xmb_plugin), .name = "speaker", .flags = XMB_PLUGIN_RAW_IP},
    .log_level = XMB_LOG_ERROR,
};
static uint32_t near_index;

/* --- the module: keeps the last packet ------------------------------------------------------- */

static _Atomic unsigned received_count;
static struct xmb_rawip_in last; /* before the count is raised */
static char last_bytes[4096];
static int close_in_call;
static struct xmb_rawip *s4, *s6;

static void received(void *arg, const struct xmb_rawip_in *in)
{
    struct xmb_rawip **s = arg;

    if (in->size != sizeof(*in) || !loop_is_current(loop_routing()))
        abort();
    last = *in;
    if (in->bytes.n < sizeof(last_bytes)) /* borrowed: so the octets are kept apart */
        memcpy(last_bytes, in->bytes.p, in->bytes.n);
    if (close_in_call) {
        rawip_api.close(*s);
        *s = NULL;
    }
    atomic_fetch_add(&received_count, 1);
}

static const struct xmb_rawip_ops ops = {.size = sizeof(ops), .received = received};

static struct xmb_addr address(const char *text)
{
    struct xmb_addr a = {.family = strchr(text, ':') != NULL ? 6 : 4};

    assert_int_equal(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.ip), 1);
    return a;
}

static int open_socket(uint8_t family, struct xmb_rawip **out)
{
    struct xmb_rawip_spec spec = {.size = sizeof(spec), .family = family, .protocol = PROTOCOL,
                                  .traffic_class = 0xc0};

    return rawip_api.open(&speaker, &spec, &ops, out, out);
}

struct call {
    struct xmb_rawip *s;
    const char *group;
    uint32_t iface, is_member;
    struct xmb_rawip_out out;
    struct xmb_rawip_stats stats;
    int rc;
};

static void call_start(void *arg)
{
    struct call *c = arg;

    c->rc = rawip_api.start(c->s);
}

static void call_join(void *arg)
{
    struct call *c = arg;
    struct xmb_addr group = address(c->group);

    c->rc = rawip_api.join(c->s, c->iface, &group, c->is_member);
}

static void call_send(void *arg)
{
    struct call *c = arg;

    c->rc = rawip_api.send(c->s, &c->out);
}

static void call_stats(void *arg)
{
    struct call *c = arg;

    c->stats.size = sizeof(c->stats);
    rawip_api.stats(c->s, &c->stats);
}

static void call_close(void *arg)
{
    struct xmb_rawip **s = arg;

    rawip_api.close(*s);
    *s = NULL;
}

static int join(struct xmb_rawip *s, uint32_t iface, const char *group, uint32_t is_member)
{
    struct call c = {.s = s, .iface = iface, .group = group, .is_member = is_member};

    on_routing(call_join, &c);
    return c.rc;
}

static int send_out(struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    struct call c = {.s = s, .out = *out};

    on_routing(call_send, &c);
    return c.rc;
}

static struct xmb_rawip_stats stats(struct xmb_rawip *s)
{
    struct call c = {.s = s};

    on_routing(call_stats, &c);
    return c.stats;
}

static struct xmb_rawip_out packet(const char *to, const char *from, uint32_t hops,
                                   const char *text)
{
    struct xmb_rawip_out out = {.size = sizeof(out), .iface = near_index, .remote = address(to),
                                .hops = hops, .bytes = xmb_str(text)};

    if (from != NULL)
        out.local = address(from);
    return out;
}

/* --- the peer -------------------------------------------------------------------------------- */

static int far4 = -1, far6 = -1;

static int far_socket(int family)
{
    const struct timeval patience = {30, 0};
    int fd, one = 1;

    far_enter();
    fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, PROTOCOL);
    far_leave();
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof(one));
        setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof(one));
    }
    return fd;
}

static uint32_t far_index(void)
{
    uint32_t index;

    far_enter();
    index = if_nametoindex("far");
    far_leave();
    assert_int_not_equal(index, 0);
    return index;
}

/* From the far end; a group leaves by its wire too. */
static void far_send(const char *to, int hops, const void *bytes, size_t n)
{
    struct xmb_addr a = address(to);
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_scope_id = far_index()};
    struct ip_mreqn by = {.imr_ifindex = (int)far_index()};

    if (a.family == 4) {
        memcpy(&in.sin_addr, a.ip, 4);
        setsockopt(far4, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by));
        setsockopt(far4, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
        setsockopt(far4, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
        assert_int_equal(sendto(far4, bytes, n, 0, (struct sockaddr *)&in, sizeof(in)), n);
        return;
    }
    memcpy(&in6.sin6_addr, a.ip, 16);
    setsockopt(far6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
    setsockopt(far6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
    assert_int_equal(sendto(far6, bytes, n, 0, (struct sockaddr *)&in6, sizeof(in6)), n);
}

/* What the far end hears next by IPv4. */
static void far_hears4(const char *from, const char *to, int hops, const char *text)
{
    _Alignas(struct iphdr) char bytes[4096];
    struct iphdr *ip = (struct iphdr *)bytes;
    ssize_t n = recv(far4, bytes, sizeof(bytes), 0);
    struct xmb_addr a = address(from), b = address(to);

    assert_int_equal(n, sizeof(*ip) + strlen(text));
    assert_memory_equal(&ip->saddr, a.ip, 4);
    assert_memory_equal(&ip->daddr, b.ip, 4);
    assert_int_equal(ip->ttl, hops);
    assert_int_equal(ip->tos, 0xc0);
    assert_int_equal(ntohs(ip->frag_off), IP_DF);
    assert_memory_equal(bytes + sizeof(*ip), text, strlen(text));
}

static int number_in(struct msghdr *m, int type)
{
    struct cmsghdr *c;
    int n = -1;

    for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == type)
            memcpy(&n, CMSG_DATA(c), sizeof(n));
    return n;
}

static void far_hears6(const char *from, int hops, const char *text)
{
    _Alignas(struct cmsghdr) char control[128];
    char bytes[4096];
    struct iovec part = {bytes, sizeof(bytes)};
    struct sockaddr_in6 remote;
    struct msghdr m = {.msg_name = &remote, .msg_namelen = sizeof(remote), .msg_iov = &part,
                       .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct xmb_addr a = address(from);

    assert_int_equal(recvmsg(far6, &m, 0), strlen(text));
    assert_memory_equal(&remote.sin6_addr, a.ip, 16);
    assert_int_equal(number_in(&m, IPV6_HOPLIMIT), hops);
    assert_int_equal(number_in(&m, IPV6_TCLASS), 0xc0);
    assert_memory_equal(bytes, text, strlen(text));
}

/* --- what arrives ---------------------------------------------------------------------------- */

static void expect_last(const char *remote, const char *local, uint32_t hops, const char *text)
{
    struct xmb_addr a = address(remote), b = address(local);

    assert_int_equal(last.iface, near_index);
    assert_int_equal(last.remote.family, a.family);
    assert_int_equal(last.remote.port, 0);
    assert_memory_equal(last.remote.ip, a.ip, 16);
    assert_int_equal(last.local.family, a.family);
    assert_memory_equal(last.local.ip, b.ip, 16);
    assert_int_equal(last.hops, hops);
    assert_int_equal(last.bytes.n, strlen(text));
    assert_memory_equal(last_bytes, text, strlen(text));
}

static void arrives4(void **state)
{
    (void)state;
    far_send(NEAR4, 7, "unicast", 7);
    wait_count(&received_count, 1);
    expect_last(FAR4, NEAR4, 7, "unicast");
    assert_int_equal(join(s4, near_index, GROUP4, 1), 0);
    assert_int_equal(join(s4, near_index, GROUP4, 1), 0);
    far_send(GROUP4, 2, "group", 5);
    wait_count(&received_count, 2);
    expect_last(FAR4, GROUP4, 2, "group");
    assert_int_equal(stats(s4).received, 2);
}

/* An IP header with options, and a packet with nothing in it. */
static void strips4(void **state)
{
    static const uint8_t option[4] = {IPOPT_RA, 4, 0, 0};

    (void)state;
    assert_int_equal(setsockopt(far4, IPPROTO_IP, IP_OPTIONS, option, sizeof(option)), 0);
    far_send(NEAR4, 64, "options", 7);
    assert_int_equal(setsockopt(far4, IPPROTO_IP, IP_OPTIONS, NULL, 0), 0);
    wait_count(&received_count, 1);
    expect_last(FAR4, NEAR4, 64, "options");
    far_send(NEAR4, 64, "", 0);
    wait_count(&received_count, 2);
    expect_last(FAR4, NEAR4, 64, "");
}

static void arrives6(void **state)
{
    (void)state;
    far_send(NEAR6, 9, "unicast", 7);
    wait_count(&received_count, 1);
    expect_last(FAR6, NEAR6, 9, "unicast");
    assert_int_equal(last.remote.scope, near_index);
    assert_int_equal(last.local.scope, near_index);
    assert_int_equal(join(s6, near_index, GROUP6, 1), 0);
    far_send(GROUP6, 1, "group", 5);
    wait_count(&received_count, 2);
    expect_last(FAR6, GROUP6, 1, "group");
    assert_int_equal(stats(s6).received, 2);
}

/* What comes after it has come: what did not come before it never will. */
static void comes_alone(const char *group, const char *unicast)
{
    unsigned before = atomic_load(&received_count);

    far_send(group, 5, "no", 2);
    far_send(unicast, 5, "yes", 3);
    wait_count(&received_count, before + 1);
    assert_int_equal(last.bytes.n, 3);
    assert_int_equal(atomic_load(&received_count), before + 1);
}

/* A group of another socket, of another interface, and one that was left. */
static void not_a_member(void **state)
{
    struct xmb_rawip *other[2];
    struct call c = {0};
    uint32_t lo = if_nametoindex("lo");
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        assert_int_equal(open_socket(i == 0 ? 4 : 6, &other[i]), 0);
        assert_int_equal(join(other[i], near_index, i == 0 ? GROUP4 : GROUP6, 1), 0);
    }
    comes_alone(GROUP4, NEAR4);
    comes_alone(GROUP6, NEAR6);
    assert_int_equal(join(s4, lo, GROUP4, 1), 0);
    assert_int_equal(join(s6, lo, GROUP6, 1), 0);
    comes_alone(GROUP4, NEAR4);
    comes_alone(GROUP6, NEAR6);
    assert_int_equal(join(s4, near_index, GROUP4, 1), 0);
    assert_int_equal(join(s4, near_index, GROUP4, 0), 0);
    assert_int_equal(join(s4, near_index, GROUP4, 0), 0);
    assert_int_equal(join(s6, near_index, GROUP6, 1), 0);
    assert_int_equal(join(s6, near_index, GROUP6, 0), 0);
    comes_alone(GROUP4, NEAR4);
    comes_alone(GROUP6, NEAR6);
    for (i = 0; i < 2; i++) { /* what waited since it was opened is not delivered */
        c.s = other[i];
        on_routing(call_start, &c);
        assert_int_equal(c.rc, 0);
        assert_int_equal(stats(other[i]).received, 0);
        on_routing(call_close, &other[i]);
    }
}

static void join_refused(void **state)
{
    (void)state;
    assert_int_equal(join(s4, 999999, GROUP4, 1), XMB_ENOENT);
    assert_int_equal(join(s6, 999999, GROUP6, 1), XMB_ENOENT);
    assert_int_equal(join(s4, near_index, GROUP6, 1), XMB_EINVAL);
    assert_int_equal(join(s4, near_index, FAR4, 1), XMB_EINVAL);
    assert_int_equal(join(s4, 0, GROUP4, 1), XMB_EINVAL);
}

/* More groups than the kernel lets a socket have; then all of them go with their interface. */
static void memberships_end(void **state)
{
    char group[32];
    uint32_t index;
    int i, rc = 0;

    (void)state;
    near_sh("ip link add gone type veth peer name gone2 && ip link set gone up");
    index = if_nametoindex("gone");
    for (i = 1; i < 100 && rc == 0; i++) {
        snprintf(group, sizeof(group), "224.0.9.%d", i);
        rc = join(s4, index, group, 1);
    }
    assert_int_equal(rc, XMB_ELIMIT);
    near_sh("ip link del gone");
    assert_int_equal(join(s4, index, "224.0.9.1", 0), 0);
    assert_int_equal(join(s4, near_index, GROUP4, 1), 0);
}

/* Interfaces come and go more often than the kernel lets a socket have groups. */
static void memberships_leave_room(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 25; i++) {
        near_sh("ip link add gone type veth peer name gone2");
        assert_int_equal(join(s4, if_nametoindex("gone"), GROUP4, 1), 0);
        near_sh("ip link del gone");
    }
}

/* Another interface of the same number: the kernel takes the old membership for one there. */
static void memberships_come_back(void **state)
{
    const uint32_t index = 777;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        near_sh("ip link add gone index %u type veth peer name gone2", index);
        assert_int_equal(join(s4, index, GROUP4, 1), 0);
        assert_int_equal(join(s6, index, GROUP6, 1), 0);
        near_sh("ip maddr show dev gone | grep -qw " GROUP4);
        near_sh("ip maddr show dev gone | grep -qw " GROUP6);
        near_sh("ip link del gone");
    }
}

/* More than one batch, and more than one turn's batches, in the order of sending. */
static void many(void **state)
{
    uint32_t i, n;

    (void)state;
    for (i = 1; i <= 500; i++)
        far_send(NEAR4, 64, &i, sizeof(i));
    wait_count(&received_count, 500);
    memcpy(&n, last_bytes, sizeof(n));
    assert_int_equal(n, 500);
    assert_int_equal(stats(s4).receive_drops, 0);
}

static void stall(void *arg)
{
    uint32_t i;

    (void)arg;
    for (i = 0; i < 20000; i++)
        far_send(NEAR4, 64, last_bytes, 1000);
}

/* The queue overflows while the loop does something else; what was lost is counted. */
static void overflows(void **state)
{
    (void)state;
    on_routing(stall, NULL);
    far_send(NEAR4, 64, "end", 3);
    wait_count(&received_count, 1);
    while (stats(s4).received + stats(s4).receive_drops < 20001) {
        far_send(NEAR4, 64, "more", 4); /* the drops are told with the next packet that fits */
        if (stats(s4).received > 25000)
            break;
    }
    assert_true(stats(s4).receive_drops > 0);
    assert_true(stats(s4).received + stats(s4).receive_drops >= 20001);
}

/* --- what is sent ---------------------------------------------------------------------------- */

static void sends4(void **state)
{
    struct xmb_rawip_out out = packet(FAR4, NEAR4, 3, "unicast");
    struct ip_mreqn join_far = {.imr_ifindex = (int)far_index()};

    (void)state;
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4(NEAR4, FAR4, 3, "unicast");
    out.flags = XMB_RAWIP_ON_LINK;
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4(NEAR4, FAR4, 3, "unicast");
    out = packet(FAR4, NULL, 255, "system's choice");
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4(NEAR4, FAR4, 255, "system's choice");
    memcpy(&join_far.imr_multiaddr, address(GROUP4).ip, 4);
    assert_int_equal(setsockopt(far4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join_far, sizeof(join_far)),
                     0);
    assert_int_equal(join(s4, near_index, GROUP4, 1), 0);
    out = packet(GROUP4, "10.88.0.11", 2, "group, by a second address");
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4("10.88.0.11", GROUP4, 2, "group, by a second address");
    out.flags = XMB_RAWIP_ON_LINK;
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4("10.88.0.11", GROUP4, 2, "group, by a second address");
    assert_int_equal(stats(s4).sent, 5);
    assert_int_equal(stats(s4).received, 0); /* nor its own */
}

static void sends6(void **state)
{
    struct xmb_rawip_out out = packet(FAR6, NEAR6, 3, "unicast");
    struct ipv6_mreq join_far = {.ipv6mr_interface = far_index()};

    (void)state;
    assert_int_equal(send_out(s6, &out), 0);
    far_hears6(NEAR6, 3, "unicast");
    out.flags = XMB_RAWIP_ON_LINK;
    assert_int_equal(send_out(s6, &out), 0);
    far_hears6(NEAR6, 3, "unicast");
    memcpy(&join_far.ipv6mr_multiaddr, address(GROUP6).ip, 16);
    assert_int_equal(setsockopt(far6, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join_far, sizeof(join_far)),
                     0);
    assert_int_equal(join(s6, near_index, GROUP6, 1), 0);
    out = packet(GROUP6, NULL, 255, "group");
    assert_int_equal(send_out(s6, &out), 0);
    far_hears6(NEAR6, 255, "group");
    assert_int_equal(stats(s6).sent, 3);
    assert_int_equal(stats(s6).received, 0);
}

static void too_big(void **state)
{
    static char much[70000];
    struct xmb_rawip_out out = packet(FAR4, NULL, 64, "");

    (void)state;
    out.bytes = xmb_str_n(much, MTU - 20);
    assert_int_equal(send_out(s4, &out), 0);
    out.bytes.n++;
    assert_int_equal(send_out(s4, &out), XMB_ETOOBIG);
    out.bytes.n = sizeof(much);
    assert_int_equal(send_out(s4, &out), XMB_ETOOBIG);
    out = packet(FAR6, NULL, 64, "");
    out.bytes = xmb_str_n(much, MTU - 40);
    assert_int_equal(send_out(s6, &out), 0);
    out.bytes.n++;
    assert_int_equal(send_out(s6, &out), XMB_ETOOBIG);
    assert_int_equal(stats(s4).send_fails, 2);
    assert_int_equal(stats(s6).send_fails, 1);
    recv(far4, much, sizeof(much), 0);
    recv(far6, much, sizeof(much), 0);
}

static void send_refused(void **state)
{
    struct xmb_rawip_out out = packet(FAR4, "10.99.0.1", 64, "x");

    (void)state;
    assert_int_equal(send_out(s4, &out), XMB_EIO); /* not our address */
    out = packet(FAR4, NULL, 64, "x");
    out.iface = 999999;
    assert_int_equal(send_out(s4, &out), XMB_EIO);
    out = packet("10.77.0.1", NULL, 64, "x");
    out.iface = 0;
    assert_int_equal(send_out(s4, &out), XMB_EIO); /* no route */
    out = packet(FAR6, "fe80::99", 64, "x");
    assert_int_equal(send_out(s6, &out), XMB_EIO);
    assert_int_equal(stats(s4).send_fails, 3);
    assert_int_equal(stats(s6).send_fails, 1);
}

/* By way of the router at the other end it arrives at 10.77.0.1; on the wire there is no such. */
static void on_link_only(void **state)
{
    struct xmb_rawip_out out = packet("10.77.0.1", NEAR4, 64, "routed");

    (void)state;
    far_sh("ip addr add 10.77.0.1/32 dev lo && echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore");
    near_sh("ip route add 10.77.0.0/24 via " FAR4);
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4(NEAR4, "10.77.0.1", 64, "routed");
    out.flags = XMB_RAWIP_ON_LINK;
    assert_int_equal(send_out(s4, &out), 0); /* waits for an answer to ARP, in vain */
    out = packet(FAR4, NEAR4, 64, "next");
    assert_int_equal(send_out(s4, &out), 0);
    far_hears4(NEAR4, FAR4, 64, "next");
    near_sh("ip route del 10.77.0.0/24");
    out = packet("2001:db8::1", NULL, 64, "x");
    out.flags = XMB_RAWIP_ON_LINK;
    assert_int_equal(send_out(s6, &out), XMB_EINVAL);
}

static void never_valid(void **state)
{
    struct xmb_rawip_out out = packet(FAR4, NULL, 0, "x");

    (void)state;
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    out.hops = 256;
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    out.hops = 1;
    assert_int_equal(send_out(s6, &out), XMB_EINVAL);
    out.flags = 2;
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    out = packet(GROUP4, NULL, 1, "x");
    out.iface = 0;
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    out = packet(FAR4, NEAR6, 1, "x");
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    out = packet(FAR4, NULL, 1, "x");
    out.size--;
    assert_int_equal(send_out(s4, &out), XMB_EINVAL);
    assert_int_equal(stats(s4).send_fails, 0);
}

/* --- open and close -------------------------------------------------------------------------- */

static int open_spec(uint8_t family, uint8_t protocol, const char *vrf)
{
    struct xmb_rawip_spec spec = {.size = sizeof(spec), .family = family, .protocol = protocol,
                                  .vrf = xmb_str(vrf)};
    struct xmb_rawip *s = NULL;
    int rc = rawip_api.open(&speaker, &spec, &ops, NULL, &s);

    rawip_api.close(s);
    return rc;
}

static void open_refused(void **state)
{
    (void)state;
    assert_int_equal(open_spec(4, 89, NULL), 0);
    assert_int_equal(open_spec(5, 89, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(4, 0, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(4, IPPROTO_TCP, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(4, IPPROTO_UDP, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(6, IPPROTO_ICMPV6, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(4, IPPROTO_RAW, NULL), XMB_EINVAL);
    assert_int_equal(open_spec(4, 89, "no-such-vrf"), XMB_ENOENT);
    assert_int_equal(open_spec(4, 89, "near"), XMB_ENOENT); /* there, and no VRF */
    assert_int_equal(open_spec(4, 89, "a-name-of-more-than-15"), XMB_EINVAL);
    speaker.plugin.flags = 0;
    assert_int_equal(open_spec(4, 89, NULL), XMB_EDENIED);
    speaker.plugin.flags = XMB_PLUGIN_RAW_IP;
}

static void bounded(void **state)
{
    static struct xmb_rawip *list[300];
    int i, rc = 0, count = 2; /* s4 and s6 */

    (void)state;
    for (i = 0; i < 300 && rc == 0; i++) {
        rc = open_socket(4, &list[i]);
        count += rc == 0;
    }
    assert_int_equal(rc, XMB_ELIMIT);
    assert_int_equal(count, 256);
    for (i = 0; i < count - 2; i++)
        rawip_api.close(list[i]);
    rawip_api.close(NULL);
}

static void closed_in_call(void **state)
{
    (void)state;
    close_in_call = 1; /* before the loop sees the first of them */
    on_routing(stall, NULL); /* many are waiting */
    far_send(NEAR4, 64, "x", 1);
    wait_count(&received_count, 1);
    on_routing(call_close, &s4); /* NULL by now */
    assert_int_equal(atomic_load(&received_count), 1);
    close_in_call = 0;
}

static void module_end(void *arg)
{
    routing_module_end(arg);
}

/* After the module's end nothing is delivered; it can still close. */
static void ended(void **state)
{
    (void)state;
    on_routing(module_end, &speaker);
    far_send(NEAR4, 64, "x", 1);
    far_send(NEAR6, 64, "x", 1);
    on_routing(call_close, &s4);
    on_routing(call_close, &s6);
    assert_int_equal(atomic_load(&received_count), 0);
}

/* --- the rig --------------------------------------------------------------------------------- */

static int up(void **state)
{
    struct call c = {0};

    (void)state;
    atomic_store(&received_count, 0);
    assert_int_equal(open_socket(4, &s4), 0);
    assert_int_equal(open_socket(6, &s6), 0);
    c.s = s4;
    on_routing(call_start, &c);
    assert_int_equal(c.rc, 0);
    c.s = s6;
    on_routing(call_start, &c);
    assert_int_equal(c.rc, 0);
    far4 = far_socket(AF_INET);
    far6 = far_socket(AF_INET6);
    return 0;
}

static int down(void **state)
{
    (void)state;
    if (s4 != NULL)
        on_routing(call_close, &s4);
    if (s6 != NULL)
        on_routing(call_close, &s6);
    close(far4);
    close(far6);
    return 0;
}

static int rig_up(void **state)
{
    (void)state;
    near_sh("ip addr add " NEAR4 "/24 dev near && ip addr add 10.88.0.11/24 dev near");
    near_sh("ip link set near addrgenmode none && ip link set near up");
    near_sh("ip addr add " NEAR6 "/64 dev near nodad");
    far_sh("ip addr add " FAR4 "/24 dev far");
    far_sh("ip link set far addrgenmode none && ip link set far up");
    far_sh("ip addr add " FAR6 "/64 dev far nodad");
    near_index = if_nametoindex("near");
    assert_int_equal(loop_control_init(), 0);
    assert_int_equal(loop_routing_start(), 0);
    return 0;
}

/* The last socket is closed when the loop is gone, as a module does in `stop`. */
static int rig_down(void **state)
{
    up(state);
    loop_routing_join();
    rawip_api.close(s4);
    rawip_api.close(s6);
    close(far4);
    close(far6);
    loop_join(loop_control());
    netns_down();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrives4, up, down),
        cmocka_unit_test_setup_teardown(strips4, up, down),
        cmocka_unit_test_setup_teardown(arrives6, up, down),
        cmocka_unit_test_setup_teardown(not_a_member, up, down),
        cmocka_unit_test_setup_teardown(join_refused, up, down),
        cmocka_unit_test_setup_teardown(memberships_end, up, down),
        cmocka_unit_test_setup_teardown(memberships_leave_room, up, down),
        cmocka_unit_test_setup_teardown(memberships_come_back, up, down),
        cmocka_unit_test_setup_teardown(many, up, down),
        cmocka_unit_test_setup_teardown(overflows, up, down),
        cmocka_unit_test_setup_teardown(sends4, up, down),
        cmocka_unit_test_setup_teardown(sends6, up, down),
        cmocka_unit_test_setup_teardown(too_big, up, down),
        cmocka_unit_test_setup_teardown(send_refused, up, down),
        cmocka_unit_test_setup_teardown(on_link_only, up, down),
        cmocka_unit_test_setup_teardown(never_valid, up, down),
        cmocka_unit_test_setup_teardown(open_refused, up, down),
        cmocka_unit_test_setup_teardown(bounded, up, down),
        cmocka_unit_test_setup_teardown(closed_in_call, up, down),
        cmocka_unit_test_setup_teardown(ended, up, down),
    };
    const char *why_not = netns_up();

    if (why_not != NULL) {
        printf("skipped: %s\n", why_not);
        return 77;
    }
    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
