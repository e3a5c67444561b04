/* SPDX-License-Identifier: MIT */
/*
 * routing.h - the role of a plugin that knows where things are, and the domain
 * router that it fills.
 *
 * Routing modules run on the routing loop, a thread without client sockets.
 * They push what they know with `update` and `withdraw`; workers look domains
 * up in an immutable snapshot, so the data path never waits for a plugin. On a
 * miss the modules that offer `resolve` are asked in turn and the answer comes
 * back to the asking worker.
 *
 * Which module is heard: the first in the order of the configuration that has
 * any route for a domain. Its routes alone answer; among them lower priority
 * goes first, then weight spreads. A module whose route says `reject` ends the
 * search too: a statically routed domain never falls back to DNS.
 */
#ifndef XMB_ROUTING_H
#define XMB_ROUTING_H

#include <xmb/conn.h>
#include <xmb/service.h>
#include <xmb/types.h>

XMB_BEGIN_DECLS

#define XMB_DOMAIN_NAME_MAX 253 /* octets of a domain name in text form (RFC 1035, 2.3.4) */
#define XMB_ROUTES_MAX 32       /* routes that one lookup can return */

enum xmb_route_flags {
    XMB_ROUTE_SUFFIX = 1, /* stands for the names below it too; the longest one wins */
    XMB_ROUTE_REJECT = 2, /* the domain is known and must not be reached */
    XMB_ROUTE_SECURE = 4, /* learned with proof (DNSSEC) */
    XMB_ROUTE_TLS = 8     /* since 0.2: TLS from the first octet (XEP-0368) */
};

/*
 * One way to a domain. Views are borrowed for the call, or valid as long as the answer is. An
 * array of them is walked with xmb_route_at: the other side's may be longer than yours.
 */
struct xmb_route {
    uint32_t size;
    uint32_t flags;
    struct xmb_str domain; /* lower case, without a trailing dot */
    struct xmb_str target; /* host name, or none when `addr` says it */
    struct xmb_addr addr;  /* with port; family 0: resolve `target` */
    uint16_t port;         /* of `target` */
    uint16_t priority;     /* lower first */
    uint16_t weight;       /* share among equal priorities; 0 counts as smallest */
    uint16_t reserved;
    uint32_t ttl_s; /* resolve only: how long it may be kept; 0: not */
    uint32_t reserved_end; /* zero; without it a later member would begin in padding */
    /*
     * Since 0.2. TLSA records of `target` and `port`, from a secure answer; walk with xmb_tlsa_at.
     * Of one route at most XMB_TLSA_MAX, with 65,535 octets of data together.
     */
    const struct xmb_tlsa *tlsa;
    size_t tlsa_count;
};
#define XMB_TLSA_MAX 16

/* Element `i` of an array of routes that the other side made. Pure. */
static inline const struct xmb_route *xmb_route_at(const struct xmb_route *routes, size_t i)
{
    return (const struct xmb_route *)(const void *)((const char *)routes + i * routes->size);
}

/* The same for TLSA records. */
static inline const struct xmb_tlsa *xmb_tlsa_at(const struct xmb_tlsa *records, size_t i)
{
    return (const struct xmb_tlsa *)(const void *)((const char *)records + i * records->size);
}

struct xmb_routing {
    uint32_t size;
    uint32_t reserved;
    /* The routing loop begins; learn and update may be called from now on. Thread: routing. */
    int (*begin)(void *self);
    /* The last call there. Thread: routing. */
    void (*end)(void *self);
    /*
     * A local service appeared or changed (`now` set), or went (`now` NULL, `was`
     * its last record, and `reason` of enum xmb_gone, else 0). What was there
     * before `begin` is found with service->walk. Records are borrowed; `hold` keeps
     * them. Learned ones are not told. Thread: routing.
     */
    void (*service_changed)(void *self, const struct xmb_service *now,
                            const struct xmb_service *was, uint32_t reason);
    /*
     * Find routes for `domain`, which no table has. Answers later through
     * `router->resolved(ticket, ...)`, exactly once. Negative: cannot ask now,
     * the ticket stays the host's; the next module is asked. Thread: routing.
     */
    int (*resolve)(void *self, struct xmb_str domain, struct xmb_ticket *ticket);
    /*
     * Since 0.2. Find the addresses of host `name` (A and AAAA; no SRV): answer as for resolve,
     * with one route an address, port 0, in the order to try within its family. When no module
     * offers it the host asks the system. Thread: routing.
     */
    int (*addresses)(void *self, struct xmb_str name, struct xmb_ticket *ticket);

    /* --- since 0.3 --- */

    /*
     * The broker stops in `deadline_ms` or sooner: say what peers have to know. After ops->drain,
     * at the same time as protocols are told; `service_changed` goes on as clients leave. Thread:
     * routing.
     */
    void (*drain)(void *self, uint64_t deadline_ms);
    /*
     * Nonzero: nothing is left to say, `end` may come. Asked again and again after `drain`, once no
     * connection is left; until all say so or the deadline is over. Thread: routing.
     */
    int (*drained)(void *self);
};

/*
 * What a lookup found. The asker sets `size`. The array and its views live until `late` returns,
 * or until the next lookup on this worker when the answer came at once.
 */
struct xmb_route_answer {
    uint32_t size;
    int32_t status; /* 0, XMB_ENOENT (nobody knows), XMB_EDENIED (reject), XMB_ETIMEOUT */
    const struct xmb_module *module; /* who answered */
    const struct xmb_route *routes;  /* by priority, spread by weight within one; xmb_route_at */
    size_t count;
};

struct xmb_router_api {
    uint32_t size;
    uint32_t rev;

    /*
     * Replaces all routes of `module` for `domain` by `count` (0 withdraws
     * them). Errors: XMB_EINVAL (name, more than XMB_ROUTES_MAX), XMB_ELIMIT,
     * XMB_ENOMEM. Thread: routing.
     */
    int (*update)(struct xmb_module *module, struct xmb_str domain,
                  const struct xmb_route *routes, size_t count);
    /* Withdraws all that `module` ever gave. Thread: routing. */
    void (*clear)(struct xmb_module *module);
    /* Answers a resolve; consumes the ticket. Thread: any. */
    void (*resolved)(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                     size_t count);
    /*
     * Where is `domain`? Returns 0 and fills `*answer` from the snapshot, or
     * XMB_EAGAIN: modules are asked and `late(arg, answer)` follows once on `w`
     * unless cancelled. Other errors: XMB_EINVAL, XMB_ENOMEM, XMB_ELIMIT (too many
     * questions are open), XMB_ECANCELED (stopping). Thread: `w`.
     */
    int (*lookup)(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
                  void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                  uint64_t *ask_id);
    /* `late` of that question will not be called. Unknown ids are fine. Thread: `w`. */
    void (*cancel)(struct xmb_worker *w, uint64_t ask_id);
    /*
     * Runs `fn(arg)` on the routing loop. As worker->post: order, bound, errors;
     * when the loop ends first, `dropped(arg)` runs instead. Thread: any.
     */
    int (*post)(struct xmb_module *module, void (*fn)(void *arg), void (*dropped)(void *arg),
                void *arg, size_t cost_bytes);

    /* --- since 0.2 --- */

    /*
     * As `resolved`, and a failure (XMB_ENOENT, XMB_EDENIED, XMB_ETIMEOUT) may be kept for `keep_s`
     * seconds, an hour at most; 0: not kept. When several modules were asked and all failed, the
     * shortest of their times counts. With routes their ttl_s decides and keep_s is ignored.
     * `resolved` itself keeps XMB_ENOENT and XMB_EDENIED for 30 s, other failures not. Thread: any.
     */
    void (*resolved_for)(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                         const struct xmb_route *routes, size_t count);
    /*
     * The addresses of host `name`: routes with `addr` (and `port` 0), families interleaved with
     * IPv6 first (RFC 8305, 4). Kept by their ttl_s. Otherwise as lookup, but that the answer
     * always comes late; `late` NULL: XMB_ENOENT at once. Thread: `w`.
     */
    int (*addresses)(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                     void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                     uint64_t *ask_id);
    /*
     * Forgets what was resolved for `domain` (none: everything), routes and addresses, so that the
     * next lookup from the same thread asks again. What was pushed stays. Thread: any.
     */
    void (*forget)(struct xmb_str domain);

    /* --- since 0.3 --- */

    /* Monotonic milliseconds, read once a turn of the routing loop. Thread: routing. */
    uint64_t (*now_ms)(void);
    /*
     * A one-shot timer of the routing loop, not running; otherwise as timer->create, whose start,
     * stop and destroy it is for. NULL when out of memory. Gone after the module's `end`. Thread:
     * routing, as for all calls with it.
     */
    struct xmb_timer *(*timer)(struct xmb_module *module, void (*fn)(void *arg), void *arg);
};

XMB_END_DECLS

#endif
