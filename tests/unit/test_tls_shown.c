/* SPDX-License-Identifier: MIT */
/*
 * test_tls_shown.c - which certificate of ours is shown, by what the client asks for and what the
 * module names, and what is known of it before.
 */
#include "tls_peer_rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- which certificate is shown --------------------------------------------------------------- */

static void shows(struct tls_end e, const char *sni, const char *expected)
{
    if (sni != NULL)
        SSL_set_tlsext_host_name(e.ssl, (char *)(uintptr_t)sni);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    assert_string_equal(tls_end_shown(&e), expected);
    tls_end_free(&e);
}

static void sni_chooses(void **state)
{
    uint16_t port;

    (void)state;
    configure(SERVER IDENTITIES);
    port = rig_port(0);
    shows(tls_end_client(rig_connect(port), NULL), NULL, "server.example");
    shows(tls_end_client(rig_connect(port), NULL), "one.example", "one");
    shows(tls_end_client(rig_connect(port), NULL), "ONE.example", "one");
    shows(tls_end_client(rig_connect(port), NULL), "x.wild.example", "one");
    shows(tls_end_client(rig_connect(port), NULL), "x.y.wild.example", "server.example");
    shows(tls_end_client(rig_connect(port), NULL), "two.example", "two");
    shows(tls_end_client(rig_connect(port), NULL), "server.example", "server.example");
    shows(tls_end_client(rig_connect(port), NULL), "elsewhere.example", "server.example");
}

static void the_modules_name_chooses(void **state)
{
    (void)state;
    configure(SERVER IDENTITIES);
    secure_name = "two.example";
    shows(upgraded(NULL), NULL, "two");
    shows(upgraded(NULL), "one.example", "one"); /* what the client asks for comes first */
    shows(upgraded(NULL), "elsewhere.example", "two");
    secure_name = "elsewhere.example";
    shows(upgraded(NULL), NULL, "server.example");
}

static void the_first_identity_stands_in(void **state)
{
    (void)state;
    configure("<tls name='server'" IDENTITIES);
    shows(tls_end_client(rig_connect(rig_port(0)), NULL), NULL, "one");
    shows(tls_end_client(rig_connect(rig_port(0)), NULL), "two.example", "two");
}

/* A client that prefers the algorithm of our own must not get that one. */
static void identities_of_another_algorithm(void **state)
{
    struct tls_end e;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        configure(i == 0 ? SERVER "><identity certificate='{}/rsa.pem'/></tls>"
                         : "<tls name='server' certificate='{}/rsa.pem'>"
                           "<identity certificate='{}/one.pem'/></tls>");
        e = tls_end_client(rig_connect(rig_port(0)), NULL);
        SSL_set1_sigalgs_list(e.ssl, i == 0 ? "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256"
                                            : "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256");
        shows(e, i == 0 ? "rsa.example" : "one.example", i == 0 ? "rsa" : "one");
    }
}

static void identity_faults(void **state)
{
    char text[512];

    (void)state;
    snprintf(text, sizeof(text), "<tls name='server'><identity certificate='%s'/></tls>",
             rig_path("nowhere.pem"));
    assert_int_equal(rig_configure(text, ""), 1);
    assert_non_null(strstr(rig_fault, "No such file"));
}

/* --- certificates of ours --------------------------------------------------------------------- */

static void a_client_shows_the_one_for_its_name(void **state)
{
    (void)state;
    configure(SERVER TRUSTS "/>" CLIENT IDENTITIES);
    note_accepted = 1;
    own = "two.example";
    dial("one.example", NULL, 0);
    assert_string_equal(seen.names, "srv:_xmpp-server.two.example");
    own = "elsewhere.example";
    dial("one.example", NULL, 0);
    assert_string_equal(seen.names, "dns:use.example");
    own = NULL;
    dial("one.example", NULL, 0);
    assert_string_equal(seen.names, "dns:use.example");
    configure(SERVER TRUSTS "/><tls name='client'" IDENTITIES);
    dial("two.example", NULL, 0);
    assert_string_equal(seen.names, "dns:one.example dns:*.wild.example");
    note_accepted = 0;
}

static void own_is(const char *profile, const char *name, uint32_t covers, const char *file,
                   const char *names)
{
    struct xmb_tls_own o = {.size = sizeof(o)};

    assert_int_equal(conn_api.tls_own(profile, name, &o), 0);
    assert_int_equal(o.covers, covers);
    assert_string_equal(o.file, file[0] != '\0' ? rig_path(file) : "");
    assert_string_equal(o.names, names);
}

static void what_is_shown_is_known_before(void **state)
{
    struct xmb_tls_own o = {.size = offsetof(struct xmb_tls_own, file)};

    (void)state;
    configure("<tls name='server' certificate='{}/names.pem'" IDENTITIES
              "<tls name='first'" IDENTITIES "<tls name='none'/>"
              "<tls name='cn' certificate='{}/cn.pem'/>");
#define NAMES "a.example, *.b.example, _xmpp-server.a.example, a.example, 192.0.2.7, 2001:db8::7"
    own_is("server", "a.example", 1, "names.pem", NAMES);
    own_is("server", "X.b.example", 1, "names.pem", NAMES);
    own_is("server", "192.0.2.7", 1, "names.pem", NAMES);
    own_is("server", "two.example", 1, "two.pem", "_xmpp-server.two.example");
    own_is("server", "elsewhere.example", 0, "names.pem", NAMES);
    own_is("first", "elsewhere.example", 0, "one.pem", "one.example, *.wild.example");
    own_is("none", "a.example", 0, "", "");
    own_is("cn", "only.example", 0, "cn.pem", "only.example"); /* peers do not look at it */
    assert_int_equal(conn_api.tls_own("nowhere", "a.example", &o), XMB_ENOENT);
    memset(o.file, 'x', sizeof(o.file));
    assert_int_equal(conn_api.tls_own("server", "a.example", &o), 0);
    assert_int_equal(o.file[0], 'x'); /* no more than was asked for */
    assert_true(o.not_before_s <= (int64_t)time(NULL));
    assert_true(o.not_after_s > (int64_t)time(NULL) + 80000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(sni_chooses),
        TEST(the_modules_name_chooses),
        TEST(the_first_identity_stands_in),
        TEST(identities_of_another_algorithm),
        TEST(identity_faults),
        TEST(a_client_shows_the_one_for_its_name),
        TEST(what_is_shown_is_known_before),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
