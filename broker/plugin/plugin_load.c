/* SPDX-License-Identifier: MIT */
/*
 * plugin_load.c - the load sequence: from <module> elements to initialized modules.
 *
 *     for each <module>: open, check, not twice   -> requirements there -> sorted -> init
 *
 * A step that fails is a fault with the line of the <module>, and the next module is tried, so
 * that one run tells everything. A module with optional="yes" that fails is left out with a
 * warning, and so is one that requires it. Nothing is loaded that the configuration does not name.
 */
#include "plugin/plugin_load.h"

#include "log/log.h"
#include "plugin/lifecycle.h"
#include "plugin/plugin_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A <module> on its way; `m` is NULL once it has failed. */
struct candidate {
    const struct xmb_conf *element;
    uint32_t ordinal; /* among those of the same name */
    struct xmb_module *m;
};

struct load {
    struct conf *conf;
    const char *const *folders;
    size_t folder_count;
    struct conf_faults *faults;
    struct candidate list[MODULES_MAX];
    size_t count;
    int failed;
};

static struct xmb_module *order[MODULES_MAX];
static uint32_t ordinals[MODULES_MAX]; /* by module index */

const char *module_error_text(int code)
{
    static const char *const texts[] = {
        "no error",         "invalid argument",  "out of memory",      "not now",
        "no such thing",    "exists already",    "protocol error",     "denied",
        "timed out",        "closed",            "too big",            "not supported",
        "too old",          "limit reached",     "system error",       "configuration refused",
        "wrong version",    "canceled"};
    size_t n = code <= 0 ? (size_t)-code : 0;

    return n < sizeof texts / sizeof texts[0] ? texts[n] : "unknown error";
}

static const char *name_of(const struct xmb_conf *element)
{
    return conf_api.text(element, "name", "?");
}

/* The module cannot be had: a fault, or only a warning. */
static void give_up(struct load *l, struct candidate *c, const char *why)
{
    uint32_t line = conf_api.line(c->element);
    const char *name = name_of(c->element);
    char place[512];

    c->m = NULL;
    if (strcmp(conf_api.text(c->element, "optional", "no"), "yes") != 0) {
        conf_faults_add(l->faults, conf_file(l->conf), line,
                        "module %s: %s; xmbd does not start without it", name, why);
        l->failed = 1;
        return;
    }
    snprintf(place, sizeof place, "%s:%u", conf_file(l->conf), line);
    LOG(WARN, place, "module %s: %s; it is optional and left out", name, why);
}

static void discard(struct xmb_module *m)
{
    plugin_check_free(m);
    free(m);
}

/* --- open and check --- */

static int twice(const struct candidate *c, struct plugin_why *why)
{
    if (c->ordinal == 0 || (c->m->plugin.flags & XMB_PLUGIN_MULTI))
        return 0;
    return plugin_why(why, XMB_EEXIST, "it is named twice, and cannot be loaded more than once");
}

static int load_one(struct load *l, struct candidate *c, struct plugin_why *why)
{
    struct plugin_file *file = calloc(1, sizeof *file);
    int rc = XMB_ENOMEM;

    c->m = calloc(1, sizeof *c->m);
    if (c->m == NULL || file == NULL) {
        plugin_why(why, rc, "out of memory");
        goto out;
    }
    rc = plugin_open(name_of(c->element), l->folders, l->folder_count, file, why);
    if (rc == 0)
        rc = plugin_check(file->descriptor, name_of(c->element), c->m, why);
    if (rc < 0)
        goto out;
    c->m->linked_in = file->linked_in;
    rc = twice(c, why);
    if (rc < 0) {
        plugin_check_free(c->m);
        goto out;
    }
    LOG(INFO, c->m->name, "loaded version %s from %s%s%.16s%s", c->m->plugin.version, file->path,
        file->hash[0] != '\0' ? ", sha256 " : "", file->hash,
        c->m->plugin.flags & XMB_PLUGIN_EXPERIMENTAL ? ", which is experimental" : "");
out:
    if (rc < 0) {
        free(c->m);
        c->m = NULL;
    }
    free(file);
    return rc;
}

static uint32_t ordinal_of(const struct load *l, const char *name)
{
    uint32_t n = 0;
    size_t i;

    for (i = 0; i < l->count; i++)
        if (strcmp(name_of(l->list[i].element), name) == 0)
            n++;
    return n;
}

static void load_all(struct load *l)
{
    const struct xmb_conf *element;
    struct plugin_why why;
    size_t i;

    for (i = 0; (element = conf_module(l->conf, i)) != NULL; i++) {
        struct candidate *c = &l->list[l->count];

        if (l->count == MODULES_MAX - 1) {
            conf_faults_add(l->faults, conf_file(l->conf), conf_api.line(element),
                            "more than %d modules", MODULES_MAX - 1);
            l->failed = 1;
            return;
        }
        c->element = element;
        c->ordinal = ordinal_of(l, name_of(element));
        l->count++;
        if (load_one(l, c, &why) < 0)
            give_up(l, c, why.text);
    }
}

/* --- requirements --- */

static size_t modules_of(const struct load *l, struct xmb_module **list)
{
    size_t i;

    for (i = 0; i < l->count; i++)
        list[i] = l->list[i].m;
    return l->count;
}

/* Gives up those whose requirements are missing; 1 when there was one: it may be required too. */
static int drop_unfulfilled(struct load *l)
{
    struct xmb_module *list[MODULES_MAX];
    size_t count = modules_of(l, list);
    struct plugin_why why;
    int dropped = 0;
    size_t i;

    for (i = 0; i < l->count; i++) {
        struct xmb_module *m = l->list[i].m;
        const struct xmb_need *need = m != NULL ? order_missing(list, count, m) : NULL;

        if (need == NULL)
            continue;
        plugin_why(&why, XMB_ENOENT,
                   "it requires '%s' (revision %u), which no loaded module is or provides; name "
                   "that module too",
                   need->name, need->revision);
        give_up(l, &l->list[i], why.text);
        discard(m);
        list[i] = NULL;
        dropped = 1;
    }
    return dropped;
}

static struct candidate *candidate_of(struct load *l, const struct xmb_module *m)
{
    size_t i;

    for (i = 0; i < l->count; i++)
        if (l->list[i].m == m)
            return &l->list[i];
    return NULL;
}

/* Fills order[]; gives up the members of a cycle. */
static void sort(struct load *l)
{
    struct xmb_module *list[MODULES_MAX];
    size_t count = modules_of(l, list);
    struct plugin_why why;
    char text[400];
    size_t i;

    order_sort(list, count, order);
    for (i = 0; i < count; i++)
        if (list[i] != NULL) {
            order_cycle_text(list, count, list[i], text, sizeof text);
            plugin_why(&why, XMB_EINVAL, "requirements go in a circle: %s", text);
            give_up(l, candidate_of(l, list[i]), why.text);
        }
    for (i = 0; i < count; i++)
        if (list[i] != NULL)
            discard(list[i]);
}

/* --- init --- */

static int call_init(struct xmb_module *m)
{
    struct module_mark mark = module_enter(m);
    int rc = m->ops.init(&host_table, m, &m->self);

    module_leave(mark);
    return rc;
}

/* All that came before in order[] and is still there has been initialized. */
static int requirements_ready(size_t at, struct plugin_why *why)
{
    const struct xmb_need *need = order_missing(order, at, order[at]);

    if (need == NULL)
        return 0;
    return plugin_why(why, XMB_ENOENT, "it requires '%s', which could not be started", need->name);
}

static int init_one(size_t at, struct plugin_why *why)
{
    struct xmb_module *m = order[at];
    int rc = requirements_ready(at, why);

    if (rc < 0)
        return rc;
    rc = call_init(m);
    if (rc < 0)
        return plugin_why(why, rc, "its init failed: %s", module_error_text(rc));
    m->state = MODULE_INITED;
    return 0;
}

static void close_gaps(void)
{
    size_t to = 0;
    size_t i;

    for (i = 0; i < MODULES_MAX; i++)
        if (order[i] != NULL)
            order[to++] = order[i];
    while (to < MODULES_MAX)
        order[to++] = NULL;
}

static void init_all(struct load *l)
{
    struct plugin_why why;
    size_t i;

    for (i = 0; i < MODULES_MAX && order[i] != NULL; i++)
        ;
    while (i < MODULES_MAX)
        order[i++] = NULL;
    for (i = 0; i < MODULES_MAX && order[i] != NULL; i++)
        if (init_one(i, &why) < 0) {
            struct xmb_module *m = order[i];

            give_up(l, candidate_of(l, m), why.text);
            module_remove(m);
            discard(m);
            order[i] = NULL;
            /* The rest moves down by one; this place is tried again. */
            close_gaps();
            i--;
        }
}

/* The table is in the order of the configuration. */
static void fill_table(struct load *l)
{
    size_t i;

    for (i = 0; i < l->count; i++)
        if (l->list[i].m != NULL && module_add(l->list[i].m) < 0)
            give_up(l, &l->list[i], "there are too many modules");
}

static void remember_ordinals(const struct load *l)
{
    size_t i;

    for (i = 0; i < l->count; i++)
        if (l->list[i].m != NULL)
            ordinals[l->list[i].m->index] = l->list[i].ordinal;
}

int plugin_load(struct conf *c, const char *const *folders, size_t count,
                struct conf_faults *faults)
{
    struct load *l = calloc(1, sizeof *l);
    int rc;

    if (l == NULL)
        return XMB_ENOMEM;
    l->conf = c;
    l->folders = folders;
    l->folder_count = count;
    l->faults = faults;
    load_all(l);
    while (drop_unfulfilled(l))
        ;
    sort(l);
    fill_table(l);
    if (!l->failed)
        init_all(l);
    remember_ordinals(l);
    rc = l->failed ? XMB_ECONF : 0;
    free(l);
    return rc;
}

struct xmb_module *lifecycle_order(uint32_t n)
{
    return n < MODULES_MAX ? order[n] : NULL;
}

const struct xmb_conf *lifecycle_element(const struct conf *c, const struct xmb_module *m)
{
    uint32_t ordinal = ordinals[m->index];
    const struct xmb_conf *element;
    size_t i;

    for (i = 0; (element = conf_module(c, i)) != NULL; i++)
        if (strcmp(name_of(element), m->name) == 0 && ordinal-- == 0)
            return element;
    return NULL;
}
