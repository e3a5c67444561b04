/* SPDX-License-Identifier: MIT */
/*
 * test_prefix.c - the plugin in a host without sockets: `make check`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

extern const struct xmb_plugin prefix_LTX_xmb_plugin;

static char found[300];

static void late(void *arg, const struct xmb_route_answer *answer)
{
    const struct xmb_route *r = answer->routes;

    (void)arg;
    if (answer->status != 0)
        snprintf(found, sizeof found, "%d", answer->status);
    else
        snprintf(found, sizeof found, "%.*s:%u", (int)r->target.n, r->target.p, r->port);
}

static const char *look_up(const char *domain)
{
    struct xmb_route_answer answer = {.size = sizeof answer};
    uint64_t id;
    int rc = xmb_fakehost_host()->router->lookup(xmb_fakehost_worker(), xmb_str(domain), &answer,
                                                 late, NULL, &id);

    assert_int_equal(rc, XMB_EAGAIN); /* no table has it */
    xmb_fakehost_run();
    return found;
}

static void is_asked(void **state)
{
    char domain[254], none[16];
    struct xmb_module *m;

    (void)state;
    xmb_fakehost_open();
    m = xmb_fakehost_load(&prefix_LTX_xmb_plugin);
    assert_int_equal(xmb_fakehost_configure_with(m, "label='chat' port='70000'", ""), XMB_ECONF);
    assert_int_equal(xmb_fakehost_configure_with(m, "label='chat'", ""), 0);
    assert_string_equal(look_up("example.net"), "chat.example.net:5269");
    assert_int_equal(xmb_fakehost_kept_s(), 300);
    /* The label does not fit before it. */
    memset(domain, 'a', 253);
    domain[63] = domain[127] = domain[191] = '.';
    domain[253] = '\0';
    snprintf(none, sizeof none, "%d", XMB_ENOENT);
    assert_string_equal(look_up(domain), none);
    xmb_fakehost_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_asked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
