/* SPDX-License-Identifier: MIT */
/*
 * table_priv.h - making a table, for table.c and table_conf.c.
 */
#ifndef STATIC_ROUTES_TABLE_PRIV_H
#define STATIC_ROUTES_TABLE_PRIV_H

#include "table.h"

/* An empty table with room in its hash for `routes` domains, one reference; NULL: out of memory. */
struct static_table *static_table_new(uint32_t routes);
/* The domain `name` of `t`, made when it is not there; NULL: out of memory. The table's. */
struct static_domain *static_table_domain(struct static_table *t, struct xmb_str name);
/* 1 when both lead to the same address and port, whatever is spoken there. Pure. */
int static_route_same(const struct static_route *a, const struct static_route *b);

#endif
