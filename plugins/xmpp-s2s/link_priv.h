/* SPDX-License-Identifier: MIT */
/*
 * link_priv.h - a link from the inside, for the files of the outgoing side.
 *
 *     link.c         its life: made, found, entered and left, freed
 *     link_fsm.c     states and events as one table
 *     targets.c      the list of where to: its order, names to addresses, one after the other
 *     target_routes.c what stands in it: servers of a local domain, or the router's routes
 *     target_memory.c which targets failed lately, and which are ourselves (G2)
 *     dialler.c      attempts to connect, 250 ms apart (RFC 8305)
 *     out_header.c   octets to events; W1 and W2
 *     out_features.c what the peer offers, and what to do about it
 *     out_tls.c      STARTTLS, direct TLS, the certificate
 *     out_auth.c     SASL EXTERNAL
 *     out_sm.c       XEP-0198
 *     out_result.c   db:result for each lease, and its answers
 *     ask.c          db:verify for each ask, and its answers
 *     out_read.c     db:verify to learn how far the peer has read, and its answer
 *     out_stanza.c   stanzas that come on it, where it is bidirectional (XEP-0288)
 *     out_pairs.c    the pairs whose stanzas may come
 *     out_asked.c    dialback questions of the peer there
 *     lease.c        the use of a link, as flows see it
 *     link_position.c how far the peer's kernel has acknowledged
 *     link_close.c   the ends
 *     link_retire.c  the end that waits until its users know what the peer has read
 *     link_adopted.c a connection that others read, as a link
 *     link_admin.c   reload, show, clear, keepalive
 *
 * A link outlives its connections: when negotiation fails with one target, it goes on with the
 * next. The connection that was given up still has its `closed` to come, so the link counts
 * them.
 *
 * Who calls users back is between s2_link_enter and s2_link_leave; the link is freed in leave
 * only. What a user calls (open, close, cancel) never ends a link there and then: it starts the
 * link's alarm, and what is due happens then.
 */
#ifndef S2_LINK_PRIV_H
#define S2_LINK_PRIV_H

#include "admit.h"
#include "conf.h"
#include "flow.h"
#include "gateway.h"
#include "identity.h"
#include "link.h"
#include "probe.h"
#include "reader.h"
#include "writer.h"

#define LINK_BUCKETS 256         /* of the links of a worker, by remote domain */
#define LINK_MAX 20000           /* links of a worker */
#define LINK_ASKS_MAX 64         /* asks on one link */
#define LINK_ATTEMPTS_MAX 32     /* connections that are tried for one link */
#define LINK_NEGOTIATIONS_MAX 8  /* of those, how many may fail after they were connected */
#define LINK_STAGGER_MS 250      /* RFC 8305, 5: connection attempt delay */
#define LINK_ID_MAX 256          /* octets of the peer's stream id */
#define LINK_ADDRESSES_MAX 16    /* of one target name */
#define LINK_KEY_MAX 512         /* octets of a key that we ask about */
#define LINK_QUESTION_MAX 64     /* octets of the id of a question that nobody needs */
#define LINK_DISLIKE_MS 5000     /* an end so soon behind one is its answer */
#define LINK_MARKERS 16
#define LINK_FAILED_MAX 64       /* targets that are remembered as failed */
#define LINK_FAILED_MS 60000
#define LINK_TEXT 256            /* octets of a reason, NUL included */
#define LINK_RAW_MAX 128         /* the last pair's domains as the peer writes them */
#define LINK_OWED_MAX 16384      /* octets of answers that wait for room */
#define LINK_END_WAIT_MS 5000    /* for the peer's </stream:stream> (2.9) */
#define LINK_RETIRE_MS 5000      /* for the last answers on a link that is retired */
#define LINK_ALIVE_MS 1000       /* how often a busy stream shows that its peer lives */

enum link_state {
    LINK_RESOLVE = 0, /* O1 */
    LINK_CONNECT,     /* O2 */
    LINK_HEADER,      /* O3, O3': W1 was sent */
    LINK_FEATURES,    /* O4 */
    LINK_STARTTLS,    /* O5: W4 was sent */
    LINK_SECURING,    /* O5: handshake */
    LINK_AUTH,        /* W13 was sent */
    LINK_READY,       /* O6, O7: pairs may ask; none is verified */
    LINK_ENABLING,    /* authenticated; <enable/> was sent */
    LINK_VERIFIED,    /* O8 */
    LINK_CLOSING,     /* the end was said; `closed` follows */
    LINK_ENDING,      /* the end was said; the peer of a bidirectional one may finish */
    LINK_DEAD,        /* only connections that were given up are left */
    LINK_STATES
};

enum link_event {
    LEV_HEADER = 0,   /* const struct s2_header */
    LEV_FEATURES,     /* const struct s2_element, as for all elements */
    LEV_STREAM_ERROR,
    LEV_PROCEED,
    LEV_TLS_FAILURE,
    LEV_SASL_SUCCESS,
    LEV_SASL_FAILURE,
    LEV_SASL_CHALLENGE,
    LEV_DB_RESULT,
    LEV_DB_VERIFY,
    LEV_SM_ENABLED,
    LEV_SM_FAILED,
    LEV_SM_R,
    LEV_SM_A,
    LEV_UNKNOWN,
    LEV_STANZA,       /* const struct s2_stanza */
    LEV_END,          /* NULL */
    LEV_BROKEN,       /* const int *: what the reader refused */
    LEV_SECURED,      /* NULL */
    LEV_EXPIRED,      /* NULL */
    LEV_CLOSED,       /* const char *: why */
    LINK_EVENTS
};

/* Who reads from its connection. Only the first has targets and a negotiation. */
enum link_kind {
    LINK_OURS = 0,
    LINK_COMPONENT, /* component.c */
    LINK_INCOMING   /* in_*.c: a stream that the peer opened, used in reverse (XEP-0288) */
};

enum link_alarm {
    LINK_ALARM_WORK = 0,
    LINK_ALARM_STAGGER,
    LINK_ALARM_BUDGET,
    LINK_ALARM_RETIRE,
    LINK_ALARMS
};

/* --- targets --------------------------------------------------------------------------------- */

enum target_state {
    TARGET_NAME = 0, /* `host` is to be resolved */
    TARGET_ASKING,
    TARGET_READY,    /* addr[0..count) */
    TARGET_FAILED
};

/* One way to the remote domain: a route, or a <server>. */
struct s2_target {
    struct s2_link *link;
    char *host; /* ours; NULL: an address was given */
    uint16_t port;
    uint16_t priority;
    uint8_t state;  /* enum target_state */
    uint8_t direct; /* TLS from the first octet */
    uint8_t failed; /* lately: it stands behind its equals */
    uint64_t ask_id;
    struct xmb_addr addr[LINK_ADDRESSES_MAX];
    uint32_t count, next;
    struct xmb_tlsa *tlsa; /* ours, data behind the array; NULL: none */
    uint32_t tlsa_count;
};

/* Where one connection goes to. `target` lives as long as the link's list. */
struct s2_candidate {
    struct s2_target *target;
    struct xmb_addr addr;
    uint8_t plain;       /* TLS failed there once: without (mode tls-optional) */
    uint8_t no_external; /* EXTERNAL ended the stream there once */
};

enum s2_next { S2_NEXT_NONE = 0, S2_NEXT_ADDRESS, S2_NEXT_WAIT };

/* A connection that is tried; what `dial` is handed. */
struct s2_attempt {
    struct s2_attempt *next;
    struct s2_link *link;
    struct s2_candidate candidate;
    uint64_t dial_id;
    uint8_t in_flight; /* 0: it waits for its turn */
};

/* --- positions ------------------------------------------------------------------------------- */

/* What went to the kernel up to `plain` has gone by wire position `wire`. */
struct s2_marker {
    uint64_t plain, wire;
};
struct s2_position {
    uint64_t written; /* octets, plain, of this connection */
    uint64_t base;    /* of those, before the first pair was verified */
    uint64_t acked;
    uint32_t first, count;
    struct s2_marker marker[LINK_MARKERS];
};

/* --- leases and asks ------------------------------------------------------------------------- */

enum lease_state {
    LEASE_WAITING = 0, /* for the link, or for its turn there */
    LEASE_ASKED,       /* db:result was sent */
    LEASE_READY
};

struct s2_lease {
    struct s2_lease *next;
    struct s2_link *link;
    struct s2_domain local, remote;
    const struct s2_lease_events *events;
    void *arg;
    uint8_t state;    /* enum lease_state */
    uint8_t guest;    /* on a link that was there: what goes wrong gets it one of its own */
    uint8_t external; /* verified by SASL EXTERNAL, not by dialback */
    uint8_t starved;  /* a write was refused: `writable` is owed */
    uint32_t turn;
    uint64_t due_ms;  /* LEASE_ASKED: of the answer */
    uint64_t stanzas;
};

struct s2_ask {
    struct s2_ask *next;
    struct s2_link *link;
    struct s2_domain target, sender;
    enum s2_side side;
    uint8_t asked;   /* db:verify was sent */
    uint8_t guest;   /* as with a lease */
    uint8_t id_n;
    uint16_t key_n;
    uint64_t due_ms;
    s2_ask_fn *done;
    void *arg;
    char id[S2_ASK_ID_MAX];
    char key[LINK_KEY_MAX];
};

/* --- stanzas that come (XEP-0288) ------------------------------------------------------------ */

/* A pair that was verified on a bidirectional link: stanzas of it may come as long as it stands. */
struct s2_out_pair {
    struct s2_out_pair *next;
    struct s2_link *link;
    struct s2_domain local; /* the peer's stanzas are from the link's `remote` to this */
    uint8_t external;       /* how it was verified */
    uint8_t verdict;        /* enum s2_admission; S2_ADMIT_LATER: not known yet, nothing is read */
    uint8_t has_question;
    uint64_t question;
    struct s2_path path;    /* open with S2_ADMIT_OK */
};

/* --- the link -------------------------------------------------------------------------------- */

/* A failure with its text; s2_failure borrows it. */
struct s2_end {
    enum s2_failure_kind kind; /* 0: none yet */
    enum s2_condition condition;
    char text[LINK_TEXT];
};

struct s2_link {
    struct s2_link *next, **prev; /* in its bucket */
    struct s2_worker *w;
    enum s2_side side;
    uint8_t state;         /* enum link_state */
    uint8_t in;            /* callbacks of ours that run: not to be freed */
    uint8_t feeding;       /* the reader is on the stack */
    uint8_t drop_reader;   /* it goes when feed has returned */
    uint8_t secured;       /* TLS is up */
    uint8_t unjudged;      /* what is trusted changed before it was verified */
    uint8_t authenticated; /* SASL EXTERNAL succeeded */
    uint8_t tried_external;
    uint8_t has_dialback;  /* the peer's header declares its namespace */
    uint8_t was_verified;  /* `position.base` is set; leases end and do not fail */
    uint8_t sm;            /* XEP-0198 is on */
    uint8_t moved;         /* see-other-host was followed once */
    uint8_t own;           /* a target was one of our own listeners (G2) */
    uint8_t draining;
    uint8_t patient;       /* targets: a name that stands before others is waited for */
    uint8_t kill;          /* s2_lease_kill before there was a connection */
    uint8_t started;       /* its targets are being looked up, or were */
    uint8_t wide;          /* the reader has the limits of a verified stream */
    uint8_t kind;          /* enum link_kind */
    uint8_t bidi;          /* <bidi/> was sent on this connection */
    uint8_t paused;        /* it is not read: a flow pushes back, or policy is asked */
    uint8_t pushed;        /* a flow does */
    uint8_t put;           /* a stanza went into a path during this `data` */
    uint8_t is_held;       /* whoever reads it has stopped, see s2_lease_held_ms */
    const char *retiring;  /* why it is retired; NULL: it is not */
    struct s2_domain local, remote; /* of the header */
    struct s2_probe *probe; /* who is told of each step, see probe.h; NULL: nobody */
    struct s2_lease *leases;
    struct s2_ask *asks;
    uint32_t lease_count, ask_count;
    uint32_t turn;

    struct xmb_timer *timer;
    uint64_t alarm_ms[LINK_ALARMS]; /* 0: off */
    uint64_t timer_ms;              /* when the timer fires; 0: it does not run */

    uint64_t lookup_id;        /* of the router; 0: none */
    struct s2_target *targets; /* NULL once verified */
    uint32_t target_count;
    uint32_t attempt_count;    /* so far */
    uint32_t negotiations;     /* that failed */
    struct s2_attempt *attempts; /* in flight, or waiting for their turn */
    struct s2_candidate current;

    struct xmb_conn *conn;   /* the one that counts, or NULL */
    uint32_t conns;          /* with `closed` to come, that one included */
    struct s2_reader *reader;
    struct s2_read_limits limits;
    uint32_t features;       /* of the last <stream:features/> */
    uint32_t max_bytes;      /* XEP-0478; 0: not said */
    uint16_t id_n;
    char id[LINK_ID_MAX];    /* the peer's, of this stream */
    int64_t not_after_s;     /* end of the certificate's validity, since 1970; 0: none */
    struct s2_link *next_by_ref;  /* bidi: in s2_links.by_ref */
    xmb_ref ref;                  /* bidi: of the connection; 0: in no list */
    struct s2_out_pair *pairs;
    struct s2_out_pair *last;     /* the last stanza's */
    uint32_t pair_count;
    uint16_t raw_from_n, raw_to_n; /* 0: not kept */
    char raw_from[LINK_RAW_MAX], raw_to[LINK_RAW_MAX];
    uint32_t h;              /* stanzas handled since XEP-0198 is on */
    uint64_t elements;       /* first-level elements that were read */
    uint64_t half_ms;        /* an element is half read since; 0: none is */
    uint64_t proved_ms;      /* when the peer last showed that it reads; 0: never */
    uint64_t read_end;       /* position up to which the peer has read it for sure */
    uint64_t question_at;    /* position of what it is asked for that, see out_read.c */
    uint64_t question_end;   /* the same behind it */
    uint64_t question_ms;    /* when it was asked */
    uint8_t question_n;      /* 0: nothing is asked */
    char question[LINK_QUESTION_MAX];
    uint64_t held_ms;        /* when it was last read again; 0: never stopped */
    uint64_t alive_ms;       /* bidi: when flows were last told that the peer lives */
    uint64_t stanza_ms;      /* of the last stanza, or of the connection */
    uint64_t written_ms;
    uint64_t stanzas_in, stanzas_out;
    uint64_t sm_sent;        /* stanzas since <enable/> */
    uint64_t sm_handled;
    struct s2_position position;
    char *owed;              /* answers to the peer that found no room; it is not read meanwhile */
    size_t owed_n;
    uint64_t left, acked;    /* of the connection that ended, for `ended` */
    struct s2_end end;       /* why it ends; while negotiating: of the best attempt */
    char peer[XMB_ADDR_TEXT_MAX];
    char object[S2_DOMAIN_MAX + 1 + XMB_ADDR_TEXT_MAX]; /* for the log */
};

struct s2_failed {
    uint64_t key;
    uint64_t until_ms;
};

struct s2_links {
    struct s2_worker *w;
    struct s2_link *bucket[LINK_BUCKETS];
    struct s2_link *by_ref[LINK_BUCKETS]; /* the bidirectional ones */
    uint32_t count;
    uint32_t turn; /* spreads servers of equal priority */
    struct xmb_timer *sweep;
    struct s2_failed failed[LINK_FAILED_MAX];
};

/* A stranger can make us open links, so every line is one of a limited kind. */
#define LINK_LOG(l, level, ...)                                                                    \
    S2_LOG((l)->w->module->module, level, (level) <= XMB_LOG_NOTICE ? "link failed" : "link",      \
           (l)->object, __VA_ARGS__)

/* A pair was verified: the peer may send what is large. */
static inline int s2_link_is_trusted(const struct s2_link *l)
{
    return l->was_verified || l->pairs != NULL;
}

/* It takes no new users. */
static inline int s2_link_is_leaving(const struct s2_link *l)
{
    return l->state >= LINK_CLOSING || l->draining || l->kill || l->retiring != NULL;
}

static inline const struct s2_security *s2_link_security(const struct s2_link *l)
{
    return &l->w->conf->security[l->side];
}

/* --- link.c --- */

/* A link in LINK_RESOLVE whose alarm is set; NULL: no memory, or too many. */
struct s2_link *s2_link_new(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                            const struct s2_domain *remote);
void s2_link_enter(struct s2_link *l);
void s2_link_leave(struct s2_link *l); /* may free it */
void s2_link_alarm(struct s2_link *l, enum link_alarm which, uint64_t delay_ms);
void s2_link_alarm_off(struct s2_link *l, enum link_alarm which);
/* What its users want of it is looked at in a later turn. */
void s2_link_kick(struct s2_link *l);
/* Writes to the current connection and counts. Of an error the connection is reset. */
int s2_link_write(struct s2_link *l, struct xmb_str octets);
/*
 * The same for an answer to the peer on a link where stanzas may fill the queue. 1: it waits for
 * room and will be written; s2_link_owes until then, and nothing more should be read.
 */
int s2_link_answer(struct s2_link *l, struct xmb_str octets);
static inline int s2_link_owes(const struct s2_link *l)
{
    return l->owed_n > 0;
}
/* The connection's one-shot deadline, to the first of the answers that are waited for. */
void s2_link_rearm(struct s2_link *l);
/* Nobody needs it: orderly end. */
void s2_link_if_idle(struct s2_link *l);
struct s2_link *s2_links_bucket(const struct s2_worker *w, const struct s2_domain *remote);

/* --- link_fsm.c --- */

void s2_link_event(struct s2_link *l, enum link_event ev, const void *what);
const char *s2_link_state_name(const struct s2_link *l);

/* --- targets.c, target_routes.c, target_memory.c --- */

void s2_targets_start(struct s2_link *l); /* s2_dialler_start follows, or the link fails */
/* Room for `count` targets. XMB_ENOMEM, noted. */
int s2_targets_reserve(struct s2_link *l, size_t count);
/* One more: an address when its family is set, else a name. NULL: no memory, or neither. */
struct s2_target *s2_targets_append(struct s2_link *l, const struct xmb_addr *addr,
                                    struct xmb_str host, uint16_t port);
/* The list is whole: into its order, names are asked about, and the dialler starts. */
void s2_targets_begin(struct s2_link *l);
enum s2_next s2_targets_next(struct s2_link *l, struct s2_candidate *out);
void s2_targets_free(struct s2_link *l);
/* see-other-host: one more, in front. XMB_EINVAL: not HOST or HOST:PORT. */
int s2_targets_add(struct s2_link *l, struct xmb_str text);
uint64_t s2_target_key(const struct s2_target *t);
int s2_target_failed_lately(struct s2_worker *w, uint64_t key);
void s2_target_failed(struct s2_worker *w, uint64_t key);
void s2_target_good(struct s2_worker *w, uint64_t key);
/* 1: a listener of ours has that address. `from`: our end when connected, or NULL. */
int s2_target_is_own(const struct s2_worker *w, const struct xmb_addr *to,
                     const struct xmb_addr *from);

/* --- dialler.c --- */

void s2_dialler_start(struct s2_link *l); /* the budget runs; then step */
void s2_dialler_step(struct s2_link *l);
/* That one next. NULL: no memory, it is lost. */
struct s2_attempt *s2_dialler_again(struct s2_link *l, const struct s2_candidate *c);
void s2_dialler_late(struct s2_link *l);  /* the budget is used up */
void s2_dialler_stop(struct s2_link *l);  /* cancels and frees what waits */

/* --- out_*.c: handlers of the table --- */

void s2_out_begin(struct s2_link *l); /* a new stream: reader, W1, LINK_HEADER */
void s2_out_drop_reader(struct s2_link *l);
void s2_out_header(struct s2_link *l, const void *what);
void s2_out_features(struct s2_link *l, const void *what);
void s2_out_ready(struct s2_link *l); /* O6 */
int s2_out_tls_wanted(const struct s2_link *l);
void s2_out_starttls(struct s2_link *l);
void s2_out_proceed(struct s2_link *l, const void *what);
void s2_out_secure(struct s2_link *l); /* after the octets of <proceed/> were taken */
void s2_out_tls_refused(struct s2_link *l, const void *what);
void s2_out_tls_lost(struct s2_link *l, const void *what);
void s2_out_tls_late(struct s2_link *l, const void *what);
void s2_out_secured(struct s2_link *l, const void *what);
/* What the configuration demands of TLS now: 0, or XMB_EDENIED with `*why`. */
int s2_out_tls_holds(struct s2_link *l, const char **why);
/* Asks for both directions where both sides want them and TLS is up. */
void s2_out_bidi(struct s2_link *l);
int s2_out_external_wanted(const struct s2_link *l);
void s2_out_auth(struct s2_link *l);
void s2_out_auth_success(struct s2_link *l, const void *what);
void s2_out_auth_failure(struct s2_link *l, const void *what);
void s2_out_auth_broken(struct s2_link *l, const void *what);
void s2_out_sm_enable(struct s2_link *l);
void s2_out_sm_enabled(struct s2_link *l, const void *what);
void s2_out_sm_failed(struct s2_link *l, const void *what);
void s2_out_sm_late(struct s2_link *l, const void *what);
void s2_out_sm_request(struct s2_link *l, const void *what);
void s2_out_sm_answer(struct s2_link *l, const void *what);
void s2_out_result(struct s2_link *l, const void *what);
void s2_out_results_late(struct s2_link *l);
/* Sends db:result for the leases that wait. */
void s2_out_results(struct s2_link *l);
/* The pair is verified: LINK_VERIFIED, and `ready`. */
void s2_out_verified(struct s2_link *l, struct s2_lease *e, int external);
/* The first lease of the header's local domain, or NULL. */
struct s2_lease *s2_out_first_lease(const struct s2_link *l);

/* --- out_pairs.c --- */

/* Reading stops, and goes on when nothing of what stopped it is left. */
void s2_out_pause(struct s2_link *l);
void s2_out_push(struct s2_link *l); /* a flow stops it */
void s2_out_unpause(struct s2_link *l);
struct s2_out_pair *s2_out_pair_find(const struct s2_link *l, const struct s2_domain *local);
/* `local` is verified on the bidirectional link: what comes for it is taken from now on. */
void s2_out_pair_open(struct s2_link *l, const struct s2_domain *local, int external);
void s2_out_pairs_drop(struct s2_link *l);
void s2_out_pairs_recheck(struct s2_link *l);
/* 1: the peer used it lately, or may. */
int s2_out_pairs_live(const struct s2_link *l);

/* --- out_stanza.c --- */

void s2_out_stanza(struct s2_link *l, const void *what);
void s2_out_stanza_ending(struct s2_link *l, const void *what);

/* --- out_asked.c --- */

void s2_out_verify(struct s2_link *l, const struct s2_element *e);         /* W9 on a link */
void s2_out_result_refused(struct s2_link *l, const struct s2_element *e); /* W8 on a link */

/* --- ask.c --- */

void s2_asks_send(struct s2_link *l);
void s2_asks_answer(struct s2_link *l, const void *what);
void s2_asks_late(struct s2_link *l);
/* The link is gone: retried on one of its own, or answered with an error. */
void s2_asks_fail(struct s2_link *l, const struct s2_failure *f);

/* --- out_read.c --- */

/* 1: a db:verify with a type is the answer to s2_lease_question; its leases have been told. */
int s2_out_answered(struct s2_link *l, const struct s2_element *e);
/* The peer ends the link: its leases are told when that is its answer to s2_lease_question. */
void s2_out_unanswered(struct s2_link *l);

/* --- lease.c --- */

/* As s2_lease_open to the outside, on a link of its own. */
int s2_lease_probe(struct s2_worker *w, const struct s2_domain *local,
                   const struct s2_domain *remote, const struct s2_lease_events *events, void *arg,
                   struct s2_lease **out);
void s2_lease_join(struct s2_link *l, struct s2_lease *e);
void s2_lease_leave(struct s2_lease *e); /* out of its link's list */
/* Out of its link and told; a guest gets a link of its own instead, unless `final`. */
void s2_lease_fail(struct s2_lease *e, const struct s2_failure *f, int final);
void s2_leases_fail(struct s2_link *l, const struct s2_failure *f);
void s2_leases_end(struct s2_link *l, const struct s2_failure *f);
void s2_leases_writable(struct s2_link *l);
void s2_leases_tell_answer(struct s2_link *l, int is_answer); /* `read_end` has moved, or 0 */
void s2_leases_handled(struct s2_link *l, uint64_t h);

/* --- link_adopted.c; the rest of it is in link_adopted.h --- */

void s2_link_adopted_ready(struct s2_link *l); /* its leases may send */

/* --- link_position.c --- */

void s2_position_reset(struct s2_position *p);
/* Notes where we are; asks the kernel too when `ask`. */
void s2_position_sample(struct s2_link *l, int ask);
/* 1: the peer's system had some of what was written at `at` and behind. */
int s2_position_arrived(const struct s2_link *l, uint64_t at);
/* In `closed`: where unsent octets begin and how far all is acknowledged, since base. */
void s2_position_final(struct s2_link *l, struct xmb_conn *conn, uint64_t *left, uint64_t *acked);

/* --- link_retire.c --- */

/* Ends it in order as soon as its users can let it go; `why` is not copied. */
void s2_link_retire(struct s2_link *l, const char *why);
void s2_link_retire_late(struct s2_link *l);

/* --- link_close.c --- */

enum s2_condition s2_failure_condition(enum s2_failure_kind kind);
/* The connection is of no use: ended with `e` (S2_E_NONE: without a word) and forgotten. */
void s2_link_abandon(struct s2_link *l, enum s2_stream_error e, const char *why);
/* Negotiation with this target failed: the next one, or the end. */
void s2_link_attempt_failed(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                            const char *format, ...) XMB_PRINTF(4, 5);
/* Keeps the better of what was known and this. */
void s2_link_note(struct s2_link *l, enum s2_failure_kind kind, const char *format, ...)
    XMB_PRINTF(3, 4);
/* Before anything was verified: everybody is told, and it is dead. */
void s2_link_fail(struct s2_link *l);
/* Says the end, with `e` or without, and waits for `closed`; who is left is told then. */
void s2_link_goodbye(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                     const char *why);
/* The same without a word and a close: who reads the connection sees to that. */
void s2_link_silence(struct s2_link *l, enum s2_failure_kind kind, const char *why);
void s2_link_free_all(struct s2_link *l); /* out of its bucket, nobody is told */

/* Handlers of the table that end something. */
void s2_end_negotiation_late(struct s2_link *l, const void *what);
void s2_end_negotiation_lost(struct s2_link *l, const void *what);
void s2_end_negotiation_over(struct s2_link *l, const void *what);
void s2_end_stream_error_early(struct s2_link *l, const void *what);
void s2_end_broken(struct s2_link *l, const void *what);
void s2_end_unexpected(struct s2_link *l, const void *what);
void s2_end_unexpected_stanza(struct s2_link *l, const void *what);
void s2_end_ready_lost(struct s2_link *l, const void *what);
void s2_end_ready_over(struct s2_link *l, const void *what);
void s2_end_ready_error(struct s2_link *l, const void *what);
void s2_end_goodbye(struct s2_link *l, const void *what);
void s2_end_error(struct s2_link *l, const void *what);
void s2_end_closed(struct s2_link *l, const void *what);
void s2_end_stanza(struct s2_link *l, const void *what);
void s2_end_answers_late(struct s2_link *l, const void *what);
void s2_end_ignore(struct s2_link *l, const void *what);
void s2_end_over(struct s2_link *l, const void *what); /* LINK_ENDING is */

#endif
