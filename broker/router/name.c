/* SPDX-License-Identifier: MIT */
/*
 * name.c - domain names in text form.
 *
 * Only what can be a name on the wire: ASCII, A-labels for the rest. An
 * underscore is let in because service names begin with one.
 */
#include "router/router_priv.h"

#define LABEL_MAX 63

static int lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 'a';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return -1;
}

static int is_label(const char *p, size_t n)
{
    return n >= 1 && n <= LABEL_MAX && p[0] != '-' && p[n - 1] != '-';
}

int name_read(struct xmb_str s, struct name *out)
{
    size_t begin = 0;
    size_t i;

    if (s.n == 0 || s.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    for (i = 0; i < s.n; i++) {
        int c = s.p[i] == '.' ? '.' : lower(s.p[i]);

        if (c < 0)
            return XMB_EINVAL;
        out->text[i] = (char)c;
        if (c != '.')
            continue;
        if (!is_label(out->text + begin, i - begin))
            return XMB_EINVAL;
        begin = i + 1;
    }
    if (!is_label(out->text + begin, s.n - begin))
        return XMB_EINVAL;
    out->text[s.n] = '\0';
    out->n = (uint16_t)s.n;
    return 0;
}

struct xmb_str name_parent(struct xmb_str s)
{
    const char *dot = s.n > 0 ? memchr(s.p, '.', s.n) : NULL;

    if (dot == NULL)
        return (struct xmb_str){NULL, 0};
    return xmb_sub(s, (size_t)(dot - s.p) + 1, s.n);
}

/* FNV-1a with a last mix; every table that uses it is bounded and counts what strangers ask for. */
uint32_t name_hash(struct xmb_str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}
