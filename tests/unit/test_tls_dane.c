/* SPDX-License-Identifier: MIT */
/*
 * test_tls_dane.c - whom a handshake proves where we are the client: by the chain and the name,
 * and by TLSA records.
 */
#include "tls_peer_rig.h"

#include <string.h>

/* --- TLSA records --------------------------------------------------------------------------- */

static void as_client(void **state)
{
    (void)state;
    dial("server.example", NULL, 0);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_int_equal(seen.dane, XMB_DANE_NONE);
    assert_string_equal(seen.verified, "server.example");
    dial("elsewhere.example", NULL, 0); /* the chain is good, and says so */
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "nobody");
    configure(SERVER "/>" CLIENT "ca='{}/stranger.pem'/>");
    dial("server.example", NULL, 0);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    assert_string_equal(seen.verified, "nobody");
}

/* RFC 6125, 6.4.4. */
static void the_common_name_counts_alone_only(void **state)
{
    (void)state;
    configure("<tls name='server' certificate='{}/two.pem'/>" CLIENT "ca='{}/both.pem'/>");
    dial("two", NULL, 0); /* it has an SRVName */
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "nobody");
    configure("<tls name='server' certificate='{}/cn.pem'/>" CLIENT "ca='{}/both.pem'/>");
    dial("only.example", NULL, 0);
    assert_string_equal(seen.verified, "only.example");
}

/* RFC 7671, 5.1: neither names nor dates matter. */
static void tlsa_of_the_certificate(void **state)
{
    uint8_t digest[2][32];
    struct xmb_tlsa r[2] = {record(3, "old.pem", digest[0]), record(3, "one.pem", digest[1])};

    (void)state;
    configure("<tls name='server' certificate='{}/old.pem'/>" CLIENT "ca='{}/stranger.pem'/>");
    dial("elsewhere.example", r, 1);
    assert_int_equal(seen.dane, XMB_DANE_MATCH);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_int_equal(seen.dane_usage, 3);
    assert_string_equal(seen.verified, "elsewhere.example");
    dial("old.example", &r[1], 1);
    assert_int_equal(seen.dane, XMB_DANE_MISMATCH);
    assert_int_equal(seen.dane_usage, 0);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    assert_string_equal(seen.verified, "nobody");
    dial("old.example", r, 2); /* one that fits is enough */
    assert_int_equal(seen.dane, XMB_DANE_MATCH);
}

static void a_mismatch_says_what_the_chain_is(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = record(3, "one.pem", digest);

    (void)state;
    dial("server.example", &r, 1);
    assert_int_equal(seen.dane, XMB_DANE_MISMATCH);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "nobody");
}

/* The anchor is sent along, and needs no ca=. */
static void tlsa_of_the_anchor(void **state)
{
    static const char *const chain[] = {"strange.pem", "stranger.pem", NULL};
    uint8_t digest[2][32];
    struct xmb_tlsa r[2] = {record(2, "stranger.pem", digest[0]),
                            record(2, "ca2.pem", digest[1])};

    (void)state;
    tls_rig_join("chain.pem", chain);
    configure("<tls name='server' certificate='{}/chain.pem'/>" CLIENT "ca='{}/ca.pem'/>");
    dial("strange.example", r, 1);
    assert_int_equal(seen.dane, XMB_DANE_MATCH);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_int_equal(seen.dane_usage, 2);
    assert_string_equal(seen.verified, "strange.example");
    dial("elsewhere.example", r, 1); /* here the name does matter */
    assert_int_equal(seen.dane, XMB_DANE_MATCH);
    assert_string_equal(seen.verified, "nobody");
    dial("strange.example", &r[1], 1);
    assert_int_equal(seen.dane, XMB_DANE_MISMATCH);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
}

static void other_usages_are_ignored(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = record(1, "server.pem", digest);

    (void)state;
    dial("server.example", &r, 1);
    assert_int_equal(seen.dane, XMB_DANE_NONE);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "server.example");
}

static void setup_that_cannot_be_used(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = record(3, "server.pem", digest);
    char alpn[300];
    struct xmb_tls_setup s = {
        .size = sizeof(s), .profile = "client", .tlsa = &r, .tlsa_count = 1};
    SSL *ssl = NULL;

    (void)state;
    r.size = sizeof(r);
    assert_int_equal(tls_session(&s, TLS_CLIENT, &ssl), XMB_EINVAL); /* TLSA without a name */
    s.name = "server.example";
    r.size = 12; /* no array has such elements */
    assert_int_equal(tls_session(&s, TLS_CLIENT, &ssl), XMB_EINVAL);
    memset(alpn, 'a', sizeof(alpn));
    alpn[sizeof(alpn) - 1] = '\0';
    s = (struct xmb_tls_setup){.size = sizeof(s), .profile = "client", .alpn = alpn};
    assert_int_equal(tls_session(&s, TLS_CLIENT, &ssl), XMB_EINVAL);
    assert_null(ssl);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(as_client),
        TEST(the_common_name_counts_alone_only),
        TEST(tlsa_of_the_certificate),
        TEST(a_mismatch_says_what_the_chain_is),
        TEST(tlsa_of_the_anchor),
        TEST(other_usages_are_ignored),
        TEST(setup_that_cannot_be_used),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
