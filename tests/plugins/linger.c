/* SPDX-License-Identifier: MIT */
/*
 * linger.c - a routing module for tests of the way down, with nothing to route: after drain it has
 * something left to say for a while, and logs each step of its end.
 *
 *     <module name="linger" for="700ms"/>
 */
#include <stdlib.h>
#include <xmb/xmb.h>

static const struct xmb_host *host;
static struct xmb_module *module;

struct linger {
    uint64_t for_ms;
    struct xmb_timer *timer; /* thread: routing, as below */
    int is_done;
    int was_asked;
};

static void on_done(void *arg)
{
    struct linger *l = arg;

    l->is_done = 1;
    host->log->write(module, XMB_LOG_NOTICE, NULL, "all said");
}

static int begin(void *self)
{
    struct linger *l = self;

    l->timer = host->router->timer(module, on_done, l);
    return l->timer != NULL ? 0 : XMB_ENOMEM;
}

static void drain(void *self, uint64_t deadline_ms)
{
    struct linger *l = self;

    host->log->write(module, XMB_LOG_NOTICE, NULL, "drain within %u ms", (unsigned)deadline_ms);
    host->timer->start(l->timer, l->for_ms);
}

static int drained(void *self)
{
    struct linger *l = self;

    if (!l->was_asked)
        host->log->write(module, XMB_LOG_NOTICE, NULL, "asked");
    l->was_asked = 1;
    return l->is_done;
}

/* Its timer may still run: that it does not go off any more is the core's business. */
static void end(void *self)
{
    (void)self;
    host->log->write(module, XMB_LOG_NOTICE, NULL, "end");
}

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    if (!XMB_HAS(h->router, timer))
        return XMB_EVERSION;
    *self = calloc(1, sizeof(struct linger));
    return *self != NULL ? 0 : XMB_ENOMEM;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct linger *l = self;

    *next = NULL;
    return host->conf->duration(conf, "for", 0, 3600000, &l->for_ms);
}

static void module_drain(void *self, uint64_t deadline_ms)
{
    (void)self;
    (void)deadline_ms;
    host->log->write(module, XMB_LOG_NOTICE, NULL, "no new work");
}

static void stop(void *self)
{
    host->log->write(module, XMB_LOG_NOTICE, NULL, "stop");
    free(self);
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><attribute name='for'/></start>"
    "</grammar>";

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = init, .prepare = prepare,
                                          .drain = module_drain, .stop = stop};
static const struct xmb_routing routing = {.size = sizeof(routing), .begin = begin, .end = end,
                                           .drain = drain, .drained = drained};

XMB_PLUGIN(linger, .abi_need = 3, .flags = XMB_PLUGIN_RELOAD_RESTART, .version = "1.0",
           .summary = "for tests", .schema = schema, .schema_bytes = sizeof(schema) - 1,
           .ops = &ops, .routing = &routing);
