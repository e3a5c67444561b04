/* SPDX-License-Identifier: MIT */
/*
 * test_dns_srv_conf.c - the dns-srv plugin in a fake host: what its configuration may say. Nothing
 * is asked of any server here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#define DS "DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"

extern const struct xmb_plugin dns_srv_LTX_xmb_plugin;

static struct xmb_module *module;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&dns_srv_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static void accepted(const char *inner)
{
    if (xmb_fakehost_check(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
}

static void refused(const char *inner, const char *part)
{
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    if (strstr(xmb_fakehost_faults(), part) == NULL)
        fail_msg("no \"%s\" in: %s", part, xmb_fakehost_faults());
}

static void test_accepted(void **state)
{
    (void)state;
    accepted("<resolver address='192.0.2.53'/>");
    accepted("<resolver address='192.0.2.53' port='5353'/><resolver address='2001:db8::53'/>"
             "<service name='xmpp-server' direct-tls='none'/><fallback on-failure='yes'/>"
             "<timeout query='500ms'/><dnssec trust-anchor='. IN " DS "'/>");
    accepted("<service/><fallback/><timeout/><resolver address='192.0.2.53'/>");
}

static void test_refused(void **state)
{
    (void)state;
    refused("\n<resolver address='ns.example'/>", "3: ");
    refused("<resolver address='192.0.2.53' port='0'/>", "port");
    refused("<resolver address='192.0.2.53' port='65536'/>", "port");
    refused("<resolver/>", "");
    refused("<service name='_xmpp'/><resolver address='192.0.2.53'/>", "");
    refused("<service direct-tls=''/><resolver address='192.0.2.53'/>", "");
    refused("<service name='a234567890123456'/><resolver address='192.0.2.53'/>", "");
    refused("<fallback on-failure='maybe'/><resolver address='192.0.2.53'/>", "on-failure");
    refused("<timeout query='4s'/><resolver address='192.0.2.53'/>", "query");
    refused("<timeout query='99ms'/><resolver address='192.0.2.53'/>", "query");
    refused("<timeout/><timeout/><resolver address='192.0.2.53'/>", "");
}

static void test_anchors(void **state)
{
    char inner[8192];
    size_t n;
    int i;

    (void)state;
    refused("<resolver address='192.0.2.53'/>\n<dnssec trust-anchor='nonsense'/>\n"
            "<dnssec trust-anchor='. IN " DS "'/>", "3: ");
    assert_null(strstr(xmb_fakehost_faults(), "4: "));
    refused("<dnssec anchor-file='/nonexistent/root.key'/><resolver address='192.0.2.53'/>",
            "/nonexistent/root.key");
    refused("<dnssec anchor-file='root.key'/><resolver address='192.0.2.53'/>", "whole path");
    refused("<dnssec/><resolver address='192.0.2.53'/>", "");
    refused("<dnssec anchor-file='/x' trust-anchor='y'/><resolver address='192.0.2.53'/>", "");
    n = (size_t)sprintf(inner, "<dnssec trust-anchor='. IN " DS "'/>");
    for (i = 0; i < 17; i++)
        n += (size_t)sprintf(inner + n, "<resolver address='192.0.2.%d'/>", i);
    refused(inner, "more than 16 resolvers");
}

/* The thread runs and takes the second one over; the first is freed. */
static void test_reload(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_configure(module, "<resolver address='192.0.2.53'/>"), 0);
    assert_int_equal(xmb_fakehost_configure(module, "<resolver address='192.0.2.54'/>"
                                                    "<resolver address='192.0.2.55'/>"), 0);
    assert_non_null(strstr(xmb_fakehost_log(), "2 resolvers; 0 DNSSEC anchors"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_accepted), TEST(test_refused), TEST(test_anchors), TEST(test_reload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
