/* SPDX-License-Identifier: MIT */
/*
 * lists.h - named address lists: ordered networks that permit or deny.
 *
 * A struct lists is one configuration, immutable once prepared, shared by all
 * workers until it is retired.
 */
#ifndef ALLOW_DENY_LISTS_H
#define ALLOW_DENY_LISTS_H

#include <xmb/xmb.h>

#define LISTS_ENTRIES_MAX 100000u /* in all lists together */

/* Octets are compared as two words; the order of their octets does not matter for that. */
struct entry {
    uint64_t network[2];
    uint64_t mask[2];
    uint32_t line;
    uint8_t family; /* 4 or 6 */
    uint8_t permit;
};

struct list {
    struct list *next;
    const char *name; /* of the configuration, which lives as long */
    uint32_t line;
    uint32_t count;
    struct entry *entries;
};

struct lists {
    struct list *first;
    uint32_t list_count;
    uint32_t entry_count;
};

/* XMB_ECONF with every fault reported, XMB_ENOMEM. Thread: control. */
int lists_read(const struct xmb_conf_api *api, const struct xmb_conf *conf, struct lists **out);
void lists_free(struct lists *lists); /* NULL is fine */

/* The list called `name`, or NULL. Pure, as what follows. */
const struct list *lists_find(const struct lists *lists, const char *name);
/* The first entry that `a` is in, or NULL. An IPv4-mapped IPv6 address is IPv4 here. */
const struct entry *list_match(const struct list *list, const struct xmb_addr *a);

#endif
