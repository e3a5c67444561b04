/* SPDX-License-Identifier: MIT */
/*
 * wire_priv.h - what the files of the wire side share and nobody else sees.
 *
 * Functions that read get octets whose number was checked by whoever calls; functions that write
 * get room that is there. Names with two underscores stay inside.
 */
#ifndef SE_WIRE_PRIV_H
#define SE_WIRE_PRIV_H

#include "eigrp_wire.h"
#include "octets.h"

/* Sizes in octets of the fixed parts of a service TLV, behind its head. */
#define SE_MP_PREFIX_BYTES 8   /* topology, AFI, router id */
#define SE_WIDE_BYTES 24       /* wide metric, up to the opaque flags */
#define SE_MT_PREFIX_BYTES 14  /* reserved, topology, AFI, router id, tag */
#define SE_CLASSIC_BYTES 16    /* classic metric */
#define SE_DIGEST_AT 44        /* in the packet */

/* Sets `*reason` when there is one, and returns `rc`. */
static inline int se__fault(enum se_reason *reason, enum se_reason why, int rc)
{
    if (reason != NULL)
        *reason = why;
    return rc;
}

static inline const uint8_t *se__octets(struct xmb_str s)
{
    return (const uint8_t *)s.p;
}

static inline struct xmb_str se__view(const uint8_t *p, size_t n)
{
    return xmb_str_n((const char *)p, n);
}

/* packet.c: 1 when the generic TLV has a sound body; 0 when not, with `reason` set. */
int se__param_sound(const struct se_tlv *tlv, enum se_reason *reason);

/* writer.c: room for a TLV behind its head; NULL: the packet is full. Ends an open service TLV. */
uint8_t *se__put_tlv(struct se_writer *w, unsigned type, size_t value_bytes);

/* tlv_auth.c: writes the digest of a packet whose authentication TLV is in place, checksum zero. */
void se__auth_seal(uint8_t *packet, size_t bytes, const struct se_signer *signer,
                   const struct xmb_addr *source);
/* tlv_auth.c: writes an authentication TLV without a digest at `p`. */
void se__auth_put(uint8_t *p, const struct se_signer *signer);
/* tlv_auth.c: 1 when a packet can be signed so. */
int se__auth_usable(enum se_auth_mode mode, const struct se_key *key);

/* metric_wire.c: SE_WIDE_BYTES; the number of attribute octets that follow goes by. */
size_t se__wide_get(const uint8_t *p, struct se_metric *m, uint8_t *opaque_flags);
void se__wide_put(uint8_t *p, const struct se_metric *m, size_t attribute_bytes,
                  unsigned opaque_flags);
/* metric_wire.c: SE_CLASSIC_BYTES. */
void se__classic_get(const uint8_t *p, struct se_classic *classic);
void se__classic_put(uint8_t *p, const struct se_classic *classic);

/* external.c: SE_EXTERNAL_BYTES. */
void se__external_get(const uint8_t *p, struct se_external *external);
void se__external_put(uint8_t *p, const struct se_external *external);

/* attributes.c: 1 when the section adds up; fills tag and extended from it. */
int se__attributes_take(struct xmb_str attributes, struct se_route *route);

/* saf_data.c: a service block; its data goes by or is copied. */
void se__service_get(const uint8_t *p, struct se_service *service);
void se__service_put(uint8_t *p, const struct se_service *service);
/* saf_data.c: why `bytes` octets at `p` are not service blocks, SE_REASON_NONE when they are. */
enum se_reason se__services_sound(const uint8_t *p, size_t bytes);

/* service_write.c: octets of next hop in a family; 0 too for one that is none. */
size_t se__next_hop_bytes(unsigned afi);
/* service_write.c: 1 for a service family. */
int se__afi_known(unsigned afi);

#endif
