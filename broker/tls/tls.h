/* SPDX-License-Identifier: MIT */
/*
 * tls.h - named TLS profiles of the configuration, as OpenSSL contexts, and what a handshake
 * proved about the peer.
 *
 * <tls name= certificate= key= ca= crl= minimum="1.2|1.3" alpn= ciphers= ask=> under <broker>,
 * with <identity certificate= key=/> for further certificates of a server.
 * A reload makes new contexts where a setting or a file has changed; connections keep theirs.
 * Workers see the table of the committed configuration. A peer certificate that does not verify
 * never fails a handshake: tls_fault says what is wrong, and the protocol plugin decides.
 */
#ifndef BROKER_TLS_H
#define BROKER_TLS_H

#include <openssl/ssl.h>
#include <xmb/conf.h>
#include <xmb/conn.h>

struct tls_next;
/* Makes every profile of <broker>; faults are reported with line. Thread: control. */
int tls_prepare(const struct xmb_conf *broker, struct tls_next **next);
void tls_abort(struct tls_next *next); /* NULL: tls_prepare failed */
void tls_commit(struct tls_next *next);
int tls_known(const struct tls_next *next, const char *profile);  /* 1 when it exists */
int tls_serves(const struct tls_next *next, const char *profile); /* 1 when it has a certificate */
void tls_fini(void);

enum tls_role {
    TLS_CLIENT,
    TLS_SERVER,         /* of a listener with tls= */
    TLS_SERVER_ASKING,  /* a plugin's wish, from the first octet: a certificate is asked for */
    TLS_SERVER_UPGRADED /* the same after plain text: ALPN never fails */
};
/*
 * A new SSL of a committed profile, the caller's. `setup` is whole (tls_setup_copy) and borrowed;
 * what does not belong to the role is ignored. XMB_ENOENT: no such profile, or it has no
 * certificate to serve with. XMB_EINVAL: name, alpn or tlsa cannot be used. XMB_ENOMEM.
 * Thread: any.
 */
int tls_session(const struct xmb_tls_setup *setup, enum tls_role role, SSL **out);
/*
 * As client: offers a session that is kept for this one, if there is. Right before the handshake,
 * because a ticket is used up by it.
 */
void tls_resume(SSL *ssl);
/* xmb_conn_api.tls_own, of what the control thread prepares or else of what is in force. */
int tls_own(const char *profile, const char *name, struct xmb_tls_own *own);
/* 1 when the profiles of `next` are others than those in force. Thread: control. */
int tls_changes(const struct tls_next *next);
/* Copies what a plugin handed in, with zeros for members that it does not know. */
void tls_setup_copy(struct xmb_tls_setup *out, const struct xmb_tls_setup *in);

/* --- after the handshake; thread: the one that has the SSL --- */

/* What is wrong with the peer's certificate, names aside. */
enum xmb_cert_fault tls_fault(SSL *ssl);
/* What TLSA records said. */
enum xmb_dane tls_dane(SSL *ssl);
/* Usage of the record that matched, 2 or 3; 0: none did. */
uint32_t tls_dane_usage(SSL *ssl);
/*
 * The name that was proved: as client the one that was asked for, else the first of the
 * certificate. NULL: none, or no memory. The caller frees it.
 */
char *tls_verified_name(SSL *ssl);
/*
 * Judges the peer's certificate again, by `profile` as it is now; NULL: the one of the handshake.
 * Every fact here may be another then. XMB_ENOENT: no such profile; nothing changed.
 */
int tls_recheck(SSL *ssl, const char *profile);
/* Everything for xmb_conn_api.tls_peer; freed with tls_peer_free. NULL: no memory. */
struct xmb_tls_peer *tls_peer_new(SSL *ssl);
void tls_peer_judge(struct xmb_tls_peer *peer, SSL *ssl); /* the verdict alone, anew */
void tls_peer_free(struct xmb_tls_peer *peer); /* NULL is fine */

#endif
