/* SPDX-License-Identifier: MIT */
/*
 * test_tls_peer.c - what a handshake says about the peer's certificate: its names, what is
 * wrong with it, TLSA records; and which certificate of ours is shown.
 *
 * The module echoes; 'S' as the first plain octet asks for TLS. What it learned is text, so that
 * a test compares one string.
 */
#include "tls_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    _Atomic uint32_t opened, secured, closed;
    uint32_t fault, dane, dane_usage;
    int64_t not_after_s;
    uint8_t sha256[32];
    size_t count;
    char names[8192], why[128], subject[128], verified[128], alpn[32];
} seen; /* written before `opened` or `secured` counts */

static const char *secure_name;
static struct xmb_conn *last; /* whose peer was noted */

/* --- the module --------------------------------------------------------------------------- */

static const char *const kinds[] = {"?", "dns", "srv", "xmpp", "ip", "cn"};

static void note_names(const struct xmb_tls_peer *peer)
{
    char *at = seen.names;
    size_t i;

    *at = '\0';
    for (i = 0; i < peer->name_count; i++) {
        const struct xmb_cert_name *name = &peer->names[i];

        assert_int_equal(name->size, sizeof(*name));
        assert_int_equal(name->text.p[name->text.n], '\0');
        at += snprintf(at, (size_t)(seen.names + sizeof(seen.names) - at), "%s%s:%s",
                       i > 0 ? " " : "", kinds[name->kind], name->text.p);
    }
    seen.count = peer->name_count;
}

static void note_peer(struct xmb_conn *c)
{
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    struct xmb_conn_info info = {.size = sizeof(info)};

    last = c;
    conn_api.info(c, &info);
    snprintf(seen.verified, sizeof(seen.verified), "%s",
             info.tls_verified_name != NULL ? info.tls_verified_name : "nobody");
    snprintf(seen.alpn, sizeof(seen.alpn), "%s", info.tls_alpn != NULL ? info.tls_alpn : "none");
    assert_int_equal(conn_api.tls_peer(c, &peer), 0);
    seen.fault = peer.fault;
    seen.dane = peer.dane;
    seen.dane_usage = peer.dane_usage;
    seen.not_after_s = peer.not_after_s;
    memcpy(seen.sha256, peer.sha256, sizeof(seen.sha256));
    snprintf(seen.why, sizeof(seen.why), "%s", peer.why != NULL ? peer.why : "");
    snprintf(seen.subject, sizeof(seen.subject), "%s", peer.subject != NULL ? peer.subject : "");
    note_names(&peer);
}

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};

    (void)wself;
    *cs = c;
    conn_api.info(c, &info);
    if (info.tls_version == 0)
        assert_int_equal(conn_api.tls_peer(c, &peer), XMB_ENOENT);
    else if (conn_api.user(c) != NULL || info.direction == XMB_INCOMING)
        note_peer(c);
    atomic_fetch_add(&seen.opened, 1);
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = "server", .name = secure_name};
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    struct xmb_str all;
    size_t n = buf_api.length(in);

    (void)cs;
    assert_int_equal(buf_api.peek(in, n, &all), 0);
    conn_api.info(c, &info);
    if (info.tls_version == 0 && all.p[0] == 'S') {
        buf_api.drop(in, 1);
        assert_int_equal(conn_api.write(c, XMB_STR("go")), 0);
        assert_int_equal(conn_api.secure(c, &setup), 0);
        assert_int_equal(conn_api.tls_peer(c, &peer), XMB_ENOENT);
        return 0;
    }
    conn_api.write(c, all);
    buf_api.drop(in, n);
    return 0;
}

static void on_secured(void *cs, struct xmb_conn *c)
{
    (void)cs;
    note_peer(c);
    atomic_fetch_add(&seen.secured, 1);
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    struct xmb_tls_peer peer = {.size = offsetof(struct xmb_tls_peer, why)};

    (void)cs;
    (void)why;
    if (conn_api.tls_peer(c, &peer) == 0) /* it is to be had to the end; no more than was asked */
        assert_null(peer.why);
    atomic_fetch_add(&seen.closed, 1);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    (void)user;
    fail_msg("the dial failed: %s", why);
}

/* --- configuration ------------------------------------------------------------------------ */

#define OTHER_NAMES                                                                                \
    "DNS:a.example,DNS:*.b.example,otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.a.example,"        \
    "otherName:1.3.6.1.5.5.7.8.5;UTF8:a.example,IP:192.0.2.7,IP:2001:db8::7,"                      \
    "URI:xmpp:a.example,email:x@a.example,otherName:1.2.3.4;UTF8:ignored.example"

static void make_many(void)
{
    static char san[8192];
    char *at = san;
    int i;

    for (i = 0; i < 300; i++)
        at += sprintf(at, "%sDNS:n%d.example", i > 0 ? "," : "", i);
    tls_rig_issue(&(struct cert_spec){.file = "many.pem", .cn = "many", .san = san});
}

static void make_certificates(void)
{
    static const char *const both[] = {"ca.pem", "ca2.pem", NULL};
    static const struct cert_spec list[] = {
        {.file = "ca.pem", .cn = "Test CA", .serial = 1, .self = 1, .is_ca = 1},
        {.file = "ca2.pem", .cn = "Second CA", .serial = 1, .self = 1, .is_ca = 1},
        {.file = "stranger.pem", .cn = "Unknown CA", .serial = 1, .self = 1, .is_ca = 1},
        {.file = "server.pem", .cn = "server.example", .san = "DNS:server.example"},
        {.file = "one.pem", .cn = "one", .san = "DNS:one.example,DNS:*.wild.example"},
        {.file = "two.pem", .cn = "two", .issuer = "ca2.pem",
         .san = "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.two.example"},
        {.file = "rsa.pem", .cn = "rsa", .san = "DNS:rsa.example", .rsa = 1},
        {.file = "names.pem", .cn = "not.this", .san = OTHER_NAMES, .serial = 10},
        {.file = "cn.pem", .cn = "only.example", .san = "email:x@y.example"},
        {.file = "nul.pem", .cn = "good.example", .octets = "good.example\0.bad", .octets_n = 17},
        {.file = "control.pem", .cn = "good.example", .octets = "a\nb", .octets_n = 3},
        {.file = "use.pem", .cn = "use.example", .san = "DNS:use.example", .eku = "serverAuth"},
        {.file = "old.pem", .cn = "old.example", .from_s = -7200, .to_s = -3600},
        {.file = "young.pem", .cn = "young.example", .from_s = 3600, .to_s = 7200},
        {.file = "revoked.pem", .cn = "revoked.example", .serial = 66},
        {.file = "second.pem", .cn = "second.example", .serial = 66, .issuer = "ca2.pem"},
        {.file = "self.pem", .cn = "self.example", .san = "DNS:self.example", .self = 1},
        {.file = "strange.pem", .cn = "strange.example", .issuer = "stranger.pem"},
        {.file = "false.pem", .cn = "false.example", .false_key = "ca2.pem"},
        {.file = "forged.pem", .cn = "forged.example", .issuer = "names.pem"},
        {.file = "between.pem", .cn = "Fallen CA", .serial = 66, .is_ca = 1},
        {.file = "under.pem", .cn = "under.example", .issuer = "between.pem"},
    };
    static const char *const forged[] = {"forged.pem", "names.pem", NULL};
    static const char *const under[] = {"under.pem", "between.pem", NULL};
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        tls_rig_issue(&list[i]);
    make_many();
    tls_rig_crl("crl.pem", "ca.pem", 66, 86400);
    tls_rig_crl("late.pem", "ca.pem", 66, -60);
    tls_rig_join("both.pem", both);
    tls_rig_join("forged-chain.pem", forged);
    tls_rig_join("under-chain.pem", under);
}

/* `{}` in `broker` stands for the folder. */
static void configure(const char *broker)
{
    char text[8192];
    size_t n = 0;

    for (; *broker != '\0'; broker++) {
        if (strncmp(broker, "{}", 2) == 0) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", rig_folder());
            broker++;
        } else {
            text[n++] = *broker;
        }
    }
    text[n] = '\0';
    if (rig_configure(text, "<listen address=\"127.0.0.1\" port=\"0\" tls=\"server\"/>"
                            "<listen address=\"127.0.0.2\" port=\"0\"/>") != 0)
        fail_msg("%s", rig_fault);
}

#define SERVER "<tls name='server' certificate='{}/server.pem' "
#define CLIENT "<tls name='client' certificate='{}/use.pem' "

static int start(void **state)
{
    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open,
        .data = on_data,
        .secured = on_secured,
        .closed = on_closed,
        .dial_failed = on_dial_failed,
    };
    make_certificates();
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
    memset(&seen, 0, sizeof(seen));
    secure_name = NULL;
    configure(SERVER "ca='{}/both.pem' crl='{}/crl.pem'/>" CLIENT "ca='{}/both.pem'/>");
    return 0;
}

/* --- sessions ----------------------------------------------------------------------------- */

/* A client with `certificate` on the TLS port; what the module learned is in `seen` after it. */
static void session(const char *certificate)
{
    struct tls_end e = tls_end_client(rig_connect(rig_port(0)), certificate);

    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    tls_end_free(&e);
    rig_wait_no_conns();
}

static struct tls_end upgraded(const char *certificate)
{
    struct sockaddr_storage sa;
    struct xmb_addr a = {.family = 4, .port = rig_port(1), .ip = {127, 0, 0, 2}};
    socklen_t size = addr_to_sockaddr(&a, &sa);
    int fd = rig_socket();
    char go[2];

    assert_int_equal(connect(fd, (struct sockaddr *)&sa, size), 0);
    rig_send(fd, "S", 1);
    rig_receive(fd, go, 2);
    return tls_end_client(fd, certificate);
}

static void upgrade(const char *certificate)
{
    struct tls_end e = upgraded(certificate);

    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    tls_end_free(&e);
    rig_wait_no_conns();
}

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

/* --- which certificate is shown --------------------------------------------------------------- */

#define IDENTITIES "><identity certificate='{}/one.pem'/><identity certificate='{}/two.pem'/></tls>"

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

/* --- TLSA records --------------------------------------------------------------------------- */

struct dial {
    struct xmb_target target;
    struct xmb_tls_setup setup;
    struct xmb_tlsa tlsa[2];
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

static int note_accepted;     /* what the accepting side learns, and not the dialled one */
static const char *own;       /* whose certificate the dialled side shows */
static void (*meanwhile)(void); /* before the connection is dropped */

static int on_open_dialled(void *wself, struct xmb_conn *c, void **cs)
{
    (void)wself;
    *cs = c;
    if ((conn_api.user(c) == NULL) == note_accepted) {
        note_peer(c);
        atomic_fetch_add(&seen.opened, 1);
    }
    return 0;
}

static void dial(const char *name, const struct xmb_tlsa *tlsa, uint32_t count)
{
    struct dial d = {
        .target = {.size = sizeof(d.target),
                   .address = {.family = 4, .port = rig_port(0), .ip = {127, 0, 0, 1}}},
        .setup = {.size = sizeof(d.setup), .profile = "client", .name = name, .own = own},
    };
    uint32_t i;

    for (i = 0; i < count; i++) {
        d.tlsa[i] = tlsa[i];
        d.tlsa[i].size = sizeof(d.tlsa[i]);
    }
    d.setup.tlsa = count > 0 ? d.tlsa : NULL;
    d.setup.tlsa_count = count;
    d.target.tls = &d.setup;
    rig_module.protocol.open = on_open_dialled;
    atomic_store(&seen.opened, 0);
    rig_on(0, dial_it, &d);
    assert_int_equal(d.rc, 0);
    rig_wait_flag(&seen.opened, 1);
    if (meanwhile != NULL)
        meanwhile();
    meanwhile = NULL;
    rig_on(0, drop_all, NULL);
    rig_on(1, drop_all, NULL);
    rig_wait_no_conns();
    rig_module.protocol.open = on_open;
}

static struct xmb_tlsa record(uint8_t usage, const char *file, uint8_t digest[32])
{
    tls_rig_sha256(file, digest);
    return (struct xmb_tlsa){
        .usage = usage, .selector = 0, .matching = 1, .data = {(const char *)digest, 32}};
}

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

#define TRUSTS "ca='{}/both.pem'"

/* A reload brings a list, or takes an authority away; the stream goes on, and the module decides. */
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
        TEST(sni_chooses),
        TEST(the_modules_name_chooses),
        TEST(the_first_identity_stands_in),
        TEST(identities_of_another_algorithm),
        TEST(identity_faults),
        TEST(as_client),
        TEST(the_common_name_counts_alone_only),
        TEST(tlsa_of_the_certificate),
        TEST(a_mismatch_says_what_the_chain_is),
        TEST(tlsa_of_the_anchor),
        TEST(other_usages_are_ignored),
        TEST(setup_that_cannot_be_used),
        TEST(a_client_is_judged_again),
        TEST(the_whole_chain_is_judged_again),
        TEST(a_server_is_judged_again),
        TEST(tlsa_records_are_kept),
        TEST(a_client_shows_the_one_for_its_name),
        TEST(what_is_shown_is_known_before),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
