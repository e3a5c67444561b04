/* SPDX-License-Identifier: MIT */
/*
 * link.h - streams that we open (xmpp-s2s.md 2.3; RFC 6120; XEP-0220), and what is done on them.
 *
 * A *link* is one outgoing connection to a remote domain. A *lease* is the use of a link for one
 * pair of domains, to send stanzas; several leases may share a link where both sides allow it
 * (2.7). An *ask* is step 2 of dialback: one question to an authoritative server, on a link of its
 * own or on one that is there.
 *
 *   RESOLVE -> CONNECT -> HEADER -> FEATURES -> (STARTTLS -> SECURING -> HEADER -> FEATURES) -> READY -> RESULT -> VERIFIED
 *                                                          (SASL EXTERNAL: AUTH -> HEADER -> FEATURES -> VERIFIED)
 *
 * Files: link.c (life, table), targets.c (where: servers of a local domain, or the router; happy
 * eyeballs), out_header.c, out_features.c, out_result.c, lease.c, ask.c.
 *
 * Nothing is called back before the function that started it has returned.
 */
#ifndef S2_LINK_H
#define S2_LINK_H

#include "gateway.h"
#include "writer.h"

#define LINK_SWEEP_MS 2000 /* how often silent links are looked at */

int s2_links_init(struct s2_worker *w);
void s2_links_fini(struct s2_worker *w); /* after flows and incoming streams: nobody is told any more */

/* Why a lease could not be had, or ended. */
enum s2_failure_kind {
    S2_FAIL_NO_DOMAIN = 1,  /* no such name, SRV ".", loop to ourselves -> remote-server-not-found */
    S2_FAIL_UNREACHABLE,    /* no target could be connected, resolver failed -> remote-server-timeout */
    S2_FAIL_TLS,            /* TLS or certificate -> remote-server-timeout */
    S2_FAIL_REFUSED,        /* dialback invalid -> internal-server-error (XEP-0220) */
    S2_FAIL_DIALBACK,       /* dialback error, or no answer -> remote-server-timeout */
    S2_FAIL_STREAM,         /* stream error of the peer before it was verified */
    S2_FAIL_UNKNOWN_HOST,   /* stream error host-unknown -> remote-server-not-found */
    S2_FAIL_GOODBYE,        /* verified, then the peer ended the stream in order: reconnect at once (R81) */
    S2_FAIL_LOST,           /* verified, then the connection broke or died */
    S2_FAIL_IDLE,           /* ended by us: idle, cleared, or our own stop */
    S2_FAIL_LIMIT           /* no memory, too many */
};
struct s2_failure {
    enum s2_failure_kind kind;
    enum s2_condition condition; /* for stanzas that go back */
    const char *text;            /* for the log; borrowed for the call */
};

struct s2_lease;
/* Events of a lease; `arg` as given. After failed or ended the lease is gone. */
struct s2_lease_events {
    void (*ready)(void *arg, struct s2_lease *l);     /* the pair is verified: send */
    void (*writable)(void *arg, struct s2_lease *l);  /* after XMB_EAGAIN */
    void (*failed)(void *arg, const struct s2_failure *f); /* never became ready */
    /*
     * It was ready and is gone. Octets of this link from position `left` on never left this host
     * (they can be sent again without doubling); those before `acked` were acknowledged by the
     * peer's kernel.
     */
    void (*ended)(void *arg, const struct s2_failure *f, uint64_t left, uint64_t acked);
    /* XEP-0198 on this link: the peer has handled `h` stanzas of this lease since it was ready. */
    void (*handled)(void *arg, uint64_t h);
    /*
     * Nothing has shown for keepalive_ms that the peer reads this link: asks it, or looks how long
     * the answer takes. Comes with each sweep. 0: it cannot be asked. NULL: the same.
     */
    int (*silent)(void *arg, struct s2_lease *l);
    /*
     * Its link is retired: it ends in order when its last lease is closed, and in a while in any
     * case. To be closed, here or later, as soon as nothing that was sent on it is unconfirmed;
     * nothing but questions about that should be sent until then. NULL: the while is waited for.
     */
    void (*retired)(void *arg, struct s2_lease *l);
    /*
     * The peer has answered s2_lease_question, see s2_lease_read_end; or, `is_answer` 0, ended the
     * stream instead, and `ended` follows. NULL: nobody is told.
     */
    void (*answered)(void *arg, struct s2_lease *l, int is_answer);
};
/*
 * Asks for a lease to send stanzas from `local` to `remote` on `side` (the side it is dialled to:
 * S2_OUTSIDE for a foreign remote). Shares a verified link of the same remote when that is allowed.
 * 0 and `*out`; exactly one of ready or failed follows. XMB_ENOMEM, XMB_ELIMIT.
 */
int s2_lease_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                  const struct s2_domain *remote, const struct s2_lease_events *events, void *arg,
                  struct s2_lease **out);
/*
 * Sends one stanza: `n` parts, all or nothing, shared not copied. `*end` becomes the link's
 * position behind it (octets since the link was ready for the first time). XMB_EAGAIN: `writable`
 * follows; XMB_ECLOSED: `ended` follows; XMB_ETOOBIG: over the peer's XEP-0478 limit, or never
 * possible.
 */
int s2_lease_send(struct s2_lease *l, const struct xmb_part *parts, size_t n, uint64_t *end);
/*
 * Position up to which the peer's kernel has acknowledged everything. A system call: not for each
 * message.
 */
uint64_t s2_lease_acked(struct s2_lease *l);
/*
 * 1: XEP-0198 is on; `handled` events confirm, no barrier is needed. s2_lease_request sends <r/>.
 */
int s2_lease_has_sm(const struct s2_lease *l);
int s2_lease_request(struct s2_lease *l);
/*
 * A question that is no activity: sent as by s2_lease_send, but the link is as idle as before, and
 * no `writable` follows XMB_EAGAIN.
 */
int s2_lease_ask(struct s2_lease *l, struct xmb_str octets, uint64_t *end);
/*
 * Monotonic ms of when the peer last showed that it reads this link: it was verified, or a ping or
 * request was answered, for whomever. 0: never.
 */
uint64_t s2_lease_proved_ms(const struct s2_lease *l);
/*
 * Monotonic ms of the last octets that came on its link (stanzas, dialback, white space): a sign of
 * life.
 */
uint64_t s2_lease_heard_ms(const struct s2_lease *l);
/*
 * The peer has read this lease's link up to position `end`: it answered what stood there. That
 * holds for whoever shares the link, so s2_lease_read_end tells how far it is known to have been
 * read, by anybody's doing.
 */
void s2_lease_read(struct s2_lease *l, uint64_t end);
uint64_t s2_lease_read_end(const struct s2_lease *l);
/*
 * Asks the peer, on the link itself, how far it has read: `answered` follows, for all who use the
 * link. `id` is nobody else's. No activity. XMB_EAGAIN: something is asked already, or there is no
 * room; XMB_ENOSYS: the peer has no dialback, or better means.
 */
int s2_lease_question(struct s2_lease *l, struct xmb_str id);
int s2_lease_can_answer(const struct s2_lease *l); /* 0: XMB_ENOSYS */
/*
 * What comes on its link, where it is bidirectional, is read no more, because a flow pushes back:
 * monotonic ms of when that ended; UINT64_MAX: it has not; 0: it never was so.
 */
uint64_t s2_lease_held_ms(const struct s2_lease *l);
/*
 * The pair is done (idle, denied, removed): no event follows; the link ends when it was the last
 * one.
 */
void s2_lease_close(struct s2_lease *l);
/*
 * The link is dead to us (barrier timed out): it is reset; `ended` follows with S2_FAIL_LOST and
 * `why`.
 */
void s2_lease_kill(struct s2_lease *l, const char *why);
/* Address text of the peer for the log; "" when none. */
const char *s2_lease_peer(const struct s2_lease *l);

/* --- step 2 of dialback --- */

enum s2_ask_result { S2_ASK_VALID = 1, S2_ASK_INVALID = 2, S2_ASK_ERROR = 3 };
struct s2_ask;
/*
 * Asks the authoritative server of `sender` whether `key` is its own, for stream `id` (S2_ID octets
 * at most S2_ASK_ID_MAX) that came to `target` (our name on that side). `side`: where `sender`
 * lives. Exactly one `done` follows unless cancelled; `condition` says why with S2_ASK_ERROR. Key
 * at most 512 octets, as it came. XMB_ENOMEM, XMB_ELIMIT, XMB_EINVAL.
 */
#define S2_ASK_ID_MAX 128
typedef void s2_ask_fn(void *arg, enum s2_ask_result r, enum s2_condition condition, const char *text);
int s2_ask_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *target,
                const struct s2_domain *sender, struct xmb_str id, struct xmb_str key,
                s2_ask_fn *done, void *arg, struct s2_ask **out);
void s2_ask_cancel(struct s2_ask *a);

/* --- the protocol role's callbacks for a dialled connection; `cs` is the link --- */
int s2_link_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_link **out);
int s2_link_data(struct s2_link *l, struct xmb_conn *conn, struct xmb_buf *in);
void s2_link_writable(struct s2_link *l, struct xmb_conn *conn);
void s2_link_secured(struct s2_link *l, struct xmb_conn *conn);
void s2_link_expired(struct s2_link *l, struct xmb_conn *conn, uint32_t which);
void s2_link_closed(struct s2_link *l, struct xmb_conn *conn, const char *why);
void s2_link_drain(struct s2_link *l, struct xmb_conn *conn);
void s2_link_dial_failed(struct s2_worker *w, void *user, const char *why);

/* A flow that a bidirectional link feeds has room again; a stale `ref` is fine. */
void s2_link_resume(struct s2_worker *w, xmb_ref ref);
void s2_link_recheck(struct s2_worker *w);     /* configuration changed */
void s2_link_tls_changed(struct s2_worker *w); /* what is trusted or revoked has changed */
struct s2_connection; /* show.h */
void s2_link_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c), void *arg);
/* 1: it is found, and ends: one that is verified is retired (link_retire.c). */
int s2_link_clear(struct s2_worker *w, uint64_t id);

#endif
