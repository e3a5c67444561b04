/* SPDX-License-Identifier: MIT */
/*
 * system.c - addresses of hosts from the system's own resolver, when no module finds them.
 *
 *     routing loop: system_ask, waits --> worker of the asker --> offload pool: getaddrinfo
 *                                                                     |
 *     routing loop: system_answered  <--- the ticket, as a module's <-+
 *
 * getaddrinfo blocks, for many seconds when the name servers are gone, and the pool has other
 * work too: only two questions run at once, the others wait here, and one that nobody waits for any
 * more is not asked at all. Its answers have no time to live; half a minute is given to them.
 */
#include "router/router_priv.h"

#include "conn/conn.h"

#include <netdb.h>
#include <stdlib.h>

struct errand {
    struct errand *next;
    struct xmb_ticket *ticket;
    uint64_t began_ms;
    uint32_t worker;
    struct name host;
    int32_t status;
    size_t count;
    struct xmb_route routes[XMB_ROUTES_MAX];
};

static struct { /* thread: routing */
    struct errand *first;
    struct errand **end;
    uint32_t waiting;
    uint32_t running;
} state;

/* Thread: any. */
static void errand_end(struct errand *e, int status)
{
    resolve_answer(e->ticket, status, e->routes, status == 0 ? e->count : 0);
    free(e);
}

/* --- on the pool ----------------------------------------------------------------------------- */

static void take_addresses(struct errand *e, const struct addrinfo *list)
{
    const struct addrinfo *a;

    for (a = list; a != NULL && e->count < XMB_ROUTES_MAX; a = a->ai_next) {
        struct xmb_route *r = &e->routes[e->count];

        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        r->size = sizeof(*r);
        r->ttl_s = ROUTER_SYSTEM_TTL_S;
        addr_from_sockaddr(&r->addr, a->ai_addr);
        e->count++;
    }
}

static int status_of(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EAI_NONAME:
    case EAI_NODATA:
        return XMB_ENOENT;
    default: /* no server, a broken one, no memory */
        return XMB_ETIMEOUT;
    }
}

static void work(void *arg)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct errand *e = arg;

    e->status = status_of(getaddrinfo(e->host.text, NULL, &hints, &list));
    if (e->status != 0)
        return;
    take_addresses(e, list);
    freeaddrinfo(list);
}

/* On the worker, or wherever the pool gives up what it did not begin. */
static void done(struct xmb_worker *w, void *arg, int status)
{
    struct errand *e = arg;

    (void)w;
    errand_end(e, status < 0 ? XMB_ETIMEOUT : e->status);
}

static void to_pool(struct loop *loop, void *arg)
{
    struct xmb_worker *w = (struct xmb_worker *)loop; /* its first member */
    struct errand *e = arg;

    if (w == NULL || offload_post(w, module_core(), work, done, e) < 0)
        errand_end(e, XMB_ETIMEOUT);
}

/* --- on the routing loop --------------------------------------------------------------------- */

static struct errand *take_first(void)
{
    struct errand *e = state.first;

    state.first = e->next;
    if (state.first == NULL)
        state.end = &state.first;
    state.waiting--;
    return e;
}

static void begin_next(void)
{
    uint64_t now_ms = loop_now_ms(loop_routing());

    while (state.first != NULL && state.running < ROUTER_SYSTEM_RUNNING_MAX) {
        struct errand *e = take_first();

        state.running++; /* until its ticket is back */
        if (now_ms - e->began_ms >= ROUTER_DEADLINE_MS ||
            router_post_worker(e->worker, to_pool, e, sizeof(*e)) < 0)
            errand_end(e, XMB_ETIMEOUT);
    }
}

int system_ask(struct xmb_ticket *ticket, uint32_t worker, const struct name *host)
{
    struct errand *e;

    if (state.waiting == ROUTER_SYSTEM_WAITING_MAX)
        return XMB_ELIMIT;
    e = calloc(1, sizeof(*e));
    if (e == NULL)
        return XMB_ENOMEM;
    e->ticket = ticket;
    e->began_ms = loop_now_ms(loop_routing());
    e->worker = worker;
    e->host = *host;
    if (state.first == NULL)
        state.end = &state.first;
    *state.end = e;
    state.end = &e->next;
    state.waiting++;
    begin_next();
    return 0;
}

void system_answered(void)
{
    state.running--;
    begin_next();
}

void system_fini(void)
{
    while (state.first != NULL)
        errand_end(take_first(), XMB_ECANCELED);
    state.running = 0;
}
