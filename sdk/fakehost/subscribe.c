/* SPDX-License-Identifier: MIT */
/*
 * subscribe.c - subscriptions of the fake registry, pulled as the SDK says.
 *
 * Each subscription has a place for every entry that it ever matched, with
 * what the subscriber has been shown of it; places with something to show
 * stand in a queue in the order in which they changed first.
 */
#include "fake_priv.h"

struct place {
    struct place *next;       /* of the subscription */
    struct place *next_ready; /* in its queue */
    struct fake_entry *entry;
    uint64_t shown; /* version that the subscriber has; 0: none */
    int is_queued;
};

struct xmb_sub {
    struct xmb_sub *next;
    struct xmb_subscription spec;
    struct place *places;
    struct place *first;
    struct place **end;
    struct fake_record *taken; /* of the last event */
    uint64_t number;
    int armed; /* `ready` may be called */
};

static struct xmb_sub *subs;
static uint64_t last_number;

static struct fake_record *visible(const struct xmb_sub *sub, const struct fake_entry *e)
{
    if (e->now == NULL)
        return NULL;
    if (sub->spec.view == XMB_VIEW_PUBLIC &&
        (e->now->service.flags & (XMB_SERVICE_PUBLIC | XMB_SERVICE_ANONYMOUS)) == 0)
        return NULL;
    return e->now;
}

static void ready_work(void *arg)
{
    uint64_t *number = arg;
    struct xmb_sub *sub;

    for (sub = subs; sub != NULL && sub->number != *number;)
        sub = sub->next;
    free(number);
    if (sub != NULL && sub->spec.ready != NULL)
        sub->spec.ready(sub->spec.arg);
}

static void make_ready(struct xmb_sub *sub)
{
    uint64_t *number;

    if (!sub->armed || sub->first == NULL)
        return;
    sub->armed = 0;
    number = fake_alloc(sizeof(*number));
    *number = sub->number;
    fake_work_or(ready_work, free, number);
}

static struct place *place_of(struct xmb_sub *sub, struct fake_entry *e)
{
    struct place *p;

    for (p = sub->places; p != NULL; p = p->next)
        if (p->entry == e)
            return p;
    p = fake_alloc(sizeof(*p));
    p->entry = e;
    p->next = sub->places;
    sub->places = p;
    return p;
}

static void look_at(struct xmb_sub *sub, struct fake_entry *e)
{
    struct place *p;

    if (e->domain != sub->spec.domain || !xmb_service_match(&sub->spec.pattern, &e->id))
        return;
    p = place_of(sub, e);
    if (p->is_queued || (p->shown == 0 && visible(sub, e) == NULL))
        return;
    p->is_queued = 1;
    p->next_ready = NULL;
    *sub->end = p;
    sub->end = &p->next_ready;
}

void fake_entry_changed(struct fake_entry *e)
{
    struct xmb_sub *sub;

    for (sub = subs; sub != NULL; sub = sub->next) {
        look_at(sub, e);
        make_ready(sub);
    }
}

static void look_at_entry(void *arg, struct fake_entry *e)
{
    look_at(arg, e);
}

int fake_subscribe(struct xmb_worker *w, struct xmb_module *module,
                   const struct xmb_subscription *spec, struct xmb_sub **out)
{
    struct xmb_sub *sub;

    (void)w;
    (void)module;
    if (fake_registry_error() != 0)
        return fake_registry_error();
    if (spec->view != XMB_VIEW_ALL && spec->view != XMB_VIEW_PUBLIC)
        return XMB_EINVAL;
    if (spec->domain < 1 || spec->domain > 65535)
        return XMB_EINVAL;
    sub = fake_alloc(sizeof(*sub));
    memcpy(&sub->spec, spec, spec->size < sizeof(*spec) ? spec->size : sizeof(*spec));
    sub->number = ++last_number;
    sub->end = &sub->first;
    sub->armed = 1;
    sub->next = subs;
    subs = sub;
    fake_entries(look_at_entry, sub);
    make_ready(sub);
    *out = sub;
    return 0;
}

static struct place *take_place(struct xmb_sub *sub)
{
    struct place *p = sub->first;

    if (p == NULL)
        return NULL;
    sub->first = p->next_ready;
    if (sub->first == NULL)
        sub->end = &sub->first;
    p->is_queued = 0;
    return p;
}

static void take_record(struct xmb_sub *sub, struct fake_record *r)
{
    fake_record_release(sub->taken);
    sub->taken = r != NULL ? fake_record_hold(r) : NULL;
}

/* 1: there is something to show of it. */
static int show(struct xmb_sub *sub, struct place *p, struct xmb_event *event)
{
    struct fake_record *r = visible(sub, p->entry);

    if (r != NULL && r->service.version == p->shown)
        return 0;
    if (r == NULL && p->shown == 0)
        return 0;
    p->shown = r != NULL ? r->service.version : 0;
    *event = (struct xmb_event){
        .size = sizeof(*event),
        .kind = r != NULL ? XMB_EVENT_NOTIFY : XMB_EVENT_WITHDRAW,
        .reason = r != NULL ? 0 : p->entry->now == NULL ? p->entry->gone : XMB_GONE_SOURCE,
    };
    take_record(sub, r != NULL ? r : p->entry->last);
    event->service = &sub->taken->service;
    return 1;
}

int fake_next(struct xmb_sub *sub, struct xmb_event *event)
{
    struct place *p;

    take_record(sub, NULL);
    while ((p = take_place(sub)) != NULL)
        if (show(sub, p, event))
            return 1;
    sub->armed = 1;
    return 0;
}

void fake_unsubscribe(struct xmb_sub *sub)
{
    struct xmb_sub **at = &subs;

    if (sub == NULL)
        return;
    while (*at != NULL && *at != sub)
        at = &(*at)->next;
    if (*at == NULL)
        fake_fail("a plugin unsubscribes twice");
    *at = sub->next;
    take_record(sub, NULL);
    while (sub->places != NULL) {
        struct place *p = sub->places;

        sub->places = p->next;
        free(p);
    }
    free(sub);
}

size_t xmb_fakehost_subscriptions(void)
{
    const struct xmb_sub *sub;
    size_t n = 0;

    for (sub = subs; sub != NULL; sub = sub->next)
        n++;
    return n;
}

void fake_subscriptions_free(void)
{
    while (subs != NULL)
        fake_unsubscribe(subs);
}
