/* SPDX-License-Identifier: MIT */
/*
 * path.c - where an incoming stream puts the stanzas of one of its pairs.
 *
 * When the flow lives on this worker the stanza goes straight into it; the flow is looked up with
 * the first stanza and held from then on. Otherwise a port takes it to the other worker (batch.c).
 */
#include "flow_priv.h"

int s2_path_open(struct s2_worker *w, enum s2_side to_side, const struct s2_domain *from,
                 const struct s2_domain *to, xmb_ref source, struct s2_path *p)
{
    struct s2_route route = {to_side, from, to};
    uint32_t owner = s2_route_owner(w, &route);

    memset(p, 0, sizeof(*p));
    p->w = w;
    p->epoch = atomic_load(&w->module->owner_epoch);
    p->source = source;
    p->to_side = to_side;
    p->from = *from;
    p->to = *to;
    if (owner != w->index) {
        p->port = s2_port_open(w, owner, p);
        if (p->port == NULL)
            return XMB_ENOMEM;
    }
    p->is_open = 1;
    return 0;
}

void s2_path_close(struct s2_path *p)
{
    if (!p->is_open)
        return;
    if (p->flow != NULL)
        s2_flow_release(p->flow);
    if (p->port != NULL)
        s2_port_close(p->port);
    memset(p, 0, sizeof(*p));
}

/*
 * A component came or went, or a stream that is used in reverse: the flow may live elsewhere now.
 * What is on its way to the old one goes on from there, and has to be ahead of what follows.
 */
static int look_again(struct s2_path *p)
{
    struct s2_path was = *p;
    struct s2_route route = {was.to_side, &was.from, &was.to};
    uint32_t epoch = atomic_load(&was.w->module->owner_epoch);
    uint32_t owner = s2_route_owner(was.w, &route);

    if (owner == (was.port != NULL ? was.port->owner : was.w->index)) {
        p->epoch = epoch;
        return 0;
    }
    if (was.port != NULL && !s2_port_leaves(was.port))
        return 0; /* the next put looks again */
    s2_path_close(p);
    return s2_path_open(was.w, was.to_side, &was.from, &was.to, was.source, p);
}

static int find_flow(struct s2_path *p)
{
    struct s2_route route = {p->to_side, &p->from, &p->to};
    int rc = s2_flow_get(p->w, &route, &p->flow);

    if (rc == 0)
        s2_flow_hold(p->flow);
    return rc;
}

static int refuse(struct s2_path *p, const struct s2_stanza *s, enum s2_condition c)
{
    struct s2_waiter waiter = {.value = p->source, .worker = p->w->index};
    struct s2_route route = {p->to_side, &p->from, &p->to};

    p->flow->bounced++;
    s2_refuse(p->w, &route, s, c, s2_flow_refusal_text(p->flow, c));
    return p->source != 0 ? s2_flow_block_cause(p->w, &route, &waiter) : 0;
}

static int block(struct s2_path *p)
{
    struct s2_waiter waiter = {.value = p->source, .worker = p->w->index};

    return p->source != 0 ? s2_flow_block(p->flow, &waiter) : 0;
}

int s2_path_put(struct s2_path *p, const struct s2_stanza *s)
{
    enum s2_condition c;
    struct s2_item it;
    int rc;

    if (p->epoch != atomic_load_explicit(&p->w->module->owner_epoch, memory_order_relaxed)) {
        rc = look_again(p);
        if (rc != 0)
            return rc;
    }
    if (p->port != NULL)
        return s2_port_put(p->port, s);
    rc = p->flow == NULL ? find_flow(p) : 0;
    if (rc != 0)
        return rc;
    c = s2_flow_refuses(p->flow, s->raw.n + s->insert.n, 0);
    if (c != S2_C_NONE)
        return refuse(p, s, c);
    rc = s2_pack_stanza(p->w, p->flow, s, &it);
    if (rc != 0)
        return rc;
    s2_tally_add(&s2_tally(p->w)->taken, 1);
    rc = s2_flow_take(p->flow, &it);
    if (rc != 0) {
        s2_settled(p->w, &it);
        s2_host->buf->slab_release(it.slab);
        return rc;
    }
    return s2_flow_is_full(p->flow) ? block(p) : 0;
}

void s2_path_flush(struct s2_worker *w)
{
    s2_outbox_flush(w->flows);
    s2_pack_flush(w->flows);
}
