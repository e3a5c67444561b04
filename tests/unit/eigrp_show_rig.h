/* SPDX-License-Identifier: MIT */
/*
 * eigrp_show_rig.h - a forwarder that is made up for the commands about it: one process with both
 * engines and a real neighbour, one that waits, one that is shut down.
 *
 *     ipv4 4453          eth0 (10.0.0.1) <--> another engine, 10.0.0.2; tap0 with nobody
 *     ipv4 4454 vrf red  waits for an address
 *     ipv6 4453          shut down
 *
 * What belongs to process.c and limit.c is replaced here and noted. Time stands still.
 */
#ifndef EIGRP_SHOW_RIG_H
#define EIGRP_SHOW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "metrics.h"
#include "show.h"

#define RIG_NOW_MS 100000

struct rig {
    struct xmb_module *module;
    struct xmb_host host; /* the fake one, with a raw socket */
    struct se_forwarder forwarder;
    struct se_process v4, red, v6;
    struct se_family_conf conf_v4, conf_red, conf_v6;
    struct se_iface_conf iface_conf;
    struct se_chain chain;
    struct se_key key;
    struct se_iface eth0, tap0;
    struct se_iface *ifaces[3];
    struct se_socket socket;
    struct se_nbrs *far;   /* the neighbour's engine */
    uint64_t now_ms;
    unsigned nbr;          /* its number */
    unsigned settled, resyncs, downs, limits_cleared;
    enum se_nbr_reason reason; /* of the last that went down */
    int is_writing;        /* messages of ours become services, else there is nothing to say */
};

extern struct rig *rig;

int rig_begin(void **state); /* the neighbour is up */
int rig_end(void **state);
/* eigrp_show_engines.c: makes them, and brings the neighbour up. */
void rig_make_engines(void);
void rig_free_engines(void);
struct xmb_addr rig_addr(unsigned last); /* 10.0.0.`last` */
/* Delivers what both engines sent, until they are silent. */
void rig_pump(void);
/* A hello of somebody who never answers. */
void rig_hello_from(unsigned last);
/* The same with a list of topologies, none when `count` is 0. */
void rig_hello_listing(unsigned last, const uint16_t *ids, size_t count);
/* An update of the neighbour about service 101:2 of that instance; `delay_us` 0: unreachable. */
void rig_hear(uint32_t instance, unsigned delay_us, uint32_t sequence);
/* 101:3 of that instance is published here, with five octets of data. */
void rig_publish(uint32_t instance);
void rig_penalty(unsigned last, uint64_t until_ms, uint32_t restarts);

/* Runs "WORDS" with space-separated arguments. The answer, and what the handler returned. */
const char *rig_run(const char *words, const char *args, int expected);
void has(const char *text, const char *part);
void has_not(const char *text, const char *part);

#endif
