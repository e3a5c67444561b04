/* SPDX-License-Identifier: MIT */
/*
 * identity.c - names of a certificate against a domain (xmpp-s2s.md 5.3; RFC 6120, 13.7.1).
 *
 * Each kind of name has its own way to be compared, in one table. The common name has none.
 */
#include "identity.h"

#include <arpa/inet.h>
#include <strings.h>

#define NAMES_MAX 256
#define PINNED_CERTIFICATE 3 /* usage DANE-EE (RFC 7218) */
#define SRV_PREFIX "_xmpp-server."

static int same_text(struct xmb_str a, struct xmb_str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* A name of letters, or with "*." in the place of exactly the leftmost label (RFC 9525, 6.3). */
static int dns_fits(struct xmb_str name, const struct s2_domain *d)
{
    struct xmb_str domain = s2_domain_str(d);
    const char *dot;

    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n < 3 || name.p[0] != '*' || name.p[1] != '.')
        return same_text(name, domain);
    dot = memchr(domain.p, '.', domain.n);
    if (dot == NULL)
        return 0;
    return same_text(xmb_sub(name, 1, name.n),
                     xmb_sub(domain, (size_t)(dot - domain.p), domain.n));
}

static int dns_name(struct xmb_str name, const struct s2_domain *d)
{
    struct xmb_addr ip;

    return !s2_domain_is_ip(d, &ip) && dns_fits(name, d);
}

static int srv_name(struct xmb_str name, const struct s2_domain *d)
{
    struct xmb_str prefix = XMB_STR(SRV_PREFIX);

    return name.n > prefix.n && same_text(xmb_sub(name, 0, prefix.n), prefix) &&
           dns_name(xmb_sub(name, prefix.n, name.n), d);
}

/* An address with a localpart or a resource is a person's, and s2_domain_read refuses it. */
static int xmpp_addr(struct xmb_str name, const struct s2_domain *d)
{
    struct s2_domain named;

    return s2_domain_read(name, &named) == 0 && s2_domain_eq(&named, d);
}

static int ip_address(struct xmb_str name, const struct s2_domain *d)
{
    struct xmb_addr ip;
    uint8_t named[16] = {0};
    char text[INET6_ADDRSTRLEN];

    if (!s2_domain_is_ip(d, &ip) || name.n == 0 || name.n >= sizeof(text))
        return 0;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return inet_pton(ip.family == 4 ? AF_INET : AF_INET6, text, named) == 1 &&
           memcmp(named, ip.ip, sizeof(named)) == 0;
}

static int (*const fits[])(struct xmb_str name, const struct s2_domain *d) = {
    [XMB_CERT_DNS] = dns_name,
    [XMB_CERT_SRV] = srv_name,
    [XMB_CERT_XMPP_ADDR] = xmpp_addr,
    [XMB_CERT_IP] = ip_address,
};

int s2_cert_names(const struct xmb_tls_peer *peer, const struct s2_domain *d)
{
    size_t count = peer->name_count < NAMES_MAX ? peer->name_count : NAMES_MAX;
    const char *at = (const char *)peer->names;
    size_t i;

    for (i = 0; i < count && d->n > 0; i++) {
        const struct xmb_cert_name *name = (const struct xmb_cert_name *)(const void *)at;

        if (name->kind < sizeof(fits) / sizeof(fits[0]) && fits[name->kind] != NULL &&
            fits[name->kind](name->text, d))
            return 1;
        at += name->size;
    }
    return 0;
}

/*
 * Whoever signs the zone has said that it is this very certificate. With usage 2 any certificate of
 * that authority would match, so there a name is needed.
 */
static int is_pinned(const struct xmb_tls_peer *peer)
{
    return peer->dane == XMB_DANE_MATCH && peer->dane_usage == PINNED_CERTIFICATE;
}

static int stands_for(const struct xmb_tls_peer *peer, const struct s2_domain *d)
{
    return is_pinned(peer) || s2_cert_names(peer, d);
}

int s2_cert_check(const struct xmb_tls_peer *peer, const struct s2_cert_rule *rule,
                  const struct s2_domain *d, const char **why)
{
    if (peer->dane == XMB_DANE_MISMATCH)
        *why = "the certificate does not match the TLSA records of the server";
    else if (peer->fault == XMB_CERT_MISSING && rule->must_show)
        *why = "the peer shows no certificate";
    else if (peer->fault == XMB_CERT_MISSING)
        return 0;
    else if (rule->chain && peer->fault != XMB_CERT_GOOD && !is_pinned(peer))
        *why = peer->why != NULL ? peer->why : "the certificate is not good";
    else if (rule->names && !stands_for(peer, d))
        *why = "the certificate does not name the domain";
    else
        return 0;
    return XMB_EDENIED;
}

int s2_cert_proves(const struct xmb_tls_peer *peer, const struct s2_domain *d)
{
    return peer->fault == XMB_CERT_GOOD && peer->dane != XMB_DANE_MISMATCH && stands_for(peer, d);
}
