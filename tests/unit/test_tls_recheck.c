/* SPDX-License-Identifier: MIT */
/*
 * test_tls_recheck.c - peers that are judged again while their stream is open, after a reload of
 * what is trusted.
 */
#include "tls_peer_rig.h"

/* --- judged again ------------------------------------------------------------------------- */

struct again {
    const char *profile;
    int rc;
};

static void judge_it(struct xmb_worker *w, void *arg)
{
    struct again *again = arg;

    if (conn_api.worker(last) != w)
        return;
    again->rc = conn_api.tls_recheck(last, again->profile);
    note_peer(last);
}

static int judge(const char *profile)
{
    struct again again = {.profile = profile, .rc = 1};

    rig_on(0, judge_it, &again);
    rig_on(1, judge_it, &again);
    return again.rc;
}

/* A reload brings a list, or takes an authority away; the stream goes on, the module decides. */
static void a_client_is_judged_again(void **state)
{
    struct tls_end e;

    (void)state;
    configure(SERVER TRUSTS "/>");
    e = tls_end_client(rig_connect(rig_port(0)), "revoked.pem");
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "revoked.example");
    assert_int_equal(judge(NULL), 0);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);

    configure(SERVER TRUSTS " crl='{}/crl.pem'/>");
    assert_int_equal(judge(NULL), 0);
    assert_int_equal(seen.fault, XMB_CERT_REVOKED);
    assert_string_equal(seen.why, "its issuer has revoked it");
    assert_string_equal(seen.verified, "nobody");
    assert_string_equal(seen.names, "cn:revoked.example");
    tls_end_echo(&e, "hello");

    configure(SERVER "ca='{}/stranger.pem'/>");
    assert_int_equal(judge("server"), 0);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    configure(SERVER TRUSTS "/>" CLIENT TRUSTS " crl='{}/crl.pem'/>");
    assert_int_equal(judge("nowhere"), XMB_ENOENT);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    assert_int_equal(judge("server"), 0);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "revoked.example");
    assert_int_equal(judge("client"), 0);
    assert_int_equal(seen.fault, XMB_CERT_REVOKED);
    tls_end_free(&e);
}

/* The issuers that the peer had sent are there; without one, nothing is to be judged. */
static void the_whole_chain_is_judged_again(void **state)
{
    struct tls_end e;

    (void)state;
    configure(SERVER TRUSTS "/>");
    e = tls_end_client(rig_connect(rig_port(0)), "under-chain.pem");
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    configure(SERVER "ca='{}/ca.pem'/>");
    assert_int_equal(judge(NULL), 0);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    configure(SERVER TRUSTS " crl='{}/crl.pem'/>");
    assert_int_equal(judge(NULL), 0);
    assert_int_equal(seen.fault, XMB_CERT_REVOKED);
    tls_end_free(&e);
    rig_wait_no_conns();

    e = tls_end_client(rig_connect(rig_port(0)), NULL);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    configure(SERVER TRUSTS "/>");
    assert_int_equal(judge(NULL), 0);
    assert_int_equal(seen.fault, XMB_CERT_MISSING);
    tls_end_free(&e);
}

static void list_comes(void)
{
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    configure("<tls name='server' certificate='{}/revoked.pem'/>" CLIENT TRUSTS
              " crl='{}/crl.pem'/>");
    assert_int_equal(judge(NULL), 0);
}

static void a_server_is_judged_again(void **state)
{
    (void)state;
    configure("<tls name='server' certificate='{}/revoked.pem'/>" CLIENT TRUSTS "/>");
    meanwhile = list_comes;
    dial("revoked.example", NULL, 0);
    assert_int_equal(seen.fault, XMB_CERT_REVOKED);
    assert_string_equal(seen.verified, "nobody");
}

/* A record of usage 3 speaks for the certificate, whatever its authority says by now. */
static void tlsa_records_are_kept(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = record(3, "revoked.pem", digest);

    (void)state;
    configure("<tls name='server' certificate='{}/revoked.pem'/>" CLIENT TRUSTS "/>");
    meanwhile = list_comes;
    dial("elsewhere.example", &r, 1);
    assert_int_equal(seen.dane, XMB_DANE_MATCH);
    assert_int_equal(seen.dane_usage, 3);
    assert_int_equal(seen.fault, XMB_CERT_GOOD);
    assert_string_equal(seen.verified, "elsewhere.example");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_judged_again),
        TEST(the_whole_chain_is_judged_again),
        TEST(a_server_is_judged_again),
        TEST(tlsa_records_are_kept),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
