/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_limits.c - how many may connect and register, and how soon: limits, strangers that say
 * nothing, and storms that are slowed down: sections 2.3 and 2.11 of the protocol notes.
 */
#include "xmcp_peer.h"

#include <stdio.h>

static struct peer a;
static struct peer b;

/* --- limits ---------------------------------------------------------------------------------- */

static void client_limit(void **state)
{
    (void)state;
    host_open("<max-clients total='1' unauthenticated='0'/>");
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    add_user("", 0);
    peer_open(&b, NULL);
    send_register(&b);
    xmb_fakehost_advance(1000);
    expect_error(&b, XMCP_REGISTER, XMCP_CODE_RESPONDER_ERROR);
    expect_closed(&b);
    peer_register(&a, "ann");
    peer_open(&b, "ann");
    send_register(&b);
    xmb_fakehost_advance(2000);
    expect_error(&b, XMCP_REGISTER, XMCP_CODE_RESPONDER_ERROR);
    expect_closed(&b);
    xmb_fakehost_hangup(a.conn, "gone");
    peer_register(&b, "ann");
}

static void connection_limit(void **state)
{
    struct peer c;

    (void)state;
    host_open("<max-clients total='1'/>");
    peer_open(&a, NULL);
    peer_open_from(&b, NULL, "192.0.2.2");
    peer_open_from(&c, NULL, "192.0.2.9");
    assert_null(c.conn);
    xmb_fakehost_hangup(a.conn, "gone");
    peer_open(&c, NULL);
}

/* Half of max-clients, of one address; the others are not touched by it, nor one who registered. */
static void silent_limit(void **state)
{
    struct peer c;

    (void)state;
    host_open("<max-clients total='4'/>");
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    peer_open(&a, "ann");
    peer_open(&b, NULL);
    peer_open_from(&c, NULL, "192.0.2.1");
    assert_null(c.conn);
    peer_open_from(&c, NULL, "192.0.2.9");
    assert_non_null(c.conn);
    peer_registers(&a);
    peer_open(&c, NULL);
    xmb_fakehost_hangup(b.conn, "gone");
    peer_open(&b, NULL);
}

/* Counters are shared by addresses; no address is refused for the silence of another. */
static void silent_limit_is_of_one_address(void **state)
{
    char text[32];
    struct peer c;
    unsigned i;

    (void)state;
    host_open("<max-clients total='4'/>");
    peer_open(&a, NULL);
    peer_open(&b, NULL);
    for (i = 0; i < 8000; i++) {
        snprintf(text, sizeof(text), "198.18.%u.%u", i / 250, i % 250 + 1);
        peer_open_from(&c, NULL, text);
        assert_non_null(c.conn);
        xmb_fakehost_forget(c.conn);
    }
    peer_open_from(&c, NULL, "192.0.2.1");
    assert_null(c.conn);
}

static void must_register_in_time(void **state)
{
    (void)state;
    host_open("<limits register-within='5s'/>");
    peer_open(&a, NULL);
    xmb_fakehost_advance(4999);
    expect_open(&a);
    xmb_fakehost_advance(1);
    expect_closed(&a);
    assert_int_equal(metric("register_timeouts"), 1);
}

static void storms_are_throttled(void **state)
{
    unsigned refused = 0;
    unsigned i;

    (void)state;
    host_open("");
    for (i = 0; i < 3; i++) {
        peer_open(&a, "bob");
        send_register(&a);
        xmb_fakehost_hangup(a.conn, "impatient");
    }
    for (i = 0; i < 60; i++) {
        peer_open_from(&a, "bob", "192.0.2.1");
        if (a.conn == NULL)
            refused++;
        else
            xmb_fakehost_forget(a.conn);
    }
    assert_int_equal(refused, 10);
    peer_open_from(&a, "bob", "192.0.2.2");
    assert_non_null(a.conn); /* somebody else is not hurt */
    xmb_fakehost_advance(61000);
    peer_open_from(&a, "bob", "192.0.2.1");
    assert_non_null(a.conn); /* and it is forgotten */
}

/* Going away after a challenge, over and over, is a storm as well. */
static void challenged_and_gone(void **state)
{
    unsigned i;

    (void)state;
    host_open("");
    for (i = 0; i < 3; i++) {
        peer_open(&a, NULL);
        send_register(&a);
        expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
        xmb_fakehost_hangup(a.conn, "gone");
    }
    peer_open(&a, "bob");
    send_register(&a);
    xmb_fakehost_advance(1999);
    expect_nothing(&a);
    xmb_fakehost_advance(1);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNKNOWN_USERNAME);
}

/* Connections that say nothing, or half of something, until their time is over. */
static void silent_ones_are_throttled(void **state)
{
    unsigned refused = 0;
    unsigned i;

    (void)state;
    host_open("");
    for (i = 0; i < 3; i++) {
        peer_open(&a, NULL);
        if (i > 0)
            send_bytes(&a, "\0\1\0", 3);
        xmb_fakehost_advance(10000);
        expect_closed(&a);
        xmb_fakehost_forget(a.conn);
    }
    for (i = 0; i < 60; i++) {
        peer_open_from(&a, NULL, "192.0.2.1");
        if (a.conn == NULL)
            refused++;
        else
            xmb_fakehost_forget(a.conn);
    }
    assert_int_equal(refused, 10);
    peer_open_from(&a, NULL, "192.0.2.2");
    assert_non_null(a.conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(client_limit, close_host),
        cmocka_unit_test_teardown(connection_limit, close_host),
        cmocka_unit_test_teardown(silent_limit, close_host),
        cmocka_unit_test_teardown(silent_limit_is_of_one_address, close_host),
        cmocka_unit_test_teardown(must_register_in_time, close_host),
        cmocka_unit_test_teardown(storms_are_throttled, close_host),
        cmocka_unit_test_teardown(challenged_and_gone, close_host),
        cmocka_unit_test_teardown(silent_ones_are_throttled, close_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
