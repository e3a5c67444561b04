/* SPDX-License-Identifier: MIT */
/*
 * jid.c - the parts of an address (RFC 7622, 3.1): the resource begins after the first '/', the
 * localpart ends at the first '@' before it.
 *
 * A gateway does not prepare local and resource parts: that is done by the server that owns
 * them. It refuses what no server can own.
 */
#include "domain.h"

#define PART_MAX 1023

struct xmb_str s2_jid_domain(struct xmb_str jid)
{
    const char *slash = jid.n > 0 ? memchr(jid.p, '/', jid.n) : NULL;
    size_t n = slash != NULL ? (size_t)(slash - jid.p) : jid.n;
    const char *at = n > 0 ? memchr(jid.p, '@', n) : NULL;
    size_t from = at != NULL ? (size_t)(at - jid.p) + 1 : 0;

    return xmb_sub(jid, from, n - from);
}

/* Octets of the UTF-8 character at `p`, of `n` octets; 0: not one (RFC 3629). */
static size_t utf8_octets(const unsigned char *p, size_t n)
{
    static const unsigned char least[5] = {0, 0, 0xc2, 0xe0, 0xf0};
    size_t need = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    size_t i;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < least[need] || p[0] > 0xf4 || need > n)
        return 0;
    for (i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return need;
}

int s2_is_utf8(struct xmb_str s)
{
    size_t i = 0;
    size_t step = 1;

    while (i < s.n && step > 0) {
        step = utf8_octets((const unsigned char *)s.p + i, s.n - i);
        i += step;
    }
    return step > 0;
}

/* 1 to 1023 octets of UTF-8 without control characters and those of `forbidden`. */
static int is_part(struct xmb_str s, const char *forbidden)
{
    size_t i = 0;

    if (s.n == 0 || s.n > PART_MAX)
        return 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        size_t step = utf8_octets((const unsigned char *)s.p + i, s.n - i);

        if (step == 0 || c < 0x20 || c == 0x7f || strchr(forbidden, (char)c) != NULL)
            return 0;
        i += step;
    }
    return 1;
}

int s2_jid_split(struct xmb_str jid, struct s2_jid *out)
{
    struct s2_jid j = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    const char *end = jid.p + jid.n;

    if (jid.n == 0 || jid.n > S2_JID_MAX + 2)
        return XMB_EINVAL;
    j.domain = s2_jid_domain(jid);
    if (j.domain.p > jid.p)
        j.local = xmb_str_n(jid.p, (size_t)(j.domain.p - jid.p) - 1);
    if (j.domain.p + j.domain.n < end)
        j.resource = xmb_str_n(j.domain.p + j.domain.n + 1,
                               (size_t)(end - j.domain.p) - j.domain.n - 1);
    if (!is_part(j.domain, " \"&'<>@/") ||
        (j.local.p != NULL && !is_part(j.local, " \"&'/:<>@")) ||
        (j.resource.p != NULL && !is_part(j.resource, "")))
        return XMB_EINVAL;
    *out = j;
    return 0;
}
