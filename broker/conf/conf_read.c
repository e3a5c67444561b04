/* SPDX-License-Identifier: MIT */
/*
 * conf_read.c - from a file to a tree of nodes.
 *
 * libxml2 parses, with everything that reaches outside the file switched off: no network, no
 * entities, and a DOCTYPE ends the parse at once. The document is kept, for the schema; beside it
 * stands our own tree of elements and attributes, which is what plugins see. All "-file"
 * attributes are read here and not when they are asked for, because the broker may lose the right
 * to read them before that.
 */
#include "conf/conf_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct parse {
    const char *file;
    struct conf_faults *faults;
    int doctype; /* was seen and refused */
};

/* Each `part` of the message becomes "...". */
static void hide(char *message, const char *part)
{
    size_t n = part != NULL ? strlen(part) : 0, shown = n < 3 ? n : 3;
    char *p = message;

    while (n > 0 && (p = strstr(p, part)) != NULL) {
        memset(p, '.', shown);
        memmove(p + shown, p + n, strlen(p + n) + 1);
        p += shown;
    }
}

/*
 * libxml2 quotes what it stumbles over: behind a stray '&', '<' or '"' that is a piece of what may be
 * a password. Names are shown in the first complaint, when it is that an element has no end of its
 * own: after it, values may be taken for tags.
 */
static void hide_values(xmlErrorPtr error, int is_first)
{
    error->message[strcspn(error->message, "\n")] = '\0';
    if (is_first &&
        (error->code == XML_ERR_TAG_NAME_MISMATCH || error->code == XML_ERR_TAG_NOT_FINISHED))
        return;
    hide(error->message, error->str1);
    hide(error->message, error->str2);
    hide(error->message, error->str3);
}

static void parse_error(void *data, xmlErrorPtr error)
{
    xmlParserCtxt *ctxt = data;
    struct parse *p = ctxt->_private;

    if (p->doctype)
        return;
    if (error->message != NULL)
        hide_values(error, p->faults->count == 0);
    conf_faults_add(p->faults, p->file, (uint32_t)error->line, "not well-formed XML: %.255s",
                    error->message != NULL ? error->message : "no more is known");
}

static void parse_doctype(void *data, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
    xmlParserCtxt *ctxt = data;
    struct parse *p = ctxt->_private;

    (void)name;
    (void)id;
    (void)uri;
    p->doctype = 1;
    conf_faults_add(p->faults, p->file, (uint32_t)ctxt->input->line,
                    "a DOCTYPE is not allowed here; take it out");
    xmlStopParser(ctxt);
}

static int parse_document(const char *file, const char *text, size_t n, xmlDoc **out,
                          struct conf_faults *faults)
{
    struct parse p = {file, faults, 0};
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    xmlDoc *doc;
    int rc = 0;

    if (ctxt == NULL)
        return XMB_ENOMEM;
    ctxt->_private = &p;
    ctxt->sax->serror = parse_error;
    ctxt->sax->internalSubset = parse_doctype;
    doc = xmlCtxtReadMemory(ctxt, text, (int)n, file, NULL,
                            XML_PARSE_NONET | XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA);
    if (doc == NULL || !ctxt->wellFormed || p.doctype) {
        if (faults->count == 0)
            conf_faults_add(faults, file, 0, "not well-formed XML");
        rc = XMB_ECONF;
        xmlFreeDoc(doc);
    } else {
        *out = doc;
    }
    xmlFreeParserCtxt(ctxt);
    return rc;
}

/* All of `fd`, which must be a regular file; `*text` is the caller's. */
static int read_all(const char *file, int fd, char **text, size_t *n, struct conf_faults *faults)
{
    struct stat st;
    ssize_t got = 1;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)CONF_FILE_MAX) {
        conf_faults_add(faults, file, 0, "not a regular file of at most 16 MiB");
        return XMB_ECONF;
    }
    *text = malloc((size_t)st.st_size + 1);
    if (*text == NULL)
        return XMB_ENOMEM;
    for (*n = 0; *n < (size_t)st.st_size && got > 0; *n += (size_t)(got > 0 ? got : 0))
        got = read(fd, *text + *n, (size_t)st.st_size - *n);
    if (got < 0) {
        conf_faults_add(faults, file, 0, "cannot be read: %s", strerror(errno));
        free(*text);
        return XMB_ECONF;
    }
    return 0;
}

static int load_document(const char *file, xmlDoc **doc, struct conf_faults *faults)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    size_t n = 0;
    int rc;

    if (fd < 0) {
        conf_faults_add(faults, file, 0, "cannot be opened: %s", strerror(errno));
        return XMB_ECONF;
    }
    rc = read_all(file, fd, &text, &n, faults);
    close(fd);
    if (rc < 0)
        return rc;
    rc = parse_document(file, text, n, doc, faults);
    explicit_bzero(text, n); /* passwords may stand in it */
    free(text);
    return rc;
}

static int add_attr(struct xmb_conf *node, xmlAttr *xml)
{
    struct conf_attr **end = &node->attrs;
    struct conf_attr *attr = calloc(1, sizeof *attr);
    xmlChar *value;

    if (attr == NULL)
        return XMB_ENOMEM;
    while (*end != NULL)
        end = &(*end)->next;
    *end = attr;
    attr->name = (const char *)xml->name;
    value = xmlNodeListGetString(xml->doc, xml->children, 1);
    attr->value = strdup(value != NULL ? (const char *)value : "");
    if (value != NULL) {
        explicit_bzero(value, strlen((char *)value));
        xmlFree(value);
    }
    if (attr->value == NULL)
        return XMB_ENOMEM;
    return conf_secret_is(attr->name) ? conf_secret_read(node->conf, attr) : 0;
}

static struct xmb_conf *new_node(struct conf *c, struct xmb_conf *parent, const char *name)
{
    struct xmb_conf *node = calloc(1, sizeof *node);

    if (node == NULL)
        return NULL;
    node->conf = c;
    node->parent = parent;
    node->name = name;
    node->children_end = &node->child;
    if (parent != NULL) {
        *parent->children_end = node;
        parent->children_end = &node->next;
    }
    return node;
}

/* The parser has bounded the depth (256), and so the recursion. */
static int build(struct conf *c, xmlNode *xml, struct xmb_conf *parent, struct xmb_conf **out)
{
    struct xmb_conf *node = new_node(c, parent, (const char *)xml->name);
    xmlAttr *attr;
    xmlNode *child;
    int rc = 0;

    *out = node;
    if (node == NULL)
        return XMB_ENOMEM;
    node->line = (uint32_t)xmlGetLineNo(xml);
    node->xml = xml;
    for (attr = xml->properties; attr != NULL && rc == 0; attr = attr->next)
        rc = add_attr(node, attr);
    for (child = xml->children; child != NULL && rc == 0; child = child->next)
        if (child->type == XML_ELEMENT_NODE) {
            struct xmb_conf *made;

            rc = build(c, child, node, &made);
        }
    return rc;
}

/* <broker>, or an empty element in its place. */
static int find_broker(struct conf *c)
{
    struct xmb_conf *node;

    for (node = c->root->child; node != NULL; node = node->next)
        if (strcmp(node->name, "broker") == 0) {
            c->broker = node;
            return 0;
        }
    c->broker = new_node(c, NULL, "broker");
    if (c->broker == NULL)
        return XMB_ENOMEM;
    c->broker->line = c->root->line;
    return 0;
}

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
}

int conf_read(const char *file, struct conf **out, struct conf_faults *faults)
{
    struct conf *c = calloc(1, sizeof *c);
    size_t before = faults->count;
    int rc = XMB_ENOMEM;

    if (c == NULL)
        return XMB_ENOMEM;
    c->refs = 1;
    c->file = strdup(file);
    c->folder = folder_of(file);
    if (c->file == NULL || c->folder == NULL)
        goto out;
    rc = load_document(file, &c->doc, faults);
    if (rc < 0)
        goto out;
    rc = build(c, xmlDocGetRootElement(c->doc), NULL, &c->root);
    if (rc == 0)
        rc = find_broker(c);
    if (rc < 0)
        goto out;
    conf_frame_check(c, faults);
    if (faults->count != before)
        rc = XMB_ECONF;
out:
    if (rc < 0) {
        if (rc == XMB_ENOMEM)
            conf_faults_add(faults, file, 0, "out of memory while reading it");
        conf_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

static void free_node(struct xmb_conf *node)
{
    while (node != NULL) {
        struct xmb_conf *next = node->next;

        while (node->attrs != NULL) {
            struct conf_attr *attr = node->attrs;

            node->attrs = attr->next;
            conf_wipe(attr->value);
            conf_wipe(attr->secret);
            free(attr->unread);
            free(attr);
        }
        free_node(node->child);
        free(node);
        node = next;
    }
}

struct conf *conf_hold(struct conf *c)
{
    c->refs++;
    return c;
}

void conf_free(struct conf *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    if (c->broker != NULL && c->broker->parent == NULL)
        free_node(c->broker);
    free_node(c->root);
    xmlFreeDoc(c->doc);
    free(c->folder);
    free(c->file);
    free(c);
}

const char *conf_file(const struct conf *c)
{
    return c->file;
}
