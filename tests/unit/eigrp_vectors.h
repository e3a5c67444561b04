/* SPDX-License-Identifier: MIT */
/*
 * eigrp_vectors.h - tests/data/saf-eigrp-vectors.json for the tests of the EIGRP wire side.
 *
 * Each vector is a packet in hex together with what tshark read in it. From that reading (and not
 * from our decoder) a *model* is made: the structures that the decoder has to deliver and that the
 * encoder has to be given. Three things tshark does not tell and are cut out of the octets at the
 * places its lengths say: the data of a service, the content of attributes, and the addresses of a
 * peer-termination TLV. Whatever is missing or odd fails the test.
 */
#ifndef TEST_EIGRP_VECTORS_H
#define TEST_EIGRP_VECTORS_H

#include <jansson.h>
#include <stdint.h>

#include "eigrp_wire.h"

#define MODEL_TLVS_MAX 8
#define MODEL_SERVICES_MAX 4
#define MODEL_ADDRS_MAX 4

struct eigrp_vector {
    const char *name;
    const char *group;      /* "normal", "negative", "quirk" */
    const char *allowed;    /* the first complaint of tshark that is allowed, or "" */
    uint8_t *octets;        /* a block of exactly `bytes`, so that ASan sees a read behind it */
    size_t bytes;
    struct xmb_addr source;
    const json_t *fields;   /* name: list of texts, in the order of the packet */
    const char *md5_key;
    const char *sha256_key;
};

struct eigrp_model {
    struct se_header header;
    struct se_auth auth; /* mode SE_AUTH_NONE without; the digest points into the vector */
    struct se_hello hello;
    struct xmb_addr sequence[MODEL_ADDRS_MAX];
    size_t sequence_count;
    struct xmb_addr termination[MODEL_ADDRS_MAX];
    size_t termination_count;
    uint16_t topologies[MODEL_ADDRS_MAX];
    size_t topology_count;
    unsigned tlv_types[MODEL_TLVS_MAX];
    size_t tlv_count;
    size_t service_tlv_count;
    struct se_route routes[MODEL_SERVICES_MAX]; /* of services[i]; external points below */
    struct se_external externals[MODEL_SERVICES_MAX];
    struct se_service services[MODEL_SERVICES_MAX];
    size_t service_count;
};

/* Loads all; returns their number. The array lives until eigrp_vectors_free(). */
size_t eigrp_vectors_load(struct eigrp_vector **out);
void eigrp_vectors_free(void);

/* The vector of that name. */
const struct eigrp_vector *eigrp_vector_named(const char *name);

/* What tshark says the packet contains. Points into itself and into the vector: do not copy. */
void eigrp_model_make(const struct eigrp_vector *v, struct eigrp_model *m);

/* Reads an address. */
struct xmb_addr eigrp_addr(const char *text);

/* Opens, admits and frames a packet that must pass. */
void eigrp_open(const void *octets, size_t bytes, struct se_packet *packet);

#endif
