/* SPDX-License-Identifier: MIT */
/*
 * eigrp_nbr_rig.h - one neighbour engine on a table: the test is everybody else on its interfaces.
 *
 * What the engine sends is kept, oldest first; rig_sent takes the next one out. What it tells is
 * counted. Time stands still unless the test moves it; moving it runs what is due on the way.
 */
#ifndef EIGRP_NBR_RIG_H
#define EIGRP_NBR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "neighbour.h"

#define RIG_AS 4453
#define RIG_SENT_MAX 512
#define RIG_ITEMS 4096

struct rig_packet {
    struct se_packet packet; /* its octets live until rig_free */
    struct se_hello hello;   /* of hellos with TLVs */
    struct xmb_addr to;      /* family 0: multicast */
    uint64_t at_ms;
    unsigned iface;
    unsigned services;       /* in it */
    unsigned tlvs;           /* service TLVs */
    uint32_t numbers[128];   /* of the services: instance[0] */
};

struct rig_item {
    uint32_t number;
    uint32_t bytes;
    uint32_t version; /* goes out as sequence of the service */
    int holds;
    int is_mute; /* nothing to say */
    uint32_t group; /* services of one group have the same metric */
};

struct rig {
    struct se_nbrs *engine;
    struct se_nbr_conf conf;
    struct se_nbr_iface_conf iface;
    struct se_now now;
    uint64_t timer_ms;
    struct rig_packet sent[RIG_SENT_MAX];
    unsigned sent_first, sent_count;
    struct rig_item items[RIG_ITEMS];
    unsigned item_count;
    unsigned table_count, table_next; /* items from 0 that make up the table */
    unsigned ups, downs, resyncs, completes, delivered, notes[SE_NBR_NOTE_KINDS];
    unsigned last_nbr;
    enum se_nbr_reason last_reason;
    enum se_nbr_complete last_complete;
    struct se_nbr_note last_note;
    const struct xmb_addr *denied; /* may_peer says no to it */
    /* Called in deliver when not NULL. */
    void (*on_deliver)(struct rig *rig, unsigned nbr, const struct se_packet *packet);
    void *memory[RIG_SENT_MAX * 8];
    unsigned memory_count;
};

/* An engine with an interface 0: a LAN of 10.88.0.0/24, or of link-local addresses. */
struct rig *rig_new(uint8_t family);
/* The same, but the configuration of rig->conf and rig->iface can be changed before rig_start. */
struct rig *rig_prepare(uint8_t family);
void rig_start(struct rig *rig);
void rig_free(struct rig *rig);

/* 10.88.0.`last` or fe80::`last`. The engine is 1. */
struct xmb_addr rig_addr(const struct rig *rig, unsigned last);
/* Moves time, and runs what is due on the way. */
void rig_advance(struct rig *rig, uint64_t ms);

/* The next packet that was sent, or NULL. Lives until rig_free. */
const struct rig_packet *rig_sent(struct rig *rig);
/* The next one of that opcode, or NULL; hellos that are acks are no hellos. Others are dropped. */
const struct rig_packet *rig_sent_opcode(struct rig *rig, unsigned opcode);
/* The next bare ack. */
const struct rig_packet *rig_sent_ack(struct rig *rig);
void rig_forget(struct rig *rig);

/* A hello as a peer sends it, to change as one likes. */
struct rig_hello {
    struct se_header header;
    struct se_parameter parameter;
    struct se_software software;
    unsigned stub_flags;
    const struct xmb_addr *sequence, *termination;
    uint32_t next_multicast;
    const uint16_t *topologies;
    size_t topology_count;
    const struct se_signer *signer;
    int is_goodbye, goodbye_k6, is_bare, is_stub;
    unsigned iface;
    uint8_t ttl;
    int is_unicast;
};
void rig_hello_init(struct rig_hello *h);
void rig_hello_from(struct rig *rig, const struct xmb_addr *from, const struct rig_hello *h);
/* The same, of no neighbour; it has to be dropped for `reason` and without an answer. */
void rig_drop_hello(struct rig *rig, const struct xmb_addr *from, const struct rig_hello *h,
                    enum se_reason reason);
/* A plain one. */
void rig_say_hello(struct rig *rig, unsigned from);
/* A packet of `opcode` with one service of that number (0: none). */
void rig_say(struct rig *rig, unsigned from, unsigned opcode, uint32_t flags, uint32_t sequence,
             uint32_t ack, uint32_t service);
/* The same by multicast. */
void rig_shout(struct rig *rig, unsigned from, unsigned opcode, uint32_t flags, uint32_t sequence,
               uint32_t ack, uint32_t service);
void rig_ack(struct rig *rig, unsigned from, uint32_t sequence);
void rig_octets(struct rig *rig, const struct xmb_addr *from, unsigned iface, const void *octets,
                size_t bytes);

/* Brings neighbour `from` up: its INIT is `sequence`. Its number. Forgets what was sent. */
unsigned rig_up(struct rig *rig, unsigned from, uint32_t sequence);
enum se_nbr_state rig_state(const struct rig *rig, unsigned from);
/* How often a packet was dropped for `reason`. */
uint64_t rig_count(const struct rig *rig, enum se_reason reason);
struct se_nbr_iface_info rig_iface(const struct rig *rig);

/* A new item; its number. */
struct rig_item *rig_item(struct rig *rig, unsigned bytes);
/* Posts it: to a number or SE_NBR_ALL, and sends. */
void rig_post(struct rig *rig, unsigned nbr, unsigned opcode, struct rig_item *item);

#endif
