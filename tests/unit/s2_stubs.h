/* SPDX-License-Identifier: MIT */
/*
 * s2_stubs.h - streams, links and flows of the gateway that do nothing, for tests of what stands
 * around them: configuration, admission, commands. What `show` walks over is set here.
 */
#ifndef S2_STUBS_H
#define S2_STUBS_H

#include "flow.h"
#include "incoming.h"
#include "link.h"
#include "show.h"

struct s2_stubs {
    const struct s2_connection *in, *out; /* walked over */
    size_t in_count, out_count;
    const struct s2_flow_facts *flows;
    size_t flow_count;
    uint64_t cleared[8]; /* ids that were cleared, of streams and links */
    size_t cleared_count;
    unsigned opened_in, opened_out, data_in, data_out, closed_in, closed_out;
    unsigned rechecks;      /* how often all three were asked */
    uint64_t drained_ms;    /* what s2_flow_drain was given */
    uint32_t drained_conns; /* streams and links told to end */
};
extern struct s2_stubs s2_stubs;

#endif
