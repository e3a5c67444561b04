/* SPDX-License-Identifier: MIT */
/*
 * eigrp_domain_rig.c - see eigrp_domain_rig.h.
 */
#include "eigrp_domain_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

struct xmb_module *rig_module;

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    (void)host;
    *self = module;
    return 0;
}

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = init};

static const struct xmb_plugin plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(plugin),
    .name = "saf-eigrp",
    .version = "1.0",
    .ops = &ops,
};

void rig_open(void)
{
    xmb_fakehost_open();
    rig_module = xmb_fakehost_load(&plugin);
    REQUIRE(rig_module != NULL);
}

void rig_close(void)
{
    xmb_fakehost_close();
}

void rig_process(struct rig_process *p, unsigned as_number, int is_learning)
{
    memset(p, 0, sizeof(*p));
    p->family.family = 4;
    p->family.as_number = (uint16_t)as_number;
    p->family.is_learning_domains = is_learning != 0;
    p->process.family = &p->family;
    snprintf(p->process.object, sizeof(p->process.object), "ipv4 %u", as_number);
}

struct xmb_addr rig_addr(const char *ip, uint16_t port)
{
    struct xmb_addr a = {.family = strchr(ip, ':') != NULL ? 6 : 4, .port = port};

    REQUIRE(inet_pton(a.family == 4 ? AF_INET : AF_INET6, ip, a.ip) == 1);
    return a;
}

struct se_content *rig_content(struct xmb_str data, const struct xmb_addr *addr, uint16_t protocol)
{
    struct se_service service = {.data = data, .protocol = protocol};
    struct se_route route = {.tag = 0};
    struct se_source source = {.service = &service, .route = &route};
    struct se_content *c;

    se_service_set_reach(&service, addr);
    c = se_content_new(xmb_fakehost_host(), &source);
    REQUIRE(c != NULL);
    return c;
}

struct xmb_service_id rig_id(const char *name, const struct xmb_addr *addr, const char *who)
{
    struct xmb_service_id id;

    REQUIRE(se_xmpp_domain_id(xmb_str(name), addr, xmb_str(who), 0, &id) == 0);
    return id;
}

struct xmb_str rig_data(const char *name, unsigned priority, unsigned weight, int is_tls)
{
    static char text[1024];
    int n = snprintf(text, sizeof(text),
                     "<xmpp-domain xmlns='urn:xmb:saf:xmpp-domain:1' name='%s' priority='%u' "
                     "weight='%u' tls='%s'/>", name, priority, weight, is_tls ? "yes" : "no");

    REQUIRE(n > 0 && (size_t)n < sizeof(text));
    return xmb_str_n(text, (size_t)n);
}

const char *rig_routes(const char *domain)
{
    static char text[XMB_ROUTES_MAX * 96 + 1];
    struct xmb_route r[XMB_ROUTES_MAX];
    size_t count = xmb_fakehost_routes(rig_module, xmb_str(domain), r, XMB_ROUTES_MAX);
    size_t i, n = 0;
    char ip[INET6_ADDRSTRLEN];

    text[0] = '\0';
    for (i = 0; i < count; i++) {
        REQUIRE((r[i].flags & ~(uint32_t)XMB_ROUTE_TLS) == 0);
        REQUIRE(r[i].port == r[i].addr.port && r[i].target.n == 0);
        REQUIRE(inet_ntop(r[i].addr.family == 4 ? AF_INET : AF_INET6, r[i].addr.ip, ip,
                          sizeof(ip)) != NULL);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%u %u/%u%s, ", ip, r[i].port,
                              r[i].priority, r[i].weight,
                              r[i].flags & XMB_ROUTE_TLS ? " tls" : "");
    }
    return text;
}
