/* SPDX-License-Identifier: MIT */
/*
 * tls_peer_rig.h - a module that notes what a handshake proved about its peer, certificates of
 * every kind, and sessions with it from outside or dialled by it.
 *
 * The module echoes; 'S' as the first plain octet asks for TLS. What it learned is text, so that
 * a test compares one string. Its first port is TLS of the profile "server", the second is plain.
 */
#ifndef TLS_PEER_RIG_H
#define TLS_PEER_RIG_H

#include "tls_rig.h"

/* What was learned last; written before `opened` or `secured` counts. */
struct seen {
    _Atomic uint32_t opened, secured, closed;
    uint32_t fault, dane, dane_usage;
    int64_t not_after_s;
    uint8_t sha256[32];
    size_t count;
    char names[8192], why[128], subject[128], verified[128], alpn[32];
};
extern struct seen seen;

extern const char *secure_name; /* what the module names when it secures a stream */
extern struct xmb_conn *last;   /* whose peer was noted */
extern int note_accepted;       /* what the accepting side learns, and not the dialled one */
extern const char *own;         /* whose certificate the dialled side shows */
extern void (*meanwhile)(void); /* before the dialled connection is dropped */

/* Set-up and end of a program, and set-up of each test: both profiles trust both authorities. */
int start(void **state);
int stop(void **state);
int fresh(void **state);

#define SERVER "<tls name='server' certificate='{}/server.pem' "
#define CLIENT "<tls name='client' certificate='{}/use.pem' "
#define TRUSTS "ca='{}/both.pem'"
#define IDENTITIES "><identity certificate='{}/one.pem'/><identity certificate='{}/two.pem'/></tls>"

/* `{}` in `broker` stands for the folder. */
void configure(const char *broker);

/* What the module does when a stream opens; a test puts it back when it took another. */
int on_open(void *wself, struct xmb_conn *c, void **cs);
void note_peer(struct xmb_conn *c);

/* A client with `certificate` on the TLS port; what the module learned is in `seen` after it. */
void session(const char *certificate);
/* A client that has asked for TLS on the plain port; and the session after it. */
struct tls_end upgraded(const char *certificate);
void upgrade(const char *certificate);

/* The module dials its own TLS port for `name`, and drops the connection. */
void dial(const char *name, const struct xmb_tlsa *tlsa, uint32_t count);
/* A TLSA record of the certificate in `file`, by its digest. */
struct xmb_tlsa record(uint8_t usage, const char *file, uint8_t digest[32]);

#endif
