/* SPDX-License-Identifier: MIT */
/*
 * test_service_stress.c - four workers that publish, take over, subscribe and close, all at once.
 *
 * Nobody knows what comes out, but all must agree: when it is quiet, each subscriber holds
 * what a walk over the registry finds. For TSan above all, and for ASan at the end.
 *
 * XMB_STEPS prolongs it.
 */
#include "service_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define IDENTITIES 64
#define OWNERS 4 /* a worker */
#define SUBS 8   /* a worker */

struct actor {
    struct xmb_worker *worker;
    uint64_t rng;
    uint64_t left;
    struct rig_owner owners[OWNERS];
    struct rig_sub subs[SUBS];
    uint64_t held[SUBS][IDENTITIES]; /* version; 0: does not have it */
    int done;
};

static struct actor actors[RIG_WORKERS];

static uint32_t below(struct actor *a, uint32_t n)
{
    a->rng ^= a->rng << 13;
    a->rng ^= a->rng >> 7;
    a->rng ^= a->rng << 17;
    return (uint32_t)(a->rng >> 33) % n;
}

static void on_event(struct rig_sub *s, const struct xmb_event *event)
{
    struct actor *a = s->test;
    uint64_t *held = &a->held[s - a->subs][event->service->id.instance[3]];

    if (event->kind == XMB_EVENT_WITHDRAW) {
        RIG_CHECK(*held != 0);
        *held = 0;
        return;
    }
    RIG_CHECK(event->service->version > *held);
    *held = event->service->version;
}

static void done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    struct rig_owner *o = arg;

    (void)result;
    RIG_CHECK(o->owner != NULL);
    RIG_CHECK(tag == ++o->last_tag); /* in the order of the calls */
}

static const struct xmb_owner_ops ops = {.size = sizeof(ops), .done = done};

static void ready(void *arg)
{
    struct rig_sub *s = arg;
    struct xmb_event e = {.size = sizeof(e)};
    uint32_t n;

    RIG_CHECK(s->waiting);
    s->waiting = 0;
    for (n = 0; n < (s->eager ? UINT32_MAX : 3); n++) {
        if (service_api.next(s->sub, &e) == 0) {
            s->waiting = 1;
            return;
        }
        on_event(s, &e);
    }
}

static void toggle_owner(struct actor *a, struct rig_owner *o)
{
    static const char *const names[] = {"anna", "bert"};

    if (o->owner != NULL) {
        service_api.owner_close(o->owner, XMB_GONE_NETWORK);
        o->owner = NULL;
        return;
    }
    o->last_tag = 0;
    o->requests = 0;
    RIG_CHECK(service_api.owner_open(a->worker, module_core(), xmb_str(names[below(a, 2)]), 0,
                                     &ops, o, &o->owner) == 0);
}

static void publish(struct actor *a, struct rig_owner *o)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = 1, .data = XMB_STR("some data")};
    int rc;

    if (o->owner == NULL)
        return;
    p.id = rig_id(101, below(a, IDENTITIES));
    p.sequence = below(a, 1000);
    if (below(a, 4) == 0)
        rc = service_api.unpublish(o->owner, 1, &p.id, o->requests + 1);
    else
        rc = service_api.publish(o->owner, &p, o->requests + 1);
    RIG_CHECK(rc == 0 || rc == XMB_EAGAIN);
    o->requests += rc == 0;
}

static void toggle_sub(struct actor *a, struct rig_sub *s)
{
    struct xmb_subscription spec = {.size = sizeof(spec),
                                    .domain = 1,
                                    .pattern = rig_any,
                                    .view = XMB_VIEW_ALL,
                                    .ready = ready,
                                    .arg = s};

    if (s->sub != NULL) {
        service_api.unsubscribe(s->sub);
        s->sub = NULL;
        return;
    }
    if (below(a, 2) == 0)
        spec.pattern = rig_id(101, below(a, IDENTITIES));
    s->on_event = on_event;
    s->test = a;
    s->eager = below(a, 2) == 0;
    s->waiting = 1;
    s->last_sequence = spec.pattern.instance[3];
    memset(a->held[s - a->subs], 0, sizeof(a->held[0]));
    RIG_CHECK(service_api.subscribe(a->worker, module_core(), &spec, &s->sub) == 0);
}

/* A slow subscriber goes on when it likes. */
static void go_on(struct rig_sub *s)
{
    if (s->sub == NULL || s->waiting)
        return;
    s->waiting = 1;
    ready(s);
}

static void step(struct actor *a)
{
    uint32_t what = below(a, 100);

    if (what < 60)
        publish(a, &a->owners[below(a, OWNERS)]);
    else if (what < 62)
        toggle_owner(a, &a->owners[below(a, OWNERS)]);
    else if (what < 65)
        toggle_sub(a, &a->subs[below(a, SUBS)]);
    else
        go_on(&a->subs[below(a, SUBS)]);
}

/* A few steps, then everything else on this worker has its turn. */
static void play(struct loop *loop, void *arg)
{
    struct actor *a = arg;
    int i;

    RIG_CHECK(loop != NULL);
    for (i = 0; i < 16 && a->left > 0; i++, a->left--)
        step(a);
    if (a->left > 0)
        RIG_CHECK(loop_post_must(loop, play, a, 0) == 0);
    else
        a->done = 1;
}

static void look(void *arg)
{
    struct actor *a = ((struct actor **)arg)[0];

    ((struct actor **)arg)[1] = a->done ? a : NULL;
}

static int all_done(void *arg)
{
    struct actor *a[2];
    uint32_t i;

    (void)arg;
    for (i = 0; i < RIG_WORKERS; i++) {
        a[0] = &actors[i];
        rig_on(i, look, a);
        if (a[1] == NULL)
            return 0;
    }
    return 1;
}

static uint64_t truth[IDENTITIES];

static int note(void *arg, const struct xmb_service *s)
{
    (void)arg;
    truth[s->id.instance[3]] = s->version;
    return 0;
}

static void find_truth(void *arg)
{
    (void)arg;
    service_api.walk(1, note, NULL);
}

static void finish_sub(void *arg)
{
    struct rig_sub *s = arg;
    struct actor *a = s->test;
    uint64_t *held = a->held[s - a->subs];
    uint32_t i;

    s->eager = 1;
    go_on(s);
    for (i = 0; i < IDENTITIES; i++)
        if (s->last_sequence == XMB_ANY_WORD || s->last_sequence == i)
            RIG_CHECK(held[i] == truth[i]);
}

static void finish_owners(void *arg)
{
    struct actor *a = arg;
    uint32_t i;

    for (i = 0; i < OWNERS; i++) {
        RIG_CHECK(a->owners[i].owner == NULL || a->owners[i].last_tag == a->owners[i].requests);
        service_api.owner_close(a->owners[i].owner, XMB_GONE_SOURCE);
    }
    for (i = 0; i < SUBS; i++)
        service_api.unsubscribe(a->subs[i].sub);
}

static void all_agree(void **state)
{
    const char *steps = getenv("XMB_STEPS");
    struct service_stats stats;
    uint32_t i, k;

    (void)state;
    rig_start(0);
    for (i = 0; i < RIG_WORKERS; i++) {
        actors[i].worker = rig_worker(i);
        actors[i].rng = i + 1;
        actors[i].left = steps != NULL ? strtoull(steps, NULL, 0) : 20000;
        RIG_CHECK(loop_post_must(&rig_worker(i)->loop, play, &actors[i], 0) == 0);
    }
    rig_until(all_done, NULL);
    rig_settle();
    rig_on_routing(find_truth, NULL);
    for (i = 0; i < RIG_WORKERS; i++)
        for (k = 0; k < SUBS; k++)
            if (actors[i].subs[k].sub != NULL)
                rig_on(i, finish_sub, &actors[i].subs[k]);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on(i, finish_owners, &actors[i]);
    rig_settle();
    service_stats(&stats);
    assert_int_equal(stats.services, 0);
    assert_int_equal(stats.groups, 0);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_agree)};

    return cmocka_run_group_tests_name("service_stress", tests, NULL, NULL);
}
