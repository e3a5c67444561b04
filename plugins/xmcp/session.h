/* SPDX-License-Identifier: MIT */
/*
 * session.h - one connection of a client, from open to closed.
 *
 *               Register, policy asks around           Register accepted
 *     CONNECTED ---------> ASKING                CONNECTED --------> REGISTERED
 *         ^  |               |                                       |        |
 *         |  | refused       | verdict                    Unregister |        | revoke
 *         |  v               |                                       v        v
 *         | HOLDING          |                                    LEAVING  REVOKED
 *         +--+---------------+                                       |  1 s   |
 *                                  from each state: CLOSING <--------+--------+
 *
 * The table of states and events is in session_fsm.c. What a session owns it frees in
 * xs_session_end (when it is no longer registered) or in xs_closed (the rest). Of a client that
 * only listens it owns: this structure, two strings, its subscriptions and the window.
 */
#ifndef XS_SESSION_H
#define XS_SESSION_H

#include <xmcp.h>

#include "server.h"
#include "services.h"

enum state {
    CONNECTED = 1, /* no session: nothing but Register is taken */
    ASKING,        /* a Register waits for a policy module */
    HOLDING,       /* a Register failed; its answer is held back */
    REGISTERED,
    LEAVING, /* Unregister was answered; closes soon */
    REVOKED, /* RegisterRevoke was sent; closes when it is answered, or soon */
    CLOSING, /* the host closes; nothing more is read or written */
    STATE_COUNT
};

enum event {
    EV_ASK,     /* policy answers later */
    EV_VERDICT, /* it has */
    EV_HOLD,    /* hold the answer back */
    EV_RELEASE, /* that time is over */
    EV_BEGIN,   /* accepted */
    EV_LEAVE,   /* the client goes in good order */
    EV_REVOKE,  /* we end it */
    EV_CLOSE,   /* close the connection */
    EVENT_COUNT
};

/* What input waits for. Reading is paused while any is set. */
enum block {
    BLOCK_POLICY = 1,
    BLOCK_HOLD = 2,
    BLOCK_RING = 4,     /* answers that come first are still to be had */
    BLOCK_REGISTRY = 8, /* the registry's mailbox is full */
    BLOCK_ROOM = 16     /* the output queue is full */
};

/* Deadlines of a session; the earliest is the connection's XMB_DEADLINE_ONCE. */
enum alarm {
    ALARM_REGISTER, /* must have registered by now */
    ALARM_ANSWER,   /* send the answer that is held back */
    ALARM_CLOSE,    /* close at last */
    ALARM_NOTIFY,   /* the first Notify of a 1.x subscription may go */
    ALARM_WINDOW,   /* look for unanswered notifications */
    ALARM_RETRY,    /* ask the registry again */
    ALARM_COUNT
};

/* What became of a message: its octets may be dropped, or it stays and is looked at again. */
enum outcome { DONE = 0, LATER = 1 };

/* An answer that is decided and not yet encoded. */
struct answer {
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    uint16_t method;
    uint16_t code; /* 0: success */
    uint8_t kind;  /* enum answer_kind, of a success */
    uint8_t fault; /* enum xmcp_fault_reason with code 400 */
    uint16_t fault_attribute;
    uint32_t value;     /* subscription, stored version, or permitted domain */
    const char *reason; /* static text of an error; NULL: the code's name */
};

enum answer_kind { ANSWER_PLAIN, ANSWER_REGISTERED, ANSWER_KEPT, ANSWER_SUBSCRIBED };

/* A nonce that was handed out on this connection. issued_ms 0: none. */
struct nonce {
    uint8_t octets[16];
    uint64_t issued_ms;
};

struct verdict {
    uint8_t there; /* an answer of policy that came late waits to be used */
    uint8_t allow;
    uint32_t reason; /* enum xmb_deny */
    struct xmb_principal *principal;
};

struct subscription;
struct window;
struct ring;

struct session {
    struct worker *worker;
    struct xmb_conn *conn;
    struct xmb_buf *in; /* NULL until octets came */
    struct session *next; /* of the worker */
    struct session *previous;
    struct session *next_by_handle;

    uint8_t state;   /* enum state */
    uint8_t blocked; /* enum block, as bits */
    uint8_t paused;  /* conn->pause was called */
    uint8_t running; /* inside xs_input */
    uint8_t anonymous;
    uint8_t refusals;   /* challenges that this connection has had: bits of register.c */
    uint8_t bad_in_row; /* answers 400 since the last good message */
    uint8_t close_after_answer;
    uint8_t ask_again; /* policy changed while it was asked: what it says is of the past */
    uint8_t nonce_policy; /* enum xmb_nonce_policy */
    uint8_t nonce_used;   /* the client uses nonces */
    uint8_t nonce_taken;  /* it has used the newest one */
    uint8_t nonce_offered; /* a 435 was answered */
    uint8_t page_size;
    uint8_t unanswered_in_row;
    uint16_t version_major;
    uint16_t version_minor;
    uint16_t last_code; /* of the last error sent, 0: none */
    uint32_t silent_cells; /* where it counts as not registered; XS_SILENT_NOWHERE: nowhere */
    struct xmcp_form form; /* how we sign; digest none while no key is known */

    uint32_t handle;
    uint32_t domain;
    uint32_t keepalive_ms;
    uint32_t nonce_lifetime_ms;
    uint32_t next_subscription;
    uint32_t subscription_count;
    uint64_t since_ms;
    uint64_t sent_bytes_seen; /* keepalive.c */
    uint64_t alarms[ALARM_COUNT]; /* 0: off */
    uint64_t alarm_set;           /* what the connection's deadline stands at, 0: none */

    struct xmb_principal *principal; /* a reference */
    struct verdict verdict;
    uint64_t ask_id;
    const char *why; /* of the end; static */
    char *name;      /* CLIENT-NAME, or NULL */
    char *label;     /* CLIENT-LABEL, or NULL */

    struct xmcp_mac mac; /* set when form.digest is */
    struct nonce nonces[2]; /* the older, the newest */
    struct answer held;

    struct xmb_owner *owner; /* opened by the first Publish */
    struct services services;
    struct ring *ring; /* requests that the registry has not answered; NULL: none */

    struct subscription *subscriptions;
    struct subscription *ready_first; /* those with something to take, in turn */
    struct subscription *ready_last;
    struct subscription *stalled; /* its event was taken and found no room... */
    const struct xmb_service *stalled_service; /* ...this one; a reference */
    uint8_t stalled_kind;
    uint8_t stalled_reason;
    struct window *window; /* made for the first Notify */
    uint8_t prefix[7];     /* of our transaction IDs */

    uint32_t received[XMCP_METHOD_COUNT];
    uint32_t sent[XMCP_METHOD_COUNT];
};

/* session.c: the callbacks of struct xmb_protocol. */
int xs_open(void *wself, struct xmb_conn *conn, void **cs);
int xs_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in);
void xs_writable(void *cs, struct xmb_conn *conn);
void xs_expired(void *cs, struct xmb_conn *conn, uint32_t which);
void xs_closed(void *cs, struct xmb_conn *conn, const char *why);
void xs_drain(void *cs, struct xmb_conn *conn);

/* It registered, or is gone: it no longer counts among those of its address that say nothing. */
void xs_session_spoke(struct session *s);
/* Everything that REGISTERED means is undone; `gone` (enum xmb_gone) is what others are told. */
void xs_session_end(struct session *s, uint32_t gone);
/* A line in the log about this session, with the peer as its object. */
void xs_session_log(const struct session *s, uint32_t level, const char *what, const char *why);
/* Address of the peer; with port 0 its bare text. */
void xs_session_remote(const struct session *s, struct xmb_addr *out);

/* session_fsm.c. An event that means nothing in this state is ignored: returns 0, else 1. */
int xs_event(struct session *s, enum event ev);
const char *xs_state_name(unsigned state);
/* EV_CLOSE or EV_REVOKE with a reason (static text). */
void xs_close(struct session *s, const char *why);
void xs_revoke(struct session *s, const char *why);

/* input.c */
void xs_input(struct session *s); /* takes what messages it can, then sends what there is to send */
void xs_block(struct session *s, enum block what);
void xs_unblock(struct session *s, enum block what); /* goes on with the input */

/* alarm.c */
void xs_alarm(struct session *s, enum alarm which, uint64_t delay_ms); /* (re)starts it */
void xs_alarm_at_most(struct session *s, enum alarm which, uint64_t delay_ms); /* unless earlier */
void xs_alarm_off(struct session *s, enum alarm which);
void xs_alarms_run(struct session *s); /* the connection's deadline passed */

/* dispatch.c: one message through the checks of section 2.11. */
enum outcome xs_dispatch(struct session *s, const struct xmcp_msg *m, int malformed,
                         struct xmb_str frame);

/* What a message asks for, once all checks are passed. One function for each method. */
enum outcome xs_register(struct session *s, const struct xmcp_msg *m, struct xmb_str frame);
enum outcome xs_keepalive(struct session *s, const struct xmcp_msg *m);
enum outcome xs_unregister(struct session *s, const struct xmcp_msg *m);
enum outcome xs_publish(struct session *s, const struct xmcp_msg *m);
enum outcome xs_unpublish(struct session *s, const struct xmcp_msg *m);
enum outcome xs_subscribe(struct session *s, const struct xmcp_msg *m);
enum outcome xs_unsubscribe(struct session *s, const struct xmcp_msg *m);

/* register.c: the answer that was held back, and a verdict that comes late. */
void xs_register_release(struct session *s);
void xs_register_late(struct session *s); /* it had time enough */
void xs_register_gone(struct session *s); /* the connection closed */

/* keepalive.c: nothing came for one interval. */
void xs_silence(struct session *s);

/* publish.c */
void xs_publish_end(struct session *s, uint32_t gone);

/* recheck.c: are the users of the sessions still there? Also the protocol's policy_changed. */
void xs_recheck(void *wself);

/* handles.c */
int xs_handle_new(struct session *s);     /* sets s->handle. XMB_ENOMEM, XMB_EIO */
void xs_handle_drop(struct session *s);
struct session *xs_handle_find(const struct worker *w, uint32_t handle);

#endif
