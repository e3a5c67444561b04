/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - the worker's side of the router: answers from the snapshot, and
 * questions that wait for the routing loop. Of addresses there is no snapshot, so
 * each question about a host waits.
 *
 * An answer from the snapshot allocates nothing and touches no other thread.
 * Each question that waits has a deadline of its own here, so an answer comes
 * even when a module never gives one.
 */
#include "router/router_priv.h"

#include <stdlib.h>

#define BUCKETS 256u

struct wait {
    struct wait *next;
    struct xmb_worker *w;
    uint64_t id;
    struct timer_node deadline;
    void (*late)(void *arg, const struct xmb_route_answer *answer);
    void *arg;
    const struct xmb_module *asker;
};

/* --- answers --------------------------------------------------------------------------------- */

/* The reference keeps the views of the answer alive until the next one. */
static void fill(struct router_worker *rw, struct route_set *set, int suffix_only,
                 struct xmb_route_answer *out)
{
    size_t n = 0;
    uint32_t i;

    set_hold(set);
    set_release(rw->answered);
    rw->answered = set;
    out->status = 0;
    out->module = module_at(set->module);
    for (i = 0; i < set->count; i++) {
        if (suffix_only && (set->routes[i].flags & XMB_ROUTE_SUFFIX) == 0)
            continue;
        if (set->routes[i].flags & XMB_ROUTE_REJECT)
            out->status = XMB_EDENIED;
        rw->routes[n++] = set->routes[i];
    }
    if (out->status == 0) {
        spread(rw->routes, n, &rw->random_state);
        out->routes = rw->routes;
        out->count = n;
    }
}

static void answer_out(struct xmb_route_answer *out, const struct xmb_route_answer *in)
{
    uint32_t size = out->size >= sizeof(uint32_t) && out->size < sizeof(*in) ? out->size
                                                                            : sizeof(*in);

    memcpy(out, in, size);
    out->size = size;
}

/* --- questions that wait --------------------------------------------------------------------- */

static struct wait **find(struct router_worker *rw, uint64_t id)
{
    struct wait **at = &rw->bucket[id & (BUCKETS - 1)];

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void wait_free(struct wait *wait)
{
    struct router_worker *rw = wait->w->router;
    struct wait **at = find(rw, wait->id);

    *at = wait->next;
    rw->wait_count--;
    timer_stop(wait->w->timers, &wait->deadline);
    free(wait);
}

static void wait_end(struct wait *wait, const struct xmb_route_answer *answer)
{
    struct wait ended = *wait;
    struct module_mark mark;

    wait_free(wait);
    mark = module_enter(ended.asker);
    ended.late(ended.arg, answer);
    module_leave(mark);
}

static void wait_expired(struct timer_node *node)
{
    struct wait *wait = (struct wait *)((char *)node - offsetof(struct wait, deadline));
    struct xmb_route_answer answer = {.size = sizeof(answer), .status = XMB_ETIMEOUT};

    if (wait->w->modules_ended) /* nobody is there to be told */
        wait_free(wait);
    else
        wait_end(wait, &answer);
}

static struct wait *wait_new(struct xmb_worker *w)
{
    struct router_worker *rw = w->router;
    struct wait *wait;

    if (rw->wait_count == ROUTER_WAITS_MAX)
        return NULL;
    wait = calloc(1, sizeof(*wait));
    if (wait == NULL)
        return NULL;
    wait->w = w;
    wait->id = ++rw->last_id;
    wait->deadline.fn = wait_expired;
    *find(rw, wait->id) = wait;
    rw->wait_count++;
    timer_start(w->timers, &wait->deadline, ROUTER_DEADLINE_MS);
    return wait;
}

/* --- to the routing loop and back ------------------------------------------------------------ */

struct question {
    uint32_t worker;
    uint64_t id;
    enum router_kind kind;
    struct name name;
};

static void question_arrived(struct loop *loop, void *arg)
{
    struct question *q = arg;

    if (loop != NULL)
        resolve_ask(q->worker, q->id, q->kind, &q->name);
    free(q);
}

static int send_question(struct xmb_worker *w, uint64_t id, enum router_kind kind,
                         const struct name *name)
{
    struct question *q = malloc(sizeof(*q));
    int rc;

    if (q == NULL)
        return XMB_ENOMEM;
    q->worker = w->index;
    q->id = id;
    q->kind = kind;
    q->name = *name;
    rc = loop_routing() != NULL ? loop_post(loop_routing(), question_arrived, q, sizeof(*q))
                                : XMB_ECANCELED;
    if (rc < 0)
        free(q);
    return rc;
}

struct reply {
    uint64_t id;
    int32_t status;
    struct route_set *set;
};

static void reply_arrived(struct loop *loop, void *arg)
{
    struct reply *reply = arg;
    struct xmb_worker *w = (struct xmb_worker *)loop; /* its first member */
    struct wait *wait = w != NULL && w->router != NULL ? *find(w->router, reply->id) : NULL;
    struct xmb_route_answer answer = {.size = sizeof(answer)};

    if (wait != NULL && !w->modules_ended) {
        if (reply->set != NULL)
            fill(w->router, reply->set, 0, &answer);
        if (reply->status != 0) {
            answer.status = reply->status;
            answer.count = 0;
        }
        if (answer.status == XMB_ENOENT || answer.status == XMB_ETIMEOUT)
            answer.module = NULL; /* a set of the cache has one all the same */
        wait_end(wait, &answer);
    }
    set_release(reply->set);
    free(reply);
}

void lookup_answer(uint32_t worker, uint64_t id, int status, struct route_set *set)
{
    struct reply *reply = malloc(sizeof(*reply));

    if (reply == NULL)
        return; /* the worker's own deadline answers */
    reply->id = id;
    reply->status = status;
    reply->set = set != NULL ? set_hold(set) : NULL;
    if (router_post_worker(worker, reply_arrived, reply, sizeof(*reply)) < 0) {
        set_release(reply->set);
        free(reply);
    }
}

/* --- lookup ---------------------------------------------------------------------------------- */

/* XMB_EAGAIN when the question is on its way. */
static int ask(struct xmb_worker *w, enum router_kind kind, const struct name *name,
               void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
               uint64_t *ask_id)
{
    struct wait *wait = wait_new(w);
    int rc;

    if (wait == NULL)
        return w->router->wait_count == ROUTER_WAITS_MAX ? XMB_ELIMIT : XMB_ENOMEM;
    rc = send_question(w, wait->id, kind, name);
    if (rc < 0) {
        wait_free(wait);
        return rc == XMB_EAGAIN ? XMB_ELIMIT : rc;
    }
    wait->late = late;
    wait->arg = arg;
    wait->asker = module_current();
    if (ask_id != NULL)
        *ask_id = wait->id;
    return XMB_EAGAIN;
}

int lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
           void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
           uint64_t *ask_id)
{
    struct xmb_route_answer found = {.size = sizeof(found)};
    struct route_set *set;
    struct name name;
    int suffix_only = 0;

    LOOP_ASSERT(&w->loop);
    if (name_read(domain, &name) < 0)
        return XMB_EINVAL;
    set = snapshot_find(w->router->snapshot, (struct xmb_str){name.text, name.n}, &suffix_only);
    if (set == NULL && late != NULL && resolve_is_offered(ROUTER_ROUTES))
        return ask(w, ROUTER_ROUTES, &name, late, arg, ask_id);
    if (set != NULL)
        fill(w->router, set, suffix_only, &found);
    else
        found.status = XMB_ENOENT;
    answer_out(answer, &found);
    return 0;
}

int lookup_addresses(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                     void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                     uint64_t *ask_id)
{
    const struct xmb_route_answer unknown = {.size = sizeof(unknown), .status = XMB_ENOENT};
    struct name host;

    LOOP_ASSERT(&w->loop);
    if (name_read(name, &host) < 0)
        return XMB_EINVAL;
    if (late != NULL)
        return ask(w, ROUTER_ADDRESSES, &host, late, arg, ask_id);
    answer_out(answer, &unknown);
    return 0;
}

void lookup_cancel(struct xmb_worker *w, uint64_t ask_id)
{
    struct wait *wait;

    LOOP_ASSERT(&w->loop);
    if (w->router != NULL && (wait = *find(w->router, ask_id)) != NULL)
        wait_free(wait);
}

void lookup_fini(struct xmb_worker *w)
{
    struct router_worker *rw = w->router;
    uint32_t i;

    for (i = 0; i < BUCKETS; i++)
        while (rw->bucket[i] != NULL)
            wait_free(rw->bucket[i]);
    set_release(rw->answered);
    rw->answered = NULL;
}
