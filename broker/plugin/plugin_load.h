/* SPDX-License-Identifier: MIT */
/*
 * plugin_load.h - what plugin_load.c and plugin_order.c share. Lists may have holes (NULL).
 */
#ifndef BROKER_PLUGIN_LOAD_H
#define BROKER_PLUGIN_LOAD_H

#include "plugin/module.h"

/* The first requirement of `m` that nobody else in `list` fulfils, or NULL. */
const struct xmb_need *order_missing(struct xmb_module *const *list, size_t count,
                                     const struct xmb_module *m);
/* The first in `list` that `m` requires, or NULL; `optional`: those too that it can do without. */
struct xmb_module *order_required(struct xmb_module *const *list, size_t count,
                                  const struct xmb_module *m, int optional);
/* Moves modules from `list` to `out` in order; what is left in `list` requires each other. */
size_t order_sort(struct xmb_module **list, size_t count, struct xmb_module **out);
/* "a requires b, which requires a": for a module that order_sort left in `list`. */
void order_cycle_text(struct xmb_module *const *list, size_t count, const struct xmb_module *from,
                      char *text, size_t cap);

#endif
