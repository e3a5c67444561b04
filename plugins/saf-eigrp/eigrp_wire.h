/* SPDX-License-Identifier: MIT */
/*
 * eigrp_wire.h - EIGRP packets with SAF services in them, to and from octets.
 *
 * All of the wire side of the plugin is behind this header, in the order in which it is used:
 *
 *   1. constants              5. hello: the generic TLVs
 *   2. reasons and counters   6. services: routes, blocks, attributes
 *   3. packets in             7. writing a packet
 *   4. authentication         8. text for logs
 *
 * Receiving, in the order of the checks (decision D16; steps 4 to 6 are the caller's):
 *
 *     se_packet_open(octets, n, &packet, &reason)         1     length, version, checksum
 *     se_packet_admit(&packet, as, &reason)               2, 3  VRID, autonomous system
 *     ... source address, subnet, TTL ...                 4-6
 *     se_auth_check(&packet, &policy, source, &reason)    7
 *     se_packet_frame(&packet, &reason)                   8, 9  every TLV's length; opcode
 *     se_hello_parse(&packet, &hello, &counters)          a hello
 *     se_services_begin(&walk, &packet, 0, &counters);    an update, a query, ...
 *     while (se_services_next(&walk, &service) == 1)
 *         ... walk.route, service ...
 *
 * A fault found up to se_packet_frame drops the whole packet, before anything of it was used. A
 * fault *inside* a service TLV, whose frame is sound, skips that TLV and counts why: to drop the
 * packet would leave it unacknowledged, and one strange service would reset the adjacency again and
 * again, with all the good ones.
 *
 * Sending:
 *
 *     se_header_init(&h, SE_UPDATE, as);  h.sequence = ...;
 *     se_write_begin(&w, buffer, sizeof(buffer), &h, key);
 *     while (se_write_service(&w, &route, &service) == 0) ...   XMB_ETOOBIG: full, finish and go on
 *     se_write_finish(&w, &source, &bytes);                     digest, then checksum
 *
 * Nothing here does I/O, allocates, reads a clock, logs or keeps state of its own: any thread, on
 * objects that no other thread changes meanwhile. What is parsed are views into the caller's
 * octets, valid as long as these are. Numbers are in host order here and big-endian on the wire;
 * addresses are struct xmb_addr with port and scope zero unless said otherwise.
 *
 * Errors: 0 or a negative XMB_E*; out-parameters are untouched on failure unless said otherwise.
 * Of arguments that break the rules written here XMB_EINVAL is said; pointers are never NULL unless
 * it says so. "D04" and the like are decisions where no public document settles the point: the
 * table is in this plugin's documentation. "RFC" is RFC 7868.
 */
#ifndef SE_EIGRP_WIRE_H
#define SE_EIGRP_WIRE_H

#include <xmb/service.h>
#include <xmb/types.h>

#include "metric.h"

/* ------------------------------------------------------------------------------------------- */
/* 1. Constants                                                                                */
/* ------------------------------------------------------------------------------------------- */

#define SE_IP_PROTOCOL 88
#define SE_GROUP_IPV4 "224.0.0.10"
#define SE_GROUP_IPV6 "ff02::a"
#define SE_TRAFFIC_CLASS 0xc0

#define SE_VERSION 2
#define SE_VRID_SERVICE 0x8000 /* unicast service family: the only one sent and accepted (D16) */

/* Sizes in octets. */
#define SE_HEADER_BYTES 20
#define SE_TLV_HEAD_BYTES 4
#define SE_PACKET_BYTES_MAX 65535
#define SE_AUTH_MD5_BYTES 40
#define SE_AUTH_SHA256_BYTES 56
#define SE_DIGEST_BYTES_MAX 32
#define SE_PASSWORD_BYTES_MAX 80     /* an MD5 key; longer ones are not known to work */
#define SE_PASSWORD_SHA256_BYTES_MAX 32
#define SE_EXTERNAL_BYTES 20         /* D04 */
#define SE_SERVICE_BYTES 50          /* a service block without its data */
#define SE_ATTRIBUTES_BYTES_MAX 510  /* 255 words */
#define SE_SERVICE_TLV_HEAD_BYTES_MAX (36 + SE_ATTRIBUTES_BYTES_MAX + 16 + SE_EXTERNAL_BYTES)

enum se_opcode {
    SE_UPDATE = 1,
    SE_REQUEST = 2,
    SE_QUERY = 3,
    SE_REPLY = 4,
    SE_HELLO = 5, /* with acknowledge != 0 it is an ACK */
    SE_SIA_QUERY = 10,
    SE_SIA_REPLY = 11
};

/* Flags of the header (RFC 6.5). */
#define SE_FLAG_INIT 0x01u /* first update to a new neighbour: send me everything */
#define SE_FLAG_CR 0x02u   /* for those in conditional-receive mode only */
#define SE_FLAG_RS 0x04u   /* graceful restart under way */
#define SE_FLAG_EOT 0x08u  /* my table is complete */

enum se_tlv_type {
    SE_TLV_PARAMETER = 0x0001,
    SE_TLV_AUTHENTICATION = 0x0002,
    SE_TLV_SEQUENCE = 0x0003,
    SE_TLV_SOFTWARE_VERSION = 0x0004,
    SE_TLV_NEXT_MULTICAST = 0x0005,
    SE_TLV_STUB = 0x0006,
    SE_TLV_PEER_TERMINATION = 0x0007,
    SE_TLV_TOPOLOGY_LIST = 0x0008,
    SE_TLV_MT_REQUEST = 0x00f1,
    SE_TLV_MT_INTERNAL = 0x00f2,
    SE_TLV_MT_EXTERNAL = 0x00f3,
    SE_TLV_MT_TOPOLOGY_LIST = 0x00f5,
    SE_TLV_MP_REQUEST = 0x0601,
    SE_TLV_MP_INTERNAL = 0x0602,
    SE_TLV_MP_EXTERNAL = 0x0603
};

#define SE_AFI_COMMON 0x4000 /* service family without a next hop; accepted, never sent (D30) */
#define SE_AFI_IPV4 0x4001
#define SE_AFI_IPV6 0x4002

/* Flags of the stub TLV (RFC 6.7). For services only the first and last mean something (D18). */
#define SE_STUB_CONNECTED 0x01u
#define SE_STUB_STATIC 0x02u
#define SE_STUB_SUMMARY 0x04u
#define SE_STUB_REDISTRIBUTED 0x08u
#define SE_STUB_LEAK_MAP 0x10u
#define SE_STUB_RECEIVE_ONLY 0x20u

/* Opaque flags of a route (RFC 6.8.1). Sent in the field's first octet, taken from either (D06). */
#define SE_OPAQUE_SOURCE_WITHDRAW 0x01u
#define SE_OPAQUE_CANDIDATE_DEFAULT 0x02u
#define SE_OPAQUE_ACTIVE 0x04u
#define SE_OPAQUE_REPLICATED 0x08u

#define SE_DATA_COMPLETE 1 /* data type of a service block: the data is there */
#define SE_DATA_TRIMMED 2  /* the data was left out */

/* Service numbers of public knowledge. */
#define SE_SERVICE_CAPABILITIES 100
#define SE_SERVICE_UNIFIED_COMMUNICATIONS 101
#define SE_SERVICE_PERFORMANCE_ROUTING 102

/* ------------------------------------------------------------------------------------------- */
/* 2. Reasons and counters                                                                     */
/* ------------------------------------------------------------------------------------------- */

/*
 * Why something received was not used. One list for the whole plugin, so that one array of
 * counters shows it: those marked * are set by the code here, the others by the transport above.
 * se_reason_name gives the names that operators see.
 */
enum se_reason {
    SE_REASON_NONE = 0,
    /* The packet is dropped; in the order of the checks. */
    SE_DROP_SHORT,             /* * fewer octets than a header, or more than SE_PACKET_BYTES_MAX */
    SE_DROP_VERSION,           /* * */
    SE_DROP_CHECKSUM,          /* * */
    SE_DROP_VRID,              /* * another virtual router: EIGRP proper, most likely */
    SE_DROP_AS,                /* * another autonomous system */
    SE_DROP_OWN,               /* our own packet came back */
    SE_DROP_OFF_LINK,          /* source not in the subnet, or not link-local */
    SE_DROP_TTL,
    SE_DROP_AUTH_MISSING,      /* * */
    SE_DROP_AUTH_UNEXPECTED,   /* * authenticated, and none is configured */
    SE_DROP_AUTH_TYPE,         /* * unknown type, or not the one configured */
    SE_DROP_AUTH_LENGTH,       /* * lengths that do not fit the type */
    SE_DROP_AUTH_PLACE,        /* * an authentication TLV that is not the first */
    SE_DROP_AUTH_KEY,          /* * no such key is valid now */
    SE_DROP_AUTH_DIGEST,       /* * */
    SE_DROP_AUTH_REPLAY,       /* key sequence went back */
    SE_DROP_TLV_LENGTH,        /* * a TLV shorter than its head */
    SE_DROP_TLV_TRUNCATED,     /* * a TLV that ends behind the packet, or is cut in its head */
    SE_DROP_TLV_BODY,          /* * a generic TLV whose length does not fit its type */
    SE_DROP_ADDRESS_LENGTH,    /* * an address in a list that is neither 4 nor 16 octets */
    SE_DROP_OPCODE,            /* * */
    SE_DROP_NO_PARAMETER,      /* a hello without parameters, that is no ACK */
    SE_DROP_K_VALUES,
    SE_DROP_HOLD,              /* hold time 0 */
    SE_DROP_DENIED,            /* the neighbour is not allowed */
    SE_DROP_LIMIT,             /* too many neighbours, or too many new ones */
    SE_DROP_UNKNOWN_NEIGHBOUR, /* not a hello, and nobody we know */
    SE_DROP_STATE,             /* not now: sequenced traffic to a pending neighbour */
    SE_DROP_OUT_OF_ORDER,
    SE_DROP_DUPLICATE,
    SE_DROP_NOT_CR,            /* conditional, and we are not in that mode */
    /* The TLV is skipped; the packet is used and acknowledged. */
    SE_SKIP_TYPE,              /* * unknown type */
    SE_SKIP_TYPE_05,           /* * type 0x05xx, of the RFC's table and nobody's software (D01) */
    SE_SKIP_DUPLICATE,         /* * a generic TLV for the second time */
    SE_SKIP_AFI,               /* * not a service family */
    SE_SKIP_SHORT,             /* * ends inside a fixed section, or has no service */
    SE_SKIP_ATTRIBUTES,        /* * extended attributes that do not add up */
    SE_SKIP_DATA_OVERRUN,      /* * a service's data ends behind the TLV */
    SE_SKIP_PADDING,           /* * octets behind the last service */
    SE_SKIP_TOPOLOGY,          /* a topology that is not ours */
    SE_SKIP_FAMILY,            /* the service family of another process */
    SE_SKIP_FILTER,
    /* The TLV is used though it is odd (tolerant reading, D29). */
    SE_TOLERATED_AFI_FIRST,    /* * */
    SE_TOLERATED_NO_NEXT_HOP,  /* * */
    SE_REASON_COUNT
};

/* One for each reason; zeroed by whoever owns it. */
struct se_counters {
    uint64_t count[SE_REASON_COUNT];
};

/* Counts one `reason`. `counters` may be NULL. */
static inline void se_count(struct se_counters *counters, enum se_reason reason)
{
    if (counters != NULL)
        counters->count[reason]++;
}

/*
 * "bad-checksum" and the like: lower-case words with hyphens, fit for metrics and JSON. Static;
 * never NULL, "unknown" out of range.
 */
const char *se_reason_name(enum se_reason reason);

/* ------------------------------------------------------------------------------------------- */
/* 3. Packets in                                                                               */
/* ------------------------------------------------------------------------------------------- */

struct se_header {
    uint32_t flags;       /* SE_FLAG_* */
    uint32_t sequence;    /* 0: unreliable */
    uint32_t acknowledge; /* 0: none */
    uint16_t vrid;
    uint16_t as_number;
    uint16_t checksum; /* as received; not looked at when writing */
    uint8_t version;   /* as received; not looked at when writing */
    uint8_t opcode;    /* enum se_opcode */
};

/* A received packet that is under examination. Borrows `data`. */
struct se_packet {
    struct se_header header;
    const uint8_t *data; /* the EIGRP payload, header included */
    size_t bytes;
};

/* One TLV of a packet. */
struct se_tlv {
    uint16_t type;       /* enum se_tlv_type, or unknown */
    uint32_t at;         /* offset of its head in the packet */
    struct xmb_str value; /* behind the head */
};

/*
 * Step 1: takes `bytes` octets of IP payload at `data` (which may be NULL when bytes is 0) as a
 * packet. Borrows `data` for the life of `out`.
 *
 * 0, or XMB_EPROTO with `reason` SE_DROP_SHORT, SE_DROP_VERSION or SE_DROP_CHECKSUM. (RFC 6.5.)
 */
int se_packet_open(const void *data, size_t bytes, struct se_packet *out, enum se_reason *reason);

/*
 * Steps 2 and 3: the VRID is SE_VRID_SERVICE, the autonomous system is `as_number`.
 * 0, or XMB_EPROTO with `reason` SE_DROP_VRID or SE_DROP_AS. (RFC 6.5; D16.)
 */
int se_packet_admit(const struct se_packet *packet, unsigned as_number, enum se_reason *reason);

/*
 * Steps 8 and 9: the TLVs fill the packet exactly, the generic ones have a length that fits their
 * type and lists of sound addresses, authentication comes first or not at all, and the opcode is
 * one that is used. After it, walking the packet cannot fail.
 *
 * 0, or XMB_EPROTO with `reason` SE_DROP_TLV_*, SE_DROP_ADDRESS_LENGTH, SE_DROP_AUTH_* or
 * SE_DROP_OPCODE. (RFC 6.6, 6.7; D16.)
 */
int se_packet_frame(const struct se_packet *packet, enum se_reason *reason);

/*
 * The TLV at `*cursor`, which moves behind it. Begin with a cursor of 0.
 * 1 with `out` filled, 0 at the end, XMB_EPROTO when the frame is broken: `reason` (may be NULL)
 * SE_DROP_TLV_LENGTH or SE_DROP_TLV_TRUNCATED.
 */
int se_tlv_next(const struct se_packet *packet, size_t *cursor, struct se_tlv *out,
                enum se_reason *reason);

/*
 * The checksum that belongs into a packet of `bytes` octets: ones' complement of the ones'
 * complement sum, the field itself taken as 0, an odd octet padded with 0. No pseudo-header, IPv6
 * neither. `bytes` is at least SE_HEADER_BYTES. (RFC 6.5.)
 */
uint16_t se_checksum(const void *data, size_t bytes);

/* ------------------------------------------------------------------------------------------- */
/* 4. Authentication                                                                           */
/* ------------------------------------------------------------------------------------------- */

/* Also the type on the wire. */
enum se_auth_mode { SE_AUTH_NONE = 0, SE_AUTH_MD5 = 2, SE_AUTH_SHA256 = 3 };

#define SE_TIME_FOREVER INT64_MAX

/*
 * One key. Times are seconds of the wall clock since 1970, `from_s` inclusive and `until_s`
 * exclusive: a key without lifetimes has 0 and SE_TIME_FOREVER. The password is borrowed, and wiped
 * by its owner; it never stands in a log.
 */
struct se_key {
    struct xmb_str password; /* 1 to SE_PASSWORD_BYTES_MAX octets; SHA-256: at most 32 */
    uint32_t id;             /* 0 to 2147483647; on the wire with MD5 only */
    uint32_t sequence;       /* key sequence to send; 0 */
    int64_t send_from_s, send_until_s;
    int64_t accept_from_s, accept_until_s;
};

/* A key chain, in any order, and how it is used. Borrowed. */
struct se_auth_policy {
    enum se_auth_mode mode;
    const struct se_key *keys;
    size_t key_count;
};

/* A key together with the mode: what a writer signs with. mode SE_AUTH_NONE: `key` is NULL. */
struct se_signer {
    enum se_auth_mode mode;
    const struct se_key *key;
};

/* The authentication TLV of a packet. */
struct se_auth {
    enum se_auth_mode mode;
    uint32_t key_id;
    uint32_t key_sequence;
    struct xmb_str digest; /* 16 or 32 octets, at offset 44 of the packet */
};

/*
 * Reads the authentication TLV, which is the first one or there is none.
 * 1 with `out` filled, 0 without, XMB_EPROTO with `reason` SE_DROP_AUTH_TYPE, SE_DROP_AUTH_LENGTH,
 * or SE_DROP_TLV_*. (RFC 6.7.2 as all implementations have it: two octets of type, two of length.)
 */
int se_auth_read(const struct se_packet *packet, struct se_auth *out, enum se_reason *reason);

/*
 * 0 when the digest of `auth`, as se_auth_read gave it for `packet`, comes from `key` and, with
 * SHA-256, from `source`; else XMB_EDENIED. The comparison takes the same time wherever digests
 * differ. The mode is `auth`'s. With MD5 the last 20 octets of the packet are not covered, and the
 * digest of a packet below 80 octets covers part of the key or none of it: an ACK of 60 octets
 * verifies with every key. (saf-eigrp reference 2.6.)
 */
int se_auth_verify(const struct se_packet *packet, const struct se_auth *auth,
                   const struct se_key *key, const struct xmb_addr *source);

/*
 * Step 7: the packet is authenticated as `policy` wants it at `now_s`, by `source`. With MD5 the
 * key is found by its id; with SHA-256, which has no id on the wire, every key that may be accepted
 * now is tried. `matched` (may be NULL) becomes the key, or NULL with SE_AUTH_NONE.
 *
 * 0, or XMB_EDENIED with `reason` one of SE_DROP_AUTH_*, or XMB_EPROTO as from se_auth_read.
 */
int se_auth_check(const struct se_packet *packet, const struct se_auth_policy *policy,
                  const struct xmb_addr *source, int64_t now_s, const struct se_key **matched,
                  enum se_reason *reason);

/*
 * Chooses what to sign with at `now_s`: of the keys that may send now the one with the lowest id.
 * 0 with `out` filled (mode SE_AUTH_NONE: nothing to sign), or XMB_ENOENT when no key may send: the
 * caller then sends nothing. (D20.)
 */
int se_auth_signer(const struct se_auth_policy *policy, int64_t now_s, struct se_signer *out);

/* Octets that the authentication TLV of `mode` takes: 0, 40 or 56. */
size_t se_auth_bytes(enum se_auth_mode mode);

/* ------------------------------------------------------------------------------------------- */
/* 5. Hello: the generic TLVs                                                                  */
/* ------------------------------------------------------------------------------------------- */

struct se_parameter {
    struct se_kvalues k; /* K1 to K5 all 255: goodbye */
    uint16_t hold_s;     /* how long the *receiver* keeps the sender */
};

struct se_software {
    uint8_t release_major, release_minor;
    uint8_t tlv_major, tlv_minor; /* 1: classic, 2: multiprotocol, 3: multi-topology */
};

/* A list of addresses on the wire: address length, address, and so on. */
struct se_addresses {
    struct xmb_str octets;
};

/* Bits of se_hello.have. */
#define SE_HAVE_PARAMETER 0x01u
#define SE_HAVE_SOFTWARE 0x02u
#define SE_HAVE_SEQUENCE 0x04u
#define SE_HAVE_NEXT_MULTICAST 0x08u
#define SE_HAVE_STUB 0x10u
#define SE_HAVE_TERMINATION 0x20u
#define SE_HAVE_TOPOLOGIES 0x40u

/* What a hello says. A field without its bit in `have` is zero. */
struct se_hello {
    unsigned have;
    struct se_parameter parameter;
    struct se_software software;
    struct se_addresses sequence;    /* who must *not* take the conditional packet */
    uint32_t next_multicast;         /* the number of that packet */
    uint16_t stub_flags;             /* SE_STUB_* */
    struct se_addresses termination; /* whom the sender drops */
    uint16_t topology_flags;
    struct xmb_str topologies; /* two octets each; see se_topology_listed */
};

/*
 * Reads the generic TLVs of a framed packet (se_packet_frame said 0). Authentication is passed
 * over; the first TLV of a type counts; others and unknown ones are skipped and counted in
 * `counters` (may be NULL). Service TLVs have no place in a hello and count as SE_SKIP_TYPE.
 *
 * 0, or XMB_EPROTO when the frame is broken after all. (RFC 6.7.)
 */
int se_hello_parse(const struct se_packet *packet, struct se_hello *out,
                   struct se_counters *counters);

/* 1 when the hello says goodbye: K1 to K5 are 255, whatever K6 (D17). Else 0. */
int se_hello_is_goodbye(const struct se_hello *hello);

/*
 * The address at `*cursor` of the list, which moves on. Begin with a cursor of 0.
 * 1 with `out` filled, 0 at the end, XMB_EPROTO when an address is cut or is neither 4 nor 16
 * octets long.
 */
int se_address_next(const struct se_addresses *list, size_t *cursor, struct xmb_addr *out);

/* 1 when `addr` (port and scope do not count) is in the list, else 0. */
int se_address_listed(const struct se_addresses *list, const struct xmb_addr *addr);

/* 1 when topology `id` is in the hello's list or it has no list at all, else 0. (D28.) */
int se_topology_listed(const struct se_hello *hello, unsigned id);

/* ------------------------------------------------------------------------------------------- */
/* 6. Services                                                                                 */
/* ------------------------------------------------------------------------------------------- */

enum se_route_kind { SE_ROUTE_REQUEST = 1, SE_ROUTE_INTERNAL = 2, SE_ROUTE_EXTERNAL = 3 };

/* How it is written: TLVs 0x06xx with a wide metric, or 0x00Fx with a classic one (D01). */
enum se_form { SE_FORM_MULTIPROTOCOL = 0, SE_FORM_MULTITOPOLOGY = 1 };

/*
 * What services of one TLV have in common: all of the TLV but the service blocks.
 *
 * `metric.external` is set exactly with kind SE_ROUTE_EXTERNAL. In the multiprotocol form `tag` is
 * read from the attributes, and *not* written (put the attribute there); in the multi-topology form
 * it is a field of its own, and attributes do not exist. metric.extended likewise comes from the
 * attributes and is never written.
 */
struct se_route {
    struct se_metric metric;
    struct xmb_str attributes; /* extended attributes as on the wire: an even number of octets */
    struct xmb_addr next_hop;  /* family 0: whoever sent the packet */
    uint32_t router_id;        /* of the originator */
    uint32_t tag;              /* administrative tag, 0: none */
    uint16_t topology_id;      /* 0: base */
    uint16_t afi;              /* SE_AFI_* */
    uint8_t kind;              /* enum se_route_kind */
    uint8_t form;              /* enum se_form */
    uint8_t opaque_flags;      /* SE_OPAQUE_* */
    uint8_t classic_tag;       /* multi-topology form: the metric's "internal tag"; 0 */
};

/* One service block (Wireshark's dissector; the RFC does not describe it). */
struct se_service {
    struct xmb_service_id id;
    struct xmb_str data;
    uint32_t sequence;   /* version of the advertisement, of the originator */
    uint16_t data_type;  /* SE_DATA_*; others are carried */
    uint16_t reach_afi;  /* 0 none, 1 IPv4, 2 IPv6; others are carried */
    uint16_t port;
    uint16_t protocol;   /* IP protocol number */
    uint8_t address[16]; /* IPv4 in the first four, the rest zero */
};

/* Where the service answers, as an address with port; family 0 when none or unknown. */
void se_service_reach(const struct se_service *service, struct xmb_addr *out);

/* The opposite: sets reach_afi, port and address of `service` from `addr`. */
void se_service_set_reach(struct se_service *service, const struct xmb_addr *addr);

/* What the data is, for a log or a table. An XML start is `<`, as the dissector has it. */
enum se_data_look { SE_DATA_EMPTY, SE_DATA_XML, SE_DATA_TEXT, SE_DATA_BINARY };
enum se_data_look se_data_look(struct xmb_str data);

/* Options of a walk. */
#define SE_TOLERANT 0x1u /* read AFI before topology, and TLVs without a next hop (D29) */

/*
 * A walk over the services of a packet. `route` belongs to the service that was taken last, and
 * route.metric.external points into the walk: copy what is to live longer. Fields behind the line
 * are the walk's own.
 */
struct se_services {
    struct se_route route;
    struct se_external external;
    uint32_t tlv_count; /* service TLVs that were used so far */
    /* --- */
    const struct se_packet *packet;
    struct se_counters *counters;
    size_t cursor;
    size_t block_at, blocks_end;
    unsigned options;
};

/*
 * Begins a walk over a framed packet (se_packet_frame said 0). Borrows `packet` and `counters` (may
 * be NULL) until the walk is left; it needs no end.
 */
void se_services_begin(struct se_services *walk, const struct se_packet *packet, unsigned options,
                       struct se_counters *counters);

/*
 * The next service. A TLV is checked to its last octet before its first service is given out; one
 * that does not hold is skipped and counted under SE_SKIP_*. Generic TLVs are passed over.
 *
 * 1 with `out` filled and walk->route its route; 0 at the end. (RFC 6.9; D01 to D06.)
 */
int se_services_next(struct se_services *walk, struct se_service *out);

/* Opcodes of extended attributes (RFC 6.9.3). */
enum se_attribute_opcode {
    SE_ATTR_NOOP = 0,
    SE_ATTR_SCALED = 1,
    SE_ATTR_TAG = 2,
    SE_ATTR_COMMUNITY = 3,
    SE_ATTR_JITTER = 4,
    SE_ATTR_QUIESCENT_ENERGY = 5,
    SE_ATTR_ENERGY = 6,
    SE_ATTR_PATHS = 7
};

struct se_attribute {
    uint8_t opcode;
    struct xmb_str data; /* an even number of octets */
};

/*
 * The attribute at `*cursor` of a route's attributes. Begin with a cursor of 0.
 * 1 with `out` filled, 0 at the end, XMB_EPROTO when it is cut.
 */
int se_attribute_next(struct xmb_str attributes, size_t *cursor, struct se_attribute *out);

/*
 * Appends one attribute at `*used` of a buffer of `bytes_max` octets, and moves `*used`.
 * `data.n` is even and at most 508. XMB_ETOOBIG, nothing written: no room. We originate tags only
 * (D05).
 */
int se_attribute_put(void *buffer, size_t bytes_max, size_t *used, unsigned opcode,
                     struct xmb_str data);

/* SE_ATTR_TAG with `tag`, likewise. */
int se_attribute_put_tag(void *buffer, size_t bytes_max, size_t *used, uint32_t tag);

/* A NoOp when the section is not a multiple of 32 bits yet, likewise. (RFC 6.9.3.) */
int se_attribute_align(void *buffer, size_t bytes_max, size_t *used);

/* ------------------------------------------------------------------------------------------- */
/* 7. Writing a packet                                                                         */
/* ------------------------------------------------------------------------------------------- */

/* A packet in the making, in the caller's buffer. All fields are the writer's own. */
struct se_writer {
    uint8_t *buffer;
    size_t bytes_max;
    size_t used;
    size_t tlv_at;     /* service TLV that can take more; 0: none */
    size_t head_bytes; /* of it, up to its first block */
    struct se_signer signer;
};

/* A header with version, VRID and `as_number` set, the rest 0. `opcode` is enum se_opcode. */
void se_header_init(struct se_header *header, unsigned opcode, unsigned as_number);

/*
 * Begins a packet of at most `bytes_max` octets (what the interface's MTU leaves; above
 * SE_PACKET_BYTES_MAX it is that) in `buffer`. Leaves room for the digest of `signer`, which is
 * copied; its key and `buffer` are borrowed until se_write_finish. `signer` may be NULL: no
 * authentication.
 *
 * 0; XMB_ETOOBIG when header and authentication alone do not fit; XMB_EINVAL for a key whose
 * password has no good length. (RFC 6.5, 6.7.2.)
 */
int se_write_begin(struct se_writer *w, void *buffer, size_t bytes_max,
                   const struct se_header *header, const struct se_signer *signer);

/*
 * Generic TLVs. Each 0, or XMB_ETOOBIG with nothing written. Lists may not be empty (XMB_EINVAL),
 * and their addresses have family 4 or 6. (RFC 6.7; topology list: D28.)
 */
int se_write_parameter(struct se_writer *w, const struct se_parameter *parameter);
int se_write_goodbye(struct se_writer *w, unsigned k6, unsigned hold_s); /* k6: 0 or 255 (D17) */
int se_write_software(struct se_writer *w, const struct se_software *software);
int se_write_sequence(struct se_writer *w, const struct xmb_addr *addrs, size_t count);
int se_write_next_multicast(struct se_writer *w, uint32_t sequence);
int se_write_stub(struct se_writer *w, unsigned flags);
int se_write_termination(struct se_writer *w, const struct xmb_addr *addrs, size_t count);
int se_write_topologies(struct se_writer *w, const uint16_t *ids, size_t count);

/*
 * Adds a service. When the TLV written last has the same route, octet for octet, the service joins
 * it; else a TLV is begun. Both are copied into the buffer; nothing is borrowed.
 *
 * 0; XMB_ETOOBIG, nothing written: the packet is full, finish it and begin the next (a service
 * that does not fit an empty one never will: see se_service_data_max); XMB_EINVAL: fields that do
 * not go together. (RFC 6.9; D01 to D06.)
 */
int se_write_service(struct se_writer *w, const struct se_route *route,
                     const struct se_service *service);

/*
 * Signs, then sums up. `source` is the address the packet is sent from; only SHA-256 needs it,
 * otherwise it may be NULL. The writer is done afterwards.
 * 0 with `*bytes` the length of the packet; XMB_EINVAL with SHA-256 and no source.
 */
int se_write_finish(struct se_writer *w, const struct xmb_addr *source, size_t *bytes);

/*
 * Sends a finished packet once more, with other flags and another acknowledgement: rewrites these
 * in place, signs and sums up again. `signer` must be of the mode that it was written with (the key
 * may have changed); NULL for none. For retransmission by unicast. (RFC 5.4.1.)
 * 0, or XMB_EINVAL.
 */
int se_packet_reseal(void *packet, size_t bytes, uint32_t flags, uint32_t acknowledge,
                     const struct se_signer *signer, const struct xmb_addr *source);

/*
 * Octets that a route takes before its first service, TLV head included: 40 for an internal one
 * of the IPv4 service family in the multiprotocol form without attributes.
 */
size_t se_route_bytes(const struct se_route *route);

/*
 * How much data a service may have so that it fits a packet of `packet_bytes` alone: what is left
 * after header, authentication, route and block; 0 when not even these fit. For an interface of
 * MTU 1500, packet_bytes is 1480 over IPv4 and 1460 over IPv6. (saf-eigrp reference 1.5; D12.)
 */
size_t se_service_data_max(size_t packet_bytes, enum se_auth_mode mode,
                           const struct se_route *route);

/* ------------------------------------------------------------------------------------------- */
/* 8. Text for logs                                                                            */
/* ------------------------------------------------------------------------------------------- */

#define SE_SERVICE_TEXT_MAX 64 /* "65535:65535:" and four numbers with dots, NUL included */
#define SE_ADDR_TEXT_MAX 48
#define SE_FLAGS_TEXT_MAX 32
#define SE_PACKET_TEXT_MAX 128

/* "update", "hello", "sia-query"; "opcode-77" does not exist: it is "unknown". Static. */
const char *se_opcode_name(unsigned opcode);

/* "md5", "hmac-sha-256", "none", "unknown". Static. */
const char *se_auth_mode_name(unsigned mode);

/* "internal", "external", "request". Static. */
const char *se_route_kind_name(unsigned kind);

/* "eigrp", "static", "connected", ...; "unknown". Static. (RFC 6.9.4.) */
const char *se_external_protocol_name(unsigned protocol);

/* "ipv4", "ipv6", "common" of a service family; "unknown". Static. */
const char *se_afi_name(unsigned afi);

/*
 * These write a NUL-terminated text into `out` and return it. The sizes above always suffice;
 * `out_bytes` smaller than that cuts the text, and must be at least 1.
 */
/* "101:2:00000001.00000002.00000003.00000004", as in all answers of the broker. */
char *se_service_text(const struct xmb_service_id *id, char *out, size_t out_bytes);
/* "192.0.2.1" of a router id. */
char *se_router_id_text(uint32_t router_id, char *out, size_t out_bytes);
/* Canonical text of the address alone, without zone and port; "none" of family 0. */
char *se_addr_text(const struct xmb_addr *addr, char *out, size_t out_bytes);
/* "init,eot"; "0x10" for bits without a name; "-" for none. */
char *se_flags_text(uint32_t flags, char *out, size_t out_bytes);
/* "update seq 13 ack 0 flags init,eot, 205 octets". No content. */
char *se_packet_text(const struct se_packet *packet, char *out, size_t out_bytes);

#endif
