/* SPDX-License-Identifier: MIT */
/*
 * barrier_here.c - a barrier that is asked on the lease itself, behind its ping (out_read.c).
 *
 * The peer may have no stream on which it could answer a ping, nor make one: ejabberd opens none
 * for five minutes after an attempt that failed. One that is known to answer is asked a little
 * later, before it is held up for that; of one that is not known its first answer is waited for
 * longer, as it has to dial and to verify itself first. At once when nothing else was answered the
 * last time. One that ended its stream when it was asked, twice in a row, is not asked again: once
 * may be a process that was in trouble, for that is when a peer is asked first.
 */
#include "barrier_priv.h"

#define KNOWN_MS 1500 /* so old is a barrier that is asked here too */
#define UNKNOWN_MS 4000

/* With a short `timeout` the peer would be dead before. */
static int is_time(const struct s2_flow *f, uint64_t now_ms)
{
    uint64_t age_ms = now_ms - f->barrier_last_ms, most_ms = f->w->conf->barrier_timeout_ms / 4;

    if (f->answers_here)
        return 1;
    if (age_ms < s2_least(KNOWN_MS, most_ms))
        return 0;
    return age_ms >= s2_least(UNKNOWN_MS, most_ms) || s2_barrier_answers(f);
}

static int may_ask(const struct s2_flow *f)
{
    return s2_lease_can_answer(f->lease) &&
           s2_barrier_peer(f->w->flows, &f->to).here != S2_HERE_ENDED;
}

void s2_barrier_ask_here(struct s2_flow *f, uint64_t now_ms)
{
    char id[S2_BARRIER_ID_MAX];

    if (f->barrier_is_sm || f->asked_here || !is_time(f, now_ms) || !may_ask(f))
        return;
    s2_barrier_id_write(f->w, f->barrier, 1, id);
    if (s2_lease_question(f->lease, xmb_str(id)) != 0)
        return; /* another flow's, or no room: the next tick */
    f->asked_here = 1;
    S2_COUNT(f->w, S2_M_BARRIERS_HERE, 1);
}

/* --- the answer ------------------------------------------------------------------------------ */

static void note_answer(struct s2_flow *f)
{
    if (!f->answers_here)
        S2_LOG(f->w->module->module, XMB_LOG_INFO, "here", f->to.text,
               "has not answered a ping from %s yet: it is asked on our stream, too",
               f->from.text);
    f->answers_here = 1;
    s2_barrier_remember_here(f->w->flows, &f->to, S2_HERE_ANSWERED);
}

/* It may be another flow's question that is answered. */
static void answered(struct s2_flow *f)
{
    s2_confirm_end(f, s2_lease_read_end(f->lease));
    if (f->barrier != 0 && s2_barrier_was_read(f)) {
        if (f->asked_here)
            note_answer(f);
        s2_barrier_settle(f);
        return;
    }
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

/*
 * One that has answered before had another reason. Of the flows on the stream the one that asked
 * counts: an end is counted once.
 */
static void ended(struct s2_flow *f)
{
    switch ((enum s2_here)s2_barrier_peer(f->w->flows, &f->to).here) {
    case S2_HERE_UNKNOWN:
        if (f->asked_here)
            s2_barrier_remember_here(f->w->flows, &f->to, S2_HERE_DOUBTED);
        return;
    case S2_HERE_DOUBTED:
        if (!f->asked_here)
            return;
        S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "shun", f->to.text,
               "has ended the stream twice when it was asked how far it has read: it is not asked "
               "so again");
        s2_barrier_remember_here(f->w->flows, &f->to, S2_HERE_ENDED);
        return;
    case S2_HERE_ANSWERED:
    case S2_HERE_ENDED:
        return;
    }
}

void s2_barrier_here(struct s2_flow *f, int is_answer)
{
    if (is_answer)
        answered(f);
    else
        ended(f);
}
