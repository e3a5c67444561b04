/* SPDX-License-Identifier: MIT */
/*
 * test_endings.c - the plugin in a host without sockets: `make check`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

extern const struct xmb_plugin endings_LTX_xmb_plugin;

/* The chain's verdict; where this plugin says nothing, silence is DENY. */
static uint32_t reason_for(const char *domain)
{
    const struct xmb_request request = {.size = sizeof request, .point = XMB_POINT_ROUTE,
                                        .from = XMB_STR("example.com"), .to = xmb_str(domain),
                                        .foreign = xmb_str(domain)};
    struct xmb_answer answer;

    assert_int_equal(xmb_fakehost_ask(&request, &answer), XMB_DENY);
    return answer.reason;
}

static void denies_what_ends_so(void **state)
{
    struct xmb_module *m;

    (void)state;
    xmb_fakehost_open();
    m = xmb_fakehost_load(&endings_LTX_xmb_plugin);
    assert_int_equal(xmb_fakehost_configure(m, "<deny ending='zip'/>"), 0);
    assert_int_equal(reason_for("a.zip"), XMB_DENY_POLICY);
    assert_int_equal(reason_for("zip"), XMB_DENY_POLICY);
    assert_int_equal(reason_for("unzip"), XMB_DENY_SILENCE);
    assert_int_equal(reason_for("zip.example"), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_metric(m, "denied"), 2);
    /* A reload counts from the next question on. */
    assert_int_equal(xmb_fakehost_configure(m, ""), 0);
    assert_int_equal(reason_for("a.zip"), XMB_DENY_SILENCE);
    assert_int_equal(xmb_fakehost_configure(m, "<deny/>"), XMB_ECONF);
    xmb_fakehost_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(denies_what_ends_so)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
