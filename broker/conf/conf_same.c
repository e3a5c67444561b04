/* SPDX-License-Identifier: MIT */
/*
 * conf_same.c - do two elements say the same?
 *
 * What a reload asks for each module, to leave alone those that nobody touched. Comments, white
 * space around text and the order of attributes mean nothing; the order of elements does (policy
 * lists are read from the top). A "-file" attribute is also what is in the file.
 */
#include "conf/conf_priv.h"

#include <string.h>

static int attr_same(const struct conf_attr *a, const struct conf_attr *b)
{
    if (b == NULL || strcmp(a->value, b->value) != 0 || a->hash != b->hash)
        return 0;
    if ((a->unread != NULL) != (b->unread != NULL))
        return 0;
    return a->unread == NULL || strcmp(a->unread, b->unread) == 0;
}

static size_t attr_count(const struct xmb_conf *node)
{
    const struct conf_attr *attr;
    size_t n = 0;

    for (attr = node->attrs; attr != NULL; attr = attr->next)
        n++;
    return n;
}

static int attrs_same(const struct xmb_conf *a, const struct xmb_conf *b)
{
    const struct conf_attr *attr;

    if (attr_count(a) != attr_count(b))
        return 0;
    for (attr = a->attrs; attr != NULL; attr = attr->next)
        if (!attr_same(attr, conf_attr(b, attr->name)))
            return 0;
    return 1;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next octet of the text directly in an element that is not white space; 0 at the end. */
static char next_octet(const xmlNode **node, const char **at)
{
    while (*node != NULL) {
        if ((*node)->type == XML_TEXT_NODE && *at == NULL)
            *at = (const char *)(*node)->content;
        while (*at != NULL && is_space(**at))
            (*at)++;
        if (*at != NULL && **at != '\0')
            return *(*at)++;
        *node = (*node)->next;
        *at = NULL;
    }
    return '\0';
}

int conf_text_same(const xmlNode *a, const xmlNode *b)
{
    const xmlNode *at_a = a != NULL ? a->children : NULL;
    const xmlNode *at_b = b != NULL ? b->children : NULL;
    const char *p_a = NULL;
    const char *p_b = NULL;
    char octet;

    do {
        octet = next_octet(&at_a, &p_a);
        if (octet != next_octet(&at_b, &p_b))
            return 0;
    } while (octet != '\0');
    return 1;
}

int conf_same(const struct xmb_conf *a, const struct xmb_conf *b)
{
    const struct xmb_conf *in_a;
    const struct xmb_conf *in_b;

    if (a == NULL || b == NULL)
        return a == b;
    if (strcmp(a->name, b->name) != 0 || !attrs_same(a, b) || !conf_text_same(a->xml, b->xml))
        return 0;
    in_a = a->child;
    in_b = b->child;
    while (in_a != NULL && in_b != NULL) {
        if (!conf_same(in_a, in_b))
            return 0;
        in_a = in_a->next;
        in_b = in_b->next;
    }
    return in_a == in_b;
}
