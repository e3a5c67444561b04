/* SPDX-License-Identifier: MIT */
/* tls_peer_rig.c - a module that notes what a handshake proved about its peer. */
#include "tls_peer_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct seen seen;
const char *secure_name;
struct xmb_conn *last;
int note_accepted;
const char *own;
void (*meanwhile)(void);

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

void note_peer(struct xmb_conn *c)
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

int on_open(void *wself, struct xmb_conn *c, void **cs)
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

void configure(const char *broker)
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

int start(void **state)
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

int stop(void **state)
{
    (void)state;
    tls_rig_remove_files();
    rig_stop();
    return 0;
}

int fresh(void **state)
{
    (void)state;
    rig_wait_no_conns();
    memset(&seen, 0, sizeof(seen));
    secure_name = NULL;
    configure(SERVER "ca='{}/both.pem' crl='{}/crl.pem'/>" CLIENT "ca='{}/both.pem'/>");
    return 0;
}

/* --- sessions ----------------------------------------------------------------------------- */

void session(const char *certificate)
{
    struct tls_end e = tls_end_client(rig_connect(rig_port(0)), certificate);

    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    tls_end_free(&e);
    rig_wait_no_conns();
}

struct tls_end upgraded(const char *certificate)
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

void upgrade(const char *certificate)
{
    struct tls_end e = upgraded(certificate);

    tls_end_handshake(&e);
    tls_end_echo(&e, "hello");
    tls_end_free(&e);
    rig_wait_no_conns();
}

/* --- dialled ------------------------------------------------------------------------------ */

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

void dial(const char *name, const struct xmb_tlsa *tlsa, uint32_t count)
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

struct xmb_tlsa record(uint8_t usage, const char *file, uint8_t digest[32])
{
    tls_rig_sha256(file, digest);
    return (struct xmb_tlsa){
        .usage = usage, .selector = 0, .matching = 1, .data = {(const char *)digest, 32}};
}
