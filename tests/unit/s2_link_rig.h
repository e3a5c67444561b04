/* SPDX-License-Identifier: MIT */
/*
 * s2_link_rig.h - the outgoing side of the gateway alone, on the fake host: a plugin whose
 * protocol role is link.h, a configuration made by hand, and what the fake host does not do -
 * dials that can be chosen and called off, certificates, slow names, the kernel's queue.
 *
 *     rig_open(); rig_route("b.test", "192.0.2.1", 5269, 0);
 *     rig_lease(&u, "a.test", "b.test"); xmb_fakehost_run();
 *     c = rig_connect(0); rig_say(c, "<stream:stream ...>"); rig_heard(c)
 *     rig_close();
 */
#ifndef S2_LINK_RIG_H
#define S2_LINK_RIG_H

#include <xmb/fakehost.h>

#include "link_priv.h"

#define RIG_DIALS 512
#define RIG_QUEUE 4096
#define RIG_LISTENS 4
#define RIG_LOCALS 4
#define RIG_SERVERS 4

struct rig_dial {
    void *user;
    struct xmb_addr address;
    uint64_t id;
    int done; /* connected, refused, or called off */
    int cancelled;
    int aside;
};

/* A user of a lease. */
struct rig_user {
    struct s2_lease *lease; /* NULL once it is gone */
    unsigned ready, writable, failed, ended, handled, silent, retired, answered, refused;
    int close_when_retired, close_when_answered;
    int asks; /* what `silent` answers */
    enum s2_failure_kind kind;
    enum s2_condition condition;
    char text[LINK_TEXT];
    uint64_t left, acked, h;
    int close_when_ready;
    const char *send_when_ready;
};

/* A user of an ask. */
struct rig_asker {
    struct s2_ask *ask;
    unsigned done;
    enum s2_ask_result result;
    enum s2_condition condition;
    char text[LINK_TEXT];
};

struct rig {
    struct xmb_module *m;
    struct s2_worker *w;
    struct s2_module module;
    struct s2_conf conf;
    struct s2_listen listens[RIG_LISTENS];
    struct s2_local locals[RIG_LOCALS];
    struct s2_server servers[RIG_LOCALS][RIG_SERVERS];
    uint32_t index[16];

    struct rig_dial dials[RIG_DIALS];
    size_t dial_count;
    struct rig_dial *queue[RIG_QUEUE]; /* as it stands in the fake host */
    size_t queue_head, queue_tail;
    int dial_rc;                 /* what dial answers; nothing follows when negative */

    struct xmb_addr local_end;   /* of connections; family 0: the fake host's own */
    uint64_t wire;               /* info.wire_sent_bytes */
    size_t unacked;
    int resumed;

    int secure_rc;               /* what secure answers */
    int tls_hangs;               /* `secured` does not follow */
    unsigned secures;
    char profile[64], name[256], session[600], alpn[32], own[256]; /* of the last; "" none */
    uint32_t tlsa_count;
    struct xmb_tls_peer peer;    /* what tls_peer says */
    int revoked;                 /* and after tls_recheck: that it is */
    unsigned rechecks;
    struct xmb_cert_name names[4];

    int lookup_status;           /* what lookup answers at once; 0: the fake host's router */
    int hold_addresses;          /* answers of `addresses` are kept back */
    struct {
        void (*late)(void *arg, const struct xmb_route_answer *answer);
        void *arg;
        char name[256];
        uint64_t id;
    } held[8];
    size_t held_count;
    unsigned forgets;
};
extern struct rig rig;

void rig_open(void); /* tls-required outside, tls-optional inside; local a.test and c.test */
void rig_close(void);
struct xmb_addr rig_addr(const char *text, uint16_t port);
struct s2_domain rig_domain(const char *text);
void rig_local(const char *name);
void rig_server(size_t local, const char *address, const char *host, uint16_t port);
void rig_listen(enum s2_side side, const char *address, uint16_t port);

/* One more route of the router for `domain`: `at` is an address, or a name. */
void rig_route(const char *domain, const char *at, uint16_t port, uint32_t flags);
void rig_route_priority(uint16_t priority); /* of those that follow */
void rig_routes_flush(void);                /* gives them to the router; rig_lease does it too */

int rig_lease(struct rig_user *u, const char *local, const char *remote);
int rig_lease_on(struct rig_user *u, enum s2_side side, const char *local, const char *remote);
int rig_ask(struct rig_asker *a, const char *target, const char *sender, const char *id,
            const char *key);
int rig_send(struct rig_user *u, const char *text, uint64_t *end);

size_t rig_dialling(void);                     /* how many dials are open */
const struct rig_dial *rig_dial(size_t n);     /* the n-th open one, oldest first */
struct xmb_conn *rig_connect(size_t n);        /* it comes through */
void rig_refuse(size_t n);                     /* it fails */

void rig_say(struct xmb_conn *c, const char *text);
/* What the link said since the last call; valid until the next one. */
const char *rig_heard(struct xmb_conn *c);
/* The peer's header with that id. */
void rig_header(struct xmb_conn *c, const char *id);
void rig_features(struct xmb_conn *c, const char *inner);
void rig_release(size_t n, const struct xmb_addr *addr); /* a held question; NULL: no such host */
/* From connected to the header behind STARTTLS and TLS, with that id. */
void rig_secured(struct xmb_conn *c, const char *id);
/*
 * From connected to READY: STARTTLS, TLS, features with dialback and errors; the last stream id
 * is `id`.
 */
void rig_negotiate(struct xmb_conn *c, const char *id);
/* All the way: the pair of `u` is verified over a fresh connection. */
struct xmb_conn *rig_verified(struct rig_user *u, const char *local, const char *remote);
/* The key that we must have sent. */
const char *rig_key(enum s2_side side, const char *target, const char *sender, const char *id);

#define RIG_STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define RIG_OFFER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define RIG_OFFER_REQUIRED \
    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define RIG_PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define RIG_DIALBACK "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
#define RIG_DIALBACK_OLD "<dialback xmlns='urn:xmpp:features:dialback'/>"
#define RIG_EXTERNAL \
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>" \
    "</mechanisms>"
#define RIG_SUCCESS "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
#define RIG_FAILURE "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
#define RIG_SM "<sm xmlns='urn:xmpp:sm:3'/>"

#endif
