/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the configuration of the gateway: immutable once prepared, read by every worker.
 *
 * Made by prepare on the control thread; lives until retire. What an object keeps beyond one
 * callback it copies, or it asks the current configuration again: a reload never leaves a pointer
 * behind.
 */
#ifndef S2_CONF_H
#define S2_CONF_H

#include <xmb/conf.h>

#include "dialback.h"
#include "domain.h"
#include "reader.h"

/*
 * The two sides of the border. A stream's side is that of its listener, or of where it was dialled
 * to.
 */
enum s2_side { S2_OUTSIDE = 0, S2_INSIDE = 1, S2_SIDES = 2 };
static inline enum s2_side s2_other(enum s2_side s)
{
    return s == S2_OUTSIDE ? S2_INSIDE : S2_OUTSIDE;
}
const char *s2_side_name(enum s2_side s); /* "outside", "inside" */

/* R24. */
enum s2_mode { S2_TLS_REQUIRED = 0, S2_TLS_OPTIONAL = 1, S2_NO_TLS = 2 };
const char *s2_mode_name(enum s2_mode m);

/* <security side= mode= require-client-certificates= .../>, one for each side. */
struct s2_security {
    enum s2_mode mode;           /* default: outside tls-required, inside tls-optional */
    int require_certificates;    /* R26: chain must verify; default no */
    int accept_no_certificate;   /* a peer may show none; default: not require_certificates */
    int external;                /* SASL EXTERNAL is offered and used; default: outside only */
    int direct_tls;              /* routes with TLS from the first octet are used; default yes */
    int bidi;                    /* XEP-0288; default no */
    const char *tls;             /* profile to dial with: of its first <listen>, or tls=; or NULL */
    struct s2_secret secret;     /* dialback secret of this side (G6) */
};

/*
 * Must the domain stand in a certificate (R27)? Outside always; inside only where certificates are
 * required, because servers inside have what their package gave them, and the side's addresses and
 * secret are what is trusted there.
 */
static inline int s2_names_matter(enum s2_side side, const struct s2_security *s)
{
    return side == S2_OUTSIDE || s->require_certificates;
}

/* A <listen side= tls=> or <component>; index = the core's listener ordinal. */
struct s2_listen {
    enum s2_side side;
    const char *tls;  /* profile, or NULL: no TLS is offered; we start it (XMB_PROTOCOL_OWN_TLS) */
    int direct;       /* direct-tls="yes": TLS from the first octet (XEP-0368), else STARTTLS */
    int component;    /* index into `locals` of the local domain whose component listens here; -1 */
    const char *address; /* as written, for `show`; NULL: every address */
    uint16_t port;       /* as written or usual */
    struct xmb_addr at;  /* the same without port; family 0: every address, or a name */
};

/* A <server address= port=> of a local domain. */
struct s2_server {
    struct xmb_addr addr; /* with port */
    const char *host;     /* a name to resolve, when addr.family is 0 */
    uint16_t port;
};

/* A <local-domain>. */
struct s2_local {
    struct s2_domain name;
    const char *tls;                 /* profile with its certificate, or NULL: the side's */
    const struct s2_server *servers; /* equal priority (R7, R11) */
    size_t server_count;
    int component;                   /* 1: its server connects to us (XEP-0114) */
    const char *component_secret;
};

/* What is done for stanzas that the peer has not confirmed (<delivery>). */
enum s2_confirm { S2_CONFIRM_BARRIER = 0, S2_CONFIRM_TCP = 1, S2_CONFIRM_NONE = 2 };
enum s2_on_loss { S2_LOSS_BOUNCE = 0, S2_LOSS_RESEND = 1 };

struct s2_conf {
    uint32_t generation;       /* counts configurations, from 1 */
    int enabled;               /* R21; <federation use="no"/> switches off */
    struct s2_security security[S2_SIDES];
    struct s2_listen *listens;
    size_t listen_count;
    struct s2_local *locals;
    size_t local_count;
    uint32_t *local_index;     /* hash table over locals, s2_conf_local */
    uint32_t local_index_size;

    /* <limits stanza= depth= queue= .../> */
    /*
     * Of a verified stream: 256k, depth 64, 8192 elements, 64 attributes, names of 1k, values of
     * attributes of 64k.
     */
    struct s2_read_limits limits;
    /* Before: 10,000 octets, depth 8, 32 elements, 32 attributes, values of 4,096. */
    struct s2_read_limits unverified;
    uint32_t queue_bytes;             /* waiting for a stream, each flow: 1m */
    uint32_t queue_ms;                /* longest wait, then bounced: 60 s */
    uint32_t pairs;                   /* verified or pending on one stream: 64 */
    uint32_t streams_unverified;      /* of one address: 8 */
    uint32_t streams_total;           /* incoming, all workers: 10,000 */

    /* times */
    uint32_t idle_ms;        /* R62: 600 s without a stanza */
    uint32_t negotiation_ms; /* header to verified: 30 s */
    uint32_t connect_ms;     /* one connection attempt: 10 s; all of them: twice */
    uint32_t dialback_ms;    /* answer of the authoritative server, or of step 4: 30 s */
    uint32_t keepalive_ms;   /* a silent stream is asked, or gets white space: 10 s; 0: not */

    /* <delivery confirm= on-loss= window= interval= timeout= hold=/> */
    enum s2_confirm confirm;
    enum s2_on_loss on_loss;
    uint32_t window_bytes;       /* sent and not confirmed, each flow, before it stops: 4m */
    uint32_t barrier_ms;         /* shortest time between two barriers: 1 s */
    uint32_t barrier_timeout_ms; /* 25 s: with barrier_ms under the 30 s of an unseen outage */
    uint32_t hold_ms;            /* nothing is written behind an older barrier: 2 s; 0: never */
    uint32_t backoff_min_ms;     /* 2 s */
    uint32_t backoff_max_ms;     /* 300 s */

    /* Bit 1 << side: its <dialback> is there; else `secret` is filled in by prepare. */
    uint32_t secrets_given;
};

/* Reads and checks; faults are reported with line. XMB_ECONF, XMB_ENOMEM. Thread: control. */
int s2_conf_read(const struct xmb_conf *node, struct s2_conf **out);
void s2_conf_free(struct s2_conf *c);
/* The local domain (or chat node alias) of that name, or NULL. Thread: any. */
const struct s2_local *s2_conf_local(const struct s2_conf *c, const struct s2_domain *d);
/*
 * The <listen> or <component> that a connection came in by: `ordinal` as the core counts, `local`
 * our end of it. NULL: it came in while a reload was under way and counts otherwise than `c`; which
 * side it is of must not be guessed. Thread: any.
 */
const struct s2_listen *s2_conf_listen(const struct s2_conf *c, uint32_t ordinal,
                                       const struct xmb_addr *local);
/*
 * The profile for STARTTLS on a stream of `side` for our domain `d`: the local domain's own
 * outside, else the side's.
 */
const char *s2_conf_tls(const struct s2_conf *c, enum s2_side side, const struct s2_domain *d);

#endif
