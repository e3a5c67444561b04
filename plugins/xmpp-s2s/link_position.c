/* SPDX-License-Identifier: MIT */
/*
 * link_position.c - how far the peer's kernel has acknowledged what was sent, in octets of the
 * plain stream.
 *
 * The kernel counts octets on the wire, TLS framing included. So now and then a pair is noted:
 * all plain octets up to here have gone to the kernel by that wire position. When the kernel
 * says that the wire position is acknowledged, so is the plain one. What is said is never too
 * much; it is at most too little, by what was sent between two notes.
 */
#include "link_priv.h"

void s2_position_reset(struct s2_position *p)
{
    *p = (struct s2_position){.written = 0};
}

static struct s2_marker *marker_at(struct s2_position *p, uint32_t i)
{
    return &p->marker[(p->first + i) % LINK_MARKERS];
}

/* A full list loses its newest: the oldest is acknowledged next. */
static void note(struct s2_position *p, uint64_t plain, uint64_t wire)
{
    struct s2_marker *last = p->count > 0 ? marker_at(p, p->count - 1) : NULL;

    if (last != NULL && last->plain == plain)
        return;
    if (p->count < LINK_MARKERS)
        last = marker_at(p, p->count++);
    *last = (struct s2_marker){plain, wire};
}

static void acknowledge(struct s2_position *p, uint64_t plain)
{
    if (plain > p->base && plain - p->base > p->acked)
        p->acked = plain - p->base;
}

static void wire_acknowledged(struct s2_position *p, uint64_t wire)
{
    while (p->count > 0 && marker_at(p, 0)->wire <= wire) {
        acknowledge(p, marker_at(p, 0)->plain);
        p->first = (p->first + 1) % LINK_MARKERS;
        p->count--;
    }
}

void s2_position_sample(struct s2_link *l, int ask)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct s2_position *p = &l->position;
    size_t unacked;

    s2_host->conn->info(l->conn, &info);
    if (info.queued_bytes > p->written)
        return;
    if (info.wire_sent_bytes > 0)
        note(p, p->written - info.queued_bytes, info.wire_sent_bytes);
    if (!ask)
        return;
    unacked = s2_host->conn->unacked(l->conn);
    if (unacked == 0)
        acknowledge(p, p->written - info.queued_bytes);
    else if (info.wire_sent_bytes >= unacked)
        wire_acknowledged(p, info.wire_sent_bytes - unacked);
}

/*
 * What left from `at` on is on the wire at least as long as it is in plain. So when less than that
 * is unacknowledged, some of it has arrived. TLS may have put an alert behind it, of 24 octets or
 * so: the last octet would ask for too much.
 */
int s2_position_arrived(const struct s2_link *l, uint64_t at)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    uint64_t end = l->position.written - l->position.base;

    s2_host->conn->info(l->conn, &info);
    return at + info.queued_bytes < end &&
           s2_host->conn->unacked(l->conn) < end - info.queued_bytes - at;
}

/*
 * What is queued in `closed` never left. No new pair is noted here, and an empty kernel queue
 * proves nothing beyond the last one: it may have been emptied by a reset.
 */
void s2_position_final(struct s2_link *l, struct xmb_conn *conn, uint64_t *left, uint64_t *acked)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct s2_position *p = &l->position;
    size_t unacked = s2_host->conn->unacked(conn);

    s2_host->conn->info(conn, &info);
    if (info.wire_sent_bytes >= unacked)
        wire_acknowledged(p, info.wire_sent_bytes - unacked);
    *left = p->written - p->base;
    *left -= info.queued_bytes < *left ? info.queued_bytes : *left;
    *acked = p->acked < *left ? p->acked : *left;
}
