/* SPDX-License-Identifier: MIT */
/*
 * fuzz_inside_dns.c - the DNS responder plugin on the fake host.
 *
 * The first octet chooses the configuration and the way: a datagram, or a connection that the input
 * comes over in two pieces. Beyond "no crash" it holds the responder to: at most one answer to a
 * datagram, never to an answer; never longer than allowed; with the id of the query, no recursion,
 * and readable, with no more than the question that was asked in it.
 */
#include <stdint.h>
#include <string.h>

#include <ldns/ldns.h>
#include <xmb/fakehost.h>

#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct xmb_plugin inside_dns_LTX_xmb_plugin;

static const char *const configurations[] = {
    "<listen/><gateway address='10.0.0.1'/>",
    "<listen/><gateway address='10.0.0.1' name='gw.example.com' tls-port='5270'/>"
    "<gateway address='2001:db8::1'/><gateway address='2001:db8::2'/><ttl seconds='0'/>",
};

static void check(struct xmb_str answer, struct xmb_str query)
{
    ldns_pkt *pkt = NULL;

    REQUIRE(answer.n >= 12);
    REQUIRE(query.n >= 12);
    REQUIRE((query.p[2] & 0x80) == 0);
    REQUIRE(memcmp(answer.p, query.p, 2) == 0);
    REQUIRE(ldns_wire2pkt(&pkt, (const uint8_t *)answer.p, answer.n) == LDNS_STATUS_OK);
    REQUIRE(ldns_pkt_qr(pkt));
    REQUIRE(!ldns_pkt_ra(pkt));
    REQUIRE(ldns_pkt_qdcount(pkt) <= 1);
    if (ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR)
        REQUIRE(ldns_pkt_ancount(pkt) + ldns_pkt_nscount(pkt) == 0);
    ldns_pkt_free(pkt);
}

static void datagram(struct xmb_module *m, struct xmb_str query)
{
    struct xmb_fakehost_sent sent;

    xmb_fakehost_datagram(m, 0, NULL, NULL, query);
    if (!xmb_fakehost_datagram_sent(m, &sent))
        return;
    REQUIRE(sent.bytes.n <= 1232);
    check(sent.bytes, query);
    REQUIRE(!xmb_fakehost_datagram_sent(m, &sent));
}

static size_t length_of(struct xmb_str frame)
{
    return (size_t)(uint8_t)frame.p[0] << 8 | (uint8_t)frame.p[1];
}

/* Each answer belongs to the next frame: none is left out before the connection is given up. */
static void connection(struct xmb_module *m, struct xmb_str in, size_t cut)
{
    struct xmb_conn *c = xmb_fakehost_accept(m, 0, NULL);
    struct xmb_str out;

    REQUIRE(c != NULL);
    cut = in.n > 0 ? cut % in.n : 0;
    if (xmb_fakehost_feed(c, xmb_sub(in, 0, cut)) == 0)
        xmb_fakehost_feed(c, xmb_sub(in, cut, in.n));
    xmb_fakehost_run();
    out = xmb_fakehost_output(c);
    while (out.n > 0) {
        REQUIRE(out.n >= 2 && in.n >= 2);
        REQUIRE(out.n >= length_of(out) + 2 && in.n >= length_of(in) + 2);
        check(xmb_sub(out, 2, length_of(out)), xmb_sub(in, 2, length_of(in)));
        out = xmb_sub(out, length_of(out) + 2, out.n);
        in = xmb_sub(in, length_of(in) + 2, in.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xmb_module *m;
    struct xmb_str in;

    if (size == 0 || size > 10000)
        return 0;
    in = (struct xmb_str){(const char *)data + 1, size - 1};
    xmb_fakehost_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    m = xmb_fakehost_load(&inside_dns_LTX_xmb_plugin);
    REQUIRE(m != NULL);
    REQUIRE(xmb_fakehost_configure(m, configurations[data[0] & 1]) == 0);
    if (data[0] & 2)
        connection(m, in, data[0] >> 2);
    else
        datagram(m, in);
    xmb_fakehost_close();
    return 0;
}
