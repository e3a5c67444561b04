/* SPDX-License-Identifier: MIT */
/*
 * dual_select.c - whom to believe: distances, the feasibility condition, the choice of a successor.
 *
 * A distance is compared in three digits: external after internal (RFC 7868, 5.6), then the
 * composite, then the hop count. The third is ours. DUAL needs a distance that grows along every
 * link, and the composite does not when only bandwidth counts (K3 = 0) or a delay is below 16 ps:
 * then the strict condition would hold nowhere and a service would be active for ever. Hops always
 * grow. Where composites differ it makes no difference.
 *
 * The feasibility condition (FC): a neighbour that says it is nearer than we ever were since the
 * last diffusing computation, RD < FD, cannot reach the service through us. A successor must be
 * feasible *and* have the least distance of all. When a nearer neighbour is not feasible, a
 * diffusing computation finds out, also while a feasible one would do: that is DUAL's own rule, and
 * without it distances would not end up at the shortest path.
 *
 * Among equals: the lower originator's router id (D07), then the successor that is, then the lower
 * number. Only one is used: nothing is balanced over services.
 */
#include "dual_priv.h"

int se_distance_less(const struct se_distance *a, const struct se_distance *b)
{
    if (!se_dual_is_finite(a) || !se_dual_is_finite(b))
        return se_dual_is_finite(a) && !se_dual_is_finite(b);
    if (a->is_external != b->is_external)
        return a->is_external < b->is_external;
    if (a->composite != b->composite)
        return a->composite < b->composite;
    return a->hop_count < b->hop_count;
}

int se_distance_equal(const struct se_distance *a, const struct se_distance *b)
{
    return !se_distance_less(a, b) && !se_distance_less(b, a);
}

void se_distance_set_infinite(struct se_distance *x)
{
    x->composite = SE_COMPOSITE_INFINITY;
    x->is_external = 0;
    x->hop_count = 0;
}

void se_dual_distance(const struct se_dual *d, const struct se_metric *m, struct se_distance *out)
{
    if (se_metric_is_unreachable(m, d->conf.hops_max)) {
        se_distance_set_infinite(out);
        return;
    }
    out->composite = se_metric_composite(m, &d->conf.k);
    out->is_external = m->external != NULL;
    out->hop_count = m->hop_count;
}

void se_dual_path_metric(const struct se_dual *d, const struct se_path *p, struct se_metric *out)
{
    if (p->peer == SE_DUAL_LOCAL)
        *out = p->metric;
    else
        se_metric_add_link(out, &p->metric, &d->ifaces[d->peers[p->peer].iface].link);
}

void se_dual_path_compute(const struct se_dual *d, struct se_path *p)
{
    struct se_metric m;

    if (se_seq_is_taken_back(&p->origin->known, p->sequence)) {
        se_distance_set_infinite(&p->computed);
        return;
    }
    se_dual_path_metric(d, p, &m);
    se_dual_distance(d, &m, &p->computed);
}

/* Our own service is where we are: no loop can lead through it. */
static int is_feasible(const struct se_path *p, const struct se_distance *limit)
{
    return p->peer == SE_DUAL_LOCAL || se_distance_less(&p->reported, limit);
}

/* Of two with the same distance. */
static int is_preferred(const struct se_dual_entry *e, const struct se_path *a,
                        const struct se_path *b)
{
    if (a->origin->router_id != b->origin->router_id)
        return a->origin->router_id < b->origin->router_id;
    if (a->peer == e->successor || b->peer == e->successor)
        return a->peer == e->successor;
    return a->peer < b->peer;
}

void se_dual_choose(const struct se_dual_entry *e, const struct se_distance *limit,
                    struct se_choice *out)
{
    struct se_distance least;
    const struct se_path *p;

    out->path = NULL;
    se_distance_set_infinite(&least);
    for (p = e->paths; p != NULL; p = p->next)
        if (se_distance_less(&p->computed, &least))
            least = p->computed;
    out->has_any = se_dual_is_finite(&least);
    if (!out->has_any)
        return;
    for (p = e->paths; p != NULL; p = p->next) {
        if (!se_distance_equal(&p->computed, &least) || !is_feasible(p, limit))
            continue;
        if (out->path == NULL || is_preferred(e, p, out->path))
            out->path = p;
    }
}

unsigned se_dual_successor_count(const struct se_dual *d, const struct se_dual_entry *e)
{
    const struct se_path *p;
    unsigned count = 0;

    (void)d;
    for (p = e->paths; p != NULL; p = p->next)
        if (se_dual_is_finite(&p->computed) && se_distance_equal(&p->computed, &e->distance) &&
            is_feasible(p, &e->feasible))
            count++;
    return count;
}
