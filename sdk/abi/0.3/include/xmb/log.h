/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line an event: time, level, module, object, message.
 *
 * The host stamps time and module. `object` is what the line is about (a peer,
 * a domain, a handle). The text says cause and what happens next. No secret,
 * key or message body, at any level. Control octets are escaped by the host.
 */
#ifndef XMB_LOG_H
#define XMB_LOG_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

enum xmb_level {
    XMB_LOG_ERROR = 1, /* something is broken; an operator must act */
    XMB_LOG_WARN = 2,  /* something is wrong outside, and was handled */
    XMB_LOG_NOTICE = 3, /* a state change worth knowing on a quiet day */
    XMB_LOG_INFO = 4,  /* normal events: a session begins, ends */
    XMB_LOG_DEBUG = 5  /* for finding faults */
};

struct xmb_log_api {
    uint32_t size;
    uint32_t rev;
    /* The level in force for `module`; test before building costly arguments. Thread: any. */
    uint32_t (*level)(const struct xmb_module *module);
    /* Writes a line when `level` is in force. `object` may be NULL. Thread: any; never blocks. */
    void (*write)(const struct xmb_module *module, uint32_t level, const char *object,
                  const char *format, ...) XMB_PRINTF(4, 5);
    /*
     * The same, at most `per_second` lines a second for each `key` (static
     * text); what was left out is counted and said in the next line. For
     * events that a stranger can cause. Thread: any.
     */
    void (*limited)(const struct xmb_module *module, uint32_t level, const char *key,
                    uint32_t per_second, const char *object, const char *format, ...)
        XMB_PRINTF(6, 7);
};

XMB_END_DECLS

#endif
