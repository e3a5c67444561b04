/* SPDX-License-Identifier: MIT */
/*
 * control.h - operator commands, declared as data in the descriptor.
 *
 * The host owns the words, abbreviations, help, permission and rendering; a
 * handler only emits fields and rows, which become text for people or one JSON
 * object for scripts. A command of scope EACH_WORKER runs on every worker and
 * the host joins what they emit: rows are appended, numbers emitted with `sum`
 * are added, of other fields the first wins. The workers run it at the same time.
 *
 *     "show service-routing xmcp clients"   words; arguments come behind them
 */
#ifndef XMB_CONTROL_H
#define XMB_CONTROL_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

enum xmb_command_scope { XMB_SCOPE_CONTROL = 1, XMB_SCOPE_EACH_WORKER = 2, XMB_SCOPE_ROUTING = 3 };
enum xmb_command_flags { XMB_COMMAND_CHANGES = 1 /* changes something: logged with who asked */ };

#define XMB_COMMAND_ARGS_MAX 8

/* A call of a command. Strings are borrowed for the call. */
struct xmb_call {
    uint32_t size;
    uint32_t arg_count;
    const char *const *args; /* what stood behind the words, in order, keywords written out */
};

struct xmb_command {
    uint32_t size;
    uint32_t scope; /* enum xmb_command_scope */
    uint32_t flags;
    uint32_t reserved;
    const char *words; /* "show service-routing xmcp clients" */
    /*
     * Arguments for help and checking, one space between: `[X]` optional,
     * CAPITALS a value, lower case a keyword, `A|B` either. NULL: none.
     * "[ADDRESS|HANDLE] [detail]"
     */
    const char *arguments;
    const char *help; /* one line */
    /*
     * Emits the answer into `out`. `state` is `self` with scope CONTROL and
     * ROUTING, `wself` with EACH_WORKER. Negative: failed; say why with
     * host->control->error. `out` is valid until it returns, or see `later`. Thread: by `scope`:
     * control, routing, or every worker.
     */
    int (*run)(void *state, const struct xmb_call *call, struct xmb_out *out);
};
#define XMB_COMMAND_INIT sizeof(struct xmb_command)

struct xmb_control_api {
    uint32_t size;
    uint32_t rev;
    /*
     * Fields of the object that is open: the answer itself, or the row begun
     * last. Keys are JSON names, [a-z_], static text; values are copied, any octets
     * (what is not UTF-8 is escaped). Allocation failure is remembered and fails the command.
     */
    void (*text)(struct xmb_out *out, const char *key, struct xmb_str value);
    void (*number)(struct xmb_out *out, const char *key, int64_t value);
    void (*sum)(struct xmb_out *out, const char *key, int64_t value);
    void (*flag)(struct xmb_out *out, const char *key, int32_t value);
    void (*null)(struct xmb_out *out, const char *key);
    void (*address)(struct xmb_out *out, const char *key, const struct xmb_addr *a);
    /*
     * Rows: list_begin opens array `key` in the open object, each row is between
     * row_begin and row_end, item adds a bare text. Lists nest up to 4 deep.
     */
    void (*list_begin)(struct xmb_out *out, const char *key);
    void (*list_end)(struct xmb_out *out);
    void (*row_begin)(struct xmb_out *out);
    void (*row_end)(struct xmb_out *out);
    void (*item)(struct xmb_out *out, struct xmb_str value);
    /* The command failed: text for the operator. Returns XMB_EINVAL, for `return error(...)`. */
    int (*error)(struct xmb_out *out, const char *format, ...) XMB_PRINTF(2, 3);

    /* --- since 0.3 --- */

    /*
     * For `run` of scope EACH_WORKER: the answer is not whole when it returns, with 0. `out` stays
     * valid on that worker until `finish`, which has to follow, in worker_fini at the latest; other
     * workers' answers wait for it. After `within_ms` (300,000 at most) the operator is told that
     * none came, and what is emitted later is dropped. XMB_EINVAL: another scope, a longer time.
     */
    int (*later)(struct xmb_out *out, uint32_t within_ms);
    void (*finish)(struct xmb_out *out);
};

XMB_END_DECLS

#endif
