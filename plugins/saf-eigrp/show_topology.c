/* SPDX-License-Identifier: MIT */
/*
 * show_topology.c - show eigrp service-family ... topology: services and the ways to them.
 *
 * The code of a service: P passive or A active, then r (replies are outstanding), s (asked whether
 * they still come: SIA), Q (a query waits to go), R (the successor asked us and waits), U (a
 * message about it waits, or is not acknowledged).
 */
#include "show.h"

static const struct se_content *content_of(const struct se_dual_entry *e)
{
    return e->origin != NULL ? e->origin->content : NULL;
}

static uint32_t sequence_of(const struct se_dual_entry *e)
{
    if (e->successor == SE_DUAL_LOCAL)
        return e->seq.wire;
    return e->origin != NULL ? e->origin->known.held : 0;
}

/* --- which ------------------------------------------------------------------------------------ */

static int is_active(const struct se_dual_entry *e)
{
    return e->state != SE_DUAL_PASSIVE;
}

static int is_wanted(const struct se_show *s, const struct se_process *p,
                     const struct se_dual_entry *e)
{
    if (!se_show_pattern_fits(&s->pattern, &e->id))
        return 0;
    switch (s->filter) {
    case SE_SHOW_ALL:
        return 1;
    case SE_SHOW_ACTIVE:
        return is_active(e);
    case SE_SHOW_PENDING:
        return e->hold_count > 0 || e->owed != SE_DUAL_NONE;
    case SE_SHOW_ZERO:
        return se_dual_successor_count(p->dual, e) == 0;
    default:
        return is_active(e) || e->paths != NULL;
    }
}

/* --- one service ------------------------------------------------------------------------------ */

/* A query to one of those whose reply is awaited is in no packet yet. */
static int has_query_queued(const struct se_process *p, const struct se_dual_entry *e)
{
    struct se_rtp_message m = {.item = (void *)(uintptr_t)e, .opcode = SE_QUERY};
    unsigned nbr;

    if (e->reply_count == 0 || e->hold_count == 0 || p->nbrs == NULL)
        return 0;
    for (nbr = se_nbr_next(p->nbrs, SE_NBR_NONE); nbr != SE_NBR_NONE;
         nbr = se_nbr_next(p->nbrs, nbr))
        if (se_dual_in_set(e, SE_SET_REPLY, nbr) && se_nbr_is_waiting(p->nbrs, nbr, &m))
            return 1;
    return 0;
}

static void say_code(const struct se_show *s, const struct se_process *p,
                     const struct se_dual_entry *e)
{
    char code[8];
    size_t n = 0;

    code[n++] = is_active(e) ? 'A' : 'P';
    if (e->reply_count > 0)
        code[n++] = 'r';
    if (is_active(e) && e->sia_round > 0)
        code[n++] = 's';
    if (has_query_queued(p, e))
        code[n++] = 'Q';
    if (e->owed != SE_DUAL_NONE)
        code[n++] = 'R';
    if (e->hold_count > 0)
        code[n++] = 'U';
    code[n] = '\0';
    se_say(s, "code", code);
}

static void show_active(const struct se_show *s, const struct se_process *p,
                        const struct se_dual_entry *e)
{
    se_say_number(s, "active_number", (uint64_t)e->state - SE_DUAL_ACTIVE0); /* oij */
    se_say_since(s, p, "active_seconds", e->since_ms);
    se_say_number(s, "replies_outstanding", e->reply_count);
    se_say_number(s, "sia_queries", e->sia_round);
}

static void show_content(const struct se_show *s, const struct se_dual_entry *e)
{
    const struct se_content *c = content_of(e);
    struct xmb_addr reach = {0};

    se_show_metric(s, &e->metric);
    se_say_number(s, "queued", e->hold_count);
    if (c == NULL) {
        s->api->null(s->out, "data_bytes");
        return;
    }
    se_content_reach(c, &reach);
    se_say_number(s, "data_bytes", c->service.data.n);
    se_say_number(s, "protocol", c->service.protocol);
    se_say_addr(s, "address", &reach);
    se_say_known(s, "port", reach.port, 0);
    se_say_known(s, "tag", c->tag, 0);
}

static void show_paths(const struct se_show *s, const struct se_process *p,
                       const struct se_dual_entry *e)
{
    const struct se_path *path;
    int is_all = s->filter == SE_SHOW_ALL || is_active(e);

    se_list(s, "via");
    for (path = e->paths; path != NULL; path = path->next)
        if (is_all || se_show_path_is_feasible(e, path))
            se_show_path(s, p, e, path);
    se_list_end(s);
}

static void show_service(const struct se_show *s, const struct se_process *p,
                         const struct se_dual_entry *e)
{
    se_row(s, p);
    se_say_service(s, "service", &e->id);
    se_say(s, "state", is_active(e) ? "active" : "passive");
    say_code(s, p, e);
    se_say_number(s, "successors", se_dual_successor_count(p->dual, e));
    se_say_distance(s, p, "feasible_distance", "feasible_distance_rib", e->feasible.composite);
    se_say_router(s, "origin", e->origin != NULL ? e->origin->router_id : 0);
    se_say(s, "kind", e->distance.is_external ? "external" : "internal");
    se_say_number(s, "sequence", sequence_of(e));
    se_say_known(s, "serial", e->serial, 0);
    if (is_active(e))
        show_active(s, p, e);
    if (s->is_detail)
        show_content(s, e);
    show_paths(s, p, e);
    se_row_end(s);
}

void se_show_topology(struct se_show *s)
{
    const struct se_process *p;
    const struct se_dual_entry *e;

    if (s->filter == SE_SHOW_SUMMARY) {
        se_show_summary(s);
        return;
    }
    se_list(s, "topology");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        if (p->dual == NULL)
            continue;
        for (e = se_dual_next(p->dual, NULL); e != NULL; e = se_dual_next(p->dual, e))
            if (is_wanted(s, p, e) && se_show_may_row(s))
                show_service(s, p, e);
    }
    se_list_end(s);
    se_say_number(s, "left_out", s->left_out);
}

/* --- summary ---------------------------------------------------------------------------------- */

struct sums {
    uint32_t passive, active, gone, no_successor, local, learned, external, paths, queued;
};

static void add_service(struct sums *sums, const struct se_process *p,
                        const struct se_dual_entry *e)
{
    const struct se_path *path;

    for (path = e->paths; path != NULL; path = path->next)
        sums->paths++;
    sums->active += is_active(e);
    sums->passive += !is_active(e) && e->paths != NULL;
    sums->gone += !is_active(e) && e->paths == NULL;
    sums->no_successor += se_dual_successor_count(p->dual, e) == 0;
    sums->local += e->successor == SE_DUAL_LOCAL;
    sums->learned += e->is_shown;
    sums->external += e->distance.is_external;
    sums->queued += e->hold_count;
}

static void show_sums(const struct se_show *s, const struct se_process *p)
{
    const struct se_dual_counts *counts = se_dual_counts(p->dual);
    const struct se_dual_entry *e;
    struct sums sums = {0};

    for (e = se_dual_next(p->dual, NULL); e != NULL; e = se_dual_next(p->dual, e))
        add_service(&sums, p, e);
    se_say_number(s, "services", counts->entries);
    se_say_number(s, "passive", sums.passive);
    se_say_number(s, "active", sums.active);
    se_say_number(s, "gone", sums.gone);
    se_say_number(s, "zero_successors", sums.no_successor);
    se_say_number(s, "local", sums.local);
    se_say_number(s, "learned", sums.learned);
    se_say_number(s, "external", sums.external);
    se_say_number(s, "paths", sums.paths);
    se_say_number(s, "messages_queued", sums.queued);
    se_say_number(s, "local_computations", counts->local_computations);
    se_say_number(s, "diffusing_computations", counts->diffusing_computations);
    se_say_number(s, "refused", counts->refused);
    se_say_number(s, "own_heard", counts->own_heard);
}

void se_show_summary(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "summary");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        if (p->dual == NULL)
            continue;
        se_row(s, p);
        show_sums(s, p);
        se_row_end(s);
    }
    se_list_end(s);
}
