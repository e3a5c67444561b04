/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_sim.h - a network of decision engines in virtual time.
 *
 * Nodes are engines, segments are what connects them: a link of two, or a LAN. Each direction of
 * each pair on a segment is a queue of entries to send, as the plugin would have it, and behind it
 * the messages on their way, first in, first out. Everything that can happen next, a message
 * written or read, a neighbour found dead or alive, one entry of a table sent, is drawn at random,
 * so that order across links is arbitrary. The random generator is the only source of chance: a
 * seed is a run.
 *
 * After every call into an engine the successors are followed from there: a loop at any moment
 * fails the test. So does content that is older than what that node has shown already.
 */
#ifndef EIGRP_DUAL_SIM_H
#define EIGRP_DUAL_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dual.h"

#define SIM_NODES 12
#define SIM_SEGMENTS 28
#define SIM_SERVICES 3
#define SIM_HOURS_WALL_MS UINT64_C(1700000000000) /* the wall clock when a run begins */

struct sim_options {
    unsigned nodes;
    unsigned services;
    int is_late;        /* messages are made when they are written, not when they are asked for */
    int is_vector;      /* bandwidth differs too: distances are no sums */
    int is_stuck;       /* active time so short that SIA is normal */
    int is_clock_wild;  /* a node may restart with a clock far back */
    int is_fickle;      /* most of what happens is publishing, withdrawing and dying */
    int has_lans;
    int has_external;   /* some services are external */
    int may_split_off;
    unsigned slot_base; /* first neighbour number: above 63 sets need more than a word */
    unsigned hops_max;
};

struct sim_counts {
    uint64_t messages, steps, by_event[SE_DUAL_EVENTS], stuck, sia_replies, corrections;
};

struct sim;

struct sim *sim_new(uint64_t seed, const struct sim_options *o);
void sim_free(struct sim *s);
uint32_t sim_draw(struct sim *s, uint32_t n);
const struct sim_counts *sim_counts(const struct sim *s);

/* Adds a segment of `count` nodes with the cost of each one's interface in microseconds. */
unsigned sim_segment(struct sim *s, const unsigned *nodes, unsigned count);
void sim_random_topology(struct sim *s);

/* Things that happen. They return 0 when that makes no sense now. */
int sim_cost(struct sim *s, unsigned segment, unsigned node, unsigned cost);
int sim_segment_down(struct sim *s, unsigned segment);
int sim_segment_up(struct sim *s, unsigned segment);
int sim_node_down(struct sim *s, unsigned node);
int sim_node_up(struct sim *s, unsigned node);
int sim_publish(struct sim *s, unsigned node, unsigned service, int is_new_data);
int sim_withdraw(struct sim *s, unsigned node, unsigned service);
/* From its next life on the clock of `node` is `ms` slow. */
void sim_clock_back(struct sim *s, unsigned node, uint64_t ms);
uint64_t sim_now_ms(const struct sim *s);
int sim_reset(struct sim *s, unsigned segment);  /* an adjacency starts again with INIT */
int sim_restart(struct sim *s, unsigned segment); /* or with RS */
void sim_random_event(struct sim *s);

/* One thing that can happen next. 0: nothing can. */
int sim_step(struct sim *s);
/* Until nothing can. */
void sim_run(struct sim *s);
/* So much time passes at once, and what that brings about happens. */
void sim_wait(struct sim *s, uint64_t ms);
/* Everything against brute force. Only when nothing can happen. */
void sim_check(struct sim *s);
/* Takes all services back, lets all linger out: nothing is left anywhere. */
void sim_check_empty(struct sim *s);

struct se_dual *sim_engine(struct sim *s, unsigned node);
/* What a client at `node` sees: the payload of the service, 0 when none. */
unsigned sim_shown(const struct sim *s, unsigned node, unsigned service);
unsigned sim_payload(const struct sim *s, unsigned node, unsigned service);

#endif
