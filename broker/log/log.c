/* SPDX-License-Identifier: MIT */
/*
 * log.c - the log as the core and the modules call it: level, limit, format, write.
 *
 * All of it happens on the calling thread. A line that the level holds back costs one
 * relaxed load; no lock is taken for one that is written.
 */
#include "log/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "log/log_priv.h"
#include "plugin/module.h"

static const struct xmb_module *module_or_core(const struct xmb_module *m)
{
    return m != NULL ? m : module_core();
}

static const char *name_in_log(const struct xmb_module *m)
{
    return m->plugin.log_name != NULL ? m->plugin.log_name : m->name;
}

static uint32_t api_level(const struct xmb_module *module)
{
    uint32_t level = atomic_load_explicit(&module_or_core(module)->log_level, memory_order_relaxed);

    return level != 0 ? level : XMB_LOG_INFO;
}

static XMB_PRINTF(5, 0) void write_event(const struct xmb_module *module, uint32_t level,
                                         const char *object, uint64_t left_out,
                                         const char *format, va_list args)
{
    char message[LOG_LINE_MAX + 1]; /* longer than what fits, so that the cut is seen */
    struct log_event e = {
        .level = level,
        .module = name_in_log(module_or_core(module)),
        .object = object,
        .message = message,
        .left_out = left_out,
    };

    if (vsnprintf(message, sizeof message, format, args) < 0)
        snprintf(message, sizeof message, "(a message that cannot be formatted: %.200s)", format);
    clock_gettime(CLOCK_REALTIME, &e.when);
    log_sink_write(&e);
}

static XMB_PRINTF(4, 5) void api_write(const struct xmb_module *module, uint32_t level,
                                       const char *object, const char *format, ...)
{
    va_list args;

    if (level > api_level(module))
        return;
    va_start(args, format);
    write_event(module, level, object, 0, format, args);
    va_end(args);
}

static XMB_PRINTF(6, 7) void api_limited(const struct xmb_module *module, uint32_t level,
                                         const char *key, uint32_t per_second,
                                         const char *object, const char *format, ...)
{
    uint64_t left_out = 0;
    struct timespec now;
    va_list args;

    if (level > api_level(module))
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!log_limit(key != NULL ? key : format, per_second, (uint64_t)now.tv_sec, &left_out))
        return;
    va_start(args, format);
    write_event(module, level, object, left_out, format, args);
    va_end(args);
}

const struct xmb_log_api log_api = {
    .size = sizeof(struct xmb_log_api),
    .rev = 1,
    .level = api_level,
    .write = api_write,
    .limited = api_limited,
};
