/* SPDX-License-Identifier: MIT */
/*
 * tls_identity.c - a server with several certificates:
 *
 *     <tls name="outside" certificate="a.pem">
 *       <identity certificate="b.pem" key="b.key"/>
 *     </tls>
 *
 * Which one is shown is decided when the ClientHello is there: the one that covers its server
 * name, else the one that covers the name that the plugin gave (with STARTTLS the stream header
 * names the domain, and many peers send no server name), else the profile's own.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* NULL: the context's own, or none of them. *found tells. */
static const struct tls_identity *covering(const struct tls_context *context, const char *host,
                                           int *found)
{
    size_t i;

    *found = 0;
    if (host == NULL)
        return NULL;
    *found = 1;
    if (tls_names_cover(&context->own, host))
        return NULL;
    for (i = 0; i < context->identity_count; i++)
        if (tls_names_cover(&context->identities[i].names, host))
            return &context->identities[i];
    *found = 0;
    return NULL;
}

/* For each full handshake; 0 ends it with an alert. */
static int show(SSL *ssl, void *arg)
{
    const struct tls_context *context = tls_context_of(SSL_get_SSL_CTX(ssl));
    const struct tls_identity *identity;
    STACK_OF(X509) *chain = NULL;
    int found, ok;

    (void)arg;
    identity = covering(context, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), &found);
    if (!found)
        identity = covering(context, tls_note_of(ssl)->name, &found);
    if (identity == NULL)
        return 1;
    SSL_certs_clear(ssl); /* our own may be of another algorithm, and would stay beside this one */
    SSL_CTX_get0_chain_certs(identity->holder, &chain);
    ok = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(identity->holder),
                              SSL_CTX_get0_privatekey(identity->holder), chain, 1);
    ERR_clear_error();
    return ok;
}

static int load(struct tls_identity *identity, const struct xmb_conf *node)
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
    rc = tls_load_certificate(&s, identity->holder, 1);
    return rc < 0 ? rc
                  : tls_names_read(SSL_CTX_get0_certificate(identity->holder), &identity->names);
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

int tls_identities_load(const struct xmb_conf *node, SSL_CTX *ctx)
{
    struct tls_context *context = tls_context_of(ctx);
    const struct xmb_conf *child = conf_api.child(node, "identity");
    X509 *own = SSL_CTX_get0_certificate(ctx);
    size_t room = 0;
    int one, rc = own != NULL ? tls_names_read(own, &context->own) : 0;

    if (child == NULL || rc < 0)
        return rc;
    for (; child != NULL; child = conf_api.next(child, "identity"))
        room++;
    context->identities = calloc(room, sizeof(context->identities[0]));
    if (context->identities == NULL)
        return XMB_ENOMEM;
    for (child = conf_api.child(node, "identity"); child != NULL;
         child = conf_api.next(child, "identity")) {
        one = load(&context->identities[context->identity_count++], child);
        rc = one < 0 ? one : rc;
    }
    if (rc == 0 && own == NULL)
        rc = use_first(ctx, &context->identities[0]);
    SSL_CTX_set_cert_cb(ctx, show, NULL);
    return rc;
}

void tls_identities_free(struct tls_context *context)
{
    size_t i;

    for (i = 0; i < context->identity_count; i++) {
        SSL_CTX_free(context->identities[i].holder);
        tls_names_free(&context->identities[i].names);
    }
    free(context->identities);
}
