/* SPDX-License-Identifier: MIT */
/*
 * link.c - the life of links: the table of a worker, alarms, entering and leaving, and the
 * protocol role's callbacks, which become events of link_fsm.c.
 *
 * A link begins with its alarm and not with a call, so that nobody is called back before what
 * he called has returned. Dialling, negotiation and the ends have files of their own.
 */
#include "link_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the table ------------------------------------------------------------------------------- */

static struct s2_link **bucket(const struct s2_worker *w, const struct s2_domain *remote)
{
    return &w->links->bucket[remote->hash & (LINK_BUCKETS - 1)];
}

struct s2_link *s2_links_bucket(const struct s2_worker *w, const struct s2_domain *remote)
{
    return *bucket(w, remote);
}

static void insert(struct s2_link *l)
{
    struct s2_link **at = bucket(l->w, &l->remote);

    l->next = *at;
    l->prev = at;
    if (l->next != NULL)
        l->next->prev = &l->next;
    *at = l;
    l->w->links->count++;
}

static void take_out(struct s2_link *l)
{
    *l->prev = l->next;
    if (l->next != NULL)
        l->next->prev = l->prev;
    l->w->links->count--;
}

/* --- alarms ---------------------------------------------------------------------------------- */

static uint64_t first_alarm(const struct s2_link *l)
{
    uint64_t first = 0;
    unsigned i;

    for (i = 0; i < LINK_ALARMS; i++)
        if (l->alarm_ms[i] != 0 && (first == 0 || l->alarm_ms[i] < first))
            first = l->alarm_ms[i];
    return first;
}

/*
 * A timer that fires before an alarm is due is set again then: pushing an alarm back costs
 * nothing.
 */
static void arm(struct s2_link *l)
{
    uint64_t first = first_alarm(l);
    uint64_t now = s2_now_ms(l->w);

    if (first == 0 || (l->timer_ms != 0 && l->timer_ms <= first))
        return;
    l->timer_ms = first;
    s2_host->timer->start(l->timer, first > now ? first - now : 0);
}

void s2_link_alarm(struct s2_link *l, enum link_alarm which, uint64_t delay_ms)
{
    l->alarm_ms[which] = s2_now_ms(l->w) + delay_ms;
    arm(l);
}

void s2_link_alarm_off(struct s2_link *l, enum link_alarm which)
{
    l->alarm_ms[which] = 0;
}

void s2_link_kick(struct s2_link *l)
{
    if (l->alarm_ms[LINK_ALARM_WORK] == 0)
        s2_link_alarm(l, LINK_ALARM_WORK, 0);
}

/* Those that others read live as long as their connection; a component's is let go in a drain. */
static int is_wanted(const struct s2_link *l)
{
    if (l->leases != NULL || l->asks != NULL)
        return 1;
    if (l->kind == LINK_OURS)
        return l->retiring == NULL && s2_out_pairs_live(l);
    return l->conn != NULL && !(l->kind == LINK_COMPONENT && l->draining);
}

void s2_link_if_idle(struct s2_link *l)
{
    if (is_wanted(l) || l->state >= LINK_CLOSING)
        return;
    if (l->conn == NULL) {
        s2_link_note(l, S2_FAIL_IDLE, "nobody needs it any more");
        s2_link_fail(l);
    } else {
        s2_link_goodbye(l, S2_FAIL_IDLE, S2_E_NONE, l->retiring != NULL ? l->retiring : "done");
    }
}

/* What came since the last turn: new leases and asks, or none that are left. */
static void work(struct s2_link *l)
{
    if (l->kill) {
        s2_link_note(l, S2_FAIL_LOST, "given up by its user");
        s2_link_fail(l);
        return;
    }
    s2_link_if_idle(l);
    if (l->state == LINK_RESOLVE && !l->started) {
        l->started = 1;
        s2_targets_start(l);
    } else if (l->state == LINK_READY) {
        s2_out_ready(l);
    } else if (l->state == LINK_VERIFIED) {
        s2_out_results(l);
        s2_asks_send(l);
        s2_link_rearm(l);
    }
}

static void look(struct s2_link *l)
{
    l->patient = 0;
    s2_dialler_step(l);
}

static void (*const alarms[LINK_ALARMS])(struct s2_link *l) = {
    [LINK_ALARM_WORK] = work,
    [LINK_ALARM_STAGGER] = look,
    [LINK_ALARM_BUDGET] = s2_dialler_late,
    [LINK_ALARM_RETIRE] = s2_link_retire_late,
};

static void fired(struct xmb_worker *worker, void *arg)
{
    struct s2_link *l = arg;
    uint64_t now = s2_now_ms(l->w);
    unsigned i;

    (void)worker;
    s2_link_enter(l);
    l->timer_ms = 0;
    for (i = 0; i < LINK_ALARMS; i++) {
        if (l->alarm_ms[i] == 0 || l->alarm_ms[i] > now)
            continue;
        l->alarm_ms[i] = 0;
        alarms[i](l);
    }
    arm(l);
    s2_link_leave(l);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void s2_link_rearm(struct s2_link *l)
{
    uint64_t now = s2_now_ms(l->w);
    const struct s2_lease *e;
    const struct s2_ask *a;
    uint64_t due = 0;

    if (l->conn == NULL || l->kind != LINK_OURS ||
        (l->state != LINK_READY && l->state != LINK_VERIFIED))
        return;
    for (e = l->leases; e != NULL; e = e->next)
        if (e->state == LEASE_ASKED)
            due = sooner(due, e->due_ms);
    for (a = l->asks; a != NULL; a = a->next)
        if (a->asked)
            due = sooner(due, a->due_ms);
    s2_host->conn->deadline(l->conn, XMB_DEADLINE_ONCE,
                            due == 0 ? 0 : due > now ? due - now : 1);
}

/* --- birth and death ------------------------------------------------------------------------- */

struct s2_link *s2_link_new(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                            const struct s2_domain *remote)
{
    struct s2_link *l;

    if (w->links->count >= LINK_MAX)
        return NULL;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->timer = s2_host->timer->create(w->worker, w->module->module, fired, l);
    if (l->timer == NULL) {
        free(l);
        return NULL;
    }
    l->w = w;
    l->side = side;
    l->local = *local;
    l->remote = *remote;
    l->patient = 1;
    l->stanza_ms = s2_now_ms(w);
    snprintf(l->object, sizeof(l->object), "%s", remote->text);
    insert(l);
    s2_link_kick(l);
    return l;
}

void s2_link_free_all(struct s2_link *l)
{
    take_out(l);
    s2_dialler_stop(l);
    s2_targets_free(l);
    s2_reader_free(l->reader);
    s2_host->timer->destroy(l->timer);
    free(l->owed);
    free(l);
}

void s2_link_enter(struct s2_link *l)
{
    l->in++;
}

void s2_link_leave(struct s2_link *l)
{
    if (--l->in == 0 && l->state == LINK_DEAD && l->conns == 0 && !is_wanted(l))
        s2_link_free_all(l);
}

int s2_link_write(struct s2_link *l, struct xmb_str octets)
{
    int rc = s2_host->conn->write(l->conn, octets);

    if (rc == 0) {
        l->position.written += octets.n;
        l->written_ms = s2_now_ms(l->w);
    } else if (rc != XMB_ECLOSED && l->state < LINK_READY) {
        s2_host->conn->reset(l->conn, "no room to write");
    }
    return rc;
}

static int owe(struct s2_link *l, struct xmb_str octets)
{
    char *owed = l->owed_n + octets.n <= LINK_OWED_MAX ? realloc(l->owed, l->owed_n + octets.n)
                                                       : NULL;

    if (owed == NULL)
        return XMB_ELIMIT;
    memcpy(owed + l->owed_n, octets.p, octets.n);
    l->owed = owed;
    l->owed_n += octets.n;
    return 1;
}

int s2_link_answer(struct s2_link *l, struct xmb_str octets)
{
    int rc = s2_link_owes(l) ? XMB_EAGAIN : s2_link_write(l, octets);

    return rc == XMB_EAGAIN ? owe(l, octets) : rc;
}

/* Not behind our own end; who reads an adopted one sees to that himself. */
static void pay(struct s2_link *l)
{
    if (!s2_link_owes(l) || (l->kind == LINK_OURS && l->state >= LINK_CLOSING) ||
        s2_link_write(l, xmb_str_n(l->owed, l->owed_n)) < 0)
        return;
    free(l->owed);
    l->owed = NULL;
    l->owed_n = 0;
    if (l->kind == LINK_OURS)
        s2_out_unpause(l);
}

/* --- callbacks of the protocol role ---------------------------------------------------------- */

void s2_link_writable(struct s2_link *l, struct xmb_conn *conn)
{
    if (conn != l->conn)
        return;
    s2_link_enter(l);
    pay(l);
    if (l->state == LINK_VERIFIED && !s2_link_owes(l)) {
        s2_leases_writable(l);
        s2_link_kick(l); /* a db:result may have found no room */
    }
    s2_link_leave(l);
}

void s2_link_secured(struct s2_link *l, struct xmb_conn *conn)
{
    if (conn != l->conn)
        return;
    s2_link_enter(l);
    s2_link_event(l, LEV_SECURED, NULL);
    s2_link_leave(l);
}

void s2_link_expired(struct s2_link *l, struct xmb_conn *conn, uint32_t which)
{
    if (conn != l->conn || which != XMB_DEADLINE_ONCE)
        return;
    s2_link_enter(l);
    s2_link_event(l, LEV_EXPIRED, NULL);
    s2_link_leave(l);
}

void s2_link_closed(struct s2_link *l, struct xmb_conn *conn, const char *why)
{
    s2_link_enter(l);
    l->conns--;
    if (l->kind != LINK_INCOMING)
        S2_COUNT(l->w, S2_M_STREAMS_OUT, UINT64_MAX); /* a gauge: one less, modulo 2^64 */
    if (conn == l->conn) {
        if (l->was_verified)
            s2_position_final(l, conn, &l->left, &l->acked);
        if (l->state == LINK_VERIFIED)
            s2_out_unanswered(l);
        l->conn = NULL;
        s2_out_drop_reader(l);
        s2_out_pairs_drop(l);
        s2_link_event(l, LEV_CLOSED, why != NULL ? why : "closed");
    }
    s2_link_leave(l);
}
