/* SPDX-License-Identifier: MIT */
/*
 * out_features.c - what the peer offers and what to do next (states O4 and O6 of xmpp-s2s.md
 * 2.3): TLS first, then SASL EXTERNAL where both sides want it, else dialback.
 *
 * XEP-0288 (bidi) is asked for behind TLS, before SASL and db:result. It holds for the connection:
 * also behind the restart of SASL, where it is not offered again.
 */
#include "health.h"
#include "link_priv.h"

struct s2_lease *s2_out_first_lease(const struct s2_link *l)
{
    struct s2_lease *e = l->leases;

    while (e != NULL && (e->state != LEASE_WAITING || !s2_domain_eq(&e->local, &l->local)))
        e = e->next;
    return e;
}

/* 1: the stream goes on as it is. 0: TLS was asked for, or the attempt is over. */
static int may_stay_plain(struct s2_link *l)
{
    enum s2_mode mode = s2_link_security(l)->mode;

    if (s2_out_tls_wanted(l)) {
        s2_out_starttls(l);
        return 0;
    }
    if (mode == S2_TLS_REQUIRED) {
        s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_POLICY_VIOLATION,
                               "TLS is required, and no TLS profile is configured for %s",
                               l->local.text);
        return 0;
    }
    if (l->features & S2_F_STARTTLS_REQUIRED) {
        s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_UNSUPPORTED_FEATURE,
                               "the peer requires TLS, %s (mode %s)",
                               l->current.plain ? "which failed with it" : "and we have none",
                               s2_mode_name(mode));
        return 0;
    }
    return 1;
}

void s2_out_bidi(struct s2_link *l)
{
    const struct s2_conf *c = l->w->conf;
    struct s2_text t;

    if (l->bidi || !l->secured || l->leases == NULL || l->probe != NULL ||
        !s2_link_security(l)->bidi || (l->features & S2_F_BIDI) == 0)
        return;
    s2_text_begin(&t);
    s2_write_bidi(&t, c->limits.stanza_bytes, c->idle_ms / 1000);
    if (s2_link_write(l, s2_text_str(&t)) == 0)
        l->bidi = 1;
}

/* The peer may send from here on, also before XEP-0198 is agreed on. */
static void authenticated(struct s2_link *l)
{
    s2_out_pair_open(l, &l->local, 1);
    if (l->features & S2_F_SM)
        s2_out_sm_enable(l);
    else
        s2_out_verified(l, s2_out_first_lease(l), 1);
}

void s2_out_features(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;

    l->features = e->features;
    l->max_bytes = e->features & S2_F_LIMITS ? e->max_bytes : 0;
    if (!l->secured && !may_stay_plain(l))
        return;
    if (l->authenticated)
        authenticated(l);
    else
        s2_out_ready(l);
}

void s2_out_ready(struct s2_link *l)
{
    l->state = LINK_READY;
    s2_out_bidi(l);
    if (s2_out_external_wanted(l)) {
        s2_out_auth(l);
        return;
    }
    if (!l->has_dialback && (l->features & S2_F_DIALBACK) == 0) {
        s2_link_attempt_failed(l, S2_FAIL_DIALBACK, S2_E_UNSUPPORTED_FEATURE,
                               "the peer offers no dialback%s",
                               l->tried_external ? " and refused SASL EXTERNAL" : "");
        return;
    }
    if (l->side == S2_INSIDE)
        s2_health_note(l->w->module->health, &l->remote, NULL);
    s2_out_results(l);
    s2_asks_send(l);
    s2_link_rearm(l);
    s2_link_if_idle(l);
}
