/* SPDX-License-Identifier: MIT */
/*
 * plan.c - what the SRV answers mean: which targets there are, or how the
 * question ends without any.
 *
 * The rule behind all of it: whoever can make answers disappear must not choose
 * where the messages go. So only a clear "there is none" leads to the domain itself;
 * trouble is told as trouble, and a bogus answer never leads anywhere.
 */
#include "plan.h"

#include <arpa/inet.h>

static uint32_t lower_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void end(struct dsrv_plan *plan, int status, uint32_t keep_s)
{
    plan->status = status;
    plan->keep_s = keep_s;
}

static void add_way(struct dsrv_plan *plan, const char *name, const struct dsrv_way *way)
{
    struct dsrv_way *w = &plan->way[plan->way_count++];
    uint32_t i = 0;

    *w = *way;
    w->tlsa = DSRV_NO_TLSA;
    while (i < plan->host_count && strcmp(plan->host[i].name, name) != 0)
        i++;
    w->host = (uint8_t)i;
    if (i == plan->host_count)
        plan->host[plan->host_count++].name = name;
}

/* --- SRV records ----------------------------------------------------------------------------- */

static void add_target(struct dsrv_plan *plan, const struct dsrv_srv *srv, uint32_t i, int tls)
{
    const struct dsrv_target *t = &srv->target[i];
    struct dsrv_way way = {
        .tls = (uint8_t)tls,
        .secure = srv->secure,
        .priority = t->priority,
        .weight = t->weight,
        .port = t->port,
    };

    add_way(plan, t->host, &way);
}

/* Both services are one list (XEP-0368): lowest priority first, and no more than there is room. */
static void merge(struct dsrv_plan *plan, const struct dsrv_srv *starttls, uint32_t starttls_count,
                  const struct dsrv_srv *direct, uint32_t direct_count)
{
    uint32_t s = 0;
    uint32_t d = 0;

    while (plan->way_count < DSRV_TARGETS_MAX && (s < starttls_count || d < direct_count)) {
        int take_direct = s == starttls_count ||
                          (d < direct_count &&
                           direct->target[d].priority < starttls->target[s].priority);

        if (take_direct)
            add_target(plan, direct, d++, 1);
        else
            add_target(plan, starttls, s++, 0);
    }
}

static int leads(const struct dsrv_srv *srv)
{
    return srv->outcome == DSRV_DATA && !srv->refused;
}

static void use_targets(struct dsrv_plan *plan, const struct dsrv_srv *starttls,
                        const struct dsrv_srv *direct)
{
    plan->ttl_s = DSRV_TTL_MAX_S;
    if (leads(starttls))
        plan->ttl_s = lower_of(plan->ttl_s, starttls->ttl_s);
    if (leads(direct))
        plan->ttl_s = lower_of(plan->ttl_s, direct->ttl_s);
    /* One of the two could not be asked for; soon it may. */
    if (starttls->outcome >= DSRV_FAILED || direct->outcome >= DSRV_FAILED)
        plan->ttl_s = lower_of(plan->ttl_s, DSRV_NEGATIVE_MAX_S);
    plan->absent_s = plan->ttl_s;
    merge(plan, starttls, leads(starttls) ? starttls->count : 0, direct,
          leads(direct) ? direct->count : 0);
}

/* --- without SRV records --------------------------------------------------------------------- */

static void use_domain(struct dsrv_plan *plan, const char *domain,
                       const struct dsrv_srv *starttls, const struct dsrv_srv *direct)
{
    struct dsrv_way way = {
        .secure = starttls->outcome == DSRV_NONE && starttls->secure,
        .port = DSRV_PORT,
    };

    plan->ttl_s = lower_of(starttls->ttl_s, DSRV_NEGATIVE_MAX_S);
    if (direct->outcome != DSRV_UNASKED)
        plan->ttl_s = lower_of(plan->ttl_s, direct->ttl_s);
    plan->absent_s = plan->ttl_s;
    add_way(plan, domain, &way);
}

static uint32_t clamp(uint32_t ttl_s)
{
    return ttl_s < DSRV_TTL_MIN_S ? DSRV_TTL_MIN_S : lower_of(ttl_s, DSRV_TTL_MAX_S);
}

static int is(const struct dsrv_srv *a, const struct dsrv_srv *b, enum dsrv_outcome outcome)
{
    return a->outcome == outcome || b->outcome == outcome;
}

void dsrv_plan_srv(struct dsrv_plan *plan, const char *domain, const struct dsrv_srv *starttls,
                   const struct dsrv_srv *direct, int fall_back)
{
    memset(plan, 0, sizeof(*plan));
    plan->wants_port = 1;
    plan->bogus = is(starttls, direct, DSRV_BOGUS);
    if (starttls->refused)
        end(plan, XMB_EDENIED, clamp(starttls->ttl_s));
    else if (leads(starttls) || leads(direct))
        use_targets(plan, starttls, direct);
    else if (plan->bogus)
        end(plan, XMB_ETIMEOUT, DSRV_FAILURE_KEEP_S);
    else if (direct->refused && starttls->outcome == DSRV_NONE)
        end(plan, XMB_EDENIED, clamp(direct->ttl_s));
    else if (direct->refused || (is(starttls, direct, DSRV_FAILED) && !fall_back))
        end(plan, XMB_ETIMEOUT, DSRV_FAILURE_KEEP_S);
    else
        use_domain(plan, domain, starttls, direct);
}

void dsrv_plan_addresses(struct dsrv_plan *plan, const char *name)
{
    struct dsrv_way way = {.secure = 1};

    memset(plan, 0, sizeof(*plan));
    plan->ttl_s = DSRV_TTL_MAX_S;
    plan->absent_s = DSRV_NEGATIVE_MAX_S;
    add_way(plan, name, &way);
}

/* --- IP addresses ---------------------------------------------------------------------------- */

int dsrv_literal(struct xmb_str name, uint16_t port, struct xmb_route *out)
{
    struct xmb_addr addr = {.port = port};
    char text[INET6_ADDRSTRLEN];

    if (name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
        name = xmb_sub(name, 1, name.n - 2);
    if (name.n == 0 || name.n >= sizeof(text))
        return 0;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    if (inet_pton(AF_INET, text, addr.ip) == 1)
        addr.family = 4;
    else if (inet_pton(AF_INET6, text, addr.ip) == 1)
        addr.family = 6;
    else
        return 0;
    *out = (struct xmb_route){
        .size = sizeof(*out),
        .addr = addr,
        .port = port,
        .ttl_s = DSRV_TTL_MAX_S,
    };
    return 1;
}
