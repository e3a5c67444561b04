/* SPDX-License-Identifier: MIT */
/*
 * component.c - the life of a component's connection, and what comes from outside it: reload,
 * drain, `show` and `clear`. What is said on it is in component_stream.c.
 */
#include "component_priv.h"

#include <stdlib.h>

#include "health.h"
#include "show.h"

static const char *const state_names[CO_STATES] = {"securing", "accepted", "unverified", "verified",
                                                   "closed"};

const char *s2_component_state_name(const struct s2_component *c)
{
    return state_names[c->state];
}

struct s2_component *s2_component_find(const struct s2_worker *w, xmb_ref ref)
{
    struct s2_component *c = w->components;

    while (c != NULL && c->ref != ref)
        c = c->next;
    return c;
}

void s2_component_pause(struct s2_component *c)
{
    if (c->paused || c->state == CO_CLOSED)
        return;
    c->paused = 1;
    s2_host->conn->pause(c->conn);
}

void s2_component_unpause(struct s2_component *c)
{
    if (!c->paused || c->state == CO_CLOSED)
        return;
    c->paused = 0;
    s2_host->conn->resume(c->conn);
}

/* --- life ------------------------------------------------------------------------------------ */

/*
 * Who has not shaken hands gives way to a newer one, the oldest first: whoever reaches the listener
 * could keep the component out otherwise. XMB_EDENIED: all are on their way out already.
 */
static int make_room(struct s2_worker *w)
{
    struct s2_component *c, *oldest = NULL;
    uint32_t strangers = 0;

    for (c = w->components; c != NULL; c = c->next) { /* the newest first */
        strangers += c->state != CO_OPEN;
        if (c->state < CO_OPEN)
            oldest = c;
    }
    if (strangers < CO_STRANGERS_MAX)
        return 0;
    if (oldest == NULL)
        return XMB_EDENIED;
    CO_LOG(oldest, XMB_LOG_NOTICE, "component-cut",
           "a connection without a handshake is cut off: %u wait for one, it gives way to a newer",
           strangers);
    oldest->state = CO_CLOSED;
    s2_host->conn->reset(oldest->conn, "it gives way to a newer connection");
    return 0;
}

static void insert(struct s2_component *c)
{
    struct s2_worker *w = c->w;

    c->next = w->components;
    c->prev = &w->components;
    if (c->next != NULL)
        c->next->prev = &c->next;
    w->components = c;
    S2_COUNT(w, S2_M_STREAMS_IN, 1);
}

static void destroy(struct s2_component *c)
{
    s2_reader_free(c->reader);
    free(c);
}

static int secure(struct s2_component *c, const struct s2_listen *listen)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = listen->tls};

    c->state = listen->direct ? CO_SECURING : CO_ACCEPTED;
    return listen->direct ? s2_host->conn->secure(c->conn, &setup) : 0;
}

int s2_component_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_component **out)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    const struct s2_listen *listen;
    struct s2_component *c;
    int rc;

    s2_host->conn->info(conn, &info);
    listen = &w->conf->listens[info.listener];
    rc = make_room(w);
    if (rc != 0)
        return rc;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return XMB_ENOMEM;
    c->w = w;
    c->conn = conn;
    c->ref = s2_host->conn->ref(conn);
    c->name = w->conf->locals[listen->component].name;
    c->limits = w->conf->unverified;
    c->stanza_ms = s2_now_ms(w);
    rc = s2_component_reader(c);
    if (rc == 0)
        rc = secure(c, listen);
    if (rc != 0) {
        destroy(c);
        return rc;
    }
    insert(c);
    s2_host->conn->deadline(conn, XMB_DEADLINE_ONCE, w->conf->negotiation_ms);
    *out = c;
    return 0;
}

void s2_component_secured(struct s2_component *c, struct xmb_conn *conn)
{
    (void)conn;
    if (c->state == CO_SECURING)
        c->state = CO_ACCEPTED;
}

void s2_component_writable(struct s2_component *c, struct xmb_conn *conn)
{
    if (c->link != NULL)
        s2_link_writable(c->link, conn);
}

void s2_component_expired(struct s2_component *c, struct xmb_conn *conn, uint32_t which)
{
    (void)conn;
    if (which == XMB_DEADLINE_ONCE && c->state < CO_OPEN)
        s2_component_fail(c, S2_E_CONNECTION_TIMEOUT, "no handshake in time");
}

void s2_component_closed(struct s2_component *c, struct xmb_conn *conn, const char *why)
{
    struct s2_worker *w = c->w;

    c->state = CO_CLOSED;
    if (s2_components_drop(w->module, &c->name, c->ref)) {
        s2_health_note(w->module->health, &c->name, "its component is not connected");
        CO_LOG(c, XMB_LOG_NOTICE, NULL, "the component is gone: %s", why);
    }
    *c->prev = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    S2_COUNT(w, S2_M_STREAMS_IN, -1);
    s2_component_pairs_drop(c);
    if (c->link != NULL)
        s2_link_closed(c->link, conn, why);
    s2_path_flush(w);
    destroy(c);
}

/* Flows say when they are done: with its last lease the link says goodbye. */
void s2_component_drain(struct s2_component *c, struct xmb_conn *conn)
{
    if (c->link != NULL)
        s2_link_drain(c->link, conn);
    else
        s2_component_fail(c, S2_E_SYSTEM_SHUTDOWN, "the broker stops");
}

/* --- from outside ---------------------------------------------------------------------------- */

void s2_component_resume(struct s2_worker *w, xmb_ref ref)
{
    struct s2_component *c = s2_component_find(w, ref);
    const struct co_pair *p;

    if (c == NULL)
        return;
    for (p = c->pairs; p != NULL; p = p->next) {
        if (p->has_question)
            return; /* policy resumes it */
    }
    s2_component_unpause(c);
}

static int is_component(const struct s2_worker *w, const struct s2_domain *name)
{
    const struct s2_local *local = s2_conf_local(w->conf, name);

    return local != NULL && local->component;
}

void s2_component_recheck(struct s2_worker *w)
{
    struct s2_component *c, *next;

    for (c = w->components; c != NULL; c = next) {
        next = c->next;
        if (!w->conf->enabled)
            s2_component_fail(c, S2_E_SYSTEM_SHUTDOWN, "federation is switched off");
        else if (!is_component(w, &c->name))
            s2_component_fail(c, S2_E_HOST_GONE, "the domain has no component any more");
        else
            s2_component_pairs_forget(c);
        if (c->state == CO_OPEN)
            c->limits = w->conf->limits;
    }
}

int s2_component_clear(struct s2_worker *w, uint64_t id)
{
    struct s2_component *c = s2_component_find(w, id);

    if (c == NULL || c->state == CO_CLOSED)
        return 0;
    s2_component_fail(c, S2_E_RESET, "cleared by an operator");
    return 1;
}

/* Ours is whatever domain it writes to: for it, the gateway is all of them. */
static size_t pairs_of(const struct s2_component *c, struct s2_pair_facts *facts)
{
    static const char *const names[] = {"pending", "verified", "denied"};
    const struct co_pair *p;
    size_t n = 0;

    for (p = c->pairs; p != NULL && n < S2_SHOW_PAIRS; p = p->next) {
        facts[n].local = p->to;
        facts[n].remote = c->name;
        facts[n].state = names[p->state];
        facts[n++].verified_by = "component";
    }
    return n;
}

void s2_component_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                       void *arg)
{
    struct s2_pair_facts *facts = calloc(S2_SHOW_PAIRS, sizeof(*facts));
    const struct s2_component *c;
    struct s2_connection out;

    for (c = w->components; c != NULL && facts != NULL; c = c->next) {
        out = (struct s2_connection){
            .id = c->ref,
            .conn = c->conn,
            .direction = XMB_INCOMING,
            .side = S2_INSIDE,
            .state = state_names[c->state],
            .verified_by = c->state == CO_OPEN ? "component" : NULL,
            .stanzas_in = c->stanzas_in,
            .stanzas_out = c->link != NULL ? s2_link_adopted_stanzas(c->link) : 0,
            .stanza_ms = c->stanza_ms,
            .bidi = 1,
            .pair_count = pairs_of(c, facts),
            .pairs = facts,
        };
        fn(arg, &out);
    }
    free(facts);
}
