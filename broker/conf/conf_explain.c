/* SPDX-License-Identifier: MIT */
/*
 * conf_explain.c - says in words why an element is not what its schema wants.
 *
 * An element is walked side by side with the patterns of the schema that could stand for it. For
 * each the names that may stand inside are gathered: attributes and elements, whether they must
 * be there and whether they may be repeated. What is there and is not among them, is missing, is
 * twice or has a value that does not fit is reported by name, with what would have been right.
 *
 * It is an explainer and not a validator: order, and choices between groups, are not looked at,
 * and where several patterns fit a name their union counts. So it may find nothing where
 * libxml2 found a fault; never the other way about, for it is not asked then.
 */
#include "conf/conf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET_MAX 128  /* patterns inside one element */
#define REF_DEPTH 64 /* references followed in a row: a grammar that goes in circles ends */

struct item {
    xmlNode *pattern; /* <element> or <attribute> */
    struct conf_scope *scope;
    int required;
    int many;
};

struct set {
    struct item items[SET_MAX];
    size_t count;
    int open; /* something that we do not understand: anything may stand here */
    int text;
};

struct walk {
    const char *file;
    const char *prefix;
    struct conf_faults *faults;
    struct conf_scope *scopes;
    size_t found;
};

int conf_rng_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns != NULL &&
           strcmp((const char *)node->ns->href, "http://relaxng.org/ns/structure/1.0") == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

static void each_define(xmlNode *parent, const char *name, struct conf_scope *scope,
                        void (*fn)(xmlNode *define, struct conf_scope *scope, void *arg),
                        void *arg)
{
    xmlNode *node;

    for (node = parent->children; node != NULL; node = node->next)
        if (conf_rng_is(node, "div")) {
            each_define(node, name, scope, fn, arg);
        } else if (conf_rng_is(node, "define")) {
            xmlChar *own = xmlGetNoNsProp(node, (const xmlChar *)"name");

            if (own != NULL && strcmp((char *)own, name) == 0)
                fn(node, scope, arg);
            xmlFree(own);
        }
}

void conf_scope_each(struct conf_scope *scope, xmlNode *ref,
                     void (*fn)(xmlNode *define, struct conf_scope *scope, void *arg), void *arg)
{
    struct conf_scope *in = scope;
    xmlChar *name = xmlGetNoNsProp(ref, (const xmlChar *)"name");

    if (conf_rng_is(ref, "parentRef"))
        in = in->outer;
    if (in != NULL && name != NULL)
        each_define(in->grammar, (const char *)name, in, fn, arg);
    xmlFree(name);
}

/* What a pattern contributes to a set: walked down to the next elements and attributes. */
struct gather {
    struct walk *walk;
    struct set *set;
    int required;
    int many;
    int depth;
};

static void gather(xmlNode *pattern, struct conf_scope *scope, struct gather g);

static void gather_children(xmlNode *pattern, struct conf_scope *scope, struct gather g)
{
    xmlNode *node;

    for (node = pattern->children; node != NULL; node = node->next)
        gather(node, scope, g);
}

static void gather_define(xmlNode *define, struct conf_scope *scope, void *arg)
{
    struct gather *g = arg;

    gather_children(define, scope, *g);
}

static void gather_item(xmlNode *pattern, struct conf_scope *scope, struct gather g)
{
    struct item *item;

    if (g.set->count == SET_MAX) {
        g.set->open = 1;
        return;
    }
    item = &g.set->items[g.set->count++];
    item->pattern = pattern;
    item->scope = scope;
    item->required = g.required;
    item->many = g.many;
}

/* A nested grammar: its <start>, with names of its own. */
static void gather_grammar(xmlNode *grammar, struct conf_scope *outer, struct gather g)
{
    struct conf_scope *scope = calloc(1, sizeof *scope);
    xmlNode *node;

    if (scope == NULL) {
        g.set->open = 1;
        return;
    }
    scope->grammar = grammar;
    scope->outer = outer;
    scope->next = g.walk->scopes;
    g.walk->scopes = scope;
    for (node = grammar->children; node != NULL; node = node->next)
        if (conf_rng_is(node, "start"))
            gather_children(node, scope, g);
}

static int is_one_of(const xmlNode *node, const char *const *names)
{
    while (*names != NULL && !conf_rng_is(node, *names))
        names++;
    return *names != NULL;
}

static void gather(xmlNode *pattern, struct conf_scope *scope, struct gather g)
{
    static const char *const leaf[] = {"element", "attribute", NULL};
    static const char *const wrap[] = {"group", "interleave", NULL};
    static const char *const loose[] = {"optional", "choice", NULL};
    static const char *const repeat[] = {"zeroOrMore", "oneOrMore", NULL};
    static const char *const value[] = {"text", "data", "value", "list", "mixed", NULL};
    static const char *const reference[] = {"ref", "parentRef", NULL};

    if (pattern->type != XML_ELEMENT_NODE)
        return;
    if (is_one_of(pattern, value))
        g.set->text = 1;
    if (conf_rng_is(pattern, "externalRef") || g.depth == REF_DEPTH) {
        g.set->open = 1;
    } else if (is_one_of(pattern, leaf)) {
        gather_item(pattern, scope, g);
    } else if (is_one_of(pattern, wrap) || conf_rng_is(pattern, "mixed")) {
        gather_children(pattern, scope, g);
    } else if (is_one_of(pattern, loose)) {
        g.required = 0;
        gather_children(pattern, scope, g);
    } else if (is_one_of(pattern, repeat)) {
        g.many = 1;
        g.required = g.required && conf_rng_is(pattern, "oneOrMore");
        gather_children(pattern, scope, g);
    } else if (is_one_of(pattern, reference)) {
        g.depth++;
        conf_scope_each(scope, pattern, gather_define, &g);
    } else if (conf_rng_is(pattern, "grammar")) {
        gather_grammar(pattern, scope, g);
    }
}

/* The name in a pattern, or NULL when it is a class of names. The caller frees it. */
static char *name_of(xmlNode *pattern)
{
    xmlChar *name = xmlGetNoNsProp(pattern, (const xmlChar *)"name");
    xmlNode *node;

    for (node = pattern->children; name == NULL && node != NULL; node = node->next)
        if (conf_rng_is(node, "name"))
            name = xmlNodeGetContent(node);
    return (char *)name;
}

static int is_named(const struct item *item, const char *kind, const char *name)
{
    char *own = name_of(item->pattern);
    int same = conf_rng_is(item->pattern, kind) && (own == NULL || strcmp(own, name) == 0);

    xmlFree(own);
    return same;
}

/* "family, address, port": the names of one kind, each once. */
static const char *known(const struct set *set, const char *kind, char *text, size_t cap)
{
    size_t used = 0;
    size_t i;
    size_t k;

    text[0] = '\0';
    for (i = 0; i < set->count && used < cap; i++) {
        char *name = conf_rng_is(set->items[i].pattern, kind) ? name_of(set->items[i].pattern)
                                                               : NULL;

        for (k = 0; name != NULL && k < i; k++)
            if (is_named(&set->items[k], kind, name))
                break;
        if (name != NULL && k == i)
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used > 0 ? ", " : "", name);
        xmlFree(name);
    }
    return text;
}

static void report(struct walk *w, const xmlNode *at, const char *text)
{
    conf_faults_add(w->faults, w->file, (uint32_t)xmlGetLineNo(at), "%s%s", w->prefix, text);
    w->found++;
}

static void report_unknown(struct walk *w, const xmlNode *at, const char *in, const struct set *set,
                           const char *kind, const char *name)
{
    int attribute = strcmp(kind, "attribute") == 0;
    char names[512];
    char text[768];

    known(set, kind, names, sizeof names);
    snprintf(text, sizeof text, "unknown %s %s%s%s %s <%s>; %s%s", kind, attribute ? "'" : "<",
             name, attribute ? "'" : ">", attribute ? "of" : "in", in,
             names[0] != '\0' ? "known: " : "it has none", names);
    report(w, at, text);
}

/* One attribute beside the patterns of its name: it fits when it fits one of them. */
static void explain_attribute(struct walk *w, const xmlNode *node, const struct set *set,
                              const xmlAttr *attr)
{
    const char *name = (const char *)attr->name;
    const struct item *found = NULL;
    char expected[400];
    char text[768];
    xmlChar *value;
    size_t i;

    value = xmlNodeListGetString(attr->doc, attr->children, 1);
    for (i = 0; i < set->count; i++) {
        if (!is_named(&set->items[i], "attribute", name))
            continue;
        found = &set->items[i];
        if (conf_value_fits(found->pattern, found->scope, value != NULL ? (char *)value : ""))
            goto out;
    }
    if (found == NULL) {
        if (!set->open)
            report_unknown(w, node, (const char *)node->name, set, "attribute", name);
        goto out;
    }
    conf_value_describe(found->pattern, found->scope, expected, sizeof expected);
    snprintf(text, sizeof text, "attribute '%s' of <%s> is '%.128s'; expected %s", name, node->name,
             value != NULL ? (char *)value : "", expected);
    report(w, node, text);
out:
    xmlFree(value);
}

/* How many children or attributes of `node` have the name of `item`. */
static size_t occurrences(const xmlNode *node, const struct item *item)
{
    const xmlNode *child;
    const xmlAttr *attr;
    size_t n = 0;

    for (child = node->children; child != NULL; child = child->next)
        n += child->type == XML_ELEMENT_NODE && is_named(item, "element", (const char *)child->name);
    for (attr = node->properties; attr != NULL; attr = attr->next)
        n += (size_t)is_named(item, "attribute", (const char *)attr->name);
    return n;
}

/* An element that may stand in several places is allowed more than once. */
static int stands_once(const struct set *set, size_t at, const char *name)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if ((i != at || set->items[i].many) && is_named(&set->items[i], "element", name))
            return 0;
    return 1;
}

static void explain_counts(struct walk *w, const xmlNode *node, const struct set *set)
{
    char text[256];
    size_t i;

    for (i = 0; i < set->count; i++) {
        const struct item *item = &set->items[i];
        int element = conf_rng_is(item->pattern, "element");
        char *name = name_of(item->pattern);
        size_t n = name != NULL ? occurrences(node, item) : 1;

        if (n == 0 && item->required) {
            snprintf(text, sizeof text,
                     element ? "<%s> is missing in <%s>" : "attribute '%s' is missing in <%s>",
                     name, node->name);
            report(w, node, text);
        }
        if (n > 1 && element && stands_once(set, i, name)) {
            snprintf(text, sizeof text, "<%s> may stand only once in <%s>", name, node->name);
            report(w, node, text);
        }
        xmlFree(name);
    }
}

static void explain(struct walk *w, xmlNode *node, const struct item *const *patterns, size_t n);

static void explain_child(struct walk *w, xmlNode *child, const struct set *set)
{
    const struct item *fits[SET_MAX];
    size_t n = 0;
    size_t i;

    for (i = 0; i < set->count; i++)
        if (is_named(&set->items[i], "element", (const char *)child->name))
            fits[n++] = &set->items[i];
    if (n > 0)
        explain(w, child, fits, n);
    else if (!set->open)
        report_unknown(w, child, (const char *)child->parent->name, set, "element",
                       (const char *)child->name);
}

/* `node` could be any of these `n` patterns. The depth is that of the document: bounded. */
static void explain(struct walk *w, xmlNode *node, const struct item *const *patterns, size_t n)
{
    struct set *set = calloc(1, sizeof *set);
    xmlNode *child;
    xmlAttr *attr;
    size_t i;

    if (set == NULL)
        return;
    for (i = 0; i < n; i++) {
        struct gather g = {w, set, n == 1, 0, 0};

        gather_children(patterns[i]->pattern, patterns[i]->scope, g);
    }
    for (attr = node->properties; attr != NULL; attr = attr->next)
        explain_attribute(w, node, set, attr);
    if (n == 1 && !set->open)
        explain_counts(w, node, set);
    for (child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            explain_child(w, child, set);
        else if (child->type == XML_TEXT_NODE && !xmlIsBlankNode(child) && !set->text &&
                 !set->open)
            report(w, child, "text is not allowed here");
    free(set);
}

size_t conf_explain(const char *file, const char *prefix, xmlNode *grammar, xmlNode *element,
                    struct conf_faults *faults)
{
    struct walk w = {file, prefix, faults, NULL, 0};
    struct set *set = calloc(1, sizeof *set);
    struct gather g = {&w, set, 1, 0, 0};
    const struct item *fits[1];

    if (set == NULL)
        return 0;
    gather_grammar(grammar, NULL, g);
    if (set->count > 0 && is_named(&set->items[0], "element", (const char *)element->name)) {
        fits[0] = &set->items[0];
        explain(&w, element, fits, 1);
    }
    while (w.scopes != NULL) {
        struct conf_scope *scope = w.scopes;

        w.scopes = scope->next;
        free(scope);
    }
    free(set);
    return w.found;
}
