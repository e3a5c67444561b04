/* SPDX-License-Identifier: MIT */
/*
 * flow_show.c - what `show federation domains` is told of a flow.
 */
#include "flow_priv.h"

static void fill(const struct s2_flow *f, struct s2_flow_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->from = &f->from;
    facts->to = &f->to;
    facts->to_side = (enum s2_side)f->to_side;
    facts->state = s2_flow_state_name(f);
    facts->waiting = s2_ring_waiting(f);
    facts->unconfirmed = f->ring.sent;
    facts->waiting_bytes = f->ring.wait_bytes;
    facts->last_error = f->last_error_ms != 0 ? f->last_error : NULL;
    facts->last_error_ms = f->last_error_ms;
    facts->next_try_ms = f->state == FLOW_BACKOFF ? f->next_try_ms : 0;
    facts->delivered = f->delivered;
    facts->bounced = f->bounced;
    facts->resent = f->resent;
}

void s2_flow_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_flow_facts *f),
                  void *arg)
{
    struct s2_flow_facts facts;
    const struct s2_flow *f;

    for (f = w->flows->all; f != NULL; f = f->all_next) {
        fill(f, &facts);
        fn(arg, &facts);
    }
}
