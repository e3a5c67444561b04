/* SPDX-License-Identifier: MIT */
/*
 * conf_value.c - what an <attribute> of a schema takes, tried and told.
 *
 * Knows <text>, <value>, <data> with the types and the common facets of XML Schema, <choice>
 * and references. Anything else is taken to fit: libxml2 has the last word. For conf_explain.c.
 */
#include "conf/conf_priv.h"

#include <errno.h>
#include <libxml/xmlregexp.h>
#include <libxml/xmlschemastypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XSD "http://www.w3.org/2001/XMLSchema"

struct trial {
    const char *value;
    int fits;
    int depth;
};

struct telling {
    char *text;
    size_t cap;
    size_t used;
    int depth;
};

/* --- does it fit? --- */

/* `value` collapsed as the type token wants it, against the same of `wanted`. */
static int same_token(const char *a, const char *b)
{
    static const char space[] = " \t\r\n";

    a += strspn(a, space);
    b += strspn(b, space);
    while (*a != '\0' && *b != '\0') {
        size_t n = strcspn(a, space);

        if (n != strcspn(b, space) || memcmp(a, b, n) != 0)
            return 0;
        a += n;
        b += n;
        a += strspn(a, space);
        b += strspn(b, space);
    }
    return *a == *b;
}

static int number_of(const char *text, long long *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static int facet_fits(const char *facet, const char *limit, const char *value)
{
    long long n;
    long long bound = 0;

    if (strcmp(facet, "pattern") == 0) {
        xmlRegexp *regexp = xmlRegexpCompile((const xmlChar *)limit);
        int rc = regexp != NULL ? xmlRegexpExec(regexp, (const xmlChar *)value) : 1;

        xmlRegFreeRegexp(regexp);
        return rc == 1;
    }
    if (!number_of(limit, &bound))
        return 1;
    if (strcmp(facet, "minLength") == 0)
        return xmlUTF8Strlen((const xmlChar *)value) >= bound;
    if (strcmp(facet, "maxLength") == 0)
        return xmlUTF8Strlen((const xmlChar *)value) <= bound;
    if (strcmp(facet, "length") == 0)
        return xmlUTF8Strlen((const xmlChar *)value) == bound;
    if (strcmp(facet, "minInclusive") == 0)
        return number_of(value, &n) && n >= bound;
    if (strcmp(facet, "maxInclusive") == 0)
        return number_of(value, &n) && n <= bound;
    return 1;
}

static int type_fits(const char *type, const char *value)
{
    xmlSchemaType *schema_type;

    if (xmlSchemaInitTypes(), (schema_type = xmlSchemaGetPredefinedType(
                                   (const xmlChar *)type, (const xmlChar *)XSD)) == NULL)
        return 1;
    return xmlSchemaValidatePredefinedType(schema_type, (const xmlChar *)value, NULL) == 0;
}

static int data_fits(xmlNode *data, const char *value)
{
    xmlChar *type = xmlGetNoNsProp(data, (const xmlChar *)"type");
    int fits = type == NULL || type_fits((char *)type, value);
    xmlNode *node;

    for (node = data->children; node != NULL && fits; node = node->next)
        if (conf_rng_is(node, "param")) {
            xmlChar *facet = xmlGetNoNsProp(node, (const xmlChar *)"name");
            xmlChar *limit = xmlNodeGetContent(node);

            fits = facet == NULL || limit == NULL ||
                   facet_fits((char *)facet, (char *)limit, value);
            xmlFree(facet);
            xmlFree(limit);
        } else if (conf_rng_is(node, "except")) {
            break; /* not understood: fits */
        }
    xmlFree(type);
    return fits;
}

static void try_pattern(xmlNode *pattern, struct conf_scope *scope, struct trial *t);

static void try_define(xmlNode *define, struct conf_scope *scope, void *arg)
{
    struct trial *t = arg;
    xmlNode *node;

    for (node = define->children; node != NULL; node = node->next)
        try_pattern(node, scope, t);
}

static void try_pattern(xmlNode *pattern, struct conf_scope *scope, struct trial *t)
{
    if (pattern->type != XML_ELEMENT_NODE || t->fits || conf_rng_is(pattern, "name"))
        return;
    if (conf_rng_is(pattern, "choice")) {
        try_define(pattern, scope, t);
    } else if (conf_rng_is(pattern, "value")) {
        xmlChar *wanted = xmlNodeGetContent(pattern);

        t->fits = wanted == NULL || same_token(t->value, (char *)wanted);
        xmlFree(wanted);
    } else if (conf_rng_is(pattern, "data")) {
        t->fits = data_fits(pattern, t->value);
    } else if ((conf_rng_is(pattern, "ref") || conf_rng_is(pattern, "parentRef")) &&
               t->depth < 32) {
        t->depth++;
        conf_scope_each(scope, pattern, try_define, t);
        t->depth--;
    } else {
        t->fits = 1;
    }
}

static int has_pattern(const xmlNode *attribute)
{
    const xmlNode *node;

    for (node = attribute->children; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE && !conf_rng_is(node, "name"))
            return 1;
    return 0;
}

int conf_value_fits(xmlNode *attribute, struct conf_scope *scope, const char *value)
{
    struct trial t = {value, 0, 0};

    if (!has_pattern(attribute))
        return 1; /* any text */
    try_define(attribute, scope, &t);
    return t.fits;
}

/* --- what would fit? --- */

static void tell(struct telling *t, const char *text)
{
    int n;

    if (t->used >= t->cap)
        return;
    n = snprintf(t->text + t->used, t->cap - t->used, "%s%s", t->used > 0 ? " or " : "", text);
    t->used += n > 0 ? (size_t)n : 0;
}

static char *param_of(xmlNode *data, const char *facet)
{
    xmlNode *node;

    for (node = data->children; node != NULL; node = node->next)
        if (conf_rng_is(node, "param")) {
            xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"name");
            int same = name != NULL && strcmp((char *)name, facet) == 0;

            xmlFree(name);
            if (same)
                return (char *)xmlNodeGetContent(node);
        }
    return NULL;
}

struct range {
    const char *type;
    const char *least;
    const char *most;
};

static const struct range *range_of(const char *type)
{
    static const struct range ranges[] = {
        {"unsignedByte", "0", "255"},
        {"unsignedShort", "0", "65535"},
        {"unsignedInt", "0", "4294967295"},
        {"unsignedLong", "0", "18446744073709551615"},
        {"nonNegativeInteger", "0", NULL},
        {"positiveInteger", "1", NULL},
        {"integer", NULL, NULL},
        {"int", "-2147483648", "2147483647"},
        {"long", NULL, NULL},
    };
    size_t i;

    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (strcmp(type, ranges[i].type) == 0)
            return &ranges[i];
    return NULL;
}

static void tell_number(struct telling *t, xmlNode *data, const struct range *range)
{
    char *least = param_of(data, "minInclusive");
    char *most = param_of(data, "maxInclusive");
    const char *from = least != NULL ? least : range->least;
    const char *to = most != NULL ? most : range->most;
    char text[160];

    snprintf(text, sizeof text, "a whole number%s%s%s%s", from != NULL ? " from " : "",
             from != NULL ? from : "", to != NULL ? " to " : "", to != NULL ? to : "");
    tell(t, text);
    xmlFree(least);
    xmlFree(most);
}

static void tell_data(struct telling *t, xmlNode *data)
{
    xmlChar *type = xmlGetNoNsProp(data, (const xmlChar *)"type");
    const struct range *range = type != NULL ? range_of((char *)type) : NULL;
    char *pattern = param_of(data, "pattern");
    char text[256];

    if (range != NULL) {
        tell_number(t, data, range);
    } else if (pattern != NULL) {
        snprintf(text, sizeof text, "text like %s", pattern);
        tell(t, text);
    } else if (type != NULL && strcmp((char *)type, "boolean") == 0) {
        tell(t, "true or false");
    } else if (type != NULL && strcmp((char *)type, "string") != 0 &&
               strcmp((char *)type, "token") != 0) {
        tell(t, (char *)type);
    } else {
        char *least = param_of(data, "minLength");
        char *most = param_of(data, "maxLength");

        snprintf(text, sizeof text, "text of %s%s%s octets", least != NULL ? least : "0",
                 most != NULL ? " to " : " or more", most != NULL ? most : "");
        tell(t, text);
        xmlFree(least);
        xmlFree(most);
    }
    xmlFree(pattern);
    xmlFree(type);
}

static void tell_define(xmlNode *define, struct conf_scope *scope, void *arg)
{
    struct telling *t = arg;
    xmlNode *node;

    for (node = define->children; node != NULL; node = node->next)
        if (node->type != XML_ELEMENT_NODE || conf_rng_is(node, "name")) {
            continue;
        } else if (conf_rng_is(node, "choice")) {
            tell_define(node, scope, t);
        } else if (conf_rng_is(node, "value")) {
            xmlChar *value = xmlNodeGetContent(node);

            tell(t, (char *)value);
            xmlFree(value);
        } else if (conf_rng_is(node, "data")) {
            tell_data(t, node);
        } else if ((conf_rng_is(node, "ref") || conf_rng_is(node, "parentRef")) &&
                   t->depth < 32) {
            t->depth++;
            conf_scope_each(scope, node, tell_define, t);
            t->depth--;
        }
}

void conf_value_describe(xmlNode *attribute, struct conf_scope *scope, char *text, size_t cap)
{
    struct telling t = {text, cap, 0, 0};

    text[0] = '\0';
    tell_define(attribute, scope, &t);
    if (t.used == 0)
        snprintf(text, cap, "something else");
}
