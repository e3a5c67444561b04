/* SPDX-License-Identifier: MIT */
/*
 * load.c - the load generator's command line.
 */
#include "load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct options opt = {.host = "127.0.0.1", .clients = 1, .window = 1, .count = 1, .bytes = 300,
                      .rate = 1000};

static const struct wire *wire_of(const char *name)
{
    static const struct wire *const wires[] = {&wire_xmcp, &wire_mqtt, &wire_nats,
                                              &wire_redis};
    size_t i;

    for (i = 0; i < sizeof wires / sizeof wires[0]; i++)
        if (strcmp(wires[i]->name, name) == 0)
            return wires[i];
    die("no protocol is called %s", name);
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || n > 100000000)
        die("%s is not a number", text);
    return (unsigned)n;
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"wire", 1, NULL, 'w'},    {"scene", 1, NULL, 's'},  {"host", 1, NULL, 'H'},
        {"port", 1, NULL, 'p'},    {"pid", 1, NULL, 'P'},    {"clients", 1, NULL, 'c'},
        {"window", 1, NULL, 'W'},  {"count", 1, NULL, 'n'},  {"bytes", 1, NULL, 'b'},
        {"rate", 1, NULL, 'r'},    {"user", 1, NULL, 'u'},   {"password", 1, NULL, 'x'},
        {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'w': opt.wire = wire_of(optarg); break;
        case 's': opt.scene = optarg; break;
        case 'H': opt.host = optarg; break;
        case 'p': opt.port = (uint16_t)number(optarg); break;
        case 'P': opt.server_pid = (int)number(optarg); break;
        case 'c': opt.clients = number(optarg); break;
        case 'W': opt.window = number(optarg); break;
        case 'n': opt.count = number(optarg); break;
        case 'b': opt.bytes = number(optarg); break;
        case 'r': opt.rate = number(optarg); break;
        case 'u': opt.user = optarg; break;
        case 'x': opt.password = optarg; break;
        default: exit(2);
        }
    }
    if (opt.wire == NULL || opt.scene == NULL || opt.port == 0 || opt.server_pid == 0 ||
        opt.clients == 0 || opt.window == 0 || opt.bytes < 16 || opt.bytes > 60000)
        die("usage: load --wire xmcp|mqtt|nats|redis --scene NAME --port N --pid N [--clients N] "
            "[--window N] [--count N] [--bytes N] [--rate N] [--user U --password P]");
}

int main(int argc, char **argv)
{
    struct rlimit files;

    parse(argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return scene_run();
}
