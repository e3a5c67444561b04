/* SPDX-License-Identifier: MIT */
/*
 * rtp_show.c - what waits and for what, as tables show it. Nothing of it is kept: it is found when
 * an operator asks, so that sending costs the same whether anybody does or not.
 */
#include "rtp_priv.h"

#define NS_PER_MS UINT64_C(1000000)

uint32_t se_rtp_unacknowledged(const struct se_rtp_peer *p)
{
    return p->out != NULL ? p->out->service_count : 0;
}

const void *se_rtp_next_item(const struct se_rtp_link *l)
{
    const struct se_rtp_node *next = l->flow.first;
    const struct se_rtp_peer *p;

    for (p = l->first; p != NULL; p = p->next)
        if (p->queue.first != NULL && (next == NULL || p->queue.first->order < next->order))
            next = p->queue.first;
    return next != NULL ? next->m.item : NULL;
}

int se_rtp_is_waiting(const struct se_rtp *r, const struct se_rtp_peer *p,
                      const struct se_rtp_message *m)
{
    return (p->queue.count > 0 && se_rtp__find(r, &p->queue, m) != NULL) ||
           (p->link->flow.count > 0 && se_rtp__find(r, &p->link->flow, m) != NULL);
}

uint64_t se_rtp_paced_until_ms(const struct se_rtp_link *l, uint64_t now_ms)
{
    uint64_t until_ms = l->paced_until_ns / NS_PER_MS;

    return until_ms > now_ms ? until_ms : 0;
}

uint64_t se_rtp_flow_until_ms(const struct se_rtp_link *l, uint64_t now_ms)
{
    if (l->flow.first == NULL || l->timer.place == 0 || se_rtp_paced_until_ms(l, now_ms) != 0)
        return 0;
    return l->timer.at_ms;
}
