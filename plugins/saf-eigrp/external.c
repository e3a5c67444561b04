/* SPDX-License-Identifier: MIT */
/*
 * external.c - the exterior section of an external service: 20 octets with the administrative
 * tag, as the dissector reads it, and not the 16 that RFC 7868, 6.9.4 draws (D04).
 *
 * Nobody on the path changes it. Its reserved octets are sent as 0 and not looked at.
 */
#include "wire_priv.h"

void se__external_get(const uint8_t *p, struct se_external *external)
{
    external->origin_router_id = get32(p);
    external->as_number = get32(p + 4);
    external->tag = get32(p + 8);
    external->metric = get32(p + 12);
    external->protocol = p[18];
    external->flags = p[19];
}

void se__external_put(uint8_t *p, const struct se_external *external)
{
    put32(p, external->origin_router_id);
    put32(p + 4, external->as_number);
    put32(p + 8, external->tag);
    put32(p + 12, external->metric);
    put16(p + 16, 0);
    p[18] = external->protocol;
    p[19] = external->flags;
}
