/* SPDX-License-Identifier: MIT */
/*
 * link_retire.c - the end that waits until its users know what the peer has read: an operator's
 * `clear` (xmpp-s2s.md 2.9).
 *
 * Ended at once, a link leaves behind stanzas of which nobody can tell whether they were read, and
 * their senders hear of errors for what has arrived. So a verified link is *retired* first: it is
 * LINK_VERIFIED as before, but takes no new users, and those that it has let it go when all that
 * they sent is confirmed; what they have to send after that goes over a new link, at once. With its
 * last user it ends in order. What is not answered within LINK_RETIRE_MS is given up, as with any
 * other end. A link that is not verified has nothing to wait for.
 */
#include "link_priv.h"

/* A user that lets it go may do the same with others. */
static void tell(struct s2_link *l)
{
    uint32_t turn = ++l->turn;
    struct s2_lease *e = l->leases;

    while (e != NULL) {
        if (e->turn == turn || e->state != LEASE_READY || e->events->retired == NULL) {
            e = e->next;
            continue;
        }
        e->turn = turn;
        e->events->retired(e->arg, e);
        e = l->leases;
    }
}

/* Those whose pair is not verified yet: guests get a link of their own. */
static void turn_away(struct s2_link *l)
{
    struct s2_failure f = {S2_FAIL_GOODBYE, s2_failure_condition(S2_FAIL_GOODBYE), l->retiring};

    s2_leases_fail(l, &f);
}

void s2_link_retire(struct s2_link *l, const char *why)
{
    if (l->state != LINK_VERIFIED || l->draining || l->kill) {
        s2_link_goodbye(l, S2_FAIL_IDLE, S2_E_NONE, why);
        return;
    }
    if (l->retiring != NULL)
        return;
    l->retiring = why;
    LINK_LOG(l, XMB_LOG_INFO, "stream of %s is retired: %s", l->local.text, why);
    s2_link_alarm(l, LINK_ALARM_RETIRE, LINK_RETIRE_MS);
    turn_away(l);
    tell(l);
    s2_link_kick(l);
}

void s2_link_retire_late(struct s2_link *l)
{
    s2_link_goodbye(l, S2_FAIL_IDLE, S2_E_NONE, l->retiring);
}
