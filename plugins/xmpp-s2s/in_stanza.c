/* SPDX-License-Identifier: MIT */
/*
 * in_stanza.c - stanzas of an incoming stream: whose are they, and on into their flow
 * (RFC 6120, 8.1 and 10; xmpp-s2s.md 2.4, rules G1 and G12).
 *
 * Both domains of a stanza must be those of one verified pair. The pair of the stanza before is
 * tried first, with a comparison of octets, so a busy stream normalises no name. A stanza that
 * is taken is counted for XEP-0198: from then on it is delivered or comes back to its sender.
 */
#include "in_priv.h"

/* --- the pair --------------------------------------------------------------------------------- */

static int same(const char *raw, uint16_t n, struct xmb_str s)
{
    return n == s.n && n > 0 && memcmp(raw, s.p, n) == 0;
}

static uint16_t keep(char *raw, struct xmb_str s)
{
    if (s.n > IN_RAW_MAX)
        return 0;
    memcpy(raw, s.p, s.n);
    return (uint16_t)s.n;
}

static void remember(struct s2_incoming *s, struct in_pair *p, struct xmb_str from,
                     struct xmb_str to)
{
    s->raw_from_n = keep(s->raw_from, from);
    s->raw_to_n = keep(s->raw_to, to);
    s->last = p;
}

/* A name of the other side of the border is more than a mistake (G1). */
static void note_spoof(struct s2_incoming *s, const struct s2_domain *from)
{
    enum s2_admission a = s2_admit_sides(s->w->conf, (enum s2_side)s->side, from, NULL);

    if (a != S2_ADMIT_LOCAL_FROM && a != S2_ADMIT_FOREIGN_FROM)
        return;
    S2_COUNT(s->w, S2_M_SPOOFED, 1);
    IN_LOG(s, XMB_LOG_WARN, "spoofed", "a stanza from %s on a stream of the side %s: %s",
           from->text, s2_side_name((enum s2_side)s->side), s2_admission_text(a));
}

static int is_served(const struct s2_incoming *s, const struct s2_domain *to)
{
    int is_local = s2_conf_local(s->w->conf, to) != NULL;

    return s->side == S2_OUTSIDE ? is_local : !is_local;
}

/* The pair of these two; NULL: there is none, and `*e` and `*text` say what that is. */
static struct in_pair *pair_of(struct s2_incoming *s, struct xmb_str raw_from,
                               struct xmb_str raw_to, enum s2_stream_error *e, const char **text)
{
    struct s2_domain from, to;
    struct in_pair *p = NULL;

    *e = S2_E_INVALID_FROM;
    *text = "a stanza of a domain that is not verified on this stream";
    if (s2_domain_read(raw_from, &from) < 0)
        return NULL;
    if (s2_domain_read(raw_to, &to) == 0) {
        p = s2_in_pair_find(s, &from, &to);
        if (p != NULL && p->state >= IN_PAIR_VERIFIED)
            return p;
    } else {
        to.n = 0;
    }
    if (p == NULL && s2_in_verified(s, &from)) {
        *e = to.n > 0 && is_served(s, &to) ? S2_E_INVALID_FROM : S2_E_HOST_UNKNOWN;
        *text = *e == S2_E_HOST_UNKNOWN ? "a stanza to a domain that is not served here"
                                        : "a stanza of a pair that is not verified on this stream";
    }
    note_spoof(s, &from);
    return NULL;
}

static struct in_pair *find(struct s2_incoming *s, const struct s2_stanza *st,
                            enum s2_stream_error *e, const char **text)
{
    struct xmb_str from = s2_jid_domain(st->from), to = s2_jid_domain(st->to);
    struct in_pair *p;

    if (s->last != NULL && same(s->raw_from, s->raw_from_n, from) &&
        same(s->raw_to, s->raw_to_n, to))
        return s->last;
    p = pair_of(s, from, to, e, text);
    if (p != NULL)
        remember(s, p, from, to);
    return p;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

static void bounce(struct in_pair *p, const struct s2_stanza *st, enum s2_condition c,
                   const char *text)
{
    struct s2_incoming *s = p->stream;

    s->put = 1; /* the answer may go to another worker too */
    s2_bounce(s->w, (enum s2_side)s->side, st, c, &p->to, text);
}

static int is_barrier_answer(struct in_pair *p, const struct s2_stanza *st,
                             const struct s2_jid *to)
{
    if (st->kind != S2_IQ || (st->type != S2_TYPE_RESULT && st->type != S2_TYPE_ERROR))
        return 0;
    if (to->local.p != NULL || to->resource.p != NULL)
        return 0;
    return s2_barrier_answer(p->stream->w, &p->from, &p->to, st);
}

static void put(struct in_pair *p, const struct s2_stanza *st)
{
    struct s2_incoming *s = p->stream;
    int rc = s2_path_put(&p->path, st);

    s->put = 1;
    if (rc < 0)
        bounce(p, st, S2_C_RESOURCE_CONSTRAINT, "no room for more stanzas to this domain");
    else if (rc > 0)
        s2_in_push(s);
}

static void take(struct in_pair *p, const struct s2_stanza *st)
{
    struct s2_incoming *s = p->stream;
    struct s2_jid from, to;

    if (s2_jid_split(st->from, &from) < 0) { /* nobody to send it back to */
        S2_COUNT(s->w, S2_M_DROPPED, 1);
        IN_LOG(s, XMB_LOG_NOTICE, "jid-malformed",
               "a stanza of %s with a malformed 'from' is dropped", p->from.text);
    } else if (s2_jid_split(st->to, &to) < 0) {
        bounce(p, st, S2_C_JID_MALFORMED, NULL);
    } else if (is_barrier_answer(p, st, &to)) {
        return;
    } else if (p->state == IN_PAIR_REVOKED || p->denied) {
        bounce(p, st, S2_C_NOT_ALLOWED, "policy does not permit this domain");
    } else {
        put(p, st);
    }
}

static void take_and_count(struct s2_incoming *s, struct in_pair *p, const struct s2_stanza *st)
{
    uint64_t now = s2_now_ms(s->w);

    if (now - s->stanza_ms >= IN_ALIVE_MS)
        s2_flow_alive(s->w, &p->from);
    if (!s2_barrier_is_idle(st))
        s->stanza_ms = now;
    s->stanzas_in++;
    s->h++;
    S2_COUNT(s->w, S2_M_STANZAS_IN, 1);
    S2_COUNT(s->w, S2_M_BYTES_IN, st->raw.n);
    take(p, st);
}

int s2_in_stanza(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_stanza *st = in->stanza;
    enum s2_stream_error e;
    const char *text;
    struct in_pair *p;

    if (st->from.n == 0 || st->to.n == 0)
        return s2_in_fail(s, S2_E_IMPROPER_ADDRESSING, "a stanza without from or to");
    p = find(s, st, &e, &text);
    if (p == NULL)
        return s2_in_fail(s, e, text);
    take_and_count(s, p, st);
    return s->state == IN_CLOSED ? IN_STOP : IN_GO_ON;
}

int s2_in_stanza_early(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_domain from;

    if (in->stanza->from.n > 0 && s2_domain_read(s2_jid_domain(in->stanza->from), &from) == 0)
        note_spoof(s, &from);
    return s2_in_fail(s, S2_E_NOT_AUTHORIZED, "a stanza before any domain was verified");
}

/*
 * It may have been sent before our end tag was seen. What is not of a verified pair is nothing.
 * With XEP-0198 the last acknowledgement is out: the peer returns what comes now, so it is not
 * taken; an answer to a barrier says what it says all the same.
 */
int s2_in_stanza_ending(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_stanza *st = in->stanza;
    enum s2_stream_error e;
    const char *text;
    struct in_pair *p;
    struct s2_jid to;

    p = st->from.n > 0 && st->to.n > 0 ? find(s, st, &e, &text) : NULL;
    if (p != NULL && !s->sm)
        take_and_count(s, p, st);
    else if (p != NULL && s2_jid_split(st->to, &to) == 0)
        (void)is_barrier_answer(p, st, &to);
    return IN_GO_ON;
}

/* --- XEP-0198: acknowledgements alone, no resumption ------------------------------------------ */

/* After EXTERNAL it was on offer; after dialback some enable it unasked. */
int s2_in_sm_enable(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_text t;

    if (s->sm)
        return s2_in_sm_refused(s, in);
    s->sm = 1;
    s->h = 0;
    s2_text_begin(&t);
    s2_write_sm_enabled(&t);
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}

int s2_in_sm_refused(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_text t;

    (void)in;
    s2_text_begin(&t);
    s2_text_add(&t, "<failed xmlns='urn:xmpp:sm:3'>"
                    "<unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}

int s2_in_sm_answer(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_text t;

    (void)in;
    if (!s->sm)
        return IN_GO_ON;
    s2_text_begin(&t);
    s2_write_sm_a(&t, s->h);
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}
