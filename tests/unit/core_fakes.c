/* SPDX-License-Identifier: MIT */
/*
 * core_fakes.c - see core_fakes.h. Marks are kept as the real ones are: per thread, nested.
 */
#include "core_fakes.h"

#include <stdio.h>

struct xmb_module fake_modules[MODULES_MAX] = {{.name = "core"}};
static uint32_t fake_count = 1;
static char names[MODULES_MAX][24];
static _Thread_local const struct xmb_module *current;

void fake_modules_make(uint32_t count)
{
    uint32_t i;

    memset(&fake_modules[1], 0, sizeof fake_modules - sizeof fake_modules[0]);
    for (i = 1; i < count; i++) {
        snprintf(names[i], sizeof names[i], "module%u", (unsigned)i);
        fake_modules[i].index = i;
        fake_modules[i].name = names[i];
    }
    fake_count = count;
}

uint32_t module_count(void)
{
    return fake_count;
}

struct xmb_module *module_at(uint32_t index)
{
    return index < fake_count ? &fake_modules[index] : NULL;
}

struct xmb_module *module_core(void)
{
    return &fake_modules[0];
}

struct xmb_module *module_by_name(const char *name)
{
    uint32_t i;

    for (i = 0; i < fake_count; i++)
        if (strcmp(fake_modules[i].name, name) == 0)
            return &fake_modules[i];
    return NULL;
}

struct module_mark module_enter(const struct xmb_module *m)
{
    struct module_mark mark = {.outer = current};

    current = m;
    return mark;
}

void module_leave(struct module_mark mark)
{
    current = mark.outer;
}

const struct xmb_module *module_current(void)
{
    return current != NULL ? current : module_core();
}
