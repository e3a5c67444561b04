/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_session.c - the server plugin against tests/data/xmcp-vectors.json, the order of its
 * checks, broken input, and the operator's commands.
 *
 * The first conversation of the vectors is replayed octet by octet: the random octets are chosen
 * so that handle, nonce and transaction IDs are the vectors' own. The error vectors are sent one by
 * one, each into a session made for it, and the answer is compared with the vector's by meaning.
 */
#include "xmcp_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmcp_vectors.h"

static struct vector *vectors;
static size_t vector_count;
static struct peer a;
static struct peer b;
static uint32_t vector_handle;

static int load(void **state)
{
    (void)state;
    vector_count = vectors_load(&vectors);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    vectors_free();
    return 0;
}

static const struct vector *vector_called(const char *name)
{
    size_t i;

    for (i = 0; i < vector_count; i++) {
        if (strcmp(vectors[i].name, name) == 0)
            return &vectors[i];
    }
    fail_msg("no vector %s", name);
    return NULL;
}

/* Random octets that make the handle, nonce and transaction IDs of the vectors. */
static int as_in_vectors(void *out, size_t bytes)
{
    uint32_t handle = vector_handle & 0xffffff;
    uint8_t *p = out;
    size_t i;

    memset(out, 0, bytes);
    if (bytes == 16) {
        for (i = 0; i < 16; i++)
            p[i] = (uint8_t)("\x01\x23\x45\x67\x89\xab\xcd\xef"[i % 8]);
    } else if (bytes == 7) {
        p[0] = 0x5e;
    } else if (bytes == 4) {
        memcpy(out, &handle, 4);
    }
    return 0;
}

static int handle_secret(void *out, size_t bytes)
{
    uint32_t top = 0x5a;

    memset(out, 0, bytes);
    if (bytes == 4)
        memcpy(out, &top, 4);
    return 0;
}

static void open_as_in_vectors(const char *settings, uint32_t handle)
{
    vector_handle = handle;
    entropy_from(handle_secret);
    host_open(settings);
    entropy_from(as_in_vectors);
}

/* --- the first conversation ------------------------------------------------------------------ */

static int from_client(const struct vector *v)
{
    /* The server's own words are the odd ones: answers, and the three notifications. */
    static const char *const server[] = {"_success", "_401", "_472", "_473", "_476", "_v1", "_v2",
                                         "withdraw_source"};
    size_t i;

    if (strcmp(v->name, "publish_v1") == 0 || strcmp(v->name, "notify_v1_success") == 0 ||
        strcmp(v->name, "notify_v2_success") == 0 || strcmp(v->name, "withdraw_success") == 0)
        return 1;
    for (i = 0; i < sizeof(server) / sizeof(server[0]); i++) {
        size_t n = strlen(server[i]);

        if (strlen(v->name) >= n && strcmp(v->name + strlen(v->name) - n, server[i]) == 0)
            return 0;
    }
    return 1;
}

static void the_first_conversation(void **state)
{
    static uint8_t want[8192];
    size_t want_bytes;
    size_t i;
    size_t last = 0;

    (void)state;
    open_as_in_vectors("", 0x5a17c0de);
    add_user("exampleuser", 0);
    peer_open(&a, "exampleuser");
    while (strcmp(vectors[last].name, "unregister_success") != 0)
        last++;
    assert_int_equal(last, 29);
    for (i = 0; i <= last;) {
        struct xmb_str out;

        assert_true(from_client(&vectors[i]));
        send_bytes(&a, vectors[i].octets, vectors[i].bytes);
        if (strcmp(vectors[i].name, "subscribe_101_any") == 0)
            xmb_fakehost_advance(300);
        for (i++, want_bytes = 0; i <= last && !from_client(&vectors[i]); i++) {
            memcpy(want + want_bytes, vectors[i].octets, vectors[i].bytes);
            want_bytes += vectors[i].bytes;
        }
        out = xmb_fakehost_output(a.conn);
        if (out.n != want_bytes)
            fail_msg("before %s: %zu octets, expected %zu", vectors[i].name, out.n, want_bytes);
        if (want_bytes > 0 && memcmp(out.p, want, want_bytes) != 0) {
            size_t k = i;

            /* The notification may have left before the answer. */
            while (!from_client(&vectors[k - 1]))
                k--;
            assert_int_equal(i - k, 2);
            assert_memory_equal(out.p, vectors[k + 1].octets, vectors[k + 1].bytes);
            assert_memory_equal(out.p + vectors[k + 1].bytes, vectors[k].octets, vectors[k].bytes);
        }
        xmb_fakehost_take(a.conn, out.n);
    }
    xmb_fakehost_advance(1000);
    expect_closed(&a);
}

/* What Cisco's Java client sends is understood; its handle and transactions are of another day. */
static void the_java_client(void **state)
{
    (void)state;
    open_as_in_vectors("", 0x5a0004d2);
    add_user("exampleuser", 0);
    peer_open(&a, "exampleuser");
    send_bytes(&a, vector_called("observed-cisco-java-client/register")->octets,
               vector_called("observed-cisco-java-client/register")->bytes);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_NONCE_REQUIRED);
    send_bytes(&a, vector_called("observed-cisco-java-client/register")->octets,
               vector_called("observed-cisco-java-client/register")->bytes);
    expect_success(&a, XMCP_REGISTER);
    assert_false(a.msg.have & XMCP_HAVE_NONCE);
    assert_int_equal(a.msg.version_major, 1);
    assert_contains(command("show service-routing xmcp clients", "detail", NULL),
                    "integrity=SHA-1, padded\n");
}

/* --- one vector for each error code ---------------------------------------------------------- */

/* Answers with code, value and kind of attributes as the vector's; integrity where both sign. */
static void compare_answer(const struct vector *v)
{
    static uint8_t copy[4096];
    struct xmcp_msg want;

    memcpy(copy, v->octets, v->bytes);
    assert_int_equal(xmcp_decode(copy, v->bytes, &want), 0);
    expect(&a, want.method, want.msg_class);
    assert_int_equal(a.msg.error_code, want.error_code);
    assert_memory_equal(a.msg.transaction, want.transaction, sizeof(want.transaction));
    assert_int_equal(a.msg.have & ~XMCP_HAVE_INTEGRITY, want.have & ~XMCP_HAVE_INTEGRITY);
    assert_int_equal(a.msg.service_version, want.service_version);
    assert_int_equal(a.msg.domain, want.domain);
    assert_int_equal(a.msg.version_major, want.version_major);
}

static void ask_vector(const char *code, uint64_t wait_ms)
{
    char name[40];
    const struct vector *v;

    snprintf(name, sizeof(name), "error-%s/request", code);
    v = vector_called(name);
    send_bytes(&a, v->octets, v->bytes);
    xmb_fakehost_advance(wait_ms);
    snprintf(name, sizeof(name), "error-%s/response", code);
    compare_answer(vector_called(name));
}

/* A session with the handle and nonce that these vectors have. */
static void session_for_vectors(const char *settings)
{
    open_as_in_vectors(settings, 0x5a17c0e1);
    add_user("exampleuser", XMB_SETTING_DOMAIN, 100, XMB_SETTING_DOMAIN_ONLY, 1, 0);
    peer_register(&a, "exampleuser");
    assert_int_equal(a.handle, 0x5a17c0e1);
}

static void errors_in_a_session(void **state)
{
    static const char *const codes[] = {"400", "471", "473", "475", "476", "477", "501"};
    size_t i;

    (void)state;
    session_for_vectors("");
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        ask_vector(codes[i], 0);
}

static void error_413(void **state)
{
    (void)state;
    session_for_vectors("<limits service-data='1k'/>");
    ask_vector("413", 0);
}

static void publish_vector_identity(struct peer *p, uint32_t version)
{
    struct xmcp_identity id = {101, 1, {0x0a0b0c0d, 0x11223344, 0x55667788, 0x99aabbcc}};
    struct xmcp_transport t = {XMCP_FAMILY_IPV4, 5060, {192, 0, 2, 10}};

    begin(p, XMCP_PUBLISH);
    xmcp_put_identity(&p->w, &id);
    xmcp_put_transport(&p->w, &t);
    xmcp_put_protocol(&p->w, 6);
    xmcp_put_u32(&p->w, XMCP_ATTR_SERVICE_VERSION, version);
    send_request(p);
    expect_success(p, XMCP_PUBLISH);
}

static void error_472(void **state)
{
    (void)state;
    session_for_vectors("");
    publish_vector_identity(&a, 5);
    ask_vector("472", 0);
}

static void error_499(void **state)
{
    (void)state;
    session_for_vectors("");
    add_user("ann", 0);
    vector_handle++;
    peer_open(&b, "ann");
    b.domain = 100;
    peer_registers(&b);
    publish_vector_identity(&b, 1);
    ask_vector("499", 0);
}

static void error_500(void **state)
{
    (void)state;
    session_for_vectors("");
    xmb_fakehost_registry_error(XMB_ENOMEM);
    ask_vector("500", 0);
}

/* Without a session, on a connection of its own each. */
static void errors_without_a_session(void **state)
{
    static const struct {
        const char *code;
        uint64_t wait_ms;
    } rows[] = {{"401", 0}, {"435", 0}, {"438", 0}, {"474", 0}, {"436", 2000}, {"478", 2000}};
    size_t i;

    (void)state;
    open_as_in_vectors("", 0x5a17c0e1);
    add_user("exampleuser", XMB_SETTING_DOMAIN, 100, XMB_SETTING_DOMAIN_ONLY, 1, 0);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer_open(&a, "exampleuser");
        ask_vector(rows[i].code, rows[i].wait_ms);
    }
}

/* These two come with the nonce of a challenge. */
static void errors_after_a_challenge(void **state)
{
    static const char *const codes[] = {"431", "479"};
    size_t i;

    (void)state;
    open_as_in_vectors("", 0x5a17c0e1);
    add_user("exampleuser", XMB_SETTING_DOMAIN, 100, XMB_SETTING_DOMAIN_ONLY, 1, 0);
    for (i = 0; i < 2; i++) {
        peer_open(&a, "exampleuser");
        begin_bare(&a, XMCP_REGISTER);
        send_unsigned(&a);
        expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
        ask_vector(codes[i], 2000);
    }
}

/* --- broken input ---------------------------------------------------------------------------- */

static void malformed_vectors(void **state)
{
    size_t i;
    unsigned seen = 0;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&b, "ann");
    for (i = 0; i < vector_count; i++) {
        if (strncmp(vectors[i].name, "malformed/", 10) != 0)
            continue;
        seen++;
        peer_open(&a, NULL);
        send_bytes(&a, vectors[i].octets, vectors[i].bytes);
        if (vector_malformed(&vectors[i]) == XMCP_EFRAME) {
            expect_nothing(&a);
            expect_closed(&a);
        } else {
            expect(&a, vectors[i].octets[1] & 15, XMCP_ERROR);
            assert_int_equal(a.msg.error_code, XMCP_CODE_BAD_REQUEST);
            expect_open(&a);
        }
        xmb_fakehost_forget(a.conn);
    }
    assert_int_equal(seen, 18);
    begin(&b, XMCP_KEEPALIVE);
    send_request(&b);
    expect_success(&b, XMCP_KEEPALIVE);
}

/* One octet at a time makes no difference, and nonsense is known by its first octets. */
static void octet_by_octet(void **state)
{
    size_t bytes = 0;
    size_t i;

    (void)state;
    host_open("");
    peer_open(&a, NULL);
    begin_bare(&a, XMCP_REGISTER);
    assert_int_equal(xmcp_write_finish(&a.w, NULL, a.form, &bytes), 0);
    for (i = 0; i < bytes; i++) {
        expect_nothing(&a);
        send_bytes(&a, a.out + i, 1);
    }
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_UNAUTHORIZED);
    send_bytes(&a, "GET / HTTP/1.1\r\n", 5);
    expect_closed(&a);
    assert_int_equal(metric("framing_errors"), 1);
}

/* More messages in one read than are looked at together, then one that is cut off. */
static void many_at_once(void **state)
{
    enum { MANY = 400 };
    static uint8_t all[MANY * 128];
    size_t used = 0;
    size_t bytes = 0;
    int i;

    (void)state;
    host_open("");
    add_user("anna", 0);
    peer_register(&a, "anna");
    for (i = 0; i < MANY; i++) {
        begin(&a, XMCP_KEEPALIVE);
        assert_int_equal(xmcp_write_finish(&a.w, &a.mac, a.form, &bytes), 0);
        assert_true(used + bytes <= sizeof(all));
        memcpy(all + used, a.out, bytes);
        used += bytes;
    }
    send_bytes(&a, all, used - 1);
    for (i = 0; i < MANY - 1; i++)
        expect_success(&a, XMCP_KEEPALIVE);
    expect_nothing(&a);
    memcpy(all, all + used - 1, 1);
    memcpy(all + 1, "GET", 3); /* framing is lost behind whole messages */
    send_bytes(&a, all, 4);
    expect_success(&a, XMCP_KEEPALIVE);
    expect_closed(&a);
    assert_int_equal(metric("framing_errors"), 1);
}

static void ten_bad_ones_close(void **state)
{
    static const uint8_t bad[] = {0, 0xb, 0, 8, 0x7f, 0x5a, 0x9b, 0xc7, 1, 2, 3, 4, 5, 6,
                                  7, 8, 9, 0xa, 0xb, 0xc, 0x10, 2, 0, 3, 1, 2, 3, 0};
    unsigned i;

    (void)state;
    host_open("");
    peer_open(&a, NULL);
    for (i = 0; i < 9; i++) {
        send_bytes(&a, bad, sizeof(bad));
        expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_BAD_REQUEST);
    }
    begin(&a, XMCP_KEEPALIVE); /* a good message, if useless */
    send_unsigned(&a);
    expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_UNREGISTERED);
    for (i = 0; i < 10; i++) {
        expect_open(&a);
        send_bytes(&a, bad, sizeof(bad));
        expect_error(&a, XMCP_KEEPALIVE, XMCP_CODE_BAD_REQUEST);
    }
    expect_closed(&a);
}

static void methods_of_the_server(void **state)
{
    static const unsigned methods[] = {XMCP_REGISTER_REVOKE, XMCP_PUBLISH_REVOKE, XMCP_WITHDRAW,
                                       XMCP_NOTIFY};
    size_t i;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    for (i = 0; i < 4; i++) {
        begin(&a, methods[i]);
        send_request(&a);
        expect_error(&a, methods[i], XMCP_CODE_BAD_REQUEST);
    }
    begin(&a, 0x123 & XMCP_METHOD_MASK);
    send_request(&a);
    expect_error(&a, 0x123 & XMCP_METHOD_MASK, XMCP_CODE_NOT_IMPLEMENTED);
}

/* Several faults in one message: the one that is checked first is told. */
static void order_of_checks(void **state)
{
    uint32_t handle;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    handle = a.handle;
    a.handle = handle + 1; /* integrity before handle */
    begin(&a, XMCP_PUBLISH);
    send_unsigned(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_UNAUTHORIZED);
    assert_true(a.msg.have & XMCP_HAVE_NONCE);
    a.use_nonce = 0; /* nonce before handle */
    begin(&a, XMCP_PUBLISH);
    send_request(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_NONCE_REQUIRED);
    a.use_nonce = 1; /* handle before what is missing */
    begin(&a, XMCP_PUBLISH);
    send_request(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_BAD_HANDLE);
    a.handle = 0; /* no handle at all is something missing */
    begin(&a, XMCP_PUBLISH);
    send_request(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_BAD_REQUEST);
    a.handle = handle; /* a tampered message before all of that */
    begin(&a, XMCP_PUBLISH);
    {
        size_t bytes = 0;

        assert_int_equal(xmcp_write_finish(&a.w, &a.mac, a.form, &bytes), 0);
        a.out[26] ^= 1; /* in the handle */
        send_bytes(&a, a.out, bytes);
    }
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_INTEGRITY_FAILURE);
    assert_int_equal(metric("malformed"), 0);
}

/* What the method is comes before the session, and what the octets are before both. */
static void order_before_a_session(void **state)
{
    static const unsigned undefined = 0x123 & XMCP_METHOD_MASK;
    uint8_t broken[XMCP_HEADER_BYTES + 4] = {0};
    uint8_t plain[XMCP_HEADER_BYTES] = {0};
    uint8_t transaction[XMCP_TRANSACTION_BYTES] = {0xc2};
    struct xmcp_writer w;
    size_t bytes = 0;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_open(&a, "ann");
    begin(&a, undefined); /* undefined before no session */
    send_unsigned(&a);
    expect_error(&a, undefined, XMCP_CODE_NOT_IMPLEMENTED);
    begin(&a, XMCP_NOTIFY); /* the server's own before no session */
    send_unsigned(&a);
    expect_error(&a, XMCP_NOTIFY, XMCP_CODE_BAD_REQUEST);
    begin(&a, XMCP_PUBLISH); /* no session before integrity and what is missing */
    send_unsigned(&a);
    expect_error(&a, XMCP_PUBLISH, XMCP_CODE_UNREGISTERED);
    a.handle = 1;
    begin(&a, XMCP_REGISTER);
    send_unsigned(&a);
    expect_error(&a, XMCP_REGISTER, XMCP_CODE_BAD_HANDLE);
    a.handle = 0;
    xmcp_write_begin(&w, plain, sizeof(plain), undefined, XMCP_REQUEST, transaction);
    assert_int_equal(xmcp_write_finish(&w, NULL, (struct xmcp_form){0}, &bytes), 0);
    memcpy(broken, plain, sizeof(plain));
    broken[3] = 4; /* octets that follow the header: */
    broken[XMCP_HEADER_BYTES + 1] = 0x06; /* a USERNAME */
    broken[XMCP_HEADER_BYTES + 3] = 9;    /* longer than the message */
    send_bytes(&a, broken, sizeof(broken)); /* malformed before undefined */
    expect_error(&a, undefined, XMCP_CODE_BAD_REQUEST);
    assert_int_equal(metric("malformed"), 1);
}

/* In a session an undefined method and one of the server's own come before integrity. */
static void order_of_method_and_integrity(void **state)
{
    static const unsigned undefined = 0x123 & XMCP_METHOD_MASK;

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    begin(&a, undefined);
    send_unsigned(&a);
    expect_error(&a, undefined, XMCP_CODE_NOT_IMPLEMENTED);
    begin(&a, XMCP_WITHDRAW);
    send_unsigned(&a);
    expect_error(&a, XMCP_WITHDRAW, XMCP_CODE_BAD_REQUEST);
}

static void publish_of(struct peer *p, const struct xmcp_identity *id, uint32_t version,
                       size_t data_bytes, unsigned code)
{
    struct xmcp_transport transport = {XMCP_FAMILY_IPV4, 5060, {192, 0, 2, 10}};
    uint8_t data[64] = {0};

    begin(p, XMCP_PUBLISH);
    xmcp_put_identity(&p->w, id);
    xmcp_put_transport(&p->w, &transport);
    xmcp_put_protocol(&p->w, 6);
    xmcp_put_u32(&p->w, XMCP_ATTR_SERVICE_VERSION, version);
    xmcp_put_bytes(&p->w, XMCP_ATTR_SERVICE_DATA, data, data_bytes);
    send_request(p);
    if (code == 0)
        expect_success(p, XMCP_PUBLISH);
    else
        expect_error(p, XMCP_PUBLISH, code);
}

/* Step 9, of Publish: 475 before 413 before 499 before 472. */
static void order_of_meaning(void **state)
{
    struct xmcp_identity wild = {101, XMCP_ANY16, {1, 2, 3, 4}};
    struct xmcp_identity anns = identity_of(1);

    (void)state;
    host_open("<limits service-data='16'/>");
    add_user("ann", 0);
    add_user("bob", 0);
    peer_register(&a, "ann");
    peer_register(&b, "bob");
    publish_of(&a, &anns, 5, 16, 0);
    publish_of(&a, &wild, 4, 17, XMCP_CODE_INVALID_IDENTITY);
    publish_of(&a, &anns, 4, 17, XMCP_CODE_TOO_LARGE);
    publish_of(&b, &anns, 4, 17, XMCP_CODE_TOO_LARGE);
    publish_of(&b, &anns, 4, 16, XMCP_CODE_MISCELLANEOUS);
    publish_of(&a, &anns, 4, 16, XMCP_CODE_VERSION_TOO_LOW);
}

/* --- commands -------------------------------------------------------------------------------- */

static void show_server(void **state)
{
    const char *text;

    (void)state;
    host_open("<listen family='ipv6' port='2000' vrf='red'/><max-clients total='7'/>"
              "<allow-list ipv4='four'/>");
    add_user("ann", 0);
    peer_register(&a, "ann");
    text = command("show service-routing xmcp server", NULL, NULL);
    assert_contains(text, "clients=1\n");
    assert_contains(text, "max_clients_total=7\n");
    assert_contains(text, "max_clients_unauthenticated=1024\n");
    assert_contains(text, "port=4788\n");
    assert_contains(text, "port=2000\n");
    assert_contains(text, "vrf=red\n");
    assert_contains(text, "allow_list_ipv4=four\n");
    assert_contains(text, "errors_435=1\n");
}

static void show_clients(void **state)
{
    char number[16];
    const char *text;

    (void)state;
    host_open("");
    add_user("ann", 0);
    add_user("", 0);
    peer_register(&a, "ann");
    peer_open_from(&b, NULL, "198.51.100.9");
    peer_registers(&b);
    text = command("show service-routing xmcp clients", NULL, NULL);
    assert_contains(text, "username=ann\n");
    assert_contains(text, "label=label\n");
    assert_contains(text, "address=198.51.100.9\n");
    text = command("show service-routing xmcp clients", "198.51.100.9", NULL);
    assert_null(strstr(text, "username=ann\n"));
    assert_contains(text, "address=198.51.100.9\n");
    snprintf(number, sizeof(number), "0x%08x", a.handle);
    send_publish(&a, 1, 1, "x");
    expect_success(&a, XMCP_PUBLISH);
    send_subscribe(&a, 101, XMCP_ANY16);
    expect_success(&a, XMCP_SUBSCRIBE);
    text = command("show service-routing xmcp clients", number, "detail");
    assert_contains(text, "username=ann\n");
    assert_null(strstr(text, "address=198.51.100.9\n"));
    assert_contains(text, "instance=00000001.00000002.00000003.00000004\n");
    assert_contains(text, "method=Publish\n");
    assert_null(strstr(text, a.nonce));
    assert_contains(command("show service-routing xmcp clients", "nonsense", NULL), "error: ");
}

static void clear_clients(void **state)
{
    char number[16];

    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    peer_register(&b, "ann");
    assert_contains(command("clear service-routing xmcp client", "192.0.2.99", NULL),
                    "cleared=0\n");
    assert_contains(command("clear service-routing xmcp client", "0", NULL), "error: ");
    snprintf(number, sizeof(number), "%u", a.handle);
    assert_contains(command("clear service-routing xmcp client", number, NULL), "cleared=1\n");
    expect(&a, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    expect_nothing(&b);
    assert_contains(command("clear service-routing xmcp client", "all", NULL), "cleared=1\n");
    expect(&b, XMCP_REGISTER_REVOKE, XMCP_REQUEST);
    assert_contains(xmb_fakehost_log(), "cleared by an operator");
}

static void settings_are_checked(void **state)
{
    (void)state;
    host_open("");
    assert_int_equal(xmb_fakehost_check(host_module(), "<listen/>"), 0);
    assert_int_equal(xmb_fakehost_check(host_module(), ""), 0);
    assert_int_equal(xmb_fakehost_check(host_module(), "<max-clients total='0'/>"), XMB_ECONF);
    assert_int_equal(xmb_fakehost_check(host_module(), "<limits service-data='60001'/>"),
                     XMB_ECONF);
    assert_int_equal(xmb_fakehost_check(host_module(), "<limits colour='red'/>"), XMB_ECONF);
    assert_int_equal(xmb_fakehost_check(host_module(), "<listen family='ipx'/>"), XMB_ECONF);
}

static void every_fault_is_told(void **state)
{
    static const char *const told[] = {
        "2: attribute 'total'",           "2: attribute 'unauthenticated'",
        "3: attribute 'service-data'",    "3: attribute 'services'",
        "3: attribute 'subscriptions'",   "3: attribute 'register-within'",
    };
    size_t i;

    (void)state;
    host_open("");
    assert_int_equal(xmb_fakehost_check(host_module(),
                                        "<max-clients total='1000001' unauthenticated='1000001'/>\n"
                                        "<limits service-data='60001' services='100001'"
                                        " subscriptions='65537' register-within='61s'/>"),
                     XMB_ECONF);
    for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if (strstr(xmb_fakehost_faults(), told[i]) == NULL)
            fail_msg("not told: %s in %s", told[i], xmb_fakehost_faults());
}

static void nothing_secret_in_the_log(void **state)
{
    (void)state;
    host_open("");
    add_user("ann", 0);
    peer_register(&a, "ann");
    send_publish(&a, 1, 1, "confidential");
    expect_success(&a, XMCP_PUBLISH);
    xmb_fakehost_hangup(a.conn, "gone");
    assert_contains(xmb_fakehost_log(), "of ann begins");
    assert_contains(xmb_fakehost_log(), "of ann ends: gone");
    assert_null(strstr(xmb_fakehost_log(), "password"));
    assert_null(strstr(xmb_fakehost_log(), "confidential"));
    assert_null(strstr(xmb_fakehost_log(), a.nonce));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_conversation, close_host),
        cmocka_unit_test_teardown(the_java_client, close_host),
        cmocka_unit_test_teardown(errors_in_a_session, close_host),
        cmocka_unit_test_teardown(error_413, close_host),
        cmocka_unit_test_teardown(error_472, close_host),
        cmocka_unit_test_teardown(error_499, close_host),
        cmocka_unit_test_teardown(error_500, close_host),
        cmocka_unit_test_teardown(errors_without_a_session, close_host),
        cmocka_unit_test_teardown(errors_after_a_challenge, close_host),
        cmocka_unit_test_teardown(malformed_vectors, close_host),
        cmocka_unit_test_teardown(octet_by_octet, close_host),
        cmocka_unit_test_teardown(many_at_once, close_host),
        cmocka_unit_test_teardown(ten_bad_ones_close, close_host),
        cmocka_unit_test_teardown(methods_of_the_server, close_host),
        cmocka_unit_test_teardown(order_of_checks, close_host),
        cmocka_unit_test_teardown(order_before_a_session, close_host),
        cmocka_unit_test_teardown(order_of_method_and_integrity, close_host),
        cmocka_unit_test_teardown(order_of_meaning, close_host),
        cmocka_unit_test_teardown(show_server, close_host),
        cmocka_unit_test_teardown(show_clients, close_host),
        cmocka_unit_test_teardown(clear_clients, close_host),
        cmocka_unit_test_teardown(settings_are_checked, close_host),
        cmocka_unit_test_teardown(every_fault_is_told, close_host),
        cmocka_unit_test_teardown(nothing_secret_in_the_log, close_host),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
