/* SPDX-License-Identifier: MIT */
/*
 * keepalive.c - the client says that it is there, says goodbye, or says nothing any more.
 *
 * The interval itself is the connection's idle deadline: whatever arrives starts it again, and
 * nothing has to be done here for each message.
 */
#include "answer.h"
#include "notify.h"
#include "session.h"

#define PAGE_SIZE_MAX 255

/* Keepalive, and Register with a handle: the form of 1.0 clients. */
enum outcome xs_keepalive(struct session *s, const struct xmcp_msg *m)
{
    if (m->have & XMCP_HAVE_PAGE_SIZE)
        s->page_size = (uint8_t)(m->page_size < PAGE_SIZE_MAX ? m->page_size : PAGE_SIZE_MAX);
    return xs_succeed(s, m, ANSWER_KEPT, 0);
}

enum outcome xs_unregister(struct session *s, const struct xmcp_msg *m)
{
    xs_succeed(s, m, ANSWER_PLAIN, 0);
    xs_event(s, EV_LEAVE);
    return DONE;
}

/*
 * 1 when the silence is our own doing: we have paused reading for a reason on our side, or for
 * output that the client is taking, if slowly.
 */
static int our_doing(struct session *s)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    int moves;

    if (!s->paused)
        return 0;
    if (!(s->blocked & BLOCK_ROOM))
        return 1;
    xs_host->conn->info(s->conn, &info);
    moves = info.sent_bytes != s->sent_bytes_seen;
    s->sent_bytes_seen = info.sent_bytes;
    return moves;
}

void xs_silence(struct session *s)
{
    if (s->state != REGISTERED)
        return;
    if (our_doing(s)) {
        xs_host->conn->deadline(s->conn, XMB_DEADLINE_IDLE, s->keepalive_ms);
        return;
    }
    xs_count(s->worker, M_KEEPALIVE_TIMEOUTS);
    xs_revoke(s, "keepalive timeout");
}
