/* SPDX-License-Identifier: MIT */
/*
 * show_process.c - the head of every answer, which names the processes, and show eigrp protocols,
 * which tells all that is set.
 */
#include "show.h"

static const char *state_name(const struct se_process *p)
{
    switch (p->state) {
    case SE_RUNNING:
        return "running";
    case SE_WITHDRAWING:
        return "withdrawing";
    case SE_LEAVING:
        return "leaving";
    default:
        return p->family->is_shutdown ? "shut down" : "waiting for an address";
    }
}

static void show_counts(const struct se_show *s, const struct se_process *p)
{
    struct se_nbr_iface_info info;
    uint32_t ifaces = 0, up = 0, pending = 0, i;

    for (i = 0; i < p->iface_end; i++) {
        if (p->nbrs == NULL || se_nbr_iface_info(p->nbrs, i, &info) < 0)
            continue;
        ifaces++;
        up += info.up_count;
        pending += info.pending_count;
    }
    se_say_number(s, "interface_count", ifaces);
    se_say_number(s, "neighbor_count", up);
    se_say_number(s, "pending_count", pending);
    se_say_number(s, "service_count", p->dual != NULL ? se_dual_counts(p->dual)->entries : 0);
}

static void show_head(const struct se_show *s, const struct se_process *p)
{
    se_row(s, p);
    if (s->family != 0)
        se_say(s, "family", p->family->family == 4 ? "ipv4" : "ipv6");
    se_say_number(s, "vrid", SE_VRID_SERVICE);
    se_say_router(s, "router_id", p->router_id);
    se_say(s, "state", state_name(p));
}

void se_show_processes(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "processes");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        show_head(s, p);
        show_counts(s, p);
        se_row_end(s);
    }
    se_list_end(s);
}

const char *se_show_iface_name(const struct se_process *p, unsigned iface)
{
    return iface < p->iface_end && p->ifaces[iface] != NULL ? p->ifaces[iface]->name : "-";
}

/* --- show eigrp protocols --------------------------------------------------------------------- */

static const char *stub_name(unsigned flags)
{
    if (flags == 0)
        return NULL;
    return flags & SE_STUB_RECEIVE_ONLY ? "receive-only" : "connected";
}

static void show_metric_settings(const struct se_show *s, const struct se_family_conf *f)
{
    static const char *const keys[6] = {"k1", "k2", "k3", "k4", "k5", "k6"};
    unsigned i;

    for (i = 0; i < 6; i++)
        se_say_number(s, keys[i], f->k.k[i]);
    se_say_number(s, "maximum_hops", f->hops_max);
    se_say_number(s, "rib_scale", f->rib_scale);
}

static void show_settings(const struct se_show *s, const struct se_family_conf *f)
{
    se_say_known(s, "active_time_seconds", f->active_ms / 1000, 0); /* null: never stuck */
    se_say_number(s, "purge_time_seconds", f->purge_s);
    se_say(s, "stub", stub_name(f->stub_flags));
    se_say_known(s, "tlv_version", f->tlv_version, 0); /* null: as the neighbour has it */
    se_say_known(s, "default_tag", f->default_tag, 0);
    se_say_number(s, "event_log_size", f->event_log_size);
    se_say_flag(s, "log_neighbor_changes", f->is_logging_changes);
    se_say_flag(s, "learns_domains", f->is_learning_domains);
    se_say_number(s, "announced_domains", f->announced_count);
}

static void show_limits(const struct se_show *s, const struct se_process *p)
{
    const struct se_family_conf *f = p->family;

    se_say_number(s, "entries_max", f->entries_max);
    se_say_number(s, "data_max_bytes", f->data_max_bytes);
    se_say_known(s, "maximum_services", f->limit.services_max, 0);
    se_say_number(s, "threshold_percent", f->limit.threshold_percent);
    se_say_flag(s, "warning_only", f->limit.is_warning_only);
    se_say_number(s, "restart_seconds", f->limit.restart_s);
    se_say_number(s, "reset_seconds", f->limit.reset_s);
    se_say_known(s, "restart_count_max", f->limit.restart_count, 0);
    se_say_number(s, "neighbors_kept_out", p->penalty_count);
    se_say_number(s, "publications_too_large", p->oversize_count);
}

void se_show_protocols(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "processes");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        show_head(s, p);
        show_metric_settings(s, p->family);
        show_settings(s, p->family);
        show_limits(s, p);
        show_counts(s, p);
        se_row_end(s);
    }
    se_list_end(s);
}
