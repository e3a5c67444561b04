/* SPDX-License-Identifier: MIT */
/*
 * wire.h - answers of libunbound, octets from strangers, into answers.h.
 *
 * All functions: `error` is what the callback of ub_resolve_async got, `result` may be NULL then;
 * it stays the caller's. `*out` is filled in every case. Pure.
 */
#ifndef DNS_SRV_WIRE_H
#define DNS_SRV_WIRE_H

#include "answers.h"

struct ub_result;

enum dsrv_rrtype { DSRV_A = 1, DSRV_AAAA = 28, DSRV_SRV = 33, DSRV_TLSA = 52, DSRV_CLASS_IN = 1 };

/* A record that cannot be a route (a target that is no host name, too short) is left out. */
void dsrv_read_srv(int error, const struct ub_result *result, struct dsrv_srv *out);
/* `family`: 4 for A, 6 for AAAA. */
void dsrv_read_addrs(int error, const struct ub_result *result, uint8_t family,
                     struct dsrv_addrs *out);
/* The data of records borrows `result`. */
void dsrv_read_tlsas(int error, const struct ub_result *result, struct dsrv_tlsas *out);
/*
 * A domain name of `n` octets of uncompressed wire form at `p`, as text in `out`; "" is the root.
 * XMB_EINVAL: it is cut off, too long, or has octets that no host name has.
 */
int dsrv_read_name(const uint8_t *p, size_t n, char out[XMB_DOMAIN_NAME_MAX + 1]);

#endif
