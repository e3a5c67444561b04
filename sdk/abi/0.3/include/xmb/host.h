/* SPDX-License-Identifier: MIT */
/*
 * host.h - the root table that a plugin gets in `init`.
 *
 * Each member points to a constant, size-stamped table of functions, described
 * in the header of its name. Tables and their members are only appended; a
 * member that this host lacks is NULL or beyond `size`: test with XMB_HAS, the
 * table in the root first, then its member.
 *
 *     static const struct xmb_host *host;      written once in init
 *     ...
 *     host->conn->write(conn, XMB_STR("hello\r\n"));
 *
 * The whole table lives as long as the process.
 */
#ifndef XMB_HOST_H
#define XMB_HOST_H

#include <xmb/buf.h>
#include <xmb/conf.h>
#include <xmb/conn.h>
#include <xmb/control.h>
#include <xmb/datagram.h>
#include <xmb/log.h>
#include <xmb/metrics.h>
#include <xmb/netif.h>
#include <xmb/policy.h>
#include <xmb/rawip.h>
#include <xmb/routing.h>
#include <xmb/service.h>
#include <xmb/types.h>
#include <xmb/worker.h>

XMB_BEGIN_DECLS

/* Message envelopes arrive with the message plane; the place is kept. */
struct xmb_msg_api;

struct xmb_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    const char *build; /* the broker's version and build, for the log */

    const struct xmb_log_api *log;
    const struct xmb_conf_api *conf;
    const struct xmb_worker_api *worker;
    const struct xmb_timer_api *timer;
    const struct xmb_buf_api *buf;
    const struct xmb_conn_api *conn;
    const struct xmb_service_api *service;
    const struct xmb_policy_api *policy;
    const struct xmb_router_api *router;
    const struct xmb_metrics_api *metrics;
    const struct xmb_control_api *control;
    const struct xmb_msg_api *msg; /* NULL in this version */

    /*
     * An interface between plugins, by name and lowest revision. The provider
     * must stand in the caller's requires_list. `*table` is constant and lives
     * as long as the process. Errors: XMB_ENOENT, XMB_EVERSION. Thread: control.
     */
    int (*query)(struct xmb_module *module, const char *name, uint32_t revision,
                 const void **table);

    const struct xmb_datagram_api *datagram; /* since 0.2 */
    const struct xmb_rawip_api *rawip;       /* since 0.3 */
    const struct xmb_netif_api *netif;       /* since 0.3 */
};

XMB_END_DECLS

#endif
