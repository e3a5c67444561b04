/* SPDX-License-Identifier: MIT */
/*
 * identity.h - does a certificate stand for a domain? (RFC 6120, 13.7.1; RFC 9525; RFC 4985.)
 *
 * The core says whether the chain is good and which names stand in the certificate; which of them
 * counts for an XMPP domain is decided here. Pure.
 */
#ifndef S2_IDENTITY_H
#define S2_IDENTITY_H

#include <xmb/conn.h>

#include "domain.h"

/*
 * 1 when a name of `peer` stands for `d`: DNS-ID (a wildcard replaces exactly the leftmost label),
 * SRV-ID of _xmpp-server (wildcard after the service), XmppAddr (a bare domain, no wildcard); the
 * common name never. An address domain is matched with iPAddress. Names beyond 256 are not looked
 * at.
 */
int s2_cert_names(const struct xmb_tls_peer *peer, const struct s2_domain *d);

/* What is demanded of a peer's certificate (xmpp-s2s.md 5.2: R24, R26, R27). */
struct s2_cert_rule {
    int chain; /* it must verify to a trusted CA and not be revoked: require-client-certificates */
    int names; /* the domain must stand in it, when one is shown */
    int must_show; /* none at all is refused */
};
/*
 * 0 when `peer` satisfies `rule` for `d`. A TLSA record of usage 3 that matches satisfies all of
 * it, the name too (RFC 7671, 5.1); one of usage 2 makes the chain good, and names count; a
 * mismatch is always refused. Else XMB_EDENIED with `*why` static or peer-owned text for the
 * operator.
 */
int s2_cert_check(const struct xmb_tls_peer *peer, const struct s2_cert_rule *rule,
                  const struct s2_domain *d, const char **why);
/* 1 when chain is good and it stands for `d`: enough for SASL EXTERNAL. */
int s2_cert_proves(const struct xmb_tls_peer *peer, const struct s2_domain *d);

#endif
