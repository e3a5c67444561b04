/* SPDX-License-Identifier: MIT */
/*
 * wire.c - record data as it stands in DNS messages. libunbound has taken it
 * out of the message and expanded compressed names; every length is checked here
 * all the same, since the octets are from servers that nobody here runs.
 */
#include "wire.h"

#include <unbound.h>

#define SRV_FIXED_BYTES 6u  /* priority, weight, port */
#define TLSA_FIXED_BYTES 3u /* usage, selector, matching type */
#define RCODE_NXDOMAIN 3

static enum dsrv_outcome outcome_of(int error, const struct ub_result *r)
{
    if (error != 0 || r == NULL)
        return DSRV_FAILED;
    if (r->bogus)
        return DSRV_BOGUS;
    if (r->havedata)
        return DSRV_DATA;
    return r->rcode == 0 || r->rcode == RCODE_NXDOMAIN ? DSRV_NONE : DSRV_FAILED;
}

static uint32_t ttl_of(int error, const struct ub_result *r)
{
    return error == 0 && r != NULL && r->ttl > 0 ? (uint32_t)r->ttl : 0;
}

static uint8_t secure_of(int error, const struct ub_result *r)
{
    return error == 0 && r != NULL && r->secure && !r->bogus;
}

/* The octets of record `i`, or NULL behind the last one. */
static const uint8_t *record(const struct ub_result *r, size_t i, size_t *bytes)
{
    if (r->data[i] == NULL)
        return NULL;
    *bytes = r->len[i] > 0 ? (size_t)r->len[i] : 0;
    return (const uint8_t *)r->data[i];
}

static uint16_t u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* --- names ----------------------------------------------------------------------------------- */

/* As it may stand in a host name, in lower case; 0: it may not. */
static char host_octet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return (char)c;
    return 0;
}

/* Puts one label and a dot at `out`. */
static int read_label(const uint8_t *p, size_t n, char *out)
{
    size_t i;

    if (p[0] == '-' || p[n - 1] == '-')
        return XMB_EINVAL;
    for (i = 0; i < n; i++)
        if ((out[i] = host_octet(p[i])) == 0)
            return XMB_EINVAL;
    out[n] = '.';
    return 0;
}

int dsrv_read_name(const uint8_t *p, size_t n, char out[XMB_DOMAIN_NAME_MAX + 1])
{
    size_t at = 0;
    size_t length = 0;

    while (at < n && p[at] != 0) {
        size_t label = p[at++];

        /* The dot behind the last label is taken back below, so it may stand one further. */
        if (label > 63 || label > n - at || length + label > XMB_DOMAIN_NAME_MAX ||
            read_label(p + at, label, out + length) < 0)
            return XMB_EINVAL;
        at += label;
        length += label + 1;
    }
    if (at >= n)
        return XMB_EINVAL;
    out[length > 0 ? length - 1 : 0] = '\0';
    return 0;
}

/* --- SRV ------------------------------------------------------------------------------------- */

/* Behind those of the same priority; the last one gives way when there is no room. */
static void insert(struct dsrv_srv *out, const struct dsrv_target *one)
{
    size_t at = out->count;

    if (out->count == DSRV_TARGETS_MAX) {
        if (out->target[--at].priority <= one->priority)
            return;
    } else {
        out->count++;
    }
    for (; at > 0 && out->target[at - 1].priority > one->priority; at--)
        out->target[at] = out->target[at - 1];
    out->target[at] = *one;
}

static int read_target(const uint8_t *p, size_t n, struct dsrv_target *out)
{
    if (n < SRV_FIXED_BYTES)
        return XMB_EINVAL;
    out->priority = u16(p);
    out->weight = u16(p + 2);
    out->port = u16(p + 4);
    return dsrv_read_name(p + SRV_FIXED_BYTES, n - SRV_FIXED_BYTES, out->host);
}

void dsrv_read_srv(int error, const struct ub_result *result, struct dsrv_srv *out)
{
    struct dsrv_target one;
    const uint8_t *p;
    size_t bytes;
    size_t i;

    memset(out, 0, sizeof(*out));
    out->outcome = (uint8_t)outcome_of(error, result);
    out->secure = secure_of(error, result);
    out->ttl_s = ttl_of(error, result);
    if (out->outcome != DSRV_DATA)
        return;
    for (i = 0; (p = record(result, i, &bytes)) != NULL; i++) {
        if (read_target(p, bytes, &one) < 0)
            continue;
        if (one.host[0] == '\0')
            out->refused = 1;
        else if (one.port != 0)
            insert(out, &one);
    }
    /* A "." beside others means nothing (RFC 2782). */
    if (i != 1)
        out->refused = 0;
}

/* --- addresses, TLSA ------------------------------------------------------------------------- */

void dsrv_read_addrs(int error, const struct ub_result *result, uint8_t family,
                     struct dsrv_addrs *out)
{
    size_t want = family == 4 ? 4 : 16;
    const uint8_t *p;
    size_t bytes;
    size_t i;

    memset(out, 0, sizeof(*out));
    out->outcome = (uint8_t)outcome_of(error, result);
    out->secure = secure_of(error, result);
    out->family = family;
    out->ttl_s = ttl_of(error, result);
    if (out->outcome != DSRV_DATA)
        return;
    for (i = 0; (p = record(result, i, &bytes)) != NULL && out->count < DSRV_ADDRS_MAX; i++)
        if (bytes == want)
            memcpy(out->ip[out->count++], p, want);
    if (out->count == 0)
        out->outcome = DSRV_FAILED;
}

void dsrv_read_tlsas(int error, const struct ub_result *result, struct dsrv_tlsas *out)
{
    const uint8_t *p;
    size_t bytes;
    size_t i;

    memset(out, 0, sizeof(*out));
    out->outcome = (uint8_t)outcome_of(error, result);
    out->secure = secure_of(error, result);
    out->ttl_s = ttl_of(error, result);
    if (out->outcome != DSRV_DATA)
        return;
    for (i = 0; (p = record(result, i, &bytes)) != NULL && out->count < XMB_TLSA_MAX; i++)
        if (bytes > TLSA_FIXED_BYTES)
            out->record[out->count++] = (struct xmb_tlsa){
                .size = sizeof(struct xmb_tlsa),
                .usage = p[0],
                .selector = p[1],
                .matching = p[2],
                .data = xmb_str_n((const char *)p + TLSA_FIXED_BYTES, bytes - TLSA_FIXED_BYTES),
            };
    if (out->count == 0)
        out->outcome = DSRV_FAILED;
}
