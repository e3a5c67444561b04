/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_auth.c - digests of EIGRP packets: those of others verify, ours are the same, every
 * change is noticed that can be noticed, and keys are chosen as their lifetimes say.
 *
 * Foreign proof: five MD5 digests and one HMAC-SHA-256 digest that were published with captures of
 * Cisco routers (test vectors of John the Ripper's EIGRP format), and the hellos of FRR's eigrpd
 * in tests/data/frr-eigrp.pcap. FRR's MD5 digests are right; its SHA-256 digests are known to be
 * wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_vectors.h"

static int setup(void **state)
{
    struct eigrp_vector *vectors;

    (void)state;
    eigrp_vectors_load(&vectors);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    eigrp_vectors_free();
    return 0;
}

static size_t hex(const char *text, uint8_t *out)
{
    size_t n = strlen(text) / 2;
    unsigned octet;
    size_t i;

    for (i = 0; i < n; i++) {
        assert_int_equal(sscanf(text + 2 * i, "%2x", &octet), 1);
        out[i] = (uint8_t)octet;
    }
    return n;
}

static void sum_up(uint8_t *packet, size_t bytes)
{
    uint16_t sum = se_checksum(packet, bytes);

    packet[2] = (uint8_t)(sum >> 8);
    packet[3] = (uint8_t)sum;
}

static struct se_key key_of(const char *password)
{
    struct se_key key = {.send_until_s = SE_TIME_FOREVER, .accept_until_s = SE_TIME_FOREVER};

    key.password = xmb_str(password);
    key.id = 1;
    return key;
}

/* 0 when the packet's digest verifies. */
static int verify(uint8_t *octets, size_t bytes, const char *password, const char *source)
{
    struct xmb_addr from = eigrp_addr(source);
    struct se_key key = key_of(password);
    struct se_packet packet;
    struct se_auth auth;

    assert_int_equal(se_packet_open(octets, bytes, &packet, NULL), 0);
    assert_int_equal(se_auth_read(&packet, &auth, NULL), 1);
    return se_auth_verify(&packet, &auth, &key, &from);
}

/* --- published digests ----------------------------------------------------------------------- */

#define FRONT(as) \
    "020500000000000000000000000000000000" as "000200280002001000000001000000000000000000000000"

/* Octets up to the digest, the digest, octets behind it as far as it covers them, password. */
static const struct {
    const char *front, *digest, *behind, *password;
} md5_published[] = {
    {FRONT("002a"), "1a42aaf8ebe2f766100ea1fa05a5fa55", "", "password12345"},
    {FRONT("002a"), "f29e7d44351d37e6fc71e2aacca63d28", "", "1234567812345"},
    {FRONT("002a"), "560c87396267310978883da92c0cff90",
     "0001000c010001000000000f000400080500030000f5000c0000000400", "password12345"},
    {FRONT("002a"), "61f237e29d28538a372f01121f2cd12f", "", "123456789012345678901234567890"},
    {FRONT("0001"), "212acb1cb76b31a810a9752c5cf6f554", "", "ninja"},
};

static void test_published_md5(void **state)
{
    uint8_t packet[200];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(md5_published) / sizeof(md5_published[0]); i++) {
        size_t bytes = hex(md5_published[i].front, packet);

        bytes += hex(md5_published[i].digest, packet + bytes);
        bytes += hex(md5_published[i].behind, packet + bytes);
        memset(packet + bytes, 0x5a, 20); /* the tail that is not covered */
        bytes += 20;
        sum_up(packet, bytes);
        assert_int_equal(verify(packet, bytes, md5_published[i].password, "10.0.0.1"), 0);
        assert_int_equal(verify(packet, bytes, "passwore12345", "10.0.0.1"), XMB_EDENIED);
    }
}

static void test_published_sha256(void **state)
{
    uint8_t packet[200];
    size_t bytes = hex("020500000000000000000000000000000000000a0002003800030020000000000000000000"
                       "00000000000000"
                       "cff66484cea20c6f58f175f8c004fc6d73be72090e53429c2616309aca38d5f3"
                       "0001000c010001000000000f000400080f00020000f5000a000000020000",
                       packet);

    (void)state;
    sum_up(packet, bytes);
    assert_int_equal(verify(packet, bytes, "password12345", "10.0.0.2"), 0);
    assert_int_equal(verify(packet, bytes, "password12345", "10.0.0.3"), XMB_EDENIED);
    assert_int_equal(verify(packet, bytes, "password1234", "10.0.0.2"), XMB_EDENIED);
}

/* --- FRR ------------------------------------------------------------------------------------- */

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Octets of the capture; `*bytes` their number. To be freed. */
static uint8_t *pcap_load(size_t *bytes)
{
    const char *src = getenv("XMB_SRC");
    uint8_t *octets = malloc(65536);
    char path[4096];
    FILE *file;

    assert_non_null(octets);
    snprintf(path, sizeof(path), "%s/tests/data/frr-eigrp.pcap", src != NULL ? src : ".");
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read (is XMB_SRC the source folder?)", path);
    *bytes = fread(octets, 1, 65536, file);
    fclose(file);
    assert_true(*bytes > 24 && little32(octets) == 0xa1b2c3d4 && little32(octets + 20) == 1);
    return octets;
}

/* The EIGRP payload of an Ethernet frame with IPv4 in it, or 0 octets. */
static size_t payload_of(const uint8_t *frame, size_t frame_bytes, const uint8_t **payload,
                         struct xmb_addr *source)
{
    const uint8_t *ip = frame + 14;
    size_t ip_bytes;
    size_t head_bytes;

    if (frame_bytes < 34 || frame[12] != 8 || frame[13] != 0 || ip[9] != SE_IP_PROTOCOL)
        return 0;
    head_bytes = 4 * (size_t)(ip[0] & 15);
    ip_bytes = (size_t)ip[2] << 8 | ip[3];
    assert_true(ip_bytes <= frame_bytes - 14 && head_bytes < ip_bytes);
    memset(source, 0, sizeof(*source));
    source->family = 4;
    memcpy(source->ip, ip + 12, 4);
    *payload = ip + head_bytes;
    return ip_bytes - head_bytes;
}

struct tally {
    unsigned packets, admitted, bad_checksum, md5_good, sha256, sha256_bad;
};

static void tally_one(struct tally *tally, const uint8_t *payload, size_t bytes,
                      const struct xmb_addr *source)
{
    struct se_key key = key_of("password12345");
    enum se_reason reason = SE_REASON_NONE;
    struct se_packet packet;
    struct se_auth auth;

    tally->packets++;
    if (se_packet_open(payload, bytes, &packet, &reason) != 0) {
        tally->bad_checksum += reason == SE_DROP_CHECKSUM;
        return;
    }
    tally->admitted += se_packet_admit(&packet, packet.header.as_number, &reason) == 0;
    if (se_packet_frame(&packet, &reason) != 0)
        fail_msg("FRR's frame is refused: %s", se_reason_name(reason));
    if (se_auth_read(&packet, &auth, NULL) != 1)
        return;
    if (auth.mode == SE_AUTH_SHA256)
        tally->sha256++;
    if (se_auth_verify(&packet, &auth, &key, source) != 0)
        tally->sha256_bad += auth.mode == SE_AUTH_SHA256;
    else
        tally->md5_good += auth.mode == SE_AUTH_MD5;
}

static void test_frr_capture(void **state)
{
    struct tally tally = {0};
    const uint8_t *payload;
    struct xmb_addr source;
    size_t bytes;
    uint8_t *pcap = pcap_load(&bytes);
    size_t at = 24;
    size_t n;

    (void)state;
    while (at + 16 <= bytes) {
        size_t frame_bytes = little32(pcap + at + 8);

        at += 16;
        assert_true(frame_bytes <= bytes - at);
        n = payload_of(pcap + at, frame_bytes, &payload, &source);
        if (n != 0)
            tally_one(&tally, payload, n, &source);
        at += frame_bytes;
    }
    free(pcap);
    assert_int_equal(tally.packets, 87);
    assert_int_equal(tally.bad_checksum, 1); /* sent so on purpose, to see what FRR does */
    assert_int_equal(tally.md5_good, 3);
    assert_int_equal(tally.sha256, 3);
    assert_int_equal(tally.sha256_bad, 3);
    assert_int_equal(tally.admitted, 5); /* of the test speaker, as a service family */
}

/* --- changes --------------------------------------------------------------------------------- */

/* How many single-octet changes outside of the checksum the digest lets pass. */
static unsigned unnoticed(const char *name)
{
    const struct eigrp_vector *v = eigrp_vector_named(name);
    uint8_t octets[1600];
    struct se_key key = key_of("password12345");
    struct se_packet packet;
    struct se_auth auth;
    unsigned count = 0;
    size_t i;

    for (i = 0; i < v->bytes; i++) {
        memcpy(octets, v->octets, v->bytes);
        octets[i] ^= 0x40;
        sum_up(octets, v->bytes);
        if (i == 2 || i == 3 || se_packet_open(octets, v->bytes, &packet, NULL) != 0)
            continue;
        if (se_auth_read(&packet, &auth, NULL) != 1)
            continue;
        count += se_auth_verify(&packet, &auth, &key, &v->source) == 0;
    }
    return count;
}

static void test_every_change_noticed(void **state)
{
    (void)state;
    assert_int_equal(unnoticed("hello_sha256"), 0);
    assert_int_equal(unnoticed("update_service_sha256"), 0);
    /* MD5 leaves the last 20 octets open; that is the algorithm. */
    assert_int_equal(unnoticed("hello_md5"), 20);
    assert_int_equal(unnoticed("update_service_md5"), 20);
}

static void test_short_md5_has_no_key(void **state)
{
    const struct eigrp_vector *v = eigrp_vector_named("ack_md5");
    struct se_key key = key_of("anything else");
    struct se_packet packet;
    struct se_auth auth;

    (void)state;
    eigrp_open(v->octets, v->bytes, &packet);
    assert_int_equal(se_auth_read(&packet, &auth, NULL), 1);
    assert_int_equal(se_auth_verify(&packet, &auth, &key, &v->source), 0);
}

static size_t signed_hello(uint8_t *buffer, size_t bytes_max, enum se_auth_mode mode,
                           const struct se_key *key, const struct xmb_addr *source)
{
    struct se_parameter parameter = {SE_KVALUES_DEFAULT, 15};
    struct se_signer signer = {mode, key};
    struct se_header h;
    struct se_writer w;
    size_t bytes = 0;

    se_header_init(&h, SE_HELLO, 4453);
    assert_int_equal(se_write_begin(&w, buffer, bytes_max, &h, &signer), 0);
    assert_int_equal(se_write_parameter(&w, &parameter), 0);
    assert_int_equal(se_write_stub(&w, SE_STUB_CONNECTED), 0);
    assert_int_equal(se_write_finish(&w, source, &bytes), 0);
    return bytes;
}

/* Lengths of password around the slot and the HMAC block, and both families. */
static void test_own_verify(void **state)
{
    static const char *const sources[] = {"10.88.0.1", "fe80::1:2:3:4",
                                          "2001:db8:1111:2222:3333:4444:5555:6666"};
    static const size_t lengths[] = {1, 15, 16, 17, 31, 32, 33, 80};
    char password[81];
    uint8_t buffer[200];
    size_t i;
    size_t s;

    (void)state;
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(password, 'k', sizeof(password));
        password[lengths[i]] = '\0';
        for (s = 0; s < sizeof(sources) / sizeof(sources[0]); s++) {
            struct xmb_addr source = eigrp_addr(sources[s]);
            struct se_key key = key_of(password);
            size_t bytes = signed_hello(buffer, sizeof(buffer), SE_AUTH_MD5, &key, &source);

            assert_int_equal(bytes, 78);
            assert_int_equal(verify(buffer, bytes, password, sources[s]), 0);
            if (lengths[i] > SE_PASSWORD_SHA256_BYTES_MAX)
                continue;
            bytes = signed_hello(buffer, sizeof(buffer), SE_AUTH_SHA256, &key, &source);
            assert_int_equal(bytes, 94);
            assert_int_equal(verify(buffer, bytes, password, sources[s]), 0);
            assert_int_equal(verify(buffer, bytes, "k!", sources[s]), XMB_EDENIED);
        }
    }
}

static void test_unusable_keys(void **state)
{
    char password[82];
    struct se_key key = key_of("");
    struct se_signer md5 = {SE_AUTH_MD5, &key};
    struct se_signer sha = {SE_AUTH_SHA256, &key};
    struct se_header h;
    struct se_writer w;
    uint8_t buffer[200];

    (void)state;
    memset(password, 'k', sizeof(password));
    se_header_init(&h, SE_HELLO, 1);
    assert_int_equal(se_write_begin(&w, buffer, sizeof(buffer), &h, &md5), XMB_EINVAL);
    key.password = xmb_str_n(password, 81);
    assert_int_equal(se_write_begin(&w, buffer, sizeof(buffer), &h, &md5), XMB_EINVAL);
    key.password = xmb_str_n(password, 33);
    assert_int_equal(se_write_begin(&w, buffer, sizeof(buffer), &h, &sha), XMB_EINVAL);
    key.password = xmb_str_n(password, 32);
    assert_int_equal(se_write_begin(&w, buffer, 75, &h, &sha), XMB_ETOOBIG);
    assert_int_equal(se_write_begin(&w, buffer, 76, &h, &sha), 0);
    assert_int_equal(se_write_finish(&w, NULL, &(size_t){0}), XMB_EINVAL);
}

/* --- policy ---------------------------------------------------------------------------------- */

static enum se_reason checked(const char *name, enum se_auth_mode mode, const struct se_key *keys,
                              size_t key_count, int64_t now_s)
{
    const struct eigrp_vector *v = eigrp_vector_named(name);
    struct se_auth_policy policy = {mode, keys, key_count};
    enum se_reason reason = SE_REASON_NONE;
    struct se_packet packet;

    assert_int_equal(se_packet_open(v->octets, v->bytes, &packet, NULL), 0);
    if (se_auth_check(&packet, &policy, &v->source, now_s, NULL, &reason) == 0)
        assert_int_equal(reason, SE_REASON_NONE);
    else
        assert_int_not_equal(reason, SE_REASON_NONE);
    return reason;
}

static void test_policy(void **state)
{
    struct se_key good = key_of("password12345");
    struct se_key bad = key_of("password54321");
    struct se_key other = key_of("password12345");
    struct se_key chain[3];

    (void)state;
    other.id = 2;
    assert_int_equal(checked("hello", SE_AUTH_NONE, NULL, 0, 0), SE_REASON_NONE);
    assert_int_equal(checked("hello", SE_AUTH_MD5, &good, 1, 0), SE_DROP_AUTH_MISSING);
    assert_int_equal(checked("ack", SE_AUTH_SHA256, &good, 1, 0), SE_DROP_AUTH_MISSING);
    assert_int_equal(checked("hello_md5", SE_AUTH_NONE, NULL, 0, 0), SE_DROP_AUTH_UNEXPECTED);
    assert_int_equal(checked("hello_md5", SE_AUTH_SHA256, &good, 1, 0), SE_DROP_AUTH_TYPE);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, &good, 1, 0), SE_REASON_NONE);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, &bad, 1, 0), SE_DROP_AUTH_DIGEST);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, &other, 1, 0), SE_DROP_AUTH_KEY);
    assert_int_equal(checked("hello_sha256", SE_AUTH_SHA256, &other, 1, 0), SE_REASON_NONE);
    chain[0] = bad;
    chain[1] = other;
    chain[2] = good;
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 3, 0), SE_REASON_NONE);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 2, 0), SE_DROP_AUTH_DIGEST);
    assert_int_equal(checked("hello_sha256", SE_AUTH_SHA256, chain, 1, 0), SE_DROP_AUTH_DIGEST);
    assert_int_equal(checked("neg_auth_type_1", SE_AUTH_MD5, &good, 1, 0), SE_DROP_AUTH_TYPE);
}

static void test_lifetimes(void **state)
{
    struct se_key chain[2] = {key_of("password12345"), key_of("later")};
    struct se_auth_policy policy = {SE_AUTH_MD5, chain, 2};
    struct se_signer signer = {SE_AUTH_NONE, NULL};

    (void)state;
    chain[1].id = 7;
    chain[0].accept_from_s = 100;
    chain[0].accept_until_s = 200;
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 2, 99), SE_DROP_AUTH_KEY);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 2, 100), SE_REASON_NONE);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 2, 199), SE_REASON_NONE);
    assert_int_equal(checked("hello_md5", SE_AUTH_MD5, chain, 2, 200), SE_DROP_AUTH_KEY);
    chain[0].send_from_s = 100;
    chain[0].send_until_s = 200;
    chain[1].send_from_s = 150;
    chain[1].send_until_s = 300;
    assert_int_equal(se_auth_signer(&policy, 99, &signer), XMB_ENOENT);
    assert_int_equal(signer.mode, SE_AUTH_NONE);
    assert_int_equal(se_auth_signer(&policy, 160, &signer), 0);
    assert_ptr_equal(signer.key, &chain[0]);
    assert_int_equal(se_auth_signer(&policy, 200, &signer), 0);
    assert_ptr_equal(signer.key, &chain[1]);
    assert_int_equal(se_auth_signer(&policy, 300, &signer), XMB_ENOENT);
    policy.mode = SE_AUTH_NONE;
    assert_int_equal(se_auth_signer(&policy, 300, &signer), 0);
    assert_null(signer.key);
}

/* An authentication TLV that is not the first, and lengths that lie. */
static void test_place_and_lengths(void **state)
{
    const struct eigrp_vector *v = eigrp_vector_named("hello_md5");
    enum se_reason reason = SE_REASON_NONE;
    struct se_packet packet;
    uint8_t octets[80];

    (void)state;
    memcpy(octets, v->octets, 20);
    memcpy(octets + 20, v->octets + 60, 20);
    memcpy(octets + 40, v->octets + 20, 40);
    sum_up(octets, 80);
    assert_int_equal(se_packet_open(octets, 80, &packet, NULL), 0);
    assert_int_equal(se_packet_frame(&packet, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_AUTH_PLACE);
    memcpy(octets, v->octets, 80);
    octets[27] = 32; /* digest length of the other type */
    sum_up(octets, 80);
    assert_int_equal(se_packet_open(octets, 80, &packet, NULL), 0);
    assert_int_equal(se_packet_frame(&packet, &reason), XMB_EPROTO);
    assert_int_equal(reason, SE_DROP_AUTH_LENGTH);
}

/* A packet sent again by unicast is the one that would have been written so at once. */
static void test_reseal(void **state)
{
    struct xmb_addr source = eigrp_addr("10.88.0.1");
    struct se_key key = key_of("password12345");
    struct se_signer sha = {SE_AUTH_SHA256, &key};
    struct se_signer md5 = {SE_AUTH_MD5, &key};
    const struct eigrp_vector *internal = eigrp_vector_named("update_service_internal");
    uint8_t buffer[200];
    uint8_t octets[1600];
    size_t bytes = signed_hello(buffer, sizeof(buffer), SE_AUTH_SHA256, &key, &source);
    struct se_packet packet;

    (void)state;
    assert_int_equal(se_packet_reseal(buffer, bytes, 0, 9, &md5, &source), XMB_EINVAL);
    assert_int_equal(se_packet_reseal(buffer, bytes, 0, 9, NULL, &source), XMB_EINVAL);
    assert_int_equal(se_packet_reseal(buffer, bytes, SE_FLAG_RS, 9, &sha, &source), 0);
    assert_int_equal(verify(buffer, bytes, "password12345", "10.88.0.1"), 0);
    eigrp_open(buffer, bytes, &packet);
    assert_int_equal(packet.header.acknowledge, 9);
    assert_int_equal(packet.header.flags, SE_FLAG_RS);
    memcpy(octets, internal->octets, internal->bytes);
    assert_int_equal(se_packet_reseal(octets, internal->bytes, 5, 6, NULL, NULL), 0);
    assert_int_equal(se_packet_reseal(octets, internal->bytes, 0, 0, NULL, NULL), 0);
    assert_memory_equal(octets, internal->octets, internal->bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_md5),
        cmocka_unit_test(test_published_sha256),
        cmocka_unit_test(test_frr_capture),
        cmocka_unit_test(test_every_change_noticed),
        cmocka_unit_test(test_short_md5_has_no_key),
        cmocka_unit_test(test_own_verify),
        cmocka_unit_test(test_unusable_keys),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_place_and_lengths),
        cmocka_unit_test(test_reseal),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
