/* SPDX-License-Identifier: MIT */
/*
 * eigrp_encode.c - writes EIGRP packets as a script on standard input says; for eigrp-dissect.py.
 *
 * One command a line, words apart by spaces; a packet is `packet ...`, then TLVs, then `end`,
 * upon which its octets are printed in hex. What is wrong ends the program with a message.
 *
 *     packet OPCODE AS FLAGS SEQ ACK SOURCE none|md5|sha ID PASSWORD
 *     parameter K1 K2 K3 K4 K5 K6 HOLD      software A B C D      stub FLAGS
 *     sequence ADDR...    termination ADDR...    topologies ID...    next NUMBER
 *     route KIND FORM TID AFI RID DELAY BW MTU HOPS REL LOAD OPAQUE TAG NEXTHOP [tag TAG]
 *     external RID AS TAG METRIC PROTOCOL FLAGS        (of the route before)
 *     service SERVICE SUB I1 I2 I3 I4 TYPE SEQ ADDR PORT PROTOCOL DATAHEX    (of that route)
 *
 * An address is "-" where there is none, data likewise.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eigrp_wire.h"

#define WORDS_MAX 32
#define LINE_MAX_BYTES 4096

static char *words[WORDS_MAX];
static size_t word_count;

static uint8_t buffer[1480];
static struct se_writer writer;
static struct se_route route;
static struct se_external external;
static uint8_t attributes[16];
static struct xmb_addr source;
static struct se_key key;

static void give_up(const char *why)
{
    fprintf(stderr, "eigrp_encode: %s: %s\n", word_count != 0 ? words[0] : "input", why);
    exit(1);
}

static void must(int rc)
{
    char text[32];

    snprintf(text, sizeof(text), "error %d", rc);
    if (rc != 0)
        give_up(text);
}

static const char *word(size_t i)
{
    if (i >= word_count)
        give_up("a word is missing");
    return words[i];
}

static uint64_t number(size_t i)
{
    char *end;
    uint64_t value = strtoull(word(i), &end, 0);

    if (*end != '\0')
        give_up("not a number");
    return value;
}

static struct xmb_addr address(size_t i)
{
    struct xmb_addr addr;

    memset(&addr, 0, sizeof(addr));
    if (strcmp(word(i), "-") == 0)
        return addr;
    addr.family = strchr(word(i), ':') != NULL ? 6 : 4;
    if (inet_pton(addr.family == 6 ? AF_INET6 : AF_INET, word(i), addr.ip) != 1)
        give_up("not an address");
    return addr;
}

static uint32_t router_id(size_t i)
{
    struct xmb_addr addr = address(i);

    return (uint32_t)addr.ip[0] << 24 | (uint32_t)addr.ip[1] << 16 | (uint32_t)addr.ip[2] << 8 |
           addr.ip[3];
}

static void do_packet(void)
{
    struct se_signer signer = {SE_AUTH_NONE, &key};
    struct se_header h;
    static char password[SE_PASSWORD_BYTES_MAX + 1];

    se_header_init(&h, (unsigned)number(1), (unsigned)number(2));
    h.flags = (uint32_t)number(3);
    h.sequence = (uint32_t)number(4);
    h.acknowledge = (uint32_t)number(5);
    source = address(6);
    if (strcmp(word(7), "none") != 0) {
        signer.mode = strcmp(word(7), "md5") == 0 ? SE_AUTH_MD5 : SE_AUTH_SHA256;
        key.id = (uint32_t)number(8);
        snprintf(password, sizeof(password), "%s", word(9));
        key.password = xmb_str(password);
    }
    must(se_write_begin(&writer, buffer, sizeof(buffer), &h, &signer));
}

static void do_parameter(void)
{
    struct se_parameter parameter;
    size_t i;

    for (i = 0; i < 6; i++)
        parameter.k.k[i] = (uint8_t)number(1 + i);
    parameter.hold_s = (uint16_t)number(7);
    must(se_write_parameter(&writer, &parameter));
}

static void do_software(void)
{
    struct se_software software = {(uint8_t)number(1), (uint8_t)number(2), (uint8_t)number(3),
                                   (uint8_t)number(4)};

    must(se_write_software(&writer, &software));
}

static void do_stub(void)
{
    must(se_write_stub(&writer, (unsigned)number(1)));
}

static void do_next(void)
{
    must(se_write_next_multicast(&writer, (uint32_t)number(1)));
}

static size_t addresses(struct xmb_addr *addrs)
{
    size_t i;

    for (i = 1; i < word_count; i++)
        addrs[i - 1] = address(i);
    return word_count - 1;
}

static void do_sequence(void)
{
    struct xmb_addr addrs[WORDS_MAX];
    size_t count = addresses(addrs);

    must(se_write_sequence(&writer, addrs, count));
}

static void do_termination(void)
{
    struct xmb_addr addrs[WORDS_MAX];
    size_t count = addresses(addrs);

    must(se_write_termination(&writer, addrs, count));
}

static void do_topologies(void)
{
    uint16_t ids[WORDS_MAX];
    size_t i;

    for (i = 1; i < word_count; i++)
        ids[i - 1] = (uint16_t)number(i);
    must(se_write_topologies(&writer, ids, word_count - 1));
}

static void do_route(void)
{
    size_t used = 0;

    memset(&route, 0, sizeof(route));
    route.kind = (uint8_t)number(1);
    route.form = (uint8_t)number(2);
    route.topology_id = (uint16_t)number(3);
    route.afi = (uint16_t)number(4);
    route.router_id = router_id(5);
    route.metric.delay_ps = number(6);
    route.metric.bandwidth_kbps = number(7);
    route.metric.mtu_bytes = (uint32_t)number(8);
    route.metric.hop_count = (uint8_t)number(9);
    route.metric.reliability = (uint8_t)number(10);
    route.metric.load = (uint8_t)number(11);
    route.opaque_flags = (uint8_t)number(12);
    route.tag = (uint32_t)number(13);
    route.next_hop = address(14);
    if (word_count > 15) {
        must(se_attribute_put_tag(attributes, sizeof(attributes), &used, (uint32_t)number(16)));
        must(se_attribute_align(attributes, sizeof(attributes), &used));
    }
    route.attributes = xmb_str_n((const char *)attributes, used);
}

static void do_external(void)
{
    external.origin_router_id = router_id(1);
    external.as_number = (uint32_t)number(2);
    external.tag = (uint32_t)number(3);
    external.metric = (uint32_t)number(4);
    external.protocol = (uint8_t)number(5);
    external.flags = (uint8_t)number(6);
    route.metric.external = &external;
}

static void do_service(void)
{
    static char data[LINE_MAX_BYTES];
    struct xmb_addr addr = address(9);
    struct se_service s;
    const char *hex = word(12);
    unsigned octet;
    size_t i;

    memset(&s, 0, sizeof(s));
    s.id.service = (uint16_t)number(1);
    s.id.subservice = (uint16_t)number(2);
    for (i = 0; i < 4; i++)
        s.id.instance[i] = (uint32_t)number(3 + i);
    s.data_type = (uint16_t)number(7);
    s.sequence = (uint32_t)number(8);
    addr.port = (uint16_t)number(10);
    se_service_set_reach(&s, &addr);
    s.protocol = (uint16_t)number(11);
    for (i = 0; hex[0] != '-' && sscanf(hex + 2 * i, "%2x", &octet) == 1; i++)
        data[i] = (char)octet;
    s.data = xmb_str_n(data, i);
    must(se_write_service(&writer, &route, &s));
}

static void do_end(void)
{
    size_t bytes;
    size_t i;

    must(se_write_finish(&writer, &source, &bytes));
    for (i = 0; i < bytes; i++)
        printf("%02x", buffer[i]);
    putchar('\n');
}

static const struct {
    const char *name;
    void (*run)(void);
} commands[] = {
    {"packet", do_packet},           {"parameter", do_parameter},   {"software", do_software},
    {"stub", do_stub},               {"next", do_next},             {"sequence", do_sequence},
    {"termination", do_termination}, {"topologies", do_topologies}, {"route", do_route},
    {"external", do_external},       {"service", do_service},       {"end", do_end},
};

static void run(char *line)
{
    char *rest = NULL;
    char *one;
    size_t i;

    word_count = 0;
    for (one = strtok_r(line, " \n", &rest); one != NULL; one = strtok_r(NULL, " \n", &rest)) {
        if (word_count == WORDS_MAX)
            give_up("too many words");
        words[word_count++] = one;
    }
    for (i = 0; word_count != 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(words[0], commands[i].name) == 0) {
            commands[i].run();
            return;
        }
    give_up("no such command");
}

int main(void)
{
    static char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof(line), stdin) != NULL)
        run(line);
    return fflush(stdout) == 0 ? 0 : 1;
}
