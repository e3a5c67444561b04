/* SPDX-License-Identifier: MIT */
/*
 * outbox.c - what goes to other workers: one queue for each, first in first out, posted at the end
 * of a turn.
 *
 * A full mailbox (XMB_EAGAIN) leaves the queue as it is; it is tried again after RETRY_MS, and
 * paths into it stop their sources meanwhile. So order holds and what waits here is bounded by what
 * the paths let in. When the broker stops, what cannot be posted is handed to its own function
 * without a worker, which frees and counts it.
 */
#include "flow_priv.h"

#include <stdlib.h>

#define RETRY_MS 5

static void retry(struct xmb_worker *xw, void *arg)
{
    struct s2_flows *fl = arg;

    (void)xw;
    fl->retry_runs = 0;
    s2_path_flush(fl->w);
}

int s2_outbox_init(struct s2_flows *fl)
{
    fl->out = calloc(fl->w->count, sizeof(*fl->out));
    fl->retry = s2_host->timer->create(fl->w->worker, fl->w->module->module, retry, fl);
    return fl->out != NULL && fl->retry != NULL ? 0 : XMB_ENOMEM;
}

/* From here on it is another's: nothing may be added to it. */
static void let_go(struct s2_post *p)
{
    if (p->leaves != NULL)
        *p->leaves = NULL;
    p->leaves = NULL;
}

void s2_outbox_fini(struct s2_flows *fl)
{
    struct s2_post *p;
    uint32_t i;

    for (i = 0; fl->out != NULL && i < fl->w->count; i++) {
        while ((p = fl->out[i].first) != NULL) {
            fl->out[i].first = p->next;
            let_go(p);
            p->fn(NULL, p);
        }
    }
    for (i = 0; i < fl->slot_count; i++)
        free(fl->slots[i].port);
    free(fl->slots);
    s2_host->timer->destroy(fl->retry);
    free(fl->out);
}

static void start_retry(struct s2_flows *fl, uint64_t ms)
{
    if (fl->retry_runs)
        return;
    fl->retry_runs = 1;
    s2_host->timer->start(fl->retry, ms);
}

void s2_outbox_soon(struct s2_flows *fl)
{
    start_retry(fl, 1);
}

void s2_outbox_add(struct s2_flows *fl, struct s2_post *p)
{
    struct s2_queue *q = &fl->out[p->to];

    p->next = NULL;
    if (q->last != NULL)
        q->last->next = p;
    else
        q->first = p;
    q->last = p;
    q->bytes += p->bytes;
    fl->out_waits = 1;
}

/* 0: it is the other worker's, or freed. */
static int post(struct s2_post *p)
{
    struct xmb_worker *xw = s2_host->worker->at(p->to);
    int rc;

    let_go(p);
    rc = s2_host->worker->post(xw, p->module, p->fn, p, p->bytes);
    if (rc == XMB_EAGAIN || rc == XMB_ENOMEM)
        return XMB_EAGAIN;
    if (rc != 0)
        p->fn(NULL, p);
    return 0;
}

void s2_outbox_send(struct s2_flows *fl, struct s2_post *p)
{
    if (fl->out[p->to].first == NULL && post(p) == 0)
        return;
    s2_outbox_add(fl, p);
    s2_outbox_soon(fl);
}

static void flush(struct s2_flows *fl, uint32_t to)
{
    struct s2_queue *q = &fl->out[to];
    struct s2_post *p;
    uint32_t bytes;

    while ((p = q->first) != NULL) {
        struct s2_post *next = p->next;

        bytes = p->bytes;
        if (post(p) != 0) {
            q->stuck = 1;
            fl->out_waits = 1;
            start_retry(fl, RETRY_MS);
            return;
        }
        q->first = next;
        q->bytes -= bytes;
    }
    q->last = NULL;
    if (!q->stuck)
        return;
    q->stuck = 0;
    s2_ports_unstuck(fl, to);
}

void s2_outbox_flush(struct s2_flows *fl)
{
    uint32_t i;

    if (!fl->out_waits)
        return;
    fl->out_waits = 0;
    for (i = 0; i < fl->w->count; i++)
        flush(fl, i);
}
