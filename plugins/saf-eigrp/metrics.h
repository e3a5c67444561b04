/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - the forwarder's counters and gauges.
 *
 * The engines count for themselves, in structures that go when an interface or a process goes; a
 * counter of the broker may not go back. So from time to time it is looked at what they count, and
 * what was added since the last look is added to the cells. What an interface counted between the
 * last look and its end is lost.
 *
 * Thread: routing.
 */
#ifndef SE_METRICS_H
#define SE_METRICS_H

#include <xmb/metrics.h>

#include "process.h"

enum se_cell {
    /* gauges */
    SE_M_PROCESSES,
    SE_M_INTERFACES,
    SE_M_NEIGHBOURS,
    SE_M_PENDING,
    SE_M_SERVICES,
    SE_M_ACTIVE,
    SE_M_QUEUED,
    SE_M_KEPT_OUT,
    /* counters */
    SE_M_HELLOS_SENT,
    SE_M_HELLOS_RECEIVED,
    SE_M_UPDATES_SENT,
    SE_M_UPDATES_RECEIVED,
    SE_M_QUERIES_SENT,
    SE_M_QUERIES_RECEIVED,
    SE_M_REPLIES_SENT,
    SE_M_REPLIES_RECEIVED,
    SE_M_REQUESTS_SENT,
    SE_M_REQUESTS_RECEIVED,
    SE_M_SIA_QUERIES_SENT,
    SE_M_SIA_QUERIES_RECEIVED,
    SE_M_SIA_REPLIES_SENT,
    SE_M_SIA_REPLIES_RECEIVED,
    SE_M_RETRANSMISSIONS,
    SE_M_SERVICES_SENT,
    SE_M_BYTES_SENT,
    SE_M_UNSENT,
    SE_M_STRANGE,
    SE_M_OVERSIZE,
    SE_M_REFUSED,
    SE_M_COMPUTATIONS,
    SE_M_STUCK,
    SE_M_REASONS, /* one for each enum se_reason but the first, in its order */
    SE_M_COUNT = SE_M_REASONS + SE_REASON_COUNT - 1
};
#define SE_M_COUNTERS SE_M_HELLOS_SENT /* the first counter */

extern const struct xmb_metric se_metrics[SE_M_COUNT];

/* What was counted at the last look. Zeroed: never looked. */
struct se_metrics_seen {
    uint64_t now[SE_M_COUNT];
};

/*
 * Looks, and brings `cells` (routing_cells of the module) up to date. Costs some microseconds for
 * each interface, and less for a neighbour: once a second is fine.
 */
void se_metrics_collect(struct se_metrics_seen *seen, const struct se_forwarder *f,
                        uint64_t *cells);

#endif
