/* SPDX-License-Identifier: MIT */
/*
 * control_priv.h - shared inside this folder: the answer under construction,
 * the table of commands, and a running call.
 */
#ifndef BROKER_CONTROL_PRIV_H
#define BROKER_CONTROL_PRIV_H

#include <jansson.h>
#include <strings.h>

#include "control/control.h"
#include "loop/worker.h"

/* ---- out.c: what handlers emit into */

#define OUT_DEPTH_MAX 12
#define OUT_SUMS_MAX 512

struct xmb_out {
    json_t *stack[OUT_DEPTH_MAX]; /* [0] is the answer; borrowed references above it */
    int depth;
    char *error; /* why the command failed, or NULL */
    int failed;  /* an allocation failed, or lists were nested too deep */
    const char *sums[OUT_SUMS_MAX]; /* top-level keys that are added up over workers; static texts */
    size_t sum_count;
    struct run *run; /* that it is an answer of; NULL: none */
    int is_later;    /* `finish` is to come */
    int plain_keys; /* people read the keys as they are: they are names, not words */
};

int out_init(struct xmb_out *out);
void out_clear(struct xmb_out *out);
/* Joins what another thread emitted into `out`: rows append, sums add, else the first wins. */
void out_merge(struct xmb_out *out, const struct xmb_out *other);

/* ---- words.c: which command is meant */

/*
 * Internal scope: every worker and the routing loop; state is the worker, or NULL on the routing
 * loop.
 */
#define SCOPE_EVERYWHERE 100

#define WORDS_MAX 24   /* words in one request */
#define COMMANDS_MAX 512

struct command {
    struct xmb_module *module;
    struct xmb_command decl; /* zero-extended copy */
};

struct match {
    const struct command *command;
    const char *args[XMB_COMMAND_ARGS_MAX]; /* into the request, or keywords written out */
    uint32_t arg_count;
    json_t *keywords; /* owns keywords that were written out, or NULL */
    char error[256];
};

void match_clear(struct match *m);
/* Finds the command of `count` words; 0, or XMB_EINVAL with m->error filled. */
int words_match(const char *const *words, size_t count, struct match *m);
/* What may follow: [{word, help}] as a new reference, NULL when out of memory. */
json_t *words_help(const char *const *words, size_t count);
int words_add(struct xmb_module *module, const struct xmb_command *decl);
void words_clear(void);
/* The i-th word of a command, length in *n, or NULL. */
const char *words_nth(const char *words, size_t i, size_t *n);

/* ---- args.c: what stands behind the words */

int args_match(const char *spec, const char *const *typed, size_t count, struct match *m);
/* Adds to `list` what may stand at the end of `typed`; 1 when the command may end here. */
int args_help(const char *spec, const char *const *typed, size_t count, json_t *list);
void help_add(json_t *list, const char *word, size_t n, const char *help);

/* ---- run.c: runs it where it belongs */

/* Calls done(arg, out) on the control loop, once; `out` is valid for the call only. */
int run_command(const struct match *m, void (*done)(void *arg, struct xmb_out *out), void *arg);
/* xmb_control_api.later and finish. Thread: the worker that emits into `out`. */
int run_later(struct xmb_out *out, uint32_t within_ms);
void run_finish(struct xmb_out *out);
/* Nothing is waited for any more: the control loop ends. */
void runs_close(void);

/* ---- session.c: one operator on the socket */

void session_accept(int fd);
void sessions_close(void);

/* ---- show_metrics.c */

int show_metrics_init(void); /* once all modules are loaded */
void show_metrics_fini(void);
int show_metrics(void *state, const struct xmb_call *call, struct xmb_out *out);

/* ---- core_commands.c */
extern const struct xmb_command core_commands[];
extern const size_t core_commands_count;
void core_commands_began(void); /* uptime counts from here */

#endif
