/* SPDX-License-Identifier: MIT */
/*
 * nonce.h - nonces: handed out, checked, renewed.
 *
 * A nonce is bound to the connection that it was handed out on. A session knows two: the newest
 * and the one before; each is good for the lifetime of the user's settings. Once the client has
 * used one, every request needs one.
 */
#ifndef XS_NONCE_H
#define XS_NONCE_H

#include "session.h"

#define XS_NONCE_TEXT_BYTES 32
#define XS_NONCE_LIFETIME_MS 800000 /* unless the user's settings say other */

/*
 * Judges the nonce of a request whose integrity is good. Returns 0, 435 or 438. In a Register of
 * policy auto a missing nonce is asked for once, then the client is taken for one that knows none.
 */
unsigned xs_nonce_check(struct session *s, const struct xmcp_msg *m);
/* Makes sure that the newest nonce is worth handing out. XMB_EIO: there is none. */
int xs_nonce_challenge(struct session *s);
/* 1 when a success has to carry the newest nonce: the client's own is half used up. */
int xs_nonce_due(struct session *s);
/* Text of the newest. */
void xs_nonce_text(const struct session *s, char text[XS_NONCE_TEXT_BYTES]);

#endif
