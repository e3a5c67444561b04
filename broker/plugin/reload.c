/* SPDX-License-Identifier: MIT */
/*
 * reload.c - a new reading of the file, while everything runs.
 *
 *     IDLE --read, check, prepare--> refused: everything as before --> IDLE
 *                                \-> commit --> RETIRING --all workers answered--> IDLE
 *
 * Modules whose element says the same as before are not called. What a running broker cannot do
 * is refused in words: other workers, user, plugin folder, size of the registry; modules that
 * come, go or change places. Two reloads never overlap: an operator's second one is told so, a
 * second SIGHUP is done when the first has ended. When the broker stops, none begins any more, and
 * the one that is under way ends first: it holds listeners that stopping closes.
 */
#include "plugin/lifecycle.h"

#include "control/control.h"
#include "log/log.h"
#include "loop/worker.h"
#include "privileges.h"

#include <stdio.h>
#include <string.h>

static const char *file;
static struct change *retiring;
static int wanted_again;
static int workers_lost; /* `retiring` never ends: see commit() */
static int ended;
static void (*when_idle)(void);

void reload_init(const char *path)
{
    file = path;
}

/* --- what needs a restart --- */

struct fixed {
    const char *element; /* NULL: <broker> itself */
    const char *attribute;
    const char *absent;
};

static const struct xmb_conf *fixed_element(const struct conf *c, const struct fixed *f)
{
    const struct xmb_conf *broker = conf_broker(c);

    return f->element != NULL ? conf_api.child(broker, f->element) : broker;
}

static const char *fixed_value(const struct conf *c, const struct fixed *f)
{
    const struct xmb_conf *element = fixed_element(c, f);

    return element != NULL ? conf_api.text(element, f->attribute, f->absent) : f->absent;
}

static void check_fixed(const struct conf *now, const struct conf *next, struct conf_faults *faults)
{
    static const struct fixed list[] = {{NULL, "workers", "auto"},
                                        {NULL, "user", ""},
                                        {NULL, "group", ""},
                                        {"plugins", "dir", ""},
                                        {"registry", "maximum-services", ""}};
    size_t i;

    for (i = 0; i < sizeof list / sizeof list[0]; i++) {
        const struct xmb_conf *element = fixed_element(next, &list[i]);
        const char *was = fixed_value(now, &list[i]);

        if (strcmp(was, fixed_value(next, &list[i])) == 0)
            continue;
        if (element == NULL)
            element = conf_broker(next);
        conf_faults_add(faults, conf_file(next), conf_api.line(element),
                        "attribute '%s' of <%s> is not what the broker was started with (%s); "
                        "restart it for this",
                        list[i].attribute, list[i].element != NULL ? list[i].element : "broker",
                        was[0] != '\0' ? was : "none");
    }
}

static const char *module_name(const struct conf *c, size_t i)
{
    const struct xmb_conf *element = conf_module(c, i);

    return element != NULL ? conf_api.text(element, "name", "") : NULL;
}

static size_t named(const struct conf *c, const char *name)
{
    const char *other;
    size_t n = 0;
    size_t i;

    for (i = 0; (other = module_name(c, i)) != NULL; i++)
        n += strcmp(other, name) == 0;
    return n;
}

/* Modules of `a` that `b` has not, or not as often; 1 when there is one. */
static int report_missing(const struct conf *a, const struct conf *b, const char *text,
                          const struct conf *at, struct conf_faults *faults)
{
    const char *name;
    int found = 0;
    size_t i;

    for (i = 0; (name = module_name(a, i)) != NULL; i++)
        if (named(b, name) < named(a, name)) {
            conf_faults_add(faults, conf_file(at), at == a ? conf_api.line(conf_module(a, i)) : 0,
                            "module %s %s; restart the broker for this", name, text);
            found = 1;
        }
    return found;
}

static void check_modules(const struct conf *now, const struct conf *next,
                          struct conf_faults *faults)
{
    size_t i;
    int found = report_missing(next, now, "was not there when the broker was started", next,
                               faults);

    found |= report_missing(now, next, "was loaded at the start and is not there any more", next,
                            faults);
    for (i = 0; !found && module_name(next, i) != NULL; i++)
        if (strcmp(module_name(next, i), module_name(now, i)) != 0) {
            conf_faults_add(faults, conf_file(next), conf_api.line(conf_module(next, i)),
                            "module %s stands in another place than at the start; restart the "
                            "broker for another order of policy",
                            module_name(next, i));
            return;
        }
}

/* --- the sequence up to prepare --- */

/* `*out` is a change that can be committed, or NULL and faults. */
static void try_file(struct change **out, struct conf_faults *faults)
{
    struct conf *running = change_running();
    struct change *ch = NULL;
    struct conf *next = NULL;
    int rc = XMB_ECONF;

    privileges_read_begin();
    if (conf_read(file, &next, faults) < 0)
        goto out;
    check_fixed(running, next, faults);
    check_modules(running, next, faults);
    if (conf_check_broker(next, faults) < 0)
        goto out; /* what stands in modules may be about what is wrong there */
    ch = change_new(next, faults);
    if (ch == NULL) {
        conf_faults_add(faults, file, 0, "out of memory");
        goto out;
    }
    change_check(ch);
    change_prepare_core(ch);
    privileges_read_end();
    rc = change_prepare_modules(ch, worker_count());
out:
    privileges_read_end();
    if (rc < 0 || faults->count > 0) {
        change_abort(ch);
        ch = NULL;
    }
    conf_free(next);
    *out = ch;
}

/* --- commit and retire --- */

static void on_worker(struct xmb_worker *w, void *arg)
{
    change_worker(arg, w);
}

static void on_all_workers(void *arg)
{
    change_finish(arg);
    retiring = NULL;
    if (when_idle != NULL) {
        when_idle();
    } else if (wanted_again) {
        wanted_again = 0;
        reload_request();
    }
}

static void commit(struct change *ch)
{
    change_commit_core(ch);
    change_commit_modules(ch);
    retiring = ch;
    if (workers_each(on_worker, ch, on_all_workers) < 0) {
        /* No memory to tell the workers: what is committed must not be freed under them. */
        workers_lost = 1;
        LOG(ERROR, file, "out of memory while workers were told of the new configuration; they "
                         "keep the old one, and no reload is possible any more");
    }
}

void reload_end(void (*then)(void))
{
    ended = 1;
    if (retiring != NULL && !workers_lost)
        when_idle = then;
    else
        then();
}

/* Names of what changes, with commas; for the log. */
static void changed_text(const struct change *ch, char *text, size_t cap)
{
    size_t used = 0;
    uint32_t i;

    text[0] = '\0';
    for (i = 1; i < module_count() && used < cap; i++)
        if (change_has(ch, module_at(i)))
            used += (size_t)snprintf(text + used, cap - used, "%s%s", used > 0 ? ", " : "",
                                     module_at(i)->name);
    if (used == 0)
        snprintf(text, cap, "no module");
}

static void log_faults(const struct conf_faults *faults)
{
    char place[512];
    size_t i;

    for (i = 0; i < faults->count; i++) {
        const struct conf_fault *fault = &faults->list[i];

        snprintf(place, sizeof place, "%s:%u", fault->file, fault->line);
        LOG(ERROR, place, "%s", fault->text);
    }
    LOG(ERROR, file, "reload refused, %zu faults; the broker goes on with the configuration it has",
        faults->count);
}

static void log_done(const struct change *ch)
{
    char text[400];

    changed_text(ch, text, sizeof text);
    LOG(NOTICE, file, "reloaded; changed: %s", text);
}

void reload_request(void)
{
    struct conf_faults faults = {NULL, 0};
    struct change *ch;

    if (ended)
        return;
    if (retiring != NULL) {
        wanted_again = 1;
        return;
    }
    try_file(&ch, &faults);
    if (ch == NULL) {
        log_faults(&faults);
    } else {
        log_done(ch);
        commit(ch);
    }
    conf_faults_clear(&faults);
}

/* --- for the operator --- */

static void emit_errors(const struct conf_faults *faults, struct xmb_out *out)
{
    size_t i;

    control_api.list_begin(out, "errors");
    for (i = 0; i < faults->count; i++) {
        control_api.row_begin(out);
        control_api.text(out, "file", xmb_str(faults->list[i].file));
        control_api.number(out, "line", faults->list[i].line);
        control_api.text(out, "message", xmb_str(faults->list[i].text));
        control_api.row_end(out);
    }
    control_api.list_end(out);
}

static void emit_changed(const struct change *ch, const struct conf *now, const struct conf *next,
                         struct xmb_out *out)
{
    uint32_t i;

    control_api.list_begin(out, "changed");
    if (!conf_same(conf_broker(now), conf_broker(next)))
        control_api.item(out, XMB_STR("broker"));
    for (i = 1; i < module_count(); i++)
        if (change_has(ch, module_at(i)))
            control_api.item(out, xmb_str(module_at(i)->name));
    control_api.list_end(out);
}

/* The last line that an operator reads: how many faults, and what runs now. */
static int refused(const struct conf_faults *faults, int only_check, struct xmb_out *out)
{
    return control_api.error(out, "%zu fault%s in the configuration%s", faults->count,
                             faults->count == 1 ? "" : "s",
                             only_check ? "" : "; nothing was changed, the old one stays in force");
}

int reload_command(int only_check, struct xmb_out *out)
{
    struct conf_faults faults = {NULL, 0};
    struct change *ch;
    int rc = 0;

    if (ended)
        return control_api.error(out, "the broker is stopping");
    if (retiring != NULL)
        return control_api.error(out, "the last reload has not ended yet; try again");
    try_file(&ch, &faults);
    if (ch == NULL) {
        emit_errors(&faults, out);
        rc = refused(&faults, only_check, out);
    } else {
        emit_changed(ch, change_running(), change_conf(ch), out);
        if (only_check) {
            change_abort(ch);
        } else {
            log_done(ch);
            commit(ch);
        }
    }
    conf_faults_clear(&faults);
    return rc;
}
