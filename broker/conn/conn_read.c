/* SPDX-License-Identifier: MIT */
/*
 * conn_read.c - input: from the socket to protocol.data, and what it leaves.
 *
 * All connections of a worker read into one slab. What the plugin does not
 * take is moved out of it afterwards: a small rest is copied into a slab of its
 * size, a large one keeps the slab and the worker takes a new one. So a
 * connection without a partial frame holds no read memory at all.
 *
 * A connection reads a bounded amount a turn; epoll tells again what is left.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <sys/socket.h>

#define KEEP_READ_SLAB_FROM (CONN_READ_BYTES / 2) /* a rest of this size is not worth a copy */
#define READ_ROOM_MIN 16384                       /* one TLS record */

/* --- the shared slab ---------------------------------------------------------------------- */

static int read_slab_ready(struct conn_worker *cw)
{
    if (cw->read_slab != NULL && !slab_is_shared(cw->read_slab))
        cw->read_at = 0;
    if (cw->read_slab != NULL && CONN_READ_BYTES - cw->read_at < READ_ROOM_MIN) {
        slab_release(cw->read_slab);
        cw->read_slab = NULL;
    }
    if (cw->read_slab == NULL) {
        cw->read_slab = slab_new(CONN_READ_BYTES);
        cw->read_at = 0;
    }
    return cw->read_slab != NULL ? 0 : XMB_ENOMEM;
}

static struct buf_slice *slice_at(struct xmb_buf *b, uint32_t i)
{
    return &b->ring[(b->first + i) & (b->ring_size - 1)];
}

/* Puts the last slice behind the one before it, where there is room in its slab. */
static int join_last(struct xmb_buf *b)
{
    struct buf_slice *last = slice_at(b, b->count - 1), *before;
    size_t from;

    if (b->count < 2)
        return 0;
    before = slice_at(b, b->count - 2);
    from = (size_t)(before->p - before->slab->data) + before->n;
    if (slab_is_shared(before->slab) || before->slab->capacity_bytes - from < last->n)
        return 0;
    memcpy(before->slab->data + from, last->p, last->n);
    before->n += last->n;
    slab_release(last->slab);
    last->slab = NULL;
    b->count--;
    return 1;
}

/* Moves one slice into a slab of its own; with room to grow when it is not the first rest. */
static int move_slice(struct xmb_buf *b, struct buf_slice *s)
{
    size_t size = b->count > 1 && b->bytes < CONN_READ_BYTES ? b->bytes : s->n;
    struct xmb_slab *own = slab_new(size > s->n ? size : s->n);

    if (own == NULL)
        return XMB_ENOMEM;
    memcpy(own->data, s->p, s->n);
    slab_release(s->slab);
    s->slab = own;
    s->p = own->data;
    return 0;
}

static int leave_read_slab(struct xmb_conn *c)
{
    struct conn_worker *cw = c->worker->conns;
    uint32_t i;

    slab_release(c->in.held); /* a line that the plugin has done with */
    c->in.held = NULL;
    for (i = 0; i < c->in.count; i++) {
        struct buf_slice *s = slice_at(&c->in, i);

        if (s->slab != cw->read_slab)
            continue;
        if (s->n >= KEEP_READ_SLAB_FROM) {
            slab_release(cw->read_slab);
            cw->read_slab = NULL;
            return 0;
        }
        if (i == c->in.count - 1 && join_last(&c->in))
            return 0;
        if (move_slice(&c->in, s) < 0)
            return XMB_ENOMEM;
    }
    return 0;
}

void conn_input_clear(struct xmb_conn *c)
{
    buf_clear(&c->in);
}

/* --- to the plugin -------------------------------------------------------------------------- */

static void protocol_error(struct xmb_conn *c, const char *what, int rc)
{
    char peer[XMB_ADDR_TEXT_MAX];

    log_api.limited(c->module, XMB_LOG_INFO, "protocol-error", 10,
                    addr_text(&c->remote, peer, sizeof(peer)),
                    "%s (error %d); the connection is closed", what, rc);
    conn_close(c, what);
}

static void call_data(struct xmb_conn *c)
{
    size_t before = c->in.bytes;
    struct module_mark mark;
    int rc;

    c->flags |= CONN_IN_DATA;
    mark = module_enter(c->module);
    rc = c->module->protocol.data(c->cs, c, &c->in);
    module_leave(mark);
    c->flags &= ~(uint32_t)CONN_IN_DATA;

    if (c->phase == CONN_OPEN && rc < 0)
        protocol_error(c, "protocol error", rc);
    else if (c->phase == CONN_OPEN && c->pauses == 0 && c->in.bytes >= CONN_INPUT_MAX)
        protocol_error(c, "a frame larger than the input bound", XMB_ETOOBIG);
    if (c->phase != CONN_OPEN && c->phase != CONN_SECURING) {
        conn_input_clear(c);
    } else if (leave_read_slab(c) < 0) {
        conn_reset(c, "out of memory");
        return;
    }
    /* Resumed within the call: frames may stand behind the one that paused it. */
    if (c->flags & CONN_RESUMED && c->in.bytes > 0 && c->in.bytes < before)
        conn_todo_add(c, CONN_TODO_OFFER);
    c->flags &= ~(uint32_t)CONN_RESUMED;
}

/* --- from the socket ------------------------------------------------------------------------ */

static enum conn_io plain_read(struct xmb_conn *c, uint8_t *p, size_t n, size_t *got)
{
    ssize_t r;

    do
        r = recv(c->fd, p, n, 0);
    while (r < 0 && errno == EINTR);
    if (r > 0) {
        *got = (size_t)r;
        return CONN_IO_OK;
    }
    if (r == 0)
        return CONN_IO_EOF;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return CONN_IO_AGAIN;
    conn_why_errno(c, "read", errno);
    return CONN_IO_ERROR;
}

/*
 * A read that OpenSSL made for less than a record's worth, and nothing is left of it: the socket
 * is empty. To ask it once more would cost a system call a stanza when stanzas come one by one.
 */
static int tls_is_drained(struct xmb_conn *c, uint64_t read_before)
{
    return !conn_tls_pending(c) &&
           BIO_number_read(SSL_get_rbio(c->ssl)) - read_before < CONN_TLS_RECORD;
}

/* TLS gives one record a call: several make one call of the plugin. */
static enum conn_io tls_read(struct xmb_conn *c, uint8_t *p, size_t n, size_t *got, int *more)
{
    uint64_t read_before = BIO_number_read(SSL_get_rbio(c->ssl));
    enum conn_io io = CONN_IO_OK;
    size_t total = 0, one = 0;

    *more = 1;
    while (total < n && *more) {
        io = conn_tls_read(c, p + total, n - total, &one);
        if (io != CONN_IO_OK)
            break;
        total += one;
        *more = !tls_is_drained(c, read_before);
    }
    if (io == CONN_IO_AGAIN)
        *more = 0;
    *got = total;
    return total > 0 && io == CONN_IO_EOF ? CONN_IO_OK : io;
}

/* Appends what is there to `in`; *more: the socket probably holds more. */
static enum conn_io fill(struct xmb_conn *c, size_t *got, int *more)
{
    struct conn_worker *cw = c->worker->conns;
    size_t n = CONN_INPUT_MAX - c->in.bytes;
    enum conn_io io;
    uint8_t *p;

    *got = 0;
    *more = 0;
    /* Resumed, and what is held is still to be offered: a read of nothing would look like EOF. */
    if (n == 0)
        return CONN_IO_AGAIN;
    if (read_slab_ready(cw) < 0)
        goto no_memory;
    if (n > CONN_READ_BYTES - cw->read_at)
        n = CONN_READ_BYTES - cw->read_at;
    p = cw->read_slab->data + cw->read_at;
    if (c->flags & CONN_TLS) {
        io = tls_read(c, p, n, got, more);
    } else {
        io = plain_read(c, p, n, got);
        *more = *got == n;
    }
    if (*got == 0)
        return io;
    if (buf_append(&c->in, cw->read_slab, p, *got) < 0)
        goto no_memory;
    cw->read_at += (uint32_t)*got;
    return io;

no_memory:
    *got = 0;
    conn_why(c, "out of memory");
    return CONN_IO_ERROR;
}

static void received(struct xmb_conn *c, size_t n)
{
    c->received_bytes += n;
    c->received_ms = loop_now_ms(&c->worker->loop);
    core_count(c->worker, CORE_RECEIVED_BYTES, n);
    if (c->idle_ms != 0 && c->idle.prev == NULL)
        timer_start(c->worker->timers, &c->idle, c->idle_ms);
}

void conn_read(struct xmb_conn *c)
{
    enum conn_io io;
    size_t got;
    int i, more;

    for (i = 0; i < CONN_READS_A_TURN; i++) {
        io = fill(c, &got, &more);
        if (got > 0) {
            received(c, got);
            call_data(c);
        }
        if (io == CONN_IO_ERROR && c->phase != CONN_DEAD) {
            conn_die(c);
        } else if (io == CONN_IO_EOF) {
            c->flags |= CONN_PEER_FIN;
            conn_close(c, "closed by peer");
        }
        if (c->phase != CONN_OPEN || c->pauses > 0 || !more)
            return;
    }
    if (c->flags & CONN_TLS && conn_tls_pending(c))
        conn_todo_add(c, CONN_TODO_OFFER);
}

void conn_discard(struct xmb_conn *c)
{
    struct conn_worker *cw = c->worker->conns;
    ssize_t r;
    int i;

    for (i = 0; i < CONN_READS_A_TURN; i++) {
        r = recv(c->fd, cw->record, sizeof(cw->record), 0);
        if (r < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (r <= 0) {
            conn_die(c);
            return;
        }
    }
}

/* --- flow control --------------------------------------------------------------------------- */

/* From the end of a turn: what was left, then what TLS holds back. */
void conn_offer(struct xmb_conn *c)
{
    if (c->phase != CONN_OPEN || c->pauses > 0 || !(c->flags & CONN_OPENED))
        return;
    c->flags &= ~(uint32_t)(CONN_STOPPED | CONN_HUNG_UP);
    if (c->in.bytes > 0)
        call_data(c);
    if (c->phase == CONN_OPEN && c->pauses == 0 && c->flags & CONN_TLS)
        conn_read(c);
    conn_poll(c);
}

void conn_pause(struct xmb_conn *c)
{
    if (c->pauses < UINT16_MAX)
        c->pauses++;
}

void conn_resume(struct xmb_conn *c)
{
    if (c->pauses == 0 || --c->pauses > 0 || c->phase >= CONN_FLUSHING)
        return;
    if (c->flags & CONN_IN_DATA)
        c->flags |= CONN_RESUMED;
    else
        conn_todo_add(c, CONN_TODO_OFFER);
}
