/* SPDX-License-Identifier: MIT */
/*
 * conf.c - configuration nodes from an XML text, checked against the plugin's
 * schema as the broker does it, with libxml2.
 *
 * Messages are plainer than the broker's; what is accepted and refused is the
 * same. The two definitions that the core lends to plugins (<listen>) are
 * here once more.
 */
#include "fake_priv.h"

#include <arpa/inet.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <strings.h>

struct xmb_conf {
    struct xmb_conf *child;
    struct xmb_conf *next;
    xmlNode *node;
    char *name;
    char *secret; /* of a file */
    struct attribute {
        struct attribute *next;
        char *name;
        char *value;
    } *attributes;
    xmlDoc *doc; /* of the root */
};

static XMB_PRINTF(2, 3) void report(uint32_t line, const char *format, ...)
{
    va_list args;

    fake_text_printf(&fake.faults, "%u: ", line);
    va_start(args, format);
    fake_text_vprintf(&fake.faults, format, args);
    va_end(args);
    if (fake.faults.n > 0 && fake.faults.p[fake.faults.n - 1] != '\n')
        fake_text_add(&fake.faults, "\n", 1);
}

/* --- schema ---------------------------------------------------------------------------------- */

static const char schema_begin[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns='urn:xmb:config:1'"
    " datatypeLibrary='http://www.w3.org/2001/XMLSchema-datatypes'>"
    "<define name='word'><data type='string'><param name='minLength'>1</param></data></define>"
    "<define name='listen'><element name='listen'><ref name='listen.attributes'/></element>"
    "</define>"
    "<define name='listen.attributes'>"
    "<optional><attribute name='family'><choice><value>ipv4</value><value>ipv6</value></choice>"
    "</attribute></optional>"
    "<optional><attribute name='address'><ref name='word'/></attribute></optional>"
    "<optional><attribute name='port'><data type='unsignedShort'/></attribute></optional>"
    "<optional><attribute name='vrf'><ref name='word'/></attribute></optional>"
    "<optional><attribute name='tls'><ref name='word'/></attribute></optional>"
    "<optional><attribute name='backlog'><data type='positiveInteger'/></attribute></optional>"
    "<optional><attribute name='queue'><ref name='word'/></attribute></optional>"
    "</define><start><element name='module'><attribute name='name'/>";
static const char schema_end[] = "</element></start></grammar>";

static void on_schema_error(void *data, xmlErrorPtr error)
{
    const char *what = data;

    report(error->line > 0 ? (uint32_t)error->line : 0, "%s: %s", what,
           error->message != NULL ? error->message : "?");
}

/* The plugin's grammar without its XML declaration, to stand inside ours. */
static void add_grammar(struct fake_text *t, const struct xmb_plugin *p)
{
    const char *text = p->schema;
    size_t n = p->schema_bytes;
    const char *end;

    if (n > 5 && memcmp(text, "<?xml", 5) == 0 && (end = memchr(text, '>', n)) != NULL) {
        n -= (size_t)(end + 1 - text);
        text = end + 1;
    }
    fake_text_add(t, text, n);
}

static xmlRelaxNG *schema_of(const struct xmb_plugin *p)
{
    struct fake_text t = {NULL, 0, 0};
    xmlRelaxNGParserCtxt *ctxt;
    xmlRelaxNG *schema;

    fake_text_add(&t, schema_begin, sizeof(schema_begin) - 1);
    if (p->schema != NULL)
        add_grammar(&t, p);
    else
        fake_text_printf(&t, "<empty/>");
    fake_text_add(&t, schema_end, sizeof(schema_end) - 1);
    ctxt = xmlRelaxNGNewMemParserCtxt(t.p, (int)t.n);
    if (ctxt == NULL)
        fake_fail("out of memory");
    xmlRelaxNGSetParserStructuredErrors(ctxt, on_schema_error, (void *)(uintptr_t) "schema");
    schema = xmlRelaxNGParse(ctxt);
    xmlRelaxNGFreeParserCtxt(ctxt);
    fake_text_free(&t);
    if (schema == NULL)
        fake_fail("the schema of %s is not RELAX NG:\n%s", p->name, fake_text_get(&fake.faults));
    return schema;
}

static int fits_schema(const struct xmb_plugin *p, xmlDoc *doc)
{
    xmlRelaxNG *schema = schema_of(p);
    xmlRelaxNGValidCtxt *ctxt = xmlRelaxNGNewValidCtxt(schema);
    int rc;

    if (ctxt == NULL)
        fake_fail("out of memory");
    xmlRelaxNGSetValidStructuredErrors(ctxt, on_schema_error, (void *)(uintptr_t) "configuration");
    rc = xmlRelaxNGValidateDoc(ctxt, doc);
    xmlRelaxNGFreeValidCtxt(ctxt);
    xmlRelaxNGFree(schema);
    if (rc != 0 && fake.faults.n == 0)
        report(0, "configuration: it does not fit the schema");
    return rc == 0;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static char *copy(const xmlChar *s)
{
    char *out = strdup(s != NULL ? (const char *)s : "");

    if (out == NULL)
        fake_fail("out of memory");
    return out;
}

static void add_attributes(struct xmb_conf *c)
{
    const xmlAttr *a;

    for (a = c->node->properties; a != NULL; a = a->next) {
        struct attribute *one = fake_alloc(sizeof(*one));
        xmlChar *value = xmlNodeListGetString(c->node->doc, a->children, 1);

        one->name = copy(a->name);
        one->value = copy(value);
        xmlFree(value);
        one->next = c->attributes;
        c->attributes = one;
    }
}

static struct xmb_conf *node_new(xmlNode *node)
{
    struct xmb_conf *c = fake_alloc(sizeof(*c));
    struct xmb_conf **end = &c->child;
    xmlNode *child;

    c->node = node;
    c->name = copy(node->name);
    add_attributes(c);
    for (child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE) {
            *end = node_new(child);
            end = &(*end)->next;
        }
    return c;
}

struct xmb_conf *fake_conf_read(const struct xmb_module *m, const char *attributes,
                                const char *inner)
{
    struct fake_text t = {NULL, 0, 0};
    struct xmb_conf *root = NULL;
    xmlDoc *doc;

    fake_text_printf(&t, "<module xmlns='urn:xmb:config:1' name='%s' %s>\n%s\n</module>",
                     m->plugin->name, attributes, inner);
    doc = xmlReadMemory(t.p, (int)t.n, "fake", NULL,
                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    fake_text_free(&t);
    if (doc == NULL) {
        report(0, "configuration: it is not XML");
        return NULL;
    }
    if (fits_schema(m->plugin, doc)) {
        root = node_new(xmlDocGetRootElement(doc));
        root->doc = doc;
    } else {
        xmlFreeDoc(doc);
    }
    return root;
}

void fake_conf_free(struct xmb_conf *c)
{
    if (c == NULL)
        return;
    while (c->child != NULL) {
        struct xmb_conf *child = c->child;

        c->child = child->next;
        fake_conf_free(child);
    }
    while (c->attributes != NULL) {
        struct attribute *a = c->attributes;

        c->attributes = a->next;
        free(a->name);
        free(a->value);
        free(a);
    }
    free(c->name);
    free(c->secret);
    xmlFreeDoc(c->doc);
    free(c);
}

/* --- getters --------------------------------------------------------------------------------- */

static const char *get_name(const struct xmb_conf *c)
{
    return c->name;
}

static const struct xmb_conf *named(const struct xmb_conf *c, const char *name)
{
    while (c != NULL && name != NULL && strcmp(c->name, name) != 0)
        c = c->next;
    return c;
}

static const struct xmb_conf *get_child(const struct xmb_conf *c, const char *name)
{
    return named(c->child, name);
}

static const struct xmb_conf *get_next(const struct xmb_conf *c, const char *name)
{
    return named(c->next, name);
}

static uint32_t get_line(const struct xmb_conf *c)
{
    return (uint32_t)xmlGetLineNo(c->node);
}

static const char *get_text(const struct xmb_conf *c, const char *attribute, const char *absent)
{
    const struct attribute *a;

    for (a = c->attributes; a != NULL; a = a->next)
        if (strcmp(a->name, attribute) == 0)
            return a->value;
    return absent;
}

static XMB_PRINTF(2, 3) int get_fault(const struct xmb_conf *c, const char *format, ...)
{
    va_list args;

    fake_text_printf(&fake.faults, "%u: ", get_line(c));
    va_start(args, format);
    fake_text_vprintf(&fake.faults, format, args);
    va_end(args);
    fake_text_add(&fake.faults, "\n", 1);
    return XMB_ECONF;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

static int parse(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t n = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (n > (UINT64_MAX - 9) / 10)
            return 0;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    for (; p != text && units->suffix != NULL; units++)
        if (strcasecmp(p, units->suffix) == 0) {
            *out = n * units->factor;
            return n <= UINT64_MAX / units->factor;
        }
    return 0;
}

static int get_measure(const struct xmb_conf *c, const char *attribute, const struct unit *units,
                       uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = get_text(c, attribute, NULL);
    uint64_t n;

    if (text == NULL)
        return 0;
    if (!parse(text, units, &n) || n < min || n > max)
        return get_fault(c, "attribute '%s' of <%s> is '%s'; expected %llu to %llu%s", attribute,
                         c->name, text, (unsigned long long)min, (unsigned long long)max,
                         units[0].factor == 1000 ? " ms" : "");
    *out = n;
    return 0;
}

static int get_number(const struct xmb_conf *c, const char *attribute, uint64_t min, uint64_t max,
                      uint64_t *out)
{
    static const struct unit units[] = {{"", 1}, {NULL, 0}};

    return get_measure(c, attribute, units, min, max, out);
}

static int get_duration(const struct xmb_conf *c, const char *attribute, uint64_t min_ms,
                        uint64_t max_ms, uint64_t *out_ms)
{
    static const struct unit units[] = {{"", 1000},     {"s", 1000},    {"ms", 1},
                                        {"m", 60000},   {"h", 3600000}, {"d", 86400000},
                                        {NULL, 0}};

    return get_measure(c, attribute, units, min_ms, max_ms, out_ms);
}

static int get_bytes(const struct xmb_conf *c, const char *attribute, uint64_t min_bytes,
                     uint64_t max_bytes, uint64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {NULL, 0}};

    return get_measure(c, attribute, units, min_bytes, max_bytes, out_bytes);
}

static int get_flag(const struct xmb_conf *c, const char *attribute, int32_t *out)
{
    static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};
    const char *text = get_text(c, attribute, NULL);
    int i;

    if (text == NULL)
        return 0;
    for (i = 0; i < 6; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i & 1;
            return 0;
        }
    return get_fault(c, "attribute '%s' of <%s> is '%s'; expected yes or no", attribute, c->name,
                     text);
}

static int parse_address(const char *text, struct xmb_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, out->ip) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, text, out->ip) == 1)
        out->family = 6;
    return out->family != 0;
}

static int get_address(const struct xmb_conf *c, const char *attribute, struct xmb_addr *out)
{
    const char *text = get_text(c, attribute, NULL);
    struct xmb_addr a;

    if (text == NULL)
        return 0;
    if (!parse_address(text, &a))
        return get_fault(c, "attribute '%s' of <%s> is '%s'; expected an IP address", attribute,
                         c->name, text);
    *out = a;
    return 0;
}

static void clear_host_bits(struct xmb_addr *a, uint32_t bits)
{
    uint32_t i;

    for (i = 0; i < 16; i++)
        if (i * 8 >= bits)
            a->ip[i] = 0;
        else if (bits - i * 8 < 8)
            a->ip[i] &= (uint8_t)(0xff << (8 - (bits - i * 8)));
}

static int get_network(const struct xmb_conf *c, const char *attribute, struct xmb_addr *out,
                       uint32_t *prefix_bits)
{
    static const struct unit units[] = {{"", 1}, {NULL, 0}};
    const char *text = get_text(c, attribute, NULL);
    const char *slash = text != NULL ? strchr(text, '/') : NULL;
    char plain[64];
    struct xmb_addr a;
    uint64_t bits;

    if (text == NULL)
        return 0;
    snprintf(plain, sizeof(plain), "%.*s", (int)(slash != NULL ? slash - text : 63), text);
    if (slash == NULL || !parse_address(plain, &a) || !parse(slash + 1, units, &bits) ||
        bits > (a.family == 4 ? 32u : 128u))
        return get_fault(c, "attribute '%s' of <%s> is '%s'; expected a network", attribute,
                         c->name, text);
    clear_host_bits(&a, (uint32_t)bits);
    *out = a;
    *prefix_bits = (uint32_t)bits;
    return 0;
}

static int get_secret(const struct xmb_conf *c, const char *attribute, const char **out)
{
    struct xmb_conf *mine = (struct xmb_conf *)(uintptr_t)c;
    const char *text = get_text(c, attribute, NULL);
    char file_attribute[128];
    char line[4098];
    const char *path;
    FILE *f;

    snprintf(file_attribute, sizeof(file_attribute), "%s-file", attribute);
    path = get_text(c, file_attribute, NULL);
    if (text != NULL && path != NULL)
        return get_fault(c, "both '%s' and '%s-file' are there", attribute, attribute);
    if (text == NULL && path == NULL)
        return XMB_ENOENT;
    if (text != NULL) {
        *out = text;
        return 0;
    }
    f = fopen(path, "re");
    if (f == NULL || fgets(line, sizeof(line), f) == NULL)
        line[0] = '\0';
    if (f != NULL)
        fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0')
        return get_fault(c, "file '%s' cannot be read, or is empty", path);
    free(mine->secret);
    mine->secret = copy((const xmlChar *)line);
    *out = mine->secret;
    return 0;
}

const struct xmb_conf_api fake_conf_api = {
    .size = sizeof(fake_conf_api),
    .rev = 1,
    .name = get_name,
    .child = get_child,
    .next = get_next,
    .line = get_line,
    .text = get_text,
    .number = get_number,
    .flag = get_flag,
    .duration = get_duration,
    .bytes = get_bytes,
    .address = get_address,
    .network = get_network,
    .secret = get_secret,
    .fault = get_fault,
};
