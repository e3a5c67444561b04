/* SPDX-License-Identifier: MIT */
/*
 * session.c - a connection comes, and goes: the callbacks of the protocol role.
 *
 * What happens between is elsewhere: input.c takes messages off the connection, dispatch.c judges
 * them, session_fsm.c knows the states. Here is who may come in at all, and what is given back at
 * the end.
 */
#include <stdlib.h>

#include "answer.h"
#include "nonce.h"
#include "notify.h"
#include "pending.h"
#include "session.h"
#include "throttle.h"

void xs_session_remote(const struct session *s, struct xmb_addr *out)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    xs_host->conn->info(s->conn, &info);
    *out = info.remote;
}

void xs_session_log(const struct session *s, uint32_t level, const char *what, const char *why)
{
    struct xmb_module *module = s->worker->server->module;
    struct xmb_str user = {"(unauthenticated)", 17};
    char peer[XMB_ADDR_TEXT_MAX];
    struct xmb_addr remote;

    if (xs_host->log->level(module) < level)
        return;
    if (!s->anonymous && s->principal != NULL)
        user = xs_host->policy->principal_name(s->principal);
    xs_session_remote(s, &remote);
    xs_host->conn->addr_text(&remote, peer, sizeof(peer));
    xs_host->log->write(module, level, peer, "session 0x%08x of %.*s %s%s%s", s->handle,
                        (int)user.n, user.p, what, why != NULL ? ": " : "",
                        why != NULL ? why : "");
}

/* --- who may come in ------------------------------------------------------------------------- */

/* The address lists of the configuration, and whatever else policy says about an address. */
static int ask_accept(struct worker *w, const struct xmb_addr *remote)
{
    struct xmb_request request = {.size = sizeof(request), .point = XMB_POINT_ACCEPT};
    struct xmb_answer answer = {.size = sizeof(answer)};

    request.asker = w->server->module;
    request.remote = *remote;
    request.list = remote->family == 6 ? w->conf->allow_ipv6 : w->conf->allow_ipv4;
    if (xs_host->policy->ask(w->w, &request, &answer, NULL, NULL, NULL) == XMB_ALLOW)
        return 0;
    return XMB_EDENIED;
}

static int admit(struct worker *w, const struct xmb_addr *remote, uint32_t cells)
{
    const char *cause = NULL;
    char peer[XMB_ADDR_TEXT_MAX];
    enum metric counter = M_ACCEPTED;

    if (ask_accept(w, remote) < 0) {
        counter = M_REFUSED_LIST;
        cause = "policy denies this address";
    } else if (xs_throttle_connection(w->server, remote, xs_now(w)) < 0) {
        counter = M_REFUSED_RATE;
        cause = "too many connections after failed Registers";
    } else if (xs_silent_enter(w, cells) < 0) {
        counter = M_REFUSED_RATE;
        cause = "half of max-clients connections from there have not registered";
    } else if (xs_connection_enter(w) < 0) {
        xs_silent_leave(w, cells);
        counter = M_REFUSED_LIMIT;
        cause = "twice max-clients connections are open";
    }
    xs_count(w, counter);
    if (cause == NULL)
        return 0;
    xs_host->log->limited(w->server->module, XMB_LOG_NOTICE, "refused", 5,
                          xs_host->conn->addr_text(remote, peer, sizeof(peer)),
                          "connection refused, closed unread: %s", cause);
    return XMB_EDENIED;
}

static void link_session(struct session *s)
{
    struct worker *w = s->worker;

    s->next = w->first;
    if (w->first != NULL)
        w->first->previous = s;
    w->first = s;
}

static void unlink_session(struct session *s)
{
    struct worker *w = s->worker;

    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        w->first = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
}

int xs_open(void *wself, struct xmb_conn *conn, void **cs)
{
    struct worker *w = wself;
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct session *s;
    uint32_t cells;
    int rc;

    xs_host->conn->info(conn, &info);
    cells = xs_throttle_cells(w->server, &info.remote);
    rc = admit(w, &info.remote, cells);
    if (rc < 0)
        return rc;
    s = calloc(1, sizeof(*s));
    if (s == NULL) {
        xs_silent_leave(w, cells);
        xs_connection_leave(w);
        return XMB_ENOMEM;
    }
    s->worker = w;
    s->conn = conn;
    s->state = CONNECTED;
    s->silent_cells = cells;
    s->nonce_lifetime_ms = XS_NONCE_LIFETIME_MS;
    link_session(s);
    xs_alarm(s, ALARM_REGISTER, w->conf->register_ms);
    *cs = s;
    return 0;
}

/* --- in between ------------------------------------------------------------------------------ */

int xs_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    struct session *s = cs;

    (void)conn;
    s->in = in;
    xs_input(s);
    return 0;
}

void xs_writable(void *cs, struct xmb_conn *conn)
{
    struct session *s = cs;

    (void)conn;
    xs_pending_flush(s);
    xs_unblock(s, BLOCK_ROOM);
}

void xs_expired(void *cs, struct xmb_conn *conn, uint32_t which)
{
    struct session *s = cs;

    (void)conn;
    if (which == XMB_DEADLINE_IDLE)
        xs_silence(s);
    else
        xs_alarms_run(s);
}

void xs_drain(void *cs, struct xmb_conn *conn)
{
    (void)conn;
    xs_revoke(cs, "the server shuts down");
}

/* --- and the end ----------------------------------------------------------------------------- */

void xs_session_spoke(struct session *s)
{
    if (s->silent_cells != XS_SILENT_NOWHERE)
        xs_silent_leave(s->worker, s->silent_cells);
    s->silent_cells = XS_SILENT_NOWHERE;
}

void xs_session_end(struct session *s, uint32_t gone)
{
    xs_session_log(s, XMB_LOG_INFO, "ends", s->why);
    xs_publish_end(s, gone);
    xs_notify_end(s);
    xs_handle_drop(s);
    xs_client_leave(s->worker, s->anonymous);
}

void xs_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    struct session *s = cs;

    (void)conn;
    if (s->state == ASKING)
        xs_host->policy->cancel(s->worker->w, s->ask_id);
    if (s->state == REGISTERED) {
        s->why = why;
        xs_session_end(s, XMB_GONE_NETWORK);
    }
    xs_register_gone(s);
    xs_session_spoke(s);
    unlink_session(s);
    xs_connection_leave(s->worker);
    xs_host->policy->principal_release(s->verdict.principal);
    xs_host->policy->principal_release(s->principal);
    xmcp_mac_clear(&s->mac);
    free(s->name);
    free(s->label);
    free(s);
}
