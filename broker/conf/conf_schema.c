/* SPDX-License-Identifier: MIT */
/*
 * conf_schema.c - one RELAX NG grammar for each part of the file, and its verdict.
 *
 * The core's grammar (xmb.rng, in the program) is the frame; for a module its <start> becomes
 * <element name="module"> with the module's name fixed and the plugin's grammar nested inside. So
 * a plugin's schema may refer to the core's definitions with <parentRef>, and cannot say anything
 * about other modules. Each <module> is validated by its own grammar: faults of one do not hide
 * those of the next.
 *
 * libxml2 says yes or no, and is right; but what it says about a no is for its authors. So for
 * each no the element is walked beside its schema (conf_explain.c), and libxml2's own words are
 * used only when that walk finds nothing.
 */
#include "conf/conf_priv.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmb.rng.h"

#define RNG "http://relaxng.org/ns/structure/1.0"

/* The first message of libxml2, on one line. */
struct complaint {
    char text[300];
    int line;
};

static void keep_first(void *data, xmlErrorPtr error)
{
    struct complaint *c = data;
    size_t n;

    if (c->text[0] != '\0')
        return;
    snprintf(c->text, sizeof c->text, "%s", error->message != NULL ? error->message : "?");
    for (n = strlen(c->text); n > 0 && c->text[n - 1] == '\n';)
        c->text[--n] = '\0';
    c->line = error->line;
}

static xmlDoc *parse_schema(const char *text, size_t n, struct complaint *why)
{
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    xmlDoc *doc;
    xmlNode *root;

    if (ctxt == NULL)
        return NULL;
    xmlSetStructuredErrorFunc(why, keep_first);
    doc = n > INT32_MAX ? NULL : xmlCtxtReadMemory(ctxt, text, (int)n, "schema", NULL,
                                                   XML_PARSE_NONET);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlFreeParserCtxt(ctxt);
    root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    if (root != NULL && conf_rng_is(root, "grammar"))
        return doc;
    if (doc != NULL && why->text[0] == '\0')
        snprintf(why->text, sizeof why->text, "its outermost element is not a RELAX NG <grammar>");
    xmlFreeDoc(doc);
    return NULL;
}

static xmlNode *add(xmlNode *parent, const char *name, const char *attribute, const char *value)
{
    xmlNode *node = xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);

    if (node != NULL && attribute != NULL)
        xmlNewProp(node, (const xmlChar *)attribute, (const xmlChar *)value);
    return node;
}

static xmlNode *start_of(xmlNode *grammar)
{
    xmlNode *node;

    for (node = grammar->children; node != NULL; node = node->next)
        if (conf_rng_is(node, "start"))
            return node;
    return NULL;
}

/* The frame of <module name="NAME" optional="yes|no">; returns the element's pattern. */
static xmlNode *add_module_pattern(xmlNode *start, const char *name)
{
    xmlNode *element = add(start, "element", "name", "module");
    xmlNode *node = add(element, "attribute", "name", "name");
    xmlNode *choice;

    xmlNewTextChild(node, NULL, (const xmlChar *)"value", (const xmlChar *)name);
    node = add(element, "optional", NULL, NULL);
    node = add(node, "attribute", "name", "optional");
    choice = add(node, "choice", NULL, NULL);
    xmlNewTextChild(choice, NULL, (const xmlChar *)"value", (const xmlChar *)"yes");
    xmlNewTextChild(choice, NULL, (const xmlChar *)"value", (const xmlChar *)"no");
    return element;
}

/*
 * The grammar for one module; of the caller. NULL: the schema is not usable, see `why`. Without
 * memory libxml2 gives a grammar with parts missing, which then accepts nothing: closed, not open.
 */
static xmlDoc *compose(const struct conf_schema *schema, struct complaint *why)
{
    xmlDoc *doc = parse_schema(xmb_rng, sizeof xmb_rng - 1, why);
    xmlDoc *plugin;
    xmlNode *start;
    xmlNode *element;
    xmlNode *node;

    if (doc == NULL)
        return NULL;
    start = start_of(xmlDocGetRootElement(doc));
    while ((node = start->children) != NULL) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
    element = add_module_pattern(start, schema->module);
    if (schema->schema == NULL) {
        add(element, "empty", NULL, NULL);
        return doc;
    }
    plugin = parse_schema(schema->schema, schema->schema_bytes, why);
    if (plugin == NULL) {
        xmlFreeDoc(doc);
        return NULL;
    }
    node = xmlDocCopyNode(xmlDocGetRootElement(plugin), doc, 1);
    if (node != NULL)
        xmlAddChild(element, node);
    xmlFreeDoc(plugin);
    return doc;
}

/* libxml2 keeps a copy of the document, ours stays for the explanation. */
static xmlRelaxNG *compile(xmlDoc *doc, struct complaint *why)
{
    xmlRelaxNGParserCtxt *ctxt = xmlRelaxNGNewDocParserCtxt(doc);
    xmlRelaxNG *grammar;

    if (ctxt == NULL)
        return NULL;
    xmlRelaxNGSetParserStructuredErrors(ctxt, keep_first, why);
    grammar = xmlRelaxNGParse(ctxt);
    xmlRelaxNGFreeParserCtxt(ctxt);
    return grammar;
}

int conf_schema_check(const struct conf_schema *schema, char *text, size_t cap)
{
    struct complaint why = {"", 0};
    xmlDoc *doc = compose(schema, &why);
    xmlRelaxNG *grammar = doc != NULL ? compile(doc, &why) : NULL;

    if (grammar == NULL)
        snprintf(text, cap, "its schema is not usable: %s",
                 why.text[0] != '\0' ? why.text : "out of memory");
    xmlRelaxNGFree(grammar);
    xmlFreeDoc(doc);
    return grammar != NULL ? 0 : XMB_ECONF;
}

/* A document whose root is a copy of `element`: a grammar starts at a root. Lines are kept. */
static xmlDoc *alone(xmlNode *element)
{
    xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *copy = doc != NULL ? xmlDocCopyNode(element, doc, 1) : NULL;

    if (copy == NULL) {
        xmlFreeDoc(doc);
        return NULL;
    }
    xmlDocSetRootElement(doc, copy);
    return doc;
}

static int validate(xmlRelaxNG *grammar, xmlNode *element, struct complaint *why)
{
    xmlRelaxNGValidCtxt *ctxt = xmlRelaxNGNewValidCtxt(grammar);
    xmlDoc *doc = alone(element);
    int rc = -1;

    if (ctxt != NULL && doc != NULL) {
        xmlRelaxNGSetValidStructuredErrors(ctxt, keep_first, why);
        rc = xmlRelaxNGValidateDoc(ctxt, doc);
    }
    xmlRelaxNGFreeValidCtxt(ctxt);
    xmlFreeDoc(doc);
    return rc == 0 ? 0 : XMB_ECONF;
}

/* Validates `node` with the grammar in `doc`, whose faults begin with `prefix`. */
static int check_node(const struct xmb_conf *node, xmlDoc *doc, const char *prefix,
                      struct conf_faults *faults)
{
    struct complaint why = {"", 0};
    xmlRelaxNG *grammar = compile(doc, &why);
    int rc;

    if (grammar == NULL) {
        conf_faults_add(faults, node->conf->file, node->line, "%sits schema is not usable: %s",
                        prefix, why.text[0] != '\0' ? why.text : "out of memory");
        return XMB_ECONF;
    }
    rc = validate(grammar, node->xml, &why);
    xmlRelaxNGFree(grammar);
    if (rc < 0 && conf_explain(node->conf->file, prefix, xmlDocGetRootElement(doc), node->xml,
                               faults) == 0)
        conf_faults_add(faults, node->conf->file, why.line > 0 ? (uint32_t)why.line : node->line,
                        "%snot as its schema wants it: %s", prefix,
                        why.text[0] != '\0' ? why.text : "out of memory");
    return rc;
}

int conf_check_broker(struct conf *c, struct conf_faults *faults)
{
    struct complaint why = {"", 0};
    xmlDoc *doc;
    int rc;

    if (c->broker->xml == NULL)
        return 0; /* left out */
    doc = parse_schema(xmb_rng, sizeof xmb_rng - 1, &why);
    if (doc == NULL)
        return XMB_ENOMEM;
    rc = check_node(c->broker, doc, "", faults);
    xmlFreeDoc(doc);
    return rc;
}

int conf_check_module(const struct xmb_conf *node, const struct conf_schema *schema,
                      struct conf_faults *faults)
{
    struct complaint why = {"", 0};
    xmlDoc *doc = compose(schema, &why);
    char prefix[128];
    int rc;

    snprintf(prefix, sizeof prefix, "module %s: ", schema->module);
    if (doc == NULL) {
        conf_faults_add(faults, node->conf->file, node->line, "%sits schema is not usable: %s",
                        prefix, why.text[0] != '\0' ? why.text : "out of memory");
        return XMB_ECONF;
    }
    rc = check_node(node, doc, prefix, faults);
    xmlFreeDoc(doc);
    return rc;
}
