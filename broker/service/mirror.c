/* SPDX-License-Identifier: MIT */
/*
 * mirror.c - the subscribers of one worker, and the batches that feed them.
 *
 * The first subscriber of a key makes a replica and asks the routing loop to
 * fill it; the next ones are served from what is there. The last one to leave
 * closes it. `ready` is called when a batch is applied completely, and only for
 * those that found nothing more at their last `next`; so a change costs
 * nothing for a subscriber that is busy with older ones.
 */
#include "service/service_priv.h"

#include <pthread.h>
#include <stdlib.h>

/* What outlived its worker: the routing loop may still point at it. */
static struct {
    pthread_mutex_t lock;
    struct list links;
    struct list replicas;
    struct list owners;
} buried = {PTHREAD_MUTEX_INITIALIZER,
            {&buried.links, &buried.links},
            {&buried.replicas, &buried.replicas},
            {&buried.owners, &buried.owners}};

/* --- calling subscribers --------------------------------------------------------------------- */

static void ring(struct xmb_sub *s)
{
    struct module_mark mark = module_enter(s->module);

    s->ready(s->arg);
    module_leave(mark);
}

/* Anything may be subscribed and unsubscribed meanwhile, so one is taken off at a time. */
static void ring_all(struct service_mirror *m)
{
    struct xmb_sub *s;

    while (!list_empty(&m->ringing)) {
        s = LIST_OF(m->ringing.next, struct xmb_sub, waiting);
        list_remove(&s->waiting);
        ring(s);
    }
}

void mirror_ring(struct service_mirror *m)
{
    struct replica *r;

    while (!list_empty(&m->touched)) {
        r = LIST_OF(m->touched.next, struct replica, touched);
        list_remove(&r->touched);
        list_splice(&m->ringing, &r->hungry);
    }
    ring_all(m);
}

static void ring_newcomers(struct loop_hook *hook)
{
    struct service_mirror *m = LIST_OF(hook, struct service_mirror, hook);

    list_splice(&m->ringing, &m->newcomers);
    ring_all(m);
}

/* --- batches --------------------------------------------------------------------------------- */

static void apply(struct service_mirror *m, const struct item *item)
{
    struct replica *r = item->to;

    if (r->closed) {
        record_release(item->record);
        return;
    }
    if (item->kind == XMB_EVENT_NOTIFY)
        replica_notify(r, item->record);
    else if (replica_withdraw(r, item->record, item->reason) == 0)
        return;
    if (list_empty(&r->touched))
        list_append(&m->touched, &r->touched);
}

static void detached(struct replica *r)
{
    list_remove(&r->touched);
    list_remove(&r->all);
    replica_free(r);
}

/* Answers in a row to one module are under one mark: that is cheaper than a mark for each. */
static void give_notices(const struct batch *b)
{
    struct xmb_module *in = NULL;
    struct module_mark mark = {NULL, 0, 0};
    const struct notice *n;

    for (n = b->notices; n < b->notices + b->notice_count; n++) {
        if (n->kind == NOTICE_DETACHED) {
            detached(n->replica);
            continue;
        }
        if (n->owner->module != in) {
            if (in != NULL)
                module_leave(mark);
            in = n->owner->module;
            mark = module_enter(in);
        }
        owner_notice(n);
    }
    if (in != NULL)
        module_leave(mark);
}

void mirror_apply(struct service_mirror *m, struct batch *b)
{
    uint32_t i;

    for (i = 0; i < b->item_count; i++)
        apply(m, &b->items[i]);
    give_notices(b);
}

/* --- subscribing ----------------------------------------------------------------------------- */

static int check(const struct xmb_subscription *spec)
{
    if (spec == NULL || spec->size < offsetof(struct xmb_subscription, arg) + sizeof(spec->arg))
        return XMB_EINVAL;
    if (spec->domain < 1 || spec->domain > 65535 || spec->reserved != 0 || spec->ready == NULL)
        return XMB_EINVAL;
    return spec->view == XMB_VIEW_ALL || spec->view == XMB_VIEW_PUBLIC ? 0 : XMB_EINVAL;
}

static struct replica *find(struct service_mirror *m, const struct xmb_subscription *spec)
{
    uint64_t hash = service_hash(service_scope(spec->domain, spec->view), &spec->pattern);
    struct table_node *n;
    struct replica *r;

    for (n = *table_bucket(&m->replicas, hash); n != NULL; n = n->next) {
        r = LIST_OF(n, struct replica, by_key);
        if (n->hash == hash && r->domain == spec->domain && r->view == spec->view &&
            service_id_equal(&r->pattern, &spec->pattern))
            return r;
    }
    return NULL;
}

static int make(struct service_mirror *m, const struct xmb_subscription *spec,
                struct replica **out)
{
    struct replica *r = replica_new(spec->domain, spec->view, &spec->pattern);
    int rc;

    if (r == NULL)
        return XMB_ENOMEM;
    r->link = m->link;
    outbox_send(&m->outbox);
    rc = loop_post(loop_routing(), index_attach, r, sizeof(*r));
    if (rc < 0) {
        replica_free(r);
        return rc;
    }
    table_add(&m->replicas, &r->by_key, r->hash);
    list_append(&m->all_replicas, &r->all);
    *out = r;
    return 0;
}

/* Its last subscriber left. */
static void close_replica(struct service_mirror *m, struct replica *r)
{
    table_remove(&m->replicas, &r->by_key);
    list_remove(&r->touched);
    replica_clear(r);
    r->closed = 1;
    outbox_send(&m->outbox);
    /* Refused only when the broker ends; then it is freed with all the rest. */
    (void)loop_post_must(loop_routing(), index_detach, r, sizeof(*r));
}

int mirror_subscribe(struct xmb_worker *w, struct xmb_module *module,
                     const struct xmb_subscription *spec, struct xmb_sub **out)
{
    struct service_mirror *m = w->services;
    struct replica *r;
    struct xmb_sub *s;
    int rc;

    LOOP_ASSERT(&w->loop);
    rc = check(spec);
    if (rc < 0)
        return rc;
    r = find(m, spec);
    if (r == NULL) {
        rc = make(m, spec, &r);
        if (rc < 0)
            return rc;
    }
    s = sub_new(r);
    if (s == NULL) {
        if (r->sub_count == 0)
            close_replica(m, r);
        return XMB_ENOMEM;
    }
    s->module = module;
    s->ready = spec->ready;
    s->arg = spec->arg;
    list_append(sub_behind(s) ? &m->newcomers : &r->hungry, &s->waiting);
    if (sub_behind(s))
        loop_at_turn_end(&w->loop, &m->hook);
    *out = s;
    return 0;
}

int mirror_next(struct xmb_sub *s, struct xmb_event *event)
{
    LOOP_ASSERT(&s->replica->link->worker->loop);
    list_remove(&s->waiting);
    if (sub_next(s, event) != 0)
        return 1;
    list_append(&s->replica->hungry, &s->waiting);
    return 0;
}

void mirror_unsubscribe(struct xmb_sub *s)
{
    struct replica *r;

    if (s == NULL)
        return;
    r = s->replica;
    LOOP_ASSERT(&r->link->worker->loop);
    sub_free(s);
    if (r->sub_count == 0)
        close_replica(r->link->mirror, r);
}

/* --- begin and end of a worker --------------------------------------------------------------- */

int service_worker_init(struct xmb_worker *w)
{
    struct service_mirror *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return XMB_ENOMEM;
    m->link = link_new(w, m);
    if (m->link == NULL) {
        free(m);
        return XMB_ENOMEM;
    }
    m->worker = w;
    list_init(&m->all_replicas);
    list_init(&m->all_owners);
    list_init(&m->touched);
    list_init(&m->ringing);
    list_init(&m->newcomers);
    m->hook.fn = ring_newcomers;
    outbox_init(&m->outbox);
    w->services = m;
    return 0;
}

void service_worker_fini(struct xmb_worker *w)
{
    struct service_mirror *m = w->services;
    struct list *l;
    struct replica *r;

    if (m == NULL)
        return;
    /* Modules have closed theirs; what they forgot must not be called any more. */
    for (l = m->all_replicas.next; l != &m->all_replicas; l = l->next) {
        r = LIST_OF(l, struct replica, all);
        while (!list_empty(&r->subs))
            sub_free(LIST_OF(r->subs.next, struct xmb_sub, of_replica));
        list_remove(&r->touched);
    }
    table_clear(&m->replicas);
    outbox_send(&m->outbox);
    link_end(m->link);
    pthread_mutex_lock(&buried.lock);
    list_append(&buried.links, &m->link->all);
    list_splice(&buried.replicas, &m->all_replicas);
    list_splice(&buried.owners, &m->all_owners);
    pthread_mutex_unlock(&buried.lock);
    w->services = NULL;
    loop_hook_cancel(&w->loop, &m->hook);
    loop_hook_cancel(&w->loop, &m->outbox.hook);
    free(m);
}

void service_fini(void)
{
    struct replica *r;
    struct xmb_owner *o;

    entry_fini();
    index_fini();
    while (!list_empty(&buried.replicas)) {
        r = LIST_OF(buried.replicas.next, struct replica, all);
        list_remove(&r->all);
        link_forget(r);
        replica_free(r);
    }
    while (!list_empty(&buried.owners)) {
        o = LIST_OF(buried.owners.next, struct xmb_owner, all);
        list_remove(&o->all);
        free(o);
    }
    while (!list_empty(&buried.links))
        link_free(LIST_OF(buried.links.next, struct link, all));
    link_fini();
}
