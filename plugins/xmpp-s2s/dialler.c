/* SPDX-License-Identifier: MIT */
/*
 * dialler.c - from targets to one connection (RFC 8305, 5): the next attempt starts 250 ms
 * after the one before, or at once when that failed; the first that comes through wins and the
 * others are called off.
 *
 * Attempts that were called off have not failed: they wait for their turn, should the winner
 * not get through negotiation. All attempts of one phase together have twice the time of one.
 */
#include "link_priv.h"

#include <stdio.h>
#include <stdlib.h>

static struct s2_attempt **find(struct s2_link *l, const struct s2_attempt *a)
{
    struct s2_attempt **at = &l->attempts;

    while (*at != a)
        at = &(*at)->next;
    return at;
}

static uint32_t in_flight(const struct s2_link *l)
{
    const struct s2_attempt *a;
    uint32_t n = 0;

    for (a = l->attempts; a != NULL; a = a->next)
        n += a->in_flight;
    return n;
}

static void call_off(struct s2_link *l)
{
    struct s2_attempt *a;

    for (a = l->attempts; a != NULL; a = a->next) {
        if (a->in_flight)
            s2_host->conn->dial_cancel(l->w->worker, a->dial_id);
        a->in_flight = 0;
    }
    s2_link_alarm_off(l, LINK_ALARM_STAGGER);
    s2_link_alarm_off(l, LINK_ALARM_BUDGET);
}

void s2_dialler_stop(struct s2_link *l)
{
    struct s2_attempt *a;

    call_off(l);
    while ((a = l->attempts) != NULL) {
        l->attempts = a->next;
        free(a);
    }
}

/* --- the next attempt ------------------------------------------------------------------------ */

static void attempt_fails(struct s2_link *l, struct s2_attempt *a, const char *why)
{
    char text[XMB_ADDR_TEXT_MAX];

    s2_host->conn->addr_text(&a->candidate.addr, text, sizeof(text));
    S2_COUNT(l->w, S2_M_DIALS_FAILED, 1);
    s2_target_failed(l->w, s2_target_key(a->candidate.target));
    s2_link_note(l, S2_FAIL_UNREACHABLE, "%s: %s", text, why);
    LINK_LOG(l, XMB_LOG_INFO, "%s cannot be connected: %s", text, why);
    s2_probe_step(l, "connect", "failed", "%s: %s", text, why);
    *find(l, a) = a->next;
    free(a);
}

static int dial(struct s2_link *l, struct s2_attempt *a)
{
    struct xmb_target target = {
        .size = sizeof(target),
        .connect_timeout_ms = l->w->conf->connect_ms,
        .address = a->candidate.addr,
        .dial_id = &a->dial_id,
    };
    int rc = s2_host->conn->dial(l->w->worker, l->w->module->module, &target, a);

    l->attempt_count++;
    S2_COUNT(l->w, S2_M_DIALS, 1);
    if (rc == 0)
        a->in_flight = 1;
    return rc;
}

static enum s2_next take(struct s2_link *l, struct s2_attempt **out)
{
    struct s2_candidate c = {.target = NULL};
    enum s2_next next;
    struct s2_attempt *a;

    if (l->attempt_count >= LINK_ATTEMPTS_MAX)
        return S2_NEXT_NONE;
    for (a = l->attempts; a != NULL && a->in_flight; a = a->next)
        ;
    if (a == NULL) {
        next = s2_targets_next(l, &c);
        if (next != S2_NEXT_ADDRESS)
            return next;
        a = s2_dialler_again(l, &c);
    }
    *out = a;
    return a != NULL ? S2_NEXT_ADDRESS : S2_NEXT_NONE;
}

static void exhausted(struct s2_link *l)
{
    if (l->own && l->end.kind <= S2_FAIL_UNREACHABLE) {
        l->end.kind = 0;
        s2_link_note(l, S2_FAIL_NO_DOMAIN, "its address is our own: its DNS or route leads back to "
                                           "this gateway");
    }
    if (l->end.kind == 0)
        s2_link_note(l, S2_FAIL_NO_DOMAIN, "no address is left to be tried");
    s2_link_fail(l);
}

void s2_dialler_step(struct s2_link *l)
{
    struct s2_attempt *a = NULL;
    enum s2_next next;

    if ((l->state != LINK_RESOLVE && l->state != LINK_CONNECT) || l->conn != NULL)
        return;
    while ((next = take(l, &a)) == S2_NEXT_ADDRESS) {
        l->state = LINK_CONNECT;
        if (dial(l, a) == 0) {
            s2_link_alarm(l, LINK_ALARM_STAGGER, LINK_STAGGER_MS);
            return;
        }
        attempt_fails(l, a, "the dial was refused here");
    }
    if (next == S2_NEXT_WAIT) {
        if (l->patient && l->alarm_ms[LINK_ALARM_STAGGER] == 0)
            s2_link_alarm(l, LINK_ALARM_STAGGER, LINK_STAGGER_MS);
    } else if (in_flight(l) == 0) {
        exhausted(l);
    }
}

void s2_dialler_start(struct s2_link *l)
{
    s2_link_alarm(l, LINK_ALARM_BUDGET, 2 * (uint64_t)l->w->conf->connect_ms);
    s2_dialler_step(l);
}

struct s2_attempt *s2_dialler_again(struct s2_link *l, const struct s2_candidate *c)
{
    struct s2_attempt *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return NULL;
    a->link = l;
    a->candidate = *c;
    a->next = l->attempts;
    l->attempts = a;
    return a;
}

void s2_dialler_late(struct s2_link *l)
{
    if (l->state != LINK_RESOLVE && l->state != LINK_CONNECT)
        return;
    call_off(l);
    s2_link_note(l, S2_FAIL_UNREACHABLE, "none of its servers could be connected within %u s",
                 2 * l->w->conf->connect_ms / 1000);
    s2_link_fail(l);
}

/* --- what became of them --------------------------------------------------------------------- */

void s2_link_dial_failed(struct s2_worker *w, void *user, const char *why)
{
    struct s2_attempt *a = user;
    struct s2_link *l = a->link;

    (void)w;
    s2_link_enter(l);
    attempt_fails(l, a, why != NULL ? why : "failed");
    s2_dialler_step(l);
    s2_link_leave(l);
}

static void begin(struct s2_link *l, struct xmb_conn *conn)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    s2_host->conn->info(conn, &info);
    s2_host->conn->addr_text(&l->current.addr, l->peer, sizeof(l->peer));
    snprintf(l->object, sizeof(l->object), "%s %s", l->remote.text, l->peer);
    if (s2_target_is_own(l->w, &l->current.addr, &info.local)) {
        l->own = 1;
        s2_link_attempt_failed(l, S2_FAIL_NO_DOMAIN, S2_E_NONE,
                               "it leads back to this gateway: its DNS or route is wrong");
        return;
    }
    s2_probe_step(l, "connect", "ok", "%s", l->peer);
    s2_host->conn->deadline(conn, XMB_DEADLINE_ONCE, l->w->conf->negotiation_ms);
    if (l->current.target->direct)
        s2_out_secure(l);
    else
        s2_out_begin(l);
}

int s2_link_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_link **out)
{
    struct s2_attempt *a = s2_host->conn->user(conn);
    struct s2_link *l = a->link;

    s2_link_enter(l);
    a->in_flight = 0;
    *find(l, a) = a->next;
    call_off(l);
    l->current = a->candidate;
    free(a);
    l->conn = conn;
    l->conns++;
    S2_COUNT(w, S2_M_STREAMS_OUT, 1);
    l->secured = l->authenticated = l->tried_external = l->bidi = 0;
    s2_position_reset(&l->position);
    begin(l, conn);
    *out = l;
    s2_link_leave(l); /* `closed` is to come, so it stays */
    return 0;
}
