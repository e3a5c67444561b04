/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_nonces.c - what a client that is registered has to keep up, and how its session ends:
 * nonces, keepalives, Unregister and revocation: sections 2.4, 2.5 and 2.9 of the protocol notes.
 */
#include "xmcp_peer.h"

#include <string.h>

static struct peer a;
static struct peer b;

/* --- nonces ---------------------------------------------------------------------------------- */

static void keepalive(struct peer *p)
{
    begin(p, XMCP_KEEPALIVE);
    send_request(p);
}

/* Cisco's Java client: never sends NONCE, retries at once after a 435. */
static void auto_lets_in_who_knows_no_nonce(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, "ann");
    a.use_nonce = 0;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    assert_true(a.msg.have & XMCP_HAVE_INTEGRITY);
    send_register(&a);
    expect_success(&a, XMCP_REGISTER);
    assert_false(a.msg.have & XMCP_HAVE_NONCE);
    a.handle = a.msg.client_handle;
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
}

static void once_used_always_needed(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    a.use_nonce = 0;
    keepalive(&a);
    expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_NONCE_REQUIRED);
    assert_true(a.msg.have & XMCP_HAVE_REALM);
    a.use_nonce = 1;
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
}

static void required_and_none(void **state)
{
    (void)state;
    host_open("");
    add_user("req", XMB_SETTING_NONCE, XMB_NONCE_REQUIRED, 0);
    add_user("non", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    peer_open(&a, "req");
    a.use_nonce = 0;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    send_register(&a);
    expect_nothing(&a);
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    a.use_nonce = 1;
    send_register(&a);
    expect_success(&a, XMCP_REGISTER);
    peer_open(&b, "non");
    strcpy(b.nonce, "whatever"); /* looked at by nobody */
    send_register(&b);
    expect_success(&b, XMCP_REGISTER);
    assert_false(b.msg.have & XMCP_HAVE_NONCE);
}

static void nonces_are_bound_to_the_connection(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    peer_open(&b, "ann");
    strcpy(b.nonce, a.nonce);
    send_register(&b);
    expect_error(&b, XMCP_REGISTER, XMCP_CODE_STALE_NONCE);
    send_register(&b);
    expect_success(&b, XMCP_REGISTER);
}

static void nonces_are_renewed(void **state)
{
    char first[256];
    int i;

    (void)state;
    host_open("");
    add_user("ann", XMB_SETTING_NONCE_LIFETIME_MS, 100000, 0);
    peer_register(&a, "ann");
    strcpy(first, a.nonce);
    for (i = 0; i < 2; i++) {
        xmb_fakehost_advance(20000);
        keepalive(&a);
        expect_success(&a, XMCP_KEEPALIVE);
        assert_false(a.msg.have & XMCP_HAVE_NONCE);
    }
    xmb_fakehost_advance(10000); /* half its life */
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
    assert_true(a.msg.have & XMCP_HAVE_NONCE);
    assert_string_not_equal(a.nonce, first);
    {
        char next[256];

        strcpy(next, a.nonce);
        strcpy(a.nonce, first); /* both are good, and the next is offered again */
        keepalive(&a);
        expect_success(&a, XMCP_KEEPALIVE);
        assert_string_equal(a.nonce, next);
    }
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
    assert_false(a.msg.have & XMCP_HAVE_NONCE);
    for (i = 0; i < 2; i++) {
        xmb_fakehost_advance(25000);
        keepalive(&a);
        expect_success(&a, XMCP_KEEPALIVE);
    }
    strcpy(a.nonce, first); /* too old now */
    keepalive(&a);
    expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_STALE_NONCE);
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
}

/* --- keepalives and the end ------------------------------------------------------------------ */

static void keepalive_forms(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    begin(&a, XMCP_REGISTER);
    xmcp_put_u32(&a.w, XMCP_ATTR_PAGE_SIZE, 3);
    send_request(&a);
    expect_success(&a, XMCP_REGISTER);
    assert_int_equal(a.msg.client_handle, a.handle);
    assert_int_equal(a.msg.keepalive_ms, 30000);
    keepalive(&a);
    expect_success(&a, XMCP_KEEPALIVE);
    assert_int_equal(a.msg.keepalive_ms, 30000);
    assert_contains(command("show service-routing xmcp clients", "detail", NULL), "window=3\n");
}

static void silence_ends_a_session(void **state)
{
    int i;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    for (i = 0; i < 3; i++) {
        xmb_fakehost_advance(29000);
        keepalive(&a);
        expect_success(&a, XMCP_KEEPALIVE);
    }
    xmb_fakehost_advance(30000);
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    assert_int_equal(a.msg.client_handle, a.handle);
    assert_int_equal(metric("clients"), 0);
    expect_open(&a);
    xmb_fakehost_advance(1000);
    expect_closed(&a);
    assert_int_equal(metric("keepalive_timeouts"), 1);
}

static void unregister(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    begin(&a, XMCP_UNREGISTER);
    send_request(&a);
    expect_success(&a, XMCP_UNREGISTER);
    assert_int_equal(metric("clients"), 0);
    keepalive(&a); /* too late: not read any more */
    expect_nothing(&a);
    xmb_fakehost_advance(999);
    expect_open(&a);
    xmb_fakehost_advance(1);
    expect_closed(&a);
}

static void answer_to_revoke_closes_at_once(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    peer_open(&b, NULL);
    xmb_fakehost_drain(host_module(), 5000);
    expect_closed(&b); /* never registered: nothing to revoke */
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    expect_open(&a);
    send_notified(&a);
    expect_closed(&a);
}

static void removed_user_is_revoked(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    assert_int_equal(xmb_fakehost_configure(host_module(), "<listen/>"), 0);
    expect_nothing(&a);
    xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, XMB_DENY_FAILED);
    assert_int_equal(xmb_fakehost_configure(host_module(), "<listen/>"), 0);
    expect_nothing(&a); /* a module that fails says nothing about the user */
    xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, XMB_DENY_UNKNOWN_USER);
    assert_int_equal(xmb_fakehost_configure(host_module(), "<listen/><limits services='1'/>"), 0);
    xmb_fakehost_run();
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
}

/* The same after a reload that did not touch this module. */
static void removed_user_is_found(void **state)
{
    const struct xmb_protocol *protocol = xmcp_LTX_xmb_plugin.protocol;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, XMB_DENY_UNKNOWN_USER);
    protocol->policy_changed(xmb_fakehost_wself(host_module()));
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    assert_int_equal(metric("revokes"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(auto_lets_in_who_knows_no_nonce, close_host),
        cmocka_unit_test_teardown(once_used_always_needed, close_host),
        cmocka_unit_test_teardown(required_and_none, close_host),
        cmocka_unit_test_teardown(nonces_are_bound_to_the_connection, close_host),
        cmocka_unit_test_teardown(nonces_are_renewed, close_host),
        cmocka_unit_test_teardown(keepalive_forms, close_host),
        cmocka_unit_test_teardown(silence_ends_a_session, close_host),
        cmocka_unit_test_teardown(unregister, close_host),
        cmocka_unit_test_teardown(answer_to_revoke_closes_at_once, close_host),
        cmocka_unit_test_teardown(removed_user_is_revoked, close_host),
        cmocka_unit_test_teardown(removed_user_is_found, close_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
