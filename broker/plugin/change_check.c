/* SPDX-License-Identifier: MIT */
/*
 * change_check.c - what the schemas say of a new configuration, and who can be asked after that.
 *
 * A fault of one module must not hide those of the others, so the others are asked to prepare
 * though there will be no commit. One whose own element its schema refuses is not: its prepare may
 * take for granted what the schema says. Nor is one that needs such a module: what it asks there
 * would be answered from nothing, or from the configuration in force, and it would tell faults that
 * are none.
 */
#include "plugin/change_priv.h"

#include "plugin/plugin_load.h"

int change_check(struct change *ch)
{
    int result = 0;
    uint32_t i;

    for (i = 1; i < module_count(); i++) {
        const struct xmb_plugin *p = &module_at(i)->plugin;
        const struct conf_schema schema = {p->name, p->schema, p->schema_bytes};
        const struct xmb_conf *element = lifecycle_element(ch->conf, module_at(i));

        /* That one is gone is told by whoever compared the two files. */
        if (element != NULL && conf_check_module(element, &schema, ch->faults) == 0)
            continue;
        ch->parts[i].refused = 1;
        ch->refused = 1;
        result = XMB_ECONF;
    }
    return result;
}

/* One that `m` can do without is, at the start, like one that is not there, and is no obstacle. */
int change_cannot_ask(struct change *ch, const struct xmb_module *m)
{
    struct xmb_module *refused[MODULES_MAX] = {NULL};
    uint32_t i;

    for (i = 1; i < module_count(); i++)
        if (ch->parts[i].refused)
            refused[i] = module_at(i);
    if (order_required(refused, module_count(), m, change_running() != NULL) != NULL)
        ch->parts[m->index].refused = 1;
    return ch->parts[m->index].refused;
}
