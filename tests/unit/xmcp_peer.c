/* SPDX-License-Identifier: MIT */
/*
 * xmcp_peer.c - see xmcp_peer.h.
 */
#include "xmcp_peer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE 101

static struct xmb_module *module;
static int (*entropy_source)(void *out, size_t bytes);
static uint8_t entropy_counter;

/* --- the host -------------------------------------------------------------------------------- */

void entropy_from(int (*source)(void *out, size_t bytes))
{
    entropy_source = source;
}

int xs_entropy(void *out, size_t bytes)
{
    uint8_t *p = out;

    if (entropy_source != NULL)
        return entropy_source(out, bytes);
    while (bytes-- > 0)
        *p++ = entropy_counter += 37;
    return 0;
}

struct xmb_module *host_open(const char *settings)
{
    char inner[1024];

    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmcp_LTX_xmb_plugin);
    assert_non_null(module);
    snprintf(inner, sizeof(inner), "<listen/>%s", settings);
    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("configuration: %s", xmb_fakehost_faults());
    return module;
}

void host_close(void)
{
    xmb_fakehost_close();
    entropy_from(NULL);
}

int close_host(void **state)
{
    (void)state;
    host_close();
    return 0;
}

struct xmb_module *host_module(void)
{
    return module;
}

static void password_of(const char *user, char text[64])
{
    if (strcmp(user, "exampleuser") == 0)
        snprintf(text, 64, "examplepassword");
    else
        snprintf(text, 64, "password of %s", user);
}

void add_user(const char *name, ...)
{
    uint64_t settings[8][2];
    size_t count = 0;
    char password[64];
    va_list args;
    int setting;

    va_start(args, name);
    while ((setting = va_arg(args, int)) != 0) {
        settings[count][0] = (uint64_t)setting;
        settings[count++][1] = (uint64_t)va_arg(args, int);
    }
    va_end(args);
    password_of(name, password);
    xmb_fakehost_user(name, name[0] != '\0' ? password : "", (const uint64_t(*)[2])settings, count);
}

uint64_t metric(const char *name)
{
    return xmb_fakehost_metric(module, name);
}

const char *command(const char *words, const char *arg1, const char *arg2)
{
    const char *args[2] = {arg1, arg2};
    const char *text = NULL;

    xmb_fakehost_command(module, words, args, arg1 == NULL ? 0 : arg2 == NULL ? 1 : 2, &text);
    assert_non_null(text);
    return text;
}

void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* --- peers ----------------------------------------------------------------------------------- */

void peer_open_from(struct peer *p, const char *user, const char *ipv4)
{
    static uint16_t port = 40000;
    struct xmb_addr remote = {.family = 4};
    uint8_t key[XMCP_KEY_BYTES];
    char password[64];

    memset(p, 0, sizeof(*p));
    remote.port = port++;
    assert_int_equal(inet_pton(AF_INET, ipv4, remote.ip), 1);
    p->conn = xmb_fakehost_accept(module, 0, &remote);
    p->user = user;
    p->major = 2;
    p->page_size = 10;
    p->use_nonce = 1;
    if (user == NULL)
        return;
    password_of(user, password);
    assert_int_equal(xmcp_key_derive(user, password, key), 0);
    xmcp_mac_init(&p->mac, key);
    p->form.digest = XMCP_DIGEST_SHA1;
}

void peer_open(struct peer *p, const char *user)
{
    peer_open_from(p, user, "192.0.2.1");
    assert_non_null(p->conn);
}

void begin_bare(struct peer *p, unsigned method)
{
    uint8_t transaction[XMCP_TRANSACTION_BYTES] = {0xc1};

    p->sequence++;
    transaction[10] = (uint8_t)(p->sequence >> 8);
    transaction[11] = (uint8_t)p->sequence;
    xmcp_write_begin(&p->w, p->out, sizeof(p->out), method, XMCP_REQUEST, transaction);
}

void begin(struct peer *p, unsigned method)
{
    begin_bare(p, method);
    if (p->handle != 0)
        xmcp_put_u32(&p->w, XMCP_ATTR_CLIENT_HANDLE, p->handle);
    if (p->use_nonce && p->nonce[0] != '\0')
        xmcp_put_text(&p->w, XMCP_ATTR_NONCE, p->nonce, strlen(p->nonce));
}

void send_bytes(struct peer *p, const void *data, size_t bytes)
{
    xmb_fakehost_feed(p->conn, (struct xmb_str){data, bytes});
    xmb_fakehost_run();
}

static void finish(struct peer *p, struct xmcp_form form)
{
    size_t bytes = 0;

    assert_int_equal(xmcp_write_finish(&p->w, &p->mac, form, &bytes), 0);
    send_bytes(p, p->out, bytes);
}

void send_request(struct peer *p)
{
    finish(p, p->form);
}

void send_unsigned(struct peer *p)
{
    finish(p, (struct xmcp_form){XMCP_DIGEST_NONE, XMCP_PADDING_NONE});
}

void send_register(struct peer *p)
{
    begin_bare(p, XMCP_REGISTER);
    xmcp_put_text(&p->w, XMCP_ATTR_CLIENT_NAME, "test/1", 6);
    xmcp_put_version(&p->w, p->major, 0);
    if (p->page_size != UINT32_MAX)
        xmcp_put_u32(&p->w, XMCP_ATTR_PAGE_SIZE, p->page_size);
    xmcp_put_text(&p->w, XMCP_ATTR_CLIENT_LABEL, "label", 5);
    if (p->domain != 0)
        xmcp_put_u32(&p->w, XMCP_ATTR_DOMAIN, p->domain);
    if (p->user != NULL)
        xmcp_put_text(&p->w, XMCP_ATTR_USERNAME, p->user, strlen(p->user));
    if (p->use_nonce && p->nonce[0] != '\0')
        xmcp_put_text(&p->w, XMCP_ATTR_NONCE, p->nonce, strlen(p->nonce));
    send_request(p);
}

void peer_registers(struct peer *p)
{
    send_register(p);
    expect(p, XMCP_REGISTER, UINT32_MAX);
    if (p->msg.msg_class == XMCP_ERROR && p->msg.error_code == XMCP_CODE_NONCE_REQUIRED) {
        send_register(p);
        expect(p, XMCP_REGISTER, UINT32_MAX);
    }
    if (p->msg.msg_class != XMCP_SUCCESS)
        fail_msg("Register: %u", p->msg.error_code);
    p->handle = p->msg.client_handle;
}

void peer_register(struct peer *p, const char *user)
{
    peer_open(p, user);
    peer_registers(p);
}

struct xmcp_identity identity_of(uint16_t subservice)
{
    struct xmcp_identity id = {SERVICE, subservice, {1, 2, 3, 4}};

    return id;
}

void send_publish(struct peer *p, uint16_t subservice, uint32_t version, const char *data)
{
    struct xmcp_identity id = identity_of(subservice);
    struct xmcp_transport transport = {XMCP_FAMILY_IPV4, 5060, {192, 0, 2, 10}};

    begin(p, XMCP_PUBLISH);
    xmcp_put_identity(&p->w, &id);
    xmcp_put_transport(&p->w, &transport);
    xmcp_put_protocol(&p->w, 6);
    xmcp_put_u32(&p->w, XMCP_ATTR_SERVICE_VERSION, version);
    xmcp_put_bytes(&p->w, XMCP_ATTR_SERVICE_DATA, data, strlen(data));
    send_request(p);
}

void send_unpublish(struct peer *p, uint16_t subservice)
{
    struct xmcp_identity id = identity_of(subservice);

    begin(p, XMCP_UNPUBLISH);
    xmcp_put_identity(&p->w, &id);
    send_request(p);
}

void send_subscribe(struct peer *p, uint16_t service, uint16_t subservice)
{
    struct xmcp_identity id = {service, subservice, {0}};

    memset(id.instance, 0xff, sizeof(id.instance));
    begin(p, XMCP_SUBSCRIBE);
    xmcp_put_identity(&p->w, &id);
    send_request(p);
}

void send_notified(struct peer *p)
{
    uint8_t transaction[XMCP_TRANSACTION_BYTES];

    memcpy(transaction, p->msg.transaction, sizeof(transaction));
    xmcp_write_begin(&p->w, p->out, sizeof(p->out), p->msg.method, XMCP_SUCCESS, transaction);
    xmcp_put_u32(&p->w, XMCP_ATTR_SUBSCRIPTION_ID, p->msg.subscription_id);
    xmcp_put_u32(&p->w, XMCP_ATTR_CLIENT_HANDLE, p->handle);
    send_request(p);
}

void stay(struct peer *p)
{
    begin(p, XMCP_KEEPALIVE);
    send_request(p);
    expect_success(p, XMCP_KEEPALIVE);
}

/* --- what they are told ---------------------------------------------------------------------- */

void expect_message(struct peer *p)
{
    struct xmb_str out = xmb_fakehost_output(p->conn);
    size_t bytes = 0;

    if (out.n == 0)
        fail_msg("the peer was told nothing");
    assert_int_equal(xmcp_frame_bytes(out.p, out.n, &bytes), 0);
    assert_true(bytes <= out.n);
    memcpy(p->in, out.p, bytes);
    xmb_fakehost_take(p->conn, bytes);
    assert_int_equal(xmcp_decode(p->in, bytes, &p->msg), 0);
    if (p->msg.have & XMCP_HAVE_INTEGRITY)
        assert_int_equal(xmcp_mac_verify(&p->mac, p->in, &p->msg, NULL), 0);
    if (!(p->msg.have & XMCP_HAVE_NONCE))
        return;
    memcpy(p->nonce, p->msg.nonce.data, p->msg.nonce.bytes);
    p->nonce[p->msg.nonce.bytes] = '\0';
}

void expect(struct peer *p, unsigned method, unsigned msg_class)
{
    expect_message(p);
    if (p->msg.method != method || (msg_class != UINT32_MAX && p->msg.msg_class != msg_class))
        fail_msg("told %s %s %u, expected %s %s", xmcp_method_name(p->msg.method),
                 xmcp_class_name(p->msg.msg_class), p->msg.error_code, xmcp_method_name(method),
                 xmcp_class_name(msg_class));
}

void expect_success(struct peer *p, unsigned method)
{
    expect(p, method, XMCP_SUCCESS);
    if (p->user != NULL)
        assert_true(p->msg.have & XMCP_HAVE_INTEGRITY);
}

void expect_error(struct peer *p, unsigned method, unsigned code)
{
    expect(p, method, XMCP_ERROR);
    assert_int_equal(p->msg.error_code, code);
}

void expect_notify(struct peer *p, uint16_t subservice, uint32_t version)
{
    expect(p, XMCP_NOTIFY, XMCP_REQUEST);
    assert_int_equal(p->msg.identity.subservice, subservice);
    assert_int_equal(p->msg.service_version, version);
}

void expect_withdraw(struct peer *p, uint16_t subservice, uint32_t removed_reason)
{
    expect(p, XMCP_WITHDRAW, XMCP_REQUEST);
    assert_int_equal(p->msg.identity.subservice, subservice);
    assert_int_equal(p->msg.removed_reason, removed_reason);
}

void expect_answer(struct peer *p, unsigned method, unsigned code)
{
    for (;;) {
        expect_message(p);
        if (p->msg.msg_class != XMCP_REQUEST)
            break;
        send_notified(p);
    }
    assert_int_equal(p->msg.method, method);
    assert_int_equal(p->msg.msg_class == XMCP_ERROR ? p->msg.error_code : 0, code);
}

void expect_nothing(struct peer *p)
{
    if (xmb_fakehost_output(p->conn).n == 0)
        return;
    expect_message(p);
    fail_msg("told %s %s %u, expected nothing", xmcp_method_name(p->msg.method),
             xmcp_class_name(p->msg.msg_class), p->msg.error_code);
}

void expect_open(struct peer *p)
{
    const char *why = xmb_fakehost_closed(p->conn);

    if (why != NULL)
        fail_msg("the connection was closed: %s", why);
}

void expect_closed(struct peer *p)
{
    xmb_fakehost_run();
    assert_non_null(xmb_fakehost_closed(p->conn));
}
