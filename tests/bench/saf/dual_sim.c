/* SPDX-License-Identifier: MIT */
/*
 * dual_sim.c - the decision engine alone, in networks of up to 4,096 nodes and in virtual time:
 * messages, packets and steps for each kind of change, as comma-separated values.
 *
 *     tests/bench/saf/dual_sim --header --topology random --nodes 100 --services 100
 *     tests/bench/saf/dual_sim --topology ring --nodes 30 --services 10000 --bulk --window
 *     tests/bench/saf/dual_sim --memory
 *
 * Messages are services in packets: one service to one neighbour. Figures are means over the
 * samples, but for those that say "max". What is simulated, and what a step is, says sim.h; what
 * the changes are, changes.h. After each change the network is compared with shortest ways that
 * were found without the engine; a difference ends the program with status 1.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "die.h"
#include "memory.h"

static const struct option long_options[] = {
    {"topology", required_argument, NULL, 't'}, {"nodes", required_argument, NULL, 'n'},
    {"services", required_argument, NULL, 's'}, {"samples", required_argument, NULL, 'k'},
    {"slice", required_argument, NULL, 'l'},    {"data", required_argument, NULL, 'd'},
    {"seed", required_argument, NULL, 'r'},     {"step-us", required_argument, NULL, 'u'},
    {"hops", required_argument, NULL, 'o'},
    {"bulk", no_argument, NULL, 'b'},           {"window", no_argument, NULL, 'w'},
    {"first", required_argument, NULL, 'f'},
    {"no-withdraw", no_argument, NULL, 'x'},
    {"header", no_argument, NULL, 'h'},         {"memory", no_argument, NULL, 'm'},
    {NULL, 0, NULL, 0},
};

static void header(void)
{
    printf("topology,nodes,links,services,mode,window,change,samples,touched,messages,messages_max,"
           "updates,requests,queries,replies,packets,bytes,steps,steps_max,shown_steps,stuck,"
           "engine_us\n");
}

static uint64_t messages_of(const struct sim_counts *c)
{
    uint64_t sum = 0;
    unsigned kind;

    for (kind = 0; kind < SIM_KINDS; kind++)
        sum += c->messages[kind];
    return sum;
}

static void add(struct sim_counts *sum, const struct sim_counts *one)
{
    unsigned kind;

    for (kind = 0; kind < SIM_KINDS; kind++)
        sum->messages[kind] += one->messages[kind];
    sum->packets += one->packets;
    sum->bytes += one->bytes;
    sum->touched += one->touched;
    sum->steps += one->steps;
    sum->shown_steps += one->shown_steps;
    sum->stuck += one->stuck;
}

static void row(const struct run *run, unsigned links, enum change change, const struct tally *t)
{
    uint64_t messages_max = 0, steps_max = 0;
    struct sim_counts sum = {.packets = 0};
    double n = t->samples;
    unsigned i;

    for (i = 0; i < t->samples; i++) {
        add(&sum, &t->counts[i]);
        if (messages_of(&t->counts[i]) > messages_max)
            messages_max = messages_of(&t->counts[i]);
        if (t->counts[i].steps > steps_max)
            steps_max = t->counts[i].steps;
    }
    printf("%s,%u,%u,%u,%s,%d,%s,%u,%.1f,%.1f,%llu,%.1f,%.1f,%.1f,%.1f,%.1f,%.0f,%.1f,%llu,%.1f,"
           "%llu,%.3f\n",
           run->topology, run->nodes, links, run->options.services, run->is_bulk ? "bulk" : "one",
           run->options.has_window, change_name(change), t->samples, (double)sum.touched / n,
           (double)messages_of(&sum) / n, (unsigned long long)messages_max,
           (double)sum.messages[SE_DUAL_UPDATE] / n, (double)sum.messages[SE_DUAL_REQUEST] / n,
           (double)sum.messages[SE_DUAL_QUERY] / n, (double)sum.messages[SE_DUAL_REPLY] / n,
           (double)sum.packets / n, (double)sum.bytes / n, (double)sum.steps / n,
           (unsigned long long)steps_max, (double)sum.shown_steps / n,
           (unsigned long long)sum.stuck,
           messages_of(&sum) > 0 ? t->cpu_s * 1e6 / (double)messages_of(&sum) : 0);
}

static unsigned number(const char *text, unsigned max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != '\0' || end == text || value == 0 || value > max)
        die("'%s' is not a number from 1 to %u", text, max);
    return (unsigned)value;
}

/* 0: it is not an option with a number. */
static int take_number(struct run *run, int option)
{
    const struct {
        int option;
        unsigned *to, max;
    } numbers[] = {
        {'n', &run->nodes, NET_NODES_MAX},       {'s', &run->options.services, 10000000},
        {'k', &run->samples, SAMPLES_MAX},       {'l', &run->slice, 10000000},
        {'d', &run->options.data_bytes, 1300},   {'r', &run->seed, UINT32_MAX},
        {'u', &run->options.step_us, 1000000},   {'o', &run->options.hops_max, 255},
        {'f', &run->first, 100000000},
    };
    unsigned i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i].option == option) {
            *numbers[i].to = number(optarg, numbers[i].max);
            return 1;
        }
    return 0;
}

static void take(struct run *run, int option, int *is_memory)
{
    switch (option) {
    case 't':
        run->topology = optarg;
        break;
    case 'b':
        run->is_bulk = 1;
        break;
    case 'w':
        run->options.has_window = 1;
        break;
    case 'x':
        run->has_withdraw = 0;
        break;
    case 'h':
        header();
        break;
    case 'm':
        *is_memory = 1;
        break;
    default:
        if (!take_number(run, option))
            die("usage: dual_sim [--topology ring|tree|random|hub|hub-stub] [--nodes N] "
                "[--services N] [--samples N] [--bulk [--slice N] [--first N] [--no-withdraw]] "
                "[--window] [--data OCTETS] [--seed N] [--step-us N] [--hops N] [--header] "
                "| --memory");
    }
}

int main(int argc, char **argv)
{
    static struct tally tallies[CHANGES];
    struct run run = {
        .topology = "random",
        .nodes = 100,
        .samples = 16,
        .seed = 1,
        .has_withdraw = 1,
        .options = {.services = 100, .data_bytes = 300, .step_us = 1000,
                    .hops_max = SE_HOPS_MAX_DEFAULT},
    };
    int option, change, is_memory = 0;
    unsigned links;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take(&run, option, &is_memory);
    if (is_memory) {
        memory_measure();
        return 0;
    }
    if (run.slice == 0)
        run.slice = run.options.services;
    if (run.options.has_window && run.slice < run.options.services)
        die("with a window services wait for each other: slices cannot be added");
    changes_run(&run, tallies, &links);
    for (change = 0; change < CHANGES; change++)
        if (tallies[change].samples > 0)
            row(&run, links, (enum change)change, &tallies[change]);
    return 0;
}
