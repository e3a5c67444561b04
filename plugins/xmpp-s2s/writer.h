/* SPDX-License-Identifier: MIT */
/*
 * writer.h - what the gateway itself says on a stream, as text. Pure: no I/O.
 *
 * Everything goes into a `struct s2_text`, a bounded buffer on the caller's stack; overflow is
 * remembered, and `s2_text_ok` tells. Attribute values and text are escaped here. Quotes are
 * single, as every server writes them.
 */
#ifndef S2_WRITER_H
#define S2_WRITER_H

#include "domain.h"
#include "reader.h"

#define S2_TEXT_ROOM 8192

struct s2_text {
    size_t n;
    int overflow;
    char p[S2_TEXT_ROOM];
};

void s2_text_begin(struct s2_text *t);
void s2_text_add(struct s2_text *t, const char *literal);
void s2_text_escaped(struct s2_text *t, struct xmb_str s); /* & < > ' " */
/* " name='value'"; nothing when there is no value ({NULL, 0}). */
void s2_text_attribute(struct s2_text *t, const char *name, struct xmb_str value);
static inline struct xmb_str s2_text_str(const struct s2_text *t)
{
    return xmb_str_n(t->p, t->n);
}
/* 1 when all of it fitted: only then may it be sent. */
static inline int s2_text_ok(const struct s2_text *t)
{
    return !t->overflow;
}

/* Who speaks to whom in a header; `id` {NULL,0} when we are the initiator. Views in wire form. */
struct s2_header_out {
    struct xmb_str from, to, id, lang;
    int version;   /* 1: version='1.0' */
    int component; /* content namespace jabber:component:accept */
};
/* <?xml version='1.0'?><stream:stream ...> (RFC 6120, 4.7). xml:lang only when `lang` is given. */
void s2_write_header(struct s2_text *t, const struct s2_header_out *h);
/*
 * <stream:features>: bits of enum s2_feature; `max_bytes` != 0 adds XEP-0478 limits with `idle_s`.
 */
void s2_write_features(struct s2_text *t, uint32_t features, uint32_t max_bytes, uint32_t idle_s);
void s2_write_starttls(struct s2_text *t);
void s2_write_proceed(struct s2_text *t);
void s2_write_tls_failure(struct s2_text *t);   /* with the stream's end */
void s2_write_auth_external(struct s2_text *t, struct xmb_str authzid); /* base64 of it, or "=" */
void s2_write_sasl_success(struct s2_text *t);
void s2_write_sasl_failure(struct s2_text *t, const char *condition, const char *text_or_null);
/* <bidi/> (XEP-0288); `max_bytes` != 0 adds what we take on the way back, as with features. */
void s2_write_bidi(struct s2_text *t, uint32_t max_bytes, uint32_t idle_s);

/* Names of a dialback exchange, as they are written (XEP-0220). */
struct s2_db_names {
    struct xmb_str from, to, id; /* id: db:verify only */
};
void s2_write_db_result_key(struct s2_text *t, const struct s2_db_names *n, struct xmb_str key);
void s2_write_db_verify_key(struct s2_text *t, const struct s2_db_names *n, struct xmb_str key);
void s2_write_db_result(struct s2_text *t, const struct s2_db_names *n, int valid);
void s2_write_db_verify(struct s2_text *t, const struct s2_db_names *n, int valid);

/* Conditions of stanza errors, with their type (RFC 6120, 8.3.3). One table in errors.c. */
enum s2_condition {
    S2_C_NONE = 0,
    S2_C_BAD_REQUEST,             /* modify */
    S2_C_CONFLICT,                /* cancel */
    S2_C_FORBIDDEN,               /* auth */
    S2_C_INTERNAL_SERVER_ERROR,   /* cancel */
    S2_C_ITEM_NOT_FOUND,          /* cancel */
    S2_C_JID_MALFORMED,           /* modify */
    S2_C_NOT_ACCEPTABLE,          /* modify */
    S2_C_NOT_ALLOWED,             /* cancel */
    S2_C_NOT_AUTHORIZED,          /* auth */
    S2_C_POLICY_VIOLATION,        /* modify */
    S2_C_REMOTE_SERVER_NOT_FOUND, /* cancel */
    S2_C_REMOTE_SERVER_TIMEOUT,   /* wait */
    S2_C_RESOURCE_CONSTRAINT,     /* wait */
    S2_C_SERVICE_UNAVAILABLE,     /* cancel */
    S2_C_UNDEFINED_CONDITION,     /* cancel */
    S2_C_COUNT
};
const char *s2_condition_name(enum s2_condition c);
/* S2_C_UNDEFINED_CONDITION for a name that is not in the table. */
enum s2_condition s2_condition_of(struct xmb_str name);

/* A dialback error (XEP-0220, 2.5): type='error' with the stanza error condition inside. */
void s2_write_db_result_error(struct s2_text *t, const struct s2_db_names *n, enum s2_condition c,
                              const char *text_or_null);
void s2_write_db_verify_error(struct s2_text *t, const struct s2_db_names *n, enum s2_condition c,
                              const char *text_or_null);

/* Conditions of stream errors (RFC 6120, 4.9.3). */
enum s2_stream_error {
    S2_E_NONE = 0,
    S2_E_BAD_FORMAT, S2_E_BAD_NAMESPACE_PREFIX, S2_E_CONFLICT, S2_E_CONNECTION_TIMEOUT, S2_E_HOST_GONE,
    S2_E_HOST_UNKNOWN, S2_E_IMPROPER_ADDRESSING, S2_E_INTERNAL_SERVER_ERROR, S2_E_INVALID_FROM,
    S2_E_INVALID_NAMESPACE, S2_E_INVALID_XML, S2_E_NOT_AUTHORIZED, S2_E_NOT_WELL_FORMED,
    S2_E_POLICY_VIOLATION, S2_E_REMOTE_CONNECTION_FAILED, S2_E_RESET, S2_E_RESOURCE_CONSTRAINT,
    S2_E_RESTRICTED_XML, S2_E_SEE_OTHER_HOST, S2_E_SYSTEM_SHUTDOWN, S2_E_UNDEFINED_CONDITION,
    S2_E_UNSUPPORTED_ENCODING, S2_E_UNSUPPORTED_FEATURE, S2_E_UNSUPPORTED_STANZA_TYPE,
    S2_E_UNSUPPORTED_VERSION, S2_E_COUNT
};
const char *s2_stream_error_name(enum s2_stream_error e);
enum s2_stream_error s2_stream_error_of(struct xmb_str name); /* S2_E_UNDEFINED_CONDITION: unknown */
/* The stream error for a reader's refusal (enum s2_read_error). */
enum s2_stream_error s2_stream_error_of_read(int read_error);
/* 1: with it a peer ends a stream in good order, and may be asked for another at once. */
int s2_stream_error_is_orderly(enum s2_stream_error e);
/* <stream:error>...</stream:error></stream:stream>. `text` may be NULL. */
void s2_write_stream_error(struct s2_text *t, enum s2_stream_error e, const char *text);
void s2_write_end(struct s2_text *t); /* </stream:stream> */

/*
 * The error answer to a stanza (RFC 6120, 8.3): addresses swapped, same kind and id, `by` (wire
 * form, may be none) as the domain that says so. The caller has checked that the stanza may be
 * answered with an error (s2_may_bounce).
 */
void s2_write_stanza_error(struct s2_text *t, const struct s2_stanza *s, enum s2_condition c,
                           struct xmb_str by, const char *text_or_null);
/*
 * 1 when an error may be sent for it: not for type error or result, not without both addresses, and
 * of presence only directed or subscription ones (no probe, no unavailable).
 */
int s2_may_bounce(const struct s2_stanza *s);

/* XEP-0199 ping of a domain by a domain, the barrier of delivery. */
void s2_write_ping(struct s2_text *t, struct xmb_str from, struct xmb_str to, struct xmb_str id);
/* XEP-0198: <enable/>, <enabled/>, <r/>, <a h=''/>. */
void s2_write_sm_enable(struct s2_text *t);
void s2_write_sm_enabled(struct s2_text *t);
void s2_write_sm_r(struct s2_text *t);
void s2_write_sm_a(struct s2_text *t, uint32_t h);

/* Dialback key (XEP-0185): lower-case hex of HMAC-SHA256, see dialback.h. */

#endif
