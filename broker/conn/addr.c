/* SPDX-License-Identifier: MIT */
/*
 * addr.c - addresses between the SDK's form, the kernel's and text.
 *
 * The SDK's form holds an IPv4 address in four octets and never as a mapped
 * IPv6 one, so that an allow list has one way to write each address. Parsing
 * text is the configuration's business (conf/).
 */
#include "conn/conn.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Zone of a link-local address, by name where the system still knows it. */
static void zone_text(uint32_t scope, char zone[IF_NAMESIZE + 2])
{
    char name[IF_NAMESIZE];

    zone[0] = '\0';
    if (scope == 0)
        return;
    if (if_indextoname(scope, name) != NULL)
        snprintf(zone, IF_NAMESIZE + 2, "%%%s", name);
    else
        snprintf(zone, IF_NAMESIZE + 2, "%%%u", scope);
}

const char *addr_text(const struct xmb_addr *a, char *text, size_t cap)
{
    char ip[INET6_ADDRSTRLEN] = "none";
    char zone[IF_NAMESIZE + 2] = "";

    if (cap == 0)
        return text;
    if (a->family == 4) {
        inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
    } else if (a->family == 6) {
        inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
        zone_text(a->scope, zone);
    }
    if (a->port == 0)
        snprintf(text, cap, "%s%s", ip, zone);
    else if (a->family == 6)
        snprintf(text, cap, "[%s%s]:%u", ip, zone, a->port);
    else
        snprintf(text, cap, "%s:%u", ip, a->port);
    return text;
}

static void from_in6(struct xmb_addr *out, const struct sockaddr_in6 *in6)
{
    out->port = ntohs(in6->sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        out->family = 4;
        memcpy(out->ip, in6->sin6_addr.s6_addr + 12, 4);
        return;
    }
    out->family = 6;
    out->scope = in6->sin6_scope_id;
    memcpy(out->ip, &in6->sin6_addr, 16);
}

void addr_from_sockaddr(struct xmb_addr *out, const struct sockaddr *sa)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memset(out, 0, sizeof(*out));
    if (sa->sa_family == AF_INET) {
        memcpy(&in, sa, sizeof(in));
        out->family = 4;
        out->port = ntohs(in.sin_port);
        memcpy(out->ip, &in.sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(&in6, sa, sizeof(in6));
        from_in6(out, &in6);
    }
}

uint32_t addr_to_sockaddr(const struct xmb_addr *a, struct sockaddr_storage *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    memset(out, 0, sizeof(*out));
    if (a->family == 4) {
        in.sin_port = htons(a->port);
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    if (a->family == 6) {
        in6.sin6_port = htons(a->port);
        in6.sin6_scope_id = a->scope;
        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(out, &in6, sizeof(in6));
        return sizeof(in6);
    }
    return 0;
}
