/* SPDX-License-Identifier: MIT */
/*
 * link_admin.c - what happens to all links of a worker: begin and end of the table, a reload,
 * `show` and `clear`, the broker's stop, and every few seconds a look at those that were silent: a
 * ping where the peer is known to answer, so that a process that stands still is found too, and
 * else white space (W17).
 */
#include "link_priv.h"
#include "show.h"

#include <stdlib.h>
#include <time.h>

/*
 * `fn` may end the link that it gets, and open others; links are freed only from callbacks of
 * their own.
 */
static void each(struct s2_worker *w, void (*fn)(struct s2_link *l, void *arg), void *arg)
{
    struct s2_link *l, *next;
    unsigned i;

    for (i = 0; i < LINK_BUCKETS; i++) {
        for (l = w->links->bucket[i]; l != NULL; l = next) {
            l->in++;
            fn(l, arg);
            next = l->next;
            s2_link_leave(l);
        }
    }
}

/* --- the sweep ------------------------------------------------------------------------------- */

/* One answer is for all who use the link, so one of them asks. 1: it does. */
static int ask(struct s2_link *l)
{
    struct s2_lease *e;

    for (e = l->leases; e != NULL; e = e->next)
        if (e->state == LEASE_READY && e->events->silent != NULL &&
            e->events->silent(e->arg, e))
            return 1;
    return 0;
}

static void keep_alive(struct s2_link *l)
{
    uint64_t now = s2_now_ms(l->w);
    uint32_t keepalive_ms = l->w->conf->keepalive_ms;

    if (keepalive_ms == 0 || now - l->proved_ms < keepalive_ms || ask(l))
        return;
    if (now - l->written_ms >= keepalive_ms)
        s2_link_write(l, XMB_STR(" "));
}

static int is_over(const struct s2_link *l)
{
    return l->not_after_s != 0 && l->not_after_s < (int64_t)time(NULL);
}

/*
 * A stream that would not be made any more ends in order; its users ask for another at once. One
 * that is just being made has its turn when it is verified, before a stanza goes.
 */
static void recheck_tls(struct s2_link *l)
{
    const char *why = NULL;

    l->unjudged = l->secured && l->state < LINK_VERIFIED;
    if (l->state == LINK_VERIFIED && l->kind == LINK_OURS && s2_out_tls_holds(l, &why) < 0)
        s2_link_goodbye(l, S2_FAIL_GOODBYE, S2_E_RESET, why);
}

/* A stanza that is begun and never finished holds memory, and hides that the peer is dead. */
static void look_for_stuck(struct s2_link *l)
{
    if (l->half_ms != 0 && !l->paused &&
        s2_now_ms(l->w) - l->half_ms >= l->w->conf->negotiation_ms)
        s2_link_goodbye(l, S2_FAIL_LOST, S2_E_CONNECTION_TIMEOUT,
                        "an element was begun and not finished");
}

static void sweep_one(struct s2_link *l, void *arg)
{
    (void)arg;
    if (is_over(l))
        recheck_tls(l);
    look_for_stuck(l);
    if (l->state != LINK_VERIFIED || l->conn == NULL)
        return;
    keep_alive(l);
    if (l->conn == NULL)
        return;
    s2_position_sample(l, 0);
    if (l->reader != NULL && s2_reader_at_rest(l->reader))
        s2_reader_rest(l->reader);
    s2_leases_writable(l); /* memory was short */
    s2_link_kick(l);
}

static void sweep(struct xmb_worker *worker, void *arg)
{
    struct s2_worker *w = arg;

    (void)worker;
    each(w, sweep_one, NULL);
    s2_host->timer->start(w->links->sweep, LINK_SWEEP_MS);
}

/* --- begin and end --------------------------------------------------------------------------- */

int s2_links_init(struct s2_worker *w)
{
    struct s2_links *links = calloc(1, sizeof(*links));

    if (links == NULL)
        return XMB_ENOMEM;
    links->sweep = s2_host->timer->create(w->worker, w->module->module, sweep, w);
    if (links->sweep == NULL) {
        free(links);
        return XMB_ENOMEM;
    }
    links->w = w;
    w->links = links;
    s2_host->timer->start(links->sweep, LINK_SWEEP_MS);
    return 0;
}

/* Flows and incoming streams have ended before: nobody is told. */
static void free_users(struct s2_link *l)
{
    struct s2_lease *e;
    struct s2_ask *a;

    while ((e = l->leases) != NULL) {
        l->leases = e->next;
        free(e);
    }
    while ((a = l->asks) != NULL) {
        l->asks = a->next;
        free(a);
    }
}

void s2_links_fini(struct s2_worker *w)
{
    unsigned i;

    if (w->links == NULL)
        return;
    for (i = 0; i < LINK_BUCKETS; i++) {
        while (w->links->bucket[i] != NULL) {
            free_users(w->links->bucket[i]);
            s2_link_free_all(w->links->bucket[i]);
        }
    }
    s2_host->timer->destroy(w->links->sweep);
    free(w->links);
    w->links = NULL;
}

/* --- reload ---------------------------------------------------------------------------------- */

static void recheck_one(struct s2_link *l, void *arg)
{
    const struct s2_conf *c = l->w->conf;
    const struct s2_domain *ours = l->side == S2_OUTSIDE ? &l->local : &l->remote;

    (void)arg;
    if (l->kind == LINK_INCOMING)
        return; /* in_recheck.c judges the stream */
    if (!c->enabled)
        s2_link_goodbye(l, S2_FAIL_IDLE, S2_E_NONE, "federation was switched off");
    else if (s2_conf_local(c, ours) == NULL)
        s2_link_goodbye(l, S2_FAIL_IDLE, S2_E_NONE, "the local domain was removed");
    else
        recheck_tls(l);
    s2_out_pairs_recheck(l);
}

void s2_link_recheck(struct s2_worker *w)
{
    each(w, recheck_one, NULL);
}

static void tls_changed(struct s2_link *l, void *arg)
{
    (void)arg;
    recheck_tls(l);
}

void s2_link_tls_changed(struct s2_worker *w)
{
    each(w, tls_changed, NULL);
}

/* --- show and clear -------------------------------------------------------------------------- */

struct walk {
    void (*fn)(void *arg, const struct s2_connection *c);
    void *arg;
    struct s2_pair_facts pairs[S2_SHOW_PAIRS];
};

static const char *const lease_states[] = {
    [LEASE_WAITING] = "waiting", [LEASE_ASKED] = "pending", [LEASE_READY] = "verified"};

static int has_lease(const struct s2_link *l, const struct s2_domain *local)
{
    const struct s2_lease *e = l->leases;

    while (e != NULL && !s2_domain_eq(&e->local, local))
        e = e->next;
    return e != NULL;
}

/* Those of a bidirectional link that are used by the peer alone. */
static size_t pairs_of_peer(const struct s2_link *l, struct s2_pair_facts *out, size_t n)
{
    const struct s2_out_pair *p;

    for (p = l->pairs; p != NULL && n < S2_SHOW_PAIRS; p = p->next) {
        if (has_lease(l, &p->local))
            continue;
        out[n].local = p->local;
        out[n].remote = l->remote;
        out[n].state = "verified";
        out[n++].verified_by = p->external ? "external" : "dialback";
    }
    return n;
}

static size_t pairs_of(const struct s2_link *l, struct s2_pair_facts *out)
{
    const struct s2_lease *e;
    size_t n = 0;

    for (e = l->leases; e != NULL && n < S2_SHOW_PAIRS; e = e->next) {
        out[n].local = e->local;
        out[n].remote = l->remote;
        out[n].state = lease_states[e->state];
        out[n].verified_by = NULL;
        if (e->state == LEASE_READY)
            out[n].verified_by = e->external ? "external" : "dialback";
        n++;
    }
    return pairs_of_peer(l, out, n);
}

static void walk_one(struct s2_link *l, void *arg)
{
    struct walk *walk = arg;
    struct s2_connection c = {.conn = l->conn, .pairs = walk->pairs};
    size_t i;

    if (l->conn == NULL || l->kind != LINK_OURS) /* who reads it shows it */
        return;
    c.id = s2_host->conn->ref(l->conn);
    c.direction = XMB_OUTGOING;
    c.side = l->side;
    c.state = s2_link_state_name(l);
    c.stanzas_in = l->stanzas_in;
    c.stanzas_out = l->stanzas_out;
    c.stanza_ms = l->stanza_ms;
    c.sm = l->sm;
    c.bidi = l->bidi;
    c.pair_count = pairs_of(l, walk->pairs);
    for (i = 0; i < c.pair_count && c.verified_by == NULL; i++)
        c.verified_by = walk->pairs[i].verified_by;
    walk->fn(walk->arg, &c);
}

void s2_link_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                  void *arg)
{
    struct walk *walk = calloc(1, sizeof(*walk)); /* too much for a stack */

    if (walk == NULL)
        return;
    walk->fn = fn;
    walk->arg = arg;
    each(w, walk_one, walk);
    free(walk);
}

struct clear {
    uint64_t id;
    int found;
};

static void clear_one(struct s2_link *l, void *arg)
{
    struct clear *clear = arg;

    if (l->conn == NULL || l->kind != LINK_OURS || s2_host->conn->ref(l->conn) != clear->id)
        return;
    clear->found = 1;
    s2_link_retire(l, "cleared by an operator");
}

int s2_link_clear(struct s2_worker *w, uint64_t id)
{
    struct clear clear = {.id = id};

    each(w, clear_one, &clear);
    return clear.found;
}

/* --- the broker stops ------------------------------------------------------------------------ */

/*
 * Flows say when they are done: with its last lease the link ends in order. So they do on one that
 * is retired, which they use again until then.
 */
void s2_link_drain(struct s2_link *l, struct xmb_conn *conn)
{
    if (conn != l->conn)
        return;
    l->draining = 1;
    s2_link_alarm_off(l, LINK_ALARM_RETIRE);
    s2_link_kick(l);
}
