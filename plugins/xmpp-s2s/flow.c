/* SPDX-License-Identifier: MIT */
/*
 * flow.c - the flows of one worker: their table, and who may be forgotten.
 *
 * The table is by foreign domain, so that a row holds both directions of a relation and all our
 * domains in it.
 */
#include "component.h"
#include "flow_priv.h"
#include "reverse.h"

#include <stdlib.h>

#define ROWS 256u       /* at first */

/* --- table ----------------------------------------------------------------------------------- */

static struct s2_flow **row_of(const struct s2_flows *fl, const struct s2_domain *foreign)
{
    return &fl->table[foreign->hash & (fl->size - 1)];
}

static const struct s2_domain *foreign_of(const struct s2_flow *f)
{
    return f->to_side == S2_OUTSIDE ? &f->to : &f->from;
}

struct s2_flow *s2_flow_row(const struct s2_worker *w, const struct s2_domain *foreign)
{
    return *row_of(w->flows, foreign);
}

struct s2_flow *s2_flow_find(const struct s2_worker *w, const struct s2_route *r)
{
    struct s2_flow *f = *row_of(w->flows, s2_route_foreign(r));

    while (f != NULL && !((enum s2_side)f->to_side == r->to_side && s2_domain_eq(&f->to, r->to) &&
                          s2_domain_eq(&f->from, r->from)))
        f = f->table_next;
    return f;
}

/* A table that cannot grow is slower, and right. */
static void widen(struct s2_flows *fl)
{
    uint32_t size = fl->size * 2, i;
    struct s2_flow **old = fl->table, **table = calloc(size, sizeof(*table));
    struct s2_flow *f, **row;

    if (table == NULL)
        return;
    fl->table = table;
    fl->size = size;
    for (i = 0; i < size / 2; i++) {
        while ((f = old[i]) != NULL) {
            old[i] = f->table_next;
            row = row_of(fl, foreign_of(f));
            f->table_next = *row;
            *row = f;
        }
    }
    free(old);
}

static void remove_flow(struct s2_flow *f)
{
    struct s2_flows *fl = f->w->flows;
    struct s2_flow **at = row_of(fl, foreign_of(f));

    while (*at != f)
        at = &(*at)->table_next;
    *at = f->table_next;
    *f->all_at = f->all_next;
    if (f->all_next != NULL)
        f->all_next->all_at = f->all_at;
    fl->count--;
    s2_flow_unlist(f);
    s2_drain_cancel(f);
    s2_ring_free(f);
    s2_flow_forget_waiters(f);
    free(f);
}

int s2_flow_spare(struct s2_flow *f)
{
    if (f->state != FLOW_QUIET || f->refs > 0 || f->ring.count > 0)
        return 0;
    remove_flow(f);
    return 1;
}

/*
 * The oldest that is kept for its last error alone makes room. Others that have nothing go with the
 * tick, when nobody further up uses one of them: see flow_time.c.
 */
static int make_room(struct s2_flows *fl)
{
    struct s2_node *n;

    for (n = fl->calm.next; n != &fl->calm; n = n->next) {
        if (s2_flow_spare((struct s2_flow *)n))
            return 0;
    }
    s2_flow_wake(fl);
    return XMB_ELIMIT;
}

static void enlist(struct s2_flows *fl, struct s2_flow *f)
{
    f->all_next = fl->all;
    f->all_at = &fl->all;
    if (f->all_next != NULL)
        f->all_next->all_at = &f->all_next;
    fl->all = f;
}

static struct s2_flow *add_flow(struct s2_worker *w, const struct s2_route *r)
{
    struct s2_flow *f = calloc(1, sizeof(*f));
    struct s2_flow **row;

    if (f == NULL)
        return NULL;
    f->w = w;
    f->to_side = (uint8_t)r->to_side;
    f->from = *r->from;
    f->to = *r->to;
    row = row_of(w->flows, s2_route_foreign(r));
    f->table_next = *row;
    *row = f;
    enlist(w->flows, f);
    if (++w->flows->count > w->flows->size)
        widen(w->flows);
    if (s2_flow_crowd(w->flows))
        s2_flow_wake(w->flows);
    return f;
}

int s2_flow_get(struct s2_worker *w, const struct s2_route *r, struct s2_flow **out)
{
    struct s2_flow *f = s2_flow_find(w, r);
    int rc;

    if (f == NULL && w->flows->count >= w->flows->most && (rc = make_room(w->flows)) != 0)
        return rc;
    if (f == NULL)
        f = add_flow(w, r);
    if (f == NULL)
        return XMB_ENOMEM;
    *out = f;
    return 0;
}

/*
 * The next is held meanwhile: what fn gives back may make a flow, and that may remove a spare one.
 */
void s2_flow_each(struct s2_worker *w, void (*fn)(struct s2_flow *f))
{
    struct s2_flow *f, *next;

    for (f = w->flows->all; f != NULL; f = next) {
        next = f->all_next;
        if (next != NULL)
            next->refs++;
        fn(f);
        if (next != NULL)
            next->refs--;
    }
}

uint32_t s2_flow_owner(const struct s2_worker *w, const struct s2_domain *foreign)
{
    uint32_t mixed = foreign->hash * UINT32_C(2654435769);

    return (uint32_t)(((uint64_t)mixed * w->count) >> 32);
}

uint32_t s2_route_owner(const struct s2_worker *w, const struct s2_route *r)
{
    uint32_t index;

    if (s2_components_find(w->module, r->to_side == S2_OUTSIDE ? r->from : r->to, &index))
        return index;
    if (s2_reverse_owner(w->module, r->to_side, r->from, r->to, &index))
        return index;
    return s2_flow_owner(w, s2_route_foreign(r));
}

/* --- life ------------------------------------------------------------------------------------ */

int s2_flows_init(struct s2_worker *w)
{
    struct s2_flows *fl = calloc(1, sizeof(*fl));
    int rc;

    if (fl == NULL)
        return XMB_ENOMEM;
    w->flows = fl;
    fl->w = w;
    fl->size = ROWS;
    fl->most = S2_FLOWS_MAX;
    fl->table = calloc(fl->size, sizeof(struct s2_flow *));
    rc = fl->table != NULL ? s2_flow_time_init(fl) : XMB_ENOMEM;
    if (rc == 0)
        rc = s2_outbox_init(fl);
    if (rc == 0)
        rc = s2_barrier_init(fl);
    if (rc != 0)
        s2_flows_fini(w);
    return rc;
}

static void end_flow(struct s2_flow *f)
{
    struct s2_route route = s2_flow_route(f);
    struct s2_item it;

    if (f->lease != NULL)
        s2_lease_close(f->lease);
    f->lease = NULL;
    while (f->ring.count > 0) {
        s2_ring_pop(f, &it);
        s2_lose(f->w, &route, &it, "the broker stops");
    }
    remove_flow(f);
}

void s2_flows_fini(struct s2_worker *w)
{
    struct s2_flows *fl = w->flows;

    if (fl == NULL)
        return;
    if (fl->table != NULL)
        s2_flow_each(w, end_flow);
    s2_outbox_fini(fl);
    s2_pack_flush(fl);
    s2_host->timer->destroy(fl->tick);
    free(fl->table);
    free(fl->peers);
    free(fl);
    w->flows = NULL;
}
