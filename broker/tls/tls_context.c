/* SPDX-License-Identifier: MIT */
/*
 * tls_context.c - one <tls> element into its server and client contexts:
 *
 *     <tls name="outside" certificate="cert.pem" key="key.pem" ca="ca.pem"
 *          crl="crl.pem" minimum="1.2" alpn="xmpp-server" ciphers="..." ask="no"/>
 *
 * certificate is a chain, leaf first; key may be left out when it stands in the
 * same file. ca verifies peers, crl (with ca) finds out revoked ones. ciphers
 * speaks of TLS 1.2 only; the suites of 1.3 are all good. ask: a server asks for the client's
 * certificate also without ca. <identity> inside: tls_identity.c.
 */
#include "conf/conf.h"
#include "log/log.h"
#include "plugin/module.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define CIPHERS_DEFAULT "ECDHE+AESGCM:ECDHE+CHACHA20"
#define READ_AHEAD_BYTES 32768 /* many small records in one recv */
#define SOON_DAYS 14           /* before its end, to get a new certificate */

static char groups[] = "X25519:P-256:P-384"; /* read only; OpenSSL's macro has no const */

int tls_openssl_fault(const struct xmb_conf *node, const char *what, const char *file)
{
    unsigned long code = ERR_peek_error(); /* the first one is the cause */
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return conf_api.fault(node, "%s \"%s\": %s", what, file,
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

/* --- what both roles have ------------------------------------------------------------------- */

static SSL_CTX *context_new(const struct tls_settings *s, const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL || tls_context_attach(ctx) < 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, s->version);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets need no memory here */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set1_groups_list(ctx, groups);
    return ctx;
}

/* The end of a certificate is the operator's to see, not a reason to refuse the rest. */
static void warn_of_end(const struct tls_settings *s, SSL_CTX *ctx)
{
    X509 *cert = SSL_CTX_get0_certificate(ctx);
    int days = SOON_DAYS, rest_s = 0;

    if (cert == NULL || ASN1_TIME_diff(&days, &rest_s, NULL, X509_get0_notAfter(cert)) != 1)
        return;
    if (days < 0 || rest_s < 0)
        LOG(WARN, s->certificate, "this certificate has expired; peers will refuse it");
    else if (days < SOON_DAYS)
        LOG(WARN, s->certificate,
            "this certificate expires in %d days and %d hours; then peers will refuse it", days,
            rest_s / 3600);
}

int tls_load_certificate(const struct tls_settings *s, SSL_CTX *ctx, int warn)
{
    const char *key = s->key != NULL ? s->key : s->certificate;

    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (s->certificate == NULL)
        return s->key == NULL ? 0 : conf_api.fault(s->node, "a key needs a certificate");
    if (SSL_CTX_use_certificate_chain_file(ctx, s->certificate) != 1)
        return tls_openssl_fault(s->node, "certificate", s->certificate);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return tls_openssl_fault(s->node, "key", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return tls_openssl_fault(s->node, "key", key);
    if (warn)
        warn_of_end(s, ctx);
    return 0;
}

static int context_load(const struct tls_settings *s, SSL_CTX *ctx, int warn)
{
    int rc;

    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(ctx, s->ciphers) != 1)
        return tls_openssl_fault(s->node, "ciphers", s->ciphers);
    rc = tls_load_certificate(s, ctx, warn);
    if (rc == 0)
        rc = tls_trust_load(s, ctx, warn);
    return rc < 0 ? rc : tls_identities_load(s, ctx, warn);
}

/* --- the two roles -------------------------------------------------------------------------- */

/* Warnings come from the client's: every profile has one. */
static int make_client(struct tls_profile *p, const struct tls_settings *s,
                       const struct tls_alpn *alpn)
{
    p->client = context_new(s, TLS_client_method());
    if (p->client == NULL || SSL_CTX_dane_enable(p->client) != 1)
        return XMB_ENOMEM;
    if (alpn != NULL)
        SSL_CTX_set_alpn_protos(p->client, alpn->wire, alpn->bytes); /* copied */
    tls_cache_serve(p->client);
    return context_load(s, p->client, 1);
}

/* Takes *alpn over when it uses it. */
static int make_server(struct tls_profile *p, const struct tls_settings *s, struct tls_alpn **alpn)
{
    STACK_OF(X509_NAME) *names;
    int rc;

    p->server = context_new(s, TLS_server_method());
    if (p->server == NULL)
        return XMB_ENOMEM;
    rc = context_load(s, p->server, 0);
    if (rc < 0)
        return rc;
    tls_alpn_serve(p->server, *alpn);
    *alpn = NULL;
    /* Needed to resume sessions with client certificates. */
    SSL_CTX_set_session_id_context(p->server, (const unsigned char *)"xmb", 3);
    if (s->ca != NULL && (names = SSL_load_client_CA_file(s->ca)) != NULL)
        SSL_CTX_set_client_CA_list(p->server, names);
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
    struct tls_settings s = {
        .node = node,
        .certificate = conf_api.text(node, "certificate", NULL),
        .key = conf_api.text(node, "key", NULL),
        .ca = conf_api.text(node, "ca", NULL),
        .crl = conf_api.text(node, "crl", NULL),
        .ciphers = conf_api.text(node, "ciphers", CIPHERS_DEFAULT),
    };
    int serves = s.certificate != NULL || conf_api.child(node, "identity") != NULL;
    struct tls_alpn *alpn = NULL;
    int rc = parse_version(node, &s.version);

    if (rc == 0)
        rc = conf_api.flag(node, "ask", &s.ask);
    if (rc == 0)
        rc = tls_alpn_parse(node, &alpn);
    if (rc == 0)
        rc = make_client(p, &s, alpn);
    if (rc == 0 && serves)
        rc = make_server(p, &s, &alpn);
    free(alpn);
    return rc;
}

void tls_profile_fini(struct tls_profile *p)
{
    SSL_CTX_free(p->server);
    SSL_CTX_free(p->client);
    free(p->name);
}
