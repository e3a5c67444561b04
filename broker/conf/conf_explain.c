/* SPDX-License-Identifier: MIT */
/*
 * conf_explain.c - says in words why an element is not what its schema wants.
 *
 * An element is walked side by side with the patterns of the schema that could stand for it. For
 * each the names that may stand inside are gathered (conf_pattern.c). What is there and is not
 * among them, is missing, is twice, excludes another or has a value that does not fit is reported
 * by name, with what would have been right.
 *
 * It is an explainer and not a validator: order is not looked at, nor choices inside repetitions,
 * and where several patterns fit a name their union counts. So it may find nothing where libxml2
 * found a fault; never the other way about, for it is not asked then.
 */
#include "conf/conf_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64 /* a grammar that goes in circles ends */

struct walk {
    const char *file;
    const char *prefix;
    struct conf_faults *faults;
    struct conf_scope *scopes;
    size_t found;
    unsigned depth; /* of groups and references in a row */
};

static void report(struct walk *w, const xmlNode *at, const char *text)
{
    conf_faults_add(w->faults, w->file, (uint32_t)xmlGetLineNo(at), "%s%s", w->prefix, text);
    w->found++;
}

static void report_unknown(struct walk *w, const xmlNode *at, const char *in,
                           const struct conf_set *set, const char *kind, const char *name)
{
    int attribute = strcmp(kind, "attribute") == 0;
    char names[512];
    char text[768];

    conf_set_names(set, kind, names, sizeof names);
    snprintf(text, sizeof text, "unknown %s %s%s%s %s <%s>; %s%s", kind, attribute ? "'" : "<",
             name, attribute ? "'" : ">", attribute ? "of" : "in", in,
             names[0] != '\0' ? "known: " : "it has none", names);
    report(w, at, text);
}

/* One attribute beside the patterns of its name: it fits when it fits one of them. */
static void explain_attribute(struct walk *w, const xmlNode *node, const struct conf_set *set,
                              const xmlAttr *attr)
{
    const char *name = (const char *)attr->name;
    const struct conf_item *found = NULL;
    char expected[400];
    char text[768];
    xmlChar *value;
    size_t i;

    value = xmlNodeListGetString(attr->doc, attr->children, 1);
    for (i = 0; i < set->count; i++) {
        if (!conf_item_is(&set->items[i], "attribute", name))
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
static size_t occurrences(const xmlNode *node, const struct conf_item *item)
{
    const xmlNode *child;
    const xmlAttr *attr;
    size_t n = 0;

    for (child = node->children; child != NULL; child = child->next)
        n += child->type == XML_ELEMENT_NODE &&
             conf_item_is(item, "element", (const char *)child->name);
    for (attr = node->properties; attr != NULL; attr = attr->next)
        n += (size_t)conf_item_is(item, "attribute", (const char *)attr->name);
    return n;
}

/* An element that may stand in several places is allowed more than once. */
static int stands_once(const struct conf_set *set, size_t at, const char *name)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if ((i != at || set->items[i].many) && conf_item_is(&set->items[i], "element", name))
            return 0;
    return 1;
}

static void explain_missing(struct walk *w, const xmlNode *node, const struct conf_set *set)
{
    char text[256];
    size_t i;

    for (i = 0; i < set->count; i++) {
        const struct conf_item *item = &set->items[i];
        char *name = conf_pattern_name(item->pattern);

        if (name != NULL && item->required && occurrences(node, item) == 0) {
            snprintf(text, sizeof text,
                     conf_rng_is(item->pattern, "element") ? "<%s> is missing in <%s>"
                                                           : "attribute '%s' is missing in <%s>",
                     name, node->name);
            report(w, node, text);
        }
        xmlFree(name);
    }
}

static void explain_repeated(struct walk *w, const xmlNode *node, const struct conf_set *set)
{
    char text[256];
    size_t i;

    for (i = 0; i < set->count; i++) {
        const struct conf_item *item = &set->items[i];
        char *name = conf_pattern_name(item->pattern);

        if (name != NULL && conf_rng_is(item->pattern, "element") &&
            occurrences(node, item) > 1 && stands_once(set, i, name)) {
            snprintf(text, sizeof text, "<%s> may stand only once in <%s>", name, node->name);
            report(w, node, text);
        }
        xmlFree(name);
    }
}

/* --- choices: one alternative, and all of it --- */

/* The first of a set that stands in `node`, or NULL. */
static const struct conf_item *first_there(const struct conf_set *set, const xmlNode *node)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if (occurrences(node, &set->items[i]) > 0)
            return &set->items[i];
    return NULL;
}

/* "'username'", "<domain>": appended to `text`, with `joint` before all but the first. */
static void append_item(char *text, size_t cap, const struct conf_item *item, const char *joint)
{
    int element = conf_rng_is(item->pattern, "element");
    size_t used = strlen(text);
    char *name = conf_pattern_name(item->pattern);

    snprintf(text + used, cap - used, "%s%s%s%s", used > 0 ? joint : "", element ? "<" : "'",
             name != NULL ? name : "any", element ? ">" : "'");
    xmlFree(name);
}

static void explain_group(struct walk *w, const xmlNode *node, xmlNode *pattern,
                          struct conf_scope *scope);

/* What is there of each alternative: of none, of one, or of several that exclude each other. */
static void explain_choice(struct walk *w, const xmlNode *node, xmlNode *choice,
                           struct conf_scope *scope)
{
    xmlNode *chosen = NULL;
    xmlNode *alternative;
    char there[256] = "";
    char wanted[256] = "";
    char text[600];
    size_t count = 0;
    int open = 0;

    for (alternative = choice->children; alternative != NULL; alternative = alternative->next) {
        struct conf_set *set = alternative->type == XML_ELEMENT_NODE
                              ? conf_set_of(alternative, scope, &w->scopes)
                              : NULL;
        const struct conf_item *item = set != NULL ? first_there(set, node) : NULL;

        if (set == NULL)
            continue;
        open |= set->open || set->count == 0;
        if (item != NULL) {
            append_item(there, sizeof there, item, " and ");
            chosen = alternative;
            count++;
        } else if (set->count > 0) {
            append_item(wanted, sizeof wanted, &set->items[0], " or ");
        }
        free(set);
    }
    if (open)
        return;
    if (count == 0) {
        snprintf(text, sizeof text, "%s is missing in <%s>", wanted, node->name);
        report(w, node, text);
    } else if (count > 1) {
        snprintf(text, sizeof text, "%s of <%s> exclude each other", there, node->name);
        report(w, node, text);
    } else if (conf_rng_is(chosen, "group")) {
        struct conf_set *set = conf_set_of(chosen, scope, &w->scopes);

        if (set != NULL)
            explain_missing(w, node, set);
        free(set);
        explain_group(w, node, chosen, scope);
    }
}

struct group {
    struct walk *w;
    const xmlNode *node;
};

static void explain_define(xmlNode *define, struct conf_scope *scope, void *arg)
{
    struct group *g = arg;

    explain_group(g->w, g->node, define, scope);
}

/* A nested grammar has its scope already: its names were gathered before. */
static void explain_grammar(struct walk *w, const xmlNode *node, xmlNode *grammar)
{
    struct conf_scope *scope = w->scopes;
    xmlNode *child;

    while (scope != NULL && scope->grammar != grammar)
        scope = scope->next;
    for (child = grammar->children; scope != NULL && child != NULL; child = child->next)
        if (conf_rng_is(child, "start"))
            explain_group(w, node, child, scope);
}

/* Choices on the way down to the elements inside `node`; all of `pattern` must be there. */
static void explain_group(struct walk *w, const xmlNode *node, xmlNode *pattern,
                          struct conf_scope *scope)
{
    struct group g = {w, node};
    xmlNode *child;

    if (++w->depth > DEPTH_MAX)
        goto out;
    for (child = pattern->children; child != NULL; child = child->next)
        if (conf_rng_is(child, "choice"))
            explain_choice(w, node, child, scope);
        else if (conf_rng_is(child, "group") || conf_rng_is(child, "interleave"))
            explain_group(w, node, child, scope);
        else if (conf_rng_is(child, "ref") || conf_rng_is(child, "parentRef"))
            conf_scope_each(scope, child, explain_define, &g);
        else if (conf_rng_is(child, "grammar"))
            explain_grammar(w, node, child);
out:
    w->depth--;
}

static void explain(struct walk *w, xmlNode *node, const struct conf_item *const *patterns,
                    size_t n);

static void explain_child(struct walk *w, xmlNode *child, const struct conf_set *set)
{
    const struct conf_item *fits[CONF_SET_MAX];
    size_t n = 0;
    size_t i;

    for (i = 0; i < set->count; i++)
        if (conf_item_is(&set->items[i], "element", (const char *)child->name))
            fits[n++] = &set->items[i];
    if (n > 0)
        explain(w, child, fits, n);
    else if (!set->open)
        report_unknown(w, child, (const char *)child->parent->name, set, "element",
                       (const char *)child->name);
}

/* `node` could be any of these `n` patterns. The depth is that of the document: bounded. */
static void explain(struct walk *w, xmlNode *node, const struct conf_item *const *patterns,
                    size_t n)
{
    struct conf_set *set = calloc(1, sizeof *set);
    xmlNode *child;
    xmlAttr *attr;
    size_t i;

    if (set == NULL)
        return;
    for (i = 0; i < n; i++)
        conf_set_add_inside(set, patterns[i]->pattern, patterns[i]->scope, n == 1, &w->scopes);
    for (attr = node->properties; attr != NULL; attr = attr->next)
        explain_attribute(w, node, set, attr);
    if (n == 1 && !set->open) {
        explain_missing(w, node, set);
        explain_repeated(w, node, set);
        explain_group(w, node, patterns[0]->pattern, patterns[0]->scope);
    }
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
    struct walk w = {file, prefix, faults, NULL, 0, 0};
    struct conf_set *set = conf_set_of(grammar, NULL, &w.scopes);
    const struct conf_item *fits[1];

    if (set != NULL && set->count > 0 &&
        conf_item_is(&set->items[0], "element", (const char *)element->name)) {
        fits[0] = &set->items[0];
        explain(&w, element, fits, 1);
    }
    conf_scopes_free(w.scopes);
    free(set);
    return w.found;
}
