/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - questions to the modules that can find routes, on a miss.
 *
 *     ask --cached--> answered
 *      \--known question--> waits with the others
 *       \--new--> first module --no, or cannot--> next module ... --none left--> "nobody knows"
 *                    |--routes, or reject--> answered
 *                    \--10 s--> forgotten; the workers' own deadlines have answered
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
    uint32_t module;   /* index of the one that is asked */
    uint32_t troubled; /* a module could not say: the answer must not be "nobody knows" */
    struct waiter *waiters;
    struct waiter **waiters_end;
    struct name domain;
};

struct router_ticket {
    struct xmb_ticket base; /* first */
    uint32_t module;
    int32_t status;
    uint64_t number;
    struct route_set *set; /* of the answer */
    struct name domain;
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

int resolve_is_offered(void)
{
    uint32_t i;

    for (i = 1; i < module_count(); i++)
        if (module_at(i)->routing.resolve != NULL)
            return 1;
    return 0;
}

/* --- the table of questions ------------------------------------------------------------------ */

static struct query **find(struct xmb_str domain)
{
    struct query **at = &state.bucket[name_hash(domain) & (BUCKETS - 1)];

    while (*at != NULL && !xmb_str_eq(view(&(*at)->domain), domain))
        at = &(*at)->next;
    return at;
}

static struct query *query_new(const struct name *domain, uint64_t now_ms)
{
    struct query *q = calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->domain = *domain;
    q->number = ++state.last_number;
    q->began_ms = now_ms;
    q->waiters_end = &q->waiters;
    *find(view(domain)) = q;
    q->older = state.newest;
    *(state.newest != NULL ? &state.newest->newer : &state.oldest) = q;
    state.newest = q;
    state.query_count++;
    return q;
}

static void query_free(struct query *q)
{
    struct query **at = find(view(&q->domain));

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

        log_api.limited(module_at(q->module), XMB_LOG_WARN, "resolve late", 1, q->domain.text,
                        "it did not find routes within 10 s; whoever asked was told so");
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
    t->module = q->module;
    t->number = q->number;
    t->domain = q->domain;
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
    rc = m->routing.resolve(m->self, view(&q->domain), &t->base);
    module_leave(mark);
    if (rc < 0 && atomic_load(&t->base.given) == 0) {
        state.tickets[m->index]--;
        ticket_free(t);
    }
    return rc < 0 ? rc : 0;
}

static void nobody_knows(struct query *q)
{
    struct route_set *set = NULL;

    if (!q->troubled && set_new(0, XMB_ENOENT, view(&q->domain), NULL, 0, &set) == 0)
        cache_put(set, loop_now_ms(loop_routing()), ROUTER_NEGATIVE_MS);
    query_end(q, q->troubled ? XMB_ETIMEOUT : XMB_ENOENT, NULL);
    set_release(set);
}

/* Asks the next module that can be asked. */
static void query_next(struct query *q)
{
    while (++q->module < module_count()) {
        struct xmb_module *m = module_at(q->module);

        if (m->routing.resolve == NULL)
            continue;
        if (ask_module(q, m) == 0)
            return;
        q->troubled = 1;
    }
    nobody_knows(q);
}

void resolve_ask(uint32_t worker, uint64_t id, const struct name *domain)
{
    uint64_t now_ms = loop_now_ms(loop_routing());
    struct route_set *cached = cache_find(view(domain), now_ms);
    struct query *q;
    int is_new;

    if (cached != NULL) {
        lookup_answer(worker, id, cached->status, cached);
        return;
    }
    drop_old(now_ms);
    q = *find(view(domain));
    is_new = q == NULL;
    if (is_new && state.query_count < ROUTER_QUERIES_MAX)
        q = query_new(domain, now_ms);
    if (q == NULL || query_join(q, worker, id) < 0) {
        log_api.limited(module_core(), XMB_LOG_WARN, "resolve full", 1, domain->text,
                        "too many domains are being looked for; this one is answered as late");
        lookup_answer(worker, id, XMB_ETIMEOUT, NULL);
        if (is_new && q != NULL)
            query_free(q);
        return;
    }
    if (is_new)
        query_next(q);
}

/* --- answers --------------------------------------------------------------------------------- */

static void query_answered(struct query *q, const struct router_ticket *t)
{
    struct route_set *set = t->set;

    if (t->status == 0 || t->status == XMB_EDENIED) {
        uint64_t ttl_ms = t->status == 0 ? (uint64_t)set->ttl_s * 1000 : ROUTER_NEGATIVE_MS;

        cache_put(set, loop_now_ms(loop_routing()), ttl_ms);
        query_end(q, set->status, set);
        return;
    }
    if (t->status != XMB_ENOENT)
        q->troubled = 1;
    query_next(q);
}

static void arrived(struct loop *loop, void *arg)
{
    struct router_ticket *t = arg;

    if (loop != NULL) {
        struct query *q = *find(view(&t->domain));

        state.tickets[t->module]--;
        if (q != NULL && q->number == t->number && q->module == t->module)
            query_answered(q, t);
    }
    ticket_free(t);
}

void resolve_answer(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                    size_t count)
{
    struct router_ticket *t = (struct router_ticket *)ticket;
    int rc;

    ticket_give(ticket, TICKET_ROUTER);
    if (status == 0 && count == 0)
        status = XMB_ENOENT;
    if (status == 0 || status == XMB_EDENIED) {
        rc = set_new(t->module, status, view(&t->domain), routes, status == 0 ? count : 0, &t->set);
        if (rc < 0)
            status = rc;
        else if (status == 0)
            status = t->set->status; /* a route of the answer may reject */
    }
    t->status = status < 0 ? status : t->set != NULL ? 0 : XMB_EINVAL;
    if (ticket_post(ticket, arrived, t, sizeof(*t)) < 0)
        ticket_free(t);
}

/* After all threads have ended. */
void resolve_fini(void)
{
    while (state.oldest != NULL)
        query_free(state.oldest);
    if (state.box != NULL)
        ticket_box_close(state.box);
    ticket_box_release(state.box);
    memset(&state, 0, sizeof(state));
}
