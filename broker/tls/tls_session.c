/* SPDX-License-Identifier: MIT */
/*
 * tls_session.c - an SSL made ready for its handshake, from a context and what the caller wants
 * of it.
 */
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

void tls_setup_copy(struct xmb_tls_setup *out, const struct xmb_tls_setup *in)
{
    memset(out, 0, sizeof(*out));
    memcpy(out, in, in->size < sizeof(*out) ? in->size : sizeof(*out));
    out->size = sizeof(*out);
}

/* SNI carries names only (RFC 6066, section 3), no addresses. */
static int send_name(SSL *ssl, const char *name)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
    char *sni = (char *)(uintptr_t)name; /* OpenSSL's macro has no const, and copies */

    ASN1_OCTET_STRING_free(ip);
    return ip != NULL || SSL_set_tlsext_host_name(ssl, sni) == 1 ? 0 : XMB_EINVAL;
}

static int ready_client(SSL *ssl, const struct xmb_tls_setup *setup)
{
    int rc = setup->name != NULL ? send_name(ssl, setup->name) : 0;

    SSL_set_connect_state(ssl);
    if (rc == 0 && setup->alpn != NULL)
        rc = tls_alpn_offer(ssl, setup->alpn);
    if (rc == 0)
        rc = tls_dane_use(ssl, setup);
    return rc < 0 ? rc : tls_cache_key(ssl, setup);
}

static int ready_server(SSL *ssl, enum tls_role role)
{
    SSL_set_accept_state(ssl);
    if (role != TLS_SERVER)
        SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return 0;
}

/* NULL stays NULL. */
static int copy(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL ? 0 : XMB_ENOMEM;
}

static int ready(SSL *ssl, const struct xmb_tls_setup *setup, enum tls_role role)
{
    struct tls_note *note = tls_note_attach(ssl);

    if (note == NULL)
        return XMB_ENOMEM;
    note->upgraded = role == TLS_SERVER_UPGRADED;
    note->judged = tls_context_of(SSL_get_SSL_CTX(ssl))->generation;
    if (copy(setup->profile, &note->profile) < 0 || copy(setup->name, &note->name) < 0 ||
        copy(setup->own, &note->own) < 0 ||
        (role != TLS_CLIENT && copy(setup->alpn, &note->alpn) < 0))
        return XMB_ENOMEM;
    return role == TLS_CLIENT ? ready_client(ssl, setup) : ready_server(ssl, role);
}

int tls_session_of(SSL_CTX *ctx, const struct xmb_tls_setup *setup, enum tls_role role, SSL **out)
{
    SSL *ssl = SSL_new(ctx);
    int rc = ssl != NULL ? ready(ssl, setup, role) : XMB_ENOMEM;

    if (rc < 0) {
        SSL_free(ssl);
        ssl = NULL;
    }
    ERR_clear_error();
    *out = ssl;
    return rc;
}
