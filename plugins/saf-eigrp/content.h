/* SPDX-License-Identifier: MIT */
/*
 * content.h - what dual.h calls content: the data of one version of a service, and where it answers.
 *
 * Local services are not copied: the registry's record is held. What a neighbour sent is copied
 * out of its packet, with the extended attributes, which are carried on unchanged (D05).
 *
 * Thread: routing.
 */
#ifndef SE_CONTENT_H
#define SE_CONTENT_H

#include <xmb/host.h>

#include "eigrp_wire.h"

struct se_content {
    const struct xmb_host *host;
    const struct xmb_service *record; /* of a local service, held; NULL: learned */
    struct se_service service;        /* id, sequence and data_type are not used; data is a view */
    struct xmb_str attributes;        /* a view of the octets behind */
    uint32_t tag;                     /* 0: none */
    uint8_t octets[];                 /* of a learned one: attributes, data */
};

/* What struct se_dual_advert.content points to: where the data comes from. Borrowed. */
struct se_source {
    const struct xmb_service *record; /* published here, with `tag`; NULL: the others say it */
    const struct se_service *service; /* heard from a neighbour */
    const struct se_route *route;
    uint32_t tag;
};

/* NULL: out of memory. */
struct se_content *se_content_new(const struct xmb_host *host, const struct se_source *source);
void se_content_free(struct se_content *c); /* NULL is fine */

/* Where it answers; family 0: nowhere that is known. */
void se_content_reach(const struct se_content *c, struct xmb_addr *out);

#endif
