/* SPDX-License-Identifier: MIT */
/*
 * eigrp_link_sim.h - neighbour engines on a LAN that loses, repeats and reorders packets, in
 * virtual time.
 *
 * Each node is an engine with one interface. What it transmits becomes copies on their way to the
 * others. Instead of DUAL there are *payloads*: each is an item that is posted once, to one
 * neighbour or to all, and is told apart from all others. The simulator knows the promise of the
 * transport and checks it whenever something is delivered: between two times of being up, a node
 * gets from a neighbour exactly what was posted for it, in that order, from the first one on; and
 * the table of its neighbour, each item once, before EOT.
 *
 * A seed is a run. A broken promise prints the seed and aborts: the fuzzer uses this file, too.
 */
#ifndef EIGRP_LINK_SIM_H
#define EIGRP_LINK_SIM_H

#include "neighbour.h"

#define LINK_NODES 8
#define LINK_PAYLOADS 8192
#define LINK_TABLE 64 /* items of a node's table, at most */
#define LINK_AS 4453

struct link_options {
    unsigned nodes;
    unsigned loss_percent;
    unsigned repeat_percent;
    unsigned delay_max_ms; /* each copy takes 1 to this */
    unsigned table_items;
    unsigned packet_bytes; /* 0: 1480 */
    uint64_t kbps;         /* 0: fast */
    uint8_t family;        /* 0: 4 */
    uint8_t mode;          /* enum se_nbr_mode */
    uint8_t auth;          /* enum se_auth_mode */
    uint8_t hold_s;        /* 0: 15 */
    uint8_t is_apart;      /* node 1 speaks TLV version 3 */
};

struct link_item {
    uint32_t number;
    uint32_t bytes; /* of data */
    int32_t session[LINK_NODES]; /* of its sender with each node; -1: not for that one */
    int32_t place[LINK_NODES];   /* in it */
    int32_t holds;
    uint8_t from;
    uint8_t opcode;
    uint8_t is_table;
};

/* What a node has of another one. */
struct link_view {
    uint64_t table; /* items that came, a bit each */
    int32_t bound;  /* session of the other one that payloads are from; -1: none came yet */
    int32_t next;   /* place of the next payload */
    uint32_t ups, downs;
    uint32_t life; /* of the other one when it came up */
    uint8_t is_up;
    uint8_t is_complete;
    uint8_t is_loose; /* a resync went on: items of the table may come again */
    uint8_t last_reason; /* enum se_nbr_reason */
    unsigned number;     /* of the other one here */
};

struct link_node {
    struct link_sim *sim;
    struct se_nbrs *engine; /* NULL: it does not run */
    uint64_t timer_ms;
    struct xmb_addr addr;
    struct link_view views[LINK_NODES];
    int32_t sessions[LINK_NODES]; /* times it came up for this node */
    int32_t posted[LINK_NODES];   /* in the current one */
    uint32_t table_next[LINK_NODES];
    struct link_item table[LINK_TABLE];
    unsigned index;
    uint32_t life; /* times it was started */
    uint64_t sent_packets, sent_bytes, resyncs;
};

struct link_packet {
    uint64_t at_ms;
    uint64_t order;
    struct xmb_addr source;
    uint8_t *octets;
    uint32_t bytes;
    uint8_t to;
    uint8_t from; /* LINK_NODES: injected */
    uint8_t is_multicast;
};

struct link_sim {
    struct link_options o;
    uint64_t seed, random, now_ms, order;
    struct link_node nodes[LINK_NODES];
    struct link_packet *packets; /* a heap, from 1 */
    uint32_t packet_count, packet_room;
    struct link_item *items;
    uint32_t item_count;
    uint8_t cut[LINK_NODES][LINK_NODES]; /* from, to */
    uint64_t delivered, steps;
    int is_traced;
    /* May look at unicasts to an address that is no node's. */
    void (*foreign)(struct link_sim *s, const struct xmb_addr *to, const void *octets,
                    size_t bytes);
    void *arg;
};

struct link_sim *link_new(uint64_t seed, const struct link_options *o);
/* Also checks that nothing is held any more. */
void link_free(struct link_sim *s);
uint32_t link_draw(struct link_sim *s, uint32_t n);

/* Starts a node that does not run. `first_sequence` 0: random. */
void link_start(struct link_sim *s, unsigned node, uint32_t first_sequence);
/* Kills it: it says nothing. */
void link_kill(struct link_sim *s, unsigned node);
void link_run_until(struct link_sim *s, uint64_t at_ms);
/* Posts a payload of `opcode` to `to`, or to all with LINK_NODES. */
void link_post(struct link_sim *s, unsigned from, unsigned to, unsigned opcode, unsigned bytes);
/* Soft clear: `from` sends its table again, with RS. */
void link_resync(struct link_sim *s, unsigned from, unsigned to);
/* A packet from nowhere. */
void link_inject(struct link_sim *s, unsigned to, const struct xmb_addr *source,
                 const void *octets, size_t bytes, int is_multicast);
/* 1 when all that run see each other up, have each other's tables and all that was posted. */
int link_is_settled(const struct link_sim *s);
/* All that run see each other up. */
int link_all_up(const struct link_sim *s);
void link_address(const struct link_sim *s, unsigned node, struct xmb_addr *out);
struct se_now link_now(const struct link_sim *s);
void link_iface_conf(struct link_sim *s, unsigned node, struct se_nbr_iface_conf *conf);
const struct se_auth_policy *link_auth(const struct link_sim *s);

/* Prints the seed and `what`, and aborts, unless `ok`. */
void link_require(const struct link_sim *s, int ok, const char *what);

#endif
