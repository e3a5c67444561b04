/* SPDX-License-Identifier: MIT */
/*
 * flow_far.c - a flow and those of other workers. Most relations live on one worker; while a
 * component is connected, or a peer's stream is used in reverse (reverse.h), they do not.
 *
 * Another worker may become the owner of a flow: what waits here follows, when the flow has no
 * lease. And the flow of the other way may be elsewhere: it is told when this one is full, because
 * an answer that it waits for may lie behind what nobody reads for that reason.
 */
#include "flow_priv.h"
#include "reverse.h"

#include <stdlib.h>

#define TOLD_MS 1000 /* how often */

/* --- another owner --------------------------------------------------------------------------- */

int s2_flow_is_elsewhere(const struct s2_flow *f)
{
    struct s2_route r = s2_flow_route(f);

    return s2_route_owner(f->w, &r) != f->w->index;
}

/* Only the worker that has the flow when nothing is offered claims: it knows whether it dials. */
static int is_at_home(const struct s2_worker *w, const struct s2_route *r)
{
    return s2_flow_owner(w, s2_route_foreign(r)) == w->index;
}

int s2_flow_claim(const struct s2_flow *f)
{
    struct s2_route r = s2_flow_route(f);

    if (is_at_home(f->w, &r))
        return s2_reverse_claim(f->w->module, r.to_side, r.from, r.to);
    return s2_flow_is_elsewhere(f);
}

struct offer {
    struct s2_post post;
    enum s2_side to_side;
    struct s2_domain from, to;
};

static void consider(struct s2_worker *w, const struct offer *o)
{
    struct s2_route r = {o->to_side, &o->from, &o->to};
    const struct s2_flow *f = s2_flow_find(w, &r);

    if (f == NULL || f->state == FLOW_QUIET || f->state == FLOW_BACKOFF)
        (void)s2_reverse_claim(w->module, r.to_side, r.from, r.to);
}

static void offer_arrived(struct xmb_worker *xw, void *arg)
{
    struct offer *o = arg;

    if (xw != NULL)
        consider(s2_host->worker->state(xw, o->post.module), o);
    free(o);
}

/* Out of memory: the flow finds it by itself when it looks for a stream. */
void s2_flow_offered(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote)
{
    struct offer *o = calloc(1, sizeof(*o));
    struct s2_route r = {side, local, remote};

    if (o != NULL) {
        o->post.fn = offer_arrived;
        o->post.module = w->module->module;
        o->post.to = s2_flow_owner(w, s2_route_foreign(&r));
        o->post.bytes = sizeof(*o);
        o->to_side = side;
        o->from = *local;
        o->to = *remote;
    }
    if (o != NULL && o->post.to == w->index)
        offer_arrived(w->worker, o);
    else if (o != NULL)
        s2_outbox_send(w->flows, &o->post);
    s2_flow_reachable(w, remote);
}

/* What the flow of the other worker should know: how lately the peer could be reached. */
struct legacy {
    struct s2_post post;
    enum s2_side to_side;
    struct s2_domain from, to;
    uint64_t verified_ms;
};

static void legacy_arrived(struct xmb_worker *xw, void *arg)
{
    struct legacy *l = arg;
    struct s2_route r = {l->to_side, &l->from, &l->to};
    struct s2_worker *w = xw != NULL ? s2_host->worker->state(xw, l->post.module) : NULL;
    struct s2_flow *f;

    if (w != NULL && s2_flow_get(w, &r, &f) == 0) {
        if (f->verified_ms < l->verified_ms)
            f->verified_ms = l->verified_ms;
        s2_flow_attend(f);
    }
    free(l);
}

static void leave_legacy(const struct s2_flow *f, uint32_t owner)
{
    struct legacy *l = f->verified_ms != 0 ? calloc(1, sizeof(*l)) : NULL;

    if (l == NULL)
        return; /* stanzas there will not wait for a peer that cannot be reached just now */
    l->post.fn = legacy_arrived;
    l->post.module = f->w->module->module;
    l->post.to = owner;
    l->post.bytes = sizeof(*l);
    l->to_side = (enum s2_side)f->to_side;
    l->from = f->from;
    l->to = f->to;
    l->verified_ms = f->verified_ms;
    s2_outbox_add(f->w->flows, &l->post);
}

/*
 * The component that it leads to, or the stream that may be used in reverse, is on another worker,
 * where new stanzas go from now on: what waits follows. Those that come in meanwhile may be before
 * it. Errors may come back into it while it is emptied; of those nothing comes back again.
 */
int s2_flow_follow(struct s2_flow *f)
{
    struct s2_route r = s2_flow_route(f);
    struct s2_item it;
    uint32_t owner;

    (void)s2_flow_claim(f);
    owner = s2_route_owner(f->w, &r);
    if (owner == f->w->index)
        return 0;
    leave_legacy(f, owner);
    while (s2_ring_waiting(f) > 0) {
        s2_ring_pull(f, &it);
        if (s2_batch_own(f->w, owner, &r, &it) != 0)
            s2_flow_return(f, &it, S2_C_RESOURCE_CONSTRAINT, "no room on the way to its stream");
    }
    s2_outbox_flush(f->w->flows); /* before what others send there from now on */
    return 1;
}

/* --- the flow of the other way --------------------------------------------------------------- */

struct fullness {
    struct s2_post post;
    enum s2_side to_side; /* of the flow that is told */
    struct s2_domain from, to;
};

static void fullness_arrived(struct xmb_worker *xw, void *arg)
{
    struct fullness *full = arg;
    struct s2_route r = {full->to_side, &full->from, &full->to};
    struct s2_worker *w = xw != NULL ? s2_host->worker->state(xw, full->post.module) : NULL;
    struct s2_flow *f = w != NULL ? s2_flow_find(w, &r) : NULL;

    if (f != NULL)
        f->far_full_ms = s2_now_ms(w);
    free(full);
}

void s2_flow_tell_full(struct s2_flow *f, uint64_t now_ms)
{
    struct s2_route r = s2_flow_route(f), back = s2_route_back(&r);
    uint32_t owner;
    struct fullness *full;

    if (f->waiter_count == 0 || atomic_load(&f->w->module->owner_epoch) == 0 ||
        (f->told_full_ms != 0 && now_ms - f->told_full_ms < TOLD_MS))
        return;
    f->told_full_ms = now_ms;
    owner = s2_route_owner(f->w, &back);
    full = owner != f->w->index ? calloc(1, sizeof(*full)) : NULL;
    if (full == NULL)
        return;
    full->post.fn = fullness_arrived;
    full->post.module = f->w->module->module;
    full->post.to = owner;
    full->post.bytes = sizeof(*full);
    full->to_side = back.to_side;
    full->from = *back.from;
    full->to = *back.to;
    s2_outbox_send(f->w->flows, &full->post);
}

int s2_flow_far_is_full(const struct s2_flow *f)
{
    return f->far_full_ms != 0 && s2_now_ms(f->w) - f->far_full_ms < TOLD_MS + TOLD_MS / 2;
}
