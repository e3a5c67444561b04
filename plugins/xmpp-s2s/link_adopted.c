/* SPDX-License-Identifier: MIT */
/*
 * link_adopted.c - see link_adopted.h.
 *
 * Such a link has no negotiation, no targets and no reader, and is not idle while it stands.
 */
#include "link_adopted.h"
#include "link_priv.h"

#include <stdio.h>

static void name_peer(struct s2_link *l)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    s2_host->conn->info(l->conn, &info);
    s2_host->conn->addr_text(&info.remote, l->peer, sizeof(l->peer));
    snprintf(l->object, sizeof(l->object), "%s %s", l->remote.text, l->peer);
    l->position.written = l->position.base = info.queued_bytes; /* what leaves before our first */
}

static struct s2_link *adopt(struct s2_worker *w, enum link_kind kind, enum s2_side side,
                             const struct s2_domain *local, const struct s2_domain *remote,
                             struct xmb_conn *conn)
{
    struct s2_link *l = s2_link_new(w, side, local, remote);

    if (l == NULL)
        return NULL;
    l->kind = (uint8_t)kind;
    l->started = 1;
    l->was_verified = 1;
    l->state = LINK_VERIFIED;
    l->conn = conn;
    l->conns = 1;
    l->written_ms = l->proved_ms = s2_now_ms(w);
    s2_position_reset(&l->position);
    name_peer(l);
    return l;
}

struct s2_link *s2_link_adopt(struct s2_worker *w, const struct s2_domain *name,
                              struct xmb_conn *conn)
{
    struct s2_link *l = adopt(w, LINK_COMPONENT, S2_INSIDE, name, name, conn);

    if (l != NULL)
        S2_COUNT(w, S2_M_STREAMS_OUT, 1);
    return l;
}

struct s2_link *s2_link_adopt_incoming(struct s2_worker *w, enum s2_side side,
                                       const struct s2_domain *local,
                                       const struct s2_domain *remote, struct xmb_conn *conn,
                                       uint32_t max_bytes)
{
    struct s2_link *l = adopt(w, LINK_INCOMING, side, local, remote, conn);

    if (l != NULL)
        l->max_bytes = max_bytes;
    return l;
}

/* Nobody is asked: the first that waits may send. The kick comes back for the next. */
void s2_link_adopted_ready(struct s2_link *l)
{
    struct s2_lease *e = l->leases;

    while (e != NULL && e->state != LEASE_WAITING)
        e = e->next;
    if (e == NULL)
        return;
    e->state = LEASE_READY;
    e->guest = 0;
    e->events->ready(e->arg, e);
    s2_link_kick(l);
}

int s2_link_adopted_write(struct s2_link *l, struct xmb_str octets)
{
    return l->conn != NULL ? s2_link_write(l, octets) : XMB_ECLOSED;
}

int s2_link_adopted_answer(struct s2_link *l, struct xmb_str octets)
{
    return l->conn != NULL ? s2_link_answer(l, octets) : XMB_ECLOSED;
}

int s2_link_adopted_owes(const struct s2_link *l)
{
    return s2_link_owes(l);
}

void s2_link_adopted_held(struct s2_link *l, int is_held)
{
    l->is_held = is_held != 0;
    l->held_ms = s2_now_ms(l->w);
}

void s2_link_adopted_goodbye(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                             const char *why)
{
    s2_link_enter(l);
    s2_link_goodbye(l, kind, e, why);
    s2_link_leave(l);
}

void s2_link_adopted_end(struct s2_link *l, enum s2_failure_kind kind, const char *why)
{
    s2_link_enter(l);
    s2_link_silence(l, kind, why);
    s2_link_leave(l);
}

uint64_t s2_link_adopted_stanzas(const struct s2_link *l)
{
    return l->stanzas_out;
}

uint64_t s2_link_adopted_stanza_ms(const struct s2_link *l)
{
    return l->stanza_ms;
}

int s2_link_adopted_ends(const struct s2_link *l)
{
    return l->state >= LINK_CLOSING;
}
