/* SPDX-License-Identifier: MIT */
/*
 * service.h - the service registry, and the client API of the Service
 * Advertisement Framework inside the process.
 *
 * A service is (domain, service, subservice, instance) with a sequence, a
 * transport address, and opaque data. One thread writes the registry (the
 * routing loop); workers read immutable records.
 *
 *  - An *owner* publishes. Publishing is asynchronous: the answer comes to
 *    `done` on the owner's worker, in the order of the calls. What an owner
 *    published goes when the owner is closed.
 *  - A *subscription* is pulled: `ready` says that there may be events, `next`
 *    takes one at a time when the subscriber has room. First the full
 *    matching set, then changes. A change overtaken before it was taken is seen
 *    once, with the newest content; a service that came and went untaken is not
 *    seen at all; an older version never follows a newer one. A subscriber that
 *    does not pull costs nothing but its cursor.
 *
 * Sequence rules for one owner: lower than stored is XMB_ESTALE; equal with the
 * same content is success without effect; equal with other content is
 * XMB_ESTALE; higher is an update. No wrap. The stored sequence dies with the
 * service. (XMCP reference, section 2.7.)
 */
#ifndef XMB_SERVICE_H
#define XMB_SERVICE_H

#include <xmb/types.h>

XMB_BEGIN_DECLS

/* Wildcards, in subscriptions only: each of the six fields matches independently. */
#define XMB_ANY_SERVICE UINT16_C(0xffff)
#define XMB_ANY_SUBSERVICE UINT16_C(0xffff)
#define XMB_ANY_WORD UINT32_C(0xffffffff)

#define XMB_SERVICE_DATA_MAX 65535 /* octets of data in one service */

/* Which service, within a domain. Frozen: 20 octets, no padding. */
struct xmb_service_id {
    uint16_t service;
    uint16_t subservice;
    uint32_t instance[4];
};

enum xmb_service_flags {
    XMB_SERVICE_PUBLIC = 1,  /* its owner lets unauthenticated subscribers see it */
    XMB_SERVICE_LEARNED = 2, /* came from another broker */
    XMB_SERVICE_ANONYMOUS = 4 /* published without authentication */
};

/* Why a service went. */
enum xmb_gone {
    XMB_GONE_SOURCE = 1, /* its owner took it back or said goodbye */
    XMB_GONE_NETWORK = 2 /* the owner died or was revoked, or the path is lost */
};

/* One version of one service: immutable, counted, shared by all threads. */
struct xmb_service {
    uint32_t size;
    uint32_t domain; /* 1 to 65535 */
    struct xmb_service_id id;
    uint32_t sequence;
    uint32_t flags;       /* enum xmb_service_flags */
    uint32_t ip_protocol; /* 6, 17, ... */
    struct xmb_addr addr; /* where it answers */
    struct xmb_str data;
    struct xmb_str owner_name; /* of the owner; none when learned */
    uint64_t version;     /* unique to this record in the life of the process: a cache key */
    uint64_t since_ms;    /* monotonic: when this identity appeared */
};

/* What `publish` takes. Views are borrowed for the call. */
struct xmb_publish {
    uint32_t size;
    uint32_t domain;
    struct xmb_service_id id; /* no wildcard */
    uint32_t sequence;
    uint32_t flags; /* XMB_SERVICE_PUBLIC or 0; the host adds the others */
    uint32_t ip_protocol;
    struct xmb_addr addr;
    struct xmb_str data; /* at most XMB_SERVICE_DATA_MAX octets */
};

/* Answer to publish or unpublish. */
struct xmb_publish_result {
    uint32_t size;
    /*
     * 0, or XMB_ESTALE (`sequence` is what is stored), XMB_EEXIST (held by
     * another owner's name), XMB_ENOENT (unpublish: not this owner's),
     * XMB_ELIMIT (registry full), XMB_ENOMEM.
     */
    int32_t status;
    uint32_t sequence;
    uint32_t created; /* 1: the identity did not exist before this publish */
};

struct xmb_owner_ops {
    uint32_t size;
    /* The answer to the call that carried `tag`. */
    void (*done)(void *arg, uint64_t tag, const struct xmb_publish_result *result);
    /*
     * Another owner of the same name took the service over: it is no longer
     * this owner's. No withdraw was sent to subscribers.
     */
    void (*taken_over)(void *arg, uint32_t domain, const struct xmb_service_id *id);
};

enum xmb_owner_flags {
    XMB_OWNER_ANONYMOUS = 1 /* publishes without authentication */
};

enum xmb_view {
    XMB_VIEW_ALL = 1,   /* every service of the domain; 0, "not said", is refused */
    XMB_VIEW_PUBLIC = 2 /* only services with XMB_SERVICE_PUBLIC or XMB_SERVICE_ANONYMOUS */
};

struct xmb_subscription {
    uint32_t size;
    uint32_t domain;
    struct xmb_service_id pattern; /* XMB_ANY_* where any will do */
    uint32_t view;                 /* enum xmb_view */
    uint32_t reserved;             /* zero */
    /* There may be something to take; called again only after `next` returned 0. */
    void (*ready)(void *arg);
    void *arg;
};

enum xmb_event_kind { XMB_EVENT_NOTIFY = 1, XMB_EVENT_WITHDRAW = 2 };

struct xmb_event {
    uint32_t size;
    uint32_t kind;   /* enum xmb_event_kind */
    uint32_t reason; /* enum xmb_gone with WITHDRAW */
    uint32_t reserved;
    const struct xmb_service *service; /* the newest record, or the last one before it went */
};

struct xmb_service_api {
    uint32_t size;
    uint32_t rev;

    /*
     * A publisher on worker `w`. `name` (copied) is who it is: a second owner of
     * the same name may take its services over, any other name is refused. `ops` and
     * `arg` must live until owner_close returns. Errors: XMB_ENOMEM. Thread: `w`, as for
     * all owner and subscription calls.
     */
    int (*owner_open)(struct xmb_worker *w, struct xmb_module *module, struct xmb_str name,
                      uint32_t flags, const struct xmb_owner_ops *ops, void *arg,
                      struct xmb_owner **out);
    /*
     * Creates or updates a service. 0 means that `done` will follow with `tag`.
     * Errors (no `done` follows): XMB_EINVAL (domain, wildcard), XMB_ETOOBIG,
     * XMB_EAGAIN (registry mailbox full: try later), XMB_ENOMEM.
     */
    int (*publish)(struct xmb_owner *owner, const struct xmb_publish *p, uint64_t tag);
    /* Takes a service back (XMB_GONE_SOURCE). Errors as publish. */
    int (*unpublish)(struct xmb_owner *owner, uint32_t domain, const struct xmb_service_id *id,
                     uint64_t tag);
    /*
     * Ends the owner; what it still has is withdrawn with `reason` (enum
     * xmb_gone). No callback comes after this. NULL is fine.
     */
    void (*owner_close)(struct xmb_owner *owner, uint32_t reason);

    /*
     * Subscribes on worker `w`. `ready` is never called before this returns, nor
     * after unsubscribe. `spec` is borrowed for the call, its `arg` until unsubscribe.
     * Errors: XMB_EINVAL, XMB_ENOMEM, XMB_EAGAIN (registry mailbox full).
     */
    int (*subscribe)(struct xmb_worker *w, struct xmb_module *module,
                     const struct xmb_subscription *spec, struct xmb_sub **out);
    /*
     * Takes the next event: 1 and `*event` filled up to the `size` that the caller
     * has set in it (its record is valid until the next call on this subscription;
     * `hold` it to keep it), or 0: nothing now, `ready` will be called.
     */
    int (*next)(struct xmb_sub *sub, struct xmb_event *event);
    /* Ends it; no withdraw events are made for it. NULL is fine. */
    void (*unsubscribe)(struct xmb_sub *sub);

    /* References to a record. Thread: any. */
    const struct xmb_service *(*hold)(const struct xmb_service *s);
    void (*release)(const struct xmb_service *s); /* NULL is fine */

    /*
     * For routing modules, on the routing loop: a service learned from a peer.
     * The newest call replaces the last one of this module for that identity. A
     * local service of the same identity stands before it.
     * Errors: XMB_EINVAL, XMB_ETOOBIG, XMB_ELIMIT, XMB_ENOMEM.
     */
    int (*learn)(struct xmb_module *module, const struct xmb_publish *p);
    /* It is gone there, with `reason`. XMB_ENOENT when it was never learned. */
    int (*unlearn)(struct xmb_module *module, uint32_t domain, const struct xmb_service_id *id,
                   uint32_t reason);
    /*
     * Every service of `domain` (0: of all), in no order, on the routing loop.
     * `fn` returns nonzero to stop. It must not change the registry.
     */
    void (*walk)(uint32_t domain, int (*fn)(void *arg, const struct xmb_service *s), void *arg);
};

/* 1 when `id` is matched by `pattern`. Pure. */
static inline int xmb_service_match(const struct xmb_service_id *pattern,
                                    const struct xmb_service_id *id)
{
    int i;

    if (pattern->service != XMB_ANY_SERVICE && pattern->service != id->service)
        return 0;
    if (pattern->subservice != XMB_ANY_SUBSERVICE && pattern->subservice != id->subservice)
        return 0;
    for (i = 0; i < 4; i++)
        if (pattern->instance[i] != XMB_ANY_WORD && pattern->instance[i] != id->instance[i])
            return 0;
    return 1;
}

/* 1 when `id` cannot name one service: any service, any subservice, or an instance of all ones. */
static inline int xmb_service_id_is_wild(const struct xmb_service_id *id)
{
    return id->service == XMB_ANY_SERVICE || id->subservice == XMB_ANY_SUBSERVICE ||
           (id->instance[0] & id->instance[1] & id->instance[2] & id->instance[3]) == XMB_ANY_WORD;
}

XMB_END_DECLS

#endif
