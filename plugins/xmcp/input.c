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

/*
 * Messages are looked at in runs of about this size, one call of the host for many. A run that
 * straddles two reads is copied together, so it is not all that came.
 */
#define RUN_BYTES 8192

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

static void not_xmcp(struct session *s)
{
    xs_count(s->worker, M_FRAMING);
    xs_close(s, "not XMCP, or framing is lost");
}

/* Nothing stands in the way of the next message. */
static int may_go_on(const struct session *s)
{
    return s->blocked == 0 && s->state != LEAVING && s->state != CLOSING;
}

/* Shows a run of the input that begins with a whole message. 0: there is none. */
static int peek_run(struct session *s, struct xmb_str *run)
{
    size_t there = xs_host->buf->length(s->in);
    size_t run_bytes = there < RUN_BYTES ? there : RUN_BYTES;
    size_t head_bytes = there < XMCP_HEADER_BYTES ? there : XMCP_HEADER_BYTES;
    size_t frame_bytes = 0;
    int rc;

    if (there == 0 || xs_host->buf->peek(s->in, head_bytes, run) < 0)
        return 0;
    rc = xmcp_frame_bytes(run->p, run->n, &frame_bytes);
    if (rc == XMCP_EFRAME)
        not_xmcp(s);
    if (rc != 0 || frame_bytes > there)
        return 0;
    if (xs_host->buf->peek(s->in, frame_bytes > run_bytes ? frame_bytes : run_bytes, run) < 0) {
        xs_close(s, "out of memory");
        return 0;
    }
    return 1;
}

/* Deals with the messages of a run; returns their octets. What is cut off begins the next run. */
static size_t take_run(struct session *s, struct xmb_str run)
{
    struct xmb_str frame;
    struct xmcp_msg m;
    size_t taken = 0;
    int rc;

    while (taken < run.n && may_go_on(s)) {
        frame.p = run.p + taken;
        rc = xmcp_decode(frame.p, run.n - taken, &m);
        if (rc == XMCP_EFRAME)
            not_xmcp(s);
        if (rc == XMCP_EFRAME || rc == XMCP_EAGAIN)
            break;
        frame.n = m.frame_bytes;
        if (xs_dispatch(s, &m, rc != 0, frame) == LATER)
            break;
        taken += frame.n;
    }
    return taken;
}

static void take_all(struct session *s)
{
    struct xmb_str run;
    size_t taken;

    while (may_go_on(s) && peek_run(s, &run)) {
        taken = take_run(s, run);
        if (taken == 0 || s->state == CLOSING)
            return;
        xs_host->buf->drop(s->in, taken);
    }
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
    if (s->in != NULL)
        take_all(s);
    if (s->in != NULL && s->state == LEAVING)
        discard(s);
    s->running = 0;
    settle(s);
    xs_notify_pump(s);
}
