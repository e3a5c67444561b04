/* SPDX-License-Identifier: MIT */
/*
 * conf_pattern.c - reading a RELAX NG schema for the names that may stand in an element.
 *
 * A pattern is walked down to the next elements and attributes; on the way it is noted whether
 * they must be there and whether they may be repeated. References are followed in the grammar
 * that they stand in. What is not understood makes a set open: anything may stand there.
 */
#include "conf/conf_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REF_DEPTH 64 /* references followed in a row: a grammar that goes in circles ends */

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
    struct conf_scope **scopes; /* all that were made, to free */
    struct conf_set *set;
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
    struct conf_item *item;

    if (g.set->count == CONF_SET_MAX) {
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
    scope->next = *g.scopes;
    *g.scopes = scope;
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

char *conf_pattern_name(xmlNode *pattern)
{
    xmlChar *name = xmlGetNoNsProp(pattern, (const xmlChar *)"name");
    xmlNode *node;

    for (node = pattern->children; name == NULL && node != NULL; node = node->next)
        if (conf_rng_is(node, "name"))
            name = xmlNodeGetContent(node);
    return (char *)name;
}

int conf_item_is(const struct conf_item *item, const char *kind, const char *name)
{
    char *own = conf_pattern_name(item->pattern);
    int same = conf_rng_is(item->pattern, kind) && (own == NULL || strcmp(own, name) == 0);

    xmlFree(own);
    return same;
}

const char *conf_set_names(const struct conf_set *set, const char *kind, char *text, size_t cap)
{
    size_t used = 0;
    size_t i;
    size_t k;

    text[0] = '\0';
    for (i = 0; i < set->count && used < cap; i++) {
        xmlNode *pattern = set->items[i].pattern;
        char *name = conf_rng_is(pattern, kind) ? conf_pattern_name(pattern) : NULL;

        for (k = 0; name != NULL && k < i; k++)
            if (conf_item_is(&set->items[k], kind, name))
                break;
        if (name != NULL && k == i)
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used > 0 ? ", " : "", name);
        xmlFree(name);
    }
    return text;
}

struct conf_set *conf_set_of(xmlNode *pattern, struct conf_scope *scope,
                             struct conf_scope **scopes)
{
    struct conf_set *set = calloc(1, sizeof *set);

    if (set != NULL)
        gather(pattern, scope, (struct gather){scopes, set, 1, 0, 0});
    return set;
}

void conf_set_add_inside(struct conf_set *set, xmlNode *pattern, struct conf_scope *scope,
                         int required, struct conf_scope **scopes)
{
    gather_children(pattern, scope, (struct gather){scopes, set, required, 0, 0});
}

void conf_scopes_free(struct conf_scope *scopes)
{
    while (scopes != NULL) {
        struct conf_scope *next = scopes->next;

        free(scopes);
        scopes = next;
    }
}
