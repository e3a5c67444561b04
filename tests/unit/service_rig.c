/* SPDX-License-Identifier: MIT */
/*
 * service_rig.c - see service_rig.h.
 */
#include "service_rig.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_S 60
#define MAILBOX_BYTES (64u << 20)

const struct xmb_service_id rig_any = {
    XMB_ANY_SERVICE, XMB_ANY_SUBSERVICE, {XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD}};

static struct xmb_worker workers[RIG_WORKERS];

/* --- running elsewhere ----------------------------------------------------------------------- */

struct call {
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

static void run_call(struct loop *loop, void *arg)
{
    struct call *c = arg;

    RIG_CHECK(loop != NULL);
    c->fn(c->arg);
    sem_post(&c->done);
}

static void run_on(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct call c = {.fn = fn, .arg = arg};
    int rc;

    sem_init(&c.done, 0, 0);
    rc = loop_post_must(loop, run_call, &c, 0);
    RIG_CHECK(rc == 0);
    while (sem_wait(&c.done) != 0)
        ;
    sem_destroy(&c.done);
}

void rig_on(uint32_t worker, void (*fn)(void *arg), void *arg)
{
    run_on(&workers[worker].loop, fn, arg);
}

void rig_on_routing(void (*fn)(void *arg), void *arg)
{
    run_on(loop_routing(), fn, arg);
}

struct xmb_worker *rig_worker(uint32_t i)
{
    return &workers[i];
}

/* --- begin and end --------------------------------------------------------------------------- */

static void begin_worker(void *arg)
{
    int rc = service_worker_init(arg);

    RIG_CHECK(rc == 0);
}

static void end_worker(void *arg)
{
    service_worker_fini(arg);
}

void rig_start(uint32_t maximum)
{
    uint32_t i;
    int rc = service_init(maximum);

    rc |= loop_routing_start();
    memset(workers, 0, sizeof(workers));
    for (i = 0; i < RIG_WORKERS; i++) {
        workers[i].index = i;
        rc |= loop_init(&workers[i].loop, "worker", MAILBOX_BYTES);
        rc |= loop_start(&workers[i].loop);
        RIG_CHECK(rc == 0);
        rig_on(i, begin_worker, &workers[i]);
    }
}

void rig_stop(void)
{
    uint32_t i;

    for (i = 0; i < RIG_WORKERS; i++)
        rig_on(i, end_worker, &workers[i]);
    for (i = 0; i < RIG_WORKERS; i++) {
        loop_stop(&workers[i].loop);
        loop_join(&workers[i].loop);
    }
    loop_routing_join();
    service_fini();
}

/* --- waiting --------------------------------------------------------------------------------- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void rig_until(int (*fn)(void *arg), void *arg)
{
    static const struct timespec pause = {0, 100000};
    double end = now_s() + DEADLINE_S;

    while (fn(arg) == 0) {
        if (now_s() > end) {
            fprintf(stderr, "waited for %d s in vain\n", DEADLINE_S);
            abort();
        }
        nanosleep(&pause, NULL);
    }
}

static void look(void *arg)
{
    int *quiet = arg;
    struct link *link;
    uint32_t i;

    for (i = 0; i < RIG_WORKERS; i++) {
        link = workers[i].services->link;
        if (!list_empty(&link->queue) || link->next.notice_count > 0 ||
            link->sent != atomic_load(&link->applied))
            *quiet = 0;
    }
}

/* What was asked for in this turn: tests count on the order of their calls, over all workers. */
static void send_outbox(void *arg)
{
    struct xmb_worker *w = arg;

    outbox_send(&w->services->outbox);
}

/* What workers have sent is with the routing loop, and it has nothing left for them. */
static int is_quiet(void *arg)
{
    int quiet = 1;
    uint32_t i;

    (void)arg;
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on(i, send_outbox, &workers[i]);
    rig_on_routing(look, &quiet);
    return quiet;
}

/* Waits for the end of a turn of one worker. */
struct turn {
    struct loop_hook hook;
    struct loop *loop;
    sem_t ended;
};

static void turn_ended(struct loop_hook *hook)
{
    sem_post(&((struct turn *)hook)->ended);
}

static void arm(void *arg)
{
    struct turn *t = arg;

    loop_at_turn_end(t->loop, &t->hook);
}

static void wait_turn(uint32_t worker)
{
    struct turn t = {.hook = {.fn = turn_ended}, .loop = &workers[worker].loop};

    sem_init(&t.ended, 0, 0);
    rig_on(worker, arm, &t);
    while (sem_wait(&t.ended) < 0)
        ;
    sem_destroy(&t.ended);
}

void rig_settle(void)
{
    uint32_t i;

    rig_until(is_quiet, NULL);
    /*
     * A batch counts as applied before its subscribers were called, and those of a turn are called
     * at its end, in no order with our hook: so the turn after it has to end as well.
     */
    for (i = 0; i < RIG_WORKERS; i++) {
        wait_turn(i);
        wait_turn(i);
    }
}

/* --- identities ------------------------------------------------------------------------------ */

struct xmb_service_id rig_id(uint16_t service, uint32_t instance)
{
    struct xmb_service_id id = {service, 7, {1, 2, 3, instance}};

    return id;
}

/* --- owners ---------------------------------------------------------------------------------- */

static void done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    struct rig_owner *o = arg;

    RIG_CHECK(!o->closed);
    o->answers++;
    o->last_tag = tag;
    o->last = *result;
    if (o->on_done != NULL)
        o->on_done(o, tag, result);
}

static void taken_over(void *arg, uint32_t domain, const struct xmb_service_id *id)
{
    struct rig_owner *o = arg;

    (void)domain;
    (void)id;
    RIG_CHECK(!o->closed);
    o->taken++;
}

static const struct xmb_owner_ops ops = {
    .size = sizeof(ops), .done = done, .taken_over = taken_over};

struct open_call {
    struct rig_owner *o;
    const char *name;
    uint32_t flags;
};

static void do_open(void *arg)
{
    struct open_call *c = arg;
    int rc = service_api.owner_open(&workers[c->o->worker], module_core(), xmb_str(c->name),
                                    c->flags, &ops, c->o, &c->o->owner);

    RIG_CHECK(rc == 0);
}

void rig_open(struct rig_owner *o, uint32_t worker, const char *name, uint32_t flags)
{
    struct open_call c = {o, name, flags};

    memset(o, 0, sizeof(*o));
    o->worker = worker;
    rig_on(worker, do_open, &c);
}

struct close_call {
    struct rig_owner *o;
    uint32_t reason;
};

static void do_close(void *arg)
{
    struct close_call *c = arg;

    service_api.owner_close(c->o->owner, c->reason);
    c->o->closed = 1;
}

void rig_close(struct rig_owner *o, uint32_t reason)
{
    struct close_call c = {o, reason};

    rig_on(o->worker, do_close, &c);
}

struct send_call {
    struct rig_owner *o;
    struct xmb_publish p;
    uint64_t tag;
    int rc;
};

static void do_publish(void *arg)
{
    struct send_call *c = arg;

    c->rc = service_api.publish(c->o->owner, &c->p, c->tag);
    c->o->requests += c->rc == 0;
    send_outbox(&workers[c->o->worker]);
}

static void do_unpublish(void *arg)
{
    struct send_call *c = arg;

    c->rc = service_api.unpublish(c->o->owner, c->p.domain, &c->p.id, c->tag);
    c->o->requests += c->rc == 0;
    send_outbox(&workers[c->o->worker]);
}

static void make_publish(struct xmb_publish *p, uint32_t domain, struct xmb_service_id id,
                         uint32_t sequence, uint32_t flags, const char *data)
{
    memset(p, 0, sizeof(*p));
    p->size = sizeof(*p);
    p->domain = domain;
    p->id = id;
    p->sequence = sequence;
    p->flags = flags;
    p->ip_protocol = 6;
    p->addr.family = 4;
    p->addr.port = 5060;
    p->data = xmb_str(data);
}

int rig_send(struct rig_owner *o, uint32_t domain, struct xmb_service_id id, uint32_t sequence,
             uint32_t flags, const char *data)
{
    struct send_call c = {.o = o, .tag = sequence};

    make_publish(&c.p, domain, id, sequence, flags, data);
    rig_on(o->worker, do_publish, &c);
    return c.rc;
}

struct answer_call {
    struct rig_owner *o;
    int there;
};

static void look_for_answer(void *arg)
{
    struct answer_call *c = arg;

    c->there = c->o->answers == c->o->requests;
}

static int has_answer(void *arg)
{
    struct answer_call *c = arg;

    rig_on(c->o->worker, look_for_answer, c);
    return c->there;
}

static int await_answer(struct send_call *c)
{
    struct answer_call a = {c->o, 0};

    if (c->rc < 0)
        return c->rc;
    rig_until(has_answer, &a);
    return c->o->last.status;
}

int rig_publish(struct rig_owner *o, uint32_t domain, struct xmb_service_id id, uint32_t sequence,
                uint32_t flags, const char *data)
{
    struct send_call c = {.o = o, .tag = sequence};

    make_publish(&c.p, domain, id, sequence, flags, data);
    rig_on(o->worker, do_publish, &c);
    return await_answer(&c);
}

int rig_unpublish(struct rig_owner *o, uint32_t domain, struct xmb_service_id id)
{
    struct send_call c = {.o = o, .p = {.domain = domain, .id = id}};

    rig_on(o->worker, do_unpublish, &c);
    return await_answer(&c);
}

/* --- subscribers ----------------------------------------------------------------------------- */

static uint32_t take(struct rig_sub *s, uint32_t most)
{
    struct xmb_event e = {.size = sizeof(e)};
    uint32_t n = 0;

    while (n < most) {
        if (service_api.next(s->sub, &e) == 0) {
            s->waiting = 1;
            break;
        }
        s->waiting = 0;
        n++;
        s->notifies += e.kind == XMB_EVENT_NOTIFY;
        s->withdraws += e.kind == XMB_EVENT_WITHDRAW;
        s->last_sequence = e.service->sequence;
        s->last_reason = e.reason;
        s->last_flags = e.service->flags;
        if (s->on_event != NULL)
            s->on_event(s, &e);
    }
    return n;
}

static void ready(void *arg)
{
    struct rig_sub *s = arg;

    RIG_CHECK(s->sub != NULL); /* not before subscribe has returned */
    RIG_CHECK(s->waiting);
    s->waiting = 0;
    s->rings++;
    if (s->eager)
        (void)take(s, UINT32_MAX);
}

struct subscribe_call {
    struct rig_sub *s;
    struct xmb_subscription spec;
    int rc;
};

static void do_subscribe(void *arg)
{
    struct subscribe_call *c = arg;
    struct xmb_sub *sub;

    c->rc = service_api.subscribe(&workers[c->s->worker], module_core(), &c->spec, &sub);
    if (c->rc == 0)
        c->s->sub = sub;
}

int rig_subscribe(struct rig_sub *s, uint32_t worker, uint32_t domain,
                  struct xmb_service_id pattern, uint32_t view, int eager)
{
    struct subscribe_call c = {.s = s,
                               .spec = {.size = sizeof(c.spec),
                                        .domain = domain,
                                        .pattern = pattern,
                                        .view = view,
                                        .ready = ready,
                                        .arg = s}};

    s->worker = worker;
    s->eager = eager;
    s->sub = NULL;
    s->waiting = 1;
    rig_on(worker, do_subscribe, &c);
    return c.rc;
}

static void do_unsubscribe(void *arg)
{
    struct rig_sub *s = arg;

    service_api.unsubscribe(s->sub);
    s->sub = NULL;
}

void rig_unsubscribe(struct rig_sub *s)
{
    rig_on(s->worker, do_unsubscribe, s);
}

struct take_call {
    struct rig_sub *s;
    uint32_t most;
    uint32_t n;
};

static void do_take(void *arg)
{
    struct take_call *c = arg;

    c->n = take(c->s, c->most);
}

uint32_t rig_take(struct rig_sub *s, uint32_t most)
{
    struct take_call c = {s, most, 0};

    rig_on(s->worker, do_take, &c);
    return c.n;
}
