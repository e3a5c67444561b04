/* SPDX-License-Identifier: MIT */
/*
 * log_conf.c - the <log> element: prepared beside what runs, then put in its place.
 *
 *     <log level="info" format="json" to="/var/log/xmb/xmbd.log">
 *         <module name="xmcp" level="debug"/>
 *     </log>
 *
 * Preparing opens the file, again if it is the same one: that is what log rotation needs. The first
 * one is used as soon as it is prepared, so that no line of the start goes elsewhere; levels of
 * modules that are not loaded yet wait for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "log/log_priv.h"
#include "plugin/module.h"

struct module_level {
    char *module;
    uint32_t level;
};

struct log_next {
    struct log_sink sink;
    uint32_t level;
    struct module_level *own; /* at most one for each module */
    size_t own_count;
    int begun; /* its sink is in use */
};

static const struct log_next *first; /* begun, and neither committed nor aborted */
static int only_check;

/* A level attribute; absent leaves `*level`. */
static int read_level(const struct xmb_conf *node, uint32_t *level)
{
    const char *text = conf_api.text(node, "level", NULL);
    uint32_t found;

    if (text == NULL)
        return 0;
    found = log_level_of(text);
    if (found == 0)
        return conf_api.fault(node, "\"%s\" is no log level: error, warn, notice, info or debug",
                              text);
    *level = found;
    return 0;
}

/*
 * The file is asked, not the table of modules: at the first start the log is there before they are.
 * <log> stands in <broker>, and <broker> beside the <module> elements.
 */
static int is_in_file(const struct xmb_conf *broker, const char *module)
{
    const struct xmb_conf *m;

    if (strcmp(module, module_core()->name) == 0)
        return 1;
    for (m = conf_api.next(broker, "module"); m != NULL; m = conf_api.next(m, "module"))
        if (strcmp(conf_api.text(m, "name", ""), module) == 0)
            return 1;
    return 0;
}

static int read_module_level(const struct xmb_conf *broker, const struct xmb_conf *node,
                             struct log_next *next)
{
    const char *module = conf_api.text(node, "name", NULL);
    struct module_level *t = &next->own[next->own_count];

    if (next->own_count == MODULES_MAX)
        return conf_api.fault(node, "more than %d modules with a level of their own", MODULES_MAX);
    if (module == NULL)
        return conf_api.fault(node, "which module? its name is missing");
    if (!is_in_file(broker, module))
        return conf_api.fault(node, "no module \"%s\" is loaded", module);
    t->level = next->level;
    if (read_level(node, &t->level) < 0)
        return XMB_ECONF;
    t->module = strdup(module);
    if (t->module == NULL)
        return XMB_ENOMEM;
    next->own_count++;
    return 0;
}

static int read_module_levels(const struct xmb_conf *broker, const struct xmb_conf *log,
                              struct log_next *next)
{
    const struct xmb_conf *node;
    int rc = 0;

    next->own = calloc(MODULES_MAX, sizeof *next->own);
    if (next->own == NULL)
        return XMB_ENOMEM;
    for (node = conf_api.child(log, "module"); node != NULL; node = conf_api.next(node, "module")) {
        int one = read_module_level(broker, node, next);

        rc = rc == 0 ? one : rc; /* every fault is told */
    }
    return rc;
}

static int read_format(const struct xmb_conf *log, enum log_format *format)
{
    const char *text = log != NULL ? conf_api.text(log, "format", "text") : "text";

    if (strcmp(text, "text") == 0)
        *format = LOG_TEXT;
    else if (strcmp(text, "json") == 0)
        *format = LOG_JSON;
    else
        return conf_api.fault(log, "\"%s\" is no log format: text or json", text);
    return 0;
}

static int open_sink(const struct xmb_conf *broker, const struct xmb_conf *log,
                     enum log_format format, struct log_sink *sink)
{
    const char *to = log != NULL ? conf_api.text(log, "to", "stderr") : "stderr";
    int rc;

    if (strcmp(to, "stderr") != 0 && strcmp(to, "journal") != 0 && to[0] != '/')
        return conf_api.fault(log, "log to=\"%s\": stderr, journal or an absolute path", to);
    rc = log_sink_open(sink, to, format, only_check);
    if (rc == -ENOSYS)
        return conf_api.fault(log, "this xmbd was built without the journal: stderr or a path");
    if (rc < 0)
        return conf_api.fault(log != NULL ? log : broker, "cannot log to %s: %s", to,
                              strerror(-rc));
    return 0;
}

int log_prepare(const struct xmb_conf *broker, struct log_next **out)
{
    const struct xmb_conf *log = conf_api.child(broker, "log");
    struct log_next *next = calloc(1, sizeof *next);
    enum log_format format = LOG_TEXT;
    int rc = 0;
    int opened;

    if (next == NULL)
        return XMB_ENOMEM;
    next->sink.fd = -1;
    next->level = XMB_LOG_INFO;
    if (log != NULL)
        rc = read_level(log, &next->level);
    if (rc == 0 && log != NULL)
        rc = read_module_levels(broker, log, next);
    opened = read_format(log, &format);
    if (opened == 0)
        opened = open_sink(broker, log, format, &next->sink);
    rc = rc == 0 ? opened : rc; /* every fault is told */
    if (rc < 0)
        log_abort(next);
    else
        *out = next;
    return rc;
}

static void free_next(struct log_next *next)
{
    size_t i;

    if (next == first)
        first = NULL;
    for (i = 0; i < next->own_count; i++)
        free(next->own[i].module);
    free(next->own);
    free(next);
}

void log_abort(struct log_next *next)
{
    if (next == NULL)
        return;
    log_sink_close(&next->sink);
    free_next(next);
}

static uint32_t level_for(const struct log_next *next, const char *module)
{
    size_t i;

    for (i = 0; i < next->own_count; i++)
        if (strcmp(next->own[i].module, module) == 0)
            return next->own[i].level;
    return next->level;
}

void log_only_check(void)
{
    only_check = 1;
}

void log_begin(struct log_next *next)
{
    struct xmb_module *core = module_core();

    if (only_check)
        return;
    log_sink_use(&next->sink);
    next->sink.fd = -1; /* not ours to close any more */
    next->begun = 1;
    first = next;
    atomic_store_explicit(&core->log_level, level_for(next, core->name), memory_order_relaxed);
}

uint32_t log_level_for(const char *module)
{
    return first != NULL ? level_for(first, module) : log_api.level(NULL);
}

void log_commit(struct log_next *next)
{
    uint32_t i;

    if (next == NULL)
        return;
    if (!next->begun)
        log_sink_use(&next->sink);
    for (i = 0; i < module_count(); i++) {
        struct xmb_module *m = module_at(i);

        atomic_store_explicit(&m->log_level, level_for(next, m->name), memory_order_relaxed);
    }
    free_next(next);
}

void log_fini(void)
{
    log_sink_fini();
}
