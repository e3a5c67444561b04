/* SPDX-License-Identifier: MIT */
/*
 * conf.h - a read-only view of the module's element of the configuration.
 *
 * The file has been checked against the core's schema and the plugin's own
 * before `prepare` sees it, so structure needs no second check; the getters
 * check ranges and units. Nodes and strings live as long as the prepared
 * configuration that they came with: until `retire` or `abort` returns.
 * Thread: control, for all calls.
 *
 * Attributes whose name ends in "-file" hold a path; `secret` reads either form.
 */
#ifndef XMB_CONF_H
#define XMB_CONF_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

struct xmb_conf_api {
    uint32_t size;
    uint32_t rev;

    /* Name of the element. */
    const char *(*name)(const struct xmb_conf *node);
    /* First child element called `name` (NULL: any), or NULL. */
    const struct xmb_conf *(*child)(const struct xmb_conf *node, const char *name);
    /* Next sibling element called `name` (NULL: any), or NULL. */
    const struct xmb_conf *(*next)(const struct xmb_conf *node, const char *name);
    /* Line of the element in its file, from 1. */
    uint32_t (*line)(const struct xmb_conf *node);

    /* The attribute's text, or `absent`. */
    const char *(*text)(const struct xmb_conf *node, const char *attribute, const char *absent);
    /* A whole number from `min` to `max`; absent leaves `*out`. XMB_ECONF: fault reported. */
    int (*number)(const struct xmb_conf *node, const char *attribute, uint64_t min, uint64_t max,
                  uint64_t *out);
    /* "yes", "true", "1" or "no", "false", "0" as 1 or 0; absent leaves `*out`. */
    int (*flag)(const struct xmb_conf *node, const char *attribute, int32_t *out);
    /*
     * A duration in milliseconds: seconds unless a unit is written (ms, s, m, h,
     * d). Bounds in milliseconds. Absent leaves `*out_ms`.
     */
    int (*duration)(const struct xmb_conf *node, const char *attribute, uint64_t min_ms,
                    uint64_t max_ms, uint64_t *out_ms);
    /* A size in bytes: k, m, g are powers of 1024. Absent leaves `*out_bytes`. */
    int (*bytes)(const struct xmb_conf *node, const char *attribute, uint64_t min_bytes,
                 uint64_t max_bytes, uint64_t *out_bytes);
    /*
     * An IP address "192.0.2.1" or "2001:db8::1"; port stays 0. Absent leaves
     * `*out`.
     */
    int (*address)(const struct xmb_conf *node, const char *attribute, struct xmb_addr *out);
    /* An IP network "192.0.2.0/24"; `*out` has its host bits cleared. */
    int (*network)(const struct xmb_conf *node, const char *attribute, struct xmb_addr *out,
                   uint32_t *prefix_bits);
    /*
     * A secret: the attribute itself, or the first line of the file that
     * `attribute`-file names (not readable by others, at most 4096 octets).
     * XMB_ENOENT when neither is there; XMB_ECONF when both are, or the file
     * cannot be used: fault reported. Never put it in a message.
     */
    int (*secret)(const struct xmb_conf *node, const char *attribute, const char **out);

    /*
     * Reports "FILE:LINE: module NAME: text" for this node and makes the whole
     * configuration refused. Returns XMB_ECONF, for `return fault(...)`.
     */
    int (*fault)(const struct xmb_conf *node, const char *format, ...) XMB_PRINTF(2, 3);
};

XMB_END_DECLS

#endif
