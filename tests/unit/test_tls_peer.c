/* SPDX-License-Identifier: MIT */
/*
 * test_tls_peer.c - what a handshake says about the peer's certificate: its names, what is wrong
 * with it, and when it is asked for at all.
 */
#include "tls_peer_rig.h"

#include <string.h>
#include <time.h>

static void expect(const char *certificate, uint32_t fault, const char *why)
{
    session(certificate);
    assert_int_equal(seen.fault, fault);
    if (strstr(seen.why, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", seen.why, why);
    assert_true((fault == XMB_CERT_GOOD) == (seen.why[0] == '\0'));
    if (fault != XMB_CERT_GOOD)
        assert_string_equal(seen.verified, "nobody");
}

/* --- names ------------------------------------------------------------------------------------ */

static void names_of_every_kind(void **state)
{
    uint8_t digest[32];

    (void)state;
    session("names.pem");
    assert_string_equal(seen.names,
                        "dns:a.example dns:*.b.example srv:_xmpp-server.a.example xmpp:a.example "
                        "ip:192.0.2.7 ip:2001:db8::7");
    assert_string_equal(seen.subject, "CN=not.this");
    tls_rig_sha256("names.pem", digest);
    assert_memory_equal(seen.sha256, digest, 32);
    assert_true(seen.not_after_s > (int64_t)time(NULL) + 80000);
    assert_true(seen.not_after_s < (int64_t)time(NULL) + 90000);
}

static void common_name_stands_in(void **state)
{
    (void)state;
    session("cn.pem");
    assert_string_equal(seen.names, "cn:only.example");
    session(NULL);
    assert_string_equal(seen.names, "");
    assert_string_equal(seen.subject, "");
    assert_int_equal(seen.not_after_s, 0);
}

/* CVE-2009-2408 and its like. The common name does not take the place of a name that is a trick. */
static void names_with_a_nul_are_left_out(void **state)
{
    (void)state;
    session("nul.pem");
    assert_string_equal(seen.names, "");
    assert_string_equal(seen.verified, "nobody");
    session("control.pem");
    assert_string_equal(seen.names, "");
}

static void names_are_bounded(void **state)
{
    (void)state;
    session("many.pem");
    assert_int_equal(seen.count, 256);
}

/* --- faults ----------------------------------------------------------------------------------- */

static void faults(void **state)
{
    (void)state;
    expect("names.pem", XMB_CERT_GOOD, "");
    assert_string_equal(seen.verified, "a.example");
    expect(NULL, XMB_CERT_MISSING, "no certificate");
    expect("strange.pem", XMB_CERT_UNKNOWN_CA, "authority");
    expect("self.pem", XMB_CERT_SELF_SIGNED, "itself");
    expect("old.pem", XMB_CERT_EXPIRED, "expired");
    expect("young.pem", XMB_CERT_NOT_YET_VALID, "not valid yet");
    expect("revoked.pem", XMB_CERT_REVOKED, "revoked");
    expect("false.pem", XMB_CERT_BROKEN, "signature");
}

/* Servers show the certificate that they serve with also where they are the client. */
static void purpose_does_not_matter(void **state)
{
    (void)state;
    expect("use.pem", XMB_CERT_GOOD, "");
    assert_string_equal(seen.verified, "use.example");
}

/* That no purpose is looked at makes nobody an authority. */
static void a_certificate_of_a_server_signs_none(void **state)
{
    (void)state;
    expect("forged-chain.pem", XMB_CERT_BROKEN, "CA");
}

/* The whole chain is looked at; `between` has no list of its own, which is no fault. */
static void a_revoked_authority_revokes_what_it_signed(void **state)
{
    (void)state;
    expect("under-chain.pem", XMB_CERT_REVOKED, "revoked");
    configure(SERVER "ca='{}/both.pem'/>");
    expect("under-chain.pem", XMB_CERT_GOOD, "");
}

static void an_issuer_without_a_list_revokes_nothing(void **state)
{
    (void)state;
    expect("second.pem", XMB_CERT_GOOD, ""); /* the same serial, another issuer */
}

static void a_late_list_still_revokes(void **state)
{
    (void)state;
    configure(SERVER "ca='{}/both.pem' crl='{}/late.pem'/>");
    expect("revoked.pem", XMB_CERT_REVOKED, "revoked");
    expect("names.pem", XMB_CERT_GOOD, "");
}

/* --- asking ----------------------------------------------------------------------------------- */

static void without_ca_only_who_is_asked_shows_one(void **state)
{
    (void)state;
    configure(SERVER "/>");
    expect("names.pem", XMB_CERT_MISSING, "");
    configure(SERVER "ask='yes'/>");
    expect("names.pem", XMB_CERT_UNKNOWN_CA, "authority");
    assert_non_null(strstr(seen.names, "dns:a.example"));
    expect("self.pem", XMB_CERT_SELF_SIGNED, "itself");
    expect(NULL, XMB_CERT_MISSING, "");
}

static void after_starttls_it_is_asked_for(void **state)
{
    (void)state;
    configure(SERVER "/>");
    upgrade("names.pem");
    assert_int_equal(atomic_load(&seen.secured), 1);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    assert_non_null(strstr(seen.names, "xmpp:a.example"));
    upgrade(NULL);
    assert_int_equal(seen.fault, XMB_CERT_MISSING);
}

static void after_starttls_alpn_never_fails(void **state)
{
    static const unsigned char others[] = "\x02h2", ours[] = "\x0bxmpp-server";
    struct tls_end e;

    (void)state;
    configure(SERVER "alpn='xmpp-server'/>");
    e = upgraded(NULL);
    SSL_set_alpn_protos(e.ssl, others, sizeof(others) - 1);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_string_equal(seen.alpn, "none");
    tls_end_free(&e);

    e = upgraded(NULL);
    SSL_set_alpn_protos(e.ssl, ours, sizeof(ours) - 1);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_string_equal(seen.alpn, "xmpp-server");
    tls_end_free(&e);
}

/* --- a module that starts TLS itself ---------------------------------------------------------- */

static int on_open_own(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = "server"};
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)wself;
    *cs = c;
    conn_api.info(c, &info);
    assert_int_equal(info.tls_version, 0);
    if (info.listener == 0)
        assert_int_equal(conn_api.secure(c, &setup), 0);
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static int on_open_named(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_tls_setup setup = {
        .size = sizeof(setup), .profile = "server", .alpn = "xmpp-server"};

    (void)wself;
    *cs = c;
    assert_int_equal(conn_api.secure(c, &setup), 0);
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static void offers(const unsigned char *list, unsigned bytes, const char *chosen)
{
    struct tls_end e = tls_end_client(rig_connect(rig_port(0)), NULL);

    SSL_set_alpn_protos(e.ssl, list, bytes);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_string_equal(seen.alpn, chosen);
    tls_end_free(&e);
    rig_wait_no_conns();
}

/* What the module names is chosen where the profile has no list; nobody is refused for it. */
static void alpn_of_the_module(void **state)
{
    static const unsigned char both[] = "\x02h2\x0bxmpp-server", others[] = "\x0bxmpp-client";

    (void)state;
    configure(SERVER "/>");
    rig_module.protocol.flags = XMB_PROTOCOL_OWN_TLS;
    rig_module.protocol.open = on_open_named;
    offers(both, sizeof(both) - 1, "xmpp-server");
    offers(others, sizeof(others) - 1, "none");
    rig_module.protocol.flags = 0;
    rig_module.protocol.open = on_open;
}

/* TLS from the first octet, begun in `open`: a certificate is asked for, and ALPN may fail. */
static void own_tls(void **state)
{
    static const unsigned char others[] = "\x02h2";
    struct tls_end e;

    (void)state;
    configure(SERVER "alpn='xmpp-server'/>");
    rig_module.protocol.flags = XMB_PROTOCOL_OWN_TLS;
    rig_module.protocol.open = on_open_own;
    session("names.pem");
    assert_int_equal(atomic_load(&seen.secured), 1);
    assert_int_equal(seen.fault, XMB_CERT_UNKNOWN_CA);
    assert_non_null(strstr(seen.names, "dns:a.example"));
    e = tls_end_client(rig_connect(rig_port(0)), NULL);
    SSL_set_alpn_protos(e.ssl, others, sizeof(others) - 1);
    assert_int_not_equal(SSL_do_handshake(e.ssl), 1);
    tls_end_free(&e);
    upgrade("names.pem");
    assert_int_equal(atomic_load(&seen.secured), 2);
    rig_wait_no_conns();
    rig_module.protocol.flags = 0;
    rig_module.protocol.open = on_open;
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(names_of_every_kind),
        TEST(common_name_stands_in),
        TEST(names_with_a_nul_are_left_out),
        TEST(names_are_bounded),
        TEST(faults),
        TEST(purpose_does_not_matter),
        TEST(a_certificate_of_a_server_signs_none),
        TEST(a_revoked_authority_revokes_what_it_signed),
        TEST(an_issuer_without_a_list_revokes_nothing),
        TEST(a_late_list_still_revokes),
        TEST(without_ca_only_who_is_asked_shows_one),
        TEST(after_starttls_it_is_asked_for),
        TEST(after_starttls_alpn_never_fails),
        TEST(own_tls),
        TEST(alpn_of_the_module),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
