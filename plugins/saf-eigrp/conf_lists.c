/* SPDX-License-Identifier: MIT */
/*
 * conf_lists.c - <service-list> and <address-list>, and finding them by their names.
 *
 * Lists are read before what names them. Their places stay, so that others may point to them.
 */
#include "conf_priv.h"

#include <stdlib.h>

#define WORD_MAX (XMB_ANY_WORD - 1)

/* --- rules of a service list ------------------------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 'a' - 'A';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal words with dots between them, as in all answers; "*" for any. */
static int parse_instance(const char *text, uint32_t out[4])
{
    uint64_t n;
    int i;

    for (i = 0; i < 4; i++) {
        if (i > 0 && *text++ != '.')
            return 0;
        if (*text == '*') {
            out[i] = XMB_ANY_WORD;
            text++;
            continue;
        }
        if (hex_digit(*text) < 0)
            return 0;
        for (n = 0; hex_digit(*text) >= 0 && n <= WORD_MAX; text++)
            n = n * 16 + (uint64_t)hex_digit(*text);
        if (n > WORD_MAX)
            return 0;
        out[i] = (uint32_t)n;
    }
    return *text == '\0';
}

static int read_instance(const struct se_reader *r, const struct xmb_conf *node,
                         struct se_service_rule *rule)
{
    const char *text = r->api->text(node, "instance", NULL);

    if (text == NULL || parse_instance(text, rule->pattern.instance))
        return 0;
    return r->api->fault(node, "attribute 'instance' of <%s> is '%s'; expected four "
                               "hexadecimal words below ffffffff with dots between them, or * for "
                               "any, such as 0000000a.2.*.*",
                         r->api->name(node), text);
}

static int read_service_rule(const struct se_reader *r, const struct xmb_conf *node, void *at)
{
    static const struct se_setting settings[] = {
#define ROW(member, attribute, max)                                                                \
    SE_SETTING(struct se_service_rule, member, attribute, SE_IS_COUNT, 0, max)
        ROW(pattern.service, "service", XMB_ANY_SERVICE - 1),
        ROW(pattern.subservice, "subservice", XMB_ANY_SUBSERVICE - 1),
        ROW(tag, "tag", UINT32_MAX),
#undef ROW
    };
    struct se_service_rule *rule = at;
    int rc;

    rule->pattern = (struct xmb_service_id){
        XMB_ANY_SERVICE, XMB_ANY_SUBSERVICE,
        {XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD}};
    rule->is_allowed = strcmp(r->api->name(node), "allow") == 0;
    rule->has_tag = r->api->text(node, "tag", NULL) != NULL;
    rule->has_origin = r->api->text(node, "origin", NULL) != NULL;
    rc = se_conf_settings(r, node, rule, settings, sizeof(settings) / sizeof(settings[0]));
    se_conf_worst(&rc, read_instance(r, node, rule));
    if (rule->has_origin)
        se_conf_worst(&rc, se_conf_router_id(r, node, "origin", &rule->origin));
    return rc;
}

static int read_address_rule(const struct se_reader *r, const struct xmb_conf *node, void *at)
{
    struct se_address_rule *rule = at;
    uint32_t bits = 0;
    int rc = r->api->network(node, "address", &rule->addr, &bits);

    rule->bits = (uint8_t)bits;
    rule->is_allowed = strcmp(r->api->name(node), "allow") == 0;
    return rc;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* All children of `list`, of `bytes` octets each, into an array of their number. */
static int read_rules(const struct se_reader *r, const struct xmb_conf *list, size_t bytes,
                      int (*fn)(const struct se_reader *r, const struct xmb_conf *node, void *at),
                      void **rules, size_t *count)
{
    const struct xmb_conf *e;
    char *at = calloc(se_conf_count(r, list, NULL) + 1, bytes);
    int rc = 0;

    *rules = at;
    if (at == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(list, NULL); e != NULL; e = r->api->next(e, NULL), at += bytes) {
        se_conf_worst(&rc, fn(r, e, at));
        (*count)++;
    }
    return rc;
}

static int check_twice(const struct se_reader *r, const struct xmb_conf *list)
{
    const char *kind = r->api->name(list), *name = r->api->text(list, "name", "");
    const struct xmb_conf *e;

    for (e = r->api->child(r->root, kind); e != list; e = r->api->next(e, kind))
        if (se_conf_is(r, e, "name", name))
            return r->api->fault(list, "<%s name=\"%s\"> is here a second time; the first is in "
                                       "line %u",
                                 kind, name, r->api->line(e));
    return 0;
}

static int read_service_list(const struct se_reader *r, const struct xmb_conf *node,
                             struct se_service_list *list, size_t *total)
{
    void *rules;
    int rc = se_conf_name(r, node, "name", list->name, sizeof(list->name));

    se_conf_worst(&rc, check_twice(r, node));
    *total += se_conf_count(r, node, NULL);
    if (*total > SE_RULES_MAX)
        return r->api->fault(node, "the service lists have more than %d rules up to here",
                             SE_RULES_MAX);
    se_conf_worst(&rc, read_rules(r, node, sizeof(*list->rules), read_service_rule, &rules,
                                  &list->count));
    list->rules = rules;
    return rc;
}

static int read_service_lists(const struct se_reader *r)
{
    struct se_conf *c = r->conf;
    const struct xmb_conf *e;
    size_t total = 0, n = se_conf_count(r, r->root, "service-list");
    int rc = 0;

    if (n > SE_LISTS_MAX)
        return r->api->fault(r->root, "there are %zu service lists; %d are the most", n,
                             SE_LISTS_MAX);
    c->service_lists = calloc(n + 1, sizeof(*c->service_lists));
    if (c->service_lists == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(r->root, "service-list"); e != NULL;
         e = r->api->next(e, "service-list"))
        se_conf_worst(&rc, read_service_list(r, e, &c->service_lists[c->service_list_count++],
                                             &total));
    return rc;
}

static int read_address_list(const struct se_reader *r, const struct xmb_conf *node,
                             struct se_address_list *list)
{
    void *rules;
    int rc = se_conf_name(r, node, "name", list->name, sizeof(list->name));

    se_conf_worst(&rc, check_twice(r, node));
    if (se_conf_count(r, node, NULL) > SE_ADDRESS_RULES_MAX)
        return r->api->fault(node, "<address-list name=\"%s\"> has more than %d rules", list->name,
                             SE_ADDRESS_RULES_MAX);
    se_conf_worst(&rc, read_rules(r, node, sizeof(*list->rules), read_address_rule, &rules,
                                  &list->count));
    list->rules = rules;
    return rc;
}

static int read_address_lists(const struct se_reader *r)
{
    struct se_conf *c = r->conf;
    const struct xmb_conf *e;
    size_t n = se_conf_count(r, r->root, "address-list");
    int rc = 0;

    if (n > SE_LISTS_MAX)
        return r->api->fault(r->root, "there are %zu address lists; %d are the most", n,
                             SE_LISTS_MAX);
    c->address_lists = calloc(n + 1, sizeof(*c->address_lists));
    if (c->address_lists == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(r->root, "address-list"); e != NULL;
         e = r->api->next(e, "address-list"))
        se_conf_worst(&rc, read_address_list(r, e, &c->address_lists[c->address_list_count++]));
    return rc;
}

int se_conf_read_lists(const struct se_reader *r)
{
    int rc = read_service_lists(r);

    se_conf_worst(&rc, read_address_lists(r));
    return rc;
}

/* --- by name ---------------------------------------------------------------------------------- */

static int unknown(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                   const char *kind)
{
    return r->api->fault(node, "attribute '%s' of <%s> is '%s', but there is no <%s> of that name",
                         attribute, r->api->name(node), r->api->text(node, attribute, ""), kind);
}

int se_conf_find_services(const struct se_reader *r, const struct xmb_conf *node,
                          const char *attribute, const struct se_service_list **out)
{
    const char *name = r->api->text(node, attribute, NULL);
    size_t i;

    if (name == NULL)
        return 0;
    for (i = 0; i < r->conf->service_list_count; i++)
        if (strcmp(r->conf->service_lists[i].name, name) == 0) {
            *out = &r->conf->service_lists[i];
            return 0;
        }
    return unknown(r, node, attribute, "service-list");
}

int se_conf_find_addresses(const struct se_reader *r, const struct xmb_conf *node,
                           const char *attribute, const struct se_address_list **out)
{
    const char *name = r->api->text(node, attribute, NULL);
    size_t i;

    if (name == NULL)
        return 0;
    for (i = 0; i < r->conf->address_list_count; i++)
        if (strcmp(r->conf->address_lists[i].name, name) == 0) {
            *out = &r->conf->address_lists[i];
            return 0;
        }
    return unknown(r, node, attribute, "address-list");
}
