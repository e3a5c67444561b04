/* SPDX-License-Identifier: MIT */
/*
 * xmpp_domain.h - an XMPP domain as a SAF service: which identity it has, and what its data says.
 * README.md, "XMPP domains", describes both for others that want to announce one.
 *
 *     identity   service 5269, subservice 1, instance of four words:
 *                  0, 1   the first 8 octets of SHA-256 of the name: which domain
 *                  2      the first 4 octets of SHA-256 of address and port: where
 *                  3      the first 4 octets of SHA-256 of host name and router id: who says so
 *     data       <xmpp-domain xmlns="urn:xmb:saf:xmpp-domain:1" name="example.com"
 *                             priority="10" weight="0" tls="no"/>
 *
 * A word of all ones would be a wildcard; its last bit is cleared then.
 *
 * Words 0 and 1 are checked against the name by whoever learns the service. Service lists see the
 * instance and not the data: so a list that allows an instance allows that one domain.
 *
 * Thread: any; nothing here has a state.
 */
#ifndef SE_XMPP_DOMAIN_H
#define SE_XMPP_DOMAIN_H

#include <xmb/routing.h>

#define SE_XMPP_DOMAIN_DATA_MAX 1024 /* octets of data; what is longer is not read */
#define SE_XMPP_DOMAIN_TEXT_MAX 384  /* what is written fits in, NUL included */
#define SE_XMPP_DOMAIN_PRIORITY 10   /* when the data says none */

/* What the data says. */
struct se_xmpp_domain {
    char name[XMB_DOMAIN_NAME_MAX + 1];
    uint16_t priority; /* lower first */
    uint16_t weight;   /* share among equal priorities */
    uint8_t is_tls;    /* TLS from the first octet */
};

/*
 * Reads data that anybody may have sent: that one element and white space around it. No
 * declaration, comment, reference or child; ASCII. An attribute of another name is passed over.
 * 0; XMB_EPROTO with `*why` for the log, a static text without anything of the data. Pure.
 */
int se_xmpp_domain_read(struct xmb_str data, struct se_xmpp_domain *out, const char **why);

/* Writes the data, NUL-terminated; its length. XMB_EINVAL: the name is none. Pure. */
int se_xmpp_domain_write(const struct se_xmpp_domain *d, char out[SE_XMPP_DOMAIN_TEXT_MAX]);

/*
 * 1 for lower-case labels of letters, digits and hyphens. An IP address is a domain of XMPP too,
 * and is none here: it must not lead anywhere but to itself. Pure.
 */
int se_xmpp_domain_is_name(struct xmb_str name);

/*
 * The identity of `name` at `addr`. `host_name` and `router_id` (0: none) tell brokers apart that
 * announce one domain at one address. XMB_ENOMEM.
 */
int se_xmpp_domain_id(struct xmb_str name, const struct xmb_addr *addr, struct xmb_str host_name,
                      uint32_t router_id, struct xmb_service_id *out);

/* Words 0 and 1 of `id` as one number: which domain it says it is. Pure. */
uint64_t se_xmpp_domain_key(const struct xmb_service_id *id);
/* 1: they are those of `name`. Out of memory: 0. */
int se_xmpp_domain_is_of(const struct xmb_service_id *id, struct xmb_str name);

/*
 * NULL: another host can have that address, and a gateway answer there. Else why not, a static
 * text: no group, no link's own, not ourselves, not "any"; a neighbour must not send us to those.
 * Pure.
 */
const char *se_xmpp_domain_reach_fault(uint16_t protocol, const struct xmb_addr *addr);

#endif
