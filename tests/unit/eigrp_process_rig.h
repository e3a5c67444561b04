/* SPDX-License-Identifier: MIT */
/*
 * eigrp_process_rig.h - the whole SAF forwarder as a plugin in the fake host, and neighbours on its
 * links that say what the test wants.
 *
 * The forwarder's packets go out by the fake raw sockets. A *peer* is a neighbour engine (which the
 * forwarder uses, too) on one interface, with the test in the place of DUAL: it remembers what it
 * hears about a service, says what it is told to say, and answers a query with "unreachable",
 * unless it is mute. Time is the fake host's.
 *
 *     forwarder --rawip--> fake host --rig_run--> peer on "eth0", number 2
 *               <------------------- <----------- peer on "eth1", number 3
 *
 * Interface number N has the address 10.0.N.1/24, or fe80::1; its peer 10.0.N.2, or fe80::N02.
 */
#ifndef EIGRP_PROCESS_RIG_H
#define EIGRP_PROCESS_RIG_H

#include <xmb/fakehost.h>

#include "neighbour.h"
#include "process.h"

#define RIG_AS 1228
#define RIG_HEARD_MAX 32
#define RIG_SAID_MAX 64

extern const struct xmb_plugin saf_eigrp_LTX_xmb_plugin;

/* What a peer was told last about a service. */
struct rig_heard {
    struct xmb_service_id id;
    uint8_t opcode; /* 0: nothing yet */
    uint8_t is_finite, is_complete, is_withdrawn;
    uint32_t sequence, tag;
    size_t data_bytes;
    uint32_t count; /* messages about it */
};

#define RIG_FAST_PS 10000000u /* delay of rig_service */

/* What a peer says. Lives as long as the peer. */
struct rig_said {
    struct xmb_service_id id;
    uint32_t origin, sequence;
    size_t data_bytes;
    uint64_t delay_ps; /* 0: unreachable */
    uint32_t tag;      /* 0: none */
    uint8_t is_complete;
    uint8_t is_withdrawn; /* by its originator */
};

struct rig_peer {
    struct se_nbrs *nbrs;
    uint64_t timer_ms;
    uint32_t iface; /* of the host */
    uint8_t family;
    uint8_t is_mute;
    uint8_t is_up;
    uint8_t is_complete; /* EOT came */
    unsigned nbr;        /* the forwarder, while it is up */
    uint32_t ups, downs;
    uint8_t down_reason; /* enum se_nbr_reason */
    struct xmb_addr addr, ours;
    struct rig_heard heard[RIG_HEARD_MAX];
    struct rig_said said[RIG_SAID_MAX];
    uint32_t said_count;
};

extern struct xmb_module *rig_module;
extern struct se_forwarder *rig_forwarder; /* to look at */
/* Packets of the forwarder: to a group, by their interface; and all. */
extern uint32_t rig_multicasts[16], rig_packets;

/* Opens the fake host and loads the plugin; nothing is configured, and there are no interfaces. */
void rig_open(void);
/* Peers go without a word; then the host ends. */
void rig_close(void);
/* Aborts, with the faults, when it is refused. */
void rig_configure(const char *inner);

/* Interface ethN, of number `number`, N two less: up with its addresses, or down. */
void rig_iface(uint32_t number, uint32_t mtu_bytes, int is_up);
void rig_iface_gone(uint32_t number);

/* A peer on that interface, which begins to say hello. */
struct rig_peer *rig_peer(uint32_t number, unsigned family);
/* Another one of that interface, 10.0.N.`last`, says hello once, and never anything again. */
void rig_hello(uint32_t number, unsigned last);
/* Lets `ms` go by. */
void rig_run(uint64_t ms);
/* Runs until all peers see the forwarder up and have its table. Aborts when that takes a minute. */
void rig_converge(void);

/* Service 101:`subservice`:1.2.3.4. */
struct xmb_service_id rig_id(unsigned subservice);
const struct rig_heard *rig_heard(const struct rig_peer *peer, unsigned subservice);
const struct rig_heard *rig_heard_id(const struct rig_peer *peer, const struct xmb_service_id *id);
/* `peer` says `what` to the forwarder. */
void rig_say(struct rig_peer *peer, unsigned opcode, const struct rig_said *what);
/* Service `subservice` with 100 octets, near, whole: something to say. */
struct rig_said rig_service(unsigned subservice, uint32_t origin, uint32_t sequence);
/* Says it in an update, and lets the forwarder take it in. */
void rig_update(struct rig_peer *peer, const struct rig_said *what);

/* A local client publishes, version by version; or takes it back. */
void rig_publish(unsigned subservice, uint32_t version, size_t data_bytes);
void rig_unpublish(unsigned subservice);
/* The registry's record, or NULL. */
const struct xmb_service *rig_registry(unsigned subservice);

/* What "show eigrp service-family `args`" answers; of "protocols" that of show eigrp protocols. */
const char *rig_show(const char *args);
/* 1 when the log has `text`; how often. */
unsigned rig_logged(const char *text);

#endif
