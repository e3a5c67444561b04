/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the rules: who may publish what, which candidate stands, who is told.
 *
 * A service has at most one local candidate (published here) and one learned
 * candidate for each routing module. The local one stands before the learned
 * ones; among those the highest sequence stands, of equals the module that
 * comes first in the configuration. When the local one goes and a learned one is there,
 * subscribers see a change, not a withdrawal.
 *
 * Local sequences: lower than stored is stale; equal is success without effect
 * if the content is the same, and stale otherwise; higher is an update.
 *
 * Take-over: an owner of the same name, authenticated alike, takes a service
 * with any sequence that is not lower than the stored one. Equal with other content is an
 * update here, unlike above: a client that comes back does not know how far its
 * former session got, and publishes again with the number it had. Lower
 * stays stale, so that subscribers and other brokers never see an older version after a newer
 * one. They are told only if sequence or content differ. Owners without a name
 * are strangers to each other.
 *
 * All of this runs on the routing loop.
 */
#include "service/service_priv.h"

#include <stdlib.h>

static uint64_t last_version;
static int modules_ended; /* they are told nothing any more */

/* --- candidates ------------------------------------------------------------------------------ */

static struct record *best(const struct entry *e)
{
    struct record *found = e->local;
    const struct learned *l;

    if (found != NULL)
        return found;
    for (l = e->learned; l != NULL; l = l->next)
        if (found == NULL || l->record->pub.sequence > found->pub.sequence)
            found = l->record;
    return found;
}

/* A candidate changed. The caller still holds the record that stood before. */
static void settle(struct entry *e, uint32_t reason)
{
    struct record *was = e->effective;

    e->effective = best(e);
    if (e->effective != was)
        index_change(was, e->effective, reason);
}

static void stamp(const struct entry *e, struct record *r)
{
    r->pub.version = ++last_version;
    r->pub.since_ms = e->since_ms;
}

/* Learned ones are not told, so nothing that a broker spreads comes back to it. */
static void tell_modules(struct record *now, struct record *was, uint32_t reason)
{
    struct xmb_module *m;
    struct module_mark mark;
    uint32_t i, n = modules_ended ? 0 : module_count();

    for (i = 0; i < n; i++) {
        m = module_at(i);
        if (!XMB_HAS(&m->routing, service_changed))
            continue;
        mark = module_enter(m);
        m->routing.service_changed(m->self, now != NULL ? &now->pub : NULL,
                                   was != NULL ? &was->pub : NULL, reason);
        module_leave(mark);
    }
}

void registry_modules(int ended)
{
    modules_ended = ended;
}

static void set_owner(struct entry *e, struct xmb_owner *o)
{
    list_remove(&e->of_owner);
    e->owner = o;
    if (o != NULL)
        list_append(&o->entries, &e->of_owner);
}

/* --- local ----------------------------------------------------------------------------------- */

static int may_take_over(const struct xmb_owner *a, const struct xmb_owner *b)
{
    return a->name_bytes > 0 && a->name_bytes == b->name_bytes &&
           ((a->flags ^ b->flags) & XMB_OWNER_ANONYMOUS) == 0 &&
           memcmp(a->name, b->name, a->name_bytes) == 0;
}

/* 0: store it; 1: nothing to store, a success; else the error. */
static int judge(const struct entry *e, const struct record *r)
{
    int mine;

    if (e->local == NULL)
        return 0;
    mine = e->owner == r->asker;
    if (!mine && !may_take_over(e->owner, r->asker))
        return XMB_EEXIST;
    if (r->pub.sequence < e->local->pub.sequence)
        return XMB_ESTALE;
    if (record_same(r, e->local))
        return 1;
    return mine && r->pub.sequence == e->local->pub.sequence ? XMB_ESTALE : 0;
}

static void change_owner(struct entry *e, struct xmb_owner *o)
{
    struct notice *n;

    if (e->owner == o)
        return;
    if (e->owner != NULL) {
        n = link_notice(e->owner->link, NOTICE_TAKEN);
        n->owner = e->owner;
        n->record = record_hold(e->local);
    }
    set_owner(e, o);
}

/* Takes the reference to `r`. */
static void store(struct entry *e, struct record *r)
{
    struct record *was = e->local;

    stamp(e, r);
    e->local = r;
    settle(e, 0);
    tell_modules(r, was, 0);
    record_release(was);
}

static void answer(const struct record *r, int status, uint32_t sequence, uint32_t created)
{
    struct notice *n = link_notice(r->asker->link, NOTICE_DONE);

    n->owner = r->asker;
    n->tag = r->tag;
    n->status = status;
    n->sequence = sequence;
    n->created = created;
}

static void publish(struct record *r)
{
    struct entry *e;
    uint32_t created;
    int status;

    status = entry_need(r, &e);
    if (status < 0) {
        answer(r, status, 0, 0);
        goto done;
    }
    created = e->effective == NULL;
    status = judge(e, r);
    if (status < 0) {
        answer(r, status, e->local->pub.sequence, 0);
        goto done;
    }
    change_owner(e, r->asker);
    answer(r, 0, r->pub.sequence, created);
    if (status == 0) {
        store(e, r);
        return;
    }
done:
    record_release(r);
}

static void withdraw_local(struct entry *e, uint32_t reason)
{
    struct record *was = e->local;

    e->local = NULL;
    set_owner(e, NULL);
    settle(e, reason);
    entry_unneed(e);
    tell_modules(NULL, was, reason);
    record_release(was);
}

static void unpublish(struct record *r)
{
    struct entry *e = entry_find(r->pub.domain, &r->pub.id);

    if (e == NULL || e->local == NULL || e->owner != r->asker) {
        answer(r, XMB_ENOENT, 0, 0);
        goto done;
    }
    answer(r, 0, e->local->pub.sequence, 0);
    withdraw_local(e, XMB_GONE_SOURCE);
done:
    record_release(r);
}

void registry_requests(struct loop *loop, void *first)
{
    struct record *r, *next;

    for (r = first; r != NULL; r = next) {
        next = r->next;
        if (loop == NULL)
            record_release(r);
        else if (r->request == REQUEST_PUBLISH)
            publish(r);
        else
            unpublish(r);
    }
}

void registry_close(struct loop *loop, void *owner)
{
    struct xmb_owner *o = owner;

    if (loop == NULL)
        return;
    while (!list_empty(&o->entries))
        withdraw_local(LIST_OF(o->entries.next, struct entry, of_owner), o->reason);
    link_notice(o->link, NOTICE_CLOSED)->owner = o;
}

/* --- learned --------------------------------------------------------------------------------- */

/* Where the candidate of `m` is, or would be: they stand in the order of the modules. */
static struct learned **place_of(struct entry *e, const struct xmb_module *m)
{
    struct learned **p = &e->learned;

    while (*p != NULL && (*p)->module->index < m->index)
        p = &(*p)->next;
    return p;
}

static int is_of(const struct learned *l, const struct xmb_module *m)
{
    return l != NULL && l->module == m;
}

/* Takes the reference to `r`, except on error. */
static int store_learned(struct entry *e, const struct xmb_module *m, struct record *r)
{
    struct learned **p = place_of(e, m);
    struct learned *l = *p;
    struct record *was;

    if (!is_of(l, m)) {
        l = calloc(1, sizeof(*l));
        if (l == NULL)
            return XMB_ENOMEM;
        l->module = m;
        l->next = *p;
        *p = l;
    } else if (record_same(l->record, r)) {
        record_release(r);
        return 0;
    }
    stamp(e, r);
    was = l->record;
    l->record = r;
    settle(e, 0);
    record_release(was);
    return 0;
}

int registry_learn(struct xmb_module *module, const struct xmb_publish *p)
{
    struct record *r;
    struct entry *e;
    int rc;

    LOOP_ASSERT(loop_routing());
    rc = record_check(p);
    if (rc < 0)
        return rc;
    r = record_new(p, XMB_STR(""), XMB_SERVICE_LEARNED);
    if (r == NULL)
        return XMB_ENOMEM;
    rc = entry_need(r, &e);
    if (rc == 0) {
        rc = store_learned(e, module, r);
        if (rc < 0)
            entry_unneed(e);
    }
    if (rc < 0)
        record_release(r);
    return rc;
}

int registry_unlearn(struct xmb_module *module, uint32_t domain, const struct xmb_service_id *id,
                     uint32_t reason)
{
    struct entry *e = entry_find(domain, id);
    struct learned **p, *l;

    LOOP_ASSERT(loop_routing());
    if (e == NULL || !is_of(*(p = place_of(e, module)), module))
        return XMB_ENOENT;
    l = *p;
    *p = l->next;
    settle(e, reason);
    entry_unneed(e);
    record_release(l->record);
    free(l);
    return 0;
}

/* --- walking --------------------------------------------------------------------------------- */

struct walk {
    int (*fn)(void *arg, const struct xmb_service *s);
    void *arg;
};

static int walk_one(void *arg, struct record *r)
{
    const struct walk *w = arg;

    return w->fn(w->arg, &r->pub);
}

void registry_walk(uint32_t domain, int (*fn)(void *arg, const struct xmb_service *s), void *arg)
{
    static const struct xmb_service_id any = {
        .service = XMB_ANY_SERVICE,
        .subservice = XMB_ANY_SUBSERVICE,
        .instance = {XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD}};
    struct walk w = {fn, arg};

    LOOP_ASSERT(loop_routing());
    entry_scan(domain, &any, walk_one, &w);
}
