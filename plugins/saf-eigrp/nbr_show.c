/* SPDX-License-Identifier: MIT */
/*
 * nbr_show.c - names, and what tables, metrics and logs show of neighbours and interfaces.
 *
 * Packets that were not taken are always counted; a note about them goes out once in a while for
 * each reason and interface, since whoever sends them can send many.
 */
#include "nbr_priv.h"

static void note(struct se_nbrs *n, const struct se_nbr_note *what)
{
    if (n->ops->note != NULL)
        n->ops->note(n->arg, what);
}

void se_nbr__note(struct se_nbrs *n, enum se_nbr_note_kind kind, const struct nbr *b,
                  enum se_nbr_reason reason)
{
    struct se_nbr_note what = {
        .kind = kind,
        .reason = reason,
        .addr = b->rtp.addr,
        .iface = b->iface->link.number,
        .nbr = b->rtp.number,
    };

    note(n, &what);
}

/* 1 when the last note of this kind is old enough. */
static int may_warn(const struct se_nbrs *n, uint64_t *warned_ms)
{
    if (*warned_ms != 0 && n->now.ms - *warned_ms < n->conf.warn_ms)
        return 0;
    *warned_ms = n->now.ms;
    return 1;
}

void se_nbr__dropped(struct se_nbrs *n, struct nbr_iface *iface, enum se_reason drop,
                     const struct xmb_addr *addr, const struct se_kvalues *k)
{
    struct se_nbr_note what = {
        .kind = SE_NBR_NOTE_DROP,
        .drop = drop,
        .reason = SE_NBR_REASONS,
        .addr = *addr,
        .iface = iface->link.number,
        .nbr = SE_NBR_NONE,
    };

    se_count(&n->counters, drop);
    if (!may_warn(n, &iface->warned_ms[drop]))
        return;
    if (k != NULL)
        what.k = *k;
    note(n, &what);
}

void se_nbr__no_key(struct se_nbrs *n, struct nbr_iface *iface)
{
    struct se_nbr_note what = {
        .kind = SE_NBR_NOTE_NO_KEY,
        .reason = SE_NBR_REASONS,
        .iface = iface->link.number,
        .nbr = SE_NBR_NONE,
    };

    if (may_warn(n, &iface->no_key_warned_ms))
        note(n, &what);
}

/* --- asking ----------------------------------------------------------------------------------- */

int se_nbr_info(const struct se_nbrs *n, unsigned nbr, uint64_t now_ms, struct se_nbr_info *out)
{
    const struct nbr *b = nbr < SE_NBR_NEIGHBOURS_MAX ? n->slots[nbr] : NULL;

    if (b == NULL)
        return XMB_ENOENT;
    memset(out, 0, sizeof(*out));
    out->addr = b->rtp.addr;
    out->iface = b->iface->link.number;
    out->state = b->state;
    out->is_static = b->is_static;
    out->is_restarting = b->is_restarting;
    out->tries = b->rtp.out != NULL ? b->rtp.tries : 0;
    out->is_stub = b->is_stub;
    out->stub_flags = b->stub_flags;
    out->software = b->software;
    out->since_ms = b->since_ms;
    if (b->hold.place != 0 && b->hold.at_ms > now_ms)
        out->hold_left_ms = b->hold.at_ms - now_ms;
    out->hold_s = b->hold_s;
    out->srtt_ms = se_rtp_srtt_ms(&b->rtp);
    out->rto_ms = b->rtp.out != NULL ? b->rtp.rto_ms : se_rtp_rto_ms(&b->rtp);
    out->queue_count = b->rtp.queue.count + (b->rtp.out != NULL);
    out->last_sequence = b->rtp.last_in;
    out->retransmissions = b->rtp.retransmissions;
    out->services_sent = b->rtp.services_sent;
    out->restart_count = b->restart_count;
    out->resend_ms = b->rtp.timer.place != 0 ? b->rtp.timer.at_ms : 0;
    out->topology_count = b->topology_count;
    memcpy(out->topologies, b->topologies, sizeof(out->topologies));
    return 0;
}

/* Its neighbours together. */
static void sum_up(const struct nbr_iface *iface, struct se_nbr_iface_info *out)
{
    const struct nbr *b;
    uint64_t srtt_ms = 0;

    for (b = nbr_first(iface); b != NULL; b = nbr_after(b)) {
        out->queue_count += b->rtp.queue.count;
        out->unacknowledged_count += se_rtp_unacknowledged(&b->rtp);
        srtt_ms += b->state == SE_NBR_UP ? se_rtp_srtt_ms(&b->rtp) : 0;
    }
    out->srtt_mean_ms = iface->up_count > 0 ? (uint32_t)(srtt_ms / iface->up_count) : 0;
    out->next_item = se_rtp_next_item(&iface->link);
}

int se_nbr_iface_info(const struct se_nbrs *n, unsigned number, struct se_nbr_iface_info *out)
{
    const struct nbr_iface *iface = se_nbr__iface(n, number);

    if (iface == NULL)
        return XMB_ENOENT;
    memset(out, 0, sizeof(*out));
    out->conf = iface->conf;
    out->stats = iface->link.stats;
    out->pending_count = iface->pending_count;
    out->up_count = iface->up_count;
    out->flow_count = iface->link.flow.count;
    sum_up(iface, out);
    if (iface->timer.place != 0 && iface->goodbyes_left == 0)
        out->hello_ms = iface->timer.at_ms;
    out->flow_until_ms = se_rtp_flow_until_ms(&iface->link, n->now.ms);
    out->paced_until_ms = se_rtp_paced_until_ms(&iface->link, n->now.ms);
    out->flow_ms = se_rtp_flow_ms(&iface->link);
    out->pacing_us = se_rtp_pacing_us(&iface->link, iface->conf.packet_bytes);
    out->hellos_sent = iface->hellos_sent;
    out->is_leaving = iface->goodbyes_left > 0;
    return 0;
}

unsigned se_nbr_find(const struct se_nbrs *n, unsigned number, const struct xmb_addr *addr)
{
    const struct nbr_iface *iface = se_nbr__iface(n, number);
    const struct nbr *b = iface != NULL ? se_nbr__find(n, iface, addr) : NULL;

    return b != NULL ? b->rtp.number : SE_NBR_NONE;
}

unsigned se_nbr_next(const struct se_nbrs *n, unsigned nbr)
{
    unsigned number = nbr == SE_NBR_NONE ? 0 : nbr + 1;

    for (; number < SE_NBR_NEIGHBOURS_MAX; number++)
        if (n->slots[number] != NULL)
            return number;
    return SE_NBR_NONE;
}

int se_nbr_is_waiting(const struct se_nbrs *n, unsigned nbr, const struct se_rtp_message *m)
{
    const struct nbr *b = nbr < SE_NBR_NEIGHBOURS_MAX ? n->slots[nbr] : NULL;

    return b != NULL && se_rtp_is_waiting(n->rtp, &b->rtp, m);
}

const struct se_counters *se_nbr_counters(const struct se_nbrs *n)
{
    return &n->counters;
}

const struct se_rtp *se_nbr_transport(const struct se_nbrs *n)
{
    return n->rtp;
}

const char *se_nbr_reason_name(enum se_nbr_reason reason)
{
    static const char *const names[SE_NBR_REASONS] = {
        [SE_NBR_GOODBYE] = "goodbye received",
        [SE_NBR_TERMINATED] = "peer termination received",
        [SE_NBR_RESTARTED] = "peer restarted",
        [SE_NBR_HOLD] = "hold time expired",
        [SE_NBR_RETRY_LIMIT] = "retry limit exceeded",
        [SE_NBR_K_VALUES] = "K values differ",
        [SE_NBR_STUB_CHANGED] = "stub or TLV version changed",
        [SE_NBR_NO_INIT] = "no INIT from the peer",
        [SE_NBR_MADE_ROOM] = "made room for another",
        [SE_NBR_QUEUE_FULL] = "queue full",
        [SE_NBR_NO_MEMORY] = "out of memory",
        [SE_NBR_STUCK] = "stuck in active",
        [SE_NBR_CLEARED] = "cleared by the operator",
        [SE_NBR_CONFIG] = "configuration changed",
        [SE_NBR_IFACE_DOWN] = "interface down",
        [SE_NBR_LIMIT] = "service limit exceeded",
        [SE_NBR_LEAVING] = "leaving",
    };

    return (unsigned)reason < SE_NBR_REASONS ? names[reason] : "unknown";
}

const char *se_nbr_mode_name(enum se_nbr_mode mode)
{
    static const char *const names[SE_NBR_MODES] = {"lan", "static", "remote", "listen", "group"};

    return (unsigned)mode < SE_NBR_MODES ? names[mode] : "unknown";
}
