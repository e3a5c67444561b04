/* SPDX-License-Identifier: MIT */
/*
 * tls_names.c - the names in a certificate.
 *
 * subjectAltName is read for dNSName, SRVName (RFC 4985), id-on-xmppAddr (RFC 6120, 13.7.1.4)
 * and iPAddress; the common name only when there is none of these (RFC 6125, 6.4.4). A name
 * with a NUL or another control character inside is a trick and left out, and so is one that is not
 * in the characters of its kind. Whether a name is the right one is the plugin's to say.
 */
#include "tls/tls_priv.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NAME_BYTES_MAX 3071 /* an XMPP address (RFC 7622, 3.1) */

/* --- is it clean? ------------------------------------------------------------------------- */

/* Printable ASCII, or UTF-8 where `utf8`. */
static int is_clean(const unsigned char *p, size_t n, int utf8)
{
    unsigned long value = 0;
    int taken;

    if (n == 0 || n > NAME_BYTES_MAX)
        return 0;
    for (; n > 0; p += taken, n -= (size_t)taken) {
        taken = UTF8_getc(p, (int)n, &value);
        if (taken <= 0 || value < 0x20 || (value >= 0x7f && value < 0xa0) ||
            (value >= 0x80 && !utf8))
            return 0;
    }
    return 1;
}

static int add(struct tls_names *names, uint32_t kind, const void *p, size_t n)
{
    char *text;

    if (names->count == TLS_NAMES_MAX || !is_clean(p, n, kind == XMB_CERT_XMPP_ADDR ||
                                                             kind == XMB_CERT_CN))
        return 0;
    text = malloc(n + 1);
    if (text == NULL)
        return XMB_ENOMEM;
    memcpy(text, p, n);
    text[n] = '\0';
    names->list[names->count++] = (struct xmb_cert_name){
        .size = sizeof(struct xmb_cert_name), .kind = kind, .text = {text, n}};
    return 0;
}

static int add_string(struct tls_names *names, uint32_t kind, const ASN1_STRING *s)
{
    return add(names, kind, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* --- kinds ---------------------------------------------------------------------------------- */

static int add_other(struct tls_names *names, const OTHERNAME *other, int *counts)
{
    int nid = OBJ_obj2nid(other->type_id), type = other->value->type;

    if (nid != NID_SRVName && nid != NID_XmppAddr)
        return 0;
    *counts = 1;
    if (type != V_ASN1_UTF8STRING && type != V_ASN1_IA5STRING)
        return 0;
    return add_string(names, nid == NID_SRVName ? XMB_CERT_SRV : XMB_CERT_XMPP_ADDR,
                      other->value->value.asn1_string);
}

static int add_ip(struct tls_names *names, const ASN1_STRING *ip)
{
    char text[INET6_ADDRSTRLEN];
    int n = ASN1_STRING_length(ip);

    if (n != 4 && n != 16)
        return 0;
    inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof(text));
    return add(names, XMB_CERT_IP, text, strlen(text));
}

/* *counts: it is of a kind that takes the place of the common name, also when it is left out. */
static int add_general(struct tls_names *names, const GENERAL_NAME *name, int *counts)
{
    switch (name->type) {
    case GEN_DNS:
        *counts = 1;
        return add_string(names, XMB_CERT_DNS, name->d.dNSName);
    case GEN_IPADD:
        *counts = 1;
        return add_ip(names, name->d.iPAddress);
    case GEN_OTHERNAME:
        return add_other(names, name->d.otherName, counts);
    default:
        return 0;
    }
}

static int add_common_name(struct tls_names *names, const X509_NAME *subject)
{
    int at = -1, last = -1, n, rc;
    unsigned char *text = NULL;

    while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
        last = at; /* the most specific one stands last */
    if (last < 0)
        return 0;
    n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
    rc = n > 0 ? add(names, XMB_CERT_CN, text, (size_t)n) : 0;
    OPENSSL_free(text);
    return rc;
}

int tls_names_read(X509 *cert, struct tls_names *out)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int i, count = all != NULL ? sk_GENERAL_NAME_num(all) : 0, counts = 0, rc = 0;

    memset(out, 0, sizeof(*out));
    out->list = calloc((size_t)(count < TLS_NAMES_MAX ? count : TLS_NAMES_MAX) + 1,
                       sizeof(out->list[0]));
    if (out->list == NULL)
        rc = XMB_ENOMEM;
    for (i = 0; i < count && rc == 0 && out->count < TLS_NAMES_MAX; i++)
        rc = add_general(out, sk_GENERAL_NAME_value(all, i), &counts);
    if (rc == 0 && !counts)
        rc = add_common_name(out, X509_get_subject_name(cert));
    GENERAL_NAMES_free(all);
    if (rc < 0)
        tls_names_free(out);
    return rc;
}

void tls_names_free(struct tls_names *names)
{
    size_t i;

    for (i = 0; i < names->count; i++)
        free((void *)(uintptr_t)names->list[i].text.p);
    free(names->list);
    memset(names, 0, sizeof(*names));
}

int64_t tls_seconds(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* --- which certificate is for a host --------------------------------------------------------- */

static int covers(const struct xmb_cert_name *name, const char *host)
{
    const char *text = name->text.p, *rest;

    switch (name->kind) {
    case XMB_CERT_SRV:
        rest = strchr(text, '.');
        return rest != NULL && strcasecmp(rest + 1, host) == 0;
    case XMB_CERT_DNS:
    case XMB_CERT_CN:
        rest = strchr(host, '.');
        if (strncmp(text, "*.", 2) == 0)
            return rest != NULL && rest != host && strcasecmp(text + 1, rest) == 0;
        return strcasecmp(text, host) == 0;
    default:
        return strcasecmp(text, host) == 0;
    }
}

int tls_names_cover(const struct tls_names *names, const char *host)
{
    size_t i;

    for (i = 0; i < names->count; i++)
        if (covers(&names->list[i], host))
            return 1;
    return 0;
}
