/* SPDX-License-Identifier: MIT */
/*
 * log.h - the log: formatting on the calling thread, one write(2) a line.
 *
 * <log level= format="text|json" to="stderr|journal|/path"/>; SIGHUP opens the file again.
 */
#ifndef BROKER_LOG_H
#define BROKER_LOG_H

#include <sys/types.h>

#include <xmb/conf.h>
#include <xmb/log.h>

struct log_next;
int log_prepare(const struct xmb_conf *broker, struct log_next **next); /* opens the file */
/*
 * Once, right after the first log_prepare: what the start has to say goes where the configuration
 * wants it, and as it wants it, though there are no modules yet. log_commit or log_abort follow.
 */
void log_begin(struct log_next *next);
/* Before log_prepare of a start as root: whose the log file will be. */
void log_owner(uid_t uid);
void log_only_check(void); /* with -t: log_begin does nothing */
/* The level that a module begins with. */
uint32_t log_level_for(const char *module);
void log_abort(struct log_next *next);
void log_commit(struct log_next *next); /* also sets every module's level */
void log_fini(void);

/* From the core: log_write(module_core(), ...) through this. */
extern const struct xmb_log_api log_api;
#define LOG(level, object, ...) log_api.write(module_core(), XMB_LOG_##level, object, __VA_ARGS__)

#endif
