/* SPDX-License-Identifier: MIT */
/*
 * conf_advice.c - advice is found while the configuration is read, and written when it comes into
 * force: a check says faults only, and what was refused gives no advice.
 *
 * There may be one for each interface, so it has a bound. When memory is short, advice is what can
 * be left out.
 */
#include "conf_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ADVICE_MAX 200
#define TEXT_MAX 384

struct se_advice {
    struct se_advice *next;
    char object[SE_OBJECT_MAX]; /* "": the module */
    char text[TEXT_MAX];
};

void se_conf_say(const struct se_reader *r, const char *object, const struct xmb_conf *node,
                 const char *format, ...)
{
    struct se_advice **end = &r->conf->advice;
    struct se_advice *a;
    va_list args;
    int n;

    if (r->conf->advice_count++ >= ADVICE_MAX || (a = calloc(1, sizeof(*a))) == NULL)
        return;
    snprintf(a->object, sizeof(a->object), "%s", object != NULL ? object : "");
    n = snprintf(a->text, sizeof(a->text), "line %u: ", r->api->line(node));
    va_start(args, format);
    vsnprintf(a->text + n, sizeof(a->text) - (size_t)n, format, args);
    va_end(args);
    while (*end != NULL)
        end = &(*end)->next;
    *end = a;
}

void se_conf_advise(const struct xmb_host *host, struct xmb_module *module,
                    const struct se_conf *c)
{
    const struct se_advice *a;

    for (a = c->advice; a != NULL; a = a->next)
        host->log->write(module, XMB_LOG_WARN, a->object[0] != '\0' ? a->object : NULL, "%s",
                         a->text);
    if (c->advice_count > ADVICE_MAX)
        host->log->write(module, XMB_LOG_WARN, NULL, "%u more warnings about the configuration are "
                                                     "left out",
                         c->advice_count - ADVICE_MAX);
}

void se_conf_free_advice(struct se_conf *c)
{
    struct se_advice *a, *next;

    for (a = c->advice; a != NULL; a = next) {
        next = a->next;
        free(a);
    }
}
