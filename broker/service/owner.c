/* SPDX-License-Identifier: MIT */
/*
 * owner.c - publishers, on their worker.
 *
 * A publish is checked and copied here and sent to the routing loop as a record;
 * the answer comes back with the next batch. An owner may have REQUESTS_MAX
 * requests without an answer, so that one busy client cannot fill the mailbox.
 */
#include "service/service_priv.h"

#include <stdlib.h>

#define REQUESTS_MAX 256
#define NAME_MAX_BYTES 65535

int owner_open(struct xmb_worker *w, struct xmb_module *module, struct xmb_str name,
               uint32_t flags, const struct xmb_owner_ops *ops, void *arg, struct xmb_owner **out)
{
    struct service_mirror *m = w->services;
    struct xmb_owner *o;

    LOOP_ASSERT(&w->loop);
    if (name.n > NAME_MAX_BYTES)
        return XMB_ETOOBIG;
    o = calloc(1, sizeof(*o) + name.n);
    if (o == NULL)
        return XMB_ENOMEM;
    o->link = m->link;
    o->module = module;
    o->ops = ops;
    o->arg = arg;
    o->flags = flags;
    o->name_bytes = name.n;
    if (name.n > 0)
        memcpy(o->name, name.p, name.n);
    list_init(&o->entries);
    list_append(&m->all_owners, &o->all);
    *out = o;
    return 0;
}

static int request(struct xmb_owner *o, loop_fn *fn, struct record *r, uint64_t tag)
{
    int rc;

    if (r == NULL)
        return XMB_ENOMEM;
    r->asker = o;
    r->tag = tag;
    rc = loop_post(loop_routing(), fn, r, r->bytes);
    if (rc < 0) {
        record_release(r);
        return rc;
    }
    o->waiting++;
    return 0;
}

int owner_publish(struct xmb_owner *o, const struct xmb_publish *p, uint64_t tag)
{
    struct xmb_str name = {o->name, o->name_bytes};
    int rc = record_check(p);

    LOOP_ASSERT(&o->link->worker->loop);
    if (rc < 0)
        return rc;
    if (o->waiting >= REQUESTS_MAX)
        return XMB_EAGAIN;
    return request(o, registry_publish,
                   record_new(p, name,
                              (o->flags & XMB_OWNER_ANONYMOUS) != 0 ? XMB_SERVICE_ANONYMOUS : 0),
                   tag);
}

int owner_unpublish(struct xmb_owner *o, uint32_t domain, const struct xmb_service_id *id,
                    uint64_t tag)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = domain, .id = *id};
    int rc = record_check(&p);

    LOOP_ASSERT(&o->link->worker->loop);
    if (rc < 0)
        return rc;
    if (o->waiting >= REQUESTS_MAX)
        return XMB_EAGAIN;
    return request(o, registry_unpublish, record_new_id(domain, id), tag);
}

void owner_close(struct xmb_owner *o, uint32_t reason)
{
    if (o == NULL)
        return;
    LOOP_ASSERT(&o->link->worker->loop);
    o->closed = 1;
    o->reason = reason == XMB_GONE_NETWORK ? XMB_GONE_NETWORK : XMB_GONE_SOURCE;
    /* Refused only when the broker ends; then it is freed with all the rest. */
    (void)loop_post_must(loop_routing(), registry_close, o, sizeof(*o));
}

static void done(struct xmb_owner *o, const struct notice *n)
{
    struct xmb_publish_result result = {.size = sizeof(result),
                                        .status = n->status,
                                        .sequence = n->sequence,
                                        .created = n->created};

    o->waiting--;
    if (!o->closed && XMB_HAS(o->ops, done))
        o->ops->done(o->arg, n->tag, &result);
}

static void taken_over(struct xmb_owner *o, const struct record *r)
{
    if (!o->closed && XMB_HAS(o->ops, taken_over))
        o->ops->taken_over(o->arg, r->pub.domain, &r->pub.id);
}

void owner_notice(const struct notice *n)
{
    switch (n->kind) {
    case NOTICE_DONE:
        done(n->owner, n);
        break;
    case NOTICE_TAKEN:
        taken_over(n->owner, n->record);
        record_release(n->record);
        break;
    case NOTICE_CLOSED:
        list_remove(&n->owner->all);
        free(n->owner);
        break;
    case NOTICE_DETACHED:
        break;
    }
}
