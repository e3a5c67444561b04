/* SPDX-License-Identifier: MIT */
/*
 * tls_trust.c - what a profile trusts, and what is wrong with a peer's certificate.
 *
 * Verification runs to its end and never ends a handshake. Its first real fault becomes the
 * verify result of the session, so it goes with a session that is resumed. The purpose of a
 * certificate is not looked at: servers of messaging show the one that they serve with also
 * where they are the client.
 * A revocation list that is not there, or past its time, is no fault of the peer: what is
 * loaded is used as it is.
 */
#include "conf/conf.h"
#include "log/log.h"
#include "plugin/module.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* --- loading -------------------------------------------------------------------------------- */

static void warn_old_crls(const struct tls_settings *s, X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    int i;

    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        const ASN1_TIME *next = crl != NULL ? X509_CRL_get0_nextUpdate(crl) : NULL;
        char *issuer;

        if (next == NULL || X509_cmp_current_time(next) >= 0)
            continue;
        issuer = X509_NAME_oneline(X509_CRL_get_issuer(crl), NULL, 0);
        LOG(WARN, s->crl, "the revocation list of %s is past its time; it is used as it is",
            issuer != NULL ? issuer : "?");
        OPENSSL_free(issuer);
    }
}

static int load_crl(const struct tls_settings *s, SSL_CTX *ctx, int warn)
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
        return tls_openssl_fault(s->node, "crl", s->crl);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    if (warn)
        warn_old_crls(s, store);
    return 0;
}

/*
 * OpenSSL decodes the extensions of a certificate when it first looks at them, and these are looked
 * at by all workers: it is done here, while there is one thread. (It would be safe there too, but no
 * tool can see that.)
 */
static void decode_all(X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    X509 *cert;
    int i;

    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (cert != NULL)
            X509_check_purpose(cert, -1, 0);
    }
}

/* --- verifying ------------------------------------------------------------------------------ */

struct verdict {
    int error; /* the first that is a fault of the chain */
    int no_tlsa_fits;
};

/* Names are looked at elsewhere, and revocation lists by what is there. */
static int is_no_fault(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_EMAIL_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return 1;
    default:
        return 0;
    }
}

static int note_fault(int ok, X509_STORE_CTX *ctx)
{
    struct verdict *v = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);

    if (ok)
        return 1;
    if (error == X509_V_ERR_DANE_NO_MATCH)
        v->no_tlsa_fits = 1;
    else if (v->error == X509_V_OK && !is_no_fault(error))
        v->error = error;
    return 1;
}

static struct verdict run(X509_STORE_CTX *ctx)
{
    struct verdict v = {.error = X509_V_OK};
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    void *app = X509_STORE_CTX_get_app_data(ctx);

    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
    X509_VERIFY_PARAM_set_trust(param, X509_TRUST_COMPAT);
    X509_STORE_CTX_set_app_data(ctx, &v);
    X509_STORE_CTX_set_verify_cb(ctx, note_fault);
    if (X509_verify_cert(ctx) != 1 && v.error == X509_V_OK && !v.no_tlsa_fits)
        v.error = X509_V_ERR_UNSPECIFIED; /* it gave up without a word: short of memory */
    X509_STORE_CTX_set_app_data(ctx, app);
    return v;
}

/* The same chain without TLSA records, which may have ended the work at the first look. */
static int run_plain(X509_STORE_CTX *with)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int error = X509_V_ERR_OUT_OF_MEM;

    if (ctx != NULL &&
        X509_STORE_CTX_init(ctx, X509_STORE_CTX_get0_store(with), X509_STORE_CTX_get0_cert(with),
                            X509_STORE_CTX_get0_untrusted(with)) == 1) {
        X509_VERIFY_PARAM_set_auth_level(
            X509_STORE_CTX_get0_param(ctx),
            X509_VERIFY_PARAM_get_auth_level(X509_STORE_CTX_get0_param(with)));
        error = run(ctx).error;
    }
    X509_STORE_CTX_free(ctx);
    return error;
}

static int verify(X509_STORE_CTX *ctx, void *arg)
{
    struct verdict v = run(ctx);

    (void)arg;
    if (v.no_tlsa_fits)
        v.error = run_plain(ctx);
    X509_STORE_CTX_set_error(ctx, v.error);
    ERR_clear_error();
    return 1;
}

/*
 * What the peer sent is what there is: a session that was resumed may have lost the issuers. Short
 * of memory it is not good.
 */
void tls_trust_again(SSL *ssl, SSL_CTX *by)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    X509_STORE_CTX *ctx;

    if (cert == NULL)
        return;
    SSL_set_verify_result(ssl, X509_V_ERR_OUT_OF_MEM);
    ctx = X509_STORE_CTX_new();
    if (ctx != NULL && X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(by), cert,
                                           SSL_get_peer_cert_chain(ssl)) == 1) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx),
                                         SSL_get_security_level(ssl));
        if (tls_note_of(ssl)->has_tlsa)
            X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(ssl));
        verify(ctx, NULL);
        SSL_set_verify_result(ssl, X509_STORE_CTX_get_error(ctx));
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
}

int tls_trust_load(const struct tls_settings *s, SSL_CTX *ctx, int warn)
{
    if (s->ca != NULL && SSL_CTX_load_verify_file(ctx, s->ca) != 1)
        return tls_openssl_fault(s->node, "ca", s->ca);
    if (s->ca != NULL || s->ask)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    decode_all(SSL_CTX_get_cert_store(ctx));
    SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
    tls_context_of(ctx)->has_ca = s->ca != NULL;
    return load_crl(s, ctx, warn);
}

/* --- the verdict ---------------------------------------------------------------------------- */

static enum xmb_cert_fault fault_of(long error)
{
    switch (error) {
    case X509_V_OK:
        return XMB_CERT_GOOD;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return XMB_CERT_UNKNOWN_CA;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return XMB_CERT_SELF_SIGNED;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return XMB_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return XMB_CERT_NOT_YET_VALID;
    case X509_V_ERR_CERT_REVOKED:
        return XMB_CERT_REVOKED;
    default:
        return XMB_CERT_BROKEN;
    }
}

enum xmb_cert_fault tls_fault(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    enum xmb_cert_fault fault;

    if (cert == NULL)
        return XMB_CERT_MISSING;
    fault = fault_of(SSL_get_verify_result(ssl));
    /* A resumed session may be older than the end of its certificate. */
    if (fault == XMB_CERT_GOOD && SSL_session_reused(ssl) &&
        tls_dane_usage(ssl) != TLSA_CERTIFICATE &&
        X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        fault = XMB_CERT_EXPIRED;
    return fault;
}
