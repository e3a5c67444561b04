/* SPDX-License-Identifier: MIT */
/*
 * out_result.c - dialback as originating server (W8, W11, W12; XEP-0220, 2.1): a key for each
 * lease that waits, and the answers, each for the very pair that was asked for on this very
 * stream.
 */
#include "health.h"
#include "link_priv.h"

#include <stdio.h>

/* 1: what is trusted changed while it was made, and it would not be made any more. It has ended. */
static int is_refuted(struct s2_link *l)
{
    const char *why = NULL;

    if (!l->unjudged || s2_out_tls_holds(l, &why) == 0)
        return 0;
    s2_link_goodbye(l, S2_FAIL_TLS, S2_E_RESET, why);
    return 1;
}

void s2_out_verified(struct s2_link *l, struct s2_lease *e, int external)
{
    if (is_refuted(l))
        return; /* with `e` */
    l->unjudged = 0;
    if (!l->was_verified) {
        l->was_verified = 1;
        l->position.base = l->position.written;
        l->proved_ms = s2_now_ms(l->w);
        s2_target_good(l->w, s2_target_key(l->current.target));
        s2_dialler_stop(l);
        s2_targets_free(l);
        l->current.target = NULL;
        l->end.kind = 0;
        if (l->side == S2_INSIDE)
            s2_health_note(l->w->module->health, &l->remote, NULL);
    }
    l->state = LINK_VERIFIED;
    s2_out_pair_open(l, e != NULL ? &e->local : &l->local, external);
    if (e != NULL) {
        LINK_LOG(l, XMB_LOG_INFO, "%s may send: verified by %s, %s", e->local.text,
                 external ? "SASL EXTERNAL" : "dialback", l->secured ? "with TLS" : "without TLS");
        e->state = LEASE_READY;
        e->external = external != 0;
        e->guest = 0;
        e->events->ready(e->arg, e);
    }
    s2_link_kick(l); /* others may wait for their turn, or nobody is there any more */
}

/* --- the question ---------------------------------------------------------------------------- */

/* 0; negative: it waits for room, or the stream is at its end. */
static int send_key(struct s2_link *l, struct s2_lease *e)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1], key[S2_KEY_HEX];
    struct s2_db_names names = {.from = s2_domain_wire(&e->local, from),
                                .to = s2_domain_wire(&l->remote, to)};
    struct s2_text t;
    int rc = s2_dialback_key(&s2_link_security(l)->secret, &l->remote, &e->local,
                             xmb_str_n(l->id, l->id_n), key);

    if (rc < 0)
        return rc;
    s2_text_begin(&t);
    s2_write_db_result_key(&t, &names, xmb_str_n(key, sizeof(key)));
    rc = s2_link_write(l, s2_text_str(&t));
    if (rc == 0) {
        e->state = LEASE_ASKED;
        e->due_ms = s2_now_ms(l->w) + l->w->conf->dialback_ms;
    }
    return rc;
}

/* 1: SASL EXTERNAL has proved that pair on this stream already. */
static int is_proved(const struct s2_link *l, const struct s2_lease *e)
{
    return l->authenticated && s2_domain_eq(&e->local, &l->local);
}

/* 1: an earlier lease was verified for that pair, and the link is kept for what the peer sends. */
static int is_known(const struct s2_link *l, const struct s2_lease *e)
{
    return s2_out_pair_find(l, &e->local) != NULL;
}

/* A link with XEP-0198 belongs to one lease. */
static void move_guests(struct s2_link *l)
{
    const struct s2_failure f = {S2_FAIL_DIALBACK,
                                 s2_failure_condition(S2_FAIL_DIALBACK),
                                 "the stream belongs to another pair"};
    struct s2_lease *e = l->leases;

    while (e != NULL && (e->state != LEASE_WAITING || is_proved(l, e)))
        e = e->next;
    if (e == NULL)
        return;
    e->guest = 1;
    s2_lease_fail(e, &f, 0);
    move_guests(l);
}

void s2_out_results(struct s2_link *l)
{
    struct s2_lease *e, *next;

    if (l->kind != LINK_OURS) {
        s2_link_adopted_ready(l);
        return;
    }
    if (l->sm)
        move_guests(l);
    for (e = l->leases; e != NULL; e = next) {
        next = e->next;
        if (e->state != LEASE_WAITING)
            continue;
        if (is_proved(l, e) || is_known(l, e)) {
            s2_out_verified(l, e, is_proved(l, e)); /* its user may have changed the list: the kick goes on */
            return;
        }
        if (send_key(l, e) < 0)
            return;
    }
}

/* --- the answer ------------------------------------------------------------------------------ */

static struct s2_lease *asked_for(const struct s2_link *l, const struct s2_element *e)
{
    struct s2_domain from, to;
    struct s2_lease *lease = l->leases;

    if (s2_domain_read(e->from, &from) < 0 || s2_domain_read(e->to, &to) < 0 ||
        !s2_domain_eq(&from, &l->remote))
        return NULL;
    while (lease != NULL && (lease->state != LEASE_ASKED || !s2_domain_eq(&lease->local, &to)))
        lease = lease->next;
    return lease;
}

static void refused(struct s2_link *l, struct s2_lease *e, const struct s2_element *answer)
{
    char text[LINK_TEXT];
    struct s2_failure f = {.kind = S2_FAIL_REFUSED, .text = text};

    if (xmb_str_eq(answer->type, XMB_STR("error"))) {
        f.kind = S2_FAIL_DIALBACK;
        snprintf(text, sizeof(text), "the peer answers our dialback with the error %.*s%s%.*s",
                 (int)answer->condition.n, answer->condition.p,
                 answer->error_text.n > 0 ? ": " : "",
                 answer->error_text.n < 128 ? (int)answer->error_text.n : 128,
                 answer->error_text.p);
    } else {
        snprintf(text, sizeof(text), "the peer calls our dialback key invalid: it asked a server "
                                     "that is not us, or secrets differ");
    }
    f.condition = s2_failure_condition(f.kind);
    LINK_LOG(l, XMB_LOG_WARN, "%s may not send: %s", e->local.text, text);
    s2_lease_fail(e, &f, 0);
    s2_link_if_idle(l);
    s2_link_rearm(l);
}

/* Octets of it that go into a log line. */
static int shown(struct xmb_str s)
{
    return s.n < S2_DOMAIN_MAX ? (int)s.n : S2_DOMAIN_MAX;
}

void s2_out_result(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    struct s2_lease *lease = e->type.n > 0 ? asked_for(l, e) : NULL;

    if (l->bidi && e->type.p == NULL) {
        s2_out_result_refused(l, e);
        return;
    }
    if (lease == NULL) {
        LINK_LOG(l, XMB_LOG_WARN,
                 "db:result from %.*s to %.*s was not asked for here; it is ignored", shown(e->from),
                 e->from.p, shown(e->to), e->to.p);
    } else if (xmb_str_eq(e->type, XMB_STR("valid"))) {
        s2_out_verified(l, lease, 0);
        s2_link_rearm(l);
    } else if (xmb_str_eq(e->type, XMB_STR("invalid")) || xmb_str_eq(e->type, XMB_STR("error"))) {
        refused(l, lease, e);
    }
}

void s2_out_results_late(struct s2_link *l)
{
    const struct s2_failure f = {S2_FAIL_DIALBACK, s2_failure_condition(S2_FAIL_DIALBACK),
                                 "the peer did not answer our dialback in time"};
    uint64_t now = s2_now_ms(l->w);
    struct s2_lease *e = l->leases;

    while (e != NULL && (e->state != LEASE_ASKED || e->due_ms > now))
        e = e->next;
    if (e == NULL)
        return;
    LINK_LOG(l, XMB_LOG_WARN, "%s may not send: %s", e->local.text, f.text);
    s2_lease_fail(e, &f, 0);
    s2_out_results_late(l);
}
