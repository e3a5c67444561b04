/* SPDX-License-Identifier: MIT */
/*
 * clear.c - clear eigrp service-family ... neighbors: makes adjacencies anew.
 *
 * Hard: the neighbour is told that we drop it, all that it said goes, and the next hellos bring it
 * back. Soft: it stays, what it said stays until repeated, and both tables are sent again (RS).
 * Either way it is forgotten what maximum-services holds against it, so that one that is kept out
 * may come again.
 *
 * Nothing goes out before se_process_settle, so the walk sees every neighbour as it was.
 */
#include "show.h"

static void clear_one(const struct se_show *s, struct se_process *p, unsigned nbr)
{
    if (!s->is_soft) {
        se_nbr_reset(p->nbrs, nbr, SE_NBR_CLEARED);
        return;
    }
    se_dual_table_rewind(p->dual, nbr);
    se_nbr_resync(p->nbrs, nbr);
}

/* Who is not up yet has no table to send again. */
static int may_clear(const struct se_show *s, const struct se_process *p,
                     const struct se_nbr_info *info)
{
    const struct se_iface *iface = info->iface < p->iface_end ? p->ifaces[info->iface] : NULL;

    return se_show_wants_nbr(s, iface, &info->addr) && (!s->is_soft || info->state == SE_NBR_UP);
}

static unsigned clear_neighbours(const struct se_show *s, struct se_process *p)
{
    uint64_t now_ms = se_process_now(p).ms;
    struct se_nbr_info info;
    unsigned nbr, count = 0;

    for (nbr = se_nbr_next(p->nbrs, SE_NBR_NONE); nbr != SE_NBR_NONE;
         nbr = se_nbr_next(p->nbrs, nbr)) {
        if (se_nbr_info(p->nbrs, nbr, now_ms, &info) < 0 || !may_clear(s, p, &info))
            continue;
        clear_one(s, p, nbr);
        count++;
    }
    return count;
}

/* The first that is remembered and was asked for, or NULL. */
static const struct se_penalty *next_penalty(const struct se_show *s, const struct se_process *p)
{
    const struct se_penalty *penalty;

    for (penalty = p->penalties; penalty != NULL; penalty = penalty->next)
        if (se_show_wants_penalty(s, penalty))
            break;
    return penalty;
}

/* How many are forgotten. se_limit_clear frees them, so each time it is looked for anew. */
static unsigned clear_penalties(const struct se_show *s, struct se_process *p)
{
    uint32_t before = p->penalty_count, left;
    const struct se_penalty *penalty;
    struct xmb_addr addr;

    if (s->which == NULL) {
        se_limit_clear(p, NULL);
        return before - p->penalty_count;
    }
    while ((penalty = next_penalty(s, p)) != NULL) {
        left = p->penalty_count;
        addr = penalty->addr;
        se_limit_clear(p, &addr);
        if (p->penalty_count >= left)
            break;
    }
    return before - p->penalty_count;
}

static void clear_process(struct se_show *s, struct se_process *p, int64_t *cleared,
                          int64_t *forgiven)
{
    struct se_event event = {.kind = SE_EVENT_CLEARED, .addr = s->addr};

    if (p->state != SE_RUNNING)
        return;
    se_events_add(&p->events, &event);
    *forgiven += clear_penalties(s, p);
    *cleared += clear_neighbours(s, p);
    se_process_settle(p);
}

int se_clear(void *self, const struct xmb_call *call, struct xmb_out *out)
{
    static const struct se_view views[] = {
        {"neighbors", NULL, SE_TAKES_NEIGHBOURS | SE_TAKES_SOFT},
    };
    struct se_process *p, *next;
    int64_t cleared = 0, forgiven = 0;
    struct se_show s;
    int rc = se_show_ask(&s, self, call, out, views, 1);

    if (rc < 0)
        return rc;
    if (s.forwarder->is_draining)
        return s.api->error(out, "the broker is stopping; neighbours are told goodbye anyway");
    for (p = se_show_next(&s, NULL); p != NULL; p = next) {
        next = se_show_next(&s, p);
        clear_process(&s, p, &cleared, &forgiven);
    }
    s.api->number(out, "cleared", cleared);
    s.api->number(out, "limits_forgotten", forgiven);
    return 0;
}
