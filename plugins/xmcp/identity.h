/* SPDX-License-Identifier: MIT */
/*
 * identity.h - identities and addresses between the codec's structures and the registry's.
 */
#ifndef XS_IDENTITY_H
#define XS_IDENTITY_H

#include <xmb/service.h>
#include <xmcp.h>

static inline struct xmb_service_id xs_identity_in(const struct xmcp_identity *from)
{
    struct xmb_service_id to = {.service = from->service, .subservice = from->subservice};

    memcpy(to.instance, from->instance, sizeof(to.instance));
    return to;
}

static inline struct xmcp_identity xs_identity_out(const struct xmb_service_id *from)
{
    struct xmcp_identity to = {.service = from->service, .subservice = from->subservice};

    memcpy(to.instance, from->instance, sizeof(to.instance));
    return to;
}

static inline struct xmb_addr xs_transport_in(const struct xmcp_transport *from)
{
    struct xmb_addr to = {.family = from->family == XMCP_FAMILY_IPV6 ? 6 : 4, .port = from->port};

    memcpy(to.ip, from->address, to.family == 6 ? 16 : 4);
    return to;
}

/* A service without an address, as another broker may send, is told as 0.0.0.0. */
static inline struct xmcp_transport xs_transport_out(const struct xmb_addr *from)
{
    struct xmcp_transport to = {.family = XMCP_FAMILY_IPV4, .port = from->port};

    if (from->family == 6)
        to.family = XMCP_FAMILY_IPV6;
    memcpy(to.address, from->ip, from->family == 6 ? 16 : 4);
    return to;
}

#endif
