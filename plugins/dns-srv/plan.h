/* SPDX-License-Identifier: MIT */
/*
 * plan.h - from answers to routes: the decisions of RFC 6120 (3.2), RFC 2782, XEP-0368 and
 * RFC 7673, without a resolver and without a clock.
 *
 *     SRV answers --dsrv_plan_srv--> hosts to find --(their A and AAAA)-->
 *         --dsrv_plan_tlsa--> TLSA to find --(their answers)--> --dsrv_plan_routes--> routes
 *
 * Each step may end the question: then `status` says how. All functions are pure.
 */
#ifndef DNS_SRV_PLAN_H
#define DNS_SRV_PLAN_H

#include "answers.h"

#define DSRV_PORT 5269u        /* without SRV (RFC 6120, 3.2.2) */
#define DSRV_TTL_MIN_S 30u
#define DSRV_TTL_MAX_S 3600u
#define DSRV_NEGATIVE_MAX_S 60u
#define DSRV_FAILURE_KEEP_S 5u /* so that a broken domain does not cost a wait each time */

/* A host whose addresses are wanted; `addrs` is filled by whoever asks. */
struct dsrv_host {
    const char *name; /* of the SRV answer or the domain, which live as long as the plan */
    struct dsrv_addrs addrs[2]; /* IPv6, IPv4 */
};

/* One target at one port: an SRV record, or the domain itself. */
struct dsrv_way {
    uint8_t host;   /* in dsrv_plan.host */
    uint8_t tlsa;   /* in dsrv_plan.tlsa; DSRV_NO_TLSA: not asked */
    uint8_t tls;    /* from the first octet */
    uint8_t secure; /* that this is the target is proven */
    uint16_t priority;
    uint16_t weight;
    uint16_t port;
};
#define DSRV_NO_TLSA 255

/* TLSA records of one port of a host; `answer` is filled by whoever asks. */
struct dsrv_pin {
    uint8_t host;
    uint16_t port;
    struct dsrv_tlsas answer;
};

struct dsrv_plan {
    int32_t status;   /* 0: goes on, or has routes; else XMB_ENOENT, XMB_EDENIED, XMB_ETIMEOUT */
    uint32_t keep_s;  /* of a failure, for resolved_for */
    uint32_t ttl_s;   /* of what the SRV answers said */
    uint32_t absent_s; /* how long it may be believed that there is nothing; 0: not */
    uint8_t wants_port; /* 0: addresses alone, for `addresses` */
    uint8_t bogus;    /* some answer was */
    uint32_t host_count;
    uint32_t way_count;
    uint32_t pin_count;
    struct dsrv_host host[DSRV_TARGETS_MAX];
    struct dsrv_way way[DSRV_TARGETS_MAX];
    struct dsrv_pin pin[DSRV_TARGETS_MAX];
};

/*
 * Begins the plan for `domain` from its SRV answers, that for direct TLS in `direct`
 * (DSRV_UNASKED: it is off). `fall_back`: also when SRV cannot be asked for. Names are borrowed.
 */
void dsrv_plan_srv(struct dsrv_plan *plan, const char *domain, const struct dsrv_srv *starttls,
                   const struct dsrv_srv *direct, int fall_back);
/* Begins a plan for the addresses of host `name` alone. */
void dsrv_plan_addresses(struct dsrv_plan *plan, const char *name);
/* All `addrs` are filled: says in `pin` which TLSA records are wanted; maybe none. */
void dsrv_plan_tlsa(struct dsrv_plan *plan);
/*
 * Every `answer` is filled too: writes the routes for `domain` to `out`, at most XMB_ROUTES_MAX,
 * and returns how many; with 0, `status` says why. Views borrow the plan. IPv6 stands before IPv4
 * and both alternate (RFC 8305, 4); every target keeps at least one address of each family.
 */
size_t dsrv_plan_routes(struct dsrv_plan *plan, const char *domain, struct xmb_route *out);

/* One route for a domain that is an IP address: 1, or 0 when it is none. `port` 0: without. */
int dsrv_literal(struct xmb_str name, uint16_t port, struct xmb_route *out);

#endif
