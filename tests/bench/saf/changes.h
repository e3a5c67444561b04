/* SPDX-License-Identifier: MIT */
/*
 * changes.h - what is done to a simulated network (sim.h), and what it cost.
 */
#ifndef SAF_BENCH_CHANGES_H
#define SAF_BENCH_CHANGES_H

#include "sim.h"

#define SAMPLES_MAX 64u

enum change {
    CHANGE_PUBLISH,  /* a new service */
    CHANGE_DATA,     /* new data of a service */
    CHANGE_WITHDRAW, /* by its originator */
    CHANGE_CUT,      /* a link fails */
    CHANGE_MEND,     /* and is back: both ends send their tables */
    CHANGE_DEATH,    /* a node that publishes */
    CHANGE_BIRTH,    /* and is back */
    CHANGE_HUB_DEATH,
    CHANGE_HUB_BIRTH,
    CHANGES
};

struct run {
    const char *topology;
    struct sim_options options; /* services: of the whole run */
    unsigned nodes, samples, slice;
    unsigned first; /* number of the first service: parts of a larger run can be added */
    unsigned seed;
    int is_bulk;
    int has_withdraw; /* bulk: also this, which may be most of the work */
};

/* One change, as often as it was made. */
struct tally {
    struct sim_counts counts[SAMPLES_MAX];
    unsigned samples;
    double cpu_s;
};

/* "link cut". Static. */
const char *change_name(enum change change);

/*
 * Runs all changes and checks the network after each. Not bulk: services stand in the table, and
 * one more is published, changed and withdrawn, `samples` times. Bulk: all services are published,
 * changed and withdrawn at once, in slices of `slice` services whose counts are added. Either way
 * `samples` links are cut and nodes die, one after the other. `*links` is their number.
 */
void changes_run(const struct run *run, struct tally tallies[CHANGES], unsigned *links);

#endif
