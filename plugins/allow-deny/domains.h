/* SPDX-License-Identifier: MIT */
/*
 * domains.h - the list of foreign domains and what it means: everybody, only
 * these, or everybody but these.
 *
 * A struct domains is one configuration, immutable once prepared, shared by all
 * workers until it is retired. Without a <federation> element it is an allow
 * list with nobody in it.
 */
#ifndef ALLOW_DENY_DOMAINS_H
#define ALLOW_DENY_DOMAINS_H

#include <xmb/xmb.h>

#define DOMAINS_MAX 100000u

enum domains_mode { DOMAINS_ALLOW_LIST, DOMAINS_DENY_LIST, DOMAINS_OFF, DOMAINS_MODES };

struct domain {
    struct domain *next; /* in its bucket */
    uint32_t line;
    uint8_t suffix; /* stands for the names below it too */
    uint8_t n;
    char name[]; /* lower case, A-labels */
};

struct domains {
    enum domains_mode mode;
    uint32_t count;
    uint32_t mask; /* buckets less one; their number is a power of two */
    struct domain **bucket;
};

/*
 * Reads the <federation> element of module element `conf`. XMB_ECONF with every fault reported,
 * XMB_ENOMEM. On success `*out` is the caller's. Thread: control.
 */
int domains_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                 struct domains **out);
void domains_free(struct domains *d); /* NULL is fine */

/*
 * The entry that `name` (lower case, A-labels) is in: its own, else that of the nearest name above
 * it with suffix="yes". NULL: none. Pure; one hash for each label at most.
 */
const struct domain *domains_find(const struct domains *d, struct xmb_str name);
/* The word of the configuration. */
const char *domains_mode_text(enum domains_mode mode);

#endif
