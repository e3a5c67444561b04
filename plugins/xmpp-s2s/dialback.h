/* SPDX-License-Identifier: MIT */
/*
 * dialback.h - dialback keys (XEP-0185): recomputed, never stored, so that any node of a site that
 * has the secret can answer for any other.
 */
#ifndef S2_DIALBACK_H
#define S2_DIALBACK_H

#include "domain.h"

#define S2_KEY_HEX 64 /* octets of a key in text form */

/* The secret as the HMAC wants it: lower-case hex of its SHA-256. */
struct s2_secret {
    char hex[S2_KEY_HEX];
};

/* Prepares `secret` (1 to 4096 octets). XMB_EINVAL, XMB_EIO. Thread: any, as for all here. */
int s2_secret_set(struct xmb_str secret, struct s2_secret *out);
/* One made of 32 random octets. XMB_EIO. */
int s2_secret_random(struct s2_secret *out);
/*
 * KEY = HMAC-SHA256(hex of SHA256(secret), target SP sender SP stream-id), as S2_KEY_HEX octets of
 * lower-case hex into `key`, without NUL. Domains are canonical. XMB_EINVAL: an id that is empty or
 * has a space. XMB_EIO.
 */
int s2_dialback_key(const struct s2_secret *secret, const struct s2_domain *target,
                    const struct s2_domain *sender, struct xmb_str id, char key[S2_KEY_HEX]);
/* 1 when `key` (surrounding white space ignored) is right; compares in constant time. */
int s2_dialback_check(const struct s2_secret *secret, const struct s2_domain *target,
                      const struct s2_domain *sender, struct xmb_str id, struct xmb_str key);
/*
 * A fresh stream id: S2_ID octets of lower-case hex from the system's random source (RFC 6120,
 * 4.7.3). XMB_EIO.
 */
#define S2_ID 32
int s2_stream_id(char id[S2_ID + 1]);

#endif
