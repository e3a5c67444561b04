/* SPDX-License-Identifier: MIT */
/*
 * conf_priv.h - what the files of this folder share: the tree of nodes that conf_read builds
 * from the document, and the way from a libxml2 node of a schema to a message for people.
 */
#ifndef BROKER_CONF_PRIV_H
#define BROKER_CONF_PRIV_H

#include "conf/conf.h"
#include <libxml/tree.h>

#define CONF_NAMESPACE "urn:xmb:config:1"
#define CONF_FILE_MAX (16u * 1024 * 1024) /* octets of a configuration */
#define CONF_SECRET_MAX 4096              /* octets of a file that holds a secret */

struct conf_attr {
    struct conf_attr *next;
    const char *name; /* the document's */
    char *value;
    /* Of an attribute that ends in "-file" alone: */
    char *secret;  /* its first line, or NULL */
    char *unread;  /* why there is none, or NULL */
    uint64_t hash; /* of all octets, to see a change */
};

struct xmb_conf {
    struct conf *conf;
    struct xmb_conf *parent;
    struct xmb_conf *child;
    struct xmb_conf **children_end; /* where the next child is linked in */
    struct xmb_conf *next;
    struct conf_attr *attrs;
    const char *name; /* the document's */
    uint32_t line;
    xmlNode *xml;
};

struct conf {
    uint32_t refs;
    char *file;
    char *folder; /* that paths of "-file" are relative to */
    xmlDoc *doc;
    struct xmb_conf *root;
    struct xmb_conf *broker;
    struct conf_faults *collect;
};

/* conf_get.c */
const struct conf_attr *conf_attr(const struct xmb_conf *node, const char *name);
/* The <module> that `node` is in, or NULL. */
const struct xmb_conf *conf_module_of(const struct xmb_conf *node);

/* conf_secret.c: fills secret, unread and hash of an attribute that ends in "-file". */
int conf_secret_is(const char *attribute);
int conf_secret_read(const struct conf *c, struct conf_attr *attr);
void conf_wipe(char *text); /* zeroes and frees; NULL is fine */

/* conf_frame.c: namespace, <broker>, <module name>. */
void conf_frame_check(struct conf *c, struct conf_faults *faults);

/* conf_same.c: 1 when the text directly inside both is the same, white space aside. */
int conf_text_same(const xmlNode *a, const xmlNode *b);

/*
 * conf_explain.c: reports what is wrong with `element`, whose patterns start at the <start> of
 * `grammar`. `prefix` goes before each message. Returns how many faults it found.
 */
size_t conf_explain(const char *file, const char *prefix, xmlNode *grammar, xmlNode *element,
                    struct conf_faults *faults);

/* conf_pattern.c: a grammar and the one that it is nested in; <ref> and <parentRef> look there. */
struct conf_scope {
    xmlNode *grammar;
    struct conf_scope *outer;
    struct conf_scope *next; /* in the list of all, to free */
};
/* Calls fn for each definition that a <ref> or <parentRef> leads to. */
void conf_scope_each(struct conf_scope *scope, xmlNode *ref,
                     void (*fn)(xmlNode *define, struct conf_scope *scope, void *arg), void *arg);
/* 1 when `node` is the RELAX NG element called `name`. */
int conf_rng_is(const xmlNode *node, const char *name);

/* conf_value.c: does the content of an <attribute> pattern take `value`; what it would take. */
int conf_value_fits(xmlNode *attribute, struct conf_scope *scope, const char *value);
void conf_value_describe(xmlNode *attribute, struct conf_scope *scope, char *text, size_t cap);

#endif
