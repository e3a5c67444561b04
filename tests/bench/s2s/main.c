/* SPDX-License-Identifier: MIT */
/* main.c - the load generator's command line; tests/bench/s2s.py is who calls it. */
#include "s2s.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct options opt = {.wire = "xmpp", .count = 100000, .bytes = 300, .rate = 1000, .streams = 100};

static const struct option names[] = {
    {"scene", 1, NULL, 's'},       {"wire", 1, NULL, 'w'},       {"from", 1, NULL, 'f'},
    {"to", 1, NULL, 't'},          {"listen-from", 1, NULL, 'F'}, {"listen-to", 1, NULL, 'T'},
    {"server", 1, NULL, 'S'},      {"server-out", 1, NULL, 'O'}, {"component", 1, NULL, 'c'},
    {"certificate", 1, NULL, 'C'}, {"key", 1, NULL, 'K'},        {"pid", 1, NULL, 'p'},
    {"count", 1, NULL, 'n'},       {"bytes", 1, NULL, 'b'},      {"rate", 1, NULL, 'r'},
    {"streams", 1, NULL, 'i'},     {"one-record", 0, NULL, '1'}, {"resume", 0, NULL, 'R'},
    {NULL, 0, NULL, 0}};

static unsigned number(void)
{
    return (unsigned)strtoul(optarg, NULL, 10);
}

static void read_option(int c)
{
    switch (c) {
    case 's': opt.scene = optarg; break;
    case 'w': opt.wire = optarg; break;
    case 'f': opt.from = optarg; break;
    case 't': opt.to = optarg; break;
    case 'F': opt.listen_from = optarg; break;
    case 'T': opt.listen_to = optarg; break;
    case 'S': opt.server = optarg; break;
    case 'O': opt.server_out = optarg; break;
    case 'c': opt.component = optarg; break;
    case 'C': opt.certificate = optarg; break;
    case 'K': opt.key = optarg; break;
    case 'p': opt.server_pid = (int)number(); break;
    case 'n': opt.count = number(); break;
    case 'b': opt.bytes = number(); break;
    case 'r': opt.rate = number(); break;
    case 'i': opt.streams = number(); break;
    case '1': opt.one_record = 1; break;
    case 'R': opt.resume = 1; break;
    default: exit(2);
    }
}

int main(int argc, char **argv)
{
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
        read_option(c);
    if (opt.scene == NULL || opt.from == NULL || opt.to == NULL || opt.server == NULL ||
        opt.certificate == NULL || opt.key == NULL)
        die("--scene, --from, --to, --server, --certificate and --key are needed");
    signal(SIGPIPE, SIG_IGN);
    tls_init();
    if (opt.listen_from != NULL)
        receiver_start(opt.listen_from);
    if (opt.listen_to != NULL)
        receiver_start(opt.listen_to);
    if (opt.component != NULL)
        component_start(opt.to);
    scene_run();
    fflush(stdout);
    _exit(0); /* threads are still inside OpenSSL, which exit() would clean up under them */
}
