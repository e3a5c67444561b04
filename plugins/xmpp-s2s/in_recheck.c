/* SPDX-License-Identifier: MIT */
/*
 * in_recheck.c - the configuration or policy changed: what is open is judged by what holds now
 * (R74; xmpp-s2s.md 6.4).
 *
 * A stream ends when its last pair goes: host-gone when that was of a domain that is no more
 * served, else policy-violation. Where other pairs stay the peer is told about the one, as if it
 * had just asked for it. Inside, a denied pair stays and its stanzas go back.
 */
#include "in_priv.h"

/* No pair is verified any more: the stream is among strangers again. */
static void unverified_again(struct s2_incoming *s)
{
    if (s->state != IN_VERIFIED || s->verified_count > 0)
        return;
    s->state = IN_OPEN;
    s2_in_negotiate(s);
    if (s->reader != NULL && !s->feeding)
        s2_reader_limits(s->reader, &s->w->incomings->limits_unverified);
}

static void revoke(struct in_pair *p, enum s2_admission a)
{
    struct s2_incoming *s = p->stream;
    struct s2_domain from = p->from, to = p->to;
    int is_gone = a != S2_ADMIT_DENIED && a != S2_ADMIT_OFF;

    if (s->pair_count == 1) {
        s2_in_fail(s, is_gone ? S2_E_HOST_GONE : S2_E_POLICY_VIOLATION, s2_admission_text(a));
        return;
    }
    if (p->state == IN_PAIR_VERIFIED)
        s2_in_pair_revoke(p);
    else
        s2_in_pair_drop(p);
    s2_in_refuse(s, &from, &to, is_gone ? S2_C_ITEM_NOT_FOUND : S2_C_FORBIDDEN,
                 s2_admission_text(a));
    unverified_again(s);
}

void s2_in_recheck_verdict(struct in_pair *p, enum s2_admission a)
{
    struct s2_incoming *s = p->stream;
    int is_denied = a == S2_ADMIT_DENIED && s->side == S2_INSIDE;

    if (a == S2_ADMIT_OK || is_denied) {
        p->denied = (uint8_t)is_denied;
        return;
    }
    revoke(p, a);
}

static struct in_pair *next_marked(const struct s2_incoming *s)
{
    struct in_pair *p = s->pairs;

    while (p != NULL && !p->recheck)
        p = p->next;
    return p;
}

/* Any of them may go while one is asked about. */
static void recheck_pairs(struct s2_incoming *s)
{
    struct in_pair *p;

    for (p = s->pairs; p != NULL; p = p->next)
        p->recheck = p->state != IN_PAIR_REVOKED;
    while (s->state != IN_CLOSED && (p = next_marked(s)) != NULL) {
        p->recheck = 0;
        s2_in_pair_admit(p);
    }
}

/* A stream that is in use in plain although the side asks for TLS now. */
static int is_downgraded(const struct s2_incoming *s)
{
    return s2_in_too_plain(s) && (s->pair_count > 0 || s->state == IN_OPEN);
}

/* A pair that its certificate alone has proved. */
static const char *not_external(const struct s2_incoming *s, const struct s2_domain *from)
{
    struct xmb_tls_peer peer = {.size = sizeof(peer)};

    if (!in_security(s)->external)
        return "SASL EXTERNAL is switched off";
    if (s2_in_proves(s, from))
        return NULL;
    return s2_host->conn->tls_peer(s->conn, &peer) == 0 && peer.why != NULL
               ? peer.why
               : "the certificate does not prove the domain any more";
}

/* Why a pair would not be verified any more by what is asked for now; NULL: it would. */
static const char *unproved(struct s2_incoming *s)
{
    const struct in_pair *p;
    const char *why = NULL;

    s2_in_judge(s);
    for (p = s->pairs; p != NULL && why == NULL; p = p->next) {
        if (p->state == IN_PAIR_REVOKED)
            continue; /* the others may still wait for policy or an answer */
        if (s2_in_certificate(s, &p->from, &why) == 0 && p->proof == IN_BY_EXTERNAL)
            why = not_external(s, &p->from);
    }
    return why;
}

static int is_gone(const struct s2_incoming *s)
{
    return s->has_to && s->pair_count == 0 && s->side == S2_OUTSIDE &&
           s2_conf_local(s->w->conf, &s->to) == NULL;
}

static void recheck_stream(struct s2_incoming *s)
{
    const char *why;

    if (s->state == IN_CLOSED || s->state == IN_ENDING || s->state == IN_SECURING)
        return;
    if (!s->w->conf->enabled)
        s2_in_fail(s, S2_E_POLICY_VIOLATION, "federation is switched off");
    else if (is_downgraded(s))
        s2_in_fail(s, S2_E_POLICY_VIOLATION, "TLS is required now");
    else if (is_gone(s))
        s2_in_fail(s, S2_E_HOST_GONE, "the domain is no longer served here");
    else if ((why = unproved(s)) != NULL)
        s2_in_fail(s, S2_E_RESET, why); /* the peer may prove itself anew */
    else
        recheck_pairs(s);
}

void s2_in_recheck(struct s2_worker *w)
{
    struct s2_incoming *s;

    s2_in_configure(w);
    for (s = w->incomings->first; s != NULL; s = s->next)
        recheck_stream(s); /* a stream that ends is freed later, by `closed` */
    s2_path_flush(w);
}

/* Streams that are not verified yet are judged, too: what proves them comes later. */
void s2_in_tls_changed(struct s2_worker *w)
{
    struct s2_incoming *s;
    const char *why;

    for (s = w->incomings->first; s != NULL; s = s->next) {
        if (s->state == IN_CLOSED || s->state == IN_ENDING || s->state == IN_SECURING)
            continue;
        why = unproved(s);
        if (why != NULL)
            s2_in_fail(s, S2_E_RESET, why);
    }
    s2_path_flush(w);
}
