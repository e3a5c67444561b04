/* SPDX-License-Identifier: MIT */
/*
 * ident.c - service identities as octets and as filters. Their text form is ident_text.c.
 *
 * Six fields: service, subservice, and an instance of four words. All ones in a field is that
 * field's wildcard; fields match independently of each other.
 */
#include "wire.h"
#include "xmcp.h"

void xmcp_identity_pack(const struct xmcp_identity *id, uint8_t out[XMCP_IDENTITY_BYTES])
{
    int i;

    put16(out, id->service);
    put16(out + 2, id->subservice);
    for (i = 0; i < 4; i++)
        put32(out + 4 + 4 * i, id->instance[i]);
}

void xmcp_identity_unpack(const uint8_t in[XMCP_IDENTITY_BYTES], struct xmcp_identity *out)
{
    int i;

    out->service = get16(in);
    out->subservice = get16(in + 2);
    for (i = 0; i < 4; i++)
        out->instance[i] = get32(in + 4 + 4 * i);
}

int xmcp_identity_equal(const struct xmcp_identity *a, const struct xmcp_identity *b)
{
    return a->service == b->service && a->subservice == b->subservice &&
           a->instance[0] == b->instance[0] && a->instance[1] == b->instance[1] &&
           a->instance[2] == b->instance[2] && a->instance[3] == b->instance[3];
}

int xmcp_identity_match(const struct xmcp_identity *filter, const struct xmcp_identity *id)
{
    int i;

    if (filter->service != XMCP_ANY16 && filter->service != id->service)
        return 0;
    if (filter->subservice != XMCP_ANY16 && filter->subservice != id->subservice)
        return 0;
    for (i = 0; i < 4; i++) {
        if (filter->instance[i] != XMCP_ANY32 && filter->instance[i] != id->instance[i])
            return 0;
    }
    return 1;
}

int xmcp_identity_concrete(const struct xmcp_identity *id)
{
    uint32_t all = id->instance[0] & id->instance[1] & id->instance[2] & id->instance[3];

    return id->service != XMCP_ANY16 && id->subservice != XMCP_ANY16 && all != XMCP_ANY32;
}
