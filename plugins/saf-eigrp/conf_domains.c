/* SPDX-License-Identifier: MIT */
/*
 * conf_domains.c - <xmpp-domains>: whether routes are made of XMPP domains that others announce,
 * and the domains of this site that are announced to them.
 *
 * Names are brought into the one form in which they are announced and compared: A-labels in lower
 * case (IDNA 2008 with UTS 46).
 */
#include "conf_priv.h"

#include <idn2.h>
#include <stdlib.h>

#define PORT_DEFAULT 5269u /* xmpp-server (RFC 6120, 14.7) */
#define LABEL_MAX 63

/* Labels of letters, digits and hyphens, none at an end. */
static int is_name(const char *name, size_t n)
{
    size_t i, label = 0;

    if (n == 0 || n > XMB_DOMAIN_NAME_MAX)
        return 0;
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") < n)
        return 0;
    for (i = 0; i <= n; i++) {
        if (i < n && name[i] != '.')
            continue;
        if (i == label || i - label > LABEL_MAX || name[label] == '-' || name[i - 1] == '-')
            return 0;
        label = i + 1;
    }
    return 1;
}

static int read_domain(const struct se_reader *r, const struct xmb_conf *node, char **out)
{
    const char *text = r->api->text(node, "domain", "");
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    size_t n;

    if (rc == IDN2_MALLOC)
        return XMB_ENOMEM;
    n = rc == IDN2_OK ? strlen(ascii) : 0;
    if (n > 1 && ascii[n - 1] == '.')
        n--;
    if (rc != IDN2_OK || !is_name(ascii, n)) {
        idn2_free(ascii);
        return r->api->fault(node, "\"%s\" is not a domain name", text);
    }
    *out = strndup(ascii, n);
    idn2_free(ascii);
    return *out != NULL ? 0 : XMB_ENOMEM;
}

static int check_address(const struct se_reader *r, const struct xmb_conf *node,
                         const struct xmb_addr *a)
{
    static const uint8_t zeros[sizeof(a->ip)];
    int is_link = a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
    int is_group = a->family == 6 ? a->ip[0] == 0xff : a->ip[0] >= 224;

    if (is_link || is_group || memcmp(a->ip, zeros, sizeof(zeros)) == 0)
        return r->api->fault(node, "nobody elsewhere can reach %s",
                             r->api->text(node, "address", ""));
    return 0;
}

static int check_twice(const struct se_reader *r, const struct xmb_conf *node,
                       const struct se_family_conf *f, const struct se_announce_conf *a)
{
    const struct se_announce_conf *o;

    for (o = f->announced; o < a; o++)
        if (o->domain != NULL && strcmp(o->domain, a->domain) == 0 &&
            memcmp(&o->addr, &a->addr, sizeof(o->addr)) == 0)
            return r->api->fault(node, "%s at this address and port is here a second time",
                                 a->domain);
    return 0;
}

static int read_announce(const struct se_reader *r, const struct xmb_conf *node,
                         struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
        SE_SETTING(struct se_announce_conf, addr.port, "port", SE_IS_COUNT, 1, 65535),
        SE_SETTING(struct se_announce_conf, priority, "priority", SE_IS_COUNT, 0, 65535),
        SE_SETTING(struct se_announce_conf, weight, "weight", SE_IS_COUNT, 0, 65535),
        SE_SETTING(struct se_announce_conf, is_tls, "tls", SE_IS_FLAG, 0, 1),
    };
    struct se_announce_conf *a = &f->announced[f->announced_count++];
    int rc = r->api->address(node, "address", &a->addr);

    if (rc == 0)
        rc = check_address(r, node, &a->addr);
    a->addr.scope = 0;
    a->addr.port = PORT_DEFAULT;
    se_conf_worst(&rc, se_conf_settings(r, node, a, settings,
                                        sizeof(settings) / sizeof(settings[0])));
    se_conf_worst(&rc, read_domain(r, node, &a->domain));
    return rc == 0 ? check_twice(r, node, f, a) : rc;
}

int se_conf_read_domains(const struct se_reader *r, const struct xmb_conf *family,
                         struct se_family_conf *f)
{
    static const struct se_setting learn[] = {
        SE_SETTING(struct se_family_conf, is_learning_domains, "learn", SE_IS_FLAG, 0, 1),
    };
    const struct xmb_conf *e, *node = r->api->child(family, "xmpp-domains");
    size_t n = node != NULL ? se_conf_count(r, node, "announce") : 0;
    int rc;

    if (node == NULL)
        return 0;
    if (n > SE_ANNOUNCED_MAX)
        return r->api->fault(node, "there are %zu <announce>; %d are the most", n,
                             SE_ANNOUNCED_MAX);
    f->announced = calloc(n + 1, sizeof(*f->announced));
    if (f->announced == NULL)
        return XMB_ENOMEM;
    rc = se_conf_settings(r, node, f, learn, 1);
    for (e = r->api->child(node, "announce"); e != NULL; e = r->api->next(e, "announce"))
        se_conf_worst(&rc, read_announce(r, e, f));
    return rc;
}
