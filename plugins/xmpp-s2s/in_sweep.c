/* SPDX-License-Identifier: MIT */
/*
 * in_sweep.c - every 2 s over all incoming streams of a worker: what is about silence (R62;
 * xmpp-s2s.md 2.9).
 *
 * One timer for all, so that none of this costs anything a stanza. What must be exact, the
 * negotiation limit and the wait for an end tag, has the connection's own deadline.
 */
#include "in_priv.h"

#include <stdio.h>

/* A stanza that is begun and never finished holds memory, and hides that the peer is dead. */
static int is_stuck(const struct s2_incoming *s, uint64_t now)
{
    return s->half_ms != 0 && now - s->half_ms >= s->w->conf->negotiation_ms;
}

static int is_idle(const struct s2_incoming *s, uint64_t now)
{
    return s->state == IN_VERIFIED && now - s2_in_used_ms(s) >= s->w->conf->idle_ms;
}

static void end_idle(struct s2_incoming *s)
{
    char why[64];

    snprintf(why, sizeof(why), "no stanza for %u s", s->w->conf->idle_ms / 1000);
    s2_in_end(s, why);
}

/* The parser of a stream that says nothing is given back. */
static void rest(struct s2_incoming *s, uint64_t now)
{
    if (s->resting || s->reader == NULL || now - s->heard_ms < IN_REST_MS ||
        !s2_reader_at_rest(s->reader))
        return;
    s2_reader_rest(s->reader);
    s->resting = 1;
}

/* White space, so that a peer that is gone is found by what TCP does not acknowledge (W17). */
static void keep_alive(struct s2_incoming *s, uint64_t now)
{
    uint32_t every_ms = s->w->conf->keepalive_ms;

    if (s->state != IN_VERIFIED || every_ms == 0 || now - s->said_ms < every_ms ||
        s->link != NULL) /* the link does it */
        return;
    if (s2_host->conn->write(s->conn, XMB_STR(" ")) == 0)
        s->said_ms = now;
}

static void sweep_one(struct s2_incoming *s, uint64_t now)
{
    if (s->state == IN_CLOSED || s->state == IN_SECURING || s->paused)
        return; /* while we do not read, its silence says nothing */
    if (is_stuck(s, now))
        s2_in_fail(s, S2_E_CONNECTION_TIMEOUT, "an element was begun and not finished");
    else if (is_idle(s, now))
        end_idle(s);
    else
        keep_alive(s, now);
    if (s->state != IN_CLOSED)
        rest(s, now);
}

/*
 * What a living peer may have sent is still taken: it was another of its hosts that is dead. One
 * that is bidirectional ends with the flow that asked.
 */
void s2_in_dead(struct s2_worker *w, enum s2_side side, const struct s2_domain *remote,
                uint64_t since_ms)
{
    struct s2_incoming *s;

    for (s = w->incomings->first; s != NULL; s = s->next) {
        if (s->side != (uint8_t)side || s->state != IN_VERIFIED || s->paused || s->link != NULL ||
            s->heard_ms >= since_ms)
            continue;
        if (s2_in_verified(s, remote))
            s2_in_end(s, "its server answers no ping and is taken for dead");
    }
}

void s2_in_sweep(struct xmb_worker *worker, void *arg)
{
    struct s2_worker *w = arg;
    struct s2_incoming *s;
    uint64_t now = s2_now_ms(w);

    (void)worker;
    if (w->conf != NULL) {
        for (s = w->incomings->first; s != NULL; s = s->next)
            sweep_one(s, now);
    }
    s2_host->timer->start(w->incomings->sweep, IN_SWEEP_MS);
}
