/* SPDX-License-Identifier: MIT */
/*
 * change.c - one try at a new configuration, all or nothing.
 *
 * The first configuration and every reload take the same way. What prepares: log, TLS, control
 * socket, each module whose element differs from the one it runs with, listeners. They are all
 * asked, also after one has refused, so that the operator sees every fault; then what was
 * prepared is aborted in reverse (whom its schema refuses is not asked: change_check.c). A commit
 * cannot fail. What was replaced is retired when every worker has moved on.
 *
 * Nodes of a configuration live as long as a module runs with them: each module holds a
 * reference to the struct conf its element came from, which may be older than the running one.
 */
#include "plugin/change_priv.h"

#include "conn/conn.h"
#include "control/control.h"
#include "datagram/datagram.h"
#include "log/log.h"
#include "loop/worker.h"
#include "privileges.h"
#include "tls/tls.h"

#include <stdlib.h>

#define DRAIN_MS 10000 /* unless drain= says other */

static struct conf *running;
/* What each module runs with, by module index. */
static struct {
    struct conf *conf;
    const struct xmb_conf *element;
} held[MODULES_MAX];

struct conf *change_running(void)
{
    return running;
}

struct conf *change_conf(const struct change *ch)
{
    return ch->conf;
}

struct change *change_new(struct conf *c, struct conf_faults *faults)
{
    struct change *ch = calloc(1, sizeof *ch);

    if (ch == NULL)
        return NULL;
    ch->conf = conf_hold(c);
    ch->faults = faults;
    conf_collect(c, faults);
    return ch;
}

int change_has(const struct change *ch, const struct xmb_module *m)
{
    return ch->parts[m->index].changes;
}

/* A part failed without saying why: say at least which. */
static int failed(struct change *ch, const struct xmb_conf *element, size_t faults_before,
                  const char *what, int rc)
{
    if (ch->faults->count == faults_before)
        conf_faults_add(ch->faults, conf_file(ch->conf), conf_api.line(element),
                        "%s cannot be prepared: %s", what, module_error_text(rc));
    return XMB_ECONF;
}

/* How long connections have to end when the broker stops. */
static int read_drain(const struct xmb_conf *broker, uint64_t *ms)
{
    *ms = DRAIN_MS;
    return conf_api.duration(broker, "drain", 1000, 600000, ms);
}

uint64_t change_drain_ms(void)
{
    uint64_t ms = DRAIN_MS;

    if (running != NULL)
        (void)read_drain(conf_broker(running), &ms); /* it was checked when it was prepared */
    return ms;
}

int change_prepare_core(struct change *ch)
{
    const struct xmb_conf *broker = conf_broker(ch->conf);
    size_t before = ch->faults->count;
    uint64_t drain_ms;
    int result = read_drain(broker, &drain_ms);
    int rc = log_prepare(broker, &ch->log);

    ch->log_ready = rc == 0;
    if (rc < 0)
        result = failed(ch, broker, before, "the log", rc);
    else if (running == NULL)
        log_begin(ch->log);
    before = ch->faults->count;
    rc = tls_prepare(broker, &ch->tls);
    ch->tls_ready = rc == 0;
    if (rc < 0)
        result = failed(ch, broker, before, "TLS", rc);
    before = ch->faults->count;
    rc = control_prepare(broker, &ch->control);
    ch->control_ready = rc == 0;
    if (rc < 0)
        result = failed(ch, broker, before, "the control socket", rc);
    ch->refused |= result < 0;
    return result;
}

/* --- modules --- */

static int call_prepare(struct xmb_module *m, const struct xmb_conf *element, void **next)
{
    struct module_mark mark;
    int rc;

    if (m->ops.prepare == NULL)
        return 0;
    mark = module_enter(m);
    rc = m->ops.prepare(m->self, element, next);
    module_leave(mark);
    return rc;
}

static void call_abort(struct xmb_module *m, void *next)
{
    struct module_mark mark;

    if (m->ops.abort == NULL)
        return;
    mark = module_enter(m);
    m->ops.abort(m->self, next);
    module_leave(mark);
}

static int prepare_module(struct change *ch, struct xmb_module *m)
{
    struct part *part = &ch->parts[m->index];
    size_t before = ch->faults->count;
    int rc;

    if (change_cannot_ask(ch, m))
        return XMB_ECONF;
    part->element = lifecycle_element(ch->conf, m);
    part->changes = running == NULL || !conf_same(part->element, held[m->index].element);
    if (!part->changes)
        return 0;
    if (running != NULL && (m->plugin.flags & XMB_PLUGIN_RELOAD_RESTART))
        return conf_api.fault(part->element,
                              "it cannot change while it runs; restart the broker for this");
    rc = call_prepare(m, part->element, &part->next);
    if (rc < 0 && ch->faults->count == before)
        return conf_api.fault(part->element, "its prepare failed: %s", module_error_text(rc));
    if (rc < 0)
        return rc;
    part->prepared = 1;
    if (m->state == MODULE_INITED)
        m->state = MODULE_PREPARED;
    /* Faults were reported, and yet it said yes: the faults count. */
    return ch->faults->count == before ? 0 : XMB_ECONF;
}

static int prepare_listeners(struct change *ch, uint32_t workers)
{
    const struct xmb_conf *elements[MODULES_MAX] = {NULL};
    size_t before = ch->faults->count;
    int result = 0;
    uint32_t i;
    int rc;

    for (i = 1; i < module_count(); i++)
        if (module_at(i)->protocol.size != 0 || module_at(i)->datagram.size != 0)
            elements[i] = ch->parts[i].element;
    rc = listeners_prepare(elements, workers, ch->tls, &ch->listeners);
    ch->listeners_ready = rc == 0;
    if (rc < 0)
        result = failed(ch, conf_broker(ch->conf), before, "listeners", rc);
    before = ch->faults->count;
    rc = datagrams_prepare(elements, workers, ch->listeners, &ch->datagrams);
    if (rc < 0)
        result = failed(ch, conf_broker(ch->conf), before, "UDP sockets", rc);
    return result;
}

int change_prepare_modules(struct change *ch, uint32_t workers)
{
    struct xmb_module *m;
    int result = ch->refused ? XMB_ECONF : 0;
    uint32_t i;

    for (i = 0; (m = lifecycle_order(i)) != NULL; i++)
        if (prepare_module(ch, m) < 0)
            result = XMB_ECONF;
    /* Without the TLS profiles every listener that names one would be a fault too many. */
    if (!ch->tls_ready || prepare_listeners(ch, workers) < 0)
        result = XMB_ECONF;
    return result;
}

static void abort_module(struct change *ch, struct xmb_module *m)
{
    struct part *part = &ch->parts[m->index];

    if (!part->prepared)
        return;
    call_abort(m, part->next);
    if (m->state == MODULE_PREPARED)
        m->state = MODULE_INITED;
}

static void free_change(struct change *ch)
{
    conf_collect(ch->conf, NULL);
    conf_free(ch->conf);
    free(ch);
}

void change_abort_control(struct change *ch)
{
    if (ch->control_ready)
        control_abort(ch->control);
    ch->control_ready = 0;
}

void change_abort(struct change *ch)
{
    uint32_t i = 0;

    if (ch == NULL)
        return;
    datagrams_abort(ch->datagrams);
    if (ch->listeners_ready)
        listeners_abort(ch->listeners);
    while (lifecycle_order(i) != NULL)
        i++;
    while (i > 0)
        abort_module(ch, lifecycle_order(--i));
    change_abort_control(ch);
    tls_abort(ch->tls_ready ? ch->tls : NULL);
    if (ch->log_ready)
        log_abort(ch->log);
    free_change(ch);
}

/* --- commit --- */

void change_commit_control(struct change *ch)
{
    privileges_read_begin(); /* its folder may be one that only root can enter */
    if (ch->control_ready)
        control_commit(ch->control);
    privileges_read_end();
    ch->control_ready = 0;
}

void change_commit_core(struct change *ch)
{
    log_commit(ch->log);
    ch->tls_changes = tls_changes(ch->tls);
    tls_commit(ch->tls);
    ch->log_ready = 0;
    ch->tls_ready = 0;
}

static void commit_module(struct change *ch, struct xmb_module *m)
{
    struct part *part = &ch->parts[m->index];
    struct module_mark mark;

    if (!part->changes)
        return;
    part->old = m->conf;
    part->old_conf = held[m->index].conf;
    held[m->index].conf = conf_hold(ch->conf);
    held[m->index].element = part->element;
    m->conf = part->next;
    part->prepared = 0;
    if (m->ops.commit == NULL)
        return;
    mark = module_enter(m);
    m->ops.commit(m->self, part->next);
    module_leave(mark);
}

void change_commit_modules(struct change *ch)
{
    struct xmb_module *m;
    uint32_t i;

    for (i = 0; (m = lifecycle_order(i)) != NULL; i++)
        commit_module(ch, m);
}

/* 1 when a module that decides is among those that change. */
static int policy_changes(const struct change *ch)
{
    uint32_t i;

    for (i = 1; i < module_count(); i++)
        if (ch->parts[i].changes && module_at(i)->policy.size != 0)
            return 1;
    return 0;
}

static void tell(struct xmb_worker *w, const struct xmb_module *m, void (*changed)(void *wself))
{
    struct module_mark mark;

    if (changed == NULL)
        return;
    mark = module_enter(m);
    changed(w->wself[m->index]);
    module_leave(mark);
}

/* What protocols have decided about who is connected may be decided otherwise now. */
static void tell_protocols(const struct change *ch, struct xmb_worker *w)
{
    uint32_t i;

    for (i = 1; i < module_count() && ch->tls_changes; i++)
        tell(w, module_at(i), module_at(i)->protocol.tls_changed);
    if (!policy_changes(ch))
        return;
    for (i = 1; i < module_count(); i++)
        tell(w, module_at(i), module_at(i)->protocol.policy_changed);
}

void change_worker(struct change *ch, struct xmb_worker *w)
{
    struct xmb_module *m;
    struct module_mark mark;
    uint32_t i;

    if (running != NULL) {
        listeners_renumber(ch->listeners, w);
        datagrams_renumber(ch->datagrams, w);
    }
    for (i = 0; (m = lifecycle_order(i)) != NULL; i++) {
        if (!ch->parts[m->index].changes || m->ops.worker_conf == NULL)
            continue;
        mark = module_enter(m);
        m->ops.worker_conf(w->wself[m->index], ch->parts[m->index].next);
        module_leave(mark);
    }
    /* Nobody is connected yet when the first configuration comes. */
    if (running != NULL)
        tell_protocols(ch, w);
}

static void retire_module(struct change *ch, struct xmb_module *m)
{
    struct part *part = &ch->parts[m->index];
    struct module_mark mark;

    if (part->changes && running != NULL && m->ops.retire != NULL) {
        mark = module_enter(m);
        m->ops.retire(m->self, part->old);
        module_leave(mark);
    }
    conf_free(part->old_conf);
}

void change_finish(struct change *ch)
{
    struct xmb_module *m;
    struct conf *old = running;
    uint32_t i;

    datagrams_commit(ch->datagrams); /* which looks at the listeners in preparation */
    listeners_commit(ch->listeners);
    change_commit_control(ch);
    for (i = 0; (m = lifecycle_order(i)) != NULL; i++)
        retire_module(ch, m);
    running = conf_hold(ch->conf);
    conf_free(old);
    free_change(ch);
}

void change_fini(void)
{
    uint32_t i;

    for (i = 0; i < MODULES_MAX; i++) {
        conf_free(held[i].conf);
        held[i].conf = NULL;
        held[i].element = NULL;
    }
    conf_free(running);
    running = NULL;
}
