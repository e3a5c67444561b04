/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_sim_priv.h - what the files of the simulator share. See eigrp_dual_sim.h.
 */
#ifndef EIGRP_DUAL_SIM_PRIV_H
#define EIGRP_DUAL_SIM_PRIV_H

#include "eigrp_dual_sim.h"

#include <stdio.h>

#define WIRE_MAX 256
#define QUEUE_MAX 64
#define ENDS_MAX 160
#define SLOTS_MAX 40
#define KIND_EOT 100
#define KIND_RS 101

/* The data of a service: which publication of which node it is. */
struct content {
    unsigned payload;
    uint32_t origin;
};

struct message {
    unsigned kind;
    struct se_dual_advert advert;
    struct se_external external;
    int has_external;
    unsigned payload;
};

struct item {
    unsigned kind;
    struct se_dual_entry *entry;
    int is_all, is_active;
};

/* One end of an adjacency: what this node sends to the other. */
struct end {
    struct end *other;
    unsigned node, segment, slot;
    int is_up;
    int must_fall;  /* it is over, and this node did not find out yet */
    int is_walking; /* the table is being sent */
    unsigned queue_count;
    struct item queue[QUEUE_MAX];
    unsigned wire_first, wire_count;
    struct message wire[WIRE_MAX];
};

struct segment {
    int is_up;
    unsigned split;
    unsigned cost[SIM_NODES]; /* of each one's interface; 0: not on it */
    unsigned bandwidth[SIM_NODES];
};

struct publication {
    int is_live, is_external;
    unsigned payload, base_us;
    uint32_t version;
};

struct node {
    struct sim *sim;
    unsigned number;
    struct se_dual *engine; /* NULL: dead */
    uint64_t timer_ms, clock_back_ms;
    unsigned slot_count;
    struct end *slots[SLOTS_MAX];
    struct publication published[SIM_SERVICES];
    unsigned shown[SIM_SERVICES];
    unsigned newest[SIM_SERVICES][SIM_NODES];
};

struct sim {
    uint64_t seed, draws, now_ms;
    struct sim_options options;
    struct sim_counts counts;
    struct node nodes[SIM_NODES];
    struct segment segments[SIM_SEGMENTS];
    unsigned segment_count;
    struct end *ends[ENDS_MAX];
    unsigned end_count;
    unsigned payloads[SIM_SERVICES][SIM_NODES];
    int contents;
    int is_verbose;
};

/* With SIM_VERBOSE in the environment a run tells what happens. */
#define TELL(s, ...)                                                                               \
    do {                                                                                           \
        if ((s)->is_verbose)                                                                       \
            printf(__VA_ARGS__);                                                                   \
    } while (0)

uint64_t sim_wall_ms(const struct sim *s, unsigned node);
void sim_start_engine(struct sim *s, unsigned node);
/* What was sent and not read is lost, and what waited is forgotten. */
void sim_clear_end(struct sim *s, struct end *x);
struct end *sim_end_of(struct sim *s, unsigned node, unsigned slot);
void sim_enqueue(struct sim *s, struct end *x, unsigned kind, struct se_dual_entry *e, int is_all,
                 int is_active);
void sim_break(struct sim *s, struct end *x);
void sim_apply_cost(struct sim *s, unsigned segment, unsigned node);
/* After each call into the engine of `node`: no loop leads through it. */
void sim_look(struct sim *s, unsigned node);

#endif
