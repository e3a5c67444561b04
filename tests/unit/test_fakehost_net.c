/* SPDX-License-Identifier: MIT */
/*
 * test_fakehost_net.c - what ABI 0.2 added to the fake host: datagrams, addresses of hosts,
 * failures that are kept, TLSA records, what is forgotten. A module made on the spot plays all
 * the roles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <xmb/fakehost.h>

static const struct xmb_host *host;
static struct xmb_module *module;

/* --- the module ------------------------------------------------------------------------------ */

static int gone_count;
static struct xmb_addr came_from;
static struct xmb_addr came_to;

static int net_init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    *self = m;
    return 0;
}

/* Sends back twice what came; the second time from wherever the system likes. */
static void net_received(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in)
{
    (void)wself;
    came_from = in->remote;
    came_to = in->local;
    assert_ptr_equal(host->datagram->worker(s), xmb_fakehost_worker());
    host->datagram->send(s, &in->remote, &in->local, in->bytes);
    host->datagram->send(s, &in->remote, NULL, XMB_STR("again"));
}

static void net_gone(void *wself, struct xmb_socket *s)
{
    (void)wself;
    (void)s;
    gone_count++;
}

static struct xmb_route address(uint8_t family, uint8_t last)
{
    struct xmb_route r = {.size = sizeof(r), .ttl_s = 60 + last};

    r.addr.family = family;
    r.addr.ip[family == 4 ? 3 : 15] = last;
    return r;
}

static int net_addresses(void *self, struct xmb_str name, struct xmb_ticket *ticket)
{
    struct xmb_route routes[] = {address(4, 1), address(4, 2), address(6, 3)};

    (void)self;
    if (xmb_str_eq(name, XMB_STR("cannot.example")))
        return XMB_EAGAIN;
    if (xmb_str_eq(name, XMB_STR("known.example")))
        host->router->resolved_for(ticket, 0, 0, routes, 3);
    else
        host->router->resolved_for(ticket, XMB_ENOENT, 7200, NULL, 0);
    return 0;
}

static int net_resolve(void *self, struct xmb_str domain, struct xmb_ticket *ticket)
{
    const struct xmb_tlsa records[] = {
        {.size = sizeof(records[0]), .usage = 3, .selector = 1, .matching = 1,
         .data = XMB_STR("digest")}};
    const struct xmb_route route = {
        .size = sizeof(route), .flags = XMB_ROUTE_TLS, .target = XMB_STR("im.example"),
        .tlsa = records, .tlsa_count = 1, .ttl_s = 99};

    (void)self;
    (void)domain;
    host->router->resolved(ticket, 0, &route, 1);
    return 0;
}

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = net_init};
static const struct xmb_datagram datagram = {.size = sizeof(datagram), .default_port = 53,
                                             .received = net_received, .gone = net_gone};
static const struct xmb_routing routing = {.size = sizeof(routing), .resolve = net_resolve,
                                           .addresses = net_addresses};
XMB_PLUGIN(net, .version = "1.0", .ops = &ops, .routing = &routing, .datagram = &datagram);
XMB_PLUGIN(bare, .version = "1.0", .ops = &ops);

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&net_LTX_xmb_plugin);
    assert_non_null(module);
    assert_int_equal(xmb_fakehost_configure(module, ""), 0);
    gone_count = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* --- datagrams ------------------------------------------------------------------------------- */

static void test_datagram(void **state)
{
    const struct xmb_addr remote = {.family = 6, .port = 5353, .ip = {0xfe, 0x80}};
    struct xmb_fakehost_sent sent;

    (void)state;
    xmb_fakehost_datagram(module, 0, NULL, NULL, XMB_STR("one"));
    assert_int_equal(came_from.port, 49152);
    assert_int_equal(came_to.port, 53);
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 1);
    assert_true(xmb_str_eq(sent.bytes, XMB_STR("one")));
    assert_int_equal(sent.from.ip[3], 254);
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 1);
    assert_true(xmb_str_eq(sent.bytes, XMB_STR("again")));
    assert_int_equal(sent.from.family, 0);
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 0);
    xmb_fakehost_datagram(module, 3, &remote, &remote, (struct xmb_str){NULL, 0});
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 1);
    assert_int_equal(sent.listener, 3);
    assert_int_equal(sent.to.port, 5353);
    assert_int_equal(sent.bytes.n, 0);
    xmb_fakehost_datagram_error(XMB_EAGAIN);
    xmb_fakehost_datagram(module, 0, NULL, NULL, XMB_STR("lost"));
    xmb_fakehost_datagram_error(0);
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 1); /* left over from above */
    assert_int_equal(xmb_fakehost_datagram_sent(module, &sent), 0);
    xmb_fakehost_datagram_gone(module, 3);
    assert_int_equal(gone_count, 1);
}

static void test_gone_at_the_end(void **state)
{
    xmb_fakehost_datagram(module, 0, NULL, NULL, XMB_STR("x"));
    xmb_fakehost_datagram(module, 1, NULL, NULL, XMB_STR("x"));
    xmb_fakehost_datagram_gone(module, 1);
    end(state);
    assert_int_equal(gone_count, 2);
    begin(state);
}

/* --- addresses ------------------------------------------------------------------------------- */

struct seen {
    int late;
    int32_t status;
    size_t count;
    struct xmb_route routes[XMB_ROUTES_MAX];
    uint8_t usage;
    char data[16];
};

static void late(void *arg, const struct xmb_route_answer *answer)
{
    struct seen *seen = arg;
    size_t i;

    seen->late++;
    seen->status = answer->status;
    seen->count = answer->count;
    for (i = 0; i < answer->count; i++)
        seen->routes[i] = *xmb_route_at(answer->routes, i);
    if (answer->count == 0 || answer->routes->tlsa_count == 0)
        return;
    seen->usage = answer->routes->tlsa->usage;
    memcpy(seen->data, answer->routes->tlsa->data.p, answer->routes->tlsa->data.n);
}

static void asks(const char *name, struct seen *seen)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};

    memset(seen, 0, sizeof(*seen));
    assert_int_equal(host->router->addresses(xmb_fakehost_worker(), xmb_str(name), &answer, late,
                                             seen, NULL),
                     XMB_EAGAIN);
    assert_int_equal(seen->late, 0);
    xmb_fakehost_run();
    assert_int_equal(seen->late, 1);
}

static void test_addresses(void **state)
{
    const struct xmb_addr unused = {.family = 4};
    struct seen seen;

    (void)state;
    xmb_fakehost_hosts("far.example", &unused, 1); /* a module is there: the system is not asked */
    asks("known.example", &seen);
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.routes[0].addr.ip[15], 3); /* IPv6 first, then in turn */
    assert_int_equal(seen.routes[1].addr.ip[3], 1);
    assert_int_equal(seen.routes[2].addr.ip[3], 2);
    assert_int_equal(xmb_fakehost_kept_s(), 61);
    asks("far.example", &seen);
    assert_int_equal(seen.status, XMB_ENOENT);
    assert_int_equal(xmb_fakehost_kept_s(), 3600);
    asks("cannot.example", &seen);
    assert_int_equal(seen.status, XMB_ENOENT);
}

static void test_system(void **state)
{
    const struct xmb_addr a[] = {{.family = 4, .port = 9, .ip = {10, 0, 0, 1}}, {.family = 6}};
    struct seen seen;

    xmb_fakehost_close();
    xmb_fakehost_open();
    module = xmb_fakehost_load(&bare_LTX_xmb_plugin);
    assert_int_equal(xmb_fakehost_configure(module, ""), 0);
    xmb_fakehost_hosts("a.example", a, 1);
    xmb_fakehost_hosts("a.example", a, 2);
    asks("a.example", &seen);
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.routes[0].addr.family, 6);
    assert_int_equal(seen.routes[1].addr.port, 0);
    xmb_fakehost_hosts("a.example", NULL, 0);
    asks("a.example", &seen);
    assert_int_equal(seen.status, XMB_ENOENT);
    (void)state;
}

static void test_routes(void **state)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    struct seen seen = {0};

    (void)state;
    assert_int_equal(host->router->lookup(xmb_fakehost_worker(), XMB_STR("example"), &answer, late,
                                          &seen, NULL),
                     XMB_EAGAIN);
    xmb_fakehost_run();
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.routes[0].flags, XMB_ROUTE_TLS);
    assert_int_equal(seen.usage, 3);
    assert_string_equal(seen.data, "digest");
    assert_int_equal(xmb_fakehost_kept_s(), 99);
    host->router->forget(XMB_STR("example"));
    host->router->forget((struct xmb_str){NULL, 0});
    assert_string_equal(xmb_fakehost_forgotten(), "example\n*\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_datagram),
        TEST(test_gone_at_the_end),
        TEST(test_addresses),
        TEST(test_system),
        TEST(test_routes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
