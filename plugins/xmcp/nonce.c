/* SPDX-License-Identifier: MIT */
/*
 * nonce.c - see nonce.h. Integrity is verified before a nonce is looked at, so that 438 tells
 * nothing to a stranger.
 */
#include "nonce.h"

#include "entropy.h"

static int alive(const struct session *s, const struct nonce *n)
{
    return n->issued_ms != 0 && xs_now(s->worker) - n->issued_ms < s->nonce_lifetime_ms;
}

static int half_used(const struct session *s, const struct nonce *n)
{
    return xs_now(s->worker) - n->issued_ms >= s->nonce_lifetime_ms / 2;
}

static void hex(const uint8_t octets[16], char text[XS_NONCE_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    int i;

    for (i = 0; i < 16; i++) {
        text[2 * i] = digits[octets[i] >> 4];
        text[2 * i + 1] = digits[octets[i] & 15];
    }
}

static int matches(const struct session *s, const struct nonce *n, struct xmcp_view v)
{
    char text[XS_NONCE_TEXT_BYTES];

    if (!alive(s, n) || v.bytes != sizeof(text))
        return 0;
    hex(n->octets, text);
    return memcmp(text, v.data, sizeof(text)) == 0;
}

/* The newest becomes the older one; when there is no entropy, nothing changes. */
static int renew(struct session *s)
{
    struct nonce fresh;
    int rc = xs_entropy(fresh.octets, sizeof(fresh.octets));

    if (rc < 0)
        return rc;
    fresh.issued_ms = xs_now(s->worker);
    s->nonces[0] = s->nonces[1];
    s->nonces[1] = fresh;
    s->nonce_taken = 0;
    return 0;
}

int xs_nonce_challenge(struct session *s)
{
    if (alive(s, &s->nonces[1]) && !half_used(s, &s->nonces[1]))
        return 0;
    return renew(s);
}

int xs_nonce_due(struct session *s)
{
    if (!s->nonce_used)
        return 0;
    if (s->nonce_taken && half_used(s, &s->nonces[1]))
        (void)renew(s); /* without entropy the old one serves on, and 438 follows */
    return !s->nonce_taken;
}

void xs_nonce_text(const struct session *s, char text[XS_NONCE_TEXT_BYTES])
{
    hex(s->nonces[1].octets, text);
}

static unsigned check_missing(struct session *s, const struct xmcp_msg *m)
{
    if (s->nonce_used || s->nonce_policy == XMB_NONCE_REQUIRED)
        return XMCP_CODE_NONCE_REQUIRED;
    if (m->method != XMCP_REGISTER || s->state == REGISTERED || s->nonce_offered)
        return 0;
    s->nonce_offered = 1;
    return XMCP_CODE_NONCE_REQUIRED;
}

unsigned xs_nonce_check(struct session *s, const struct xmcp_msg *m)
{
    if (s->anonymous || s->nonce_policy == XMB_NONCE_NONE)
        return 0;
    if (!(m->have & XMCP_HAVE_NONCE))
        return check_missing(s, m);
    if (matches(s, &s->nonces[1], m->nonce)) {
        s->nonce_taken = 1;
        s->nonce_used = 1;
        return 0;
    }
    if (!matches(s, &s->nonces[0], m->nonce))
        return XMCP_CODE_STALE_NONCE;
    s->nonce_used = 1;
    return 0;
}
