/* SPDX-License-Identifier: MIT */
/*
 * incoming.c - a stream that a peer opened: how it comes, what the host calls, how it goes.
 *
 * What happens between is in the in_*.c files: in_fsm.c knows the states, in_feed.c turns octets
 * into events, in_close.c has the ways out. Here are the callbacks of the protocol role and the
 * lists in which a worker keeps its streams.
 */
#include "component.h"
#include "in_priv.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the worker's streams --------------------------------------------------------------------- */

int s2_incomings_init(struct s2_worker *w)
{
    struct s2_incomings *in = calloc(1, sizeof(*in));

    if (in == NULL)
        return XMB_ENOMEM;
    in->sweep = s2_host->timer->create(w->worker, w->module->module, s2_in_sweep, w);
    if (in->sweep == NULL) {
        free(in);
        return XMB_ENOMEM;
    }
    w->incomings = in;
    s2_host->timer->start(in->sweep, IN_SWEEP_MS);
    return 0;
}

void s2_incomings_fini(struct s2_worker *w)
{
    struct s2_incomings *in = w->incomings;

    if (in == NULL)
        return;
    s2_host->timer->destroy(in->sweep);
    free(in->served);
    free(in->gone);
    free(in);
    w->incomings = NULL;
}

static size_t bucket_of(xmb_ref ref)
{
    return (size_t)((ref * UINT64_C(0x9e3779b97f4a7c15)) >> 54) % IN_BUCKETS;
}

struct s2_incoming *s2_in_find(const struct s2_incomings *in, xmb_ref ref)
{
    struct s2_incoming *s = in->by_ref[bucket_of(ref)];

    while (s != NULL && s->ref != ref)
        s = s->next_by_ref;
    return s;
}

static void link_stream(struct s2_incoming *s)
{
    struct s2_incomings *in = s->w->incomings;
    struct s2_incoming **bucket = &in->by_ref[bucket_of(s->ref)];

    s->next = in->first;
    if (in->first != NULL)
        in->first->previous = s;
    in->first = s;
    s->next_by_ref = *bucket;
    *bucket = s;
    atomic_fetch_add_explicit(&s->w->module->incoming, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->w->module->incoming_inside, s->side == S2_INSIDE,
                              memory_order_relaxed);
    S2_COUNT(s->w, S2_M_STREAMS_IN, 1);
    s->counted = 1;
}

void s2_in_uncount(struct s2_incoming *s)
{
    if (!s->counted)
        return;
    s->counted = 0;
    s2_in_forget(s);
    atomic_fetch_sub_explicit(&s->w->module->incoming, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&s->w->module->incoming_inside, s->side == S2_INSIDE,
                              memory_order_relaxed);
    S2_COUNT(s->w, S2_M_STREAMS_IN, -1);
}

static void unlink_stream(struct s2_incoming *s)
{
    struct s2_incomings *in = s->w->incomings;
    struct s2_incoming **at = &in->by_ref[bucket_of(s->ref)];

    while (*at != s)
        at = &(*at)->next_by_ref;
    *at = s->next_by_ref;
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        in->first = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
    s2_in_uncount(s);
}

/* --- small things that all in_*.c use --------------------------------------------------------- */

void s2_in_remote(const struct s2_incoming *s, struct xmb_addr *out)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    s2_host->conn->info(s->conn, &info);
    *out = info.remote;
}

const char *s2_in_peer(const struct s2_incoming *s, char *text)
{
    char address[XMB_ADDR_TEXT_MAX];
    struct xmb_addr remote;

    s2_in_remote(s, &remote);
    s2_host->conn->addr_text(&remote, address, sizeof(address));
    snprintf(text, IN_PEER_MAX, "%s%s%s", s->has_from ? s->from.text : "", s->has_from ? " " : "",
             address);
    return text;
}

static int say(struct s2_incoming *s, struct xmb_str octets)
{
    return s->link != NULL ? s2_in_bidi_write(s, octets)
                           : s2_host->conn->write(s->conn, octets);
}

int s2_in_send(struct s2_incoming *s, const struct s2_text *t)
{
    int rc;

    if (s->state == IN_CLOSED || s->state == IN_SECURING || s->state == IN_ENDING)
        return 0;
    rc = t->overflow ? XMB_ETOOBIG : say(s, s2_text_str(t));
    if (rc == 0) {
        s->said_ms = s2_now_ms(s->w);
        return 1;
    }
    s2_in_cut(s, rc == XMB_EAGAIN ? "the peer does not read our answers" : "cannot write");
    return 0;
}

void s2_in_pause(struct s2_incoming *s)
{
    if (s->paused || s->state == IN_CLOSED)
        return;
    s->paused = 1;
    if (s->link != NULL)
        s2_link_adopted_held(s->link, 1);
    s2_host->conn->pause(s->conn);
}

void s2_in_push(struct s2_incoming *s)
{
    s->pushed = 1;
    s2_in_pause(s);
}

void s2_in_unpause(struct s2_incoming *s)
{
    s->pushed = 0;
    if (!s->paused || s->state == IN_CLOSED ||
        (s->link != NULL && s2_link_adopted_owes(s->link)))
        return;
    s->paused = 0;
    if (s->link != NULL)
        s2_link_adopted_held(s->link, 0);
    if (s->half_ms != 0)
        s->half_ms = s2_now_ms(s->w); /* it could not go on while we did not read */
    s2_host->conn->resume(s->conn);
}

void s2_in_negotiate(struct s2_incoming *s)
{
    s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, s->w->conf->negotiation_ms);
}

/* --- it comes --------------------------------------------------------------------------------- */

static struct s2_incoming *stream_new(struct s2_worker *w, struct xmb_conn *conn,
                                      const struct s2_listen *listen)
{
    struct s2_incoming *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->w = w;
    s->conn = conn;
    s->ref = s2_host->conn->ref(conn);
    s->state = IN_ACCEPTED;
    s->side = (uint8_t)listen->side;
    s->direct = listen->direct != 0 && listen->tls != NULL;
    s->offers_tls = listen->tls != NULL;
    s->opened_ms = s->heard_ms = s->said_ms = s->stanza_ms = s2_now_ms(w);
    return s;
}

/* Direct TLS (XEP-0368): before any octet is read. The certificate is chosen by SNI. */
static int secure_at_once(struct s2_incoming *s, const struct s2_listen *listen)
{
    struct xmb_tls_setup setup = {
        .size = sizeof(setup), .profile = listen->tls, .alpn = "xmpp-server"};

    s->state = IN_SECURING;
    return s2_host->conn->secure(s->conn, &setup);
}

/* No word is possible, or wanted: the log alone says it. */
static int refuse_unheard(struct s2_worker *w, const struct xmb_addr *remote, const char *why)
{
    char peer[XMB_ADDR_TEXT_MAX];

    S2_COUNT(w, S2_M_STREAMS_REFUSED, 1);
    S2_LOG(w->module->module, XMB_LOG_NOTICE, "stream-refused",
           s2_host->conn->addr_text(remote, peer, sizeof(peer)), "connection closed unread: %s",
           why);
    return XMB_EDENIED;
}

static int begin(struct s2_incoming *s, const struct s2_listen *listen,
                 const struct xmb_addr *remote, enum in_room room)
{
    static const char *const why = "too many streams of this address";
    int rc;

    if (room != IN_ROOM_OK && s->direct)
        return refuse_unheard(s->w, remote, why);
    if (room != IN_ROOM_OK) {
        s2_in_fail(s, S2_E_RESOURCE_CONSTRAINT, why); /* it stays until that is flushed */
        return 0;
    }
    rc = s2_in_enlist(s, remote);
    if (rc < 0)
        return rc;
    s2_in_negotiate(s);
    return s->direct ? secure_at_once(s, listen) : 0;
}

int s2_in_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_incoming **out)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    const struct s2_listen *listen;
    struct s2_incoming *s;
    enum in_room room;
    int rc;

    s2_in_configure(w);
    s2_host->conn->info(conn, &info);
    if (info.listener >= w->conf->listen_count)
        return XMB_EINVAL;
    listen = &w->conf->listens[info.listener];
    if (listen->component >= 0)
        return XMB_EINVAL; /* component.h has those */
    room = s2_in_room(w, listen->side, &info.remote);
    if (room == IN_ROOM_FULL)
        return refuse_unheard(w, &info.remote, "as many streams as permitted are open");
    s = stream_new(w, conn, listen);
    if (s == NULL)
        return XMB_ENOMEM;
    link_stream(s);
    rc = begin(s, listen, &info.remote, room);
    if (rc < 0) {
        s2_in_delist(s);
        unlink_stream(s);
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* --- in between ------------------------------------------------------------------------------- */

int s2_in_data(struct s2_incoming *s, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)conn;
    s2_in_feed(s, in);
    if (s->put)
        s2_path_flush(s->w);
    s->put = 0;
    return 0;
}

void s2_in_writable(struct s2_incoming *s, struct xmb_conn *conn)
{
    int owed;

    if (s->link == NULL)
        return; /* a write that finds no room ends the stream: nothing waits */
    owed = s2_link_adopted_owes(s->link);
    s2_link_writable(s->link, conn);
    if (owed && !s->pushed)
        s2_in_unpause(s);
}

void s2_in_secured(struct s2_incoming *s, struct xmb_conn *conn)
{
    (void)conn;
    s2_in_event(s, IN_EV_SECURED, NULL);
}

void s2_in_expired(struct s2_incoming *s, struct xmb_conn *conn, uint32_t which)
{
    (void)conn;
    if (which == XMB_DEADLINE_ONCE)
        s2_in_event(s, IN_EV_EXPIRED, NULL);
}

void s2_in_resume(struct s2_worker *w, xmb_ref ref)
{
    struct s2_incoming *s = s2_in_find(w->incomings, ref);

    if (s != NULL && !s->authenticating)
        s2_in_unpause(s);
    if (s != NULL)
        return;
    s2_component_resume(w, ref);
    s2_link_resume(w, ref);
}

/* --- and it goes ------------------------------------------------------------------------------ */

void s2_in_closed(struct s2_incoming *s, struct xmb_conn *conn, const char *why)
{
    (void)conn;
    if (s->state != IN_CLOSED) /* else it was said when it was decided */
        IN_LOG(s, s->verified_count > 0 ? XMB_LOG_INFO : XMB_LOG_DEBUG, NULL,
               "incoming stream (%s) is gone: %s", s2_in_state_name(s), why);
    s->state = IN_CLOSED;
    s2_in_drained(s);
    s2_in_question_drop(s);
    s2_in_pairs_drop(s);
    s2_in_reader_drop(s);
    s2_in_delist(s);
    s2_in_bidi_closed(s, why);
    unlink_stream(s);
    free(s);
}
