/* SPDX-License-Identifier: MIT */
/*
 * test_fakehost_conn.c - the fake host's connections since ABI 0.2: TLS that is only told of,
 * dials that can be looked at and given up, and what did not leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <xmb/fakehost.h>

static const struct xmb_host *host;
static struct xmb_module *module;
static int secured, writable, failed, version_at_open;
static size_t left, unacked;
static void *dialled_user;

static int on_init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    *self = NULL;
    return 0;
}

static uint32_t version(struct xmb_conn *c)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    host->conn->info(c, &info);
    return info.tls_version;
}

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    (void)wself;
    *cs = c;
    version_at_open = (int)version(c);
    dialled_user = host->conn->user(c);
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    (void)cs;
    (void)c;
    host->buf->drop(in, host->buf->length(in));
    return 0;
}

static void on_secured(void *cs, struct xmb_conn *c)
{
    (void)cs;
    assert_int_equal(version(c), 0x0304);
    secured++;
}

static void on_writable(void *cs, struct xmb_conn *c)
{
    (void)cs;
    (void)c;
    writable++;
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)cs;
    (void)why;
    host->conn->info(c, &info);
    left = info.queued_bytes;
    unacked = host->conn->unacked(c);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    (void)user;
    (void)why;
    failed++;
}

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = on_init};
static const struct xmb_protocol protocol = {
    .size = sizeof(protocol),
    .scheme = "test",
    .open = on_open,
    .data = on_data,
    .secured = on_secured,
    .writable = on_writable,
    .closed = on_closed,
    .dial_failed = on_dial_failed,
};
static const struct xmb_plugin plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(plugin),
    .name = "test",
    .ops = &ops,
    .protocol = &protocol,
};

static int begin(void **state)
{
    (void)state;
    secured = writable = failed = version_at_open = 0;
    left = unacked = 0;
    xmb_fakehost_open();
    return xmb_fakehost_load(&plugin) == NULL || xmb_fakehost_configure(module, "") != 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void secure_comes_with_the_next_run(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, 0, NULL);
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = "outside", .name = "a.test"};
    struct xmb_tls_setup asked;

    (void)state;
    assert_int_equal(xmb_fakehost_secured(c, &asked), 0);
    assert_int_equal(host->conn->secure(c, &setup), 0);
    assert_int_equal(host->conn->secure(c, &setup), XMB_EEXIST);
    assert_int_equal(host->conn->start_tls(c, "outside", NULL), XMB_EEXIST);
    assert_int_equal(host->conn->write(c, XMB_STR("x")), XMB_EAGAIN);
    assert_int_equal(host->conn->room(c), 0);
    assert_int_equal(version(c), 0);
    assert_int_equal(secured, 0);
    xmb_fakehost_run();
    assert_int_equal(secured, 1);
    assert_int_equal(writable, 1);
    assert_int_equal(host->conn->write(c, XMB_STR("x")), 0);
    assert_int_equal(xmb_fakehost_secured(c, &asked), 1);
    assert_string_equal(asked.profile, "outside");
    assert_string_equal(asked.name, "a.test");
}

static void the_peer_is_what_the_test_says(void **state)
{
    const struct xmb_cert_name names[] = {
        {sizeof(names[0]), XMB_CERT_DNS, XMB_STR("b.test")},
        {sizeof(names[0]), XMB_CERT_XMPP_ADDR, XMB_STR("c.test")},
    };
    const struct xmb_tls_peer good = {
        .size = sizeof(good), .subject = "CN=b.test", .names = names, .name_count = 2};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    struct xmb_conn *c = xmb_fakehost_accept(module, 0, NULL);

    (void)state;
    assert_int_equal(host->conn->tls_peer(c, &peer), XMB_ENOENT);
    c = xmb_fakehost_accept_tls(module, 0, NULL);
    assert_int_equal(version_at_open, 0x0304);
    assert_int_equal(host->conn->tls_peer(c, &peer), 0);
    assert_int_equal(peer.fault, XMB_CERT_MISSING);
    xmb_fakehost_tls_peer(c, &good);
    assert_int_equal(host->conn->tls_peer(c, &peer), 0);
    assert_int_equal(peer.fault, XMB_CERT_GOOD);
    assert_int_equal(peer.name_count, 2);
    assert_string_equal(peer.names[1].text.p, "c.test");
    assert_string_equal(peer.subject, "CN=b.test");
    xmb_fakehost_tls_peer(NULL, &good);
    c = xmb_fakehost_accept_tls(module, 0, NULL);
    assert_int_equal(host->conn->tls_peer(c, &peer), 0);
    assert_int_equal(peer.name_count, 2);
}

/* --- dials ------------------------------------------------------------------------------------ */

static int dial(uint8_t last, uint64_t *id, const struct xmb_tls_setup *tls)
{
    const struct xmb_target target = {
        .size = sizeof(target),
        .address = {.family = 4, .port = 5269, .ip = {192, 0, 2, last}},
        .source = {.family = 4, .ip = {192, 0, 2, 200}},
        .vrf = "red",
        .tls = tls,
        .dial_id = id,
    };

    return host->conn->dial(xmb_fakehost_worker(), module, &target, &failed);
}

static void dials_can_be_looked_at(void **state)
{
    uint8_t digest[2] = {7, 8};
    const struct xmb_tlsa tlsa = {
        .size = sizeof(tlsa), .usage = 3, .data = {(const char *)digest, 2}};
    struct xmb_tls_setup tls = {.size = sizeof(tls), .profile = "outside", .name = "b.test",
                                .alpn = "xmpp-server", .tlsa = &tlsa, .tlsa_count = 1};
    struct xmb_target seen;
    struct xmb_conn *c;

    (void)state;
    assert_int_equal(dial(1, NULL, NULL), 0);
    assert_int_equal(dial(2, NULL, &tls), 0);
    memset(digest, 0, sizeof(digest)); /* what was borrowed was copied */
    assert_int_equal(xmb_fakehost_dials(), 2);
    assert_int_equal(xmb_fakehost_dialled(0, &seen), 1);
    assert_int_equal(seen.address.ip[3], 1);
    assert_null(seen.tls);
    assert_int_equal(xmb_fakehost_dialled(1, &seen), 1);
    assert_string_equal(seen.vrf, "red");
    assert_int_equal(seen.source.ip[3], 200);
    assert_string_equal(seen.tls->alpn, "xmpp-server");
    assert_int_equal(seen.tls->tlsa[0].data.p[1], 8);
    assert_int_equal(xmb_fakehost_dialled(2, &seen), 0);
    c = xmb_fakehost_connect(module);
    assert_int_equal(version(c), 0);
    assert_ptr_equal(dialled_user, &failed);
    c = xmb_fakehost_connect(module);
    assert_int_equal(version_at_open, 0x0304);
    assert_int_equal(xmb_fakehost_secured(c, &tls), 1);
    assert_string_equal(tls.name, "b.test");
    assert_null(xmb_fakehost_connect(module));
}

static void dials_can_be_given_up(void **state)
{
    uint64_t first = 0, second = 0;
    struct xmb_target seen;

    (void)state;
    assert_int_equal(dial(1, &first, NULL), 0);
    assert_int_equal(dial(2, &second, NULL), 0);
    assert_true(first != 0 && first != second);
    host->conn->dial_cancel(xmb_fakehost_worker(), first);
    host->conn->dial_cancel(xmb_fakehost_worker(), first);
    assert_int_equal(xmb_fakehost_dials(), 1);
    assert_int_equal(xmb_fakehost_dialled(0, &seen), 1);
    assert_int_equal(seen.address.ip[3], 2);
    assert_int_equal(failed, 0);
    assert_int_equal(xmb_fakehost_refuse(module, "no"), 1);
    assert_int_equal(failed, 1);
    host->conn->dial_cancel(xmb_fakehost_worker(), second);
}

/* --- what did not leave --------------------------------------------------------------------- */

static void the_rest_is_told(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, 0, NULL);

    (void)state;
    host->conn->write(c, XMB_STR("12345"));
    xmb_fakehost_take(c, 2);
    xmb_fakehost_unacked(c, 2);
    assert_int_equal(host->conn->unacked(c), 2);
    xmb_fakehost_hangup(c, "gone");
    assert_int_equal(left, 3);
    assert_int_equal(unacked, 2);
    c = xmb_fakehost_accept(module, 0, NULL);
    host->conn->write(c, XMB_STR("12345"));
    host->conn->reset(c, "reset");
    xmb_fakehost_run();
    assert_int_equal(left, 5);
    c = xmb_fakehost_accept(module, 0, NULL);
    host->conn->write(c, XMB_STR("12345"));
    host->conn->close(c, "in order");
    xmb_fakehost_run();
    assert_int_equal(left, 0);
    assert_string_equal(xmb_fakehost_output(c).p, "12345");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(secure_comes_with_the_next_run), TEST(the_peer_is_what_the_test_says),
        TEST(dials_can_be_looked_at),         TEST(dials_can_be_given_up),
        TEST(the_rest_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
