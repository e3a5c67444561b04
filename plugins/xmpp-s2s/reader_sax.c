/* SPDX-License-Identifier: MIT */
/*
 * reader_sax.c - the libxml2 parser of a stream and its callbacks.
 *
 * No tree is built and no document exists. For a stanza, callbacks look at its start tag, and
 * count depth after that; nothing is allocated for it here. A parser that has rested is made again
 * by giving it the header once more.
 */
#include "domain.h"
#include "reader_priv.h"

#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

/* Declarations in scope. libxml2 looks a prefix up by walking all of them. */
#define NAMESPACES_MAX 512

#if LIBXML_VERSION >= 21200
typedef const xmlError *error_ptr;
#else
typedef xmlErrorPtr error_ptr;
#endif

void s2_reader_fault(struct s2_reader *r, int fault, const char *why)
{
    if (r->fault == 0) {
        r->fault = fault;
        r->why = why;
    }
    if (r->xml != NULL)
        xmlStopParser(r->xml);
}

/* --- attributes ------------------------------------------------------------------------------ */

void s2_sax_keep(struct s2_reader *r, const struct s2_attribute *a, struct s2_slice *out)
{
    size_t n = (size_t)(a->end - a->value);

    out->at = r->kept.n;
    out->n = (uint32_t)n;
    out->there = 1;
    if (s2_room_add(&r->kept, (const char *)a->value, n) != 0)
        s2_reader_fault(r, XMB_ENOMEM, "out of memory");
}

struct xmb_str s2_kept(const struct s2_reader *r, const struct s2_slice *s)
{
    if (!s->there)
        return xmb_str_n(NULL, 0);
    return xmb_str_n(s->n > 0 ? r->kept.p + s->at : "", s->n);
}

/* --- stanzas --------------------------------------------------------------------------------- */

static void stanza_attribute(struct s2_reader *r, const struct s2_attribute *a)
{
    if (a->prefix != NULL) {
        if (s2_is(a->prefix, "xml") && s2_is(a->local, "lang"))
            r->own_lang = 1;
        return;
    }
    if (s2_is(a->local, "from"))
        s2_sax_keep(r, a, &r->from);
    else if (s2_is(a->local, "to"))
        s2_sax_keep(r, a, &r->to);
    else if (s2_is(a->local, "id"))
        s2_sax_keep(r, a, &r->id);
    else if (s2_is(a->local, "type"))
        r->type = s2_stanza_type_of((const char *)a->value, (size_t)(a->end - a->value));
}

static void stanza_start(struct s2_reader *r, const xmlChar **namespaces, int namespace_count,
                         const struct s2_attribute *attributes, int attribute_count)
{
    int i;

    for (i = 0; i < namespace_count; i++)
        if (namespaces[2 * i] == NULL)
            r->own_default = 1;
    if (r->extra_count > 0 && namespace_count > 0)
        r->own_prefixes = s2_header_replaced(r, namespaces, namespace_count);
    for (i = 0; i < attribute_count; i++)
        stanza_attribute(r, &attributes[i]);
}

void s2_sax_item(struct s2_reader *r)
{
    r->starts = 0;
    r->kept.n = 0;
    r->own_default = r->own_lang = 0;
    r->own_prefixes = 0;
    r->kind = 0;
    r->type = S2_TYPE_NONE;
    r->name_n = 0;
    r->from.there = r->to.there = r->id.there = 0;
}

/* --- callbacks ------------------------------------------------------------------------------- */

static void first_start(struct s2_reader *r, const xmlChar *local, const xmlChar *prefix,
                        const xmlChar *uri, const xmlChar **namespaces, int namespace_count,
                        const struct s2_attribute *attributes, int attribute_count)
{
    r->name_n = (uint32_t)strlen((const char *)local);
    if (s2_is(uri, r->is_component ? NS_COMPONENT : NS_SERVER))
        r->kind = s2_stanza_kind_of((const char *)local, r->name_n);
    if (r->kind == 0)
        s2_element_start(r, local, uri, attributes, attribute_count);
    else if (prefix != NULL)
        s2_reader_fault(r, S2_READ_BAD_PREFIX, "a stanza with a prefix");
    else
        stanza_start(r, namespaces, namespace_count, attributes, attribute_count);
}

/*
 * A URI has none, and parsers that join a namespace to a name with a line feed, as ejabberd's does,
 * end the stream over one.
 */
static int has_control(const xmlChar **namespaces, int count)
{
    int i;

    for (i = 0; i < count; i++)
        if (namespaces[2 * i + 1] != NULL &&
            strpbrk((const char *)namespaces[2 * i + 1], "\t\n\r") != NULL)
            return 1;
    return 0;
}

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted, const xmlChar **attributes)
{
    struct s2_reader *r = arg;
    const struct s2_attribute *a = (const struct s2_attribute *)(const void *)attributes;

    (void)defaulted;
    if (r->xml->nsNr > 2 * NAMESPACES_MAX)
        s2_reader_fault(r, S2_READ_TOO_BIG, "too many namespace declarations");
    if (has_control(namespaces, namespace_count))
        s2_reader_fault(r, S2_READ_NOT_WELL_FORMED, "a namespace with a control character");
    if (r->fault != 0 || r->xml_error != 0)
        return;
    r->depth++;
    if (r->replaying)
        return;
    r->starts++;
    if (r->depth == 1) {
        s2_header_start(r, local, uri, namespaces, namespace_count, a, attribute_count);
    } else if (r->depth == 2) {
        first_start(r, local, prefix, uri, namespaces, namespace_count, a, attribute_count);
    } else if (r->kind == 0) {
        s2_element_child(r, local, uri);
    }
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    struct s2_reader *r = arg;

    (void)local;
    (void)prefix;
    (void)uri;
    if (r->fault != 0 || r->xml_error != 0)
        return;
    if (r->depth > 2 && r->kind == 0)
        s2_element_child_end(r);
    r->depth--;
}

static void on_text(void *arg, const xmlChar *p, int n)
{
    struct s2_reader *r = arg;

    if (r->depth > 1 && r->kind == 0 && r->fault == 0 && r->xml_error == 0)
        s2_element_text(r, (const char *)p, (size_t)n);
}

/* The scanner lets none of these through. */
static void on_subset(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
    (void)name;
    (void)id;
    (void)system;
    s2_reader_fault(arg, S2_READ_RESTRICTED, "a document type declaration");
}

static void on_comment(void *arg, const xmlChar *text)
{
    (void)text;
    s2_reader_fault(arg, S2_READ_RESTRICTED, "a comment");
}

static void on_instruction(void *arg, const xmlChar *target, const xmlChar *data)
{
    (void)target;
    (void)data;
    s2_reader_fault(arg, S2_READ_RESTRICTED, "a processing instruction");
}

/*
 * Nothing is printed: the first error is remembered. A namespace that is no URI is good XML all
 * the same, though libxml2 calls it an error.
 */
static void on_error(void *arg, error_ptr e)
{
    struct s2_reader *r = arg;

    if (e->level >= XML_ERR_ERROR && e->code != XML_WAR_NS_URI && r->xml_error == 0)
        r->xml_error = e->code;
}

/* --- the parser ------------------------------------------------------------------------------ */

static int fault_of_xml(int code, const char **why)
{
    switch (code) {
    case XML_ERR_NO_MEMORY:
        *why = "out of memory";
        return XMB_ENOMEM;
    case XML_ERR_UNDECLARED_ENTITY:
    case XML_WAR_UNDECLARED_ENTITY:
        *why = "a reference to an entity that XMPP does not know";
        return S2_READ_RESTRICTED;
    case XML_NS_ERR_UNDEFINED_NAMESPACE:
        *why = "a prefix that is not declared";
        return S2_READ_NOT_WELL_FORMED;
    case XML_ERR_NAME_TOO_LONG:
    case XML_ERR_INTERNAL_ERROR:
        *why = "an element is over a limit of the XML parser";
        return S2_READ_TOO_BIG;
    default:
        *why = "it is not well-formed";
        return S2_READ_NOT_WELL_FORMED;
    }
}

static int make_parser(struct s2_reader *r)
{
    xmlSAXHandler sax;

    memset(&sax, 0, sizeof(sax));
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = on_start;
    sax.endElementNs = on_end;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text; /* the same: then libxml2 does not wonder which it is */
    sax.cdataBlock = on_text;
    sax.internalSubset = on_subset;
    sax.comment = on_comment;
    sax.processingInstruction = on_instruction;
    sax.serror = on_error;
    r->depth = 0;
    r->xml = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
    if (r->xml == NULL)
        return XMB_ENOMEM;
    /*
     * Names as XML 1.0 had them before its fifth edition: the servers that a stanza is passed on
     * to know no others, and would end the stream, under all who use it.
     */
    xmlCtxtUseOptions(r->xml, XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_OLD10);
    if (xmlSwitchEncoding(r->xml, XML_CHAR_ENCODING_UTF8) != 0)
        return XMB_ENOMEM;
    return 0;
}

static int parse(struct s2_reader *r, const char *p, size_t n)
{
    const char *why = NULL;
    int fault;

    xmlParseChunk(r->xml, p, (int)n, 0);
    if (r->fault != 0)
        return r->fault;
    if (r->xml_error == 0 && r->xml->wellFormed)
        return 0;
    fault = fault_of_xml(r->xml_error, &why);
    if (fault == S2_READ_NOT_WELL_FORMED && !s2_is_utf8(xmb_str_n(p, n))) {
        fault = S2_READ_BAD_ENCODING; /* which of the two libxml2 says depends on what follows */
        why = "octets that are not UTF-8";
    }
    s2_reader_fault(r, fault, why);
    return r->fault;
}

int s2_sax_push(struct s2_reader *r, const char *p, size_t n)
{
    int rc = 0;

    if (n > INT32_MAX)
        return S2_READ_TOO_BIG;
    if (r->xml == NULL) {
        rc = make_parser(r);
        if (rc == 0 && r->header.n > 0) {
            r->replaying = 1;
            rc = parse(r, r->header.p, r->header.n);
            r->replaying = 0;
        }
    }
    return rc != 0 ? rc : parse(r, p, n);
}
