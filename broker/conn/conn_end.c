/* SPDX-License-Identifier: MIT */
/*
 * conn_end.c - how a connection ends: why, in order or at once, and what is owed after that.
 *
 * A DEAD connection has no socket and no timers; `closed` or `dial_failed` is called from the
 * end of the turn, and the memory goes with the last reference.
 */
#include "conn/conn_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void conn_why(struct xmb_conn *c, const char *why)
{
    if (c->why != NULL)
        return;
    c->why = strdup(why != NULL ? why : "closed");
    if (c->why != NULL)
        c->flags |= CONN_WHY_OWNED;
    else
        c->why = "closed";
}

void conn_why_errno(struct xmb_conn *c, const char *what, int error)
{
    char text[160], cause[128];

    snprintf(text, sizeof(text), "%s: %s", what, strerror_r(error, cause, sizeof(cause)));
    conn_why(c, text);
}

void conn_close(struct xmb_conn *c, const char *why)
{
    if (c->phase >= CONN_FLUSHING)
        return;
    conn_why(c, why);
    if (c->phase != CONN_OPEN) {
        conn_die(c);
        return;
    }
    c->phase = CONN_FLUSHING;
    timer_stop(c->worker->timers, &c->idle);
    timer_stop(c->worker->timers, &c->once);
    conn_limit(c, CONN_CLOSE_MS);
    if (!(c->flags & CONN_IN_DATA))
        conn_input_clear(c);
    conn_dirty_add(c);
    conn_poll(c);
}

void conn_reset(struct xmb_conn *c, const char *why)
{
    if (c->phase == CONN_DEAD)
        return;
    conn_why(c, why);
    c->flags |= CONN_ABORT;
    conn_die(c);
}

static void on_closed(uv_handle_t *handle)
{
    struct xmb_conn *c = conn_of(handle, poll);

    conn_handle_closed(handle->data);
    conn_unref(c);
}

/*
 * libuv has to let go before the descriptor is closed: its number may belong to the
 * next connection right after.
 */
static void socket_close(struct xmb_conn *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    c->poll.data = c->worker->conns;
    uv_close((uv_handle_t *)&c->poll, on_closed);
    if (c->flags & CONN_ABORT)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(c->fd);
    c->fd = -1;
}

void conn_die(struct xmb_conn *c)
{
    struct timer_wheel *timers = c->worker->timers;

    if (c->phase == CONN_DEAD)
        return;
    conn_why(c, "closed");
    conn_note_rest(c);
    c->phase = CONN_DEAD;
    timer_stop(timers, &c->idle);
    timer_stop(timers, &c->once);
    timer_stop(timers, &c->limit);
    socket_close(c);
    conn_output_clear(c);
    if (!(c->flags & CONN_IN_DATA))
        conn_input_clear(c);
    conn_todo_add(c, CONN_TODO_BURY);
}

static void log_closed(const struct xmb_conn *c)
{
    char peer[XMB_ADDR_TEXT_MAX];

    if (log_api.level(c->module) >= XMB_LOG_DEBUG)
        log_api.write(c->module, XMB_LOG_DEBUG, addr_text(&c->remote, peer, sizeof(peer)),
                      "connection closed: %s", c->why);
}

void conn_bury(struct xmb_conn *c)
{
    const struct xmb_protocol *p = &c->module->protocol;
    struct module_mark mark;

    log_closed(c);
    mark = module_enter(c->module);
    if (c->flags & CONN_OPENED)
        p->closed(c->cs, c, c->why);
    else if (c->direction == XMB_OUTGOING && !(c->flags & CONN_REFUSED) && p->dial_failed != NULL)
        p->dial_failed(c->worker->wself[c->module->index], c->user, c->why);
    module_leave(mark);
    conn_slot_free(c->worker->conns, c->slot);
    core_count(c->worker, CORE_CONNECTIONS, UINT64_MAX); /* a gauge: one less, modulo 2^64 */
    conn_unref(c);
}

void conn_unref(struct xmb_conn *c)
{
    if (--c->refs > 0)
        return;
    buf_clear(&c->in);
    conn_tls_free(c);
    listen_spec_release(c->spec);
    free(c->vrf);
    if (c->flags & CONN_WHY_OWNED)
        free((void *)(uintptr_t)c->why);
    free(c);
}
