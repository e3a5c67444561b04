/* SPDX-License-Identifier: MIT */
/*
 * conn.c - the life of a connection: its phases, what each watches for, its
 * deadlines, and how it begins.
 *
 * The table of phases is the state machine of conn_priv.h: what to poll for,
 * what to do when the socket is ready, and what it means when the core's own
 * deadline passes. Reading, writing, dialling, TLS and the end have files of their own.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- phases ----------------------------------------------------------------------------- */

static int connecting_events(const struct xmb_conn *c)
{
    (void)c;
    return UV_WRITABLE;
}

static int tls_events(const struct xmb_conn *c)
{
    int events = 0;

    if (c->flags & CONN_TLS_WANTS_IN)
        events |= UV_READABLE;
    if (c->flags & (CONN_TLS_WANTS_OUT | CONN_BLOCKED))
        events |= UV_WRITABLE;
    return events;
}

/*
 * A paused connection goes on being watched for input until some comes: most
 * pauses end before, and cost no system call. After that only its end is of interest.
 */
static int open_events(const struct xmb_conn *c)
{
    int events = tls_events(c);

    if (!(c->flags & CONN_STOPPED))
        events |= UV_READABLE;
    else if (!(c->flags & CONN_HUNG_UP))
        events |= UV_DISCONNECT;
    return events;
}

static void open_ready(struct xmb_conn *c, int events)
{
    uint32_t wanted = c->flags & (CONN_TLS_WANTS_IN | CONN_TLS_WANTS_OUT);

    if (events & UV_DISCONNECT)
        c->flags |= CONN_HUNG_UP;
    if (events & UV_WRITABLE || (events & UV_READABLE && wanted & CONN_TLS_WANTS_IN)) {
        c->flags &= ~(uint32_t)(CONN_BLOCKED | CONN_TLS_WANTS_IN);
        conn_flush(c);
    }
    if (c->phase != CONN_OPEN)
        return;
    if (events & UV_READABLE || wanted & CONN_TLS_WANTS_OUT) {
        c->flags &= ~(uint32_t)CONN_TLS_WANTS_OUT;
        if (c->pauses > 0)
            c->flags |= CONN_STOPPED;
        else
            conn_read(c);
    }
}

static int flushing_events(const struct xmb_conn *c)
{
    return tls_events(c);
}

static void flushing_ready(struct xmb_conn *c, int events)
{
    (void)events;
    c->flags &= ~(uint32_t)(CONN_BLOCKED | CONN_TLS_WANTS_IN | CONN_TLS_WANTS_OUT);
    conn_flush(c);
}

static void securing_ready(struct xmb_conn *c, int events)
{
    if (c->flags & CONN_TLS)
        conn_handshake(c);
    else
        flushing_ready(c, events); /* what was queued in plain goes out in plain */
}

static int lingering_events(const struct xmb_conn *c)
{
    (void)c;
    return UV_READABLE;
}

static void connecting_ready(struct xmb_conn *c, int events)
{
    (void)events;
    conn_dialled(c);
}

static void handshake_ready(struct xmb_conn *c, int events)
{
    (void)events;
    conn_handshake(c);
}

static void lingering_ready(struct xmb_conn *c, int events)
{
    (void)events;
    conn_discard(c);
}

static const struct phase {
    int (*events)(const struct xmb_conn *c);
    void (*ready)(struct xmb_conn *c, int events);
    const char *late; /* why it ends when its time is up; NULL: what was said before */
} phases[CONN_PHASES] = {
    [CONN_CONNECTING] = {connecting_events, connecting_ready, "connect timed out"},
    [CONN_HANDSHAKE] = {tls_events, handshake_ready, "TLS handshake timed out"},
    [CONN_OPEN] = {open_events, open_ready, NULL},
    [CONN_SECURING] = {tls_events, securing_ready, "TLS handshake timed out"},
    [CONN_FLUSHING] = {flushing_events, flushing_ready, NULL},
    [CONN_LINGERING] = {lingering_events, lingering_ready, NULL},
    [CONN_DEAD] = {NULL, NULL, NULL},
};

/* The kernel reports an error on the socket, or the other end is gone altogether. */
static void socket_failed(struct xmb_conn *c)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (c->phase == CONN_CONNECTING) {
        conn_dialled(c);
        return;
    }
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        conn_why_errno(c, "connection", error);
    else
        conn_why(c, "closed by peer");
    conn_die(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct xmb_conn *c = conn_of(poll, poll);

    if (status < 0) {
        c->armed = 0; /* libuv has stopped watching */
        socket_failed(c);
    } else {
        phases[c->phase].ready(c, events);
    }
    conn_poll(c);
}

void conn_poll(struct xmb_conn *c)
{
    int events;

    if (c->phase == CONN_DEAD)
        return;
    events = phases[c->phase].events(c);
    if (events == c->armed)
        return;
    c->armed = (uint8_t)events;
    if (events == 0)
        uv_poll_stop(&c->poll);
    else
        uv_poll_start(&c->poll, events, on_poll);
}

/* --- deadlines ---------------------------------------------------------------------------- */

static void call_expired(struct xmb_conn *c, enum xmb_deadline which)
{
    struct module_mark mark;

    if (c->module->protocol.expired == NULL || !(c->flags & CONN_OPENED))
        return;
    mark = module_enter(c->module);
    c->module->protocol.expired(c->cs, c, which);
    module_leave(mark);
}

/* Receiving only notes the time; the deadline moves when it would have passed. */
static void on_idle(struct timer_node *node)
{
    struct xmb_conn *c = conn_of(node, idle);
    uint64_t now = loop_now_ms(&c->worker->loop);
    uint64_t due = c->received_ms + c->idle_ms;

    if (due > now)
        timer_start(c->worker->timers, &c->idle, due - now);
    else
        call_expired(c, XMB_DEADLINE_IDLE);
}

static void on_once(struct timer_node *node)
{
    call_expired(conn_of(node, once), XMB_DEADLINE_ONCE);
}

static void on_limit(struct timer_node *node)
{
    struct xmb_conn *c = conn_of(node, limit);

    if (phases[c->phase].late != NULL)
        conn_why(c, phases[c->phase].late);
    conn_die(c);
}

void conn_limit(struct xmb_conn *c, uint64_t ms)
{
    if (ms == 0)
        timer_stop(c->worker->timers, &c->limit);
    else
        timer_start(c->worker->timers, &c->limit, ms);
}

void conn_deadline(struct xmb_conn *c, uint32_t which, uint64_t ms)
{
    struct timer_node *node = which == XMB_DEADLINE_IDLE ? &c->idle : &c->once;

    if ((which != XMB_DEADLINE_IDLE && which != XMB_DEADLINE_ONCE) ||
        c->phase >= CONN_FLUSHING)
        return;
    if (which == XMB_DEADLINE_IDLE)
        c->idle_ms = ms;
    if (ms == 0)
        timer_stop(c->worker->timers, node);
    else
        timer_start(c->worker->timers, node, ms);
}

/* --- birth -------------------------------------------------------------------------------- */

int conn_new(struct xmb_worker *w, struct xmb_module *m, int fd, enum xmb_direction direction,
             struct xmb_conn **out)
{
    struct conn_worker *cw = w->conns;
    struct xmb_conn *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return XMB_ENOMEM;
    c->worker = w;
    c->module = m;
    c->fd = fd;
    c->direction = (uint8_t)direction;
    c->refs = 2; /* libuv's, and one until it is buried */
    c->in.max_bytes = CONN_INPUT_MAX;
    c->idle.fn = on_idle;
    c->once.fn = on_once;
    c->limit.fn = on_limit;
    c->since_ms = c->received_ms = loop_now_ms(&w->loop);
    rc = conn_slot_take(cw, c);
    if (rc < 0)
        goto failed;
    if (uv_poll_init(&w->loop.uv, &c->poll, fd) < 0) {
        conn_slot_free(cw, c->slot);
        rc = XMB_EIO;
        goto failed;
    }
    cw->handles++;
    core_count(w, CORE_CONNECTIONS, 1);
    *out = c;
    return 0;

failed:
    free(c);
    return rc;
}

static void local_address(struct xmb_conn *c)
{
    struct sockaddr_storage sa = {0};
    socklen_t size = sizeof(sa);

    if (getsockname(c->fd, (struct sockaddr *)&sa, &size) == 0)
        addr_from_sockaddr(&c->local, (struct sockaddr *)&sa);
}

void conn_accept(struct xmb_worker *w, struct listen_spec *spec, int fd,
                 const struct sockaddr *peer)
{
    struct xmb_tls_setup setup = {.profile = spec->tls};
    struct xmb_conn *c;
    int rc = conn_new(w, spec->module, fd, XMB_INCOMING, &c);

    if (rc < 0) {
        log_api.limited(spec->module, XMB_LOG_WARN, "accept", 1, NULL,
                        "a connection was refused: %s",
                        rc == XMB_ELIMIT ? "the worker's table is full" : "out of memory");
        close(fd);
        return;
    }
    core_count(w, CORE_ACCEPTED, 1);
    c->spec = listen_spec_hold(spec);
    addr_from_sockaddr(&c->remote, peer);
    local_address(c);
    if (spec->tls == NULL || (c->module->protocol.flags & XMB_PROTOCOL_OWN_TLS) != 0) {
        conn_open(c);
    } else if (conn_tls_new(c, &setup, TLS_SERVER) < 0) {
        conn_why(c, "no TLS session could be made");
        conn_die(c);
    } else {
        c->phase = CONN_HANDSHAKE;
        conn_tls_begin(c);
    }
}

/* The plugin said no: that is quiet when policy did, and worth a line when it is a fault. */
static void open_refused(struct xmb_conn *c, int rc)
{
    char peer[XMB_ADDR_TEXT_MAX];

    c->flags |= CONN_REFUSED;
    if (rc != XMB_EDENIED)
        log_api.limited(c->module, XMB_LOG_WARN, "open", 5,
                        addr_text(&c->remote, peer, sizeof(peer)),
                        "the module refused the connection with error %d; it is closed", rc);
    conn_why(c, "refused");
    conn_die(c);
}

void conn_open(struct xmb_conn *c)
{
    struct module_mark mark;
    void *cs = NULL;
    int rc;

    conn_limit(c, 0);
    if (c->direction == XMB_OUTGOING)
        local_address(c);
    c->phase = CONN_OPEN;
    mark = module_enter(c->module);
    rc = c->module->protocol.open(c->worker->wself[c->module->index], c, &cs);
    module_leave(mark);
    if (rc < 0) {
        open_refused(c, rc);
        return;
    }
    c->cs = cs;
    c->flags |= CONN_OPENED;
    if (c->flags & CONN_TLS)
        conn_todo_add(c, CONN_TODO_OFFER); /* octets may have come with the handshake */
    conn_poll(c);
}
