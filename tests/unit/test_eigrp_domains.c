/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_domains.c - announced XMPP domains that were learned: what is read, what is refused,
 * and which routes the router gets of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "eigrp_domain_rig.h"

static struct se_domains *domains;
static struct rig_process one, two;

static int begin(void **state)
{
    (void)state;
    rig_open();
    rig_process(&one, 1228, 1);
    rig_process(&two, 1229, 1);
    domains = se_domains_new(xmb_fakehost_host(), rig_module);
    return domains != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    se_domains_free(domains);
    rig_close();
    return 0;
}

static void learn_data(struct rig_process *p, const struct xmb_service_id *id, struct xmb_str data,
                       const struct xmb_addr *addr)
{
    struct se_content *c = rig_content(data, addr, 6);

    se_domains_learned(domains, &p->process, id, c);
    se_content_free(c); /* nothing of it may be needed any more */
}

/* The broker `who` announces `name` at `ip`, port 5269. */
static void learn(struct rig_process *p, const char *name, const char *ip, const char *who,
                  unsigned priority)
{
    struct xmb_addr addr = rig_addr(ip, 5269);
    struct xmb_service_id id = rig_id(name, &addr, who);

    learn_data(p, &id, rig_data(name, priority, 0, 0), &addr);
}

static void lose(struct rig_process *p, const char *name, const char *ip, const char *who)
{
    struct xmb_addr addr = rig_addr(ip, 5269);
    struct xmb_service_id id = rig_id(name, &addr, who);

    se_domains_learned(domains, &p->process, &id, NULL);
}

static struct se_domains_figures figures(void)
{
    struct se_domains_figures f;

    se_domains_figures(domains, &f);
    return f;
}

/* --- the data --------------------------------------------------------------------------------- */

#define NS "xmlns='urn:xmb:saf:xmpp-domain:1'"

static void reads(const char *text, const char *name, unsigned priority, unsigned weight, int tls)
{
    struct se_xmpp_domain d;
    const char *why = NULL;

    if (se_xmpp_domain_read(xmb_str(text), &d, &why) != 0)
        fail_msg("%s: %s", text, why);
    assert_null(why);
    assert_string_equal(d.name, name);
    assert_int_equal(d.priority, priority);
    assert_int_equal(d.weight, weight);
    assert_int_equal(d.is_tls, tls);
}

static void test_read(void **state)
{
    (void)state;
    reads("<xmpp-domain xmlns=\"urn:xmb:saf:xmpp-domain:1\" name=\"example.com\" priority=\"10\" "
          "weight=\"0\" tls=\"no\"/>", "example.com", 10, 0, 0);
    reads("<xmpp-domain " NS " name='a.example'/>", "a.example", 10, 0, 0);
    reads(" \n<xmpp-domain\ttls = 'yes' weight='65535'\n priority='0' name='xn--bcher-kva.example' "
          NS " ></xmpp-domain >\n", "xn--bcher-kva.example", 0, 65535, 1);
    reads("<xmpp-domain later='than=>/this' " NS " name='a1.4x'/>", "a1.4x", 10, 0, 0);
}

static void refuses(const char *text, const char *part)
{
    struct se_xmpp_domain d;
    const char *why = NULL;

    if (se_xmpp_domain_read(xmb_str(text), &d, &why) != XMB_EPROTO)
        fail_msg("it was read: %s", text);
    if (why == NULL || strstr(why, part) == NULL)
        fail_msg("%s: \"%s\" has no \"%s\"", text, why != NULL ? why : "NULL", part);
}

static void test_refuse(void **state)
{
    (void)state;
    refuses("", "no data");
    refuses("example.com", "no element");
    refuses("<?xml version='1.0'?><xmpp-domain " NS " name='a.example'/>", "no element");
    refuses("<!DOCTYPE x><xmpp-domain " NS " name='a.example'/>", "no element");
    refuses("<xmpp-domains " NS " name='a.example'/>", "well-formed");
    refuses("<xmpp-domain/>", "namespace");
    refuses("<xmpp-domain name='a.example'/>", "namespace");
    refuses("<xmpp-domain xmlns='urn:xmb:saf:xmpp-domain:2' name='a.example'/>", "namespace");
    refuses("<xmpp-domain " NS "/>", "no name");
    refuses("<xmpp-domain " NS " name='a.example' name='a.example'/>", "twice");
    refuses("<xmpp-domain " NS " name='a.example'>x</xmpp-domain>", "content");
    refuses("<xmpp-domain " NS " name='a.example'><x/></xmpp-domain>", "content");
    refuses("<xmpp-domain " NS " name='a.example'></xmpp-domain", "well-formed");
    refuses("<xmpp-domain " NS " name='a.example'/><x/>", "follows");
    refuses("<xmpp-domain " NS " name='a.example'", "well-formed");
    refuses("<xmpp-domain " NS " name='a.example", "well-formed");
    refuses("<xmpp-domain " NS " name='a.example'priority='1'/>", "well-formed");
    refuses("<xmpp-domain " NS " name=a.example/>", "well-formed");
    refuses("<xmpp-domain " NS " name='&#97;.example'/>", "plain ASCII");
    refuses("<xmpp-domain " NS " name='b\xc3\xbc" "cher.example'/>", "plain ASCII");
    refuses("<xmpp-domain " NS " name='a.example' priority='65536'/>", "too large");
    refuses("<xmpp-domain " NS " name='a.example' priority='-1'/>", "number");
    refuses("<xmpp-domain " NS " name='a.example' priority=''/>", "number");
    refuses("<xmpp-domain " NS " name='a.example' weight='000001'/>", "number");
    refuses("<xmpp-domain " NS " name='a.example' tls='true'/>", "yes or no");
}

/* Every beginning of the data is refused, and none reads behind its end. */
static void test_cut(void **state)
{
    struct xmb_str whole = rig_data("a.example", 10, 5, 1);
    struct se_xmpp_domain d;
    const char *why;
    size_t n;

    (void)state;
    for (n = 0; n <= whole.n; n++) {
        char *copy = malloc(n > 0 ? n : 1);

        assert_non_null(copy);
        memcpy(copy, whole.p, n);
        assert_int_equal(se_xmpp_domain_read(xmb_str_n(copy, n), &d, &why),
                         n == whole.n ? 0 : XMB_EPROTO);
        free(copy);
    }
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "example.com", "3com.example", "a-b.c--d", "1.2.3.x4"};
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "A.example", "-a.example",
                                      "a-.example", "a_b.example", "a b", "*", "192.0.2.1", "12",
                                      "[2001:db8::1]", "a@b", "a/b"};
    char name[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(se_xmpp_domain_is_name(xmb_str(good[i])));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(se_xmpp_domain_is_name(xmb_str(bad[i])));
    memset(name, 'a', sizeof(name));
    assert_true(se_xmpp_domain_is_name(xmb_str_n(name, 63)));
    assert_false(se_xmpp_domain_is_name(xmb_str_n(name, 64)));
    for (i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    assert_true(se_xmpp_domain_is_name(xmb_str_n(name, 253)));
    assert_false(se_xmpp_domain_is_name(xmb_str_n(name, 254)));
}

/* Others must be able to compute it: these words are those of sha256sum. */
static void test_identity(void **state)
{
    struct xmb_addr a = rig_addr("192.0.2.1", 5269), b = rig_addr("192.0.2.1", 5270);
    struct xmb_service_id id = rig_id("example.com", &a, "x");
    struct xmb_service_id other = rig_id("example.com", &b, "x");

    (void)state;
    assert_int_equal(id.service, 5269);
    assert_int_equal(id.subservice, 1);
    assert_int_equal(id.instance[0], 0xa379a6f6);
    assert_int_equal(id.instance[1], 0xeeafb9a5);
    assert_true(se_xmpp_domain_is_of(&id, XMB_STR("example.com")));
    assert_false(se_xmpp_domain_is_of(&id, XMB_STR("example.org")));
    assert_int_equal(se_xmpp_domain_key(&id), se_xmpp_domain_key(&other));
    assert_int_not_equal(id.instance[2], other.instance[2]);
    assert_int_equal(id.instance[3], other.instance[3]);
    other = rig_id("example.com", &a, "y");
    assert_int_equal(id.instance[2], other.instance[2]);
    assert_int_not_equal(id.instance[3], other.instance[3]);
}

/* --- routes ----------------------------------------------------------------------------------- */

static void test_one(void **state)
{
    (void)state;
    assert_string_equal(rig_routes("a.example"), "");
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    assert_string_equal(rig_routes("a.example"), "192.0.2.1:5269 10/0, ");
    assert_string_equal(rig_routes("b.a.example"), "");
    assert_int_equal(figures().domains, 1);
    lose(&one, "a.example", "192.0.2.1", "x");
    assert_string_equal(rig_routes("a.example"), "");
    assert_int_equal(figures().domains, 0);
    assert_int_equal(figures().routes, 0);
    lose(&one, "a.example", "192.0.2.1", "x"); /* known to nobody: nothing happens */
}

static void test_change(void **state)
{
    struct xmb_addr addr = rig_addr("2001:db8::7", 5270), moved = rig_addr("192.0.2.9", 1);
    struct xmb_service_id id = rig_id("a.example", &addr, "x");

    (void)state;
    learn_data(&one, &id, rig_data("a.example", 5, 20, 1), &addr);
    assert_string_equal(rig_routes("a.example"), "2001:db8::7:5270 5/20 tls, ");
    learn_data(&one, &id, rig_data("a.example", 7, 20, 0), &addr);
    assert_string_equal(rig_routes("a.example"), "2001:db8::7:5270 7/20, ");
    learn_data(&one, &id, rig_data("a.example", 7, 20, 0), &moved); /* word 2 is nobody's promise */
    assert_string_equal(rig_routes("a.example"), "192.0.2.9:1 7/20, ");
    assert_int_equal(figures().routes, 1);
}

static void test_order(void **state)
{
    (void)state;
    learn(&one, "a.example", "192.0.2.2", "x", 20);
    learn(&one, "a.example", "192.0.2.3", "y", 10);
    learn(&two, "a.example", "192.0.2.1", "z", 20);
    assert_string_equal(rig_routes("a.example"),
                        "192.0.2.3:5269 10/0, 192.0.2.1:5269 20/0, 192.0.2.2:5269 20/0, ");
    learn(&one, "a.example", "192.0.2.2", "x", 5);
    assert_string_equal(rig_routes("a.example"),
                        "192.0.2.2:5269 5/0, 192.0.2.3:5269 10/0, 192.0.2.1:5269 20/0, ");
    lose(&one, "a.example", "192.0.2.3", "y");
    assert_string_equal(rig_routes("a.example"), "192.0.2.2:5269 5/0, 192.0.2.1:5269 20/0, ");
}

/* One address that two announce, or two processes learned, is one route: the best of them. */
static void test_repeated(void **state)
{
    (void)state;
    learn(&one, "a.example", "192.0.2.1", "x", 20);
    learn(&two, "a.example", "192.0.2.1", "x", 20);
    learn(&one, "a.example", "192.0.2.1", "y", 10);
    assert_int_equal(figures().routes, 3);
    assert_string_equal(rig_routes("a.example"), "192.0.2.1:5269 10/0, ");
    lose(&one, "a.example", "192.0.2.1", "y");
    assert_string_equal(rig_routes("a.example"), "192.0.2.1:5269 20/0, ");
    lose(&one, "a.example", "192.0.2.1", "x");
    assert_string_equal(rig_routes("a.example"), "192.0.2.1:5269 20/0, ");
    lose(&two, "a.example", "192.0.2.1", "x");
    assert_string_equal(rig_routes("a.example"), "");
}

static void test_forget(void **state)
{
    char name[32];
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        learn(&one, name, "192.0.2.1", "x", 10);
        if (i % 2 == 0)
            learn(&two, name, "192.0.2.2", "y", 20);
    }
    se_domains_forget(domains, &one.process);
    assert_string_equal(rig_routes("d0.example"), "192.0.2.2:5269 20/0, ");
    assert_string_equal(rig_routes("d1.example"), "");
    assert_int_equal(figures().domains, 50);
    assert_int_equal(figures().routes, 50);
    se_domains_forget(domains, &one.process);
    se_domains_forget(domains, &two.process);
    assert_int_equal(figures().domains, 0);
    assert_int_equal(figures().routes, 0);
    assert_string_equal(rig_routes("d0.example"), "");
}

/* What is off learns nothing, and what is switched off loses what it had with the next word. */
static void test_off(void **state)
{
    (void)state;
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    one.family.is_learning_domains = 0;
    learn(&one, "b.example", "192.0.2.1", "x", 10);
    assert_string_equal(rig_routes("b.example"), "");
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    assert_string_equal(rig_routes("a.example"), "");
    assert_int_equal(figures().malformed, 0);
}

/* The end takes all routes back. */
static void test_end(void **state)
{
    (void)state;
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    se_domains_free(domains);
    assert_string_equal(rig_routes("a.example"), "");
    domains = se_domains_new(xmb_fakehost_host(), rig_module);
    assert_non_null(domains);
}

/* --- what is not taken ------------------------------------------------------------------------ */

static void test_malformed(void **state)
{
    struct xmb_addr addr = rig_addr("192.0.2.1", 5269);
    struct xmb_service_id id = rig_id("a.example", &addr, "x");
    char expected[200];

    (void)state;
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    xmb_fakehost_log_clear();
    learn_data(&one, &id, XMB_STR("<xmpp-domain/>"), &addr);
    assert_string_equal(rig_routes("a.example"), ""); /* what it said before holds no longer */
    assert_int_equal(figures().malformed, 1);
    snprintf(expected, sizeof(expected), "ipv4 1228: service 5269:1:%u.%u.%u.%u announces no XMPP "
             "domain: it has another namespace; no route", id.instance[0], id.instance[1],
             id.instance[2], id.instance[3]);
    if (strstr(xmb_fakehost_log(), expected) == NULL)
        fail_msg("no \"%s\" in: %s", expected, xmb_fakehost_log());
}

/* A service list sees the instance: it must not be passed with the instance of another domain. */
static void test_other_instance(void **state)
{
    struct xmb_addr addr = rig_addr("192.0.2.1", 5269);
    struct xmb_service_id id = rig_id("harmless.example", &addr, "x");

    (void)state;
    learn_data(&one, &id, rig_data("bank.example", 0, 0, 0), &addr);
    assert_string_equal(rig_routes("bank.example"), "");
    assert_string_equal(rig_routes("harmless.example"), "");
    assert_int_equal(figures().malformed, 1);
    assert_non_null(strstr(xmb_fakehost_log(), "its instance is not that of its name"));
}

static void reached(const char *ip, uint16_t port, uint16_t protocol, int is_taken)
{
    struct xmb_addr addr = rig_addr(ip, port);
    struct xmb_service_id id = rig_id("a.example", &addr, "x");
    struct se_content *c = rig_content(rig_data("a.example", 1, 1, 0), &addr, protocol);

    se_domains_learned(domains, &one.process, &id, c);
    if (figures().domains != (is_taken ? 1u : 0u))
        fail_msg("%s port %u protocol %u", ip, port, protocol);
    se_content_free(c);
    se_domains_learned(domains, &one.process, &id, NULL);
}

static void test_reach(void **state)
{
    static const char *const bad[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.9.9.9", "224.0.0.1",
                                      "255.255.255.255", "169.254.169.254", "::", "::1", "ff02::1",
                                      "fe80::1", "::ffff:127.0.0.1", "::7f00:1"};
    struct xmb_addr none = {.family = 0};
    struct xmb_service_id id = rig_id("a.example", &none, "x");
    size_t i;

    (void)state;
    reached("10.0.0.1", 1, 6, 1);
    reached("223.255.255.254", 65535, 6, 1);
    reached("2001:db8::1", 5269, 6, 1);
    reached("fd00::1", 5269, 6, 1);
    reached("10.0.0.1", 0, 6, 0);
    reached("10.0.0.1", 5269, 17, 0);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        reached(bad[i], 5269, 6, 0);
    learn_data(&one, &id, rig_data("a.example", 1, 1, 0), &none);
    assert_int_equal(figures().domains, 0);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static unsigned lines_with(const char *part)
{
    const char *at = xmb_fakehost_log();
    unsigned n = 0;

    for (; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

static void test_most_routes(void **state)
{
    struct xmb_route r[XMB_ROUTES_MAX];
    char ip[32];
    unsigned i;

    (void)state;
    for (i = 1; i <= SE_DOMAIN_ROUTES_MAX + 5; i++) {
        snprintf(ip, sizeof(ip), "192.0.2.%u", i);
        learn(&one, "a.example", ip, "x", i);
    }
    assert_int_equal(xmb_fakehost_routes(rig_module, XMB_STR("a.example"), r, XMB_ROUTES_MAX),
                     XMB_ROUTES_MAX);
    assert_int_equal(figures().refused, 5);
    assert_int_equal(lines_with("there is no room"), 1);
    learn(&one, "a.example", "192.0.2.3", "x", 40); /* a change needs no room */
    assert_int_equal(figures().refused, 5);
    lose(&one, "a.example", "192.0.2.1", "x");
    learn(&one, "a.example", "192.0.2.37", "x", 37);
    assert_int_equal(figures().refused, 5);
    assert_int_equal(figures().routes, SE_DOMAIN_ROUTES_MAX);
}

static void test_most_domains(void **state)
{
    char name[32];
    unsigned i;

    (void)state;
    for (i = 0; i < SE_DOMAINS_MAX; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        learn(&one, name, "192.0.2.1", "x", 10);
    }
    assert_int_equal(figures().refused, 0);
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    learn(&one, "b.example", "192.0.2.1", "x", 10);
    assert_string_equal(rig_routes("a.example"), "");
    assert_int_equal(figures().refused, 2);
    assert_int_equal(lines_with("there is no room"), 1);
    learn(&two, "d7.example", "192.0.2.2", "x", 10); /* a known one may have more */
    assert_string_equal(rig_routes("d7.example"), "192.0.2.1:5269 10/0, 192.0.2.2:5269 10/0, ");
    lose(&one, "d3.example", "192.0.2.1", "x");
    learn(&one, "a.example", "192.0.2.1", "x", 10);
    assert_string_equal(rig_routes("a.example"), "192.0.2.1:5269 10/0, ");
    assert_int_equal(figures().domains, SE_DOMAINS_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read), cmocka_unit_test(test_refuse), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_names), cmocka_unit_test(test_identity),
        TEST(test_one), TEST(test_change), TEST(test_order), TEST(test_repeated),
        TEST(test_forget), TEST(test_off), TEST(test_end), TEST(test_malformed),
        TEST(test_other_instance), TEST(test_reach), TEST(test_most_routes),
        TEST(test_most_domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
