/* SPDX-License-Identifier: MIT */
/*
 * sim_check.c - the network at rest, against the shortest ways: see sim.h.
 */
#include "sim.h"

#include <stdlib.h>

#include "die.h"

#define OWN_US 1 /* delay of a service at its originator */

static int is_there(const struct sim *s, unsigned service)
{
    const struct sim_service *p = &s->services[service];

    return p->is_live && s->net->nodes[p->node].is_alive;
}

static void check_rest(unsigned node, const struct se_dual_entry *e, unsigned service)
{
    if (e != NULL && (e->state != SE_DUAL_PASSIVE || e->reply_count != 0 || e->hold_count != 0))
        die("node %u is not at rest with service %u: %s, %u replies, held %u times", node, service,
            se_dual_state_name((enum se_dual_state)e->state), e->reply_count, e->hold_count);
}

static void check_one(const struct sim *s, unsigned node, unsigned service, uint32_t far_us)
{
    struct xmb_service_id id = sim_id(service);
    const struct se_dual_entry *e = se_dual_find(s->nodes[node].engine, &id);
    const struct sim_service *p = &s->services[service];
    int is_reached = e != NULL && se_dual_is_finite(&e->distance);
    uint32_t shown = p->payload;

    check_rest(node, e, service);
    if (is_reached != (far_us != NET_FAR))
        die("node %u %s service %u of node %u", node, is_reached ? "reaches" : "does not reach",
            service, p->node);
    if (is_reached && e->metric.delay_ps != (uint64_t)(far_us + OWN_US) * 1000000)
        die("node %u is %llu us from service %u, not %u", node,
            (unsigned long long)e->metric.delay_ps / 1000000, service, far_us + OWN_US);
    if (!is_reached || node == p->node)
        shown = 0; /* what is published here is not learned */
    if (s->nodes[node].shown[service] != shown)
        die("node %u shows publication %u of service %u, not %u", node,
            s->nodes[node].shown[service], service, shown);
}

static void check_engines(const struct sim *s)
{
    unsigned i;

    for (i = 0; i < s->net->node_count; i++)
        if (s->net->nodes[i].is_alive && se_dual_counts(s->nodes[i].engine)->active != 0)
            die("node %u: %u are active", i, se_dual_counts(s->nodes[i].engine)->active);
}

/* Rows of distances, made when they are asked for. */
static const uint32_t *row_of(const struct sim *s, uint32_t **rows, unsigned origin)
{
    if (rows[origin] == NULL) {
        rows[origin] = must_alloc(s->net->node_count, sizeof(**rows));
        net_distances(s->net, origin, rows[origin]);
    }
    return rows[origin];
}

void sim_check(struct sim *s)
{
    uint32_t **rows = must_alloc(s->net->node_count, sizeof(*rows));
    unsigned service, node;
    uint32_t far_us;

    check_engines(s);
    for (service = 0; service < s->options.services; service++)
        for (node = 0; node < s->net->node_count; node++) {
            if (!s->net->nodes[node].is_alive)
                continue;
            far_us = NET_FAR;
            if (is_there(s, service))
                far_us = row_of(s, rows, s->services[service].node)[node];
            check_one(s, node, service, far_us);
        }
    for (node = 0; node < s->net->node_count; node++)
        free(rows[node]);
    free(rows);
}
