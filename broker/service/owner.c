/* SPDX-License-Identifier: MIT */
/*
 * owner.c - publishers, on their worker.
 *
 * A publish is checked and copied here and sent to the routing loop as a record;
 * the answer comes back with the next batch. What the owners of a worker ask for
 * in one turn goes as one message, which wakes the routing loop once. An owner may
 * have REQUESTS_MAX requests without an answer, so that one busy client cannot fill
 * the mailbox.
 */
#include "service/service_priv.h"

#include <stdlib.h>

#define REQUESTS_MAX 256
#define REQUESTS_TOGETHER 64 /* in one message: more are sent before the turn ends */
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

/* --- requests -------------------------------------------------------------------------------- */

void outbox_send(struct outbox *box)
{
    struct record *first = box->first;

    if (first == NULL)
        return;
    box->first = NULL;
    /* There was room for each of them when it was asked for. Refused: the broker ends. */
    if (loop_post_must(loop_routing(), registry_requests, first, box->bytes) < 0)
        registry_requests(NULL, first);
}

static void turn_ended(struct loop_hook *hook)
{
    outbox_send(LIST_OF(hook, struct outbox, hook));
}

void outbox_init(struct outbox *box)
{
    box->hook.fn = turn_ended;
}

static void outbox_add(struct service_mirror *m, struct record *r)
{
    struct outbox *box = &m->outbox;

    if (box->first == NULL) {
        box->end = &box->first;
        box->count = 0;
        box->bytes = 0;
        loop_at_turn_end(&m->worker->loop, &box->hook);
    }
    r->next = NULL;
    *box->end = r;
    box->end = &r->next;
    box->bytes += r->bytes;
    if (++box->count == REQUESTS_TOGETHER)
        outbox_send(box);
}

/* `text_bytes`: what the record holds besides itself. */
static int may_ask(const struct xmb_owner *o, size_t text_bytes)
{
    const struct outbox *box = &o->link->mirror->outbox;
    size_t bytes = sizeof(struct record) + text_bytes + (box->first != NULL ? box->bytes : 0);

    return o->waiting < REQUESTS_MAX ? loop_may_post(loop_routing(), bytes) : XMB_EAGAIN;
}

static int ask(struct xmb_owner *o, enum request request, struct record *r, uint64_t tag)
{
    if (r == NULL)
        return XMB_ENOMEM;
    r->asker = o;
    r->tag = tag;
    r->request = request;
    outbox_add(o->link->mirror, r);
    o->waiting++;
    return 0;
}

/* --- what modules call ----------------------------------------------------------------------- */

int owner_publish(struct xmb_owner *o, const struct xmb_publish *p, uint64_t tag)
{
    struct xmb_str name = {o->name, o->name_bytes};
    uint32_t flags = (o->flags & XMB_OWNER_ANONYMOUS) != 0 ? XMB_SERVICE_ANONYMOUS : 0;
    int rc = record_check(p);

    LOOP_ASSERT(&o->link->worker->loop);
    if (rc == 0)
        rc = may_ask(o, p->data.n + o->name_bytes);
    if (rc < 0)
        return rc;
    return ask(o, REQUEST_PUBLISH, record_new(p, name, flags), tag);
}

int owner_unpublish(struct xmb_owner *o, uint32_t domain, const struct xmb_service_id *id,
                    uint64_t tag)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = domain, .id = *id};
    int rc = record_check(&p);

    LOOP_ASSERT(&o->link->worker->loop);
    if (rc == 0)
        rc = may_ask(o, 0);
    if (rc < 0)
        return rc;
    return ask(o, REQUEST_UNPUBLISH, record_new_id(domain, id), tag);
}

void owner_close(struct xmb_owner *o, uint32_t reason)
{
    if (o == NULL)
        return;
    LOOP_ASSERT(&o->link->worker->loop);
    o->closed = 1;
    o->reason = reason == XMB_GONE_NETWORK ? XMB_GONE_NETWORK : XMB_GONE_SOURCE;
    outbox_send(&o->link->mirror->outbox);
    /* Refused only when the broker ends; then it is freed with all the rest. */
    (void)loop_post_must(loop_routing(), registry_close, o, sizeof(*o));
}

/* --- answers --------------------------------------------------------------------------------- */

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
