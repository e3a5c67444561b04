/* SPDX-License-Identifier: MIT */
/*
 * targets.c - the list of where a link may go to, in the order in which that is tried, and names to
 * addresses. target_routes.c fills it.
 *
 * All names are asked about at once. The dialler takes the first target that is known, and waits a
 * little for one that stands before it.
 */
#include "link_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define S2_PORT 5269

/* --- the list -------------------------------------------------------------------------------- */

static void target_free(struct s2_target *t)
{
    if (t->state == TARGET_ASKING)
        s2_host->router->cancel(t->link->w->worker, t->ask_id);
    free(t->host);
    free(t->tlsa);
}

void s2_targets_free(struct s2_link *l)
{
    uint32_t i;

    if (l->lookup_id != 0)
        s2_host->router->cancel(l->w->worker, l->lookup_id);
    l->lookup_id = 0;
    for (i = 0; i < l->target_count; i++)
        target_free(&l->targets[i]);
    free(l->targets);
    l->targets = NULL;
    l->target_count = 0;
}

/*
 * One place more than `count`, for see-other-host: targets must not move once they are asked
 * about.
 */
int s2_targets_reserve(struct s2_link *l, size_t count)
{
    l->targets = calloc(count + 1, sizeof(*l->targets));
    if (l->targets == NULL) {
        s2_link_note(l, S2_FAIL_LIMIT, "out of memory");
        return XMB_ENOMEM;
    }
    return 0;
}

struct s2_target *s2_targets_append(struct s2_link *l, const struct xmb_addr *addr,
                                    struct xmb_str host, uint16_t port)
{
    struct s2_target *t = &l->targets[l->target_count];

    t->link = l;
    if (addr->family != 0) {
        t->addr[0] = *addr;
        if (t->addr[0].port == 0)
            t->addr[0].port = port != 0 ? port : S2_PORT;
        t->port = t->addr[0].port;
        t->count = 1;
        t->state = TARGET_READY;
    } else {
        t->host = host.n > 0 ? calloc(1, host.n + 1) : NULL; /* a view has no NUL of its own */
        if (t->host == NULL)
            return NULL;
        memcpy(t->host, host.p, host.n);
        t->port = port != 0 ? port : S2_PORT;
        t->state = TARGET_NAME;
    }
    t->failed = s2_target_failed_lately(l->w, s2_target_key(t)) != 0;
    l->target_count++;
    return t;
}

static int stands_behind(const struct s2_target *a, const struct s2_target *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->failed > b->failed;
}

/* Among equals those that failed lately come last; otherwise the order stays. */
static void order(struct s2_link *l)
{
    uint32_t i, at;

    for (i = 1; i < l->target_count; i++) {
        struct s2_target t = l->targets[i];

        for (at = i; at > 0 && stands_behind(&l->targets[at - 1], &t); at--)
            l->targets[at] = l->targets[at - 1];
        l->targets[at] = t;
    }
}

/* --- names ----------------------------------------------------------------------------------- */

static void take_addresses(struct s2_target *t, const struct xmb_route_answer *answer)
{
    size_t i;

    for (i = 0; answer->status == 0 && i < answer->count && t->count < LINK_ADDRESSES_MAX; i++) {
        const struct xmb_route *r = xmb_route_at(answer->routes, i);

        if (r->addr.family == 0)
            continue;
        t->addr[t->count] = r->addr;
        t->addr[t->count++].port = t->port;
    }
    t->state = t->count > 0 ? TARGET_READY : TARGET_FAILED;
    if (t->count > 0)
        return;
    if (answer->status == 0 || answer->status == XMB_ENOENT || answer->status == XMB_EDENIED)
        s2_link_note(t->link, S2_FAIL_NO_DOMAIN, "host %s has no address", t->host);
    else
        s2_link_note(t->link, S2_FAIL_UNREACHABLE, "host %s could not be resolved in time",
                     t->host);
}

static void addresses_late(void *arg, const struct xmb_route_answer *answer)
{
    struct s2_target *t = arg;
    struct s2_link *l = t->link;

    s2_link_enter(l);
    take_addresses(t, answer);
    s2_dialler_step(l);
    s2_link_leave(l);
}

static void ask_addresses(struct s2_target *t)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    int rc = s2_host->router->addresses(t->link->w->worker, xmb_str(t->host), &answer,
                                        addresses_late, t, &t->ask_id);

    if (rc == XMB_EAGAIN) {
        t->state = TARGET_ASKING;
        return;
    }
    if (rc < 0)
        answer = (struct xmb_route_answer){
            .size = sizeof(answer), .status = rc == XMB_EINVAL ? XMB_ENOENT : XMB_ETIMEOUT};
    take_addresses(t, &answer);
}

void s2_targets_begin(struct s2_link *l)
{
    uint32_t i;

    order(l);
    for (i = 0; i < l->target_count; i++)
        if (l->targets[i].state == TARGET_NAME)
            ask_addresses(&l->targets[i]);
    s2_dialler_start(l);
}

/* --- one after the other --------------------------------------------------------------------- */

/* The next address of `t` that is none of ours. */
static int next_of(struct s2_link *l, struct s2_target *t, struct s2_candidate *out)
{
    while (t->state == TARGET_READY && t->next < t->count) {
        const struct xmb_addr *addr = &t->addr[t->next++];

        if (!s2_target_is_own(l->w, addr, NULL)) {
            *out = (struct s2_candidate){.target = t, .addr = *addr};
            return 1;
        }
        l->own = 1;
    }
    return 0;
}

enum s2_next s2_targets_next(struct s2_link *l, struct s2_candidate *out)
{
    int waits = l->lookup_id != 0;
    uint32_t i, at;

    for (i = 0; i < l->target_count; i++) {
        at = l->moved ? l->target_count - 1 - i : i; /* see-other-host was added last */
        if (next_of(l, &l->targets[at], out))
            return S2_NEXT_ADDRESS;
        if (l->targets[at].state != TARGET_ASKING)
            continue;
        waits = 1;
        if (l->patient)
            break;
    }
    return waits ? S2_NEXT_WAIT : S2_NEXT_NONE;
}

/* "[2001:db8::1]:5270", "host", "host:5270" (RFC 6120, 4.9.3.19). */
static int split_port(struct xmb_str text, struct xmb_str *host, uint16_t *port)
{
    unsigned long n = 0;
    size_t at = text.n;

    while (at > 0 && text.p[at - 1] >= '0' && text.p[at - 1] <= '9')
        at--;
    *host = text;
    *port = S2_PORT;
    if (at == 0 || at == text.n || text.p[at - 1] != ':')
        return 0;
    if (text.n - at > 5)
        return XMB_EINVAL;
    *host = xmb_sub(text, 0, at - 1);
    for (; at < text.n; at++)
        n = n * 10 + (unsigned long)(text.p[at] - '0');
    *port = (uint16_t)n;
    return n > 0 && n <= 65535 ? 0 : XMB_EINVAL;
}

int s2_targets_add(struct s2_link *l, struct xmb_str text)
{
    struct xmb_addr ip = {.family = 0};
    struct s2_domain name;
    struct s2_target *t;
    struct xmb_str host;
    uint16_t port;

    if (l->targets == NULL || split_port(text, &host, &port) < 0 ||
        s2_domain_read(host, &name) < 0)
        return XMB_EINVAL;
    if (s2_domain_is_ip(&name, &ip))
        ip.port = port;
    t = s2_targets_append(l, &ip, s2_domain_str(&name), port);
    if (t == NULL)
        return XMB_ENOMEM;
    if (t->state == TARGET_NAME)
        ask_addresses(t);
    return 0;
}
