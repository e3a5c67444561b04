/* SPDX-License-Identifier: MIT */
/*
 * tls_dane.c - TLSA records that came with a secure answer (RFC 6698, RFC 7671).
 *
 * OpenSSL compares. Usages 2 (a trust anchor) and 3 (the certificate itself) are taken, the
 * others are ignored; when nothing is left it is as if there had been no records. What is found
 * is a fact beside the others: a mismatch ends no handshake.
 */
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <xmb/routing.h>

/* OpenSSL wants a name to check. We do that ourselves (tls_verified_name) and ignore its answer. */
static int enable(SSL *ssl, const char *name)
{
    if (name == NULL || SSL_dane_enable(ssl, name) != 1)
        return XMB_EINVAL;
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7671, 5.1 */
    return 0;
}

/* A plugin's array is walked by its own stride, which is 8-aligned or the array is not one. */
static int is_array(const struct xmb_tlsa *records)
{
    return records->size >= offsetof(struct xmb_tlsa, data) + sizeof(records->data) &&
           records->size % sizeof(void *) == 0;
}

int tls_dane_use(SSL *ssl, const struct xmb_tls_setup *setup)
{
    struct tls_note *note = tls_note_of(ssl);
    uint32_t i;

    if (setup->tlsa_count == 0 || setup->tlsa == NULL)
        return 0;
    if (!is_array(setup->tlsa) || enable(ssl, setup->name) < 0)
        return XMB_EINVAL;
    for (i = 0; i < setup->tlsa_count && i < TLS_TLSA_MAX; i++) {
        const struct xmb_tlsa *r = xmb_tlsa_at(setup->tlsa, i);

        if ((r->usage == TLSA_TRUST_ANCHOR || r->usage == TLSA_CERTIFICATE) &&
            SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
                              (const unsigned char *)r->data.p, r->data.n) == 1)
            note->has_tlsa = 1;
    }
    ERR_clear_error();
    return 0;
}

enum xmb_dane tls_dane(SSL *ssl)
{
    const struct tls_note *note = tls_note_of(ssl);

    if (!note->has_tlsa)
        return XMB_DANE_NONE;
    if (SSL_session_reused(ssl))
        return note->was_dane; /* the records are part of the key: they were the same */
    return SSL_get0_dane_authority(ssl, NULL, NULL) >= 0 ? XMB_DANE_MATCH : XMB_DANE_MISMATCH;
}

uint32_t tls_dane_usage(SSL *ssl)
{
    uint8_t usage = 0;

    if (tls_dane(ssl) != XMB_DANE_MATCH)
        return 0;
    if (SSL_session_reused(ssl))
        return tls_note_of(ssl)->was_usage;
    SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL);
    return usage;
}
