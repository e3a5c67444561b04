/* SPDX-License-Identifier: MIT */
/*
 * out_sm.c - XEP-0198 on an outgoing stream: acknowledgements only, no resumption. Prosody
 * offers it after SASL EXTERNAL (xmpp-s2s.md 6.1).
 *
 * The lease becomes ready when the peer has answered <enable/>, so that it knows from its first
 * stanza on whether there are acknowledgements. A link that has them is not shared, so the
 * peer's count is the lease's.
 */
#include "link_priv.h"

void s2_out_sm_enable(struct s2_link *l)
{
    struct s2_text t;

    l->state = LINK_ENABLING;
    s2_host->conn->deadline(l->conn, XMB_DEADLINE_ONCE, l->w->conf->negotiation_ms);
    s2_text_begin(&t);
    s2_write_sm_enable(&t);
    s2_link_write(l, s2_text_str(&t));
}

static void go_on(struct s2_link *l, int sm)
{
    l->sm = sm != 0;
    l->sm_sent = l->sm_handled = 0;
    l->h = 0;
    s2_out_verified(l, s2_out_first_lease(l), 1);
}

void s2_out_sm_enabled(struct s2_link *l, const void *what)
{
    (void)what;
    go_on(l, 1);
}

void s2_out_sm_failed(struct s2_link *l, const void *what)
{
    (void)what;
    go_on(l, 0);
}

void s2_out_sm_late(struct s2_link *l, const void *what)
{
    (void)what;
    LINK_LOG(l, XMB_LOG_INFO,
             "no answer to <enable/>; the stream goes on without acknowledgements");
    go_on(l, 0);
}

/* Of a peer that may send on it, what came since <enabled/> was handled. */
void s2_out_sm_request(struct s2_link *l, const void *what)
{
    struct s2_text t;

    (void)what;
    if (!l->sm)
        return;
    s2_text_begin(&t);
    s2_write_sm_a(&t, l->h);
    if (s2_link_answer(l, s2_text_str(&t)) > 0)
        s2_out_pause(l);
}

/* The counter on the wire has 32 bits and goes round (XEP-0198, 4). */
void s2_out_sm_answer(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    uint32_t more = (uint32_t)e->h - (uint32_t)l->sm_handled;

    if (!l->sm)
        return;
    if (more > l->sm_sent - l->sm_handled) {
        s2_link_goodbye(l, S2_FAIL_LOST, S2_E_UNDEFINED_CONDITION,
                        "the peer acknowledges more stanzas than were sent");
        return;
    }
    l->sm_handled += more;
    s2_leases_handled(l, l->sm_handled); /* no more than before is an answer too */
}
