/* SPDX-License-Identifier: MIT */
/*
 * test_allow_deny.c - address lists in a fake host: order, prefixes, families, reload, refusals;
 * and the list of domains: modes, names in other scripts, names below.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

extern const struct xmb_plugin allow_deny_LTX_xmb_plugin;

static struct xmb_module *module;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&allow_deny_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static void configured(const char *inner)
{
    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
}

static int ask(const char *list, const char *from)
{
    struct xmb_request r = {
        .size = sizeof(r), .point = XMB_POINT_ACCEPT, .list = list, .remote = {.port = 40000}};
    struct xmb_answer answer;
    int rc;

    if (inet_pton(AF_INET, from, r.remote.ip) == 1)
        r.remote.family = 4;
    else if (inet_pton(AF_INET6, from, r.remote.ip) == 1)
        r.remote.family = 6;
    assert_int_not_equal(r.remote.family, 0);
    rc = xmb_fakehost_ask(&r, &answer);
    if (rc == XMB_DENY)
        assert_int_equal(answer.reason, XMB_DENY_POLICY);
    return rc;
}

static void test_first_match_wins(void **state)
{
    (void)state;
    configured("<address-list name='x'><deny network='127.0.0.9/32'/>"
               "<permit network='127.0.0.0/8'/><deny network='127.1.0.0/16'/></address-list>");
    assert_int_equal(ask("x", "127.0.0.9"), XMB_DENY);
    assert_int_equal(ask("x", "127.0.0.8"), XMB_ALLOW);
    assert_int_equal(ask("x", "127.1.0.1"), XMB_ALLOW);
    assert_int_equal(ask("x", "128.0.0.1"), XMB_DENY);
    assert_int_equal(ask("x", "::1"), XMB_DENY);
    assert_int_equal(xmb_fakehost_metric(module, "permitted"), 2);
    assert_int_equal(xmb_fakehost_metric(module, "denied"), 3);
    assert_non_null(strstr(xmb_fakehost_log(), "denied by line 2"));
}

static void test_prefixes(void **state)
{
    (void)state;
    configured("<address-list name='a'><permit network='192.0.2.77/27'/></address-list>"
               "<address-list name='b'><permit network='0.0.0.0/0'/></address-list>"
               "<address-list name='c'><permit network='2001:db8:1:8000::/49'/></address-list>"
               "<address-list name='d'><permit network='::/0'/></address-list>"
               "<address-list name='e'><permit network='192.0.2.1/32'/></address-list>");
    assert_int_equal(ask("a", "192.0.2.64"), XMB_ALLOW); /* host bits were cleared */
    assert_int_equal(ask("a", "192.0.2.95"), XMB_ALLOW);
    assert_int_equal(ask("a", "192.0.2.63"), XMB_DENY);
    assert_int_equal(ask("a", "192.0.2.96"), XMB_DENY);
    assert_int_equal(ask("b", "255.255.255.255"), XMB_ALLOW);
    assert_int_equal(ask("b", "2001:db8::1"), XMB_DENY);
    assert_int_equal(ask("c", "2001:db8:1:ffff::1"), XMB_ALLOW);
    assert_int_equal(ask("c", "2001:db8:1:7fff::1"), XMB_DENY);
    assert_int_equal(ask("d", "2001:db8::1"), XMB_ALLOW);
    assert_int_equal(ask("d", "192.0.2.1"), XMB_DENY);
    assert_int_equal(ask("e", "192.0.2.1"), XMB_ALLOW);
    assert_int_equal(ask("e", "192.0.2.0"), XMB_DENY);
}

/* An IPv4 list must hold for IPv4 that comes through an IPv6 socket, both ways. */
static void test_mapped(void **state)
{
    (void)state;
    configured("<address-list name='four'><permit network='192.0.2.0/24'/></address-list>"
               "<address-list name='six'><deny network='192.0.2.1/32'/>"
               "<permit network='::/0'/></address-list>"
               "<address-list name='mapped'><permit network='::ffff:192.0.2.0/120'/>"
               "</address-list>");
    assert_int_equal(ask("four", "::ffff:192.0.2.5"), XMB_ALLOW);
    assert_int_equal(ask("four", "::ffff:192.0.3.5"), XMB_DENY);
    assert_int_equal(ask("six", "::ffff:192.0.2.1"), XMB_DENY);
    assert_int_equal(ask("six", "::ffff:192.0.2.2"), XMB_DENY); /* IPv4 is not in ::/0 */
    assert_int_equal(ask("mapped", "192.0.2.5"), XMB_ALLOW);
    assert_int_equal(ask("mapped", "::ffff:192.0.2.5"), XMB_ALLOW);
    assert_int_equal(ask("mapped", "192.0.3.5"), XMB_DENY);
}

static void test_no_list_and_unknown_list(void **state)
{
    (void)state;
    configured("<address-list name='x'><permit network='0.0.0.0/0'/></address-list>");
    assert_int_equal(ask(NULL, "192.0.2.1"), XMB_ALLOW);
    assert_int_equal(ask("y", "192.0.2.1"), XMB_DENY);
    assert_int_equal(ask("", "192.0.2.1"), XMB_DENY);
    assert_int_equal(ask("X", "192.0.2.1"), XMB_DENY);
}

static void test_empty(void **state)
{
    (void)state;
    configured("");
    assert_int_equal(ask(NULL, "192.0.2.1"), XMB_ALLOW);
    configured("<address-list name='x'/>");
    assert_int_equal(ask("x", "192.0.2.1"), XMB_DENY);
}

static void test_reload(void **state)
{
    (void)state;
    configured("<address-list name='x'><permit network='192.0.2.0/24'/></address-list>");
    assert_int_equal(ask("x", "192.0.2.1"), XMB_ALLOW);
    configured("<address-list name='x'><permit network='198.51.100.0/24'/></address-list>");
    assert_int_equal(ask("x", "192.0.2.1"), XMB_DENY);
    assert_int_equal(ask("x", "198.51.100.1"), XMB_ALLOW);
    assert_int_equal(xmb_fakehost_configure(module, "<address-list name='x'/>"
                                                    "<address-list name='x'/>"),
                     XMB_ECONF);
    assert_int_equal(ask("x", "198.51.100.1"), XMB_ALLOW);
}

static void refused(const char *inner, const char *part)
{
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    if (strstr(xmb_fakehost_faults(), part) == NULL)
        fail_msg("no \"%s\" in: %s", part, xmb_fakehost_faults());
}

static void test_refused(void **state)
{
    (void)state;
    refused("<address-list name='x'/>\n<address-list name='y'/>\n<address-list name='x'/>",
            "4: address list \"x\" is here a second time; the first is in line 2");
    refused("<address-list name='x'>\n<permit network='192.0.2.0'/></address-list>", "3: ");
    refused("<address-list name='x'><permit network='192.0.2.0/33'/></address-list>", "2: ");
    refused("<address-list name='x'><permit network='::/129'/></address-list>", "2: ");
    refused("<address-list name='x'><deny network='any'/></address-list>", "2: ");
    refused("<address-list name='x'><allow network='192.0.2.0/24'/></address-list>", "");
    refused("<address-list name=''/>", "");
    refused("<address-list/>", "");
}

/* --- domains --------------------------------------------------------------------------------- */

static int ask_route(const char *foreign)
{
    struct xmb_request r = {.size = sizeof(r),
                            .point = XMB_POINT_ROUTE,
                            .from = XMB_STR("inside.example"),
                            .to = xmb_str(foreign),
                            .foreign = xmb_str(foreign)};
    struct xmb_answer answer = {.size = sizeof(answer)};
    int rc = xmb_fakehost_ask(&r, &answer);

    if (rc == XMB_DENY)
        return (int)answer.reason; /* POLICY: said no. SILENCE: abstained */
    assert_int_equal(rc, XMB_ALLOW);
    return 0;
}

static void test_domains_default(void **state)
{
    (void)state;
    configured("");
    assert_int_equal(ask_route("a.example"), XMB_DENY_SILENCE);
    configured("<federation/>");
    assert_int_equal(ask_route("a.example"), XMB_DENY_SILENCE);
    assert_int_equal(ask_route(""), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_metric(module, "domains_permitted"), 0);
    assert_int_equal(xmb_fakehost_metric(module, "domains_denied"), 0);
}

static void test_domains_allow_list(void **state)
{
    (void)state;
    configured("<federation mode='allow-list'><domain name='a.example'/>"
               "<domain name='B.Example.'/><domain name='192.0.2.1'/></federation>");
    assert_int_equal(ask_route("a.example"), 0);
    assert_int_equal(ask_route("b.example"), 0);
    assert_int_equal(ask_route("192.0.2.1"), 0);
    assert_int_equal(ask_route("rooms.a.example"), XMB_DENY_SILENCE);
    assert_int_equal(ask_route("example"), XMB_DENY_SILENCE);
    assert_int_equal(ask_route(".a.example"), XMB_DENY_SILENCE);
    assert_int_equal(ask_route("aa.example"), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_metric(module, "domains_permitted"), 3);
}

/* An asker of ABI 0.1 names no foreign domain: a deny list is not got round by that. */
static void test_domains_of_an_old_asker(void **state)
{
    struct xmb_request r = {.size = offsetof(struct xmb_request, foreign),
                            .point = XMB_POINT_ROUTE,
                            .from = XMB_STR("inside.example"),
                            .to = XMB_STR("a.example")};
    struct xmb_answer answer = {.size = sizeof(answer)};

    (void)state;
    configured("<federation mode='deny-list'><domain name='a.example'/></federation>");
    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_DENY);
    r.from = XMB_STR("a.example");
    r.to = XMB_STR("inside.example");
    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_DENY);
    r.from = XMB_STR("b.example");
    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_ALLOW);
    configured("<federation><domain name='inside.example'/></federation>");
    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_DENY);
    assert_int_equal(answer.reason, XMB_DENY_SILENCE);
}

/* It reads a member that a host of 0.1 does not hand out. */
static void test_needs_its_minor(void **state)
{
    (void)state;
    assert_int_equal(allow_deny_LTX_xmb_plugin.abi_need, 2);
}

static void test_domains_deny_list(void **state)
{
    (void)state;
    configured("<federation mode='deny-list'><domain name='a.example'/></federation>");
    assert_int_equal(ask_route("a.example"), XMB_DENY_POLICY);
    assert_int_equal(ask_route("b.example"), 0);
    assert_int_equal(ask_route("rooms.a.example"), 0);
    assert_int_equal(xmb_fakehost_metric(module, "domains_denied"), 1);
    assert_int_equal(xmb_fakehost_metric(module, "domains_permitted"), 2);
}

static void test_domains_off(void **state)
{
    (void)state;
    configured("<federation mode='off'><domain name='a.example'/></federation>");
    assert_int_equal(ask_route("a.example"), 0);
    assert_int_equal(ask_route("b.example"), 0);
}

static void test_domains_scripts(void **state)
{
    (void)state;
    configured("<federation><domain name='b\u00fccher.example'/>"
               "<domain name='STRA\u00dfE.example'/>"
               "<domain name='\u4f8b\u5b50.example'/></federation>");
    assert_int_equal(ask_route("xn--bcher-kva.example"), 0);
    assert_int_equal(ask_route("xn--strae-oqa.example"), 0);
    assert_int_equal(ask_route("xn--fsqu00a.example"), 0);
    assert_int_equal(ask_route("bucher.example"), XMB_DENY_SILENCE);
}

static void test_domains_suffix(void **state)
{
    (void)state;
    configured("<federation mode='deny-list'><domain name='bad.example' suffix='yes'/>"
               "<domain name='x.y.example' suffix='no'/></federation>");
    assert_int_equal(ask_route("bad.example"), XMB_DENY_POLICY);
    assert_int_equal(ask_route("very.very.bad.example"), XMB_DENY_POLICY);
    assert_int_equal(ask_route("notbad.example"), 0);
    assert_int_equal(ask_route("example"), 0);
    assert_int_equal(ask_route("x.y.example"), XMB_DENY_POLICY);
    assert_int_equal(ask_route("w.x.y.example"), 0);
}

static void test_domains_reload(void **state)
{
    (void)state;
    configured("<federation><domain name='a.example'/></federation>");
    assert_int_equal(ask_route("a.example"), 0);
    assert_int_equal(xmb_fakehost_configure(module, "<federation mode='off'/><federation/>"),
                     XMB_ECONF);
    assert_int_equal(ask_route("b.example"), XMB_DENY_SILENCE);
    configured("<federation><domain name='b.example'/></federation>"
               "<address-list name='x'><permit network='192.0.2.0/24'/></address-list>");
    assert_int_equal(ask_route("a.example"), XMB_DENY_SILENCE);
    assert_int_equal(ask_route("b.example"), 0);
    assert_int_equal(ask("x", "192.0.2.1"), XMB_ALLOW);
}

static void test_domains_refused(void **state)
{
    static char name[300];

    (void)state;
    refused("<federation>\n<domain name='a.example'/>\n<domain name='A.example.'/></federation>",
            "4: domain \"A.example.\" is here a second time; the first is in line 3");
    refused("<federation><domain name='b\u00fccher.example'/>\n"
            "<domain name='xn--bcher-kva.example'/></federation>",
            "3: domain \"xn--bcher-kva.example\" is here a second time");
    refused("<federation mode='on'/>", "");
    refused("<federation><domain/></federation>", "");
    refused("<federation><domain name=''/></federation>", "not a domain name");
    refused("<federation><domain name='.'/></federation>", "not a domain name");
    refused("<federation><domain name='a..example'/></federation>", "not a domain name");
    refused("<federation><domain name='*.example'/></federation>", "not a domain name");
    refused("<federation><domain name='a b.example'/></federation>", "not a domain name");
    refused("<federation><domain name='-a.example'/></federation>", "not a domain name");
    refused("<federation><domain name='a.example' suffix='maybe'/></federation>", "suffix");
    snprintf(name, sizeof(name), "<federation><domain name='%064d.example'/></federation>", 0);
    refused(name, "not a domain name");
    /* every fault is told, those of both kinds of list */
    refused("<federation><domain name='*'/></federation>\n"
            "<address-list name='x'><permit network='any'/></address-list>", "2: ");
    assert_non_null(strstr(xmb_fakehost_faults(), "3: "));
}

static char *many(unsigned count)
{
    char *inner = malloc((size_t)count * 48 + 100);
    size_t n;
    unsigned i;

    assert_non_null(inner);
    n = (size_t)sprintf(inner, "<address-list name='x'>");
    for (i = 0; i < count; i++)
        n += (size_t)sprintf(inner + n, "<permit network='10.%u.%u.%u/32'/>", i >> 16,
                             i >> 8 & 255, i & 255);
    sprintf(inner + n, "</address-list>");
    return inner;
}

static void test_bound(void **state)
{
    char *inner = many(100000);

    (void)state;
    configured(inner);
    assert_int_equal(ask("x", "10.1.134.159"), XMB_ALLOW); /* the last one */
    assert_int_equal(ask("x", "10.1.134.160"), XMB_DENY);
    free(inner);
    inner = many(100001);
    refused(inner, "more than 100000 entries");
    free(inner);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_match_wins), TEST(test_prefixes), TEST(test_mapped),
        TEST(test_no_list_and_unknown_list), TEST(test_empty), TEST(test_reload),
        TEST(test_refused), TEST(test_bound),
        TEST(test_domains_default), TEST(test_domains_allow_list), TEST(test_domains_deny_list),
        TEST(test_domains_of_an_old_asker), TEST(test_needs_its_minor),
        TEST(test_domains_off), TEST(test_domains_scripts), TEST(test_domains_suffix),
        TEST(test_domains_reload), TEST(test_domains_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
