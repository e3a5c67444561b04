/* SPDX-License-Identifier: MIT */
/*
 * flow_dead.c - a peer that was asked and does not answer is dead in both directions: the streams
 * that it opened to us stand on any worker, and its system may go on acknowledging for them.
 */
#include "flow_priv.h"
#include "incoming.h"

#include <stdlib.h>

struct obituary {
    struct s2_post post;
    enum s2_side side;
    uint64_t since_ms;
    struct s2_domain remote;
};

static void arrived(struct xmb_worker *xw, void *arg)
{
    struct obituary *o = arg;

    if (xw != NULL)
        s2_in_dead(s2_host->worker->state(xw, o->post.module), o->side, &o->remote,
                   o->since_ms);
    free(o);
}

static void tell(struct s2_worker *w, uint32_t to, const struct obituary *news)
{
    struct obituary *o = malloc(sizeof(*o));

    if (o == NULL)
        return; /* they end when they are idle */
    *o = *news;
    o->post.fn = arrived;
    o->post.module = w->module->module;
    o->post.to = to;
    o->post.bytes = sizeof(*o);
    s2_outbox_send(w->flows, &o->post);
}

void s2_flow_dead(struct s2_worker *w, enum s2_side side, const struct s2_domain *remote,
                  uint64_t since_ms)
{
    struct obituary news = {.side = side, .since_ms = since_ms, .remote = *remote};
    uint32_t i;

    for (i = 0; i < w->count; i++) {
        if (i == w->index)
            s2_in_dead(w, side, remote, since_ms);
        else
            tell(w, i, &news);
    }
}
