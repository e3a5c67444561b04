/* SPDX-License-Identifier: MIT */
/*
 * changes.c - what is done to a simulated network, one thing after the other: see changes.h. Which
 * node, link or service is drawn from the seed, and for each slice it is the same.
 */
#include "changes.h"

#include <string.h>
#include <time.h>

#include "die.h"

/* One slice of services on its way through the changes. */
struct scene {
    const struct run *run;
    struct net net;
    struct sim *sim;
    struct tally *tallies;
    unsigned first; /* number in the whole run of the slice's service 0 */
    double cpu_s;   /* when the change began */
};

const char *change_name(enum change change)
{
    static const char *const names[CHANGES] = {
        [CHANGE_PUBLISH] = "publish",       [CHANGE_DATA] = "data",
        [CHANGE_WITHDRAW] = "withdraw",     [CHANGE_CUT] = "link cut",
        [CHANGE_MEND] = "link back",        [CHANGE_DEATH] = "node death",
        [CHANGE_BIRTH] = "node back",       [CHANGE_HUB_DEATH] = "hub death",
        [CHANGE_HUB_BIRTH] = "hub back",
    };

    return names[change];
}

static double cpu_now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned draw(const struct scene *c, unsigned what, unsigned sample, unsigned n)
{
    uint64_t state = (uint64_t)c->run->seed * 1000003u + what * 65537u + sample;

    net_draw(&state, 1);
    return net_draw(&state, n);
}

/* --- counting --------------------------------------------------------------------------------- */

static void begin(struct scene *c)
{
    sim_begin(c->sim);
    c->cpu_s = cpu_now_s();
}

static uint64_t more(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Slices run beside each other: their steps are not added. */
static void add(struct sim_counts *sum, const struct sim_counts *one)
{
    unsigned kind;

    for (kind = 0; kind < SIM_KINDS; kind++)
        sum->messages[kind] += one->messages[kind];
    sum->packets += one->packets;
    sum->bytes += one->bytes;
    sum->touched += one->touched;
    sum->stuck += one->stuck;
    sum->steps = more(sum->steps, one->steps);
    sum->shown_steps = more(sum->shown_steps, one->shown_steps);
}

static void end(struct scene *c, enum change change, unsigned sample)
{
    struct tally *t = &c->tallies[change];

    sim_run(c->sim);
    t->cpu_s += cpu_now_s() - c->cpu_s;
    add(&t->counts[sample], &c->sim->counts);
    if (t->samples <= sample)
        t->samples = sample + 1;
    sim_check(c->sim);
}

/* --- changes ---------------------------------------------------------------------------------- */

/* `number` is of the whole run. */
static unsigned node_of(const struct scene *c, unsigned number)
{
    return draw(c, 1, number, c->run->nodes);
}

static void publish_all(struct scene *c, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++)
        sim_publish(c->sim, i, node_of(c, c->first + i));
}

static void one_service(struct scene *c, unsigned service, unsigned sample)
{
    begin(c);
    sim_publish(c->sim, service, node_of(c, service));
    end(c, CHANGE_PUBLISH, sample);
    begin(c);
    sim_publish(c->sim, service, node_of(c, service));
    end(c, CHANGE_DATA, sample);
    begin(c);
    sim_withdraw(c->sim, service);
    end(c, CHANGE_WITHDRAW, sample);
}

static void cut_and_mend(struct scene *c, unsigned sample)
{
    unsigned link = draw(c, 2, sample, c->net.link_count);

    begin(c);
    sim_link_down(c->sim, link);
    end(c, CHANGE_CUT, sample);
    begin(c);
    sim_link_up(c->sim, link);
    end(c, CHANGE_MEND, sample);
}

static void die_and_return(struct scene *c, unsigned node, unsigned sample, enum change death,
                           enum change birth)
{
    begin(c);
    sim_node_down(c->sim, node);
    end(c, death, sample);
    begin(c);
    sim_node_up(c->sim, node);
    end(c, birth, sample);
}

/* One that publishes, and is no hub. */
static unsigned mortal(const struct scene *c, unsigned first, unsigned sample)
{
    unsigned number = sample;

    while (number < c->run->options.services && node_of(c, number) < first)
        number++;
    return number < c->run->options.services ? node_of(c, number) : first;
}

static void topology_changes(struct scene *c)
{
    int has_hubs = strncmp(c->run->topology, "hub", 3) == 0;
    unsigned i;

    for (i = 0; i < c->run->samples; i++)
        cut_and_mend(c, i);
    for (i = 0; i < c->run->samples; i++)
        die_and_return(c, mortal(c, has_hubs ? 2 : 0, i), i, CHANGE_DEATH, CHANGE_BIRTH);
    if (has_hubs)
        die_and_return(c, 0, 0, CHANGE_HUB_DEATH, CHANGE_HUB_BIRTH);
}

static void one_by_one(struct scene *c)
{
    unsigned i;

    begin(c);
    publish_all(c, c->run->options.services);
    sim_run(c->sim);
    sim_check(c->sim);
    for (i = 0; i < c->run->samples; i++)
        one_service(c, c->run->options.services + i, i);
    topology_changes(c);
}

static void all_at_once(struct scene *c)
{
    unsigned count = c->sim->options.services, i;

    begin(c);
    publish_all(c, count);
    end(c, CHANGE_PUBLISH, 0);
    begin(c);
    publish_all(c, count);
    end(c, CHANGE_DATA, 0);
    topology_changes(c);
    if (!c->run->has_withdraw)
        return;
    begin(c);
    for (i = 0; i < count; i++)
        sim_withdraw(c->sim, i);
    end(c, CHANGE_WITHDRAW, 0);
}

static void run_slice(struct scene *c, unsigned services)
{
    struct sim_options options = c->run->options;

    options.services = services;
    c->sim = sim_new(&c->net, &options);
    if (c->run->is_bulk)
        all_at_once(c);
    else
        one_by_one(c);
    sim_free(c->sim);
}

void changes_run(const struct run *run, struct tally tallies[CHANGES], unsigned *links)
{
    struct scene c = {.run = run, .tallies = tallies, .first = run->first};
    unsigned left = run->options.services, services;

    if (net_build(&c.net, run->topology, run->nodes, run->seed) != 0)
        die("no topology '%s' with %u nodes", run->topology, run->nodes);
    *links = c.net.link_count;
    if (!run->is_bulk) {
        run_slice(&c, run->options.services + run->samples);
        left = 0;
    }
    while (left > 0) {
        services = left < run->slice ? left : run->slice;
        run_slice(&c, services);
        c.first += services;
        left -= services;
    }
    net_free(&c.net);
}
