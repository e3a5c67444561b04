/* SPDX-License-Identifier: MIT */
/*
 * tls.h - named TLS profiles of the configuration, as OpenSSL contexts.
 *
 * <tls name= certificate= key= ca= crl= minimum="1.2|1.3" alpn= ciphers=/> under <broker>.
 * A reload makes new contexts; connections keep theirs. Workers see the table
 * of the committed configuration. A peer certificate that does not verify (no ca, wrong
 * name, revoked) does not fail a handshake: xmb_conn_info.tls_verified_name is NULL then,
 * and the protocol plugin decides.
 */
#ifndef BROKER_TLS_H
#define BROKER_TLS_H

#include <openssl/ssl.h>
#include <xmb/conf.h>

struct tls_next;
/* Makes every profile of <broker>; faults are reported with line. Thread: control. */
int tls_prepare(const struct xmb_conf *broker, struct tls_next **next);
void tls_abort(struct tls_next *next);
void tls_commit(struct tls_next *next);
int tls_known(const struct tls_next *next, const char *profile);  /* 1 when it exists */
int tls_serves(const struct tls_next *next, const char *profile); /* 1 when it has a certificate */
/*
 * A new SSL of a committed profile with one reference of its own, or NULL
 * (unknown profile, out of memory). `server` says the role; `name` is SNI and
 * the name to verify as client. Thread: any.
 */
SSL *tls_session(const char *profile, int server, const char *name);
void tls_fini(void);

#endif
