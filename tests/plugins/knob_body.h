/* SPDX-License-Identifier: MIT */
/*
 * knob_body.h - a plugin for tests of the loader and of reload: it does what its configuration
 * says. knob-a.c, knob-b.c and knob-c.c are it under three names (KNOB_NAME).
 *
 *     <module name="knob-a"><knob value="1" fail="prepare|start|worker"/></module>
 *
 * It counts every call of its life, and shows the value in force on the control thread (`show
 * knob-a calls`) and on each worker (`show knob-a workers`), so that a test can see that a
 * refused reload left no trace.
 */
#include <stdlib.h>
#include <string.h>
#include <xmb/xmb.h>

#include "knob.h"

struct setting {
    uint64_t value;
    const char *fail;
};

struct on_worker {
    uint64_t value;
};

static const struct xmb_host *host;
static struct setting *running;
static uint64_t own_clock;
static struct knob_calls calls = {.clock = &own_clock};

static int knob_init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    (void)m;
    *self = &calls;
    calls.init++;
    return 0;
}

static int parse(const struct xmb_conf *knob, struct setting *s)
{
    s->fail = "";
    if (knob == NULL)
        return 0;
    s->fail = host->conf->text(knob, "fail", "");
    if (strcmp(s->fail, "prepare") == 0)
        return host->conf->fault(knob, "told to fail");
    return host->conf->number(knob, "value", 0, 1000, &s->value);
}

static int knob_prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct setting *s = calloc(1, sizeof *s);
    int rc = s != NULL ? parse(host->conf->child(conf, "knob"), s) : XMB_ENOMEM;

    (void)self;
    calls.prepare++;
    if (rc < 0) {
        calls.failed++;
        free(s);
        return rc;
    }
    *next = s;
    return 0;
}

static void knob_abort(void *self, void *next)
{
    (void)self;
    calls.abort++;
    calls.last_abort = ++*calls.clock;
    free(next);
}

static void knob_commit(void *self, void *next)
{
    (void)self;
    calls.commit++;
    running = next;
    calls.value = running->value;
}

static int knob_worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    (void)self;
    (void)worker;
    if (strcmp(running->fail, "worker") == 0)
        return XMB_ELIMIT;
    *wself = calloc(1, sizeof(struct on_worker));
    return *wself != NULL ? 0 : XMB_ENOMEM;
}

static void knob_worker_fini(void *wself)
{
    free(wself);
}

static void knob_worker_conf(void *wself, void *next)
{
    struct on_worker *w = wself;
    const struct setting *s = next;

    w->value = s->value;
}

static void knob_retire(void *self, void *old)
{
    (void)self;
    calls.retire++;
    free(old);
}

static int knob_start(void *self)
{
    (void)self;
    calls.start++;
    return strcmp(running->fail, "start") == 0 ? XMB_ELIMIT : 0;
}

static void knob_stop(void *self)
{
    (void)self;
    calls.stop++;
    running = NULL; /* it was retired before */
}

static int knob_interface(void *self, const char *name, uint32_t revision, const void **table)
{
    (void)self;
    (void)name;
    (void)revision;
    *table = &calls;
    return 0;
}

static int show(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    host->control->number(out, "value", (int64_t)calls.value);
    host->control->number(out, "commit", calls.commit);
    host->control->number(out, "retire", calls.retire);
    /* A refused reload may prepare and abort; what is left over must be nothing. */
    host->control->number(out, "in_hand",
                          (int64_t)calls.prepare - calls.abort - calls.commit - calls.failed);
    return 0;
}

static int show_workers(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct on_worker *w = state;

    (void)call;
    host->control->list_begin(out, "workers");
    host->control->row_begin(out);
    host->control->number(out, "value", (int64_t)w->value);
    host->control->row_end(out);
    host->control->list_end(out);
    return 0;
}

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "show " KNOB_NAME " calls", "", "what was called",
     show},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show " KNOB_NAME " workers", "",
     "the value that each worker has", show_workers},
};

static const struct xmb_need provides[] = {{sizeof(struct xmb_need), 1, "x-" KNOB_NAME}};

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns='urn:xmb:config:1'"
    " datatypeLibrary='http://www.w3.org/2001/XMLSchema-datatypes'><start><optional>"
    "<element name='knob'><optional><attribute name='value'><data type='unsignedInt'/></attribute>"
    "</optional><optional><attribute name='fail'><choice><value>prepare</value>"
    "<value>worker</value><value>start</value></choice></attribute></optional>"
    "<optional><attribute name='secret-file'/></optional></element>"
    "</optional></start></grammar>";

static const struct xmb_module_ops ops = {
    .size = sizeof ops,
    .init = knob_init,
    .prepare = knob_prepare,
    .abort = knob_abort,
    .commit = knob_commit,
    .worker_init = knob_worker_init,
    .worker_fini = knob_worker_fini,
    .worker_conf = knob_worker_conf,
    .retire = knob_retire,
    .start = knob_start,
    .stop = knob_stop,
    .interface = knob_interface,
};

#define KNOB_DESCRIPTOR(flags_)                                                                    \
    .version = "1.0", .summary = "for tests", .flags = (flags_), .schema = schema,                 \
    .schema_bytes = sizeof schema - 1, .XMB_LIST(provides, provides),                              \
    .XMB_LIST(commands, commands), .ops = &ops
