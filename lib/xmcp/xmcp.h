/* SPDX-License-Identifier: MIT */
/*
 * xmcp.h - the Extensible Messaging Client Protocol (XMCP), versions 1.0 and 2.0.
 *
 * XMCP is how a program publishes services to, and learns services from, a Service Advertisement
 * Framework forwarder: STUN-shaped messages over TCP, default port 4788. This header is all of
 * libxmcp. It has five parts, each usable without those below it:
 *
 *   1. constants and names     4. keys and message integrity (HMAC)
 *   2. decode                  5. a client for any event loop
 *   3. encode                  (identities and transports sit between 1 and 2)
 *
 * Nothing here opens a socket, reads a clock, starts a thread or logs. Parts 1 to 4 allocate
 * nothing. A server needs parts 1 to 4, a program that publishes or subscribes needs part 5.
 *
 * Threads: functions of parts 1 to 4 keep no state of their own; call them from any thread, on
 * objects that no other thread changes meanwhile. A struct xmcp_client belongs to one thread at a
 * time; different clients are independent.
 *
 * Errors: functions return 0 or a negative XMCP_E*; out-parameters are untouched on failure unless
 * said otherwise. Numbers are in host order everywhere in this interface, big-endian on the wire.
 *
 * Where a comment says "decision", no public document settles the point and libxmcp chose.
 *
 *     size_t frame_bytes;
 *     struct xmcp_msg msg;
 *
 *     rc = xmcp_frame_bytes(in, in_bytes, &frame_bytes); // XMCP_EAGAIN: read, XMCP_EFRAME: close
 *     rc = xmcp_decode(in, in_bytes, &msg);              // XMCP_EBADMSG: answer 400
 *     if (msg.have & XMCP_HAVE_USERNAME) ...             // msg.username points into `in`
 */
#ifndef XMCP_H
#define XMCP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------- */
/* 1. Constants and names                                                                      */
/* ------------------------------------------------------------------------------------------- */

/* Results of functions. 0 is success. */
#define XMCP_EAGAIN (-1)  /* more octets are needed */
#define XMCP_EFRAME (-2)  /* not XMCP, or framing is lost: close the connection without an answer */
#define XMCP_EBADMSG (-3) /* one message is malformed (400); the next one can still be read */
#define XMCP_ENOSPC (-4)  /* the caller's buffer or the protocol's maximum is too small */
#define XMCP_EINVAL (-5)  /* an argument cannot be used (bad text, NULL, out of range) */
#define XMCP_EAUTH (-6)   /* message integrity does not verify, or is missing */
#define XMCP_ENOMEM (-7)  /* no memory */
#define XMCP_ESTATE (-8)  /* not possible in this state (not registered, closed) */
#define XMCP_EBUSY (-9)   /* a bounded table or queue is full; try again after some answers */
#define XMCP_ETIMEDOUT (-10) /* the peer did not answer four sendings */
#define XMCP_EREFUSED (-11)  /* the peer answered with an error code */

#define XMCP_PORT 4788
#define XMCP_MAGIC_COOKIE 0x7f5a9bc7u
#define XMCP_REALM "\"SAF\"" /* on the wire: five characters, the quotes included */

/* Sizes in octets, and counts. */
#define XMCP_HEADER_BYTES 20
#define XMCP_TRANSACTION_BYTES 12
#define XMCP_BODY_BYTES_MAX 65532
#define XMCP_FRAME_BYTES_MAX (XMCP_HEADER_BYTES + XMCP_BODY_BYTES_MAX)
#define XMCP_ATTRIBUTE_COUNT_MAX 64 /* more in one message is malformed (decision) */
#define XMCP_TEXT_BYTES_MAX 255
#define XMCP_SERVICE_DATA_BYTES_MAX 60000 /* what a server accepts at most (decision) */
#define XMCP_KEY_BYTES 16
#define XMCP_IDENTITY_BYTES 20
#define XMCP_METRICS_BYTES 36

/* Class of a message: the two bits 0x0110 of the type. 0x0010 is reserved and breaks framing. */
#define XMCP_CLASS_MASK 0x0110
#define XMCP_REQUEST 0x0000
#define XMCP_SUCCESS 0x0100
#define XMCP_ERROR 0x0110

/* Method: the remaining bits of the type, gaps not closed. */
#define XMCP_METHOD_MASK 0x3eef
#define XMCP_REGISTER 0x001
#define XMCP_UNREGISTER 0x002
#define XMCP_REGISTER_REVOKE 0x003 /* sent by the server */
#define XMCP_PUBLISH 0x004
#define XMCP_UNPUBLISH 0x005
#define XMCP_PUBLISH_REVOKE 0x006 /* sent by the server */
#define XMCP_SUBSCRIBE 0x007
#define XMCP_UNSUBSCRIBE 0x008
#define XMCP_WITHDRAW 0x009 /* sent by the server */
#define XMCP_NOTIFY 0x00a   /* sent by the server */
#define XMCP_KEEPALIVE 0x00b
#define XMCP_METHOD_COUNT 12 /* for tables indexed by method; 0 is illegal */

/* Attribute types. */
#define XMCP_ATTR_USERNAME 0x0006
#define XMCP_ATTR_MESSAGE_INTEGRITY 0x0008
#define XMCP_ATTR_ERROR_CODE 0x0009
#define XMCP_ATTR_REALM 0x0014
#define XMCP_ATTR_NONCE 0x0015
#define XMCP_ATTR_CLIENT_NAME 0x1001
#define XMCP_ATTR_CLIENT_HANDLE 0x1002
#define XMCP_ATTR_PROTOCOL_VERSION 0x1003
#define XMCP_ATTR_PAGE_SIZE 0x1004
#define XMCP_ATTR_CLIENT_LABEL 0x1005
#define XMCP_ATTR_KEEPALIVE 0x1006 /* milliseconds */
#define XMCP_ATTR_SERVICE_IDENTITY 0x1007
#define XMCP_ATTR_SERVICE_TRANSPORT 0x1008
#define XMCP_ATTR_SERVICE_PROTOCOL 0x1009
#define XMCP_ATTR_FLAGS 0x100a
#define XMCP_ATTR_SERVICE_VERSION 0x100b
#define XMCP_ATTR_SERVICE_DATA 0x100c
#define XMCP_ATTR_SERVICE_METRICS 0x100d /* checked for length, otherwise ignored; never sent */
#define XMCP_ATTR_SUBSCRIPTION_ID 0x100e
#define XMCP_ATTR_REMOVED_REASON 0x100f
#define XMCP_ATTR_DOMAIN 0x1011

/* Error codes. */
#define XMCP_CODE_BAD_REQUEST 400
#define XMCP_CODE_UNAUTHORIZED 401
#define XMCP_CODE_TOO_LARGE 413
#define XMCP_CODE_INTEGRITY_FAILURE 431
#define XMCP_CODE_NONCE_REQUIRED 435
#define XMCP_CODE_UNKNOWN_USERNAME 436
#define XMCP_CODE_STALE_NONCE 438
#define XMCP_CODE_BAD_HANDLE 471
#define XMCP_CODE_VERSION_TOO_LOW 472
#define XMCP_CODE_UNKNOWN_SERVICE 473
#define XMCP_CODE_UNREGISTERED 474
#define XMCP_CODE_INVALID_IDENTITY 475
#define XMCP_CODE_UNKNOWN_SUBSCRIPTION 476
#define XMCP_CODE_ALREADY_REGISTERED 477
#define XMCP_CODE_UNSUPPORTED_VERSION 478
#define XMCP_CODE_FORBIDDEN_DOMAIN 479
#define XMCP_CODE_MISCELLANEOUS 499
#define XMCP_CODE_RESPONDER_ERROR 500
#define XMCP_CODE_NOT_IMPLEMENTED 501

/* Flag types of the FLAGS attribute, and their values. */
#define XMCP_FLAG_REMOVAL_REASON 1
#define XMCP_FLAG_TRUST 2
#define XMCP_FLAG_VISIBILITY 3
#define XMCP_REMOVAL_NETWORK 0x0001 /* bit of the removal flag; clear means source withdraw */
#define XMCP_TRUST_LOCAL 0
#define XMCP_TRUST_LEARNED 1
#define XMCP_VISIBLE_TO_ALL 0x0001 /* bit of the visibility flag */

/* SERVICE-REMOVED-REASON. Mind that network is 0 here but the set bit in the removal flag. */
#define XMCP_REMOVED_NETWORK 0
#define XMCP_REMOVED_SOURCE 1

/* Address families of SERVICE-TRANSPORT. */
#define XMCP_FAMILY_IPV4 1
#define XMCP_FAMILY_IPV6 2

/* Wildcards of a subscription filter. */
#define XMCP_ANY16 0xffffu
#define XMCP_ANY32 0xffffffffu

/*
 * Names as text ("Register", "request", "CLIENT-HANDLE", "Bad Client Handle", "more octets ..").
 * Static strings, never NULL: what has no name gives "unknown". Any thread.
 */
const char *xmcp_method_name(unsigned method);
const char *xmcp_class_name(unsigned msg_class);
const char *xmcp_attribute_name(unsigned type);
const char *xmcp_code_name(unsigned code);
const char *xmcp_strerror(int result); /* for XMCP_E* */

/* An octet string that somebody else owns. `data` may be NULL when `bytes` is 0. */
struct xmcp_view {
    const uint8_t *data;
    size_t bytes;
};

/*
 * Is this acceptable as XMCP text: valid UTF-8 (no overlong forms, no surrogates) without NUL and
 * without control characters (decision)? The length is not judged. Returns 1 or 0.
 */
int xmcp_text_valid(const void *text, size_t bytes);

/* Service identity, also used as a subscription filter (XMCP_ANY16, XMCP_ANY32). */
struct xmcp_identity {
    uint16_t service;
    uint16_t subservice;
    uint32_t instance[4];
};

#define XMCP_IDENTITY_TEXT_BYTES 48 /* longest text of an identity with its NUL: 47 */
#define XMCP_INSTANCE_TEXT_BYTES 36 /* longest text of an instance with its NUL */

/* Bits for `given`: which of the three parts a text named. */
#define XMCP_GIVEN_SERVICE 1u
#define XMCP_GIVEN_SUBSERVICE 2u
#define XMCP_GIVEN_INSTANCE 4u

/* Styles for formatting, may be combined. */
#define XMCP_STYLE_SHORT 0u /* words without leading zeros, as IOS prints them: 1.2.3.ff */
#define XMCP_STYLE_FULL 1u  /* eight hex digits a word: 00000001.00000002.00000003.000000ff */
#define XMCP_STYLE_STARS 2u /* `*` for each wildcard field; one `*` for an all-wild instance */

/*
 * Parses "service:subservice:instance": decimal, decimal, and four hex words joined by dots, or a
 * UUID (8-4-4-4-12). `*` is the wildcard of a part or of one word. Parts may be missing from the
 * right ("101:1", "101"); a missing part counts as wildcard and its bit in *given stays clear.
 *   given   may be NULL
 * Returns 0 or XMCP_EINVAL.
 */
int xmcp_identity_parse(const char *text, struct xmcp_identity *out, unsigned *given);

/* Parses an instance alone, in the forms above. Returns 0 or XMCP_EINVAL. */
int xmcp_instance_parse(const char *text, uint32_t out[4]);

/*
 * Write the text and a NUL. Return its length, or XMCP_ENOSPC when `text_bytes` is too small
 * (XMCP_IDENTITY_TEXT_BYTES and XMCP_INSTANCE_TEXT_BYTES are always enough).
 */
int xmcp_identity_format(const struct xmcp_identity *id, unsigned style, char *text,
                         size_t text_bytes);
int xmcp_instance_format(const uint32_t instance[4], unsigned style, char *text,
                         size_t text_bytes);

/* The 20 octets on the wire, to and from. */
void xmcp_identity_pack(const struct xmcp_identity *id, uint8_t out[XMCP_IDENTITY_BYTES]);
void xmcp_identity_unpack(const uint8_t in[XMCP_IDENTITY_BYTES], struct xmcp_identity *out);

/* 1 when equal field by field. */
int xmcp_identity_equal(const struct xmcp_identity *a, const struct xmcp_identity *b);

/* 1 when `id` falls under `filter`; the six fields of the filter match independently. */
int xmcp_identity_match(const struct xmcp_identity *filter, const struct xmcp_identity *id);

/*
 * 1 when it may be published: neither service nor subservice is 65535 and the instance is not all
 * ones (else 475; decision). A single word of ones is allowed.
 */
int xmcp_identity_concrete(const struct xmcp_identity *id);

/* Where a service is reached. `address` holds 4 or 16 octets in network order. */
struct xmcp_transport {
    uint8_t family; /* XMCP_FAMILY_* */
    uint16_t port;
    uint8_t address[16];
};

/* Address text (IPv4 dotted, IPv6 without brackets) to a transport. Returns 0 or XMCP_EINVAL. */
int xmcp_transport_parse(const char *address, uint16_t port, struct xmcp_transport *out);

/* The address as text (no port), 46 octets are enough. Returns its length or XMCP_E*. */
int xmcp_transport_format(const struct xmcp_transport *transport, char *text, size_t text_bytes);

/* One pair of the FLAGS attribute. */
struct xmcp_flag {
    uint16_t type; /* XMCP_FLAG_* or one that we do not know */
    uint16_t value;
};

/* ------------------------------------------------------------------------------------------- */
/* 2. Decode                                                                                   */
/* ------------------------------------------------------------------------------------------- */

/*
 * How long is the message that begins at `data`? Judges the first octets only: cookie, the two top
 * bits of the type, the reserved class, and the length (a multiple of 4). Any octet that is already
 * wrong gives XMCP_EFRAME even if the header is not complete.
 *   frame_bytes  set on 0: whole length of the message, 20 to XMCP_FRAME_BYTES_MAX; it may be more
 *                than `bytes`
 * Returns 0, XMCP_EAGAIN (fewer than 20 octets, all fine so far) or XMCP_EFRAME.
 */
int xmcp_frame_bytes(const void *data, size_t bytes, size_t *frame_bytes);

/* Bits of xmcp_msg.have. */
#define XMCP_HAVE_USERNAME (1u << 0)
#define XMCP_HAVE_INTEGRITY (1u << 1)
#define XMCP_HAVE_ERROR_CODE (1u << 2)
#define XMCP_HAVE_REALM (1u << 3)
#define XMCP_HAVE_NONCE (1u << 4)
#define XMCP_HAVE_CLIENT_NAME (1u << 5)
#define XMCP_HAVE_CLIENT_HANDLE (1u << 6)
#define XMCP_HAVE_PROTOCOL_VERSION (1u << 7)
#define XMCP_HAVE_PAGE_SIZE (1u << 8)
#define XMCP_HAVE_CLIENT_LABEL (1u << 9)
#define XMCP_HAVE_KEEPALIVE (1u << 10)
#define XMCP_HAVE_SERVICE_IDENTITY (1u << 11)
#define XMCP_HAVE_SERVICE_TRANSPORT (1u << 12)
#define XMCP_HAVE_SERVICE_PROTOCOL (1u << 13)
#define XMCP_HAVE_FLAGS (1u << 14)
#define XMCP_HAVE_SERVICE_VERSION (1u << 15)
#define XMCP_HAVE_SERVICE_DATA (1u << 16)
#define XMCP_HAVE_SERVICE_METRICS (1u << 17)
#define XMCP_HAVE_SUBSCRIPTION_ID (1u << 18)
#define XMCP_HAVE_REMOVED_REASON (1u << 19)
#define XMCP_HAVE_DOMAIN (1u << 20)

/* Why a message is malformed. */
enum xmcp_fault_reason {
    XMCP_FAULT_NONE = 0,
    XMCP_FAULT_OVERRUN,         /* the value runs past the end of the message */
    XMCP_FAULT_TOO_MANY,        /* more than XMCP_ATTRIBUTE_COUNT_MAX attributes */
    XMCP_FAULT_REPEATED,        /* a known attribute a second time */
    XMCP_FAULT_LENGTH,          /* the length is not one this attribute can have */
    XMCP_FAULT_TEXT,            /* not UTF-8, or holds NUL or a control character */
    XMCP_FAULT_FAMILY,          /* unknown address family, or its address has the wrong length */
    XMCP_FAULT_REALM,           /* not exactly "SAF" with its quotes */
    XMCP_FAULT_RESERVED,        /* octets that must be zero are not */
    XMCP_FAULT_AFTER_INTEGRITY, /* an attribute behind MESSAGE-INTEGRITY */
    XMCP_FAULT_MISSING,         /* never set by xmcp_decode(); for callers: mandatory, not there */
};

struct xmcp_fault {
    enum xmcp_fault_reason reason;
    uint16_t attribute; /* type of the attribute at fault */
    uint32_t offset;    /* of that attribute in the message */
};

/* A decoded message. Every view points into the octets given to xmcp_decode(). */
struct xmcp_msg {
    uint16_t type;      /* as on the wire */
    uint16_t method;    /* type & XMCP_METHOD_MASK; may be one that is not defined (501) */
    uint16_t msg_class; /* XMCP_REQUEST, XMCP_SUCCESS or XMCP_ERROR */
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    uint32_t frame_bytes; /* header and body */

    uint32_t have;           /* XMCP_HAVE_*: which of the fields below are set */
    uint16_t attribute_count; /* all of them */
    uint16_t unknown_count;   /* ignored ones of unknown type */
    struct xmcp_fault fault;  /* set when xmcp_decode() returns XMCP_EBADMSG */

    struct xmcp_view username;
    struct xmcp_view nonce;
    struct xmcp_view client_name;
    struct xmcp_view client_label;
    struct xmcp_view service_data;
    struct xmcp_view service_metrics; /* 36 octets */
    struct xmcp_view flags;           /* pairs; read with xmcp_flag_find() */
    struct xmcp_view integrity;       /* 20 or 32 octets */
    uint32_t integrity_offset;        /* of the attribute = octets that the HMAC covers */

    uint16_t error_code; /* both shapes are understood: STUN's and a plain number */
    struct xmcp_view error_reason;

    uint16_t version_major;
    uint16_t version_minor;
    uint32_t client_handle;
    uint32_t page_size;
    uint32_t keepalive_ms;
    uint32_t domain;
    uint32_t service_version;
    uint32_t subscription_id;
    uint32_t removed_reason; /* XMCP_REMOVED_* */
    uint8_t service_protocol; /* IP protocol number */
    struct xmcp_identity identity;
    struct xmcp_transport transport;
};

/*
 * Decodes the message at the start of `data`; octets behind it are not looked at.
 *   out  on 0 completely set; on XMCP_EBADMSG type, method, class, transaction, frame_bytes and
 *        fault are set (enough to answer 400) and `have` tells which attributes were read before
 *        the fault; otherwise untouched
 * Returns 0, XMCP_EAGAIN (not all octets of the message are there), XMCP_EFRAME, XMCP_EBADMSG.
 * Checked are lengths, repeats, text, realm and order; not: whether attributes fit the method, or
 * integrity. One pass over the attributes, no allocation.
 */
int xmcp_decode(const void *data, size_t bytes, struct xmcp_msg *out);

/*
 * Looks a flag up in msg.flags; the first pair of that type counts.
 * Returns 1 and sets *value, or 0 and leaves it alone.
 */
int xmcp_flag_find(struct xmcp_view flags, unsigned type, uint16_t *value);

/* One attribute as it stands on the wire. */
struct xmcp_attribute {
    uint16_t type;
    struct xmcp_view value; /* without padding */
    uint32_t offset;        /* of its header in the message */
};

/*
 * Walks all attributes, unknown ones too, for dumps and tests. Begin with *cursor = 0.
 * Returns 1 and the next attribute; 0 at the end; XMCP_EBADMSG when it runs past the message;
 * XMCP_EAGAIN, XMCP_EFRAME as xmcp_decode().
 */
int xmcp_attribute_next(const void *data, size_t bytes, size_t *cursor,
                        struct xmcp_attribute *out);

/* "wrong length" and the like; static text. */
const char *xmcp_fault_name(enum xmcp_fault_reason reason);

/*
 * "CLIENT-HANDLE: wrong length", for the reason of a 400 and for a log. Never holds octets of the
 * message. Returns the length written (cut to fit, always with a NUL when text_bytes > 0).
 */
size_t xmcp_fault_format(const struct xmcp_fault *fault, char *text, size_t text_bytes);

/* ------------------------------------------------------------------------------------------- */
/* 3. Encode, and 4. keys and message integrity                                                */
/* ------------------------------------------------------------------------------------------- */

/*
 * A key, ready for HMAC-SHA1 and HMAC-SHA256: the hash states behind the key block. Made once a
 * session; copy by assignment; clear with xmcp_mac_clear() as it is as good as the password. 112
 * octets, no pointer inside, never changed by signing or verifying: one may be shared by threads.
 */
struct xmcp_mac {
    uint32_t opaque_[28];
};

/* The digest and the padding that a message is signed with. */
#define XMCP_DIGEST_NONE 0   /* unsigned: what an unauthenticated session uses */
#define XMCP_DIGEST_SHA1 1   /* 20 octets */
#define XMCP_DIGEST_SHA256 2 /* 32 octets */
#define XMCP_PADDING_NONE 0
#define XMCP_PADDING_64 1 /* text padded with zeros to the whole message's next multiple of 64 */

struct xmcp_form {
    uint8_t digest;  /* XMCP_DIGEST_* */
    uint8_t padding; /* XMCP_PADDING_* */
};

#define XMCP_INTEGRITY_BYTES_MAX 36 /* attribute with header: 24 for SHA-1, 36 for SHA-256 */

/*
 * The long-term key: MD5 of "user:SAF:password" (the realm without its quotes).
 * Returns 0, XMCP_EINVAL (NULL, or together above 1000 octets), XMCP_ENOMEM (no MD5 available).
 */
int xmcp_key_derive(const char *user, const char *password, uint8_t key[XMCP_KEY_BYTES]);

/* Makes the keyed states. */
void xmcp_mac_init(struct xmcp_mac *mac, const uint8_t key[XMCP_KEY_BYTES]);

/* Overwrites with zeros in a way the compiler keeps. */
void xmcp_mac_clear(struct xmcp_mac *mac);

/* Octets of the attribute with its header for that form: 0, 24 or 36. */
size_t xmcp_integrity_bytes(struct xmcp_form form);

/*
 * HMAC over pieces laid end to end, as if they were one covered text: all of the message before
 * MESSAGE-INTEGRITY, whose length field already counts that attribute.
 *   digest   receives 20 or 32 octets
 * Returns the number of octets written, or XMCP_EINVAL (no such form).
 */
int xmcp_mac_sign(const struct xmcp_mac *mac, struct xmcp_form form,
                  const struct xmcp_view *pieces, size_t piece_count, uint8_t digest[32]);

/*
 * Verifies the MESSAGE-INTEGRITY of a decoded message: digest by the attribute's length, padding
 * none first, then 64 (decision). Compares in constant time.
 *   data     the octets that `msg` was decoded from
 *   matched  set on 0: the form to answer in; may be NULL
 * Returns 0 or XMCP_EAUTH (also when the message has no MESSAGE-INTEGRITY).
 */
int xmcp_mac_verify(const struct xmcp_mac *mac, const void *data, const struct xmcp_msg *msg,
                    struct xmcp_form *matched);

/*
 * Writes one message into a buffer of the caller. After the first failure every further call does
 * nothing and the finish call reports it, so that the calls between need no check.
 *
 *     struct xmcp_writer w;
 *     size_t bytes;
 *     xmcp_write_begin(&w, buffer, sizeof(buffer), XMCP_REGISTER, XMCP_SUCCESS, msg.transaction);
 *     xmcp_put_u32(&w, XMCP_ATTR_CLIENT_HANDLE, handle);
 *     xmcp_put_version(&w, 2, 0);
 *     rc = xmcp_write_finish(&w, &session->mac, session->form, &bytes);
 */
struct xmcp_writer {
    uint8_t *buffer;
    size_t capacity_bytes;
    size_t used_bytes;
    int error; /* 0 or the first XMCP_E* */
};

/*
 * Starts a message: header with a length to be filled in.
 *   method       any value of XMCP_METHOD_MASK, so that a 501 can echo it
 *   transaction  12 octets, copied
 */
void xmcp_write_begin(struct xmcp_writer *w, void *buffer, size_t capacity_bytes, unsigned method,
                      unsigned msg_class, const uint8_t transaction[XMCP_TRANSACTION_BYTES]);

/*
 * Starts a part: attributes without a header, to be encoded once and sent in many messages. Ends
 * with w->used_bytes and w->error, or as the `shared` of xmcp_write_finish_gather().
 */
void xmcp_write_begin_part(struct xmcp_writer *w, void *buffer, size_t capacity_bytes);

/*
 * Attributes. Faults: XMCP_ENOSPC for lack of room, XMCP_EINVAL for what xmcp_decode() would
 * refuse. Padding octets are zero. xmcp_put_bytes() copies and judges nothing but the size: it is
 * for SERVICE-DATA (0 octets are fine) and for types that this header does not know.
 */
void xmcp_put_u32(struct xmcp_writer *w, unsigned type, uint32_t value);
void xmcp_put_text(struct xmcp_writer *w, unsigned type, const void *text, size_t bytes);
void xmcp_put_bytes(struct xmcp_writer *w, unsigned type, const void *data, size_t bytes);
void xmcp_put_realm(struct xmcp_writer *w);
void xmcp_put_version(struct xmcp_writer *w, uint16_t major_number, uint16_t minor_number);
void xmcp_put_identity(struct xmcp_writer *w, const struct xmcp_identity *id);
void xmcp_put_transport(struct xmcp_writer *w, const struct xmcp_transport *transport);
void xmcp_put_protocol(struct xmcp_writer *w, uint8_t ip_protocol);
void xmcp_put_flags(struct xmcp_writer *w, const struct xmcp_flag *flags, size_t flag_count);

/* ERROR-CODE in STUN shape. `code` 300 to 699. `reason` NULL: the code's name. */
void xmcp_put_error(struct xmcp_writer *w, unsigned code, const char *reason);

/*
 * Ends a message: fills in the length and, unless form.digest is XMCP_DIGEST_NONE, appends
 * MESSAGE-INTEGRITY.
 *   mac          may be NULL when form.digest is XMCP_DIGEST_NONE
 *   form         a digest or padding that does not exist is XMCP_EINVAL, never an unsigned message
 *   frame_bytes  the whole length of the message
 * Returns 0 or the writer's error.
 */
int xmcp_write_finish(struct xmcp_writer *w, const struct xmcp_mac *mac, struct xmcp_form form,
                      size_t *frame_bytes);

/*
 * Ends a message that goes out in three pieces without a copy: what was written to `w` (header and
 * the receiver's own attributes), then `shared` (attributes encoded once with
 * xmcp_write_begin_part(), a multiple of 4 octets), then `tail` (MESSAGE-INTEGRITY, or nothing).
 *   tail        room for XMCP_INTEGRITY_BYTES_MAX octets
 *   tail_bytes  0, 24 or 36
 * The three lengths are w->used_bytes, shared.bytes and *tail_bytes. Returns 0 or XMCP_E*.
 */
int xmcp_write_finish_gather(struct xmcp_writer *w, const struct xmcp_mac *mac,
                             struct xmcp_form form, struct xmcp_view shared,
                             uint8_t tail[XMCP_INTEGRITY_BYTES_MAX], size_t *tail_bytes);

/* ------------------------------------------------------------------------------------------- */
/* 5. A client                                                                                 */
/* ------------------------------------------------------------------------------------------- */

/*
 * One XMCP session over one connection that the caller opens, owns and closes.
 *
 *          register()            success                unregister(), success
 *    NEW ------------> REGISTERING ------> REGISTERED -------------------------> CLOSED
 *                          |  401 435 438: again with the nonce     |               ^
 *                          +--- refused, no answer, revoked, lost --+---------------+
 *
 * Closed is final: the caller flushes the output, closes the socket, frees the client, and makes a
 * new one to try again (with the same service versions; a server forgets with the connection).
 *
 * The caller's loop, whichever it is:
 *   - socket readable: read, xmcp_client_input(); end of file: xmcp_client_lost()
 *   - output not empty: write, xmcp_client_sent()
 *   - after each of these, after requests, and when the deadline comes: xmcp_client_tick()
 *
 * The client does by itself: nonces (401, 435, 438), integrity both ways, resending of requests
 * that stay unanswered (every 3 s with a new transaction, four sendings in all), keepalives after
 * half the interval of silence, answers to Notify, Withdraw and the revokes. It does not reconnect,
 * does not republish, and does not choose service versions.
 *
 * Memory is bounded: one message of input, 1 MiB of output at most, XMCP_CLIENT_REQUESTS_MAX
 * unanswered requests with their service data.
 */
struct xmcp_client;

#define XMCP_CLIENT_REQUESTS_MAX 64

/* xmcp_client_options.flags */
#define XMCP_CLIENT_VERSION_1 1u  /* speak 1.0: keepalives are Registers with a handle */
#define XMCP_CLIENT_SHA256 2u     /* sign with SHA-256 instead of SHA-1 */
#define XMCP_CLIENT_PADDING_64 4u /* pad as Cisco's 1.0 client does */

enum xmcp_event_type {
    XMCP_EVENT_REGISTERED,   /* handle, keepalive_ms, domain, version_* */
    XMCP_EVENT_UNREGISTERED, /* CLOSED follows */
    XMCP_EVENT_PUBLISHED,    /* identity, service_version */
    XMCP_EVENT_UNPUBLISHED,  /* identity */
    XMCP_EVENT_SUBSCRIBED,   /* identity (the filter), subscription_id */
    XMCP_EVENT_UNSUBSCRIBED, /* subscription_id */
    XMCP_EVENT_KEPT_ALIVE,   /* a keepalive that the caller asked for was answered */
    XMCP_EVENT_NOTIFY,   /* subscription_id, identity, service_version, transport, protocol, data */
    XMCP_EVENT_WITHDRAW, /* subscription_id, identity, removed_reason */
    XMCP_EVENT_PUBLISH_REVOKED, /* identity: the server took this service back */
    XMCP_EVENT_REVOKED,         /* the server ended the session; CLOSED follows */
    XMCP_EVENT_ERROR,  /* a request failed: request, method, result, code, reason, identity */
    XMCP_EVENT_CLOSED  /* result says why; 0 after unregister. Comes once, and last */
};

/* What happened. Views and texts live until the callback returns. */
struct xmcp_event {
    enum xmcp_event_type type;
    uint32_t request; /* number of the request that this answers, else 0 */
    unsigned method;  /* of that request, else 0 */
    int result;       /* ERROR and CLOSED: XMCP_E* */
    unsigned code;    /* ERROR: the server's error code, 0 when it did not send one */
    const char *reason; /* ERROR, CLOSED: text, never NULL there; else NULL */
    uint32_t subscription_id;
    struct xmcp_identity identity;
    uint32_t service_version; /* with code 472: the version that the server holds */
    uint8_t service_protocol;
    int have_transport; /* 1 when `transport` is set */
    struct xmcp_transport transport;
    struct xmcp_view data;
    uint32_t removed_reason; /* XMCP_REMOVED_* */
    int trust;               /* NOTIFY: XMCP_TRUST_*, or -1 when the server did not say */
    uint32_t handle;
    uint32_t keepalive_ms;
    uint32_t domain; /* 0 when the server did not say */
    uint16_t version_major;
    uint16_t version_minor;
};

/*
 * Called from within xmcp_client_input(), _tick(), _lost(). It may call request functions; it must
 * not call input, sent, tick, lost or free.
 */
typedef void (*xmcp_event_fn)(void *user_data, struct xmcp_client *client,
                              const struct xmcp_event *event);

struct xmcp_client_options {
    size_t struct_bytes;  /* sizeof(struct xmcp_client_options) of the caller */
    unsigned flags;       /* XMCP_CLIENT_* */
    const char *name;     /* product string, NULL: "libxmcp/" and its version */
    const char *label;    /* NULL: the user, else none */
    const char *user;     /* NULL: an unauthenticated session */
    const char *password; /* with user; only a key made from it is kept */
    uint32_t domain;      /* 0: the server's default */
    uint32_t page_size;   /* notifications under way at once, 0: 10 */
    xmcp_event_fn on_event;
    void *user_data;
};

#define XMCP_CLIENT_OPTIONS_INIT {sizeof(struct xmcp_client_options), 0, NULL, NULL, NULL, NULL, \
                                  0, 0, NULL, NULL}

/*
 * Makes a client; all strings are copied. *out is owned by the caller: xmcp_client_free().
 * Returns 0, XMCP_EINVAL (no callback, bad text, user without password), XMCP_ENOMEM.
 */
int xmcp_client_new(const struct xmcp_client_options *options, struct xmcp_client **out);

/* Frees without an event. NULL is fine. Not from a callback. */
void xmcp_client_free(struct xmcp_client *client);

/*
 * Octets from the server, in pieces of any size, copied as needed. Answers that they cause are then
 * in the output. Returns 0; XMCP_EFRAME or XMCP_ENOMEM, which have just closed it; or XMCP_ESTATE:
 * closed, and the CLOSED event said why.
 */
int xmcp_client_input(struct xmcp_client *client, const void *data, size_t bytes);

/*
 * Octets for the server. *data stays valid until the next call with this client.
 * Returns 1 when there are some (*bytes > 0), else 0.
 */
int xmcp_client_output(struct xmcp_client *client, const uint8_t **data, size_t *bytes);

/* The first `bytes` of the output have been written to the socket. */
void xmcp_client_sent(struct xmcp_client *client, size_t bytes);

/*
 * Lets time pass.
 *   now_ms   any clock that never goes back
 * Returns the time at which to call again at the latest, on the same clock; UINT64_MAX: none.
 */
uint64_t xmcp_client_tick(struct xmcp_client *client, uint64_t now_ms);

/* The connection is gone (end of file, reset): fails what is open and closes. */
void xmcp_client_lost(struct xmcp_client *client);

/* 1 between REGISTERED and the end. */
int xmcp_client_registered(const struct xmcp_client *client);

/* What a service is, for xmcp_client_publish(). */
struct xmcp_service {
    struct xmcp_identity identity;
    struct xmcp_transport transport;
    uint8_t ip_protocol;
    uint32_t version;       /* higher than the last for a change */
    int visible_to_all;     /* 1: unauthenticated clients see it too */
    struct xmcp_view data;  /* copied */
};

/*
 * Requests. Each is answered by exactly one event: its own or XMCP_EVENT_ERROR (with the session's
 * end, too, before CLOSED).
 *   request  receives a number that comes back in the event; may be NULL
 * Return 0, XMCP_ESTATE (register: not new; others: not registered), XMCP_EBUSY, XMCP_EINVAL,
 * XMCP_ENOSPC (data too large), XMCP_ENOMEM. Nothing was sent unless 0 is returned.
 */
int xmcp_client_register(struct xmcp_client *client, uint32_t *request);
int xmcp_client_publish(struct xmcp_client *client, const struct xmcp_service *service,
                        uint32_t *request);
int xmcp_client_unpublish(struct xmcp_client *client, const struct xmcp_identity *id,
                          uint32_t *request);
int xmcp_client_subscribe(struct xmcp_client *client, const struct xmcp_identity *filter,
                          uint32_t *request);
int xmcp_client_unsubscribe(struct xmcp_client *client, uint32_t subscription_id,
                            uint32_t *request);
int xmcp_client_keepalive(struct xmcp_client *client, uint32_t *request);
int xmcp_client_unregister(struct xmcp_client *client, uint32_t *request);

#ifdef __cplusplus
}
#endif

#endif
