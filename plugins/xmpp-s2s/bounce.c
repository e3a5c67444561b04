/* SPDX-License-Identifier: MIT */
/*
 * bounce.c - stanzas that go back to their sender as errors (RFC 6120, 8.3; xmpp-s2s.md 2.8), and
 * those that cannot.
 *
 * An error travels like any stanza, through the flow that leads back, except that its place in the
 * queue is reserved and that it is never answered itself. What may not be answered (errors,
 * results, presence that nobody asked for), or cannot be (no way back), is dropped: counted, and
 * said in the log.
 */
#include "flow_priv.h"

static const char *kind_name(unsigned kind)
{
    return kind == S2_MESSAGE ? "message" : kind == S2_PRESENCE ? "presence" : "iq";
}

static void count_lost(struct s2_worker *w, const struct s2_domain *from,
                       const struct s2_domain *to, unsigned kind, const char *why)
{
    S2_COUNT(w, S2_M_DROPPED, 1);
    S2_LOG(w->module->module, XMB_LOG_INFO, "dropped", to->text,
           "a stanza (%s) from %s could be neither delivered nor answered and was dropped: %s",
           kind_name(kind), from->text, why);
}

void s2_lose(struct s2_worker *w, const struct s2_route *r, struct s2_item *it, const char *why)
{
    count_lost(w, r->from, r->to, it->kind, why);
    s2_settled(w, it);
    s2_host->buf->slab_release(it->slab);
    it->slab = NULL;
}

/* --- the error's way ------------------------------------------------------------------------- */

static int put_here(struct s2_worker *w, const struct s2_route *r, struct s2_item *it)
{
    struct s2_flow *f;
    int rc = s2_flow_get(w, r, &f);

    if (rc != 0)
        return rc;
    if (s2_flow_refuses(f, it->n, it->flags) != S2_C_NONE)
        return XMB_ELIMIT;
    return s2_flow_take(f, it);
}

/* `r`: the way back. */
static int put_error(struct s2_worker *w, const struct s2_route *r, const struct s2_text *text,
                     unsigned kind, unsigned flags)
{
    uint32_t owner = s2_route_owner(w, r);
    struct s2_item it;
    char *p;
    int rc;

    memset(&it, 0, sizeof(it));
    it.slab = s2_host->buf->slab_new(text->n);
    if (it.slab == NULL)
        return XMB_ENOMEM;
    p = (char *)s2_host->buf->slab_data(it.slab);
    memcpy(p, text->p, text->n);
    it.p = p;
    it.n = (uint32_t)text->n;
    it.kind = (uint8_t)kind;
    it.type = S2_TYPE_ERROR;
    it.flags = (uint8_t)(S2_ITEM_OWN | flags);
    rc = owner == w->index ? put_here(w, r, &it) : s2_batch_own(w, owner, r, &it);
    if (rc != 0)
        s2_host->buf->slab_release(it.slab);
    return rc;
}

/* `r`: the stanza's own way. `by`: canonical, or NULL. `flags`: S2_ITEM_OWED, or 0. */
static void answer(struct s2_worker *w, const struct s2_route *r, const struct s2_stanza *s,
                   enum s2_condition c, const struct s2_domain *by, const char *why, unsigned flags)
{
    char wire[S2_UDOMAIN_MAX + 1];
    struct s2_route back = s2_route_back(r);
    struct s2_text text;

    if (!s2_may_bounce(s)) {
        count_lost(w, r->from, r->to, s->kind, "it must not be answered");
        return;
    }
    s2_text_begin(&text);
    s2_write_stanza_error(&text, s, c, by != NULL ? s2_domain_wire(by, wire) : xmb_str_n(NULL, 0),
                          why);
    if (text.overflow)
        count_lost(w, r->from, r->to, s->kind, "its addresses are too long for an answer");
    else if (put_error(w, &back, &text, s->kind, flags) != 0)
        count_lost(w, r->from, r->to, s->kind, "there is no way back to its sender");
    else
        S2_COUNT(w, S2_M_BOUNCED, 1);
}

/* --- a stored stanza ------------------------------------------------------------------------- */

/* XEP-0478, 4: that the peer's limit was met is said without `by`. */
static const struct s2_domain *who_says(const struct s2_route *r, enum s2_condition c)
{
    if (c == S2_C_POLICY_VIOLATION)
        return NULL;
    return r->to_side == S2_OUTSIDE ? r->from : r->to;
}

void s2_return(struct s2_worker *w, const struct s2_route *r, struct s2_item *it,
               enum s2_condition c, const char *text)
{
    char scratch[S2_SCRATCH];
    struct s2_stanza s;

    if (it->type == S2_TYPE_ERROR || (it->kind == S2_IQ && it->type == S2_TYPE_RESULT)) {
        s2_lose(w, r, it, text != NULL ? text : "it is an answer itself");
        return;
    }
    memset(&s, 0, sizeof(s));
    if (s2_stanza_reread(xmb_str_n(it->p, it->n), scratch, &s) != 0) {
        s2_lose(w, r, it, "its start tag is too long for an answer");
        return;
    }
    answer(w, r, &s, c, who_says(r, c), text, S2_ITEM_OWED);
    s2_settled(w, it);
    s2_host->buf->slab_release(it->slab);
    it->slab = NULL;
}

void s2_flow_return(struct s2_flow *f, struct s2_item *it, enum s2_condition c, const char *text)
{
    struct s2_route route = s2_flow_route(f);

    f->bounced++;
    s2_return(f->w, &route, it, c, text);
}

/* --- one that was not taken ------------------------------------------------------------------ */

void s2_refuse(struct s2_worker *w, const struct s2_route *r, const struct s2_stanza *s,
               enum s2_condition c, const char *text)
{
    answer(w, r, s, c, who_says(r, c), text, S2_ITEM_OWED);
}

void s2_bounce(struct s2_worker *w, enum s2_side from_side, const struct s2_stanza *s,
               enum s2_condition condition, const struct s2_domain *by, const char *text)
{
    struct s2_domain from, to;
    struct s2_route route = {s2_other(from_side), &from, &to};

    if (s2_domain_read(s2_jid_domain(s->from), &from) != 0 ||
        s2_domain_read(s2_jid_domain(s->to), &to) != 0) {
        S2_COUNT(w, S2_M_DROPPED, 1);
        S2_LOG(w->module->module, XMB_LOG_INFO, "dropped", NULL,
               "a stanza (%s) with addresses that cannot be answered was dropped",
               kind_name(s->kind));
        return;
    }
    answer(w, &route, s, condition, by, text, 0);
}
