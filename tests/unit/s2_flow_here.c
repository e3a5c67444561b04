/* SPDX-License-Identifier: MIT */
/* s2_flow_here.c - a peer that can be asked on the lease itself. */
#include "s2_flow_here.h"

void ready(void)
{
    assert_non_null(out());
    out()->has_dialback = 1;
    rig_ready(out());
}

void known_to_answer(void)
{
    put("0");
    ready();
    rig_advance(200);
    rig_read_all(out(), 1);
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
    rig_advance(2000);
}

void read_here(void)
{
    rig_read_all(out(), 0);
}

size_t pings(const struct s2_lease *l)
{
    size_t i, n = 0;

    for (i = 0; i < l->sent_count; i++)
        n += l->sent[i].is_ping != 0;
    return n;
}

void answers_only_here(void)
{
    put("1");
    ready();
    rig_advance(LATER_MS + 300);
    read_here();
    rig_answer(out());
    assert_int_equal(rig_metric(S2_M_CONFIRMED), 1);
}
