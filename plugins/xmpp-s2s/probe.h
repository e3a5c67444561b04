/* SPDX-License-Identifier: MIT */
/*
 * probe.h - `test federation domain`: a stream to a foreign domain is made as for a stanza, with a
 * link of its own that nobody shares, and each step is told with its time. No stanza is sent. For a
 * local domain the same way is gone, as a peer would go it: it is well when it leads back here.
 *
 * The links call in here at each step. Thread: the worker that has the flows of that domain.
 */
#ifndef S2_PROBE_H
#define S2_PROBE_H

#include "gateway.h"

struct s2_lease;

/* One that runs. */
struct s2_probe {
    struct s2_probe *next;
    struct s2_worker *w;
    struct xmb_out *out;
    struct xmb_timer *timer;
    struct s2_link *link; /* NULL: not yet, or no more */
    struct s2_lease *lease;
    uint64_t ask_id;
    int is_asking; /* policy */
    int is_ours;   /* a local domain: does the world find it here? (R6) */
    int has_failed; /* the last step that was told did */
    uint64_t began_ms;
    struct s2_domain local, remote;
};

/* The command; `state` is a struct s2_worker. Its answer comes later. */
int s2_probe_run(void *state, const struct xmb_call *call, struct xmb_out *out);
/* The broker stops: those that still run say so, and keep no stream. Before a worker's links go. */
void s2_probes_end(struct s2_worker *w);

/* One more row of the answer. */
void s2_probe_row(struct s2_probe *p, const char *step, const char *result, const char *text);
/* For a link that is probed (l->probe). `step` and `result` are static texts. */
void s2_probe_step(const struct s2_link *l, const char *step, const char *result,
                   const char *format, ...) XMB_PRINTF(4, 5);
/* The step that the link is at has failed. */
void s2_probe_failed(struct s2_link *l, const char *why);
/*
 * It ends because of l->end: that is told of the step that it is at, unless a failure was the last
 * that was told. When it is ended by us (S2_FAIL_IDLE) no step has failed.
 */
void s2_probe_over(struct s2_link *l);
/* An event has moved it on from the state `before`. */
void s2_probe_moved(struct s2_link *l, unsigned before);

#endif
