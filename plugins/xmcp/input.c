/* SPDX-License-Identifier: MIT */
/*
 * input.c - octets of a connection to whole messages, one after the other, as long as nothing
 * stands in the way.
 *
 * A message that cannot be dealt with now stays at the front of the input and reading is paused:
 * the kernel's window then slows the client, and nothing is queued here. Whoever set a block takes
 * it away, and input goes on where it stopped.
 */
#include "notify.h"
#include "session.h"

void xs_block(struct session *s, enum block what)
{
    s->blocked |= (uint8_t)what;
}

void xs_unblock(struct session *s, enum block what)
{
    s->blocked &= (uint8_t)~what;
    xs_input(s);
}

/* Pauses and resumes the connection so that it agrees with s->blocked. */
static void settle(struct session *s)
{
    int want = s->blocked != 0 && s->state != CLOSING;

    if (want == s->paused)
        return;
    s->paused = (uint8_t)want;
    if (want)
        xs_host->conn->pause(s->conn);
    else
        xs_host->conn->resume(s->conn);
}

static int not_xmcp(struct session *s)
{
    xs_count(s->worker, M_FRAMING);
    xs_close(s, "not XMCP, or framing is lost");
    return 0;
}

/* Takes one message off the input. 1: there may be another one. */
static int take_message(struct session *s)
{
    size_t there = xs_host->buf->length(s->in);
    struct xmb_str frame;
    struct xmcp_msg m;
    size_t frame_bytes = 0;
    int rc;

    if (there == 0)
        return 0;
    if (xs_host->buf->peek(s->in, there < XMCP_HEADER_BYTES ? there : XMCP_HEADER_BYTES,
                           &frame) < 0)
        return 0;
    rc = xmcp_frame_bytes(frame.p, frame.n, &frame_bytes);
    if (rc != 0)
        return rc == XMCP_EAGAIN ? 0 : not_xmcp(s);
    if (frame_bytes > there)
        return 0;
    if (xs_host->buf->peek(s->in, frame_bytes, &frame) < 0) {
        xs_close(s, "out of memory");
        return 0;
    }
    rc = xmcp_decode(frame.p, frame_bytes, &m);
    if (xs_dispatch(s, &m, rc != 0, frame) == LATER)
        return 0;
    if (s->state != CLOSING)
        xs_host->buf->drop(s->in, frame_bytes);
    return 1;
}

/* A client that has said goodbye has nothing more to say. */
static void discard(struct session *s)
{
    xs_host->buf->drop(s->in, xs_host->buf->length(s->in));
}

void xs_input(struct session *s)
{
    if (s->running)
        return;
    s->running = 1;
    while (s->in != NULL && s->blocked == 0 && s->state != LEAVING && s->state != CLOSING) {
        if (!take_message(s))
            break;
    }
    if (s->in != NULL && s->state == LEAVING)
        discard(s);
    s->running = 0;
    settle(s);
    xs_notify_pump(s);
}
