/* SPDX-License-Identifier: MIT */
/*
 * tls_priv.h - profiles, contexts and sessions from the inside. For this folder only.
 *
 * Three things hang on one another: a profile (a line of the table), its contexts (which live
 * as long as a connection uses them, so what callbacks need belongs to them), and the note that
 * each SSL carries.
 */
#ifndef BROKER_TLS_PRIV_H
#define BROKER_TLS_PRIV_H

#include "tls/tls.h"

#define TLS_DIGEST_BYTES 32
#define TLS_NAMES_MAX 256 /* of a certificate; what stands behind is not read */
#define TLS_TLSA_MAX 16
#define TLSA_TRUST_ANCHOR 2 /* usages of TLSA records (RFC 7218) */
#define TLSA_CERTIFICATE 3

struct tls_profile {
    char *name;
    SSL_CTX *server; /* NULL: no certificate, so it cannot serve */
    SSL_CTX *client;
    unsigned char digest[TLS_DIGEST_BYTES]; /* of its settings and files */
};

/* Application protocols as on the wire: length, octets, ... To offer, or to choose from. */
struct tls_alpn {
    unsigned int bytes;
    unsigned char wire[];
};

/* Names of a certificate, as plugins see them. */
struct tls_names {
    struct xmb_cert_name *list;
    size_t count;
};

/* A certificate of ours: `holder` has it with key and chain; NULL: the context itself. */
struct tls_identity {
    SSL_CTX *holder;
    char *file; /* NULL: there is none */
    struct tls_names names;
};

/* What belongs to a context and goes with it. */
struct tls_context {
    uint64_t generation;   /* no two contexts have the same */
    int has_ca;
    struct tls_alpn *alpn; /* as server: to choose from, or NULL */
    struct tls_identity own;
    struct tls_identity *identities;
    size_t identity_count;
};

/* What belongs to a session (an SSL) and goes with it. */
struct tls_note {
    int upgraded;
    char *profile;
    uint64_t judged; /* generation of the context that judged the peer last */
    char *name; /* asked for as client; as server: its certificate is shown. Or NULL */
    char *alpn; /* as server: is chosen when the profile has no list; or NULL */
    char *own;  /* as client: its certificate is shown; or NULL */
    int keeps;  /* as client: sessions are kept, under `key` */
    unsigned char key[TLS_DIGEST_BYTES];
    int has_tlsa;           /* as client: there are records of use */
    enum xmb_dane was_dane; /* what they said when the session that is offered began... */
    uint32_t was_usage;     /* ...and by which usage it matched; 0: it did not */
};

/* The text of a <tls> or <identity> element. */
struct tls_settings {
    const struct xmb_conf *node;
    const char *certificate, *key, *ca, *crl, *ciphers;
    int version;
    int32_t ask;
};

/* tls_context.c. Makes both contexts from `node`. XMB_ECONF: reported. XMB_ENOMEM. */
int tls_profile_init(struct tls_profile *p, const struct xmb_conf *node);
void tls_profile_fini(struct tls_profile *p);
/* Reports "WHAT "FILE": cause" with OpenSSL's cause. Returns XMB_ECONF. */
int tls_openssl_fault(const struct xmb_conf *node, const char *what, const char *file);
/* Certificate, chain and key into `ctx`; warns of an expired one when `warn`. */
int tls_load_certificate(const struct tls_settings *s, SSL_CTX *ctx, int warn);

/* tls_note.c */
struct tls_context *tls_context_of(const SSL_CTX *ctx);
int tls_context_attach(SSL_CTX *ctx); /* an empty one; XMB_ENOMEM */
struct tls_note *tls_note_of(const SSL *ssl);
struct tls_note *tls_note_attach(SSL *ssl); /* an empty one; NULL: no memory */

/*
 * tls.c: the context of `profile` in the table in force, or in the one that this thread is just
 * preparing when `next`. A reference of the caller's. XMB_ENOENT: no such profile, or it has no
 * such context. XMB_ECONF: what is being prepared has faults.
 */
int tls_context_get(const char *profile, int is_client, int next, SSL_CTX **out);

/* tls_session.c: as tls_session, from a context. */
int tls_session_of(SSL_CTX *ctx, const struct xmb_tls_setup *setup, enum tls_role role, SSL **out);

/* tls_digest.c. 0, or XMB_EIO when a file cannot be read. */
int tls_profile_digest(const struct xmb_conf *node, unsigned char out[TLS_DIGEST_BYTES]);

/* tls_alpn.c */
int tls_alpn_parse(const struct xmb_conf *node, struct tls_alpn **out); /* *out NULL: none */
void tls_alpn_serve(SSL_CTX *ctx, struct tls_alpn *alpn); /* takes it over; NULL: no list */
int tls_alpn_offer(SSL *ssl, const char *name); /* one name instead; "" none. XMB_EINVAL */

/* tls_identity.c: names of the context's own certificate, and <identity> children of `node`. */
int tls_identities_load(const struct tls_settings *s, SSL_CTX *ctx, int warn);
void tls_identities_free(struct tls_context *context);
/* The one that is for `host`; NULL: none, or no host is given. */
const struct tls_identity *tls_identity_for(const struct tls_context *context, const char *host);
/* The one that is shown when none is for the name; NULL: there is none at all. */
const struct tls_identity *tls_identity_first(const struct tls_context *context);

/* tls_trust.c: ca= and crl= of a context, and verification without an end of the handshake. */
int tls_trust_load(const struct tls_settings *s, SSL_CTX *ctx, int warn);
/* Judges the peer of `ssl` by what `by` trusts and revokes: tls_fault says the outcome. */
void tls_trust_again(SSL *ssl, SSL_CTX *by);

/* tls_names.c */
int tls_names_read(X509 *cert, struct tls_names *out); /* XMB_ENOMEM */
void tls_names_free(struct tls_names *names);
int tls_names_cover(const struct tls_names *names, const char *host); /* 1: one of them does */
int64_t tls_seconds(const ASN1_TIME *time); /* since 1970; 0: it cannot be read */

/* tls_dane.c: records of `setup` for a client session whose note is attached. XMB_EINVAL. */
int tls_dane_use(SSL *ssl, const struct xmb_tls_setup *setup);

/* tls_cache.c: sessions of ours as client. */
void tls_cache_serve(SSL_CTX *client); /* new sessions of this context are looked at */
/* Makes the key that sessions of `setup` are kept under. */
int tls_cache_key(SSL *ssl, const struct xmb_tls_setup *setup);
void tls_cache_clear(void);

#endif
