/* SPDX-License-Identifier: MIT */
/*
 * test_line.c - the plugin in a host without sockets: `make check`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

extern const struct xmb_plugin line_LTX_xmb_plugin;

static void says(struct xmb_conn *c, const char *text)
{
    struct xmb_str out = xmb_fakehost_output(c);

    assert_true(xmb_str_eq(out, xmb_str(text)));
    xmb_fakehost_take(c, out.n);
}

static void sends_lines_back(void **state)
{
    struct xmb_module *m;
    struct xmb_conn *c;

    (void)state;
    xmb_fakehost_open();
    m = xmb_fakehost_load(&line_LTX_xmb_plugin);
    assert_int_equal(xmb_fakehost_configure(m, "<listen/>"), 0);
    c = xmb_fakehost_accept(m, 0, NULL);
    says(c, "hello\n");
    assert_true(xmb_fakehost_feed(c, XMB_STR("one\ntw")) >= 0);
    says(c, "one\n");
    assert_int_equal(xmb_fakehost_unread(c), 2);
    assert_true(xmb_fakehost_feed(c, XMB_STR("o\n")) >= 0);
    says(c, "two\n");
    xmb_fakehost_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sends_lines_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
