/* SPDX-License-Identifier: MIT */
/*
 * domain.h - domain parts of addresses: the one form that everything compares.
 *
 * A peer may write a domain in capitals, in U-labels or in A-labels, and with a dot at its end.
 * Inside the gateway a domain is the lower-case A-label text (RFC 5891), so that equality is
 * memcmp, and policy, routes and certificates all mean the same. On the wire it is written in
 * U-labels (RFC 7622, 3.2); for most of the world both are the same octets.
 */
#ifndef S2_DOMAIN_H
#define S2_DOMAIN_H

#include <xmb/types.h>

#define S2_DOMAIN_MAX 253 /* octets of the A-label form */
#define S2_UDOMAIN_MAX 1023 /* octets of the U-label form (RFC 7622, 3.2) */
#define S2_JID_MAX 3071   /* localpart @ domainpart / resourcepart, each 1023 octets at most */

/* A domain in its canonical form; NUL-terminated besides. `n` 0: none. */
struct s2_domain {
    uint16_t n;
    uint16_t idn; /* 1: its U-label form differs */
    uint32_t hash;
    char text[S2_DOMAIN_MAX + 1];
};

/*
 * Canonical form of `s`: letters lowered, U-labels to A-labels, a final dot dropped. An IPv4
 * address and a bracketed IPv6 address are domains too. ASCII without capitals takes no library
 * call. XMB_EINVAL: not a domain. `*out` is untouched then. Thread: any.
 */
int s2_domain_read(struct xmb_str s, struct s2_domain *out);
/* 1 when they are the same. */
int s2_domain_eq(const struct s2_domain *a, const struct s2_domain *b);
/* The U-label form, for the wire: writes to `text` (S2_UDOMAIN_MAX + 1 octets), returns it. */
struct xmb_str s2_domain_wire(const struct s2_domain *d, char *text);
/* A view of the canonical text. */
static inline struct xmb_str s2_domain_str(const struct s2_domain *d)
{
    return xmb_str_n(d->text, d->n);
}
/* 1 when `d` is an IP address; fills `*out` with port 0. */
int s2_domain_is_ip(const struct s2_domain *d, struct xmb_addr *out);

/*
 * The parts of an address (RFC 7622, 3.1): views into `jid`. A part that is not there is {NULL, 0}.
 */
struct s2_jid {
    struct xmb_str local, domain, resource;
};
/* Splits; checks lengths, that no part is empty, UTF-8, and the characters that RFC 7622 3.3.1 forbids in a
 * localpart. XMB_EINVAL. Thread: any. */
int s2_jid_split(struct xmb_str jid, struct s2_jid *out);
/*
 * The domain part alone, quickly and without checks: what a hot path compares before anything else.
 */
struct xmb_str s2_jid_domain(struct xmb_str jid);
/* 1 when `s` is UTF-8 (RFC 3629: no surrogates, nothing overlong). */
int s2_is_utf8(struct xmb_str s);

#endif
