/* SPDX-License-Identifier: MIT */
/*
 * listener_conf.c - what <listen> says:
 *
 *     <listen family="ipv4|ipv6" address="192.0.2.1" port="4788" vrf="red"
 *             tls="profile" backlog="1024" queue="1m"/>
 *
 * Everything may be left out. Without family and address it stands for both
 * families. A protocol may have listeners under other names too (listen_names), at any depth.
 * Faults do not stop the reading, so that all are told at once.
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
    const char *vrf = NULL;
    uint64_t backlog = LISTEN_BACKLOG, queue = CONN_HIGH_BYTES;
    int rc = check_tls(next, node, tls);

    if (conf_api.number(node, "backlog", 1, 65535, &backlog) < 0)
        rc = XMB_ECONF;
    if (conf_api.bytes(node, "queue", QUEUE_MIN, QUEUE_MAX, &queue) < 0)
        rc = XMB_ECONF;
    if (listen_vrf(node, &vrf) < 0)
        rc = XMB_ECONF;
    s->backlog = (uint32_t)backlog;
    s->high_bytes = queue;
    if (rc == 0)
        rc = copy_text(tls, &s->tls);
    if (rc == 0)
        rc = copy_text(vrf, &s->vrf);
    return rc;
}

static int parse_port(const struct xmb_conf *node, uint16_t usual, uint16_t *out)
{
    uint64_t port = usual;

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

int listen_addresses(const struct xmb_conf *node, uint16_t default_port, struct xmb_addr out[2],
                     size_t *count)
{
    struct xmb_addr a = {0};
    uint8_t family = 0;
    uint16_t port = 0;
    int rc = parse_family(node, &family);

    if (parse_port(node, default_port, &port) < 0)
        rc = XMB_ECONF;
    if (conf_api.address(node, "address", &a) < 0)
        rc = XMB_ECONF;
    if (rc < 0)
        return rc;
    if (a.family != 0 && family != 0 && a.family != family)
        return conf_api.fault(node, "the address is not of family ipv%u", family);
    *count = a.family != 0 || family != 0 ? 1 : 2;
    if (a.family == 0)
        a.family = family != 0 ? family : 4;
    a.port = port;
    out[0] = out[1] = a;
    if (*count == 2)
        out[1].family = 6;
    return 0;
}

int listen_vrf(const struct xmb_conf *node, const char **out)
{
    const char *vrf = conf_api.text(node, "vrf", NULL);

    *out = vrf;
    if (vrf != NULL && (vrf[0] == '\0' || strlen(vrf) >= IF_NAMESIZE))
        return conf_api.fault(node, "vrf \"%s\" is not the name of a device", vrf);
    return 0;
}

static int want_all(struct listeners_next *next, const struct xmb_conf *node,
                    uint16_t default_port, struct listen_spec *spec)
{
    struct xmb_addr a[2];
    size_t i, count = 0;
    int rc = listen_addresses(node, default_port, a, &count);

    for (i = 0; i < count && rc == 0; i++)
        rc = want(next, node, &a[i], spec, i > 0);
    return rc;
}

struct parse {
    struct listeners_next *next;
    struct xmb_module *module;
};

static int parse_one(void *arg, const struct xmb_conf *node, uint32_t ordinal,
                     uint16_t default_port)
{
    struct parse *p = arg;
    struct listen_spec *spec = calloc(1, sizeof(*spec));
    int rc, rc_addresses;

    if (spec == NULL)
        return XMB_ENOMEM;
    atomic_init(&spec->refs, 1);
    spec->module = p->module;
    spec->ordinal = ordinal;
    rc = parse_spec(p->next, node, spec);
    rc_addresses = want_all(p->next, node, default_port, spec);
    listen_spec_release(spec);
    return rc < 0 ? rc : rc_addresses;
}

/* --- which elements are listeners ----------------------------------------------------------- */

/* 1 when `name` stands in "component:5347 other:80"; its port is left in `*port`. */
static int is_named(const char *names, const char *name, uint16_t *port)
{
    const char *at = names;
    size_t n, length = strlen(name);

    for (; at != NULL && *(at += strspn(at, " ")) != '\0'; at += strcspn(at, " ")) {
        n = strcspn(at, ": ");
        if (n != length || memcmp(at, name, n) != 0)
            continue;
        *port = at[n] == ':' ? (uint16_t)strtoul(at + n + 1, NULL, 10) : 0;
        return 1;
    }
    return 0;
}

struct walk {
    const struct xmb_protocol *protocol;
    listen_fn *fn;
    void *arg;
    uint32_t ordinal;
    int rc;
};

static int walk_children(struct walk *w, const struct xmb_conf *element, int depth)
{
    const struct xmb_conf *node = conf_api.child(element, NULL);
    uint16_t port;
    int rc;

    for (; node != NULL; node = conf_api.next(node, NULL)) {
        port = w->protocol->default_port;
        if ((depth == 0 && strcmp(conf_api.name(node), "listen") == 0) ||
            is_named(w->protocol->listen_names, conf_api.name(node), &port)) {
            rc = w->fn(w->arg, node, w->ordinal++, port);
            if (rc == XMB_ENOMEM)
                return rc;
            w->rc = rc < 0 ? rc : w->rc;
        }
        if (walk_children(w, node, depth + 1) < 0)
            return XMB_ENOMEM;
    }
    return 0;
}

int listen_each(const struct xmb_protocol *protocol, const struct xmb_conf *element,
                listen_fn *fn, void *arg)
{
    struct walk w = {.protocol = protocol, .fn = fn, .arg = arg};
    int rc = walk_children(&w, element, 0);

    return rc < 0 ? rc : w.rc;
}

int listen_parse(struct listeners_next *next, struct xmb_module *m,
                 const struct xmb_conf *element)
{
    struct parse p = {next, m};

    return listen_each(&m->protocol, element, parse_one, &p);
}
