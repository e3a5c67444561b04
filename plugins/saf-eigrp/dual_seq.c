/* SPDX-License-Identifier: MIT */
/*
 * dual_seq.c - which version of a service is newer: pure arithmetic, no table, no I/O.
 *
 * The problem. A service on the wire has a sequence of 32 bits, per originator (D07), and what is
 * older must never replace what is newer. A client has versions of its own, and after a reconnect
 * it publishes with the version that it had, though its withdrawal had a sequence too, and the
 * broker may have been killed and have forgotten everything. Were the client's version sent as it
 * is, the service would be taken for stale everywhere until the withdrawal is forgotten.
 *
 * The rule for the originator. Within one life of a service, from publish to withdrawal, the
 * client's version says *whether* there is something new: the same version with the same content
 * keeps its sequence. What is new, a publication, an update or a withdrawal, gets
 *
 *      sequence := the later of   last + 1        the last one that went out or was heard of
 *                         and     clock           sixteenths of a second since 1970, modulo 2^32
 *
 * so a lower or equal version after a withdrawal is new as well; the registry has already refused a
 * stale one within a life. After a kill, `last` is unknown and the clock is later than all that was
 * sent before, if that was less than 16 changes a second in the long run and the clock runs
 * forward; the sixteenth in which a process begins may have been used by the one before, so it is
 * not used. (If the clock goes back to the very number that was the last, nobody can tell the two
 * apart.) A sixteenth, where D07 proposes seconds, because a test or a script does change a service
 * several times a second, and restarts a broker in less than that many seconds; half the number
 * range is still four years.
 *
 * The correction, for when it was more or the clock went back. Whoever knows a later sequence of
 * ours has it in all it says about the service, in its table when we come up and in its poison
 * reverse; and when its successor advertises an older one than it knows, it requests the newer, and
 * the successor requests it of its own. So it comes to us. We raise ours far above it and flood
 * again. A wrong clock costs a round trip.
 *
 * The rule for receivers, per originator. Newer content replaces older, whoever brought it (D09).
 * A withdrawal by the originator ends content up to its own number and stays as a tombstone; what
 * is lower is refused, what is equal or higher lives (an originator of another make may withdraw
 * without a number of its own). When all paths to the originator are lost, the number stays and
 * the same or a newer one is taken when it comes back. But not the same one while the originator
 * itself, a neighbour, says a lower one: then what we know is of its former life, of which copies
 * may still come round by another way. What is merely mentioned is remembered as heard of and
 * refuses nothing.
 *
 * A number that refuses content is not kept for ever. An originator of another make may die
 * without a withdrawal, begin again with lower numbers and not raise them when it is asked: a way
 * leads to it, and nothing is shown. When that way has stood for as long as withdrawals are
 * remembered, passive, by the same successor and without a break, all numbers of the originator
 * are forgotten, and the successor is asked for what it has. That is safe: ways are free of loops
 * at every moment, so one that stood leads to the originator and not round to a neighbour's memory
 * of it, and what comes along it is the originator's own word; copies of a former life had ways of
 * their own, and those ended with it in a few round trips. Along a chain all hide at nearly the
 * same time: who has nothing to show says the number that it heard of, of the former life. So only
 * a lower number survives the forgetting, and otherwise the request has none, which means whatever
 * there is. Should the successor not have it yet, it floods when it has.
 *
 * The limit of that: it needs that all ways to the originator were gone for a moment. Where another
 * one stood, in a ring when it is back before the loss went round, content is shown all the time,
 * and it stays that of the former life until the originator's numbers are above it, or everybody
 * loses the originator. To hide there as well, when the successor has said less for long enough, is
 * no remedy. A lower number of the successor can also mean that it had no memory for the newer
 * content, and then stale data would replace newer; those further away would begin to hide only
 * when those before them ended, a time for each hop; and with two routers of one id, content would
 * change for ever.
 *
 * Ways and numbers. Old news about the way is news about the way, and DUAL believes it; only its
 * content is not shown. But a way that is older than the originator's withdrawal leads nowhere,
 * whatever the neighbour says who has not heard yet: it counts as unreachable, until something
 * newer of that originator is taken. Otherwise the copies of a service that is gone would be
 * believed one after the other, each a hop longer, until maximum-hops. The neighbour is sent a
 * request with the number of the withdrawal. That is the correction again: if the service is gone
 * it costs a message, and if its originator began anew with lower numbers it hears of it. One that
 * does not raise them, of another make, is believed when the withdrawal is forgotten.
 */
#include "dual_priv.h"

#define CLOCK_PER_S 16
/*
 * How far above a number of an earlier life ours is raised: this far, and less than that again, by
 * when this life began. Others may know of later numbers of earlier lives. Were ours one of
 * those, with other content, nobody would see that it is not the same.
 */
#define RAISE UINT32_C(4096)

int se_seq_newer(uint32_t a, uint32_t b)
{
    return a != b && a - b < UINT32_C(0x80000000);
}

static uint32_t sixteenths(uint64_t wall_ms)
{
    return (uint32_t)(wall_ms / 1000 * CLOCK_PER_S + wall_ms % 1000 * CLOCK_PER_S / 1000);
}

uint32_t se_seq_clock(uint64_t wall_ms, uint64_t start_wall_ms)
{
    uint32_t first = sixteenths(start_wall_ms) + 1;
    uint32_t now = sixteenths(wall_ms);

    return se_seq_newer(now, first) ? now : first;
}

static void advance(struct se_seq *s, uint32_t clock)
{
    if (s->state != SE_SEQ_UNUSED && !se_seq_newer(clock, s->wire))
        s->wire++;
    else
        s->wire = clock;
}

int se_seq_publish(struct se_seq *s, uint32_t version, int is_same, uint32_t clock)
{
    if (s->state == SE_SEQ_LIVE && s->version == version && is_same)
        return 0;
    advance(s, clock);
    if (s->state != SE_SEQ_LIVE)
        s->raises = 0;
    s->state = SE_SEQ_LIVE;
    s->version = version;
    return 1;
}

int se_seq_withdraw(struct se_seq *s, uint32_t clock)
{
    if (s->state != SE_SEQ_LIVE)
        return 0;
    advance(s, clock);
    s->state = SE_SEQ_WITHDRAWN;
    return 1;
}

int se_seq_heard(struct se_seq *s, uint32_t wire, uint64_t start_wall_ms)
{
    uint32_t raised = wire + RAISE + (uint32_t)(start_wall_ms % RAISE);

    if (s->state != SE_SEQ_UNUSED && !se_seq_newer(wire, s->wire))
        return 0;
    if (s->state != SE_SEQ_LIVE) {
        s->wire = raised;
        s->state = SE_SEQ_WITHDRAWN;
        return 0;
    }
    if (s->raises == SE_DUAL_RAISES_MAX)
        return XMB_ELIMIT;
    s->raises++;
    s->wire = raised;
    return 1;
}

enum se_seq_verdict se_seq_judge(const struct se_seq_known *k, uint32_t sequence)
{
    if (!k->is_known || se_seq_newer(sequence, k->held))
        return SE_SEQ_TAKE;
    if (sequence != k->held)
        return SE_SEQ_OLD;
    return k->has_content ? SE_SEQ_SAME : SE_SEQ_TAKE;
}

static int note_heard(struct se_seq_known *k, uint32_t sequence)
{
    if (k->is_heard && !se_seq_newer(sequence, k->heard))
        return 0;
    k->heard = sequence;
    k->is_heard = 1;
    return 1;
}

void se_seq_take(struct se_seq_known *k, uint32_t sequence)
{
    note_heard(k, sequence);
    k->held = sequence;
    k->is_known = 1;
    k->has_content = 1;
    k->is_withdrawn = 0;
}

int se_seq_mention(struct se_seq_known *k, uint32_t sequence)
{
    int was_heard = k->is_heard;

    return note_heard(k, sequence) && was_heard;
}

int se_seq_gone(struct se_seq_known *k, uint32_t sequence)
{
    if (k->is_known && se_seq_newer(k->held, sequence))
        return 0;
    if (k->is_known && k->held == sequence && k->is_withdrawn)
        return 0;
    note_heard(k, sequence);
    k->held = sequence;
    k->is_known = 1;
    k->has_content = 0;
    k->is_withdrawn = 1;
    return 1;
}

void se_seq_lost(struct se_seq_known *k)
{
    k->has_content = 0;
}

int se_seq_is_withdrawn(const struct se_seq_known *k)
{
    return k->is_withdrawn && k->heard == k->held;
}

int se_seq_is_taken_back(const struct se_seq_known *k, uint32_t sequence)
{
    return k->is_withdrawn && se_seq_newer(k->held, sequence);
}
