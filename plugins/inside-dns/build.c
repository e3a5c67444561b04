/* SPDX-License-Identifier: MIT */
/*
 * build.c - records, and the packet around them, with ldns.
 *
 * Everything that is put in is a copy of its own, owned by the packet. Once something could not be
 * made the build has failed and the rest is skipped, so callers need to look only at the end.
 */
#include "server.h"

#include <stdlib.h>

static void add(struct build *b, ldns_pkt_section section, ldns_rr *rr)
{
    if (rr == NULL || !ldns_pkt_push_rr(b->pkt, section, rr)) {
        ldns_rr_free(rr);
        b->failed = 1;
    }
}

/* A record without data; NULL: failed. */
static ldns_rr *record(struct build *b, const ldns_rdf *owner, ldns_rr_type type)
{
    ldns_rdf *name = b->failed ? NULL : ldns_rdf_clone(owner);
    ldns_rr *rr = name != NULL ? ldns_rr_new() : NULL;

    if (rr == NULL) {
        ldns_rdf_deep_free(name);
        b->failed = 1;
        return NULL;
    }
    ldns_rr_set_owner(rr, name);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    ldns_rr_set_ttl(rr, b->conf->ttl_s);
    return rr;
}

/* Puts `field` behind what the record has; takes it. */
static void put(struct build *b, ldns_rr *rr, ldns_rdf *field)
{
    if (rr == NULL || field == NULL || !ldns_rr_push_rdf(rr, field)) {
        ldns_rdf_deep_free(field);
        b->failed = 1;
    }
}

static void put_u16(struct build *b, ldns_rr *rr, uint16_t value)
{
    put(b, rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, value));
}

static void put_u32(struct build *b, ldns_rr *rr, ldns_rdf_type type, uint32_t value)
{
    put(b, rr, ldns_native2rdf_int32(type, value));
}

void idns_build_begin(struct build *b, const struct conf *c, const ldns_pkt *query,
                      ldns_pkt_rcode rcode)
{
    *b = (struct build){ldns_pkt_new(), c, 0};
    if (b->pkt == NULL) {
        b->failed = 1;
        return;
    }
    ldns_pkt_set_id(b->pkt, ldns_pkt_id(query));
    ldns_pkt_set_qr(b->pkt, true);
    ldns_pkt_set_rd(b->pkt, ldns_pkt_rd(query));
    ldns_pkt_set_opcode(b->pkt, LDNS_PACKET_QUERY);
    ldns_pkt_set_rcode(b->pkt, (uint8_t)rcode);
    /* Said of all names alike: we are as good as there is, and stub resolvers want to see it. */
    ldns_pkt_set_aa(b->pkt, rcode == LDNS_RCODE_NOERROR);
    if (ldns_pkt_edns(query)) {
        ldns_pkt_set_edns_udp_size(b->pkt, IDNS_EDNS_BYTES);
        ldns_pkt_set_edns_do(b->pkt, ldns_pkt_edns_do(query));
    }
    add(b, LDNS_SECTION_QUESTION, ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(query), 0)));
}

size_t idns_build_addresses(struct build *b, ldns_pkt_section section, const ldns_rdf *owner,
                            ldns_rr_type type)
{
    uint8_t family = type == LDNS_RR_TYPE_A ? 4 : 6;
    ldns_rdf_type field = family == 4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA;
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < b->conf->gateway_count && !b->failed; i++) {
        const struct xmb_addr *a = &b->conf->gateway[i];
        ldns_rr *rr;

        if (a->family != family)
            continue;
        rr = record(b, owner, type);
        put(b, rr, ldns_rdf_new_frm_data(field, family == 4 ? 4 : 16, a->ip));
        add(b, section, rr);
        count++;
    }
    return count;
}

void idns_build_srv(struct build *b, const ldns_rdf *owner, uint16_t port, const ldns_rdf *target)
{
    ldns_rr *rr = record(b, owner, LDNS_RR_TYPE_SRV);

    put_u16(b, rr, 0); /* priority */
    put_u16(b, rr, 0); /* weight */
    put_u16(b, rr, port);
    put(b, rr, ldns_rdf_clone(target));
    add(b, LDNS_SECTION_ANSWER, rr);
}

void idns_build_soa(struct build *b, const ldns_rdf *owner)
{
    ldns_rr *rr = record(b, owner, LDNS_RR_TYPE_SOA);

    put(b, rr, ldns_rdf_clone(owner));
    put(b, rr, ldns_rdf_clone(b->conf->nobody));
    put_u32(b, rr, LDNS_RDF_TYPE_INT32, 1);      /* serial */
    put_u32(b, rr, LDNS_RDF_TYPE_PERIOD, 3600);  /* refresh, and the next two: nobody transfers */
    put_u32(b, rr, LDNS_RDF_TYPE_PERIOD, 600);
    put_u32(b, rr, LDNS_RDF_TYPE_PERIOD, 86400);
    put_u32(b, rr, LDNS_RDF_TYPE_PERIOD, b->conf->ttl_s); /* how long "nothing" holds */
    add(b, LDNS_SECTION_AUTHORITY, rr);
}

int idns_build_end(struct build *b, struct answer *out)
{
    int ok = !b->failed && ldns_pkt2wire(&out->wire, b->pkt, &out->bytes) == LDNS_STATUS_OK;

    if (!ok) {
        out->wire = NULL;
        out->bytes = 0;
    }
    ldns_pkt_free(b->pkt);
    b->pkt = NULL;
    return ok;
}
