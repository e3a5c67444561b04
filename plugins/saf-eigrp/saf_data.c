/* SPDX-License-Identifier: MIT */
/*
 * saf_data.c - the service block: which service, where it answers, which version, and its data.
 *
 * No document describes it. The layout is Wireshark's, whose dissector is by somebody who worked on
 * Cisco's EIGRP: 50 octets and the data, blocks one behind the other to the TLV's last octet, no
 * padding. Numbers that this code does not know (data types, address families) are carried.
 *
 * The data itself is opaque. se_data_look only says how to show it.
 */
#include "wire_priv.h"

#define REACH_IPV4 1
#define REACH_IPV6 2

void se__service_get(const uint8_t *p, struct se_service *service)
{
    size_t i;

    service->id.service = get16(p);
    service->id.subservice = get16(p + 2);
    for (i = 0; i < 4; i++)
        service->id.instance[i] = get32(p + 4 + 4 * i);
    service->data_type = get16(p + 20);
    service->data = se__view(p + SE_SERVICE_BYTES, get16(p + 22));
    service->reach_afi = get16(p + 24);
    service->port = get16(p + 26);
    service->protocol = get16(p + 28);
    memcpy(service->address, p + 30, sizeof(service->address));
    service->sequence = get32(p + 46);
}

void se__service_put(uint8_t *p, const struct se_service *service)
{
    size_t i;

    put16(p, service->id.service);
    put16(p + 2, service->id.subservice);
    for (i = 0; i < 4; i++)
        put32(p + 4 + 4 * i, service->id.instance[i]);
    put16(p + 20, service->data_type);
    put16(p + 22, (unsigned)service->data.n);
    put16(p + 24, service->reach_afi);
    put16(p + 26, service->port);
    put16(p + 28, service->protocol);
    memcpy(p + 30, service->address, sizeof(service->address));
    put32(p + 46, service->sequence);
    if (service->data.n != 0)
        memcpy(p + SE_SERVICE_BYTES, service->data.p, service->data.n);
}

enum se_reason se__services_sound(const uint8_t *p, size_t bytes)
{
    size_t at = 0;
    size_t data_bytes;

    if (bytes < SE_SERVICE_BYTES)
        return SE_SKIP_SHORT;
    while (bytes - at >= SE_SERVICE_BYTES) {
        data_bytes = get16(p + at + 22);
        at += SE_SERVICE_BYTES;
        if (data_bytes > bytes - at)
            return SE_SKIP_DATA_OVERRUN;
        at += data_bytes;
    }
    return at == bytes ? SE_REASON_NONE : SE_SKIP_PADDING;
}

void se_service_reach(const struct se_service *service, struct xmb_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (service->reach_afi != REACH_IPV4 && service->reach_afi != REACH_IPV6)
        return;
    out->family = service->reach_afi == REACH_IPV4 ? 4 : 6;
    out->port = service->port;
    memcpy(out->ip, service->address, out->family == 4 ? 4 : 16);
}

void se_service_set_reach(struct se_service *service, const struct xmb_addr *addr)
{
    memset(service->address, 0, sizeof(service->address));
    service->reach_afi = 0;
    service->port = 0;
    if (addr->family != 4 && addr->family != 6)
        return;
    service->reach_afi = addr->family == 4 ? REACH_IPV4 : REACH_IPV6;
    service->port = addr->port;
    memcpy(service->address, addr->ip, addr->family == 4 ? 4 : 16);
}

enum se_data_look se_data_look(struct xmb_str data)
{
    const uint8_t *p = se__octets(data);
    size_t i;

    if (data.n == 0)
        return SE_DATA_EMPTY;
    for (i = 0; i < data.n; i++)
        if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r') || p[i] == 0x7f)
            return SE_DATA_BINARY;
    return p[0] == '<' ? SE_DATA_XML : SE_DATA_TEXT;
}
