/* SPDX-License-Identifier: MIT */
/*
 * context.c - how libunbound is set up: it forwards all questions, validates
 * when it has anchors, caches by TTL, and leaves nothing out.
 *
 * By itself it answers names below test., invalid. and localhost. without asking
 * (RFC 6761, for resolvers of the public DNS). The servers here are the
 * operator's, who may well have such names, so these zones are taken out.
 */
#include "resolver.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <unbound.h>

/* What is set at each context. */
static const struct {
    const char *name;
    const char *value;
} options[] = {
    {"do-not-query-localhost:", "no"}, /* a resolver on loopback is usual */
    {"cache-max-negative-ttl:", "60"}, /* plan.h: DSRV_NEGATIVE_MAX_S */
    {"infra-host-ttl:", "2"},          /* a server that was down is soon tried again */
    {"infra-keep-probing:", "yes"},
    {"num-queries-per-thread:", "4096"},
    {"outgoing-range:", "256"},
    {"module-config:", "iterator"},    /* no proofs without an anchor */
};

/*
 * Making and freeing a context touches state that all of them share inside libunbound, and the
 * control thread makes one while the module's thread frees another.
 */
static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;

static const char *const local_zones[] = {"localhost.", "test.", "invalid.", "home.arpa."};

static struct ub_ctx *create(void)
{
    struct ub_ctx *ctx;

    pthread_mutex_lock(&shared);
    ctx = ub_ctx_create();
    if (ctx != NULL)
        ub_ctx_debugout(ctx, NULL); /* it would write to stderr past the log */
    pthread_mutex_unlock(&shared);
    return ctx;
}

struct ub_ctx *dsrv_context_new(void)
{
    struct ub_ctx *ctx = create();
    size_t i;

    if (ctx == NULL)
        return NULL;
    /* One that an older libunbound does not know changes no answer. */
    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        ub_ctx_set_option(ctx, options[i].name, options[i].value);
    if (ub_ctx_async(ctx, 1) != 0) {
        dsrv_context_free(ctx);
        return NULL;
    }
    return ctx;
}

int dsrv_context_server(struct ub_ctx *ctx, const struct xmb_addr *addr, uint16_t port)
{
    char ip[INET6_ADDRSTRLEN] = "";
    char text[INET6_ADDRSTRLEN + 32];

    inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->ip, ip, sizeof(ip));
    if (addr->scope != 0)
        snprintf(text, sizeof(text), "%s%%%u@%u", ip, addr->scope, port);
    else
        snprintf(text, sizeof(text), "%s@%u", ip, port);
    return ub_ctx_set_fwd(ctx, text);
}

int dsrv_context_system(struct ub_ctx *ctx)
{
    ub_ctx_hosts(ctx, NULL); /* a machine may have none */
    return ub_ctx_resolvconf(ctx, NULL);
}

int dsrv_context_anchor(struct ub_ctx *ctx, const char *text, const char *file)
{
    int rc = ub_ctx_set_option(ctx, "module-config:", "validator iterator");

    if (rc == 0)
        rc = text != NULL ? ub_ctx_add_ta(ctx, text) : ub_ctx_add_ta_file(ctx, file);
    return rc;
}

int dsrv_context_finish(struct ub_ctx *ctx)
{
    int rc = 0;
    size_t i;

    pthread_mutex_lock(&shared);
    for (i = 0; rc == 0 && i < sizeof(local_zones) / sizeof(local_zones[0]); i++)
        rc = ub_ctx_zone_remove(ctx, local_zones[i]);
    pthread_mutex_unlock(&shared);
    return rc;
}

const char *dsrv_context_error(int error)
{
    return ub_strerror(error);
}

void dsrv_context_free(struct ub_ctx *ctx)
{
    if (ctx == NULL)
        return;
    pthread_mutex_lock(&shared);
    ub_ctx_delete(ctx);
    pthread_mutex_unlock(&shared);
}
