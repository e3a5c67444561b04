/* SPDX-License-Identifier: MIT */
/*
 * reader_header.c - the XML declaration and the stream's header (RFC 6120, 4.7, 4.8 and 11).
 *
 * What the header declares holds for all stanzas, and does not travel with them. So prefixes that
 * our own headers do not declare, and xml:lang, become text to be put into each stanza that does
 * not have them itself (xmpp-s2s.md, G13).
 */
#include "reader_priv.h"

#include <strings.h>

/* --- the declaration ------------------------------------------------------------------------- */

static int declaration_attribute(struct s2_reader *r, const struct s2_tag_walk *w, int place)
{
    if (place == 0 && xmb_str_eq(w->name, XMB_STR("version")) &&
        xmb_str_eq(w->value, XMB_STR("1.0")))
        return 0;
    if (place == 1 && xmb_str_eq(w->name, XMB_STR("encoding"))) {
        if (w->value.n == 5 && strncasecmp(w->value.p, "utf-8", 5) == 0)
            return 0;
        r->why = "an encoding that is not UTF-8";
        return r->fault = S2_READ_BAD_ENCODING;
    }
    r->why = "an XML declaration that is not <?xml version='1.0'?>";
    return r->fault = S2_READ_NOT_WELL_FORMED;
}

int s2_header_declaration(struct s2_reader *r, struct xmb_str raw)
{
    struct s2_tag_walk w = {raw.p + 5, raw.p + raw.n, {NULL, 0}, {NULL, 0}, NULL};
    int place = 0;
    int more;

    if (raw.n < 6 || memcmp(raw.p, "<?xml", 5) != 0 || strchr(" \t\r\n", raw.p[5]) == NULL)
        return S2_READ_RESTRICTED;
    while ((more = s2_tag_next(&w)) > 0)
        if (declaration_attribute(r, &w, place++) != 0)
            return r->fault;
    while (w.p < w.end && strchr(" \t\r\n", *w.p) != NULL && *w.p != '\0')
        w.p++;
    return more < 0 || place == 0 || w.end - w.p != 2 ? S2_READ_NOT_WELL_FORMED : 0;
}

/* --- what travels with stanzas --------------------------------------------------------------- */

static int add_escaped(struct s2_room *m, const char *p, size_t n)
{
    int rc = 0;
    size_t i;

    for (i = 0; i < n && rc == 0; i++) {
        if (p[i] == '&')
            rc = s2_room_add(m, "&amp;", 5);
        else if (p[i] == '<')
            rc = s2_room_add(m, "&lt;", 4);
        else if (p[i] == '\'')
            rc = s2_room_add(m, "&apos;", 6);
        else if (p[i] == '\t' || p[i] == '\n' || p[i] == '\r')
            rc = s2_room_add(m, p[i] == '\t' ? "&#9;" : p[i] == '\n' ? "&#10;" : "&#13;",
                             p[i] == '\t' ? 4 : 5);
        else
            rc = s2_room_add(m, p + i, 1);
    }
    return rc;
}

/* " name='value'"; the name is "xmlns:" and a prefix, or whole. */
static int add_piece(struct s2_room *m, const char *first, const char *rest, const char *value,
                     size_t value_n)
{
    if (s2_room_add(m, " ", 1) != 0 || s2_room_add(m, first, strlen(first)) != 0 ||
        s2_room_add(m, rest, strlen(rest)) != 0 || s2_room_add(m, "='", 2) != 0 ||
        add_escaped(m, value, value_n) != 0)
        return XMB_ENOMEM;
    return s2_room_add(m, "'", 1);
}

/* Our own headers say this too (writer.c). */
static int is_ours(const xmlChar *prefix, const xmlChar *uri)
{
    return (s2_is(prefix, "stream") && s2_is(uri, NS_STREAM)) ||
           (s2_is(prefix, "db") && s2_is(uri, NS_DIALBACK));
}

static void add_extra(struct s2_reader *r, const xmlChar *prefix, const xmlChar *uri)
{
    struct s2_extra *e = &r->extra[r->extra_count];
    uint32_t at = r->insert.n;

    if (r->extra_count == S2_EXTRA_MAX) {
        s2_reader_fault(r, S2_READ_TOO_BIG, "the header declares too many prefixes");
        return;
    }
    if (add_piece(&r->insert, "xmlns:", (const char *)prefix, (const char *)uri,
                  strlen((const char *)uri)) != 0) {
        s2_reader_fault(r, XMB_ENOMEM, "out of memory");
        return;
    }
    if (r->insert.n > S2_INSERT_MAX) {
        s2_reader_fault(r, S2_READ_TOO_BIG, "the header declares prefixes of too many octets");
        return;
    }
    e->piece_at = (uint16_t)at;
    e->piece_n = (uint16_t)(r->insert.n - at);
    e->prefix_at = (uint16_t)(at + strlen(" xmlns:"));
    e->prefix_n = (uint16_t)strlen((const char *)prefix);
    r->extra_count++;
}

static void add_lang(struct s2_reader *r, const struct s2_attribute *a)
{
    size_t n = (size_t)(a->end - a->value);

    if (n == 0)
        return;
    if (add_piece(&r->insert, "xml:", "lang", (const char *)a->value, n) != 0)
        s2_reader_fault(r, XMB_ENOMEM, "out of memory");
    else if (r->insert.n > S2_INSERT_MAX)
        s2_reader_fault(r, S2_READ_TOO_BIG, "xml:lang of too many octets");
}

uint32_t s2_header_replaced(const struct s2_reader *r, const xmlChar **namespaces, int count)
{
    uint32_t bits = 0;
    uint32_t k;
    int i;

    for (i = 0; i < count; i++) {
        struct xmb_str prefix = xmb_str((const char *)namespaces[2 * i]);

        for (k = 0; k < r->extra_count && prefix.n > 0; k++)
            if (xmb_str_eq(prefix, xmb_str_n(r->insert.p + r->extra[k].prefix_at,
                                             r->extra[k].prefix_n)))
                bits |= UINT32_C(1) << k;
    }
    return bits;
}

int s2_header_insert(struct s2_reader *r, struct xmb_str *out)
{
    uint32_t end = r->own_lang ? r->lang_at : r->insert.n;
    uint32_t k;

    *out = xmb_str_n(NULL, 0);
    if (end == 0)
        return 0;
    if (r->own_prefixes == 0) {
        *out = xmb_str_n(r->insert.p, end);
        return 0;
    }
    r->mixed.n = 0;
    for (k = 0; k < r->extra_count; k++)
        if (!(r->own_prefixes & UINT32_C(1) << k) &&
            s2_room_add(&r->mixed, r->insert.p + r->extra[k].piece_at, r->extra[k].piece_n) != 0)
            return XMB_ENOMEM;
    if (s2_room_add(&r->mixed, r->insert.p + r->lang_at, end - r->lang_at) != 0)
        return XMB_ENOMEM;
    if (r->mixed.n > 0)
        *out = xmb_str_n(r->mixed.p, r->mixed.n);
    return 0;
}

/* --- the header ------------------------------------------------------------------------------ */

/*
 * The content namespace is the default one; a header without (RFC 6120, 4.8.3) is for stanzas
 * that name it.
 */
static void default_namespace(struct s2_reader *r, const xmlChar *uri)
{
    if (s2_is(uri, NS_COMPONENT))
        r->is_component = 1;
    else if (!s2_is(uri, NS_SERVER) && !s2_is(uri, NS_STREAM))
        s2_reader_fault(r, S2_READ_BAD_NAMESPACE, "a content namespace that is not jabber:server");
}

static void declared(struct s2_reader *r, const xmlChar *prefix, const xmlChar *uri)
{
    if (s2_is(uri, NS_DIALBACK))
        r->has_dialback = 1;
    if (prefix == NULL)
        default_namespace(r, uri);
    else if (!is_ours(prefix, uri))
        add_extra(r, prefix, uri);
}

void s2_header_start(struct s2_reader *r, const xmlChar *local, const xmlChar *uri,
                     const xmlChar **namespaces, int namespace_count,
                     const struct s2_attribute *attributes, int attribute_count)
{
    int i;

    if (!s2_is(uri, NS_STREAM)) {
        s2_reader_fault(r, S2_READ_BAD_NAMESPACE, "a root that is not of the stream namespace");
        return;
    }
    if (!s2_is(local, "stream")) {
        s2_reader_fault(r, S2_READ_BAD_FORMAT, "a root that is not <stream/>");
        return;
    }
    for (i = 0; i < namespace_count && r->fault == 0; i++)
        declared(r, namespaces[2 * i], namespaces[2 * i + 1]);
    r->lang_at = r->insert.n;
    for (i = 0; i < attribute_count && r->fault == 0; i++)
        if (s2_is(attributes[i].prefix, "xml") && s2_is(attributes[i].local, "lang"))
            add_lang(r, &attributes[i]);
    s2_element_attributes(r, attributes, attribute_count);
}

/* "1.0": digits, a dot, digits; else 0.0. */
static void read_version(struct xmb_str s, struct s2_header *h)
{
    uint32_t part[2] = {0, 0};
    int dots = 0;
    size_t i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && dots == 0 && i > 0 && i + 1 < s.n)
            dots = 1;
        else if (s.p[i] >= '0' && s.p[i] <= '9' && part[dots] < 10000)
            part[dots] = part[dots] * 10 + (uint32_t)(s.p[i] - '0');
        else
            return;
    }
    if (dots == 0)
        return;
    h->major = part[0];
    h->minor = part[1];
}

int s2_header_deliver(struct s2_reader *r, struct xmb_str raw)
{
    struct s2_header h = {0};

    if (s2_room_add(&r->header, raw.p, raw.n) != 0) {
        s2_reader_fault(r, XMB_ENOMEM, "out of memory");
        return r->failed = r->fault;
    }
    s2_element_header(r, &h);
    read_version(h.version, &h);
    h.has_dialback = r->has_dialback;
    h.component = r->is_component;
    return r->events->header(r->arg, &h);
}
