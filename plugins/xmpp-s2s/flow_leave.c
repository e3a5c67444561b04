/* SPDX-License-Identifier: MIT */
/*
 * flow_leave.c - a flow goes over to another stream while its own is still good (link_retire.c).
 *
 * FLOW_LEAVING has a lease and sends no stanza on it: what comes in waits. It asks for what is not
 * confirmed at the quick pace of confirm.c, and with the last answer closes the lease; what waits
 * gets another one at once. When the answer does not come the lease ends, as it may at any time.
 * When the broker stops no stream is opened any more: it is FLOW_FLOWING again, on the old one.
 */
#include "flow_priv.h"

void s2_flow_retired(struct s2_flow *f)
{
    if (f->w->flows->drain == S2_DRAIN_NOT)
        s2_flow_event(f, FLOW_RETIRE, NULL);
}

static void go(struct s2_flow *f)
{
    f->failures = 0;
    f->verified_ms = s2_now_ms(f->w);
    s2_flow_event(f, s2_ring_waiting(f) > 0 ? FLOW_TRY : FLOW_REST, NULL);
}

void s2_flow_leave(struct s2_flow *f)
{
    if (f->ring.sent > 0)
        s2_confirm_tick(f, s2_now_ms(f->w));
    if (f->state == FLOW_LEAVING && f->ring.sent == 0)
        go(f);
}
