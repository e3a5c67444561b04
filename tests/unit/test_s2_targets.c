/* SPDX-License-Identifier: MIT */
/*
 * test_s2_targets.c - where links go to and how they get there: routes, servers of local
 * domains, names, our own listeners (G2), and attempts side by side (xmpp-s2s.md 2.3 O1 and O2,
 * 4.1, 4.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "s2_link_rig.h"

static int begin(void **state)
{
    (void)state;
    rig_open();
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

static void dials_to(size_t n, const char *address, uint16_t port)
{
    struct xmb_addr a = rig_addr(address, port);

    assert_non_null(rig_dial(n));
    assert_int_equal(rig_dial(n)->address.family, a.family);
    assert_int_equal(rig_dial(n)->address.port, port);
    assert_memory_equal(rig_dial(n)->address.ip, a.ip, sizeof(a.ip));
}

/* --- outside --------------------------------------------------------------------------------- */

static void route_with_address_is_dialled(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.7", 5270, 0);
    assert_int_equal(rig_lease(&u, "a.test", "b.test"), 0);
    assert_int_equal(rig_dialling(), 1);
    dials_to(0, "192.0.2.7", 5270);
}

static void nothing_happens_before_open_returned(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig.lookup_status = XMB_ENOENT;
    assert_int_equal(rig_lease_on(&u, S2_OUTSIDE, "a.test", "b.test"), 0);
    assert_int_equal(u.failed, 0);
    xmb_fakehost_advance(0);
    assert_int_equal(u.failed, 1);
}

static void lookup_fails(int status, enum s2_failure_kind kind, enum s2_condition condition)
{
    struct rig_user u = {0};

    rig.lookup_status = status;
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, kind);
    assert_int_equal(u.condition, condition);
    assert_true(u.text[0] != '\0');
    assert_int_equal(rig_dialling(), 0);
}

static void unknown_domain(void **state)
{
    (void)state;
    lookup_fails(XMB_ENOENT, S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void domain_that_refuses_federation(void **state)
{
    (void)state;
    lookup_fails(XMB_EDENIED, S2_FAIL_NO_DOMAIN, S2_C_REMOTE_SERVER_NOT_FOUND);
}

static void resolver_timeout(void **state)
{
    (void)state;
    lookup_fails(XMB_ETIMEOUT, S2_FAIL_UNREACHABLE, S2_C_REMOTE_SERVER_TIMEOUT);
}

static void too_many_lookups(void **state)
{
    (void)state;
    lookup_fails(XMB_ELIMIT, S2_FAIL_LIMIT, S2_C_RESOURCE_CONSTRAINT);
}

static void nobody_knows_it_later(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_lease(&u, "a.test", "nowhere.test");
    xmb_fakehost_run();
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_NO_DOMAIN);
}

static void names_are_resolved_with_both_families(void **state)
{
    struct xmb_addr at[2] = {rig_addr("192.0.2.9", 0), rig_addr("2001:db8::9", 0)};
    struct rig_user u = {0};

    (void)state;
    xmb_fakehost_hosts("xmpp.b.test", at, 2);
    rig_route("b.test", "xmpp.b.test", 5299, 0);
    rig_lease(&u, "a.test", "b.test");
    xmb_fakehost_run();
    dials_to(0, "2001:db8::9", 5299);
    xmb_fakehost_advance(250);
    dials_to(1, "192.0.2.9", 5299);
}

static void name_without_an_address(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "xmpp.b.test", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    xmb_fakehost_run();
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_NO_DOMAIN);
}

static void slow_name_is_waited_for_a_little(void **state)
{
    struct rig_user u = {0};
    struct xmb_addr at = rig_addr("192.0.2.1", 0);

    (void)state;
    rig.hold_addresses = 1;
    rig_route("b.test", "one.b.test", 5269, 0);
    rig_route_priority(10);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 0);
    xmb_fakehost_advance(250);
    assert_int_equal(rig_dialling(), 1);
    dials_to(0, "192.0.2.2", 5269);
    rig_release(0, &at);
    assert_int_equal(rig_dialling(), 2);
    dials_to(1, "192.0.2.1", 5269);
}

static void cancelled_while_names_are_asked(void **state)
{
    struct rig_user u = {0};
    struct xmb_addr at = rig_addr("192.0.2.1", 0);

    (void)state;
    rig.hold_addresses = 1;
    rig_route("b.test", "one.b.test", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    rig_release(0, &at);
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(u.failed + u.ended + u.ready, 0);
    assert_int_equal(rig.w->links->count, 0);
}

static void ip_domain_needs_no_route(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_lease(&u, "a.test", "192.0.2.77");
    dials_to(0, "192.0.2.77", 5269);
}

static void direct_tls_routes_where_they_may_be_used(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig.conf.security[S2_OUTSIDE].direct_tls = 0;
    rig_route("b.test", "192.0.2.1", 5270, XMB_ROUTE_TLS);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    dials_to(0, "192.0.2.2", 5269);
    xmb_fakehost_advance(5000);
    assert_int_equal(rig_dialling(), 1);
}

static void only_direct_tls_and_no_tls(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig.conf.security[S2_OUTSIDE].mode = S2_NO_TLS;
    rig_route("b.test", "192.0.2.1", 5270, XMB_ROUTE_TLS);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_TLS);
}

static void federation_is_off(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig.conf.enabled = 0;
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_IDLE);
}

/* --- ourselves ------------------------------------------------------------------------------- */

static void own_listener_is_not_dialled(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_listen(S2_OUTSIDE, "192.0.2.1", 5269);
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_NO_DOMAIN);
    assert_non_null(strstr(u.text, "our own"));
}

static void own_address_with_another_port_is_a_peer(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_listen(S2_OUTSIDE, "192.0.2.1", 5269);
    rig_route("b.test", "192.0.2.1", 5279, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
}

static void own_ipv6_listener(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_listen(S2_INSIDE, "2001:db8::1", 5269);
    rig_route("b.test", "2001:db8::1", 5269, 0);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
    dials_to(0, "192.0.2.2", 5269);
}

static void own_wildcard_listener_shows_when_connected(void **state)
{
    struct rig_user u = {0};
    struct xmb_conn *c;

    (void)state;
    rig_listen(S2_OUTSIDE, NULL, 5269);
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig.local_end = rig_addr("192.0.2.1", 40000);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    assert_non_null(xmb_fakehost_closed(c));
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_NO_DOMAIN);
}

/* --- inside ---------------------------------------------------------------------------------- */

static void servers_of_a_local_domain_are_spread(void **state)
{
    struct rig_user one = {0}, two = {0};

    (void)state;
    rig_server(0, "10.0.0.5", NULL, 5269);
    rig_server(0, "10.0.0.6", NULL, 5270);
    rig_lease_on(&one, S2_INSIDE, "b.test", "a.test");
    rig_lease_on(&two, S2_INSIDE, "d.test", "a.test");
    xmb_fakehost_advance(0);
    assert_int_equal(rig_dialling(), 2);
    assert_true(rig_dial(0)->address.port != rig_dial(1)->address.port);
}

static void server_that_failed_is_tried_last(void **state)
{
    struct rig_user u = {0};
    uint16_t bad;
    unsigned i;

    (void)state;
    rig_server(0, "10.0.0.5", NULL, 5269);
    rig_server(0, "10.0.0.6", NULL, 5270);
    rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    bad = rig_dial(0)->address.port;
    rig_refuse(0);
    assert_int_equal(rig_dialling(), 1);
    assert_true(rig_dial(0)->address.port != bad);
    rig_refuse(0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_UNREACHABLE);
    assert_int_equal(rig.forgets, 0); /* the router knows nothing of the inside */
    xmb_fakehost_advance(LINK_FAILED_MS + 1);
    rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    bad = rig_dial(0)->address.port;
    rig_refuse(0);
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    for (i = 0; i < 4; i++) {
        rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
        xmb_fakehost_advance(0);
        assert_true(rig_dial(0)->address.port != bad);
        s2_lease_close(u.lease);
        xmb_fakehost_advance(0);
        assert_int_equal(rig_dialling(), 0);
    }
}

static void server_by_name(void **state)
{
    struct xmb_addr at = rig_addr("10.0.0.9", 0);
    struct rig_user u = {0};

    (void)state;
    xmb_fakehost_hosts("im.inside", &at, 1);
    rig_server(0, NULL, "im.inside", 5299);
    rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    dials_to(0, "10.0.0.9", 5299);
}

static void local_domain_without_a_server(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_lease_on(&u, S2_INSIDE, "b.test", "a.test");
    xmb_fakehost_advance(0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_NO_DOMAIN);
    rig_lease_on(&u, S2_INSIDE, "b.test", "gone.test");
    xmb_fakehost_advance(0);
    assert_int_equal(u.failed, 1);
}

/* --- attempts -------------------------------------------------------------------------------- */

static void next_attempt_after_250_ms(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
    xmb_fakehost_advance(249);
    assert_int_equal(rig_dialling(), 1);
    xmb_fakehost_advance(1);
    assert_int_equal(rig_dialling(), 2);
}

static void next_attempt_at_once_after_a_failure(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route_priority(1);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    rig_refuse(0);
    assert_int_equal(rig_dialling(), 1);
    dials_to(0, "192.0.2.2", 5269);
    rig_refuse(0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_UNREACHABLE);
    assert_int_equal(u.condition, S2_C_REMOTE_SERVER_TIMEOUT);
    assert_int_equal(rig.forgets, 1);
}

static void first_that_connects_wins(void **state)
{
    struct rig_user u = {0};
    struct xmb_conn *c;

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route_priority(1);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    xmb_fakehost_advance(250);
    c = rig_connect(1);
    assert_non_null(c);
    assert_true(rig.dials[0].cancelled);
    assert_int_equal(rig_dialling(), 0);
    assert_string_equal(s2_lease_peer(u.lease), "192.0.2.2:5269");
    /* The loser had not failed: when the winner does not get through, it has its turn. */
    xmb_fakehost_hangup(c, "reset by peer");
    xmb_fakehost_advance(0);
    assert_int_equal(rig_dialling(), 1);
    dials_to(0, "192.0.2.1", 5269);
}

static void attempts_have_one_budget(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    xmb_fakehost_advance(19999);
    assert_int_equal(u.failed, 0);
    xmb_fakehost_advance(1);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_UNREACHABLE);
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(rig.w->links->count, 0);
}

static void attempts_have_a_bound(void **state)
{
    struct xmb_addr at[XMB_ROUTES_MAX];
    struct rig_user u = {0};
    char host[32];
    unsigned i, j, n = 0;

    (void)state;
    for (i = 0; i < 4; i++) {
        for (j = 0; j < XMB_ROUTES_MAX; j++) {
            at[j] = rig_addr("198.51.100.1", 0);
            at[j].ip[3] = (uint8_t)j;
            at[j].ip[2] = (uint8_t)i;
        }
        snprintf(host, sizeof(host), "h%u.b.test", i);
        xmb_fakehost_hosts(host, at, XMB_ROUTES_MAX);
        rig_route("b.test", i == 0 ? "h0.b.test" : i == 1 ? "h1.b.test" : i == 2 ? "h2.b.test"
                                                                                 : "h3.b.test",
                  5269, 0);
    }
    rig_lease(&u, "a.test", "b.test");
    xmb_fakehost_run();
    while (rig_dialling() > 0) {
        rig_refuse(0);
        n++;
    }
    assert_int_equal(n, LINK_ATTEMPTS_MAX);
    assert_int_equal(u.failed, 1);
}

static void dial_that_is_refused_here(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig.dial_rc = XMB_ELIMIT;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_UNREACHABLE);
}

static void closed_while_connecting(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    assert_int_equal(rig_dialling(), 0);
    assert_int_equal(rig.w->links->count, 0);
}

static void killed_while_connecting(void **state)
{
    struct rig_user u = {0};

    (void)state;
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    s2_lease_kill(u.lease, "enough");
    assert_int_equal(u.failed, 0);
    xmb_fakehost_advance(0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, S2_FAIL_LOST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(route_with_address_is_dialled),
        TEST(nothing_happens_before_open_returned),
        TEST(unknown_domain),
        TEST(domain_that_refuses_federation),
        TEST(resolver_timeout),
        TEST(too_many_lookups),
        TEST(nobody_knows_it_later),
        TEST(names_are_resolved_with_both_families),
        TEST(name_without_an_address),
        TEST(slow_name_is_waited_for_a_little),
        TEST(cancelled_while_names_are_asked),
        TEST(ip_domain_needs_no_route),
        TEST(direct_tls_routes_where_they_may_be_used),
        TEST(only_direct_tls_and_no_tls),
        TEST(federation_is_off),
        TEST(own_listener_is_not_dialled),
        TEST(own_address_with_another_port_is_a_peer),
        TEST(own_ipv6_listener),
        TEST(own_wildcard_listener_shows_when_connected),
        TEST(servers_of_a_local_domain_are_spread),
        TEST(server_that_failed_is_tried_last),
        TEST(server_by_name),
        TEST(local_domain_without_a_server),
        TEST(next_attempt_after_250_ms),
        TEST(next_attempt_at_once_after_a_failure),
        TEST(first_that_connects_wins),
        TEST(attempts_have_one_budget),
        TEST(attempts_have_a_bound),
        TEST(dial_that_is_refused_here),
        TEST(closed_while_connecting),
        TEST(killed_while_connecting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
