/* SPDX-License-Identifier: MIT */
/*
 * test_s2_identity.c - names of certificates against domains, kind by kind, and what rules make of
 * a certificate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"

struct row {
    enum xmb_cert_name_kind kind;
    const char *name;
    const char *domain;
    int fits;
};

static const struct row rows[] = {
    {XMB_CERT_DNS, "a.test", "a.test", 1},
    {XMB_CERT_DNS, "A.Test", "a.test", 1},
    {XMB_CERT_DNS, "a.test.", "a.test", 1},
    {XMB_CERT_DNS, "a.test", "b.test", 0},
    {XMB_CERT_DNS, "a.test", "x.a.test", 0},
    {XMB_CERT_DNS, "*.a.test", "x.a.test", 1},
    {XMB_CERT_DNS, "*.A.test", "x.a.test", 1},
    {XMB_CERT_DNS, "*.a.test", "a.test", 0},
    {XMB_CERT_DNS, "*.a.test", "x.y.a.test", 0},
    {XMB_CERT_DNS, "*.a.test", "xa.test", 0},
    {XMB_CERT_DNS, "x*.a.test", "xy.a.test", 0},
    {XMB_CERT_DNS, "x.*.test", "x.a.test", 0},
    {XMB_CERT_DNS, "*", "localhost", 0},
    {XMB_CERT_DNS, "*.", "localhost", 0},
    {XMB_CERT_DNS, "", "a.test", 0},
    {XMB_CERT_DNS, "xn--bcher-kva.example", "b\xc3\xbc" "cher.example", 1},
    {XMB_CERT_DNS, "b\xc3\xbc" "cher.example", "b\xc3\xbc" "cher.example", 0},
    {XMB_CERT_DNS, "192.0.2.1", "192.0.2.1", 0},
    {XMB_CERT_DNS, "*.0.2.1", "192.0.2.1", 0},
    {XMB_CERT_SRV, "_xmpp-server.a.test", "a.test", 1},
    {XMB_CERT_SRV, "_XMPP-Server.A.test", "a.test", 1},
    {XMB_CERT_SRV, "_xmpp-client.a.test", "a.test", 0},
    {XMB_CERT_SRV, "_xmpp-server.*.a.test", "x.a.test", 1},
    {XMB_CERT_SRV, "_xmpp-server.*.a.test", "a.test", 0},
    {XMB_CERT_SRV, "_xmpp-server.", "a.test", 0},
    {XMB_CERT_SRV, "a.test", "a.test", 0},
    {XMB_CERT_XMPP_ADDR, "a.test", "a.test", 1},
    {XMB_CERT_XMPP_ADDR, "B\xc3\x9c" "CHER.example", "xn--bcher-kva.example", 1},
    {XMB_CERT_XMPP_ADDR, "j@a.test", "a.test", 0},
    {XMB_CERT_XMPP_ADDR, "a.test/x", "a.test", 0},
    {XMB_CERT_XMPP_ADDR, "*.a.test", "x.a.test", 0},
    {XMB_CERT_IP, "192.0.2.1", "192.0.2.1", 1},
    {XMB_CERT_IP, "192.0.2.2", "192.0.2.1", 0},
    {XMB_CERT_IP, "2001:db8::1", "[2001:db8:0::1]", 1},
    {XMB_CERT_IP, "2001:db8::2", "[2001:db8::1]", 0},
    {XMB_CERT_IP, "192.0.2.1", "a.test", 0},
    {XMB_CERT_CN, "a.test", "a.test", 0},
    {(enum xmb_cert_name_kind)9, "a.test", "a.test", 0},
};

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static void test_names(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xmb_cert_name name = {sizeof(name), rows[i].kind, xmb_str(rows[i].name)};
        struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &name, .name_count = 1};
        struct s2_domain d = domain(rows[i].domain);

        if (s2_cert_names(&peer, &d) != rows[i].fits)
            fail_msg("row %zu: %s", i, rows[i].name);
    }
}

static void test_any_of_many(void **state)
{
    struct xmb_cert_name *names = calloc(300, sizeof(*names));
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = names, .name_count = 300};
    struct s2_domain d = domain("a.test");
    size_t i;

    (void)state;
    assert_non_null(names);
    for (i = 0; i < 300; i++)
        names[i] = (struct xmb_cert_name){sizeof(*names), XMB_CERT_DNS, XMB_STR("b.test")};
    assert_int_equal(s2_cert_names(&peer, &d), 0);
    names[255].text = XMB_STR("a.test");
    assert_int_equal(s2_cert_names(&peer, &d), 1);
    names[255].text = XMB_STR("b.test");
    names[256].text = XMB_STR("a.test"); /* a certificate of thousands is nobody's */
    assert_int_equal(s2_cert_names(&peer, &d), 0);
    peer.name_count = 0;
    peer.names = NULL;
    assert_int_equal(s2_cert_names(&peer, &d), 0);
    free(names);
}

/* Names in a newer host's structure lie further apart. */
static void test_walks_by_size(void **state)
{
    struct {
        struct xmb_cert_name name;
        uint64_t more;
    } names[2] = {{{sizeof(names[0]), XMB_CERT_DNS, XMB_STR("b.test")}, 1},
                  {{sizeof(names[0]), XMB_CERT_DNS, XMB_STR("a.test")}, 1}};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &names[0].name, .name_count = 2};
    struct s2_domain d = domain("a.test");

    (void)state;
    assert_int_equal(s2_cert_names(&peer, &d), 1);
}

/* --- rules ----------------------------------------------------------------------------------- */

static int checked(uint32_t fault, const char *name, uint32_t dane, struct s2_cert_rule rule)
{
    struct xmb_cert_name names = {sizeof(names), XMB_CERT_DNS, xmb_str(name)};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .fault = fault, .dane = dane,
                                .names = &names, .name_count = name != NULL};
    struct s2_domain d = domain("a.test");
    const char *why = NULL;
    int rc = s2_cert_check(&peer, &rule, &d, &why);

    assert_int_equal(rc != 0, why != NULL);
    return rc;
}

static void test_rules(void **state)
{
    const struct s2_cert_rule strict = {1, 1, 1};
    const struct s2_cert_rule no_chain = {0, 1, 1};
    const struct s2_cert_rule optional = {1, 1, 0};
    const struct s2_cert_rule nothing = {0, 0, 0};

    (void)state;
    assert_int_equal(checked(XMB_CERT_GOOD, "a.test", 0, strict), 0);
    assert_int_equal(checked(XMB_CERT_GOOD, "b.test", 0, strict), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_EXPIRED, "a.test", 0, strict), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_REVOKED, "a.test", 0, strict), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_MISSING, NULL, 0, strict), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_SELF_SIGNED, "a.test", 0, no_chain), 0);
    assert_int_equal(checked(XMB_CERT_SELF_SIGNED, "b.test", 0, no_chain), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_MISSING, NULL, 0, optional), 0);
    assert_int_equal(checked(XMB_CERT_SELF_SIGNED, "a.test", 0, optional), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_SELF_SIGNED, "b.test", 0, nothing), 0);
    assert_int_equal(checked(XMB_CERT_GOOD, "a.test", XMB_DANE_MISMATCH, nothing), XMB_EDENIED);
    assert_int_equal(checked(XMB_CERT_GOOD, "a.test", XMB_DANE_MATCH, strict), 0);
}

/* RFC 7671, 5.1 and 5.2. */
static void test_dane_usages(void **state)
{
    struct xmb_cert_name name = {sizeof(name), XMB_CERT_DNS, XMB_STR("b.test")};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &name, .name_count = 1,
                                .dane = XMB_DANE_MATCH, .dane_usage = 3};
    const struct s2_cert_rule strict = {1, 1, 1};
    struct s2_domain d = domain("a.test");
    const char *why = NULL;

    (void)state;
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), 0);
    assert_int_equal(s2_cert_proves(&peer, &d), 1);
    peer.dane_usage = 2;
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), XMB_EDENIED);
    assert_int_equal(s2_cert_proves(&peer, &d), 0);
    name.text = XMB_STR("a.test");
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), 0);
    peer.fault = XMB_CERT_EXPIRED;
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), XMB_EDENIED);
    peer.fault = XMB_CERT_GOOD;
    peer.dane = XMB_DANE_MISMATCH; /* a usage means nothing then */
    peer.dane_usage = 3;
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), XMB_EDENIED);
    assert_int_equal(s2_cert_proves(&peer, &d), 0);
    peer.dane = XMB_DANE_NONE;
    name.text = XMB_STR("b.test");
    assert_int_equal(s2_cert_check(&peer, &strict, &d, &why), XMB_EDENIED);
}

static void test_proves(void **state)
{
    struct xmb_cert_name name = {sizeof(name), XMB_CERT_DNS, XMB_STR("a.test")};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &name, .name_count = 1};
    struct s2_domain a = domain("a.test");
    struct s2_domain b = domain("b.test");

    (void)state;
    assert_int_equal(s2_cert_proves(&peer, &a), 1);
    assert_int_equal(s2_cert_proves(&peer, &b), 0);
    peer.fault = XMB_CERT_UNKNOWN_CA;
    assert_int_equal(s2_cert_proves(&peer, &a), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_any_of_many),
        cmocka_unit_test(test_walks_by_size),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_dane_usages),
        cmocka_unit_test(test_proves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
