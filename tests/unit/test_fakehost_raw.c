/* SPDX-License-Identifier: MIT */
/*
 * test_fakehost_raw.c - what ABI 0.3 added to the fake host for routing modules: raw IP sockets,
 * network interfaces, timers of the routing loop and its drain.
 *
 * First with tests/plugins/raw-hello.c, as the test of a plugin would do it, and then with the
 * functions alone where that plugin does not reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <xmb/fakehost.h>

#define PROTOCOL 253
#define CONF "interface='eth0' linger='2s'"

extern const struct xmb_plugin raw_hello_LTX_xmb_plugin;

static const struct xmb_addr group = {.family = 4, .ip = {224, 0, 0, 253}};
static const struct xmb_addr ours = {.family = 4, .ip = {10, 0, 0, 1}};
static const struct xmb_addr theirs = {.family = 4, .ip = {10, 0, 0, 2}};
static struct xmb_module *m;

static void interface(const char *name, uint32_t index, uint32_t flags)
{
    const struct xmb_netif_addr addr = {.addr = ours, .prefix_bits = 24};
    struct xmb_netif n = {
        .size = sizeof(n),
        .index = index,
        .flags = flags | XMB_NETIF_MULTICAST,
        .mtu_bytes = 1500,
        .addrs = &addr,
        .addr_count = 1,
        .addr_bytes = sizeof(addr),
    };

    strcpy(n.name, name);
    xmb_fakehost_netif(&n);
}

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    interface("lo", 1, XMB_NETIF_UP | XMB_NETIF_LOOPBACK);
    interface("eth0", 2, XMB_NETIF_UP);
    m = xmb_fakehost_load(&raw_hello_LTX_xmb_plugin);
    return m != NULL && xmb_fakehost_configure_with(m, CONF, "") == 0 ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static size_t count_sent(void)
{
    struct xmb_fakehost_raw sent;
    size_t n = 0;

    while (xmb_fakehost_rawip_sent(m, &sent))
        n++;
    return n;
}

static size_t hears(uint8_t protocol, uint32_t iface, const struct xmb_addr *to, const char *text)
{
    const struct xmb_rawip_in in = {.iface = iface, .remote = theirs, .local = *to, .hops = 1,
                                    .bytes = xmb_str(text)};

    return xmb_fakehost_rawip(m, protocol, &in);
}

/* --- with a plugin --------------------------------------------------------------------------- */

static void says_hello(void **state)
{
    struct xmb_fakehost_raw sent;

    (void)state;
    assert_int_equal(xmb_fakehost_rawips(), 1);
    assert_int_equal(xmb_fakehost_rawip_joined(m, 2, &group), 1);
    assert_int_equal(xmb_fakehost_rawip_joined(m, 1, &group), 0);
    assert_int_equal(xmb_fakehost_rawip_sent(m, &sent), 0);
    xmb_fakehost_advance(0);
    assert_int_equal(xmb_fakehost_rawip_sent(m, &sent), 1);
    assert_int_equal(sent.protocol, PROTOCOL);
    assert_int_equal(sent.traffic_class, 0xc0);
    assert_string_equal(sent.vrf, "");
    assert_int_equal(sent.out.iface, 2);
    assert_int_equal(sent.out.hops, 1);
    assert_memory_equal(&sent.out.remote, &group, sizeof(group));
    assert_true(xmb_str_eq(sent.out.bytes, XMB_STR("hello")));
    xmb_fakehost_advance(49);
    assert_int_equal(count_sent(), 0);
    xmb_fakehost_advance(1);
    assert_int_equal(count_sent(), 1);
    xmb_fakehost_advance(500);
    assert_int_equal(count_sent(), 10);
}

static void is_told(void **state)
{
    (void)state;
    assert_int_equal(hears(PROTOCOL, 2, &group, "hello"), 1);
    assert_non_null(strstr(xmb_fakehost_log(), "heard hello with 1 hops"));
    assert_int_equal(hears(PROTOCOL, 2, &ours, "unicast"), 1);
    assert_int_equal(hears(PROTOCOL, 1, &group, "by another interface"), 0);
    assert_int_equal(hears(PROTOCOL + 1, 2, &group, "another protocol"), 0);
}

static void interfaces_change(void **state)
{
    (void)state;
    interface("eth0", 2, 0);
    assert_non_null(strstr(xmb_fakehost_log(), "is down"));
    xmb_fakehost_advance(1000);
    assert_int_equal(count_sent(), 0);
    xmb_fakehost_log_clear();
    interface("eth0", 2, 0);
    assert_string_equal(xmb_fakehost_log(), ""); /* nothing changed */
    interface("eth0", 2, XMB_NETIF_UP);
    assert_non_null(strstr(xmb_fakehost_log(), "is up"));
    interface("eth9", 2, XMB_NETIF_UP); /* a new name */
    assert_non_null(strstr(xmb_fakehost_log(), "is gone"));
    xmb_fakehost_log_clear();
    interface("eth0", 3, XMB_NETIF_UP);
    assert_non_null(strstr(xmb_fakehost_log(), "is up"));
    interface("eth0", 4, XMB_NETIF_UP); /* a new number: it went and came */
    assert_non_null(strstr(xmb_fakehost_log(), "is gone"));
    assert_int_equal(xmb_fakehost_rawip_joined(m, 3, &group), 0);
    assert_int_equal(xmb_fakehost_rawip_joined(m, 4, &group), 1);
    xmb_fakehost_netif_gone("eth0");
    assert_int_equal(xmb_fakehost_rawip_joined(m, 4, &group), 0);
}

static void drains(void **state)
{
    struct xmb_fakehost_raw sent;

    (void)state;
    xmb_fakehost_drain(m, 10000);
    assert_int_equal(xmb_fakehost_rawip_sent(m, &sent), 1);
    assert_true(xmb_str_eq(sent.out.bytes, XMB_STR("goodbye")));
    assert_int_equal(xmb_fakehost_drained(m), 0);
    xmb_fakehost_advance(1999);
    assert_int_equal(xmb_fakehost_drained(m), 0);
    xmb_fakehost_advance(1);
    assert_int_equal(xmb_fakehost_drained(m), 1);
    assert_non_null(strstr(xmb_fakehost_log(), "all said"));
    assert_int_equal(count_sent(), 0);
}

/* The kernel has no room, or no right is there. */
static void fails(void **state)
{
    struct xmb_module *second;

    (void)state;
    xmb_fakehost_rawip_send_error(XMB_EAGAIN);
    xmb_fakehost_advance(100);
    assert_int_equal(count_sent(), 0);
    assert_non_null(strstr(xmb_fakehost_log(), "hello not sent"));
    xmb_fakehost_rawip_send_error(0);
    xmb_fakehost_advance(100);
    assert_int_equal(count_sent(), 2);
    xmb_fakehost_rawip_open_error(XMB_EDENIED);
    second = xmb_fakehost_load(&raw_hello_LTX_xmb_plugin);
    assert_int_equal(xmb_fakehost_configure_with(second, CONF, ""), XMB_ECONF);
    assert_non_null(strstr(xmb_fakehost_faults(), "no raw socket: error -7"));
    xmb_fakehost_rawip_open_error(0);
}

/* --- the functions alone --------------------------------------------------------------------- */


static void ignore(void *arg, const struct xmb_rawip_in *in)
{
    (void)arg;
    (void)in;
}

static const struct xmb_rawip_ops ops = {.size = sizeof(ops), .received = ignore};

static void checks_like_the_kernel(void **state)
{
    const struct xmb_rawip_api *api = xmb_fakehost_host()->rawip;
    struct xmb_rawip_spec spec = {.size = sizeof(spec), .family = 4, .protocol = 6};
    struct xmb_rawip_out out = {.size = sizeof(out), .iface = 2, .remote = theirs, .hops = 1};
    static char much[1481];
    struct xmb_rawip *s;

    (void)state;
    assert_int_equal(api->open(m, &spec, &ops, NULL, &s), XMB_EINVAL);
    spec.protocol = 88;
    assert_int_equal(api->open(m, &spec, &ops, NULL, &s), 0);
    out.bytes = xmb_str_n(much, 1480);
    assert_int_equal(api->send(s, &out), 0);
    out.bytes.n++;
    assert_int_equal(api->send(s, &out), XMB_ETOOBIG);
    out.bytes.n = 1;
    out.local = theirs;
    assert_int_equal(api->send(s, &out), XMB_EIO);
    out.local = ours;
    assert_int_equal(api->send(s, &out), 0);
    out.iface = 99;
    assert_int_equal(api->send(s, &out), XMB_EIO);
    out.remote = group;
    out.iface = 0;
    assert_int_equal(api->send(s, &out), XMB_EINVAL);
    out.iface = 2;
    out.hops = 0;
    assert_int_equal(api->send(s, &out), XMB_EINVAL);
    assert_int_equal(api->join(s, 99, &group, 1), XMB_ENOENT);
    assert_int_equal(api->join(s, 2, &theirs, 1), XMB_EINVAL);
    api->close(s);
}

static void counts(void **state)
{
    const struct xmb_rawip_api *api = xmb_fakehost_host()->rawip;
    struct xmb_rawip_spec spec = {.size = sizeof(spec), .family = 4, .protocol = 88};
    struct xmb_rawip_stats stats = {.size = sizeof(stats)};
    struct xmb_rawip *s;

    (void)state;
    assert_int_equal(api->open(m, &spec, &ops, NULL, &s), 0);
    assert_int_equal(hears(88, 2, &ours, "not started"), 0);
    assert_int_equal(api->start(s), 0);
    assert_int_equal(hears(88, 2, &ours, "x"), 1);
    xmb_fakehost_rawip_drops(m, 3);
    xmb_fakehost_rawip_send_error(XMB_EAGAIN);
    assert_int_equal(api->send(s, &(struct xmb_rawip_out){.size = sizeof(struct xmb_rawip_out),
                                                          .remote = theirs, .hops = 1}),
                     XMB_EAGAIN);
    api->stats(s, &stats);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.receive_drops, 3);
    assert_int_equal(stats.send_fails, 1);
    assert_int_equal(stats.sent, 0);
    api->close(s);
}

static int seen;

static void changed(void *arg, const struct xmb_netif *now)
{
    struct xmb_netif_watch **w = arg;

    (void)now;
    seen++;
    xmb_fakehost_host()->netif->unwatch(*w);
}

static void gone(void *arg, uint32_t index, const char *name)
{
    (void)arg;
    (void)index;
    (void)name;
    seen++;
}

static void watch_ends_in_its_call(void **state)
{
    const struct xmb_netif_api *api = xmb_fakehost_host()->netif;
    struct xmb_netif found = {.size = sizeof(found)};
    struct xmb_netif_watch *w;

    (void)state;
    seen = 0;
    assert_int_equal(api->watch(m, changed, gone, &w, &w), 0);
    interface("eth1", 7, XMB_NETIF_UP);
    assert_int_equal(seen, 1);
    assert_int_equal(api->find("eth1", &found), 0);
    assert_int_equal(found.index, 7);
    assert_int_equal(found.addr_count, 0);
    xmb_fakehost_netif_gone("eth1");
    assert_int_equal(api->find("eth1", &found), XMB_ENOENT);
    assert_int_equal(seen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_hello, begin, end),
        cmocka_unit_test_setup_teardown(is_told, begin, end),
        cmocka_unit_test_setup_teardown(interfaces_change, begin, end),
        cmocka_unit_test_setup_teardown(drains, begin, end),
        cmocka_unit_test_setup_teardown(fails, begin, end),
        cmocka_unit_test_setup_teardown(checks_like_the_kernel, begin, end),
        cmocka_unit_test_setup_teardown(counts, begin, end),
        cmocka_unit_test_setup_teardown(watch_ends_in_its_call, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
