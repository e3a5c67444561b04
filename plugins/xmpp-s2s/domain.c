/* SPDX-License-Identifier: MIT */
/*
 * domain.c - domain parts to their canonical form and back (RFC 7622, 3.2; RFC 5891).
 *
 * Lower-case ASCII names are only checked. All others, A-labels too, go through libidn2 (UTS 46,
 * non-transitional), and the result is checked like the rest. An A-label must be the one that its
 * U-label gives: written as U-label on the wire, any other would become a different domain at
 * the peer than the one that policy saw here.
 */
#include "domain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <pthread.h>
#include <sys/random.h>

#define LABEL_MAX 63

/* --- the hash -------------------------------------------------------------------------------- */

/* Peers choose their names: without a seed they could choose one hash for all of them. */
static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    uint64_t random = 0;
    ssize_t rc;

    do
        rc = getrandom(&random, sizeof(random), 0);
    while (rc < 0 && errno == EINTR);
    seed ^= random;
}

static uint32_t hash_of(const char *p, size_t n)
{
    uint64_t h;
    uint64_t word;

    pthread_once(&seed_once, make_seed);
    h = seed ^ n;
    while (n > 0) {
        size_t take = n < sizeof(word) ? n : sizeof(word);

        word = 0;
        memcpy(&word, p, take);
        h = (h ^ word) * UINT64_C(0xd6e8feb86659fd93);
        h ^= h >> 32;
        p += take;
        n -= take;
    }
    h = (h ^ seed) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(h >> 32);
}

static void fill(struct s2_domain *out, const char *p, size_t n, int idn)
{
    memcpy(out->text, p, n);
    out->text[n] = '\0';
    out->n = (uint16_t)n;
    out->idn = (uint16_t)idn;
    out->hash = hash_of(p, n);
}

/* --- addresses ------------------------------------------------------------------------------- */

static int read_ipv6(struct xmb_str s, struct s2_domain *out)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in6_addr ip;
    size_t n;

    if (s.n < 4 || s.n >= sizeof(text) || s.p[s.n - 1] != ']')
        return XMB_EINVAL;
    memcpy(text, s.p + 1, s.n - 2);
    text[s.n - 2] = '\0';
    if (strlen(text) != s.n - 2 || inet_pton(AF_INET6, text, &ip) != 1)
        return XMB_EINVAL;
    text[0] = '[';
    if (inet_ntop(AF_INET6, &ip, text + 1, INET6_ADDRSTRLEN) == NULL)
        return XMB_EINVAL;
    n = strlen(text);
    text[n++] = ']';
    fill(out, text, n, 0);
    return 0;
}

static int is_ipv4(const char *text)
{
    struct in_addr ip;

    return inet_pton(AF_INET, text, &ip) == 1;
}

int s2_domain_is_ip(const struct s2_domain *d, struct xmb_addr *out)
{
    struct xmb_addr a = {0};
    char text[INET6_ADDRSTRLEN];

    if (d->n == 0)
        return 0;
    if (d->text[0] != '[') {
        if (inet_pton(AF_INET, d->text, a.ip) != 1)
            return 0;
        a.family = 4;
    } else {
        if (d->n < 4 || d->n - 2u >= sizeof(text))
            return 0;
        memcpy(text, d->text + 1, d->n - 2u);
        text[d->n - 2u] = '\0';
        if (inet_pton(AF_INET6, text, a.ip) != 1)
            return 0;
        a.family = 6;
    }
    *out = a;
    return 1;
}

/* --- names ----------------------------------------------------------------------------------- */

static int is_name_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* 1 when all of it is digits: then the whole must be an IPv4 address. */
static int is_number(const char *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return 0;
    return 1;
}

/* 1 when `p`, NUL-terminated, is a name of lower-case ASCII; `*alabel` when it has an A-label. */
static int is_name(const char *p, size_t n, int *alabel)
{
    size_t label = 0;
    size_t i;

    *alabel = 0;
    if (n == 0 || n > S2_DOMAIN_MAX)
        return 0;
    for (i = 0; i <= n; i++) {
        if (i < n && !is_name_octet(p[i]))
            return 0;
        if (i < n && p[i] != '.')
            continue;
        if (i == label || i - label > LABEL_MAX || p[label] == '-' || p[i - 1] == '-')
            return 0;
        if (i - label > 4 && memcmp(p + label, "xn--", 4) == 0)
            *alabel = 1;
        if (i == n && is_number(p + label, n - label))
            return is_ipv4(p);
        label = i + 1;
    }
    return 1;
}

/* By way of the library: U-labels to A-labels, and A-labels to U-labels and back. */
static int read_idn(const char *text, struct s2_domain *out)
{
    char *unicode = NULL;
    char *ascii = NULL;
    int alabel = 0;
    int rc = XMB_EINVAL;
    size_t n;

    if (idn2_to_unicode_8z8z(text, &unicode, IDN2_NONTRANSITIONAL) != IDN2_OK)
        goto out;
    if (idn2_to_ascii_8z(unicode, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
        goto out;
    n = strlen(ascii);
    if (n > 1 && ascii[n - 1] == '.')
        ascii[--n] = '\0';
    if (!is_name(ascii, n, &alabel))
        goto out;
    fill(out, ascii, n, alabel);
    rc = 0;
out:
    idn2_free(unicode);
    idn2_free(ascii);
    return rc;
}

/* An A-label came in: the round trip must give the same. */
static int read_alabel(const char *text, struct s2_domain *out)
{
    struct s2_domain d;

    if (read_idn(text, &d) != 0 || strcmp(d.text, text) != 0)
        return XMB_EINVAL;
    *out = d;
    return 0;
}

/* Copies with ASCII letters lowered; 1 when all of it is ASCII. */
static int lower(const char *from, char *to, size_t n)
{
    int ascii = 1;
    size_t i;

    for (i = 0; i < n; i++) {
        char c = from[i];

        to[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        ascii &= (unsigned char)c < 0x80;
    }
    to[n] = '\0';
    return ascii;
}

int s2_domain_read(struct xmb_str s, struct s2_domain *out)
{
    char text[S2_UDOMAIN_MAX + 1];
    int alabel = 0;
    int ascii;

    if (s.n == 0 || s.n > S2_UDOMAIN_MAX || memchr(s.p, '\0', s.n) != NULL)
        return XMB_EINVAL;
    if (s.p[0] == '[')
        return read_ipv6(s, out);
    ascii = lower(s.p, text, s.n);
    if (!ascii)
        return read_idn(text, out);
    if (s.n > 1 && text[s.n - 1] == '.')
        text[--s.n] = '\0';
    if (!is_name(text, s.n, &alabel))
        return XMB_EINVAL;
    if (alabel)
        return read_alabel(text, out);
    fill(out, text, s.n, 0);
    return 0;
}

int s2_domain_eq(const struct s2_domain *a, const struct s2_domain *b)
{
    return a->hash == b->hash && a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
}

struct xmb_str s2_domain_wire(const struct s2_domain *d, char *text)
{
    char *unicode = NULL;
    size_t n = d->n;

    memcpy(text, d->text, n + 1u);
    if (d->idn && idn2_to_unicode_8z8z(d->text, &unicode, IDN2_NONTRANSITIONAL) == IDN2_OK &&
        strlen(unicode) <= S2_UDOMAIN_MAX) {
        n = strlen(unicode);
        memcpy(text, unicode, n + 1);
    }
    idn2_free(unicode);
    return xmb_str_n(text, n);
}
