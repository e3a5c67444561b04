/* SPDX-License-Identifier: MIT */
/*
 * reader.c - the reader's life, and the account of octets.
 *
 * An item that lies in one chunk is handed on where it lies. One that does not is gathered in
 * `part`, which the limits bound and which doubles, so that its cost is linear however the input
 * is cut. libxml2 gets the whole tags of it as they come: a fault is found before the item is
 * complete.
 */
#include "reader_priv.h"

#include <stdlib.h>

#define ROOM_FIRST 256u
#define ROOM_KEEP 65536u    /* larger buffers are given back after use */
#define NAMES_MAX 262144u   /* octets of names that a parser may have learnt */
#define PARSER_BYTES 9216u  /* what libxml2 takes for one, measured; learnt names come on top */

/* --- rooms ----------------------------------------------------------------------------------- */

int s2_room_add(struct s2_room *m, const char *p, size_t n)
{
    size_t need = (size_t)m->n + n;
    size_t size = m->size > 0 ? m->size : ROOM_FIRST;
    char *grown;

    if (need > UINT32_MAX / 2)
        return XMB_ENOMEM;
    if (need > m->size) {
        while (size < need)
            size *= 2;
        grown = realloc(m->p, size);
        if (grown == NULL)
            return XMB_ENOMEM;
        m->p = grown;
        m->size = (uint32_t)size;
    }
    if (n > 0)
        memcpy(m->p + m->n, p, n);
    m->n = (uint32_t)need;
    return 0;
}

void s2_room_free(struct s2_room *m)
{
    free(m->p);
    memset(m, 0, sizeof(*m));
}

static void room_empty(struct s2_room *m)
{
    m->n = 0;
    if (m->size > ROOM_KEEP)
        s2_room_free(m);
}

/* --- life ------------------------------------------------------------------------------------ */

struct s2_reader *s2_reader_new(const struct s2_reader_events *events, void *arg,
                                const struct s2_read_limits *limits)
{
    struct s2_reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->events = events;
    r->arg = arg;
    r->limits = limits;
    r->why = "nothing is wrong";
    s2_scan_begin(&r->scan);
    return r;
}

void s2_reader_limits(struct s2_reader *r, const struct s2_read_limits *limits)
{
    r->limits = limits;
}

int s2_reader_at_rest(const struct s2_reader *r)
{
    return !r->scan.open && r->failed == 0;
}

static void drop_parser(struct s2_reader *r)
{
    xmlFreeParserCtxt(r->xml);
    r->xml = NULL;
    r->depth = 0;
    free(r->collect);
    r->collect = NULL;
    s2_room_free(&r->part);
    s2_room_free(&r->kept);
    s2_room_free(&r->mixed);
}

void s2_reader_rest(struct s2_reader *r)
{
    if (s2_reader_at_rest(r) && !r->feeding)
        drop_parser(r);
}

void s2_reader_free(struct s2_reader *r)
{
    if (r == NULL)
        return;
    drop_parser(r);
    s2_room_free(&r->header);
    s2_room_free(&r->insert);
    free(r);
}

size_t s2_reader_bytes(const struct s2_reader *r)
{
    size_t n = sizeof(*r) + r->part.size + r->kept.size + r->mixed.size + r->header.size +
               r->insert.size;

    if (r->xml != NULL)
        n += PARSER_BYTES + xmlDictGetUsage(r->xml->dict);
    if (r->collect != NULL)
        n += s2_collect_bytes();
    return n;
}

const char *s2_reader_why(const struct s2_reader *r)
{
    return r->why;
}

/* --- items ----------------------------------------------------------------------------------- */

static const char *why_of_scan(int fault)
{
    switch (fault) {
    case S2_READ_RESTRICTED:
        return "a comment, a processing instruction or a document type declaration";
    case S2_READ_TOO_BIG:
        return "an element is over a limit (octets, depth, elements, attributes, name or value)";
    case S2_READ_BAD_FORMAT:
        return "text between first-level elements";
    case S2_READ_BAD_ENCODING:
        return "a byte order mark, or an encoding that is not UTF-8";
    default:
        return "it is not well-formed";
    }
}

static int fail(struct s2_reader *r, int fault)
{
    if (r->fault == 0) {
        r->fault = fault;
        r->why = why_of_scan(fault);
    }
    r->failed = r->fault;
    return r->failed;
}

/* Octets of the item up to `whole` to libxml2; the two machines must agree afterwards. */
static int push(struct s2_reader *r, struct xmb_str raw, uint32_t whole)
{
    int rc;

    if (whole <= r->pushed)
        return 0;
    if (r->pushed == 0)
        s2_sax_item(r);
    rc = s2_sax_push(r, raw.p + r->pushed, whole - r->pushed);
    r->pushed = whole;
    if (rc == 0 && (r->starts != r->scan.starts || r->depth != r->scan.depth))
        rc = S2_READ_NOT_WELL_FORMED;
    return rc != 0 ? fail(r, rc) : 0;
}

/*
 * A stanza may declare the content namespace again. It goes: the stream it is passed on to has
 * another one, perhaps (jabber:server, jabber:component:accept), and there as here it is the
 * default.
 */
static int cut_default(struct s2_reader *r, struct xmb_str *raw)
{
    struct s2_tag_walk w = {raw->p + 1 + r->name_n, raw->p + raw->n, {NULL, 0}, {NULL, 0}, NULL};
    size_t from;
    size_t to;

    do {
        if (s2_tag_next(&w) <= 0)
            return 0;
    } while (!xmb_str_eq(w.name, XMB_STR("xmlns")));
    from = (size_t)(w.from - raw->p);
    to = (size_t)(w.p - raw->p);
    if (raw->p != r->part.p && s2_room_add(&r->part, raw->p, raw->n) != 0)
        return fail(r, XMB_ENOMEM);
    memmove(r->part.p + from, r->part.p + to, r->part.n - to);
    r->part.n -= (uint32_t)(to - from);
    *raw = xmb_str_n(r->part.p, r->part.n);
    return 0;
}

static int deliver_stanza(struct s2_reader *r, struct xmb_str raw)
{
    struct s2_stanza s = {0};

    if (r->own_default && cut_default(r, &raw) != 0)
        return r->failed;
    if (s2_header_insert(r, &s.insert) != 0)
        return fail(r, XMB_ENOMEM);
    s.raw = raw;
    s.insert_at = 1 + r->name_n;
    s.kind = r->kind;
    s.type = r->type;
    s.from = s2_kept(r, &r->from);
    s.to = s2_kept(r, &r->to);
    s.id = s2_kept(r, &r->id);
    return r->events->stanza(r->arg, &s);
}

static int deliver_header(struct s2_reader *r, struct xmb_str raw)
{
    int rc = s2_header_deliver(r, raw);

    if (rc == 0 && r->scan.depth == 0)
        rc = r->events->end(r->arg);
    return rc;
}

static int deliver(struct s2_reader *r, int item, struct xmb_str raw)
{
    if (item == S2_ITEM_DECL) {
        int rc = s2_header_declaration(r, raw);

        return rc != 0 ? fail(r, rc) : 0;
    }
    if (push(r, raw, (uint32_t)raw.n) != 0)
        return r->failed;
    if (item == S2_ITEM_HEADER)
        return deliver_header(r, raw);
    if (item == S2_ITEM_END)
        return r->events->end(r->arg);
    return r->kind != 0 ? deliver_stanza(r, raw) : s2_element_deliver(r);
}

/* What has grown goes: endless new names, and the buffers of a large item. */
static void shrink(struct s2_reader *r, size_t item_bytes)
{
    room_empty(&r->part);
    room_empty(&r->kept);
    r->pushed = 0;
    if (r->xml != NULL && r->failed == 0 &&
        (item_bytes > ROOM_KEEP || xmlDictGetUsage(r->xml->dict) > NAMES_MAX))
        drop_parser(r);
}

/* --- feed ------------------------------------------------------------------------------------ */

/* The item is not whole: what there is of it is kept, and whole tags go to libxml2. */
static int keep_part(struct s2_reader *r, const char *p, size_t n)
{
    if (s2_room_add(&r->part, p, n) != 0)
        return fail(r, XMB_ENOMEM);
    return push(r, xmb_str_n(r->part.p, r->part.n), r->scan.safe);
}

/* One item, or what there is of one. */
static int feed_item(struct s2_reader *r, const char *p, size_t n, size_t *took)
{
    struct xmb_str raw;
    int rc;

    *took = s2_scan_item(&r->scan, r->limits, p, n);
    if (r->scan.outcome < 0)
        return fail(r, r->scan.outcome);
    if (r->scan.outcome == 0)
        return keep_part(r, p, n);
    if (r->part.n > 0 && s2_room_add(&r->part, p, *took) != 0)
        return fail(r, XMB_ENOMEM);
    raw = r->part.n > 0 ? xmb_str_n(r->part.p, r->part.n) : xmb_str_n(p, *took);
    rc = deliver(r, r->scan.outcome, raw);
    shrink(r, raw.n);
    return rc;
}

int s2_reader_feed(struct s2_reader *r, struct xmb_str octets, size_t *used)
{
    size_t at = 0;
    size_t took = 0;
    int rc = r->failed;

    r->feeding = 1;
    while (rc == 0 && at < octets.n) {
        if (!r->scan.open) {
            at += s2_scan_gap(&r->scan, octets.p + at, octets.n - at);
            if (r->scan.outcome != 0)
                rc = fail(r, r->scan.outcome);
        } else {
            rc = feed_item(r, octets.p + at, octets.n - at, &took);
            at += took;
        }
    }
    r->feeding = 0;
    *used = at;
    return rc;
}
