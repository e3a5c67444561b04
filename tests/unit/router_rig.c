/* SPDX-License-Identifier: MIT */
/* router_rig.c - the domain router on real loops with two modules. */
#include "router_rig.h"

#include <stdio.h>
#include <string.h>

/* --- modules --------------------------------------------------------------------------------- */

struct script script[2];
struct xmb_module *module[2];

static int resolve(void *self, struct xmb_str domain, struct xmb_ticket *ticket)
{
    struct script *s = self;
    int n = atomic_load(&s->asked);

    (void)domain;
    if (s->hold && s->rc == 0)
        s->held[n % HELD_MAX] = ticket;
    atomic_fetch_add(&s->asked, 1);
    if (s->rc == 0 && !s->hold)
        router_api.resolved(ticket, s->status, s->routes, s->count);
    return s->rc;
}

int open_router(void **state)
{
    static const char *const names[] = {"first", "second"};
    int i;

    (void)state;
    memset(script, 0, sizeof(script));
    for (i = 0; i < 2; i++) {
        module[i] = rig_module(names[i]);
        module[i]->routing.size = sizeof(module[i]->routing);
        module[i]->self = &script[i];
    }
    rig_up();
    return 0;
}

int close_router(void **state)
{
    (void)state;
    rig_down();
    return 0;
}

void offer_resolve(int i)
{
    module[i]->routing.resolve = resolve;
}

struct xmb_route route(const char *target, uint16_t priority, uint16_t weight)
{
    return (struct xmb_route){.size = sizeof(struct xmb_route), .target = xmb_str(target),
                              .port = 5269, .priority = priority, .weight = weight, .ttl_s = 60};
}

/* --- pushing --------------------------------------------------------------------------------- */

struct push {
    int module;
    struct xmb_str domain;
    const struct xmb_route *routes;
    size_t count;
    int rc;
};

static void push_there(void *arg)
{
    struct push *p = arg;

    p->rc = router_api.update(module[p->module], p->domain, p->routes, p->count);
}

static _Atomic int turns_ended;

static void turn_ended(struct loop_hook *hook)
{
    (void)hook;
    atomic_fetch_add(&turns_ended, 1);
}

static void arm_hook(void *arg)
{
    static struct loop_hook hook = {.fn = turn_ended};

    (void)arg;
    loop_at_turn_end(loop_routing(), &hook);
}

static void nothing_on_worker(struct xmb_worker *w, void *arg)
{
    (void)w;
    (void)arg;
}

/*
 * Hooks run in the order in which they were armed: when this one has, the snapshot is on its
 * way; what is posted to a worker now comes behind it.
 */
void settle(void)
{
    int before = atomic_load(&turns_ended);
    uint32_t i;

    rig_on_routing(arm_hook, NULL);
    rig_wait(&turns_ended, before + 1);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on_worker(i, nothing_on_worker, NULL);
}

int push(int m, const char *domain, const struct xmb_route *routes, size_t count)
{
    struct push p = {m, xmb_str(domain), routes, count, 0};

    rig_on_routing(push_there, &p);
    settle();
    return p.rc;
}

int push_one(int m, const char *domain, uint32_t flags, const char *target)
{
    struct xmb_route r = route(target, 0, 0);

    r.flags = flags;
    return push(m, domain, &r, 1);
}

/* --- asking ---------------------------------------------------------------------------------- */

static void keep(struct ask *a, const struct xmb_route_answer *answer)
{
    size_t i;

    a->status = answer->status;
    a->module = answer->module;
    a->count = answer->count;
    for (i = 0; i < answer->count; i++)
        snprintf(a->target[i], sizeof(a->target[i]), "%.*s", (int)answer->routes[i].target.n,
                 answer->routes[i].target.n > 0 ? answer->routes[i].target.p : "");
}

static void late(void *arg, const struct xmb_route_answer *answer)
{
    struct ask *a = arg;

    keep(a, answer);
    atomic_fetch_add(&a->late, 1);
}

void ask_there(struct xmb_worker *w, void *arg)
{
    struct xmb_route_answer answer = {.size = sizeof(answer)};
    struct ask *a = arg;

    a->rc = router_api.lookup(w, xmb_str(a->domain), &answer, a->can_wait ? late : NULL, a,
                              &a->id);
    if (a->rc == 0)
        keep(a, &answer);
}

void ask_on(struct ask *a, uint32_t worker, const char *domain)
{
    memset(a, 0, sizeof(*a));
    a->domain = domain;
    a->can_wait = 1;
    rig_on_worker(worker, ask_there, a);
}

void ask(struct ask *a, const char *domain)
{
    ask_on(a, 0, domain);
}

void answers(const char *domain, const char *target)
{
    struct ask a;

    ask(&a, domain);
    assert_int_equal(a.rc, 0);
    if (target == NULL) {
        assert_int_equal(a.status, XMB_ENOENT);
        assert_int_equal(a.count, 0);
        return;
    }
    assert_int_equal(a.status, 0);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.target[0], target);
}

void waits(struct ask *a, const char *domain)
{
    ask(a, domain);
    assert_int_equal(a->rc, XMB_EAGAIN);
}
