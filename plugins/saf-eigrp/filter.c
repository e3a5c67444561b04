/* SPDX-License-Identifier: MIT */
/*
 * filter.c - what lists say: the first rule that matches decides, and none is a no.
 *
 * Service lists are asked about every service that comes in or goes out, so they are short walks
 * over plain arrays.
 */
#include "conf.h"

static int matches(const struct se_service_rule *rule, const struct xmb_service_id *id,
                   uint32_t tag, uint32_t origin)
{
    if (rule->has_tag && rule->tag != tag)
        return 0;
    if (rule->has_origin && rule->origin != origin)
        return 0;
    return xmb_service_match(&rule->pattern, id);
}

int se_service_list_allows(const struct se_service_list *list, const struct xmb_service_id *id,
                           uint32_t tag, uint32_t origin)
{
    size_t i;

    if (list == NULL)
        return 1;
    for (i = 0; i < list->count; i++)
        if (matches(&list->rules[i], id, tag, origin))
            return list->rules[i].is_allowed;
    return 0;
}

int se_same_addr(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

int se_in_prefix(const struct xmb_addr *addr, const struct xmb_addr *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    if (addr->family != prefix->family || memcmp(addr->ip, prefix->ip, whole) != 0)
        return 0;
    return rest == 0 || ((addr->ip[whole] ^ prefix->ip[whole]) >> (8 - rest)) == 0;
}

int se_address_list_allows(const struct se_address_list *list, const struct xmb_addr *addr)
{
    size_t i;

    if (list == NULL)
        return 1;
    for (i = 0; i < list->count; i++)
        if (se_in_prefix(addr, &list->rules[i].addr, list->rules[i].bits))
            return list->rules[i].is_allowed;
    return 0;
}

/* --- changes ---------------------------------------------------------------------------------- */

static int same_rule(const struct se_service_rule *a, const struct se_service_rule *b)
{
    return memcmp(&a->pattern, &b->pattern, sizeof(a->pattern)) == 0 && a->has_tag == b->has_tag &&
           a->has_origin == b->has_origin && a->is_allowed == b->is_allowed &&
           (!a->has_tag || a->tag == b->tag) && (!a->has_origin || a->origin == b->origin);
}

static int same_list(const struct se_service_list *a, const struct se_service_list *b)
{
    size_t i;

    if (a == NULL || b == NULL)
        return a == b;
    if (a->count != b->count)
        return 0;
    for (i = 0; i < a->count; i++)
        if (!same_rule(&a->rules[i], &b->rules[i]))
            return 0;
    return 1;
}

/* Each interface that `a` names has the same list in `b`. */
static int same_on_ifaces(const struct se_family_conf *a, const struct se_family_conf *b)
{
    size_t i;

    for (i = 0; i < a->iface_count; i++)
        if (!same_list(a->ifaces[i].inbound, se_conf_iface(b, a->ifaces[i].name)->inbound))
            return 0;
    return 1;
}

int se_conf_same_inbound(const struct se_family_conf *a, const struct se_family_conf *b)
{
    return same_list(a->inbound, b->inbound) &&
           same_list(a->otherwise.inbound, b->otherwise.inbound) && same_on_ifaces(a, b) &&
           same_on_ifaces(b, a);
}
