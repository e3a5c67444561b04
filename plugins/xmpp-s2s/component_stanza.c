/* SPDX-License-Identifier: MIT */
/*
 * component_stanza.c - what a component sends: `from` must be its own domain, and each domain that
 * it writes to is admitted once (sides, then policy), then has a path into its flow.
 *
 * Unlike a server, a component announces no pair before it sends. A stanza for a new domain whose
 * admission comes late waits here; reading stops meanwhile, so no more waits than one chunk held.
 */
#include "component_priv.h"

#include <stdlib.h>

static void bounce(struct s2_component *c, const struct s2_stanza *s, enum s2_condition condition,
                   const char *text)
{
    c->put = 1; /* the error may be for another worker */
    s2_bounce(c->w, S2_INSIDE, s, condition, NULL, text);
}

/* A domain that is none has no flow that leads back: the error goes straight to the component. */
static void answer_here(struct s2_component *c, const struct s2_stanza *s)
{
    struct s2_text t;

    s2_text_begin(&t);
    s2_write_stanza_error(&t, s, S2_C_JID_MALFORMED, xmb_str_n(NULL, 0), NULL);
    if (s2_may_bounce(s) && !t.overflow && s2_link_adopted_write(c->link, s2_text_str(&t)) == 0)
        S2_COUNT(c->w, S2_M_BOUNCED, 1);
    else
        S2_COUNT(c->w, S2_M_DROPPED, 1);
}

/* --- pairs ----------------------------------------------------------------------------------- */

static void put(struct co_pair *p, const struct s2_stanza *s)
{
    struct s2_component *c = p->c;
    int rc;

    if (p->state == CO_PAIR_DENIED) {
        bounce(c, s, S2_C_NOT_ALLOWED, s2_admission_text((enum s2_admission)p->verdict));
        return;
    }
    rc = s2_path_put(&p->path, s);
    c->put = 1;
    if (rc < 0)
        bounce(c, s, S2_C_RESOURCE_CONSTRAINT, "no room for more stanzas to this domain");
    else if (rc > 0)
        s2_component_pause(c);
}

/* Each of those that wait goes its way, now that it is known. */
static void release(struct co_pair *p)
{
    char scratch[S2_SCRATCH];
    struct s2_stanza s;
    struct co_held *h;

    while ((h = p->held) != NULL) {
        p->held = h->next;
        if (s2_stanza_reread(xmb_str_n(h->p, h->n), scratch, &s) == 0)
            put(p, &s);
        free(h);
    }
    p->held_end = &p->held;
}

/* A copy with what the header declares put in, so that it stands alone. */
static void hold(struct co_pair *p, const struct s2_stanza *s)
{
    size_t n = s->raw.n + s->insert.n;
    struct co_held *h = malloc(sizeof(*h) + n);

    if (h == NULL) {
        bounce(p->c, s, S2_C_RESOURCE_CONSTRAINT, "out of memory");
        return;
    }
    h->next = NULL;
    h->n = n;
    memcpy(h->p, s->raw.p, s->insert_at);
    if (s->insert.n > 0)
        memcpy(h->p + s->insert_at, s->insert.p, s->insert.n);
    memcpy(h->p + s->insert_at + s->insert.n, s->raw.p + s->insert_at, s->raw.n - s->insert_at);
    *p->held_end = h;
    p->held_end = &h->next;
}

static void decided(struct co_pair *p, enum s2_admission a)
{
    struct s2_component *c = p->c;

    p->verdict = (uint8_t)a;
    p->state = CO_PAIR_DENIED;
    if (a == S2_ADMIT_OK &&
        s2_path_open(c->w, S2_OUTSIDE, &c->name, &p->to, c->ref, &p->path) == 0)
        p->state = CO_PAIR_OPEN;
    if (p->state == CO_PAIR_DENIED)
        CO_LOG(c, XMB_LOG_INFO, "component-denied", "stanzas to %s go back: %s", p->to.text,
               s2_admission_text(a));
}

static void decided_late(void *arg, enum s2_admission a)
{
    struct co_pair *p = arg;
    struct s2_component *c = p->c;

    p->has_question = 0;
    decided(p, a);
    s2_component_unpause(c); /* a put below may stop it again */
    release(p);
    s2_path_flush(c->w);
}

static void pair_free(struct co_pair *p)
{
    if (p->has_question)
        s2_admit_cancel(p->c->w, p->question);
    if (p->state == CO_PAIR_ASKING) {
        p->verdict = S2_ADMIT_OFF;
        p->state = CO_PAIR_DENIED;
    }
    release(p);
    s2_path_close(&p->path);
    free(p);
}

void s2_component_pairs_drop(struct s2_component *c)
{
    struct co_pair *p;

    while ((p = c->pairs) != NULL) {
        c->pairs = p->next;
        pair_free(p);
    }
    c->pair_count = 0;
    c->raw_n = 0;
}

void s2_component_pairs_forget(struct s2_component *c)
{
    struct co_pair **at = &c->pairs, *p;

    while ((p = *at) != NULL) {
        if (p->state == CO_PAIR_ASKING) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        c->pair_count--;
        pair_free(p);
    }
    c->raw_n = 0;
}

/* The one that was used longest ago gives way; what it has in its flow stays there. */
static void make_room(struct s2_component *c)
{
    struct co_pair **at, **last = NULL, *p;

    if (c->pair_count < CO_PAIRS_MAX)
        return;
    for (at = &c->pairs; *at != NULL; at = &(*at)->next) {
        if ((*at)->state != CO_PAIR_ASKING)
            last = at;
    }
    if (last == NULL)
        return;
    p = *last;
    *last = p->next;
    c->pair_count--;
    pair_free(p);
}

static struct co_pair *pair_new(struct s2_component *c, const struct s2_domain *to)
{
    struct co_pair *p = calloc(1, sizeof(*p));
    struct xmb_conn_info info = {.size = sizeof(info)};
    enum s2_admission a;

    if (p == NULL)
        return NULL;
    make_room(c);
    p->c = c;
    p->to = *to;
    p->held_end = &p->held;
    p->next = c->pairs;
    c->pairs = p;
    c->pair_count++;
    s2_host->conn->info(c->conn, &info);
    a = s2_admit(c->w, S2_INSIDE, &c->name, to, &info.remote, decided_late, p, &p->question);
    p->has_question = a == S2_ADMIT_LATER;
    if (p->has_question)
        s2_component_pause(c);
    else
        decided(p, a);
    return p;
}

/* Found, it becomes the first. */
static struct co_pair *pair_find(struct s2_component *c, const struct s2_domain *to)
{
    struct co_pair **at = &c->pairs, *p;

    while (*at != NULL && !s2_domain_eq(&(*at)->to, to))
        at = &(*at)->next;
    p = *at;
    if (p == NULL)
        return NULL;
    *at = p->next;
    p->next = c->pairs;
    c->pairs = p;
    return p;
}

/* The pair of the stanza before is tried first, by its octets. NULL: out of memory. */
static struct co_pair *pair_of(struct s2_component *c, struct xmb_str raw,
                               const struct s2_domain *to)
{
    struct co_pair *p = pair_find(c, to);

    if (p == NULL)
        p = pair_new(c, to);
    c->raw_n = p != NULL && raw.n <= CO_RAW_MAX ? (uint16_t)raw.n : 0;
    memcpy(c->raw, raw.p, c->raw_n);
    return p;
}

/* --- a stanza -------------------------------------------------------------------------------- */

static void send_on(struct s2_component *c, const struct s2_stanza *s)
{
    struct xmb_str raw = s2_jid_domain(s->to);
    struct co_pair *p = c->pairs;
    struct s2_domain to;

    if (p == NULL || c->raw_n == 0 || !xmb_str_eq(raw, xmb_str_n(c->raw, c->raw_n))) {
        if (s2_domain_read(raw, &to) < 0) {
            answer_here(c, s);
            return;
        }
        p = pair_of(c, raw, &to);
    }
    if (p == NULL)
        bounce(c, s, S2_C_RESOURCE_CONSTRAINT, "out of memory");
    else if (p->state == CO_PAIR_ASKING)
        hold(p, s);
    else
        put(p, s);
}

static int is_barrier_answer(struct s2_component *c, const struct s2_stanza *s,
                             const struct s2_jid *to)
{
    struct s2_domain d;

    if (s->kind != S2_IQ || (s->type != S2_TYPE_RESULT && s->type != S2_TYPE_ERROR) ||
        to->local.p != NULL || to->resource.p != NULL || s2_domain_read(to->domain, &d) < 0)
        return 0;
    return s2_barrier_answer(c->w, &c->name, &d, s);
}

static int is_own(const struct s2_component *c, struct xmb_str raw)
{
    struct s2_domain from;

    if (xmb_str_eq(raw, s2_domain_str(&c->name)))
        return 1;
    return s2_domain_read(raw, &from) == 0 && s2_domain_eq(&from, &c->name);
}

int s2_component_stanza(struct s2_component *c, const struct s2_stanza *s)
{
    struct s2_jid from, to;

    if (s->from.n == 0 || s->to.n == 0)
        return s2_component_fail(c, S2_E_IMPROPER_ADDRESSING, "a stanza without from or to");
    if (!is_own(c, s2_jid_domain(s->from))) {
        S2_COUNT(c->w, S2_M_SPOOFED, 1);
        return s2_component_fail(c, S2_E_INVALID_FROM,
                                 "a stanza from a domain that is not the component's");
    }
    c->stanza_ms = s2_now_ms(c->w);
    c->stanzas_in++;
    S2_COUNT(c->w, S2_M_STANZAS_IN, 1);
    S2_COUNT(c->w, S2_M_BYTES_IN, s->raw.n);
    if (s2_jid_split(s->from, &from) < 0)
        S2_COUNT(c->w, S2_M_DROPPED, 1); /* nobody to send it back to */
    else if (s2_jid_split(s->to, &to) < 0)
        answer_here(c, s);
    else if (!is_barrier_answer(c, s, &to))
        send_on(c, s);
    return 0;
}
