/* SPDX-License-Identifier: MIT */
/*
 * tls_peer.c - the peer's certificate in the words of <xmb/conn.h>, and the name that was proved.
 *
 * All of it comes from the certificate that the session has, so it is the same in a session
 * that was resumed.
 */
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT_MAX 1024

/* --- the name that was proved ----------------------------------------------------------------- */

/* OpenSSL would look at the common name also where there is an SRVName or the like. */
static unsigned int check_flags(X509 *cert)
{
    unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    struct tls_names names;

    if (tls_names_read(cert, &names) < 0)
        return flags;
    if (names.count > 0 && names.list[0].kind == XMB_CERT_CN)
        flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    tls_names_free(&names);
    return flags;
}

static int is_for(X509 *cert, const char *name)
{
    int is_ip = X509_check_ip_asc(cert, name, 0);

    if (is_ip >= 0)
        return is_ip == 1;
    return X509_check_host(cert, name, 0, check_flags(cert), NULL) == 1;
}

static char *first_name(X509 *cert)
{
    struct tls_names names;
    char *found = NULL;
    size_t i;

    if (tls_names_read(cert, &names) < 0)
        return NULL;
    for (i = 0; i < names.count && found == NULL; i++)
        if (names.list[i].kind == XMB_CERT_DNS || names.list[i].kind == XMB_CERT_CN)
            found = strdup(names.list[i].text.p);
    tls_names_free(&names);
    return found;
}

char *tls_verified_name(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    const char *asked = SSL_is_server(ssl) ? NULL : tls_note_of(ssl)->name;
    char *name = NULL;

    if (tls_fault(ssl) == XMB_CERT_GOOD && tls_dane(ssl) != XMB_DANE_MISMATCH) {
        if (asked == NULL)
            name = first_name(cert);
        else if (tls_dane_usage(ssl) == TLSA_CERTIFICATE || is_for(cert, asked))
            name = strdup(asked);
    }
    ERR_clear_error();
    return name;
}

/* --- everything ------------------------------------------------------------------------------- */

static const char *why(SSL *ssl, enum xmb_cert_fault fault)
{
    switch (fault) {
    case XMB_CERT_GOOD:
        return NULL;
    case XMB_CERT_MISSING:
        return "the peer showed no certificate";
    case XMB_CERT_UNKNOWN_CA:
        return "no trusted authority has signed it";
    case XMB_CERT_SELF_SIGNED:
        return "it is signed by itself and not trusted";
    case XMB_CERT_EXPIRED:
        return "it, or one of its issuers, has expired";
    case XMB_CERT_NOT_YET_VALID:
        return "it, or one of its issuers, is not valid yet";
    case XMB_CERT_REVOKED:
        return "its issuer has revoked it";
    default:
        return X509_verify_cert_error_string(SSL_get_verify_result(ssl)); /* static text */
    }
}

/* Most specific first; what is not plain ASCII is escaped. NULL: no memory. */
static char *subject_text(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text = NULL;
    size_t n;

    if (bio == NULL)
        return NULL;
    if (X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
        n = (size_t)BIO_get_mem_data(bio, &data);
        n = n < SUBJECT_MAX ? n : SUBJECT_MAX;
        text = calloc(1, n + 1); /* there is no NUL behind `data`: strndup might look for it */
        if (text != NULL && n > 0)
            memcpy(text, data, n);
    }
    BIO_free(bio);
    return text;
}

static int describe(struct xmb_tls_peer *peer, X509 *cert)
{
    struct tls_names names;
    int rc = tls_names_read(cert, &names);

    if (rc < 0)
        return rc;
    peer->names = names.list;
    peer->name_count = names.count;
    peer->subject = subject_text(cert);
    peer->not_after_s = tls_seconds(X509_get0_notAfter(cert));
    return peer->subject != NULL && X509_digest(cert, EVP_sha256(), peer->sha256, NULL) == 1
               ? 0
               : XMB_ENOMEM;
}

void tls_peer_judge(struct xmb_tls_peer *peer, SSL *ssl)
{
    peer->fault = tls_fault(ssl);
    peer->why = why(ssl, (enum xmb_cert_fault)peer->fault);
    peer->dane = tls_dane(ssl);
    peer->dane_usage = tls_dane_usage(ssl);
}

struct xmb_tls_peer *tls_peer_new(SSL *ssl)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    struct xmb_tls_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        return NULL;
    peer->size = sizeof(*peer);
    tls_peer_judge(peer, ssl);
    if (cert != NULL && describe(peer, cert) < 0) {
        tls_peer_free(peer);
        peer = NULL;
    }
    ERR_clear_error();
    return peer;
}

void tls_peer_free(struct xmb_tls_peer *peer)
{
    struct tls_names names;

    if (peer == NULL)
        return;
    names.list = (struct xmb_cert_name *)(uintptr_t)peer->names;
    names.count = peer->name_count;
    tls_names_free(&names);
    free((void *)(uintptr_t)peer->subject);
    free(peer);
}
