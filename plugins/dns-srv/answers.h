/* SPDX-License-Identifier: MIT */
/*
 * answers.h - what the resolver said, in numbers and names: the language that
 * the parts of this plugin speak with each other. wire.c makes it, plan.c judges it.
 */
#ifndef DNS_SRV_ANSWERS_H
#define DNS_SRV_ANSWERS_H

#include <xmb/xmb.h>

#define DSRV_TARGETS_MAX 16 /* of the SRV records of a domain, both services together */
#define DSRV_ADDRS_MAX 8    /* of one target */

enum dsrv_outcome {
    DSRV_UNASKED, /* nobody asked: says nothing */
    DSRV_DATA,
    DSRV_NONE,    /* there is no such record, or no such name */
    DSRV_FAILED,  /* SERVFAIL, no answer in time, or one that makes no sense */
    DSRV_BOGUS    /* DNSSEC says that somebody tampers with it */
};

struct dsrv_target {
    char host[XMB_DOMAIN_NAME_MAX + 1]; /* lower case, without a dot at its end */
    uint16_t priority;
    uint16_t weight;
    uint16_t port;
};

/* SRV records (RFC 2782). Of more than DSRV_TARGETS_MAX the ones of lowest priority. */
struct dsrv_srv {
    uint8_t outcome; /* enum dsrv_outcome */
    uint8_t secure;  /* with proof, an absence too */
    uint8_t refused; /* one record with the target ".": there is no such service */
    uint32_t ttl_s;  /* of data; of an absence: for how long it may be believed, 0: not */
    uint32_t count;
    struct dsrv_target target[DSRV_TARGETS_MAX]; /* by priority */
};

/* A or AAAA records. */
struct dsrv_addrs {
    uint8_t outcome;
    uint8_t secure;
    uint8_t family; /* 4 or 6 */
    uint32_t ttl_s;
    uint32_t count;
    uint8_t ip[DSRV_ADDRS_MAX][16];
};

/* TLSA records (RFC 6698). Their data is a view into the resolver's answer. */
struct dsrv_tlsas {
    uint8_t outcome;
    uint8_t secure;
    uint32_t ttl_s;
    uint32_t count;
    struct xmb_tlsa record[XMB_TLSA_MAX];
};

#endif
