/* SPDX-License-Identifier: MIT */
/*
 * test_inside_dns.c - the DNS responder for servers inside, on the fake host: what each kind of
 * question is answered with, over UDP and TCP, and what is done about those that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <xmb/fakehost.h>

extern const struct xmb_plugin inside_dns_LTX_xmb_plugin;

#define A 1
#define NS 2
#define SRV 33
#define AAAA 28
#define AXFR 252
#define ANY 255
#define IN 1
#define CHAOS 3

static struct xmb_module *module;

static void configure(const char *inner)
{
    int rc = xmb_fakehost_configure(module, inner);

    if (rc != 0)
        print_error("%s", xmb_fakehost_faults());
    assert_int_equal(rc, 0);
}

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&inside_dns_LTX_xmb_plugin);
    assert_non_null(module);
    configure("<listen address='10.0.0.1'/><gateway address='10.0.0.1'/>"
              "<gateway address='2001:db8::1'/>");
    return 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* --- queries --------------------------------------------------------------------------------- */

static char wire[8192];
static size_t wire_bytes;

static void put(const void *p, size_t n)
{
    memcpy(wire + wire_bytes, p, n);
    wire_bytes += n;
}

static void put_u16(unsigned value)
{
    uint8_t two[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    put(two, 2);
}

static void put_name(const char *name)
{
    while (*name != '\0') {
        uint8_t n = (uint8_t)strcspn(name, ".");

        put(&n, 1);
        put(name, n);
        name += n + (name[n] == '.');
    }
    put("", 1);
}

/* RD is set, as a stub resolver does it. `udp_bytes` 0: without EDNS. */
static struct xmb_str query(const char *name, unsigned type, unsigned class, unsigned udp_bytes)
{
    wire_bytes = 0;
    put_u16(0x1234);
    put_u16(0x0100);
    put_u16(1);
    put_u16(0);
    put_u16(0);
    put_u16(udp_bytes > 0);
    put_name(name);
    put_u16(type);
    put_u16(class);
    if (udp_bytes > 0) {
        put("", 1);
        put_u16(41);
        put_u16(udp_bytes);
        put("\0\0\0\0\0\0", 6);
    }
    return (struct xmb_str){wire, wire_bytes};
}

/* --- answers --------------------------------------------------------------------------------- */

static ldns_pkt *reply;

static void read_reply(struct xmb_str bytes)
{
    ldns_pkt_free(reply);
    reply = NULL;
    assert_int_equal(ldns_wire2pkt(&reply, (const uint8_t *)bytes.p, bytes.n), LDNS_STATUS_OK);
    assert_true(ldns_pkt_qr(reply));
    assert_false(ldns_pkt_ra(reply));
    assert_int_equal(ldns_pkt_id(reply), 0x1234);
}

/* The number of octets of the answer; 0: there was none. */
static size_t ask(struct xmb_str q)
{
    struct xmb_fakehost_sent sent;

    xmb_fakehost_datagram(module, 0, NULL, NULL, q);
    if (!xmb_fakehost_datagram_sent(module, &sent))
        return 0;
    assert_int_equal(sent.to.port, 49152);
    assert_int_equal(sent.from.port, 53); /* from where it was asked */
    assert_int_equal(sent.from.ip[3], 254);
    read_reply(sent.bytes);
    assert_false(xmb_fakehost_datagram_sent(module, &sent));
    return sent.bytes.n;
}

static void asks(const char *name, unsigned type)
{
    assert_true(ask(query(name, type, IN, 0)) > 0);
    assert_int_equal(ldns_pkt_get_rcode(reply), LDNS_RCODE_NOERROR);
    assert_true(ldns_pkt_aa(reply));
    assert_true(ldns_pkt_rd(reply));
    assert_int_equal(ldns_pkt_qdcount(reply), 1);
}

/* Record `i` of a section as text, its fields with one space between. */
static void expect(ldns_rr_list *section, size_t i, const char *want)
{
    char *text;
    char *p;

    assert_true(i < ldns_rr_list_rr_count(section));
    text = ldns_rr2str(ldns_rr_list_rr(section, i));
    assert_non_null(text);
    for (p = text; *p != '\0'; p++)
        if (*p == '\t')
            *p = ' ';
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, want);
    free(text);
}

static void expect_empty(const char *owner)
{
    char want[600];

    assert_int_equal(ldns_pkt_ancount(reply), 0);
    assert_int_equal(ldns_pkt_nscount(reply), 1);
    assert_int_equal(ldns_pkt_arcount(reply), 0);
    snprintf(want, sizeof(want), "%s 60 IN SOA %s nobody.invalid. 1 3600 600 86400 60", owner,
             owner);
    expect(ldns_pkt_authority(reply), 0, want);
}

/* --- what is answered ------------------------------------------------------------------------ */

static void test_addresses(void **state)
{
    (void)state;
    asks("Any.Name.Example", A);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    expect(ldns_pkt_answer(reply), 0, "Any.Name.Example. 60 IN A 10.0.0.1"); /* letters as asked */
    asks("any.name.example", AAAA);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    expect(ldns_pkt_answer(reply), 0, "any.name.example. 60 IN AAAA 2001:db8::1");
    asks("", A); /* the root, why not */
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    configure("<gateway address='10.0.0.2'/><gateway address='10.0.0.1'/><ttl seconds='0'/>");
    asks("any.name.example", A);
    assert_int_equal(ldns_pkt_ancount(reply), 2);
    expect(ldns_pkt_answer(reply), 0, "any.name.example. 0 IN A 10.0.0.2");
    expect(ldns_pkt_answer(reply), 1, "any.name.example. 0 IN A 10.0.0.1");
    asks("any.name.example", AAAA);
    assert_int_equal(ldns_pkt_ancount(reply), 0);
    assert_int_equal(ldns_pkt_nscount(reply), 1);
}

static void test_srv(void **state)
{
    (void)state;
    asks("_xmpp-server._tcp.far.example", SRV);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    expect(ldns_pkt_answer(reply), 0,
           "_xmpp-server._tcp.far.example. 60 IN SRV 0 0 5269 far.example.");
    assert_int_equal(ldns_pkt_arcount(reply), 2);
    expect(ldns_pkt_additional(reply), 0, "far.example. 60 IN A 10.0.0.1");
    expect(ldns_pkt_additional(reply), 1, "far.example. 60 IN AAAA 2001:db8::1");
    asks("_XMPP-Server._TCP.far.example", SRV);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    asks("_xmpp-server._tcp.far.example", A); /* a name like every other */
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    asks("_xmpps-server._tcp.far.example", SRV);
    expect_empty("_xmpps-server._tcp.far.example.");
    asks("_xmpp-client._tcp.far.example", SRV);
    expect_empty("_xmpp-client._tcp.far.example.");
    asks("_xmpp-server._tcp", SRV); /* of no domain */
    expect_empty("_xmpp-server._tcp.");
    asks("_xmpp-server._tcpx.far.example", SRV);
    expect_empty("_xmpp-server._tcpx.far.example.");
}

static void test_srv_of_a_named_gateway(void **state)
{
    (void)state;
    configure("<gateway address='10.0.0.1' name='xmpp-gw.example.com' port='5270' tls-port='5271'/>"
              "<gateway address='10.0.0.2' name='XMPP-gw.example.com.'/>");
    asks("_xmpp-server._tcp.far.example", SRV);
    expect(ldns_pkt_answer(reply), 0,
           "_xmpp-server._tcp.far.example. 60 IN SRV 0 0 5270 xmpp-gw.example.com.");
    assert_int_equal(ldns_pkt_arcount(reply), 2);
    expect(ldns_pkt_additional(reply), 0, "xmpp-gw.example.com. 60 IN A 10.0.0.1");
    asks("_xmpps-server._tcp.far.example", SRV);
    expect(ldns_pkt_answer(reply), 0,
           "_xmpps-server._tcp.far.example. 60 IN SRV 0 0 5271 xmpp-gw.example.com.");
    asks("xmpp-gw.example.com", A);
    assert_int_equal(ldns_pkt_ancount(reply), 2);
}

static void test_nothing_else(void **state)
{
    static const unsigned types[] = {NS, 5, 6, 15, 16, 43, 48, 52, 64, 65, ANY, 65280};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        asks("far.example", types[i]);
        expect_empty("far.example.");
    }
    assert_int_equal(xmb_fakehost_metric(module, "empty"), i);
}

static void refused(struct xmb_str q, unsigned rcode)
{
    assert_true(ask(q) > 0);
    assert_int_equal(ldns_pkt_get_rcode(reply), rcode);
    assert_false(ldns_pkt_aa(reply));
    assert_int_equal(ldns_pkt_ancount(reply), 0);
    assert_int_equal(ldns_pkt_nscount(reply), 0);
}

static void test_refused(void **state)
{
    struct xmb_str q;

    (void)state;
    refused(query("version.bind", 16, CHAOS, 0), LDNS_RCODE_REFUSED);
    refused(query("far.example", A, 255, 0), LDNS_RCODE_REFUSED);
    refused(query("far.example", AXFR, IN, 0), LDNS_RCODE_REFUSED);
    refused(query("far.example", 251, IN, 0), LDNS_RCODE_REFUSED);
    q = query("far.example", A, IN, 0);
    wire[2] = 0x28; /* an update */
    refused(q, LDNS_RCODE_NOTIMPL);
    assert_int_equal(ldns_pkt_get_opcode(reply), 5);
    assert_int_equal(xmb_fakehost_metric(module, "refused"), 5);
}

static void test_malformed(void **state)
{
    struct xmb_str q = query("far.example", A, IN, 0);
    size_t n;

    (void)state;
    for (n = 0; n < 12; n++)
        assert_int_equal(ask(xmb_sub(q, 0, n)), 0);
    for (; n < q.n; n++)
        refused(xmb_sub(q, 0, n), LDNS_RCODE_FORMERR);
    wire[5] = 0; /* no question */
    refused(q, LDNS_RCODE_FORMERR);
    q = query("far.example", A, IN, 0);
    wire[5] = 2;
    put_name("b.example");
    put_u16(A);
    put_u16(IN);
    refused((struct xmb_str){wire, wire_bytes}, LDNS_RCODE_FORMERR);
    q = query("far.example", A, IN, 0);
    wire[12] = (char)0xc0; /* a name that is itself */
    wire[13] = 12;
    refused(q, LDNS_RCODE_FORMERR);
    q = query("far.example", A, IN, 0);
    wire[2] = (char)0x81; /* an answer is never answered */
    assert_int_equal(ask(q), 0);
    assert_int_equal(xmb_fakehost_metric(module, "ignored"), 13);
    memset(wire, 0, sizeof(wire));
    wire[0] = 0x12;
    wire[1] = 0x34;
    refused((struct xmb_str){wire, 5000}, LDNS_RCODE_FORMERR); /* longer than a query can be */
}

/* --- EDNS and lengths ------------------------------------------------------------------------ */

static void test_edns(void **state)
{
    (void)state;
    asks("far.example", A);
    assert_false(ldns_pkt_edns(reply));
    assert_true(ask(query("far.example", A, IN, 4096)) > 0);
    assert_true(ldns_pkt_edns(reply));
    assert_int_equal(ldns_pkt_edns_udp_size(reply), 1232);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    query("far.example", A, IN, 4096);
    wire[wire_bytes - 5] = 1; /* of the version after this */
    assert_true(ask((struct xmb_str){wire, wire_bytes}) > 0);
    assert_int_equal(ldns_pkt_edns_extended_rcode(reply), 1);
    assert_int_equal(ldns_pkt_ancount(reply), 0);
}

/* A name of 253 characters with `front` at its beginning. */
static const char *long_name(const char *front)
{
    static char name[256];
    size_t n = (size_t)snprintf(name, sizeof(name), "%s", front);

    while (n < 253) {
        size_t label = 253 - n > 64 ? 63 : 253 - n - 1;

        if (label == 0)
            break;
        name[n++] = '.';
        memset(name + n, 'x', label);
        n += label;
    }
    name[n] = '\0';
    return name;
}

static void test_lengths(void **state)
{
    char gateways[2048] = "";
    size_t n = 0;
    int i;

    (void)state;
    for (i = 1; i <= 8; i++)
        n += (size_t)snprintf(gateways + n, sizeof(gateways) - n,
                              "<gateway address='10.0.0.%d'/><gateway address='2001:db8::%d'/>", i,
                              i);
    configure(gateways);
    assert_in_range(ask(query("_xmpp-server._tcp.far.example", SRV, IN, 1232)), 400, 1232);
    assert_int_equal(ldns_pkt_arcount(reply), 16);
    /* The additional records go first, and then the answer. */
    assert_in_range(ask(query("_xmpp-server._tcp.far.example.and.more", SRV, IN, 0)), 1, 512);
    assert_in_range(ask(query(long_name("_xmpp-server._tcp"), SRV, IN, 600)), 270, 600);
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    assert_int_equal(ldns_pkt_arcount(reply), 0);
    assert_false(ldns_pkt_tc(reply));
    assert_in_range(ask(query(long_name("_xmpp-server._tcp"), SRV, IN, 0)), 270, 512);
    assert_true(ldns_pkt_tc(reply));
    assert_int_equal(ldns_pkt_ancount(reply), 0);
    assert_int_equal(xmb_fakehost_metric(module, "truncated"), 1);
    assert_in_range(ask(query("far.example", AAAA, IN, 100)), 200, 512); /* 512 always goes */
    assert_int_equal(ldns_pkt_ancount(reply), 8);
}

static void test_rate(void **state)
{
    const struct xmb_addr other = {.family = 6, .port = 5300, .ip = {0x20, 0x01}};
    struct xmb_fakehost_sent sent;
    struct xmb_str q = query("far.example", A, IN, 0);
    int i, answered = 0;

    (void)state;
    for (i = 0; i < 3000; i++) {
        xmb_fakehost_datagram(module, 0, NULL, NULL, q);
        answered += xmb_fakehost_datagram_sent(module, &sent);
    }
    assert_int_equal(answered, 2000);
    assert_int_equal(xmb_fakehost_metric(module, "limited"), 1000);
    xmb_fakehost_datagram(module, 0, &other, NULL, q); /* one in a thousand shares the bucket */
    xmb_fakehost_advance(100);
    for (i = 0, answered = 0; i < 3000; i++) {
        xmb_fakehost_datagram(module, 0, NULL, NULL, q);
        while (xmb_fakehost_datagram_sent(module, &sent))
            answered += sent.to.family == 4;
    }
    assert_in_range(answered, 99, 100);
}

/* Whoever has a /64 has as many addresses as he likes. */
static void test_rate_of_a_network(void **state)
{
    struct xmb_addr from = {.family = 6, .port = 5300, .ip = {0x20, 0x01, 0x0d, 0xb8}};
    struct xmb_str q = query("far.example", A, IN, 0);
    struct xmb_fakehost_sent sent;
    int i, answered = 0;

    (void)state;
    for (i = 0; i < 3000; i++) {
        from.ip[14] = (uint8_t)(i >> 8);
        from.ip[15] = (uint8_t)i;
        xmb_fakehost_datagram(module, 0, &from, NULL, q);
        answered += xmb_fakehost_datagram_sent(module, &sent);
    }
    assert_int_equal(answered, 2000);
}

/* --- TCP ------------------------------------------------------------------------------------- */

static void put_frame(struct xmb_str q)
{
    memmove(wire + 2, q.p, q.n);
    wire[0] = (char)(q.n >> 8);
    wire[1] = (char)q.n;
    wire_bytes = q.n + 2;
}

static size_t take_frame(struct xmb_conn *c)
{
    struct xmb_str out = xmb_fakehost_output(c);
    size_t n;

    if (out.n < 2)
        return 0;
    n = (size_t)(uint8_t)out.p[0] << 8 | (uint8_t)out.p[1];
    assert_true(out.n >= n + 2);
    read_reply(xmb_sub(out, 2, n));
    xmb_fakehost_take(c, n + 2);
    return n;
}

static void test_tcp(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, 0, NULL);
    size_t i;

    (void)state;
    assert_non_null(c);
    put_frame(query(long_name("_xmpp-server._tcp"), SRV, IN, 0));
    for (i = 0; i < wire_bytes; i++) /* octet by octet */
        assert_int_equal(xmb_fakehost_feed(c, xmb_sub((struct xmb_str){wire, wire_bytes}, i, 1)),
                         0);
    assert_true(take_frame(c) > 500);
    assert_false(ldns_pkt_tc(reply));
    assert_int_equal(ldns_pkt_arcount(reply), 2);
    put_frame(query("far.example", A, IN, 0));
    memcpy(wire + wire_bytes, wire, wire_bytes);
    assert_int_equal(xmb_fakehost_feed(c, (struct xmb_str){wire, 2 * wire_bytes}), 0);
    assert_true(take_frame(c) > 0);
    assert_true(take_frame(c) > 0);
    assert_int_equal(take_frame(c), 0);
    assert_int_equal(xmb_fakehost_metric(module, "queries_tcp"), 3);
    xmb_fakehost_advance(10100);
    assert_string_equal(xmb_fakehost_closed(c), "silent for 10 s");
}

static void test_tcp_broken(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, 0, NULL);

    (void)state;
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("GET / HTTP/1.0\r\n\r\n")), XMB_EPROTO);
    assert_non_null(xmb_fakehost_closed(c));
    c = xmb_fakehost_accept(module, 0, NULL);
    assert_int_equal(xmb_fakehost_feed(c, (struct xmb_str){"\0\0", 2}), XMB_EPROTO);
    assert_non_null(xmb_fakehost_closed(c));
}

static void test_tcp_limit(void **state)
{
    struct xmb_conn *c[256];
    int i;

    (void)state;
    for (i = 0; i < 256; i++)
        assert_non_null(c[i] = xmb_fakehost_accept(module, 0, NULL));
    assert_null(xmb_fakehost_accept(module, 0, NULL));
    xmb_fakehost_hangup(c[0], "test");
    assert_non_null(xmb_fakehost_accept(module, 0, NULL));
}

/* --- configuration --------------------------------------------------------------------------- */

static void faulty(const char *inner, const char *text)
{
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    if (strstr(xmb_fakehost_faults(), text) == NULL)
        fail_msg("'%s' is not in: %s", text, xmb_fakehost_faults());
}

static void test_configuration(void **state)
{
    (void)state;
    faulty("<listen/>", "");
    faulty("<gateway address='gw.example.com'/>", "expected an IP address");
    faulty("<gateway address='10.0.0.1'/>\n<gateway address='10.0.0.1'/>",
           "3: this address is there twice");
    faulty("<gateway address='10.0.0.1' port='0'/>", "expected 1 to 65535");
    faulty("<gateway address='10.0.0.1' port='1'/><gateway address='10.0.0.2' port='2'/>",
           "another <gateway> has port=\"1\"");
    faulty("<gateway address='10.0.0.1' name='a.example'/>"
           "<gateway address='10.0.0.2' name='b.example'/>", "a different name");
    faulty("<gateway address='10.0.0.1' name='_a b'/>", "is not the name of a host");
    faulty("<gateway address='10.0.0.1' name='.'/>", "is not the name of a host");
    faulty("<gateway address='10.0.0.1' name='a..b'/>", "is not the name of a host");
    faulty("<gateway address='10.0.0.1'/><ttl seconds='100000'/>", "expected 0 to 86400");
    asks("far.example", A); /* nothing of it came into force */
    assert_int_equal(ldns_pkt_ancount(reply), 1);
    configure("<gateway address='10.0.0.1'/>");
    assert_non_null(strstr(xmb_fakehost_log(), "there is no <listen>"));
}

static int release(void **state)
{
    (void)state;
    ldns_pkt_free(reply);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_addresses),
        TEST(test_srv),
        TEST(test_srv_of_a_named_gateway),
        TEST(test_nothing_else),
        TEST(test_refused),
        TEST(test_malformed),
        TEST(test_edns),
        TEST(test_lengths),
        TEST(test_rate),
        TEST(test_rate_of_a_network),
        TEST(test_tcp),
        TEST(test_tcp_broken),
        TEST(test_tcp_limit),
        TEST(test_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
