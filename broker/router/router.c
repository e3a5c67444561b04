/* SPDX-License-Identifier: MIT */
/*
 * router.c - the router's table of functions, its life, and the way of a
 * snapshot from the routing loop to the workers.
 *
 * Each worker has a slot with the newest snapshot that it has not taken yet.
 * A message is only sent when the slot was empty, so a worker that is slow
 * holds back one snapshot, however often the table changes.
 */
#include "router/router_priv.h"

#include "log/log.h"
#include "loop/routing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct router_slot slots[WORKERS_MAX]; /* boxes: under the lock */
static struct snapshot *newest;               /* under the lock */
static struct loop_hook at_turn_end;          /* thread: routing */

/* --- snapshots to workers -------------------------------------------------------------------- */

/* Thread: the worker of the slot, or whoever ends its loop. */
static void take_pending(struct loop *loop, void *arg)
{
    struct router_slot *slot = arg;
    struct snapshot *s = atomic_exchange(&slot->pending, NULL);
    struct xmb_worker *w = (struct xmb_worker *)loop; /* its first member */

    if (s == NULL)
        return;
    if (w == NULL || w->router == NULL) {
        snapshot_release(s);
        return;
    }
    snapshot_release(w->router->snapshot);
    w->router->snapshot = s;
}

/* Under the lock. */
static void send_snapshot(struct router_slot *slot, struct snapshot *s)
{
    struct snapshot *overtaken = atomic_exchange(&slot->pending, snapshot_hold(s));

    if (overtaken != NULL)
        snapshot_release(overtaken); /* its message takes this one */
    else if (ticket_box_post(slot->box, take_pending, slot, 0) < 0)
        snapshot_release(atomic_exchange(&slot->pending, NULL));
}

static void publish(struct loop_hook *hook)
{
    struct snapshot *s = snapshot_new();
    uint32_t i;

    (void)hook;
    if (s == NULL) {
        log_api.write(module_core(), XMB_LOG_ERROR, "routes",
                      "out of memory; workers keep the routes that they have until the next "
                      "change");
        return;
    }
    pthread_mutex_lock(&lock);
    snapshot_release(newest);
    newest = s;
    for (i = 0; i < WORKERS_MAX; i++)
        if (slots[i].box != NULL)
            send_snapshot(&slots[i], s);
    pthread_mutex_unlock(&lock);
}

void router_changed(void)
{
    at_turn_end.fn = publish;
    loop_at_turn_end(loop_routing(), &at_turn_end);
}

int router_post_worker(uint32_t index, loop_fn *fn, void *arg, size_t cost_bytes)
{
    struct ticket_box *box = NULL;
    int rc = XMB_ECANCELED;

    pthread_mutex_lock(&lock);
    if (index < WORKERS_MAX && slots[index].box != NULL)
        box = ticket_box_hold(slots[index].box);
    pthread_mutex_unlock(&lock);
    if (box != NULL)
        rc = ticket_box_post(box, fn, arg, cost_bytes);
    ticket_box_release(box);
    return rc;
}

/* --- update ---------------------------------------------------------------------------------- */

static int update(struct xmb_module *module, struct xmb_str domain,
                  const struct xmb_route *routes, size_t count)
{
    struct route_set *set = NULL;
    struct name name;
    int rc;

    LOOP_ASSERT(loop_routing());
    if (name_read(domain, &name) < 0)
        return XMB_EINVAL;
    if (count > 0) {
        rc = set_new(module->index, 0, (struct xmb_str){name.text, name.n}, routes, count, &set);
        if (rc < 0)
            return rc;
    }
    rc = table_update(module->index, &name, set);
    set_release(set);
    if (rc == 0)
        router_changed();
    return rc;
}

static void clear(struct xmb_module *module)
{
    LOOP_ASSERT(loop_routing());
    table_clear_module(module->index);
    router_changed();
}

/* --- post ------------------------------------------------------------------------------------ */

struct errand {
    struct xmb_module *module;
    void (*fn)(void *arg);
    void (*dropped)(void *arg);
    void *arg;
};

static void run_errand(struct loop *loop, void *arg)
{
    struct errand e = *(struct errand *)arg;
    struct module_mark mark = module_enter(e.module);

    free(arg);
    if (loop != NULL)
        e.fn(e.arg);
    else if (e.dropped != NULL)
        e.dropped(e.arg);
    module_leave(mark);
}

static int post(struct xmb_module *module, void (*fn)(void *arg), void (*dropped)(void *arg),
                void *arg, size_t cost_bytes)
{
    struct errand *e;
    int rc;

    if (loop_routing() == NULL)
        return XMB_ECANCELED;
    e = malloc(sizeof(*e));
    if (e == NULL)
        return XMB_ENOMEM;
    *e = (struct errand){module, fn, dropped, arg};
    rc = loop_post(loop_routing(), run_errand, e, sizeof(*e) + cost_bytes);
    if (rc < 0)
        free(e);
    return rc;
}

/* --- forget ---------------------------------------------------------------------------------- */

static void forget_there(struct loop *loop, void *arg)
{
    struct name *name = arg;

    if (loop != NULL)
        resolve_forget((struct xmb_str){name->text, name->n});
    free(name);
}

static void forget(struct xmb_str domain)
{
    struct name *name = calloc(1, sizeof(*name));
    int rc = name != NULL ? 0 : XMB_ENOMEM;

    if (rc == 0 && domain.n > 0)
        rc = name_read(domain, name);
    if (rc == 0 && loop_routing() == NULL)
        rc = XMB_ECANCELED;
    if (rc == 0)
        rc = loop_post(loop_routing(), forget_there, name, sizeof(*name));
    if (rc == 0)
        return;
    free(name);
    if (rc == XMB_EAGAIN || rc == XMB_ENOMEM)
        log_api.limited(module_current(), XMB_LOG_WARN, "forget", 1, NULL,
                        "the routing loop is too busy to forget routes; they stay until they "
                        "expire");
}

/* --- walk ------------------------------------------------------------------------------------ */

struct walk {
    struct xmb_str domain;
    void (*fn)(void *arg, const struct xmb_module *m, const struct xmb_route *r);
    void *arg;
};

/* `domain` is `of`, or is below it. */
static int is_below(struct xmb_str domain, struct xmb_str of)
{
    for (; domain.n > of.n; domain = name_parent(domain))
        ;
    return xmb_str_eq(domain, of);
}

static void walk_set(void *arg, struct route_set *set)
{
    const struct walk *walk = arg;
    int exact = walk->domain.n == 0 || xmb_str_eq(walk->domain, set->domain);
    uint32_t i;

    if (set->kind != ROUTER_ROUTES)
        return;
    if (!exact && !(set->has_suffix && is_below(walk->domain, set->domain)))
        return;
    for (i = 0; i < set->count; i++)
        if (exact || (set->routes[i].flags & XMB_ROUTE_SUFFIX))
            walk->fn(walk->arg, module_at(set->module), &set->routes[i]);
}

void router_walk(struct xmb_str domain,
                 void (*fn)(void *arg, const struct xmb_module *m, const struct xmb_route *r),
                 void *arg)
{
    struct walk walk = {domain, fn, arg};
    struct name name;

    if (domain.n > 0) {
        if (name_read(domain, &name) < 0)
            return;
        walk.domain = (struct xmb_str){name.text, name.n};
    }
    table_walk(walk_set, &walk);
    cache_walk(loop_now_ms(loop_routing()), walk_set, &walk);
}

/* --- life ------------------------------------------------------------------------------------ */

int router_init(void)
{
    return 0;
}

/* After all threads have ended. */
void router_fini(void)
{
    resolve_fini();
    cache_fini();
    table_fini();
    snapshot_release(newest);
    newest = NULL;
    memset(&at_turn_end, 0, sizeof(at_turn_end));
}

int router_worker_init(struct xmb_worker *w)
{
    struct router_worker *rw = calloc(1, sizeof(*rw));
    struct router_slot *slot = &slots[w->index];
    struct ticket_box *box = ticket_box_new(&w->loop);

    if (rw == NULL || box == NULL) {
        free(rw);
        ticket_box_release(box);
        return XMB_ENOMEM;
    }
    if (getrandom(&rw->random_state, sizeof(rw->random_state), 0) < 0)
        rw->random_state = loop_now_ms(&w->loop) + w->index;
    w->router = rw;
    pthread_mutex_lock(&lock);
    slot->box = box;
    rw->snapshot = newest != NULL ? snapshot_hold(newest) : NULL;
    pthread_mutex_unlock(&lock);
    return 0;
}

void router_worker_fini(struct xmb_worker *w)
{
    struct router_slot *slot = &slots[w->index];

    if (w->router == NULL)
        return;
    pthread_mutex_lock(&lock);
    ticket_box_close(slot->box);
    ticket_box_release(slot->box);
    slot->box = NULL;
    pthread_mutex_unlock(&lock);
    snapshot_release(atomic_exchange(&slot->pending, NULL));
    lookup_fini(w);
    snapshot_release(w->router->snapshot);
    free(w->router);
    w->router = NULL;
}

const struct xmb_router_api router_api = {
    .size = sizeof(struct xmb_router_api),
    .rev = 1,
    .update = update,
    .clear = clear,
    .resolved = resolve_answer,
    .lookup = lookup,
    .cancel = lookup_cancel,
    .post = post,
    .resolved_for = resolve_answer_for,
    .addresses = lookup_addresses,
    .forget = forget,
    .now_ms = routing_now_ms,
    .timer = routing_timer,
};
