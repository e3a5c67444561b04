/* SPDX-License-Identifier: MIT */
/*
 * test_inproc.c - tests/plugins/inproc.c against the fake host: what doc/sdk-guide.md shows as the
 * way to test a plugin without a broker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <xmb/fakehost.h>

extern const struct xmb_plugin inproc_LTX_xmb_plugin;

static const struct xmb_service_id ours = {101, 7, {1, 2, 3, 4}};
static const struct xmb_service_id theirs = {101, 9, {1, 2, 3, 4}};
static struct xmb_module *m;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    m = xmb_fakehost_load(&inproc_LTX_xmb_plugin);
    return m != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close(); /* aborts when an owner or a subscription was left open */
    return 0;
}

static const char *seen(void)
{
    const char *text = NULL;

    assert_int_equal(xmb_fakehost_command(m, "show inproc seen", NULL, 0, &text), 0);
    return text;
}

static void publishes_and_updates(void **state)
{
    const struct xmb_service *s;

    (void)state;
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100' text='one'", ""), 0);
    xmb_fakehost_run();
    s = xmb_fakehost_service(100, &ours);
    assert_non_null(s);
    assert_true(xmb_str_eq(s->data, XMB_STR("one")));
    assert_int_equal(s->sequence, 1);

    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100' text='two'", ""), 0);
    xmb_fakehost_run();
    s = xmb_fakehost_service(100, &ours);
    assert_true(xmb_str_eq(s->data, XMB_STR("two")));
    assert_int_equal(s->sequence, 2);
}

static void sees_others_come_and_go(void **state)
{
    const struct xmb_publish p = {.size = sizeof p, .domain = 100, .id = theirs, .sequence = 5,
                                  .data = XMB_STR("theirs")};

    (void)state;
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100' text='one'", ""), 0);
    xmb_fakehost_run();
    assert_null(strstr(seen(), "theirs"));
    assert_int_equal(xmb_fakehost_learn(&p, 0), 0);
    xmb_fakehost_run();
    assert_non_null(strstr(seen(), "data=theirs\n"));
    assert_non_null(strstr(seen(), "data=one\n")); /* its own, too */
    assert_int_equal(xmb_fakehost_learn(&p, XMB_GONE_NETWORK), 0);
    xmb_fakehost_run();
    assert_null(strstr(seen(), "theirs"));
}

static void waits_for_a_full_registry(void **state)
{
    (void)state;
    xmb_fakehost_registry_error(XMB_EAGAIN);
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100' text='one'", ""), 0);
    xmb_fakehost_run();
    assert_null(xmb_fakehost_service(100, &ours));
    xmb_fakehost_registry_error(0);
    xmb_fakehost_advance(20);
    assert_non_null(xmb_fakehost_service(100, &ours));
}

static void another_domain(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100'", ""), 0);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='200'", ""), 0);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(100), 0);
    assert_int_equal(xmb_fakehost_services(200), 1);
}

static void a_bad_domain_is_refused(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='100' text='one'", ""), 0);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_configure_with(m, "domain='0' text='two'", ""), XMB_ECONF);
    assert_non_null(strstr(xmb_fakehost_faults(), "1 to 65535"));
    xmb_fakehost_run();
    assert_true(xmb_str_eq(xmb_fakehost_service(100, &ours)->data, XMB_STR("one")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(publishes_and_updates, begin, end),
        cmocka_unit_test_setup_teardown(sees_others_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(waits_for_a_full_registry, begin, end),
        cmocka_unit_test_setup_teardown(another_domain, begin, end),
        cmocka_unit_test_setup_teardown(a_bad_domain_is_refused, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
