/* SPDX-License-Identifier: MIT */
/*
 * probe.h - `test federation domain`: a stream to a foreign domain is made as for a stanza, with a
 * link of its own that nobody shares, and each step is told with its time. No stanza is sent.
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
    uint64_t began_ms;
    struct s2_domain local, remote;
};

/* The command; `state` is a struct s2_worker. Its answer comes later. */
int s2_probe_run(void *state, const struct xmb_call *call, struct xmb_out *out);
/* The worker ends: those that still run say so. Before its links go. */
void s2_probes_fini(struct s2_worker *w);

/* One more row of the answer. */
void s2_probe_row(const struct s2_probe *p, const char *step, const char *result,
                  const char *text);
/* For a link that is probed (l->probe). `step` and `result` are static texts. */
void s2_probe_step(const struct s2_link *l, const char *step, const char *result,
                   const char *format, ...) XMB_PRINTF(4, 5);
/* The step that the link is at has failed. */
void s2_probe_failed(struct s2_link *l, const char *why);
/* An event has moved it on from the state `before`. */
void s2_probe_moved(struct s2_link *l, unsigned before);

#endif
