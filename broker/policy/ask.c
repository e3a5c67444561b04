/* SPDX-License-Identifier: MIT */
/*
 * ask.c - questions to the policy chain: asked, waiting, answered, cancelled.
 *
 *     asked --ALLOW or DENY at once--> (gone)
 *       \--PENDING--> WAITING --verdict--> asks on --PENDING--> WAITING
 *                        |                    \--ALLOW or DENY--> late() --> (gone)
 *                        |--deadline--> late(DENY, "late") --> (gone)
 *                        \--cancel--> (gone)
 *
 * A question that is answered at once allocates nothing. One that waits gets a
 * structure with a copy of the request and a place in the table of its worker;
 * the ticket that the module holds knows it by number only, so neither a late
 * verdict nor a cancelled question can touch freed memory.
 */
#include "policy/policy_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Atomic uint64_t deadline_ms = 5000;

void policy_deadline_set(uint64_t ms)
{
    atomic_store(&deadline_ms, ms);
}

/* --- the table of questions that wait -------------------------------------------------------- */

static struct policy_ask **find(struct policy_worker *pw, uint64_t id)
{
    struct policy_ask **at = &pw->bucket[id & (POLICY_BUCKETS - 1)];

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

static void ask_free(struct policy_ask *ask)
{
    struct policy_worker *pw = ask->w->policy;
    struct policy_ask **at = find(pw, ask->id);

    if (*at == ask) {
        *at = ask->next;
        pw->ask_count--;
    }
    timer_stop(ask->w->timers, &ask->deadline);
    principal_release(ask->chain.answer.principal);
    request_free(ask->request);
    free(ask);
}

/* The end of a question that waited. */
static void ask_end(struct policy_ask *ask)
{
    struct xmb_answer answer = ask->chain.answer;
    void (*late)(void *, const struct xmb_answer *) = ask->late;
    void *arg = ask->arg;
    struct module_mark mark;
    const struct xmb_module *asker = ask->request->asker;

    if (answer.verdict == XMB_DENY)
        chain_tell(&ask->chain, ask->w, ask->request);
    ask->chain.answer.principal = NULL; /* goes with the answer */
    ask_free(ask);
    mark = module_enter(asker != NULL ? asker : module_core());
    late(arg, &answer);
    module_leave(mark);
}

static void ask_expired(struct timer_node *node)
{
    struct policy_ask *ask =
        (struct policy_ask *)((char *)node - offsetof(struct policy_ask, deadline));

    if (ask->w->modules_ended) { /* nobody is there to be told */
        ask_free(ask);
        return;
    }
    chain_deny(&ask->chain, ask->chain.next - 1, XMB_DENY_LATE, "it did not answer in time");
    ask_end(ask);
}

/* --- a verdict arrives ----------------------------------------------------------------------- */

static void ask_go_on(struct policy_ask *ask, struct policy_ticket *t)
{
    int rc;

    rc = chain_take(&ask->chain, ask->request, t->module, (int)t->verdict, &t->answer);
    t->answer.principal = NULL; /* the chain has it */
    if (rc == XMB_ABSTAIN) {
        ask->busy = 1;
        rc = chain_run(&ask->chain, ask->w, ask->request, ask->id);
        ask->busy = 0;
    }
    if (ask->cancelled)
        ask_free(ask);
    else if (rc != XMB_PENDING)
        ask_end(ask);
}

static void arrived(struct loop *loop, void *arg)
{
    struct policy_ticket *t = arg;
    struct policy_worker *pw = loop != NULL ? t->w->policy : NULL;

    if (pw != NULL) {
        struct policy_ask *ask = *find(pw, t->ask_id);

        pw->held[t->module] -= t->counted;
        if (pw->spare == t)
            pw->spare = NULL;
        if (ask != NULL && ask->chain.next == t->module + 1 && !t->w->modules_ended)
            ask_go_on(ask, t);
    }
    policy_ticket_free(t);
}

static void complete(struct xmb_ticket *ticket, uint32_t verdict, const struct xmb_answer *answer)
{
    struct policy_ticket *t = (struct policy_ticket *)ticket;

    ticket_give(ticket, TICKET_POLICY);
    memset(&t->answer, 0, sizeof(t->answer));
    if (answer != NULL)
        memcpy(&t->answer, answer,
               answer->size < sizeof(t->answer) ? answer->size : sizeof(t->answer));
    t->verdict = verdict <= XMB_DENY ? verdict : (uint32_t)XMB_EINVAL;
    if (ticket_post(ticket, arrived, t, sizeof(*t)) < 0)
        policy_ticket_free(t);
}

/* --- asked ----------------------------------------------------------------------------------- */

/* A module has taken a ticket for `id`: keep what is needed to go on. */
static int ask_wait(struct xmb_worker *w, struct chain *chain, const struct xmb_request *request,
                    uint64_t id)
{
    struct policy_worker *pw = w->policy;
    struct policy_ask *ask = calloc(1, sizeof(*ask));

    if (ask != NULL)
        ask->request = request_copy(request);
    if (ask == NULL || ask->request == NULL) {
        free(ask); /* the verdict will find no question */
        return chain_deny(chain, 0, XMB_DENY_FAILED, "out of memory");
    }
    ask->w = w;
    ask->id = id;
    ask->chain = *chain;
    ask->deadline.fn = ask_expired;
    ask->next = pw->bucket[id & (POLICY_BUCKETS - 1)];
    pw->bucket[id & (POLICY_BUCKETS - 1)] = ask;
    pw->ask_count++;
    timer_start(w->timers, &ask->deadline, atomic_load(&deadline_ms));
    return XMB_PENDING;
}

/* A request as large as we know it, whatever the asker was compiled with. */
static const struct xmb_request *widened(const struct xmb_request *request,
                                         struct xmb_request *room)
{
    if (request->size >= sizeof(*room))
        return request;
    memset(room, 0, sizeof(*room));
    memcpy(room, request, request->size);
    room->size = sizeof(*room);
    return room;
}

/* No more than the asker's structure has; a size of 0 is an asker of the first version. */
static void answer_out(struct xmb_answer *out, const struct xmb_answer *in)
{
    uint32_t first = offsetof(struct xmb_answer, principal) + sizeof(out->principal);
    uint32_t size = out->size < first ? first : out->size;

    if (size > sizeof(*in))
        size = sizeof(*in);

    memcpy(out, in, size);
    out->size = size;
}

static int ask(struct xmb_worker *w, const struct xmb_request *request, struct xmb_answer *answer,
               void (*late)(void *arg, const struct xmb_answer *answer), void *arg,
               uint64_t *ask_id)
{
    struct xmb_request room;
    const struct xmb_request *r = widened(request, &room);
    struct chain chain;
    uint64_t id;
    int rc;

    LOOP_ASSERT(&w->loop);
    chain_begin(&chain);
    id = late != NULL ? ++w->policy->last_id : 0;
    rc = chain_run(&chain, w, r, id);
    if (rc == XMB_PENDING && (rc = ask_wait(w, &chain, r, id)) == XMB_PENDING) {
        struct policy_ask *waiting = *find(w->policy, id);

        waiting->late = late;
        waiting->arg = arg;
        if (ask_id != NULL)
            *ask_id = id;
        return XMB_PENDING;
    }
    if (rc == XMB_DENY)
        chain_tell(&chain, w, r);
    answer_out(answer, &chain.answer);
    return rc;
}

static void cancel(struct xmb_worker *w, uint64_t ask_id)
{
    struct policy_ask *ask;

    LOOP_ASSERT(&w->loop);
    if (w->policy == NULL || (ask = *find(w->policy, ask_id)) == NULL)
        return;
    if (ask->busy)
        ask->cancelled = 1;
    else
        ask_free(ask);
}

/* --- the worker's part ----------------------------------------------------------------------- */

int policy_worker_init(struct xmb_worker *w)
{
    struct policy_worker *pw = calloc(1, sizeof(*pw));

    if (pw == NULL)
        return XMB_ENOMEM;
    pw->box = ticket_box_new(&w->loop);
    if (pw->box == NULL) {
        free(pw);
        return XMB_ENOMEM;
    }
    w->policy = pw;
    return 0;
}

void policy_worker_fini(struct xmb_worker *w)
{
    struct policy_worker *pw = w->policy;
    uint32_t i;

    if (pw == NULL)
        return;
    ticket_box_close(pw->box);
    for (i = 0; i < POLICY_BUCKETS; i++)
        while (pw->bucket[i] != NULL)
            ask_free(pw->bucket[i]);
    policy_ticket_free(pw->spare);
    ticket_box_release(pw->box);
    free(pw);
    w->policy = NULL;
}

const struct xmb_policy_api policy_api = {
    .size = sizeof(struct xmb_policy_api),
    .rev = 1,
    .ask = ask,
    .cancel = cancel,
    .complete = complete,
    .principal_new = principal_new,
    .principal_set = principal_set,
    .principal_get = principal_get,
    .principal_name = principal_name,
    .principal_key = principal_key,
    .principal_hold = principal_hold,
    .principal_release = principal_release,
};
