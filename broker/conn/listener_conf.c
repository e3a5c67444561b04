/* SPDX-License-Identifier: MIT */
/*
 * listener_conf.c - what <listen> says:
 *
 *     <listen family="ipv4|ipv6" address="192.0.2.1" port="4788" vrf="red"
 *             tls="profile" backlog="1024" queue="1m"/>
 *
 * Everything may be left out. Without family and address it stands for both
 * families. Faults do not stop the reading, so that all are told at once.
 */
#include "conf/conf.h"
#include "conn/listener_priv.h"

#include <stdlib.h>

#define QUEUE_MIN (UINT64_C(128) << 10) /* what one reserve may ask for has to fit */
#define QUEUE_MAX (UINT64_C(1) << 30)

struct listen_spec *listen_spec_hold(struct listen_spec *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void listen_spec_release(struct listen_spec *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(s->tls);
    free(s->vrf);
    free(s);
}

static int copy_text(const char *text, char **out)
{
    if (text == NULL)
        return 0;
    *out = strdup(text);
    return *out != NULL ? 0 : XMB_ENOMEM;
}

static int check_tls(const struct listeners_next *next, const struct xmb_conf *node,
                     const char *profile)
{
    if (profile == NULL)
        return 0;
    if (!tls_known(next->tls, profile))
        return conf_api.fault(node, "there is no <tls name=\"%s\"/>", profile);
    if (!tls_serves(next->tls, profile))
        return conf_api.fault(node, "TLS profile \"%s\" has no certificate to listen with",
                              profile);
    return 0;
}

static int parse_spec(const struct listeners_next *next, const struct xmb_conf *node,
                      struct listen_spec *s)
{
    const char *tls = conf_api.text(node, "tls", NULL);
    const char *vrf = conf_api.text(node, "vrf", NULL);
    uint64_t backlog = LISTEN_BACKLOG, queue = CONN_HIGH_BYTES;
    int rc = check_tls(next, node, tls);

    if (conf_api.number(node, "backlog", 1, 65535, &backlog) < 0 ||
        conf_api.bytes(node, "queue", QUEUE_MIN, QUEUE_MAX, &queue) < 0)
        rc = XMB_ECONF;
    if (vrf != NULL && (vrf[0] == '\0' || strlen(vrf) >= IF_NAMESIZE))
        rc = conf_api.fault(node, "vrf \"%s\" is not the name of a device", vrf);
    s->backlog = (uint32_t)backlog;
    s->high_bytes = queue;
    if (rc == 0)
        rc = copy_text(tls, &s->tls);
    if (rc == 0)
        rc = copy_text(vrf, &s->vrf);
    return rc;
}

static int parse_port(const struct xmb_conf *node, const struct xmb_module *m, uint16_t *out)
{
    uint64_t port = m->protocol.default_port;

    if (conf_api.number(node, "port", 0, 65535, &port) < 0)
        return XMB_ECONF;
    if (port == 0 && conf_api.text(node, "port", NULL) == NULL)
        return conf_api.fault(node, "port is missing: this module has no usual one");
    *out = (uint16_t)port;
    return 0;
}

/* The family asked for; 0: either. */
static int parse_family(const struct xmb_conf *node, uint8_t *out)
{
    const char *family = conf_api.text(node, "family", NULL);

    *out = 0;
    if (family == NULL)
        return 0;
    if (strcmp(family, "ipv4") == 0)
        *out = 4;
    else if (strcmp(family, "ipv6") == 0)
        *out = 6;
    else
        return conf_api.fault(node, "family is \"ipv4\" or \"ipv6\"");
    return 0;
}

static int want(struct listeners_next *next, const struct xmb_conf *node,
                const struct xmb_addr *asked, struct listen_spec *spec, int may_lack_ip6)
{
    struct listen_wanted *list = next->list;

    if (next->count == next->room) {
        size_t room = next->room == 0 ? 8 : next->room * 2;

        list = realloc(list, room * sizeof(*list));
        if (list == NULL)
            return XMB_ENOMEM;
        next->list = list;
        next->room = room;
    }
    list[next->count++] = (struct listen_wanted){
        .asked = *asked,
        .spec = listen_spec_hold(spec),
        .may_lack_ip6 = may_lack_ip6,
        .node = node,
    };
    return 0;
}

static int parse_addresses(struct listeners_next *next, const struct xmb_conf *node,
                           struct listen_spec *spec)
{
    struct xmb_addr a = {0};
    uint8_t family = 0;
    uint16_t port = 0;
    int rc;

    if (parse_family(node, &family) < 0 || parse_port(node, spec->module, &port) < 0 ||
        conf_api.address(node, "address", &a) < 0)
        return XMB_ECONF;
    if (a.family != 0 && family != 0 && a.family != family)
        return conf_api.fault(node, "the address is not of family ipv%u", family);
    if (a.family == 0)
        a.family = family;
    a.port = port;
    if (a.family != 0)
        return want(next, node, &a, spec, 0);
    a.family = 4;
    rc = want(next, node, &a, spec, 0);
    a.family = 6;
    return rc < 0 ? rc : want(next, node, &a, spec, 1);
}

static int parse_one(struct listeners_next *next, struct xmb_module *m,
                     const struct xmb_conf *node, uint32_t ordinal)
{
    struct listen_spec *spec = calloc(1, sizeof(*spec));
    int rc, rc_addresses;

    if (spec == NULL)
        return XMB_ENOMEM;
    atomic_init(&spec->refs, 1);
    spec->module = m;
    spec->ordinal = ordinal;
    rc = parse_spec(next, node, spec);
    rc_addresses = parse_addresses(next, node, spec);
    listen_spec_release(spec);
    return rc < 0 ? rc : rc_addresses;
}

int listen_parse(struct listeners_next *next, struct xmb_module *m,
                 const struct xmb_conf *element)
{
    const struct xmb_conf *node = conf_api.child(element, "listen");
    uint32_t ordinal = 0;
    int rc = 0;

    for (; node != NULL; node = conf_api.next(node, "listen")) {
        int one = parse_one(next, m, node, ordinal++);

        if (one == XMB_ENOMEM)
            return one;
        if (one < 0)
            rc = one;
    }
    return rc;
}
