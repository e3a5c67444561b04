/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.h - the life of all modules together: load, change, start, reload, stop.
 *
 *     plugin_load --> change_prepare --> lifecycle_start ... reload ... --> lifecycle_stop
 *                          |abort
 *
 * A struct change is one try at a new configuration, at start and at reload alike: every part
 * (log, TLS, control socket, modules, listeners) prepares, and either all commit or all abort.
 * Thread: control, for all of this.
 */
#ifndef BROKER_LIFECYCLE_H
#define BROKER_LIFECYCLE_H

#include "conf/conf.h"
#include "plugin/module.h"

struct xmb_worker;

/* --- plugin_load.c --- */

/*
 * Loads a plugin for each <module>, looking in `folders` in turn, and calls init in the order of
 * their requirements. One that fails is a fault, or is left out when it is optional="yes".
 */
int plugin_load(struct conf *c, const char *const *folders, size_t count,
                struct conf_faults *faults);
/* The n-th module in the order in which requirements come first, from 0; NULL at the end. */
struct xmb_module *lifecycle_order(uint32_t n);
/* The element of `m` in `c`, or NULL. */
const struct xmb_conf *lifecycle_element(const struct conf *c, const struct xmb_module *m);
/* What a negative XMB_E* says, for people. */
const char *module_error_text(int code);

/* --- change.c --- */

struct change;

/* Holds `c`. NULL: out of memory. */
struct change *change_new(struct conf *c, struct conf_faults *faults);
/*
 * Validates each module's element with its schema. XMB_ECONF: one was refused. The others can be
 * prepared all the same, so that their faults are told too; then change_prepare_modules refuses.
 */
int change_check(struct change *ch);
/* Log, TLS, control socket: needs no plugin, so at start it is done while we may still be root. */
int change_prepare_core(struct change *ch);
/*
 * The modules that differ from what they run with (all, at start), then listeners. XMB_ECONF also
 * when change_check or change_prepare_core refused something before.
 */
int change_prepare_modules(struct change *ch, uint32_t workers);
/* Gives everything back, in reverse, and frees `ch`. NULL is fine. */
void change_abort(struct change *ch);
/*
 * The control socket alone, at start, before the drop: its folder may be one that only root can
 * write to. Otherwise change_finish and change_abort do it.
 */
void change_commit_control(struct change *ch);
void change_abort_control(struct change *ch);
void change_commit_core(struct change *ch);    /* log and TLS */
void change_commit_modules(struct change *ch); /* from here on there is no way back */
/* The worker's part: worker_conf of each module that changed. Thread: `w`. */
void change_worker(struct change *ch, struct xmb_worker *w);
/* All workers have moved on: listeners, control socket; retires what was replaced; frees `ch`. */
void change_finish(struct change *ch);
int change_has(const struct change *ch, const struct xmb_module *m); /* 1: it changes */
struct conf *change_conf(const struct change *ch);
/* The configuration that is committed; NULL before the first. */
struct conf *change_running(void);
/* What <broker drain=> of the running configuration says. */
uint64_t change_drain_ms(void);
void change_fini(void);

/* --- lifecycle.c --- */

/*
 * After the first change was prepared: commits it, begins routing, makes the modules' state on
 * each worker, calls start, opens the listeners. Consumes `ch`, also on failure (then what ran
 * must still be ended by lifecycle_stop). The workers and the routing loop are running.
 */
int lifecycle_start(struct change *ch);
/* Ends routing modules and the modules' state on each worker; before workers_stop. */
void lifecycle_end_threads(void);
/* Calls stop of every module that was initialized, in reverse; when all threads have ended. */
void lifecycle_stop(void);

/* --- drain.c --- */

/* Calls drain of every module, and has its routing drain called on the routing loop. */
void lifecycle_drain(uint64_t deadline_ms);
/*
 * Asks the routing modules that were told whether nothing is left to say; `then` gets the number
 * of those that are late, on the control loop, or at once when there is nobody to ask. Not again
 * before `then`.
 */
void lifecycle_ask_drained(void (*then)(uint32_t late));
/* Names in the log those that were late at the last question. */
void lifecycle_name_late(uint64_t deadline_ms);

/* --- reload.c --- */

/* What a reload must know: the file. Kept, not copied. */
void reload_init(const char *file);
/* A reload that nobody waits for: SIGHUP. One that comes while another ends is done after it. */
void reload_request(void);
/*
 * No reload begins from now on; `then` is called once the one that is under way has ended, at once
 * when there is none: before that, nothing that a configuration is made of may be taken down.
 */
void reload_end(void (*then)(void));

#endif
