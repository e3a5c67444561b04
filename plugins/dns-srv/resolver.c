/* SPDX-License-Identifier: MIT */
/*
 * resolver.c - reads the module's element and makes a resolver of it.
 *
 * Anchors are tried one by one in a context of their own before they are
 * used, because libunbound says only of all of them together that something is wrong.
 */
#include "resolver.h"

#include <stdlib.h>

#define ANCHORS_MAX 64u
#define SERVERS_MAX 16u

/* --- servers --------------------------------------------------------------------------------- */

static int read_server(const struct xmb_conf_api *api, const struct xmb_conf *node,
                       struct ub_ctx *ctx)
{
    struct xmb_addr addr = {.family = 0};
    uint64_t port = 53;
    int rc = api->address(node, "address", &addr);

    if (api->number(node, "port", 1, 65535, &port) < 0)
        rc = XMB_ECONF;
    if (rc < 0)
        return rc;
    rc = dsrv_context_server(ctx, &addr, (uint16_t)port);
    if (rc != 0)
        return api->fault(node, "this resolver cannot be used: %s", dsrv_context_error(rc));
    return 0;
}

static int read_servers(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                        struct dsrv_resolver *r)
{
    const struct xmb_conf *node = api->child(conf, "resolver");
    int result = 0;

    if (node == NULL) {
        int rc = dsrv_context_system(r->ctx);

        if (rc != 0)
            return api->fault(conf, "no <resolver> is given, and /etc/resolv.conf cannot be "
                                    "used: %s", dsrv_context_error(rc));
    }
    for (; node != NULL; node = api->next(node, "resolver")) {
        if (++r->settings.server_count > SERVERS_MAX)
            return api->fault(node, "there are more than %u resolvers", SERVERS_MAX);
        if (read_server(api, node, r->ctx) < 0)
            result = XMB_ECONF;
    }
    return result;
}

/* --- anchors --------------------------------------------------------------------------------- */

static int try_anchor(const char *text, const char *file)
{
    struct ub_ctx *ctx = dsrv_context_new();
    int rc;

    if (ctx == NULL)
        return XMB_ENOMEM;
    rc = dsrv_context_anchor(ctx, text, file);
    if (rc == 0)
        rc = dsrv_context_finish(ctx);
    dsrv_context_free(ctx);
    return rc != 0 ? XMB_EINVAL : 0;
}

static int read_anchor(const struct xmb_conf_api *api, const struct xmb_conf *node,
                       struct ub_ctx *ctx)
{
    const char *text = api->text(node, "trust-anchor", NULL);
    const char *file = api->text(node, "anchor-file", NULL);
    int rc;

    if (file != NULL && file[0] != '/')
        return api->fault(node, "anchor-file must be a whole path, beginning with \"/\"");
    rc = try_anchor(text, file);
    if (rc == XMB_ENOMEM)
        return rc;
    if (rc < 0 && file != NULL)
        return api->fault(node, "\"%s\" cannot be read, or has no DS or DNSKEY records that can "
                                "be used", file);
    if (rc < 0)
        return api->fault(node, "\"%s\" is not a DS or DNSKEY record that can be used", text);
    return dsrv_context_anchor(ctx, text, file) == 0 ? 0 : XMB_ENOMEM;
}

static int read_anchors(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                        struct dsrv_resolver *r)
{
    const struct xmb_conf *node;
    int result = 0;

    for (node = api->child(conf, "dnssec"); node != NULL; node = api->next(node, "dnssec")) {
        int rc;

        if (++r->settings.anchor_count > ANCHORS_MAX)
            return api->fault(node, "there are more than %u anchors", ANCHORS_MAX);
        rc = read_anchor(api, node, r->ctx);
        if (rc < 0)
            result = rc;
    }
    return result;
}

/* --- settings -------------------------------------------------------------------------------- */

/* The schema has checked length and octets. */
static void copy_service(char out[DSRV_SERVICE_MAX + 1], const char *text)
{
    size_t n = strlen(text);

    if (n > DSRV_SERVICE_MAX)
        n = DSRV_SERVICE_MAX;
    memcpy(out, text, n);
    out[n] = '\0';
}

static int read_settings(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                         struct dsrv_settings *s)
{
    const struct xmb_conf *service = api->child(conf, "service");
    const struct xmb_conf *fallback = api->child(conf, "fallback");
    const struct xmb_conf *timeout = api->child(conf, "timeout");
    const char *starttls = "xmpp-server";
    const char *direct = "xmpps-server";
    uint64_t query_ms = DSRV_QUERY_MS;
    int32_t on_failure = 0;
    int rc = 0;

    if (service != NULL) {
        starttls = api->text(service, "name", starttls);
        direct = api->text(service, "direct-tls", direct);
    }
    copy_service(s->starttls, starttls);
    copy_service(s->direct, strcmp(direct, "none") != 0 ? direct : "");
    if (fallback != NULL)
        rc = api->flag(fallback, "on-failure", &on_failure);
    if (timeout != NULL && api->duration(timeout, "query", DSRV_QUERY_MIN_MS, DSRV_QUERY_MAX_MS,
                                         &query_ms) < 0)
        rc = XMB_ECONF;
    s->fall_back = on_failure;
    s->query_ms = (uint32_t)query_ms;
    return rc;
}

static int read_all(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                    struct dsrv_resolver *r)
{
    int result = read_settings(api, conf, &r->settings);
    int rc = read_servers(api, conf, r);

    if (rc < 0)
        result = rc;
    rc = read_anchors(api, conf, r);
    if (rc < 0)
        result = rc;
    if (result < 0)
        return result;
    rc = dsrv_context_finish(r->ctx);
    if (rc != 0)
        return api->fault(conf, "libunbound does not start: %s", dsrv_context_error(rc));
    return 0;
}

int dsrv_resolver_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                       struct dsrv_resolver **out)
{
    struct dsrv_resolver *r = calloc(1, sizeof(*r));
    int rc = XMB_ENOMEM;

    if (r != NULL && (r->ctx = dsrv_context_new()) != NULL)
        rc = read_all(api, conf, r);
    if (rc < 0)
        dsrv_resolver_free(r);
    else
        *out = r;
    return rc;
}

void dsrv_resolver_free(struct dsrv_resolver *r)
{
    if (r != NULL)
        dsrv_context_free(r->ctx);
    free(r);
}
