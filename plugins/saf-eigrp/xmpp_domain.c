/* SPDX-License-Identifier: MIT */
/*
 * xmpp_domain.c - the identity and the data of an announced XMPP domain. See xmpp_domain.h.
 *
 * Neighbours of neighbours send the data. One element without content needs no XML library with
 * its declarations, entities and encodings: the reader below knows the form that is written here,
 * with attributes in any order, and refuses what else XML can be. It allocates nothing, and looks
 * at each octet once.
 */
#include <netinet/in.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "process.h"
#include "xmpp_domain.h"

#define NAMESPACE "urn:xmb:saf:xmpp-domain:1"
#define LABEL_MAX 63

/* --- names ------------------------------------------------------------------------------------ */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_label(struct xmb_str label)
{
    size_t i;

    if (label.n < 1 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return 0;
    for (i = 0; i < label.n; i++)
        if (!(label.p[i] >= 'a' && label.p[i] <= 'z') && !is_digit(label.p[i]) &&
            label.p[i] != '-')
            return 0;
    return 1;
}

static int is_number(struct xmb_str label)
{
    size_t i = 0;

    while (i < label.n && is_digit(label.p[i]))
        i++;
    return i == label.n;
}

int se_xmpp_domain_is_name(struct xmb_str name)
{
    struct xmb_str label = {NULL, 0};
    size_t at = 0, end;

    if (name.n < 1 || name.n > XMB_DOMAIN_NAME_MAX)
        return 0;
    while (at <= name.n) {
        for (end = at; end < name.n && name.p[end] != '.'; end++)
            ;
        label = xmb_sub(name, at, end - at);
        if (!is_label(label))
            return 0;
        at = end + 1;
    }
    return !is_number(label); /* 192.0.2.1 */
}

/* --- identity --------------------------------------------------------------------------------- */

static uint32_t word(const uint8_t *p)
{
    uint32_t w = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

    return w == XMB_ANY_WORD ? w - 1 : w;
}

/* The first `count` words of the digest; at most 8. */
static int digest_words(const void *octets, size_t n, uint32_t *out, size_t count)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    size_t i;

    if (SHA256(octets, n, digest) == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < count; i++)
        out[i] = word(digest + 4 * i);
    return 0;
}

static int where_word(const struct xmb_addr *addr, uint32_t *out)
{
    uint8_t octets[1 + sizeof(addr->ip) + 2];

    octets[0] = addr->family;
    memcpy(octets + 1, addr->ip, sizeof(addr->ip));
    octets[sizeof(octets) - 2] = (uint8_t)(addr->port >> 8);
    octets[sizeof(octets) - 1] = (uint8_t)addr->port;
    return digest_words(octets, sizeof(octets), out, 1);
}

/* A host name longer than 255 octets is cut. */
static int who_word(struct xmb_str host_name, uint32_t router_id, uint32_t *out)
{
    uint8_t octets[4 + 255];
    struct xmb_str name = xmb_sub(host_name, 0, sizeof(octets) - 4);
    size_t i;

    for (i = 0; i < 4; i++)
        octets[i] = (uint8_t)(router_id >> (24 - 8 * i));
    if (name.n > 0)
        memcpy(octets + 4, name.p, name.n);
    return digest_words(octets, 4 + name.n, out, 1);
}

int se_xmpp_domain_id(struct xmb_str name, const struct xmb_addr *addr, struct xmb_str host_name,
                      uint32_t router_id, struct xmb_service_id *out)
{
    memset(out, 0, sizeof(*out));
    out->service = SE_SERVICE_XMPP_DOMAIN;
    out->subservice = SE_SUBSERVICE_XMPP_DOMAIN;
    if (digest_words(name.p, name.n, out->instance, 2) < 0 ||
        where_word(addr, &out->instance[2]) < 0 ||
        who_word(host_name, router_id, &out->instance[3]) < 0)
        return XMB_ENOMEM;
    return 0;
}

uint64_t se_xmpp_domain_key(const struct xmb_service_id *id)
{
    return (uint64_t)id->instance[0] << 32 | id->instance[1];
}

int se_xmpp_domain_is_of(const struct xmb_service_id *id, struct xmb_str name)
{
    uint32_t words[2];

    return digest_words(name.p, name.n, words, 2) == 0 && words[0] == id->instance[0] &&
           words[1] == id->instance[1];
}

/* --- where it answers ------------------------------------------------------------------------- */

static int is_host_v4(const uint8_t *ip)
{
    return ip[0] != 0 && ip[0] != 127 && ip[0] < 224 && !(ip[0] == 169 && ip[1] == 254);
}

static int is_host_v6(const uint8_t *ip)
{
    struct in6_addr a;

    memcpy(&a, ip, sizeof(a));
    return !IN6_IS_ADDR_UNSPECIFIED(&a) && !IN6_IS_ADDR_LOOPBACK(&a) &&
           !IN6_IS_ADDR_MULTICAST(&a) && !IN6_IS_ADDR_LINKLOCAL(&a) && !IN6_IS_ADDR_V4MAPPED(&a) &&
           !IN6_IS_ADDR_V4COMPAT(&a);
}

const char *se_xmpp_domain_reach_fault(uint16_t protocol, const struct xmb_addr *addr)
{
    if (protocol != IPPROTO_TCP)
        return "it is not reached by TCP";
    if ((addr->family != 4 && addr->family != 6) || addr->port == 0)
        return "it has no address and port";
    if (addr->family == 4 ? !is_host_v4(addr->ip) : !is_host_v6(addr->ip))
        return "its address is none of another host";
    return NULL;
}

/* --- writing ---------------------------------------------------------------------------------- */

int se_xmpp_domain_write(const struct se_xmpp_domain *d, char out[SE_XMPP_DOMAIN_TEXT_MAX])
{
    if (!se_xmpp_domain_is_name(xmb_str(d->name)))
        return XMB_EINVAL; /* what is a name has nothing to be escaped */
    return snprintf(out, SE_XMPP_DOMAIN_TEXT_MAX,
                    "<xmpp-domain xmlns=\"" NAMESPACE "\" name=\"%s\" priority=\"%u\" "
                    "weight=\"%u\" tls=\"%s\"/>", d->name, d->priority, d->weight,
                    d->is_tls ? "yes" : "no");
}

/* --- reading ---------------------------------------------------------------------------------- */

enum { HAS_XMLNS = 1, HAS_NAME = 2, HAS_PRIORITY = 4, HAS_WEIGHT = 8, HAS_TLS = 16 };

struct reader {
    const char *p, *end;
    struct se_xmpp_domain *out;
    unsigned has;
    const char *why;
};

static int refuse(struct reader *r, const char *why)
{
    r->why = why;
    return XMB_EPROTO;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* 1 when there was some. */
static int skip_space(struct reader *r)
{
    const char *from = r->p;

    while (r->p < r->end && is_space(*r->p))
        r->p++;
    return r->p != from;
}

/* 1 when `literal` stands here; it is behind us then. */
static int take(struct reader *r, const char *literal)
{
    size_t n = strlen(literal);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, literal, n) != 0)
        return 0;
    r->p += n;
    return 1;
}

static int read_number(struct reader *r, struct xmb_str text, uint16_t *out)
{
    unsigned value = 0;
    size_t i;

    if (text.n < 1 || text.n > 5 || !is_number(text))
        return refuse(r, "a number is none");
    for (i = 0; i < text.n; i++)
        value = value * 10 + (unsigned)(text.p[i] - '0');
    if (value > UINT16_MAX)
        return refuse(r, "a number is too large");
    *out = (uint16_t)value;
    return 0;
}

static int read_namespace(struct reader *r, struct xmb_str value)
{
    return xmb_str_eq(value, XMB_STR(NAMESPACE)) ? 0 : refuse(r, "it has another namespace");
}

static int read_name(struct reader *r, struct xmb_str value)
{
    if (!se_xmpp_domain_is_name(value))
        return refuse(r, "its name is no domain name in lower case");
    memcpy(r->out->name, value.p, value.n);
    r->out->name[value.n] = '\0';
    return 0;
}

static int read_tls(struct reader *r, struct xmb_str value)
{
    r->out->is_tls = xmb_str_eq(value, XMB_STR("yes"));
    return r->out->is_tls || xmb_str_eq(value, XMB_STR("no")) ? 0
                                                              : refuse(r, "tls is not yes or no");
}

static int read_priority(struct reader *r, struct xmb_str value)
{
    return read_number(r, value, &r->out->priority);
}

static int read_weight(struct reader *r, struct xmb_str value)
{
    return read_number(r, value, &r->out->weight);
}

static const struct {
    const char *name;
    unsigned bit;
    int (*read)(struct reader *r, struct xmb_str value);
} attributes[] = {
    {"xmlns", HAS_XMLNS, read_namespace}, {"name", HAS_NAME, read_name},
    {"priority", HAS_PRIORITY, read_priority}, {"weight", HAS_WEIGHT, read_weight},
    {"tls", HAS_TLS, read_tls},
};

static int read_known(struct reader *r, struct xmb_str name, struct xmb_str value)
{
    size_t i;

    for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (!xmb_str_eq(name, xmb_str(attributes[i].name)))
            continue;
        if (r->has & attributes[i].bit)
            return refuse(r, "an attribute is there twice");
        r->has |= attributes[i].bit;
        return attributes[i].read(r, value);
    }
    return 0;
}

static int is_name_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
           c == '_' || c == '.' || c == ':';
}

/* NAME="VALUE", with either quote. */
static int read_attribute(struct reader *r)
{
    struct xmb_str name = {r->p, 0}, value;
    char quote;

    while (r->p < r->end && is_name_octet(*r->p))
        r->p++;
    name.n = (size_t)(r->p - name.p);
    skip_space(r);
    if (name.n == 0 || is_digit(name.p[0]) || !take(r, "="))
        return refuse(r, "it is not well-formed");
    skip_space(r);
    if (r->p == r->end || (*r->p != '"' && *r->p != '\''))
        return refuse(r, "it is not well-formed");
    quote = *r->p++;
    value = (struct xmb_str){r->p, 0};
    for (; r->p < r->end && *r->p != quote; r->p++)
        if (*r->p < ' ' || *r->p > '~' || *r->p == '<' || *r->p == '&')
            return refuse(r, "a value has more than plain ASCII");
    if (r->p == r->end)
        return refuse(r, "it is not well-formed");
    value.n = (size_t)(r->p++ - value.p);
    return read_known(r, name, value);
}

/* The rest of the tag behind its last attribute, and what may follow. */
static int read_end(struct reader *r)
{
    if (take(r, ">")) {
        skip_space(r);
        if (!take(r, "</xmpp-domain"))
            return refuse(r, "it has content");
        skip_space(r);
        if (!take(r, ">"))
            return refuse(r, "it is not well-formed");
    } else if (!take(r, "/>")) {
        return refuse(r, "it is not well-formed");
    }
    skip_space(r);
    return r->p == r->end ? 0 : refuse(r, "something follows the element");
}

static int read_element(struct reader *r)
{
    int rc;

    skip_space(r);
    if (!take(r, "<xmpp-domain"))
        return refuse(r, "it is no element xmpp-domain");
    while (skip_space(r) && r->p < r->end && *r->p != '>' && *r->p != '/') {
        rc = read_attribute(r);
        if (rc < 0)
            return rc;
    }
    rc = read_end(r);
    if (rc < 0)
        return rc;
    if ((r->has & HAS_XMLNS) == 0)
        return refuse(r, "it has another namespace");
    return r->has & HAS_NAME ? 0 : refuse(r, "it has no name");
}

int se_xmpp_domain_read(struct xmb_str data, struct se_xmpp_domain *out, const char **why)
{
    struct reader r = {.out = out};
    int rc;

    memset(out, 0, sizeof(*out));
    out->priority = SE_XMPP_DOMAIN_PRIORITY;
    if (data.n == 0 || data.n > SE_XMPP_DOMAIN_DATA_MAX) {
        *why = data.n == 0 ? "it has no data" : "its data is too long";
        return XMB_EPROTO;
    }
    r.p = data.p;
    r.end = data.p + data.n;
    rc = read_element(&r);
    *why = r.why;
    return rc;
}
