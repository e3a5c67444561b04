/* SPDX-License-Identifier: MIT */
/*
 * record.h - one version of one service, as one block of memory: what a slab holds, counted
 * and recycled as that.
 *
 * A worker makes it when it publishes, so the copy of the data is paid there.
 * On its way to the routing loop the record is also the request; once stored
 * it never changes and any thread may hold it.
 */
#ifndef BROKER_SERVICE_RECORD_H
#define BROKER_SERVICE_RECORD_H

#include <xmb/service.h>

#include "buf/buf.h"

enum request { REQUEST_PUBLISH = 1, REQUEST_UNPUBLISH };

struct record {
    struct xmb_slab *slab; /* that this is in */
    uint64_t hash;         /* service_hash of domain and identity */
    uint32_t bytes;        /* all of this block, for mailbox accounting */
    uint32_t request;      /* enum request */
    /* As request: who asks, not a reference; its number; the next of those that go along. */
    struct xmb_owner *asker;
    uint64_t tag;
    struct record *next;
    struct xmb_service pub;
    char text[]; /* data, then the owner's name */
};

/* 0, XMB_EINVAL or XMB_ETOOBIG: may this be published? */
int record_check(const struct xmb_publish *p);
/* Copies what was checked. `host_flags` are added. NULL: out of memory. */
struct record *record_new(const struct xmb_publish *p, struct xmb_str owner_name,
                          uint32_t host_flags);
/* An identity alone, as request. */
struct record *record_new_id(uint32_t domain, const struct xmb_service_id *id);
void record_release(struct record *r); /* NULL is fine */
/* 1 when sequence and content are the same; the owner and the age are not content. */
int record_same(const struct record *a, const struct record *b);

static inline struct record *record_hold(struct record *r)
{
    slab_hold(r->slab);
    return r;
}

static inline struct record *record_of(const struct xmb_service *s)
{
    return (struct record *)((uintptr_t)s - offsetof(struct record, pub));
}

/* 1 when subscribers with this view may see it. */
static inline int record_visible(const struct record *r, uint32_t view)
{
    return view == XMB_VIEW_ALL ||
           (r->pub.flags & (XMB_SERVICE_PUBLIC | XMB_SERVICE_ANONYMOUS)) != 0;
}

#endif
