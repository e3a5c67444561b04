/* SPDX-License-Identifier: MIT */
/*
 * in_bidi.c - both directions on a stream that a peer opened (XEP-0288).
 *
 * The peer asks for it with <bidi/>, behind TLS and before anything is verified. From then on each
 * pair that it proves is offered in reverse (reverse.h): the connection becomes a link as well
 * (link_adopted.h), flows lease it like one of ours, and what we say ourselves goes through it. A
 * key of the peer is still verified elsewhere: asks never use such a link.
 */
#include "health.h"
#include "in_priv.h"

/* It has no answer. Too late, or not wanted here, it means nothing: the peer hears no stanza. */
int s2_in_bidi(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_element *e = in->element;

    if (!s->secure || !in_security(s)->bidi || s->bidi) {
        IN_LOG(s, XMB_LOG_DEBUG, NULL, "bidi was asked for and is not on offer; it is ignored");
        return IN_GO_ON;
    }
    s->bidi = 1;
    s->bidi_max_bytes = (e->features & S2_F_LIMITS) != 0 ? e->max_bytes : 0;
    IN_LOG(s, XMB_LOG_DEBUG, NULL, "the peer asks for both directions on its stream");
    return IN_GO_ON;
}

int s2_in_bidi_is_on_offer(const struct s2_incoming *s)
{
    return s->secure && in_security(s)->bidi && !s->bidi && !s->authenticated;
}

/* --- offers ---------------------------------------------------------------------------------- */

static struct s2_link *link_of(struct s2_incoming *s, const struct in_pair *p)
{
    if (s->link == NULL)
        s->link = s2_link_adopt_incoming(s->w, (enum s2_side)s->side, &p->to, &p->from, s->conn,
                                         s->bidi_max_bytes);
    return s->link;
}

void s2_in_bidi_offer(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;

    if (!s->bidi || s->state != IN_VERIFIED || p->reverse != NULL)
        return;
    if (link_of(s, p) == NULL || s2_link_adopted_ends(s->link) ||
        s2_reverse_open(s->w, (enum s2_side)s->side, &p->to, &p->from, s->link, &p->reverse) < 0) {
        IN_LOG(s, XMB_LOG_WARN, "bidi", "%s to %s does not use this stream: out of memory",
               p->to.text, p->from.text);
        return;
    }
    IN_LOG(s, XMB_LOG_INFO, NULL, "%s may be sent to %s on this stream too (bidi)", p->to.text,
           p->from.text);
    if (s->side == S2_INSIDE)
        s2_health_note(s->w->module->health, &p->from, NULL);
    s2_flow_offered(s->w, (enum s2_side)s->side, &p->to, &p->from);
}

void s2_in_bidi_offer_all(struct s2_incoming *s)
{
    struct in_pair *p;

    for (p = s->pairs; p != NULL; p = p->next) {
        if (p->state == IN_PAIR_VERIFIED)
            s2_in_bidi_offer(p);
    }
}

void s2_in_bidi_withdraw(struct in_pair *p)
{
    if (p->reverse != NULL)
        s2_reverse_close(p->stream->w, p->reverse);
    p->reverse = NULL;
}

/* --- the end --------------------------------------------------------------------------------- */

void s2_in_bidi_end(struct s2_incoming *s, enum s2_failure_kind kind, const char *why)
{
    struct in_pair *p;

    if (s->link == NULL || s2_link_adopted_ends(s->link))
        return;
    for (p = s->pairs; p != NULL; p = p->next)
        s2_in_bidi_withdraw(p);
    s2_link_adopted_end(s->link, kind, why);
    s2_path_flush(s->w);
}

void s2_in_bidi_closed(struct s2_incoming *s, const char *why)
{
    if (s->link == NULL)
        return;
    s2_link_closed(s->link, s->conn, why);
    s->link = NULL;
    s2_path_flush(s->w); /* what its leases gave back */
}

/* --- what we say ourselves ------------------------------------------------------------------- */

int s2_in_bidi_write(struct s2_incoming *s, struct xmb_str octets)
{
    int rc = s2_link_adopted_answer(s->link, octets);

    if (rc > 0)
        s2_in_pause(s);
    return rc < 0 ? rc : 0;
}

uint64_t s2_in_used_ms(const struct s2_incoming *s)
{
    uint64_t sent_ms = s->link != NULL ? s2_link_adopted_stanza_ms(s->link) : 0;

    return sent_ms > s->stanza_ms ? sent_ms : s->stanza_ms;
}
