/* SPDX-License-Identifier: MIT */
/*
 * gateway.h - the module and its state on one worker, as all files of this plugin see them.
 *
 * What a stanza goes through:
 *
 *   incoming stream --(from, to)--> flow --> lease on an outgoing link --> peer
 *   (any worker)                    (the worker that owns the foreign domain)
 *
 *   incoming.h   a stream that a peer opened: header, TLS, dialback as receiving and authoritative
 *                server
 *   flow.h       stanzas from one domain to another: queue, copies until confirmed, bounces
 *   link.h       a stream that we opened: resolve, dial, TLS, dialback as originating server, and
 *                asking step 2
 *   component.h  the server of a local domain that connects to us; both directions
 *   reverse.h    the other direction of a stream that a peer opened (XEP-0288)
 *   admit.h      who may speak to whom: sides first, then the policy chain
 *
 * The worker that owns a flow is chosen by its foreign domain alone, so both directions of a
 * relation, and all our domains towards it, meet on one worker: bounces and shared links need no
 * message between threads. While a component is connected, its worker owns all flows of its
 * domain instead; and while a peer's bidirectional stream is used in reverse, its worker owns the
 * flow that goes there.
 *
 * Functions that leave their file begin with s2_. A stream, link or flow is touched by its own
 * worker only.
 */
#ifndef S2_GATEWAY_H
#define S2_GATEWAY_H

#include <stdatomic.h>
#include <xmb/xmb.h>

#include "conf.h"

extern const struct xmb_host *s2_host;

/* Metrics, in the order of metrics.c. */
enum s2_metric {
    S2_M_STREAMS_IN,          /* gauge: incoming streams */
    S2_M_STREAMS_OUT,         /* gauge: outgoing streams */
    S2_M_STREAMS_REFUSED,     /* incoming streams ended by a stream error of ours */
    S2_M_STANZAS_IN,
    S2_M_STANZAS_OUT,
    S2_M_BYTES_IN,            /* of stanzas */
    S2_M_BYTES_OUT,
    S2_M_BOUNCED,             /* stanzas answered with an error by us */
    S2_M_DROPPED,             /* stanzas that could be neither delivered nor answered */
    S2_M_RESENT,
    S2_M_CONFIRMED,
    S2_M_QUEUED,              /* gauge: stanzas waiting for a stream */
    S2_M_UNCONFIRMED,         /* gauge: sent, not confirmed */
    S2_M_BARRIERS,
    S2_M_BARRIERS_HERE,       /* of these, asked on the stream itself as well */
    S2_M_BARRIER_TIMEOUTS,
    S2_M_DIALBACK_VALID,      /* incoming pairs verified by dialback */
    S2_M_DIALBACK_INVALID,
    S2_M_DIALBACK_FAILED,     /* the authoritative server could not be asked */
    S2_M_EXTERNAL,            /* incoming pairs verified by SASL EXTERNAL */
    S2_M_KEYS_RIGHT,          /* asked as authoritative server */
    S2_M_KEYS_WRONG,
    S2_M_DENIED,              /* pairs that policy refused */
    S2_M_SPOOFED,             /* streams or stanzas that claimed a domain of the other side */
    S2_M_DIALS,
    S2_M_DIALS_FAILED,
    S2_M_TLS_RESUMED,
    S2_M_COUNT
};

extern const struct xmb_metric s2_metrics[S2_M_COUNT]; /* metrics.c */

struct s2_component;    /* component.h */
struct s2_components;   /* the same */
struct s2_reverses;     /* reverse.h */
struct s2_privacy;      /* privacy.h */
struct s2_health;       /* health.h */

/*
 * What a worker adds to sums over all of them; written by that worker alone, in a cache line of its
 * own.
 */
#define S2_WORKERS_MAX 256
struct s2_tally {
    _Atomic uint64_t taken;   /* stanzas that flows took; errors of ours are not counted */
    _Atomic uint64_t settled; /* of these: confirmed, given back, or dropped and counted */
    _Atomic uint32_t streams; /* the broker stops, and these may still bring stanzas and answers */
    char apart[64 - 2 * sizeof(uint64_t) - sizeof(uint32_t)];
};

struct s2_module {
    struct xmb_module *module;
    _Atomic uint32_t incoming;     /* streams over all workers */
    _Atomic uint32_t incoming_inside; /* of these, from inside */
    _Atomic uint32_t owner_epoch;  /* raised when owners of flows may have changed */
    struct s2_secret made[S2_SIDES]; /* at start; used where the configuration gives no secret */
    uint32_t generation;             /* of the newest configuration; control thread */
    _Atomic uint64_t barrier_nonce;  /* marks pings of this process; 0: not made yet (barrier_id.c) */
    uint64_t drain_ms;               /* the time to the end; written before the drain is posted */
    struct s2_components *components; /* those that are connected */
    struct s2_reverses *reverses;     /* pairs that may be used in reverse (XEP-0288) */
    struct s2_health *health;        /* which local domains could be reached */
    const struct s2_privacy *privacy; /* of allow-deny, or NULL: not loaded */
    struct s2_tally tally[S2_WORKERS_MAX];
};

struct s2_incoming;
struct s2_link;
struct s2_flow;
struct s2_flows;   /* flow.c: the flows of this worker */
struct s2_links;   /* link.c: links and asks of this worker */
struct s2_incomings; /* incoming.c: streams, and the count of unverified ones by address */

struct s2_worker {
    struct s2_module *module;
    struct xmb_worker *worker;
    const struct s2_conf *conf; /* current; NULL until the first worker_conf */
    uint64_t conf_ms;           /* since when */
    uint64_t *cells;            /* metrics, by enum s2_metric */
    uint32_t index;
    uint32_t count;
    struct s2_incomings *incomings;
    struct s2_links *links;
    struct s2_flows *flows;
    struct s2_component *components; /* connections of this worker */
    struct s2_probe *probes; /* tests of domains that run */
    int is_draining;         /* no more of them begin */
    struct s2_asking *admits; /* admit.c: questions to policy that wait for their answer */
    uint64_t admit_count;     /* names them */
};

/*
 * What the host keeps as `cs` of a connection is ours to tell apart: s2_conns.c sets the lowest
 * bit of a link's pointer and the one above of a component's, so that none of the three structures
 * needs a tag, and no callback has to ask conn->info. All come from malloc.
 */
extern const struct xmb_protocol s2_protocol; /* s2_conns.c */
/* component_table.c: raises owner_epoch, so that paths look again. Thread: any. */
void s2_owners_changed(struct s2_module *m);
/* s2_plugin.c: everything that is open is judged by the configuration and policy of now. */
void s2_recheck(void *wself);
/* s2_plugin.c: a reload changed TLS profiles; peers' certificates are judged again, and ours. */
void s2_tls_changed(void *wself);

#define S2_COUNT(w, metric, by) ((w)->cells[metric] += (uint64_t)(by))
static inline uint64_t s2_now_ms(const struct s2_worker *w)
{
    return s2_host->worker->now_ms(w->worker);
}

/* --- sums over all workers ------------------------------------------------------------------- */

static inline struct s2_tally *s2_tally(const struct s2_worker *w)
{
    return &w->module->tally[w->index % S2_WORKERS_MAX];
}
static inline void s2_tally_add(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
                          memory_order_release);
}
/* Stanzas that are in flows or on the way to one. What is settled is read first: never too few. */
static inline uint64_t s2_stanzas_left(const struct s2_worker *w)
{
    uint64_t settled = 0, taken = 0;
    uint32_t i;

    for (i = 0; i < w->count && i < S2_WORKERS_MAX; i++)
        settled += atomic_load_explicit(&w->module->tally[i].settled, memory_order_acquire);
    for (i = 0; i < w->count && i < S2_WORKERS_MAX; i++)
        taken += atomic_load_explicit(&w->module->tally[i].taken, memory_order_acquire);
    return taken - settled;
}
static inline uint32_t s2_streams_left(const struct s2_worker *w)
{
    uint32_t n = 0, i;

    for (i = 0; i < w->count && i < S2_WORKERS_MAX; i++)
        n += atomic_load_explicit(&w->module->tally[i].streams, memory_order_acquire);
    return n;
}

/* --- events: the log (R63) ------------------------------------------------------------------- */

/*
 * One line: object is the peer ("partner.example 192.0.2.1:5269"), text says domains, cause and
 * what happens next. The core writes module="XMPPFederation" for this module. `key`: static text,
 * for events that a stranger can cause (limited to 20 a second); NULL: never left out.
 */
#define S2_LOG(module_, level_, key_, object_, ...)                                                \
    do {                                                                                           \
        if (s2_host->log->level(module_) >= (uint32_t)(level_)) {                                  \
            if ((key_) != NULL)                                                                    \
                s2_host->log->limited(module_, level_, (key_) != NULL ? (key_) : "", 20, object_,  \
                                      __VA_ARGS__);                                                \
            else                                                                                   \
                s2_host->log->write(module_, level_, object_, __VA_ARGS__);                        \
        }                                                                                          \
    } while (0)

#endif
