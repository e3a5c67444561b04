/* SPDX-License-Identifier: MIT */
/*
 * conn_flush.c - from the output queue to the kernel.
 *
 * Plain: one sendmsg of up to 64 pieces. TLS: pieces are joined into full
 * records, because each record costs a system call and its crypto about the same
 * whether it is full or not. When the kernel takes no more, the connection waits
 * for it; when the queue is empty, its memory goes back and the phase goes on.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/*
 * A longer ring is freed when the queue is empty. Ten notifications of three pieces, which is the
 * usual window of an XMCP client, fit: a subscriber that is busy does not make its ring anew for
 * every burst.
 */
#define RING_KEPT 32

static size_t gather_iovec(const struct xmb_conn *c, struct iovec *iov, size_t max)
{
    size_t n = buf_iovec(&c->out, iov, max - 1);

    if (c->tail_used == c->tail_from || n == max - 1)
        return n;
    iov[n].iov_base = c->tail->data + c->tail_from;
    iov[n].iov_len = c->tail_used - c->tail_from;
    return n + 1;
}

static void sent(struct xmb_conn *c, size_t n)
{
    size_t chained = n < c->out.bytes ? n : c->out.bytes;

    if (chained > 0)
        buf_drop(&c->out, chained);
    c->tail_from += (uint32_t)(n - chained);
    c->sent_bytes += n;
    core_count(c->worker, CORE_SENT_BYTES, n);
}

static enum conn_io send_plain(struct xmb_conn *c)
{
    struct iovec iov[CONN_IOV_MAX];
    struct msghdr msg = {.msg_iov = iov};
    size_t i, offered = 0;
    ssize_t n;

    msg.msg_iovlen = gather_iovec(c, iov, CONN_IOV_MAX);
    for (i = 0; i < msg.msg_iovlen; i++)
        offered += iov[i].iov_len;
    do
        n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    core_count(c->worker, CORE_WRITES, 1);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->flags |= CONN_BLOCKED;
        return CONN_IO_AGAIN;
    }
    if (n < 0) {
        conn_why_errno(c, "write", errno);
        return CONN_IO_ERROR;
    }
    sent(c, (size_t)n);
    if ((size_t)n == offered)
        return CONN_IO_OK;
    c->flags |= CONN_BLOCKED; /* it would say so at the next call */
    return CONN_IO_AGAIN;
}

/* Up to one record from the front of the queue, copied together unless it is one run. */
static size_t gather_record(struct xmb_conn *c, const uint8_t **p)
{
    struct conn_worker *cw = c->worker->conns;
    struct iovec iov[CONN_IOV_MAX];
    size_t i, n = 0, count = gather_iovec(c, iov, CONN_IOV_MAX);

    if (count == 1 || iov[0].iov_len >= CONN_TLS_RECORD) {
        *p = iov[0].iov_base;
        return iov[0].iov_len < CONN_TLS_RECORD ? iov[0].iov_len : CONN_TLS_RECORD;
    }
    for (i = 0; i < count && n < CONN_TLS_RECORD; i++) {
        size_t part = iov[i].iov_len < CONN_TLS_RECORD - n ? iov[i].iov_len : CONN_TLS_RECORD - n;

        memcpy(cw->record + n, iov[i].iov_base, part);
        n += part;
    }
    *p = cw->record;
    return n;
}

static enum conn_io send_record(struct xmb_conn *c)
{
    const uint8_t *p;
    size_t n = gather_record(c, &p), taken = 0;
    enum conn_io io = conn_tls_write(c, p, n, &taken);

    core_count(c->worker, CORE_WRITES, 1);
    if (io == CONN_IO_OK)
        sent(c, taken);
    return io;
}

/* The queue is empty: an idle connection holds no output memory. */
static void output_drained(struct xmb_conn *c)
{
    slab_release(c->tail);
    c->tail = NULL;
    c->tail_from = c->tail_used = 0;
    if (c->out.ring_size > RING_KEPT)
        buf_clear(&c->out);
}

/* FLUSHING and all is out: our end is closed; the peer's is awaited. */
static void finish(struct xmb_conn *c)
{
    c->notify_bytes = (uint16_t)conn_tls_goodbye(c);
    if (c->flags & CONN_PEER_FIN || shutdown(c->fd, SHUT_WR) < 0) {
        conn_die(c);
        return;
    }
    c->fin_bytes = 1; /* it has a number, too */
    c->phase = CONN_LINGERING;
}

static void flushed(struct xmb_conn *c)
{
    if (c->flags & CONN_STARVED && conn_queued(c) <= conn_low(c))
        conn_todo_add(c, CONN_TODO_WRITABLE);
    if (conn_queued(c) == 0) {
        output_drained(c);
        if (c->phase == CONN_SECURING && !(c->flags & CONN_TLS))
            conn_tls_begin(c);
        else if (c->phase == CONN_FLUSHING)
            finish(c);
    }
    conn_poll(c);
}

void conn_flush(struct xmb_conn *c)
{
    enum conn_io io = CONN_IO_OK;

    if ((c->phase != CONN_OPEN && c->phase != CONN_SECURING && c->phase != CONN_FLUSHING) ||
        c->flags & (CONN_BLOCKED | CONN_TLS_WANTS_IN))
        return;
    while (io == CONN_IO_OK && conn_queued(c) > 0)
        io = c->flags & CONN_TLS ? send_record(c) : send_plain(c);
    if (io == CONN_IO_ERROR)
        conn_die(c);
    else
        flushed(c);
}

/* --- what became of it -------------------------------------------------------------------- */

/* What we said for a goodbye is acknowledged last, and is none of the plugin's. */
size_t conn_unacked(const struct xmb_conn *c)
{
    int n = 0, goodbye = c->notify_bytes + c->fin_bytes;

    if (c->phase == CONN_DEAD)
        return c->unacked_bytes;
    if (ioctl(c->fd, SIOCOUTQ, &n) < 0 || n <= goodbye)
        return 0;
    return (size_t)(n - goodbye);
}

/* A TLS record that is cut off is still in the queue, and nobody can read it: it has not left. */
void conn_note_rest(struct xmb_conn *c)
{
    c->unacked_bytes = (uint32_t)conn_unacked(c);
    c->left_bytes = conn_queued(c);
}
