/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_client.c - the client against a scripted server in memory, on a clock of the test's.
 *
 * The script reads each message that the client wrote with the decoder, checks it, and answers
 * with the writer; nothing here waits for real time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xmcp.h"

#define HANDLE 0x5a17c0deu
#define EVENTS_MAX 128

static const struct xmcp_identity service_id = {101, 1, {1, 2, 3, 4}};
static const struct xmcp_form unsigned_form = {XMCP_DIGEST_NONE, XMCP_PADDING_NONE};

/* One client, its server's key, and all that happened. */
struct bench {
    struct xmcp_client *client;
    struct xmcp_mac mac;
    struct xmcp_form form;
    uint64_t now_ms;
    uint64_t next_ms;
    struct xmcp_event events[EVENTS_MAX];
    char reasons[EVENTS_MAX][64];
    char data[EVENTS_MAX][64];
    size_t event_count;
    uint8_t frame[70000]; /* the request last taken from the client */
    struct xmcp_msg msg;
    uint8_t answer[70000];
    struct xmcp_writer w;
};

static void on_event(void *user_data, struct xmcp_client *client, const struct xmcp_event *event)
{
    struct bench *b = user_data;

    (void)client;
    assert_true(b->event_count < EVENTS_MAX);
    b->events[b->event_count] = *event;
    snprintf(b->reasons[b->event_count], 64, "%s", event->reason != NULL ? event->reason : "");
    snprintf(b->data[b->event_count], 64, "%.*s", (int)event->data.bytes,
             event->data.bytes > 0 ? (const char *)event->data.data : "");
    b->event_count++;
}

static struct bench *bench_new(unsigned flags, const char *user)
{
    struct xmcp_client_options options = XMCP_CLIENT_OPTIONS_INIT;
    struct bench *b = calloc(1, sizeof(*b));
    uint8_t key[XMCP_KEY_BYTES];

    assert_non_null(b);
    options.flags = flags;
    options.user = user;
    options.password = user != NULL ? "examplepassword" : NULL;
    options.domain = 100;
    options.on_event = on_event;
    options.user_data = b;
    assert_int_equal(xmcp_client_new(&options, &b->client), 0);
    if (user != NULL) {
        assert_int_equal(xmcp_key_derive(user, "examplepassword", key), 0);
        xmcp_mac_init(&b->mac, key);
        b->form.digest = flags & XMCP_CLIENT_SHA256 ? XMCP_DIGEST_SHA256 : XMCP_DIGEST_SHA1;
        b->form.padding = flags & XMCP_CLIENT_PADDING_64 ? XMCP_PADDING_64 : XMCP_PADDING_NONE;
    }
    b->now_ms = 1000000;
    return b;
}

static void bench_free(struct bench *b)
{
    xmcp_client_free(b->client);
    free(b);
}

static void tick(struct bench *b, uint64_t pass_ms)
{
    b->now_ms += pass_ms;
    b->next_ms = xmcp_client_tick(b->client, b->now_ms);
}

/* Takes the next message of the client, checks its integrity. 0 when there is none. */
static int take(struct bench *b)
{
    const uint8_t *data;
    size_t bytes;
    size_t frame_bytes = 0;
    struct xmcp_form form;

    tick(b, 0);
    if (!xmcp_client_output(b->client, &data, &bytes))
        return 0;
    assert_int_equal(xmcp_frame_bytes(data, bytes, &frame_bytes), 0);
    assert_true(frame_bytes <= bytes);
    memcpy(b->frame, data, frame_bytes);
    xmcp_client_sent(b->client, frame_bytes);
    assert_int_equal(xmcp_decode(b->frame, frame_bytes, &b->msg), 0);
    if (b->form.digest != XMCP_DIGEST_NONE) {
        assert_int_equal(xmcp_mac_verify(&b->mac, b->frame, &b->msg, &form), 0);
        assert_int_equal(form.digest, b->form.digest);
        assert_int_equal(form.padding, b->form.padding);
    } else {
        assert_false(b->msg.have & XMCP_HAVE_INTEGRITY);
    }
    return 1;
}

static void expect_request(struct bench *b, unsigned method)
{
    assert_true(take(b));
    assert_int_equal(b->msg.method, method);
    assert_int_equal(b->msg.msg_class, XMCP_REQUEST);
}

static void expect_silence(struct bench *b)
{
    assert_false(take(b));
}

static void answer_begin(struct bench *b, unsigned msg_class)
{
    xmcp_write_begin(&b->w, b->answer, sizeof(b->answer), b->msg.method, msg_class,
                     b->msg.transaction);
}

/* Sends what was written, one octet at a time, which is the hardest way to get it. */
static int answer_send_as(struct bench *b, struct xmcp_form form)
{
    size_t bytes = 0;
    size_t i;
    int rc = 0;

    assert_int_equal(xmcp_write_finish(&b->w, &b->mac, form, &bytes), 0);
    for (i = 0; i < bytes && rc == 0; i++)
        rc = xmcp_client_input(b->client, b->answer + i, 1);
    return rc;
}

static void answer_send(struct bench *b)
{
    assert_int_equal(answer_send_as(b, b->form), 0);
}

static void answer_success(struct bench *b)
{
    answer_begin(b, XMCP_SUCCESS);
    xmcp_put_u32(&b->w, XMCP_ATTR_CLIENT_HANDLE, HANDLE);
    answer_send(b);
}

static void answer_registered(struct bench *b, uint16_t version, uint32_t keepalive_ms)
{
    answer_begin(b, XMCP_SUCCESS);
    xmcp_put_u32(&b->w, XMCP_ATTR_CLIENT_HANDLE, HANDLE);
    xmcp_put_u32(&b->w, XMCP_ATTR_KEEPALIVE, keepalive_ms);
    xmcp_put_version(&b->w, version, 0);
    xmcp_put_u32(&b->w, XMCP_ATTR_DOMAIN, 100);
    answer_send(b);
}

static int answer_error(struct bench *b, unsigned code, const char *nonce, struct xmcp_form form)
{
    answer_begin(b, XMCP_ERROR);
    xmcp_put_error(&b->w, code, NULL);
    if (nonce != NULL) {
        xmcp_put_realm(&b->w);
        xmcp_put_text(&b->w, XMCP_ATTR_NONCE, nonce, strlen(nonce));
    }
    return answer_send_as(b, form);
}

static struct xmcp_event *last_event(struct bench *b)
{
    assert_true(b->event_count > 0);
    return &b->events[b->event_count - 1];
}

static void expect_event(struct bench *b, size_t count, enum xmcp_event_type type)
{
    assert_int_equal(b->event_count, count);
    assert_int_equal(last_event(b)->type, type);
}

static void assert_nonce(struct bench *b, const char *nonce)
{
    assert_true(b->msg.have & XMCP_HAVE_NONCE);
    assert_int_equal(b->msg.nonce.bytes, strlen(nonce));
    assert_memory_equal(b->msg.nonce.data, nonce, strlen(nonce));
}

static struct bench *registered(unsigned flags, const char *user, uint16_t version)
{
    struct bench *b = bench_new(flags, user);

    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    expect_request(b, XMCP_REGISTER);
    answer_registered(b, version, 30000);
    expect_event(b, 1, XMCP_EVENT_REGISTERED);
    b->event_count = 0;
    return b;
}

static void publish(struct bench *b, uint32_t *request)
{
    struct xmcp_service s = {.identity = service_id, .ip_protocol = 6, .version = 3};

    s.data.data = (const uint8_t *)"<x/>";
    s.data.bytes = 4;
    s.visible_to_all = 1;
    assert_int_equal(xmcp_transport_parse("192.0.2.1", 5060, &s.transport), 0);
    assert_int_equal(xmcp_client_publish(b->client, &s, request), 0);
}

/* 435 with a nonce, then 438 with a newer one, then success with a third: each is used at once. */
static void nonce_dance(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");
    uint8_t first[XMCP_TRANSACTION_BYTES];

    (void)state;
    assert_int_equal(xmcp_client_publish(b->client, &(struct xmcp_service){.transport.family = 1},
                                         NULL),
                     XMCP_ESTATE);
    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    assert_int_equal(xmcp_client_register(b->client, NULL), XMCP_ESTATE);
    expect_request(b, XMCP_REGISTER);
    assert_false(b->msg.have & (XMCP_HAVE_NONCE | XMCP_HAVE_CLIENT_HANDLE));
    assert_true(b->msg.have & XMCP_HAVE_USERNAME);
    assert_int_equal(b->msg.version_major, 2);
    assert_int_equal(b->msg.domain, 100);
    memcpy(first, b->msg.transaction, sizeof(first));
    assert_int_equal(answer_error(b, 435, "nonce-one", b->form), 0);
    expect_request(b, XMCP_REGISTER);
    assert_nonce(b, "nonce-one");
    assert_memory_not_equal(first, b->msg.transaction, sizeof(first));
    assert_int_equal(answer_error(b, 438, "nonce-two", b->form), 0);
    expect_request(b, XMCP_REGISTER);
    assert_nonce(b, "nonce-two");
    answer_begin(b, XMCP_SUCCESS);
    xmcp_put_u32(&b->w, XMCP_ATTR_CLIENT_HANDLE, HANDLE);
    xmcp_put_u32(&b->w, XMCP_ATTR_KEEPALIVE, 8000);
    xmcp_put_version(&b->w, 2, 0);
    xmcp_put_text(&b->w, XMCP_ATTR_NONCE, "nonce-three", 11);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_REGISTERED);
    assert_int_equal(last_event(b)->handle, HANDLE);
    assert_int_equal(last_event(b)->keepalive_ms, 8000);
    publish(b, NULL);
    expect_request(b, XMCP_PUBLISH);
    assert_nonce(b, "nonce-three");
    expect_silence(b);
    bench_free(b);
}

/* A server that never is content with a nonce is not asked for ever. */
static void nonce_refused_for_good(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");
    int i;

    (void)state;
    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    for (i = 0; i < 3; i++) {
        expect_request(b, XMCP_REGISTER);
        assert_int_equal(answer_error(b, 438, "again", b->form), 0);
    }
    expect_request(b, XMCP_REGISTER);
    assert_int_equal(answer_error(b, 438, "again", b->form), XMCP_ESTATE);
    assert_int_equal(b->event_count, 2);
    assert_int_equal(b->events[0].type, XMCP_EVENT_ERROR);
    assert_int_equal(b->events[0].code, 438);
    assert_int_equal(b->events[1].type, XMCP_EVENT_CLOSED);
    bench_free(b);
}

/* 401 is a call for credentials with a nonce, and comes unsigned: nobody knows the key yet. */
static void unauthorized_brings_the_nonce(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");

    (void)state;
    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    expect_request(b, XMCP_REGISTER);
    assert_int_equal(answer_error(b, 401, "nonce-one", unsigned_form), 0);
    expect_request(b, XMCP_REGISTER);
    assert_nonce(b, "nonce-one");
    assert_int_equal(answer_error(b, 401, NULL, unsigned_form), XMCP_ESTATE);
    assert_int_equal(b->event_count, 2);
    assert_int_equal(b->events[0].code, 401);
    bench_free(b);
}

/* Two sendings refused for their nonce: only the later refusal causes a third sending. */
static void nonce_refusal_of_an_earlier_sending(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    struct xmcp_msg first;

    (void)state;
    publish(b, NULL);
    expect_request(b, XMCP_PUBLISH);
    first = b->msg;
    tick(b, 3000);
    expect_request(b, XMCP_PUBLISH);
    xmcp_write_begin(&b->w, b->answer, sizeof(b->answer), XMCP_PUBLISH, XMCP_ERROR,
                     first.transaction);
    xmcp_put_error(&b->w, 438, NULL);
    xmcp_put_text(&b->w, XMCP_ATTR_NONCE, "nonce-one", 9);
    answer_send(b);
    expect_silence(b);
    assert_int_equal(answer_error(b, 438, "nonce-two", b->form), 0);
    expect_request(b, XMCP_PUBLISH);
    assert_nonce(b, "nonce-two");
    expect_silence(b);
    assert_int_equal(b->event_count, 0);
    bench_free(b);
}

static void wrong_password(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");
    uint32_t request = 0;

    (void)state;
    assert_int_equal(xmcp_client_register(b->client, &request), 0);
    expect_request(b, XMCP_REGISTER);
    answer_error(b, 431, NULL, unsigned_form);
    assert_int_equal(b->event_count, 2);
    assert_int_equal(b->events[0].type, XMCP_EVENT_ERROR);
    assert_int_equal(b->events[0].request, request);
    assert_int_equal(b->events[0].code, 431);
    assert_int_equal(b->events[0].result, XMCP_EREFUSED);
    assert_string_equal(b->reasons[0], "Integrity Check Failure");
    assert_int_equal(b->events[1].type, XMCP_EVENT_CLOSED);
    assert_int_equal(b->events[1].result, XMCP_EREFUSED);
    expect_silence(b);
    assert_int_equal(b->next_ms, UINT64_MAX);
    bench_free(b);
}

/* Same request, same version, new transaction, every 3 s, four in all; then an error. */
static void resend(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    uint8_t seen[4][XMCP_TRANSACTION_BYTES];
    uint32_t request = 0;
    int i;

    (void)state;
    publish(b, &request);
    for (i = 0; i < 4; i++) {
        expect_request(b, XMCP_PUBLISH);
        assert_int_equal(b->msg.service_version, 3);
        assert_int_equal(b->msg.service_data.bytes, 4);
        memcpy(seen[i], b->msg.transaction, sizeof(seen[i]));
        if (i > 0)
            assert_memory_not_equal(seen[i - 1], seen[i], sizeof(seen[i]));
        expect_silence(b);
        tick(b, 2999);
        expect_silence(b);
        tick(b, 1);
    }
    expect_event(b, 1, XMCP_EVENT_ERROR);
    assert_int_equal(last_event(b)->result, XMCP_ETIMEDOUT);
    assert_int_equal(last_event(b)->request, request);
    assert_true(xmcp_client_registered(b->client));
    bench_free(b);
}

/* The caller slept long before it asked: the request is as young as the next tick. */
static void late_tick_is_no_timeout(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);

    (void)state;
    publish(b, NULL);
    tick(b, 14000);
    expect_request(b, XMCP_PUBLISH);
    expect_silence(b);
    tick(b, 2999);
    expect_silence(b);
    answer_success(b);
    expect_event(b, 1, XMCP_EVENT_PUBLISHED);
    bench_free(b);
}

/* An answer to the first sending counts although a second is under way; the second's is dropped. */
static void answer_to_earlier_sending(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    struct xmcp_msg first;

    (void)state;
    assert_int_equal(xmcp_client_subscribe(b->client, &service_id, NULL), 0);
    expect_request(b, XMCP_SUBSCRIBE);
    first = b->msg;
    tick(b, 3000);
    expect_request(b, XMCP_SUBSCRIBE);
    xmcp_write_begin(&b->w, b->answer, sizeof(b->answer), XMCP_SUBSCRIBE, XMCP_SUCCESS,
                     first.transaction);
    xmcp_put_u32(&b->w, XMCP_ATTR_SUBSCRIPTION_ID, 1);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_SUBSCRIBED);
    assert_int_equal(last_event(b)->subscription_id, 1);
    answer_begin(b, XMCP_SUCCESS);
    xmcp_put_u32(&b->w, XMCP_ATTR_SUBSCRIPTION_ID, 2);
    answer_send(b);
    /* The server holds two subscriptions now, and the caller knows of one: the other goes. */
    expect_request(b, XMCP_UNSUBSCRIBE);
    assert_int_equal(b->msg.subscription_id, 2);
    answer_success(b);
    assert_int_equal(b->event_count, 1);
    bench_free(b);
}

static void check_keepalive(unsigned flags, uint16_t version, unsigned method)
{
    struct bench *b = registered(flags, "exampleuser", version);
    int i;

    tick(b, 0);
    assert_int_equal(b->next_ms, b->now_ms + 15000);
    for (i = 0; i < 3; i++) {
        tick(b, 14999);
        expect_silence(b);
        tick(b, 1);
        expect_request(b, method);
        assert_int_equal(b->msg.client_handle, HANDLE);
        assert_false(b->msg.have & XMCP_HAVE_USERNAME);
        answer_begin(b, XMCP_SUCCESS);
        xmcp_put_u32(&b->w, XMCP_ATTR_CLIENT_HANDLE, HANDLE);
        xmcp_put_u32(&b->w, XMCP_ATTR_KEEPALIVE, 30000);
        answer_send(b);
    }
    assert_int_equal(b->event_count, 0);
    assert_int_equal(xmcp_client_keepalive(b->client, NULL), 0);
    expect_request(b, method);
    answer_success(b);
    expect_event(b, 1, XMCP_EVENT_KEPT_ALIVE);
    bench_free(b);
}

static void keepalive(void **state)
{
    (void)state;
    check_keepalive(0, 2, XMCP_KEEPALIVE);
    check_keepalive(XMCP_CLIENT_VERSION_1 | XMCP_CLIENT_PADDING_64, 1, XMCP_REGISTER);
    check_keepalive(XMCP_CLIENT_SHA256, 2, XMCP_KEEPALIVE);
    check_keepalive(0, 1, XMCP_REGISTER); /* a 1.0 server answered our 2.0 */
}

/* Any message is a sign of life, so a busy client sends no keepalives. */
static void keepalive_after_silence_only(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        tick(b, 10000);
        publish(b, NULL);
        expect_request(b, XMCP_PUBLISH);
        answer_success(b);
        expect_silence(b);
    }
    bench_free(b);
}

static void dead_server(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    int i;

    (void)state;
    tick(b, 15000);
    for (i = 0; i < 4; i++) {
        expect_request(b, XMCP_KEEPALIVE);
        tick(b, 3000);
    }
    expect_event(b, 1, XMCP_EVENT_CLOSED);
    assert_int_equal(last_event(b)->result, XMCP_ETIMEDOUT);
    bench_free(b);
}

static void server_begin(struct bench *b, unsigned method)
{
    static const uint8_t transaction[XMCP_TRANSACTION_BYTES] = {0x5e, 1, 2, 3};

    xmcp_write_begin(&b->w, b->answer, sizeof(b->answer), method, XMCP_REQUEST, transaction);
}

static void expect_answer(struct bench *b, unsigned method, unsigned msg_class)
{
    static const uint8_t transaction[XMCP_TRANSACTION_BYTES] = {0x5e, 1, 2, 3};

    assert_true(take(b));
    assert_int_equal(b->msg.method, method);
    assert_int_equal(b->msg.msg_class, msg_class);
    assert_memory_equal(b->msg.transaction, transaction, sizeof(transaction));
    assert_int_equal(b->msg.client_handle, HANDLE);
}

static void put_notify(struct bench *b)
{
    struct xmcp_flag flag = {XMCP_FLAG_TRUST, XMCP_TRUST_LEARNED};
    struct xmcp_transport transport;

    assert_int_equal(xmcp_transport_parse("2001:db8::1", 5060, &transport), 0);
    xmcp_put_u32(&b->w, XMCP_ATTR_SUBSCRIPTION_ID, 7);
    xmcp_put_identity(&b->w, &service_id);
    xmcp_put_u32(&b->w, XMCP_ATTR_SERVICE_VERSION, 12);
    xmcp_put_transport(&b->w, &transport);
    xmcp_put_protocol(&b->w, 17);
    xmcp_put_bytes(&b->w, XMCP_ATTR_SERVICE_DATA, "hello", 5);
    xmcp_put_flags(&b->w, &flag, 1);
}

static void notify_and_withdraw(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);

    (void)state;
    server_begin(b, XMCP_NOTIFY);
    put_notify(b);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_NOTIFY);
    assert_int_equal(last_event(b)->subscription_id, 7);
    assert_true(xmcp_identity_equal(&last_event(b)->identity, &service_id));
    assert_int_equal(last_event(b)->service_version, 12);
    assert_int_equal(last_event(b)->service_protocol, 17);
    assert_int_equal(last_event(b)->transport.port, 5060);
    assert_int_equal(last_event(b)->trust, XMCP_TRUST_LEARNED);
    assert_string_equal(b->data[0], "hello");
    expect_answer(b, XMCP_NOTIFY, XMCP_SUCCESS);
    assert_int_equal(b->msg.subscription_id, 7);
    server_begin(b, XMCP_WITHDRAW);
    xmcp_put_u32(&b->w, XMCP_ATTR_SUBSCRIPTION_ID, 7);
    xmcp_put_identity(&b->w, &service_id);
    xmcp_put_u32(&b->w, XMCP_ATTR_REMOVED_REASON, XMCP_REMOVED_NETWORK);
    answer_send(b);
    expect_event(b, 2, XMCP_EVENT_WITHDRAW);
    assert_int_equal(last_event(b)->removed_reason, XMCP_REMOVED_NETWORK);
    expect_answer(b, XMCP_WITHDRAW, XMCP_SUCCESS);
    expect_silence(b);
    bench_free(b);
}

static void requests_that_are_not_for_us(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);

    (void)state;
    server_begin(b, XMCP_NOTIFY); /* nothing in it */
    answer_send(b);
    expect_answer(b, XMCP_NOTIFY, XMCP_ERROR);
    assert_int_equal(b->msg.error_code, 400);
    server_begin(b, XMCP_PUBLISH);
    answer_send(b);
    expect_answer(b, XMCP_PUBLISH, XMCP_ERROR);
    assert_int_equal(b->msg.error_code, 400);
    server_begin(b, 0x00c);
    answer_send(b);
    expect_answer(b, 0x00c, XMCP_ERROR);
    assert_int_equal(b->msg.error_code, 501);
    assert_int_equal(b->event_count, 0);
    bench_free(b);
}

static void send_malformed_notify(struct bench *b)
{
    server_begin(b, XMCP_NOTIFY);
    xmcp_put_bytes(&b->w, XMCP_ATTR_DOMAIN, "1", 1);
    answer_send(b);
}

/* A malformed request is a 400 within a session; before it there is no handle to answer with. */
static void malformed_request(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");

    (void)state;
    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    expect_request(b, XMCP_REGISTER);
    send_malformed_notify(b);
    expect_silence(b);
    bench_free(b);
    b = registered(0, "exampleuser", 2);
    send_malformed_notify(b);
    expect_answer(b, XMCP_NOTIFY, XMCP_ERROR);
    assert_int_equal(b->msg.error_code, 400);
    assert_int_equal(b->event_count, 0);
    bench_free(b);
}

static void revokes(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);

    (void)state;
    server_begin(b, XMCP_PUBLISH_REVOKE);
    xmcp_put_identity(&b->w, &service_id);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_PUBLISH_REVOKED);
    assert_true(xmcp_identity_equal(&last_event(b)->identity, &service_id));
    expect_answer(b, XMCP_PUBLISH_REVOKE, XMCP_SUCCESS);
    publish(b, NULL);
    expect_request(b, XMCP_PUBLISH);
    server_begin(b, XMCP_REGISTER_REVOKE);
    xmcp_put_u32(&b->w, XMCP_ATTR_CLIENT_HANDLE, HANDLE);
    answer_send_as(b, b->form);
    assert_int_equal(b->event_count, 4);
    assert_int_equal(b->events[1].type, XMCP_EVENT_REVOKED);
    assert_int_equal(b->events[2].type, XMCP_EVENT_ERROR); /* the publish that was under way */
    assert_int_equal(b->events[2].method, XMCP_PUBLISH);
    assert_int_equal(b->events[3].type, XMCP_EVENT_CLOSED);
    expect_answer(b, XMCP_REGISTER_REVOKE, XMCP_SUCCESS);
    assert_int_equal(xmcp_client_keepalive(b->client, NULL), XMCP_ESTATE);
    bench_free(b);
}

/* A success or a request that is unsigned or signed by another ends the session. */
static void integrity_is_checked(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);
    uint8_t other[XMCP_KEY_BYTES] = {0};

    (void)state;
    server_begin(b, XMCP_NOTIFY);
    put_notify(b);
    assert_int_equal(answer_send_as(b, unsigned_form), XMCP_ESTATE);
    expect_event(b, 1, XMCP_EVENT_CLOSED);
    assert_int_equal(last_event(b)->result, XMCP_EAUTH);
    bench_free(b);
    b = registered(XMCP_CLIENT_SHA256, "exampleuser", 2);
    publish(b, NULL);
    expect_request(b, XMCP_PUBLISH);
    xmcp_mac_init(&b->mac, other);
    answer_begin(b, XMCP_SUCCESS);
    assert_int_equal(answer_send_as(b, b->form), XMCP_ESTATE);
    assert_int_equal(b->event_count, 2);
    assert_int_equal(last_event(b)->result, XMCP_EAUTH);
    bench_free(b);
}

static void request_errors(void **state)
{
    struct bench *b = registered(0, "exampleuser", 2);

    (void)state;
    publish(b, NULL);
    expect_request(b, XMCP_PUBLISH);
    assert_int_equal(b->msg.have & XMCP_HAVE_FLAGS, XMCP_HAVE_FLAGS);
    answer_begin(b, XMCP_ERROR);
    xmcp_put_error(&b->w, 472, NULL);
    xmcp_put_u32(&b->w, XMCP_ATTR_SERVICE_VERSION, 41);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_ERROR);
    assert_int_equal(last_event(b)->code, 472);
    assert_int_equal(last_event(b)->service_version, 41);
    assert_true(xmcp_client_registered(b->client));
    assert_int_equal(xmcp_client_unpublish(b->client, &service_id, NULL), 0);
    expect_request(b, XMCP_UNPUBLISH);
    answer_error(b, 474, NULL, b->form); /* the server forgot us */
    assert_int_equal(b->event_count, 3);
    assert_int_equal(b->events[2].type, XMCP_EVENT_CLOSED);
    bench_free(b);
}

static void unauthenticated(void **state)
{
    struct bench *b = registered(0, NULL, 2);

    (void)state;
    assert_int_equal(xmcp_client_subscribe(b->client, &service_id, NULL), 0);
    expect_request(b, XMCP_SUBSCRIBE);
    assert_false(b->msg.have & (XMCP_HAVE_REALM | XMCP_HAVE_NONCE));
    answer_begin(b, XMCP_SUCCESS);
    xmcp_put_u32(&b->w, XMCP_ATTR_SUBSCRIPTION_ID, 1);
    answer_send(b);
    expect_event(b, 1, XMCP_EVENT_SUBSCRIBED);
    assert_int_equal(xmcp_client_unsubscribe(b->client, 1, NULL), 0);
    expect_request(b, XMCP_UNSUBSCRIBE);
    answer_success(b);
    expect_event(b, 2, XMCP_EVENT_UNSUBSCRIBED);
    assert_int_equal(xmcp_client_unregister(b->client, NULL), 0);
    expect_request(b, XMCP_UNREGISTER);
    answer_begin(b, XMCP_SUCCESS);
    answer_send_as(b, b->form);
    assert_int_equal(b->event_count, 4);
    assert_int_equal(b->events[2].type, XMCP_EVENT_UNREGISTERED);
    assert_int_equal(b->events[3].type, XMCP_EVENT_CLOSED);
    assert_int_equal(b->events[3].result, 0);
    bench_free(b);
}

/* Tables and queues are bounded, and what does not fit is not half sent. */
static void bounds(void **state)
{
    static uint8_t big[XMCP_BODY_BYTES_MAX];
    struct bench *b = registered(0, "exampleuser", 2);
    struct xmcp_service s = {.identity = service_id};
    int accepted = 0;

    (void)state;
    assert_int_equal(xmcp_client_publish(b->client, &s, NULL), XMCP_EINVAL);
    s.transport.family = XMCP_FAMILY_IPV4;
    s.data.data = big;
    s.data.bytes = sizeof(big);
    assert_int_equal(xmcp_client_publish(b->client, &s, NULL), XMCP_ENOSPC);
    s.data.bytes = XMCP_SERVICE_DATA_BYTES_MAX;
    while (accepted < 1000 && xmcp_client_publish(b->client, &s, NULL) == 0)
        accepted++;
    assert_in_range(accepted, 2, XMCP_CLIENT_REQUESTS_MAX);
    while (accepted-- > 0)
        expect_request(b, XMCP_PUBLISH);
    expect_silence(b);
    s.data.bytes = 0;
    for (accepted = 0; xmcp_client_publish(b->client, &s, NULL) == 0; accepted++)
        assert_true(accepted < 1000);
    assert_int_equal(xmcp_client_publish(b->client, &s, NULL), XMCP_EBUSY);
    xmcp_client_lost(b->client);
    assert_int_equal(last_event(b)->type, XMCP_EVENT_CLOSED);
    /* A request that dies with the connection says so, not "not possible in this state". */
    assert_string_equal(b->reasons[0], "connection lost");
    assert_string_equal(b->reasons[b->event_count - 1], "connection lost");
    assert_int_equal(b->event_count, XMCP_CLIENT_REQUESTS_MAX + 1);
    bench_free(b);
}

static void not_xmcp(void **state)
{
    struct bench *b = bench_new(0, "exampleuser");

    (void)state;
    assert_int_equal(xmcp_client_register(b->client, NULL), 0);
    assert_int_equal(xmcp_client_input(b->client, "HTTP/1.1 400 Bad", 16), XMCP_EFRAME);
    assert_int_equal(b->event_count, 2);
    assert_int_equal(b->events[0].result, XMCP_EFRAME);
    assert_int_equal(b->events[1].type, XMCP_EVENT_CLOSED);
    bench_free(b);
}

static void options(void **state)
{
    struct xmcp_client_options o = XMCP_CLIENT_OPTIONS_INIT;
    struct xmcp_client *client = NULL;

    (void)state;
    assert_int_equal(xmcp_client_new(NULL, &client), XMCP_EINVAL);
    assert_int_equal(xmcp_client_new(&o, &client), XMCP_EINVAL); /* no callback */
    o.on_event = on_event;
    o.user = "u";
    assert_int_equal(xmcp_client_new(&o, &client), XMCP_EINVAL); /* no password */
    o.password = "p";
    o.label = "bad\n";
    assert_int_equal(xmcp_client_new(&o, &client), XMCP_EINVAL);
    assert_null(client);
    xmcp_client_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonce_dance),
        cmocka_unit_test(nonce_refused_for_good),
        cmocka_unit_test(unauthorized_brings_the_nonce),
        cmocka_unit_test(nonce_refusal_of_an_earlier_sending),
        cmocka_unit_test(wrong_password),
        cmocka_unit_test(resend),
        cmocka_unit_test(late_tick_is_no_timeout),
        cmocka_unit_test(answer_to_earlier_sending),
        cmocka_unit_test(keepalive),
        cmocka_unit_test(keepalive_after_silence_only),
        cmocka_unit_test(dead_server),
        cmocka_unit_test(notify_and_withdraw),
        cmocka_unit_test(requests_that_are_not_for_us),
        cmocka_unit_test(malformed_request),
        cmocka_unit_test(revokes),
        cmocka_unit_test(integrity_is_checked),
        cmocka_unit_test(request_errors),
        cmocka_unit_test(unauthenticated),
        cmocka_unit_test(bounds),
        cmocka_unit_test(not_xmcp),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
