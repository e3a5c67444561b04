/* SPDX-License-Identifier: MIT */
/*
 * fuzz_eigrp_session.c - a neighbour that says anything, at any time: octets become a conversation
 * with an engine that has a real neighbour beside it.
 *
 * Each command is an octet and what it needs: raw packets, hellos, INITs and packets of all opcodes
 * whose numbers fit or nearly fit, acks, goodbyes, floods of strangers, time, and things for the
 * engine to send. Commands that fit are there so that the strange neighbour gets up, and deep.
 *
 * Whatever it says: the real neighbour stays up and gets all that was posted, once and in order
 * (the simulator looks after that), and what is kept in memory is bounded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eigrp_link_sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 400u
#define STRANGERS 4u

struct input {
    const uint8_t *p;
    size_t left;
};

/* Whoever talks to node 0. */
struct stranger {
    struct xmb_addr addr;
    uint32_t sequence; /* its own, last used */
    uint32_t heard;    /* of node 0, the last one that went to it */
};

struct talk {
    struct link_sim *s;
    struct input in;
    struct stranger strangers[STRANGERS];
    unsigned current;
};

static unsigned take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

static void on_foreign(struct link_sim *s, const struct xmb_addr *to, const void *octets,
                       size_t bytes)
{
    struct talk *t = s->arg;
    struct se_packet packet;
    unsigned i;

    if (se_packet_open(octets, bytes, &packet, NULL) != 0 || packet.header.sequence == 0)
        return;
    for (i = 0; i < STRANGERS; i++)
        if (memcmp(t->strangers[i].addr.ip, to->ip, sizeof(to->ip)) == 0)
            t->strangers[i].heard = packet.header.sequence;
}

static void send(struct talk *t, uint8_t *octets, size_t bytes, int is_multicast)
{
    uint16_t sum;

    if (bytes >= SE_HEADER_BYTES) {
        octets[0] = SE_VERSION;
        sum = se_checksum(octets, bytes);
        octets[2] = (uint8_t)(sum >> 8);
        octets[3] = (uint8_t)sum;
    }
    link_inject(t->s, 0, &t->strangers[t->current].addr, octets, bytes, is_multicast);
}

/* A header and, behind it, octets of the input. */
static void say(struct talk *t, const struct se_header *header, size_t body, int is_multicast)
{
    uint8_t octets[1480];
    struct se_writer w;
    size_t bytes;

    se_write_begin(&w, octets, sizeof(octets), header, NULL);
    se_write_finish(&w, NULL, &bytes);
    if (body > t->in.left)
        body = t->in.left;
    if (body > sizeof(octets) - bytes)
        body = sizeof(octets) - bytes;
    memcpy(octets + bytes, t->in.p, body);
    t->in.p += body;
    t->in.left -= body;
    send(t, octets, bytes + body, is_multicast);
}

static void hello(struct talk *t, unsigned what)
{
    struct se_parameter parameter = {SE_KVALUES_DEFAULT, (uint16_t)(1 + what * 3)};
    struct se_software software = {1, 0, (uint8_t)(2 + (what & 1)), 0};
    struct xmb_addr *list = &t->s->nodes[what & 1].addr;
    uint8_t octets[256];
    struct se_header header;
    struct se_writer w;
    size_t bytes;

    se_header_init(&header, SE_HELLO, LINK_AS);
    header.flags = (what & 0x40) != 0 ? SE_FLAG_RS : 0;
    se_write_begin(&w, octets, sizeof(octets), &header, NULL);
    if ((what & 0x82) == 0x82)
        se_write_goodbye(&w, 0, 15);
    else
        se_write_parameter(&w, &parameter);
    se_write_software(&w, &software);
    if (what & 0x04)
        se_write_stub(&w, what);
    if (what & 0x08)
        se_write_sequence(&w, list, 1);
    if (what & 0x10)
        se_write_next_multicast(&w, t->strangers[t->current].sequence + 1);
    if ((what & 0xa0) == 0xa0)
        se_write_termination(&w, list, 1);
    se_write_finish(&w, NULL, &bytes);
    send(t, octets, bytes, 1);
}

static void packet(struct talk *t, unsigned opcode, unsigned flags)
{
    struct stranger *who = &t->strangers[t->current];
    unsigned how = take(&t->in);
    struct se_header header;

    se_header_init(&header, opcode, LINK_AS);
    header.flags = flags;
    who->sequence = se_rtp_after(who->sequence + (how & 3) - (how >> 6));
    header.sequence = who->sequence;
    if (how & 4)
        header.acknowledge = who->heard + ((how & 8) >> 3);
    say(t, &header, take(&t->in), (how & 16) != 0);
}

static void flood(struct talk *t, unsigned from)
{
    struct stranger keep = t->strangers[t->current];
    unsigned i;

    for (i = 0; i < 100; i++) {
        t->strangers[t->current].addr.ip[3] = (uint8_t)(100 + (from + i) % 150);
        hello(t, 5);
    }
    t->strangers[t->current] = keep;
}

static void ack(struct talk *t)
{
    struct se_header header;

    se_header_init(&header, SE_HELLO, LINK_AS);
    header.acknowledge = t->strangers[t->current].heard;
    say(t, &header, 0, 0);
}

static void raw(struct talk *t)
{
    uint8_t octets[1480];
    size_t bytes = take(&t->in) * 8 + take(&t->in) % 8;

    if (bytes > t->in.left)
        bytes = t->in.left;
    if (bytes > sizeof(octets))
        bytes = sizeof(octets);
    memcpy(octets, t->in.p, bytes);
    t->in.p += bytes;
    t->in.left -= bytes;
    send(t, octets, bytes, take(&t->in) & 1);
}

static void post(struct talk *t, unsigned what)
{
    struct se_rtp_message m = {&t->s->nodes[0].table[what % LINK_TABLE], SE_UPDATE, 0};
    unsigned nbr = se_nbr_find(t->s->nodes[0].engine, 0, &t->strangers[t->current].addr);

    if (what & 0x80)
        link_post(t->s, 0, LINK_NODES, what & 1 ? SE_UPDATE : SE_QUERY, what);
    else if (nbr != SE_NBR_NONE)
        se_nbr_post(t->s->nodes[0].engine, 0, nbr, &m);
}

static void command(struct talk *t)
{
    unsigned op = take(&t->in);

    switch (op & 15) {
    case 0:
        raw(t);
        break;
    case 1:
        hello(t, 5 * 3);
        break;
    case 2:
        hello(t, take(&t->in));
        break;
    case 3:
        packet(t, SE_UPDATE, SE_FLAG_INIT);
        break;
    case 4:
    case 5:
        packet(t, 1 + (op >> 4), take(&t->in));
        break;
    case 6:
        ack(t);
        break;
    case 7:
        link_run_until(t->s, t->s->now_ms + take(&t->in) * 20);
        break;
    case 8:
    case 9:
        post(t, take(&t->in));
        break;
    case 10:
        t->current = (op >> 4) % STRANGERS;
        break;
    case 11:
        flood(t, take(&t->in));
        break;
    case 12:
        link_post(t->s, 1, LINK_NODES, SE_UPDATE, 20);
        break;
    default:
        link_run_until(t->s, t->s->now_ms + 1 + (op >> 4));
        break;
    }
}

static void check(const struct talk *t)
{
    struct se_nbr_iface_info info;
    const struct se_rtp *rtp = se_nbr_transport(t->s->nodes[0].engine);

    link_require(t->s, se_nbr_iface_info(t->s->nodes[0].engine, 0, &info) == 0, "no interface");
    /* One that was up keeps its place when it restarts. */
    link_require(t->s, info.pending_count <= SE_NBR_PENDING_MAX + STRANGERS, "too many pending");
    link_require(t->s, info.up_count <= 1 + STRANGERS, "too many up");
    link_require(t->s, se_rtp_packet_count(rtp) <= info.up_count + info.pending_count,
                 "more packets than windows");
    link_require(t->s, se_rtp_message_count(rtp) <= 5 * LINK_PAYLOADS, "too many messages");
    link_require(t->s, t->s->nodes[0].views[1].is_up && t->s->nodes[1].views[0].is_up,
                 "the real neighbour went");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_options o = {.nodes = 2, .table_items = 8};
    struct talk t = {.in = {data, size}};
    unsigned commands = 0;
    unsigned i;

    t.s = link_new(size, &o);
    t.s->arg = &t;
    t.s->foreign = on_foreign;
    for (i = 0; i < STRANGERS; i++) {
        t.strangers[i].addr = t.s->nodes[0].addr;
        t.strangers[i].addr.ip[3] = (uint8_t)(60 + i);
        t.strangers[i].sequence = 1000 * i;
    }
    link_start(t.s, 0, 0);
    link_start(t.s, 1, 0);
    link_run_until(t.s, t.s->now_ms + 100);
    check(&t);
    while (t.in.left > 0 && commands++ < COMMANDS_MAX) {
        command(&t);
        check(&t);
    }
    link_run_until(t.s, t.s->now_ms + 3000);
    check(&t);
    link_require(t.s, link_is_settled(t.s), "the real neighbour did not get everything");
    link_free(t.s);
    return 0;
}
