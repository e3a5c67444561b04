/* SPDX-License-Identifier: MIT */
/*
 * abi.h - what holds the line between the broker and a plugin.
 *
 * A plugin is one shared object that exports one symbol: a constant
 * `struct xmb_plugin` (plugin.h). It links no broker library; all that it
 * calls comes to it as tables of function pointers in `init` (host.h).
 *
 * Rules that keep a compiled plugin working for years:
 *  - every structure that crosses the line begins with its own size, stamped
 *    by whoever compiled it; the reader touches nothing past that size;
 *  - that holds for structures to be filled, too: the caller sets `size` before
 *    the call, and whoever fills it writes no further;
 *  - an array of such structures is walked by the `size` of its first element,
 *    never by the reader's own sizeof;
 *  - four small ones have no size because they are frozen for ever: xmb_str,
 *    xmb_addr (types.h), xmb_part (conn.h), xmb_service_id (service.h);
 *  - members are only appended, never inserted, widened or given a new meaning,
 *    and never into padding that an older `size` covered already;
 *  - an appended member raises XMB_ABI_MINOR by one and is optional;
 *  - constants are never renumbered, 0 always means "not said";
 *  - while the major is 0 the team may still break this, in a new minor, and
 *    says so in sdk/CHANGES.
 */
#ifndef XMB_ABI_H
#define XMB_ABI_H

#include <stddef.h>
#include <stdint.h>

#define XMB_ABI_MAJOR 0
#define XMB_ABI_MINOR 3

/* "XMBp": the first four octets of a descriptor. Never changes. */
#define XMB_PLUGIN_MAGIC UINT32_C(0x584d4270)

/*
 * True when table or structure `t` is new enough to have member `m` and the
 * other side filled it in. Test every optional member with it before use. For
 * pointers and numbers; a number that is 0 counts as not filled in. A table that
 * came later than the first minor is a member itself, so test it first:
 * XMB_HAS(host, msg) && XMB_HAS(host->msg, create).
 */
#define XMB_HAS(t, m)                                                                              \
    ((t) != NULL && (t)->size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m) &&                 \
     (t)->m != 0)

#if defined(__GNUC__)
#define XMB_EXPORT __attribute__((visibility("default")))
#define XMB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define XMB_EXPORT
#define XMB_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
#define XMB_BEGIN_DECLS extern "C" {
#define XMB_END_DECLS }
#define XMB_EXTERN extern "C"
#else
#define XMB_BEGIN_DECLS
#define XMB_END_DECLS
#define XMB_EXTERN extern
#endif

#endif
