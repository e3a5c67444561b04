/* SPDX-License-Identifier: MIT */
/*
 * show_path.c - one way to a service: the neighbour, both distances, and why it is used or not.
 *
 * A service of our own has a path too, which is by way of nobody: its address is null.
 */
#include "show.h"

/* The feasibility condition, RD < FD, as the engine has it. */
int se_show_path_is_feasible(const struct se_dual_entry *e, const struct se_path *path)
{
    return path->peer == SE_DUAL_LOCAL || se_distance_less(&path->reported, &e->feasible);
}

void se_show_metric(const struct se_show *s, const struct se_metric *m)
{
    const struct se_external *x = m->external;

    se_say_known(s, "delay_ps", m->delay_ps, SE_DELAY_UNREACHABLE);
    se_say_known(s, "bandwidth_kbps", m->bandwidth_kbps, SE_BANDWIDTH_UNREACHABLE);
    se_say_number(s, "mtu_bytes", m->mtu_bytes);
    se_say_number(s, "hop_count", m->hop_count);
    se_say_number(s, "reliability", m->reliability);
    se_say_number(s, "load", m->load);
    if (x == NULL)
        return;
    se_say_router(s, "external_origin", x->origin_router_id);
    se_say_number(s, "external_autonomous_system", x->as_number);
    se_say(s, "external_protocol", se_external_protocol_name(x->protocol));
    se_say_number(s, "external_metric", x->metric);
    se_say_number(s, "external_tag", x->tag);
}

static void show_via(const struct se_show *s, const struct se_process *p,
                     const struct se_path *path)
{
    struct se_nbr_info info;

    if (path->peer == SE_DUAL_LOCAL || p->nbrs == NULL ||
        se_nbr_info(p->nbrs, path->peer, 0, &info) < 0) {
        se_say(s, "address", NULL);
        se_say(s, "interface", NULL);
        return;
    }
    se_say_addr(s, "address", &info.addr);
    se_say(s, "interface", se_show_iface_name(p, info.iface));
}

void se_show_path(const struct se_show *s, const struct se_process *p,
                  const struct se_dual_entry *e, const struct se_path *path)
{
    s->api->row_begin(s->out);
    show_via(s, p, path);
    se_say_distance(s, p, "computed_distance", "computed_distance_rib", path->computed.composite);
    se_say_distance(s, p, "reported_distance", "reported_distance_rib", path->reported.composite);
    se_say_router(s, "origin", path->origin->router_id);
    se_say(s, "kind", path->computed.is_external ? "external" : "internal");
    se_say_flag(s, "local", path->peer == SE_DUAL_LOCAL);
    se_say_flag(s, "successor", path->peer == e->successor);
    se_say_flag(s, "feasible", se_show_path_is_feasible(e, path));
    if (e->state != SE_DUAL_PASSIVE)
        se_say_flag(s, "reply_outstanding", se_dual_in_set(e, SE_SET_REPLY, path->peer));
    if (s->is_detail) {
        se_say_number(s, "sequence", path->sequence);
        se_say_flag(s, "stale", path->is_stale);
        se_show_metric(s, &path->metric);
    }
    s->api->row_end(s->out);
}
