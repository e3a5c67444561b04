/* SPDX-License-Identifier: MIT */
/*
 * tls_alpn.c - application protocols in the handshake (RFC 7301).
 *
 * A server that has a list refuses a client that offers only others, as the RFC wants it, but
 * not after STARTTLS: there the protocol was settled before TLS began. Where the profile has no
 * list, what the module named for this connection is chosen if it is offered, and nobody is
 * refused.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 255

/* "a b" as \1a\1b. */
int tls_alpn_parse(const struct xmb_conf *node, struct tls_alpn **out)
{
    const char *at = conf_api.text(node, "alpn", "");
    struct tls_alpn *a = malloc(sizeof(*a) + strlen(at) + 1);
    size_t n;

    if (a == NULL)
        return XMB_ENOMEM;
    a->bytes = 0;
    while (*(at += strspn(at, " \t\r\n")) != '\0') {
        n = strcspn(at, " \t\r\n");
        if (n > NAME_MAX_BYTES) {
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

/* The one name that the module gave; the client's list is length, octets, ... */
static int choose_named(const char *name, const unsigned char **out, unsigned char *out_bytes,
                        const unsigned char *in, unsigned int in_bytes)
{
    size_t n = name != NULL ? strlen(name) : 0;
    unsigned int at;

    for (at = 0; n > 0 && at < in_bytes; at += in[at] + 1u) {
        if (in[at] != n || in_bytes - at - 1 < n || memcmp(in + at + 1, name, n) != 0)
            continue;
        *out = in + at + 1;
        *out_bytes = (unsigned char)n;
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                  const unsigned char *in, unsigned int in_bytes, void *arg)
{
    const struct tls_alpn *ours = arg;
    unsigned char *chosen;

    if (ours == NULL)
        return choose_named(tls_note_of(ssl)->alpn, out, out_bytes, in, in_bytes);
    if (SSL_select_next_proto(&chosen, out_bytes, ours->wire, ours->bytes, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return tls_note_of(ssl)->upgraded ? SSL_TLSEXT_ERR_NOACK
                                          : SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301, 3.2 */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void tls_alpn_serve(SSL_CTX *ctx, struct tls_alpn *alpn)
{
    tls_context_of(ctx)->alpn = alpn;
    SSL_CTX_set_alpn_select_cb(ctx, choose, alpn);
}

int tls_alpn_offer(SSL *ssl, const char *name)
{
    unsigned char wire[NAME_MAX_BYTES + 1];
    size_t n = strlen(name);

    if (n > NAME_MAX_BYTES)
        return XMB_EINVAL;
    wire[0] = (unsigned char)n;
    memcpy(wire + 1, name, n);
    return SSL_set_alpn_protos(ssl, n > 0 ? wire : NULL, n > 0 ? (unsigned int)n + 1 : 0) == 0
               ? 0
               : XMB_ENOMEM;
}
