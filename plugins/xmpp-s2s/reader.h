/* SPDX-License-Identifier: MIT */
/*
 * reader.h - an XML stream as events, with hard limits (RFC 6120, 4 and 11).
 *
 * libxml2's push parser does the XML; this turns it into the stream's header, its first-level
 * elements, and its end, and keeps account of octets, so that a stanza can be passed on as the
 * octets that came.
 *
 *     feed -> header -> (stanza | element)* -> end          for each stream; restart: a new reader
 *
 * Events run inside feed, in order. An event that returns nonzero stops the reader there: feed
 * returns that value, and `*used` tells how many octets were consumed up to the end of that
 * element. The reader then stands between two elements, and may be fed the rest later. After a
 * refusal of its own it takes no more, and each feed gives the same answer. The reader must not be
 * freed or fed inside an event.
 *
 * Memory: an idle reader (at a stanza boundary) can be made small with s2_reader_rest: the parser
 * goes, the header stays, and the next feed makes a parser again.
 */
#ifndef S2_READER_H
#define S2_READER_H

#include <xmb/types.h>

/* Limits in octets and counts; 0 is never "unlimited". What is over one is S2_READ_TOO_BIG. */
struct s2_read_limits {
    uint32_t stanza_bytes;    /* octets of a first-level element, or of the header */
    uint32_t depth;           /* of nesting; the first-level element is 1 */
    uint32_t elements;        /* in one first-level element */
    uint32_t attributes;      /* of one element, namespace declarations included */
    uint32_t name_bytes;      /* of an element's or attribute's name */
    uint32_t value_bytes;     /* of an attribute's value, as it is written */
};

/* Why feed refused input: also the stream error to send. Negative, apart from XMB_E*. */
enum s2_read_error {
    S2_READ_NOT_WELL_FORMED = -101,
    S2_READ_RESTRICTED = -102,      /* comment, PI, DTD, entity: restricted-xml */
    S2_READ_TOO_BIG = -103,         /* a limit: policy-violation */
    S2_READ_BAD_FORMAT = -104,      /* text between stanzas, an impossible element: bad-format */
    S2_READ_BAD_NAMESPACE = -105,   /* of the stream or its content: invalid-namespace */
    S2_READ_BAD_ENCODING = -106,    /* unsupported-encoding */
    S2_READ_BAD_PREFIX = -107       /* bad-namespace-prefix */
};

/* The stream header. Views live until the event returns; those of attributes are decoded. */
struct s2_header {
    struct xmb_str from, to, id, version, lang; /* {NULL, 0}: not there */
    uint32_t major, minor; /* of version; 0.0 without one */
    int has_dialback;      /* jabber:server:dialback is declared */
    int component;         /* its content is jabber:component:accept */
};

enum s2_stanza_kind { S2_MESSAGE = 1, S2_PRESENCE = 2, S2_IQ = 3 };
/* The type attribute of a stanza as far as a gateway must tell them apart. */
enum s2_stanza_type {
    S2_TYPE_NONE = 0,  /* no attribute */
    S2_TYPE_OTHER = 1,
    S2_TYPE_ERROR = 2,
    S2_TYPE_RESULT = 3,
    S2_TYPE_GET = 4,
    S2_TYPE_SET = 5,
    S2_TYPE_SUBSCRIBE = 6, /* subscribe, subscribed, unsubscribe, unsubscribed */
    S2_TYPE_PROBE = 7,
    S2_TYPE_UNAVAILABLE = 8
};

/* A stanza. Views live until the event returns. */
struct s2_stanza {
    /*
     * Its octets, from '<' to the last '>', as they came. Only an xmlns= in the stanza's own tag
     * is taken out: it says what the stream's default says, and the stream that it goes on to may
     * be of the other content namespace.
     */
    struct xmb_str raw;
    /*
     * What the stream's header declared and the stanza relies on (prefixes besides stream and db,
     * another default namespace, xml:lang): text to be put into the copy at `insert_at`. Mostly
     * none.
     */
    uint32_t insert_at;
    struct xmb_str insert;
    uint32_t kind; /* enum s2_stanza_kind */
    uint32_t type; /* enum s2_stanza_type */
    struct xmb_str from, to, id; /* decoded; {NULL, 0}: not there */
};

/* First-level elements that are not stanzas. */
enum s2_element_kind {
    S2_EL_UNKNOWN = 0,
    S2_EL_FEATURES,
    S2_EL_STREAM_ERROR,
    S2_EL_STARTTLS,
    S2_EL_PROCEED,
    S2_EL_TLS_FAILURE,
    S2_EL_AUTH,
    S2_EL_SASL_SUCCESS,
    S2_EL_SASL_FAILURE,
    S2_EL_SASL_CHALLENGE,
    S2_EL_SASL_RESPONSE,
    S2_EL_SASL_ABORT,
    S2_EL_DB_RESULT,
    S2_EL_DB_VERIFY,
    S2_EL_BIDI,
    S2_EL_SM_ENABLE,  /* urn:xmpp:sm:3 */
    S2_EL_SM_ENABLED,
    S2_EL_SM_FAILED,
    S2_EL_SM_R,
    S2_EL_SM_A,
    S2_EL_HANDSHAKE,  /* jabber:component:accept */
    S2_EL_KINDS
};

/* What stands in <stream:features/>, as bits. */
enum s2_feature {
    S2_F_STARTTLS = 1,
    S2_F_STARTTLS_REQUIRED = 2,
    S2_F_DIALBACK = 4,
    S2_F_DIALBACK_ERRORS = 8,
    S2_F_EXTERNAL = 16,     /* SASL mechanism EXTERNAL */
    S2_F_SASL = 32,         /* any mechanisms element */
    S2_F_BIDI = 64,         /* either spelling: urn:xmpp:features:bidi, urn:xmpp:bidi */
    S2_F_SM = 128,
    S2_F_LIMITS = 256
};

/* Views live until the event returns; all decoded. */
struct s2_element {
    uint32_t kind; /* enum s2_element_kind */
    uint32_t features; /* S2_EL_FEATURES: enum s2_feature */
    struct xmb_str name;           /* local name, for the log; at most 64 octets */
    struct xmb_str from, to, id, type;
    struct xmb_str mechanism;      /* S2_EL_AUTH */
    struct xmb_str text;           /* its own character data without white space around it, at most
                                      S2_TEXT_MAX octets; more is S2_READ_TOO_BIG */
    struct xmb_str condition;      /* errors and failures: local name of the condition */
    struct xmb_str error_text;     /* errors: <text/>, at most 512 octets */
    uint64_t h;                    /* S2_EL_SM_A: below 2^32; without it the input is refused */
    uint32_t max_bytes;            /* S2_F_LIMITS: of XEP-0478; 0: not said */
};
#define S2_TEXT_MAX 4096

struct s2_reader_events {
    int (*header)(void *arg, const struct s2_header *h);
    int (*stanza)(void *arg, const struct s2_stanza *s);
    int (*element)(void *arg, const struct s2_element *e);
    int (*end)(void *arg); /* </stream:stream> */
};

struct s2_reader;
/*
 * A reader at the start of a stream. `events` and `limits` are borrowed and must live as long;
 * limits may be changed between feeds (they are looser once the peer is verified). NULL: out of
 * memory. Thread: one at a time, as for all here.
 */
struct s2_reader *s2_reader_new(const struct s2_reader_events *events, void *arg,
                                const struct s2_read_limits *limits);
void s2_reader_free(struct s2_reader *r); /* NULL is fine */
void s2_reader_limits(struct s2_reader *r, const struct s2_read_limits *limits);
/*
 * Feeds octets. 0: all consumed; else what an event returned, enum s2_read_error, or XMB_ENOMEM
 * (the last two: the reader takes no more). `*used` octets were consumed (always all with 0). The
 * octets need not stay: what is not whole is copied.
 */
int s2_reader_feed(struct s2_reader *r, struct xmb_str octets, size_t *used);
/* What went wrong, in words for the log (never the input itself); valid until the next call. */
const char *s2_reader_why(const struct s2_reader *r);
/* 1 between first-level elements, nothing half read. */
int s2_reader_at_rest(const struct s2_reader *r);
/*
 * Gives the parser back when at rest; else, and inside an event, does nothing. The next feed that
 * brings more than white space makes one again (about 2 us) and replays the header without events.
 */
void s2_reader_rest(struct s2_reader *r);
/* Octets of memory that it holds, for `show` and tests. */
size_t s2_reader_bytes(const struct s2_reader *r);

/*
 * The start tag of a stored stanza again: fills `s` from `raw` (views into `raw` where attributes
 * need no decoding, else into `scratch` of S2_SCRATCH octets). For bounces. XMB_EINVAL: it is no
 * stanza.
 */
#define S2_SCRATCH 8192
int s2_stanza_reread(struct xmb_str raw, char *scratch, struct s2_stanza *s);

#endif
