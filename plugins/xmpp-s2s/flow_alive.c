/* SPDX-License-Identifier: MIT */
/*
 * flow_alive.c - a peer showed itself: what was put off because it could not be reached is tried at
 * once (xmpp-s2s.md 6.2).
 *
 * Flows to a foreign domain live on the worker that owns it, except those of components and those
 * that use a stream in reverse. Flows to a local domain live everywhere, so that every worker is
 * told. The same domain is told of once a second: streams say so far more often.
 */
#include "flow_priv.h"

#include <stdlib.h>

#define ONCE_IN_MS 1000

static void end_backoff(struct s2_flow *f, uint64_t now)
{
    f->alive_ms = now;
    if (f->state != FLOW_BACKOFF || f->w->flows->drain != S2_DRAIN_NOT)
        return;
    (void)s2_flow_follow(f);
    f->failures = 0;
    f->next_try_ms = now;
    s2_flow_event(f, s2_ring_waiting(f) > 0 ? FLOW_TRY : FLOW_REST, NULL);
}

/* The next is held, as in s2_flow_each. */
static void tell_flows(struct s2_worker *w, const struct s2_domain *d, int local)
{
    struct s2_flow *f = local ? w->flows->all : s2_flow_row(w, d), *next;
    uint64_t now = s2_now_ms(w);

    for (; f != NULL; f = next) {
        next = local ? f->all_next : f->table_next;
        if (next != NULL)
            next->refs++;
        if (s2_domain_eq(&f->to, d))
            end_backoff(f, now);
        if (next != NULL)
            next->refs--;
    }
}

struct sign {
    struct s2_post post;
    int local;
    struct s2_domain domain;
};

static void arrived(struct xmb_worker *xw, void *arg)
{
    struct sign *sign = arg;

    if (xw != NULL)
        tell_flows(s2_host->worker->state(xw, sign->post.module), &sign->domain, sign->local);
    free(sign);
}

static void tell(struct s2_worker *w, uint32_t to, const struct s2_domain *d, int local)
{
    struct sign *sign;

    if (to == w->index) {
        tell_flows(w, d, local);
        return;
    }
    sign = calloc(1, sizeof(*sign));
    if (sign == NULL)
        return;
    sign->post.fn = arrived;
    sign->post.module = w->module->module;
    sign->post.to = to;
    sign->post.bytes = sizeof(*sign);
    sign->local = local;
    sign->domain = *d;
    s2_outbox_send(w->flows, &sign->post);
}

static int was_told(struct s2_flows *fl, const struct s2_domain *d, uint64_t now)
{
    uint32_t i = d->hash % S2_SEEN;

    if (fl->seen[i].hash == d->hash && fl->seen[i].ms != 0 && now - fl->seen[i].ms < ONCE_IN_MS)
        return 1;
    fl->seen[i].hash = d->hash;
    fl->seen[i].ms = now;
    return 0;
}

void s2_flow_reachable(struct s2_worker *w, const struct s2_domain *d)
{
    int local = s2_conf_local(w->conf, d) != NULL;
    uint32_t i;

    for (i = 0; i < w->count; i++)
        tell(w, i, d, local);
}

void s2_flow_alive(struct s2_worker *w, const struct s2_domain *foreign)
{
    int local = s2_conf_local(w->conf, foreign) != NULL;
    int spread = local || atomic_load(&w->module->owner_epoch) != 0; /* flows with other owners */
    uint32_t i;

    if (was_told(w->flows, foreign, s2_now_ms(w)))
        return;
    if (!spread) {
        tell(w, s2_flow_owner(w, foreign), foreign, 0);
        return;
    }
    for (i = 0; i < w->count; i++)
        tell(w, i, foreign, local);
}
