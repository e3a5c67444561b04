/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_register.c - Register: credentials, versions and domains, and the order in which they
 * are looked at: sections 2.2 and 2.6 of the protocol notes, and 2.11.
 */
#include "xmcp_peer.h"

#include <string.h>

static struct peer a;
static struct peer b;

/* --- credentials ----------------------------------------------------------------------------- */

static void anonymous_is_challenged(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, NULL);
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
    assert_true(a.msg.have & XMCP_HAVE_REALM);
    assert_int_equal(strlen(a.nonce), 32);
    assert_false(a.msg.have & XMCP_HAVE_INTEGRITY);
}

static void nonce_of_a_401_serves(void **state)
{
    char nonce[256];

    anonymous_is_challenged(state);
    strcpy(nonce, a.nonce);
    peer_open(&b, "ann");
    xmb_fakehost_hangup(b.conn, "not needed");
    a.user = "ann";
    a.mac = b.mac;
    a.form = b.form;
    send_register(&a);
    expect_success(&a, XMCP_REGISTER);
    assert_string_equal(a.nonce, nonce);
}

static void half_of_credentials_is_401(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    add_user("", 0);
    peer_open(&a, "ann");
    begin_bare(&a, XMCP_REGISTER);
    xmcp_put_text(&a.w, XMCP_ATTR_USERNAME, "ann", 3);
    send_unsigned(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
    begin_bare(&a, XMCP_REGISTER);
    send_request(&a);
    expect_nothing(&a); /* the second one is held back */
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
}

static void success_says_all(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", XMB_SETTING_KEEPALIVE_MS, 60000, 0);
    peer_register(&a, "ann");
    assert_int_not_equal(a.handle, 0);
    assert_int_equal(a.msg.keepalive_ms, 60000);
    assert_int_equal(a.msg.version_major, 2);
    assert_int_equal(a.msg.page_size, 10);
    assert_int_equal(a.msg.domain, 7177);
    assert_true(a.msg.have & XMCP_HAVE_REALM);
    assert_true(a.msg.have & XMCP_HAVE_NONCE);
    assert_int_equal(metric("clients"), 1);
}

static void unknown_user_and_wrong_password(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, "bob");
    send_register(&a);
    expect_nothing(&a);
    xmb_fakehost_advance(999);
    expect_nothing(&a);
    xmb_fakehost_advance(1);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNKNOWN_USERNAME);
    assert_false(a.msg.have & XMCP_HAVE_INTEGRITY);
    a.user = "ann"; /* with bob's key */
    send_register(&a);
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_INTEGRITY_FAILURE);
    assert_false(a.msg.have & XMCP_HAVE_INTEGRITY);
    send_register(&a); /* the third failure of this address */
    xmb_fakehost_advance(1999);
    expect_nothing(&a);
    xmb_fakehost_advance(1);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_INTEGRITY_FAILURE);
    assert_int_equal(metric("register_failures"), 3);
    assert_int_equal(xmb_fakehost_principals(), 1); /* the one in the table of users */
}

/* A stranger cannot find out who exists: same code, same words, same delay. */
static void unknown_users_hidden(void **state)
{
    char words[64];

    (void)state;
    host_open("<unknown-users hide='yes'/>");
    add_user("ann", 0);
    peer_open(&a, "bob");
    send_register(&a);
    xmb_fakehost_advance(999);
    expect_nothing(&a);
    xmb_fakehost_advance(1);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_INTEGRITY_FAILURE);
    assert_true(a.msg.error_reason.bytes < sizeof(words));
    memcpy(words, a.msg.error_reason.data, a.msg.error_reason.bytes);
    words[a.msg.error_reason.bytes] = '\0';
    a.user = "ann"; /* with bob's key */
    send_register(&a);
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_INTEGRITY_FAILURE);
    assert_int_equal(a.msg.error_reason.bytes, strlen(words));
    assert_memory_equal(a.msg.error_reason.data, words, strlen(words));
    assert_int_equal(xmb_fakehost_check(host_module(), "<unknown-users hide='maybe'/>"), XMB_ECONF);
}

/* While an answer is held back nothing else is read. */
static void held_back_in_order(void **state)
{
    (void)state;
    host_open("");
    peer_open(&a, "bob");
    send_register(&a);
    begin(&a, XMCP_KEEPALIVE);
    send_request(&a);
    assert_true(xmb_fakehost_paused(a.conn));
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNKNOWN_USERNAME);
    expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_UNREGISTERED);
    assert_false(xmb_fakehost_paused(a.conn));
}

static void late_verdicts(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    xmb_fakehost_late(1);
    peer_register(&a, "ann");
    peer_open(&b, "ann");
    begin_bare(&b, XMCP_REGISTER);
    xmcp_put_text(&b.w, XMCP_ATTR_USERNAME, "ann", 3);
    {
        size_t bytes = 0;

        assert_int_equal(xmcp_write_finish(&b.w, &b.mac, b.form, &bytes), 0);
        xmb_fakehost_feed(b.conn, (struct xmb_str){(const char *)b.out, bytes});
    }
    assert_true(xmb_fakehost_paused(b.conn));
    xmb_fakehost_hangup(b.conn, "while it was asked");
    xmb_fakehost_run();
    assert_int_equal(metric("clients"), 1);
}

/* The configuration changes while policy is asked: what it answers is of the former one. */
static void asked_again_after_reload(void **state)
{
    const struct xmb_protocol *protocol = xmcp_LTX_xmb_plugin.protocol;
    size_t bytes = 0;

    (void)state;
    host_open("");
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    xmb_fakehost_late(1);
    peer_open(&a, "ann");
    begin_bare(&a, XMCP_REGISTER);
    xmcp_put_text(&a.w, XMCP_ATTR_USERNAME, "ann", 3);
    assert_int_equal(xmcp_write_finish(&a.w, &a.mac, a.form, &bytes), 0);
    xmb_fakehost_feed(a.conn, (struct xmb_str){(const char *)a.out, bytes});
    assert_true(xmb_fakehost_paused(a.conn));
    xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, XMB_DENY_UNKNOWN_USER);
    protocol->policy_changed(xmb_fakehost_wself(host_module()));
    xmb_fakehost_run();
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNKNOWN_USERNAME);
    assert_int_equal(metric("clients"), 0);
    xmb_fakehost_verdict(0, 0, 0);
    peer_registers(&a);
}

static void denials_by_reason(void **state)
{
    static const struct {
        uint32_t reason;
        unsigned code;
    } rows[] = {
        {XMB_DENY_UNKNOWN_USER, XMCP_CODE_UNKNOWN_USERNAME},
        {XMB_DENY_SILENCE, XMCP_CODE_UNKNOWN_USERNAME},
        {XMB_DENY_CREDENTIALS, XMCP_CODE_INTEGRITY_FAILURE},
        {XMB_DENY_LATE, XMCP_CODE_RESPONDER_ERROR},
        {XMB_DENY_FAILED, XMCP_CODE_RESPONDER_ERROR},
    };
    size_t i;

    (void)state;
    host_open("");
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, rows[i].reason);
        peer_open(&a, "ann");
        send_register(&a);
        xmb_fakehost_advance(2000);
        expect_error(&a, XMCP_REGISTER, rows[i].code);
    }
}

static void accept_is_asked(void **state)
{
    (void)state;
    host_open("");
    xmb_fakehost_verdict(XMB_POINT_ACCEPT, XMB_DENY, XMB_DENY_POLICY);
    peer_open_from(&a, NULL, "198.51.100.7");
    assert_null(a.conn);
    assert_int_equal(metric("refused_list"), 1);
}

/* --- versions and domains -------------------------------------------------------------------- */

static void versions(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, "ann");
    a.major = 3;
    send_register(&a);
    xmb_fakehost_advance(1000);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNSUPPORTED_VERSION);
    assert_int_equal(a.msg.version_major, 2);
    a.major = 1;
    peer_registers(&a);
    assert_int_equal(a.msg.version_major, 1);
    a.major = 3;
    a.handle = 0;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNSUPPORTED_VERSION);
    a.major = 2;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_ALREADY_REGISTERED);
}

static void domain_for(const char *user, uint32_t asked, unsigned code, uint32_t domain)
{
    peer_open(&a, user);
    a.domain = asked;
    if (code == 0) {
        peer_registers(&a);
        assert_int_equal(a.msg.domain, domain);
        return;
    }
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    send_register(&a);
    xmb_fakehost_advance(2000);
    expect_error(&a, XMCP_REGISTER, code);
    assert_int_equal(a.msg.domain, domain);
    assert_true(a.msg.have & XMCP_HAVE_INTEGRITY);
}

static void domains(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    add_user("dan", XMB_SETTING_DOMAIN, 100, 0);
    add_user("oli", XMB_SETTING_DOMAIN, 200, XMB_SETTING_DOMAIN_ONLY, 1, 0);
    domain_for("ann", 0, 0, 7177);
    domain_for("ann", 5, 0, 5);
    domain_for("ann", 65536, XMCP_CODE_FORBIDDEN_DOMAIN, 7177);
    domain_for("dan", 0, 0, 100);
    domain_for("dan", 7, 0, 7);
    domain_for("oli", 0, 0, 200);
    domain_for("oli", 200, 0, 200);
    domain_for("oli", 100, XMCP_CODE_FORBIDDEN_DOMAIN, 200);
    assert_int_equal(metric("clients"), 6);
}

/* --- two faults in one Register: which is told ----------------------------------------------- */

static void refused_with(struct peer *p, unsigned code)
{
    send_register(p);
    xmb_fakehost_advance(2000);
    expect_error(p, XMCP_REGISTER, code);
}

static void without_credentials(struct peer *p, unsigned code)
{
    begin_bare(p, XMCP_REGISTER);
    xmcp_put_version(&p->w, p->major, 0);
    send_unsigned(p);
    xmb_fakehost_advance(2000);
    expect_error(p, XMCP_REGISTER, code);
}

/* 478, 477, 401, 436: each against the next ones. */
static void order_of_who_it_is(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, "bob");
    a.major = 3;
    refused_with(&a, XMCP_CODE_UNSUPPORTED_VERSION); /* of a user whom nobody knows */
    without_credentials(&a, XMCP_CODE_UNSUPPORTED_VERSION);
    a.major = 2;
    refused_with(&a, XMCP_CODE_UNKNOWN_USERNAME);
    begin_bare(&a, XMCP_REGISTER);
    xmcp_put_text(&a.w, XMCP_ATTR_USERNAME, "bob", 3);
    send_unsigned(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
    peer_register(&b, "ann");
    without_credentials(&b, XMCP_CODE_ALREADY_REGISTERED);
    b.user = "bob";
    refused_with(&b, XMCP_CODE_ALREADY_REGISTERED);
    b.major = 3;
    refused_with(&b, XMCP_CODE_UNSUPPORTED_VERSION);
    assert_int_equal(metric("clients"), 1);
}

/* 431, 435, 500, 479: each against the next ones, where there is place for one client. */
static void order_of_what_it_may(void **state)
{
    struct peer first;

    (void)state;
    host_open("<max-clients total='1'/>");
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    add_user("oli", XMB_SETTING_DOMAIN, 200, XMB_SETTING_DOMAIN_ONLY, 1, XMB_SETTING_NONCE,
             XMB_NONCE_REQUIRED, 0);
    peer_register(&first, "ann");
    peer_open(&b, "ann");
    b.user = "oli"; /* with ann's key: no nonce, no place, and not this domain */
    b.domain = 100;
    refused_with(&b, XMCP_CODE_INTEGRITY_FAILURE);
    expect_open(&b);
    xmb_fakehost_hangup(b.conn, "gone"); /* total='1' is two connections */
    peer_open(&a, "oli");
    a.domain = 100;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    refused_with(&a, XMCP_CODE_RESPONDER_ERROR); /* it is full, and not this domain */
    expect_closed(&a);
    xmb_fakehost_hangup(first.conn, "gone");
    peer_open(&a, "oli");
    a.domain = 100;
    send_register(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    refused_with(&a, XMCP_CODE_FORBIDDEN_DOMAIN);
    assert_int_equal(metric("clients"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(anonymous_is_challenged, close_host),
        cmocka_unit_test_teardown(nonce_of_a_401_serves, close_host),
        cmocka_unit_test_teardown(half_of_credentials_is_401, close_host),
        cmocka_unit_test_teardown(success_says_all, close_host),
        cmocka_unit_test_teardown(unknown_user_and_wrong_password, close_host),
        cmocka_unit_test_teardown(unknown_users_hidden, close_host),
        cmocka_unit_test_teardown(held_back_in_order, close_host),
        cmocka_unit_test_teardown(late_verdicts, close_host),
        cmocka_unit_test_teardown(asked_again_after_reload, close_host),
        cmocka_unit_test_teardown(denials_by_reason, close_host),
        cmocka_unit_test_teardown(accept_is_asked, close_host),
        cmocka_unit_test_teardown(versions, close_host),
        cmocka_unit_test_teardown(domains, close_host),
        cmocka_unit_test_teardown(order_of_who_it_is, close_host),
        cmocka_unit_test_teardown(order_of_what_it_may, close_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
