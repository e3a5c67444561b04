/* SPDX-License-Identifier: MIT */
/*
 * memory.c - what a service takes in the decision engine: one engine is told of many services by
 * one or more neighbours, and the heap says how much it grew. Content is the caller's, and not in
 * it; nor is a packet or a queue.
 */
#include "memory.h"

#include <malloc.h>
#include <stdio.h>

#include "die.h"
#include "dual.h"

#define SERVICES 10000u

static void on_send(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                    const struct se_dual_to *to)
{
    (void)arg;
    (void)e;
    (void)kind;
    (void)to;
}

static void on_route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    (void)arg;
    (void)e;
    (void)what;
}

static void *on_keep(void *arg, const struct se_dual_advert *a)
{
    (void)a;
    return arg;
}

static void on_drop(void *arg, void *content)
{
    (void)arg;
    (void)content;
}

static void on_timer(void *arg, uint64_t at_ms)
{
    (void)arg;
    (void)at_ms;
}

static void on_note(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer)
{
    (void)arg;
    (void)e;
    (void)peer;
    die("the engine complains: note %d", (int)note);
}

static const struct se_dual_ops ops = {
    .send = on_send,
    .route = on_route,
    .keep = on_keep,
    .drop = on_drop,
    .timer = on_timer,
    .note = on_note,
};

static void meet(struct se_dual *d, unsigned peer)
{
    struct se_link link = {.delay_ps = 10000000, .bandwidth_kbps = 1000000, .mtu_bytes = 1500,
                           .reliability = 255, .load = 1};

    if (se_dual_iface_set(d, peer, &link, SE_DUAL_SPLIT_IFACE, 1) != 0 ||
        se_dual_peer_up(d, peer, peer, 0, 1) != 0)
        die("no neighbour %u", peer);
}

static void tell(struct se_dual *d, unsigned peer, unsigned service)
{
    struct se_dual_advert a = {
        .id = {.service = 101, .instance = {service}},
        .metric = {.delay_ps = 1000000, .bandwidth_kbps = 1000000, .mtu_bytes = 1500,
                   .reliability = 255, .load = 1},
        .content = &a,
        .origin = 99,
        .sequence = 1,
        .is_complete = 1,
    };

    if (se_dual_input(d, SE_DUAL_UPDATE, peer, &a, 1) != 0)
        die("service %u is not taken", service);
}

/* Heap in octets a service, of which `telling` neighbours of `peers` tell. */
static double heap_bytes(unsigned peers, unsigned telling)
{
    struct se_dual_conf conf = {.k = SE_KVALUES_DEFAULT, .active_ms = 180000, .linger_ms = 360000,
                                .router_id = 1, .entries_max = SERVICES, .hops_max = 100};
    static char content;
    struct se_dual *d;
    size_t before;
    unsigned i, k;
    double bytes;

    if (se_dual_new(&conf, &ops, &content, &d) != 0)
        die("no engine");
    for (i = 0; i < peers; i++)
        meet(d, i);
    before = mallinfo2().uordblks;
    for (i = 0; i < SERVICES; i++)
        for (k = 0; k < telling; k++)
            tell(d, k, i);
    bytes = (double)(mallinfo2().uordblks - before) / SERVICES;
    se_dual_free(d);
    return bytes;
}

void memory_measure(void)
{
    printf("{\"entry\": %zu, \"origin\": %zu, \"path\": %zu, \"heap_1_path\": %.0f, "
           "\"heap_2_paths\": %.0f, \"heap_4_paths\": %.0f, \"heap_1_path_of_1000_neighbours\": "
           "%.0f}\n",
           sizeof(struct se_dual_entry), sizeof(struct se_origin), sizeof(struct se_path),
           heap_bytes(1, 1), heap_bytes(2, 2), heap_bytes(4, 4), heap_bytes(1000, 1));
}
