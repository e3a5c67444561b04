/* SPDX-License-Identifier: MIT */
/*
 * limit.c - maximum-services: what one neighbour may bring (D13, the shape of maximum-prefix).
 *
 * A neighbour with more is reset and kept out for a while, `restart`; one that does it again and
 * again, `restart-count` times, stays out until an operator clears it. Once it was quiet for
 * `reset-time` its past is forgotten. With warning-only it is only said.
 *
 * The penalties are few: only neighbours that were up get one.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>

static struct se_penalty *find(const struct se_process *p, unsigned iface,
                               const struct xmb_addr *addr)
{
    const char *name = p->ifaces[iface]->name;
    struct se_penalty *x = p->penalties;

    while (x != NULL && (strcmp(x->iface, name) != 0 || !se_same_addr(&x->addr, addr)))
        x = x->next;
    return x;
}

/* Forgets those that are over, so that there is room. */
static void forget_old(struct se_process *p, uint64_t now_ms)
{
    struct se_penalty **at = &p->penalties;
    struct se_penalty *x;

    while ((x = *at) != NULL) {
        if (x->until_ms > now_ms || x->forget_ms > now_ms) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        p->penalty_count--;
        free(x);
    }
}

/* The penalty of a neighbour, made when there is none. NULL: too many, or out of memory. */
static struct se_penalty *penalty_of(struct se_process *p, const struct se_nbr_info *info,
                                     uint64_t now_ms)
{
    struct se_penalty *x = find(p, info->iface, &info->addr);

    if (x != NULL) {
        if (x->forget_ms <= now_ms)
            x->restart_count = 0;
        return x;
    }
    forget_old(p, now_ms);
    x = p->penalty_count < SE_PENALTIES_MAX ? calloc(1, sizeof(*x)) : NULL;
    if (x == NULL)
        return NULL;
    x->addr = info->addr;
    memcpy(x->iface, p->ifaces[info->iface]->name, sizeof(x->iface));
    x->next = p->penalties;
    p->penalties = x;
    p->penalty_count++;
    return x;
}

static void keep_out(struct se_process *p, unsigned nbr, const struct se_nbr_info *info)
{
    const struct se_limit_conf *limit = &p->family->limit;
    uint64_t now_ms = se_process_now(p).ms;
    struct se_penalty *x = penalty_of(p, info, now_ms);
    struct se_event event = {.kind = SE_EVENT_LIMIT, .addr = info->addr};
    char addr[SE_ADDR_TEXT_MAX];
    int is_for_good;

    if (x != NULL) {
        x->restart_count++;
        is_for_good = limit->restart_count > 0 && x->restart_count > limit->restart_count;
        x->until_ms = is_for_good ? UINT64_MAX : now_ms + (uint64_t)limit->restart_s * 1000;
        x->forget_ms = x->until_ms == UINT64_MAX ? UINT64_MAX
                                                 : x->until_ms + (uint64_t)limit->reset_s * 1000;
        se_process_log(p, XMB_LOG_ERROR,
                       "neighbour %s brings more than maximum-services %u: it is reset and kept "
                       "out %s", se_addr_text(&info->addr, addr, sizeof(addr)),
                       limit->services_max,
                       is_for_good ? "until it is cleared" : "for the restart time");
    }
    se_events_add(&p->events, &event);
    se_nbr_reset(p->nbrs, nbr, SE_NBR_LIMIT);
}

void se_limit_check(struct se_process *p, unsigned nbr)
{
    const struct se_limit_conf *limit = &p->family->limit;
    const struct se_dual_peer *peer = se_dual_peer(p->dual, nbr);
    struct se_forwarder *f = p->forwarder;
    struct se_nbr_info info;
    char addr[SE_ADDR_TEXT_MAX];

    if (limit->services_max == 0 || peer == NULL || !peer->is_up ||
        (uint64_t)peer->path_count * 100 <
            (uint64_t)limit->services_max * limit->threshold_percent ||
        se_nbr_info(p->nbrs, nbr, 1, &info) < 0)
        return;
    if (peer->path_count > limit->services_max && !limit->is_warning_only)
        keep_out(p, nbr, &info);
    else
        f->host->log->limited(f->module, XMB_LOG_WARN, "saf-limit", 1, p->object,
                              "neighbour %s brings %u services, maximum-services is %u",
                              se_addr_text(&info.addr, addr, sizeof(addr)), peer->path_count,
                              limit->services_max);
}

void se_limit_check_all(struct se_process *p)
{
    unsigned nbr = se_nbr_next(p->nbrs, SE_NBR_NONE);

    for (; nbr != SE_NBR_NONE; nbr = se_nbr_next(p->nbrs, nbr))
        se_limit_check(p, nbr);
}

int se_limit_may_peer(const struct se_process *p, unsigned iface, const struct xmb_addr *addr)
{
    const struct se_limit_conf *limit = &p->family->limit;
    const struct se_penalty *x = p->penalties != NULL ? find(p, iface, addr) : NULL;

    return x == NULL || x->until_ms <= se_process_now(p).ms || limit->services_max == 0 ||
           limit->is_warning_only;
}

void se_limit_clear(struct se_process *p, const struct xmb_addr *addr)
{
    struct se_penalty **at = &p->penalties;
    struct se_penalty *x;

    while ((x = *at) != NULL) {
        if (addr != NULL && !se_same_addr(&x->addr, addr)) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        p->penalty_count--;
        free(x);
    }
}

void se_limit_free(struct se_process *p)
{
    se_limit_clear(p, NULL);
}
