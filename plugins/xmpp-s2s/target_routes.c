/* SPDX-License-Identifier: MIT */
/*
 * target_routes.c - where a link goes to (xmpp-s2s.md 4.1, 4.3): the servers of a local domain
 * inside, the router's routes outside, as the list of targets.c.
 *
 * DNS, priorities, weights and the rule "a static route never falls back to DNS" are the router's
 * and its plugins'; here is only what was found.
 */
#include "link_priv.h"

#include <stdlib.h>

#define S2_PORT 5269
#define TLSA_DATA_MAX 8192

/* --- inside: <server> ------------------------------------------------------------------------ */

static void start_inside(struct s2_link *l)
{
    const struct s2_local *local = s2_conf_local(l->w->conf, &l->remote);
    size_t i, n = local != NULL ? local->server_count : 0;
    uint32_t turn = l->w->links->turn++;

    if (n == 0 && local != NULL && local->component) {
        s2_link_note(l, S2_FAIL_UNREACHABLE, "its component is not connected");
        s2_link_fail(l);
        return;
    }
    if (n == 0) {
        s2_link_note(l, S2_FAIL_NO_DOMAIN,
                     local != NULL ? "the configuration names no server for this local domain"
                                   : "it is no local domain any more");
        s2_link_fail(l);
        return;
    }
    if (n > LINK_ATTEMPTS_MAX)
        n = LINK_ATTEMPTS_MAX;
    if (s2_targets_reserve(l, n) < 0) {
        s2_link_fail(l);
        return;
    }
    for (i = 0; i < n; i++) {
        const struct s2_server *s = &local->servers[(turn + i) % local->server_count];

        s2_targets_append(l, &s->addr, xmb_str(s->host), s->port);
    }
    s2_targets_begin(l);
}

/* --- outside: routes ------------------------------------------------------------------------- */

/* Records of a secure answer, in one piece of memory; what is too large for it is left out. */
static void take_tlsa(struct s2_target *t, const struct xmb_route *r)
{
    size_t i, n = r->tlsa_count < XMB_TLSA_MAX ? r->tlsa_count : XMB_TLSA_MAX, bytes = 0;
    char *data;

    for (i = 0; i < n; i++)
        bytes += xmb_tlsa_at(r->tlsa, i)->data.n;
    if (n == 0 || bytes > TLSA_DATA_MAX)
        return;
    t->tlsa = calloc(1, n * sizeof(*t->tlsa) + bytes);
    if (t->tlsa == NULL)
        return;
    data = (char *)(t->tlsa + n);
    for (i = 0; i < n; i++) {
        const struct xmb_tlsa *from = xmb_tlsa_at(r->tlsa, i);
        struct xmb_tlsa *to = &t->tlsa[i];

        *to = (struct xmb_tlsa){sizeof(*to), from->usage, from->selector, from->matching, 0,
                                {data, from->data.n}};
        memcpy(data, from->data.p, from->data.n);
        data += from->data.n;
    }
    t->tlsa_count = (uint32_t)n;
}

static void take_route(struct s2_link *l, const struct xmb_route *r)
{
    const struct s2_security *s = s2_link_security(l);
    int direct = (r->flags & XMB_ROUTE_TLS) != 0;
    struct s2_target *t;

    if (direct && (!s->direct_tls || s->mode == S2_NO_TLS))
        return;
    t = s2_targets_append(l, &r->addr, r->target, r->port);
    if (t == NULL)
        return;
    t->priority = r->priority;
    t->direct = direct != 0;
    if (r->flags & XMB_ROUTE_SECURE && r->size >= sizeof(*r))
        take_tlsa(t, r);
}

static void note_status(struct s2_link *l, int status)
{
    switch (status) {
    case XMB_ENOENT:
        s2_link_note(l, S2_FAIL_NO_DOMAIN, "no route: the name is in no table and not in DNS");
        break;
    case XMB_EDENIED:
        s2_link_note(l, S2_FAIL_NO_DOMAIN, "the domain says that it offers no federation");
        break;
    case XMB_ETIMEOUT:
        s2_link_note(l, S2_FAIL_UNREACHABLE, "its servers could not be looked up in time");
        break;
    case XMB_ELIMIT:
    case XMB_ENOMEM:
        s2_link_note(l, S2_FAIL_LIMIT, "too many lookups are under way");
        break;
    default:
        s2_link_note(l, S2_FAIL_UNREACHABLE, "its servers cannot be looked up (error %d)", status);
    }
}

static void tell_routes(struct s2_link *l)
{
    const struct s2_target *t;
    char text[XMB_ADDR_TEXT_MAX];
    struct xmb_addr addr;
    uint32_t i;

    for (i = 0; i < l->target_count && l->probe != NULL; i++) {
        t = &l->targets[i];
        addr = t->addr[0];
        addr.port = 0;
        s2_host->conn->addr_text(&addr, text, sizeof(text));
        s2_probe_step(l, "route", "ok", "%s port %u, priority %u%s%s",
                      t->host != NULL ? t->host : text, t->port, t->priority,
                      t->direct ? ", TLS from the first octet" : "",
                      t->tlsa_count > 0 ? ", with TLSA records" : "");
    }
}

static void take_routes(struct s2_link *l, const struct xmb_route_answer *answer)
{
    size_t i;

    if (answer->status != 0 || answer->count == 0) {
        note_status(l, answer->status != 0 ? answer->status : XMB_ENOENT);
        s2_probe_failed(l, l->end.text);
        s2_link_fail(l);
        return;
    }
    if (s2_targets_reserve(l, answer->count) < 0) {
        s2_link_fail(l);
        return;
    }
    for (i = 0; i < answer->count && i < XMB_ROUTES_MAX; i++)
        take_route(l, xmb_route_at(answer->routes, i));
    if (l->target_count == 0) {
        s2_link_note(l, S2_FAIL_TLS, "all its servers want TLS from the first octet, which is off");
        s2_link_fail(l);
        return;
    }
    tell_routes(l);
    s2_targets_begin(l);
}

static void routes_late(void *arg, const struct xmb_route_answer *answer)
{
    struct s2_link *l = arg;

    s2_link_enter(l);
    l->lookup_id = 0;
    take_routes(l, answer);
    s2_link_leave(l);
}

/* An address for a name: only a static route can lead elsewhere (D2). */
static void start_ip(struct s2_link *l, const struct xmb_addr *ip)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};

    if (s2_host->router->lookup(l->w->worker, s2_domain_str(&l->remote), &answer, NULL, NULL,
                                NULL) == 0 &&
        answer.status != XMB_ENOENT) {
        take_routes(l, &answer);
    } else if (s2_targets_reserve(l, 1) < 0) {
        s2_link_fail(l);
    } else {
        s2_targets_append(l, ip, (struct xmb_str){NULL, 0}, S2_PORT);
        s2_targets_begin(l);
    }
}

static void start_outside(struct s2_link *l)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    struct xmb_addr ip;
    uint64_t id = 0;
    int rc;

    if (s2_domain_is_ip(&l->remote, &ip)) {
        start_ip(l, &ip);
        return;
    }
    rc = s2_host->router->lookup(l->w->worker, s2_domain_str(&l->remote), &answer, routes_late, l,
                                 &id);
    if (rc == XMB_EAGAIN) {
        l->lookup_id = id;
        return;
    }
    if (rc < 0)
        answer = (struct xmb_route_answer){.size = sizeof(answer), .status = rc};
    take_routes(l, &answer);
}

void s2_targets_start(struct s2_link *l)
{
    if (!l->w->conf->enabled) {
        s2_link_note(l, S2_FAIL_IDLE, "federation is switched off");
        s2_link_fail(l);
    } else if (l->side == S2_INSIDE) {
        start_inside(l);
    } else {
        start_outside(l);
    }
}
