/* SPDX-License-Identifier: MIT */
/*
 * table.h - the routes of one configuration: domains, and for each where it is.
 *
 * A table is immutable once read, and counted: the configuration holds one
 * reference, the routing loop another for as long as this is what it has told the
 * router. Neither has to wait for the other.
 */
#ifndef STATIC_ROUTES_TABLE_H
#define STATIC_ROUTES_TABLE_H

#include <xmb/xmb.h>

#define STATIC_DOMAINS_MAX 65536u /* what the router has room for */

struct static_route {
    struct xmb_addr addr; /* with port; family 0: `host` is its name */
    char *host;           /* lower case, A-labels; NULL with an address */
    uint16_t port;
    uint8_t tls;          /* from the first octet (XEP-0368) */
    uint32_t line;
};

struct static_domain {
    struct static_domain *next; /* in its bucket */
    struct static_domain *following; /* in the order of the configuration */
    uint32_t count; /* 1 to XMB_ROUTES_MAX */
    struct static_route *route;
    uint8_t n;
    char name[XMB_DOMAIN_NAME_MAX + 1]; /* lower case, A-labels */
};

struct static_table {
    _Atomic uint32_t refs;
    uint32_t domain_count;
    uint32_t route_count;
    uint32_t mask; /* buckets less one; their number is a power of two */
    struct static_domain **bucket;
    struct static_domain *first;
    struct static_domain **end;
};

/*
 * Reads the <routes> element of module element `conf`; without one, or with use="no", the table
 * is empty. XMB_ECONF with every fault reported, XMB_ENOMEM. On success `*out` has one reference,
 * the caller's. Thread: control.
 */
int static_table_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                      struct static_table **out);
struct static_table *static_table_hold(struct static_table *t);
void static_table_release(struct static_table *t); /* NULL is fine */

/* The domain called `name` (lower case, A-labels), or NULL. Pure; one hash. */
const struct static_domain *static_table_find(const struct static_table *t, struct xmb_str name);
/* 1 when both have the same routes in the same order. Pure. */
int static_domain_same(const struct static_domain *a, const struct static_domain *b);

#endif
