/* SPDX-License-Identifier: MIT */
/*
 * test_tls_resume.c - sessions that are resumed, as server and as client: what is kept, under
 * which key, for how long, and that a resumed session says the same of the peer.
 *
 * As client the broker dials itself, or a server of the test's thread for what the broker does not
 * do (TLS 1.2 only).
 */
#include "tls_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct view {
    _Atomic uint32_t opened;
    uint32_t resumed, fault, dane, dane_usage, version;
    char verified[64];
};
static struct view accepted, dialled; /* the rest is written before `opened` counts */
static _Atomic uint32_t dialled_octets;

/* --- the module --------------------------------------------------------------------------- */

static void note(struct view *v, struct xmb_conn *c)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};

    conn_api.info(c, &info);
    assert_int_equal(conn_api.tls_peer(c, &peer), 0);
    v->resumed = info.tls_resumed;
    v->version = info.tls_version;
    v->fault = peer.fault;
    v->dane = peer.dane;
    v->dane_usage = peer.dane_usage;
    snprintf(v->verified, sizeof(v->verified), "%s",
             info.tls_verified_name != NULL ? info.tls_verified_name : "nobody");
    atomic_fetch_add(&v->opened, 1);
}

/* The dialled side speaks: the echo that comes back has the tickets before it. */
static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    (void)wself;
    *cs = c;
    note(conn_api.user(c) != NULL ? &dialled : &accepted, c);
    return conn_api.user(c) != NULL ? conn_api.write(c, XMB_STR("hello")) : 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct xmb_str all;
    size_t n = buf_api.length(in);

    (void)cs;
    assert_int_equal(buf_api.peek(in, n, &all), 0);
    if (conn_api.user(c) != NULL)
        atomic_fetch_add(&dialled_octets, (uint32_t)n);
    else
        conn_api.write(c, all);
    buf_api.drop(in, n);
    return 0;
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    (void)cs;
    (void)c;
    (void)why;
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    (void)user;
    fail_msg("the dial failed: %s", why);
}

/* --- configuration ------------------------------------------------------------------------ */

/* `server` and `client` are certificates; `ca`s may be NULL. */
static void configure(const char *server, const char *server_ca, const char *client_ca)
{
    char text[2048], ca[2][300] = {"", ""};

    if (server_ca != NULL)
        snprintf(ca[0], sizeof(ca[0]), "ca='%s'", rig_path(server_ca));
    if (client_ca != NULL)
        snprintf(ca[1], sizeof(ca[1]), "ca='%s'", rig_path(client_ca));
    snprintf(text, sizeof(text),
             "<tls name='server' certificate='%s' ask='yes' %s/>"
             "<tls name='client' certificate='%s' %s/>",
             rig_path(server), ca[0], rig_path("client.pem"), ca[1]);
    if (rig_configure(text, "<listen address=\"127.0.0.1\" port=\"0\" tls=\"server\"/>") != 0)
        fail_msg("%s", rig_fault);
}

static int start(void **state)
{
    static const struct cert_spec list[] = {
        {.file = "ca.pem", .cn = "Test CA", .serial = 1, .self = 1, .is_ca = 1},
        {.file = "other-ca.pem", .cn = "Other CA", .serial = 1, .self = 1, .is_ca = 1},
        {.file = "server.pem", .cn = "server", .san = "DNS:server.example"},
        {.file = "client.pem", .cn = "client", .san = "DNS:client.example"},
        {.file = "self.pem", .cn = "self", .san = "DNS:self.example", .self = 1},
    };
    size_t i;

    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open, .data = on_data, .closed = on_closed, .dial_failed = on_dial_failed};
    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        tls_rig_issue(&list[i]);
    rig_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tls_rig_remove_files();
    rig_stop();
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    assert_int_equal(rig_configure("", ""), 0); /* the next contexts are new ones */
    memset(&accepted, 0, sizeof(accepted));
    memset(&dialled, 0, sizeof(dialled));
    configure("server.pem", "ca.pem", "ca.pem");
    return 0;
}

/* --- as server -------------------------------------------------------------------------------- */

/* A session with `certificate`, which resumes *ticket when there is one and leaves the new one. */
static void visit(const char *certificate, SSL_SESSION **ticket, int version)
{
    struct tls_end e = tls_end_client(rig_connect(rig_port(0)), certificate);

    if (version != 0)
        SSL_set_max_proto_version(e.ssl, version);
    if (*ticket != NULL)
        SSL_set_session(e.ssl, *ticket);
    SSL_SESSION_free(*ticket);
    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    *ticket = SSL_get1_session(e.ssl);
    assert_int_equal(accepted.resumed, SSL_session_reused(e.ssl));
    tls_end_free(&e);
    rig_wait_no_conns();
}

static void server_resumes(const char *certificate, int version, uint32_t fault)
{
    SSL_SESSION *ticket = NULL;
    int i;

    for (i = 0; i < 3; i++) {
        visit(certificate, &ticket, version);
        assert_int_equal(accepted.resumed, i > 0);
        assert_int_equal(accepted.fault, fault);
        assert_string_equal(accepted.verified,
                            fault == XMB_CERT_GOOD ? "client.example" : "nobody");
    }
    SSL_SESSION_free(ticket);
}

static void as_server(void **state)
{
    (void)state;
    server_resumes("client.pem", 0, XMB_CERT_GOOD);
    server_resumes("client.pem", TLS1_2_VERSION, XMB_CERT_GOOD);
}

/* Resuming is no way round a verdict. */
static void as_server_a_fault_stays(void **state)
{
    (void)state;
    server_resumes("self.pem", 0, XMB_CERT_SELF_SIGNED);
    server_resumes("self.pem", TLS1_2_VERSION, XMB_CERT_SELF_SIGNED);
    server_resumes(NULL, 0, XMB_CERT_MISSING);
}

static void a_reload_without_a_change_resumes(void **state)
{
    SSL_SESSION *ticket = NULL;

    (void)state;
    visit("client.pem", &ticket, 0);
    configure("server.pem", "ca.pem", NULL); /* the client profile changes, the server's not */
    visit("client.pem", &ticket, 0);
    assert_int_equal(accepted.resumed, 1);
    configure("server.pem", "other-ca.pem", NULL);
    visit("client.pem", &ticket, 0);
    assert_int_equal(accepted.resumed, 0);
    assert_int_equal(accepted.fault, XMB_CERT_UNKNOWN_CA);
    SSL_SESSION_free(ticket);
}

static void a_file_that_changes_ends_it(void **state)
{
    static const char *const names[] = {"server.pem", NULL};
    SSL_SESSION *ticket = NULL;

    (void)state;
    tls_rig_join("copy.pem", names);
    configure("copy.pem", "ca.pem", NULL);
    visit("client.pem", &ticket, 0);
    tls_rig_issue(
        &(struct cert_spec){.file = "copy.pem", .cn = "newer", .san = "DNS:server.example"});
    configure("copy.pem", "ca.pem", NULL);
    visit("client.pem", &ticket, 0);
    assert_int_equal(accepted.resumed, 0);
    SSL_SESSION_free(ticket);
}

/* --- as client -------------------------------------------------------------------------------- */

struct dial {
    struct xmb_target target;
    struct xmb_tls_setup setup;
    int rc;
};

static void dial_it(struct xmb_worker *w, void *arg)
{
    struct dial *d = arg;

    d->rc = conn_api.dial(w, &rig_module, &d->target, d);
}

static void drop_all(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_worker_drain(w);
}

static void hang_up(void)
{
    rig_on(0, drop_all, NULL);
    rig_on(1, drop_all, NULL);
    rig_wait_no_conns();
}

/* Dials under `session` from `worker`; 1 when it was resumed. */
static uint32_t dial_with(uint32_t worker, const char *name, const char *session,
                          const struct xmb_tlsa *tlsa)
{
    struct dial d = {
        .target = {.size = sizeof(d.target),
                   .address = {.family = 4, .port = rig_port(0), .ip = {127, 0, 0, 1}}},
        .setup = {.size = sizeof(d.setup), .profile = "client", .name = name, .session = session,
                  .tlsa = tlsa, .tlsa_count = tlsa != NULL},
    };

    d.target.tls = &d.setup;
    atomic_store(&dialled.opened, 0);
    atomic_store(&dialled_octets, 0);
    rig_on(worker, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&dialled_octets, 5);
    hang_up();
    assert_int_equal(accepted.resumed, dialled.resumed);
    return dialled.resumed;
}

static uint32_t dial(const char *session)
{
    return dial_with(0, "server.example", session, NULL);
}

static void as_client(void **state)
{
    (void)state;
    assert_int_equal(dial("a b"), 0);
    assert_int_equal(dial("a b"), 1);
    assert_int_equal(dialled.fault, XMB_CERT_GOOD);
    assert_string_equal(dialled.verified, "server.example");
    assert_string_equal(accepted.verified, "client.example");
    assert_int_equal(dial_with(1, "server.example", "a b", NULL), 1); /* of all workers */
    assert_int_equal(dial("a c"), 0);
    assert_int_equal(dial_with(0, "elsewhere.example", "a b", NULL), 0);
    assert_int_equal(dial(NULL), 0);
    assert_int_equal(dial(NULL), 0);
    assert_int_equal(dial("a b"), 1);
}

static void a_ticket_is_used_once(void **state)
{
    struct xmb_tls_setup s = {.size = sizeof(s), .profile = "client", .name = "server.example",
                              .session = "once"};
    SSL *ssl = NULL;

    (void)state;
    assert_int_equal(dial("once"), 0);
    assert_int_equal(tls_session(&s, TLS_CLIENT, &ssl), 0);
    tls_resume(ssl);
    assert_non_null(SSL_get0_session(ssl));
    SSL_free(ssl);
    assert_int_equal(tls_session(&s, TLS_CLIENT, &ssl), 0);
    tls_resume(ssl);
    assert_null(SSL_get0_session(ssl));
    SSL_free(ssl);
}

static _Atomic uint32_t failed;

static void on_dial_failed_as_it_should(void *wself, void *user, const char *why)
{
    (void)wself;
    (void)user;
    (void)why;
    atomic_fetch_add(&failed, 1);
}

/* One of two dials to a host with two addresses, the first of which nobody answers at. */
static void a_failed_dial_uses_no_ticket(void **state)
{
    struct dial d = {
        .target = {.size = sizeof(d.target), .address = {.family = 4, .ip = {127, 0, 0, 1}}},
        .setup = {.size = sizeof(d.setup), .profile = "client", .name = "server.example",
                  .session = "twice"},
    };
    int fd = rig_socket();
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof(sa);

    (void)state;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK); /* bound, and does not listen */
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &size), 0);
    d.target.address.port = ntohs(sa.sin_port);
    d.target.tls = &d.setup;
    assert_int_equal(dial("twice"), 0);
    rig_module.protocol.dial_failed = on_dial_failed_as_it_should;
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&failed, 1);
    rig_module.protocol.dial_failed = on_dial_failed;
    close(fd);
    assert_int_equal(dial("twice"), 1);
}

static void a_bad_certificate_is_not_kept(void **state)
{
    (void)state;
    configure("server.pem", "ca.pem", "other-ca.pem");
    assert_int_equal(dial("bad"), 0);
    assert_int_equal(dialled.fault, XMB_CERT_UNKNOWN_CA);
    assert_int_equal(dial("bad"), 0);
    configure("server.pem", "ca.pem", NULL); /* where nothing is verified, nothing is lost */
    assert_int_equal(dial("bad"), 0);
    assert_int_equal(dial("bad"), 1);
    assert_int_equal(dialled.fault, XMB_CERT_UNKNOWN_CA);
    assert_string_equal(dialled.verified, "nobody");
}

static void a_profile_that_changes_forgets(void **state)
{
    (void)state;
    assert_int_equal(dial("x"), 0);
    configure("server.pem", "ca.pem", "ca.pem");
    assert_int_equal(dial("x"), 1);
    configure("server.pem", "ca.pem", "other-ca.pem");
    assert_int_equal(dial("x"), 0);
    assert_int_equal(dialled.fault, XMB_CERT_UNKNOWN_CA);
}

static void records_are_part_of_the_key(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = {.size = sizeof(r), .usage = 3, .matching = 1,
                         .data = {(const char *)digest, 32}};

    (void)state;
    tls_rig_sha256("server.pem", digest);
    assert_int_equal(dial("d"), 0);
    assert_int_equal(dial_with(0, "server.example", "d", &r), 0);
    assert_int_equal(dialled.dane, XMB_DANE_MATCH);
    assert_int_equal(dial_with(0, "server.example", "d", &r), 1);
    assert_int_equal(dialled.dane, XMB_DANE_MATCH);
    assert_int_equal(dialled.fault, XMB_CERT_GOOD);
    digest[0] ^= 1;
    assert_int_equal(dial_with(0, "server.example", "d", &r), 0);
    assert_int_equal(dialled.dane, XMB_DANE_MISMATCH);
    assert_int_equal(dial_with(0, "server.example", "d", &r), 0); /* and not kept */
}

/* A match of usage 3 speaks for any name, also in a session that is resumed. */
static void a_resumed_match_has_its_usage(void **state)
{
    uint8_t digest[32];
    struct xmb_tlsa r = {.size = sizeof(r), .usage = 3, .matching = 1,
                         .data = {(const char *)digest, 32}};
    uint32_t i;

    (void)state;
    tls_rig_sha256("server.pem", digest);
    for (i = 0; i < 3; i++) {
        assert_int_equal(dial_with(0, "elsewhere.example", "u", &r), i > 0);
        assert_int_equal(dialled.dane, XMB_DANE_MATCH);
        assert_int_equal(dialled.dane_usage, 3);
        assert_string_equal(dialled.verified, "elsewhere.example");
    }
}

/* With usage 2 the names and dates of the certificate count to the end. */
static void a_resumed_match_of_an_anchor_ends(void **state)
{
    static const char *const chain[] = {"short.pem", "ca.pem", NULL};
    const struct timespec moment = {0, 50000000};
    uint8_t digest[32];
    struct xmb_tlsa r = {.size = sizeof(r), .usage = 2, .matching = 1,
                         .data = {(const char *)digest, 32}};
    int i;

    (void)state;
    tls_rig_issue(&(struct cert_spec){
        .file = "short.pem", .cn = "short", .san = "DNS:server.example", .from_s = -60, .to_s = 4});
    tls_rig_join("chain.pem", chain);
    tls_rig_sha256("ca.pem", digest);
    configure("chain.pem", NULL, "other-ca.pem");
    dial_with(0, "server.example", "a", &r);
    if (dialled.fault != XMB_CERT_GOOD)
        skip(); /* a machine this slow */
    for (i = 0; i < 400 && dialled.fault == XMB_CERT_GOOD; i++) {
        assert_int_equal(dialled.dane, XMB_DANE_MATCH);
        assert_int_equal(dialled.dane_usage, 2);
        assert_string_equal(dialled.verified, "server.example");
        nanosleep(&moment, NULL);
        /* It may end between a handshake and its ticket, which is not kept then. */
        if (dial_with(0, "server.example", "a", &r) == 0)
            assert_int_equal(dialled.fault, XMB_CERT_EXPIRED);
    }
    assert_int_equal(dialled.fault, XMB_CERT_EXPIRED);
    assert_int_equal(dial_with(0, "server.example", "a", &r), 0); /* and not kept */
    assert_int_equal(dialled.fault, XMB_CERT_EXPIRED);
    assert_string_equal(dialled.verified, "nobody");
}

/* A certificate that ends while its session lives proves nothing more. */
static void the_end_of_a_certificate_is_seen(void **state)
{
    const struct timespec moment = {0, 50000000};
    SSL_SESSION *ticket = NULL;
    int i;

    (void)state;
    tls_rig_issue(&(struct cert_spec){
        .file = "short.pem", .cn = "short", .san = "DNS:client.example", .from_s = -60, .to_s = 3});
    visit("short.pem", &ticket, 0);
    if (accepted.fault != XMB_CERT_GOOD)
        skip(); /* a machine this slow */
    for (i = 0; i < 400 && accepted.fault == XMB_CERT_GOOD; i++) {
        nanosleep(&moment, NULL);
        visit("short.pem", &ticket, 0);
        assert_int_equal(accepted.resumed, 1);
    }
    visit("short.pem", &ticket, 0); /* not the one during which it ended */
    assert_int_equal(accepted.resumed, 1);
    assert_int_equal(accepted.fault, XMB_CERT_EXPIRED);
    assert_string_equal(accepted.verified, "nobody");
    SSL_SESSION_free(ticket);
}

/* --- a server of the test's: TLS 1.2, where a session is used again -------------------------- */

struct waiting {
    int fd;
    uint16_t port;
};

static struct waiting listen_here(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof(sa);
    struct waiting l = {.fd = rig_socket()};

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(l.fd, (struct sockaddr *)&sa, size), 0);
    assert_int_equal(listen(l.fd, 4), 0);
    assert_int_equal(getsockname(l.fd, (struct sockaddr *)&sa, &size), 0);
    l.port = ntohs(sa.sin_port);
    return l;
}

static void serve_once(struct waiting *l, SSL_CTX *ctx, int expected)
{
    struct dial d = {
        .target = {.size = sizeof(d.target),
                   .address = {.family = 4, .port = l->port, .ip = {127, 0, 0, 1}}},
        .setup = {.size = sizeof(d.setup), .profile = "client", .name = "server.example",
                  .session = "1.2"},
    };
    char got[5];
    SSL *ssl = SSL_new(ctx);
    int fd;

    d.target.tls = &d.setup;
    atomic_store(&dialled.opened, 0);
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    fd = accept(l->fd, NULL, NULL);
    assert_true(fd >= 0);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_accept(ssl), 1);
    assert_int_equal(SSL_read(ssl, got, 5), 5);
    rig_wait_flag(&dialled.opened, 1);
    assert_int_equal(SSL_session_reused(ssl), expected);
    assert_int_equal(dialled.resumed, expected);
    assert_int_equal(dialled.version, TLS1_2_VERSION);
    SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    hang_up();
}

static void as_client_of_tls_1_2(void **state)
{
    struct waiting l = listen_here();
    struct tls_end e = tls_end_server(-1, "server.pem");
    int i;

    (void)state;
    SSL_CTX_set_max_proto_version(e.ctx, TLS1_2_VERSION);
    SSL_CTX_set_session_id_context(e.ctx, (const unsigned char *)"test", 4);
    for (i = 0; i < 3; i++)
        serve_once(&l, e.ctx, i > 0);
    SSL_free(e.ssl);
    SSL_CTX_free(e.ctx);
    close(l.fd);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(as_server),
        TEST(as_server_a_fault_stays),
        TEST(a_reload_without_a_change_resumes),
        TEST(a_file_that_changes_ends_it),
        TEST(as_client),
        TEST(a_ticket_is_used_once),
        TEST(a_failed_dial_uses_no_ticket),
        TEST(a_bad_certificate_is_not_kept),
        TEST(a_profile_that_changes_forgets),
        TEST(records_are_part_of_the_key),
        TEST(a_resumed_match_has_its_usage),
        TEST(a_resumed_match_of_an_anchor_ends),
        TEST(the_end_of_a_certificate_is_seen),
        TEST(as_client_of_tls_1_2),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
