/* SPDX-License-Identifier: MIT */
/*
 * test_xmcp_codec.c - what the vectors do not show: cut, flipped and repeated input, text, the
 * writer's limits, HMAC against OpenSSL's own, gathered messages, and identities as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/hmac.h>

#include "xmcp_vectors.h"

static struct vector *vectors;
static size_t vector_count;

static const struct xmcp_form forms[] = {
    {XMCP_DIGEST_SHA1, XMCP_PADDING_NONE},
    {XMCP_DIGEST_SHA1, XMCP_PADDING_64},
    {XMCP_DIGEST_SHA256, XMCP_PADDING_NONE},
    {XMCP_DIGEST_SHA256, XMCP_PADDING_64},
};
static const struct xmcp_form unsigned_form = {XMCP_DIGEST_NONE, XMCP_PADDING_NONE};
static const uint8_t transaction[XMCP_TRANSACTION_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* Every beginning of every vector, in a block of its own size. */
static void truncation(void **state)
{
    size_t i;
    size_t bytes;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        const struct vector *v = &vectors[i];

        for (bytes = 0; bytes < v->bytes; bytes++) {
            uint8_t *part = malloc(bytes > 0 ? bytes : 1);
            struct xmcp_msg m;
            int rc;

            assert_non_null(part);
            memcpy(part, v->octets, bytes);
            rc = xmcp_decode(part, bytes, &m);
            if (vector_malformed(v) == XMCP_EFRAME && bytes >= 8)
                assert_int_equal(rc, XMCP_EFRAME);
            else if (vector_malformed(v) != XMCP_EFRAME)
                assert_int_equal(rc, XMCP_EAGAIN);
            free(part);
        }
    }
}

static void flip_all_bits(const struct vector *v, uint8_t *octets)
{
    struct xmcp_mac mac;
    size_t bit;

    if (v->credentials != NULL)
        vector_mac(v, &mac);
    for (bit = 0; bit < 8 * v->bytes; bit++) {
        struct xmcp_msg m;

        octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (xmcp_decode(octets, v->bytes, &m) == 0 && v->credentials != NULL)
            assert_int_equal(xmcp_mac_verify(&mac, octets, &m, NULL), XMCP_EAUTH);
        octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* No single wrong bit may crash anything, nor go through where a message is signed. */
static void bit_flips(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < vector_count; i++) {
        uint8_t *copy = malloc(vectors[i].bytes);

        assert_non_null(copy);
        memcpy(copy, vectors[i].octets, vectors[i].bytes);
        flip_all_bits(&vectors[i], copy);
        free(copy);
    }
}

/* A message of raw attributes. */
static void begin(struct xmcp_writer *w, uint8_t *buffer, size_t bytes)
{
    xmcp_write_begin(w, buffer, bytes, XMCP_PUBLISH, XMCP_REQUEST, transaction);
}

static int finish_and_decode(struct xmcp_writer *w, struct xmcp_msg *m)
{
    size_t bytes = 0;

    assert_int_equal(xmcp_write_finish(w, NULL, unsigned_form, &bytes), 0);
    return xmcp_decode(w->buffer, bytes, m);
}

struct sample {
    unsigned type;
    const char *hex;
};

static const struct sample samples[] = {
    {XMCP_ATTR_USERNAME, "61"},
    {XMCP_ATTR_ERROR_CODE, "00000400"},
    {XMCP_ATTR_REALM, "2253414622"},
    {XMCP_ATTR_NONCE, "61"},
    {XMCP_ATTR_CLIENT_NAME, "61"},
    {XMCP_ATTR_CLIENT_HANDLE, "00000001"},
    {XMCP_ATTR_PROTOCOL_VERSION, "00020000"},
    {XMCP_ATTR_PAGE_SIZE, "0000000a"},
    {XMCP_ATTR_CLIENT_LABEL, "61"},
    {XMCP_ATTR_KEEPALIVE, "00007530"},
    {XMCP_ATTR_SERVICE_IDENTITY, "0065000100000001000000020000000300000004"},
    {XMCP_ATTR_SERVICE_TRANSPORT, "000113c4c0000201"},
    {XMCP_ATTR_SERVICE_PROTOCOL, "00000006"},
    {XMCP_ATTR_FLAGS, "00030001"},
    {XMCP_ATTR_SERVICE_VERSION, "00000001"},
    {XMCP_ATTR_SERVICE_DATA, ""},
    {XMCP_ATTR_SERVICE_METRICS,
     "000000000000000000000000000000000000000000000000000000000000000000000000"},
    {XMCP_ATTR_SUBSCRIPTION_ID, "00000001"},
    {XMCP_ATTR_REMOVED_REASON, "00000001"},
    {XMCP_ATTR_DOMAIN, "00001c09"},
};

static void put_sample(struct xmcp_writer *w, const struct sample *s)
{
    uint8_t value[64];

    xmcp_put_bytes(w, s->type, value, hex_octets(s->hex, value, sizeof(value)));
}

static void repeats(void **state)
{
    uint8_t buffer[512];
    struct xmcp_writer w;
    struct xmcp_msg m;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(samples); i++) {
        begin(&w, buffer, sizeof(buffer));
        put_sample(&w, &samples[i]);
        assert_int_equal(finish_and_decode(&w, &m), 0);
        begin(&w, buffer, sizeof(buffer));
        put_sample(&w, &samples[i]);
        xmcp_put_u32(&w, 0x1010, 1); /* unknown ones may stand between, and repeat */
        xmcp_put_u32(&w, 0x1010, 1);
        put_sample(&w, &samples[i]);
        assert_int_equal(finish_and_decode(&w, &m), XMCP_EBADMSG);
        assert_int_equal(m.fault.reason, XMCP_FAULT_REPEATED);
        assert_int_equal(m.fault.attribute, samples[i].type);
    }
}

static void attribute_cap(void **state)
{
    uint8_t buffer[1024];
    struct xmcp_writer w;
    struct xmcp_msg m;
    int i;

    (void)state;
    begin(&w, buffer, sizeof(buffer));
    for (i = 0; i < XMCP_ATTRIBUTE_COUNT_MAX; i++)
        xmcp_put_bytes(&w, 0x1fff, "", 0);
    assert_int_equal(finish_and_decode(&w, &m), 0);
    assert_int_equal(m.unknown_count, XMCP_ATTRIBUTE_COUNT_MAX);
    begin(&w, buffer, sizeof(buffer));
    for (i = 0; i <= XMCP_ATTRIBUTE_COUNT_MAX; i++)
        xmcp_put_bytes(&w, 0x1fff, "", 0);
    assert_int_equal(finish_and_decode(&w, &m), XMCP_EBADMSG);
    assert_int_equal(m.fault.reason, XMCP_FAULT_TOO_MANY);
}

/* Values of the right length that break another rule. */
static void bad_values(void **state)
{
    static const struct {
        unsigned type;
        const char *hex;
        enum xmcp_fault_reason reason;
    } bad[] = {
        {XMCP_ATTR_REALM, "2273616622", XMCP_FAULT_REALM},
        {XMCP_ATTR_SERVICE_PROTOCOL, "00000106", XMCP_FAULT_RESERVED},
        {XMCP_ATTR_SERVICE_TRANSPORT, "010113c4c0000201", XMCP_FAULT_RESERVED},
        {XMCP_ATTR_SERVICE_TRANSPORT, "000213c4c0000201", XMCP_FAULT_FAMILY},
        {XMCP_ATTR_CLIENT_LABEL, "6100", XMCP_FAULT_TEXT},
        {XMCP_ATTR_CLIENT_NAME, "610a62", XMCP_FAULT_TEXT},
        {XMCP_ATTR_USERNAME, "c3", XMCP_FAULT_TEXT},
        {XMCP_ATTR_NONCE, "", XMCP_FAULT_LENGTH},
        {XMCP_ATTR_ERROR_CODE, "0000040107", XMCP_FAULT_TEXT},
        {XMCP_ATTR_SERVICE_METRICS, "00", XMCP_FAULT_LENGTH},
    };
    uint8_t buffer[512];
    uint8_t value[64];
    struct xmcp_writer w;
    struct xmcp_msg m;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(bad); i++) {
        begin(&w, buffer, sizeof(buffer));
        xmcp_put_u32(&w, XMCP_ATTR_DOMAIN, 5);
        xmcp_put_bytes(&w, bad[i].type, value, hex_octets(bad[i].hex, value, sizeof(value)));
        assert_int_equal(finish_and_decode(&w, &m), XMCP_EBADMSG);
        assert_int_equal(m.fault.reason, bad[i].reason);
        assert_int_equal(m.fault.attribute, bad[i].type);
        assert_int_equal(m.fault.offset, 28);
        assert_int_equal(m.have, XMCP_HAVE_DOMAIN);
    }
}

static void error_codes(void **state)
{
    static const struct {
        const char *hex;
        unsigned code;
    } shapes[] = {
        {"00000423", 435}, {"000001b3", 435}, {"00000400", 400}, {"00000190", 400},
        {"000001f5", 501}, {"00000501", 501}, {"00000463", 499},
    };
    uint8_t buffer[64];
    uint8_t value[8];
    struct xmcp_writer w;
    struct xmcp_msg m;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(shapes); i++) {
        begin(&w, buffer, sizeof(buffer));
        xmcp_put_bytes(&w, XMCP_ATTR_ERROR_CODE, value,
                       hex_octets(shapes[i].hex, value, sizeof(value)));
        assert_int_equal(finish_and_decode(&w, &m), 0);
        assert_int_equal(m.error_code, shapes[i].code);
    }
}

static void text(void **state)
{
    static const char *const good[] = {"", "a", "@", "caf\xc3\xa9", "\xe2\x82\xac", "~",
                                       "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
                                       "\xc2\xa0"};
    static const char *const bad[] = {"\x01", "a\nb", "\x7f", "\xc3", "\xc0\xaf", "\xe0\x80\xaf",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                      "\x80", "\xe2\x82", "\xe2\x28\xa1", "\xc2\x9b", "\xff",
                                      "\xf0\x80\x80\x80", "\xf0\x9f\x98\x28"};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(good); i++)
        assert_int_equal(xmcp_text_valid(good[i], strlen(good[i])), 1);
    for (i = 0; i < COUNT(bad); i++)
        assert_int_equal(xmcp_text_valid(bad[i], strlen(bad[i])), 0);
    assert_int_equal(xmcp_text_valid("a\0b", 3), 0);
}

static void write_sample_message(struct xmcp_writer *w)
{
    static const struct xmcp_identity id = {101, 1, {1, 2, 3, 4}};
    static const struct xmcp_flag flags[] = {{XMCP_FLAG_TRUST, 1}, {XMCP_FLAG_VISIBILITY, 1}};
    struct xmcp_transport transport;

    assert_int_equal(xmcp_transport_parse("2001:db8::1", 5060, &transport), 0);
    xmcp_put_u32(w, XMCP_ATTR_SUBSCRIPTION_ID, 9);
    xmcp_put_identity(w, &id);
    xmcp_put_transport(w, &transport);
    xmcp_put_protocol(w, 6);
    xmcp_put_flags(w, flags, 2);
    xmcp_put_text(w, XMCP_ATTR_CLIENT_LABEL, "label", 5);
    xmcp_put_bytes(w, XMCP_ATTR_SERVICE_DATA, "data!", 5);
    xmcp_put_realm(w);
    xmcp_put_version(w, 2, 0);
    xmcp_put_error(w, 499, NULL);
}

/* In every buffer that is too small the writer stops and says so; ASan watches the end. */
static void writer_capacity(void **state)
{
    struct xmcp_mac mac;
    uint8_t key[XMCP_KEY_BYTES] = {0};
    struct xmcp_writer w;
    size_t needed = 0;
    size_t capacity;
    int rc = XMCP_ENOSPC;

    (void)state;
    xmcp_mac_init(&mac, key);
    for (capacity = 0; rc == XMCP_ENOSPC && capacity < 1000; capacity++) {
        uint8_t *buffer = malloc(capacity > 0 ? capacity : 1);

        assert_non_null(buffer);
        xmcp_write_begin(&w, buffer, capacity, XMCP_NOTIFY, XMCP_REQUEST, transaction);
        write_sample_message(&w);
        rc = xmcp_write_finish(&w, &mac, forms[2], &needed);
        free(buffer);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(needed, capacity - 1);
}

static void writer_refuses(void **state)
{
    static uint8_t big[70000];
    static uint8_t buffer[70000];
    struct xmcp_transport bad_family = {.family = 3};
    struct xmcp_writer w;
    size_t bytes = 1;

    (void)state;
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_text(&w, XMCP_ATTR_NONCE, "", 0);
    xmcp_put_u32(&w, XMCP_ATTR_DOMAIN, 1); /* does nothing any more */
    assert_int_equal(xmcp_write_finish(&w, NULL, unsigned_form, &bytes), XMCP_EINVAL);
    assert_int_equal(bytes, 1);
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_transport(&w, &bad_family);
    assert_int_equal(w.error, XMCP_EINVAL);
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_error(&w, 77, NULL);
    assert_int_equal(w.error, XMCP_EINVAL);
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, big, 65529);
    assert_int_equal(w.error, XMCP_ENOSPC);
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, big, 65528);
    assert_int_equal(xmcp_write_finish(&w, NULL, unsigned_form, &bytes), 0);
    assert_int_equal(bytes, XMCP_FRAME_BYTES_MAX);
    begin(&w, buffer, sizeof(buffer)); /* no room left for the signature */
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, big, 65528);
    assert_int_equal(xmcp_write_finish(&w, NULL, forms[0], &bytes), XMCP_ENOSPC);
}

/* A form that does not exist and a missing key are refused: nothing leaves unsigned by mistake. */
static void writer_always_signs(void **state)
{
    static const uint8_t key[XMCP_KEY_BYTES] = {0};
    uint8_t buffer[64];
    struct xmcp_form unknown = {9, XMCP_PADDING_NONE};
    struct xmcp_form bad_padding = {XMCP_DIGEST_SHA1, 9};
    struct xmcp_writer w;
    struct xmcp_mac mac;
    size_t bytes = 1;

    (void)state;
    xmcp_mac_init(&mac, key);
    begin(&w, buffer, sizeof(buffer));
    assert_int_equal(xmcp_write_finish(&w, &mac, unknown, &bytes), XMCP_EINVAL);
    begin(&w, buffer, sizeof(buffer));
    assert_int_equal(xmcp_write_finish(&w, &mac, bad_padding, &bytes), XMCP_EINVAL);
    begin(&w, buffer, sizeof(buffer));
    assert_int_equal(xmcp_write_finish(&w, NULL, forms[0], &bytes), XMCP_EINVAL);
    assert_int_equal(bytes, 1);
}

/* Our HMAC from kept states against OpenSSL's one-shot HMAC, unpadded, at every length. */
static void hmac_is_hmac(void **state)
{
    static const uint8_t key[XMCP_KEY_BYTES] = "0123456789abcde";
    uint8_t data[300];
    uint8_t ours[32];
    uint8_t theirs[32];
    struct xmcp_mac mac;
    struct xmcp_mac copy;
    unsigned theirs_bytes = 0;
    size_t bytes;

    (void)state;
    for (bytes = 0; bytes < sizeof(data); bytes++)
        data[bytes] = (uint8_t)(bytes * 7);
    xmcp_mac_init(&mac, key);
    copy = mac;
    xmcp_mac_clear(&mac);
    for (bytes = 0; bytes < sizeof(data); bytes++) {
        struct xmcp_view piece = {data, bytes};

        assert_int_equal(xmcp_mac_sign(&copy, forms[0], &piece, 1, ours), 20);
        HMAC(EVP_sha1(), key, sizeof(key), data, bytes, theirs, &theirs_bytes);
        assert_memory_equal(ours, theirs, 20);
        assert_int_equal(xmcp_mac_sign(&copy, forms[2], &piece, 1, ours), 32);
        HMAC(EVP_sha256(), key, sizeof(key), data, bytes, theirs, &theirs_bytes);
        assert_memory_equal(ours, theirs, 32);
    }
}

/* Cisco's rule spelled out: zeros up to the whole message's next multiple of 64. */
static void padding_rule(void **state)
{
    static const uint8_t key[XMCP_KEY_BYTES] = "0123456789abcde";
    uint8_t data[512] = {0};
    uint8_t padded[32];
    uint8_t spelled[32];
    struct xmcp_mac mac;
    size_t bytes;

    (void)state;
    xmcp_mac_init(&mac, key);
    for (bytes = 20; bytes < 300; bytes += 4) {
        struct xmcp_view piece = {data, bytes};
        struct xmcp_view longer = {data, (bytes + 24 + 63) / 64 * 64};

        data[bytes - 1] = 1;
        assert_int_equal(xmcp_mac_sign(&mac, forms[1], &piece, 1, padded), 20);
        assert_int_equal(xmcp_mac_sign(&mac, forms[0], &longer, 1, spelled), 20);
        assert_memory_equal(padded, spelled, 20);
        longer.bytes = (bytes + 36 + 63) / 64 * 64;
        assert_int_equal(xmcp_mac_sign(&mac, forms[3], &piece, 1, padded), 32);
        assert_int_equal(xmcp_mac_sign(&mac, forms[2], &longer, 1, spelled), 32);
        assert_memory_equal(padded, spelled, 32);
    }
    assert_int_equal(xmcp_mac_sign(&mac, unsigned_form, NULL, 0, padded), XMCP_EINVAL);
}

/* Signs a decoded message again as RFC 3489 does: the text itself is padded to a multiple of 64. */
static void sign_as_rfc3489(uint8_t *buffer, const struct xmcp_msg *m, const uint8_t *key)
{
    uint8_t padded[256] = {0};
    size_t covered = m->integrity_offset;
    const EVP_MD *digest = m->integrity.bytes == 20 ? EVP_sha1() : EVP_sha256();
    uint8_t out[32];
    unsigned bytes = 0;

    assert_true((covered + 63) / 64 * 64 <= sizeof(padded));
    memcpy(padded, buffer, covered);
    HMAC(digest, key, XMCP_KEY_BYTES, padded, (covered + 63) / 64 * 64, out, &bytes);
    assert_int_equal(bytes, m->integrity.bytes);
    memcpy(buffer + covered + 4, out, bytes);
}

/* What that rule's message comes to where it is not one of the two forms by chance. */
static int verify_rfc3489(struct xmcp_form form, size_t data_bytes, struct xmcp_form *matched,
                          size_t *covered)
{
    static const uint8_t key[XMCP_KEY_BYTES] = "0123456789abcde";
    static const uint8_t data[64] = {42};
    uint8_t buffer[256];
    struct xmcp_writer w;
    struct xmcp_mac mac;
    struct xmcp_msg m;
    size_t bytes = 0;

    xmcp_mac_init(&mac, key);
    begin(&w, buffer, sizeof(buffer));
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, data, data_bytes);
    assert_int_equal(xmcp_write_finish(&w, &mac, form, &bytes), 0);
    assert_int_equal(xmcp_decode(buffer, bytes, &m), 0);
    sign_as_rfc3489(buffer, &m, key);
    *covered = m.integrity_offset;
    return xmcp_mac_verify(&mac, buffer, &m, matched);
}

static void check_rfc3489(struct xmcp_form form, size_t integrity_bytes)
{
    unsigned refused = 0;
    size_t data_bytes;

    for (data_bytes = 0; data_bytes < 64; data_bytes += 4) {
        struct xmcp_form matched = {0, 0};
        size_t covered;
        int rc = verify_rfc3489(form, data_bytes, &matched, &covered);

        if (covered % 64 != 0 && covered % 64 + integrity_bytes > 64) {
            assert_int_equal(rc, XMCP_EAUTH);
            refused++;
        } else { /* it pads nothing, or as much as Cisco's rule does */
            assert_int_equal(rc, 0);
            assert_int_equal(matched.padding,
                             covered % 64 == 0 ? XMCP_PADDING_NONE : XMCP_PADDING_64);
        }
    }
    assert_int_equal(refused, integrity_bytes / 4 - 1);
}

static void rfc3489_padding_refused(void **state)
{
    (void)state;
    check_rfc3489(forms[0], 24);
    check_rfc3489(forms[2], 36);
}

/* One message written plainly and one gathered from a prefix and a shared part are the same. */
static void check_gather(const struct xmcp_mac *mac, struct xmcp_form form, size_t data_bytes)
{
    static const struct xmcp_identity id = {101, 1, {1, 2, 3, 4}};
    static const uint8_t data[200] = {42};
    uint8_t plain[512];
    uint8_t prefix[64];
    uint8_t shared_buffer[256];
    uint8_t tail[XMCP_INTEGRITY_BYTES_MAX];
    struct xmcp_writer w;
    struct xmcp_writer part;
    struct xmcp_view shared;
    size_t plain_bytes = 0;
    size_t tail_bytes = 99;

    xmcp_write_begin(&w, plain, sizeof(plain), XMCP_NOTIFY, XMCP_REQUEST, transaction);
    xmcp_put_u32(&w, XMCP_ATTR_SUBSCRIPTION_ID, 9);
    xmcp_put_identity(&w, &id);
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, data, data_bytes);
    assert_int_equal(xmcp_write_finish(&w, mac, form, &plain_bytes), 0);

    xmcp_write_begin_part(&part, shared_buffer, sizeof(shared_buffer));
    xmcp_put_identity(&part, &id);
    xmcp_put_bytes(&part, XMCP_ATTR_SERVICE_DATA, data, data_bytes);
    assert_int_equal(part.error, 0);
    shared.data = shared_buffer;
    shared.bytes = part.used_bytes;
    xmcp_write_begin(&w, prefix, sizeof(prefix), XMCP_NOTIFY, XMCP_REQUEST, transaction);
    xmcp_put_u32(&w, XMCP_ATTR_SUBSCRIPTION_ID, 9);
    assert_int_equal(xmcp_write_finish_gather(&w, mac, form, shared, tail, &tail_bytes), 0);

    assert_int_equal(w.used_bytes + shared.bytes + tail_bytes, plain_bytes);
    assert_memory_equal(prefix, plain, w.used_bytes);
    assert_memory_equal(shared_buffer, plain + w.used_bytes, shared.bytes);
    assert_memory_equal(tail, plain + w.used_bytes + shared.bytes, tail_bytes);
}

static void gather(void **state)
{
    static const uint8_t key[XMCP_KEY_BYTES] = "0123456789abcde";
    struct xmcp_mac mac;
    size_t bytes;
    size_t i;

    (void)state;
    xmcp_mac_init(&mac, key);
    for (bytes = 0; bytes < 200; bytes++) {
        for (i = 0; i < COUNT(forms); i++)
            check_gather(&mac, forms[i], bytes);
        check_gather(NULL, unsigned_form, bytes);
    }
}

static void check_identity(const char *from, const char *full, const char *brief)
{
    struct xmcp_identity id;
    char out[XMCP_IDENTITY_TEXT_BYTES];

    assert_int_equal(xmcp_identity_parse(from, &id, NULL), 0);
    assert_true(xmcp_identity_format(&id, XMCP_STYLE_FULL, out, sizeof(out)) > 0);
    assert_string_equal(out, full);
    assert_true(xmcp_identity_format(&id, XMCP_STYLE_STARS, out, sizeof(out)) > 0);
    assert_string_equal(out, brief);
}

static void identities(void **state)
{
    static const char *const bad[] = {
        "", ":", "a", "65536:1:1.2.3.4", "1:1:1.2.3", "1:1:1.2.3.4.5", "1:1:1.2.3.123456789",
        "1:1:g.2.3.4", "-1:1:1.2.3.4", " 1:1:1.2.3.4", "1:1:1.2.3.4 ", "1:1:0x1.2.3.4",
        "1:1:1..3.4", "1:1:00000001-0002-0003-0004-00000000000", "1;1:1.2.3.4", "1:1:1.2.3.4:5",
        "000001:1:1.2.3.4", "1:1:00000001x0002-0003-0004-000000000005", "**:1:1.2.3.4"};
    struct xmcp_identity id;
    unsigned given = 99;
    char small[8];
    size_t i;

    (void)state;
    check_identity("101:1:1.2.3.4", "101:1:00000001.00000002.00000003.00000004",
                   "101:1:1.2.3.4");
    check_identity("101:1:0a0B0c0d.0.0.ff", "101:1:0a0b0c0d.00000000.00000000.000000ff",
                   "101:1:a0b0c0d.0.0.ff");
    check_identity("0:0:0.0.0.0", "0:0:00000000.00000000.00000000.00000000", "0:0:0.0.0.0");
    check_identity("635:1:123E4567-e89b-12d3-a456-426614174000",
                   "635:1:123e4567.e89b12d3.a4564266.14174000",
                   "635:1:123e4567.e89b12d3.a4564266.14174000");
    check_identity("101:*:*", "101:65535:ffffffff.ffffffff.ffffffff.ffffffff", "101:*:*");
    check_identity("*:*:1.*.3.*", "65535:65535:00000001.ffffffff.00000003.ffffffff",
                   "*:*:1.*.3.*");
    check_identity("*", "65535:65535:ffffffff.ffffffff.ffffffff.ffffffff", "*:*:*");
    for (i = 0; i < COUNT(bad); i++) {
        assert_int_equal(xmcp_identity_parse(bad[i], &id, &given), XMCP_EINVAL);
        assert_int_equal(given, 99);
    }
    assert_int_equal(xmcp_identity_parse("101:1", &id, &given), 0);
    assert_int_equal(given, XMCP_GIVEN_SERVICE | XMCP_GIVEN_SUBSERVICE);
    assert_int_equal(xmcp_identity_parse("101:1:", &id, &given), 0);
    assert_int_equal(given, XMCP_GIVEN_SERVICE | XMCP_GIVEN_SUBSERVICE);
    assert_int_equal(xmcp_identity_parse("101:1:*", &id, &given), 0);
    assert_int_equal(given, 7);
    assert_int_equal(xmcp_identity_format(&id, 0, small, sizeof(small)), XMCP_ENOSPC);
}

static void matching(void **state)
{
    static const struct {
        const char *filter;
        const char *id;
        int match;
    } pairs[] = {
        {"*", "101:1:1.2.3.4", 1},           {"101:*:*", "101:1:1.2.3.4", 1},
        {"100:*:*", "101:1:1.2.3.4", 0},     {"*:1:*", "101:1:1.2.3.4", 1},
        {"*:2:*", "101:1:1.2.3.4", 0},       {"101:1:*.2.*.4", "101:1:1.2.3.4", 1},
        {"101:1:*.2.*.5", "101:1:1.2.3.4", 0}, {"101:1:1.2.3.4", "101:1:1.2.3.4", 1},
    };
    static const struct {
        const char *id;
        int concrete;
    } publishable[] = {{"101:1:1.2.3.4", 1},
                       {"*:1:1.2.3.4", 0},
                       {"101:*:1.2.3.4", 0},
                       {"101:1:*", 0},
                       {"101:1:*.*.*.4", 1}};
    struct xmcp_identity filter;
    struct xmcp_identity id;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(pairs); i++) {
        assert_int_equal(xmcp_identity_parse(pairs[i].filter, &filter, NULL), 0);
        assert_int_equal(xmcp_identity_parse(pairs[i].id, &id, NULL), 0);
        assert_int_equal(xmcp_identity_match(&filter, &id), pairs[i].match);
    }
    for (i = 0; i < COUNT(publishable); i++) {
        assert_int_equal(xmcp_identity_parse(publishable[i].id, &id, NULL), 0);
        assert_int_equal(xmcp_identity_concrete(&id), publishable[i].concrete);
    }
}

static void transports(void **state)
{
    struct xmcp_transport t;
    char out[46];

    (void)state;
    assert_int_equal(xmcp_transport_parse("192.0.2.1", 1, &t), 0);
    assert_int_equal(t.family, XMCP_FAMILY_IPV4);
    assert_int_equal(xmcp_transport_format(&t, out, sizeof(out)), 9);
    assert_string_equal(out, "192.0.2.1");
    assert_int_equal(xmcp_transport_parse("2001:DB8::1", 1, &t), 0);
    assert_int_equal(xmcp_transport_format(&t, out, sizeof(out)), 11);
    assert_string_equal(out, "2001:db8::1");
    assert_int_equal(xmcp_transport_parse("example.com", 1, &t), XMCP_EINVAL);
    t.family = 9;
    assert_int_equal(xmcp_transport_format(&t, out, sizeof(out)), XMCP_EINVAL);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(xmcp_method_name(XMCP_REGISTER_REVOKE), "RegisterRevoke");
    assert_string_equal(xmcp_method_name(0), "unknown");
    assert_string_equal(xmcp_class_name(XMCP_ERROR), "error");
    assert_string_equal(xmcp_attribute_name(0x1010), "unknown");
    assert_string_equal(xmcp_code_name(472), "Version Number Too Low");
    assert_string_equal(xmcp_strerror(XMCP_ETIMEDOUT), "no answer");
    assert_string_equal(xmcp_strerror(5), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation),     cmocka_unit_test(bit_flips),
        cmocka_unit_test(repeats),        cmocka_unit_test(attribute_cap),
        cmocka_unit_test(bad_values),     cmocka_unit_test(error_codes),
        cmocka_unit_test(text),           cmocka_unit_test(writer_capacity),
        cmocka_unit_test(writer_refuses), cmocka_unit_test(writer_always_signs),
        cmocka_unit_test(hmac_is_hmac),
        cmocka_unit_test(padding_rule),   cmocka_unit_test(rfc3489_padding_refused),
        cmocka_unit_test(gather),
        cmocka_unit_test(identities),     cmocka_unit_test(matching),
        cmocka_unit_test(transports),     cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
