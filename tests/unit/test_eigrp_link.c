/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_link.c - neighbours and transport on a bad LAN: what is posted arrives once and in
 * order or the neighbour is reset, whatever is lost, repeated, reordered, cut, killed or forged.
 *
 * Each scenario runs with many seeds. `test_eigrp_link SCENARIO SEED` runs one again,
 * `test_eigrp_link SCENARIO FIRST COUNT` more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eigrp_link_sim.h"

#define SEEDS 800

static uint64_t delivered, retransmitted, steps, conditional, resets;

/* --- helpers ---------------------------------------------------------------------------------- */

static void random_options(uint64_t seed, struct link_options *o)
{
    static const uint8_t auths[] = {SE_AUTH_NONE, SE_AUTH_NONE, SE_AUTH_MD5, SE_AUTH_SHA256};

    memset(o, 0, sizeof(*o));
    o->nodes = 2 + (unsigned)(seed % 4);
    o->loss_percent = 20;
    o->repeat_percent = 10;
    o->delay_max_ms = 1 + (unsigned)(seed / 4 % 5) * 20;
    o->table_items = (unsigned)(seed % 13);
    o->family = seed % 3 == 0 ? 6 : 4;
    o->auth = auths[seed / 2 % 4];
    o->mode = seed % 5 == 4 ? SE_NBR_STATIC : SE_NBR_LAN;
    o->kbps = seed % 7 == 6 ? 2000 : 0;
    o->packet_bytes = seed % 11 == 10 ? 576 : 0;
    o->is_apart = seed % 6 == 5;
}

static void start_all(struct link_sim *s)
{
    unsigned i;

    for (i = 0; i < s->o.nodes; i++)
        link_start(s, i, 0);
}

static void random_post(struct link_sim *s)
{
    static const uint8_t opcodes[] = {SE_UPDATE, SE_UPDATE, SE_QUERY};
    unsigned from = link_draw(s, s->o.nodes);
    unsigned to = link_draw(s, s->o.nodes);
    unsigned count = 1 + link_draw(s, 5);
    unsigned opcode = opcodes[link_draw(s, 3)];

    while (count-- > 0) {
        if (link_draw(s, 3) != 0)
            link_post(s, from, LINK_NODES, opcode, link_draw(s, 300));
        else if (to != from)
            link_post(s, from, to, SE_REPLY, link_draw(s, 300));
    }
}

/* Runs until all is settled, at most `limit_ms`. */
static void settle(struct link_sim *s, uint64_t limit_ms)
{
    uint64_t end_ms = s->now_ms + limit_ms;

    while (!link_is_settled(s) && s->now_ms < end_ms)
        link_run_until(s, s->now_ms + 500);
    link_require(s, link_is_settled(s), "it does not settle");
}

static void finish(struct link_sim *s)
{
    struct se_nbr_iface_info info;
    unsigned i;
    unsigned k;

    for (i = 0; i < s->o.nodes; i++) {
        if (s->nodes[i].engine == NULL)
            continue;
        if (se_nbr_iface_info(s->nodes[i].engine, 0, &info) != 0)
            continue;
        retransmitted += info.stats.retransmissions;
        conditional += info.stats.cr_packets;
        for (k = 0; k < s->o.nodes; k++)
            resets += s->nodes[i].views[k].downs;
    }
    delivered += s->delivered;
    steps += s->steps;
    link_free(s);
}

/* --- scenarios -------------------------------------------------------------------------------- */

/* Nothing but a bad LAN. */
static void lossy(uint64_t seed)
{
    struct link_options o;
    struct link_sim *s;
    unsigned i;

    random_options(seed, &o);
    o.hold_s = 60;
    s = link_new(seed, &o);
    start_all(s);
    for (i = 0; i < 60; i++) {
        link_run_until(s, s->now_ms + 1 + link_draw(s, 1000));
        random_post(s);
    }
    settle(s, 300000);
    finish(s);
}

/* No loss: everything is up within a moment, and nothing is sent twice. */
static void clean(uint64_t seed)
{
    struct se_nbr_iface_info info;
    struct link_options o;
    struct link_sim *s;
    unsigned i;

    random_options(seed, &o);
    o.loss_percent = o.repeat_percent = 0;
    o.delay_max_ms = 1;
    o.kbps = 0;
    s = link_new(seed, &o);
    start_all(s);
    link_run_until(s, s->now_ms + 200);
    link_require(s, link_is_settled(s), "not settled after 200 ms without loss");
    for (i = 0; i < 60; i++) {
        link_run_until(s, s->now_ms + 1 + link_draw(s, 100));
        random_post(s);
    }
    settle(s, 1000);
    for (i = 0; i < s->o.nodes; i++) {
        assert_int_equal(se_nbr_iface_info(s->nodes[i].engine, 0, &info), 0);
        link_require(s, info.stats.retransmissions == 0, "sent again without need");
    }
    finish(s);
}

static int has_left(const struct link_sim *s, unsigned node)
{
    struct se_nbr_iface_info info;

    return se_nbr_iface_info(s->nodes[node].engine, 0, &info) == XMB_ENOENT;
}

static void random_event(struct link_sim *s)
{
    unsigned a = link_draw(s, s->o.nodes);
    unsigned b = link_draw(s, s->o.nodes);
    static const uint32_t firsts[] = {0, 1, UINT32_MAX - 20};

    switch (link_draw(s, 13)) {
    case 0:
        if (s->nodes[a].engine != NULL)
            link_kill(s, a);
        break;
    case 1:
        s->cut[a][b] = 1; /* one way only */
        break;
    case 2:
        s->cut[a][b] = s->cut[b][a] = 1;
        break;
    case 3:
    case 4:
        memset(s->cut, 0, sizeof(s->cut));
        break;
    case 5:
        if (s->nodes[a].engine != NULL && s->nodes[a].views[b].is_up)
            se_nbr_reset(s->nodes[a].engine, s->nodes[a].views[b].number, SE_NBR_CLEARED);
        break;
    case 7:
        if (a != b)
            link_resync(s, a, b);
        break;
    case 6:
        if (s->nodes[a].engine != NULL)
            se_nbr_leave(s->nodes[a].engine, 0, link_now(s));
        break;
    default:
        /* Packets of the old life are gone by then: nothing tells them from new ones. */
        if (s->nodes[a].engine == NULL) {
            link_run_until(s, s->now_ms + s->o.delay_max_ms + 1);
            link_start(s, a, firsts[link_draw(s, 3)]);
        } else if (has_left(s, a)) {
            link_kill(s, a);
        }
        break;
    }
}

/*
 * Kills, restarts with a new sequence, cuts in one or both directions, resets hard and soft,
 * goodbyes.
 */
static void chaos(uint64_t seed)
{
    struct link_options o;
    struct link_sim *s;
    unsigned i;

    random_options(seed, &o);
    s = link_new(seed, &o);
    start_all(s);
    for (i = 0; i < 80; i++) {
        link_run_until(s, s->now_ms + 1 + link_draw(s, link_draw(s, 4) == 0 ? 8000 : 500));
        random_post(s);
        if (link_draw(s, 3) == 0)
            random_event(s);
    }
    memset(s->cut, 0, sizeof(s->cut));
    s->o.loss_percent = 5;
    link_run_until(s, s->now_ms + 100);
    for (i = 0; i < s->o.nodes; i++) {
        if (s->nodes[i].engine != NULL && has_left(s, i))
            link_kill(s, i);
        if (s->nodes[i].engine == NULL)
            link_start(s, i, 0);
    }
    settle(s, 300000);
    finish(s);
}

/* One that hears nothing must not hold up the others; it gets everything once it hears again. */
static void laggard(uint64_t seed)
{
    struct link_options o = {.nodes = 4, .delay_max_ms = 3, .hold_s = 60, .table_items = 5};
    struct link_sim *s = link_new(seed, &o);
    uint64_t since_ms;
    unsigned i;

    start_all(s);
    link_run_until(s, s->now_ms + 1000);
    link_require(s, link_is_settled(s), "not settled");
    s->cut[0][3] = 1;
    since_ms = s->now_ms;
    for (i = 0; i < 50; i++) {
        link_post(s, 0, LINK_NODES, SE_UPDATE, 1000);
        link_run_until(s, s->now_ms + link_draw(s, 20));
    }
    while (s->nodes[1].views[0].next < 50 || s->nodes[2].views[0].next < 50)
        link_run_until(s, s->now_ms + 10);
    link_require(s, s->now_ms - since_ms < 4000, "the laggard held up the others");
    link_require(s, s->nodes[3].views[0].next == 0, "a cut that is none");
    s->cut[0][3] = 0;
    settle(s, 10000);
    link_require(s, s->nodes[3].views[0].downs == 0 && s->nodes[0].views[3].downs == 0,
                 "the laggard was reset");
    finish(s);
}

/* A goodbye is noticed at once, silence within the hold time. */
static void departure(uint64_t seed)
{
    struct link_options o = {.nodes = 3, .delay_max_ms = 3};
    struct link_sim *s = link_new(seed, &o);
    uint64_t since_ms;
    unsigned i;

    start_all(s);
    link_run_until(s, s->now_ms + 10000 + link_draw(s, 5000));
    link_require(s, link_is_settled(s), "not settled");
    se_nbr_leave(s->nodes[0].engine, 0, link_now(s));
    link_run_until(s, s->now_ms + 5);
    for (i = 1; i < 3; i++)
        link_require(s, !s->nodes[i].views[0].is_up &&
                            s->nodes[i].views[0].last_reason == SE_NBR_GOODBYE,
                     "goodbye was not noticed");
    link_require(s, se_nbr_is_leaving(s->nodes[0].engine), "left too early");
    link_run_until(s, s->now_ms + 60);
    link_require(s, !se_nbr_is_leaving(s->nodes[0].engine), "it does not leave");
    link_kill(s, 1);
    since_ms = s->now_ms;
    while (s->nodes[2].views[1].is_up)
        link_run_until(s, s->now_ms + 100);
    link_require(s, s->nodes[2].views[1].last_reason == SE_NBR_HOLD, "another reason");
    link_require(s, s->now_ms - since_ms <= 15100 && s->now_ms - since_ms >= 9000,
                 "the hold time is another");
    finish(s);
}

static size_t forged_hello(struct link_sim *s, uint8_t *octets, size_t room)
{
    struct se_parameter parameter = {SE_KVALUES_DEFAULT, 65535};
    struct se_header header;
    struct se_writer w;
    size_t bytes = 0;

    se_header_init(&header, SE_HELLO, LINK_AS);
    se_write_begin(&w, octets, room, &header, NULL);
    se_write_parameter(&w, &parameter);
    se_write_finish(&w, &s->nodes[0].addr, &bytes);
    return bytes;
}

/* Many strangers say hello, some INIT too: who is up stays up and is served, memory stays small. */
static void flood(uint64_t seed)
{
    struct link_options o = {.nodes = 3, .delay_max_ms = 3, .table_items = 5};
    struct link_sim *s = link_new(seed, &o);
    struct se_nbr_iface_info info;
    struct xmb_addr source;
    uint8_t octets[256];
    uint64_t before;
    size_t bytes = forged_hello(s, octets, sizeof(octets));
    unsigned i;

    start_all(s);
    link_run_until(s, s->now_ms + 1000);
    link_require(s, link_is_settled(s), "not settled");
    before = s->nodes[0].sent_packets;
    for (i = 0; i < 10000; i++) {
        source = s->nodes[0].addr;
        source.ip[3] = (uint8_t)(20 + link_draw(s, 230));
        link_inject(s, 0, &source, octets, bytes, 1);
        if (i % 10 == 0)
            link_run_until(s, s->now_ms + 20);
        if (i % 100 == 0)
            link_post(s, 0, LINK_NODES, SE_UPDATE, 100);
        assert_int_equal(se_nbr_iface_info(s->nodes[0].engine, 0, &info), 0);
        link_require(s, info.pending_count <= SE_NBR_PENDING_MAX, "too many pending");
        link_require(s, info.up_count == 2, "a real neighbour went");
    }
    settle(s, 2000);
    link_require(s, info.stats.cr_packets == 0, "strangers force conditional multicasts");
    link_require(s, s->nodes[0].sent_packets - before < 3000, "it answers every stranger");
    link_run_until(s, s->now_ms + 120000);
    assert_int_equal(se_nbr_iface_info(s->nodes[0].engine, 0, &info), 0);
    link_require(s, info.pending_count == 0, "strangers stay for ever");
    finish(s);
}

/* --- running ---------------------------------------------------------------------------------- */

static const struct scenario {
    const char *name;
    void (*run)(uint64_t seed);
    unsigned seeds;
} scenarios[] = {
    {"clean", clean, 100},       {"lossy", lossy, SEEDS},   {"chaos", chaos, SEEDS * 5 / 2},
    {"laggard", laggard, 50}, {"departure", departure, 50}, {"flood", flood, 3},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static void run_scenario(const struct scenario *scenario, uint64_t first, uint64_t count)
{
    uint64_t seed;

    delivered = retransmitted = steps = conditional = resets = 0;
    for (seed = first; seed < first + count; seed++)
        scenario->run(seed);
    printf("%s: %" PRIu64 " seeds, %" PRIu64 " steps, %" PRIu64 " payloads, %" PRIu64
           " sent again, %" PRIu64 " conditional, %" PRIu64 " resets\n",
           scenario->name, count, steps, delivered, retransmitted, conditional, resets);
}

static void test_scenario(void **state)
{
    const struct scenario *scenario = *state;

    run_scenario(scenario, 1, scenario->seeds);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[SCENARIOS];
    size_t i;

    for (i = 0; i < SCENARIOS; i++) {
        if (argc > 2 && strcmp(argv[1], scenarios[i].name) == 0)
            run_scenario(&scenarios[i], strtoull(argv[2], NULL, 10),
                         argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
        tests[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = test_scenario,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    if (argc > 2)
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
