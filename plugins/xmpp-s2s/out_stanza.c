/* SPDX-License-Identifier: MIT */
/*
 * out_stanza.c - stanzas that come on a link of ours, where both sides agreed that it is
 * bidirectional (XEP-0288): the same that in_stanza.c does with those of incoming streams.
 *
 * `from` must be the link's remote domain, `to` that of a pair which was verified on the link. The
 * pair of the stanza before is tried first, by its octets.
 */
#include "link_priv.h"

/* --- the pair -------------------------------------------------------------------------------- */

static int same(const char *raw, uint16_t n, struct xmb_str s)
{
    return n == s.n && n > 0 && memcmp(raw, s.p, n) == 0;
}

static uint16_t keep(char *raw, struct xmb_str s)
{
    if (s.n > LINK_RAW_MAX)
        return 0;
    memcpy(raw, s.p, s.n);
    return (uint16_t)s.n;
}

/* A name of the other side of the border is more than a mistake (G1). */
static void note_spoof(struct s2_link *l, const struct s2_domain *from)
{
    enum s2_admission a = s2_admit_sides(l->w->conf, l->side, from, NULL);

    if (a != S2_ADMIT_LOCAL_FROM && a != S2_ADMIT_FOREIGN_FROM)
        return;
    S2_COUNT(l->w, S2_M_SPOOFED, 1);
    LINK_LOG(l, XMB_LOG_WARN, "a stanza from %s came on our stream of the side %s: %s", from->text,
             s2_side_name(l->side), s2_admission_text(a));
}

static struct s2_out_pair *pair_of(struct s2_link *l, struct xmb_str raw_from,
                                   struct xmb_str raw_to)
{
    struct s2_domain from, to;

    if (s2_domain_read(raw_from, &from) < 0)
        return NULL;
    if (!s2_domain_eq(&from, &l->remote)) {
        note_spoof(l, &from);
        return NULL;
    }
    return s2_domain_read(raw_to, &to) == 0 ? s2_out_pair_find(l, &to) : NULL;
}

static struct s2_out_pair *find(struct s2_link *l, const struct s2_stanza *st)
{
    struct xmb_str from = s2_jid_domain(st->from), to = s2_jid_domain(st->to);
    struct s2_out_pair *p;

    if (st->from.n == 0 || st->to.n == 0)
        return NULL;
    if (l->last != NULL && same(l->raw_from, l->raw_from_n, from) &&
        same(l->raw_to, l->raw_to_n, to))
        return l->last;
    p = pair_of(l, from, to);
    if (p == NULL)
        return NULL;
    l->raw_from_n = keep(l->raw_from, from);
    l->raw_to_n = keep(l->raw_to, to);
    l->last = p;
    return p;
}

/* --- what becomes of it ---------------------------------------------------------------------- */

static void bounce(struct s2_out_pair *p, const struct s2_stanza *st, enum s2_condition c,
                   const char *text)
{
    struct s2_link *l = p->link;

    l->put = 1; /* the answer may go to another worker too */
    s2_bounce(l->w, l->side, st, c, &p->local, text);
}

static int is_barrier_answer(struct s2_out_pair *p, const struct s2_stanza *st,
                             const struct s2_jid *to)
{
    if (st->kind != S2_IQ || (st->type != S2_TYPE_RESULT && st->type != S2_TYPE_ERROR))
        return 0;
    if (to->local.p != NULL || to->resource.p != NULL)
        return 0;
    return s2_barrier_answer(p->link->w, &p->link->remote, &p->local, st);
}

static void put(struct s2_out_pair *p, const struct s2_stanza *st)
{
    struct s2_link *l = p->link;
    int rc = s2_path_put(&p->path, st);

    l->put = 1;
    if (rc < 0)
        bounce(p, st, S2_C_RESOURCE_CONSTRAINT, "no room for more stanzas to this domain");
    else if (rc > 0)
        s2_out_push(l);
}

static void refuse(struct s2_out_pair *p, const struct s2_stanza *st)
{
    bounce(p, st, p->link->side == S2_OUTSIDE ? S2_C_FORBIDDEN : S2_C_NOT_ALLOWED,
           "policy does not permit this domain");
}

static void take(struct s2_out_pair *p, const struct s2_stanza *st)
{
    struct s2_link *l = p->link;
    struct s2_jid from, to;

    if (s2_jid_split(st->from, &from) < 0) { /* nobody to send it back to */
        S2_COUNT(l->w, S2_M_DROPPED, 1);
        LINK_LOG(l, XMB_LOG_NOTICE, "a stanza with a malformed 'from' is dropped");
    } else if (s2_jid_split(st->to, &to) < 0) {
        bounce(p, st, S2_C_JID_MALFORMED, NULL);
    } else if (is_barrier_answer(p, st, &to)) {
        return;
    } else if (!p->path.is_open) {
        refuse(p, st);
    } else {
        put(p, st);
    }
}

static void take_and_count(struct s2_out_pair *p, const struct s2_stanza *st)
{
    struct s2_link *l = p->link;
    uint64_t now = s2_now_ms(l->w);

    if (now - l->alive_ms >= LINK_ALIVE_MS) {
        l->alive_ms = now;
        s2_flow_alive(l->w, &l->remote);
    }
    l->stanzas_in++;
    l->h++;
    S2_COUNT(l->w, S2_M_STANZAS_IN, 1);
    S2_COUNT(l->w, S2_M_BYTES_IN, st->raw.n);
    take(p, st);
}

void s2_out_stanza(struct s2_link *l, const void *what)
{
    const struct s2_stanza *st = what;
    struct s2_out_pair *p = l->bidi ? find(l, st) : NULL;

    if (p != NULL)
        take_and_count(p, st);
    else if (!l->bidi || st->type == S2_TYPE_ERROR)
        s2_end_stanza(l, what);
    else if (st->from.n == 0 || st->to.n == 0)
        s2_link_goodbye(l, S2_FAIL_LOST, S2_E_IMPROPER_ADDRESSING,
                        "the peer sent a stanza without from or to");
    else
        s2_link_goodbye(l, S2_FAIL_LOST, S2_E_INVALID_FROM,
                        "the peer sent a stanza of a pair that is not verified on this stream");
}

/* It may have been sent before our end was seen. What is of no pair is nothing. */
void s2_out_stanza_ending(struct s2_link *l, const void *what)
{
    struct s2_out_pair *p = find(l, what);

    if (p != NULL)
        take_and_count(p, what);
}
