/* SPDX-License-Identifier: MIT */
/*
 * reader_priv.h - what the files of the reader share.
 *
 * An *item* is what the stream is made of: the XML declaration, the header's start tag, a
 * first-level element, the stream's end tag. Two machines look at the same octets:
 *
 *   reader_scan.c  finds where tags and items end, and holds octets to the limits before anything
 *                  else sees them. It knows quotes, CDATA sections and nesting, not whether names
 *                  match.
 *   libxml2        (reader_sax.c) gets whole tags only, says whether it is XML with good
 *                  namespaces, and gives names and attributes.
 *
 * After each piece both must agree how many start tags there were and how many elements are open;
 * else the input is not well-formed. (libxml2 may also have seen less, and wait: it looks for the
 * end of a tag in its own way.) So an item's octets are exact without asking libxml2 for
 * positions, good input never makes it wait in the middle of a tag, where it would look at the
 * same octets again with each piece that comes, and what XMPP forbids (DTD, comments, PIs) never
 * reaches it.
 *
 * Files: reader.c (life, feed, octets), reader_scan.c, reader_sax.c (parser and callbacks),
 * reader_header.c (declaration, header, what it declares), reader_elements.c (first-level elements
 * that are no stanzas), reread.c (a start tag by hand).
 */
#ifndef S2_READER_PRIV_H
#define S2_READER_PRIV_H

#include <libxml/parser.h>

#include "reader.h"

#define NS_STREAM "http://etherx.jabber.org/streams"
#define NS_SERVER "jabber:server"
#define NS_COMPONENT "jabber:component:accept"
#define NS_DIALBACK "jabber:server:dialback"

/* --- reader_scan.c --------------------------------------------------------------------------- */

enum s2_item { S2_ITEM_DECL = 1, S2_ITEM_HEADER, S2_ITEM_ELEMENT, S2_ITEM_END };

struct s2_scan {
    uint8_t place;    /* between items: enum of reader_scan.c */
    uint8_t state;    /* inside an item */
    uint8_t open;     /* 1: inside an item */
    uint8_t quote;    /* the quote that ends the attribute's value */
    uint8_t slash;    /* the last octet of the tag was '/' */
    uint8_t matched;  /* octets of "[CDATA[", "]]" or "?" */
    uint8_t tag_ended;
    uint32_t depth;   /* open elements, the stream's root included */
    uint32_t starts;  /* start tags of this item */
    uint32_t elements;
    uint32_t attributes;
    uint32_t name_bytes;
    uint32_t value_bytes;
    uint32_t bytes;   /* of this item so far */
    uint32_t safe;    /* of these: up to the end of the last whole tag */
    int outcome;
};

void s2_scan_begin(struct s2_scan *s);
/*
 * Between items: skips white space. Returns octets skipped; then, when there is one more octet, an
 * item begins there (s->open), or s->outcome is an enum s2_read_error.
 */
size_t s2_scan_gap(struct s2_scan *s, const char *p, size_t n);
/*
 * Inside an item: looks at octets until it is whole. Returns how many it took; s->outcome is an
 * enum s2_item when the item is whole (s->open is 0 then), an enum s2_read_error, or 0: more is
 * needed.
 */
size_t s2_scan_item(struct s2_scan *s, const struct s2_read_limits *limits, const char *p,
                    size_t n);

/* --- reader.c -------------------------------------------------------------------------------- */

/* Octets that are kept. Offsets stay good when it grows. */
struct s2_room {
    char *p;
    uint32_t n, size;
};
/* Appends. XMB_ENOMEM. */
int s2_room_add(struct s2_room *m, const char *p, size_t n);
void s2_room_free(struct s2_room *m);

/* A text in r->kept. `there` 0: no such attribute. */
struct s2_slice {
    uint32_t at, n;
    uint32_t there;
};

/* What the header declares besides the well-known. */
#define S2_INSERT_MAX 1024
#define S2_EXTRA_MAX 32
struct s2_extra {
    uint16_t prefix_at, prefix_n; /* in insert */
    uint16_t piece_at, piece_n;   /* " xmlns:p='uri'" */
};

struct s2_collect; /* reader_elements.c */

struct s2_reader {
    const struct s2_reader_events *events;
    const struct s2_read_limits *limits;
    void *arg;
    const char *why;
    int failed; /* what feed answers from now on */
    struct s2_scan scan;

    /* The item under way. */
    struct s2_room part;  /* its octets, when it does not lie in one chunk */
    uint32_t pushed;      /* of these libxml2 has */

    /* The parser; all of this goes when it rests. */
    xmlParserCtxtPtr xml;
    struct s2_room kept;  /* decoded attributes of the item */
    struct s2_collect *collect;

    /* What callbacks found. */
    uint32_t depth;       /* open elements, as libxml2 sees them */
    uint32_t starts;      /* start tags of this item, the same way */
    int fault;            /* enum s2_read_error or XMB_ENOMEM */
    int xml_error;        /* first xmlParserErrors */
    uint8_t feeding;      /* inside feed: no rest now */
    uint8_t replaying;
    uint8_t is_component;
    uint8_t has_dialback;
    uint8_t own_default;  /* the stanza declares the default namespace itself */
    uint8_t own_lang;     /* ... and has xml:lang */
    uint32_t own_prefixes; /* bits of extras that it declares itself */
    uint32_t kind;        /* stanza, or 0 */
    uint32_t type;
    uint32_t name_n;
    struct s2_slice from, to, id;

    /* The header, kept for the next parser. */
    struct s2_room header;
    struct s2_room insert; /* pieces of extras, then " xml:lang='..'" */
    struct s2_room mixed;  /* the same for a stanza that declares some itself */
    struct s2_extra extra[S2_EXTRA_MAX];
    uint32_t extra_count;
    uint32_t lang_at;      /* in insert */
};

/* Remembers the first fault, with words for the log, and stops libxml2. */
void s2_reader_fault(struct s2_reader *r, int fault, const char *why);

/* --- reader_sax.c ---------------------------------------------------------------------------- */

/* SAX2's attributes come as five pointers each. */
struct s2_attribute {
    const xmlChar *local, *prefix, *uri, *value, *end;
};

/* Forgets what callbacks found in the item before. */
void s2_sax_item(struct s2_reader *r);
/* Octets of whole tags to libxml2. 0, enum s2_read_error, XMB_ENOMEM. */
int s2_sax_push(struct s2_reader *r, const char *p, size_t n);
/* Copies the attribute's value to r->kept. */
void s2_sax_keep(struct s2_reader *r, const struct s2_attribute *a, struct s2_slice *out);
struct xmb_str s2_kept(const struct s2_reader *r, const struct s2_slice *s);
static inline int s2_is(const xmlChar *a, const char *b)
{
    return a != NULL && strcmp((const char *)a, b) == 0;
}

/* --- reader_header.c ------------------------------------------------------------------------- */

int s2_header_declaration(struct s2_reader *r, struct xmb_str raw);
/* Callback for the root element. */
void s2_header_start(struct s2_reader *r, const xmlChar *local, const xmlChar *uri,
                     const xmlChar **namespaces, int namespace_count,
                     const struct s2_attribute *attributes, int attribute_count);
/* After it, with the raw start tag: keeps it, and tells of it. What the event returned. */
int s2_header_deliver(struct s2_reader *r, struct xmb_str raw);
/* Bits of the extras that these declarations replace. */
uint32_t s2_header_replaced(const struct s2_reader *r, const xmlChar **namespaces, int count);
/* The text for a stanza to rely on. XMB_ENOMEM. */
int s2_header_insert(struct s2_reader *r, struct xmb_str *out);

/* --- reader_elements.c ----------------------------------------------------------------------- */

void s2_element_start(struct s2_reader *r, const xmlChar *local, const xmlChar *uri,
                      const struct s2_attribute *attributes, int attribute_count);
void s2_element_child(struct s2_reader *r, const xmlChar *local, const xmlChar *uri);
void s2_element_text(struct s2_reader *r, const char *p, size_t n);
void s2_element_child_end(struct s2_reader *r);
/* Keeps the attributes that matter, of the header too. */
void s2_element_attributes(struct s2_reader *r, const struct s2_attribute *attributes, int count);
void s2_element_header(const struct s2_reader *r, struct s2_header *h);
int s2_element_deliver(struct s2_reader *r);
size_t s2_collect_bytes(void);

/* --- reread.c -------------------------------------------------------------------------------- */

/* Walks the attributes of a start tag or of an XML declaration. */
struct s2_tag_walk {
    const char *p, *end;
    struct xmb_str name, value; /* as they stand there */
    const char *from;           /* where the white space before the name begins */
};
/* 1: name and value are set; 0: no more; negative: not a tag. */
int s2_tag_next(struct s2_tag_walk *w);
enum s2_stanza_type s2_stanza_type_of(const char *p, size_t n);
/* S2_MESSAGE, ..., or 0. */
uint32_t s2_stanza_kind_of(const char *p, size_t n);

#endif
