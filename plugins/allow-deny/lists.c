/* SPDX-License-Identifier: MIT */
/*
 * lists.c - what an address list says of an address.
 *
 * The first entry that fits decides, so a list is walked from its beginning;
 * an entry costs two masked comparisons, and some thousands of them less than
 * the accept(2) that they guard.
 */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* An address as it is compared: family 4 for IPv4-mapped IPv6 too. */
static uint8_t normal_form(const struct xmb_addr *a, uint8_t ip[16])
{
    if (a->family == 6 && memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        memset(ip, 0, 16);
        memcpy(ip, a->ip + 12, 4);
        return 4;
    }
    memcpy(ip, a->ip, 16);
    return a->family;
}

static void mask_of(uint32_t bits, uint8_t mask[16])
{
    memset(mask, 0, 16);
    memset(mask, 0xff, bits / 8);
    if (bits % 8 != 0)
        mask[bits / 8] = (uint8_t)(0xff << (8 - bits % 8));
}

const struct list *lists_find(const struct lists *lists, const char *name)
{
    const struct list *list;

    for (list = lists->first; list != NULL; list = list->next)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

const struct entry *list_match(const struct list *list, const struct xmb_addr *a)
{
    uint8_t ip[16];
    uint8_t family = normal_form(a, ip);
    uint64_t word[2];
    uint32_t i;

    memcpy(word, ip, sizeof(word));
    for (i = 0; i < list->count; i++) {
        const struct entry *e = &list->entries[i];

        if (e->family == family && (word[0] & e->mask[0]) == e->network[0] &&
            (word[1] & e->mask[1]) == e->network[1])
            return e;
    }
    return NULL;
}

/* --- configuration --------------------------------------------------------------------------- */

/* A network of mapped addresses (::ffff:192.0.2.0/120) is the IPv4 network that it names. */
static void entry_set(struct entry *e, const struct xmb_addr *network, uint32_t bits)
{
    uint8_t ip[16];
    uint8_t mask[16];
    int i;

    e->family = bits >= 96 || network->family == 4 ? normal_form(network, ip) : network->family;
    if (e->family == network->family)
        memcpy(ip, network->ip, sizeof(ip));
    else
        bits -= 96;
    mask_of(bits, mask);
    for (i = 0; i < 16; i++)
        ip[i] &= mask[i];
    memcpy(e->network, ip, sizeof(ip));
    memcpy(e->mask, mask, sizeof(mask));
}

static uint32_t entries_in(const struct xmb_conf_api *api, const struct xmb_conf *node)
{
    const struct xmb_conf *child;
    uint32_t n = 0;

    for (child = api->child(node, NULL); child != NULL; child = api->next(child, NULL))
        n++;
    return n;
}

static int read_entries(const struct xmb_conf_api *api, const struct xmb_conf *node,
                        struct list *list)
{
    const struct xmb_conf *child;
    int result = 0;

    for (child = api->child(node, NULL); child != NULL; child = api->next(child, NULL)) {
        struct entry *e = &list->entries[list->count];
        struct xmb_addr network = {0};
        uint32_t bits = 0;

        if (api->network(child, "network", &network, &bits) < 0) {
            result = XMB_ECONF;
            continue;
        }
        e->line = api->line(child);
        e->permit = strcmp(api->name(child), "permit") == 0;
        entry_set(e, &network, bits);
        list->count++;
    }
    return result;
}

static void list_free(struct list *list)
{
    if (list != NULL)
        free(list->entries);
    free(list);
}

/* On success `*out` is the caller's, also with XMB_ECONF; else it is NULL. */
static int read_list(const struct xmb_conf_api *api, const struct xmb_conf *node,
                     struct lists *lists, struct list **out)
{
    const char *name = api->text(node, "name", "");
    const struct list *first = lists_find(lists, name);
    uint32_t count = entries_in(api, node);
    struct list *list;
    int rc;

    *out = NULL;
    if (count > LISTS_ENTRIES_MAX - lists->entry_count)
        return api->fault(node, "address lists have more than %u entries in all",
                          LISTS_ENTRIES_MAX);
    list = calloc(1, sizeof(*list));
    if (list != NULL)
        list->entries = calloc(count > 0 ? count : 1, sizeof(*list->entries));
    if (list == NULL || list->entries == NULL) {
        list_free(list);
        return XMB_ENOMEM;
    }
    list->name = name;
    list->line = api->line(node);
    *out = list;
    rc = read_entries(api, node, list);
    if (first != NULL)
        rc = api->fault(node, "address list \"%s\" is here a second time; the first is in line %u",
                        name, first->line);
    return rc;
}

int lists_read(const struct xmb_conf_api *api, const struct xmb_conf *conf, struct lists **out)
{
    struct lists *lists = calloc(1, sizeof(*lists));
    const struct xmb_conf *node;
    int result = lists != NULL ? 0 : XMB_ENOMEM;

    for (node = api->child(conf, "address-list"); result != XMB_ENOMEM && node != NULL;
         node = api->next(node, "address-list")) {
        struct list *list;
        int rc = read_list(api, node, lists, &list);

        if (rc < 0)
            result = rc;
        if (list == NULL)
            continue;
        list->next = lists->first;
        lists->first = list;
        lists->list_count++;
        lists->entry_count += list->count;
    }
    if (result < 0)
        lists_free(lists);
    else
        *out = lists;
    return result;
}

void lists_free(struct lists *lists)
{
    struct list *list;

    if (lists == NULL)
        return;
    while ((list = lists->first) != NULL) {
        lists->first = list->next;
        list_free(list);
    }
    free(lists);
}
