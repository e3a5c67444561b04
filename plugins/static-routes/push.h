/* SPDX-License-Identifier: MIT */
/*
 * push.h - brings a table to the domain router. Thread: routing.
 */
#ifndef STATIC_ROUTES_PUSH_H
#define STATIC_ROUTES_PUSH_H

#include "table.h"

/*
 * Tells the router what is different in `next` from `now`: one update for each domain that has
 * other routes, one for each that is gone. Either may be NULL: an empty table. A domain that the
 * router refuses is logged and has no static route.
 */
void static_push(const struct xmb_host *host, struct xmb_module *module,
                 const struct static_table *now, const struct static_table *next);

#endif
