/* SPDX-License-Identifier: MIT */
/*
 * tls_rig.h - certificates made on the spot, and a peer that speaks TLS, for the tests of what
 * a handshake proves and of sessions that are resumed.
 *
 * Files are those of the rig's folder (conn_rig.h). The peer is OpenSSL on a blocking socket.
 */
#ifndef TLS_RIG_H
#define TLS_RIG_H

#include "conn_rig.h"

#include <openssl/ssl.h>

/* How a certificate is made; what is left out is as in a good one. */
struct cert_spec {
    const char *file;  /* certificate and key */
    const char *cn;    /* NULL: an empty subject */
    const char *san;   /* as in openssl.cnf, or NULL: none */
    const char *eku;   /* "serverAuth", or NULL: none */
    const char *octets; /* a dNSName with these octets, when `octets_n` is not 0 */
    size_t octets_n;
    const char *issuer;   /* a file of a CA that was issued; NULL: "ca.pem" */
    const char *false_key; /* signed with the key of this file instead of the issuer's */
    long serial;
    long from_s, to_s; /* from now; both 0: from an hour ago for a day */
    int self;          /* signed by itself */
    int rsa;           /* of this algorithm instead of ECDSA */
    int is_ca;
};

void tls_rig_issue(const struct cert_spec *spec);
/* A list of `issuer` that revokes `serial`, due again in `next_s` from now. */
void tls_rig_crl(const char *file, const char *issuer, long serial, long next_s);
X509 *tls_rig_cert(const char *file); /* the caller frees it */
/* SHA-256 of the certificate in DER. */
void tls_rig_sha256(const char *file, uint8_t out[32]);
/* Puts the files of `names` (NULL at the end) together into `file`. */
void tls_rig_join(const char *file, const char *const *names);
void tls_rig_remove_files(void);

struct tls_end {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};
/* A client end on `fd`, which it owns, with a certificate or without; trusts nothing. */
struct tls_end tls_end_client(int fd, const char *certificate);
struct tls_end tls_end_server(int fd, const char *certificate);
void tls_end_free(struct tls_end *e); /* says goodbye */
void tls_end_handshake(struct tls_end *e); /* fails the test when it fails */
/* Common name of what the broker showed. */
const char *tls_end_shown(struct tls_end *e);
void tls_end_echo(struct tls_end *e, const char *text);

#endif
