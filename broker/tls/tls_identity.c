/* SPDX-License-Identifier: MIT */
/*
 * tls_identity.c - a profile with several certificates:
 *
 *     <tls name="outside" certificate="a.pem">
 *       <identity certificate="b.pem" key="b.key"/>
 *     </tls>
 *
 * Which one a server shows is decided when the ClientHello is there: the one that covers its server
 * name, else the one that covers the name that the plugin gave (with STARTTLS the stream header
 * names the domain, and many peers send no server name), else the profile's own. A client shows
 * the one that covers the name that the plugin gave as its own, else the same.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* --- which one ------------------------------------------------------------------------------ */

const struct tls_identity *tls_identity_for(const struct tls_context *context, const char *host)
{
    size_t i;

    if (host == NULL)
        return NULL;
    if (tls_names_cover(&context->own.names, host))
        return &context->own;
    for (i = 0; i < context->identity_count; i++)
        if (tls_names_cover(&context->identities[i].names, host))
            return &context->identities[i];
    return NULL;
}

const struct tls_identity *tls_identity_first(const struct tls_context *context)
{
    if (context->own.file != NULL)
        return &context->own;
    return context->identity_count > 0 ? &context->identities[0] : NULL;
}

static const struct tls_identity *wanted(SSL *ssl, const struct tls_context *context)
{
    const struct tls_note *note = tls_note_of(ssl);
    const struct tls_identity *identity;

    if (!SSL_is_server(ssl))
        return tls_identity_for(context, note->own);
    identity = tls_identity_for(context, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    return identity != NULL ? identity : tls_identity_for(context, note->name);
}

/* For each full handshake; 0 ends it with an alert. */
static int show(SSL *ssl, void *arg)
{
    const struct tls_context *context = tls_context_of(SSL_get_SSL_CTX(ssl));
    const struct tls_identity *identity = wanted(ssl, context);
    STACK_OF(X509) *chain = NULL;
    int ok;

    (void)arg;
    if (identity == NULL || identity->holder == NULL)
        return 1;
    SSL_certs_clear(ssl); /* our own may be of another algorithm, and would stay beside this one */
    SSL_CTX_get0_chain_certs(identity->holder, &chain);
    ok = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(identity->holder),
                              SSL_CTX_get0_privatekey(identity->holder), chain, 1);
    ERR_clear_error();
    return ok;
}

/* --- loading -------------------------------------------------------------------------------- */

static int describe(struct tls_identity *identity, const char *file, X509 *cert)
{
    identity->file = strdup(file);
    return identity->file != NULL ? tls_names_read(cert, &identity->names) : XMB_ENOMEM;
}

static int load(struct tls_identity *identity, const struct xmb_conf *node, int warn)
{
    struct tls_settings s = {
        .node = node,
        .certificate = conf_api.text(node, "certificate", NULL),
        .key = conf_api.text(node, "key", NULL),
    };
    int rc;

    if (s.certificate == NULL)
        return conf_api.fault(node, "<identity> needs a certificate");
    identity->holder = SSL_CTX_new(TLS_server_method());
    if (identity->holder == NULL)
        return XMB_ENOMEM;
    rc = tls_load_certificate(&s, identity->holder, warn);
    return rc < 0 ? rc
                  : describe(identity, s.certificate, SSL_CTX_get0_certificate(identity->holder));
}

/* Without a certificate of its own the context has the first one. */
static int use_first(SSL_CTX *ctx, const struct tls_identity *first)
{
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get0_chain_certs(first->holder, &chain);
    return SSL_CTX_use_cert_and_key(ctx, SSL_CTX_get0_certificate(first->holder),
                                    SSL_CTX_get0_privatekey(first->holder), chain, 1) == 1
               ? 0
               : XMB_ENOMEM;
}

static int load_each(const struct xmb_conf *node, struct tls_context *context, int warn)
{
    const struct xmb_conf *child;
    size_t room = 0;
    int one, rc = 0;

    for (child = conf_api.child(node, "identity"); child != NULL;
         child = conf_api.next(child, "identity"))
        room++;
    context->identities = calloc(room, sizeof(context->identities[0]));
    if (context->identities == NULL)
        return XMB_ENOMEM;
    for (child = conf_api.child(node, "identity"); child != NULL;
         child = conf_api.next(child, "identity")) {
        one = load(&context->identities[context->identity_count++], child, warn);
        rc = one < 0 ? one : rc;
    }
    return rc;
}

int tls_identities_load(const struct tls_settings *s, SSL_CTX *ctx, int warn)
{
    struct tls_context *context = tls_context_of(ctx);
    X509 *own = SSL_CTX_get0_certificate(ctx);
    int rc = own != NULL ? describe(&context->own, s->certificate, own) : 0;

    if (conf_api.child(s->node, "identity") == NULL || rc < 0)
        return rc;
    rc = load_each(s->node, context, warn);
    if (rc == 0 && own == NULL)
        rc = use_first(ctx, &context->identities[0]);
    SSL_CTX_set_cert_cb(ctx, show, NULL);
    return rc;
}

static void identity_free(struct tls_identity *identity)
{
    SSL_CTX_free(identity->holder);
    tls_names_free(&identity->names);
    free(identity->file);
}

void tls_identities_free(struct tls_context *context)
{
    size_t i;

    identity_free(&context->own);
    for (i = 0; i < context->identity_count; i++)
        identity_free(&context->identities[i]);
    free(context->identities);
}
