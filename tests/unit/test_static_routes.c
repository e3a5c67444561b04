/* SPDX-License-Identifier: MIT */
/*
 * test_static_routes.c - static routes in a fake host: what the router is told, at the start and at
 * a reload, what is said at ROUTE, and refusals.
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

extern const struct xmb_plugin static_routes_LTX_xmb_plugin;
extern const struct xmb_plugin allow_deny_LTX_xmb_plugin;

static struct xmb_module *module;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&static_routes_LTX_xmb_plugin);
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
    xmb_fakehost_run();
}

/* The routes of `domain` as text, "TARGET|ADDRESS:PORT[+tls]" each with a space behind. */
static const char *routes_of(const char *domain)
{
    static char text[4096];
    struct xmb_route r[XMB_ROUTES_MAX];
    size_t count = xmb_fakehost_routes(module, xmb_str(domain), r, XMB_ROUTES_MAX);
    size_t n = 0;
    size_t i;

    text[0] = '\0';
    for (i = 0; i < count; i++) {
        char ip[INET6_ADDRSTRLEN] = "";

        if (r[i].addr.family != 0) {
            inet_ntop(r[i].addr.family == 4 ? AF_INET : AF_INET6, r[i].addr.ip, ip, sizeof(ip));
            assert_int_equal(r[i].addr.port, r[i].port);
        }
        assert_int_equal(r[i].priority, 0);
        assert_int_equal(r[i].weight, r[0].weight);
        assert_true(r[i].weight > 100); /* the first one's odd chance does not show */
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s:%u%s ", (int)r[i].target.n,
                              r[i].target.n > 0 ? r[i].target.p : "", ip, r[i].port,
                              (r[i].flags & XMB_ROUTE_TLS) != 0 ? "+tls" : "");
    }
    return text;
}

static int ask(const char *foreign)
{
    struct xmb_request r = {.size = sizeof(r),
                            .point = XMB_POINT_ROUTE,
                            .from = xmb_str(foreign),
                            .to = XMB_STR("inside.example"),
                            .foreign = xmb_str(foreign)};
    struct xmb_answer answer = {.size = sizeof(answer)};
    int rc = xmb_fakehost_ask(&r, &answer);

    if (rc == XMB_DENY)
        return (int)answer.reason;
    assert_int_equal(rc, XMB_ALLOW);
    return 0;
}

static void test_routes(void **state)
{
    (void)state;
    configured("<routes use='yes'>"
               "<route domain='a.example' address='192.0.2.10'/>"
               "<route domain='B.example.' address='xmpp2.B.example' port='5270'/>"
               "<route domain='a.example' address='2001:db8::1' tls='yes' port='5223'/>"
               "<route domain='a.example' address='b\u00fccher.example'/>"
               "</routes>");
    assert_string_equal(routes_of("a.example"),
                        "192.0.2.10:5269 2001:db8::1:5223+tls xn--bcher-kva.example:5269 ");
    assert_string_equal(routes_of("b.example"), "xmpp2.b.example:5270 ");
    assert_string_equal(routes_of("example"), "");
    assert_int_equal(ask("a.example"), 0);
    assert_int_equal(ask("b.example"), 0);
    assert_int_equal(ask("rooms.a.example"), XMB_DENY_SILENCE);
    assert_int_equal(ask("example"), XMB_DENY_SILENCE);
    assert_int_equal(ask(""), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_metric(module, "permitted"), 2);
}

static void test_use(void **state)
{
    (void)state;
    configured("<routes><route domain='a.example' address='192.0.2.1'/></routes>");
    assert_string_equal(routes_of("a.example"), "192.0.2.1:5269 ");
    configured("<routes use='no'><route domain='a.example' address='192.0.2.1'/></routes>");
    assert_string_equal(routes_of("a.example"), "");
    assert_int_equal(ask("a.example"), XMB_DENY_SILENCE);
    configured("<routes use='yes'><route domain='a.example' address='192.0.2.1'/></routes>");
    assert_string_equal(routes_of("a.example"), "192.0.2.1:5269 ");
    configured("");
    assert_string_equal(routes_of("a.example"), "");
    configured("<routes/>");
    assert_string_equal(routes_of("a.example"), "");
}

static void test_reload(void **state)
{
    (void)state;
    configured("<routes><route domain='a.example' address='192.0.2.1'/>"
               "<route domain='b.example' address='192.0.2.2'/>"
               "<route domain='c.example' address='192.0.2.3'/></routes>");
    configured("<routes><route domain='c.example' address='192.0.2.3'/>"
               "<route domain='b.example' address='192.0.2.2' tls='yes'/>"
               "<route domain='d.example' address='d.example'/></routes>");
    assert_string_equal(routes_of("a.example"), "");
    assert_string_equal(routes_of("b.example"), "192.0.2.2:5269+tls ");
    assert_string_equal(routes_of("c.example"), "192.0.2.3:5269 ");
    assert_string_equal(routes_of("d.example"), "d.example:5269 ");
    assert_int_equal(xmb_fakehost_configure(module, "<routes><route domain='e.example' "
                                                    "address='192.0.2'/></routes>"),
                     XMB_ECONF);
    xmb_fakehost_run();
    assert_string_equal(routes_of("d.example"), "d.example:5269 ");
    assert_int_equal(ask("d.example"), 0);
}

/* Two reloads before the routing loop comes to it: the last one counts, nothing is lost. */
static void test_overtaken(void **state)
{
    (void)state;
    configured("<routes><route domain='a.example' address='192.0.2.1'/></routes>");
    assert_int_equal(xmb_fakehost_configure(module, "<routes><route domain='b.example' "
                                                    "address='192.0.2.1'/></routes>"), 0);
    assert_int_equal(xmb_fakehost_configure(module, "<routes><route domain='c.example' "
                                                    "address='192.0.2.1'/></routes>"), 0);
    xmb_fakehost_run();
    assert_string_equal(routes_of("a.example"), "");
    assert_string_equal(routes_of("b.example"), "");
    assert_string_equal(routes_of("c.example"), "192.0.2.1:5269 ");
}

/* A listed domain or a routed one is allowed; a deny list denies a routed one too. */
static void test_with_lists(void **state)
{
    struct xmb_module *lists = xmb_fakehost_load(&allow_deny_LTX_xmb_plugin);

    (void)state;
    assert_non_null(lists);
    assert_int_equal(xmb_fakehost_configure(lists, "<federation><domain name='l.example'/>"
                                                   "</federation>"), 0);
    configured("<routes><route domain='a.example' address='192.0.2.1'/></routes>");
    assert_int_equal(ask("a.example"), 0);
    assert_int_equal(ask("l.example"), 0);
    assert_int_equal(ask("x.example"), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_configure(lists, "<federation mode='deny-list'>"
                                                   "<domain name='a.example'/></federation>"), 0);
    assert_int_equal(ask("a.example"), XMB_DENY_POLICY);
    assert_int_equal(ask("x.example"), 0);
}

static void test_most(void **state)
{
    char inner[8192];
    size_t n = (size_t)sprintf(inner, "<routes>");
    int i;

    (void)state;
    for (i = 0; i < XMB_ROUTES_MAX; i++)
        n += (size_t)sprintf(inner + n, "<route domain='a.example' address='192.0.2.%d'/>", i);
    sprintf(inner + n, "</routes>");
    configured(inner);
    assert_int_equal(xmb_fakehost_routes(module, XMB_STR("a.example"), NULL, 0), XMB_ROUTES_MAX);
    sprintf(inner + n, "<route domain='a.example' address='198.51.100.1'/></routes>");
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    assert_non_null(strstr(xmb_fakehost_faults(), "more than 32 routes"));
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
    refused("<routes>\n<route domain='a.example' address='192.0.2.1'/>\n"
            "<route domain='A.example' address='192.0.2.1' tls='yes'/></routes>",
            "4: this route of a.example is here a second time; the first is in line 3");
    refused("<routes>\n<route domain='a.example' address='h.example'/>\n"
            "<route domain='a.example' address='H.example' port='5269'/></routes>",
            "4: this route of a.example is here a second time");
    refused("<routes use='no'>\n<route domain='a.example' address='192.0.2.256'/></routes>", "3: ");
    refused("<routes><route domain='a.example' address='192.0.2'/></routes>", "address");
    refused("<routes><route domain='a.example' address='[2001:db8::1]'/></routes>", "address");
    refused("<routes><route domain='a.example' address='h..example'/></routes>", "host name");
    refused("<routes><route domain='a.example' address=''/></routes>", "host name");
    refused("<routes><route domain='*' address='192.0.2.1'/></routes>", "not a domain name");
    refused("<routes><route domain='a.example' address='192.0.2.1' port='0'/></routes>", "port");
    refused("<routes><route domain='a.example' address='192.0.2.1' tls='x'/></routes>", "tls");
    refused("<routes use='perhaps'/>", "use");
    refused("<routes/><routes/>", "");
    refused("<routes><route domain='a.example'/></routes>", "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_routes), TEST(test_use), TEST(test_reload), TEST(test_overtaken),
        TEST(test_with_lists), TEST(test_most), TEST(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
