/* SPDX-License-Identifier: MIT */
/*
 * conf_pattern.h - what a schema lets stand inside an element: conf_pattern.c for conf_explain.c.
 */
#ifndef BROKER_CONF_PATTERN_H
#define BROKER_CONF_PATTERN_H

#include "conf/conf_priv.h"

#define CONF_SET_MAX 128 /* patterns inside one element */

struct conf_item {
    xmlNode *pattern; /* <element> or <attribute> */
    struct conf_scope *scope;
    int required;
    int many;
};

struct conf_set {
    struct conf_item items[CONF_SET_MAX];
    size_t count;
    int open; /* something that we do not understand: anything may stand here */
    int text;
};

/*
 * What `pattern` contributes when it must be there. Scopes that are made on the way are put on
 * the list `*scopes`, and the items point to them. NULL: out of memory; freed with free().
 */
struct conf_set *conf_set_of(xmlNode *pattern, struct conf_scope *scope,
                             struct conf_scope **scopes);
/* Adds what the children of `pattern` contribute. */
void conf_set_add_inside(struct conf_set *set, xmlNode *pattern, struct conf_scope *scope,
                         int required, struct conf_scope **scopes);
void conf_scopes_free(struct conf_scope *scopes);

/* The name in a pattern, or NULL when it is a class of names. The caller frees it (xmlFree). */
char *conf_pattern_name(xmlNode *pattern);
/* 1 when the item is for an "element" or "attribute" (`kind`) called `name`. */
int conf_item_is(const struct conf_item *item, const char *kind, const char *name);
/* "family, address, port": the names of one kind, each once. Returns `text`. */
const char *conf_set_names(const struct conf_set *set, const char *kind, char *text, size_t cap);

#endif
