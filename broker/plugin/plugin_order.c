/* SPDX-License-Identifier: MIT */
/*
 * plugin_order.c - requirements: are they there, and in which order are modules called?
 *
 * The order of the configuration is that of policy and belongs to the operator. This one is for
 * init, prepare, commit and start: whoever is required goes first, else the configuration's order.
 */
#include "plugin/plugin_load.h"

#include <stdio.h>
#include <string.h>

static int offers(const struct xmb_module *m, const struct xmb_need *need)
{
    size_t i;

    if (strcmp(m->name, need->name) == 0)
        return 1;
    for (i = 0; i < m->plugin.provides_count; i++)
        if (strcmp(m->plugin.provides[i].name, need->name) == 0 &&
            m->plugin.provides[i].revision >= (need->revision & ~XMB_NEED_OPTIONAL))
            return 1;
    return 0;
}

const struct xmb_need *order_missing(struct xmb_module *const *list, size_t count,
                                     const struct xmb_module *m)
{
    size_t i;
    size_t k;

    for (i = 0; i < m->plugin.requires_list_count; i++) {
        const struct xmb_need *need = &m->plugin.requires_list[i];

        if ((need->revision & XMB_NEED_OPTIONAL) != 0)
            continue;
        for (k = 0; k < count; k++)
            if (list[k] != NULL && list[k] != m && offers(list[k], need))
                break;
        if (k == count)
            return need;
    }
    return NULL;
}

struct xmb_module *order_required(struct xmb_module *const *list, size_t count,
                                  const struct xmb_module *m, int optional)
{
    size_t i;
    size_t k;

    for (i = 0; i < m->plugin.requires_list_count; i++) {
        const struct xmb_need *need = &m->plugin.requires_list[i];

        if ((need->revision & XMB_NEED_OPTIONAL) != 0 && !optional)
            continue;
        for (k = 0; k < count; k++)
            if (list[k] != NULL && list[k] != m && offers(list[k], need))
                return list[k];
    }
    return NULL;
}

size_t order_sort(struct xmb_module **list, size_t count, struct xmb_module **out)
{
    size_t done = 0;
    size_t i = 0;

    while (i < count) {
        if (list[i] == NULL || order_required(list, count, list[i], 1) != NULL) {
            i++;
            continue;
        }
        out[done++] = list[i];
        list[i] = NULL;
        i = 0; /* somebody before it may have waited for it */
    }
    return done;
}

static int is_in(const struct xmb_module *const *seen, size_t n, const struct xmb_module *m)
{
    while (n > 0)
        if (seen[--n] == m)
            return 1;
    return 0;
}

/* Follows requirements inside what is left until a module comes up again. */
void order_cycle_text(struct xmb_module *const *list, size_t count, const struct xmb_module *from,
                      char *text, size_t cap)
{
    const struct xmb_module *seen[MODULES_MAX];
    const struct xmb_module *m = from;
    size_t used = (size_t)snprintf(text, cap, "%s", m->name);
    size_t n = 0;

    while (m != NULL && n < MODULES_MAX && used < cap && !is_in(seen, n, m)) {
        seen[n++] = m;
        m = order_required(list, count, m, 1);
        if (m != NULL)
            used += (size_t)snprintf(text + used, cap - used, " requires %s%s", m->name,
                                     is_in(seen, n, m) ? "" : ", which");
    }
}
