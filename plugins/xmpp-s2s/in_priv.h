/* SPDX-License-Identifier: MIT */
/*
 * in_priv.h - an incoming stream from the inside, for incoming.c and the in_*.c files.
 *
 *                            +------------------- AUTH: EXTERNAL, success ------------------+
 *                            v                                                              |
 *  ACCEPTED --HEADER--> PLAIN, or OPEN when TLS is not on offer --a pair is verified--> VERIFIED
 *      |                  | STARTTLS    ^                                                   |
 *      | direct TLS       v             | HEADER                      idle, cleared, drained |
 *      +------------> SECURING --> RESTARTED                                                v
 *                                                  from each state: CLOSED <--END, 5 s-- ENDING
 *
 * The table of states and events is in in_fsm.c. Whoever finds that something happened raises an
 * event, or calls s2_in_fail (a stream error) or s2_in_end (the orderly end), which are the only
 * ways to CLOSED.
 *
 * Ownership: the connection owns the stream (`closed` frees it); the stream owns its reader and
 * its pairs; a pair owns its question to policy, its ask and its path. All of one worker.
 */
#ifndef S2_IN_PRIV_H
#define S2_IN_PRIV_H

#include "admit.h"
#include "flow.h"
#include "gateway.h"
#include "identity.h"
#include "incoming.h"
#include "link_adopted.h"
#include "reader.h"
#include "reverse.h"
#include "writer.h"

#define IN_ASKS_MAX 8           /* step 2 questions of one stream at a time */
#define IN_SASL_FAILURES_MAX 5
#define IN_KEY_MAX 512          /* octets of a dialback key that is passed on */
#define IN_END_WAIT_MS 5000     /* for the peer's </stream:stream> (2.9) */
#define IN_DRAIN_MS 500         /* when the broker stops: until every worker knows of it */
#define IN_DRAIN_LOOK_MS 250
#define IN_SWEEP_MS 2000
#define IN_REST_MS 10000        /* the parser of a silent stream goes after this */
#define IN_ALIVE_MS 1000        /* how often a busy stream shows that its peer lives */
#define IN_STUCK_MS 5000        /* an unverified stream this old gives way when room is short */
#define IN_CHUNK_BYTES 16384    /* fed to the reader at once */
#define IN_RAW_MAX 128          /* the last pair's domains as the peer writes them */

enum in_state {
    IN_ACCEPTED = 1, /* no header yet */
    IN_PLAIN,        /* header came; TLS may still be started */
    IN_SECURING,     /* handshake: nothing can be written */
    IN_RESTARTED,    /* after TLS or SASL the peer's header is due */
    IN_OPEN,         /* TLS is up or not on offer; no pair is verified */
    IN_VERIFIED,     /* at least one pair is */
    IN_ENDING,       /* our end tag is out; the peer may finish */
    IN_CLOSED,       /* conn->close was called */
    IN_STATE_COUNT
};

enum in_event {
    IN_EV_HEADER = 1,
    IN_EV_STANZA,
    IN_EV_STARTTLS,
    IN_EV_AUTH,      /* SASL <auth/> */
    IN_EV_SASL,      /* <response/>, <abort/> */
    IN_EV_RESULT,    /* db:result without type: W8 */
    IN_EV_VERIFY,    /* db:verify without type: W9 */
    IN_EV_ANSWER,    /* either with a type: W10, W11, W12 */
    IN_EV_SM_ENABLE,
    IN_EV_SM_R,
    IN_EV_BIDI,      /* XEP-0288 */
    IN_EV_NOTHING,   /* known, and of no meaning here */
    IN_EV_ERROR,     /* stream error of the peer */
    IN_EV_UNKNOWN,
    IN_EV_END,       /* </stream:stream> */
    IN_EV_SECURED,
    IN_EV_EXPIRED,   /* the ONCE deadline */
    IN_EVENT_COUNT
};

/* What an event brings; one of them is set, or none. Views live until the handler returns. */
struct in_input {
    const struct s2_header *header;
    const struct s2_stanza *stanza;
    const struct s2_element *element;
};

/* What a handler returns: the reader goes on, or stops behind this element for good. */
enum in_go { IN_GO_ON = 0, IN_STOP = 1 };

enum in_pair_state {
    IN_PAIR_ADMITTING = 1, /* policy is asked */
    IN_PAIR_WAITING,       /* for one of the IN_ASKS_MAX */
    IN_PAIR_ASKING,        /* step 2 runs */
    IN_PAIR_VERIFIED,
    IN_PAIR_REVOKED        /* was verified; what still comes of it goes back */
};

enum in_proof { IN_BY_DIALBACK = 1, IN_BY_EXTERNAL = 2 };

/* A pair of domains on one stream. */
struct in_pair {
    struct in_pair *next;
    struct s2_incoming *stream;
    struct s2_domain from; /* theirs */
    struct s2_domain to;   /* ours, on that side */
    uint8_t state;         /* enum in_pair_state */
    uint8_t proof;         /* enum in_proof */
    uint8_t denied;        /* inside: policy says no; its stanzas go back */
    uint8_t has_question;  /* policy answers later */
    uint8_t recheck;       /* policy is to be asked again */
    uint64_t question;
    struct s2_ask *ask;
    char *key; /* until it is asked about; NUL-terminated */
    struct s2_path path;
    struct s2_reverse *reverse; /* it is offered the other way round (XEP-0288); or NULL */
};

/* Streams of one address. IPv6: of one /64. */
struct in_address {
    struct in_address *next;
    uint8_t family;
    uint8_t ip[8];
    uint32_t streams; /* verified or not */
    uint32_t count;   /* of these, not verified */
    struct s2_incoming *oldest; /* in order of their coming */
    struct s2_incoming *newest;
};

struct in_queue {
    struct s2_incoming *oldest;
    struct s2_incoming *newest;
};

struct s2_incoming {
    struct s2_worker *w;
    struct xmb_conn *conn;
    xmb_ref ref;
    struct s2_incoming *next, *previous;           /* of the worker */
    struct s2_incoming *next_by_ref;
    struct s2_incoming *newer, *older;             /* among the unverified, by age */
    struct s2_incoming *addr_newer, *addr_older;   /* the same of one address */
    struct in_address *address;                    /* NULL: counted nowhere */
    struct s2_reader *reader;                      /* NULL: none yet, or between two streams */
    struct s2_link *link; /* bidi: to send on, from the first verified pair on; else NULL */
    uint32_t bidi_max_bytes; /* XEP-0478: of a stanza that the peer takes; 0: not said */
    struct in_pair *pairs;
    struct in_pair *last; /* the last stanza's: verified or revoked */

    uint8_t state; /* enum in_state */
    uint8_t side;  /* enum s2_side */
    uint8_t direct;        /* TLS from the first octet */
    uint8_t offers_tls;    /* its <listen> has a profile */
    uint8_t secure;        /* TLS is up */
    uint8_t header_sent;   /* of the current stream */
    uint8_t version;       /* the peer's header has version 1.0 or more */
    uint8_t has_from, has_to;
    uint8_t external;      /* EXTERNAL is on offer for `from` */
    uint8_t authenticated; /* by EXTERNAL: no second time */
    uint8_t authenticating; /* EXTERNAL waits for policy; nothing is read meanwhile */
    uint8_t sm;            /* XEP-0198 is on */
    uint8_t bidi;          /* XEP-0288 was asked for: verified pairs are offered in reverse */
    uint8_t feeding;       /* inside s2_reader_feed: the reader may not go */
    uint8_t paused;        /* a flow pushes back, or EXTERNAL waits for policy */
    uint8_t pushed;        /* of these, a flow does */
    uint8_t put;           /* a stanza went into a path during this `data` */
    uint8_t unverified;    /* in the queues of the unverified */
    uint8_t counted;       /* in module->incoming: until it is closed, not until the host is done */
    uint8_t resting;       /* the reader has given its parser back */
    uint8_t has_question;  /* policy about the header answers later */
    uint8_t has_asked;     /* a db:verify was right */
    uint8_t sasl_failures;
    uint16_t refusals;     /* pairs refused so far */
    uint16_t pair_count;   /* without the revoked */
    uint16_t verified_count;
    uint16_t asks;
    uint32_t h;            /* stanzas handled since <enable/> */

    char id[S2_ID + 1];
    struct s2_domain from, to; /* of the header */
    uint64_t question;
    uint64_t opened_ms;
    uint64_t heard_ms;   /* last octets */
    uint64_t said_ms;    /* last octets of ours */
    uint64_t stanza_ms;  /* last stanza, or opening */
    uint64_t drain_since_ms; /* the broker stops; 0: it does not */
    uint64_t half_ms;    /* an element is half read since; 0: none is */
    uint64_t stanzas_in;
    uint64_t elements;   /* first-level elements and headers that were read */
    uint16_t raw_from_n, raw_to_n; /* 0: not kept */
    char raw_from[IN_RAW_MAX], raw_to[IN_RAW_MAX];
};

#define IN_BUCKETS 1024 /* a power of two */
#define IN_GONE_MAX 64
struct s2_incomings {
    struct s2_incoming *first;
    struct s2_incoming *by_ref[IN_BUCKETS];
    struct in_address *addresses[IN_BUCKETS];
    struct in_queue unverified;
    struct xmb_timer *sweep;
    struct s2_read_limits limits, limits_unverified; /* copies: readers borrow them */
    uint32_t generation;      /* of the configuration that these are of */
    struct s2_domain *served; /* its local domains */
    size_t served_count;
    struct s2_domain *gone;   /* those that a reload took away, at most IN_GONE_MAX: host-gone */
    size_t gone_count;
};

static inline const struct s2_security *in_security(const struct s2_incoming *s)
{
    return &s->w->conf->security[s->side];
}

/* --- incoming.c: life ------------------------------------------------------------------------- */

/* "partner.example 192.0.2.1:5269" for the log. Returns `text`. */
#define IN_PEER_MAX (S2_DOMAIN_MAX + XMB_ADDR_TEXT_MAX + 2)
const char *s2_in_peer(const struct s2_incoming *s, char *text);
#define IN_LOG(s, level, key, ...)                                                                 \
    do {                                                                                           \
        char in_peer_[IN_PEER_MAX];                                                                \
        S2_LOG((s)->w->module->module, level, key, s2_in_peer(s, in_peer_), __VA_ARGS__);          \
    } while (0)
void s2_in_remote(const struct s2_incoming *s, struct xmb_addr *out);
/* Sends; a peer that does not read its answers is cut off. 1: sent. */
int s2_in_send(struct s2_incoming *s, const struct s2_text *t);
/* Stops or goes on reading; no counting. It does not go on while answers wait for room. */
void s2_in_pause(struct s2_incoming *s);
void s2_in_push(struct s2_incoming *s); /* stops, because a flow wants it */
void s2_in_unpause(struct s2_incoming *s);
/* It is one of the open streams no more. */
void s2_in_uncount(struct s2_incoming *s);
/* (Re)starts the negotiation limit. */
void s2_in_negotiate(struct s2_incoming *s);
/* NULL: it is gone. */
struct s2_incoming *s2_in_find(const struct s2_incomings *in, xmb_ref ref);

/* --- in_fsm.c --------------------------------------------------------------------------------- */

int s2_in_event(struct s2_incoming *s, enum in_event ev, const struct in_input *in);
const char *s2_in_state_name(const struct s2_incoming *s);

/* --- in_feed.c: octets to events -------------------------------------------------------------- */

/* A fresh reader for the next header. XMB_ENOMEM. */
int s2_in_reader(struct s2_incoming *s);
void s2_in_reader_drop(struct s2_incoming *s); /* now, or behind the running feed */
void s2_in_feed(struct s2_incoming *s, struct xmb_buf *in);

/* --- in_sweep.c ------------------------------------------------------------------------------- */

void s2_in_sweep(struct xmb_worker *worker, void *arg);

/* --- in_limits.c: how many -------------------------------------------------------------------- */

enum in_room { IN_ROOM_OK = 0, IN_ROOM_FULL, IN_ROOM_ADDRESS };
/* Makes room for a stream from `remote`, others giving way; counts nothing. */
enum in_room s2_in_room(struct s2_worker *w, enum s2_side side, const struct xmb_addr *remote);
/* 1 when most of the room for streams is taken: no more courtesy to those who are silent. */
int s2_in_is_crowded(const struct s2_worker *w);
/* Counts `s` as unverified. XMB_ENOMEM. */
int s2_in_enlist(struct s2_incoming *s, const struct xmb_addr *remote);
void s2_in_delist(struct s2_incoming *s); /* verified, or gone */
void s2_in_forget(struct s2_incoming *s); /* gone: its address has one less */

/* --- in_header.c ------------------------------------------------------------------------------ */

int s2_in_header(struct s2_incoming *s, const struct in_input *in);       /* the first one */
int s2_in_header_again(struct s2_incoming *s, const struct in_input *in); /* after TLS or SASL */
/* Our header, with a fresh id, behind what `t` holds. */
void s2_in_write_header(struct s2_incoming *s, struct s2_text *t);
void s2_in_question_drop(struct s2_incoming *s); /* policy need not answer about the header */

/* --- in_gone.c: what is kept of a configuration ----------------------------------------------- */

/* Takes limits and local domains over from w->conf when it is another one than last time. */
void s2_in_configure(struct s2_worker *w);
/* 1 when `d` was a local domain until a reload. */
int s2_in_was_served(const struct s2_incomings *in, const struct s2_domain *d);

/* --- in_tls.c --------------------------------------------------------------------------------- */

int s2_in_starttls(struct s2_incoming *s, const struct in_input *in);
int s2_in_starttls_refused(struct s2_incoming *s, const struct in_input *in);
int s2_in_restart(struct s2_incoming *s, const struct in_input *in); /* TLS is up */
/* Behind <starttls/>: starts TLS unless `rest` octets came behind it in plain. */
void s2_in_secure(struct s2_incoming *s, size_t rest);
/*
 * 0, or XMB_EDENIED and why: is the peer's certificate, if TLS is up, one that may speak for
 * `d`? (5.2)
 */
int s2_in_certificate(const struct s2_incoming *s, const struct s2_domain *d, const char **why);
/* Has it judged again by what is trusted and revoked now. */
void s2_in_judge(struct s2_incoming *s);
/* 1 when it proves `d` to SASL EXTERNAL. */
int s2_in_proves(const struct s2_incoming *s, const struct s2_domain *d);
/* 1 when the side wants TLS and this stream has none. */
int s2_in_too_plain(const struct s2_incoming *s);

/* --- in_auth.c -------------------------------------------------------------------------------- */

int s2_in_auth(struct s2_incoming *s, const struct in_input *in);
int s2_in_sasl(struct s2_incoming *s, const struct in_input *in);
/* Policy has answered for the pair that EXTERNAL proved. */
void s2_in_auth_verdict(struct in_pair *p, enum s2_admission a);

/* --- in_result.c: receiving server (2.5) ------------------------------------------------------ */

int s2_in_result(struct s2_incoming *s, const struct in_input *in);
int s2_in_answer(struct s2_incoming *s, const struct in_input *in); /* unsolicited */
void s2_in_result_verdict(struct in_pair *p, enum s2_admission a);
void s2_in_ask_next(struct s2_incoming *s); /* a place among the asks is free */
/* W12 of a db:result. `from` is the peer's domain, `to` ours. */
void s2_in_refuse(struct s2_incoming *s, const struct s2_domain *from, const struct s2_domain *to,
                  enum s2_condition c, const char *text);

/* --- in_verify.c: authoritative server (2.6), with authority.c -------------------------------- */

int s2_in_verify(struct s2_incoming *s, const struct in_input *in);

/* --- in_pairs.c ------------------------------------------------------------------------------- */

struct in_pair *s2_in_pair_find(const struct s2_incoming *s, const struct s2_domain *from,
                                const struct s2_domain *to);
/* NULL: out of memory. */
struct in_pair *s2_in_pair_new(struct s2_incoming *s, const struct s2_domain *from,
                               const struct s2_domain *to, enum in_proof proof);
/* It is proved: its path is opened, the stream is VERIFIED. XMB_ENOMEM: it is gone. */
int s2_in_pair_verified(struct in_pair *p);
/* VERIFIED to REVOKED. */
void s2_in_pair_revoke(struct in_pair *p);
/* Everything that it asked is cancelled; it is gone. */
void s2_in_pair_drop(struct in_pair *p);
void s2_in_pairs_drop(struct s2_incoming *s);         /* all */
void s2_in_pairs_drop_pending(struct s2_incoming *s); /* those that are not verified */
/* Asks policy; the answer comes to s2_in_pair_verdict now or later. */
void s2_in_pair_admit(struct in_pair *p);
int s2_in_verified(const struct s2_incoming *s, const struct s2_domain *from); /* with any `to` */

/* --- in_recheck.c ----------------------------------------------------------------------------- */

/* Policy about a pair that is past ADMITTING: it may have changed its mind. */
void s2_in_recheck_verdict(struct in_pair *p, enum s2_admission a);

/* --- in_stanza.c ------------------------------------------------------------------------------ */

int s2_in_stanza(struct s2_incoming *s, const struct in_input *in);
int s2_in_stanza_early(struct s2_incoming *s, const struct in_input *in);  /* no pair is verified */
int s2_in_stanza_ending(struct s2_incoming *s, const struct in_input *in); /* behind our end tag */
int s2_in_sm_enable(struct s2_incoming *s, const struct in_input *in);
int s2_in_sm_refused(struct s2_incoming *s, const struct in_input *in);
int s2_in_sm_answer(struct s2_incoming *s, const struct in_input *in);

/* --- in_bidi.c ------------------------------------------------------------------------------ */

int s2_in_bidi(struct s2_incoming *s, const struct in_input *in);
int s2_in_bidi_is_on_offer(const struct s2_incoming *s);
/* `p` has been verified, and the stream is open: it may be sent on the other way round. */
void s2_in_bidi_offer(struct in_pair *p);
void s2_in_bidi_offer_all(struct s2_incoming *s);
void s2_in_bidi_withdraw(struct in_pair *p);
/*
 * Nothing more is sent; flows are told `kind` when it is closed. Harmless again, or without bidi.
 */
void s2_in_bidi_end(struct s2_incoming *s, enum s2_failure_kind kind, const char *why);
void s2_in_bidi_closed(struct s2_incoming *s, const char *why);
/* Writes where there is a link: it waits for room rather than being lost. */
int s2_in_bidi_write(struct s2_incoming *s, struct xmb_str octets);
/* When the last stanza went either way. */
uint64_t s2_in_used_ms(const struct s2_incoming *s);

/* --- in_close.c ------------------------------------------------------------------------------- */

/*
 * W15: a stream error, our header before it where it was not sent, and the close. `text` for the
 * peer and for the log. Returns IN_STOP for handlers.
 */
int s2_in_fail(struct s2_incoming *s, enum s2_stream_error e, const char *text);
/* The same with octets of `t` in front of it, in one write. */
int s2_in_fail_behind(struct s2_incoming *s, struct s2_text *t, enum s2_stream_error e,
                      const char *text);
/* W16: our end tag; the peer has 5 s for its own. `why` (static) for the log. */
void s2_in_end(struct s2_incoming *s, const char *why);
/* No word more. */
void s2_in_cut(struct s2_incoming *s, const char *why);
int s2_in_peer_end(struct s2_incoming *s, const struct in_input *in);
int s2_in_peer_error(struct s2_incoming *s, const struct in_input *in);
int s2_in_timeout(struct s2_incoming *s, const struct in_input *in);       /* negotiation */
int s2_in_handshake_late(struct s2_incoming *s, const struct in_input *in);
int s2_in_drain_look(struct s2_incoming *s, const struct in_input *in);
void s2_in_drained(struct s2_incoming *s); /* a drain waits for it no longer */
int s2_in_over(struct s2_incoming *s, const struct in_input *in);          /* after ENDING */

#endif
