/* SPDX-License-Identifier: MIT */
/*
 * conf_frame.c - the frame of the file: what must be right before plugins can be looked for.
 *
 * <xmb> in our namespace; at most one <broker>; <module>s with a name that can be a file's name
 * and optional="yes|no". The schema would find the same, but only with all plugins loaded, and
 * which those are stands in the frame.
 */
#include "conf/conf_priv.h"

#include <string.h>

#define MODULE_NAME_MAX 63

static void check_namespace(const struct xmb_conf *node, struct conf_faults *faults)
{
    const xmlNs *ns = node->xml->ns;

    if (ns == NULL || strcmp((const char *)ns->href, CONF_NAMESPACE) != 0) {
        conf_faults_add(faults, node->conf->file, node->line,
                        "<%s> is not in the namespace " CONF_NAMESPACE "%s", node->name,
                        node->parent == NULL ? "; write <xmb xmlns=\"" CONF_NAMESPACE "\">" : "");
        return; /* what is inside would only say the same again */
    }
    for (node = node->child; node != NULL; node = node->next)
        check_namespace(node, faults);
}

/* [a-z][a-z0-9-]*, so that it can be neither a path nor an option. */
static int is_module_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return name[0] >= 'a' && name[0] <= 'z' && name[n] == '\0' && n <= MODULE_NAME_MAX;
}

static void check_module(const struct xmb_conf *node, struct conf_faults *faults)
{
    const struct conf_attr *name = conf_attr(node, "name");
    const struct conf_attr *optional = conf_attr(node, "optional");

    if (name == NULL)
        conf_faults_add(faults, node->conf->file, node->line, "<module> has no name");
    else if (!is_module_name(name->value))
        conf_faults_add(faults, node->conf->file, node->line,
                        "module name '%s' is not made of a-z, 0-9 and '-', beginning with a "
                        "letter, at most %d octets",
                        name->value, MODULE_NAME_MAX);
    if (optional != NULL && strcmp(optional->value, "yes") != 0 &&
        strcmp(optional->value, "no") != 0)
        conf_faults_add(faults, node->conf->file, node->line,
                        "attribute 'optional' of <module> is '%s'; expected yes or no",
                        optional->value);
}

/* Text between the elements of the frame: mostly a comment that lost its marks. */
static void check_text(const struct xmb_conf *root, struct conf_faults *faults)
{
    const xmlNode *child;

    for (child = root->xml->children; child != NULL; child = child->next)
        if (child->type == XML_TEXT_NODE && !xmlIsBlankNode(child))
            conf_faults_add(faults, root->conf->file, (uint32_t)xmlGetLineNo(child),
                            "text is not allowed inside <xmb>");
}

static void check_child(struct conf *c, const struct xmb_conf *node, struct conf_faults *faults)
{
    if (strcmp(node->name, "module") == 0)
        check_module(node, faults);
    else if (strcmp(node->name, "broker") != 0)
        conf_faults_add(faults, c->file, node->line,
                        "unknown element <%s> in <xmb>; known: broker, module", node->name);
    else if (node != c->broker)
        conf_faults_add(faults, c->file, node->line, "<broker> may stand only once in <xmb>");
    else if (node != c->root->child)
        conf_faults_add(faults, c->file, node->line, "<broker> must stand before every <module>");
}

void conf_frame_check(struct conf *c, struct conf_faults *faults)
{
    const struct xmb_conf *node;
    const struct conf_attr *attr;

    check_namespace(c->root, faults);
    if (strcmp(c->root->name, "xmb") != 0) {
        conf_faults_add(faults, c->file, c->root->line, "the outermost element is <%s>, not <xmb>",
                        c->root->name);
        return;
    }
    for (attr = c->root->attrs; attr != NULL; attr = attr->next)
        conf_faults_add(faults, c->file, c->root->line,
                        "unknown attribute '%s' of <xmb>; it has none", attr->name);
    check_text(c->root, faults);
    for (node = c->root->child; node != NULL; node = node->next)
        check_child(c, node, faults);
}
