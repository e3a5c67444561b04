/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a ping (XEP-0199) from our domain to the peer's, sent behind the stanzas of a flow:
 * when its result, or an error, comes back on a stream of the peer, all that was sent before it was
 * read. The ids of these pings are barrier_id.c's, what happens when there is no answer, and the
 * other way to ask, barrier_watch.c's and barrier_here.c's, and who answers at all
 * barrier_peers.c's.
 *
 * A peer that is known to answer is also asked when nothing has shown for keepalive_ms that it
 * reads (s2_barrier_nudge), so that a process that stands still is found though nobody writes to
 * it. Such a ping counts as no activity. The time of a barrier runs from the last proof before it,
 * as far back as keepalive_ms: however the outage lies to the pings, it is found barrier_timeout_ms
 * after the last proof.
 */
#include "barrier_priv.h"

#include <stdlib.h>

/* --- out ------------------------------------------------------------------------------------- */

int s2_barrier_ping(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1], id[S2_BARRIER_ID_MAX];
    struct s2_text text;
    struct xmb_part part;

    s2_barrier_id_write(f->w, number, is_idle, id);
    s2_text_begin(&text);
    s2_write_ping(&text, s2_domain_wire(&f->from, from), s2_domain_wire(&f->to, to), xmb_str(id));
    if (is_idle)
        return s2_lease_ask(f->lease, s2_text_str(&text), end);
    part = (struct xmb_part){NULL, text.p, text.n};
    return s2_lease_send(f->lease, &part, 1, end);
}

/* The counter of the lease goes on with pings, as the peer's does. */
static int send_one(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end)
{
    int rc;

    f->barrier_is_sm = f->has_sm;
    if (f->has_sm)
        return s2_lease_request(f->lease);
    rc = s2_barrier_ping(f, number, is_idle, end);
    if (rc == 0)
        f->lease_seq++;
    return rc;
}

/*
 * How long before now the last proof is, at most what the sweep leaves between two; half of the
 * time is there for the answer in any case.
 */
static uint64_t silent_ms(const struct s2_flow *f, uint64_t now_ms)
{
    const struct s2_conf *c = f->w->conf;
    uint64_t proved_ms = s2_lease_proved_ms(f->lease), most_ms = c->barrier_timeout_ms / 2;

    if (c->keepalive_ms == 0 || proved_ms == 0 || proved_ms > now_ms)
        return 0;
    if (!f->barrier_is_sm && !s2_barrier_answers(f))
        return 0;
    return s2_least(now_ms - proved_ms, s2_least(c->keepalive_ms + LINK_SWEEP_MS, most_ms));
}

static void note_sent(struct s2_flow *f, uint64_t now_ms, uint64_t end)
{
    f->barrier = ++f->w->flows->barriers;
    f->barrier_last_ms = now_ms;
    f->barrier_ms = now_ms - silent_ms(f, now_ms);
    f->asked_ms = now_ms;
    f->was_blamed = f->asked_here = 0;
    f->barrier_end = end;
    f->stuck_ms = 0;
    S2_COUNT(f->w, S2_M_BARRIERS, 1);
}

void s2_barrier_send(struct s2_flow *f, uint64_t now_ms)
{
    uint64_t end = 0;
    int rc = send_one(f, f->w->flows->barriers + 1, 0, &end);

    if (rc == XMB_EAGAIN) {
        f->held_up = !f->barrier_is_sm; /* a request is no stanza: no `writable` follows it */
        if (f->stuck_ms == 0)
            f->stuck_ms = now_ms;
    } else if (rc == XMB_ECLOSED) {
        f->closing = 1;
    } else if (rc == 0) {
        note_sent(f, now_ms, end);
    }
}

static int may_ask(struct s2_flow *f)
{
    if (f->state != FLOW_FLOWING || f->closing || f->w->flows->drain != S2_DRAIN_NOT ||
        f->w->conf->confirm == S2_CONFIRM_NONE || s2_confirm_by_tcp(f))
        return 0;
    f->has_sm = s2_lease_has_sm(f->lease) != 0;
    return f->has_sm || s2_barrier_answers(f);
}

int s2_barrier_nudge(struct s2_flow *f)
{
    uint64_t now_ms = s2_now_ms(f->w), end = 0;

    if (!may_ask(f))
        return 0;
    if (f->ring.sent > 0)
        return 1; /* it asks by itself */
    if (f->barrier != 0)
        s2_barrier_watch(f, now_ms);
    else if (send_one(f, f->w->flows->barriers + 1, 1, &end) == 0)
        note_sent(f, now_ms, end);
    return 1; /* one that found no room is sent by the next sweep */
}

/* --- the answer ------------------------------------------------------------------------------ */

void s2_barrier_settle(struct s2_flow *f)
{
    f->barrier = 0;
    s2_confirm_end(f, f->barrier_end);
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

struct answer {
    struct s2_post post;
    uint64_t number;
    struct s2_domain from, to;
};

/* The flow whose barrier that is; NULL: it is settled. Pings are answered, in any case. */
static struct s2_flow *asker(struct s2_worker *w, const struct s2_route *r, uint64_t number)
{
    struct s2_flow *f = s2_flow_find(w, r);

    if (f == NULL)
        return NULL;
    f->answers_here = 0;
    return f->barrier == number && !f->barrier_is_sm ? f : NULL;
}

static void answered(struct s2_worker *w, const struct s2_domain *from, const struct s2_domain *to,
                     uint64_t number)
{
    struct s2_route out = {S2_OUTSIDE, to, from}, in = {S2_INSIDE, to, from};
    struct s2_flow *f = asker(w, &out, number);

    if (f == NULL)
        f = asker(w, &in, number);
    if (f == NULL)
        return; /* late: what it would prove is settled */
    s2_barrier_remember(w->flows, &f->to, S2_PINGS_ANSWERED);
    s2_lease_read(f->lease, f->barrier_end);
    s2_barrier_settle(f);
}

static void answer_arrived(struct xmb_worker *xw, void *arg)
{
    struct answer *a = arg;

    if (xw != NULL)
        answered(s2_host->worker->state(xw, a->post.module), &a->from, &a->to, a->number);
    free(a);
}

static void pass_answer(struct s2_worker *w, uint32_t owner, const struct s2_domain *from,
                        const struct s2_domain *to, uint64_t number)
{
    struct answer *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return; /* as if it had been lost on its way */
    a->post.fn = answer_arrived;
    a->post.module = w->module->module;
    a->post.to = owner;
    a->post.bytes = sizeof(*a);
    a->number = number;
    a->from = *from;
    a->to = *to;
    s2_outbox_send(w->flows, &a->post);
}

int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s)
{
    uint64_t index = 0, number = 0;

    if (s->kind != S2_IQ || (s->type != S2_TYPE_RESULT && s->type != S2_TYPE_ERROR))
        return 0;
    if (!s2_barrier_id_read(w->flows, s, &index, &number))
        return 0;
    if (index == w->index)
        answered(w, from_domain, to, number);
    else if (index < w->count)
        pass_answer(w, (uint32_t)index, from_domain, to, number);
    return 1;
}
