/* SPDX-License-Identifier: MIT */
/*
 * reread.c - a start tag by hand: the stanza's addresses again, from the octets that a queue kept.
 *
 * The octets have been through libxml2 once, and what is read here must be the same as then. It is
 * written to refuse, not to guess, when they are something else.
 */
#include "reader_priv.h"

#include <stdlib.h>

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static const char *skip_name(const char *p, const char *end)
{
    while (p < end && !is_space(*p) && strchr("=/>?<'\"", *p) == NULL)
        p++;
    return p;
}

int s2_tag_next(struct s2_tag_walk *w)
{
    const char *p = skip_space(w->p, w->end);
    const char *quote;

    if (p == w->end)
        return XMB_EINVAL;
    if (*p == '>' || *p == '/' || *p == '?')
        return 0;
    if (p == w->p)
        return XMB_EINVAL; /* attributes stand apart */
    w->from = w->p;
    w->name.p = p;
    p = skip_name(p, w->end);
    w->name.n = (size_t)(p - w->name.p);
    p = skip_space(p, w->end);
    if (w->name.n == 0 || p == w->end || *p != '=')
        return XMB_EINVAL;
    p = skip_space(p + 1, w->end);
    if (p == w->end || (*p != '\'' && *p != '"'))
        return XMB_EINVAL;
    quote = memchr(p + 1, *p, (size_t)(w->end - p) - 1);
    if (quote == NULL)
        return XMB_EINVAL;
    w->value = xmb_str_n(p + 1, (size_t)(quote - p) - 1);
    w->p = quote + 1;
    return 1;
}

/* --- decoding -------------------------------------------------------------------------------- */

/* Writes a code point as UTF-8; returns octets, 0: it is none that XML allows. */
static size_t put_character(unsigned long c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return c == 0 ? 0 : 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    if (c > 0x10ffff)
        return 0;
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* A reference without '&' and ';'. Returns octets written, at most 4; 0: unknown. */
static size_t put_reference(struct xmb_str ref, char *to)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"apos", '\''}, {"quot", '"'}};
    unsigned long c = 0;
    size_t i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (xmb_str_eq(ref, xmb_str(known[i].name))) {
            *to = known[i].c;
            return 1;
        }
    if (ref.n < 2 || ref.p[0] != '#')
        return 0;
    for (i = ref.p[1] == 'x' ? 2 : 1; i < ref.n && c <= 0x10ffff; i++) {
        char d = ref.p[i];
        int hex = ref.p[1] == 'x';

        if (d >= '0' && d <= '9')
            c = c * (hex ? 16 : 10) + (unsigned long)(d - '0');
        else if (hex && ((d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F')))
            c = c * 16 + (unsigned long)((d | 0x20) - 'a' + 10);
        else
            return 0;
    }
    return put_character(c, to);
}

/*
 * One step of decoding: how many octets of `p` it read, 0: broken; those written are in
 * `*wrote`.
 */
static size_t decode_one(const char *p, const char *end, char *to, size_t *wrote)
{
    const char *semicolon;

    *wrote = 1;
    if (*p == '&') {
        semicolon = memchr(p, ';', (size_t)(end - p));
        if (semicolon == NULL)
            return 0;
        *wrote = put_reference(xmb_str_n(p + 1, (size_t)(semicolon - p) - 1), to);
        return *wrote > 0 ? (size_t)(semicolon - p) + 1 : 0;
    }
    *to = is_space(*p) ? ' ' : *p;
    return *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1; /* one line end */
}

struct scratch {
    char *p;
    size_t n;
};

/* The value as it is meant: where it lies, or decoded into scratch. */
static int decode(struct xmb_str raw, struct scratch *s, struct xmb_str *out)
{
    const char *p = raw.p;
    const char *end = raw.p + raw.n;
    char *to = s->p;
    size_t i;

    for (i = 0; i < raw.n; i++)
        if (raw.p[i] == '&' || (is_space(raw.p[i]) && raw.p[i] != ' '))
            break;
    if (i == raw.n) {
        *out = raw;
        return 0;
    }
    while (p < end) {
        char buffer[4];
        size_t wrote;
        size_t read = decode_one(p, end, buffer, &wrote);

        if (read == 0 || wrote > s->n)
            return XMB_EINVAL;
        memcpy(s->p, buffer, wrote);
        s->p += wrote;
        s->n -= wrote;
        p += read;
    }
    *out = xmb_str_n(to, (size_t)(s->p - to));
    return 0;
}

/* --- stanzas --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t n;
    uint8_t type;
} types[] = {
    {"error", 5, S2_TYPE_ERROR},
    {"result", 6, S2_TYPE_RESULT},
    {"get", 3, S2_TYPE_GET},
    {"set", 3, S2_TYPE_SET},
    {"subscribe", 9, S2_TYPE_SUBSCRIBE},
    {"subscribed", 10, S2_TYPE_SUBSCRIBE},
    {"unsubscribe", 11, S2_TYPE_SUBSCRIBE},
    {"unsubscribed", 12, S2_TYPE_SUBSCRIBE},
    {"probe", 5, S2_TYPE_PROBE},
    {"unavailable", 11, S2_TYPE_UNAVAILABLE},
};

enum s2_stanza_type s2_stanza_type_of(const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (n == types[i].n && memcmp(p, types[i].name, n) == 0)
            return (enum s2_stanza_type)types[i].type;
    return S2_TYPE_OTHER;
}

uint32_t s2_stanza_kind_of(const char *p, size_t n)
{
    if (n == 7 && memcmp(p, "message", 7) == 0)
        return S2_MESSAGE;
    if (n == 8 && memcmp(p, "presence", 8) == 0)
        return S2_PRESENCE;
    return n == 2 && memcmp(p, "iq", 2) == 0 ? S2_IQ : 0;
}

static int reread_attribute(const struct s2_tag_walk *w, struct scratch *scratch,
                            struct s2_stanza *s)
{
    struct xmb_str type;
    int rc;

    if (xmb_str_eq(w->name, XMB_STR("from")))
        return decode(w->value, scratch, &s->from);
    if (xmb_str_eq(w->name, XMB_STR("to")))
        return decode(w->value, scratch, &s->to);
    if (xmb_str_eq(w->name, XMB_STR("id")))
        return decode(w->value, scratch, &s->id);
    if (!xmb_str_eq(w->name, XMB_STR("type")))
        return 0;
    rc = decode(w->value, scratch, &type);
    if (rc == 0)
        s->type = s2_stanza_type_of(type.p, type.n);
    return rc;
}

int s2_stanza_reread(struct xmb_str raw, char *scratch, struct s2_stanza *s)
{
    struct s2_stanza found = {0};
    struct scratch room = {scratch, S2_SCRATCH};
    struct s2_tag_walk w = {raw.p, raw.p + raw.n, {NULL, 0}, {NULL, 0}, NULL};
    size_t name_n;
    int more;

    if (raw.n < 4 || raw.p[0] != '<' || raw.p[raw.n - 1] != '>')
        return XMB_EINVAL;
    w.p = skip_name(raw.p + 1, w.end);
    name_n = (size_t)(w.p - raw.p) - 1;
    found.kind = s2_stanza_kind_of(raw.p + 1, name_n);
    if (found.kind == 0)
        return XMB_EINVAL;
    found.raw = raw;
    found.insert_at = (uint32_t)(1 + name_n);
    while ((more = s2_tag_next(&w)) > 0)
        if (reread_attribute(&w, &room, &found) != 0)
            return XMB_EINVAL;
    if (more < 0)
        return XMB_EINVAL;
    *s = found;
    return 0;
}
