/* SPDX-License-Identifier: MIT */
/*
 * tls_context.c - one <tls> element into its server and client contexts:
 *
 *     <tls name="outside" certificate="cert.pem" key="key.pem" ca="ca.pem"
 *          crl="crl.pem" minimum="1.2" alpn="xmpp-server" ciphers="..."/>
 *
 * certificate is a chain, leaf first; key may be left out when it stands in the
 * same file. ca verifies peers, crl (with ca) finds out revoked ones. ciphers
 * speaks of TLS 1.2 only; the suites of 1.3 are all good.
 */
#include "conf/conf.h"
#include "log/log.h"
#include "plugin/module.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CIPHERS_DEFAULT "ECDHE+AESGCM:ECDHE+CHACHA20"
#define READ_AHEAD_BYTES 32768 /* many small records in one recv */

static char groups[] = "X25519:P-256:P-384"; /* read only; OpenSSL's macro has no const */

/* Application protocols as on the wire: length, octets, ... To offer, or to choose from. */
struct alpn {
    unsigned int bytes;
    unsigned char wire[];
};

/* The text of a <tls> element. */
struct settings {
    const struct xmb_conf *node;
    const char *certificate, *key, *ca, *crl, *ciphers;
    int version;
    struct alpn *alpn;
};

static int openssl_fault(const struct settings *s, const char *what, const char *file)
{
    unsigned long code = ERR_peek_error(); /* the first one is the cause */
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return conf_api.fault(s->node, "%s \"%s\": %s", what, file,
                          reason != NULL ? reason : "cannot be used");
}

/* Without this OpenSSL would ask for the passphrase on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* A verification that fails leaves its result, proves no name, and ends nothing. */
static int note_only(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

/* --- ALPN ----------------------------------------------------------------------------------- */

/*
 * A context outlives its profile when a reload comes between accept and handshake,
 * so the list that a server chooses from belongs to the context.
 */
static void alpn_free(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    free(p);
}

static int alpn_index;
static pthread_once_t alpn_once = PTHREAD_ONCE_INIT;

static void alpn_init(void)
{
    alpn_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, alpn_free);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                       const unsigned char *in, unsigned int in_bytes, void *arg)
{
    const struct alpn *ours = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_bytes, ours->wire, ours->bytes, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, section 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Takes `alpn` over. */
static int serve_alpn(SSL_CTX *ctx, struct alpn *alpn)
{
    pthread_once(&alpn_once, alpn_init);
    if (alpn_index < 0 || SSL_CTX_set_ex_data(ctx, alpn_index, alpn) != 1) {
        free(alpn);
        return XMB_ENOMEM;
    }
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, alpn);
    return 0;
}

/* "a b" as \1a\1b; NULL in `*out` when there is nothing. */
static int parse_alpn(const struct xmb_conf *node, struct alpn **out)
{
    const char *at = conf_api.text(node, "alpn", "");
    struct alpn *a = malloc(sizeof(*a) + strlen(at) + 1);
    size_t n;

    if (a == NULL)
        return XMB_ENOMEM;
    a->bytes = 0;
    while (*(at += strspn(at, " \t\r\n")) != '\0') {
        n = strcspn(at, " \t\r\n");
        if (n > 255) {
            free(a);
            return conf_api.fault(node, "alpn: a name is longer than 255 octets");
        }
        a->wire[a->bytes] = (unsigned char)n;
        memcpy(a->wire + a->bytes + 1, at, n);
        a->bytes += (unsigned int)n + 1;
        at += n;
    }
    if (a->bytes == 0) {
        free(a);
        a = NULL;
    }
    *out = a;
    return 0;
}

/* --- what both roles have ------------------------------------------------------------------- */

static SSL_CTX *context_new(const struct settings *s, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, s->version);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets need no memory here */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set1_groups_list(ctx, groups);
    return ctx;
}

/* An expired certificate is the operator's to see, not a reason to refuse the rest. */
static void warn_expired(const struct settings *s, SSL_CTX *ctx)
{
    X509 *cert = SSL_CTX_get0_certificate(ctx);

    if (cert != NULL && X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        LOG(WARN, s->certificate, "this certificate has expired; peers will refuse it");
}

static int load_certificate(const struct settings *s, SSL_CTX *ctx)
{
    const char *key = s->key != NULL ? s->key : s->certificate;

    if (s->certificate == NULL)
        return s->key == NULL ? 0 : conf_api.fault(s->node, "a key needs a certificate");
    if (SSL_CTX_use_certificate_chain_file(ctx, s->certificate) != 1)
        return openssl_fault(s, "certificate", s->certificate);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return openssl_fault(s, "key", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return openssl_fault(s, "key", key);
    return 0;
}

static int load_crl(const struct settings *s, SSL_CTX *ctx)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *lookup;

    if (s->crl == NULL)
        return 0;
    if (s->ca == NULL)
        return conf_api.fault(s->node, "a crl needs a ca");
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == NULL)
        return XMB_ENOMEM;
    if (X509_load_crl_file(lookup, s->crl, X509_FILETYPE_PEM) < 1)
        return openssl_fault(s, "crl", s->crl);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return 0;
}

static int load_trust(const struct settings *s, SSL_CTX *ctx)
{
    if (s->ca != NULL && SSL_CTX_load_verify_file(ctx, s->ca) != 1)
        return openssl_fault(s, "ca", s->ca);
    if (s->ca != NULL)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, note_only);
    return load_crl(s, ctx);
}

static int context_load(const struct settings *s, SSL_CTX *ctx)
{
    int rc;

    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(ctx, s->ciphers) != 1)
        return openssl_fault(s, "ciphers", s->ciphers);
    rc = load_certificate(s, ctx);
    return rc < 0 ? rc : load_trust(s, ctx);
}

/* --- the two roles -------------------------------------------------------------------------- */

static int make_client(struct tls_profile *p, const struct settings *s)
{
    p->client = context_new(s, TLS_client_method());
    if (p->client == NULL)
        return XMB_ENOMEM;
    if (s->alpn != NULL)
        SSL_CTX_set_alpn_protos(p->client, s->alpn->wire, s->alpn->bytes); /* copied */
    return context_load(s, p->client);
}

static int make_server(struct tls_profile *p, struct settings *s)
{
    STACK_OF(X509_NAME) *names;
    int rc;

    p->server = context_new(s, TLS_server_method());
    if (p->server == NULL)
        return XMB_ENOMEM;
    rc = context_load(s, p->server);
    if (rc == 0 && s->alpn != NULL) {
        rc = serve_alpn(p->server, s->alpn);
        s->alpn = NULL;
    }
    if (rc < 0)
        return rc;
    /* Needed to resume sessions with client certificates. */
    SSL_CTX_set_session_id_context(p->server, (const unsigned char *)"xmb", 3);
    if (s->ca != NULL && (names = SSL_load_client_CA_file(s->ca)) != NULL)
        SSL_CTX_set_client_CA_list(p->server, names);
    warn_expired(s, p->server);
    return 0;
}

static int parse_version(const struct xmb_conf *node, int *out)
{
    const char *text = conf_api.text(node, "minimum", "1.2");

    if (strcmp(text, "1.2") == 0)
        *out = TLS1_2_VERSION;
    else if (strcmp(text, "1.3") == 0)
        *out = TLS1_3_VERSION;
    else
        return conf_api.fault(node, "minimum is \"1.2\" or \"1.3\"");
    return 0;
}

int tls_profile_init(struct tls_profile *p, const struct xmb_conf *node)
{
    struct settings s = {
        .node = node,
        .certificate = conf_api.text(node, "certificate", NULL),
        .key = conf_api.text(node, "key", NULL),
        .ca = conf_api.text(node, "ca", NULL),
        .crl = conf_api.text(node, "crl", NULL),
        .ciphers = conf_api.text(node, "ciphers", CIPHERS_DEFAULT),
    };
    int rc = parse_version(node, &s.version);

    if (rc == 0)
        rc = parse_alpn(node, &s.alpn);
    if (rc == 0)
        rc = make_client(p, &s);
    if (rc == 0 && s.certificate != NULL)
        rc = make_server(p, &s);
    free(s.alpn);
    return rc;
}

void tls_profile_fini(struct tls_profile *p)
{
    SSL_CTX_free(p->server);
    SSL_CTX_free(p->client);
    free(p->name);
}
