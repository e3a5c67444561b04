/* SPDX-License-Identifier: MIT */
/*
 * answer.c - one query, one answer.
 *
 *     not a query, or too short to have a header     no answer
 *     another opcode                                 NOTIMP
 *     cannot be read, or not one question            FORMERR
 *     EDNS of another version                        BADVERS
 *     another class, a zone transfer                 REFUSED
 *     SRV of _xmpp-server._tcp.X                     the gateway: its name, else X
 *     SRV of _xmpps-server._tcp.X                    the same, when direct TLS is configured
 *     A, AAAA                                        the gateway's addresses of that family
 *     everything else                                NOERROR with nothing in it, and a SOA
 *
 * No name is unknown and no question is passed on. What does not fit into a datagram loses its
 * additional records first, and is truncated after that.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES 12 /* RFC 1035, 4.1.1 */

/* --- answers without a packet ---------------------------------------------------------------- */

/* A header alone, when the rest of the query is not to be trusted, or not understood. */
static void header_only(const uint8_t *query, uint8_t rcode, enum metric outcome,
                        struct answer *out)
{
    out->outcome = outcome;
    out->wire = calloc(1, HEADER_BYTES);
    if (out->wire == NULL)
        return;
    out->bytes = HEADER_BYTES;
    out->wire[0] = query[0]; /* id */
    out->wire[1] = query[1];
    out->wire[2] = (uint8_t)(0x80 | (query[2] & 0x79)); /* a response; opcode and RD as asked */
    out->wire[3] = rcode;
}

/* --- what is asked --------------------------------------------------------------------------- */

struct question {
    const ldns_pkt *pkt;
    const ldns_rdf *name;
    ldns_rr_type type;
    ldns_rr_class class;
    const ldns_rdf *domain; /* behind the service labels; NULL: it has none */
    ldns_rdf *domain_copy;
    int direct_tls;
};

/* The domain behind `labels` (wire form) at the front of the name; NULL: they are not there. */
static ldns_rdf *behind(const ldns_rdf *name, const char *labels, size_t bytes)
{
    const char *p = (const char *)ldns_rdf_data(name);
    size_t all = ldns_rdf_size(name);

    if (all <= bytes + 1 || strncasecmp(p, labels, bytes) != 0 || p[bytes] == 0)
        return NULL;
    return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, all - bytes, p + bytes);
}

static void find_service(struct question *q)
{
    static const char plain[] = "\014_xmpp-server\004_tcp";
    static const char direct[] = "\015_xmpps-server\004_tcp";

    q->domain = q->domain_copy = behind(q->name, plain, sizeof(plain) - 1);
    if (q->domain != NULL)
        return;
    q->domain = q->domain_copy = behind(q->name, direct, sizeof(direct) - 1);
    q->direct_tls = q->domain != NULL;
}

static ldns_pkt_rcode rcode_of(const struct question *q)
{
    if (q->class != LDNS_RR_CLASS_IN || q->type == LDNS_RR_TYPE_AXFR ||
        q->type == LDNS_RR_TYPE_IXFR)
        return LDNS_RCODE_REFUSED;
    return LDNS_RCODE_NOERROR;
}

/* --- what is answered ------------------------------------------------------------------------ */

/* How much of an answer is put in. */
enum extent { FULL, WITHOUT_ADDITIONAL, TRUNCATED };

static void put_srv(struct build *b, const struct question *q, uint16_t port, enum extent extent)
{
    const ldns_rdf *target = b->conf->target != NULL ? b->conf->target : q->domain;

    idns_build_srv(b, q->name, port, target);
    if (extent != FULL)
        return;
    idns_build_addresses(b, LDNS_SECTION_ADDITIONAL, target, LDNS_RR_TYPE_A);
    idns_build_addresses(b, LDNS_SECTION_ADDITIONAL, target, LDNS_RR_TYPE_AAAA);
}

/* Returns what it comes to. */
static enum metric put_answer(struct build *b, const struct question *q, enum extent extent)
{
    uint16_t port = q->direct_tls ? b->conf->tls_port : b->conf->port;

    if (rcode_of(q) != LDNS_RCODE_NOERROR)
        return M_REFUSED;
    if (extent == TRUNCATED) {
        ldns_pkt_set_tc(b->pkt, true);
        return M_ANSWERED;
    }
    if (q->type == LDNS_RR_TYPE_SRV && q->domain != NULL && port != 0) {
        put_srv(b, q, port, extent);
        return M_ANSWERED;
    }
    if ((q->type == LDNS_RR_TYPE_A || q->type == LDNS_RR_TYPE_AAAA) &&
        idns_build_addresses(b, LDNS_SECTION_ANSWER, q->name, q->type) > 0)
        return M_ANSWERED;
    idns_build_soa(b, q->name);
    return M_EMPTY;
}

static int make(const struct conf *c, const struct question *q, enum extent extent,
                struct answer *out)
{
    struct build b;

    idns_build_begin(&b, c, q->pkt, rcode_of(q));
    if (!b.failed)
        out->outcome = put_answer(&b, q, extent);
    out->truncated = extent == TRUNCATED;
    return idns_build_end(&b, out);
}

static size_t room_for(const ldns_pkt *query, int over_udp)
{
    size_t room = IDNS_PLAIN_BYTES;

    if (!over_udp)
        return LDNS_MAX_PACKETLEN;
    if (ldns_pkt_edns(query) && ldns_pkt_edns_udp_size(query) > room)
        room = ldns_pkt_edns_udp_size(query);
    return room < IDNS_EDNS_BYTES ? room : IDNS_EDNS_BYTES;
}

static void answer_question(const struct conf *c, struct question *q, int over_udp,
                            struct answer *out)
{
    size_t room = room_for(q->pkt, over_udp);
    enum extent extent = FULL;

    find_service(q);
    while (make(c, q, extent, out) && out->bytes > room && extent != TRUNCATED) {
        free(out->wire);
        out->wire = NULL;
        out->bytes = 0;
        extent++;
    }
    ldns_rdf_deep_free(q->domain_copy);
}

static void bad_version(const struct conf *c, const ldns_pkt *query, struct answer *out)
{
    struct build b;

    out->outcome = M_REFUSED;
    idns_build_begin(&b, c, query, LDNS_RCODE_NOERROR);
    if (!b.failed) {
        ldns_pkt_set_aa(b.pkt, false);
        ldns_pkt_set_edns_extended_rcode(b.pkt, 1); /* 16: BADVERS (RFC 6891, 6.1.3) */
    }
    idns_build_end(&b, out);
}

static void answer_packet(const struct conf *c, const ldns_pkt *pkt, const uint8_t *wire,
                          int over_udp, struct answer *out)
{
    const ldns_rr *asked = ldns_rr_list_rr(ldns_pkt_question(pkt), 0);
    struct question q = {.pkt = pkt};

    if (ldns_rr_list_rr_count(ldns_pkt_question(pkt)) != 1 || asked == NULL ||
        ldns_rr_owner(asked) == NULL) {
        header_only(wire, LDNS_RCODE_FORMERR, M_MALFORMED, out);
        return;
    }
    if (ldns_pkt_edns(pkt) && ldns_pkt_edns_version(pkt) != 0) {
        bad_version(c, pkt, out);
        return;
    }
    q.name = ldns_rr_owner(asked);
    q.type = ldns_rr_get_type(asked);
    q.class = ldns_rr_get_class(asked);
    answer_question(c, &q, over_udp, out);
}

void idns_answer(const struct conf *c, struct xmb_str query, int over_udp, struct answer *out)
{
    const uint8_t *wire = (const uint8_t *)query.p;
    ldns_pkt *pkt = NULL;

    memset(out, 0, sizeof(*out));
    out->outcome = M_IGNORED;
    if (query.n < HEADER_BYTES || (wire[2] & 0x80) != 0)
        return;
    if ((wire[2] & 0x78) != 0)
        header_only(wire, LDNS_RCODE_NOTIMPL, M_REFUSED, out);
    else if (query.n > IDNS_QUERY_BYTES_MAX ||
             ldns_wire2pkt(&pkt, wire, query.n) != LDNS_STATUS_OK)
        header_only(wire, LDNS_RCODE_FORMERR, M_MALFORMED, out);
    else
        answer_packet(c, pkt, wire, over_udp, out);
    ldns_pkt_free(pkt);
}

void idns_serve(struct worker *w, struct xmb_str query, int over_udp, struct answer *out)
{
    idns_count(w, over_udp ? M_QUERIES_UDP : M_QUERIES_TCP);
    idns_answer(w->conf, query, over_udp, out);
    idns_count(w, out->outcome);
    if (out->truncated)
        idns_count(w, M_TRUNCATED);
}
