/* SPDX-License-Identifier: MIT */
/*
 * nbr_data.c - sequenced packets that come in: INIT first, then what both ends may say once they
 * are up. (RFC 7868, 5.3.3 to 5.3.5; reference 2.3.)
 *
 * An INIT says where the sequence of its sender begins, so it is judged with care: one that repeats
 * the last number is a copy; one with an older number is a late copy, or a restart that began its
 * numbers again. Time tells: INITs are sent again for 80 seconds, and late copies come soon.
 *
 * In an INIT the acknowledgement is looked at last: it may complete what the INIT itself is half
 * of.
 */
#include "nbr_priv.h"

#define INIT_GAP_MS 200u    /* between two copies that evidence calls for */
#define INSIST_GAP_MS 1000u /* between two INITs of our own that do */

void se_nbr__maybe_formed(struct se_nbrs *n, struct nbr *b)
{
    if (b->has_init && b->is_init_acked)
        se_nbr__event(n, b, SE_NBR_FORMED, NULL);
}

static void acknowledgement(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet,
                            const struct se_nbr_rx *rx)
{
    if (packet->header.acknowledge != 0 && !rx->is_multicast)
        se_rtp_acked(n->rtp, &b->rtp, packet->header.acknowledge);
}

/* --- before ----------------------------------------------------------------------------------- */

/*
 * Not up here, but it sends as if we were. It lacks our INIT, or we lack the ack of it, or it did
 * not notice that we began again.
 */
static enum se_reason too_early(struct se_nbrs *n, struct nbr *b)
{
    uint64_t since_ms = n->now.ms - b->init_out_ms;

    if (b->state != SE_NBR_PENDING)
        return SE_DROP_STATE;
    if (!b->is_init_acked && since_ms >= INIT_GAP_MS) {
        if (se_rtp_peer_init_again(n->rtp, &b->rtp))
            b->init_out_ms = n->now.ms;
    } else if (b->is_init_acked && since_ms >= INSIST_GAP_MS) {
        se_nbr__event(n, b, SE_NBR_RESTART, NULL);
    }
    return SE_DROP_STATE;
}

/* A neighbour that is up may restart a few times in a row, and not for ever. */
static int may_restart(struct se_nbrs *n, struct nbr *b)
{
    if (n->now.ms - b->restart_ms >= DAMP_MS) {
        b->restart_ms = n->now.ms;
        b->restart_burst = 0;
    }
    return b->restart_burst++ < RESTARTS_MAX;
}

/* Until our own INIT is acknowledged the ack goes along with it: who has the one has the other. */
static void acknowledge_init(struct se_nbrs *n, struct nbr *b)
{
    if (b->state == SE_NBR_PENDING && b->rtp.ack_due != 0 && !b->is_init_acked &&
        se_rtp_peer_init_again(n->rtp, &b->rtp))
        b->init_out_ms = n->now.ms;
}

/* A table that comes with INIT and RS is for someone who is up. */
static int is_resync(const struct nbr *b, const struct se_packet *packet)
{
    size_t empty_bytes = SE_HEADER_BYTES + se_auth_bytes(b->iface->conf.auth->mode);

    return (packet->header.flags & SE_FLAG_RS) != 0 &&
           (b->has_init || packet->bytes > empty_bytes);
}

static enum se_reason init_in(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet,
                              const struct se_nbr_rx *rx)
{
    const struct se_header *header = &packet->header;
    enum se_rtp_verdict verdict = se_rtp_judge(&b->rtp, header);
    enum se_reason reason = SE_REASON_NONE;

    if (rx->is_multicast || verdict == SE_RTP_NOT_CR)
        return SE_DROP_STATE;
    if (verdict != SE_RTP_DUPLICATE && is_resync(b, packet))
        return too_early(n, b);
    if (verdict == SE_RTP_DUPLICATE) {
        b->init_in_ms = n->now.ms;
        se_rtp_ack_again(&b->rtp);
        reason = SE_DROP_DUPLICATE;
    } else if (verdict == SE_RTP_OLD && n->now.ms - b->init_in_ms < SETTLE_MS) {
        return SE_DROP_OUT_OF_ORDER;
    } else if (b->state == SE_NBR_UP) {
        if (!may_restart(n, b))
            return SE_DROP_LIMIT;
        se_nbr__event(n, b, SE_NBR_RESTART, header);
        return SE_REASON_NONE;
    } else {
        se_nbr__event(n, b, SE_NBR_INIT, header);
    }
    acknowledgement(n, b, packet, rx);
    se_nbr__maybe_formed(n, b);
    acknowledge_init(n, b);
    return reason;
}

/* --- once up ---------------------------------------------------------------------------------- */

static void table_complete(struct se_nbrs *n, struct nbr *b, enum se_nbr_complete why)
{
    b->is_restarting = 0;
    se_timer_disarm(&n->timers, &b->watch);
    n->ops->complete(n->arg, b->rtp.number, why);
}

static void take(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet)
{
    const struct se_header *header = &packet->header;

    se_rtp_accept(n->rtp, &b->rtp, header);
    if ((header->flags & SE_FLAG_RS) && !b->is_restarting)
        se_nbr__event(n, b, SE_NBR_RESYNC, header);
    if (b->watch.place != 0 && !b->is_restarting)
        se_timer_arm(&n->timers, &b->watch, n->now.ms + 2000 * (uint64_t)b->hold_s);
    n->ops->deliver(n->arg, b->rtp.number, packet);
    if ((header->flags & SE_FLAG_EOT) && !b->is_doomed)
        table_complete(n, b, SE_NBR_COMPLETE_EOT);
}

static enum se_reason sequenced(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet)
{
    struct se_rtp_stats *stats = &b->iface->link.stats;

    switch (se_rtp_judge(&b->rtp, &packet->header)) {
    case SE_RTP_NEW:
        take(n, b, packet);
        return SE_REASON_NONE;
    case SE_RTP_DUPLICATE:
        se_rtp_ack_again(&b->rtp);
        stats->duplicates++;
        return SE_DROP_DUPLICATE;
    case SE_RTP_NOT_CR:
        stats->not_cr++;
        return SE_DROP_NOT_CR;
    default:
        stats->out_of_sequence++;
        return SE_DROP_OUT_OF_ORDER;
    }
}

enum se_reason se_nbr__data_in(struct se_nbrs *n, struct nbr *b, const struct se_packet *packet,
                               const struct se_nbr_rx *rx)
{
    const struct se_header *header = &packet->header;
    int is_init = header->opcode == SE_UPDATE && (header->flags & SE_FLAG_INIT);

    if (b->is_doomed)
        return SE_DROP_STATE;
    b->iface->link.stats.received[header->opcode]++;
    n->owed = b;
    se_nbr__heard(n, b);
    if (header->sequence != 0 && is_init &&
        !(b->state == SE_NBR_UP && (header->flags & SE_FLAG_RS)))
        return init_in(n, b, packet, rx);
    acknowledgement(n, b, packet, rx);
    if (header->sequence == 0)
        return SE_DROP_OUT_OF_ORDER;
    if (b->state != SE_NBR_UP)
        return too_early(n, b);
    return sequenced(n, b, packet);
}
