/* SPDX-License-Identifier: MIT */
/*
 * in_pairs.c - the pairs of domains of one incoming stream.
 *
 *   ADMITTING --policy--> WAITING --a place--> ASKING --valid--> VERIFIED --not admitted--> REVOKED
 *        \---------------------- EXTERNAL -----------------------^
 *
 * A pair that is refused is dropped at once. There are at most conf->pairs, mostly one: a list
 * does.
 */
#include "in_priv.h"

#include <stdlib.h>

struct in_pair *s2_in_pair_find(const struct s2_incoming *s, const struct s2_domain *from,
                                const struct s2_domain *to)
{
    struct in_pair *p = s->pairs;

    while (p != NULL && !(s2_domain_eq(&p->from, from) && s2_domain_eq(&p->to, to)))
        p = p->next;
    return p;
}

int s2_in_verified(const struct s2_incoming *s, const struct s2_domain *from)
{
    const struct in_pair *p = s->pairs;

    while (p != NULL && !(p->state == IN_PAIR_VERIFIED && s2_domain_eq(&p->from, from)))
        p = p->next;
    return p != NULL;
}

struct in_pair *s2_in_pair_new(struct s2_incoming *s, const struct s2_domain *from,
                               const struct s2_domain *to, enum in_proof proof)
{
    struct in_pair *p = calloc(1, sizeof(*p));
    struct in_pair **end = &s->pairs;

    if (p == NULL)
        return NULL;
    p->stream = s;
    p->from = *from;
    p->to = *to;
    p->proof = (uint8_t)proof;
    p->state = IN_PAIR_ADMITTING;
    while (*end != NULL)
        end = &(*end)->next;
    *end = p;
    s->pair_count++;
    return p;
}

/* --- policy ----------------------------------------------------------------------------------- */

static void verdict(struct in_pair *p, enum s2_admission a)
{
    if (p->state != IN_PAIR_ADMITTING)
        s2_in_recheck_verdict(p, a);
    else if (p->proof == IN_BY_EXTERNAL)
        s2_in_auth_verdict(p, a);
    else
        s2_in_result_verdict(p, a);
}

static void verdict_late(void *arg, enum s2_admission a)
{
    struct in_pair *p = arg;

    p->has_question = 0;
    verdict(p, a);
}

static void question_drop(struct in_pair *p)
{
    if (p->has_question)
        s2_admit_cancel(p->stream->w, p->question);
    p->has_question = 0;
}

void s2_in_pair_admit(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    struct xmb_addr remote;
    enum s2_admission a;

    question_drop(p);
    s2_in_remote(s, &remote);
    a = s2_admit(s->w, (enum s2_side)s->side, &p->from, &p->to, &remote, verdict_late, p,
                 &p->question);
    if (a == S2_ADMIT_LATER)
        p->has_question = 1;
    else
        verdict(p, a);
}

/* --- it is proved, and may be so no more ------------------------------------------------------ */

/*
 * The first pair: the stream leaves the crowd of strangers. After EXTERNAL a header is still
 * due.
 */
static void first_verified(struct s2_incoming *s)
{
    s2_in_delist(s);
    if (s->state == IN_RESTARTED)
        return;
    s->state = IN_VERIFIED;
    s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, 0);
    if (s->reader == NULL || s->feeding)
        return;
    s2_reader_limits(s->reader, &s->w->incomings->limits);
    s2_reader_rest(s->reader); /* many a stream was opened for a question, and is silent now */
}

int s2_in_pair_verified(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    int rc = s2_path_open(s->w, s2_other((enum s2_side)s->side), &p->from, &p->to, s->ref,
                          &p->path);

    if (rc < 0) {
        s2_in_pair_drop(p);
        return rc;
    }
    p->state = IN_PAIR_VERIFIED;
    s->stanza_ms = s2_now_ms(s->w);
    if (s->verified_count++ == 0)
        first_verified(s);
    s2_in_bidi_offer(p);
    s2_flow_alive(s->w, &p->from);
    return 0;
}

static void close_path(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;

    s2_in_bidi_withdraw(p);
    s2_path_close(&p->path);
    s->verified_count--;
    if (!s->authenticating)
        s2_in_unpause(s); /* it may have been this one that pushed back */
}

void s2_in_pair_revoke(struct in_pair *p)
{
    if (p->state != IN_PAIR_VERIFIED)
        return;
    close_path(p);
    p->state = IN_PAIR_REVOKED;
    p->stream->pair_count--;
}

void s2_in_pair_drop(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    struct in_pair **at = &s->pairs;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    if (s->last == p)
        s->last = NULL;
    question_drop(p);
    if (p->ask != NULL) {
        s2_ask_cancel(p->ask);
        s->asks--;
    }
    if (p->state == IN_PAIR_VERIFIED)
        close_path(p);
    if (p->state != IN_PAIR_REVOKED)
        s->pair_count--;
    free(p->key);
    free(p);
}

void s2_in_pairs_drop(struct s2_incoming *s)
{
    while (s->pairs != NULL)
        s2_in_pair_drop(s->pairs);
}

void s2_in_pairs_drop_pending(struct s2_incoming *s)
{
    struct in_pair *p, *next;

    for (p = s->pairs; p != NULL; p = next) {
        next = p->next;
        if (p->state < IN_PAIR_VERIFIED)
            s2_in_pair_drop(p);
    }
}
