/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - questions to the modules that can find routes, or addresses, on a miss.
 *
 *     ask --cached--> answered
 *      \--known question--> waits with the others
 *       \--new--> first module --no, or cannot--> next module ... --none left--> "nobody knows"
 *                    |--routes, or reject--> answered
 *                    \--10 s--> forgotten; the workers' own deadlines have answered
 *
 * Questions for routes and for addresses take the same way and never meet. When no module at
 * all offers addresses, the system is asked in their place (system.c).
 *
 * Thread: routing, but for resolve_answer. Questions are kept in the order of
 * their beginning and all have the same time to live, so the old ones are
 * dropped whenever a new one comes; no timer is needed here.
 */
#include "router/router_priv.h"

#include "log/log.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS 4096u

struct waiter {
    struct waiter *next;
    uint64_t id;
    uint32_t worker;
};

struct query {
    struct query *next; /* in its bucket */
    struct query *older;
    struct query *newer;
    uint64_t number;
    uint64_t began_ms;
    uint32_t kind;     /* enum router_kind */
    uint32_t module;   /* index of the one that is asked; 0: the system, or none yet */
    uint32_t troubled; /* a module could not say: the answer must not be "nobody knows" */
    uint32_t answered; /* a module was asked, and had no routes */
    uint64_t keep_ms;  /* how long a failure may be kept, by all that were asked so far */
    struct waiter *waiters;
    struct waiter **waiters_end;
    struct name name;
};

struct router_ticket {
    struct xmb_ticket base; /* first */
    uint32_t kind;
    uint32_t module;
    int32_t status;
    uint64_t number;
    uint64_t keep_ms;      /* of the answer, whatever it is */
    struct route_set *set; /* of the answer */
    struct name name;
};

static struct {
    struct query *bucket[BUCKETS];
    struct query *oldest;
    struct query *newest;
    uint64_t last_number;
    uint32_t query_count;
    uint32_t waiter_count;
    uint32_t tickets[MODULES_MAX];
    struct ticket_box *box;
} state;

static struct xmb_str view(const struct name *n)
{
    return (struct xmb_str){n->text, n->n};
}

typedef int ask_fn(void *self, struct xmb_str name, struct xmb_ticket *ticket);

static ask_fn *offer_of(const struct xmb_module *m, uint32_t kind)
{
    return kind == ROUTER_ROUTES ? m->routing.resolve : m->routing.addresses;
}

int resolve_is_offered(enum router_kind kind)
{
    uint32_t i;

    for (i = 1; i < module_count(); i++)
        if (offer_of(module_at(i), kind) != NULL)
            return 1;
    return 0;
}

/* --- the table of questions ------------------------------------------------------------------ */

static struct query **find(uint32_t kind, const struct name *name)
{
    struct query **at = &state.bucket[(name_hash(view(name)) + kind) & (BUCKETS - 1)];

    while (*at != NULL &&
           ((*at)->kind != kind || !xmb_str_eq(view(&(*at)->name), view(name))))
        at = &(*at)->next;
    return at;
}

static struct query *query_new(uint32_t kind, const struct name *name, uint64_t now_ms)
{
    struct query *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->kind = kind;
    q->name = *name;
    q->keep_ms = ROUTER_NEGATIVE_MS;
    q->number = ++state.last_number;
    q->began_ms = now_ms;
    q->waiters_end = &q->waiters;
    *find(kind, name) = q;
    q->older = state.newest;
    *(state.newest != NULL ? &state.newest->newer : &state.oldest) = q;
    state.newest = q;
    state.query_count++;
    return q;
}

static void query_free(struct query *q)
{
    struct query **at = find(q->kind, &q->name);

    *at = q->next;
    *(q->older != NULL ? &q->older->newer : &state.oldest) = q->newer;
    *(q->newer != NULL ? &q->newer->older : &state.newest) = q->older;
    state.query_count--;
    while (q->waiters != NULL) {
        struct waiter *one = q->waiters;

        q->waiters = one->next;
        state.waiter_count--;
        free(one);
    }
    free(q);
}

/* The workers' own deadlines have told everybody who asked. */
static void drop_old(uint64_t now_ms)
{
    while (state.oldest != NULL && now_ms - state.oldest->began_ms >= ROUTER_DEADLINE_MS) {
        struct query *q = state.oldest;

        log_api.limited(module_at(q->module), XMB_LOG_WARN, "resolve late", 1, q->name.text,
                        "%s were not found within 10 s; whoever asked was told so",
                        q->kind == ROUTER_ROUTES ? "routes" : "addresses");
        query_free(q);
    }
}

static int query_join(struct query *q, uint32_t worker, uint64_t id)
{
    struct waiter *one;

    if (state.waiter_count == ROUTER_WAITERS_MAX)
        return XMB_ELIMIT;
    one = calloc(1, sizeof(*one));
    if (one == NULL)
        return XMB_ENOMEM;
    one->worker = worker;
    one->id = id;
    *q->waiters_end = one;
    q->waiters_end = &one->next;
    state.waiter_count++;
    return 0;
}

static void query_end(struct query *q, int status, struct route_set *set)
{
    const struct waiter *one;

    for (one = q->waiters; one != NULL; one = one->next)
        lookup_answer(one->worker, one->id, status, set);
    query_free(q);
}

/* --- modules --------------------------------------------------------------------------------- */

static void ticket_free(struct router_ticket *t)
{
    set_release(t->set);
    ticket_fini(&t->base);
    free(t);
}

static struct router_ticket *ticket_new(const struct query *q)
{
    struct router_ticket *t;

    if (state.box == NULL && (state.box = ticket_box_new(loop_routing())) == NULL)
        return NULL;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    ticket_init(&t->base, TICKET_ROUTER, state.box);
    t->kind = q->kind;
    t->module = q->module;
    t->number = q->number;
    t->name = q->name;
    return t;
}

/* 0: it has the ticket. Negative: it cannot be asked. */
static int ask_module(const struct query *q, struct xmb_module *m)
{
    struct router_ticket *t;
    struct module_mark mark;
    int rc;

    if (state.tickets[m->index] >= ROUTER_TICKETS_MAX)
        return XMB_ELIMIT;
    t = ticket_new(q);
    if (t == NULL)
        return XMB_ENOMEM;
    state.tickets[m->index]++;
    mark = module_enter(m);
    rc = offer_of(m, q->kind)(m->self, view(&q->name), &t->base);
    module_leave(mark);
    if (rc < 0 && atomic_load(&t->base.given) == 0) {
        state.tickets[m->index]--;
        ticket_free(t);
    }
    return rc < 0 ? rc : 0;
}

/* Keeps that there is none, or that nobody could say. */
static void keep_failure(const struct query *q, int status)
{
    struct route_set *set = NULL;

    if (q->keep_ms == 0 || set_new(0, status, view(&q->name), NULL, 0, &set) < 0)
        return;
    set->kind = q->kind;
    cache_put(set, loop_now_ms(loop_routing()), q->keep_ms);
    set_release(set);
}

static void nobody_knows(struct query *q)
{
    int status = q->troubled ? XMB_ETIMEOUT : XMB_ENOENT;

    keep_failure(q, status);
    query_end(q, status, NULL);
}

/* Whoever was asked knows nothing; `keep_ms` is how long that holds. The shortest time counts. */
static void query_failed(struct query *q, int is_trouble, uint64_t keep_ms)
{
    q->troubled |= (uint32_t)is_trouble;
    if (keep_ms < q->keep_ms || !q->answered)
        q->keep_ms = keep_ms;
    q->answered = 1;
}

/* Asks the next module that can be asked. */
static void query_next(struct query *q)
{
    while (++q->module < module_count()) {
        struct xmb_module *m = module_at(q->module);

        if (offer_of(m, q->kind) == NULL)
            continue;
        if (ask_module(q, m) == 0)
            return;
        query_failed(q, 1, 0);
    }
    nobody_knows(q);
}

/* As if it were a module, before the first. */
static void query_system(struct query *q)
{
    struct router_ticket *t = ticket_new(q);

    if (t != NULL && system_ask(&t->base, q->waiters->worker, &q->name) == 0) {
        state.tickets[0]++;
        return;
    }
    if (t != NULL)
        ticket_free(t);
    query_failed(q, 1, 0);
    nobody_knows(q);
}

static void query_begin(struct query *q)
{
    if (q->kind == ROUTER_ADDRESSES && !resolve_is_offered(ROUTER_ADDRESSES))
        query_system(q);
    else
        query_next(q);
}

void resolve_ask(uint32_t worker, uint64_t id, enum router_kind kind, const struct name *name)
{
    uint64_t now_ms = loop_now_ms(loop_routing());
    struct route_set *cached = cache_find(kind, view(name), now_ms);
    struct query *q;
    int is_new;

    if (cached != NULL) {
        lookup_answer(worker, id, cached->status, cached);
        return;
    }
    drop_old(now_ms);
    q = *find(kind, name);
    is_new = q == NULL;
    if (is_new && state.query_count < ROUTER_QUERIES_MAX)
        q = query_new(kind, name, now_ms);
    if (q == NULL || query_join(q, worker, id) < 0) {
        log_api.limited(module_core(), XMB_LOG_WARN, "resolve full", 1, name->text,
                        "too many names are being looked for; this one is answered as late");
        lookup_answer(worker, id, XMB_ETIMEOUT, NULL);
        if (is_new && q != NULL)
            query_free(q);
        return;
    }
    if (is_new)
        query_begin(q);
}

void resolve_forget(struct xmb_str name)
{
    if (name.n == 0) {
        cache_forget_all();
        return;
    }
    cache_forget(ROUTER_ROUTES, name);
    cache_forget(ROUTER_ADDRESSES, name);
}

/* --- answers --------------------------------------------------------------------------------- */

static void query_answered(struct query *q, const struct router_ticket *t)
{
    struct route_set *set = t->set;

    if (t->status == 0 || t->status == XMB_EDENIED) {
        cache_put(set, loop_now_ms(loop_routing()), t->keep_ms);
        query_end(q, set->status, set);
        return;
    }
    query_failed(q, t->status != XMB_ENOENT, t->keep_ms);
    query_next(q);
}

static void arrived(struct loop *loop, void *arg)
{
    struct router_ticket *t = arg;

    if (loop != NULL) {
        struct query *q = *find(t->kind, &t->name);

        state.tickets[t->module]--;
        if (t->module == 0)
            system_answered();
        if (q != NULL && q->number == t->number && q->module == t->module)
            query_answered(q, t);
    }
    ticket_free(t);
}

/* The answer's set: of routes, or of a rejection. Sets the status of the ticket. */
static void take_answer(struct router_ticket *t, int status, const struct xmb_route *routes,
                        size_t count)
{
    int rc = XMB_EINVAL;

    if (status == 0 && count == 0)
        status = XMB_ENOENT;
    if (status == XMB_EDENIED)
        count = 0;
    if (status != 0 && status != XMB_EDENIED) {
        t->status = status < 0 ? status : XMB_EINVAL;
        return;
    }
    if (t->kind == ROUTER_ROUTES)
        rc = set_new(t->module, status, view(&t->name), routes, count, &t->set);
    else
        rc = set_new_addresses(t->module, status, view(&t->name), routes, count, &t->set);
    t->status = rc < 0 ? rc : t->set->status; /* a route of the answer may reject */
}

static void give(struct router_ticket *t)
{
    if (ticket_post(&t->base, arrived, t, sizeof(*t)) < 0)
        ticket_free(t);
}

void resolve_answer(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                    size_t count)
{
    struct router_ticket *t = (struct router_ticket *)ticket;

    ticket_give(ticket, TICKET_ROUTER);
    take_answer(t, status, routes, count);
    if (t->status == 0)
        t->keep_ms = (uint64_t)t->set->ttl_s * 1000;
    else if (t->status == XMB_ENOENT || t->status == XMB_EDENIED)
        t->keep_ms = ROUTER_NEGATIVE_MS;
    give(t);
}

void resolve_answer_for(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                        const struct xmb_route *routes, size_t count)
{
    struct router_ticket *t = (struct router_ticket *)ticket;

    ticket_give(ticket, TICKET_ROUTER);
    take_answer(t, status, routes, count);
    if (t->set != NULL && t->set->count > 0)
        keep_s = t->set->ttl_s;
    else if (status == 0 && count > 0)
        keep_s = 0; /* routes that cannot be used: keep_s was not said of a failure */
    else if (keep_s > ROUTER_KEEP_MAX_S)
        keep_s = ROUTER_KEEP_MAX_S;
    t->keep_ms = (uint64_t)keep_s * 1000;
    give(t);
}

/* After all threads have ended. */
void resolve_fini(void)
{
    system_fini();
    while (state.oldest != NULL)
        query_free(state.oldest);
    if (state.box != NULL)
        ticket_box_close(state.box);
    ticket_box_release(state.box);
    memset(&state, 0, sizeof(state));
}
