/* SPDX-License-Identifier: MIT */
/*
 * resolver.h - one configuration: the settings, and a libunbound context that
 * asks the configured name servers.
 *
 * Made on the control thread, handed to the module's own thread at commit, and
 * used and freed there. A reload makes a new one; what was being asked is asked
 * again with it.
 */
#ifndef DNS_SRV_RESOLVER_H
#define DNS_SRV_RESOLVER_H

#include <xmb/xmb.h>

struct ub_ctx;

#define DSRV_QUERY_MS 3000u     /* for each of the up to three steps; the router waits 10 s */
#define DSRV_QUERY_MIN_MS 100u
#define DSRV_QUERY_MAX_MS 3000u
#define DSRV_SERVICE_MAX 15     /* octets of a service name (RFC 6335, 5.1) */

struct dsrv_settings {
    char starttls[DSRV_SERVICE_MAX + 1]; /* without underscore */
    char direct[DSRV_SERVICE_MAX + 1];   /* "": not asked for */
    int fall_back;                       /* to the domain itself when SRV cannot be asked for */
    uint32_t query_ms;
    uint32_t server_count; /* 0: the system's own */
    uint32_t anchor_count;
};

struct dsrv_resolver {
    struct dsrv_settings settings;
    struct ub_ctx *ctx;
};

/*
 * Reads module element `conf`. XMB_ECONF with every fault reported, XMB_ENOMEM. On success `*out`
 * is the caller's. Opens no socket and starts no thread; that comes with the first query.
 * Thread: control.
 */
int dsrv_resolver_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                       struct dsrv_resolver **out);
/* Ends all queries without their callbacks. Thread: the one that asked; NULL is fine. */
void dsrv_resolver_free(struct dsrv_resolver *r);

/* --- context.c ------------------------------------------------------------------------------- */

/* A context without servers; NULL: out of memory. */
struct ub_ctx *dsrv_context_new(void);
/* Adds a server. 0, or an error of libunbound, as all below. */
int dsrv_context_server(struct ub_ctx *ctx, const struct xmb_addr *addr, uint16_t port);
/* The servers of resolv.conf(5), and the addresses of hosts(5). */
int dsrv_context_system(struct ub_ctx *ctx);
/* One of `text` and `file`: DS or DNSKEY records to begin proofs with. */
int dsrv_context_anchor(struct ub_ctx *ctx, const char *text, const char *file);
/* Nothing more is added: what is wrong with anchors comes out now. */
int dsrv_context_finish(struct ub_ctx *ctx);
const char *dsrv_context_error(int error);
void dsrv_context_free(struct ub_ctx *ctx); /* NULL is fine */

#endif
