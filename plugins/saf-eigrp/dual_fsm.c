/* SPDX-License-Identifier: MIT */
/*
 * dual_fsm.c - DUAL's states and events (RFC 7868, 3.5) as a table, and what is done on the way.
 *
 * se_dual_event is told what happened after the topology table has it. It names the event of the
 * RFC, and the table says what is next. One cause can be two events: the death of the successor
 * that also was the last to reply is (9), then (11) or (14).
 *
 * Where the RFC's words are loose, what the algorithm needs:
 *   - What we report in a query is the distance by way of the successor that is, worse as it is. It
 *     stays frozen. In active 1 and 3 the successor was never worse since, so that the least
 *     distance at the end is no more than what all neighbours have been told: FD may become it.
 *     This is what active 0 and 2 are for, and why (9) and (10) are any way of becoming worse than
 *     reported: update, reply, link.
 *   - (9) and (10) count as the successor's reply only when it is gone. One that merely became
 *     dearer does reply, and its reply must not be taken for one to the next query.
 *   - (11), (12), (14), (16): feasible is who is nearer than what we reported when we went active;
 *     the explanation of (5) says so.
 *   - A query of the successor while we already owe it a reply changes nothing but its distance.
 */
#include "dual_priv.h"

/* One event on its way through the table. */
struct step_in {
    enum se_dual_cause cause;
    unsigned peer;
    struct se_choice choice;
};

static void last_reply(struct se_dual *d, struct se_dual_entry *e);

static int is_question(enum se_dual_cause cause)
{
    return cause == CAUSE_QUERY || cause == CAUSE_SIA_QUERY;
}

/* What we report from now on. */
static void report(struct se_dual *d, struct se_dual_entry *e, const struct se_path *p)
{
    if (p != NULL && se_dual_is_finite(&p->computed)) {
        se_dual_path_metric(d, p, &e->metric);
        e->origin = p->origin;
    } else {
        se_metric_set_unreachable(&e->metric);
    }
    se_dual_distance(d, &e->metric, &e->distance);
}

static void answer(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    if (in->cause == CAUSE_SIA_QUERY)
        se_dual_send_sia_reply(d, e, in->peer, 0);
    else if (in->cause == CAUSE_QUERY)
        se_dual_send(d, e, SE_DUAL_REPLY, in->peer);
}

/* Passive, with this successor or none. `in` is a query to answer or NULL, `owed` likewise. */
static void settle_on(struct se_dual *d, struct se_dual_entry *e, const struct se_path *p,
                      const struct step_in *in, unsigned owed)
{
    const struct se_origin *old_origin = e->origin;
    struct se_metric old_metric = e->metric;
    unsigned old_successor = e->successor;
    int is_changed;

    e->successor = p != NULL ? p->peer : SE_DUAL_NONE;
    report(d, e, p);
    if (se_distance_less(&e->distance, &e->feasible))
        e->feasible = e->distance;
    is_changed = !se_metric_equal(&old_metric, &e->metric) || old_origin != e->origin ||
                 e->is_flood_due;
    e->is_flood_due = 0;
    if (in != NULL && is_question(in->cause)) {
        answer(d, e, in);
        owed = in->peer;
    } else if (owed != SE_DUAL_NONE) {
        se_dual_send(d, e, SE_DUAL_REPLY, owed);
    }
    se_dual_spread(d, e, is_changed, owed);
    if (e->is_hidden && (old_successor != e->successor || old_origin != e->origin))
        se_dual_due(d, e, NULL, 0); /* it is the way that has to stand for the time */
    se_dual_settle(d, e);
    se_dual_show(d, e, is_changed || old_successor != e->successor);
    if (in == NULL || old_successor != e->successor)
        se_dual_chase(d, e);
    if (is_changed)
        d->counts.local_computations++;
}

static void ask(struct se_dual *d, struct se_dual_entry *e)
{
    const struct se_origin *before = e->origin;

    report(d, e, se_dual_path(e, e->successor));
    if (e->origin != before)
        e->is_flood_due = 1; /* a query tells of the other originator, and has no data */
    d->counts.diffusing_computations++;
    se_dual_ask(d, e);
}

/* --- actions ---------------------------------------------------------------------------------- */

static void stay(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    settle_on(d, e, in->choice.path, in, SE_DUAL_NONE);
}

static void begin_own(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    ask(d, e);
    answer(d, e, in);
    if (e->reply_count == 0)
        last_reply(d, e);
}

static void begin_asked(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    e->owed = (uint16_t)in->peer;
    ask(d, e);
    if (in->cause == CAUSE_SIA_QUERY && e->reply_count > 0)
        se_dual_send_sia_reply(d, e, in->peer, 1);
    if (e->reply_count == 0)
        last_reply(d, e);
}

static void owe(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    e->owed = (uint16_t)in->peer;
    if (in->cause == CAUSE_SIA_QUERY)
        se_dual_send_sia_reply(d, e, in->peer, 1);
}

static void nothing(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    (void)d;
    (void)e;
    (void)in;
}

static void ask_again(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    (void)in;
    ask(d, e);
    if (e->reply_count == 0)
        last_reply(d, e);
}

static void finish(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    unsigned owed = e->owed;

    e->owed = SE_DUAL_NONE;
    se_dual_ask_over(e);
    settle_on(d, e, in->choice.path, NULL, owed);
}

/* Nobody believes anything nearer of us than what we reported: FD may start again from there. */
static void finish_feasible(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    e->feasible = e->distance;
    finish(d, e, in);
}

static void finish_reset(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    se_distance_set_infinite(&e->feasible);
    finish(d, e, in);
}

/* --- the table -------------------------------------------------------------------------------- */

#define EVERY SE_DUAL_STATES /* with an event of all active states: no change of state */

struct step {
    uint8_t is_there;
    uint8_t next;
    void (*action)(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in);
};

#define ALL_ACTIVE                                                                                 \
    [SE_DUAL_QUERY_ACTIVE] = {1, EVERY, answer}, [SE_DUAL_CHANGE_ACTIVE] = {1, EVERY, nothing},    \
    [SE_DUAL_REPLY_MORE] = {1, EVERY, nothing}

static const struct step steps[SE_DUAL_STATES][SE_DUAL_EVENTS] = {
    [SE_DUAL_PASSIVE] =
        {
            [SE_DUAL_QUERY_PASSIVE] = {1, SE_DUAL_PASSIVE, stay},
            [SE_DUAL_CHANGE_PASSIVE] = {1, SE_DUAL_PASSIVE, stay},
            [SE_DUAL_QUERY_LOST] = {1, SE_DUAL_ACTIVE3, begin_asked},
            [SE_DUAL_LOST] = {1, SE_DUAL_ACTIVE1, begin_own},
        },
    [SE_DUAL_ACTIVE0] =
        {
            ALL_ACTIVE,
            [SE_DUAL_QUERY_OF_SUCCESSOR] = {1, SE_DUAL_ACTIVE2, owe},
            [SE_DUAL_LAST_INFEASIBLE] = {1, SE_DUAL_ACTIVE1, ask_again},
            [SE_DUAL_LAST_FEASIBLE] = {1, SE_DUAL_PASSIVE, finish_feasible},
        },
    [SE_DUAL_ACTIVE1] =
        {
            ALL_ACTIVE,
            [SE_DUAL_QUERY_OF_SUCCESSOR] = {1, SE_DUAL_ACTIVE2, owe},
            [SE_DUAL_WORSE_OWN] = {1, SE_DUAL_ACTIVE0, nothing},
            [SE_DUAL_LAST_OWN] = {1, SE_DUAL_PASSIVE, finish_reset},
        },
    [SE_DUAL_ACTIVE2] =
        {
            ALL_ACTIVE,
            [SE_DUAL_QUERY_OF_SUCCESSOR] = {1, EVERY, owe},
            [SE_DUAL_LAST_INFEASIBLE_ASKED] = {1, SE_DUAL_ACTIVE3, ask_again},
            [SE_DUAL_LAST_FEASIBLE_ASKED] = {1, SE_DUAL_PASSIVE, finish_feasible},
        },
    [SE_DUAL_ACTIVE3] =
        {
            ALL_ACTIVE,
            [SE_DUAL_QUERY_OF_SUCCESSOR] = {1, EVERY, owe},
            [SE_DUAL_WORSE_ASKED] = {1, SE_DUAL_ACTIVE2, nothing},
            [SE_DUAL_LAST_ASKED] = {1, SE_DUAL_PASSIVE, finish_reset},
        },
};

static void change_state(struct se_dual *d, struct se_dual_entry *e, unsigned next)
{
    if (next == e->state)
        return;
    if (next == SE_DUAL_PASSIVE || e->state == SE_DUAL_PASSIVE) {
        se_dual_due(d, e, NULL, 0);
        if (next == SE_DUAL_PASSIVE)
            d->counts.active--;
        else
            d->counts.active++;
        e->since_ms = d->now_ms;
    }
    e->state = (uint8_t)next;
}

static void step(struct se_dual *d, struct se_dual_entry *e, enum se_dual_event event,
                 const struct step_in *in)
{
    const struct step *s = &steps[e->state][event];
    unsigned from = e->state;

    assert(s->is_there);
    if (s->next != EVERY)
        change_state(d, e, s->next);
    if (d->ops->trace != NULL)
        d->ops->trace(d->arg, e, event, (enum se_dual_state)from, in->peer);
    s->action(d, e, in);
}

/* --- from causes to events -------------------------------------------------------------------- */

/* Nothing there and nothing was: that is as feasible as it gets. */
static int is_settled(const struct se_dual_entry *e, const struct se_choice *c)
{
    return c->path != NULL || (!c->has_any && !se_dual_is_finite(&e->distance));
}

static void passive(struct se_dual *d, struct se_dual_entry *e, struct step_in *in)
{
    int is_asked_by_successor = is_question(in->cause) && in->peer == e->successor;

    se_dual_choose(e, &e->feasible, &in->choice);
    if (is_settled(e, &in->choice))
        step(d, e, is_question(in->cause) && !is_asked_by_successor ? SE_DUAL_QUERY_PASSIVE
                                                                    : SE_DUAL_CHANGE_PASSIVE, in);
    else
        step(d, e, is_asked_by_successor ? SE_DUAL_QUERY_LOST : SE_DUAL_LOST, in);
}

/* The successor is dearer than what we reported when we asked. */
static int is_worse(const struct se_dual_entry *e)
{
    const struct se_path *p = se_dual_path(e, e->successor);

    if (p == NULL)
        return se_dual_is_finite(&e->distance);
    return se_distance_less(&e->distance, &p->computed);
}

static int step_worse(struct se_dual *d, struct se_dual_entry *e, const struct step_in *in)
{
    int is_own = e->state == SE_DUAL_ACTIVE1;

    if ((!is_own && e->state != SE_DUAL_ACTIVE3) || !is_worse(e))
        return 0;
    step(d, e, is_own ? SE_DUAL_WORSE_OWN : SE_DUAL_WORSE_ASKED, in);
    return 1;
}

static void active(struct se_dual *d, struct se_dual_entry *e, struct step_in *in)
{
    int is_of_successor = in->peer == e->successor;
    int is_reply = 0;

    if (is_question(in->cause)) {
        step(d, e, is_of_successor ? SE_DUAL_QUERY_OF_SUCCESSOR : SE_DUAL_QUERY_ACTIVE, in);
        step_worse(d, e, in);
        return;
    }
    if (in->cause == CAUSE_DOWN) {
        if (is_of_successor)
            e->successor = SE_DUAL_NONE;
        if (e->owed == in->peer)
            e->owed = SE_DUAL_NONE;
    }
    if (in->cause != CAUSE_CHANGE)
        is_reply = se_dual_replied(d, e, in->peer, in->cause == CAUSE_REPLY);
    if (!step_worse(d, e, in) && (!is_reply || e->reply_count > 0))
        step(d, e, is_reply ? SE_DUAL_REPLY_MORE : SE_DUAL_CHANGE_ACTIVE, in);
    if (e->reply_count == 0)
        last_reply(d, e);
}

static void last_reply(struct se_dual *d, struct se_dual_entry *e)
{
    struct se_distance infinite;
    struct step_in in = {.cause = CAUSE_CHANGE, .peer = SE_DUAL_NONE};
    int is_asked = e->state == SE_DUAL_ACTIVE2 || e->state == SE_DUAL_ACTIVE3;

    if (e->state == SE_DUAL_ACTIVE1 || e->state == SE_DUAL_ACTIVE3) {
        se_distance_set_infinite(&infinite);
        se_dual_choose(e, &infinite, &in.choice);
        step(d, e, is_asked ? SE_DUAL_LAST_ASKED : SE_DUAL_LAST_OWN, &in);
        return;
    }
    se_dual_choose(e, &e->distance, &in.choice);
    if (is_settled(e, &in.choice))
        step(d, e, is_asked ? SE_DUAL_LAST_FEASIBLE_ASKED : SE_DUAL_LAST_FEASIBLE, &in);
    else
        step(d, e, is_asked ? SE_DUAL_LAST_INFEASIBLE_ASKED : SE_DUAL_LAST_INFEASIBLE, &in);
}

void se_dual_event(struct se_dual *d, struct se_dual_entry *e, enum se_dual_cause cause,
                   unsigned peer)
{
    struct step_in in = {.cause = cause, .peer = peer};

    if (e->state != SE_DUAL_PASSIVE) {
        active(d, e, &in);
        return;
    }
    if (cause == CAUSE_DOWN && peer == e->successor)
        e->successor = SE_DUAL_NONE;
    if (cause != CAUSE_REPLY)
        passive(d, e, &in);
}

/* --- names ------------------------------------------------------------------------------------ */

const char *se_dual_state_name(enum se_dual_state state)
{
    static const char *const names[SE_DUAL_STATES] = {
        [SE_DUAL_ACTIVE0] = "active 0", [SE_DUAL_ACTIVE1] = "active 1",
        [SE_DUAL_ACTIVE2] = "active 2", [SE_DUAL_ACTIVE3] = "active 3",
        [SE_DUAL_PASSIVE] = "passive",
    };

    return (unsigned)state < SE_DUAL_STATES ? names[state] : "unknown";
}

const char *se_dual_event_name(enum se_dual_event event)
{
    static const char *const names[SE_DUAL_EVENTS] = {
        [SE_DUAL_QUERY_PASSIVE] = "query, one is feasible",
        [SE_DUAL_CHANGE_PASSIVE] = "change, one is feasible",
        [SE_DUAL_QUERY_LOST] = "query of successor, none is feasible",
        [SE_DUAL_LOST] = "change, none is feasible",
        [SE_DUAL_QUERY_OF_SUCCESSOR] = "query of successor while active",
        [SE_DUAL_QUERY_ACTIVE] = "query while active",
        [SE_DUAL_CHANGE_ACTIVE] = "change while active",
        [SE_DUAL_REPLY_MORE] = "reply, more to come",
        [SE_DUAL_WORSE_OWN] = "successor worse",
        [SE_DUAL_WORSE_ASKED] = "successor that asked worse",
        [SE_DUAL_LAST_INFEASIBLE] = "last reply, none is feasible",
        [SE_DUAL_LAST_INFEASIBLE_ASKED] = "last reply, successor asked, none is feasible",
        [SE_DUAL_LAST_ASKED] = "last reply, successor asked",
        [SE_DUAL_LAST_FEASIBLE] = "last reply, one is feasible",
        [SE_DUAL_LAST_OWN] = "last reply, own question",
        [SE_DUAL_LAST_FEASIBLE_ASKED] = "last reply, successor asked, one is feasible",
    };

    return (unsigned)event < SE_DUAL_EVENTS && names[event] != NULL ? names[event] : "unknown";
}
