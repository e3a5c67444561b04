/* SPDX-License-Identifier: MIT */
/*
 * net.c - networks and the shortest ways in them: see net.h.
 */
#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "die.h"

uint32_t net_draw(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static void add_link(struct net *net, unsigned a, unsigned b, uint64_t *seed)
{
    struct net_link *l = &net->links[net->link_count];

    l->node[0] = a;
    l->node[1] = b;
    l->cost_us = 10 * (1 + net_draw(seed, 9));
    l->is_up = 1;
    net->nodes[a].degree++;
    net->nodes[b].degree++;
    net->link_count++;
}

static int is_linked(const struct net *net, unsigned a, unsigned b)
{
    unsigned i;

    for (i = 0; i < net->link_count; i++)
        if ((net->links[i].node[0] == a && net->links[i].node[1] == b) ||
            (net->links[i].node[0] == b && net->links[i].node[1] == a))
            return 1;
    return 0;
}

static void ring(struct net *net, uint64_t *seed)
{
    unsigned i;

    for (i = 0; i < net->node_count; i++)
        add_link(net, i, (i + 1) % net->node_count, seed);
}

static void tree(struct net *net, uint64_t *seed)
{
    unsigned i;

    for (i = 1; i < net->node_count; i++)
        add_link(net, (i - 1) / 2, i, seed);
}

/* A second ring over the nodes in random order; a link that is there already is left out. */
static void random_degree_four(struct net *net, uint64_t *seed)
{
    unsigned *order = must_alloc(net->node_count, sizeof(*order));
    unsigned i, k, swap;

    ring(net, seed);
    for (i = 0; i < net->node_count; i++)
        order[i] = i;
    for (i = net->node_count; i > 1; i--) {
        k = net_draw(seed, i);
        swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
    for (i = 0; i < net->node_count; i++) {
        k = order[(i + 1) % net->node_count];
        if (!is_linked(net, order[i], k))
            add_link(net, order[i], k, seed);
    }
    free(order);
}

static void hub(struct net *net, uint64_t *seed)
{
    unsigned i;

    add_link(net, 0, 1, seed);
    for (i = 2; i < net->node_count; i++) {
        add_link(net, 0, i, seed);
        add_link(net, 1, i, seed);
    }
}

static void hub_stub(struct net *net, uint64_t *seed)
{
    unsigned i;

    hub(net, seed);
    for (i = 2; i < net->node_count; i++)
        net->nodes[i].is_stub = 1;
}

static const struct {
    const char *name;
    void (*build)(struct net *net, uint64_t *seed);
} topologies[] = {
    {"ring", ring},   {"tree", tree},         {"random", random_degree_four},
    {"hub", hub},     {"hub-stub", hub_stub},
};

static void number_ends(struct net *net)
{
    struct net_node *n;
    unsigned i;

    for (i = 0; i < net->node_count; i++) {
        n = &net->nodes[i];
        n->ends = must_alloc(n->degree, sizeof(*n->ends));
        n->degree = 0;
        n->is_alive = 1;
    }
    for (i = 0; i < 2 * net->link_count; i++) {
        n = &net->nodes[net->links[i / 2].node[i % 2]];
        n->ends[n->degree++] = i;
    }
}

int net_build(struct net *net, const char *topology, unsigned nodes, uint64_t seed)
{
    unsigned i;

    memset(net, 0, sizeof(*net));
    if (nodes < 4 || nodes > NET_NODES_MAX)
        return -1;
    for (i = 0; i < sizeof(topologies) / sizeof(topologies[0]); i++) {
        if (strcmp(topologies[i].name, topology) != 0)
            continue;
        net->node_count = nodes;
        net->nodes = must_alloc(nodes, sizeof(*net->nodes));
        net->links = must_alloc((size_t)nodes * 2, sizeof(*net->links));
        topologies[i].build(net, &seed);
        number_ends(net);
        return 0;
    }
    return -1;
}

void net_free(struct net *net)
{
    unsigned i;

    for (i = 0; i < net->node_count; i++)
        free(net->nodes[i].ends);
    free(net->nodes);
    free(net->links);
    memset(net, 0, sizeof(*net));
}

int net_passes(const struct net *net, unsigned link)
{
    const struct net_link *l = &net->links[link];

    return l->is_up && net->nodes[l->node[0]].is_alive && net->nodes[l->node[1]].is_alive;
}

/* --- shortest ways ---------------------------------------------------------------------------- */

/* Nodes whose distance became less and whose neighbours were not told: a ring of node_count. */
struct work {
    unsigned *nodes;
    uint8_t *is_in;
    unsigned first, count;
};

static void work_add(const struct net *net, struct work *w, unsigned node)
{
    if (w->is_in[node])
        return;
    w->is_in[node] = 1;
    w->nodes[(w->first + w->count++) % net->node_count] = node;
}

static void relax(const struct net *net, struct work *w, unsigned node, uint32_t *out_us)
{
    const struct net_node *n = &net->nodes[node];
    unsigned i, other;
    uint32_t far_us;

    for (i = 0; i < n->degree; i++) {
        const struct net_link *l = &net->links[n->ends[i] / 2];

        if (!net_passes(net, n->ends[i] / 2))
            continue;
        other = l->node[(n->ends[i] & 1) ^ 1];
        far_us = out_us[node] + l->cost_us;
        if (far_us >= out_us[other])
            continue;
        out_us[other] = far_us;
        if (!net->nodes[other].is_stub)
            work_add(net, w, other);
    }
}

/* Bellman and Ford's, with a list of what is still to do. */
void net_distances(const struct net *net, unsigned origin, uint32_t *out_us)
{
    struct work w = {
        .nodes = must_alloc(net->node_count, sizeof(*w.nodes)),
        .is_in = must_alloc(net->node_count, 1),
    };
    unsigned i, node;

    for (i = 0; i < net->node_count; i++)
        out_us[i] = NET_FAR;
    if (net->nodes[origin].is_alive) {
        out_us[origin] = 0;
        work_add(net, &w, origin);
    }
    while (w.count > 0) {
        node = w.nodes[w.first];
        w.first = (w.first + 1) % net->node_count;
        w.count--;
        w.is_in[node] = 0;
        relax(net, &w, node, out_us);
    }
    free(w.nodes);
    free(w.is_in);
}
