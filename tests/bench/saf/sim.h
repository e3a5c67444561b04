/* SPDX-License-Identifier: MIT */
/*
 * sim.h - many decision engines (dual.h) on one network, in virtual time, to be counted.
 *
 * Time goes in *steps*: one hop's delay, the same on every link. What an engine wants sent waits in
 * a queue for that neighbour, is written into packets at the end of the step, and is read at the
 * next. As in the plugin, a message is made when it is written, and what waits about one service
 * is one message. Two models of a link:
 *
 *     free     all that waits leaves at once: what DUAL itself costs, in messages and steps
 *     window   one packet, then nothing until its acknowledgement is back two steps later: what
 *              the reliable transport makes of it (RFC 7868, 5.2: a window of one)
 *
 * Packets hold PACKET_BYTES as the wire format has it: one opcode in each, the head of a TLV shared
 * by services of one originator and metric that follow each other, 50 octets and the data for each
 * service, data only where a message carries it. A failure is noticed by both ends at once: hold
 * time is not a part of this.
 *
 * Without a window services do not know of each other, and counts of slices of the services can be
 * added: so networks are simulated that would not fit into memory.
 *
 * What fails is the bench's or the engine's fault, and ends the process with words (die.h).
 * One thread. What is allocated is freed by sim_free.
 */
#ifndef SAF_BENCH_SIM_H
#define SAF_BENCH_SIM_H

#include "dual.h"
#include "net.h"

#define SIM_PACKET_BYTES 1480u    /* EIGRP octets in an IPv4 packet on Ethernet */
#define SIM_STEPS_MAX 50000000u   /* of one change: more is a fault */
#define SIM_KINDS (SE_DUAL_SIA_REPLY + 1)

struct sim_options {
    unsigned services;   /* at most so many numbers: 0 to services - 1 */
    unsigned data_bytes; /* of each */
    unsigned step_us;    /* virtual time of a step: only SIA and lingering look at it */
    unsigned hops_max;   /* a service that is further is unreachable; the networks stay below */
    int has_window;
};

/* Since sim_begin. */
struct sim_counts {
    uint64_t messages[SIM_KINDS]; /* by enum se_dual_message: one service to one neighbour */
    uint64_t packets, bytes;
    uint64_t steps;       /* until the last message was read */
    uint64_t shown_steps; /* until the last registry was told something */
    uint64_t touched;     /* services that any message was about */
    uint64_t stuck;       /* SIA */
};

/* What is published. */
struct sim_service {
    unsigned node;
    uint32_t payload; /* rises with each publication */
    uint8_t is_live;
};

/* A message that waits. */
struct sim_item {
    struct se_dual_entry *entry; /* held; NULL: end of table, or a refusal */
    uint32_t service;
    uint8_t kind;
    uint8_t is_active;
};

/* What one end of a link sends to the other. */
struct sim_end {
    struct sim_item *queue; /* a ring of `room`, a power of two */
    unsigned first, count, room;
    uint32_t generation; /* of the adjacency: what is on its way from an older one is lost */
    uint64_t busy_until; /* step at which the acknowledgement is back */
    unsigned node, slot;
    uint8_t is_up, is_walking, is_listed;
    uint8_t *pending; /* by service: a bit for each kind that waits */
};

struct sim_message {
    struct se_dual_advert advert;
    uint32_t end, generation, payload;
    uint8_t kind;
};

struct sim_flight {
    struct sim_message *messages;
    size_t count, room;
};

struct sim_node {
    struct sim *sim;
    struct se_dual *engine; /* NULL: dead */
    uint64_t timer_ms;
    uint32_t *shown; /* by service: payload that the registry has, 0: none */
    unsigned number;
};

struct sim {
    struct net *net; /* borrowed */
    struct sim_options options;
    struct sim_counts counts;
    struct sim_node *nodes;
    struct sim_end *ends;
    struct sim_service *services;
    struct sim_flight read, written; /* of this step and of the next */
    unsigned *busy;                  /* ends that have something to send */
    unsigned busy_count;
    uint8_t *is_touched;
    uint64_t step, began, pause_ms;
    uint32_t payload;
};

/* All nodes alive, all links that are up adjacent, nothing published. */
struct sim *sim_new(struct net *net, const struct sim_options *options);
void sim_free(struct sim *s);

/* Things that happen. What comes of them comes with sim_run. */
void sim_publish(struct sim *s, unsigned service, unsigned node);
void sim_withdraw(struct sim *s, unsigned service);
void sim_link_down(struct sim *s, unsigned link);
void sim_link_up(struct sim *s, unsigned link);
void sim_node_down(struct sim *s, unsigned node);
void sim_node_up(struct sim *s, unsigned node); /* publishes again what it had */

/* A second goes by, and counts are zero. */
void sim_begin(struct sim *s);
/* Until nothing is on its way. */
void sim_run(struct sim *s);
/*
 * sim_check.c: every node has every service that it can reach, by the shortest way, with the newest
 * data, nothing else, and nothing is active.
 */
void sim_check(struct sim *s);

/* --- between sim.c and sim_link.c --- */

uint64_t sim_now_ms(const struct sim *s);
uint64_t sim_wall_ms(const struct sim *s);
struct xmb_service_id sim_id(unsigned service);
unsigned sim_number(const struct xmb_service_id *id);
#define SIM_EOT 7u /* a kind that is no opcode */
void sim_post(struct sim *s, struct sim_end *x, const struct sim_item *item);
void sim_list(struct sim *s, struct sim_end *x);
void sim_clear_end(struct sim *s, struct sim_end *x);
/* Writes what may leave in this step. */
void sim_write(struct sim *s);

#endif
