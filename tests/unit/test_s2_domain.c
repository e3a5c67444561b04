/* SPDX-License-Identifier: MIT */
/*
 * test_s2_domain.c - domains to their one form: case, dots, U-labels and A-labels, addresses; and
 * the parts of an address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "domain.h"

static void reads(const char *text, const char *canonical, const char *wire)
{
    char room[S2_UDOMAIN_MAX + 1];
    struct s2_domain d;
    struct xmb_str w;

    if (s2_domain_read(xmb_str(text), &d) != 0)
        fail_msg("%s is a domain", text);
    assert_string_equal(d.text, canonical);
    assert_int_equal(d.n, strlen(canonical));
    w = s2_domain_wire(&d, room);
    assert_true(xmb_str_eq(w, xmb_str(wire)));
    assert_string_equal(room, wire);
    assert_int_equal(d.idn, strcmp(canonical, wire) != 0);
}

static void refuses_n(const char *text, size_t n)
{
    struct s2_domain d;
    struct s2_domain before;

    memset(&d, 'x', sizeof(d));
    before = d;
    if (s2_domain_read(xmb_str_n(text, n), &d) != XMB_EINVAL)
        fail_msg("%s is no domain", text);
    assert_memory_equal(&d, &before, sizeof(d));
}

static void refuses(const char *text)
{
    refuses_n(text, strlen(text));
}

static void test_ascii(void **state)
{
    (void)state;
    reads("a.test", "a.test", "a.test");
    reads("A.TeSt", "a.test", "a.test");
    reads("a.test.", "a.test", "a.test");
    reads("localhost", "localhost", "localhost");
    reads("chat_1.a.test", "chat_1.a.test", "chat_1.a.test");
    reads("1.2.3.test", "1.2.3.test", "1.2.3.test");
}

static void test_idn(void **state)
{
    (void)state;
    reads("b\xc3\xbc" "cher.example", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example");
    reads("B\xc3\x9c" "CHER.Example.", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example");
    reads("XN--BCHER-KVA.example", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example");
    reads("bu\xcc\x88" "cher.example", "xn--bcher-kva.example", "b\xc3\xbc" "cher.example");
    reads("fa\xc3\x9f.de", "xn--fa-hia.de", "fa\xc3\x9f.de"); /* IDNA 2008: not fass.de */
    reads("a\xe3\x80\x82test", "a.test", "a.test"); /* ideographic full stop */
    reads("\xef\xbd\x81.test", "a.test", "a.test"); /* full width */
    reads("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.test", "xn--e1afmkfd.test",
          "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.test");
}

static void test_addresses(void **state)
{
    struct s2_domain d;
    struct xmb_addr a;

    (void)state;
    reads("192.0.2.1", "192.0.2.1", "192.0.2.1");
    reads("[2001:DB8::0:1]", "[2001:db8::1]", "[2001:db8::1]");
    assert_int_equal(s2_domain_read(XMB_STR("[2001:db8::1]"), &d), 0);
    assert_int_equal(s2_domain_is_ip(&d, &a), 1);
    assert_int_equal(a.family, 6);
    assert_int_equal(a.ip[15], 1);
    assert_int_equal(s2_domain_read(XMB_STR("192.0.2.1"), &d), 0);
    assert_int_equal(s2_domain_is_ip(&d, &a), 1);
    assert_int_equal(a.family, 4);
    assert_int_equal(a.ip[0], 192);
    assert_int_equal(a.port, 0);
    assert_int_equal(s2_domain_read(XMB_STR("a.test"), &d), 0);
    assert_int_equal(s2_domain_is_ip(&d, &a), 0);
}

static void test_not_domains(void **state)
{
    char longest[300];

    (void)state;
    refuses("");
    refuses(".");
    refuses("a..test");
    refuses(".a");
    refuses("a.test..");
    refuses("-a.test");
    refuses("a-.test");
    refuses("a b.test");
    refuses("a@b.test");
    refuses("a.test/x");
    refuses("a.test:5269");
    refuses("*.test");
    refuses("a\x01.test");
    refuses("a'b.test");
    refuses("\xff\xfe.test");
    refuses("b\xc3.test");
    refuses("xn--.test");
    refuses("xn--a");
    refuses("xn--9.test");
    refuses("1.2.3.4.5");
    refuses("1.2.3.400");
    refuses("127.1");
    refuses("[2001:db8::1");
    refuses("[192.0.2.1]");
    refuses("[fe80::1%1]");
    refuses("[]");
    refuses_n("a\0.test", 7);
    refuses_n("b\xc3\xbc\0.test", 9);
    memset(longest, 'a', sizeof(longest));
    refuses_n(longest, 64);
    longest[63] = longest[127] = longest[191] = '.';
    longest[253] = '\0';
    reads(longest, longest, longest);
    refuses_n(longest, 253 + 1);
}

static void test_equality(void **state)
{
    struct s2_domain a;
    struct s2_domain b;
    struct s2_domain c;

    (void)state;
    assert_int_equal(s2_domain_read(XMB_STR("B\xc3\x9c" "CHER.example."), &a), 0);
    assert_int_equal(s2_domain_read(XMB_STR("xn--bcher-kva.EXAMPLE"), &b), 0);
    assert_int_equal(s2_domain_read(XMB_STR("bucher.example"), &c), 0);
    assert_int_equal(s2_domain_eq(&a, &b), 1);
    assert_int_equal(a.hash, b.hash);
    assert_int_equal(s2_domain_eq(&a, &c), 0);
}

/* --- addresses of people --------------------------------------------------------------------- */

static void splits(const char *jid, const char *local, const char *domain, const char *resource)
{
    struct s2_jid j;

    assert_int_equal(s2_jid_split(xmb_str(jid), &j), 0);
    assert_true(xmb_str_eq(j.local, xmb_str(local)) && (local != NULL) == (j.local.p != NULL));
    assert_true(xmb_str_eq(j.domain, xmb_str(domain)));
    assert_true(xmb_str_eq(j.resource, xmb_str(resource)) &&
                (resource != NULL) == (j.resource.p != NULL));
    assert_true(xmb_str_eq(s2_jid_domain(xmb_str(jid)), xmb_str(domain)));
}

static void test_jid(void **state)
{
    (void)state;
    splits("a.test", NULL, "a.test", NULL);
    splits("j@a.test", "j", "a.test", NULL);
    splits("j@a.test/x", "j", "a.test", "x");
    splits("a.test/x@y/z", NULL, "a.test", "x@y/z");
    splits("j@a.test/x@b/", "j", "a.test", "x@b/");
    splits("\xc3\xa9@[::1]/ \xe2\x82\xac", "\xc3\xa9", "[::1]", " \xe2\x82\xac");
}

static void bad_jid(const char *jid)
{
    struct s2_jid j;

    if (s2_jid_split(xmb_str(jid), &j) != XMB_EINVAL)
        fail_msg("%s is no address", jid);
}

static void test_bad_jids(void **state)
{
    char longest[1100];
    struct s2_jid j;

    (void)state;
    bad_jid("");
    bad_jid("@a.test");
    bad_jid("j@");
    bad_jid("j@/x");
    bad_jid("/x");
    bad_jid("a.test/");
    bad_jid("j@b@a.test");
    bad_jid("j k@a.test");
    bad_jid("j'k@a.test");
    bad_jid("j\"k@a.test");
    bad_jid("j&k@a.test");
    bad_jid("j:k@a.test");
    bad_jid("<j@a.test");
    bad_jid("j>@a.test");
    bad_jid("j\xff@a.test");
    bad_jid("j@a.test/\xc0\x80");
    bad_jid("j@a.test/\xed\xa0\x80");
    bad_jid("j@a.test/\xf4\x90\x80\x80");
    bad_jid("j@a.test/x\x7f");
    bad_jid("j@a.test/\xe2\x82");
    memset(longest, 'j', sizeof(longest));
    strcpy(longest + 1024, "@a.test");
    bad_jid(longest);
    longest[1023] = '\0';
    strcat(longest, "@a.test");
    assert_int_equal(s2_jid_split(xmb_str(longest), &j), 0);
    assert_int_equal(j.local.n, 1023);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii),      cmocka_unit_test(test_idn),
        cmocka_unit_test(test_addresses),  cmocka_unit_test(test_not_domains),
        cmocka_unit_test(test_equality),   cmocka_unit_test(test_jid),
        cmocka_unit_test(test_bad_jids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
