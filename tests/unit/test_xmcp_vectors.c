/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_vectors.c - every vector of tests/data/xmcp-vectors.json, in both directions.
 *
 * In: decoded and compared field by field, integrity verified in the form that the vector names.
 * Out: written again from the decoded fields alone, in the same order, and compared octet by
 * octet, MESSAGE-INTEGRITY included. Malformed vectors have to be refused in the way they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xmcp_vectors.h"

#define VECTOR_COUNT 157

static struct vector *vectors;
static size_t vector_count;

static int setup(void **state)
{
    (void)state;
    vector_count = vectors_load(&vectors);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vectors_free();
    return 0;
}

static unsigned long hex_field(const json_t *of, const char *key)
{
    return strtoul(json_string_value(json_object_get(of, key)), NULL, 16);
}

static long long int_field(const json_t *of, const char *key)
{
    assert_true(json_is_integer(json_object_get(of, key)));
    return json_integer_value(json_object_get(of, key));
}

static const json_t *attribute_of(const struct vector *v, size_t i)
{
    return json_array_get(json_object_get(v->decoded, "attributes"), i);
}

static void compare_view(struct xmcp_view got, const char *want)
{
    assert_non_null(want);
    assert_int_equal(got.bytes, strlen(want));
    if (got.bytes > 0)
        assert_memory_equal(got.data, want, got.bytes);
}

static void compare_hex(struct xmcp_view got, const char *want)
{
    uint8_t octets[64];

    assert_int_equal(hex_octets(want, octets, sizeof(octets)), got.bytes);
    assert_memory_equal(got.data, octets, got.bytes);
}

static void compare_identity(const struct xmcp_identity *got, const char *want)
{
    struct xmcp_identity parsed;
    char text[XMCP_IDENTITY_TEXT_BYTES];

    assert_true(xmcp_identity_format(got, XMCP_STYLE_FULL, text, sizeof(text)) > 0);
    assert_string_equal(text, want);
    assert_int_equal(xmcp_identity_parse(want, &parsed, NULL), 0);
    assert_true(xmcp_identity_equal(&parsed, got));
}

/* "192.0.2.10:5060" or "[2001:db8::10]:4556". */
static void compare_transport(const struct xmcp_transport *got, const char *want)
{
    struct xmcp_transport parsed;
    char text[80];
    char *colon;
    char *address = text;

    snprintf(text, sizeof(text), "%s", want);
    colon = strrchr(text, ':');
    assert_non_null(colon);
    *colon = '\0';
    if (text[0] == '[') {
        address++;
        colon[-1] = '\0';
    }
    assert_int_equal(xmcp_transport_parse(address, (uint16_t)atoi(colon + 1), &parsed), 0);
    assert_int_equal(got->family, parsed.family);
    assert_int_equal(got->port, parsed.port);
    assert_memory_equal(got->address, parsed.address, sizeof(parsed.address));
}

static unsigned flag_type(const char *name)
{
    if (strcmp(name, "removal-reason") == 0)
        return XMCP_FLAG_REMOVAL_REASON;
    return strcmp(name, "trust") == 0 ? XMCP_FLAG_TRUST : XMCP_FLAG_VISIBILITY;
}

static void compare_flags(struct xmcp_view got, const json_t *want)
{
    size_t i;
    uint16_t value = 0;

    assert_int_equal(got.bytes, 4 * json_array_size(want));
    for (i = 0; i < json_array_size(want); i++) {
        const json_t *flag = json_array_get(want, i);
        const char *type = json_string_value(json_object_get(flag, "type"));

        assert_int_equal(xmcp_flag_find(got, flag_type(type), &value), 1);
        assert_int_equal(value, int_field(flag, "value"));
    }
}

static void compare_code(const struct xmcp_msg *m, const json_t *want)
{
    assert_int_equal(m->error_code, int_field(want, "code"));
    compare_view(m->error_reason, json_string_value(json_object_get(want, "reason")));
}

static void compare_version(const struct xmcp_msg *m, const char *want)
{
    char text[16];

    snprintf(text, sizeof(text), "%u.%u", (unsigned)m->version_major, (unsigned)m->version_minor);
    assert_string_equal(text, want);
}

/* Compares one field and returns its presence bit. */
static uint32_t compare_attribute(const struct xmcp_msg *m, const json_t *a)
{
    const json_t *value = json_object_get(a, "value");
    const char *text = json_string_value(value);
    long long number = json_integer_value(value);

#define NUMBER(type, have, field) \
    case type: \
        assert_true(json_is_integer(value)); \
        assert_int_equal(m->field, number); \
        return have
#define TEXT(type, have, field) \
    case type: \
        compare_view(m->field, text); \
        return have
    switch (hex_field(a, "type")) {
        TEXT(XMCP_ATTR_USERNAME, XMCP_HAVE_USERNAME, username);
        TEXT(XMCP_ATTR_NONCE, XMCP_HAVE_NONCE, nonce);
        TEXT(XMCP_ATTR_CLIENT_NAME, XMCP_HAVE_CLIENT_NAME, client_name);
        TEXT(XMCP_ATTR_CLIENT_LABEL, XMCP_HAVE_CLIENT_LABEL, client_label);
        TEXT(XMCP_ATTR_SERVICE_DATA, XMCP_HAVE_SERVICE_DATA, service_data);
        NUMBER(XMCP_ATTR_CLIENT_HANDLE, XMCP_HAVE_CLIENT_HANDLE, client_handle);
        NUMBER(XMCP_ATTR_PAGE_SIZE, XMCP_HAVE_PAGE_SIZE, page_size);
        NUMBER(XMCP_ATTR_KEEPALIVE, XMCP_HAVE_KEEPALIVE, keepalive_ms);
        NUMBER(XMCP_ATTR_SERVICE_VERSION, XMCP_HAVE_SERVICE_VERSION, service_version);
        NUMBER(XMCP_ATTR_SUBSCRIPTION_ID, XMCP_HAVE_SUBSCRIPTION_ID, subscription_id);
        NUMBER(XMCP_ATTR_DOMAIN, XMCP_HAVE_DOMAIN, domain);
        NUMBER(XMCP_ATTR_SERVICE_PROTOCOL, XMCP_HAVE_SERVICE_PROTOCOL, service_protocol);
    case XMCP_ATTR_MESSAGE_INTEGRITY:
        compare_hex(m->integrity, text);
        return XMCP_HAVE_INTEGRITY;
    case XMCP_ATTR_ERROR_CODE:
        compare_code(m, value);
        return XMCP_HAVE_ERROR_CODE;
    case XMCP_ATTR_REALM:
        assert_string_equal(text, XMCP_REALM);
        return XMCP_HAVE_REALM;
    case XMCP_ATTR_PROTOCOL_VERSION:
        compare_version(m, text);
        return XMCP_HAVE_PROTOCOL_VERSION;
    case XMCP_ATTR_SERVICE_IDENTITY:
        compare_identity(&m->identity, text);
        return XMCP_HAVE_SERVICE_IDENTITY;
    case XMCP_ATTR_SERVICE_TRANSPORT:
        compare_transport(&m->transport, text);
        return XMCP_HAVE_SERVICE_TRANSPORT;
    case XMCP_ATTR_FLAGS:
        compare_flags(m->flags, value);
        return XMCP_HAVE_FLAGS;
    case XMCP_ATTR_REMOVED_REASON:
        assert_int_equal(m->removed_reason, strtoul(text, NULL, 10));
        return XMCP_HAVE_REMOVED_REASON;
    default:
        fail_msg("attribute %s is not compared by this test",
                 json_string_value(json_object_get(a, "type")));
        return 0;
    }
#undef NUMBER
#undef TEXT
}

static void compare_header(const struct vector *v, const struct xmcp_msg *m)
{
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    const char *want = json_string_value(json_object_get(v->decoded, "transaction_id"));

    hex_octets(want, transaction, sizeof(transaction));
    assert_memory_equal(m->transaction, transaction, sizeof(transaction));
    assert_int_equal(m->method, int_field(v->decoded, "method"));
    assert_int_equal(m->msg_class, hex_field(v->decoded, "class"));
    assert_int_equal(m->frame_bytes, 20 + int_field(v->decoded, "length"));
    assert_int_equal(m->frame_bytes, v->bytes);
}

static void compare_decoded(const struct vector *v, const struct xmcp_msg *m)
{
    size_t count = json_array_size(json_object_get(v->decoded, "attributes"));
    uint32_t have = 0;
    size_t cursor = 0;
    size_t i;

    compare_header(v, m);
    for (i = 0; i < count; i++) {
        const json_t *a = attribute_of(v, i);
        struct xmcp_attribute raw;

        assert_int_equal(xmcp_attribute_next(v->octets, v->bytes, &cursor, &raw), 1);
        assert_int_equal(raw.type, hex_field(a, "type"));
        assert_int_equal(raw.offset, int_field(a, "offset"));
        assert_int_equal(raw.value.bytes, int_field(a, "length"));
        assert_string_equal(xmcp_attribute_name(raw.type),
                            json_string_value(json_object_get(a, "name")));
        have |= compare_attribute(m, a);
    }
    assert_int_equal(m->have, have);
    assert_int_equal(m->attribute_count, count);
    assert_int_equal(m->unknown_count, 0);
}

static struct xmcp_form vector_form(const struct vector *v)
{
    const char *digest = json_string_value(json_object_get(v->integrity, "digest"));
    const char *padding = json_string_value(json_object_get(v->integrity, "padding"));
    struct xmcp_form form = {XMCP_DIGEST_SHA1, XMCP_PADDING_NONE};

    if (strcmp(digest, "sha256") == 0)
        form.digest = XMCP_DIGEST_SHA256;
    if (strcmp(padding, "pad64") == 0)
        form.padding = XMCP_PADDING_64;
    return form;
}

/*
 * The key that the vector is signed with. One is signed with another password than its user has:
 * it must not verify with the user's.
 */
static void signing_mac(const struct vector *v, const struct xmcp_msg *m, struct xmcp_mac *mac)
{
    uint8_t key[XMCP_KEY_BYTES];

    vector_mac(v, mac);
    if (json_is_true(json_object_get(v->integrity, "verifies")))
        return;
    assert_int_equal(xmcp_mac_verify(mac, v->octets, m, NULL), XMCP_EAUTH);
    assert_int_equal(xmcp_key_derive("exampleuser", "wrongpassword", key), 0);
    xmcp_mac_init(mac, key);
}

static void verify(const struct vector *v, const struct xmcp_msg *m)
{
    struct xmcp_form want = vector_form(v);
    struct xmcp_form got = {0, 0};
    struct xmcp_mac mac;

    signing_mac(v, m, &mac);
    assert_int_equal(xmcp_mac_verify(&mac, v->octets, m, &got), 0);
    assert_int_equal(got.digest, want.digest);
    assert_int_equal(got.padding, want.padding);
}

static void put_flags_again(struct xmcp_writer *w, struct xmcp_view flags)
{
    struct xmcp_flag pairs[4];
    size_t count = flags.bytes / 4;
    size_t i;

    assert_true(count <= 4);
    for (i = 0; i < count; i++) {
        pairs[i].type = (uint16_t)(flags.data[4 * i] << 8 | flags.data[4 * i + 1]);
        pairs[i].value = (uint16_t)(flags.data[4 * i + 2] << 8 | flags.data[4 * i + 3]);
    }
    xmcp_put_flags(w, pairs, count);
}

static void put_error_again(struct xmcp_writer *w, const struct xmcp_msg *m)
{
    char reason[256];

    assert_true(m->error_reason.bytes < sizeof(reason));
    memcpy(reason, m->error_reason.data, m->error_reason.bytes);
    reason[m->error_reason.bytes] = '\0';
    xmcp_put_error(w, m->error_code, reason);
}

/* From the decoded field, never from the octets. */
static void put_again(struct xmcp_writer *w, unsigned type, const struct xmcp_msg *m)
{
#define TEXT(type, field) \
    case type: \
        xmcp_put_text(w, type, m->field.data, m->field.bytes); \
        break
#define NUMBER(type, field) \
    case type: \
        xmcp_put_u32(w, type, m->field); \
        break
    switch (type) {
        TEXT(XMCP_ATTR_USERNAME, username);
        TEXT(XMCP_ATTR_NONCE, nonce);
        TEXT(XMCP_ATTR_CLIENT_NAME, client_name);
        TEXT(XMCP_ATTR_CLIENT_LABEL, client_label);
        NUMBER(XMCP_ATTR_CLIENT_HANDLE, client_handle);
        NUMBER(XMCP_ATTR_PAGE_SIZE, page_size);
        NUMBER(XMCP_ATTR_KEEPALIVE, keepalive_ms);
        NUMBER(XMCP_ATTR_SERVICE_VERSION, service_version);
        NUMBER(XMCP_ATTR_SUBSCRIPTION_ID, subscription_id);
        NUMBER(XMCP_ATTR_REMOVED_REASON, removed_reason);
        NUMBER(XMCP_ATTR_DOMAIN, domain);
    case XMCP_ATTR_SERVICE_DATA:
        xmcp_put_bytes(w, type, m->service_data.data, m->service_data.bytes);
        break;
    case XMCP_ATTR_REALM:
        xmcp_put_realm(w);
        break;
    case XMCP_ATTR_ERROR_CODE:
        put_error_again(w, m);
        break;
    case XMCP_ATTR_PROTOCOL_VERSION:
        xmcp_put_version(w, m->version_major, m->version_minor);
        break;
    case XMCP_ATTR_SERVICE_IDENTITY:
        xmcp_put_identity(w, &m->identity);
        break;
    case XMCP_ATTR_SERVICE_TRANSPORT:
        xmcp_put_transport(w, &m->transport);
        break;
    case XMCP_ATTR_SERVICE_PROTOCOL:
        xmcp_put_protocol(w, m->service_protocol);
        break;
    case XMCP_ATTR_FLAGS:
        put_flags_again(w, m->flags);
        break;
    case XMCP_ATTR_MESSAGE_INTEGRITY: /* written when the message is finished */
        break;
    default:
        fail_msg("attribute 0x%04x is not written by this test", type);
    }
#undef NUMBER
#undef TEXT
}

static void encode_again(const struct vector *v, const struct xmcp_msg *m)
{
    uint8_t *buffer = malloc(v->bytes); /* no octet more than it takes */
    struct xmcp_form form = {XMCP_DIGEST_NONE, XMCP_PADDING_NONE};
    struct xmcp_attribute raw;
    struct xmcp_writer w;
    struct xmcp_mac mac;
    size_t cursor = 0;
    size_t bytes = 0;

    assert_non_null(buffer);
    if (v->integrity != NULL) {
        form = vector_form(v);
        signing_mac(v, m, &mac);
    }
    xmcp_write_begin(&w, buffer, v->bytes, m->method, m->msg_class, m->transaction);
    while (xmcp_attribute_next(v->octets, v->bytes, &cursor, &raw) == 1)
        put_again(&w, raw.type, m);
    assert_int_equal(xmcp_write_finish(&w, &mac, form, &bytes), 0);
    assert_int_equal(bytes, v->bytes);
    assert_memory_equal(buffer, v->octets, v->bytes);
    free(buffer);
}

static void check_refused(const struct vector *v)
{
    struct xmcp_msg m;
    char reason[80];

    memset(&m, 0, sizeof(m));
    assert_int_equal(xmcp_decode(v->octets, v->bytes, &m), vector_malformed(v));
    if (vector_malformed(v) == XMCP_EFRAME)
        return;
    assert_int_not_equal(m.fault.reason, XMCP_FAULT_NONE);
    assert_true(xmcp_fault_format(&m.fault, reason, sizeof(reason)) > 0);
    assert_memory_equal(m.transaction, v->octets + 8, sizeof(m.transaction));
    assert_int_equal(m.msg_class, XMCP_REQUEST);
    assert_true(xmcp_method_name(m.method)[0] != 'u');
}

static void check_vector(const struct vector *v)
{
    struct xmcp_msg m;
    size_t frame_bytes = 0;

    if (vector_malformed(v)) {
        check_refused(v);
        return;
    }
    assert_int_equal(xmcp_frame_bytes(v->octets, v->bytes, &frame_bytes), 0);
    assert_int_equal(frame_bytes, v->bytes);
    assert_int_equal(xmcp_decode(v->octets, v->bytes, &m), 0);
    assert_non_null(v->decoded);
    compare_decoded(v, &m);
    assert_int_equal(v->integrity != NULL, (m.have & XMCP_HAVE_INTEGRITY) != 0);
    if (v->integrity != NULL)
        verify(v, &m);
    encode_again(v, &m);
}

static void all_vectors(void **state)
{
    size_t signed_count = 0;
    size_t refused_count = 0;
    size_t i;

    (void)state;
    assert_int_equal(vector_count, VECTOR_COUNT);
    for (i = 0; i < vector_count; i++) {
        printf("# %s\n", vectors[i].name);
        check_vector(&vectors[i]);
        signed_count += vectors[i].integrity != NULL && !vector_malformed(&vectors[i]);
        refused_count += vector_malformed(&vectors[i]) != 0;
    }
    /* Neither kind may quietly become empty. */
    assert_true(signed_count > 100);
    assert_true(refused_count > 15);
}

/* What each malformed vector is refused for, as an operator reads it. */
static void faults_are_named(void **state)
{
    static const char *const want[][2] = {
        {"malformed/attribute_overrun", "CLIENT-HANDLE: runs past the end of the message"},
        {"malformed/handle_length_3", "CLIENT-HANDLE: wrong length"},
        {"malformed/identity_length_19", "SERVICE-IDENTITY: wrong length"},
        {"malformed/transport_family_3",
         "SERVICE-TRANSPORT: wrong address family or address length"},
        {"malformed/flags_length_6", "FLAGS: wrong length"},
        {"malformed/realm_without_quotes", "REALM: not the realm \"SAF\""},
        {"malformed/mi_length_19", "MESSAGE-INTEGRITY: wrong length"},
        {"malformed/mi_length_33", "MESSAGE-INTEGRITY: wrong length"},
        {"malformed/attribute_after_mi", "PAGE-SIZE: stands behind MESSAGE-INTEGRITY"},
        {"malformed/empty_username", "USERNAME: wrong length"},
        {"malformed/client_name_256", "CLIENT-NAME: wrong length"},
        {"malformed/zero_length_attributes_flood", "too many attributes"},
    };
    size_t i;
    size_t k;

    (void)state;
    for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct xmcp_msg m;
        char reason[80];

        for (k = 0; k < vector_count && strcmp(vectors[k].name, want[i][0]) != 0; k++)
            ;
        assert_true(k < vector_count);
        assert_int_equal(xmcp_decode(vectors[k].octets, vectors[k].bytes, &m), XMCP_EBADMSG);
        xmcp_fault_format(&m.fault, reason, sizeof(reason));
        assert_string_equal(reason, want[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_vectors),
        cmocka_unit_test(faults_are_named),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
