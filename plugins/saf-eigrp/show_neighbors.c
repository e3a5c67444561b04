/* SPDX-License-Identifier: MIT */
/*
 * show_neighbors.c - show eigrp service-family ... neighbors, and accounting.
 *
 * A row of neighbors[] is an adjacency: scripts count them. Who is only about to become one stands
 * in pending[], where anybody who sends hellos can get to.
 */
#include "show.h"

#include <stdio.h>

typedef void row(const struct se_show *s, const struct se_process *p, unsigned nbr,
                 const struct se_nbr_info *info);

static const struct se_iface *iface_of(const struct se_process *p, const struct se_nbr_info *info)
{
    return info->iface < p->iface_end ? p->ifaces[info->iface] : NULL;
}

/* A row for each neighbour in `state` that was asked for. */
static void each(const struct se_show *s, enum se_nbr_state state, row *show)
{
    const struct se_process *p;
    struct se_nbr_info info;
    uint64_t now_ms;
    unsigned nbr;

    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        if (p->nbrs == NULL)
            continue;
        now_ms = se_process_now(p).ms;
        for (nbr = se_nbr_next(p->nbrs, SE_NBR_NONE); nbr != SE_NBR_NONE;
             nbr = se_nbr_next(p->nbrs, nbr)) {
            if (se_nbr_info(p->nbrs, nbr, now_ms, &info) < 0 || info.state != state ||
                !se_show_wants_nbr(s, iface_of(p, &info), &info.addr))
                continue;
            show(s, p, nbr, &info);
        }
    }
}

/* Services that it offers. */
static uint32_t prefixes(const struct se_process *p, unsigned nbr)
{
    const struct se_dual_peer *peer = p->dual != NULL ? se_dual_peer(p->dual, nbr) : NULL;

    return peer != NULL ? peer->path_count : 0;
}

/* --- neighbors -------------------------------------------------------------------------------- */

static void say_version(const struct se_show *s, const char *key, unsigned major, unsigned minor)
{
    char text[16];

    snprintf(text, sizeof(text), "%u.%u", major, minor);
    se_say(s, key, text);
}

static void say_stub(const struct se_show *s, const struct se_nbr_info *info)
{
    char text[8];

    if (!info->is_stub)
        se_say(s, "stub", NULL);
    else if (info->stub_flags & SE_STUB_RECEIVE_ONLY)
        se_say(s, "stub", "receive-only");
    else if (info->stub_flags & SE_STUB_CONNECTED)
        se_say(s, "stub", "connected");
    else {
        snprintf(text, sizeof(text), "0x%02x", info->stub_flags);
        se_say(s, "stub", text);
    }
}

/* "0,32"; with "..." when its list is longer than what is kept of it. */
static void say_topologies(const struct se_show *s, const struct se_nbr_info *info)
{
    char text[SE_NBR_TOPOLOGIES_MAX * 6 + 4] = "";
    unsigned i, kept = info->topology_count;
    size_t n = 0;

    if (kept > SE_NBR_TOPOLOGIES_MAX)
        kept = SE_NBR_TOPOLOGIES_MAX;
    for (i = 0; i < kept; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i > 0 ? "," : "",
                              info->topologies[i]);
    if (kept < info->topology_count)
        snprintf(text + n, sizeof(text) - n, "...");
    se_say(s, "topology_ids", kept > 0 ? text : NULL);
}

static void show_detail(const struct se_show *s, const struct se_process *p,
                        const struct se_nbr_info *info)
{
    const struct se_iface *iface = iface_of(p, info);

    say_version(s, "release", info->software.release_major, info->software.release_minor);
    say_version(s, "tlv_version", info->software.tlv_major, info->software.tlv_minor);
    se_say_number(s, "hold_time", info->hold_s);
    se_say_number(s, "retransmissions", info->retransmissions);
    se_say_number(s, "retries", info->tries > 0 ? info->tries - 1u : 0);
    se_say_number(s, "services_sent", info->services_sent);
    se_say_number(s, "restart_count", info->restart_count);
    se_say_flag(s, "restarting", info->is_restarting);
    say_topologies(s, info);
    say_stub(s, info);
    se_say_flag(s, "static", info->is_static);
    se_say(s, "bfd", "none"); /* a dead peer is found by its hold time alone */
    se_say(s, "mode", iface != NULL ? se_nbr_mode_name((enum se_nbr_mode)iface->mode) : NULL);
}

static void show_up(const struct se_show *s, const struct se_process *p, unsigned nbr,
                    const struct se_nbr_info *info)
{
    se_row(s, p);
    se_say_number(s, "handle", nbr);
    se_say_addr(s, "address", &info->addr);
    se_say(s, "interface", se_show_iface_name(p, info->iface));
    se_say_number(s, "hold", (info->hold_left_ms + 999) / 1000);
    se_say_since(s, p, "uptime_seconds", info->since_ms);
    se_say_number(s, "srtt_ms", info->srtt_ms);
    se_say_number(s, "rto_ms", info->rto_ms);
    se_say_number(s, "queue", info->queue_count);
    se_say_number(s, "sequence", info->last_sequence);
    se_say_number(s, "services", prefixes(p, nbr));
    if (s->is_detail)
        show_detail(s, p, info);
    se_row_end(s);
}

static void show_pending(const struct se_show *s, const struct se_process *p, unsigned nbr,
                         const struct se_nbr_info *info)
{
    se_row(s, p);
    se_say_number(s, "handle", nbr);
    se_say_addr(s, "address", &info->addr);
    se_say(s, "interface", se_show_iface_name(p, info->iface));
    se_say_number(s, "hold", (info->hold_left_ms + 999) / 1000);
    se_say_since(s, p, "pending_seconds", info->since_ms);
    if (s->is_detail)
        show_detail(s, p, info);
    se_row_end(s);
}

void se_show_neighbors(struct se_show *s)
{
    se_list(s, "neighbors");
    each(s, SE_NBR_UP, show_up);
    se_list_end(s);
    se_list(s, "pending");
    each(s, SE_NBR_PENDING, show_pending);
    se_list_end(s);
}

/* --- accounting: who brings how much, and who is kept out for too much ------------------------ */

static const struct se_penalty *penalty_of(const struct se_process *p, unsigned iface,
                                           const struct xmb_addr *addr)
{
    const char *name = se_show_iface_name(p, iface);
    const struct se_penalty *found;

    for (found = p->penalties; found != NULL; found = found->next)
        if (strcmp(found->iface, name) == 0 && found->addr.family == addr->family &&
            memcmp(found->addr.ip, addr->ip, sizeof(addr->ip)) == 0)
            break;
    return found;
}

/* Seconds until `ms`; null when that is past, or never comes. */
static void say_until(const struct se_show *s, const struct se_process *p, const char *key,
                      uint64_t ms)
{
    uint64_t now_ms = se_process_now(p).ms;

    if (ms == UINT64_MAX || ms <= now_ms)
        s->api->null(s->out, key);
    else
        se_say_number(s, key, (ms - now_ms + 999) / 1000);
}

static void say_penalty(const struct se_show *s, const struct se_process *p,
                        const struct se_penalty *penalty)
{
    se_say_number(s, "restart_count", penalty != NULL ? penalty->restart_count : 0);
    say_until(s, p, "restart_seconds", penalty != NULL ? penalty->until_ms : 0);
    say_until(s, p, "reset_seconds", penalty != NULL ? penalty->forget_ms : 0);
}

static void show_account(const struct se_show *s, const struct se_process *p, unsigned nbr,
                         const struct se_nbr_info *info)
{
    se_row(s, p);
    se_say(s, "state", se_nbr_state_name((enum se_nbr_state)info->state));
    se_say_addr(s, "address", &info->addr);
    se_say(s, "interface", se_show_iface_name(p, info->iface));
    se_say_number(s, "services", prefixes(p, nbr));
    say_penalty(s, p, penalty_of(p, info->iface, &info->addr));
    se_row_end(s);
}

static int is_neighbour(const struct se_process *p, const struct se_penalty *penalty)
{
    uint32_t i;

    for (i = 0; p->nbrs != NULL && i < p->iface_end; i++)
        if (p->ifaces[i] != NULL && strcmp(p->ifaces[i]->name, penalty->iface) == 0 &&
            se_nbr_find(p->nbrs, i, &penalty->addr) != SE_NBR_NONE)
            return 1;
    return 0;
}

/* Those that are remembered, and no neighbours now. */
static void show_absent(const struct se_show *s, const struct se_process *p)
{
    const struct se_penalty *penalty;

    for (penalty = p->penalties; penalty != NULL; penalty = penalty->next) {
        if (is_neighbour(p, penalty) || !se_show_wants_penalty(s, penalty))
            continue;
        se_row(s, p);
        se_say(s, "state", penalty->until_ms > se_process_now(p).ms ? "kept out" : "down");
        se_say_addr(s, "address", &penalty->addr);
        se_say(s, "interface", penalty->iface);
        se_say_number(s, "services", 0);
        say_penalty(s, p, penalty);
        se_row_end(s);
    }
}

void se_show_accounting(struct se_show *s)
{
    const struct se_process *p;

    se_list(s, "accounting");
    each(s, SE_NBR_UP, show_account);
    each(s, SE_NBR_PENDING, show_account);
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p))
        show_absent(s, p);
    se_list_end(s);
}
