/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - the descriptor that a plugin exports, and the life of a module.
 *
 * A *plugin* is the shared object; a *module* is one running instance of it,
 * made by a <module name="..."> element of the configuration.
 *
 *     LOADED --init--> INITED --prepare--> PREPARED --commit,start--> RUNNING
 *                                  |abort                               |  ^
 *                                  v                 prepare,(abort|commit,retire)
 *                               (gone)                                  |
 *                                          STOPPED <--stop-- DRAINING <-+drain
 *
 * A stopped module stays mapped: plugins are never unloaded. Reload is
 * all-or-nothing over every module: each changed module is asked to `prepare`;
 * one refusal aborts them all and the running configuration is untouched.
 *
 * Threads: `control` is the main thread; `worker` is the thread of the worker
 * handed in. No callback is re-entered for the same object.
 */
#ifndef XMB_PLUGIN_H
#define XMB_PLUGIN_H

#include <xmb/control.h>
#include <xmb/datagram.h>
#include <xmb/host.h>
#include <xmb/metrics.h>
#include <xmb/policy.h>
#include <xmb/protocol.h>
#include <xmb/routing.h>
#include <xmb/types.h>

XMB_BEGIN_DECLS

/*
 * Lifecycle. Only `init` is required; the struct's size says which members exist. A module without
 * worker_init has NULL for `wself`.
 */
struct xmb_module_ops {
    uint32_t size;
    /*
     * Once for each module, before anything else runs. Keep `host` and
     * `module`, check with XMB_HAS what you need, do no I/O. `*self` is the
     * module's own state, handed to every other call. Failure stops the start
     * of the broker (or skips the module when it is optional="yes"); say why with
     * host->log, and free what was made: no other call follows. Thread: control.
     */
    int (*init)(const struct xmb_host *host, struct xmb_module *module, void **self);
    /*
     * Parse `conf`, allocate and open all that it needs, change nothing that
     * runs. Report each fault with host->conf->fault (file and line are added)
     * and return XMB_ECONF. On success `*next` is the prepared configuration,
     * the module's until retire or abort. Thread: control; may block briefly.
     */
    int (*prepare)(void *self, const struct xmb_conf *conf, void **next);
    /* Gives back what `prepare` made; it never became current. Thread: control. */
    void (*abort)(void *self, void *next);
    /* `next` is current for new work from now on. Cannot fail. Thread: control. */
    void (*commit)(void *self, void *next);
    /*
     * State of this module on one worker; `*wself` goes to every role callback
     * there. Called after the first commit, before traffic. Failure stops the
     * start. Thread: worker.
     */
    int (*worker_init)(void *self, struct xmb_worker *worker, void **wself);
    /* The last call for this worker; its connections and timers are gone. Thread: worker. */
    void (*worker_fini)(void *wself);
    /* This worker uses `next` from now on. Also called once after worker_init. Thread: worker. */
    void (*worker_conf)(void *wself, void *next);
    /*
     * Every worker has left `old`: free it. The last configuration is retired too,
     * after the workers have ended and before `stop`. Thread: control.
     */
    void (*retire)(void *self, void *old);
    /*
     * All workers have the first configuration; listeners open after this. Once, not at a
     * reload. Failure stops the start. Thread: control.
     */
    int (*start)(void *self);
    /*
     * No new work from now on; finish or hand over within `deadline_ms`.
     * Protocols are told on each worker too (xmb_protocol.drain). Thread: control.
     */
    void (*drain)(void *self, uint64_t deadline_ms);
    /*
     * The last call of all, after every init that succeeded, also when the start went no
     * further (a check of the configuration, a refused one). Workers have ended. Free
     * everything. Thread: control.
     */
    void (*stop)(void *self);
    /*
     * For a plugin with `provides`: another module asks host->query for interface `name`,
     * which is listed there in `revision` or a later one. `*table` is constant and lives as
     * long as the process. May be called from init of the asker on. Errors: XMB_ENOENT,
     * XMB_EVERSION. Thread: control.
     */
    int (*interface)(void *self, const char *name, uint32_t revision, const void **table);
};

/*
 * In requires_list: a module or an interface that must be there, and of an interface its lowest
 * revision (a module by its own name has none: write 0). In provides: an interface and the revision
 * that it has. An array is walked by `size`.
 */
struct xmb_need {
    uint32_t size;
    uint32_t revision;
    const char *name;
};
/* Since 0.2. Added to `revision` in requires_list: goes before if it is loaded; may be missing. */
#define XMB_NEED_OPTIONAL UINT32_C(0x80000000)
#define XMB_NEED_INIT sizeof(struct xmb_need)

enum xmb_plugin_flags {
    XMB_PLUGIN_MULTI = 1,        /* may be named more than once in the configuration */
    XMB_PLUGIN_RELOAD_RESTART = 2, /* a change needs a restart: reload refuses it, with words */
    XMB_PLUGIN_EXPERIMENTAL = 4, /* said in `show modules` and at load */
    XMB_PLUGIN_RAW_IP = 8        /* since 0.3: opens raw IP sockets (rawip.h) */
};

/*
 * The descriptor: constant data, read before any of the plugin's code runs.
 * The first 12 octets never change, in any version.
 */
struct xmb_plugin {
    uint32_t magic;     /* XMB_PLUGIN_MAGIC */
    uint16_t abi_major; /* stamped: what the plugin was compiled with */
    uint16_t abi_minor;
    uint32_t size;

    uint16_t abi_need; /* written by hand: lowest host minor it can run on; 0 = any */
    uint16_t flags;    /* xmb_plugin_flags */
    const char *name;  /* must equal the file's name without ".so": [a-z][a-z0-9-]* */
    const char *version;
    const char *summary; /* one line, for `show modules` and xmb-plugin-check */
    const char *license;
    const char *origin; /* who to ask */

    /*
     * RELAX NG (XML syntax) grammar for the content of its <module> element:
     * a <grammar> whose <start> is what may stand inside, attributes included.
     * NULL: nothing may stand inside.
     */
    const char *schema;
    size_t schema_bytes;

    /* Arrays declare by value; element stride is the first element's `size`. */
    const struct xmb_need *requires_list; /* modules or interfaces that must be loaded before it */
    size_t requires_list_count;
    const struct xmb_need *provides; /* interfaces it answers to in host->query */
    size_t provides_count;
    const struct xmb_metric *metrics;
    size_t metrics_count;
    const struct xmb_command *commands;
    size_t commands_count;

    const struct xmb_module_ops *ops;     /* required */
    const struct xmb_protocol *protocol;  /* non-NULL: plays this role; several may be played */
    const struct xmb_routing *routing;
    const struct xmb_policy *policy;
    const struct xmb_datagram *datagram; /* since 0.2 */
    const char *log_name; /* since 0.2: in log lines in the place of the module's name; or NULL */
};

/*
 * XMB_PLUGIN(line, .version = "1.0", .ops = &ops, .protocol = &line_protocol);
 * XMB_PLUGIN_NAMED(auth_userpass, "auth-userpass", ...) where the name has a dash: in the symbol
 * it is '_', and a name never has '_', so XMB_PLUGIN alone is for names of letters and digits.
 *
 * Defines and exports the descriptor, with magic, ABI version and size stamped. In C++ it takes
 * C++20, members in the order of the structure, and neither abi_need nor flags; a C file with the
 * descriptor alone, beside the C++ ones, has no such limits.
 */
#define XMB_PLUGIN_NAMED(id, name_, ...)                                                           \
    XMB_EXTERN XMB_EXPORT const struct xmb_plugin id##_LTX_xmb_plugin;                             \
    const struct xmb_plugin id##_LTX_xmb_plugin = {                                                \
        .magic = XMB_PLUGIN_MAGIC,                                                                 \
        .abi_major = XMB_ABI_MAJOR,                                                                \
        .abi_minor = XMB_ABI_MINOR,                                                                \
        .size = sizeof(struct xmb_plugin),                                                         \
        .name = name_,                                                                             \
        __VA_ARGS__}
#define XMB_PLUGIN(id, ...) XMB_PLUGIN_NAMED(id, #id, __VA_ARGS__)

/* For an array member of the descriptor: `.XMB_LIST(metrics, my_metrics)`. */
#define XMB_LIST(member, array)                                                                    \
    member = (array), .member##_count = sizeof(array) / sizeof((array)[0])

XMB_END_DECLS

#endif
