/* SPDX-License-Identifier: MIT */
/*
 * out_auth.c - SASL EXTERNAL as initiator (W13; XEP-0178): we show our certificate in the
 * handshake and ask to be taken for its domain. When the peer says no, dialback follows on the
 * same stream; a peer that ends the stream over it is dialled once more, and not asked then.
 */
#include "link_priv.h"

int s2_out_external_wanted(const struct s2_link *l)
{
    return l->secured && !l->authenticated && !l->tried_external && !l->current.no_external &&
           s2_link_security(l)->external && (l->features & S2_F_EXTERNAL) != 0 &&
           s2_out_first_lease(l) != NULL;
}

static void deadline(struct s2_link *l)
{
    s2_host->conn->deadline(l->conn, XMB_DEADLINE_ONCE, l->w->conf->negotiation_ms);
}

void s2_out_auth(struct s2_link *l)
{
    char authzid[S2_UDOMAIN_MAX + 1];
    struct s2_text t;

    l->tried_external = 1;
    l->state = LINK_AUTH;
    deadline(l);
    s2_text_begin(&t);
    s2_write_auth_external(&t, s2_domain_wire(&l->local, authzid));
    s2_link_write(l, s2_text_str(&t));
}

void s2_out_auth_success(struct s2_link *l, const void *what)
{
    (void)what;
    l->authenticated = 1;
    deadline(l);
    s2_out_begin(l);
}

void s2_out_auth_failure(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;

    LINK_LOG(l, XMB_LOG_INFO, "the peer refuses SASL EXTERNAL for %s (%.*s %.*s); dialback follows",
             l->local.text, (int)e->condition.n, e->condition.p, (int)e->error_text.n,
             e->error_text.p);
    s2_out_ready(l);
}

void s2_out_auth_broken(struct s2_link *l, const void *what)
{
    struct s2_candidate again = l->current;

    (void)what;
    s2_probe_failed(l, "the stream ended over it; it is dialled again without");
    LINK_LOG(l, XMB_LOG_INFO,
             "the stream ended over SASL EXTERNAL for %s; it is dialled again without",
             l->local.text);
    s2_link_abandon(l, S2_E_NONE, "SASL EXTERNAL failed");
    again.no_external = 1;
    l->state = LINK_CONNECT;
    s2_dialler_again(l, &again);
    s2_dialler_start(l);
}
