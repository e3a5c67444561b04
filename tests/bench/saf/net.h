/* SPDX-License-Identifier: MIT */
/*
 * net.h - the networks that the decision engine is measured on: nodes, links of two, and the
 * shortest ways in them, found without the engine.
 *
 *     ring      each with two; a cut turns it into a line
 *     tree      each with a parent and two children; a cut is a partition
 *     random    each with four (two random rings over the same nodes), the diameter is small
 *     hub       two hubs, joined, and spokes with a link to either
 *     hub-stub  the same, with spokes that announce nothing but their own services
 *
 * A link costs the same both ways, 10 to 90 microseconds of delay, drawn from the seed: so
 * distances are sums, and a seed is a network. One thread; memory belongs to the struct.
 */
#ifndef SAF_BENCH_NET_H
#define SAF_BENCH_NET_H

#include <stdint.h>

#define NET_NODES_MAX 4096u
#define NET_FAR UINT32_MAX /* no way leads there */

struct net_link {
    unsigned node[2];
    unsigned cost_us;
    uint8_t is_up;
};

struct net_node {
    unsigned *ends; /* by neighbour number: 2 * link, plus 1 for its second node */
    unsigned degree;
    uint8_t is_alive, is_stub;
};

struct net {
    struct net_node *nodes;
    struct net_link *links;
    unsigned node_count, link_count;
};

/* A number below `n` of the stream that `state` is, which moves on. */
uint32_t net_draw(uint64_t *state, uint32_t n);

/* -1: no such topology, or not with so many nodes. All is up and alive. */
int net_build(struct net *net, const char *topology, unsigned nodes, uint64_t seed);
void net_free(struct net *net);

/* Both ends live, and the link is up. */
int net_passes(const struct net *net, unsigned link);
/* The delay from each node to `origin` in microseconds, or NET_FAR. Through stubs leads no way. */
void net_distances(const struct net *net, unsigned origin, uint32_t *out_us);

#endif
