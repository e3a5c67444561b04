/* SPDX-License-Identifier: MIT */
/*
 * policy.h - may it? The chain of policy modules, in the order of the
 * configuration, and the principals that they vouch for.
 *
 * At each point the modules that declare it are asked in turn. The first DENY
 * ends it; at least one ALLOW is needed; when all abstain, or none is asked, it
 * is DENY. A module that fails, or is late, has denied. One exception is
 * written here so that nobody has to guess: XMB_POINT_ACCEPT is allowed when
 * no loaded module declares it and the request names no list, because everything
 * later is still denied until authenticated.
 *
 * PENDING: the module keeps the ticket and completes it later from any thread;
 * the host brings the verdict back to the asking worker. After the chain's
 * deadline (5 s) it is a DENY with the reason XMB_DENY_LATE; the ticket must be
 * completed all the same, at the latest before `stop` returns.
 */
#ifndef XMB_POLICY_H
#define XMB_POLICY_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

/*
 * Points, as bits: a module declares the set that it wants to be asked at. Who asks in this
 * version: xmcp at ACCEPT and AUTHENTICATE, xmpp-s2s at ROUTE. A protocol of yours may ask at any.
 */
enum xmb_point {
    XMB_POINT_ACCEPT = 1,       /* a connection, before any octet is read */
    XMB_POINT_AUTHENTICATE = 2, /* who is it: username and mechanism in, principal out */
    XMB_POINT_AUTHORIZE = 4,    /* the session as a whole */
    XMB_POINT_PUBLISH = 8,
    XMB_POINT_SUBSCRIBE = 16,
    XMB_POINT_ROUTE = 32, /* a message from one domain to another */
    XMB_POINT_CONTROL = 64
};

enum xmb_verdict {
    XMB_ABSTAIN = 0,
    XMB_ALLOW = 1,
    XMB_DENY = 2,
    XMB_PENDING = 3 /* only with a ticket */
};

/* Why it was denied, for the protocol to translate. Appended, never renumbered. */
enum xmb_deny {
    XMB_DENY_POLICY = 1,       /* a rule says no */
    XMB_DENY_UNKNOWN_USER = 2, /* no such name */
    XMB_DENY_CREDENTIALS = 3,  /* name known, proof wrong */
    XMB_DENY_REQUIRED = 4,     /* credentials are needed and were not given */
    XMB_DENY_LATE = 5,         /* a module did not answer in time */
    XMB_DENY_FAILED = 6,       /* a module failed */
    XMB_DENY_SILENCE = 7       /* everybody abstained */
};

enum xmb_mechanism {
    XMB_MECH_ANONYMOUS = 1, /* no credentials offered */
    /*
     * The protocol verifies a keyed digest itself and wants the long-term key,
     * MD5(username ":" realm ":" password) (RFC 8489, section 9.2.2). ALLOW
     * means "the user exists"; the proof is the protocol's duty.
     */
    XMB_MECH_LONG_TERM_KEY = 2,
    XMB_MECH_PLAIN = 3 /* the password itself is in the request */
};

/* Settings that a policy module attaches to a principal; what a protocol does with them is its. */
enum xmb_setting {
    XMB_SETTING_DOMAIN = 1,            /* service domain number */
    XMB_SETTING_DOMAIN_ONLY = 2,       /* 1: no other domain may be asked for */
    XMB_SETTING_NONCE = 3,             /* xmb_nonce_policy */
    XMB_SETTING_NONCE_LIFETIME_MS = 4,
    XMB_SETTING_KEEPALIVE_MS = 5
};
enum xmb_nonce_policy { XMB_NONCE_AUTO = 0, XMB_NONCE_REQUIRED = 1, XMB_NONCE_NONE = 2 };

#define XMB_SETTING_MAX 32 /* room for that many numbers of enum xmb_setting */

/* What is asked. Views are borrowed for the call; who answers PENDING copies what it needs. */
struct xmb_request {
    uint32_t size;
    uint32_t point;                   /* one of enum xmb_point */
    const struct xmb_module *asker;   /* the module that asks */
    const struct xmb_principal *principal; /* who, once known; NULL before */
    struct xmb_addr remote;           /* the peer */
    const char *list;                 /* ACCEPT: the address list that must permit, or NULL */
    uint32_t mechanism;               /* AUTHENTICATE: enum xmb_mechanism */
    uint32_t domain;                  /* PUBLISH, SUBSCRIBE: service domain */
    struct xmb_str username;          /* AUTHENTICATE */
    struct xmb_str realm;             /* AUTHENTICATE */
    struct xmb_str password;          /* AUTHENTICATE with XMB_MECH_PLAIN; never logged */
    struct xmb_str from;              /* ROUTE */
    struct xmb_str to;                /* ROUTE */
    /*
     * Since 0.2. ROUTE: the one of `from` and `to` that is not ours, which lists are about: lower
     * case, A-labels. None when both are ours.
     */
    struct xmb_str foreign;
};

/*
 * What is answered. A module gets one that the host has zeroed and stamped. The asker hands in
 * its own with `size` set; the host fills it up to there.
 */
struct xmb_answer {
    uint32_t size;
    uint32_t verdict;                /* the chain's result, enum xmb_verdict; set by the host */
    uint32_t reason;                 /* enum xmb_deny with DENY */
    uint32_t reserved;               /* zero */
    const char *text;                /* static text for the operator (never freed), or NULL */
    struct xmb_principal *principal; /* AUTHENTICATE: a reference that the asker must release */
};

/* A policy module. Asked on the worker that asks; in this version no other thread does. */
struct xmb_policy {
    uint32_t size;
    uint32_t points; /* set of enum xmb_point */
    /*
     * One request. Returns enum xmb_verdict or a negative error (counts as DENY).
     * Fills reason and text with DENY; with ALLOW at AUTHENTICATE sets
     * `answer->principal` to a reference. May answer PENDING when `ticket` is not
     * NULL: it then owns the ticket and must complete it exactly once.
     * Must be safe on every worker at once: `wself` is its state on this one.
     */
    int (*check)(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket);
};

struct xmb_policy_api {
    uint32_t size;
    uint32_t rev;

    /*
     * Asks the chain. Returns XMB_ALLOW or XMB_DENY with `*answer` filled, or
     * XMB_PENDING: then `late(arg, answer)` follows exactly once on `w`, never
     * before ask returns, unless `cancel` is called or the worker ends; `*ask_id`
     * names it. Never negative: what goes wrong is a DENY. `request` and late's
     * `answer` are borrowed for the call. `late` NULL: no module may answer
     * PENDING. The answer's principal is the asker's to release, in `late` too.
     * Thread: `w`.
     */
    int (*ask)(struct xmb_worker *w, const struct xmb_request *request, struct xmb_answer *answer,
               void (*late)(void *arg, const struct xmb_answer *answer), void *arg,
               uint64_t *ask_id);
    /* `late` of that question will not be called. Unknown ids are fine. Thread: `w`. */
    void (*cancel)(struct xmb_worker *w, uint64_t ask_id);

    /*
     * Completes a PENDING answer with ALLOW, DENY or ABSTAIN. Consumes the ticket,
     * and the reference `answer->principal`, also when the question is late or
     * cancelled. `answer` may be NULL when there is nothing to add. Thread: any.
     */
    void (*complete)(struct xmb_ticket *ticket, uint32_t verdict, const struct xmb_answer *answer);

    /*
     * A principal: a name, a key and settings, immutable once shared, counted
     * references. `name` and `key` are copied; the key (at most 64 octets) is
     * wiped when it is freed. The caller holds the first reference. NULL when out
     * of memory, or the key or the name (4096 octets) is too long. Thread: any.
     */
    struct xmb_principal *(*principal_new)(struct xmb_str name, struct xmb_str key);
    /* Only by its maker, before it is shared. A `setting` from XMB_SETTING_MAX on is ignored. */
    void (*principal_set)(struct xmb_principal *p, uint32_t setting, uint64_t value);
    /* The value, or `absent` when it was never set. Thread: any. */
    uint64_t (*principal_get)(const struct xmb_principal *p, uint32_t setting, uint64_t absent);
    /* Views of what it holds, valid as long as the reference. Thread: any, as for the rest. */
    struct xmb_str (*principal_name)(const struct xmb_principal *p);
    struct xmb_str (*principal_key)(const struct xmb_principal *p);
    /* Adds a reference and returns `p`. */
    struct xmb_principal *(*principal_hold)(struct xmb_principal *p);
    void (*principal_release)(struct xmb_principal *p); /* NULL is fine */
};

XMB_END_DECLS

#endif
