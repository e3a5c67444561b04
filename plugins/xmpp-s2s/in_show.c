/* SPDX-License-Identifier: MIT */
/*
 * in_show.c - incoming streams as `show federation connections` wants them. Facts only, no
 * text.
 */
#include "in_priv.h"
#include "show.h"

static const char *pair_state(const struct in_pair *p)
{
    static const char *const names[] = {
        [IN_PAIR_ADMITTING] = "pending", [IN_PAIR_WAITING] = "pending",
        [IN_PAIR_ASKING] = "pending",    [IN_PAIR_VERIFIED] = "verified",
        [IN_PAIR_REVOKED] = "revoked",
    };

    return p->state == IN_PAIR_VERIFIED && p->denied ? "denied" : names[p->state];
}

static const char *proof_name(const struct in_pair *p)
{
    if (p->state != IN_PAIR_VERIFIED)
        return NULL;
    return p->proof == IN_BY_EXTERNAL ? "external" : "dialback";
}

/* At most S2_SHOW_PAIRS. Returns how many. */
static size_t fill_pairs(const struct s2_incoming *s, struct s2_pair_facts *facts)
{
    const struct in_pair *p;
    size_t n = 0;

    for (p = s->pairs; p != NULL && n < S2_SHOW_PAIRS; p = p->next) {
        facts[n].local = p->to;
        facts[n].remote = p->from;
        facts[n].state = pair_state(p);
        facts[n++].verified_by = proof_name(p);
    }
    return n;
}

static const char *first_proof(const struct s2_incoming *s)
{
    const struct in_pair *p = s->pairs;

    while (p != NULL && p->state != IN_PAIR_VERIFIED)
        p = p->next;
    return p != NULL ? proof_name(p) : NULL;
}

static void show_one(const struct s2_incoming *s, struct s2_pair_facts *facts,
                     void (*fn)(void *arg, const struct s2_connection *c), void *arg)
{
    struct s2_connection c = {
        .id = s->ref,
        .conn = s->conn,
        .direction = XMB_INCOMING,
        .side = (enum s2_side)s->side,
        .state = s2_in_state_name(s),
        .verified_by = first_proof(s),
        .stanzas_in = s->stanzas_in,
        .stanzas_out = s->link != NULL ? s2_link_adopted_stanzas(s->link) : 0,
        .stanza_ms = s2_in_used_ms(s),
        .sm = s->sm,
        .bidi = s->bidi,
        .pair_count = fill_pairs(s, facts),
        .pairs = facts,
    };

    fn(arg, &c);
}

void s2_in_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                void *arg)
{
    struct s2_pair_facts facts[S2_SHOW_PAIRS];
    const struct s2_incoming *s;

    for (s = w->incomings->first; s != NULL; s = s->next) {
        if (s->state != IN_CLOSED)
            show_one(s, facts, fn, arg);
    }
}
