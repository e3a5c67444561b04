/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_publish.c - Publish, Subscribe, Notify, Withdraw between sessions of the server plugin:
 * sections 2.6 to 2.9 of the protocol notes.
 */
#include "xmcp_peer.h"

#include <stdlib.h>
#include <string.h>

static struct peer a;
static struct peer b;
static struct peer c;

static void open_with_users(const char *settings)
{
    host_open(settings);
    add_user("ann", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    add_user("bob", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
}

static void publish(struct peer *p, uint16_t subservice, uint32_t version, const char *data,
                    unsigned code)
{
    send_publish(p, subservice, version, data);
    expect_answer(p, XMCP_PUBLISH, code);
}

static void subscribe(struct peer *p, uint16_t service, uint16_t subservice)
{
    send_subscribe(p, service, subservice);
    expect_success(p, XMCP_SUBSCRIBE);
    assert_int_not_equal(p->msg.subscription_id, 0);
}

/* --- versions and ownership ------------------------------------------------------------------ */

static void version_rules(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    publish(&a, 1, 5, "x", 0);
    publish(&a, 1, 5, "x", 0); /* a repeated request */
    publish(&a, 1, 5, "y", XMCP_CODE_VERSION_TOO_LOW);
    assert_int_equal(a.msg.service_version, 5);
    publish(&a, 1, 4, "x", XMCP_CODE_VERSION_TOO_LOW);
    publish(&a, 1, 6, "y", 0);
    send_unpublish(&a, 1);
    expect_success(&a, XMCP_UNPUBLISH);
    publish(&a, 1, 1, "z", 0); /* the version dies with the service */
    assert_int_equal(metric("services"), 1);
}

static void errors_of_publish(void **state)
{
    struct xmcp_identity wild = {101, XMCP_ANY16, {1, 2, 3, 4}};

    (void)state;
    open_with_users("<limits service-data='16' services='2'/>");
    peer_register(&a, "ann");
    publish(&a, 1, 1, "seventeen octets!", XMCP_CODE_TOO_LARGE);
    send_unpublish(&a, 1);
    expect_error(&a, XMCP_UNPUBLISH, XMCP_CODE_UNKNOWN_SERVICE);
    begin(&a, XMCP_UNPUBLISH);
    xmcp_put_identity(&a.w, &wild);
    send_request(&a);
    expect_error(&a, XMCP_UNPUBLISH, XMCP_CODE_INVALID_IDENTITY);
    begin(&a, XMCP_PUBLISH);
    xmcp_put_identity(&a.w, &wild);
    send_request(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_BAD_REQUEST); /* mandatory comes first */
    publish(&a, XMCP_ANY16, 1, "", XMCP_CODE_INVALID_IDENTITY);
    publish(&a, 1, 1, "", 0);
    publish(&a, 2, 1, "", 0);
    publish(&a, 3, 1, "", XMCP_CODE_RESPONDER_ERROR);
    publish(&a, 2, 2, "", 0); /* an update is no new one */
    send_unpublish(&a, 1);
    expect_success(&a, XMCP_UNPUBLISH);
    publish(&a, 3, 1, "", 0);
}

static void strangers_get_499(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    peer_register(&b, "bob");
    publish(&a, 1, 5, "ann's", 0);
    publish(&b, 1, 6, "bob's", XMCP_CODE_MISCELLANEOUS);
    send_unpublish(&b, 1);
    expect_error(&b, XMCP_UNPUBLISH, XMCP_CODE_UNKNOWN_SERVICE);
}

static void take_over(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    peer_register(&b, "ann");
    publish(&a, 1, 5, "old", 0);
    publish(&b, 1, 5, "old", 0);
    xmb_fakehost_run();
    expect(&a, XMCP_PUBLISH_REVOKE, XMCP_REQUEST);
    assert_int_equal(a.msg.identity.subservice, 1);
    assert_false(a.msg.have & XMCP_HAVE_SUBSCRIPTION_ID);
    publish(&a, 1, 6, "again", XMCP_CODE_MISCELLANEOUS);
    send_unpublish(&a, 1);
    expect_error(&a, XMCP_UNPUBLISH, XMCP_CODE_UNKNOWN_SERVICE);
    assert_int_equal(metric("services"), 1);
    xmb_fakehost_advance(25000);
    begin(&a, XMCP_KEEPALIVE);
    send_request(&a);
    expect_success(&a, XMCP_KEEPALIVE);
    begin(&b, XMCP_KEEPALIVE);
    send_request(&b);
    expect_success(&b, XMCP_KEEPALIVE);
    xmb_fakehost_advance(25000);
    publish(&a, 2, 1, "", 0);
    publish(&b, 3, 1, "", 0);
    xmb_fakehost_advance(10000); /* a minute is over */
    publish(&a, 1, 7, "mine", 0);
    expect(&b, XMCP_PUBLISH_REVOKE, XMCP_REQUEST);
}

static void publish_revoke_for_1_0(void **state)
{
    (void)state;
    open_with_users("");
    peer_open(&a, "ann");
    a.major = 1;
    peer_registers(&a);
    peer_register(&b, "ann");
    publish(&a, 1, 1, "", 0);
    publish(&b, 1, 2, "", 0);
    xmb_fakehost_run();
    expect(&a, XMCP_PUBLISH_REVOKE, XMCP_REQUEST);
    assert_true(a.msg.have & XMCP_HAVE_SUBSCRIPTION_ID);
    assert_int_equal(a.msg.subscription_id, 0);
}

/* Answers leave in the order of the requests, whatever the registry takes its time for. */
static void answers_keep_their_order(void **state)
{
    uint8_t both[4096];
    size_t bytes = 0;
    size_t n;
    unsigned i;

    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    for (i = 0; i < 40; i++) {
        struct xmcp_identity id = identity_of((uint16_t)(i == 3 ? XMCP_ANY16 : i));
        struct xmcp_transport t = {XMCP_FAMILY_IPV4, 1, {127}};

        begin(&a, i == 20 ? XMCP_KEEPALIVE : XMCP_PUBLISH);
        xmcp_put_identity(&a.w, &id);
        xmcp_put_transport(&a.w, &t);
        xmcp_put_protocol(&a.w, 6);
        xmcp_put_u32(&a.w, XMCP_ATTR_SERVICE_VERSION, 1);
        assert_int_equal(xmcp_write_finish(&a.w, &a.mac, a.form, &n), 0);
        if (bytes + n > sizeof(both)) {
            xmb_fakehost_feed(a.conn, (struct xmb_str){(char *)both, bytes});
            bytes = 0;
        }
        memcpy(both + bytes, a.out, n);
        bytes += n;
    }
    xmb_fakehost_feed(a.conn, (struct xmb_str){(char *)both, bytes});
    assert_true(xmb_fakehost_paused(a.conn));
    xmb_fakehost_run();
    for (i = 0; i < 40; i++) {
        expect(&a, i == 20 ? XMCP_KEEPALIVE : XMCP_PUBLISH, i == 3 ? XMCP_ERROR : XMCP_SUCCESS);
        assert_int_equal(a.msg.transaction[11], (uint8_t)(a.sequence - 39 + i));
    }
    expect_nothing(&a);
    assert_false(xmb_fakehost_paused(a.conn));
}

/* Revoked while its requests wait for the registry: its answer to that is still read. */
static void cleared_while_publishing(void **state)
{
    struct xmcp_identity id = identity_of(1);
    struct xmcp_transport t = {XMCP_FAMILY_IPV4, 1, {127}};
    size_t bytes = 0;
    unsigned i;

    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    for (i = 0; i < 40; i++) {
        begin(&a, XMCP_PUBLISH);
        xmcp_put_identity(&a.w, &id);
        xmcp_put_transport(&a.w, &t);
        xmcp_put_protocol(&a.w, 6);
        xmcp_put_u32(&a.w, XMCP_ATTR_SERVICE_VERSION, i);
        assert_int_equal(xmcp_write_finish(&a.w, &a.mac, a.form, &bytes), 0);
        xmb_fakehost_feed(a.conn, (struct xmb_str){(char *)a.out, bytes});
    }
    assert_true(xmb_fakehost_paused(a.conn));
    command("clear service-routing xmcp client", "all", NULL);
    assert_false(xmb_fakehost_paused(a.conn));
    xmb_fakehost_run();
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    expect_nothing(&a);
    send_notified(&a);
    expect_closed(&a);
    assert_int_equal(metric("services"), 0);
    assert_int_equal(xmb_fakehost_services(0), 0);
}

static void registry_without_room(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    xmb_fakehost_registry_error(XMB_EAGAIN);
    send_publish(&a, 1, 1, "x");
    send_subscribe(&a, 101, XMCP_ANY16);
    expect_nothing(&a);
    assert_true(xmb_fakehost_paused(a.conn));
    xmb_fakehost_advance(100);
    expect_nothing(&a);
    xmb_fakehost_registry_error(0);
    xmb_fakehost_advance(100);
    expect_success(&a, XMCP_PUBLISH);
    expect_success(&a, XMCP_SUBSCRIBE);
    expect_notify(&a, 1, 1);
    xmb_fakehost_registry_error(XMB_ENOMEM);
    send_subscribe(&a, 101, 1);
    expect_error(&a, XMCP_SUBSCRIBE, XMCP_CODE_RESPONDER_ERROR);
}

/* --- notifying ------------------------------------------------------------------------------- */

static void what_a_notify_says(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    peer_register(&b, "bob");
    subscribe(&b, 101, XMCP_ANY16);
    publish(&a, 1, 7, "data", 0);
    expect_notify(&b, 1, 7);
    assert_int_equal(b.msg.subscription_id, 1);
    assert_int_equal(b.msg.service_protocol, 6);
    assert_int_equal(b.msg.transport.port, 5060);
    assert_int_equal(b.msg.service_data.bytes, 4);
    assert_memory_equal(b.msg.service_data.data, "data", 4);
    assert_true(b.msg.have & XMCP_HAVE_FLAGS);
    assert_true(b.msg.have & XMCP_HAVE_INTEGRITY);
    send_notified(&b);
    publish(&a, 1, 8, "", 0);
    expect_notify(&b, 1, 8);
    assert_true(b.msg.have & XMCP_HAVE_SERVICE_DATA); /* empty, not left out */
    send_notified(&b);
    send_unpublish(&a, 1);
    expect_success(&a, XMCP_UNPUBLISH);
    expect_withdraw(&b, 1, XMCP_REMOVED_SOURCE);
    send_notified(&b);
    publish(&a, 2, 1, "", 0);
    expect_notify(&b, 2, 1);
    send_notified(&b);
    xmb_fakehost_hangup(a.conn, "gone");
    xmb_fakehost_run();
    expect_withdraw(&b, 2, XMCP_REMOVED_NETWORK);
}

static void one_encoding_for_all(void **state)
{
    struct peer *many = calloc(20, sizeof(*many));
    char data[3000];
    unsigned i;

    (void)state;
    assert_non_null(many);
    open_with_users("");
    memset(data, 'x', sizeof(data));
    data[sizeof(data) - 1] = '\0';
    peer_register(&a, "ann");
    for (i = 0; i < 20; i++) {
        peer_open(&many[i], i % 3 == 0 ? "bob" : "ann");
        many[i].major = i % 2 ? 1 : 2;
        many[i].form.padding = (uint8_t)(i / 2 % 2);
        many[i].form.digest = i % 5 == 0 ? XMCP_DIGEST_SHA256 : XMCP_DIGEST_SHA1;
        peer_registers(&many[i]);
        subscribe(&many[i], 101, XMCP_ANY16);
    }
    xmb_fakehost_advance(300);
    publish(&a, 1, 1, "short", 0);
    publish(&a, 2, 1, data, 0); /* shared, not copied */
    assert_int_equal(metric("notify_encodings"), 2);
    for (i = 0; i < 20; i++) {
        expect_notify(&many[i], 1, 1);
        assert_int_equal((many[i].msg.have & XMCP_HAVE_FLAGS) != 0, i % 2 == 0);
        assert_int_equal(many[i].msg.integrity.bytes, i % 5 == 0 ? 32 : 20);
        expect_notify(&many[i], 2, 1);
        assert_int_equal(many[i].msg.service_data.bytes, sizeof(data) - 1);
    }
    free(many);
}

static void first_notify_of_1_0_waits(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    publish(&a, 1, 1, "", 0);
    peer_open(&b, "bob");
    b.major = 1;
    peer_registers(&b);
    subscribe(&b, 101, XMCP_ANY16);
    xmb_fakehost_advance(299);
    expect_nothing(&b);
    xmb_fakehost_advance(1);
    expect_notify(&b, 1, 1);
    assert_false(b.msg.have & XMCP_HAVE_FLAGS);
    send_notified(&b);
    publish(&a, 1, 2, "", 0);
    expect_notify(&b, 1, 2); /* only the first one waits */
    peer_register(&c, "bob");
    subscribe(&c, 101, XMCP_ANY16);
    xmb_fakehost_run();
    expect_notify(&c, 1, 2); /* 2.0 does not wait */
}

static void window(void **state)
{
    unsigned i;

    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    for (i = 1; i <= 7; i++)
        publish(&a, (uint16_t)i, 1, "", 0);
    peer_open(&b, "bob");
    b.page_size = 3;
    peer_registers(&b);
    subscribe(&b, 101, XMCP_ANY16);
    xmb_fakehost_run();
    for (i = 0; i < 3; i++)
        expect(&b, XMCP_NOTIFY, XMCP_REQUEST);
    expect_nothing(&b);
    for (i = 0; i < 4; i++) {
        send_notified(&b); /* the last one: out of order for the others */
        expect(&b, XMCP_NOTIFY, XMCP_REQUEST);
        expect_nothing(&b);
    }
    send_notified(&b);
    expect_nothing(&b);
    send_notified(&b); /* answers nothing now */
    assert_int_equal(metric("unmatched_responses"), 1);
}

/* Changed twice before it could leave: sent once, with the newest content. */
static void newest_only(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    peer_open(&b, "bob");
    b.page_size = 0;
    peer_registers(&b);
    subscribe(&b, 101, XMCP_ANY16);
    publish(&a, 1, 1, "", 0);
    publish(&a, 1, 2, "", 0);
    publish(&a, 2, 1, "", 0);
    send_unpublish(&a, 2);
    expect_success(&a, XMCP_UNPUBLISH);
    expect_nothing(&b); /* PAGE-SIZE 0 holds all */
    begin(&b, XMCP_KEEPALIVE);
    xmcp_put_u32(&b.w, XMCP_ATTR_PAGE_SIZE, 1000);
    send_request(&b);
    expect_success(&b, XMCP_KEEPALIVE);
    expect_notify(&b, 1, 2);
    expect_nothing(&b);
}

/* Two keepalive intervals' worth of both clients saying no more than that they are there. */
static void half_a_minute(void)
{
    unsigned i;

    for (i = 0; i < 2; i++) {
        xmb_fakehost_advance(10000);
        stay(&a);
        stay(&b);
    }
    xmb_fakehost_advance(10000);
}

/* `count` services of ann, and bob with a window of one. */
static void one_at_a_time(unsigned count)
{
    unsigned i;

    open_with_users("");
    peer_register(&a, "ann");
    peer_open(&b, "bob");
    b.page_size = 1;
    peer_registers(&b);
    subscribe(&b, 101, XMCP_ANY16);
    for (i = 1; i <= count; i++)
        publish(&a, (uint16_t)i, 1, "", 0);
}

static void unanswered_ones_end_the_session(void **state)
{
    unsigned i;

    (void)state;
    one_at_a_time(4);
    for (i = 1; i <= 3; i++) {
        expect(&b, XMCP_NOTIFY, XMCP_REQUEST);
        expect_nothing(&b);
        half_a_minute();
    }
    expect(&b, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    assert_int_equal(metric("notify_timeouts"), 3);
    assert_int_equal(metric("clients"), 1);
}

static void an_answer_in_between_forgives(void **state)
{
    unsigned i;

    (void)state;
    one_at_a_time(6);
    for (i = 1; i <= 5; i++) {
        expect(&b, XMCP_NOTIFY, XMCP_REQUEST);
        if (i == 3)
            send_notified(&b);
        else
            half_a_minute();
    }
    expect_notify(&b, 6, 1);
    expect_open(&b);
    assert_int_equal(metric("notify_timeouts"), 4);
    assert_int_equal(metric("clients"), 2);
}

static void bad_response_is_dropped(void **state)
{
    (void)state;
    one_at_a_time(2);
    expect_notify(&b, 1, 1);
    xmcp_write_begin(&b.w, b.out, sizeof(b.out), XMCP_NOTIFY, XMCP_SUCCESS, b.msg.transaction);
    send_unsigned(&b);
    expect_nothing(&b);
    assert_int_equal(metric("bad_responses"), 1);
    send_notified(&b);
    expect_notify(&b, 2, 1);
    xmcp_write_begin(&b.w, b.out, sizeof(b.out), XMCP_NOTIFY, XMCP_ERROR, b.msg.transaction);
    xmcp_put_error(&b.w, 500, NULL);
    send_request(&b); /* an error is an answer, too */
    publish(&a, 3, 1, "", 0);
    expect_notify(&b, 3, 1);
    assert_int_equal(metric("notify_refused"), 1);
    assert_int_equal(metric("unmatched_responses"), 0);
}

static void patterns(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    publish(&a, 1, 1, "", 0);
    publish(&a, 2, 1, "", 0);
    subscribe(&a, 101, 2);
    xmb_fakehost_run();
    expect_notify(&a, 2, 1);
    send_notified(&a);
    subscribe(&a, 102, XMCP_ANY16);
    xmb_fakehost_run();
    expect_nothing(&a);
    subscribe(&a, XMCP_ANY16, 1);
    assert_int_equal(a.msg.subscription_id, 3);
    xmb_fakehost_run();
    expect_notify(&a, 1, 1);
    assert_int_equal(a.msg.subscription_id, 3);
    send_notified(&a);
    begin(&a, XMCP_UNSUBSCRIBE);
    xmcp_put_u32(&a.w, XMCP_ATTR_SUBSCRIPTION_ID, 3);
    send_request(&a);
    expect_success(&a, XMCP_UNSUBSCRIBE);
    begin(&a, XMCP_UNSUBSCRIBE);
    xmcp_put_u32(&a.w, XMCP_ATTR_SUBSCRIPTION_ID, 3);
    send_request(&a);
    expect_error(&a, XMCP_UNSUBSCRIBE, XMCP_CODE_UNKNOWN_SUBSCRIPTION);
    publish(&a, 1, 2, "", 0);
    expect_nothing(&a);
    assert_int_equal(metric("subscriptions"), 2);
}

static void subscribe_again_replaces(void **state)
{
    struct xmcp_identity id = {101, 1, {XMCP_ANY32, XMCP_ANY32, XMCP_ANY32, XMCP_ANY32}};

    (void)state;
    open_with_users("<limits subscriptions='1'/>");
    peer_register(&a, "ann");
    publish(&a, 1, 1, "", 0);
    subscribe(&a, 101, 2);
    begin(&a, XMCP_SUBSCRIBE);
    xmcp_put_identity(&a.w, &id);
    xmcp_put_u32(&a.w, XMCP_ATTR_SUBSCRIPTION_ID, 1);
    send_request(&a);
    expect_success(&a, XMCP_SUBSCRIBE);
    expect_notify(&a, 1, 1);
    send_notified(&a);
    begin(&a, XMCP_SUBSCRIBE);
    xmcp_put_identity(&a.w, &id);
    xmcp_put_u32(&a.w, XMCP_ATTR_SUBSCRIPTION_ID, 2);
    send_request(&a);
    expect_error(&a, XMCP_SUBSCRIBE, XMCP_CODE_UNKNOWN_SUBSCRIPTION);
    send_subscribe(&a, 101, 3);
    expect_error(&a, XMCP_SUBSCRIBE, XMCP_CODE_RESPONDER_ERROR);
    assert_int_equal(xmb_fakehost_subscriptions(), 1);
}

/* A client that reads nothing: events wait, answers are not lost, nobody else is hurt. */
static void slow_reader(void **state)
{
    char data[8000];
    unsigned i;
    unsigned notified = 0;
    unsigned answered = 0;

    (void)state;
    open_with_users("");
    memset(data, 'x', sizeof(data));
    data[sizeof(data) - 1] = '\0';
    peer_register(&a, "ann");
    peer_open(&b, "bob");
    b.page_size = 200;
    peer_registers(&b);
    xmb_fakehost_bound(b.conn, 30000);
    subscribe(&b, 101, XMCP_ANY16);
    for (i = 1; i <= 20; i++)
        publish(&a, (uint16_t)i, 1, data, 0);
    assert_true(xmb_fakehost_output(b.conn).n <= 30000);
    for (i = 0; i < 120; i++) {
        begin(&b, XMCP_KEEPALIVE);
        send_request(&b);
    }
    assert_true(xmb_fakehost_output(b.conn).n <= 30000);
    assert_true(xmb_fakehost_paused(b.conn));
    for (i = 0; i < 140; i++) {
        expect_message(&b);
        notified += b.msg.method == XMCP_NOTIFY;
        answered += b.msg.method == XMCP_KEEPALIVE;
        xmb_fakehost_run();
    }
    expect_nothing(&b);
    assert_int_equal(notified, 20);
    assert_int_equal(answered, 120);
    assert_false(xmb_fakehost_paused(b.conn));
}

/* --- who sees what --------------------------------------------------------------------------- */

static void publish_visible(struct peer *p, uint16_t subservice, int visible)
{
    struct xmcp_identity id = identity_of(subservice);
    struct xmcp_transport t = {XMCP_FAMILY_IPV6, 1, {0x20, 1, 0xd, 0xb8}};
    struct xmcp_flag flag = {XMCP_FLAG_VISIBILITY, (uint16_t)visible};

    begin(p, XMCP_PUBLISH);
    xmcp_put_identity(&p->w, &id);
    xmcp_put_transport(&p->w, &t);
    xmcp_put_protocol(&p->w, 17);
    xmcp_put_u32(&p->w, XMCP_ATTR_SERVICE_VERSION, 1);
    xmcp_put_flags(&p->w, &flag, 1);
    send_request(p);
    expect_success(p, XMCP_PUBLISH);
}

static void visible_to_all(struct peer *p)
{
    uint16_t value = 0;

    assert_int_equal(xmcp_flag_find(p->msg.flags, XMCP_FLAG_VISIBILITY, &value), 1);
    assert_int_equal(value, XMCP_VISIBLE_TO_ALL);
    assert_int_equal(p->msg.transport.family, XMCP_FAMILY_IPV6);
}

static void visibility(void **state)
{
    (void)state;
    open_with_users("");
    add_user("", 0);
    peer_register(&a, "ann");
    peer_register(&b, NULL);
    assert_false(b.msg.have & (XMCP_HAVE_INTEGRITY | XMCP_HAVE_NONCE));
    peer_register(&c, NULL);
    subscribe(&b, 101, XMCP_ANY16);
    publish_visible(&a, 1, 0);
    expect_nothing(&b);
    publish_visible(&a, 2, 1);
    expect_notify(&b, 2, 1);
    visible_to_all(&b);
    send_notified(&b);
    publish_visible(&c, 3, 0); /* of another unauthenticated client: shown to all */
    expect_notify(&b, 3, 1);
    visible_to_all(&b);
    assert_int_equal(metric("clients_unauthenticated"), 2);
}

static void unauthenticated_own_by_address(void **state)
{
    (void)state;
    host_open("");
    add_user("", 0);
    add_user("192.0.2.1", XMB_SETTING_NONCE, XMB_NONCE_NONE, 0);
    peer_register(&a, NULL);
    publish(&a, 1, 5, "", 0);
    peer_register(&b, NULL); /* the same host comes back */
    publish(&b, 1, 5, "", 0);
    xmb_fakehost_run();
    expect(&a, XMCP_PUBLISH_REVOKE, XMCP_REQUEST);
    peer_open_from(&c, NULL, "192.0.2.77");
    peer_registers(&c);
    publish(&c, 1, 6, "", XMCP_CODE_MISCELLANEOUS);
    peer_register(&c, "192.0.2.1"); /* a user who is called like that */
    publish(&c, 1, 6, "", XMCP_CODE_MISCELLANEOUS);
}

static void learned_services(void **state)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = 7177};
    static char data[XMB_SERVICE_DATA_MAX];
    uint16_t trust = 9;

    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    subscribe(&a, 101, XMCP_ANY16);
    p.id = (struct xmb_service_id){101, 9, {1, 2, 3, 4}};
    p.sequence = 3;
    p.ip_protocol = 6;
    assert_int_equal(xmb_fakehost_learn(&p, 0), 0);
    xmb_fakehost_run();
    expect_notify(&a, 9, 3);
    assert_int_equal(xmcp_flag_find(a.msg.flags, XMCP_FLAG_TRUST, &trust), 1);
    assert_int_equal(trust, XMCP_TRUST_LEARNED);
    send_notified(&a);
    assert_int_equal(xmb_fakehost_learn(&p, XMB_GONE_SOURCE), 0);
    xmb_fakehost_run();
    expect_withdraw(&a, 9, XMCP_REMOVED_SOURCE);
    send_notified(&a);
    p.data = (struct xmb_str){data, sizeof(data)};
    assert_int_equal(xmb_fakehost_learn(&p, 0), 0);
    xmb_fakehost_run();
    expect_nothing(&a);
    assert_int_equal(metric("notify_too_large"), 1);
    expect_open(&a);
}

static void domains_are_apart(void **state)
{
    (void)state;
    open_with_users("");
    peer_register(&a, "ann");
    peer_open(&b, "bob");
    b.domain = 42;
    peer_registers(&b);
    subscribe(&b, XMCP_ANY16, XMCP_ANY16);
    publish(&a, 1, 1, "", 0);
    expect_nothing(&b);
    publish(&b, 1, 1, "", 0);
    assert_int_equal(xmb_fakehost_services(42), 1);
    assert_int_equal(xmb_fakehost_services(0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(version_rules, close_host),
        cmocka_unit_test_teardown(errors_of_publish, close_host),
        cmocka_unit_test_teardown(strangers_get_499, close_host),
        cmocka_unit_test_teardown(take_over, close_host),
        cmocka_unit_test_teardown(publish_revoke_for_1_0, close_host),
        cmocka_unit_test_teardown(answers_keep_their_order, close_host),
        cmocka_unit_test_teardown(cleared_while_publishing, close_host),
        cmocka_unit_test_teardown(registry_without_room, close_host),
        cmocka_unit_test_teardown(what_a_notify_says, close_host),
        cmocka_unit_test_teardown(one_encoding_for_all, close_host),
        cmocka_unit_test_teardown(first_notify_of_1_0_waits, close_host),
        cmocka_unit_test_teardown(window, close_host),
        cmocka_unit_test_teardown(newest_only, close_host),
        cmocka_unit_test_teardown(unanswered_ones_end_the_session, close_host),
        cmocka_unit_test_teardown(an_answer_in_between_forgives, close_host),
        cmocka_unit_test_teardown(bad_response_is_dropped, close_host),
        cmocka_unit_test_teardown(patterns, close_host),
        cmocka_unit_test_teardown(subscribe_again_replaces, close_host),
        cmocka_unit_test_teardown(slow_reader, close_host),
        cmocka_unit_test_teardown(visibility, close_host),
        cmocka_unit_test_teardown(unauthenticated_own_by_address, close_host),
        cmocka_unit_test_teardown(learned_services, close_host),
        cmocka_unit_test_teardown(domains_are_apart, close_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
