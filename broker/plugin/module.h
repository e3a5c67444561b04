/* SPDX-License-Identifier: MIT */
/*
 * module.h - a loaded module as the rest of the core sees it.
 *
 * The descriptor and its role tables are copied into zeroed structures of our
 * own at load, so a member that an older plugin does not have reads as NULL
 * here and nothing past the plugin's own size is ever touched. The arrays that a
 * plugin declares are copied too, so they can be indexed like any other. The table of
 * modules is filled on the control thread before any other thread exists and
 * does not change after that.
 *
 * Module 0 is the core itself ("core"): it has a log level and metrics and no code.
 */
#ifndef BROKER_MODULE_H
#define BROKER_MODULE_H

#include <stdatomic.h>
#include <xmb/xmb.h>

#define MODULES_MAX 64

enum module_state {
    MODULE_LOADED = 1,
    MODULE_INITED,
    MODULE_PREPARED,
    MODULE_RUNNING,
    MODULE_DRAINING,
    MODULE_STOPPED
};

struct xmb_module {
    uint32_t index; /* place in the table and in the order of the configuration; 0 is the core */
    const char *name;
    struct xmb_plugin plugin; /* zero-extended copies; `size` 0: role not played */
    struct xmb_module_ops ops;
    struct xmb_protocol protocol;
    struct xmb_routing routing;
    struct xmb_policy policy;
    struct xmb_datagram datagram;
    void *self;           /* from init */
    void *conf;           /* committed configuration; control thread only */
    uint32_t state;       /* enum module_state; control thread only */
    int linked_in;        /* its code is a part of this program and came from no file */
    _Atomic uint32_t log_level; /* enum xmb_level */
};

uint32_t module_count(void); /* the core included; thread: any */
struct xmb_module *module_at(uint32_t index);
struct xmb_module *module_core(void);
struct xmb_module *module_by_name(const char *name); /* NULL: not loaded */
const char *module_state_name(uint32_t state);
/* Puts `m` at the end of the table and gives it its index; XMB_ELIMIT. Thread: control, at load. */
int module_add(struct xmb_module *m);
/* Takes it out again, before anything knows its index (an optional one that could not start). */
void module_remove(struct xmb_module *m);

/*
 * Around each call into a plugin: marks the thread with the module, for the
 * crash report and for the log of slow callbacks. `leave` takes what `enter` gave.
 */
struct module_mark {
    const struct xmb_module *outer;
    uint64_t began_ns;
    uint64_t away_ns; /* spent by this thread in inner calls of others so far */
};
struct module_mark module_enter(const struct xmb_module *m);
void module_leave(struct module_mark mark);
/* The module whose code this thread is in; the core when none. Async-signal-safe. */
const struct xmb_module *module_current(void);

#endif
