/* SPDX-License-Identifier: MIT */
/*
 * test_tls.c - TLS profiles and TLS on connections, with a CA made on the spot.
 *
 * The module echoes octets; a first octet of 'S' asks for start_tls. The peer is
 * OpenSSL on a blocking socket, or the broker itself by dial.
 */
#include "conn_rig.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    _Atomic uint32_t opened, secured, closed, dial_failed, before_tls, octets, version;
    char name[64], alpn[32], why[192]; /* written before `opened`, `secured`, `closed` count */
    char dial_why[192];                /* before `dial_failed` counts */
} seen;

static int dial_user;
static const char *start_tls_profile = "server";

/* --- the module --------------------------------------------------------------------------- */

static void note_facts(struct xmb_conn *c)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    conn_api.info(c, &info);
    atomic_store(&seen.version, info.tls_version);
    rig_note(seen.name, sizeof(seen.name),
             info.tls_verified_name != NULL ? info.tls_verified_name : "nobody");
    rig_note(seen.alpn, sizeof(seen.alpn), info.tls_alpn != NULL ? info.tls_alpn : "none");
}

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    (void)wself;
    *cs = c;
    note_facts(c);
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static int start_tls(struct xmb_conn *c, struct xmb_buf *in)
{
    assert_int_equal(conn_api.start_tls(c, "nobody", NULL), XMB_ENOENT);
    buf_api.drop(in, 1);
    assert_int_equal(conn_api.write(c, XMB_STR("go")), 0);
    assert_int_equal(conn_api.start_tls(c, start_tls_profile, NULL), 0);
    assert_int_equal(conn_api.start_tls(c, start_tls_profile, NULL), XMB_EEXIST);
    assert_int_equal(buf_api.length(in), 0);
    assert_int_equal(conn_api.write(c, XMB_STR("x")), XMB_EAGAIN);
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct xmb_str all;
    size_t n = buf_api.length(in) < 65536 ? buf_api.length(in) : 65536;

    assert_ptr_equal(cs, c);
    assert_int_equal(buf_api.peek(in, n, &all), 0);
    conn_api.info(c, &info);
    if (info.tls_version == 0 && all.p[0] == 'S')
        return start_tls(c, in);
    if (conn_api.user(c) == NULL && conn_api.write(c, all) == XMB_EAGAIN) {
        conn_api.pause(c);
        return 0;
    }
    buf_api.drop(in, n);
    atomic_fetch_add(&seen.octets, (uint32_t)n);
    return 0;
}

static void on_writable(void *cs, struct xmb_conn *c)
{
    (void)cs;
    conn_api.resume(c);
}

static void on_secured(void *cs, struct xmb_conn *c)
{
    (void)cs;
    note_facts(c);
    atomic_fetch_add(&seen.secured, 1);
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    (void)cs;
    (void)c;
    rig_note(seen.why, sizeof(seen.why), why);
    atomic_fetch_add(&seen.closed, 1);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    assert_ptr_equal(user, &dial_user);
    rig_note(seen.dial_why, sizeof(seen.dial_why), why);
    atomic_fetch_add(&seen.dial_failed, 1);
}

/* --- a CA --------------------------------------------------------------------------------- */

static EVP_PKEY *ca_key;
static X509 *ca;

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A certificate for `name`, signed by the CA or, with issuer_key == key, by itself. */
static X509 *new_cert(EVP_PKEY *key, const char *name, long serial, EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    char san[80];

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer_key == key ? cert : ca));
    if (serial == 1) {
        add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    } else {
        snprintf(san, sizeof(san), "DNS:%s", name);
        add_extension(cert, NID_subject_alt_name, san);
    }
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    return cert;
}

static void write_pem(const char *file, X509 *cert, EVP_PKEY *key)
{
    FILE *f = fopen(rig_path(file), "w");

    assert_non_null(f);
    if (cert != NULL)
        assert_int_equal(PEM_write_X509(f, cert), 1);
    if (key != NULL)
        assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

static void issue(const char *file, const char *name, long serial)
{
    EVP_PKEY *key = new_key();
    X509 *cert = new_cert(key, name, serial, serial == 0 ? key : ca_key);

    write_pem(file, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void write_crl(const char *file, long serial)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 86400);
    FILE *f = fopen(rig_path(file), "w");

    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, later);
    X509_CRL_add0_revoked(crl, entry);
    X509_CRL_sort(crl);
    assert_true(X509_CRL_sign(crl, ca_key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509_CRL(f, crl), 1);
    fclose(f);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(crl);
}

static void make_files(void)
{
    FILE *f;

    ca_key = new_key();
    ca = new_cert(ca_key, "Test CA", 1, ca_key);
    write_pem("ca.pem", ca, NULL);
    issue("server.pem", "server.example", 2);
    issue("client.pem", "client.example", 3);
    issue("revoked.pem", "revoked.example", 4);
    issue("self.pem", "self.example", 0);
    issue("other.pem", "other.example", 5);
    write_crl("crl.pem", 4);
    f = fopen(rig_path("junk.pem"), "w");
    fputs("nothing of use\n", f);
    fclose(f);
}

static const char *const files[] = {"ca.pem",   "server.pem", "client.pem", "revoked.pem",
                                    "self.pem", "other.pem",  "crl.pem",    "junk.pem"};

/* --- configuration ------------------------------------------------------------------------ */

/* Profile `name` with files of the rig's folder; `more` is further attributes. */
static const char *profile(const char *name, const char *certificate, const char *more)
{
    static char text[4][1024];
    static unsigned next;
    char *out = text[next++ % 4];

    snprintf(out, sizeof(text[0]), "<tls name=\"%s\" certificate=\"%s\" ca=\"%s\" %s/>", name,
             rig_path(certificate), rig_path("ca.pem"), more);
    return out;
}

static void configure(const char *certificate, const char *more)
{
    char broker[4096];

    snprintf(broker, sizeof(broker), "%s%s", profile("server", certificate, more),
             profile("client", "client.pem", ""));
    assert_int_equal(rig_configure(broker,
                                   "<listen address=\"127.0.0.1\" port=\"0\" tls=\"server\"/>"
                                   "<listen address=\"127.0.0.2\" port=\"0\"/>"),
                     0);
}

static int start(void **state)
{
    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open,
        .data = on_data,
        .writable = on_writable,
        .secured = on_secured,
        .closed = on_closed,
        .dial_failed = on_dial_failed,
    };
    make_files();
    rig_start();
    return 0;
}

static int stop(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(rig_path(files[i]));
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    rig_stop();
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    memset(&seen, 0, sizeof(seen));
    configure("server.pem", "");
    return 0;
}

/* --- the peer ----------------------------------------------------------------------------- */

struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct peer peer_new(int fd, const char *certificate)
{
    struct peer p = {.fd = fd, .ctx = SSL_CTX_new(TLS_client_method())};

    if (certificate != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_chain_file(p.ctx, rig_path(certificate)), 1);
        assert_int_equal(
            SSL_CTX_use_PrivateKey_file(p.ctx, rig_path(certificate), SSL_FILETYPE_PEM), 1);
    }
    assert_int_equal(SSL_CTX_load_verify_file(p.ctx, rig_path("ca.pem")), 1);
    p.ssl = SSL_new(p.ctx);
    SSL_set_fd(p.ssl, fd);
    return p;
}

static void peer_free(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    close(p->fd);
    ERR_clear_error();
}

static void peer_handshake(struct peer *p)
{
    assert_int_equal(SSL_connect(p->ssl), 1);
}

static void expect_echo(struct peer *p, const char *text)
{
    char got[64];
    int n = (int)strlen(text);

    assert_int_equal(SSL_write(p->ssl, text, n), n);
    assert_int_equal(SSL_read(p->ssl, got, n), n);
    assert_memory_equal(got, text, (size_t)n);
}

/* A whole session with `certificate`; leaves in `seen` what the module learned. */
static void session(const char *certificate)
{
    uint32_t before = atomic_load(&seen.opened);
    struct peer p = peer_new(rig_connect(rig_port(0)), certificate);

    peer_handshake(&p);
    expect_echo(&p, "hello");
    assert_int_equal(atomic_load(&seen.opened), before + 1);
    peer_free(&p);
    rig_wait_no_conns();
}

/* --- profiles ----------------------------------------------------------------------------- */

static void assert_fault(const char *tls, const char *text)
{
    assert_int_equal(rig_configure(tls, ""), 1);
    if (strstr(rig_fault, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", rig_fault, text);
}

static void profile_faults(void **state)
{
    char text[1024];

    (void)state;
    assert_fault(profile("a", "nowhere.pem", ""), "No such file");
    assert_fault(profile("a", "junk.pem", ""), "certificate");
    assert_fault(profile("a", "server.pem", "minimum=\"1.1\""), "minimum");
    assert_fault(profile("a", "server.pem", "ciphers=\"ROT13\""), "ciphers");
    snprintf(text, sizeof(text), "key=\"%s\"", rig_path("client.pem"));
    assert_fault(profile("a", "server.pem", text), "key");
    snprintf(text, sizeof(text), "crl=\"%s\"", rig_path("junk.pem"));
    assert_fault(profile("a", "server.pem", text), "crl");
    snprintf(text, sizeof(text), "%s%s", profile("a", "server.pem", ""),
             profile("a", "server.pem", ""));
    assert_fault(text, "another");
    assert_fault("<tls name=\"a\" key=\"k.pem\"/>", "needs a certificate");
    assert_fault("<tls name=\"a\" crl=\"c.pem\"/>", "needs a ca");
}

static void listener_needs_a_certificate(void **state)
{
    (void)state;
    assert_int_equal(rig_configure("<tls name=\"a\"/>", "<listen port=\"0\" tls=\"a\"/>"), 1);
    assert_non_null(strstr(rig_fault, "has no certificate"));
}

static void unknown_profile_gives_no_session(void **state)
{
    SSL *ssl = NULL;

    (void)state;
    assert_int_equal(tls_session(&(struct xmb_tls_setup){.profile = "nobody"}, TLS_CLIENT, &ssl),
                     XMB_ENOENT);
    assert_int_equal(tls_session(&(struct xmb_tls_setup){.profile = NULL}, TLS_SERVER, &ssl),
                     XMB_ENOENT);
}

/* --- sessions ----------------------------------------------------------------------------- */

static void echo_and_facts(void **state)
{
    (void)state;
    session("client.pem");
    assert_int_equal(atomic_load(&seen.version), TLS1_3_VERSION);
    assert_string_equal(seen.name, "client.example");
    assert_string_equal(seen.alpn, "none");
    session(NULL);
    assert_string_equal(seen.name, "nobody");
}

static void unverified_proves_no_name(void **state)
{
    (void)state;
    session("self.pem");
    assert_string_equal(seen.name, "nobody");
}

static void revoked_proves_no_name(void **state)
{
    char crl[512];

    (void)state;
    session("revoked.pem");
    assert_string_equal(seen.name, "revoked.example");
    snprintf(crl, sizeof(crl), "crl=\"%s\"", rig_path("crl.pem"));
    configure("server.pem", crl);
    session("revoked.pem");
    assert_string_equal(seen.name, "nobody");
    session("client.pem");
    assert_string_equal(seen.name, "client.example");
}

static void versions(void **state)
{
    struct peer p;

    (void)state;
    p = peer_new(rig_connect(rig_port(0)), "client.pem");
    SSL_set_max_proto_version(p.ssl, TLS1_2_VERSION);
    peer_handshake(&p);
    expect_echo(&p, "hello");
    assert_int_equal(atomic_load(&seen.version), TLS1_2_VERSION);
    assert_string_equal(seen.name, "client.example");
    peer_free(&p);

    configure("server.pem", "minimum=\"1.3\"");
    p = peer_new(rig_connect(rig_port(0)), NULL);
    SSL_set_max_proto_version(p.ssl, TLS1_2_VERSION);
    assert_int_not_equal(SSL_connect(p.ssl), 1);
    peer_free(&p);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.opened), 1);
}

static void application_protocol(void **state)
{
    static const unsigned char ours[] = "\x04xmcp\x0bxmpp-server", others[] = "\x02h2";
    struct peer p;

    (void)state;
    configure("server.pem", "alpn=\"xmpp-server xmcp\"");
    p = peer_new(rig_connect(rig_port(0)), NULL);
    SSL_set_alpn_protos(p.ssl, ours, sizeof(ours) - 1);
    peer_handshake(&p);
    expect_echo(&p, "hello");
    assert_string_equal(seen.alpn, "xmpp-server");
    peer_free(&p);

    p = peer_new(rig_connect(rig_port(0)), NULL);
    SSL_set_alpn_protos(p.ssl, others, sizeof(others) - 1);
    assert_int_not_equal(SSL_connect(p.ssl), 1);
    peer_free(&p);
    session(NULL); /* who offers nothing is not asked */
}

static void session_is_resumed(void **state)
{
    SSL_SESSION *ticket;
    struct peer p = peer_new(rig_connect(rig_port(0)), "client.pem");

    (void)state;
    peer_handshake(&p);
    expect_echo(&p, "hello");
    ticket = SSL_get1_session(p.ssl);
    SSL_shutdown(p.ssl);
    peer_free(&p);

    p = peer_new(rig_connect(rig_port(0)), "client.pem");
    SSL_set_session(p.ssl, ticket);
    peer_handshake(&p);
    assert_true(SSL_session_reused(p.ssl));
    expect_echo(&p, "again");
    assert_string_equal(seen.name, "client.example");
    peer_free(&p);
    SSL_SESSION_free(ticket);
}

static int common_name_is(SSL *ssl, const char *name)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    char text[64];

    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text,
                                          sizeof(text)) > 0);
    return strcmp(text, name) == 0;
}

static void reload_changes_the_certificate(void **state)
{
    struct peer old = peer_new(rig_connect(rig_port(0)), NULL), new;
    uint16_t port = rig_port(0);

    (void)state;
    peer_handshake(&old);
    configure("other.pem", "");
    assert_int_equal(rig_port(0), port);
    new = peer_new(rig_connect(port), NULL);
    peer_handshake(&new);
    assert_true(common_name_is(old.ssl, "server.example"));
    assert_true(common_name_is(new.ssl, "other.example"));
    expect_echo(&old, "still here");
    expect_echo(&new, "hello");
    peer_free(&old);
    peer_free(&new);
}

/* Both ways at once and more than any queue holds, with records of every size. */
static void bulk(void **state)
{
    enum { TOTAL = 4 << 20 };
    static uint8_t out[20000], in[20000];
    struct peer p = peer_new(rig_connect(rig_port(0)), NULL);
    size_t sent = 0, got = 0, size = 1;

    (void)state;
    peer_handshake(&p);
    while (got < TOTAL) {
        size_t i, n = size < TOTAL - sent ? size : TOTAL - sent;
        int r;

        if (n > 0 && sent - got < (256u << 10)) {
            for (i = 0; i < n; i++)
                out[i] = rig_octet(sent + i);
            assert_int_equal(SSL_write(p.ssl, out, (int)n), (int)n);
            sent += n;
            size = size * 3 % sizeof(out) + 1;
            continue;
        }
        r = SSL_read(p.ssl, in, sizeof(in));
        assert_true(r > 0);
        for (i = 0; i < (size_t)r; i++)
            if (in[i] != rig_octet(got + i))
                fail_msg("octet %zu of the echo is wrong", got + i);
        got += (size_t)r;
    }
    peer_free(&p);
}

/* The peer stops reading until the broker has paused it; all comes through in the end. */
static void back_pressure(void **state)
{
    static uint8_t out[16384], in[16384];
    struct peer p = peer_new(rig_connect(rig_port(0)), NULL);
    size_t sent = 0, got = 0;

    (void)state;
    peer_handshake(&p);
    for (;;) {
        struct pollfd ready = {p.fd, POLLOUT, 0};
        size_t i;

        if (poll(&ready, 1, 1000) == 0)
            break; /* every buffer on the way is full */
        for (i = 0; i < sizeof(out); i++)
            out[i] = rig_octet(sent + i);
        assert_int_equal(SSL_write(p.ssl, out, sizeof(out)), sizeof(out));
        sent += sizeof(out);
        assert_true(sent < (64u << 20));
    }
    while (got < sent) {
        int i, r = SSL_read(p.ssl, in, sizeof(in));

        assert_true(r > 0);
        for (i = 0; i < r; i++)
            if (in[i] != rig_octet(got + (size_t)i))
                fail_msg("octet %zu of the echo is wrong", got + (size_t)i);
        got += (size_t)r;
    }
    peer_free(&p);
}

static void plain_text_on_a_tls_port(void **state)
{
    char got[64];
    long n;
    int fd = rig_connect(rig_port(0));

    (void)state;
    rig_send(fd, "GET / HTTP/1.0\r\n\r\n", 18);
    while ((n = rig_receive_some(fd, got, sizeof(got))) > 0) /* an alert at most */
        assert_true(n <= 7);
    close(fd);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.opened), 0);
    assert_int_equal(atomic_load(&seen.closed), 0);
}

static void goodbye_is_heard(void **state)
{
    struct peer p = peer_new(rig_connect(rig_port(0)), NULL);

    (void)state;
    peer_handshake(&p);
    expect_echo(&p, "hello");
    SSL_shutdown(p.ssl);
    rig_wait_flag(&seen.closed, 1);
    assert_string_equal(seen.why, "closed by peer");
    peer_free(&p);
}

/* --- start_tls ---------------------------------------------------------------------------- */

static int plain_peer(void)
{
    struct sockaddr_storage sa;
    struct xmb_addr a = {.family = 4, .port = rig_port(1), .ip = {127, 0, 0, 2}};
    struct timeval patience = {RIG_PATIENCE_MS / 1000, 0};
    socklen_t size = addr_to_sockaddr(&a, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, size), 0);
    return fd;
}

static void upgrade(const char *request)
{
    char go[2];
    struct peer p = peer_new(plain_peer(), "client.pem");

    rig_send(p.fd, request, strlen(request));
    rig_receive(p.fd, go, 2);
    assert_memory_equal(go, "go", 2);
    peer_handshake(&p);
    expect_echo(&p, "secret");
    assert_int_equal(atomic_load(&seen.secured), 1);
    assert_int_equal(atomic_load(&seen.version), TLS1_3_VERSION);
    assert_string_equal(seen.name, "client.example");
    assert_int_equal(atomic_load(&seen.octets), 6); /* nothing but what came in TLS */
    peer_free(&p);
    rig_wait_flag(&seen.closed, 1);
}

static void start_tls_upgrades(void **state)
{
    (void)state;
    upgrade("S");
}

/* CVE-2011-0411 and its like: octets behind the request would look as if they had come in TLS. */
static void start_tls_drops_what_was_injected(void **state)
{
    (void)state;
    upgrade("SDELETE EVERYTHING");
}

static void start_tls_that_fails(void **state)
{
    char go[2];
    int fd = plain_peer();

    (void)state;
    rig_send(fd, "S", 1);
    rig_receive(fd, go, 2);
    rig_send(fd, "this is not a handshake", 23);
    rig_wait_flag(&seen.closed, 1);
    assert_int_equal(strncmp(seen.why, "TLS handshake: ", 15), 0);
    assert_int_equal(atomic_load(&seen.secured), 0);
    close(fd);
}

/* --- dialling ----------------------------------------------------------------------------- */

struct dial {
    struct xmb_target target;
    int rc;
};

static void dial_it(struct xmb_worker *w, void *arg)
{
    struct dial *d = arg;

    d->rc = conn_api.dial(w, &rig_module, &d->target, &dial_user);
}

static void drop_all(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_worker_drain(w);
}

static _Atomic uint32_t dialled_version;
static char dialled_name[64];

static int on_open_dialled(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)wself;
    *cs = c;
    conn_api.info(c, &info);
    if (conn_api.user(c) == &dial_user) {
        snprintf(dialled_name, sizeof(dialled_name), "%s",
                 info.tls_verified_name != NULL ? info.tls_verified_name : "nobody");
        conn_api.write(c, XMB_STR("hello"));
        atomic_store(&dialled_version, info.tls_version);
    }
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static void dial_as(const char *name, const char *expected)
{
    struct dial d = {.target = {.size = sizeof(d.target),
                                .address = {.family = 4, .port = rig_port(0), .ip = {127, 0, 0, 1}},
                                .tls_profile = "client",
                                .tls_name = name}};

    rig_module.protocol.open = on_open_dialled;
    atomic_store(&dialled_version, 0);
    atomic_store(&seen.octets, 0);
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&dialled_version, 1);
    rig_wait_flag(&seen.octets, 10); /* the echo of hello and the hello itself */
    assert_int_equal(atomic_load(&dialled_version), TLS1_3_VERSION);
    assert_string_equal(dialled_name, expected);
    rig_on(0, drop_all, NULL);
    rig_on(1, drop_all, NULL);
    rig_wait_no_conns();
    rig_module.protocol.open = on_open;
}

static void dial_with_tls(void **state)
{
    (void)state;
    dial_as("server.example", "server.example");
    dial_as("elsewhere.example", "nobody");
    dial_as(NULL, "server.example");
}

static void dial_to_a_plain_port(void **state)
{
    struct dial d = {.target = {.size = sizeof(d.target),
                                .address = {.family = 4, .port = rig_port(1), .ip = {127, 0, 0, 2}},
                                .tls_profile = "client"}};

    (void)state;
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&seen.dial_failed, 1);
    assert_int_equal(strncmp(seen.dial_why, "TLS handshake: ", 15), 0);
    rig_on(0, drop_all, NULL);
    rig_on(1, drop_all, NULL);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(profile_faults),
        TEST(listener_needs_a_certificate),
        TEST(unknown_profile_gives_no_session),
        TEST(echo_and_facts),
        TEST(unverified_proves_no_name),
        TEST(revoked_proves_no_name),
        TEST(versions),
        TEST(application_protocol),
        TEST(session_is_resumed),
        TEST(reload_changes_the_certificate),
        TEST(bulk),
        TEST(back_pressure),
        TEST(plain_text_on_a_tls_port),
        TEST(goodbye_is_heard),
        TEST(start_tls_upgrades),
        TEST(start_tls_drops_what_was_injected),
        TEST(start_tls_that_fails),
        TEST(dial_with_tls),
        TEST(dial_to_a_plain_port),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
