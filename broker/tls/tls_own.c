/* SPDX-License-Identifier: MIT */
/*
 * tls_own.c - which certificate of ours would be shown for a name, so that what is missing in it
 * is known before a peer says so.
 *
 * It is chosen as in a handshake (tls_identity.c). A common name lets a certificate be chosen, but
 * most peers do not look at it any more, so it covers nothing here.
 */
#include "tls/tls_priv.h"

#include <stdio.h>
#include <string.h>

static void put_names(const struct tls_names *names, char *text, size_t cap)
{
    size_t i, n = 0;

    for (i = 0; i < names->count && n < cap; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", i > 0 ? ", " : "",
                              names->list[i].text.p);
}

/* A common name is there only where there is nothing else. */
static int has_real_names(const struct tls_names *names)
{
    return names->count > 0 && names->list[0].kind != XMB_CERT_CN;
}

static void fill(const struct tls_identity *identity, SSL_CTX *ctx, const char *name,
                 struct xmb_tls_own *own)
{
    X509 *cert = SSL_CTX_get0_certificate(identity->holder != NULL ? identity->holder : ctx);

    own->covers = has_real_names(&identity->names) && tls_names_cover(&identity->names, name);
    own->not_before_s = tls_seconds(X509_get0_notBefore(cert));
    own->not_after_s = tls_seconds(X509_get0_notAfter(cert));
    snprintf(own->file, sizeof(own->file), "%s", identity->file);
    put_names(&identity->names, own->names, sizeof(own->names));
}

int tls_own(const char *profile, const char *name, struct xmb_tls_own *own)
{
    uint32_t size = own->size < sizeof(*own) ? own->size : (uint32_t)sizeof(*own);
    struct xmb_tls_own all = {.size = own->size};
    const struct tls_identity *identity;
    SSL_CTX *ctx;
    int rc = tls_context_get(profile, 1, 1, &ctx);

    if (rc < 0)
        return rc;
    identity = tls_identity_for(tls_context_of(ctx), name);
    if (identity == NULL)
        identity = tls_identity_first(tls_context_of(ctx));
    if (identity != NULL)
        fill(identity, ctx, name, &all);
    SSL_CTX_free(ctx);
    memcpy(own, &all, size);
    return 0;
}
